//! A physical plan that is run again and again.

use std::sync::Arc;

use arrow::array::RecordBatch;
use datafusion::common::Result;
use datafusion::execution::TaskContext;
use datafusion::physical_plan::execution_plan::reset_plan_states;
use datafusion::physical_plan::{ExecutionPlan, collect};

/// A plan's metrics grow with each run; it is made afresh after this many. Few, so that they are let go of while they are
/// still in the processor's cache.
const RUNS_MAX: u32 = 16;

/// A plan that is run again and again.
pub struct Rerun {
    plan: Arc<dyn ExecutionPlan>,
    runs: u32,
    /// A node keeps what it saw (a join its build side, a sort with a limit its threshold) and must be made afresh for
    /// each run.
    remembers: bool,
}

fn remembers(plan: &Arc<dyn ExecutionPlan>) -> bool {
    let name = plan.name();
    ["Join", "Sort", "LazyMemory", "Subquery", "Repartition", "Recursive"].iter().any(|word| name.contains(word))
        || plan.children().into_iter().any(remembers)
}

impl Rerun {
    pub fn new(plan: Arc<dyn ExecutionPlan>) -> Rerun {
        let remembers = remembers(&plan);
        Rerun { plan, runs: 0, remembers }
    }

    pub async fn run(&mut self, context: &Arc<TaskContext>) -> Result<Vec<RecordBatch>> {
        if self.runs >= RUNS_MAX || (self.remembers && self.runs > 0) {
            self.plan = reset_plan_states(self.plan.clone())?;
            self.runs = 0;
        }
        self.runs += 1;
        collect(self.plan.clone(), context.clone()).await
    }
}
