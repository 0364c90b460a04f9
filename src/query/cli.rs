//! `lingping query`: asks a hub or a data folder, and prints the answer.
//!
//! Fails with one sentence; `main` turns it into the exit code ([`QueryCliError::is_usage`]).

use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;

use super::adapter::MemorySource;
use super::client::{ClientError, ask_hub};
use super::engine::{Engine, Limits, QueryError, Question};
use super::print::{OutputFormat, write_answer};
use super::rows::batch_of;
use super::session::STATE_TABLES;
use crate::model::message::{MetricInfo, QueryFailure, ResultColumn};
use crate::model::time::{not_ahead, parse_local_time_us, parse_time_us};
use crate::model::{City, Clock, Stream, assets};
use crate::store::city_for;

/// Where a hub listens when nothing else is said.
const HUB: &str = "ws://127.0.0.1:8189/ws";

#[derive(Args, Clone, Debug, Default)]
pub struct QueryArgs {
    /// One SELECT, e.g. 'SELECT count(*) FROM tickets'
    pub sql: Option<String>,
    /// A metric of queries/ instead of SQL
    #[arg(long, conflicts_with = "sql")]
    pub name: Option<String>,
    /// Lists the metrics
    #[arg(long, conflicts_with_all = ["sql", "name"])]
    pub list: bool,
    /// With --list: the columns of every table
    #[arg(long, requires = "list")]
    pub columns: bool,
    /// A parameter, e.g. --param area=330203; may be repeated
    #[arg(long = "param", value_name = "NAME=VALUE")]
    pub params: Vec<String>,
    /// Answer as of this time (RFC 3339, or a local time of the city): later rows do not exist
    #[arg(long, value_name = "TIME")]
    pub at: Option<String>,
    #[arg(long, value_enum, default_value_t)]
    pub format: OutputFormat,
    /// The hub to ask [default: ws://127.0.0.1:8189/ws]
    #[arg(long, value_name = "URL", conflicts_with = "data")]
    pub hub: Option<String>,
    /// A data folder to open instead of asking a hub
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// The city file of the data folder [default: the one the folder was filled with]
    #[arg(long, value_name = "NAME")]
    pub city: Option<String>,
    /// The folder of metric files [default: queries]
    #[arg(long, value_name = "DIR")]
    pub queries: Option<PathBuf>,
    /// Shows how the answer is found instead of the answer
    #[arg(long)]
    pub explain: bool,
}

#[derive(Debug, thiserror::Error)]
pub enum QueryCliError {
    #[error("{0}")]
    Usage(String),
    #[error(transparent)]
    Engine(#[from] QueryError),
    #[error(transparent)]
    Client(#[from] ClientError),
    #[error("{}", super::failure::sentence(.0))]
    Query(QueryFailure),
    #[error("{0}")]
    Store(String),
    #[error("the answer can't be written: {0}")]
    Write(#[from] std::io::Error),
}

impl QueryCliError {
    /// Wrong usage (exit code 2) rather than failed work (1).
    pub fn is_usage(&self) -> bool {
        matches!(self, QueryCliError::Usage(_))
    }
}

impl From<QueryFailure> for QueryCliError {
    fn from(failure: QueryFailure) -> QueryCliError {
        QueryCliError::Query(failure)
    }
}

/// Runs the subcommand, writing to standard output.
///
/// # Errors
/// See [`QueryCliError`].
pub async fn run(args: QueryArgs) -> Result<(), QueryCliError> {
    let mut out = std::io::stdout().lock();
    match answer(&args, &mut out).await {
        // A reader that has seen enough (`| head`) is no error.
        Err(QueryCliError::Write(error)) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

async fn answer(args: &QueryArgs, out: &mut dyn Write) -> Result<(), QueryCliError> {
    if args.columns {
        return Ok(write_columns(out)?);
    }
    if args.list {
        return list(args, out).await;
    }
    let question = match (&args.sql, &args.name) {
        (Some(sql), _) => Question::Sql(sql.clone()),
        (None, Some(name)) => Question::Metric(name.clone()),
        (None, None) => {
            let message = "nothing is asked; give one SELECT, --name METRIC or --list";
            return Err(QueryCliError::Usage(message.to_owned()));
        }
    };
    let params = params(&args.params)?;
    if args.format == OutputFormat::Arrow && std::io::stdout().is_terminal() {
        let message = "--format arrow is binary; send it to a file or a pipe";
        return Err(QueryCliError::Usage(message.to_owned()));
    }
    if let Some(data) = &args.data {
        let engine = open(args, data)?;
        let city = engine.city().clone();
        let at = match &args.at {
            Some(text) => Some(parse_local_time_us(text, city.tz).ok_or_else(|| bad_time(text))?),
            None => None,
        };
        if let Some(at) = at {
            not_ahead(at, Clock::System.now_us(), city.tz).map_err(QueryCliError::Usage)?;
        }
        if args.explain {
            let text = engine.explain(&question, &params, at).await?;
            return Ok(writeln!(out, "{text}")?);
        }
        let answer = engine.ask(&question, &params, at).await?;
        write_answer(out, &answer.schema, &answer.batches, args.format, city.tz)?;
        let (demo, replay) = engine.provenance();
        say_provenance(demo, replay);
        return Ok(());
    }
    if let Some(text) = &args.at
        && parse_time_us(text).is_none()
        && parse_local_time_us(text, chrono_tz::Tz::UTC).is_none()
    {
        return Err(bad_time(text));
    }
    let url = args.hub.as_deref().unwrap_or(HUB);
    let answer = ask_hub(url, Some(&question), &params, args.at.as_deref(), args.explain).await?;
    if let Some(text) = answer.explain {
        return Ok(writeln!(out, "{text}")?);
    }
    let batch = batch_of(&answer.columns, &answer.rows).map_err(std::io::Error::other)?;
    write_answer(out, &batch.schema(), std::slice::from_ref(&batch), args.format, answer.city.tz)?;
    say_provenance(answer.demo, answer.replay);
    Ok(())
}

/// What must be said of where the rows are from; on stderr, so that the answer can be piped on.
fn say_provenance(demo: bool, replay: bool) {
    for (is, said) in
        [(demo, "演示数据: simulated rows"), (replay, "回放: rows played back, old events with new times,")]
    {
        if is {
            eprintln!("{said} are in this store");
        }
    }
}

fn bad_time(text: &str) -> QueryCliError {
    QueryCliError::Usage(format!(
        "--at {text:?} is not a time; write 2026-11-23T08:30:00+08:00, 2026-11-23 08:30 or 2026-11-23"
    ))
}

fn params(list: &[String]) -> Result<BTreeMap<String, String>, QueryCliError> {
    let mut params = BTreeMap::new();
    for param in list {
        let Some((name, value)) = param.split_once('=') else {
            return Err(QueryCliError::Usage(format!("--param {param:?} is not NAME=VALUE")));
        };
        params.insert(name.trim().trim_start_matches('$').to_owned(), value.to_owned());
    }
    Ok(params)
}

fn queries(args: &QueryArgs) -> PathBuf {
    args.queries.clone().unwrap_or_else(|| assets::home().join("queries"))
}

fn city(args: &QueryArgs) -> Result<Arc<City>, QueryCliError> {
    let city = city_for(args.city.as_deref(), args.data.as_deref());
    Ok(Arc::new(city.map_err(|error| QueryCliError::Store(error.to_string()))?))
}

fn open(args: &QueryArgs, data: &std::path::Path) -> Result<Engine, QueryCliError> {
    if !data.is_dir() {
        let message = format!("there is no data folder {}; give the one the hub was started with", data.display());
        return Err(QueryCliError::Store(message));
    }
    super::adapter::open_folder(data, city(args)?, Clock::System, queries(args))
}

async fn list(args: &QueryArgs, out: &mut dyn Write) -> Result<(), QueryCliError> {
    if let Some(url) = &args.hub {
        let hub = ask_hub(url, None, &BTreeMap::new(), None, false).await?;
        return write_list(out, &hub.metrics, args.format, hub.city.tz);
    }
    let source = Arc::new(MemorySource::default());
    let engine = Engine::over(source, city(args)?, Clock::System, queries(args), Limits::default())?;
    write_list(out, &engine.listed(false).await?, args.format, engine.city().tz)?;
    for problem in &engine.catalog().problems {
        tracing::warn!("{problem}");
    }
    Ok(())
}

/// The metrics, as a table whatever knows them.
fn write_list(
    out: &mut dyn Write,
    metrics: &[MetricInfo],
    format: OutputFormat,
    zone: chrono_tz::Tz,
) -> Result<(), QueryCliError> {
    const SAID: [&str; 7] = ["title_zh", "title_en", "unit_en", "window_en", "refresh", "source", "systems"];
    let names = ["name", "scene"].into_iter().chain(SAID).chain(["class"]);
    let columns: Vec<_> =
        names.map(|name| ResultColumn { name: name.to_owned(), column_type: "Utf8View".to_owned() }).collect();
    let rows: Vec<Vec<serde_json::Value>> = metrics
        .iter()
        .map(|metric| {
            let said = SAID.map(|key| metric.info.get(key).cloned().unwrap_or_default());
            let cells =
                [metric.name.clone(), metric.scene.clone()].into_iter().chain(said).chain([metric.class.clone()]);
            cells.map(serde_json::Value::from).collect()
        })
        .collect();
    let batch = batch_of(&columns, &rows).map_err(std::io::Error::other)?;
    Ok(write_answer(out, &batch.schema(), std::slice::from_ref(&batch), format, zone)?)
}

/// The tables and their columns; who writes each, and what it holds.
fn write_columns(out: &mut dyn Write) -> std::io::Result<()> {
    for stream in Stream::ALL {
        writeln!(out, "{stream}: one row an event; kind is one of {}", stream.kinds().join(" "))?;
        for column in stream.columns() {
            let writer = match column.writer {
                crate::model::stream::Writer::Hub => "written by the hub",
                crate::model::stream::Writer::Source if column.required => "sent, required",
                crate::model::stream::Writer::Source => "sent",
            };
            writeln!(out, "  {:<18} {:<52} {writer}", column.name, column.column_type.word())?;
        }
    }
    for name in STATE_TABLES {
        if let Some(schema) = super::past::state_schema(name) {
            let columns: Vec<_> = schema.fields().iter().map(|field| field.name().as_str()).collect();
            writeln!(out, "{name}: as things stand now; {}", columns.join(" "))?;
        }
    }
    writeln!(out, "from the city file: {}", super::dims::NAMES.join(" "))?;
    writeln!(out, "functions: now() day_start(days) local_time(ts); parameters: $area $board $from $to")
}
