//! The store with its threads on the machine's own disk.

use std::sync::Arc;

use crate::model::event::{self, Event};
use crate::model::{Clock, Stream};

use super::proof::{NOON_US, city};
use super::{Store, StoreError, StoreOptions, verify};

fn events(first: usize, count: usize) -> Vec<Event> {
    (first..first + count)
        .flat_map(|n| {
            let event = |kind: &str, second: i64, key: usize| {
                let ts_us = NOON_US + (n as i64 + second) * 1_000_000;
                Event::new(Stream::Tickets, ts_us, kind, &format!("甬-{n}"), "test", &key.to_string())
                    .with("service", "gov")
                    .with("topic", "道路·路灯·一条相当长的主题")
            };
            [event("open", 0, n * 2), event("finish", 3, n * 2 + 1)]
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_writers_one_folder_and_everything_is_there_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let options = || StoreOptions::new(city(), Clock::manual(NOON_US)).dir(dir.path().join("data")).seal_rows(500);
    let store = Store::open(options()).unwrap();
    let mut landed = store.landed();
    assert!(matches!(Store::open(options()), Err(StoreError::Locked(_))));
    let tasks: Vec<_> = (0..16)
        .map(|task| {
            let store = store.clone();
            tokio::spawn(async move {
                for n in 0..20 {
                    let batch = event::batch(Stream::Tickets, &events(task * 1000 + n * 10, 10)).unwrap();
                    assert_eq!(store.append(Stream::Tickets, batch, None).await.unwrap().rows, 20);
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert!(*landed.borrow_and_update() > 0);
    let snapshot = store.snapshot();
    assert_eq!(snapshot.rows(Stream::Tickets), 6400);
    assert!(snapshot.hot(Stream::Tickets).len() < 64, "{}", snapshot.hot(Stream::Tickets).len());
    let since: usize = snapshot.rows_since(Stream::Tickets, 6000).iter().map(|batch| batch.num_rows()).sum();
    assert_eq!(since, 400);
    assert_eq!(snapshot.state_table("feeds").unwrap().num_rows(), 1);
    drop(snapshot);
    store.flush().await.unwrap();
    assert!(store.snapshot().hot(Stream::Tickets).is_empty());
    assert!(store.status().segments > 0 && store.status().is_ok());
    drop(store);

    let report = verify(&dir.path().join("data"), |_, _| {}).unwrap();
    assert!(report.ok, "{report:?}");
    assert_eq!(report.rows["tickets"], 6400);

    let store = Store::open(options()).unwrap();
    assert_eq!(store.snapshot().rows(Stream::Tickets), 6400);
    let again = event::batch(Stream::Tickets, &events(0, 10)).unwrap();
    let answer = store.append(Stream::Tickets, again, None).await.unwrap();
    assert_eq!((answer.rows, answer.duplicates), (0, 20));
}

/// The end of a process spares the next start what it would read again, when that is much.
#[tokio::test]
async fn a_clean_stop_leaves_a_checkpoint_where_a_start_would_have_much_to_read() {
    for (checkpoint_rows, expected) in [(300, 0), (100, 1)] {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("data");
        let options = || {
            let mut options = StoreOptions::new(city(), Clock::manual(NOON_US)).dir(data.clone());
            options.checkpoint_rows = checkpoint_rows;
            options
        };
        let checkpoints = || std::fs::read_dir(data.join("checkpoint")).map_or(0, Iterator::count);
        let store = Store::open(options()).unwrap();
        let batch = event::batch(Stream::Tickets, &events(0, 120)).unwrap();
        store.append(Stream::Tickets, batch.clone(), None).await.unwrap();
        assert_eq!(checkpoints(), 0);
        drop(store);
        assert_eq!(checkpoints(), expected, "every {checkpoint_rows} rows");
        assert!(verify(&data, |_, _| {}).unwrap().ok);
        let store = Store::open(options()).unwrap();
        assert_eq!(store.snapshot().rows(Stream::Tickets), 240);
        let again = store.append(Stream::Tickets, batch, None).await.unwrap();
        assert_eq!((again.rows, again.duplicates), (0, 240));
    }
}

#[tokio::test]
async fn a_batch_with_other_columns_is_refused_and_one_with_fewer_is_taken() {
    let store = Store::open(StoreOptions::new(city(), Clock::manual(NOON_US))).unwrap();
    let batch = event::batch(Stream::Tickets, &events(0, 1)).unwrap();
    let few = batch.project(&[0, 1, 2, 3, 4]).unwrap();
    assert_eq!(store.append(Stream::Tickets, few, None).await.unwrap().rows, 2);
    let missing = batch.project(&[0, 1, 2, 3]).unwrap();
    assert!(matches!(store.append(Stream::Tickets, missing, None).await, Err(StoreError::Schema { .. })));
    let landed = store.snapshot().hot(Stream::Tickets)[0].clone();
    let error = store.append(Stream::Tickets, landed, None).await.unwrap_err();
    assert!(error.to_string().contains("recv"), "{error}");
    let wrong = arrow::array::RecordBatch::try_from_iter([
        ("ts", Arc::new(arrow::array::BooleanArray::from(vec![true])) as arrow::array::ArrayRef),
        ("kind", batch.column(1).slice(0, 1)),
        ("id", batch.column(2).slice(0, 1)),
        ("src", batch.column(3).slice(0, 1)),
        ("src_seq", batch.column(4).slice(0, 1)),
    ])
    .unwrap();
    assert!(matches!(store.append(Stream::Tickets, wrong, None).await, Err(StoreError::Schema { .. })));
}
