//! Very many sparks drawn both ways: by the adapter, a quad each, and put together in a layer, as it is done where a
//! software rasteriser draws. They are one picture to the eye. Without any adapter the tests say so and pass.

use lingping::model::message::HubMessage;
use lingping::wall::canvas::gpu::{Capture, Picture, open_adapter};
use lingping::wall::data::Data;
use lingping::wall::painter::View;
use lingping::wall::scene::{self, Scene};
use lingping::wall::screen::Seams;
use lingping::wall::studio::Studio;
use lingping::wall::{Lang, Mode, sparks};
use serde_json::json;

use super::scenes::{NOW_US, ONE, State, data, moment};

/// How far the means of a cell of [`CELL`] pixels may be apart in a channel, shades of 255: where very many sparks lie on
/// one another, a glow added to a layer that is already as bright as can be is cut off in another order.
const CELL_APART: f64 = 5.0;
const CELL: usize = 16;
/// At most this share of the pixels may differ by more than [`STEP`] in any channel.
const DIFFERING_MAX: f64 = 0.0005;
const STEP: u8 = 24;

struct Wall {
    studio: Studio,
    scene: Scene,
}

impl Wall {
    fn open() -> Option<Wall> {
        open_adapter().map_err(|error| eprintln!("NOT TESTED: {error}")).ok()?;
        let scene = Scene::load(&scene::folder().join("overview.toml")).unwrap();
        Some(Wall { studio: Studio::open().unwrap(), scene })
    }
}

/// The overview as it is at the moment.
fn view_of<'a>(scene: &'a Scene, data: &'a Data, size: [u32; 2]) -> View<'a> {
    View {
        data,
        scene,
        tabs: &[],
        mode: Mode::Ops,
        lang: Lang::Zh,
        size,
        seams: Seams::NONE,
        now_us: NOW_US,
        now_s: 1.0,
        settled: false,
        frozen_us: None,
        explain: false,
        paused: false,
        as_of: false,
        problem: None,
    }
}

/// More tickets of the day, as the wall has them at its start.
fn come(data: &mut Data, numbers: std::ops::Range<usize>) {
    let city = data.city.clone().unwrap();
    let rows = numbers.map(|number| {
        let area = &city.areas[number * 7 % city.areas.len()].code;
        let board = &city.boards[number * 5 % city.boards.len()].code;
        let state = if number % 30 == 0 { "waiting" } else { "done" };
        vec![
            json!(NOW_US),
            json!("open"),
            json!(format!("crowd-{number}")),
            json!(area),
            json!("life"),
            json!(board),
            json!(state),
        ]
    });
    let columns = sparks::COLUMNS.map(str::to_owned).to_vec();
    let (stream, rows) = ("tickets".to_owned(), rows.collect());
    data.take(HubMessage::Events { stream, columns, rows, backlog: true, reset: false, more: false, seq: None }, 0.0);
}

/// The furthest that the means of a cell are apart, and the share of pixels that differ.
fn apart(a: &Capture, b: &Capture) -> (f64, f64) {
    let (width, columns) = (a.width as usize, a.width as usize / CELL + 1);
    let mut sums = vec![[0_i64; 3]; columns * (a.height as usize / CELL + 1)];
    let mut differing = 0;
    for (index, (a, b)) in a.rgba.chunks_exact(4).zip(b.rgba.chunks_exact(4)).enumerate() {
        let sum = &mut sums[index / width / CELL * columns + index % width / CELL];
        for part in 0..3 {
            sum[part] += i64::from(a[part]) - i64::from(b[part]);
        }
        differing += u64::from(a.iter().zip(b).any(|(a, b)| a.abs_diff(*b) > STEP));
    }
    let furthest = sums.iter().flatten().map(|sum| sum.unsigned_abs()).max().unwrap_or(0);
    (furthest as f64 / (CELL * CELL) as f64, differing as f64 / f64::from(a.width * a.height))
}

#[test]
fn a_crowd_looks_the_same_both_ways() {
    let _alone = ONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let Some(mut wall) = Wall::open() else { return };
    let mut data = data(&moment(), State::Plain);
    for (count, size) in [(20_000, [1280, 720]), (100_000, [1920, 1080]), (100_000, [3840, 2160])] {
        let known = data.sparks.all.len();
        come(&mut data, known..count);
        let [layer, quads] = [true, false].map(|crowds| {
            wall.studio.composer.crowds = crowds;
            wall.studio.composer.forget();
            let Wall { studio, scene } = &mut wall;
            studio.picture(&view_of(scene, &data, size)).unwrap()
        });
        let (cell, share) = apart(&layer, &quads);
        eprintln!("{count} sparks, {size:?}: a cell {cell:.2} shades, {:.3} % of the pixels", share * 100.0);
        assert!(layer.rgba != quads.rgba, "{count} sparks at {size:?} are a crowd");
        if cell >= CELL_APART || share >= DIFFERING_MAX {
            let folder = std::env::temp_dir();
            for (name, drawn) in [("layer", &layer), ("quads", &quads)] {
                let file = folder.join(format!("lingping-crowd-{name}.png"));
                lingping::wall::snapshot::write_png(&file, drawn).unwrap();
            }
            panic!("{count} sparks at {size:?}: see lingping-crowd-*.png in {}", folder.display());
        }
    }
}

#[test]
fn a_part_of_a_crowd_drawn_again_has_the_pixels_of_the_whole() {
    let _alone = ONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let Some(mut wall) = Wall::open() else { return };
    wall.studio.composer.crowds = true;
    let Wall { studio, scene } = &mut wall;
    let mut data = data(&moment(), State::Plain);
    come(&mut data, 0..20_000);
    studio.frame(&view_of(scene, &data, [1280, 720])).unwrap();
    come(&mut data, 20_000..20_003);
    let view = view_of(scene, &data, [1280, 720]);
    studio.compose(&view);
    let picture = studio.app.world().resource::<Picture>();
    assert!(picture.back_changed && !picture.back_parts.whole, "only a part is drawn");
    studio.turn().unwrap();
    let part = studio.picture(&view).unwrap();
    studio.composer.forget();
    assert!(studio.picture(&view).unwrap().rgba == part.rgba);
}
