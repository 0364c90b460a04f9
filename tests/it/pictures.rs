//! The wall's pictures, drawn by whatever Vulkan adapter there is and held beside the ones kept in `tests/pictures/`.
//!
//! `LINGPING_BLESS=1` writes them anew. The kept ones are lavapipe's; on another adapter small differences are allowed
//! for by the one threshold below. Without any adapter the tests say so and pass.

use std::path::PathBuf;
use std::sync::Mutex;

use lingping::model::City;
use lingping::model::message::HubMessage;
use lingping::wall::canvas::gpu::{Capture, open_adapter};
use lingping::wall::data::Data;
use lingping::wall::painter::View;
use lingping::wall::scene::{self, Scene};
use lingping::wall::screen::Seams;
use lingping::wall::{Lang, Mode, SnapshotOptions, snapshot};

use super::fixture_hub::{Canned, FixtureHub, NOW_US, metrics};

/// The blessed threshold: at most this share of pixels may differ by more than [`STEP`] in any channel.
const DIFFERING_MAX: f64 = 0.002;
const STEP: u8 = 24;

/// One adapter at a time: software rasterisers use every core.
static ONE: Mutex<()> = Mutex::new(());

fn adapter_is_missing() -> bool {
    match open_adapter() {
        Ok(_) => false,
        Err(error) => {
            eprintln!("NOT TESTED: {error}");
            true
        }
    }
}

fn overview() -> Scene {
    Scene::load(&scene::folder().join("overview.toml")).unwrap()
}

/// What the wall knows of a canned city, without a socket.
fn data(canned: Canned, city: &City) -> Data {
    let mut data = Data::default();
    let demo = canned != Canned::Empty;
    let known = metrics(canned, city);
    let names = known.iter().map(|metric| metric.metric.clone()).collect();
    let welcome = HubMessage::Welcome {
        version: 1,
        hub: "fixture".into(),
        city: Box::new(city.clone()),
        now: NOW_US,
        demo,
        replay: false,
        metrics: names,
    };
    data.take(welcome, 0.0);
    for metric in known {
        data.take_result(metric, f64::NEG_INFINITY);
    }
    data.take(super::fixture_hub::events(canned, city), 0.0);
    data.take(super::fixture_hub::tick(canned, NOW_US), 0.0);
    data
}

struct Look {
    size: [u32; 2],
    lang: Lang,
    /// The wall's second; the hub was last heard at 0.
    now_s: f64,
    explain: bool,
}

const PLAIN: Look = Look { size: [1280, 720], lang: Lang::Zh, now_s: 0.0, explain: false };

fn draw(data: &Data, look: &Look) -> Capture {
    let scene = overview();
    let tabs = [("overview".to_owned(), "总览".to_owned()), ("ops".to_owned(), "话务".to_owned())];
    let view = View {
        data,
        scene: &scene,
        tabs: &tabs,
        mode: Mode::Ops,
        lang: look.lang,
        size: look.size,
        seams: Seams::NONE,
        now_us: NOW_US + (look.now_s * 1e6) as i64,
        now_s: look.now_s,
        settled: true,
        frozen_us: None,
        explain: look.explain,
        paused: false,
        as_of: false,
        problem: None,
    };
    snapshot::draw(&view).unwrap()
}

fn kept(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/pictures").join(format!("{name}.png"))
}

/// Holds a picture beside the kept one.
fn compare(name: &str, drawn: &Capture) {
    let path = kept(name);
    if std::env::var_os("LINGPING_BLESS").is_some() {
        snapshot::write_png(&path, drawn).unwrap();
        return;
    }
    let Ok(wanted) = image::open(&path) else {
        panic!("{} is missing; run the test once with LINGPING_BLESS=1 and look at it", path.display())
    };
    let wanted = wanted.to_rgba8();
    assert_eq!((wanted.width(), wanted.height()), (drawn.width, drawn.height), "{name}");
    let differing = wanted
        .as_raw()
        .chunks_exact(4)
        .zip(drawn.rgba.chunks_exact(4))
        .filter(|(a, b)| a.iter().zip(b.iter()).any(|(a, b)| a.abs_diff(*b) > STEP))
        .count();
    let share = differing as f64 / f64::from(drawn.width * drawn.height);
    if share > DIFFERING_MAX {
        let seen = std::env::temp_dir().join(format!("lingping-{name}.png"));
        snapshot::write_png(&seen, drawn).unwrap();
        panic!(
            "{name}: {:.2} % of the pixels differ from {}; what was drawn: {}",
            share * 100.0,
            path.display(),
            seen.display()
        );
    }
}

fn check(name: &str, canned: Canned, look: &Look) {
    let _alone = ONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if adapter_is_missing() {
        return;
    }
    let city = City::load("ningbo").unwrap();
    let data = data(canned, &city);
    compare(name, &draw(&data, look));
}

#[test]
fn the_overview_of_an_ordinary_day() {
    check("overview", Canned::Normal, &PLAIN);
}

#[test]
fn a_city_in_which_nothing_happened_shows_dashes_and_no_zeros() {
    check("empty", Canned::Empty, &PLAIN);
}

#[test]
fn zeros_are_shown_as_zeros() {
    check("zero", Canned::Zero, &PLAIN);
}

#[test]
fn eight_nines_fit_everywhere() {
    check("huge", Canned::Huge, &PLAIN);
}

#[test]
fn rare_characters_are_drawn_and_unknown_ones_have_a_box() {
    check("rare", Canned::Rare, &PLAIN);
}

#[test]
fn the_wall_in_english() {
    check("english", Canned::Normal, &Look { lang: Lang::En, ..PLAIN });
}

#[test]
fn a_wide_wall() {
    check("wide", Canned::Normal, &Look { size: [1920, 540], ..PLAIN });
}

#[test]
fn a_wall_that_lost_its_hub_greys_and_says_how_old_it_is() {
    check("stale", Canned::Normal, &Look { now_s: 95.0, ..PLAIN });
}

#[test]
fn the_overview_turned_over_says_how_it_is_counted() {
    let _alone = ONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if adapter_is_missing() {
        return;
    }
    let mut data = data(Canned::Normal, &City::load("ningbo").unwrap());
    data.set_catalog(std::sync::Arc::new(super::scenes::catalog()));
    compare("explain", &draw(&data, &Look { explain: true, ..PLAIN }));
}

#[test]
fn a_city_without_a_map_shows_its_areas_as_a_list() {
    let _alone = ONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if adapter_is_missing() {
        return;
    }
    let city = City::load("boston").unwrap();
    let data = data(Canned::Normal, &city);
    compare("boston", &draw(&data, &Look { lang: Lang::En, ..PLAIN }));
}

#[test]
fn the_same_command_gives_the_same_picture_over_a_socket() {
    let _alone = ONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if adapter_is_missing() {
        return;
    }
    let hub = FixtureHub::start(Canned::Silent, City::load("ningbo").unwrap(), 0);
    let folder = tempfile::tempdir().unwrap();
    let picture = |name: &str| {
        let options = SnapshotOptions { size: (640, 360), ..SnapshotOptions::new(hub.url(), folder.path().join(name)) };
        lingping::wall::snapshot(options).unwrap();
        std::fs::read(folder.path().join(name)).unwrap()
    };
    assert!(picture("a.png") == picture("b.png"));
}

#[test]
fn a_picture_from_a_hub_that_is_not_there_fails_with_a_sentence() {
    let options = SnapshotOptions { wait_s: 1, ..SnapshotOptions::new("ws://127.0.0.1:9/ws", "/tmp/never.png") };
    let error = lingping::wall::snapshot(options).unwrap_err().to_string();
    assert!(error.contains("ws://127.0.0.1:9/ws"), "{error}");
}
