//! `lingping bench recover`: from the start of a process to its first correct answer, with many rows on disk.
//!
//! The store is filled once. Then processes of their own open it: `cold` without the states that live views keep beside
//! the segments, `warm` with them. Each opens the folder, asks every live metric once, and afterwards holds each answer
//! against a full scan. The files' pages are most likely in the system's memory, as after a restart of the hub alone.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use clap::Args;
use serde_json::{Value as Json, json};

use super::Failed;
use super::fill::{Folder, Ground, YEARS};
use super::measure::{alike, process_cpu_ms, rss_peak_mb, table};
use crate::model::message::MetricRef;
use crate::query::Question;
use crate::query::live::Class;

#[derive(Args, Clone, Debug)]
pub struct RecoverArgs {
    /// Events in the store
    #[arg(long, default_value_t = 1_000_000)]
    pub events: u64,
    /// Prints JSON, one object a line (the only form there is)
    #[arg(long)]
    pub json: bool,
    /// Keeps the store here instead of in a temporary folder; a folder filled before is used again
    #[arg(long, value_name = "DIR")]
    pub keep: Option<PathBuf>,
    /// Opens that store, asks and prints: what the bench runs as a process of its own
    #[arg(long, hide = true, requires = "keep")]
    pub once: bool,
    /// The program to start [default: this one]
    #[arg(long, value_name = "FILE", hide = true)]
    pub program: Option<PathBuf>,
}

/// Events a second in the newest part of the store.
const RATE: u32 = 5_000;

/// Runs the bench and prints a line for each kind of start.
///
/// # Errors
/// A sentence: the store can't be filled or opened, or an answer is wrong.
pub fn run(args: &RecoverArgs) -> Result<(), Failed> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("a runtime can't be started: {error}"))?;
    let folder = Folder::new(args.keep.as_deref(), "recover")?;
    if args.once {
        println!("{}", runtime.block_on(start(folder.path()))?);
        return Ok(());
    }
    {
        let ground = Ground::open(folder.path(), None)?;
        runtime.block_on(ground.fill(args.events, RATE, YEARS))?;
    }
    let states = folder.path().join("states");
    for (kind, forget) in [("cold", true), ("warm", false)] {
        if forget && states.exists() {
            std::fs::remove_dir_all(&states)
                .map_err(|error| format!("{} can't be removed: {error}", states.display()))?;
        }
        let mut line = start_process(args, folder.path())?;
        line["start"] = json!(kind);
        println!("{line}");
        if line["mismatches"] != 0 {
            return Err(format!("answers after a {kind} start differ from full scans: {}", line["mismatched"]));
        }
    }
    Ok(())
}

/// A process of its own, so that nothing is in memory yet.
fn start_process(args: &RecoverArgs, folder: &Path) -> Result<Json, Failed> {
    let program = match &args.program {
        Some(program) => program.clone(),
        None => std::env::current_exe().map_err(|error| format!("this program can't be found: {error}"))?,
    };
    let output = Command::new(&program)
        .args(["bench", "recover", "--once", "--json", "--keep"])
        .arg(folder)
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("{} can't be started: {error}", program.display()))?;
    if !output.status.success() {
        return Err(format!("the process that opens {} ended with {}", folder.display(), output.status));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().find_map(|line| serde_json::from_str(line).ok());
    line.ok_or_else(|| format!("the process that opens {} said nothing", folder.display()))
}

/// Opens the store, asks all live metrics, then looks whether the answers are right.
async fn start(folder: &Path) -> Result<Json, Failed> {
    let (began, cpu) = (Instant::now(), process_cpu_ms());
    let ms = || (began.elapsed().as_secs_f64() * 1e3).round();
    let ground = Ground::open(folder, None)?;
    let open_ms = ms();
    let metrics: Vec<MetricRef> = ground
        .engine
        .catalog()
        .metrics
        .keys()
        .map(|name| MetricRef { name: name.clone(), params: BTreeMap::new() })
        .collect();
    let mut first_ms = None;
    let mut answers = Vec::new();
    // As a hub does: all views are made ready together, unless what they need was kept.
    ground.engine.warm().await.map_err(|failure| failure.message)?;
    for asked in &metrics {
        let answer = ground.engine.refresh(asked).await;
        let answer = answer.map_err(|failure| format!("{}: {}", asked.name, failure.message))?;
        first_ms.get_or_insert_with(ms);
        answers.push(table(&answer));
    }
    let (all_ms, cpu_ms, rss_peak_mb) = (ms(), process_cpu_ms() - cpu, rss_peak_mb());
    let mut mismatched = Vec::new();
    for (asked, (columns, rows)) in metrics.iter().zip(&answers) {
        if ground.engine.class(&asked.name).await.map_err(|failure| failure.message)? != Class::Live {
            continue;
        }
        let scan = ground.engine.ask(&Question::Metric(asked.name.clone()), &asked.params, None).await;
        let scan = scan.map_err(|failure| format!("{}: {}", asked.name, failure.message))?;
        if !alike(columns, rows, &table(&scan).1) {
            mismatched.push(asked.name.clone());
        }
    }
    ground.engine.stop().await;
    Ok(json!({
        "bench": "recover",
        "events": ground.events(),
        "metrics": metrics.len(),
        "open_ms": open_ms,
        "first_answer_ms": first_ms,
        "all_answers_ms": all_ms,
        "cpu_ms": cpu_ms,
        "rss_peak_mb": rss_peak_mb,
        "mismatches": mismatched.len(),
        "mismatched": mismatched,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Columns and rows.
    type Table = (Vec<String>, Vec<Vec<Json>>);

    /// Opens, warms up, asks everything, stops: the rows that warming up looked at, and the answers.
    fn round(folder: &Path, fill: bool) -> (u64, Vec<Table>) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let ground = Ground::open(folder, None).unwrap();
        runtime.block_on(async {
            if fill {
                ground.fill(30_000, RATE, 1).await.unwrap();
            }
            let warming = ground.engine.warm().await.unwrap();
            let mut answers = Vec::new();
            for name in ground.engine.catalog().metrics.keys() {
                let asked = MetricRef { name: name.clone(), params: BTreeMap::new() };
                answers.push(table(&ground.engine.refresh(&asked).await.unwrap()));
            }
            ground.engine.stop().await;
            (warming.evaluated_rows, answers)
        })
    }

    #[test]
    fn a_start_with_kept_states_reads_no_row_again_and_one_with_a_bad_file_reads_all() {
        let folder = tempfile::tempdir().unwrap();
        let (cold_rows, cold) = round(folder.path(), true);
        assert!(cold_rows > 10_000, "{cold_rows}");
        let same = |answers: &[Table]| {
            for ((columns, before), (_, after)) in cold.iter().zip(answers) {
                assert!(alike(columns, before, after), "{columns:?}: {before:?} and then {after:?}");
            }
        };
        let (warm_rows, warm) = round(folder.path(), false);
        assert_eq!(warm_rows, 0);
        same(&warm);
        let states = folder.path().join(crate::query::live::keep::FILE);
        let mut bytes = std::fs::read(&states).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        std::fs::write(&states, bytes).unwrap();
        let (damaged_rows, damaged) = round(folder.path(), false);
        assert_eq!(damaged_rows, cold_rows);
        same(&damaged);
    }
}
