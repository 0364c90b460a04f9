//! Reading a whole data folder back, changing nothing: what is there, and what is wrong with it.
//!
//! Unlike opening, it goes on after a fault and lists them all. It keeps a digest of every row's key in memory
//! (about 40 bytes a row), to find rows that are there twice.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use arrow::array::RecordBatch;
use serde::Serialize;

use crate::model::Stream;

use super::StoreError;
use super::columns::{ints, texts, times};
use super::disk::{Disk, FileDisk};
use super::landing::digest::digest128;
use super::log;
use super::log::frame::Content;
use super::log::read::{LogReader, Next};
use super::mark::CityMark;
use super::segment::manifest::Manifest;
use super::segment::parquet::decode;

/// The most faults listed; all are counted.
const LISTED: usize = 100;

const MISSING: &str = "are missing";

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct VerifyReport {
    pub data: String,
    /// Whose data these are; none in a folder of before.
    pub city: Option<CityMark>,
    /// Nothing is wrong.
    pub ok: bool,
    /// Landed rows by stream.
    pub rows: BTreeMap<&'static str, u64>,
    /// Rows that wait or are in quarantine, as written (one written off counts twice).
    pub held: u64,
    pub segments: u64,
    pub segment_bytes: u64,
    pub log_files: u64,
    pub frames: u64,
    pub bad_frames: u64,
    pub bad_files: u64,
    /// First and last `seq` there is.
    pub seq: Option<(i64, i64)>,
    /// Numbers missing between them.
    pub gaps: u64,
    /// `seq` or (`src`, `src_seq`) there more than once.
    pub duplicates: u64,
    /// Bytes behind the last commit, of a commit that was never acknowledged; not a fault.
    pub torn_tail: Option<String>,
    /// What is wrong, in sentences with file and offset.
    pub faults: Vec<String>,
}

impl VerifyReport {
    fn fault(&mut self, sentence: String) {
        if self.faults.len() < LISTED {
            self.faults.push(sentence);
        }
    }
}

#[derive(Default)]
struct Seen {
    keys: HashSet<u128, ahash::RandomState>,
    /// Runs of `seq`: first → last, found as they come.
    numbers: Vec<i64>,
}

/// Reads a data folder back. `progress` is told of each file: its number, of how many.
///
/// # Errors
/// The folder cannot be read at all. Faults inside it are in the report.
pub fn verify(dir: &Path, progress: impl FnMut(usize, usize)) -> Result<VerifyReport, StoreError> {
    verify_on(&FileDisk, dir, progress)
}

pub(super) fn verify_on(
    disk: &dyn Disk,
    dir: &Path,
    mut progress: impl FnMut(usize, usize),
) -> Result<VerifyReport, StoreError> {
    let mut report = VerifyReport { data: dir.display().to_string(), ..VerifyReport::default() };
    for stream in Stream::ALL {
        report.rows.insert(stream.name(), 0);
    }
    let log_dir = log::folder(dir);
    let mut logs: Vec<u64> = disk
        .list(&log_dir)
        .map_err(|error| StoreError::io("cannot list", &log_dir, &error))?
        .iter()
        .filter_map(|name| log::id_of(name))
        .collect();
    logs.sort_unstable();
    if logs.is_empty() && !disk.exists(&dir.join(super::segment::manifest::FILE)) {
        let error = std::io::Error::new(std::io::ErrorKind::NotFound, "there is no store in it");
        return Err(StoreError::io("cannot verify", dir, &error));
    }
    let manifest = match Manifest::load(disk, dir) {
        Ok(manifest) => manifest,
        Err(error) => {
            report.bad_files += 1;
            report.fault(error.to_string());
            Manifest::default()
        }
    };
    report.city.clone_from(&manifest.city);
    logs.retain(|id| *id >= manifest.log_from);
    let files = manifest.segments.len() + manifest.held.len() + logs.len();
    let mut seen = Seen::default();
    let mut done = 0;
    for info in &manifest.segments {
        progress(done, files);
        done += 1;
        if let Err(message) = verify_segment(disk, dir, info, &mut report, &mut seen) {
            report.bad_files += 1;
            report.fault(format!("{} {message}", dir.join(&info.file).display()));
        }
    }
    for info in &manifest.held {
        progress(done, files);
        done += 1;
        let path = dir.join(&info.file);
        match disk.read(&path) {
            Ok(bytes) if crc32c::crc32c(&bytes) == info.crc => report.held += info.rows,
            Ok(_) => {
                report.bad_files += 1;
                report.fault(format!("{} at byte 0: its sum is wrong", path.display()));
            }
            Err(error) => {
                report.bad_files += 1;
                report.fault(format!("{}: {error}", path.display()));
            }
        }
    }
    for (place, id) in logs.iter().enumerate() {
        progress(done, files);
        done += 1;
        let expected = manifest.log_from + place as u64;
        if *id != expected {
            report.fault(format!("{}: it is missing", log::path(dir, expected).display()));
        }
        verify_log(disk, dir, *id, place + 1 == logs.len(), &mut report, &mut seen);
    }
    progress(files, files);
    count_numbers(&mut report, seen.numbers);
    // Rows that left by retention leave gaps.
    let dropped = manifest.dropped.min(report.gaps);
    report.gaps -= dropped;
    if dropped > 0 && report.gaps == 0 {
        report.faults.retain(|fault| !fault.ends_with(MISSING));
    }
    report.ok = report.faults.is_empty() && report.gaps == 0 && report.duplicates == 0;
    Ok(report)
}

fn verify_segment(
    disk: &dyn Disk,
    dir: &Path,
    info: &super::SegmentInfo,
    report: &mut VerifyReport,
    seen: &mut Seen,
) -> Result<(), String> {
    let stream = Stream::from_name(&info.stream)
        .ok_or_else(|| format!("is of the stream {}, which there is not", info.stream))?;
    let bytes = disk.read(&dir.join(&info.file)).map_err(|error| format!("cannot be read: {error}"))?;
    report.segments += 1;
    report.segment_bytes += bytes.len() as u64;
    if let Some((offset, message)) = info.damage(&bytes) {
        return Err(format!("at byte {offset}: {message}"));
    }
    let mut rows = 0;
    let mut last_ts = i64::MIN;
    for batch in decode(stream, bytes.into(), None).map_err(|error| format!("does not decode: {error}"))? {
        rows += batch.num_rows() as u64;
        let ts = times(&batch, "ts").map_err(|error| error.to_string())?;
        if !ts.values().is_sorted() || ts.values().first().is_some_and(|first| *first < last_ts) {
            report.fault(format!("{}: its rows are not sorted by ts", info.file));
        }
        last_ts = ts.values().last().copied().unwrap_or(last_ts);
        if ts.values().iter().any(|ts| *ts < info.min_ts || *ts > info.max_ts) {
            report.fault(format!("{}: a row lies outside the times the manifest says", info.file));
        }
        note(stream, &batch, report, seen)?;
    }
    if rows != info.rows {
        return Err(format!("holds {rows} rows, the manifest says {}", info.rows));
    }
    Ok(())
}

fn verify_log(disk: &dyn Disk, dir: &Path, id: u64, last: bool, report: &mut VerifyReport, seen: &mut Seen) {
    report.log_files += 1;
    let path = log::path(dir, id);
    let shown = path.display().to_string();
    let file = match disk.open(&path) {
        Ok(file) => file,
        Err(error) => {
            report.bad_files += 1;
            return report.fault(format!("{shown}: {error}"));
        }
    };
    let mut reader = LogReader::new(std::io::BufReader::with_capacity(1 << 20, file));
    loop {
        match reader.next() {
            Err(error) => {
                report.bad_files += 1;
                return report.fault(format!("{shown}: {error}"));
            }
            Ok(Next::Damaged { offset, message }) => {
                report.bad_frames += 1;
                return report.fault(format!("{shown} at byte {offset}: {message}; what follows was not read"));
            }
            Ok(Next::End { good, torn: Some(message) }) => {
                if last {
                    report.torn_tail = Some(format!("{shown} at byte {good}: {message}"));
                } else {
                    report.bad_frames += 1;
                    report.fault(format!("{shown} at byte {good}: {message}"));
                }
                return;
            }
            Ok(Next::End { .. }) => return,
            Ok(Next::Commit(frames)) => {
                for (_, content) in frames {
                    report.frames += 1;
                    match content {
                        Content::Held(held) => report.held += held.len() as u64,
                        Content::Rows(stream, batch) => {
                            if let Err(message) = note(stream, &batch, report, seen) {
                                report.fault(format!("{shown}: {message}"));
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Counts the rows of a batch and notes their keys.
fn note(stream: Stream, batch: &RecordBatch, report: &mut VerifyReport, seen: &mut Seen) -> Result<(), String> {
    *report.rows.entry(stream.name()).or_default() += batch.num_rows() as u64;
    let fail = |error: arrow::error::ArrowError| error.to_string();
    let (src, src_seq) = (texts(batch, "src").map_err(fail)?, texts(batch, "src_seq").map_err(fail)?);
    let mut key = Vec::new();
    for row in 0..batch.num_rows() {
        key.clear();
        key.extend_from_slice(src.value(row).as_bytes());
        key.push(0);
        key.extend_from_slice(src_seq.value(row).as_bytes());
        if !seen.keys.insert(digest128(&key)) {
            report.duplicates += 1;
            let (src, src_seq) = (src.value(row), src_seq.value(row));
            report.fault(format!("row {src_seq:?} of source {src:?} is there more than once"));
        }
    }
    seen.numbers.extend_from_slice(ints(batch, "seq").map_err(fail)?.values());
    Ok(())
}

fn count_numbers(report: &mut VerifyReport, mut numbers: Vec<i64>) {
    numbers.sort_unstable();
    report.seq = numbers.first().copied().zip(numbers.last().copied());
    for pair in numbers.windows(2) {
        match pair[1] - pair[0] {
            0 => {
                report.duplicates += 1;
                report.fault(format!("seq {} is there more than once", pair[0]));
            }
            1 => {}
            more => {
                report.gaps += (more - 1) as u64;
                report.fault(format!("seq {} to {} {MISSING}", pair[0] + 1, pair[1] - 1));
            }
        }
    }
}
