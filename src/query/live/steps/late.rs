//! The first rows of a state table: found by the columns that decide, and read whole only then.
//!
//! A list of the twenty tickets next to be due reads one column of all open tickets, and all columns of twenty.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{Array, RecordBatch};
use arrow::compute::SortOptions;
use arrow::datatypes::Schema;
use datafusion::common::{Result, internal_err};
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::utils::{collect_columns, reassign_expr_columns};
use datafusion::physical_expr::{LexOrdering, PhysicalExpr};

use super::super::super::source::View;
use super::super::batches::{mask, with_schema};
use super::super::cut::StateLeaf;
use super::super::slot::Slot;
use super::{Filter, sort};

pub struct Late {
    table: String,
    /// The slot that the rows would have gone through, and the places of its columns in the table.
    pub slot: Slot,
    columns: Vec<usize>,
    /// Places in the table of the columns that decide.
    pub deciding: Vec<usize>,
    /// Over the deciding columns.
    predicate: Option<Arc<dyn PhysicalExpr>>,
    /// The first key, among the deciding columns.
    key: usize,
    options: SortOptions,
    output: Option<Arc<[usize]>>,
    by: LexOrdering,
    fetch: usize,
}

impl Late {
    /// Nothing when too little would be spared, or the best rows can't be told by their first key.
    pub fn new(leaf: &StateLeaf, filter: Option<&Filter>, by: &LexOrdering, fetch: usize) -> Result<Option<Late>> {
        let schema = &leaf.slot.schema;
        let output = filter.and_then(|filter| filter.columns.clone());
        let Some(key) = by.first().expr.downcast_ref::<Column>() else { return Ok(None) };
        let key = output.as_ref().map_or(key.index(), |output| output[key.index()]);
        if !sort::has_best(schema.field(key).data_type()) {
            return Ok(None);
        }
        let mut places = BTreeSet::from([key]);
        places.extend(filter.iter().flat_map(|filter| collect_columns(&filter.predicate)).map(|column| column.index()));
        if places.len() == schema.fields().len() {
            return Ok(None);
        }
        let narrow: Vec<_> = places.iter().map(|place| schema.fields()[*place].clone()).collect();
        let narrow = Schema::new(narrow);
        let predicate = filter.map(|filter| reassign_expr_columns(filter.predicate.clone(), &narrow)).transpose()?;
        Ok(Some(Late {
            table: leaf.name.clone(),
            slot: leaf.slot.clone(),
            columns: leaf.columns.clone(),
            deciding: places.iter().map(|place| leaf.columns[*place]).collect(),
            predicate,
            key: places.iter().position(|place| *place == key).unwrap_or_default(),
            options: by.first().options,
            output,
            by: by.clone(),
            fetch,
        }))
    }

    pub fn run(&self, view: Option<&View>) -> Result<Vec<RecordBatch>> {
        let Some(view) = view else { return internal_err!("a state table was to be read without a view") };
        let Some(deciding) = view.state_columns(&self.table, &self.deciding) else { return Ok(Vec::new()) };
        let passing = self.predicate.as_ref().map(|predicate| mask(predicate, &deciding)).transpose()?;
        let chosen = sort::best(deciding.column(self.key), passing, self.options, self.fetch)?;
        let rows: Vec<usize> = match chosen {
            None => (0..deciding.num_rows()).collect(),
            Some(chosen) => (0..chosen.len()).filter(|row| chosen.is_valid(*row) && chosen.value(*row)).collect(),
        };
        let Some(rows) = view.state_rows(&self.table, &self.columns, &rows) else { return Ok(Vec::new()) };
        let rows = with_schema(&rows, &self.slot.schema)?;
        let rows = match &self.output {
            None => rows,
            Some(output) => rows.project(output)?,
        };
        Ok(vec![sort::sorted(&rows, &self.by, Some(self.fetch))?])
    }
}
