//! The engine: questions in, answers out.
//!
//! It owns its threads, so that a heavy query never delays the network, and bounds every query in time, memory and
//! rows. Equal questions at the same version and clock are answered once. What goes wrong is a [`QueryFailure`](crate::model::message::QueryFailure): a
//! code, a sentence and, where known, the place in the SQL.

mod metrics;
mod questions;
mod run;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use parking_lot::Mutex;
use tokio::runtime::Runtime;
use tokio::sync::{Semaphore, watch};

use self::metrics::Slot;
pub use self::run::Limits;
use super::adapter::{Source, StoreSource};
use super::catalog::Catalog;
use super::depth::STACK_BYTES;
use super::live::{Live, keep};
use super::session::Ground;
use super::source::View;
use super::watcher::Watcher;
use crate::model::message::MetricRef;
use crate::model::{City, Clock};
use crate::store::Store;

/// How often the live views' states are kept while the hub runs.
const KEEP_EVERY: Duration = Duration::from_secs(600);

#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    #[error("the query threads can't be started: {0}; free some memory or threads")]
    Threads(std::io::Error),
    #[error("the query engine can't be set up: {0}")]
    Setup(String),
}

/// The rows of an answer.
#[derive(Clone, Debug)]
pub struct Answer {
    pub schema: SchemaRef,
    pub batches: Vec<RecordBatch>,
    pub elapsed_ms: f64,
}

/// What is asked: SQL, or a metric by name.
#[derive(Clone, Debug)]
pub enum Question {
    Sql(String),
    Metric(String),
}

/// Cheap to clone; the last clone to go stops the threads.
#[derive(Clone)]
pub struct Engine {
    inner: Arc<Inner>,
}

pub(super) struct Inner {
    source: Arc<dyn Source>,
    pub(super) ground: Ground,
    clock: Clock,
    queries: PathBuf,
    catalog: ArcSwap<Catalog>,
    changed: watch::Sender<u64>,
    limits: Limits,
    turns: Arc<Semaphore>,
    remembered: Mutex<HashMap<MetricRef, Slot>>,
    runtime: Option<Runtime>,
    watcher: Mutex<Option<Watcher>>,
    /// The first building of the live views.
    warming: Mutex<Option<tokio::task::JoinHandle<()>>>,
    live: Arc<Live>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        // Dropping a runtime waits, which is not allowed on an async thread.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Engine {
    /// An engine over a store, watching its queries.
    ///
    /// # Errors
    /// See [`Engine::over`]. A folder that can't be watched is only a warning.
    pub fn open(store: Store, city: Arc<City>, clock: Clock, queries: PathBuf) -> Result<Engine, QueryError> {
        let source = Arc::new(StoreSource::new(store));
        let engine = Engine::over(source, city, clock, queries, Limits::default())?;
        if let Err(error) = engine.watch() {
            tracing::warn!("{error}; changed queries are read at the next start");
        }
        let weak = Arc::downgrade(&engine.inner);
        if let Some(runtime) = &engine.inner.runtime {
            let warming = runtime.spawn(async move {
                let Some(inner) = weak.upgrade() else { return };
                if let Err(failure) = (Engine { inner }).warm().await {
                    tracing::warn!("the live views are not ready yet: {}", failure.message);
                }
                // A stop keeps the states; from time to time it is done for the case that there is none.
                loop {
                    tokio::time::sleep(KEEP_EVERY).await;
                    let Some(inner) = weak.upgrade() else { return };
                    (Engine { inner }).keep_states().await;
                }
            });
            *engine.inner.warming.lock() = Some(warming);
        }
        Ok(engine)
    }

    /// An engine over any source of views. Reads the queries once before it returns.
    ///
    /// # Errors
    /// Threads can't be started, or the city's tables can't be built. Bad query files are no error: see
    /// [`Catalog::problems`].
    pub fn over(
        source: Arc<dyn Source>,
        city: Arc<City>,
        clock: Clock,
        queries: PathBuf,
        limits: Limits,
    ) -> Result<Engine, QueryError> {
        let threads = std::thread::available_parallelism().map_or(2, usize::from);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(threads)
            .max_blocking_threads(threads * 2)
            .thread_name("query")
            .thread_stack_size(STACK_BYTES)
            .enable_all()
            .build()
            .map_err(QueryError::Threads)?;
        let ground = Ground::new(city, limits.memory_bytes, threads)
            .map_err(|error| QueryError::Setup(error.strip_backtrace()))?;
        let inner = Inner {
            source,
            ground,
            clock,
            queries,
            catalog: ArcSwap::from_pointee(Catalog::default()),
            changed: watch::Sender::new(0),
            limits,
            turns: Arc::new(Semaphore::new(limits.at_once.max(1))),
            remembered: Mutex::new(HashMap::new()),
            runtime: Some(runtime),
            watcher: Mutex::new(None),
            warming: Mutex::new(None),
            live: Arc::default(),
        };
        if let Some(file) = inner.source.kept(keep::FILE) {
            match keep::decode(&file) {
                Ok(states) => inner.live.know(states),
                Err(message) => tracing::warn!("{} can't be used, {message}; states are worked out again", keep::FILE),
            }
        }
        let engine = Engine { inner: Arc::new(inner) };
        engine.reload()?;
        Ok(engine)
    }

    /// Ends the engine's own work and keeps the live views' states for the next start; nothing of the engine's own holds
    /// the store any more then.
    pub async fn stop(&self) {
        let warming = self.inner.warming.lock().take();
        if let Some(warming) = warming {
            warming.abort();
            // Aborted: an error that says just that.
            let _ = warming.await;
        }
        self.keep_states().await;
    }

    /// Keeps the live views' states beside the segments, so that the next start need not work them out. Where that can't
    /// be done it is only a warning.
    pub async fn keep_states(&self) {
        let states = self.inner.live.lasting_states().await;
        if states.is_empty() {
            return;
        }
        let kept = match keep::encode(&states) {
            Ok(Some(file)) => self.inner.source.keep(keep::FILE, &file).map(drop),
            Ok(None) => Ok(()),
            Err(error) => Err(error.to_string()),
        };
        if let Err(error) = kept {
            tracing::warn!("the live views' states are not kept, {error}; the next start takes longer");
        }
    }

    /// Starts to watch the folder of queries; changed files are read again by themselves.
    ///
    /// # Errors
    /// The folder can't be watched; [`Engine::reload`] still works.
    pub fn watch(&self) -> Result<(), QueryError> {
        let weak = Arc::downgrade(&self.inner);
        let watcher = Watcher::start(&self.inner.queries, move || match weak.upgrade() {
            Some(inner) => {
                if let Err(error) = (Engine { inner }).reload() {
                    tracing::warn!("queries can't be read again: {error}");
                }
                true
            }
            None => false,
        })
        .map_err(QueryError::Setup)?;
        *self.inner.watcher.lock() = Some(watcher);
        Ok(())
    }

    /// Reads the folder of queries again. Blocks the calling thread while it does.
    ///
    /// # Errors
    /// A thread can't be started.
    pub fn reload(&self) -> Result<(), QueryError> {
        let inner = &self.inner;
        let before = inner.catalog.load_full();
        let Some(runtime) = &inner.runtime else { return Ok(()) };
        // The caller may be an async thread, which must not block on another runtime; a thread of its own may.
        let catalog = std::thread::scope(|scope| {
            std::thread::Builder::new()
                .name("query-load".to_owned())
                .stack_size(STACK_BYTES)
                .spawn_scoped(scope, || runtime.block_on(Catalog::load(&inner.queries, &inner.ground, &before)))
                .map_err(QueryError::Threads)?
                .join()
                .map_err(|_| QueryError::Setup("reading the queries stopped unexpectedly".to_owned()))
        })?;
        for problem in &catalog.problems {
            tracing::warn!("{problem}");
        }
        let version = catalog.version;
        inner.catalog.store(Arc::new(catalog));
        inner.changed.send_replace(version);
        Ok(())
    }

    pub fn catalog(&self) -> Arc<Catalog> {
        self.inner.catalog.load_full()
    }

    /// Bumps when files were read again.
    pub fn catalog_changed(&self) -> watch::Receiver<u64> {
        self.inner.changed.subscribe()
    }

    pub fn city(&self) -> &Arc<City> {
        &self.inner.ground.city
    }

    /// The hub's clock, µs.
    pub fn now_us(&self) -> i64 {
        self.inner.clock.now_us()
    }

    /// The newest rows there are to ask.
    pub fn view(&self) -> Arc<View> {
        self.inner.source.view()
    }

    /// Bumps when newer rows can be asked.
    pub fn landed(&self) -> watch::Receiver<u64> {
        self.inner.source.landed()
    }

    /// Whether simulated rows, and rows that were played back, are in the store.
    pub fn provenance(&self) -> (bool, bool) {
        let view = self.view();
        (view.demo, view.replay)
    }

    /// The live views, for benches and health.
    pub fn live(&self) -> &Live {
        &self.inner.live
    }
}
