//! The proof: on a disk in memory that fails wherever it can, what was acknowledged is there exactly once, in order,
//! and the derived figures agree with the rows.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::RecordBatch;
use proptest::prelude::*;

use crate::model::event::{self, Event};
use crate::model::{City, Clock, Stream};

use super::columns::{bool_at, bools, int_at, ints, text_at, texts};
use super::core::{Core, Request, Settings};
use super::disk::{Crash, Disk, MemoryDisk};
use super::landing::{Landed, Landing, Part};
use super::open::{Opened, open};
use super::seal::Sealer;
use super::segment::cache::Cache;
use super::snapshot::Snapshot;
use super::{ReplayId, StoreError};

pub(super) const NOON_US: i64 = 1_795_406_400_000_000;

pub(super) fn city() -> Arc<City> {
    let text = r#"
        code = "x"
        zh = "某城"
        en = "Some city"
        title_zh = "某"
        title_en = "Some"
        tz = "Asia/Shanghai"
        boards = [{ code = "life", zh = "生活", en = "Life" }, { code = "government", zh = "政务", en = "Government" }]
        services = [
            { code = "onekey", zh = "一键通", en = "One-key", board = "life" },
            { code = "gov", zh = "政务", en = "Government", board = "government" },
        ]
    "#;
    Arc::new(City::parse("test", text).unwrap())
}

/// A store without threads.
struct House {
    core: Core,
    sealer: Sealer,
}

fn settings() -> Settings {
    Settings {
        city_rule: super::CityRule::Keep,
        seal_rows: 16,
        seal_bytes: 1 << 20,
        seal_after_us: i64::MAX,
        log_reserve: 4096,
        forget_after_us: i64::MAX,
        checkpoint_rows: 60,
    }
}

impl House {
    fn open(disk: &MemoryDisk, clock: &Clock) -> Result<House, StoreError> {
        let landing = Landing::new(city(), 60_000_000);
        let cache = Arc::new(Cache::new(1 << 20));
        let disk: Arc<dyn Disk> = Arc::new(disk.clone());
        let Opened { core, mut sealer, .. } =
            open(disk, PathBuf::from("/data"), clock.clone(), settings(), landing, cache)?;
        sealer.small_count = 2;
        Ok(House { core, sealer })
    }

    fn send(&mut self, stream: Stream, events: &[Event], replay: Option<ReplayId>) -> Result<Landed, StoreError> {
        let part = Part { batch: event::batch(stream, events).unwrap(), replay };
        let answer = self.core.commit(vec![Request::Append { stream, part }]).remove(0)?;
        if self.core.is_full() {
            // A failure to seal loses nothing and is not the sender's business.
            let _ = self.seal();
        }
        Ok(answer)
    }

    fn seal(&mut self) -> Result<(), StoreError> {
        if self.core.hot_since_us.is_some() {
            self.core.rotate(0)?;
        }
        while let Some(generation) = self.core.sealing.first().cloned() {
            let sealed = self.sealer.seal(&generation)?;
            self.core.sealed(sealed);
            if let Some(tidied) = self.sealer.tidy()? {
                self.core.sealed(tidied);
            }
        }
        Ok(())
    }

    fn snapshot(&self) -> Arc<Snapshot> {
        self.core.shared.snapshot.load_full()
    }
}

fn all_rows(snapshot: &Snapshot, stream: Stream) -> Vec<RecordBatch> {
    let sealed = snapshot.segments(stream).iter().flat_map(|segment| segment.batches().unwrap().to_vec());
    sealed.chain(snapshot.hot(stream).iter().cloned()).collect()
}

/// (`seq`, `src_seq`) of every row of every stream, by `seq`.
fn keys(snapshot: &Snapshot) -> Vec<(i64, String)> {
    let mut keys = Vec::new();
    for stream in Stream::ALL {
        for batch in all_rows(snapshot, stream) {
            let (seq, src_seq) = (ints(&batch, "seq").unwrap(), texts(&batch, "src_seq").unwrap());
            keys.extend((0..batch.num_rows()).map(|row| (seq.value(row), src_seq.value(row).to_owned())));
        }
    }
    keys.sort();
    keys
}

fn column_sum(snapshot: &Snapshot, stream: Stream, name: &str) -> i64 {
    let sum = |batch: &RecordBatch| ints(batch, name).unwrap().iter().flatten().sum::<i64>();
    all_rows(snapshot, stream).iter().map(sum).sum()
}

fn table_rows(snapshot: &Snapshot, name: &str) -> usize {
    snapshot.state_table(name).unwrap().num_rows()
}

/// What always holds of a store.
fn check(snapshot: &Snapshot) {
    let keys = keys(snapshot);
    for (place, (seq, _)) in keys.iter().enumerate() {
        assert_eq!(*seq, place as i64 + 1, "seq is dense from 1");
    }
    let distinct: HashSet<&String> = keys.iter().map(|(_, key)| key).collect();
    assert_eq!(distinct.len(), keys.len(), "no row is there twice");
    assert_eq!(snapshot.next_seq, keys.len() as i64 + 1);
    assert_eq!(column_sum(snapshot, Stream::Tickets, "open_delta"), table_rows(snapshot, "open_tickets") as i64);
    assert_eq!(column_sum(snapshot, Stream::Contacts, "queue_delta"), table_rows(snapshot, "waiting") as i64);
    // The last event of each ticket says the state its row of the table has.
    let mut last: BTreeMap<String, (i64, String)> = BTreeMap::new();
    for batch in all_rows(snapshot, Stream::Tickets) {
        let (id, seq, state) =
            (texts(&batch, "id").unwrap(), ints(&batch, "seq").unwrap(), texts(&batch, "state").unwrap());
        for row in 0..batch.num_rows() {
            let entry = last.entry(id.value(row).to_owned()).or_default();
            if seq.value(row) > entry.0 {
                *entry = (seq.value(row), state.value(row).to_owned());
            }
        }
    }
    let open: BTreeSet<(String, String)> = last
        .into_iter()
        .filter(|(_, (_, state))| matches!(state.as_str(), "waiting" | "sent" | "working"))
        .map(|(id, (_, state))| (id, state))
        .collect();
    let table = snapshot.state_table("open_tickets").unwrap();
    let (id, state) = (texts(&table, "id").unwrap(), texts(&table, "state").unwrap());
    let given = (0..table.num_rows()).map(|row| (id.value(row).to_owned(), state.value(row).to_owned())).collect();
    assert_eq!(open, given);
    // No file holds rows of two months, and rows are sorted by time in each.
    for stream in Stream::ALL {
        for segment in snapshot.segments(stream) {
            let (first, last) = segment.ts_range();
            let zone = chrono_tz::Asia::Shanghai;
            assert_eq!(super::seal::month_of(first, zone), super::seal::month_of(last, zone));
            for batch in segment.batches().unwrap().iter() {
                assert!(super::columns::times(batch, "ts").unwrap().values().is_sorted());
            }
        }
        for hot in snapshot.hot(stream) {
            assert!(ints(hot, "seq").unwrap().values().is_sorted());
        }
    }
}

fn ticket(second: i64, kind: &str, id: &str, number: usize) -> Event {
    Event::new(Stream::Tickets, NOON_US + second * 1_000_000, kind, id, "test", &number.to_string())
        .with("service", "onekey")
}

/// Batches of a small day: tickets and contacts, one batch with a late event of another month, one with an orphan.
fn script() -> Vec<(Stream, Vec<Event>)> {
    let mut number = 0;
    let mut next = || {
        number += 1;
        number
    };
    let mut batches = Vec::new();
    for round in 0..14_i64 {
        let mut events = Vec::new();
        for n in 0..5 {
            let id = format!("t{round}-{n}");
            events.push(ticket(round * 100 + n, "open", &id, next()).with("area", "330203"));
            if n % 2 == 0 {
                events
                    .push(ticket(round * 100 + n + 1, "dispatch", &id, next()).with("org", "a unit with a long name"));
            }
            if n != 3 {
                events.push(ticket(round * 100 + n + 2, "finish", &id, next()));
            }
        }
        if round == 4 {
            events.push(ticket(-40 * 86_400, "open", "old", next()));
            events.push(ticket(round * 100 + 400, "finish", "later", next()));
        }
        if round == 6 {
            events.push(ticket(round * 100 - 50, "open", "later", next()));
        }
        batches.push((Stream::Tickets, events));
        let contact = |kind: &str, second: i64, number: usize| {
            let id = format!("c{round}");
            Event::new(Stream::Contacts, NOON_US + second * 1_000_000, kind, &id, "test", &number.to_string())
        };
        let mut contacts = vec![contact("queue", round * 100, next())];
        if round % 3 != 0 {
            contacts.push(contact("answer", round * 100 + 9, next()));
        }
        batches.push((Stream::Contacts, contacts));
    }
    batches
}

/// Runs the script until the disk fails; the places of the batches that were acknowledged.
fn run(disk: &MemoryDisk, clock: &Clock) -> Vec<usize> {
    let Ok(mut house) = House::open(disk, clock) else { return Vec::new() };
    let mut acknowledged = Vec::new();
    for (place, (stream, events)) in script().iter().enumerate() {
        clock.set_us(NOON_US + place as i64 * 1000);
        if house.send(*stream, events, None).is_ok() {
            acknowledged.push(place);
        }
    }
    acknowledged
}

#[test]
fn whatever_operation_a_crash_comes_at_what_was_acknowledged_is_there_once() {
    let clock = Clock::manual(NOON_US);
    let whole = MemoryDisk::new();
    let script = script();
    assert_eq!(run(&whole, &clock).len(), script.len());
    let operations = whole.operations();
    assert!(operations > 100, "{operations}");
    let mut points = 0;
    for limit in 0..operations {
        let disk = MemoryDisk::new();
        disk.fail_after(limit);
        let acknowledged = run(&disk, &clock);
        for crash in [Crash::Killed, Crash::PowerLost, Crash::Torn, Crash::Zeroed] {
            points += 1;
            let found = disk.after(crash);
            let mut house = House::open(&found, &clock)
                .unwrap_or_else(|error| panic!("{crash:?} after {limit} operations does not open: {error}"));
            let snapshot = house.snapshot();
            check(&snapshot);
            let keys = keys(&snapshot);
            let places: BTreeMap<&str, usize> =
                keys.iter().enumerate().map(|(place, (_, key))| (key.as_str(), place)).collect();
            let held =
                house.core.landing.held.iter().map(|held| held.text("src_seq").to_owned()).collect::<HashSet<_>>();
            let mut last = None;
            for (place, (_, events)) in script.iter().enumerate() {
                let there = |event: &&Event| {
                    let key = event.text("src_seq").unwrap();
                    places.contains_key(key) || held.contains(key)
                };
                let count = events.iter().filter(there).count();
                if acknowledged.contains(&place) {
                    assert_eq!(count, events.len(), "{crash:?} after {limit}: batch {place} was acknowledged");
                } else {
                    assert!(count == 0 || count == events.len(), "{crash:?} after {limit}: half of batch {place}");
                }
                // One batch after the other (a row that waited comes later).
                let own = events.iter().filter(|event| event.text("id") != Some("later"));
                let landed: Vec<usize> =
                    own.filter_map(|event| places.get(event.text("src_seq").unwrap()).copied()).collect();
                if let (Some(first), Some(end)) = (landed.iter().min(), landed.iter().max()) {
                    assert!(last.is_none_or(|last| last < *first), "{crash:?} after {limit}: order at batch {place}");
                    last = Some(*end);
                }
            }
            let report = super::verify::verify_on(&found, "/data".as_ref(), |_, _| {}).unwrap();
            assert!(report.ok, "{crash:?} after {limit}: {report:?}");
            assert_eq!(report.rows.values().sum::<u64>() as usize, keys.len());
            // The source sends all of it again.
            for (stream, events) in &script {
                house.send(*stream, events, None).unwrap();
            }
            let snapshot = house.snapshot();
            check(&snapshot);
            let total: usize = script.iter().map(|(_, events)| events.len()).sum();
            assert_eq!(super::proof::keys(&snapshot).len(), total, "{crash:?} after {limit}");
        }
    }
    eprintln!("{points} crash points");
}

#[test]
fn a_failed_sync_stops_the_acknowledgements_and_loses_nothing_acknowledged() {
    for n in 0..30 {
        let clock = Clock::manual(NOON_US);
        let disk = MemoryDisk::new();
        disk.fail_sync(n);
        let acknowledged = run(&disk, &clock);
        for crash in [Crash::Killed, Crash::PowerLost, Crash::Torn, Crash::Zeroed] {
            let house = House::open(&disk.after(crash), &clock).unwrap();
            check(&house.snapshot());
            let there: HashSet<String> = keys(&house.snapshot()).into_iter().map(|(_, key)| key).collect();
            let held: HashSet<String> =
                house.core.landing.held.iter().map(|held| held.text("src_seq").to_owned()).collect();
            for place in &acknowledged {
                for event in &script()[*place].1 {
                    let key = event.text("src_seq").unwrap();
                    assert!(there.contains(key) || held.contains(key));
                }
            }
        }
    }
}

#[test]
fn whatever_operation_fails_once_no_row_is_sealed_twice() {
    let clock = Clock::manual(NOON_US);
    let whole = MemoryDisk::new();
    run(&whole, &clock);
    for number in 0..whole.operations() {
        let disk = MemoryDisk::new();
        disk.fail_once(number);
        let acknowledged = run(&disk, &clock);
        for crash in [Crash::Killed, Crash::PowerLost] {
            let mut house = House::open(&disk.after(crash), &clock).unwrap();
            check(&house.snapshot());
            for place in &acknowledged {
                let (stream, events) = &script()[*place];
                let again = house.send(*stream, events, None).unwrap();
                let held = events.iter().filter(|event| event.text("id") == Some("later")).count() as u64;
                assert!(again.duplicates + held >= events.len() as u64, "{number}: {again:?}");
            }
            house.seal().unwrap();
            check(&house.snapshot());
        }
    }
}

#[test]
fn what_a_failed_write_landed_is_not_shown_by_a_sealing_that_ends_later() {
    let clock = Clock::manual(NOON_US);
    let disk = MemoryDisk::new();
    let mut house = House::open(&disk, &clock).unwrap();
    house.send(Stream::Tickets, &[ticket(0, "open", "a", 1)], None).unwrap();
    house.core.rotate(0).unwrap();
    let generation = house.core.sealing[0].clone();
    disk.fail_sync(0);
    house.send(Stream::Tickets, &[ticket(1, "open", "b", 2)], None).unwrap_err();
    let sealed = house.sealer.seal(&generation).unwrap();
    house.core.sealed(sealed);
    check(&house.snapshot());
    assert_eq!(keys(&house.snapshot()).len(), 1);
}

#[test]
fn a_clock_that_is_set_far_ahead_lets_no_row_go() {
    let clock = Clock::manual(NOON_US);
    let mut house = House::open(&MemoryDisk::new(), &clock).unwrap();
    house.sealer.keep_us = Some(3 * 86_400_000_000);
    house.core.settings.checkpoint_rows = 1;
    for n in 0..40_usize {
        house.send(Stream::Tickets, &[ticket(n as i64, "open", &format!("t{n}"), n)], None).unwrap();
    }
    house.seal().unwrap();
    clock.set_us(NOON_US + 3_650 * 86_400_000_000);
    house.send(Stream::Tickets, &[ticket(60, "open", "last", 100)], None).unwrap();
    house.seal().unwrap();
    assert_eq!(keys(&house.snapshot()).len(), 41);
}

#[test]
fn a_store_opens_on_a_full_disk_and_takes_rows_when_there_is_room() {
    let clock = Clock::manual(NOON_US);
    let disk = MemoryDisk::new();
    let mut house = House::open(&disk, &clock).unwrap();
    house.send(Stream::Tickets, &[ticket(0, "open", "a", 1)], None).unwrap();
    drop(house);
    let disk = disk.after(Crash::Killed);
    disk.set_capacity(Some(disk.used() + 100));
    let mut house = House::open(&disk, &clock).unwrap();
    check(&house.snapshot());
    assert_eq!(keys(&house.snapshot()).len(), 1);
    let error = house.send(Stream::Tickets, &[ticket(1, "open", "b", 2)], None).unwrap_err();
    assert!(error.to_string().contains("make room"), "{error}");
    disk.set_capacity(None);
    house.send(Stream::Tickets, &[ticket(1, "open", "b", 2)], None).unwrap();
    assert_eq!(keys(&house.snapshot()).len(), 2);
}

/// The disk after the script, a start and a sealing with a checkpoint.
fn with_checkpoint(disk: &MemoryDisk, clock: &Clock) -> MemoryDisk {
    run(disk, clock);
    let mut house = House::open(disk, clock).unwrap();
    house.send(Stream::Tickets, &[ticket(1_900, "open", "one more", 9_999)], None).unwrap();
    house.seal().unwrap();
    drop(house);
    disk.after(Crash::Killed)
}

#[test]
fn checkpoints_and_held_rows_that_a_crash_left_are_removed_and_no_other_file() {
    let clock = Clock::manual(NOON_US);
    let disk = MemoryDisk::new();
    let disk = with_checkpoint(&disk, &clock);
    let names = |disk: &MemoryDisk| disk.files().into_iter().map(|(path, _)| path).collect::<BTreeSet<_>>();
    let in_folders = |path: &&PathBuf| path.starts_with("/data/checkpoint") || path.starts_with("/data/held");
    let before: BTreeSet<PathBuf> = names(&disk).iter().filter(in_folders).cloned().collect();
    assert!(!before.is_empty());
    for name in ["checkpoint/0000000000.bin", "held/0000000000.json", "held/1.json.tmp", "held/notes.txt"] {
        disk.create(&PathBuf::from("/data").join(name)).unwrap();
    }
    drop(House::open(&disk, &clock).unwrap());
    let after: BTreeSet<PathBuf> = names(&disk).iter().filter(in_folders).cloned().collect();
    assert_eq!(after.difference(&before).collect::<Vec<_>>(), [&PathBuf::from("/data/held/notes.txt")]);
    assert!(before.is_subset(&after));
}

/// A checkpoint holds nothing that the segments and the log have not.
#[test]
fn a_checkpoint_that_somebody_removed_doubles_nothing() {
    let clock = Clock::manual(NOON_US);
    let disk = with_checkpoint(&MemoryDisk::new(), &clock);
    let mut removed = 0;
    for (path, _) in disk.files() {
        if path.extension().is_some_and(|extension| extension == "bin") {
            disk.remove(&path).unwrap();
            removed += 1;
        }
    }
    assert!(removed > 0);
    let mut house = House::open(&disk.after(Crash::Killed), &clock).unwrap();
    for n in 0..200_usize {
        let id = format!("x{n}");
        house.send(Stream::Tickets, &[ticket(2_000 + n as i64, "open", &id, 10_000 + n)], None).unwrap();
    }
    house.seal().unwrap();
    check(&house.snapshot());
    let house = House::open(&disk.after(Crash::Killed), &clock).unwrap();
    check(&house.snapshot());
}

#[test]
fn a_full_disk_refuses_and_goes_on_when_there_is_room() {
    let clock = Clock::manual(NOON_US);
    let disk = MemoryDisk::new();
    let mut house = House::open(&disk, &clock).unwrap();
    disk.set_capacity(Some(250_000));
    let mut refused = 0;
    for n in 0..400_usize {
        let id = format!("t{n}");
        if let Err(error) = house.send(Stream::Tickets, &[ticket(n as i64, "open", &id, n)], None) {
            assert!(error.to_string().contains("make room"), "{error}");
            assert!(house.core.shared.status.lock().read_only.is_some());
            refused += 1;
            // Readers go on.
            check(&house.snapshot());
            if refused == 5 {
                disk.set_capacity(None);
            }
        }
    }
    assert_eq!(refused, 5);
    assert!(house.core.shared.status.lock().read_only.is_none());
    check(&house.snapshot());
    let house = House::open(&disk.after(Crash::PowerLost), &clock).unwrap();
    assert_eq!(keys(&house.snapshot()).len(), 395);
}

#[test]
fn damage_is_told_with_file_and_offset_and_nothing_opens() {
    let clock = Clock::manual(NOON_US);
    let disk = MemoryDisk::new();
    let mut house = House::open(&disk, &clock).unwrap();
    for n in 0..10_usize {
        house.send(Stream::Tickets, &[ticket(n as i64, "open", &format!("t{n}"), n)], None).unwrap();
    }
    drop(house);
    let log = PathBuf::from("/data/log/0000000001.log");
    let bytes = disk.read(&log).unwrap().iter().rposition(|byte| *byte != 0).unwrap();
    // Anywhere before the last commit.
    for offset in (0..bytes * 7 / 10).step_by(13) {
        let damaged = disk.after(Crash::Killed);
        assert!(damaged.flip(&log, offset));
        // The number in the file's name is not read back.
        if (8..16).contains(&offset) {
            continue;
        }
        let Err(error) = House::open(&damaged, &clock) else { panic!("a flipped byte at {offset} is not seen") };
        let StoreError::Corrupt { file, offset: told, .. } = &error else { panic!("{error}") };
        assert!(file.ends_with("0000000001.log") && *told <= offset as u64, "{error}");
        assert!(error.to_string().contains("lingping verify --data /data"));
        let report = super::verify::verify_on(&damaged, "/data".as_ref(), |_, _| {}).unwrap();
        assert!(!report.ok && report.bad_frames == 1, "{report:?}");
    }
}

/// A random day: (ticket, kind, second, shuffle key).
fn events() -> impl Strategy<Value = Vec<(u8, u8, i64, u16)>> {
    prop::collection::vec((0_u8..12, 0_u8..16, -3_000_000..3000_i64, any::<u16>()), 1..120)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn random_days_with_restarts_agree_with_themselves_and_with_a_day_without(
        day in events(),
        batch_size in 1_usize..20,
        restarts in prop::collection::hash_set(0_usize..60, 0..6),
        seals in prop::collection::hash_set(0_usize..60, 0..6),
    ) {
        let kinds = Stream::Tickets.kinds();
        let mut rows: Vec<Event> = Vec::new();
        for (number, (id, kind, second, _)) in day.iter().enumerate() {
            let id = format!("t{id}");
            let kind = if number % 3 == 0 { "open" } else { kinds[*kind as usize] };
            let mut event = ticket(*second, kind, &id, number);
            if number % 4 == 0 {
                event.set("due", crate::model::Value::Time(NOON_US + second * 1_000_000 + 500));
                event.set("topic", format!("{}", number % 5));
            }
            rows.push(event);
        }
        // Some rows are sent twice.
        let again: Vec<Event> = rows.iter().step_by(5).cloned().collect();
        let distinct = rows.len();
        rows.extend(again);
        let clock = Clock::manual(NOON_US);
        let mut disk = MemoryDisk::new();
        let mut house = House::open(&disk, &clock).unwrap();
        let plain_disk = MemoryDisk::new();
        let mut plain = House::open(&plain_disk, &clock).unwrap();
        for (place, batch) in rows.chunks(batch_size).enumerate() {
            clock.set_us(NOON_US + place as i64 * 20_000_000);
            let answer = house.send(Stream::Tickets, batch, None).unwrap();
            let same = plain.send(Stream::Tickets, batch, None).unwrap();
            prop_assert_eq!(&answer, &same);
            if seals.contains(&place) {
                house.seal().unwrap();
            }
            if restarts.contains(&place) {
                drop(house);
                disk = disk.after(Crash::PowerLost);
                house = House::open(&disk, &clock).unwrap();
            }
            check(&house.snapshot());
        }
        check(&plain.snapshot());
        let (a, b) = (house.snapshot(), plain.snapshot());
        prop_assert_eq!(keys(&a), keys(&b));
        let held = |house: &House| {
            let mut held: Vec<(String, bool)> = house
                .core.landing.held.iter().map(|held| (held.text("src_seq").to_owned(), held.quarantined)).collect();
            held.sort();
            held
        };
        prop_assert_eq!(held(&house), held(&plain));
        prop_assert_eq!(keys(&a).len() + held(&house).len(), distinct);
        // The memory of every ticket is the same, also of finished ones.
        for n in 0..12 {
            let id = format!("t{n}");
            let symbols = |house: &House| {
                house.core.landing.tickets.get(&id).map(|ticket| {
                    let said: Vec<Option<String>> = ticket
                        .said.iter().map(|symbol| house.core.landing.symbols.text(*symbol).map(str::to_owned)).collect();
                    let mut ticket = ticket.clone();
                    ticket.said = Default::default();
                    (ticket, said)
                })
            };
            prop_assert_eq!(symbols(&house), symbols(&plain));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn forgetting_finished_tickets_changes_no_row(
        day in events(),
        batch_size in 1_usize..20,
        seals in prop::collection::hash_set(0_usize..60, 0..8),
    ) {
        let kinds = Stream::Tickets.kinds();
        let mut known = HashSet::new();
        let rows: Vec<Event> = day
            .iter()
            .enumerate()
            .map(|(number, (id, kind, second, _))| {
                // Half of the kinds are the common walk, so that tickets get far.
                let walk = ["dispatch", "finish", "visit", "rate", "reopen", "close", "finish", "accept"];
                let kind = if kind % 2 == 0 { walk[*kind as usize / 2] } else { kinds[*kind as usize] };
                let kind = match known.insert(*id) {
                    true => "open",
                    false if kind == "open" => "finish",
                    false => kind,
                };
                ticket(*second, kind, &format!("t{id}"), number).with("topic", format!("topic number {}", number % 7))
            })
            .collect();
        let clock = Clock::manual(NOON_US);
        let mut house = House::open(&MemoryDisk::new(), &clock).unwrap();
        let mut plain = House::open(&MemoryDisk::new(), &clock).unwrap();
        for (place, batch) in rows.chunks(batch_size).enumerate() {
            let answer = house.send(Stream::Tickets, batch, None).unwrap();
            prop_assert_eq!(answer, plain.send(Stream::Tickets, batch, None).unwrap());
            house.core.landing.forget(i64::MAX);
            prop_assert_eq!(house.core.landing.tickets.len(), house.core.landing.tickets.open_len());
            if seals.contains(&place) {
                house.seal().unwrap();
            }
        }
        check(&house.snapshot());
        let rows = |house: &House| {
            let rows = all_rows(&house.snapshot(), Stream::Tickets);
            super::snapshot::by_seq(&super::columns::join(&Stream::Tickets.schema(), &rows).unwrap()).unwrap()
        };
        prop_assert_eq!(rows(&house), rows(&plain));
    }
}

#[test]
fn a_checkpoint_spares_reading_the_segments_and_a_broken_one_costs_only_that() {
    let clock = Clock::manual(NOON_US);
    let disk = MemoryDisk::new();
    let mut house = House::open(&disk, &clock).unwrap();
    for (stream, events) in script() {
        house.send(stream, &events, None).unwrap();
    }
    house.seal().unwrap();
    let info = house.sealer.manifest.checkpoint.clone().unwrap();
    let merged = house.sealer.manifest.segments.iter().filter(|info| info.logs.0 != info.logs.1).count();
    assert!(merged > 0, "small segments were joined");
    check(&house.snapshot());
    let keys_before = keys(&house.snapshot());
    drop(house);
    let path = PathBuf::from("/data").join(&info.file);
    for broken in [false, true] {
        let found = disk.after(Crash::PowerLost);
        if broken {
            assert!(found.flip(&path, 9));
        }
        let mut house = House::open(&found, &clock).unwrap();
        check(&house.snapshot());
        assert_eq!(keys(&house.snapshot()), keys_before);
        for (stream, events) in script() {
            let sent = house.send(stream, &events, None).unwrap();
            assert_eq!((sent.rows, sent.duplicates), (0, events.len() as u64));
        }
    }
}

#[test]
fn a_quiet_city_gets_a_checkpoint_after_a_start_and_once_a_day() {
    let clock = Clock::manual(NOON_US);
    let mut house = House::open(&MemoryDisk::new(), &clock).unwrap();
    let mut files = Vec::new();
    for (number, hours) in [0, 1, 23, 24, 47, 49].into_iter().enumerate() {
        clock.set_us(NOON_US + hours * 3_600_000_000);
        let event =
            Event::new(Stream::Tickets, clock.now_us(), "open", &format!("t{number}"), "a", &number.to_string());
        house.send(Stream::Tickets, &[event], None).unwrap();
        house.seal().unwrap();
        files.push(house.sealer.manifest.checkpoint.clone().unwrap().file);
    }
    assert_eq!([&files[1], &files[2], &files[4]], [&files[0], &files[0], &files[3]]);
    assert!(files[3] != files[0] && files[5] != files[3], "{files:?}");
}

#[test]
fn rows_past_keeping_leave_and_readers_keep_what_they_hold() {
    let clock = Clock::manual(NOON_US);
    let disk = MemoryDisk::new();
    let mut house = House::open(&disk, &clock).unwrap();
    for (stream, events) in script() {
        house.send(stream, &events, None).unwrap();
    }
    house.seal().unwrap();
    let before = house.snapshot();
    let rows_before = before.rows(Stream::Tickets);
    house.sealer.keep_us = Some(30 * 86_400_000_000);
    let tidied = house.sealer.tidy().unwrap().expect("the ticket of 40 days ago is old");
    house.core.sealed(tidied);
    assert_eq!(house.snapshot().rows(Stream::Tickets), rows_before - 1);
    check(&before);
    drop(before);
    let report = super::verify::verify_on(&disk, "/data".as_ref(), |_, _| {}).unwrap();
    assert!(report.ok, "{report:?}");
    let months = disk.files().iter().filter(|(path, _)| path.to_string_lossy().contains("month=2026-10")).count();
    assert_eq!(months, 0);
}

#[test]
fn rows_wait_for_their_ticket_and_are_written_off_in_time() {
    let clock = Clock::manual(NOON_US);
    let disk = MemoryDisk::new();
    let mut house = House::open(&disk, &clock).unwrap();
    let sent = house.send(Stream::Tickets, &[ticket(10, "finish", "a", 1)], None).unwrap();
    assert_eq!((sent.rows, sent.waiting), (0, 1));
    // Also across a restart.
    drop(house);
    let disk = disk.after(Crash::PowerLost);
    let mut house = House::open(&disk, &clock).unwrap();
    assert_eq!(house.core.landing.held.waiting(), 1);
    clock.set_us(NOON_US + 61_000_000);
    house.core.tick();
    let snapshot = house.snapshot();
    let table = snapshot.state_table("quarantine").unwrap();
    assert_eq!((house.core.landing.held.waiting(), table.num_rows()), (0, 1));
    assert_eq!(text_at(texts(&table, "reason").unwrap(), 0), Some("unknown_ticket"));
    assert!(text_at(texts(&table, "row").unwrap(), 0).unwrap().contains("\"kind\":\"finish\""));
    // Its open comes: both land, and the row sent again is known.
    let sent = house.send(Stream::Tickets, &[ticket(0, "open", "a", 0), ticket(10, "finish", "a", 1)], None).unwrap();
    assert_eq!((sent.rows, sent.duplicates), (2, 1));
    assert_eq!(table_rows(&house.snapshot(), "quarantine"), 0);
    check(&house.snapshot());
    let house = House::open(&disk.after(Crash::PowerLost), &clock).unwrap();
    assert_eq!(table_rows(&house.snapshot(), "quarantine"), 0);
    assert_eq!(keys(&house.snapshot()).len(), 2);
}

#[test]
fn a_finish_before_its_open_by_the_clock_lands_with_it_and_once() {
    let clock = Clock::manual(NOON_US);
    let mut house = House::open(&MemoryDisk::new(), &clock).unwrap();
    let events = [ticket(30, "open", "a", 0), ticket(10, "finish", "a", 1)];
    let sent = house.send(Stream::Tickets, &events, None).unwrap();
    assert_eq!((sent.rows, sent.waiting, sent.quarantined), (2, 0, 0));
    let again = house.send(Stream::Tickets, &events, None).unwrap();
    assert_eq!((again.rows, again.duplicates), (0, 2));
    check(&house.snapshot());
}

#[test]
fn a_replay_may_come_in_any_order_until_it_ends() {
    let clock = Clock::manual(NOON_US);
    let mut house = House::open(&MemoryDisk::new(), &clock).unwrap();
    let replay = ReplayId(1);
    let sent =
        house.send(Stream::Tickets, &[ticket(5, "finish", "a", 1), ticket(6, "finish", "b", 2)], Some(replay)).unwrap();
    assert_eq!(sent.waiting, 2);
    clock.set_us(NOON_US + 3_600_000_000);
    house.core.tick();
    assert_eq!(house.core.landing.held.waiting(), 2);
    let sent = house.send(Stream::Tickets, &[ticket(0, "open", "a", 3)], Some(replay)).unwrap();
    assert_eq!(sent.rows, 2);
    let ended = house.core.commit(vec![Request::EndReplay(replay)]).remove(0).unwrap();
    assert_eq!(ended.quarantined, 1);
    assert_eq!(table_rows(&house.snapshot(), "quarantine"), 1);
}

#[test]
fn bad_rows_are_told_and_good_ones_of_the_same_batch_land() {
    let clock = Clock::manual(NOON_US);
    let mut house = House::open(&MemoryDisk::new(), &clock).unwrap();
    let events = [
        ticket(0, "open", "a", 1),
        ticket(86_400 + 10, "open", "b", 2),
        ticket(1, "finish", "a", 3),
        ticket(2, "melt", "a", 4),
        ticket(3, "open", "", 5),
        ticket(2, "finish", "a", 6),
    ];
    let sent = house.send(Stream::Tickets, &events, None).unwrap();
    assert_eq!((sent.rows, sent.quarantined, sent.errors.len()), (2, 1, 3));
    let told: Vec<(usize, &str)> = sent.errors.iter().map(|error| (error.row, error.code.as_str())).collect();
    assert_eq!(told, [(1, "future_time"), (3, "unknown_kind"), (4, "missing")]);
    // A row refused for its time may come again when it is due.
    clock.set_us(NOON_US + 60_000_000);
    assert_eq!(house.send(Stream::Tickets, &[ticket(86_400 + 10, "open", "b", 2)], None).unwrap().rows, 1);
    let table = house.snapshot().state_table("quarantine").unwrap();
    assert_eq!(text_at(texts(&table, "reason").unwrap(), 0), Some("finish after done"));
}

#[test]
fn landed_rows_have_what_they_inherit_and_what_is_derived() {
    let clock = Clock::manual(NOON_US);
    let mut house = House::open(&MemoryDisk::new(), &clock).unwrap();
    let due = crate::model::Value::Time(NOON_US + 100_000_000);
    let open = Event::new(Stream::Tickets, NOON_US, "open", "a", "test", "1")
        .with("service", "gov")
        .with("topic", "a topic code longer than twelve")
        .with("due", due);
    let later = |second: i64, kind: &str, key: &str| {
        Event::new(Stream::Tickets, NOON_US + second * 1_000_000, kind, "a", "test", key)
    };
    // Sent in the wrong order: time puts it right.
    let events = [
        later(200, "finish", "4"),
        later(60, "dispatch", "2").with("org", "a unit with a long name"),
        later(70, "extend", "3").with("due", crate::model::Value::Time(NOON_US + 300_000_000)),
        open,
    ];
    house.send(Stream::Tickets, &events, None).unwrap();
    let snapshot = house.snapshot();
    let rows = super::columns::join(&Stream::Tickets.schema(), snapshot.hot(Stream::Tickets)).unwrap();
    let text = |name: &str, row| text_at(texts(&rows, name).unwrap(), row).map(str::to_owned);
    let int = |name: &str, row| int_at(ints(&rows, name).unwrap(), row);
    let truth = |name: &str, row| bool_at(bools(&rows, name).unwrap(), row);
    assert_eq!(text("kind", 0).as_deref(), Some("open"));
    assert_eq!(text("board", 0).as_deref(), Some("government"));
    assert_eq!(text("topic", 3).as_deref(), Some("a topic code longer than twelve"));
    assert_eq!((text("org", 0), text("org", 3).as_deref()), (None, Some("a unit with a long name")));
    assert_eq!(text("state", 3).as_deref(), Some("done"));
    assert_eq!(text("prev_state", 3).as_deref(), Some("working"));
    assert_eq!((int("elapsed_s", 3), int("stage_s", 3), int("since_dispatch_s", 3)), (Some(200), Some(130), Some(140)));
    assert_eq!((int("stage_s", 0), int("elapsed_s", 0)), (None, Some(0)));
    // 200 s is after the first due time, before the extended one.
    assert_eq!((truth("overdue", 3), truth("overdue", 1), truth("demo", 0)), (Some(false), None, Some(false)));
    assert_eq!((truth("dispatched", 1), truth("dispatched", 2)), (Some(false), Some(true)));
    assert_eq!(snapshot.data_until, Some(NOON_US + 200_000_000));
    assert_eq!(snapshot.rows_since(Stream::Tickets, 2).iter().map(RecordBatch::num_rows).sum::<usize>(), 2);
}
