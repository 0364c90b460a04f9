//! The middle half and the median of each group, on one scale.

use serde::Deserialize;

use super::super::canvas::{Face, Rect, Style};
use super::super::format;
use super::super::scene::{Metric, Words};
use super::super::tokens::{self, size};
use super::curve::nice_top;
use super::{Calm, Cx, Panel, body, note};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ranges {
    /// zh, en, low, middle, high, n.
    metric: Metric,
    #[serde(default = "low")]
    low: String,
    #[serde(default = "middle")]
    middle: String,
    #[serde(default = "high")]
    high: String,
    #[serde(default)]
    unit: Words,
    #[serde(default = "most")]
    most: usize,
}

fn low() -> String {
    "p25".into()
}
fn middle() -> String {
    "p50".into()
}
fn high() -> String {
    "p75".into()
}
fn most() -> usize {
    8
}

impl Panel for Ranges {
    fn metrics(&self) -> Vec<&Metric> {
        vec![&self.metric]
    }

    fn columns(&self) -> Vec<(&Metric, &str)> {
        [&self.low, &self.middle, &self.high].into_iter().map(|column| (&self.metric, column.as_str())).collect()
    }

    fn paint(&self, cx: &mut Cx<'_, '_>) {
        cx.heading_of_file();
        let inner = cx.inner();
        let table = cx.table(&self.metric);
        let rows = table.rows().min(self.most);
        if rows == 0 {
            cx.empty(&table, Calm::Quiet, "样本还少，不显示", "too few cases to show");
            return;
        }
        let (names, widest) = cx.names(&table, rows);
        let name_width = widest.min(inner.width() * 0.34) + 16.0;
        let plot =
            Rect { left: inner.left + name_width, right: inner.right - 76.0, bottom: inner.bottom - 20.0, ..inner };
        let top_value = nice_top((0..rows).filter_map(|row| table.number(row, &self.high)).fold(0.0_f64, f64::max));
        let x = |value: f64| plot.left + plot.width() * (value / top_value) as f32;
        for tick in [0.0, 0.5, 1.0] {
            let at = plot.left + plot.width() * tick as f32;
            for [from, to] in cx.bands([plot.top, plot.bottom]) {
                cx.paint.rect(Rect::new(at, from, 1.0, to - from), 0.0, tokens::RULE.alpha(0.6));
            }
            let text = format::whole(Some(top_value * tick));
            cx.paint.text(at, plot.bottom + 16.0, &text, &note().middle());
        }
        let (pitch, tops) = cx.rows([plot.top, plot.bottom], rows, [20.0, 64.0]);
        for (row, (name, top)) in names.iter().zip(tops).enumerate() {
            let y = top + pitch * 0.5;
            cx.paint.text_within(inner.left, y + 6.5, name_width - 10.0, name, &body());
            let (low, middle, high) =
                (table.number(row, &self.low), table.number(row, &self.middle), table.number(row, &self.high));
            if let (Some(low), Some(high)) = (low, high) {
                cx.paint.rect(
                    Rect::new(x(low), y - 5.0, (x(high) - x(low)).max(2.0), 10.0),
                    5.0,
                    tokens::BOARDS[2].alpha(0.5),
                );
            }
            if let Some(middle) = middle {
                cx.paint.disc(x(middle), y, 6.0, tokens::ACCENT);
            }
            let style = Style::new(Face::Figure, size::BODY, tokens::TEXT).right();
            let text = format!(
                "{}{}",
                format::whole(middle),
                if self.unit.is_empty() { String::new() } else { format!(" {}", self.unit.pick(cx.lang)) }
            );
            cx.paint.text(inner.right, y + 6.5, &text, &style);
        }
    }

    fn opens_at_seams(&self) -> bool {
        true
    }

    fn ample(&self) -> Option<[f32; 2]> {
        Some([440.0, 44.0 * self.most as f32])
    }
}
