//! Scene files as they are written, read into what a scene is made of.

use std::sync::atomic::{AtomicU64, Ordering};

use serde::Deserialize;
use toml::Spanned;

use crate::model::text::{self, nearest};

use super::super::layout::{Cell, Column, Part};
use super::super::options::Mode;
use super::super::panels;
use super::mistakes::{line_of, line_of_key, with_suggestion};
use super::{Layout, PanelSpec, Scene, SceneError, Words};

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

/// A panel, or columns beside one another in its place.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawCell {
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    columns: Option<Vec<RawColumn>>,
    #[serde(default)]
    height: Option<f32>,
    #[serde(default = "one")]
    share: f32,
    /// How much larger than usual it is drawn; left out: as its room allows.
    #[serde(default)]
    zoom: Option<f32>,
}

/// Reads the text of a scene file.
///
/// # Errors
/// All that is wrong, each with its line.
pub fn scene(path: &str, name: &str, text: &str) -> Result<Scene, Vec<SceneError>> {
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
    let mut find = Find { shape: &raw.shape, known, wrong_ids, problems: &mut *problems };
    let columns = find.columns(&raw.columns, 0);
    let bottom = raw.bottom.as_deref().map(|id| find.panel(id));
    let behind = raw.behind.as_deref().map(|id| find.panel(id));
    if raw.size.iter().any(|side| !(side.is_finite() && *side >= 200.0)) {
        problems.push(("size".into(), "size must be two numbers of at least 200, e.g. [1920, 1080]".into()));
    }
    if let Some(wrong) = raw.modes.iter().find(|mode| mode.parse::<Mode>().is_err()) {
        problems.push(("modes".into(), format!("{wrong:?} is no mode; use lobby, brief or ops")));
    }
    Layout { shape: raw.shape, modes: raw.modes, size: raw.size, gap: raw.gap, columns, bottom, behind }
}

/// Columns lie in columns at most so deep.
const NESTED_MAX: usize = 4;

/// Finds the panels that a layout places, and says what is wrong with the places.
struct Find<'a> {
    shape: &'a str,
    known: &'a [PanelSpec],
    /// Panels that are there but wrong, and told already.
    wrong_ids: &'a [String],
    problems: &'a mut Vec<Wrong>,
}

impl Find<'_> {
    fn panel(&mut self, id: &str) -> usize {
        let place = self.known.iter().position(|spec| spec.id == id);
        if place.is_none() && !self.wrong_ids.iter().any(|wrong| wrong == id) {
            let near = nearest(id, self.known.iter().map(|spec| spec.id.as_str()));
            let near = near.map(|near| format!("; did you mean {near:?}?")).unwrap_or_default();
            let message = format!("layout {:?} places panel {id:?}, which the scene does not have{near}", self.shape);
            self.problems.push((format!("\"{id}\""), message));
        }
        place.unwrap_or_default()
    }

    fn columns(&mut self, raw: &[RawColumn], depth: usize) -> Vec<Column> {
        if depth > NESTED_MAX {
            let message = format!("columns lie more than {NESTED_MAX} deep in one another; use fewer");
            self.problems.push(("columns".into(), message));
            return Vec::new();
        }
        let column = |column: &RawColumn| {
            let what = column.panels.iter().filter_map(|cell| self.cell(cell, depth)).collect();
            Part { what, length: column.width, share: column.share }
        };
        raw.iter().map(column).collect()
    }

    fn cell(&mut self, cell: &RawCell, depth: usize) -> Option<Part<Cell>> {
        if cell.zoom.is_some_and(|zoom| !(0.5..=3.0).contains(&zoom)) {
            self.problems.push(("columns".into(), "zoom must be 0.5 to 3, e.g. zoom = 1.5".into()));
        }
        let what = match (&cell.id, &cell.columns) {
            (Some(id), None) => Cell::Panel(self.panel(id), cell.zoom),
            (None, Some(columns)) => Cell::Columns(self.columns(columns, depth + 1)),
            _ => {
                let message = "a place names a panel by its id, or holds columns; write one of { id = \"…\" } and \
                               { columns = […] }";
                self.problems.push(("columns".into(), message.into()));
                return None;
            }
        };
        Some(Part { what, length: cell.height, share: cell.share })
    }
}
