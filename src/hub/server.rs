//! The hub itself: starts the store, the engine and the listening socket, and stops them in order.
//!
//! Start: the address first (a second hub fails before it touches any data), then the store with its recovery, then the
//! queries. Stop: no new connections, what was taken in lands and is answered, connections close with 1001, the
//! store flushes. Fails with one sentence saying what to do.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use axum::extract::ws::Utf8Bytes;
use axum::extract::{DefaultBodyLimit, State, WebSocketUpgrade};
use axum::http::StatusCode;
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

use super::guard::{Names, guard};
use super::limits::{BODY_BYTES_MAX, FRAME_BYTES_READ, Limits};
use super::listener::BoundedListener;
use super::page::{self, Page};
use super::pollers::Pollers;
use super::questions::Questions;
use super::shared::Shared;
use super::walls::Walls;
use super::{api, encode, health, picture, prometheus, session};
use crate::model::Clock;
use crate::model::message::HubMessage;
use crate::query::{Engine, QueryError};
use crate::store::{Store, StoreError, StoreOptions};

/// What a hub is started with.
pub struct HubOptions {
    pub store: StoreOptions,
    pub listen: SocketAddr,
    /// The folder of `SCENE/NAME.sql`.
    pub queries: PathBuf,
    /// Names, besides addresses and `localhost`, under which browsers may ask.
    pub names: Vec<String>,
    pub limits: Limits,
}

impl HubOptions {
    pub fn new(store: StoreOptions, listen: SocketAddr, queries: PathBuf) -> HubOptions {
        HubOptions { store, listen, queries, names: Vec::new(), limits: Limits::default() }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum HubError {
    #[error("{0} is already in use, perhaps by another hub; stop that one, or choose another address with --listen")]
    InUse(SocketAddr),
    #[error("the hub can't listen on {address}: {source}; choose another address with --listen")]
    Listen { address: SocketAddr, source: io::Error },
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Query(#[from] QueryError),
    #[error("the hub could not be started: {0}")]
    Start(String),
}

/// A running hub.
pub struct Hub {
    shared: Arc<Shared>,
    address: SocketAddr,
    stop: watch::Sender<bool>,
    server: JoinHandle<()>,
    ticker: JoinHandle<()>,
}

impl Hub {
    /// Starts it; when this returns, it answers.
    ///
    /// # Errors
    /// The address is taken, the data folder is in use or damaged, or threads can't be started.
    pub async fn start(options: HubOptions) -> Result<Hub, HubError> {
        let HubOptions { store, listen, queries, names, limits } = options;
        let listener = TcpListener::bind(listen).await.map_err(|source| match source.kind() {
            io::ErrorKind::AddrInUse => HubError::InUse(listen),
            _ => HubError::Listen { address: listen, source },
        })?;
        let address = listener.local_addr().map_err(|source| HubError::Listen { address: listen, source })?;
        let (city, clock) = (store.city.clone(), store.clock.clone());
        let opened = tokio::task::spawn_blocking({
            let (city, clock) = (city.clone(), clock.clone());
            move || {
                let store = Store::open(store)?;
                let engine = Engine::open(store.clone(), city, clock, queries)?;
                Ok::<_, HubError>((store, engine, Page::load()))
            }
        });
        let (store, engine, page) = opened.await.map_err(|error| HubError::Start(error.to_string()))??;
        let (stop, stopping) = watch::channel(false);
        let (ticks, newest_tick) = watch::channel(Utf8Bytes::default());
        let ticker = tokio::spawn(tick(store.clone(), clock.clone(), ticks, limits.tick));
        let pollers = Pollers::new(store.clone(), engine.clone(), limits.repeat, limits.pollers);
        let questions = Questions::new(engine.clone(), city.clone(), limits.queries);
        let shared = Arc::new(Shared {
            store,
            engine,
            city,
            clock,
            walls: Walls::new(),
            pollers,
            questions,
            page,
            ticks: newest_tick,
            stopping: stopping.clone(),
            sessions: Arc::new(Semaphore::new(limits.sessions)),
            started: Instant::now(),
            sent: Default::default(),
            taken: Default::default(),
            received: Default::default(),
            refused: Default::default(),
            limits,
        });
        let listener = BoundedListener::new(listener, shared.limits.connections);
        let router = router(shared.clone(), Names(Arc::new(names)));
        let server = tokio::spawn(serve(listener, router, stopping));
        Ok(Hub { shared, address, stop, server, ticker })
    }

    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    pub fn store(&self) -> &Store {
        &self.shared.store
    }

    pub fn engine(&self) -> &Engine {
        &self.shared.engine
    }

    /// Stops it: connections end, what was acknowledged is on disk.
    pub async fn stop(self) {
        // Aborted tasks end with an error that says just that.
        self.stop.send_replace(true);
        self.ticker.abort();
        let _ = self.ticker.await;
        let limits = &self.shared.limits;
        // Sessions give their places back when their last batches have landed and were answered.
        let all = self.shared.sessions.acquire_many(limits.sessions as u32);
        if timeout(limits.goodbye * 2, all).await.is_err() {
            tracing::warn!("some connections did not end in time and were cut");
        }
        let mut server = self.server;
        if timeout(limits.goodbye, &mut server).await.is_err() {
            server.abort();
        }
        self.shared.pollers.stop().await;
        self.shared.engine.stop().await;
        // The last one to hold the store stops it, which waits for the disk.
        let shared = self.shared;
        if tokio::task::spawn_blocking(move || drop(shared)).await.is_err() {
            tracing::error!("the store did not close well");
        }
    }
}

async fn serve(listener: BoundedListener, router: Router, mut stopping: watch::Receiver<bool>) {
    let stopped = async move {
        // When the sender is gone, so is the hub.
        let _ = stopping.wait_for(|stopping| *stopping).await;
    };
    if let Err(error) = axum::serve(listener, router).with_graceful_shutdown(stopped).await {
        tracing::error!("the hub no longer takes connections: {error}");
    }
}

fn router(shared: Arc<Shared>, names: Names) -> Router {
    Router::new()
        .route("/", get(page::index))
        .route("/page/{file}", get(page::file))
        .route("/ws", get(upgrade))
        .route("/healthz", get(health::healthz))
        .route("/metrics", get(prometheus::metrics))
        .route("/api/query", get(api::get_query).post(api::post_query))
        .route("/api/metrics", get(api::metrics))
        .route("/api/scenes", get(api::scenes))
        .route("/wall.jpg", get(picture::jpg))
        .route("/wall.mjpeg", get(picture::mjpeg))
        .fallback(|| async { (StatusCode::NOT_FOUND, "there is nothing here; / shows the wall\n") })
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(from_fn_with_state(names, guard))
        .with_state(shared)
}

async fn upgrade(State(shared): State<Arc<Shared>>, upgrade: WebSocketUpgrade) -> Response {
    let Ok(place) = shared.sessions.clone().try_acquire_owned() else {
        let sentence =
            format!("{} clients are connected, no more are taken; try again later\n", shared.limits.sessions);
        return (StatusCode::SERVICE_UNAVAILABLE, sentence).into_response();
    };
    upgrade.max_message_size(FRAME_BYTES_READ).max_frame_size(FRAME_BYTES_READ).read_buffer_size(32 << 10).on_upgrade(
        move |socket| async move {
            session::serve(shared, socket).await;
            drop(place);
        },
    )
}

/// Each second: the clock, how new the rows are, and whether any are taken.
async fn tick(store: Store, clock: Clock, ticks: watch::Sender<Utf8Bytes>, every: std::time::Duration) {
    let mut beat = interval(every);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        beat.tick().await;
        let snapshot = store.snapshot();
        let (status, message) = health::status_words(&store.status());
        ticks.send_replace(encode::json(&HubMessage::Tick {
            now: clock.now_us(),
            data_until: snapshot.data_until,
            recv_until: snapshot.recv_until,
            demo: snapshot.demo,
            replay: snapshot.replay(),
            status: status.to_owned(),
            message,
        }));
    }
}
