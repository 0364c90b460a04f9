//! Sealed rows: immutable Parquet files, and the pieces of them kept in memory.
//!
//! A segment is one stream's rows of one month of the city's calendar, sorted by `ts`. It is not the hot rows, and it
//! never changes: compaction makes new ones. Reading fails only when the file is gone or damaged, and says which.

pub mod cache;
pub mod manifest;
pub mod parquet;

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use ::parquet::bloom_filter::Sbbf;
use arrow::array::RecordBatch;
use serde::{Deserialize, Serialize};

use self::cache::Cache;
use super::StoreError;
use super::columns::{ints, texts};
use super::disk::Disk;
use crate::model::Stream;

/// What the manifest says about a segment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SegmentInfo {
    pub id: u64,
    pub stream: String,
    /// Path under the data folder, with `/`.
    pub file: String,
    pub rows: u64,
    pub min_ts: i64,
    pub max_ts: i64,
    pub min_seq: i64,
    pub max_seq: i64,
    /// Simulated rows are among them.
    pub demo: bool,
    /// Rows that came long after their time.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub late: bool,
    pub bytes: u64,
    /// CRC-32C of the file.
    pub crc: u32,
    /// CRC-32C of each [`BLOCK_BYTES`] of the file, so that damage is told by its place; none in older manifests.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub blocks: Vec<u32>,
    /// The log files its rows come from, first and last.
    pub logs: (u64, u64),
}

/// Bytes of a file under one sum.
pub const BLOCK_BYTES: usize = 64 * 1024;

/// The sums of a file's blocks.
pub(super) fn block_sums(bytes: &[u8]) -> Vec<u32> {
    bytes.chunks(BLOCK_BYTES).map(crc32c::crc32c).collect()
}

impl SegmentInfo {
    /// Where these bytes are first not those that were written: the offset, and a sentence.
    pub(super) fn damage(&self, bytes: &[u8]) -> Option<(u64, String)> {
        if bytes.len() as u64 != self.bytes {
            let message = format!("it has {} bytes, {} were written", bytes.len(), self.bytes);
            return Some((self.bytes.min(bytes.len() as u64), message));
        }
        if self.blocks.is_empty() {
            return (crc32c::crc32c(bytes) != self.crc).then(|| (0, "its sum is wrong".to_owned()));
        }
        let wrong = |(block, sum): (&[u8], &u32)| crc32c::crc32c(block) != *sum;
        let place = bytes.chunks(BLOCK_BYTES).zip(&self.blocks).position(wrong)?;
        Some(((place * BLOCK_BYTES) as u64, format!("the sum of the {BLOCK_BYTES} bytes from there is wrong")))
    }
}

/// A sealed piece of a stream.
pub struct Segment {
    pub stream: Stream,
    pub info: SegmentInfo,
    pub(super) dir: Arc<PathBuf>,
    pub(super) disk: Arc<dyn Disk>,
    pub(super) cache: Arc<Cache>,
    /// Ids of tickets that may be in here, one filter a row group; read when first asked for.
    pub(super) ids: OnceLock<Vec<Option<Sbbf>>>,
    /// No longer in the manifest: the file goes with the last reader.
    pub(super) gone: AtomicBool,
    /// Ids of the segments that this process joined to it, and of those that they were joined from.
    pub made_of: Vec<u64>,
}

impl Drop for Segment {
    fn drop(&mut self) {
        if self.gone.load(Ordering::Relaxed)
            && let Err(error) = self.disk.remove(&self.path())
        {
            tracing::warn!(file = %self.path().display(), %error, "a segment no longer needed stays; the next start removes it");
        }
    }
}

impl std::fmt::Debug for Segment {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.info.fmt(formatter)
    }
}

impl Segment {
    /// The one number of this segment; never used again.
    pub fn id(&self) -> u64 {
        self.info.id
    }
    pub fn rows(&self) -> u64 {
        self.info.rows
    }
    /// Least and greatest `ts`, µs.
    pub fn ts_range(&self) -> (i64, i64) {
        (self.info.min_ts, self.info.max_ts)
    }
    pub fn seq_range(&self) -> (i64, i64) {
        (self.info.min_seq, self.info.max_seq)
    }
    pub fn demo(&self) -> bool {
        self.info.demo
    }
    pub fn path(&self) -> PathBuf {
        self.dir.join(Path::new(&self.info.file))
    }

    /// The rows, sorted by `ts`, in batches of at most [`parquet::BATCH_ROWS`]; from memory when they are there.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn batches(&self) -> Result<Arc<[RecordBatch]>, StoreError> {
        if let Some(batches) = self.cache.get(self.info.id) {
            return Ok(batches);
        }
        let batches: Arc<[RecordBatch]> = self.read(None)?.into();
        self.cache.put(self.info.id, batches.clone());
        Ok(batches)
    }

    /// The rows if they are in memory.
    pub fn cached(&self) -> Option<Arc<[RecordBatch]>> {
        self.cache.get(self.info.id)
    }

    /// The last row of each of these tickets in here, by `seq`.
    pub(super) fn last_events(
        &self,
        tickets: &HashSet<&str, ahash::RandomState>,
    ) -> Result<Vec<RecordBatch>, StoreError> {
        let filters = match self.ids.get() {
            Some(filters) => filters,
            None => {
                let filters = parquet::id_filters(self.stream, self.bytes()?.into())?;
                self.ids.get_or_init(|| filters)
            }
        };
        let maybe = |id: &&&str| filters.iter().any(|f| f.as_ref().is_none_or(|filter| filter.check(**id)));
        let wanted: HashSet<&str, ahash::RandomState> = tickets.iter().filter(maybe).copied().collect();
        if wanted.is_empty() {
            return Ok(Vec::new());
        }
        last_events(&self.batches()?, &wanted)
    }

    /// Reads the file, or some of its columns (indexes into [`Stream::schema`], ascending), leaving the cache alone.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn read(&self, columns: Option<&[usize]>) -> Result<Vec<RecordBatch>, StoreError> {
        parquet::decode(self.stream, self.bytes()?.into(), columns)
            .map_err(|error| StoreError::Arrow(format!("cannot read {}: {error}", self.path().display())))
    }

    /// The bytes of the file, compared with its sums.
    ///
    /// # Errors
    /// The file cannot be read, or is not as it was written.
    pub(super) fn bytes(&self) -> Result<Vec<u8>, StoreError> {
        let path = self.path();
        let bytes = self.disk.read(&path).map_err(|error| StoreError::io("cannot read", &path, &error))?;
        match self.info.damage(&bytes) {
            None => Ok(bytes),
            Some((offset, message)) => {
                let (file, dir) = (path.display().to_string(), self.dir.display().to_string());
                Err(StoreError::Corrupt { file, offset, message, dir })
            }
        }
    }
}

/// The row with the greatest `seq` of each of these tickets among the batches.
pub(super) fn last_events(
    batches: &[RecordBatch],
    tickets: &HashSet<&str, ahash::RandomState>,
) -> Result<Vec<RecordBatch>, StoreError> {
    let mut last: HashMap<&str, (i64, usize, usize)> = HashMap::new();
    for (place, batch) in batches.iter().enumerate() {
        let (ids, seq) = (texts(batch, "id")?, ints(batch, "seq")?);
        for row in 0..batch.num_rows() {
            if tickets.contains(ids.value(row)) {
                let found = (seq.value(row), place, row);
                last.entry(ids.value(row)).and_modify(|known| *known = found.max(*known)).or_insert(found);
            }
        }
    }
    Ok(last.into_values().map(|(_, place, row)| batches[place].slice(row, 1)).collect())
}
