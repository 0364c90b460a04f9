//! A place for rows in a plan made once: set the rows, run the plan, set other rows, run it again.
//!
//! [`SlotTable`] is what the planner sees, [`Slot`] is what the live view fills. A plan that reads a slot is run by one
//! task at a time; the view that owns it sees to that.

use std::sync::Arc;

use arc_swap::ArcSwap;
use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{DFSchemaRef, Result, TableReference};
use datafusion::datasource::{TableType, provider_as_source};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{Expr, LogicalPlan, TableScan};
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::memory::MemoryStream;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, Partitioning, PlanProperties, ReplaceChildrenOptions,
};

/// The rows a plan reads next. Clones are the same place.
#[derive(Clone, Debug)]
pub struct Slot {
    pub schema: SchemaRef,
    rows: Arc<ArcSwap<Vec<RecordBatch>>>,
}

impl Slot {
    pub fn new(schema: SchemaRef) -> Slot {
        Slot { schema, rows: Arc::new(ArcSwap::from_pointee(Vec::new())) }
    }

    pub fn set(&self, rows: Vec<RecordBatch>) {
        self.rows.store(Arc::new(rows));
    }

    /// The same place.
    pub fn is(&self, other: &Slot) -> bool {
        Arc::ptr_eq(&self.rows, &other.rows)
    }

    pub fn clear(&self) {
        self.set(Vec::new());
    }

    /// The slot as a plan's leaf.
    pub fn exec(&self) -> Arc<dyn ExecutionPlan> {
        Arc::new(SlotExec::like(self.clone(), EquivalenceProperties::new(self.schema.clone())))
    }

    pub fn rows(&self) -> Vec<RecordBatch> {
        self.rows.load().as_ref().clone()
    }

    /// The slot as a table.
    pub fn table(&self) -> Arc<dyn TableProvider> {
        Arc::new(SlotTable(self.clone()))
    }

    /// The slot in place of a node of a logical plan that gives rows of `schema`.
    pub fn scan(&self, schema: DFSchemaRef, name: &str) -> LogicalPlan {
        LogicalPlan::TableScan(TableScan {
            table_name: TableReference::bare(name.to_owned()),
            source: provider_as_source(self.table()),
            projection: None,
            projected_schema: schema,
            filters: Vec::new(),
            fetch: None,
            statistics_requests: Default::default(),
        })
    }
}

#[derive(Debug)]
struct SlotTable(Slot);

#[async_trait]
impl TableProvider for SlotTable {
    fn schema(&self) -> SchemaRef {
        self.0.schema.clone()
    }

    fn table_type(&self) -> TableType {
        TableType::Temporary
    }

    async fn scan(
        &self,
        _state: &dyn Session,
        projection: Option<&Vec<usize>>,
        _filters: &[Expr],
        _limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let whole = projection.is_none_or(|columns| columns.iter().copied().eq(0..self.0.schema.fields().len()));
        if whole { Ok(self.0.exec()) } else { datafusion::common::internal_err!("a slot is read whole") }
    }
}

/// A slot as a plan's leaf.
#[derive(Debug)]
pub struct SlotExec {
    slot: Slot,
    properties: Arc<PlanProperties>,
}

impl SlotExec {
    /// A leaf whose rows are known to be so.
    pub fn like(slot: Slot, equivalence: EquivalenceProperties) -> SlotExec {
        let properties = PlanProperties::new(
            equivalence,
            Partitioning::UnknownPartitioning(1),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        SlotExec { slot, properties: Arc::new(properties) }
    }

    pub fn slot(&self) -> &Slot {
        &self.slot
    }
}

impl DisplayAs for SlotExec {
    fn fmt_as(&self, _format: DisplayFormatType, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<_> = self.slot.schema.fields().iter().map(|field| field.name().as_str()).collect();
        write!(formatter, "SlotExec: {}", names.join(", "))
    }
}

impl ExecutionPlan for SlotExec {
    fn name(&self) -> &'static str {
        "SlotExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn apply_expressions(
        &self,
        _visit: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn replace_children(
        self: Arc<Self>,
        _children: Vec<Arc<dyn ExecutionPlan>>,
        _options: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn with_new_children(self: Arc<Self>, _children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn execute(&self, _partition: usize, _context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        Ok(Box::pin(MemoryStream::try_new(self.slot.rows(), self.slot.schema.clone(), None)?))
    }
}
