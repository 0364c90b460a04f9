//! Groups and their aggregates, by DataFusion's own group tables and accumulators.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::compute::filter;
use arrow::datatypes::SchemaRef;
use datafusion::common::Result;
use datafusion::logical_expr::{EmitTo, GroupsAccumulator};
use datafusion::physical_expr::aggregate::AggregateFunctionExpr;
use datafusion::physical_expr::{GroupsAccumulatorAdapter, PhysicalExpr};
use datafusion::physical_expr_common::utils::evaluate_expressions_to_arrays;
use datafusion::physical_plan::InputOrderMode;
use datafusion::physical_plan::aggregates::{
    AggregateExec, AggregateInputMode, AggregateOutputMode, aggregate_expressions, create_accumulators,
    finalize_aggregation,
};
use parking_lot::Mutex;

use super::super::batches::mask;
use super::keys::Keys;

type Exprs = Vec<Arc<dyn PhysicalExpr>>;

pub struct Aggregate {
    plan: AggregateExec,
    groups: Exprs,
    group_schema: SchemaRef,
    arguments: Vec<Exprs>,
    /// Which rows count, for each function; empty where states are merged.
    filters: Vec<Option<Arc<dyn PhysicalExpr>>>,
    /// Made at the first run; empty between runs. Nobody waits for the lock: it makes of what may be sent between threads
    /// what may be shared by them.
    table: Mutex<Option<Table>>,
}

struct Table {
    keys: Keys,
    accumulators: Vec<Box<dyn GroupsAccumulator>>,
    /// The group of each row of a batch.
    rows: Vec<usize>,
}

impl Aggregate {
    /// Nothing when it is of a kind that is not known here: grouping sets, and rows that come in groups.
    pub fn new(plan: &AggregateExec) -> Result<Option<Aggregate>> {
        if !plan.group_expr().is_single() || *plan.input_order_mode() != InputOrderMode::Linear {
            return Ok(None);
        }
        let raw = plan.mode().input_mode() == AggregateInputMode::Raw;
        let groups = plan.group_expr().input_exprs();
        Ok(Some(Aggregate {
            group_schema: plan.group_expr().group_schema(&plan.input().schema())?,
            arguments: aggregate_expressions(plan.aggr_expr(), plan.mode(), groups.len())?,
            filters: if raw { plan.filter_expr().to_vec() } else { vec![None; plan.aggr_expr().len()] },
            groups,
            plan: plan.clone(),
            table: Mutex::new(None),
        }))
    }

    pub fn forget(&mut self) {
        *self.table.get_mut() = None;
    }

    pub fn run(&mut self, batches: &[RecordBatch], schema: &SchemaRef) -> Result<Option<RecordBatch>> {
        if self.groups.is_empty() { self.one_row(batches, schema).map(Some) } else { self.rows(batches, schema) }
    }

    /// Without groups there is always one row.
    fn one_row(&self, batches: &[RecordBatch], schema: &SchemaRef) -> Result<RecordBatch> {
        let mut accumulators = create_accumulators(self.plan.aggr_expr())?;
        let merges = self.plan.mode().input_mode() == AggregateInputMode::Partial;
        for batch in batches {
            for (place, accumulator) in accumulators.iter_mut().enumerate() {
                let mut values = evaluate_expressions_to_arrays(self.arguments[place].iter(), batch)?;
                if merges {
                    accumulator.merge_batch(&values)?;
                    continue;
                }
                if let Some(counts) = &self.filters[place] {
                    let mask = mask(counts, batch)?;
                    values =
                        values.iter().map(|values| filter(values, &mask)).collect::<std::result::Result<_, _>>()?;
                }
                accumulator.update_batch(&values)?;
            }
        }
        let columns = finalize_aggregation(&mut accumulators, self.plan.mode())?;
        let options = RecordBatchOptions::new().with_row_count(Some(1));
        Ok(RecordBatch::try_new_with_options(schema.clone(), columns, &options)?)
    }

    fn rows(&mut self, batches: &[RecordBatch], schema: &SchemaRef) -> Result<Option<RecordBatch>> {
        // Taken: what an error leaves behind is not used again.
        let mut table = match self.table.get_mut().take() {
            Some(table) => table,
            None => Table {
                keys: Keys::new(&self.group_schema)?,
                accumulators: self.plan.aggr_expr().iter().map(accumulator_of).collect::<Result<_>>()?,
                rows: Vec::new(),
            },
        };
        let merges = self.plan.mode().input_mode() == AggregateInputMode::Partial;
        for batch in batches.iter().filter(|batch| batch.num_rows() > 0) {
            let keys = evaluate_expressions_to_arrays(self.groups.iter(), batch)?;
            table.keys.intern(&keys, &mut table.rows, &self.group_schema)?;
            let count = table.keys.len();
            for (place, accumulator) in table.accumulators.iter_mut().enumerate() {
                let values = evaluate_expressions_to_arrays(self.arguments[place].iter(), batch)?;
                if merges {
                    accumulator.merge_batch(&values, &table.rows, count)?;
                } else {
                    let mask = self.filters[place].as_ref().map(|counts| mask(counts, batch)).transpose()?;
                    accumulator.update_batch(&values, &table.rows, mask.as_ref(), count)?;
                }
            }
        }
        if table.keys.len() == 0 {
            *self.table.get_mut() = Some(table);
            return Ok(None);
        }
        let mut columns: Vec<ArrayRef> = table.keys.emit()?;
        for accumulator in &mut table.accumulators {
            match self.plan.mode().output_mode() {
                AggregateOutputMode::Final => columns.push(accumulator.evaluate(EmitTo::All)?),
                AggregateOutputMode::Partial => columns.extend(accumulator.state(EmitTo::All)?),
            }
        }
        *self.table.get_mut() = Some(table);
        Ok(Some(RecordBatch::try_new(schema.clone(), columns)?))
    }
}

fn accumulator_of(function: &Arc<AggregateFunctionExpr>) -> Result<Box<dyn GroupsAccumulator>> {
    if function.groups_accumulator_supported() {
        return function.create_groups_accumulator();
    }
    let function = function.clone();
    Ok(Box::new(GroupsAccumulatorAdapter::new(move || function.create_accumulator())))
}
