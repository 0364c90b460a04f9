//! Rows as a table: texts, figures, countdowns. For people on duty.
//!
//! Columns have their shares of the width where every name has room in its own. Else each is at least as wide as
//! its longest name, and where these have no room beside one another a row has two lines: the main text, the others below it. How
//! long names are is taken from the city's dictionaries, so that a table does not change its form with its rows.

mod cell;

use std::borrow::Cow;

use serde::Deserialize;

use self::cell::{GAUGE, GAUGE_GAP, left_text};
use super::super::canvas::{Face, Style};
use super::super::layout;
use super::super::scene::{Metric, Words};
use super::super::tokens::{self, size};
use super::facts::{self, Fact};
use super::{Calm, Cx, Panel, body, caption, note};

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
    /// A line of figures below the rows: how many there are in all.
    #[serde(default)]
    facts: Vec<Fact>,
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
    /// An age is late from here on, seconds.
    #[serde(default = "late_s")]
    late_s: f64,
    /// The same for single rows, by what the first column holds.
    #[serde(default)]
    late: std::collections::BTreeMap<String, f64>,
    /// Of a countdown: the gauge before it is full with so many seconds to go, and empties with them.
    #[serde(default)]
    whole_s: Option<f64>,
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
fn late_s() -> f64 {
    60.0
}

impl Panel for Table {
    fn metrics(&self) -> Vec<&Metric> {
        std::iter::once(&self.metric).chain(self.facts.iter().map(|fact| &fact.metric)).collect()
    }

    fn columns(&self) -> Vec<(&Metric, &str)> {
        let columns = self.columns.iter().flat_map(|column| [&column.column, &column.zh, &column.en]);
        let facts = self.facts.iter().map(|fact| (&fact.metric, fact.column.as_str()));
        columns.map(|column| (&self.metric, column.as_str())).chain(facts).collect()
    }

    fn paint(&self, cx: &mut Cx<'_, '_>) {
        cx.heading_of_file();
        let inner = cx.inner();
        let table = cx.table(&self.metric);
        if table.rows() == 0 {
            let calm = if self.calm { Calm::Well } else { Calm::Quiet };
            cx.empty_in_words(&table, calm, &self.empty, "没有", "none");
            return;
        }
        let mut top = inner.top;
        let plan = self.plan(cx, inner.width());
        if self.head {
            self.head_line(cx, &plan, [inner.left, top + 12.0]);
            top += 22.0;
        }
        let high = if plan.main.is_some() { TWO_LINES } else { ONE_LINE };
        let bottom = inner.bottom - if self.facts.is_empty() { 0.0 } else { FACTS };
        let (pitch, tops) = cx.rows([top, bottom], table.rows(), high);
        let countdown = self.columns.iter().find_map(|column| Some((column, column.whole_s?)));
        for (row, top) in tops.iter().enumerate() {
            let middle = top + pitch * 0.5;
            match plan.main {
                None => self.row(cx, &plan, row, [inner.left, middle + 6.5]),
                Some(main) => self.row_of_two(cx, &plan, main, row, [inner.left, middle]),
            }
            if row + 1 < tops.len() {
                cx.paint.rule(inner.left, inner.right, top + pitch, tokens::RULE.alpha(0.4));
            }
            if let Some((column, whole_s)) = countdown {
                self.drain(cx, column, whole_s, row, inner.right, middle);
            }
        }
        facts::line(cx, &self.facts, inner.left, inner.right, inner.bottom - 2.0);
    }

    fn opens_at_seams(&self) -> bool {
        true
    }

    fn ample(&self) -> Option<[f32; 2]> {
        Some([if self.columns.len() > 3 { 400.0 } else { 330.0 }, 560.0])
    }
}

/// Least and greatest height of a row.
const ONE_LINE: [f32; 2] = [28.0, 56.0];
const TWO_LINES: [f32; 2] = [40.0, 64.0];
/// Height of the line of facts.
const FACTS: f32 = 30.0;
/// Between two columns.
const GAP: f32 = 12.0;

/// How the columns stand.
struct Plan {
    /// In the order of the file; those of a main text below which the others stand are 0.
    widths: Vec<f32>,
    /// The column above the other texts, where a row has two lines.
    main: Option<usize>,
}

impl Plan {
    /// From the width that each column wants for its texts, its share of the whole, and whether it is one of texts.
    fn of(wanted: &[f32], shared: &[f32], is_text: &[bool]) -> Plan {
        let texts: Vec<usize> = (0..wanted.len()).filter(|index| is_text[*index]).collect();
        if texts.iter().all(|index| wanted[*index] <= shared[*index]) {
            return Plan { widths: shared.to_vec(), main: None };
        }
        let width: f32 = shared.iter().sum();
        if let Some(widths) = layout::shared(shared, width, &|index| wanted[index]) {
            return Plan { widths, main: None };
        }
        // The main text, that of the largest share, has what the figures leave.
        let main = texts.iter().copied().reduce(|a, b| if shared[b] > shared[a] { b } else { a });
        let figures: f32 = (0..wanted.len()).filter(|index| !is_text[*index]).map(|index| wanted[index]).sum();
        let mut widths: Vec<f32> =
            wanted.iter().zip(is_text).map(|(want, text)| if *text { 0.0 } else { *want }).collect();
        if let Some(main) = main {
            widths[main] = (width - figures).max(0.0);
        }
        Plan { widths, main: main.filter(|_| texts.len() > 1) }
    }
}

impl Table {
    fn plan(&self, cx: &mut Cx<'_, '_>, width: f32) -> Plan {
        let shares: f32 = self.columns.iter().map(|column| column.share).sum();
        let shared: Vec<f32> = self.columns.iter().map(|column| width * column.share / shares).collect();
        let wanted: Vec<f32> = self.columns.iter().map(|column| self.wanted(cx, column)).collect();
        let is_text: Vec<bool> = self.columns.iter().map(|column| column.form == Form::Text).collect();
        Plan::of(&wanted, &shared, &is_text)
    }

    /// The width in which the longest text of a column stands.
    fn wanted(&self, cx: &mut Cx<'_, '_>, column: &Column) -> f32 {
        let table = cx.table(&self.metric);
        let (city, lang) = (cx.city, cx.lang);
        let known: Vec<&str> = match column.zh.as_str() {
            "area_zh" => city.areas.iter().map(|area| lang.pick(&area.zh, &area.en)).collect(),
            "topic_zh" => city.topics.iter().map(|topic| lang.pick(&topic.zh, &topic.en)).collect(),
            "org_zh" => city.orgs.iter().map(|org| lang.pick(&org.zh, &org.en)).collect(),
            _ => Vec::new(),
        };
        let mut widest = if self.head { cx.paint.measure(column.label.pick(lang), &note()) } else { 0.0 };
        for text in known {
            widest = widest.max(cx.paint.measure(text, &body()));
        }
        for row in 0..table.rows() {
            let width = match column.form {
                Form::Text => {
                    let text = self.text(cx, column, row);
                    cx.paint.measure(&text, &body())
                }
                _ => {
                    let (text, style) = self.figure(cx, column, row);
                    cx.paint.measure(&text, &style)
                }
            };
            widest = widest.max(width);
        }
        if column.form == Form::Left {
            // The longest countdown, also while none is late.
            let (text, _) = left_text(Some(-2879.0 * 60.0), lang);
            widest = widest.max(cx.paint.measure(&text, &Style::new(Face::Figure, size::BODY, tokens::TEXT)));
            widest += column.whole_s.map_or(0.0, |_| GAUGE + GAUGE_GAP);
        }
        widest + GAP
    }

    fn head_line(&self, cx: &mut Cx<'_, '_>, plan: &Plan, [mut left, baseline]: [f32; 2]) {
        for (index, (column, width)) in self.columns.iter().zip(&plan.widths).enumerate() {
            let text = column.label.pick(cx.lang);
            if index > 0 && column.form != Form::Text {
                cx.paint.text(left + width - 4.0, baseline, text, &note().right());
            } else if *width > 0.0 {
                cx.paint.label_within(left, baseline, width - 6.0, text, &note());
            }
            left += width;
        }
    }

    fn row(&self, cx: &mut Cx<'_, '_>, plan: &Plan, row: usize, [mut left, baseline]: [f32; 2]) {
        for (index, (column, width)) in self.columns.iter().zip(&plan.widths).enumerate() {
            match column.form {
                Form::Text => {
                    let style = if index == 0 { body().colour(tokens::TEXT_QUIET) } else { body() };
                    let text = self.text(cx, column, row);
                    if column.names.is_empty() {
                        cx.paint.text_within(left, baseline, width - 8.0, &text, &style);
                    } else {
                        cx.paint.label_within(left, baseline, width - 8.0, &text, &style);
                    }
                }
                _ => self.right(cx, column, row, [left, *width], baseline),
            }
            left += width;
        }
    }

    /// The main text, below it the others in one line.
    fn row_of_two(&self, cx: &mut Cx<'_, '_>, plan: &Plan, main: usize, row: usize, [mut left, middle]: [f32; 2]) {
        let others: Vec<Cow<'_, str>> = (0..self.columns.len())
            .filter(|index| *index != main && self.columns[*index].form == Form::Text)
            .map(|index| self.text(cx, &self.columns[index], row))
            .collect();
        for (index, (column, width)) in self.columns.iter().zip(&plan.widths).enumerate() {
            if index == main {
                let text = self.text(cx, column, row);
                cx.paint.text_within(left, middle - 3.0, width - 8.0, &text, &body());
                cx.paint.text_within(left, middle + 15.0, width - 8.0, &others.join(" · "), &caption());
            } else if column.form != Form::Text {
                self.right(cx, column, row, [left, *width], middle + 6.5);
            }
            left += width;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_without_room_beside_one_another_stand_in_two_lines() {
        let is_text = [true, true, true, false];
        let shared = [80.0, 140.0, 120.0, 60.0];
        let plan = |wanted: [f32; 4]| Plan::of(&wanted, &shared, &is_text);
        let short = plan([60.0, 140.0, 100.0, 70.0]);
        assert_eq!((short.widths.as_slice(), short.main), (shared.as_slice(), None), "all have room in their shares");
        let uneven = plan([60.0, 180.0, 100.0, 60.0]);
        assert_eq!((uneven.widths[3], uneven.main), (60.0, None), "each is at least as wide as its longest");
        assert!(uneven.widths[1] >= 180.0 && (uneven.widths.iter().sum::<f32>() - 400.0).abs() < 0.01);
        let long = plan([90.0, 280.0, 300.0, 70.0]);
        assert_eq!((long.widths, long.main), (vec![0.0, 330.0, 0.0, 70.0], Some(1)));
        let one = Plan::of(&[300.0, 70.0], &[200.0, 100.0], &[true, false]);
        assert_eq!((one.widths, one.main), (vec![230.0, 70.0], None), "one text alone gets what the figure leaves");
    }
}
