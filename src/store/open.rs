//! Opening a data folder: the manifest, the segments it names, the log files it does not cover, one at a time.
//!
//! Only a torn tail of the last log file is cut off. Anything else that does not read is told with file and offset, and
//! nothing is opened: rows are never skipped.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use arrow::array::RecordBatch;
use parking_lot::Mutex;
use tokio::sync::watch;

use crate::model::{Clock, Stream};

use super::StoreError;
use super::checkpoint;
use super::columns::{ints, join};
use super::core::{Core, Generation, Settings, Shared};
use super::disk::Disk;
use super::landing::Landing;
use super::landing::held::Held;
use super::log::frame::Content;
use super::log::read::{LogReader, Next};
use super::log::{self, LogFile};
use super::seal::Sealer;
use super::segment::cache::Cache;
use super::segment::manifest::{HeldInfo, Manifest};
use super::segment::{Segment, SegmentInfo};
use super::snapshot::Snapshot;
use super::status::Status;

pub(super) struct Opened {
    pub core: Core,
    pub sealer: Sealer,
    pub shared: Arc<Shared>,
}

fn corrupt(dir: &Path, path: &Path, offset: u64, message: String) -> StoreError {
    StoreError::Corrupt { file: path.display().to_string(), offset, message, dir: dir.display().to_string() }
}

pub(super) fn open(
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    clock: Clock,
    settings: Settings,
    mut landing: Landing,
    cache: Arc<Cache>,
) -> Result<Opened, StoreError> {
    for folder in [dir.clone(), log::folder(&dir)] {
        disk.create_dir_all(&folder).map_err(|error| StoreError::io("cannot create", &folder, &error))?;
    }
    let mut manifest = Manifest::load(&*disk, &dir)?;
    let marked = super::mark::settle(&mut manifest, &landing.city, settings.city_rule, &dir)?;
    let zone = landing.city.tz;
    let dir = Arc::new(dir);
    let mut sealer = Sealer {
        made_of: HashMap::new(),
        disk: disk.clone(),
        dir: dir.clone(),
        zone,
        cache,
        manifest,
        clock: clock.clone(),
        small_count: super::compact::SMALL_COUNT,
        keep_us: None,
    };
    let logs = log_files(&*disk, &dir, &sealer.manifest)?;
    remove_leftovers(&*disk, &dir, &sealer.manifest)?;
    if marked {
        sealer.manifest.save(&*disk, &dir)?;
    }
    let covered = take_checkpoint(&sealer, &mut landing);
    replay_segments(&sealer, covered, &mut landing)?;
    check_covered(&sealer, covered)?;
    let checkpoint_seq = if covered > 0 { landing.next_seq } else { 1 };

    let first_log = logs.first().copied().unwrap_or(sealer.manifest.log_from);
    let mut hot = Hot::new(first_log, &sealer.manifest);
    let mut next_log = logs.last().map_or(sealer.manifest.log_from, |last| last + 1);
    for (place, id) in logs.iter().copied().enumerate() {
        let last = place + 1 == logs.len();
        let commits = replay_log(&*disk, &dir, id, last, &mut landing, &mut hot)?;
        if last && commits == 0 {
            // Made and not used: its number is used again.
            let path = log::path(&dir, id);
            disk.remove(&path).map_err(|error| StoreError::io("cannot remove", &path, &error))?;
            next_log = id;
        }
        // Many log files are left when sealing was behind: keep memory small by sealing now.
        if !last && hot.rows >= settings.seal_rows {
            let generation = hot.end(id, landing.next_seq);
            sealer.seal(&generation)?;
            hot = Hot::new(id + 1, &sealer.manifest);
        }
    }
    // On a full disk there is no room for more than its head: rows are refused until there is, all else goes on.
    let log = LogFile::create(&*disk, &dir, next_log, settings.log_reserve)
        .or_else(|_| LogFile::create(&*disk, &dir, next_log, 0))?;
    let shared = Arc::new(Shared {
        snapshot: ArcSwap::from_pointee(Snapshot::default()),
        landed: watch::Sender::new(0),
        status: Mutex::new(Status::default()),
    });
    let segments = Stream::ALL.map(|stream| {
        let infos = sealer.manifest.segments.iter().filter(|info| info.stream == stream.name());
        infos.map(|info| Arc::new(sealer.segment(stream, info.clone()))).collect::<Vec<Arc<Segment>>>().into()
    });
    let hot_since_us = (hot.rows > 0 || !hot.held.is_empty()).then(|| clock.now_us());
    let mut core = Core {
        dir,
        disk,
        clock,
        settings,
        landing,
        log,
        shared: shared.clone(),
        hot: Default::default(),
        held: hot.held,
        first_log: hot.first_log,
        hot_since_us,
        sealing: Vec::new(),
        segments,
        version: 0,
        poisoned: None,
        forgot_us: 0,
        checkpoint_seq,
        checkpoint_us: 0,
    };
    for stream in Stream::ALL {
        for batch in std::mem::take(&mut hot.streams[stream as usize]) {
            core.push_hot(stream, batch)?;
        }
    }
    core.publish();
    Ok(Opened { core, sealer, shared })
}

/// Rows of log files not yet sealed.
struct Hot {
    first_log: u64,
    streams: [Vec<RecordBatch>; Stream::ALL.len()],
    held: Vec<(i64, Held)>,
    rows: usize,
}

impl Hot {
    fn new(first_log: u64, manifest: &Manifest) -> Hot {
        Hot { first_log: first_log.max(manifest.log_from), streams: Default::default(), held: Vec::new(), rows: 0 }
    }

    fn end(&mut self, last_log: u64, next_seq: i64) -> Generation {
        Generation {
            logs: (self.first_log, last_log),
            streams: std::mem::take(&mut self.streams),
            held: std::mem::take(&mut self.held),
            next_seq,
            checkpoint: None,
        }
    }
}

/// The log files that count, in order; those that no longer do are removed.
fn log_files(disk: &dyn Disk, dir: &Path, manifest: &Manifest) -> Result<Vec<u64>, StoreError> {
    let folder = log::folder(dir);
    let names = disk.list(&folder).map_err(|error| StoreError::io("cannot list", &folder, &error))?;
    let mut ids: Vec<u64> = names.iter().filter_map(|name| log::id_of(name)).collect();
    ids.sort_unstable();
    for id in ids.iter().filter(|id| **id < manifest.log_from) {
        let path = log::path(dir, *id);
        disk.remove(&path).map_err(|error| StoreError::io("cannot remove", &path, &error))?;
    }
    ids.retain(|id| *id >= manifest.log_from);
    for (place, id) in ids.iter().enumerate() {
        let expected = manifest.log_from + place as u64;
        if *id != expected {
            return Err(corrupt(dir, &log::path(dir, expected), 0, format!("it is missing, and {id:010}.log follows")));
        }
    }
    Ok(ids)
}

/// Removes files that a crash left behind: begun and not put in place, or in place and not in the manifest.
fn remove_leftovers(disk: &dyn Disk, dir: &Path, manifest: &Manifest) -> Result<(), StoreError> {
    let fail = |path: &Path, error: std::io::Error| StoreError::io("cannot look through", path, &error);
    let root = dir.join("segments");
    let known: HashSet<&str> = manifest.segments.iter().map(|info| info.file.as_str()).collect();
    let is_folder = |name: &String| name.contains('=');
    for stream in disk.list(&root).map_err(|error| fail(&root, error))?.into_iter().filter(is_folder) {
        let by_stream = root.join(&stream);
        for month in disk.list(&by_stream).map_err(|error| fail(&by_stream, error))?.into_iter().filter(is_folder) {
            let by_month = by_stream.join(&month);
            for name in disk.list(&by_month).map_err(|error| fail(&by_month, error))? {
                let file = format!("segments/{stream}/{month}/{name}");
                let path = by_month.join(&name);
                if known.contains(file.as_str()) {
                    continue;
                }
                if manifest.segments.is_empty() && manifest.log_from == 1 && !disk.exists(&log::path(dir, 1)) {
                    let manifest = dir.join(super::segment::manifest::FILE);
                    return Err(corrupt(dir, &manifest, 0, format!("it is missing, and {file} is there")));
                }
                if name.ends_with(".parquet") || name.ends_with(".tmp") {
                    disk.remove(&path).map_err(|error| StoreError::io("cannot remove", &path, &error))?;
                }
            }
        }
    }
    // A manifest without segments may be a new one beside old files; nothing is taken away then.
    if manifest.segments.is_empty() {
        return Ok(());
    }
    let kept = manifest.checkpoint.iter().map(|info| &info.file).chain(manifest.held.iter().map(|info| &info.file));
    let kept: HashSet<&str> = kept.map(String::as_str).collect();
    for (folder, end) in [("checkpoint", ".bin"), ("held", ".json")] {
        let path = dir.join(folder);
        for name in disk.list(&path).map_err(|error| fail(&path, error))? {
            let is_ours = name.ends_with(end) || name.ends_with(".tmp");
            if is_ours && !kept.contains(format!("{folder}/{name}").as_str()) {
                let path = path.join(&name);
                disk.remove(&path).map_err(|error| StoreError::io("cannot remove", &path, &error))?;
            }
        }
    }
    Ok(())
}

/// Takes the checkpoint into memory. Returns the first log file it does not cover; 0 without one.
fn take_checkpoint(sealer: &Sealer, landing: &mut Landing) -> u64 {
    let Some(info) = &sealer.manifest.checkpoint else { return 0 };
    let path = sealer.dir.join(&info.file);
    let read = || {
        let bytes = sealer.disk.read(&path).map_err(|error| error.to_string())?;
        if crc32c::crc32c(&bytes) != info.crc {
            return Err("its sum is wrong".to_owned());
        }
        let mut taken = landing.empty();
        checkpoint::read(&bytes, &mut taken)?;
        Ok(taken)
    };
    match read() {
        Ok(taken) => {
            *landing = taken;
            info.log_from
        }
        Err(message) => {
            tracing::warn!(file = %path.display(), %message, "the checkpoint cannot be used; all segments are read instead");
            if sealer.manifest.dropped > 0 {
                tracing::error!(
                    "of {} rows that left the store for their age nothing is known any more: a source that sends them \
                     again lands them again, and what was opened or registered with them is gone; put a copy of {} back \
                     and start again if there is one",
                    sealer.manifest.dropped,
                    path.display()
                );
            }
            0
        }
    }
}

/// Takes what the segments say into memory, from those with rows of log file `covered` on.
fn replay_segments(sealer: &Sealer, covered: u64, landing: &mut Landing) -> Result<(), StoreError> {
    let manifest = &sealer.manifest;
    for stream in Stream::ALL {
        let infos = manifest.segments.iter().filter(|info| info.stream == stream.name() && info.logs.0 >= covered);
        let mut infos: Vec<&SegmentInfo> = infos.collect();
        infos.sort_by_key(|info| info.logs);
        let mut held: Vec<(i64, Held)> = Vec::new();
        if stream == Stream::Tickets {
            for info in manifest.held.iter().filter(|info| info.logs.0 >= covered) {
                held.extend(read_held(sealer, info)?);
            }
        }
        let mut held = held.into_iter().peekable();
        let mut infos = infos.into_iter().peekable();
        while let Some(first) = infos.next() {
            // Segments of the same log files hold rows of one stretch of time, mixed by month.
            let mut batches = sealer.segment(stream, first.clone()).read(None)?;
            let mut until = first.logs.1;
            while let Some(info) = infos.next_if(|info| info.logs.0 <= until) {
                batches.extend(sealer.segment(stream, info.clone()).read(None)?);
                until = until.max(info.logs.1);
            }
            let rows = super::snapshot::by_seq(&join(&stream.schema(), &batches)?)
                .ok_or_else(|| StoreError::Arrow(format!("the rows of {stream} cannot be put in order")))?;
            let seq = ints(&rows, "seq")?.values().to_vec();
            let mut from = 0;
            while from < seq.len() {
                while held.peek().is_some_and(|(next_seq, _)| *next_seq <= seq[from]) {
                    held.next().into_iter().for_each(|(_, held)| landing.replay_held(held));
                }
                let until = held.peek().map_or(seq.len(), |(next_seq, _)| seq.partition_point(|seq| seq < next_seq));
                landing.replay(stream, &rows.slice(from, until - from))?;
                from = until;
            }
        }
        held.for_each(|(_, held)| landing.replay_held(held));
    }
    landing.next_seq = landing.next_seq.max(manifest.next_seq);
    Ok(())
}

/// Compares the files that the checkpoint covers with their sums: they are not read otherwise, and what is asked of
/// them later must not be wrong.
fn check_covered(sealer: &Sealer, covered: u64) -> Result<(), StoreError> {
    for info in sealer.manifest.held.iter().filter(|info| info.logs.0 < covered) {
        read_held(sealer, info)?;
    }
    let infos: Vec<&SegmentInfo> = sealer.manifest.segments.iter().filter(|info| info.logs.0 < covered).collect();
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let share = infos.len().div_ceil(threads).max(1);
    std::thread::scope(|scope| {
        let check = |infos: &[&SegmentInfo]| {
            infos.iter().try_for_each(|info| {
                let Some(stream) = Stream::from_name(&info.stream) else { return Ok(()) };
                sealer.segment(stream, (*info).clone()).bytes().map(drop)
            })
        };
        let parts: Vec<_> = infos
            .chunks(share)
            .map(|infos| {
                std::thread::Builder::new().name("store-check".to_owned()).spawn_scoped(scope, move || check(infos))
            })
            .collect();
        for part in parts {
            let part = part.map_err(|error| StoreError::io("cannot start a thread for", &sealer.dir, &error))?;
            part.join().map_err(|_| StoreError::Stopped)??;
        }
        Ok(())
    })
}

fn read_held(sealer: &Sealer, info: &HeldInfo) -> Result<Vec<(i64, Held)>, StoreError> {
    let path = sealer.dir.join(&info.file);
    let bytes = sealer.disk.read(&path).map_err(|error| StoreError::io("cannot read", &path, &error))?;
    if crc32c::crc32c(&bytes) != info.crc {
        return Err(corrupt(&sealer.dir, &path, 0, "its sum is wrong".to_owned()));
    }
    serde_json::from_slice(&bytes).map_err(|error| corrupt(&sealer.dir, &path, 0, error.to_string()))
}

fn replay_log(
    disk: &dyn Disk,
    dir: &Path,
    id: u64,
    last: bool,
    landing: &mut Landing,
    hot: &mut Hot,
) -> Result<u64, StoreError> {
    let mut commits = 0;
    let path = log::path(dir, id);
    let fail = |error: std::io::Error| StoreError::io("cannot read", &path, &error);
    let mut reader = LogReader::new(disk.open(&path).map_err(fail)?);
    loop {
        match reader.next().map_err(fail)? {
            Next::Damaged { offset, message } => return Err(corrupt(dir, &path, offset, message)),
            Next::End { good, torn: Some(message) } => {
                if !last {
                    return Err(corrupt(dir, &path, good, message));
                }
                if commits == 0 {
                    return Ok(0);
                }
                tracing::warn!(file = %path.display(), offset = good, %message,
                    "the log ends in a commit that was never acknowledged; it is cut off");
                disk.truncate(&path, good).map_err(|error| StoreError::io("cannot cut off", &path, &error))?;
                return Ok(commits);
            }
            Next::End { torn: None, .. } => return Ok(commits),
            Next::Commit(frames) => {
                commits += 1;
                for (header, content) in frames {
                    if header.first_seq != landing.next_seq {
                        let message = format!("row {} is missing, row {} follows", landing.next_seq, header.first_seq);
                        return Err(corrupt(dir, &path, 0, message));
                    }
                    match content {
                        Content::Rows(stream, batch) => {
                            landing.replay(stream, &batch)?;
                            hot.rows += batch.num_rows();
                            hot.streams[stream as usize].push(batch);
                        }
                        Content::Held(held) => {
                            for held in held {
                                hot.held.push((header.first_seq, held.clone()));
                                landing.replay_held(held);
                            }
                        }
                    }
                }
            }
        }
    }
}
