//! One event before it lands, and batches of them as Arrow.
//!
//! [`Event`] is what sources build (the simulator, the importer, a JSON client); [`batch`] turns many of one
//! stream into the record batch that travels and is logged. A value that does not fit its column is an
//! [`RowError`] naming row and field; it never stops the other rows.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanBuilder, Float64Builder, Int64Builder, RecordBatch, StringViewBuilder, TimestampMicrosecondBuilder,
};
use serde::{Deserialize, Serialize};

use super::stream::{Column, ColumnType, Stream};
use super::time::{TIMES_US, parse_time_us};

/// The longest text a column takes, in bytes; `id` takes 64.
pub const TEXT_BYTES_MAX: usize = 512;
pub const ID_BYTES_MAX: usize = 64;
/// Stands in the `src` of rows that are played back: old events with new times.
pub const REPLAY_MARK: &str = "+replay-";

#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Text(String),
    Int(i64),
    Float(f64),
    Bool(bool),
    /// Microseconds since 1970 UTC.
    Time(i64),
}

impl From<&str> for Value {
    fn from(text: &str) -> Value {
        Value::Text(text.to_owned())
    }
}
impl From<String> for Value {
    fn from(text: String) -> Value {
        Value::Text(text)
    }
}
impl From<i64> for Value {
    fn from(number: i64) -> Value {
        Value::Int(number)
    }
}
impl From<f64> for Value {
    fn from(number: f64) -> Value {
        Value::Float(number)
    }
}
impl From<bool> for Value {
    fn from(truth: bool) -> Value {
        Value::Bool(truth)
    }
}

/// Why a row, or one field of it, was not taken.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, thiserror::Error)]
#[error("row {row}, {field}: {message}")]
pub struct RowError {
    /// Position in the batch as sent, from 0.
    pub row: usize,
    pub field: String,
    pub code: String,
    pub message: String,
}

impl RowError {
    pub fn new(row: usize, field: &str, code: &str, message: impl Into<String>) -> RowError {
        RowError { row, field: field.to_owned(), code: code.to_owned(), message: message.into() }
    }
}

/// One event as its source says it: the stream and the values of its source columns, in the order of
/// [`Stream::source_columns`].
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    pub stream: Stream,
    values: Vec<Option<Value>>,
}

/// Index of a source column; a name that is not one of them is a programming error caught by the tests of the
/// caller, so it is reported as `None`.
pub fn source_index(stream: Stream, name: &str) -> Option<usize> {
    stream.source_columns().position(|column| column.name == name)
}

impl Event {
    /// An event with the five required columns.
    pub fn new(stream: Stream, ts_us: i64, kind: &str, id: &str, src: &str, src_seq: &str) -> Event {
        let mut values = vec![None; stream.source_schema().fields().len()];
        // The envelope's source columns come first: ts, kind, id, src, src_seq.
        values[0] = Some(Value::Time(ts_us));
        values[1] = Some(kind.into());
        values[2] = Some(id.into());
        values[3] = Some(src.into());
        values[4] = Some(src_seq.into());
        Event { stream, values }
    }

    /// Sets a column by name. Returns false, and changes nothing, when the stream has no such source column.
    pub fn set(&mut self, name: &str, value: impl Into<Value>) -> bool {
        match source_index(self.stream, name) {
            Some(index) => {
                self.values[index] = Some(value.into());
                true
            }
            None => false,
        }
    }

    /// [`Event::set`] in a chain.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Event {
        let known = self.set(name, value);
        debug_assert!(known, "{} has no source column {name}", self.stream);
        self
    }

    pub fn get(&self, name: &str) -> Option<&Value> {
        self.values[source_index(self.stream, name)?].as_ref()
    }

    pub fn ts_us(&self) -> i64 {
        match &self.values[0] {
            Some(Value::Time(ts_us)) => *ts_us,
            _ => 0,
        }
    }

    pub fn text(&self, name: &str) -> Option<&str> {
        match self.get(name)? {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The row as a JSON object, without the columns that are null (times as integers).
    pub fn to_json(&self) -> serde_json::Map<String, serde_json::Value> {
        let mut object = serde_json::Map::new();
        for (column, value) in self.stream.source_columns().zip(&self.values) {
            let json = match value {
                None => continue,
                Some(Value::Text(text)) => text.as_str().into(),
                Some(Value::Int(number) | Value::Time(number)) => (*number).into(),
                Some(Value::Float(number)) => (*number).into(),
                Some(Value::Bool(truth)) => (*truth).into(),
            };
            object.insert(column.name.to_owned(), json);
        }
        object
    }

    /// Reads one JSON object as a row of `stream`.
    ///
    /// # Errors
    /// The first field that is unknown, missing or of the wrong type, with `row` as its position.
    pub fn from_json(stream: Stream, row: usize, json: &serde_json::Value) -> Result<Event, RowError> {
        let Some(object) = json.as_object() else {
            return Err(RowError::new(row, "", "wrong_type", "a row is a JSON object"));
        };
        let mut values = vec![None; stream.source_schema().fields().len()];
        for (name, json) in object {
            let Some(index) = source_index(stream, name) else {
                return Err(unknown_column(stream, row, name));
            };
            let Some(column) = stream.column(name) else {
                return Err(unknown_column(stream, row, name));
            };
            values[index] = value_from_json(column, row, json)?;
        }
        let event = Event { stream, values };
        event.check(row)?;
        Ok(event)
    }

    /// Required columns present, kind known, texts short enough.
    pub fn check(&self, row: usize) -> Result<(), RowError> {
        for (column, value) in self.stream.source_columns().zip(&self.values) {
            match value {
                None if column.required => {
                    return Err(RowError::new(row, column.name, "missing", format!("{} is required", column.name)));
                }
                Some(Value::Text(text)) => {
                    let limit = if column.name == "id" { ID_BYTES_MAX } else { TEXT_BYTES_MAX };
                    if text.len() > limit {
                        let message = format!("{} bytes, at most {limit} are taken", text.len());
                        return Err(RowError::new(row, column.name, "too_large", message));
                    }
                    if column.required && text.is_empty() {
                        return Err(RowError::new(row, column.name, "missing", "is empty"));
                    }
                    if column.name == "kind" && self.stream.kind(text).is_none() {
                        return Err(unknown_kind(self.stream, row, text));
                    }
                }
                Some(Value::Time(us)) if !TIMES_US.contains(us) => {
                    return Err(RowError::new(row, column.name, "bad_time", "is outside the years 1 to 9999"));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

pub(super) fn unknown_kind(stream: Stream, row: usize, kind: &str) -> RowError {
    let shown: String = kind.chars().take(40).collect();
    let message = format!("{shown:?} is no kind of {stream}; it is one of {}", stream.kinds().join(", "));
    RowError::new(row, "kind", "unknown_kind", message)
}

pub(super) fn unknown_column(stream: Stream, row: usize, name: &str) -> RowError {
    let shown: String = name.chars().take(40).collect();
    let message = match stream.column(name) {
        Some(_) => format!("{name} is written by the hub, leave it out"),
        None => format!("{stream} has no column {shown:?}"),
    };
    RowError::new(row, &shown, "unknown_column", message)
}

/// A value that is not of the column's type; the first characters of `shown` are told.
pub(super) fn wrong_value(column: &Column, row: usize, shown: &str) -> RowError {
    let shown: String = shown.chars().take(40).collect();
    let code = if column.column_type == ColumnType::Time { "bad_time" } else { "wrong_type" };
    RowError::new(row, column.name, code, format!("{shown} is not {}", column.column_type.word()))
}

fn value_from_json(column: &Column, row: usize, json: &serde_json::Value) -> Result<Option<Value>, RowError> {
    use serde_json::Value as Json;
    let wrong = || wrong_value(column, row, &json.to_string());
    let value = match (column.column_type, json) {
        (_, Json::Null) => return Ok(None),
        (ColumnType::Text, Json::String(text)) => Value::Text(text.clone()),
        // A source's own number may well be a number.
        (ColumnType::Text, Json::Number(number)) if matches!(column.name, "id" | "src_seq") => {
            Value::Text(number.to_string())
        }
        (ColumnType::Int, Json::Number(number)) => Value::Int(number.as_i64().ok_or_else(wrong)?),
        (ColumnType::Float, Json::Number(number)) => Value::Float(number.as_f64().ok_or_else(wrong)?),
        (ColumnType::Bool, Json::Bool(truth)) => Value::Bool(*truth),
        (ColumnType::Time, Json::Number(number)) => Value::Time(number.as_i64().ok_or_else(wrong)?),
        (ColumnType::Time, Json::String(text)) => Value::Time(parse_time_us(text).ok_or_else(wrong)?),
        _ => return Err(wrong()),
    };
    Ok(Some(value))
}

/// Many events of one stream as one record batch with [`Stream::source_schema`].
///
/// # Errors
/// When an event is of another stream or a value is of another type than its column.
pub fn batch(stream: Stream, events: &[Event]) -> Result<RecordBatch, RowError> {
    if let Some(row) = events.iter().position(|event| event.stream != stream) {
        return Err(RowError::new(row, "", "wrong_type", format!("an event of {} among {stream}", events[row].stream)));
    }
    let mut arrays: Vec<ArrayRef> = Vec::with_capacity(stream.source_schema().fields().len());
    for (index, column) in stream.source_columns().enumerate() {
        arrays.push(column_array(column, events, index)?);
    }
    RecordBatch::try_new(stream.source_schema(), arrays)
        .map_err(|error| RowError::new(0, "", "missing", error.to_string()))
}

macro_rules! build {
    ($builder:expr, $events:expr, $index:expr, $column:expr, $($pattern:pat => $value:expr),+) => {{
        let mut builder = $builder;
        for (row, event) in $events.iter().enumerate() {
            match &event.values[$index] {
                None => builder.append_null(),
                $(Some($pattern) => builder.append_value($value),)+
                Some(_) => {
                    let message = format!("is not {}", $column.column_type.word());
                    return Err(RowError::new(row, $column.name, "wrong_type", message));
                }
            }
        }
        Arc::new(builder.finish()) as ArrayRef
    }};
}

fn column_array(column: &Column, events: &[Event], index: usize) -> Result<ArrayRef, RowError> {
    let capacity = events.len();
    Ok(match column.column_type {
        ColumnType::Text => {
            build!(StringViewBuilder::with_capacity(capacity), events, index, column, Value::Text(text) => text)
        }
        ColumnType::Int => {
            build!(Int64Builder::with_capacity(capacity), events, index, column, Value::Int(number) => *number)
        }
        ColumnType::Float => build!(Float64Builder::with_capacity(capacity), events, index, column,
            Value::Float(number) => *number, Value::Int(number) => *number as f64),
        ColumnType::Bool => {
            build!(BooleanBuilder::with_capacity(capacity), events, index, column, Value::Bool(truth) => *truth)
        }
        ColumnType::Time => build!(TimestampMicrosecondBuilder::with_capacity(capacity).with_timezone("UTC"),
            events, index, column, Value::Time(us) => *us),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_json_row_comes_back_as_it_was() {
        let json = serde_json::json!({"ts": "2026-11-23T14:32:07+08:00", "kind": "open", "id": "甬-0412", "src": "gd",
            "src_seq": 7, "area": "330203", "amount": 2.5, "secret": true, "due": null});
        let event = Event::from_json(Stream::Tickets, 0, &json).unwrap();
        assert_eq!(event.text("id"), Some("甬-0412"));
        assert_eq!(event.ts_us(), 1_795_415_527_000_000);
        let again = Event::from_json(Stream::Tickets, 0, &event.to_json().into()).unwrap();
        assert_eq!(event, again);
        let batch = batch(Stream::Tickets, &[event, again]).unwrap();
        assert_eq!(batch.num_rows(), 2);
    }

    #[test]
    fn a_bad_row_names_its_row_and_field() {
        let row = |json| Event::from_json(Stream::Tickets, 3, &json).unwrap_err();
        let base = || serde_json::json!({"ts": 1, "kind": "open", "id": "a", "src": "s", "src_seq": "1"});
        for (field, value, code) in [
            ("ts", serde_json::json!("yesterday"), "bad_time"),
            ("kind", serde_json::json!("melt"), "unknown_kind"),
            ("state", serde_json::json!("sent"), "unknown_column"),
            ("nonsense", serde_json::json!(1), "unknown_column"),
            ("rating", serde_json::json!("five"), "wrong_type"),
            ("rating", serde_json::json!(1e300), "wrong_type"),
            ("id", serde_json::json!("x".repeat(65)), "too_large"),
            ("src", serde_json::json!(null), "missing"),
        ] {
            let mut json = base();
            json[field] = value;
            let error = row(json);
            assert_eq!((error.row, error.field.as_str(), error.code.as_str()), (3, field, code));
        }
    }
}
