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

/// A path under `assets/`.
pub fn path(relative: impl AsRef<Path>) -> PathBuf {
    home().join("assets").join(relative)
}
