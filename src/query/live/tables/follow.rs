//! Which rows of a state table count at a tick: those that are others than at the last one, and those that the clock has
//! passed by.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::common::{DFSchema, Result, internal_datafusion_err};
use datafusion::execution::SessionState;
use datafusion::physical_expr::PhysicalExpr;

use super::super::super::functions::ClockCell;
use super::super::super::source::View;
use super::super::batches::{whole_numbers, with_schema};
use super::super::window::{Atom, instants};
use super::plan::TablePlan;
use crate::store::Moment;

pub struct Follow {
    name: String,
    columns: Vec<usize>,
    schema: SchemaRef,
    clock: ClockCell,
    /// Of each comparison with the clock its column, by its place among `columns`.
    crossed: Vec<usize>,
    thresholds: Vec<Arc<dyn PhysicalExpr>>,
    seen: Option<Seen>,
}

/// A table as it was looked at.
pub struct Seen {
    pub moment: Moment,
    at_us: i64,
    crossings: Vec<Crossing>,
}

/// A comparison with the clock as it stood.
struct Crossing {
    /// What the column is compared with; nothing where that is null.
    threshold: Option<i64>,
    /// The next times that it will pass, with the slots that have them: all from the threshold to `until`. A row may have
    /// changed or left since.
    coming: BTreeSet<(i64, u32)>,
    until: i64,
}

/// About so many coming times are looked up at once. Few in tests, so that they run out.
const COMING: usize = if cfg!(test) { 4 } else { 1024 };

impl Crossing {
    fn new(moment: &Moment, column: usize, threshold: Option<i64>) -> Crossing {
        let (coming, until) = match threshold {
            Some(threshold) => moment.times_from(column, threshold, COMING),
            None => (Vec::new(), i64::MAX),
        };
        Crossing { threshold, coming: coming.into_iter().collect(), until }
    }

    /// The slots of times that a threshold passed on its way here, both ends among them; nothing when these are not known.
    fn pass(&mut self, threshold: i64) -> Option<Vec<u32>> {
        if threshold > self.until {
            return None;
        }
        let passed = self.coming.iter().take_while(|(time, _)| *time <= threshold).map(|(_, slot)| *slot).collect();
        self.coming = self.coming.split_off(&(threshold, 0));
        self.threshold = Some(threshold);
        Some(passed)
    }

    /// A row came.
    fn add(&mut self, time: i64, slot: u32) {
        if self.threshold.is_some_and(|threshold| time >= threshold) && time <= self.until {
            self.coming.insert((time, slot));
            if self.coming.len() > 4 * COMING
                && let Some((last, _)) = self.coming.last().copied()
            {
                // All of one time stay together.
                self.coming.split_off(&(last, 0));
                self.until = last - 1;
            }
        }
    }
}

pub enum Moved {
    Nothing,
    Rows(Rows),
    /// All rows have to be looked at.
    All,
}

/// The rows that count, as they were and as they are.
pub struct Rows {
    pub slots: Vec<u32>,
    pub left: RecordBatch,
    /// The clock at which they were looked at.
    pub then_us: i64,
    /// The rows of the slots that have one.
    pub came: RecordBatch,
    pub taken: Vec<u32>,
}

impl Follow {
    pub fn new(state: &SessionState, plan: &TablePlan, clock: ClockCell) -> Result<Follow> {
        let nothing = DFSchema::empty();
        let threshold = |atom: &Atom| state.create_physical_expr(atom.threshold.clone(), &nothing);
        Ok(Follow {
            name: plan.name.clone(),
            columns: plan.columns.clone(),
            schema: plan.scan_schema.inner().clone(),
            clock,
            crossed: plan
                .atoms
                .iter()
                .map(|atom| plan.scan_schema.index_of_column(&atom.column))
                .collect::<Result<_>>()?,
            thresholds: plan.atoms.iter().map(threshold).collect::<Result<_>>()?,
            seen: None,
        })
    }

    /// What moved since the last look, and what [`Follow::saw`] is to be told when that is dealt with.
    ///
    /// # Errors
    /// A threshold can't be worked out.
    pub fn moved(&mut self, view: &View) -> Result<(Moved, Option<Seen>)> {
        let before = self.seen.take();
        let thresholds = instants(&self.thresholds)?;
        let Some(moment) = view.state_moment(&self.name) else { return Ok((Moved::All, None)) };
        let at_us = self.clock.get();
        let changed = before.and_then(|before| self.changes(before, &moment, &thresholds, view));
        let Some((Seen { moment: then, at_us: then_us, mut crossings }, slots)) = changed else {
            let crossing =
                |(threshold, place): (&Option<i64>, &usize)| Crossing::new(&moment, self.columns[*place], *threshold);
            let crossings = thresholds.iter().zip(&self.crossed).map(crossing).collect();
            return Ok((Moved::All, Some(Seen { moment, at_us, crossings })));
        };
        if slots.is_empty() {
            return Ok((Moved::Nothing, Some(Seen { moment, at_us, crossings })));
        }
        let (left, came) = (self.rows(&then, &slots)?, self.rows(&moment, &slots)?);
        let taken = moment.taken(&slots);
        for (crossing, place) in crossings.iter_mut().zip(&self.crossed) {
            for (time, slot) in whole_numbers(came.column(*place)).iter().zip(&taken) {
                crossing.add(*time, *slot);
            }
        }
        let rows = Rows { slots, left, then_us, came, taken };
        Ok((Moved::Rows(rows), Some(Seen { moment, at_us, crossings })))
    }

    /// The slots of which the row changed or was passed by the clock, and what was seen with the thresholds moved on;
    /// nothing when all rows have to be looked at.
    fn changes(
        &self,
        mut before: Seen,
        moment: &Moment,
        thresholds: &[Option<i64>],
        view: &View,
    ) -> Option<(Seen, Vec<u32>)> {
        let mut slots = match moment.version() == before.moment.version() {
            true => Vec::new(),
            false => view.state_changes(&before.moment)?.to_vec(),
        };
        let touched = slots.len();
        for ((crossing, threshold), place) in before.crossings.iter_mut().zip(thresholds).zip(&self.crossed) {
            if crossing.threshold == *threshold {
                continue;
            }
            let (was, is) = crossing.threshold.zip(*threshold)?;
            if is < was {
                return None;
            }
            let passed = match crossing.pass(is) {
                Some(passed) => passed,
                None => {
                    // Further than was looked ahead: those that it passed are found by looking at all times.
                    let column = self.columns[*place];
                    let (times, _) = moment.times_from(column, was, usize::MAX);
                    *crossing = Crossing::new(moment, column, Some(is));
                    times.into_iter().filter(|(time, _)| *time <= is).map(|(_, slot)| slot).collect()
                }
            };
            slots.extend(passed);
        }
        if slots.len() > touched {
            slots.sort_unstable();
            slots.dedup();
        }
        Some((before, slots))
    }

    pub fn saw(&mut self, seen: Option<Seen>) {
        self.seen = seen;
    }

    /// All rows.
    pub fn table(&self, view: &View) -> Result<RecordBatch> {
        match view.state_columns(&self.name, &self.columns) {
            Some(table) => with_schema(&table, &self.schema),
            None => Ok(RecordBatch::new_empty(self.schema.clone())),
        }
    }

    pub fn rows_at(&self, seen: &Seen, slots: &[u32]) -> Result<RecordBatch> {
        self.rows(&seen.moment, slots)
    }

    fn rows(&self, moment: &Moment, slots: &[u32]) -> Result<RecordBatch> {
        let rows = moment.at(slots, &self.columns);
        let rows = rows.ok_or_else(|| internal_datafusion_err!("{} has not the columns of its plan", self.name))?;
        with_schema(&rows, &self.schema)
    }
}
