//! The simulated city lands in a store as it is: nothing impossible, nothing twice, and the state it leaves is believable.

use std::sync::Arc;

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use lingping::feed::simulate::{DEFAULT_SEED, Rate, Script, SimulateOptions, Simulator};
use lingping::model::time::{DAY_US, SECOND_US, parse_local_time_us};
use lingping::model::{City, Clock, Stream};
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
    let phones: i64 =
        kinds.iter().zip(quantities).filter(|(kind, _)| *kind == Some("device")).filter_map(|(_, quantity)| quantity).sum();
    assert!((60_000..60_200).contains(&phones), "{phones} one-key phones");

    let again = land(&store, options, until, 9_999).await;
    assert_eq!((again.rows, again.quarantined, again.duplicates), (0, 0, sums.rows));
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
