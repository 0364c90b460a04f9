//! Rows to Parquet and back: zstd, delta encoding for times and sequences, sorted by `ts`.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use bytes::Bytes;
use parquet::arrow::ArrowWriter;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::bloom_filter::Sbbf;
use parquet::file::metadata::SortingColumn;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;

use crate::model::{ColumnType, Stream};
use crate::store::StoreError;
use crate::store::columns::{compact, null_array};

/// Rows of a batch read back, and of a row group's page.
pub const BATCH_ROWS: usize = 8192;
/// Rows of a row group.
const GROUP_ROWS: usize = 64 * 1024;

fn properties(stream: Stream) -> WriterProperties {
    let mut builder = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(3).unwrap_or_default()))
        .set_created_by("lingping".to_owned())
        .set_max_row_group_row_count(Some(GROUP_ROWS))
        .set_data_page_row_count_limit(BATCH_ROWS)
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_sorting_columns(Some(vec![SortingColumn { column_idx: 0, descending: false, nulls_first: false }]));
    for column in stream.columns() {
        let path = ColumnPath::from(column.name);
        builder = match column.name {
            // Mostly rising by small steps.
            "ts" | "recv" | "seq" | "opened_at" | "due" => builder
                .set_column_dictionary_enabled(path.clone(), false)
                .set_column_encoding(path.clone(), Encoding::DELTA_BINARY_PACKED)
                .set_column_statistics_enabled(path, EnabledStatistics::Page),
            // Events of tickets that left memory are looked up by it.
            "id" if stream == Stream::Tickets => builder
                .set_column_dictionary_enabled(path.clone(), false)
                .set_column_encoding(path.clone(), Encoding::DELTA_BYTE_ARRAY)
                .set_column_bloom_filter_enabled(path, true),
            "id" | "src_seq" | "ticket" | "related" | "caller" => builder
                .set_column_dictionary_enabled(path.clone(), false)
                .set_column_encoding(path, Encoding::DELTA_BYTE_ARRAY),
            _ => builder,
        };
    }
    builder.build()
}

/// Texts are written as plain UTF-8, which every reader knows.
fn file_schema(stream: Stream) -> SchemaRef {
    Arc::new(Schema::new(
        stream
            .schema()
            .fields()
            .iter()
            .map(|field| match field.data_type() {
                DataType::Utf8View => Field::new(field.name(), DataType::Utf8, field.is_nullable()),
                _ => field.as_ref().clone(),
            })
            .collect::<Vec<_>>(),
    ))
}

/// One Parquet file of rows with [`Stream::schema`], as they are ordered.
pub fn encode(stream: Stream, batch: &RecordBatch) -> Result<Vec<u8>, StoreError> {
    let schema = file_schema(stream);
    let columns = batch
        .columns()
        .iter()
        .zip(schema.fields())
        .map(|(column, field)| cast(column, field.data_type()))
        .collect::<Result<Vec<_>, _>>()?;
    let mut writer = ArrowWriter::try_new(Vec::new(), schema.clone(), Some(properties(stream)))?;
    writer.write(&RecordBatch::try_new(schema, columns)?)?;
    Ok(writer.into_inner()?)
}

/// Reads a file back, with the columns of the stream, or some of them.
pub fn decode(stream: Stream, bytes: Bytes, columns: Option<&[usize]>) -> Result<Vec<RecordBatch>, StoreError> {
    let builder = ParquetRecordBatchReaderBuilder::try_new_with_options(bytes, ArrowReaderOptions::new())?;
    let wanted = stream.schema();
    let wanted = match columns {
        Some(columns) => Arc::new(wanted.project(columns)?),
        None => wanted,
    };
    let in_file = builder.schema().clone();
    // Columns that came to the stream later are not in older files.
    let leaves = wanted.fields().iter().filter_map(|field| in_file.index_of(field.name()).ok());
    let mask = ProjectionMask::leaves(builder.parquet_schema(), leaves);
    let reader = builder.with_projection(mask).with_batch_size(BATCH_ROWS).build()?;
    let mut batches = Vec::new();
    for batch in reader {
        let batch = batch?;
        let rows = batch.num_rows();
        let arrays = wanted
            .fields()
            .iter()
            .map(|field| -> Result<ArrayRef, StoreError> {
                Ok(match batch.column_by_name(field.name()) {
                    Some(array) => cast(array, field.data_type())?,
                    None => null_array(column_type(stream, field), rows),
                })
            })
            .collect::<Result<Vec<_>, _>>()?;
        let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(rows));
        batches.push(compact(&RecordBatch::try_new_with_options(wanted.clone(), arrays, &options)?));
    }
    Ok(batches)
}

/// The filters over `id` of a file, one a row group.
pub fn id_filters(stream: Stream, bytes: Bytes) -> Result<Vec<Option<Sbbf>>, StoreError> {
    let builder = ParquetRecordBatchReaderBuilder::try_new_with_options(bytes, ArrowReaderOptions::new())?;
    let Ok(column) = builder.schema().index_of("id") else {
        return Err(StoreError::Arrow(format!("a file of {stream} has no column id")));
    };
    let groups = builder.metadata().num_row_groups();
    (0..groups).map(|group| Ok(builder.get_row_group_column_bloom_filter(group, column)?)).collect()
}

fn column_type(stream: Stream, field: &Field) -> ColumnType {
    stream.column(field.name()).map_or(ColumnType::Text, |column| column.column_type)
}
