//! Codes that the city file does not have: kept as they came, counted, and told to whoever sent them.
//!
//! A code that nobody knows has no name and no board, so that its rows are missing where people look for them; that is
//! worth a word. What is counted is bounded: beyond [`KEPT_MAX`] codes of a column the rest is one number.

use std::collections::HashMap;

use arrow::array::{Array, AsArray, RecordBatch};
use parking_lot::Mutex;
use serde_json::{Value as Json, json};

use crate::model::City;
use crate::model::city::CODED;
use crate::model::message::{CODES_TOLD_MAX, UnknownCodes};

/// Codes of one column that are counted each by itself, since the start.
const KEPT_MAX: usize = 200;
/// Longer codes are cut in what is told, characters.
const CHARS_MAX: usize = 40;
/// What is beyond the bound.
const OTHERS: &str = "(others)";

/// The codes of a batch that the city does not know.
pub fn unknown(city: &City, batch: &RecordBatch) -> UnknownCodes {
    let mut found = UnknownCodes::new();
    for column in CODED {
        let Some(codes) = batch.column_by_name(column).and_then(|array| array.as_string_view_opt()) else { continue };
        if codes.null_count() == codes.len() {
            continue;
        }
        // A batch has few codes: each is looked up once.
        let mut known: HashMap<&str, bool, ahash::RandomState> = HashMap::default();
        for code in codes.iter().flatten() {
            if !*known.entry(code).or_insert_with(|| city.knows(column, code)) {
                count(found.entry(column.to_owned()).or_default(), code, 1, CODES_TOLD_MAX);
            }
        }
    }
    found
}

fn count(codes: &mut std::collections::BTreeMap<String, u64>, code: &str, rows: u64, kept: usize) {
    let code: String = code.chars().take(CHARS_MAX).collect();
    let is_kept = codes.contains_key(&code) || codes.len() < kept;
    *codes.entry(if is_kept { code } else { OTHERS.to_owned() }).or_default() += rows;
}

/// All of them since the start.
#[derive(Debug, Default)]
pub struct Codes(Mutex<UnknownCodes>);

impl Codes {
    pub fn add(&self, found: &UnknownCodes) {
        if found.is_empty() {
            return;
        }
        let mut all = self.0.lock();
        for (column, codes) in found {
            let kept = all.entry(column.clone()).or_default();
            for (code, rows) in codes {
                count(kept, code, *rows, KEPT_MAX);
            }
        }
    }

    /// Rows by column, for every coded column.
    pub fn rows(&self) -> [(&'static str, u64); CODED.len()] {
        let all = self.0.lock();
        CODED.map(|column| (column, all.get(column).map_or(0, |codes| codes.values().sum())))
    }

    /// The most frequent ones of each column.
    pub fn told(&self) -> Json {
        let all = self.0.lock();
        let most = |codes: &std::collections::BTreeMap<String, u64>| {
            let mut codes: Vec<_> = codes.iter().collect();
            codes.sort_by_key(|(_, rows)| std::cmp::Reverse(**rows));
            codes.into_iter().take(CODES_TOLD_MAX).map(|(code, rows)| (code.clone(), json!(rows))).collect()
        };
        Json::Object(all.iter().map(|(column, codes)| (column.clone(), Json::Object(most(codes)))).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Stream;
    use crate::model::event::{Event, batch};

    #[test]
    fn unknown_codes_are_counted_by_column_and_bounded() {
        let city = City::load("ningbo").unwrap();
        let event = |n: i64, service: &str, area: &str| {
            Event::new(Stream::Tickets, n, "open", &format!("t{n}"), "test", &n.to_string())
                .with("service", service)
                .with("area", area)
        };
        let mut events = vec![event(1, "ask", "330203"), event(2, "aks", "330203001"), event(3, "aks", "nowhere")];
        let found = unknown(&city, &batch(Stream::Tickets, &events).unwrap());
        assert_eq!(serde_json::to_value(&found).unwrap(), json!({"service": {"aks": 2}, "area": {"nowhere": 1}}));

        events.extend((4..1004).map(|n| event(n, &format!("service {n}"), "330203")));
        let found = unknown(&city, &batch(Stream::Tickets, &events).unwrap());
        assert!(found["service"].len() <= CODES_TOLD_MAX + 1);
        let codes = Codes::default();
        codes.add(&found);
        codes.add(&found);
        assert_eq!(codes.rows()[..2], [("service", 2004), ("area", 2)]);
        assert!(codes.told()["service"].as_object().unwrap().len() <= CODES_TOLD_MAX);
    }
}
