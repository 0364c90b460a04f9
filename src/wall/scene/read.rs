//! Scene files as they are written, read into what a scene is made of.

use std::sync::atomic::{AtomicU64, Ordering};

use serde::Deserialize;
use toml::Spanned;

use super::super::layout::{Cell, Column, Part};
use super::super::options::Mode;
use super::super::panels;
use super::mistakes::{line_of, line_of_key, nearest, with_suggestion};
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
/// The first thing that is wrong, with its line.
pub fn scene(path: &str, name: &str, text: &str) -> Result<Scene, SceneError> {
    let fail = |line: usize, message: String| SceneError { path: path.to_owned(), line, message };
    let raw: RawScene = toml::from_str(text).map_err(|error| {
        let line = error.span().map_or(1, |span| line_of(text, span.start));
        fail(line, with_suggestion(error.message()))
    })?;
    let mut scene_panels: Vec<PanelSpec> = Vec::with_capacity(raw.panel.len());
    for table in raw.panel {
        let span = table.span();
        let end = text[span.start..].find("\n[[").map_or(text.len(), |next| span.start + next);
        let spec = read_panel(table.into_inner())
            .map_err(|(key, message)| fail(line_of_key(text, span.start, end, &key), message))?;
        if scene_panels.iter().any(|known| known.id == spec.id) {
            return Err(fail(line_of(text, span.start), format!("there are two panels {:?}; rename one", spec.id)));
        }
        scene_panels.push(spec);
    }
    let mut layouts = Vec::with_capacity(raw.layout.len());
    for layout in raw.layout {
        let span = layout.span();
        let end = text[span.start..].find("\n[[").map_or(text.len(), |next| span.start + next);
        let layout = read_layout(layout.into_inner(), &scene_panels)
            .map_err(|(key, message)| fail(line_of_key(text, span.start, end, &key), message))?;
        layouts.push(layout);
    }
    if layouts.is_empty() {
        return Err(fail(1, "the scene has no [[layout]]; add one with shape = \"16:9\"".into()));
    }
    let tab = if raw.tab.is_empty() { raw.title.clone() } else { raw.tab };
    static SERIAL: AtomicU64 = AtomicU64::new(1);
    Ok(Scene {
        serial: SERIAL.fetch_add(1, Ordering::Relaxed),
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

fn read_panel(mut table: toml::Table) -> Result<PanelSpec, Wrong> {
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
        let near = nearest(&kind, &known).map(|near| format!("did you mean {near:?}? ")).unwrap_or_default();
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
    Ok(PanelSpec { id, kind, title, note, framed, service, modes, metrics, panel })
}

fn read_layout(raw: RawLayout, known: &[PanelSpec]) -> Result<Layout, Wrong> {
    let find = |id: &str| {
        known.iter().position(|spec| spec.id == id).ok_or_else(|| {
            let ids: Vec<&str> = known.iter().map(|spec| spec.id.as_str()).collect();
            let near = nearest(id, &ids).map(|near| format!("; did you mean {near:?}?")).unwrap_or_default();
            (
                format!("\"{id}\""),
                format!("layout {:?} places panel {id:?}, which the scene does not have{near}", raw.shape),
            )
        })
    };
    if raw.size.iter().any(|side| !(side.is_finite() && *side >= 200.0)) {
        return Err(("size".into(), "size must be two numbers of at least 200, e.g. [1920, 1080]".into()));
    }
    let columns = read_columns(&raw.columns, &find, 0)?;
    let bottom = raw.bottom.as_deref().map(find).transpose()?;
    let behind = raw.behind.as_deref().map(find).transpose()?;
    if let Some(wrong) = raw.modes.iter().find(|mode| mode.parse::<Mode>().is_err()) {
        return Err(("modes".into(), format!("{wrong:?} is no mode; use lobby, brief or ops")));
    }
    Ok(Layout { shape: raw.shape.clone(), modes: raw.modes, size: raw.size, gap: raw.gap, columns, bottom, behind })
}

/// Columns lie in columns at most so deep.
const NESTED_MAX: usize = 4;

fn read_columns(
    raw: &[RawColumn],
    find: &dyn Fn(&str) -> Result<usize, Wrong>,
    depth: usize,
) -> Result<Vec<Column>, Wrong> {
    if depth > NESTED_MAX {
        return Err(("columns".into(), format!("columns lie more than {NESTED_MAX} deep in one another; use fewer")));
    }
    let mut columns = Vec::with_capacity(raw.len());
    for column in raw {
        let mut cells = Vec::with_capacity(column.panels.len());
        for cell in &column.panels {
            if cell.zoom.is_some_and(|zoom| !(0.5..=3.0).contains(&zoom)) {
                return Err(("columns".into(), "zoom must be 0.5 to 3, e.g. zoom = 1.5".into()));
            }
            let what = match (&cell.id, &cell.columns) {
                (Some(id), None) => Cell::Panel(find(id)?, cell.zoom),
                (None, Some(columns)) => Cell::Columns(read_columns(columns, find, depth + 1)?),
                _ => {
                    let message = "a place names a panel by its id, or holds columns; write one of { id = \"…\" } and { columns = […] }";
                    return Err(("columns".into(), message.into()));
                }
            };
            cells.push(Part { what, length: cell.height, share: cell.share });
        }
        columns.push(Part { what: cells, length: column.width, share: column.share });
    }
    Ok(columns)
}
