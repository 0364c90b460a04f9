//! How the store is, for `/healthz`, `/metrics` and the wall.

use std::collections::BTreeMap;

use serde::Serialize;

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Status {
    /// Why no rows are taken; `None`: all is well.
    pub read_only: Option<String>,
    /// Landed rows by stream.
    pub rows: BTreeMap<&'static str, u64>,
    /// Rows seen before, since the start.
    pub duplicates: u64,
    pub quarantined: u64,
    pub waiting: u64,
    pub open_tickets: u64,
    /// Open ones and those finished lately.
    pub tickets_in_memory: u64,
    /// Of the log file now written.
    pub log_bytes: u64,
    /// Written to the log since the start, and in how many commits.
    pub logged_bytes: u64,
    pub commits: u64,
    pub segments: u64,
    pub segment_bytes: u64,
    /// Sealed rows in memory.
    pub cache_bytes: u64,
    pub next_seq: i64,
}

impl Status {
    pub fn is_ok(&self) -> bool {
        self.read_only.is_none()
    }

    /// `ok` or `read_only`, as in the protocol's `tick`.
    pub fn word(&self) -> &'static str {
        if self.is_ok() { "ok" } else { "read_only" }
    }
}
