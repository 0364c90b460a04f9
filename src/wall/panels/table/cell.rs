//! What stands in a table's cells: texts, figures, countdowns with their gauges.

use std::borrow::Cow;

use super::super::super::canvas::{Face, Rect, Style};
use super::super::super::format;
use super::super::super::options::Lang;
use super::super::super::tokens::{self, size};
use super::super::feeds::{name_of, of_source};
use super::super::{Cx, body};
use super::{Column, Form, Table};

/// Amber from here on, seconds to go.
const SOON_S: f64 = 3600.0;

/// Width of the gauge before a countdown, and space before it and the figure.
pub(super) const GAUGE: f32 = 30.0;
pub(super) const GAUGE_GAP: f32 = 10.0;

impl Table {
    /// The gauge before a countdown: filled as far as there is time to go, whole again and red when it is past.
    pub(super) fn drain(
        &self,
        cx: &mut Cx<'_, '_>,
        column: &Column,
        whole_s: f64,
        row: usize,
        right: f32,
        middle: f32,
    ) {
        let Some(left_s) = cx.table(&self.metric).number(row, &column.column) else { return };
        let (text, colour) = left_text(Some(left_s), cx.lang);
        let figure = Style::new(Face::Figure, size::BODY, colour);
        // As wide as the widest usual figure, so that gauges stand in a column.
        let wide = cx.paint.measure(&text, &figure).max(cx.paint.measure("00:00", &figure));
        let right = right - 4.0 - wide - GAUGE_GAP;
        let share = if left_s < 0.0 { 1.0 } else { (left_s / whole_s.max(1.0)).min(1.0) as f32 };
        let colour = if colour == tokens::TEXT { tokens::BOARDS[2] } else { colour };
        let track = Rect::new(right - GAUGE, middle - 2.0, GAUGE, 4.0);
        cx.paint.rect(track, 2.0, tokens::TRACK);
        cx.paint.rect(Rect { right: track.left + (GAUGE * share).max(4.0), ..track }, 2.0, colour);
    }

    /// What a cell says that is no figure.
    pub(super) fn text<'a>(&'a self, cx: &Cx<'a, '_>, column: &'a Column, row: usize) -> Cow<'a, str> {
        let table = cx.table(&self.metric);
        let text = if column.zh.is_empty() {
            table.text(row, &column.column).unwrap_or_default()
        } else {
            let word = |name: &str| table.text(row, name).unwrap_or_default();
            cx.lang.pick(word(&column.zh), word(&column.en))
        };
        match name_of(&column.names, text, cx.lang) {
            none if none.is_empty() => format::MISSING.into(),
            name => name,
        }
    }

    /// A figure on the right of its column; a count for which there is no room is shortened.
    pub(super) fn right(
        &self,
        cx: &mut Cx<'_, '_>,
        column: &Column,
        row: usize,
        [left, width]: [f32; 2],
        baseline: f32,
    ) {
        let (mut text, style) = self.figure(cx, column, row);
        if column.form == Form::Whole && cx.paint.measure(&text, &style) > width - 8.0 {
            text = format::short(cx.table(&self.metric).number(row, &column.column), cx.lang);
        }
        cx.paint.text(left + width - 4.0, baseline, &text, &style.right());
    }

    pub(super) fn figure(&self, cx: &Cx<'_, '_>, column: &Column, row: usize) -> (String, Style) {
        let table = cx.table(&self.metric);
        let number = table.number(row, &column.column);
        let figure = Style::new(Face::Figure, size::BODY, tokens::TEXT);
        let or_missing = |text: Option<String>| text.unwrap_or_else(|| format::MISSING.into());
        match column.form {
            Form::Text | Form::Whole => (format::whole(number), figure),
            Form::Percent => (or_missing(number.map(|_| format!("{}%", format::percent(number)))), figure),
            Form::Clock => {
                let time = table.time(row, &column.column).map(|time| format::clock(time, cx.city.tz));
                (or_missing(time), figure.colour(tokens::TEXT_QUIET))
            }
            Form::Moment => {
                let moment = table.time(row, &column.column).map(|time| {
                    format!("{} {}", format::date(time, cx.city.tz, cx.lang), format::minute(time, cx.city.tz))
                });
                (or_missing(moment), body())
            }
            Form::Age => {
                let limit = self.columns.first().and_then(|first| table.word(row, &first.column));
                let limit = limit.and_then(|code| of_source(&column.late, &code).map(|(limit, _)| *limit));
                let limit = limit.unwrap_or(column.late_s);
                let is_late = number.is_some_and(|age| age > limit);
                let (mark, colour) = if is_late { ("▲ ", tokens::WARN) } else { ("", tokens::TEXT) };
                let age = number.map(|age| format!("{mark}{}", format::span(age, cx.lang)));
                (or_missing(age), Style::new(Face::Text, size::CAPTION, colour))
            }
            Form::Left => {
                let (text, colour) = left_text(number, cx.lang);
                (text, figure.colour(colour))
            }
        }
    }
}

/// Time to go as h:mm; past the due time with a word and in red.
pub(super) fn left_text(seconds: Option<f64>, lang: Lang) -> (String, tokens::Colour) {
    let Some(seconds) = seconds else { return (format::MISSING.into(), tokens::TEXT_QUIET) };
    let minutes = (seconds.abs() / 60.0).floor() as i64;
    let clock = if minutes >= 2880 {
        format!("{} {}", minutes / 1440, lang.pick("天", "d"))
    } else {
        format!("{}:{:02}", minutes / 60, minutes % 60)
    };
    match seconds {
        late if late < 0.0 => (format!("{} {clock}", lang.pick("超", "late")), tokens::BAD),
        soon if soon < SOON_S => (clock, tokens::WARN),
        _ => (clock, tokens::TEXT),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_countdown_says_in_words_when_it_is_past() {
        assert_eq!(left_text(Some(420.0), Lang::Zh), ("0:07".into(), tokens::WARN));
        assert_eq!(left_text(Some(-4800.0), Lang::Zh), ("超 1:20".into(), tokens::BAD));
        assert_eq!(left_text(Some(7.0 * 86_400.0), Lang::En).0, "7 d");
        assert_eq!(left_text(None, Lang::En).0, format::MISSING);
    }
}
