//! Groups of a state table's rows, from which rows can be taken back.
//!
//! Counts and sums are DataFusion's own accumulators, the ones it uses for windows that slide; least and greatest values
//! are kept with those next to them, so that one may leave.

use std::collections::BTreeMap;
use std::sync::Arc;

use ahash::AHashMap;
use arrow::array::{Array, ArrayRef, BooleanArray, RecordBatch, RecordBatchOptions, UInt32Array};
use arrow::compute::take;
use arrow::datatypes::{DataType, SchemaRef};
use arrow::row::{RowConverter, SortField};
use datafusion::common::{DFSchemaRef, Result, ScalarValue};
use datafusion::execution::SessionState;
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::logical_expr::{Accumulator, Expr};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::aggregate::{AggregateFunctionExpr, LoweredAggregateBuilder};
use datafusion::physical_expr_common::utils::evaluate_expressions_to_arrays;

use super::super::batches::{mask, whole_numbers};
use super::super::slot::Slot;

/// So many of the best values of a group are kept; when all of them have left, all rows are read again. Few in tests, so that
/// they do.
const BEST_MAX: usize = if cfg!(test) { 4 } else { 256 };

pub struct Tally {
    groups: Vec<Arc<dyn PhysicalExpr>>,
    converter: RowConverter,
    functions: Vec<Function>,
    schema: SchemaRef,
    /// By the bytes of their keys; nothing before the first answer.
    kept: Option<Groups>,
}

type Groups = BTreeMap<Box<[u8]>, Group>;

struct Function {
    of: Arc<AggregateFunctionExpr>,
    arguments: Vec<Arc<dyn PhysicalExpr>>,
    filter: Option<Arc<dyn PhysicalExpr>>,
    /// Whether it is the least value that is wanted, or the greatest one; counts and sums want none.
    least: Option<bool>,
}

struct Group {
    rows: i64,
    values: Vec<Value>,
}

enum Value {
    Sum(Box<dyn Accumulator>),
    Best(Best),
}

/// What some rows add or take away.
pub struct Changes {
    sign: i64,
    groups: Vec<Change>,
}

/// What they do to one group.
struct Change {
    key: Box<[u8]>,
    rows: i64,
    /// The arguments of each function.
    values: Vec<Vec<ArrayRef>>,
}

/// The places of one group's rows.
type Places = (Box<[u8]>, Vec<u32>);

impl Tally {
    /// # Errors
    /// An expression can't be planned.
    pub fn new(
        state: &SessionState,
        schema: &DFSchemaRef,
        groups: &[Expr],
        functions: &[Expr],
        output: &Slot,
    ) -> Result<Tally> {
        let groups =
            groups.iter().map(|expr| state.create_physical_expr(expr.clone(), schema)).collect::<Result<Vec<_>>>()?;
        let fields = groups.iter().map(|group| Ok(SortField::new(group.data_type(schema.as_arrow())?)));
        let context = PhysicalPlanningContext::default();
        let function = |expr: &Expr| {
            let builder =
                LoweredAggregateBuilder::new(expr, schema, schema.as_arrow(), state.execution_props(), &context);
            let lowered = builder.build()?;
            let least = match lowered.aggregate.fun().name() {
                "min" => Some(true),
                "max" => Some(false),
                _ => None,
            };
            let arguments = lowered.aggregate.expressions();
            Ok(Function { of: lowered.aggregate, arguments, filter: lowered.filter, least })
        };
        Ok(Tally {
            converter: RowConverter::new(fields.collect::<Result<_>>()?)?,
            groups,
            functions: functions.iter().map(function).collect::<Result<_>>()?,
            schema: output.schema.clone(),
            kept: None,
        })
    }

    /// Forgets all rows.
    pub fn begin(&mut self) {
        self.kept = Some(Groups::new());
    }

    /// What these rows add (`sign` 1) or take away (-1), at the clock as it stands.
    ///
    /// # Errors
    /// An expression fails.
    pub fn changes(&self, batch: Option<&RecordBatch>, sign: i64) -> Result<Changes> {
        let mut changes = Changes { sign, groups: Vec::new() };
        let Some(batch) = batch else { return Ok(changes) };
        let arguments =
            self.functions.iter().map(|function| evaluate_expressions_to_arrays(function.arguments.iter(), batch));
        let arguments = arguments.collect::<Result<Vec<_>>>()?;
        let masks = self
            .functions
            .iter()
            .map(|function| function.filter.as_ref().map(|filter| mask(filter, batch)).transpose());
        let masks = masks.collect::<Result<Vec<_>>>()?;
        for (key, places) in self.places(batch)? {
            let rows = places.len() as i64;
            let of_group = UInt32Array::from(places);
            let mut values = Vec::with_capacity(self.functions.len());
            for (arguments, mask) in arguments.iter().zip(&masks) {
                let chosen = mask.as_ref().map(|mask| chosen(&of_group, mask));
                let chosen = chosen.as_ref().unwrap_or(&of_group);
                values.push(arguments.iter().map(|array| Ok(take(array, chosen, None)?)).collect::<Result<_>>()?);
            }
            changes.groups.push(Change { key, rows, values });
        }
        Ok(changes)
    }

    /// The places of each group's rows.
    fn places(&self, rows: &RecordBatch) -> Result<Vec<Places>> {
        let all = 0..rows.num_rows() as u32;
        if self.groups.is_empty() {
            return Ok(vec![(Box::default(), all.collect())]);
        }
        let keys = evaluate_expressions_to_arrays(self.groups.iter(), rows)?;
        let keys = self.converter.convert_columns(&keys)?;
        let (mut groups, mut numbers) = (Vec::<Places>::new(), AHashMap::<&[u8], usize>::new());
        for (key, place) in keys.iter().zip(all) {
            let number = *numbers.entry(key.data()).or_insert_with(|| {
                groups.push((key.data().into(), Vec::new()));
                groups.len() - 1
            });
            groups[number].1.push(place);
        }
        Ok(groups)
    }

    /// Adds and takes away; false when it can't be told what is left, and all rows have to be read again.
    ///
    /// # Errors
    /// An accumulator fails; all that was known is forgotten.
    pub fn apply<const N: usize>(&mut self, changes: [Changes; N]) -> Result<bool> {
        // Taken: what an error leaves behind is not used again.
        let Some(mut kept) = self.kept.take() else { return Ok(false) };
        for Changes { sign, groups } in changes {
            for Change { key, rows, values } in groups {
                if !kept.contains_key(&key) {
                    kept.insert(key.clone(), self.group()?);
                }
                let Some(group) = kept.get_mut(&key) else { return Ok(false) };
                group.rows += sign * rows;
                for (value, columns) in group.values.iter_mut().zip(&values) {
                    if !value.apply(columns, sign > 0)? {
                        return Ok(false);
                    }
                }
                if group.rows < 0 {
                    return Ok(false);
                }
                if group.rows == 0 {
                    kept.remove(&key);
                }
            }
        }
        self.kept = Some(kept);
        Ok(true)
    }

    fn group(&self) -> Result<Group> {
        let value = |function: &Function| {
            Ok(match function.least {
                Some(least) => Value::Best(Best::new(least, function.of.field().data_type().clone())),
                None => Value::Sum(function.of.create_sliding_accumulator()?),
            })
        };
        Ok(Group { rows: 0, values: self.functions.iter().map(value).collect::<Result<_>>()? })
    }

    /// A row a group; nothing when there is none.
    ///
    /// # Errors
    /// An accumulator fails.
    pub fn answer(&mut self) -> Result<Option<RecordBatch>> {
        let Some(kept) = &mut self.kept else { return Ok(None) };
        let mut empty = None;
        if self.groups.is_empty() && kept.is_empty() {
            // Without groups there is always one row.
            let value = |function: &Function| function.of.create_accumulator()?.evaluate();
            empty = Some(self.functions.iter().map(value).collect::<Result<Vec<_>>>()?);
        }
        let count = kept.len().max(usize::from(empty.is_some()));
        if count == 0 {
            return Ok(None);
        }
        let parser = self.converter.parser();
        let mut columns = match self.groups.is_empty() {
            true => Vec::new(),
            false => self.converter.convert_rows(kept.keys().map(|key| parser.parse(key)))?,
        };
        for place in 0..self.functions.len() {
            let values = match &empty {
                Some(values) => vec![values[place].clone()],
                None => kept.values_mut().map(|group| group.values[place].now()).collect::<Result<_>>()?,
            };
            columns.push(ScalarValue::iter_to_array(values)?);
        }
        let options = RecordBatchOptions::new().with_row_count(Some(count));
        Ok(Some(RecordBatch::try_new_with_options(self.schema.clone(), columns, &options)?))
    }
}

/// Those of the places that count.
fn chosen(places: &UInt32Array, mask: &BooleanArray) -> UInt32Array {
    let counts = |place: &u32| mask.is_valid(*place as usize) && mask.value(*place as usize);
    UInt32Array::from_iter_values(places.values().iter().copied().filter(counts))
}

impl Value {
    fn apply(&mut self, columns: &[ArrayRef], adds: bool) -> Result<bool> {
        match self {
            Value::Sum(sum) if adds => sum.update_batch(columns)?,
            Value::Sum(sum) => sum.retract_batch(columns)?,
            Value::Best(best) => return Ok(columns.iter().all(|column| best.apply(column, adds))),
        }
        Ok(true)
    }

    fn now(&mut self) -> Result<ScalarValue> {
        match self {
            Value::Sum(sum) => sum.evaluate(),
            Value::Best(best) => best.now(),
        }
    }
}

/// The best values of a group, each with how often it is there.
pub struct Best {
    least: bool,
    of: DataType,
    /// The best one first: greatest values stand here as their complement.
    values: BTreeMap<i64, u32>,
    /// There are others, all worse than these.
    cut: bool,
}

impl Best {
    pub fn new(least: bool, of: DataType) -> Best {
        Best { least, of, values: BTreeMap::new(), cut: false }
    }

    /// False when it can't be told what the best one is now.
    pub fn apply(&mut self, column: &ArrayRef, adds: bool) -> bool {
        let nulls = column.logical_nulls();
        for (place, value) in whole_numbers(column).iter().enumerate() {
            if nulls.as_ref().is_some_and(|nulls| nulls.is_null(place)) {
                continue;
            }
            let value = if self.least { *value } else { !*value };
            let known = !self.cut || self.values.last_key_value().is_some_and(|(last, _)| value <= *last);
            match (known, adds) {
                (false, _) => {}
                (true, true) => *self.values.entry(value).or_default() += 1,
                (true, false) => match self.values.get_mut(&value) {
                    Some(1) => drop(self.values.remove(&value)),
                    Some(times) => *times -= 1,
                    None => return false,
                },
            }
            if self.values.len() > BEST_MAX {
                self.values.pop_last();
                self.cut = true;
            }
        }
        !(self.cut && self.values.is_empty())
    }

    pub fn now(&self) -> Result<ScalarValue> {
        let best = self.values.first_key_value().map(|(value, _)| if self.least { *value } else { !*value });
        Ok(match &self.of {
            DataType::Timestamp(_, zone) => ScalarValue::TimestampMicrosecond(best, zone.clone()),
            _ => ScalarValue::Int64(best),
        })
    }
}
