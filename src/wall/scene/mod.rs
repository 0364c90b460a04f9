//! Scene files: which panels a scene has and where they stand, `assets/scenes/NAME.toml`.
//!
//! A file names its panels, each with a kind and what that kind needs, and one layout for each shape of wall: columns
//! from left to right, panels in them from top to bottom, in design units that the wall scales. A wrong file is told in
//! one sentence with file, line and a suggestion; the wall goes on with the last good one.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::model::message::MetricRef;
use crate::model::text::{self, nearest};
use crate::model::{City, assets};

use super::canvas::Rect;
use super::layout::{self, Column, Ground, Place};
use super::options::{Lang, Mode};
use super::panels::Panel;
use super::screen::{SeamLines, Seams};

mod folder;
mod mistakes;
mod read;

pub use folder::Scenes;
use mistakes::{line_of, line_with};

/// What is wrong with a scene file.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[error("{path}:{line}: {message}")]
pub struct SceneError {
    pub path: String,
    /// Counted from 1; 1 when the whole file is meant.
    pub line: usize,
    pub message: String,
}

/// A text in both languages of the wall.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct Words {
    #[serde(default)]
    pub zh: String,
    #[serde(default)]
    pub en: String,
}

impl Words {
    pub fn pick(&self, lang: Lang) -> &str {
        lang.pick(&self.zh, &self.en)
    }
    pub fn is_empty(&self) -> bool {
        self.zh.is_empty() && self.en.is_empty()
    }
}

/// A metric as a scene file writes it: `"boards_today"`, with parameters `"opened_curve?area=330203"`.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(from = "String")]
pub struct Metric(pub MetricRef);

impl From<String> for Metric {
    fn from(text: String) -> Metric {
        let (name, params) = text.split_once('?').unwrap_or((&text, ""));
        let params = params.split('&').filter_map(|pair| pair.split_once('='));
        let params = params.map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
        Metric(MetricRef { name: name.to_owned(), params })
    }
}

/// What every panel has, whatever its kind.
pub struct PanelSpec {
    pub id: String,
    pub kind: String,
    pub title: Words,
    /// Beside the title: window or legend.
    pub note: Words,
    /// Drawn with a surface behind it.
    pub framed: bool,
    /// Shown only where the city has this service; its neighbours take its place elsewhere.
    pub service: Option<String>,
    /// Modes that show it; empty: all.
    pub modes: Vec<String>,
    /// Every metric it shows.
    pub metrics: Vec<MetricRef>,
    /// Its place in the file, bytes.
    span: std::ops::Range<usize>,
    pub panel: Box<dyn Panel>,
}

pub struct Layout {
    pub shape: String,
    modes: Vec<String>,
    pub size: [f32; 2],
    gap: f32,
    columns: Vec<Column>,
    bottom: Option<usize>,
    behind: Option<usize>,
}

pub struct Scene {
    /// No other reading of any scene file has it.
    pub serial: u64,
    path: String,
    pub name: String,
    pub title: Words,
    pub tab: Words,
    pub subtitle: Words,
    pub order: u32,
    pub dwell_s: f32,
    pub chrome: bool,
    pub modes: Vec<String>,
    pub rotates: bool,
    pub panels: Vec<PanelSpec>,
    pub layouts: Vec<Layout>,
}

/// A scene fitted to a screen: scale, origin, and each panel's place in design units.
#[derive(Clone, Debug, PartialEq)]
pub struct Fitted {
    /// Pixels a design unit.
    pub scale: f32,
    /// The whole wall in design units.
    pub wall: Rect,
    /// In paint order.
    pub places: Vec<Place>,
    pub seams: SeamLines,
    /// How much larger than usual the panels' titles are.
    pub heading: f32,
}

impl Scene {
    /// Reads and checks a scene file.
    ///
    /// # Errors
    /// The first thing that is wrong, with its line.
    pub fn load(path: &Path) -> Result<Scene, SceneError> {
        Scene::read(path).map_err(first)
    }

    /// As [`Scene::load`], with all that is wrong.
    ///
    /// # Errors
    /// What is wrong, each with its line.
    pub fn read(path: &Path) -> Result<Scene, Vec<SceneError>> {
        let shown = path.display().to_string();
        let text = text::read(path).map_err(|error| {
            vec![SceneError { path: shown.clone(), line: 1, message: format!("the scene cannot be read: {error}") }]
        })?;
        let name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        read::scene(&shown, &name, &text)
    }

    /// # Errors
    /// The first thing that is wrong, with its line.
    pub fn parse(path: &str, name: &str, text: &str) -> Result<Scene, SceneError> {
        read::scene(path, name, text).map_err(first)
    }

    /// Metrics that are not there, and columns that they lack; `columns` gives those of a metric.
    pub fn problems(&self, columns: &dyn Fn(&str) -> Option<Vec<String>>) -> Vec<SceneError> {
        let text = text::read(Path::new(&self.path)).unwrap_or_default();
        let fail = |spec: &PanelSpec, words: &[&str], message: String| {
            let part = text.get(spec.span.clone()).unwrap_or_default();
            let line = line_of(&text, spec.span.start) + line_with(part, words);
            SceneError { path: self.path.clone(), line, message }
        };
        let mut problems: Vec<SceneError> = Vec::new();
        let mut add = |problem: SceneError| {
            if !problems.contains(&problem) {
                problems.push(problem);
            }
        };
        for spec in &self.panels {
            for metric in &spec.metrics {
                if columns(&metric.name).is_none() {
                    let message = format!("metric {:?} is not in queries/; add the file or name another", metric.name);
                    add(fail(spec, &[&metric.name], message));
                }
            }
            for (metric, column) in spec.panel.columns() {
                let Some(known) = columns(&metric.0.name) else { continue };
                if column.is_empty() || known.iter().any(|known| known == column) {
                    continue;
                }
                let hint = match nearest(column, known.iter().map(String::as_str)) {
                    Some(near) => format!("did you mean {near:?}? "),
                    None => String::new(),
                };
                let (id, name) = (&spec.id, &metric.0.name);
                let message = format!(
                    "panel {id:?}: metric {name:?} has no column {column:?}; {hint}It has {}",
                    known.join(", ")
                );
                add(fail(spec, &[column, name], message));
            }
        }
        problems
    }

    /// Every metric the scene shows, each once.
    pub fn metrics(&self) -> Vec<MetricRef> {
        let mut metrics: Vec<MetricRef> = Vec::new();
        for metric in self.panels.iter().flat_map(|spec| &spec.metrics) {
            if !metrics.contains(metric) {
                metrics.push(metric.clone());
            }
        }
        metrics
    }

    /// Fits the scene to a screen: the layout of the nearest shape, widened or heightened to fill it, its gaps on the
    /// seams. Of layouts of like shape it is the first through whose panels the fewest seams go.
    pub fn fit(&self, size: [u32; 2], seams: Seams, city: &City, mode: Mode) -> Fitted {
        let [width, height] = size.map(|side| side.max(1) as f32);
        let aspect = (width / height).ln();
        // Of like shapes the one that names the mode.
        let off = |layout: &Layout| {
            let general = if layout.modes.is_empty() { LIKE * 0.5 } else { 0.0 };
            ((layout.size[0] / layout.size[1]).ln() - aspect).abs() + general
        };
        let mut usable: Vec<&Layout> = self.layouts.iter().filter(|layout| layout.is_for(mode)).collect();
        usable.sort_by(|a, b| off(a).total_cmp(&off(b)));
        let nearest = usable.first().copied().unwrap_or(&self.layouts[0]);
        let best = self.fit_to(nearest, [width, height], seams, city, mode);
        let crossed = |fitted: &Fitted| {
            fitted.places.iter().filter(|place| layout::is_crossed(place, &self.panels, &fitted.seams)).count()
        };
        let mut least = crossed(&best);
        let mut best = best;
        for layout in usable.iter().skip(1).take_while(|layout| off(layout) <= off(nearest) + LIKE) {
            if least == 0 {
                break;
            }
            let other = self.fit_to(layout, [width, height], seams, city, mode);
            if crossed(&other) < least {
                (least, best) = (crossed(&other), other);
            }
        }
        best
    }

    fn fit_to(&self, layout: &Layout, [width, height]: [f32; 2], seams: Seams, city: &City, mode: Mode) -> Fitted {
        let scale = (width / layout.size[0]).min(height / layout.size[1]);
        let wall = Rect::new(0.0, 0.0, width / scale, height / scale);
        let seams = SeamLines::new(seams, wall, layout.gap);
        let mut places = Vec::new();
        if let Some(panel) = layout.behind {
            places.push(Place { panel, rect: wall, zoom: 1.0, is_chosen: false });
        }
        let inner = layout::inner(wall, self.chrome);
        let is_shown = |panel: usize| self.is_shown(panel, city, mode);
        let ground = Ground { panels: &self.panels, seams: &seams, gap: layout.gap, is_shown: &is_shown };
        ground.columns(&layout.columns, inner, &mut places);
        if let Some(panel) = layout.bottom {
            let rect = Rect::new(inner.left, wall.bottom - layout::FOOTER + 12.0, inner.width(), 44.0);
            places.push(Place { panel, rect, zoom: 1.0, is_chosen: false });
        }
        let heading = layout::heading_zoom(&places, &self.panels);
        layout::keep_below_titles(&mut places, heading);
        Fitted { scale, wall, places, seams, heading }
    }

    fn is_shown(&self, panel: usize, city: &City, mode: Mode) -> bool {
        let modes = &self.panels[panel].modes;
        if !modes.is_empty() && !modes.iter().any(|name| name == mode.name()) {
            return false;
        }
        let service = self.panels[panel].service.as_deref();
        service.is_none_or(|code| city.services.is_empty() || city.services.iter().any(|known| known.code == code))
    }
}

/// Layouts whose proportions differ by no more, as a share, are of like shape.
const LIKE: f32 = 0.02;

impl Layout {
    fn is_for(&self, mode: Mode) -> bool {
        self.modes.is_empty() || self.modes.iter().any(|name| name == mode.name())
    }
}

fn first(problems: Vec<SceneError>) -> SceneError {
    let none = || SceneError { path: String::new(), line: 1, message: "the scene does not read".into() };
    problems.into_iter().next().unwrap_or_else(none)
}

/// The folder of scene files.
pub fn folder() -> PathBuf {
    assets::path("scenes")
}

/// All scene files, with what is wrong with the wrong ones; in the order of the rotation.
pub fn load_all(folder: &Path) -> (Vec<Scene>, Vec<SceneError>) {
    let (mut scenes, mut problems) = (Vec::new(), Vec::new());
    for path in assets::files(folder, "toml").unwrap_or_default() {
        match Scene::read(&path) {
            Ok(scene) => scenes.push(scene),
            Err(wrong) => problems.extend(wrong),
        }
    }
    scenes.sort_by(|a, b| (a.order, &a.name).cmp(&(b.order, &b.name)));
    (scenes, problems)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
title = { zh = "试", en = "Test" }

[[panel]]
id = "solved"
kind = "hero"
title = { zh = "累计", en = "Total" }
metric = "solved_total"

[[layout]]
shape = "16:9"
size = [1920, 1080]
columns = [
  { width = 400, panels = [{ id = "solved", height = 200 }] },
  { panels = [] },
]
"#;

    fn error(text: &str) -> SceneError {
        Scene::parse("a.toml", "a", text).err().unwrap()
    }

    #[test]
    fn of_like_layouts_the_one_through_whose_panels_fewer_seams_go_is_taken() {
        let scene = Scene::load(&folder().join("loop.toml")).unwrap();
        let city = City::load("ningbo").unwrap();
        let shows_boards = |seams| {
            let fitted = scene.fit([7680, 2160], seams, &city, Mode::Lobby);
            fitted.places.iter().any(|place| scene.panels[place.panel].id == "boards")
        };
        assert!(!shows_boards(Seams::NONE) && !shows_boards(Seams { columns: 2, rows: 1, strip: 0.0 }));
        assert!(
            shows_boards(Seams { columns: 4, rows: 2, strip: 0.0 }),
            "bands between two lists have no gap for a seam"
        );
    }

    #[test]
    fn a_good_scene_is_fitted_to_any_screen() {
        let scene = Scene::parse("a.toml", "a", GOOD).unwrap();
        let city = City::load("ningbo").unwrap();
        assert_eq!(scene.metrics()[0].name, "solved_total");
        let fitted = scene.fit([3840, 2160], Seams::NONE, &city, Mode::Ops);
        assert_eq!(fitted.scale, 2.0);
        let Place { panel, rect, zoom, .. } = fitted.places[0];
        assert_eq!((panel, rect.left, rect.right, rect.bottom.round()), (0, 36.0, 436.0, 992.0));
        assert_eq!(zoom, 1.0, "a narrow panel, however high, is drawn as it is");
        let wide = scene.fit([3840, 1080], Seams::NONE, &city, Mode::Ops);
        assert_eq!((wide.scale, wide.wall.right), (1.0, 3840.0));
    }

    #[test]
    fn columns_may_lie_in_a_column_and_a_panel_grows_with_its_room() {
        let second = GOOD
            .replace("[[layout]]", "[[panel]]\nid = \"more\"\nkind = \"hero\"\nmetric = \"open_now\"\n\n[[layout]]");
        let nested = "{ columns = [{ panels = [{ id = \"solved\" }] }, { panels = [{ id = \"more\", zoom = 2.0 }] }] }";
        let text =
            second.replace("{ id = \"solved\", height = 200 }", nested).replace("width = 400, ", "share = 3.0, ");
        let scene = Scene::parse("a.toml", "a", &text).unwrap();
        let fitted = scene.fit([1920, 1080], Seams::NONE, &City::load("ningbo").unwrap(), Mode::Ops);
        let [left, right] = [fitted.places[0], fitted.places[1]];
        assert!((left.rect.right + 20.0 - right.rect.left).abs() < 0.01 && left.rect.bottom == right.rect.bottom);
        assert!(left.zoom > 1.0 && right.zoom == 2.0, "{left:?} {right:?}");
        let neither = error(&second.replace("id = \"solved\", height", "height"));
        assert!(neither.message.contains("or holds columns"), "{neither}");
        let zoom = error(&second.replace("height = 200", "zoom = 20"));
        assert!(zoom.message.contains("0.5 to 3"), "{zoom}");
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line_and_a_suggestion() {
        let wrong_kind = error(&GOOD.replace("\"hero\"", "\"heroo\""));
        assert_eq!((wrong_kind.line, wrong_kind.message.contains("did you mean \"hero\"")), (6, true), "{wrong_kind}");
        let wrong_key = error(&GOOD.replace("metric =", "metrc ="));
        assert_eq!((wrong_key.line, wrong_key.message.contains("did you mean `metric`")), (8, true), "{wrong_key}");
        let wrong_place = error(&GOOD.replace("id = \"solved\", h", "id = \"solvd\", h"));
        assert_eq!(
            (wrong_place.line, wrong_place.message.contains("did you mean \"solved\"")),
            (14, true),
            "{wrong_place}"
        );
        let wrong_toml = error(&GOOD.replace("[[layout]]", "[[layout]"));
        assert_eq!(wrong_toml.line, 10, "{wrong_toml}");
        let wrong_shape = error(&GOOD.replace("shape =", "shap ="));
        assert_eq!(
            (wrong_shape.line, wrong_shape.message.contains("did you mean `shape`")),
            (11, true),
            "{wrong_shape}"
        );
    }

    #[test]
    fn the_scenes_that_ship_are_good() {
        let (scenes, problems) = load_all(&folder());
        assert_eq!(problems, []);
        assert!(scenes.iter().any(|scene| scene.name == "overview"));
    }
}
