//! The one figure of a scene, with bars of how it came about at its right and small figures below it.

use serde::Deserialize;

use super::super::canvas::{Face, Rect, Style};
use super::super::format;
use super::super::scene::{Metric, Words};
use super::super::tokens::{self, size};
use super::marks::Marks;
use super::{Cx, Panel, body, caption, figure, note};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hero {
    metric: Metric,
    #[serde(default = "value")]
    column: String,
    #[serde(default)]
    unit: Words,
    #[serde(default)]
    small: Vec<Small>,
    #[serde(default)]
    decimals: usize,
    #[serde(default)]
    bars: Option<Bars>,
}

/// A bar a row, the newest last and at the right.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Bars {
    metric: Metric,
    #[serde(default = "n")]
    column: String,
    /// Which time it is: stands below.
    #[serde(default)]
    label: Words,
}

fn n() -> String {
    "n".into()
}
fn value() -> String {
    "value".into()
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Small {
    metric: Metric,
    #[serde(default = "value")]
    column: String,
    label: Words,
    /// Part of the figure that is a fault, told in red behind it when there is any.
    #[serde(default)]
    fault: Option<Fault>,
    #[serde(default)]
    decimals: usize,
    /// Shown after a slash: a part that matters more.
    #[serde(default)]
    second: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Fault {
    /// Of the figure's metric; above 0 is a fault.
    column: String,
    /// The label while there is a fault.
    label: Words,
}

impl Small {
    fn text(&self, cx: &Cx<'_, '_>, short: bool) -> String {
        let value = cx.table(&self.metric).number(0, &self.column);
        if short { format::short(value, cx.lang) } else { format::decimal(value, self.decimals) }
    }

    /// What stands behind the figure, its colour, and the label.
    fn tail(&self, cx: &Cx<'_, '_>) -> (String, tokens::Colour, &Words) {
        let table = cx.table(&self.metric);
        let faults = self.fault.as_ref().map(|fault| (fault, table.number(0, &fault.column)));
        if let Some((fault, Some(count))) = faults
            && count > 0.0
        {
            return (format!("▲{}", format::short(Some(count), cx.lang)), tokens::BAD, &fault.label);
        }
        let second = self.second.as_ref().map(|column| format!("/{}", format::whole(table.number(0, column))));
        (second.unwrap_or_default(), tokens::TEXT_QUIET, &self.label)
    }
}

impl Hero {
    /// The largest step in which all small figures stand side by side, and whether only when written short.
    fn small_size(&self, cx: &mut Cx<'_, '_>, room: f32) -> (f32, bool) {
        let steps = [size::FIGURE, size::RING_FIGURE, size::ROW_FIGURE, size::BODY, size::CAPTION];
        let gaps = 14.0 * (self.small.len() as f32 - 1.0);
        for step in steps {
            let width = |small: &Small, cx: &mut Cx<'_, '_>| {
                let text = small.text(cx, false);
                let (tail, _, label) = small.tail(cx);
                let label = cx.paint.measure(label.pick(cx.lang), &caption());
                let tail = cx.paint.measure(&tail, &tail_style(step));
                (cx.paint.measure(&text, &Style { size: step, ..figure() }) + tail + 3.0).max(label)
            };
            if self.small.iter().map(|small| width(small, cx)).sum::<f32>() + gaps <= room {
                return (step, false);
            }
        }
        (size::CAPTION, true)
    }
}

/// Least and greatest distance from bar to bar, design units.
const PITCH: [f32; 2] = [3.0, 9.0];
/// A scale of whole things is at least so high: one is not much.
const SCALE_LEAST: f64 = 4.0;

impl Bars {
    /// Where not all of them have room there are none: they would tell of another time than the label does.
    fn draw(&self, cx: &mut Cx<'_, '_>, plot: Rect) {
        let values = cx.table(&self.metric).numbers(&self.column);
        let marks = Marks::fit(plot.width(), values.len(), PITCH, cx.paint.scale);
        let Some(highest) = values.iter().flatten().copied().reduce(f64::max) else { return };
        if marks.count < values.len() {
            return;
        }
        let top = highest.max(SCALE_LEAST);
        let left = marks.left(plot.right, 0);
        cx.paint.rule(left, plot.right, plot.bottom, tokens::RULE);
        let last = values.len() - 1;
        for (index, value) in values.iter().enumerate() {
            let Some(value) = value.filter(|value| *value > 0.0) else { continue };
            let height = ((value / top) as f32 * plot.height()).max(2.0);
            // The longer ago, the fainter.
            let age = 1.0 - index as f32 / last.max(1) as f32;
            let colour = if index == last { tokens::ACCENT } else { tokens::BOARDS[2].alpha(1.0 - age * 0.6) };
            cx.paint.rect(
                Rect::new(marks.left(plot.right, index), plot.bottom - height, marks.bar, height),
                1.0,
                colour,
            );
        }
        let told = format!("{} {}", cx.lang.pick("最高", "max"), format::short(Some(highest), cx.lang));
        let told = cx.paint.text(plot.right, plot.bottom + 17.0, &told, &note().right());
        let room = plot.right - told - 14.0 - left;
        cx.paint.label_within(left, plot.bottom + 17.0, room, self.label.pick(cx.lang), &note());
    }
}

/// What stands behind a figure is never larger than it.
fn tail_style(step: f32) -> Style {
    Style { size: step.min(size::ROW_FIGURE), ..super::row_figure() }
}

impl Panel for Hero {
    fn metrics(&self) -> Vec<&Metric> {
        let bars = self.bars.iter().map(|bars| &bars.metric);
        std::iter::once(&self.metric).chain(self.small.iter().map(|small| &small.metric)).chain(bars).collect()
    }

    fn columns(&self) -> Vec<(&Metric, &str)> {
        let mut columns = vec![(&self.metric, self.column.as_str())];
        for small in &self.small {
            columns.push((&small.metric, small.column.as_str()));
            columns.extend(small.fault.iter().map(|fault| (&small.metric, fault.column.as_str())));
            columns.extend(small.second.as_deref().map(|second| (&small.metric, second)));
        }
        columns.extend(self.bars.iter().map(|bars| (&bars.metric, bars.column.as_str())));
        columns
    }

    fn paint(&self, cx: &mut Cx<'_, '_>) {
        cx.heading_of_file();
        let inner = cx.inner();
        let table = cx.table(&self.metric);
        let unit = self.unit.pick(cx.lang);
        let unit_style = body().colour(tokens::TEXT_QUIET);
        let unit_width = if unit.is_empty() { 0.0 } else { cx.paint.measure(unit, &unit_style) + 10.0 };
        let mut style = Style::new(Face::FigureBold, size::HERO, tokens::TEXT).glow(13.0, tokens::ACCENT.alpha(0.30));
        let text = format::decimal(table.number(0, &self.column), self.decimals);
        for step in [size::HERO, size::FIGURE, size::RING_FIGURE] {
            style.size = step;
            if cx.paint.measure(&text, &style) + unit_width <= inner.width() {
                break;
            }
        }
        // With room left below, figures keep their rhythm from the top.
        let baseline = inner.top + 58.0;
        let width = cx.rolling_number(inner.left, baseline, &table, &self.column, self.decimals, &style);
        cx.paint.text(inner.left + width + 10.0, baseline, unit, &unit_style);
        if let Some(bars) = &self.bars
            && inner.height() >= 84.0
        {
            let left = inner.left + width + unit_width + 28.0;
            bars.draw(cx, Rect { left, top: inner.top + 2.0, right: inner.right, bottom: baseline });
        }
        let count = self.small.len();
        if count == 0 || inner.height() < 120.0 {
            return;
        }
        // Columns as wide as what is in them, the gaps between them equal.
        let mut widths = Vec::with_capacity(count);
        let mut texts = Vec::with_capacity(count);
        let (shrink, short) = self.small_size(cx, inner.width());
        for small in &self.small {
            let value = small.text(cx, short);
            let (tail, tint, label) = small.tail(cx);
            let label = label.pick(cx.lang);
            let tail_width = if tail.is_empty() { 0.0 } else { cx.paint.measure(&tail, &tail_style(shrink)) + 3.0 };
            let figures = cx.paint.measure(&value, &Style { size: shrink, ..figure() }) + tail_width;
            widths.push(figures.max(cx.paint.measure(label, &caption())));
            texts.push((tail, tint, label));
        }
        let gap = ((inner.width() - widths.iter().sum::<f32>()) / (count as f32 - 1.0).max(1.0)).max(8.0);
        let column = super::figures::column_width(&widths, inner.width());
        let mut left = inner.left;
        // They stand at the foot of a panel that is not too high for that.
        let figures_at = (inner.bottom - 34.0).clamp(inner.top + 112.0, inner.top + 190.0);
        for ((small, width), (tail, tint, label)) in self.small.iter().zip(widths).zip(texts) {
            let table = cx.table(&small.metric);
            let style = Style { size: shrink, ..figure() };
            let drawn = if short {
                let text = small.text(cx, true);
                cx.paint.text(left, figures_at, &text, &style)
            } else {
                cx.rolling_number(left, figures_at, &table, &small.column, small.decimals, &style)
            };
            cx.paint.text(left + drawn + 3.0, figures_at, &tail, &tail_style(shrink).colour(tint));
            cx.paint.text(left, figures_at + 26.0, label, &caption());
            left += column.unwrap_or(width + gap);
        }
    }

    fn ample(&self) -> Option<[f32; 2]> {
        let small = self.small.len() as f32;
        Some([(116.0 * small).max(330.0), if self.small.is_empty() { 84.0 } else { 146.0 }])
    }
}
