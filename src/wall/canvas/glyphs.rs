//! Glyphs: fonts, their measures, and the one atlas texture they are kept in.
//!
//! A glyph is rasterised the first time it is shown at a size, kept in the atlas, and uploaded once. A full atlas is
//! emptied and filled again from what is on the wall, so it never grows. A character that no font has is drawn as an
//! empty box (glyph 0) and nothing else is lost.

use std::collections::HashMap;

use swash::FontRef;
use swash::scale::image::Image;
use swash::scale::{Render, ScaleContext, Source};
use swash::zeno::{Format, Vector};

use super::super::options::WallError;

/// Which face a text is set in; a character the face lacks is taken from the text face of the same weight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Face {
    /// Noto Sans SC 400.
    Text,
    /// Noto Sans SC 700.
    Bold,
    /// Barlow 600, tabular digits.
    Figure,
    /// Barlow 700, tabular digits.
    FigureBold,
    /// Barlow Semi Condensed 600.
    FigureNarrow,
}

const FILES: [&str; 5] = [
    "NotoSansSC-ningbo-400.ttf",
    "NotoSansSC-ningbo-700.ttf",
    "Barlow-600SemiBold-tabular.ttf",
    "Barlow-700Bold-tabular.ttf",
    "BarlowSemiCondensed-600SemiBold-tabular.ttf",
];

impl Face {
    fn fallback(self) -> Face {
        match self {
            Face::Text | Face::Figure | Face::FigureNarrow => Face::Text,
            Face::Bold | Face::FigureBold => Face::Bold,
        }
    }
}

struct FontFile {
    bytes: Vec<u8>,
    offset: u32,
    key: swash::CacheKey,
}

impl FontFile {
    fn font(&self) -> FontRef<'_> {
        FontRef { data: &self.bytes, offset: self.offset, key: self.key }
    }
}

/// A rasterised form: the plain glyph, a fattened one (for halos) or a blurred one (for glows).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct Effect {
    /// Pixels the outline grows by, in quarters.
    pub fat_quarters: u8,
    /// Pixels of blur.
    pub blur: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct GlyphKey {
    face: Face,
    glyph: u16,
    /// Size in quarter pixels.
    size_quarters: u16,
    /// Fraction of a pixel the glyph is moved right, in quarters.
    fraction: u8,
    effect: Effect,
}

/// Where a glyph lies in the atlas and how it lies on the baseline.
#[derive(Clone, Copy, Debug)]
pub struct Placed {
    pub atlas_left: u16,
    pub atlas_top: u16,
    pub width: u16,
    pub height: u16,
    /// From the pen, right.
    pub left: i32,
    /// From the baseline, up.
    pub top: i32,
}

/// Pixels to be written into the atlas texture.
pub struct Upload {
    pub left: u32,
    pub top: u32,
    pub width: u32,
    pub height: u32,
    pub coverage: Vec<u8>,
}

pub struct Glyphs {
    fonts: Vec<FontFile>,
    context: ScaleContext,
    placed: HashMap<GlyphKey, Option<Placed>>,
    /// Character to face, glyph and advance in em.
    mapped: HashMap<(Face, char), (Face, u16, f32)>,
    pub atlas_side: u32,
    shelf_left: u32,
    shelf_top: u32,
    shelf_height: u32,
    pub uploads: Vec<Upload>,
    /// Grows each time the atlas is emptied: glyphs lie elsewhere from then on.
    pub generation: u64,
    /// The atlas was emptied while a picture was being made; that picture must be made again.
    pub overflowed: bool,
    image: Image,
}

impl Glyphs {
    /// Reads the fonts that ship with the program.
    ///
    /// # Errors
    /// A font file is missing or not a font.
    pub fn load(atlas_side: u32) -> Result<Glyphs, WallError> {
        let mut fonts = Vec::with_capacity(FILES.len());
        for file in FILES {
            let path = crate::model::assets::path(format!("fonts/{file}"));
            let fail = |message: String| WallError::Read { path: path.display().to_string(), message };
            let bytes = std::fs::read(&path).map_err(|error| fail(error.to_string()))?;
            let font = FontRef::from_index(&bytes, 0).ok_or_else(|| fail("it is no TrueType font".into()))?;
            let (offset, key) = (font.offset, font.key);
            fonts.push(FontFile { bytes, offset, key });
        }
        Ok(Glyphs {
            fonts,
            context: ScaleContext::new(),
            placed: HashMap::new(),
            mapped: HashMap::new(),
            atlas_side,
            shelf_left: 1,
            shelf_top: 1,
            shelf_height: 0,
            uploads: Vec::new(),
            generation: 0,
            overflowed: false,
            image: Image::new(),
        })
    }

    /// Kilobytes of the atlas in use.
    pub fn atlas_kb(&self) -> u32 {
        (self.shelf_top + self.shelf_height) * self.atlas_side / 1024
    }

    pub fn empty_atlas(&mut self) {
        self.generation += 1;
        self.placed.clear();
        self.uploads.clear();
        (self.shelf_left, self.shelf_top, self.shelf_height) = (1, 1, 0);
    }

    /// Face and glyph that draw a character, and its advance in em.
    pub fn map(&mut self, face: Face, character: char) -> (Face, u16, f32) {
        if let Some(found) = self.mapped.get(&(face, character)) {
            return *found;
        }
        let mut found = (face, 0, 0.5);
        for candidate in [face, face.fallback(), Face::Text] {
            let font = self.fonts[candidate as usize].font();
            let glyph = font.charmap().map(character);
            if glyph != 0 || candidate == Face::Text {
                let metrics = font.glyph_metrics(&[]);
                let advance = metrics.advance_width(glyph) / f32::from(metrics.units_per_em().max(1));
                // A character no font has takes a whole square.
                let advance = if glyph == 0 { 1.0 } else { advance };
                found = (candidate, glyph, advance);
                break;
            }
        }
        self.mapped.insert((face, character), found);
        found
    }

    /// The glyph in the atlas, rasterised now if it is new. `None`: nothing to draw (a space).
    pub fn place(&mut self, face: Face, glyph: u16, size: f32, fraction: f32, effect: Effect) -> Option<Placed> {
        let key = GlyphKey {
            face,
            glyph,
            size_quarters: (size * 4.0).round() as u16,
            fraction: ((fraction * 4.0) as u8).min(3),
            effect,
        };
        if let Some(placed) = self.placed.get(&key) {
            return *placed;
        }
        let placed = self.rasterise(key);
        self.placed.insert(key, placed);
        placed
    }

    fn rasterise(&mut self, key: GlyphKey) -> Option<Placed> {
        let size = f32::from(key.size_quarters) / 4.0;
        let font = self.fonts[key.face as usize].font();
        let mut scaler = self.context.builder(font).size(size).hint(false).build();
        self.image.clear();
        let mut render = Render::new(&[Source::Outline]);
        render.format(Format::Alpha).offset(Vector::new(f32::from(key.fraction) / 4.0, 0.0));
        if key.effect.fat_quarters > 0 {
            render.embolden(f32::from(key.effect.fat_quarters) / 4.0);
        }
        if !render.render_into(&mut scaler, key.glyph, &mut self.image) {
            return None;
        }
        let placement = self.image.placement;
        let (mut width, mut height) = (placement.width, placement.height);
        if width == 0 || height == 0 {
            return None;
        }
        let (mut left, mut top) = (placement.left, placement.top);
        let coverage = if key.effect.blur > 0 {
            let margin = u32::from(key.effect.blur) * 2;
            let blurred = blur(&self.image.data, width, height, u32::from(key.effect.blur), margin);
            width += margin * 2;
            height += margin * 2;
            left -= margin as i32;
            top += margin as i32;
            blurred
        } else {
            self.image.data.clone()
        };
        let (atlas_left, atlas_top) = self.reserve(width, height)?;
        self.uploads.push(Upload { left: atlas_left, top: atlas_top, width, height, coverage });
        Some(Placed {
            atlas_left: atlas_left as u16,
            atlas_top: atlas_top as u16,
            width: width as u16,
            height: height as u16,
            left,
            top,
        })
    }

    fn reserve(&mut self, width: u32, height: u32) -> Option<(u32, u32)> {
        if width + 2 > self.atlas_side || height + 2 > self.atlas_side {
            return None;
        }
        if self.shelf_left + width + 1 > self.atlas_side {
            self.shelf_top += self.shelf_height + 1;
            (self.shelf_left, self.shelf_height) = (1, 0);
        }
        if self.shelf_top + height + 1 > self.atlas_side {
            self.overflowed = true;
            return None;
        }
        let place = (self.shelf_left, self.shelf_top);
        self.shelf_left += width + 1;
        self.shelf_height = self.shelf_height.max(height);
        Some(place)
    }
}

/// Three box blurs, near a Gaussian; the result is `margin` wider on each side.
fn blur(coverage: &[u8], width: u32, height: u32, radius: u32, margin: u32) -> Vec<u8> {
    let (wide, high) = ((width + margin * 2) as usize, (height + margin * 2) as usize);
    let mut field = vec![0.0_f32; wide * high];
    for y in 0..height as usize {
        for x in 0..width as usize {
            field[(y + margin as usize) * wide + x + margin as usize] = f32::from(coverage[y * width as usize + x]);
        }
    }
    let reach = (radius as usize * 2 / 3).max(1);
    let mut other = vec![0.0_f32; field.len()];
    for _ in 0..3 {
        blur_lines(&field, &mut other, wide, high, 1, wide, reach);
        blur_lines(&other, &mut field, high, wide, wide, 1, reach);
    }
    field.iter().map(|value| value.round().clamp(0.0, 255.0) as u8).collect()
}

fn blur_lines(from: &[f32], to: &mut [f32], length: usize, lines: usize, step: usize, line_step: usize, reach: usize) {
    let share = 1.0 / (2 * reach + 1) as f32;
    for line in 0..lines {
        let start = line * line_step;
        let mut sum: f32 = (0..reach.min(length)).map(|index| from[start + index * step]).sum();
        for index in 0..length {
            if index + reach < length {
                sum += from[start + (index + reach) * step];
            }
            if index > reach {
                sum -= from[start + (index - reach - 1) * step];
            }
            to[start + index * step] = sum * share;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rare_characters_of_ningbo_have_glyphs() {
        let mut glyphs = Glyphs::load(1024).unwrap();
        for character in "碶澥甽坣—·×−".chars() {
            assert_ne!(glyphs.map(Face::Text, character).1, 0, "{character}");
            assert_ne!(glyphs.map(Face::FigureBold, character).1, 0, "{character}");
        }
    }

    #[test]
    fn digits_are_tabular() {
        let mut glyphs = Glyphs::load(1024).unwrap();
        let advances: Vec<f32> = ('0'..='9').map(|digit| glyphs.map(Face::FigureBold, digit).2).collect();
        assert!(advances.iter().all(|advance| *advance == advances[0]), "{advances:?}");
    }

    #[test]
    fn a_full_atlas_says_so_and_can_be_emptied() {
        let mut glyphs = Glyphs::load(64).unwrap();
        for character in "灵屏拨一拨就灵有困难".chars() {
            let (face, glyph, _) = glyphs.map(Face::Text, character);
            glyphs.place(face, glyph, 24.0, 0.0, Effect::default());
        }
        assert!(glyphs.overflowed);
        glyphs.overflowed = false;
        glyphs.empty_atlas();
        let (face, glyph, _) = glyphs.map(Face::Text, '灵');
        assert!(glyphs.place(face, glyph, 24.0, 0.0, Effect::default()).is_some());
    }
}
