//! A table of slots that can be looked at while it goes on changing.
//!
//! Slots live in chunks behind `Arc`s. A [`View`] shares the chunks; the next change copies the one chunk it touches.
//! So a snapshot costs a copy of the changed chunks, whatever the size of the table. Indexes are never out of range
//! by construction: they come from [`Slab::insert`] and are used until [`Slab::remove`].

use std::sync::Arc;

const CHUNK: usize = 128;

type Chunk<T> = Arc<Vec<Option<T>>>;

#[derive(Debug)]
pub struct Slab<T> {
    chunks: Vec<Chunk<T>>,
    free: Vec<u32>,
    len: usize,
    changed: bool,
    shared: View<T>,
}

/// What a slab held at one moment.
#[derive(Debug)]
pub struct View<T> {
    chunks: Arc<[Chunk<T>]>,
    pub len: usize,
    /// Grows with each change; equal versions of one slab hold the same.
    pub version: u64,
}

impl<T> Clone for View<T> {
    fn clone(&self) -> Self {
        View { chunks: self.chunks.clone(), len: self.len, version: self.version }
    }
}

impl<T> Default for View<T> {
    fn default() -> Self {
        View { chunks: Arc::from(Vec::new()), len: 0, version: 0 }
    }
}

impl<T> View<T> {
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.chunks.iter().flat_map(|chunk| chunk.iter().flatten())
    }

    pub fn get(&self, slot: u32) -> Option<&T> {
        self.chunks.get(slot as usize / CHUNK)?.get(slot as usize % CHUNK)?.as_ref()
    }
}

impl<T> Default for Slab<T> {
    fn default() -> Self {
        Slab { chunks: Vec::new(), free: Vec::new(), len: 0, changed: false, shared: View::default() }
    }
}

impl<T: Clone> Slab<T> {
    pub fn len(&self) -> usize {
        self.len
    }

    pub fn insert(&mut self, value: T) -> u32 {
        self.changed = true;
        self.len += 1;
        if let Some(slot) = self.free.pop() {
            Arc::make_mut(&mut self.chunks[slot as usize / CHUNK])[slot as usize % CHUNK] = Some(value);
            return slot;
        }
        if self.chunks.last().is_none_or(|chunk| chunk.len() == CHUNK) {
            self.chunks.push(Arc::new(Vec::with_capacity(CHUNK)));
        }
        let last = self.chunks.len() - 1;
        let chunk = Arc::make_mut(&mut self.chunks[last]);
        chunk.push(Some(value));
        (last * CHUNK + chunk.len() - 1) as u32
    }

    pub fn get(&self, slot: u32) -> Option<&T> {
        self.chunks.get(slot as usize / CHUNK)?.get(slot as usize % CHUNK)?.as_ref()
    }

    pub fn get_mut(&mut self, slot: u32) -> Option<&mut T> {
        self.changed = true;
        Arc::make_mut(self.chunks.get_mut(slot as usize / CHUNK)?).get_mut(slot as usize % CHUNK)?.as_mut()
    }

    pub fn remove(&mut self, slot: u32) -> Option<T> {
        let taken = Arc::make_mut(self.chunks.get_mut(slot as usize / CHUNK)?).get_mut(slot as usize % CHUNK)?.take();
        if taken.is_some() {
            self.changed = true;
            self.len -= 1;
            self.free.push(slot);
        }
        taken
    }

    pub fn iter(&self) -> impl Iterator<Item = (u32, &T)> {
        self.chunks.iter().enumerate().flat_map(|(c, chunk)| {
            chunk.iter().enumerate().filter_map(move |(i, slot)| Some(((c * CHUNK + i) as u32, slot.as_ref()?)))
        })
    }

    /// Changes every value in place.
    pub fn for_each_mut(&mut self, mut change: impl FnMut(&mut T)) {
        self.changed = true;
        for chunk in &mut self.chunks {
            Arc::make_mut(chunk).iter_mut().flatten().for_each(&mut change);
        }
    }

    pub fn view(&mut self) -> View<T> {
        if self.changed {
            self.changed = false;
            self.shared =
                View { chunks: self.chunks.as_slice().into(), len: self.len, version: self.shared.version + 1 };
        }
        self.shared.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_view_stays_as_it_was_and_slots_are_used_again() {
        let mut slab = Slab::default();
        let slots: Vec<u32> = (0..300).map(|n| slab.insert(n)).collect();
        let before = slab.view();
        assert_eq!(slab.view().version, before.version);
        assert_eq!(slab.remove(slots[7]), Some(7));
        assert_eq!(slab.remove(slots[7]), None);
        *slab.get_mut(slots[200]).unwrap() = 9000;
        assert_eq!(before.iter().count(), 300);
        assert_eq!(before.get(200), Some(&200));
        let after = slab.view();
        assert_eq!((after.len, after.iter().count()), (299, 299));
        assert!(after.version > before.version);
        assert_eq!(slab.insert(5), slots[7]);
    }
}
