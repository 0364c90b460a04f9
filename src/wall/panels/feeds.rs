//! Where the data come from and how fresh each source is, as one line.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;

use super::super::canvas::{Face, Style};
use super::super::data::Table;
use super::super::format;
use super::super::options::Lang;
use super::super::scene::{Metric, Words};
use super::super::tokens::{self, size};
use super::{Cx, Panel};
use crate::model::event::REPLAY_MARK;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Feeds {
    /// src, last_ts, age_s.
    metric: Metric,
    /// Words for source codes.
    #[serde(default)]
    names: BTreeMap<String, Words>,
    /// Late from here on, seconds.
    #[serde(default = "late_s")]
    late_s: f64,
    /// The same for single sources.
    #[serde(default)]
    late: BTreeMap<String, f64>,
}

fn late_s() -> f64 {
    900.0
}

impl Panel for Feeds {
    fn metrics(&self) -> Vec<&Metric> {
        vec![&self.metric]
    }

    fn paint(&self, cx: &mut Cx<'_, '_>) {
        let rect = cx.rect;
        cx.paint.rule(rect.left, rect.right, rect.top, tokens::RULE);
        let baseline = rect.top + 34.0;
        let style = Style::new(Face::Text, size::BODY, tokens::TEXT_QUIET);
        let table = cx.table(&self.metric);
        let on_time = (0..table.rows()).filter(|row| !self.is_late(&table, *row)).count();
        let lead = match (cx.lang, table.rows()) {
            (Lang::Zh, 0) => "数据源".to_owned(),
            (Lang::En, 0) => "Sources".to_owned(),
            (Lang::Zh, all) => format!("数据源 {on_time}/{all} 正常 · 距最近一条"),
            (Lang::En, all) => format!("Sources {on_time}/{all} on time · since the last row"),
        };
        let mut pen = rect.left + cx.paint.text(rect.left, baseline, &lead, &style.colour(tokens::TEXT_FAINT)) + 34.0;
        for row in 0..table.rows() {
            let (source, played) = source_of(&table, row);
            let name = name_of(&self.names, source, cx.lang);
            let name = if played { format!("{name} · {}", cx.lang.pick("回放", "replay")).into() } else { name };
            let age = table.number(row, "age_s");
            let late = self.is_late(&table, row);
            let text = age.map_or(format::MISSING.to_owned(), |age| format::span(age, cx.lang));
            let word = if late { format!(" {}", cx.lang.pick("迟到", "late")) } else { String::new() };
            let colour = if late { tokens::WARN } else { tokens::TEXT };
            let lead = if late { format!("▲ {name}").into() } else { name };
            let value = format!("{text}{word}");
            let width = cx.paint.measure(&lead, &style) + 8.0 + cx.paint.measure(&value, &style);
            pen = cx.past_seams(pen, width);
            if pen + width > rect.right {
                return;
            }
            pen += cx.paint.text(pen, baseline, &lead, &if late { style.colour(tokens::WARN) } else { style }) + 8.0;
            pen += cx.paint.text(pen, baseline, &value, &style.colour(colour)) + 36.0;
        }
    }

    fn least(&self) -> [f32; 2] {
        [400.0, 40.0]
    }
}

impl Feeds {
    fn is_late(&self, table: &Table<'_>, row: usize) -> bool {
        let limit = of_source(&self.late, source_of(table, row).0).map_or(self.late_s, |(limit, _)| *limit);
        table.number(row, "age_s").is_none_or(|age| age > limit)
    }
}

/// What is said of a source, or of the one that it is a variant of (`demo-calls-7f3a` of `demo-calls`), and the rest of its
/// name.
pub fn of_source<'a, 'n, T>(said: &'a BTreeMap<String, T>, source: &'n str) -> Option<(&'a T, &'n str)> {
    if let Some(found) = said.get(source) {
        return Some((found, ""));
    }
    let ends = source.rmatch_indices('-').map(|(end, _)| end);
    ends.filter_map(|end| Some((said.get(&source[..end])?, &source[end + 1..]))).next()
}

/// What a source, or a code, is called; a variant has the rest of its name behind that.
pub fn name_of<'a>(names: &'a BTreeMap<String, Words>, source: &'a str, lang: Lang) -> Cow<'a, str> {
    match of_source(names, source) {
        Some((words, "")) => words.pick(lang).into(),
        Some((words, more)) => format!("{} {more}", words.pick(lang)).into(),
        None => source.into(),
    }
}

/// What a source is called, and whether it is a replay: that is a source of its own, called what its file is called.
fn source_of<'a>(table: &Table<'a>, row: usize) -> (&'a str, bool) {
    let source = table.text(row, "src").unwrap_or(format::MISSING);
    source.split_once(REPLAY_MARK).map_or((source, false), |(source, _)| (source, true))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variant_of_a_source_goes_by_what_is_said_of_it() {
        let said: BTreeMap<String, u8> = [("demo-calls".to_owned(), 1), ("demo".to_owned(), 2)].into();
        assert_eq!(of_source(&said, "demo-calls"), Some((&1, "")));
        assert_eq!(of_source(&said, "demo-calls-7f3a"), Some((&1, "7f3a")));
        assert_eq!(of_source(&said, "demo-seats"), Some((&2, "seats")));
        assert_eq!(of_source(&said, "crm"), None);
    }
}
