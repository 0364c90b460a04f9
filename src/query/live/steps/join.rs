//! Rows of two inputs side by side: where keys are equal, or each with each.

use std::sync::Arc;

use ahash::AHashMap;
use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions, UInt32Array};
use arrow::compute::take;
use arrow::datatypes::SchemaRef;
use arrow::row::{RowConverter, SortField};
use datafusion::common::{DataFusionError, JoinType, NullEquality, Result};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr_common::utils::evaluate_expressions_to_arrays;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::joins::{CrossJoinExec, HashJoinExec};

use super::super::cost::Unwieldy;
use super::together;

/// A step's result lies in memory whole: what a join makes more rows of is not kept live.
const ROWS_MAX: usize = 1_000_000;

fn bounded(rows: usize) -> Result<()> {
    if rows > ROWS_MAX {
        return Err(DataFusionError::External(Box::new(Unwieldy(rows))));
    }
    Ok(())
}

pub struct Cross {
    left: SchemaRef,
    right: SchemaRef,
}

impl Cross {
    pub fn new(plan: &CrossJoinExec) -> Cross {
        Cross { left: plan.left().schema(), right: plan.right().schema() }
    }

    pub fn run(&self, left: &[RecordBatch], right: &[RecordBatch], schema: &SchemaRef) -> Result<RecordBatch> {
        let (left, right) = (together(left, &self.left)?, together(right, &self.right)?);
        let (rows, times) = (left.num_rows(), right.num_rows());
        bounded(rows.saturating_mul(times))?;
        let of_left = UInt32Array::from_iter_values((0..rows as u32).flat_map(|row| std::iter::repeat_n(row, times)));
        let of_right = UInt32Array::from_iter_values((0..rows).flat_map(|_| 0..times as u32));
        side_by_side(&left, &of_left, &right, &of_right, None, schema)
    }
}

/// A join of equal keys: rows of the one side are looked up among those of the other.
pub struct Join {
    left: Side,
    right: Side,
    /// The side that is looked up in is the left one.
    looks_up_left: bool,
    /// Rows of a side without a match are in the result.
    keeps_left: bool,
    keeps_right: bool,
    null_is_null: bool,
    columns: Option<Arc<[usize]>>,
    converter: RowConverter,
    /// Rows by key, while that side stays as it is.
    table: Option<AHashMap<Box<[u8]>, Vec<u32>>>,
}

struct Side {
    keys: Vec<Arc<dyn PhysicalExpr>>,
    schema: SchemaRef,
}

impl Join {
    /// Nothing when it is of a kind that is not known here.
    pub fn new(plan: &HashJoinExec) -> Result<Option<Join>> {
        let kinds = [JoinType::Inner, JoinType::Left, JoinType::Right, JoinType::Full];
        if !kinds.contains(plan.join_type()) || plan.filter().is_some() || plan.fetch().is_some() || plan.null_aware {
            return Ok(None);
        }
        let (left, right): (Vec<_>, Vec<_>) = plan.on().iter().cloned().unzip();
        let left = Side { keys: left, schema: plan.left().schema() };
        let right = Side { keys: right, schema: plan.right().schema() };
        let mut fields = Vec::with_capacity(left.keys.len());
        for (one, other) in left.keys.iter().zip(&right.keys) {
            let (one, other) = (one.data_type(&left.schema)?, other.data_type(&right.schema)?);
            // 0.0 equals -0.0 for people, not for bytes.
            if one != other || one.is_floating() || one.is_nested() {
                return Ok(None);
            }
            fields.push(SortField::new(one));
        }
        Ok(Some(Join {
            left,
            right,
            looks_up_left: matches!(plan.join_type(), JoinType::Right | JoinType::Inner),
            keeps_left: matches!(plan.join_type(), JoinType::Left | JoinType::Full),
            keeps_right: matches!(plan.join_type(), JoinType::Right | JoinType::Full),
            null_is_null: plan.null_equality() == NullEquality::NullEqualsNull,
            columns: plan.projection.clone(),
            converter: RowConverter::new(fields)?,
            table: None,
        }))
    }

    pub fn forget(&mut self) {
        self.table = None;
    }

    /// Of each side its rows, and whether they differ from those of the last run.
    pub fn run(
        &mut self,
        (left, left_changed): (&[RecordBatch], bool),
        (right, right_changed): (&[RecordBatch], bool),
        schema: &SchemaRef,
    ) -> Result<RecordBatch> {
        let (left, right) = (together(left, &self.left.schema)?, together(right, &self.right.schema)?);
        let (build, probe, changed) =
            if self.looks_up_left { (&left, &right, left_changed) } else { (&right, &left, right_changed) };
        let table = match self.table.take() {
            Some(table) if !changed => table,
            _ => self.table_of(build)?,
        };
        let keys = self.keys(if self.looks_up_left { &self.right } else { &self.left }, probe)?;
        let (keeps_probe, keeps_build) =
            if self.looks_up_left { (self.keeps_right, self.keeps_left) } else { (self.keeps_left, self.keeps_right) };
        let (mut of_probe, mut of_build) = (Vec::<Option<u32>>::new(), Vec::<Option<u32>>::new());
        let mut matched = vec![false; if keeps_build { build.num_rows() } else { 0 }];
        for (row, key) in keys.iter().enumerate() {
            let found = key.as_ref().and_then(|key| table.get(key.as_ref()));
            bounded(of_probe.len() + found.map_or(0, Vec::len))?;
            for place in found.into_iter().flatten() {
                of_probe.push(Some(row as u32));
                of_build.push(Some(*place));
                if let Some(matched) = matched.get_mut(*place as usize) {
                    *matched = true;
                }
            }
            if found.is_none() && keeps_probe {
                of_probe.push(Some(row as u32));
                of_build.push(None);
            }
        }
        for (place, _) in matched.iter().enumerate().filter(|(_, matched)| !**matched) {
            of_probe.push(None);
            of_build.push(Some(place as u32));
        }
        let (of_probe, of_build) = (UInt32Array::from(of_probe), UInt32Array::from(of_build));
        let (of_left, of_right) = if self.looks_up_left { (of_build, of_probe) } else { (of_probe, of_build) };
        self.table = Some(table);
        side_by_side(&left, &of_left, &right, &of_right, self.columns.as_deref(), schema)
    }

    fn table_of(&self, build: &RecordBatch) -> Result<AHashMap<Box<[u8]>, Vec<u32>>> {
        let keys = self.keys(if self.looks_up_left { &self.left } else { &self.right }, build)?;
        let mut table = AHashMap::with_capacity(keys.len());
        for (row, key) in keys.into_iter().enumerate() {
            if let Some(key) = key {
                table.entry(key).or_insert_with(Vec::new).push(row as u32);
            }
        }
        Ok(table)
    }

    /// The key of each row as bytes; nothing where a null of it equals nothing.
    fn keys(&self, side: &Side, batch: &RecordBatch) -> Result<Vec<Option<Box<[u8]>>>> {
        let columns = evaluate_expressions_to_arrays(side.keys.iter(), batch)?;
        let rows = self.converter.convert_columns(&columns)?;
        let equals_nothing = |row: usize| !self.null_is_null && columns.iter().any(|column| column.is_null(row));
        let key = |row: usize| (!equals_nothing(row)).then(|| Box::from(rows.row(row).as_ref()));
        Ok((0..batch.num_rows()).map(key).collect())
    }
}

/// The rows of both sides at these places; `columns` of theirs, or all.
fn side_by_side(
    left: &RecordBatch,
    of_left: &UInt32Array,
    right: &RecordBatch,
    of_right: &UInt32Array,
    columns: Option<&[usize]>,
    schema: &SchemaRef,
) -> Result<RecordBatch> {
    let width = left.num_columns();
    let column = |place: usize| -> Result<ArrayRef> {
        Ok(match place.checked_sub(width) {
            None => take(left.column(place), of_left, None)?,
            Some(place) => take(right.column(place), of_right, None)?,
        })
    };
    let arrays = match columns {
        Some(columns) => columns.iter().map(|place| column(*place)).collect::<Result<_>>()?,
        None => (0..width + right.num_columns()).map(column).collect::<Result<_>>()?,
    };
    let options = RecordBatchOptions::new().with_row_count(Some(of_left.len()));
    Ok(RecordBatch::try_new_with_options(schema.clone(), arrays, &options)?)
}
