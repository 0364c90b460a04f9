//! The simulated city lands in a store as it is: nothing impossible, nothing twice, and the state it leaves is believable.

use std::sync::Arc;

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use lingping::feed::simulate::{self, DEFAULT_SEED, Rate, Script, SimulateOptions, Simulator};
use lingping::hub::{Hub, HubOptions};
use lingping::model::message::MetricRef;
use lingping::model::time::{DAY_US, SECOND_US, parse_local_time_us};
use lingping::model::{City, Clock, Stream};
use lingping::query::Engine;
use lingping::store::{Store, StoreOptions};

/// A Monday, when the crews change.
fn monday(city: &City) -> i64 {
    parse_local_time_us("2026-11-16 07:30", city.tz).unwrap()
}

struct Sums {
    rows: u64,
    duplicates: u64,
    quarantined: u64,
    waiting: u64,
}

async fn land(store: &Store, options: SimulateOptions, until_us: i64, most: usize) -> Sums {
    let mut sums = Sums { rows: 0, duplicates: 0, quarantined: 0, waiting: 0 };
    let mut simulator = Simulator::new(options);
    loop {
        let batches = simulator.batches_until(until_us, most).unwrap();
        if batches.is_empty() {
            return sums;
        }
        for (stream, batch) in batches {
            let landed = store.append(stream, batch, None).await.unwrap();
            assert_eq!(landed.errors, [], "{stream}");
            sums.rows += landed.rows;
            sums.duplicates += landed.duplicates;
            sums.quarantined += landed.quarantined;
            sums.waiting += landed.waiting;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn eight_days_land_without_a_row_in_quarantine_and_a_second_time_not_at_all() {
    let city = Arc::new(City::load("ningbo").unwrap());
    let start = monday(&city);
    // Four in the morning, eight days later.
    let until = start + 8 * DAY_US - 3 * 3600 * SECOND_US;
    let store = Store::open(StoreOptions::new(city.clone(), Clock::manual(until))).unwrap();
    let options = SimulateOptions::new(city, DEFAULT_SEED, start);
    let started = std::time::Instant::now();
    let sums = land(&store, options.clone(), until, 40_000).await;
    println!("{} rows generated and landed in {:.0} ms", sums.rows, started.elapsed().as_secs_f64() * 1000.0);
    assert_eq!((sums.duplicates, sums.quarantined, sums.waiting), (0, 0, 0));
    assert!(sums.rows > 250_000);

    let snapshot = store.snapshot();
    assert!(snapshot.demo);
    let rows_of = |name: &str| snapshot.state_table(name).unwrap().num_rows();
    assert!((300..2500).contains(&rows_of("open_tickets")), "{} open", rows_of("open_tickets"));
    assert!(rows_of("waiting") < 20, "{} wait at night", rows_of("waiting"));
    assert!((40..=48).contains(&rows_of("seat_state")), "{} seats", rows_of("seat_state"));
    assert_eq!(rows_of("feeds"), 9);
    assert_eq!(rows_of("quarantine"), 0);
    let devices = snapshot.state_table("devices").unwrap();
    let kinds = devices.column_by_name("type").unwrap().as_string_view();
    let quantities = devices.column_by_name("quantity").unwrap().as_primitive::<Int64Type>();
    let phones: i64 = kinds
        .iter()
        .zip(quantities)
        .filter(|(kind, _)| *kind == Some("device"))
        .filter_map(|(_, quantity)| quantity)
        .sum();
    assert!((60_000..60_200).contains(&phones), "{phones} one-key phones");

    let again = land(&store, options, until, 9_999).await;
    assert_eq!((again.rows, again.quarantined, again.duplicates), (0, 0, sums.rows));
}

/// Every metric over the simulated city at different hours: none fails, and the figures are believable.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_wall_has_believable_figures_at_any_hour() {
    let city = Arc::new(City::load("ningbo").unwrap());
    let start = monday(&city);
    let at = |text: &str| parse_local_time_us(text, city.tz).unwrap();
    let hours = [at("2026-11-24 14:32"), at("2026-11-25 00:06"), at("2026-11-25 04:10"), at("2026-11-25 09:40")];
    let clock = Clock::manual(start);
    let store = Store::open(StoreOptions::new(city.clone(), clock.clone())).unwrap();
    let queries = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("queries");
    let engine = Engine::open(store.clone(), city.clone(), clock.clone(), queries).unwrap();
    let mut simulator = Simulator::new(SimulateOptions::new(city.clone(), DEFAULT_SEED, start));
    for now in hours {
        clock.set_us(now);
        for (stream, batch) in simulator.batches_until(now, usize::MAX).unwrap() {
            store.append(stream, batch, None).await.unwrap();
        }
        println!("== {}", lingping::model::time::format_time(now, city.tz));
        let mut answers = std::collections::BTreeMap::new();
        for name in engine.catalog().metrics.keys() {
            let asked = MetricRef { name: name.clone(), params: Default::default() };
            let answer = engine.metric(&asked, None).await.unwrap();
            assert_eq!(answer.error, None, "{name}");
            let shown: String = serde_json::to_string(&answer.rows).unwrap().chars().take(420).collect();
            println!("{name}: {shown}");
            answers.insert(name.clone(), answer);
        }
        let first = |name: &str, column: usize| answers[name].rows[0][column].as_f64();
        let within = |name: &str, column: usize, low: f64, high: f64| {
            let value = first(name, column).unwrap_or(f64::NAN);
            assert!((low..=high).contains(&value), "{name} is {value}, not within {low}..{high}");
        };
        within("solved_total", 0, 18_010_000.0, 18_030_000.0);
        within("open_now", 0, 500.0, 2500.0);
        within("onekey_devices", 0, 59_000.0, 60_000.0);
        within("onekey_devices", 1, 60_000.0, 60_150.0);
        within("onekey_rescued", 0, 120.0, 124.0);
        within("connect_rate_24h", 0, 0.95, 1.0);
        within("waiting_now", 0, 0.0, 12.0);
        assert!(!answers["hot_topics"].rows.is_empty());
        assert_eq!(answers["area_today"].rows.len(), 10);
        assert_eq!(answers["ticker"].rows.len(), 20);
        if first("today_opened", 0).unwrap() > 1000.0 {
            // One day of some 750 enquiries: 85 % give or take five standard errors.
            within("instant_rate", 0, 0.79, 0.92);
            within("satisfied_rate", 0, 0.94, 0.99);
            within("transfer_minutes", 0, 55.0, 105.0);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_storm_and_a_load_test_land_beside_the_demo() {
    let city = Arc::new(City::load("ningbo").unwrap());
    let start = monday(&city);
    let store = Store::open(StoreOptions::new(city.clone(), Clock::manual(start + 3 * DAY_US))).unwrap();
    let demo = SimulateOptions::new(city.clone(), DEFAULT_SEED, start);
    let mut storm = demo.clone();
    storm.scripts = vec![Script::Typhoon(start + 20 * 3600 * SECOND_US)];
    let mut load = demo.clone();
    load.rate = Rate::EventsPerSecond(5000.0);
    let mut rows = 0;
    for (options, until) in [(demo, start + 2 * DAY_US), (storm, start + 2 * DAY_US), (load, start + 10 * SECOND_US)] {
        let sums = land(&store, options, until, 40_000).await;
        assert_eq!((sums.duplicates, sums.quarantined, sums.waiting), (0, 0, 0));
        rows += sums.rows;
    }
    assert_eq!(store.status().rows.values().sum::<u64>(), rows);
    assert!(Stream::ALL.iter().all(|stream| store.snapshot().rows(*stream) > 0));
}

/// The main job's demo: eight days into a hub on disk, a restart, and on from there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_demo_fills_the_past_once_and_goes_on_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let city = Arc::new(City::load("ningbo").unwrap());
    let now = parse_local_time_us("2026-11-24 14:32", city.tz).unwrap();
    let clock = Clock::manual(now);
    let queries = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("queries");
    let start = async || {
        let store = StoreOptions::new(city.clone(), clock.clone()).dir(folder.path());
        Hub::start(HubOptions::new(store, "127.0.0.1:0".parse().unwrap(), queries.clone())).await.unwrap()
    };
    let fill = async |hub: &Hub| {
        let url = format!("ws://{}/ws", hub.local_addr());
        let started = std::time::Instant::now();
        let totals = simulate::backfill(&url, city.clone(), clock.clone(), DEFAULT_SEED).await.unwrap();
        println!("{totals:?} in {:.0} ms", started.elapsed().as_secs_f64() * 1000.0);
        assert_eq!((totals.quarantined, totals.refused, totals.waiting), (0, 0, 0), "{totals:?}");
        totals
    };
    let hub = start().await;
    let first = fill(&hub).await;
    assert!(first.rows > 250_000 && first.duplicates == 0, "{first:?}");
    hub.stop().await;

    clock.set_us(now + 6 * 3600 * SECOND_US);
    let hub = start().await;
    let second = fill(&hub).await;
    assert!((5_000..20_000).contains(&second.rows), "{second:?}");
    assert!(second.duplicates < 40, "{second:?}");
    let third = fill(&hub).await;
    assert!(third.rows == 0 && third.duplicates < 40, "{third:?}");

    // The same as if it had never stopped.
    let mut whole = Simulator::new(SimulateOptions::new(city.clone(), DEFAULT_SEED, first_ts(&hub).await));
    let batches = whole.batches_until(clock.now_us(), usize::MAX).unwrap();
    let expected: usize = batches.iter().map(|(_, batch)| batch.num_rows()).sum();
    assert_eq!(hub.store().status().rows.values().sum::<u64>(), expected as u64);
    hub.stop().await;
}

async fn first_ts(hub: &Hub) -> i64 {
    let answer = hub
        .engine()
        .sql("SELECT CAST(min(ts) AS BIGINT) AS first FROM registry", &Default::default(), None)
        .await
        .unwrap();
    answer.batches[0].column(0).as_primitive::<Int64Type>().value(0)
}
