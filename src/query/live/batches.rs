//! Small tools over record batches that stand for states.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BooleanArray, RecordBatch};
use arrow::compute::{concat_batches, filter_record_batch};
use arrow::datatypes::{Int64Type, SchemaRef, TimestampMicrosecondType};
use datafusion::common::Result;
use datafusion::physical_expr::PhysicalExpr;

/// A state: one batch, or nothing when no row got through.
pub type State = Option<RecordBatch>;

/// Whether the final step would give the same again; states of many groups are only looked at by their place.
pub fn same_inputs(a: &[RecordBatch], b: &[RecordBatch]) -> bool {
    let same = |(a, b): (&RecordBatch, &RecordBatch)| same_arrays(a, b) || (a.num_rows() <= 64 && a == b);
    a.len() == b.len() && a.iter().zip(b).all(same)
}

pub fn same_arrays(a: &RecordBatch, b: &RecordBatch) -> bool {
    a.num_rows() == b.num_rows() && a.columns().iter().zip(b.columns()).all(|(a, b)| Arc::ptr_eq(a, b))
}

/// The same arrays under another schema: names and metadata may differ, types may not.
pub fn with_schema(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
    if batch.schema_ref() == schema {
        return Ok(batch.clone());
    }
    let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    Ok(RecordBatch::try_new_with_options(schema.clone(), batch.columns().to_vec(), &options)?)
}

/// The rows for which a predicate is true; null where it can't say.
pub fn mask(predicate: &Arc<dyn PhysicalExpr>, batch: &RecordBatch) -> Result<BooleanArray> {
    Ok(predicate.evaluate(batch)?.into_array(batch.num_rows())?.as_boolean().clone())
}

/// The rows that pass; nothing where none does.
pub fn passed(batch: &RecordBatch, mask: &BooleanArray) -> Result<Option<RecordBatch>> {
    match mask.true_count() {
        0 => Ok(None),
        count if count == batch.num_rows() => Ok(Some(batch.clone())),
        _ => Ok(Some(filter_record_batch(batch, mask)?)),
    }
}

pub fn one(batches: Vec<RecordBatch>, schema: &SchemaRef) -> Result<State> {
    let mut batches: Vec<RecordBatch> = batches.into_iter().filter(|batch| batch.num_rows() > 0).collect();
    match batches.len() {
        0 => Ok(None),
        1 => Ok(Some(with_schema(&batches.remove(0), schema)?)),
        _ => Ok(Some(with_schema(&concat_batches(&batches[0].schema(), &batches)?, schema)?)),
    }
}

/// The values of a column of whole numbers or times; those of any other are none.
pub fn whole_numbers(column: &ArrayRef) -> &[i64] {
    match column.as_primitive_opt::<Int64Type>() {
        Some(numbers) => numbers.values(),
        None => column.as_primitive_opt::<TimestampMicrosecondType>().map_or(&[], |times| times.values()),
    }
}
