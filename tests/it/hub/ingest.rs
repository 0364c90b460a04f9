//! Batches in, acks and errors out; what was acknowledged is there after a restart.

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use lingping::hub::ipc;
use lingping::model::Stream;
use lingping::model::event::{Event, batch};
use lingping::model::message::pack_frame;
use serde_json::{Value as Json, json};
use std::sync::Arc;

use super::client::{Client, NOW_US, Setup, get, open, start};

#[tokio::test(flavor = "multi_thread")]
async fn rows_are_acknowledged_and_can_be_asked_for() {
    let running = start().await;
    let mut client = Client::connect(running.address).await;
    let welcome = client.ask(json!({"type": "hello", "client": "feed"})).await;
    assert_eq!((welcome["type"].as_str(), welcome["version"].as_i64()), (Some("welcome"), Some(1)));
    assert_eq!(welcome["city"]["code"], "ningbo");
    assert_eq!(welcome["now"], NOW_US);
    let ack = client.ingest(7, &[open(1), open(2)]).await;
    assert_eq!(
        ack,
        json!({"type": "ack", "batch": 7, "rows": 2, "duplicates": 0, "quarantined": 0, "waiting": 0, "errors": []})
    );
    assert_eq!(client.value("SELECT count(*) FROM tickets").await, 2);
    running.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_rows_are_told_and_the_good_ones_of_the_batch_land() {
    let running = start().await;
    let mut client = Client::connect(running.address).await;
    let with = |n: i64, field: &str, value: Json| {
        let mut row = open(n);
        row[field] = value;
        row
    };
    let rows = [
        open(0),
        with(1, "kind", json!("melt")),
        with(2, "colour", json!("red")),
        with(3, "state", json!("sent")),
        with(4, "rating", json!("five")),
        with(5, "rating", json!(123456789012345678901234567890_f64)),
        with(6, "src", Json::Null),
        with(7, "id", json!("甬".repeat(22))),
        with(8, "ts", json!("yesterday")),
        with(9, "ts", json!(i64::MAX)),
        with(10, "ts", json!(NOW_US + 2 * 86_400_000_000_i64)),
        json!("a row"),
        open(12),
    ];
    let ack = client.ingest(1, &rows).await;
    assert_eq!((ack["type"].as_str(), ack["rows"].as_i64()), (Some("ack"), Some(2)), "{ack}");
    let told: Vec<_> = ack["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| {
            (error["row"].as_i64().unwrap(), error["field"].as_str().unwrap(), error["code"].as_str().unwrap())
        })
        .collect();
    let expected = [
        (1, "kind", "unknown_kind"),
        (2, "colour", "unknown_column"),
        (3, "state", "unknown_column"),
        (4, "rating", "wrong_type"),
        (5, "rating", "wrong_type"),
        (6, "src", "missing"),
        (7, "id", "too_large"),
        (8, "ts", "bad_time"),
        (9, "ts", "bad_time"),
        (10, "ts", "future_time"),
        (11, "", "wrong_type"),
    ];
    assert_eq!(told, expected);
    assert_eq!(client.value("SELECT count(*) FROM tickets").await, 2);
    running.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_cannot_be_read_is_an_error_with_its_number_and_the_connection_stays() {
    let running = start().await;
    let mut client = Client::connect(running.address).await;
    let cases = [
        (json!({"type": "ingest", "batch": 5, "stream": "ticket", "rows": []}), "unknown_stream", "stream", json!(5)),
        (json!({"type": "ingest", "batch": 6, "stream": "tickets", "rows": 4}), "wrong_type", "rows", json!(6)),
        (json!({"type": "ingest", "batch": 7, "stream": "tickets"}), "missing", "rows", json!(7)),
        (json!({"type": "ingest", "stream": "tickets", "rows": []}), "missing", "batch", Json::Null),
        (json!({"type": "dance"}), "unknown_type", "type", Json::Null),
        (json!({"batch": 1}), "missing", "type", json!(1)),
        (
            json!({"type": "follow", "stream": "tickets", "columns": ["ts", "colour"]}),
            "unknown_column",
            "columns[1]",
            Json::Null,
        ),
        (json!({"type": "follow", "stream": "x", "columns": []}), "unknown_stream", "stream", Json::Null),
        (
            json!({"type": "subscribe", "metrics": [{"name": "no_such_metric"}]}),
            "unknown_metric",
            "metrics[0]",
            Json::Null,
        ),
    ];
    for (message, code, field, batch) in cases {
        let error = client.ask(message.clone()).await;
        assert_eq!(error["type"], "error", "{message}");
        assert_eq!(
            (&error["code"], &error["field"], &error["batch"]),
            (&json!(code), &json!(field), &batch),
            "{message}"
        );
        assert!(error["message"].as_str().is_some_and(|sentence| !sentence.is_empty()));
    }
    // The metric that is not there yet is waited for, so a result may come before the pong.
    client.send(json!({"type": "ping", "n": 3})).await;
    assert_eq!(client.hear_type("pong").await["n"], 3);
    running.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_batches_under_way_are_acknowledged_in_their_order() {
    let running = start().await;
    let mut client = Client::connect(running.address).await;
    for n in 0..40 {
        let rows = if n % 7 == 3 { json!(4) } else { json!([open(n)]) };
        client.send(json!({"type": "ingest", "batch": n, "stream": "tickets", "rows": rows})).await;
    }
    // A refusal is told when it is read, an ack when the rows are on disk: each keeps its own order.
    let (mut acks, mut errors) = (Vec::new(), Vec::new());
    for _ in 0..40 {
        let answer = client.hear().await;
        let n = answer["batch"].as_i64().unwrap();
        if answer["type"] == "ack" { acks.push(n) } else { errors.push(n) }
    }
    assert_eq!(errors, [3, 10, 17, 24, 31, 38]);
    assert_eq!(acks.len(), 34);
    assert!(acks.is_sorted(), "{acks:?}");
    running.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resent_batch_counts_once_also_on_another_connection_and_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let on_disk = || Setup { dir: Some(dir.path().to_owned()), ..Setup::default() };
    let rows: Vec<Json> = (0..500).map(open).collect();
    let running = on_disk().start().await;
    let mut client = Client::connect(running.address).await;
    assert_eq!(client.ingest(1, &rows).await["rows"], 500);
    let again = client.ingest(2, &rows).await;
    assert_eq!((&again["rows"], &again["duplicates"]), (&json!(0), &json!(500)));
    running.hub.stop().await;

    let running = on_disk().start().await;
    let mut client = Client::connect(running.address).await;
    assert_eq!(client.value("SELECT count(*) FROM tickets").await, 500);
    let again = client.ingest(1, &rows).await;
    assert_eq!((&again["rows"], &again["duplicates"]), (&json!(0), &json!(500)));
    assert_eq!(client.value("SELECT count(DISTINCT src_seq) FROM tickets").await, 500);
    running.hub.stop().await;
}

fn arrow_frame(batch_number: u64, stream: &str, rows: &RecordBatch) -> Vec<u8> {
    let header = json!({"type": "ingest", "batch": batch_number, "stream": stream});
    pack_frame(&header, &ipc::write(&rows.schema(), std::slice::from_ref(rows)).unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn arrow_batches_land_like_json_ones() {
    let running = start().await;
    let mut client = Client::connect(running.address).await;
    let events: Vec<Event> = (0..3000)
        .map(|n| {
            Event::new(Stream::Tickets, NOW_US - n, "open", &format!("A-{n}"), "bus", &n.to_string())
                .with("amount", 1.5)
        })
        .collect();
    client.send_binary(arrow_frame(1, "tickets", &batch(Stream::Tickets, &events).unwrap())).await;
    let ack = client.hear().await;
    assert_eq!((&ack["type"], &ack["rows"]), (&json!("ack"), &json!(3000)), "{ack}");
    assert_eq!(client.value("SELECT sum(amount) FROM tickets").await, 4500.0);

    // Only the columns there are, with other types, one row of three wrong.
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("src_seq", Arc::new(StringArray::from(vec!["a", "b", "c"]))),
        ("src", Arc::new(StringArray::from(vec!["bus"; 3]))),
        ("id", Arc::new(StringArray::from(vec!["B-1", "B-2", "B-3"]))),
        ("kind", Arc::new(StringArray::from(vec!["open", "explode", "open"]))),
        ("ts", Arc::new(Int64Array::from(vec![NOW_US; 3]))),
    ];
    let few = RecordBatch::try_from_iter(columns.clone()).unwrap();
    client.send_binary(arrow_frame(2, "tickets", &few)).await;
    let ack = client.hear().await;
    assert_eq!(
        (&ack["rows"], &ack["errors"][0]["row"], &ack["errors"][0]["code"]),
        (&json!(2), &json!(1), &json!("unknown_kind"))
    );

    let mut wrong = columns;
    wrong.push(("rating", Arc::new(StringArray::from(vec!["5"; 3]))));
    client.send_binary(arrow_frame(3, "tickets", &RecordBatch::try_from_iter(wrong).unwrap())).await;
    let error = client.hear().await;
    assert_eq!(
        (&error["type"], &error["code"], &error["field"], &error["batch"]),
        (&json!("error"), &json!("wrong_type"), &json!("rating"), &json!(3))
    );
    running.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn history_waits_for_its_tickets_until_the_end() {
    let running = start().await;
    let mut client = Client::connect(running.address).await;
    let finish = |n: i64| json!({"ts": NOW_US, "kind": "finish", "id": format!("T-{n}"), "src": "crm", "src_seq": format!("f{n}")});
    client
        .send(
            json!({"type": "ingest", "batch": 1, "stream": "tickets", "replay": true, "rows": [finish(1), finish(2)]}),
        )
        .await;
    let ack = client.hear().await;
    assert_eq!((&ack["rows"], &ack["waiting"]), (&json!(0), &json!(2)), "{ack}");
    client.send(json!({"type": "ingest", "batch": 2, "stream": "tickets", "replay": true, "rows": [open(1)]})).await;
    assert_eq!(client.hear().await["type"], "ack");
    let ack = client.ask(json!({"type": "end", "batch": 3})).await;
    assert_eq!((&ack["type"], &ack["batch"], &ack["quarantined"]), (&json!("ack"), &json!(3), &json!(1)), "{ack}");
    assert_eq!(client.value("SELECT count(*) FROM tickets").await, 2);
    assert_eq!(client.value("SELECT count(*) FROM quarantine").await, 1);
    running.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ack_names_the_rows_in_quarantine_and_why() {
    let running = start().await;
    let mut client = Client::connect(running.address).await;
    let event = |kind: &str, n: i64, seq: &str| json!({"ts": NOW_US, "kind": kind, "id": format!("T-{n}"), "src": "crm", "src_seq": seq});
    // A wrong row before them: positions are those of the batch as sent.
    let rows = [json!({"ts": NOW_US}), open(1), event("rate", 1, "r1"), event("open", 1, "o2")];
    let ack = client.ingest(1, &rows).await;
    assert_eq!((&ack["rows"], &ack["quarantined"]), (&json!(1), &json!(2)), "{ack}");
    let mut told = ack["aside"]["rows"].as_array().unwrap().clone();
    told.sort_by_key(|row| row["row"].as_u64());
    let row = |row: u64, kind: &str, seq: &str, reason: &str| json!({"row": row, "kind": kind, "id": "T-1", "src_seq": seq, "reason": reason});
    assert_eq!(told, [row(2, "rate", "r1", "rate after waiting"), row(3, "open", "o2", "open after waiting")]);
    assert_eq!(ack["aside"]["reasons"], json!({"rate after waiting": 1, "open after waiting": 1}));

    // Many: all are counted, the first are named. Those that waited are named when the replay ends.
    let finishes: Vec<Json> = (1000..1300).map(|n| event("finish", n, &format!("f{n}"))).collect();
    let message = json!({"type": "ingest", "batch": 2, "stream": "tickets", "replay": true, "rows": finishes});
    let ack = client.ask(message).await;
    assert_eq!((&ack["waiting"], &ack["aside"]), (&json!(300), &Json::Null), "{ack}");
    let ack = client.ask(json!({"type": "end", "batch": 3})).await;
    assert_eq!((&ack["quarantined"], &ack["aside"]["reasons"]), (&json!(300), &json!({"unknown_ticket": 300})));
    let told = ack["aside"]["rows"].as_array().unwrap();
    assert_eq!((told.len(), told[0].get("row")), (100, None), "{}", told[0]);
    running.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_codes_are_kept_counted_and_told() {
    let running = start().await;
    let mut client = Client::connect(running.address).await;
    let with = |n: i64, service: &str, area: &str| {
        let mut row = open(n);
        (row["service"], row["area"]) = (json!(service), json!(area));
        row
    };
    let rows = [with(1, "aks", "330203"), with(2, "aks", "330203001"), with(3, "ask", "Atlantis")];
    let ack = client.ingest(1, &rows).await;
    assert_eq!((&ack["rows"], &ack["quarantined"]), (&json!(3), &json!(0)), "{ack}");
    assert_eq!(ack["unknown"], json!({"service": {"aks": 2}, "area": {"Atlantis": 1}}));
    assert_eq!(client.ingest(2, &[open(4)]).await["unknown"], Json::Null);
    assert_eq!(client.value("SELECT count(*) FROM tickets WHERE service = 'aks'").await, 2);

    let health: Json = serde_json::from_str(&get(running.address, "/healthz").await.body).unwrap();
    assert_eq!(health["unknown_codes"], json!({"service": {"aks": 2}, "area": {"Atlantis": 1}}));
    let metrics = get(running.address, "/metrics").await.body;
    for line in ["{column=\"service\"} 2", "{column=\"area\"} 1", "{column=\"board\"} 0"] {
        assert!(metrics.contains(&format!("lingping_ingest_unknown_codes_total{line}\n")), "{metrics}");
    }
    running.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_were_played_back_are_marked_wherever_they_are_shown() {
    let running = start().await;
    let mut client = Client::connect(running.address).await;
    let mut row = open(1);
    client.ingest(1, &[row.clone()]).await;
    let marks = |message: &Json| (message["demo"].as_bool(), message["replay"].as_bool());
    let query = json!({"type": "query", "id": 1, "sql": "SELECT 1"});
    assert_eq!(marks(&client.ask(query.clone()).await), (Some(false), Some(false)));

    (row["src"], row["id"]) = (json!("crm+replay-20261123T143207000000"), json!("T-9"));
    client.ingest(2, &[row]).await;
    assert_eq!(marks(&client.ask(query).await), (Some(false), Some(true)));
    assert_eq!(marks(&client.ask(json!({"type": "hello", "client": "feed"})).await), (Some(false), Some(true)));
    let subscribe = json!({"type": "subscribe", "metrics": [{"name": "today_opened"}]});
    assert_eq!(marks(&client.ask(subscribe).await), (Some(false), Some(true)));
    let health: Json = serde_json::from_str(&get(running.address, "/healthz").await.body).unwrap();
    assert_eq!(marks(&health), (Some(false), Some(true)));
    let answer: Json = serde_json::from_str(&get(running.address, "/api/query?sql=SELECT+1").await.body).unwrap();
    assert_eq!(marks(&answer), (Some(false), Some(true)));
    running.hub.stop().await;
}
