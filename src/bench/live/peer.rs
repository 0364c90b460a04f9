//! The live metrics asked of DuckDB, over the store's Parquet files as they lie.

use std::path::Path;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Schema};
use parquet::arrow::ArrowWriter;
use serde_json::{Value as Json, json};
use std::sync::Arc;

use super::Table;
use crate::bench::Failed;
use crate::bench::fill::{Folder, Ground};
use crate::bench::measure::alike;
use crate::bench::peers::{DUCKDB, PeerArgs};
use crate::model::message::MetricRef;
use crate::query::dims;
use crate::store::STATE_TABLES;

/// The time DuckDB takes for all metrics it can say, beside the same metrics' tick; `null` without DuckDB.
///
/// # Errors
/// The small tables can't be written for it.
pub async fn duckdb(
    args: &PeerArgs,
    ground: &Ground,
    folder: &Path,
    live: &[MetricRef],
    tables: &[Table],
    tick_ms: f64,
) -> Result<Json, Failed> {
    let mut questions = Vec::new();
    for asked in live {
        let sql = ground.engine.bound_sql(asked).map_err(|failure| failure.message)?;
        questions.push(json!([asked.name, sql]));
    }
    let small = SmallTables::write(ground).await?;
    let boards: Vec<&str> = ground.city.boards.iter().map(|board| board.code.as_str()).collect();
    let job = json!({
        "folder": folder, "tables": small.path(), "boards": boards, "questions": questions, "repeat": 1, "rows": true,
        "now_us": ground.engine.now_us(), "zone": ground.city.tz.name(),
    });
    let answers = args.ask(&DUCKDB, &job);
    let Some(answers) = answers else { return Ok(Json::Null) };
    let (mut ms, mut cpu_ms, mut said) = (0.0, 0.0, 0);
    let (mut differ, mut cannot) = (Vec::new(), Vec::new());
    for (asked, (columns, rows)) in live.iter().zip(tables) {
        let Some(answer) = answers.iter().find(|answer| answer["name"] == asked.name.as_str()) else { continue };
        if let Some(error) = answer["error"].as_str() {
            tracing::info!(metric = asked.name, "DuckDB can't say it: {error}");
            cannot.push(asked.name.as_str());
            continue;
        }
        said += 1;
        ms += answer["ms"].as_f64().unwrap_or(0.0);
        cpu_ms += answer["cpu_ms"].as_f64().unwrap_or(0.0);
        let theirs: Vec<Vec<Json>> = serde_json::from_value(answer["rows"].clone()).unwrap_or_default();
        if !alike(columns, rows, &theirs) {
            differ.push(asked.name.as_str());
        }
    }
    Ok(json!({
        "version": answers.first().map_or(Json::Null, |answer| answer["version"].clone()),
        "metrics": said,
        "cannot_say": cannot,
        "other_answer": differ,
        "ms": ms,
        "cpu_ms": cpu_ms,
        "over_tick": ms / tick_ms,
        "cpu_over_tick": cpu_ms / tick_ms,
    }))
}

/// Dictionaries and state tables, which are not among the segments, as a Parquet file each in a folder of their own, beside
/// the store's, which nobody else writes into.
pub struct SmallTables(Folder);

impl SmallTables {
    /// # Errors
    /// The folder or a file can't be written.
    pub async fn write(ground: &Ground) -> Result<SmallTables, Failed> {
        let folder = Folder::new(None, "tables")?;
        write_small_tables(ground, folder.path()).await?;
        Ok(SmallTables(folder))
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }
}

async fn write_small_tables(ground: &Ground, folder: &Path) -> Result<(), Failed> {
    for name in dims::NAMES.iter().chain(&STATE_TABLES) {
        let sql = format!("SELECT * FROM {name}");
        let answer = ground.engine.sql(&sql, &Default::default(), None).await.map_err(|failure| failure.message)?;
        let plain = |data_type: &DataType| match data_type {
            DataType::Utf8View => DataType::Utf8,
            other => other.clone(),
        };
        let fields =
            answer.schema.fields().iter().map(|field| Field::new(field.name(), plain(field.data_type()), true));
        let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        let write = || -> Result<(), parquet::errors::ParquetError> {
            let file = std::fs::File::create(folder.join(format!("{name}.parquet")))?;
            let mut writer = ArrowWriter::try_new(file, schema.clone(), None)?;
            for batch in &answer.batches {
                let columns: Vec<ArrayRef> = batch
                    .columns()
                    .iter()
                    .map(|column| cast(column, &plain(column.data_type())))
                    .collect::<Result<_, _>>()?;
                writer.write(&RecordBatch::try_new(schema.clone(), columns)?)?;
            }
            writer.close().map(drop)
        };
        write().map_err(|error| format!("the table {name} can't be written for DuckDB: {error}"))?;
    }
    Ok(())
}
