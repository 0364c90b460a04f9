//! The page, the health, the counters, and the wall's picture on its way to whoever looks.

use lingping::hub::{Hub, HubError, HubOptions};
use lingping::model::message::pack_frame;
use lingping::model::{City, Clock};
use lingping::store::StoreOptions;
use serde_json::{Value as Json, json};
use std::collections::HashSet;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::client::{Client, NOW_US, PATIENCE, get, open, start};

const JPEG: &[u8] = &[0xff, 0xd8, 0xff, 0xe0, b'L', b'P', 0xff, 0xd9];

fn picture(scene: &str) -> Vec<u8> {
    pack_frame(&json!({"type": "frame", "width": 8, "height": 4, "scene": scene}), JPEG).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn health_tells_what_is_there_and_how_new_it_is() {
    let running = start().await;
    let empty: Json = serde_json::from_str(&get(running.address, "/healthz").await.body).unwrap();
    assert_eq!((&empty["status"], &empty["city"], &empty["data_until"]), (&json!("ok"), &json!("ningbo"), &Json::Null));
    let mut client = Client::connect(running.address).await;
    client.ingest(1, &[open(30), open(60)]).await;
    client.ingest(2, &[open(60)]).await;
    let answer = get(running.address, "/healthz").await;
    let health: Json = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(answer.status, 200);
    assert_eq!((&health["rows"]["tickets"], &health["duplicates"]), (&json!(2), &json!(1)), "{health}");
    assert_eq!((&health["data_until"], &health["data_age_s"]), (&json!("2026-11-23T14:31:37+08:00"), &json!(30.0)));
    assert_eq!((&health["feeds"][0]["src"], &health["feeds"][0]["age_s"]), (&json!("crm"), &json!(30.0)));
    assert!(health["uptime_s"].is_number() && health["hub"].is_string());
    running.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_counters_read_as_prometheus_text() {
    let running = start().await;
    let mut client = Client::connect(running.address).await;
    client.ingest(1, &[open(1), json!({})]).await;
    let answer = get(running.address, "/metrics").await;
    assert!(answer.head.contains("text/plain; version=0.0.4"));
    let mut typed = HashSet::new();
    let mut samples = HashSet::new();
    for line in answer.body.lines() {
        if let Some(rest) = line.strip_prefix("# ") {
            let mut words = rest.split(' ');
            let (word, name) = (words.next().unwrap(), words.next().unwrap());
            assert!(name.starts_with("lingping_"), "{line}");
            if word == "TYPE" {
                assert!(typed.insert(name.to_owned()), "{name} has two types");
                assert!(["counter", "gauge"].contains(&words.next().unwrap()), "{line}");
            }
            continue;
        }
        let (sample, value) = line.rsplit_once(' ').unwrap();
        assert!(value.parse::<f64>().is_ok(), "{line}");
        assert!(samples.insert(sample.to_owned()), "{sample} stands twice");
        let name = sample.split('{').next().unwrap();
        assert!(typed.contains(name), "{name} has no type before its samples");
    }
    assert!(answer.body.contains("lingping_rows{stream=\"tickets\"} 1\n"), "{}", answer.body);
    assert!(answer.body.contains("lingping_ingest_wrong_rows_total 1\n"), "{}", answer.body);
    running.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_comes_with_everything_it_needs_from_here() {
    let running = start().await;
    let page = get(running.address, "/").await;
    assert_eq!(page.status, 200);
    for part in page.body.split(['"', '\'']).filter(|part| part.starts_with("/page/")) {
        assert_eq!(get(running.address, part).await.status, 200, "{part}");
    }
    for file in ["/", "/page/page.css", "/page/page.js"] {
        let body = get(running.address, file).await.body;
        assert!(!body.contains("//cdn") && !body.contains("https://"), "{file} loads from elsewhere");
    }
    let scenes: Json = serde_json::from_str(&get(running.address, "/api/scenes").await.body).unwrap();
    assert!(scenes["scenes"].is_array());
    assert_eq!(get(running.address, "/nothing").await.status, 404);
    assert_eq!(get(running.address, "/page/..%2f..%2fCargo.toml").await.status, 404);
    running.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_wall_draws_for_the_page_only_while_somebody_looks() {
    let running = start().await;
    let answer = get(running.address, "/wall.jpg").await;
    assert_eq!(answer.status, 503);
    assert!(answer.body.contains("no wall is connected"), "{}", answer.body);

    let mut wall = Client::connect(running.address).await;
    assert_eq!(wall.ask(json!({"type": "hello", "client": "wall"})).await["type"], "welcome");
    assert_eq!(wall.hear().await, json!({"type": "watch", "fps": 0}));
    let mut page = Client::connect(running.address).await;
    page.send(json!({"type": "watch", "fps": 4})).await;
    assert_eq!(wall.hear().await, json!({"type": "watch", "fps": 4}));
    wall.send_binary(picture("overview")).await;
    let (frame, jpeg) = page.next().await.unwrap();
    assert_eq!((&frame["type"], &frame["scene"], jpeg.as_slice()), (&json!("frame"), &json!("overview"), JPEG));
    let jpg = get(running.address, "/wall.jpg").await;
    assert_eq!(jpg.status, 200);
    assert!(jpg.head.contains("image/jpeg") && jpg.head.contains("x-wall-size: 8x4"), "{}", jpg.head);
    page.send(json!({"type": "watch", "fps": 0})).await;
    assert_eq!(wall.hear().await, json!({"type": "watch", "fps": 0}));

    page.send(json!({"type": "control", "scene": "overview", "lang": "en"})).await;
    assert_eq!(wall.hear().await, json!({"type": "control", "scene": "overview", "lang": "en"}));
    page.send(json!({"type": "control", "explain": true, "pause": false})).await;
    assert_eq!(wall.hear().await, json!({"type": "control", "explain": true, "pause": false}));
    let error = {
        page.send_binary(picture("forged")).await;
        page.hear().await
    };
    assert_eq!((&error["type"], &error["code"]), (&json!("error"), &json!("wrong_type")));
    wall.send_binary(pack_frame(&json!({"type": "frame", "width": 8, "height": 4, "scene": "x"}), b"no jpeg").unwrap())
        .await;
    assert_eq!(wall.hear_type("error").await["code"], "wrong_type");
    running.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_picture_streams_as_parts_and_the_wall_is_told_when_the_browser_goes() {
    let running = start().await;
    let mut wall = Client::connect(running.address).await;
    wall.ask(json!({"type": "hello", "client": "wall"})).await;
    assert_eq!(wall.hear().await["fps"], 0);
    let mut browser = TcpStream::connect(running.address).await.unwrap();
    let request = format!("GET /wall.mjpeg?fps=30 HTTP/1.1\r\nHost: {}\r\n\r\n", running.address);
    browser.write_all(request.as_bytes()).await.unwrap();
    assert_eq!(wall.hear().await["fps"], 30);
    let mut heard = Vec::new();
    for round in 1..=3 {
        wall.send_binary(picture("overview")).await;
        while heard.windows(JPEG.len()).filter(|window| *window == JPEG).count() < round {
            let mut piece = [0; 4096];
            let count = timeout(PATIENCE, browser.read(&mut piece)).await.unwrap().unwrap();
            assert!(count > 0);
            heard.extend_from_slice(&piece[..count]);
        }
    }
    let text = String::from_utf8_lossy(&heard);
    assert!(
        text.contains("multipart/x-mixed-replace; boundary=")
            && text.contains("Content-Type: image/jpeg\r\nContent-Length: 8\r\n\r\n")
    );
    drop(browser);
    wall.send_binary(picture("overview")).await;
    wall.send_binary(picture("overview")).await;
    assert_eq!(wall.hear().await, json!({"type": "watch", "fps": 0}));
    running.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_hub_on_the_address_fails_with_a_sentence_before_it_touches_data() {
    let running = start().await;
    let folder = tempfile::tempdir().unwrap();
    let mut store = StoreOptions::new(Arc::new(City::load("ningbo").unwrap()), Clock::manual(NOW_US));
    store.dir = Some(folder.path().join("data"));
    let error = Hub::start(HubOptions::new(store, running.address, "queries".into())).await.err().unwrap();
    assert!(matches!(error, HubError::InUse(_)));
    assert!(error.to_string().contains("--listen"), "{error}");
    assert!(!folder.path().join("data").exists());
    running.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopping_hub_answers_what_it_took_and_says_goodbye() {
    let running = start().await;
    let mut client = Client::connect(running.address).await;
    let rows: Vec<Json> = (0..5000).map(open).collect();
    client.send(json!({"type": "ingest", "batch": 1, "stream": "tickets", "rows": rows})).await;
    // The pong shows that the batch before it was read.
    client.send(json!({"type": "ping", "n": 1})).await;
    let mut acks = 0;
    loop {
        let message = client.hear().await;
        acks += i32::from(message["type"] == "ack");
        if message["type"] == "pong" {
            break;
        }
    }
    let stopping = tokio::spawn(running.hub.stop());
    while let Some((message, _)) = client.next().await {
        acks += i32::from(message["type"] == "ack");
    }
    assert_eq!(acks, 1);
    timeout(PATIENCE, stopping).await.unwrap().unwrap();
}
