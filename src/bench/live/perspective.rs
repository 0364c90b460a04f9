//! Questions that Perspective can say too, by group-by views of its own: what a batch of new rows, and a single one, cost
//! here and there until all answers of a set are read again; DuckDB beside them, which asks its files anew.
//!
//! Two sets of six: metrics of the wall, most of them counts of today, which Perspective keeps by adding; and averages of a
//! whole history by a dimension, which it works out again from all rows of a group that has a new one.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use arrow::array::RecordBatch;
use serde_json::{Value as Json, json};

use super::peer::SmallTables;
use crate::bench::Failed;
use crate::bench::fill::{Folder, Ground};
use crate::bench::measure::{spread, table};
use crate::bench::peers::{DUCKDB, PERSPECTIVE, PeerArgs};
use crate::model::Stream;
use crate::model::message::MetricRef;
use crate::model::time::day_start_us;
use crate::query::adapter::StoreSource;
use crate::query::{Engine, Limits};

const METRICS: [&str; 6] =
    ["open_now", "solved_total", "loop_today", "types_today", "rating_levels", "transfer_minutes"];
/// The mean time to finish, by each of these columns of `tickets`.
const AVERAGES: [&str; 6] = ["board", "type", "service", "area", "channel", "prio"];
const UPDATES: usize = 20;
/// Rows of an update: what 5,000 events a second bring in a tenth of one.
const ROWS: usize = 500;
const SEED: u64 = 81_900;

/// Latencies of both sets over as many updates, for batches of rows and for single ones; `null` without Perspective. Every
/// row of the store is in its files.
///
/// # Errors
/// The store takes no rows, or a question fails.
pub async fn beside(args: &PeerArgs, ground: &Ground, folder: &Path) -> Result<Json, Failed> {
    let queries = Folder::new(None, "averages")?;
    let averages = averages(ground, queries.path())?;
    let sets = [
        Set { name: "metrics", questions: refs(METRICS), engine: &ground.engine },
        Set { name: "averages", questions: refs(AVERAGES), engine: &averages },
    ];
    // All of Perspective's answers before a row lands that its files have not.
    let mut theirs = Vec::new();
    for set in &sets {
        let Some(answers) = set.theirs(args, ground, folder).await? else { return Ok(Json::Null) };
        theirs.push(answers);
    }
    let mut line = json!({ "version": theirs[0].batches["version"], "rows": theirs[0].batches["rows"] });
    for (number, (set, theirs)) in sets.iter().zip(&theirs).enumerate() {
        let mut rows = Updates::new(ground, SEED + number as u64)?;
        let (mut batches, mut single) = (Latencies::default(), Latencies::default());
        for _ in 0..UPDATES {
            let (batch, now_us) = rows.next(ROWS)?;
            batches.update(ground, set, batch, now_us).await?;
        }
        for _ in 0..UPDATES {
            let (batch, now_us) = rows.next(1)?;
            single.update(ground, set, batch, now_us).await?;
        }
        line[set.name] = json!({
            "questions": set.questions.iter().map(|asked| &asked.name).collect::<Vec<_>>(),
            "batches": batches.beside(&theirs.batches),
            "single": single.beside(&theirs.single),
            "duckdb_ms": theirs.duckdb_ms,
            "other_answer": theirs.differ,
        });
    }
    Ok(line)
}

/// An engine over the same store whose catalog is the averages.
fn averages(ground: &Ground, queries: &Path) -> Result<Engine, Failed> {
    for column in AVERAGES {
        let sql = format!(
            "-- title_zh: 平均办结时长\n-- title_en: Mean time to finish\n\
             SELECT {column}, avg(elapsed_s) AS mean FROM tickets GROUP BY {column}\n"
        );
        let file = queries.join(format!("{column}.sql"));
        std::fs::write(&file, sql).map_err(|error| format!("{} can't be written: {error}", file.display()))?;
    }
    let source = Arc::new(StoreSource::new(ground.store.clone()));
    Engine::over(source, ground.city.clone(), ground.clock.clone(), queries.to_owned(), Limits::default())
        .map_err(|error| error.to_string())
}

fn refs(names: [&str; 6]) -> Vec<MetricRef> {
    names.map(|name| MetricRef { name: name.to_owned(), params: Default::default() }).into()
}

/// Six questions and the engine that keeps them.
struct Set<'a> {
    name: &'static str,
    questions: Vec<MetricRef>,
    engine: &'a Engine,
}

/// What the peers say of a set.
struct Theirs {
    batches: Json,
    single: Json,
    /// All six once more, best of three; `null` without DuckDB.
    duckdb_ms: Option<f64>,
    /// Questions to which Perspective has another answer.
    differ: Vec<String>,
}

impl Set<'_> {
    async fn theirs(&self, args: &PeerArgs, ground: &Ground, folder: &Path) -> Result<Option<Theirs>, Failed> {
        let job = |rows: usize| json!({ "folder": folder, "updates": UPDATES, "update_rows": rows, "views": self.views(ground) });
        let ask = |rows| args.ask(&PERSPECTIVE, &job(rows)).and_then(|lines| lines.into_iter().next());
        let Some(batches) = ask(ROWS) else { return Ok(None) };
        let Some(single) = ask(1) else { return Ok(None) };
        let mut differ = Vec::new();
        for asked in &self.questions {
            let answer = self.engine.refresh(asked).await.map_err(|failure| failure.message)?;
            if !same(&table(&answer), &batches["answers"][&asked.name]) {
                differ.push(asked.name.clone());
            }
        }
        let duckdb_ms = self.duckdb_ms(args, ground, folder).await?;
        Ok(Some(Theirs { batches, single, duckdb_ms, differ }))
    }

    /// Name, column to group by, column, aggregate, and filters of Perspective's views.
    fn views(&self, ground: &Ground) -> Json {
        if self.name == "averages" {
            return json!(AVERAGES.map(|by| json!([by, by, "elapsed_s", "avg", []])));
        }
        let (now_us, zone) = (ground.engine.now_us(), ground.city.tz);
        let today = json!(["ts", ">=", day_start_us(now_us, zone, 0)]);
        let month = json!(["ts", ">=", day_start_us(now_us, zone, -29)]);
        let kind = |kind: &str| json!(["kind", "==", kind]);
        json!([
            ["open_now", "kind", "open_delta", "sum", []],
            ["solved_total", "kind", "kind", "count", [kind("finish")]],
            ["loop_today", "kind", "kind", "count", [today]],
            ["types_today", "type", "kind", "count", [kind("open"), today]],
            ["rating_levels", "rating", "kind", "count", [kind("rate"), month]],
            [
                "transfer_minutes",
                "service",
                "since_dispatch_s",
                "avg",
                [kind("finish"), ["service", "==", "ask"], today]
            ],
        ])
    }

    /// `null` unless DuckDB says all six.
    async fn duckdb_ms(&self, args: &PeerArgs, ground: &Ground, folder: &Path) -> Result<Option<f64>, Failed> {
        let mut questions = Vec::new();
        for asked in &self.questions {
            questions.push(json!([asked.name, self.engine.bound_sql(asked).map_err(|failure| failure.message)?]));
        }
        let small = SmallTables::write(ground).await?;
        let job = json!({
            "folder": folder, "tables": small.path(), "questions": questions, "repeat": 3,
            "now_us": ground.engine.now_us(), "zone": ground.city.tz.name(),
        });
        let answers = args.ask(&DUCKDB, &job).unwrap_or_default();
        let took: Vec<f64> = answers.iter().filter_map(|answer| answer["ms"].as_f64()).collect();
        Ok((took.len() == self.questions.len()).then(|| took.iter().sum()))
    }
}

/// Whether Perspective's groups have the values of our rows. Only answers of a name and a number say the same thing in the
/// same form; of the others the total of `solved_total` does.
fn same((columns, rows): &(Vec<String>, Vec<Vec<Json>>), theirs: &Json) -> bool {
    let close = |ours: &Json, theirs: &Json| match (ours.as_f64(), theirs.as_f64()) {
        (Some(a), Some(b)) => (a - b).abs() <= 1e-9 * a.abs().max(b.abs()),
        (a, b) => a == b,
    };
    if let Some(counted) = columns.iter().position(|column| column == "counted") {
        return rows.first().is_some_and(|row| close(&row[counted], &theirs["total"]));
    }
    let Some(mean) = columns.iter().position(|column| column == "mean").filter(|_| columns.len() == 2) else {
        return true;
    };
    rows.iter()
        .filter_map(|row| Some((row[1 - mean].as_str()?, &row[mean])))
        .all(|(name, value)| close(value, &theirs["groups"][name]))
}

/// Rows of tickets, which are all that the sets ask, in the order in which a load test would bring them.
struct Updates {
    simulator: crate::feed::simulate::Simulator,
    waiting: Vec<RecordBatch>,
    until_us: i64,
    given: i64,
}

impl Updates {
    fn new(ground: &Ground, seed: u64) -> Result<Updates, Failed> {
        let now_us = ground.engine.now_us();
        let mut simulator = ground.simulator(seed, ROWS as f64 * 10.0, now_us);
        // The opening stock comes with the first rows.
        simulator.batches_until(now_us + 1, usize::MAX).map_err(|error| error.to_string())?;
        Ok(Updates { simulator, waiting: Vec::new(), until_us: now_us, given: 0 })
    }

    /// The next rows, and the time at which they have all happened.
    fn next(&mut self, rows: usize) -> Result<(RecordBatch, i64), Failed> {
        while self.waiting.iter().map(RecordBatch::num_rows).sum::<usize>() < rows {
            self.until_us += 100_000;
            let batches = self.simulator.batches_until(self.until_us, usize::MAX).map_err(|error| error.to_string())?;
            self.waiting
                .extend(batches.into_iter().filter(|(stream, _)| *stream == Stream::Tickets).map(|(_, batch)| batch));
        }
        let all = arrow::compute::concat_batches(&self.waiting[0].schema(), &self.waiting)
            .map_err(|error| error.to_string())?;
        self.waiting = vec![all.slice(rows, all.num_rows() - rows)];
        // The clock moves with every update.
        self.given += 1;
        Ok((all.slice(0, rows), self.until_us + self.given))
    }
}

/// From an update until all six answers are there, ms.
#[derive(Default)]
struct Latencies {
    ours_ms: Vec<f64>,
    /// With landing and fsync, which Perspective has not.
    durable_ms: Vec<f64>,
}

impl Latencies {
    async fn update(&mut self, ground: &Ground, set: &Set<'_>, rows: RecordBatch, now_us: i64) -> Result<(), Failed> {
        let began = Instant::now();
        ground.store.append(Stream::Tickets, rows, None).await.map_err(|error| error.to_string())?;
        ground.clock.set_us(now_us);
        let landed = Instant::now();
        for asked in &set.questions {
            let tick = set.engine.tick_here(asked).await;
            let live = tick.map_err(|failure| format!("{}: {}", asked.name, failure.message))?;
            if live.is_none() {
                return Err(format!("{} is not kept live", asked.name));
            }
        }
        self.ours_ms.push(landed.elapsed().as_secs_f64() * 1e3);
        self.durable_ms.push(began.elapsed().as_secs_f64() * 1e3);
        Ok(())
    }

    fn beside(&mut self, theirs: &Json) -> Json {
        let mut their_ms: Vec<f64> = serde_json::from_value(theirs["update_ms"].clone()).unwrap_or_default();
        let (ours, their) = (spread(&mut self.ours_ms), spread(&mut their_ms));
        let ratio = their["p50"].as_f64().zip(ours["p50"].as_f64()).map(|(their, ours)| their / ours.max(1e-9));
        json!({
            "update_rows": theirs["update_rows"],
            "update_ms": their,
            "ours_ms": ours,
            "ours_with_landing_and_fsync_ms": spread(&mut self.durable_ms),
            "over_ours": ratio,
        })
    }
}
