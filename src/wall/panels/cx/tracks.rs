//! Where rows, columns and texts stand so that nothing lies on a seam between displays.

use super::super::super::canvas::{CAP, Style};
use super::Cx;

impl Cx<'_, '_> {
    /// Where a text of so much width stands so that no seam goes through it, as near to `left` as can be.
    pub fn off_seams(&self, left: f32, width: f32) -> f32 {
        self.seams.beside(left * self.zoom, width * self.zoom) / self.zoom
    }

    /// The same for a text in a line of texts: never further left.
    pub fn past_seams(&self, left: f32, width: f32) -> f32 {
        self.seams.past(left * self.zoom, width * self.zoom) / self.zoom
    }

    /// The baseline, at `baseline` or as near as can be, of a text that keeps off the level seams by half its size, at
    /// most [`AIR`].
    pub fn off_rows(&self, baseline: f32, style: &Style) -> f32 {
        let (zoom, air) = (self.zoom, (style.size * 0.5).min(AIR));
        let (top, height) = (baseline - style.size * CAP - air, style.size * 0.9 + 2.0 * air);
        self.seams.above_or_below(top * zoom, height * zoom) / zoom + baseline - top
    }

    /// Where so many rows of a list stand between `top` and `bottom`, each `least` to `most` high and all of one height:
    /// that height and the top of each. None lies on a level seam; rows for which there is no room are left out.
    pub fn rows(&self, [top, bottom]: [f32; 2], count: usize, [least, most]: [f32; 2]) -> (f32, Vec<f32>) {
        rows_in(&self.bands([top, bottom]), count, [least, most])
    }

    /// Left and right of so many columns of a field, all of one width between two upright seams; none lies on one.
    pub fn columns(&self, [left, right]: [f32; 2], count: usize) -> Vec<[f32; 2]> {
        tracks_in(&self.lanes([left, right]), count, [1.0, f32::MAX])
    }

    /// Top and bottom of so many rows of a field, each `least` to `most` high; none lies on a level seam.
    pub fn field_rows(&self, [top, bottom]: [f32; 2], count: usize, [least, most]: [f32; 2]) -> Vec<[f32; 2]> {
        tracks_in(&self.bands([top, bottom]), count, [least, most])
    }

    /// What lies between `top` and `bottom` without the level seams.
    pub fn bands(&self, [top, bottom]: [f32; 2]) -> Vec<[f32; 2]> {
        self.pieces(self.seams.bands(top * self.zoom, bottom * self.zoom))
    }

    /// What lies between `left` and `right` without the upright seams.
    pub fn lanes(&self, [left, right]: [f32; 2]) -> Vec<[f32; 2]> {
        self.pieces(self.seams.lanes(left * self.zoom, right * self.zoom))
    }

    /// Pieces of a stretch in the panel's units, those at a seam a little shorter: nothing touches an opening's edge.
    fn pieces(&self, pieces: Vec<[f32; 2]>) -> Vec<[f32; 2]> {
        let last = pieces.len().saturating_sub(1);
        let mut pieces: Vec<[f32; 2]> = pieces.into_iter().map(|piece| piece.map(|at| at / self.zoom)).collect();
        for (index, [from, to]) in pieces.iter_mut().enumerate() {
            let short = (*to - *from).min(2.0 * OPENING) * 0.5;
            *from += if index > 0 { short } else { 0.0 };
            *to -= if index < last { short } else { 0.0 };
        }
        pieces
    }
}

/// A text of its own keeps so far from a level seam.
const AIR: f32 = 18.0;

/// What is painted in a panel that opens at a seam keeps so far from the opening.
const OPENING: f32 = 8.0;

/// Begin and end of so many tracks within some bands, which they fill: those of one band are alike.
fn tracks_in(bands: &[[f32; 2]], count: usize, [least, most]: [f32; 2]) -> Vec<[f32; 2]> {
    let (_, begins) = rows_in(bands, count, [least, most]);
    let mut tracks = Vec::with_capacity(begins.len());
    for [from, to] in bands {
        let inside = begins.iter().filter(|begin| **begin >= *from - 0.01 && **begin < *to).count();
        let length = ((to - from) / inside.max(1) as f32).clamp(least, most);
        tracks.extend((0..inside).map(|track| [from + length * track as f32, from + length * (track as f32 + 1.0)]));
    }
    tracks
}

/// The height of so many rows within some bands, and the top of each.
fn rows_in(bands: &[[f32; 2]], count: usize, [least, most]: [f32; 2]) -> (f32, Vec<f32>) {
    let heights: Vec<f32> = bands.iter().map(|[from, to]| to - from).collect();
    let fitting = |pitch: f32| heights.iter().map(|height| (height / pitch + 0.001) as usize).sum::<usize>();
    // The greatest height at which all fit is that of some number of rows in one of the bands.
    let pitch = heights
        .iter()
        .flat_map(|height| (1..=count.max(1)).map(move |rows| height / rows as f32))
        .filter(|pitch| fitting(*pitch) >= count)
        .fold(0.0_f32, f32::max)
        .clamp(least, most);
    let tops = bands.iter().zip(&heights).flat_map(|([from, _], height)| {
        (0..(height / pitch + 0.001) as usize).map(move |row| from + pitch * row as f32)
    });
    (pitch, tops.take(count).collect())
}

#[cfg(test)]
mod tests {
    use super::{rows_in, tracks_in};

    #[test]
    fn the_cells_of_a_field_fill_what_the_seams_leave() {
        assert_eq!(tracks_in(&[[0.0, 90.0]], 3, [12.0, 40.0]), [[0.0, 30.0], [30.0, 60.0], [60.0, 90.0]]);
        assert_eq!(tracks_in(&[[0.0, 90.0]], 1, [12.0, 40.0]), [[0.0, 40.0]], "and are no higher than they may be");
        let split = tracks_in(&[[10.0, 70.0], [80.0, 160.0]], 4, [1.0, f32::MAX]);
        assert_eq!(split, [[10.0, 40.0], [40.0, 70.0], [80.0, 120.0], [120.0, 160.0]]);
    }

    #[test]
    fn rows_share_the_height_and_none_lies_on_a_seam() {
        let plain = rows_in(&[[0.0, 100.0]], 4, [10.0, 90.0]);
        assert_eq!(plain, (25.0, vec![0.0, 25.0, 50.0, 75.0]));
        // 100 high with a strip of 10 at 60: three rows above it, one below.
        let (pitch, tops) = rows_in(&[[0.0, 60.0], [70.0, 100.0]], 4, [10.0, 90.0]);
        assert_eq!((pitch, tops), (20.0, vec![0.0, 20.0, 40.0, 70.0]));
        // What has no room is left out, and few rows stand together at the top.
        assert_eq!(rows_in(&[[0.0, 60.0], [70.0, 100.0]], 20, [15.0, 90.0]).1.len(), 6);
        assert_eq!(rows_in(&[[0.0, 100.0]], 2, [10.0, 30.0]), (30.0, vec![0.0, 30.0]));
    }
}
