//! The store that the query benches ask: simulated events, most of them spread over 25 years, the rest in the last day,
//! the newest at full rate.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Failed;
use crate::feed::simulate::{Rate, SimulateOptions, Simulator};
use crate::model::{City, Clock, Stream, assets};
use crate::query::adapter::StoreSource;
use crate::query::source::range_of;
use crate::query::{Engine, Limits};
use crate::store::{Store, StoreOptions};

const DAY_US: i64 = 86_400_000_000;
/// 2026-11-23 14:32:07 in Ningbo: an afternoon like any other.
const NOW_US: i64 = 1_795_415_527_000_000;
const SEED: u64 = 81_890;
/// Years of a help line's history.
pub const YEARS: u32 = 25;
/// The last day is as full as that of this many events, however many more there are.
const RECENT_OF: u64 = 18_000_000;
/// Batches made ahead of the store.
const AHEAD: usize = 4;
const CHUNK_ROWS: usize = 65_536;

/// A data folder, removed at the end unless it was asked to be kept.
pub enum Folder {
    Kept(PathBuf),
    Temporary(PathBuf),
}

impl Folder {
    /// # Errors
    /// The folder can't be made.
    pub fn new(keep: Option<&Path>, bench: &str) -> Result<Folder, Failed> {
        let folder = match keep {
            Some(path) => Folder::Kept(path.to_owned()),
            None => {
                let name = format!("lingping-bench-{bench}-{}", std::process::id());
                Folder::Temporary(std::env::temp_dir().join(name))
            }
        };
        let path = folder.path();
        std::fs::create_dir_all(path).map_err(|error| format!("{} can't be made: {error}", path.display()))?;
        Ok(folder)
    }

    pub fn path(&self) -> &Path {
        match self {
            Folder::Kept(path) | Folder::Temporary(path) => path,
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Folder::Temporary(path) = self {
            // A folder that stays is no failure of a measurement.
            let _ = std::fs::remove_dir_all(path);
        }
    }
}

/// A store with its engine, on a clock set by hand.
pub struct Ground {
    pub city: Arc<City>,
    pub clock: Clock,
    pub store: Store,
    pub engine: Engine,
}

impl Ground {
    /// Opens the folder; the clock stands at the newest event, at least at [`NOW_US`]. `cache_bytes`: of sealed rows in
    /// memory; as the hub has it when `None`.
    ///
    /// # Errors
    /// The store or the engine can't be opened.
    pub fn open(folder: &Path, cache_bytes: Option<usize>) -> Result<Ground, Failed> {
        let city = Arc::new(City::load("ningbo").map_err(|error| error.to_string())?);
        let clock = Clock::manual(NOW_US);
        let mut options = StoreOptions::new(city.clone(), clock.clone()).dir(folder);
        if let Some(bytes) = cache_bytes {
            options = options.cache_bytes(bytes);
        }
        let store = Store::open(options).map_err(|error| error.to_string())?;
        if let Some(until_us) = store.snapshot().data_until {
            clock.set_us(NOW_US.max(until_us + 1));
        }
        let source = Arc::new(StoreSource::new(store.clone()));
        let queries = assets::home().join("queries");
        let engine = Engine::over(source, city.clone(), clock.clone(), queries, Limits::default())
            .map_err(|error| error.to_string())?;
        Ok(Ground { city, clock, store, engine })
    }

    /// Events in the store.
    pub fn events(&self) -> u64 {
        let snapshot = self.store.snapshot();
        Stream::ALL.iter().map(|stream| snapshot.rows(*stream)).sum()
    }

    /// Fills an empty store with about `events` events: six tenths over so many years, three in the last day, the newest
    /// tenth at `rate` a second. Of more than [`RECENT_OF`] the last day has no more than of that many, and the years have
    /// the rest: ten times the history, the same day. A store that has that many already stays as it is.
    ///
    /// # Errors
    /// The store takes no rows.
    pub async fn fill(&self, events: u64, rate: u32, years: u32) -> Result<(), Failed> {
        // The simulator's opening stock comes on top, and a rate is held but to a part in a hundred.
        if self.events() >= events * 9 / 10 {
            return Ok(());
        }
        let recent_of = events.min(RECENT_OF) as f64;
        let (full, day) = (recent_of * 0.1, recent_of * 0.3);
        let full_us = (full / f64::from(rate.max(1)) * 1e6) as i64;
        let (day_from, full_from) = (NOW_US - DAY_US, NOW_US - full_us.min(DAY_US / 2));
        let parts = [
            (NOW_US - i64::from(years.max(1)) * 365 * DAY_US, day_from, events as f64 - full - day),
            (day_from, full_from, day),
            (full_from, NOW_US, full),
        ];
        for (index, (from, to, events)) in parts.into_iter().enumerate() {
            self.land(SEED + index as u64, events / ((to - from) as f64 / 1e6), from, to).await?;
        }
        self.clock.set_us(NOW_US);
        self.store.flush().await.map_err(|error| error.to_string())
    }

    /// Lands the rows of a load test between two times, moving the clock along. They are made on a thread of their own.
    async fn land(&self, seed: u64, rate: f64, from: i64, to: i64) -> Result<(), Failed> {
        let mut simulator = self.simulator(seed, rate, from);
        let (made, mut taken) = tokio::sync::mpsc::channel(AHEAD);
        let making = std::thread::Builder::new()
            .name("simulate".to_owned())
            .spawn(move || {
                while simulator.next_ts() < to {
                    let batches = simulator.batches_until(to, CHUNK_ROWS).map_err(|error| error.to_string());
                    let failed = batches.is_err();
                    if made.blocking_send(batches).is_err() || failed {
                        break;
                    }
                }
            })
            .map_err(|error| format!("a thread can't be started: {error}"))?;
        let replay = self.store.new_replay();
        while let Some(batches) = taken.recv().await {
            let batches = batches?;
            // Rows are received as they happen, so that the store remembers and forgets as it does over the years.
            let newest = batches.iter().filter_map(|(_, batch)| range_of(batch, "ts")).map(|(_, newest)| newest).max();
            self.clock.set_us(newest.unwrap_or(from));
            for (stream, batch) in batches {
                self.store.append(stream, batch, Some(replay)).await.map_err(|error| error.to_string())?;
            }
        }
        making.join().map_err(|_| "the simulator stopped unexpectedly".to_owned())?;
        self.store.end_replay(replay).await.map_err(|error| error.to_string())?;
        Ok(())
    }

    /// A load test of so many events a second from a time on; other times give other rows.
    pub fn simulator(&self, seed: u64, rate: f64, from: i64) -> Simulator {
        let mut options = SimulateOptions::new(self.city.clone(), seed, from);
        options.rate = Rate::EventsPerSecond(rate);
        Simulator::new(options)
    }
}

/// Bytes of the Parquet files of a data folder.
pub fn segment_bytes(folder: &Path) -> u64 {
    let mut folders = vec![folder.join("segments")];
    let mut bytes = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            match entry.metadata() {
                Ok(meta) if meta.is_dir() => folders.push(entry.path()),
                Ok(meta) => bytes += meta.len(),
                Err(_) => {}
            }
        }
    }
    bytes
}
