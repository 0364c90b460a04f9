//! The main job, and pictures without a hub of one's own: an embedded hub, a simulated city, the wall.
//!
//! The wall talks to the embedded hub over loopback, the same path as on two machines.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use clap::Args;
use tokio::runtime::Runtime;
use tokio::sync::watch;

use crate::cli::{LookArgs, network, wall_options};
use crate::feed::simulate;
use crate::hub::{Hub, HubOptions, LISTEN, listen_address};
use crate::model::{City, Clock, assets, time};
use crate::query::client::hub_city;
use crate::store::{CityRule, StoreOptions, city_for};
use crate::wall::{self, GalleryOptions, RecordOptions, SnapshotOptions, WallError};

/// The simulated city's seed where none is given: the number of the line.
const SEED: u64 = 81890;
/// The instant of a picture of the simulated city where none is given, in the city's zone.
const PICTURE_TIME: &str = "2026-11-23 14:32:07";

#[derive(Args, Debug)]
pub struct MainJobArgs {
    /// Where the demo keeps its data
    #[arg(long, default_value = "data/demo")]
    data: PathBuf,
    /// Where the hub listens
    #[arg(long, default_value = LISTEN, value_parser = listen_address)]
    listen: SocketAddr,
    /// City file, by name (assets/city/NAME.toml) or path [default: the data folder's, else LINGPING_CITY, else ningbo]
    #[arg(long, value_name = "NAME")]
    city: Option<String>,
    #[command(flatten)]
    look: LookArgs,
    /// Draw to memory even where there is a display; watch it on the hub's page
    #[arg(long)]
    offscreen: bool,
    /// Seed of the simulated city
    #[arg(long, default_value_t = SEED)]
    seed: u64,
}

/// Where the figures of a picture come from.
#[derive(Args, Debug, Clone)]
pub struct SourceArgs {
    /// Ask this hub (ws://HOST:8189/ws)
    #[arg(long, conflicts_with = "data")]
    pub hub: Option<String>,
    /// Ask this data folder; with neither: the simulated city at a fixed time
    #[arg(long)]
    pub data: Option<PathBuf>,
    /// City file of the simulation or the data folder [default: the folder's, else LINGPING_CITY, else ningbo]
    #[arg(long, value_name = "NAME")]
    pub city: Option<String>,
    /// As of then: RFC 3339, or a local time of the city (2012-01-01, "2026-11-23 14:32")
    #[arg(long)]
    pub at: Option<String>,
    /// Seed of the simulated city
    #[arg(long, default_value_t = SEED)]
    pub seed: u64,
}

impl SourceArgs {
    /// The city whose clock `--at` means: the one named, else the hub's or the folder's.
    fn city(&self) -> anyhow::Result<City> {
        match (&self.hub, &self.city, &self.at) {
            (Some(hub), None, Some(_)) => Ok(network()?.block_on(hub_city(hub))?),
            _ => Ok(city_for(self.city.as_deref(), self.data.as_deref())?),
        }
    }
}

#[derive(Args, Debug)]
pub struct SnapshotArgs {
    #[command(flatten)]
    look: LookArgs,
    /// The PNG to write; with --all the folder
    #[arg(long)]
    out: PathBuf,
    /// Every scene in every mode and two shapes, and a contact sheet of them
    #[arg(long)]
    all: bool,
    /// Every panel turned over: how its numbers are made
    #[arg(long)]
    explain: bool,
    /// With --all: these shapes
    #[arg(long, value_delimiter = ',', requires = "all", value_parser = wall::options::parse_size,
        default_values = ["1920x1080", "3840x1080"])]
    sizes: Vec<(u32, u32)>,
    /// With --all: these scenes alone
    #[arg(long, value_delimiter = ',', requires = "all")]
    scenes: Vec<String>,
    #[command(flatten)]
    source: SourceArgs,
}

#[derive(Args, Debug)]
pub struct RecordArgs {
    #[command(flatten)]
    look: LookArgs,
    /// How long
    #[arg(long, default_value_t = 10.0)]
    seconds: f64,
    /// Pictures a second
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=120))]
    fps: u32,
    /// A folder for PNG files, or a film NAME.mp4 (made by ffmpeg)
    #[arg(long)]
    out: PathBuf,
    #[command(flatten)]
    source: SourceArgs,
}

/// An embedded hub on a runtime of its own.
struct Embedded {
    runtime: Runtime,
    hub: Hub,
}

impl Embedded {
    fn start(
        city: Arc<City>,
        data: Option<PathBuf>,
        rule: CityRule,
        clock: Clock,
        listen: SocketAddr,
    ) -> anyhow::Result<Embedded> {
        let runtime = network()?;
        let mut store = StoreOptions::new(city, clock);
        store.dir = data;
        store.city_rule = rule;
        let options = HubOptions::new(store, listen, assets::home().join("queries"));
        let hub = runtime.block_on(Hub::start(options))?;
        Ok(Embedded { runtime, hub })
    }

    fn url(&self) -> String {
        format!("ws://{}/ws", self.hub.local_addr())
    }

    fn stop(self) {
        self.runtime.block_on(self.hub.stop());
    }
}

/// Hub, simulated city and wall in one process, until the wall is closed.
///
/// # Errors
/// The port is taken, the data folder is in use, no picture can be drawn.
pub fn run(args: MainJobArgs, clock: Clock) -> anyhow::Result<()> {
    let mut look = args.look;
    // A wrong configuration is told before anything starts.
    look.seams()?;
    let city = Arc::new(city_for(args.city.as_deref(), Some(&args.data))?);
    let embedded = Embedded::start(city.clone(), Some(args.data), CityRule::Keep, clock.clone(), args.listen)?;
    let url = embedded.url();
    println!(
        "灵屏 Lingping: the wall is at http://{}/ (simulated data, 演示数据); Ctrl-C ends it",
        embedded.hub.local_addr()
    );

    let (stop, stopped) = watch::channel(false);
    let feed = embedded.runtime.spawn({
        let url = url.clone();
        async move {
            if let Err(error) = simulate::demo(&url, city, clock, args.seed, stopped).await {
                tracing::error!("the simulated city stopped: {error}");
            }
        }
    });
    let shown = wall_options(url, look, args.offscreen, false).and_then(wall::run);
    // The feed ends by itself; when the hub is gone there is nobody to tell.
    stop.send_replace(true);
    let _ = embedded.runtime.block_on(feed);
    embedded.stop();
    Ok(shown?)
}

/// One picture, or all of them, of a hub, of a data folder, or of the simulated city at a fixed time.
///
/// # Errors
/// What is asked can't be read, no picture can be drawn, the file can't be written.
pub fn snapshot(args: SnapshotArgs) -> anyhow::Result<()> {
    let SnapshotArgs { mut look, out, all, explain, sizes, scenes, source } = args;
    let seams = look.seams()?;
    if all {
        let sizes = look.size.map_or(sizes, |size| vec![size]);
        let drawn = with_hub(&source, |hub, at| {
            wall::snapshot_all(&GalleryOptions {
                hub,
                scenes,
                sizes,
                seams,
                points: look.points,
                lang: look.lang,
                at,
                explain,
                out: out.clone(),
                wait_s: 120,
            })
        })?;
        println!("{drawn} pictures in {}; contact.png shows them all", out.display());
        return Ok(());
    }
    with_hub(&source, |hub, at| {
        wall::snapshot(SnapshotOptions {
            scene: look.scene,
            size: look.size.unwrap_or((1920, 1080)),
            seams,
            points: look.points,
            mode: look.mode,
            lang: look.lang,
            at,
            explain,
            ..SnapshotOptions::new(hub, out)
        })
    })
}

/// A scene as it goes on.
///
/// # Errors
/// What is asked can't be read, no picture can be drawn, a file can't be written.
pub fn record(args: RecordArgs) -> anyhow::Result<()> {
    let RecordArgs { mut look, seconds, fps, out, mut source } = args;
    let seams = look.seams()?;
    anyhow::ensure!(seconds.is_finite() && (0.0..=3600.0).contains(&seconds), "--seconds must be 0 to 3600");
    let city = source.city()?;
    let begin = source.at.clone().unwrap_or_else(|| PICTURE_TIME.to_owned());
    let at = time::parse_local_time_us(&begin, city.tz)
        .with_context(|| format!("--at {begin:?} is no time; write RFC 3339 or a local time of the city"))?;
    // The simulated city must have lived through what is recorded.
    let end_us = at + (seconds.ceil() as i64 + 1) * time::SECOND_US;
    source.at = Some(time::format_time(end_us, city.tz));
    let pictures = with_hub(&source, |hub, _| {
        wall::record(&RecordOptions {
            hub,
            scene: look.scene,
            size: look.size.unwrap_or((1920, 1080)),
            seams,
            points: look.points,
            mode: look.mode,
            lang: look.lang,
            at,
            seconds,
            fps,
            out: out.clone(),
            wait_s: 60,
        })
    })?;
    println!("{pictures} pictures in {}", out.display());
    Ok(())
}

/// Hands the socket of the hub that is meant to a drawer, with the time that was asked for: a hub that runs, one over a
/// data folder, or one in memory filled with the simulated city up to a fixed time.
///
/// # Errors
/// What is asked can't be read, or what the drawer says.
pub fn with_hub<T>(
    source: &SourceArgs,
    draw: impl FnOnce(String, Option<i64>) -> Result<T, WallError>,
) -> anyhow::Result<T> {
    let city = Arc::new(source.city()?);
    let at = match source.at.as_deref() {
        Some(text) => Some(time::parse_local_time_us(text, city.tz).with_context(|| {
            format!("--at {text:?} is no time; write RFC 3339 or a local time of the city such as \"2026-11-23 14:32\"")
        })?),
        None => None,
    };
    if let Some(hub) = &source.hub {
        return Ok(draw(hub.clone(), at)?);
    }
    let any_port = SocketAddr::from(([127, 0, 0, 1], 0));
    if let Some(data) = &source.data {
        if let Some(at) = at {
            time::not_ahead(at, Clock::System.now_us(), city.tz).map_err(anyhow::Error::msg)?;
        }
        anyhow::ensure!(data.is_dir(), "data folder {} does not exist; name the folder a hub wrote", data.display());
        let embedded = Embedded::start(city, Some(data.clone()), CityRule::Look, Clock::System, any_port)?;
        let drawn = draw(embedded.url(), at);
        embedded.stop();
        return Ok(drawn?);
    }
    let at =
        at.or_else(|| time::parse_local_time_us(PICTURE_TIME, city.tz)).context("the fixed time of the picture")?;
    let clock = Clock::manual(at);
    let embedded = Embedded::start(city.clone(), None, CityRule::Keep, clock.clone(), any_port)?;
    let url = embedded.url();
    embedded.runtime.block_on(simulate::backfill(&url, city, clock, source.seed))?;
    let drawn = draw(url, Some(at));
    embedded.stop();
    Ok(drawn?)
}
