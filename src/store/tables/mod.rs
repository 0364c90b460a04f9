//! The state tables: what stands where now, as record batches.
//!
//! A column is built when it is first asked for of a snapshot, chunk by chunk of its table, and a chunk's part is kept
//! while nothing in it changes. Bounds: `open_tickets`, `waiting`, `seat_state`, `devices` and `feeds` hold what is open,
//! queued, known; at most [`TABLE_ROWS_MAX`] rows of each are given (the store warns above it); `quarantine` at most
//! [`QUARANTINE_MAX`](super::landing::held::QUARANTINE_MAX).

mod cells;
mod moment;

use std::sync::{Arc, LazyLock, OnceLock};

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions, new_empty_array};
use arrow::compute::concat;
use arrow::datatypes::{Field, Schema, SchemaRef};
use parking_lot::Mutex;

use crate::model::ColumnType::{self, Bool, Int, Text, Time};

use self::cells::{Cells, Row};
pub use self::moment::Moment;
use super::landing::held::Held;
use super::landing::objects::{Device, Feed, Queued, Seat};
use super::landing::tickets::Ticket;
use super::slab::{COLUMNS_MAX, Chunk, View};

/// The most rows a state table gives.
pub const TABLE_ROWS_MAX: usize = 250_000;

pub const NAMES: [&str; 6] = ["open_tickets", "waiting", "seat_state", "devices", "feeds", "quarantine"];
const QUARANTINE_INDEX: usize = 5;

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

/// What was made of a table so far, for all who ask.
#[derive(Debug, Default)]
pub struct Built {
    columns: [OnceLock<ArrayRef>; COLUMNS_MAX],
    /// The slots changed since the version that was asked for last.
    changed: Mutex<Option<(u64, Arc<[u32]>)>>,
}

/// The slots of a table, whatever its rows are.
macro_rules! of_table {
    ($tables:expr, $index:expr, $view:ident => $made:expr) => {
        match $index {
            0 => of_table!(@ &$tables.open, $view => $made),
            1 => of_table!(@ &$tables.queue, $view => $made),
            2 => of_table!(@ &$tables.seats, $view => $made),
            3 => of_table!(@ &$tables.devices, $view => $made),
            4 => of_table!(@ &$tables.feeds, $view => $made),
            _ => of_table!(@ &$tables.held, $view => $made),
        }
    };
    (@ $slots:expr, $view:ident => $made:expr) => {{
        let $view = $slots;
        $made
    }};
}
use of_table;

const _: () = {
    let mut index = 0;
    while index < SPECS.len() {
        assert!(SPECS[index].len() <= COLUMNS_MAX);
        index += 1;
    }
};

impl Tables {
    fn version(&self, index: usize) -> u64 {
        of_table!(self, index, view => view.version)
    }

    /// Keeps the columns already built of an earlier moment that still hold.
    pub fn after(mut self, before: &Tables) -> Tables {
        for index in 0..NAMES.len() {
            if self.version(index) == before.version(index) {
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
        let column =
            |column: &usize| self.built[index].columns[*column].get_or_init(|| self.build(index, *column)).clone();
        batch(index, columns, columns.iter().map(column).collect(), self.len(index).min(TABLE_ROWS_MAX))
    }

    fn len(&self, index: usize) -> usize {
        match index {
            QUARANTINE_INDEX => self.held.iter().filter(|held| held.quarantined).count(),
            _ => of_table!(self, index, view => view.len),
        }
    }

    fn build(&self, index: usize, column: usize) -> ArrayRef {
        let rows = self.len(index);
        if rows > TABLE_ROWS_MAX {
            tracing::warn!(table = NAMES[index], rows, "a state table gives {TABLE_ROWS_MAX} of its rows");
        }
        of_table!(self, index, view => self.joined(view, index, column))
    }

    /// A column of all chunks of a table.
    fn joined<T: Row>(&self, view: &View<T>, index: usize, column: usize) -> ArrayRef {
        let (mut parts, mut rows) = (Vec::with_capacity(view.chunks().len()), 0);
        for chunk in view.chunks() {
            let part = self.part(chunk, index, column);
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

    /// A column of one chunk's rows.
    fn part<'a, T: Row>(&self, chunk: &'a Chunk<T>, index: usize, column: usize) -> &'a ArrayRef {
        chunk.columns[column].get_or_init(|| {
            let mut cells = Cells::new(SPECS[index][column].1, &self.symbols);
            chunk.iter().filter_map(|value| value.cell(column)).for_each(|cell| cells.add(cell));
            cells.finish()
        })
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
}
