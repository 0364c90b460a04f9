//! The boards of the city: today's count, the day so far as a line, the change to the same day last week by this time:
//! a Monday beside a Sunday says nothing.

use serde::Deserialize;

use super::super::canvas::{Face, Rect, Style};
use super::super::format;
use super::super::scene::Metric;
use super::super::tokens::{self, size};
use super::{Cx, Panel, body, note};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Boards {
    /// board, n, last_week.
    metric: Metric,
    /// board, minute, n.
    curve: Metric,
}

impl Panel for Boards {
    fn metrics(&self) -> Vec<&Metric> {
        vec![&self.metric, &self.curve]
    }

    fn columns(&self) -> Vec<(&Metric, &str)> {
        let fixed = ["board", "n", "last_week"].map(|column| (&self.metric, column));
        fixed.into_iter().chain(["board", "minute", "n"].map(|column| (&self.curve, column))).collect()
    }

    fn paint(&self, cx: &mut Cx<'_, '_>) {
        cx.heading_of_file();
        let inner = cx.inner();
        let (table, curve) = (cx.table(&self.metric), cx.table(&self.curve));
        let codes: Vec<&str> = if table.rows() > 0 {
            (0..table.rows()).filter_map(|row| table.text(row, "board")).collect()
        } else {
            cx.city.boards.iter().map(|board| board.code.as_str()).collect()
        };
        let rows = codes.len().clamp(1, 8);
        let pitch = (inner.height() / rows as f32).min(96.0);
        let names = codes.iter().map(|code| {
            let name = cx.board_name(code);
            cx.paint.measure(name, &body())
        });
        let name_width = names.collect::<Vec<f32>>().into_iter().fold(0.0, f32::max).min(inner.width() * 0.36);
        // Between the figures of two rows there is some air.
        let step = if pitch < size::RING_FIGURE * 1.2 { size::ROW_FIGURE } else { size::RING_FIGURE };
        let figures = Style::new(Face::Figure, step, tokens::TEXT);
        let widest = (0..table.rows().max(1))
            .map(|row| cx.paint.measure(&format::whole(table.number(row, "n")), &figures))
            .fold(0.0, f32::max);
        let delta_width = 62.0;
        let mark = (pitch - 8.0).min(28.0);
        let figures_right = inner.left + 20.0 + name_width + 16.0 + widest.max(52.0);
        let line = [figures_right + 16.0, inner.right - delta_width - 10.0];
        for (row, code) in codes.iter().take(rows).enumerate() {
            let middle = inner.top + pitch * (row as f32 + 0.5);
            let baseline = middle + 7.0;
            let colour = cx.board_colour(code);
            cx.paint.rect(Rect::new(inner.left, middle - mark * 0.5, 5.0, mark), 2.5, colour);
            let name = cx.board_name(code);
            cx.paint.text_within(inner.left + 20.0, baseline, name_width + 2.0, name, &body());
            let value = table.number(row, "n");
            let now = format::whole(value);
            let before = table.before();
            let before = before.is_known().then(|| format::whole(before.number(row, "n")));
            let progress = cx.progress(&table);
            cx.rolling(figures_right, middle + step * 0.365, &now, before.as_deref(), progress, &figures.right());
            if line[1] - line[0] > 40.0 {
                sparkline(
                    cx,
                    &curve,
                    code,
                    Rect { left: line[0], top: middle - 13.0, right: line[1], bottom: middle + 12.0 },
                    colour,
                );
            }
            let delta = format::delta(value, table.number(row, "last_week")).unwrap_or_else(|| format::MISSING.into());
            let style = Style::new(Face::Figure, size::CAPTION, tokens::TEXT_QUIET).right();
            cx.paint.text(inner.right, middle + 6.0, &delta, &style);
        }
        if !table.is_known() && codes.is_empty() {
            cx.paint.text(inner.left, inner.middle_y(), format::MISSING, &note());
        }
    }

    fn least(&self) -> [f32; 2] {
        [220.0, 184.0]
    }

    fn ample(&self) -> Option<[f32; 2]> {
        Some([400.0, 176.0])
    }
}

/// The board's hours of today.
fn sparkline(
    cx: &mut Cx<'_, '_>,
    curve: &super::super::data::Table<'_>,
    board: &str,
    plot: Rect,
    colour: tokens::Colour,
) {
    let hours: Vec<f64> = (0..curve.rows())
        .filter(|row| curve.text(*row, "board") == Some(board))
        .filter_map(|row| curve.number(row, "n"))
        .collect();
    line(cx, &hours, plot, colour);
}

/// Values as a line over the whole width, from zero; with a point at the last one.
fn line(cx: &mut Cx<'_, '_>, values: &[f64], plot: Rect, colour: tokens::Colour) {
    let most = values.iter().copied().fold(0.0_f64, f64::max);
    if values.len() < 2 || most <= 0.0 {
        cx.paint.rule(plot.left, plot.right, plot.bottom - 2.0, tokens::TRACK);
        return;
    }
    let points: Vec<[f32; 2]> = values
        .iter()
        .enumerate()
        .map(|(index, value)| {
            let x = plot.left + plot.width() * index as f32 / (values.len() - 1) as f32;
            [x, plot.bottom - 2.0 - (value / most) as f32 * (plot.height() - 4.0)]
        })
        .collect();
    trace(cx, &points, plot.bottom, colour);
    if let Some([x, y]) = points.last() {
        cx.paint.disc(*x, *y, 3.0, colour);
    }
}

/// A small line and what lies between it and the level `base`.
pub fn trace(cx: &mut Cx<'_, '_>, points: &[[f32; 2]], base: f32, colour: tokens::Colour) {
    cx.paint.area(points, base, colour.alpha(0.22), colour.alpha(0.0));
    cx.paint.polyline(points, 2.0, colour, None);
}
