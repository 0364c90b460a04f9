//! Where the files that ship with the program lie.
//!
//! Looked for in this order: `$LINGPING_HOME`, the working directory, beside the binary, the source tree it was
//! built from. A folder counts when it holds `assets/city`; the one that `$LINGPING_HOME` names is not doubted.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

static HOME: LazyLock<PathBuf> = LazyLock::new(|| {
    let beside = std::env::current_exe().ok().and_then(|exe| exe.parent().map(Path::to_path_buf));
    if let Some(home) = std::env::var_os("LINGPING_HOME") {
        return PathBuf::from(home);
    }
    let candidates = [Some(PathBuf::from(".")), beside, Some(PathBuf::from(env!("CARGO_MANIFEST_DIR")))];
    candidates
        .into_iter()
        .flatten()
        .find(|folder| folder.join("assets/city").is_dir())
        .unwrap_or_else(|| PathBuf::from("."))
});

/// The folder that holds `assets/`, `queries/` and `shaders/`.
pub fn home() -> &'static Path {
    &HOME
}

/// The files of a folder with this extension, by name.
///
/// # Errors
/// The folder cannot be read.
pub fn files(folder: &Path, extension: &str) -> std::io::Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder)?;
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let mut paths: Vec<PathBuf> =
        paths.filter(|path| path.extension().is_some_and(|known| known == extension)).collect();
    paths.sort();
    Ok(paths)
}

/// A path under `assets/`.
pub fn path(relative: impl AsRef<Path>) -> PathBuf {
    home().join("assets").join(relative)
}
