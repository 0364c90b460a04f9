//! The store on a real file system, from outside: a disk that is full, bytes that changed, rows that leave by age, a
//! folder that cannot be written, kills, and other programs that read the segments.
//!
//! What needs a disk of its own mounts a small one; where that is not allowed the test says so and passes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;

use lingping::bench::crash::{CrashArgs, measure};
use lingping::model::event::batch;
use lingping::model::{City, Clock, Event, Stream};
use lingping::store::{Store, StoreOptions};
use serde_json::{Value as Json, json};

use crate::hub::client::{Client, NOW_US, Setup, get};

const PROGRAM: &str = env!("CARGO_BIN_EXE_lingping");

fn lingping(args: &[&str], data: &Path) -> Output {
    Command::new(PROGRAM).args(args).arg("--data").arg(data).stdin(Stdio::null()).output().unwrap()
}

/// All that a program said, and its exit code.
fn said(output: &Output) -> (String, Option<i32>) {
    let text = [&output.stdout[..], &output.stderr[..]].concat();
    (String::from_utf8_lossy(&text).into_owned(), output.status.code())
}

fn skipped(why: &str) {
    // Past the capture of the test's own output: it must be seen.
    let _ = std::io::Write::write_all(&mut std::io::stderr(), format!("SKIPPED, not proven here: {why}\n").as_bytes());
}

/// A file system of its own in memory, gone when dropped.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn mount(mib: u32) -> Option<SmallDisk> {
        let folder = tempfile::tempdir().unwrap();
        let size = format!("size={mib}m");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(folder.path()).output();
        match mounted {
            Ok(output) if output.status.success() => Some(SmallDisk(folder)),
            _ => {
                skipped("this user may not mount a small disk (root may)");
                None
            }
        }
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn make_read_only(&self) {
        let done = Command::new("mount").args(["-o", "remount,ro"]).arg(self.path()).status().unwrap();
        assert!(done.success());
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: a process that was killed may still be on its way out.
        let _ = Command::new("umount").arg("-l").arg(self.path()).status();
    }
}

/// Writes until there is no room at all.
fn fill_up(path: &Path) {
    let mut file = fs::File::create(path).unwrap();
    for block in [1 << 20, 4096, 1] {
        let bytes = vec![7_u8; block];
        while std::io::Write::write_all(&mut file, &bytes).is_ok() {}
    }
}

/// Rows that fill a log quickly.
fn long_rows(batch: i64) -> Json {
    let note = "一条相当长的备注".repeat(20);
    let row = |n: i64| {
        json!({"ts": NOW_US - n, "kind": "note", "id": format!("N-{batch}-{n}"), "src": "crm",
            "src_seq": (batch * 10_000 + n).to_string(), "note": note})
    };
    json!({"type": "ingest", "batch": batch, "stream": "signals", "rows": (0..1_000).map(row).collect::<Vec<_>>()})
}

/// Sends batches until one is refused: the number of the refused one, and the refusal.
async fn send_until_refused(client: &mut Client, mut batch: i64) -> (i64, Json) {
    loop {
        let answer = client.ask(long_rows(batch)).await;
        if answer["type"] == "error" {
            return (batch, answer);
        }
        assert_eq!(answer["rows"], 1_000, "{answer}");
        batch += 1;
        assert!(batch < 2_000, "a full disk takes everything");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_stops_the_acks_with_a_reason_and_nothing_acknowledged_is_lost() {
    let Some(disk) = SmallDisk::mount(160) else { return };
    let data = disk.path().join("data");
    let ballast = disk.path().join("ballast");
    let on_disk = || Setup { dir: Some(data.clone()), ..Setup::default() };
    const COUNT: &str = "SELECT count(*) FROM signals";

    let running = on_disk().start().await;
    let mut client = Client::connect(running.address).await;
    assert_eq!(client.ask(long_rows(0)).await["rows"], 1_000);
    fill_up(&ballast);
    let (refused, answer) = send_until_refused(&mut client, 1).await;
    assert_eq!((&answer["code"], &answer["batch"]), (&json!("read_only"), &json!(refused)), "{answer}");
    let reason = answer["message"].as_str().unwrap();
    assert!(reason.contains("make room on the disk") && reason.contains("No space left"), "{reason}");
    // Questions go on, and health says why no rows are taken.
    assert_eq!(client.value(COUNT).await, refused * 1_000);
    let health = get(running.address, "/healthz").await;
    assert!(health.status == 503 && health.body.contains("make room on the disk"), "{}", health.body);
    // With room again it goes on by itself, and the batch sent again is counted once.
    fs::remove_file(&ballast).unwrap();
    assert_eq!(client.ask(long_rows(refused)).await["rows"], 1_000);
    assert_eq!(client.ask(long_rows(refused)).await["duplicates"], 1_000);
    assert_eq!(get(running.address, "/healthz").await.status, 200);
    // Full again, and this time the hub ends.
    fill_up(&ballast);
    let (refused, _) = send_until_refused(&mut client, refused + 1).await;
    running.hub.stop().await;
    // It can't begin on a full disk, says so, and breaks nothing.
    let (text, code) = said(&lingping(&["hub", "--listen", "127.0.0.1:0"], &data));
    assert!(code == Some(1) && text.contains("No space left"), "{code:?}: {text}");
    fs::remove_file(&ballast).unwrap();
    let running = on_disk().start().await;
    let mut client = Client::connect(running.address).await;
    assert_eq!(client.value(COUNT).await, refused * 1_000);
    assert_eq!(client.ask(long_rows(refused)).await["rows"], 1_000);
    assert_eq!(client.ask(long_rows(0)).await["duplicates"], 1_000);
    assert_eq!(client.value("SELECT count(DISTINCT src_seq) FROM signals").await, (refused + 1) * 1_000);
    running.hub.stop().await;
    let (text, code) = said(&lingping(&["verify"], &data));
    assert_eq!(code, Some(0), "{text}");
}

fn options(data: &Path) -> StoreOptions {
    StoreOptions::new(Arc::new(City::load("ningbo").unwrap()), Clock::manual(NOW_US)).dir(data)
}

/// Tickets of the days before now, one each hour, opened and finished.
fn tickets(days: std::ops::Range<i64>) -> Vec<Event> {
    let hours = days.start * 24..days.end * 24;
    hours
        .flat_map(|hour| {
            let event = |kind: &str, after_us: i64, key: i64| {
                let ts_us = NOW_US - (hour + 1) * 3_600_000_000 + after_us;
                Event::new(Stream::Tickets, ts_us, kind, &format!("甬-{hour}"), "test", &key.to_string())
                    .with("service", "gov")
                    .with("area", "330203")
            };
            [event("open", 0, hour * 2).with("topic", "道路·路灯"), event("finish", 60_000_000, hour * 2 + 1)]
        })
        .collect()
}

async fn land(store: &Store, stream: Stream, events: &[Event]) {
    let replay = store.new_replay();
    for part in events.chunks(1_000) {
        store.append(stream, batch(stream, part).unwrap(), Some(replay)).await.unwrap();
    }
    store.end_replay(replay).await.unwrap();
}

fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path, ending));
        } else if path.extension().is_some_and(|extension| extension == ending) {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn flip(path: &Path, offset: usize) {
    let mut bytes = fs::read(path).unwrap();
    bytes[offset] ^= 0x40;
    fs::write(path, bytes).unwrap();
}

/// The number after `at byte`.
fn place_in(text: &str) -> usize {
    let rest = text.split("at byte ").nth(1).unwrap_or_else(|| panic!("no place in {text:?}"));
    rest.chars().take_while(char::is_ascii_digit).collect::<String>().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_byte_is_told_with_file_and_place_by_verify_and_by_a_hub_that_starts() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut often = options(&data);
    // The first segments are covered by a checkpoint, so that a start need not read them for itself.
    often.checkpoint_rows = 500;
    let store = Store::open(often).unwrap();
    for days in [60..90, 30..60, 2..30] {
        land(&store, Stream::Tickets, &tickets(days)).await;
        store.flush().await.unwrap();
    }
    drop(store);
    // These stay in the log, in several commits: too few for a checkpoint at the end.
    let store = Store::open(options(&data)).unwrap();
    for day in 0..2 {
        land(&store, Stream::Tickets, &tickets(day..day + 1)).await;
    }
    drop(store);
    let (text, code) = said(&lingping(&["verify"], &data));
    assert_eq!(code, Some(0), "{text}");
    let segments = files(&data.join("segments"), "parquet");
    let logs = files(&data.join("log"), "log");
    assert!(segments.len() >= 4 && !logs.is_empty(), "{segments:?} {logs:?}");
    assert!(!files(&data.join("checkpoint"), "bin").is_empty());
    let middle = |path: &PathBuf| (path.clone(), fs::metadata(path).unwrap().len() as usize / 2);
    let manifest = data.join("manifest.json");
    let digit = fs::read_to_string(&manifest).unwrap().find("\"rows\": ").unwrap() + 8;
    let mut places: Vec<(PathBuf, usize)> = segments.iter().map(middle).collect();
    places.push((logs[0].clone(), 300));
    places.push((manifest, digit));
    for (path, offset) in places {
        flip(&path, offset);
        for command in [&["verify"][..], &["hub", "--listen", "127.0.0.1:0"]] {
            let (text, code) = said(&lingping(command, &data));
            assert_eq!(code, Some(1), "{command:?}, {}: {text}", path.display());
            let line = text.lines().find(|line| line.contains(&path.display().to_string()));
            let line = line.unwrap_or_else(|| panic!("{command:?} does not name {}: {text}", path.display()));
            assert!(place_in(line) <= offset, "{line}, changed at {offset}");
            if command[0] == "hub" {
                assert!(line.contains("lingping verify --data"), "{line}");
            }
        }
        flip(&path, offset);
        let (text, code) = said(&lingping(&["verify"], &data));
        assert_eq!(code, Some(0), "{text}");
    }
}

/// A note each hour of the days before now.
fn notes(days: std::ops::Range<i64>) -> Vec<Event> {
    let note = |hour: i64| {
        let ts_us = NOW_US - (hour + 1) * 3_600_000_000;
        Event::new(Stream::Signals, ts_us, "note", &format!("n{hour}"), "test", &hour.to_string())
    };
    (days.start * 24..days.end * 24).map(note).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_past_keeping_leave_the_folder_and_the_rest_stays_whole() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut options = options(&data);
    options.keep_days = Some(40);
    options.checkpoint_rows = 500;
    let store = Store::open(options.clone()).unwrap();
    for days in [90..120, 60..90, 30..60, 0..30] {
        land(&store, Stream::Signals, &notes(days)).await;
        store.flush().await.unwrap();
    }
    drop(store);
    // A start removes what the end of the last one left behind.
    drop(Store::open(options).unwrap());
    let report: Json = serde_json::from_slice(&lingping(&["verify", "--format", "json"], &data).stdout).unwrap();
    assert_eq!(report["ok"], true, "{report}");
    // A segment goes when all of its rows are too old, and a segment is of one month: October's is still needed.
    let october = lingping::model::time::parse_time_us("2026-10-01T00:00:00+08:00").unwrap();
    let kept = notes(0..120).iter().filter(|note| note.ts_us() >= october).count();
    let answer =
        lingping(&["query", "select count(*) as n, count(distinct id) as d from signals", "--format", "json"], &data);
    let row: Json = serde_json::from_slice(&answer.stdout).unwrap_or_else(|_| panic!("{:?}", said(&answer)));
    assert_eq!((&row["n"], &row["d"], &report["rows"]["signals"]), (&json!(kept), &json!(kept), &json!(kept)));
    let files = files(&data.join("segments"), "parquet");
    assert!(files.iter().all(|file| !file.to_string_lossy().contains("month=2026-09")), "{files:?}");
    assert_eq!(json!(files.len()), report["segments"]);
    // What was dropped is still known: sent again it is not taken for new.
    let store = Store::open(StoreOptions { keep_days: Some(40), ..self::options(&data) }).unwrap();
    let old = batch(Stream::Signals, &notes(100..110)).unwrap();
    let landed = store.append(Stream::Signals, old, None).await.unwrap();
    assert_eq!((landed.rows, landed.duplicates), (0, 240));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_cannot_be_written_is_told_and_can_still_be_verified() {
    let Some(disk) = SmallDisk::mount(100) else { return };
    let data = disk.path().join("data");
    let store = Store::open(options(&data)).unwrap();
    land(&store, Stream::Tickets, &tickets(0..3)).await;
    store.flush().await.unwrap();
    drop(store);
    disk.make_read_only();
    let (text, code) = said(&lingping(&["verify"], &data));
    assert_eq!(code, Some(0), "{text}");
    for command in [&["hub", "--listen", "127.0.0.1:0"][..], &["query", "select count(*) from tickets"]] {
        let (text, code) = said(&lingping(command, &data));
        assert_eq!(code, Some(1), "{command:?}: {text}");
        assert!(text.contains(&data.display().to_string()) && text.contains("Read-only"), "{command:?}: {text}");
    }
}

/// A Python that has one of these packages; `LINGPING_PYTHON` names another than the one on the path.
fn python_with(package: &str) -> Option<PathBuf> {
    let python = std::env::var_os("LINGPING_PYTHON").map_or_else(|| PathBuf::from("python3"), PathBuf::from);
    let found = Command::new(&python).args(["-c", &format!("import {package}")]).output();
    found.is_ok_and(|output| output.status.success()).then_some(python)
}

const DUCKDB: &str = "
import duckdb, json, sys
rows = duckdb.sql(f\"\"\"select stream, month, count(*), count(distinct src_seq), sum(open_delta), min(epoch_us(ts)), max(seq)
  from read_parquet('{sys.argv[1]}/segments/*/*/*.parquet', hive_partitioning = true) where topic = '道路·路灯'
  group by all order by all\"\"\").fetchall()
print(json.dumps(rows))
";
const POLARS: &str = "
import polars as pl, json, sys
rows = (pl.scan_parquet(f'{sys.argv[1]}/segments/**/*.parquet', hive_partitioning = True)
  .filter(pl.col('topic') == '道路·路灯').group_by('stream', 'month')
  .agg(pl.len().alias('n'), pl.col('src_seq').n_unique().alias('d'), pl.col('open_delta').sum(),
    pl.col('ts').dt.epoch('us').min(), pl.col('seq').max()).sort('stream', 'month').collect().rows())
print(json.dumps(rows))
";

#[tokio::test(flavor = "multi_thread")]
async fn other_programs_read_the_segments_as_they_lie() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let store = Store::open(options(&data)).unwrap();
    for days in [20..45, 0..20] {
        land(&store, Stream::Tickets, &tickets(days)).await;
        store.flush().await.unwrap();
    }
    drop(store);
    let sql = "select 'tickets' as stream, substr(cast(local_time(ts) as varchar), 1, 7) as month, count(*) as n, \
        count(distinct src_seq) as d, cast(sum(open_delta) as bigint) as o, min(ts) as t, max(seq) as s \
        from tickets where topic = '道路·路灯' group by 2 order by 2";
    let answer = lingping(&["query", sql, "--format", "json"], &data);
    let ours: Vec<Json> = String::from_utf8_lossy(&answer.stdout)
        .lines()
        .map(|line| {
            let row: Json = serde_json::from_str(line).unwrap();
            let ts = lingping::model::time::parse_time_us(row["t"].as_str().unwrap()).unwrap();
            json!([row["stream"], row["month"], row["n"], row["d"], row["o"], ts, row["s"]])
        })
        .collect();
    assert!(ours.len() >= 2, "{:?}", said(&answer));
    for (package, script) in [("duckdb", DUCKDB), ("polars", POLARS)] {
        let Some(python) = python_with(package) else {
            skipped(&format!("no python3 with the package {package}; LINGPING_PYTHON=… names one"));
            continue;
        };
        let theirs = Command::new(python).args(["-c", script]).arg(&data).output().unwrap();
        assert!(theirs.status.success(), "{package}: {:?}", said(&theirs));
        let theirs: Vec<Json> = serde_json::from_slice(&theirs.stdout).unwrap();
        assert_eq!(theirs, ours, "{package}");
    }
}

/// The gate's share of `lingping bench crash`.
#[tokio::test(flavor = "multi_thread")]
async fn fifty_kills_lose_nothing_acknowledged_and_double_nothing() {
    let program = Some(PathBuf::from(PROGRAM));
    let args = CrashArgs { cycles: 50, seed: 50, data: None, program, json: true };
    let line = measure(&args).await.unwrap();
    assert_eq!(
        (&line["lost"], &line["duplicated"], &line["verify_ok"]),
        (&json!(0), &json!(0), &json!(true)),
        "{line}"
    );
    assert_eq!(line["rows"], line["acked"], "{line}");
    assert!(line["acked"].as_u64() > Some(1_000), "{line}");
    eprintln!("{line}");
}
