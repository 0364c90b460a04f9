//! The pen: figures, text and curves in design units, put into a display list as pixels.
//!
//! Text stands on whole pixels. Colours pass through the pen's `grey`, so that a late panel is greyed in one place.

use super::super::tokens::Colour;
use super::glyphs::{Effect, Face, Glyphs};
use std::sync::Arc;

use super::cloud::{Cloud, Motion};
use super::list::{DisplayList, Field, FieldInstance, GlyphInstance, Rect, ShapeInstance, SparkInstance};
use super::wrap::wrap;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Align {
    #[default]
    Left,
    Middle,
    Right,
}

/// How a text is set.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    pub face: Face,
    /// Design units, a step of the ladder.
    pub size: f32,
    pub colour: Colour,
    pub align: Align,
    /// Extra space between characters, em.
    pub spacing: f32,
    /// A dark rim of this width, design units.
    pub halo: Option<(f32, Colour)>,
    /// A glow of this radius, design units.
    pub glow: Option<(f32, Colour)>,
}

impl Style {
    pub const fn new(face: Face, size: f32, colour: Colour) -> Style {
        Style { face, size, colour, align: Align::Left, spacing: 0.0, halo: None, glow: None }
    }
    pub const fn align(self, align: Align) -> Style {
        Style { align, ..self }
    }
    pub const fn middle(self) -> Style {
        self.align(Align::Middle)
    }
    pub const fn right(self) -> Style {
        self.align(Align::Right)
    }
    pub const fn colour(self, colour: Colour) -> Style {
        Style { colour, ..self }
    }
    pub const fn spacing(self, spacing: f32) -> Style {
        Style { spacing, ..self }
    }
    pub const fn halo(self, width: f32, colour: Colour) -> Style {
        Style { halo: Some((width, colour)), ..self }
    }
    pub const fn glow(self, radius: f32, colour: Colour) -> Style {
        Style { glow: Some((radius, colour)), ..self }
    }
}

/// Distance from the baseline to the top of capitals and digits, em: how figures are centred.
pub const CAP: f32 = 0.70;

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

    /// A line through points, `width` thick, with smooth edges. Short dashes when `dash` is (on, off).
    pub fn polyline(&mut self, points: &[[f32; 2]], width: f32, colour: Colour, dash: Option<(f32, f32)>) {
        match dash {
            None => self.stroke(points, width, colour, colour),
            Some((on, off)) => {
                for piece in dashes(points, on, off) {
                    self.stroke(&piece, width, colour, colour);
                }
            }
        }
    }

    /// A line whose light fades to nothing at its edges: the glow under a curve.
    pub fn glow_line(&mut self, points: &[[f32; 2]], width: f32, colour: Colour) {
        self.stroke_edges(points, 0.01, width, colour, colour);
    }

    /// A line that goes from one colour at its start to another at its end.
    pub fn stroke(&mut self, points: &[[f32; 2]], width: f32, first: Colour, last: Colour) {
        // The edge fades over one pixel, half of it outside.
        let feather = 1.0 / self.scale;
        self.stroke_edges(points, (width - feather).max(0.0), feather, first, last);
    }

    /// A closed line.
    pub fn outline(&mut self, points: &[[f32; 2]], width: f32, colour: Colour) {
        let mut closed = Vec::with_capacity(points.len() + 2);
        closed.extend_from_slice(points);
        if points.first() != points.last() {
            closed.extend(points.first());
        }
        self.stroke(&closed, width, colour, colour);
    }

    fn stroke_edges(&mut self, points: &[[f32; 2]], core: f32, feather: f32, first: Colour, last: Colour) {
        if points.len() < 2 {
            return;
        }
        let normals = line_normals(points);
        let (near, far) = (core * 0.5, core * 0.5 + feather);
        let count = (points.len() - 1) as f32;
        let offsets = [-far, -near, near, far];
        let edge_alpha = [0.0, 1.0, 1.0, 0.0];
        let corner = |index: usize, band: usize| {
            let ([x, y], [nx, ny]) = (points[index], normals[index]);
            let colour = if first == last { first } else { first.mix(last, index as f32 / count) };
            ([x + nx * offsets[band], y + ny * offsets[band]], colour.alpha(edge_alpha[band]))
        };
        for index in 0..points.len() - 1 {
            for band in 0..3 {
                let (a, b) = (corner(index, band), corner(index, band + 1));
                let (c, d) = (corner(index + 1, band), corner(index + 1, band + 1));
                self.triangle([a, b, c]);
                self.triangle([b, d, c]);
            }
        }
    }

    /// The area between a curve and the level `base`, from `top` colour at its highest point to `bottom` at the base.
    pub fn area(&mut self, points: &[[f32; 2]], base: f32, top: Colour, bottom: Colour) {
        let highest = points.iter().map(|point| point[1]).fold(base, f32::min);
        let span = (base - highest).max(0.001);
        let tint = |y: f32| bottom.mix(top, (base - y) / span);
        for pair in points.windows(2) {
            let (a, b) = (pair[0], pair[1]);
            let (c, d) = ([a[0], base], [b[0], base]);
            self.triangle([(a, tint(a[1])), (b, tint(b[1])), (c, bottom)]);
            self.triangle([(b, tint(b[1])), (d, bottom), (c, bottom)]);
        }
    }

    /// The area between two curves of equally many points.
    pub fn band(&mut self, upper: &[[f32; 2]], lower: &[[f32; 2]], colour: Colour) {
        for (above, below) in upper.windows(2).zip(lower.windows(2)) {
            self.triangle([(above[0], colour), (above[1], colour), (below[0], colour)]);
            self.triangle([(above[1], colour), (below[1], colour), (below[0], colour)]);
        }
    }

    /// A line through very many evenly spaced values, given in pieces that follow one another: for each column of
    /// pixels the span from its least to its greatest value, joined to the column before. Scaled to fill the plot.
    pub fn dense_line<const N: usize>(&mut self, pieces: [&[f32]; N], plot: Rect, colour: Colour) {
        let count: usize = pieces.iter().map(|piece| piece.len()).sum();
        let columns = ((plot.width() * self.scale) as usize).min(count);
        if columns == 0 {
            return;
        }
        let (mut low, mut high) = (f32::MAX, f32::MIN);
        for piece in pieces {
            let (least, greatest) = extremes(piece);
            (low, high) = (low.min(least), high.max(greatest));
        }
        let tall = if high > low { plot.height() / (high - low) } else { 0.0 };
        let y = |value: f32| plot.bottom - (value - low) * tall;
        let step = plot.width() / columns as f32;
        let thick = (1.5 / self.scale).max(1.0);
        let mut before: Option<[f32; 2]> = None;
        for column in 0..columns {
            let (mut from, mut to) = (column * count / columns, (column + 1) * count / columns);
            let (mut least, mut greatest) = (f32::MAX, f32::MIN);
            for piece in pieces {
                let (start, end) = (from.min(piece.len()), to.min(piece.len()));
                if start < end {
                    let (a, b) = extremes(&piece[start..end]);
                    (least, greatest) = (least.min(a), greatest.max(b));
                }
                (from, to) = (from.saturating_sub(piece.len()), to.saturating_sub(piece.len()));
            }
            if least > greatest {
                continue;
            }
            let span = [y(greatest), y(least).max(y(greatest) + thick)];
            // Reaches to where the last column ended, so that the line has no gaps.
            let joined = before.map_or(span, |last| [span[0].min(last[1] - thick), span[1].max(last[0] + thick)]);
            before = Some(span);
            let left = plot.left + step * column as f32;
            let (a, b) = ([left, joined[0]], [left + step, joined[0]]);
            let (c, d) = ([left, joined[1]], [left + step, joined[1]]);
            self.triangle([(a, colour), (b, colour), (c, colour)]);
            self.triangle([(b, colour), (d, colour), (c, colour)]);
        }
    }

    /// Width of a text, design units.
    pub fn measure(&mut self, text: &str, style: &Style) -> f32 {
        let mut width = 0.0;
        let mut count = 0;
        for character in text.chars() {
            width += self.glyphs.map(style.face, character).2;
            count += 1;
        }
        (width + style.spacing * (count as f32 - 1.0).max(0.0)) * style.size
    }

    /// The text in lines of at most `width` design units; up to `spare` more than it needs where it then breaks better.
    pub fn lines<'t>(&mut self, text: &'t str, width: f32, spare: usize, style: &Style) -> Vec<&'t str> {
        // Each character counts with the space behind it: a line is a hair shorter rather than too wide.
        wrap(text, width / style.size, spare, |letter| self.glyphs.map(style.face, letter).2 + style.spacing)
    }

    /// Width of the widest of some texts, design units; 0 without any.
    pub fn widest(&mut self, texts: impl IntoIterator<Item: AsRef<str>>, style: &Style) -> f32 {
        texts.into_iter().map(|text| self.measure(text.as_ref(), style)).fold(0.0, f32::max)
    }

    /// Draws a text with its baseline at `y`; `x` is its left, middle or right. Returns its width.
    pub fn text(&mut self, x: f32, y: f32, text: &str, style: &Style) -> f32 {
        let width = self.measure(text, style);
        let left = match style.align {
            Align::Left => x,
            Align::Middle => x - width * 0.5,
            Align::Right => x - width,
        };
        let size = style.size * self.scale;
        if self.list.texts.is_some() {
            let (left, baseline) = (self.x(left), self.y(y));
            self.list.note_text(Rect::new(left, baseline - CAP * size, width * self.scale, CAP * size), text);
            return width;
        }
        if let Some((radius, colour)) = style.glow {
            let blur = ((radius * self.scale).round() as i32).clamp(1, 60) as u8;
            self.run(left, y, text, style, size, colour, Effect { fat_quarters: 0, blur });
        }
        if let Some((rim, colour)) = style.halo {
            let fat = ((rim * self.scale * 4.0).round() as i32).clamp(1, 80) as u8;
            self.run(left, y, text, style, size, colour, Effect { fat_quarters: fat, blur: 1 });
        }
        self.run(left, y, text, style, size, style.colour, Effect::default());
        width
    }

    #[expect(clippy::too_many_arguments, reason = "the inner loop of text; a struct would only rename them")]
    fn run(&mut self, left: f32, y: f32, text: &str, style: &Style, size: f32, colour: Colour, effect: Effect) {
        let baseline = self.y(y).round();
        let mut pen = self.x(left);
        let ink = self.ink(colour);
        for character in text.chars() {
            let (face, glyph, advance) = self.glyphs.map(style.face, character);
            // Small Latin text keeps its rhythm on quarter pixels; Chinese and large text stand on whole ones.
            let (whole, fraction) = if size < 40.0 && !is_wide(character) && effect.blur == 0 {
                (pen.floor(), pen - pen.floor())
            } else {
                (pen.round(), 0.0)
            };
            if glyph == 0 {
                self.missing(pen, baseline, size, ink);
            } else if let Some(placed) = self.glyphs.place(face, glyph, size, fraction, effect) {
                self.list.glyph(GlyphInstance {
                    place: [
                        whole + placed.left as f32,
                        baseline - placed.top as f32,
                        f32::from(placed.width),
                        f32::from(placed.height),
                    ],
                    source: [f32::from(placed.atlas_left), f32::from(placed.atlas_top)],
                    colour: ink,
                });
            }
            pen += (advance + style.spacing) * size;
        }
    }

    /// A character that no font has: an empty box in its place, in pixels.
    fn missing(&mut self, pen: f32, baseline: f32, size: f32, ink: Colour) {
        let half = [(size * 0.40).round(), (size * 0.42).round()];
        let clear = ink.alpha(0.0);
        self.list.shape(ShapeInstance {
            place: [(pen + size * 0.5).round(), (baseline - size * 0.36).round(), half[0], half[1]],
            shape: [0.0, 1.0, (size * 0.06).max(1.0), 1.0],
            extra: [half[0], half[1], 0.0, 0.0],
            fill_first: clear,
            fill_last: clear,
            stroke: ink.alpha(0.7),
        });
    }

    /// A title or a label that a scene file fixes, shortened like any text; `lingping check` tells where it is.
    pub fn label_within(&mut self, x: f32, y: f32, width: f32, text: &str, style: &Style) -> f32 {
        let drawn = self.text_within(x, y, width, text, style);
        if self.list.texts.is_some() && self.measure(text, style) > width {
            self.list.note_whole(text);
        }
        drawn
    }

    /// The text, shortened with … when it is wider than `width`.
    pub fn text_within(&mut self, x: f32, y: f32, width: f32, text: &str, style: &Style) -> f32 {
        if self.measure(text, style) <= width {
            return self.text(x, y, text, style);
        }
        let mut shortened: String = text.to_owned();
        while shortened.pop().is_some() {
            let tried = format!("{}…", shortened.trim_end());
            if self.measure(&tried, style) <= width {
                return self.text(x, y, &tried, style);
            }
        }
        0.0
    }
}

/// Chinese characters and their punctuation.
pub fn is_wide(character: char) -> bool {
    ('\u{2e80}'..='\u{ffef}').contains(&character) || character >= '\u{20000}'
}

/// Least and greatest of some values, eight at a time so that the compiler can use wide registers.
fn extremes(values: &[f32]) -> (f32, f32) {
    let (mut least, mut greatest) = ([f32::MAX; 8], [f32::MIN; 8]);
    let mut eights = values.chunks_exact(8);
    for eight in &mut eights {
        for lane in 0..8 {
            least[lane] = if eight[lane] < least[lane] { eight[lane] } else { least[lane] };
            greatest[lane] = if eight[lane] > greatest[lane] { eight[lane] } else { greatest[lane] };
        }
    }
    let rest = eights.remainder().iter();
    let low = rest.clone().copied().chain(least).fold(f32::MAX, f32::min);
    (low, rest.copied().chain(greatest).fold(f32::MIN, f32::max))
}

/// Unit normals at the points of a line, lengthened at bends (mitred, at most twice).
fn line_normals(points: &[[f32; 2]]) -> Vec<[f32; 2]> {
    let direction = |from: [f32; 2], to: [f32; 2]| {
        let (x, y) = (to[0] - from[0], to[1] - from[1]);
        let length = x.hypot(y);
        if length < 1e-6 { None } else { Some([x / length, y / length]) }
    };
    let closed = points.len() > 3 && points.first() == points.last();
    let count = points.len();
    let mut normals = Vec::with_capacity(count);
    for index in 0..count {
        let before = match index {
            0 if closed => direction(points[count - 2], points[0]),
            0 => None,
            _ => direction(points[index - 1], points[index]),
        };
        let after = match index {
            _ if index + 1 < count => direction(points[index], points[index + 1]),
            _ if closed => direction(points[0], points[1]),
            _ => None,
        };
        let (a, b) = match (before, after) {
            (Some(a), Some(b)) => (a, b),
            (Some(a), None) | (None, Some(a)) => (a, a),
            (None, None) => ([1.0, 0.0], [1.0, 0.0]),
        };
        let (x, y) = (a[0] + b[0], a[1] + b[1]);
        let length = x.hypot(y);
        if length < 1e-3 {
            normals.push([-a[1], a[0]]);
            continue;
        }
        let normal = [-y / length, x / length];
        // cos of half the bend: the mitre is longer by its inverse.
        let cosine = (normal[0] * -a[1] + normal[1] * a[0]).max(0.5);
        normals.push([normal[0] / cosine, normal[1] / cosine]);
    }
    normals
}

/// A line cut into dashes of length `on` with gaps of `off`.
fn dashes(points: &[[f32; 2]], on: f32, off: f32) -> Vec<Vec<[f32; 2]>> {
    let mut pieces = Vec::new();
    let mut piece: Vec<[f32; 2]> = points.first().copied().into_iter().collect();
    let (mut drawing, mut left) = (true, on);
    for pair in points.windows(2) {
        let (mut from, to) = (pair[0], pair[1]);
        loop {
            let length = (to[0] - from[0]).hypot(to[1] - from[1]);
            if length <= left {
                left -= length;
                if drawing {
                    piece.push(to);
                }
                break;
            }
            let share = left / length;
            let cut = [from[0] + (to[0] - from[0]) * share, from[1] + (to[1] - from[1]) * share];
            if drawing {
                piece.push(cut);
                pieces.push(std::mem::take(&mut piece));
                left = off;
            } else {
                piece = vec![cut];
                left = on;
            }
            drawing = !drawing;
            from = cut;
        }
    }
    if drawing && piece.len() > 1 {
        pieces.push(piece);
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::super::super::painter::pen;
    use super::*;

    #[test]
    fn a_line_is_cut_into_dashes_and_nothing_of_it_is_drawn_twice() {
        let pieces = dashes(&[[0.0, 0.0], [10.0, 0.0]], 3.0, 2.0);
        let spans: Vec<(f32, f32)> = pieces.iter().map(|piece| (piece[0][0], piece[piece.len() - 1][0])).collect();
        assert_eq!(spans, [(0.0, 3.0), (5.0, 8.0)]);
    }

    #[test]
    fn a_dense_line_shows_the_greatest_and_the_least_of_its_values() {
        let mut glyphs = Glyphs::load(1024).unwrap();
        let mut list = DisplayList::default();
        let mut paint = pen(&mut list, &mut glyphs, 1.0);
        let mut values = vec![0.0_f32; 100_000];
        values[31_416] = 5.0;
        values[77_777] = -3.0;
        let (older, newer) = values.split_at(40_001);
        paint.dense_line([older, newer], Rect::new(0.0, 0.0, 200.0, 80.0), Colour::CLEAR);
        let heights: Vec<f32> = list.vertices.iter().map(|vertex| vertex.pixel[1]).collect();
        assert_eq!(heights.iter().copied().fold(f32::MAX, f32::min), 0.0);
        assert!((heights.iter().copied().fold(f32::MIN, f32::max) - 80.0).abs() < 2.0);
        assert!(list.vertices.len() <= 200 * 6, "no more than two triangles a column of pixels");
    }

    #[test]
    fn a_text_too_wide_is_shortened() {
        let mut glyphs = Glyphs::load(1024).unwrap();
        let mut list = DisplayList::default();
        let mut paint = pen(&mut list, &mut glyphs, 1.0);
        let style = Style::new(Face::Text, 18.0, Colour::CLEAR);
        let whole = paint.measure("老旧小区加装电梯", &style);
        let drawn = paint.text_within(0.0, 0.0, whole * 0.6, "老旧小区加装电梯", &style);
        assert!(drawn > 0.0 && drawn <= whole * 0.6);
    }
}
