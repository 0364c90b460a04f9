//! JSON rows read straight into columns, without a tree of values in between.
//!
//! The same rules and the same errors as [`Event::from_json`](super::event::Event::from_json), which says what they
//! are; this is the way for many rows. A wrong row is told by its position and left out; only text that is no JSON
//! stops the reading.

use std::borrow::Cow;
use std::fmt;

use arrow::array::{ArrayRef, RecordBatch};
use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::column_builder::{ColumnBuilder, Scalar};
use super::event::{ID_BYTES_MAX, RowError, TEXT_BYTES_MAX, unknown_column, unknown_kind, wrong_value};
use super::stream::{Column, ColumnType, Stream};
use super::time::{TIMES_US, parse_time_us};

/// Reads an array of objects as rows of one stream.
#[derive(Debug)]
pub struct RowReader {
    stream: Stream,
    columns: Vec<&'static Column>,
    builders: Vec<ColumnBuilder>,
    rows_max: usize,
    /// What was read was no array at all.
    pub is_no_array: bool,
    /// Rows met, good and wrong.
    pub sent: usize,
    /// One for each wrong row, in order.
    pub errors: Vec<RowError>,
}

/// A value as it stood in the text.
#[derive(Clone, Debug)]
enum Cell<'de> {
    Null,
    Bool(bool),
    Int(i64),
    /// Above what an `i64` holds.
    Large(u64),
    Float(f64),
    Text(Cow<'de, str>),
    /// An array or an object.
    Nested(&'static str),
}

impl RowReader {
    /// A reader that takes at most `rows_max` rows and counts the others.
    pub fn new(stream: Stream, rows_max: usize) -> RowReader {
        let columns: Vec<_> = stream.source_columns().collect();
        let builders = columns.iter().map(|column| ColumnBuilder::new(column.column_type)).collect();
        RowReader { stream, columns, builders, rows_max, is_no_array: false, sent: 0, errors: Vec::new() }
    }

    pub fn stream(&self) -> Stream {
        self.stream
    }

    /// The good rows, with [`Stream::source_schema`].
    ///
    /// # Errors
    /// The columns do not fit the schema, which would be a mistake here.
    pub fn finish(&mut self) -> Result<RecordBatch, RowError> {
        let arrays: Vec<ArrayRef> = self.builders.iter_mut().map(ColumnBuilder::finish).collect();
        RecordBatch::try_new(self.stream.source_schema(), arrays)
            .map_err(|error| RowError::new(0, "", "wrong_type", error.to_string()))
    }

    fn no_array<E>(&mut self) -> Result<(), E> {
        self.is_no_array = true;
        Ok(())
    }

    fn take(&mut self, cells: &[Cell<'_>], mut wrong: Option<RowError>) {
        let row = self.sent;
        self.sent += 1;
        for (column, cell) in self.columns.iter().zip(cells) {
            wrong = wrong.or_else(|| self.fault(column, row, cell));
        }
        if let Some(error) = wrong {
            self.errors.push(error);
            return;
        }
        for ((builder, column), cell) in self.builders.iter_mut().zip(&self.columns).zip(cells) {
            builder.append(cell.scalar(column.column_type));
        }
    }

    /// What is wrong with a value of the right type, or with its absence.
    fn fault(&self, column: &Column, row: usize, cell: &Cell<'_>) -> Option<RowError> {
        match cell {
            Cell::Null if column.required => {
                Some(RowError::new(row, column.name, "missing", format!("{} is required", column.name)))
            }
            Cell::Text(text) if column.column_type == ColumnType::Text => {
                let limit = if column.name == "id" { ID_BYTES_MAX } else { TEXT_BYTES_MAX };
                if text.len() > limit {
                    let message = format!("{} bytes, at most {limit} are taken", text.len());
                    return Some(RowError::new(row, column.name, "too_large", message));
                }
                if column.required && text.is_empty() {
                    return Some(RowError::new(row, column.name, "missing", "is empty"));
                }
                (column.name == "kind" && self.stream.kind(text).is_none())
                    .then(|| unknown_kind(self.stream, row, text))
            }
            Cell::Int(us) if column.column_type == ColumnType::Time && !TIMES_US.contains(us) => {
                Some(RowError::new(row, column.name, "bad_time", "is outside the years 1 to 9999"))
            }
            _ => None,
        }
    }
}

/// The value as the column's type, or what is shown of it when it is none.
fn fit<'de>(column: &Column, cell: Cell<'de>) -> Result<Cell<'de>, String> {
    match (column.column_type, cell) {
        (_, Cell::Null) => Ok(Cell::Null),
        (ColumnType::Text, Cell::Text(text)) => Ok(Cell::Text(text)),
        // A source's own number may well be a number.
        (ColumnType::Text, number @ (Cell::Int(_) | Cell::Large(_) | Cell::Float(_)))
            if matches!(column.name, "id" | "src_seq") =>
        {
            Ok(Cell::Text(number.shown().into()))
        }
        (ColumnType::Int | ColumnType::Time, Cell::Int(number)) => Ok(Cell::Int(number)),
        (ColumnType::Float, Cell::Int(number)) => Ok(Cell::Float(number as f64)),
        (ColumnType::Float, Cell::Large(number)) => Ok(Cell::Float(number as f64)),
        (ColumnType::Float, Cell::Float(number)) => Ok(Cell::Float(number)),
        (ColumnType::Bool, Cell::Bool(truth)) => Ok(Cell::Bool(truth)),
        (ColumnType::Time, Cell::Text(text)) => match parse_time_us(&text) {
            Some(us) => Ok(Cell::Int(us)),
            None => Err(Cell::Text(text).shown()),
        },
        (_, cell) => Err(cell.shown()),
    }
}

impl Cell<'_> {
    /// What goes into a column of a type, after [`fit`].
    fn scalar(&self, column_type: ColumnType) -> Scalar<'_> {
        match self {
            Cell::Int(us) if column_type == ColumnType::Time => Scalar::Time(*us),
            Cell::Int(number) => Scalar::Int(*number),
            Cell::Bool(truth) => Scalar::Bool(*truth),
            Cell::Float(number) => Scalar::Float(*number),
            Cell::Text(text) => Scalar::Text(text),
            Cell::Null | Cell::Large(_) | Cell::Nested(_) => Scalar::Null,
        }
    }

    /// As JSON writes it.
    fn shown(&self) -> String {
        match self {
            Cell::Null => "null".to_owned(),
            Cell::Bool(truth) => truth.to_string(),
            Cell::Int(number) => number.to_string(),
            Cell::Large(number) => number.to_string(),
            Cell::Float(number) => serde_json::Value::from(*number).to_string(),
            Cell::Text(text) => serde_json::Value::from(text.chars().take(60).collect::<String>()).to_string(),
            Cell::Nested(word) => (*word).to_owned(),
        }
    }
}

/// The array of rows.
impl<'de> DeserializeSeed<'de> for &mut RowReader {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for &mut RowReader {
    type Value = ();
    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an array of rows")
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut rows: A) -> Result<(), A::Error> {
        let mut cells = vec![Cell::Null; self.columns.len()];
        while self.sent < self.rows_max {
            if rows.next_element_seed(RowSeed { reader: &mut *self, cells: &mut cells })?.is_none() {
                return Ok(());
            }
        }
        while rows.next_element::<IgnoredAny>()?.is_some() {
            self.sent += 1;
        }
        Ok(())
    }
    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<(), A::Error> {
        while fields.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        self.no_array()
    }
    fn visit_unit<E>(self) -> Result<(), E> {
        self.no_array()
    }
    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        self.no_array()
    }
    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        self.no_array()
    }
    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        self.no_array()
    }
    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        self.no_array()
    }
    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        self.no_array()
    }
}

/// One row; its cells are used again for the next.
struct RowSeed<'a, 'de> {
    reader: &'a mut RowReader,
    cells: &'a mut Vec<Cell<'de>>,
}

impl<'de> DeserializeSeed<'de> for RowSeed<'_, 'de> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl RowSeed<'_, '_> {
    fn no_object<E>(self) -> Result<(), E> {
        let error = RowError::new(self.reader.sent, "", "wrong_type", "a row is a JSON object");
        self.reader.sent += 1;
        self.reader.errors.push(error);
        Ok(())
    }
}

impl<'de> Visitor<'de> for RowSeed<'_, 'de> {
    type Value = ();
    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a row")
    }
    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<(), A::Error> {
        let RowSeed { reader, cells } = self;
        cells.fill(Cell::Null);
        let row = reader.sent;
        let mut wrong = None;
        // Rows of one source have their fields in one order: the next is mostly the one after the last.
        let mut next = 0;
        while let Some(Key(name)) = fields.next_key_seed(KeySeed)? {
            let count = reader.columns.len();
            let found = (0..count).map(|step| (next + step) % count).find(|at| reader.columns[*at].name == name);
            let Some(at) = found else {
                fields.next_value::<IgnoredAny>()?;
                wrong = wrong.or_else(|| Some(unknown_column(reader.stream, row, &name)));
                continue;
            };
            next = at + 1;
            let column = reader.columns[at];
            match fit(column, fields.next_value_seed(CellSeed)?) {
                Ok(cell) => cells[at] = cell,
                Err(shown) => wrong = wrong.or_else(|| Some(wrong_value(column, row, &shown))),
            }
        }
        reader.take(cells, wrong);
        Ok(())
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        self.no_object()
    }
    fn visit_unit<E>(self) -> Result<(), E> {
        self.no_object()
    }
    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        self.no_object()
    }
    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        self.no_object()
    }
    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        self.no_object()
    }
    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        self.no_object()
    }
    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        self.no_object()
    }
}

/// A field's name, borrowed when it has no escapes.
struct Key<'de>(Cow<'de, str>);
struct KeySeed;

impl<'de> DeserializeSeed<'de> for KeySeed {
    type Value = Key<'de>;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Key<'de>, D::Error> {
        match deserializer.deserialize_str(CellVisitor)? {
            Cell::Text(name) => Ok(Key(name)),
            _ => Err(D::Error::custom("a field's name is text")),
        }
    }
}

struct CellSeed;

impl<'de> DeserializeSeed<'de> for CellSeed {
    type Value = Cell<'de>;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Cell<'de>, D::Error> {
        deserializer.deserialize_any(CellVisitor)
    }
}

struct CellVisitor;

impl<'de> Visitor<'de> for CellVisitor {
    type Value = Cell<'de>;
    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a value")
    }
    fn visit_unit<E>(self) -> Result<Cell<'de>, E> {
        Ok(Cell::Null)
    }
    fn visit_bool<E>(self, truth: bool) -> Result<Cell<'de>, E> {
        Ok(Cell::Bool(truth))
    }
    fn visit_i64<E>(self, number: i64) -> Result<Cell<'de>, E> {
        Ok(Cell::Int(number))
    }
    fn visit_u64<E>(self, number: u64) -> Result<Cell<'de>, E> {
        Ok(i64::try_from(number).map_or(Cell::Large(number), Cell::Int))
    }
    fn visit_f64<E>(self, number: f64) -> Result<Cell<'de>, E> {
        Ok(Cell::Float(number))
    }
    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Cell<'de>, E> {
        Ok(Cell::Text(Cow::Borrowed(text)))
    }
    fn visit_str<E>(self, text: &str) -> Result<Cell<'de>, E> {
        Ok(Cell::Text(Cow::Owned(text.to_owned())))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Cell<'de>, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Cell::Nested("an array"))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Cell<'de>, A::Error> {
        while fields.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Cell::Nested("an object"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value as Json, json};

    use super::*;
    use crate::model::event::{Event, batch};

    fn read(stream: Stream, text: &str, rows_max: usize) -> (RecordBatch, Vec<RowError>, usize) {
        let mut reader = RowReader::new(stream, rows_max);
        let mut deserializer = serde_json::Deserializer::from_str(text);
        (&mut reader).deserialize(&mut deserializer).unwrap();
        (reader.finish().unwrap(), reader.errors, reader.sent)
    }

    /// The slow way, which says what is right.
    fn slow(stream: Stream, rows: &[Json]) -> (RecordBatch, Vec<RowError>) {
        let (mut events, mut errors) = (Vec::new(), Vec::new());
        for (row, json) in rows.iter().enumerate() {
            match Event::from_json(stream, row, json) {
                Ok(event) => events.push(event),
                Err(error) => errors.push(error),
            }
        }
        (batch(stream, &events).unwrap(), errors)
    }

    fn any_value() -> impl Strategy<Value = Json> {
        prop_oneof![
            Just(Json::Null),
            any::<bool>().prop_map(Json::from),
            any::<i64>().prop_map(Json::from),
            any::<u64>().prop_map(Json::from),
            any::<f64>().prop_map(Json::from),
            (0i64..2_000_000_000_000_000).prop_map(Json::from),
            "[a-z甬\"\\\\]{0,70}".prop_map(Json::from),
            Just(json!("open")),
            Just(json!("2026-11-23T14:32:07+08:00")),
            Just(json!([1, {"a": []}])),
            Just(json!({"a": 1})),
        ]
    }

    fn any_row() -> impl Strategy<Value = Json> {
        let names = prop::sample::select(vec![
            "ts", "kind", "id", "src", "src_seq", "area", "due", "amount", "rating", "secret", "state", "nonsense",
        ]);
        let good = json!({"ts": 1, "kind": "open", "id": "甬-1", "src": "s", "src_seq": 7});
        let changed = prop::collection::vec((names, any_value()), 0..4).prop_map(move |changes| {
            let mut row = good.clone();
            for (name, value) in changes {
                row[name] = value;
            }
            row
        });
        prop_oneof![9 => changed, 1 => any_value()]
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn the_quick_way_is_the_slow_way(rows in prop::collection::vec(any_row(), 0..12)) {
            let text = serde_json::to_string(&rows).unwrap();
            // What both ways are given is what the text says: printing a float may round it.
            let rows: Vec<Json> = serde_json::from_str(&text).unwrap();
            let (quick, errors, sent) = read(Stream::Tickets, &text, 100);
            let (expected, expected_errors) = slow(Stream::Tickets, &rows);
            prop_assert_eq!(sent, rows.len());
            prop_assert_eq!(quick, expected);
            let places = |errors: &[RowError]| {
                errors.iter().map(|error| (error.row, error.field.clone(), error.code.clone())).collect::<Vec<_>>()
            };
            prop_assert_eq!(places(&errors), places(&expected_errors));
        }
    }

    #[test]
    fn rows_beyond_the_bound_are_counted_and_not_kept() {
        let rows: Vec<Json> =
            (0..10).map(|n| json!({"ts": n, "kind": "open", "id": "a", "src": "s", "src_seq": n})).collect();
        let (batch, errors, sent) = read(Stream::Tickets, &serde_json::to_string(&rows).unwrap(), 4);
        assert_eq!((batch.num_rows(), errors.len(), sent), (4, 0, 10));
    }
}
