//! `lingping bench table`: the lines of the benches as one table, each figure beside what it should be.

use std::fmt::Write as _;
use std::io::Read as _;
use std::path::PathBuf;

use anyhow::Context as _;
use serde_json::Value as Json;

#[derive(Clone, Debug, clap::Args)]
pub struct TableArgs {
    /// Lines of `bench … --json`; from the input when left out
    pub file: Option<PathBuf>,
}

/// What a figure should be.
#[derive(Clone, Copy, Debug)]
enum Aim {
    AtMost(f64),
    AtLeast(f64),
    /// None is set: the figure stands for itself.
    Told,
}

/// A figure in the lines of a bench. `{name}` in `what` is a field of the line; lines that lack one have no such figure.
struct Figure {
    bench: &'static str,
    what: &'static str,
    /// A JSON pointer.
    place: &'static str,
    unit: &'static str,
    aim: Aim,
}

const fn figure(bench: &'static str, what: &'static str, place: &'static str, unit: &'static str, aim: Aim) -> Figure {
    Figure { bench, what, place, unit, aim }
}

use Aim::{AtLeast, AtMost, Told};

/// Events in the store for which the aims of `live` are set.
const FULL: std::ops::Range<u64> = 10_000_000..50_000_000;

/// The aims are for two cores without a graphics card, those of `live`, `scan` and `recover` for 18 million events.
#[rustfmt::skip]
const FIGURES: &[Figure] = &[
    figure("live", "{events} events: a tick over {metrics} live metrics, CPU p50", "/tick/cpu_ms/p50", "ms", AtMost(8.0)),
    figure("live", "{events} events: … p99", "/tick/cpu_ms/p99", "ms", AtMost(20.0)),
    figure("live", "{events} events: full scans ÷ tick", "/full_scan_over_tick", "×", AtLeast(500.0)),
    figure("live", "{events} events: DuckDB ÷ tick", "/duckdb/over_tick", "×", AtLeast(500.0)),
    figure("live", "{events} events: answers that differ from a full scan", "/mismatches", "", AtMost(0.0)),
    figure("live", "{events} events: resident at the peak", "/rss_peak_mb", "MB", AtMost(1536.0)),
    figure("live", "{events} events: on disk", "/bytes_a_row", "bytes a row", AtMost(40.0)),
    figure("live", "Perspective ÷ ours, six metrics, 500 new rows", "/perspective/metrics/batches/over_ours", "×", Told),
    figure("live", "Perspective ÷ ours, six metrics, one new row", "/perspective/metrics/single/over_ours", "×", Told),
    figure("live", "Perspective ÷ ours, six averages, 500 new rows", "/perspective/averages/batches/over_ours", "×", AtLeast(100.0)),
    figure("live", "Perspective ÷ ours, six averages, one new row", "/perspective/averages/single/over_ours", "×", AtLeast(100.0)),
    figure("scan", "{compared} questions over {events} events, ours ÷ DuckDB", "/over_duckdb_geometric_mean", "×", AtMost(1.0)),
    figure("recover", "{events} events: {start} start to the first answer", "/first_answer_ms", "ms", Told),
    figure("recover", "{events} events: {start} start, answers that differ", "/mismatches", "", AtMost(0.0)),
    figure("ingest", "{format}, {clients} client(s): acked after fsync", "/events_per_s", "events/s", Told),
    figure("ingest", "{format}, {clients} client(s): ack p99 at a tenth", "/ack_ms_p99", "ms", AtMost(50.0)),
    figure("ingest", "{format}, {clients} client(s): acked and missing", "/lost", "", AtMost(0.0)),
    figure("ingest", "{peer} COPY of the same rows", "/copy/events_per_s", "events/s", Told),
    figure("crash", "{cycles} kills, {acked} acked: missing", "/lost", "", AtMost(0.0)),
    figure("crash", "{cycles} kills, {acked} acked: doubled", "/duplicated", "", AtMost(0.0)),
    figure("fanout", "sent to received by {clients} clients, p99", "/latency_ms_p99", "ms", Told),
    figure("render", "ours, {size}, {sparks} sparks, {workload}", "/frames_per_cpu_s", "frames a CPU s", Told),
    figure("render", "ours, {points} points, {path}", "/fps", "frames/s", Told),
    figure("render", "ours, {charts} charts of {points_a_chart} points, {workload}", "/fps", "frames/s", Told),
    figure("latency", "sent to shown at {events_per_s} events/s, p99", "/p99_ms", "ms", Told),
    figure("latency", "a frame of the same wall, p99", "/frame_ms_p99", "ms", Told),
    figure("soak", "{frames} frames: resident at the start", "/rss_mb_start", "MB", Told),
    figure("soak", "{frames} frames: … at the end", "/rss_mb_end", "MB", Told),
    figure("soak", "{frames} frames: graphics memory at the end", "/gpu_mb_end", "MB", Told),
];

/// Prints the table.
///
/// # Errors
/// The file can't be read, or holds no line of a bench.
pub fn run(args: &TableArgs) -> anyhow::Result<()> {
    let text = match &args.file {
        Some(path) => std::fs::read_to_string(path).with_context(|| format!("{} can't be read", path.display()))?,
        None => {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text).context("the input can't be read")?;
            text
        }
    };
    let lines: Vec<Json> = text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let rows = rows(&lines);
    anyhow::ensure!(!rows.is_empty(), "there is no line of `lingping bench … --json` in it");
    print!("{}", markdown(&rows));
    Ok(())
}

#[derive(Debug)]
struct Row {
    bench: String,
    what: String,
    figure: f64,
    unit: &'static str,
    aim: Aim,
}

impl Row {
    fn held(&self) -> &'static str {
        match self.aim {
            Aim::AtMost(most) if self.figure <= most => "held",
            Aim::AtLeast(least) if self.figure >= least => "held",
            Aim::Told => "",
            _ => "MISSED",
        }
    }
}

fn rows(lines: &[Json]) -> Vec<Row> {
    let mut rows = Vec::new();
    for figure in FIGURES {
        for line in lines.iter().filter(|line| line["bench"] == figure.bench) {
            let Some(what) = filled(figure.what, line) else { continue };
            let Some(value) = line.pointer(figure.place).and_then(Json::as_f64) else { continue };
            let (unit, aim) = (figure.unit, aim(figure, line));
            rows.push(Row { bench: figure.bench.to_owned(), what, figure: value, unit, aim });
        }
    }
    rows.extend(growth(lines));
    rows.extend(lines.iter().flat_map(over_echarts));
    rows
}

/// Aims that depend on what the line is of.
fn aim(figure: &Figure, line: &Json) -> Aim {
    let events = line["events"].as_u64().unwrap_or(0);
    match (figure.bench, figure.place) {
        // More is held by `growth`; with fewer a scan costs less and a tick does not.
        ("live", "/tick/cpu_ms/p50" | "/tick/cpu_ms/p99" | "/full_scan_over_tick" | "/duckdb/over_tick")
            if !FULL.contains(&events) =>
        {
            Aim::Told
        }
        ("recover", "/first_answer_ms") if line["start"] == "warm" => Aim::AtMost(2_000.0),
        ("ingest", "/events_per_s") => Aim::AtLeast(if line["format"] == "json" { 200_000.0 } else { 800_000.0 }),
        ("latency", "/p99_ms") => Aim::AtMost(100.0 + line["frame_ms"].as_f64().unwrap_or(0.0)),
        _ => figure.aim,
    }
}

/// A tick over very many more events beside one over the fewest of which there is a line.
fn growth(lines: &[Json]) -> Option<Row> {
    let live = lines.iter().filter(|line| line["bench"] == "live");
    let mut ticks: Vec<(u64, f64)> = live
        .filter_map(|line| Some((line["events"].as_u64()?, line.pointer("/tick/cpu_ms/p50")?.as_f64()?)))
        .filter(|(events, _)| *events >= FULL.start)
        .collect();
    ticks.sort_by_key(|(events, _)| *events);
    let ((few, least), (many, most)) = (ticks.first()?, ticks.last()?);
    (*many >= 5 * few).then(|| Row {
        bench: "live".to_owned(),
        what: format!("a tick over {many} events ÷ one over {few}"),
        figure: most / least.max(1e-9),
        unit: "×",
        aim: Aim::AtMost(1.2),
    })
}

/// Frames a CPU second of ours over those of ECharts, drawing what changed, every mark, and all (the ground, too).
fn over_echarts(line: &Json) -> Vec<Row> {
    let (Some(ratios), Some(size)) = (line["lingping_over_echarts"].as_array(), line["size"].as_str()) else {
        return Vec::new();
    };
    let row = |what: String, ratio: &Json, aim| {
        Some(Row { bench: "render".to_owned(), what, figure: ratio.as_f64()?, unit: "×", aim })
    };
    match (line["sparks"].as_u64(), line["charts"].as_u64(), ratios.as_slice()) {
        (Some(sparks), _, [live, marks, whole]) => {
            let least = [(100_000, 10.0), (20_000, 3.0), (0, 0.7)].into_iter().find(|(from, _)| sparks >= *from);
            let aim = least.map_or(Aim::Told, |(_, least)| Aim::AtLeast(least));
            [("what changed", live), ("every mark", marks), ("all", whole)]
                .into_iter()
                .filter_map(|(how, ratio)| {
                    row(format!("ours ÷ ECharts, {size}, {sparks} sparks, drawing {how}"), ratio, aim)
                })
                .collect()
        }
        (None, Some(charts), [ratio]) => {
            row(format!("ours ÷ ECharts, {charts} charts"), ratio, Aim::Told).into_iter().collect()
        }
        _ => Vec::new(),
    }
}

/// `{name}` by the line's field; nothing when it lacks one.
fn filled(what: &str, line: &Json) -> Option<String> {
    let mut parts = what.split('{');
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (name, rest) = part.split_once('}')?;
        match line.get(name)? {
            Json::String(word) => text.push_str(word),
            Json::Number(number) => write!(text, "{number}").ok()?,
            _ => return None,
        }
        text.push_str(rest);
    }
    Some(text)
}

fn markdown(rows: &[Row]) -> String {
    let mut text = String::from("| bench | what | measured | aim | |\n|---|---|---:|---|---|\n");
    for row in rows {
        let aim = match row.aim {
            Aim::AtMost(0.0) => "0".to_owned(),
            Aim::AtMost(most) => format!("≤ {}", short(most)),
            Aim::AtLeast(least) => format!("≥ {}", short(least)),
            Aim::Told => String::new(),
        };
        let measured = format!("{} {}", short(row.figure), row.unit);
        // Writing to a string does not fail.
        let _ = writeln!(text, "| {} | {} | {} | {aim} | {} |", row.bench, row.what, measured.trim_end(), row.held());
    }
    text
}

/// Three digits where there is a fraction.
fn short(value: f64) -> String {
    match value.abs() {
        small if small >= 100.0 || value.fract() == 0.0 => format!("{value:.0}"),
        small if small >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn said(lines: &[Json]) -> String {
        markdown(&rows(lines))
    }

    #[test]
    fn figures_are_held_against_their_aims() {
        let tick = |events: u64, p50: f64| json!({"bench": "live", "events": events, "metrics": 98, "tick": {"cpu_ms": {"p50": p50, "p99": 30.0}}, "mismatches": 0});
        let text = said(&[tick(18_000_000, 7.65), tick(180_000_000, 10.0)]);
        assert!(
            text.contains("| live | 18000000 events: a tick over 98 live metrics, CPU p50 | 7.65 ms | ≤ 8 | held |"),
            "{text}"
        );
        assert!(text.contains("| live | 18000000 events: … p99 | 30 ms | ≤ 20 | MISSED |"), "{text}");
        assert!(
            text.contains("| live | a tick over 180000000 events ÷ one over 18000000 | 1.31 × | ≤ 1.20 | MISSED |"),
            "{text}"
        );
        assert!(!text.contains("DuckDB"), "what was not measured is not in it: {text}");
    }

    #[test]
    fn aims_follow_what_was_measured() {
        let text = said(&[
            json!({"bench": "ingest", "format": "arrow", "clients": 8, "events_per_s": 500_000, "lost": 0}),
            json!({"bench": "ingest", "format": "json", "clients": 1, "events_per_s": 500_000, "lost": 1}),
            json!({"bench": "render", "peer": "echarts", "size": "1920x1080", "sparks": 100_000, "lingping_over_echarts": [84.91, 31.2, 9.4]}),
        ]);
        assert!(text.contains("arrow, 8 client(s): acked after fsync | 500000 events/s | ≥ 800000 | MISSED"), "{text}");
        assert!(text.contains("json, 1 client(s): acked after fsync | 500000 events/s | ≥ 200000 | held"), "{text}");
        assert!(text.contains("json, 1 client(s): acked and missing | 1 | 0 | MISSED"), "{text}");
        assert!(text.contains("100000 sparks, drawing what changed | 84.9 × | ≥ 10 | held"), "{text}");
        assert!(text.contains("100000 sparks, drawing all | 9.40 × | ≥ 10 | MISSED"), "{text}");
    }
}
