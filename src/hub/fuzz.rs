//! Fuzzing of the wire: whatever a client sends is a message or a refusal, and whatever rows of it are taken land in a
//! store and are there after a restart.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::FutureExt;
use serde_json::json;

use super::decode::{Incoming, Refusal, binary_frame, text_frame};
use super::{ipc, rows};
use crate::fuzz::Choices;
use crate::model::event::{Event, batch};
use crate::model::message::pack_frame;
use crate::model::{City, Clock, Stream};
use crate::store::{MemoryDisk, Store, StoreOptions};

const NOON_US: i64 = 1_795_415_527_000_000;

const WORDS: &[&str] = &[
    "null",
    "true",
    "-1",
    "1e400",
    "9223372036854775807",
    "-9223372036854775808",
    "18446744073709551616",
    "\"\\ud800\"",
    "\"2026-02-30T25:61:00Z\"",
    "\"-262143-01-01T00:00:00Z\"",
    "\"rows\":[",
    "\"stream\":\"contacts\"",
    "\"type\":\"follow\"",
    "[[[[",
    "{}",
    "\u{0}",
    "甬",
    "\"kind\":\"finish\"",
    "\"ts\":0",
    "\"due\":-62135596800000000",
    "\"since\":",
    "\"after\":",
];

/// Rows with a value in every column that a source may fill.
fn event(stream: Stream, number: i64) -> Event {
    use crate::model::{ColumnType, Value};
    let kind = stream.kinds()[number as usize % stream.kinds().len()];
    let mut event = Event::new(stream, NOON_US - number, kind, "甬-1", "crm", &number.to_string());
    for column in stream.source_columns().skip(5) {
        let value = match column.column_type {
            ColumnType::Text => Value::Text("值".to_owned()),
            ColumnType::Int => Value::Int(number),
            ColumnType::Float => Value::Float(0.5),
            ColumnType::Bool => Value::Bool(number % 2 == 0),
            ColumnType::Time => Value::Time(NOON_US + number),
        };
        event.set(column.name, value);
    }
    event
}

fn texts() -> Vec<Vec<u8>> {
    let mut seeds = vec![
        json!({"type": "hello", "client": "wall", "format": "arrow"}),
        json!({"type": "end", "batch": 9}),
        json!({"type": "subscribe", "metrics": [{"name": "today_opened", "params": {"area": "330203"}}]}),
        json!({"type": "follow", "stream": "tickets", "columns": ["ts", "kind"], "tail": 10, "since": 5, "after": 7}),
        json!({"type": "query", "id": 1, "sql": "SELECT 1", "params": {}, "at": "2026-11-23 09:00", "explain": true}),
        json!({"type": "control", "scene": "overview", "mode": "lobby", "lang": "en", "freeze": true, "explain": true, "pause": true}),
        json!({"type": "metrics", "sql": true}),
        json!({"type": "watch", "fps": 3}),
        json!({"type": "ping", "n": 3}),
    ];
    for stream in Stream::ALL {
        let rows: Vec<_> = (0..3).map(|n| event(stream, n).to_json()).collect();
        seeds.push(json!({"type": "ingest", "batch": 1, "stream": stream.name(), "rows": rows, "replay": true}));
        seeds.push(json!({"type": "ingest", "batch": 1, "rows": rows, "stream": stream.name()}));
    }
    seeds.iter().map(|json| json.to_string().into_bytes()).collect()
}

fn frames() -> Vec<Vec<u8>> {
    let mut seeds =
        vec![pack_frame(&json!({"type": "frame", "width": 64, "height": 36, "scene": "x"}), b"\xff\xd8jpeg").unwrap()];
    for stream in Stream::ALL {
        let rows = batch(stream, &(0..4).map(|n| event(stream, n)).collect::<Vec<_>>()).unwrap();
        let header = json!({"type": "ingest", "batch": 1, "stream": stream.name()});
        seeds.push(pack_frame(&header, &ipc::write(&rows.schema(), &[rows.clone(), rows]).unwrap()).unwrap());
    }
    seeds
}

fn told(refusal: &Refusal) {
    assert!(!refusal.code.is_empty() && !refusal.message.is_empty() && refusal.message.len() < 1_000, "{refusal:?}");
}

/// A store that is opened again every so many batches.
struct Shelf {
    disk: MemoryDisk,
    city: Arc<City>,
    store: Option<Store>,
    runtime: tokio::runtime::Runtime,
    batches: u32,
}

impl Shelf {
    fn new() -> Shelf {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let city = Arc::new(City::load("ningbo").unwrap());
        Shelf { disk: MemoryDisk::new(), city, store: None, runtime, batches: 0 }
    }

    fn open(&self) -> Store {
        let mut options =
            StoreOptions::new(self.city.clone(), Clock::manual(NOON_US)).disk(Arc::new(self.disk.clone()));
        options.commit_every_us = 0;
        Store::open(options).unwrap()
    }

    fn land(&mut self, stream: Stream, good: rows::Good) {
        if self.store.is_none() {
            self.store = Some(self.open());
        }
        let Some(store) = &self.store else { return };
        let rows = good.batch.num_rows() as u64;
        let landed = self.runtime.block_on(store.append(stream, good.batch, None)).unwrap();
        let counted =
            landed.rows + landed.duplicates + landed.quarantined + landed.waiting + landed.errors.len() as u64;
        assert!(counted >= rows, "{landed:?} of {rows}");
        self.batches += 1;
        if self.batches.is_multiple_of(500) {
            let next_seq = store.snapshot().next_seq;
            if self.batches.is_multiple_of(1_000) {
                self.runtime.block_on(store.flush()).unwrap();
            }
            self.store = None;
            assert_eq!(self.open().snapshot().next_seq, next_seq);
            if self.batches.is_multiple_of(10_000) {
                self.disk = MemoryDisk::new();
            }
        }
    }
}

/// One message all the way in.
fn take(shelf: &mut Shelf, incoming: Result<Incoming, Refusal>) {
    match incoming {
        Ok(Incoming::Ingest(ingest)) => {
            // Small ones are read at once.
            let good = rows::read(ingest.stream, ingest.rows, 0).now_or_never().unwrap();
            match good {
                Ok(good) => {
                    assert_eq!(good.batch.schema(), ingest.stream.source_schema());
                    assert_eq!(good.batch.num_rows() + good.errors.len(), good.sent);
                    shelf.land(ingest.stream, good);
                }
                Err(refusal) => told(&refusal),
            }
        }
        Ok(_) => {}
        Err(refusal) => told(&refusal),
    }
}

#[test]
fn fuzz_text_messages() {
    let (seeds, shelf) = (texts(), std::sync::Mutex::new(Shelf::new()));
    bolero::check!().with_iterations(12_000).with_max_len(96).for_each(|bytes: &[u8]| {
        let text = Choices::new(bytes).damaged_text(&seeds, WORDS);
        take(&mut shelf.lock().unwrap(), text_frame(&text));
    });
}

#[test]
fn fuzz_binary_messages() {
    let (seeds, shelf) = (frames(), std::sync::Mutex::new(Shelf::new()));
    bolero::check!().with_iterations(12_000).with_max_len(96).for_each(|bytes: &[u8]| {
        let frame = Choices::new(bytes).damaged(&seeds, WORDS);
        take(&mut shelf.lock().unwrap(), binary_frame(&Bytes::from(frame)));
    });
}
