//! The log: what is acknowledged is in here, synced, before anything else hears of it.
//!
//! A file `log/NNNNNNNNNN.log` is written by one thread, front to back: 16 bytes of name and number, then commits of
//! [`frame`]s. Room is set aside when the file is made. A failed write or sync poisons the log; nothing is ever
//! retried on the same file. [`read`] reads it back and knows a torn tail from damage.

pub mod frame;
#[cfg(test)]
mod fuzz;
pub mod read;

use std::path::{Path, PathBuf};

use self::frame::Commit;
use super::StoreError;
use super::disk::{Disk, DiskFile};

pub const FILE_MAGIC: &[u8; 8] = b"LINGLOG1";
pub const FILE_HEADER_BYTES: usize = 16;

pub fn folder(dir: &Path) -> PathBuf {
    dir.join("log")
}

pub fn path(dir: &Path, id: u64) -> PathBuf {
    folder(dir).join(format!("{id:010}.log"))
}

/// The number of a log file, from its name.
pub fn id_of(name: &str) -> Option<u64> {
    name.strip_suffix(".log")?.parse().ok()
}

/// The file being written.
pub struct LogFile {
    pub id: u64,
    path: PathBuf,
    file: Box<dyn DiskFile>,
    pub written: u64,
    pub reserved: u64,
    commits: u32,
}

impl LogFile {
    /// Makes a new file, durable under its name.
    pub fn create(disk: &dyn Disk, dir: &Path, id: u64, reserve: u64) -> Result<LogFile, StoreError> {
        let path = path(dir, id);
        let fail = |doing, error: std::io::Error| StoreError::io(doing, &path, &error);
        let mut file = disk.create(&path).map_err(|error| fail("cannot create", error))?;
        file.reserve(reserve).map_err(|error| fail("no room for", error))?;
        let mut header = [0; FILE_HEADER_BYTES];
        header[..8].copy_from_slice(FILE_MAGIC);
        header[8..].copy_from_slice(&id.to_le_bytes());
        file.write_all(&header).map_err(|error| fail("cannot write", error))?;
        file.sync_data().map_err(|error| fail("cannot sync", error))?;
        disk.sync_dir(&folder(dir)).map_err(|error| fail("cannot sync the folder of", error))?;
        let written = FILE_HEADER_BYTES as u64;
        Ok(LogFile { id, path, file, written, reserved: reserve.max(written), commits: 0 })
    }

    /// Writes a commit and waits until the disk has it.
    pub fn append(&mut self, commit: Commit) -> Result<(), StoreError> {
        self.commits += 1;
        let commit = commit.finish(self.commits);
        let fail = |doing, error: std::io::Error| StoreError::io(doing, &self.path, &error);
        self.file.write_all(&commit).map_err(|error| fail("cannot write", error))?;
        self.file.sync_data().map_err(|error| fail("cannot sync", error))?;
        self.written += commit.len() as u64;
        Ok(())
    }

    /// Asks for more room.
    pub fn reserve(&mut self, bytes: u64) -> Result<(), StoreError> {
        self.file.reserve(bytes).map_err(|error| StoreError::io("no room for", &self.path, &error))?;
        self.reserved = bytes;
        Ok(())
    }
}
