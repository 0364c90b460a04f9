//! The wall through thousands of frames, and a recording made twice.

use lingping::wall::canvas::gpu::open_adapter;
use std::process::{Command, Stdio};

use super::program::MainJob;

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

#[test]
fn a_scene_recorded_twice_gives_the_same_bytes() {
    if adapter_is_missing() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let record = |name: &str| {
        let out = folder.path().join(name);
        let done = Command::new(env!("CARGO_BIN_EXE_lingping"))
            .args([
                "record",
                "--scene",
                "overview",
                "--mode",
                "ops",
                "--seconds",
                "2",
                "--fps",
                "4",
                "--size",
                "640x360",
            ])
            .arg("--out")
            .arg(&out)
            .output()
            .unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        (0..8).map(|frame| std::fs::read(out.join(format!("{frame:06}.png"))).unwrap()).collect::<Vec<_>>()
    };
    let (first, second) = (record("a"), record("b"));
    assert!(first == second);
    assert!(first[0] != first[7], "two seconds later the clock at least has moved");
}
