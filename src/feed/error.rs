//! What can go wrong on the way into a hub, each as one sentence.

use crate::model::message::no_hub;

/// Why a feed stopped. Rows that were not taken are no error: they are counted in [`super::Totals`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FeedError {
    #[error(
        "no hub answers at {url}: {message}; start one with `lingping hub`, or give its address with --to ws://HOST:8189/ws"
    )]
    Connect { url: String, message: String },
    #[error("{}", no_hub(url, message))]
    Address { url: String, message: String },
    #[error(
        "the hub at {url} was lost ({message}) and did not come back within {seconds} s; nothing acked is lost: run the same command again, what has landed is not counted twice"
    )]
    Lost { url: String, message: String, seconds: u64 },
    #[error("the hub at {url} takes no rows: {message} ({code})")]
    Refused { url: String, code: String, message: String },
    #[error(
        "the hub at {url} speaks version {theirs} of the protocol, this program version {ours}; use the same release on both sides"
    )]
    Version { url: String, theirs: u32, ours: u32 },
    #[error("a row of {bytes} bytes is more than one frame takes ({limit} bytes)")]
    TooLarge { bytes: usize, limit: usize },
    #[error("rows cannot be encoded: {0}")]
    Encode(String),
    #[error("{path}: {message}")]
    File { path: String, message: String },
    #[error("{path}:{line}: {message}")]
    Map { path: String, line: usize, message: String },
    #[error(
        "{path}, row {row} (line {line}), column {column:?}: this looks like {what}, and the map takes that column as it is; \
         nothing was sent; list the column under `drop`, or give it `key = true`, or, when it holds no such thing, list it under `not_personal`"
    )]
    Personal { path: String, row: u64, line: u64, column: String, what: &'static str },
    #[error("the key for personal columns: {0}")]
    Key(String),
    #[error("{0}")]
    Usage(String),
    #[error("the feed of {url} was closed before this call")]
    Closed { url: String },
}
