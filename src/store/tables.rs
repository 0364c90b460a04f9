//! The state tables: what stands where now, as record batches.
//!
//! Each is built when it is first asked for of a snapshot, and kept while nothing in it changes. Bounds: `open_tickets`,
//! `waiting`, `seat_state`, `devices` and `feeds` hold what is open, queued, known; at most [`TABLE_ROWS_MAX`] rows of
//! each are given (the store warns above it); `quarantine` at most
//! [`QUARANTINE_MAX`](super::landing::held::QUARANTINE_MAX).

use std::sync::{Arc, LazyLock, OnceLock};

use arrow::array::{
    ArrayRef, BooleanBuilder, Int64Builder, RecordBatch, StringViewBuilder, TimestampMicrosecondBuilder,
};
use arrow::datatypes::{Field, Schema, SchemaRef};

use crate::model::ColumnType::{self, Bool, Int, Text, Time};

use super::landing::held::Held;
use super::landing::objects::{Device, Feed, Queued, Seat};
use super::landing::symbols::Symbol;
use super::landing::tickets::{NO_TIME, Ticket};
use super::slab::View;

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
    /// Tables as far as they were asked for.
    pub built: [Arc<OnceLock<RecordBatch>>; 6],
}

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

    /// Keeps the tables already built of an earlier moment that still hold.
    pub fn after(mut self, before: &Tables) -> Tables {
        let (now, then) = (self.versions(), before.versions());
        for index in 0..now.len() {
            if now[index] == then[index] {
                self.built[index] = before.built[index].clone();
            }
        }
        self
    }

    pub fn table(&self, name: &str) -> Option<RecordBatch> {
        let index = index_of(name)?;
        Some(self.built[index].get_or_init(|| self.build(index)).clone())
    }

    fn build(&self, index: usize) -> RecordBatch {
        let rows = [self.open.len, self.queue.len, self.seats.len, self.devices.len, self.feeds.len, 0][index];
        if rows > TABLE_ROWS_MAX {
            tracing::warn!(table = NAMES[index], rows, "a state table gives {TABLE_ROWS_MAX} of its rows");
        }
        let mut rows = Rows::new(index, &self.symbols);
        match index {
            0 => self.open.iter().take(TABLE_ROWS_MAX).for_each(|ticket| rows.open_ticket(ticket)),
            1 => self.queue.iter().take(TABLE_ROWS_MAX).for_each(|queued| rows.queued(queued)),
            2 => self.seats.iter().take(TABLE_ROWS_MAX).for_each(|seat| rows.seat(seat)),
            3 => self.devices.iter().take(TABLE_ROWS_MAX).for_each(|device| rows.device(device)),
            4 => self.feeds.iter().take(TABLE_ROWS_MAX).for_each(|feed| rows.feed(feed)),
            _ => self.held.iter().filter(|held| held.quarantined).for_each(|held| rows.quarantined(held)),
        }
        rows.finish()
    }
}

enum Builder {
    Text(StringViewBuilder),
    Int(Int64Builder),
    Bool(BooleanBuilder),
    Time(TimestampMicrosecondBuilder),
}

/// A table being built, cell by cell in the order of its columns.
struct Rows<'a> {
    index: usize,
    symbols: &'a View<Arc<str>>,
    builders: Vec<Builder>,
    at: usize,
}

impl<'a> Rows<'a> {
    fn new(index: usize, symbols: &'a View<Arc<str>>) -> Rows<'a> {
        let builders = SPECS[index]
            .iter()
            .map(|(_, column_type, _)| match column_type {
                Int | ColumnType::Float => Builder::Int(Int64Builder::new()),
                Bool => Builder::Bool(BooleanBuilder::new()),
                Time => Builder::Time(TimestampMicrosecondBuilder::new().with_data_type(Time.arrow())),
                Text => Builder::Text(StringViewBuilder::new()),
            })
            .collect();
        Rows { index, symbols, builders, at: 0 }
    }

    fn next(&mut self) -> Option<&mut Builder> {
        let at = self.at;
        self.at = (at + 1) % self.builders.len();
        self.builders.get_mut(at)
    }

    fn text(&mut self, text: Option<&str>) -> &mut Self {
        if let Some(Builder::Text(builder)) = self.next() {
            builder.append_option(text);
        }
        self
    }

    fn symbol(&mut self, symbol: Symbol) -> &mut Self {
        let symbols = self.symbols;
        let text = if symbol == 0 { None } else { symbols.get(symbol).map(|text| &**text) };
        self.text(text)
    }

    fn time(&mut self, time_us: i64) -> &mut Self {
        if let Some(Builder::Time(builder)) = self.next() {
            builder.append_option((time_us != NO_TIME).then_some(time_us));
        }
        self
    }

    fn int(&mut self, number: Option<i64>) -> &mut Self {
        if let Some(Builder::Int(builder)) = self.next() {
            builder.append_option(number);
        }
        self
    }

    fn truth(&mut self, truth: bool) -> &mut Self {
        if let Some(Builder::Bool(builder)) = self.next() {
            builder.append_value(truth);
        }
        self
    }

    fn open_ticket(&mut self, ticket: &Ticket) {
        let [service, board, area, topic, org, channel, _party, kind, prio, item] = ticket.said;
        self.text(Some(&ticket.id)).text(Some(ticket.state.name()));
        self.time(ticket.opened_us).time(ticket.since_us).time(ticket.due_us);
        for symbol in [service, board, area, topic, org, channel, kind, prio, item] {
            self.symbol(symbol);
        }
        self.int(Some(i64::from(ticket.rejects))).truth(ticket.demo);
    }

    fn queued(&mut self, queued: &Queued) {
        self.text(Some(&queued.id)).time(queued.since_us).symbol(queued.line).symbol(queued.skill);
        self.symbol(queued.area).symbol(queued.channel).truth(queued.demo);
    }

    fn seat(&mut self, seat: &Seat) {
        self.text(Some(&seat.seat)).symbol(seat.state).time(seat.since_us).symbol(seat.skill);
        self.symbol(seat.reason).truth(seat.demo);
    }

    fn device(&mut self, device: &Device) {
        self.symbol(device.device_type).text(Some(&device.id)).symbol(device.state).time(device.since_us);
        for symbol in [device.grade, device.area, device.service, device.org, device.tags] {
            self.symbol(symbol);
        }
        self.int(device.quantity).time(device.expires_us.unwrap_or(NO_TIME)).truth(device.demo);
    }

    fn feed(&mut self, feed: &Feed) {
        self.text(Some(&feed.src)).time(feed.last_ts_us).time(feed.last_recv_us).int(Some(feed.rows)).truth(feed.demo);
    }

    fn quarantined(&mut self, held: &Held) {
        let demo = held.row.get("demo").and_then(serde_json::Value::as_bool).unwrap_or(false);
        self.time(held.at).text(Some(&held.stream)).text(Some(&held.reason)).time(held.time().unwrap_or(NO_TIME));
        for name in ["kind", "id", "src", "src_seq"] {
            self.text(held.row.get(name).and_then(serde_json::Value::as_str));
        }
        self.text(Some(&held.row.to_string())).truth(demo);
    }

    fn finish(self) -> RecordBatch {
        let arrays = self
            .builders
            .into_iter()
            .map(|builder| -> ArrayRef {
                match builder {
                    Builder::Text(mut builder) => Arc::new(builder.finish()),
                    Builder::Int(mut builder) => Arc::new(builder.finish()),
                    Builder::Bool(mut builder) => Arc::new(builder.finish()),
                    Builder::Time(mut builder) => Arc::new(builder.finish()),
                }
            })
            .collect();
        let schema = schema(self.index);
        // Cells are written a whole row at a time; were one missing, an empty table is better than a wrong one.
        RecordBatch::try_new(schema.clone(), arrays).unwrap_or_else(|error| {
            tracing::error!(table = NAMES[self.index], %error, "a state table cannot be built");
            RecordBatch::new_empty(schema)
        })
    }
}
