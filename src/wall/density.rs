//! Very many points as light: how many fall on each pixel, and how bright that is.
//!
//! Ten million points cost what the pixels cost, not what the points cost, so a software rasteriser shows them too.
//! Points are scattered as sparks are: inside their district, around known places, never at an address. The same map,
//! size and counts give the same light. Works on whole pixels of the picture, or of a coarser field on very large walls.

use super::map::Map;
use super::tokens;

/// No district's pixel.
const OUTSIDE: u8 = u8::MAX;
/// Boards told apart; later ones share their colours.
const BOARDS: usize = 4;
/// Of 256 points so many fall anywhere in their district, the others around a known place.
const ANYWHERE: u64 = 5;
/// How far from a known place points fall, degrees: most near it, a few far out.
const REACHES: [f32; 4] = [0.006, 0.011, 0.019, 0.042];
/// Entries of the table of distances and directions.
const SPREAD: usize = 4096;
/// As many points on one pixel are as bright as can be.
const FULL: f32 = 2600.0;

pub struct Density {
    width: usize,
    height: usize,
    /// District of each pixel, by its position in the map.
    areas: Vec<u8>,
    /// Pixels of each district.
    inside: Vec<Vec<u32>>,
    /// The part of each district that is in the picture, 0 to 1.
    in_view: Vec<f64>,
    /// Known places of each district, pixels.
    places: Vec<Vec<[f32; 2]>>,
    spread: Vec<[f32; 2]>,
    reaches: [f32; 4],
    counts: Vec<[u16; BOARDS]>,
    dice: u64,
}

impl Density {
    /// An empty field of `width` × `height` pixels; `pixel` says where map coordinates fall on it and `scale` how many
    /// pixels a unit of the map has.
    pub fn new(map: &Map, [width, height]: [usize; 2], scale: f32, pixel: impl Fn([f32; 2]) -> [f32; 2]) -> Density {
        let mut density = Density {
            width,
            height,
            areas: vec![OUTSIDE; width * height],
            inside: Vec::new(),
            in_view: Vec::new(),
            places: Vec::new(),
            spread: spread(),
            reaches: REACHES.map(|reach| reach * scale),
            counts: vec![[0; BOARDS]; width * height],
            dice: 0x9e37_79b9_7f4a_7c15,
        };
        for (position, area) in map.areas.iter().enumerate().take(usize::from(OUTSIDE)) {
            let mut whole = 0.0;
            for rings in &area.polygons {
                let rings: Vec<Vec<[f32; 2]>> =
                    rings.iter().map(|ring| ring.iter().map(|point| pixel(*point)).collect()).collect();
                whole += rings.first().map_or(0.0, |ring| enclosed(ring));
                density.fill(position as u8, &rings);
            }
            let inside: Vec<u32> = density
                .areas
                .iter()
                .enumerate()
                .filter(|(_, area)| **area == position as u8)
                .map(|(pixel, _)| pixel as u32)
                .collect();
            density.in_view.push((inside.len() as f64 / whole.max(1.0)).min(1.0));
            density.inside.push(inside);
            density.places.push(area.places().iter().map(|place| pixel(*place)).collect());
        }
        density
    }

    /// Gives the pixels whose middles lie in a polygon (outer ring and holes) to a district.
    fn fill(&mut self, area: u8, rings: &[Vec<[f32; 2]>]) {
        let mut crossings: Vec<f32> = Vec::new();
        for row in 0..self.height {
            let y = row as f32 + 0.5;
            crossings.clear();
            for ring in rings {
                for (a, b) in ring.iter().zip(ring.iter().cycle().skip(1)) {
                    if (a[1] > y) != (b[1] > y) {
                        crossings.push(a[0] + (b[0] - a[0]) * (y - a[1]) / (b[1] - a[1]));
                    }
                }
            }
            crossings.sort_by(f32::total_cmp);
            for pair in crossings.chunks_exact(2) {
                let first = (pair[0] - 0.5).ceil().max(0.0) as usize;
                let last = ((pair[1] - 0.5).ceil().max(0.0) as usize).min(self.width);
                if first < last {
                    self.areas[row * self.width + first..row * self.width + last].fill(area);
                }
            }
        }
    }

    fn next(&mut self) -> u64 {
        self.dice = self.dice.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.dice;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Lets so many more points of a board fall into a district, given by its position in the map. Those that fall
    /// outside the picture are there all the same.
    pub fn scatter(&mut self, area: usize, board: usize, points: u64) {
        if area >= self.inside.len() {
            return;
        }
        let board = board % BOARDS;
        let in_view = (self.in_view[area] * f64::from(u32::MAX)) as u32;
        let known = self.places[area].len();
        for _ in 0..points {
            let dice = self.next();
            let around = known > 0 && (dice & 0xff) >= ANYWHERE;
            let pixel = if around {
                match self.around(area, dice) {
                    Fallen::On(pixel) => pixel,
                    Fallen::Beyond => continue,
                    Fallen::Outside => match self.anywhere(area, in_view) {
                        Some(pixel) => pixel,
                        None => continue,
                    },
                }
            } else {
                match self.anywhere(area, in_view) {
                    Some(pixel) => pixel,
                    None => continue,
                }
            };
            let count = &mut self.counts[pixel][board];
            *count = count.saturating_add(1);
        }
    }

    fn around(&self, area: usize, dice: u64) -> Fallen {
        let places = &self.places[area];
        let [x, y] = places[((dice >> 8 & 0xffff) as usize * places.len()) >> 16];
        let [dx, dy] = self.spread[(dice >> 24) as usize % SPREAD];
        let reach = self.reaches[(dice >> 40) as usize % REACHES.len()];
        // Half a pixel of its own, so that points of one table entry do not pile up.
        let jitter = [(dice >> 44 & 0x3ff) as f32 / 1024.0, (dice >> 54) as f32 / 1024.0];
        for side in [1.0, -1.0] {
            let (x, y) = (x + dx * reach * side + jitter[0] - 0.5, y + dy * reach * side + jitter[1] - 0.5);
            if x < 0.0 || y < 0.0 || x >= self.width as f32 || y >= self.height as f32 {
                return Fallen::Beyond;
            }
            let pixel = y as usize * self.width + x as usize;
            if usize::from(self.areas[pixel]) == area {
                return Fallen::On(pixel);
            }
        }
        Fallen::Outside
    }

    fn anywhere(&mut self, area: usize, in_view: u32) -> Option<usize> {
        let dice = self.next();
        let inside = &self.inside[area];
        if inside.is_empty() || (dice as u32) > in_view {
            return None;
        }
        Some(inside[(((dice >> 32) * inside.len() as u64) >> 32) as usize] as usize)
    }

    /// The light as RGBA, rows from the top; to be added to what is below.
    pub fn light(&self, rgba: &mut Vec<u8>) {
        rgba.clear();
        rgba.resize(self.counts.len() * 4, 0);
        let colours: [[f32; 3]; BOARDS] =
            std::array::from_fn(|board| [0, 1, 2].map(|part| f32::from(tokens::board(board).0[part])));
        let white = tokens::TEXT.mix(tokens::ACCENT_SOFT, 0.22).0.map(f32::from);
        // Most pixels have few points: their brightness is looked up.
        let brightness = |points: u32| ((1.0 + points as f32).ln() / (1.0 + FULL).ln()).min(1.0).powf(2.1);
        let table: Vec<f32> = (0..1024).map(brightness).collect();
        for (index, (counts, pixel)) in self.counts.iter().zip(rgba.chunks_exact_mut(4)).enumerate() {
            if *counts == [0; BOARDS] {
                continue;
            }
            let points: u32 = counts.iter().map(|count| u32::from(*count)).sum();
            let bright = table.get(points as usize).copied().unwrap_or_else(|| brightness(points));
            // A pixel has the colour of one of its points, so that a crowd stays many lights; a mean would be grey.
            let mut chosen = (index as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
            chosen = (chosen * u64::from(points)) >> 32;
            let mut board = 0;
            while board + 1 < BOARDS && chosen >= u64::from(counts[board]) {
                chosen -= u64::from(counts[board]);
                board += 1;
            }
            // The brighter, the whiter, as an eye sees very many lights.
            let share = (0.06 + 0.85 * bright).min(0.86);
            for part in 0..3 {
                let colour = colours[board][part];
                pixel[part] = ((colour + (white[part] - colour) * share) * bright).min(255.0) as u8;
            }
            pixel[3] = 255;
        }
    }

    pub fn size(&self) -> [u32; 2] {
        [self.width as u32, self.height as u32]
    }

    /// Points in the picture so far.
    pub fn points(&self) -> u64 {
        self.counts.iter().flatten().map(|count| u64::from(*count)).sum()
    }
}

enum Fallen {
    On(usize),
    /// Outside the picture.
    Beyond,
    /// In the sea or in another district.
    Outside,
}

/// Distances (as those of a Gaussian cloud of reach 1) and directions.
fn spread() -> Vec<[f32; 2]> {
    (0..SPREAD)
        .map(|index| {
            let distance = (-(1.0 - (index as f32 + 0.5) / SPREAD as f32).ln()).sqrt();
            // The golden angle: neighbouring distances point everywhere.
            let turn = index as f32 * 2.399_963;
            [distance * turn.cos(), distance * turn.sin()]
        })
        .collect()
}

/// Area of a ring, square pixels.
fn enclosed(ring: &[[f32; 2]]) -> f64 {
    let pairs = ring.iter().zip(ring.iter().cycle().skip(1));
    pairs.map(|(a, b)| f64::from(a[0]) * f64::from(b[1]) - f64::from(b[0]) * f64::from(a[1])).sum::<f64>().abs() / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::City;

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
            .zip(&density.areas)
            .filter(|(counts, area)| counts.iter().any(|count| *count > 0) && **area == OUTSIDE);
        assert_eq!(strangers.count(), 0);
    }

    #[test]
    fn the_same_points_give_the_same_light() {
        let light = || {
            let (mut density, _) = density();
            density.scatter(0, 0, 5_000);
            density.scatter(1, 3, 5_000);
            let mut rgba = Vec::new();
            density.light(&mut rgba);
            rgba
        };
        let first = light();
        assert!(first == light() && first.iter().any(|value| *value > 40));
    }
}
