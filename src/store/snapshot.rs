//! What the store holds at one moment, for readers: immutable, shared, never waited for.

use std::sync::Arc;

use arrow::array::{BooleanArray, RecordBatch, UInt32Array};
use arrow::compute::{filter_record_batch, take_record_batch};

use crate::model::Stream;
use crate::model::event::REPLAY_MARK;

use super::columns::{ints, join};
use super::segment::Segment;
use super::tables::{Moment, Tables};

/// The rows of one stream.
#[derive(Clone, Debug)]
pub(super) struct StreamRows {
    pub segments: Arc<[Arc<Segment>]>,
    pub hot: Arc<[RecordBatch]>,
}

impl Default for StreamRows {
    fn default() -> Self {
        StreamRows { segments: Arc::from(Vec::new()), hot: Arc::from(Vec::new()) }
    }
}

/// The store at one moment.
#[derive(Debug, Default)]
pub struct Snapshot {
    /// Grows whenever rows became visible or moved.
    pub version: u64,
    /// Latest event time, µs; `None` in an empty store.
    pub data_until: Option<i64>,
    /// Latest time of receiving, µs.
    pub recv_until: Option<i64>,
    /// Simulated rows are in the store.
    pub demo: bool,
    /// The `seq` the next row will have.
    pub next_seq: i64,
    pub(super) streams: [StreamRows; Stream::ALL.len()],
    pub(super) tables: Tables,
}

impl Snapshot {
    /// Sealed rows.
    pub fn segments(&self, stream: Stream) -> &[Arc<Segment>] {
        &self.streams[stream as usize].segments
    }

    /// The newest rows, not yet sealed, with [`Stream::schema`], ascending by `seq`.
    pub fn hot(&self, stream: Stream) -> &[RecordBatch] {
        &self.streams[stream as usize].hot
    }

    /// Landed rows with a greater `seq`, ascending by `seq`. A segment that cannot be read is left out and logged.
    pub fn rows_since(&self, stream: Stream, seq: i64) -> Vec<RecordBatch> {
        let mut rows = self.sealed_rows(stream, self.segments(stream), seq);
        rows.extend(self.hot(stream).iter().filter_map(|batch| newer(batch, seq)));
        rows
    }

    /// The rows of some segments of a stream with a greater `seq`, ascending by `seq`. A segment that cannot be read is
    /// left out and logged.
    pub fn sealed_rows(&self, stream: Stream, segments: &[Arc<Segment>], seq: i64) -> Vec<RecordBatch> {
        let mut sealed = Vec::new();
        for segment in segments.iter().filter(|segment| segment.info.max_seq > seq) {
            match segment.batches() {
                Ok(batches) => sealed.extend(batches.iter().filter_map(|batch| newer(batch, seq))),
                Err(error) => tracing::error!(%error, "rows are left out of a follow"),
            }
        }
        if sealed.is_empty() {
            return Vec::new();
        }
        join(&stream.schema(), &sealed).ok().and_then(|rows| by_seq(&rows)).into_iter().collect()
    }

    /// A state table as of this moment: `open_tickets`, `waiting`, `seat_state`, `devices`, `feeds`, `quarantine`.
    pub fn state_table(&self, name: &str) -> Option<RecordBatch> {
        self.tables.table(name, None)
    }

    /// Some columns of a state table, by their places in it; the others need not be built.
    pub fn state_columns(&self, name: &str, columns: &[usize]) -> Option<RecordBatch> {
        self.tables.table(name, Some(columns))
    }

    /// A state table as of this moment, to be read row by row; `None` when there is none of this name, or when it has more
    /// rows than [`TABLE_ROWS_MAX`](super::TABLE_ROWS_MAX).
    pub fn state_moment(&self, name: &str) -> Option<Moment> {
        self.tables.moment(name)
    }

    /// The slots of a state table of which the rows are others than at an earlier moment, ascending.
    pub fn state_changes(&self, since: &Moment) -> Arc<[u32]> {
        self.tables.changed(since)
    }

    /// Rows that were played back are in the store: some source says so.
    pub fn replay(&self) -> bool {
        self.tables.feeds.iter().any(|feed| feed.src.contains(REPLAY_MARK))
    }

    /// Rows of a stream, sealed and hot.
    pub fn rows(&self, stream: Stream) -> u64 {
        let sealed: u64 = self.segments(stream).iter().map(|segment| segment.rows()).sum();
        sealed + self.hot(stream).iter().map(|batch| batch.num_rows() as u64).sum::<u64>()
    }
}

fn newer(batch: &RecordBatch, seq: i64) -> Option<RecordBatch> {
    let numbers = ints(batch, "seq").ok()?;
    let count = numbers.values().iter().filter(|number| **number > seq).count();
    if count == 0 {
        return None;
    }
    if count == numbers.len() {
        return Some(batch.clone());
    }
    let wanted: BooleanArray = numbers.values().iter().map(|number| Some(*number > seq)).collect();
    filter_record_batch(batch, &wanted).ok()
}

pub(super) fn by_seq(batch: &RecordBatch) -> Option<RecordBatch> {
    let numbers = ints(batch, "seq").ok()?.values();
    let mut order: Vec<u32> = (0..numbers.len() as u32).collect();
    order.sort_by_key(|row| numbers[*row as usize]);
    take_record_batch(batch, &UInt32Array::from(order)).ok()
}
