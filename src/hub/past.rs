//! Rows that landed before, by the order in which they landed, for `follow`.
//!
//! Nothing here reads a long history to send a short tail: segments are chosen by their sequence numbers, and a
//! reader that is too far behind is told so before anything is read.

use std::cmp::Reverse;
use std::sync::Arc;

use arrow::array::{AsArray, BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::datatypes::TimestampMicrosecondType;

use super::limits::FOLLOW_ROWS_MAX;
use crate::model::Stream;
use crate::store::{Segment, Snapshot};

/// Sealed rows that may be read to find the few that are wanted among them.
const READ_ROWS_MAX: u64 = 4 * FOLLOW_ROWS_MAX as u64;

/// The `seq` of the newest row, of any stream; 0 in an empty store.
pub fn newest(snapshot: &Snapshot) -> i64 {
    snapshot.next_seq - 1
}

/// Whether every row of the stream after `seq` is still in memory.
pub fn is_hot_after(snapshot: &Snapshot, stream: Stream, seq: i64) -> bool {
    snapshot.segments(stream).iter().all(|segment| segment.seq_range().1 <= seq)
}

/// The rows after `seq`, or `None` when they are too many to send or to look through.
pub fn after(snapshot: &Snapshot, stream: Stream, seq: i64) -> Option<Vec<RecordBatch>> {
    let sealed = snapshot.segments(stream).iter().filter(|segment| segment.seq_range().1 > seq);
    if sealed.map(|segment| segment.rows()).sum::<u64>() > READ_ROWS_MAX {
        return None;
    }
    let rows = snapshot.rows_since(stream, seq);
    (count(&rows) <= FOLLOW_ROWS_MAX).then_some(rows)
}

/// The last rows that landed, read segment by segment: a long tail is never in memory as a whole.
pub struct Tail {
    snapshot: Arc<Snapshot>,
    stream: Stream,
    /// Segments yet to be read, the last first; those whose sequence numbers overlap stand together.
    groups: Vec<Vec<Arc<Segment>>>,
    /// The hot rows are yet to come.
    hot: bool,
    /// Rows to be left out at its start.
    surplus: u64,
    since_us: Option<i64>,
}

impl Tail {
    /// The last `wanted` rows, without those older than `since_us`. Nothing is read yet.
    pub fn new(snapshot: Arc<Snapshot>, stream: Stream, wanted: usize, since_us: Option<i64>) -> Tail {
        let wanted = wanted as u64;
        let mut found: u64 = snapshot.hot(stream).iter().map(|batch| batch.num_rows() as u64).sum();
        let young = |segment: &&Arc<Segment>| since_us.is_none_or(|since_us| segment.info.max_ts >= since_us);
        let mut segments: Vec<_> = snapshot.segments(stream).iter().filter(young).cloned().collect();
        segments.sort_by_key(|segment| Reverse(segment.seq_range().1));
        let mut groups: Vec<Vec<Arc<Segment>>> = Vec::new();
        // The least `seq` of the last group.
        let mut from = i64::MAX;
        for segment in segments {
            let (first, last) = segment.seq_range();
            let overlaps = last >= from;
            if found >= wanted && !overlaps {
                break;
            }
            found += segment.rows();
            from = if overlaps { from.min(first) } else { first };
            match groups.last_mut() {
                Some(group) if overlaps => group.push(segment),
                _ => groups.push(vec![segment]),
            }
        }
        Tail { snapshot, stream, groups, hot: true, surplus: found.saturating_sub(wanted), since_us }
    }

    /// The next piece, ascending by `seq` and never empty; `None` after the last. Reads a segment, so not for a thread
    /// that serves others.
    pub fn next(&mut self) -> Option<Vec<RecordBatch>> {
        loop {
            let mut rows = match self.groups.pop() {
                Some(group) => self.snapshot.sealed_rows(self.stream, &group, i64::MIN),
                None if std::mem::take(&mut self.hot) => self.snapshot.hot(self.stream).to_vec(),
                None => return None,
            };
            rows = rows.into_iter().filter_map(|batch| self.past_surplus(batch)).collect();
            if let Some(since_us) = self.since_us {
                rows = rows.iter().map(|batch| not_before(batch, since_us)).collect();
            }
            if count(&rows) > 0 {
                return Some(rows);
            }
        }
    }

    fn past_surplus(&mut self, batch: RecordBatch) -> Option<RecordBatch> {
        let rows = batch.num_rows();
        let cut = self.surplus.min(rows as u64) as usize;
        self.surplus -= cut as u64;
        (cut < rows).then(|| batch.slice(cut, rows - cut))
    }
}

fn not_before(batch: &RecordBatch, since_us: i64) -> RecordBatch {
    let times = batch.column_by_name("ts").and_then(|ts| ts.as_primitive_opt::<TimestampMicrosecondType>());
    let Some(times) = times else { return batch.clone() };
    let keep: BooleanArray = times.iter().map(|us| Some(us.is_some_and(|us| us >= since_us))).collect();
    filter_record_batch(batch, &keep).unwrap_or_else(|_| batch.clone())
}

pub fn count(batches: &[RecordBatch]) -> usize {
    batches.iter().map(RecordBatch::num_rows).sum()
}
