//! A simulated city: a believable Ningbo and its help line, the same bytes for the same seed.
//!
//! [`Simulator`] gives events of all six streams in the order of time, without end. Every row says `demo`. It is no
//! model of real people and no forecast; its volumes and shapes are calibrated to published figures and to measured
//! hour weights (see `rhythm.rs`, `story/`). It has no state but its place in time: a shift day is a function of
//! (city, seed, day, scripts), so what was sent before can be skipped by time and goes on with the same numbers.
//!
//! Rates: `day` is the city as it is, about 3,000 contacts and 37,000 events a day; a number is that many events a
//! second at any hour, for load tests ([`load`]).

mod activity;
mod ask;
mod calendar;
mod centre;
mod contact;
mod day;
mod load;
mod random;
mod registry;
mod rhythm;
mod roster;
mod row;
mod script;
mod send;
mod signal;
mod story;
mod world;

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::sync::Arc;

use arrow::array::RecordBatch;

pub use script::Script;
pub use send::{SimulateArgs, backfill, demo, run};

use crate::model::event::RowError;
use crate::model::{City, Event, Stream};
use calendar::{shift_day_of, shift_start_us};
use row::Row;
use world::World;

/// The seed of the demo.
pub const DEFAULT_SEED: u64 = 81890;

/// How much happens.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rate {
    /// The city as it is: nights, rush hours, weekends.
    Day,
    /// Events a second, the same at any hour.
    EventsPerSecond(f64),
}

impl std::str::FromStr for Rate {
    type Err = String;

    fn from_str(text: &str) -> Result<Rate, String> {
        if text == "day" {
            return Ok(Rate::Day);
        }
        match text.parse::<f64>() {
            Ok(rate) if rate > 0.0 && rate <= load::RATE_MAX => Ok(Rate::EventsPerSecond(rate)),
            _ => Err(format!("{text:?} is no rate; write day, or events a second up to {}", load::RATE_MAX)),
        }
    }
}

#[derive(Clone, Debug)]
pub struct SimulateOptions {
    pub seed: u64,
    pub city: Arc<City>,
    /// What began before is left out whole.
    pub start_us: i64,
    /// Rows before it are not given; the story told is that of `start_us` all the same. `None`: `start_us`.
    pub from_us: Option<i64>,
    /// For each stream, in the order of [`Stream::ALL`]: rows before it are not given either.
    pub skip: [Option<i64>; 6],
    /// Nothing begins between these two times.
    pub gap_us: Option<(i64, i64)>,
    pub rate: Rate,
    pub scripts: Vec<Script>,
}

impl SimulateOptions {
    /// The city as it is, from `start_us` on.
    pub fn new(city: Arc<City>, seed: u64, start_us: i64) -> SimulateOptions {
        SimulateOptions {
            seed,
            city,
            start_us,
            from_us: None,
            skip: [None; 6],
            gap_us: None,
            rate: Rate::Day,
            scripts: Vec::new(),
        }
    }

    /// The names of the feeds that this simulation sends through.
    pub fn sources(&self) -> Vec<String> {
        World::new(self.city.clone(), &self.tag()).sources().to_vec()
    }

    fn gives(&self, row: &Row) -> bool {
        row.born >= self.start_us
            && row.ts >= self.from_us.unwrap_or(i64::MIN)
            && self.skip[row.stream as usize].is_none_or(|skip_us| row.ts >= skip_us)
            && self.gap_us.is_none_or(|(from_us, until_us)| row.born < from_us || row.born >= until_us)
    }

    /// What sources and ids of this simulation end with, so that two different ones may run into one hub. The demo
    /// itself has none.
    fn tag(&self) -> String {
        if self.seed == DEFAULT_SEED && self.rate == Rate::Day && self.scripts.is_empty() {
            return String::new();
        }
        let mut hash = contact::mix(self.seed);
        if let Rate::EventsPerSecond(rate) = self.rate {
            hash = contact::mix(hash ^ rate.to_bits()) ^ contact::mix(self.start_us as u64);
        }
        for script in &self.scripts {
            let (kind, at_us) = match script {
                Script::Typhoon(at_us) => (1, *at_us),
                Script::WaterOutage(at_us) => (2, *at_us),
            };
            hash = contact::mix(hash ^ kind ^ contact::mix(at_us as u64));
        }
        format!("{:04x}", hash & 0xffff)
    }
}

/// The rows of a simulated city, by time.
pub struct Simulator {
    world: World,
    options: SimulateOptions,
    source: Source,
    /// Rows given next, by time.
    ready: VecDeque<Row>,
}

enum Source {
    Days {
        /// The next shift day to generate.
        day: i64,
        /// Rows of generated days that lie in days not yet generated, by time.
        later: Vec<Row>,
    },
    Load(Box<load::Load>),
}

impl Simulator {
    pub fn new(options: SimulateOptions) -> Simulator {
        let world = World::new(options.city.clone(), &options.tag());
        let from_us = options.from_us.unwrap_or(options.start_us).max(options.start_us);
        let mut ready = VecDeque::new();
        if from_us == options.start_us {
            ready.extend(day::opening(&world, options.seed, options.start_us));
        }
        let source = match options.rate {
            Rate::Day => {
                // Far enough back that every story that may still be told has begun.
                let first = shift_day_of(options.start_us, world.zone);
                let day = shift_day_of(from_us - story::LONGEST_US, world.zone) - 2 - activity::AHEAD_DAYS;
                Source::Days { day: day.max(first), later: Vec::new() }
            }
            Rate::EventsPerSecond(rate) => Source::Load(Box::new(load::Load::new(&world, options.seed, from_us, rate))),
        };
        Simulator { world, options, source, ready }
    }

    /// Makes `ready` hold something; the stream has no end, so it always does afterwards.
    fn fill(&mut self) {
        while self.ready.is_empty() {
            match &mut self.source {
                Source::Days { day, later } => {
                    let zone = self.world.zone;
                    let span = (shift_start_us(*day, zone), shift_start_us(*day + 1, zone));
                    if !self.options.gap_us.is_some_and(|(from_us, until_us)| from_us < span.0 && span.1 <= until_us) {
                        let born = day::rows_of_day(&self.world, self.options.seed, *day, &self.options.scripts);
                        later.extend(born.into_iter().filter(|row| self.options.gives(row)));
                    }
                    *day += 1;
                    let frontier = shift_start_us(*day, self.world.zone);
                    // Stable: among equal times the older day's row comes first.
                    later.sort_by_key(|row| row.ts);
                    let done = later.partition_point(|row| row.ts < frontier);
                    self.ready.extend(later.drain(..done));
                }
                Source::Load(load) => load.next_step(&self.world, &mut self.ready),
            }
        }
    }

    /// Time of the next row.
    pub fn next_ts(&mut self) -> i64 {
        self.fill();
        self.ready.front().map_or(i64::MAX, |row| row.ts)
    }

    /// The next rows with ts < `until_us`, at most `most`.
    fn take_until(&mut self, until_us: i64, most: usize) -> Vec<Row> {
        let mut rows = Vec::new();
        while rows.len() < most && self.next_ts() < until_us {
            rows.extend(self.ready.pop_front());
        }
        rows
    }

    /// The next rows with ts < `until_us`, at most `most` of them, as one batch for each stream that has any. Empty when
    /// there is none before that time.
    ///
    /// # Errors
    /// A row that does not fit its stream: a mistake in this room.
    pub fn batches_until(&mut self, until_us: i64, most: usize) -> Result<Vec<(Stream, RecordBatch)>, RowError> {
        let rows = self.take_until(until_us, most);
        row::batches(&rows, &self.world)
    }
}

impl Iterator for Simulator {
    type Item = Event;

    /// The next event; there is always one.
    fn next(&mut self) -> Option<Event> {
        self.fill();
        self.ready.pop_front().map(|row| row.event(&self.world))
    }
}
