//! Where events come from: a city's own files (`import`, `replay`), the simulated city (`simulate`), and the client
//! that brings them to a hub over its WebSocket.
//!
//! Nothing here sees the store or the query engine: a feed knows the hub by its protocol only, also when both run in
//! one process. Every failure is a [`FeedError`], one sentence that says what, where and what to do.

pub mod client;
mod error;
#[cfg(test)]
mod fake_hub;
pub mod import;
mod link;
mod progress;
pub mod replay;
pub mod simulate;

pub use client::{FeedClient, FeedOptions, Totals};
pub use error::FeedError;
