//! Batches as rows of JSON, for results on the wire and answers on the command line.
//!
//! Integers stay exact, a float that is no number is null, times are microseconds or RFC 3339, everything else is its
//! text. It does not fail: a column of a type with no JSON form becomes its display text.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Float64Array, Int64Array, RecordBatch, StringViewArray,
    TimestampMicrosecondArray, UInt64Array,
};
use arrow::compute::cast;
use arrow::datatypes::{DataType, SchemaRef, TimeUnit};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use chrono_tz::Tz;
use serde_json::Value as Json;

use crate::model::message::ResultColumn;
use crate::model::time::{format_time, to_utc};

/// How times are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeFormat {
    /// Microseconds since 1970 UTC; for a time without a zone, since 1970 on that wall clock.
    Micros,
    /// RFC 3339 in this zone; a time without a zone as `2026-11-23T08:30:00`.
    Rfc3339(Tz),
}

/// The columns and the rows, in order.
pub fn json_rows(
    schema: &SchemaRef,
    batches: &[RecordBatch],
    times: TimeFormat,
) -> (Vec<ResultColumn>, Vec<Vec<Json>>) {
    let columns = schema
        .fields()
        .iter()
        .map(|field| ResultColumn { name: field.name().clone(), column_type: type_word(field.data_type()) })
        .collect();
    let mut rows = Vec::with_capacity(batches.iter().map(RecordBatch::num_rows).sum());
    for batch in batches {
        let cells: Vec<Cells> = batch.columns().iter().map(|column| Cells::new(column, times)).collect();
        for row in 0..batch.num_rows() {
            rows.push(cells.iter().map(|cells| cells.json(row)).collect());
        }
    }
    (columns, rows)
}

/// `Int64`, `Utf8View`, `Timestamp(µs, "UTC")`: an Arrow type in words.
pub fn type_word(data_type: &DataType) -> String {
    match data_type {
        DataType::Timestamp(unit, zone) => {
            let unit = match unit {
                TimeUnit::Second => "s",
                TimeUnit::Millisecond => "ms",
                TimeUnit::Microsecond => "µs",
                TimeUnit::Nanosecond => "ns",
            };
            match zone {
                Some(zone) => format!("Timestamp({unit}, \"{zone}\")"),
                None => format!("Timestamp({unit})"),
            }
        }
        other => other.to_string(),
    }
}

enum Cells {
    Null,
    Bool(BooleanArray),
    Int(Int64Array),
    Unsigned(UInt64Array),
    Float(Float64Array),
    Text(StringViewArray),
    /// An instant, or a wall-clock time (no zone).
    Time(TimestampMicrosecondArray, TimeFormat, bool),
    Other(ArrayRef),
}

impl Cells {
    fn new(column: &ArrayRef, times: TimeFormat) -> Cells {
        let to = |data_type: DataType| cast(column, &data_type).ok();
        let made = match column.data_type() {
            DataType::Null => Some(Cells::Null),
            DataType::Boolean => Some(Cells::Bool(column.as_boolean().clone())),
            DataType::UInt64 => to(DataType::UInt64).map(|array| Cells::Unsigned(array.as_primitive().clone())),
            data_type if data_type.is_integer() => {
                to(DataType::Int64).map(|array| Cells::Int(array.as_primitive().clone()))
            }
            DataType::Float16 | DataType::Float32 | DataType::Float64 => {
                to(DataType::Float64).map(|array| Cells::Float(array.as_primitive().clone()))
            }
            DataType::Decimal128(_, _) | DataType::Decimal256(_, _) => {
                to(DataType::Float64).map(|array| Cells::Float(array.as_primitive().clone()))
            }
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Dictionary(_, _) => {
                to(DataType::Utf8View).map(|array| Cells::Text(array.as_string_view().clone()))
            }
            DataType::Timestamp(_, zone) => {
                let local = zone.is_none();
                to(DataType::Timestamp(TimeUnit::Microsecond, zone.clone()))
                    .map(|array| Cells::Time(array.as_primitive().clone(), times, local))
            }
            _ => None,
        };
        made.unwrap_or_else(|| Cells::Other(column.clone()))
    }

    fn json(&self, row: usize) -> Json {
        match self {
            Cells::Null => Json::Null,
            Cells::Bool(array) if array.is_valid(row) => array.value(row).into(),
            Cells::Int(array) if array.is_valid(row) => array.value(row).into(),
            Cells::Unsigned(array) if array.is_valid(row) => array.value(row).into(),
            // NaN and infinities have no JSON form: they are null.
            Cells::Float(array) if array.is_valid(row) => array.value(row).into(),
            Cells::Text(array) if array.is_valid(row) => array.value(row).into(),
            Cells::Time(array, times, local) if array.is_valid(row) => match (times, local) {
                (TimeFormat::Micros, _) => array.value(row).into(),
                (TimeFormat::Rfc3339(zone), false) => format_time(array.value(row), *zone).into(),
                (TimeFormat::Rfc3339(_), true) => {
                    to_utc(array.value(row)).naive_utc().format("%Y-%m-%dT%H:%M:%S%.f").to_string().into()
                }
            },
            Cells::Other(array) if array.is_valid(row) => {
                let options = FormatOptions::default().with_display_error(true);
                match ArrayFormatter::try_new(array.as_ref(), &options) {
                    Ok(formatter) => formatter.value(row).to_string().into(),
                    Err(_) => Json::Null,
                }
            }
            _ => Json::Null,
        }
    }
}

/// Rows of JSON back as a batch, for clients that were answered in text. Types are those of the first value.
pub fn batch_of(columns: &[ResultColumn], rows: &[Vec<Json>]) -> Result<RecordBatch, arrow::error::ArrowError> {
    let mut arrays: Vec<(String, ArrayRef, bool)> = Vec::with_capacity(columns.len());
    for (index, column) in columns.iter().enumerate() {
        let values = || rows.iter().map(|row| row.get(index).filter(|json| !json.is_null()));
        let array: ArrayRef = match column.column_type.as_str() {
            "Boolean" => Arc::new(values().map(|json| json.and_then(Json::as_bool)).collect::<BooleanArray>()),
            "UInt64" => Arc::new(values().map(|json| json.and_then(Json::as_u64)).collect::<UInt64Array>()),
            "Int8" | "Int16" | "Int32" | "Int64" | "UInt8" | "UInt16" | "UInt32" => {
                Arc::new(values().map(|json| json.and_then(Json::as_i64)).collect::<Int64Array>())
            }
            word if word.starts_with("Float") || word.starts_with("Decimal") => {
                Arc::new(values().map(|json| json.and_then(Json::as_f64)).collect::<Float64Array>())
            }
            word if word.starts_with("Timestamp") => {
                let times = values().map(|json| match json {
                    Some(Json::Number(number)) => number.as_i64(),
                    Some(Json::String(text)) => crate::model::time::parse_time_us(text)
                        .or_else(|| crate::model::time::parse_local_time_us(text, Tz::UTC)),
                    _ => None,
                });
                let array = times.collect::<TimestampMicrosecondArray>();
                if word.contains("UTC") { Arc::new(array.with_timezone("UTC")) } else { Arc::new(array) }
            }
            _ => Arc::new(
                values()
                    .map(|json| json.map(|json| json.as_str().map_or_else(|| json.to_string(), str::to_owned)))
                    .collect::<StringViewArray>(),
            ),
        };
        arrays.push((column.name.clone(), array, true));
    }
    if arrays.is_empty() {
        return Ok(RecordBatch::new_empty(Arc::new(arrow::datatypes::Schema::empty())));
    }
    RecordBatch::try_from_iter_with_nullable(arrays)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_numbers_and_nulls_become_json_and_come_back() {
        let times = TimestampMicrosecondArray::from(vec![Some(1_500_000), None]).with_timezone("UTC");
        let local = TimestampMicrosecondArray::from(vec![Some(1_500_000), Some(0)]);
        let floats = Float64Array::from(vec![f64::NAN, 0.5]);
        let texts = StringViewArray::from(vec![Some("甬"), None]);
        let batch = RecordBatch::try_from_iter_with_nullable(vec![
            ("ts", Arc::new(times) as ArrayRef, true),
            ("local", Arc::new(local), true),
            ("f", Arc::new(floats), true),
            ("t", Arc::new(texts), true),
        ])
        .unwrap();
        let (columns, rows) = json_rows(&batch.schema(), std::slice::from_ref(&batch), TimeFormat::Micros);
        assert_eq!(columns[0].column_type, "Timestamp(µs, \"UTC\")");
        assert_eq!(rows[0], [1_500_000.into(), 1_500_000.into(), Json::Null, "甬".into()]);
        assert_eq!(rows[1], [Json::Null, 0.into(), 0.5.into(), Json::Null]);
        let zone = chrono_tz::Asia::Shanghai;
        let (columns, rows) = json_rows(&batch.schema(), std::slice::from_ref(&batch), TimeFormat::Rfc3339(zone));
        assert_eq!(rows[0][..2], ["1970-01-01T08:00:01.500+08:00".into(), Json::from("1970-01-01T00:00:01.500")]);
        let back = batch_of(&columns, &rows).unwrap();
        assert_eq!(back.column(0), batch.column(0));
        assert_eq!(back.column(3), batch.column(3));
    }
}
