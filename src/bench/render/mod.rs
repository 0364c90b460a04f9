//! `bench render`: the wall's complete frames, and those of ECharts in a headless browser, in one run on one machine.
//!
//! A frame is complete when its last pixel is done: ours is waited for on the graphics adapter, ECharts' is a turn of
//! `requestAnimationFrame` after all its charts were told new values and painted. CPU seconds are those of the whole
//! process, a software rasteriser's threads among them; for the browser those of all its processes.
//!
//! In each frame all metrics of the scene have new values and two tickets come in; ECharts draws what `setOption` makes
//! of it, which is all of its charts, points and map. Ours does it in three ways, one workload each ([`Anew`]).

mod charts;
mod overview;
mod peer;
mod points;

use std::time::{Duration, Instant};

use anyhow::Context;
use serde_json::{Value as Json, json};

use crate::demo::{SourceArgs, with_hub};
use crate::wall::canvas::POINTS_MAX;
use crate::wall::gather::{Wanted, gather};
use crate::wall::scene::{self, Scene};
use crate::wall::studio::Studio;
use crate::wall::{PointsPath, WallError, options::parse_size};

use super::process;

#[derive(Clone, Debug, clap::Args)]
pub struct RenderArgs {
    /// Pixels of the overview
    #[arg(long, value_delimiter = ',', value_parser = parse_size, default_values = ["1920x1080", "3840x2160"])]
    sizes: Vec<(u32, u32)>,
    /// Tickets on the overview's map
    #[arg(long, value_delimiter = ',', default_values_t = [2_000, 20_000, 100_000])]
    sparks: Vec<usize>,
    /// Points on a field of light
    #[arg(long, value_delimiter = ',', default_values_t = [1_000_000, 10_000_000])]
    points: Vec<u64>,
    /// Points that move [default: as many as --points on a graphics card, 100000 on a software rasteriser]
    #[arg(long, value_delimiter = ',', value_parser = clap::value_parser!(u64).range(1..=POINTS_MAX as u64))]
    moving: Option<Vec<u64>>,
    /// Line charts side by side
    #[arg(long, value_delimiter = ',', default_values_t = [16, 32, 64, 128])]
    charts: Vec<usize>,
    /// Points of each of them
    #[arg(long, default_value_t = 100_000)]
    chart_points: usize,
    /// Seconds of each measurement
    #[arg(long, default_value_t = 5.0)]
    seconds: f64,
    /// Leave ECharts out
    #[arg(long)]
    no_peer: bool,
    /// One JSON object a line instead of sentences
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    source: SourceArgs,
}

/// How much of a picture our wall draws anew.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Anew {
    /// What differs from the last one, as the wall does.
    Changed,
    /// All that ECharts draws anew: every spark, chart, text and the land. Ground and panels' surfaces, which stand
    /// still and which the page has not, are copied from their layer.
    Marks,
    /// Ground and surfaces, too.
    Whole,
}

impl Anew {
    const ALL: [Anew; 3] = [Anew::Changed, Anew::Marks, Anew::Whole];

    fn name(self) -> &'static str {
        match self {
            Anew::Changed => "live",
            Anew::Marks => "marks",
            Anew::Whole => "whole",
        }
    }
}

/// Points that move where none are asked for and a software rasteriser draws.
const MOVING_WITHOUT_CARD: u64 = 100_000;

/// What composing a picture took: all that is left to the wall where a graphics card draws.
pub struct Composed {
    ms: f64,
    allocations: u64,
}

impl Composed {
    pub fn by<T>(compose: impl FnOnce() -> T) -> Composed {
        let (before, begun) = (crate::allocations::of_this_thread(), Instant::now());
        compose();
        let ms = begun.elapsed().as_secs_f64() * 1000.0;
        Composed { ms, allocations: crate::allocations::of_this_thread() - before }
    }
}

/// Frames of one measurement.
#[derive(Default)]
pub struct Frames {
    pub ms: Vec<f64>,
    pub composing_ms: Vec<f64>,
    pub cpu_s: f64,
    pub wall_s: f64,
    /// Allocations of composing alone, and of everything on the main thread.
    pub composing_allocations: u64,
    pub allocations: u64,
}

impl Frames {
    /// Repeats a frame for so many seconds; the first few are not counted.
    ///
    /// # Errors
    /// What the frame says.
    pub fn measure(
        seconds: f64,
        mut frame: impl FnMut(u64) -> Result<Composed, WallError>,
    ) -> Result<Frames, WallError> {
        const WARM_UP: u64 = 4;
        for number in 0..WARM_UP {
            frame(number)?;
        }
        let mut frames = Frames::default();
        let cpu_before = process::cpu_s().unwrap_or(0.0);
        let allocations_before = crate::allocations::of_this_thread();
        let began = Instant::now();
        while began.elapsed() < Duration::from_secs_f64(seconds) || frames.ms.len() < 5 {
            let begun = Instant::now();
            let composed = frame(WARM_UP + frames.ms.len() as u64)?;
            frames.ms.push(begun.elapsed().as_secs_f64() * 1000.0);
            frames.composing_ms.push(composed.ms);
            frames.composing_allocations += composed.allocations;
        }
        frames.wall_s = began.elapsed().as_secs_f64();
        frames.cpu_s = process::cpu_s().unwrap_or(0.0) - cpu_before;
        frames.allocations = crate::allocations::of_this_thread() - allocations_before;
        Ok(frames)
    }

    /// The fields every line has.
    pub fn json(&self) -> serde_json::Map<String, Json> {
        let count = self.ms.len().max(1) as f64;
        let at = |share: f64| quantile(&self.ms, share);
        let round = |value: f64| (value * 100.0).round() / 100.0;
        let mut fields = serde_json::Map::new();
        fields.insert("frames".into(), json!(self.ms.len()));
        fields.insert("fps".into(), json!(round(count / self.wall_s.max(1e-9))));
        fields.insert("frame_ms_p50".into(), json!(round(at(0.50))));
        fields.insert("frame_ms_p99".into(), json!(round(at(0.99))));
        if !self.composing_ms.is_empty() {
            fields.insert("compose_ms_p50".into(), json!(round(quantile(&self.composing_ms, 0.50))));
            fields.insert("compose_ms_p99".into(), json!(round(quantile(&self.composing_ms, 0.99))));
        }
        fields.insert("frames_per_cpu_s".into(), json!(round(count / self.cpu_s.max(1e-9))));
        fields
    }
}

fn quantile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get((sorted.len() as f64 * share) as usize).or(sorted.last()).copied().unwrap_or(0.0)
}

/// One line of the benchmark.
struct Line {
    fields: serde_json::Map<String, Json>,
}

impl Line {
    fn of_wall(what: Json, frames: &Frames, adapter: &wgpu::AdapterInfo) -> Line {
        let mut fields = serde_json::Map::new();
        fields.insert("bench".into(), json!("render"));
        fields.insert("peer".into(), json!("lingping"));
        if let Json::Object(what) = what {
            fields.extend(what);
        }
        fields.extend(frames.json());
        let count = frames.ms.len().max(1) as f64;
        fields.insert("allocs_per_frame".into(), json!((frames.composing_allocations as f64 / count).round()));
        fields.insert("allocs_per_frame_thread".into(), json!((frames.allocations as f64 / count).round()));
        fields.insert("adapter".into(), json!(format!("{} ({:?})", adapter.name, adapter.backend)));
        fields.insert("adapter_type".into(), json!(format!("{:?}", adapter.device_type)));
        Line { fields }
    }

    /// Returns the frames a CPU second.
    fn print(&self, as_json: bool) -> f64 {
        let speed = self.fields.get("frames_per_cpu_s").and_then(Json::as_f64).unwrap_or(0.0);
        if as_json {
            println!("{}", Json::Object(self.fields.clone()));
            return speed;
        }
        let text = |key: &str| self.fields.get(key).map_or(String::new(), |value| value.to_string().replace('"', ""));
        let marks = |key: &str| match self.fields.contains_key(key) {
            true => format!("{} {key}", text(key)),
            false => String::new(),
        };
        let marks = ["sparks", "points", "charts"].map(marks).join(" ");
        println!(
            "{:<9} {:<9} {:>9} {:>24} {:<6} {:>8} fps  p50 {:>8} ms  p99 {:>8} ms  {:>8} frames a CPU second",
            text("peer"),
            text("scene"),
            text("size"),
            marks.trim(),
            if self.fields.contains_key("path") { text("path") } else { text("workload") },
            text("fps"),
            text("frame_ms_p50"),
            text("frame_ms_p99"),
            text("frames_per_cpu_s"),
        );
        speed
    }
}

/// Runs the benchmark and prints a line a measurement.
///
/// # Errors
/// No graphics adapter, or no data for the scene. A missing browser is said in a sentence and no error.
pub fn run(args: RenderArgs) -> anyhow::Result<()> {
    let scene = Scene::load(&scene::folder().join("overview.toml")).context("the scene of the benchmark")?;
    let data = with_hub(&args.source, |hub, at| gather(Wanted::of(&hub, at, 120, &[&scene])))?;
    let mut studio = Studio::open()?;
    let peer = if args.no_peer { None } else { find_peer() };
    for size in &args.sizes {
        for sparks in &args.sparks {
            let mut ours = Vec::new();
            for anew in Anew::ALL {
                let case = overview::Case { size: [size.0, size.1], sparks: *sparks, anew };
                let frames = overview::measure(&mut studio, &scene, &data, &case, args.seconds)?;
                let what = json!({"scene": "overview", "size": format!("{}x{}", size.0, size.1), "sparks": sparks,
                    "charts": 10, "workload": anew.name()});
                ours.push(Line::of_wall(what, &frames, &studio.adapter).print(args.json));
            }
            beside(peer.as_ref(), &args, &peer::Case { size: *size, sparks: *sparks, ..args.peer_case() }, &ours);
        }
    }
    let moving = args.moving.clone().unwrap_or_else(|| match PointsPath::Auto.moves_on(studio.adapter.device_type) {
        true => args.points.clone(),
        false => vec![MOVING_WITHOUT_CARD],
    });
    let grid = args.points.iter().map(|points| (*points, PointsPath::Grid, "grid"));
    for (points, path, name) in grid.chain(moving.iter().map(|points| (*points, PointsPath::Moving, "moving"))) {
        let (frames, scattered_ms) = points::measure(&mut studio, &data, [1920, 1080], points, path, args.seconds)?;
        let what = json!({"scene": "points", "size": "1920x1080", "points": points, "path": name, "workload": "whole",
            "scattered_ms": scattered_ms.round()});
        Line::of_wall(what, &frames, &studio.adapter).print(args.json);
    }
    for charts in &args.charts {
        let frames = charts::measure(&mut studio, *charts, args.chart_points, args.seconds)?;
        let what = json!({"scene": "charts", "size": "1920x1080", "charts": charts,
            "points_a_chart": args.chart_points, "workload": "whole"});
        let ours = Line::of_wall(what, &frames, &studio.adapter).print(args.json);
        beside(peer.as_ref(), &args, &peer::Case { charts: *charts, ..args.peer_case() }, &[ours]);
    }
    Ok(())
}

impl RenderArgs {
    fn peer_case(&self) -> peer::Case {
        peer::Case { size: (1920, 1080), sparks: 0, charts: 0, chart_points: self.chart_points, seconds: self.seconds }
    }
}

fn find_peer() -> Option<peer::Peer> {
    peer::Peer::find().inspect_err(|why| eprintln!("lingping: ECharts was left out: {why}")).ok()
}

/// The same in ECharts, right after ours: the speed of a shared machine changes from minute to minute.
fn beside(peer: Option<&peer::Peer>, args: &RenderArgs, case: &peer::Case, ours: &[f64]) {
    let Some(peer) = peer else { return };
    match peer.measure(case) {
        Ok(mut fields) => {
            let speed = fields.get("frames_per_cpu_s").and_then(Json::as_f64).unwrap_or(0.0);
            let ratio = |own: &f64| json!((own / speed.max(1e-9) * 100.0).round() / 100.0);
            fields.insert("lingping_over_echarts".into(), ours.iter().map(ratio).collect());
            Line { fields }.print(args.json);
        }
        Err(why) => eprintln!("lingping: ECharts, {case}: {why}"),
    }
}
