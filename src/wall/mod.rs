//! How it is seen: the wall. A Bevy app that knows the hub only by its WebSocket.
//!
//! `link` is the socket, `data` what came over it, `scene` the files that say what there is to show, `layout` where it
//! stands on a `screen`, `panels` what can stand there, `legibility` whether it can be read, `painter` and `chrome` the
//! picture, `explain` how its numbers are made, `canvas` its pixels, `show` the running wall, `rotation` which scene is next, `app` the window around it, `snapshot` one picture as a file.
//! Nothing here reads a clock of its own: time is the hub's.
//!
//! It fails only at the start (no graphics adapter, no scene). Later everything that goes wrong is shown where it is:
//! a lost hub by age and grey, a failed query in its panel, a wrong scene file in the last line.

pub mod app;
pub mod canvas;
mod chrome;
pub mod composer;
mod contact;
pub mod data;
pub mod density;
mod explain;
pub mod format;
mod frames;
#[cfg(test)]
mod fuzz;
pub mod gather;
pub mod layout;
pub mod legibility;
pub mod link;
pub mod map;
pub mod options;
pub mod painter;
mod panels;
mod record;
mod recovery;
mod rotation;
pub mod scatter;
pub mod scene;
pub mod screen;
pub mod show;
pub mod snapshot;
pub mod sparks;
pub mod studio;
pub mod tokens;

pub use options::{GalleryOptions, Lang, Mode, PointsPath, RecordOptions, SnapshotOptions, WallError, WallOptions};

/// Shows the wall until it is closed. Runs on the main thread; a window where there is a display, else offscreen.
///
/// # Errors
/// No graphics adapter, an unreadable scene, a window that can't be opened.
pub fn run(options: WallOptions) -> Result<(), WallError> {
    app::run(options)
}

/// Draws many pictures of one moment, and a contact sheet of them; returns how many.
///
/// # Errors
/// As [`snapshot`].
pub fn snapshot_all(options: &GalleryOptions) -> Result<usize, WallError> {
    contact::gallery(options)
}

/// Draws a scene as it goes on, as a PNG sequence or a film; returns how many pictures.
///
/// # Errors
/// As [`snapshot`]; for a film also that ffmpeg is missing or fails.
pub fn record(options: &RecordOptions) -> Result<usize, WallError> {
    record::record(options)
}

/// Draws one picture of a scene and writes it as PNG; needs no display.
///
/// # Errors
/// No graphics adapter, no answer from the hub within `wait_s`, an unreadable scene, a file that can't be written.
pub fn snapshot(options: SnapshotOptions) -> Result<(), WallError> {
    snapshot::snapshot(options)
}
