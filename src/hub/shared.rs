//! What all connections and pages of one hub share.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use axum::extract::ws::Utf8Bytes;
use tokio::sync::{Semaphore, watch};
use tokio::time::Instant;

use super::limits::Limits;
use super::outbox::Sent;
use super::page::Page;
use super::pipeline::Taken;
use super::pollers::Pollers;
use super::questions::Questions;
use super::walls::Walls;
use crate::model::{City, Clock};
use crate::query::Engine;
use crate::store::Store;

pub struct Shared {
    pub store: Store,
    pub engine: Engine,
    pub city: Arc<City>,
    pub clock: Clock,
    pub limits: Limits,
    pub walls: Arc<Walls>,
    pub pollers: Arc<Pollers>,
    pub questions: Questions,
    pub page: Page,
    /// The newest `tick`, encoded once for all.
    pub ticks: watch::Receiver<Utf8Bytes>,
    /// Turns true when the hub stops.
    pub stopping: watch::Receiver<bool>,
    /// Places for WebSockets.
    pub sessions: Arc<Semaphore>,
    pub started: Instant,
    pub sent: Sent,
    pub taken: Arc<Taken>,
    /// Frames received, and messages answered with an `error`.
    pub received: AtomicU64,
    pub refused: AtomicU64,
}

impl Shared {
    /// WebSocket connections.
    pub fn clients(&self) -> usize {
        self.limits.sessions.saturating_sub(self.sessions.available_permits())
    }
}
