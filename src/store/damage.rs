//! The proof that damage is told: a byte changed anywhere in a folder at rest stops the opening with file and place,
//! or changes nothing that is asked.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::model::event::{self, Event};
use crate::model::{Clock, Stream};

use super::proof::{NOON_US, city};
use super::segment::BLOCK_BYTES;
use super::verify::verify_on;
use super::{Crash, MemoryDisk, Store, StoreError, StoreOptions};

fn open(disk: &MemoryDisk) -> Result<Store, StoreError> {
    let mut options = StoreOptions::new(city(), Clock::manual(NOON_US)).disk(Arc::new(disk.clone()));
    options.commit_every_us = 0;
    options.checkpoint_rows = 150;
    // Nothing is joined, so that the files stay those that are looked at.
    options.join_segments = 1_000;
    Store::open(options)
}

/// What everything in a store says.
fn said(store: &Store) -> Vec<String> {
    let snapshot = store.snapshot();
    let rows = Stream::ALL.map(|stream| {
        let batches = snapshot.rows_since(stream, 0);
        let batches: Vec<_> = batches.into_iter().filter_map(|batch| super::snapshot::by_seq(&batch)).collect();
        format!("{batches:?}")
    });
    let tables = super::STATE_TABLES.map(|name| format!("{:?}", snapshot.state_table(name)));
    rows.into_iter().chain(tables).collect()
}

fn filled() -> MemoryDisk {
    let disk = MemoryDisk::new();
    let store = open(&disk).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let mut number = 0;
    let mut ticket = |kind: &str, id: &str| {
        number += 1;
        Event::new(Stream::Tickets, NOON_US + number, kind, id, "test", &number.to_string()).with("topic", "道路·路灯")
    };
    for round in 0..4 {
        let mut events = Vec::new();
        for n in 0..60 {
            let id = format!("t{round}-{n}");
            events.push(ticket("open", &id));
            events.push(ticket("finish", if n % 9 == 0 { "nobody" } else { &id }));
        }
        runtime.block_on(store.append(Stream::Tickets, event::batch(Stream::Tickets, &events).unwrap(), None)).unwrap();
        runtime.block_on(store.flush()).unwrap();
    }
    drop(store);
    let disk = disk.after(Crash::PowerLost);
    // Without the room set aside, which each opening would read.
    for (path, length) in disk.files().into_iter().filter(|(path, _)| is_log(path)) {
        super::Disk::truncate(&disk, &path, length as u64).unwrap();
    }
    disk
}

fn is_log(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "log")
}

#[test]
fn a_byte_changed_anywhere_is_told_with_its_place_or_changes_nothing() {
    let disk = filled();
    let whole = said(&open(&disk.after(Crash::Killed)).unwrap());
    let mut told: Vec<PathBuf> = Vec::new();
    // The log has its own proof.
    let files: Vec<_> = disk.files().into_iter().filter(|(path, _)| !is_log(path)).collect();
    assert!(files.len() >= 9, "{files:?}");
    for (path, length) in files {
        for offset in (0..length).step_by(length / 40 + 1) {
            let damaged = disk.after(Crash::Killed);
            assert!(damaged.flip(&path, offset));
            match open(&damaged) {
                // A checkpoint only spares work, and some bytes of the manifest mean nothing.
                Ok(store) => assert_eq!(said(&store), whole, "{} at {offset}", path.display()),
                Err(StoreError::Corrupt { file, offset: place, .. }) => {
                    assert_eq!(file, path.display().to_string());
                    assert!(place <= offset as u64 && offset as u64 <= place + length.max(BLOCK_BYTES) as u64);
                    let report = verify_on(&damaged, Path::new("/"), |_, _| {}).unwrap();
                    assert!(!report.ok && report.faults.iter().any(|fault| fault.contains(&file)), "{report:?}");
                    told.push(path.clone());
                }
                Err(error) => panic!("{} at {offset}: {error}", path.display()),
            }
        }
    }
    // Every byte of a segment and of held rows counts, those a checkpoint covers among them.
    let kinds = ["segments", "held", "manifest.json"];
    for kind in kinds {
        let files = disk.files().into_iter().filter(|(path, _)| path.to_string_lossy().contains(kind));
        for (path, length) in files {
            let times = told.iter().filter(|told| **told == path).count();
            let all = (0..length).step_by(length / 40 + 1).count();
            assert!(
                times == all || (kind == "manifest.json" && times * 10 > all * 9),
                "{}: {times} of {all}",
                path.display()
            );
        }
    }
}

#[test]
fn damage_in_a_large_file_is_told_to_the_block() {
    let bytes: Vec<u8> = (0..BLOCK_BYTES * 3 + 5).map(|n| (n % 251) as u8).collect();
    let text = serde_json::json!({
        "id": 1, "stream": "tickets", "file": "x", "rows": 1, "min_ts": 0, "max_ts": 0, "min_seq": 0, "max_seq": 0,
        "demo": false, "bytes": bytes.len(), "crc": crc32c::crc32c(&bytes), "logs": [1, 1],
        "blocks": super::segment::block_sums(&bytes),
    });
    let info: super::SegmentInfo = serde_json::from_value(text).unwrap();
    assert_eq!(info.damage(&bytes), None);
    for (place, block) in [(0, 0), (BLOCK_BYTES, 1), (BLOCK_BYTES * 3 - 1, 2), (BLOCK_BYTES * 3 + 4, 3)] {
        let mut changed = bytes.clone();
        changed[place] ^= 1;
        assert_eq!(info.damage(&changed).unwrap().0, (block * BLOCK_BYTES) as u64);
        assert_eq!(info.damage(&bytes[..place]).unwrap().0, place as u64);
        // A manifest of before says only that.
        let older = super::SegmentInfo { blocks: Vec::new(), ..info.clone() };
        assert_eq!((older.damage(&bytes), older.damage(&changed).unwrap().0), (None, 0));
    }
}
