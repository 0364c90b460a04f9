//! A ranked list of level bars, with what is unusual marked.

use serde::Deserialize;

use super::super::canvas::{Face, Rect, Style};
use super::super::data::Table;
use super::super::format;
use super::super::options::Lang;
use super::super::scene::{Metric, Words};
use super::super::tokens::{self, Colour, size};
use super::{Calm, Cx, Panel, body, note};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bars {
    /// Rows in rank order.
    metric: Metric,
    #[serde(default = "n")]
    value: String,
    /// Columns of the name in both languages.
    #[serde(default = "zh")]
    zh: String,
    #[serde(default = "en")]
    en: String,
    /// Column of a board code that colours the bar.
    #[serde(default)]
    board: Option<String>,
    /// Column that says how many times more than usual.
    #[serde(default)]
    lift: Option<String>,
    #[serde(default = "most")]
    most: usize,
    #[serde(default = "yes")]
    ranked: bool,
    /// Column of a code, with words for it, where the metric has no names.
    #[serde(default)]
    code: Option<String>,
    #[serde(default)]
    names: std::collections::BTreeMap<String, Words>,
    /// Shown as parts of the whole, in percent.
    #[serde(default)]
    percent: bool,
    /// What has no row of its own is told as one below; for values that add up. Parts of a whole always have it.
    #[serde(default)]
    rest: bool,
    /// What the boards' colours are is said below the rows.
    #[serde(default)]
    legend: bool,
    #[serde(default)]
    unit: Words,
    /// Said when there is no row.
    #[serde(default)]
    empty: Words,
}

fn n() -> String {
    "n".into()
}
fn zh() -> String {
    "zh".into()
}
fn en() -> String {
    "en".into()
}
fn most() -> usize {
    6
}
fn yes() -> bool {
    true
}

/// Least and greatest height of a row, design units.
const HIGH: [f32; 2] = [22.0, 88.0];
/// Rows so high, design units, have larger texts, unless these would outrank the title.
const ROOMY: f32 = 52.0;
/// From this factor on something is a surge, and from this many cases.
const SURGE: f64 = 2.5;
/// Bars shorter than this would say less than the words beside them, design units.
const LEAST_BAR: f32 = 56.0;
const SURGE_N: f64 = 10.0;
/// Height of the line that explains the colours, design units.
const LEGEND: f32 = 24.0;

impl Panel for Bars {
    fn metrics(&self) -> Vec<&Metric> {
        vec![&self.metric]
    }

    fn columns(&self) -> Vec<(&Metric, &str)> {
        let names = match &self.code {
            Some(code) => vec![code.as_str()],
            None => vec![self.zh.as_str(), self.en.as_str()],
        };
        let named = [Some(&self.value), self.board.as_ref(), self.lift.as_ref()].into_iter().flatten();
        named.map(String::as_str).chain(names).map(|column| (&self.metric, column)).collect()
    }

    fn paint(&self, cx: &mut Cx<'_, '_>) {
        let table = cx.table(&self.metric);
        let mut inner = cx.inner();
        if table.rows() == 0 {
            self.heading(cx, &[]);
            cx.empty_in_words(&table, Calm::Quiet, &self.empty, "这段时间没有诉求", "nothing in this window");
            return;
        }
        if self.legend && legend(cx, inner.left, inner.right, inner.bottom) {
            inner.bottom -= LEGEND;
        }
        let wanted = table.rows().min(self.most.saturating_add(1));
        let room = cx.rows([inner.top, inner.bottom], wanted, HIGH).1.len();
        let rows = self.rows(cx, &table, room);
        self.heading(cx, &rows);
        // The rows there are share the height; larger ones where it is much.
        let (pitch, tops) = cx.rows([inner.top, inner.bottom], rows.len(), HIGH);
        let thick = (pitch * 0.26).clamp(10.0, 20.0).round();
        let is_calm = size::ROW_FIGURE * cx.zoom <= size::BODY * cx.heading * 1.25;
        let text_size = if pitch >= ROOMY && is_calm { size::ROW_FIGURE } else { size::BODY };
        // Names have nearly half of the width; rather a step smaller than cut.
        let name_room = inner.width() * 0.46;
        let steps = [text_size, size::BODY, size::CAPTION].map(|size| Style { size, ..body() });
        let mut fits = |style: &Style| rows.iter().all(|row| cx.paint.measure(&row.name, style) <= name_room);
        let label = steps.into_iter().find(|style| fits(style)).unwrap_or(steps[2]);
        let rank_width = match (self.ranked, rows.len()) {
            (false, _) => 0.0,
            (true, 10..) => 34.0,
            (true, _) => 26.0,
        };
        let widest = cx.paint.widest(rows.iter().map(|row| &row.name), &label);
        let figures = Style::new(Face::Figure, text_size, tokens::TEXT).right();
        let total: f64 = rows.iter().filter_map(|row| row.value).sum();
        let unit = self.unit.pick(cx.lang);
        let write = |value: Option<f64>| match (self.percent, value) {
            (true, Some(value)) if total > 0.0 => format!("{}%", format::percent(Some(value / total))),
            _ if unit.is_empty() => format::whole(value),
            _ => format!("{} {unit}", format::whole(value)),
        };
        let figure_width = cx.paint.widest(rows.iter().map(|row| write(row.value)), &figures);
        // Names that are still too long take what a short bar leaves.
        let left_over = inner.width() * 0.8 - rank_width - figure_width - 28.0;
        let name_width = widest.min(name_room.max(left_over));
        let mut bar = Rect {
            left: inner.left + rank_width + name_width + 14.0,
            top: 0.0,
            right: inner.right - figure_width - 14.0,
            bottom: 0.0,
        };
        // A surge is told behind its bar, by a mark where there is little room: a colour alone says nothing.
        let new = cx.lang.pick("新", "new");
        let told = |lift: f64| if lift.is_finite() { times(lift) } else { new.to_owned() };
        let surge = Style::new(Face::Figure, label.size.min(size::BODY), tokens::BAD);
        let lifts = rows.iter().filter_map(|row| row.lift);
        let surge_width = lifts.map(|lift| cx.paint.measure(&told(lift), &surge)).fold(0.0, f32::max);
        let is_told = bar.width() - surge_width - 10.0 >= LEAST_BAR;
        if surge_width > 0.0 {
            bar.right -= if is_told { surge_width } else { cx.paint.measure("▲", &surge) } + 10.0;
        }
        let greatest = rows.iter().filter_map(|row| row.value).fold(0.0_f64, f64::max).max(1.0);
        for ((place, row), top) in rows.iter().enumerate().zip(&tops) {
            let middle = top + pitch * 0.5;
            let (baseline, name_at) = (middle + text_size * 0.36, middle + label.size * 0.36);
            if self.ranked && !row.is_rest {
                let rank = Style::new(Face::Figure, text_size, tokens::TEXT_FAINT);
                cx.paint.text(inner.left, baseline, &(place + 1).to_string(), &rank);
            }
            let (left, room) = (inner.left + rank_width, name_width + 1.0);
            let label = if row.is_rest { label.colour(tokens::TEXT_QUIET) } else { label };
            if row.is_fixed {
                cx.paint.label_within(left, name_at, room, &row.name, &label);
            } else {
                cx.paint.text_within(left, name_at, room, &row.name, &label);
            }
            let (top, height) = (middle - thick * 0.5, thick);
            let round = thick * 0.5;
            cx.paint.rect(Rect::new(bar.left, top, bar.width(), height), round, tokens::TRACK.alpha(0.6));
            let share = (row.value.unwrap_or(0.0) / greatest) as f32;
            if share > 0.0 {
                let bar = Rect::new(bar.left, top, bar.width() * share, height);
                super::round_bar(cx, bar, row.colour);
            }
            if let Some(lift) = row.lift {
                let text = if is_told { told(lift) } else { "▲".to_owned() };
                cx.paint.text(inner.right - figure_width - 14.0, name_at, &text, &surge.right());
            }
            cx.paint.text(inner.right, baseline, &write(row.value), &figures);
        }
    }

    fn opens_at_seams(&self) -> bool {
        true
    }

    fn ample(&self) -> Option<[f32; 2]> {
        Some([380.0, 40.0 * self.most as f32])
    }
}

/// What one bar shows.
struct Row {
    name: String,
    /// The scene file fixes the name.
    is_fixed: bool,
    /// All that has no row of its own.
    is_rest: bool,
    value: Option<f64>,
    /// How many times more than usual, where that is a surge; infinite where nothing of the kind is usual.
    lift: Option<f64>,
    colour: Colour,
}

impl Bars {
    /// The rows for which there is `room`, the last of them for what has none of its own.
    fn rows(&self, cx: &Cx<'_, '_>, table: &Table<'_>, room: usize) -> Vec<Row> {
        let (all, has_rest) = (table.rows(), self.rest || self.percent);
        let shown = match has_rest {
            false => all.min(self.most).min(room),
            // A single one more stands as itself, in the room of the rest.
            true if all <= room.min(self.most.saturating_add(1)) => all,
            true => self.most.min(room.saturating_sub(1)),
        };
        let mut rows: Vec<Row> = (0..shown).map(|row| self.row(cx, table, row)).collect();
        let others = all - shown;
        if others > 0 && has_rest {
            let value = (shown..all).filter_map(|row| table.number(row, &self.value)).sum();
            let name = match cx.lang {
                Lang::Zh => format!("另 {others} 项"),
                Lang::En => format!("{others} others"),
            };
            let value = Some(value);
            rows.push(Row { name, is_fixed: true, is_rest: true, value, lift: None, colour: tokens::TEXT_FAINT });
        }
        rows
    }

    fn row(&self, cx: &Cx<'_, '_>, table: &Table<'_>, row: usize) -> Row {
        let code = self.code.as_ref().and_then(|column| table.word(row, column));
        let (name, is_fixed) = match &code {
            Some(code) => match self.names.get(&**code) {
                Some(words) => (words.pick(cx.lang).to_owned(), true),
                None => (code.to_string(), false),
            },
            None => {
                let word = |column: &str| table.text(row, column).unwrap_or_default();
                (cx.lang.pick(word(&self.zh), word(&self.en)).to_owned(), false)
            }
        };
        let value = table.number(row, &self.value);
        // That nothing of the kind is usual can't be said while the data are too young.
        let column = self.lift.as_deref().filter(|column| table.has_column(column));
        let never = table.data_from().is_none().then_some(f64::INFINITY);
        let lift = column.and_then(|column| table.number(row, column).or(never));
        let lift = lift.filter(|lift| *lift >= SURGE && value.is_some_and(|value| value >= SURGE_N));
        let colour = match &self.board {
            _ if lift.is_some() => tokens::BAD,
            Some(column) => table.text(row, column).map_or(tokens::ACCENT, |code| cx.board_colour(code)),
            None => tokens::BOARDS[2],
        };
        Row { name, is_fixed, is_rest: false, value, lift, colour }
    }

    /// The title, the window, and the strongest surge, with its name where there is room.
    fn heading(&self, cx: &mut Cx<'_, '_>, rows: &[Row]) {
        let window = cx.note_of_file();
        let surges = rows.iter().enumerate().filter_map(|(place, row)| Some((place, row.lift?, &row.name)));
        let strongest = surges.max_by(|a, b| a.1.total_cmp(&b.1).then(b.0.cmp(&a.0)));
        let Some((_, lift, name)) = strongest else {
            cx.heading(&window);
            return;
        };
        let (surge, new) = (cx.lang.pick("突增", "surge"), cx.lang.pick("新增", "new"));
        let [long, short] = match lift.is_finite() {
            true => [format!(" · {surge} {name} {}", times(lift)), format!(" · {surge} {}", times(lift))],
            false => [format!(" · {new} {name}"), String::new()],
        };
        let [long, short] = [long, short].map(|more| format!("{window}{more}"));
        let told = if cx.fits_beside_title(&long) { long } else { short };
        cx.heading(&told);
    }
}

/// The boards' colours and names in one line; false where they have no room, and nothing is drawn.
fn legend(cx: &mut Cx<'_, '_>, left: f32, right: f32, baseline: f32) -> bool {
    let (city, lang) = (cx.city, cx.lang);
    let names: Vec<&str> = city.boards.iter().map(|board| lang.pick(&board.zh, &board.en)).collect();
    let widths: Vec<f32> = names.iter().map(|name| 16.0 + cx.paint.measure(name, &note())).collect();
    if left + widths.iter().sum::<f32>() + 18.0 * (widths.len() as f32 - 1.0) > right {
        return false;
    }
    let mut pen = left;
    for ((board, name), width) in city.boards.iter().zip(names).zip(widths) {
        pen = cx.past_seams(pen, width);
        cx.paint.disc(pen + 5.0, baseline - 5.0, 5.0, cx.board_colour(&board.code));
        cx.paint.text(pen + 16.0, baseline, name, &note().colour(tokens::TEXT_QUIET));
        pen += width + 18.0;
    }
    true
}

/// How many times more than usual: ×3.2, ×41.
fn times(lift: f64) -> String {
    format!("×{}", format::decimal(Some(lift), usize::from(lift < 10.0)))
}
