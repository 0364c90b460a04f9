//! Questions asked once: SQL or a metric as a table, their plans, and the catalog for people.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use datafusion::physical_plan::displayable;

use super::super::catalog::statement;
use super::super::failure::Failure;
use super::super::functions::PlanClock;
use super::super::live::{Class, class_of};
use super::super::source::View;
use super::super::statement::{bind, common_params, parse};
use super::run::collect_limited;
use super::{Answer, Engine, Question};
use crate::model::message::{MetricInfo, QueryFailure};

impl Engine {
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
        let (view, ground, params) = (self.view(), self.inner.ground.clone(), params.clone());
        let (metric, sql) = match question {
            Question::Metric(name) => {
                let metric = self.find(&self.catalog(), name)?;
                let sql = metric.sql.clone();
                (Some(metric), sql)
            }
            Question::Sql(sql) => (None, sql.clone()),
        };
        let text = sql.clone();
        let explain = async move {
            let (class, statement) = match metric {
                Some(metric) => {
                    let class = class_of(&ground, &metric, &params).await?.1;
                    (format!("Class\n{}\n\n", class.trim_end()), statement(&metric, &params, &ground)?)
                }
                None => {
                    let mut statement = parse(&text)?;
                    bind(&mut statement, &common_params(&ground.city), &params, ground.city.tz)?;
                    (String::new(), statement)
                }
            };
            let session = ground.session(&view, PlanClock::Fixed(now_us), at)?;
            let plan = session.plan(statement).await?;
            let optimized = session.state.optimize(&plan)?;
            let physical = session.state.create_physical_plan(&plan).await?;
            Ok::<_, Failure>(format!(
                "{class}Logical plan\n{}\n\nPhysical plan\n{}",
                optimized.display_indent(),
                displayable(physical.as_ref()).indent(false)
            ))
        };
        let explained = self.inner.on_query_threads(explain).await;
        Ok(explained.map_err(|failure| failure.placed_in(&sql))?)
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
        let ground = self.inner.ground.clone();
        let plan = async move {
            let statement = statement(&metric, &BTreeMap::new(), &ground)?;
            let session = ground.session(&Arc::new(View::default()), PlanClock::Fixed(0), None)?;
            let plan = session.plan(statement).await?;
            Ok::<_, Failure>(plan.schema().fields().iter().map(|field| field.name().clone()).collect())
        };
        Ok(self.inner.on_query_threads(plan).await?)
    }

    /// How a metric is kept up to date, and why.
    ///
    /// # Errors
    /// There is no such metric, or it does not plan.
    pub async fn class(&self, name: &str) -> Result<Class, QueryFailure> {
        let (metric, ground) = (self.find(&self.catalog(), name)?, self.inner.ground.clone());
        let class = async move { Ok(class_of(&ground, &metric, &BTreeMap::new()).await?.0) };
        Ok(self.inner.on_query_threads(class).await?)
    }

    pub(super) async fn run(
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
