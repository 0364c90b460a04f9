//! `lingping bench scan`: twenty ad-hoc questions a wall's people ask, by full scans over the store's Parquet files.
//!
//! With `--peer duckdb` the same questions go to DuckDB (its Python package) over the same files, on as many threads; a
//! question it can't answer, or a machine without it, leaves `duckdb_ms` null.

use clap::Args;
use serde_json::{Value as Json, json};

use super::Failed;
use super::fill::{Folder, Ground, YEARS};
use super::measure::{alike, geometric_mean, table};
use super::peers::{DUCKDB, PeerArgs};

#[derive(Args, Clone, Debug)]
pub struct ScanArgs {
    /// Events in the store
    #[arg(long, default_value_t = 1_000_000)]
    pub events: u64,
    /// Times each question is asked; the best counts
    #[arg(long, default_value_t = 3)]
    pub repeat: u32,
    /// Prints JSON, one object a line (the only form there is)
    #[arg(long)]
    pub json: bool,
    /// Keeps the store here instead of in a temporary folder; a folder filled before is used again
    #[arg(long, value_name = "DIR")]
    pub keep: Option<std::path::PathBuf>,
    #[command(flatten)]
    pub peer: PeerArgs,
}

/// Events a second in the newest part of the store.
const RATE: u32 = 5_000;

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
    ("callers", "SELECT approx_distinct(caller) AS callers FROM contacts WHERE kind = 'arrive'"),
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

/// Runs the bench and prints a line for each question, and one for all.
///
/// # Errors
/// A sentence: the store or a query failed.
pub fn run(args: &ScanArgs) -> Result<(), Failed> {
    let folder = Folder::new(args.keep.as_deref(), "scan")?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("a runtime can't be started: {error}"))?;
    // Without rows in memory: what is compared is reading the files.
    let ground = Ground::open(folder.path(), Some(0))?;
    runtime.block_on(ground.fill(args.events, RATE, YEARS))?;
    let events = ground.events();
    let mut ours = Vec::new();
    for (name, sql) in QUESTIONS {
        let sql = sql.replace("TIMESTAMPTZ", "TIMESTAMP");
        let mut best = f64::INFINITY;
        let mut answer = None;
        for _ in 0..args.repeat.max(1) {
            let asked = runtime.block_on(ground.engine.sql(&sql, &Default::default(), None));
            let given = asked.map_err(|failure| format!("{name}: {}", failure.message))?;
            best = best.min(given.elapsed_ms);
            answer = Some(table(&given));
        }
        ours.push((best, answer.unwrap_or_default()));
    }
    let theirs = match args.peer.wants("duckdb") {
        true => {
            let job = json!({
                "folder": folder.path(), "questions": QUESTIONS, "repeat": args.repeat.max(1), "rows": true,
            });
            args.peer.ask(&DUCKDB, &job).unwrap_or_default()
        }
        false => Vec::new(),
    };
    let (mut ratios, mut differ) = (Vec::new(), Vec::new());
    for ((name, _), (ms, (columns, rows))) in QUESTIONS.iter().zip(&ours) {
        let answer = theirs.iter().find(|answer| answer["name"] == *name);
        let duckdb_ms = answer.and_then(|answer| answer["ms"].as_f64());
        if let (Some(answer), Some(other)) = (answer, duckdb_ms) {
            ratios.push(ms / other);
            let rows_of: Vec<Vec<Json>> = serde_json::from_value(answer["rows"].clone()).unwrap_or_default();
            if !alike(columns, rows, &rows_of) {
                differ.push(*name);
            }
        }
        println!(
            "{}",
            json!({"bench": "scan", "query": name, "events": events, "ms": ms, "duckdb_ms": duckdb_ms,
                "duckdb_error": answer.and_then(|answer| answer["error"].as_str())})
        );
    }
    let total: f64 = ours.iter().map(|(ms, _)| ms).sum();
    println!(
        "{}",
        json!({"bench": "scan", "query": "all", "events": events, "ms": total, "compared": ratios.len(),
            "over_duckdb_geometric_mean": geometric_mean(&ratios), "other_answer": differ})
    );
    Ok(())
}
