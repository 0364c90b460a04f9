//! `lingping bench live`: what a tick over all live metrics costs, beside the same metrics by full scans.
//!
//! A store in a temporary folder is filled with simulated events: most of them spread over 25 years, the rest in the last
//! day, the newest at full rate. Then rows land at the given rate and all live metrics are asked at the given frequency
//! on one thread, whose CPU time is the figure. At the end every metric is compared with a full scan at the same clock.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use clap::Args;
use serde_json::json;

use crate::feed::simulate::{Rate, SimulateOptions, Simulator};
use crate::model::message::MetricRef;
use crate::model::{City, Clock, assets};
use crate::query::adapter::StoreSource;
use crate::query::live::Class;
use crate::query::live::view::TickCost;
use crate::query::rows::{TimeFormat, json_rows};
use crate::query::{Answer, Engine, Limits, Question};
use crate::store::{Store, StoreOptions};

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
    /// Prints JSON, one object a line (the only form there is)
    #[arg(long)]
    pub json: bool,
    /// Keeps the store here instead of in a temporary folder
    #[arg(long, value_name = "DIR")]
    pub keep: Option<std::path::PathBuf>,
    /// Prints what each metric costs
    #[arg(long)]
    pub each: bool,
}

const DAY_US: i64 = 86_400_000_000;
/// 2026-11-23 14:32:07 in Ningbo: an afternoon like any other.
pub(super) const NOW_US: i64 = 1_795_415_527_000_000;
const SEED: u64 = 81_890;

/// A failure in one sentence.
type Failed = String;

/// Runs the bench, prints its line and gives it back.
///
/// # Errors
/// A sentence: the store, the simulator or a query failed.
pub fn run(args: &LiveArgs) -> Result<serde_json::Value, Failed> {
    let folder = folder(args)?;
    let city = Arc::new(City::load("ningbo").map_err(|error| error.to_string())?);
    let clock = Clock::manual(NOW_US);
    let options = StoreOptions::new(city.clone(), clock.clone()).dir(folder.path());
    let store = Store::open(options).map_err(|error| error.to_string())?;
    let source = Arc::new(StoreSource::new(store.clone()));
    let queries = assets::home().join("queries");
    let engine = Engine::over(source, city.clone(), clock.clone(), queries, Limits::default())
        .map_err(|error| error.to_string())?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("a runtime can't be started: {error}"))?;
    runtime.block_on(async {
        let began = Instant::now();
        let landed = fill(&store, &city, args).await?;
        let fill_s = began.elapsed().as_secs_f64();
        measure(args, &store, &engine, &city, &clock, landed, fill_s).await
    })
}

pub(super) enum Folder {
    Kept(std::path::PathBuf),
    Temporary(std::path::PathBuf),
}

impl Folder {
    pub(super) fn path(&self) -> &std::path::Path {
        match self {
            Folder::Kept(path) | Folder::Temporary(path) => path,
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Folder::Temporary(path) = self {
            let _ = std::fs::remove_dir_all(path);
        }
    }
}

pub(super) fn folder(args: &LiveArgs) -> Result<Folder, Failed> {
    let make = |path: &std::path::Path| {
        std::fs::create_dir_all(path).map_err(|error| format!("{} can't be made: {error}", path.display()))
    };
    match &args.keep {
        Some(path) => make(path).map(|()| Folder::Kept(path.clone())),
        None => {
            let path = std::env::temp_dir().join(format!("lingping-bench-live-{}", std::process::id()));
            make(&path).map(|()| Folder::Temporary(path))
        }
    }
}

/// Three parts: 25 years thinly, the last day, the last minutes at the full rate.
pub(super) async fn fill(store: &Store, city: &Arc<City>, args: &LiveArgs) -> Result<u64, Failed> {
    let have: u64 = crate::model::Stream::ALL.iter().map(|stream| store.snapshot().rows(*stream)).sum();
    if have >= args.events {
        return Ok(have);
    }
    let full = (args.events / 10) as f64;
    let full_us = (full / f64::from(args.rate.max(1)) * 1e6) as i64;
    let (day_from, full_from) = (NOW_US - DAY_US, NOW_US - full_us.min(DAY_US / 2));
    let parts = [
        (NOW_US - 25 * 365 * DAY_US, day_from, args.events as f64 * 0.6),
        (day_from, full_from, args.events as f64 * 0.3),
        (full_from, NOW_US, full),
    ];
    let mut landed = 0;
    for (index, (from, to, events)) in parts.into_iter().enumerate() {
        let rate = events / ((to - from) as f64 / 1e6);
        landed += land(store, city, SEED + index as u64, rate, from, to).await?;
    }
    store.flush().await.map_err(|error| error.to_string())?;
    Ok(landed)
}

async fn land(store: &Store, city: &Arc<City>, seed: u64, rate: f64, from: i64, to: i64) -> Result<u64, Failed> {
    let mut options = SimulateOptions::new(city.clone(), seed, from);
    options.rate = Rate::EventsPerSecond(rate);
    let mut simulator = Simulator::new(options);
    let replay = store.new_replay();
    let mut landed = 0;
    while simulator.next_ts() < to {
        let batches = simulator.batches_until(to, 65_536).map_err(|error| error.to_string())?;
        if batches.is_empty() {
            break;
        }
        for (stream, batch) in batches {
            let answer = store.append(stream, batch, Some(replay)).await.map_err(|error| error.to_string())?;
            landed += answer.rows;
        }
    }
    store.end_replay(replay).await.map_err(|error| error.to_string())?;
    Ok(landed)
}

async fn measure(
    args: &LiveArgs,
    store: &Store,
    engine: &Engine,
    city: &Arc<City>,
    clock: &Clock,
    landed: u64,
    fill_s: f64,
) -> Result<serde_json::Value, Failed> {
    let catalog = engine.catalog();
    let (mut live, mut rolling) = (Vec::new(), 0);
    for (name, metric) in &catalog.metrics {
        if engine.class(name).await.map_err(|failure| failure.message)? == Class::Live {
            live.push(MetricRef { name: name.clone(), params: BTreeMap::new() });
            rolling += usize::from(metric.sql.contains("now()") || metric.sql.contains("day_start("));
        }
    }
    let mut cost = TickCost::default();
    let cold = Cpu::now();
    let cold_began = Instant::now();
    cost.add(&engine.warm().await.map_err(|failure| failure.message)?);
    for asked in &live {
        tick(engine, asked, &mut cost).await?;
    }
    let (cold_cpu_ms, cold_ms) = (cold.ms(), cold_began.elapsed().as_secs_f64() * 1e3);

    let step_us = 1_000_000 / i64::from(args.hz.max(1));
    let mut options = SimulateOptions::new(city.clone(), SEED + 9, NOW_US);
    options.rate = Rate::EventsPerSecond(f64::from(args.rate));
    let mut simulator = Simulator::new(options);
    let ticks = u64::from(args.hz) * u64::from(args.seconds);
    let (mut cpu, mut wall, mut each) = (Vec::new(), Vec::new(), BTreeMap::<&str, f64>::new());
    let mut total = TickCost::default();
    let mut fresh = 0;
    for number in 1..=ticks {
        let now_us = NOW_US + number as i64 * step_us;
        for (stream, batch) in simulator.batches_until(now_us, 65_536).map_err(|error| error.to_string())? {
            fresh += store.append(stream, batch, None).await.map_err(|error| error.to_string())?.rows;
        }
        clock.set_us(now_us);
        let (began, cpu_began) = (Instant::now(), Cpu::now());
        for asked in &live {
            let one = Cpu::now();
            tick(engine, asked, &mut total).await?;
            if args.each {
                *each.entry(asked.name.as_str()).or_default() += one.ms();
            }
        }
        cpu.push(cpu_began.ms());
        wall.push(began.elapsed().as_secs_f64() * 1e3);
    }

    let (mut full_scan_ms, mut mismatches) = (0.0, Vec::new());
    for asked in &live {
        let answer = engine.refresh(asked).await.map_err(|failure| failure.message)?;
        let scan = engine
            .ask(&Question::Metric(asked.name.clone()), &asked.params, None)
            .await
            .map_err(|failure| failure.message)?;
        full_scan_ms += scan.elapsed_ms;
        if !alike(&answer, &scan) {
            mismatches.push(asked.name.clone());
        }
    }
    if args.each {
        let mut list: Vec<_> = each.iter().collect();
        list.sort_by(|a, b| b.1.total_cmp(a.1));
        for (name, ms) in list {
            println!("{}", json!({"bench": "live_each", "metric": name, "cpu_ms_a_tick": ms / ticks as f64}));
        }
    }
    let p50 = percentile(&mut cpu, 0.5);
    let (states, bytes) = engine.live().kept();
    let ticks_f = ticks.max(1) as f64;
    let line = json!({
            "bench": "live",
            "events": landed + fresh,
            "metrics": live.len(),
            "rolling": rolling,
            "hz": args.hz,
            "rate": args.rate,
            "ticks": ticks,
            "tick_cpu_ms_p50": p50,
            "tick_cpu_ms_p99": percentile(&mut cpu, 0.99),
            "tick_cpu_ms_max": percentile(&mut cpu, 1.0),
            "tick_ms_p50": percentile(&mut wall, 0.5),
            "full_scan_ms": full_scan_ms,
            "ratio_full_over_live": full_scan_ms / p50.max(1e-9),
            "mismatches": mismatches.len(),
            "mismatched": mismatches,
            "rows_looked_at_a_tick": total.evaluated_rows as f64 / ticks_f,
            "sets_looked_at_a_tick": total.evaluated as f64 / ticks_f,
            "merges_a_tick": total.merges as f64 / ticks_f,
            "finals_a_tick": total.finals as f64 / ticks_f,
            "uppers_a_tick": total.uppers as f64 / ticks_f,
            "fill_s": fill_s,
            "cold_ms": cold_ms,
            "cold_cpu_ms": cold_cpu_ms,
            "states": states,
            "states_mb": bytes as f64 / 1e6,
            "rss_mb": rss_mb(),
    });
    println!("{line}");
    Ok(line)
}

async fn tick(engine: &Engine, asked: &MetricRef, cost: &mut TickCost) -> Result<(), Failed> {
    let tick = engine.tick_here(asked).await.map_err(|failure| format!("{}: {}", asked.name, failure.message))?;
    cost.add(&tick);
    Ok(())
}

/// Equal but for the last digits of floats and the error of percentile sketches.
fn alike(a: &Answer, b: &Answer) -> bool {
    let table = |answer: &Answer| json_rows(&answer.schema, &answer.batches, TimeFormat::Micros);
    let ((columns, a), (_, b)) = (table(a), table(b));
    let close = |column: &str, a: &serde_json::Value, b: &serde_json::Value| {
        if a == b {
            return true;
        }
        let (Some(x), Some(y)) = (a.as_f64(), b.as_f64()) else { return false };
        let sketch = column.starts_with('p') || column.contains("_p90") || column == "first_answer_min";
        let allowed = if sketch { 0.1 * x.abs().max(y.abs()) + 1.0 } else { 1e-9 * x.abs().max(y.abs()) };
        (a.is_f64() || b.is_f64()) && (x - y).abs() <= allowed
    };
    a.len() == b.len()
        && a.iter()
            .zip(&b)
            .all(|(a, b)| columns.iter().zip(a.iter().zip(b)).all(|(column, (a, b))| close(&column.name, a, b)))
}

/// The CPU time of this thread, as the kernel counts it.
struct Cpu {
    at_ns: Option<u64>,
    began: Instant,
}

impl Cpu {
    fn now() -> Cpu {
        Cpu { at_ns: Cpu::read(), began: Instant::now() }
    }

    fn read() -> Option<u64> {
        std::fs::read_to_string("/proc/thread-self/schedstat").ok()?.split_whitespace().next()?.parse().ok()
    }

    /// Since then; wall time where the kernel does not say.
    fn ms(&self) -> f64 {
        match (self.at_ns, Cpu::read()) {
            (Some(before), Some(after)) => after.saturating_sub(before) as f64 / 1e6,
            _ => self.began.elapsed().as_secs_f64() * 1e3,
        }
    }
}

fn percentile(values: &mut [f64], share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let last = values.len().saturating_sub(1);
    values.get((last as f64 * share).round() as usize).copied().unwrap_or(0.0)
}

/// Resident memory of the process.
pub fn rss_mb() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kb = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
    kb.unwrap_or(0.0) / 1024.0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A small run of the bench itself; `LINGPING_BENCH_EVENTS` and `LINGPING_BENCH_SECONDS` make it a large one.
    #[test]
    #[ignore = "writes a segment for each of 300 months; run it by hand, or the bench itself"]
    fn ticks_give_what_scans_give_while_rows_arrive() {
        let number =
            |name: &str, default: u64| std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default);
        let events = number("LINGPING_BENCH_EVENTS", 40_000);
        let seconds = number("LINGPING_BENCH_SECONDS", 1) as u32;
        let args = LiveArgs { events, hz: 10, rate: 5_000, seconds, json: true, keep: None, each: events > 40_000 };
        let line = run(&args).unwrap();
        assert_eq!(line["mismatches"], 0, "{line}");
        assert!(line["metrics"].as_u64().unwrap() >= 40, "{line}");
    }
}
