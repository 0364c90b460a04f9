//! Lines and the areas below and between them.

use super::super::super::tokens::Colour;
use super::super::list::Rect;
use super::Paint;

impl Paint<'_> {
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

/// No line on a wall is longer, design units.
const FARTHEST: f32 = 1e6;

/// A line cut into dashes of length `on` with gaps of `off`.
fn dashes(points: &[[f32; 2]], on: f32, off: f32) -> Vec<Vec<[f32; 2]>> {
    let mut pieces = Vec::new();
    let mut piece: Vec<[f32; 2]> = points.first().copied().into_iter().collect();
    let (mut drawing, mut left) = (true, on);
    for pair in points.windows(2) {
        let (mut from, to) = (pair[0], pair[1]);
        loop {
            let length = (to[0] - from[0]).hypot(to[1] - from[1]);
            // What leads beyond every wall, or to no place at all, has no dashes.
            if length.is_nan() || length > FARTHEST {
                piece.clear();
                break;
            }
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
    use super::super::super::super::painter::pen;
    use super::super::super::glyphs::Glyphs;
    use super::super::super::list::DisplayList;
    use super::*;

    #[test]
    fn a_line_is_cut_into_dashes_and_nothing_of_it_is_drawn_twice() {
        let pieces = dashes(&[[0.0, 0.0], [10.0, 0.0]], 3.0, 2.0);
        let spans: Vec<(f32, f32)> = pieces.iter().map(|piece| (piece[0][0], piece[piece.len() - 1][0])).collect();
        assert_eq!(spans, [(0.0, 3.0), (5.0, 8.0)]);
        for odd in [f32::NAN, f32::INFINITY, f32::MAX] {
            assert!(dashes(&[[0.0, 0.0], [odd, 0.0], [10.0, 0.0]], 3.0, 2.0).len() < 8, "{odd}: it ends");
        }
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
}
