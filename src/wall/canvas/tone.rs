//! How so many points on one pixel look. One rule for points that were counted and for points that move, so that both
//! give the same picture; `shaders/cloud.wgsl` says it once more.

use bytemuck::{Pod, Zeroable};

use super::super::tokens::{self, Colour};

/// Boards told apart; later ones share their colours.
pub const BOARDS: usize = 4;
/// As many points on one pixel are as bright as can be.
const FULL: f32 = 5000.0;
/// Makes few points dimmer: one alone is hardly seen, a crowd is.
const POWER: f32 = 1.9;
/// More points of a board on one pixel are not told apart: where points move they are counted in half floats.
pub const BOARD_MOST: u16 = 2048;
/// The brighter, the whiter, as an eye sees very many lights: of darkness, by brightness, at most.
const WHITER: [f32; 3] = [0.05, 0.80, 0.86];

/// As the shader reads it; colours are 0 to 1.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub struct Tone {
    pub boards: [[f32; 4]; BOARDS],
    pub white: [f32; 4],
    /// [`WHITER`].
    whiter: [f32; 4],
    /// [`FULL`], [`POWER`].
    curve: [f32; 4],
}

impl Tone {
    /// The tone in the boards' colours.
    pub fn of_tokens() -> Tone {
        let parts = |colour: Colour| colour.0.map(|part| f32::from(part) / 255.0);
        Tone {
            boards: std::array::from_fn(|board| parts(tokens::board(board))),
            white: parts(tokens::TEXT.mix(tokens::ACCENT_SOFT, 0.55)),
            whiter: [WHITER[0], WHITER[1], WHITER[2], 0.0],
            curve: [FULL, POWER, 0.0, 0.0],
        }
    }

    /// 0 to 1.
    pub fn brightness(points: f32) -> f32 {
        ((1.0 + points).ln() / (1.0 + FULL).ln()).min(1.0).powf(POWER)
    }

    /// A number of its own for each pixel, 0 to 1, that picks one of its points.
    pub fn choice(pixel: u32) -> f32 {
        let mixed = (pixel ^ (pixel >> 16)).wrapping_mul(0x7feb_352d);
        let mixed = (mixed ^ (mixed >> 15)).wrapping_mul(0x846c_a68b);
        (mixed ^ (mixed >> 16)) as f32 / 4_294_967_296.0
    }

    /// How white a pixel of such a brightness is, 0 to 1.
    pub fn whiteness(bright: f32) -> f32 {
        (WHITER[0] + WHITER[1] * bright).min(WHITER[2])
    }
}
