//! Small tools over Arrow columns: shared nulls, compact joins, filling in what a row does not say.
//!
//! Nothing here fails on well-typed batches; a column of another type is an [`ArrowError`].

use std::sync::{Arc, LazyLock};

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Int64Array, RecordBatch, StringViewArray, TimestampMicrosecondArray,
    UInt32Array, make_view, new_null_array,
};
use arrow::buffer::{Buffer, NullBuffer, ScalarBuffer};
use arrow::compute::{concat, take};
use arrow::datatypes::{DataType, Int64Type, SchemaRef, TimestampMicrosecondType};
use arrow::error::ArrowError;

use crate::model::ColumnType;

use super::landing::symbols::{NONE, Symbol, Symbols};

/// Rows that the shared zeros cover.
const SHARED_ROWS: usize = 64 * 1024;

/// A column of nulls. Up to 64 Ki rows they all share one piece of memory: most columns of most batches are empty.
pub fn null_array(column_type: ColumnType, rows: usize) -> ArrayRef {
    static NULLS: LazyLock<[ArrayRef; 5]> = LazyLock::new(|| {
        [ColumnType::Text, ColumnType::Int, ColumnType::Float, ColumnType::Bool, ColumnType::Time]
            .map(|column_type| new_null_array(&column_type.arrow(), SHARED_ROWS))
    });
    if rows > SHARED_ROWS {
        return new_null_array(&column_type.arrow(), rows);
    }
    NULLS[column_type as usize].slice(0, rows)
}

pub fn column_type(data_type: &DataType) -> ColumnType {
    match data_type {
        DataType::Int64 => ColumnType::Int,
        DataType::Float64 => ColumnType::Float,
        DataType::Boolean => ColumnType::Bool,
        DataType::Timestamp(_, _) => ColumnType::Time,
        _ => ColumnType::Text,
    }
}

/// The rows `rows` of a column; `None`: all of them as they are.
pub fn pick(array: &ArrayRef, rows: Option<&UInt32Array>) -> Result<ArrayRef, ArrowError> {
    let Some(rows) = rows else { return Ok(array.clone()) };
    if array.null_count() == array.len() {
        return Ok(null_array(column_type(array.data_type()), rows.len()));
    }
    take(array, rows, None)
}

/// One batch of many, in memory of its own.
pub fn join(schema: &SchemaRef, batches: &[RecordBatch]) -> Result<RecordBatch, ArrowError> {
    if let [only] = batches {
        return Ok(only.clone());
    }
    let rows = batches.iter().map(RecordBatch::num_rows).sum();
    let columns = (0..schema.fields().len())
        .map(|index| {
            if batches.iter().all(|batch| batch.column(index).null_count() == batch.num_rows()) {
                return Ok(null_array(column_type(schema.field(index).data_type()), rows));
            }
            let parts: Vec<&dyn Array> = batches.iter().map(|batch| batch.column(index).as_ref()).collect();
            concat(&parts)
        })
        .collect::<Result<Vec<_>, _>>()?;
    RecordBatch::try_new(schema.clone(), columns).map(|batch| compact(&batch))
}

/// The batch without memory it does not need: texts in one buffer of their own, empty columns in the shared one.
pub fn compact(batch: &RecordBatch) -> RecordBatch {
    let columns = batch
        .columns()
        .iter()
        .map(|column| {
            if column.null_count() == column.len() {
                return null_array(column_type(column.data_type()), column.len());
            }
            match column.as_string_view_opt() {
                Some(texts) if !texts.data_buffers().is_empty() => Arc::new(texts.gc()),
                _ => column.clone(),
            }
        })
        .collect();
    // Same schema, same lengths.
    RecordBatch::try_new(batch.schema(), columns).unwrap_or_else(|_| batch.clone())
}

/// Bytes of memory the rows of a batch take, the shared nulls left out; of a slice, its share.
pub fn memory_bytes(batch: &RecordBatch) -> usize {
    let taken = batch.columns().iter().filter(|column| column.null_count() < column.len() || column.is_empty());
    let own = |column: &ArrayRef| column.to_data().get_slice_memory_size().unwrap_or(column.get_array_memory_size());
    taken.map(|column| own(column) + column.as_string_view_opt().map_or(0, long_texts)).sum()
}

/// Bytes of the texts that are too long to stand in their views.
fn long_texts(texts: &StringViewArray) -> usize {
    let lengths = texts.views().iter().map(|view| *view as u32 as usize);
    lengths.filter(|length| *length > VIEW_TEXT_BYTES).sum()
}

/// A text of so many bytes stands in its view.
const VIEW_TEXT_BYTES: usize = 12;

pub fn texts<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a StringViewArray, ArrowError> {
    column(batch, name)?.as_string_view_opt().ok_or_else(|| wrong(name))
}

pub fn times<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a TimestampMicrosecondArray, ArrowError> {
    column(batch, name)?.as_primitive_opt::<TimestampMicrosecondType>().ok_or_else(|| wrong(name))
}

pub fn ints<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a Int64Array, ArrowError> {
    column(batch, name)?.as_primitive_opt::<Int64Type>().ok_or_else(|| wrong(name))
}

pub fn bools<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a BooleanArray, ArrowError> {
    column(batch, name)?.as_boolean_opt().ok_or_else(|| wrong(name))
}

fn column<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a ArrayRef, ArrowError> {
    batch.column_by_name(name).ok_or_else(|| ArrowError::SchemaError(format!("there is no column {name}")))
}

fn wrong(name: &str) -> ArrowError {
    ArrowError::SchemaError(format!("column {name} has another type"))
}

pub fn text_at(array: &StringViewArray, row: usize) -> Option<&str> {
    array.is_valid(row).then(|| array.value(row))
}

pub fn bool_at(array: &BooleanArray, row: usize) -> Option<bool> {
    array.is_valid(row).then(|| array.value(row))
}

pub fn time_at(array: &TimestampMicrosecondArray, row: usize) -> Option<i64> {
    array.is_valid(row).then(|| array.value(row))
}

pub fn int_at(array: &Int64Array, row: usize) -> Option<i64> {
    array.is_valid(row).then(|| array.value(row))
}

/// The rows of `said`, each null replaced by the text of the symbol of the same position.
pub fn fill(said: &StringViewArray, symbols: &Symbols, with: impl Iterator<Item = Symbol> + Clone) -> ArrayRef {
    let unsaid = |row: usize, symbol: Symbol| symbol != NONE && said.is_null(row);
    if said.null_count() == 0 || !with.clone().enumerate().any(|(row, symbol)| unsaid(row, symbol)) {
        return if said.null_count() == said.len() {
            null_array(ColumnType::Text, said.len())
        } else {
            Arc::new(said.clone())
        };
    }
    let block = said.data_buffers().len() as u32;
    let mut long_texts: Vec<u8> = Vec::new();
    // Texts longer than a view, where they were put.
    let mut placed: std::collections::HashMap<Symbol, u128, ahash::RandomState> = Default::default();
    let mut views: Vec<u128> = Vec::with_capacity(said.len());
    let mut valid = arrow::array::BooleanBufferBuilder::new(said.len());
    for (row, symbol) in with.enumerate() {
        if said.is_valid(row) {
            views.push(said.views()[row]);
            valid.append(true);
            continue;
        }
        let Some(text) = symbols.text(symbol) else {
            views.push(0);
            valid.append(false);
            continue;
        };
        valid.append(true);
        views.push(if text.len() <= 12 {
            make_view(text.as_bytes(), 0, 0)
        } else {
            *placed.entry(symbol).or_insert_with(|| {
                let offset = long_texts.len() as u32;
                long_texts.extend_from_slice(text.as_bytes());
                make_view(text.as_bytes(), block, offset)
            })
        });
    }
    let mut buffers = said.data_buffers().to_vec();
    if !long_texts.is_empty() {
        buffers.push(Buffer::from(long_texts));
    }
    let nulls = NullBuffer::new(valid.finish());
    // Every view was made above or comes from `said`, whose buffers keep their places.
    Arc::new(StringViewArray::new(ScalarBuffer::from(views), buffers, Some(nulls)))
}

#[cfg(test)]
mod tests {
    #[test]
    fn long_texts_are_counted() {
        let text = "长".repeat(200);
        let column: StringViewArray = (0..1_000).map(|_| Some(text.as_str())).collect();
        let batch = RecordBatch::try_from_iter([("text", Arc::new(column) as ArrayRef)]).unwrap();
        assert!((600_000..700_000).contains(&memory_bytes(&batch)), "{}", memory_bytes(&batch));
        assert!((60_000..70_000).contains(&memory_bytes(&batch.slice(100, 100))));
    }

    use super::*;

    #[test]
    fn nulls_are_nulls_of_every_type() {
        for column_type in [ColumnType::Text, ColumnType::Int, ColumnType::Float, ColumnType::Bool, ColumnType::Time] {
            for rows in [0, 1, 1000, SHARED_ROWS + 7] {
                let array = null_array(column_type, rows);
                assert_eq!((array.len(), array.null_count(), array.data_type()), (rows, rows, &column_type.arrow()));
            }
        }
    }

    #[test]
    fn what_is_unsaid_is_filled_and_the_rest_stays() {
        let mut symbols = Symbols::default();
        let long = symbols.intern("Public Works Department");
        let short = symbols.intern("life");
        let said = StringViewArray::from(vec![Some("a department with a long name"), None, None, None]);
        let filled = fill(&said, &symbols, [short, long, NONE, short].into_iter());
        let filled = filled.as_string_view();
        let texts: Vec<_> = filled.iter().collect();
        assert_eq!(texts, [Some("a department with a long name"), Some("Public Works Department"), None, Some("life")]);
    }
}
