//! Real exports through a real hub: every figure that was computed from the raw files elsewhere comes out of SQL.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use lingping::feed::import::{self, ImportArgs, ImportReport, ReportFormat};
use lingping::feed::replay::{self, ReplayArgs, Shift, Speed};
use lingping::hub::{Hub, HubOptions};
use lingping::model::{City, Clock};
use lingping::query::{TimeFormat, json_rows};
use lingping::store::StoreOptions;
use serde_json::{Value as Json, json};

/// The folder of real data, which may be absent: then a test says so and returns.
fn shared(relative: &str) -> Option<PathBuf> {
    let home = std::env::var_os("LINGPING_SHARED").map_or_else(|| root().join("../shared"), PathBuf::from);
    let path = home.join("data").join(relative);
    if path.exists() {
        return Some(path);
    }
    eprintln!("NOT TESTED: {} is not there (LINGPING_SHARED names the folder)", path.display());
    None
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn map(name: &str) -> PathBuf {
    root().join("assets/maps").join(name)
}

async fn hub(city: &str) -> Hub {
    let city = Arc::new(City::load(city).unwrap());
    let store = StoreOptions::new(city, Clock::System);
    Hub::start(HubOptions::new(store, "127.0.0.1:0".parse().unwrap(), root().join("queries"))).await.unwrap()
}

fn url(hub: &Hub) -> String {
    format!("ws://{}/ws", hub.local_addr())
}

fn args(file: &Path, map: PathBuf, to: Option<String>) -> ImportArgs {
    ImportArgs {
        file: file.to_path_buf(),
        map,
        dry_run: to.is_none(),
        to,
        report: ReportFormat::Json,
        quarantine: None,
        src: None,
        key_file: Some(key_file().to_path_buf()),
        force: false,
    }
}

/// One key for all tests, outside the data.
fn key_file() -> &'static Path {
    static FILE: std::sync::LazyLock<PathBuf> = std::sync::LazyLock::new(|| {
        let path = std::env::temp_dir().join(format!("lingping-test-{}.key", std::process::id()));
        std::fs::write(&path, "a key that only these tests use").unwrap();
        path
    });
    &FILE
}

async fn import(file: &Path, map: PathBuf, to: Option<String>) -> ImportReport {
    import::import(&args(file, map, to), &Clock::System).await.unwrap()
}

/// The rows of an answer; one column alone is given bare.
async fn ask(hub: &Hub, sql: &str) -> Json {
    let answer = hub.engine().sql(sql, &BTreeMap::new(), None).await.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
    let (columns, rows) = json_rows(&answer.schema, &answer.batches, TimeFormat::Micros);
    if rows.len() == 1 && columns.len() == 1 {
        return rows[0][0].clone();
    }
    rows.into_iter().map(Json::from).collect()
}

/// `ask` as an object: first column → second.
async fn ask_map(hub: &Hub, sql: &str) -> Json {
    let rows = ask(hub, sql).await;
    let text = |value: &Json| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    Json::Object(rows.as_array().unwrap().iter().map(|row| (text(&row[0]), row[1].clone())).collect())
}

/// Counts of 24 hours, those without a row as 0.
async fn ask_hours(hub: &Hub, sql: &str) -> Json {
    let mut hours = vec![0; 24];
    for row in ask(hub, sql).await.as_array().unwrap() {
        hours[row[0].as_u64().unwrap() as usize] = row[1].as_u64().unwrap();
    }
    json!(hours)
}

/// Compares one by one, so that every difference is named.
struct Figures {
    expected: Json,
    wrong: Vec<String>,
    compared: Vec<String>,
}

impl Figures {
    fn read(path: &Path) -> Figures {
        let expected = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        Figures { expected, wrong: vec![], compared: vec!["/note".into()] }
    }

    fn check(&mut self, pointer: &str, found: Json) {
        let expected = self.expected.pointer(pointer).unwrap_or_else(|| panic!("no figure {pointer}"));
        if *expected != found {
            self.wrong.push(format!("{pointer}: expected {expected}, found {found}"));
        }
        self.compared.push(pointer.to_owned());
    }

    /// Every figure of the file was compared, and none differs.
    fn end(self) {
        fn leaves(prefix: &str, value: &Json, compared: &[String], missed: &mut Vec<String>) {
            if compared.iter().any(|pointer| pointer == prefix) {
                return;
            }
            match value {
                Json::Object(object) => {
                    for (key, value) in object {
                        leaves(&format!("{prefix}/{}", key.replace('/', "~1")), value, compared, missed);
                    }
                }
                _ => missed.push(prefix.to_owned()),
            }
        }
        let mut missed = vec![];
        leaves("", &self.expected, &self.compared, &mut missed);
        assert!(missed.is_empty(), "figures not compared: {missed:?}");
        assert!(self.wrong.is_empty(), "{}", self.wrong.join("\n"));
    }
}

const TYPE: &str = "regexp_replace(topic, '^[^/]*/[^/]*/', '')";

async fn check_boston(hub: &Hub, figures: &mut Figures) {
    for (pointer, sql) in [
        ("/tickets", "SELECT count(*) FROM tickets WHERE kind = 'open'"),
        ("/finished", "SELECT count(*) FROM tickets WHERE kind = 'finish'"),
        ("/never_finished", "SELECT count(*) FROM open_tickets"),
        ("/with_due", "SELECT count(*) FROM tickets WHERE kind = 'open' AND due IS NOT NULL"),
        ("/finished_after_due", "SELECT count(*) FROM tickets WHERE kind = 'finish' AND overdue"),
        ("/finished_by_due", "SELECT count(*) FROM tickets WHERE kind = 'finish' AND NOT overdue"),
        ("/closed_in_the_second_it_opened", "SELECT count(*) FROM tickets WHERE kind = 'finish' AND elapsed_s = 0"),
        (
            "/due_in_august_2011/due",
            "SELECT count(*) FROM tickets WHERE kind = 'open' AND date_trunc('month', local_time(due)) = '2011-08-01'",
        ),
        (
            "/due_in_august_2011/finished_by_due",
            "SELECT count(*) FROM tickets WHERE kind = 'finish' AND NOT overdue \
             AND date_trunc('month', local_time(due)) = '2011-08-01'",
        ),
        (
            "/finished_before_2012/n",
            "SELECT count(*) FROM tickets WHERE kind = 'finish' AND local_time(ts) < '2012-01-01'",
        ),
        (
            "/finished_before_2012/sum_elapsed_s",
            "SELECT sum(elapsed_s) FROM tickets WHERE kind = 'finish' AND local_time(ts) < '2012-01-01'",
        ),
        (
            "/finished_before_2012/max_elapsed_s",
            "SELECT max(elapsed_s) FROM tickets WHERE kind = 'finish' AND local_time(ts) < '2012-01-01'",
        ),
        (
            "/tree_emergencies_on_2011_08_28",
            "SELECT count(*) FROM tickets WHERE kind = 'open' AND topic LIKE '%/Tree Emergencies' \
             AND CAST(local_time(ts) AS DATE) = '2011-08-28'",
        ),
    ] {
        figures.check(pointer, ask(hub, sql).await);
    }
    for day in ["2011-08-28", "2011-10-01", "2012-01-01"] {
        let sql = format!("SELECT sum(open_delta) FROM tickets WHERE local_time(ts) < '{day}'");
        figures.check(&format!("/open_at/{day}"), ask(hub, &sql).await);
        // The same from the tables of that moment.
        let at = lingping::model::time::parse_local_time_us(day, chrono_tz::America::New_York).unwrap() - 1;
        let answer = hub.engine().sql("SELECT count(*) FROM open_tickets", &BTreeMap::new(), Some(at)).await.unwrap();
        let (_, rows) = json_rows(&answer.schema, &answer.batches, TimeFormat::Micros);
        figures.check(&format!("/open_at/{day}"), rows[0][0].clone());
    }
    for day in figures.expected["opened_by_local_day"].as_object().unwrap().clone().keys() {
        let sql =
            format!("SELECT count(*) FROM tickets WHERE kind = 'open' AND CAST(local_time(ts) AS DATE) = '{day}'");
        figures.check(&format!("/opened_by_local_day/{day}"), ask(hub, &sql).await);
    }
    let hours = "SELECT CAST(date_part('hour', local_time(ts)) AS BIGINT) h, count(*) FROM tickets WHERE kind = 'open' GROUP BY h";
    figures.check("/opened_by_local_hour", ask_hours(hub, hours).await);
    for (pointer, column) in [("/by_channel", "channel"), ("/by_department", "org")] {
        let sql = format!("SELECT {column}, count(*) FROM tickets WHERE kind = 'open' GROUP BY {column}");
        figures.check(pointer, ask_map(hub, &sql).await);
    }
    let sql =
        format!("SELECT {TYPE} t, count(*) n FROM tickets WHERE kind = 'open' GROUP BY t ORDER BY n DESC LIMIT 10");
    figures.check("/top_types", ask_map(hub, &sql).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn boston_lands_exactly_and_a_second_import_brings_no_row_twice() {
    let Some(file) = shared("boston311/tickets.csv.gz") else { return };
    let hub = hub("boston").await;
    let began = Instant::now();
    let first = import(&file, map("boston311.toml"), Some(url(&hub))).await;
    eprintln!(
        "Boston: read {:.2} s, sent and acked {:.2} s, {:.2} s in all",
        first.read_s,
        first.send_s.unwrap(),
        began.elapsed().as_secs_f64()
    );
    let answer = first.hub.as_ref().unwrap();
    assert_eq!((answer.landed, answer.duplicates, answer.quarantined, answer.refused), (58_251 + 54_570, 0, 0, 0));
    assert_eq!((first.rows_quarantined, &first.unmapped_values), (0, &BTreeMap::new()));
    let mut figures = Figures::read(&shared("boston311/expected.json").unwrap());
    check_boston(&hub, &mut figures).await;
    let second = import(&file, map("boston311.toml"), Some(url(&hub))).await;
    let answer = second.hub.unwrap();
    assert_eq!((answer.landed, answer.duplicates), (0, 58_251 + 54_570));
    check_boston(&hub, &mut figures).await;
    let dry = import(&file, map("boston311.toml"), None).await;
    figures.check("/import_report", json!(dry.import_report));
    figures.end();
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_slice_that_ships_lands_exactly() {
    let hub = hub("boston").await;
    let data = root().join("tests/data");
    let report = import(&data.join("boston311-slice.csv.gz"), map("boston311.toml"), Some(url(&hub))).await;
    let mut figures = Figures::read(&data.join("boston311-slice.expected.json"));
    for (name, sql) in [
        ("tickets", "SELECT count(*) FROM tickets WHERE kind = 'open'"),
        ("finished", "SELECT count(*) FROM tickets WHERE kind = 'finish'"),
        ("with_due", "SELECT count(*) FROM tickets WHERE kind = 'open' AND due IS NOT NULL"),
        ("finished_after_due", "SELECT count(*) FROM tickets WHERE kind = 'finish' AND overdue"),
        ("finished_by_due", "SELECT count(*) FROM tickets WHERE kind = 'finish' AND NOT overdue"),
        ("closed_in_the_second_it_opened", "SELECT count(*) FROM tickets WHERE kind = 'finish' AND elapsed_s = 0"),
        ("open_at_2011_08_29", "SELECT sum(open_delta) FROM tickets WHERE local_time(ts) < '2011-08-29'"),
        ("sum_elapsed_s", "SELECT sum(elapsed_s) FROM tickets WHERE kind = 'finish'"),
        ("max_elapsed_s", "SELECT max(elapsed_s) FROM tickets WHERE kind = 'finish'"),
        ("tree_emergencies", "SELECT count(*) FROM tickets WHERE kind = 'open' AND topic LIKE '%/Tree Emergencies'"),
        ("areas", "SELECT count(DISTINCT area) FROM tickets"),
    ] {
        figures.check(&format!("/{name}"), ask(&hub, sql).await);
    }
    let days =
        "SELECT CAST(CAST(local_time(ts) AS DATE) AS VARCHAR) d, count(*) FROM tickets WHERE kind = 'open' GROUP BY d";
    figures.check("/opened_by_local_day", ask_map(&hub, days).await);
    let hours = "SELECT CAST(date_part('hour', local_time(ts)) AS BIGINT) h, count(*) FROM tickets WHERE kind = 'open' GROUP BY h";
    figures.check("/opened_by_local_hour", ask_hours(&hub, hours).await);
    figures.check(
        "/by_channel",
        ask_map(&hub, "SELECT channel, count(*) FROM tickets WHERE kind = 'open' GROUP BY channel").await,
    );
    figures.check(
        "/by_department",
        ask_map(&hub, "SELECT org, count(*) FROM tickets WHERE kind = 'open' GROUP BY org").await,
    );
    figures.check("/rows_on_the_fallback_point", json!(report.import_report["rows_on_the_fallback_point"]));
    figures.end();
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_call_centre_lands_exactly() {
    let Some(file) = shared("bank_calls/calls.csv.gz") else { return };
    let hub = hub("callcentre").await;
    let report = import(&file, map("bank_calls.toml"), Some(url(&hub))).await;
    assert_eq!(report.rows_quarantined, 0, "{:?}", report.set_aside);
    let answer = report.hub.as_ref().unwrap();
    assert_eq!((answer.landed, answer.refused, answer.quarantined), (report.events, 0, 0), "{:?}", answer.errors);
    let mut figures = Figures::read(&shared("bank_calls/expected.json").unwrap());
    for (pointer, sql) in [
        ("/rows", "SELECT count(*) FROM contacts WHERE kind = 'arrive'"),
        ("/outcome/AGENT", "SELECT count(*) FROM contacts WHERE kind = 'answer'"),
        ("/outcome/HANG", "SELECT count(*) FROM contacts WHERE kind = 'abandon'"),
        ("/outcome/PHANTOM", "SELECT count(*) FROM contacts WHERE kind = 'arrive' AND NOT valid"),
        ("/offered", "SELECT count(*) FROM contacts WHERE kind IN ('answer', 'abandon')"),
        ("/answered", "SELECT count(*) FROM contacts WHERE kind = 'answer' AND valid"),
        ("/abandoned", "SELECT count(*) FROM contacts WHERE kind = 'abandon' AND valid"),
        ("/answered_within_15s", "SELECT count(*) FROM contacts WHERE kind = 'answer' AND wait_s <= 15"),
        ("/answered_within_20s", "SELECT count(*) FROM contacts WHERE kind = 'answer' AND wait_s <= 20"),
        ("/sum_wait_s_answered", "SELECT sum(wait_s) FROM contacts WHERE kind = 'answer'"),
        ("/sum_service_s_answered", "SELECT sum(talk_s) FROM contacts WHERE kind = 'end'"),
        ("/max_service_s", "SELECT max(talk_s) FROM contacts"),
        ("/servers", "SELECT count(DISTINCT seat) FROM contacts"),
        ("/days", "SELECT count(DISTINCT CAST(local_time(ts) AS DATE)) FROM contacts WHERE kind = 'arrive'"),
        ("/first_day", "SELECT CAST(min(CAST(local_time(ts) AS DATE)) AS VARCHAR) FROM contacts WHERE kind = 'arrive'"),
        ("/last_day", "SELECT CAST(max(CAST(local_time(ts) AS DATE)) AS VARCHAR) FROM contacts WHERE kind = 'arrive'"),
    ] {
        figures.check(pointer, ask(&hub, sql).await);
    }
    figures.check(
        "/by_type",
        ask_map(&hub, "SELECT skill, count(*) FROM contacts WHERE kind = 'arrive' GROUP BY skill").await,
    );
    let hours = "SELECT CAST(date_part('hour', local_time(ts)) AS BIGINT) h, count(*) FROM contacts \
                 WHERE kind = 'arrive' AND valid GROUP BY h";
    figures.check("/offered_by_hour_of_vru_entry", ask_hours(&hub, hours).await);
    figures.check("/import_report", json!(report.import_report));
    figures.end();
    // Who queued has left the queue; no customer and no name came along.
    assert_eq!(ask(&hub, "SELECT sum(queue_delta) FROM contacts").await, json!(0));
    let lengths = "SELECT count(*) FROM contacts WHERE length(caller) <> 16 OR length(seat) <> 16";
    assert_eq!(ask(&hub, lengths).await, json!(0));
    // A call over midnight takes minutes, not minus a day.
    let longest = "SELECT max(date_part('epoch', e.ts) - date_part('epoch', a.ts)) < 43200 FROM contacts e JOIN contacts a ON e.id = a.id \
                   WHERE a.kind = 'arrive' AND e.kind IN ('end', 'abandon')";
    assert_eq!(ask(&hub, longest).await, json!(true));
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_chinese_appeals_land_exactly() {
    let Some(file) = shared("pingshan/tickets.csv.gz") else { return };
    let hub = hub("pingshan").await;
    let report = import(&file, map("pingshan.toml"), Some(url(&hub))).await;
    assert_eq!((report.rows_quarantined, &report.unmapped_values), (0, &BTreeMap::new()), "{:?}", report.set_aside);
    let mut figures = Figures::read(&shared("pingshan/expected.json").unwrap());
    figures.check("/tickets", ask(&hub, "SELECT count(*) FROM tickets WHERE kind = 'open'").await);
    figures.check("/units", ask(&hub, "SELECT count(DISTINCT org) FROM tickets").await);
    figures.check("/sub_types", ask(&hub, "SELECT count(DISTINCT topic) FROM tickets").await);
    for (pointer, sql) in [
        ("/by_source", "SELECT channel, count(*) FROM tickets WHERE kind = 'open' GROUP BY channel"),
        (
            "/by_property",
            "SELECT CASE type WHEN 'complain' THEN '投诉' WHEN 'ask' THEN '咨询' WHEN 'suggest' THEN '建议' \
             WHEN 'help' THEN '求决' WHEN 'praise' THEN '感谢' ELSE '其他' END p, count(*) \
             FROM tickets WHERE kind = 'open' GROUP BY p",
        ),
        ("/by_street", "SELECT coalesce(area, '-') a, count(*) FROM tickets WHERE kind = 'open' GROUP BY a"),
        ("/by_type", "SELECT split_part(topic, '/', 1) t, count(*) FROM tickets WHERE kind = 'open' GROUP BY t"),
        (
            "/by_achieve",
            "SELECT CASE WHEN overdue THEN '逾期办结' ELSE '按期办结' END a, count(*) FROM tickets \
             WHERE kind = 'finish' AND overdue IS NOT NULL GROUP BY a",
        ),
        (
            "/top_sub_types",
            "SELECT split_part(topic, '/', 3) t, count(*) n FROM tickets WHERE kind = 'open' GROUP BY t ORDER BY n DESC LIMIT 5",
        ),
        (
            "/overdue_by_type",
            "SELECT split_part(topic, '/', 1) t, count(*) n FROM tickets WHERE kind = 'finish' AND overdue \
             GROUP BY t ORDER BY n DESC LIMIT 8",
        ),
    ] {
        figures.check(pointer, ask_map(&hub, sql).await);
    }
    let busiest = "SELECT CAST(CAST(local_time(ts) AS DATE) AS VARCHAR) d, count(*) n FROM tickets WHERE kind = 'open' \
                   GROUP BY d ORDER BY n DESC LIMIT 1";
    figures.check("/busiest_day", ask(&hub, busiest).await[0].clone());
    figures.end();
    // Dates alone give no durations.
    assert_eq!(ask(&hub, "SELECT count(elapsed_s) FROM tickets").await, json!(0));
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_readable_format_gives_the_same_rows() {
    let Some(folder) = shared("format_fixtures") else { return };
    let nyc = root().join("tests/data/nyc311.toml");
    let mut seen: Option<Json> = None;
    let mut formats = 0;
    for name in [
        "csv", "csv.gz", "csv.zst", "csv.zlib", "tsv", "tsv.gz", "tsv.zst", "tsv.zlib", "tab", "tab.gz", "tab.zst",
        "ssv", "ssv.gz", "ssv.zst", "json", "jsonl", "parquet",
    ] {
        let hub = hub("boston").await;
        let file = folder.join(format!("NYC311-5.{name}"));
        let report = import(&file, nyc.clone(), Some(url(&hub))).await;
        assert_eq!((report.rows_read, report.rows_quarantined), (5, 0), "{name}: {:?}", report.set_aside);
        let columns = "ts, kind, id, src, src_seq, area, org, channel, topic, due";
        let rows = ask(&hub, &format!("SELECT {columns} FROM tickets ORDER BY id, ts, kind")).await;
        assert_eq!(rows.as_array().unwrap().len() as u64, report.events, "{name}");
        match &seen {
            None => seen = Some(rows),
            Some(seen) => assert_eq!(*seen, rows, "{name}"),
        }
        formats += 1;
        hub.stop().await;
    }
    assert_eq!(formats, 17);
    // Its writer left the metadata unaligned, which the Arrow library refuses: a sentence, not a panic.
    let error =
        import::import(&args(&folder.join("NYC311-5.arrow"), nyc.clone(), None), &Clock::System).await.unwrap_err();
    assert!(error.to_string().contains("NYC311-5.arrow"), "{error}");
    let error = import::import(&args(&folder.join("NYC311-5.avro"), nyc, None), &Clock::System).await.unwrap_err();
    assert!(error.to_string().contains("Avro"), "{error}");
}

#[tokio::test]
async fn a_broken_row_is_set_aside_and_the_file_goes_on() {
    let Some(folder) = shared("format_fixtures") else { return };
    let good = import(&folder.join("boston311-100.csv"), map("boston311.toml"), None).await;
    assert_eq!((good.rows_read, good.rows_quarantined), (100, 0), "{:?}", good.set_aside);
    let bad = import(&folder.join("boston311-100-bad.tsv"), map("boston311.toml"), None).await;
    assert_eq!((bad.rows_mapped, bad.rows_quarantined), (bad.rows_read - 1, 1));
    assert_eq!(bad.quarantined_by_reason["fields"], 1);
    assert!(bad.set_aside[0].message.contains("30 fields, the header has 29"), "{:?}", bad.set_aside);
    for name in [
        "boston311-100.csv.gz",
        "boston311-100.csv.zst",
        "boston311-100.jsonl",
        "boston311-100-untrimmed.jsonl",
        "boston311-100.tab",
        "boston311-100-with-nonascii.csv",
    ] {
        let report = import(&folder.join(name), map("boston311.toml"), None).await;
        assert_eq!((report.rows_quarantined, report.events_by_kind), (0, good.events_by_kind.clone()), "{name}");
    }
    // Times that do not read are counted by column, and a date the other way round is none.
    let dmy = import(&folder.join("boston311-dmy-100.csv"), map("boston311.toml"), None).await;
    assert_eq!((dmy.events, dmy.rows_quarantined), (0, 100));
    assert_eq!(
        dmy.times_that_do_not_parse["open_dt"].rows
            + dmy.times_that_do_not_parse.get("target_dt").map_or(0, |bad| bad.rows),
        100
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_come_twice_in_one_file_land_once() {
    let Some(folder) = shared("format_fixtures") else { return };
    let hub = hub("boston").await;
    let report = import(&folder.join("boston311-100-20dupes-random.csv"), map("boston311.toml"), Some(url(&hub))).await;
    let answer = report.hub.unwrap();
    assert_eq!(answer.landed + answer.duplicates, report.events);
    assert!(answer.duplicates > 0, "{answer:?}");
    let twice = "SELECT count(*) FROM (SELECT id FROM tickets WHERE kind = 'open' GROUP BY id HAVING count(*) > 1)";
    assert_eq!(ask(&hub, twice).await, json!(0));
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_storm_is_played_back_so_that_it_ends_now() {
    let hub = hub("boston").await;
    let args = ReplayArgs {
        file: root().join("assets/samples/boston311-2011-08.csv.gz"),
        map: map("boston311.toml"),
        to: url(&hub),
        speed: Speed::Max,
        shift: None,
        now: None,
        fresh_ids: false,
        report: ReportFormat::Json,
        src: None,
        key_file: None,
        force: false,
    };
    let report = replay::replay(&args, &Clock::System).await.unwrap();
    let answer = report.hub.unwrap();
    assert_eq!((answer.landed, answer.quarantined, answer.refused), (report.events, 0, 0));
    let age = "SELECT max(ts) BETWEEN now() - INTERVAL '5 minutes' AND now() FROM tickets";
    assert_eq!(ask(&hub, age).await, json!(true));
    // Again with the same ids: the hub knows these tickets, and the report names rows and reasons.
    let known = replay::replay(&args, &Clock::System).await.unwrap();
    let told = known.hub.unwrap();
    assert_eq!(told.quarantined_by_reason.values().sum::<u64>(), told.quarantined);
    assert!(told.quarantined > 0 && told.quarantined_by_reason.keys().any(|reason| reason.starts_with("open after")));
    assert!(told.quarantined_rows[0].starts_with("open of "), "{:?}", told.quarantined_rows);
    assert!(known.notes.iter().any(|note| note.contains("--fresh-ids")), "{:?}", known.notes);
    // Another source, and with ids of its own it lands beside the first.
    let again = ReplayArgs { fresh_ids: true, shift: Some(Shift::Today), ..args.clone() };
    let report = replay::replay(&again, &Clock::System).await.unwrap();
    let answer = report.hub.unwrap();
    assert_eq!((answer.landed > 0, answer.duplicates, answer.quarantined), (true, 0, 0));
    // A hub of another city takes it only by force.
    let elsewhere = self::hub("ningbo").await;
    let wrong = ReplayArgs { to: url(&elsewhere), ..args.clone() };
    let refused = replay::replay(&wrong, &Clock::System).await.unwrap_err().to_string();
    assert!(refused.contains("written for the city boston, the hub serves ningbo"), "{refused}");
    let forced = replay::replay(&ReplayArgs { force: true, ..wrong }, &Clock::System).await.unwrap();
    assert!(forced.notes[0].contains("days and names are the hub's"), "{:?}", forced.notes);
    elsewhere.stop().await;
    // The storm's noon is now: what came after it is left out at `max`.
    let noon = ReplayArgs { fresh_ids: true, now: Some("2011-08-28 12:00".into()), ..args };
    let report = replay::replay(&noon, &Clock::System).await.unwrap();
    let answer = report.hub.unwrap();
    assert_eq!((answer.landed > 0, answer.quarantined, report.notes.len()), (true, 0, 1));
    hub.stop().await;
}

#[tokio::test]
async fn a_phone_number_in_a_mapped_column_stops_the_import_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let map = write(
        "map.toml",
        "src = \"gd\"\nstream = \"tickets\"\nshape = \"wide\"\ndrop = [\"内容\"]\n[time]\nzone = \"Asia/Shanghai\"\n\
         [set]\nid = \"编号\"\norg = \"承办单位\"\ncaller = { column = \"来电号码\", key = true }\n[[stage]]\nkind = \"open\"\nat = \"受理时间\"\n",
    );
    let header = "编号,受理时间,承办单位,来电号码,内容\n";
    let good = "1,2024-05-01 08:00:00,城管局,13812345678,请回电13912345678\n";
    let file = write("good.csv", &format!("{header}{good}"));
    let report = import(&file, map.clone(), None).await;
    assert_eq!((report.events, report.columns_keyed), (1, vec!["来电号码".to_owned()]));
    let file = write("bad.csv", &format!("{header}{good}2,2024-05-01 08:00:00,城管局(13812345678),,\n"));
    let error = import::import(&args(&file, map, None), &Clock::System).await.unwrap_err().to_string();
    assert!(error.contains("row 2 (line 3), column \"承办单位\"") && error.contains("mobile phone number"), "{error}");
}

#[tokio::test]
async fn a_list_of_rows_set_aside_is_left_only_where_it_lists_some() {
    let folder = tempfile::tempdir().unwrap();
    let list = folder.path().join("aside.jsonl");
    let header = "src = \"gd\"\nstream = \"tickets\"\nshape = \"wide\"\n[time]\nzone = \"Asia/Shanghai\"\n";
    let map = folder.path().join("map.toml");
    std::fs::write(
        &map,
        format!("{header}[set]\nid = \"编号\"\norg = \"单位\"\n[[stage]]\nkind = \"open\"\nat = \"受理\"\n"),
    )
    .unwrap();
    let import = async |row: &str| {
        let file = folder.path().join("export.csv");
        std::fs::write(&file, format!("编号,受理,单位\n{row}\n")).unwrap();
        let args = ImportArgs { quarantine: Some(list.clone()), ..args(&file, map.clone(), None) };
        import::import(&args, &Clock::System).await
    };
    assert!(import("1,2024-05-01 08:00:00,城管局13812345678").await.is_err());
    assert!(!list.exists(), "refused before a row was set aside");
    assert_eq!(import("1,soon,城管局").await.unwrap().rows_quarantined, 1);
    assert!(std::fs::read_to_string(&list).unwrap().contains("soon"));
    assert_eq!(import("1,2024-05-01 08:00:00,城管局").await.unwrap().rows_quarantined, 0);
    assert!(!list.exists(), "nothing was set aside this time");
}
