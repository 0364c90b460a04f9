//! How fast the store alone is: `cargo test --release --lib store::speed -- --ignored --nocapture`.

use std::sync::Arc;
use std::time::Instant;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringViewArray, TimestampMicrosecondArray};

use crate::bench::measure::{process_cpu_ms, rss_mb};
use crate::model::{Clock, ColumnType, Stream};

use super::columns::null_array;
use super::proof::city;
use super::{Store, StoreOptions};

/// Tickets, four events each, as an Arrow client sends them.
fn batch(first: usize, rows: usize, now_us: i64) -> RecordBatch {
    let areas = ["330203", "330205", "330206", "330211", "330212", "330213"];
    let kinds = ["open", "dispatch", "accept", "finish"];
    let text = |make: &dyn Fn(usize) -> String| -> ArrayRef {
        Arc::new(StringViewArray::from_iter_values((first..first + rows).map(make)))
    };
    let columns = Stream::Tickets
        .source_columns()
        .map(|column| match column.name {
            "ts" => Arc::new(
                TimestampMicrosecondArray::from_iter_values((first..first + rows).map(|n| now_us + n as i64 * 100))
                    .with_timezone("UTC"),
            ) as ArrayRef,
            "kind" => text(&|n| kinds[n % 4].to_owned()),
            "id" => text(&|n| format!("ticket-{:09}", n / 4)),
            "src" => text(&|_| "bench".to_owned()),
            "src_seq" => text(&|n| n.to_string()),
            "area" => text(&|n| areas[n / 4 % 6].to_owned()),
            "service" => text(&|_| "gov".to_owned()),
            "topic" => text(&|n| format!("04.{:02}.{:02}", n / 4 % 17, n / 4 % 7)),
            "org" => Arc::new(StringViewArray::from_iter(
                (first..first + rows).map(|n| (n % 4 == 1).then(|| format!("handling unit {:03}", n / 4 % 90))),
            )),
            "channel" => text(&|_| "phone".to_owned()),
            "rating" => Arc::new(Int64Array::from_iter((0..rows).map(|_| None::<i64>))),
            _ => null_array(column.column_type, rows),
        })
        .collect();
    let _ = ColumnType::Text;
    RecordBatch::try_new(Stream::Tickets.source_schema(), columns).unwrap()
}

#[test]
#[ignore = "a measurement"]
fn how_fast_the_store_takes_arrow_batches() {
    let dir = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    for (rows, window) in [(8192_usize, 8_usize), (1000, 32)] {
        let path = dir.path().join(format!("r{rows}"));
        let clock = Clock::manual(1_795_406_400_000_000);
        let store = Store::open(StoreOptions::new(city(), clock.clone()).dir(&path)).unwrap();
        let total = 2_000_000 / rows * rows;
        let batches: Vec<RecordBatch> =
            (0..total / rows).map(|n| batch(n * rows, rows, clock.now_us() - 3_600_000_000)).collect();
        let begun = Instant::now();
        let cpu = process_cpu_ms();
        let landed = runtime.block_on(async {
            let mut landed = 0;
            let mut waiting = std::collections::VecDeque::new();
            for batch in batches {
                let store = store.clone();
                waiting.push_back(tokio::spawn(async move { store.append(Stream::Tickets, batch, None).await }));
                if waiting.len() >= window {
                    landed += waiting.pop_front().unwrap().await.unwrap().unwrap().rows;
                }
            }
            for task in waiting {
                landed += task.await.unwrap().unwrap().rows;
            }
            landed
        });
        let seconds = begun.elapsed().as_secs_f64();
        println!(
            "{rows} rows a batch: {landed} rows in {seconds:.2} s, {:.0} rows/s, {} ms CPU; {:?}",
            landed as f64 / seconds,
            process_cpu_ms() - cpu,
            store.status()
        );
        let begun = Instant::now();
        runtime.block_on(store.flush()).unwrap();
        println!("flush {:?}; snapshot rows {}", begun.elapsed(), store.snapshot().rows(Stream::Tickets));
        drop(store);
        let begun = Instant::now();
        let store = Store::open(StoreOptions::new(city(), clock).dir(&path)).unwrap();
        println!(
            "opened again in {:?}, {} rows, {} MB resident",
            begun.elapsed(),
            store.snapshot().rows(Stream::Tickets),
            rss_mb()
        );
    }
}
