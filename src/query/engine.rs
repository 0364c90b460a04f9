//! The engine: questions in, answers out.
//!
//! It owns its threads, so that a heavy query never delays the network, and bounds every query in time, memory and
//! rows. Equal questions at the same version and clock are answered once. What goes wrong is a [`QueryFailure`]: a
//! code, a sentence and, where known, the place in the SQL.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::physical_plan::{ExecutionPlan, displayable, execute_stream};
use futures_util::StreamExt;
use parking_lot::Mutex;
use tokio::runtime::Runtime;
use tokio::sync::{Mutex as AsyncMutex, Semaphore, watch};

use super::adapter::{Source, StoreSource};
use super::catalog::{Catalog, Metric, statement};
use super::failure::Failure;
use super::functions::PlanClock;
use super::live::cost::TickCost;
use super::live::{Class, Live, LiveAnswer, class_of, keep};
use super::rows::{TimeFormat, json_rows};
use super::session::Ground;
use super::source::View;
use super::statement::{bind, common_params, parse};
use super::watcher::Watcher;
use crate::model::message::{MetricInfo, MetricRef, MetricResult, QueryFailure};
use crate::model::time::{day_start_us, to_zone};
use crate::model::{City, Clock, Stream};
use crate::store::Store;

/// What one query may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub time: Duration,
    /// Rows of an answer.
    pub rows: usize,
    /// Bytes of an answer in memory.
    pub answer_bytes: usize,
    /// Bytes all running queries together may hold.
    pub memory_bytes: usize,
    /// Ad-hoc queries at once; others wait for their turn.
    pub at_once: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            time: Duration::from_secs(30),
            rows: 1_000_000,
            answer_bytes: 256 << 20,
            memory_bytes: 512 << 20,
            at_once: 4,
        }
    }
}

/// At most this many different (metric, parameters) are remembered.
const REMEMBERED_MAX: usize = 1_024;

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

type Slot = Arc<AsyncMutex<Option<Remembered>>>;

struct Remembered {
    version: u64,
    catalog: u64,
    /// The clock of the answer divided by the metric's refresh time.
    bucket: i64,
    /// Until then it stands, whatever lands: a scan may take a twentieth of the time at most.
    stands_until: Option<Instant>,
    result: Arc<MetricResult>,
}

/// A metric that is scanned whole rests this many times as long as it took.
const REST_AFTER_SCAN: u32 = 20;

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

    /// The answer to one metric; equal questions within the metric's refresh time are answered once.
    ///
    /// # Errors
    /// `unknown_metric`, a parameter that doesn't read, or a query that failed or took too much.
    pub async fn metric(&self, metric: &MetricRef, at: Option<i64>) -> Result<MetricResult, QueryFailure> {
        let catalog = self.catalog();
        let found = self.find(&catalog, &metric.name)?;
        if at.is_some() {
            return Ok(self.evaluate(&found, metric, self.view(), at).await?.0);
        }
        let slot = self.slot(metric);
        let mut held = slot.lock().await;
        let view = self.view();
        let bucket = self.now_us().div_euclid(found.header.refresh_us.max(1));
        if let Some(known) = held.as_ref()
            && known.catalog == catalog.version
            && ((known.version, known.bucket) == (view.version, bucket)
                || known.stands_until.is_some_and(|until| Instant::now() < until))
        {
            return Ok(known.result.as_ref().clone());
        }
        let version = view.version;
        let began = Instant::now();
        let (result, class) = self.evaluate(&found, metric, view, None).await?;
        let stands_until = match class {
            Class::Live => None,
            Class::Scan(_) => began.elapsed().checked_mul(REST_AFTER_SCAN + 1).map(|rest| began + rest),
        };
        let remembered = Arc::new(result.clone());
        *held = Some(Remembered { version, catalog: catalog.version, bucket, stands_until, result: remembered });
        Ok(result)
    }

    fn slot(&self, metric: &MetricRef) -> Slot {
        let mut remembered = self.inner.remembered.lock();
        if remembered.len() >= REMEMBERED_MAX && !remembered.contains_key(metric) {
            remembered.clear();
        }
        remembered.entry(metric.clone()).or_default().clone()
    }

    fn find(&self, catalog: &Catalog, name: &str) -> Result<Arc<Metric>, Failure> {
        if let Some(metric) = catalog.metrics.get(name) {
            return Ok(metric.clone());
        }
        let file = format!("{name}.sql");
        if let Some(problem) = catalog.problems.iter().find(|problem| Path::new(&problem.path).ends_with(&file)) {
            return Err(Failure::new("unknown_metric", format!("the metric {name:?} can't be used: {problem}")));
        }
        let list = "`lingping query --list` names them";
        Err(Failure::new("unknown_metric", format!("there is no metric {name:?}; {list}")))
    }

    async fn evaluate(
        &self,
        metric: &Arc<Metric>,
        asked: &MetricRef,
        view: Arc<View>,
        at: Option<i64>,
    ) -> Result<(MetricResult, Class), Failure> {
        let now_us = at.unwrap_or_else(|| self.now_us());
        let (answer, class) = match at {
            None => self.tick(metric, &asked.params, &view, now_us).await?,
            Some(_) => {
                let answer = self.run_metric(metric, &asked.params, &view, at, now_us).await?;
                (answer, Class::Scan("it is asked as of the past".to_owned()))
            }
        };
        let (columns, rows) = json_rows(&answer.schema, &answer.batches, TimeFormat::Micros);
        let streams = &metric.header.streams;
        let demo = view.demo && (streams.is_empty() || streams.iter().any(|stream| view.stream(*stream).has_demo(at)));
        let result = MetricResult {
            metric: metric.name.clone(),
            params: asked.params.clone(),
            version: view.version,
            as_of: now_us,
            data_until: match at {
                Some(at) => view.data_until.map(|until| until.min(at)),
                None => view.data_until,
            },
            demo,
            replay: view.replay,
            columns,
            rows,
            error: None,
            info: self.info_of(metric, &view, now_us),
        };
        Ok((result, class))
    }

    /// What is said of a metric's answer at a time: the header of its file and, where its window reaches further back than
    /// its rows, `data_from`, the city's day of the first one. Empty for a metric there is not.
    pub fn info(&self, metric: &str, at: Option<i64>) -> BTreeMap<String, String> {
        let now_us = at.unwrap_or_else(|| self.now_us());
        let catalog = self.catalog();
        let found = catalog.metrics.get(metric);
        found.map(|metric| self.info_of(metric, &self.view(), now_us)).unwrap_or_default()
    }

    fn info_of(&self, metric: &Metric, view: &View, now_us: i64) -> BTreeMap<String, String> {
        let mut info = metric.header.info.clone();
        let Some(days) = metric.header.days else { return info };
        let zone = self.inner.ground.city.tz;
        // On its first day there may be a night without any.
        let second_day_us = day_start_us(now_us, zone, 2 - i64::from(days));
        // What is registered may be far older than the first that happened.
        let happened = metric.header.streams.iter().filter(|stream| **stream != Stream::Registry);
        let first_us = happened.filter_map(|stream| self.inner.live.oldest(view, *stream)).min();
        if let Some(first_us) = first_us.filter(|first_us| *first_us >= second_day_us) {
            info.insert("data_from".to_owned(), to_zone(first_us, zone).format("%Y-%m-%d").to_string());
        }
        info
    }

    /// Asks the live view of a metric; one that is not of that class is scanned.
    async fn tick(
        &self,
        metric: &Arc<Metric>,
        params: &BTreeMap<String, String>,
        view: &Arc<View>,
        now_us: i64,
    ) -> Result<(Answer, Class), Failure> {
        let began = Instant::now();
        let (live, ground) = (self.inner.live.clone(), self.inner.ground.clone());
        let (metric_of, params_of, view_of) = (metric.clone(), params.clone(), view.clone());
        let answer = self
            .inner
            .on_query_threads(async move { live.answer(&ground, &metric_of, &params_of, &view_of, now_us).await })
            .await?;
        match answer {
            Ok(LiveAnswer { schema, batches, .. }) => {
                let elapsed_ms = began.elapsed().as_secs_f64() * 1_000.0;
                Ok((Answer { schema, batches, elapsed_ms }, Class::Live))
            }
            Err(class) => Ok((self.run_metric(metric, params, view, None, now_us).await?, class)),
        }
    }

    /// The answer to a metric worked out now, whatever is remembered: what a tick does.
    ///
    /// # Errors
    /// As [`Engine::metric`].
    pub async fn refresh(&self, metric: &MetricRef) -> Result<Answer, QueryFailure> {
        let found = self.find(&self.catalog(), &metric.name)?;
        Ok(self.tick(&found, &metric.params, &self.view(), self.now_us()).await?.0)
    }

    /// Makes all live metrics ready, reading every piece of the store once.
    ///
    /// # Errors
    /// A piece can't be read, or a plan fails.
    pub async fn warm(&self) -> Result<TickCost, QueryFailure> {
        let metrics: Vec<_> = self.catalog().metrics.values().cloned().collect();
        let (live, ground, view) = (self.inner.live.clone(), self.inner.ground.clone(), self.view());
        let now_us = self.now_us();
        Ok(live.warm(&ground, &metrics, &view, now_us).await?)
    }

    /// One tick of a live metric on the calling task, for measuring: what it did, `None` when the metric is not live.
    ///
    /// # Errors
    /// As [`Engine::metric`].
    pub async fn tick_here(&self, metric: &MetricRef) -> Result<Option<TickCost>, QueryFailure> {
        let found = self.find(&self.catalog(), &metric.name)?;
        let (ground, view) = (&self.inner.ground, self.view());
        let answer = self.inner.live.answer(ground, &found, &metric.params, &view, self.now_us()).await?;
        Ok(answer.ok().map(|answer| answer.cost))
    }

    /// The SQL of a metric with its parameters put in.
    ///
    /// # Errors
    /// As [`Engine::metric`].
    pub fn bound_sql(&self, metric: &MetricRef) -> Result<String, QueryFailure> {
        let found = self.find(&self.catalog(), &metric.name)?;
        Ok(statement(&found, &metric.params, &self.inner.ground)?.to_string())
    }

    async fn run_metric(
        &self,
        metric: &Metric,
        params: &BTreeMap<String, String>,
        view: &Arc<View>,
        at: Option<i64>,
        now_us: i64,
    ) -> Result<Answer, Failure> {
        let statement = statement(metric, params, &self.inner.ground)?;
        self.run(statement, view, at, now_us).await.map_err(|failure| failure.placed_in(&metric.sql))
    }

    /// Ad-hoc SQL.
    ///
    /// # Errors
    /// It is not one SELECT, does not plan, or takes more than the [`Limits`].
    pub async fn sql(
        &self,
        sql: &str,
        params: &BTreeMap<String, String>,
        at: Option<i64>,
    ) -> Result<Answer, QueryFailure> {
        self.ask(&Question::Sql(sql.to_owned()), params, at).await
    }

    /// The answer to SQL or to a metric as a table.
    ///
    /// # Errors
    /// As [`Engine::sql`] and [`Engine::metric`].
    pub async fn ask(
        &self,
        question: &Question,
        params: &BTreeMap<String, String>,
        at: Option<i64>,
    ) -> Result<Answer, QueryFailure> {
        let _turn = self.inner.turns.acquire().await;
        let now_us = at.unwrap_or_else(|| self.now_us());
        let view = self.view();
        match question {
            Question::Metric(name) => {
                let metric = self.find(&self.catalog(), name)?;
                Ok(self.run_metric(&metric, params, &view, at, now_us).await?)
            }
            Question::Sql(sql) => {
                let mut statement = parse(sql)?;
                let known = common_params(&self.inner.ground.city);
                bind(&mut statement, &known, params, self.inner.ground.city.tz)?;
                let answer = self.run(statement, &view, at, now_us).await;
                Ok(answer.map_err(|failure| failure.placed_in(sql))?)
            }
        }
    }

    /// How a question is answered: its plans, and for a metric its class.
    ///
    /// # Errors
    /// It does not plan.
    pub async fn explain(
        &self,
        question: &Question,
        params: &BTreeMap<String, String>,
        at: Option<i64>,
    ) -> Result<String, QueryFailure> {
        let now_us = at.unwrap_or_else(|| self.now_us());
        let view = self.view();
        let mut class = String::new();
        let (statement, sql) = match question {
            Question::Metric(name) => {
                let metric = self.find(&self.catalog(), name)?;
                class = format!("Class\n{}\n\n", class_of(&self.inner.ground, &metric, params).await?.1.trim_end());
                (statement(&metric, params, &self.inner.ground)?, metric.sql.clone())
            }
            Question::Sql(sql) => {
                let mut statement = parse(sql)?;
                bind(&mut statement, &common_params(&self.inner.ground.city), params, self.inner.ground.city.tz)?;
                (statement, sql.clone())
            }
        };
        let explain = async {
            let session = self.inner.ground.session(&view, PlanClock::Fixed(now_us), at)?;
            let plan = session.plan(statement).await?;
            let optimized = session.state.optimize(&plan)?;
            let physical = session.state.create_physical_plan(&plan).await?;
            Ok::<_, Failure>(format!(
                "{class}Logical plan\n{}\n\nPhysical plan\n{}",
                optimized.display_indent(),
                displayable(physical.as_ref()).indent(false)
            ))
        };
        Ok(explain.await.map_err(|failure| failure.placed_in(&sql))?)
    }

    /// Whether simulated rows, and rows that were played back, are in the store.
    pub fn provenance(&self) -> (bool, bool) {
        let view = self.view();
        (view.demo, view.replay)
    }

    /// The catalog for people: every metric with its header and class, and its file's text where that is wanted.
    ///
    /// # Errors
    /// The engine is stopping, or planning them all takes too long.
    pub async fn listed(&self, with_sql: bool) -> Result<Vec<MetricInfo>, QueryFailure> {
        let (catalog, ground) = (self.catalog(), self.inner.ground.clone());
        let work = async move {
            let mut listed = Vec::with_capacity(catalog.metrics.len());
            for metric in catalog.metrics.values() {
                let class = class_of(&ground, metric, &BTreeMap::new()).await;
                let class = class.map_or("", |(class, _)| class.word()).to_owned();
                let (name, scene, info) = (metric.name.clone(), metric.scene.clone(), metric.header.info.clone());
                let sql = with_sql.then(|| metric.sql.clone());
                listed.push(MetricInfo { name, scene, class, info, sql });
            }
            Ok(listed)
        };
        Ok(self.inner.on_query_threads(work).await?)
    }

    /// The names of a metric's columns.
    ///
    /// # Errors
    /// There is no such metric, or it does not plan.
    pub async fn columns(&self, name: &str) -> Result<Vec<String>, QueryFailure> {
        let metric = self.find(&self.catalog(), name)?;
        let view = Arc::new(View::default());
        let plan = async {
            let statement = statement(&metric, &BTreeMap::new(), &self.inner.ground)?;
            let session = self.inner.ground.session(&view, PlanClock::Fixed(0), None)?;
            let plan = session.plan(statement).await?;
            Ok::<_, Failure>(plan.schema().fields().iter().map(|field| field.name().clone()).collect())
        };
        Ok(plan.await?)
    }

    /// How a metric is kept up to date, and why.
    ///
    /// # Errors
    /// There is no such metric, or it does not plan.
    pub async fn class(&self, name: &str) -> Result<Class, QueryFailure> {
        let metric = self.find(&self.catalog(), name)?;
        Ok(class_of(&self.inner.ground, &metric, &BTreeMap::new()).await?.0)
    }

    /// The live views, for benches and health.
    pub fn live(&self) -> &Live {
        &self.inner.live
    }

    async fn run(
        &self,
        statement: datafusion::sql::parser::Statement,
        view: &Arc<View>,
        at: Option<i64>,
        now_us: i64,
    ) -> Result<Answer, Failure> {
        let began = Instant::now();
        let (ground, view, limits) = (self.inner.ground.clone(), view.clone(), self.inner.limits);
        let work = async move {
            let session = ground.session(&view, PlanClock::Fixed(now_us), at)?;
            let plan = session.plan(statement).await?;
            let physical = session.state.create_physical_plan(&plan).await?;
            let batches = collect_limited(physical.clone(), session.state.task_ctx(), limits).await?;
            Ok::<_, Failure>((physical.schema(), batches))
        };
        let (schema, batches) = self.inner.on_query_threads(work).await?;
        Ok(Answer { schema, batches, elapsed_ms: began.elapsed().as_secs_f64() * 1_000.0 })
    }
}

impl Inner {
    /// Runs `work` on the engine's own threads; stops it when it takes too long or nobody waits any more.
    pub(super) async fn on_query_threads<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, Failure>> + Send + 'static,
    ) -> Result<T, Failure> {
        let Some(runtime) = &self.runtime else {
            return Err(Failure::new("overloaded", "the query engine is stopping"));
        };
        let time = self.limits.time;
        let task = runtime.spawn(async move {
            match tokio::time::timeout(time, work).await {
                Ok(result) => result,
                Err(_) => {
                    let seconds = time.as_secs_f64();
                    let message = format!("the query took longer than {seconds} s; ask for a shorter time or less");
                    Err(Failure::new("overloaded", message))
                }
            }
        });
        let _stop = AbortOnDrop(task.abort_handle());
        match task.await {
            Ok(result) => result,
            Err(error) => Err(Failure::new("overloaded", format!("the query stopped unexpectedly: {error}"))),
        }
    }
}

struct AbortOnDrop(tokio::task::AbortHandle);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Runs a plan and keeps its rows, within the limits.
pub(super) async fn collect_limited(
    plan: Arc<dyn ExecutionPlan>,
    context: Arc<datafusion::execution::TaskContext>,
    limits: Limits,
) -> Result<Vec<RecordBatch>, Failure> {
    let mut stream = execute_stream(plan, context)?;
    let (mut batches, mut rows, mut bytes) = (Vec::new(), 0, 0);
    while let Some(batch) = stream.next().await {
        let batch = batch?;
        if batch.num_rows() == 0 {
            continue;
        }
        rows += batch.num_rows();
        bytes += batch.get_array_memory_size();
        if rows > limits.rows || bytes > limits.answer_bytes {
            let (limit, mib) = (limits.rows, limits.answer_bytes >> 20);
            let message = format!("the answer is larger than {limit} rows or {mib} MiB; add a LIMIT or aggregate");
            return Err(Failure::new("too_large", message));
        }
        batches.push(batch);
    }
    Ok(batches)
}
