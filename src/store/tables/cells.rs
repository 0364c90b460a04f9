//! The rows of the state tables, cell by cell, and columns built from cells.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanBuilder, Int64Builder, StringViewBuilder, TimestampMicrosecondBuilder};
use serde_json::Value as Json;

use crate::model::ColumnType::{self, Bool, Int, Text, Time};

use super::super::landing::held::Held;
use super::super::landing::objects::{Device, Feed, Queued, Seat};
use super::super::landing::symbols::Symbol;
use super::super::landing::tickets::{NO_TIME, Ticket};
use super::super::slab::{CHUNK, View};

/// What one row has in one column.
pub enum Cell<'a> {
    Text(Option<&'a str>),
    Symbol(Symbol),
    Time(i64),
    Int(Option<i64>),
    Truth(bool),
    Row(&'a Json),
}

use Cell::{Int as Number, Row as Whole, Symbol as Word, Text as Letters, Time as At, Truth};

/// A value of a slot as a row of its table.
pub trait Row {
    /// The cell in a column of its table; `None` when the value has no row in it.
    fn cell(&self, column: usize) -> Option<Cell<'_>>;
}

impl Row for Ticket {
    fn cell(&self, column: usize) -> Option<Cell<'_>> {
        let [service, board, area, topic, org, channel, _party, kind, prio, item] = self.said;
        Some(match column {
            0 => Letters(Some(&self.id)),
            1 => Letters(Some(self.state.name())),
            2 => At(self.opened_us),
            3 => At(self.since_us),
            4 => At(self.due_us),
            5..14 => Word([service, board, area, topic, org, channel, kind, prio, item][column - 5]),
            14 => Number(Some(i64::from(self.rejects))),
            _ => Truth(self.demo),
        })
    }
}

impl Row for Queued {
    fn cell(&self, column: usize) -> Option<Cell<'_>> {
        Some(match column {
            0 => Letters(Some(&self.id)),
            1 => At(self.since_us),
            2..6 => Word([self.line, self.skill, self.area, self.channel][column - 2]),
            _ => Truth(self.demo),
        })
    }
}

impl Row for Seat {
    fn cell(&self, column: usize) -> Option<Cell<'_>> {
        Some(match column {
            0 => Letters(Some(&self.seat)),
            1 => Word(self.state),
            2 => At(self.since_us),
            3 => Word(self.skill),
            4 => Word(self.reason),
            _ => Truth(self.demo),
        })
    }
}

impl Row for Device {
    fn cell(&self, column: usize) -> Option<Cell<'_>> {
        Some(match column {
            0 => Word(self.device_type),
            1 => Letters(Some(&self.id)),
            2 => Word(self.state),
            3 => At(self.since_us),
            4..9 => Word([self.grade, self.area, self.service, self.org, self.tags][column - 4]),
            9 => Number(self.quantity),
            10 => At(self.expires_us.unwrap_or(NO_TIME)),
            _ => Truth(self.demo),
        })
    }
}

impl Row for Feed {
    fn cell(&self, column: usize) -> Option<Cell<'_>> {
        Some(match column {
            0 => Letters(Some(&self.src)),
            1 => At(self.last_ts_us),
            2 => At(self.last_recv_us),
            3 => Number(Some(self.rows)),
            _ => Truth(self.demo),
        })
    }
}

impl Row for Arc<Held> {
    fn cell(&self, column: usize) -> Option<Cell<'_>> {
        self.quarantined.then(|| match column {
            0 => At(self.at),
            1 => Letters(Some(&self.stream)),
            2 => Letters(Some(&self.reason)),
            3 => At(self.time().unwrap_or(NO_TIME)),
            4..8 => Letters(self.row.get(["kind", "id", "src", "src_seq"][column - 4]).and_then(Json::as_str)),
            // The whole row as it came.
            8 => Whole(&self.row),
            _ => Truth(self.row.get("demo").and_then(Json::as_bool).unwrap_or(false)),
        })
    }
}

enum Builder {
    Text(StringViewBuilder),
    Int(Int64Builder),
    Bool(BooleanBuilder),
    Time(TimestampMicrosecondBuilder),
}

/// A column being built.
pub struct Cells<'a> {
    symbols: &'a View<Arc<str>>,
    builder: Builder,
}

impl<'a> Cells<'a> {
    pub fn new(column_type: ColumnType, symbols: &'a View<Arc<str>>) -> Cells<'a> {
        let builder = match column_type {
            Int | ColumnType::Float => Builder::Int(Int64Builder::with_capacity(CHUNK)),
            Bool => Builder::Bool(BooleanBuilder::with_capacity(CHUNK)),
            Time => Builder::Time(TimestampMicrosecondBuilder::with_capacity(CHUNK).with_data_type(Time.arrow())),
            // Long texts of a chunk take a page or two.
            Text => Builder::Text(StringViewBuilder::with_capacity(CHUNK).with_fixed_block_size(2048)),
        };
        Cells { symbols, builder }
    }

    pub fn add(&mut self, cell: Cell<'_>) {
        match (&mut self.builder, cell) {
            (Builder::Text(builder), Letters(text)) => builder.append_option(text),
            (Builder::Text(builder), Whole(row)) => builder.append_value(row.to_string()),
            (Builder::Text(builder), Word(symbol)) => {
                let text = if symbol == 0 { None } else { self.symbols.get(symbol).map(|text| &**text) };
                builder.append_option(text);
            }
            (Builder::Time(builder), At(time_us)) => builder.append_option((time_us != NO_TIME).then_some(time_us)),
            (Builder::Int(builder), Number(number)) => builder.append_option(number),
            (Builder::Bool(builder), Truth(truth)) => builder.append_value(truth),
            // A cell of another type than its column's: the column is short then, and the table told as empty.
            _ => {}
        }
    }

    pub fn finish(self) -> ArrayRef {
        match self.builder {
            Builder::Text(mut builder) => Arc::new(builder.finish()),
            Builder::Int(mut builder) => Arc::new(builder.finish()),
            Builder::Bool(mut builder) => Arc::new(builder.finish()),
            Builder::Time(mut builder) => Arc::new(builder.finish()),
        }
    }
}
