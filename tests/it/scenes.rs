//! Every scene in every mode and two shapes, on duty on a standing display, over the seam of two displays, and each scene empty, extreme, stale and in English, held beside small kept
//! pictures in `tests/pictures/scenes/`.
//!
//! What they show is one moment of the simulated city, kept in `tests/data/moment.json.gz`. `LINGPING_BLESS=1` writes
//! the pictures anew, `LINGPING_BLESS=moment` the moment too. Pictures are drawn at their real size and kept small, with
//! few shades, so that the repository stays lean; the threshold below allows for other adapters. Without any adapter the
//! tests say so and pass.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use lingping::demo::{SourceArgs, with_hub};
use lingping::model::City;
use lingping::model::message::{HubMessage, MetricInfo, MetricResult};
use lingping::query::header;
use lingping::wall::canvas::gpu::{Capture, open_adapter};
use lingping::wall::data::Data;
use lingping::wall::gather::{Wanted, gather, gather_tickets};
use lingping::wall::legibility;
use lingping::wall::painter::View;
use lingping::wall::scene::{self, Scene};
use lingping::wall::screen::{Screen, Seams};
use lingping::wall::studio::Studio;
use lingping::wall::{Lang, Mode, sparks};
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

/// At most this share of pixels may differ by more than [`STEP`] in any channel.
const DIFFERING_MAX: f64 = 0.004;
const STEP: u8 = 28;
/// 2026-11-23 14:32:07 in Ningbo.
pub const NOW_US: i64 = 1_795_415_527_000_000;
const WIDE: [u32; 2] = [3840, 1080];
const DESK: [u32; 2] = [1920, 1080];
const TALL: [u32; 2] = [1080, 1920];

/// One adapter at a time: software rasterisers use every core.
pub static ONE: Mutex<()> = Mutex::new(());

#[derive(Serialize, Deserialize)]
pub struct Moment {
    pub results: Vec<MetricResult>,
    tickets: Vec<Vec<Json>>,
}

fn moment_file() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/moment.json.gz")
}

fn scenes() -> Vec<Scene> {
    let (scenes, problems) = scene::load_all(&scene::folder());
    assert_eq!(problems, []);
    scenes
}

fn bless() -> Option<String> {
    std::env::var("LINGPING_BLESS").ok()
}

/// The kept moment; taken anew of the simulated city when it is to be blessed.
pub fn moment() -> Moment {
    if bless().as_deref() == Some("moment") {
        let source = SourceArgs { hub: None, data: None, city: Some("ningbo".into()), at: None, seed: 81890 };
        let scenes = scenes();
        let moment = with_hub(&source, |hub, at| {
            let data = gather(Wanted::of(&hub, at, 120, &scenes.iter().collect::<Vec<_>>()))?;
            let tickets = gather_tickets(&hub, at.unwrap(), 120)?;
            let mut results: Vec<MetricResult> = data.results().cloned().collect();
            results.sort_by(|a, b| a.metric.cmp(&b.metric));
            results.iter_mut().for_each(|result| result.info.clear());
            Ok(Moment { results, tickets: tickets.into_iter().map(|(_, row)| row).collect() })
        })
        .unwrap();
        let file = std::fs::File::create(moment_file()).unwrap();
        let mut packed = flate2::write::GzEncoder::new(file, flate2::Compression::best());
        packed.write_all(&serde_json::to_vec(&moment).unwrap()).unwrap();
        packed.finish().unwrap();
    }
    let mut text = Vec::new();
    flate2::read::GzDecoder::new(std::fs::File::open(moment_file()).unwrap()).read_to_end(&mut text).unwrap();
    serde_json::from_slice(&text).unwrap()
}

/// What the files of the metrics that ship say, as a hub tells it.
pub fn catalog() -> BTreeMap<String, MetricInfo> {
    let mut catalog = BTreeMap::new();
    for scene in std::fs::read_dir("queries").unwrap().flatten() {
        for file in std::fs::read_dir(scene.path()).unwrap().flatten() {
            let sql = std::fs::read_to_string(file.path()).unwrap();
            let (header, problems) = header::read("", &sql);
            assert!(problems.is_empty(), "{problems:?}");
            let name = file.path().file_stem().unwrap().to_string_lossy().into_owned();
            let (scene, class) = (scene.file_name().to_string_lossy().into_owned(), "live".to_owned());
            let listed = MetricInfo { name: name.clone(), scene, class, info: header.info, sql: Some(sql) };
            catalog.insert(name, listed);
        }
    }
    catalog
}

#[derive(Clone, Copy, PartialEq)]
pub enum State {
    Plain,
    /// Nothing happened: no metric has a row.
    Empty,
    /// 99,999,999 wherever a count stands.
    Extreme,
}

pub fn data(moment: &Moment, state: State) -> Data {
    let city = City::load("ningbo").unwrap();
    let mut data = Data::default();
    let metrics = moment.results.iter().map(|result| result.metric.clone()).collect();
    let demo = state != State::Empty;
    let city = Box::new(city);
    data.take(
        HubMessage::Welcome { version: 1, hub: "kept".into(), city, now: NOW_US, demo, replay: false, metrics },
        0.0,
    );
    for result in &moment.results {
        let mut result = result.clone();
        match state {
            State::Plain => {}
            State::Empty => {
                result.rows.clear();
                result.demo = false;
                result.data_until = None;
            }
            State::Extreme => enlarge(&mut result),
        }
        data.take_result(result, f64::NEG_INFINITY);
    }
    if state != State::Empty {
        let columns = sparks::COLUMNS.map(str::to_owned).to_vec();
        let rows = moment.tickets.clone();
        let stream = "tickets".to_owned();
        data.take(
            HubMessage::Events { stream, columns, rows, backlog: true, reset: false, more: false, seq: None },
            0.0,
        );
    }
    let until = demo.then_some(NOW_US - 80_000);
    let (data_until, recv_until) = (until, until);
    let status = "ok".to_owned();
    data.take(
        HubMessage::Tick { now: NOW_US, data_until, recv_until, demo, replay: false, status, message: None },
        0.0,
    );
    data
}

/// Every count becomes the largest that must fit; rates and places on an axis stay.
fn enlarge(result: &mut MetricResult) {
    const AXES: [&str; 9] = ["minute", "rank", "from_s", "to_s", "stage", "year", "rating", "left_s", "age_s"];
    for row in &mut result.rows {
        for (cell, column) in row.iter_mut().zip(&result.columns) {
            let is_time = column.column_type.starts_with("Timestamp") || cell.as_i64().is_some_and(|n| n > 1 << 40);
            let is_rate = cell.as_f64().is_some_and(|value| value.abs() <= 1.0 && cell.is_f64());
            if cell.is_number() && !is_time && !is_rate && !AXES.contains(&column.name.as_str()) {
                *cell = json!(99_999_999);
            }
        }
    }
}

struct Wall {
    studio: Studio,
    tabs: Vec<(String, String)>,
}

impl Wall {
    fn draw(&mut self, data: &Data, scene: &Scene, mode: Mode, size: [u32; 2], lang: Lang, now_s: f64) -> Capture {
        self.draw_over(Seams::NONE, data, scene, mode, size, lang, now_s)
    }

    #[expect(clippy::too_many_arguments, reason = "each is one thing a picture is a function of")]
    fn draw_over(
        &mut self,
        seams: Seams,
        data: &Data,
        scene: &Scene,
        mode: Mode,
        size: [u32; 2],
        lang: Lang,
        now_s: f64,
    ) -> Capture {
        let view = View {
            data,
            scene,
            tabs: &self.tabs,
            mode,
            lang,
            size,
            seams,
            now_us: NOW_US + (now_s * 1e6) as i64,
            now_s,
            settled: true,
            frozen_us: None,
            explain: false,
            paused: false,
            as_of: false,
            problem: None,
        };
        self.studio.picture(&view).unwrap()
    }
}

#[test]
fn no_text_leaves_its_place_or_stands_in_anothers_way_on_any_shape_of_wall() {
    let (city, moment) = (City::load("ningbo").unwrap(), moment());
    for state in [State::Plain, State::Extreme, State::Empty] {
        let problems = legibility::check(&scenes(), &city, &legibility::USUAL, &data(&moment, state)).unwrap();
        assert!(problems.is_empty(), "{}", problems.join("\n"));
    }
}

#[test]
fn no_text_leaves_its_place_where_panels_say_how_they_are_counted() {
    let mut data = data(&moment(), State::Plain);
    data.set_catalog(Arc::new(catalog()));
    let problems = legibility::check(&scenes(), &City::load("ningbo").unwrap(), &legibility::USUAL, &data).unwrap();
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn on_a_wall_of_several_displays_no_text_lies_on_a_seam() {
    let (city, moment, scenes) = (City::load("ningbo").unwrap(), moment(), scenes());
    let walls = [
        (3840, 1080, [2, 1], 1.5),
        (5760, 2160, [3, 1], 2.5),
        (7680, 2160, [4, 1], 2.5),
        (3840, 2160, [2, 2], 2.5),
        (5760, 2160, [3, 2], 2.5),
        (7680, 2160, [4, 2], 2.5),
    ];
    for (width, height, [columns, rows], far_m) in walls {
        let seams = Seams { columns, rows, strip: 0.002 };
        let screen = Screen { seams, ..Screen::plain(width, height, 0.63, far_m) };
        for state in [State::Plain, State::Extreme, State::Empty] {
            let problems =
                legibility::check(&scenes, &city, std::slice::from_ref(&screen), &data(&moment, state)).unwrap();
            assert!(problems.is_empty(), "{columns}×{rows}: {}", problems.join("\n"));
        }
    }
}

/// Small, with 32 shades a channel.
fn shrink(capture: &Capture) -> image::RgbImage {
    let whole = image::RgbaImage::from_raw(capture.width, capture.height, capture.rgba.clone()).unwrap();
    let (width, height) = (capture.width / 5, capture.height / 5);
    let small = image::imageops::thumbnail(&whole, width, height);
    image::RgbImage::from_fn(width, height, |x, y| {
        let pixel = small.get_pixel(x, y).0;
        image::Rgb([0, 1, 2].map(|part| pixel[part] & 0b1111_1000))
    })
}

/// Holds a picture beside the kept one; a sentence when they differ.
fn differs(name: &str, drawn: &Capture) -> Option<String> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/pictures/scenes").join(format!("{name}.png"));
    let small = shrink(drawn);
    if bless().is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        small.save(&path).unwrap();
        return None;
    }
    let Ok(wanted) = image::open(&path) else {
        return Some(format!("{name}: no kept picture; run the test once with LINGPING_BLESS=1 and look at it"));
    };
    let wanted = wanted.to_rgb8();
    if wanted.dimensions() != small.dimensions() {
        return Some(format!("{name}: kept {:?}, drawn {:?}", wanted.dimensions(), small.dimensions()));
    }
    let far = |(a, b): &(&image::Rgb<u8>, &image::Rgb<u8>)| a.0.iter().zip(b.0).any(|(a, b)| a.abs_diff(b) > STEP);
    let differing = wanted.pixels().zip(small.pixels()).filter(far).count();
    let share = differing as f64 / f64::from(small.width() * small.height());
    (share > DIFFERING_MAX).then(|| {
        let seen = std::env::temp_dir().join(format!("lingping-{name}.png"));
        small.save(&seen).unwrap();
        format!("{name}: {:.2} % of the pixels differ; what was drawn: {}", share * 100.0, seen.display())
    })
}

/// Draws with one studio, one after another; all differences at once.
fn hold(draw: impl FnOnce(&mut Wall, &[Scene], &Moment, &mut Vec<String>)) {
    let _alone = ONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Err(error) = open_adapter() {
        eprintln!("NOT TESTED: {error}");
        return;
    }
    let scenes = scenes();
    let tabs = scenes.iter().map(|scene| (scene.name.clone(), scene.tab.zh.clone())).collect();
    let mut wall = Wall { studio: Studio::open().unwrap(), tabs };
    let mut problems = Vec::new();
    draw(&mut wall, &scenes, &moment(), &mut problems);
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn every_scene_in_every_mode_and_two_shapes() {
    hold(|wall, scenes, moment, problems| {
        let data = data(moment, State::Plain);
        for scene in scenes {
            for (size, shape) in [(DESK, "desk"), (WIDE, "wide")] {
                for mode in Mode::ALL {
                    let drawn = wall.draw(&data, scene, mode, size, Lang::Zh, 0.0);
                    problems.extend(differs(&format!("{}-{}-{shape}", scene.name, mode.name()), &drawn));
                }
            }
        }
    });
}

#[test]
fn every_scene_on_a_standing_display_and_over_the_seam_of_two() {
    hold(|wall, scenes, moment, problems| {
        let data = data(moment, State::Plain);
        let two = Seams { columns: 2, rows: 1, strip: 0.002 };
        for scene in scenes {
            let tall = wall.draw(&data, scene, Mode::Ops, TALL, Lang::Zh, 0.0);
            problems.extend(differs(&format!("{}-tall", scene.name), &tall));
            let over = wall.draw_over(two, &data, scene, Mode::Ops, WIDE, Lang::Zh, 0.0);
            problems.extend(differs(&format!("{}-seam", scene.name), &over));
        }
    });
}

/// An answer with these rows, in place of a metric's own.
fn answer(data: &mut Data, metric: &str, columns: &[&str], rows: Json) {
    let typed: Vec<Json> = columns.iter().map(|name| json!({ "name": name, "type": "Utf8View" })).collect();
    let result = json!({ "metric": metric, "version": 9, "as_of": NOW_US, "data_until": NOW_US, "demo": true,
        "columns": typed, "rows": rows });
    data.take_result(serde_json::from_value(result).unwrap(), f64::NEG_INFINITY);
}

#[test]
fn a_storm_with_warnings_alerts_and_lists_that_are_late() {
    hold(|wall, scenes, moment, problems| {
        let mut data = data(moment, State::Plain);
        let ago = |minutes: i64| NOW_US - minutes * 60_000_000;
        let warnings = json!([
            [ago(32), "red", null, "台风红色预警"],
            [ago(71), null, "330281", "片区供水管道抢修，预计4小时内恢复，受影响的小区有临时供水点"],
            [ago(400), "orange", null, "台风橙色预警"],
            [ago(1_500), "yellow", "330282", "暴雨黄色预警"],
            [ago(1_900), "blue", null, "台风蓝色预警"],
        ]);
        answer(&mut data, "warnings_now", &["ts", "colour", "area", "note"], warnings);
        let columns =
            ["id", "state", "raised_at", "rule", "severity", "area", "actor", "value", "topic_zh", "topic_en"];
        let alerts = json!([
            ["a", "raise", ago(3), "hot.topic", "red", null, null, 69, "停电查询", "Power cut"],
            ["b", "ack", ago(61), "hot.topic", "yellow", "330281", "值班长", 26, "小区停水", "Water cut"],
            ["c", "clear", ago(300), "other.rule", "yellow", null, null, 38.5, null, null],
        ]);
        answer(&mut data, "alerts_now", &columns, alerts);
        let columns = ["rank", "topic", "zh", "en", "board", "n", "expected", "lift"];
        let topics = json!([
            [1, "a", "停电查询", "Power cut", "government", 69, 1.7, 41.4],
            [2, "b", "积水内涝", "Flooding", "government", 54, 0, null],
            [3, "c", "房屋补漏", "Leaking roof", "life", 9, 0, null],
        ]);
        answer(&mut data, "hot_topics", &columns, topics);
        answer(&mut data, "due_soon", &["value", "overdue"], json!([[533, 12]]));
        for (scene, mode) in [("hot", Mode::Brief), ("ops", Mode::Ops), ("overview", Mode::Lobby)] {
            let scene = scenes.iter().find(|known| known.name == scene).unwrap();
            let drawn = wall.draw(&data, scene, mode, DESK, Lang::Zh, 0.0);
            problems.extend(differs(&format!("{}-storm", scene.name), &drawn));
        }
    });
}

#[test]
fn every_scene_empty_extreme_stale_and_in_english() {
    hold(|wall, scenes, moment, problems| {
        let (plain, empty, extreme) =
            (data(moment, State::Plain), data(moment, State::Empty), data(moment, State::Extreme));
        for scene in scenes {
            let looks = [
                ("empty", &empty, Lang::Zh, 0.0),
                ("extreme", &extreme, Lang::Zh, 0.0),
                ("stale", &plain, Lang::Zh, 95.0),
                ("english", &plain, Lang::En, 0.0),
            ];
            for (name, data, lang, now_s) in looks {
                let drawn = wall.draw(data, scene, Mode::Ops, DESK, lang, now_s);
                problems.extend(differs(&format!("{}-{name}", scene.name), &drawn));
            }
        }
    });
}

#[test]
fn a_picture_is_the_same_whatever_was_drawn_before_it() {
    hold(|wall, scenes, moment, problems| {
        let plain = data(moment, State::Plain);
        let mut later = plain.clone();
        later.serial = Data::default().serial;
        for result in moment.results.iter().filter(|result| result.metric.contains("today")) {
            let mut result = result.clone();
            enlarge(&mut result);
            later.take_result(result, f64::NEG_INFINITY);
        }
        for scene in scenes.iter().filter(|scene| scene.name != "sky") {
            // Over another picture of the same scene only what differs is drawn.
            wall.studio.composer.forget();
            let fresh = wall.draw(&plain, scene, Mode::Ops, DESK, Lang::Zh, 0.0);
            wall.draw(&later, scene, Mode::Ops, DESK, Lang::Zh, 2.0);
            wall.draw(&plain, scene, Mode::Ops, DESK, Lang::En, 1.0);
            let again = wall.draw(&plain, scene, Mode::Ops, DESK, Lang::Zh, 0.0);
            if fresh.rgba != again.rgba {
                problems.push(format!("{}: drawn over another picture it differs", scene.name));
            }
        }
    });
}
