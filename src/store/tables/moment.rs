//! A state table at one moment, row by row: what changed since an earlier one, without reading all of it.

use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::TimestampMicrosecondType;

use super::cells::{Cells, Row};
use super::{NAMES, SPECS, TABLE_ROWS_MAX, Tables, batch, index_of, of_table};
use crate::store::slab::{Chunk, View};

/// A state table as of one moment. It holds nothing else of its snapshot, and of its rows what later moments share.
#[derive(Clone, Debug)]
pub struct Moment {
    index: usize,
    /// Of these the symbols and the one table.
    tables: Tables,
}

impl Tables {
    /// A table as of this moment; `None` when there is none of this name, or when it has more rows than are given.
    pub fn moment(&self, name: &str) -> Option<Moment> {
        let index = index_of(name)?;
        if self.len(index) > TABLE_ROWS_MAX {
            return None;
        }
        let mut tables = Tables { symbols: self.symbols.clone(), ..Tables::default() };
        match index {
            0 => tables.open = self.open.clone(),
            1 => tables.queue = self.queue.clone(),
            2 => tables.seats = self.seats.clone(),
            3 => tables.devices = self.devices.clone(),
            4 => tables.feeds = self.feeds.clone(),
            _ => tables.held = self.held.clone(),
        }
        Some(Moment { index, tables })
    }

    /// The slots of which the rows are others than at an earlier moment, ascending. Worked out once for all who ask since
    /// the same moment.
    pub fn changed(&self, before: &Moment) -> Arc<[u32]> {
        let (index, since) = (before.index, before.version());
        let mut known = self.built[index].changed.lock();
        if let Some((of, changed)) = known.as_ref()
            && *of == since
        {
            return changed.clone();
        }
        let changed: Arc<[u32]> = match index {
            0 => self.open.changed(&before.tables.open),
            1 => self.queue.changed(&before.tables.queue),
            2 => self.seats.changed(&before.tables.seats),
            3 => self.devices.changed(&before.tables.devices),
            4 => self.feeds.changed(&before.tables.feeds),
            _ => self.held.changed(&before.tables.held),
        }
        .into();
        *known = Some((since, changed.clone()));
        changed
    }
}

impl Moment {
    pub fn name(&self) -> &'static str {
        NAMES[self.index]
    }

    /// Equal versions are equal rows.
    pub fn version(&self) -> u64 {
        self.tables.version(self.index)
    }

    /// The slot of each row of the table, in its order.
    pub fn slots(&self) -> Vec<u32> {
        fn slots<T: Row>(view: &View<T>) -> Vec<u32> {
            rows(view).map(|(slot, _)| slot).collect()
        }
        of_table!(self.tables, self.index, view => slots(view))
    }

    /// Some columns (by their places in the table) of the rows in these slots, in this order; slots without one are left
    /// out.
    pub fn at(&self, slots: &[u32], columns: &[usize]) -> Option<RecordBatch> {
        fn fill<T: Row>(view: &View<T>, slots: &[u32], columns: &[usize], cells: &mut [Cells<'_>]) -> usize {
            let mut count = 0;
            for value in slots.iter().filter_map(|slot| view.get(*slot)).filter(|value| value.cell(0).is_some()) {
                count += 1;
                for (cells, column) in cells.iter_mut().zip(columns) {
                    if let Some(cell) = value.cell(*column) {
                        cells.add(cell);
                    }
                }
            }
            count
        }
        let of_column = |column: &usize| Cells::new(SPECS[self.index][*column].1, &self.tables.symbols);
        let mut cells: Vec<Cells<'_>> = columns.iter().map(of_column).collect();
        let count = of_table!(self.tables, self.index, view => fill(view, slots, columns, &mut cells));
        batch(self.index, columns, cells.into_iter().map(Cells::finish).collect(), count)
    }

    /// Which of these slots have a row.
    pub fn taken(&self, slots: &[u32]) -> Vec<u32> {
        fn taken<T: Row>(view: &View<T>, slots: &[u32]) -> Vec<u32> {
            let there = |slot: &&u32| view.get(**slot).is_some_and(|value| value.cell(0).is_some());
            slots.iter().filter(there).copied().collect()
        }
        of_table!(self.tables, self.index, view => taken(view, slots))
    }

    /// The earliest times not before `from` (µs) with their slots, in no order: about `most` of them, and all up to the time
    /// that comes with them. `column`: a column of times, by its place; what has none may be among them.
    pub fn times_from(&self, column: usize, from: i64, most: usize) -> (Vec<(i64, u32)>, i64) {
        let mut times = of_table!(self.tables, self.index, view => self.all_times_from(view, column, from));
        if times.len() <= most {
            return (times, i64::MAX);
        }
        let until = times.select_nth_unstable(most).1.0;
        times.retain(|(time, _)| *time <= until);
        (times, until)
    }

    fn all_times_from<T: Row>(&self, view: &View<T>, column: usize, from: i64) -> Vec<(i64, u32)> {
        let mut found = Vec::new();
        for (number, chunk) in view.chunks().iter().enumerate() {
            let part = self.tables.part(chunk, self.index, column);
            let Some(times) = part.as_primitive_opt::<TimestampMicrosecondType>() else { continue };
            if times.values().iter().any(|time| *time >= from) {
                let rows = times.values().iter().zip(rows_of(chunk, number)).filter(|(time, _)| **time >= from);
                found.extend(rows.map(|(time, (slot, _))| (*time, slot)));
            }
        }
        found
    }
}

fn rows<T: Row>(view: &View<T>) -> impl Iterator<Item = (u32, &T)> {
    view.chunks().iter().enumerate().flat_map(|(number, chunk)| rows_of(chunk, number))
}

fn rows_of<T: Row>(chunk: &Chunk<T>, number: usize) -> impl Iterator<Item = (u32, &T)> {
    chunk.slots(number).filter(|(_, value)| value.cell(0).is_some())
}

#[cfg(test)]
mod tests {
    use arrow::array::UInt64Array;
    use arrow::compute::take_record_batch;

    use super::*;
    use crate::store::landing::objects::Feed;
    use crate::store::slab::Slab;

    fn feed(n: i64) -> Feed {
        Feed { src: format!("src-{n}").as_str().into(), last_ts_us: n, last_recv_us: n, rows: n, demo: n % 2 == 0 }
    }

    #[test]
    fn some_rows_are_those_of_the_whole_table() {
        let mut feeds = Slab::default();
        let slots: Vec<u32> = (0..300).map(|n| feeds.insert(feed(n))).collect();
        for slot in (0..300).step_by(7) {
            feeds.remove(slots[slot]);
        }
        let tables = Tables { feeds: feeds.view(), ..Tables::default() };
        let (moment, columns) = (tables.moment("feeds").unwrap(), [3, 0, 4]);
        let whole = tables.table("feeds", Some(&columns)).unwrap();
        let taken = moment.slots();
        assert_eq!((moment.name(), taken.len(), taken[0]), ("feeds", whole.num_rows(), 1));
        for rows in [vec![], vec![0], vec![5, 3, 200, 256], (0..taken.len()).collect::<Vec<_>>()] {
            let mut asked: Vec<u32> = rows.iter().map(|row| taken[*row]).collect();
            // Slots without a row are left out, wherever they stand.
            asked.insert(asked.len() / 2, 7);
            asked.push(9_000);
            let there = UInt64Array::from_iter_values(rows.iter().map(|row| *row as u64));
            assert_eq!(moment.at(&asked, &columns).unwrap(), take_record_batch(&whole, &there).unwrap());
            assert_eq!(moment.taken(&asked).len(), rows.len());
        }
    }

    #[test]
    fn what_changed_is_told_by_slot_whoever_asks() {
        let mut feeds = Slab::default();
        let slots: Vec<u32> = (0..100).map(|n| feeds.insert(feed(n))).collect();
        let moment = |feeds: &mut Slab<Feed>| {
            let tables = Tables { feeds: feeds.view(), ..Tables::default() };
            (tables.moment("feeds").unwrap(), tables)
        };
        let (first, tables) = moment(&mut feeds);
        assert_eq!(tables.changed(&first)[..], [0_u32; 0]);
        feeds.get_mut(slots[9]).unwrap().rows = 77;
        let (second, tables) = moment(&mut feeds);
        feeds.remove(slots[70]);
        let (_, newest) = moment(&mut feeds);
        assert!(second.version() > first.version());
        assert_eq!((&tables.changed(&first)[..], &tables.changed(&second)[..]), (&[9][..], &[][..]));
        for _ in 0..2 {
            assert_eq!((&newest.changed(&first)[..], &newest.changed(&second)[..]), (&[9, 70][..], &[70][..]));
        }
        // What was is still there.
        assert_eq!(first.at(&[9, 70], &[3]).unwrap().num_rows(), 2);
    }

    #[test]
    fn the_earliest_times_are_told_and_how_far_they_go() {
        let mut feeds = Slab::default();
        // Each time twice.
        let slots: Vec<u32> = (0..200).map(|n| feeds.insert(feed((n * 37) % 100))).collect();
        feeds.remove(slots[0]);
        let moment = Tables { feeds: feeds.view(), ..Tables::default() }.moment("feeds").unwrap();
        let told = |from: i64, most: usize| {
            let (mut times, until) = moment.times_from(1, from, most);
            times.sort_unstable();
            (times, until)
        };
        let all: Vec<(i64, u32)> = (1..200).map(|n| ((n * 37) % 100, slots[n as usize])).collect();
        let between = |low: i64, high: i64| {
            let mut times: Vec<_> = all.iter().filter(|(time, _)| (low..=high).contains(time)).copied().collect();
            times.sort_unstable();
            times
        };
        assert_eq!(told(0, 500), (between(0, 99), i64::MAX));
        assert_eq!(told(98, 4), (between(98, 99), i64::MAX));
        assert_eq!(told(100, 4), (vec![], i64::MAX));
        // The one of slot 0 has left.
        assert_eq!(told(-7, 2), (between(0, 1), 1));
        assert_eq!(told(10, 4), (between(10, 12), 12));
        assert_eq!(told(10, 0), (between(10, 10), 10));
    }

    #[test]
    fn a_table_of_more_rows_than_are_given_has_no_moment() {
        let mut feeds = Slab::default();
        for n in 0..=TABLE_ROWS_MAX as i64 {
            feeds.insert(feed(n));
        }
        let tables = Tables { feeds: feeds.view(), ..Tables::default() };
        assert!(tables.moment("feeds").is_none() && tables.moment("waiting").is_some() && tables.moment("x").is_none());
    }
}
