//! Segments kept in memory, the ones used last, bounded in bytes.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::RecordBatch;
use parking_lot::Mutex;

use crate::store::columns::memory_bytes;

#[derive(Debug)]
struct Kept {
    batches: Arc<[RecordBatch]>,
    bytes: usize,
    used: u64,
}

#[derive(Debug, Default)]
struct Inside {
    kept: HashMap<u64, Kept>,
    bytes: usize,
    clock: u64,
}

#[derive(Debug)]
pub struct Cache {
    inside: Mutex<Inside>,
    bytes_max: usize,
}

impl Cache {
    pub fn new(bytes_max: usize) -> Cache {
        Cache { inside: Mutex::default(), bytes_max }
    }

    pub fn get(&self, id: u64) -> Option<Arc<[RecordBatch]>> {
        let mut inside = self.inside.lock();
        inside.clock += 1;
        let clock = inside.clock;
        let kept = inside.kept.get_mut(&id)?;
        kept.used = clock;
        Some(kept.batches.clone())
    }

    pub fn put(&self, id: u64, batches: Arc<[RecordBatch]>) {
        let bytes: usize = batches.iter().map(memory_bytes).sum();
        if bytes > self.bytes_max {
            self.remove(id);
            return;
        }
        let mut inside = self.inside.lock();
        inside.clock += 1;
        let used = inside.clock;
        if let Some(before) = inside.kept.insert(id, Kept { batches, bytes, used }) {
            inside.bytes -= before.bytes;
        }
        inside.bytes += bytes;
        while inside.bytes > self.bytes_max {
            let Some(oldest) = inside.kept.iter().min_by_key(|(_, kept)| kept.used).map(|(id, _)| *id) else { break };
            if let Some(gone) = inside.kept.remove(&oldest) {
                inside.bytes -= gone.bytes;
            }
        }
    }

    pub fn remove(&self, id: u64) {
        let mut inside = self.inside.lock();
        if let Some(gone) = inside.kept.remove(&id) {
            inside.bytes -= gone.bytes;
        }
    }

    pub fn bytes(&self) -> usize {
        self.inside.lock().bytes
    }
}
