//! Very many points as one field of light: each frame new points fall, the field is lit and drawn anew.

use std::sync::Arc;

use crate::wall::WallError;
use crate::wall::canvas::{Field, Rect};
use crate::wall::data::Data;
use crate::wall::density::Density;
use crate::wall::studio::Studio;

use super::Frames;

/// New points a frame.
const NEW: u64 = 1_000;

/// What was measured, and how long the points took to be scattered the first time, ms.
pub fn measure(
    studio: &mut Studio,
    data: &Data,
    size: [u32; 2],
    points: u64,
    seconds: f64,
) -> Result<(Frames, f64), WallError> {
    let Some(map) = data.sparks.map().cloned() else {
        return Err(WallError::Setup("the city of the benchmark has no map; name one that has".into()));
    };
    let [left, top, right, bottom] = map.bounds;
    let scale = (size[0] as f32 / (right - left)).min(size[1] as f32 / (bottom - top));
    let begun = std::time::Instant::now();
    let sides = size.map(|side| side as usize);
    let mut density = Density::new(&map, sides, scale, |[x, y]| [(x - left) * scale, (y - top) * scale]);
    let areas = map.areas.len();
    for area in 0..areas {
        for board in 0..4 {
            density.scatter(area, board, points / (areas as u64 * 4));
        }
    }
    let scattered_ms = begun.elapsed().as_secs_f64() * 1000.0;
    let whole = Rect::new(0.0, 0.0, size[0] as f32, size[1] as f32);
    let frames = Frames::measure(seconds, |number| {
        density.scatter(number as usize % areas, number as usize % 4, NEW);
        let mut rgba = Vec::new();
        density.light(&mut rgba);
        let light = Arc::new(Field::new(density.size(), rgba));
        let before = crate::allocations::of_this_thread();
        studio.compose_plain(size, |pen| pen.field(whole, &light));
        let composing = crate::allocations::of_this_thread() - before;
        studio.turn()?;
        studio.wait();
        Ok(composing)
    })?;
    Ok((frames, scattered_ms))
}
