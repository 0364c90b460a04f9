//! Six metrics that Perspective can say too, by views of its own: what a batch of new rows, and a single one, cost here and
//! there until all six answers are read again.

use std::path::Path;
use std::time::Instant;

use arrow::array::RecordBatch;
use serde_json::{Value as Json, json};

use super::tick;
use crate::bench::Failed;
use crate::bench::fill::Ground;
use crate::bench::measure::{spread, table};
use crate::bench::peers::{PERSPECTIVE, PeerArgs};
use crate::model::Stream;
use crate::model::message::MetricRef;
use crate::model::time::day_start_us;
use crate::query::live::cost::TickCost;

const SIX: [&str; 6] = ["open_now", "solved_total", "loop_today", "types_today", "rating_levels", "transfer_minutes"];
const UPDATES: usize = 20;
/// Rows of an update: what 5,000 events a second bring in a tenth of one.
const ROWS: f64 = 500.0;
const SEED: u64 = 81_900;

/// Latencies of both over as many updates, for a batch of rows and for single ones; `null` without Perspective. Every row of
/// the store is in its files.
///
/// # Errors
/// The store takes no rows, or a metric fails.
pub async fn perspective(args: &PeerArgs, ground: &Ground, folder: &Path) -> Result<Json, Failed> {
    let asked: Vec<MetricRef> =
        SIX.iter().map(|name| MetricRef { name: (*name).to_owned(), params: Default::default() }).collect();
    let mut solved = Json::Null;
    if let Some(answer) = ground.engine.refresh(&asked[1]).await.ok().map(|answer| table(&answer)) {
        let place = answer.0.iter().position(|name| name == "counted").unwrap_or(0);
        solved = answer.1.first().and_then(|row| row.get(place)).cloned().unwrap_or_default();
    }
    let Some(theirs) = them(args, ground, folder, ROWS as u64) else { return Ok(Json::Null) };
    let Some(theirs_single) = them(args, ground, folder, 1) else { return Ok(Json::Null) };

    let now_us = ground.engine.now_us();
    let mut simulator = ground.simulator(SEED, ROWS * 10.0, now_us);
    // The opening stock comes with the first rows.
    simulator.batches_until(now_us + 1, usize::MAX).map_err(|error| error.to_string())?;
    let (mut many, mut single) = (Latencies::default(), Latencies::default());
    for number in 1..=UPDATES as i64 {
        let until_us = now_us + number * 100_000;
        let batches = simulator.batches_until(until_us, usize::MAX).map_err(|error| error.to_string())?;
        many.update(ground, &asked, batches, until_us).await?;
    }
    let mut until_us = now_us + UPDATES as i64 * 100_000;
    while single.ours_ms.len() < UPDATES {
        until_us += 100_000;
        let batches = simulator.batches_until(until_us, usize::MAX).map_err(|error| error.to_string())?;
        // The six ask tickets alone, as Perspective has them.
        for (stream, batch) in batches.into_iter().filter(|(stream, _)| *stream == Stream::Tickets) {
            for row in 0..batch.num_rows().min(UPDATES - single.ours_ms.len()) {
                single.update(ground, &asked, vec![(stream, batch.slice(row, 1))], until_us + row as i64).await?;
            }
        }
    }
    let same_count = theirs["totals"]["solved_total"].as_f64() == solved.as_f64();
    Ok(json!({
        "version": theirs["version"],
        "rows": theirs["rows"],
        "metrics": SIX,
        "batches": many.beside(&theirs),
        "single": single.beside(&theirs_single),
        "same_count_of_finished": same_count,
    }))
}

/// What Perspective says of updates of so many rows.
fn them(args: &PeerArgs, ground: &Ground, folder: &Path, rows: u64) -> Option<Json> {
    let (now_us, zone) = (ground.engine.now_us(), ground.city.tz);
    let (day, month) = (day_start_us(now_us, zone, 0), day_start_us(now_us, zone, -29));
    let job = json!({
        "folder": folder, "updates": UPDATES, "update_rows": rows, "windows": {"day": day, "month": month},
    });
    args.ask(&PERSPECTIVE, &job)?.into_iter().next()
}

/// From an update until all six answers are there, ms.
#[derive(Default)]
struct Latencies {
    ours_ms: Vec<f64>,
    /// With landing and fsync, which Perspective has not.
    durable_ms: Vec<f64>,
}

impl Latencies {
    async fn update(
        &mut self,
        ground: &Ground,
        asked: &[MetricRef],
        batches: Vec<(Stream, RecordBatch)>,
        now_us: i64,
    ) -> Result<(), Failed> {
        let began = Instant::now();
        for (stream, batch) in batches {
            ground.store.append(stream, batch, None).await.map_err(|error| error.to_string())?;
        }
        ground.clock.set_us(now_us);
        let landed = Instant::now();
        for asked in asked {
            tick(ground, asked, &mut TickCost::default()).await?;
        }
        self.ours_ms.push(landed.elapsed().as_secs_f64() * 1e3);
        self.durable_ms.push(began.elapsed().as_secs_f64() * 1e3);
        Ok(())
    }

    fn beside(&mut self, theirs: &Json) -> Json {
        let mut their_ms: Vec<f64> = serde_json::from_value(theirs["update_ms"].clone()).unwrap_or_default();
        let (ours, their) = (spread(&mut self.ours_ms), spread(&mut their_ms));
        let ratio = their["p50"].as_f64().zip(ours["p50"].as_f64()).map(|(their, ours)| their / ours.max(1e-9));
        json!({
            "update_rows": theirs["update_rows"],
            "update_ms": their,
            "ours_ms": ours,
            "ours_with_landing_and_fsync_ms": spread(&mut self.durable_ms),
            "over_ours": ratio,
        })
    }
}
