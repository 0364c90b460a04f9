//! Which parts of a plan can be kept by the rows of a state table that change.

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::common::tree_node::TreeNode;
use datafusion::common::{Column, DFSchemaRef, Result};
use datafusion::datasource::source_as_provider;
use datafusion::logical_expr::expr::{AggregateFunction, Sort};
use datafusion::logical_expr::{Expr, ExprSchemable, LogicalPlan, TableScan};

use super::super::super::functions::instant_type;
use super::super::super::tables::StateTable;
use super::super::cut::{flatten, scan_columns, unalias, unsteady};
use super::super::slot::Slot;
use super::super::steps::has_best;
use super::super::window::{Atom, clock_outside, find_atoms, has_subquery, reads_clock, split_between};

/// A cut over a state table, still logical. All expressions are over the columns of the scan.
pub struct TablePlan {
    pub name: String,
    /// Columns of the table that are read.
    pub columns: Vec<usize>,
    pub scan_schema: DFSchemaRef,
    pub filter: Option<Expr>,
    /// Comparisons of a time column with the clock: otherwise the clock decides nothing.
    pub atoms: Vec<Atom>,
    pub kind: Kind,
    /// Where its result goes.
    pub output: Slot,
}

pub enum Kind {
    Groups {
        groups: Vec<Expr>,
        functions: Vec<Expr>,
    },
    /// The first `fetch` rows in this order, and what is shown of them.
    First {
        by: Vec<Sort>,
        columns: Vec<Expr>,
        fetch: usize,
        /// What is shown reads the clock.
        shows_clock: bool,
    },
}

/// The cut at this node, when it is one.
pub fn plan_at(node: &LogicalPlan) -> Result<Option<TablePlan>> {
    let (input, mut exprs) = match node {
        LogicalPlan::Aggregate(aggregate) => {
            (&aggregate.input, aggregate.group_expr.iter().chain(&aggregate.aggr_expr).cloned().collect::<Vec<_>>())
        }
        LogicalPlan::Sort(sort) if sort.fetch.is_some() => {
            let columns = sort.input.schema().iter().map(|field| Expr::Column(Column::from(field)));
            (&sort.input, sort.expr.iter().map(|sort| sort.expr.clone()).chain(columns).collect())
        }
        _ => return Ok(None),
    };
    let Some((scan, name)) = linear_scan(input) else { return Ok(None) };
    let mut filters = Vec::new();
    flatten(input, &mut exprs, &mut filters)?;
    let schema = &scan.projected_schema;
    let mut atoms = Vec::new();
    let exprs = exprs.into_iter().map(|expr| split_between(unalias(&expr).clone())).collect::<Result<Vec<_>>>()?;
    let filters = filters.into_iter().map(split_between).collect::<Result<Vec<_>>>()?;
    // What is shown of few rows may read the clock.
    let deciding = match node {
        LogicalPlan::Sort(sort) => sort.expr.len(),
        _ => exprs.len(),
    };
    for expr in exprs.iter().take(deciding).chain(&filters) {
        find_atoms(expr, &mut atoms)?;
        if clock_outside(expr, &atoms).is_some() {
            return Ok(None);
        }
    }
    for expr in exprs.iter().chain(&filters) {
        let is_outer = expr.exists(|expr| Ok(matches!(expr, Expr::OuterReferenceColumn(..))))?;
        if is_outer || has_subquery(expr) || unsteady(expr).is_some() {
            return Ok(None);
        }
    }
    let is_time = |atom: &Atom| {
        schema.qualified_field_from_column(&atom.column).is_ok_and(|(_, of)| *of.data_type() == instant_type())
    };
    if !atoms.iter().all(is_time) {
        return Ok(None);
    }
    let mut exprs = exprs.into_iter();
    let kind = match node {
        LogicalPlan::Aggregate(aggregate) => {
            let groups: Vec<Expr> = exprs.by_ref().take(aggregate.group_expr.len()).collect();
            let functions: Vec<Expr> = exprs.collect();
            if !groups.iter().all(|group| is_key(group, schema))
                || !functions.iter().all(|expr| takes_back(expr, schema))
            {
                return Ok(None);
            }
            Kind::Groups { groups, functions }
        }
        LogicalPlan::Sort(sort) => {
            let by: Vec<Sort> = sort.expr.iter().zip(exprs.by_ref()).map(|(sort, expr)| sort.with_expr(expr)).collect();
            if !by.iter().all(|sort| is_key(&sort.expr, schema)) {
                return Ok(None);
            }
            let columns: Vec<Expr> = exprs.collect();
            let shows_clock = columns.iter().any(reads_clock);
            Kind::First { by, columns, fetch: sort.fetch.unwrap_or_default(), shows_clock }
        }
        _ => return Ok(None),
    };
    Ok(Some(TablePlan {
        name: name.to_owned(),
        columns: scan_columns(scan),
        scan_schema: schema.clone(),
        filter: filters.into_iter().reduce(Expr::and),
        atoms,
        kind,
        output: Slot::new(Arc::new(node.schema().as_arrow().clone())),
    }))
}

/// The scan of a state table below filters, projections and names alone.
fn linear_scan(plan: &LogicalPlan) -> Option<(&TableScan, &'static str)> {
    match plan {
        LogicalPlan::Filter(filter) => linear_scan(&filter.input),
        LogicalPlan::Projection(projection) => linear_scan(&projection.input),
        LogicalPlan::SubqueryAlias(alias) => linear_scan(&alias.input),
        LogicalPlan::TableScan(scan) if scan.fetch.is_none() && scan.filters.is_empty() => {
            let provider = source_as_provider(&scan.source).ok()?;
            Some((scan, provider.downcast_ref::<StateTable>()?.name()))
        }
        _ => None,
    }
}

/// Equal values have equal bytes, and their order is that of the bytes.
fn is_key(expr: &Expr, schema: &DFSchemaRef) -> bool {
    let simple = |expr: &Expr| expr.get_type(schema).is_ok_and(|of| !of.is_floating() && !of.is_nested());
    !matches!(expr, Expr::GroupingSet(_)) && simple(expr)
}

/// An aggregate from which a row can be taken back, exactly.
fn takes_back(expr: &Expr, schema: &DFSchemaRef) -> bool {
    let Expr::AggregateFunction(AggregateFunction { func, params }) = expr else { return false };
    let [argument] = &params.args[..] else { return false };
    let is_plain = !params.distinct && params.order_by.is_empty() && params.null_treatment.is_none();
    let of = argument.get_type(schema).ok();
    is_plain
        && match func.name() {
            "count" => true,
            "sum" => of == Some(DataType::Int64),
            "min" | "max" => of.is_some_and(|of| has_best(&of)),
            _ => false,
        }
}
