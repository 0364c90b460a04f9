//! The six streams: which kinds of event exist and which columns they have.
//!
//! This table is the one place that names them; schemas, JSON decoding, the mapping of a city's own columns and
//! the documentation are all read from it. It fails only by a name that is not in it ([`Stream::from_name`]).

use std::sync::{Arc, LazyLock};

use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnType {
    /// UTF-8, stored as `Utf8View`.
    Text,
    /// Signed 64-bit.
    Int,
    /// 64-bit float.
    Float,
    Bool,
    /// Microseconds since 1970 UTC.
    Time,
}

impl ColumnType {
    pub fn arrow(self) -> DataType {
        match self {
            ColumnType::Text => DataType::Utf8View,
            ColumnType::Int => DataType::Int64,
            ColumnType::Float => DataType::Float64,
            ColumnType::Bool => DataType::Boolean,
            ColumnType::Time => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        }
    }

    /// The word used in error messages.
    pub fn word(self) -> &'static str {
        match self {
            ColumnType::Text => "text",
            ColumnType::Int => "a whole number",
            ColumnType::Float => "a number",
            ColumnType::Bool => "true or false",
            ColumnType::Time => "a time (RFC 3339, or microseconds since 1970 UTC)",
        }
    }
}

/// Who writes a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writer {
    /// The source sends it.
    Source,
    /// The hub writes it when the row lands.
    Hub,
}

#[derive(Clone, Copy, Debug)]
pub struct Column {
    pub name: &'static str,
    pub column_type: ColumnType,
    pub required: bool,
    pub writer: Writer,
}

const fn source(name: &'static str, column_type: ColumnType) -> Column {
    Column { name, column_type, required: false, writer: Writer::Source }
}
const fn required(name: &'static str, column_type: ColumnType) -> Column {
    Column { name, column_type, required: true, writer: Writer::Source }
}
const fn derived(name: &'static str, column_type: ColumnType) -> Column {
    Column { name, column_type, required: false, writer: Writer::Hub }
}

use ColumnType::{Bool, Float, Int, Text, Time};

/// The columns every row of every stream has, first in every schema.
pub const ENVELOPE: &[Column] = &[
    required("ts", Time),
    derived("recv", Time),
    derived("seq", Int),
    required("kind", Text),
    required("id", Text),
    required("src", Text),
    required("src_seq", Text),
    source("area", Text),
    source("org", Text),
    source("service", Text),
    source("board", Text),
    source("topic", Text),
    source("channel", Text),
    source("party", Text),
    source("module", Text),
    source("demo", Bool),
];

const CONTACTS: &[Column] = &[
    source("caller", Text),
    source("line", Text),
    source("skill", Text),
    source("seat", Text),
    source("wait_s", Int),
    source("talk_s", Int),
    source("hold_s", Int),
    source("wrap_s", Int),
    source("valid", Bool),
    source("ticket", Text),
    source("score", Float),
    source("violation", Text),
    source("rating", Int),
    derived("queue_delta", Int),
];

const TICKETS: &[Column] = &[
    source("type", Text),
    source("prio", Text),
    source("due", Time),
    source("side", Text),
    source("sector", Text),
    source("tier", Text),
    source("item", Text),
    source("amount", Float),
    source("rating", Int),
    source("solved", Bool),
    source("outcome", Text),
    source("related", Text),
    source("secret", Bool),
    source("caller", Text),
    // `overdue` is written by the hub from `due`, or asserted by the source on `finish`.
    source("overdue", Bool),
    // The source's times have no time of day: durations are left null.
    source("dates_only", Bool),
    derived("state", Text),
    derived("prev_state", Text),
    derived("opened_at", Time),
    derived("open_delta", Int),
    derived("elapsed_s", Int),
    derived("stage_s", Int),
    derived("dispatched", Bool),
    derived("since_dispatch_s", Int),
    derived("rejects", Int),
];

const SEATS: &[Column] = &[
    source("seat", Text),
    source("skill", Text),
    source("reason", Text),
    source("starts_at", Time),
    source("ends_at", Time),
    derived("prev_state", Text),
    derived("stage_s", Int),
];

const REGISTRY: &[Column] = &[
    source("type", Text),
    source("grade", Text),
    source("tags", Text),
    source("expires_at", Time),
    source("quantity", Int),
];

const ACTIVITIES: &[Column] = &[
    source("form", Text),
    source("starts_at", Time),
    source("people", Int),
    source("online", Int),
    source("hours", Float),
    source("policies", Int),
    source("questions", Int),
    source("score", Float),
];

const SIGNALS: &[Column] = &[
    source("colour", Text),
    source("severity", Text),
    source("rule", Text),
    source("actor", Text),
    source("note", Text),
    source("value", Float),
];

/// A stream of events; its name is its SQL table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Stream {
    Contacts,
    Tickets,
    Seats,
    Registry,
    Activities,
    Signals,
}

impl Stream {
    pub const ALL: [Stream; 6] =
        [Stream::Contacts, Stream::Tickets, Stream::Seats, Stream::Registry, Stream::Activities, Stream::Signals];

    pub fn name(self) -> &'static str {
        match self {
            Stream::Contacts => "contacts",
            Stream::Tickets => "tickets",
            Stream::Seats => "seats",
            Stream::Registry => "registry",
            Stream::Activities => "activities",
            Stream::Signals => "signals",
        }
    }

    pub fn from_name(name: &str) -> Option<Stream> {
        Stream::ALL.into_iter().find(|stream| stream.name() == name)
    }

    /// The kinds of event, in the order they are listed to people.
    pub fn kinds(self) -> &'static [&'static str] {
        match self {
            Stream::Contacts => {
                &["arrive", "queue", "answer", "abandon", "bot", "handoff", "end", "callback", "inspect", "rate"]
            }
            Stream::Tickets => &[
                "open", "dispatch", "accept", "reject", "reach", "propose", "onsite", "extend", "escalate", "grant",
                "finish", "visit", "rate", "reopen", "merge", "close",
            ],
            Stream::Seats => &["login", "ready", "ring", "talk", "wrap", "rest", "busy", "train", "logout", "plan"],
            Stream::Registry => &["add", "update", "remove", "online", "offline", "test"],
            Stream::Activities => &["plan", "start", "tick", "end"],
            Stream::Signals => {
                &["weather", "incident", "target", "note", "feed_up", "feed_late", "raise", "ack", "clear"]
            }
        }
    }

    /// The kind as a static string, or `None` when the stream has no such kind.
    pub fn kind(self, name: &str) -> Option<&'static str> {
        self.kinds().iter().copied().find(|kind| *kind == name)
    }

    /// The columns after the envelope.
    pub fn own_columns(self) -> &'static [Column] {
        match self {
            Stream::Contacts => CONTACTS,
            Stream::Tickets => TICKETS,
            Stream::Seats => SEATS,
            Stream::Registry => REGISTRY,
            Stream::Activities => ACTIVITIES,
            Stream::Signals => SIGNALS,
        }
    }

    /// Every column, envelope first.
    pub fn columns(self) -> impl Iterator<Item = &'static Column> {
        ENVELOPE.iter().chain(self.own_columns())
    }

    /// The columns a source may send, in schema order.
    pub fn source_columns(self) -> impl Iterator<Item = &'static Column> {
        self.columns().filter(|column| column.writer == Writer::Source)
    }

    pub fn column(self, name: &str) -> Option<&'static Column> {
        self.columns().find(|column| column.name == name)
    }

    /// The Arrow schema as stored and as SQL sees it. Only `ts`, `recv`, `seq`, `kind`, `id`, `src`, `src_seq`
    /// are not null.
    pub fn schema(self) -> SchemaRef {
        static SCHEMAS: LazyLock<[SchemaRef; 6]> = LazyLock::new(|| Stream::ALL.map(|s| schema_of(s.columns())));
        SCHEMAS[self as usize].clone()
    }

    /// The Arrow schema of what a source sends.
    pub fn source_schema(self) -> SchemaRef {
        static SCHEMAS: LazyLock<[SchemaRef; 6]> = LazyLock::new(|| Stream::ALL.map(|s| schema_of(s.source_columns())));
        SCHEMAS[self as usize].clone()
    }
}

impl std::fmt::Display for Stream {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.name())
    }
}

fn schema_of<'a>(columns: impl Iterator<Item = &'a Column>) -> SchemaRef {
    Arc::new(Schema::new(
        columns
            .map(|column| {
                let nullable = !(column.required || matches!(column.name, "recv" | "seq"));
                Field::new(column.name, column.column_type.arrow(), nullable)
            })
            .collect::<Vec<_>>(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_column_is_named_twice_and_names_are_found_again() {
        for stream in Stream::ALL {
            let mut names: Vec<_> = stream.columns().map(|c| c.name).collect();
            let count = names.len();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), count, "{stream}");
            assert_eq!(Stream::from_name(stream.name()), Some(stream));
            assert_eq!(stream.schema().fields().len(), count);
        }
    }
}
