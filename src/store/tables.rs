//! The state tables: what stands where now, as record batches.
//!
//! A column is built when it is first asked for of a snapshot, chunk by chunk of its table, and a chunk's part is kept
//! while nothing in it changes. Bounds: `open_tickets`, `waiting`, `seat_state`, `devices` and `feeds` hold what is open,
//! queued, known; at most [`TABLE_ROWS_MAX`] rows of each are given (the store warns above it); `quarantine` at most
//! [`QUARANTINE_MAX`](super::landing::held::QUARANTINE_MAX).

use std::sync::{Arc, LazyLock, OnceLock};

use arrow::array::{
    ArrayRef, BooleanBuilder, Int64Builder, RecordBatch, RecordBatchOptions, StringViewBuilder,
    TimestampMicrosecondBuilder, new_empty_array,
};
use arrow::compute::concat;
use arrow::datatypes::{Field, Schema, SchemaRef};

use crate::model::ColumnType::{self, Bool, Int, Text, Time};

use super::landing::held::Held;
use super::landing::objects::{Device, Feed, Queued, Seat};
use super::landing::symbols::Symbol;
use super::landing::tickets::{NO_TIME, Ticket};
use super::slab::{CHUNK, COLUMNS_MAX, View};

/// The most rows a state table gives.
pub const TABLE_ROWS_MAX: usize = 250_000;

pub const NAMES: [&str; 6] = ["open_tickets", "waiting", "seat_state", "devices", "feeds", "quarantine"];

/// Name, type, nullable.
type Spec = &'static [(&'static str, ColumnType, bool)];

const OPEN_TICKETS: Spec = &[
    ("id", Text, false),
    ("state", Text, false),
    ("opened_at", Time, false),
    ("since", Time, false),
    ("due", Time, true),
    ("service", Text, true),
    ("board", Text, true),
    ("area", Text, true),
    ("topic", Text, true),
    ("org", Text, true),
    ("channel", Text, true),
    ("type", Text, true),
    ("prio", Text, true),
    ("item", Text, true),
    ("rejects", Int, false),
    ("demo", Bool, false),
];
const WAITING: Spec = &[
    ("id", Text, false),
    ("since", Time, false),
    ("line", Text, true),
    ("skill", Text, true),
    ("area", Text, true),
    ("channel", Text, true),
    ("demo", Bool, false),
];
const SEAT_STATE: Spec = &[
    ("seat", Text, false),
    ("state", Text, false),
    ("since", Time, false),
    ("skill", Text, true),
    ("reason", Text, true),
    ("demo", Bool, false),
];
const DEVICES: Spec = &[
    ("type", Text, true),
    ("id", Text, false),
    ("state", Text, false),
    ("since", Time, false),
    ("grade", Text, true),
    ("area", Text, true),
    ("service", Text, true),
    ("org", Text, true),
    ("tags", Text, true),
    ("quantity", Int, true),
    ("expires_at", Time, true),
    ("demo", Bool, false),
];
const FEEDS: Spec = &[
    ("src", Text, false),
    ("last_ts", Time, false),
    ("last_recv", Time, false),
    ("rows", Int, false),
    ("demo", Bool, false),
];
const QUARANTINE: Spec = &[
    ("recv", Time, false),
    ("stream", Text, false),
    ("reason", Text, false),
    ("ts", Time, true),
    ("kind", Text, true),
    ("id", Text, true),
    ("src", Text, true),
    ("src_seq", Text, true),
    ("row", Text, false),
    ("demo", Bool, false),
];
const SPECS: [Spec; 6] = [OPEN_TICKETS, WAITING, SEAT_STATE, DEVICES, FEEDS, QUARANTINE];

fn index_of(name: &str) -> Option<usize> {
    NAMES.iter().position(|known| *known == name)
}

fn schema(index: usize) -> SchemaRef {
    static SCHEMAS: LazyLock<[SchemaRef; 6]> = LazyLock::new(|| {
        SPECS.map(|spec| {
            let field = |(name, column_type, nullable): &(&str, ColumnType, bool)| {
                Field::new(*name, column_type.arrow(), *nullable)
            };
            Arc::new(Schema::new(spec.iter().map(field).collect::<Vec<_>>()))
        })
    });
    SCHEMAS[index].clone()
}

/// The columns of a state table; `None` when there is no such table.
pub fn state_table_schema(name: &str) -> Option<SchemaRef> {
    index_of(name).map(schema)
}

/// What the tables are built from, as of one snapshot.
#[derive(Clone, Debug, Default)]
pub struct Tables {
    pub symbols: View<Arc<str>>,
    pub open: View<Ticket>,
    pub queue: View<Queued>,
    pub seats: View<Seat>,
    pub devices: View<Device>,
    pub feeds: View<Feed>,
    pub held: View<Arc<Held>>,
    /// Columns as far as they were asked for.
    pub built: [Arc<Built>; 6],
}

/// The columns of a table that were asked for so far.
#[derive(Debug, Default)]
pub struct Built([OnceLock<ArrayRef>; COLUMNS_MAX]);

const _: () = {
    let mut index = 0;
    while index < SPECS.len() {
        assert!(SPECS[index].len() <= COLUMNS_MAX);
        index += 1;
    }
};

impl Tables {
    fn versions(&self) -> [u64; 6] {
        [
            self.open.version,
            self.queue.version,
            self.seats.version,
            self.devices.version,
            self.feeds.version,
            self.held.version,
        ]
    }

    /// Keeps the columns already built of an earlier moment that still hold.
    pub fn after(mut self, before: &Tables) -> Tables {
        let (now, then) = (self.versions(), before.versions());
        for index in 0..now.len() {
            if now[index] == then[index] {
                self.built[index] = before.built[index].clone();
            }
        }
        self
    }

    /// A table; `columns` chooses some of its columns (all, without it).
    pub fn table(&self, name: &str, columns: Option<&[usize]>) -> Option<RecordBatch> {
        let index = index_of(name)?;
        let spec = SPECS[index];
        let all: Vec<usize> = (0..spec.len()).collect();
        let columns = columns.unwrap_or(&all);
        let column = |column: &usize| self.built[index].0[*column].get_or_init(|| self.build(index, *column)).clone();
        batch(index, columns, columns.iter().map(column).collect(), self.len(index).min(TABLE_ROWS_MAX))
    }

    /// Some rows of a table, by their places in it, ascending; what is past its end is left out.
    pub fn rows(&self, name: &str, columns: &[usize], rows: &[usize]) -> Option<RecordBatch> {
        let index = index_of(name)?;
        let (arrays, count) = match index {
            0 => self.picked(&self.open, index, columns, rows, |ticket, column| Some(open_ticket(ticket, column))),
            1 => self.picked(&self.queue, index, columns, rows, |queued, column| Some(waiting(queued, column))),
            2 => self.picked(&self.seats, index, columns, rows, |seat, column| Some(seat_state(seat, column))),
            3 => self.picked(&self.devices, index, columns, rows, |known, column| Some(device(known, column))),
            4 => self.picked(&self.feeds, index, columns, rows, |known, column| Some(feed(known, column))),
            _ => self.picked(&self.held, index, columns, rows, |held, column| {
                held.quarantined.then(|| quarantined(held, column))
            }),
        };
        batch(index, columns, arrays, count)
    }

    fn len(&self, index: usize) -> usize {
        match index {
            0 => self.open.len,
            1 => self.queue.len,
            2 => self.seats.len,
            3 => self.devices.len,
            4 => self.feeds.len,
            _ => self.held.iter().filter(|held| held.quarantined).count(),
        }
    }

    fn build(&self, index: usize, column: usize) -> ArrayRef {
        let rows = self.len(index);
        if rows > TABLE_ROWS_MAX {
            tracing::warn!(table = NAMES[index], rows, "a state table gives {TABLE_ROWS_MAX} of its rows");
        }
        match index {
            0 => self.joined(&self.open, index, column, |ticket| Some(open_ticket(ticket, column))),
            1 => self.joined(&self.queue, index, column, |queued| Some(waiting(queued, column))),
            2 => self.joined(&self.seats, index, column, |seat| Some(seat_state(seat, column))),
            3 => self.joined(&self.devices, index, column, |known| Some(device(known, column))),
            4 => self.joined(&self.feeds, index, column, |known| Some(feed(known, column))),
            _ => self.joined(&self.held, index, column, |held| held.quarantined.then(|| quarantined(held, column))),
        }
    }

    /// Columns of some rows, and how many there are.
    fn picked<'a, T>(
        &'a self,
        view: &'a View<T>,
        index: usize,
        columns: &[usize],
        rows: &[usize],
        cell: impl Fn(&'a T, usize) -> Option<Cell<'a>>,
    ) -> (Vec<ArrayRef>, usize) {
        let mut cells: Vec<Cells<'_>> =
            columns.iter().map(|column| Cells::new(SPECS[index][*column].1, &self.symbols)).collect();
        let (mut rows, mut before, mut count) = (rows.iter().peekable(), 0, 0);
        for chunk in view.chunks() {
            let Some(next) = rows.peek() else { break };
            let there = || chunk.iter().filter(|value| cell(value, 0).is_some());
            // A column that was built knows how many there are.
            let known = chunk.columns.iter().find_map(|column| column.get()).map(|column| column.len());
            let end = before + known.unwrap_or_else(|| there().count());
            if **next < end {
                let values: Vec<&T> = there().collect();
                while let Some(row) = rows.next_if(|row| **row < end) {
                    let Some(value) = values.get(row - before) else { continue };
                    count += 1;
                    for (cells, column) in cells.iter_mut().zip(columns) {
                        if let Some(cell) = cell(value, *column) {
                            cells.add(cell);
                        }
                    }
                }
            }
            before = end;
        }
        (cells.into_iter().map(Cells::finish).collect(), count)
    }

    /// A column of all chunks of a table.
    fn joined<T>(
        &self,
        view: &View<T>,
        index: usize,
        column: usize,
        cell: impl Fn(&T) -> Option<Cell<'_>>,
    ) -> ArrayRef {
        let (mut parts, mut rows) = (Vec::with_capacity(view.chunks().len()), 0);
        for chunk in view.chunks() {
            let part = chunk.columns[column].get_or_init(|| {
                let mut cells = Cells::new(SPECS[index][column].1, &self.symbols);
                chunk.iter().filter_map(&cell).for_each(|cell| cells.add(cell));
                cells.finish()
            });
            rows += part.len();
            parts.push(part.as_ref());
            if rows >= TABLE_ROWS_MAX {
                break;
            }
        }
        let column_type = SPECS[index][column].1.arrow();
        // Parts of one type: were they not, the column is short, and the table told as empty.
        let joined = if parts.is_empty() { Ok(new_empty_array(&column_type)) } else { concat(&parts) };
        joined.map_or_else(|_| new_empty_array(&column_type), |joined| joined.slice(0, rows.min(TABLE_ROWS_MAX)))
    }
}

/// Columns are built by their type; were one not, an empty table is better than a wrong one.
fn batch(index: usize, columns: &[usize], arrays: Vec<ArrayRef>, rows: usize) -> Option<RecordBatch> {
    let schema = Arc::new(schema(index).project(columns).ok()?);
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    Some(RecordBatch::try_new_with_options(schema.clone(), arrays, &options).unwrap_or_else(|error| {
        tracing::error!(table = NAMES[index], %error, "a state table cannot be built");
        RecordBatch::new_empty(schema)
    }))
}

enum Cell<'a> {
    Text(Option<&'a str>),
    Symbol(Symbol),
    Time(i64),
    Int(Option<i64>),
    Truth(bool),
    Row(&'a serde_json::Value),
}

use Cell::{Int as Number, Row as Whole, Symbol as Word, Text as Letters, Time as At, Truth};

fn open_ticket(ticket: &Ticket, column: usize) -> Cell<'_> {
    let [service, board, area, topic, org, channel, _party, kind, prio, item] = ticket.said;
    match column {
        0 => Letters(Some(&ticket.id)),
        1 => Letters(Some(ticket.state.name())),
        2 => At(ticket.opened_us),
        3 => At(ticket.since_us),
        4 => At(ticket.due_us),
        5..14 => Word([service, board, area, topic, org, channel, kind, prio, item][column - 5]),
        14 => Number(Some(i64::from(ticket.rejects))),
        _ => Truth(ticket.demo),
    }
}

fn waiting(queued: &Queued, column: usize) -> Cell<'_> {
    match column {
        0 => Letters(Some(&queued.id)),
        1 => At(queued.since_us),
        2..6 => Word([queued.line, queued.skill, queued.area, queued.channel][column - 2]),
        _ => Truth(queued.demo),
    }
}

fn seat_state(seat: &Seat, column: usize) -> Cell<'_> {
    match column {
        0 => Letters(Some(&seat.seat)),
        1 => Word(seat.state),
        2 => At(seat.since_us),
        3 => Word(seat.skill),
        4 => Word(seat.reason),
        _ => Truth(seat.demo),
    }
}

fn device(device: &Device, column: usize) -> Cell<'_> {
    match column {
        0 => Word(device.device_type),
        1 => Letters(Some(&device.id)),
        2 => Word(device.state),
        3 => At(device.since_us),
        4..9 => Word([device.grade, device.area, device.service, device.org, device.tags][column - 4]),
        9 => Number(device.quantity),
        10 => At(device.expires_us.unwrap_or(NO_TIME)),
        _ => Truth(device.demo),
    }
}

fn feed(feed: &Feed, column: usize) -> Cell<'_> {
    match column {
        0 => Letters(Some(&feed.src)),
        1 => At(feed.last_ts_us),
        2 => At(feed.last_recv_us),
        3 => Number(Some(feed.rows)),
        _ => Truth(feed.demo),
    }
}

fn quarantined(held: &Held, column: usize) -> Cell<'_> {
    match column {
        0 => At(held.at),
        1 => Letters(Some(&held.stream)),
        2 => Letters(Some(&held.reason)),
        3 => At(held.time().unwrap_or(NO_TIME)),
        4..8 => Letters(held.row.get(["kind", "id", "src", "src_seq"][column - 4]).and_then(serde_json::Value::as_str)),
        // The whole row as it came.
        8 => Whole(&held.row),
        _ => Truth(held.row.get("demo").and_then(serde_json::Value::as_bool).unwrap_or(false)),
    }
}

enum Builder {
    Text(StringViewBuilder),
    Int(Int64Builder),
    Bool(BooleanBuilder),
    Time(TimestampMicrosecondBuilder),
}

/// A column being built.
struct Cells<'a> {
    symbols: &'a View<Arc<str>>,
    builder: Builder,
}

impl<'a> Cells<'a> {
    fn new(column_type: ColumnType, symbols: &'a View<Arc<str>>) -> Cells<'a> {
        let builder = match column_type {
            Int | ColumnType::Float => Builder::Int(Int64Builder::with_capacity(CHUNK)),
            Bool => Builder::Bool(BooleanBuilder::with_capacity(CHUNK)),
            Time => Builder::Time(TimestampMicrosecondBuilder::with_capacity(CHUNK).with_data_type(Time.arrow())),
            // Long texts of a chunk take a page or two.
            Text => Builder::Text(StringViewBuilder::with_capacity(CHUNK).with_fixed_block_size(2048)),
        };
        Cells { symbols, builder }
    }

    fn add(&mut self, cell: Cell<'_>) {
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

    fn finish(self) -> ArrayRef {
        match self.builder {
            Builder::Text(mut builder) => Arc::new(builder.finish()),
            Builder::Int(mut builder) => Arc::new(builder.finish()),
            Builder::Bool(mut builder) => Arc::new(builder.finish()),
            Builder::Time(mut builder) => Arc::new(builder.finish()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_column_of_every_table_has_its_type_and_its_rows() {
        let mut feeds = crate::store::slab::Slab::default();
        feeds.insert(Feed { src: "a".into(), last_ts_us: 5, last_recv_us: 6, rows: 7, demo: true });
        let tables = Tables { feeds: feeds.view(), ..Tables::default() };
        for name in NAMES {
            let table = tables.table(name, None).unwrap();
            assert_eq!(table.schema(), state_table_schema(name).unwrap());
            assert_eq!(table.num_rows(), usize::from(name == "feeds"));
        }
        let some = tables.table("feeds", Some(&[3, 0])).unwrap();
        assert_eq!(
            some.schema().fields().iter().map(|field| field.name().as_str()).collect::<Vec<_>>(),
            ["rows", "src"]
        );
        assert_eq!((some.num_columns(), tables.table("feeds", Some(&[])).unwrap().num_rows()), (2, 1));
        assert!(tables.table("nothing", None).is_none());
    }

    #[test]
    fn some_rows_are_those_of_the_whole_table() {
        let mut feeds = crate::store::slab::Slab::default();
        let slots: Vec<u32> = (0..300)
            .map(|n| {
                let src = format!("src-{n}").as_str().into();
                feeds.insert(Feed { src, last_ts_us: n, last_recv_us: n, rows: n, demo: n % 2 == 0 })
            })
            .collect();
        for slot in (0..300).step_by(7) {
            feeds.remove(slots[slot]);
        }
        let tables = Tables { feeds: feeds.view(), ..Tables::default() };
        for built in [false, true] {
            let columns = [3, 0, 4];
            if built {
                tables.table("feeds", Some(&[1]));
            }
            for rows in
                [vec![], vec![0], vec![0, 1, 2, 63, 64, 65, 200, 256], vec![256, 257, 9_000], (0..257).collect()]
            {
                let some = tables.rows("feeds", &columns, &rows).unwrap();
                let fresh = Tables { feeds: feeds.view(), ..Tables::default() };
                let whole = fresh.table("feeds", Some(&columns)).unwrap();
                let there = rows.iter().filter(|row| **row < whole.num_rows()).map(|row| *row as u64);
                let there = arrow::array::UInt64Array::from_iter_values(there);
                assert_eq!(some, arrow::compute::take_record_batch(&whole, &there).unwrap());
            }
        }
    }
}
