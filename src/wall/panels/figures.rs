//! A few figures side by side, each with its label, and columns over the day below them.

use serde::Deserialize;

use super::super::canvas::{Align, Rect, Style};
use super::super::format;
use super::super::scene::{Metric, Words};
use super::super::tokens::{self, size};
use super::{Cx, Panel, caption, figure, note, row_figure};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Figures {
    values: Vec<Value>,
    #[serde(default)]
    columns: Option<Columns>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Value {
    pub metric: Metric,
    #[serde(default = "value")]
    column: String,
    label: Words,
    #[serde(default)]
    unit: Words,
    /// Shown quietly after a slash: of how many.
    #[serde(default)]
    of: Option<String>,
    /// The value is a share: shown in percent with its n, as a count when there are few.
    #[serde(default)]
    rate: bool,
    #[serde(default)]
    decimals: usize,
    /// A board's colour for the figure.
    #[serde(default)]
    board: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Columns {
    metric: Metric,
    #[serde(default = "n")]
    column: String,
    #[serde(default)]
    board: Option<String>,
    #[serde(default)]
    label: Words,
    /// Columns of a whole day; the rest of the day stays empty.
    #[serde(default)]
    day: Option<usize>,
}

fn value() -> String {
    "value".into()
}
fn n() -> String {
    "n".into()
}

impl Panel for Figures {
    fn metrics(&self) -> Vec<&Metric> {
        self.values
            .iter()
            .map(|value| &value.metric)
            .chain(self.columns.iter().map(|columns| &columns.metric))
            .collect()
    }

    fn columns(&self) -> Vec<(&Metric, &str)> {
        let mut columns: Vec<_> = self.values.iter().flat_map(Value::columns).collect();
        columns.extend(self.columns.iter().map(|columns| (&columns.metric, columns.column.as_str())));
        columns
    }

    fn paint(&self, cx: &mut Cx<'_, '_>) {
        cx.heading_of_file();
        let inner = cx.inner();
        // Without columns below them the figures stand in the middle of their panel, larger where there is room.
        // A level seam goes between figures and columns.
        let bands = cx.bands([inner.top, inner.bottom]);
        let (first, last) = match bands[..] {
            [first, .., last] => (first, Some(last)),
            _ => ([inner.top, inner.bottom], None),
        };
        let alone = self.columns.is_none() || last.is_some();
        let figures_at = first[0] + if alone { (first[1] - first[0]) * 0.46 + 4.0 } else { 32.0 };
        row(cx, &self.values, inner, figures_at);
        if let Some(columns) = &self.columns {
            let top = last.map_or(figures_at + 46.0, |[top, _]| top + 12.0);
            let plot = Rect { top, bottom: inner.bottom - 18.0, ..inner };
            if plot.height() > 16.0 {
                self.columns(cx, columns, plot);
            }
        }
    }

    fn opens_at_seams(&self) -> bool {
        self.columns.is_some()
    }

    fn ample(&self) -> Option<[f32; 2]> {
        Some([140.0 * self.values.len() as f32, if self.columns.is_some() { 260.0 } else { 104.0 }])
    }
}

impl Value {
    /// The columns it reads.
    pub fn columns(&self) -> impl Iterator<Item = (&Metric, &str)> {
        [Some(&self.column), self.of.as_ref()].into_iter().flatten().map(|column| (&self.metric, column.as_str()))
    }
}

/// Width of equal columns for texts of these widths, where each has room in its own.
pub fn column_width(widths: &[f32], room: f32) -> Option<f32> {
    let column = room / widths.len().max(1) as f32;
    widths.iter().all(|width| width + 24.0 <= column).then_some(column)
}

/// Figures with labels below, the first at the left edge, the last at the right one.
pub fn row(cx: &mut Cx<'_, '_>, values: &[Value], inner: Rect, baseline: f32) {
    let mut step = size::FIGURE;
    let mut steps = [size::RING_FIGURE, size::ROW_FIGURE, size::BODY, size::CAPTION].into_iter();
    loop {
        let total: f32 = values.iter().map(|value| Shown::read(cx, value, step).width).sum();
        if total + 14.0 * (values.len() as f32 - 1.0) <= inner.width() {
            break;
        }
        let Some(next) = steps.next() else { break };
        step = next;
    }
    let widths: Vec<f32> = values.iter().map(|value| Shown::read(cx, value, step).width).collect();
    // In columns, so that panels above one another look alike.
    if let Some(column) = column_width(&widths, inner.width()) {
        for (index, value) in values.iter().enumerate() {
            one(cx, value, Align::Left, inner.left + column * index as f32, baseline, step);
        }
        return;
    }
    // The gaps between them are equal.
    let gap = (inner.width() - widths.iter().sum::<f32>()) / (values.len() as f32 - 1.0).max(1.0);
    let mut left = inner.left;
    for (index, (value, width)) in values.iter().zip(widths).enumerate() {
        let (align, x) = match index {
            0 => (Align::Left, inner.left),
            last if last + 1 == values.len() => (Align::Right, inner.right),
            _ => (Align::Middle, left + width * 0.5),
        };
        one(cx, value, align, x, baseline, step);
        left += width + gap;
    }
}

/// A figure as it is written: text, what it was, what stands after it.
struct Shown {
    text: String,
    before: Option<String>,
    suffix: String,
    figure_width: f32,
    suffix_width: f32,
    /// Of figure, suffix and label.
    width: f32,
    style: Style,
    suffix_style: Style,
}

impl Shown {
    fn read(cx: &mut Cx<'_, '_>, value: &Value, step: f32) -> Shown {
        let table = cx.table(&value.metric);
        let number = table.number(0, &value.column);
        let n = table.number(0, "n");
        let few = value.rate && n.is_some_and(|n| n < tokens::RATE_N_MIN as f64);
        let show = |number: Option<f64>| match (value.rate, few) {
            (true, true) => super::cx::count_of(table.number(0, "k"), n),
            (true, false) => format::percent(number),
            _ => format::decimal(number, value.decimals),
        };
        let text = show(number);
        let before = table.before();
        let before = before.is_known().then(|| show(before.number(0, &value.column)));
        let suffix = match (&value.of, value.rate && !few && number.is_some()) {
            (Some(column), _) => format!("/{}", format::whole(table.number(0, column))),
            (None, true) => "%".into(),
            _ => value.unit.pick(cx.lang).to_owned(),
        };
        let mut style = Style { size: step, ..figure() };
        if let Some(board) = &value.board {
            style = style.colour(cx.board_colour(board));
        }
        let suffix_style = row_figure().colour(tokens::TEXT_QUIET);
        let width = cx.paint.measure(&text, &style);
        let suffix_width = if suffix.is_empty() { 0.0 } else { cx.paint.measure(&suffix, &suffix_style) + 4.0 };
        let label_width = cx.paint.measure(value.label.pick(cx.lang), &caption());
        Shown {
            text,
            before,
            suffix,
            figure_width: width,
            suffix_width,
            width: (width + suffix_width).max(label_width),
            style,
            suffix_style,
        }
    }
}

fn one(cx: &mut Cx<'_, '_>, value: &Value, align: Align, x: f32, baseline: f32, step: f32) {
    let shown = Shown::read(cx, value, step);
    let left = match align {
        Align::Left => x,
        Align::Middle => x - (shown.figure_width + shown.suffix_width) * 0.5,
        Align::Right => x - shown.figure_width - shown.suffix_width,
    };
    let table = cx.table(&value.metric);
    let progress = cx.progress(&table);
    cx.rolling(left, baseline, &shown.text, shown.before.as_deref(), progress, &shown.style);
    cx.paint.text(left + shown.figure_width + 4.0, baseline, &shown.suffix, &shown.suffix_style);
    let label = value.label.pick(cx.lang);
    cx.paint.text(x, baseline + 26.0, label, &caption().align(align));
}

impl Figures {
    fn columns(&self, cx: &mut Cx<'_, '_>, columns: &Columns, plot: Rect) {
        let table = cx.table(&columns.metric);
        let values = table.numbers(&columns.column);
        let slots = columns.day.unwrap_or(values.len()).max(values.len()).max(1);
        let most = values.iter().flatten().copied().fold(0.0_f64, f64::max).max(1.0);
        let pitch = plot.width() / slots as f32;
        let bar = (pitch * 0.66).max(1.0);
        let colour = columns.board.as_deref().map_or(tokens::ACCENT, |board| cx.board_colour(board));
        cx.paint.rule(plot.left, plot.right, plot.bottom, tokens::RULE);
        let last = values.len().saturating_sub(1);
        for (index, value) in values.iter().enumerate() {
            let Some(value) = value.filter(|value| *value > 0.0) else { continue };
            let height = ((value / most) as f32 * plot.height()).max(2.0);
            let ink = if index == last { colour } else { colour.alpha(0.62) };
            let left = plot.left + pitch * index as f32 + (pitch - bar) * 0.5;
            cx.paint.rect(Rect::new(left, plot.bottom - height, bar, height), 1.5, ink);
        }
        cx.paint.text(plot.left, plot.bottom + 17.0, columns.label.pick(cx.lang), &note());
        let most = values.iter().flatten().copied().fold(0.0_f64, f64::max);
        if most > 0.0 {
            let text = format!("{} {}", cx.lang.pick("最高", "max"), format::whole(Some(most)));
            cx.paint.text(plot.right, plot.bottom + 17.0, &text, &note().right());
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn figures_stand_in_equal_columns_where_each_has_room_in_its_own() {
        assert_eq!(super::column_width(&[60.0, 80.0], 600.0), Some(300.0));
        assert_eq!(super::column_width(&[120.0, 270.0], 600.0), Some(300.0), "also where they fill it");
        assert_eq!(super::column_width(&[10.0, 10.0, 190.0], 600.0), None, "one is wider than a column");
    }
}
