//! Fuzzing of the log's decoder: a file with any bytes changed, and frames whose sum is right though their contents are
//! not.

use std::io::Cursor;
use std::path::Path;
use std::sync::Arc;

use super::frame::{Content, HEADER_BYTES, Header};
use super::read::{LogReader, Next};
use crate::fuzz::Choices;
use crate::model::event::{Event, batch};
use crate::model::{Clock, Stream};
use crate::store::proof::{NOON_US, city};
use crate::store::{Disk, MemoryDisk, Store, StoreOptions};

/// A log as a store wrote it: rows of two streams, one of a ticket nobody knows.
fn log() -> Vec<u8> {
    let disk = MemoryDisk::new();
    let mut options = StoreOptions::new(city(), Clock::manual(NOON_US)).disk(Arc::new(disk.clone()));
    options.commit_every_us = 0;
    let store = Store::open(options).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    for (number, kind) in ["open", "dispatch", "finish"].iter().enumerate() {
        let seq = number.to_string();
        let events = [
            Event::new(Stream::Tickets, NOON_US, kind, "甬-1", "test", &seq).with("org", "自来水公司"),
            Event::new(Stream::Tickets, NOON_US, "visit", "nobody", "other", &seq),
        ];
        runtime.block_on(store.append(Stream::Tickets, batch(Stream::Tickets, &events).unwrap(), None)).unwrap();
        let events = [Event::new(Stream::Signals, NOON_US, "note", "n", "test", &format!("s{seq}")).with("value", 1.5)];
        runtime.block_on(store.append(Stream::Signals, batch(Stream::Signals, &events).unwrap(), None)).unwrap();
    }
    let mut bytes = disk.read(Path::new("/log/0000000001.log")).unwrap();
    let end = bytes.iter().rposition(|byte| *byte != 0).unwrap() + 40;
    bytes.truncate(end);
    bytes
}

/// What each whole commit holds, in words, and whether the file ended in damage.
fn read(bytes: &[u8]) -> (Vec<String>, bool) {
    let mut reader = LogReader::new(Cursor::new(bytes));
    let mut commits = Vec::new();
    loop {
        match reader.next().unwrap() {
            Next::Commit(frames) => commits.push(format!("{frames:?}")),
            Next::End { .. } => return (commits, false),
            Next::Damaged { offset, message } => {
                assert!(offset <= bytes.len() as u64 && !message.is_empty());
                return (commits, true);
            }
        }
    }
}

#[test]
fn fuzz_log_file() {
    let log = log();
    let (whole, damaged) = read(&log);
    assert!(whole.len() == 6 && !damaged, "{whole:?}");
    let seeds = vec![log];
    bolero::check!().with_iterations(6_000).with_max_len(96).for_each(|bytes: &[u8]| {
        let (commits, _) = read(&Choices::new(bytes).damaged(&seeds, &["LP\u{1}\u{1}", "LINGLOG1"]));
        // Frames moved about in a file are told by the numbers of their commits: no row is made up, none out of order.
        assert!(commits.len() <= whole.len() && commits == whole[..commits.len()]);
    });
}

/// The frames of a log file.
fn frames(log: &[u8]) -> Vec<(Header, Vec<u8>)> {
    let mut frames = Vec::new();
    let mut rest = &log[super::FILE_HEADER_BYTES..];
    while let Some((head, after)) = rest.split_first_chunk::<HEADER_BYTES>() {
        let Ok(header) = Header::read(head) else { break };
        frames.push((header, after[..header.length].to_vec()));
        rest = &after[header.length..];
    }
    frames
}

#[test]
fn fuzz_frame_contents() {
    let frames = frames(&log());
    assert!(frames.len() >= 6);
    let seeds: Vec<Vec<u8>> = frames.iter().map(|(_, payload)| payload.clone()).collect();
    bolero::check!().with_iterations(20_000).with_max_len(96).for_each(|bytes: &[u8]| {
        let mut choices = Choices::new(bytes);
        let (mut header, mut payload) = frames[choices.below(frames.len())].clone();
        if choices.byte() < 160 {
            payload = choices.damaged(&seeds, &["null", "9223372036854775807", "{}", "tickets"]);
        }
        match choices.byte() % 6 {
            0 => header.stream = u32::from(choices.byte()),
            1 => header.rows = u32::MAX - u32::from(choices.byte()),
            2 => header.first_seq = i64::MAX - i64::from(choices.byte() % 4),
            3 => header.recv_us = i64::MIN,
            _ => {}
        }
        header.length = payload.len();
        match header.content(&payload) {
            Ok(Content::Rows(stream, batch)) => assert_eq!(batch.schema(), stream.schema()),
            Ok(Content::Held(held)) => assert!(held.len() <= payload.len()),
            Err(message) => assert!(!message.is_empty()),
        }
    });
}
