//! Day by day: lines over days, with a mark to hold them against.

use chrono::{Datelike, NaiveDate};
use serde::Deserialize;

use crate::model::time::to_zone;

use super::super::canvas::{Face, Rect, Style};
use super::super::format;
use super::super::scene::{Metric, Words};
use super::super::tokens::{self, Colour, size};
use super::curve::nice_top;
use super::{Calm, Cx, Panel, note};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trend {
    /// One row a day (or a year), in order.
    metric: Metric,
    #[serde(default = "day")]
    day: String,
    lines: Vec<Line>,
    #[serde(default)]
    mark: Option<Mark>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    column: String,
    label: Words,
    /// A board's colour.
    #[serde(default)]
    board: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Mark {
    at: f64,
    label: Words,
}

fn day() -> String {
    "day".into()
}

/// Of the line of a mark, here and in the legend.
const MARK_DASH: Option<(f32, f32)> = Some((5.0, 5.0));

/// To the day that is not over.
const UNFINISHED_DASH: Option<(f32, f32)> = Some((3.0, 3.0));

/// Below this height of its room a single day has figures and labels only.
const LOW: f32 = 110.0;

impl Panel for Trend {
    fn metrics(&self) -> Vec<&Metric> {
        vec![&self.metric]
    }

    fn columns(&self) -> Vec<(&Metric, &str)> {
        let lines = self.lines.iter().map(|line| &line.column);
        [&self.day].into_iter().chain(lines).map(|column| (&self.metric, column.as_str())).collect()
    }

    fn paint(&self, cx: &mut Cx<'_, '_>) {
        cx.heading_of_file();
        let inner = cx.inner();
        let table = cx.table(&self.metric);
        let plot = Rect { top: inner.top + 30.0, bottom: inner.bottom - 24.0, right: inner.right - 4.0, ..inner };
        let rows = table.rows();
        let values: Vec<Vec<Option<f64>>> = self.lines.iter().map(|line| table.numbers(&line.column)).collect();
        let mut most = values.iter().flatten().flatten().copied().fold(0.0_f64, f64::max);
        if let Some(mark) = &self.mark {
            most = most.max(mark.at * 1.08);
        }
        // In a low panel the figures of a single day stand without a line and a note below them.
        let low = rows == 1 && inner.height() < LOW;
        if !low {
            cx.paint.rule(plot.left, plot.right, plot.bottom, tokens::RULE);
        }
        if rows < 1 || most <= 0.0 {
            cx.empty(&table, Calm::Quiet, "这段时间没有数据", "nothing in this window");
            return;
        }
        if rows == 1 {
            self.figures(cx, inner, &table);
            return;
        }
        let top = nice_top(most);
        let y = |value: f64| plot.bottom - (value / top) as f32 * plot.height();
        super::curve::scale(cx, plot, top);
        self.legend(cx, inner);
        let days = self.days(&table);
        let span = (days[rows - 1] - days[0]).max(1.0);
        let x = |row: usize| plot.left + plot.width() * ((days[row] - days[0]) / span) as f32;
        let unfinished = self.is_unfinished(cx, &table);
        for (index, (line, values)) in self.lines.iter().zip(&values).enumerate() {
            let colour = self.colour(cx, line, index);
            let points: Vec<[f32; 2]> =
                values.iter().enumerate().filter_map(|(row, value)| Some([x(row), y((*value)?)])).collect();
            if index == 0 {
                cx.paint.area(&points, plot.bottom, colour.alpha(0.30), colour.alpha(0.0));
            }
            // What is still going on is no value of a whole day.
            let whole = if unfinished { points.len().saturating_sub(1) } else { points.len() };
            let thick = if index == 0 { 2.5 } else { 1.8 };
            cx.paint.polyline(&points[..whole], thick, colour, None);
            cx.paint.polyline(&points[whole.saturating_sub(1)..], thick, colour, UNFINISHED_DASH);
            if let Some([x, y]) = points.last() {
                cx.paint.disc(*x, *y, 4.0, colour);
            }
        }
        if let Some(mark) = &self.mark {
            let at = y(mark.at);
            cx.paint.polyline(&[[plot.left, at], [plot.right, at]], 1.5, tokens::TEXT_QUIET, MARK_DASH);
        }
        for (row, style) in [(0, note()), (rows - 1, note().right())] {
            let text = self.day_text(&table, row);
            cx.paint.text(x(row), plot.bottom + 19.0, &text, &style);
        }
    }

    fn ample(&self) -> Option<[f32; 2]> {
        Some([440.0, 300.0])
    }
}

impl Trend {
    fn colour(&self, cx: &Cx<'_, '_>, line: &Line, index: usize) -> Colour {
        match &line.board {
            Some(board) => cx.board_colour(board),
            None => [tokens::BOARDS[0], tokens::BOARDS[2], tokens::BOARDS[3], tokens::BOARDS[4]][index % 4],
        }
    }

    /// A single day or year is no line yet: its figures stand side by side.
    fn figures(&self, cx: &mut Cx<'_, '_>, inner: Rect, table: &super::super::data::Table<'_>) {
        let baseline = inner.top + inner.height() * 0.46;
        let wide = inner.width() / self.lines.len().max(1) as f32;
        let texts: Vec<String> = self.lines.iter().map(|line| format::whole(table.number(0, &line.column))).collect();
        let large = Style::new(Face::Figure, size::HERO, tokens::TEXT);
        let fits = inner.height() > 220.0 && texts.iter().all(|text| cx.paint.measure(text, &large) < wide - 20.0);
        let step = if fits { size::HERO } else { size::FIGURE };
        for (index, (line, text)) in self.lines.iter().zip(&texts).enumerate() {
            let left = inner.left + wide * index as f32;
            let figure = Style::new(Face::Figure, step, self.colour(cx, line, index));
            cx.paint.text(left, baseline, text, &figure);
            cx.paint.text(left, baseline + 26.0, line.label.pick(cx.lang), &super::caption());
        }
        if inner.height() < LOW {
            return;
        }
        let since = self.day_text(table, 0);
        let text = match cx.lang {
            super::super::options::Lang::Zh => format!("{since} 起，满两期成线"),
            super::super::options::Lang::En => format!("since {since}; a line from the second on"),
        };
        cx.paint.text(inner.left, inner.bottom - 4.0, &text, &note());
    }

    /// What each line is, the mark too: on the plot its words would touch a curve sooner or later.
    fn legend(&self, cx: &mut Cx<'_, '_>, inner: Rect) {
        let mut pen = inner.left;
        let style = Style::new(Face::Text, size::NOTE, tokens::TEXT_QUIET);
        for (index, line) in self.lines.iter().enumerate() {
            let colour = self.colour(cx, line, index);
            cx.paint.rect(Rect::new(pen, inner.top + 3.0, 14.0, 3.0), 1.5, colour);
            pen += 20.0 + cx.paint.text(pen + 20.0, inner.top + 9.0, line.label.pick(cx.lang), &style) + 18.0;
        }
        if let Some(mark) = &self.mark {
            let swatch = [[pen, inner.top + 4.5], [pen + 22.0, inner.top + 4.5]];
            cx.paint.polyline(&swatch, 1.5, tokens::TEXT_QUIET, MARK_DASH);
            let left = pen + 28.0;
            cx.paint.label_within(left, inner.top + 9.0, inner.right - left, mark.label.pick(cx.lang), &style);
        }
    }

    /// Where each row stands in time, days: a day without a row leaves its place empty. Of years and other words the row.
    fn days(&self, table: &super::super::data::Table<'_>) -> Vec<f64> {
        let day = |row| {
            let date: NaiveDate = table.text(row, &self.day)?.get(..10)?.parse().ok()?;
            Some(f64::from(date.num_days_from_ce()))
        };
        let days: Option<Vec<f64>> = (0..table.rows()).map(day).collect();
        let in_order = days.filter(|days| days.is_sorted_by(|a, b| a < b));
        in_order.unwrap_or_else(|| (0..table.rows()).map(|row| row as f64).collect())
    }

    /// The last row is the city's today, or this year.
    fn is_unfinished(&self, cx: &Cx<'_, '_>, table: &super::super::data::Table<'_>) -> bool {
        let today = to_zone(cx.now_us, cx.city.tz).date_naive();
        let Some(last) = table.rows().checked_sub(1) else { return false };
        match table.text(last, &self.day) {
            Some(text) => text.get(..10) == Some(&today.to_string()),
            None => table.number(last, &self.day) == Some(f64::from(today.year())),
        }
    }

    /// 11-23 of a date, the year of a year.
    fn day_text(&self, table: &super::super::data::Table<'_>, row: usize) -> String {
        match (table.text(row, &self.day), table.number(row, &self.day)) {
            (Some(text), _) => text.get(5..10).filter(|_| text.is_ascii()).unwrap_or(text).to_owned(),
            (None, Some(year)) => format!("{year:.0}"),
            (None, None) => format::MISSING.to_owned(),
        }
    }
}
