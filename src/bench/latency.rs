//! `bench latency`: from an event's sending to the frame that shows it.
//!
//! A hub with its store on disk, one feed over a real WebSocket, the wall on the overview without a window, all in this
//! process. Each ticket carries the moment it was sent and becomes a spark on the map; it is shown when the graphics
//! adapter has done the first picture that holds its spark. So the latency contains the commit to disk, the hub, both
//! sockets, the wall's pace and the drawing; not what a display adds.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value as Json, json};
use tokio::time::MissedTickBehavior;
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;

use crate::cli::network;
use crate::hub::{Hub, HubOptions};
use crate::model::{City, Clock, assets};
use crate::store::StoreOptions;
use crate::wall::app::{AdapterName, Stage};
use crate::wall::{Mode, WallOptions, options::parse_size};

#[derive(Clone, Debug, clap::Args)]
pub struct LatencyArgs {
    /// Events a second
    #[arg(long, default_value_t = 1_000)]
    rate: u32,
    /// Seconds measured, after a few that are not
    #[arg(long, default_value_t = 20)]
    seconds: u64,
    /// Pixels of the wall
    #[arg(long, default_value = "1920x1080", value_parser = parse_size)]
    size: (u32, u32),
    /// Scene of the wall; one with the map
    #[arg(long, default_value = "overview")]
    scene: String,
    /// One JSON object instead of a sentence
    #[arg(long)]
    json: bool,
}

/// Seconds before what is measured: the wall comes up, the first results arrive.
const WARM_UP: Duration = Duration::from_secs(4);
/// Messages a second; an event's moment is that of its message.
const MESSAGES_A_SECOND: u32 = 200;

/// Runs the benchmark and prints its line.
///
/// # Errors
/// The hub can't start, no picture can be drawn, or no event was ever shown.
pub fn run(args: LatencyArgs) -> anyhow::Result<()> {
    let runtime = network()?;
    let clock = Clock::System;
    let city = Arc::new(City::load("ningbo")?);
    let folder = std::env::temp_dir().join(format!("lingping-latency-{}", std::process::id()));
    let mut store = StoreOptions::new(city.clone(), clock.clone());
    store.dir = Some(folder.clone());
    let options = HubOptions::new(store, "127.0.0.1:0".parse()?, assets::home().join("queries"));
    let hub = runtime.block_on(Hub::start(options))?;
    let url = format!("ws://{}/ws", hub.local_addr());
    let ends = Arc::new(AtomicBool::new(false));
    let feeding = runtime.spawn(feed(url.clone(), args.rate, clock.clone(), city, ends.clone()));
    let measured = look(&args, &url, &clock);
    ends.store(true, Ordering::Relaxed);
    runtime.block_on(feeding)??;
    runtime.block_on(hub.stop());
    // A folder of /tmp that stays is no failure of the measurement.
    std::fs::remove_dir_all(&folder).ok();
    let line = measured?;
    if args.json {
        println!("{line}");
    } else {
        println!(
            "{} events/s on {}: shown after p50 {} ms, p99 {} ms; a frame takes {} ms ({} events, {} frames, {})",
            args.rate,
            line["size"],
            line["p50_ms"],
            line["p99_ms"],
            line["frame_ms"],
            line["events"],
            line["frames"],
            line["adapter"]
        );
    }
    Ok(())
}

fn look(args: &LatencyArgs, url: &str, clock: &Clock) -> anyhow::Result<Json> {
    let options = WallOptions {
        mode: Mode::Ops,
        scene: args.scene.clone(),
        size: Some(args.size),
        offscreen: true,
        ..WallOptions::new(url)
    };
    let mut stage = Stage::open(&options)?;
    let adapter = stage.app.world().resource::<AdapterName>().0.clone();
    let began = Instant::now();
    let (mut latencies_ms, mut frames_ms) = (Vec::new(), Vec::new());
    let mut seen = 0;
    while began.elapsed() < WARM_UP + Duration::from_secs(args.seconds) {
        let begun = Instant::now();
        if stage.turn_whole() {
            let now_us = clock.now_us();
            let show = stage.show();
            let shown = show.sparks_shown.min(show.data.sparks.all.len());
            if began.elapsed() > WARM_UP {
                frames_ms.push(begun.elapsed().as_secs_f64() * 1000.0);
                let new = show.data.sparks.all.get(seen..shown).unwrap_or_default();
                latencies_ms.extend(new.iter().map(|spark| (now_us - spark.opened_us) as f64 / 1000.0));
            }
            seen = shown;
        }
        stage.rest();
    }
    anyhow::ensure!(!latencies_ms.is_empty(), "no event was shown on scene {}; name one with the map", args.scene);
    let at = |sorted: &[f64], share: f64| {
        let place = ((sorted.len() as f64 * share) as usize).min(sorted.len().saturating_sub(1));
        sorted.get(place).map(|ms| (ms * 10.0).round() / 10.0)
    };
    latencies_ms.sort_by(f64::total_cmp);
    frames_ms.sort_by(f64::total_cmp);
    Ok(json!({
        "bench": "latency",
        "scene": args.scene,
        "size": format!("{}x{}", args.size.0, args.size.1),
        "events_per_s": args.rate,
        "events": latencies_ms.len(),
        "p50_ms": at(&latencies_ms, 0.50),
        "p99_ms": at(&latencies_ms, 0.99),
        "max_ms": at(&latencies_ms, 1.0),
        "frames": frames_ms.len(),
        "frame_ms": at(&frames_ms, 0.50),
        "frame_ms_p99": at(&frames_ms, 0.99),
        "adapter": adapter,
    }))
}

/// Sends tickets, each stamped with the moment it is sent, until it is told to end.
async fn feed(url: String, rate: u32, clock: Clock, city: Arc<City>, ends: Arc<AtomicBool>) -> anyhow::Result<()> {
    let (socket, _) = connect_async(&url).await?;
    let (mut sink, mut stream) = socket.split();
    let acks = tokio::spawn(async move { while let Some(Ok(_)) = stream.next().await {} });
    let mut beat = tokio::time::interval(Duration::from_secs(1) / MESSAGES_A_SECOND);
    beat.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let (mut sent, mut batch) = (0_u64, 0_u64);
    let areas = city.areas.len().max(1) as u64;
    while !ends.load(Ordering::Relaxed) {
        beat.tick().await;
        batch += 1;
        let due = batch * u64::from(rate) / u64::from(MESSAGES_A_SECOND);
        let now_us = clock.now_us();
        let rows: Vec<Json> = (sent..due)
            .map(|number| {
                let area = city.areas.get((number * 7 % areas) as usize).map_or("", |area| area.code.as_str());
                json!({"ts": now_us, "kind": "open", "id": format!("L-{number}"), "src": "latency", "src_seq": number,
                    "service": "life", "area": area})
            })
            .collect();
        sent = due;
        if !rows.is_empty() {
            let message = json!({"type": "ingest", "batch": batch, "stream": "tickets", "rows": rows});
            sink.send(Message::text(message.to_string())).await?;
        }
    }
    sink.close().await?;
    acks.abort();
    Ok(())
}
