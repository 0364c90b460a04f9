//! A disk in memory, reliable or not.
//!
//! It keeps apart what is written and what is synced, and which names of a folder are durable. [`MemoryDisk::after`]
//! gives the disk as a crash would leave it. [`MemoryDisk::fail_after`] stops it after so many operations (create,
//! write, sync, rename, remove, folder sync), as a crash does for the program.

use std::any::Any;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Cursor, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;

use super::{Disk, DiskFile};

/// What a crash leaves of what was not synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crash {
    /// The process ended: the machine keeps all that was written.
    Killed,
    /// Power went: nothing that was not synced is left.
    PowerLost,
    /// Power went in the middle of a write: half of what was not synced is left, and names not synced too.
    Torn,
    /// Power went; the file is as long as was written, but the last part of it is zeros.
    Zeroed,
}

#[derive(Clone, Debug, Default)]
struct Node {
    data: Vec<u8>,
    synced: usize,
    reserved: usize,
}

#[derive(Clone, Debug, Default)]
struct State {
    nodes: Vec<Node>,
    names: BTreeMap<PathBuf, usize>,
    durable: BTreeMap<PathBuf, usize>,
    dirs: BTreeSet<PathBuf>,
    locked: BTreeSet<PathBuf>,
    operations: u64,
    fail_after: Option<u64>,
    /// The sync of this number fails, once.
    fail_sync: Option<u64>,
    /// The operation of this number fails, once.
    fail_once: Option<u64>,
    syncs: u64,
    capacity: Option<usize>,
}

#[derive(Clone, Debug, Default)]
pub struct MemoryDisk {
    state: Arc<Mutex<State>>,
}

impl MemoryDisk {
    pub fn new() -> MemoryDisk {
        MemoryDisk::default()
    }

    /// Operations so far.
    pub fn operations(&self) -> u64 {
        self.state.lock().operations
    }

    /// Every operation after this many fails.
    pub fn fail_after(&self, operations: u64) {
        self.state.lock().fail_after = Some(operations);
    }

    /// The operation of this number fails, and those after it don't.
    pub fn fail_once(&self, number: u64) {
        self.state.lock().fail_once = Some(number);
    }

    /// The `n`-th file sync from now, from 0, fails.
    pub fn fail_sync(&self, n: u64) {
        let mut state = self.state.lock();
        state.fail_sync = Some(state.syncs + n);
    }

    /// Room for this many bytes in all, or no limit.
    pub fn set_capacity(&self, bytes: Option<usize>) {
        self.state.lock().capacity = bytes;
    }

    /// The disk as it is found after a crash now.
    pub fn after(&self, crash: Crash) -> MemoryDisk {
        let state = self.state.lock();
        let mut found = State { dirs: state.dirs.clone(), ..State::default() };
        let names = match crash {
            Crash::Killed | Crash::Torn => &state.names,
            Crash::PowerLost | Crash::Zeroed => &state.durable,
        };
        for (path, node) in names {
            let node = &state.nodes[*node];
            let unsynced = node.data.len() - node.synced;
            let mut data = node.data.clone();
            match crash {
                Crash::Killed => {}
                Crash::PowerLost => data.truncate(node.synced),
                Crash::Torn => data.truncate(node.synced + unsynced / 2),
                Crash::Zeroed => data[node.synced + unsynced / 3..].fill(0),
            }
            let id = found.nodes.len();
            found.nodes.push(Node { synced: data.len(), data, reserved: node.reserved });
            found.names.insert(path.clone(), id);
            found.durable.insert(path.clone(), id);
        }
        MemoryDisk { state: Arc::new(Mutex::new(found)) }
    }

    /// Changes one byte of a file, as a bad disk does.
    pub fn flip(&self, path: &Path, offset: usize) -> bool {
        let mut state = self.state.lock();
        let Some(id) = state.names.get(path).copied() else { return false };
        match state.nodes[id].data.get_mut(offset) {
            Some(byte) => {
                *byte ^= 0x40;
                true
            }
            None => false,
        }
    }

    /// Bytes that are taken, with those that files asked for.
    pub fn used(&self) -> usize {
        self.state.lock().used()
    }

    pub fn files(&self) -> Vec<(PathBuf, usize)> {
        let state = self.state.lock();
        state.names.iter().map(|(path, id)| (path.clone(), state.nodes[*id].data.len())).collect()
    }
}

impl State {
    fn operate(&mut self) -> io::Result<()> {
        if self.fail_after.is_some_and(|limit| self.operations >= limit) {
            return Err(io::Error::other("the disk has crashed"));
        }
        let number = self.operations;
        self.operations += 1;
        if self.fail_once == Some(number) {
            return Err(io::Error::other("the disk did not do it"));
        }
        Ok(())
    }

    fn node(&self, path: &Path) -> io::Result<usize> {
        self.names.get(path).copied().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn room(&self, more: usize) -> io::Result<()> {
        if self.capacity.is_some_and(|capacity| self.used() + more > capacity) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        Ok(())
    }

    fn used(&self) -> usize {
        self.names.values().map(|id| self.nodes[*id].data.len().max(self.nodes[*id].reserved)).sum()
    }
}

struct Writing {
    state: Arc<Mutex<State>>,
    id: usize,
}

impl DiskFile for Writing {
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.state.lock();
        state.operate()?;
        let node = &state.nodes[self.id];
        let more = (node.data.len() + bytes.len()).saturating_sub(node.data.len().max(node.reserved));
        state.room(more)?;
        state.nodes[self.id].data.extend_from_slice(bytes);
        Ok(())
    }

    fn sync_data(&mut self) -> io::Result<()> {
        let mut state = self.state.lock();
        state.operate()?;
        let number = state.syncs;
        state.syncs += 1;
        if state.fail_sync == Some(number) {
            return Err(io::Error::other("the disk did not take it"));
        }
        let node = &mut state.nodes[self.id];
        node.synced = node.data.len();
        Ok(())
    }

    fn reserve(&mut self, bytes: u64) -> io::Result<()> {
        let mut state = self.state.lock();
        state.operate()?;
        let node = &state.nodes[self.id];
        let more = (bytes as usize).saturating_sub(node.data.len().max(node.reserved));
        state.room(more)?;
        let node = &mut state.nodes[self.id];
        node.reserved = node.reserved.max(bytes as usize);
        Ok(())
    }
}

struct Locked {
    state: Arc<Mutex<State>>,
    path: PathBuf,
}

impl Drop for Locked {
    fn drop(&mut self) {
        self.state.lock().locked.remove(&self.path);
    }
}

impl Disk for MemoryDisk {
    fn create_dir_all(&self, dir: &Path) -> io::Result<()> {
        let mut state = self.state.lock();
        state.dirs.insert(dir.to_path_buf());
        Ok(())
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        let state = self.state.lock();
        let mut names: BTreeSet<String> = BTreeSet::new();
        for path in state.names.keys().chain(&state.dirs) {
            let Ok(below) = path.strip_prefix(dir) else { continue };
            if let Some(first) = below.components().next() {
                names.insert(first.as_os_str().to_string_lossy().into_owned());
            }
        }
        Ok(names.into_iter().collect())
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let mut state = self.state.lock();
        state.operate()?;
        let id = state.nodes.len();
        state.nodes.push(Node::default());
        state.names.insert(path.to_path_buf(), id);
        Ok(Box::new(Writing { state: self.state.clone(), id }))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn Read + Send>> {
        let state = self.state.lock();
        let node = &state.nodes[state.node(path)?];
        let mut bytes = node.data.clone();
        bytes.resize(bytes.len().max(node.reserved), 0);
        Ok(Box::new(Cursor::new(bytes)))
    }

    fn exists(&self, path: &Path) -> bool {
        self.state.lock().names.contains_key(path)
    }

    fn truncate(&self, path: &Path, bytes: u64) -> io::Result<()> {
        let mut state = self.state.lock();
        state.operate()?;
        let id = state.node(path)?;
        let node = &mut state.nodes[id];
        node.data.truncate(bytes as usize);
        node.reserved = 0;
        node.synced = node.data.len();
        Ok(())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.state.lock();
        state.operate()?;
        let id = state.node(from)?;
        state.names.remove(from);
        state.names.insert(to.to_path_buf(), id);
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state.lock();
        state.operate()?;
        let id = state.node(path)?;
        state.names.remove(path);
        // A removed file's bytes are of no further use unless a crash brings its name back.
        if !state.durable.values().any(|kept| *kept == id) {
            state.nodes[id] = Node::default();
        }
        Ok(())
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        let mut state = self.state.lock();
        state.operate()?;
        let inside = |path: &Path| path.parent() == Some(dir);
        let gone: Vec<(PathBuf, usize)> = state
            .durable
            .iter()
            .filter(|(path, id)| inside(path) && state.names.get(*path) != Some(id))
            .map(|(path, id)| (path.clone(), *id))
            .collect();
        for (path, id) in gone {
            state.durable.remove(&path);
            if !state.names.values().any(|kept| *kept == id) {
                state.nodes[id] = Node::default();
            }
        }
        let new: Vec<(PathBuf, usize)> =
            state.names.iter().filter(|(path, _)| inside(path)).map(|(path, id)| (path.clone(), *id)).collect();
        state.durable.extend(new);
        Ok(())
    }

    fn lock(&self, path: &Path) -> io::Result<Box<dyn Any + Send + Sync>> {
        let mut state = self.state.lock();
        if !state.locked.insert(path.to_path_buf()) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        Ok(Box::new(Locked { state: self.state.clone(), path: path.to_path_buf() }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crash_leaves_what_was_synced_under_names_that_were_synced() {
        let disk = MemoryDisk::new();
        let path = Path::new("/d/a");
        let mut file = disk.create(path).unwrap();
        file.write_all(b"abcd").unwrap();
        file.sync_data().unwrap();
        file.write_all(b"efgh").unwrap();
        assert!(!disk.after(Crash::PowerLost).exists(path));
        assert_eq!(disk.after(Crash::Killed).read(path).unwrap(), b"abcdefgh");
        disk.sync_dir(Path::new("/d")).unwrap();
        assert_eq!(disk.after(Crash::PowerLost).read(path).unwrap(), b"abcd");
        assert_eq!(disk.after(Crash::Torn).read(path).unwrap(), b"abcdef");
        assert_eq!(disk.after(Crash::Zeroed).read(path).unwrap(), b"abcde\0\0\0");
        disk.rename(path, Path::new("/d/b")).unwrap();
        assert!(disk.after(Crash::PowerLost).exists(path));
        disk.sync_dir(Path::new("/d")).unwrap();
        assert!(!disk.after(Crash::PowerLost).exists(path));
        disk.fail_after(disk.operations());
        assert!(file.write_all(b"x").is_err());
    }
}
