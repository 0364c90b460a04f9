//! Metrics that are looked at, questions, and files that change meanwhile.

use std::path::Path;
use std::time::Duration;

use lingping::hub::Limits;
use serde_json::{Value as Json, json};

use super::client::{Client, NOW_US, Running, Setup, get, http, open};

fn write(folder: &Path, name: &str, sql: &str) {
    std::fs::create_dir_all(folder.join("test")).unwrap();
    std::fs::write(
        folder.join(format!("test/{name}.sql")),
        format!("-- title_zh: 甲\n-- title_en: A\n-- basis: rows\n-- source: tickets\n-- refresh: 50ms\n{sql}\n"),
    )
    .unwrap();
}

/// A hub with the metrics `count` and `named`.
async fn start(folder: &Path) -> Running {
    write(folder, "count", "SELECT count(*) AS value FROM tickets");
    write(folder, "named", "SELECT area, count(*) AS n FROM tickets GROUP BY area ORDER BY area");
    let limits = Limits { repeat: Duration::from_millis(300), ..Limits::default() };
    Setup { queries: Some(folder.to_owned()), limits: Some(limits), ..Setup::default() }.start().await
}

async fn result_with(client: &mut Client, rows: Json) -> Json {
    loop {
        let result = client.hear_type("result").await;
        if result["rows"] == rows {
            return result;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_result_comes_at_once_and_again_when_rows_land() {
    let folder = tempfile::tempdir().unwrap();
    let running = start(folder.path()).await;
    let mut client = Client::connect(running.address).await;
    client.send(json!({"type": "subscribe", "metrics": [{"name": "count"}]})).await;
    let result = client.hear_type("result").await;
    assert_eq!((&result["metric"], &result["rows"], &result["error"]), (&json!("count"), &json!([[0]]), &Json::Null));
    assert_eq!(result["columns"], json!([{"name": "value", "type": "Int64"}]));
    assert_eq!((&result["as_of"], &result["data_until"]), (&json!(NOW_US), &Json::Null));
    assert_eq!(result["info"]["title_zh"], "甲");
    let mut feed = Client::connect(running.address).await;
    feed.ingest(1, &[open(3)]).await;
    let after = result_with(&mut client, json!([[1]])).await;
    assert!(after["version"].as_i64() > result["version"].as_i64());
    assert_eq!(after["data_until"], NOW_US - 3_000_000);
    // Nothing lands: it is said again now and then, so that its age is known.
    let again = client.hear_type("result").await;
    assert_eq!(again["rows"], json!([[1]]));
    running.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_subscription_replaces_the_old_and_arrow_carries_the_same_rows() {
    let folder = tempfile::tempdir().unwrap();
    let running = start(folder.path()).await;
    let mut client = Client::connect(running.address).await;
    client.ingest(1, &[open(1), open(2)]).await;
    client.send(json!({"type": "hello", "client": "wall", "format": "arrow"})).await;
    client.send(json!({"type": "subscribe", "metrics": [{"name": "count"}]})).await;
    client.send(json!({"type": "subscribe", "metrics": [{"name": "named"}, {"name": "named"}]})).await;
    let mut named = 0;
    while named < 3 {
        let (message, payload) = client.next().await.unwrap();
        if message["type"] != "result" || message["metric"] != "named" {
            // The first subscription may have been answered before it was replaced, never after.
            assert_eq!(named, 0, "{message}");
            continue;
        }
        named += 1;
        assert_eq!(message["rows"], json!([]));
        let batches = lingping::hub::ipc::read(payload.into(), 100).unwrap();
        assert_eq!((batches[0].num_rows(), batches[0].schema().field(1).name().as_str()), (1, "n"));
    }
    running.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_metric_may_appear_break_and_be_mended_while_it_is_looked_at() {
    let folder = tempfile::tempdir().unwrap();
    let running = start(folder.path()).await;
    let mut client = Client::connect(running.address).await;
    client.send(json!({"type": "subscribe", "metrics": [{"name": "late"}]})).await;
    assert_eq!(client.hear_type("error").await["code"], "unknown_metric");
    let waiting = client.hear_type("result").await;
    assert_eq!((&waiting["metric"], &waiting["rows"]), (&json!("late"), &json!([])));
    assert!(waiting["error"].is_string());
    write(folder.path(), "late", "SELECT 7 AS value");
    running.hub.engine().reload().unwrap();
    let result = result_with(&mut client, json!([[7]])).await;
    assert_eq!(result["error"], Json::Null);
    write(folder.path(), "late", "SELECT nonsense FROM tickets");
    running.hub.engine().reload().unwrap();
    // The last good version goes on, and the catalog says what is wrong where.
    let catalog: Json = serde_json::from_str(&get(running.address, "/api/metrics").await.body).unwrap();
    let problem = &catalog["problems"][0];
    assert_eq!((&problem["file"], &problem["line"]), (&json!("late.sql"), &json!(6)), "{catalog}");
    write(folder.path(), "late", "SELECT 8 AS value");
    running.hub.engine().reload().unwrap();
    result_with(&mut client, json!([[8]])).await;
    running.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn questions_are_answered_with_times_as_text_and_errors_with_their_place() {
    let folder = tempfile::tempdir().unwrap();
    let running = start(folder.path()).await;
    let mut client = Client::connect(running.address).await;
    client.ingest(1, &[open(0), open(120)]).await;
    let answer = client.ask(json!({"type": "query", "id": 1, "sql": "SELECT max(ts) AS latest FROM tickets"})).await;
    assert_eq!(
        (&answer["id"], &answer["rows"], &answer["error"]),
        (&json!(1), &json!([["2026-11-23T14:32:07+08:00"]]), &Json::Null)
    );
    let answer = client.ask(json!({"type": "query", "id": 2, "name": "count", "at": "2026-11-23 14:31"})).await;
    assert_eq!(answer["rows"], json!([[1]]), "{answer}");
    let answer = client.ask(json!({"type": "query", "id": 3, "sql": "SELECT\n  nonsense\nFROM tickets"})).await;
    let error = &answer["error"];
    assert_eq!(
        (&error["code"], &error["line"], &error["column"]),
        (&json!("bad_sql"), &json!(2), &json!(3)),
        "{answer}"
    );
    for (question, code) in [
        (json!({"type": "query", "id": 4}), "missing"),
        (json!({"type": "query", "id": 4, "sql": "SELECT 1", "name": "count"}), "bad_sql"),
        (json!({"type": "query", "id": 4, "sql": "DROP TABLE tickets"}), "bad_sql"),
        (json!({"type": "query", "id": 4, "sql": " ".repeat(70_000)}), "too_large"),
        (json!({"type": "query", "id": 4, "name": "none"}), "unknown_metric"),
        (json!({"type": "query", "id": 4, "name": "count", "at": "soon"}), "bad_time"),
    ] {
        let answer = client.ask(question.clone()).await;
        assert_eq!((&answer["id"], &answer["error"]["code"]), (&json!(4), &json!(code)), "{question}: {answer}");
    }
    let plan = client.ask(json!({"type": "query", "id": 5, "name": "count", "explain": true})).await;
    assert!(plan["explain"].as_str().is_some_and(|plan| plan.to_lowercase().contains("plan")), "{plan}");
    running.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_questions_over_http() {
    let folder = tempfile::tempdir().unwrap();
    let running = start(folder.path()).await;
    let mut client = Client::connect(running.address).await;
    client.ingest(1, &[open(0), open(120)]).await;
    let address = running.address;
    let answer = get(address, "/api/query?sql=SELECT%20id,ts%20FROM%20tickets%20ORDER%20BY%20ts").await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let json: Json = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(json["rows"][1], json!({"id": "T-0", "ts": "2026-11-23T14:32:07+08:00"}));
    let csv = get(address, "/api/query?format=csv&sql=SELECT%20id,amount%20FROM%20tickets%20ORDER%20BY%20id").await;
    assert_eq!(csv.body, "id,amount\nT-0,\nT-120,\n");
    assert!(csv.head.contains("text/csv"));
    let named = http(
        address,
        "POST /api/query\r\nContent-Type: application/json",
        r#"{"name":"count","at":"2026-11-23 14:31"}"#,
    )
    .await;
    assert_eq!(serde_json::from_str::<Json>(&named.body).unwrap()["rows"], json!([{"value": 1}]));
    let plain = http(address, "POST /api/query\r\nContent-Type: text/plain", "SELECT 1 AS one").await;
    assert_eq!(serde_json::from_str::<Json>(&plain.body).unwrap()["rows"], json!([{"one": 1}]));
    for (path, code) in [
        ("/api/query", "missing"),
        ("/api/query?sql=SELECT", "bad_sql"),
        ("/api/query?name=none", "unknown_metric"),
        ("/api/query?name=count&format=xml", "wrong_type"),
        ("/api/query?name=count&at=soon", "bad_time"),
        ("/api/query?name=count&colour=red", "unknown_column"),
    ] {
        let answer = get(address, path).await;
        let json: Json = serde_json::from_str(&answer.body).unwrap();
        assert_eq!((answer.status, &json["error"]["code"]), (400, &json!(code)), "{path}");
    }
    assert_eq!(http(address, "POST /api/query\r\nContent-Type: application/json", "{").await.status, 400);
    assert_eq!(http(address, "POST /api/query\r\nContent-Type: text/plain", &" ".repeat(200_000)).await.status, 413);
    running.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_as_of_a_time_that_has_not_come_is_refused() {
    let running = Setup::default().start().await;
    let mut client = Client::connect(running.address).await;
    let ask = |at: &str| json!({"type": "query", "id": 1, "sql": "SELECT 1", "at": at});
    let answer = client.ask(ask("2026-11-24 00:00")).await;
    assert_eq!(answer["error"]["code"], "future_time", "{answer}");
    assert!(answer["error"]["message"].as_str().unwrap().contains("has not come yet"), "{answer}");
    assert_eq!(client.ask(ask("2026-11-23 14:32")).await["error"], Json::Null);
    running.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_finish_before_its_open_counts_and_is_no_instant_answer() {
    let running = Setup::default().start().await;
    let mut client = Client::connect(running.address).await;
    let finish = |n: i64, seconds: i64| json!({"ts": NOW_US + (seconds - n) * 1_000_000, "kind": "finish", "id": format!("T-{n}"), "src": "crm", "src_seq": format!("f{n}")});
    // Half a minute after its open, and ten minutes before it.
    client.ingest(1, &[open(100), open(200), finish(100, 30), finish(200, -600)]).await;
    assert_eq!(client.value("SELECT count(*) FROM open_tickets").await, 0);
    assert_eq!(client.value("SELECT count(elapsed_s) FROM tickets WHERE kind = 'finish'").await, 1);
    assert_eq!(client.value("SELECT min(elapsed_s) FROM tickets WHERE kind = 'finish'").await, 30);
    let rate = client.ask(json!({"type": "query", "id": 2, "name": "instant_rate"})).await;
    assert_eq!(rate["rows"], json!([[0.5, 1, 2]]), "{rate}");
    running.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_is_not_there_is_told_with_the_nearest_one() {
    let running = Setup::default().start().await;
    let mut client = Client::connect(running.address).await;
    for (sql, words) in [
        ("SELECT * FROM tickts", "there is no table \"tickts\"; did you mean tickets?"),
        ("SELECT * FROM opentickets", "did you mean open_tickets?"),
        ("SELECT * FROM banana", "there is no table \"banana\"; there are activities, areas, "),
        ("SELECT servic FROM tickets", "there is no column \"servic\"; did you mean service?"),
        ("SELECT t.servic FROM tickets t", "did you mean service?"),
        ("SELECT banana FROM feeds", "there is no column \"banana\"; there are src, last_ts, "),
        ("SELECT day_strt(0)", "there is no function \"day_strt\"; did you mean day_start?"),
    ] {
        let answer = client.ask(json!({"type": "query", "id": 1, "sql": sql})).await;
        let (error, message) = (&answer["error"], answer["error"]["message"].as_str().unwrap_or_default());
        assert!(message.contains(words), "{sql}: {answer}");
        assert_eq!((&error["code"], &error["line"]), (&json!("bad_sql"), &json!(1)), "{sql}: {answer}");
    }
    running.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_catalog_is_given_with_titles_units_and_classes() {
    let running = Setup::default().start().await;
    let mut client = Client::connect(running.address).await;
    let answer = client.ask(json!({"type": "metrics"})).await;
    let metrics = answer["metrics"].as_array().unwrap();
    let one = metrics.iter().find(|metric| metric["name"] == "today_opened").unwrap();
    assert_eq!((&one["scene"], &one["class"]), (&json!("overview"), &json!("live")));
    assert_eq!((&one["info"]["title_zh"], one["info"]["unit_en"].is_string()), (&json!("今日受理"), true), "{one}");
    assert!(metrics.len() > 40 && one.get("sql").is_none(), "{} metrics, {one}", metrics.len());
    // How it is counted in Chinese, and the text of the file where it is asked for.
    assert!(one["info"]["basis_zh"].as_str().unwrap().contains("受理"), "{one}");
    let answer = client.ask(json!({"type": "metrics", "sql": true})).await;
    let one = answer["metrics"].as_array().unwrap().iter().find(|metric| metric["name"] == "today_opened").unwrap();
    assert!(one["sql"].as_str().unwrap().contains("FROM tickets"), "{one}");
    running.hub.stop().await;
}
