//! Whether a wall can be read from where people stand, and whether its panels and headings fit.
//!
//! A text's height over the distance is an angle: `px = ⌈far_m · tan θ / pitch_mm⌉`. Notes and captions need 16′ at the
//! farthest reader (NUREG-0700), texts 20′ (ISO 9241-3 prefers 20′ to 22′), the one figure of a scene 40′.

use std::path::Path;

use serde::Deserialize;

use crate::model::City;

use super::canvas::{DisplayList, Face, Glyphs, Paint, Style};
use super::options::{Lang, Mode, WallError};
use super::scene::Scene;
use super::tokens::{self, size};

/// `[screen]` of a configuration file.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Screen {
    /// Pixels.
    pub width: u32,
    pub height: u32,
    /// From the middle of a pixel to the next, mm.
    pub pitch_mm: f64,
    /// The farthest reader, m.
    pub far_m: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    screen: Screen,
}

/// What is checked where no screen is configured: a desk's, and a hall of fine-pitch LED.
pub const USUAL: [Screen; 2] = [
    Screen { width: 1920, height: 1080, pitch_mm: 0.277, far_m: 0.7 },
    Screen { width: 3840, height: 1080, pitch_mm: 1.25, far_m: 3.0 },
];

/// What a text is, how large it is set and which angle it needs, minutes of arc.
const RULES: [(&str, f32, f64); 4] = [
    ("notes", size::NOTE, 16.0),
    ("captions", size::CAPTION, 16.0),
    ("texts", size::BODY, 20.0),
    ("the hero figure", size::HERO, 40.0),
];

impl Screen {
    /// Reads a configuration file.
    ///
    /// # Errors
    /// It can't be read, or a value is missing or makes no sense.
    pub fn load(path: &Path) -> Result<Screen, WallError> {
        let fail = |message: String| WallError::Read { path: path.display().to_string(), message };
        let text = std::fs::read_to_string(path).map_err(|error| fail(error.to_string()))?;
        let config: Config = toml::from_str(&text).map_err(|error| fail(error.to_string().trim_end().to_owned()))?;
        let screen = config.screen;
        let good = |value: f64, most: f64| value.is_finite() && value > 0.0 && value <= most;
        if !good(screen.pitch_mm, 100.0) || !good(screen.far_m, 1000.0) {
            return Err(fail("pitch_mm and far_m must be above 0, e.g. pitch_mm = 1.25, far_m = 6.0".into()));
        }
        if [screen.width, screen.height].iter().any(|side| !(64..=16384).contains(side)) {
            return Err(fail("width and height must be 64 to 16384 pixels".into()));
        }
        Ok(screen)
    }

    /// Pixels that a text of so many minutes of arc needs.
    pub fn needed_px(&self, minutes: f64) -> f64 {
        (self.far_m * 1000.0 * (minutes / 60.0).to_radians().tan() / self.pitch_mm).ceil()
    }

    /// How far away a text of so many pixels can be, m.
    fn reach_m(&self, px: f64, minutes: f64) -> f64 {
        px * self.pitch_mm / (minutes / 60.0).to_radians().tan() / 1000.0
    }
}

/// Everything that can't be read or does not fit, a sentence each.
///
/// # Errors
/// The fonts can't be read.
pub fn check(scenes: &[Scene], city: &City, screens: &[Screen]) -> Result<Vec<String>, WallError> {
    let mut glyphs = Glyphs::load(64)?;
    let mut problems = Vec::new();
    for screen in screens {
        for scene in scenes {
            for mode in Mode::ALL {
                let place = format!("scene {}, {}, {}×{}", scene.name, mode.name(), screen.width, screen.height);
                legible(scene, city, mode, screen, &place, &mut problems);
                fits(scene, city, mode, screen, &place, &mut glyphs, &mut problems);
            }
        }
    }
    problems.dedup();
    Ok(problems)
}

fn legible(scene: &Scene, city: &City, mode: Mode, screen: &Screen, place: &str, problems: &mut Vec<String>) {
    let fitted = scene.fit([screen.width, screen.height], city, mode);
    for (what, size, minutes) in RULES {
        let px = f64::from(size * fitted.scale);
        let needed = screen.needed_px(minutes);
        if px + 0.5 < needed {
            problems.push(format!(
                "{place}: {what} are {px:.0} px high and need {needed:.0} to be read from {} m (they can be from {:.1} m); \
                 give the layout a smaller size, or bring readers nearer",
                screen.far_m,
                screen.reach_m(px, minutes)
            ));
            return;
        }
    }
}

fn fits(
    scene: &Scene,
    city: &City,
    mode: Mode,
    screen: &Screen,
    place: &str,
    glyphs: &mut Glyphs,
    problems: &mut Vec<String>,
) {
    let fitted = scene.fit([screen.width, screen.height], city, mode);
    let mut list = DisplayList::default();
    let mut pen = Paint { list: &mut list, glyphs, scale: fitted.scale, origin: [0.0; 2], grey: 0.0, opacity: 1.0 };
    for (index, (panel, rect)) in fitted.places.iter().enumerate() {
        let spec = &scene.panels[*panel];
        let least = spec.panel.least();
        if rect.width() + 0.5 < least[0] || rect.height() + 0.5 < least[1] {
            problems.push(format!(
                "{place}: panel {} has {:.0}×{:.0} and needs {:.0}×{:.0}; give it more room in the layout",
                spec.id,
                rect.width(),
                rect.height(),
                least[0],
                least[1]
            ));
        }
        if !fitted.wall.contains(rect) {
            problems.push(format!("{place}: panel {} stands partly outside the wall; its column is too full", spec.id));
        }
        let over = fitted.places[index + 1..].iter().find(|(_, other)| spec.framed && rect.inset(1.0).overlaps(other));
        if let Some((other, _)) = over {
            problems.push(format!("{place}: panels {} and {} overlap", spec.id, scene.panels[*other].id));
        }
        for lang in [Lang::Zh, Lang::En] {
            let spacing = if lang == Lang::Zh { tokens::TITLE_SPACING } else { 0.01 };
            let title = Style::new(Face::Text, size::BODY, tokens::TEXT_BODY).spacing(spacing);
            let note = Style::new(Face::Text, size::NOTE, tokens::TEXT_FAINT);
            let title = pen.measure(spec.title.pick(lang), &title);
            let note = pen.measure(spec.note.pick(lang), &note);
            let room = rect.width() - 2.0 * tokens::PANEL_PADDING;
            if spec.framed && title + note + 16.0 > room + 0.5 {
                problems.push(format!(
                    "{place}: title and note of panel {} are {:.0} wide in {} and have {room:.0}; shorten them",
                    spec.id,
                    title + note + 16.0,
                    lang.name()
                ));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_height_a_text_needs_is_that_of_the_standard() {
        // 6 m at P1.25: 16′ are 23 px, 20′ are 28 px; 10 m at P1.86: 26 and 32.
        let hall = |pitch_mm, far_m| Screen { width: 3840, height: 1080, pitch_mm, far_m };
        assert_eq!((hall(1.25, 6.0).needed_px(16.0), hall(1.25, 6.0).needed_px(20.0)), (23.0, 28.0));
        assert_eq!((hall(1.86, 10.0).needed_px(16.0), hall(1.86, 10.0).needed_px(20.0)), (26.0, 32.0));
    }

    #[test]
    fn the_scenes_that_ship_can_be_read_and_fit_and_a_farther_reader_is_told() {
        let city = City::load("ningbo").unwrap();
        let (scenes, _) = super::super::scene::load_all(&super::super::scene::folder());
        assert_eq!(check(&scenes, &city, &USUAL).unwrap(), Vec::<String>::new());
        let far = Screen { far_m: 12.0, ..USUAL[1].clone() };
        let problems = check(&scenes, &city, &[far]).unwrap();
        assert!(problems.iter().any(|problem| problem.contains("to be read from 12 m")), "{problems:?}");
    }
}
