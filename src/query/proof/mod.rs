//! Proofs over the whole room: every file in `queries/` and generated SQL on real stores.

mod compare;
mod files;
mod generated;
mod history;
mod lab;
mod maker;
mod metamorphic;
mod oracle;
mod tables;

pub use self::compare::{Params, live_and_scan};
pub use self::lab::{DAY, HOUR, Lab, NOON, city, queries_of, runtime};
