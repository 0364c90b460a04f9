//! Rows as they come: which can be taken, in which order, and how one is written as JSON.

use std::cmp::Ordering;
use std::sync::LazyLock;

use arrow::array::{Array, RecordBatch, make_view};
use serde_json::{Map, Value as Json};

use crate::model::event::{ID_BYTES_MAX, TEXT_BYTES_MAX};
use crate::model::machine;
use crate::model::time::{DAY_US, format_time};
use crate::model::{ColumnType, RowError, Stream};
use crate::store::StoreError;
use crate::store::columns::{texts, times};

use super::dedup::{Dedup, Keys, number};

/// No event happened before the year 1.
const FIRST_US: i64 = -62_135_596_800_000_000;
const NO_KIND: u8 = u8::MAX;

pub struct Checked {
    /// Rows to take, in the order sent.
    pub taken: Vec<u32>,
    pub duplicates: Vec<u32>,
    /// `row` counts over the joined batch.
    pub errors: Vec<RowError>,
    /// Index into [`Stream::kinds`] of each row.
    pub kinds: Vec<u8>,
}

/// The kinds of each stream as Arrow views, which hold such short texts whole.
fn kind_views(stream: Stream) -> &'static [u128] {
    static VIEWS: LazyLock<[Vec<u128>; 6]> = LazyLock::new(|| {
        Stream::ALL.map(|stream| stream.kinds().iter().map(|kind| make_view(kind.as_bytes(), 0, 0)).collect())
    });
    &VIEWS[stream as usize]
}

/// [`machine::kind_order`] by index of the kind.
pub fn kind_order(stream: Stream) -> &'static [u8] {
    static ORDERS: LazyLock<[Vec<u8>; 6]> = LazyLock::new(|| {
        Stream::ALL.map(|stream| stream.kinds().iter().map(|kind| machine::kind_order(kind)).collect())
    });
    &ORDERS[stream as usize]
}

/// Numbers by value, texts by text, numbers first.
pub fn compare_sequences(a: &str, b: &str) -> Ordering {
    match (number(a), number(b)) {
        (Some(a), Some(b)) => a.cmp(&b),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => a.cmp(b),
    }
}

/// Looks at each row for itself, and notes its key. Rows from `known_from` on were noted before and are only passed.
pub fn check(
    stream: Stream,
    source: &RecordBatch,
    known_from: usize,
    now_us: i64,
    dedup: &mut Dedup,
) -> Result<Checked, StoreError> {
    let rows = source.num_rows();
    let mut errors: Vec<RowError> = Vec::new();
    let mut refused = vec![false; rows];
    let mut refuse = |row: usize, field: &str, code: &str, message: String| {
        if !refused[row] {
            refused[row] = true;
            errors.push(RowError::new(row, field, code, message));
        }
    };
    for column in stream.source_columns() {
        let Some(array) = source.column_by_name(column.name) else { continue };
        if column.required && array.null_count() > 0 {
            for row in (0..rows).filter(|row| array.is_null(*row)) {
                refuse(row, column.name, "missing", format!("{} is required", column.name));
            }
        }
        if column.column_type == ColumnType::Text && array.null_count() < rows {
            let limit = if column.name == "id" { ID_BYTES_MAX } else { TEXT_BYTES_MAX } as u32;
            let texts = texts(source, column.name)?;
            for (row, view) in texts.views().iter().enumerate() {
                let length = *view as u32;
                if length > limit && texts.is_valid(row) {
                    refuse(row, column.name, "too_large", format!("{length} bytes, at most {limit} are taken"));
                } else if length == 0 && column.required && texts.is_valid(row) {
                    refuse(row, column.name, "missing", "is empty".to_owned());
                }
            }
        }
    }
    let latest_us = now_us.saturating_add(DAY_US);
    for (row, ts_us) in times(source, "ts")?.values().iter().enumerate() {
        if *ts_us > latest_us {
            let shown = format_time(*ts_us, chrono_tz::UTC);
            refuse(row, "ts", "future_time", format!("{shown} is more than a day ahead of the hub's clock"));
        } else if *ts_us < FIRST_US {
            refuse(row, "ts", "bad_time", "is before the year 1".to_owned());
        }
    }
    let mut kinds = vec![NO_KIND; rows];
    let known = kind_views(stream);
    let kind_texts = texts(source, "kind")?;
    for (row, view) in kind_texts.views().iter().enumerate() {
        match known.iter().position(|kind| kind == view) {
            Some(kind) => kinds[row] = kind as u8,
            None if kind_texts.is_valid(row) => {
                let shown: String = kind_texts.value(row).chars().take(40).collect();
                let message = format!("{shown:?} is no kind of {stream}; it is one of {}", stream.kinds().join(", "));
                refuse(row, "kind", "unknown_kind", message);
            }
            None => {}
        }
    }
    errors.sort_by_key(|error| error.row);

    let (src, src_seq) = (texts(source, "src")?, texts(source, "src_seq")?);
    let mut taken = Vec::with_capacity(rows);
    let mut duplicates = Vec::new();
    let mut row = 0;
    while row < rows {
        if refused[row] {
            row += 1;
            continue;
        }
        // Rows of one source mostly stand together: look the source up once for all of them.
        let name = src.value(row);
        let view = src.views()[row];
        let keys: &mut Keys = dedup.source(name);
        while row < rows && (refused[row] || src.views()[row] == view || src.value(row) == name) {
            if !refused[row] {
                if row >= known_from || keys.insert(src_seq.value(row)) {
                    taken.push(row as u32);
                } else {
                    duplicates.push(row as u32);
                }
            }
            row += 1;
        }
    }
    Ok(Checked { taken, duplicates, errors, kinds })
}

/// One row as its source sent it, without what is null.
pub fn row_json(stream: Stream, source: &RecordBatch, row: usize) -> Map<String, Json> {
    use arrow::array::AsArray;
    use arrow::datatypes::{Float64Type, Int64Type, TimestampMicrosecondType};
    let mut object = Map::new();
    for column in stream.source_columns() {
        let Some(array) = source.column_by_name(column.name) else { continue };
        if array.is_null(row) {
            continue;
        }
        let value = match column.column_type {
            ColumnType::Text => array.as_string_view_opt().map(|texts| Json::from(texts.value(row))),
            ColumnType::Int => array.as_primitive_opt::<Int64Type>().map(|ints| ints.value(row).into()),
            ColumnType::Float => array.as_primitive_opt::<Float64Type>().map(|floats| floats.value(row).into()),
            ColumnType::Bool => array.as_boolean_opt().map(|bools| bools.value(row).into()),
            ColumnType::Time => {
                array.as_primitive_opt::<TimestampMicrosecondType>().map(|times| times.value(row).into())
            }
        };
        if let Some(value) = value {
            object.insert(column.name.to_owned(), value);
        }
    }
    object
}
