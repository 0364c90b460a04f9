//! Rates as rings, each with its n; too few cases show the count instead. Below them, a duration against yesterday.

use serde::Deserialize;

use super::super::canvas::{Face, Style};
use super::super::format;
use super::super::options::Mode;
use super::super::scene::{Metric, Words};
use super::super::tokens::{self, RATE_N_MIN, size};
use super::bullets::Verdict;
use super::cx::count_of;
use super::{Cx, Panel, body, caption, note, row_figure};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rings {
    rates: Vec<Rate>,
    #[serde(default)]
    duration: Option<Duration>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rate {
    metric: Metric,
    label: Words,
    #[serde(default)]
    board: Option<String>,
    /// A mark on the ring, 0 to 1.
    #[serde(default)]
    target: Option<f64>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Duration {
    metric: Metric,
    label: Words,
    unit: Words,
    #[serde(default = "mean")]
    column: String,
    #[serde(default = "yesterday")]
    before: String,
}

fn mean() -> String {
    "mean".into()
}
fn yesterday() -> String {
    "yesterday_mean".into()
}

impl Panel for Rings {
    fn metrics(&self) -> Vec<&Metric> {
        self.rates.iter().map(|rate| &rate.metric).chain(self.duration.iter().map(|line| &line.metric)).collect()
    }

    fn columns(&self) -> Vec<(&Metric, &str)> {
        let rates = self.rates.iter().flat_map(|rate| ["value", "k", "n"].map(|column| (&rate.metric, column)));
        let lines = self
            .duration
            .iter()
            .flat_map(|line| [&line.column, &line.before].map(|column| (&line.metric, column.as_str())));
        rates.chain(lines).collect()
    }

    fn paint(&self, cx: &mut Cx<'_, '_>) {
        cx.heading_of_file();
        let inner = cx.inner();
        let duration_height = if self.duration.is_some() { 40.0 } else { 0.0 };
        let room = inner.height() - duration_height - 46.0;
        let radius =
            (room * 0.5 - 6.0).min(inner.width() / self.rates.len().max(1) as f32 * 0.5 - 14.0).clamp(24.0, 84.0);
        let width = (radius * 0.19).clamp(6.0, 14.0);
        let radius = radius - width * 0.5;
        let y = inner.top + radius + width * 0.5 + ((room - 2.0 * radius - width) * 0.5).max(0.0);
        let count = self.rates.len().max(1);
        let reach = radius + width * 0.5;
        for (index, rate) in self.rates.iter().enumerate() {
            // The outer rings stand at the panel's edges, their labels below them.
            let span = inner.width() - 2.0 * reach - 16.0;
            let x = if count == 1 {
                inner.middle_x()
            } else {
                inner.left + 8.0 + reach + span * index as f32 / (count - 1) as f32
            };
            self.ring(cx, rate, [x, y], radius, width);
        }
        if let Some(line) = &self.duration {
            self.duration(cx, line, inner.left, inner.bottom - 4.0);
        }
    }

    fn ample(&self) -> Option<[f32; 2]> {
        Some([128.0 * self.rates.len() as f32, if self.duration.is_some() { 200.0 } else { 150.0 }])
    }
}

impl Rings {
    fn ring(&self, cx: &mut Cx<'_, '_>, rate: &Rate, [x, y]: [f32; 2], radius: f32, width: f32) {
        let table = cx.table(&rate.metric);
        let (value, k, n) = (table.number(0, "value"), table.number(0, "k"), table.number(0, "n"));
        let verdict = Verdict::of(rate.target, false, k, n);
        let colour = rate.board.as_ref().map_or(verdict.colour(), |board| cx.board_colour(board));
        cx.paint.ring(x, y, radius, width, 0.0, 1.0, tokens::TRACK);
        let few = n.is_some_and(|n| n < RATE_N_MIN as f64);
        if let Some(value) = value.filter(|_| !few) {
            let progress = cx.progress(&table);
            let before = table.before().number(0, "value").unwrap_or(value);
            let shown = before + (value - before) * f64::from(progress);
            cx.paint.ring(x, y, radius, width, 0.0, shown.clamp(0.0, 1.0) as f32, colour);
        }
        if let Some(target) = rate.target {
            let turn = target as f32 * std::f32::consts::TAU;
            let (sine, cosine) = turn.sin_cos();
            let (near, far) = (radius - width * 0.5 - 2.0, radius + width * 0.5 + 2.0);
            cx.paint.segment(
                [x + sine * near, y - cosine * near],
                [x + sine * far, y - cosine * far],
                2.0,
                tokens::TEXT,
            );
        }
        let style = Style::new(Face::Figure, size::RING_FIGURE, tokens::TEXT).middle();
        let text = match (value, n) {
            (_, Some(n)) if n < 1.0 => format::MISSING.into(),
            _ if few => count_of(k, n),
            (value, _) => format::percent(value),
        };
        let large = if radius > 62.0 { size::FIGURE } else { size::RING_FIGURE };
        let style = Style { size: if few && radius <= 62.0 { size::ROW_FIGURE } else { large }, ..style };
        cx.paint.text(x, y + style.size * 0.35, &text, &style);
        let label = rate.label.pick(cx.lang);
        let unit = if few || value.is_none() { "" } else { " %" };
        cx.paint.text(x, y + radius + width * 0.5 + 22.0, &format!("{label}{unit}"), &caption().middle());
        let mut count = n.map_or_else(String::new, |n| format!("n={}", format::whole(Some(n))));
        // A briefing hears how sure a rate is, in place of how many cases.
        if let (Mode::Brief, Some(k), Some(n), false) = (cx.mode, k, n, few)
            && n >= 1.0
        {
            let (low, high) = super::bullets::wilson(k, n);
            count = format!("{}–{}%", format::percent(Some(low)), format::percent(Some(high)));
        }
        let word = if few { "" } else { verdict.word(cx.lang) };
        let (gap, baseline) = (if word.is_empty() { 0.0 } else { 6.0 }, y + radius + width * 0.5 + 40.0);
        let said = note().colour(verdict.colour());
        let left = x - (cx.paint.measure(&count, &note()) + gap + cx.paint.measure(word, &said)) * 0.5;
        let pen = left + cx.paint.text(left, baseline, &count, &note()) + gap;
        cx.paint.text(pen, baseline, word, &said);
    }

    fn duration(&self, cx: &mut Cx<'_, '_>, line: &Duration, left: f32, baseline: f32) {
        let table = cx.table(&line.metric);
        let (value, before) = (table.number(0, &line.column), table.number(0, &line.before));
        let mut pen =
            left + cx.paint.text(left, baseline, line.label.pick(cx.lang), &body().colour(tokens::TEXT_QUIET)) + 8.0;
        let text = match value {
            Some(value) if value < 10.0 => format::decimal(Some(value), 1),
            value => format::whole(value),
        };
        pen += cx.paint.text(pen, baseline, &text, &Style::new(Face::Figure, size::RING_FIGURE, tokens::TEXT)) + 6.0;
        pen += cx.paint.text(pen, baseline, line.unit.pick(cx.lang), &body().colour(tokens::TEXT_QUIET)) + 16.0;
        let (Some(value), Some(before)) = (value, before) else { return };
        let change = value.round() - before.round();
        // Shorter is better; the arrow says which way, the colour whether that is good.
        let (arrow, colour) = match change {
            change if change < 0.0 => ("↓", tokens::GOOD),
            change if change > 0.0 => ("↑", tokens::WARN),
            _ => ("=", tokens::TEXT_QUIET),
        };
        let style = body().colour(colour);
        pen += cx.paint.text(pen, baseline, arrow, &style) + 4.0;
        pen += cx.paint.text(pen, baseline, &format::whole(Some(change.abs())), &row_figure().colour(colour)) + 6.0;
        // As much as there is room for; the arrow says it too.
        let (unit, since) = (line.unit.pick(cx.lang), cx.lang.pick("较昨日同时", "vs yesterday by now"));
        let comma = cx.lang.pick("，", ", ");
        let wordings = [format!("{unit}{comma}{since}"), since.to_owned(), unit.to_owned()];
        if let Some(said) = wordings.iter().find(|said| pen + cx.paint.measure(said, &style) <= cx.inner().right) {
            cx.paint.text(pen, baseline, said, &style);
        }
    }
}
