//! Very many sparks where no graphics card draws: put together here in one layer, which the adapter lays over the
//! picture at once.
//!
//! A software rasteriser spends far more on the corners and edges of a spark's quad than on its few pixels. Sparks of a
//! crowd have few looks (radii and a colour), so each look is worked out once for [`STEPS`] × [`STEPS`] places within a
//! pixel as a stamp, and a spark is one stamp more on the layer, in the list's order and in 8 bits as the adapter blends.
//! The rule is that of `shaders/spark.wgsl`; places are rounded to a step, by the picture and not by what of it is drawn,
//! so that a part drawn again has the same pixels.

use std::ops::Range;

use super::super::tokens::Colour;
use super::list::{Batch, Bounds, DisplayList, SparkInstance, Visual};
use super::pipelines::Pipelines;
use super::textures::Overlay;

/// Places told apart along a side of a pixel.
const STEPS: i32 = 16;
/// Fewer sparks for these pixels are quads: the layer costs its pixels, a quad its corners.
const PIXELS_A_SPARK: f32 = 256.0;
/// Larger sparks are quads; stamps of them would be too large.
const GLOW_MAX: f32 = 40.0;
/// Beyond, all looks are forgotten.
const LOOKS_MAX: usize = 64;
/// Side of a tile of the layer, pixels: only tiles with sparks are handed over.
const TILE: usize = 64;
/// Four pixels, premultiplied.
const BLOCK: usize = 16;

/// What a stamp does to four pixels: what is there × `keep` / 255 + `add`.
#[derive(Clone, Copy)]
struct Block {
    add: [u8; BLOCK],
    keep: [u8; BLOCK],
}

impl Block {
    const NOTHING: Block = Block { add: [0; BLOCK], keep: [255; BLOCK] };
}

/// The stamps of the sparks of two radii and a colour.
struct Look {
    radii: [f32; 2],
    colour: Colour,
    /// Pixels from the one a spark is in to the farthest that is lit.
    reach: i32,
    /// Blocks of a row.
    wide: usize,
    /// Where the first of its stamps begins.
    first: usize,
}

impl Look {
    fn side(&self) -> usize {
        2 * self.reach as usize + 1
    }
}

#[derive(Default)]
struct Stamps {
    looks: Vec<Look>,
    blocks: Vec<Block>,
}

impl Stamps {
    /// The look of a spark; worked out where it is a new one.
    fn look(&mut self, spark: &SparkInstance) -> &Look {
        let radii = [spark.place[2], spark.place[3]];
        let known = self.looks.iter().position(|look| look.radii == radii && look.colour == spark.colour);
        let index = known.unwrap_or_else(|| self.add(radii, spark.colour));
        &self.looks[index]
    }

    fn add(&mut self, radii: [f32; 2], colour: Colour) -> usize {
        if self.looks.len() >= LOOKS_MAX {
            self.looks.clear();
            self.blocks.clear();
        }
        let [glow, core] = radii;
        // Beyond these pixels the glow is less than half a shade.
        let brightest = f32::from(colour.0[..3].iter().copied().max().unwrap_or(0)) * f32::from(colour.0[3]) / 255.0;
        let seen = (glow * (1.0 - (0.5 / (GLOW * brightest).max(0.5)).sqrt())).max(core);
        let reach = (seen + 0.5) as i32;
        let look = Look { radii, colour, reach, wide: (2 * reach as usize + 1).div_ceil(4), first: self.blocks.len() };
        for step in 0..STEPS * STEPS {
            let [x, y] = [step % STEPS, step / STEPS].map(|step| (step as f32 + 0.5) / STEPS as f32 - 0.5);
            for row in -reach..=reach {
                let first = self.blocks.len();
                self.blocks.resize(first + look.wide, Block::NOTHING);
                for column in 0..=2 * reach {
                    let pixel = shine(radii, colour, (column - reach) as f32 - x, row as f32 - y);
                    let block = &mut self.blocks[first + column as usize / 4];
                    let at = column as usize % 4 * 4;
                    block.add[at..at + 4].copy_from_slice(&pixel);
                    block.keep[at..at + 4].fill(255 - pixel[3]);
                }
            }
        }
        self.looks.push(look);
        self.looks.len() - 1
    }
}

/// The brightest of a glow, of its spark's colour.
const GLOW: f32 = 0.20;

/// The premultiplied pixel of a spark whose middle is so far away.
fn shine([glow, core]: [f32; 2], colour: Colour, x: f32, y: f32) -> [u8; 4] {
    let [red, green, blue, alpha] = colour.0.map(|part| f32::from(part) / 255.0);
    let distance = x.hypot(y) / glow;
    let core = core / glow;
    let fall = (1.0 - distance).max(0.0);
    let cover = alpha * ((core - distance) / (core * 0.5)).clamp(0.0, 1.0);
    let share = (alpha * fall * fall * GLOW + cover).min(1.0);
    [red * share, green * share, blue * share, cover].map(|part| (part * 255.0).round() as u8)
}

/// Lays four pixels of a stamp over four of the layer.
#[inline]
fn lay(pixels: &mut [u8; BLOCK], block: &Block) {
    // Plain loops over bytes, so that the compiler makes vectors of them.
    for ((pixel, add), keep) in pixels.iter_mut().zip(&block.add).zip(&block.keep) {
        // A product of two shades by 255, rounded.
        let product = u16::from(*pixel).wrapping_mul(u16::from(*keep)).wrapping_add(128);
        let kept = (product.wrapping_add(product >> 8) >> 8) as u8;
        *pixel = kept.saturating_add(*add);
    }
}

/// A part of the picture and a margin around it, so that a stamp lies in it wholly or shows nothing.
#[derive(Default)]
struct Layer {
    pixels: Vec<u8>,
    /// Pixels of a row, rows.
    size: [i32; 2],
    margin: i32,
    /// Which of its tiles have sparks, and tiles of a row.
    tiles: Vec<bool>,
    columns: usize,
}

impl Layer {
    /// Empties it for a part of the picture and sparks that are so large.
    fn clear(&mut self, [_, _, width, height]: [u32; 4], reach: i32) {
        // A stamp's rows are longer than it is by up to a block.
        self.margin = 2 * reach + 4;
        self.size = [width as i32 + 2 * self.margin, height as i32 + 2 * self.margin];
        self.pixels.clear();
        self.pixels.resize(self.size[0] as usize * self.size[1] as usize * 4, 0);
        let [columns, rows] = self.size.map(|side| (side as usize).div_ceil(TILE));
        self.columns = columns;
        self.tiles.clear();
        self.tiles.resize(columns * rows, false);
    }

    /// Lays the sparks over it; `left`, `top`: where in the picture its part begins.
    fn lay(&mut self, stamps: &mut Stamps, sparks: &[SparkInstance], [left, top, ..]: [u32; 4]) {
        let origin = [left, top].map(|side| side as i32 - self.margin);
        for spark in sparks {
            let [x, y, ..] = spark.place;
            // Far from any picture, or no number.
            if spark.colour.0[3] == 0 || !(x.abs() < 65_536.0 && y.abs() < 65_536.0) {
                continue;
            }
            let look = stamps.look(spark);
            let [x, y] = [x, y].map(|side| floor(side * STEPS as f32));
            let column = x.div_euclid(STEPS) - look.reach - origin[0];
            let row = y.div_euclid(STEPS) - look.reach - origin[1];
            let (wide, side) = (look.wide, look.side());
            if column < 0 || row < 0 || column + wide as i32 * 4 > self.size[0] || row + side as i32 > self.size[1] {
                continue;
            }
            let step = (y.rem_euclid(STEPS) * STEPS + x.rem_euclid(STEPS)) as usize;
            let stamp = look.first + step * side * wide;
            let blocks = &stamps.blocks[stamp..stamp + side * wide];
            let (column, row) = (column as usize, row as usize);
            for row in row / TILE..=(row + side - 1) / TILE {
                let first = row * self.columns;
                self.tiles[first + column / TILE..=first + (column + side - 1) / TILE].fill(true);
            }
            let stride = self.size[0] as usize * 4;
            let begin = row * stride + column * 4;
            let rows = self.pixels[begin..].chunks_mut(stride);
            for (pixels, blocks) in rows.zip(blocks.chunks_exact(wide)) {
                for (pixels, block) in pixels.as_chunks_mut::<BLOCK>().0.iter_mut().zip(blocks) {
                    lay(pixels, block);
                }
            }
        }
    }

    /// Runs of tiles with sparks, cut to the part: where in the picture (left, top, width, height).
    fn runs(&self, part: [u32; 4]) -> impl Iterator<Item = [u32; 4]> {
        let margin = self.margin as usize;
        let within = move |tiles: [usize; 2], begin: u32, length: u32| {
            let [first, last] = tiles.map(|tile| ((tile * TILE).max(margin) - margin).min(length as usize) as u32);
            (begin + first, last - first)
        };
        self.tiles.chunks(self.columns.max(1)).enumerate().flat_map(move |(row, tiles)| {
            let mut column = 0;
            tiles.chunk_by(|a, b| a == b).filter_map(move |run| {
                let columns = [column, column + run.len()];
                column += run.len();
                let (left, width) = within(columns, part[0], part[2]);
                let (top, height) = within([row, row + 1], part[1], part[3]);
                (run[0] && width > 0 && height > 0).then_some([left, top, width, height])
            })
        })
    }

    /// From the first pixel of a run on, and bytes from one row to the next.
    fn run(&self, part: [u32; 4], run: [u32; 4]) -> (&[u8], u32) {
        let [column, row] = [0, 1].map(|side| (run[side] - part[side]) as usize + self.margin as usize);
        let stride = self.size[0] as usize * 4;
        (&self.pixels[row * stride + column * 4..], stride as u32)
    }
}

/// Toward −∞, without a call of a library where the processor has no instruction that is surely there.
fn floor(value: f32) -> i32 {
    let whole = value as i32;
    whole - i32::from(whole as f32 > value)
}

/// Whether so many sparks lie so close that they are drawn here.
pub fn is_crowd(sparks: &[SparkInstance], clip: Option<[u32; 4]>) -> bool {
    let Some([left, top, right, bottom]) = bounds(sparks, clip) else { return false };
    let small = sparks.iter().all(|spark| spark.place[2].max(spark.place[3]) <= GLOW_MAX);
    small && sparks.len() as f32 * PIXELS_A_SPARK >= (right - left) * (bottom - top)
}

/// Left, top, right, bottom of all that sparks colour, if it is anything.
fn bounds(sparks: &[SparkInstance], clip: Option<[u32; 4]>) -> Option<[f32; 4]> {
    let mut all = [f32::MAX, f32::MAX, f32::MIN, f32::MIN];
    for Bounds([left, top, right, bottom]) in sparks.iter().map(SparkInstance::bounds) {
        all = [all[0].min(left), all[1].min(top), all[2].max(right), all[3].max(bottom)];
    }
    if let Some(Bounds(clip)) = clip.map(Bounds::of_clip) {
        all = [all[0].max(clip[0]), all[1].max(clip[1]), all[2].min(clip[2]), all[3].min(clip[3])];
    }
    (all[0] < all[2] && all[1] < all[3]).then_some(all)
}

/// The crowds of a list, as they are drawn.
#[derive(Default)]
pub struct Crowds {
    stamps: Stamps,
    layer: Layer,
    overlay: Option<Overlay>,
    crowds: Vec<Crowd>,
    /// What of the overlay has sparks.
    runs: Vec<[u32; 4]>,
}

/// A crowd that is in the overlay.
struct Crowd {
    /// Its first spark.
    first: u32,
    part: [u32; 4],
    /// Which of the runs are its.
    runs: Range<usize>,
}

impl Crowds {
    /// Draws a list's crowds into the overlay. One that would lie over another one is left to be drawn as quads.
    pub fn draw(
        &mut self,
        device: &wgpu::Device,
        queue: &wgpu::Queue,
        pipelines: &Pipelines,
        list: &DisplayList,
        size: [u32; 2],
    ) {
        self.crowds.clear();
        self.runs.clear();
        for batch in list.batches.iter().filter(|batch| batch.visual == Visual::Crowd) {
            let sparks = &list.sparks[batch.first as usize..(batch.first + batch.count) as usize];
            let Some(part) = part(sparks, batch, size) else { continue };
            let within = Bounds::of_clip(part);
            if self.crowds.iter().any(|other| Bounds::of_clip(other.part).touches(&within)) {
                continue;
            }
            let glow = sparks.iter().map(|spark| spark.place[2].max(spark.place[3])).fold(0.0, f32::max);
            self.layer.clear(part, glow.min(GLOW_MAX) as i32 + 1);
            self.layer.lay(&mut self.stamps, sparks, part);
            if self.overlay.as_ref().is_none_or(|overlay| overlay.size != size) {
                self.overlay = Some(Overlay::new(device, pipelines, size));
            }
            if let Some(overlay) = &self.overlay {
                let first = self.runs.len();
                self.runs.extend(self.layer.runs(part));
                for run in &self.runs[first..] {
                    let (pixels, bytes_per_row) = self.layer.run(part, *run);
                    overlay.write(queue, *run, pixels, bytes_per_row);
                }
                self.crowds.push(Crowd { first: batch.first, part, runs: first..self.runs.len() });
            }
        }
    }

    /// Where a crowd is in the picture and in the texture of the group; `None`: it is to be drawn as quads.
    pub fn runs(&self, batch: &Batch) -> Option<(&wgpu::BindGroup, &[[u32; 4]])> {
        let crowd = self.crowds.iter().find(|crowd| crowd.first == batch.first)?;
        Some((&self.overlay.as_ref()?.group, &self.runs[crowd.runs.clone()]))
    }
}

/// The part of the picture that a crowd colours, whole pixels.
fn part(sparks: &[SparkInstance], batch: &Batch, [width, height]: [u32; 2]) -> Option<[u32; 4]> {
    let [left, top, right, bottom] = bounds(sparks, batch.clip)?;
    let (left, top) = (left.max(0.0).floor() as u32, top.max(0.0).floor() as u32);
    let (right, bottom) = ((right.ceil() as u32).min(width), (bottom.ceil() as u32).min(height));
    (left < right && top < bottom).then(|| [left, top, right - left, bottom - top])
}

#[cfg(test)]
mod tests {
    use super::super::super::tokens;
    use super::*;

    const PART: [u32; 4] = [40, 30, 96, 64];

    /// Sparks of some looks, all over the part and beyond its edges.
    fn sparks(count: u32) -> Vec<SparkInstance> {
        let place = |number: u32| {
            let share = |by: f32| (number as f32 * by).fract();
            let [glow, core] = [[3.2, 1.25], [8.0, 1.9]][usize::from(number.is_multiple_of(30))];
            [30.0 + share(0.754_877_7) * 116.0, 20.0 + share(0.569_840_3) * 84.0, glow, core]
        };
        let colour =
            |number: u32| tokens::board(number as usize).alpha(if number.is_multiple_of(30) { 1.0 } else { 0.62 });
        (0..count).map(|number| SparkInstance { place: place(number), colour: colour(number) }).collect()
    }

    fn drawn(layer: &mut Layer, stamps: &mut Stamps, sparks: &[SparkInstance], part: [u32; 4]) -> Vec<u8> {
        layer.clear(part, 9);
        layer.lay(stamps, sparks, part);
        let (pixels, stride) = layer.run(part, part);
        pixels
            .chunks(stride as usize)
            .take(part[3] as usize)
            .flat_map(|row| &row[..part[2] as usize * 4])
            .copied()
            .collect()
    }

    /// What the shader says, in floats, pixel by pixel.
    fn exact(sparks: &[SparkInstance], [left, top, width, height]: [u32; 4]) -> Vec<[f32; 4]> {
        let mut pixels = vec![[0.0_f32; 4]; (width * height) as usize];
        for (index, pixel) in pixels.iter_mut().enumerate() {
            let middle = [left as usize + index % width as usize, top as usize + index / width as usize];
            for SparkInstance { place: [x, y, glow, core], colour } in sparks {
                let [dx, dy] = [middle[0] as f32 + 0.5 - x, middle[1] as f32 + 0.5 - y];
                let distance = (dx * dx + dy * dy).sqrt() / glow;
                if distance >= 1.0 {
                    continue;
                }
                let [red, green, blue, alpha] = colour.0.map(|part| f32::from(part) / 255.0);
                let share = core / glow;
                let cover = alpha * ((share - distance) / (share * 0.5)).clamp(0.0, 1.0);
                let light = (alpha * (1.0 - distance) * (1.0 - distance) * 0.20 + cover).min(1.0);
                let add = [red * light, green * light, blue * light, cover];
                *pixel = std::array::from_fn(|part| (pixel[part] * (1.0 - cover) + add[part]).min(1.0));
            }
        }
        pixels
    }

    #[test]
    fn a_layer_is_what_the_shader_says_but_for_the_rounding_of_places() {
        let sparks = sparks(600);
        let layer = drawn(&mut Layer::default(), &mut Stamps::default(), &sparks, PART);
        let exact = exact(&sparks, PART);
        let shades = exact.iter().flatten().map(|part| part * 255.0);
        let apart: Vec<f32> = layer.iter().zip(shades).map(|(a, b)| (f32::from(*a) - b).abs()).collect();
        let mean = apart.iter().sum::<f32>() / apart.len() as f32;
        let far = apart.iter().filter(|apart| **apart > 16.0).count() as f32 / apart.len() as f32;
        let furthest = apart.iter().copied().fold(0.0, f32::max);
        let light = layer.iter().map(|part| f32::from(*part)).sum::<f32>() / layer.len() as f32;
        assert!(light > 20.0, "there are sparks: {light}");
        assert!(mean < 1.5 && far < 0.01 && furthest < 32.0, "mean {mean}, far {far}, furthest {furthest}");
    }

    #[test]
    fn a_part_drawn_again_has_the_pixels_of_the_whole() {
        let (sparks, mut layer, mut stamps) = (sparks(600), Layer::default(), Stamps::default());
        let whole = drawn(&mut layer, &mut stamps, &sparks, PART);
        let within = [61, 43, 37, 21];
        let part = drawn(&mut layer, &mut stamps, &sparks, within);
        for row in 0..within[3] as usize {
            let first = ((within[1] - PART[1]) as usize + row) * PART[2] as usize + (within[0] - PART[0]) as usize;
            let wide = within[2] as usize * 4;
            assert!(part[row * wide..][..wide] == whole[first * 4..][..wide], "row {row}");
        }
    }

    #[test]
    fn only_tiles_with_sparks_are_handed_over_and_all_of_these() {
        let mut few = sparks(600);
        let part = [40, 30, 700, 500];
        few.extend(sparks(12).into_iter().map(|spark| {
            let [x, y, glow, core] = spark.place;
            SparkInstance { place: [x * 4.0 + 130.0, y * 3.0 + 150.0, glow, core], ..spark }
        }));
        let mut layer = Layer::default();
        let pixels = drawn(&mut layer, &mut Stamps::default(), &few, part);
        let runs: Vec<[u32; 4]> = layer.runs(part).collect();
        let within = |x: u32, y: u32| {
            runs.iter().any(|run| (run[0]..run[0] + run[2]).contains(&x) && (run[1]..run[1] + run[3]).contains(&y))
        };
        for (index, pixel) in pixels.chunks(4).enumerate() {
            let (x, y) = (part[0] + index as u32 % part[2], part[1] + index as u32 / part[2]);
            assert!(pixel == [0; 4] || within(x, y), "{x} {y}");
        }
        let area = |[_, _, width, height]: [u32; 4]| width * height;
        let covered: u32 = runs.iter().copied().map(area).sum();
        assert!(covered > 0 && covered < area(part) / 2, "{runs:?}");
        let inside =
            |run: &[u32; 4]| run[0] >= part[0] && run[1] >= part[1] && run[0] + run[2] <= 740 && run[1] + run[3] <= 530;
        assert!(runs.iter().all(inside), "{runs:?}");
    }

    #[test]
    fn later_sparks_cover_earlier_ones() {
        let spark = |colour| SparkInstance { place: [50.0, 40.0, 8.0, 4.0], colour };
        let (first, second) = (spark(tokens::board(0)), spark(tokens::board(1)));
        let of = |sparks: &[SparkInstance]| drawn(&mut Layer::default(), &mut Stamps::default(), sparks, PART);
        let at = ((40 - PART[1]) * PART[2] + 50 - PART[0]) as usize * 4;
        assert_eq!(of(&[first, second])[at..at + 4], second.colour.0);
        assert_eq!(of(&[second, first])[at..at + 4], first.colour.0);
    }

    #[test]
    fn once_its_looks_are_known_a_crowd_allocates_nothing() {
        let (sparks, mut layer, mut stamps) = (sparks(600), Layer::default(), Stamps::default());
        layer.clear(PART, 9);
        layer.lay(&mut stamps, &sparks, PART);
        let before = crate::allocations::of_this_thread();
        layer.clear(PART, 9);
        layer.lay(&mut stamps, &sparks, PART);
        assert_eq!(crate::allocations::of_this_thread(), before);
    }

    #[test]
    fn what_is_nowhere_or_of_any_size_does_no_harm() {
        let mut odd = sparks(30);
        for (spark, x) in odd.iter_mut().zip([f32::NAN, f32::INFINITY, -1e30, 1e30, -70.0, 65_535.0, 135.9]) {
            spark.place[0] = x;
        }
        odd.extend((0..200).map(|number| {
            let share = number as f32 / 200.0;
            SparkInstance { place: [60.0, 50.0, 1.5 + share * 6.0, 0.75 + share], colour: tokens::TEXT.alpha(share) }
        }));
        let mut stamps = Stamps::default();
        drawn(&mut Layer::default(), &mut stamps, &odd, PART);
        assert!(stamps.looks.len() <= LOOKS_MAX);
    }

    #[test]
    fn sparks_are_a_crowd_where_they_are_close_and_small() {
        assert!(is_crowd(&sparks(600), None) && !is_crowd(&sparks(30), None) && !is_crowd(&[], None));
        let clip = Some([0, 0, 20, 20]);
        assert!(!is_crowd(&sparks(600), clip), "nothing of it is seen");
        let mut large = sparks(600);
        large[0].place[2] = GLOW_MAX + 1.0;
        assert!(!is_crowd(&large, None));
    }
}
