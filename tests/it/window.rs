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
        // A server begins anew when its last client has gone: one that photographs would hinder the wall from coming.
        .args(["-displayfd", "1", "-noreset", "-screen", "0", "1280x720x24"])
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

/// A wall in a window of an X server of its own, and a way to photograph it.
struct Shown {
    wall: Killed,
    display: String,
    folder: tempfile::TempDir,
    _server: Killed,
    _hub: FixtureHub,
}

impl Shown {
    /// `None`, with a sentence, where something that this needs is not installed.
    fn start(size: &str) -> Option<Shown> {
        let missing = |what: &str| eprintln!("NOT TESTED: {what}");
        open_adapter().map_err(|error| missing(&error.to_string())).ok()?;
        if Command::new("import").arg("-version").output().is_err() {
            missing("ImageMagick's import is not installed");
            return None;
        }
        let Some((server, display)) = xvfb() else {
            missing("Xvfb is not installed");
            return None;
        };
        let hub = FixtureHub::start(Canned::Normal, City::load("ningbo").unwrap(), 0);
        let folder = tempfile::tempdir().unwrap();
        let log = std::fs::File::create(folder.path().join("wall.log")).unwrap();
        let wall = Killed(
            Command::new(env!("CARGO_BIN_EXE_lingping"))
                .args(["wall", "--hub", &hub.url(), "--size", size, "--mode", "ops"])
                .env("DISPLAY", &display)
                .env_remove("WAYLAND_DISPLAY")
                .env("XDG_RUNTIME_DIR", folder.path())
                .stdout(Stdio::null())
                .stderr(log)
                .spawn()
                .unwrap(),
        );
        Some(Shown { wall, display, folder, _server: server, _hub: hub })
    }

    fn photograph(&self) -> Option<image::RgbImage> {
        let photo = self.folder.path().join("window.png");
        let taken = Command::new("import")
            .args(["-display", &self.display, "-window", "root"])
            .arg(&photo)
            .status()
            .is_ok_and(|status| status.success());
        taken.then(|| image::open(&photo).ok().map(|picture| picture.to_rgb8())).flatten()
    }

    /// Photographs until the picture is as wanted, and still: on a busy machine a photograph may catch it half way.
    fn wait_for(&self, what: &str, wanted: impl Fn(&image::RgbImage) -> bool) -> image::RgbImage {
        let deadline = Instant::now() + Duration::from_secs(120);
        let mut before: Option<image::RgbImage> = None;
        loop {
            let now = self.photograph().filter(|picture| wanted(picture));
            if let (Some(before), Some(now)) = (&before, &now)
                && before.dimensions() == now.dimensions()
                && differing(before, now) < CLEARLY
            {
                return now.clone();
            }
            before = now;
            let told = || std::fs::read_to_string(self.folder.path().join("wall.log")).unwrap_or_default();
            assert!(Instant::now() < deadline, "no {what} in the window within 120 s; the wall says: {:?}", told());
            std::thread::sleep(Duration::from_millis(250));
        }
    }

    /// The wall is there: many colours, the white of its figures among them.
    fn wait_for_the_wall(&self) -> image::RgbImage {
        self.wait_for("wall", |picture| {
            let colours: std::collections::HashSet<[u8; 3]> = picture.pixels().map(|pixel| pixel.0).collect();
            colours.len() > 2000 && colours.contains(&[255, 255, 255])
        })
    }

    fn xdotool(&self, args: &[&str]) -> bool {
        let done = Command::new("xdotool").args(args).env("DISPLAY", &self.display).stdout(Stdio::null()).status();
        done.is_ok_and(|status| status.success())
    }
}

/// A second that passes changes some digits; a language, a scene or a size changes far more.
const CLEARLY: f64 = 0.004;

/// The share of pixels that differ clearly.
fn differing(a: &image::RgbImage, b: &image::RgbImage) -> f64 {
    let far = |(a, b): &(&image::Rgb<u8>, &image::Rgb<u8>)| a.0.iter().zip(b.0).any(|(a, b)| a.abs_diff(b) > 40);
    a.pixels().zip(b.pixels()).filter(far).count() as f64 / f64::from(a.width() * a.height())
}

#[test]
fn a_display_that_is_not_there_is_told_in_a_sentence() {
    if open_adapter().is_err() {
        eprintln!("NOT TESTED: no graphics adapter");
        return;
    }
    let hub = FixtureHub::start(Canned::Normal, City::load("ningbo").unwrap(), 0);
    let told = Command::new(env!("CARGO_BIN_EXE_lingping"))
        .args(["wall", "--hub", &hub.url()])
        .env("DISPLAY", ":4711")
        .env_remove("WAYLAND_DISPLAY")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&told.stderr);
    assert_eq!(told.status.code(), Some(1), "{text}");
    assert!(text.contains("\":4711\" can't be opened") && !text.contains("panicked"), "{text}");
}

#[test]
fn the_wall_stands_in_a_window() {
    let Some(shown) = Shown::start("1280x720") else { return };
    let picture = shown.wait_for_the_wall();
    assert_eq!((picture.width(), picture.height()), (1280, 720));
}

#[test]
fn keys_change_what_is_shown_and_the_window_can_be_resized_and_left() {
    let Some(mut shown) = Shown::start("1280x720") else { return };
    if Command::new("xdotool").arg("version").output().is_err() {
        eprintln!("NOT TESTED: xdotool is not installed");
        return;
    }
    let first = shown.wait_for_the_wall();
    // Without a window manager nobody else gives the window the keyboard.
    assert!(shown.xdotool(&["search", "--sync", "--name", "Lingping", "windowfocus", "--sync"]));
    assert!(shown.xdotool(&["key", "l"]));
    let english = shown.wait_for("English wall", |picture| differing(&first, picture) > CLEARLY);
    assert!(shown.xdotool(&["key", "Right"]));
    let scene = shown.wait_for("next scene", |picture| differing(&english, picture) > 0.05);
    assert!(shown.xdotool(&["key", "Left"]));
    shown.wait_for("first scene again", |picture| differing(&english, picture) < CLEARLY);
    assert!(shown.xdotool(&["key", "m"]));
    shown.wait_for("lobby", |picture| differing(&english, picture) > CLEARLY && differing(&scene, picture) > 0.05);
    assert!(shown.xdotool(&["search", "--name", "Lingping", "windowsize", "800", "600"]));
    shown.wait_for("smaller wall", |picture| {
        let beyond = (820..1280).step_by(20).all(|x| picture.get_pixel(x, 650).0 == [0, 0, 0]);
        let inside: std::collections::HashSet<[u8; 3]> = (0..800).map(|x| picture.get_pixel(x, 300).0).collect();
        beyond && inside.len() > 20
    });
    assert!(shown.xdotool(&["key", "Escape"]));
    let deadline = Instant::now() + Duration::from_secs(30);
    while shown.wall.0.try_wait().unwrap().is_none() {
        assert!(Instant::now() < deadline, "the wall did not close within 30 s of Escape");
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn a_window_that_was_hidden_goes_on_when_it_is_shown_again() {
    let Some(shown) = Shown::start("1280x720") else { return };
    if Command::new("xdotool").arg("version").output().is_err() {
        eprintln!("NOT TESTED: xdotool is not installed");
        return;
    }
    let first = shown.wait_for_the_wall();
    assert!(shown.xdotool(&["search", "--sync", "--name", "Lingping", "windowfocus", "--sync"]));
    assert!(shown.xdotool(&["search", "--name", "Lingping", "windowunmap", "--sync"]));
    shown.wait_for("hidden window", |picture| picture.pixels().all(|pixel| pixel.0 == [0, 0, 0]));
    assert!(shown.xdotool(&["search", "--name", "Lingping", "windowmap", "--sync"]));
    shown.wait_for("wall again", |picture| differing(&first, picture) < CLEARLY);
    // And it still listens: waiting for a hidden window's next frame must not hold it up.
    assert!(shown.xdotool(&["search", "--sync", "--name", "Lingping", "windowfocus", "--sync"]));
    assert!(shown.xdotool(&["key", "l"]));
    shown.wait_for("English wall", |picture| differing(&first, picture) > CLEARLY);
}
