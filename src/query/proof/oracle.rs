//! The oracle: a live answer is the answer of a full scan of the same rows at the same clock.
//!
//! Through landings, late rows and rows sent twice, seals, joined segments, rows that leave by retention, restarts, a
//! clock that jumps over midnight and the end of the month, and files that change: every file of `queries/`, and
//! generated SQL of the live class. A restart changes no answer either.

use proptest::prelude::*;

use super::compare::Params;
use super::generated::Grammar;
use super::history::{History, cases, live_through, steps};
use super::lab::{Lab, NOON, city, queries_of, runtime};
use crate::model::{Clock, Stream, assets};
use crate::query::live::Class;
use crate::store::StoreOptions;

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

/// Sealed often, joined at two, so that a short history has all of it.
fn options(on_disk: Option<&tempfile::TempDir>, keep_days: Option<u32>) -> StoreOptions {
    let mut options = StoreOptions::new(city("ningbo"), Clock::manual(NOON)).seal_rows(300);
    options.checkpoint_rows = 60;
    options.join_segments = 2;
    options.keep_days = keep_days;
    if let Some(folder) = on_disk {
        // Nothing is kept in memory: every piece is read from its file, by our reader and by DataFusion's.
        options = options.dir(folder.path()).cache_bytes(0);
    }
    options
}

fn copy_folder(from: &std::path::Path, to: &std::path::Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            std::fs::create_dir(&target).unwrap();
            copy_folder(&path, &target);
        } else {
            std::fs::copy(&path, &target).unwrap();
        }
    }
}

fn params() -> impl Strategy<Value = Params> {
    let one = |name: &str, value: &str| Params::from([(name.to_owned(), value.to_owned())]);
    prop_oneof![
        6 => Just(Params::new()),
        1 => Just(one("area", "330203")),
        1 => Just(one("board", "life")),
    ]
}

proptest! {
    #![proptest_config(cases(10))]

    #[test]
    fn every_file_live_equals_a_scan_through_any_history(
        seed in 0_u64..1_000,
        steps in steps(10),
        params in params(),
        on_disk in prop::bool::weighted(0.3),
        keep_days in prop::option::weighted(0.3, 1_u32..6),
    ) {
        let done = runtime().block_on(async {
            let queries = tempfile::tempdir().unwrap();
            copy_folder(&assets::home().join("queries"), queries.path());
            let folder = on_disk.then(|| tempfile::tempdir().unwrap());
            let lab = Lab::asking(options(folder.as_ref(), keep_days), queries.path());
            let queries = Some(queries.path().to_owned());
            let history = History::begin(lab, seed, 1_200, 9, queries, keep_days.is_some()).await;
            live_through(history, &steps, &params).await.map(drop)
        });
        prop_assert!(done.is_ok(), "{}", done.unwrap_err());
    }
}

proptest! {
    #![proptest_config(cases(64))]

    #[test]
    fn generated_sql_live_equals_a_scan_through_any_history(
        seed in 0_u64..1_000,
        queries in prop::collection::vec(any::<u64>(), 3..9),
        steps in steps(12),
        params in params(),
        on_disk in prop::bool::weighted(0.2),
        keep_days in prop::option::weighted(0.3, 1_u32..6),
    ) {
        let done = runtime().block_on(async {
            let queries: Vec<String> = queries.into_iter().map(|seed| Grammar::new(seed).query()).collect();
            let files = queries_of(&queries);
            let folder = on_disk.then(|| tempfile::tempdir().unwrap());
            let lab = Lab::asking(options(folder.as_ref(), keep_days), files.path());
            let problems = lab.engine.catalog().problems.clone();
            if !problems.is_empty() || lab.engine.catalog().metrics.len() != queries.len() {
                return Err(format!("{problems:?}\n{queries:?}"));
            }
            for (number, sql) in queries.iter().enumerate() {
                let class = lab.engine.class(&format!("q{number}")).await.unwrap();
                // DataFusion does not always make groups of one DISTINCT; it is then scanned, and says so.
                let distinct = matches!(&class, Class::Scan(why) if why.starts_with("count(DISTINCT"));
                if class != Class::Live && !distinct {
                    return Err(format!("{class:?}: {sql}"));
                }
            }
            let queries = Some(files.path().to_owned());
            let history = History::begin(lab, seed, 500, 5, queries, keep_days.is_some()).await;
            live_through(history, &steps, &params).await.map(drop)
        });
        prop_assert!(done.is_ok(), "{}", done.unwrap_err());
    }
}

/// A sort with a limit keeps a threshold, and copies of it share it: states must not be merged under that of a part.
#[test]
fn the_first_rows_of_a_window_are_not_cut_by_those_of_an_earlier_one() {
    use super::compare::live_and_scan;
    use crate::model::Event;
    runtime().block_on(async {
        let sql = "SELECT ts, seq, id FROM signals WHERE ts >= now() - INTERVAL '1 hour' ORDER BY ts, seq LIMIT 5";
        let files = queries_of(&[sql.to_owned()]);
        let lab = Lab::asking(options(None, None), files.path());
        let note = |ts_us: i64, n: i64| Event::new(Stream::Signals, ts_us, "note", "n", "test", &n.to_string());
        lab.land(&(0..6).map(|n| note(NOON - 600_000_000 + n, n)).collect::<Vec<_>>()).await;
        assert_eq!(live_and_scan(&lab, &Params::new(), "first").await, Vec::<String>::new());
        lab.clock.set_us(NOON + 2 * super::lab::HOUR);
        for n in 10..30 {
            lab.land(&[note(lab.clock.now_us() - 60_000_000 + n, n)]).await;
            assert_eq!(live_and_scan(&lab, &Params::new(), &n.to_string()).await, Vec::<String>::new());
        }
    });
}

/// A join that gives more rows than are kept in memory is left to DataFusion, and the metric says so.
#[test]
fn a_join_of_too_many_rows_is_scanned() {
    use crate::model::Event;
    runtime().block_on(async {
        let sql = "SELECT count(*) AS n, min(a.id) AS a, max(b.id) AS b FROM open_tickets a CROSS JOIN open_tickets b";
        let same =
            "SELECT count(*) AS n, max(b.id) AS b FROM open_tickets a JOIN open_tickets b ON a.service = b.service";
        let files = queries_of(&[sql.to_owned(), same.to_owned()]);
        let lab = Lab::asking(options(None, None), files.path());
        let open = |n: i64| {
            let event = Event::new(
                Stream::Tickets,
                NOON - n * 1_000_000,
                "open",
                &format!("甬-{n:04}"),
                "test",
                &n.to_string(),
            );
            event.with("service", "gov")
        };
        for (count, is_live) in [(40, true), (1_100, false)] {
            lab.land(&(0..count).map(open).collect::<Vec<_>>()).await;
            assert_eq!(super::compare::live_and_scan(&lab, &Params::new(), "many").await, Vec::<String>::new());
            for name in ["q0", "q1"] {
                let asked = crate::model::message::MetricRef { name: name.to_owned(), params: Params::new() };
                let live = lab.engine.tick_here(&asked).await.unwrap().is_some();
                assert_eq!(live, is_live, "{name} with {count} open tickets");
            }
        }
    });
}

/// What was known of segments is known of the one they are joined to, also when several are joined between two looks.
#[test]
fn a_tick_after_segments_were_joined_reads_none_of_their_rows() {
    use crate::model::Event;
    use crate::model::message::MetricRef;
    runtime().block_on(async {
        let files = queries_of(&["SELECT kind, count(*) AS n, max(ts) AS t FROM signals GROUP BY kind".to_owned()]);
        let mut options = StoreOptions::new(city("ningbo"), Clock::manual(NOON));
        (options.checkpoint_rows, options.join_segments) = (1, 4);
        let lab = Lab::asking(options, files.path());
        let asked = MetricRef { name: "q0".to_owned(), params: Params::new() };
        let joined = |lab: &Lab| {
            let snapshot = lab.store.snapshot();
            snapshot.segments(Stream::Signals).iter().filter(|segment| !segment.made_of.is_empty()).count()
        };
        let (now, old, older) = (0, 39 * super::lab::DAY, 40 * super::lab::DAY);
        // Rows of this month, rows of the month before, and at last both, more of them old ones as in an import: then four
        // segments of each month are joined to two in one go.
        let rounds: [&[i64]; 7] = [&[now], &[old], &[old], &[old], &[now], &[now], &[now, old, older]];
        for (round, ages) in rounds.into_iter().enumerate() {
            for age in ages {
                let rows = (0..20).map(|n| {
                    let ts_us = NOON - age + round as i64 * 1_000_000 + n;
                    Event::new(Stream::Signals, ts_us, "note", "n", "test", &format!("{round}-{age}-{n}"))
                });
                lab.clock.set_us(NOON + (round as i64 + 1) * 1_000_000);
                lab.land(&rows.collect::<Vec<_>>()).await;
                assert_eq!(lab.engine.tick_here(&asked).await.unwrap().unwrap().evaluated_rows, 20);
            }
            lab.store.flush().await.unwrap();
            // Joining goes on behind a sealing.
            for _ in 0..500 {
                tokio::time::sleep(std::time::Duration::from_millis(10)).await;
                if ages.len() == 1 || joined(&lab) == 2 {
                    break;
                }
            }
            let cost = lab.engine.tick_here(&asked).await.unwrap().unwrap();
            assert_eq!(cost.evaluated_rows, 0, "round {round}");
            assert_eq!(super::compare::live_and_scan(&lab, &Params::new(), "joined").await, Vec::<String>::new());
        }
        assert_eq!(joined(&lab), 2);
    });
}

/// What the histories above rest on: that these things really happen in them.
#[test]
fn a_short_history_joins_segments_and_drops_old_ones() {
    runtime().block_on(async {
        let lab = Lab::with(options(None, Some(2)));
        let mut history = History::begin(lab, 7, 600, 40, None, true).await;
        let mut joined = false;
        for _ in 0..8 {
            let land = super::history::Step::Land { rows: 100, hours: 1, again: 3, batch_rows: 4_096 };
            for step in [land, super::history::Step::Seal, super::history::Step::Wait { seconds: 40_000 }] {
                let (after, wrong) = history.step(&step, &Params::new()).await;
                assert!(wrong.is_empty(), "{}", wrong.join("\n"));
                history = after;
            }
            let snapshot = history.lab.store.snapshot();
            joined |=
                snapshot.segments(Stream::Tickets).iter().any(|segment| segment.info.logs.0 < segment.info.logs.1);
        }
        assert!(joined, "no segments of tickets were ever joined");
        let snapshot = history.lab.store.snapshot();
        let oldest = snapshot.segments(Stream::Tickets).iter().map(|segment| segment.ts_range().0).min().unwrap();
        // 1 November begins 22.6 days before; segments are of one month.
        assert!(oldest > NOON - 23 * super::lab::DAY, "rows of October are still there: {oldest}");
    });
}
