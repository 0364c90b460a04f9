//! Composes pictures one after another, each from what the last one left: panels whose inputs stayed the same are
//! taken over, and only what differs is handed to the renderer.
//!
//! The pixels are those of a picture composed from nothing: the same view gives the same bytes whatever came before.
//! In a steady picture (nothing new, sparks in motion) nothing here allocates.

use std::hash::{DefaultHasher, Hash, Hasher};

use crate::model::City;

use super::canvas::damage::{Tiles, cut};
use super::canvas::gpu::Picture;
use super::canvas::{DisplayList, Glyphs, Paint};
use super::layout::Place;
use super::options::{Lang, Mode};
use super::painter::{self, View};
use super::scene::{Fitted, PanelSpec};
use super::screen::Seams;

/// A section that must be painted again: something in it moves.
const AGAIN: u64 = 0;

/// One layer as it was last composed, and room for the next.
#[derive(Default)]
struct Layer {
    shown: DisplayList,
    next: DisplayList,
    /// What each section of `shown` was painted from.
    keys: Vec<u64>,
    next_keys: Vec<u64>,
    /// A section of `next` was painted and not taken over.
    painted: bool,
    /// Something in `next` moves.
    moves: bool,
}

impl Layer {
    fn begin(&mut self) {
        self.next.clear();
        self.next_keys.clear();
        (self.painted, self.moves) = (false, false);
    }

    /// Takes the section over where its key is the one it was painted from, else paints it; `paint` says whether it
    /// moves.
    fn section(&mut self, key: u64, paint: impl FnOnce(&mut DisplayList) -> bool) {
        let index = self.next_keys.len();
        if key != AGAIN && self.keys.get(index) == Some(&key) {
            self.next.copy_section(&self.shown, index);
            self.next_keys.push(key);
            return;
        }
        self.painted = true;
        self.next.begin_section();
        let moves = paint(&mut self.next);
        self.moves |= moves;
        self.next_keys.push(if moves { AGAIN } else { key });
    }

    /// `next` is what is shown from now on.
    fn show(&mut self) {
        std::mem::swap(&mut self.shown, &mut self.next);
        std::mem::swap(&mut self.keys, &mut self.next_keys);
    }

    fn forget(&mut self) {
        self.keys.clear();
    }
}

/// What a fitted scene depends on.
#[derive(PartialEq)]
struct FitKey {
    scene: u64,
    size: [u32; 2],
    seams: Seams,
    mode: Mode,
    data: u64,
    city: u64,
}

pub struct Composer {
    pub glyphs: Glyphs,
    base: Layer,
    back: Layer,
    front: Layer,
    fitted: Option<(FitKey, Fitted)>,
    neutral: City,
    size: [u32; 2],
    generation: u64,
    tiles: Tiles,
    fade: Fade,
    /// The picture (not its back layer) can't be drawn over in parts.
    spoilt: bool,
    /// Very many points are drawn one by one and move, as a graphics card can; else they are a field of light.
    pub points_move: bool,
    /// Very many sparks are put together here and not by the adapter, as a software rasteriser wants it.
    pub crowds: bool,
}

/// One scene goes over into the next.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Fade {
    #[default]
    None,
    /// The picture shown now is kept, and lies over the new one.
    Begins,
    /// How much of the old one is left, 1 to 0.
    Left(f32),
}

impl Composer {
    pub fn new(glyphs: Glyphs) -> Composer {
        Composer {
            glyphs,
            base: Layer::default(),
            back: Layer::default(),
            front: Layer::default(),
            fitted: None,
            neutral: painter::neutral_city(),
            size: [0, 0],
            generation: u64::MAX,
            tiles: Tiles::default(),
            fade: Fade::None,
            spoilt: false,
            points_move: false,
            crowds: false,
        }
    }

    /// How the next picture goes over from what is shown.
    pub fn fade(&mut self, fade: Fade) {
        // The picture under a fade is spoilt: the one after it is drawn whole, too.
        self.spoilt = self.fade != Fade::None || fade != Fade::None;
        self.fade = fade;
    }

    /// Forgets what is shown: the next picture is composed and drawn whole.
    pub fn forget(&mut self) {
        self.size = [0, 0];
        self.base.forget();
    }

    /// Forgets all but the base layer: the next picture's marks, text and map are all drawn anew.
    pub fn forget_marks(&mut self) {
        self.size = [0, 0];
    }

    /// Composes a view into `picture`, which is drawn at all only when something differs from the last one. Returns
    /// whether something in it moves.
    pub fn compose(&mut self, view: &View<'_>, picture: &mut Picture) -> bool {
        let side = super::show::atlas_side(view.size);
        if side != self.glyphs.atlas_side {
            self.glyphs.atlas_side = side;
            self.glyphs.empty_atlas();
        }
        // What was composed last and not yet fetched by the renderer would be lost.
        let whole = self.size != view.size || picture.draw;
        let mut moving = false;
        // A full glyph atlas is emptied and the picture painted once more.
        for _ in 0..2 {
            if self.generation != self.glyphs.generation {
                self.generation = self.glyphs.generation;
                self.forget();
                self.back.forget();
                self.front.forget();
            }
            moving = self.paint(view);
            if !self.glyphs.overflowed {
                break;
            }
            tracing::warn!("the glyph atlas of {0}×{0} is full and was emptied", self.glyphs.atlas_side);
            self.glyphs.overflowed = false;
            self.glyphs.empty_atlas();
        }
        self.hand_over(whole || self.size != view.size, view.size, picture);
        match self.fade {
            Fade::None => {}
            Fade::Begins => (picture.keep, picture.fade) = (true, 1.0),
            Fade::Left(share) => picture.fade = share,
        }
        picture.uploads.append(&mut self.glyphs.uploads);
        picture.size = view.size;
        picture.atlas_side = self.glyphs.atlas_side;
        self.size = view.size;
        moving
    }

    fn paint(&mut self, view: &View<'_>) -> bool {
        let Composer { glyphs, base, back, front, fitted, neutral, points_move, crowds, .. } = self;
        let (points_move, crowds) = (*points_move, *crowds);
        let city = view.data.city.as_deref().unwrap_or(neutral);
        let key = FitKey {
            scene: view.scene.serial,
            size: view.size,
            seams: view.seams,
            mode: view.mode,
            data: view.data.serial,
            city: view.data.city_stamp,
        };
        if fitted.as_ref().is_none_or(|(known, _)| *known != key) {
            *fitted = Some((key, view.scene.fit(view.size, view.seams, city, view.mode)));
        }
        let Some((_, fitted)) = fitted else { return false };
        base.begin();
        back.begin();
        front.begin();
        let scene_key = scene_key(view, fitted);
        base.section(scene_key | 1, |list| {
            painter::surfaces(view, fitted, &mut painter::pen(list, glyphs, fitted.scale));
            false
        });
        for at in &fitted.places {
            let spec = &view.scene.panels[at.panel];
            let place = place_key(scene_key, at);
            let mut with = |list: &mut DisplayList, what: Part| {
                let mut pen = Paint { points_move, ..painter::pen(list, glyphs, fitted.scale) };
                painter::panel(view, city, fitted, at, &mut pen, what)
            };
            let back_key = [1, spec.panel.back_version(view.data), u64::from(points_move)];
            back.section(mixed(place, &back_key), |list| with(list, Part::Back));
            let settled = [2, spec.panel.settled_version(view.data), u64::from(view.settled), u64::from(crowds)];
            back.section(mixed(place, &settled), |list| {
                let moves = with(list, Part::Settled);
                if crowds {
                    list.gather_crowds();
                }
                moves
            });
            front.section(AGAIN, |list| with(list, Part::Moving));
            front.section(still_key(view, place, spec), |list| with(list, Part::Still));
        }
        let chrome = painter::chrome(view, city, fitted);
        front.section(chrome_key(view, scene_key), |list| {
            chrome.paint(&mut painter::pen(list, glyphs, fitted.scale), fitted.wall, &fitted.seams);
            false
        });
        front.moves
    }

    /// What differs from what is shown goes to the renderer.
    fn hand_over(&mut self, whole: bool, size: [u32; 2], picture: &mut Picture) {
        let Composer { base, back, front, tiles, spoilt, .. } = self;
        // One that was not yet fetched by the renderer stays to be drawn.
        picture.base_changed |= base.painted;
        if picture.base_changed {
            picture.base.copy_from(&base.next);
        }
        let whole = whole || picture.base_changed;
        tiles.reset(size);
        picture.back.clear();
        picture.front.clear();
        if whole {
            picture.back.copy_from(&back.next);
            picture.front.copy_from(&front.next);
            (picture.back_changed, picture.back_parts.whole, picture.parts.whole) = (true, true, true);
            picture.draw = true;
        } else {
            // The back first: where it changes, the front above it is drawn again.
            let mut all = *spoilt;
            if back.painted {
                let comparable = tiles.mark_changes(&back.shown, &back.next);
                if !comparable || !tiles.rects(&mut picture.back_parts.rects) {
                    (picture.back_changed, picture.back_parts.whole) = (true, true);
                    picture.back.copy_from(&back.next);
                    all = true;
                } else if !tiles.is_clean() {
                    (picture.back_changed, picture.back_parts.whole) = (true, false);
                    cut(&back.next, &picture.back_parts.rects, &mut picture.back);
                    // Coarser rectangles may reach beyond the marked tiles.
                    tiles.mark_rects(&picture.back_parts.rects);
                }
            }
            all = all || !tiles.mark_changes(&front.shown, &front.next) || !tiles.rects(&mut picture.parts.rects);
            picture.parts.whole = all;
            if all {
                picture.front.copy_from(&front.next);
                picture.draw = true;
            } else if !tiles.is_clean() {
                cut(&front.next, &picture.parts.rects, &mut picture.front);
                picture.draw = true;
            }
        }
        base.show();
        back.show();
        front.show();
    }
}

/// Which part of a panel is painted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Part {
    Back,
    Settled,
    Moving,
    Still,
}

fn mixed(base: u64, values: &[u64]) -> u64 {
    let mut hasher = DefaultHasher::new();
    (base, values).hash(&mut hasher);
    hasher.finish() | 1
}

fn scene_key(view: &View<'_>, fitted: &Fitted) -> u64 {
    let mut hasher = DefaultHasher::new();
    (view.scene.serial, view.size, view.mode.name(), view.data.serial, view.data.city_stamp).hash(&mut hasher);
    view.explain.hash(&mut hasher);
    (fitted.scale.to_bits(), fitted.heading.to_bits(), fitted.places.len(), view.seams.columns, view.seams.rows)
        .hash(&mut hasher);
    hasher.finish()
}

fn place_key(scene_key: u64, Place { panel, rect, zoom, .. }: &Place) -> u64 {
    let sides = [rect.left, rect.top, rect.right, rect.bottom, *zoom].map(f32::to_bits);
    let mut hasher = DefaultHasher::new();
    (scene_key, panel, sides).hash(&mut hasher);
    hasher.finish()
}

/// All that a panel's texts and charts are painted from.
fn still_key(view: &View<'_>, place: u64, spec: &PanelSpec) -> u64 {
    let mut hasher = DefaultHasher::new();
    place.hash(&mut hasher);
    (view.lang == Lang::Zh, view.settled, view.as_of, view.frozen_us, painter::second(view.now_us)).hash(&mut hasher);
    painter::lateness(view, spec).map(f64::to_bits).hash(&mut hasher);
    for metric in &spec.metrics {
        view.data.stamp(metric).hash(&mut hasher);
    }
    if view.explain {
        view.data.catalog_stamp.hash(&mut hasher);
        for metric in &spec.metrics {
            view.data.metric(metric).as_of().hash(&mut hasher);
        }
    }
    hasher.finish() | 1
}

/// All that header and footer are painted from.
fn chrome_key(view: &View<'_>, scene_key: u64) -> u64 {
    let data = view.data;
    let mut hasher = DefaultHasher::new();
    (scene_key, view.lang == Lang::Zh, view.as_of, view.frozen_us, painter::second(view.now_us)).hash(&mut hasher);
    (data.heard_us(), data.data_until, &data.status, &data.status_message, data.down.is_some()).hash(&mut hasher);
    // How long the hub has been silent is told only once that is too long.
    let told = |silence_s: &f64| data.down.is_some() || *silence_s > f64::from(super::tokens::LATE_S);
    let silence_s = data.silence_s(view.now_s).filter(told).map(|silence_s| silence_s as i64);
    (data.is_demo(), data.is_replay(), silence_s).hash(&mut hasher);
    (view.tabs, view.problem, view.paused, data.sparks.map().is_some()).hash(&mut hasher);
    hasher.finish() | 1
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::message::HubMessage;
    use crate::wall::data::Data;
    use crate::wall::scene::{Scene, folder};
    use crate::wall::sparks;

    const NOW_US: i64 = 1_795_415_527_000_000;

    /// A city whose map has new tickets, so that something moves.
    fn data(tickets: usize) -> Data {
        let city = Box::new(City::load("ningbo").unwrap());
        let mut data = Data::default();
        data.take(
            HubMessage::Welcome {
                version: 1,
                hub: String::new(),
                city,
                now: NOW_US,
                demo: true,
                replay: false,
                metrics: Vec::new(),
            },
            0.0,
        );
        let rows = (0..tickets).map(|number| {
            let area = ["330203", "330212", "330281"][number % 3];
            vec![
                json!(NOW_US),
                json!("open"),
                json!(format!("t-{number}")),
                json!(area),
                json!("life"),
                json!("life"),
                json!("waiting"),
            ]
        });
        let columns = sparks::COLUMNS.map(str::to_owned).to_vec();
        let (stream, rows) = ("tickets".to_owned(), rows.collect());
        data.take(
            HubMessage::Events { stream, columns, rows, backlog: false, reset: false, more: false, seq: None },
            0.0,
        );
        data
    }

    fn view<'a>(data: &'a Data, scene: &'a Scene, now_s: f64) -> View<'a> {
        View {
            data,
            scene,
            tabs: &[],
            mode: Mode::Ops,
            lang: Lang::Zh,
            size: [1280, 720],
            seams: Seams::NONE,
            now_us: NOW_US,
            now_s,
            settled: false,
            frozen_us: None,
            explain: false,
            paused: false,
            as_of: false,
            problem: None,
        }
    }

    /// What the renderer does when it fetches a picture.
    fn fetch(picture: &mut Picture) -> bool {
        picture.uploads.clear();
        (picture.base_changed, picture.back_changed) = (false, false);
        picture.back_parts.set_nothing();
        picture.parts.set_nothing();
        std::mem::take(&mut picture.draw)
    }

    #[test]
    fn a_steady_picture_in_which_sparks_move_allocates_nothing() {
        let (data, scene) = (data(40), Scene::load(&folder().join("overview.toml")).unwrap());
        let mut composer = Composer::new(Glyphs::load(2048).unwrap());
        let mut picture = Picture::default();
        let mut frame = |number: u32| {
            let moving = composer.compose(&view(&data, &scene, 2.0 + f64::from(number) * 0.02), &mut picture);
            assert!(moving && fetch(&mut picture), "sparks of the last seconds move in frame {number}");
        };
        (0..20).for_each(&mut frame);
        let before = crate::allocations::of_this_thread();
        (20..120).for_each(&mut frame);
        assert_eq!(crate::allocations::of_this_thread() - before, 0);
    }

    #[test]
    fn when_nothing_changed_nothing_is_drawn() {
        let (data, scene) = (data(0), Scene::load(&folder().join("overview.toml")).unwrap());
        let mut composer = Composer::new(Glyphs::load(2048).unwrap());
        let mut picture = Picture::default();
        assert!(!composer.compose(&view(&data, &scene, 2.0), &mut picture));
        assert!(fetch(&mut picture), "the first picture is drawn");
        composer.compose(&view(&data, &scene, 2.5), &mut picture);
        assert!(!fetch(&mut picture), "the same second, the same figures: no picture");
    }

    #[test]
    fn a_new_second_draws_the_clock_and_not_the_wall() {
        let (data, scene) = (data(0), Scene::load(&folder().join("overview.toml")).unwrap());
        let mut composer = Composer::new(Glyphs::load(2048).unwrap());
        let mut picture = Picture::default();
        composer.compose(&view(&data, &scene, 2.0), &mut picture);
        fetch(&mut picture);
        let later = View { now_us: NOW_US + 1_000_000, ..view(&data, &scene, 3.0) };
        composer.compose(&later, &mut picture);
        assert!(picture.draw && !picture.parts.whole && !picture.back_changed);
        let pixels: u64 = picture.parts.rects.iter().map(|rect| u64::from(rect[2]) * u64::from(rect[3])).sum();
        assert!(pixels > 0 && pixels < 1280 * 720 / 20, "{pixels} pixels for one digit: {:?}", picture.parts.rects);
    }

    /// A city with so many requests since its line began.
    fn requests(data: &mut Data, requests: u64) {
        let result = json!({"metric": "solved_total", "version": 1, "as_of": 5, "data_until": null, "demo": false,
            "columns": [{"name": "value", "type": "Int64"}], "rows": [[requests]]});
        data.take_result(serde_json::from_value(result).unwrap(), f64::NEG_INFINITY);
    }

    fn sky(points_move: bool) -> (Composer, Scene, Data) {
        let mut composer = Composer::new(Glyphs::load(2048).unwrap());
        composer.points_move = points_move;
        let mut data = data(0);
        requests(&mut data, 1_500);
        (composer, Scene::load(&folder().join("sky.toml")).unwrap(), data)
    }

    #[test]
    fn a_night_sky_whose_points_move_allocates_nothing_and_one_that_stands_draws_nothing() {
        let (mut composer, scene, mut data) = sky(true);
        let mut picture = Picture::default();
        let mut frame = |data: &Data, number: i64| {
            let view = View { now_us: NOW_US + number * 4_000, size: [1920, 1080], ..view(data, &scene, 2.0) };
            let moving = composer.compose(&view, &mut picture);
            let points = picture.front.points.first().map_or(0, |cloud| cloud.points());
            let drawn = fetch(&mut picture);
            assert!(moving && drawn && !picture.back_changed, "points move in frame {number}");
            points
        };
        (0..20).for_each(|number| {
            frame(&data, number);
        });
        let before = crate::allocations::of_this_thread();
        let fallen = (20..120).map(|number| frame(&data, number)).max();
        assert_eq!(crate::allocations::of_this_thread() - before, 0);
        // A new request is one point more, and the others stay where they are.
        requests(&mut data, 1_503);
        let more = frame(&data, 120) - fallen.unwrap();
        assert!((1..=3).contains(&more), "{more} points for three requests, all of them in the picture or beside it");
        let before = picture.front.clouds[0].serial;
        composer.compose(&View { mode: Mode::Lobby, size: [1920, 1080], ..view(&data, &scene, 3.0) }, &mut picture);
        assert_eq!(picture.front.clouds[0].serial, before, "the same points when the scene comes up again");

        let (mut composer, scene, data) = sky(false);
        let mut picture = Picture::default();
        let at = |after_us| View { now_us: NOW_US + after_us, ..view(&data, &scene, 2.0) };
        assert!(!composer.compose(&at(0), &mut picture) && fetch(&mut picture));
        assert!(!composer.compose(&at(500_000), &mut picture) && !fetch(&mut picture), "a field of light stands");
    }

    #[test]
    fn a_frozen_night_sky_stands_where_it_was() {
        let (mut composer, scene, data) = sky(true);
        let mut picture = Picture::default();
        let frozen_us = NOW_US + 700_000;
        let frozen =
            |now_s| View { now_us: frozen_us, settled: true, frozen_us: Some(frozen_us), ..view(&data, &scene, now_s) };
        composer.compose(&View { now_us: frozen_us, ..view(&data, &scene, 2.0) }, &mut picture);
        fetch(&mut picture);
        let moving = picture.front.clouds.clone();
        assert!(!composer.compose(&frozen(2.1), &mut picture), "nothing moves");
        fetch(&mut picture);
        assert!(!composer.compose(&frozen(2.2), &mut picture) && !fetch(&mut picture), "nothing is drawn");
        composer.forget();
        composer.compose(&frozen(2.3), &mut picture);
        assert_eq!(picture.front.clouds, moving, "each point is where it was when the wall was frozen");
    }
}
