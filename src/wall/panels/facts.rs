//! A line of facts: a quiet word and its figure, several times.

use serde::Deserialize;

use super::super::canvas::{Face, Style};
use super::super::format;
use super::super::scene::{Metric, Words};
use super::super::tokens::{self, RATE_N_MIN, size};
use super::bullets::row_of;
use super::cx::count_of;
use super::{Cx, body};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fact {
    pub metric: Metric,
    #[serde(default = "value")]
    pub column: String,
    #[serde(default)]
    pub code: Option<String>,
    #[serde(default)]
    pub row: Option<String>,
    pub label: Words,
    #[serde(default)]
    pub unit: Words,
    /// A share with k and n.
    #[serde(default)]
    pub rate: bool,
    #[serde(default)]
    pub decimals: usize,
}

fn value() -> String {
    "value".into()
}

impl Fact {
    pub fn text(&self, cx: &Cx<'_, '_>) -> String {
        let table = cx.table(&self.metric);
        let row = row_of(&table, self.code.as_deref(), self.row.as_deref());
        let number = table.number(row, &self.column);
        if self.rate {
            let n = table.number(row, "n");
            return match n {
                Some(n) if n < 1.0 => format::MISSING.into(),
                Some(few) if few < RATE_N_MIN as f64 => count_of(table.number(row, "k"), n),
                _ => number.map_or(format::MISSING.into(), |_| format!("{}%", format::percent(number))),
            };
        }
        format::decimal(number, self.decimals)
    }
}

/// Draws facts from the left; those that do not fit whole are left out.
pub fn line(cx: &mut Cx<'_, '_>, facts: &[Fact], left: f32, right: f32, baseline: f32) {
    let quiet = body().colour(tokens::TEXT_QUIET);
    let figure = Style::new(Face::Figure, size::ROW_FIGURE, tokens::TEXT);
    let mut pen = left;
    for fact in facts {
        let text = fact.text(cx);
        let (label, unit) = (fact.label.pick(cx.lang), fact.unit.pick(cx.lang));
        let unit = if unit.is_empty() { String::new() } else { format!(" {unit}") };
        let width =
            cx.paint.measure(label, &quiet) + 6.0 + cx.paint.measure(&text, &figure) + cx.paint.measure(&unit, &quiet);
        if pen + width > right + 0.5 {
            return;
        }
        pen += cx.paint.text(pen, baseline, label, &quiet) + 6.0;
        pen += cx.paint.text(pen, baseline, &text, &figure);
        pen += cx.paint.text(pen, baseline, &unit, &quiet) + 22.0;
    }
}
