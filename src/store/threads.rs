//! The two threads of the store: the writer, which lands, logs and shows, and the sealer.
//!
//! The way to the writer is bounded in bytes. While it waits for the disk, what comes in gathers and shares the next
//! sync. When the sealer falls behind by [`BEHIND_MAX`] generations the writer waits for it, so that neither the log
//! nor memory grows without bound; when it cannot seal at all, rows are refused until it can.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use crate::model::Stream;
use crate::model::time::DAY_US;

use super::core::{Core, Generation, Request, Sealed, Settings, Shared};
use super::disk::{Disk, FileDisk, MemoryDisk};
use super::landing::{Landed, Landing, Part};
use super::open::{Opened, open};
use super::seal::Sealer;
use super::segment::cache::Cache;
use super::{ReplayId, StoreError, StoreOptions};

type Reply = oneshot::Sender<Result<Landed, StoreError>>;

/// Room in the queue, given back when the job is done.
pub(super) type Room = OwnedSemaphorePermit;

pub(super) enum Job {
    Append {
        stream: Stream,
        part: Part,
        reply: Reply,
        room: Room,
    },
    EndReplay {
        replay: ReplayId,
        reply: Reply,
        room: Room,
    },
    Flush {
        reply: oneshot::Sender<()>,
        room: Room,
    },
    /// From the sealer.
    Sealed(Result<Sealed, StoreError>),
    Stop,
}

/// Bytes one permit of the queue stands for.
const ROOM_BYTES: usize = 4096;
/// Rows of one commit, about.
const COMMIT_ROWS: usize = 64 * 1024;
/// Generations waiting to be sealed.
const BEHIND_MAX: usize = 3;
const TICK: Duration = Duration::from_millis(500);
/// Joins of segments after one sealing: each stream and month has its own, none must wait for ever.
const TIDY_MAX: usize = 16;
/// Sealing that failed is tried again after this.
const SEAL_AGAIN: Duration = Duration::from_secs(5);

/// The handle of the threads.
pub(super) struct Writer {
    pub shared: Arc<Shared>,
    pub cache: Arc<Cache>,
    pub disk: Arc<dyn Disk>,
    pub dir: std::path::PathBuf,
    jobs: SyncSender<Job>,
    room: Arc<Semaphore>,
    room_max: usize,
    replays: AtomicU64,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Writer {
    pub fn start(options: StoreOptions) -> Result<Writer, StoreError> {
        let (disk, dir): (Arc<dyn Disk>, _) = match (&options.disk, &options.dir) {
            (Some(disk), dir) => (disk.clone(), dir.clone().unwrap_or_else(|| "/".into())),
            // Absolute, since the names of segments are passed on as addresses.
            (None, Some(dir)) => (
                Arc::new(FileDisk),
                std::path::absolute(dir).map_err(|error| StoreError::io("cannot find", dir, &error))?,
            ),
            (None, None) => (Arc::new(MemoryDisk::new()), "/".into()),
        };
        disk.create_dir_all(&dir).map_err(|error| StoreError::io("cannot create", &dir, &error))?;
        let lock = disk.lock(&dir.join("LOCK")).map_err(|error| match error.kind() {
            std::io::ErrorKind::WouldBlock => StoreError::Locked(dir.clone()),
            _ => StoreError::io("cannot lock", &dir, &error),
        })?;
        let settings = Settings {
            seal_rows: options.seal_rows,
            seal_bytes: 64 << 20,
            seal_after_us: options.seal_after_s.saturating_mul(1_000_000),
            log_reserve: 64 << 20,
            forget_after_us: options.forget_after_s.saturating_mul(1_000_000),
            checkpoint_rows: options.checkpoint_rows,
            city_rule: options.city_rule,
        };
        let cache = Arc::new(Cache::new(options.cache_bytes));
        let landing = Landing::new(options.city.clone(), options.waiting_s.saturating_mul(1_000_000));
        let Opened { core, mut sealer, shared } =
            open(disk.clone(), dir.clone(), options.clock, settings, landing, cache.clone())?;
        sealer.keep_us = options.keep_days.map(|days| i64::from(days).saturating_mul(DAY_US));
        sealer.small_count = options.join_segments.max(2);

        let room_max = (options.queue_bytes / ROOM_BYTES).max(16);
        // One job a permit, and what the sealer sends: the channel is never full.
        let (jobs, inbox) = sync_channel(room_max + BEHIND_MAX + 8);
        let (to_sealer, generations) = sync_channel::<Arc<Generation>>(BEHIND_MAX + 1);
        let from_sealer = jobs.clone();
        let failed = |error: std::io::Error| StoreError::io("cannot start a thread for", "the store".as_ref(), &error);
        let sealing = thread::Builder::new()
            .name("store-sealer".to_owned())
            .spawn(move || seal_all(sealer, &generations, &from_sealer))
            .map_err(failed)?;
        let commit_every = Duration::from_micros(options.commit_every_us);
        let thread = thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || {
                Writing {
                    core,
                    inbox,
                    to_sealer: Some(to_sealer),
                    behind: 0,
                    commit_every,
                    flushes: Vec::new(),
                    stash: VecDeque::new(),
                    seal_error: None,
                }
                .run();
                if sealing.join().is_err() {
                    tracing::error!("the sealing thread ended badly; what it had not done is in the log");
                }
                drop(lock);
            })
            .map_err(failed)?;
        Ok(Writer {
            shared,
            cache,
            disk,
            dir,
            jobs,
            room: Arc::new(Semaphore::new(room_max)),
            room_max,
            replays: AtomicU64::new(1),
            thread: Mutex::new(Some(thread)),
        })
    }

    pub fn new_replay(&self) -> ReplayId {
        ReplayId(self.replays.fetch_add(1, Ordering::Relaxed))
    }

    /// Waits for room for `bytes`, then queues the job.
    pub async fn send(&self, bytes: usize, job: impl FnOnce(Room) -> Job) -> Result<(), StoreError> {
        let permits = bytes.div_ceil(ROOM_BYTES).clamp(1, self.room_max) as u32;
        let room = self.room.clone().acquire_many_owned(permits).await.map_err(|_| StoreError::Stopped)?;
        self.jobs.try_send(job(room)).map_err(|_| StoreError::Stopped)
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // What was queued before is still done.
        let stopped = self.jobs.send(Job::Stop).is_ok();
        if stopped
            && let Some(thread) = self.thread.lock().take()
            && thread.join().is_err()
        {
            tracing::error!("the writing thread ended badly; what was acknowledged is in the log");
        }
    }
}

struct Writing {
    core: Core,
    inbox: Receiver<Job>,
    to_sealer: Option<SyncSender<Arc<Generation>>>,
    /// Generations sent to the sealer and not yet back.
    behind: usize,
    commit_every: Duration,
    flushes: Vec<(u64, oneshot::Sender<()>)>,
    /// Jobs that came while the sealer was waited for.
    stash: VecDeque<Job>,
    /// Why sealing fails, while it does.
    seal_error: Option<String>,
}

impl Writing {
    fn next(&mut self, wait: Duration) -> Result<Job, RecvTimeoutError> {
        match self.stash.pop_front() {
            Some(job) => Ok(job),
            None => self.inbox.recv_timeout(wait),
        }
    }

    /// Waits while too much is waiting to be sealed.
    fn wait_for_sealer(&mut self) {
        while self.core.sealing.len() > BEHIND_MAX && self.seal_error.is_none() {
            match self.inbox.recv_timeout(TICK) {
                Ok(Job::Sealed(sealed)) => {
                    self.sealed(sealed);
                    self.pass_on();
                }
                Ok(job) => self.stash.push_back(job),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn run(mut self) {
        let mut last_commit = Instant::now();
        let mut last_tick = Instant::now();
        loop {
            self.wait_for_sealer();
            let first = match self.next(TICK) {
                Ok(Job::Stop) | Err(RecvTimeoutError::Disconnected) => break,
                Ok(job) => Some(job),
                Err(RecvTimeoutError::Timeout) => None,
            };
            let mut group = Group::default();
            let mut stop = false;
            if let Some(job) = first {
                let soonest = last_commit + self.commit_every;
                self.take(job, &mut group);
                while group.rows < COMMIT_ROWS && !stop {
                    let now = Instant::now();
                    let wait =
                        if group.replies.is_empty() { Duration::ZERO } else { soonest.saturating_duration_since(now) };
                    match self.next(wait) {
                        Ok(Job::Stop) => stop = true,
                        Ok(job) => self.take(job, &mut group),
                        Err(_) => break,
                    }
                }
            }
            if !group.replies.is_empty() {
                let requests = std::mem::take(&mut group.requests);
                let answers = match &self.seal_error {
                    Some(error) if self.core.sealing.len() > BEHIND_MAX => {
                        let reason = format!("{error}; make room on the disk, rows are taken again by themselves");
                        self.core.refuse(requests.len(), reason)
                    }
                    _ => self.core.commit(requests),
                };
                last_commit = Instant::now();
                drop(std::mem::take(&mut group.rooms));
                for (reply, answer) in group.replies.into_iter().zip(answers) {
                    // A client that has gone does not want its answer.
                    let _ = reply.send(answer);
                }
            }
            for reply in group.flushes {
                self.flush(reply);
            }
            let mut old = false;
            if last_tick.elapsed() >= TICK {
                last_tick = Instant::now();
                old = self.core.tick();
            }
            if old || self.core.is_full() {
                self.rotate();
            }
            self.pass_on();
            if stop {
                break;
            }
        }
        self.end();
        // The sealer finishes what it has; the rest is in the log.
        self.to_sealer = None;
    }

    /// Seals what is hot with a checkpoint, where the next start would have many rows to read again.
    fn end(&mut self) {
        let core = &mut self.core;
        if core.hot_since_us.is_none() || core.poisoned.is_some() {
            return;
        }
        if core.uncovered_rows() < core.settings.checkpoint_rows {
            return;
        }
        match core.end() {
            Ok(()) => self.pass_on(),
            Err(error) => tracing::warn!(%error, "no checkpoint is taken at the end; the next start takes longer"),
        }
    }

    fn take(&mut self, job: Job, group: &mut Group) {
        match job {
            Job::Append { stream, part, reply, room } => {
                group.rows += part.batch.num_rows();
                group.requests.push(Request::Append { stream, part });
                group.replies.push(reply);
                group.rooms.push(room);
            }
            Job::EndReplay { replay, reply, room } => {
                group.requests.push(Request::EndReplay(replay));
                group.replies.push(reply);
                group.rooms.push(room);
            }
            Job::Flush { reply, room } => {
                group.flushes.push(reply);
                group.rooms.push(room);
            }
            Job::Sealed(sealed) => self.sealed(sealed),
            Job::Stop => {}
        }
    }

    fn sealed(&mut self, sealed: Result<Sealed, StoreError>) {
        match sealed {
            Ok(sealed) => {
                self.seal_error = None;
                if sealed.log > 0 {
                    self.behind = self.behind.saturating_sub(1);
                }
                let log = sealed.log;
                self.core.sealed(sealed);
                for (upto, reply) in std::mem::take(&mut self.flushes) {
                    if upto > log {
                        self.flushes.push((upto, reply));
                    } else {
                        let _ = reply.send(());
                    }
                }
            }
            Err(error) => {
                tracing::error!(%error, "rows stay in the log; sealing is tried again");
                self.seal_error = Some(error.to_string());
            }
        }
    }

    fn flush(&mut self, reply: oneshot::Sender<()>) {
        if self.core.hot_since_us.is_some() {
            self.rotate();
        }
        match self.core.sealing.last().map(|generation| generation.logs.1) {
            Some(log) => self.flushes.push((log, reply)),
            None => drop(reply.send(())),
        }
    }

    fn rotate(&mut self) {
        if self.core.hot_since_us.is_none() || self.core.poisoned.is_some() {
            return;
        }
        if let Err(error) = self.core.rotate(0) {
            // The old file goes on while it has room.
            tracing::warn!(%error, "no new log file can be made");
        }
    }

    /// Hands generations to the sealer, as many as it has room for.
    fn pass_on(&mut self) {
        while let Some(generation) = self.core.sealing.get(self.behind) {
            let Some(to_sealer) = &self.to_sealer else { return };
            if to_sealer.try_send(generation.clone()).is_err() {
                return;
            }
            self.behind += 1;
        }
    }
}

#[derive(Default)]
struct Group {
    requests: Vec<Request>,
    replies: Vec<Reply>,
    rooms: Vec<Room>,
    flushes: Vec<oneshot::Sender<()>>,
    rows: usize,
}

/// Joins and drops segments until there is nothing to do or enough was done: new rows wait for it.
fn tidy(sealer: &mut Sealer, done: &SyncSender<Job>) {
    for _ in 0..TIDY_MAX {
        match sealer.tidy() {
            Ok(Some(tidied)) => {
                if done.send(Job::Sealed(Ok(tidied))).is_err() {
                    return;
                }
            }
            Ok(None) => return,
            Err(error) => return tracing::warn!(%error, "small segments stay as they are"),
        }
    }
}

fn seal_all(mut sealer: Sealer, generations: &Receiver<Arc<Generation>>, done: &SyncSender<Job>) {
    while let Ok(generation) = generations.recv() {
        loop {
            match sealer.seal(&generation) {
                Ok(sealed) => {
                    // The writer may have stopped; the manifest has it.
                    let _ = done.try_send(Job::Sealed(Ok(sealed)));
                    tidy(&mut sealer, done);
                    break;
                }
                Err(error) => {
                    if done.try_send(Job::Sealed(Err(error))).is_err() {
                        return;
                    }
                    thread::sleep(SEAL_AGAIN);
                }
            }
        }
    }
}
