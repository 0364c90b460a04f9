//! The subcommands: reads the arguments and calls one room for each.

use std::process::ExitCode;

#[cfg(any(feature = "hub", feature = "wall"))]
use clap::Args;
use clap::{Parser, Subcommand};

#[cfg(feature = "hub")]
use crate::model::Clock;

/// 灵屏: the live data wall of a city help line. Without a subcommand: a hub, a simulated city and the wall.
#[derive(Parser, Debug)]
#[command(name = "lingping", version, about, max_term_width = 100, args_conflicts_with_subcommands = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[cfg(all(feature = "hub", feature = "wall"))]
    #[command(flatten)]
    main_job: crate::demo::MainJobArgs,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// The server alone
    #[cfg(feature = "hub")]
    Hub(crate::hub::HubArgs),
    /// A wall alone, fed by a hub
    #[cfg(feature = "wall")]
    Wall(WallArgs),
    /// Sends events to a hub
    #[cfg(feature = "hub")]
    #[command(subcommand)]
    Feed(FeedCommand),
    /// Asks a hub or a data folder in SQL
    #[cfg(feature = "hub")]
    Query(crate::query::cli::QueryArgs),
    /// One picture of the wall; needs no display
    #[cfg(all(feature = "hub", feature = "wall"))]
    Snapshot(crate::demo::SnapshotArgs),
    /// A scene as it goes on, as PNG files or a film; needs no display
    #[cfg(all(feature = "hub", feature = "wall"))]
    Record(crate::demo::RecordArgs),
    /// Validates city files, queries, scenes and maps; every problem with file, line and what to do
    #[cfg(all(feature = "hub", feature = "wall"))]
    Check(crate::check::CheckArgs),
    /// Reads a whole store back: rows per stream, bad frames, gaps, duplicates
    #[cfg(feature = "hub")]
    Verify(VerifyArgs),
    /// The benchmarks
    #[cfg(feature = "hub")]
    #[command(subcommand)]
    Bench(BenchCommand),
}

#[cfg(feature = "hub")]
#[derive(Subcommand, Debug)]
enum BenchCommand {
    /// From an event's sending to every client's result
    Fanout(crate::bench::fanout::FanoutArgs),
    /// A hub killed again and again while numbered events come in
    Crash(crate::bench::crash::CrashArgs),
    /// Events acked a second over real sockets, JSON and Arrow
    Ingest(crate::bench::ingest::IngestArgs),
    /// All metrics, live, beside full scans
    Live(crate::bench::live::LiveArgs),
    /// From an event's sending to the frame that shows it
    #[cfg(feature = "wall")]
    Latency(crate::bench::latency::LatencyArgs),
    /// The wall's frames, beside ECharts in a browser
    #[cfg(feature = "wall")]
    Render(crate::bench::render::RenderArgs),
    /// The wall through very many frames, scenes, reconnects and resizes
    #[cfg(feature = "wall")]
    Soak(crate::bench::soak::SoakArgs),
    /// The lines of the others as one table, each figure beside its aim
    Table(crate::bench::table::TableArgs),
    /// Ad-hoc questions of a wall over all rows
    Scan(crate::bench::scan::ScanArgs),
    /// From a start to the first correct answer
    Recover(crate::bench::recover::RecoverArgs),
}

#[cfg(feature = "hub")]
#[derive(Subcommand, Debug)]
enum FeedCommand {
    /// A city's own export, once
    Import(crate::feed::import::ImportArgs),
    /// An export played back in time
    Replay(crate::feed::replay::ReplayArgs),
    /// A simulated city; every row is marked as simulated
    Simulate(crate::feed::simulate::SimulateArgs),
}

/// How the wall looks.
#[cfg(feature = "wall")]
#[derive(Args, Debug, Clone)]
pub struct LookArgs {
    /// Scene, a file stem under assets/scenes/
    #[arg(long, default_value = "overview")]
    pub scene: String,
    /// For whom: lobby, brief or ops
    #[arg(long, default_value = "lobby")]
    pub mode: crate::wall::Mode,
    /// Language of the interface: zh or en
    #[arg(long, default_value = "zh")]
    pub lang: crate::wall::Lang,
    /// Pixels, e.g. 3840x1080; left out: those of --config, the screen's, or 1920x1080 without a window
    #[arg(long, value_parser = crate::wall::options::parse_size)]
    pub size: Option<(u32, u32)>,
    /// The points of the night sky: moving (each by itself, for a graphics card), grid (a field of light), or auto: as the
    /// graphics adapter can
    #[arg(long, default_value = "auto")]
    pub points: crate::wall::PointsPath,
    /// A file with [screen]: size, pitch, farthest reader and seams of the wall (docs/scenes.md)
    #[arg(long, value_name = "FILE", env = "LINGPING_CONFIG")]
    pub config: Option<std::path::PathBuf>,
}

#[cfg(feature = "wall")]
impl LookArgs {
    /// Reads the configuration file that is named, and takes its size where no other is asked for.
    ///
    /// # Errors
    /// The file can't be read, or makes no sense.
    pub fn seams(&mut self) -> Result<crate::wall::screen::Seams, crate::wall::WallError> {
        let Some(path) = &self.config else { return Ok(crate::wall::screen::Seams::NONE) };
        let screen = crate::wall::screen::Screen::load(path)?;
        self.size.get_or_insert((screen.width, screen.height));
        Ok(screen.seams)
    }
}

#[cfg(feature = "wall")]
#[derive(Args, Debug)]
struct WallArgs {
    /// The hub's socket
    #[arg(long, default_value = "ws://127.0.0.1:8189/ws")]
    hub: String,
    #[command(flatten)]
    look: LookArgs,
    /// Draw to memory even where there is a display
    #[arg(long)]
    offscreen: bool,
    /// Start in full screen
    #[arg(long)]
    fullscreen: bool,
}

#[cfg(feature = "hub")]
#[derive(Args, Debug)]
struct VerifyArgs {
    /// The data folder; a hub may have it open: what lands meanwhile is not looked at
    #[arg(long)]
    data: std::path::PathBuf,
    /// text or json
    #[arg(long, default_value = "text", value_parser = ["text", "json"])]
    format: String,
}

/// Runs what was asked.
///
/// # Errors
/// What failed, as one sentence with its causes.
#[cfg_attr(not(any(feature = "hub", feature = "wall")), expect(unreachable_code, reason = "such a build runs nothing"))]
pub fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    #[cfg(feature = "hub")]
    let clock = Clock::System;
    match cli.command {
        #[cfg(all(feature = "hub", feature = "wall"))]
        None => crate::demo::run(cli.main_job, clock)?,
        #[cfg(not(all(feature = "hub", feature = "wall")))]
        None => anyhow::bail!("this build has no main job; see lingping --help for what it can do"),
        #[cfg(feature = "hub")]
        Some(Command::Hub(args)) => network()?.block_on(crate::hub::run(args, clock))?,
        #[cfg(feature = "wall")]
        Some(Command::Wall(args)) => {
            crate::wall::run(wall_options(args.hub, args.look, args.offscreen, args.fullscreen)?)?
        }
        #[cfg(feature = "hub")]
        Some(Command::Feed(FeedCommand::Import(args))) => {
            network()?.block_on(crate::feed::import::run(args, clock))?;
        }
        #[cfg(feature = "hub")]
        Some(Command::Feed(FeedCommand::Replay(args))) => {
            network()?.block_on(crate::feed::replay::run(args, clock))?;
        }
        #[cfg(feature = "hub")]
        Some(Command::Feed(FeedCommand::Simulate(args))) => {
            network()?.block_on(crate::feed::simulate::run(args, clock))?;
        }
        #[cfg(feature = "hub")]
        Some(Command::Query(args)) => match network()?.block_on(crate::query::cli::run(args)) {
            Err(error) if error.is_usage() => {
                eprintln!("lingping: {error}");
                return Ok(ExitCode::from(2));
            }
            done => done?,
        },
        #[cfg(all(feature = "hub", feature = "wall"))]
        Some(Command::Snapshot(args)) => crate::demo::snapshot(args)?,
        #[cfg(all(feature = "hub", feature = "wall"))]
        Some(Command::Record(args)) => crate::demo::record(args)?,
        #[cfg(all(feature = "hub", feature = "wall"))]
        Some(Command::Check(args)) => return crate::check::run(args),
        #[cfg(feature = "hub")]
        Some(Command::Verify(args)) => return verify(&args),
        #[cfg(feature = "hub")]
        Some(Command::Bench(bench)) => match bench {
            BenchCommand::Fanout(args) => network()?.block_on(crate::bench::fanout::run(args))?,
            BenchCommand::Crash(args) => network()?.block_on(crate::bench::crash::run(args))?,
            BenchCommand::Ingest(args) => network()?.block_on(crate::bench::ingest::run(args))?,
            BenchCommand::Live(args) => {
                crate::bench::live::run(&args).map_err(anyhow::Error::msg)?;
            }
            #[cfg(feature = "wall")]
            BenchCommand::Latency(args) => crate::bench::latency::run(args)?,
            #[cfg(feature = "wall")]
            BenchCommand::Render(args) => crate::bench::render::run(args)?,
            #[cfg(feature = "wall")]
            BenchCommand::Soak(args) => crate::bench::soak::run(args)?,
            BenchCommand::Table(args) => crate::bench::table::run(&args)?,
            BenchCommand::Scan(args) => crate::bench::scan::run(&args).map_err(anyhow::Error::msg)?,
            BenchCommand::Recover(args) => crate::bench::recover::run(&args).map_err(anyhow::Error::msg)?,
        },
    }
    Ok(ExitCode::SUCCESS)
}

/// The network's runtime; DataFusion has its own.
#[cfg(feature = "hub")]
pub fn network() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).thread_name("network").enable_all().build()
}

/// # Errors
/// The configuration file can't be read, or makes no sense.
#[cfg(feature = "wall")]
pub fn wall_options(
    hub: String,
    mut look: LookArgs,
    offscreen: bool,
    fullscreen: bool,
) -> Result<crate::wall::WallOptions, crate::wall::WallError> {
    let seams = look.seams()?;
    Ok(crate::wall::WallOptions {
        seams,
        mode: look.mode,
        lang: look.lang,
        scene: look.scene,
        size: look.size,
        points: look.points,
        offscreen,
        fullscreen,
        ..crate::wall::WallOptions::new(hub)
    })
}

#[cfg(feature = "hub")]
fn verify(args: &VerifyArgs) -> anyhow::Result<ExitCode> {
    // Hidden by itself where stderr is no terminal.
    let bar = indicatif::ProgressBar::new(0);
    let report = crate::store::verify(&args.data, |done, files| {
        bar.set_length(files as u64);
        bar.set_position(done as u64);
    })?;
    bar.finish_and_clear();
    if args.format == "json" {
        println!("{}", serde_json::to_string(&report)?);
    } else {
        if let Some(city) = &report.city {
            println!("city       {city}");
        }
        for (stream, rows) in &report.rows {
            println!("{stream:<11}{rows:>13}");
        }
        println!(
            "{} segments ({} bytes), {} log files, {} frames; {} bad frames, {} bad files, {} gaps, {} duplicates",
            report.segments,
            report.segment_bytes,
            report.log_files,
            report.frames,
            report.bad_frames,
            report.bad_files,
            report.gaps,
            report.duplicates
        );
        for fault in &report.faults {
            println!("{fault}");
        }
    }
    Ok(if report.ok { ExitCode::SUCCESS } else { ExitCode::from(1) })
}
