//! How often which length: columns over classes, stacked by what became of it, with a mark and facts below.

use serde::Deserialize;

use super::super::canvas::Rect;
use super::super::format;
use super::super::scene::{Metric, Words};
use super::super::tokens;
use super::facts::{self, Fact};
use super::{Calm, Cx, Panel, note};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Histogram {
    /// One row a class, in order.
    metric: Metric,
    #[serde(default = "from")]
    from: String,
    #[serde(default = "to")]
    to: String,
    /// Columns stacked from the base up.
    values: Vec<Part>,
    /// A class boundary with a dashed line and a word.
    #[serde(default)]
    mark: Option<Mark>,
    #[serde(default)]
    facts: Vec<Fact>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Part {
    column: String,
    label: Words,
    /// good, bad or plain.
    #[serde(default)]
    tone: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Mark {
    at: f64,
    label: Words,
}

fn from() -> String {
    "from_s".into()
}
fn to() -> String {
    "to_s".into()
}

impl Panel for Histogram {
    fn metrics(&self) -> Vec<&Metric> {
        std::iter::once(&self.metric).chain(self.facts.iter().map(|fact| &fact.metric)).collect()
    }

    fn columns(&self) -> Vec<(&Metric, &str)> {
        let own = [&self.from, &self.to].into_iter().chain(self.values.iter().map(|part| &part.column));
        let facts = self.facts.iter().map(|fact| (&fact.metric, fact.column.as_str()));
        own.map(|column| (&self.metric, column.as_str())).chain(facts).collect()
    }

    fn paint(&self, cx: &mut Cx<'_, '_>) {
        cx.heading_of_file();
        let inner = cx.inner();
        let facts_height = if self.facts.is_empty() { 0.0 } else { 34.0 };
        let plot = Rect { top: inner.top + 38.0, bottom: inner.bottom - facts_height - 24.0, ..inner };
        let table = cx.table(&self.metric);
        let rows = table.rows();
        let total = |row: usize| self.values.iter().filter_map(|part| table.number(row, &part.column)).sum::<f64>();
        let most = (0..rows).map(total).fold(0.0_f64, f64::max).max(1.0);
        let pitch = plot.width() / rows.max(1) as f32;
        cx.paint.rule(plot.left, plot.right, plot.bottom, tokens::RULE);
        let mut labelled = plot.left;
        for row in 0..rows {
            let left = plot.left + pitch * row as f32;
            let mut base = plot.bottom;
            let beyond = self
                .mark
                .as_ref()
                .is_some_and(|mark| table.number(row, &self.from).is_some_and(|from| from >= mark.at));
            for part in &self.values {
                let Some(value) = table.number(row, &part.column).filter(|value| *value > 0.0) else { continue };
                // Some is told by a sliver, but not once more for each part: that would say most are of the last one.
                let least = if base < plot.bottom { 0.8 } else { 2.0 };
                let height = ((value / most) as f32 * plot.height()).max(least);
                let colour = match part.tone.as_str() {
                    "bad" => tokens::BAD,
                    "good" => tokens::GOOD,
                    _ if beyond => tokens::BOARDS[2].alpha(0.62),
                    _ => tokens::BOARDS[2],
                };
                cx.paint.rect(Rect::new(left + 2.0, base - height, pitch - 4.0, height), 2.0, colour);
                base -= height;
            }
            if total(row) > 0.0 {
                let text = format::short(Some(total(row)), cx.lang);
                if cx.paint.measure(&text, &note()) <= pitch - 2.0 {
                    cx.paint.text(left + pitch * 0.5, base - 5.0, &text, &note().middle());
                }
            }
            let from = format::whole(table.number(row, &self.from));
            let label = if table.number(row, &self.to).is_none() { format!("≥{from}") } else { from };
            // Where classes are narrow not each has its number.
            if left >= labelled {
                labelled = left + 5.0 + cx.paint.text(left + 1.0, plot.bottom + 18.0, &label, &note());
            }
            if let Some(mark) = self.mark.as_ref().filter(|mark| table.number(row, &self.from) == Some(mark.at)) {
                cx.paint.polyline(
                    &[[left, plot.top - 30.0], [left, plot.bottom]],
                    1.5,
                    tokens::TEXT_QUIET,
                    Some((4.0, 4.0)),
                );
                cx.paint.text(left + 6.0, plot.top - 19.0, mark.label.pick(cx.lang), &note().colour(tokens::TEXT_BODY));
            }
        }
        let mut pen = plot.right;
        for part in self.values.iter().rev() {
            let colour = if part.tone == "bad" { tokens::BAD } else { tokens::BOARDS[2] };
            pen -= cx.paint.text(pen, inner.top + 6.0, part.label.pick(cx.lang), &note().right()) + 16.0;
            cx.paint.rect(Rect::new(pen, inner.top - 4.0, 10.0, 10.0), 2.0, colour);
            pen -= 14.0;
        }
        if rows == 0 {
            cx.empty(&table, Calm::Quiet, "今天还没有来电", "no calls yet today");
        }
        facts::line(cx, &self.facts, inner.left, inner.right, inner.bottom - 4.0);
    }

    fn ample(&self) -> Option<[f32; 2]> {
        Some([400.0, 240.0])
    }
}
