//! The hub from outside: every promise of `docs/protocol.md`, over real sockets.

mod bounds;
pub mod client;
mod follow;
mod ingest;
mod page;
mod results;
