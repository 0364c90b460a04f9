//! Many narrow marks beside one another: bars and gaps of whole pixels, for uneven ones would flicker before the eye.

/// How marks of one width stand in a room, in design units that are whole pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Marks {
    pub count: usize,
    pub pitch: f32,
    pub bar: f32,
}

impl Marks {
    /// For `rows` things in `width`, from mark to mark `least` to `most`, where a unit has `scale` pixels.
    pub fn fit(width: f32, rows: usize, [least, most]: [f32; 2], scale: f32) -> Marks {
        let room = (width * scale).max(0.0);
        let least = (least * scale).round().max(2.0);
        let pitch = (room / rows.max(1) as f32).floor().clamp(least, (most * scale).floor().max(least));
        let bar = (pitch * 0.74).round().clamp(1.0, pitch - 1.0);
        // The last mark has no gap after it.
        let fitting = ((room + pitch - bar + 0.01) / pitch) as usize;
        Marks { count: rows.min(fitting), pitch: pitch / scale, bar: bar / scale }
    }

    /// Left edge of a mark, the last of which ends at `right`.
    pub fn left(&self, right: f32, index: usize) -> f32 {
        right - self.bar - self.pitch * (self.count as f32 - 1.0 - index as f32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_whole_pixels_and_no_more_than_the_room_holds() {
        let wide = Marks::fit(400.0, 20, [4.0, 10.0], 1.0);
        assert_eq!(wide, Marks { count: 20, pitch: 10.0, bar: 7.0 });
        let close = Marks::fit(398.0, 120, [4.0, 10.0], 1.0);
        assert_eq!((close.count, close.pitch, close.bar), (99, 4.0, 3.0));
        assert_eq!(close.left(1000.0, 98), 997.0, "the newest ends at the right");
        assert!(close.left(1000.0, 0) >= 602.0);
        // Half a pixel a unit: marks of two units are a pixel, the gaps too.
        let coarse = Marks::fit(100.0, 60, [3.0, 9.0], 0.5);
        assert_eq!((coarse.count, coarse.pitch, coarse.bar), (25, 4.0, 2.0));
        for rows in [0, 1, 7, 120, 100_000] {
            let marks = Marks::fit(0.0, rows, [4.0, 10.0], 1.3);
            assert_eq!(marks.count, 0, "no room, no marks");
        }
    }
}
