//! The pen: figures, text and curves in design units, put into a display list as pixels.
//!
//! Text stands on whole pixels. Colours pass through the pen's `grey`, so that a late panel is greyed in one place.

mod lines;
mod text;

use std::sync::Arc;

use super::super::tokens::Colour;
use super::cloud::{Cloud, Motion};
use super::glyphs::Glyphs;
use super::list::{DisplayList, Field, FieldInstance, Rect, ShapeInstance, SparkInstance};

pub use text::{Align, CAP, Style, is_wide};

pub struct Paint<'a> {
    pub list: &'a mut DisplayList,
    pub glyphs: &'a mut Glyphs,
    /// Pixels a design unit.
    pub scale: f32,
    /// Pixels of the design's origin.
    pub origin: [f32; 2],
    /// 0 fresh, 1 wholly grey.
    pub grey: f32,
    /// 1 shown, 0 gone: a scene fading in.
    pub opacity: f32,
    /// Very many points are drawn one by one and move; else they are a field of light.
    pub points_move: bool,
}

impl Paint<'_> {
    fn x(&self, x: f32) -> f32 {
        self.origin[0] + x * self.scale
    }
    fn y(&self, y: f32) -> f32 {
        self.origin[1] + y * self.scale
    }
    fn ink(&self, colour: Colour) -> Colour {
        let greyed = colour.greyed(self.grey);
        if self.opacity < 1.0 { greyed.alpha(self.opacity) } else { greyed }
    }

    /// Draws only inside `clip` until it is set again.
    pub fn clip(&mut self, clip: Option<Rect>) {
        let pixels = clip.map(|clip| {
            let left = self.x(clip.left).floor().max(0.0);
            let top = self.y(clip.top).floor().max(0.0);
            let width = (self.x(clip.right).ceil() - left).max(0.0);
            let height = (self.y(clip.bottom).ceil() - top).max(0.0);
            [left as u32, top as u32, width as u32, height as u32]
        });
        self.list.set_clip(pixels);
    }

    /// A box with its edges on whole pixels.
    pub fn rect(&mut self, rect: Rect, radius: f32, fill: Colour) {
        self.gradient(rect, radius, fill, fill, false);
    }

    /// A box filled from one colour to another, top to bottom or left to right.
    pub fn gradient(&mut self, rect: Rect, radius: f32, first: Colour, last: Colour, across: bool) {
        self.framed(rect, radius, first, last, across, None);
    }

    /// A box with a line of `stroke` design units inside its edge.
    pub fn framed(
        &mut self,
        rect: Rect,
        radius: f32,
        first: Colour,
        last: Colour,
        across: bool,
        stroke: Option<(f32, Colour)>,
    ) {
        let left = self.x(rect.left).round();
        let top = self.y(rect.top).round();
        let right = self.x(rect.right).round().max(left + 1.0);
        let bottom = self.y(rect.bottom).round().max(top + 1.0);
        let half = [(right - left) * 0.5, (bottom - top) * 0.5];
        let radius = (radius * self.scale).min(half[0]).min(half[1]);
        let (width, line) = stroke.unwrap_or((0.0, Colour::CLEAR));
        self.list.shape(ShapeInstance {
            place: [left + half[0], top + half[1], half[0], half[1]],
            shape: [0.0, radius, (width * self.scale).max(1.0), 1.0],
            extra: [half[0], half[1], 0.0, if across { 1.0 } else { 0.0 }],
            fill_first: self.ink(first),
            fill_last: self.ink(last),
            stroke: self.ink(line),
        });
    }

    pub fn disc(&mut self, x: f32, y: f32, radius: f32, fill: Colour) {
        let reach = radius * self.scale;
        let ink = self.ink(fill);
        self.list.shape(ShapeInstance {
            place: [self.x(x), self.y(y), reach + 1.0, reach + 1.0],
            shape: [0.0, reach, 0.0, 1.0],
            extra: [reach, reach, 0.0, 0.0],
            fill_first: ink,
            fill_last: ink,
            stroke: Colour::CLEAR,
        });
    }

    /// An arc from `start` over `share` of the whole circle, both from 12 o'clock, clockwise, with round ends.
    #[expect(clippy::too_many_arguments, reason = "a shape of plain numbers")]
    pub fn ring(&mut self, x: f32, y: f32, radius: f32, width: f32, start: f32, share: f32, colour: Colour) {
        if share <= 0.0 {
            return;
        }
        let turn = std::f32::consts::TAU;
        let reach = (radius + width * 0.5) * self.scale + 1.0;
        let ink = self.ink(colour);
        self.list.shape(ShapeInstance {
            place: [self.x(x), self.y(y), reach, reach],
            shape: [1.0, radius * self.scale, width * self.scale, 1.0],
            extra: [start * turn, if share >= 1.0 { turn + 0.01 } else { share * turn }, 0.0, 0.0],
            fill_first: ink,
            fill_last: ink,
            stroke: Colour::CLEAR,
        });
    }

    /// A straight line with round ends.
    pub fn segment(&mut self, from: [f32; 2], to: [f32; 2], width: f32, colour: Colour) {
        let half = [(to[0] - from[0]) * 0.5 * self.scale, (to[1] - from[1]) * 0.5 * self.scale];
        let margin = width * self.scale * 0.5 + 1.0;
        let ink = self.ink(colour);
        self.list.shape(ShapeInstance {
            place: [
                self.x((from[0] + to[0]) * 0.5),
                self.y((from[1] + to[1]) * 0.5),
                half[0].abs() + margin,
                half[1].abs() + margin,
            ],
            shape: [2.0, 0.0, width * self.scale, 1.0],
            extra: [half[0], half[1], 0.0, 0.0],
            fill_first: ink,
            fill_last: ink,
            stroke: Colour::CLEAR,
        });
    }

    /// A level line one pixel (or `width`) thick, on whole pixels.
    pub fn rule(&mut self, left: f32, right: f32, y: f32, colour: Colour) {
        let thick = (1.0 / self.scale).max(1.0);
        self.rect(Rect::new(left, y, right - left, thick), 0.0, colour);
    }

    /// A point of light: `glow` and `core` are radii.
    pub fn spark(&mut self, x: f32, y: f32, glow: f32, core: f32, colour: Colour) {
        let instance = SparkInstance {
            place: [self.x(x), self.y(y), (glow * self.scale).max(1.5), (core * self.scale).max(0.75)],
            colour: self.ink(colour),
        };
        self.list.spark(instance);
    }

    /// Light made elsewhere, over a rectangle.
    pub fn field(&mut self, rect: Rect, light: &Arc<Field>) {
        let (left, top) = (self.x(rect.left).round(), self.y(rect.top).round());
        let (right, bottom) = (self.x(rect.right).round(), self.y(rect.bottom).round());
        let field = FieldInstance {
            place: [left, top, right - left, bottom - top],
            texels: [light.size[0] as f32, light.size[1] as f32],
            colour: self.ink(super::super::tokens::TEXT),
            serial: light.serial as u32,
        };
        self.list.field(field, light.clone());
    }

    /// Very many points that move, over a rectangle; below what the front layer paints after it.
    pub fn cloud(&mut self, rect: Rect, cloud: &Arc<Cloud>, motion: &Motion) {
        let (left, top) = (self.x(rect.left).round(), self.y(rect.top).round());
        let (right, bottom) = (self.x(rect.right).round(), self.y(rect.bottom).round());
        let ink = self.ink(super::super::tokens::TEXT);
        let place = [left, top, right - left, bottom - top];
        self.list.cloud(cloud.instance(place, self.scale, ink, motion), cloud.clone());
    }

    /// One triangle in design units.
    pub fn triangle(&mut self, corners: [([f32; 2], Colour); 3]) {
        let corners = corners.map(|([x, y], colour)| ([self.x(x), self.y(y)], self.ink(colour)));
        self.list.triangle(corners);
    }
}
