//! How questions are answered: SQL by DataFusion over the store's snapshots.
//!
//! [`Engine`] is the room's door. A metric is a file of `queries/` ([`Catalog`]); ad-hoc SQL is one SELECT; both see the
//! six streams, a view a board, the current-state tables and the city's dictionaries ([`session`]), at the hub's clock or
//! as of any past time. It only reads. It fails with a code, a sentence and the place in the SQL ([`failure`]), and one
//! bad file or query never stops another.

pub mod adapter;
pub mod catalog;
pub mod cli;
pub mod client;
mod depth;
pub mod dims;
pub mod engine;
pub mod failure;
pub mod functions;
#[cfg(test)]
mod fuzz;
pub mod header;
pub mod live;
pub mod past;
pub mod print;
pub mod rows;
pub mod session;
pub mod source;
pub mod statement;
pub mod tables;
mod watcher;

#[cfg(test)]
mod proof;

pub use catalog::{Catalog, Metric};
pub use engine::{Answer, Engine, Limits, QueryError, Question};
pub use rows::{TimeFormat, json_rows};
