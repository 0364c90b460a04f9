//! When two answers are the same.
//!
//! Counts, sums of whole numbers, least and greatest values, and every text and time must be equal; float sums may differ
//! in the last digits (the order of adding). Percentiles by t-digest must both be there and no more: between few rows that lie
//! far apart two good ones may differ by anything; `metamorphic` holds them against their rank.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::lab::Lab;
use crate::model::message::MetricRef;
use crate::query::rows::{TimeFormat, json_rows};
use crate::query::{Answer, Question};

/// Names of the columns, and the rows.
pub type Table = (Vec<String>, Vec<Vec<Json>>);

pub type Params = BTreeMap<String, String>;

pub fn table(answer: &Answer) -> Table {
    let (columns, rows) = json_rows(&answer.schema, &answer.batches, TimeFormat::Micros);
    (columns.into_iter().map(|column| column.name).collect(), rows)
}

/// A percentile by t-digest: merging in another order moves it a little.
fn is_digest(column: &str) -> bool {
    let ranked = column.strip_prefix('p').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    ranked || column.contains("_p90") || column == "first_answer_min"
}

fn same(column: &str, a: &Json, b: &Json) -> bool {
    if a == b {
        return true;
    }
    let (Some(x), Some(y)) = (a.as_f64(), b.as_f64()) else { return false };
    if !a.is_f64() && !b.is_f64() {
        return false;
    }
    is_digest(column) || (x - y).abs() <= 1e-9 * x.abs().max(y.abs())
}

/// What is not the same in two answers, in words.
pub fn difference(one: &Table, other: &Table) -> Option<String> {
    if one.0 != other.0 || one.1.len() != other.1.len() {
        return Some(format!("one   {one:?}\nother {other:?}"));
    }
    for (row, (a, b)) in one.1.iter().zip(&other.1).enumerate() {
        for (column, (a, b)) in one.0.iter().zip(a.iter().zip(b)) {
            if !same(column, a, b) {
                let (one, other) = (&one.1[row], &other.1[row]);
                return Some(format!("row {row}, {column}: {a} and {b}\none   {one:?}\nother {other:?}"));
            }
        }
    }
    None
}

/// A metric as its live view answers it now.
pub async fn live(lab: &Lab, name: &str, params: &Params) -> Table {
    let asked = MetricRef { name: name.to_owned(), params: params.clone() };
    table(&lab.engine.refresh(&asked).await.unwrap_or_else(|failure| panic!("{name}: {failure:?}")))
}

/// A metric as a scan of all rows answers it now.
pub async fn scan(lab: &Lab, name: &str, params: &Params) -> Table {
    let answer = lab.engine.ask(&Question::Metric(name.to_owned()), params, None).await;
    table(&answer.unwrap_or_else(|failure| panic!("{name}: {failure:?}")))
}

/// Where the live answers of a lab's metrics are not those of a scan.
pub async fn live_and_scan(lab: &Lab, params: &Params, step: &str) -> Vec<String> {
    let mut different = Vec::new();
    for (name, metric) in &lab.engine.catalog().metrics {
        // A parameter that a query does not use is refused.
        let used = params.iter().filter(|(param, _)| metric.sql.contains(&format!("${param}")));
        let params: Params = used.map(|(param, value)| (param.clone(), value.clone())).collect();
        let both = loop {
            let version = lab.engine.view().version;
            let both = (live(lab, name, &params).await, scan(lab, name, &params).await);
            // Old rows may leave at any time, also between the two.
            if lab.engine.view().version == version {
                break both;
            }
        };
        if let Some(text) = difference(&both.0, &both.1) {
            different.push(format!("{step}: {name} (one: live, other: scan)\n{}\n{text}", metric.sql));
        }
    }
    different
}

/// The answers of a lab's metrics by a scan.
pub async fn scans(lab: &Lab) -> BTreeMap<String, Table> {
    let mut answers = BTreeMap::new();
    for name in lab.engine.catalog().metrics.keys() {
        answers.insert(name.clone(), scan(lab, name, &Params::new()).await);
    }
    answers
}

/// Where the answers of two labs are not the same.
pub fn differences(one: &BTreeMap<String, Table>, other: &BTreeMap<String, Table>) -> Vec<String> {
    assert_eq!(one.keys().collect::<Vec<_>>(), other.keys().collect::<Vec<_>>());
    let pairs = one.iter().zip(other.values());
    pairs.filter_map(|((name, a), b)| Some(format!("{name}: {}", difference(a, b)?))).collect()
}
