//! Every colour and size of the wall, in one place; a test refuses colour literals anywhere else.
//!
//! Colours are sRGB with straight alpha; sizes are design units (one pixel of a 1920×1080 wall).

/// sRGB red, green, blue and straight alpha.
#[derive(Clone, Copy, Debug, PartialEq, Eq, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C)]
pub struct Colour(pub [u8; 4]);

const fn rgb(hex: u32) -> Colour {
    Colour([(hex >> 16) as u8, (hex >> 8) as u8, hex as u8, 255])
}

impl Colour {
    pub const CLEAR: Colour = Colour([0, 0, 0, 0]);

    /// The same colour, `alpha` (0 to 1) times as opaque.
    pub fn alpha(self, alpha: f32) -> Colour {
        let [red, green, blue, own] = self.0;
        Colour([red, green, blue, (own as f32 * alpha.clamp(0.0, 1.0)).round() as u8])
    }

    /// Between this colour (0) and another (1), in sRGB.
    pub fn mix(self, other: Colour, share: f32) -> Colour {
        let share = share.clamp(0.0, 1.0);
        let mut mixed = [0; 4];
        for ((mixed, own), other) in mixed.iter_mut().zip(self.0).zip(other.0) {
            *mixed = (own as f32 + (other as f32 - own as f32) * share).round() as u8;
        }
        Colour(mixed)
    }

    /// Drained of colour and light by `age` (0 fresh, 1 old): what a late number looks like.
    pub fn greyed(self, age: f32) -> Colour {
        if age <= 0.0 {
            return self;
        }
        let [red, green, blue, alpha] = self.0;
        let grey = (red as f32 * 0.3 + green as f32 * 0.59 + blue as f32 * 0.11) * 0.62;
        let grey = Colour([grey as u8, (grey * 1.02) as u8, (grey * 1.08).min(255.0) as u8, alpha]);
        self.mix(grey, age)
    }
}

// The ground, from its edge to its middle.
pub const GROUND_EDGE: Colour = rgb(0x060d16);
pub const GROUND_MIDDLE: Colour = rgb(0x0b1d33);
/// A panel's surface, top to bottom.
pub const PANEL_TOP: Colour = Colour([30, 74, 118, 74]);
pub const PANEL_BOTTOM: Colour = Colour([14, 38, 66, 34]);
pub const PANEL_EDGE: Colour = Colour([86, 146, 204, 96]);
pub const RULE: Colour = Colour([120, 170, 215, 46]);
/// The empty part of a bar, a ring, an absent seat.
pub const TRACK: Colour = Colour([96, 150, 204, 44]);

// Text, from loud to quiet.
pub const TEXT: Colour = rgb(0xffffff);
pub const TEXT_BODY: Colour = rgb(0xdbe7f3);
pub const TEXT_QUIET: Colour = rgb(0x8fb0cc);
pub const TEXT_FAINT: Colour = rgb(0x6f8fab);

// The four boards; a city's fifth and later ones take the colours after them.
pub const BOARDS: [Colour; 8] = [
    rgb(0xffb84d),
    rgb(0xff6b81),
    rgb(0x5aa9ff),
    rgb(0x45d6a8),
    rgb(0xb691ff),
    rgb(0x5ed7f0),
    rgb(0xf28fd0),
    rgb(0xa8cf6a),
];
pub const BOARD_CODES: [&str; 4] = ["life", "volunteer", "enterprise", "government"];

/// The wall's own accent: 81890's amber.
pub const ACCENT: Colour = rgb(0xffb84d);
pub const ACCENT_SOFT: Colour = rgb(0xffd08a);

// Status, never without a shape or a word.
pub const GOOD: Colour = rgb(0x45d6a8);
pub const WARN: Colour = rgb(0xffb020);
pub const BAD: Colour = rgb(0xff6a55);

// Public warnings, 红橙黄蓝, and nothing else.
pub const WARNING_RED: Colour = rgb(0xe6352b);
pub const WARNING_ORANGE: Colour = rgb(0xf5861f);
pub const WARNING_YELLOW: Colour = rgb(0xf8d21c);
pub const WARNING_BLUE: Colour = rgb(0x2f7fe0);

// Seats by state.
pub const SEAT_TALK: Colour = rgb(0x3f93ea);
pub const SEAT_WRAP: Colour = rgb(0x7d6bdd);
pub const SEAT_READY: Colour = rgb(0x2fa37f);
pub const SEAT_REST: Colour = rgb(0x8a8442);
pub const SEAT_AWAY: Colour = Colour([96, 150, 204, 58]);

// The map.
pub const LAND_NORTH: Colour = rgb(0x1d4a7d);
pub const LAND_SOUTH: Colour = rgb(0x102d52);
pub const LAND_SIDE: Colour = rgb(0x071a30);
pub const LAND_SHADOW: Colour = Colour([0, 3, 9, 255]);
pub const COAST: Colour = rgb(0x6aaef0);
pub const BORDER: Colour = Colour([96, 158, 220, 150]);
pub const LABEL_HALO: Colour = Colour([3, 12, 24, 215]);
pub const LABEL_COUNT: Colour = rgb(0xffd56b);
pub const NIGHT_LAND: Colour = rgb(0x0a1c35);
pub const NIGHT_COAST: Colour = Colour([104, 170, 236, 120]);
pub const NIGHT_BORDER: Colour = Colour([84, 142, 204, 46]);
pub const SPARK_CALM: Colour = rgb(0xbfe3da);

/// The simulated-data mark.
pub const DEMO: Colour = rgb(0xffb84d);

/// The ladder of text sizes: eight, so that a glyph atlas stays small.
pub mod size {
    /// Sources and notes.
    pub const NOTE: f32 = 14.0;
    /// Captions under figures.
    pub const CAPTION: f32 = 15.0;
    /// Labels, titles, lists.
    pub const BODY: f32 = 18.0;
    /// Figures in rows.
    pub const ROW_FIGURE: f32 = 22.0;
    /// Figures in rings.
    pub const RING_FIGURE: f32 = 26.0;
    /// Figures of a panel, the title, the clock.
    pub const FIGURE: f32 = 35.0;
    /// The one figure of a scene.
    pub const HERO: f32 = 68.0;
    /// The one figure of a lobby wall.
    pub const GIANT: f32 = 200.0;
    pub const LADDER: [f32; 8] = [NOTE, CAPTION, BODY, ROW_FIGURE, RING_FIGURE, FIGURE, HERO, GIANT];
}

/// Letter spacing of panel titles, in em.
pub const TITLE_SPACING: f32 = 0.09;
/// Space between a panel's edge and what is in it.
pub const PANEL_PADDING: f32 = 20.0;
/// Height of a panel's title line.
pub const PANEL_HEAD: f32 = 48.0;

/// Seconds a number takes from its old value to its new one.
pub const TWEEN_S: f32 = 0.5;
/// At most so many shine at once; in a flood the older ones settle sooner.
pub const SPARKS_NEW_MAX: usize = 400;
/// Seconds one scene takes to go over into the next.
pub const FADE_S: f32 = 0.6;
/// Seconds a new spark shines before it settles.
pub const SPARK_NEW_S: f32 = 8.0;
/// Seconds after which a panel without news of its hub says so.
pub const LATE_S: f32 = 5.0;
/// Seconds after which a late panel is wholly grey.
pub const GREY_S: f32 = 120.0;
/// Seconds a scene that somebody chose stays before the rotation goes on.
pub const HOLD_S: u64 = 180;
/// Seconds the panels stay turned over, saying how their numbers are made.
pub const EXPLAIN_S: u64 = 180;
/// How far a point of the night sky goes from its place, design units.
pub const POINT_REACH: f32 = 1.8;
/// From one breath of the night sky to the next, design units.
pub const BREATH_SPAN: f32 = 320.0;
/// Below this many cases a rate is shown as a count.
pub const RATE_N_MIN: i64 = 30;

pub fn board(position: usize) -> Colour {
    BOARDS[position % BOARDS.len()]
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    fn rust_files(folder: &Path, files: &mut Vec<std::path::PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                rust_files(&path, files);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }

    #[test]
    fn no_colour_is_written_outside_this_file() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/wall");
        let mut files = Vec::new();
        rust_files(&folder, &mut files);
        assert!(files.len() > 20);
        for file in files.iter().filter(|file| !file.ends_with("tokens.rs")) {
            let text = std::fs::read_to_string(file).unwrap();
            for (number, line) in text.lines().enumerate() {
                let literal = line.contains("rgb(0x") || line.contains("Colour([") && !line.contains("Colour([u8");
                assert!(!literal, "{}:{}: a colour literal; name it in tokens.rs: {line}", file.display(), number + 1);
            }
        }
    }

    #[test]
    fn the_ladder_has_at_most_eight_sizes() {
        assert!(super::size::LADDER.is_sorted() && super::size::LADDER.len() <= 8);
    }
}
