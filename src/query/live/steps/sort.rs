//! Rows in order, and the first of them without ordering all.

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch};
use arrow::buffer::BooleanBuffer;
use arrow::compute::{SortOptions, and, filter, filter_record_batch};
use arrow::datatypes::{DataType, Int64Type, TimeUnit, TimestampMicrosecondType};
use datafusion::common::Result;
use datafusion::physical_expr::LexOrdering;
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_plan::sorts::sort::sort_batch;

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
    let mask = passes.map(|passes| passes.mask(batch)).transpose()?;
    // Another expression might fail on a row that does not pass.
    let chosen = match by.first().expr.downcast_ref::<Column>() {
        Some(key) => best(all.column(key.index()), mask, by.first().options, fetch)?,
        None => mask,
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
    let those = match &passing {
        None => keys.clone(),
        Some(passing) => filter(keys, passing)?,
    };
    if those.null_count() > 0 || those.len() <= fetch {
        return Ok(passing);
    }
    let mut those = values(&those).to_vec();
    let worst = match options.descending {
        false => *those.select_nth_unstable(fetch - 1).1,
        true => *those.select_nth_unstable_by(fetch - 1, |a, b| b.cmp(a)).1,
    };
    // Where a key is null the value is anything; such a row does not pass.
    let values = values(keys);
    let good = match options.descending {
        false => BooleanBuffer::collect_bool(values.len(), |row| values[row] <= worst),
        true => BooleanBuffer::collect_bool(values.len(), |row| values[row] >= worst),
    };
    let good = BooleanArray::new(good, None);
    Ok(Some(match passing {
        None => good,
        Some(passing) => and(&passing, &good)?,
    }))
}

/// Whether the best keys of this type can be told simply.
pub fn has_best(key: &DataType) -> bool {
    matches!(key, DataType::Int64 | DataType::Timestamp(TimeUnit::Microsecond, _))
}

fn values(keys: &ArrayRef) -> &[i64] {
    match keys.as_primitive_opt::<Int64Type>() {
        Some(numbers) => numbers.values(),
        None => keys.as_primitive_opt::<TimestampMicrosecondType>().map_or(&[], |times| times.values()),
    }
}
