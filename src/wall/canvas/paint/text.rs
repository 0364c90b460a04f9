//! How texts are set, measured, shortened and drawn.

use super::super::super::tokens::Colour;
use super::super::glyphs::{Effect, Face};
use super::super::list::{GlyphInstance, Rect, ShapeInstance};
use super::super::wrap::wrap;
use super::Paint;

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

impl Paint<'_> {
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

#[cfg(test)]
mod tests {
    use super::super::super::super::painter::pen;
    use super::super::super::glyphs::Glyphs;
    use super::super::super::list::DisplayList;
    use super::*;

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
