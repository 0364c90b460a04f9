//! The first rows of a state table in some order, kept with those next to them.

use std::collections::BTreeSet;
use std::sync::Arc;

use ahash::AHashMap;
use arrow::array::{Array, BooleanArray, RecordBatch, RecordBatchOptions};
use arrow::compute::{SortOptions, filter_record_batch};
use arrow::datatypes::SchemaRef;
use arrow::row::{RowConverter, SortField};
use datafusion::common::{DFSchemaRef, Result};
use datafusion::execution::SessionState;
use datafusion::logical_expr::Expr;
use datafusion::logical_expr::expr::Sort;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr_common::utils::evaluate_expressions_to_arrays;

use super::super::slot::Slot;
use super::super::steps::best;

/// Rows that are kept for each one shown, so that some may leave before all are looked at again.
const SPARE: usize = if cfg!(test) { 1 } else { 8 };
/// At least so many. Few in tests, so that they run out.
const KEPT_MIN: usize = if cfg!(test) { 4 } else { 512 };

pub struct First {
    by: Vec<Arc<dyn PhysicalExpr>>,
    options: Option<SortOptions>,
    converter: RowConverter,
    columns: Vec<Arc<dyn PhysicalExpr>>,
    fetch: usize,
    schema: SchemaRef,
    kept: Option<Kept>,
}

/// The first rows, and more.
struct Kept {
    /// By the bytes of their keys; rows of equal keys by slot.
    order: BTreeSet<(Box<[u8]>, u32)>,
    keys: AHashMap<u32, Box<[u8]>>,
    /// There are other rows, all behind these.
    cut: bool,
}

impl First {
    /// # Errors
    /// An expression can't be planned.
    pub fn new(
        state: &SessionState,
        schema: &DFSchemaRef,
        by: &[Sort],
        columns: &[Expr],
        fetch: usize,
        output: &Slot,
    ) -> Result<First> {
        let plan = |expr: &Expr| state.create_physical_expr(expr.clone(), schema);
        let mut fields = Vec::with_capacity(by.len());
        let mut keys = Vec::with_capacity(by.len());
        for sort in by {
            let key = plan(&sort.expr)?;
            fields.push(SortField::new_with_options(key.data_type(schema.as_arrow())?, options_of(sort)));
            keys.push(key);
        }
        let options = by.first().map(options_of);
        Ok(First {
            by: keys,
            options,
            converter: RowConverter::new(fields)?,
            columns: columns.iter().map(plan).collect::<Result<_>>()?,
            fetch,
            schema: output.schema.clone(),
            kept: None,
        })
    }

    fn kept_max(&self) -> usize {
        self.fetch.saturating_mul(SPARE).max(KEPT_MIN)
    }

    /// Takes all rows, `rows` of them in these slots; `passing`: which of them count.
    ///
    /// # Errors
    /// An expression fails.
    pub fn begin(&mut self, slots: &[u32], rows: &RecordBatch, passing: Option<BooleanArray>) -> Result<()> {
        self.kept = None;
        // An expression might fail on a row that does not count; a column can't.
        let first = self.by.first().filter(|key| key.is::<Column>() || passing.is_none());
        let counts = |place: usize| passing.as_ref().is_none_or(|mask| mask.is_valid(place) && mask.value(place));
        let passing_count = (0..rows.num_rows()).filter(|place| counts(*place)).count();
        // Of many rows the first key alone leaves out most.
        let first = first.map(|key| key.evaluate(rows)?.into_array(rows.num_rows())).transpose()?;
        let chosen = match first.zip(self.options) {
            Some((first, options)) => best(&first, passing, options, self.kept_max())?,
            None => passing,
        };
        let (rows, slots) = match &chosen {
            None => (rows.clone(), slots.to_vec()),
            Some(chosen) => {
                let slots =
                    slots.iter().enumerate().filter(|(place, _)| chosen.is_valid(*place) && chosen.value(*place));
                (filter_record_batch(rows, chosen)?, slots.map(|(_, slot)| *slot).collect())
            }
        };
        let mut kept = Kept { order: BTreeSet::new(), keys: AHashMap::new(), cut: slots.len() < passing_count };
        for (key, slot) in self.keys(&rows)?.into_iter().zip(slots) {
            kept.put(key, slot);
        }
        kept.shorten(self.kept_max());
        self.kept = Some(kept);
        Ok(())
    }

    /// Rows changed in `slots`. `taken` are those of them that have one now, in `rows`; `passing`: which of these count.
    /// False when it can't be told which are first, and all have to be looked at again.
    ///
    /// # Errors
    /// An expression fails.
    pub fn change(
        &mut self,
        slots: &[u32],
        taken: &[u32],
        rows: &RecordBatch,
        passing: Option<BooleanArray>,
    ) -> Result<bool> {
        // Taken: what an error leaves behind is not used again.
        let Some(mut kept) = self.kept.take() else { return Ok(false) };
        slots.iter().for_each(|slot| kept.remove(*slot));
        let counts = |place: usize| passing.as_ref().is_none_or(|mask| mask.is_valid(place) && mask.value(place));
        let taken = taken.iter().enumerate().filter(|(place, _)| counts(*place)).map(|(_, slot)| *slot);
        let rows = passing.as_ref().map_or_else(|| Ok(rows.clone()), |mask| filter_record_batch(rows, mask))?;
        for (key, slot) in self.keys(&rows)?.into_iter().zip(taken) {
            if !kept.cut || kept.order.last().is_some_and(|(last, _)| key <= *last) {
                kept.put(key, slot);
            }
        }
        if kept.order.len() > 2 * self.kept_max() {
            kept.shorten(self.kept_max());
        }
        let is_enough = !kept.cut || kept.order.len() >= self.fetch;
        self.kept = Some(kept);
        Ok(is_enough)
    }

    /// The first rows in their order; `rows_at` gives the rows of slots.
    ///
    /// # Errors
    /// An expression fails.
    pub fn answer(&self, rows_at: impl FnOnce(&[u32]) -> Result<RecordBatch>) -> Result<RecordBatch> {
        let order = self.kept.iter().flat_map(|kept| &kept.order);
        let slots: Vec<u32> = order.take(self.fetch).map(|(_, slot)| *slot).collect();
        let rows = rows_at(&slots)?;
        let columns = evaluate_expressions_to_arrays(self.columns.iter(), &rows)?;
        let options = RecordBatchOptions::new().with_row_count(Some(rows.num_rows()));
        Ok(RecordBatch::try_new_with_options(self.schema.clone(), columns, &options)?)
    }

    fn keys(&self, rows: &RecordBatch) -> Result<Vec<Box<[u8]>>> {
        let keys = evaluate_expressions_to_arrays(self.by.iter(), rows)?;
        Ok(self.converter.convert_columns(&keys)?.iter().map(|key| Box::from(key.data())).collect())
    }
}

fn options_of(sort: &Sort) -> SortOptions {
    SortOptions { descending: !sort.asc, nulls_first: sort.nulls_first }
}

impl Kept {
    fn put(&mut self, key: Box<[u8]>, slot: u32) {
        self.keys.insert(slot, key.clone());
        self.order.insert((key, slot));
    }

    fn remove(&mut self, slot: u32) {
        if let Some(key) = self.keys.remove(&slot) {
            self.order.remove(&(key, slot));
        }
    }

    fn shorten(&mut self, most: usize) {
        while self.order.len() > most {
            if let Some((_, slot)) = self.order.pop_last() {
                self.keys.remove(&slot);
            }
            self.cut = true;
        }
    }
}
