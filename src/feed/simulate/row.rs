//! One simulated event in a compact form, and many of them as an Arrow batch.
//!
//! A row names only the columns it sets, by their index among [`Stream::source_columns`]; words of the city are symbols.
//! [`Row::event`] gives the general [`Event`]; [`batches`] writes Arrow directly, which is ten times less work.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanBuilder, Float64Builder, Int64Builder, RecordBatch, StringViewBuilder, TimestampMicrosecondBuilder,
};

use super::calendar::Calendar;
use super::world::{Sym, World};
use crate::model::event::{Event, RowError, Value};
use crate::model::stream::{ColumnType, Stream};

/// No stream has more source columns.
const COLUMNS_MAX: usize = 32;

/// Indices of source columns; a test holds them against the streams.
pub mod col {
    pub const AREA: u8 = 5;
    pub const ORG: u8 = 6;
    pub const SERVICE: u8 = 7;
    pub const BOARD: u8 = 8;
    pub const TOPIC: u8 = 9;
    pub const CHANNEL: u8 = 10;
    pub const PARTY: u8 = 11;
    pub const MODULE: u8 = 12;
    pub const DEMO: u8 = 13;

    pub mod contacts {
        pub const CALLER: u8 = 14;
        pub const LINE: u8 = 15;
        pub const SKILL: u8 = 16;
        pub const SEAT: u8 = 17;
        pub const WAIT_S: u8 = 18;
        pub const TALK_S: u8 = 19;
        pub const HOLD_S: u8 = 20;
        pub const WRAP_S: u8 = 21;
        pub const VALID: u8 = 22;
        pub const TICKET: u8 = 23;
        pub const SCORE: u8 = 24;
        pub const VIOLATION: u8 = 25;
        pub const RATING: u8 = 26;
    }
    pub mod tickets {
        pub const TYPE: u8 = 14;
        pub const PRIO: u8 = 15;
        pub const DUE: u8 = 16;
        pub const SIDE: u8 = 17;
        pub const SECTOR: u8 = 18;
        pub const TIER: u8 = 19;
        pub const ITEM: u8 = 20;
        pub const AMOUNT: u8 = 21;
        pub const RATING: u8 = 22;
        pub const SOLVED: u8 = 23;
        pub const OUTCOME: u8 = 24;
        pub const RELATED: u8 = 25;
        pub const SECRET: u8 = 26;
        pub const CALLER: u8 = 27;
    }
    pub mod seats {
        pub const SEAT: u8 = 14;
        pub const SKILL: u8 = 15;
        pub const REASON: u8 = 16;
        pub const STARTS_AT: u8 = 17;
        pub const ENDS_AT: u8 = 18;
    }
    pub mod registry {
        pub const TYPE: u8 = 14;
        pub const GRADE: u8 = 15;
        pub const TAGS: u8 = 16;
        pub const EXPIRES_AT: u8 = 17;
        pub const QUANTITY: u8 = 18;
    }
    pub mod activities {
        pub const FORM: u8 = 14;
        pub const STARTS_AT: u8 = 15;
        pub const PEOPLE: u8 = 16;
        pub const ONLINE: u8 = 17;
        pub const HOURS: u8 = 18;
        pub const POLICIES: u8 = 19;
        pub const QUESTIONS: u8 = 20;
        pub const SCORE: u8 = 21;
    }
    pub mod signals {
        pub const COLOUR: u8 = 14;
        pub const SEVERITY: u8 = 15;
        pub const RULE: u8 = 16;
        pub const ACTOR: u8 = 17;
        pub const NOTE: u8 = 18;
        pub const VALUE: u8 = 19;
    }
}

/// The feeds that the simulated city sends through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Src {
    Calls,
    Digital,
    Onekey,
    Quality,
    Tickets,
    Seats,
    Registry,
    Activities,
    Signals,
}

impl Src {
    pub const ALL: [Src; 9] = [
        Src::Calls,
        Src::Digital,
        Src::Onekey,
        Src::Quality,
        Src::Tickets,
        Src::Seats,
        Src::Registry,
        Src::Activities,
        Src::Signals,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Src::Calls => "demo-calls",
            Src::Digital => "demo-app",
            Src::Onekey => "demo-onekey",
            Src::Quality => "demo-quality",
            Src::Tickets => "demo-tickets",
            Src::Seats => "demo-seats",
            Src::Registry => "demo-registry",
            Src::Activities => "demo-activities",
            Src::Signals => "demo-signals",
        }
    }
}

/// Kinds of things that have numbers or names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Thing {
    Client,
    Device,
    DeviceLot,
    Firm,
    Kb,
    KbLot,
    Member,
    MemberLot,
    Policy,
    PolicyLot,
    Talent,
    TalentLot,
    Target,
    Typhoon,
    VolunteerDay,
    VolunteerLot,
    Module,
    Line,
}

impl Thing {
    fn name(self) -> &'static str {
        match self {
            Thing::Client => "client",
            Thing::Device => "device",
            Thing::DeviceLot => "device-lot",
            Thing::Firm => "firm",
            Thing::Kb => "kb",
            Thing::KbLot => "kb-lot",
            Thing::Member => "member",
            Thing::MemberLot => "member-lot",
            Thing::Policy => "policy",
            Thing::PolicyLot => "policy-lot",
            Thing::Talent => "talent",
            Thing::TalentLot => "talent-lot",
            Thing::Target => "target",
            Thing::Typhoon => "typhoon",
            Thing::VolunteerDay => "volunteer-day",
            Thing::VolunteerLot => "volunteer-lot",
            Thing::Module => "module",
            Thing::Line => "line",
        }
    }
}

/// The pseudonym of a thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Id {
    /// `甬-1123-4K7Q2M`: a ticket of a day.
    Ticket { day: i32, n: u32 },
    /// `C1123-4K7Q2M`: a contact of a day.
    Contact { day: i32, n: u32 },
    /// `A1123-03`: something planned on a day.
    Activity { day: i32, n: u32 },
    /// `N1123-03`: a signal of a day.
    Signal { day: i32, n: u32 },
    /// `S07`: a seat.
    Seat(u32),
    /// A thing of the registry: `firm-0042`.
    Thing(Thing, u32),
    /// A thing of the registry with a name of its own: `module-onekey`.
    Named(Thing, Sym),
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Val {
    Word(&'static str),
    Sym(Sym),
    Id(Id),
    /// A keyed hash, shown as 16 hex digits.
    Hash(u64),
    Int(i64),
    Float(f64),
    Bool(bool),
    Time(i64),
}

impl From<&'static str> for Val {
    fn from(word: &'static str) -> Val {
        Val::Word(word)
    }
}
impl From<Sym> for Val {
    fn from(sym: Sym) -> Val {
        Val::Sym(sym)
    }
}
impl From<Id> for Val {
    fn from(id: Id) -> Val {
        Val::Id(id)
    }
}
impl From<i64> for Val {
    fn from(number: i64) -> Val {
        Val::Int(number)
    }
}
impl From<f64> for Val {
    fn from(number: f64) -> Val {
        Val::Float(number)
    }
}
impl From<bool> for Val {
    fn from(truth: bool) -> Val {
        Val::Bool(truth)
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    pub ts: i64,
    /// The source's own number, dense per source and day.
    pub seq: u64,
    /// When the thing this row is about began (a ticket's open, a call's arrival).
    pub born: i64,
    pub stream: Stream,
    pub src: Src,
    pub kind: &'static str,
    pub id: Id,
    fields: Vec<(u8, Val)>,
}

impl Row {
    pub fn new(stream: Stream, src: Src, ts: i64, born: i64, kind: &'static str, id: Id) -> Row {
        Row { ts, seq: 0, born, stream, src, kind, id, fields: Vec::with_capacity(10) }
    }

    #[must_use]
    pub fn with(mut self, column: u8, value: impl Into<Val>) -> Row {
        self.fields.push((column, value.into()));
        self
    }

    /// [`Row::with`], when there is a value.
    #[must_use]
    pub fn maybe(mut self, column: u8, value: Option<impl Into<Val>>) -> Row {
        if let Some(value) = value {
            self.fields.push((column, value.into()));
        }
        self
    }

    #[cfg(test)]
    pub fn get(&self, column: u8) -> Option<Val> {
        self.fields.iter().find(|(index, _)| *index == column).map(|(_, value)| *value)
    }

    /// Position of each column among the fields; 255: the row does not say it.
    fn places(&self) -> [u8; COLUMNS_MAX] {
        let mut places = [u8::MAX; COLUMNS_MAX];
        for (position, (column, _)) in self.fields.iter().enumerate().rev() {
            if let Some(place) = places.get_mut(usize::from(*column)) {
                *place = position as u8;
            }
        }
        places
    }

    /// The row as the general event.
    pub fn event(&self, world: &World) -> Event {
        let mut text = String::new();
        write_id(&mut text, self.id, world);
        let mut event = Event::new(self.stream, self.ts, self.kind, &text, world.src(self.src), &self.seq.to_string());
        event.set("demo", true);
        for (index, value) in &self.fields {
            let Some(column) = self.stream.source_columns().nth(usize::from(*index)) else { continue };
            let value = match *value {
                Val::Int(number) => Value::Int(number),
                Val::Float(number) => Value::Float(number),
                Val::Bool(truth) => Value::Bool(truth),
                Val::Time(time_us) => Value::Time(time_us),
                other => {
                    let mut text = String::new();
                    write_text(&mut text, other, world);
                    Value::Text(text)
                }
            };
            event.set(column.name, value);
        }
        event
    }
}

/// Six characters of base 36 that say nothing: the year's digit, then `n` scattered over 36⁵. Longer when `n` is larger.
fn write_code(out: &mut String, year: i32, n: u32) {
    const DIGITS: &[u8; 36] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    const SPACE: u64 = 36 * 36 * 36 * 36 * 36;
    let push = |out: &mut String, digit: u64| out.push(DIGITS[(digit % 36) as usize] as char);
    push(out, year.rem_euclid(36) as u64);
    // 36⁵ has the factors 2 and 3 alone, so an odd multiplier that 3 does not divide makes no two n alike.
    let mut scattered = (u64::from(n) % SPACE * 26_544_359 + u64::from(year.unsigned_abs()) * 7_654_321) % SPACE;
    for _ in 0..5 {
        push(out, scattered);
        scattered /= 36;
    }
    let mut round = u64::from(n) / SPACE;
    while round > 0 {
        push(out, round);
        round /= 36;
    }
}

fn write_id(out: &mut String, id: Id, world: &World) {
    use std::fmt::Write as _;
    // Writing to a String does not fail.
    let _ = match id {
        Id::Ticket { day, n } | Id::Contact { day, n } => {
            let (month, date, year) = Calendar::month_day(i64::from(day));
            let ticket = matches!(id, Id::Ticket { .. });
            let written =
                if ticket { write!(out, "甬-{month:02}{date:02}-") } else { write!(out, "C{month:02}{date:02}-") };
            write_code(out, year, n);
            written
        }
        Id::Activity { day, n } | Id::Signal { day, n } => {
            let (month, date, year) = Calendar::month_day(i64::from(day));
            let letter = if matches!(id, Id::Activity { .. }) { 'A' } else { 'N' };
            write!(out, "{letter}{:02}{month:02}{date:02}-{n:02}", year % 100)
        }
        Id::Seat(n) => write!(out, "S{n:02}"),
        Id::Thing(kind, n) => write!(out, "{}-{n:04}", kind.name()),
        Id::Named(kind, name) => write!(out, "{}-{}", kind.name(), world.text(name)),
    };
    out.push_str(world.tag());
}

fn write_text(out: &mut String, value: Val, world: &World) {
    use std::fmt::Write as _;
    match value {
        Val::Word(word) => out.push_str(word),
        Val::Sym(sym) => out.push_str(world.text(sym)),
        Val::Id(id) => write_id(out, id, world),
        Val::Hash(hash) => {
            let _ = write!(out, "{hash:016x}");
        }
        // Numbers never stand in a text column; a test reads every row back.
        Val::Int(_) | Val::Float(_) | Val::Bool(_) | Val::Time(_) => {}
    }
}

/// The rows of one stream as a batch with [`Stream::source_schema`].
///
/// # Errors
/// A row whose value is of another type than its column; the tests of this room make every kind of row.
pub fn batch(stream: Stream, rows: &[&Row], world: &World) -> Result<RecordBatch, RowError> {
    let mut arrays: Vec<ArrayRef> = Vec::with_capacity(stream.source_schema().fields().len());
    let count = rows.len();
    let mut text = String::new();
    // Where each row keeps each column: one pass over the fields instead of a search for every column.
    let places: Vec<[u8; COLUMNS_MAX]> = rows.iter().map(|row| row.places()).collect();
    let at = |row: usize, column: u8| {
        rows[row].fields.get(usize::from(places[row][usize::from(column)])).map(|field| field.1)
    };
    for (index, column) in stream.source_columns().enumerate() {
        let index = index as u8;
        let wrong =
            |row: usize| RowError::new(row, column.name, "wrong_type", format!("is not {}", column.column_type.word()));
        let array: ArrayRef = match column.column_type {
            ColumnType::Text => {
                let mut builder = StringViewBuilder::with_capacity(count);
                for (position, row) in rows.iter().enumerate() {
                    text.clear();
                    match column.name {
                        "kind" => builder.append_value(row.kind),
                        "src" => builder.append_value(world.src(row.src)),
                        "id" => {
                            write_id(&mut text, row.id, world);
                            builder.append_value(&text);
                        }
                        "src_seq" => {
                            use std::fmt::Write as _;
                            let _ = write!(text, "{}", row.seq);
                            builder.append_value(&text);
                        }
                        _ => match at(position, index) {
                            None => builder.append_null(),
                            Some(Val::Word(word)) => builder.append_value(word),
                            Some(Val::Sym(sym)) => builder.append_value(world.text(sym)),
                            Some(value) => {
                                write_text(&mut text, value, world);
                                builder.append_value(&text);
                            }
                        },
                    }
                }
                Arc::new(builder.finish())
            }
            ColumnType::Int => {
                let mut builder = Int64Builder::with_capacity(count);
                for position in 0..count {
                    match at(position, index) {
                        None => builder.append_null(),
                        Some(Val::Int(number)) => builder.append_value(number),
                        Some(_) => return Err(wrong(position)),
                    }
                }
                Arc::new(builder.finish())
            }
            ColumnType::Float => {
                let mut builder = Float64Builder::with_capacity(count);
                for position in 0..count {
                    match at(position, index) {
                        None => builder.append_null(),
                        Some(Val::Float(number)) => builder.append_value(number),
                        Some(_) => return Err(wrong(position)),
                    }
                }
                Arc::new(builder.finish())
            }
            ColumnType::Bool => {
                let mut builder = BooleanBuilder::new();
                for position in 0..count {
                    match at(position, index) {
                        _ if index == col::DEMO => builder.append_value(true),
                        None => builder.append_null(),
                        Some(Val::Bool(truth)) => builder.append_value(truth),
                        Some(_) => return Err(wrong(position)),
                    }
                }
                Arc::new(builder.finish())
            }
            ColumnType::Time => {
                let mut builder = TimestampMicrosecondBuilder::with_capacity(count).with_timezone("UTC");
                for (position, row) in rows.iter().enumerate() {
                    match at(position, index) {
                        _ if index == 0 => builder.append_value(row.ts),
                        None => builder.append_null(),
                        Some(Val::Time(time_us)) => builder.append_value(time_us),
                        Some(_) => return Err(wrong(position)),
                    }
                }
                Arc::new(builder.finish())
            }
        };
        arrays.push(array);
    }
    RecordBatch::try_new(stream.source_schema(), arrays)
        .map_err(|error| RowError::new(0, "", "wrong_type", error.to_string()))
}

/// Rows as one batch for each stream that has any, in the order of [`Stream::ALL`].
pub fn batches(rows: &[Row], world: &World) -> Result<Vec<(Stream, RecordBatch)>, RowError> {
    let mut out = Vec::new();
    for stream in Stream::ALL {
        let own: Vec<&Row> = rows.iter().filter(|row| row.stream == stream).collect();
        if !own.is_empty() {
            out.push((stream, batch(stream, &own, world)?));
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::event::source_index;

    #[test]
    fn the_column_numbers_are_those_of_the_streams() {
        use col::*;
        let check = |stream: Stream, names: &[(&str, u8)]| {
            for (name, index) in names {
                assert_eq!(source_index(stream, name), Some(usize::from(*index)), "{stream}.{name}");
            }
        };
        for stream in Stream::ALL {
            check(
                stream,
                &[
                    ("area", AREA),
                    ("org", ORG),
                    ("service", SERVICE),
                    ("board", BOARD),
                    ("topic", TOPIC),
                    ("channel", CHANNEL),
                    ("party", PARTY),
                    ("module", MODULE),
                    ("demo", DEMO),
                ],
            );
        }
        check(
            Stream::Contacts,
            &[
                ("caller", contacts::CALLER),
                ("line", contacts::LINE),
                ("skill", contacts::SKILL),
                ("seat", contacts::SEAT),
                ("wait_s", contacts::WAIT_S),
                ("talk_s", contacts::TALK_S),
                ("hold_s", contacts::HOLD_S),
                ("wrap_s", contacts::WRAP_S),
                ("valid", contacts::VALID),
                ("ticket", contacts::TICKET),
                ("score", contacts::SCORE),
                ("violation", contacts::VIOLATION),
                ("rating", contacts::RATING),
            ],
        );
        check(
            Stream::Tickets,
            &[
                ("type", tickets::TYPE),
                ("prio", tickets::PRIO),
                ("due", tickets::DUE),
                ("side", tickets::SIDE),
                ("sector", tickets::SECTOR),
                ("tier", tickets::TIER),
                ("item", tickets::ITEM),
                ("amount", tickets::AMOUNT),
                ("rating", tickets::RATING),
                ("solved", tickets::SOLVED),
                ("outcome", tickets::OUTCOME),
                ("related", tickets::RELATED),
                ("secret", tickets::SECRET),
                ("caller", tickets::CALLER),
            ],
        );
        check(
            Stream::Seats,
            &[
                ("seat", seats::SEAT),
                ("skill", seats::SKILL),
                ("reason", seats::REASON),
                ("starts_at", seats::STARTS_AT),
                ("ends_at", seats::ENDS_AT),
            ],
        );
        check(
            Stream::Registry,
            &[
                ("type", registry::TYPE),
                ("grade", registry::GRADE),
                ("tags", registry::TAGS),
                ("expires_at", registry::EXPIRES_AT),
                ("quantity", registry::QUANTITY),
            ],
        );
        check(
            Stream::Activities,
            &[
                ("form", activities::FORM),
                ("starts_at", activities::STARTS_AT),
                ("people", activities::PEOPLE),
                ("online", activities::ONLINE),
                ("hours", activities::HOURS),
                ("policies", activities::POLICIES),
                ("questions", activities::QUESTIONS),
                ("score", activities::SCORE),
            ],
        );
        check(
            Stream::Signals,
            &[
                ("colour", signals::COLOUR),
                ("severity", signals::SEVERITY),
                ("rule", signals::RULE),
                ("actor", signals::ACTOR),
                ("note", signals::NOTE),
                ("value", signals::VALUE),
            ],
        );
    }

    #[test]
    fn codes_of_a_day_differ() {
        let mut seen = std::collections::BTreeSet::new();
        for n in 0..50_000 {
            let mut code = String::new();
            write_code(&mut code, 2026, n);
            assert_eq!(code.len(), 6);
            assert!(seen.insert(code));
        }
    }
}
