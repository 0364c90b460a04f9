//! Groups in three tiers: their rate surely above a target, surely below it, or neither.
//!
//! What decides is Wilson's 95 % interval, so that no group is praised or blamed by chance; within a tier the metric's
//! own order stands, which is no ranking. Groups with too few cases are named apart, with their counts.

use serde::Deserialize;

use super::super::canvas::{Face, Rect, Style};
use super::super::data::Table;
use super::super::format;
use super::super::options::Lang;
use super::super::scene::Metric;
use super::super::tokens::{self, Colour, size};
use super::bullets::wilson;
use super::cx::count_of;
use super::{Calm, Cx, Panel, body, caption};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tiers {
    /// A row a group: zh, en, k, n.
    metric: Metric,
    /// 0 to 1.
    target: f64,
    /// Cases a group needs to be in a tier.
    #[serde(default = "least_n")]
    least_n: f64,
    /// Smaller is better.
    #[serde(default)]
    low_is_good: bool,
}

fn least_n() -> f64 {
    100.0
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Tier {
    Better,
    Alike,
    Worse,
    Few,
}

impl Tier {
    const ALL: [Tier; 4] = [Tier::Better, Tier::Alike, Tier::Worse, Tier::Few];

    fn mark(self) -> &'static str {
        match self {
            Tier::Better => "▲",
            Tier::Alike => "●",
            Tier::Worse => "▼",
            Tier::Few => "○",
        }
    }

    fn colour(self) -> Colour {
        match self {
            Tier::Better => tokens::GOOD,
            Tier::Alike => tokens::BOARDS[2],
            Tier::Worse => tokens::WARN,
            Tier::Few => tokens::TEXT_FAINT,
        }
    }
}

/// Least and greatest height of a line.
const ROW_HEIGHTS: [f32; 2] = [27.0, 46.0];

/// A row of the metric with cases.
struct Group {
    row: usize,
    k: f64,
    n: f64,
    /// Wilson's 95 % interval of the share.
    low: f64,
    high: f64,
    tier: Tier,
}

/// One line of the panel.
enum Line {
    Head { tier: Tier, count: usize, shown: usize },
    Group(usize),
}

impl Tiers {
    fn groups(&self, table: &Table<'_>) -> Vec<Group> {
        let group = |row: usize| {
            let (k, n) = (table.number(row, "k")?, table.number(row, "n")?);
            if n < 1.0 || !(0.0..=n).contains(&k) {
                return None;
            }
            let (low, high) = wilson(k, n);
            Some(Group { row, k, n, low, high, tier: self.tier(n, low, high) })
        };
        (0..table.rows()).filter_map(group).collect()
    }

    fn tier(&self, n: f64, low: f64, high: f64) -> Tier {
        let (above, below) = (low > self.target, high < self.target);
        match (above, below) {
            _ if n < self.least_n => Tier::Few,
            (false, false) => Tier::Alike,
            _ if above != self.low_is_good => Tier::Better,
            _ => Tier::Worse,
        }
    }

    fn head(&self, lang: Lang, tier: Tier) -> String {
        let target = percent(self.target);
        let above = (tier == Tier::Better) != self.low_is_good;
        match (tier, lang) {
            (Tier::Few, Lang::Zh) => format!("样本不足，不分档（n<{}）", format::whole(Some(self.least_n))),
            (Tier::Few, Lang::En) => format!("too few cases (n<{})", format::whole(Some(self.least_n))),
            (Tier::Alike, Lang::Zh) => format!("与 {target} 相当"),
            (Tier::Alike, Lang::En) => format!("not surely either side of {target}"),
            (_, Lang::Zh) => format!("明显{}于 {target}", if above { "高" } else { "低" }),
            (_, Lang::En) => format!("surely {} {target}", if above { "above" } else { "below" }),
        }
    }

    /// Heads and groups, tier by tier, in at most so many lines. Every tier has its head; where not all groups have room
    /// those that need a look come first.
    fn lines(groups: &[Group], most: usize) -> Vec<Line> {
        let members = |tier: Tier| groups.iter().enumerate().filter(move |(_, group)| group.tier == tier);
        let counts = Tier::ALL.map(|tier| members(tier).count());
        let mut room = most.saturating_sub(counts.iter().filter(|count| **count > 0).count());
        let mut shown = [0; Tier::ALL.len()];
        for tier in [Tier::Worse, Tier::Alike, Tier::Better, Tier::Few] {
            let index = tier as usize;
            shown[index] = counts[index].min(room);
            room -= shown[index];
        }
        let mut lines = Vec::with_capacity(most);
        for tier in Tier::ALL {
            let (count, shown) = (counts[tier as usize], shown[tier as usize]);
            if count > 0 {
                lines.push(Line::Head { tier, count, shown });
                lines.extend(members(tier).take(shown).map(|(index, _)| Line::Group(index)));
            }
        }
        lines.truncate(most);
        lines
    }
}

/// 95%, 97.5%.
fn percent(share: f64) -> String {
    format!("{}%", format::percent(Some(share)).trim_end_matches(".0"))
}

/// Where the scale begins: a round twentieth below all intervals and the target.
fn scale_from(groups: &[Group], target: f64) -> f64 {
    let ranked = groups.iter().filter(|group| group.tier != Tier::Few);
    let least = ranked.map(|group| group.low).fold(target, f64::min);
    ((least * 20.0 - 0.2).floor() / 20.0).clamp(0.0, 0.95)
}

/// Where the scale ends: a round twentieth above all, or the whole.
fn scale_to(groups: &[Group], target: f64) -> f64 {
    let ranked = groups.iter().filter(|group| group.tier != Tier::Few);
    let most = ranked.map(|group| group.high).fold(target, f64::max);
    ((most * 20.0 + 0.2).ceil() / 20.0).min(1.0)
}

impl Panel for Tiers {
    fn metrics(&self) -> Vec<&Metric> {
        vec![&self.metric]
    }

    fn columns(&self) -> Vec<(&Metric, &str)> {
        ["zh", "en", "k", "n"].map(|column| (&self.metric, column)).to_vec()
    }

    fn paint(&self, cx: &mut Cx<'_, '_>) {
        cx.heading_of_file();
        let inner = cx.inner();
        let table = cx.table(&self.metric);
        let groups = self.groups(&table);
        if groups.is_empty() {
            cx.empty(&table, Calm::Quiet, "样本还少，不分档", "too few cases for tiers");
            return;
        }
        let foot = 24.0;
        let wanted = groups.len() + Tier::ALL.len();
        let most = cx.rows([inner.top, inner.bottom - foot], wanted, ROW_HEIGHTS).1.len();
        let lines = Self::lines(&groups, most);
        let (pitch, tops) = cx.rows([inner.top, inner.bottom - foot], lines.len(), ROW_HEIGHTS);
        let (names, widest) = cx.names(&table, table.rows());
        // Rather a step smaller than cut.
        let room = inner.width() * 0.38;
        let named = Style { size: if widest > room { size::CAPTION } else { size::BODY }, ..body() };
        let name_width = (widest * named.size / size::BODY).min(room) + 14.0;
        let figures = Style::new(Face::Figure, size::BODY, tokens::TEXT).right();
        let figure_width = cx.paint.measure("100.0%", &figures) + 14.0;
        let cases = Style::new(Face::Figure, size::CAPTION, tokens::TEXT_FAINT).right();
        let said = |n: f64| format!("n={}", format::whole(Some(n)));
        let cases_width = cx.paint.widest(groups.iter().map(|group| said(group.n)), &cases) + 12.0;
        // Where there is little room the counts give way to the interval.
        let cases_width =
            if inner.width() - name_width - figure_width - cases_width > 150.0 { cases_width } else { 0.0 };
        let plot = Rect {
            left: inner.left + name_width,
            right: inner.right - figure_width - cases_width - 8.0,
            bottom: inner.bottom - foot,
            ..inner
        };
        let (from, to) = (scale_from(&groups, self.target), scale_to(&groups, self.target));
        let x = |share: f64| plot.left + plot.width() * ((share - from) / (to - from).max(0.01)).clamp(0.0, 1.0) as f32;
        // The target's line ends where no rates stand.
        let ranked = |line: &Line| match line {
            Line::Head { tier, .. } => *tier != Tier::Few,
            Line::Group(index) => groups.get(*index).is_some_and(|group| group.tier != Tier::Few),
        };
        let last = lines.iter().zip(&tops).rfind(|(line, _)| ranked(line));
        self.axis(cx, plot, last.map_or(plot.top, |(_, top)| top + pitch), [from, to], &x);
        for (line, top) in lines.iter().zip(&tops) {
            let y = top + pitch * 0.5;
            match line {
                Line::Head { tier, count, shown } => {
                    let style = caption().colour(tier.colour());
                    cx.paint.text(inner.left, y + 5.5, tier.mark(), &style);
                    let said = match (cx.lang, *shown) {
                        (Lang::Zh, 0) => format!("{count} 个，未列出"),
                        (Lang::En, 0) => format!("{count}, not listed"),
                        (Lang::Zh, shown) if shown < *count => format!("{count} 个，列出 {shown} 个"),
                        (Lang::En, shown) if shown < *count => format!("{count}, {shown} listed"),
                        (Lang::Zh, _) => format!("{count} 个"),
                        (Lang::En, _) => count.to_string(),
                    };
                    let told = cx.paint.text(inner.right, y + 5.5, &said, &style.right());
                    let text = self.head(cx.lang, *tier);
                    cx.paint.text_within(inner.left + 22.0, y + 5.5, inner.width() - told - 34.0, &text, &style);
                    cx.paint.rule(inner.left, inner.right, top + pitch - 1.0, tier.colour().alpha(0.30));
                }
                Line::Group(index) => {
                    let Some(group) = groups.get(*index) else { continue };
                    let name = names.get(group.row).copied().unwrap_or_default();
                    cx.paint.text_within(inner.left, y + 6.5, name_width - 10.0, name, &named);
                    if group.tier == Tier::Few {
                        let text = count_of(Some(group.k), Some(group.n));
                        cx.paint.text(inner.right, y + 6.5, &text, &figures.colour(tokens::TEXT_QUIET));
                        continue;
                    }
                    let colour = group.tier.colour();
                    let (low, high) = (x(group.low), x(group.high));
                    cx.paint.rect(Rect::new(low, y - 3.0, (high - low).max(3.0), 6.0), 3.0, colour.alpha(0.42));
                    cx.paint.disc(x(group.k / group.n), y, 5.0, colour);
                    let text = format!("{}%", format::percent(Some(group.k / group.n)));
                    cx.paint.text(inner.right - cases_width, y + 6.5, &text, &figures);
                    if cases_width > 0.0 {
                        cx.paint.text(inner.right, y + 6.0, &said(group.n), &cases);
                    }
                }
            }
        }
    }

    fn least(&self) -> [f32; 2] {
        [300.0, 200.0]
    }

    fn ample(&self) -> Option<[f32; 2]> {
        Some([520.0, 520.0])
    }

    fn opens_at_seams(&self) -> bool {
        true
    }
}

impl Tiers {
    /// The target as an upright line down to `bottom`, the ends of the scale below the plot.
    fn axis(&self, cx: &mut Cx<'_, '_>, plot: Rect, bottom: f32, [from, to]: [f64; 2], x: &dyn Fn(f64) -> f32) {
        let at = x(self.target);
        for [top, bottom] in cx.bands([plot.top, bottom.min(plot.bottom)]) {
            cx.paint.rect(Rect::new(at - 0.75, top, 1.5, bottom - top), 0.0, tokens::TEXT.alpha(0.55));
        }
        let style = Style::new(Face::Figure, size::NOTE, tokens::TEXT_FAINT).middle();
        let target = percent(self.target);
        let half = cx.paint.measure(&target, &style) * 0.5 + 10.0;
        cx.paint.text(at, plot.bottom + 18.0, &target, &style.colour(tokens::TEXT_QUIET));
        for (share, end) in [(from, plot.left), (to, plot.right)] {
            if (end - at).abs() > 2.0 * half {
                cx.paint.text(end, plot.bottom + 18.0, &percent(share), &style);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn panel(low_is_good: bool) -> Tiers {
        let text = format!("metric = \"m\"\ntarget = 0.95\nlow_is_good = {low_is_good}");
        toml::from_str(&text).unwrap()
    }

    fn tier(panel: &Tiers, k: f64, n: f64) -> Tier {
        let (low, high) = wilson(k, n);
        panel.tier(n, low, high)
    }

    #[test]
    fn a_group_is_in_a_tier_only_where_its_interval_says_so() {
        let panel = panel(false);
        assert_eq!(tier(&panel, 990.0, 1000.0), Tier::Better);
        assert_eq!(tier(&panel, 900.0, 1000.0), Tier::Worse);
        // 93 of 100 may well be 95 %.
        assert_eq!(tier(&panel, 93.0, 100.0), Tier::Alike);
        assert_eq!(tier(&panel, 10.0, 99.0), Tier::Few);
    }

    #[test]
    fn where_little_is_good_the_lower_ones_are_better() {
        let panel = panel(true);
        assert_eq!(tier(&panel, 900.0, 1000.0), Tier::Better);
        assert_eq!(tier(&panel, 990.0, 1000.0), Tier::Worse);
    }

    #[test]
    fn the_scale_holds_all_intervals_and_the_target() {
        let panel = panel(false);
        let groups: Vec<Group> = [(900.0, 1000.0), (990.0, 1000.0), (1.0, 9.0)]
            .into_iter()
            .enumerate()
            .map(|(row, (k, n))| {
                let (low, high) = wilson(k, n);
                Group { row, k, n, low, high, tier: panel.tier(n, low, high) }
            })
            .collect();
        let (from, to) = (scale_from(&groups, 0.95), scale_to(&groups, 0.95));
        assert!(from <= groups[0].low && from >= 0.8, "{from}");
        assert!(to >= groups[1].high && to <= 1.0, "{to}");
    }

    #[test]
    fn every_tier_has_its_head_and_what_needs_a_look_comes_first() {
        let group = |row: usize, tier| Group { row, k: 1.0, n: 200.0, low: 0.0, high: 1.0, tier };
        let groups: Vec<Group> = [Tier::Better, Tier::Better, Tier::Worse, Tier::Alike, Tier::Worse, Tier::Few]
            .into_iter()
            .enumerate()
            .map(|(row, tier)| group(row, tier))
            .collect();
        let said = |most: usize| -> Vec<String> {
            let say = |line: &Line| match line {
                Line::Head { tier, count, shown } => format!("{tier:?} {shown}/{count}"),
                Line::Group(index) => index.to_string(),
            };
            Tiers::lines(&groups, most).iter().map(say).collect()
        };
        assert_eq!(said(99), ["Better 2/2", "0", "1", "Alike 1/1", "3", "Worse 2/2", "2", "4", "Few 1/1", "5"]);
        assert_eq!(said(6), ["Better 0/2", "Alike 0/1", "Worse 2/2", "2", "4", "Few 0/1"]);
        assert_eq!(said(2).len(), 2);
    }
}
