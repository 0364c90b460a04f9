//! A physical plan as a list of steps that run at once, one after the other, each only when something below it changed.
//!
//! What stands above a cut, and a cut's own three plans, read some rows ten times a second. Starting DataFusion's streams
//! for them (metrics, timers, memory reservations, a task a node) costs many times what their expressions and accumulators
//! do. A step uses these same expressions, accumulators and sorts without the streams; a node that is not known here is
//! run by DataFusion over the results of the steps below it.

mod aggregate;
mod join;
pub mod keys;
mod make;
mod sort;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::compute::concat_batches;
use arrow::datatypes::SchemaRef;
use datafusion::common::Result;
use datafusion::execution::TaskContext;
use datafusion::physical_expr::{LexOrdering, PhysicalExpr};
use datafusion::physical_expr_common::utils::evaluate_expressions_to_arrays;
use datafusion::physical_plan::ExecutionPlan;

use self::aggregate::Aggregate;
use self::join::{Cross, Join};
pub use self::sort::{best, has_best};
use super::batches::{mask, passed, same_inputs, with_schema};
use super::rerun::Rerun;
use super::slot::Slot;

/// A physical plan as steps, inputs before what reads them; the last one gives the answer.
pub struct Steps {
    steps: Vec<Step>,
    /// Results stay from run to run, so that a step over unchanged inputs need not run.
    keeps: bool,
    /// A run that failed or was stopped midway leaves this set: what it left is not built upon.
    running: bool,
}

struct Step {
    work: Work,
    inputs: Vec<usize>,
    schema: SchemaRef,
    reads_clock: bool,
    output: Option<Vec<RecordBatch>>,
    changed: bool,
}

enum Work {
    Slot(Slot),
    Project(Vec<Arc<dyn PhysicalExpr>>),
    Filter(Filter),
    Aggregate(Box<Aggregate>),
    Sort(LexOrdering, Option<usize>),
    /// The first rows, in order, of those that pass.
    Top(Option<Filter>, LexOrdering, usize),
    Limit(usize, Option<usize>),
    /// All rows of all inputs.
    Together,
    Cross(Cross),
    Join(Join),
    /// DataFusion runs it over the results of its inputs.
    Plan(Rerun, Vec<Slot>),
}

/// Which rows pass, and which of their columns.
struct Filter {
    predicate: Arc<dyn PhysicalExpr>,
    columns: Option<Arc<[usize]>>,
}

impl Steps {
    /// `keeps`: results stay from run to run.
    ///
    /// # Errors
    /// A node's schema can't be worked out.
    pub fn new(plan: &Arc<dyn ExecutionPlan>, keeps: bool) -> Result<Steps> {
        Ok(Steps { steps: make::steps(plan)?, keeps, running: false })
    }

    /// Runs what has to be run; the rows, and whether they may differ from those of the last run.
    ///
    /// # Errors
    /// An expression or DataFusion fails; the next run begins anew.
    pub async fn run(&mut self, context: &Arc<TaskContext>) -> Result<(Vec<RecordBatch>, bool)> {
        if std::mem::replace(&mut self.running, true) {
            self.forget();
        }
        for at in 0..self.steps.len() {
            let (before, rest) = self.steps.split_at_mut(at);
            if let Some(step) = rest.first_mut() {
                step.run(before, context).await?;
            }
        }
        let answer = self.steps.last().map(|last| (last.output.clone().unwrap_or_default(), last.changed));
        if !self.keeps {
            self.steps.iter_mut().for_each(|step| step.output = None);
        }
        self.running = false;
        Ok(answer.unwrap_or_default())
    }

    fn forget(&mut self) {
        for step in &mut self.steps {
            step.output = None;
            match &mut step.work {
                Work::Aggregate(aggregate) => aggregate.forget(),
                Work::Join(join) => join.forget(),
                _ => {}
            }
        }
    }
}

impl Step {
    async fn run(&mut self, before: &[Step], context: &Arc<TaskContext>) -> Result<()> {
        let always = self.reads_clock || matches!(self.work, Work::Slot(_));
        let inputs_changed = self.inputs.iter().any(|input| before.get(*input).is_none_or(|step| step.changed));
        if self.output.is_some() && !always && !inputs_changed {
            self.changed = false;
            return Ok(());
        }
        let inputs: Vec<(&[RecordBatch], bool)> = self
            .inputs
            .iter()
            .filter_map(|input| before.get(*input))
            .map(|step| (step.output.as_deref().unwrap_or_default(), step.changed))
            .collect();
        let made = self.work.run(&inputs, &self.schema, context).await?;
        self.changed = !self.output.as_ref().is_some_and(|output| same_inputs(output, &made));
        if self.changed {
            self.output = Some(made);
        }
        Ok(())
    }
}

impl Work {
    /// `inputs`: the rows of each, and whether they differ from those of the last run.
    async fn run(
        &mut self,
        inputs: &[(&[RecordBatch], bool)],
        schema: &SchemaRef,
        context: &Arc<TaskContext>,
    ) -> Result<Vec<RecordBatch>> {
        let first = inputs.first().map_or(&[][..], |(rows, _)| *rows);
        match self {
            Work::Slot(slot) => Ok(slot.rows()),
            Work::Project(exprs) => first
                .iter()
                .map(|batch| {
                    let arrays = evaluate_expressions_to_arrays(exprs.iter(), batch)?;
                    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
                    Ok(RecordBatch::try_new_with_options(schema.clone(), arrays, &options)?)
                })
                .collect(),
            Work::Filter(filter) => {
                let passed = first.iter().map(|batch| filter.run(batch)).collect::<Result<Vec<_>>>()?;
                Ok(passed.into_iter().flatten().collect())
            }
            Work::Aggregate(aggregate) => Ok(aggregate.run(first, schema)?.into_iter().collect()),
            Work::Sort(by, fetch) => Ok(vec![sort::sorted(&together(first, schema)?, by, *fetch)?]),
            Work::Top(filter, by, fetch) => {
                let best = first.iter().map(|batch| sort::candidates(batch, filter.as_ref(), by, *fetch));
                let best = best.collect::<Result<Vec<_>>>()?;
                Ok(vec![sort::sorted(&together(&best, schema)?, by, Some(*fetch))?])
            }
            Work::Limit(skip, fetch) => Ok(limited(first, *skip, *fetch)),
            // The inputs of a union may have other names than it has.
            Work::Together => {
                inputs.iter().flat_map(|(rows, _)| rows.iter()).map(|batch| with_schema(batch, schema)).collect()
            }
            Work::Cross(cross) => {
                let [(left, _), (right, _)] = inputs else { return Ok(Vec::new()) };
                Ok(vec![cross.run(left, right, schema)?])
            }
            Work::Join(join) => {
                let [left, right] = inputs else { return Ok(Vec::new()) };
                Ok(vec![join.run(*left, *right, schema)?])
            }
            Work::Plan(plan, slots) => {
                for (slot, (rows, _)) in slots.iter().zip(inputs) {
                    slot.set(rows.to_vec());
                }
                let answer = plan.run(context).await;
                slots.iter().for_each(Slot::clear);
                answer
            }
        }
    }
}

impl Filter {
    fn project(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        Ok(match &self.columns {
            None => batch.clone(),
            Some(columns) => batch.project(columns)?,
        })
    }

    fn run(&self, batch: &RecordBatch) -> Result<Option<RecordBatch>> {
        passed(&self.project(batch)?, &mask(&self.predicate, batch)?)
    }
}

/// All rows in one batch.
fn together(batches: &[RecordBatch], schema: &SchemaRef) -> Result<RecordBatch> {
    match batches {
        [one] => Ok(one.clone()),
        several => Ok(concat_batches(several.first().map_or(schema, |batch| batch.schema_ref()), several)?),
    }
}

fn limited(batches: &[RecordBatch], mut skip: usize, fetch: Option<usize>) -> Vec<RecordBatch> {
    let (mut left, mut rows) = (fetch.unwrap_or(usize::MAX), Vec::new());
    for batch in batches {
        let skipped = skip.min(batch.num_rows());
        skip -= skipped;
        let taken = left.min(batch.num_rows() - skipped);
        left -= taken;
        if taken > 0 {
            rows.push(batch.slice(skipped, taken));
        }
    }
    rows
}
