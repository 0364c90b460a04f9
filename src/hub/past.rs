//! Rows that landed before, by the order in which they landed, for `follow`.
//!
//! Nothing here reads a long history to send a short tail: segments are chosen by their sequence numbers, and a
//! reader that is too far behind is told so before anything is read.

use arrow::array::RecordBatch;

use super::limits::FOLLOW_ROWS_MAX;
use crate::model::Stream;
use crate::store::Snapshot;

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

/// The last `wanted` rows that landed.
pub fn tail(snapshot: &Snapshot, stream: Stream, wanted: usize) -> Vec<RecordBatch> {
    let mut found: u64 = snapshot.hot(stream).iter().map(|batch| batch.num_rows() as u64).sum();
    let mut segments: Vec<_> = snapshot.segments(stream).iter().collect();
    segments.sort_by_key(|segment| std::cmp::Reverse(segment.seq_range().1));
    // From which `seq` on enough rows are there. Segments may overlap, then it is a few more.
    let mut from = segments.first().map_or(0, |segment| segment.seq_range().1);
    for segment in segments {
        if found >= wanted as u64 && segment.seq_range().1 <= from {
            break;
        }
        found += segment.rows();
        from = from.min(segment.seq_range().0 - 1);
    }
    last(snapshot.rows_since(stream, from), wanted)
}

/// The last `wanted` of some rows.
fn last(rows: Vec<RecordBatch>, wanted: usize) -> Vec<RecordBatch> {
    let mut surplus = count(&rows).saturating_sub(wanted);
    rows.into_iter()
        .filter_map(|batch| {
            let cut = surplus.min(batch.num_rows());
            surplus -= cut;
            (cut < batch.num_rows()).then(|| batch.slice(cut, batch.num_rows() - cut))
        })
        .collect()
}

pub fn count(batches: &[RecordBatch]) -> usize {
    batches.iter().map(RecordBatch::num_rows).sum()
}
