//! Values row by row into one Arrow column, for those that read rows: the importer and the hub's JSON.
//!
//! Whether a value fits its column is the caller's to say, with a sentence of its own; here one of another type is null.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanBuilder, Float64Builder, Int64Builder, StringViewBuilder, TimestampMicrosecondBuilder,
};

use super::stream::ColumnType;

/// A value on its way into a column.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Scalar<'a> {
    Null,
    Text(&'a str),
    Int(i64),
    Float(f64),
    Bool(bool),
    /// µs since 1970 UTC.
    Time(i64),
}

#[derive(Debug)]
pub enum ColumnBuilder {
    Text(StringViewBuilder),
    Int(Int64Builder),
    Float(Float64Builder),
    Bool(BooleanBuilder),
    Time(TimestampMicrosecondBuilder),
}

impl ColumnBuilder {
    pub fn new(column_type: ColumnType) -> ColumnBuilder {
        match column_type {
            ColumnType::Text => ColumnBuilder::Text(StringViewBuilder::new()),
            ColumnType::Int => ColumnBuilder::Int(Int64Builder::new()),
            ColumnType::Float => ColumnBuilder::Float(Float64Builder::new()),
            ColumnType::Bool => ColumnBuilder::Bool(BooleanBuilder::new()),
            ColumnType::Time => ColumnBuilder::Time(TimestampMicrosecondBuilder::new().with_timezone("UTC")),
        }
    }

    pub fn append(&mut self, value: Scalar<'_>) {
        match (self, value) {
            (ColumnBuilder::Text(builder), Scalar::Text(text)) => builder.append_value(text),
            (ColumnBuilder::Text(builder), _) => builder.append_null(),
            (ColumnBuilder::Int(builder), Scalar::Int(number)) => builder.append_value(number),
            (ColumnBuilder::Int(builder), _) => builder.append_null(),
            (ColumnBuilder::Float(builder), Scalar::Float(number)) => builder.append_value(number),
            (ColumnBuilder::Float(builder), _) => builder.append_null(),
            (ColumnBuilder::Bool(builder), Scalar::Bool(truth)) => builder.append_value(truth),
            (ColumnBuilder::Bool(builder), _) => builder.append_null(),
            (ColumnBuilder::Time(builder), Scalar::Time(us)) => builder.append_value(us),
            (ColumnBuilder::Time(builder), _) => builder.append_null(),
        }
    }

    /// The column so far; the builder is empty again.
    pub fn finish(&mut self) -> ArrayRef {
        match self {
            ColumnBuilder::Text(builder) => Arc::new(builder.finish()),
            ColumnBuilder::Int(builder) => Arc::new(builder.finish()),
            ColumnBuilder::Float(builder) => Arc::new(builder.finish()),
            ColumnBuilder::Bool(builder) => Arc::new(builder.finish()),
            ColumnBuilder::Time(builder) => Arc::new(builder.finish()),
        }
    }
}
