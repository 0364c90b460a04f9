//! Many line charts of many points each, all of them with new points each frame.

use crate::wall::canvas::{Face, Paint, Rect, Style};
use crate::wall::studio::Studio;
use crate::wall::tokens::{self, size};
use crate::wall::{WallError, format};

use super::{Composed, Frames};

const SIZE: [u32; 2] = [1920, 1080];
/// New points a chart and frame.
const NEW: usize = 100;

/// A chart's points, newest last, in a ring.
struct Series {
    values: Vec<f32>,
    /// Position of the oldest.
    oldest: usize,
    dice: u64,
    level: f32,
}

impl Series {
    fn new(points: usize, seed: u64) -> Series {
        let mut series = Series { values: vec![0.0; points], oldest: 0, dice: seed | 1, level: 0.0 };
        series.advance(points);
        series
    }

    /// A walk that is drawn back to the middle.
    fn advance(&mut self, count: usize) {
        for _ in 0..count {
            self.dice ^= self.dice << 13;
            self.dice ^= self.dice >> 7;
            self.dice ^= self.dice << 17;
            let step = (self.dice >> 40) as f32 / (1_u64 << 24) as f32 - 0.5;
            self.level = self.level * 0.9995 + step * 0.06;
            self.values[self.oldest] = self.level;
            self.oldest = (self.oldest + 1) % self.values.len();
        }
    }

    fn halves(&self) -> [&[f32]; 2] {
        let (newer, older) = self.values.split_at(self.oldest);
        [older, newer]
    }
}

pub fn measure(studio: &mut Studio, charts: usize, points: usize, seconds: f64) -> Result<Frames, WallError> {
    let mut series: Vec<Series> = (0..charts as u64).map(|seed| Series::new(points, seed * 7919 + 1)).collect();
    let mut columns = 1;
    while columns * columns * 9 / 16 < charts {
        columns += 1;
    }
    let rows = charts.div_ceil(columns).max(1);
    let (wide, high) = (SIZE[0] as f32 / columns as f32, SIZE[1] as f32 / rows as f32);
    Frames::measure(seconds, |_| {
        series.iter_mut().for_each(|series| series.advance(NEW));
        let composed = Composed::by(|| {
            studio.compose_plain(SIZE, |pen| {
                for (index, series) in series.iter().enumerate() {
                    let place = Rect::new((index % columns) as f32 * wide, (index / columns) as f32 * high, wide, high);
                    chart(pen, place.inset(4.0), index, series);
                }
            });
        });
        studio.turn()?;
        studio.wait();
        Ok(composed)
    })
}

fn chart(pen: &mut Paint<'_>, place: Rect, index: usize, series: &Series) {
    pen.gradient(place, 3.0, tokens::PANEL_TOP, tokens::PANEL_BOTTOM, false);
    let plot = Rect { top: place.top + 22.0, ..place.inset(4.0) };
    pen.rule(plot.left, plot.right, plot.bottom, tokens::RULE);
    pen.dense_line(series.halves(), plot, tokens::board(index));
    let newest = series.values[(series.oldest + series.values.len() - 1) % series.values.len()];
    let figure = Style::new(Face::Figure, size::CAPTION, tokens::TEXT).right();
    pen.text(place.right - 6.0, place.top + 17.0, &format::decimal(Some(f64::from(newest)), 2), &figure);
}
