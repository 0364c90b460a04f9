//! How it is seen: the wall. A Bevy app that knows the hub only by its WebSocket.

pub mod options;

pub use options::{Lang, Mode, SnapshotOptions, WallError, WallOptions};

/// Shows the wall until it is closed. Runs on the main thread; a window where there is a display, else offscreen.
///
/// # Errors
/// No graphics adapter, an unreadable scene, a window that can't be opened.
pub fn run(options: WallOptions) -> Result<(), WallError> {
    let _ = options;
    Err(WallError::Graphics("the wall is being built".into()))
}

/// Draws one picture of a scene and writes it as PNG; needs no display.
///
/// # Errors
/// No graphics adapter, no answer from the hub within `wait_s`, an unreadable scene, a file that can't be written.
pub fn snapshot(options: SnapshotOptions) -> Result<(), WallError> {
    let _ = options;
    Err(WallError::Graphics("the wall is being built".into()))
}
