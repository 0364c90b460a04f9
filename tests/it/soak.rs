//! The wall through thousands of frames, and its recordings.

use lingping::wall::canvas::gpu::open_adapter;
use std::path::Path;
use std::process::{Command, Stdio};

use super::program::MainJob;

/// How far a film's colours may be off in the mean of all squares, of 255. As it should be they are off by 0.43; by 1.1 with
/// the matrix of television's standard definition.
const FILM_OFF: f64 = 0.8;

/// The mean colours of squares of 8×8 pixels of a picture of 640×360: what is left when its edges do not count.
fn squares(rgb: &[u8]) -> Vec<f64> {
    let mut sums = vec![0.0; 80 * 45 * 3];
    for (position, value) in rgb.iter().enumerate() {
        let (x, y) = (position / 3 % 640, position / 3 / 640);
        sums[(y / 8 * 80 + x / 8) * 3 + position % 3] += f64::from(*value) / 64.0;
    }
    sums
}

fn adapter_is_missing() -> bool {
    open_adapter().map_err(|error| eprintln!("NOT TESTED: {error}")).is_err()
}

#[test]
fn nothing_grows_over_thousands_of_frames() {
    if adapter_is_missing() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let job = MainJob::start(&folder.path().join("data"));
    // In a process of its own, whose memory is the wall's alone.
    let done = Command::new(env!("CARGO_BIN_EXE_lingping"))
        .args(["bench", "soak", "--frames", "5000", "--size", "320x180", "--json", "--hub"])
        .arg(format!("ws://{}/ws", job.address()))
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stdout));
    let line: serde_json::Value = serde_json::from_slice(&done.stdout).unwrap();
    let number = |key: &str| line[key].as_f64().unwrap();
    assert_eq!(line["frames"], 5_000, "{line}");
    assert!(number("connections") >= 2.0, "the relay was never cut: {line}");
    // A picture lost with each frame would be 345 MB.
    assert!(number("rss_mb_end") <= number("rss_mb_start") + 32.0, "resident memory grows: {line}");
    assert!(number("gpu_mb_end") <= number("gpu_mb_start") + 4.0, "graphics memory grows: {line}");
    assert!(number("gpu_allocations_end") <= number("gpu_allocations_start") + 8.0, "graphics pieces grow: {line}");
    assert_eq!(line["entities"], line["entities_start"], "entities grow: {line}");
    assert_eq!((number("idle_turns"), number("idle_pictures")), (20_000.0, 0.0), "a frozen wall draws: {line}");
    assert!(number("idle_rss_mb_end") <= number("rss_mb_end") + 8.0, "an idle wall grows: {line}");
    assert_eq!(line["idle_entities"], line["entities"], "entities of an idle wall grow: {line}");
}

/// Two seconds of the overview at four pictures a second.
fn record(out: &Path) {
    let done = Command::new(env!("CARGO_BIN_EXE_lingping"))
        .args(["record", "--scene", "overview", "--mode", "ops", "--seconds", "2", "--fps", "4", "--size", "640x360"])
        .arg("--out")
        .arg(out)
        .output()
        .unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

#[test]
fn a_scene_recorded_twice_gives_the_same_bytes() {
    if adapter_is_missing() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let recorded = |name: &str| {
        let out = folder.path().join(name);
        record(&out);
        (0..8).map(|frame| std::fs::read(out.join(format!("{frame:06}.png"))).unwrap()).collect::<Vec<_>>()
    };
    let (first, second) = (recorded("a"), recorded("b"));
    assert!(first == second);
    assert!(first[0] != first[7], "two seconds later the clock at least has moved");
}

#[test]
fn a_film_shows_the_pictures_in_their_colours() {
    if adapter_is_missing() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (pictures, film) = (folder.path().join("pictures"), folder.path().join("film.mp4"));
    record(&pictures);
    record(&film);
    let asked = Command::new("ffprobe")
        .args(["-v", "error", "-of", "json", "-show_entries"])
        .arg("stream=codec_name,width,height,nb_frames,r_frame_rate,color_space,color_range")
        .arg(&film)
        .output()
        .unwrap();
    let told: serde_json::Value = serde_json::from_slice(&asked.stdout).unwrap();
    let expected = serde_json::json!({
        "codec_name": "h264", "width": 640, "height": 360, "nb_frames": "8", "r_frame_rate": "4/1",
        "color_space": "bt709", "color_range": "tv",
    });
    assert_eq!(told["streams"][0], expected);
    // Each picture as a player shows it that goes by the file's size and not by its marks.
    let shown = Command::new("ffmpeg")
        .args(["-v", "error", "-i"])
        .arg(&film)
        .args(["-vf", "scale=in_color_matrix=bt709:in_range=tv:flags=accurate_rnd+full_chroma_int,format=rgb24"])
        .args(["-f", "rawvideo", "-"])
        .output()
        .unwrap();
    assert!(shown.status.success(), "{}", String::from_utf8_lossy(&shown.stderr));
    let frame_bytes = 640 * 360 * 3;
    assert_eq!(shown.stdout.len(), 8 * frame_bytes);
    for (frame, shown) in shown.stdout.chunks(frame_bytes).enumerate() {
        let drawn = image::open(pictures.join(format!("{frame:06}.png"))).unwrap().into_rgb8();
        let (shown, drawn) = (squares(shown), squares(drawn.as_raw()));
        let mean_off = shown.iter().zip(&drawn).map(|(a, b)| (a - b).abs()).sum::<f64>() / drawn.len() as f64;
        assert!(mean_off < FILM_OFF, "picture {frame} is off by {mean_off:.2} of 255 in the mean");
    }
}
