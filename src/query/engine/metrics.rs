//! Metrics: what each says now, answered by its live view or by a scan, once for all who ask.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::Mutex as AsyncMutex;

use super::super::catalog::{Catalog, Metric, statement};
use super::super::failure::Failure;
use super::super::live::cost::TickCost;
use super::super::live::{Class, LiveAnswer};
use super::super::rows::{TimeFormat, json_rows};
use super::super::source::View;
use super::{Answer, Engine};
use crate::model::Stream;
use crate::model::message::{MetricRef, MetricResult, QueryFailure};
use crate::model::time::{day_start_us, to_zone};

/// At most this many different (metric, parameters) are remembered.
const REMEMBERED_MAX: usize = 1_024;

pub(super) type Slot = Arc<AsyncMutex<Option<Remembered>>>;

pub(super) struct Remembered {
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

impl Engine {
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

    pub(super) fn find(&self, catalog: &Catalog, name: &str) -> Result<Arc<Metric>, Failure> {
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

    pub(super) async fn run_metric(
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
}
