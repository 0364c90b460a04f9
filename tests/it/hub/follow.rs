//! `follow`: the past, then what lands; no gap and no row twice, whatever happens in between.

use std::collections::BTreeSet;

use serde_json::{Value as Json, json};

use super::client::open;
use super::client::{Client, NOW_US, start};

/// Adds the numbers of the rows to `seen`; fails on one that was there.
fn take(seen: &mut BTreeSet<i64>, events: &Json) {
    let column = events["columns"].as_array().unwrap().iter().position(|name| name == "src_seq").unwrap();
    for row in events["rows"].as_array().unwrap() {
        let n = row[column].as_str().unwrap().parse().unwrap();
        assert!(seen.insert(n), "row {n} came twice");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tail_comes_first_and_then_each_row_as_it_lands() {
    let running = start().await;
    let mut feed = Client::connect(running.address).await;
    let rows: Vec<Json> = (0..100).map(open).collect();
    feed.ingest(1, &rows).await;
    let mut client = Client::connect(running.address).await;
    let events = client
        .ask(json!({"type": "follow", "stream": "tickets", "columns": ["ts", "src_seq", "state"], "tail": 10}))
        .await;
    assert_eq!(events["type"], "events", "{events}");
    assert_eq!(
        (&events["backlog"], &events["reset"], &events["columns"]),
        (&json!(true), &json!(true), &json!(["ts", "src_seq", "state"]))
    );
    assert_eq!(events["rows"].as_array().unwrap().len(), 10);
    assert!(events["rows"][0][0].is_i64());
    assert_eq!(events["rows"][0][2], "waiting");
    feed.ingest(2, &[open(200)]).await;
    let events = client.hear().await;
    assert_eq!(
        (&events["backlog"], &events["reset"], &events["rows"][0][1]),
        (&json!(false), &json!(false), &json!("200"))
    );
    running.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_stream_is_answered_at_once_and_since_leaves_older_rows_out() {
    let running = start().await;
    let mut client = Client::connect(running.address).await;
    let events = client.ask(json!({"type": "follow", "stream": "seats", "columns": [], "tail": 5})).await;
    assert_eq!((&events["rows"], &events["backlog"], &events["reset"]), (&json!([]), &json!(true), &json!(true)));
    let rows: Vec<Json> = (0..60).map(open).collect();
    client.ingest(1, &rows).await;
    let since = NOW_US - 29 * 1_000_000;
    let ask = json!({"type": "follow", "stream": "tickets", "columns": ["src_seq"], "tail": 1000, "since": since});
    assert_eq!(client.ask(ask).await["rows"].as_array().unwrap().len(), 30);
    running.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn across_reconnects_and_many_feeds_no_row_is_missed_or_doubled() {
    const FEEDS: i64 = 4;
    const BATCHES: i64 = 60;
    const ROWS: i64 = 25;
    let running = start().await;
    let mut feeds = tokio::task::JoinSet::new();
    for feed in 0..FEEDS {
        let address = running.address;
        feeds.spawn(async move {
            let mut client = Client::connect(address).await;
            for at in 0..BATCHES {
                let first = (feed * BATCHES + at) * ROWS;
                let rows: Vec<Json> = (first..first + ROWS).map(open).collect();
                assert_eq!(client.ingest(at as u64, &rows).await["rows"], ROWS);
            }
        });
    }
    let mut seen = BTreeSet::new();
    let mut after = 0;
    let mut connections = 0;
    while seen.len() < (FEEDS * BATCHES * ROWS) as usize {
        connections += 1;
        let mut client = Client::connect(running.address).await;
        if connections % 2 == 0 {
            client.ask(json!({"type": "hello", "client": "wall", "format": "json"})).await;
        }
        client.send(json!({"type": "follow", "stream": "tickets", "columns": ["src_seq"], "after": after})).await;
        // A few messages, then the connection is dropped in the middle of things.
        for _ in 0..7 {
            let events = client.hear_type("events").await;
            assert_eq!(events["reset"], false);
            take(&mut seen, &events);
            after = events["seq"].as_i64().unwrap();
            if seen.len() == (FEEDS * BATCHES * ROWS) as usize {
                break;
            }
        }
    }
    while let Some(done) = feeds.join_next().await {
        done.unwrap();
    }
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), (0..FEEDS * BATCHES * ROWS).collect::<Vec<_>>());
    assert!(connections > 1);
    running.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_place_that_this_store_never_gave_out_starts_anew() {
    let running = start().await;
    let mut client = Client::connect(running.address).await;
    client.ingest(1, &[open(1), open(2)]).await;
    let ask = json!({"type": "follow", "stream": "tickets", "columns": ["src_seq"], "tail": 10, "after": 1_000_000});
    let events = client.ask(ask).await;
    assert_eq!((&events["reset"], &events["rows"].as_array().unwrap().len()), (&json!(true), &2));
    running.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_who_is_too_far_behind_starts_anew_from_the_tail() {
    let running = start().await;
    let mut feed = Client::connect(running.address).await;
    let mut client = Client::connect(running.address).await;
    for batch in 0..11 {
        let rows: Vec<Json> = (batch * 10_000..(batch + 1) * 10_000).map(open).collect();
        assert_eq!(feed.ingest(batch as u64, &rows).await["rows"], 10_000);
    }
    let ask = json!({"type": "follow", "stream": "tickets", "columns": ["src_seq"], "tail": 50, "after": 1});
    let events = client.ask(ask).await;
    assert_eq!((&events["reset"], &events["backlog"]), (&json!(true), &json!(true)));
    assert_eq!(events["rows"].as_array().unwrap().len(), 50);
    running.hub.stop().await;
}

/// More rows than one segment holds, and than a follower may be behind.
#[tokio::test(flavor = "multi_thread")]
async fn a_long_tail_comes_in_pieces_each_row_once_and_in_order() {
    const ROWS: i64 = 230_000;
    let running = start().await;
    let mut feed = Client::connect(running.address).await;
    for batch in 0..ROWS / 10_000 {
        // The later, the younger: so they land in this order.
        let rows: Vec<Json> = (batch * 10_000..(batch + 1) * 10_000).map(|n| open(ROWS - n)).collect();
        assert_eq!(feed.ingest(batch as u64, &rows).await["rows"], 10_000);
    }
    let mut client = Client::connect(running.address).await;
    for wanted in [200_001, 2_000_000] {
        let ask = json!({"type": "follow", "stream": "tickets", "columns": ["src_seq"], "tail": wanted});
        client.send(ask).await;
        let mut seen: Vec<i64> = Vec::new();
        let mut place = 0;
        while (seen.len() as i64) < ROWS.min(wanted) {
            let events = client.hear_type("events").await;
            assert_eq!(events["reset"].as_bool().unwrap(), seen.is_empty());
            assert_eq!(events["backlog"], true);
            let is_last = events["rows"].as_array().unwrap().last().unwrap()[0] == "1";
            assert_eq!(events["more"] == true, !is_last);
            let rows = events["rows"].as_array().unwrap();
            assert!(rows.len() <= 10_000);
            seen.extend(rows.iter().map(|row| ROWS - row[0].as_str().unwrap().parse::<i64>().unwrap()));
            let next = events["seq"].as_u64().unwrap();
            assert!(next > place, "{next} after {place}");
            place = next;
        }
        let from = ROWS - ROWS.min(wanted);
        let wrong = seen.iter().zip(from..).find(|(seen, wanted)| *seen != wanted);
        assert_eq!((wrong, seen.len() as i64), (None, ROWS - from));
    }
    // What lands then follows.
    assert_eq!(feed.ingest(100, &[open(0)]).await["rows"], 1);
    let events = client.hear_type("events").await;
    assert_eq!((&events["backlog"], &events["rows"]), (&json!(false), &json!([["0"]])));
    running.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wall_is_sent_arrow() {
    let running = start().await;
    let mut client = Client::connect(running.address).await;
    client.ask(json!({"type": "hello", "client": "wall", "format": "arrow"})).await;
    client.send(json!({"type": "ingest", "batch": 1, "stream": "tickets", "rows": [open(1), open(2)]})).await;
    client.hear_type("ack").await;
    client.send(json!({"type": "follow", "stream": "tickets", "columns": ["ts", "state"], "tail": 10})).await;
    loop {
        let (events, payload) = client.next().await.unwrap();
        if events["type"] != "events" {
            continue;
        }
        let batches = lingping::hub::ipc::read(payload.into(), 100).unwrap();
        assert_eq!(batches[0].num_rows(), 2);
        assert_eq!(batches[0].schema().field(1).name(), "state");
        break;
    }
    running.hub.stop().await;
}
