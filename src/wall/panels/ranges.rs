//! The middle half and the median of each group, on one scale.

use serde::Deserialize;

use super::super::canvas::{Face, Rect, Style};
use super::super::format;
use super::super::scene::{Metric, Words};
use super::super::tokens::{self, size};
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
        let all =
            (0..rows).flat_map(|row| [&self.low, &self.middle, &self.high].map(|column| table.number(row, column)));
        let ticks = Ticks::around(all.flatten());
        let x = |value: f64| plot.left + plot.width() * ticks.share(value);
        for tick in ticks.all() {
            let at = x(tick);
            for [from, to] in cx.bands([plot.top, plot.bottom]) {
                cx.paint.rect(Rect::new(at, from, 1.0, to - from), 0.0, tokens::RULE.alpha(0.6));
            }
            let text = format::whole(Some(tick));
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

/// A scale in whole steps around its values; it begins at nought only where they come near it, since a place on it is
/// read and no length.
struct Ticks {
    first: f64,
    step: f64,
    count: usize,
}

impl Ticks {
    fn around(values: impl Iterator<Item = f64>) -> Ticks {
        let finite = values.filter(|value| value.abs() <= 1e300);
        let (low, high) = finite.fold((f64::MAX, f64::MIN), |(low, high), value| (low.min(value), high.max(value)));
        if low > high {
            return Ticks { first: 0.0, step: 1.0, count: 1 };
        }
        let low = if low >= 0.0 && low < high * 0.3 { 0.0 } else { low };
        let rough = ((high - low) / 4.0).max(high.abs() * 1e-3).max(1.0);
        let power = 10.0_f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0].into_iter().map(|step| step * power).find(|step| *step >= rough);
        let step = step.unwrap_or(rough);
        let first = (low / step).floor();
        let count = ((high / step).ceil() - first).max(1.0) as usize;
        Ticks { first: first * step, step, count }
    }

    fn all(&self) -> impl Iterator<Item = f64> {
        (0..=self.count).map(|tick| self.first + self.step * tick as f64)
    }

    fn share(&self, value: f64) -> f32 {
        ((value - self.first) / (self.step * self.count as f64)) as f32
    }
}

#[cfg(test)]
mod tests {
    use super::Ticks;

    fn ticks(values: &[f64]) -> Vec<f64> {
        Ticks::around(values.iter().copied()).all().collect()
    }

    #[test]
    fn a_scale_has_few_whole_steps_around_its_values() {
        assert_eq!(ticks(&[4_300.0, 8_280.0]), [4_000.0, 5_000.0, 6_000.0, 7_000.0, 8_000.0, 9_000.0]);
        assert_eq!(ticks(&[900.0, 8_280.0]), [0.0, 5_000.0, 10_000.0], "what comes near nought begins there");
        assert_eq!(ticks(&[5.0, 5.0]), [5.0, 6.0]);
        assert_eq!(ticks(&[]), [0.0, 1.0]);
        for values in [[f64::NAN, 3.0], [-4.0, 4.0], [1e18, 1.1e18], [0.0, 0.0], [-1e300, 1e300]] {
            let all = ticks(&values);
            assert!((2..=8).contains(&all.len()), "{values:?}: {all:?}");
        }
    }
}
