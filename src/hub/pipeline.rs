//! The way of batches from one connection to the disk, and of their acks back.
//!
//! Several batches are under way at once, so that a client need not wait for each fsync; how many, in number and
//! bytes, is bounded, and then the connection is not read. Batches are handed to the store in the order in which they came,
//! and acks go back in that order. An ack is sent only when [`Store::append`] has resolved. What the store refuses
//! becomes an `error` that names the batch.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::future::{BoxFuture, OptionFuture, ready};
use futures_util::stream::{FuturesOrdered, StreamExt};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

use super::codes::{self, Codes};
use super::decode::{Ingest, Refusal};
use super::limits::{ERRORS_TOLD_MAX, Limits};
use super::outbox::{Gone, Outbox};
use super::rows::{self, Good};
use crate::model::event::RowError;
use crate::model::message::{HubMessage, UnknownCodes};
use crate::model::{City, Stream};
use crate::store::{Landed, ReplayId, Store, StoreError};

/// What was taken in, for `/metrics`.
#[derive(Debug, Default)]
pub struct Taken {
    pub batches: AtomicU64,
    pub rows: AtomicU64,
    pub bytes: AtomicU64,
    pub wrong_rows: AtomicU64,
    pub refused_batches: AtomicU64,
    /// Sum of the time from a batch's arrival to its ack, µs.
    pub ack_us: AtomicU64,
    /// Codes that the city does not know.
    pub unknown: Codes,
}

enum Work {
    Batch(Ingest, OwnedSemaphorePermit),
    End(u64),
}

/// The pipeline of one connection.
pub struct Pipeline {
    work: mpsc::Sender<Work>,
    bytes: Arc<Semaphore>,
    bytes_max: usize,
    task: JoinHandle<()>,
}

impl Pipeline {
    pub fn start(store: Store, city: Arc<City>, outbox: Outbox, taken: Arc<Taken>, limits: &Limits) -> Pipeline {
        let (work, queue) = mpsc::channel(1);
        let bytes_max = kib(limits.bytes_in_flight);
        let course = Course { store, city, outbox, taken, batches: limits.batches_in_flight, replay: None };
        Pipeline { work, bytes: Arc::new(Semaphore::new(bytes_max)), bytes_max, task: tokio::spawn(course.run(queue)) }
    }

    /// Waits until there is room.
    pub async fn put(&self, ingest: Ingest) -> Result<(), Gone> {
        let size = kib(ingest.bytes).min(self.bytes_max);
        let room = self.bytes.clone().acquire_many_owned(size as u32).await.map_err(|_| Gone)?;
        self.work.send(Work::Batch(ingest, room)).await.map_err(|_| Gone)
    }

    pub async fn end(&self, batch: u64) -> Result<(), Gone> {
        self.work.send(Work::End(batch)).await.map_err(|_| Gone)
    }

    /// Takes no more, and waits until what was taken has landed and was answered.
    pub async fn finish(self, patience: Duration) {
        drop(self.work);
        if timeout(patience, self.task).await.is_err() {
            tracing::warn!("a connection ended before the answer to its last batches");
        }
    }
}

fn kib(bytes: usize) -> usize {
    bytes.div_ceil(1024).max(1)
}

type Reply = (HubMessage, Option<OwnedSemaphorePermit>);

/// A batch that was read, with the room it takes.
struct Read {
    batch: u64,
    stream: Stream,
    replay: bool,
    good: Result<Good, Refusal>,
    bytes: usize,
    came: Instant,
    room: OwnedSemaphorePermit,
}

struct Course {
    store: Store,
    city: Arc<City>,
    outbox: Outbox,
    taken: Arc<Taken>,
    /// How many batches may be under way.
    batches: usize,
    /// Of this connection, from the first batch of history to `end`.
    replay: Option<ReplayId>,
}

impl Course {
    async fn run(mut self, mut queue: mpsc::Receiver<Work>) {
        let mut flight: FuturesOrdered<BoxFuture<'static, Reply>> = FuturesOrdered::new();
        let mut reading: OptionFuture<BoxFuture<'static, Read>> = None.into();
        let mut is_reading = false;
        loop {
            tokio::select! {
                biased;
                // First, so that what was just handed over reaches the store before the next batch is read.
                Some(reply) = flight.next() => self.answer(reply).await,
                Some(read) = &mut reading, if is_reading => {
                    is_reading = false;
                    reading = None.into();
                    flight.push_back(self.land(read));
                }
                work = queue.recv(), if !is_reading && flight.len() < self.batches => match work {
                    Some(Work::Batch(ingest, room)) => {
                        reading = Some(read(ingest, room)).into();
                        is_reading = true;
                    }
                    Some(Work::End(batch)) => {
                        // What waits for its ticket can be told only when every earlier batch has landed.
                        while let Some(reply) = flight.next().await {
                            self.answer(reply).await;
                        }
                        let reply = self.end(batch).await;
                        self.answer((reply, None)).await;
                    }
                    None => break,
                },
            }
        }
        while let Some(reply) = flight.next().await {
            self.answer(reply).await;
        }
        // A history that broke off: what waits for its ticket will not come on this connection.
        if let Some(replay) = self.replay.take()
            && let Err(error) = self.store.end_replay(replay).await
        {
            tracing::warn!("an interrupted replay could not be ended: {error}");
        }
    }

    async fn answer(&self, (message, room): Reply) {
        drop(room);
        // A client that is gone gets no ack and sends the batch again.
        let _ = self.outbox.say(message).await;
    }

    /// Hands a batch to the store; resolves to its ack or error.
    fn land(&mut self, read: Read) -> BoxFuture<'static, Reply> {
        let Read { batch, stream, replay, good, bytes, came, room } = read;
        let taken = self.taken.clone();
        taken.batches.fetch_add(1, Ordering::Relaxed);
        taken.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
        let mut good = match good {
            Ok(good) => good,
            Err(refusal) => {
                taken.refused_batches.fetch_add(1, Ordering::Relaxed);
                return Box::pin(ready((refusal.of(Some(batch)).into(), Some(room))));
            }
        };
        taken.wrong_rows.fetch_add(good.errors.len() as u64, Ordering::Relaxed);
        if good.batch.num_rows() == 0 {
            return Box::pin(ready((ack(batch, Landed::default(), good.errors, UnknownCodes::new()), Some(room))));
        }
        let replay = replay.then(|| *self.replay.get_or_insert_with(|| self.store.new_replay()));
        let (store, city) = (self.store.clone(), self.city.clone());
        Box::pin(async move {
            let rows = good.batch.num_rows() as u64;
            let landing = store.append(stream, good.batch.clone(), replay).await;
            let reply = match landing {
                Ok(mut landed) => {
                    taken.rows.fetch_add(rows, Ordering::Relaxed);
                    taken.ack_us.fetch_add(came.elapsed().as_micros() as u64, Ordering::Relaxed);
                    landed.aside = good.aside_as_sent(landed.aside);
                    let mut errors = good.as_sent(std::mem::take(&mut landed.errors));
                    errors.append(&mut good.errors);
                    errors.sort_by_key(|error| error.row);
                    let unknown = codes::unknown(&city, &good.batch);
                    taken.unknown.add(&unknown);
                    ack(batch, landed, errors, unknown)
                }
                Err(error) => {
                    taken.refused_batches.fetch_add(1, Ordering::Relaxed);
                    store_refusal(&error).of(Some(batch)).into()
                }
            };
            (reply, Some(room))
        })
    }

    async fn end(&mut self, batch: u64) -> HubMessage {
        let Some(replay) = self.replay.take() else {
            return ack(batch, Landed::default(), Vec::new(), UnknownCodes::new());
        };
        match self.store.end_replay(replay).await {
            Ok(mut landed) => {
                let errors = std::mem::take(&mut landed.errors);
                ack(batch, landed, errors, UnknownCodes::new())
            }
            Err(error) => store_refusal(&error).of(Some(batch)).into(),
        }
    }
}

fn read(ingest: Ingest, room: OwnedSemaphorePermit) -> BoxFuture<'static, Read> {
    let came = Instant::now();
    Box::pin(async move {
        let Ingest { batch, stream, replay, rows, bytes } = ingest;
        let good = rows::read(stream, rows, bytes).await;
        Read { batch, stream, replay, good, bytes, came, room }
    })
}

fn ack(batch: u64, landed: Landed, mut errors: Vec<RowError>, unknown: UnknownCodes) -> HubMessage {
    if errors.len() > ERRORS_TOLD_MAX {
        let untold = errors.len() - (ERRORS_TOLD_MAX - 1);
        errors.truncate(ERRORS_TOLD_MAX);
        if let Some(last) = errors.last_mut() {
            last.message = format!("{} (and {} wrong rows more)", last.message, untold - 1);
        }
    }
    let Landed { rows, duplicates, quarantined, waiting, aside, .. } = landed;
    HubMessage::Ack { batch, rows, duplicates, quarantined, waiting, errors, aside, unknown }
}

fn store_refusal(error: &StoreError) -> Refusal {
    let code = match error.code() {
        // The protocol has no code for a store's own trouble; sent again later, the batch may land.
        "store" => "overloaded",
        code => code,
    };
    Refusal::new(code, error.to_string())
}
