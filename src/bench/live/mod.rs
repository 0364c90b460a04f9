//! `lingping bench live`: what a tick over all live metrics costs, beside the same metrics by full scans.
//!
//! A store in a temporary folder is filled with simulated events: most of them spread over 25 years, the rest in the last
//! day, the newest at full rate. Then rows land at the given rate and all live metrics are asked at the given frequency
//! on one thread, whose CPU time is the figure. At the end every metric is compared with a full scan at the same clock,
//! and with `--peer duckdb` with DuckDB over the same Parquet files.

mod peer;
mod perspective;

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use clap::Args;
use serde_json::{Value as Json, json};

use super::Failed;
use super::fill::{Folder, Ground, YEARS, segment_bytes};
use super::measure::{ThreadCpu, alike, process_cpu_ms, rss_mb, rss_peak_mb, spread, table};
use super::peers::PeerArgs;
use crate::model::message::MetricRef;
use crate::query::Question;
use crate::query::live::Class;
use crate::query::live::cost::TickCost;

#[derive(Args, Clone, Debug)]
pub struct LiveArgs {
    /// Events in the store before the ticks begin
    #[arg(long, default_value_t = 1_000_000)]
    pub events: u64,
    /// Ticks a second
    #[arg(long, default_value_t = 10)]
    pub hz: u32,
    /// New events a second
    #[arg(long, default_value_t = 5_000)]
    pub rate: u32,
    #[arg(long, default_value_t = 30)]
    pub seconds: u32,
    /// Years that six tenths of the events are spread over
    #[arg(long, default_value_t = YEARS)]
    pub years: u32,
    /// Prints JSON, one object a line (the only form there is)
    #[arg(long)]
    pub json: bool,
    /// Keeps the store here instead of in a temporary folder; a folder filled before is used again
    #[arg(long, value_name = "DIR")]
    pub keep: Option<std::path::PathBuf>,
    /// Prints what each metric costs
    #[arg(long)]
    pub each: bool,
    #[command(flatten)]
    pub peer: PeerArgs,
}

/// Seed of the rows that land during the ticks.
const SEED: u64 = 81_899;

/// Runs the bench, prints its line and gives it back.
///
/// # Errors
/// A sentence: the store, the simulator or a query failed.
pub fn run(args: &LiveArgs) -> Result<Json, Failed> {
    let folder = Folder::new(args.keep.as_deref(), "live")?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("a runtime can't be started: {error}"))?;
    runtime.block_on(async {
        let ground = Ground::open(folder.path(), None)?;
        let began = Instant::now();
        ground.fill(args.events, args.rate, args.years).await?;
        let filled_s = began.elapsed().as_secs_f64();
        let mut line = measure(args, &ground, folder.path()).await?;
        line["fill_s"] = json!(filled_s);
        println!("{line}");
        Ok(line)
    })
}

async fn measure(args: &LiveArgs, ground: &Ground, folder: &std::path::Path) -> Result<Json, Failed> {
    let mut metrics = Metrics::of(ground).await?;
    let began = Instant::now();
    let cold = ThreadCpu::now();
    ground.engine.warm().await.map_err(|failure| failure.message)?;
    for asked in metrics.live.clone() {
        if !tick(ground, &asked, &mut TickCost::default()).await? {
            metrics.fell(&asked);
        }
    }
    let (cold_cpu_ms, cold_ms) = (cold.ms(), began.elapsed().as_secs_f64() * 1e3);
    let filled = ground.events();
    let ticks = ticks(args, ground, &mut metrics).await?;
    let rss_mb = rss_mb();

    // So that other programs find every row in the files.
    ground.store.flush().await.map_err(|error| error.to_string())?;
    let events = ground.events();
    let scans = scan(ground, &metrics.live).await?;
    let (states, bytes) = ground.engine.live().kept();
    let p50 = ticks["cpu_ms"]["p50"].as_f64().unwrap_or(0.0).max(1e-9);
    let mut line = json!({
        "bench": "live",
        "events": events,
        "metrics": metrics.live.len(),
        "rolling": metrics.live.iter().filter(|asked| metrics.rolling.contains(&asked.name)).count(),
        "scanned": metrics.scanned,
        "hz": args.hz,
        "rate": args.rate,
        "landed": events - filled,
        "tick": ticks,
        "full_scan_ms": scans.ms,
        "full_scan_cpu_ms": scans.cpu_ms,
        "full_scan_over_tick": scans.ms / p50, "full_scan_cpu_over_tick": scans.cpu_ms / p50,
        "mismatches": scans.mismatched.len(),
        "mismatched": scans.mismatched,
        "ready_ms": cold_ms,
        "ready_cpu_ms": cold_cpu_ms,
        "states": states,
        "states_mb": bytes as f64 / 1e6,
        "rss_mb": rss_mb,
        "rss_peak_mb": rss_peak_mb(),
        "bytes_a_row": segment_bytes(folder) as f64 / events.max(1) as f64,
    });
    if args.peer.wants("duckdb") {
        line["duckdb"] = peer::duckdb(&args.peer, ground, folder, &metrics.live, &scans.tables, p50).await?;
    }
    if args.peer.wants("perspective") {
        line["perspective"] = perspective::beside(&args.peer, ground, folder).await?;
    }
    Ok(line)
}

/// The metrics of the catalog by their class.
struct Metrics {
    live: Vec<MetricRef>,
    /// Those with a window that moves with the clock.
    rolling: BTreeSet<String>,
    scanned: Vec<String>,
}

impl Metrics {
    async fn of(ground: &Ground) -> Result<Metrics, Failed> {
        let mut metrics = Metrics { live: Vec::new(), rolling: BTreeSet::new(), scanned: Vec::new() };
        for (name, metric) in &ground.engine.catalog().metrics {
            match ground.engine.class(name).await.map_err(|failure| failure.message)? {
                Class::Live => {
                    metrics.live.push(MetricRef { name: name.clone(), params: BTreeMap::new() });
                    if metric.sql.contains("now()") || metric.sql.contains("day_start(") {
                        metrics.rolling.insert(name.clone());
                    }
                }
                Class::Scan(_) => metrics.scanned.push(name.clone()),
            }
        }
        Ok(metrics)
    }

    /// It has too many groups to be kept live.
    fn fell(&mut self, asked: &MetricRef) {
        self.live.retain(|other| other != asked);
        self.scanned.push(asked.name.clone());
    }
}

/// Rows land, the clock moves, all metrics are asked: the CPU time of each tick, and its parts.
async fn ticks(args: &LiveArgs, ground: &Ground, metrics: &mut Metrics) -> Result<Json, Failed> {
    let step_us = 1_000_000 / i64::from(args.hz.max(1));
    let from_us = ground.engine.now_us();
    let mut simulator = ground.simulator(SEED, f64::from(args.rate), from_us);
    let mut parts = Parts::default();
    let mut each = BTreeMap::<String, (f64, TickCost)>::new();
    let (mut cpu, mut wall) = (Vec::new(), Vec::new());
    let (mut total, mut landing_cpu_ms) = (TickCost::default(), 0.0);
    let count = i64::from(args.hz) * i64::from(args.seconds);
    for number in 1..=count {
        let now_us = from_us + number * step_us;
        let landing = process_cpu_ms();
        for (stream, batch) in simulator.batches_until(now_us, usize::MAX).map_err(|error| error.to_string())? {
            ground.store.append(stream, batch, None).await.map_err(|error| error.to_string())?;
        }
        landing_cpu_ms += process_cpu_ms() - landing;
        ground.clock.set_us(now_us);
        let (began, cpu_began) = (Instant::now(), ThreadCpu::now());
        let mut cost = TickCost::default();
        let mut fallen = Vec::new();
        for asked in &metrics.live {
            let (one, mut own) = (args.each.then(ThreadCpu::now), TickCost::default());
            if !tick(ground, asked, &mut own).await? {
                fallen.push(asked.clone());
            }
            cost.add(&own);
            if let Some(one) = one {
                let (ms, costs) = each.entry(asked.name.clone()).or_default();
                *ms += one.ms();
                costs.add(&own);
            }
        }
        cpu.push(cpu_began.ms());
        let took = began.elapsed();
        wall.push(took.as_secs_f64() * 1e3);
        parts.note(&cost, took);
        total.add(&cost);
        fallen.iter().for_each(|asked| metrics.fell(asked));
    }
    let many = count.max(1) as f64;
    let mut list: Vec<_> = each.into_iter().collect();
    list.sort_by(|a, b| b.1.0.total_cmp(&a.1.0));
    for (name, (ms, cost)) in list {
        let us = |part: Duration| (part.as_secs_f64() * 1e6 / many).round();
        println!(
            "{}",
            json!({
                "bench": "live_each", "metric": name, "cpu_us_a_tick": (ms * 1e3 / many).round(),
                "finding": us(cost.finding), "fresh": us(cost.fresh), "boundary": us(cost.boundary),
                "merge": us(cost.merge), "finish": us(cost.finish), "upper": us(cost.upper),
            })
        );
    }
    Ok(json!({
        "ticks": count,
        "cpu_ms": spread(&mut cpu),
        "wall_ms": spread(&mut wall),
        "parts_wall_ms": parts.spreads(),
        "rows_looked_at": total.evaluated_rows as f64 / many,
        "sets_looked_at": total.evaluated as f64 / many,
        "merges": total.merges as f64 / many,
        "finals": total.finals as f64 / many,
        "uppers": total.uppers as f64 / many,
        "landing_cpu_ms": landing_cpu_ms / many,
    }))
}

/// The parts of each tick, ms.
#[derive(Default)]
struct Parts([Vec<f64>; PARTS.len()]);

const PARTS: [&str; 6] = ["finding_sets", "new_rows", "window_boundaries", "merge_and_final", "upper_plans", "rest"];

impl Parts {
    fn note(&mut self, cost: &TickCost, took: Duration) {
        let known = [cost.finding, cost.fresh, cost.boundary, cost.merge + cost.finish, cost.upper];
        let rest = took.saturating_sub(known.iter().sum());
        for (list, part) in self.0.iter_mut().zip(known.into_iter().chain([rest])) {
            list.push(part.as_secs_f64() * 1e3);
        }
    }

    fn spreads(&mut self) -> Json {
        PARTS.iter().zip(&mut self.0).map(|(name, list)| ((*name).to_owned(), spread(list))).collect()
    }
}

/// An answer: its columns and rows.
type Table = (Vec<String>, Vec<Vec<Json>>);

/// What full scans of all metrics took, and gave.
struct Scans {
    ms: f64,
    cpu_ms: f64,
    mismatched: Vec<String>,
    tables: Vec<Table>,
}

async fn scan(ground: &Ground, live: &[MetricRef]) -> Result<Scans, Failed> {
    let mut scans = Scans { ms: 0.0, cpu_ms: 0.0, mismatched: Vec::new(), tables: Vec::new() };
    for asked in live {
        let fail = |message: String| format!("{}: {message}", asked.name);
        let answer = ground.engine.refresh(asked).await.map_err(|failure| fail(failure.message))?;
        let cpu = process_cpu_ms();
        let question = Question::Metric(asked.name.clone());
        let scan = ground.engine.ask(&question, &asked.params, None).await.map_err(|failure| fail(failure.message))?;
        scans.cpu_ms += process_cpu_ms() - cpu;
        scans.ms += scan.elapsed_ms;
        let ((columns, live), (_, full)) = (table(&answer), table(&scan));
        if !alike(&columns, &live, &full) {
            scans.mismatched.push(asked.name.clone());
        }
        scans.tables.push((columns, full));
    }
    Ok(scans)
}

/// Asks a metric; false when it turns out to have too many groups to be kept live.
async fn tick(ground: &Ground, asked: &MetricRef, cost: &mut TickCost) -> Result<bool, Failed> {
    let tick = ground.engine.tick_here(asked).await;
    let tick = tick.map_err(|failure| format!("{}: {}", asked.name, failure.message))?;
    if let Some(tick) = &tick {
        cost.add(tick);
    }
    Ok(tick.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_give_what_scans_give_while_rows_arrive() {
        let args = LiveArgs {
            events: 40_000,
            hz: 10,
            rate: 5_000,
            seconds: 1,
            years: 1,
            json: true,
            keep: None,
            each: false,
            peer: PeerArgs::default(),
        };
        let line = run(&args).unwrap();
        assert_eq!(line["mismatches"], 0, "{line}");
        assert!(line["metrics"].as_u64().unwrap() >= 40, "{line}");
        assert!(line["events"].as_u64().unwrap() > 36_000, "{line}");
        assert!(line["landed"].as_u64().unwrap() > 2_000, "{line}");
        assert_eq!(line["scanned"], json!([]), "{line}");
    }
}
