//! A small city for tests: a real store, in memory or in a folder, and an engine over it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::model::event::batch;
use crate::model::{City, Clock, Event, Stream, assets};
use crate::query::Engine;
use crate::query::adapter::StoreSource;
use crate::store::{Crash, Landed, MemoryDisk, Store, StoreOptions};

pub const HOUR: i64 = 3_600_000_000;
pub const DAY: i64 = 24 * HOUR;
/// 2026-11-23 14:32:07 in Ningbo.
pub const NOON: i64 = 1_795_415_527_000_000;

pub fn city(name: &str) -> Arc<City> {
    Arc::new(City::load(name).unwrap())
}

pub fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// A folder of metric files, one a query: `q0`, `q1` and so on.
pub fn queries_of(queries: &[String]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (number, sql) in queries.iter().enumerate() {
        write_query(folder.path(), &format!("q{number}"), sql);
    }
    folder
}

pub fn write_query(folder: &Path, name: &str, sql: &str) {
    let header = "-- title_zh: 试\n-- title_en: a test\n-- basis: rows\n-- source: tickets\n";
    std::fs::write(folder.join(format!("{name}.sql")), format!("{header}{sql}\n")).unwrap();
}

/// A store and an engine over it, at a clock that stands still.
pub struct Lab {
    pub store: Store,
    pub engine: Engine,
    pub clock: Clock,
    options: StoreOptions,
    queries: PathBuf,
    /// The store's disk when it is in memory.
    disk: Option<MemoryDisk>,
}

impl Lab {
    pub fn new(now_us: i64) -> Lab {
        Lab::with(StoreOptions::new(city("ningbo"), Clock::manual(now_us)))
    }

    pub fn with(options: StoreOptions) -> Lab {
        Lab::asking(options, &assets::home().join("queries"))
    }

    /// A lab whose metrics are the files of `queries`. Without a folder of its own the store is in memory.
    pub fn asking(options: StoreOptions, queries: &Path) -> Lab {
        let disk = options.dir.is_none().then(MemoryDisk::new);
        Lab::open(options, queries.to_owned(), disk)
    }

    fn open(mut options: StoreOptions, queries: PathBuf, disk: Option<MemoryDisk>) -> Lab {
        if let Some(disk) = &disk {
            options.disk = Some(Arc::new(disk.clone()));
        }
        let (city, clock) = (options.city.clone(), options.clock.clone());
        let store = Store::open(options.clone()).unwrap();
        let source = Arc::new(StoreSource::new(store.clone()));
        let engine = Engine::over(source, city, clock.clone(), queries.clone(), Default::default()).unwrap();
        Lab { store, engine, clock, options, queries, disk }
    }

    /// The lab after its process ended and began again: the same disk, nothing else. With `power_lost` the disk is as it
    /// is found when the power went before the process could end (in memory only).
    pub fn restarted(self, power_lost: bool) -> Lab {
        let Lab { store, engine, options, queries, disk, .. } = self;
        let disk = disk.map(|disk| if power_lost { disk.after(Crash::PowerLost) } else { disk });
        drop(engine);
        drop(store);
        Lab::open(options, queries, disk)
    }

    /// Lands events in the order given, stream by stream, as a replay. Panics when a row is refused.
    pub async fn land(&self, events: &[Event]) -> Landed {
        self.land_by(events, 4_096).await
    }

    /// [`Lab::land`] in batches of at most so many rows.
    pub async fn land_by(&self, events: &[Event], batch_rows: usize) -> Landed {
        let replay = self.store.new_replay();
        let mut sum = Landed::default();
        let mut add = |landed: Landed| {
            assert!(landed.errors.is_empty(), "{:?}", landed.errors);
            sum.rows += landed.rows;
            sum.duplicates += landed.duplicates;
            sum.quarantined += landed.quarantined;
        };
        for stream in Stream::ALL {
            let rows: Vec<Event> = events.iter().filter(|event| event.stream == stream).cloned().collect();
            for part in rows.chunks(batch_rows) {
                add(self.store.append(stream, batch(stream, part).unwrap(), Some(replay)).await.unwrap());
            }
        }
        add(self.store.end_replay(replay).await.unwrap());
        sum
    }
}
