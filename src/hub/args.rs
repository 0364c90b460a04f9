//! `lingping hub`: the server alone.

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use super::server::{Hub, HubError, HubOptions};
use crate::model::{Clock, assets};
use crate::store::{CityRule, StoreError, StoreOptions, city_for};

/// Where a hub listens unless told otherwise: on this machine only.
pub const LISTEN: &str = "127.0.0.1:8189";

/// Reads where to listen: an address of this machine and a port; `localhost` is 127.0.0.1.
///
/// # Errors
/// It is no such pair.
pub fn listen_address(text: &str) -> Result<SocketAddr, String> {
    let numeric = text.strip_prefix("localhost:").map_or(text.to_owned(), |port| format!("127.0.0.1:{port}"));
    numeric.parse().map_err(|_| format!("an address and a port are wanted, such as {LISTEN} or 0.0.0.0:8189"))
}

#[derive(Clone, Debug, clap::Args)]
pub struct HubArgs {
    /// The folder that holds the data; made when missing.
    #[arg(long, value_name = "DIR", default_value = "./data/hub")]
    pub data: PathBuf,
    /// The address to listen on.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = LISTEN, value_parser = listen_address)]
    pub listen: SocketAddr,
    /// The city: a name under assets/city/, or the path of a TOML file [default: the data folder's, else LINGPING_CITY,
    /// else ningbo].
    #[arg(long, value_name = "NAME")]
    pub city: Option<String>,
    /// Opens a folder of another city, which becomes this one's.
    #[arg(long, requires = "city")]
    pub force: bool,
    /// The folder of queries [default: the one that ships].
    #[arg(long, value_name = "DIR")]
    pub queries: Option<PathBuf>,
    /// Rows older than this many days leave the folder, a month's segment at a time [default: all are kept].
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..))]
    pub keep_days: Option<u32>,
    /// A name of this machine under which browsers may open the page; may be given several times.
    #[arg(long = "name", value_name = "HOST")]
    pub names: Vec<String>,
}

#[derive(Debug, thiserror::Error)]
pub enum RunError {
    #[error(transparent)]
    City(#[from] StoreError),
    #[error(transparent)]
    Hub(#[from] HubError),
    #[error("--queries {} is no folder; name one that holds .sql files", .0.display())]
    Queries(PathBuf),
    #[error("signals can't be listened for: {0}")]
    Signals(std::io::Error),
}

/// Runs a hub until ctrl-c or SIGTERM.
///
/// # Errors
/// The city file does not read, or the hub can't start; each in one sentence.
pub async fn run(args: HubArgs, clock: Clock) -> Result<(), RunError> {
    let city = Arc::new(city_for(args.city.as_deref(), Some(&args.data))?);
    let title = city.title_zh.clone();
    let mut store = StoreOptions::new(city, clock);
    store.dir = Some(args.data.clone());
    if let Some(folder) = args.queries.as_ref().filter(|folder| !folder.is_dir()) {
        return Err(RunError::Queries(folder.clone()));
    }
    store.keep_days = args.keep_days;
    store.city_rule = if args.force { CityRule::Take } else { CityRule::Keep };
    let queries = args.queries.unwrap_or_else(|| assets::home().join("queries"));
    let mut options = HubOptions::new(store, args.listen, queries);
    options.names = args.names;
    // Before the hub says that it is up, so that a signal right after is not missed.
    let stop = StopSignal::new().map_err(RunError::Signals)?;
    let hub = Hub::start(options).await?;
    let address = hub.local_addr();
    if !address.ip().is_loopback() {
        tracing::warn!(
            "{address} can be reached by others, and whoever reaches it may read and send; there are no roles yet"
        );
    }
    // A closed stdout is no reason to stop.
    let _ =
        writeln!(std::io::stdout(), "{title}: http://{address}/  (ws://{address}/ws, data in {})", args.data.display());
    stop.wait().await;
    tracing::info!("stopping: what was acknowledged is on disk");
    hub.stop().await;
    Ok(())
}

/// Ctrl-c or SIGTERM.
pub struct StopSignal {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

impl StopSignal {
    /// # Errors
    /// The handlers can't be set.
    pub fn new() -> std::io::Result<StopSignal> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(StopSignal { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    pub async fn wait(mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
