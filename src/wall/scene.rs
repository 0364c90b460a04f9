//! Scene files: which panels a scene has and where they stand, `assets/scenes/NAME.toml`.
//!
//! A file names its panels, each with a kind and what that kind needs, and one layout for each shape of wall: columns
//! from left to right, panels in them from top to bottom, in design units that the wall scales. A wrong file is told in
//! one sentence with file, line and a suggestion; the wall goes on with the last good one.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use serde::Deserialize;
use toml::Spanned;

use crate::model::message::MetricRef;
use crate::model::text::{self, nearest};
use crate::model::{City, assets};

use super::canvas::Rect;
use super::options::{Lang, Mode};
use super::panels::{self, Panel};

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

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawScene {
    title: Words,
    #[serde(default)]
    tab: Words,
    #[serde(default)]
    subtitle: Words,
    #[serde(default = "last")]
    order: u32,
    #[serde(default = "dwell")]
    dwell_s: f32,
    /// Header and footer are drawn; the lobby's pictures may go without.
    #[serde(default = "yes")]
    chrome: bool,
    /// The rotation of the lobby shows it.
    #[serde(default = "yes")]
    rotates: bool,
    /// Which modes show the scene in their rotation; left out: all.
    #[serde(default)]
    modes: Vec<String>,
    panel: Vec<Spanned<toml::Table>>,
    layout: Vec<Spanned<RawLayout>>,
}

fn last() -> u32 {
    99
}
fn dwell() -> f32 {
    30.0
}
fn yes() -> bool {
    true
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawLayout {
    shape: String,
    /// Modes it is for; left out: all that have no layout of their own of a like shape.
    #[serde(default)]
    modes: Vec<String>,
    /// Design units.
    size: [f32; 2],
    #[serde(default = "gap")]
    gap: f32,
    columns: Vec<RawColumn>,
    /// The panel along the bottom.
    #[serde(default)]
    bottom: Option<String>,
    /// The panel under everything, as large as the wall.
    #[serde(default)]
    behind: Option<String>,
}

fn gap() -> f32 {
    20.0
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawColumn {
    /// Design units; left out: a share of what is left.
    #[serde(default)]
    width: Option<f32>,
    #[serde(default = "one")]
    share: f32,
    panels: Vec<RawCell>,
}

fn one() -> f32 {
    1.0
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawCell {
    id: String,
    #[serde(default)]
    height: Option<f32>,
    #[serde(default = "one")]
    share: f32,
}

struct Column {
    width: Option<f32>,
    share: f32,
    /// Panel, height, share.
    cells: Vec<(usize, Option<f32>, f32)>,
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

/// Heights of header and footer, design units.
pub const HEADER: f32 = 98.0;
pub const FOOTER: f32 = 88.0;
pub const MARGIN: f32 = 36.0;

/// A scene fitted to a screen: scale, origin, and each panel's place in design units.
#[derive(Clone, Debug, PartialEq)]
pub struct Fitted {
    /// Pixels a design unit.
    pub scale: f32,
    /// The whole wall in design units.
    pub wall: Rect,
    /// Panel and place, in paint order.
    pub places: Vec<(usize, Rect)>,
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
        Scene::parse_all(&shown, &name, &text)
    }

    /// # Errors
    /// The first thing that is wrong, with its line.
    pub fn parse(path: &str, name: &str, text: &str) -> Result<Scene, SceneError> {
        Scene::parse_all(path, name, text).map_err(first)
    }

    fn parse_all(path: &str, name: &str, text: &str) -> Result<Scene, Vec<SceneError>> {
        let fail = |line: usize, message: String| SceneError { path: path.to_owned(), line, message };
        let raw: RawScene = toml::from_str(text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            vec![fail(line_of(text, at), with_suggestion(error.message()) + &text::full_width_hint(text, at))]
        })?;
        let mut problems = Vec::new();
        let end_of = |start: usize| text[start..].find("\n[[").map_or(text.len(), |next| start + next);
        let mut scene_panels: Vec<PanelSpec> = Vec::with_capacity(raw.panel.len());
        // Panels that are there but wrong: a layout may place them.
        let mut wrong_ids = Vec::new();
        for table in raw.panel {
            let span = table.span().start..end_of(table.span().start);
            let id = table.get_ref().get("id").and_then(|id| id.as_str()).map(str::to_owned);
            match read_panel(table.into_inner(), span.clone()) {
                Ok(spec) if scene_panels.iter().any(|known| known.id == spec.id) => {
                    let message = format!("there are two panels {:?}; rename one", spec.id);
                    problems.push(fail(line_of(text, span.start), message));
                }
                Ok(spec) => scene_panels.push(spec),
                Err((key, message)) => {
                    problems.push(fail(line_of_key(text, span.start, span.end, &key), message));
                    wrong_ids.extend(id);
                }
            }
        }
        let mut layouts = Vec::with_capacity(raw.layout.len());
        for layout in raw.layout {
            let start = layout.span().start;
            let mut wrong = Vec::new();
            layouts.push(read_layout(layout.into_inner(), &scene_panels, &wrong_ids, &mut wrong));
            let place = |(key, message): Wrong| fail(line_of_key(text, start, end_of(start), &key), message);
            problems.extend(wrong.into_iter().map(place));
        }
        if layouts.is_empty() {
            problems.push(fail(1, "the scene has no [[layout]]; add one with shape = \"16:9\"".into()));
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        let tab = if raw.tab.is_empty() { raw.title.clone() } else { raw.tab };
        static SERIAL: AtomicU64 = AtomicU64::new(1);
        Ok(Scene {
            serial: SERIAL.fetch_add(1, Ordering::Relaxed),
            path: path.to_owned(),
            name: name.to_owned(),
            title: raw.title,
            tab,
            subtitle: raw.subtitle,
            order: raw.order,
            dwell_s: raw.dwell_s.max(20.0),
            chrome: raw.chrome,
            modes: raw.modes,
            rotates: raw.rotates,
            panels: scene_panels,
            layouts,
        })
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

    /// Fits the scene to a screen: the layout of the nearest shape, widened or heightened to fill it.
    pub fn fit(&self, size: [u32; 2], city: &City, mode: Mode) -> Fitted {
        let [width, height] = size.map(|side| side.max(1) as f32);
        let aspect = (width / height).ln();
        // Of like shapes the one that names the mode.
        let off = |layout: &Layout| {
            let general = if layout.modes.is_empty() { 0.01 } else { 0.0 };
            ((layout.size[0] / layout.size[1]).ln() - aspect).abs() + general
        };
        let usable = self.layouts.iter().filter(|layout| layout.is_for(mode));
        let layout = usable.min_by(|a, b| off(a).total_cmp(&off(b))).unwrap_or(&self.layouts[0]);
        let scale = (width / layout.size[0]).min(height / layout.size[1]);
        let wall = Rect::new(0.0, 0.0, width / scale, height / scale);
        Fitted { scale, wall, places: layout.places(wall, self.chrome, &|panel| self.is_shown(panel, city, mode)) }
    }
}

impl Scene {
    fn is_shown(&self, panel: usize, city: &City, mode: Mode) -> bool {
        let modes = &self.panels[panel].modes;
        if !modes.is_empty() && !modes.iter().any(|name| name == mode.name()) {
            return false;
        }
        let service = self.panels[panel].service.as_deref();
        service.is_none_or(|code| city.services.is_empty() || city.services.iter().any(|known| known.code == code))
    }
}

impl Layout {
    fn is_for(&self, mode: Mode) -> bool {
        self.modes.is_empty() || self.modes.iter().any(|name| name == mode.name())
    }

    fn places(&self, wall: Rect, chrome: bool, is_shown: &dyn Fn(usize) -> bool) -> Vec<(usize, Rect)> {
        let mut places = Vec::new();
        if let Some(behind) = self.behind {
            places.push((behind, wall));
        }
        let (top, bottom) = if chrome { (HEADER, FOOTER) } else { (MARGIN, MARGIN) };
        let inner = Rect {
            left: wall.left + MARGIN,
            top: wall.top + top,
            right: wall.right - MARGIN,
            bottom: wall.bottom - bottom,
        };
        // A column of which nothing is shown here leaves its place to the others.
        let shown = |column: &&Column| column.cells.is_empty() || column.cells.iter().any(|cell| is_shown(cell.0));
        let columns: Vec<&Column> = self.columns.iter().filter(shown).collect();
        let fixed: f32 = columns.iter().filter_map(|column| column.width).sum();
        let shares: f32 = columns.iter().filter(|column| column.width.is_none()).map(|column| column.share).sum();
        let gaps = self.gap * (columns.len() as f32 - 1.0).max(0.0);
        let free = (inner.width() - fixed - gaps).max(0.0);
        // Columns that are all of fixed width share what is left over.
        let stretch = if shares > 0.0 { 1.0 } else { (inner.width() - gaps) / fixed.max(1.0) };
        let mut left = inner.left;
        for column in columns {
            let width = column.width.map_or_else(|| free * column.share / shares.max(0.001), |width| width * stretch);
            let cells: Vec<_> = column.cells.iter().filter(|cell| is_shown(cell.0)).collect();
            let fixed: f32 = cells.iter().filter_map(|cell| cell.1).sum();
            let shares: f32 = cells.iter().filter(|cell| cell.1.is_none()).map(|cell| cell.2).sum();
            let gaps = self.gap * (cells.len() as f32 - 1.0).max(0.0);
            let free = (inner.height() - fixed - gaps).max(0.0);
            let stretch = if shares > 0.0 { 1.0 } else { (inner.height() - gaps) / fixed.max(1.0) };
            let mut top = inner.top;
            for (panel, height, share) in cells {
                let height = height.map_or_else(|| free * share / shares.max(0.001), |height| height * stretch);
                places.push((*panel, Rect::new(left, top, width, height)));
                top += height + self.gap;
            }
            left += width + self.gap;
        }
        if let Some(bottom) = self.bottom {
            places.push((bottom, Rect::new(inner.left, wall.bottom - FOOTER + 12.0, inner.width(), 44.0)));
        }
        places
    }
}

/// Key and message.
type Wrong = (String, String);

fn read_panel(mut table: toml::Table, span: std::ops::Range<usize>) -> Result<PanelSpec, Wrong> {
    let mut word = |key: &str| match table.remove(key) {
        Some(toml::Value::String(text)) => Ok(text),
        Some(other) => Err((key.to_owned(), format!("{key} must be a text, not {}", other.type_str()))),
        None => Err((String::new(), format!("a panel has no {key}; add {key} = \"…\""))),
    };
    let id = word("id")?;
    let kind = word("kind")?;
    let mut words = |key: &str| match table.remove(key) {
        None => Ok(Words::default()),
        Some(value) => value.try_into::<Words>().map_err(|error| {
            (key.to_owned(), format!("{key} of panel {id:?}: {}; write {{ zh = \"…\", en = \"…\" }}", error.message()))
        }),
    };
    let title = words("title")?;
    let note = words("note")?;
    let framed = match table.remove("framed") {
        None => true,
        Some(toml::Value::Boolean(framed)) => framed,
        Some(_) => return Err(("framed".into(), "framed must be true or false".into())),
    };
    let service = match table.remove("service") {
        None => None,
        Some(toml::Value::String(service)) => Some(service),
        Some(_) => return Err(("service".into(), "service must be the code of a service".into())),
    };
    let modes = match table.remove("modes") {
        None => Vec::new(),
        Some(value) => match value.try_into::<Vec<String>>() {
            Ok(modes) if modes.iter().all(|mode| mode.parse::<Mode>().is_ok()) => modes,
            _ => return Err(("modes".into(), "modes must be a list of lobby, brief, ops".into())),
        },
    };
    let Some((_, make)) = panels::KINDS.iter().find(|(name, _)| *name == kind) else {
        let known: Vec<&str> = panels::KINDS.iter().map(|(name, _)| *name).collect();
        let near =
            nearest(&kind, known.iter().copied()).map(|near| format!("did you mean {near:?}? ")).unwrap_or_default();
        return Err((
            "kind".into(),
            format!("panel {id:?} is of unknown kind {kind:?}; {near}Known: {}", known.join(", ")),
        ));
    };
    let keys: Vec<String> = table.keys().cloned().collect();
    let panel = make(table).map_err(|error| {
        let message = error.message();
        let quoted: Vec<&str> = message.split('`').collect();
        let key = quoted.get(1).map(|key| (*key).to_owned()).filter(|key| keys.contains(key));
        (key.unwrap_or_else(|| "kind".into()), format!("panel {id:?} ({kind}): {}", with_suggestion(message)))
    })?;
    let metrics = panel.metrics().into_iter().map(|metric| metric.0.clone()).collect();
    Ok(PanelSpec { id, kind, title, note, framed, service, modes, metrics, span, panel })
}

/// What is wrong goes to `problems`; a layout with any is not shown.
fn read_layout(raw: RawLayout, known: &[PanelSpec], wrong_ids: &[String], problems: &mut Vec<Wrong>) -> Layout {
    let mut find = |id: &str| {
        let place = known.iter().position(|spec| spec.id == id);
        if place.is_none() && !wrong_ids.iter().any(|wrong| wrong == id) {
            let near = nearest(id, known.iter().map(|spec| spec.id.as_str()));
            let near = near.map(|near| format!("; did you mean {near:?}?")).unwrap_or_default();
            let message = format!("layout {:?} places panel {id:?}, which the scene does not have{near}", raw.shape);
            problems.push((format!("\"{id}\""), message));
        }
        place.unwrap_or_default()
    };
    let columns = raw.columns.iter().map(|column| {
        let cells = column.panels.iter().map(|cell| (find(&cell.id), cell.height, cell.share)).collect();
        Column { width: column.width, share: column.share, cells }
    });
    let columns = columns.collect();
    let bottom = raw.bottom.as_deref().map(&mut find);
    let behind = raw.behind.as_deref().map(&mut find);
    if raw.size.iter().any(|side| !(side.is_finite() && *side >= 200.0)) {
        problems.push(("size".into(), "size must be two numbers of at least 200, e.g. [1920, 1080]".into()));
    }
    if let Some(wrong) = raw.modes.iter().find(|mode| mode.parse::<Mode>().is_err()) {
        problems.push(("modes".into(), format!("{wrong:?} is no mode; use lobby, brief or ops")));
    }
    Layout { shape: raw.shape, modes: raw.modes, size: raw.size, gap: raw.gap, columns, bottom, behind }
}

fn first(problems: Vec<SceneError>) -> SceneError {
    let none = || SceneError { path: String::new(), line: 1, message: "the scene does not read".into() };
    problems.into_iter().next().unwrap_or_else(none)
}

/// Which line of a text (from 0) holds all of these words in quotes, else the first of them; 0 where none does.
fn line_with(text: &str, words: &[&str]) -> usize {
    // A metric may be written with parameters: only its beginning is sure.
    let holds = |line: &str, word: &str| line.contains(&format!("\"{word}\"")) || line.contains(&format!("\"{word}?"));
    let position = |wanted: &[&str]| text.lines().position(|line| wanted.iter().all(|word| holds(line, word)));
    position(words).or_else(|| words.iter().find_map(|word| position(&[word]))).unwrap_or(0)
}

fn line_of(text: &str, offset: usize) -> usize {
    text[..offset.min(text.len())].bytes().filter(|byte| *byte == b'\n').count() + 1
}

/// The line between two offsets that sets `key` (or holds it, when it is quoted); the first line when none does.
fn line_of_key(text: &str, start: usize, end: usize, key: &str) -> usize {
    let mut offset = start;
    for line in text[start..end].split_inclusive('\n') {
        let holds = if key.starts_with('"') {
            line.contains(key)
        } else {
            !key.is_empty()
                && line.trim_start().strip_prefix(key).is_some_and(|rest| rest.trim_start().starts_with('='))
        };
        if holds {
            return line_of(text, offset);
        }
        offset += line.len();
    }
    line_of(text, start)
}

/// serde's "unknown field `metrc`, expected one of `metric`, …", with the nearest of them named.
fn with_suggestion(message: &str) -> String {
    let message = message.trim().replace('\n', "; ");
    let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    match quoted.split_first() {
        Some((wrong, known)) if message.starts_with("unknown field") => match nearest(wrong, known.iter().copied()) {
            Some(near) => format!("{message}; did you mean `{near}`?"),
            None => message,
        },
        _ => message,
    }
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
    fn a_good_scene_is_fitted_to_any_screen() {
        let scene = Scene::parse("a.toml", "a", GOOD).unwrap();
        let city = City::load("ningbo").unwrap();
        assert_eq!(scene.metrics()[0].name, "solved_total");
        let fitted = scene.fit([3840, 2160], &city, Mode::Ops);
        assert_eq!(fitted.scale, 2.0);
        let (panel, place) = fitted.places[0];
        assert_eq!((panel, place.left, place.right, place.bottom.round()), (0, 36.0, 436.0, 992.0));
        let wide = scene.fit([3840, 1080], &city, Mode::Ops);
        assert_eq!((wide.scale, wide.wall.right), (1.0, 3840.0));
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
