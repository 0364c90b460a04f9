//! Small tools over record batches that stand for states.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use arrow::datatypes::SchemaRef;
use datafusion::common::Result;

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

pub fn one(batches: Vec<RecordBatch>, schema: &SchemaRef) -> Result<State> {
    let mut batches: Vec<RecordBatch> = batches.into_iter().filter(|batch| batch.num_rows() > 0).collect();
    match batches.len() {
        0 => Ok(None),
        1 => Ok(Some(with_schema(&batches.remove(0), schema)?)),
        _ => Ok(Some(with_schema(&concat_batches(&batches[0].schema(), &batches)?, schema)?)),
    }
}
