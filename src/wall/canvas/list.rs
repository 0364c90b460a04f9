//! The display list: what one picture is made of, in paint order, as the bytes the GPU reads.
//!
//! Pixels, origin top left. Neighbouring items of one visual and one clip become one draw call.

use bytemuck::{Pod, Zeroable};

use super::super::tokens::Colour;

/// Left, top, right, bottom.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Rect {
    pub left: f32,
    pub top: f32,
    pub right: f32,
    pub bottom: f32,
}

impl Rect {
    pub const fn new(left: f32, top: f32, width: f32, height: f32) -> Rect {
        Rect { left, top, right: left + width, bottom: top + height }
    }
    pub fn width(&self) -> f32 {
        self.right - self.left
    }
    pub fn height(&self) -> f32 {
        self.bottom - self.top
    }
    pub fn middle_x(&self) -> f32 {
        (self.left + self.right) * 0.5
    }
    pub fn middle_y(&self) -> f32 {
        (self.top + self.bottom) * 0.5
    }
    /// Smaller by `by` on each side.
    pub fn inset(&self, by: f32) -> Rect {
        Rect { left: self.left + by, top: self.top + by, right: self.right - by, bottom: self.bottom - by }
    }
    pub fn intersect(&self, other: Rect) -> Rect {
        Rect {
            left: self.left.max(other.left),
            top: self.top.max(other.top),
            right: self.right.min(other.right),
            bottom: self.bottom.min(other.bottom),
        }
    }
    pub fn overlaps(&self, other: &Rect) -> bool {
        self.left < other.right && other.left < self.right && self.top < other.bottom && other.top < self.bottom
    }
}

#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub struct ShapeInstance {
    pub place: [f32; 4],
    pub shape: [f32; 4],
    pub extra: [f32; 4],
    pub fill_first: Colour,
    pub fill_last: Colour,
    pub stroke: Colour,
}

#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub struct GlyphInstance {
    pub place: [f32; 4],
    pub source: [f32; 2],
    pub colour: Colour,
}

#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub struct SparkInstance {
    pub place: [f32; 4],
    pub colour: Colour,
}

#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub struct MeshVertex {
    pub pixel: [f32; 2],
    pub colour: Colour,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Visual {
    Shape,
    Glyph,
    Spark,
    Mesh,
}

/// A run of items drawn by one call.
#[derive(Clone, Copy, Debug)]
pub struct Batch {
    pub visual: Visual,
    pub first: u32,
    pub count: u32,
    /// Left, top, width, height in whole pixels; `None` draws everywhere.
    pub clip: Option<[u32; 4]>,
}

#[derive(Debug, Default)]
pub struct DisplayList {
    pub shapes: Vec<ShapeInstance>,
    pub glyphs: Vec<GlyphInstance>,
    pub sparks: Vec<SparkInstance>,
    pub vertices: Vec<MeshVertex>,
    pub batches: Vec<Batch>,
    clip: Option<[u32; 4]>,
}

impl DisplayList {
    /// Empties the list and keeps its memory.
    pub fn clear(&mut self) {
        self.shapes.clear();
        self.glyphs.clear();
        self.sparks.clear();
        self.vertices.clear();
        self.batches.clear();
        self.clip = None;
    }

    pub fn set_clip(&mut self, clip: Option<[u32; 4]>) {
        self.clip = clip;
    }

    pub fn shape(&mut self, shape: ShapeInstance) {
        let first = self.shapes.len();
        self.shapes.push(shape);
        self.batch(Visual::Shape, first, 1);
    }

    pub fn glyph(&mut self, glyph: GlyphInstance) {
        let first = self.glyphs.len();
        self.glyphs.push(glyph);
        self.batch(Visual::Glyph, first, 1);
    }

    pub fn spark(&mut self, spark: SparkInstance) {
        let first = self.sparks.len();
        self.sparks.push(spark);
        self.batch(Visual::Spark, first, 1);
    }

    pub fn triangle(&mut self, corners: [([f32; 2], Colour); 3]) {
        let first = self.vertices.len();
        self.vertices.extend(corners.map(|(pixel, colour)| MeshVertex { pixel, colour }));
        self.batch(Visual::Mesh, first, 3);
    }

    fn batch(&mut self, visual: Visual, first: usize, count: u32) {
        if let Some(last) = self.batches.last_mut()
            && last.visual == visual
            && last.clip == self.clip
        {
            last.count += count;
            return;
        }
        self.batches.push(Batch { visual, first: first as u32, count, clip: self.clip });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_of_one_visual_are_one_draw_call() {
        let mut list = DisplayList::default();
        let corner = ([0.0, 0.0], Colour::CLEAR);
        list.triangle([corner; 3]);
        list.triangle([corner; 3]);
        list.spark(SparkInstance { place: [0.0; 4], colour: Colour::CLEAR });
        list.triangle([corner; 3]);
        let counts: Vec<u32> = list.batches.iter().map(|batch| batch.count).collect();
        assert_eq!(counts, [6, 1, 3]);
    }
}
