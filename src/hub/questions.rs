//! Ad-hoc questions, by WebSocket or HTTP: checked, counted, asked.
//!
//! At most so many are under way; one more is answered `overloaded` at once rather than kept waiting unseen. What the
//! engine itself bounds (time, memory, rows) is its own matter.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::limits::{PARAM_BYTES_MAX, PARAMS_MAX, SQL_BYTES_MAX};
use crate::model::City;
use crate::model::message::QueryFailure;
use crate::model::time::{not_ahead, parse_local_time_us};
use crate::query::{Answer, Engine, Question};

/// A question as sent.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    pub sql: Option<String>,
    pub name: Option<String>,
    pub params: BTreeMap<String, String>,
    pub at: Option<String>,
}

#[derive(Debug, Default)]
pub struct Counts {
    pub asked: AtomicU64,
    pub failed: AtomicU64,
    /// Sum of the time to answer, µs.
    pub us: AtomicU64,
}

#[derive(Clone)]
pub struct Questions {
    engine: Engine,
    city: Arc<City>,
    places: Arc<Semaphore>,
    pub counts: Arc<Counts>,
}

pub fn failure(code: &str, message: impl Into<String>) -> QueryFailure {
    QueryFailure { code: code.to_owned(), message: message.into(), line: None, column: None }
}

impl Questions {
    pub fn new(engine: Engine, city: Arc<City>, at_once: usize) -> Questions {
        Questions { engine, city, places: Arc::new(Semaphore::new(at_once)), counts: Arc::default() }
    }

    /// A place among the questions under way.
    pub fn place(&self) -> Result<OwnedSemaphorePermit, QueryFailure> {
        let full = |_| failure("overloaded", "too many queries are under way; ask again in a moment");
        self.places.clone().try_acquire_owned().map_err(full)
    }

    /// The answer, and its place among the questions under way: to be held until the answer is encoded.
    ///
    /// # Errors
    /// The question is not one, or the engine could not answer it.
    pub async fn ask(&self, asked: Asked) -> Result<(Answer, OwnedSemaphorePermit), QueryFailure> {
        let place = self.place()?;
        let began = tokio::time::Instant::now();
        let result = async {
            let (question, at) = self.check(&asked)?;
            self.engine.ask(&question, &asked.params, at).await
        }
        .await;
        self.count(began, result.is_ok());
        Ok((result?, place))
    }

    /// How the question would be answered.
    ///
    /// # Errors
    /// As [`Questions::ask`].
    pub async fn explain(&self, asked: Asked) -> Result<String, QueryFailure> {
        let _place = self.place()?;
        let (question, at) = self.check(&asked)?;
        self.engine.explain(&question, &asked.params, at).await
    }

    fn count(&self, began: tokio::time::Instant, good: bool) {
        self.counts.asked.fetch_add(1, Ordering::Relaxed);
        self.counts.failed.fetch_add(u64::from(!good), Ordering::Relaxed);
        self.counts.us.fetch_add(began.elapsed().as_micros() as u64, Ordering::Relaxed);
    }

    /// The clock a question asks for; `None`: now, or no time at all (which [`Questions::ask`] refuses).
    pub fn instant(&self, asked: &Asked) -> Option<i64> {
        parse_local_time_us(asked.at.as_deref()?, self.city.tz)
    }

    fn check(&self, asked: &Asked) -> Result<(Question, Option<i64>), QueryFailure> {
        check_params(&asked.params).map_err(|message| failure("too_large", message))?;
        let question = match (&asked.sql, &asked.name) {
            (Some(sql), None) if sql.len() > SQL_BYTES_MAX => {
                let message = format!("the SQL has {} bytes, at most {SQL_BYTES_MAX} are taken", sql.len());
                return Err(failure("too_large", message));
            }
            (Some(sql), None) => Question::Sql(sql.clone()),
            (None, Some(name)) => Question::Metric(name.clone()),
            (Some(_), Some(_)) => return Err(failure("bad_sql", "a query has sql or a name, not both")),
            (None, None) => return Err(failure("missing", "a query needs sql, or the name of a metric")),
        };
        let at = self.instant(asked);
        if let (Some(text), None) = (&asked.at, at) {
            let shown: String = text.chars().take(40).collect();
            return Err(failure(
                "bad_time",
                format!("at {shown:?} is no time; write 2026-11-23T14:32:07+08:00 or 2026-11-23 14:32"),
            ));
        }
        if let Some(at) = at {
            let now_us = self.engine.now_us();
            not_ahead(at, now_us, self.city.tz).map_err(|message| failure("future_time", message))?;
        }
        Ok((question, at))
    }
}

/// Few parameters, and short ones.
pub fn check_params(params: &BTreeMap<String, String>) -> Result<(), String> {
    if params.len() > PARAMS_MAX {
        return Err(format!("{} parameters, at most {PARAMS_MAX} are taken", params.len()));
    }
    match params.iter().find(|(name, value)| name.len() > PARAM_BYTES_MAX || value.len() > PARAM_BYTES_MAX) {
        Some((name, _)) => {
            let shown: String = name.chars().take(40).collect();
            Err(format!("the parameter {shown:?} is longer than {PARAM_BYTES_MAX} bytes"))
        }
        None => Ok(()),
    }
}
