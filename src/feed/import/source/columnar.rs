//! Parquet and Arrow files: their batches, cell by cell as text, so that one mapping fits every format.

use std::fs::File;
use std::sync::atomic::Ordering;

use arrow::array::{Array, RecordBatch};
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::{Cells, Next, Progress, Rows};

const BATCH_ROWS: usize = 4096;

struct Batches {
    batches: Box<dyn Iterator<Item = Result<RecordBatch, ArrowError>>>,
    current: Option<RecordBatch>,
    at: usize,
    row: u64,
    /// Rows the file says it has, for the progress bar; 0 when it doesn't say.
    rows_total: u64,
    progress: Progress,
    columns: Vec<String>,
    format: &'static str,
}

pub fn parquet(file: File, progress: Progress) -> Result<Box<dyn Rows>, String> {
    let builder =
        ParquetRecordBatchReaderBuilder::try_new(file).map_err(|error| format!("is no Parquet file: {error}"))?;
    let rows_total = u64::try_from(builder.metadata().file_metadata().num_rows()).unwrap_or(0);
    let reader =
        builder.with_batch_size(BATCH_ROWS).build().map_err(|error| format!("cannot be read as Parquet: {error}"))?;
    let schema = arrow::array::RecordBatchReader::schema(&reader);
    Ok(batches(Box::new(reader), &schema, rows_total, progress, "parquet"))
}

pub fn arrow_file(file: File, progress: Progress) -> Result<Box<dyn Rows>, String> {
    let reader = arrow::ipc::reader::FileReader::try_new_buffered(file, None)
        .map_err(|error| format!("is no Arrow file: {error}"))?;
    let schema = reader.schema();
    Ok(batches(Box::new(reader), &schema, 0, progress, "arrow"))
}

pub fn arrow_stream(file: File, progress: Progress) -> Result<Box<dyn Rows>, String> {
    let reader = arrow::ipc::reader::StreamReader::try_new_buffered(file, None)
        .map_err(|error| format!("is no Arrow stream: {error}"))?;
    let schema = reader.schema();
    Ok(batches(Box::new(reader), &schema, 0, progress, "arrow stream"))
}

fn batches(
    batches: Box<dyn Iterator<Item = Result<RecordBatch, ArrowError>>>,
    schema: &SchemaRef,
    rows_total: u64,
    progress: Progress,
    format: &'static str,
) -> Box<dyn Rows> {
    let columns = schema.fields().iter().map(|field| field.name().trim().to_owned()).collect();
    Box::new(Batches { batches, current: None, at: 0, row: 0, rows_total, progress, columns, format })
}

impl Rows for Batches {
    fn columns(&self) -> &[String] {
        &self.columns
    }

    fn format(&self) -> &str {
        self.format
    }

    fn next(&mut self, cells: &mut Cells) -> Result<Next, String> {
        while self.current.as_ref().is_none_or(|batch| self.at == batch.num_rows()) {
            let Some(batch) = self.batches.next() else { return Ok(Next::End) };
            let batch = batch.map_err(|error| format!("cannot be read after row {}: {error}", self.row))?;
            self.at = 0;
            self.current = Some(batch);
        }
        let Some(batch) = &self.current else { return Ok(Next::End) };
        cells.clear(self.columns.len());
        self.row += 1;
        cells.line = self.row;
        let options = FormatOptions::new()
            .with_timestamp_format(Some("%Y-%m-%d %H:%M:%S%.f"))
            .with_timestamp_tz_format(Some("%Y-%m-%dT%H:%M:%S%.f%:z"))
            .with_datetime_format(Some("%Y-%m-%d %H:%M:%S%.f"));
        for (column, array) in batch.columns().iter().enumerate() {
            if array.is_null(self.at) {
                continue;
            }
            let text =
                ArrayFormatter::try_new(array, &options).and_then(|formatter| formatter.value(self.at).try_to_string());
            match text {
                Ok(text) => cells.set(column, &text),
                Err(error) => {
                    self.at += 1;
                    return Ok(Next::Broken { reason: "value", message: format!("{}: {error}", self.columns[column]) });
                }
            }
        }
        self.at += 1;
        let total = self.progress.total.load(Ordering::Relaxed);
        if let Some(done) = (total * self.row).checked_div(self.rows_total) {
            self.progress.done.store(done, Ordering::Relaxed);
        }
        Ok(Next::Row)
    }
}
