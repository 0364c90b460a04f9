//! Fuzzing of imports: a damaged map is refused with its line or reads, and a damaged file gives events, rows set aside,
//! or one sentence.

use std::io::Write;
use std::path::Path;

use super::key::Key;
use super::load;
use super::map::Mapping;
use super::proof::ORDERS;
use crate::feed::FeedError;
use crate::feed::progress::Progress;
use crate::fuzz::{Choices, files};

const NOW_US: i64 = 1_795_415_527_000_000;

const ROWS: &str = "\
工单编号,姓名,来电号码,承办单位,诉求类型,满意度,受理时间,办理时限,派单时间,办结时间,内容
G-1,张三,13800000001,自来水公司,咨询,满意,2026-11-20 08:00:00,2026-11-21 08:00:00,2026-11-20 08:05:00,2026-11-20 09:00:00,停水
G-2,李四,-,\"住建局,
二科\",投诉,不满意,2026/11/20 08:30,,无,2026-11-20 10:00:00,
G-3,,13800000003,无,建议,,2026-11-20 09:00:00,,,,
";

const WORDS: &[&str] = &[
    "shape = \"long\"",
    "shape = \"snapshot\"",
    "[[stage]]",
    "kind = \"open\"",
    "at = ",
    "{ column = \"a\" }",
    "map = ",
    "else = ",
    "key = true",
    "null = []",
    "[set]",
    "[time]",
    "[file]",
    "delimiter = \"\"",
    "skip = 18446744073709551615",
    "zone = \"Mars\"",
    "formats = [\"%\"]",
    "\"\"",
    ",,,,",
    "\"",
    "\r\n",
    "\u{feff}",
    "1e999",
    "0000-00-00 00:00:00",
    "9999-12-31 23:59:60",
    "[missing]",
    "[[count]]",
    "when = { \"a\" = 1 }",
    "number = \"digest\"",
    "{",
    "[",
    "\u{0}",
    "甬",
];

fn maps() -> Vec<Vec<u8>> {
    let mut maps = files("assets/maps", "toml");
    maps.extend(files("tests/data", "toml"));
    maps.push(ORDERS.as_bytes().to_vec());
    maps
}

/// The same rows as they come: UTF-8, GB18030, tabs, JSON lines, a JSON array, gzip, zstd.
fn sources() -> Vec<Vec<u8>> {
    let text = ROWS.as_bytes().to_vec();
    let (gb, ..) = encoding_rs::GB18030.encode(ROWS);
    let line = |id: &str| {
        format!("{{\"工单编号\":\"{id}\",\"来电号码\":\"1\",\"受理时间\":\"2026-11-20 08:00:00\",\"满意度\":null}}")
    };
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&text).unwrap();
    vec![
        gb.into_owned(),
        ROWS.replace(',', "\t").into_bytes(),
        format!("{}\n{}\n", line("J-1"), line("J-2")).into_bytes(),
        format!("[{},\n{}]", line("J-1"), line("J-2")).into_bytes(),
        gzip.finish().unwrap(),
        zstd::encode_all(&text[..], 1).unwrap(),
        text,
    ]
}

fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/maps")
}

fn told(error: &FeedError) {
    let sentence = error.to_string();
    assert!(!sentence.is_empty() && sentence.len() < 4_000, "{sentence}");
}

/// Reads a file by a map to its last event.
fn import(map: &Mapping, path: &Path) {
    let key = Key::new(b"a key for tests only").unwrap();
    match load(path, map, Some(key), NOW_US, &Progress::hidden(), None) {
        Err(error) => told(&error),
        Ok(mut loaded) => {
            let mut events = 0;
            while let Some(batch) = loaded.events.next_batch().unwrap() {
                assert_eq!(batch.schema(), map.stream.source_schema());
                events += batch.num_rows() as u64;
            }
            assert_eq!(loaded.report.events, events);
            assert_eq!(loaded.report.rows_read, loaded.report.rows_mapped + loaded.report.rows_quarantined);
        }
    }
}

#[test]
fn fuzz_maps() {
    let (seeds, folder) = (maps(), folder());
    for seed in &seeds {
        Mapping::parse("map.toml", std::str::from_utf8(seed).unwrap(), &folder).unwrap();
    }
    let files = tempfile::tempdir().unwrap();
    let path = files.path().join("export");
    std::fs::write(&path, ROWS).unwrap();
    bolero::check!().with_iterations(8_000).with_max_len(96).for_each(|bytes: &[u8]| {
        let text = Choices::new(bytes).damaged_text(&seeds, WORDS);
        match Mapping::parse("map.toml", &text, &folder) {
            Ok(map) => import(&map, &path),
            Err(error) => told(&error),
        }
    });
}

#[test]
fn fuzz_import_files() {
    let (seeds, map) = (sources(), Mapping::parse("map.toml", ORDERS, &folder()).unwrap());
    let files = tempfile::tempdir().unwrap();
    let path = files.path().join("export");
    bolero::check!().with_iterations(2_000).with_max_len(96).for_each(|bytes: &[u8]| {
        std::fs::write(&path, Choices::new(bytes).damaged(&seeds, WORDS)).unwrap();
        import(&map, &path);
    });
}
