//! Where views come from: the store, or rows held in memory (tests, benches).

use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::watch;

use super::cli::QueryCliError;
use super::engine::{Engine, Limits};
use super::source::{Piece, PieceRows, States, StreamRows, View, has_demo, range_of};
use crate::model::{City, Clock, Stream};
use crate::store::{CityRule, Snapshot, Store, StoreOptions};
use arrow::array::RecordBatch;

/// Gives the newest view and says when there is a newer one.
pub trait Source: Send + Sync {
    fn view(&self) -> Arc<View>;
    /// The version of the newest view.
    fn landed(&self) -> watch::Receiver<u64>;

    /// What was last kept under this name; `None` where nothing was, or nothing can be kept.
    fn kept(&self, _name: &str) -> Option<Vec<u8>> {
        None
    }

    /// Keeps bytes over a restart; false where nothing can be kept.
    ///
    /// # Errors
    /// A sentence: the disk.
    fn keep(&self, _name: &str, _bytes: &[u8]) -> Result<bool, String> {
        Ok(false)
    }
}

/// Rows in memory, added by hand.
pub struct MemorySource {
    view: Mutex<Arc<View>>,
    landed: watch::Sender<u64>,
}

impl Default for MemorySource {
    fn default() -> MemorySource {
        MemorySource { view: Mutex::new(Arc::new(View::default())), landed: watch::Sender::new(0) }
    }
}

impl MemorySource {
    /// Changes the view and gives it the next version.
    pub fn change(&self, change: impl FnOnce(&mut View)) {
        let mut held = self.view.lock();
        let mut next = (**held).clone();
        change(&mut next);
        next.version = held.version + 1;
        let version = next.version;
        *held = Arc::new(next);
        drop(held);
        self.landed.send_replace(version);
    }

    /// Lands rows (schema [`Stream::schema`]) as hot ones.
    pub fn land(&self, stream: Stream, batch: RecordBatch) {
        self.change(|view| {
            if let Some((_, high)) = range_of(&batch, "ts") {
                view.data_until = Some(view.data_until.map_or(high, |until| until.max(high)));
            }
            view.demo |= has_demo(&batch);
            view.stream_mut(stream).hot.push(batch);
        });
    }

    /// Seals the first `count` hot batches of a stream as one piece.
    pub fn seal(&self, stream: Stream, count: usize) {
        self.change(|view| {
            let id = view.version + 1;
            seal_batches(view.stream_mut(stream), count, id);
        });
    }
}

/// Turns the first `count` hot batches into a piece with this id.
pub fn seal_batches(rows: &mut StreamRows, count: usize, id: u64) {
    let batches: Vec<RecordBatch> = rows.hot.drain(..count.min(rows.hot.len())).collect();
    if let Some(piece) = memory_piece(id, batches) {
        rows.pieces.push(Arc::new(piece));
    }
}

/// A piece of rows in memory; `None` when there are none.
pub fn memory_piece(id: u64, batches: Vec<RecordBatch>) -> Option<Piece> {
    let spans = |column: &str| {
        batches
            .iter()
            .filter_map(|batch| range_of(batch, column))
            .reduce(|(low, high), (other_low, other_high)| (low.min(other_low), high.max(other_high)))
    };
    let ((ts_min, ts_max), (seq_min, seq_max)) = (spans("ts")?, spans("seq")?);
    let rows = batches.iter().map(RecordBatch::num_rows).sum();
    let demo = batches.iter().any(has_demo);
    Some(Piece { id, rows, ts_min, ts_max, seq_min, seq_max, demo, source: PieceRows::Memory(batches.into()) })
}

impl Source for MemorySource {
    fn view(&self) -> Arc<View> {
        self.view.lock().clone()
    }

    fn landed(&self) -> watch::Receiver<u64> {
        self.landed.subscribe()
    }
}

/// The store's snapshots as views; the same snapshot is the same view.
pub struct StoreSource {
    store: Store,
    latest: Mutex<Option<Arc<View>>>,
}

impl StoreSource {
    pub fn new(store: Store) -> StoreSource {
        StoreSource { store, latest: Mutex::new(None) }
    }
}

impl Source for StoreSource {
    fn view(&self) -> Arc<View> {
        let snapshot = self.store.snapshot();
        let mut latest = self.latest.lock();
        if let Some(view) = latest.as_ref()
            && let States::Store(held) = &view.states
            && Arc::ptr_eq(held, &snapshot)
        {
            return view.clone();
        }
        let view = Arc::new(view_of(snapshot, latest.as_deref()));
        *latest = Some(view.clone());
        view
    }

    fn landed(&self) -> watch::Receiver<u64> {
        self.store.landed()
    }

    fn kept(&self, name: &str) -> Option<Vec<u8>> {
        self.store.read_beside(name)
    }

    fn keep(&self, name: &str, bytes: &[u8]) -> Result<bool, String> {
        self.store.write_beside(name, bytes).map(|()| true).map_err(|error| error.to_string())
    }
}

/// A snapshot as a view. Pieces that `before` already had are shared.
fn view_of(snapshot: Arc<Snapshot>, before: Option<&View>) -> View {
    let mut view = View::new(snapshot.version, snapshot.data_until, snapshot.demo);
    view.replay = snapshot.replay();
    for stream in Stream::ALL {
        let known = before.map(|view| view.stream(stream).pieces.as_slice()).unwrap_or_default();
        let pieces = snapshot
            .segments(stream)
            .iter()
            .enumerate()
            .map(|(index, segment)| {
                // Segments mostly stay where they were.
                if let Some(piece) = known.get(index).filter(|piece| piece.id == segment.id()) {
                    return piece.clone();
                }
                let ((ts_min, ts_max), (seq_min, seq_max)) = (segment.ts_range(), segment.seq_range());
                Arc::new(Piece {
                    id: segment.id(),
                    rows: segment.rows() as usize,
                    ts_min,
                    ts_max,
                    seq_min,
                    seq_max,
                    demo: segment.demo(),
                    source: PieceRows::Segment(segment.clone()),
                })
            })
            .collect();
        *view.stream_mut(stream) = StreamRows { pieces, hot: snapshot.hot(stream).to_vec() };
    }
    view.states = States::Store(snapshot);
    view
}

/// Opens a data folder for the command line: no hub, no watching of files.
///
/// # Errors
/// The store can't be opened (another process may have it), or the engine can't be set up.
pub fn open_folder(data: &Path, city: Arc<City>, clock: Clock, queries: PathBuf) -> Result<Engine, QueryCliError> {
    let mut options = StoreOptions::new(city.clone(), clock.clone());
    options.dir = Some(data.to_owned());
    options.city_rule = CityRule::Look;
    let store = Store::open(options).map_err(|error| QueryCliError::Store(error.to_string()))?;
    Ok(Engine::over(Arc::new(StoreSource::new(store)), city, clock, queries, Limits::default())?)
}
