//! Rates as level bars with their target, their n and, at a briefing, their interval.

use serde::Deserialize;

use super::super::canvas::{Face, Rect, Style};
use super::super::data::Table;
use super::super::format;
use super::super::options::{Lang, Mode};
use super::super::scene::{Metric, Words};
use super::super::tokens::{self, Colour, RATE_N_MIN, size};
use super::cx::count_of;
use super::{Cx, Panel, body, note};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bullets {
    rates: Vec<Rate>,
    /// A sentence below: what the mark is, what the denominator.
    #[serde(default)]
    foot: Words,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rate {
    /// value, k, n.
    metric: Metric,
    /// Which row: the one whose `code` column says `row`; left out: the first.
    #[serde(default)]
    code: Option<String>,
    #[serde(default)]
    row: Option<String>,
    #[serde(default = "value")]
    value: String,
    #[serde(default = "k")]
    k: String,
    #[serde(default = "n")]
    n: String,
    label: Words,
    /// 0 to 1; green where it is surely met, amber where it is surely missed.
    #[serde(default)]
    target: Option<f64>,
    /// Smaller is better.
    #[serde(default)]
    low_is_good: bool,
}

fn value() -> String {
    "value".into()
}
fn k() -> String {
    "k".into()
}
fn n() -> String {
    "n".into()
}

/// Wilson's 95 % interval of k in n.
pub fn wilson(k: f64, n: f64) -> (f64, f64) {
    const Z: f64 = 1.959_964;
    let share = k / n;
    let middle = (share + Z * Z / (2.0 * n)) / (1.0 + Z * Z / n);
    let reach = Z / (1.0 + Z * Z / n) * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt();
    // At the ends rounding must not leave the share itself out.
    let low = if k <= 0.0 { 0.0 } else { (middle - reach).max(0.0) };
    let high = if k >= n { 1.0 } else { (middle + reach).min(1.0) };
    (low, high)
}

/// What a rate is beside its target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Met,
    Missed,
    /// The cases say neither.
    Open,
    /// There is no target, or no case.
    None,
}

impl Verdict {
    /// Surely met or surely missed, as Wilson's interval says.
    pub fn of(target: Option<f64>, low_is_good: bool, k: Option<f64>, n: Option<f64>) -> Verdict {
        let (Some(target), Some(k), Some(n)) = (target, k, n.filter(|n| *n >= 1.0)) else { return Verdict::None };
        let (low, high) = wilson(k, n);
        // All of them is met by all of them, however few.
        let whole = target >= 1.0 && k >= n;
        let (met, missed) =
            if low_is_good { (high <= target, low > target) } else { (low >= target || whole, high < target) };
        match (met, missed) {
            (true, _) => Verdict::Met,
            (_, true) => Verdict::Missed,
            _ => Verdict::Open,
        }
    }

    pub fn colour(self) -> Colour {
        match self {
            Verdict::Met => tokens::GOOD,
            Verdict::Missed => tokens::WARN,
            Verdict::Open | Verdict::None => tokens::BOARDS[2],
        }
    }

    /// A colour alone says nothing.
    pub fn word(self, lang: Lang) -> &'static str {
        match self {
            Verdict::Met => lang.pick("达标", "met"),
            Verdict::Missed => lang.pick("未达", "missed"),
            Verdict::Open => lang.pick("未定", "unsure"),
            Verdict::None => "",
        }
    }
}

/// The row of a table whose `code` column says `row`.
pub fn row_of(table: &Table<'_>, code: Option<&str>, row: Option<&str>) -> usize {
    match (code, row) {
        (Some(code), Some(wanted)) => {
            (0..table.rows()).find(|row| table.text(*row, code) == Some(wanted)).unwrap_or(usize::MAX)
        }
        _ => 0,
    }
}

impl Panel for Bullets {
    fn metrics(&self) -> Vec<&Metric> {
        self.rates.iter().map(|rate| &rate.metric).collect()
    }

    fn columns(&self) -> Vec<(&Metric, &str)> {
        let mut columns = Vec::new();
        for rate in &self.rates {
            let named = [Some(&rate.value), Some(&rate.k), Some(&rate.n), rate.code.as_ref()];
            columns.extend(named.into_iter().flatten().map(|column| (&rate.metric, column.as_str())));
        }
        columns
    }

    fn paint(&self, cx: &mut Cx<'_, '_>) {
        cx.heading_of_file();
        let inner = cx.inner();
        let foot = if self.foot.is_empty() { 0.0 } else { 26.0 };
        let count = self.rates.len().max(1) as f32;
        let pitch = ((inner.height() - foot) / count).min(180.0);
        for (index, rate) in self.rates.iter().enumerate() {
            let top = inner.top + pitch * index as f32 + (pitch - 58.0).max(0.0) * 0.4;
            self.rate(cx, rate, inner, top, pitch > 116.0);
        }
        if foot > 0.0 {
            let text = self.foot.pick(cx.lang);
            cx.paint.label_within(inner.left, inner.bottom - 2.0, inner.width(), text, &note());
        }
    }

    fn ample(&self) -> Option<[f32; 2]> {
        let foot = if self.foot.is_empty() { 0.0 } else { 26.0 };
        Some([400.0, 92.0 * self.rates.len() as f32 + foot])
    }
}

impl Bullets {
    /// What the mark on a bar is, unless the foot says it.
    fn target(&self, cx: &Cx<'_, '_>, rate: &Rate) -> Option<String> {
        let target = rate.target.filter(|_| self.foot.is_empty())?;
        Some(format!("{} {}%", cx.lang.pick("目标", "target"), format::percent(Some(target))))
    }

    fn rate(&self, cx: &mut Cx<'_, '_>, rate: &Rate, inner: Rect, top: f32, large: bool) {
        let table = cx.table(&rate.metric);
        let row = row_of(&table, rate.code.as_deref(), rate.row.as_deref());
        let (value, k, n) = (table.number(row, &rate.value), table.number(row, &rate.k), table.number(row, &rate.n));
        let few = n.is_some_and(|n| n < RATE_N_MIN as f64);
        let baseline = top + 28.0;
        let figures = Style::new(Face::Figure, if large { size::FIGURE } else { size::RING_FIGURE }, tokens::TEXT);
        let (label, room) = (rate.label.pick(cx.lang), inner.width() * 0.41);
        let steps = [size::BODY, size::CAPTION, size::NOTE].map(|size| Style { size, ..body() });
        let style = steps.into_iter().find(|style| cx.paint.measure(label, style) <= room).unwrap_or(steps[2]);
        cx.paint.label_within(inner.left, baseline, room, label, &style);
        let text = match n {
            Some(n) if n < 1.0 => format::MISSING.to_owned(),
            Some(_) if few => count_of(k, n),
            _ => value.map_or(format::MISSING.to_owned(), |value| format!("{}%", format::percent(Some(value)))),
        };
        cx.paint.text(inner.left + inner.width() * 0.43, baseline, &text, &figures);
        let figure_at = inner.left + inner.width() * 0.43;
        let cases = n.map_or_else(String::new, |n| format!("n={}", format::whole(Some(n))));
        let verdict = if few { Verdict::None } else { Verdict::of(rate.target, rate.low_is_good, k, n) };
        let mut counts = vec![cases];
        if let (Mode::Brief, Some(k), Some(n)) = (cx.mode, k, n)
            && !few
        {
            // A briefing hears how sure a rate is; n is left out where both do not fit.
            let (low, high) = wilson(k, n);
            let sure = format!("{}–{}%", format::percent(Some(low)), format::percent(Some(high)));
            counts = vec![format!("{sure}  {}", counts[0]), sure];
        }
        let quiet = Style::new(Face::Figure, size::CAPTION, tokens::TEXT_FAINT).right();
        let room = inner.right - figure_at - cx.paint.measure(&text, &figures) - 12.0;
        let word = verdict.word(cx.lang);
        let said = Style { colour: verdict.colour(), ..quiet };
        let word_width = if word.is_empty() { 0.0 } else { cx.paint.measure(word, &said) + 10.0 };
        let (target, right) = (self.target(cx, rate), inner.right - word_width);
        let with_target = counts.first().zip(target).map(|(count, target)| format!("{count}  {target}"));
        let wanted: Vec<String> = with_target.into_iter().chain(counts.iter().cloned()).collect();
        if room >= word_width {
            cx.paint.text(inner.right, baseline, word, &said);
        }
        if let Some(count) = wanted.iter().find(|count| cx.paint.measure(count, &quiet) <= room - word_width) {
            cx.paint.text(right, baseline, count, &quiet);
        }
        let thick = if large { 13.0 } else { 9.0 };
        let bar = Rect::new(inner.left, top + 41.0, inner.width(), thick);
        let round = thick * 0.5;
        cx.paint.rect(bar, round, tokens::TRACK.alpha(0.7));
        if let Some(value) = value.filter(|_| !few) {
            let colour = verdict.colour();
            let width = bar.width() * value.clamp(0.0, 1.0) as f32;
            if width > 0.5 {
                super::round_bar(cx, Rect { right: bar.left + width, ..bar }, colour);
            }
        }
        if let Some(target) = rate.target {
            let x = bar.left + bar.width() * target as f32;
            cx.paint.rect(Rect::new(x - 1.0, bar.top - 4.0, 2.0, thick + 8.0), 0.0, tokens::TEXT);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Verdict;

    #[test]
    fn the_interval_holds_the_share_and_narrows_with_n() {
        let (low, high) = super::wilson(81.0, 100.0);
        assert!((low - 0.7222).abs() < 0.001 && (high - 0.8749).abs() < 0.001, "{low} {high}");
        let (low, high) = super::wilson(0.0, 30.0);
        assert!(low == 0.0 && high > 0.1);
        for n in 1..2000 {
            assert_eq!(super::wilson(f64::from(n), f64::from(n)).1, 1.0, "all of {n}");
        }
    }

    #[test]
    fn a_verdict_says_no_more_than_the_cases_do() {
        let verdict = |k: f64, n: f64| Verdict::of(Some(0.95), false, Some(k), Some(n));
        assert_eq!(verdict(990.0, 1000.0), Verdict::Met);
        assert_eq!(verdict(900.0, 1000.0), Verdict::Missed);
        assert_eq!(verdict(41.0, 42.0), Verdict::Open, "97.6 % of 42 may well be less than 95 %");
        assert_eq!(Verdict::of(Some(1.0), false, Some(48.0), Some(48.0)), Verdict::Met);
        assert_eq!(Verdict::of(None, false, Some(1.0), Some(2.0)), Verdict::None);
        assert_eq!(Verdict::of(Some(0.95), true, Some(900.0), Some(1000.0)), Verdict::Met);
    }
}
