//! How the hub is: `/healthz` for machines and the page, and the words of a `tick`.

use std::sync::Arc;

use axum::Json as Answered;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value as Json, json};

use super::shared::Shared;
use crate::model::Stream;
use crate::model::time::format_time;
use crate::query::{TimeFormat, json_rows};
use crate::store::{Snapshot, Status};

/// Feeds listed; a city has a dozen.
const FEEDS_SHOWN: usize = 200;

/// `ok` or `read_only`, and why.
pub fn status_words(status: &Status) -> (&'static str, Option<String>) {
    (status.word(), status.read_only.clone())
}

/// `/healthz`: 200 when rows are taken and questions answered, 503 when the store is read-only.
pub async fn healthz(State(shared): State<Arc<Shared>>) -> Response {
    let snapshot = shared.store.snapshot();
    let status = shared.store.status();
    let now_us = shared.clock.now_us();
    let zone = shared.city.tz;
    let (word, message) = status_words(&status);
    let rows: Map<String, Json> =
        Stream::ALL.iter().map(|stream| (stream.name().to_owned(), snapshot.rows(*stream).into())).collect();
    let told = |time_us: Option<i64>| time_us.map(|us| format_time(us, zone));
    let catalog = shared.engine.catalog();
    let body = json!({
        "status": word,
        "message": message,
        "city": shared.city.code,
        "hub": env!("CARGO_PKG_VERSION"),
        "uptime_s": shared.started.elapsed().as_secs(),
        "now": format_time(now_us, zone),
        "version": snapshot.version,
        "demo": snapshot.demo,
        "replay": snapshot.replay(),
        "rows": rows,
        "data_until": told(snapshot.data_until),
        "data_until_us": snapshot.data_until,
        "data_age_s": snapshot.data_until.map(|us| age_s(now_us, us)),
        "recv_until": told(snapshot.recv_until),
        "recv_age_s": snapshot.recv_until.map(|us| age_s(now_us, us)),
        "feeds": feeds(&snapshot, now_us, zone),
        "duplicates": status.duplicates,
        "quarantined": status.quarantined,
        "waiting": status.waiting,
        "unknown_codes": shared.taken.unknown.told(),
        "open_tickets": status.open_tickets,
        "metrics": catalog.metrics.len(),
        "query_problems": catalog.problems.len(),
        "clients": shared.clients(),
        "walls": shared.walls.count(),
    });
    let code = if status.is_ok() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (code, Answered(body)).into_response()
}

fn age_s(now_us: i64, then_us: i64) -> f64 {
    now_us.saturating_sub(then_us) as f64 / 1e6
}

/// Every source with its latest event and how long ago that was.
fn feeds(snapshot: &Snapshot, now_us: i64, zone: chrono_tz::Tz) -> Vec<Json> {
    let Some(table) = snapshot.state_table("feeds") else { return Vec::new() };
    let table = table.slice(0, table.num_rows().min(FEEDS_SHOWN));
    let (columns, rows) = json_rows(&table.schema(), std::slice::from_ref(&table), TimeFormat::Micros);
    let mut feeds: Vec<Json> = Vec::with_capacity(rows.len());
    for row in rows {
        let mut feed = Map::new();
        for (column, value) in columns.iter().zip(row) {
            let value = match (column.name.as_str(), value.as_i64()) {
                ("last_ts", Some(us)) => {
                    feed.insert("age_s".to_owned(), age_s(now_us, us).into());
                    format_time(us, zone).into()
                }
                ("last_recv", Some(us)) => format_time(us, zone).into(),
                _ => value,
            };
            feed.insert(column.name.clone(), value);
        }
        feeds.push(feed.into());
    }
    feeds
}
