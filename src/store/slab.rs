//! A table of slots that can be looked at while it goes on changing.
//!
//! Slots live in chunks behind `Arc`s. A [`View`] shares the chunks; the next change copies the one chunk it touches.
//! So a snapshot costs a copy of the changed chunks, whatever the size of the table. Indexes are never out of range
//! by construction: they come from [`Slab::insert`] and are used until [`Slab::remove`].
//!
//! What readers make of a chunk ([`Chunk::columns`]) is kept with it until it changes, so that a table of which little
//! changes is made anew in little.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use arrow::array::ArrayRef;

pub const CHUNK: usize = 64;
/// The most columns that are kept of a chunk.
pub const COLUMNS_MAX: usize = 16;

/// The version of the latest view of any slab.
static VERSIONS: AtomicU64 = AtomicU64::new(0);

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
    /// Grows with each change; no two slabs give the same one. 0 is empty.
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

impl<T> Chunk<T> {
    /// The values with their slots; `number` is the chunk's place.
    pub fn slots(&self, number: usize) -> impl Iterator<Item = (u32, &T)> {
        let slots = self.slots.iter().enumerate();
        slots.filter_map(move |(place, value)| Some(((number * CHUNK + place) as u32, value.as_ref()?)))
    }
}

fn value<T>(chunk: Option<&Arc<Chunk<T>>>, place: usize) -> Option<&T> {
    chunk?.slots.get(place)?.as_ref()
}

impl<T: PartialEq> View<T> {
    /// The slots that hold another value than in an earlier view, ascending. Chunks that both share are not looked at.
    pub fn changed(&self, before: &View<T>) -> Vec<u32> {
        let mut changed = Vec::new();
        for number in 0..self.chunks.len().max(before.chunks.len()) {
            let (now, then) = (self.chunks.get(number), before.chunks.get(number));
            if now.zip(then).is_some_and(|(now, then)| Arc::ptr_eq(now, then)) {
                continue;
            }
            let differs = |place: &usize| value(now, *place) != value(then, *place);
            changed.extend((0..CHUNK).filter(differs).map(|place| (number * CHUNK + place) as u32));
        }
        changed
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
            let version = VERSIONS.fetch_add(1, Ordering::Relaxed) + 1;
            self.shared = View { chunks: self.chunks.as_slice().into(), len: self.len, version };
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
    fn what_changed_between_two_views_is_told_by_slot() {
        let mut slab = Slab::default();
        let slots: Vec<u32> = (0..130).map(|n| slab.insert(n)).collect();
        let before = slab.view();
        assert_eq!(before.changed(&before), Vec::<u32>::new());
        assert_eq!(before.changed(&View::default()), slots);
        assert_eq!(View::default().changed(&before), slots);
        slab.remove(slots[3]);
        slab.remove(slots[64]);
        // The same value again, another value, and two new ones.
        *slab.get_mut(slots[70]).unwrap() = 70;
        *slab.get_mut(slots[128]).unwrap() = 7;
        assert_eq!((slab.insert(64), slab.insert(500), slab.insert(501)), (slots[64], slots[3], 130));
        let after = slab.view();
        assert_eq!(after.changed(&before), [3, 128, 130]);
        assert_eq!(before.changed(&after), [3, 128, 130]);
        let of_chunk: Vec<(u32, i32)> = after.chunks()[2].slots(2).map(|(slot, value)| (slot, *value)).collect();
        assert_eq!(of_chunk, [(128, 7), (129, 129), (130, 501)]);
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
