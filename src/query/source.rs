//! What there is to ask: one immutable picture of the rows, in pieces.
//!
//! [`View`] is the query room's own idea of a store snapshot, so that live views, ad-hoc SQL, the oracle and the
//! benches ask the same thing. A [`Piece`] never changes once it exists; rows that are still arriving stand in `hot`.
//! Building a view copies only reference counts. It does not fail.

use std::collections::BTreeMap;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{Array, Int64Array, RecordBatch, TimestampMicrosecondArray};

use crate::model::Stream;
use crate::store::{Moment, Segment, Snapshot};

/// Where the rows of a piece are.
#[derive(Clone, Debug)]
pub enum PieceRows {
    /// A sealed segment of the store: a Parquet file, perhaps with its rows in memory too.
    Segment(Arc<Segment>),
    Memory(Arc<[RecordBatch]>),
}

impl PieceRows {
    /// A number of these rows that is the same after a restart; `None` for rows that are only in memory.
    pub fn lasting_id(&self) -> Option<u64> {
        let PieceRows::Segment(segment) = self else { return None };
        let info = &segment.info;
        let mut hasher = std::hash::DefaultHasher::new();
        (segment.stream, info.id, info.crc, info.rows, info.min_seq, info.max_seq).hash(&mut hasher);
        Some(hasher.finish())
    }
}

impl PieceRows {
    /// Ids of the pieces that it was joined from; empty when it was not, or when that is not known.
    pub fn made_of(&self) -> &[u64] {
        match self {
            PieceRows::Segment(segment) => &segment.made_of,
            PieceRows::Memory(_) => &[],
        }
    }

    /// All rows, from memory where they are there.
    ///
    /// # Errors
    /// A sentence: the segment's file can't be read.
    pub fn batches(&self) -> Result<Arc<[RecordBatch]>, String> {
        match self {
            PieceRows::Segment(segment) => segment.batches().map_err(|error| error.to_string()),
            PieceRows::Memory(batches) => Ok(batches.clone()),
        }
    }
}

impl PieceRows {
    /// Some columns of all rows (indexes into the stream's schema, ascending), read alone where they are not in memory.
    ///
    /// # Errors
    /// A sentence: the segment's file can't be read.
    pub fn columns(&self, columns: &[usize]) -> Result<Vec<RecordBatch>, String> {
        let project = |batches: &[RecordBatch]| {
            batches.iter().map(|batch| batch.project(columns).map_err(|error| error.to_string())).collect()
        };
        match self {
            PieceRows::Memory(batches) => project(batches),
            PieceRows::Segment(segment) => match segment.cached() {
                Some(batches) => project(&batches),
                // Without a column there is nothing to read but the number of rows, which only whole batches tell.
                None if columns.is_empty() => project(&segment.batches().map_err(|error| error.to_string())?),
                None => segment.read(Some(columns)).map_err(|error| error.to_string()),
            },
        }
    }
}

/// Where the current-state tables come from. The store builds each when it is first asked for.
#[derive(Clone)]
pub enum States {
    Held(BTreeMap<String, RecordBatch>),
    Store(Arc<Snapshot>),
}

impl Default for States {
    fn default() -> States {
        States::Held(BTreeMap::new())
    }
}

impl fmt::Debug for States {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            States::Held(_) => "States::Held",
            States::Store(_) => "States::Store",
        })
    }
}

/// An immutable set of rows of one stream (schema [`Stream::schema`]).
#[derive(Clone, Debug)]
pub struct Piece {
    /// Unique and never used again for other rows.
    pub id: u64,
    pub rows: usize,
    /// Event times, µs: the earliest and the latest.
    pub ts_min: i64,
    pub ts_max: i64,
    /// Sequence numbers: the lowest and the highest.
    pub seq_min: i64,
    pub seq_max: i64,
    /// Some row is simulated.
    pub demo: bool,
    pub source: PieceRows,
}

/// The rows of one stream: sealed pieces, then what has not been sealed yet.
#[derive(Clone, Debug, Default)]
pub struct StreamRows {
    pub pieces: Vec<Arc<Piece>>,
    /// Newest rows in order of landing; only ever longer, until a prefix of it becomes a piece.
    pub hot: Vec<RecordBatch>,
}

impl StreamRows {
    pub fn row_count(&self) -> usize {
        self.pieces.iter().map(|piece| piece.rows).sum::<usize>()
            + self.hot.iter().map(RecordBatch::num_rows).sum::<usize>()
    }
}

impl StreamRows {
    /// Simulated rows are among those with `ts` up to `at` (all, without it). Only whole pieces are looked at.
    pub fn has_demo(&self, at: Option<i64>) -> bool {
        let seen = |low: i64| at.is_none_or(|at| low <= at);
        self.pieces.iter().any(|piece| piece.demo && seen(piece.ts_min))
            || self
                .hot
                .iter()
                .rev()
                .any(|batch| has_demo(batch) && range_of(batch, "ts").is_some_and(|(low, _)| seen(low)))
    }
}

/// All that can be asked at one version.
#[derive(Clone, Debug, Default)]
pub struct View {
    pub version: u64,
    /// Time of the latest event, µs.
    pub data_until: Option<i64>,
    /// Simulated rows are among them.
    pub demo: bool,
    /// Rows that were played back are.
    pub replay: bool,
    streams: [StreamRows; 6],
    pub states: States,
}

impl View {
    pub fn new(version: u64, data_until: Option<i64>, demo: bool) -> View {
        View { version, data_until, demo, ..View::default() }
    }

    pub fn stream(&self, stream: Stream) -> &StreamRows {
        &self.streams[stream as usize]
    }

    /// A current-state table; `None` when there is no such table.
    pub fn state(&self, name: &str) -> Option<RecordBatch> {
        match &self.states {
            States::Held(tables) => {
                tables.get(name).cloned().or_else(|| super::past::state_schema(name).map(RecordBatch::new_empty))
            }
            States::Store(snapshot) => snapshot.state_table(name),
        }
    }

    /// Some columns of a current-state table, by their places in it.
    pub fn state_columns(&self, name: &str, columns: &[usize]) -> Option<RecordBatch> {
        match &self.states {
            States::Held(_) => self.state(name)?.project(columns).ok(),
            States::Store(snapshot) => snapshot.state_columns(name, columns),
        }
    }

    /// A current-state table row by row; `None` where it can't be read so.
    pub fn state_moment(&self, name: &str) -> Option<Moment> {
        match &self.states {
            States::Held(_) => None,
            States::Store(snapshot) => snapshot.state_moment(name),
        }
    }

    /// The slots of a current-state table of which the rows are others than at an earlier moment, ascending; `None` where
    /// that is not known.
    pub fn state_changes(&self, since: &Moment) -> Option<Arc<[u32]>> {
        match &self.states {
            States::Held(_) => None,
            States::Store(snapshot) => Some(snapshot.state_changes(since)),
        }
    }

    pub fn stream_mut(&mut self, stream: Stream) -> &mut StreamRows {
        &mut self.streams[stream as usize]
    }
}

/// The earliest and latest value of a batch's time column (µs) or integer column; `None` when it has no rows.
pub fn range_of(batch: &RecordBatch, column: &str) -> Option<(i64, i64)> {
    let array = batch.column_by_name(column)?;
    let range = |values: &[i64]| {
        let low = values.iter().copied().min()?;
        let high = values.iter().copied().max()?;
        Some((low, high))
    };
    if let Some(times) = array.as_any().downcast_ref::<TimestampMicrosecondArray>() {
        return range(times.values());
    }
    array.as_any().downcast_ref::<Int64Array>().and_then(|numbers| range(numbers.values()))
}

/// Whether some row of a batch is simulated.
pub fn has_demo(batch: &RecordBatch) -> bool {
    batch
        .column_by_name("demo")
        .and_then(|column| column.as_any().downcast_ref::<arrow::array::BooleanArray>())
        .is_some_and(|demo| demo.true_count() > 0)
}
