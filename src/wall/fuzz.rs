//! Fuzzing of scene files: a damaged one is refused with its line, or fits any wall.

use super::Mode;
use super::scene::Scene;
use super::screen::Seams;
use crate::fuzz::{Choices, files};
use crate::model::City;

const WORDS: &[&str] = &[
    "[[panel]]",
    "[[layout]]",
    "shape = \"16:9\"",
    "shape = \"0:0\"",
    "dwell_s = nan",
    "dwell_s = 1e999",
    "order = -9223372036854775808",
    "id = \"\"",
    "kind = \"hero\"",
    "metric = \"x\"",
    "place = []",
    "columns = 0",
    "rows = 4294967295",
    "-1",
    "inf",
    "\"",
    "{",
    "[",
    "[]",
    "= 1",
    "\u{0}",
    "甬",
    "\r\n",
    "title = ",
];

#[test]
fn fuzz_scene_files() {
    let seeds = files("assets/scenes", "toml");
    for seed in &seeds {
        Scene::parse("s.toml", "s", std::str::from_utf8(seed).unwrap()).unwrap();
    }
    let city = City::load("ningbo").unwrap();
    bolero::check!().with_iterations(8_000).with_max_len(96).for_each(|bytes: &[u8]| {
        let text = Choices::new(bytes).damaged_text(&seeds, WORDS);
        match Scene::parse("s.toml", "s", &text) {
            Ok(scene) => {
                scene.metrics();
                let seams = Seams { columns: 4, rows: 3, strip: 0.002 };
                for (size, mode) in [([1920, 1080], Mode::Lobby), ([3840, 1080], Mode::Brief), ([1, 1], Mode::Ops)] {
                    let fitted = scene.fit(size, seams, &city, mode);
                    assert!(fitted.places.iter().all(|place| place.panel < scene.panels.len()));
                }
            }
            Err(error) => {
                assert!(error.line >= 1 && error.line <= text.lines().count().max(1) + 1 && !error.message.is_empty());
            }
        }
    });
}
