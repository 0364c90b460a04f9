//! What there is to say of one metric: its file's words, and what its last answer is from.

use chrono_tz::Tz;

use crate::model::message::MetricRef;

use super::super::data::{Data, Table};
use super::super::format;
use super::super::options::Lang;

/// How one metric is counted.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Definition {
    pub title: String,
    /// Unit and window.
    pub window: String,
    /// Numerator and denominator in words.
    pub basis: String,
    /// Streams and state tables, sample, time of the answer.
    pub facts: Vec<String>,
    /// Simulated or replayed.
    pub origin: String,
    /// What is wrong with the last answer.
    pub fault: String,
    /// `queries/SCENE/NAME.sql`.
    pub file: String,
    /// Its SQL without header.
    pub sql: String,
}

impl Definition {
    pub fn of(data: &Data, metric: &MetricRef, lang: Lang, zone: Tz, now_us: i64) -> Definition {
        let table = data.metric(metric);
        let listed = data.catalog().get(&metric.name);
        let info = listed.map_or_else(|| table.info(), |listed| &listed.info);
        let said = |key: &str| info.get(key).map_or("", |text| text.as_str());
        let both = |zh: &str, en: &str| lang.pick(said(zh), said(en)).to_owned();
        let title = both("title_zh", "title_en");
        let window = [both("unit_zh", "unit_en"), both("window_zh", "window_en")];
        let window: Vec<String> = window.into_iter().filter(|text| !text.is_empty()).collect();
        let basis = match lang {
            Lang::Zh if !said("basis_zh").is_empty() => said("basis_zh"),
            _ => said("basis"),
        };
        let mut facts = Vec::new();
        let sources: Vec<&str> = said("source").split_whitespace().collect();
        if !sources.is_empty() {
            facts.push(format!("{} {}", lang.pick("来源", "source"), sources.join(lang.pick("、", ", "))));
        }
        facts.extend(metric.params.iter().map(|(key, value)| format!("{key} = {value}")));
        facts.extend(sample(&table, lang));
        facts.push(match table.as_of() {
            Some(as_of) => format!("{} {}", lang.pick("截至", "as of"), moment(as_of, zone, now_us)),
            None => lang.pick("尚无结果", "no answer yet").to_owned(),
        });
        let file = match listed {
            Some(listed) => format!("queries/{}/{}.sql", listed.scene, listed.name),
            None => format!("{}.sql", metric.name),
        };
        let fault = table.error().map_or("", |_| lang.pick("▲ 最近一次查询失败", "▲ the last query failed"));
        Definition {
            title: if title.is_empty() { metric.name.clone() } else { title },
            window: window.join(" · "),
            basis: basis.to_owned(),
            facts,
            origin: origin(&table, lang).to_owned(),
            fault: fault.to_owned(),
            file,
            sql: listed.and_then(|listed| listed.sql.as_deref()).map(without_header).unwrap_or_default(),
        }
    }
}

/// Where the rows of an answer are from, where that must be said.
pub fn origin(table: &Table<'_>, lang: Lang) -> &'static str {
    match (table.is_demo(), table.is_replay()) {
        (false, false) => "",
        (true, false) => lang.pick("演示数据", "simulated"),
        (false, true) => lang.pick("回放", "replayed"),
        (true, true) => lang.pick("演示数据、回放", "simulated, replayed"),
    }
}

/// n, where the result has a column n: the figure of one row; of several that each has its own.
fn sample(table: &Table<'_>, lang: Lang) -> Option<String> {
    if !table.has_column("n") {
        return None;
    }
    match table.rows() {
        0 => None,
        1 => Some(format!("n = {}", format::whole(table.number(0, "n")))),
        rows => Some(match lang {
            Lang::Zh => format!("{rows} 行，各有 n"),
            Lang::En => format!("{rows} rows, each with its n"),
        }),
    }
}

/// A time of today, or with its day.
pub fn moment(time_us: i64, zone: Tz, now_us: i64) -> String {
    let clock = format::clock(time_us, zone);
    let day = format::day(time_us, zone);
    if day == format::day(now_us, zone) { clock } else { format!("{day} {clock}") }
}

fn without_header(text: &str) -> String {
    let header = |line: &&str| line.trim().is_empty() || line.trim_start().starts_with("--");
    let lines: Vec<&str> = text.lines().skip_while(header).collect();
    lines.join("\n").trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::message::HubMessage;

    const NOW_US: i64 = 1_795_415_527_000_000;

    /// A wall that was told the catalog and answers of one metric.
    fn data(rows: serde_json::Value, columns: &[&str]) -> Data {
        let mut data = Data::default();
        let info = json!({"title_zh": "秒回率", "title_en": "Instant answers", "unit_zh": "比例", "unit_en": "share",
            "window_zh": "今日", "window_en": "today", "basis": "k: finished; n: opened", "basis_zh": "办结 ÷ 受理",
            "source": "tickets open_tickets"});
        let sql = "-- title_zh: 秒回率\n-- basis: k\nSELECT 1 AS value\n  -- why\nFROM tickets\n";
        let listed = json!({"type": "metrics", "metrics":
            [{"name": "rate", "scene": "overview", "class": "live", "info": info, "sql": sql}]});
        data.take(serde_json::from_value::<HubMessage>(listed).unwrap(), 0.0);
        let columns: Vec<_> = columns.iter().map(|name| json!({"name": name, "type": "Int64"})).collect();
        let result = json!({"metric": "rate", "version": 1, "as_of": NOW_US, "data_until": null, "demo": true,
            "columns": columns, "rows": rows});
        data.take_result(serde_json::from_value(result).unwrap(), f64::NEG_INFINITY);
        data
    }

    fn of(data: &Data, lang: Lang) -> Definition {
        let metric = MetricRef { name: "rate".into(), params: Default::default() };
        Definition::of(data, &metric, lang, chrono_tz::Asia::Shanghai, NOW_US)
    }

    #[test]
    fn a_metric_says_unit_window_basis_source_sample_time_origin_file_and_sql() {
        let data = data(json!([[1, 946]]), &["value", "n"]);
        let zh = of(&data, Lang::Zh);
        assert_eq!(
            (zh.title.as_str(), zh.window.as_str(), zh.basis.as_str()),
            ("秒回率", "比例 · 今日", "办结 ÷ 受理")
        );
        assert_eq!(zh.facts, ["来源 tickets、open_tickets", "n = 946", "截至 14:32:07"]);
        assert_eq!((zh.origin.as_str(), zh.file.as_str()), ("演示数据", "queries/overview/rate.sql"));
        assert_eq!(zh.sql, "SELECT 1 AS value\n  -- why\nFROM tickets");
        let en = of(&data, Lang::En);
        assert_eq!((en.window.as_str(), en.basis.as_str()), ("share · today", "k: finished; n: opened"));
        assert_eq!(en.facts, ["source tickets, open_tickets", "n = 946", "as of 14:32:07"]);
    }

    #[test]
    fn rows_each_have_their_n_and_a_missing_one_is_no_zero() {
        assert_eq!(of(&data(json!([[1, 2], [3, 4]]), &["value", "n"]), Lang::Zh).facts[1], "2 行，各有 n");
        assert_eq!(of(&data(json!([[1, null]]), &["value", "n"]), Lang::Zh).facts[1], "n = —");
        let without = of(&data(json!([[1]]), &["value"]), Lang::En).facts;
        assert_eq!(without, ["source tickets, open_tickets", "as of 14:32:07"]);
    }

    #[test]
    fn before_anything_is_known_a_metric_is_its_name() {
        let unknown = of(&Data::default(), Lang::Zh);
        assert_eq!((unknown.title.as_str(), unknown.file.as_str()), ("rate", "rate.sql"));
        assert_eq!((unknown.facts, unknown.sql.as_str()), (vec!["尚无结果".to_owned()], ""));
    }
}
