//! Fuzzing of metric files: a damaged header gives problems with their lines, damaged SQL a failure with its place.

use std::collections::BTreeMap;

use super::header;
use super::statement::{Param, bind, common_params, parse, placeholders};
use crate::fuzz::{Choices, files};
use crate::model::City;

const WORDS: &[&str] = &[
    "-- refresh: 0s",
    "-- refresh: 99999999999999999999h",
    "-- target: 1e999",
    "-- systems: 4294967296,,",
    "-- params: a=1 b=x c=",
    "-- source: nothing",
    "-- title_zh:",
    "--",
    "$area",
    "$",
    "(((((((((((((((((((",
    "SELECT",
    "CASE WHEN",
    "INTERVAL '1",
    "/*",
    "'",
    "FILTER (WHERE",
    "OVER (",
    "NOT NOT NOT NOT",
    "-----",
    "UNION ALL SELECT",
    "x'",
    "1e999",
    "\u{0}",
    "甬",
    "[[",
    "::",
    "->>",
];

#[test]
fn fuzz_metric_files() {
    let mut seeds = Vec::new();
    for scene in ["community", "enterprise", "gig", "hot", "lifeline", "live", "loop", "overview", "quality", "talent"]
    {
        seeds.extend(files(&format!("queries/{scene}"), "sql"));
    }
    let city = City::load("ningbo").unwrap();
    bolero::check!().with_iterations(8_000).with_max_len(96).for_each(|bytes: &[u8]| {
        let text = Choices::new(bytes).damaged_text(&seeds, WORDS);
        let (header, problems) = header::read("q.sql", &text);
        let lines = text.lines().count() as u64;
        for problem in problems {
            assert!(problem.line >= 1 && problem.line <= lines.max(1) && !problem.message.is_empty(), "{problem}");
        }
        let params: Vec<Param> = header.params.into_iter().chain(common_params(&city)).collect();
        match parse(&text) {
            Err(failure) => assert!(!failure.message.is_empty()),
            Ok(mut statement) => {
                placeholders(&statement);
                if let Err(failure) = bind(&mut statement, &params, &BTreeMap::new(), city.tz) {
                    assert!(!failure.message.is_empty());
                }
            }
        }
    });
}
