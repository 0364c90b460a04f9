//! `lingping bench scan`: twenty ad-hoc questions a wall's people ask, by full scans over the store's Parquet files.
//!
//! With `--duckdb PYTHON` the same questions go to DuckDB (its Python package) over the same files; a question it can't
//! answer, or a machine without it, leaves `duckdb_ms` null.

use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::Arc;

use clap::Args;
use serde_json::json;

use super::live::{LiveArgs, NOW_US, fill, folder};
use crate::model::{City, Clock, assets};
use crate::query::adapter::StoreSource;
use crate::query::{Engine, Limits};
use crate::store::{Store, StoreOptions};

#[derive(Args, Clone, Debug)]
pub struct ScanArgs {
    /// Events in the store
    #[arg(long, default_value_t = 1_000_000)]
    pub events: u64,
    /// Times each question is asked; the best counts
    #[arg(long, default_value_t = 3)]
    pub repeat: u32,
    /// A Python with the duckdb package, to ask the same questions of the same files
    #[arg(long, value_name = "PYTHON")]
    pub duckdb: Option<String>,
    /// Prints JSON, one object a line (the only form there is)
    #[arg(long)]
    pub json: bool,
    /// Keeps the store here instead of in a temporary folder
    #[arg(long, value_name = "DIR")]
    pub keep: Option<std::path::PathBuf>,
}

/// Name and question; `tickets` and `contacts` are the streams. Both engines read them as they are.
const QUESTIONS: [(&str, &str); 20] = [
    ("count", "SELECT count(*) FROM tickets"),
    ("count_kind", "SELECT count(*) FROM tickets WHERE kind = 'open'"),
    ("by_kind", "SELECT kind, count(*) AS n FROM tickets GROUP BY kind ORDER BY n DESC, kind"),
    ("by_area", "SELECT area, count(*) AS n FROM tickets WHERE kind = 'open' GROUP BY area ORDER BY n DESC, area"),
    (
        "by_board_area",
        "SELECT board, area, count(*) AS n, avg(elapsed_s) AS mean FROM tickets WHERE kind = 'finish' GROUP BY board, area ORDER BY n DESC, board, area LIMIT 20",
    ),
    (
        "by_topic",
        "SELECT topic, count(*) AS n FROM tickets WHERE kind = 'open' GROUP BY topic ORDER BY n DESC, topic LIMIT 10",
    ),
    ("open_sum", "SELECT sum(open_delta) FROM tickets"),
    (
        "satisfied",
        "SELECT count(*) FILTER (WHERE rating >= 4) AS k, count(rating) AS n FROM tickets WHERE kind = 'rate'",
    ),
    ("slowest", "SELECT id, elapsed_s FROM tickets WHERE kind = 'finish' ORDER BY elapsed_s DESC, id LIMIT 10"),
    (
        "by_month",
        "SELECT date_trunc('month', ts) AS month, count(*) AS n FROM tickets WHERE kind = 'open' GROUP BY 1 ORDER BY 1",
    ),
    (
        "by_hour",
        "SELECT date_part('hour', ts) AS hour, count(*) AS n FROM contacts WHERE kind = 'arrive' GROUP BY 1 ORDER BY 1",
    ),
    ("waits", "SELECT avg(wait_s) AS mean, max(wait_s) AS longest, count(*) AS n FROM contacts WHERE kind = 'answer'"),
    (
        "within_15",
        "SELECT line, count(*) FILTER (WHERE kind = 'answer' AND wait_s <= 15) AS k, count(*) AS n FROM contacts WHERE kind IN ('answer', 'abandon') GROUP BY line ORDER BY line",
    ),
    (
        "by_channel",
        "SELECT channel, count(*) AS n FROM contacts WHERE kind = 'arrive' GROUP BY channel ORDER BY n DESC, channel",
    ),
    ("callers", "SELECT approx_count_distinct(caller) AS callers FROM contacts WHERE kind = 'arrive'"),
    (
        "top_callers",
        "SELECT caller, count(*) AS n FROM contacts WHERE kind = 'arrive' AND caller IS NOT NULL GROUP BY caller ORDER BY n DESC, caller LIMIT 10",
    ),
    (
        "overdue_by_org",
        "SELECT org, count(*) FILTER (WHERE overdue) AS late, count(*) AS n FROM tickets WHERE kind = 'finish' GROUP BY org ORDER BY n DESC, org",
    ),
    (
        "last_day",
        "SELECT service, count(*) AS n FROM tickets WHERE ts >= TIMESTAMPTZ '2026-11-22 06:32:07+00' AND kind = 'open' GROUP BY service ORDER BY n DESC, service",
    ),
    ("one_ticket", "SELECT ts, kind, state FROM tickets WHERE id = 'nobody' ORDER BY ts"),
    ("like", "SELECT count(*) FROM tickets WHERE topic LIKE '04.%' AND kind = 'open'"),
];

/// Runs the bench and prints a line for each question.
///
/// # Errors
/// A sentence: the store or a query failed.
pub fn run(args: &ScanArgs) -> Result<(), String> {
    let live = LiveArgs {
        events: args.events,
        hz: 10,
        rate: 5_000,
        seconds: 0,
        json: true,
        keep: args.keep.clone(),
        each: false,
    };
    let folder = folder(&live)?;
    let city = Arc::new(City::load("ningbo").map_err(|error| error.to_string())?);
    let clock = Clock::manual(NOW_US);
    let options = StoreOptions::new(city.clone(), clock.clone()).dir(folder.path()).cache_bytes(0);
    let store = Store::open(options).map_err(|error| error.to_string())?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("a runtime can't be started: {error}"))?;
    let source = Arc::new(StoreSource::new(store.clone()));
    let queries = assets::home().join("queries");
    let engine =
        Engine::over(source, city.clone(), clock, queries, Limits::default()).map_err(|error| error.to_string())?;
    let events = runtime.block_on(fill(&store, &city, &live))?;
    let mut ours = Vec::new();
    for (name, sql) in QUESTIONS {
        let sql = sql.replace("approx_count_distinct", "approx_distinct").replace("TIMESTAMPTZ", "TIMESTAMP");
        let mut best = f64::INFINITY;
        for _ in 0..args.repeat.max(1) {
            let answer = runtime
                .block_on(engine.sql(&sql, &Default::default(), None))
                .map_err(|failure| format!("{name}: {}", failure.message))?;
            best = best.min(answer.elapsed_ms);
        }
        ours.push(best);
    }
    let theirs = args.duckdb.as_deref().map(|python| duckdb(python, folder.path(), args.repeat)).unwrap_or_default();
    let (mut log_ratio, mut compared) = (0.0, 0);
    for ((name, _), ms) in QUESTIONS.iter().zip(&ours) {
        let duckdb_ms = theirs.get(*name).copied();
        if let Some(other) = duckdb_ms {
            log_ratio += (ms / other).ln();
            compared += 1;
        }
        println!("{}", json!({"bench": "scan", "query": name, "events": events, "ms": ms, "duckdb_ms": duckdb_ms}));
    }
    if compared > 0 {
        let ratio = (log_ratio / f64::from(compared)).exp();
        println!("{}", json!({"bench": "scan", "query": "all", "ratio_to_duckdb": ratio, "compared": compared}));
    }
    Ok(())
}

const SCRIPT: &str = r#"
import sys, json, time
try:
    import duckdb
except ImportError:
    sys.exit(0)
job = json.load(sys.stdin)
con = duckdb.connect()
con.execute("SET TimeZone='UTC'")
for stream in ("tickets", "contacts"):
    con.execute(f"CREATE VIEW {stream} AS SELECT * FROM read_parquet('{job['folder']}/**/stream={stream}/**/*.parquet', hive_partitioning=false)")
for name, sql in job["questions"]:
    best = None
    try:
        for _ in range(job["repeat"]):
            began = time.perf_counter()
            con.execute(sql).fetchall()
            ms = (time.perf_counter() - began) * 1000
            best = ms if best is None else min(best, ms)
    except Exception as error:
        print(f"{name}: {error}", file=sys.stderr)
        continue
    print(json.dumps([name, best]))
"#;

/// DuckDB's times by question; empty where there is no DuckDB.
fn duckdb(python: &str, folder: &std::path::Path, repeat: u32) -> std::collections::BTreeMap<String, f64> {
    let job = json!({"folder": folder, "questions": QUESTIONS.to_vec(), "repeat": repeat.max(1)});
    let child = Command::new(python).args(["-c", SCRIPT]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let Ok(mut child) = child else { return Default::default() };
    if let Some(mut stdin) = child.stdin.take() {
        let _ = stdin.write_all(job.to_string().as_bytes());
    }
    let Ok(output) = child.wait_with_output() else { return Default::default() };
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines().filter_map(|line| serde_json::from_str::<(String, f64)>(line).ok()).collect()
}
