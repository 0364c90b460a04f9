//! A stream as a table of DataFusion: sealed pieces (Parquet or memory) and the hot rows, side by side.
//!
//! A scan reads only the pieces whose time range can match the filters on `ts`, and only the columns asked for. With
//! `until`, rows with a later `ts` do not exist. Row counts are exact, so `count(*)` of a whole stream reads nothing.
//! It fails when a piece's path can't be turned into a URL path or DataFusion refuses the plan.

use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::stats::Precision;
use datafusion::common::{DFSchema, DataFusionError, Result, ScalarValue, Statistics};
use datafusion::datasource::TableType;
use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::datasource::physical_plan::parquet::CachedParquetFileReaderFactory;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::logical_expr::expr::BinaryExpr;
use datafusion::logical_expr::{Between, Expr, Operator, TableProviderFilterPushDown, col, lit};
use datafusion::object_store::ObjectMeta;
use datafusion::object_store::path::Path as ObjectPath;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;
use datafusion::physical_plan::filter::FilterExecBuilder;
use datafusion::physical_plan::union::UnionExec;

use super::functions::instant;
use super::source::{Piece, PieceRows, View, range_of};
use crate::model::Stream;

/// Times a filter lets through: `low..=high`, µs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeRange {
    pub low: i64,
    pub high: i64,
}

impl TimeRange {
    pub const ALL: TimeRange = TimeRange { low: i64::MIN, high: i64::MAX };

    /// The times that can pass all of `filters`; what is not understood is taken to let everything through.
    pub fn of(filters: &[Expr]) -> TimeRange {
        filters.iter().fold(TimeRange::ALL, |range, filter| range.and(&TimeRange::of_one(filter)))
    }

    fn and(self, other: &TimeRange) -> TimeRange {
        TimeRange { low: self.low.max(other.low), high: self.high.min(other.high) }
    }

    fn of_one(filter: &Expr) -> TimeRange {
        match filter {
            Expr::BinaryExpr(BinaryExpr { left, op: Operator::And, right }) => {
                TimeRange::of_one(left).and(&TimeRange::of_one(right))
            }
            Expr::BinaryExpr(BinaryExpr { left, op: Operator::Or, right }) => {
                let (left, right) = (TimeRange::of_one(left), TimeRange::of_one(right));
                TimeRange { low: left.low.min(right.low), high: left.high.max(right.high) }
            }
            Expr::BinaryExpr(BinaryExpr { left, op, right }) => match (is_ts(left), instant_of(right)) {
                (true, Some(time)) => TimeRange::compared(*op, time),
                _ => match (instant_of(left), is_ts(right), op.swap()) {
                    (Some(time), true, Some(op)) => TimeRange::compared(op, time),
                    _ => TimeRange::ALL,
                },
            },
            Expr::Between(Between { expr, negated: false, low, high }) if is_ts(expr) => {
                let mut range = TimeRange::ALL;
                if let Some(low) = instant_of(low) {
                    range.low = low;
                }
                if let Some(high) = instant_of(high) {
                    range.high = high;
                }
                range
            }
            _ => TimeRange::ALL,
        }
    }

    fn compared(op: Operator, time: i64) -> TimeRange {
        match op {
            Operator::Eq => TimeRange { low: time, high: time },
            Operator::Gt => TimeRange { low: time.saturating_add(1), high: i64::MAX },
            Operator::GtEq => TimeRange { low: time, high: i64::MAX },
            Operator::Lt => TimeRange { low: i64::MIN, high: time.saturating_sub(1) },
            Operator::LtEq => TimeRange { low: i64::MIN, high: time },
            _ => TimeRange::ALL,
        }
    }

    fn meets(&self, low: i64, high: i64) -> bool {
        low <= self.high && high >= self.low
    }
}

fn is_ts(expr: &Expr) -> bool {
    matches!(expr, Expr::Column(column) if column.name == "ts")
}

fn instant_of(expr: &Expr) -> Option<i64> {
    match expr {
        Expr::Literal(ScalarValue::TimestampMicrosecond(Some(time), Some(_)), _) => Some(*time),
        _ => None,
    }
}

/// One stream of one view.
#[derive(Debug)]
pub struct StreamTable {
    stream: Stream,
    view: Arc<View>,
    /// Rows with a later event time do not exist, µs.
    until: Option<i64>,
}

impl StreamTable {
    pub fn new(stream: Stream, view: Arc<View>, until: Option<i64>) -> StreamTable {
        StreamTable { stream, view, until }
    }

    pub fn stream(&self) -> Stream {
        self.stream
    }

    pub fn until(&self) -> Option<i64> {
        self.until
    }

    fn plan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let schema = self.stream.schema();
        let mut range = TimeRange::of(filters);
        let Some(until) = self.until else { return self.read(state, projection.cloned(), range) };
        range.high = range.high.min(until);
        // `ts` must be read to be filtered, and then goes away unless it was asked for.
        let mut columns: Vec<usize> = projection.cloned().unwrap_or_else(|| (0..schema.fields().len()).collect());
        let wanted = columns.len();
        let ts = schema.index_of("ts")?;
        if !columns.contains(&ts) {
            columns.push(ts);
        }
        let input = self.read(state, Some(columns), range)?;
        let input_schema = DFSchema::try_from(input.schema().as_ref().clone())?;
        let predicate = state.create_physical_expr(col("ts").lt_eq(lit(instant(until))), &input_schema)?;
        let filter = FilterExecBuilder::new(predicate, input).apply_projection(Some((0..wanted).collect()))?.build()?;
        Ok(Arc::new(filter))
    }

    fn read(
        &self,
        state: &dyn Session,
        projection: Option<Vec<usize>>,
        range: TimeRange,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let rows = self.view.stream(self.stream);
        let (mut files, mut batches) = (Vec::new(), Vec::new());
        for piece in rows.pieces.iter().filter(|piece| range.meets(piece.ts_min, piece.ts_max)) {
            let memory = match &piece.source {
                PieceRows::Segment(segment) => match segment.cached() {
                    Some(memory) => memory,
                    None => {
                        let path = segment.path();
                        if path.is_file() {
                            files.push((piece.as_ref(), path, segment.info.bytes));
                            continue;
                        }
                        // A store on another kind of disk: its own reader knows how.
                        piece.source.batches().map_err(DataFusionError::Execution)?
                    }
                },
                PieceRows::Memory(memory) => memory.clone(),
            };
            batches.extend(memory.iter().cloned());
        }
        let hot = rows.hot.iter().filter(|batch| {
            range == TimeRange::ALL || range_of(batch, "ts").is_some_and(|(low, high)| range.meets(low, high))
        });
        batches.extend(hot.cloned());

        let partitions = state.config().target_partitions().max(1);
        let mut inputs: Vec<Arc<dyn ExecutionPlan>> = Vec::new();
        if !files.is_empty() {
            inputs.push(parquet_scan(state, self.stream.schema(), &files, projection.as_ref(), partitions)?);
        }
        if !batches.is_empty() {
            let parts = deal(batches, partitions);
            inputs.push(MemorySourceConfig::try_new_exec(&parts, self.stream.schema(), projection.clone())?);
        }
        match inputs.len() {
            0 => {
                let schema = match &projection {
                    Some(columns) => Arc::new(self.stream.schema().project(columns)?),
                    None => self.stream.schema(),
                };
                Ok(Arc::new(EmptyExec::new(schema)))
            }
            1 => Ok(inputs.remove(0)),
            _ => UnionExec::try_new(inputs),
        }
    }
}

/// Deals batches to partitions so that each has about as many rows.
fn deal(batches: Vec<RecordBatch>, partitions: usize) -> Vec<Vec<RecordBatch>> {
    let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
    // A small table is not worth a second thread.
    let partitions = if rows < 100_000 { 1 } else { partitions };
    let share = rows.div_ceil(partitions).max(1);
    let mut parts = vec![Vec::new()];
    let mut filled = 0;
    for batch in batches {
        if filled >= share {
            parts.push(Vec::new());
            filled = 0;
        }
        filled += batch.num_rows();
        if let Some(part) = parts.last_mut() {
            part.push(batch);
        }
    }
    parts
}

fn parquet_scan(
    state: &dyn Session,
    schema: SchemaRef,
    files: &[(&Piece, PathBuf, u64)],
    projection: Option<&Vec<usize>>,
    partitions: usize,
) -> Result<Arc<dyn ExecutionPlan>> {
    let store_url = ObjectStoreUrl::local_filesystem();
    let store = state.runtime_env().object_store(&store_url)?;
    let metadata = state.runtime_env().cache_manager.get_file_metadata_cache();
    // Filters leave out row groups and pages, not single rows: rows of a kind lie among those of others, and decoding a
    // column in many small runs costs a third more than decoding it whole.
    let source = ParquetSource::new(schema.clone())
        .with_parquet_file_reader_factory(Arc::new(CachedParquetFileReaderFactory::new(store, metadata)));

    let partitions = partitions.min(files.len()).max(1);
    let mut groups: Vec<Vec<_>> = (0..partitions).map(|_| Vec::new()).collect();
    let mut total = 0;
    for (index, (piece, path, bytes)) in files.iter().enumerate() {
        let location =
            ObjectPath::from_absolute_path(path).map_err(|error| DataFusionError::External(Box::new(error)))?;
        let meta = ObjectMeta {
            location,
            last_modified: crate::model::time::to_utc(0),
            size: *bytes,
            e_tag: None,
            version: None,
        };
        let mut statistics = Statistics::new_unknown(&schema);
        statistics.num_rows = Precision::Exact(piece.rows);
        total += piece.rows;
        let file =
            datafusion::datasource::listing::PartitionedFile::new_from_meta(meta).with_statistics(Arc::new(statistics));
        groups[index % partitions].push(file);
    }
    let mut statistics = Statistics::new_unknown(&schema);
    statistics.num_rows = Precision::Exact(total);
    let config = FileScanConfigBuilder::new(store_url, Arc::new(source))
        .with_file_groups(groups.into_iter().map(FileGroup::new).collect())
        .with_statistics(statistics)
        .with_projection_indices(projection.cloned())?
        .build();
    Ok(DataSourceExec::from_data_source(config))
}

#[async_trait]
impl TableProvider for StreamTable {
    fn schema(&self) -> SchemaRef {
        self.stream.schema()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        // Filters choose the pieces, and what of a file is read; the rows are filtered above.
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        _limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        self.plan(state, projection, filters)
    }
}

/// A current-state table of one view, built by the store when it is first read.
#[derive(Debug)]
pub struct StateTable {
    name: &'static str,
    schema: SchemaRef,
    view: Arc<View>,
}

impl StateTable {
    pub fn new(name: &'static str, schema: SchemaRef, view: Arc<View>) -> StateTable {
        StateTable { name, schema, view }
    }

    pub fn name(&self) -> &'static str {
        self.name
    }
}

#[async_trait]
impl TableProvider for StateTable {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        _state: &dyn Session,
        projection: Option<&Vec<usize>>,
        _filters: &[Expr],
        _limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let all: Vec<usize> = (0..self.schema.fields().len()).collect();
        let columns = projection.unwrap_or(&all);
        let schema = Arc::new(self.schema.project(columns)?);
        let table = self.view.state_columns(self.name, columns);
        let batch = table.unwrap_or_else(|| RecordBatch::new_empty(schema.clone()));
        Ok(MemorySourceConfig::try_new_exec(&[vec![batch]], schema, None)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_on_ts_bound_the_times_and_others_do_not() {
        let at = |time| lit(instant(time));
        let filters = [col("ts").gt_eq(at(10)).and(at(20).gt(col("ts"))), col("kind").eq(lit("open"))];
        assert_eq!(TimeRange::of(&filters), TimeRange { low: 10, high: 19 });
        let either = [col("ts").lt(at(5)).or(col("ts").eq(at(9)))];
        assert_eq!(TimeRange::of(&either), TimeRange { low: i64::MIN, high: 9 });
        assert_eq!(TimeRange::of(&[col("due").lt(at(5))]), TimeRange::ALL);
    }
}
