//! Rows in order, and the first of them without ordering all.

use std::collections::BinaryHeap;

use arrow::array::{Array, ArrayRef, BooleanArray, RecordBatch};
use arrow::buffer::BooleanBuffer;
use arrow::compute::{SortOptions, filter_record_batch};
use arrow::datatypes::{DataType, TimeUnit};
use datafusion::common::Result;
use datafusion::physical_expr::LexOrdering;
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_plan::sorts::sort::sort_batch;

use super::super::batches::{mask, whole_numbers};
use super::Filter;

/// Below so many rows for each one wanted, looking for candidates is not worth it.
const ROWS_A_CANDIDATE: usize = 8;

pub fn sorted(batch: &RecordBatch, by: &LexOrdering, fetch: Option<usize>) -> Result<RecordBatch> {
    if batch.num_rows() < 2 && fetch != Some(0) {
        return Ok(batch.clone());
    }
    sort_batch(batch, by, fetch)
}

/// The rows that pass and may be among the first `fetch`. Columns are copied for these rows alone.
pub fn candidates(batch: &RecordBatch, passes: Option<&Filter>, by: &LexOrdering, fetch: usize) -> Result<RecordBatch> {
    let all = match passes {
        None => batch.clone(),
        Some(passes) => passes.project(batch)?,
    };
    let passing = passes.map(|passes| mask(&passes.predicate, batch)).transpose()?;
    // Another expression might fail on a row that does not pass.
    let chosen = match by.first().expr.downcast_ref::<Column>() {
        Some(key) => best(all.column(key.index()), passing, by.first().options, fetch)?,
        None => passing,
    };
    match chosen {
        None => Ok(all),
        Some(mask) => Ok(filter_record_batch(&all, &mask)?),
    }
}

/// Of the rows that pass those whose first key is no worse than the worst of the `fetch` best; all that pass when that is
/// not worth finding out or can't be told simply.
pub fn best(
    keys: &ArrayRef,
    passing: Option<BooleanArray>,
    options: SortOptions,
    fetch: usize,
) -> Result<Option<BooleanArray>> {
    if fetch == 0 || keys.len() < fetch.saturating_mul(ROWS_A_CANDIDATE) || !has_best(keys.data_type()) {
        return Ok(passing);
    }
    let nulls = keys.logical_nulls();
    let passes = |row: usize| passing.as_ref().is_none_or(|passing| passing.value(row) && passing.is_valid(row));
    // The best so far, the worst of them on top. A null is among the first or the last: not told here.
    let (values, sign) = (whole_numbers(keys), if options.descending { -1 } else { 1 });
    let mut best = BinaryHeap::with_capacity(fetch + 1);
    let mut worst = i64::MAX;
    for row in (0..values.len()).filter(|row| passes(*row)) {
        if nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)) {
            return Ok(passing);
        }
        let value = values[row].saturating_mul(sign);
        if best.len() < fetch || value < worst {
            best.push(value);
            if best.len() > fetch {
                best.pop();
            }
            worst = best.peek().copied().unwrap_or(i64::MAX);
        }
    }
    if best.len() < fetch {
        return Ok(passing);
    }
    let good = |row: usize| values[row].saturating_mul(sign) <= worst && passes(row);
    Ok(Some(BooleanArray::new(BooleanBuffer::collect_bool(values.len(), good), None)))
}

/// Whether the best keys of this type can be told simply.
pub fn has_best(key: &DataType) -> bool {
    matches!(key, DataType::Int64 | DataType::Timestamp(TimeUnit::Microsecond, _))
}
