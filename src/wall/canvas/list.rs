//! The display list: what one picture is made of, in paint order, as the bytes the GPU reads.
//!
//! Pixels, origin top left. Neighbouring items of one visual and one clip become one draw call. Sections say which part
//! of the list is which panel's, so that two pictures can be compared and unchanged parts taken over.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytemuck::{Pod, Zeroable};

use super::super::tokens::Colour;
use super::cloud::{Cloud, CloudInstance};
use super::crowd::is_crowd;

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
    /// In units so many times smaller.
    pub fn times(&self, by: f32) -> Rect {
        Rect { left: self.left * by, top: self.top * by, right: self.right * by, bottom: self.bottom * by }
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
    /// The other lies wholly in it, but for half a unit.
    pub fn contains(&self, other: &Rect) -> bool {
        other.left >= self.left - 0.5
            && other.top >= self.top - 0.5
            && other.right <= self.right + 0.5
            && other.bottom <= self.bottom + 0.5
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

/// Pixels made elsewhere, added as light to what is below them.
#[derive(Debug)]
pub struct Field {
    /// No other field has it.
    pub serial: u64,
    pub size: [u32; 2],
    /// Rows from the top.
    pub rgba: Vec<u8>,
}

impl Field {
    pub fn new(size: [u32; 2], rgba: Vec<u8>) -> Field {
        static SERIAL: AtomicU64 = AtomicU64::new(1);
        Field { serial: SERIAL.fetch_add(1, Ordering::Relaxed), size, rgba }
    }
}

#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub struct FieldInstance {
    pub place: [f32; 4],
    /// Width and height in texels.
    pub texels: [f32; 2],
    /// Its alpha is the strength of the light.
    pub colour: Colour,
    /// Tells one field from the next when two lists are compared.
    pub serial: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Visual {
    Shape,
    /// Shapes that are boxes without a stroke.
    Box,
    Glyph,
    Spark,
    /// Sparks so many that a software rasteriser has them drawn by `crowd`.
    Crowd,
    Mesh,
    Field,
    Cloud,
}

/// A run of items drawn by one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Batch {
    pub visual: Visual,
    pub first: u32,
    pub count: u32,
    /// Left, top, width, height in whole pixels; `None` draws everywhere.
    pub clip: Option<[u32; 4]>,
}

/// Where a section begins in each part of the list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Mark {
    shapes: usize,
    glyphs: usize,
    sparks: usize,
    vertices: usize,
    fields: usize,
    clouds: usize,
    batches: usize,
}

/// A text as it was set, for those who look whether texts are in one another's way.
#[derive(Clone, Debug)]
pub struct TextBox {
    /// From the top of its capitals to its baseline, pixels.
    pub place: Rect,
    pub text: String,
    /// What a fixed text says in full, where there was only room for its beginning.
    pub whole: Option<String>,
}

#[derive(Debug, Default)]
pub struct DisplayList {
    /// Where texts stand, noted in place of their glyphs; `None`: they are drawn and not noted.
    pub texts: Option<Vec<TextBox>>,
    pub shapes: Vec<ShapeInstance>,
    pub glyphs: Vec<GlyphInstance>,
    pub sparks: Vec<SparkInstance>,
    pub vertices: Vec<MeshVertex>,
    pub fields: Vec<FieldInstance>,
    /// The light of each of `fields`; one texture holds the first.
    pub lights: Vec<Arc<Field>>,
    pub clouds: Vec<CloudInstance>,
    /// The points of each of `clouds`; the renderer holds those of the first.
    pub points: Vec<Arc<Cloud>>,
    pub batches: Vec<Batch>,
    sections: Vec<Mark>,
    clip: Option<[u32; 4]>,
}

impl DisplayList {
    /// A list that notes where texts stand and draws none.
    pub fn noting_texts() -> DisplayList {
        DisplayList { texts: Some(Vec::new()), ..DisplayList::default() }
    }

    /// Empties the list and keeps its memory.
    pub fn clear(&mut self) {
        self.shapes.clear();
        self.glyphs.clear();
        self.sparks.clear();
        self.vertices.clear();
        self.fields.clear();
        self.lights.clear();
        self.clouds.clear();
        self.points.clear();
        self.batches.clear();
        self.sections.clear();
        self.clip = None;
    }

    /// What follows is another panel's, or another part of one.
    pub fn begin_section(&mut self) {
        self.clip = None;
        self.sections.push(self.end());
    }

    pub fn sections(&self) -> usize {
        self.sections.len()
    }

    /// The draw calls of a section.
    pub fn section(&self, index: usize) -> &[Batch] {
        let end = self.sections.get(index + 1).map_or(self.batches.len(), |next| next.batches);
        &self.batches[self.sections[index].batches..end]
    }

    /// Takes a section over from another list as it is.
    pub fn copy_section(&mut self, other: &DisplayList, index: usize) {
        self.begin_section();
        let start = other.sections[index];
        let end = other.sections.get(index + 1).copied().unwrap_or_else(|| other.end());
        let base = self.end();
        self.shapes.extend_from_slice(&other.shapes[start.shapes..end.shapes]);
        self.glyphs.extend_from_slice(&other.glyphs[start.glyphs..end.glyphs]);
        self.sparks.extend_from_slice(&other.sparks[start.sparks..end.sparks]);
        self.vertices.extend_from_slice(&other.vertices[start.vertices..end.vertices]);
        self.fields.extend_from_slice(&other.fields[start.fields..end.fields]);
        self.lights.extend_from_slice(&other.lights[start.fields..end.fields]);
        self.clouds.extend_from_slice(&other.clouds[start.clouds..end.clouds]);
        self.points.extend_from_slice(&other.points[start.clouds..end.clouds]);
        for batch in &other.batches[start.batches..end.batches] {
            let (from, to) = match batch.visual {
                Visual::Shape | Visual::Box => (start.shapes, base.shapes),
                Visual::Glyph => (start.glyphs, base.glyphs),
                Visual::Spark | Visual::Crowd => (start.sparks, base.sparks),
                Visual::Mesh => (start.vertices, base.vertices),
                Visual::Field => (start.fields, base.fields),
                Visual::Cloud => (start.clouds, base.clouds),
            };
            self.batches.push(Batch { first: (batch.first as usize - from + to) as u32, ..*batch });
        }
    }

    /// Becomes a copy of another list, in the memory it has.
    pub fn copy_from(&mut self, other: &DisplayList) {
        self.clear();
        self.shapes.extend_from_slice(&other.shapes);
        self.glyphs.extend_from_slice(&other.glyphs);
        self.sparks.extend_from_slice(&other.sparks);
        self.vertices.extend_from_slice(&other.vertices);
        self.fields.extend_from_slice(&other.fields);
        self.lights.extend_from_slice(&other.lights);
        self.clouds.extend_from_slice(&other.clouds);
        self.points.extend_from_slice(&other.points);
        self.batches.extend_from_slice(&other.batches);
        self.sections.extend_from_slice(&other.sections);
    }

    fn end(&self) -> Mark {
        Mark {
            shapes: self.shapes.len(),
            glyphs: self.glyphs.len(),
            sparks: self.sparks.len(),
            vertices: self.vertices.len(),
            fields: self.fields.len(),
            clouds: self.clouds.len(),
            batches: self.batches.len(),
        }
    }

    /// Adds the items of a batch of another list that touch `part` (left, top, width, height, pixels), cut to it.
    pub fn take_part(&mut self, other: &DisplayList, batch: &Batch, part: [u32; 4]) {
        let Some(clip) = common(batch.clip, part) else { return };
        self.clip = Some(clip);
        let within = Bounds::of_clip(clip);
        let range = batch.first as usize..(batch.first + batch.count) as usize;
        match batch.visual {
            Visual::Shape | Visual::Box => {
                other.shapes[range]
                    .iter()
                    .filter(|item| item.bounds().touches(&within))
                    .for_each(|item| self.shape(*item));
            }
            Visual::Glyph => {
                other.glyphs[range]
                    .iter()
                    .filter(|item| item.bounds().touches(&within))
                    .for_each(|item| self.glyph(*item));
            }
            Visual::Spark | Visual::Crowd => {
                for item in other.sparks[range].iter().filter(|item| item.bounds().touches(&within)) {
                    self.sparks.push(*item);
                    self.batch(batch.visual, self.sparks.len() - 1, 1);
                }
            }
            Visual::Field => {
                for index in range {
                    if other.fields[index].bounds().touches(&within) {
                        self.field(other.fields[index], other.lights[index].clone());
                    }
                }
            }
            Visual::Cloud => {
                for index in range {
                    if other.clouds[index].bounds().touches(&within) {
                        self.cloud(other.clouds[index], other.points[index].clone());
                    }
                }
            }
            Visual::Mesh => {
                for corners in other.vertices[range].chunks_exact(3) {
                    if triangle_bounds(corners).touches(&within) {
                        let first = self.vertices.len();
                        self.vertices.extend_from_slice(corners);
                        self.batch(Visual::Mesh, first, 3);
                    }
                }
            }
        }
    }

    pub fn set_clip(&mut self, clip: Option<[u32; 4]>) {
        self.clip = clip;
    }

    /// Where a text ends when it is cut off by what is drawn only inside a part of the picture.
    pub fn note_text(&mut self, place: Rect, text: &str) {
        let clip =
            self.clip.map(|[left, top, width, height]| Rect::new(left as f32, top as f32, width as f32, height as f32));
        if let Some(texts) = &mut self.texts {
            let place = clip.map_or(place, |clip| place.intersect(clip));
            texts.push(TextBox { place, text: text.to_owned(), whole: None });
        }
    }

    /// The text noted last is the beginning of this one.
    pub fn note_whole(&mut self, whole: &str) {
        if let Some(text) = self.texts.as_mut().and_then(|texts| texts.last_mut()) {
            text.whole = Some(whole.to_owned());
        }
    }

    pub fn shape(&mut self, shape: ShapeInstance) {
        let first = self.shapes.len();
        self.shapes.push(shape);
        let plain_box = shape.shape[0] == 0.0 && shape.stroke.0[3] == 0;
        self.batch(if plain_box { Visual::Box } else { Visual::Shape }, first, 1);
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

    /// Sparks of the last section that are very many become crowds.
    pub fn gather_crowds(&mut self) {
        let first = self.sections.last().map_or(0, |mark| mark.batches);
        for batch in self.batches[first..].iter_mut().filter(|batch| batch.visual == Visual::Spark) {
            let sparks = &self.sparks[batch.first as usize..(batch.first + batch.count) as usize];
            if is_crowd(sparks, batch.clip) {
                batch.visual = Visual::Crowd;
            }
        }
    }

    pub fn field(&mut self, field: FieldInstance, light: Arc<Field>) {
        let first = self.fields.len();
        self.fields.push(field);
        self.lights.push(light);
        self.batch(Visual::Field, first, 1);
    }

    pub fn cloud(&mut self, cloud: CloudInstance, points: Arc<Cloud>) {
        let first = self.clouds.len();
        self.clouds.push(cloud);
        self.points.push(points);
        self.batch(Visual::Cloud, first, 1);
    }

    pub fn triangle(&mut self, corners: [([f32; 2], Colour); 3]) {
        let first = self.vertices.len();
        self.vertices.extend(corners.map(|(pixel, colour)| MeshVertex { pixel, colour }));
        self.batch(Visual::Mesh, first, 3);
    }

    fn batch(&mut self, visual: Visual, first: usize, count: u32) {
        // A batch never reaches over the beginning of a section.
        let section_begins = self.sections.last().is_some_and(|mark| mark.batches == self.batches.len());
        if let Some(last) = self.batches.last_mut()
            && last.visual == visual
            && last.clip == self.clip
            && !section_begins
        {
            last.count += count;
            return;
        }
        self.batches.push(Batch { visual, first: first as u32, count, clip: self.clip });
    }
}

/// Left, top, right, bottom of what an item may colour, pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bounds(pub [f32; 4]);

impl Bounds {
    pub fn of_clip([left, top, width, height]: [u32; 4]) -> Bounds {
        Bounds([left as f32, top as f32, (left + width) as f32, (top + height) as f32])
    }

    pub fn touches(&self, other: &Bounds) -> bool {
        let (a, b) = (&self.0, &other.0);
        a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3]
    }
}

fn around([x, y]: [f32; 2], [half_width, half_height]: [f32; 2]) -> Bounds {
    Bounds([x - half_width - 1.0, y - half_height - 1.0, x + half_width + 1.0, y + half_height + 1.0])
}

impl ShapeInstance {
    pub fn bounds(&self) -> Bounds {
        let [x, y, half_width, half_height] = self.place;
        around([x, y], [half_width, half_height])
    }
}

impl GlyphInstance {
    pub fn bounds(&self) -> Bounds {
        let [left, top, width, height] = self.place;
        Bounds([left, top, left + width, top + height])
    }
}

impl FieldInstance {
    pub fn bounds(&self) -> Bounds {
        let [left, top, width, height] = self.place;
        Bounds([left, top, left + width, top + height])
    }
}

impl CloudInstance {
    pub fn bounds(&self) -> Bounds {
        let [left, top, width, height] = self.place;
        Bounds([left, top, left + width, top + height])
    }
}

impl SparkInstance {
    pub fn bounds(&self) -> Bounds {
        let [x, y, glow, _] = self.place;
        around([x, y], [glow, glow])
    }
}

pub fn triangle_bounds(corners: &[MeshVertex]) -> Bounds {
    let mut bounds = [f32::MAX, f32::MAX, f32::MIN, f32::MIN];
    for MeshVertex { pixel: [x, y], .. } in corners {
        bounds = [bounds[0].min(*x), bounds[1].min(*y), bounds[2].max(*x), bounds[3].max(*y)];
    }
    Bounds([bounds[0] - 1.0, bounds[1] - 1.0, bounds[2] + 1.0, bounds[3] + 1.0])
}

/// What a clip (none: everywhere) and a part of the picture have in common.
fn common(clip: Option<[u32; 4]>, part: [u32; 4]) -> Option<[u32; 4]> {
    let Some(clip) = clip else { return Some(part) };
    let (left, top) = (clip[0].max(part[0]), clip[1].max(part[1]));
    let right = (clip[0] + clip[2]).min(part[0] + part[2]);
    let bottom = (clip[1] + clip[3]).min(part[1] + part[3]);
    (left < right && top < bottom).then(|| [left, top, right - left, bottom - top])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_taken_over_draws_what_it_drew() {
        let mut old = DisplayList::default();
        let corner = ([0.0, 0.0], Colour::CLEAR);
        old.begin_section();
        old.triangle([corner; 3]);
        old.begin_section();
        old.triangle([corner; 3]);
        old.spark(SparkInstance { place: [1.0; 4], colour: Colour::CLEAR });
        let mut new = DisplayList::default();
        new.begin_section();
        new.spark(SparkInstance { place: [2.0; 4], colour: Colour::CLEAR });
        new.copy_section(&old, 1);
        let batches: Vec<(Visual, u32, u32)> =
            new.section(1).iter().map(|batch| (batch.visual, batch.first, batch.count)).collect();
        assert_eq!(batches, [(Visual::Mesh, 0, 3), (Visual::Spark, 1, 1)]);
        assert_eq!(new.sparks[1].place, [1.0; 4]);
    }

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
