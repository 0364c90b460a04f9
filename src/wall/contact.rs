//! All pictures of one moment: every scene in every mode and several shapes, each as a file, and one sheet that shows
//! them small beside one another.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::{Duration, Instant};

use image::RgbaImage;
use image::imageops;

use super::canvas::gpu::Capture;
use super::canvas::{Face, Style};
use super::gather::{Wanted, gather};
use super::options::{GalleryOptions, Mode, WallError};
use super::scene::{self, Scene, Scenes};
use super::snapshot::{Still, unknown_scene, write_png};
use super::studio::Studio;
use super::tokens::{self, size};

/// Height of a small picture on the sheet, and the room around it, pixels.
const SMALL: u32 = 240;
const GAP: u32 = 24;
/// Room below a small picture for its name.
const NAME: u32 = 34;
/// Pictures drawn and not yet written.
const WAITING_MAX: usize = 2;

/// Draws and writes them; returns how many.
///
/// # Errors
/// No graphics adapter, no answer from the hub, an unknown scene, a file that can't be written.
pub fn gallery(options: &GalleryOptions) -> Result<usize, WallError> {
    let scenes = Scenes::load(scene::folder())?;
    let wanted: Vec<&Scene> = if options.scenes.is_empty() {
        scenes.all.iter().collect()
    } else {
        let find =
            |name: &String| scenes.position(name).map(|at| &scenes.all[at]).ok_or_else(|| unknown_scene(&scenes, name));
        options.scenes.iter().map(find).collect::<Result<_, _>>()?
    };
    let asked = Instant::now();
    let figures = Wanted::of(&options.hub, options.at, options.wait_s, &wanted);
    let data = gather(Wanted { catalog: options.explain, ..figures })?;
    tracing::info!("the figures of {} scenes came in {:.1} s", wanted.len(), asked.elapsed().as_secs_f64());
    let &GalleryOptions { lang, seams, at, explain, .. } = options;
    let still = Still { data: &data, lang, seams, at, explain };
    let mut studio = Studio::open()?;
    studio.set_points(options.points);
    let mut sheet = Vec::new();
    // Files are packed on a thread of their own while the next picture is drawn.
    let (sender, receiver) = sync_channel(WAITING_MAX);
    let writer = std::thread::Builder::new()
        .name("wall-png".into())
        .spawn(move || write(&receiver))
        .map_err(|error| WallError::Setup(format!("the pictures cannot be written: {error}")))?;
    let (began, mut drawing) = (Instant::now(), Duration::ZERO);
    for scene in &wanted {
        let mut row = Vec::new();
        for (wide, high) in &options.sizes {
            for mode in Mode::ALL {
                let tabs = scenes.tabs(options.lang, mode);
                let begun = Instant::now();
                let capture = studio.picture(&still.view(scene, &tabs, mode, [*wide, *high]))?;
                drawing += begun.elapsed();
                let name = format!("{}-{}-{wide}x{high}", scene.name, mode.name());
                row.push(Small {
                    name: format!("{} · {} · {wide}×{high}", scene.name, mode.name()),
                    image: shrink(&capture),
                });
                let path = options.out.join(format!("{name}.png"));
                // A writer that gave up says why when it is joined.
                if sender.send((path, capture)).is_err() {
                    break;
                }
            }
        }
        sheet.push(row);
    }
    let capture = lay_out(&mut studio, &sheet)?;
    sender.send((options.out.join("contact.png"), capture)).ok();
    drop(sender);
    let written = writer.join().map_err(|_| WallError::Setup("the thread that writes pictures ended".into()))??;
    tracing::info!(
        "{written} pictures in {:.1} s, {:.1} s of them drawing",
        began.elapsed().as_secs_f64(),
        drawing.as_secs_f64()
    );
    Ok(written)
}

fn write(pictures: &Receiver<(PathBuf, Capture)>) -> Result<usize, WallError> {
    let mut written = 0;
    while let Ok((path, capture)) = pictures.recv() {
        write_png(&path, &capture)?;
        written += 1;
    }
    Ok(written)
}

struct Small {
    name: String,
    image: RgbaImage,
}

fn shrink(capture: &Capture) -> RgbaImage {
    let whole = RgbaImage::from_raw(capture.width, capture.height, capture.rgba.clone()).unwrap_or_default();
    let width = (u64::from(SMALL) * u64::from(capture.width) / u64::from(capture.height.max(1))).max(1) as u32;
    imageops::thumbnail(&whole, width, SMALL)
}

/// A row a scene, its pictures from left to right, each with its name below.
fn lay_out(studio: &mut Studio, rows: &[Vec<Small>]) -> Result<Capture, WallError> {
    let wide = |row: &Vec<Small>| row.iter().map(|small| small.image.width() + GAP).sum::<u32>() + GAP;
    let width = rows.iter().map(wide).max().unwrap_or(64).max(64);
    let height = rows.len() as u32 * (SMALL + NAME + GAP) + GAP;
    let style = Style::new(Face::Text, size::BODY, tokens::TEXT_QUIET);
    let top = |row: usize| GAP + row as u32 * (SMALL + NAME + GAP);
    let mut capture = studio.plain([width, height], |pen| {
        for (index, row) in rows.iter().enumerate() {
            let mut left = GAP;
            for small in row {
                pen.text(left as f32, (top(index) + SMALL + 24) as f32, &small.name, &style);
                left += small.image.width() + GAP;
            }
        }
    })?;
    let stride = width as usize * 4;
    for (index, row) in rows.iter().enumerate() {
        let mut left = GAP as usize;
        for small in row {
            let line = small.image.width() as usize * 4;
            for (y, pixels) in small.image.as_raw().chunks_exact(line).enumerate() {
                let start = (top(index) as usize + y) * stride + left * 4;
                capture.rgba[start..start + line].copy_from_slice(pixels);
            }
            left += small.image.width() as usize + GAP as usize;
        }
    }
    Ok(capture)
}
