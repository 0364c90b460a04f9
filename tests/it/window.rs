//! A real window: the program under Xvfb, its window photographed from outside.
//!
//! Needs `Xvfb`, ImageMagick's `import` and a Vulkan adapter; without them the test says so and passes.

use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use lingping::model::City;
use lingping::wall::canvas::gpu::open_adapter;

use super::fixture_hub::{Canned, FixtureHub};

/// A child process; dropped, it is killed.
pub(super) struct Killed(pub(super) Child);

impl Drop for Killed {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// Starts an X server without a screen and says which display it is.
fn xvfb() -> Option<(Killed, String)> {
    let mut child = Command::new("Xvfb")
        .args(["-displayfd", "1", "-screen", "0", "1280x720x24"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let mut out = child.stdout.take()?;
    let server = Killed(child);
    let mut text = String::new();
    let mut byte = [0];
    while out.read(&mut byte).ok()? == 1 && byte[0] != b'\n' {
        text.push(byte[0] as char);
    }
    Some((server, format!(":{}", text.trim())))
}

#[test]
fn the_wall_stands_in_a_window() {
    if let Err(error) = open_adapter() {
        eprintln!("NOT TESTED: {error}");
        return;
    }
    if Command::new("import").arg("-version").output().is_err() {
        eprintln!("NOT TESTED: ImageMagick's import is not installed");
        return;
    }
    let Some((_server, display)) = xvfb() else {
        eprintln!("NOT TESTED: Xvfb is not installed");
        return;
    };
    let hub = FixtureHub::start(Canned::Normal, City::load("ningbo").unwrap(), 0);
    let folder = tempfile::tempdir().unwrap();
    let _wall = Killed(
        Command::new(env!("CARGO_BIN_EXE_lingping"))
            .args(["wall", "--hub", &hub.url(), "--size", "1280x720", "--mode", "ops"])
            .env("DISPLAY", &display)
            .env_remove("WAYLAND_DISPLAY")
            .env("XDG_RUNTIME_DIR", folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap(),
    );
    let photo = folder.path().join("window.png");
    let deadline = Instant::now() + Duration::from_secs(60);
    // Photographed until the wall is there: many colours, the white of its figures among them.
    loop {
        let taken = Command::new("import")
            .args(["-display", &display, "-window", "root"])
            .arg(&photo)
            .status()
            .is_ok_and(|status| status.success());
        if taken && let Ok(picture) = image::open(&photo) {
            let picture = picture.to_rgb8();
            let colours: std::collections::HashSet<[u8; 3]> = picture.pixels().map(|pixel| pixel.0).collect();
            if colours.len() > 2000 && colours.contains(&[255, 255, 255]) {
                assert_eq!((picture.width(), picture.height()), (1280, 720));
                return;
            }
        }
        assert!(Instant::now() < deadline, "no wall in the window within 60 s");
        std::thread::sleep(Duration::from_millis(250));
    }
}
