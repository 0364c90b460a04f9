//! Very many points, new ones each frame: as one field of light that is lit and drawn anew, or as a cloud of points that
//! move, each drawn by itself.

use std::sync::Arc;

use crate::wall::canvas::tone::BOARDS;
use crate::wall::canvas::{Cloud, Field, Motion, Rect};
use crate::wall::data::Data;
use crate::wall::density::Density;
use crate::wall::map::Map;
use crate::wall::scatter::Scatter;
use crate::wall::studio::Studio;
use crate::wall::{PointsPath, WallError};

use super::{Composed, Frames};

/// New points a frame.
const NEW: usize = 1_000;
/// The clock's seconds a frame takes.
const STEP_S: f64 = 1.0 / 60.0;

/// What was measured, and how long the points took to be scattered the first time, ms.
pub fn measure(
    studio: &mut Studio,
    data: &Data,
    size: [u32; 2],
    points: u64,
    path: PointsPath,
    seconds: f64,
) -> Result<(Frames, f64), WallError> {
    let Some(map) = data.sparks.map().cloned() else {
        return Err(WallError::Setup("the city of the benchmark has no map; name one that has".into()));
    };
    if path == PointsPath::Moving {
        moving(studio, &map, size, points, seconds)
    } else {
        grid(studio, &map, size, points, seconds)
    }
}

/// Pixels of the whole map, and how a unit of it becomes so many.
fn fit(map: &Map, size: [u32; 2]) -> ([usize; 2], f32, impl Fn([f32; 2]) -> [f32; 2]) {
    let [left, top, right, bottom] = map.bounds;
    let scale = (size[0] as f32 / (right - left)).min(size[1] as f32 / (bottom - top));
    (size.map(|side| side as usize), scale, move |[x, y]: [f32; 2]| [(x - left) * scale, (y - top) * scale])
}

/// District and board of each point: all of them equally often.
fn spots(map: &Map, points: u64) -> impl Iterator<Item = (usize, usize)> {
    let (areas, each) = (map.areas.len(), points / (map.areas.len() * BOARDS) as u64);
    (0..areas).flat_map(move |area| (0..BOARDS).flat_map(move |board| (0..each).map(move |_| (area, board))))
}

fn whole(size: [u32; 2]) -> Rect {
    Rect::new(0.0, 0.0, size[0] as f32, size[1] as f32)
}

fn grid(studio: &mut Studio, map: &Map, size: [u32; 2], points: u64, seconds: f64) -> Result<(Frames, f64), WallError> {
    let begun = std::time::Instant::now();
    let (sides, scale, pixel) = fit(map, size);
    let mut density = Density::new(map, sides, scale, pixel);
    for (area, board) in spots(map, points) {
        density.scatter(area, board, 1);
    }
    let scattered_ms = begun.elapsed().as_secs_f64() * 1000.0;
    let areas = map.areas.len();
    let frames = Frames::measure(seconds, |number| {
        density.scatter(number as usize % areas, number as usize % BOARDS, NEW as u64);
        let mut rgba = Vec::new();
        density.light(1.0, &mut rgba);
        let light = Arc::new(Field::new(density.size(), rgba));
        let composed = Composed::by(|| studio.compose_plain(size, |pen| pen.field(whole(size), &light)));
        studio.turn()?;
        studio.wait();
        Ok(composed)
    })?;
    Ok((frames, scattered_ms))
}

fn moving(
    studio: &mut Studio,
    map: &Map,
    size: [u32; 2],
    points: u64,
    seconds: f64,
) -> Result<(Frames, f64), WallError> {
    let begun = std::time::Instant::now();
    let (sides, scale, pixel) = fit(map, size);
    let mut scatter = Scatter::new(map, sides, scale, pixel);
    let first = spots(map, points).filter_map(|(area, board)| scatter.point(area, board)).collect();
    let cloud = Arc::new(Cloud::new(scatter.size(), first));
    let scattered_ms = begun.elapsed().as_secs_f64() * 1000.0;
    let areas = map.areas.len();
    let frames = Frames::measure(seconds, |number| {
        for _ in 0..NEW {
            if let Some(point) = scatter.point(number as usize % areas, number as usize % BOARDS) {
                cloud.add(point);
            }
        }
        let motion = Motion { at_s: Some(number as f64 * STEP_S), weight: 1.0 };
        let composed = Composed::by(|| studio.compose_plain(size, |pen| pen.cloud(whole(size), &cloud, &motion)));
        studio.turn()?;
        studio.wait();
        Ok(composed)
    })?;
    Ok((frames, scattered_ms))
}
