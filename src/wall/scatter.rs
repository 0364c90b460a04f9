//! Where in the city so many points fall: inside their district, around known places, never at an address.
//!
//! Works on whole pixels of the picture, or of a coarser field on very large walls. The same map, size and order of
//! districts give the same places, whether they are counted ([`Density`](super::density::Density)) or become points
//! that move ([`Cloud`](super::canvas::Cloud)).

use super::canvas::Point;
use super::map::Map;

/// No district's pixel.
pub const OUTSIDE: u8 = u8::MAX;
/// Of 256 points so many fall anywhere in their district, the others around a known place.
const ANYWHERE: u64 = 5;
/// How far from a known place points fall, degrees: most near it, a few far out.
const REACHES: [f32; 4] = [0.006, 0.011, 0.019, 0.042];
/// Entries of the table of distances and directions.
const SPREAD: usize = 4096;
/// How far from the middle of its pixel a point rests, pixels: it stays in the pixel in which it is counted.
const OFF_MIDDLE: f32 = 0.7;

pub struct Scatter {
    width: usize,
    height: usize,
    /// District of each pixel, by its position in the map.
    pub areas: Vec<u8>,
    /// Pixels of each district.
    inside: Vec<Vec<u32>>,
    /// The part of each district that is in the picture, 0 to 1.
    in_view: Vec<f64>,
    /// Known places of each district, pixels.
    places: Vec<Vec<[f32; 2]>>,
    spread: Vec<[f32; 2]>,
    reaches: [f32; 4],
    dice: u64,
}

impl Scatter {
    /// A field of `width` × `height` pixels; `pixel` says where map coordinates fall on it and `scale` how many pixels a
    /// unit of the map has.
    pub fn new(map: &Map, [width, height]: [usize; 2], scale: f32, pixel: impl Fn([f32; 2]) -> [f32; 2]) -> Scatter {
        let mut scatter = Scatter {
            width,
            height,
            areas: vec![OUTSIDE; width * height],
            inside: Vec::new(),
            in_view: Vec::new(),
            places: Vec::new(),
            spread: spread(),
            reaches: REACHES.map(|reach| reach * scale),
            dice: 0x9e37_79b9_7f4a_7c15,
        };
        for (position, area) in map.areas.iter().enumerate().take(usize::from(OUTSIDE)) {
            let mut whole = 0.0;
            for rings in &area.polygons {
                let rings: Vec<Vec<[f32; 2]>> =
                    rings.iter().map(|ring| ring.iter().map(|point| pixel(*point)).collect()).collect();
                whole += rings.first().map_or(0.0, |ring| enclosed(ring));
                scatter.fill(position as u8, &rings);
            }
            let inside: Vec<u32> = scatter
                .areas
                .iter()
                .enumerate()
                .filter(|(_, area)| **area == position as u8)
                .map(|(pixel, _)| pixel as u32)
                .collect();
            scatter.in_view.push((inside.len() as f64 / whole.max(1.0)).min(1.0));
            scatter.inside.push(inside);
            scatter.places.push(area.places().iter().map(|place| pixel(*place)).collect());
        }
        scatter
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
        mixed(self.dice)
    }

    /// The pixel on which one more point of a district falls; `None` outside the picture.
    pub fn fall(&mut self, area: usize) -> Option<usize> {
        let in_view = (self.in_view.get(area)? * f64::from(u32::MAX)) as u32;
        let dice = self.next();
        if self.places[area].is_empty() || (dice & 0xff) < ANYWHERE {
            return self.anywhere(area, in_view);
        }
        match self.around(area, dice) {
            Fallen::On(pixel) => Some(pixel),
            Fallen::Beyond => None,
            Fallen::Outside => self.anywhere(area, in_view),
        }
    }

    /// One more point of a board that falls into a district and moves around its place; `None` outside the picture.
    pub fn point(&mut self, area: usize, board: usize) -> Option<Point> {
        let pixel = self.fall(area)?;
        // Its own: the places that are counted must not depend on it.
        let dice = mixed(self.dice ^ 0x5851_f42d_4c95_7f2d);
        let side = |position: usize, dice: u64, of: usize| {
            let off = ((dice & 0xffff) as f32 / 65_535.0 - 0.5) * OFF_MIDDLE;
            ((position as f32 + 0.5 + off) * 65_535.0 / of as f32).round() as u16
        };
        Some(Point {
            place: [side(pixel % self.width, dice, self.width), side(pixel / self.width, dice >> 16, self.height)],
            board: board as u8,
            phase: (dice >> 32) as u8,
            pace: (dice >> 40) as u8,
            beat: (dice >> 48) as u8,
        })
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

    pub fn size(&self) -> [u32; 2] {
        [self.width as u32, self.height as u32]
    }
}

/// splitmix64.
fn mixed(dice: u64) -> u64 {
    let mixed = (dice ^ (dice >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
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
