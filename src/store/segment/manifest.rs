//! The manifest: which segments there are, and from which log file on the log still counts.
//!
//! One JSON file, replaced as a whole ([`crate::store::disk::replace`]). What it does not name does not exist: files
//! left over by a crash are removed at start.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::SegmentInfo;
use crate::store::StoreError;
use crate::store::disk::{Disk, replace};
use crate::store::mark::CityMark;

pub const VERSION: u32 = 1;
pub const FILE: &str = "manifest.json";

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    pub version: u32,
    /// Log files before this one are in the segments.
    pub log_from: u64,
    pub next_segment: u64,
    /// The `seq` of the first row after the segments.
    pub next_seq: i64,
    pub segments: Vec<SegmentInfo>,
    /// What was held, by log file: under the data folder, oldest first.
    #[serde(default)]
    pub held: Vec<HeldInfo>,
    /// Rows that left by retention.
    #[serde(default)]
    pub dropped: u64,
    /// The newest checkpoint, under the data folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoint: Option<CheckpointInfo>,
    /// Whose data these are; none in older manifests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub city: Option<CityMark>,
    /// CRC-32C of all of the above, see [`Manifest::sum`]; none in older manifests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crc: Option<u32>,
}

/// A file of held rows, the frames of the log as they were.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldInfo {
    pub file: String,
    pub rows: u64,
    pub crc: u32,
    pub logs: (u64, u64),
}

/// A file of what landing remembers after the log files before `log_from`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckpointInfo {
    pub file: String,
    pub log_from: u64,
    pub crc: u32,
}

impl Default for Manifest {
    fn default() -> Self {
        Manifest {
            version: VERSION,
            log_from: 1,
            next_segment: 1,
            next_seq: 1,
            segments: Vec::new(),
            held: Vec::new(),
            dropped: 0,
            checkpoint: None,
            city: None,
            crc: None,
        }
    }
}

impl Manifest {
    /// The manifest of a data folder; a new one when there is none.
    pub fn load(disk: &dyn Disk, dir: &Path) -> Result<Manifest, StoreError> {
        let path = dir.join(FILE);
        if !disk.exists(&path) {
            return Ok(Manifest::default());
        }
        let bytes = disk.read(&path).map_err(|error| StoreError::io("cannot read", &path, &error))?;
        let corrupt = |message: String| StoreError::Corrupt {
            file: path.display().to_string(),
            offset: 0,
            message,
            dir: dir.display().to_string(),
        };
        let manifest: Manifest = serde_json::from_slice(&bytes).map_err(|error| corrupt(error.to_string()))?;
        if manifest.version != VERSION {
            return Err(corrupt(format!("it has version {}, this program reads {VERSION}", manifest.version)));
        }
        if manifest.crc.is_some() && manifest.crc != Some(manifest.sum()?) {
            return Err(corrupt("its sum is wrong".to_owned()));
        }
        Ok(manifest)
    }

    /// The sum of what it says, however that is laid out.
    fn sum(&self) -> Result<u32, StoreError> {
        let said = serde_json::to_vec(&Manifest { crc: None, ..self.clone() });
        said.map(|bytes| crc32c::crc32c(&bytes)).map_err(|error| StoreError::Arrow(error.to_string()))
    }

    pub fn save(&self, disk: &dyn Disk, dir: &Path) -> Result<(), StoreError> {
        let path = dir.join(FILE);
        let summed = Manifest { crc: Some(self.sum()?), ..self.clone() };
        let bytes = serde_json::to_vec_pretty(&summed).map_err(|error| StoreError::Arrow(error.to_string()))?;
        replace(disk, &path, &bytes).map_err(|error| StoreError::io("cannot write", &path, &error))
    }
}
