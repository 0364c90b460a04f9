//! The hub: how it all travels. HTTP and WebSocket server, sessions, fan-out, the page.
//!
//! It takes batches in and acknowledges them when they are on disk, works out each metric once for all who look, passes
//! the wall's picture on, and answers questions. It keeps nothing itself: rows are the store's, answers the engine's. It
//! runs on the caller's tokio runtime, the engine on its own, so that a heavy query never delays a ping. `docs/protocol.md`
//! is the contract with clients; [`limits`] holds every bound.
//!
//! How it fails: a client's mistake is answered with an `error` on its own connection; a store that can't write makes
//! batches be refused (`read_only`) while questions and the wall go on.

mod answers;
mod api;
mod args;
mod codes;
mod decode;
mod deliver;
mod encode;
mod follow;
#[cfg(test)]
mod fuzz;
mod guard;
mod health;
pub mod ipc;
pub mod limits;
mod listener;
mod outbox;
mod page;
mod past;
mod picture;
mod pipeline;
mod pollers;
mod prometheus;
mod questions;
mod rows;
mod server;
mod session;
mod shared;
mod walls;

pub use args::{HubArgs, LISTEN, listen_address, run};
pub use limits::Limits;
pub use server::{Hub, HubError, HubOptions};
