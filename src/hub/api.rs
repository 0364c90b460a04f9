//! Questions over plain HTTP, for scripts and other programs.
//!
//! The same engine, the same bounds and the same errors as by WebSocket; a failed question is 400 (503 when the hub has
//! too much to do) with `{"error": {"code", "message", "line", "column"}}`.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use axum::Json as Answered;
use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::ipc;
use super::questions::{Asked, failure};
use super::shared::Shared;
use crate::model::message::QueryFailure;
use crate::model::{assets, text};
use crate::query::{Answer, TimeFormat, json_rows};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Form {
    #[default]
    Json,
    Csv,
    Arrow,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    sql: Option<String>,
    name: Option<String>,
    #[serde(default)]
    params: BTreeMap<String, String>,
    at: Option<String>,
    #[serde(default)]
    format: Form,
}

/// `GET /api/query?sql=…`
pub async fn get_query(State(shared): State<Arc<Shared>>, Query(pairs): Query<Vec<(String, String)>>) -> Response {
    let mut body = Body::default();
    for (key, value) in pairs {
        match key.as_str() {
            "sql" => body.sql = Some(value),
            "name" => body.name = Some(value),
            "at" => body.at = Some(value),
            "format" => match serde_json::from_value(Json::String(value)) {
                Ok(form) => body.format = form,
                Err(_) => return refused(&failure("wrong_type", "format is json, csv or arrow")),
            },
            key => match key.strip_prefix("param.") {
                Some(name) => {
                    body.params.insert(name.to_owned(), value);
                }
                None => {
                    let shown: String = key.chars().take(40).collect();
                    let message = format!("{shown:?} is not asked here; it is sql, name, at, format or param.NAME");
                    return refused(&failure("unknown_column", message));
                }
            },
        }
    }
    answer(&shared, body).await
}

/// `POST /api/query`: a JSON object, or the SQL as plain text.
pub async fn post_query(State(shared): State<Arc<Shared>>, headers: HeaderMap, bytes: Bytes) -> Response {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let is_sql = kind.starts_with("text/plain") || kind.starts_with("application/sql");
    let body = if is_sql {
        match std::str::from_utf8(&bytes) {
            Ok(sql) => Body { sql: Some(sql.to_owned()), ..Body::default() },
            Err(_) => return refused(&failure("not_json", "the SQL is not UTF-8")),
        }
    } else {
        match serde_json::from_slice(&bytes) {
            Ok(body) => body,
            Err(error) => {
                return refused(&failure("not_json", format!("the body is no JSON object of a query: {error}")));
            }
        }
    };
    answer(&shared, body).await
}

async fn answer(shared: &Shared, body: Body) -> Response {
    let Body { sql, name, params, at, format } = body;
    let (answer, place) = match shared.questions.ask(Asked { sql, name, params, at }).await {
        Ok(answer) => answer,
        Err(error) => return refused(&error),
    };
    let zone = shared.city.tz;
    let snapshot = shared.store.snapshot();
    let (demo, replay) = (snapshot.demo, snapshot.replay());
    let encode = move || match format {
        Form::Json => {
            let (columns, rows) = json_rows(&answer.schema, &answer.batches, TimeFormat::Rfc3339(zone));
            let names: Vec<String> = unique_names(&answer.schema);
            let rows: Vec<Json> =
                rows.into_iter().map(|row| Json::Object(names.iter().cloned().zip(row).collect())).collect();
            let body = json!({ "columns": columns, "rows": rows, "demo": demo, "replay": replay, "elapsed_ms": answer.elapsed_ms });
            Ok(("application/json", body.to_string().into_bytes()))
        }
        Form::Csv => csv(&answer, zone).map(|body| ("text/csv; charset=utf-8", body)),
        Form::Arrow => ipc::write(&answer.schema, &answer.batches)
            .map(|body| ("application/vnd.apache.arrow.stream", body))
            .map_err(|error| error.to_string()),
    };
    let encoded = tokio::task::spawn_blocking(move || {
        let encoded = encode();
        drop(place);
        encoded
    });
    match encoded.await.map_err(|error| error.to_string()).and_then(|encoded| encoded) {
        Ok((kind, body)) => ([(header::CONTENT_TYPE, kind)], body).into_response(),
        Err(message) => refused(&failure("overloaded", message)),
    }
}

/// Names of the columns as keys of an object: a second of the same name gets its position.
fn unique_names(schema: &SchemaRef) -> Vec<String> {
    let mut names: Vec<String> = Vec::with_capacity(schema.fields().len());
    for (index, field) in schema.fields().iter().enumerate() {
        let name = field.name().clone();
        names.push(if names.contains(&name) { format!("{name}_{}", index + 1) } else { name });
    }
    names
}

fn csv(answer: &Answer, zone: chrono_tz::Tz) -> Result<Vec<u8>, String> {
    let (columns, rows) = json_rows(&answer.schema, &answer.batches, TimeFormat::Rfc3339(zone));
    let mut writer = csv::Writer::from_writer(Vec::new());
    let write = |writer: &mut csv::Writer<Vec<u8>>| -> Result<(), csv::Error> {
        writer.write_record(columns.iter().map(|column| column.name.as_str()))?;
        for row in &rows {
            writer.write_record(row.iter().map(|value| match value {
                Json::Null => String::new(),
                Json::String(text) => text.clone(),
                other => other.to_string(),
            }))?;
        }
        Ok(())
    };
    write(&mut writer).map_err(|error| error.to_string())?;
    writer.into_inner().map_err(|error| error.to_string())
}

fn refused(error: &QueryFailure) -> Response {
    let status = if error.code == "overloaded" { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::BAD_REQUEST };
    (status, Answered(json!({ "error": error }))).into_response()
}

/// `/api/metrics`: the catalog, for the page's explanations.
pub async fn metrics(State(shared): State<Arc<Shared>>) -> Response {
    let catalog = shared.engine.catalog();
    let metrics: Vec<Json> = catalog
        .metrics
        .values()
        .map(|metric| {
            json!({
                "name": metric.name,
                "scene": metric.scene,
                "sql": metric.sql,
                "refresh_ms": metric.header.refresh_us / 1_000,
                "params": metric.params.iter().map(|param| param.name.clone()).collect::<Vec<_>>(),
                "info": metric.header.info,
            })
        })
        .collect();
    let problems: Vec<Json> = catalog
        .problems
        .iter()
        .map(|problem| {
            // The folder of the machine is nobody's business on the page.
            let path = std::path::Path::new(&problem.path);
            let file = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            json!({ "file": file, "line": problem.line, "column": problem.column, "message": problem.message, "usable": problem.usable })
        })
        .collect();
    Answered(json!({ "metrics": metrics, "problems": problems })).into_response()
}

/// `/api/scenes`: what can be picked, from the files under `assets/scenes/`.
pub async fn scenes() -> Response {
    let found = tokio::task::spawn_blocking(read_scenes).await.unwrap_or_default();
    Answered(json!({ "scenes": found, "modes": ["lobby", "brief", "ops"], "langs": ["zh", "en"] })).into_response()
}

/// Chinese and English of one thing.
#[derive(Default, Deserialize)]
struct Words {
    #[serde(default)]
    zh: String,
    #[serde(default)]
    en: String,
}

/// What the page needs of a scene file; the wall reads the rest.
#[derive(Deserialize)]
struct Scene {
    #[serde(default)]
    title: Words,
    /// The short name.
    #[serde(default)]
    tab: Words,
    #[serde(default = "last")]
    order: i64,
}

fn last() -> i64 {
    i64::MAX
}

fn read_scenes() -> Vec<Json> {
    let mut scenes: Vec<(i64, String, Json)> = Vec::new();
    for path in assets::files(&assets::path("scenes"), "toml").unwrap_or_default().into_iter().take(256) {
        let Some(name) = path.file_stem().and_then(|stem| stem.to_str()) else { continue };
        let Ok(text) = text::read(&path) else { continue };
        // A scene that does not read is the wall's to tell; here it is only listed by its name.
        let unread = || Scene { title: Words::default(), tab: Words::default(), order: last() };
        let Scene { title, tab, order } = toml::from_str(&text).unwrap_or_else(|_| unread());
        let first = |words: [&String; 2]| {
            let said = words.into_iter().find(|word| !word.is_empty());
            said.map_or_else(|| name.to_owned(), String::clone)
        };
        let scene = json!({
            "name": name,
            "title_zh": first([&title.zh, &tab.zh]),
            "title_en": first([&title.en, &tab.en]),
            "tab_zh": first([&tab.zh, &title.zh]),
            "tab_en": first([&tab.en, &title.en]),
        });
        scenes.push((order, name.to_owned(), scene));
    }
    scenes.sort_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
    scenes.into_iter().map(|(_, _, scene)| scene).collect()
}
