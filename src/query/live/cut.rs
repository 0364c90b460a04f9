//! Where a plan is cut: below, work that can be done set by set of rows; above, the rest of the query on small results.
//!
//! A cut is the lowest aggregate (or `ORDER BY … LIMIT n`) over filters and projections of one stream. Everything above
//! it is left as DataFusion planned it, over a [`Slot`] with the cut's rows. A plan that reads a stream in any other way
//! is not of this class; [`Template::new`] says why in a sentence.

use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, DFSchemaRef, DataFusionError, Result};
use datafusion::datasource::source_as_provider;
use datafusion::execution::SessionState;
use datafusion::logical_expr::expr::{AggregateFunction, Alias, ScalarFunction};
use datafusion::logical_expr::{Expr, LogicalPlan, SubqueryAlias, TableScan, Volatility, lit};

use super::super::functions::is_clock_function;
use super::super::tables::{StateTable, StreamTable};
use super::slot::Slot;
use super::tables::plan::{TablePlan, plan_at};
use super::window::{Window, has_subquery, reads_clock};
use crate::model::Stream;

/// Aggregates whose partial states merge and stay small.
const MERGEABLE: &[&str] = &[
    "count",
    "sum",
    "min",
    "max",
    "avg",
    "bool_and",
    "bool_or",
    "bit_and",
    "bit_or",
    "bit_xor",
    "var",
    "var_pop",
    "var_sample",
    "var_samp",
    "stddev",
    "stddev_pop",
    "stddev_samp",
    "covar_samp",
    "covar_pop",
    "corr",
    "approx_distinct",
    "approx_percentile_cont",
    "approx_median",
    "first_value",
    "last_value",
];

/// How a cut's states are merged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Merge {
    /// By the aggregates' own states.
    Aggregate,
    /// By sorting again and keeping the first rows.
    Top,
}

/// One cut, still logical.
pub struct CutPlan {
    pub stream: Stream,
    /// Columns of the stream that are read.
    pub columns: Vec<usize>,
    pub scan_schema: DFSchemaRef,
    /// The filter over the columns of the scan; true when there is none.
    pub filter: Expr,
    /// The cut without its filters, over `rows`.
    pub plan: LogicalPlan,
    pub rows: Slot,
    /// Where its result goes.
    pub output: Slot,
    pub window: Window,
    pub merge: Merge,
}

impl CutPlan {
    /// What it does, in the same words whenever it is planned.
    pub fn text(&self) -> String {
        let atoms: Vec<String> = self.window.atoms.iter().map(|atom| format!("{} {}", atom.expr, atom.on_ts)).collect();
        let (stream, plan) = (self.stream.name(), self.plan.display_indent_schema());
        let whole = format!("{stream} {:?} {:?} {}\n{plan}\n{atoms:?}", self.columns, self.merge, self.filter);
        numbered_anew(&whole)
    }
}

/// The optimizer numbers the names it gives by all it ever named; here they are numbered by this text alone.
fn numbered_anew(text: &str) -> String {
    const NAME: &str = "__common_expr_";
    let mut parts = text.split(NAME);
    let mut anew = parts.next().unwrap_or_default().to_owned();
    let mut numbers: Vec<&str> = Vec::new();
    for part in parts {
        let (number, rest) = part.split_at(part.find(|c: char| !c.is_ascii_digit()).unwrap_or(part.len()));
        let place = numbers.iter().position(|known| *known == number).unwrap_or_else(|| {
            numbers.push(number);
            numbers.len() - 1
        });
        anew.push_str(&format!("{NAME}{place}{rest}"));
    }
    anew
}

/// A current-state table that the plan reads whole.
pub struct StateLeaf {
    pub name: String,
    pub columns: Vec<usize>,
    pub slot: Slot,
}

/// A plan cut into its parts.
pub struct Template {
    pub upper: LogicalPlan,
    pub cuts: Vec<CutPlan>,
    /// Cuts over state tables.
    pub tables: Vec<TablePlan>,
    /// State tables that are read whole.
    pub states: Vec<StateLeaf>,
    /// The part above the cuts reads the clock.
    pub upper_reads_clock: bool,
}

impl Template {
    /// Cuts an optimized plan whose clock functions are still there.
    ///
    /// # Errors
    /// Why it is not of the live class, as a sentence.
    pub fn new(state: &SessionState, plan: LogicalPlan) -> std::result::Result<Template, String> {
        let (mut cuts, mut tables, mut states) = (Vec::<CutPlan>::new(), Vec::new(), Vec::new());
        let mut reason: Option<String> = None;
        let upper = plan
            .transform_down_with_subqueries(|node| {
                if reason.is_some() {
                    return Ok(Transformed::new(node, false, TreeNodeRecursion::Stop));
                }
                match cut_at(state, &node) {
                    Ok(Some(cut)) => {
                        // A part that a query names twice is worked out once.
                        let text = cut.text();
                        let known = cuts.iter().find(|known| known.text() == text);
                        let leaf = known.unwrap_or(&cut).output.scan(node.schema().clone(), "__cut");
                        if known.is_none() {
                            cuts.push(cut);
                        }
                        return Ok(Transformed::new(leaf, true, TreeNodeRecursion::Jump));
                    }
                    Ok(None) => {}
                    Err(why) => {
                        reason = Some(why);
                        return Ok(Transformed::new(node, false, TreeNodeRecursion::Stop));
                    }
                }
                if let Some(table) = plan_at(&node)? {
                    let leaf = table.output.scan(node.schema().clone(), "__table");
                    tables.push(table);
                    return Ok(Transformed::new(leaf, true, TreeNodeRecursion::Jump));
                }
                let LogicalPlan::TableScan(scan) = &node else { return Ok(Transformed::no(node)) };
                let Ok(provider) = source_as_provider(&scan.source) else { return Ok(Transformed::no(node)) };
                if let Some(table) = provider.downcast_ref::<StreamTable>() {
                    reason = Some(format!(
                        "{} is read otherwise than by an aggregate or ORDER BY … LIMIT over filters of it alone",
                        table.stream()
                    ));
                    return Ok(Transformed::new(node, false, TreeNodeRecursion::Stop));
                }
                if let Some(table) = provider.downcast_ref::<StateTable>() {
                    let columns = scan_columns(scan);
                    let slot = Slot::new(scan.projected_schema.inner().clone());
                    let leaf = slot.scan(scan.projected_schema.clone(), "__state");
                    states.push(StateLeaf { name: table.name().to_owned(), columns, slot });
                    return Ok(Transformed::new(leaf, true, TreeNodeRecursion::Jump));
                }
                Ok(Transformed::no(node))
            })
            .map_err(|error| error.strip_backtrace())?
            .data;
        if let Some(reason) = reason {
            return Err(reason);
        }
        let mut upper_reads_clock = false;
        upper
            .apply_with_subqueries(|node| {
                for expr in node.expressions() {
                    upper_reads_clock |= reads_clock(&expr);
                    if let Some(name) = unsteady(&expr) {
                        reason = Some(format!("{name}() gives another answer each time"));
                    }
                }
                Ok(TreeNodeRecursion::Continue)
            })
            .map_err(|error| error.strip_backtrace())?;
        match reason {
            Some(reason) => Err(reason),
            None => Ok(Template { upper, cuts, tables, states, upper_reads_clock }),
        }
    }
}

pub fn scan_columns(scan: &TableScan) -> Vec<usize> {
    scan.projection.clone().unwrap_or_else(|| (0..scan.source.schema().fields().len()).collect())
}

/// A function that is neither the clock nor always the same for the same arguments.
pub fn unsteady(expr: &Expr) -> Option<String> {
    let mut found = None;
    let _ = expr.apply(|expr| {
        if let Expr::ScalarFunction(ScalarFunction { func, .. }) = expr
            && func.signature().volatility != Volatility::Immutable
            && !is_clock_function(func.name())
        {
            found = Some(func.name().to_owned());
            return Ok(TreeNodeRecursion::Stop);
        }
        Ok(TreeNodeRecursion::Continue)
    });
    found
}

/// The cut at this node, when it is one.
fn cut_at(state: &SessionState, node: &LogicalPlan) -> std::result::Result<Option<CutPlan>, String> {
    let (input, mut exprs, merge) = match node {
        LogicalPlan::Aggregate(aggregate) => {
            let exprs = aggregate.group_expr.iter().chain(&aggregate.aggr_expr).cloned().collect::<Vec<_>>();
            (&aggregate.input, exprs, Merge::Aggregate)
        }
        LogicalPlan::Sort(sort) if sort.fetch.is_some() => {
            // The rows themselves are kept: every column of theirs counts.
            let columns = sort.input.schema().iter().map(|field| Expr::Column(Column::from(field)));
            (&sort.input, sort.expr.iter().map(|sort| sort.expr.clone()).chain(columns).collect(), Merge::Top)
        }
        _ => return Ok(None),
    };
    let Some(scan) = linear_scan(input) else { return Ok(None) };
    let fail = |error: DataFusionError| error.strip_backtrace();
    if merge == Merge::Aggregate {
        for expr in &exprs {
            mergeable(expr)?;
        }
    }
    exprs = exprs.into_iter().flat_map(arguments).collect();
    let mut filters = Vec::new();
    flatten(input, &mut exprs, &mut filters).map_err(fail)?;
    for expr in exprs.iter().chain(&filters) {
        if let Some(name) = unsteady(expr) {
            return Err(format!("{name}() gives another answer each time"));
        }
        if has_subquery(expr) {
            return Err("a subquery decides which rows count".to_owned());
        }
    }
    let filter = filters.into_iter().reduce(Expr::and).unwrap_or_else(|| lit(true));
    let provider = source_as_provider(&scan.source).map_err(fail)?;
    let Some(table) = provider.downcast_ref::<StreamTable>() else { return Ok(None) };
    let rows = Slot::new(scan.projected_schema.inner().clone());
    let leaf = rows.scan(scan.projected_schema.clone(), "__rows");
    let plan = node
        .clone()
        .transform_up(|node| match node {
            LogicalPlan::TableScan(_) => Ok(Transformed::yes(leaf.clone())),
            // Rows are filtered before they come here.
            LogicalPlan::Filter(filter) => Ok(Transformed::yes(Arc::unwrap_or_clone(filter.input))),
            other => Ok(Transformed::no(other)),
        })
        .map_err(fail)?
        .data;
    let window = Window::new(state, &filter, &exprs, &scan.projected_schema)?;
    Ok(Some(CutPlan {
        stream: table.stream(),
        columns: scan_columns(scan),
        scan_schema: scan.projected_schema.clone(),
        filter,
        plan,
        rows,
        output: Slot::new(Arc::new(node.schema().as_arrow().clone())),
        window,
        merge,
    }))
}

/// The scan of a stream below filters, projections and names alone.
fn linear_scan(plan: &LogicalPlan) -> Option<&TableScan> {
    match plan {
        LogicalPlan::Filter(filter) => linear_scan(&filter.input),
        LogicalPlan::Projection(projection) => linear_scan(&projection.input),
        LogicalPlan::SubqueryAlias(alias) => linear_scan(&alias.input),
        LogicalPlan::TableScan(scan) if scan.fetch.is_none() => {
            let provider = source_as_provider(&scan.source).ok()?;
            provider.downcast_ref::<StreamTable>().filter(|table| table.until().is_none())?;
            Some(scan)
        }
        _ => None,
    }
}

fn mergeable(expr: &Expr) -> std::result::Result<(), String> {
    let Expr::AggregateFunction(AggregateFunction { func, params }) = unalias(expr) else {
        return match unalias(expr) {
            Expr::GroupingSet(_) => Err("grouping sets are not kept live".to_owned()),
            _ => Ok(()),
        };
    };
    let name = func.name();
    if !MERGEABLE.contains(&name) {
        return Err(format!("{name}() keeps every row; use approx_percentile_cont or approx_distinct"));
    }
    if params.distinct && !matches!(name, "min" | "max" | "bool_and" | "bool_or") {
        return Err(format!("{name}(DISTINCT …) beside other aggregates keeps every value; ask for it alone"));
    }
    if matches!(name, "first_value" | "last_value") && params.order_by.is_empty() {
        return Err(format!("{name}() without ORDER BY depends on the order of work"));
    }
    Ok(())
}

pub fn unalias(expr: &Expr) -> &Expr {
    match expr {
        Expr::Alias(Alias { expr, .. }) => unalias(expr),
        other => other,
    }
}

/// What an aggregate reads, as plain expressions.
fn arguments(expr: Expr) -> Vec<Expr> {
    match expr {
        Expr::Alias(Alias { expr, .. }) => arguments(*expr),
        Expr::AggregateFunction(AggregateFunction { params, .. }) => {
            let order = params.order_by.into_iter().map(|sort| sort.expr);
            params.args.into_iter().chain(params.filter.map(|filter| *filter)).chain(order).collect()
        }
        other => vec![other],
    }
}

/// Rewrites expressions over the output of `plan` to the columns of the scan below it, and collects the filters.
pub fn flatten(plan: &LogicalPlan, exprs: &mut [Expr], filters: &mut Vec<Expr>) -> Result<()> {
    match plan {
        LogicalPlan::Filter(filter) => {
            filters.push(filter.predicate.clone());
            flatten(&filter.input, exprs, filters)
        }
        LogicalPlan::Projection(projection) => {
            let replace = |column: &Column| -> Result<Expr> {
                let index = projection.schema.index_of_column(column)?;
                Ok(unalias(&projection.expr[index]).clone())
            };
            substitute(exprs, filters, &replace)?;
            flatten(&projection.input, exprs, filters)
        }
        LogicalPlan::SubqueryAlias(SubqueryAlias { input, schema, .. }) => {
            let replace = |column: &Column| -> Result<Expr> {
                let index = schema.index_of_column(column)?;
                Ok(Expr::Column(Column::from(input.schema().qualified_field(index))))
            };
            substitute(exprs, filters, &replace)?;
            flatten(input, exprs, filters)
        }
        _ => Ok(()),
    }
}

fn substitute(exprs: &mut [Expr], filters: &mut [Expr], replace: &impl Fn(&Column) -> Result<Expr>) -> Result<()> {
    for expr in exprs.iter_mut().chain(filters) {
        let taken = std::mem::replace(expr, lit(true));
        *expr = taken
            .transform_down(|expr| match &expr {
                // Not into what was put in: its columns are those of the level below.
                Expr::Column(column) => Ok(Transformed::new(replace(column)?, true, TreeNodeRecursion::Jump)),
                _ => Ok(Transformed::no(expr)),
            })?
            .data;
    }
    Ok(())
}
