//! The disk as the store uses it: files that are written once from front to back, made durable by sync, and put in
//! place by rename.
//!
//! [`FileDisk`] is the machine's; [`MemoryDisk`] is a disk in memory that can fail at any operation and lose what was
//! not synced, which is how the store is proved.

mod file;
mod memory;

use std::any::Any;
use std::io::{self, Read};
use std::path::Path;

pub use file::FileDisk;
pub use memory::{Crash, MemoryDisk};

/// A file being written.
pub trait DiskFile: Send {
    /// Appends.
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()>;
    /// Makes what was written durable.
    fn sync_data(&mut self) -> io::Result<()>;
    /// Sets room aside, so that a later write does not find the disk full. Read back, the room is zeros.
    fn reserve(&mut self, bytes: u64) -> io::Result<()>;
}

/// A source of whole or streamed files.
pub trait Disk: Send + Sync {
    fn create_dir_all(&self, dir: &Path) -> io::Result<()>;
    /// Names in a folder, sorted; none when there is no such folder.
    fn list(&self, dir: &Path) -> io::Result<Vec<String>>;
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;
    fn open(&self, path: &Path) -> io::Result<Box<dyn Read + Send>>;
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.open(path)?.read_to_end(&mut bytes)?;
        Ok(bytes)
    }
    fn exists(&self, path: &Path) -> bool;
    /// Cuts a file and makes that durable.
    fn truncate(&self, path: &Path, bytes: u64) -> io::Result<()>;
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Makes creations, renames and removals in a folder durable.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;
    /// Keeps other processes out until dropped; [`io::ErrorKind::WouldBlock`] when one is in.
    fn lock(&self, path: &Path) -> io::Result<Box<dyn Any + Send + Sync>>;
}

/// Writes a whole file so that after a crash there is the old one or the new one: beside it, synced, then renamed.
pub fn replace(disk: &dyn Disk, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let beside = path.with_added_extension("tmp");
    let mut file = disk.create(&beside)?;
    file.write_all(bytes)?;
    file.sync_data()?;
    drop(file);
    disk.rename(&beside, path)?;
    disk.sync_dir(path.parent().unwrap_or(Path::new(".")))
}
