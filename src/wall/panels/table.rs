//! Rows as a table: texts, figures, countdowns. For people on duty.

use serde::Deserialize;

use super::super::canvas::{Face, Style};
use super::super::format;
use super::super::options::Lang;
use super::super::scene::{Metric, Words};
use super::super::tokens::{self, size};
use super::{Calm, Cx, Panel, body, note};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    metric: Metric,
    columns: Vec<Column>,
    /// Said when there is no row.
    #[serde(default)]
    empty: Words,
    /// That there is no row is good news.
    #[serde(default)]
    calm: bool,
    /// Head line with the columns' names.
    #[serde(default)]
    head: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Column {
    /// Column of the metric; for texts in two languages `zh` and `en` name one each.
    #[serde(default)]
    column: String,
    #[serde(default)]
    zh: String,
    #[serde(default)]
    en: String,
    #[serde(default)]
    label: Words,
    /// text, whole, percent, clock, moment (day and time), left (seconds to go), age (seconds).
    #[serde(default, rename = "as")]
    form: Form,
    #[serde(default = "one")]
    share: f32,
    /// Words for codes.
    #[serde(default)]
    names: std::collections::BTreeMap<String, Words>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Form {
    #[default]
    Text,
    Whole,
    Percent,
    Clock,
    Moment,
    Left,
    Age,
}

fn one() -> f32 {
    1.0
}

/// Amber from here on, seconds to go.
const SOON_S: f64 = 3600.0;

impl Panel for Table {
    fn metrics(&self) -> Vec<&Metric> {
        vec![&self.metric]
    }

    fn columns(&self) -> Vec<(&Metric, &str)> {
        let columns = self.columns.iter().flat_map(|column| [&column.column, &column.zh, &column.en]);
        columns.map(|column| (&self.metric, column.as_str())).collect()
    }

    fn paint(&self, cx: &mut Cx<'_, '_>) {
        cx.heading_of_file();
        let inner = cx.inner();
        let table = cx.table(&self.metric);
        if table.rows() == 0 {
            let (zh, en) = (self.empty.zh.as_str(), self.empty.en.as_str());
            let (zh, en) = if zh.is_empty() { ("没有", "none") } else { (zh, en) };
            cx.empty(&table, if self.calm { Calm::Well } else { Calm::Quiet }, zh, en);
            return;
        }
        let shares: f32 = self.columns.iter().map(|column| column.share).sum();
        let mut top = inner.top;
        if self.head {
            let mut left = inner.left;
            for (index, column) in self.columns.iter().enumerate() {
                let width = inner.width() * column.share / shares;
                let text = column.label.pick(cx.lang);
                if index > 0 && column.form != Form::Text {
                    cx.paint.text(left + width - 4.0, top + 12.0, text, &note().right());
                } else {
                    cx.paint.label_within(left, top + 12.0, width - 6.0, text, &note());
                }
                left += width;
            }
            top += 22.0;
        }
        let (pitch, tops) = cx.rows([top, inner.bottom], table.rows(), [28.0, 56.0]);
        for (row, top) in tops.iter().enumerate() {
            let baseline = top + pitch * 0.5 + 6.5;
            let mut left = inner.left;
            for (index, column) in self.columns.iter().enumerate() {
                let width = inner.width() * column.share / shares;
                self.cell(cx, column, row, index, [left, width], baseline);
                left += width;
            }
            if row + 1 < tops.len() {
                cx.paint.rule(inner.left, inner.right, top + pitch, tokens::RULE.alpha(0.4));
            }
        }
    }

    fn opens_at_seams(&self) -> bool {
        true
    }

    fn ample(&self) -> Option<[f32; 2]> {
        Some([if self.columns.len() > 3 { 400.0 } else { 330.0 }, 560.0])
    }
}

impl Table {
    fn cell(
        &self,
        cx: &mut Cx<'_, '_>,
        column: &Column,
        row: usize,
        index: usize,
        [left, width]: [f32; 2],
        baseline: f32,
    ) {
        let table = cx.table(&self.metric);
        let number = table.number(row, &column.column);
        let figure = Style::new(Face::Figure, size::BODY, tokens::TEXT).right();
        let right = left + width - 4.0;
        match column.form {
            Form::Text => {
                let text = if column.zh.is_empty() {
                    table.text(row, &column.column).unwrap_or_default()
                } else {
                    cx.lang.pick(
                        table.text(row, &column.zh).unwrap_or_default(),
                        table.text(row, &column.en).unwrap_or_default(),
                    )
                };
                let style = if index == 0 { body().colour(tokens::TEXT_QUIET) } else { body() };
                if let Some(words) = column.names.get(text) {
                    cx.paint.label_within(left, baseline, width - 8.0, words.pick(cx.lang), &style);
                    return;
                }
                let text = if text.is_empty() { format::MISSING } else { text };
                cx.paint.text_within(left, baseline, width - 8.0, text, &style);
            }
            Form::Whole => {
                let whole = format::whole(number);
                let fits = cx.paint.measure(&whole, &figure) <= width - 8.0;
                let text = if fits { whole } else { format::short(number, cx.lang) };
                cx.paint.text(right, baseline, &text, &figure);
            }
            Form::Percent => {
                let text = number.map_or(format::MISSING.into(), |_| format!("{}%", format::percent(number)));
                cx.paint.text(right, baseline, &text, &figure);
            }
            Form::Clock => {
                let text = table
                    .time(row, &column.column)
                    .map_or(format::MISSING.into(), |time| format::clock(time, cx.city.tz));
                cx.paint.text(right, baseline, &text, &figure.colour(tokens::TEXT_QUIET));
            }
            Form::Moment => {
                let text = table.time(row, &column.column).map_or(format::MISSING.into(), |time| {
                    format!("{} {}", format::date(time, cx.city.tz, cx.lang), format::minute(time, cx.city.tz))
                });
                cx.paint.text(right, baseline, &text, &body().right());
            }
            Form::Age => {
                let text = number.map_or(format::MISSING.into(), |age| format::span(age, cx.lang));
                let colour = if number.is_some_and(|age| age > 60.0) { tokens::WARN } else { tokens::TEXT };
                let style = Style::new(Face::Text, size::CAPTION, colour).right();
                cx.paint.text(right, baseline, &text, &style);
            }
            Form::Left => {
                let (text, colour) = left_text(number, cx.lang);
                cx.paint.text(right, baseline, &text, &figure.colour(colour));
            }
        }
    }
}

/// Time to go as h:mm; past the due time with a word and in red.
fn left_text(seconds: Option<f64>, lang: Lang) -> (String, tokens::Colour) {
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
