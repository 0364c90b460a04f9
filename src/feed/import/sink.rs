//! Collects events as Arrow columns and gives them back sorted by time.
//!
//! Events of the same instant come in the order of the ticket machine, then in the order they were read. Up to
//! [`RUN_ROWS`] events are sorted in memory; more are sorted run by run into a temporary file that nobody else can
//! see, and merged, so that a file of any length takes the same memory.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::fs::File;
use std::io::{BufReader, BufWriter, Seek, SeekFrom};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::interleave_record_batch;
use arrow::datatypes::{DataType, TimestampMicrosecondType};
use arrow::error::ArrowError;
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::StreamWriter;

use crate::feed::FeedError;
use crate::model::column_builder::{ColumnBuilder, Scalar};
use crate::model::machine::kind_order;
use crate::model::stream::Stream;

/// Events sorted in memory at once; about a quarter of a gigabyte.
pub const RUN_ROWS: usize = 500_000;
/// Rows of a batch while events are collected, and of a batch that is given back.
const BATCH_ROWS: usize = 8192;

/// A value on its way into a column.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell<'a> {
    Null,
    Text(Cow<'a, str>),
    Int(i64),
    Float(f64),
    Bool(bool),
    /// µs since 1970 UTC.
    Time(i64),
}

impl Cell<'_> {
    fn scalar(&self) -> Scalar<'_> {
        match self {
            Cell::Null => Scalar::Null,
            Cell::Text(text) => Scalar::Text(text),
            Cell::Int(number) => Scalar::Int(*number),
            Cell::Float(number) => Scalar::Float(*number),
            Cell::Bool(truth) => Scalar::Bool(*truth),
            Cell::Time(us) => Scalar::Time(*us),
        }
    }
}

/// Takes events in any order.
pub struct Sink {
    stream: Stream,
    builders: Vec<ColumnBuilder>,
    rows: usize,
    run: Vec<RecordBatch>,
    run_rows: usize,
    run_rows_max: usize,
    spilled: Vec<File>,
}

fn failed(error: ArrowError) -> FeedError {
    FeedError::Encode(error.to_string())
}

fn spill_failed(error: impl std::fmt::Display) -> FeedError {
    let path = std::env::temp_dir().display().to_string();
    FeedError::File {
        path,
        message: format!("events cannot be sorted there: {error}; set TMPDIR to a folder with room"),
    }
}

impl Sink {
    pub fn new(stream: Stream) -> Sink {
        Sink::with_run_rows(stream, RUN_ROWS)
    }

    /// [`Sink::new`] with the length of a run chosen.
    pub fn with_run_rows(stream: Stream, run_rows_max: usize) -> Sink {
        let builders = stream.source_columns().map(|column| ColumnBuilder::new(column.column_type)).collect();
        Sink { stream, builders, rows: 0, run: vec![], run_rows: 0, run_rows_max: run_rows_max.max(1), spilled: vec![] }
    }

    /// Adds one event: a cell for each of [`Stream::source_columns`].
    ///
    /// # Errors
    /// A full run cannot be put aside.
    pub fn push(&mut self, cells: &[Cell<'_>]) -> Result<(), FeedError> {
        for (builder, cell) in self.builders.iter_mut().zip(cells) {
            builder.append(cell.scalar());
        }
        self.rows += 1;
        if self.rows == BATCH_ROWS {
            self.finish_batch()?;
            if self.run_rows >= self.run_rows_max {
                self.spill()?;
            }
        }
        Ok(())
    }

    fn finish_batch(&mut self) -> Result<(), FeedError> {
        if self.rows > 0 {
            let columns = self.builders.iter_mut().map(ColumnBuilder::finish).collect();
            self.run.push(RecordBatch::try_new(self.stream.source_schema(), columns).map_err(failed)?);
            self.run_rows += self.rows;
            self.rows = 0;
        }
        Ok(())
    }

    fn spill(&mut self) -> Result<(), FeedError> {
        let file = temporary_file().map_err(spill_failed)?;
        let mut writer =
            StreamWriter::try_new(BufWriter::new(file), &self.stream.source_schema()).map_err(spill_failed)?;
        let mut sorted = SortedRun::new(std::mem::take(&mut self.run));
        self.run_rows = 0;
        while let Some(batch) = sorted.next_batch()? {
            writer.write(&batch).map_err(spill_failed)?;
        }
        writer.finish().map_err(spill_failed)?;
        let writer = writer.into_inner().map_err(spill_failed)?;
        let mut file = writer.into_inner().map_err(spill_failed)?;
        file.seek(SeekFrom::Start(0)).map_err(spill_failed)?;
        self.spilled.push(file);
        Ok(())
    }

    /// The events, sorted.
    ///
    /// # Errors
    /// What was put aside cannot be read back.
    pub fn finish(mut self) -> Result<Sorted, FeedError> {
        self.finish_batch()?;
        if self.spilled.is_empty() {
            return Ok(Sorted::Memory(SortedRun::new(self.run)));
        }
        if self.run_rows > 0 {
            self.spill()?;
        }
        let mut runs = vec![];
        for file in self.spilled {
            runs.push(StreamReader::try_new(BufReader::new(file), None).map_err(spill_failed)?);
        }
        Merge::new(runs).map(Sorted::Merged)
    }
}

/// A file without a name: it goes when the process does.
fn temporary_file() -> std::io::Result<File> {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    loop {
        let number = COUNTER.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("lingping-{}-{number}.run", std::process::id()));
        let mut options = File::options();
        options.read(true).write(true).create_new(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt;
            options.mode(0o600);
        }
        match options.open(&path) {
            Ok(file) => {
                std::fs::remove_file(&path)?;
                return Ok(file);
            }
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
}

/// Sorted events, batch by batch.
pub enum Sorted {
    Memory(SortedRun),
    Merged(Merge),
}

impl Sorted {
    /// The next batch of at most 8,192 rows; `None` at the end.
    ///
    /// # Errors
    /// What was put aside cannot be read back.
    pub fn next_batch(&mut self) -> Result<Option<RecordBatch>, FeedError> {
        match self {
            Sorted::Memory(run) => run.next_batch(),
            Sorted::Merged(merge) => merge.next_batch(),
        }
    }
}

type Key = (i64, u8);

/// Time and machine order of every row.
fn keys(batch: &RecordBatch) -> Vec<Key> {
    let times = batch.column(0).as_primitive::<TimestampMicrosecondType>();
    let kinds = batch.column(1).as_string_view();
    (0..batch.num_rows()).map(|row| (times.value(row), kind_order(kinds.value(row)))).collect()
}

pub struct SortedRun {
    batches: Vec<RecordBatch>,
    order: VecDeque<(usize, usize)>,
}

impl SortedRun {
    fn new(batches: Vec<RecordBatch>) -> SortedRun {
        let mut order: Vec<(Key, usize, usize)> = vec![];
        for (number, batch) in batches.iter().enumerate() {
            order.extend(keys(batch).into_iter().enumerate().map(|(row, key)| (key, number, row)));
        }
        order.sort_unstable();
        SortedRun { batches, order: order.into_iter().map(|(_, batch, row)| (batch, row)).collect() }
    }

    fn next_batch(&mut self) -> Result<Option<RecordBatch>, FeedError> {
        let count = BATCH_ROWS.min(self.order.len());
        if count == 0 {
            return Ok(None);
        }
        let indices: Vec<(usize, usize)> = self.order.drain(..count).collect();
        gather(&self.batches, &indices).map(Some)
    }
}

/// Rows of several batches as one, with text buffers of its own.
fn gather(batches: &[RecordBatch], indices: &[(usize, usize)]) -> Result<RecordBatch, FeedError> {
    let batch = interleave_record_batch(&batches.iter().collect::<Vec<_>>(), indices).map_err(failed)?;
    let columns = batch.columns().iter().map(|column| match column.data_type() {
        DataType::Utf8View => Arc::new(column.as_string_view().gc()) as ArrayRef,
        _ => Arc::clone(column),
    });
    RecordBatch::try_new(batch.schema(), columns.collect()).map_err(failed)
}

struct Cursor {
    reader: StreamReader<BufReader<File>>,
    /// Position of the current batch among those held.
    held: usize,
    keys: Vec<Key>,
    row: usize,
}

pub struct Merge {
    cursors: Vec<Cursor>,
    held: Vec<RecordBatch>,
    heap: BinaryHeap<Reverse<(Key, usize)>>,
}

impl Merge {
    fn new(runs: Vec<StreamReader<BufReader<File>>>) -> Result<Merge, FeedError> {
        let mut merge = Merge { cursors: vec![], held: vec![], heap: BinaryHeap::new() };
        for reader in runs {
            merge.cursors.push(Cursor { reader, held: 0, keys: vec![], row: 0 });
            merge.advance(merge.cursors.len() - 1)?;
        }
        Ok(merge)
    }

    /// Puts the cursor's current row into the heap, reading its next batch when it is at the end of one.
    fn advance(&mut self, number: usize) -> Result<(), FeedError> {
        let cursor = &mut self.cursors[number];
        while cursor.row == cursor.keys.len() {
            let Some(batch) = cursor.reader.next() else { return Ok(()) };
            let batch = batch.map_err(spill_failed)?;
            cursor.keys = keys(&batch);
            cursor.row = 0;
            cursor.held = self.held.len();
            self.held.push(batch);
        }
        self.heap.push(Reverse((cursor.keys[cursor.row], number)));
        Ok(())
    }

    fn next_batch(&mut self) -> Result<Option<RecordBatch>, FeedError> {
        let mut indices = Vec::with_capacity(BATCH_ROWS);
        while indices.len() < BATCH_ROWS {
            let Some(Reverse((_, number))) = self.heap.pop() else { break };
            let cursor = &mut self.cursors[number];
            indices.push((cursor.held, cursor.row));
            cursor.row += 1;
            self.advance(number)?;
        }
        if indices.is_empty() {
            return Ok(None);
        }
        let batch = gather(&self.held, &indices)?;
        // Keep the batch each cursor stands in; the others are used up.
        let held = std::mem::take(&mut self.held);
        for cursor in &mut self.cursors {
            if cursor.row < cursor.keys.len() {
                self.held.push(held[cursor.held].clone());
                cursor.held = self.held.len() - 1;
            }
        }
        Ok(Some(batch))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Times and ids of what a sink gives back for these (time, kind) events.
    fn through(run_rows: usize, events: &[(i64, &str)]) -> Vec<(i64, String, String)> {
        let mut sink = Sink::with_run_rows(Stream::Tickets, run_rows);
        let columns = Stream::Tickets.source_columns().count();
        for (number, (ts, kind)) in events.iter().enumerate() {
            let mut cells = vec![Cell::Null; columns];
            cells[0] = Cell::Time(*ts);
            cells[1] = Cell::Text((*kind).into());
            cells[2] = Cell::Text(format!("ticket number {number:08}").into());
            cells[3] = Cell::Text("s".into());
            cells[4] = Cell::Text(number.to_string().into());
            sink.push(&cells).unwrap();
        }
        let mut sorted = sink.finish().unwrap();
        let mut all = vec![];
        while let Some(batch) = sorted.next_batch().unwrap() {
            assert!(batch.num_rows() <= BATCH_ROWS);
            let times = batch.column(0).as_primitive::<TimestampMicrosecondType>();
            let (kinds, ids) = (batch.column(1).as_string_view(), batch.column(2).as_string_view());
            for row in 0..batch.num_rows() {
                all.push((times.value(row), kinds.value(row).to_owned(), ids.value(row).to_owned()));
            }
        }
        all
    }

    #[test]
    fn a_long_file_sorted_in_runs_comes_out_as_one_sorted_in_memory() {
        let kinds = ["finish", "open", "dispatch"];
        let events: Vec<(i64, &str)> =
            (0..50_000usize).map(|n| (((n * 7919) % 10_007) as i64, kinds[n % kinds.len()])).collect();
        let mut expected: Vec<(i64, u8, String, String)> = events
            .iter()
            .enumerate()
            .map(|(n, (ts, kind))| (*ts, kind_order(kind), format!("ticket number {n:08}"), (*kind).to_owned()))
            .collect();
        expected.sort();
        let expected: Vec<(i64, String, String)> =
            expected.into_iter().map(|(ts, _, id, kind)| (ts, kind, id)).collect();
        for run_rows in [RUN_ROWS, 10_000] {
            assert!(through(run_rows, &events) == expected, "{run_rows}");
        }
    }

    #[test]
    fn no_events_are_no_batches() {
        assert!(through(10, &[]).is_empty());
    }
}
