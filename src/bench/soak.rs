//! `bench soak`: the wall through very many frames of scenes, reconnects, resizes, modes and languages, as fast as they
//! are drawn; what grows is found out.
//!
//! A hub in memory with a day of the simulated city, a feed that goes on, a relay between hub and wall that is cut now
//! and then. Memory, graphics memory, glyph atlas, entities and the time of a frame are read when all has been shown
//! once, and at the end. Then the wall is frozen and turns on with nothing to draw: Bevy apps were seen to slow down
//! over hours (bevy#11285) and to grow while idle (bevy#5691).

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bevy::render::RenderApp;
use bevy::render::renderer::RenderDevice;
use serde_json::{Value as Json, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::measure::percentile;
use super::process;
use crate::demo::{SourceArgs, with_hub};
use crate::model::message::Control;
use crate::wall::app::{AdapterName, Stage};
use crate::wall::options::{PointsPath, parse_size};
use crate::wall::{Lang, Mode, WallError, WallOptions};

#[derive(Clone, Debug, clap::Args)]
pub struct SoakArgs {
    /// Frames
    #[arg(long, default_value_t = 100_000)]
    frames: u64,
    /// Turns of a frozen wall after them, in which nothing is drawn
    #[arg(long, default_value_t = 20_000)]
    idle: u64,
    /// Pixels of the wall
    #[arg(long, default_value = "320x180", value_parser = parse_size)]
    size: (u32, u32),
    /// The points of the night sky: moving, grid, or auto: as the graphics adapter can
    #[arg(long, default_value = "auto")]
    points: PointsPath,
    /// One JSON object instead of a sentence
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    source: SourceArgs,
}

/// Frames from one change to the next.
const SCENE_EVERY: u64 = 60;
const RESIZE_EVERY: u64 = 410;
const LANG_EVERY: u64 = 700;
const MODE_EVERY: u64 = 1_300;
const CUT_EVERY: u64 = 1_700;

/// What may grow.
#[derive(Clone, Copy, Debug)]
struct Reading {
    rss_mb: f64,
    gpu_mb: f64,
    gpu_allocations: usize,
    atlas_kb: u32,
    entities: usize,
}

/// Runs the benchmark and prints its line.
///
/// # Errors
/// No graphics adapter, or no hub.
pub fn run(args: SoakArgs) -> anyhow::Result<()> {
    let line = with_hub(&args.source, |hub, _| soak(&args, &hub))?;
    if args.json {
        println!("{line}");
    } else {
        println!(
            "{} frames in {} s: resident {} → {} MB, graphics {} → {} MB in {} → {} pieces, glyph atlas {} kB, entities {} → {}, a frame {} → {} ms; {} idle turns: {} pictures, resident {} → {} MB",
            line["frames"],
            line["seconds"],
            line["rss_mb_start"],
            line["rss_mb_end"],
            line["gpu_mb_start"],
            line["gpu_mb_end"],
            line["gpu_allocations_start"],
            line["gpu_allocations_end"],
            line["glyph_atlas_kb"],
            line["entities_start"],
            line["entities"],
            line["frame_ms_start"],
            line["frame_ms_end"],
            line["idle_turns"],
            line["idle_pictures"],
            line["rss_mb_end"],
            line["idle_rss_mb_end"]
        );
    }
    Ok(())
}

/// Drives the wall; the fields of the line.
///
/// # Errors
/// No graphics adapter, or the relay can't listen.
fn soak(args: &SoakArgs, hub: &str) -> Result<Json, WallError> {
    let SoakArgs { frames, idle, size, .. } = *args;
    let fail = |what: &dyn std::fmt::Display| WallError::Setup(format!("the relay to the hub: {what}"));
    let target = hub.trim_start_matches("ws://").split('/').next().unwrap_or_default().to_owned();
    let runtime = crate::cli::network().map_err(|error| fail(&error))?;
    let (cut, cuts) = watch::channel(0_u64);
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).map_err(|error| fail(&error))?;
    let address = listener.local_addr().map_err(|error| fail(&error))?;
    let connections = Arc::new(AtomicU64::new(0));
    runtime.spawn(relay(listener, target, cuts, connections.clone()));
    let options = WallOptions {
        size: Some(size),
        offscreen: true,
        points: args.points,
        mode: Mode::Ops,
        ..WallOptions::new(format!("ws://{address}/ws"))
    };
    let mut stage = Stage::open(&options)?;
    stage.show_mut().pace = Duration::ZERO;
    // All scenes, modes, languages and sizes have been shown once by then.
    let settled_at = (frames / 2).clamp(1, 20_000);
    let shapes = [size, (size.0 * 3 / 2, size.1 * 3 / 4), (size.0 * 3 / 4, size.1)];
    let began = Instant::now();
    let (mut start, mut pictures) = (None, 0_u64);
    let mut frame_ms = FrameTimes::default();
    let mut frame = 0;
    // A turn in which nothing differs draws no picture; only pictures count.
    while pictures < frames && frame < frames.saturating_mul(8) {
        frame += 1;
        {
            let mut show = stage.show_mut();
            if frame % SCENE_EVERY == 0 {
                show.step_scene(1);
            }
            if frame % LANG_EVERY == 0 {
                show.toggle_lang();
            }
            if frame % MODE_EVERY == 0 {
                show.mode = Mode::ALL[(frame / MODE_EVERY) as usize % Mode::ALL.len()];
            }
            if frame % RESIZE_EVERY == 0 {
                let (width, height) = shapes[(frame / RESIZE_EVERY) as usize % shapes.len()];
                show.resize([width, height]);
            }
            if frame % 2 == 0 {
                // All of it; the turns between draw what changed by itself.
                show.composer.forget();
            }
            show.redraw();
        }
        if frame % CUT_EVERY == 0 {
            cut.send_replace(frame);
        }
        let turned = Instant::now();
        let drawn = stage.turn_whole();
        pictures += u64::from(drawn);
        if drawn && pictures >= settled_at {
            frame_ms.take(turned.elapsed().as_secs_f64() * 1e3);
        }
        if start.is_none() && pictures >= settled_at {
            start = Some(read(&stage));
        }
    }
    let end = read(&stage);
    let start = start.unwrap_or(end);
    let idle_pictures = rest(&mut stage, idle);
    let idle_end = read(&stage);
    let lang = if stage.show().lang == Lang::Zh { "zh" } else { "en" };
    let round = |value: f64| (value * 10.0).round() / 10.0;
    Ok(json!({
        "bench": "soak",
        "frames": pictures,
        "turns": frame,
        "seconds": round(began.elapsed().as_secs_f64()),
        "size": format!("{}x{}", size.0, size.1),
        "read_after": settled_at,
        "connections": connections.load(Ordering::Relaxed),
        "rss_mb_start": round(start.rss_mb),
        "rss_mb_end": round(end.rss_mb),
        "gpu_mb_start": round(start.gpu_mb),
        "gpu_mb_end": round(end.gpu_mb),
        "gpu_allocations_start": start.gpu_allocations,
        "gpu_allocations_end": end.gpu_allocations,
        "glyph_atlas_kb_start": start.atlas_kb,
        "glyph_atlas_kb": end.atlas_kb,
        "entities_start": start.entities,
        "entities": end.entities,
        "frame_ms_start": round(frame_ms.first()),
        "frame_ms_end": round(frame_ms.last()),
        "idle_turns": idle,
        "idle_pictures": idle_pictures,
        "idle_rss_mb_end": round(idle_end.rss_mb),
        "idle_entities": idle_end.entities,
        "last_lang": lang,
        "adapter": stage.app.world().resource::<AdapterName>().0.clone(),
    }))
}

/// Turns of a frozen wall; the pictures drawn in them.
fn rest(stage: &mut Stage, turns: u64) -> u64 {
    let freeze = Control { freeze: Some(true), ..Control::default() };
    stage.show_mut().control(&freeze);
    // The mark of a frozen wall is drawn, and a scene that was going over into the next is there.
    let settled = Instant::now() + Duration::from_secs(2);
    while Instant::now() < settled {
        stage.turn_whole();
    }
    (0..turns).map(|_| u64::from(stage.turn_whole())).sum()
}

/// The time of frames: medians of the first and of the last of them.
#[derive(Default)]
struct FrameTimes {
    first: Vec<f64>,
    last: VecDeque<f64>,
}

/// Frames that a median is of.
const TIMED: usize = 4_000;

impl FrameTimes {
    fn take(&mut self, ms: f64) {
        if self.first.len() < TIMED {
            self.first.push(ms);
        }
        if self.last.len() == TIMED {
            self.last.pop_front();
        }
        self.last.push_back(ms);
    }

    fn first(&mut self) -> f64 {
        percentile(&mut self.first, 0.5)
    }

    fn last(&mut self) -> f64 {
        percentile(self.last.make_contiguous(), 0.5)
    }
}

fn read(stage: &Stage) -> Reading {
    let world = stage.app.world();
    let report =
        world.get_resource::<RenderDevice>().and_then(|device| device.wgpu_device().generate_allocator_report());
    let in_renderer = stage.app.get_sub_app(RenderApp).map_or(0, |app| app.world().entities().count_spawned());
    Reading {
        rss_mb: process::resident_mb().unwrap_or(0.0),
        gpu_mb: report.as_ref().map_or(0.0, |report| report.total_allocated_bytes as f64 / 1e6),
        gpu_allocations: report.as_ref().map_or(0, |report| report.allocations.len()),
        atlas_kb: stage.show().composer.glyphs.atlas_kb(),
        entities: world.entities().count_spawned() as usize + in_renderer as usize,
    }
}

/// Carries bytes between wall and hub until it is told to cut every connection.
async fn relay(listener: TcpListener, target: String, cuts: watch::Receiver<u64>, connections: Arc<AtomicU64>) {
    loop {
        let Ok((mut wall, _)): Result<(TcpStream, SocketAddr), _> = listener.accept().await else { continue };
        connections.fetch_add(1, Ordering::Relaxed);
        let (target, mut cuts) = (target.clone(), cuts.clone());
        cuts.mark_unchanged();
        tokio::spawn(async move {
            let Ok(mut hub) = TcpStream::connect(&target).await else { return };
            tokio::select! {
                // Whoever ends it, both ends are closed by going out of scope.
                _ = tokio::io::copy_bidirectional(&mut wall, &mut hub) => {}
                _ = cuts.changed() => {}
            }
        });
    }
}
