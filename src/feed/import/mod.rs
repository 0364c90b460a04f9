//! `lingping feed import`: a city's own export becomes events of a hub.
//!
//! A file is read once, row by row ([`source`]), mapped ([`map`], [`decode`]), sorted by time ([`sink`]) and sent. What
//! does not read is set aside and counted ([`report`]); the file goes on. Personal columns become pseudonyms
//! ([`key`]) or are dropped, and a phone or identity number anywhere else ([`personal`]) ends the import before
//! anything was sent. Importing the same file, or a longer one, again brings no row twice.

mod decode;
mod digest;
#[cfg(test)]
mod fuzz;
pub mod key;
pub mod map;
pub mod personal;
#[cfg(test)]
mod proof;
mod report;
mod sink;
pub mod source;
mod times;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::time::Instant;

pub use self::map::Mapping;
pub use self::report::{HubAnswer, ImportReport, SetAside};
pub use self::sink::Sorted;

use self::decode::{Decoder, Fault};
use self::key::{Key, Origin};
use self::sink::Sink;
use self::source::{Cells, Next, Progress};
use super::client::FeedClient;
use super::error::FeedError;
use super::progress::Progress as Told;
use crate::model::Clock;

/// Rows between two looks at the progress bar.
const ROWS_PER_LOOK: u64 = 2048;

/// How a report is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum ReportFormat {
    #[default]
    Text,
    Json,
}

/// Brings a city's own export into a hub.
#[derive(Clone, Debug, clap::Args)]
pub struct ImportArgs {
    /// The export: CSV, TSV, JSON lines, a JSON array, Parquet or Arrow; text may be .gz, .zst or .zlib, UTF-8 or GB18030.
    pub file: PathBuf,
    /// How its columns become events (docs/mapping.md; maps that ship: assets/maps/).
    #[arg(long)]
    pub map: PathBuf,
    /// The hub, e.g. ws://127.0.0.1:8189/ws.
    #[arg(long, required_unless_present = "dry_run")]
    pub to: Option<String>,
    /// Reads and maps everything, sends nothing, and reports.
    #[arg(long)]
    pub dry_run: bool,
    /// How the report is printed.
    #[arg(long, value_enum, default_value_t)]
    pub report: ReportFormat,
    /// Writes every row that was set aside to this file, as JSON lines (line, reason, column, message).
    #[arg(long)]
    pub quarantine: Option<PathBuf>,
    /// Takes the place of `src` of the map.
    #[arg(long)]
    pub src: Option<String>,
    /// The key for personal columns; LINGPING_KEY comes first. Default: lingping.key beside the export, made when it
    /// is not there.
    #[arg(long)]
    pub key_file: Option<PathBuf>,
    /// Sends to a hub of another city than the map is written for.
    #[arg(long)]
    pub force: bool,
}

/// A file read, mapped and sorted.
pub struct Loaded {
    pub report: ImportReport,
    pub events: Sorted,
}

/// Reads a file by a map; sends nothing.
///
/// `now_us` is the clock against which times are checked; `key` is needed when the map has keyed columns; rows set
/// aside are written to `aside`, one JSON object a line.
///
/// # Errors
/// The file cannot be read on, the map does not fit it, or a personal number stands in a column taken as it is.
pub fn load(
    file: &Path,
    map: &Mapping,
    key: Option<Key>,
    now_us: i64,
    told: &Told,
    mut aside: Option<&mut dyn Write>,
) -> Result<Loaded, FeedError> {
    let began = Instant::now();
    let path = file.display().to_string();
    let progress = Progress::default();
    let mut rows = source::open(file, &map.file, &progress)?;
    let binding = map.bind(rows.columns(), rows.sparse())?;
    let mut report = ImportReport {
        file: path.clone(),
        map: map.path.clone(),
        src: map.src.clone(),
        stream: map.stream.name().to_owned(),
        format: rows.format().to_owned(),
        columns_keyed: map.columns.iter().filter(|column| column.keyed).map(|column| column.name.clone()).collect(),
        columns_dropped: dropped(map, rows.columns()),
        import_report: map.counters.iter().map(|counter| (counter.name.clone(), 0)).collect(),
        ..ImportReport::default()
    };
    for (column, at) in map.columns.iter().zip(&binding) {
        if at.is_none() {
            report.notes.push(format!("column {:?} is in none of the first objects of the file", column.name));
        }
    }
    if map.codes.is_none() {
        report
            .notes
            .push("the map names no city, so codes were not held against one; say city = \"ningbo\" at its top".into());
    }
    let mut decoder = Decoder::new(map, binding, key, now_us);
    let mut sink = Sink::new(map.stream);
    let mut cells = Cells::default();
    loop {
        let next = rows.next(&mut cells).map_err(|message| FeedError::File { path: path.clone(), message })?;
        if next != Next::End {
            report.rows_read += 1;
        }
        if report.rows_read.is_multiple_of(ROWS_PER_LOOK) {
            told.set(progress.done.load(Ordering::Relaxed), progress.total.load(Ordering::Relaxed));
        }
        let fault = match next {
            Next::End => break,
            Next::Broken { reason, message } => Fault::Row { reason, column: None, message },
            Next::Row => match decoder.row(&cells, &mut sink, &mut report) {
                Ok(()) => {
                    report.rows_mapped += 1;
                    continue;
                }
                Err(fault) => fault,
            },
        };
        match fault {
            Fault::Feed(error) => return Err(error),
            Fault::Personal { column, what } => {
                return Err(FeedError::Personal { path, row: report.rows_read, line: cells.line, column, what });
            }
            Fault::Row { reason, column, message } => {
                let row = SetAside { row: report.rows_read, line: cells.line, reason, column, message };
                if let Some(aside) = aside.as_deref_mut() {
                    write_line(aside, &row)
                        .map_err(|error| FeedError::File { path: "--quarantine".into(), message: error.to_string() })?;
                }
                report.set_aside(row);
            }
        }
    }
    report.finish(map.times.zone);
    let events = sink.finish()?;
    report.read_s = began.elapsed().as_secs_f64();
    Ok(Loaded { report, events })
}

fn write_line(out: &mut dyn Write, row: &SetAside) -> std::io::Result<()> {
    serde_json::to_writer(&mut *out, row)?;
    out.write_all(b"\n")
}

fn dropped(map: &Mapping, columns: &[String]) -> Vec<String> {
    let used = |column: &String| map.columns.iter().any(|used| used.name == *column && used.content);
    columns.iter().filter(|column| !used(column)).cloned().collect()
}

/// Reads, sends and waits for every ack; tells on stderr how far it is.
///
/// # Errors
/// As [`load`], and when no hub answers or the hub is lost.
pub async fn import(args: &ImportArgs, clock: &Clock) -> Result<ImportReport, FeedError> {
    let (mut map, key) = prepare(&args.map, args.src.as_deref(), &args.file, args.key_file.as_deref(), args.dry_run)?;
    // A hub that isn't there is better known before a long file is read.
    let client = match (&args.to, args.dry_run) {
        (Some(url), false) => Some(FeedClient::connect(url, &map.src).await?),
        (None, false) => {
            return Err(FeedError::Usage("--to names the hub, e.g. ws://127.0.0.1:8189/ws; or say --dry-run".into()));
        }
        (_, true) => None,
    };
    if let Some(client) = &client {
        map.codes = Some(Arc::new(client.welcome().city.clone()));
    }
    let loaded = load_aside(args.file.clone(), map.clone(), key, clock.now_us(), args.quarantine.clone()).await?;
    let Loaded { mut report, mut events } = loaded;
    report.dry_run = args.dry_run;
    let Some(mut client) = client else { return Ok(report) };
    report.notes.extend(another_city(&map, &client, args.force)?);
    let began = Instant::now();
    let told = Told::new("sending", report.events);
    let tally = client.tally();
    while let Some(batch) = events.next_batch()? {
        let rows = batch.num_rows() as u64;
        told.watch(&tally, client.send(map.stream, batch, true)).await?;
        told.inc(rows);
    }
    let totals = told.watch(&tally, client.end()).await?;
    told.finish();
    report.send_s = Some(began.elapsed().as_secs_f64());
    report.hub = Some(totals.into());
    Ok(report)
}

/// Refuses a hub of another city than the map is written for; with `force`, what to say of it.
pub(super) fn another_city(map: &Mapping, client: &FeedClient, force: bool) -> Result<Option<String>, FeedError> {
    let serves = &client.welcome().city.code;
    let Some(wanted) = map.city.as_ref().filter(|wanted| *wanted != serves) else { return Ok(None) };
    let said = format!("the map is written for the city {wanted}, the hub serves {serves}");
    if !force {
        return Err(FeedError::Usage(format!(
            "{said}, and what was sent can't be taken back; start a hub with --city {wanted}, or say --force to put both into one"
        )));
    }
    Ok(Some(format!("{said}: days and names are the hub's")))
}

/// `lingping feed import`: [`import`], with its report printed. Data on stdout, the number of rows set aside on stderr.
///
/// # Errors
/// As [`import`].
pub async fn run(args: ImportArgs, clock: Clock) -> Result<ImportReport, FeedError> {
    let report = import(&args, &clock).await?;
    print(&report, args.report);
    Ok(report)
}

pub(super) fn print(report: &ImportReport, format: ReportFormat) {
    let page = match format {
        ReportFormat::Text => report.text(),
        ReportFormat::Json => serde_json::to_string_pretty(report).unwrap_or_default() + "\n",
    };
    // A reader that went away (`| head`) is no failure of the import.
    let _ = std::io::stdout().write_all(page.as_bytes());
    if report.rows_quarantined > 0 {
        let reasons: Vec<String> =
            report.quarantined_by_reason.iter().map(|(reason, count)| format!("{reason} {count}")).collect();
        let rows = if report.rows_quarantined == 1 { "row was" } else { "rows were" };
        eprintln!(
            "{} {rows} set aside ({}); --quarantine FILE lists them",
            report.rows_quarantined,
            reasons.join(", ")
        );
    }
    let refused = report.hub.as_ref().map_or(0, |hub| hub.refused);
    if refused > 0 {
        eprintln!("{refused} events were refused by the hub");
    }
}

/// Nothing was set aside: an empty file, which was made by us, would look like a list.
fn remove_empty(path: &Path) {
    if std::fs::symlink_metadata(path).is_ok_and(|file| file.is_file() && file.len() == 0) {
        // Still there, it is empty and harmless.
        let _ = std::fs::remove_file(path);
    }
}

/// The map and the key for one run.
pub(super) fn prepare(
    map: &Path,
    src: Option<&str>,
    file: &Path,
    key_file: Option<&Path>,
    dry_run: bool,
) -> Result<(Mapping, Option<Key>), FeedError> {
    let mut map = Mapping::load(map)?;
    if let Some(src) = src {
        map.src = src.to_owned();
    }
    if !map.has_keyed_columns() {
        return Ok((map, None));
    }
    let beside = || file.parent().unwrap_or(Path::new(".")).join(key::FILE_NAME);
    let key_file = key_file.map_or_else(beside, Path::to_path_buf);
    let variable = std::env::var(key::VARIABLE).ok();
    if dry_run && variable.is_none() && !key_file.exists() {
        return Ok((map, Some(Key::passing()?)));
    }
    let (key, origin) = key::load(variable.as_deref(), &key_file)?;
    if let Origin::Made(path) = origin {
        eprintln!(
            "A KEY FOR PERSONAL COLUMNS WAS MADE: {}. Keep it secret and keep it: only with it does the same person \
             stay the same in the next import. ({} takes its place.)",
            path.display(),
            key::VARIABLE
        );
    }
    Ok((map, Some(key)))
}

/// [`load`] on a thread of its own; tells on stderr how far it is.
pub(super) async fn load_aside(
    file: PathBuf,
    map: Mapping,
    key: Option<Key>,
    now_us: i64,
    quarantine: Option<PathBuf>,
) -> Result<Loaded, FeedError> {
    let task = tokio::task::spawn_blocking(move || {
        let told = Told::new(format!("reading {}", file.display()), 0);
        let mut aside = match &quarantine {
            None => None,
            Some(path) => {
                let file = std::fs::File::create(path).map_err(|error| FeedError::File {
                    path: path.display().to_string(),
                    message: format!("cannot be written: {error}"),
                })?;
                Some(std::io::BufWriter::new(file))
            }
        };
        let loaded = load(&file, &map, key, now_us, &told, aside.as_mut().map(|aside| aside as &mut dyn Write));
        if let Some(mut aside) = aside {
            aside
                .flush()
                .map_err(|error| FeedError::File { path: "--quarantine".into(), message: error.to_string() })?;
        }
        if let Some(path) = &quarantine {
            remove_empty(path);
        }
        told.finish();
        loaded
    });
    task.await.map_err(|error| FeedError::Encode(format!("the reader stopped: {error}")))?
}
