//! The running wall: takes news in, decides whether there is anything new to draw, and has it painted.
//!
//! Nothing new, nothing moving, same second: no picture is drawn. A scene file that becomes wrong leaves the last good
//! one on the wall with the problem named below it.

use std::time::{Duration, Instant};

use bevy::ecs::prelude::*;

use crate::model::message::{ClientMessage, Control, HubMessage, MetricRef};
use crate::model::text::nearest;
use crate::model::time::day_start_us;

use super::canvas::Glyphs;
use super::canvas::gpu::Picture;
use super::composer::{Composer, Fade};
use super::data::Data;
use super::link::{Link, News};
use super::options::{Lang, Mode, PointsPath, WallError};
use super::painter::View;
use super::rotation::Rotation;
use super::scene::{self, Scene, Scenes};
use super::screen::Seams;
use super::{sparks, tokens};

/// News taken in at one go, and rows of events, so that a flood cannot keep the wall from drawing.
const NEWS_A_STEP: usize = 256;
const ROWS_A_STEP: usize = 50_000;

#[derive(Resource)]
pub struct Show {
    pub link: Link,
    pub data: Data,
    /// The data of the moment the picture was frozen.
    frozen: Option<(Box<Data>, i64)>,
    pub composer: Composer,
    scenes: Scenes,
    pub current: usize,
    pub mode: Mode,
    pub lang: Lang,
    pub size: [u32; 2],
    seams: Seams,
    started: Instant,
    subscribed: Vec<MetricRef>,
    followed_day_us: i64,
    painted: Painted,
    /// The hub's second at which sparks were last looked at.
    settled_second: i64,
    moving: bool,
    /// Pictures a second somebody afar wants; 0 none.
    watched_fps: u32,
    captured: Option<Instant>,
    force: bool,
    /// Shortest time between two pictures.
    pub pace: Duration,
    drawn: Option<Instant>,
    pub pictures: u64,
    /// How many of the sparks the last picture holds.
    pub sparks_shown: usize,
    /// The wall's second at which a scene began to go over into the next; none while none does.
    fade_since_s: Option<f64>,
    fade_begins: bool,
    rotation: Rotation,
    /// Until then every panel says how its numbers are made.
    explained_until: Option<Instant>,
}

#[derive(PartialEq, Eq, Default)]
struct Painted {
    version: u64,
    second: i64,
}

impl Show {
    /// # Errors
    /// No scene can be read, or the one asked for is wrong or unknown.
    pub fn new(
        link: Link,
        scene: &str,
        mode: Mode,
        lang: Lang,
        size: [u32; 2],
        seams: Seams,
    ) -> Result<Show, WallError> {
        let scenes = Scenes::load(scene::folder())?;
        let Some(current) = scenes.position(scene) else {
            if let Some(problem) = scenes.problem_of(scene) {
                return Err(WallError::Scene(problem.clone()));
            }
            let known: Vec<&str> = scenes.all.iter().map(|scene| scene.name.as_str()).collect();
            let near =
                nearest(scene, known.iter().copied()).map(|near| format!("did you mean {near}? ")).unwrap_or_default();
            return Err(WallError::Setup(format!("there is no scene {scene:?}; {near}known: {}", known.join(", "))));
        };
        let mut show = Show {
            link,
            data: Data::default(),
            frozen: None,
            composer: Composer::new(Glyphs::load(atlas_side(size))?),
            scenes,
            current,
            mode,
            lang,
            size,
            seams,
            started: Instant::now(),
            subscribed: Vec::new(),
            followed_day_us: 0,
            painted: Painted::default(),
            settled_second: 0,
            moving: false,
            watched_fps: 0,
            captured: None,
            force: true,
            pace: Duration::from_millis(33),
            drawn: None,
            pictures: 0,
            sparks_shown: 0,
            fade_since_s: None,
            fade_begins: false,
            rotation: Rotation::new(Instant::now()),
            explained_until: None,
        };
        show.subscribe();
        Ok(show)
    }

    /// An adapter of this kind draws from now on, one that has nothing of the picture yet.
    pub fn draw_on(&mut self, adapter: wgpu::DeviceType, points: PointsPath) {
        self.composer.points_move = points.moves_on(adapter);
        self.composer.crowds = adapter == wgpu::DeviceType::Cpu;
        self.composer.glyphs.empty_atlas();
        self.force = true;
    }

    /// The wall's own second.
    pub fn now_s(&self) -> f64 {
        self.started.elapsed().as_secs_f64()
    }

    pub fn scene(&self) -> &Scene {
        &self.scenes.all[self.current]
    }

    /// Takes in what came over the link.
    pub fn take_news(&mut self) {
        let now_s = self.now_s();
        let mut rows_taken = 0;
        for _ in 0..NEWS_A_STEP {
            if rows_taken >= ROWS_A_STEP {
                break;
            }
            let Some(news) = self.link.next() else { break };
            match news {
                News::Down(why) => {
                    if self.data.down.is_none() {
                        tracing::warn!("{why}; trying again");
                    }
                    self.data.down = Some(why);
                    self.data.version += 1;
                }
                News::Message(message) => match *message {
                    HubMessage::Control(control) => self.control(&control),
                    HubMessage::Watch { fps } => {
                        self.watched_fps = fps.min(30);
                        self.captured = None;
                        self.force = true;
                    }
                    HubMessage::Error { code, message, .. } => tracing::warn!("the hub says {code}: {message}"),
                    message => {
                        let welcome = matches!(message, HubMessage::Welcome { .. });
                        let catalog = matches!(message, HubMessage::Metrics { .. });
                        if let HubMessage::Events { rows, .. } = &message {
                            rows_taken += rows.len();
                        }
                        self.data.take(message, now_s);
                        if welcome {
                            self.followed_day_us = 0;
                            self.ask_for_catalog();
                        }
                        if catalog {
                            self.take_catalog();
                        }
                    }
                },
            }
        }
        self.follow_today(now_s);
    }

    /// The map shows today's tickets; at midnight yesterday's go.
    fn follow_today(&mut self, now_s: f64) {
        let Some(city) = &self.data.city else { return };
        let now_us = self.data.now_us(now_s);
        let today_us = day_start_us(now_us, city.tz, 0);
        if self.followed_day_us == today_us {
            return;
        }
        // Also when the hub's clock was set back to a day whose tickets are gone.
        let anew = self.followed_day_us == 0 || today_us < self.followed_day_us;
        self.followed_day_us = today_us;
        if anew {
            self.link.follow("tickets", &sparks::COLUMNS, sparks::TAIL, Some(today_us));
        }
        // A hub that comes back may do so on another day.
        if self.data.sparks.keep_today(now_us) {
            self.data.version += 1;
        }
    }

    /// What a person with a remote control asks for.
    pub fn control(&mut self, control: &Control) {
        if let Some(scene) = &control.scene {
            match self.scenes.position(scene) {
                Some(position) => self.show_scene(position),
                None => tracing::warn!("a remote control asks for scene {scene:?}, which there is none of"),
            }
        }
        if let Some(mode) = control.mode.as_deref().and_then(|mode| mode.parse().ok()) {
            self.set_mode(mode);
        }
        if let Some(lang) = control.lang.as_deref().and_then(|lang| lang.parse().ok()) {
            self.lang = lang;
        }
        if let Some(freeze) = control.freeze {
            self.freeze(freeze);
        }
        if let Some(explain) = control.explain {
            self.explain(explain);
        }
        if let Some(pause) = control.pause {
            self.rotation.pause(pause, Instant::now());
        }
        self.force = true;
    }

    /// Shows a scene that somebody chose; the rotation waits a while.
    pub fn show_scene(&mut self, position: usize) {
        self.rotation.hold(Instant::now());
        self.change_scene(position);
    }

    /// In the lobby scenes follow one another, each as long as its file says; a frozen or a paused picture stays, and
    /// one that says how its numbers are made.
    pub fn rotate(&mut self) {
        let now = Instant::now();
        if self.explained_until.is_some_and(|until| now >= until) {
            self.explain(false);
        }
        let stays = self.frozen.is_some() || self.explained_until.is_some();
        if self.mode != Mode::Lobby || stays || self.data.city.is_none() {
            return;
        }
        if !self.rotation.is_due(self.scene().dwell_s, now) {
            return;
        }
        let count = self.scenes.all.len();
        let next = (1..count).map(|step| (self.current + step) % count).find(|position| {
            let scene = &self.scenes.all[*position];
            scene.rotates && (scene.modes.is_empty() || scene.modes.iter().any(|name| name == self.mode.name()))
        });
        match next {
            Some(next) => self.change_scene(next),
            None => self.rotation.begin(now),
        }
    }

    fn change_scene(&mut self, position: usize) {
        self.rotation.begin(Instant::now());
        let next = position % self.scenes.all.len();
        self.fade_begins |= next != self.current && self.pictures > 0;
        if next != self.current {
            self.explained_until = None;
        }
        self.current = next;
        self.subscribe();
        self.force = true;
    }

    /// How much of the scene before is still to be seen.
    fn fade(&mut self, now_s: f64) -> Fade {
        if std::mem::take(&mut self.fade_begins) {
            self.fade_since_s = Some(now_s);
            return Fade::Begins;
        }
        let Some(since_s) = self.fade_since_s else { return Fade::None };
        let left = 1.0 - (now_s - since_s) as f32 / tokens::FADE_S;
        if left <= 0.0 {
            self.fade_since_s = None;
            return Fade::None;
        }
        Fade::Left(left)
    }

    pub fn step_scene(&mut self, by: i32) {
        let count = self.scenes.all.len() as i32;
        self.show_scene((self.current as i32 + by).rem_euclid(count) as usize);
    }

    /// The next turn paints whether something is new or not.
    pub fn redraw(&mut self) {
        self.force = true;
    }

    /// Lobby, brief, ops and round again.
    pub fn step_mode(&mut self) {
        let next = Mode::ALL.iter().position(|mode| *mode == self.mode).map_or(0, |position| position + 1);
        self.set_mode(Mode::ALL[next % Mode::ALL.len()]);
        self.force = true;
    }

    fn set_mode(&mut self, mode: Mode) {
        if mode != self.mode {
            self.mode = mode;
            self.rotation.begin(Instant::now());
        }
    }

    pub fn toggle_lang(&mut self) {
        self.lang = if self.lang == Lang::Zh { Lang::En } else { Lang::Zh };
        self.force = true;
    }

    pub fn toggle_freeze(&mut self) {
        self.freeze(self.frozen.is_none());
    }

    fn freeze(&mut self, freeze: bool) {
        let now_us = self.data.now_us(self.now_s());
        self.frozen = match (freeze, self.frozen.take()) {
            (true, Some(frozen)) => Some(frozen),
            (true, None) => Some((Box::new(self.data.clone()), now_us)),
            (false, held) => {
                if held.is_some() {
                    // The scene shown has its whole dwell again.
                    self.rotation.begin(Instant::now());
                }
                None
            }
        };
        self.force = true;
    }

    pub fn toggle_explain(&mut self) {
        self.explain(self.explained_until.is_none());
    }

    /// Turns the panels over, for [`tokens::EXPLAIN_S`], or back.
    fn explain(&mut self, explain: bool) {
        let now = Instant::now();
        self.fade_begins |= explain != self.explained_until.is_some() && self.pictures > 0;
        self.explained_until = explain.then(|| now + Duration::from_secs(tokens::EXPLAIN_S));
        self.rotation.begin(now);
        self.ask_for_catalog();
        self.force = true;
    }

    /// While panels are turned over the texts of the metrics' files are of use.
    fn ask_for_catalog(&self) {
        if self.explained_until.is_some() {
            self.link.send(ClientMessage::Metrics { sql: true });
        }
    }

    /// A frozen picture is told what the files say, too: they are no figures.
    fn take_catalog(&mut self) {
        if let Some((frozen, _)) = &mut self.frozen {
            frozen.set_catalog(self.data.catalog().clone());
        }
        self.force = true;
    }

    pub fn toggle_pause(&mut self) {
        self.rotation.pause(!self.rotation.is_paused(), Instant::now());
        self.force = true;
    }

    pub fn resize(&mut self, size: [u32; 2]) {
        if size == self.size || size.contains(&0) {
            return;
        }
        self.size = size;
        self.force = true;
    }

    fn subscribe(&mut self) {
        let metrics = self.scene().metrics();
        if metrics != self.subscribed {
            let now_us = self.data.now_us(self.now_s());
            self.data.leave(self.subscribed.iter().filter(|metric| !metrics.contains(metric)), now_us);
            self.subscribed.clone_from(&metrics);
            self.link.subscribe(metrics);
        }
    }

    /// Looks whether scene files changed.
    pub fn reload_scenes(&mut self) {
        let name = self.scene().name.clone();
        if self.scenes.reload() {
            self.current = self.scenes.position(&name).unwrap_or(0);
            self.subscribe();
            self.force = true;
        }
    }

    /// How long nothing needs to be done, unless news come.
    pub fn rest(&self) -> Duration {
        let since = self.drawn.map_or(Duration::MAX, |drawn| drawn.elapsed());
        let pace = self.pace.saturating_sub(since);
        // What comes while the picture is frozen is not drawn.
        let changed = self.frozen.is_none() && self.data.version != self.painted.version;
        if self.moving || self.force || changed {
            return pace;
        }
        // Until the clock's next second.
        let now_us = self.data.now_us(self.now_s());
        let to_second = Duration::from_micros((1_000_000 - now_us.rem_euclid(1_000_000)) as u64);
        to_second.clamp(pace, Duration::from_millis(1000))
    }

    /// Paints if there is something new to show and the pace allows it.
    pub fn paint(&mut self, picture: &mut Picture) {
        let now_s = self.now_s();
        let now_us = self.frozen.as_ref().map_or_else(|| self.data.now_us(now_s), |frozen| frozen.1);
        let painted = Painted { version: self.data.version, second: now_us.div_euclid(1_000_000) };
        // Also behind a frozen picture: what is new grows with each event until it is settled.
        let second = self.data.now_us(now_s).div_euclid(1_000_000);
        if second != self.settled_second && self.data.sparks.settle(now_s) {
            self.data.sparks.version += 1;
        }
        self.settled_second = second;
        let changed = self.frozen.is_none() && painted != self.painted;
        if !(self.force || self.moving || changed) {
            return;
        }
        if self.drawn.is_some_and(|drawn| drawn.elapsed() + Duration::from_millis(1) < self.pace) {
            return;
        }
        let fade = self.fade(now_s);
        self.composer.fade(fade);
        let due = self.watched_fps > 0
            && self.captured.is_none_or(|captured| {
                captured.elapsed() + Duration::from_millis(4) >= Duration::from_secs(1) / self.watched_fps
            });
        let problem = self.scenes.problem().map(ToString::to_string);
        let (data, frozen_us) = match &self.frozen {
            Some((data, frozen_us)) => (&**data, Some(*frozen_us)),
            None => (&self.data, None),
        };
        let tabs = self.scenes.tabs(self.lang, self.mode);
        let view = View {
            data,
            scene: &self.scenes.all[self.current],
            tabs: &tabs,
            mode: self.mode,
            lang: self.lang,
            size: self.size,
            seams: self.seams,
            now_us,
            now_s,
            settled: frozen_us.is_some(),
            frozen_us,
            explain: self.explained_until.is_some(),
            paused: self.rotation.is_paused(),
            as_of: false,
            problem: problem.as_deref(),
        };
        self.moving = self.composer.compose(&view, picture) || fade != Fade::None;
        view.tell(&mut picture.shown);
        if due {
            // Read back also where it stayed as it was.
            picture.capture = true;
            picture.draw = true;
            self.captured = Some(Instant::now());
        }
        self.sparks_shown = self.data.sparks.all.len();
        self.painted = painted;
        self.force = false;
        self.drawn = Some(Instant::now());
        self.pictures += u64::from(picture.draw);
    }
}

/// Glyphs of a 4K wall are twice as large as those of a 1080p one.
pub fn atlas_side([width, height]: [u32; 2]) -> u32 {
    if width.max(1) * height.max(1) > 2560 * 1600 { 4096 } else { 2048 }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A wall whose hub is away.
    fn show() -> Show {
        let link = Link::open("ws://127.0.0.1:9/ws", std::sync::Arc::new(|| {})).unwrap();
        Show::new(link, "overview", Mode::Lobby, Lang::Zh, [640, 360], Seams::NONE).unwrap()
    }

    #[test]
    fn panels_turn_back_by_the_same_key_with_another_scene_and_when_their_time_is_over() {
        let mut show = show();
        show.toggle_explain();
        assert!(show.explained_until.is_some());
        show.toggle_explain();
        assert!(show.explained_until.is_none());
        let told = |explain, scene: Option<&str>| Control {
            explain: Some(explain),
            scene: scene.map(str::to_owned),
            ..Control::default()
        };
        show.control(&told(true, Some("ops")));
        assert!(show.explained_until.is_some() && show.scene().name == "ops", "the scene that was chosen with it");
        show.control(&told(true, None));
        show.step_scene(1);
        assert!(show.explained_until.is_none());
        show.control(&told(true, None));
        show.rotate();
        assert!(show.explained_until.is_some());
        show.explained_until = Some(Instant::now());
        show.rotate();
        assert!(show.explained_until.is_none());
    }

    #[test]
    fn a_pause_is_told_and_taken_back() {
        let mut show = show();
        show.toggle_pause();
        assert!(show.rotation.is_paused());
        show.control(&Control { pause: Some(true), ..Control::default() });
        assert!(show.rotation.is_paused());
        show.control(&Control { pause: Some(false), ..Control::default() });
        assert!(!show.rotation.is_paused());
    }
}
