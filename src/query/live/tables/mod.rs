//! Answers over current-state tables, kept by the rows that change.
//!
//! A state table has a row for each thing there *is*: an open ticket, a seat, a registered object. A query of the lowest
//! aggregate, or of the first rows, over filters and projections of one such table is cut off here ([`plan`]). At a tick
//! only the rows count that differ from those of the last one, and those that the clock has passed by ([`follow`]): what
//! they added is taken back and added anew ([`tally`], [`first`]). What can't be kept so is read whole, as the rest of the
//! plan above the cuts is.

mod first;
mod follow;
pub mod plan;
mod tally;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use arrow::array::{RecordBatch, UInt32Array};
use arrow::compute::take_record_batch;
use datafusion::common::{DataFusionError, Result};
use datafusion::execution::SessionState;
use datafusion::physical_expr::PhysicalExpr;

use self::first::First;
use self::follow::{Follow, Moved};
use self::plan::{Kind, TablePlan};
use self::tally::Tally;
use super::super::functions::ClockCell;
use super::super::source::View;
use super::batches::{mask, passed, same_inputs};
use super::slot::Slot;

/// An answer over one state table.
pub struct TableCut {
    follow: Follow,
    clock: ClockCell,
    filter: Option<Arc<dyn PhysicalExpr>>,
    work: Work,
    /// The same rows look otherwise at another time.
    shows_clock: bool,
    output: Slot,
}

enum Work {
    Tally(Tally),
    First(First),
}

impl TableCut {
    /// `clock`: what the plan's clock functions read.
    ///
    /// # Errors
    /// An expression can't be planned.
    pub fn new(state: &SessionState, plan: TablePlan, clock: ClockCell) -> Result<TableCut> {
        let schema = &plan.scan_schema;
        let work = match &plan.kind {
            Kind::Groups { groups, functions } => {
                Work::Tally(Tally::new(state, schema, groups, functions, &plan.output)?)
            }
            Kind::First { by, columns, fetch, .. } => {
                Work::First(First::new(state, schema, by, columns, *fetch, &plan.output)?)
            }
        };
        let shows_clock = matches!(plan.kind, Kind::First { shows_clock: true, .. });
        let filter = plan.filter.clone().map(|filter| state.create_physical_expr(filter, schema)).transpose()?;
        Ok(TableCut {
            shows_clock,
            follow: Follow::new(state, &plan, clock.clone())?,
            clock,
            filter,
            work,
            output: plan.output,
        })
    }

    /// Brings the output up to date with the table of `view` at the clock; true when it may have changed.
    ///
    /// # Errors
    /// An expression fails; the next tick begins anew.
    pub fn tick(&mut self, view: &View) -> Result<bool> {
        // Forgotten while it is under way: after a failure nothing is built upon what it left.
        let (mut moved, seen) = self.follow.moved(view)?;
        let made = loop {
            match &moved {
                Moved::Nothing => match (&self.work, &seen) {
                    (Work::First(first), Some(seen)) if self.shows_clock => {
                        break Some(first.answer(|slots| self.follow.rows_at(seen, slots))?);
                    }
                    _ => {
                        self.follow.saw(seen);
                        return Ok(false);
                    }
                },
                Moved::Rows(rows) => {
                    if let Some(made) = self.by_rows(rows, seen.as_ref())? {
                        break made;
                    }
                    moved = Moved::All;
                }
                Moved::All => break self.whole(view, seen.as_ref())?,
            }
        };
        self.follow.saw(seen);
        let made: Vec<RecordBatch> = made.into_iter().collect();
        let changed = !same_inputs(&self.output.rows(), &made);
        if changed {
            self.output.set(made);
        }
        Ok(changed)
    }

    /// The answer after some rows changed; nothing when that can't be told without reading all.
    fn by_rows(&mut self, rows: &follow::Rows, seen: Option<&follow::Seen>) -> Result<Option<Option<RecordBatch>>> {
        let now_us = self.clock.get();
        match &mut self.work {
            Work::Tally(tally) => {
                let came = filtered(self.filter.as_ref(), &rows.came)?;
                // What these rows added, they added at the clock of then.
                self.clock.set(rows.then_us);
                let left = filtered(self.filter.as_ref(), &rows.left).and_then(|left| tally.changes(left.as_ref(), -1));
                self.clock.set(now_us);
                let (left, came) = (left?, tally.changes(came.as_ref(), 1)?);
                if tally.apply([came, left])? { tally.answer().map(Some) } else { Ok(None) }
            }
            Work::First(first) => {
                let Some(seen) = seen else { return Ok(None) };
                let passing = self.filter.as_ref().map(|filter| mask(filter, &rows.came)).transpose()?;
                if !first.change(&rows.slots, &rows.taken, &rows.came, passing)? {
                    return Ok(None);
                }
                first.answer(|slots| self.follow.rows_at(seen, slots)).map(|batch| Some(Some(batch)))
            }
        }
    }

    fn whole(&mut self, view: &View, seen: Option<&follow::Seen>) -> Result<Option<RecordBatch>> {
        let table = self.follow.table(view)?;
        match &mut self.work {
            Work::Tally(tally) => {
                let rows = filtered(self.filter.as_ref(), &table)?;
                let changes = tally.changes(rows.as_ref(), 1)?;
                tally.begin();
                tally.apply([changes])?;
                tally.answer()
            }
            Work::First(first) => {
                let slots = match seen {
                    Some(seen) => seen.moment.slots(),
                    None => (0..table.num_rows() as u32).collect(),
                };
                let passing = self.filter.as_ref().map(|filter| mask(filter, &table)).transpose()?;
                first.begin(&slots, &table, passing)?;
                let at = |slots: &[u32]| match seen {
                    Some(seen) => self.follow.rows_at(seen, slots),
                    None => {
                        take_record_batch(&table, &UInt32Array::from(slots.to_vec())).map_err(DataFusionError::from)
                    }
                };
                first.answer(at).map(Some)
            }
        }
    }
}

fn filtered(filter: Option<&Arc<dyn PhysicalExpr>>, batch: &RecordBatch) -> Result<Option<RecordBatch>> {
    match filter {
        None => Ok((batch.num_rows() > 0).then(|| batch.clone())),
        Some(filter) => passed(batch, &mask(filter, batch)?),
    }
}
