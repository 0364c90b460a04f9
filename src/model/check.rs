//! The check of a record batch that came from outside: are its columns those of the stream, and which rows are good.
//!
//! It is [`Event::check`](super::event::Event::check) for Arrow: the same limits and the same errors, a column at a time. A column that no
//! row of could be read (unknown, or of a type that does not become the column's) refuses the batch; a wrong row is
//! left out and told, and the others stand. Not here: what the store knows (duplicates, tickets, the clock).

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch, new_null_array};
use arrow::compute::{CastOptions, cast_with_options, filter_record_batch};
use arrow::datatypes::{DataType, Field, Float64Type, Schema, TimeUnit, TimestampMicrosecondType};

use super::event::{ID_BYTES_MAX, RowError, TEXT_BYTES_MAX, unknown_column, unknown_kind};
use super::stream::{Column, ColumnType, Stream};
use super::time::TIMES_US;

/// The good rows of a batch.
#[derive(Debug)]
pub struct Checked {
    /// With [`Stream::source_schema`]; only rows that passed.
    pub batch: RecordBatch,
    /// One for each row left out, in order.
    pub errors: Vec<RowError>,
}

/// Checks `batch` as rows of `stream`; `first_row` is the position of its first row in what was sent.
///
/// # Errors
/// A column is unknown, written by the hub, required and missing, or of a type that does not become the column's: `field` names it.
pub fn check_batch(stream: Stream, batch: &RecordBatch, first_row: usize) -> Result<Checked, RowError> {
    let schema = batch.schema();
    for (index, field) in schema.fields().iter().enumerate() {
        if !stream.source_columns().any(|column| column.name == field.name()) {
            return Err(unknown_column(stream, first_row, field.name()));
        }
        if schema.fields()[..index].iter().any(|earlier| earlier.name() == field.name()) {
            return Err(RowError::new(first_row, field.name(), "unknown_column", "the column is there twice"));
        }
    }
    let mut bad = BTreeMap::new();
    let mut arrays = Vec::with_capacity(stream.source_schema().fields().len());
    for column in stream.source_columns() {
        let array = match batch.column_by_name(column.name) {
            Some(array) => as_column(column, array, first_row, &mut bad)?,
            None if column.required => {
                return Err(RowError::new(
                    first_row,
                    column.name,
                    "missing",
                    format!("the column {} is required", column.name),
                ));
            }
            None => new_null_array(&column.column_type.arrow(), batch.num_rows()),
        };
        find_bad(stream, column, &array, first_row, &mut bad);
        arrays.push(array);
    }
    // The schema says that required columns are not null, so bad rows go before it is put on.
    let fields = stream.source_columns().map(|column| Field::new(column.name, column.column_type.arrow(), true));
    let nullable = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
    let internal = |error: arrow::error::ArrowError| RowError::new(first_row, "", "wrong_type", error.to_string());
    let mut whole = RecordBatch::try_new(nullable, arrays).map_err(internal)?;
    if !bad.is_empty() {
        let good: BooleanArray = (0..whole.num_rows()).map(|row| Some(!bad.contains_key(&row))).collect();
        whole = filter_record_batch(&whole, &good).map_err(internal)?;
    }
    let batch = RecordBatch::try_new(stream.source_schema(), whole.columns().to_vec()).map_err(internal)?;
    Ok(Checked { batch, errors: bad.into_values().collect() })
}

/// Bad rows by position in this batch; the first error of a row stands.
type BadRows = BTreeMap<usize, RowError>;

fn mark(bad: &mut BadRows, first_row: usize, row: usize, field: &str, code: &str, message: impl Into<String>) {
    bad.entry(row).or_insert_with(|| RowError::new(first_row + row, field, code, message));
}

/// The array as the column's own type. A value that does not fit (a u64 beyond i64) marks its row.
fn as_column(column: &Column, array: &ArrayRef, first_row: usize, bad: &mut BadRows) -> Result<ArrayRef, RowError> {
    let target = column.column_type.arrow();
    let given = array.data_type();
    if given == &target {
        return Ok(array.clone());
    }
    let wrong = |hint: &str| {
        let code = if column.column_type == ColumnType::Time { "bad_time" } else { "wrong_type" };
        RowError::new(first_row, column.name, code, format!("{given} is not {}{hint}", column.column_type.word()))
    };
    if !becomes(given, column.column_type) {
        let hint = match given {
            DataType::Timestamp(_, None) => "; a timestamp without a zone could mean any hour, give it one",
            _ => "",
        };
        return Err(wrong(hint));
    }
    let cast = cast_with_options(array, &target, &CastOptions { safe: true, ..CastOptions::default() })
        .map_err(|error| wrong(&format!(": {error}")))?;
    // What was null before (also by a dictionary's values) may be null; what the cast lost may not.
    let before = array.logical_nulls();
    if cast.null_count() > before.as_ref().map_or(0, |nulls| nulls.null_count()) {
        for row in (0..array.len()).filter(|row| cast.is_null(*row)) {
            if before.as_ref().is_none_or(|nulls| nulls.is_valid(row)) {
                mark(bad, first_row, row, column.name, "wrong_type", format!("is not {}", column.column_type.word()));
            }
        }
    }
    Ok(cast)
}

/// Which Arrow types are read as the column's. Text is not parsed as numbers: that is the mapping's work.
fn becomes(given: &DataType, wanted: ColumnType) -> bool {
    let text = |given: &DataType| matches!(given, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View);
    match (wanted, given) {
        (_, DataType::Null) => true,
        (ColumnType::Text, DataType::Dictionary(_, values)) => text(values),
        (ColumnType::Text, given) => text(given),
        (ColumnType::Int, given) => given.is_integer(),
        (ColumnType::Float, given) => given.is_integer() || matches!(given, DataType::Float32 | DataType::Float64),
        (ColumnType::Bool, given) => given == &DataType::Boolean,
        (ColumnType::Time, DataType::Int64) => true,
        (
            ColumnType::Time,
            DataType::Timestamp(
                TimeUnit::Second | TimeUnit::Millisecond | TimeUnit::Microsecond | TimeUnit::Nanosecond,
                zone,
            ),
        ) => zone.is_some(),
        _ => false,
    }
}

fn find_bad(stream: Stream, column: &Column, array: &ArrayRef, first_row: usize, bad: &mut BadRows) {
    let name = column.name;
    if column.required && array.null_count() > 0 {
        for row in (0..array.len()).filter(|row| array.is_null(*row)) {
            mark(bad, first_row, row, name, "missing", format!("{name} is required"));
        }
    }
    match column.column_type {
        ColumnType::Text => {
            let limit = if name == "id" { ID_BYTES_MAX } else { TEXT_BYTES_MAX };
            for (row, text) in array.as_string_view().iter().enumerate() {
                let Some(text) = text else { continue };
                if text.len() > limit {
                    mark(
                        bad,
                        first_row,
                        row,
                        name,
                        "too_large",
                        format!("{} bytes, at most {limit} are taken", text.len()),
                    );
                } else if column.required && text.is_empty() {
                    mark(bad, first_row, row, name, "missing", "is empty");
                } else if name == "kind" && stream.kind(text).is_none() {
                    bad.entry(row).or_insert_with(|| unknown_kind(stream, first_row + row, text));
                }
            }
        }
        ColumnType::Float => {
            for (row, number) in array.as_primitive::<Float64Type>().iter().enumerate() {
                if number.is_some_and(|number| !number.is_finite()) {
                    mark(bad, first_row, row, name, "wrong_type", "is not a finite number");
                }
            }
        }
        ColumnType::Time => {
            for (row, us) in array.as_primitive::<TimestampMicrosecondType>().iter().enumerate() {
                if us.is_some_and(|us| !TIMES_US.contains(&us)) {
                    mark(bad, first_row, row, name, "bad_time", "is outside the years 1 to 9999");
                }
            }
        }
        ColumnType::Int | ColumnType::Bool => {}
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{
        DictionaryArray, Float32Array, Int32Array, Int64Array, StringArray, TimestampSecondArray, UInt64Array,
    };
    use arrow::datatypes::Int32Type;

    use super::*;
    use crate::model::event::Event;

    /// Three good rows with other Arrow types than the store's; `change` replaces or adds columns.
    fn sent(change: &[(&str, ArrayRef)]) -> RecordBatch {
        let kinds: DictionaryArray<Int32Type> = ["open", "open", "finish"].into_iter().collect();
        let mut columns: Vec<(&str, ArrayRef)> = vec![
            ("src_seq", Arc::new(StringArray::from(vec!["1", "2", "3"]))),
            ("kind", Arc::new(kinds)),
            ("ts", Arc::new(TimestampSecondArray::from(vec![1, 2, 3]).with_timezone("+08:00"))),
            ("id", Arc::new(StringArray::from(vec!["a", "b", "a"]))),
            ("src", Arc::new(StringArray::from(vec!["crm"; 3]))),
            ("amount", Arc::new(Float32Array::from(vec![Some(0.5), None, Some(2.0)]))),
        ];
        for (name, array) in change {
            columns.retain(|(known, _)| known != name);
            columns.push((*name, array.clone()));
        }
        let fields =
            columns.iter().map(|(name, array)| Field::new(*name, array.data_type().clone(), true)).collect::<Vec<_>>();
        RecordBatch::try_new(Arc::new(Schema::new(fields)), columns.into_iter().map(|(_, array)| array).collect())
            .unwrap()
    }

    #[test]
    fn common_arrow_types_become_the_streams_and_missing_columns_are_null() {
        let checked = check_batch(Stream::Tickets, &sent(&[]), 0).unwrap();
        assert_eq!(checked.errors, []);
        assert_eq!(checked.batch.schema(), Stream::Tickets.source_schema());
        assert_eq!(
            checked.batch.column(0).as_primitive::<TimestampMicrosecondType>().values(),
            &[1_000_000, 2_000_000, 3_000_000]
        );
        assert_eq!(checked.batch.column_by_name("area").unwrap().null_count(), 3);
        assert_eq!(checked.batch.column_by_name("amount").unwrap().null_count(), 1);
    }

    #[test]
    fn a_wrong_row_is_told_where_it_was_sent_and_the_others_stand() {
        let long = "x".repeat(65);
        let cases: Vec<(&str, ArrayRef, &str)> = vec![
            ("kind", Arc::new(StringArray::from(vec!["open", "melt", "open"])), "unknown_kind"),
            ("id", Arc::new(StringArray::from(vec!["a", long.as_str(), "b"])), "too_large"),
            ("id", Arc::new(StringArray::from(vec!["a", "", "b"])), "missing"),
            ("src", Arc::new(StringArray::from(vec![Some("a"), None, Some("b")])), "missing"),
            ("amount", Arc::new(Float32Array::from(vec![1.0, f32::NAN, 2.0])), "wrong_type"),
            ("rating", Arc::new(UInt64Array::from(vec![1, u64::MAX, 2])), "wrong_type"),
            ("ts", Arc::new(Int64Array::from(vec![1, i64::MAX, 2])), "bad_time"),
            ("due", Arc::new(TimestampSecondArray::from(vec![1, i64::MAX, 2]).with_timezone("UTC")), ""),
        ];
        for (field, array, code) in cases {
            let checked = check_batch(Stream::Tickets, &sent(&[(field, array)]), 10).unwrap();
            assert_eq!(checked.batch.num_rows(), 2, "{field}");
            assert_eq!((checked.errors[0].row, checked.errors[0].field.as_str()), (11, field));
            assert!(code.is_empty() || checked.errors[0].code == code, "{:?}", checked.errors);
        }
    }

    #[test]
    fn a_column_that_cannot_be_read_refuses_the_batch_and_is_named() {
        let cases: Vec<(&str, ArrayRef, &str)> = vec![
            ("state", Arc::new(StringArray::from(vec!["sent"; 3])), "unknown_column"),
            ("nonsense", Arc::new(Int32Array::from(vec![1; 3])), "unknown_column"),
            ("rating", Arc::new(StringArray::from(vec!["5"; 3])), "wrong_type"),
            ("area", Arc::new(Int32Array::from(vec![330203; 3])), "wrong_type"),
            ("ts", Arc::new(TimestampSecondArray::from(vec![1, 2, 3])), "bad_time"),
        ];
        for (field, array, code) in cases {
            let error = check_batch(Stream::Tickets, &sent(&[(field, array)]), 0).unwrap_err();
            assert_eq!((error.field.as_str(), error.code.as_str()), (field, code));
        }
    }

    #[test]
    fn json_rows_and_arrow_rows_are_refused_for_the_same_reasons() {
        let json = serde_json::json!({"ts": 253_402_300_800_000_000_i64, "kind": "open", "id": "a", "src": "s", "src_seq": "1"});
        let from_json = Event::from_json(Stream::Tickets, 0, &json).unwrap_err();
        let late = sent(&[("ts", Arc::new(Int64Array::from(vec![253_402_300_800_000_000; 3])) as ArrayRef)]);
        let from_arrow = check_batch(Stream::Tickets, &late, 0).unwrap();
        assert_eq!(from_arrow.errors[0], from_json);
    }
}
