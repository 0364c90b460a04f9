//! The night sky drawn both ways: as a field of light, and as points that move. At rest they are one picture; in motion
//! the sky lives and stays as bright as it is. Without any adapter the tests say so and pass.

use std::sync::Arc;

use lingping::wall::canvas::gpu::{Capture, open_adapter};
use lingping::wall::canvas::{Cloud, Motion, Point, Rect};
use lingping::wall::data::Data;
use lingping::wall::painter::View;
use lingping::wall::scene::{self, Scene};
use lingping::wall::screen::Seams;
use lingping::wall::studio::Studio;
use lingping::wall::{Lang, Mode, PointsPath};
use serde_json::json;

use super::scenes::{Moment, NOW_US, ONE, State, data, moment};

const SIZE: [u32; 2] = [1920, 1080];
/// Points on the sky of these tests.
const REQUESTS: u64 = 200_000;
/// Side of a coarse cell, pixels.
const CELL: usize = 24;
/// How far the means of a cell at rest may differ between both ways, shades of 255.
const CELL_AT_REST: f64 = 0.5;
/// How far the whole picture's mean may move, and that of a cell that has light, while points move; shares.
const WHOLE_IN_MOTION: f64 = 0.02;
const CELL_IN_MOTION: f64 = 0.25;

/// What the wall knows of a city with so many requests.
fn with_requests(moment: &Moment, requests: u64) -> Data {
    let mut data = data(moment, State::Plain);
    let mut total = moment.results.iter().find(|result| result.metric == "solved_total").unwrap().clone();
    total.rows[0][0] = json!(requests);
    data.take_result(total, f64::NEG_INFINITY);
    data
}

struct Wall {
    studio: Studio,
    scene: Scene,
}

impl Wall {
    fn open() -> Option<Wall> {
        open_adapter().map_err(|error| eprintln!("NOT TESTED: {error}")).ok()?;
        let scene = Scene::load(&scene::folder().join("sky.toml")).unwrap();
        Some(Wall { studio: Studio::open().unwrap(), scene })
    }

    /// At rest, or so many seconds after the moment.
    fn draw(&mut self, data: &Data, path: PointsPath, after_s: Option<f64>) -> Capture {
        self.studio.set_points(path);
        self.studio.composer.forget();
        let view = View {
            data,
            scene: &self.scene,
            tabs: &[],
            mode: Mode::Lobby,
            lang: Lang::Zh,
            size: SIZE,
            seams: Seams::NONE,
            now_us: NOW_US + (after_s.unwrap_or(0.0) * 1e6) as i64,
            now_s: 1.0,
            settled: after_s.is_none(),
            frozen_us: None,
            explain: false,
            paused: false,
            as_of: false,
            problem: None,
        };
        self.studio.picture(&view).unwrap()
    }
}

/// Mean brightness of each coarse cell, shades.
fn cells(drawn: &Capture, side: usize) -> Vec<f64> {
    let (width, height) = (drawn.width as usize, drawn.height as usize);
    let columns = width / side;
    let mut sums = vec![0_u64; columns * (height / side)];
    for (index, pixel) in drawn.rgba.chunks_exact(4).enumerate() {
        let (column, row) = (index % width / side, index / width / side);
        if column < columns && row < height / side {
            sums[row * columns + column] += pixel[..3].iter().map(|part| u64::from(*part)).sum::<u64>();
        }
    }
    sums.into_iter().map(|sum| sum as f64 / (3 * side * side) as f64).collect()
}

fn mean(drawn: &Capture) -> f64 {
    let cells = cells(drawn, CELL);
    cells.iter().sum::<f64>() / cells.len() as f64
}

/// Share of pixels in which some channel differs by more than a shade.
fn differing(a: &Capture, b: &Capture) -> f64 {
    let pairs = a.rgba.chunks_exact(4).zip(b.rgba.chunks_exact(4));
    let differ = pairs.filter(|(a, b)| a.iter().zip(b.iter()).any(|(a, b)| a.abs_diff(*b) > 1)).count();
    differ as f64 / f64::from(a.width * a.height)
}

#[test]
fn points_that_move_are_at_rest_the_field_of_light() {
    let _alone = ONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let Some(mut wall) = Wall::open() else { return };
    let data = with_requests(&moment(), REQUESTS);
    let grid = wall.draw(&data, PointsPath::Grid, None);
    let moving = wall.draw(&data, PointsPath::Moving, None);
    let dark = wall.draw(&with_requests(&moment(), 0), PointsPath::Grid, None);
    assert!(mean(&grid) > mean(&dark) + 0.5, "there is light: {} on {}", mean(&grid), mean(&dark));
    let furthest = cells(&grid, CELL).iter().zip(cells(&moving, CELL)).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    let (apart, share) = ((mean(&grid) - mean(&moving)).abs(), differing(&grid, &moving));
    eprintln!("at rest: furthest cell {furthest:.3}, means {apart:.4} apart, {:.3} % of the pixels", share * 100.0);
    assert!(furthest <= CELL_AT_REST, "a cell's mean differs by {furthest} shades");
    assert!(share < 0.005, "{share} of the pixels differ");
}

#[test]
fn in_motion_the_sky_lives_and_stays_as_bright() {
    let _alone = ONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let Some(mut wall) = Wall::open() else { return };
    let data = with_requests(&moment(), REQUESTS);
    let rest = wall.draw(&data, PointsPath::Moving, None);
    // Within one second, so that nothing but the points moves.
    let [first, later] = [0.0, 0.9].map(|after_s| wall.draw(&data, PointsPath::Moving, Some(after_s)));
    let again = wall.draw(&data, PointsPath::Moving, Some(0.9));
    assert!(later.rgba == again.rgba, "the same clock gives the same picture");
    let moved = differing(&first, &later);
    eprintln!(
        "in motion: {:.2} % of the pixels; means {} {} {}",
        moved * 100.0,
        mean(&rest),
        mean(&first),
        mean(&later)
    );
    assert!(moved > 0.01, "{moved} of the pixels moved");
    for (name, drawn) in [("at first", &first), ("later", &later)] {
        let off = mean(drawn) / mean(&rest) - 1.0;
        assert!(off.abs() < WHOLE_IN_MOTION, "{name} the sky is {off} brighter than at rest");
        let side = CELL * 4;
        for (a, b) in cells(drawn, side).iter().zip(cells(&rest, side)) {
            assert!((a - b).abs() < 1.0 + b * CELL_IN_MOTION, "{name} a cell goes from {b} to {a}");
        }
    }
    let grid = |wall: &mut Wall, after_s| wall.draw(&data, PointsPath::Grid, Some(after_s)).rgba;
    assert!(grid(&mut wall, 0.0) == grid(&mut wall, 0.9), "the field stands");
}

/// A board's point for each place, 0 to 1.
fn points(places: impl Iterator<Item = [f32; 2]>) -> Vec<Point> {
    let point = |place: [f32; 2]| Point {
        place: place.map(|side| (side * 65_535.0) as u16),
        board: 1,
        phase: 0,
        pace: 0,
        beat: 0,
    };
    places.map(point).collect()
}

fn alone(studio: &mut Studio, cloud: &Arc<Cloud>) -> Capture {
    let rest = Motion { at_s: None, weight: 1.0 };
    studio.plain([256, 128], |pen| pen.cloud(Rect::new(0.0, 0.0, 256.0, 128.0), cloud, &rest)).unwrap()
}

#[test]
fn points_that_come_later_join_the_others_also_in_a_second_buffer() {
    let _alone = ONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let Some(Wall { mut studio, .. }) = Wall::open() else { return };
    // More than one buffer takes, in the left half; those that come later in the right one.
    let left = || points((0..1_048_570_u32).map(|n| [(n % 124) as f32 / 256.0, (n / 124 % 128) as f32 / 128.0]));
    let right = || points((0..30_000_u32).map(|n| [0.52 + (n % 120) as f32 / 256.0, (n / 120 % 128) as f32 / 128.0]));
    let cloud = Arc::new(Cloud::new([256, 128], left()));
    let before = alone(&mut studio, &cloud);
    right().into_iter().for_each(|point| assert!(cloud.add(point)));
    let after = alone(&mut studio, &cloud);
    let at_once = Arc::new(Cloud::new([256, 128], left().into_iter().chain(right()).collect()));
    assert!(alone(&mut studio, &at_once).rgba == after.rgba, "one by one or at once");
    let sum = |drawn: &Capture, from: usize| {
        drawn
            .rgba
            .chunks_exact(4)
            .enumerate()
            .filter(|(at, _)| at % 256 / 128 == from)
            .map(|(_, p)| u64::from(p[0]))
            .sum::<u64>()
    };
    assert!(sum(&before, 0) == sum(&after, 0), "those that were there stay");
    assert!(sum(&before, 0) > 2 * sum(&before, 1), "those that were there shine");
    // Two of them on each of 15,360 pixels, some shades brighter than the ground.
    assert!(sum(&after, 1) > sum(&before, 1) + 30_000, "those that came shine, too");
    // The renderer holds one cloud; the other one knows that it has to be made anew.
    assert!(cloud.is_gone() && !at_once.is_gone());
}

#[test]
fn a_wall_that_moves_faster_than_its_adapter_draws_leaves_no_queue_of_pictures() {
    let _alone = ONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let Some(Wall { mut studio, .. }) = Wall::open() else { return };
    let places = (0..300_000_u32).map(|n| [(n % 250) as f32 / 256.0, (n / 250 % 128) as f32 / 128.0]);
    let cloud = Arc::new(Cloud::new([256, 128], points(places)));
    alone(&mut studio, &cloud);
    let begun = std::time::Instant::now();
    for number in 0..16 {
        let motion = Motion { at_s: Some(f64::from(number)), weight: 1.0 };
        studio.compose_plain([256, 128], |pen| pen.cloud(Rect::new(0.0, 0.0, 256.0, 128.0), &cloud, &motion));
        studio.turn().unwrap();
    }
    let turned = begun.elapsed();
    studio.wait();
    // One of sixteen is still under way; without a bound it would be nearly all of them.
    let left = begun.elapsed() - turned;
    assert!(left < turned / 3, "16 pictures were given in {turned:?}, and {left:?} later they were drawn");
}
