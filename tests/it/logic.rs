//! SQL in `tests/slt/*.slt`, asked in three ways: scanned, live, and live after a restart.
//!
//! The first line of a file says its class: `live` (each query must be kept live), `scan` (none may be) or `none` (it does
//! not plan). For the live ways each query becomes a metric file, as a user's would; rows land before and after its
//! first tick. `BLESS=1 cargo test --release --test it logic` writes what a scan answers into the files; look at the change.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use lingping::model::event::batch;
use lingping::model::message::{MetricRef, QueryFailure};
use lingping::model::{City, Clock, Event, Stream};
use lingping::query::adapter::StoreSource;
use lingping::query::live::Class;
use lingping::query::{Answer, Engine, Limits, TimeFormat, json_rows};
use lingping::store::{Store, StoreOptions};
use serde_json::Value as Json;
use sqllogictest::{
    AsyncDB, DBOutput, DefaultColumnType, Record, Runner, default_column_validator, default_normalizer,
    default_validator, parse_file,
};

const FOLDER: &str = "tests/slt";
/// 2026-11-23 14:32:07 in the city.
const NOW_US: i64 = 1_795_415_527_000_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Scan,
    Live,
}

/// One query file and its queries, each with the metric's name that it has for the live ways.
struct Script {
    path: PathBuf,
    class: String,
    metrics: BTreeMap<String, String>,
}

fn scripts() -> Vec<Script> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(FOLDER)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "slt"))
        .collect();
    paths.sort();
    let mut scripts = Vec::new();
    for path in paths {
        let records = parse_file::<DefaultColumnType>(&path).unwrap();
        let stem = path.file_stem().unwrap().to_string_lossy().into_owned();
        let mut script = Script { path, class: String::new(), metrics: BTreeMap::new() };
        for record in records {
            match record {
                Record::Comment(lines) => {
                    let class = lines.iter().find_map(|line| line.trim().strip_prefix("class: "));
                    script.class.extend(class.map(str::to_owned));
                }
                Record::Query { sql, .. } => {
                    let name = format!("{stem}_{}", script.metrics.len());
                    script.metrics.insert(sql, name);
                }
                _ => {}
            }
        }
        assert!(
            ["live", "scan", "none"].contains(&script.class.as_str()),
            "{}: {:?}",
            script.path.display(),
            script.class
        );
        scripts.push(script);
    }
    scripts
}

fn events() -> Vec<Event> {
    let text = std::fs::read_to_string(Path::new(FOLDER).join("events.jsonl")).unwrap();
    text.lines()
        .enumerate()
        .map(|(row, line)| {
            let mut json: Json = serde_json::from_str(line).unwrap();
            let object = json.as_object_mut().unwrap();
            let stream = object.remove("stream").unwrap();
            object.insert("src".to_owned(), "test".into());
            let stream = Stream::from_name(stream.as_str().unwrap()).unwrap();
            Event::from_json(stream, row, &json).unwrap_or_else(|error| panic!("events.jsonl:{}: {error}", row + 1))
        })
        .collect()
}

async fn land(store: &Store, events: &[Event]) {
    let replay = store.new_replay();
    for stream in Stream::ALL {
        let rows: Vec<Event> = events.iter().filter(|event| event.stream == stream).cloned().collect();
        for part in rows.chunks(5) {
            let landed = store.append(stream, batch(stream, part).unwrap(), Some(replay)).await.unwrap();
            assert!(landed.errors.is_empty(), "{:?}", landed.errors);
        }
    }
    store.end_replay(replay).await.unwrap();
}

fn open(folder: &Path, queries: &Path) -> (Store, Engine) {
    let city = Arc::new(City::load(&format!("{FOLDER}/city.toml")).unwrap());
    let clock = Clock::manual(NOW_US);
    // Nothing of the sealed rows is kept in memory, so that they are read from their files.
    let options = StoreOptions::new(city.clone(), clock.clone()).dir(folder).cache_bytes(0);
    let store = Store::open(options).unwrap();
    let source = Arc::new(StoreSource::new(store.clone()));
    let engine = Engine::over(source, city, clock, queries.to_owned(), Limits::default()).unwrap();
    (store, engine)
}

async fn tick_all(engine: &Engine) {
    for name in engine.catalog().metrics.keys() {
        let asked = MetricRef { name: name.clone(), params: BTreeMap::new() };
        engine.refresh(&asked).await.unwrap_or_else(|failure| panic!("{name}: {failure:?}"));
    }
}

/// An engine as a database of the SQL tests.
#[derive(Clone)]
struct Database {
    engine: Engine,
    way: Way,
    metrics: Arc<BTreeMap<String, String>>,
}

#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Failed(String);

impl From<QueryFailure> for Failed {
    fn from(failure: QueryFailure) -> Failed {
        Failed(failure.message)
    }
}

impl Database {
    async fn answer(&self, sql: &str) -> Result<Answer, Failed> {
        match self.way {
            Way::Scan => Ok(self.engine.sql(sql, &BTreeMap::new(), None).await?),
            Way::Live => {
                let name = self.metrics[sql].clone();
                Ok(self.engine.refresh(&MetricRef { name, params: BTreeMap::new() }).await?)
            }
        }
    }
}

#[async_trait::async_trait]
impl AsyncDB for Database {
    type Error = Failed;
    type ColumnType = DefaultColumnType;

    async fn run(&mut self, sql: &str) -> Result<DBOutput<DefaultColumnType>, Failed> {
        let answer = self.answer(sql).await?;
        let zone = self.engine.city().tz;
        let (columns, rows) = json_rows(&answer.schema, &answer.batches, TimeFormat::Rfc3339(zone));
        let types = columns
            .iter()
            .map(|column| match column.column_type.as_str() {
                word if word.contains("Int") => DefaultColumnType::Integer,
                word if word.starts_with("Float") || word.starts_with("Decimal") => DefaultColumnType::FloatingPoint,
                _ => DefaultColumnType::Text,
            })
            .collect();
        let rows = rows.iter().map(|row| row.iter().map(shown).collect()).collect();
        Ok(DBOutput::Rows { types, rows })
    }

    async fn shutdown(&mut self) {}

    fn engine_name(&self) -> &str {
        match self.way {
            Way::Scan => "scan",
            Way::Live => "live",
        }
    }
}

/// A cell: floats to six places (the order of adding may change the last ones).
fn shown(json: &Json) -> String {
    match json {
        Json::Null => "NULL".to_owned(),
        Json::String(text) if text.is_empty() => "(empty)".to_owned(),
        Json::String(text) => text.clone(),
        Json::Number(number) if number.is_f64() => {
            let text = format!("{:.6}", number.as_f64().unwrap());
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        }
        other => other.to_string(),
    }
}

async fn run(scripts: &[Script], engine: &Engine, way: Way, what: &str) {
    let mut failed = Vec::new();
    let mut queries = 0;
    for script in scripts.iter().filter(|script| way == Way::Scan || script.class != "none") {
        let database = Database { engine: engine.clone(), way, metrics: Arc::new(script.metrics.clone()) };
        let mut runner = Runner::new(|| std::future::ready(Ok(database.clone())));
        if way == Way::Scan && std::env::var_os("BLESS").is_some() && script.class != "none" {
            let (validator, normalizer) = (default_validator, default_normalizer);
            let columns = default_column_validator::<DefaultColumnType>;
            runner.update_test_file(&script.path, " ", validator, normalizer, columns).await.unwrap();
        }
        for record in parse_file(&script.path).unwrap() {
            queries += usize::from(matches!(record, Record::Query { .. }));
            if let Err(error) = runner.run_async(record).await {
                failed.push(error.display(false).to_string());
            }
        }
    }
    assert!(failed.is_empty(), "{what}: {} of {queries} queries\n{}", failed.len(), failed.join("\n\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_query_answers_the_same_scanned_live_and_live_after_a_restart() {
    let scripts = scripts();
    let folder = tempfile::tempdir().unwrap();
    let queries = tempfile::tempdir().unwrap();
    for script in scripts.iter().filter(|script| script.class != "none") {
        for (sql, name) in &script.metrics {
            std::fs::write(queries.path().join(format!("{name}.sql")), sql).unwrap();
        }
    }
    let (store, engine) = open(folder.path(), queries.path());
    for script in scripts.iter().filter(|script| script.class != "none") {
        for (sql, name) in &script.metrics {
            match engine.class(name).await {
                Ok(Class::Live) => assert_eq!(script.class, "live", "{sql}"),
                Ok(Class::Scan(reason)) => assert_eq!(script.class, "scan", "{reason}: {sql}"),
                Err(failure) => panic!("{failure:?}: {sql}"),
            }
        }
    }
    // Ticks over nothing, over half, over sealed rows, over rows that came late.
    tick_all(&engine).await;
    let events = events();
    let (late, timely): (Vec<_>, Vec<_>) =
        events.iter().cloned().partition(|event| matches!(event.text("id"), Some("D" | "F" | "k1" | "d1")));
    let (first, then) = timely.split_at(timely.len() / 2);
    for part in [first, &late, then] {
        land(&store, part).await;
        tick_all(&engine).await;
        if part != then {
            store.flush().await.unwrap();
        }
    }
    run(&scripts, &engine, Way::Scan, "scanned").await;
    run(&scripts, &engine, Way::Live, "live").await;
    engine.stop().await;
    drop((store, engine));
    let (_store, engine) = open(folder.path(), queries.path());
    run(&scripts, &engine, Way::Live, "live after a restart").await;
    run(&scripts, &engine, Way::Scan, "scanned after a restart").await;
}
