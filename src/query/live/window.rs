//! Which rows a time window lets through, without looking at them.
//!
//! The clock enters a query by comparisons of a time column with an expression of the clock (`ts >= now() - INTERVAL
//! '1 hour'`): its [`Atom`]s. At a tick each atom's threshold is worked out once; against the least and greatest `ts` of a
//! set of rows it is then true for all of them, false for all, or mixed. What that makes of the whole query is worked out
//! by DataFusion's own simplifier, once for each pattern ([`Window::outcome`]): no row can matter (`Empty`), the answer
//! has no clock in it (`Free`), or the set has to be looked at more finely (`Boundary`).
//!
//! A clock anywhere else (`date_part('hour', now())`, `now() - ts`) can't be decided like this: [`Window::new`] says so,
//! and the query is scanned instead.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, Field, Schema};
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, DFSchema, DFSchemaRef, Result, ScalarValue};
use datafusion::execution::SessionState;
use datafusion::logical_expr::expr::{BinaryExpr, ScalarFunction};
use datafusion::logical_expr::simplify::SimplifyContext;
use datafusion::logical_expr::{Between, Expr, Operator, lit};
use datafusion::optimizer::simplify_expressions::ExprSimplifier;
use datafusion::physical_expr::PhysicalExpr;

use super::super::functions::{instant_type, is_clock_function};

/// `column op threshold`, where the threshold has no column in it.
#[derive(Clone, Debug, PartialEq)]
pub struct Atom {
    pub expr: Expr,
    pub column: Column,
    /// The column is `ts`, of which every set of rows knows the least and greatest value.
    pub on_ts: bool,
    op: Operator,
    pub threshold: Expr,
}

/// What an atom is for a set of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Truth {
    All = 0,
    None = 1,
    /// For some of the rows, or it can't be said.
    Mixed = 2,
}

/// What the query is for a set of rows whose atoms have known truths.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// No row gets through.
    Empty,
    /// The partial answer depends on the rows, and on the thresholds of `atoms` (none: on the rows alone).
    /// `finer`: an atom on `ts` is among them, so that smaller sets decide more.
    Rows { residue: u64, atoms: Arc<[usize]>, finer: bool },
}

/// The clock in one cut of a query.
pub struct Window {
    pub atoms: Vec<Atom>,
    thresholds: Vec<Arc<dyn PhysicalExpr>>,
    /// The filter, then all other expressions, over the columns of the scan.
    filter: Expr,
    others: Vec<Expr>,
    schema: DFSchemaRef,
    /// By the truths of the atoms, two bits each.
    outcomes: HashMap<u64, Outcome>,
}

/// Two bits each must fit a `u64`.
const ATOMS_MAX: usize = 32;

/// True when the expression reads the clock.
pub fn reads_clock(expr: &Expr) -> bool {
    reads(expr, "now") || reads(expr, "day_start")
}

fn reads(expr: &Expr, function: &str) -> bool {
    let mut found = false;
    let _ = expr.apply(|expr| {
        if let Expr::ScalarFunction(ScalarFunction { func, .. }) = expr
            && func.name() == function
        {
            found = true;
            return Ok(TreeNodeRecursion::Stop);
        }
        Ok(TreeNodeRecursion::Continue)
    });
    found
}

impl Window {
    /// Finds the atoms of a filter and the other expressions of a cut, all over the columns of `schema`.
    ///
    /// # Errors
    /// A sentence: where the clock is used in a way that can't be decided for a set of rows.
    pub fn new(
        state: &SessionState,
        filter: &Expr,
        others: &[Expr],
        schema: &DFSchemaRef,
    ) -> std::result::Result<Window, String> {
        let fail = |error: datafusion::common::DataFusionError| error.strip_backtrace();
        let mut atoms = Vec::new();
        let filter = split_between(filter.clone()).map_err(fail)?;
        let others: Vec<Expr> =
            others.iter().map(|expr| split_between(expr.clone())).collect::<Result<_>>().map_err(fail)?;
        for expr in std::iter::once(&filter).chain(&others) {
            find_atoms(expr, &mut atoms).map_err(fail)?;
            if let Some(place) = clock_outside(expr, &atoms) {
                return Err(format!(
                    "the clock stands outside a comparison of a time column with it: {place}; write windows as ts >= …"
                ));
            }
        }
        if atoms.len() > ATOMS_MAX {
            return Err(format!("{} comparisons with the clock are more than {ATOMS_MAX}", atoms.len()));
        }
        if let Some(atom) = atoms.iter().find(|atom| !atom.on_ts && reads(&atom.threshold, "now")) {
            return Err(format!(
                "{} lets other rows through at every moment; compare ts with now(), or the column with day_start()",
                atom.expr
            ));
        }
        let nothing = DFSchema::empty();
        let thresholds = atoms
            .iter()
            .map(|atom| state.create_physical_expr(atom.threshold.clone(), &nothing))
            .collect::<Result<_>>()
            .map_err(fail)?;
        let stand_ins: Vec<Field> =
            (0..atoms.len()).map(|index| Field::new(atom_name(index), DataType::Boolean, true)).collect();
        let stand_ins = DFSchema::from_unqualified_fields(stand_ins.into(), HashMap::new()).map_err(fail)?;
        let schema = Arc::new(schema.join(&stand_ins).map_err(fail)?);
        Ok(Window { atoms, thresholds, filter, others, schema, outcomes: HashMap::new() })
    }

    /// The atoms' thresholds at the time the plan's clock cell holds; `None` where the threshold is null.
    ///
    /// # Errors
    /// A threshold can't be worked out.
    pub fn thresholds(&self) -> Result<Vec<Option<i64>>> {
        instants(&self.thresholds)
    }

    /// What the atoms are for rows with `ts` in `low..=high`, two bits each, the first atom lowest.
    pub fn truths(&self, thresholds: &[Option<i64>], low: i64, high: i64) -> u64 {
        self.atoms.iter().zip(thresholds).rev().fold(0, |code, (atom, threshold)| {
            let truth = match threshold {
                Some(threshold) if atom.on_ts => decide(atom.op, low, high, *threshold),
                _ => Truth::Mixed,
            };
            code << 2 | truth as u64
        })
    }

    /// What the query is for rows of which the atoms are `truths`; worked out once for each pattern.
    ///
    /// # Errors
    /// DataFusion's simplifier fails.
    pub fn outcome(&mut self, truths: u64) -> Result<&Outcome> {
        if !self.outcomes.contains_key(&truths) {
            let list: Vec<Truth> = (0..self.atoms.len())
                .map(|index| match truths >> (2 * index) & 3 {
                    0 => Truth::All,
                    1 => Truth::None,
                    _ => Truth::Mixed,
                })
                .collect();
            let outcome = self.work_out(&list)?;
            self.outcomes.insert(truths, outcome);
        }
        // Just put in where it was missing.
        Ok(self.outcomes.get(&truths).unwrap_or(&Outcome::Empty))
    }

    fn work_out(&self, truths: &[Truth]) -> Result<Outcome> {
        let simplifier = ExprSimplifier::new(SimplifyContext::builder().with_schema(self.schema.clone()).build());
        let specialise = |expr: &Expr| simplifier.simplify(self.substitute(expr.clone(), truths)?);
        let filter = specialise(&self.filter)?;
        if matches!(&filter, Expr::Literal(ScalarValue::Boolean(Some(false) | None) | ScalarValue::Null, _)) {
            return Ok(Outcome::Empty);
        }
        let mut residue = std::hash::DefaultHasher::new();
        let mut left = Vec::new();
        for expr in std::iter::once(Ok(filter)).chain(self.others.iter().map(specialise)) {
            let expr = expr?;
            std::hash::Hash::hash(&expr.to_string(), &mut residue);
            left.extend(expr.column_refs().iter().filter_map(|column| atom_index(&column.name)));
        }
        left.sort_unstable();
        left.dedup();
        let finer = left.iter().any(|index| self.atoms[*index].on_ts);
        let residue = std::hash::Hasher::finish(&residue);
        Ok(Outcome::Rows { residue, atoms: left.into(), finer })
    }

    fn substitute(&self, expr: Expr, truths: &[Truth]) -> Result<Expr> {
        let replaced = expr.transform_down(|expr| {
            for (index, (atom, truth)) in self.atoms.iter().zip(truths).enumerate() {
                if atom.expr == expr {
                    let known = match truth {
                        Truth::All => lit(true),
                        Truth::None => lit(false),
                        // A column of its own, so that the simplifier can neither split nor turn round what it stands for.
                        Truth::Mixed => Expr::Column(Column::new_unqualified(atom_name(index))),
                    };
                    return Ok(Transformed::new(known, true, TreeNodeRecursion::Jump));
                }
            }
            Ok(Transformed::no(expr))
        })?;
        Ok(replaced.data)
    }
}

/// Expressions without columns as instants, µs, at the time the plan's clock cell holds; `None` where one is null.
///
/// # Errors
/// One can't be worked out.
pub fn instants(exprs: &[Arc<dyn PhysicalExpr>]) -> Result<Vec<Option<i64>>> {
    let one = RecordBatch::try_new_with_options(
        Arc::new(Schema::empty()),
        Vec::new(),
        &RecordBatchOptions::new().with_row_count(Some(1)),
    )?;
    let instant = |expr: &Arc<dyn PhysicalExpr>| {
        let array = expr.evaluate(&one)?.into_array(1)?;
        let array = arrow::compute::cast(&array, &instant_type())?;
        let times = array.as_any().downcast_ref::<TimestampMicrosecondArray>();
        Ok(times.filter(|times| arrow::array::Array::is_valid(times, 0)).map(|times| times.value(0)))
    };
    exprs.iter().map(instant).collect()
}

fn atom_name(index: usize) -> String {
    format!("__atom_{index}")
}

fn atom_index(column: &str) -> Option<usize> {
    column.strip_prefix("__atom_")?.parse().ok()
}

fn decide(op: Operator, low: i64, high: i64, threshold: i64) -> Truth {
    let (all, none) = match op {
        Operator::GtEq => (low >= threshold, high < threshold),
        Operator::Gt => (low > threshold, high <= threshold),
        Operator::Lt => (high < threshold, low >= threshold),
        Operator::LtEq => (high <= threshold, low > threshold),
        // A window without length (`ts BETWEEN day_start() AND day_start()`) is optimized to this.
        Operator::Eq => (low == threshold && high == threshold, high < threshold || low > threshold),
        Operator::NotEq => (high < threshold || low > threshold, low == threshold && high == threshold),
        _ => (false, false),
    };
    match (all, none) {
        (true, _) => Truth::All,
        (_, true) => Truth::None,
        _ => Truth::Mixed,
    }
}

/// `a BETWEEN b AND c` as two comparisons.
pub fn split_between(expr: Expr) -> Result<Expr> {
    let split = expr.transform_up(|expr| match expr {
        Expr::Between(Between { expr, negated, low, high }) if reads_clock(&low) || reads_clock(&high) => {
            let both = expr.as_ref().clone().gt_eq(*low).and(expr.lt_eq(*high));
            Ok(Transformed::yes(if negated { Expr::Not(Box::new(both)) } else { both }))
        }
        other => Ok(Transformed::no(other)),
    })?;
    Ok(split.data)
}

pub fn find_atoms(expr: &Expr, atoms: &mut Vec<Atom>) -> Result<()> {
    expr.apply(|expr| {
        if let Some(atom) = atom_of(expr) {
            if !atoms.contains(&atom) {
                atoms.push(atom);
            }
            return Ok(TreeNodeRecursion::Jump);
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(())
}

/// Reads a comparison of a time column with something without columns. Comparisons of `ts` with a literal count too:
/// they choose rows just as well. Of other columns only those with the clock do: they have no known bounds.
fn atom_of(expr: &Expr) -> Option<Atom> {
    let Expr::BinaryExpr(BinaryExpr { left, op, right }) = expr else { return None };
    use Operator::{Eq, Gt, GtEq, Lt, LtEq, NotEq};
    if !matches!(op, Lt | LtEq | Gt | GtEq | Eq | NotEq) {
        return None;
    }
    let (column, op, threshold) = match (left.as_ref(), right.as_ref()) {
        (Expr::Column(column), threshold) => (column, *op, threshold),
        (threshold, Expr::Column(column)) => (column, op.swap()?, threshold),
        _ => return None,
    };
    if threshold.column_refs().is_empty() && !has_subquery(threshold) {
        let on_ts = column.name == "ts";
        let clock = reads_clock(threshold);
        let instant = matches!(threshold, Expr::Literal(ScalarValue::TimestampMicrosecond(Some(_), Some(_)), _));
        if clock || (on_ts && instant) {
            return Some(Atom { expr: expr.clone(), column: column.clone(), on_ts, op, threshold: threshold.clone() });
        }
    }
    None
}

pub fn has_subquery(expr: &Expr) -> bool {
    let is_one = |expr: &Expr| {
        matches!(expr, Expr::ScalarSubquery(_) | Expr::Exists(_) | Expr::InSubquery(_) | Expr::SetComparison(_))
    };
    expr.exists(|expr| Ok(is_one(expr))).unwrap_or(true)
}

/// Where the clock is read outside of every atom.
pub fn clock_outside(expr: &Expr, atoms: &[Atom]) -> Option<String> {
    let mut place = None;
    let _ = expr.apply(|expr| {
        if atoms.iter().any(|atom| &atom.expr == expr) {
            return Ok(TreeNodeRecursion::Jump);
        }
        if let Expr::ScalarFunction(ScalarFunction { func, .. }) = expr
            && is_clock_function(func.name())
        {
            place = Some(func.name().to_owned() + "()");
            return Ok(TreeNodeRecursion::Stop);
        }
        Ok(TreeNodeRecursion::Continue)
    });
    place
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comparison_is_decided_by_the_ends_of_the_range() {
        use Operator::{Eq, Gt, GtEq, Lt, LtEq, NotEq};
        assert_eq!(decide(GtEq, 10, 20, 10), Truth::All);
        assert_eq!(decide(GtEq, 10, 20, 11), Truth::Mixed);
        assert_eq!(decide(GtEq, 10, 20, 21), Truth::None);
        assert_eq!(decide(Gt, 10, 20, 10), Truth::Mixed);
        assert_eq!(decide(Gt, 10, 20, 20), Truth::None);
        assert_eq!(decide(Lt, 10, 20, 21), Truth::All);
        assert_eq!(decide(Lt, 10, 20, 10), Truth::None);
        assert_eq!(decide(LtEq, 10, 20, 20), Truth::All);
        assert_eq!(decide(LtEq, 10, 20, 9), Truth::None);
        for (low, high, threshold, truth) in
            [(10, 20, 9, Truth::None), (10, 20, 10, Truth::Mixed), (10, 10, 10, Truth::All), (10, 20, 21, Truth::None)]
        {
            assert_eq!(decide(Eq, low, high, threshold), truth);
            let opposite = match truth {
                Truth::All => Truth::None,
                Truth::None => Truth::All,
                Truth::Mixed => Truth::Mixed,
            };
            assert_eq!(decide(NotEq, low, high, threshold), opposite);
        }
    }
}
