//! A still picture's data, fetched from a real hub.

use lingping::wall::gather::{Wanted, gather, gather_tickets};
use serde_json::Value as Json;

use super::hub::client::{Client, NOW_US, open, start};

/// More than one message of events and one answer hold.
const TICKETS: i64 = 52_000;

#[tokio::test(flavor = "multi_thread")]
async fn a_still_picture_of_a_busy_day_has_every_ticket() {
    let running = start().await;
    let mut feed = Client::connect(running.address).await;
    for batch in 0..TICKETS / 4_000 {
        let rows: Vec<Json> = (batch * 4_000..(batch + 1) * 4_000).map(open).collect();
        assert_eq!(feed.ingest(batch as u64, &rows).await["rows"], 4_000);
    }
    let hub = format!("ws://{}/ws", running.address);
    let gathered = tokio::task::spawn_blocking(move || {
        let sparks = |at| {
            let wanted = Wanted { hub: &hub, at, wait_s: 60, metrics: Vec::new(), sparks: true, catalog: false };
            gather(wanted).unwrap().sparks.all.len()
        };
        let tickets = gather_tickets(&hub, NOW_US, 60).unwrap();
        assert!(tickets.is_sorted_by_key(|(ts, _)| *ts));
        [sparks(None), sparks(Some(NOW_US)), tickets.len()]
    });
    assert_eq!(gathered.await.unwrap(), [TICKETS as usize; 3]);
    running.hub.stop().await;
}
