//! Whether a wall can be read from where people stand, and whether all that is on it has its place.
//!
//! Notes and captions need 16′ at the farthest reader (NUREG-0700), texts 20′ (ISO 9241-3 prefers 20′ to 22′), the one
//! figure of a scene 40′. Every scene is laid out and written, though not drawn, in each mode and language on each
//! screen: a panel must have room, and no text may leave its panel, stand in another's way or lie on a seam.

use crate::model::City;

use super::canvas::{DisplayList, Face, Glyphs, Rect, Style, TextBox};
use super::composer::Part;
use super::data::Data;
use super::layout;
use super::options::{Lang, Mode, WallError};
use super::painter::{self, View};
use super::scene::{Fitted, Scene};
use super::screen::Screen;
use super::tokens::{self, size};

/// What is checked where no screen is configured: a desk, halls of fine-pitch LED and of displays, a standing display.
pub const USUAL: [Screen; 6] = [
    Screen::plain(1920, 1080, 0.277, 0.7),
    Screen::plain(3840, 1080, 1.25, 3.0),
    Screen::plain(5760, 2160, 0.9375, 4.0),
    Screen::plain(7680, 2160, 0.9375, 5.0),
    Screen::plain(5760, 1620, 1.25, 4.5),
    Screen::plain(1080, 1920, 0.63, 1.8),
];

/// What a text is, how large it is set and which angle it needs, minutes of arc.
const RULES: [(&str, f32, f64); 4] = [
    ("notes", size::NOTE, 16.0),
    ("captions", size::CAPTION, 16.0),
    ("texts", size::BODY, 20.0),
    ("the hero figure", size::HERO, 40.0),
];

/// Chinese characters of fewer pixels are no longer told apart; the smallest dot fonts are as high. It is what an LED
/// wall of a coarse pitch has too few of, where its large pixels are wide enough for the angle.
const CHARACTER_PX: f64 = 12.0;

/// Everything that can't be read or does not fit when the wall shows `data`, a sentence each.
///
/// # Errors
/// The fonts can't be read.
pub fn check(scenes: &[Scene], city: &City, screens: &[Screen], data: &Data) -> Result<Vec<String>, WallError> {
    let mut glyphs = Glyphs::load(64)?;
    let mut problems = Vec::new();
    for screen in screens {
        for scene in scenes {
            for mode in Mode::ALL {
                let mut look = Look { scene, city, screen, mode, data, problems: &mut problems };
                look.legible();
                let fitted = scene.fit([screen.width, screen.height], screen.seams, city, mode);
                look.has_room(&fitted, &mut glyphs);
                for lang in [Lang::Zh, Lang::En] {
                    look.texts(scenes, &fitted, lang, false, &mut glyphs);
                    // Turned over the panels have other texts, where it is known which.
                    if !data.catalog().is_empty() {
                        look.texts(scenes, &fitted, lang, true, &mut glyphs);
                    }
                }
            }
        }
    }
    problems.dedup();
    Ok(problems)
}

/// A scene in a mode on a screen.
struct Look<'a> {
    scene: &'a Scene,
    city: &'a City,
    screen: &'a Screen,
    mode: Mode,
    data: &'a Data,
    problems: &'a mut Vec<String>,
}

impl Look<'_> {
    fn tell(&mut self, what: &str) {
        let Screen { width, height, .. } = self.screen;
        self.problems.push(format!("scene {}, {}, {width}×{height}: {what}", self.scene.name, self.mode.name()));
    }

    fn legible(&mut self) {
        let Screen { width, height, seams, far_m, .. } = *self.screen;
        let fitted = self.scene.fit([width, height], seams, self.city, self.mode);
        for (what, size, minutes) in RULES {
            let px = f64::from(size * fitted.scale);
            if px + 0.5 < CHARACTER_PX {
                self.tell(&format!(
                    "{what} are {px:.0} px high, and a Chinese character needs {CHARACTER_PX:.0} to be told from \
                     another, however near; give the wall more pixels (a finer pitch_mm), or the layout a smaller size"
                ));
                return;
            }
            let needed = self.screen.needed_px(minutes);
            if px + 0.5 < needed {
                self.tell(&format!(
                    "{what} are {px:.0} px high and need {needed:.0} to be read from {far_m} m (they can be from {:.1} m); \
                     give the layout a smaller size, or bring readers nearer",
                    self.screen.reach_m(px, minutes)
                ));
                return;
            }
        }
    }

    fn has_room(&mut self, fitted: &Fitted, glyphs: &mut Glyphs) {
        let mut list = DisplayList::default();
        let mut pen = painter::pen(&mut list, glyphs, fitted.scale);
        for (index, place) in fitted.places.iter().enumerate() {
            let (spec, rect) = (&self.scene.panels[place.panel], place.rect);
            let least = spec.panel.least();
            if rect.width() + 0.5 < least[0] || rect.height() + 0.5 < least[1] {
                self.tell(&format!(
                    "panel {} has {:.0}×{:.0} and needs {:.0}×{:.0}; give it more room in the layout",
                    spec.id,
                    rect.width(),
                    rect.height(),
                    least[0],
                    least[1]
                ));
            }
            if !fitted.wall.contains(&rect) {
                self.tell(&format!("panel {} stands partly outside the wall; its column is too full", spec.id));
            }
            if layout::is_crossed(place, &self.scene.panels, &fitted.seams) {
                self.tell(&format!(
                    "a seam goes through panel {}; give the layout a gap there, or let the panel begin at the seam",
                    spec.id
                ));
            }
            let over =
                fitted.places[index + 1..].iter().find(|other| spec.framed && rect.inset(1.0).overlaps(&other.rect));
            if let Some(other) = over {
                self.tell(&format!("panels {} and {} overlap", spec.id, self.scene.panels[other.panel].id));
            }
            for lang in [Lang::Zh, Lang::En] {
                let spacing = if lang == Lang::Zh { tokens::TITLE_SPACING } else { 0.01 };
                let title = Style::new(Face::Text, size::BODY, tokens::TEXT_BODY).spacing(spacing);
                let note = Style::new(Face::Text, size::NOTE, tokens::TEXT_FAINT);
                let wide = pen.measure(spec.title.pick(lang), &title) + pen.measure(spec.note.pick(lang), &note) + 16.0;
                let room = rect.width() - 2.0 * tokens::PANEL_PADDING;
                let wide = wide * fitted.heading;
                if spec.framed && wide > room + 0.5 {
                    self.tell(&format!(
                        "title and note of panel {} are {wide:.0} wide in {} and have {room:.0}; shorten them",
                        spec.id,
                        lang.name()
                    ));
                }
            }
        }
    }

    /// Writes the scene and looks where each text came to stand.
    fn texts(&mut self, scenes: &[Scene], fitted: &Fitted, lang: Lang, explain: bool, glyphs: &mut Glyphs) {
        let tabs: Vec<(String, String)> =
            scenes.iter().map(|scene| (scene.name.clone(), scene.tab.pick(lang).to_owned())).collect();
        let view = View {
            data: self.data,
            scene: self.scene,
            tabs: &tabs,
            mode: self.mode,
            lang,
            size: [self.screen.width, self.screen.height],
            seams: self.screen.seams,
            now_us: self.data.now_us(0.0),
            now_s: 0.0,
            settled: true,
            frozen_us: None,
            explain,
            paused: false,
            as_of: true,
            problem: None,
        };
        let city = self.city;
        for place in &fitted.places {
            let spec = &self.scene.panels[place.panel];
            let list = noted(|list| {
                painter::panel(&view, city, fitted, place, &mut painter::pen(list, glyphs, fitted.scale), Part::Still);
            });
            let within = if spec.framed { place.rect } else { fitted.wall };
            self.look_at(&format!("panel {}", spec.id), &list, within, fitted, lang);
        }
        let chrome = painter::chrome(&view, city, fitted);
        let list = noted(|list| {
            chrome.paint(&mut painter::pen(list, glyphs, fitted.scale), fitted.wall, &fitted.seams);
        });
        self.look_at("header and footer", &list, fitted.wall, fitted, lang);
    }

    /// The first text of each kind that stands wrongly.
    fn look_at(&mut self, what: &str, texts: &[TextBox], within: Rect, fitted: &Fitted, lang: Lang) {
        let lang = lang.name();
        let in_units = |text: &TextBox| text.place.times(1.0 / fitted.scale);
        if let Some(text) = texts.iter().find(|text| !within.inset(-1.0).contains(&in_units(text))) {
            self.tell(&format!(
                "{what}: {:?} runs out of its place in {lang}; give it more room or say it shorter",
                text.text
            ));
        }
        for text in texts {
            if let Some(whole) = &text.whole {
                self.tell(&format!(
                    "{what}: {whole:?} is cut to {:?} in {lang}; say it shorter or give it more room",
                    text.text
                ));
            }
        }
        if let Some(text) = texts.iter().find(|text| fitted.seams.crosses(&in_units(text))) {
            self.tell(&format!(
                "{what}: {:?} lies on a seam in {lang}; move it, or let its panel end at the seam",
                text.text
            ));
        }
        // Rims may touch.
        let touch = |a: &Rect, b: &Rect| {
            let both = a.intersect(*b);
            both.width() > 1.5 && both.height() > 1.5
        };
        for (index, text) in texts.iter().enumerate() {
            let place = in_units(text);
            if let Some(other) = texts[index + 1..].iter().find(|other| touch(&place, &in_units(other))) {
                self.tell(&format!(
                    "{what}: {:?} and {:?} lie over each other in {lang}; give them more room or say them shorter",
                    text.text, other.text
                ));
                return;
            }
        }
    }
}

/// The texts that a painter sets.
fn noted(paint: impl FnOnce(&mut DisplayList)) -> Vec<TextBox> {
    let mut list = DisplayList::noting_texts();
    paint(&mut list);
    let texts = list.texts.unwrap_or_default();
    texts.into_iter().filter(|text| !text.text.trim().is_empty() && text.place.width() > 0.0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wall::scene::{folder, load_all};
    use crate::wall::screen::Seams;

    fn scenes() -> (City, Vec<Scene>) {
        (City::load("ningbo").unwrap(), load_all(&folder()).0)
    }

    #[test]
    fn the_scenes_that_ship_can_be_read_and_fit_and_a_farther_reader_is_told() {
        let (city, scenes) = scenes();
        assert_eq!(check(&scenes, &city, &USUAL, &Data::default()).unwrap(), Vec::<String>::new());
        let far = Screen { far_m: 12.0, ..USUAL[1].clone() };
        let problems = check(&scenes, &city, &[far], &Data::default()).unwrap();
        assert!(problems.iter().any(|problem| problem.contains("to be read from 12 m")), "{problems:?}");
    }

    #[test]
    fn the_pitch_of_an_led_wall_says_what_can_be_read_on_it() {
        let (city, scenes) = scenes();
        let told = |width: u32, pitch_mm: f64, far_m: f64| {
            let screen = Screen::plain(width, width * 9 / 32, pitch_mm, far_m);
            check(&scenes[..1], &city, &[screen], &Data::default()).unwrap()
        };
        // The same 7.2 m wall read from 6 m: P1.25 has the pixels for it, P2.5 the angle but not the pixels.
        assert_eq!(told(5760, 1.25, 4.5), Vec::<String>::new());
        let finer = told(5760, 0.9, 4.5);
        assert!(finer.iter().any(|problem| problem.contains("to be read from 4.5 m")), "{finer:?}");
        let coarse = told(2880, 2.5, 4.5);
        assert!(coarse.iter().any(|problem| problem.contains("needs 12 to be told from another")), "{coarse:?}");
    }

    #[test]
    fn a_label_of_a_scene_file_that_is_cut_is_told_and_a_name_among_the_data_is_not() {
        let mut glyphs = Glyphs::load(64).unwrap();
        let style = Style::new(Face::Text, size::BODY, tokens::TEXT);
        let texts = noted(|list| {
            let mut pen = painter::pen(list, &mut glyphs, 1.0);
            pen.label_within(0.0, 20.0, 60.0, "Answered within 60 s", &style);
            pen.label_within(0.0, 60.0, 600.0, "Answered", &style);
            pen.text_within(0.0, 100.0, 60.0, "a name among the data", &style);
        });
        let wholes: Vec<Option<&str>> = texts.iter().map(|text| text.whole.as_deref()).collect();
        assert_eq!(wholes, [Some("Answered within 60 s"), None, None]);
        let (city, scenes) = scenes();
        let (screen, data, mut problems) = (USUAL[0].clone(), Data::default(), Vec::new());
        let fitted = scenes[0].fit([1920, 1080], Seams::NONE, &city, Mode::Ops);
        let mut look = Look {
            scene: &scenes[0],
            city: &city,
            screen: &screen,
            mode: Mode::Ops,
            data: &data,
            problems: &mut problems,
        };
        look.look_at("panel x", &texts, fitted.wall, &fitted, Lang::En);
        assert!(problems.len() == 1 && problems[0].contains("\"Answered within 60 s\" is cut to"), "{problems:?}");
    }

    #[test]
    fn no_panel_of_the_scenes_that_ship_lies_on_a_level_seam() {
        let (city, scenes) = scenes();
        for (width, height, columns, rows) in [(5760, 2160, 3, 2), (3840, 2160, 2, 2), (7680, 2160, 4, 2)] {
            let screen =
                Screen { seams: Seams { columns, rows, strip: 0.001 }, ..Screen::plain(width, height, 0.63, 1.0) };
            let problems = check(&scenes, &city, &[screen], &Data::default()).unwrap();
            let seams: Vec<&String> = problems.iter().filter(|problem| problem.contains("seam")).collect();
            assert!(seams.is_empty(), "{seams:#?}");
        }
    }

    #[test]
    fn no_panel_of_the_scenes_that_ship_lies_on_a_seam_of_two_to_four_displays() {
        let (city, scenes) = scenes();
        for (width, height, columns) in [(3840, 1080, 2), (5760, 1080, 3), (5760, 2160, 3), (7680, 2160, 4)] {
            let seams = Seams { columns, rows: 1, strip: 0.002 };
            let screen = Screen { seams, ..Screen::plain(width, height, 0.63, 1.0) };
            let problems = check(&scenes, &city, &[screen], &Data::default()).unwrap();
            let seams: Vec<&String> = problems.iter().filter(|problem| problem.contains("seam")).collect();
            assert!(seams.is_empty(), "{seams:#?}");
        }
    }

    #[test]
    fn texts_in_one_anothers_way_and_out_of_their_place_are_told() {
        let (city, scenes) = scenes();
        let fitted = scenes[0].fit([1920, 1080], Seams { columns: 2, rows: 1, strip: 0.0 }, &city, Mode::Ops);
        let text = |left: f32, text: &str| TextBox {
            place: Rect::new(left, 100.0, 60.0, 14.0),
            text: text.into(),
            whole: None,
        };
        let mut problems = Vec::new();
        let screen = USUAL[0].clone();
        let data = Data::default();
        let mut look = Look {
            scene: &scenes[0],
            city: &city,
            screen: &screen,
            mode: Mode::Ops,
            data: &data,
            problems: &mut problems,
        };
        let texts = [text(200.0, "一"), text(90.0, "二"), text(85.0, "三"), text(930.0, "四"), text(-9.0, "五")];
        look.look_at("panel x", &texts, fitted.wall, &fitted, Lang::Zh);
        let says = |words: &[&str]| problems.iter().any(|problem| words.iter().all(|word| problem.contains(word)));
        assert!(says(&["\"二\" and \"三\"", "over each other"]), "{problems:?}");
        assert!(says(&["\"四\"", "on a seam"]) && says(&["\"五\"", "runs out"]), "{problems:?}");
        assert_eq!(problems.len(), 3);
    }
}
