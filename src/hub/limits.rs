//! Every bound of the hub in one place: sizes, counts and spans. `docs/protocol.md` tells clients the same figures.

use std::time::Duration;

use crate::model::message::FRAME_BYTES_MAX;
use crate::query::live::VIEWS_MAX;

/// A frame between [`FRAME_BYTES_MAX`] and this is read, answered with `too_large` and forgotten; above it the
/// connection is closed, since reading on would mean to hold it.
pub const FRAME_BYTES_READ: usize = 2 * FRAME_BYTES_MAX;
/// Rows of one `ingest`.
pub const BATCH_ROWS_MAX: usize = 200_000;
/// Wrong rows told in one `ack`.
pub const ERRORS_TOLD_MAX: usize = 1_000;
/// A picture of the wall.
pub const JPEG_BYTES_MAX: usize = 4 << 20;
/// Pictures a second that can be asked for.
pub const FPS_MAX: u32 = 30;
/// A follower further behind starts anew.
pub const FOLLOW_ROWS_MAX: usize = 100_000;
/// Rows of the past that a `follow` may start with: more than a city's busiest day has.
pub const TAIL_ROWS_MAX: usize = 2_000_000;
/// Rows of one `events` message.
pub const EVENTS_ROWS: usize = 10_000;
/// SQL text, bytes.
pub const SQL_BYTES_MAX: usize = 64 << 10;
/// Body of an HTTP request, bytes.
pub const BODY_BYTES_MAX: usize = 128 << 10;
/// Parameters of a metric or query, and the length of each.
pub const PARAMS_MAX: usize = 16;
pub const PARAM_BYTES_MAX: usize = 256;

/// The bounds that a test or an operator may want otherwise.
#[derive(Clone, Debug)]
pub struct Limits {
    /// TCP connections at once, WebSockets among them.
    pub connections: usize,
    /// WebSocket connections at once.
    pub sessions: usize,
    /// Metrics a connection subscribes to.
    pub subscriptions: usize,
    /// Different (metric, parameters) worked out at once for all.
    pub pollers: usize,
    /// Queries under way, a connection and in all.
    pub queries_each: usize,
    pub queries: usize,
    /// Batches of a connection that wait for the disk, and their bytes.
    pub batches_in_flight: usize,
    pub bytes_in_flight: usize,
    pub ping_every: Duration,
    /// A client from which nothing came for so long is gone.
    pub silence: Duration,
    /// A client that took nothing for so long is gone.
    pub stuck: Duration,
    /// A result that stays the same is sent again after this.
    pub repeat: Duration,
    pub tick: Duration,
    /// How long `/wall.jpg` waits for a wall's picture.
    pub picture_wait: Duration,
    /// How long [`Hub::stop`](super::Hub::stop) waits for connections to end.
    pub goodbye: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            connections: 512,
            sessions: 256,
            subscriptions: 256,
            pollers: VIEWS_MAX - VIEWS_MAX / 4,
            queries_each: 4,
            queries: 16,
            batches_in_flight: 8,
            bytes_in_flight: 32 << 20,
            ping_every: Duration::from_secs(15),
            silence: Duration::from_secs(60),
            stuck: Duration::from_secs(30),
            repeat: Duration::from_secs(10),
            tick: Duration::from_secs(1),
            picture_wait: Duration::from_secs(5),
            goodbye: Duration::from_secs(5),
        }
    }
}
