//! The screen a wall hangs on: `[screen]` of a configuration file, how large a text must be on it, and its seams.
//!
//! A text's height over the distance is an angle: `px = ⌈far_m · tan θ / pitch_mm⌉`. Seams are where one display or
//! cabinet ends and the next begins: panels are laid out so that they end there, and no glyph stands on one.

use std::path::Path;

use serde::Deserialize;

use super::canvas::Rect;
use super::options::WallError;
use crate::model::text;

/// `[screen]`, read and found to make sense.
#[derive(Clone, Debug, PartialEq)]
pub struct Screen {
    /// Pixels.
    pub width: u32,
    pub height: u32,
    /// From the middle of a pixel to the next, mm.
    pub pitch_mm: f64,
    /// The farthest reader, m.
    pub far_m: f64,
    pub seams: Seams,
}

/// A wall of so many displays beside and above one another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Seams {
    pub columns: u16,
    pub rows: u16,
    /// What is kept free around a seam, as a part of the picture's width.
    pub strip: f32,
}

impl Seams {
    /// One display.
    pub const NONE: Seams = Seams { columns: 1, rows: 1, strip: 0.0 };
}

impl Default for Seams {
    fn default() -> Seams {
        Seams::NONE
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    screen: RawScreen,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawScreen {
    width: u32,
    height: u32,
    #[serde(default)]
    pitch_mm: Option<f64>,
    /// In place of the pitch: how wide the whole picture is.
    #[serde(default)]
    width_mm: Option<f64>,
    far_m: f64,
    #[serde(default = "one")]
    columns: u16,
    #[serde(default = "one")]
    rows: u16,
    #[serde(default)]
    seam_mm: f64,
}

fn one() -> u16 {
    1
}

/// More displays beside one another than any wall has.
const PARTS_MAX: u16 = 64;

impl Screen {
    /// One display without seams.
    pub const fn plain(width: u32, height: u32, pitch_mm: f64, far_m: f64) -> Screen {
        Screen { width, height, pitch_mm, far_m, seams: Seams::NONE }
    }

    /// Reads a configuration file.
    ///
    /// # Errors
    /// It can't be read, or a value is missing or makes no sense.
    pub fn load(path: &Path) -> Result<Screen, WallError> {
        let fail = |message: String| WallError::Read { path: path.display().to_string(), message };
        let text = text::read(path).map_err(fail)?;
        Screen::parse(&text).map_err(fail)
    }

    fn parse(text: &str) -> Result<Screen, String> {
        let config: Config = toml::from_str(text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            error.to_string().trim_end().to_owned() + &text::full_width_hint(text, at)
        })?;
        let raw = config.screen;
        let good = |value: f64, most: f64| value.is_finite() && value > 0.0 && value <= most;
        if [raw.width, raw.height].iter().any(|side| !(64..=16384).contains(side)) {
            return Err("width and height must be 64 to 16384 pixels".into());
        }
        let pitch_mm = match (raw.pitch_mm, raw.width_mm) {
            (Some(pitch_mm), None) => pitch_mm,
            (None, Some(width_mm)) => width_mm / f64::from(raw.width),
            (Some(_), Some(_)) => return Err("pitch_mm and width_mm say the same; leave one out".into()),
            (None, None) => return Err("pitch_mm is missing; write it, or width_mm, the picture's whole width".into()),
        };
        if !good(pitch_mm, 100.0) || !good(raw.far_m, 1000.0) {
            return Err("pitch_mm and far_m must be above 0, e.g. pitch_mm = 1.25, far_m = 6.0".into());
        }
        if [raw.columns, raw.rows].iter().any(|parts| !(1..=PARTS_MAX).contains(parts)) {
            return Err(format!(
                "columns and rows must be 1 to {PARTS_MAX}: how many displays stand beside and above one another"
            ));
        }
        let width_mm = pitch_mm * f64::from(raw.width);
        if !raw.seam_mm.is_finite() || raw.seam_mm < 0.0 || raw.seam_mm * f64::from(raw.columns) > width_mm / 4.0 {
            return Err("seam_mm must be 0 or more, and far less than a display is wide, e.g. seam_mm = 4".into());
        }
        let seams = Seams { columns: raw.columns, rows: raw.rows, strip: (raw.seam_mm / width_mm) as f32 };
        Ok(Screen { width: raw.width, height: raw.height, pitch_mm, far_m: raw.far_m, seams })
    }

    /// Pixels that a text of so many minutes of arc needs.
    pub fn needed_px(&self, minutes: f64) -> f64 {
        (self.far_m * 1000.0 * (minutes / 60.0).to_radians().tan() / self.pitch_mm).ceil()
    }

    /// How far away a text of so many pixels can be, m.
    pub fn reach_m(&self, px: f64, minutes: f64) -> f64 {
        px * self.pitch_mm / (minutes / 60.0).to_radians().tan() / 1000.0
    }
}

/// Where the seams of a wall run, design units.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SeamLines {
    pub xs: Vec<f32>,
    pub ys: Vec<f32>,
    /// How wide the strip around each is that stays free.
    pub strip: f32,
    /// How far apart what stands on the two sides of a seam is: as far as two panels, so that lines of text and rows
    /// begin where panels do.
    pub clear: f32,
}

/// A strip is never thinner, design units: a glyph's edge keeps off the seam.
const STRIP_MIN: f32 = 8.0;

impl SeamLines {
    /// `gap` is that between panels.
    pub fn new(seams: Seams, wall: Rect, gap: f32) -> SeamLines {
        let lines = |parts: u16, from: f32, length: f32| -> Vec<f32> {
            (1..parts).map(|part| from + length * f32::from(part) / f32::from(parts)).collect()
        };
        let strip = (seams.strip * wall.width()).max(STRIP_MIN);
        SeamLines {
            xs: lines(seams.columns, wall.left, wall.width()),
            ys: lines(seams.rows, wall.top, wall.height()),
            strip,
            clear: strip.max(gap),
        }
    }

    fn strips<'a>(&self, lines: &'a [f32]) -> impl Iterator<Item = [f32; 2]> + use<'a> {
        around(lines, self.strip)
    }

    /// Where a run of so much width that would begin at `left` begins so that no seam goes through it: past one, it
    /// begins where a panel would.
    pub fn past(&self, left: f32, width: f32) -> f32 {
        let mut begin = left;
        for [from, to] in around(&self.xs, self.clear) {
            if begin < to && begin + width > from {
                begin = to;
            }
        }
        begin
    }

    /// The same, moved to whichever side is nearer.
    pub fn beside(&self, left: f32, width: f32) -> f32 {
        let crossed = self.strips(&self.xs).find(|[from, to]| left < *to && left + width > *from);
        let Some([from, to]) = crossed else { return left };
        let (before, after) = (from - width, to);
        if (left - before).abs() < (after - left).abs() { before } else { after }
    }

    /// Where something of that height that would begin at `top` begins so that no level seam goes through it, moved to
    /// whichever side is nearer.
    pub fn above_or_below(&self, top: f32, height: f32) -> f32 {
        let crossed = self.strips(&self.ys).find(|[from, to]| top < *to && top + height > *from);
        let Some([from, to]) = crossed else { return top };
        if top - (from - height) < to - top { from - height } else { to }
    }

    /// How much of a line from `left` to `right` is free of seams.
    pub fn free(&self, left: f32, right: f32) -> f32 {
        around(&self.xs, self.clear).map(|[from, _]| from).find(|from| *from > left && *from < right).unwrap_or(right)
            - left
    }

    /// How many seams run down between two places.
    pub fn between(&self, left: f32, right: f32) -> usize {
        self.xs.iter().filter(|x| **x > left && **x < right).count()
    }

    /// A seam that goes through a box.
    pub fn crosses(&self, place: &Rect) -> bool {
        self.upright_crosses(place) || self.level_crosses(place)
    }

    /// A seam between displays beside one another that goes through a box.
    pub fn upright_crosses(&self, place: &Rect) -> bool {
        self.strips(&self.xs).any(|[from, to]| place.left < to && place.right > from)
    }

    /// A seam between displays above one another that goes through a box.
    pub fn level_crosses(&self, place: &Rect) -> bool {
        self.strips(&self.ys).any(|[from, to]| place.top < to && place.bottom > from)
    }

    /// What is left of a stretch from `top` to `bottom` between the level seams, from top to bottom.
    pub fn bands(&self, top: f32, bottom: f32) -> Vec<[f32; 2]> {
        pieces(around(&self.ys, self.clear), top, bottom)
    }

    /// What is left of a stretch from `left` to `right` between the upright seams, from left to right.
    pub fn lanes(&self, left: f32, right: f32) -> Vec<[f32; 2]> {
        pieces(around(&self.xs, self.clear), left, right)
    }
}

/// From where to where the strips of that width around some lines go.
fn around(lines: &[f32], width: f32) -> impl Iterator<Item = [f32; 2]> + use<'_> {
    let half = width * 0.5;
    lines.iter().map(move |line| [line - half, line + half])
}

/// What is left of a stretch without the strips.
fn pieces(strips: impl Iterator<Item = [f32; 2]>, from: f32, to: f32) -> Vec<[f32; 2]> {
    let mut pieces = Vec::new();
    let mut begin = from;
    for [strip_from, strip_to] in strips.filter(|strip| strip[1] > from && strip[0] < to) {
        if strip_from > begin {
            pieces.push([begin, strip_from]);
        }
        begin = strip_to;
    }
    if to > begin {
        pieces.push([begin, to]);
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_height_a_text_needs_is_that_of_the_standard() {
        // 6 m at P1.25: 16′ are 23 px, 20′ are 28 px; 10 m at P1.86: 26 and 32.
        let hall = |pitch_mm, far_m| Screen::plain(3840, 1080, pitch_mm, far_m);
        assert_eq!((hall(1.25, 6.0).needed_px(16.0), hall(1.25, 6.0).needed_px(20.0)), (23.0, 28.0));
        assert_eq!((hall(1.86, 10.0).needed_px(16.0), hall(1.86, 10.0).needed_px(20.0)), (26.0, 32.0));
    }

    #[test]
    fn a_screen_is_read_with_its_pitch_or_its_width() {
        let wall = "[screen]\nwidth = 5760\nheight = 2160\nfar_m = 5\ncolumns = 3\nrows = 2\nseam_mm = 3.6\n";
        let screen = Screen::parse(&format!("{wall}width_mm = 3600\n")).unwrap();
        assert_eq!((screen.pitch_mm, screen.seams), (0.625, Seams { columns: 3, rows: 2, strip: 0.001 }));
        assert_eq!(Screen::parse(&format!("{wall}pitch_mm = 0.625\n")), Ok(screen));
        let wrong = |more: &str| Screen::parse(&format!("{wall}{more}")).unwrap_err();
        assert!(wrong("").contains("pitch_mm is missing"));
        assert!(wrong("pitch_mm = 1\nwidth_mm = 1\n").contains("leave one out"));
        assert!(wrong("pitch_mm = 1\ncolums = 3\n").contains("unknown field `colums`"));
        let many = wall.replace("columns = 3", "columns = 0");
        assert!(Screen::parse(&format!("{many}pitch_mm = 1\n")).unwrap_err().contains("1 to 64"));
    }

    #[test]
    fn a_run_of_text_goes_past_a_seam() {
        let seams = Seams { columns: 3, rows: 1, strip: 0.007_812_5 };
        let lines = SeamLines::new(seams, Rect::new(0.0, 0.0, 3840.0, 1080.0), 20.0);
        assert_eq!((lines.xs.as_slice(), lines.strip), ([1280.0, 2560.0].as_slice(), 30.0));
        assert_eq!((lines.past(1200.0, 60.0), lines.past(1200.0, 100.0)), (1200.0, 1295.0));
        assert_eq!((lines.beside(1200.0, 100.0), lines.beside(1250.0, 100.0)), (1165.0, 1295.0));
        let text = |width: f32| Rect::new(2480.0, 0.0, width, 10.0);
        assert!(lines.crosses(&text(70.0)) && !lines.crosses(&text(60.0)));
        let rows = SeamLines::new(Seams { columns: 1, rows: 2, strip: 0.0 }, Rect::new(0.0, 0.0, 3840.0, 1000.0), 0.0);
        assert_eq!((rows.above_or_below(490.0, 30.0), rows.above_or_below(480.0, 30.0)), (504.0, 466.0));
        assert_eq!((lines.free(100.0, 900.0), lines.free(100.0, 2000.0)), (800.0, 1165.0));
        assert_eq!(rows.bands(400.0, 600.0), [[400.0, 496.0], [504.0, 600.0]]);
        assert_eq!((rows.bands(10.0, 60.0), rows.bands(497.0, 503.0)), (vec![[10.0, 60.0]], vec![]));
        // Seams narrower than the gap between panels are as far from a line of text as from a panel.
        let apart = SeamLines::new(Seams { columns: 2, rows: 1, strip: 0.0 }, Rect::new(0.0, 0.0, 200.0, 100.0), 24.0);
        assert_eq!((apart.past(80.0, 12.0), apart.lanes(0.0, 200.0)), (112.0, vec![[0.0, 88.0], [112.0, 200.0]]));
        assert!(!apart.crosses(&Rect::new(80.0, 0.0, 15.0, 10.0)), "but it lies on none so near");
    }
}
