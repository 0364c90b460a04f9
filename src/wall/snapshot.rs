//! One picture of a scene as a file: no display, no motion, the same for the same data, clock, scene and size.

use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::time::{Duration, Instant};

use crate::model::message::{ClientMessage, HubMessage, MetricRef, MetricResult};
use crate::model::time::{day_start_us, format_time};

use super::app::bare_app;
use super::canvas::Glyphs;
use super::canvas::gpu::{Capture, Picture, open_adapter};
use super::data::Data;
use super::link::{Link, News};
use super::options::{SnapshotOptions, WallError};
use super::painter::{self, BackKey, View};
use super::scene::{self, Scene};
use super::show::{Scenes, atlas_side};
use super::sparks;

/// What asks for the sparks as of a time. Only what changes a spark is asked for.
const SPARKS_SQL: &str = "SELECT ts, kind, id, area, service, board, state FROM tickets \
     WHERE ts >= day_start(0) AND kind IN ('open', 'finish', 'reopen', 'merge') ORDER BY ts, seq LIMIT 200000";
/// After so long a result that stayed as it was counts as fresh.
const PATIENCE: Duration = Duration::from_secs(8);
/// Queries under way at once; the hub takes four a connection.
const UNDER_WAY: usize = 3;

/// Draws one picture and writes it as PNG.
///
/// # Errors
/// See [`super::snapshot`].
pub fn snapshot(options: SnapshotOptions) -> Result<(), WallError> {
    let capture = capture(&options)?;
    write_png(&options.out, &capture)
}

/// Draws one picture and hands its pixels back.
///
/// # Errors
/// See [`super::snapshot`].
pub fn capture(options: &SnapshotOptions) -> Result<Capture, WallError> {
    let scenes = Scenes::load(scene::folder())?;
    let scene = match scenes.position(&options.scene) {
        Some(position) => &scenes.all[position],
        None => return Err(unknown_scene(&scenes, &options.scene)),
    };
    let data = gather(options, scene)?;
    let now_us = options.at.unwrap_or_else(|| data.now_us(0.0));
    let size = [options.size.0, options.size.1];
    let tabs = scenes.tabs(options.lang, options.mode);
    let view = View {
        data: &data,
        scene,
        tabs: &tabs,
        mode: options.mode,
        lang: options.lang,
        size,
        now_us,
        now_s: 0.0,
        settled: true,
        frozen_us: None,
        as_of: options.at.is_some(),
        problem: None,
    };
    draw(&view)
}

/// Paints a view on the GPU and reads it back.
///
/// # Errors
/// No graphics adapter, or it gives no picture.
pub fn draw(view: &View<'_>) -> Result<Capture, WallError> {
    let mut glyphs = Glyphs::load(atlas_side(view.size))?;
    let (creation, _) = open_adapter()?;
    let (sender, receiver) = sync_channel(1);
    let mut app = bare_app(creation, sender);
    while app.plugins_state() == bevy::app::PluginsState::Adding {
        bevy::tasks::tick_global_task_pools_on_main_thread();
    }
    app.finish();
    app.cleanup();
    {
        let mut picture = app.world_mut().resource_mut::<Picture>();
        painter::paint(view, &mut glyphs, &mut picture, &mut BackKey::default());
        picture.capture = true;
        picture.scene.clone_from(&view.scene.name);
    }
    // The renderer needs a turn or two before it is ready to draw.
    for _ in 0..50 {
        app.update();
        if let Ok(capture) = receiver.try_recv() {
            return Ok(capture);
        }
    }
    Err(WallError::Graphics("the adapter drew nothing".into()))
}

/// Fetches everything the scene shows from the hub.
fn gather(options: &SnapshotOptions, scene: &Scene) -> Result<Data, WallError> {
    let bell = Arc::new((parking_lot::Mutex::new(()), parking_lot::Condvar::new()));
    let ring = bell.clone();
    let link = Link::open(
        &options.hub,
        Arc::new(move || {
            ring.1.notify_one();
        }),
    )?;
    let mut gathering = Gathering {
        link,
        data: Data::default(),
        at: options.at,
        missing: scene.metrics(),
        asked: Vec::new(),
        sparks_missing: scene.panels.iter().any(|panel| panel.kind == "map"),
        sparks_asked: false,
        ticked: false,
        welcomed_us: 0,
        since: Instant::now(),
    };
    if options.at.is_none() {
        gathering.link.subscribe(gathering.missing.clone());
    }
    let deadline = Instant::now() + Duration::from_secs(options.wait_s.max(1));
    loop {
        while let Some(news) = gathering.link.next() {
            gathering.take(news);
        }
        if gathering.is_complete() {
            return Ok(gathering.data);
        }
        if Instant::now() > deadline {
            return Err(WallError::Timeout {
                wait_s: options.wait_s,
                hub: options.hub.clone(),
                missing: gathering.what_is_missing(),
            });
        }
        bell.1.wait_for(&mut bell.0.lock(), Duration::from_millis(20));
    }
}

struct Gathering {
    link: Link,
    data: Data,
    at: Option<i64>,
    missing: Vec<MetricRef>,
    /// Queries under way: number and metric; `None` is the sparks.
    asked: Vec<(u64, Option<MetricRef>)>,
    sparks_missing: bool,
    sparks_asked: bool,
    ticked: bool,
    /// The hub's clock as it said hello.
    welcomed_us: i64,
    since: Instant,
}

impl Gathering {
    fn take(&mut self, news: News) {
        let News::Message(message) = news else {
            if let News::Down(why) = news {
                self.data.down = Some(why);
                self.asked.clear();
                self.sparks_asked = false;
            }
            return;
        };
        match *message {
            HubMessage::Answer { id, columns, rows, error, .. } => self.answer(id, columns, rows, error),
            HubMessage::Result(result) => {
                // The hub first sends what it last worked out for somebody else; that may be old.
                let fresh = result.as_of >= self.welcomed_us - 1_000_000 || self.since.elapsed() > PATIENCE;
                if fresh {
                    self.missing.retain(|metric| metric.name != result.metric || metric.params != result.params);
                }
                self.data.take_result(result, f64::NEG_INFINITY);
            }
            message => {
                let welcome = matches!(message, HubMessage::Welcome { .. });
                if let HubMessage::Events { stream, .. } = &message
                    && stream == "tickets"
                {
                    self.sparks_missing = false;
                }
                self.ticked |= matches!(message, HubMessage::Tick { .. });
                self.data.take(message, 0.0);
                if welcome {
                    self.start();
                }
            }
        }
        self.ask_more();
    }

    fn start(&mut self) {
        self.welcomed_us = self.data.now_us(0.0);
        self.since = Instant::now();
        // What the hub does not know will never come.
        let known = &self.data.known_metrics;
        self.missing.retain(|metric| known.contains(&metric.name));
        if self.data.sparks.map().is_none() {
            self.sparks_missing = false;
        }
        match self.at {
            Some(at) => self.data.set_clock(at, 0.0),
            None if self.sparks_missing => {
                if let Some(city) = &self.data.city {
                    let today_us = day_start_us(self.data.now_us(0.0), city.tz, 0);
                    self.link.follow("tickets", &sparks::COLUMNS, 100_000, Some(today_us));
                }
            }
            None => {}
        }
    }

    /// As of a time, metrics are asked one by one.
    fn ask_more(&mut self) {
        let (Some(at), Some(city)) = (self.at, &self.data.city) else { return };
        let at = Some(format_time(at, city.tz));
        while self.asked.len() < UNDER_WAY {
            let waiting = |metric: &MetricRef| self.asked.iter().any(|(_, asked)| asked.as_ref() == Some(metric));
            let next = self.missing.iter().find(|metric| !waiting(metric)).cloned();
            let id = self.asked.iter().map(|(id, _)| *id).max().unwrap_or(self.data.version) + 1;
            let message = match &next {
                Some(metric) => ClientMessage::Query {
                    id,
                    sql: None,
                    name: Some(metric.name.clone()),
                    params: metric.params.clone(),
                    at: at.clone(),
                    explain: false,
                },
                None if self.sparks_missing && !self.sparks_asked => {
                    self.sparks_asked = true;
                    ClientMessage::Query {
                        id,
                        sql: Some(SPARKS_SQL.into()),
                        name: None,
                        params: Default::default(),
                        at: at.clone(),
                        explain: false,
                    }
                }
                None => return,
            };
            self.asked.push((id, next));
            self.link.send(message);
        }
    }

    fn answer(
        &mut self,
        id: u64,
        columns: Vec<crate::model::message::ResultColumn>,
        rows: Vec<Vec<serde_json::Value>>,
        error: Option<crate::model::message::QueryFailure>,
    ) {
        let Some(position) = self.asked.iter().position(|(asked, _)| *asked == id) else { return };
        let (_, metric) = self.asked.swap_remove(position);
        let overloaded = error.as_ref().is_some_and(|error| error.code == "overloaded");
        let at = self.at.unwrap_or(0);
        match metric {
            _ if overloaded => self.sparks_asked = self.sparks_asked && !self.sparks_missing,
            Some(metric) => {
                self.missing.retain(|missing| *missing != metric);
                self.data.take_result(
                    MetricResult {
                        metric: metric.name,
                        params: metric.params,
                        version: 0,
                        as_of: at,
                        data_until: None,
                        demo: false,
                        columns,
                        rows,
                        error: error.map(|error| error.message),
                        info: Default::default(),
                    },
                    f64::NEG_INFINITY,
                );
            }
            None => {
                if let Some(error) = error {
                    tracing::warn!("the tickets of the map could not be asked for: {}", error.message);
                }
                let names: Vec<String> = columns.into_iter().map(|column| column.name).collect();
                self.data.sparks.take(&names, &rows, true, 0.0, at);
                self.sparks_missing = false;
            }
        }
    }

    fn is_complete(&self) -> bool {
        let clock = self.at.is_some() || self.ticked;
        self.data.city.is_some() && clock && self.missing.is_empty() && !self.sparks_missing && self.asked.is_empty()
    }

    fn what_is_missing(&self) -> String {
        if let (None, Some(why)) = (&self.data.city, &self.data.down) {
            return why.clone();
        }
        if self.data.city.is_none() {
            return "the hub did not say hello".into();
        }
        let mut names: Vec<&str> = self.missing.iter().map(|metric| metric.name.as_str()).collect();
        if self.sparks_missing {
            names.push("today's tickets");
        }
        if self.at.is_none() && !self.ticked {
            names.push("the hub's clock");
        }
        format!("still missing: {}", names.join(", "))
    }
}

fn unknown_scene(scenes: &Scenes, name: &str) -> WallError {
    if let Some(problem) = scenes.problem().filter(|problem| problem.path.ends_with(&format!("{name}.toml"))) {
        return WallError::Scene(problem.clone());
    }
    let known: Vec<&str> = scenes.all.iter().map(|scene| scene.name.as_str()).collect();
    let near = scene::nearest(name, &known).map(|near| format!("did you mean {near}? ")).unwrap_or_default();
    WallError::Setup(format!("there is no scene {name:?}; {near}known: {}", known.join(", ")))
}

/// Writes pixels as PNG.
///
/// # Errors
/// The file can't be written.
pub fn write_png(path: &std::path::Path, capture: &Capture) -> Result<(), WallError> {
    let fail = |message: String| WallError::Write { path: path.display().to_string(), message };
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).map_err(|error| fail(error.to_string()))?;
    }
    image::save_buffer(path, &capture.rgba, capture.width, capture.height, image::ExtendedColorType::Rgba8)
        .map_err(|error| fail(error.to_string()))
}
