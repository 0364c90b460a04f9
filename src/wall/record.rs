//! A scene as it goes on, picture by picture: a PNG sequence, or a film made by ffmpeg.
//!
//! The hub is asked what each metric said at each second and which tickets came in between; then the wall is driven
//! through that time by a clock of its own. So the same data, times, scene and size give the same bytes, however long
//! the drawing takes.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::model::message::{HubMessage, MetricResult};

use super::canvas::gpu::Capture;
use super::data::Data;
use super::gather::{Wanted, gather, gather_tickets};
use super::options::{RecordOptions, WallError};
use super::painter::View;
use super::scene::{self, Scenes};
use super::snapshot::{unknown_scene, write_png};
use super::sparks;
use super::studio::Studio;

const SECOND_US: i64 = 1_000_000;

/// Records and returns how many pictures there are.
///
/// # Errors
/// See [`super::record`].
pub fn record(options: &RecordOptions) -> Result<usize, WallError> {
    let scenes = Scenes::load(scene::folder())?;
    let scene = match scenes.position(&options.scene) {
        Some(position) => &scenes.all[position],
        None => return Err(unknown_scene(&scenes, &options.scene)),
    };
    // Told before the hub is asked for every second of it.
    Output::look_for_ffmpeg(&options.out)?;
    let frames = (options.seconds * f64::from(options.fps)).round().max(1.0) as usize;
    let span_s = ((frames - 1) as f64 / f64::from(options.fps)).ceil() as i64;
    let end_us = options.at + span_s * SECOND_US;
    // What the wall would have been told at each second.
    let mut wanted = Wanted::of(&options.hub, Some(options.at), options.wait_s, &[scene]);
    let has_map = std::mem::take(&mut wanted.sparks);
    let mut data = gather(wanted)?;
    let mut told: Vec<Vec<MetricResult>> = Vec::with_capacity(span_s as usize);
    for second in 1..=span_s {
        let mut wanted = Wanted::of(&options.hub, Some(options.at + second * SECOND_US), options.wait_s, &[scene]);
        wanted.sparks = false;
        let mut results: Vec<MetricResult> = gather(wanted)?.results().cloned().collect();
        results.sort_by(|a, b| a.metric.cmp(&b.metric));
        told.push(results);
    }
    // The night sky has its points fall too; a scene without a map has no use for them.
    let has_map = has_map || scene.panels.iter().any(|panel| panel.kind == "sky");
    let tickets = if has_map { gather_tickets(&options.hub, end_us, options.wait_s)? } else { Vec::new() };
    let mut tickets = tickets.into_iter().peekable();
    let mut out = Output::open(options)?;
    let mut studio = Studio::open()?;
    studio.set_points(options.points);
    let tabs = scenes.tabs(options.lang, options.mode);
    let mut told = told.into_iter();
    let mut second = 0;
    for frame in 0..frames {
        let now_s = frame as f64 / f64::from(options.fps);
        let now_us = options.at + (now_s * 1e6) as i64;
        while second < now_s as i64 {
            second += 1;
            tell(&mut data, told.next().unwrap_or_default(), options.at + second * SECOND_US, second as f64);
        }
        let mut rows = Vec::new();
        while let Some((_, row)) = tickets.next_if(|(ts, _)| *ts <= now_us) {
            rows.push(row);
        }
        let columns = sparks::COLUMNS.map(str::to_owned).to_vec();
        let backlog = frame == 0;
        let stream = "tickets".to_owned();
        data.take(HubMessage::Events { stream, columns, rows, backlog, reset: false, more: false, seq: None }, now_s);
        if data.sparks.settle(now_s) {
            data.sparks.version += 1;
        }
        let view = View {
            data: &data,
            scene,
            tabs: &tabs,
            mode: options.mode,
            lang: options.lang,
            size: options.size.into(),
            seams: options.seams,
            now_us,
            now_s,
            settled: false,
            frozen_us: None,
            explain: false,
            paused: false,
            as_of: false,
            problem: None,
        };
        out.take(frame, studio.picture(&view)?)?;
    }
    out.close()?;
    Ok(frames)
}

/// One second's news: results and the hub's clock.
fn tell(data: &mut Data, results: Vec<MetricResult>, now_us: i64, now_s: f64) {
    let until = results.iter().filter_map(|result| result.data_until).max();
    for result in results {
        data.take_result(result, now_s);
    }
    data.data_until = until.or(data.data_until);
    data.set_clock(now_us, now_s);
}

/// Where pictures go.
enum Output {
    Folder(PathBuf),
    Film { path: PathBuf, child: Child },
}

fn is_film(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("mp4"))
}

/// ffmpeg can't be started.
fn no_ffmpeg(path: &Path, error: &std::io::Error) -> WallError {
    fail(
        path,
        &format!("a film needs ffmpeg, which cannot be started ({error}); install it, or name a folder for PNG files"),
    )
}

impl Output {
    fn look_for_ffmpeg(path: &Path) -> Result<(), WallError> {
        if !is_film(path) {
            return Ok(());
        }
        let mut asked = Command::new("ffmpeg");
        asked.arg("-version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        asked.status().map(|_| ()).map_err(|error| no_ffmpeg(path, &error))
    }

    fn open(options: &RecordOptions) -> Result<Output, WallError> {
        let path = options.out.clone();
        if !is_film(&path) {
            return Ok(Output::Folder(path));
        }
        let (width, height) = options.size;
        let child = Command::new("ffmpeg")
            .args(["-y", "-loglevel", "error", "-f", "rawvideo", "-pix_fmt", "rgba"])
            .args(["-s", &format!("{width}x{height}"), "-r", &options.fps.to_string(), "-i", "-"])
            // The usual colour format of films wants even sides. Its matrix is named, since a player takes that of
            // high definition where none is, and ffmpeg writes another.
            .args(["-vf", "pad=ceil(iw/2)*2:ceil(ih/2)*2,scale=out_color_matrix=bt709:out_range=tv"])
            .args(["-c:v", "libx264", "-crf", "16", "-pix_fmt", "yuv420p", "-movflags", "+faststart"])
            .args(["-color_range", "tv", "-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709"])
            .arg(&path)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .map_err(|error| no_ffmpeg(&path, &error))?;
        Ok(Output::Film { path, child })
    }

    fn take(&mut self, frame: usize, capture: Capture) -> Result<(), WallError> {
        match self {
            Output::Folder(folder) => write_png(&folder.join(format!("{frame:06}.png")), &capture),
            Output::Film { path, child } => match child.stdin.as_mut().map(|pipe| pipe.write_all(&capture.rgba)) {
                Some(Ok(())) => Ok(()),
                _ => Err(fail(path, "ffmpeg ended before the last picture")),
            },
        }
    }

    fn close(self) -> Result<(), WallError> {
        let Output::Film { path, mut child } = self else { return Ok(()) };
        drop(child.stdin.take());
        match child.wait() {
            Ok(status) if status.success() => Ok(()),
            _ => Err(fail(&path, "ffmpeg did not finish the film")),
        }
    }
}

fn fail(path: &Path, message: &str) -> WallError {
    WallError::Write { path: path.display().to_string(), message: message.to_owned() }
}
