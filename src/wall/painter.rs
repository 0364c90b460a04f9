//! Composes one picture: chrome and panels of a scene into the two layers of the canvas.
//!
//! The picture is a function of what the wall knows, the clock, the scene, the size, mode and language.

use crate::model::City;

use super::canvas::gpu::Picture;
use super::canvas::{DisplayList, Face, Glyphs, Paint, Rect, Style};
use super::chrome::Chrome;
use super::data::Data;
use super::options::{Lang, Mode};
use super::panels::Cx;
use super::scene::{Fitted, PanelSpec, Scene};
use super::tokens::{self, size};

/// What to paint.
pub struct View<'a> {
    pub data: &'a Data,
    pub scene: &'a Scene,
    pub tabs: &'a [(String, String)],
    pub mode: Mode,
    pub lang: Lang,
    pub size: [u32; 2],
    /// The hub's clock, µs.
    pub now_us: i64,
    /// The wall's second.
    pub now_s: f64,
    /// A still picture: motion is over.
    pub settled: bool,
    pub frozen_us: Option<i64>,
    pub as_of: bool,
    pub problem: Option<&'a str>,
}

/// What the back layer was painted from; it is painted again when this changes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BackKey {
    scene: String,
    fitted: Option<Fitted>,
    versions: Vec<u64>,
    size: [u32; 2],
}

/// Paints the picture. Returns whether something in it moves.
pub fn paint(view: &View<'_>, glyphs: &mut Glyphs, picture: &mut Picture, back_key: &mut BackKey) -> bool {
    let mut moving = false;
    // A full glyph atlas is emptied and the picture painted once more.
    for _ in 0..2 {
        moving = paint_once(view, glyphs, picture, back_key);
        if !glyphs.overflowed {
            break;
        }
        tracing::warn!("the glyph atlas of {0}×{0} is full and was emptied", glyphs.atlas_side);
        glyphs.overflowed = false;
        glyphs.empty_atlas();
        *back_key = BackKey::default();
    }
    picture.uploads.append(&mut glyphs.uploads);
    picture.size = view.size;
    picture.atlas_side = glyphs.atlas_side;
    picture.draw = true;
    moving
}

fn paint_once(view: &View<'_>, glyphs: &mut Glyphs, picture: &mut Picture, back_key: &mut BackKey) -> bool {
    let neutral = neutral_city();
    let city = view.data.city.as_deref().unwrap_or(&neutral);
    let fitted = view.scene.fit(view.size, city, view.mode);
    let mut moving = false;
    let key = BackKey {
        scene: view.scene.name.clone(),
        versions: fitted
            .places
            .iter()
            .map(|(panel, _)| view.scene.panels[*panel].panel.back_version(view.data))
            .collect(),
        size: view.size,
        fitted: Some(fitted.clone()),
    };
    if key != *back_key {
        *back_key = key;
        picture.back_changed = true;
        picture.back.clear();
        let mut pen = pen(&mut picture.back, glyphs, fitted.scale);
        for (panel, rect) in &fitted.places {
            let spec = &view.scene.panels[*panel];
            if spec.framed {
                surface(&mut pen, *rect);
            }
            spec.panel.paint_back(&mut context(view, city, spec, *rect, &mut pen, &mut moving));
        }
    }
    picture.front.clear();
    let mut pen = pen(&mut picture.front, glyphs, fitted.scale);
    let chrome = Chrome {
        data: view.data,
        city,
        scene: view.scene,
        tabs: view.tabs,
        lang: view.lang,
        now_us: view.now_us,
        now_s: view.now_s,
        frozen_us: view.frozen_us,
        as_of: view.as_of,
        problem: view.problem,
    };
    for (panel, rect) in &fitted.places {
        let spec = &view.scene.panels[*panel];
        let late_s = lateness(view, spec);
        pen.grey = late_s.map_or(0.0, |late_s| 0.25 + 0.6 * (late_s as f32 / tokens::GREY_S).min(1.0));
        let least = spec.panel.least();
        if rect.width() + 0.5 < least[0] || rect.height() + 0.5 < least[1] {
            too_small(&mut pen, view.lang, spec, *rect);
            continue;
        }
        spec.panel.paint(&mut context(view, city, spec, *rect, &mut pen, &mut moving));
        failure(&mut pen, view, spec, *rect);
        pen.grey = 0.0;
    }
    pen.grey = 0.0;
    if view.scene.chrome {
        chrome.header(&mut pen, fitted.wall);
        chrome.footer(&mut pen, fitted.wall);
    } else {
        chrome.sparse(&mut pen, fitted.wall);
        chrome.footer(&mut pen, fitted.wall);
    }
    moving
}

fn pen<'a>(list: &'a mut DisplayList, glyphs: &'a mut Glyphs, scale: f32) -> Paint<'a> {
    Paint { list, glyphs, scale, origin: [0.0, 0.0], grey: 0.0, opacity: 1.0 }
}

fn context<'a, 'p>(
    view: &View<'a>,
    city: &'a City,
    spec: &'a PanelSpec,
    rect: Rect,
    paint: &'a mut Paint<'p>,
    moving: &'a mut bool,
) -> Cx<'a, 'p> {
    Cx {
        late_s: lateness(view, spec),
        paint,
        rect,
        spec,
        data: view.data,
        city,
        lang: view.lang,
        mode: view.mode,
        now_us: view.now_us,
        now_s: view.now_s,
        settled: view.settled,
        moving,
    }
}

/// The surface a panel stands on: a soft gradient with a line of light along its top.
fn surface(pen: &mut Paint<'_>, rect: Rect) {
    pen.gradient(rect, 3.0, tokens::PANEL_TOP, tokens::PANEL_BOTTOM, false);
    let line = Rect { bottom: rect.top + 1.5, ..rect };
    pen.gradient(line, 0.0, tokens::PANEL_EDGE, tokens::PANEL_EDGE.alpha(0.35), true);
}

/// Seconds since the hub was last heard, once that is too long.
fn lateness(view: &View<'_>, spec: &PanelSpec) -> Option<f64> {
    if view.as_of || view.frozen_us.is_some() || spec.panel.metrics().is_empty() {
        return None;
    }
    view.data.silence_s(view.now_s).filter(|silence_s| *silence_s > f64::from(tokens::LATE_S))
}

/// One line at the foot of a panel whose query failed; its last good rows stay above it.
fn failure(pen: &mut Paint<'_>, view: &View<'_>, spec: &PanelSpec, rect: Rect) {
    for metric in spec.panel.metrics() {
        let table = view.data.metric(&metric.0);
        let unknown = !view.data.known_metrics.is_empty()
            && !table.is_known()
            && !view.data.known_metrics.iter().any(|known| *known == metric.0.name);
        let text = match table.error() {
            Some(error) => format!("▲ {}: {error}", metric.0.name),
            None if unknown => format!("▲ {} {}", view.lang.pick("没有这个指标：", "no such metric:"), metric.0.name),
            None => continue,
        };
        let style = Style::new(Face::Text, size::NOTE, tokens::WARN);
        let padding = tokens::PANEL_PADDING;
        let band = Rect { top: rect.bottom - 24.0, ..rect };
        pen.rect(band, 0.0, tokens::GROUND_EDGE.alpha(0.9));
        pen.text_within(rect.left + padding, rect.bottom - 7.0, rect.width() - 2.0 * padding, &text, &style);
        return;
    }
}

fn too_small(pen: &mut Paint<'_>, lang: Lang, spec: &PanelSpec, rect: Rect) {
    let style = Style::new(Face::Text, size::NOTE, tokens::TEXT_FAINT);
    let text = format!("{} {}", spec.title.pick(lang), lang.pick("放不下", "does not fit"));
    pen.text_within(rect.left + 8.0, rect.middle_y(), rect.width() - 16.0, &text, &style);
}

/// Stands in until the hub has said which city it is.
fn neutral_city() -> City {
    City {
        code: String::new(),
        zh: String::new(),
        en: String::new(),
        title_zh: "灵屏".into(),
        title_en: "Lingping".into(),
        motto_zh: String::new(),
        motto_en: String::new(),
        tz: chrono_tz::UTC,
        since: String::new(),
        satisfied_from: 4,
        instant_s: 60,
        map: None,
        map_source: String::new(),
        areas: Vec::new(),
        boards: Vec::new(),
        services: Vec::new(),
        channels: Vec::new(),
        topics: Vec::new(),
        lines: Vec::new(),
        modules: Vec::new(),
        orgs: Vec::new(),
        items: Vec::new(),
        baselines: Vec::new(),
    }
}
