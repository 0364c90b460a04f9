//! The files of `queries/`: they plan, run everywhere, say what was counted by hand, and know the past.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

use super::lab::{DAY, HOUR, Lab, NOON, city, runtime};
use super::maker::Maker;
use crate::model::message::{MetricRef, MetricResult};
use crate::model::{Clock, Event, Stream};
use crate::query::Question;
use crate::store::StoreOptions;

fn metric(name: &str) -> MetricRef {
    MetricRef { name: name.to_owned(), params: BTreeMap::new() }
}

async fn rows(lab: &Lab, name: &str, at: Option<i64>) -> Vec<Vec<Json>> {
    let result = lab.engine.metric(&metric(name), at).await;
    result.unwrap_or_else(|failure| panic!("{name}: {failure:?}")).rows
}

#[test]
fn every_file_is_good_and_the_23_systems_are_all_shown() {
    let lab = Lab::new(NOON);
    let catalog = lab.engine.catalog();
    let problems: Vec<String> = catalog.problems.iter().map(ToString::to_string).collect();
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    assert!(catalog.metrics.len() >= 45, "{}", catalog.metrics.len());
    let shown: BTreeSet<u32> =
        catalog.metrics.values().flat_map(|metric| metric.header.systems.iter().copied()).collect();
    assert_eq!(shown, (1..=23).collect::<BTreeSet<u32>>());
    for metric in catalog.metrics.values() {
        assert!(!metric.sql.contains("330203") && !metric.sql.contains("Ningbo"), "{}", metric.name);
    }
}

#[test]
fn every_file_runs_on_an_empty_store_and_on_a_full_one_in_any_city() {
    runtime().block_on(async {
        for name in ["ningbo", "boston"] {
            let lab = Lab::with(StoreOptions::new(city(name), Clock::manual(NOON)));
            let names: Vec<String> = lab.engine.catalog().metrics.keys().cloned().collect();
            let mut failed = Vec::new();
            for full in [false, true] {
                if full {
                    lab.land(&Maker::new(7).events(NOON - 9 * DAY, NOON, 3_000)).await;
                }
                for name in &names {
                    match lab.engine.metric(&metric(name), None).await {
                        Err(failure) => failed.push(format!("{name}: {failure:?}")),
                        Ok(result) => check(&result, full, &mut failed),
                    }
                }
            }
            assert!(failed.is_empty(), "{}", failed.join("\n"));
        }
    });
}

/// A rate is null without a denominator and between 0 and 1 with one.
fn check(result: &MetricResult, full: bool, failed: &mut Vec<String>) {
    let place = |name: &str| result.columns.iter().position(|column| column.name == name);
    if let (Some(value), Some(n), Some(_)) = (place("value"), place("n"), place("k")) {
        for row in &result.rows {
            let good = match (row[n].as_i64(), row[value].as_f64()) {
                (Some(0) | None, None) => true,
                (Some(n), Some(value)) => n > 0 && (0.0..=1.0).contains(&value),
                (Some(n), None) => n < 30,
                _ => false,
            };
            if !good {
                failed.push(format!("{} (full: {full}): {row:?}", result.metric));
            }
        }
    }
}

fn ticket(ts: i64, kind: &str, id: &str, n: u32) -> Event {
    Event::new(Stream::Tickets, ts, kind, id, "test", &n.to_string())
}

#[test]
fn figures_are_those_counted_by_hand() {
    runtime().block_on(async {
        let lab = Lab::new(NOON);
        let today = NOON - 2 * HOUR;
        let events = vec![
            // Answered at once, in 40 s.
            ticket(today, "open", "a", 1).with("service", "ask").with("area", "330203").with("topic", "04.02.01"),
            ticket(today + 40_000_000, "finish", "a", 2),
            ticket(today + 50_000_000, "rate", "a", 3).with("rating", 5_i64),
            // Sent on: 30 minutes at the department.
            ticket(today, "open", "b", 4).with("service", "ask").with("area", "330205"),
            ticket(today + 60_000_000, "dispatch", "b", 5).with("sector", "gov"),
            ticket(today + 1_860_000_000, "finish", "b", 6),
            ticket(today + 1_900_000_000, "rate", "b", 7).with("rating", 2_i64),
            // Open, due in 3 hours.
            ticket(today, "open", "c", 8)
                .with("service", "life")
                .with("area", "330206")
                .with("due", crate::model::Value::Time(NOON + 3 * HOUR)),
            // Sent on five minutes ago.
            ticket(NOON - HOUR / 12, "dispatch", "c", 13),
            // Yesterday, one before this time of day and one after; the second is overdue.
            ticket(NOON - 25 * HOUR, "open", "d", 9).with("service", "gov"),
            ticket(NOON - 23 * HOUR, "open", "e", 10)
                .with("service", "gov")
                .with("due", crate::model::Value::Time(NOON - HOUR)),
            // A week ago, one before this time of day and one after.
            ticket(NOON - 169 * HOUR, "open", "f", 11).with("service", "gov"),
            ticket(NOON - 167 * HOUR, "open", "g", 12).with("service", "gov"),
        ];
        lab.land(&events).await;
        let one = |rows: Vec<Vec<Json>>| rows.into_iter().next().unwrap();
        assert_eq!(one(rows(&lab, "today_opened", None).await), [3, 1]);
        assert_eq!(one(rows(&lab, "today_finished", None).await), [2, 0]);
        assert_eq!(one(rows(&lab, "open_now", None).await), [5]);
        assert_eq!(one(rows(&lab, "due_soon", None).await), [1, 1]);
        assert_eq!(one(rows(&lab, "solved_total", None).await), [18_000_002, 18_000_000, 2]);
        assert_eq!(one(rows(&lab, "instant_rate", None).await), [Json::from(0.5), 1.into(), 2.into()]);
        assert_eq!(one(rows(&lab, "satisfied_rate", None).await), [Json::from(0.5), 1.into(), 2.into()]);
        // Due by the end of today: c and e, both open.
        assert_eq!(one(rows(&lab, "finish_rate", None).await), [Json::from(0.0), 0.into(), 2.into()]);
        let transfer = one(rows(&lab, "transfer_minutes", None).await);
        assert_eq!(transfer[0], 30.0);
        assert_eq!(transfer[3], 1);
        let boards = rows(&lab, "boards_today", None).await;
        assert_eq!(boards[0], [Json::from("life"), 1.into(), 0.into()]);
        assert_eq!(boards[3], [Json::from("government"), 2.into(), 1.into()], "beside a week ago by this time");
        let curve = rows(&lab, "opened_curve", None).await;
        assert_eq!(curve.len(), 96);
        // 12:32 is in the 51st quarter of an hour; 14:45 has not come yet.
        assert_eq!(curve[50], [750, 3, 0]);
        assert_eq!(curve[59], [Json::from(885), Json::Null, 0.into()]);
        let loop_today = rows(&lab, "loop_today", None).await;
        let counts: Vec<_> = loop_today.iter().map(|row| row[1].clone()).collect();
        assert_eq!(counts, [3, 2, 0, 2, 0, 2]);
        let flows = rows(&lab, "dispatch_flows", None).await;
        assert_eq!(flows, [[Json::from("330206"), "life".into(), 1.into()]], "b was sent on long ago");
        // One open in Beilun, for its 829,448 residents.
        let areas = rows(&lab, "area_today", None).await;
        assert_eq!(areas.len(), 10);
        assert_eq!(
            areas[0],
            [Json::from("330203"), "海曙区".into(), "Haishu".into(), 1.into(), 0.into(), 0.0.into()],
            "none open is no missing figure"
        );
        // One open in Beilun, for its 829,448 residents.
        assert_eq!((areas[2][0].clone(), areas[2][4].clone()), (Json::from("330206"), 1.into()));
        assert!((areas[2][5].as_f64().unwrap() - 0.012_056).abs() < 1e-6, "{areas:?}");
        assert_eq!(rows(&lab, "ticker", None).await.len(), 13);
        // Parameters: the drill-down to one board, and what the demo mark says.
        let asked =
            MetricRef { name: "today_opened".to_owned(), params: [("board".to_owned(), "life".to_owned())].into() };
        let result = lab.engine.metric(&asked, None).await.unwrap();
        assert_eq!(result.rows, [[1, 0]]);
        assert!(!result.demo);
        assert_eq!(result.info["title_zh"], "今日受理");
    });
}

#[test]
fn the_band_of_calls_is_of_the_same_weekday_in_the_weeks_that_have_calls() {
    runtime().block_on(async {
        let lab = Lab::new(NOON);
        let call =
            |ts: i64, n: u32| Event::new(Stream::Contacts, ts, "arrive", &format!("c{n}"), "test", &n.to_string());
        let quarter = NOON - 3 * HOUR;
        let mut events = Vec::new();
        // One, four and two weeks ago: 1, 3 and none in this quarter of an hour, but one in the next.
        for (weeks, times) in [(1, vec![0]), (4, vec![1, 2, 3]), (2, vec![HOUR])] {
            for after in times {
                events.push(call(quarter - weeks * 7 * DAY + after, events.len() as u32));
            }
        }
        lab.land(&events).await;
        let of = |rows: Vec<Vec<Json>>| {
            let busy: Vec<Vec<Json>> = rows.into_iter().filter(|row| row[5].as_i64().is_some_and(|n| n > 1)).collect();
            busy.into_iter().next().map(|row| row[3..].to_vec())
        };
        let band = of(rows(&lab, "load_curve", None).await);
        assert_eq!(band, Some(vec![1.into(), 0.into(), 3.into()]), "last week, least, most");
        // Two weeks are too few to say what is usual.
        let few = Lab::new(NOON);
        few.land(&events[..4]).await;
        let rows = rows(&few, "load_curve", None).await;
        assert!(rows.iter().all(|row| row[4].is_null() && row[5].is_null()), "{rows:?}");
    });
}

#[test]
fn a_window_that_the_data_do_not_fill_says_since_when_there_are_any() {
    runtime().block_on(async {
        let lab = Lab::new(NOON);
        let info = async |name: &str, at| lab.engine.metric(&metric(name), at).await.unwrap().info;
        assert_eq!(info("reject_rate", None).await.get("data_from"), None, "nothing has begun");
        let ticket = |ts: i64, id: &str| Event::new(Stream::Tickets, ts, "open", id, "test", id);
        lab.land(&[ticket(NOON - 8 * DAY, "a")]).await;
        assert_eq!(info("reject_rate", None).await["data_from"], "2026-11-15");
        assert_eq!(info("today_opened", None).await.get("data_from"), None, "its window is today");
        assert_eq!(lab.engine.info("reject_rate", None)["data_from"], "2026-11-15", "and as an ad-hoc answer has it");
        lab.land(&[ticket(NOON - 29 * DAY, "b")]).await;
        assert_eq!(info("reject_rate", None).await.get("data_from"), None, "30 days with today");
        assert_eq!(info("talent_matrix", None).await["data_from"], "2026-10-25");
    });
}

#[test]
fn a_part_that_a_query_names_twice_is_worked_out_once() {
    runtime().block_on(async {
        let lab = Lab::new(NOON);
        let question = Question::Metric("lines_curve".to_owned());
        let explained = lab.engine.explain(&question, &BTreeMap::new(), None).await.unwrap();
        assert_eq!(explained.matches("  cut over contacts").count(), 1, "{explained}");
    });
}

#[test]
fn at_a_time_equals_a_store_that_never_had_the_later_rows() {
    runtime().block_on(async {
        for (seed, before) in [(1, 5 * HOUR), (2, 30 * HOUR), (3, 0)] {
            let at = NOON - before;
            let events = Maker::new(seed).events(NOON - 9 * DAY, NOON, 4_000);
            let (whole, past) = (Lab::new(NOON), Lab::new(at));
            whole.land(&events).await;
            let earlier: Vec<Event> = events.iter().filter(|event| event.ts_us() <= at).cloned().collect();
            past.land(&earlier).await;
            let names: Vec<String> = whole.engine.catalog().metrics.keys().cloned().collect();
            let mut different = Vec::new();
            for name in &names {
                // Receive times are not part of the past that can be asked.
                if name == "feed_health" {
                    continue;
                }
                let then = rows(&whole, name, Some(at)).await;
                let never = rows(&past, name, None).await;
                if then != never {
                    different.push(format!("{name}\n  at:    {then:?}\n  never: {never:?}"));
                }
            }
            assert!(different.is_empty(), "seed {seed}\n{}", different.join("\n"));
        }
    });
}
