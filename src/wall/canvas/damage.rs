//! Which part of the picture differs from the last one, so that only that part is drawn again.
//!
//! Two display lists are compared section by section and item by item; tiles that an old or a new form of a changed
//! item may colour are marked, and the marked tiles become a few rectangles that do not overlap. Everything that
//! touches a rectangle is drawn again inside it, in the old order, so the pixels are those of a whole drawing.

use super::list::{Batch, Bounds, DisplayList, MeshVertex, Visual, triangle_bounds};

/// Side of a tile, pixels; larger ones are tried where there would be too many rectangles.
const TILE: u32 = 32;
/// More rectangles cost more than what they save.
const RECTS_MAX: usize = 16;
/// From this share of the picture on, all of it is drawn.
const SHARE_MAX: f32 = 0.66;

#[derive(Debug, Default)]
pub struct Tiles {
    size: [u32; 2],
    columns: u32,
    rows: u32,
    marked: Vec<bool>,
    coarse: Vec<bool>,
}

impl Tiles {
    /// Nothing is marked, in a picture of this size.
    pub fn reset(&mut self, size: [u32; 2]) {
        self.size = size;
        (self.columns, self.rows) = (size[0].div_ceil(TILE), size[1].div_ceil(TILE));
        self.marked.clear();
        self.marked.resize((self.columns * self.rows) as usize, false);
    }

    pub fn is_clean(&self) -> bool {
        !self.marked.contains(&true)
    }

    /// Marks what differs. False when the lists are of different make, so that everything is to be drawn.
    pub fn mark_changes(&mut self, old: &DisplayList, new: &DisplayList) -> bool {
        if old.sections() != new.sections() {
            return false;
        }
        for index in 0..new.sections() {
            let (before, after) = (old.section(index), new.section(index));
            let same_make = before.len() == after.len()
                && before.iter().zip(after).all(|(a, b)| (a.visual, a.count, a.clip) == (b.visual, b.count, b.clip));
            if same_make {
                before.iter().zip(after).for_each(|(a, b)| self.mark_differing(old, a, new, b));
            } else {
                before.iter().for_each(|batch| self.mark_all(old, batch));
                after.iter().for_each(|batch| self.mark_all(new, batch));
            }
        }
        true
    }

    fn mark_all(&mut self, list: &DisplayList, batch: &Batch) {
        let range = batch.first as usize..(batch.first + batch.count) as usize;
        match batch.visual {
            Visual::Shape | Visual::Box => {
                list.shapes[range].iter().for_each(|item| self.mark(item.bounds(), batch.clip))
            }
            Visual::Glyph => list.glyphs[range].iter().for_each(|item| self.mark(item.bounds(), batch.clip)),
            Visual::Spark | Visual::Crowd => {
                list.sparks[range].iter().for_each(|item| self.mark(item.bounds(), batch.clip))
            }
            Visual::Field => list.fields[range].iter().for_each(|item| self.mark(item.bounds(), batch.clip)),
            Visual::Cloud => list.clouds[range].iter().for_each(|item| self.mark(item.bounds(), batch.clip)),
            Visual::Mesh => {
                list.vertices[range].chunks_exact(3).for_each(|item| self.mark(triangle_bounds(item), batch.clip));
            }
        }
    }

    fn mark_differing(&mut self, old: &DisplayList, before: &Batch, new: &DisplayList, after: &Batch) {
        let (from, to) = (before.first as usize, after.first as usize);
        let count = after.count as usize;
        let clip = after.clip;
        macro_rules! compare {
            ($part:ident, $size:expr, $bounds:expr) => {{
                let (a, b) = (&old.$part[from..from + count], &new.$part[to..to + count]);
                if bytemuck::cast_slice::<_, u8>(a) == bytemuck::cast_slice::<_, u8>(b) {
                    return;
                }
                for (a, b) in a.chunks_exact($size).zip(b.chunks_exact($size)) {
                    if bytemuck::cast_slice::<_, u8>(a) != bytemuck::cast_slice::<_, u8>(b) {
                        self.mark($bounds(a), clip);
                        self.mark($bounds(b), clip);
                    }
                }
            }};
        }
        match after.visual {
            Visual::Shape | Visual::Box => compare!(shapes, 1, |item: &[super::list::ShapeInstance]| item[0].bounds()),
            Visual::Glyph => compare!(glyphs, 1, |item: &[super::list::GlyphInstance]| item[0].bounds()),
            Visual::Spark | Visual::Crowd => {
                compare!(sparks, 1, |item: &[super::list::SparkInstance]| item[0].bounds())
            }
            Visual::Field => compare!(fields, 1, |item: &[super::list::FieldInstance]| item[0].bounds()),
            Visual::Cloud => compare!(clouds, 1, |item: &[super::cloud::CloudInstance]| item[0].bounds()),
            Visual::Mesh => compare!(vertices, 3, |item: &[MeshVertex]| triangle_bounds(item)),
        }
    }

    /// Marks rectangles of whole pixels: left, top, width, height.
    pub fn mark_rects(&mut self, rects: &[[u32; 4]]) {
        for rect in rects {
            self.mark(Bounds::of_clip(*rect), None);
        }
    }

    fn mark(&mut self, bounds: Bounds, clip: Option<[u32; 4]>) {
        let mut bounds = bounds.0;
        if let Some(clip) = clip {
            let Bounds(clip) = Bounds::of_clip(clip);
            bounds = [bounds[0].max(clip[0]), bounds[1].max(clip[1]), bounds[2].min(clip[2]), bounds[3].min(clip[3])];
        }
        let [left, top, right, bottom] = bounds;
        if !(left < right && top < bottom) || right <= 0.0 || bottom <= 0.0 {
            return;
        }
        let tile = TILE as f32;
        let first = |value: f32| (value.max(0.0) / tile) as u32;
        let last = |value: f32, count: u32| ((value / tile).ceil() as u32).min(count);
        for row in first(top)..last(bottom, self.rows) {
            let start = row * self.columns;
            for column in first(left)..last(right, self.columns) {
                self.marked[(start + column) as usize] = true;
            }
        }
    }

    /// Rectangles (left, top, width, height, pixels) that cover the marked tiles and do not overlap. False when it is
    /// better to draw the whole picture; `rects` is then of no use.
    pub fn rects(&mut self, rects: &mut Vec<[u32; 4]>) -> bool {
        let [width, height] = self.size;
        let mut side = TILE;
        loop {
            let (columns, rows) = (width.div_ceil(side), height.div_ceil(side));
            self.coarsen(side / TILE, columns, rows);
            merge(&self.coarse, columns, rows, rects);
            if rects.len() <= RECTS_MAX {
                break;
            }
            side *= 2;
        }
        let mut covered = 0_u64;
        for rect in rects.iter_mut() {
            let (left, top) = (rect[0] * side, rect[1] * side);
            *rect = [left, top, (rect[2] * side).min(width - left), (rect[3] * side).min(height - top)];
            covered += u64::from(rect[2]) * u64::from(rect[3]);
        }
        covered as f32 <= SHARE_MAX * width as f32 * height as f32
    }

    fn coarsen(&mut self, factor: u32, columns: u32, rows: u32) {
        self.coarse.clear();
        self.coarse.resize((columns * rows) as usize, false);
        for row in 0..self.rows {
            for column in 0..self.columns {
                if self.marked[(row * self.columns + column) as usize] {
                    self.coarse[(row / factor * columns + column / factor) as usize] = true;
                }
            }
        }
    }
}

/// Runs of marked tiles in a row, joined with equal runs in the rows above: rectangles in tiles.
fn merge(marked: &[bool], columns: u32, rows: u32, rects: &mut Vec<[u32; 4]>) {
    rects.clear();
    for row in 0..rows {
        let mut column = 0;
        while column < columns {
            if !marked[(row * columns + column) as usize] {
                column += 1;
                continue;
            }
            let start = column;
            while column < columns && marked[(row * columns + column) as usize] {
                column += 1;
            }
            let wide = column - start;
            let above = rects.iter_mut().find(|rect| rect[0] == start && rect[2] == wide && rect[1] + rect[3] == row);
            match above {
                Some(above) => above[3] += 1,
                None => rects.push([start, row, wide, 1]),
            }
        }
    }
}

/// What of a list is to be drawn in the rectangles.
pub fn cut(list: &DisplayList, rects: &[[u32; 4]], into: &mut DisplayList) {
    into.clear();
    for rect in rects {
        for batch in &list.batches {
            into.take_part(list, batch, *rect);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::tokens::Colour;
    use super::super::list::SparkInstance;
    use super::*;

    fn sparks(places: &[[f32; 2]]) -> DisplayList {
        let mut list = DisplayList::default();
        list.begin_section();
        for [x, y] in places {
            list.spark(SparkInstance { place: [*x, *y, 4.0, 1.0], colour: Colour::CLEAR });
        }
        list
    }

    #[test]
    fn only_tiles_of_what_changed_are_marked() {
        let mut tiles = Tiles::default();
        tiles.reset([640, 320]);
        let (old, new) = (sparks(&[[100.0, 100.0], [500.0, 200.0]]), sparks(&[[100.0, 100.0], [580.0, 200.0]]));
        assert!(tiles.mark_changes(&old, &new));
        let mut rects = Vec::new();
        assert!(tiles.rects(&mut rects));
        let holds =
            |x: u32, y: u32| rects.iter().any(|r| (r[0]..r[0] + r[2]).contains(&x) && (r[1]..r[1] + r[3]).contains(&y));
        assert!(holds(500, 200) && holds(580, 200) && !holds(100, 100) && !holds(540, 200), "{rects:?}");
        let mut part = DisplayList::default();
        cut(&new, &rects, &mut part);
        assert_eq!(part.sparks.len(), 1, "the spark that went is not drawn, the one that stayed needs not be");
    }

    #[test]
    fn equal_lists_mark_nothing_and_unequal_makes_draw_everything() {
        let mut tiles = Tiles::default();
        tiles.reset([640, 320]);
        let list = sparks(&[[100.0, 100.0]]);
        assert!(tiles.mark_changes(&list, &list) && tiles.is_clean());
        let mut longer = sparks(&[[100.0, 100.0]]);
        longer.begin_section();
        assert!(!tiles.mark_changes(&list, &longer));
    }

    #[test]
    fn rectangles_cover_all_marked_tiles_and_do_not_overlap() {
        let mut tiles = Tiles::default();
        tiles.reset([1920, 1080]);
        for step in 0..40_u32 {
            tiles.mark_rects(&[[step * 977 % 1900, step * 613 % 1060, 3, 3]]);
        }
        let mut rects = Vec::new();
        let worth = tiles.rects(&mut rects);
        assert!(rects.len() <= RECTS_MAX || !worth);
        for (index, a) in rects.iter().enumerate() {
            for b in &rects[index + 1..] {
                assert!(!Bounds::of_clip(*a).touches(&Bounds::of_clip(*b)), "{a:?} {b:?}");
            }
        }
        for step in 0..40_u32 {
            let (x, y) = (step * 977 % 1900, step * 613 % 1060);
            assert!(
                rects.iter().any(|r| r[0] <= x && x < r[0] + r[2] && r[1] <= y && y < r[1] + r[3]),
                "({x}, {y}) is in none of {rects:?}"
            );
        }
    }

    #[test]
    fn a_mark_outside_the_picture_does_no_harm() {
        let mut tiles = Tiles::default();
        tiles.reset([100, 100]);
        tiles.mark(Bounds([-50.0, -50.0, -10.0, 10.0]), None);
        tiles.mark(Bounds([90.0, 90.0, 400.0, 400.0]), None);
        let mut rects = Vec::new();
        assert!(tiles.rects(&mut rects));
        assert_eq!(rects, [[64, 64, 36, 36]]);
    }
}
