//! Very many points that move: each is written to the graphics card once, and moves there as a function of time, so
//! that a frame costs no upload.
//!
//! A [`Cloud`] is the main world's end of it: points wait in it until the renderer fetches them (`gpu`), and are then
//! nowhere but on the card. The renderer holds one cloud; one whose points it no longer has says [`Cloud::is_gone`], and
//! is to be made anew.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use bytemuck::{Pod, Zeroable};
use parking_lot::Mutex;

use super::super::tokens::Colour;

pub mod gpu;

/// Points of a cloud at most, 256 MiB of graphics memory; beyond, each stands for several.
pub const POINTS_MAX: usize = 1 << 25;
/// Seconds after which all motion is where it was: a whole number of periods of each point and of the breath.
pub const LOOP_S: f64 = 240.0;

/// A point as the graphics card reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Point {
    /// Where it rests, 0 to 65535 over the width and height of its cloud.
    pub place: [u16; 2],
    pub board: u8,
    /// Where on its way it begins, how fast it goes, how far it goes and how it twinkles: each its own.
    pub phase: u8,
    pub pace: u8,
    pub beat: u8,
}

#[derive(Default)]
struct Fallen {
    waiting: Vec<Point>,
    fetched: usize,
}

pub struct Cloud {
    /// No other cloud has it.
    pub serial: u64,
    /// Texels its points lie on.
    pub size: [u32; 2],
    /// The middle of the first points: where the breath comes from. Texels.
    centre: [f32; 2],
    fallen: Mutex<Fallen>,
    gone: AtomicBool,
}

impl Cloud {
    pub fn new(size: [u32; 2], mut points: Vec<Point>) -> Cloud {
        static SERIAL: AtomicU64 = AtomicU64::new(1);
        points.truncate(POINTS_MAX);
        Cloud {
            serial: SERIAL.fetch_add(1, Ordering::Relaxed),
            size,
            centre: middle(&points, size),
            fallen: Mutex::new(Fallen { waiting: points, fetched: 0 }),
            gone: AtomicBool::new(false),
        }
    }

    /// One more point; false when there is no room for more.
    pub fn add(&self, point: Point) -> bool {
        let mut fallen = self.fallen.lock();
        let room = fallen.waiting.len() + fallen.fetched < POINTS_MAX;
        if room {
            fallen.waiting.push(point);
        }
        room
    }

    /// Points that it has had so far.
    pub fn points(&self) -> usize {
        let fallen = self.fallen.lock();
        fallen.waiting.len() + fallen.fetched
    }

    /// The renderer no longer has its points.
    pub fn is_gone(&self) -> bool {
        self.gone.load(Ordering::Relaxed)
    }

    fn go(&self) {
        self.gone.store(true, Ordering::Relaxed);
    }

    /// Where it is to be drawn: left, top, width, height in pixels, each design unit `scale` of them.
    pub fn instance(&self, place: [f32; 4], scale: f32, colour: Colour, motion: &Motion) -> CloudInstance {
        let unit = scale * self.size[0] as f32 / place[2].max(1.0);
        CloudInstance {
            place,
            texels: self.size.map(|side| side as f32),
            colour,
            serial: self.serial as u32,
            centre: self.centre,
            seconds: motion.at_s.map_or(0.0, |at_s| at_s.rem_euclid(LOOP_S) as f32),
            reach: if motion.at_s.is_some() { super::super::tokens::POINT_REACH * unit } else { 0.0 },
            wave: super::super::tokens::BREATH_SPAN * unit,
            weight: motion.weight,
        }
    }
}

impl std::fmt::Debug for Cloud {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Cloud({}, {:?}, {} points)", self.serial, self.size, self.points())
    }
}

/// How a cloud moves.
#[derive(Clone, Copy, Debug)]
pub struct Motion {
    /// Seconds of a clock that goes on; `None`: every point is at rest.
    pub at_s: Option<f64>,
    /// How many points one of them shines as.
    pub weight: f32,
}

/// A cloud's place in a picture and the moment it is at.
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
#[repr(C)]
pub struct CloudInstance {
    pub place: [f32; 4],
    pub texels: [f32; 2],
    pub colour: Colour,
    /// Tells one cloud from the next when two lists are compared.
    pub serial: u32,
    /// What the points' shader reads, texels and seconds.
    centre: [f32; 2],
    seconds: f32,
    reach: f32,
    wave: f32,
    weight: f32,
}

/// The median of places, texels: far-off ones do not draw it away.
fn middle(points: &[Point], size: [u32; 2]) -> [f32; 2] {
    const SAMPLE: usize = 4096;
    let step = (points.len() / SAMPLE).max(1);
    let median = |side: usize| {
        let mut places: Vec<u16> = points.iter().step_by(step).map(|point| point.place[side]).collect();
        let half = places.len() / 2;
        if places.is_empty() { u16::MAX / 2 } else { *places.select_nth_unstable(half).1 }
    };
    [0, 1].map(|side| f32::from(median(side)) / 65_535.0 * size[side] as f32)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(x: u16) -> Point {
        Point { place: [x, x / 2], board: 0, phase: 0, pace: 0, beat: 0 }
    }

    #[test]
    fn the_breath_comes_from_where_most_points_are() {
        let mut points = vec![point(20_000); 1_000];
        points.extend(vec![point(65_535); 400]);
        let cloud = Cloud::new([655, 655], points);
        assert!((cloud.centre[0] - 199.9).abs() < 0.5 && (cloud.centre[1] - 99.9).abs() < 0.5, "{:?}", cloud.centre);
        assert_eq!(Cloud::new([10, 10], Vec::new()).centre.map(f32::round), [5.0, 5.0]);
    }

    #[test]
    fn at_rest_a_cloud_is_the_same_at_any_time_and_in_motion_it_is_not() {
        let cloud = Cloud::new([100, 100], vec![point(1)]);
        let at = |at_s| cloud.instance([0.0, 0.0, 200.0, 200.0], 2.0, Colour::CLEAR, &Motion { at_s, weight: 1.0 });
        assert_eq!(at(None).reach, 0.0);
        assert!(at(Some(1.0)) != at(Some(1.04)) && at(Some(1.0)).reach > 0.0);
        assert_eq!(at(Some(1.0)), at(Some(1.0 + LOOP_S)));
        // A hub's clock of today, in µs: half a frame is still told apart.
        assert!(at(Some(1_795_415_527.000)) != at(Some(1_795_415_527.016)));
    }
}
