//! Whole files through whole maps, without a hub.

use std::collections::BTreeMap;
use std::path::Path;

use arrow::array::RecordBatch;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use proptest::prelude::*;

use super::key::Key;
use super::map::Mapping;
use super::{ImportReport, Loaded, load};
use crate::feed::FeedError;
use crate::feed::progress::Progress;
use crate::model::time::parse_time_us;

type Event = BTreeMap<String, String>;

/// The events of a file as column → text, without what is null.
fn import(map: &str, file: &[u8]) -> Result<(ImportReport, Vec<Event>), FeedError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("export");
    std::fs::write(&path, file).unwrap();
    let map = Mapping::parse("map.toml", map, folder.path())?;
    let key = Key::new(b"a key for tests only")?;
    let now_us = parse_time_us("2026-01-01T00:00:00Z").unwrap();
    let Loaded { report, mut events } = load(&path, &map, Some(key), now_us, &Progress::hidden(), None)?;
    let mut all = vec![];
    while let Some(batch) = events.next_batch()? {
        all.extend((0..batch.num_rows()).map(|row| event(&batch, row)));
    }
    assert_eq!(report.events, all.len() as u64);
    assert_eq!(report.rows_read, report.rows_mapped + report.rows_quarantined);
    Ok((report, all))
}

fn event(batch: &RecordBatch, row: usize) -> Event {
    let options = FormatOptions::new().with_timestamp_tz_format(Some("%Y-%m-%dT%H:%M:%SZ"));
    let schema = batch.schema();
    let cells = schema.fields().iter().zip(batch.columns()).filter(|(_, column)| !column.is_null(row));
    cells
        .map(|(field, column)| {
            (field.name().clone(), ArrayFormatter::try_new(column, &options).unwrap().value(row).to_string())
        })
        .collect()
}

fn sentence(map: &str, file: &str) -> String {
    import(map, file.as_bytes()).unwrap_err().to_string()
}

pub(super) const ORDERS: &str = r#"
src = "gd"
stream = "tickets"
shape = "wide"
null = ["-", "无"]
drop = ["姓名", "内容"]

[time]
zone = "Asia/Shanghai"
formats = ["%Y-%m-%d %H:%M:%S", "%Y/%m/%d %H:%M"]

[set]
id = "工单编号"
org = "承办单位"
caller = { column = "来电号码", key = true }
type = { column = "诉求类型", map = { "咨询" = "ask", "投诉" = "complain" }, else = "other" }
rating = { column = "满意度", map = { "满意" = 4, "不满意" = 2 } }

[[stage]]
kind = "open"
at = "受理时间"
set = { due = "办理时限" }

[[stage]]
kind = "dispatch"
at = "派单时间"

[[stage]]
kind = "finish"
at = "办结时间"
"#;

const HEADER: &str = "工单编号,受理时间,派单时间,办结时间,办理时限,承办单位,来电号码,诉求类型,满意度,姓名,内容\n";

#[test]
fn a_chinese_order_table_in_gb18030_becomes_events_in_order() {
    let rows = "A1,2024-05-01 08:00:00,2024/5/1 8:30,2024-05-03 10:00:00,2024-05-04 08:00:00,石碶街道,13812345678,咨询,满意,张三,\"请回电\n13912345678\"\n\
                A2,2024-05-01 07:00:00,-,,,深甽镇,无,表扬,一般,李四,好\n";
    let text = [HEADER, rows].concat();
    let (bytes, _, _) = encoding_rs::GB18030.encode(&text);
    let (report, events) = import(ORDERS, &bytes).unwrap();
    assert_eq!(report.format, "csv, gb18030");
    let kinds: Vec<(&str, &str)> = events.iter().map(|event| (event["id"].as_str(), event["kind"].as_str())).collect();
    assert_eq!(kinds, [("A2", "open"), ("A1", "open"), ("A1", "dispatch"), ("A1", "finish")]);
    let open = &events[1];
    assert_eq!((open["ts"].as_str(), open["due"].as_str()), ("2024-05-01T00:00:00Z", "2024-05-04T00:00:00Z"));
    assert_eq!((open["src"].as_str(), open["src_seq"].as_str(), open["org"].as_str()), ("gd", "A1:open", "石碶街道"));
    assert_eq!((open["type"].as_str(), open["rating"].as_str(), open["caller"].len()), ("ask", "4", 16));
    // What no table has: a value of its own when the map says so, else left out; both are counted.
    assert_eq!((events[0]["type"].as_str(), events[0].get("rating"), events[0].get("caller")), ("other", None, None));
    assert_eq!(report.unmapped_values["诉求类型"]["表扬"], 1);
    assert_eq!(report.unmapped_values["满意度"]["一般"], 1);
    assert!(!events.iter().any(|event| event.values().any(|value| value.contains("张三"))));
    assert_eq!(
        (report.columns_keyed, report.columns_dropped),
        (vec!["来电号码".to_owned()], vec!["姓名".to_owned(), "内容".to_owned()])
    );
}

#[test]
fn what_a_map_gets_wrong_is_one_sentence_with_its_line() {
    let file = format!("{HEADER}A1,2024-05-01 08:00:00,,,,,,,,,\n");
    for (from, to, line, words) in [
        (
            "stream = \"tickets\"",
            "stream = \"ticket\"",
            3,
            "there is no stream \"ticket\"; it is one of contacts, tickets",
        ),
        ("shape = \"wide\"", "shape = \"broad\"", 4, "there is no shape \"broad\""),
        ("null = [", "nul = [", 5, "a map has no key \"nul\"; did you mean \"null\"?"),
        ("zone = \"Asia/Shanghai\"", "zone = \"Asia/Ningbo\"", 9, "there is no time zone \"Asia/Ningbo\""),
        ("%Y/%m/%d %H:%M", "%Q", 10, "\"%Q\" is no time format"),
        ("id = \"工单编号\"", "idd = \"工单编号\"", 13, "tickets have no column \"idd\"; did you mean \"id\"?"),
        ("org = \"承办单位\"", "org = \"承办单\"", 14, "the file has no column \"承办单\"; did you mean \"承办单位\"?"),
        ("org = \"承办单位\"", "state = \"承办单位\"", 14, "state is worked out by the hub"),
        ("org = \"承办单位\"", "ts = \"承办单位\"", 14, "ts is not set here"),
        ("key = true", "keys = true", 15, "a field has no key \"keys\"; did you mean \"key\"?"),
        ("else = \"other\"", "else = 3", 16, "a text in quotes is wanted here"),
        ("\"满意\" = 4", "\"满意\" = \"four\"", 17, "a whole number is wanted here"),
        ("kind = \"open\"", "kind = \"opened\"", 20, "tickets have no kind \"opened\"; did you mean \"open\"?"),
        ("at = \"派单时间\"", "", 24, "[[stage]] lacks \"at\""),
        ("drop = [\"姓名\", \"内容\"]", "drop = [\"姓名\"]", 6, "the map does not mention \"内容\""),
        ("drop = [\"姓名\", \"内容\"]", "drop = [\"姓名\", \"内容\", \"地址\"]", 6, "the file has no column \"地址\""),
        (
            "drop = [\"姓名\", \"内容\"]",
            "drop = [\"姓名\", \"内容\", \"承办单位\"]",
            6,
            "\"承办单位\" is under `drop` and used on line 14",
        ),
        ("id = \"工单编号\"", "", 12, "[set] lacks id"),
        ("[time]", "[time", 8, "is not TOML"),
    ] {
        assert!(ORDERS.contains(from), "{from}");
        let error = sentence(&ORDERS.replacen(from, to, 1), &file);
        let begins = format!("map.toml:{line}: ");
        assert!(error.starts_with(&begins) && error.contains(words), "{from} → {to}: {error}");
        assert_eq!(error.lines().count(), 1, "{error}");
    }
}

#[test]
fn a_row_that_does_not_read_is_set_aside_whole_with_its_reason() {
    let rows = "A1,2024-05-01 08:00:00,,,,,,,,,\n\
                A2,2024-05-01 08:00:00,,10:00,,,,,,,\n\
                A3,2024-05-01 08:00:00\n\
                ,2024-05-01 08:00:00,,,,,,,,,\n\
                A5,,,,,,,,,,\n\
                A6,2031-05-01 08:00:00,,,,,,,,,\n\
                A7,2024-05-01 09:00:00,,,,,,,,,\n";
    let (report, events) = import(ORDERS, [HEADER, rows].concat().as_bytes()).unwrap();
    assert_eq!(events.len(), 2);
    let reasons: Vec<(u64, &str)> = report.set_aside.iter().map(|row| (row.line, row.reason)).collect();
    assert_eq!(reasons, [(3, "bad_time"), (4, "fields"), (5, "missing"), (6, "no_event"), (7, "future_time")]);
    assert_eq!(report.times_that_do_not_parse["办结时间"].examples, ["10:00"]);
    let long = format!("{HEADER}{},2024-05-01 08:00:00,,,,,,,,,\n", "甬".repeat(22));
    let (report, _) = import(ORDERS, long.as_bytes()).unwrap();
    assert_eq!(report.quarantined_by_reason["too_large"], 1);
}

const LOG: &str = r#"
src = "log"
stream = "tickets"
shape = "long"
[time]
zone = "Asia/Shanghai"
[set]
id = "id"
org = "unit"
[event]
kind = { column = "step", map = { "受理" = "open", "派单" = "dispatch", "办结" = "finish" } }
at = "time"
skip = ["备注"]
"#;

#[test]
fn an_event_log_is_numbered_by_its_content_so_that_order_and_length_do_not_matter() {
    let row = [
        "1,受理,2024-05-01 08:00:00,a",
        "1,派单,2024-05-01 09:00:00,b",
        "1,备注,2024-05-01 09:30:00,b",
        "1,办结,2024-05-02 08:00:00,b",
    ];
    let file = |rows: &[&str]| format!("id,step,time,unit\n{}\n", rows.join("\n"));
    let (report, events) = import(LOG, file(&row).as_bytes()).unwrap();
    assert_eq!((report.rows_mapped, events.len()), (4, 3));
    let numbers: Vec<&String> = events.iter().map(|event| &event["src_seq"]).collect();
    let (_, again) = import(LOG, file(&[row[3], row[1], row[0], row[0]]).as_bytes()).unwrap();
    let twice: Vec<&String> = again.iter().map(|event| &event["src_seq"]).collect();
    assert_eq!([twice[0], twice[2], twice[3]], [numbers[0], numbers[1], numbers[2]]);
    assert_eq!(twice[0], twice[1]);
    // Columns in another order, and one more that the map drops: the same rows.
    let map = LOG.replace("[time]", "others = \"drop\"\n[time]");
    let other = "time,note,unit,step,id\n2024-05-01 08:00:00,x,a,受理,1\n";
    let (_, events) = import(&map, other.as_bytes()).unwrap();
    assert_eq!(events[0]["src_seq"], *numbers[0]);
    let (report, _) = import(LOG, file(&["1,melt,2024-05-01 08:00:00,a"]).as_bytes()).unwrap();
    assert_eq!(report.quarantined_by_reason["unknown_kind"], 1);
}

#[test]
fn polls_of_states_become_their_changes() {
    let map = r#"
src = "cti"
stream = "seats"
shape = "snapshot"
[time]
zone = "Asia/Shanghai"
[set]
id = "工号"
skill = "技能组"
[snapshot]
poll = "采集时间"
state = { column = "状态", map = { "示闲" = "ready", "通话" = "talk", "小休" = "rest" } }
since = "开始"
gone = "logout"
"#;
    let file = "采集时间,工号,状态,开始,技能组\n\
        2024-05-01 08:00:00,a,示闲,2024-05-01 07:55:00,s\n2024-05-01 08:00:00,b,通话,,s\n\
        2024-05-01 08:00:05,a,示闲,,s\n2024-05-01 08:00:05,b,示闲,,s\n\
        2024-05-01 08:00:10,a,通话,,s\n\
        2024-05-01 08:00:15,a,通话,,s\n2024-05-01 08:00:15,b,小休,,s\n\
        2024-05-01 08:00:05,a,示闲,,s\n";
    let (report, events) = import(map, file.as_bytes()).unwrap();
    let seen: Vec<String> =
        events.iter().map(|event| format!("{} {} {}", &event["ts"][11..19], event["id"], event["kind"])).collect();
    assert_eq!(
        seen,
        [
            "23:55:00 a ready",
            "00:00:00 b talk",
            "00:00:05 b ready",
            "00:00:10 a talk",
            "00:00:10 b logout",
            "00:00:15 b rest"
        ]
    );
    assert_eq!((report.rows_mapped, report.quarantined_by_reason["out_of_order"]), (7, 1));
}

#[test]
fn a_call_over_midnight_ends_the_next_day_and_a_stage_slightly_early_does_not() {
    let map = std::fs::read_to_string(crate::model::assets::path("maps/bank_calls.toml")).unwrap();
    let file = "vru+line,call_id,customer_id,priority,type,date,vru_entry,vru_exit,vru_time,q_start,q_exit,q_time,outcome,ser_start,ser_exit,ser_time,server\n\
        L1,1,77,0,PS,2010-08-01,23:58:00,23:59:00,60,23:59:00,0:00:30,90,AGENT,0:00:29,0:05:00,271,ANN\n\
        L1,2,0,0,PS,2010-08-01,12:04:42,12:03:15,-87,12:03:15,12:04:56,101,AGENT,12:04:55,12:05:56,61,BOB\n\
        L1,3,0,0,PS,2010-08-01,8:48:53,8:49:02,9,8:49:02,8:53:47,285,AGENT,0:00:00,0:00:00,0,BOB\n\
        L1,4,0,0,PS,2010-08-01,9:00:00,9:00:05,5,0:00:00,0:00:00,0,HANG,0:00:00,0:00:00,0,NO_SERVER\n\
        L1,5,0,0,PS,2010-08-01,23:59:50,0:00:00,10,0:00:00,0:00:00,0,HANG,0:00:00,0:00:00,0,NO_SERVER\n";
    let (report, events) = import(&map, file.as_bytes()).unwrap();
    let at = |call: &str, kind: &str| {
        let id = format!("2010-08-01-L1-{call}");
        events.iter().find(|event| event["id"] == id && event["kind"] == kind).map(|event| event["ts"].clone())
    };
    // Jerusalem in summer is three hours before UTC.
    let time = |text: &str| Some(text.to_owned());
    assert_eq!(at("1", "arrive"), time("2010-08-01T20:58:00Z"));
    assert_eq!(at("1", "answer"), time("2010-08-01T21:00:29Z"));
    assert_eq!(at("1", "end"), time("2010-08-01T21:05:00Z"));
    assert_eq!(at("2", "queue"), time("2010-08-01T09:03:15Z"));
    assert_eq!(at("3", "answer"), time("2010-08-01T05:53:47Z"));
    assert_eq!((at("4", "queue"), at("4", "abandon")), (None, time("2010-08-01T06:00:05Z")));
    assert_eq!(at("5", "abandon"), time("2010-08-01T21:00:00Z"));
    assert_eq!(report.import_report["negative_vru_time"], 1);
    let first = events.iter().find(|event| event["kind"] == "answer").unwrap();
    assert_eq!((first["wait_s"].as_str(), first["seat"].len(), first["valid"].as_str()), ("285", 16, "true"));
}

#[test]
fn a_dictionary_file_and_the_citys_own_names_are_looked_up() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("units.csv"), "名称,代码\n城管局,CG\n").unwrap();
    let text = "src = \"s\"\nstream = \"tickets\"\nshape = \"wide\"\ncity = \"ningbo\"\n[time]\nzone = \"Asia/Shanghai\"\n[set]\nid = \"id\"\n\
                org = { column = \"unit\", dict = \"units.csv\" }\narea = { column = \"area\", city = \"areas\" }\n[[stage]]\nkind = \"open\"\nat = \"at\"\n";
    let map = Mapping::parse("map.toml", text, folder.path()).unwrap();
    let file = folder.path().join("f.csv");
    std::fs::write(&file, "id,at,unit,area\n1,2024-05-01T00:00:00Z,城管局,海曙区\n2,2024-05-01T00:00:01Z,别的,火星\n")
        .unwrap();
    let Loaded { report, mut events } = load(&file, &map, None, i64::MAX, &Progress::hidden(), None).unwrap();
    let batch = events.next_batch().unwrap().unwrap();
    let (first, second) = (event(&batch, 0), event(&batch, 1));
    assert_eq!((first["org"].as_str(), first["area"].as_str()), ("CG", "330203"));
    assert_eq!((second["org"].as_str(), second["area"].as_str()), ("别的", "火星"));
    assert_eq!((report.unmapped_values["unit"]["别的"], report.unmapped_values["area"]["火星"]), (1, 1));
    let error =
        Mapping::parse("map.toml", &text.replace("units.csv", "unit.csv"), folder.path()).unwrap_err().to_string();
    assert!(error.starts_with("map.toml:9: dictionary "), "{error}");
}

#[test]
fn every_map_that_ships_reads() {
    let mut read = 0;
    for entry in std::fs::read_dir(crate::model::assets::path("maps")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            let map = Mapping::load(&path).unwrap_or_else(|error| panic!("{error}"));
            assert!(map.city.is_some(), "{}", path.display());
            read += 1;
        }
    }
    assert!(read >= 3);
}

#[test]
fn files_that_are_no_exports_are_refused_in_one_sentence() {
    for (bytes, words) in [
        (&b""[..], "is empty"),
        (b"PK\x03\x04rest", "Excel workbook"),
        (b"PAR1 but not really", "is no Parquet file"),
        (b"ARROW1 but not really", "is no Arrow file"),
        (b"\xff\xff\xff\xff\x10\0\0\0garbage", "Arrow stream"),
        (b"\x1f\x8b not gzip", "cannot be read"),
        (b"\x28\xb5\x2f\xfd not zstd", "cannot be read"),
        (b"\x80\x80\x81\xff\xff", "neither UTF-8 nor GB18030"),
        (b"[]", "holds no JSON object"),
        (b"\n\n", "has no header line"),
    ] {
        let error = import(ORDERS, bytes).unwrap_err().to_string();
        assert!(error.contains(words) && error.lines().count() == 1, "{bytes:?}: {error}");
    }
    let map = Mapping::parse("map.toml", ORDERS, Path::new(".")).unwrap();
    let error = load(Path::new("/nowhere/at/all.csv"), &map, None, 0, &Progress::hidden(), None).err().unwrap();
    assert!(error.to_string().contains("cannot be opened"), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn any_bytes_are_imported_or_refused_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = import(ORDERS, &bytes);
    }

    #[test]
    fn any_bytes_after_a_good_header_are_imported_or_set_aside(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let file = [HEADER.as_bytes(), b"A0,2024-05-01 08:00:00,,,,,,,,,\n", &bytes].concat();
        let _ = import(ORDERS, &file);
    }

    #[test]
    fn any_cells_are_imported_or_set_aside(rows in prop::collection::vec(
        prop::collection::vec("[0-9:/ \\-.]{0,12}|[一-龥]{0,4}|2024-0[0-9]-[0-3][0-9] [0-2][0-9]:00:00|\"|AGENT|HANG|0:00:00", 17), 0..8)) {
        let map = std::fs::read_to_string(crate::model::assets::path("maps/bank_calls.toml")).unwrap();
        let header = "vru+line,call_id,customer_id,priority,type,date,vru_entry,vru_exit,vru_time,q_start,q_exit,q_time,outcome,ser_start,ser_exit,ser_time,server\n";
        let rows: Vec<String> = rows.iter().map(|row| row.join(",")).collect();
        let _ = import(&map, format!("{header}{}", rows.join("\n")).as_bytes());
    }

    #[test]
    fn any_json_is_imported_or_set_aside(lines in prop::collection::vec("\\{\"id\":(1|null|\"x\"|\\{\"a\":1\\}),\"step\":\"(受理|办结|x)\",\"time\":(\"2024-05-01T08:00:00Z\"|7|true|\\[\\]),\"unit\":\"\\PC{0,5}\"\\}|\\PC{0,20}", 0..8)) {
        let _ = import(LOG, format!("{{\"id\":0,\"step\":\"受理\",\"time\":\"2024-05-01T08:00:00Z\",\"unit\":\"a\"}}\n{}", lines.join("\n")).as_bytes());
    }

    #[test]
    fn any_change_of_a_map_is_read_or_refused_in_one_sentence(at in 0..ORDERS.len(), length in 0..12usize, with in "\\PC{0,6}") {
        let from = (0..=at).rev().find(|at| ORDERS.is_char_boundary(*at)).unwrap_or(0);
        let to = (from + length..=ORDERS.len()).find(|to| ORDERS.is_char_boundary(*to)).unwrap_or(ORDERS.len());
        let text = format!("{}{with}{}", &ORDERS[..from], &ORDERS[to..]);
        if let Err(error) = Mapping::parse("map.toml", &text, Path::new(".")) {
            prop_assert_eq!(error.to_string().lines().count(), 1);
        }
    }
}

/// Run by hand: `cargo test --release --lib how_long -- --ignored --nocapture`.
#[test]
#[ignore = "a measurement"]
fn how_long_a_real_file_takes() {
    for (file, map) in [
        ("boston311/tickets.csv.gz", "boston311"),
        ("bank_calls/calls.csv.gz", "bank_calls"),
        ("pingshan/tickets.csv.gz", "pingshan"),
    ] {
        let shared = std::env::var("LINGPING_SHARED").unwrap();
        let path = Path::new(&shared).join("data").join(file);
        let map = Mapping::load(&crate::model::assets::path(format!("maps/{map}.toml"))).unwrap();
        let key = Key::new(b"a key for tests only").unwrap();
        let began = std::time::Instant::now();
        let Loaded { report, mut events } = load(&path, &map, Some(key), i64::MAX, &Progress::hidden(), None).unwrap();
        let mut rows = 0;
        while let Some(batch) = events.next_batch().unwrap() {
            rows += batch.num_rows();
        }
        println!("{}\n{rows} rows sorted, {:?} in all", report.text(), began.elapsed());
    }
}

#[test]
fn the_template_of_a_chinese_order_table_reads_one() {
    let map = crate::model::assets::path("maps/orders_zh.toml");
    let header = "工单编号,诉求来源,诉求类型,一级分类,二级分类,三级分类,所属街道,承办单位,受理时间,派单时间,签收时间,退单时间,办结时间,回访时间,办理时限,满意度,来电号码,诉求人,联系地址,标题,诉求内容,办理结果,录音\n";
    let row = "GD2024050100001,电话,投诉,城乡建设,物业管理,电梯,石碶街道,海曙区住建局,2024/5/1 8:05,2024/5/1 8:30,2024/5/1 9:00,,2024/5/3 10:00,2024/5/4 10:00,2024/5/8 8:05,满意,13812345678,张三,石碶街道1号,电梯坏了,\"多次停运,\n请速修\",已修好,x.wav\n";
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("orders.csv");
    std::fs::write(&file, [header, row].concat()).unwrap();
    let map = Mapping::load(&map).unwrap();
    let key = Key::new(b"a key for tests only").unwrap();
    let Loaded { report, mut events } = load(&file, &map, Some(key), i64::MAX, &Progress::hidden(), None).unwrap();
    assert_eq!((report.rows_quarantined, &report.unmapped_values), (0, &BTreeMap::new()), "{:?}", report.set_aside);
    let batch = events.next_batch().unwrap().unwrap();
    let kinds: Vec<String> = (0..batch.num_rows()).map(|row| event(&batch, row)["kind"].clone()).collect();
    assert_eq!(kinds, ["open", "dispatch", "accept", "finish", "visit", "rate"]);
    let (open, rate) = (event(&batch, 0), event(&batch, 5));
    assert_eq!((open["area"].as_str(), open["topic"].as_str()), ("330203009", "城乡建设/物业管理/电梯"));
    assert_eq!((open["type"].as_str(), open["channel"].as_str(), rate["rating"].as_str()), ("complain", "phone", "4"));
}

#[test]
fn a_date_that_may_be_missing_and_does_not_read_leaves_the_order_in_place() {
    let rows = "A1,2024-05-01 08:00:00,,2024-05-03 10:00:00,三天内,石碶街道,,咨询,满意,,\n\
                A2,2024-05-01 08：00,,,2024-05-04 08:00:00,石碶街道,,咨询,,,\n";
    let (report, events) = import(ORDERS, [HEADER, rows].concat().as_bytes()).unwrap();
    let kinds: Vec<(&str, &str)> = events.iter().map(|event| (event["id"].as_str(), event["kind"].as_str())).collect();
    assert_eq!(kinds, [("A1", "open"), ("A1", "finish")]);
    assert_eq!(events[0].get("due"), None);
    let bad = &report.times_that_do_not_parse["办理时限"];
    assert_eq!((bad.rows, bad.examples.as_slice()), (1, &["三天内".to_owned()][..]));
    assert_eq!(report.rows_with_events_before_open, 0);
    let early = "A3,2024-05-01 08:00:00,,2024-05-01 07:00:00,,,,,,,\n";
    let (told, events) = import(ORDERS, [HEADER, early].concat().as_bytes()).unwrap();
    assert_eq!((told.rows_with_events_before_open, events.len()), (1, 2));
    // The time of an event itself is another matter: the row is set aside, and a slip of the keyboard is named.
    assert_eq!((report.rows_mapped, report.rows_quarantined), (1, 1));
    assert!(report.set_aside[0].message.contains("full-width colon"), "{:?}", report.set_aside);
}

#[test]
fn all_columns_that_a_file_lacks_are_told_at_once() {
    let file = "工单编号,受理时刻,派单时间,办结时间,承办单位,来电号码,诉求类型,满意度,姓名\n";
    let told = sentence(ORDERS, file);
    for part in ["\"受理时间\" (line", "did you mean \"受理时刻\"?", "\"办理时限\" (line", "\"内容\" (line"]
    {
        assert!(told.contains(part), "{told}");
    }
    assert_eq!(told.lines().count(), 1, "{told}");
}

#[test]
fn codes_that_the_city_does_not_have_are_listed_with_their_counts_and_kept() {
    let map = ORDERS.replace("src = \"gd\"", "src = \"gd\"\ncity = \"ningbo\"").replace(
        "org = \"承办单位\"",
        "org = \"承办单位\"\nservice = { constant = \"govt\" }\narea = { column = \"承办单位\", city = \"areas\" }",
    );
    let rows = "A1,2024-05-01 08:00:00,,2024-05-03 10:00:00,,海曙区,,咨询,满意,,\n\
                A2,2024-05-01 08:00:00,,,,亚特兰蒂斯,,咨询,,,\n";
    let (report, events) = import(&map, [HEADER, rows].concat().as_bytes()).unwrap();
    assert_eq!((events.len(), events[0]["service"].as_str()), (3, "govt"));
    let codes: Vec<(&str, Vec<(&str, u64)>)> = report
        .unknown_codes
        .iter()
        .map(|(column, codes)| (column.as_str(), codes.iter().map(|(code, n)| (code.as_str(), *n)).collect()))
        .collect();
    assert_eq!(codes, [("area", vec![("亚特兰蒂斯", 1)]), ("service", vec![("govt", 3)])]);
    assert!(report.text().contains("codes nobody knows"), "{}", report.text());
}

#[test]
fn a_copied_map_finds_the_dictionary_that_ships_and_another_is_told_with_both_places() {
    let template = std::fs::read_to_string(crate::model::assets::path("maps/orders_zh.toml")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("mine.toml");
    std::fs::write(&copy, format!("\u{feff}{template}")).unwrap();
    Mapping::load(&copy).unwrap();
    std::fs::write(&copy, template.replace("ningbo_streets.csv", "streets.csv")).unwrap();
    let told = Mapping::load(&copy).unwrap_err().to_string();
    let beside = folder.path().join("../city/streets.csv").display().to_string();
    assert!(told.contains("mine.toml:") && told.contains(&beside) && told.contains("assets/maps/../city"), "{told}");
    // A map in GBK, and one with signs of a Chinese keyboard.
    let (gbk, ..) = encoding_rs::GBK.encode(&template);
    std::fs::write(&copy, gbk).unwrap();
    assert!(Mapping::load(&copy).unwrap_err().to_string().contains("is not UTF-8, it looks like GBK"));
    std::fs::write(&copy, template.replacen("src = ", "src ＝ ", 1)).unwrap();
    let told = Mapping::load(&copy).unwrap_err().to_string();
    assert!(told.contains("mine.toml:5:") && told.contains("full-width ＝"), "{told}");
}
