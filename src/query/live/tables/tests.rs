//! What is kept by rows that change, and what is not. That the answers are right is for `proof::oracle` to say.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array};
use arrow::datatypes::DataType;

use super::tally::Best;
use crate::model::{Clock, Event, Stream, Value};
use crate::query::Question;
use crate::query::proof::{DAY, HOUR, Lab, NOON, Params, city, live_and_scan, queries_of, runtime};
use crate::store::StoreOptions;

async fn cuts(lab: &Lab) -> Vec<(bool, bool)> {
    let mut cuts = Vec::new();
    for number in 0..lab.engine.catalog().metrics.len() {
        let asked = Question::Metric(format!("q{number}"));
        let text = lab.engine.explain(&asked, &Params::new(), None).await.unwrap();
        cuts.push((text.contains("kept by the rows that change"), text.contains("read whole at each tick")));
    }
    cuts
}

fn lab(queries: &[&str]) -> (Lab, tempfile::TempDir) {
    let files = queries_of(&queries.iter().map(|sql| (*sql).to_owned()).collect::<Vec<_>>());
    let options = StoreOptions::new(city("ningbo"), Clock::manual(NOON));
    (Lab::asking(options, files.path()), files)
}

#[test]
fn what_can_be_taken_back_is_kept_by_the_rows_that_change() {
    let kept = [
        "SELECT count(*) AS n, min(since) AS s FROM open_tickets WHERE state <> 'sent' AND due < now()",
        "SELECT t.g, t.n FROM (SELECT substr(area, 1, 4) AS g, sum(rejects) FILTER (WHERE due >= day_start()) AS n \
         FROM open_tickets GROUP BY 1) t ORDER BY 1",
        "SELECT id, due, (CAST(now() AS BIGINT) - CAST(since AS BIGINT)) AS age FROM open_tickets \
         WHERE due BETWEEN now() AND now() + INTERVAL '1 day' ORDER BY due, id LIMIT 5",
        "SELECT DISTINCT type FROM devices ORDER BY 1",
        "SELECT (SELECT count(*) FROM waiting) AS n, count(*) AS m FROM seat_state",
    ];
    let whole = [
        // Not exact, or not to be taken back.
        "SELECT avg(rejects) AS a FROM open_tickets",
        "SELECT count(DISTINCT area) AS n, count(*) AS m FROM open_tickets",
        "SELECT max(id) AS m FROM open_tickets",
        // The clock decides otherwise than by a time column alone.
        "SELECT count(*) AS n FROM open_tickets WHERE now() - since > INTERVAL '1 hour'",
        "SELECT id, since FROM open_tickets ORDER BY now() - since, id LIMIT 3",
        // All rows are wanted.
        "SELECT id, since FROM open_tickets ORDER BY since, id",
    ];
    runtime().block_on(async {
        let (lab, _files) = lab(&kept);
        assert_eq!(cuts(&lab).await, vec![(true, false); kept.len()]);
    });
    runtime().block_on(async {
        let (lab, _files) = lab(&whole);
        assert_eq!(cuts(&lab).await, vec![(false, true); whole.len()]);
    });
}

fn ticket(n: i64, kind: &str, ts_us: i64, due_us: i64) -> Event {
    let event = Event::new(Stream::Tickets, ts_us, kind, &format!("t{n:05}"), "test", &format!("{n}-{kind}"));
    match kind {
        "open" => event.with("service", "gov").with("due", Value::Time(due_us)),
        _ => event,
    }
}

/// More rows than are kept of the first ones and of the least values: they leave one after the other, and the clock passes
/// those that stay.
#[test]
fn the_first_and_the_least_are_right_when_those_that_were_kept_have_left() {
    runtime().block_on(async {
        let (lab, _files) = lab(&[
            "SELECT id, due FROM open_tickets WHERE due >= now() ORDER BY due, id LIMIT 3",
            "SELECT id, due FROM open_tickets ORDER BY due DESC, id LIMIT 3",
            "SELECT min(due) AS a, max(due) AS b, count(*) AS n FROM open_tickets WHERE service = 'gov'",
            "SELECT count(*) FILTER (WHERE due < now()) AS late, sum(rejects) AS r FROM open_tickets WHERE due <= now()",
        ]);
        let due = |n: i64| NOON + n * HOUR / 10;
        let open: Vec<Event> = (0..1_500).map(|n| ticket(n, "open", NOON - DAY, due(n))).collect();
        lab.land(&open).await;
        assert_eq!(live_and_scan(&lab, &Params::new(), "at first").await, Vec::<String>::new());
        // The earliest, the latest and one between leave.
        let mut order: Vec<i64> = (0..500).flat_map(|n| [n, 1_499 - n, 500 + n]).collect();
        order.dedup();
        for (step, part) in order.chunks(67).enumerate() {
            let done: Vec<Event> = part.iter().map(|n| ticket(*n, "finish", NOON - HOUR + step as i64, 0)).collect();
            lab.land(&done).await;
            lab.clock.set_us(due(step as i64 * 3));
            assert_eq!(live_and_scan(&lab, &Params::new(), &format!("step {step}")).await, Vec::<String>::new());
        }
        // Back in time.
        lab.clock.set_us(NOON - HOUR);
        lab.land(&[ticket(9_000, "open", NOON - DAY, due(7))]).await;
        assert_eq!(live_and_scan(&lab, &Params::new(), "back").await, Vec::<String>::new());
    });
}

#[test]
fn the_best_values_are_known_until_all_that_were_kept_have_left() {
    for least in [true, false] {
        let mut best = Best::new(least, DataType::Int64);
        let column = |values: &[i64]| -> ArrayRef { Arc::new(Int64Array::from(values.to_vec())) };
        let sign = if least { 1 } else { -1 };
        let all: Vec<i64> = (0..1_000).map(|n| sign * n).collect();
        assert!(best.apply(&column(&all), true));
        let now = |best: &Best| best.now().unwrap();
        for n in 0..4 {
            assert_eq!(now(&best), Some(sign * n).into(), "{n} of {least}");
            // One that is not kept, the best one, and a null.
            assert!(best.apply(&column(&[sign * (999 - n)]), false));
            let nulls: ArrayRef = Arc::new(Int64Array::from(vec![None]));
            assert!(best.apply(&nulls, false));
            assert_eq!(best.apply(&column(&[sign * n]), false), n < 3, "{n} of {least}");
        }
        // Never there.
        let mut few = Best::new(least, DataType::Int64);
        assert!(few.apply(&column(&[5, 5]), true) && few.apply(&column(&[5]), false));
        assert_eq!(now(&few), Some(5_i64).into());
        assert!(!few.apply(&column(&[6]), false));
    }
}

/// What the rows that do not count would make of an expression, and what passes while no row lands.
#[test]
fn keys_of_rows_that_do_not_count_and_a_clock_in_a_windows_filter() {
    let queries = [
        "SELECT id, rejects FROM open_tickets WHERE rejects > 0 ORDER BY 10 / rejects, id LIMIT 5",
        "SELECT id, count(*) FILTER (WHERE due < now()) OVER () AS late FROM open_tickets ORDER BY id LIMIT 5",
        "SELECT value FROM generate_series(0, CAST(date_part('hour', local_time(now())) AS BIGINT))",
    ];
    runtime().block_on(async {
        let (lab, _files) = lab(&queries);
        let open = |n: i64| {
            Event::new(Stream::Tickets, NOON - HOUR, "open", &format!("t{n}"), "crm", &format!("t{n}:open"))
                .with("service", "ask")
                .with("area", "330203")
                .with("due", Value::Time(NOON + n * HOUR))
        };
        let reject = Event::new(Stream::Tickets, NOON - 60, "reject", "t1", "crm", "t1:reject").with("org", "o");
        let dispatch = Event::new(Stream::Tickets, NOON - 120, "dispatch", "t1", "crm", "t1:dispatch").with("org", "o");
        lab.land(&[open(1), open(2), open(3), dispatch, reject]).await;
        for hours in 0..5 {
            lab.clock.set_us(NOON + hours * HOUR + 1);
            assert_eq!(live_and_scan(&lab, &Params::new(), &format!("{hours} h")).await, Vec::<String>::new());
        }
    });
}

#[test]
fn states_of_former_days_are_let_go() {
    runtime().block_on(async {
        let (lab, _files) = lab(&["SELECT count(*) AS n FROM tickets WHERE due >= day_start()"]);
        let open = Event::new(Stream::Tickets, NOON - HOUR, "open", "t", "crm", "t:open").with("service", "ask");
        lab.land(&[open.with("due", Value::Time(NOON + 90 * DAY))]).await;
        for day in 0..40 {
            lab.clock.set_us(NOON + day * DAY);
            assert_eq!(live_and_scan(&lab, &Params::new(), &format!("day {day}")).await, Vec::<String>::new());
        }
        assert!(lab.engine.live().kept().0 <= 8, "{:?}", lab.engine.live().kept());
    });
}
