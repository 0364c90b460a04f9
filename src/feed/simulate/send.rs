//! Sending a simulated city into a hub: the command `feed simulate`, and the demo of the main job.
//!
//! Rows go when the clock reaches their time; those of the past go at once. It fails when the hub stays away, as
//! [`FeedError`] says.

use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use tokio::sync::watch;

use super::calendar::{shift_day_of, shift_start_us};
use super::{DEFAULT_SEED, Rate, Script, SimulateOptions, Simulator};
use crate::feed::{FeedClient, FeedError, FeedOptions, Totals};
use crate::model::time::{DAY_US, parse_local_time_us};
use crate::model::{City, Clock, Stream};

use super::ask::{Known, what_the_hub_knows};

/// How many days of the past the demo fills.
const PAST_DAYS: i64 = 8;
/// A pause longer than this is left as a gap; what had begun before it is told to its end.
const PAUSE_DAYS: i64 = 40;
/// Rows handed over at once when there are many.
const CHUNK_ROWS: usize = 40_000;
/// How often the clock is looked at.
const POLL: Duration = Duration::from_millis(100);

/// A simulated city, sent to a hub; every row is marked as demo.
#[derive(Args, Clone, Debug)]
pub struct SimulateArgs {
    /// The hub
    #[arg(long, value_name = "WS")]
    to: String,
    /// The same seed gives the same events
    #[arg(long, default_value_t = DEFAULT_SEED)]
    seed: u64,
    /// City file, by name (assets/city/NAME.toml) or path
    #[arg(long, default_value = "ningbo", env = "LINGPING_CITY")]
    city: String,
    /// When the story begins: 2026-11-23, "2026-11-23 08:00" (the city's time) or RFC 3339; now if left out
    #[arg(long, value_name = "TIME")]
    start: Option<String>,
    /// `day`: about 37,000 events a day with nights and rush hours; a number: that many events a second
    #[arg(long, default_value = "day", value_name = "EVENTS_PER_S|day")]
    rate: Rate,
    /// End after so many days of the story; without it, never
    #[arg(long, value_name = "N")]
    days: Option<f64>,
    /// Tell the story so many times faster than the clock, from its start on; without it, an event goes out when the
    /// clock reaches its time
    #[arg(long, value_name = "N")]
    speed: Option<f64>,
    /// typhoon[@TIME] or water[@TIME]; the time is the story's start if left out. May be given again
    #[arg(long, value_name = "SCRIPT")]
    script: Vec<String>,
}

impl SimulateArgs {
    fn options(&self, city: Arc<City>, clock: &Clock) -> Result<SimulateOptions, FeedError> {
        let start_us = match &self.start {
            None => clock.now_us(),
            Some(text) => parse_local_time_us(text, city.tz).ok_or_else(|| {
                FeedError::Usage(format!(
                    "--start {text:?} is no time; write 2026-11-23, \"2026-11-23 08:00\" or RFC 3339"
                ))
            })?,
        };
        for (name, number) in [("--days", self.days), ("--speed", self.speed)] {
            if number.is_some_and(|number| !(number > 0.0 && number.is_finite())) {
                return Err(FeedError::Usage(format!("{name} takes a number above zero")));
            }
        }
        let scripts = self.script.iter().map(|text| Script::parse(text, start_us, city.tz)).collect::<Result<_, _>>();
        Ok(SimulateOptions {
            rate: self.rate,
            scripts: scripts.map_err(FeedError::Usage)?,
            ..SimulateOptions::new(city, self.seed, start_us)
        })
    }
}

/// `lingping feed simulate`: until its days are over, else until the process is told to stop.
///
/// # Errors
/// The city file, a time or a script does not read; no hub is there, or it stays away.
pub async fn run(args: SimulateArgs, clock: Clock) -> Result<(), FeedError> {
    let city = City::load(&args.city).map_err(|error| FeedError::Usage(error.to_string()))?;
    let options = args.options(Arc::new(city), &clock)?;
    let start_us = options.start_us;
    let end_us = args.days.map_or(i64::MAX, |days| start_us.saturating_add((days * DAY_US as f64) as i64));
    let mut client = FeedClient::connect(&args.to, "demo").await?;
    let mut simulator = Simulator::new(options);
    let begun_us = clock.now_us();
    // The story's own time.
    let story_us = |clock: &Clock| match args.speed {
        None => clock.now_us(),
        Some(speed) => start_us.saturating_add(((clock.now_us() - begun_us) as f64 * speed) as i64),
    };
    loop {
        let now_us = story_us(&clock).min(end_us);
        simulator = send_until(simulator, &mut client, now_us).await?;
        if now_us >= end_us {
            break;
        }
        tokio::time::sleep(POLL).await;
    }
    let totals = client.end().await?;
    tracing::info!(rows = totals.rows, duplicates = totals.duplicates, "the simulated city was sent");
    Ok(())
}

/// Sends what is due before `now_us`. Rows are generated off the network's threads.
async fn send_until(mut simulator: Simulator, client: &mut FeedClient, now_us: i64) -> Result<Simulator, FeedError> {
    loop {
        let generate = move || (simulator.batches_until(now_us, CHUNK_ROWS), simulator);
        let generated = tokio::task::spawn_blocking(generate).await;
        let (batches, given_back) = generated.map_err(|error| FeedError::Encode(error.to_string()))?;
        simulator = given_back;
        let batches = batches.map_err(|error| FeedError::Encode(error.to_string()))?;
        if batches.is_empty() {
            return Ok(simulator);
        }
        for (stream, batch) in batches {
            client.send(stream, batch, false).await?;
        }
    }
}

/// The demo of the main job: fills the last eight days once, then goes on live until `shutdown` turns true. At the next
/// start it asks the hub how far it came and goes on from there.
///
/// # Errors
/// No hub is there, or it takes no rows.
pub async fn demo(
    url: &str,
    city: Arc<City>,
    clock: Clock,
    seed: u64,
    mut shutdown: watch::Receiver<bool>,
) -> Result<(), FeedError> {
    let live = async {
        let (mut simulator, mut client) = begin(url, city, seed, &clock).await?;
        loop {
            simulator = send_until(simulator, &mut client, clock.now_us()).await?;
            tokio::time::sleep(POLL).await;
        }
    };
    tokio::select! {
        ended = live => ended,
        // Also when nobody is left to say it.
        _ = shutdown.wait_for(|stop| *stop) => Ok(()),
    }
}

/// What [`demo`] sends until the clock's time, acked to the last row.
///
/// # Errors
/// As [`demo`].
pub async fn backfill(url: &str, city: Arc<City>, clock: Clock, seed: u64) -> Result<Totals, FeedError> {
    let (simulator, mut client) = begin(url, city, seed, &clock).await?;
    send_until(simulator, &mut client, clock.now_us()).await?;
    client.end().await
}

async fn begin(url: &str, city: Arc<City>, seed: u64, clock: &Clock) -> Result<(Simulator, FeedClient), FeedError> {
    let feed = FeedOptions { patience: None, wait_for_hub: true, ..FeedOptions::default() };
    let client = FeedClient::connect_with(url, "demo", feed).await?;
    let sources = SimulateOptions::new(city.clone(), seed, 0).sources();
    let known = what_the_hub_knows(url, &sources).await?;
    Ok((Simulator::new(demo_options(city, seed, clock.now_us(), &known)), client))
}

/// Where the demo begins, or goes on.
fn demo_options(city: Arc<City>, seed: u64, now_us: i64, known: &Known) -> SimulateOptions {
    let zone = city.tz;
    let past_us = shift_start_us(shift_day_of(now_us, zone) - PAST_DAYS, zone);
    let Some((start_us, latest_us)) = known.span() else {
        return SimulateOptions::new(city, seed, past_us);
    };
    let mut options = SimulateOptions::new(city, seed, start_us);
    options.skip = Stream::ALL.map(|stream| known.latest_us(stream));
    // A stream that has nothing yet was never begun.
    options.from_us = options.skip.iter().map(|latest| latest.unwrap_or(start_us)).min();
    if now_us - latest_us > PAUSE_DAYS * DAY_US {
        options.gap_us = Some((latest_us, past_us));
    }
    options
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_demo_goes_on_where_it_stopped_without_a_row_twice_or_missing() {
        let city = Arc::new(City::load("ningbo").unwrap());
        let now = parse_local_time_us("2026-11-23 14:32", city.tz).unwrap();
        let first = demo_options(city.clone(), DEFAULT_SEED, now, &Known::default());
        let all = |options: SimulateOptions, until| {
            let mut simulator = Simulator::new(options);
            simulator
                .take_until(until, usize::MAX)
                .iter()
                .map(|row| (row.stream, row.src, row.seq, row.ts))
                .collect::<Vec<_>>()
        };
        let sent = all(first.clone(), now);
        assert!(sent.len() > 250_000, "{}", sent.len());

        // The hub has every row until `now`; it starts again two days later.
        let later = now + 2 * DAY_US;
        let mut known = Known::default();
        for (stream, _, _, ts) in &sent {
            known.note(*stream, *ts, *ts);
        }
        let mut rest = all(demo_options(city, DEFAULT_SEED, later, &known), later);
        let seen: std::collections::BTreeSet<_> = sent.iter().copied().collect();
        let again = rest.iter().filter(|row| seen.contains(*row)).count();
        assert!(again <= Stream::ALL.len() + 20, "{again} rows are sent twice");
        rest.retain(|row| !seen.contains(row));
        let mut whole = all(first, later);
        whole.retain(|row| !seen.contains(row));
        whole.sort();
        rest.sort();
        assert_eq!(whole.len(), rest.len());
        assert_eq!(whole, rest);
    }
}
