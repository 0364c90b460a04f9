//! How events are kept: landing, log, hot rows, segments, recovery.
//!
//! An append is landed ([`landing`]), written to the log and synced ([`log`]), then shown ([`Snapshot`]) and
//! acknowledged, by one thread. Full hot rows become Parquet segments ([`segment`]) on another. It is not the query
//! engine: it gives batches, segments and state tables, and knows no SQL.
//!
//! It fails loudly and in one place: a row by its [`RowError`](crate::model::RowError), a disk by [`Status`] going
//! read-only while readers go on, a damaged folder by not opening.

mod checkpoint;
pub(crate) mod columns;
mod compact;
mod core;
#[cfg(test)]
mod damage;
mod disk;
mod error;
#[cfg(test)]
mod files;
mod landing;
mod log;
mod mark;
mod open;
#[cfg(test)]
mod proof;
mod seal;
mod segment;
mod slab;
mod snapshot;
#[cfg(test)]
mod speed;
mod status;
mod tables;
mod threads;
mod verify;

use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{Array, RecordBatch};
use tokio::sync::{oneshot, watch};

use crate::model::{City, Clock, Stream};

pub use self::disk::{Crash, Disk, DiskFile, FileDisk, MemoryDisk};
pub use self::error::StoreError;
pub use self::landing::Landed;
pub use self::mark::{CITY_VARIABLE, CityMark, CityRule, city_for, city_of_folder};
pub use self::segment::{Segment, SegmentInfo};
pub use self::snapshot::Snapshot;
pub use self::status::Status;
pub use self::tables::{Moment, NAMES as STATE_TABLES, TABLE_ROWS_MAX, state_table_schema};
pub use self::verify::{VerifyReport, verify};

use self::landing::Part;
use self::threads::{Job, Writer};

/// One replay: rows of history whose order may be any until it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ReplayId(u64);

/// How a store is opened. [`StoreOptions::new`] gives sensible values for all of it.
#[derive(Clone)]
pub struct StoreOptions {
    /// The data folder; `None`: in memory, gone with the store.
    pub dir: Option<PathBuf>,
    pub city: Arc<City>,
    /// What is done about a folder of another city.
    pub city_rule: CityRule,
    pub clock: Clock,
    /// How long a live row waits for its ticket, s.
    pub waiting_s: i64,
    /// Finished tickets leave memory this long after their last event, s.
    pub forget_after_s: i64,
    /// Rows of a stream at which hot rows are sealed.
    pub seal_rows: usize,
    /// Hot rows are sealed when the oldest is this old, s.
    pub seal_after_s: i64,
    /// Rows older than this leave the store, days; `None`: all are kept.
    pub keep_days: Option<u32>,
    /// Rows after which a checkpoint is taken with the next sealing; only what it covers is joined or dropped.
    pub checkpoint_rows: i64,
    /// So many small segments of a month side by side become one.
    pub join_segments: usize,
    /// Sealed rows kept in memory, bytes.
    pub cache_bytes: usize,
    /// Rows on their way to the log, bytes.
    pub queue_bytes: usize,
    /// At least this long between two commits, µs: what comes meanwhile shares one sync.
    pub commit_every_us: u64,
    /// Another disk than the machine's, for tests.
    pub disk: Option<Arc<dyn Disk>>,
}

impl StoreOptions {
    pub fn new(city: Arc<City>, clock: Clock) -> StoreOptions {
        StoreOptions {
            dir: None,
            city,
            city_rule: CityRule::Keep,
            clock,
            waiting_s: 60,
            forget_after_s: 7 * 86_400,
            seal_rows: 64 * 1024,
            seal_after_s: 3600,
            keep_days: None,
            checkpoint_rows: 256 * 1024,
            join_segments: compact::SMALL_COUNT,
            cache_bytes: 48 << 20,
            queue_bytes: 32 << 20,
            commit_every_us: 2000,
            disk: None,
        }
    }

    #[must_use]
    pub fn dir(mut self, dir: impl Into<PathBuf>) -> StoreOptions {
        self.dir = Some(dir.into());
        self
    }

    #[must_use]
    pub fn waiting_s(mut self, seconds: i64) -> StoreOptions {
        self.waiting_s = seconds;
        self
    }

    #[must_use]
    pub fn cache_bytes(mut self, bytes: usize) -> StoreOptions {
        self.cache_bytes = bytes;
        self
    }

    #[must_use]
    pub fn seal_rows(mut self, rows: usize) -> StoreOptions {
        self.seal_rows = rows;
        self
    }

    #[must_use]
    pub fn disk(mut self, disk: Arc<dyn Disk>) -> StoreOptions {
        self.disk = Some(disk);
        self
    }
}

/// The store. Clones share it; the last one dropped stops it, with everything acknowledged on disk.
#[derive(Clone)]
pub struct Store {
    writer: Arc<Writer>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Store").field("version", &self.snapshot().version).finish_non_exhaustive()
    }
}

impl Store {
    /// Opens a data folder, or makes one; recovery included.
    ///
    /// # Errors
    /// Another process has it, the disk fails, or something in it is damaged.
    pub fn open(options: StoreOptions) -> Result<Store, StoreError> {
        Ok(Store { writer: Arc::new(Writer::start(options)?) })
    }

    /// Lands rows with [`Stream::source_schema`]; resolves when they are in the synced log and readers see them.
    ///
    /// Rows are taken or told one by one: what is wrong with a row is in [`Landed::errors`].
    ///
    /// # Errors
    /// The columns are wrong, or the store takes no rows.
    pub async fn append(
        &self,
        stream: Stream,
        batch: RecordBatch,
        replay: Option<ReplayId>,
    ) -> Result<Landed, StoreError> {
        let batch = with_source_schema(stream, batch)?;
        if batch.num_rows() == 0 {
            return Ok(Landed::default());
        }
        let bytes = columns::memory_bytes(&batch);
        let (reply, answer) = oneshot::channel();
        self.writer.send(bytes, |room| Job::Append { stream, part: Part { batch, replay }, reply, room }).await?;
        answer.await.map_err(|_| StoreError::Stopped)?
    }

    /// A new replay, for rows of history.
    pub fn new_replay(&self) -> ReplayId {
        self.writer.new_replay()
    }

    /// Ends a replay: its rows that still wait for their ticket go to quarantine.
    ///
    /// # Errors
    /// The store takes no rows.
    pub async fn end_replay(&self, replay: ReplayId) -> Result<Landed, StoreError> {
        let (reply, answer) = oneshot::channel();
        self.writer.send(0, |room| Job::EndReplay { replay, reply, room }).await?;
        answer.await.map_err(|_| StoreError::Stopped)?
    }

    /// What there is now: cheap, never waits.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.writer.shared.snapshot.load_full()
    }

    /// The version of the newest snapshot, to wait on.
    pub fn landed(&self) -> watch::Receiver<u64> {
        self.writer.shared.landed.subscribe()
    }

    pub fn status(&self) -> Status {
        let mut status = self.writer.shared.status.lock().clone();
        status.cache_bytes = self.writer.cache.bytes() as u64;
        status
    }

    /// A file that another room keeps beside the segments, by its path under the data folder; `None` when there is none
    /// or it does not read. What is in it can be worked out again.
    pub fn read_beside(&self, file: &str) -> Option<Vec<u8>> {
        let path = self.writer.dir.join(file);
        self.writer.disk.exists(&path).then(|| self.writer.disk.read(&path).ok()).flatten()
    }

    /// Puts such a file in place, whole and durable.
    ///
    /// # Errors
    /// The disk.
    pub fn write_beside(&self, file: &str, bytes: &[u8]) -> Result<(), StoreError> {
        let path = self.writer.dir.join(file);
        let folder = path.parent().unwrap_or(&self.writer.dir);
        self.writer.disk.create_dir_all(folder).map_err(|error| StoreError::io("cannot create", folder, &error))?;
        disk::replace(&*self.writer.disk, &path, bytes).map_err(|error| StoreError::io("cannot write", &path, &error))
    }

    /// Seals the hot rows now and waits for it.
    ///
    /// # Errors
    /// The store has stopped.
    pub async fn flush(&self) -> Result<(), StoreError> {
        let (reply, answer) = oneshot::channel();
        self.writer.send(0, |room| Job::Flush { reply, room }).await?;
        answer.await.map_err(|_| StoreError::Stopped)
    }
}

/// The batch with exactly the stream's source columns, in their order; a column left out is null.
fn with_source_schema(stream: Stream, batch: RecordBatch) -> Result<RecordBatch, StoreError> {
    let schema = stream.source_schema();
    if batch.schema_ref() == &schema {
        return Ok(batch);
    }
    let fail = |message: String| StoreError::Schema { stream: stream.name(), message };
    if let Some(field) = batch.schema_ref().fields().iter().find(|field| schema.index_of(field.name()).is_err()) {
        return Err(fail(format!("{} is no column a source may send", field.name())));
    }
    let columns = stream
        .source_columns()
        .map(|column| match batch.column_by_name(column.name) {
            Some(array) if array.data_type() == &column.column_type.arrow() => Ok(array.clone()),
            Some(array) => arrow::compute::cast(array, &column.column_type.arrow()).map_err(|_| {
                fail(format!("{} is {}, not {}", column.name, array.data_type(), column.column_type.word()))
            }),
            None if column.required => Err(fail(format!("{} is missing", column.name))),
            None => Ok(columns::null_array(column.column_type, batch.num_rows())),
        })
        .collect::<Result<Vec<_>, _>>()?;
    // A required column with nulls in it: rows are looked at one by one later.
    if columns.iter().zip(schema.fields()).any(|(column, field)| !field.is_nullable() && column.null_count() > 0) {
        let loose: Vec<_> = schema.fields().iter().map(|field| field.as_ref().clone().with_nullable(true)).collect();
        return Ok(RecordBatch::try_new(Arc::new(arrow::datatypes::Schema::new(loose)), columns)?);
    }
    Ok(RecordBatch::try_new(schema, columns)?)
}
