//! Clients that are hostile, too large, silent or slow: none of them hurts anyone else.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use lingping::hub::Limits;
use lingping::model::message::FRAME_BYTES_MAX;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

use super::client::{Client, PATIENCE, Setup, get, http, open, start};

#[tokio::test(flavor = "multi_thread")]
async fn garbage_is_answered_and_the_connection_stays() {
    let running = start().await;
    let mut client = Client::connect(running.address).await;
    let deep = format!("{{\"type\":\"ingest\",\"rows\":{}{}}}", "[".repeat(200_000), "]".repeat(200_000));
    let texts = [
        String::new(),
        "x".repeat(100_000),
        "{\"type\":\"ping\",\"n\":1e999}".to_owned(),
        format!("{{\"type\":\"ping\",\"n\":{}}}", "9".repeat(10_000)),
        "{\"type\":\"ping\",\"n\":1".to_owned(),
        "null".to_owned(),
        "\u{feff}{}".to_owned(),
        deep,
    ];
    for text in texts {
        let start: String = text.chars().take(40).collect();
        client.send_text(text).await;
        let error = client.hear().await;
        assert_eq!(error["type"], "error", "{start}");
        assert!(["not_json", "wrong_type"].contains(&error["code"].as_str().unwrap()), "{start}: {error}");
    }
    let header = br#"{"type":"ingest","batch":1,"stream":"tickets"}"#;
    let mut half = (header.len() as u32).to_le_bytes().to_vec();
    half.extend_from_slice(header);
    let mut cut = half.clone();
    cut.truncate(20);
    half.extend_from_slice(&[0xff; 64]);
    for (frame, code) in [
        (vec![], "not_json"),
        (vec![1, 2, 3], "not_json"),
        (vec![0xff; 400], "not_json"),
        (cut, "not_json"),
        (vec![4, 0, 0, 0, b'{', b'{', b'{', b'{'], "not_json"),
        (half, "wrong_type"),
    ] {
        client.send_binary(frame).await;
        let error = client.hear().await;
        assert_eq!((&error["type"], &error["code"]), (&json!("error"), &json!(code)), "{error}");
    }
    assert_eq!(client.ingest(2, &[open(1)]).await["rows"], 1);
    running.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frame_that_is_too_large_is_told_and_one_beyond_all_bounds_ends_the_connection() {
    let running = start().await;
    let mut client = Client::connect(running.address).await;
    client.send_text(" ".repeat(FRAME_BYTES_MAX + 1)).await;
    let error = client.hear().await;
    assert_eq!((&error["type"], &error["code"]), (&json!("error"), &json!("too_large")));
    assert_eq!(client.ask(json!({"type": "ping", "n": 1})).await["type"], "pong");
    // The send may fail: the hub need not wait for the whole of it.
    let _ = timeout(PATIENCE, client.socket.send(Message::text(" ".repeat(3 * FRAME_BYTES_MAX)))).await.unwrap();
    let heard = timeout(PATIENCE, async { while let Some(Ok(_)) = client.socket.next().await {} }).await;
    assert!(heard.is_ok(), "the connection was not closed");
    let mut other = Client::connect(running.address).await;
    assert_eq!(other.ask(json!({"type": "ping", "n": 2})).await["type"], "pong");
    running.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_client_is_dropped_and_one_that_answers_pings_is_not() {
    let limits =
        Limits { ping_every: Duration::from_millis(100), silence: Duration::from_millis(600), ..Limits::default() };
    let running = Setup { limits: Some(limits), ..Setup::default() }.start().await;
    // Raw, so that nobody answers the pings.
    let mut silent = TcpStream::connect(running.address).await.unwrap();
    let request = format!(
        "GET /ws HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        running.address
    );
    silent.write_all(request.as_bytes()).await.unwrap();
    let mut live = Client::connect(running.address).await;
    let mut heard = Vec::new();
    let dropped =
        async { timeout(PATIENCE, silent.read_to_end(&mut heard)).await.expect("the silent client was kept") };
    // The live one reads, and so answers pings, all that time and longer.
    let quiet = timeout(Duration::from_millis(2_000), client_ended(&mut live));
    let (dropped, quiet) = tokio::join!(dropped, quiet);
    dropped.unwrap();
    assert!(quiet.is_err(), "a client that answers pings was dropped");
    assert_eq!(live.ask(json!({"type": "ping", "n": 2})).await["type"], "pong");
    running.hub.stop().await;
}

async fn client_ended(client: &mut Client) {
    while let Some(Ok(_)) = client.socket.next().await {}
}

#[tokio::test(flavor = "multi_thread")]
async fn counts_are_bounded_and_more_is_refused_with_a_sentence() {
    let limits = Limits { sessions: 2, subscriptions: 3, queries_each: 0, ..Limits::default() };
    let running = Setup { limits: Some(limits), ..Setup::default() }.start().await;
    let mut client = Client::connect(running.address).await;
    let second = Client::connect(running.address).await;
    assert_eq!(Client::connect_from(running.address, &[]).await.err(), Some(503));
    drop(second);
    let metrics: Vec<_> = (0..4).map(|n| json!({"name": format!("m{n}")})).collect();
    let error = client.ask(json!({"type": "subscribe", "metrics": metrics})).await;
    assert_eq!((&error["code"], &error["field"]), (&json!("too_large"), &json!("metrics")));
    let answer = client.ask(json!({"type": "query", "id": 4, "sql": "SELECT 1"})).await;
    assert_eq!((&answer["id"], &answer["error"]["code"]), (&json!(4), &json!("overloaded")));
    let error = client.ask(json!({"type": "follow", "stream": "tickets", "columns": [], "tail": 2_000_001})).await;
    assert_eq!(error["code"], "too_large");
    running.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_page_and_a_foreign_name_are_refused() {
    let running = Setup { names: vec!["wall.example.cn".to_owned()], ..Setup::default() }.start().await;
    let own = format!("http://{}", running.address);
    assert!(Client::connect_from(running.address, &[("Origin", &own)]).await.is_ok());
    for origin in ["http://evil.example", "null", "https://wall.example.cn"] {
        assert_eq!(Client::connect_from(running.address, &[("Origin", origin)]).await.err(), Some(403), "{origin}");
    }
    for (host, status) in
        [("evil.example", 403), ("evil.example:8189", 403), ("wall.example.cn", 200), ("localhost:1", 200)]
    {
        assert_eq!(http(running.address, &format!("GET /healthz\r\nHost: {host}"), "").await.status, status, "{host}");
    }
    let page = get(running.address, "/").await;
    assert!(page.head.to_ascii_lowercase().contains("content-security-policy"));
    running.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_does_not_read_delays_nobody_and_then_gets_the_newest() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("test")).unwrap();
    // Two megabytes a result, so that the unread ones fill every buffer on the way.
    let pad = format!("SELECT string_agg('{}', '') FROM generate_series(1, 2000)", "x".repeat(1_000));
    let wide = format!("-- refresh: 50ms\nSELECT count(*) AS n, ({pad}) AS pad FROM tickets");
    let small = "-- refresh: 50ms\nSELECT count(*) AS n FROM tickets";
    std::fs::write(folder.path().join("test/wide.sql"), wide).unwrap();
    std::fs::write(folder.path().join("test/small.sql"), small).unwrap();
    let running = Setup { queries: Some(folder.path().to_owned()), ..Setup::default() }.start().await;
    let mut slow = Client::connect(running.address).await;
    let mut quick = Client::connect(running.address).await;
    let mut feed = Client::connect(running.address).await;
    slow.send(json!({"type": "subscribe", "metrics": [{"name": "wide"}]})).await;
    let first = slow.hear_type("result").await;
    assert_eq!(first["rows"][0][0], 0, "{}", first["error"]);
    quick.send(json!({"type": "subscribe", "metrics": [{"name": "small"}]})).await;
    assert_eq!(quick.hear_type("result").await["rows"][0][0], 0);
    // While the slow one does not read, every landing reaches the quick one.
    let rounds = 40;
    for n in 1..=rounds {
        assert_eq!(feed.ingest(n, &[open(n as i64)]).await["rows"], 1);
        loop {
            if quick.hear_type("result").await["rows"][0][0] == json!(n) {
                break;
            }
        }
    }
    // What it then reads is few and ends at the newest.
    let mut read = 0;
    loop {
        read += 1;
        if slow.hear_type("result").await["rows"][0][0] == json!(rounds) {
            break;
        }
    }
    assert!(read < rounds, "{read} results were kept for a client that did not read");
    running.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_that_nobody_reads_do_not_pile_up() {
    let running = start().await;
    let mut client = Client::connect(running.address).await;
    let sql = format!("SELECT string_agg('{}', '') FROM generate_series(1, 1000)", "x".repeat(1_000));
    const ASKED: u64 = 100;
    for id in 0..ASKED {
        client.send(json!({"type": "query", "id": id, "sql": sql})).await;
        // Long enough for an answer to be ready.
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    let mut refused = 0;
    for _ in 0..ASKED {
        refused += u64::from(client.hear_type("answer").await["error"]["code"] == "overloaded");
    }
    assert!(refused > ASKED / 5, "{refused}");
    running.hub.stop().await;
}

/// Chains become trees as deep as they are long; a stack that overflows would end the hub and this test with it.
#[tokio::test(flavor = "multi_thread")]
async fn no_question_is_deep_enough_to_end_the_hub() {
    let running = start().await;
    let mut client = Client::connect(running.address).await;
    let mut ask = async |sql: String| {
        client.send(json!({"type": "query", "id": 1, "sql": sql})).await;
        client.hear_type("answer").await
    };
    let chains = [
        ("SELECT 1", " + 1"),
        ("SELECT 1", "::int"),
        ("SELECT 1", " IS NULL"),
        ("SELECT 'a'", " || 'b'"),
        ("SELECT now()", " AT TIME ZONE 'UTC'"),
        ("SELECT id", "[1]"),
        ("SELECT 1", " UNION ALL SELECT 1"),
        ("SELECT 1", " INTERSECT SELECT 1"),
        ("SELECT count(*) FROM tickets WHERE id = 'a'", " OR id = 'b'"),
        ("SELECT count(*) FROM tickets WHERE id <> 'a'", " AND id <> 'b'"),
        ("SELECT count(*) FROM tickets", ", tickets"),
        ("SELECT count(*) FROM tickets t", " CROSS JOIN tickets"),
    ];
    for (first, link) in chains {
        let long = (60_000 - first.len()) / link.len();
        let answer = ask(first.to_owned() + &link.repeat(long)).await;
        assert_eq!(answer["error"]["code"], "too_large", "{first}{link}…");
        // As long as is let through: an answer or a sentence.
        let mut length = long;
        loop {
            let answer = ask(first.to_owned() + &link.repeat(length)).await;
            if answer["error"]["code"] != "too_large" {
                assert!(length > 100, "{first}{link}… of {length}: {}", answer["error"]);
                break;
            }
            length = length * 19 / 20;
        }
    }
    assert_eq!(ask("SELECT 1".to_owned()).await["rows"], json!([[1]]));
    running.hub.stop().await;
}
