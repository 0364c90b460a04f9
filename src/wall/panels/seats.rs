//! Seats as unit dots by state, with the queue and a connect rate that says which one it is.

use serde::Deserialize;

use super::super::canvas::{Align, Rect};
use super::super::format;
use super::super::scene::{Metric, Words};
use super::super::tokens::{self, Colour, RATE_N_MIN};
use super::cx::count_of;
use super::{Cx, Panel, caption, figure, note, row_figure};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seats {
    /// state, n.
    metric: Metric,
    /// n, longest_s.
    waiting: Metric,
    /// value, k, n.
    rate: Metric,
    rate_label: Words,
}

/// States in the order shown, with what they count as.
const STATES: [(&str, &str, &str, Kind); 10] = [
    ("talk", "通话", "talking", Kind::Talk),
    ("ring", "振铃", "ringing", Kind::Talk),
    ("wrap", "话后", "wrap-up", Kind::Wrap),
    ("ready", "示闲", "ready", Kind::Ready),
    ("login", "示闲", "ready", Kind::Ready),
    ("busy", "示忙", "busy", Kind::Rest),
    ("rest", "小休", "break", Kind::Rest),
    ("train", "培训", "training", Kind::Rest),
    ("logout", "离线", "offline", Kind::Away),
    ("plan", "离线", "offline", Kind::Away),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Talk,
    Wrap,
    Ready,
    Rest,
    Away,
}

impl Kind {
    const ALL: [(Kind, &str, &str); 5] = [
        (Kind::Talk, "通话", "talking"),
        (Kind::Wrap, "话后", "wrap-up"),
        (Kind::Ready, "示闲", "ready"),
        (Kind::Rest, "小休", "break"),
        (Kind::Away, "离线", "offline"),
    ];

    fn colour(self) -> Colour {
        match self {
            Kind::Talk => tokens::SEAT_TALK,
            Kind::Wrap => tokens::SEAT_WRAP,
            Kind::Ready => tokens::SEAT_READY,
            Kind::Rest => tokens::SEAT_REST,
            Kind::Away => tokens::SEAT_AWAY,
        }
    }
}

impl Panel for Seats {
    fn metrics(&self) -> Vec<&Metric> {
        vec![&self.metric, &self.waiting, &self.rate]
    }

    fn paint(&self, cx: &mut Cx<'_, '_>) {
        cx.heading_of_file();
        let inner = cx.inner();
        let table = cx.table(&self.metric);
        let mut counts = [0_usize; 5];
        for row in 0..table.rows() {
            let state = table.text(row, "state").unwrap_or_default();
            let kind = STATES.iter().find(|known| known.0 == state).map_or(Kind::Away, |known| known.3);
            let position = Kind::ALL.iter().position(|known| known.0 == kind).unwrap_or(4);
            counts[position] += table.number(row, "n").unwrap_or(0.0).max(0.0) as usize;
        }
        let figures_at = inner.bottom - 28.0;
        let legend_at = figures_at - 46.0;
        let dots = Rect { bottom: legend_at - 20.0, ..inner };
        units(cx, dots, &counts);
        legend(cx, inner.left, inner.right, legend_at, &counts);
        let on_duty: usize = counts[..4].iter().sum();
        let known = table.rows() > 0;
        let value = |count: usize| if known { Some(count as f64) } else { None };
        let suffix = |text: String| (text, row_figure().colour(tokens::TEXT_QUIET));
        let waiting = cx.table(&self.waiting);
        let rate = cx.table(&self.rate);
        let (share, k, n) = (rate.number(0, "value"), rate.number(0, "k"), rate.number(0, "n"));
        let few = n.is_some_and(|n| n < RATE_N_MIN as f64);
        let (rate_text, unit) = if n.is_some_and(|n| n < 1.0) {
            (format::MISSING.to_owned(), "")
        } else if few {
            (count_of(k, n), "")
        } else {
            (format::percent(share), if share.is_some() { "%" } else { "" })
        };
        // Beyond five digits three figures do not stand side by side.
        let count = |value: Option<f64>| match value {
            Some(many) if many >= 1e5 => format::short(value, cx.lang),
            _ => format::whole(value),
        };
        let items = [
            (
                count(value(counts[0])),
                suffix(if on_duty < 100_000 { format!("/{}", count(value(on_duty))) } else { String::new() }),
                cx.lang.pick("通话 / 在岗坐席", "talking / on duty"),
            ),
            (count(waiting.number(0, "n")), suffix(String::new()), cx.lang.pick("排队", "waiting")),
            (rate_text, suffix(unit.into()), self.rate_label.pick(cx.lang)),
        ];
        for (index, (text, (suffix, suffix_style), label)) in items.into_iter().enumerate() {
            let align = [Align::Left, Align::Middle, Align::Right][index];
            let x = inner.left + inner.width() * [0.0, 0.53, 1.0][index];
            let style = figure();
            let (width, suffix_width) = (cx.paint.measure(&text, &style), cx.paint.measure(&suffix, &suffix_style));
            let gap = if suffix.is_empty() { 0.0 } else { 3.0 };
            let left = match align {
                Align::Left => x,
                Align::Middle => x - (width + suffix_width + gap) * 0.5,
                Align::Right => x - width - suffix_width - gap,
            };
            cx.paint.text(left, figures_at, &text, &style);
            cx.paint.text(left + width + gap, figures_at, &suffix, &suffix_style);
            cx.paint.text(x, figures_at + 24.0, label, &caption().align(align));
        }
    }

    fn ample(&self) -> Option<[f32; 2]> {
        Some([390.0, 210.0])
    }
}

/// More squares than this would be dots: each then stands for several seats.
const SQUARES_MAX: usize = 1200;

/// One rounded square a seat, as large as fits.
fn units(cx: &mut Cx<'_, '_>, place: Rect, counts: &[usize; 5]) {
    let each = counts.iter().sum::<usize>().div_ceil(SQUARES_MAX).max(1);
    let counts = counts.map(|count| count.div_ceil(each));
    let total: usize = counts.iter().sum();
    if total == 0 || place.height() < 8.0 {
        return;
    }
    let (columns, pitch_y) = grid(total, place.width(), place.height());
    let pitch_x = place.width() / columns as f32;
    let gap = (pitch_x * 0.17).clamp(1.0, 5.0);
    let (width, height) = (pitch_x - gap, (pitch_y - gap).max(1.0));
    let mut seat = 0;
    for (kind, count) in Kind::ALL.iter().zip(counts) {
        for _ in 0..count {
            let left = place.left + pitch_x * (seat % columns) as f32 + gap * 0.5;
            let top = place.top + pitch_y * (seat / columns) as f32;
            cx.paint.rect(Rect::new(left, top, width, height), 3.0, kind.0.colour());
            seat += 1;
        }
    }
}

/// Columns and height of a row for `total` cells, a little wider than high: as few columns, so as large cells, as fit.
fn grid(total: usize, width: f32, height: f32) -> (usize, f32) {
    const WIDE_MAX: f32 = 68.0;
    let fewest = ((width / WIDE_MAX).ceil() as usize).max(6);
    for columns in fewest..=total.max(fewest) {
        let pitch = width / columns as f32 * 0.84;
        if total.div_ceil(columns) as f32 * pitch <= height {
            // As many rows, all of them as full as can be.
            let rows = total.div_ceil(columns);
            let columns = total.div_ceil(rows).max(6.min(columns));
            return (columns, (width / columns as f32 * 0.84).min(height / rows as f32));
        }
    }
    (total.max(fewest), height)
}

fn legend(cx: &mut Cx<'_, '_>, left: f32, right: f32, baseline: f32, counts: &[usize; 5]) {
    let mut pen = left;
    for ((kind, zh, en), count) in Kind::ALL.iter().zip(counts) {
        if *count == 0 {
            continue;
        }
        let text = format!("{} {count}", cx.lang.pick(zh, en));
        let width = cx.paint.measure(&text, &note());
        if pen + 14.0 + width > right {
            break;
        }
        cx.paint.rect(Rect::new(pen, baseline - 10.0, 10.0, 10.0), 2.0, kind.colour());
        cx.paint.text(pen + 15.0, baseline, &text, &note().colour(tokens::TEXT_QUIET));
        pen += width + 15.0 + 18.0;
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn any_number_of_seats_fits() {
        for total in [1, 14, 42, 150, 2000] {
            let (columns, row) = super::grid(total, 400.0, 80.0);
            assert!(total.div_ceil(columns) as f32 * row <= 80.5, "{total}: {columns} columns, rows of {row}");
        }
    }
}
