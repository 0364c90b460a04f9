//! Sealing: hot rows become Parquet segments, then the manifest says so, then their log files go.
//!
//! Works on its own thread over rows that no longer change. Each step is durable before the next begins, so a crash
//! leaves either the log or the segments to read from, or both, and the manifest says which counts. An error leaves the
//! log in place: sealing is tried again, and nothing is lost meanwhile.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};

use arrow::array::{Array, RecordBatch, UInt32Array};
use arrow::compute::take_record_batch;
use chrono::Datelike;
use chrono_tz::Tz;

use crate::model::time::{local_to_us, to_zone};
use crate::model::{Clock, Stream};

use super::StoreError;
use super::columns::{bools, compact, ints, join, times};
use super::core::{Generation, Sealed};
use super::disk::{Disk, replace};
use super::segment::cache::Cache;
use super::segment::manifest::{CheckpointInfo, HeldInfo, Manifest};
use super::segment::parquet::{BATCH_ROWS, encode};
use super::segment::{Segment, SegmentInfo, block_sums};

/// Rows this much older than the newest sealed row of their stream go to a segment of their own, µs.
const LATE_US: i64 = 3_600_000_000;

pub(super) struct Sealer {
    pub disk: Arc<dyn Disk>,
    pub dir: Arc<PathBuf>,
    pub zone: Tz,
    pub cache: Arc<Cache>,
    pub manifest: Manifest,
    pub clock: Clock,
    /// So many small segments side by side become one.
    pub small_count: usize,
    /// Rows older than this go, µs.
    pub keep_us: Option<i64>,
    /// What this process joined, and what of.
    pub made_of: HashMap<u64, Vec<u64>>,
}

/// The month of an instant in the city's calendar, `2026-11`, and the instant the next one begins.
pub(super) fn month_of(ts_us: i64, zone: Tz) -> (String, i64) {
    let local = to_zone(ts_us, zone);
    let (year, month) = (local.year(), local.month());
    let (next_year, next_month) = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
    let next = chrono::NaiveDate::from_ymd_opt(next_year, next_month, 1)
        .and_then(|day| day.and_hms_opt(0, 0, 0))
        .and_then(|midnight| local_to_us(midnight, zone));
    (format!("{year:04}-{month:02}"), next.unwrap_or(i64::MAX).max(ts_us.saturating_add(1)))
}

impl Sealer {
    /// Makes segments of a generation.
    ///
    /// # Errors
    /// The disk; then the generation's log files still count.
    pub fn seal(&mut self, generation: &Generation) -> Result<Sealed, StoreError> {
        let mut manifest = self.manifest.clone();
        let mut added = Vec::new();
        for stream in Stream::ALL {
            let batches = &generation.streams[stream as usize];
            if batches.is_empty() {
                continue;
            }
            let sorted = by_time(&join(&stream.schema(), batches)?)?;
            for (rows, late) in self.pieces(stream, &sorted)? {
                added.push(self.write_segment(&mut manifest, stream, &rows, late, generation.logs, Vec::new())?);
            }
        }
        if !generation.held.is_empty() {
            manifest.held.push(self.write_held(generation)?);
        }
        let before = manifest.checkpoint.clone();
        if let Some(bytes) = &generation.checkpoint {
            manifest.checkpoint = Some(self.write_checkpoint(bytes, generation.logs.1)?);
        }
        manifest.log_from = generation.logs.1 + 1;
        manifest.next_seq = generation.next_seq;
        manifest.segments.extend(added.iter().map(|segment| segment.info.clone()));
        manifest.save(&*self.disk, &self.dir)?;
        // It is sealed. Were an error told from here on, the same rows would be sealed a second time.
        let checkpoint = manifest.checkpoint.clone();
        self.manifest = manifest;
        self.clear_logs(generation.logs);
        if let Some(before) = before.filter(|before| checkpoint.is_none_or(|now| now.file != before.file)) {
            self.remove(&self.dir.join(&before.file));
        }
        Ok(Sealed { log: generation.logs.1, added, removed: Vec::new() })
    }

    /// Removes the log files of what is sealed. What is left of them is no more read, and removed at the next start.
    fn clear_logs(&self, (first, last): (u64, u64)) {
        for id in first..=last {
            self.remove(&super::log::path(&self.dir, id));
        }
        let folder = super::log::folder(&self.dir);
        if let Err(error) = self.disk.sync_dir(&folder) {
            tracing::warn!("{}", StoreError::io("cannot sync the folder", &folder, &error));
        }
    }

    /// Removes a file that is of no more use; that it stays is only a warning.
    fn remove(&self, path: &Path) {
        if self.disk.exists(path)
            && let Err(error) = self.disk.remove(path)
        {
            tracing::warn!("{}; it is of no more use", StoreError::io("cannot remove", path, &error));
        }
    }

    /// Cuts rows sorted by time into months, and late rows from the others.
    fn pieces(&self, stream: Stream, sorted: &RecordBatch) -> Result<Vec<(RecordBatch, bool)>, StoreError> {
        let ts = times(sorted, "ts")?.values();
        let sealed = self.manifest.segments.iter().filter(|info| info.stream == stream.name());
        let late_before = sealed.map(|info| info.max_ts).max().unwrap_or(i64::MIN).saturating_sub(LATE_US);
        let mut late = ts.partition_point(|ts_us| *ts_us < late_before);
        // Mostly old rows: a bulk import of the past, whose segments are as narrow as any.
        if late * 2 > ts.len() {
            late = 0;
        }
        let mut pieces = Vec::new();
        let mut from = 0;
        while from < ts.len() {
            let (_, next_month) = month_of(ts[from], self.zone);
            let mut until = from + ts[from..].partition_point(|ts_us| *ts_us < next_month);
            if from < late {
                until = until.min(late);
            }
            pieces.push((sorted.slice(from, until - from), from < late));
            from = until;
        }
        Ok(pieces)
    }

    /// Writes rows of one month, sorted by time, as a segment, durably; the manifest is changed in memory alone.
    pub fn write_segment(
        &self,
        manifest: &mut Manifest,
        stream: Stream,
        rows: &RecordBatch,
        late: bool,
        logs: (u64, u64),
        made_of: Vec<u64>,
    ) -> Result<Arc<Segment>, StoreError> {
        let (ts, seq) = (times(rows, "ts")?.values(), ints(rows, "seq")?.values());
        let (first, last) = (ts.first().copied().unwrap_or(0), ts.last().copied().unwrap_or(0));
        let id = manifest.next_segment;
        manifest.next_segment += 1;
        let (month, _) = month_of(first, self.zone);
        let name = if late { format!("{id:08}-late") } else { format!("{id:08}") };
        let file = format!("segments/stream={stream}/month={month}/{name}.parquet");
        let path = self.dir.join(Path::new(&file));
        let bytes = encode(stream, rows)?;
        let folder = path.parent().unwrap_or(&self.dir);
        self.disk.create_dir_all(folder).map_err(|error| StoreError::io("cannot create", folder, &error))?;
        replace(&*self.disk, &path, &bytes).map_err(|error| StoreError::io("cannot write", &path, &error))?;
        let demo = bools(rows, "demo")?;
        let info = SegmentInfo {
            id,
            stream: stream.name().to_owned(),
            file,
            rows: rows.num_rows() as u64,
            min_ts: first,
            max_ts: last,
            min_seq: seq.iter().copied().min().unwrap_or(0),
            max_seq: seq.iter().copied().max().unwrap_or(0),
            demo: (0..demo.len()).any(|row| demo.is_valid(row) && demo.value(row)),
            late,
            bytes: bytes.len() as u64,
            crc: crc32c::crc32c(&bytes),
            blocks: block_sums(&bytes),
            logs,
        };
        let batches: Vec<RecordBatch> = (0..rows.num_rows())
            .step_by(BATCH_ROWS)
            .map(|from| compact(&rows.slice(from, BATCH_ROWS.min(rows.num_rows() - from))))
            .collect();
        self.cache.put(id, batches.into());
        let mut segment = self.segment(stream, info);
        segment.made_of = made_of;
        Ok(Arc::new(segment))
    }

    pub fn segment(&self, stream: Stream, info: SegmentInfo) -> Segment {
        Segment {
            stream,
            info,
            dir: self.dir.clone(),
            disk: self.disk.clone(),
            cache: self.cache.clone(),
            ids: OnceLock::new(),
            gone: AtomicBool::new(false),
            made_of: Vec::new(),
        }
    }

    fn write_checkpoint(&self, bytes: &[u8], log: u64) -> Result<CheckpointInfo, StoreError> {
        let file = format!("checkpoint/{log:010}.bin");
        let path = self.dir.join(Path::new(&file));
        let folder = path.parent().unwrap_or(&self.dir);
        self.disk.create_dir_all(folder).map_err(|error| StoreError::io("cannot create", folder, &error))?;
        replace(&*self.disk, &path, bytes).map_err(|error| StoreError::io("cannot write", &path, &error))?;
        Ok(CheckpointInfo { file, log_from: log + 1, crc: crc32c::crc32c(bytes) })
    }

    fn write_held(&self, generation: &Generation) -> Result<HeldInfo, StoreError> {
        let file = format!("held/{:010}.json", generation.logs.1);
        let path = self.dir.join(Path::new(&file));
        let bytes = serde_json::to_vec(&generation.held).map_err(|error| StoreError::Arrow(error.to_string()))?;
        let folder = path.parent().unwrap_or(&self.dir);
        self.disk.create_dir_all(folder).map_err(|error| StoreError::io("cannot create", folder, &error))?;
        replace(&*self.disk, &path, &bytes).map_err(|error| StoreError::io("cannot write", &path, &error))?;
        let rows = generation.held.len() as u64;
        Ok(HeldInfo { file, rows, crc: crc32c::crc32c(&bytes), logs: generation.logs })
    }
}

/// Rows by time, then by `seq`.
pub(super) fn by_time(batch: &RecordBatch) -> Result<RecordBatch, StoreError> {
    let (ts, seq) = (times(batch, "ts")?.values(), ints(batch, "seq")?.values());
    let key = |row: &u32| (ts[*row as usize], seq[*row as usize]);
    let mut order: Vec<u32> = (0..batch.num_rows() as u32).collect();
    if order.is_sorted_by_key(key) {
        return Ok(batch.clone());
    }
    order.sort_by_key(key);
    Ok(take_record_batch(batch, &UInt32Array::from(order))?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::time::parse_time_us;

    #[test]
    fn a_month_is_the_citys_own() {
        let zone = chrono_tz::Asia::Shanghai;
        let (month, next) = month_of(parse_time_us("2026-11-30T15:59:59Z").unwrap(), zone);
        assert_eq!(month, "2026-11");
        assert_eq!(Some(next), parse_time_us("2026-11-30T16:00:00Z"));
        assert_eq!(month_of(next, zone).0, "2026-12");
        assert_eq!(month_of(parse_time_us("2026-12-31T16:00:00Z").unwrap(), zone).0, "2027-01");
    }
}
