//! A table of slots that can be looked at while it goes on changing.
//!
//! Slots live in chunks behind `Arc`s. A [`View`] shares the chunks; the next change copies the one chunk it touches.
//! So a snapshot costs a copy of the changed chunks, whatever the size of the table. Indexes are never out of range
//! by construction: they come from [`Slab::insert`] and are used until [`Slab::remove`].
//!
//! What readers make of a chunk ([`Chunk::columns`]) is kept with it until it changes, so that a table of which little
//! changes is made anew in little.

use std::sync::{Arc, OnceLock};

use arrow::array::ArrayRef;

pub const CHUNK: usize = 64;
/// The most columns that are kept of a chunk.
pub const COLUMNS_MAX: usize = 16;

/// Some slots in a row.
#[derive(Debug)]
pub struct Chunk<T> {
    slots: Vec<Option<T>>,
    /// The taken slots' columns, as far as they were asked for.
    pub columns: [OnceLock<ArrayRef>; COLUMNS_MAX],
}

impl<T> Chunk<T> {
    fn new(slots: Vec<Option<T>>) -> Chunk<T> {
        Chunk { slots, columns: Default::default() }
    }

    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.slots.iter().flatten()
    }
}

impl<T: Clone> Clone for Chunk<T> {
    /// For changing it: without the columns.
    fn clone(&self) -> Self {
        Chunk::new(self.slots.clone())
    }
}

impl<T: Clone> Chunk<T> {
    /// The slots, to be changed; what was made of them no longer holds.
    fn change(chunk: &mut Arc<Chunk<T>>) -> &mut Vec<Option<T>> {
        let chunk = Arc::make_mut(chunk);
        chunk.columns.iter_mut().for_each(|column| drop(column.take()));
        &mut chunk.slots
    }
}

#[derive(Debug)]
pub struct Slab<T> {
    chunks: Vec<Arc<Chunk<T>>>,
    free: Vec<u32>,
    len: usize,
    changed: bool,
    shared: View<T>,
}

/// What a slab held at one moment.
#[derive(Debug)]
pub struct View<T> {
    chunks: Arc<[Arc<Chunk<T>>]>,
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
        self.chunks.iter().flat_map(|chunk| chunk.iter())
    }

    pub fn chunks(&self) -> &[Arc<Chunk<T>>] {
        &self.chunks
    }

    pub fn get(&self, slot: u32) -> Option<&T> {
        self.chunks.get(slot as usize / CHUNK)?.slots.get(slot as usize % CHUNK)?.as_ref()
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
            Chunk::change(&mut self.chunks[slot as usize / CHUNK])[slot as usize % CHUNK] = Some(value);
            return slot;
        }
        if self.chunks.last().is_none_or(|chunk| chunk.slots.len() == CHUNK) {
            self.chunks.push(Arc::new(Chunk::new(Vec::with_capacity(CHUNK))));
        }
        let last = self.chunks.len() - 1;
        let slots = Chunk::change(&mut self.chunks[last]);
        slots.push(Some(value));
        (last * CHUNK + slots.len() - 1) as u32
    }

    pub fn get(&self, slot: u32) -> Option<&T> {
        self.chunks.get(slot as usize / CHUNK)?.slots.get(slot as usize % CHUNK)?.as_ref()
    }

    pub fn get_mut(&mut self, slot: u32) -> Option<&mut T> {
        self.changed = true;
        Chunk::change(self.chunks.get_mut(slot as usize / CHUNK)?).get_mut(slot as usize % CHUNK)?.as_mut()
    }

    pub fn remove(&mut self, slot: u32) -> Option<T> {
        let taken = Chunk::change(self.chunks.get_mut(slot as usize / CHUNK)?).get_mut(slot as usize % CHUNK)?.take();
        if taken.is_some() {
            self.changed = true;
            self.len -= 1;
            self.free.push(slot);
        }
        taken
    }

    pub fn iter(&self) -> impl Iterator<Item = (u32, &T)> {
        self.chunks.iter().enumerate().flat_map(|(c, chunk)| {
            chunk.slots.iter().enumerate().filter_map(move |(i, slot)| Some(((c * CHUNK + i) as u32, slot.as_ref()?)))
        })
    }

    /// Changes every value in place.
    pub fn for_each_mut(&mut self, mut change: impl FnMut(&mut T)) {
        self.changed = true;
        for chunk in &mut self.chunks {
            Chunk::change(chunk).iter_mut().flatten().for_each(&mut change);
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

    #[test]
    fn what_was_made_of_a_chunk_is_kept_until_it_changes() {
        let mut slab = Slab::default();
        let slots: Vec<u32> = (0..300).map(|n| slab.insert(n)).collect();
        let before = slab.view();
        for chunk in before.chunks() {
            chunk.columns[0].set(arrow::array::new_null_array(&arrow::datatypes::DataType::Null, 1)).unwrap();
        }
        let kept = |view: &View<i32>| view.chunks().iter().map(|c| c.columns[0].get().is_some()).collect::<Vec<_>>();
        slab.remove(slots[130]);
        let after = slab.view();
        assert_eq!((kept(&before), kept(&after)), (vec![true; 5], vec![true, true, false, true, true]));
        drop((before, after));
        // Without another reader a chunk is changed in its place.
        slab.shared = View::default();
        *slab.get_mut(slots[0]).unwrap() = 7;
        assert_eq!(kept(&slab.view()), [false, true, false, true, true]);
    }
}
