//! The oracle: a live answer is the answer of a full scan of the same rows at the same clock.
//!
//! Counts, sums of whole numbers, least and greatest values, and every text and time must be equal; float sums may differ
//! in the last digits (the order of adding), and t-digest percentiles by their stated error.

use std::sync::Arc;

use proptest::prelude::*;
use serde_json::Value as Json;

use super::lab::{DAY, HOUR, Lab, Maker, NOON, city, runtime};
use crate::model::message::MetricRef;
use crate::model::{Clock, Event};
use crate::query::catalog::Metric;
use crate::query::header::Header;
use crate::query::live::{Class, Live};
use crate::query::rows::{TimeFormat, json_rows};
use crate::query::statement::common_params;
use crate::query::{Answer, Question};
use crate::store::StoreOptions;

type Table = (Vec<String>, Vec<Vec<Json>>);

fn table(answer: &Answer) -> Table {
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
    let scale = x.abs().max(y.abs());
    let allowed = if is_digest(column) { 0.15 * scale + 1.0 } else { 1e-9 * scale };
    (x - y).abs() <= allowed
}

fn difference(live: &Table, scan: &Table) -> Option<String> {
    if live.0 != scan.0 || live.1.len() != scan.1.len() {
        return Some(format!("live {live:?}\nscan {scan:?}"));
    }
    for (row, (a, b)) in live.1.iter().zip(&scan.1).enumerate() {
        for (column, (a, b)) in live.0.iter().zip(a.iter().zip(b)) {
            if !same(column, a, b) {
                return Some(format!(
                    "row {row}, {column}: live {a}, scan {b}\nlive {:?}\nscan {:?}",
                    live.1[row], scan.1[row]
                ));
            }
        }
    }
    None
}

async fn compare_all(lab: &Lab, step: &str) -> Vec<String> {
    let mut different = Vec::new();
    for name in lab.engine.catalog().metrics.keys() {
        let asked = MetricRef { name: name.clone(), params: Default::default() };
        let live = lab.engine.refresh(&asked).await.unwrap_or_else(|failure| panic!("{name}: {failure:?}"));
        let scan = lab.engine.ask(&Question::Metric(name.clone()), &asked.params, None).await.unwrap();
        if let Some(text) = difference(&table(&live), &table(&scan)) {
            different.push(format!("{step}: {name}: {text}"));
        }
    }
    different
}

#[test]
fn most_files_are_live_and_the_others_say_why() {
    runtime().block_on(async {
        let lab = Lab::new(NOON);
        let names: Vec<String> = lab.engine.catalog().metrics.keys().cloned().collect();
        let mut scanned = Vec::new();
        for name in &names {
            if let Class::Scan(reason) = lab.engine.class(name).await.unwrap() {
                scanned.push(format!("{name}: {reason}"));
            }
        }
        println!("{} of {} live; scanned:\n{}", names.len() - scanned.len(), names.len(), scanned.join("\n"));
        assert!(names.len() - scanned.len() >= 60, "{}", scanned.join("\n"));
    });
}

#[test]
fn every_file_live_equals_a_scan_through_landings_seals_late_rows_and_ticks() {
    runtime().block_on(async {
        for seed in 0..3 {
            let options = StoreOptions::new(city("ningbo"), Clock::manual(NOON)).seal_rows(700);
            let lab = Lab::with(options);
            let mut maker = Maker::new(seed);
            let past = maker.events(NOON - 9 * DAY, NOON, 2_500);
            lab.land(&past).await;
            let mut now = NOON;
            let mut different = compare_all(&lab, "past").await;
            for step in 0..10 {
                // A few seconds, minutes, hours; once over midnight.
                now += [3_000_000, 61_000_000, 17 * 60_000_000, 2 * HOUR, 11 * HOUR][step % 5];
                lab.clock.set_us(now);
                if step % 3 != 2 {
                    let from = if step % 4 == 3 { now - 3 * DAY } else { now - HOUR };
                    let fresh: Vec<Event> = maker.events(from, now, 150);
                    lab.land(&fresh).await;
                }
                if step % 4 == 1 {
                    lab.store.flush().await.unwrap();
                }
                different.extend(compare_all(&lab, &format!("seed {seed}, step {step}")).await);
                assert!(different.is_empty(), "{}", different.join("\n"));
            }
        }
    });
}

/// A query of the live grammar: some groups, some aggregates, some windows.
fn generated() -> impl Strategy<Value = String> {
    let group =
        prop::sample::subsequence(vec!["kind", "area", "board", "demo", "date_part('hour', local_time(ts))"], 0..3);
    let window = prop::sample::select(vec![
        "true",
        "ts >= now() - INTERVAL '1 hour'",
        "ts >= day_start() AND ts < day_start(1)",
        "ts >= day_start(-1) AND ts < now() - INTERVAL '1 day'",
        "ts BETWEEN now() - INTERVAL '26 hours' AND now() - INTERVAL '2 hours'",
        "(ts < day_start(-3) OR ts >= now() - INTERVAL '90 minutes')",
        "NOT (ts >= now() - INTERVAL '36 hours')",
        "due < day_start(1)",
        "CASE WHEN ts >= day_start() THEN rating > 2 ELSE rating < 4 END",
    ]);
    let row = prop::sample::select(vec![
        "true",
        "kind = 'open'",
        "kind IN ('finish', 'rate')",
        "elapsed_s < 600",
        "topic IS NULL",
    ]);
    let aggregates = prop::sample::subsequence(
        vec![
            "count(*)",
            "count(rating)",
            "sum(open_delta)",
            "min(ts)",
            "max(elapsed_s)",
            "sum(elapsed_s)",
            "avg(CAST(elapsed_s AS DOUBLE))",
            "count(*) FILTER (WHERE ts >= now() - INTERVAL '3 hours')",
            "sum(CASE WHEN ts >= day_start() THEN 1 ELSE 0 END)",
            "approx_distinct(id)",
            "bool_or(coalesce(demo, false))",
            "stddev(CAST(rating AS DOUBLE))",
            "first_value(id ORDER BY ts, seq)",
            "max(ts) FILTER (WHERE kind = 'open')",
        ],
        1..5,
    );
    (group, window, row, aggregates, any::<bool>()).prop_map(|(group, window, row, aggregates, having)| {
        let mut select: Vec<String> = group.iter().enumerate().map(|(i, expr)| format!("{expr} AS g{i}")).collect();
        select.extend(aggregates.iter().enumerate().map(|(i, expr)| format!("{expr} AS a{i}")));
        let mut sql = format!("SELECT {} FROM tickets WHERE {window} AND {row}", select.join(", "));
        if !group.is_empty() {
            let keys: Vec<String> = (1..=group.len()).map(|i| i.to_string()).collect();
            sql.push_str(&format!(" GROUP BY {}", keys.join(", ")));
            if having {
                sql.push_str(" HAVING count(*) > 1");
            }
            sql.push_str(&format!(" ORDER BY {} LIMIT 50", keys.join(", ")));
        }
        sql
    })
}

/// Steps of a small history: rows to land, seconds to wait, whether to seal.
fn history() -> impl Strategy<Value = Vec<(usize, i64, bool)>> {
    let seconds = prop_oneof![1_i64..5, 60_i64..4_000, 20_000_i64..90_000];
    prop::collection::vec((0_usize..120, seconds, prop::bool::weighted(0.25)), 1..6)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 40, ..ProptestConfig::default() })]

    #[test]
    fn generated_sql_live_equals_a_scan(
        seed in 0_u64..1_000,
        queries in prop::collection::vec(generated(), 3..6),
        steps in history(),
    ) {
        let different = runtime().block_on(async {
            let options = StoreOptions::new(city("ningbo"), Clock::manual(NOON)).seal_rows(200);
            let lab = Lab::with(options);
            let ground = lab.engine.ground();
            let live = Live::default();
            let metrics: Vec<Arc<Metric>> = queries.iter().enumerate().map(|(index, sql)| Arc::new(Metric {
                name: format!("generated_{index}"),
                scene: String::new(),
                path: Default::default(),
                sql: sql.clone(),
                header: Header::default(),
                params: common_params(&ground.city),
            })).collect();
            let mut maker = Maker::new(seed);
            let mut now = NOON;
            lab.land(&maker.events(NOON - 5 * DAY, NOON, 500)).await;
            for (count, seconds, seal) in steps {
                now += seconds * 1_000_000;
                lab.clock.set_us(now);
                lab.land(&maker.events(now - 6 * HOUR, now, count)).await;
                if seal {
                    lab.store.flush().await.unwrap();
                }
                for metric in &metrics {
                    let view = lab.engine.view();
                    let answer = live.answer(ground, metric, &Default::default(), &view, now).await.unwrap();
                    let answer = match answer {
                        Ok(answer) => Answer { schema: answer.schema, batches: answer.batches, elapsed_ms: 0.0 },
                        Err(class) => return Some(format!("not live: {class:?}: {}", metric.sql)),
                    };
                    let scan = lab.engine.sql(&metric.sql, &Default::default(), None).await.unwrap();
                    if let Some(text) = difference(&table(&answer), &table(&scan)) {
                        return Some(format!("{}\n{text}", metric.sql));
                    }
                }
            }
            None
        });
        prop_assert!(different.is_none(), "{}", different.unwrap_or_default());
    }
}
