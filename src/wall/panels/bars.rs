//! A ranked list of level bars, with what is unusual marked.

use serde::Deserialize;

use super::super::canvas::{Face, Rect, Style};
use super::super::format;
use super::super::scene::{Metric, Words};
use super::super::tokens::{self, size};
use super::{Calm, Cx, Panel, body};

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

/// Rows so high, design units, have larger texts, unless these would outrank the title.
const ROOMY: f32 = 52.0;
/// From this factor on something is a surge, and from this many cases.
const SURGE: f64 = 2.5;
/// Bars shorter than this would say less than the words beside them, design units.
const LEAST_BAR: f32 = 56.0;
const SURGE_N: f64 = 10.0;

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
        let rows = table.rows().min(self.most);
        // The name, and whether the scene file fixes it.
        let name = |row: usize| -> (String, bool) {
            if let Some(code) = self.code.as_ref().and_then(|column| table.word(row, column)) {
                let words = self.names.get(&*code);
                return (words.map_or(code.to_string(), |words| words.pick(cx.lang).to_owned()), words.is_some());
            }
            let (zh, en) =
                (table.text(row, &self.zh).unwrap_or_default(), table.text(row, &self.en).unwrap_or_default());
            (cx.lang.pick(zh, en).to_owned(), false)
        };
        // Infinite where nothing of the kind is usual; that can't be said while the data are too young.
        let is_young = table.data_from().is_some();
        let lift = |row: usize| {
            let lift = table.number(row, self.lift.as_deref()?).or((!is_young).then_some(f64::INFINITY))?;
            (lift >= SURGE && table.number(row, &self.value)? >= SURGE_N).then_some(lift)
        };
        let strongest =
            (0..rows).filter_map(|row| Some((row, lift(row)?))).max_by(|a, b| a.1.total_cmp(&b.1).then(b.0.cmp(&a.0)));
        let names: Vec<(String, bool)> = (0..rows).map(name).collect();
        let lifts: Vec<Option<f64>> = (0..rows).map(lift).collect();
        let window = cx.note_of_file();
        match strongest {
            Some((row, lift)) => {
                let (name, surge, new) = (&names[row].0, cx.lang.pick("突增", "surge"), cx.lang.pick("新增", "new"));
                let [long, short] = match lift.is_finite() {
                    true => [format!(" · {surge} {name} {}", times(lift)), format!(" · {surge} {}", times(lift))],
                    false => [format!(" · {new} {name}"), String::new()],
                };
                let [long, short] = [long, short].map(|more| format!("{window}{more}"));
                let told = if cx.fits_beside_title(&long) { long } else { short };
                cx.heading(&told);
            }
            None => cx.heading(&window),
        }
        let inner = cx.inner();
        if rows == 0 {
            cx.empty_in_words(&table, Calm::Quiet, &self.empty, "这段时间没有诉求", "nothing in this window");
            return;
        }
        // The rows there are share the height; larger ones where it is much.
        let (pitch, tops) = cx.rows([inner.top, inner.bottom], rows, [22.0, 88.0]);
        let thick = (pitch * 0.26).clamp(10.0, 20.0).round();
        let is_calm = size::ROW_FIGURE * cx.zoom <= size::BODY * cx.heading * 1.25;
        let text_size = if pitch >= ROOMY && is_calm { size::ROW_FIGURE } else { size::BODY };
        // Names have nearly half of the width; rather a step smaller than cut.
        let name_room = inner.width() * 0.46;
        let steps = [text_size, size::BODY, size::CAPTION].map(|size| Style { size, ..body() });
        let mut fits = |style: &Style| names.iter().all(|(name, _)| cx.paint.measure(name, style) <= name_room);
        let label = steps.into_iter().find(|style| fits(style)).unwrap_or(steps[2]);
        let rank_width = match (self.ranked, rows) {
            (false, _) => 0.0,
            (true, 10..) => 34.0,
            (true, _) => 26.0,
        };
        let widest = cx.paint.widest(names.iter().map(|(name, _)| name), &label);
        let figures = Style::new(Face::Figure, text_size, tokens::TEXT).right();
        let values: Vec<Option<f64>> = (0..rows).map(|row| table.number(row, &self.value)).collect();
        let total: f64 = values.iter().flatten().sum();
        let unit = self.unit.pick(cx.lang);
        let write = |value: Option<f64>| match (self.percent, value) {
            (true, Some(value)) if total > 0.0 => format!("{}%", format::percent(Some(value / total))),
            _ if unit.is_empty() => format::whole(value),
            _ => format!("{} {unit}", format::whole(value)),
        };
        let figure_width = cx.paint.widest(values.iter().map(|value| write(*value)), &figures);
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
        let surge_width = lifts.iter().flatten().map(|lift| cx.paint.measure(&told(*lift), &surge)).fold(0.0, f32::max);
        let is_told = bar.width() - surge_width - 10.0 >= LEAST_BAR;
        if surge_width > 0.0 {
            bar.right -= if is_told { surge_width } else { cx.paint.measure("▲", &surge) } + 10.0;
        }
        let greatest = values.iter().flatten().copied().fold(0.0_f64, f64::max).max(1.0);
        for (row, top) in tops.iter().enumerate() {
            let middle = top + pitch * 0.5;
            let (baseline, name_at) = (middle + text_size * 0.36, middle + label.size * 0.36);
            if self.ranked {
                let rank = Style::new(Face::Figure, text_size, tokens::TEXT_FAINT);
                cx.paint.text(inner.left, baseline, &(row + 1).to_string(), &rank);
            }
            let (name, is_fixed) = &names[row];
            if *is_fixed {
                cx.paint.label_within(inner.left + rank_width, name_at, name_width + 1.0, name, &label);
            } else {
                cx.paint.text_within(inner.left + rank_width, name_at, name_width + 1.0, name, &label);
            }
            let colour = match &self.board {
                _ if lifts[row].is_some() => tokens::BAD,
                Some(column) => table.text(row, column).map_or(tokens::ACCENT, |code| cx.board_colour(code)),
                None => tokens::BOARDS[2],
            };
            let (top, height) = (middle - thick * 0.5, thick);
            let round = thick * 0.5;
            cx.paint.rect(Rect::new(bar.left, top, bar.width(), height), round, tokens::TRACK.alpha(0.6));
            let share = (values[row].unwrap_or(0.0) / greatest) as f32;
            if share > 0.0 {
                let bar = Rect::new(bar.left, top, bar.width() * share, height);
                super::round_bar(cx, bar, colour);
            }
            if let Some(lift) = lifts[row] {
                let text = if is_told { told(lift) } else { "▲".to_owned() };
                cx.paint.text(inner.right - figure_width - 14.0, name_at, &text, &surge.right());
            }
            cx.paint.text(inner.right, baseline, &write(values[row]), &figures);
        }
    }

    fn opens_at_seams(&self) -> bool {
        true
    }

    fn ample(&self) -> Option<[f32; 2]> {
        Some([380.0, 40.0 * self.most as f32])
    }
}

/// How many times more than usual: ×3.2, ×41.
fn times(lift: f64) -> String {
    format!("×{}", format::decimal(Some(lift), usize::from(lift < 10.0)))
}
