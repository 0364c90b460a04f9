//! Steps from a physical plan.

use std::sync::Arc;

use datafusion::common::Result;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::window::WindowExpr;
use datafusion::physical_expr::{LexOrdering, PhysicalExpr, PhysicalSortExpr, ScalarFunctionExpr};
use datafusion::physical_plan::aggregates::AggregateExec;
use datafusion::physical_plan::coalesce_partitions::CoalescePartitionsExec;
use datafusion::physical_plan::coop::CooperativeExec;
use datafusion::physical_plan::filter::FilterExec;
use datafusion::physical_plan::joins::{CrossJoinExec, HashJoinExec};
use datafusion::physical_plan::limit::{GlobalLimitExec, LocalLimitExec};
use datafusion::physical_plan::projection::ProjectionExec;
use datafusion::physical_plan::sorts::sort::SortExec;
use datafusion::physical_plan::sorts::sort_preserving_merge::SortPreservingMergeExec;
use datafusion::physical_plan::union::UnionExec;
use datafusion::physical_plan::windows::{BoundedWindowAggExec, WindowAggExec};
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties, replace_children_if_necessary};

use super::super::super::functions::{CLOCK_FUNCTIONS, is_clock_function};
use super::super::rerun::Rerun;
use super::super::slot::{Slot, SlotExec};
use super::aggregate::Aggregate;
use super::join::{Cross, Join};
use super::{Filter, Step, Work};

/// Leaves that give the same rows at each run.
const STEADY: &[&str] = &["DataSourceExec", "PlaceholderRowExec", "EmptyExec", "LazyMemoryExec"];

pub fn steps(plan: &Arc<dyn ExecutionPlan>) -> Result<Vec<Step>> {
    let mut steps = Vec::new();
    if is_one_piece(plan) {
        steps.push(step(plan, Work::Plan(Rerun::new(plan.clone()), Vec::new()), Vec::new(), true));
    } else {
        add(plan, &mut steps)?;
    }
    Ok(steps)
}

/// Its parts know of one another otherwise than by their rows.
fn is_one_piece(plan: &Arc<dyn ExecutionPlan>) -> bool {
    let name = plan.name();
    ["Subquery", "Recursive", "WorkTable"].iter().any(|word| name.contains(word))
        || plan.children().into_iter().any(is_one_piece)
}

fn step(plan: &Arc<dyn ExecutionPlan>, work: Work, inputs: Vec<usize>, reads_clock: bool) -> Step {
    Step { work, inputs, schema: plan.schema(), reads_clock, output: None, changed: true }
}

/// Adds the steps of a plan; the place of the last one.
fn add(plan: &Arc<dyn ExecutionPlan>, steps: &mut Vec<Step>) -> Result<usize> {
    let lowered = lowered(plan)?;
    let plan = lowered.as_ref().unwrap_or(plan);
    let (work, inputs) = match work_of(plan)? {
        Some((Work::Together, inputs)) if inputs.len() == 1 => return add(inputs[0], steps),
        Some(known) => known,
        None => return add_plan(plan, steps),
    };
    let inputs = inputs.into_iter().map(|input| add(input, steps)).collect::<Result<Vec<_>>>()?;
    let reads_clock = plan_reads_clock(plan, &work);
    steps.push(step(plan, work, inputs, reads_clock));
    Ok(steps.len() - 1)
}

type Known<'a> = (Work, Vec<&'a Arc<dyn ExecutionPlan>>);

fn work_of(plan: &Arc<dyn ExecutionPlan>) -> Result<Option<Known<'_>>> {
    let inputs = plan.children();
    let work = if let Some(leaf) = plan.downcast_ref::<SlotExec>() {
        Some(Work::Slot(leaf.slot().clone()))
    } else if let Some(project) = plan.downcast_ref::<ProjectionExec>() {
        Some(Work::Project(project.expr().iter().map(|expr| expr.expr.clone()).collect()))
    } else if let Some(filter) = plan.downcast_ref::<FilterExec>() {
        filter.fetch().is_none().then(|| Work::Filter(filter_of(filter)))
    } else if let Some(aggregate) = plan.downcast_ref::<AggregateExec>() {
        Aggregate::new(aggregate)?.map(|aggregate| Work::Aggregate(Box::new(aggregate)))
    } else if let Some(sort) = plan.downcast_ref::<SortExec>() {
        return Ok(Some(sort_of(sort)));
    } else if let Some(merge) = plan.downcast_ref::<SortPreservingMergeExec>() {
        Some(Work::Sort(merge.expr().clone(), merge.fetch()))
    } else if let Some(limit) = plan.downcast_ref::<GlobalLimitExec>() {
        Some(Work::Limit(limit.skip(), limit.fetch()))
    } else if let Some(limit) = plan.downcast_ref::<LocalLimitExec>() {
        Some(Work::Limit(0, Some(limit.fetch())))
    } else if let Some(join) = plan.downcast_ref::<CrossJoinExec>() {
        Some(Work::Cross(Cross::new(join)))
    } else if let Some(join) = plan.downcast_ref::<HashJoinExec>() {
        Join::new(join)?.map(Work::Join)
    } else if plan.is::<UnionExec>() || plan.is::<CooperativeExec>() || is_gathering(plan) {
        Some(Work::Together)
    } else {
        None
    };
    Ok(work.map(|work| (work, inputs)))
}

/// Partitions become one; here there is one.
fn is_gathering(plan: &Arc<dyn ExecutionPlan>) -> bool {
    plan.is::<CoalescePartitionsExec>() && plan.fetch().is_none()
}

fn filter_of(filter: &FilterExec) -> Filter {
    Filter { predicate: filter.predicate().clone(), columns: filter.projection().clone() }
}

/// A sort of the first rows takes the filter below it along: few rows are copied then.
fn sort_of(sort: &SortExec) -> Known<'_> {
    let by = sort.expr().clone();
    let Some(fetch) = sort.fetch() else { return (Work::Sort(by, None), vec![sort.input()]) };
    let below = sort.input().downcast_ref::<FilterExec>().filter(|filter| filter.fetch().is_none());
    match below {
        Some(filter) => (Work::Top(Some(filter_of(filter)), by, fetch), vec![filter.input()]),
        None => (Work::Top(None, by, fetch), vec![sort.input()]),
    }
}

/// The first rows of a projection as the projection of the first rows, where the keys are columns of what is projected.
fn lowered(plan: &Arc<dyn ExecutionPlan>) -> Result<Option<Arc<dyn ExecutionPlan>>> {
    let Some(sort) = plan.downcast_ref::<SortExec>().filter(|sort| sort.fetch().is_some()) else { return Ok(None) };
    let Some(project) = sort.input().downcast_ref::<ProjectionExec>() else { return Ok(None) };
    let below = |key: &PhysicalSortExpr| {
        let place = key.expr.downcast_ref::<Column>()?.index();
        let expr = project.expr().get(place)?.expr.clone();
        expr.is::<Column>().then(|| PhysicalSortExpr::new(expr, key.options))
    };
    let Some(keys) = sort.expr().iter().map(below).collect::<Option<Vec<_>>>() else { return Ok(None) };
    let Some(by) = LexOrdering::new(keys) else { return Ok(None) };
    let first: Arc<dyn ExecutionPlan> = Arc::new(SortExec::new(by, project.input().clone()).with_fetch(sort.fetch()));
    Ok(Some(replace_children_if_necessary(sort.input().clone(), vec![first])?))
}

/// A node that DataFusion runs, over slots in place of its inputs.
fn add_plan(plan: &Arc<dyn ExecutionPlan>, steps: &mut Vec<Step>) -> Result<usize> {
    let (mut inputs, mut slots) = (Vec::new(), Vec::new());
    let mut leaves: Vec<Arc<dyn ExecutionPlan>> = Vec::new();
    for input in plan.children() {
        inputs.push(add(input, steps)?);
        let slot = Slot::new(input.schema());
        // What the node was planned for still holds: the order of the rows, above all.
        leaves.push(Arc::new(SlotExec::like(slot.clone(), input.equivalence_properties().clone())));
        slots.push(slot);
    }
    let steady = !leaves.is_empty() || STEADY.contains(&plan.name());
    let node = if leaves.is_empty() { plan.clone() } else { replace_children_if_necessary(plan.clone(), leaves)? };
    let work = Work::Plan(Rerun::new(node), slots);
    let reads_clock = !steady || plan_reads_clock(plan, &work);
    steps.push(step(plan, work, inputs, reads_clock));
    Ok(steps.len() - 1)
}

fn plan_reads_clock(plan: &Arc<dyn ExecutionPlan>, work: &Work) -> bool {
    let mut reads = match work {
        Work::Top(Some(filter), ..) => reads_clock(&filter.predicate),
        _ => false,
    };
    // A window function's FILTER is not among its expressions, but in its name.
    let named = |window: &Arc<dyn WindowExpr>| CLOCK_FUNCTIONS.iter().any(|name| window.name().contains(name));
    reads |= windows(plan).iter().any(named);
    let visited = plan.apply_expressions(&mut |expr| {
        reads |= reads_clock(expr);
        Ok(TreeNodeRecursion::Continue)
    });
    reads || visited.is_err()
}

fn windows(plan: &Arc<dyn ExecutionPlan>) -> &[Arc<dyn WindowExpr>] {
    let bounded = || plan.downcast_ref::<BoundedWindowAggExec>().map(BoundedWindowAggExec::window_expr);
    plan.downcast_ref::<WindowAggExec>().map(WindowAggExec::window_expr).or_else(bounded).unwrap_or_default()
}

fn reads_clock(expr: &Arc<dyn PhysicalExpr>) -> bool {
    let clock = |expr: &Arc<dyn PhysicalExpr>| {
        Ok(expr.downcast_ref::<ScalarFunctionExpr>().is_some_and(|function| is_clock_function(function.fun().name())))
    };
    expr.exists(clock).unwrap_or(true)
}
