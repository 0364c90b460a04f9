//! One picture of a scene as a file: no display, no motion, the same for the same data, clock, scene and size.

use super::canvas::gpu::Capture;
use super::data::Data;
use super::gather::{Wanted, gather};
use super::options::{Lang, Mode, SnapshotOptions, WallError};
use super::painter::View;
use super::scene::{self, Scene, Scenes};
use super::screen::Seams;
use super::studio::Studio;
use crate::model::text::nearest;

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
    let wanted = Wanted::of(&options.hub, options.at, options.wait_s, &[scene]);
    let data = gather(Wanted { catalog: options.explain, ..wanted })?;
    let tabs = scenes.tabs(options.lang, options.mode);
    let &SnapshotOptions { lang, seams, at, explain, .. } = options;
    let still = Still { data: &data, lang, seams, at, explain };
    let mut studio = Studio::open()?;
    studio.set_points(options.points);
    studio.picture(&still.view(scene, &tabs, options.mode, options.size.into()))
}

/// Everything a still picture is of, but for the scene and its shape.
pub struct Still<'a> {
    pub data: &'a Data,
    pub lang: Lang,
    pub seams: Seams,
    /// As of then, µs; left out: the hub's now.
    pub at: Option<i64>,
    /// Panels say how their numbers are made.
    pub explain: bool,
}

impl<'a> Still<'a> {
    pub fn view(&self, scene: &'a Scene, tabs: &'a [(String, String)], mode: Mode, size: [u32; 2]) -> View<'a> {
        View {
            data: self.data,
            scene,
            tabs,
            mode,
            lang: self.lang,
            size,
            seams: self.seams,
            now_us: self.at.unwrap_or_else(|| self.data.now_us(0.0)),
            now_s: 0.0,
            settled: true,
            frozen_us: None,
            explain: self.explain,
            paused: false,
            as_of: self.at.is_some(),
            problem: None,
        }
    }
}

/// Paints a view on the GPU and reads it back.
///
/// # Errors
/// No graphics adapter, or it gives no picture.
pub fn draw(view: &View<'_>) -> Result<Capture, WallError> {
    Studio::open()?.picture(view)
}

pub fn unknown_scene(scenes: &Scenes, name: &str) -> WallError {
    if let Some(problem) = scenes.problem_of(name) {
        return WallError::Scene(problem.clone());
    }
    let known: Vec<&str> = scenes.all.iter().map(|scene| scene.name.as_str()).collect();
    let near = nearest(name, known.iter().copied()).map(|near| format!("did you mean {near}? ")).unwrap_or_default();
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
