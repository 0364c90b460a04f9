//! Metrics that somebody looks at, each worked out once for all who do.
//!
//! A poller is one metric with one set of parameters. It asks the engine again at the metric's own interval when the
//! store changed or the clock moved its window, encodes the answer once, and puts it into a slot that holds the newest
//! only. It ends when nobody looks any more. When a question fails, the last good rows stand and the error is
//! said with them.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::extract::ws::Utf8Bytes;
use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::encode;
use crate::model::Stream;
use crate::model::message::{HubMessage, MetricRef, MetricResult, QueryFailure};
use crate::query::Engine;
use crate::query::rows::batch_of;
use crate::store::Store;

/// A result, encoded when first needed in either form.
pub struct Rendered {
    pub result: MetricResult,
    json: OnceLock<Utf8Bytes>,
    arrow: OnceLock<Bytes>,
}

impl Rendered {
    fn new(result: MetricResult) -> Arc<Rendered> {
        Arc::new(Rendered { result, json: OnceLock::new(), arrow: OnceLock::new() })
    }

    pub fn json(&self) -> Utf8Bytes {
        self.json.get_or_init(|| encode::json(&HubMessage::Result(self.result.clone()))).clone()
    }

    /// The binary frame, or `None` when the rows can't be put into columns (JSON is sent then).
    pub fn arrow(&self) -> Option<Bytes> {
        if let Some(frame) = self.arrow.get() {
            return Some(frame.clone());
        }
        let batch = batch_of(&self.result.columns, &self.result.rows).ok()?;
        let header = HubMessage::Result(MetricResult { rows: Vec::new(), ..self.result.clone() });
        let frame = encode::arrow(&header, &batch.schema(), &[batch]).ok()?;
        Some(self.arrow.get_or_init(|| frame).clone())
    }
}

/// No metric is asked more often.
const REFRESH_MIN: Duration = Duration::from_millis(50);

/// How often a metric that moves with the clock is asked when no row lands: what it shows counts whole seconds.
const CLOCK_TICK: Duration = Duration::from_secs(1);

/// How often a resting metric looks whether the store grew by much.
const OUTGROWN_LOOK: Duration = Duration::from_millis(500);

/// The newest result of a metric; `None` until the first.
pub type Slot = Option<Arc<Rendered>>;

pub struct Pollers {
    store: Store,
    engine: Engine,
    repeat: Duration,
    count_max: usize,
    slots: Mutex<HashMap<MetricRef, Arc<watch::Sender<Slot>>>>,
    tasks: Mutex<JoinSet<()>>,
}

impl Pollers {
    pub fn new(store: Store, engine: Engine, repeat: Duration, count_max: usize) -> Arc<Pollers> {
        Arc::new(Pollers { store, engine, repeat, count_max, slots: Mutex::default(), tasks: Mutex::default() })
    }

    pub fn count(&self) -> usize {
        self.slots.lock().len()
    }

    /// The slot of a metric; its first value may already be there. `None` when too many are looked at.
    pub fn subscribe(self: &Arc<Pollers>, metric: &MetricRef) -> Option<watch::Receiver<Slot>> {
        let mut slots = self.slots.lock();
        let full = slots.len() >= self.count_max;
        let mut receiver = match slots.entry(metric.clone()) {
            Entry::Occupied(slot) => slot.get().subscribe(),
            Entry::Vacant(_) if full => return None,
            Entry::Vacant(place) => {
                let (sender, receiver) = watch::channel(None);
                let sender = place.insert(Arc::new(sender)).clone();
                let mut tasks = self.tasks.lock();
                while tasks.try_join_next().is_some() {}
                tasks.spawn(self.clone().poll(metric.clone(), sender));
                receiver
            }
        };
        drop(slots);
        // Shows a newcomer what is already there.
        receiver.mark_changed();
        Some(receiver)
    }

    /// Ends all pollers; they let go of the store.
    pub async fn stop(&self) {
        let mut tasks = std::mem::take(&mut *self.tasks.lock());
        tasks.shutdown().await;
    }

    /// Removes a metric nobody looks at. False when somebody came meanwhile.
    fn retire(&self, metric: &MetricRef, sender: &watch::Sender<Slot>) -> bool {
        let mut slots = self.slots.lock();
        let unseen = sender.receiver_count() == 0;
        if unseen {
            slots.remove(metric);
        }
        unseen
    }

    async fn poll(self: Arc<Pollers>, metric: MetricRef, sender: Arc<watch::Sender<Slot>>) {
        let mut landed = self.store.landed();
        let mut catalog_changed = self.engine.catalog_changed();
        let mut sent_at: Option<Instant> = None;
        loop {
            landed.borrow_and_update();
            catalog_changed.borrow_and_update();
            let started = Instant::now();
            let rows = self.rows();
            let outcome = self.engine.metric(&metric, None).await;
            let before = sender.borrow().clone();
            let result = match outcome {
                Ok(result) => result,
                Err(failure) => self.failed(&metric, before.as_deref(), &failure),
            };
            let is_due = sent_at.is_none_or(|sent_at| sent_at.elapsed() >= self.repeat);
            if is_due || before.is_none_or(|before| differs(&before.result, &result)) {
                sender.send_replace(Some(Rendered::new(result)));
                sent_at = Some(Instant::now());
            }
            let Pace { refresh, moves } = self.pace(&metric);
            // A question that takes long is asked at most half of the time.
            let next = started + refresh.max(started.elapsed() * 2);
            let repeat = sent_at.unwrap_or(started) + self.repeat;
            let wait = async {
                tokio::select! {
                    () = sleep_until(next) => {}
                    () = self.outgrown(rows, started.elapsed()) => return,
                }
                let unasked = if moves { next.max(started + CLOCK_TICK) } else { next.max(repeat) };
                tokio::select! {
                    Ok(()) = landed.changed() => {}
                    () = sleep_until(unasked) => {}
                }
            };
            tokio::select! {
                () = wait => {}
                Ok(()) = catalog_changed.changed() => {}
                () = sender.closed() => {
                    if self.retire(&metric, &sender) {
                        return;
                    }
                }
            }
        }
    }

    fn rows(&self) -> u64 {
        let snapshot = self.store.snapshot();
        Stream::ALL.into_iter().map(|stream| snapshot.rows(stream)).sum()
    }

    /// Ends when the store holds a tenth more rows than it did: an import or a back-fill should not stand beside old
    /// figures for as long as an hourly metric may rest. Looks seldom enough that a slow question does not follow itself.
    async fn outgrown(&self, rows: u64, took: Duration) {
        loop {
            tokio::time::sleep(OUTGROWN_LOOK.max(took * 2)).await;
            if self.rows() > rows + rows / 10 {
                return;
            }
        }
    }

    /// The last good rows, or none, with what went wrong.
    fn failed(&self, metric: &MetricRef, before: Option<&Rendered>, failure: &QueryFailure) -> MetricResult {
        let error = Some(failure.message.clone());
        if let Some(before) = before {
            return MetricResult { error, ..before.result.clone() };
        }
        let snapshot = self.store.snapshot();
        MetricResult {
            metric: metric.name.clone(),
            params: metric.params.clone(),
            version: snapshot.version,
            as_of: self.engine.now_us(),
            data_until: snapshot.data_until,
            demo: snapshot.demo,
            replay: snapshot.replay(),
            columns: Vec::new(),
            rows: Vec::new(),
            error,
            info: Default::default(),
        }
    }

    fn pace(&self, metric: &MetricRef) -> Pace {
        match self.engine.catalog().metrics.get(&metric.name) {
            Some(known) => Pace {
                refresh: Duration::from_micros(known.header.refresh_us.max(0) as u64).max(REFRESH_MIN),
                moves: moves_with_clock(&known.sql),
            },
            // Not in the catalog: asked again when the files change.
            None => Pace { refresh: Duration::from_secs(1), moves: false },
        }
    }
}

/// Whether the answer changes from one moment to the next without a new row. A day's window (`day_start()`) moves at
/// midnight only, which the repeated sending of an unchanged result notices in time.
fn moves_with_clock(sql: &str) -> bool {
    let sql = sql.to_ascii_lowercase();
    sql.contains("now(") || sql.contains("current_")
}

struct Pace {
    refresh: Duration,
    /// The answer changes as time goes by, also when no row lands.
    moves: bool,
}

/// Whether a client should hear of it: more than the time of the answer changed.
fn differs(before: &MetricResult, after: &MetricResult) -> bool {
    (&before.rows, &before.columns, &before.error, before.demo, before.replay, &before.info)
        != (&after.rows, &after.columns, &after.error, after.demo, after.replay, &after.info)
}
