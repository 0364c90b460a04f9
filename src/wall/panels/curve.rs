//! A day as a curve: today filled, last week's same day as a ghost, with a point at now.

use chrono::Timelike;
use serde::Deserialize;

use crate::model::time::to_zone;

use super::super::canvas::Rect;
use super::super::format;
use super::super::options::Lang;
use super::super::scene::{Metric, Words};
use super::super::tokens::{self, Colour};
use super::{Calm, Cx, Panel, body, note};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Curve {
    /// Rows in order of time over the whole day.
    metric: Metric,
    #[serde(default = "today")]
    column: String,
    #[serde(default)]
    ghost: Option<String>,
    /// Columns of a band of what is usual.
    #[serde(default)]
    low: Option<String>,
    #[serde(default)]
    high: Option<String>,
    /// Behind the note where the band is there: it needs some weeks of data.
    #[serde(default)]
    band: Words,
    /// A colour by board code; left out: the accent.
    #[serde(default)]
    board: Option<String>,
    /// The whole day is known, each value holds until the next: steps, and a line at now.
    #[serde(default)]
    steps: bool,
}

fn today() -> String {
    "today".into()
}

impl Panel for Curve {
    fn metrics(&self) -> Vec<&Metric> {
        vec![&self.metric]
    }

    fn columns(&self) -> Vec<(&Metric, &str)> {
        let named = [Some(&self.column), self.ghost.as_ref(), self.low.as_ref(), self.high.as_ref()];
        named.into_iter().flatten().map(|column| (&self.metric, column.as_str())).collect()
    }

    fn paint(&self, cx: &mut Cx<'_, '_>) {
        let table = cx.table(&self.metric);
        let has_band = self.high.as_ref().is_some_and(|high| table.numbers(high).iter().any(Option::is_some));
        match has_band && !self.band.is_empty() {
            true => cx.heading(&format!("{} · {}", cx.spec.note.pick(cx.lang), self.band.pick(cx.lang))),
            false => cx.heading_of_file(),
        }
        let inner = cx.inner();
        let plot = Rect { top: inner.top + 16.0, bottom: inner.bottom - 24.0, ..inner };
        let colour = self.board.as_deref().map_or(tokens::ACCENT, |board| cx.board_colour(board));
        hours(cx, plot);
        let rows = table.rows();
        if rows < 2 {
            cx.empty(&table, Calm::Quiet, "今天还没有数据", "nothing yet today");
            return;
        }
        let now = table.numbers(&self.column);
        let ghost = self.ghost.as_ref().map(|column| table.numbers(column)).unwrap_or_default();
        let low = self.low.as_ref().map(|column| table.numbers(column)).unwrap_or_default();
        let high = self.high.as_ref().map(|column| table.numbers(column)).unwrap_or_default();
        let highest = [&now, &ghost, &high].into_iter().flatten().flatten().copied().fold(0.0_f64, f64::max);
        let top = nice_top(highest);
        let step = plot.width() / rows as f32;
        let place = |index: usize, value: f64| {
            [plot.left + (index as f32 + 0.5) * step, plot.bottom - (value / top) as f32 * plot.height()]
        };
        let line = |values: &[Option<f64>]| -> Vec<[f32; 2]> {
            values.iter().enumerate().filter_map(|(index, value)| value.map(|value| place(index, value))).collect()
        };
        if !low.is_empty() && !high.is_empty() {
            let (upper, lower) = (line(&high), line(&low));
            if upper.len() == lower.len() {
                cx.paint.band(&upper, &lower, tokens::BOARDS[2].alpha(0.16));
            }
        }
        scale(cx, plot, top);
        cx.paint.polyline(&line(&ghost), 1.5, tokens::TEXT_FAINT, Some((4.0, 4.0)));
        let mut points = line(&now);
        if points.is_empty() {
            return;
        }
        if self.steps {
            let stairs = stairs(&points, step);
            cx.paint.area(&stairs, plot.bottom, colour.alpha(0.34), colour.alpha(0.02));
            cx.paint.polyline(&stairs, 2.2, colour, None);
            let now_x = plot.left + plot.width() * day_share(cx);
            cx.paint.rect(Rect::new(now_x - 0.75, plot.top, 1.5, plot.height()), 0.0, tokens::ACCENT);
            return;
        }
        // The quarter hour that is still running is part of the picture, but its point stands at now.
        let day_share = day_share(cx);
        let known: Vec<usize> = (0..now.len()).filter(|index| now[*index].is_some()).collect();
        let now_slot = (day_second(cx) as usize * rows / 86_400).min(rows - 1);
        let is_running = points.len() > 1 && known.last().is_some_and(|last| *last >= now_slot);
        let running = if is_running { points.pop() } else { None };
        // A quarter hour is judged when it is over, the day's first, too, which is drawn while it runs.
        let unusual = known.iter().rfind(|index| **index < now_slot).and_then(|index| {
            let at = |values: &[Option<f64>]| values.get(*index).copied().flatten();
            beyond(at(&now)?, at(&low)?, at(&high)?)
        });
        cx.paint.area(&points, plot.bottom, colour.alpha(0.50), colour.alpha(0.02));
        cx.paint.glow_line(&points, 9.0, colour.alpha(0.16));
        cx.paint.polyline(&points, 2.5, colour, None);
        if let Some(last) = points.last() {
            let now_x = (plot.left + day_share * plot.width()).max(last[0]);
            if running.is_some() && now_x > last[0] + 1.0 {
                cx.paint.polyline(&[*last, [now_x, last[1]]], 1.5, colour.alpha(0.55), Some((2.0, 3.0)));
            }
            let colour = if unusual.is_some() { tokens::WARN } else { colour };
            cx.paint.disc(last[0], last[1], 11.0, colour.alpha(0.28));
            cx.paint.disc(last[0], last[1], 5.5, Colour::mix(colour, tokens::TEXT, 0.75));
            if let Some(share) = unusual {
                tell_unusual(cx, plot, *last, share);
            }
        }
    }

    fn ample(&self) -> Option<[f32; 2]> {
        Some([560.0, 330.0])
    }
}

/// How far a count lies beyond what is usual, as a share of the band's end, negative below it. The band is the least and the
/// most of a few weeks, so that a new count lies a little outside now and then by chance: what counts is more than two
/// standard deviations of such a count.
fn beyond(value: f64, low: f64, high: f64) -> Option<f64> {
    let by_chance = |count: f64| 2.0 * count.max(9.0).sqrt();
    if value > high + by_chance(high) {
        return Some((value - high) / high.max(1.0));
    }
    (value < low - by_chance(low)).then(|| (value - low) / low.max(1.0))
}

/// Says beside the last point how far it lies beyond the band: on the side where there is room.
fn tell_unusual(cx: &mut Cx<'_, '_>, plot: Rect, [x, y]: [f32; 2], share: f64) {
    let percent = format::whole(Some((share.abs() * 100.0).round().max(1.0)));
    let text = match (cx.lang, share > 0.0) {
        (Lang::Zh, true) => format!("高于往常 {percent}%"),
        (Lang::Zh, false) => format!("低于往常 {percent}%"),
        (Lang::En, true) => format!("{percent}% above usual"),
        (Lang::En, false) => format!("{percent}% below usual"),
    };
    let style = body().colour(tokens::WARN).halo(1.6, tokens::LABEL_HALO);
    let width = cx.paint.measure(&text, &style);
    // Behind the point, where the day has nothing yet; else above it, or before it at the top.
    let (behind, above) = (x + 18.0, y - 20.0);
    let (left, baseline) = if behind + width <= plot.right {
        (behind, y + 6.0)
    } else if above - 14.0 > plot.top {
        ((x - width * 0.5).min(plot.right - width), above)
    } else {
        (x - 18.0 - width, y + 6.0)
    };
    let left = cx.off_seams(left.max(plot.left), width);
    cx.paint.text(left, baseline.min(plot.bottom - 4.0).max(plot.top + 16.0), &text, &style);
}

/// Below this width, design units, each twelfth hour has its number, and below half of it only midnight.
const NARROW: f32 = 240.0;

/// How much of the city's day is over, 0 to 1.
pub fn day_share(cx: &Cx<'_, '_>) -> f32 {
    (day_second(cx) as f32 / 86_400.0).clamp(0.0, 1.0)
}

/// The second of the city's day.
pub fn day_second(cx: &Cx<'_, '_>) -> u32 {
    to_zone(cx.now_us, cx.city.tz).num_seconds_from_midnight()
}

/// Points in the middles of their steps as level stretches, joined upright: one stretch as long as the level lasts, for
/// two ends that lie nearly on one another would twist the line there.
fn stairs(points: &[[f32; 2]], step: f32) -> Vec<[f32; 2]> {
    let mut stairs: Vec<[f32; 2]> = Vec::new();
    for [x, y] in points {
        let [mut left, right] = [x - step * 0.5, x + step * 0.5];
        match stairs.last_mut() {
            Some(end) if end[1] == *y => {
                end[0] = right;
                continue;
            }
            Some(end) if (end[0] - left).abs() < step * 0.5 => left = end[0],
            _ => {}
        }
        stairs.extend([[left, *y], [right, *y]]);
    }
    stairs
}

/// 0:00 to 24:00 under a plot.
pub fn hours(cx: &mut Cx<'_, '_>, plot: Rect) {
    cx.paint.rule(plot.left, plot.right, plot.bottom, tokens::RULE);
    let every = match plot.width() {
        width if width < NARROW * 0.5 => 24,
        width if width < NARROW => 12,
        _ => 6,
    };
    for hour in (0..=24).step_by(every) {
        let x = plot.left + plot.width() * hour as f32 / 24.0;
        let style = match hour {
            0 => note(),
            24 => note().right(),
            _ => note().middle(),
        };
        cx.paint.text(x, plot.bottom + 20.0, &format!("{hour}:00"), &style);
    }
}

/// A faint line at the top of the scale with its value.
pub fn scale(cx: &mut Cx<'_, '_>, plot: Rect, top: f64) {
    cx.paint.rule(plot.left, plot.right, plot.top, tokens::RULE.alpha(0.45));
    cx.paint.text(plot.right, plot.top - 4.0, &format::whole(Some(top)), &note().right());
}

/// The next of 1, 2, 2.5, 5 times a power of ten at or above the value.
pub fn nice_top(value: f64) -> f64 {
    if !value.is_finite() || value <= 4.0 {
        return 4.0;
    }
    let power = 10.0_f64.powf(value.log10().floor());
    [1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0]
        .into_iter()
        .map(|step| step * power)
        .find(|top| *top >= value)
        .unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::beyond;

    #[test]
    fn what_lies_beyond_the_band_by_more_than_chance_is_unusual() {
        assert_eq!(beyond(118.0, 60.0, 100.0), None, "18 more than 100 may be chance");
        assert_eq!(beyond(150.0, 60.0, 100.0), Some(0.5));
        assert_eq!(beyond(30.0, 60.0, 100.0), Some(-0.5));
        assert_eq!(beyond(7.0, 0.0, 1.0), None, "few at night");
        assert_eq!(beyond(0.0, 4.0, 9.0), None);
        assert_eq!(beyond(20.0, 0.0, 0.0), Some(20.0));
        assert_eq!(beyond(f64::NAN, 0.0, 1.0), None);
    }

    #[test]
    fn stairs_have_two_ends_for_each_level_and_go_upright_between_them() {
        // A third is no binary fraction: the ends of neighbours differ by a rounding error.
        let step = 1.0 / 3.0_f32;
        let points: Vec<[f32; 2]> =
            (0..9).map(|index| [(index as f32 + 0.5) * step, if index < 4 { 7.0 } else { 9.0 }]).collect();
        let stairs = super::stairs(&points, step);
        assert_eq!(stairs.iter().map(|point| point[1]).collect::<Vec<_>>(), [7.0, 7.0, 9.0, 9.0]);
        assert_eq!(stairs[1][0], stairs[2][0]);
        assert!((stairs[3][0] - 3.0).abs() < 1e-5);
    }

    #[test]
    fn a_scale_ends_on_a_round_number_above_the_value() {
        for (value, top) in [(0.0, 4.0), (7.0, 8.0), (143.0, 150.0), (1000.0, 1000.0), (99_999_999.0, 100_000_000.0)] {
            assert_eq!(super::nice_top(value), top);
        }
    }
}
