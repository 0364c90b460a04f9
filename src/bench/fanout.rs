//! `bench fanout`: how long from an event's sending to the moment each of many clients has the result that counts it.
//!
//! A hub in memory, one feed over a real WebSocket, `clients` that subscribe to the same metrics over real WebSockets, all
//! in this process on this machine. Every metric carries `max(ts)`, the time at which the newest event it counts was
//! sent: so the first result that reaches a client with a batch's time or a later one is the one that shows it. The
//! latency, of every batch on every client and metric, contains the commit, the wait for the metric's next refresh
//! (up to 1/`hz`), the query, the encoding and the network.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, bail};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value as Json, json};
use tokio::sync::Barrier;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;

use super::measure::status_kb;
use crate::hub::{Hub, HubOptions, Limits};
use crate::model::{City, Clock};
use crate::store::StoreOptions;

#[derive(Clone, Debug, clap::Args)]
pub struct FanoutArgs {
    /// Clients that look at the metrics.
    #[arg(long, default_value_t = 100)]
    pub clients: usize,
    /// Metrics each of them looks at.
    #[arg(long, default_value_t = 10)]
    pub metrics: usize,
    /// Refreshes a second of each metric.
    #[arg(long, default_value_t = 10)]
    pub hz: u32,
    /// Events a second that are sent meanwhile.
    #[arg(long, default_value_t = 1_000)]
    pub rate: u32,
    #[arg(long, default_value_t = 10)]
    pub seconds: u64,
    /// One JSON object instead of a sentence.
    #[arg(long)]
    pub json: bool,
}

/// What one client saw: by metric, when a result arrived and the newest event it counts, both µs.
#[derive(Default)]
struct Seen {
    results: HashMap<String, Vec<(i64, i64)>>,
    messages: u64,
}

impl Seen {
    /// How long each batch took to be seen, µs. The last second's are left out: their results may be on the way.
    fn latencies_us(&self, sent_us: &[i64]) -> Vec<i64> {
        let end_us = sent_us.last().copied().unwrap_or(0) - 1_000_000;
        let mut latencies = Vec::new();
        for results in self.results.values() {
            let mut results = results.iter().peekable();
            for sent in sent_us.iter().filter(|sent| **sent <= end_us) {
                while results.next_if(|(_, latest)| latest < sent).is_some() {}
                if let Some((arrived, _)) = results.peek() {
                    latencies.push(arrived - sent);
                }
            }
        }
        latencies
    }
}

/// Runs the benchmark and prints its line.
///
/// # Errors
/// The hub can't start, or a connection breaks.
pub async fn run(args: FanoutArgs) -> anyhow::Result<()> {
    let line = measure(&args).await?;
    if args.json {
        println!("{line}");
    } else {
        println!(
            "{} clients, {} metrics at {} Hz, {} events/s: {} messages/s, latency p50 {} ms, p99 {} ms, {} dropped, {} MB resident",
            line["clients"],
            line["metrics"],
            line["hz"],
            args.rate,
            line["msgs_per_s"],
            line["latency_ms_p50"],
            line["latency_ms_p99"],
            line["dropped"],
            line["rss_mb"]
        );
    }
    Ok(())
}

async fn measure(args: &FanoutArgs) -> anyhow::Result<Json> {
    let queries = std::env::temp_dir().join(format!("lingping-fanout-{}", std::process::id()));
    write_metrics(&queries, args)?;
    let clock = Clock::System;
    let city = Arc::new(City::load("ningbo")?);
    let mut options = HubOptions::new(StoreOptions::new(city, clock.clone()), "127.0.0.1:0".parse()?, queries.clone());
    options.limits = Limits { sessions: args.clients + 8, connections: args.clients + 64, ..Limits::default() };
    let hub = Hub::start(options).await?;
    let url = format!("ws://{}/ws", hub.local_addr());

    let ready = Arc::new(Barrier::new(args.clients + 1));
    let until = Arc::new(AtomicU64::new(u64::MAX));
    let origin = Instant::now();
    let mut clients = JoinSet::new();
    for _ in 0..args.clients {
        let (url, clock, ready, until) = (url.clone(), clock.clone(), ready.clone(), until.clone());
        let metrics = args.metrics;
        clients.spawn(async move { look(&url, metrics, &clock, &ready, origin, &until).await });
    }
    ready.wait().await;
    let end = Instant::now() + Duration::from_secs(args.seconds);
    until.store(end.duration_since(origin).as_micros() as u64, Ordering::Relaxed);
    let sent_us = feed(&url, args.rate, &clock, end).await?;
    let rss_mb = resident_mb();
    let mut all = Vec::new();
    while let Some(seen) = clients.join_next().await {
        all.push(seen??);
    }
    let polled = hub.engine().catalog().metrics.len();
    hub.stop().await;
    // A folder of /tmp that stays is no failure of the measurement.
    let _ = std::fs::remove_dir_all(&queries);
    if polled != args.metrics {
        bail!("only {polled} of {} metrics could be used", args.metrics);
    }
    let most = all.iter().map(|seen| seen.messages).max().unwrap_or(0);
    let dropped: u64 = all.iter().map(|seen| most - seen.messages).sum();
    let messages: u64 = all.iter().map(|seen| seen.messages).sum();
    let mut latencies: Vec<i64> = all.iter().flat_map(|seen| seen.latencies_us(&sent_us)).collect();
    latencies.sort_unstable();
    let at =
        |share: f64| latencies.get(((latencies.len() as f64 * share) as usize).min(latencies.len().saturating_sub(1)));
    let ms = |us: Option<&i64>| us.map(|us| (*us as f64 / 100.0).round() / 10.0);
    Ok(json!({
        "bench": "fanout",
        "clients": args.clients,
        "metrics": args.metrics,
        "hz": args.hz,
        "events_per_s": args.rate,
        "seconds": args.seconds,
        "msgs_per_s": messages / args.seconds.max(1),
        "latency_ms_p50": ms(at(0.50)),
        "latency_ms_p99": ms(at(0.99)),
        "dropped": dropped,
        "rss_mb": rss_mb,
    }))
}

fn write_metrics(folder: &Path, args: &FanoutArgs) -> anyhow::Result<()> {
    let scene = folder.join("fanout");
    std::fs::create_dir_all(&scene).with_context(|| format!("cannot make {}", scene.display()))?;
    let refresh_ms = 1_000 / args.hz.max(1);
    for n in 0..args.metrics {
        // Each its own question, so that none is answered for another.
        let sql = format!(
            "-- title_zh: 扇出\n-- title_en: Fan-out\n-- basis: rows\n-- source: tickets\n-- refresh: {refresh_ms}ms\n\
             SELECT max(ts) AS latest, count(*) + {n} AS value FROM tickets\n"
        );
        std::fs::write(scene.join(format!("fanout_{n}.sql")), sql)?;
    }
    Ok(())
}

/// Sends `rate` events a second, each stamped with the moment it is sent, until `end`; returns those moments.
async fn feed(url: &str, rate: u32, clock: &Clock, end: Instant) -> anyhow::Result<Vec<i64>> {
    const BATCHES_A_SECOND: u32 = 50;
    let (socket, _) = connect_async(url).await?;
    let (mut sink, mut stream) = socket.split();
    let acks = tokio::spawn(async move { while let Some(Ok(_)) = stream.next().await {} });
    let mut beat = interval(Duration::from_secs(1) / BATCHES_A_SECOND);
    beat.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut sent = 0_u64;
    let mut sent_us = Vec::new();
    let mut batch = 0_u64;
    while Instant::now() < end {
        beat.tick().await;
        batch += 1;
        let due = batch * u64::from(rate) / u64::from(BATCHES_A_SECOND);
        let now_us = clock.now_us();
        let rows: Vec<Json> = (sent..due)
            .map(|n| json!({"ts": now_us, "kind": "open", "id": format!("F-{n}"), "src": "fanout", "src_seq": n, "service": "ask"}))
            .collect();
        sent = due;
        if !rows.is_empty() {
            sent_us.push(now_us);
            let message = json!({"type": "ingest", "batch": batch, "stream": "tickets", "rows": rows});
            sink.send(Message::text(message.to_string())).await?;
        }
    }
    sink.close().await?;
    acks.abort();
    Ok(sent_us)
}

async fn look(
    url: &str,
    metrics: usize,
    clock: &Clock,
    ready: &Barrier,
    origin: Instant,
    until: &AtomicU64,
) -> anyhow::Result<Seen> {
    let (mut socket, _) = connect_async(url).await?;
    let names: Vec<Json> = (0..metrics).map(|n| json!({"name": format!("fanout_{n}")})).collect();
    socket.send(Message::text(json!({"type": "subscribe", "metrics": names}).to_string())).await?;
    ready.wait().await;
    let mut seen = Seen::default();
    loop {
        let end = origin + Duration::from_micros(until.load(Ordering::Relaxed).min(86_400_000_000));
        let message = tokio::select! {
            message = socket.next() => message.context("the hub closed the connection")??,
            () = sleep_until(end) => {
                if Instant::now() >= origin + Duration::from_micros(until.load(Ordering::Relaxed)) { break }
                continue
            }
        };
        let now_us = clock.now_us();
        let Message::Text(text) = message else { continue };
        if !text.starts_with(r#"{"type":"result""#) {
            continue;
        }
        let result: Json = serde_json::from_str(&text)?;
        if let Some(error) = result["error"].as_str() {
            bail!("a metric failed: {error}");
        }
        let Some(latest_us) = result["rows"][0][0].as_i64() else { continue };
        seen.messages += 1;
        let metric = result["metric"].as_str().unwrap_or_default();
        seen.results.entry(metric.to_owned()).or_default().push((now_us, latest_us));
    }
    Ok(seen)
}

/// Resident memory of this process, clients included, MB.
fn resident_mb() -> Option<u64> {
    status_kb("VmRSS:").map(|kb| kb / 1024)
}
