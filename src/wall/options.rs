//! What the wall is asked to do, and how it fails.

use std::path::PathBuf;
use std::str::FromStr;

use super::screen::Seams;

/// For whom the wall is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Mode {
    /// Visitors: coarse, delayed, no list of cases.
    #[default]
    Lobby,
    /// Leaders at a briefing: a snapshot to talk about, with n and intervals.
    Brief,
    /// People on duty: everything, each second.
    Ops,
}

impl Mode {
    pub const ALL: [Mode; 3] = [Mode::Lobby, Mode::Brief, Mode::Ops];

    pub fn name(self) -> &'static str {
        match self {
            Mode::Lobby => "lobby",
            Mode::Brief => "brief",
            Mode::Ops => "ops",
        }
    }
}

impl FromStr for Mode {
    type Err = String;

    fn from_str(text: &str) -> Result<Mode, String> {
        Mode::ALL
            .into_iter()
            .find(|mode| mode.name() == text)
            .ok_or_else(|| format!("{text:?} is no mode; use lobby, brief or ops"))
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Lang {
    #[default]
    Zh,
    En,
}

impl Lang {
    pub fn name(self) -> &'static str {
        match self {
            Lang::Zh => "zh",
            Lang::En => "en",
        }
    }

    /// Picks the text of this language; the other one where it is empty.
    pub fn pick<'a>(self, zh: &'a str, en: &'a str) -> &'a str {
        match self {
            Lang::Zh if !zh.is_empty() || en.is_empty() => zh,
            Lang::En if en.is_empty() => zh,
            _ => en,
        }
    }
}

impl FromStr for Lang {
    type Err = String;

    fn from_str(text: &str) -> Result<Lang, String> {
        match text {
            "zh" => Ok(Lang::Zh),
            "en" => Ok(Lang::En),
            _ => Err(format!("{text:?} is no language of the wall; use zh or en")),
        }
    }
}

/// How very many points are drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PointsPath {
    /// As the graphics adapter can.
    #[default]
    Auto,
    /// One by one, in motion.
    Moving,
    /// As a field of light: how many are on each pixel.
    Grid,
}

impl PointsPath {
    /// Whether they move on such an adapter; a software rasteriser would have no time for anything else.
    pub fn moves_on(self, adapter: wgpu::DeviceType) -> bool {
        use wgpu::DeviceType::{DiscreteGpu, IntegratedGpu, VirtualGpu};
        match self {
            PointsPath::Auto => matches!(adapter, DiscreteGpu | IntegratedGpu | VirtualGpu),
            PointsPath::Moving => true,
            PointsPath::Grid => false,
        }
    }
}

impl FromStr for PointsPath {
    type Err = String;

    fn from_str(text: &str) -> Result<PointsPath, String> {
        match text {
            "auto" => Ok(PointsPath::Auto),
            "moving" => Ok(PointsPath::Moving),
            "grid" => Ok(PointsPath::Grid),
            _ => Err(format!("{text:?} is no way to draw points; use auto, moving or grid")),
        }
    }
}

/// Reads `1920x1080`.
///
/// # Errors
/// A sentence saying what a size looks like; sides are 64 to 16384 pixels.
pub fn parse_size(text: &str) -> Result<(u32, u32), String> {
    let sides = text
        .split_once(['x', 'X', '×'])
        .and_then(|(width, height)| Some((width.trim().parse::<u32>().ok()?, height.trim().parse::<u32>().ok()?)));
    match sides {
        Some((width, height)) if (64..=16384).contains(&width) && (64..=16384).contains(&height) => Ok((width, height)),
        _ => Err(format!("{text:?} is no size; write WIDTHxHEIGHT in pixels, e.g. 1920x1080 (64 to 16384 a side)")),
    }
}

#[derive(Clone, Debug)]
pub struct WallOptions {
    /// `ws://HOST:8189/ws`.
    pub hub: String,
    pub mode: Mode,
    pub lang: Lang,
    /// File stem of a scene under `assets/scenes/`.
    pub scene: String,
    /// Pixels; left out: the screen's, or 1920×1080 offscreen.
    pub size: Option<(u32, u32)>,
    pub seams: Seams,
    pub points: PointsPath,
    /// No window, also where there is a display.
    pub offscreen: bool,
    /// Start in full screen.
    pub fullscreen: bool,
}

impl WallOptions {
    pub fn new(hub: impl Into<String>) -> WallOptions {
        WallOptions {
            hub: hub.into(),
            mode: Mode::Lobby,
            lang: Lang::Zh,
            scene: "overview".into(),
            size: None,
            seams: Seams::NONE,
            points: PointsPath::Auto,
            offscreen: false,
            fullscreen: false,
        }
    }
}

#[derive(Clone, Debug)]
pub struct SnapshotOptions {
    pub hub: String,
    pub scene: String,
    pub size: (u32, u32),
    pub seams: Seams,
    pub points: PointsPath,
    pub mode: Mode,
    pub lang: Lang,
    /// As of this instant, µs since 1970 UTC; left out: the hub's now.
    pub at: Option<i64>,
    /// Panels say how their numbers are made.
    pub explain: bool,
    pub out: PathBuf,
    /// Give up after so many seconds without a complete picture.
    pub wait_s: u64,
}

impl SnapshotOptions {
    pub fn new(hub: impl Into<String>, out: impl Into<PathBuf>) -> SnapshotOptions {
        SnapshotOptions {
            hub: hub.into(),
            scene: "overview".into(),
            size: (1920, 1080),
            seams: Seams::NONE,
            points: PointsPath::Auto,
            mode: Mode::Lobby,
            lang: Lang::Zh,
            at: None,
            explain: false,
            out: out.into(),
            wait_s: 30,
        }
    }
}

/// A scene as it goes on.
#[derive(Clone, Debug)]
pub struct RecordOptions {
    pub hub: String,
    pub scene: String,
    pub size: (u32, u32),
    pub seams: Seams,
    pub points: PointsPath,
    pub mode: Mode,
    pub lang: Lang,
    /// When it begins, µs since 1970 UTC.
    pub at: i64,
    pub seconds: f64,
    /// Pictures a second.
    pub fps: u32,
    /// A folder of PNG files, or a film `NAME.mp4`.
    pub out: PathBuf,
    /// Give up after so many seconds without the data of one moment.
    pub wait_s: u64,
}

/// Pictures of one moment: every scene in every mode and several shapes.
#[derive(Clone, Debug)]
pub struct GalleryOptions {
    pub hub: String,
    /// Names of scenes; empty: all there are.
    pub scenes: Vec<String>,
    /// Pixels.
    pub sizes: Vec<(u32, u32)>,
    pub seams: Seams,
    pub points: PointsPath,
    pub lang: Lang,
    /// As of this instant, µs since 1970 UTC; left out: the hub's now.
    pub at: Option<i64>,
    /// Panels say how their numbers are made.
    pub explain: bool,
    /// The folder the pictures go to.
    pub out: PathBuf,
    /// Give up after so many seconds without all data.
    pub wait_s: u64,
}

#[derive(Debug, thiserror::Error)]
pub enum WallError {
    #[error(
        "no picture can be drawn: {0}; install a Vulkan driver (Debian: mesa-vulkan-drivers) or check the graphics card"
    )]
    Graphics(String),
    #[error("{0}")]
    Scene(#[from] super::scene::SceneError),
    #[error("no complete picture within {wait_s} s: {missing}; check that the hub at {hub} runs and answers")]
    Timeout { wait_s: u64, hub: String, missing: String },
    #[error("{path} cannot be written: {message}")]
    Write { path: String, message: String },
    #[error("{path} cannot be read: {message}")]
    Read { path: String, message: String },
    #[error("{0}")]
    Setup(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_read_as_people_write_them() {
        assert_eq!(parse_size("3840x1080"), Ok((3840, 1080)));
        assert_eq!(parse_size("1920×1080"), Ok((1920, 1080)));
        assert!(parse_size("1920").unwrap_err().contains("1920x1080"));
        assert!(parse_size("0x10").is_err());
    }

    #[test]
    fn points_move_where_a_graphics_card_draws_unless_somebody_says_otherwise() {
        use wgpu::DeviceType;
        let moves = |path: PointsPath| {
            [
                DeviceType::DiscreteGpu,
                DeviceType::IntegratedGpu,
                DeviceType::VirtualGpu,
                DeviceType::Cpu,
                DeviceType::Other,
            ]
            .map(|adapter| path.moves_on(adapter))
        };
        assert_eq!(moves("auto".parse().unwrap()), [true, true, true, false, false]);
        assert_eq!(moves("moving".parse().unwrap()), [true; 5]);
        assert_eq!(moves("grid".parse().unwrap()), [false; 5]);
        assert!("gpu".parse::<PointsPath>().unwrap_err().contains("auto, moving or grid"));
    }
}
