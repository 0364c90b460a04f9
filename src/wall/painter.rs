//! Paints the parts of one picture: a scene's surfaces, its panels and its chrome. `composer` puts them together.
//!
//! Each is a function of what the wall knows, the clock, the scene, the size, mode and language.

use crate::model::City;

use super::canvas::gpu::Shown;
use super::canvas::{DisplayList, Face, Glyphs, Paint, Rect, Style};
use super::chrome::Chrome;
use super::composer::Part;
use super::data::Data;
use super::explain;
use super::layout::Place;
use super::options::{Lang, Mode};
use super::panels::Cx;
use super::scene::{Fitted, PanelSpec, Scene};
use super::screen::{SeamLines, Seams};
use super::tokens::{self, size};

/// What to paint.
pub struct View<'a> {
    pub data: &'a Data,
    pub scene: &'a Scene,
    pub tabs: &'a [(String, String)],
    pub mode: Mode,
    pub lang: Lang,
    pub size: [u32; 2],
    /// Where one display of the wall ends and the next begins.
    pub seams: Seams,
    /// The hub's clock, µs.
    pub now_us: i64,
    /// The wall's second.
    pub now_s: f64,
    /// A still picture: motion is over.
    pub settled: bool,
    pub frozen_us: Option<i64>,
    /// Every panel says how its numbers are made.
    pub explain: bool,
    /// Scenes do not follow one another, where they else would.
    pub paused: bool,
    pub as_of: bool,
    pub problem: Option<&'a str>,
}

impl View<'_> {
    /// Says what is shown, for those who watch from afar.
    pub fn tell(&self, shown: &mut Shown) {
        shown.scene.clone_from(&self.scene.name);
        (shown.mode, shown.lang, shown.frozen) = (self.mode.name(), self.lang.name(), self.frozen_us.is_some());
        (shown.explained, shown.paused) = (self.explain, self.paused);
    }
}

/// A second of the hub's clock; panels know no finer time, so that a picture is the same throughout it.
pub fn second(now_us: i64) -> i64 {
    now_us.div_euclid(1_000_000)
}

/// The surfaces that framed panels stand on.
pub fn surfaces(view: &View<'_>, fitted: &Fitted, pen: &mut Paint<'_>) {
    for place in &fitted.places {
        let spec = &view.scene.panels[place.panel];
        if !spec.framed {
            // Turned over, a map stands on a surface, too.
            let (card, _, stands) = explain::card(spec, place, fitted);
            if view.explain && stands && !explain::is_behind(spec, place, fitted) {
                surface(pen, card, &fitted.seams, [false, false]);
            }
            continue;
        }
        let panel = &spec.panel;
        surface(pen, place.rect, &fitted.seams, [panel.opens_at_upright_seams(), panel.opens_at_seams()]);
    }
}

/// Paints one part of a panel. Returns whether it moves.
pub fn panel(view: &View<'_>, city: &City, fitted: &Fitted, place: &Place, pen: &mut Paint<'_>, part: Part) -> bool {
    let spec = &view.scene.panels[place.panel];
    if view.explain && (part == Part::Still || !explain::is_behind(spec, place, fitted)) {
        if part == Part::Still {
            explained(view, city, fitted, place, pen);
        }
        return false;
    }
    let (rect, plain) = (place.rect, pen.scale);
    let mut moving = false;
    let least = spec.panel.least();
    pen.scale *= place.zoom;
    let mut with = |pen: &mut Paint<'_>, paint: &dyn Fn(&mut Cx<'_, '_>)| {
        paint(&mut context(view, city, fitted, place, pen, &mut moving));
    };
    let fits = rect.width() + 0.5 >= least[0] && rect.height() + 0.5 >= least[1];
    match part {
        Part::Back => with(pen, &|cx| spec.panel.paint_back(cx)),
        Part::Settled => with(pen, &|cx| spec.panel.paint_settled(cx)),
        Part::Moving if fits => with(pen, &|cx| spec.panel.paint_moving(cx)),
        Part::Still if fits => {
            let late_s = lateness(view, spec);
            pen.grey = late_s.map_or(0.0, |late_s| 0.25 + 0.6 * (late_s as f32 / tokens::GREY_S).min(1.0));
            with(pen, &|cx| spec.panel.paint(cx));
            pen.clip(None);
            pen.scale = plain;
            failure(pen, view, spec, rect);
            pen.grey = 0.0;
        }
        Part::Still => {
            pen.scale = plain;
            too_small(pen, view.lang, spec, rect);
        }
        Part::Moving => {}
    }
    pen.scale = plain;
    moving
}

/// Paints a panel turned over: how its numbers are made.
fn explained(view: &View<'_>, city: &City, fitted: &Fitted, place: &Place, pen: &mut Paint<'_>) {
    let spec = &view.scene.panels[place.panel];
    let (card, zoom, stands) = explain::card(spec, place, fitted);
    if stands && explain::is_behind(spec, place, fitted) {
        pen.rect(card, 3.0, tokens::GROUND_EDGE.alpha(0.86));
        surface(pen, card, &fitted.seams, [false, false]);
    }
    let (plain, mut moving) = (pen.scale, false);
    pen.scale *= zoom;
    let rect = card.times(1.0 / zoom);
    explain::paint(&mut Cx { rect, zoom, heading: zoom, ..context(view, city, fitted, place, pen, &mut moving) });
    pen.scale = plain;
}

/// Header and footer of a view.
pub fn chrome<'a>(view: &View<'a>, city: &'a City, fitted: &Fitted) -> Chrome<'a> {
    let mut panels = fitted.places.iter().filter_map(|place| view.scene.panels.get(place.panel));
    Chrome {
        shows_map: panels.any(|spec| spec.panel.shows_map()),
        data: view.data,
        city,
        scene: view.scene,
        tabs: view.tabs,
        mode: view.mode,
        lang: view.lang,
        now_us: view.now_us,
        now_s: view.now_s,
        frozen_us: view.frozen_us,
        explain: view.explain,
        paused: view.paused,
        as_of: view.as_of,
        problem: view.problem,
    }
}

pub fn pen<'a>(list: &'a mut DisplayList, glyphs: &'a mut Glyphs, scale: f32) -> Paint<'a> {
    Paint { list, glyphs, scale, origin: [0.0, 0.0], grey: 0.0, opacity: 1.0, points_move: false }
}

fn context<'a, 'p>(
    view: &View<'a>,
    city: &'a City,
    fitted: &'a Fitted,
    place: &Place,
    paint: &'a mut Paint<'p>,
    moving: &'a mut bool,
) -> Cx<'a, 'p> {
    let spec = &view.scene.panels[place.panel];
    Cx {
        late_s: lateness(view, spec),
        paint,
        rect: place.rect.times(1.0 / place.zoom),
        zoom: place.zoom,
        heading: fitted.heading,
        seams: &fitted.seams,
        spec,
        data: view.data,
        city,
        lang: view.lang,
        mode: view.mode,
        now_us: second(view.now_us) * 1_000_000,
        now_s: view.now_s,
        settled: view.settled,
        motion_s: (!view.settled || view.frozen_us.is_some()).then_some(view.now_us as f64 / 1e6),
        moving,
    }
}

/// The surface a panel stands on: a soft gradient with a line of light along its top; open at the upright and at the
/// level seams that go through, where the panel gives way to them.
fn surface(pen: &mut Paint<'_>, rect: Rect, seams: &SeamLines, [opens_upright, opens_level]: [bool; 2]) {
    let whole = (vec![[rect.left, rect.right]], vec![[rect.top, rect.bottom]]);
    let lanes = if opens_upright { seams.lanes(rect.left, rect.right) } else { whole.0 };
    let bands = if opens_level { seams.bands(rect.top, rect.bottom) } else { whole.1 };
    let tint = |y: f32| tokens::PANEL_TOP.mix(tokens::PANEL_BOTTOM, (y - rect.top) / rect.height().max(1.0));
    for [left, right] in lanes {
        for [top, bottom] in &bands {
            pen.gradient(Rect { left, top: *top, right, bottom: *bottom }, 3.0, tint(*top), tint(*bottom), false);
        }
        let line = Rect { left, top: rect.top, right, bottom: rect.top + 1.5 };
        pen.gradient(line, 0.0, tokens::PANEL_EDGE, tokens::PANEL_EDGE.alpha(0.35), true);
    }
}

/// Whole seconds that what a panel shows is old, once they are too many: since the hub was last heard or, where no news can
/// come, since the panel's scene was last shown.
pub fn lateness(view: &View<'_>, spec: &PanelSpec) -> Option<f64> {
    if view.as_of || spec.metrics.is_empty() {
        return None;
    }
    let is_late = |seconds: &f64| *seconds > f64::from(tokens::LATE_S);
    let silence_s = view.data.silence_s(view.now_s).filter(|_| view.frozen_us.is_none()).filter(is_late);
    if silence_s.is_none() && view.frozen_us.is_none() {
        return None;
    }
    let left_us = spec.metrics.iter().filter_map(|metric| view.data.left_us(metric)).min();
    let left_s = left_us.map(|left_us| view.now_us.saturating_sub(left_us) as f64 / 1e6).filter(is_late);
    silence_s.into_iter().chain(left_s).reduce(f64::max).map(f64::floor)
}

/// One line at the foot of a panel whose query failed; its last good rows stay above it.
fn failure(pen: &mut Paint<'_>, view: &View<'_>, spec: &PanelSpec, rect: Rect) {
    for metric in &spec.metrics {
        let table = view.data.metric(metric);
        let unknown =
            !view.data.known_metrics.is_empty() && !table.is_known() && !view.data.known_metrics.contains(&metric.name);
        let text = match table.error() {
            Some(error) => format!("▲ {}: {error}", metric.name),
            None if unknown => format!("▲ {} {}", view.lang.pick("没有这个指标：", "no such metric:"), metric.name),
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
pub fn neutral_city() -> City {
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
        centre: None,
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
        milestones: Vec::new(),
    }
}
