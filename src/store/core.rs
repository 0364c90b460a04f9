//! The store without threads: landing, log, hot rows and what readers see, one commit at a time.
//!
//! The order is the whole point: rows are landed in memory, written to the log and synced, then shown to readers and
//! acknowledged. A write or sync that fails after landing poisons the core, since memory is then ahead of the disk:
//! nothing is taken or shown any more until the store is opened again. A full disk is noticed before landing, when
//! room is set aside, and only refuses.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use arc_swap::ArcSwap;
use arrow::array::RecordBatch;
use parking_lot::Mutex;
use tokio::sync::watch;

use crate::model::message::Aside;
use crate::model::{Clock, Stream};

use super::checkpoint;
use super::columns::{join, memory_bytes};
use super::disk::Disk;
use super::landing::held::Held;
use super::landing::{Landed, Landing, Part, Past};
use super::log::LogFile;
use super::log::frame::Commit;
use super::mark::CityRule;
use super::segment::{Segment, last_events};
use super::snapshot::{Snapshot, StreamRows};
use super::status::Status;
use super::tables::Tables;
use super::{ReplayId, StoreError};

/// Small hot batches are joined up to this many rows, so that readers find few of them.
const HOT_BATCH_ROWS: usize = 8192;

#[derive(Clone, Debug)]
pub(super) struct Settings {
    /// Rows of a stream at which the hot rows are sealed.
    pub seal_rows: usize,
    /// Bytes of the log at which they are.
    pub seal_bytes: u64,
    /// The oldest hot row is sealed after this, µs.
    pub seal_after_us: i64,
    /// Room set aside for a log file.
    pub log_reserve: u64,
    /// Finished tickets leave memory this long after their last event, µs.
    pub forget_after_us: i64,
    /// Rows after which a checkpoint is taken with the next sealing.
    pub checkpoint_rows: i64,
    pub city_rule: CityRule,
}

/// What readers and the writer share.
pub(super) struct Shared {
    pub snapshot: ArcSwap<Snapshot>,
    pub landed: watch::Sender<u64>,
    pub status: Mutex<Status>,
}

/// Something to be done in a commit.
pub(super) enum Request {
    Append { stream: Stream, part: Part },
    EndReplay(ReplayId),
}

/// Hot rows that no longer grow, on their way to segments.
pub(super) struct Generation {
    /// First and last log file they are in.
    pub logs: (u64, u64),
    pub streams: [Vec<RecordBatch>; Stream::ALL.len()],
    /// Rows held meanwhile, each with the `seq` given next at that time.
    pub held: Vec<(i64, Held)>,
    pub next_seq: i64,
    /// What landing remembered at its end, when it is time for a checkpoint.
    pub checkpoint: Option<Vec<u8>>,
}

/// What sealing made of a generation (or compaction of segments).
pub(super) struct Sealed {
    /// The generation's last log file; 0 for a compaction.
    pub log: u64,
    pub added: Vec<Arc<Segment>>,
    /// Ids of segments that are gone.
    pub removed: Vec<u64>,
}

pub(super) struct Core {
    pub dir: Arc<PathBuf>,
    pub disk: Arc<dyn Disk>,
    pub clock: Clock,
    pub settings: Settings,
    pub landing: Landing,
    pub log: LogFile,
    pub shared: Arc<Shared>,
    pub hot: [Vec<RecordBatch>; Stream::ALL.len()],
    pub held: Vec<(i64, Held)>,
    /// First log file of the hot rows.
    pub first_log: u64,
    /// Since when there are hot rows, µs.
    pub hot_since_us: Option<i64>,
    pub sealing: Vec<Arc<Generation>>,
    pub segments: [Arc<[Arc<Segment>]>; Stream::ALL.len()],
    pub version: u64,
    pub poisoned: Option<String>,
    pub forgot_us: i64,
    /// `seq` of the next row at the last checkpoint.
    pub checkpoint_seq: i64,
    /// When that was, µs; 0: before this start.
    pub checkpoint_us: i64,
}

const CHECKPOINT_EVERY_US: u64 = 86_400_000_000;

/// What a row may get in the log beside what was sent: derived columns, and what it has of its ticket.
const ADDED_BYTES: usize = 512;
/// Rows that are held, in one frame of the log.
const HELD_ROWS: usize = 2_000;

/// All rows that are in the store.
struct Everything<'a> {
    segments: &'a [Arc<Segment>],
    sealing: &'a [Arc<Generation>],
    hot: &'a [RecordBatch],
}

impl Past for Everything<'_> {
    fn last_events(&self, tickets: &HashSet<&str, ahash::RandomState>) -> Result<Vec<RecordBatch>, StoreError> {
        let mut found = Vec::new();
        for segment in self.segments {
            found.extend(segment.last_events(tickets)?);
        }
        for generation in self.sealing {
            found.extend(last_events(&generation.streams[Stream::Tickets as usize], tickets)?);
        }
        found.extend(last_events(self.hot, tickets)?);
        // One for each, the last of all.
        last_events(&found, tickets)
    }
}

impl Core {
    /// Lands, logs and shows. One answer for each request, in order.
    pub fn commit(&mut self, requests: Vec<Request>) -> Vec<Result<Landed, StoreError>> {
        let count = requests.len();
        let refuse = |error: &StoreError| (0..count).map(|_| Err(error.clone())).collect::<Vec<_>>();
        if let Some(reason) = &self.poisoned {
            return refuse(&StoreError::ReadOnly { reason: reason.clone() });
        }
        if let Err(error) = self.ensure_room(&requests) {
            let reason = format!("{error}; make room on the disk, rows are taken again by themselves");
            return self.refuse(count, reason);
        }
        match self.try_commit(requests) {
            Ok(answers) => answers,
            Err(error) => {
                self.poison(&error);
                refuse(&StoreError::ReadOnly { reason: self.poisoned.clone().unwrap_or_default() })
            }
        }
    }

    /// Refuses requests for a reason that may pass.
    pub fn refuse(&self, count: usize, reason: String) -> Vec<Result<Landed, StoreError>> {
        self.shared.status.lock().read_only = Some(reason.clone());
        (0..count).map(|_| Err(StoreError::ReadOnly { reason: reason.clone() })).collect()
    }

    fn poison(&mut self, error: &StoreError) {
        let reason = format!("{error}; mend the disk and start the hub again, what was acknowledged is safe");
        tracing::error!(%reason, "the store takes no more rows");
        self.shared.status.lock().read_only = Some(reason.clone());
        self.poisoned = Some(reason);
    }

    /// Room in the log for these requests, in a new file if need be.
    fn ensure_room(&mut self, requests: &[Request]) -> Result<(), StoreError> {
        let rows: usize = requests
            .iter()
            .map(|request| match request {
                Request::Append { part, .. } => memory_bytes(&part.batch) + ADDED_BYTES * part.batch.num_rows() + 8192,
                Request::EndReplay(_) => 0,
            })
            .sum();
        // What waits may be written once more.
        let need = rows as u64 + 1024 * self.landing.held.waiting() as u64 + 64 * 1024;
        if self.log.written + need > self.log.reserved {
            if self.hot_since_us.is_some() {
                self.rotate(need)?;
            } else {
                self.log.reserve(self.log.written + need.max(self.settings.log_reserve))?;
            }
        }
        let mut status = self.shared.status.lock();
        if self.poisoned.is_none() {
            status.read_only = None;
        }
        Ok(())
    }

    fn try_commit(&mut self, requests: Vec<Request>) -> Result<Vec<Result<Landed, StoreError>>, StoreError> {
        let now_us = self.clock.now_us();
        let mut answers: Vec<Option<Landed>> = requests.iter().map(|_| None).collect();
        let mut commit = Commit::default();
        let mut shown: Vec<(Stream, RecordBatch)> = Vec::new();
        // Appends are landed a stream at a time, in their order; the end of a replay comes after what was before it.
        let mut pending: [(Vec<usize>, Vec<Part>); Stream::ALL.len()] = Default::default();
        for (place, request) in requests.into_iter().enumerate() {
            match request {
                Request::Append { stream, part } => {
                    pending[stream as usize].0.push(place);
                    pending[stream as usize].1.push(part);
                }
                Request::EndReplay(replay) => {
                    self.land_pending(&mut pending, now_us, &mut commit, &mut shown, &mut answers)?;
                    let aside = self.write_off(Some(replay), now_us, &mut commit)?;
                    let quarantined = aside.reasons.values().sum();
                    answers[place] = Some(Landed { quarantined, aside, ..Landed::default() });
                }
            }
        }
        self.land_pending(&mut pending, now_us, &mut commit, &mut shown, &mut answers)?;
        self.finish(commit, shown, now_us)?;
        Ok(answers.into_iter().map(|answer| Ok(answer.unwrap_or_default())).collect())
    }

    fn land_pending(
        &mut self,
        pending: &mut [(Vec<usize>, Vec<Part>); Stream::ALL.len()],
        now_us: i64,
        commit: &mut Commit,
        shown: &mut Vec<(Stream, RecordBatch)>,
        answers: &mut [Option<Landed>],
    ) -> Result<(), StoreError> {
        for stream in Stream::ALL {
            let (places, parts) = std::mem::take(&mut pending[stream as usize]);
            if parts.is_empty() {
                continue;
            }
            let tickets = Stream::Tickets as usize;
            let past =
                Everything { segments: &self.segments[tickets], sealing: &self.sealing, hot: &self.hot[tickets] };
            let outcome = self.landing.land(stream, parts, now_us, &past)?;
            for (place, report) in places.into_iter().zip(outcome.reports) {
                answers[place] = Some(report);
            }
            if let Some(landed) = outcome.landed {
                commit.rows(stream, &landed, outcome.first_seq, now_us)?;
                shown.push((stream, landed));
            }
            self.note_held(outcome.held, now_us, commit)?;
        }
        Ok(())
    }

    fn write_off(&mut self, replay: Option<ReplayId>, now_us: i64, commit: &mut Commit) -> Result<Aside, StoreError> {
        let held = self.landing.write_off(replay, now_us);
        let mut aside = Aside::default();
        for held in &held {
            aside.add(&held.reason, || held.told(None));
        }
        self.note_held(held, now_us, commit)?;
        Ok(aside)
    }

    fn note_held(&mut self, held: Vec<Held>, now_us: i64, commit: &mut Commit) -> Result<(), StoreError> {
        if held.is_empty() {
            return Ok(());
        }
        let next_seq = self.landing.next_seq;
        for held in held.chunks(HELD_ROWS) {
            commit.held(held, next_seq, now_us)?;
        }
        self.held.extend(held.into_iter().map(|held| (next_seq, held)));
        self.hot_since_us.get_or_insert(now_us);
        Ok(())
    }

    fn finish(&mut self, commit: Commit, shown: Vec<(Stream, RecordBatch)>, now_us: i64) -> Result<(), StoreError> {
        if commit.is_empty() {
            // All of it was seen before, in commits the disk has.
            self.update_status();
            return Ok(());
        }
        let before = self.log.written;
        self.log.append(commit)?;
        {
            let mut status = self.shared.status.lock();
            status.logged_bytes += self.log.written - before;
            status.commits += 1;
        }
        if !shown.is_empty() {
            self.hot_since_us.get_or_insert(now_us);
        }
        for (stream, batch) in shown {
            self.push_hot(stream, batch)?;
        }
        self.publish();
        Ok(())
    }

    /// What time brings: rows that waited too long, hot rows that are old, finished tickets to forget.
    /// True when the hot rows should be sealed.
    pub fn tick(&mut self) -> bool {
        if self.poisoned.is_some() {
            return false;
        }
        let now_us = self.clock.now_us();
        let mut commit = Commit::default();
        let done = self
            .write_off(None, now_us, &mut commit)
            .and_then(|_| if commit.is_empty() { Ok(()) } else { self.finish(commit, Vec::new(), now_us) });
        if let Err(error) = done {
            self.poison(&error);
            return false;
        }
        // A clock that was set back counts as time gone by.
        if now_us.abs_diff(self.forgot_us) > 60_000_000 {
            self.forgot_us = now_us;
            self.landing.forget(now_us.saturating_sub(self.settings.forget_after_us));
        }
        self.is_full()
            || self.hot_since_us.is_some_and(|since| now_us.saturating_sub(since) >= self.settings.seal_after_us)
    }

    pub fn is_full(&self) -> bool {
        let rows = |batches: &Vec<RecordBatch>| batches.iter().map(RecordBatch::num_rows).sum::<usize>();
        self.log.written >= self.settings.seal_bytes || self.hot.iter().any(|hot| rows(hot) >= self.settings.seal_rows)
    }

    /// Adds landed rows, joining small batches so that there are few: like the digits of a binary counter.
    pub fn push_hot(&mut self, stream: Stream, batch: RecordBatch) -> Result<(), StoreError> {
        let hot = &mut self.hot[stream as usize];
        hot.push(batch);
        while let [.., before, last] = hot.as_slice() {
            let rows = before.num_rows() + last.num_rows();
            if before.num_rows() > last.num_rows() * 2 || rows > HOT_BATCH_ROWS {
                break;
            }
            let joined = join(&stream.schema(), &[before.clone(), last.clone()])?;
            hot.truncate(hot.len() - 2);
            hot.push(joined);
        }
        Ok(())
    }

    /// Ends the hot rows' growth and begins a new log file with room for `need` bytes.
    ///
    /// # Errors
    /// There is no room for the new file; then nothing has changed.
    pub fn rotate(&mut self, need: u64) -> Result<(), StoreError> {
        // A checkpoint costs as much as there is to remember: the more that is, the rarer. In a quiet city once a day, and
        // after a start: what no checkpoint covers can be neither joined nor dropped.
        let every = self.settings.checkpoint_rows.max(2 * self.landing.tickets.len() as i64);
        let rows = self.uncovered_rows();
        let old = self.clock.now_us().abs_diff(self.checkpoint_us) >= CHECKPOINT_EVERY_US;
        self.begin_log(need, rows >= every || (rows > 0 && old))
    }

    /// The last rotation before the process ends: with a checkpoint, so that the next start has little to read again.
    ///
    /// # Errors
    /// As [`Core::rotate`].
    pub fn end(&mut self) -> Result<(), StoreError> {
        self.begin_log(0, true)
    }

    /// Rows that no checkpoint covers: a start reads them again.
    pub fn uncovered_rows(&self) -> i64 {
        self.landing.next_seq - self.checkpoint_seq
    }

    fn begin_log(&mut self, need: u64, due: bool) -> Result<(), StoreError> {
        let id = self.log.id + 1;
        let log = match LogFile::create(&*self.disk, &self.dir, id, self.settings.log_reserve.max(need + 4096)) {
            Ok(log) => log,
            Err(error) => {
                // Nothing was written to it; it must not stand behind a log that goes on.
                let path = super::log::path(&self.dir, id);
                if self.disk.exists(&path)
                    && let Err(left) = self.disk.remove(&path)
                {
                    self.poison(&StoreError::io("cannot remove", &path, &left));
                }
                return Err(error);
            }
        };
        let checkpoint = if due { self.take_checkpoint() } else { None };
        let generation = Generation {
            logs: (self.first_log, self.log.id),
            streams: std::mem::take(&mut self.hot),
            held: std::mem::take(&mut self.held),
            next_seq: self.landing.next_seq,
            checkpoint,
        };
        self.first_log = id;
        self.log = log;
        self.hot_since_us = None;
        self.sealing.push(Arc::new(generation));
        Ok(())
    }

    fn take_checkpoint(&mut self) -> Option<Vec<u8>> {
        match checkpoint::write(&self.landing) {
            Ok(bytes) => {
                (self.checkpoint_seq, self.checkpoint_us) = (self.landing.next_seq, self.clock.now_us());
                Some(bytes)
            }
            Err(message) => {
                tracing::warn!(%message, "no checkpoint can be taken; the next start takes longer");
                None
            }
        }
    }

    /// Takes what sealing made.
    pub fn sealed(&mut self, sealed: Sealed) {
        self.sealing.retain(|generation| generation.logs.1 != sealed.log);
        for segment in self.segments.iter().flat_map(|segments| segments.iter()) {
            if sealed.removed.contains(&segment.id()) {
                segment.cache.remove(segment.id());
                segment.gone.store(true, Ordering::Relaxed);
            }
        }
        for stream in Stream::ALL {
            let added = sealed.added.iter().filter(|segment| segment.stream == stream);
            let kept = self.segments[stream as usize].iter().filter(|segment| !sealed.removed.contains(&segment.id()));
            let segments: Vec<_> = kept.chain(added).cloned().collect();
            self.segments[stream as usize] = segments.into();
        }
        self.publish();
    }

    /// Shows readers what there is now.
    pub fn publish(&mut self) {
        self.version += 1;
        let before = self.shared.snapshot.load_full();
        let streams = Stream::ALL.map(|stream| {
            let index = stream as usize;
            let sealing = self.sealing.iter().flat_map(|generation| generation.streams[index].iter());
            StreamRows {
                segments: self.segments[index].clone(),
                hot: sealing.chain(&self.hot[index]).cloned().collect(),
            }
        });
        if self.poisoned.is_some() {
            // What was landed last is not on the disk: of the rows that are, only their places changed.
            let Snapshot { data_until, recv_until, demo, next_seq, ref tables, .. } = *before;
            let (version, tables) = (self.version, tables.clone());
            let snapshot = Snapshot { version, data_until, recv_until, demo, next_seq, streams, tables };
            self.shared.snapshot.store(Arc::new(snapshot));
            self.shared.landed.send_replace(self.version);
            return;
        }
        let landing = &mut self.landing;
        let tables = Tables {
            symbols: landing.symbols.view(),
            open: landing.tickets.open_view(),
            queue: landing.objects.queue.slab.view(),
            seats: landing.objects.seats.slab.view(),
            devices: landing.objects.devices.slab.view(),
            feeds: landing.objects.feeds.slab.view(),
            held: landing.held.view(),
            ..Tables::default()
        };
        let snapshot = Snapshot {
            version: self.version,
            data_until: landing.data_until,
            recv_until: landing.recv_until,
            demo: landing.demo,
            next_seq: landing.next_seq,
            streams,
            tables: tables.after(&before.tables),
        };
        self.shared.snapshot.store(Arc::new(snapshot));
        self.update_status();
        self.shared.landed.send_replace(self.version);
    }

    fn update_status(&self) {
        let mut status = self.shared.status.lock();
        let landing = &self.landing;
        for stream in Stream::ALL {
            status.rows.insert(stream.name(), landing.rows[stream as usize]);
        }
        status.duplicates = landing.duplicates;
        status.quarantined = landing.held.quarantined;
        status.waiting = landing.held.waiting() as u64;
        status.open_tickets = landing.tickets.open_len() as u64;
        status.tickets_in_memory = landing.tickets.len() as u64;
        status.log_bytes = self.log.written;
        status.segments = self.segments.iter().map(|segments| segments.len() as u64).sum();
        status.segment_bytes = self.segments.iter().flat_map(|s| s.iter()).map(|segment| segment.info.bytes).sum();
        status.next_seq = landing.next_seq;
    }
}
