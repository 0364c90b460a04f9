//! What can go wrong in the store, each said in one sentence: what, where, what to do.

use std::io;
use std::path::{Path, PathBuf};

use super::mark::CityMark;

#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    #[error("{doing} {path}: {message}")]
    Io { doing: &'static str, path: String, message: String, kind: io::ErrorKind },
    #[error("the data folder {0} is in use by another lingping; stop that one, or name another folder with --data")]
    Locked(PathBuf),
    #[error("{file} is damaged at byte {offset}: {message}; `lingping verify --data {dir}` shows more")]
    Corrupt { file: String, offset: u64, message: String, dir: String },
    #[error(
        "the data in {} are of the city {held}, not of {asked}; leave --city out, name another folder with --data, or, to make \
         the folder {}'s, start a hub on it with --force", dir.display(), asked.code
    )]
    OtherCity { dir: PathBuf, held: Box<CityMark>, asked: Box<CityMark> },
    #[error("{0}")]
    City(String),
    #[error("the store takes no rows: {reason}")]
    ReadOnly { reason: String },
    #[error("a batch of {stream} has the wrong columns: {message}")]
    Schema { stream: &'static str, message: String },
    #[error("the store has stopped")]
    Stopped,
    #[error("{0}")]
    Arrow(String),
}

impl StoreError {
    pub(crate) fn io(doing: &'static str, path: &Path, error: &io::Error) -> StoreError {
        StoreError::Io { doing, path: path.display().to_string(), message: error.to_string(), kind: error.kind() }
    }

    /// The code a client is told.
    pub fn code(&self) -> &'static str {
        match self {
            StoreError::ReadOnly { .. } | StoreError::Stopped | StoreError::Io { .. } => "read_only",
            StoreError::Schema { .. } => "wrong_type",
            _ => "store",
        }
    }
}

impl From<arrow::error::ArrowError> for StoreError {
    fn from(error: arrow::error::ArrowError) -> StoreError {
        StoreError::Arrow(error.to_string())
    }
}

impl From<parquet::errors::ParquetError> for StoreError {
    fn from(error: parquet::errors::ParquetError) -> StoreError {
        StoreError::Arrow(error.to_string())
    }
}
