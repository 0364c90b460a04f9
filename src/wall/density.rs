//! Very many points as light: how many fall on each pixel, and how bright that is.
//!
//! Ten million points cost what the pixels cost, not what the points cost, so a software rasteriser shows them too.
//! The same map, size and counts give the same light. A graphics card lets the points move instead: see
//! [`Cloud`](super::canvas::Cloud), whose light at rest is this one.

use super::canvas::tone::{BOARD_MOST, BOARDS, Tone};
use super::map::Map;
use super::scatter::Scatter;

pub struct Density {
    scatter: Scatter,
    counts: Vec<[u16; BOARDS]>,
}

impl Density {
    /// An empty field of `width` × `height` pixels; `pixel` says where map coordinates fall on it and `scale` how many
    /// pixels a unit of the map has.
    pub fn new(map: &Map, [width, height]: [usize; 2], scale: f32, pixel: impl Fn([f32; 2]) -> [f32; 2]) -> Density {
        let scatter = Scatter::new(map, [width, height], scale, pixel);
        Density { scatter, counts: vec![[0; BOARDS]; width * height] }
    }

    /// Lets so many more points of a board fall into a district, given by its position in the map. Those that fall
    /// outside the picture are there all the same.
    pub fn scatter(&mut self, area: usize, board: usize, points: u64) {
        for _ in 0..points {
            if let Some(pixel) = self.scatter.fall(area) {
                let count = &mut self.counts[pixel][board % BOARDS];
                *count = count.saturating_add(1);
            }
        }
    }

    /// The light as RGBA, rows from the top; to be added to what is below. Each point shines as `weight` points do.
    pub fn light(&self, weight: f32, rgba: &mut Vec<u8>) {
        rgba.clear();
        rgba.resize(self.counts.len() * 4, 0);
        let Tone { boards: colours, white, .. } = Tone::of_tokens();
        let most = (f32::from(BOARD_MOST) / weight) as u16;
        let bright_of = |points: u32| Tone::brightness(points as f32 * weight);
        // Most pixels have few points: their brightness is looked up.
        let table: Vec<f32> = (0..1024).map(bright_of).collect();
        for (index, (counts, pixel)) in self.counts.iter().zip(rgba.chunks_exact_mut(4)).enumerate() {
            if *counts == [0; BOARDS] {
                continue;
            }
            let counts = counts.map(|count| u32::from(count.min(most)));
            let points: u32 = counts.iter().sum();
            let bright = table.get(points as usize).copied().unwrap_or_else(|| bright_of(points));
            // A pixel has the colour of one of its points, so that a crowd stays many lights; a mean would be grey.
            let mut chosen = (Tone::choice(index as u32) * points as f32) as u32;
            let mut board = 0;
            while board + 1 < BOARDS && chosen >= counts[board] {
                chosen -= counts[board];
                board += 1;
            }
            let share = Tone::whiteness(bright);
            for part in 0..3 {
                let colour = colours[board][part];
                pixel[part] = ((colour + (white[part] - colour) * share) * bright * 255.0 + 0.5).min(255.0) as u8;
            }
            pixel[3] = 255;
        }
    }

    pub fn size(&self) -> [u32; 2] {
        self.scatter.size()
    }

    /// Points in the picture so far.
    pub fn points(&self) -> u64 {
        self.counts.iter().flatten().map(|count| u64::from(*count)).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::City;
    use crate::wall::scatter;

    fn density() -> (Density, Map) {
        let map = Map::load(&City::load("ningbo").unwrap()).unwrap().unwrap();
        let [left, top, right, bottom] = map.bounds;
        let scale = 400.0 / (bottom - top);
        let width = ((right - left) * scale) as usize + 1;
        let density = Density::new(&map, [width, 401], scale, |[x, y]| [(x - left) * scale, (y - top) * scale]);
        (density, map)
    }

    #[test]
    fn every_point_falls_into_its_district_and_none_is_lost_where_all_of_it_is_in_view() {
        let (mut density, map) = density();
        for area in 0..map.areas.len() {
            let before = density.points();
            density.scatter(area, area, 20_000);
            let fallen = density.points() - before;
            assert!(fallen > 19_000, "district {area}: {fallen} of 20,000");
        }
        let strangers = density
            .counts
            .iter()
            .zip(&density.scatter.areas)
            .filter(|(counts, area)| counts.iter().any(|count| *count > 0) && **area == scatter::OUTSIDE);
        assert_eq!(strangers.count(), 0);
    }

    #[test]
    fn the_same_points_give_the_same_light() {
        let light = || {
            let (mut density, _) = density();
            density.scatter(0, 0, 5_000);
            density.scatter(1, 3, 5_000);
            let mut rgba = Vec::new();
            density.light(1.0, &mut rgba);
            rgba
        };
        let first = light();
        assert!(first == light() && first.iter().any(|value| *value > 40));
    }
}
