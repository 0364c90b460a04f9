//! From a row of text to events, by the rules of a [`Mapping`].
//!
//! A row is taken whole or set aside whole, with a reason; nothing of a row that does not read reaches a hub. A phone
//! or identity number in a column that is taken as it is ends the import.

use std::borrow::Cow;
use std::collections::HashMap;

use chrono::NaiveDateTime;

use super::key::Key;
use super::map::{Binding, Conditions, DayClock, Field, Mapping, Numbering, Scalar, Shape, Source, Stage, Test};
use super::report::ImportReport;
use super::sink::{Cell, Sink};
use super::source::Cells;
use super::{digest, personal, times};
use crate::feed::FeedError;
use crate::model::city::CODED;
use crate::model::event::{ID_BYTES_MAX, TEXT_BYTES_MAX, source_index};
use crate::model::stream::{Column, ColumnType};
use crate::model::time::{DAY_US, local_to_us};

/// Objects whose last state a snapshot map remembers, at most.
const OBJECTS_MAX: usize = 1_000_000;

/// Why a row gives no events.
#[derive(Debug)]
pub enum Fault {
    Row {
        reason: &'static str,
        column: Option<String>,
        message: String,
    },
    Personal {
        column: String,
        what: &'static str,
    },
    /// The import itself failed.
    Feed(FeedError),
}

impl Fault {
    fn row(reason: &'static str, column: &str, message: impl Into<String>) -> Fault {
        Fault::Row { reason, column: Some(column.to_owned()), message: message.into() }
    }
}

impl From<FeedError> for Fault {
    fn from(error: FeedError) -> Fault {
        Fault::Feed(error)
    }
}

/// The state of an object as the last poll had it.
struct Seen {
    kind: &'static str,
    poll_us: i64,
}

/// Turns rows into events; remembers, for snapshots, the last poll.
pub struct Decoder<'m> {
    map: &'m Mapping,
    binding: Binding,
    key: Option<Key>,
    columns: Vec<&'static Column>,
    /// Those whose values are codes of the city file.
    coded: Vec<usize>,
    /// Events later than this are a misread format.
    latest_us: i64,
    seen: HashMap<String, Seen>,
    last_poll_us: Option<i64>,
}

/// One row's cells by the map's columns, and the instants of its times of day.
struct Row<'v> {
    values: Vec<Option<&'v str>>,
    clock_us: Vec<Option<i64>>,
}

impl<'m> Decoder<'m> {
    /// A decoder for a file whose columns are bound; `now_us` is the clock against which times are checked.
    pub fn new(map: &'m Mapping, binding: Binding, key: Option<Key>, now_us: i64) -> Decoder<'m> {
        Decoder {
            map,
            binding,
            key,
            columns: map.stream.source_columns().collect(),
            coded: CODED.iter().filter_map(|name| source_index(map.stream, name)).collect(),
            latest_us: now_us.saturating_add(DAY_US),
            seen: HashMap::new(),
            last_poll_us: None,
        }
    }

    /// Reads one row and pushes its events.
    ///
    /// # Errors
    /// Why the row was set aside (then nothing was pushed), or why the import ends.
    pub fn row(&mut self, cells: &Cells, sink: &mut Sink, report: &mut ImportReport) -> Result<(), Fault> {
        let row = self.read(cells, report)?;
        for counter in &self.map.counters {
            if holds(&counter.when, &row) {
                *report.import_report.entry(counter.name.clone()).or_default() += 1;
            }
        }
        let map = self.map;
        let mut common = vec![Cell::Null; self.columns.len()];
        for (index, field) in &map.set {
            common[*index] = self.cell(field, self.columns[*index], &row, report)?;
        }
        match &map.shape {
            Shape::Wide(stages) => self.wide(stages, &row, &common, sink, report),
            Shape::Long { kind, at, skip } => {
                let source = self.raw(kind, &row).map(Cow::into_owned);
                if source.is_some_and(|value| skip.contains(&value)) {
                    return Ok(());
                }
                let kind = self.kind(kind, &row, report)?;
                let Some(ts_us) = self.time(at, &row, report)? else {
                    return Err(Fault::row("missing", &at.name, "the time of the event is missing"));
                };
                let mut event = common;
                self.complete(&mut event, kind, kind, ts_us, &row)?;
                self.count(&event, kind, ts_us, report);
                Ok(sink.push(&event)?)
            }
            Shape::Snapshot { poll, state, since, gone, skip } => {
                let source = self.raw(state, &row).map(Cow::into_owned);
                if source.is_some_and(|value| skip.contains(&value)) {
                    return Ok(());
                }
                let kind = self.kind(state, &row, report)?;
                let Some(poll_us) = self.time(poll, &row, report)? else {
                    return Err(Fault::row("missing", &poll.name, "the time of the poll is missing"));
                };
                let since_us = match since {
                    Some(since) => self.time(since, &row, report)?,
                    None => None,
                };
                self.poll(poll_us, poll, *gone, sink, report)?;
                let Some(Cell::Text(id)) = common.get(2).cloned() else {
                    return Err(Fault::row("missing", "id", "the object has no id"));
                };
                let changed = self.seen.get(id.as_ref()).is_none_or(|seen| seen.kind != kind);
                if !changed {
                    if let Some(seen) = self.seen.get_mut(id.as_ref()) {
                        seen.poll_us = poll_us;
                    }
                    return Ok(());
                }
                let ts_us = since_us.unwrap_or(poll_us);
                let mut event = common;
                let label = format!("{kind}@{ts_us}");
                self.complete(&mut event, kind, &label, ts_us, &row)?;
                if self.seen.len() >= OBJECTS_MAX && !self.seen.contains_key(id.as_ref()) {
                    return Err(Fault::row("too_many", "id", format!("more than {OBJECTS_MAX} objects in one file")));
                }
                self.seen.insert(id.into_owned(), Seen { kind, poll_us });
                self.count(&event, kind, ts_us, report);
                Ok(sink.push(&event)?)
            }
        }
    }

    /// What a snapshot still has to say when the file is over: nothing, since the last poll was complete.
    fn poll(
        &mut self,
        poll_us: i64,
        field: &Field,
        gone: Option<&'static str>,
        sink: &mut Sink,
        report: &mut ImportReport,
    ) -> Result<(), Fault> {
        let Some(last_us) = self.last_poll_us else {
            self.last_poll_us = Some(poll_us);
            return Ok(());
        };
        if poll_us < last_us {
            return Err(Fault::row(
                "out_of_order",
                &field.name,
                "this poll is earlier than the one before it; sort the file by its poll time",
            ));
        }
        if poll_us == last_us {
            return Ok(());
        }
        self.last_poll_us = Some(poll_us);
        let Some(kind) = gone else { return Ok(()) };
        // Who was there before the last poll and not in it went away with it.
        let mut left: Vec<String> = self
            .seen
            .iter()
            .filter(|(_, seen)| seen.poll_us < last_us && seen.kind != kind)
            .map(|(id, _)| id.clone())
            .collect();
        left.sort_unstable();
        for id in left {
            self.seen.insert(id.clone(), Seen { kind, poll_us: last_us });
            let mut event = vec![Cell::Null; self.columns.len()];
            event[0] = Cell::Time(last_us);
            event[1] = Cell::Text(kind.into());
            event[3] = Cell::Text(self.map.src.as_str().into());
            event[4] = Cell::Text(format!("{id}:{kind}@{last_us}").into());
            event[2] = Cell::Text(id.into());
            report.event(kind, last_us);
            sink.push(&event)?;
        }
        Ok(())
    }

    fn wide<'v>(
        &self,
        stages: &'v [Stage],
        row: &Row<'v>,
        common: &[Cell<'v>],
        sink: &mut Sink,
        report: &mut ImportReport,
    ) -> Result<(), Fault>
    where
        'm: 'v,
    {
        let mut events = Vec::with_capacity(stages.len());
        for stage in stages {
            if !holds(&stage.when, row) {
                continue;
            }
            let Some(ts_us) = self.time(&stage.at, row, report)? else { continue };
            let mut event = common.to_vec();
            for (index, field) in &stage.set {
                event[*index] = self.cell(field, self.columns[*index], row, report)?;
            }
            self.complete(&mut event, stage.kind, &stage.label, ts_us, row)?;
            events.push((stage.kind, ts_us, event));
        }
        if events.is_empty() {
            let names: Vec<&str> = stages.iter().map(|stage| stage.at.name.as_str()).collect();
            return Err(Fault::Row {
                reason: "no_event",
                column: None,
                message: format!("no stage of the map happened in this row (times: {})", names.join(", ")),
            });
        }
        let opened_us = events.iter().find(|(kind, ..)| *kind == "open").map(|(_, ts_us, _)| *ts_us);
        if opened_us.is_some_and(|opened_us| events.iter().any(|(_, ts_us, _)| *ts_us < opened_us)) {
            report.rows_with_events_before_open += 1;
        }
        for (kind, ts_us, event) in events {
            self.count(&event, kind, ts_us, report);
            sink.push(&event)?;
        }
        Ok(())
    }

    /// Counts an event, and the codes of it that the city does not know.
    fn count(&self, event: &[Cell<'_>], kind: &str, ts_us: i64, report: &mut ImportReport) {
        report.event(kind, ts_us);
        let Some(city) = &self.map.codes else { return };
        for &index in &self.coded {
            let column = self.columns[index].name;
            if let Some(Cell::Text(code)) = event.get(index)
                && !city.knows(column, code)
            {
                report.unknown_code(column, code);
            }
        }
    }

    /// The cells that the map names, trimmed, with what means missing taken out, looked through for personal data.
    fn read<'v>(&self, cells: &'v Cells, report: &mut ImportReport) -> Result<Row<'v>, Fault> {
        let map = self.map;
        let mut values: Vec<Option<&str>> = Vec::with_capacity(map.columns.len());
        for (used, at) in map.columns.iter().zip(&self.binding) {
            let value = at.and_then(|at| cells.get(at)).map(str::trim);
            let value = value.filter(|value| !value.is_empty() && !map.nulls.iter().any(|null| null == value));
            if let Some(value) = value
                && used.content
            {
                if value.contains('\u{fffd}') {
                    let message =
                        "bytes that are not of the file's encoding; name it in the map: [file] encoding = \"gb18030\"";
                    return Err(Fault::row("encoding", &used.name, message));
                }
                if used.plain
                    && !used.not_personal
                    && let Some(what) = personal::find(value)
                {
                    return Err(Fault::Personal { column: used.name.clone(), what });
                }
            }
            values.push(value);
        }
        for rule in &map.missing {
            if values[rule.column].is_some_and(|value| rule.is.iter().any(|is| is == value)) {
                values[rule.column] = None;
                for also in &rule.also {
                    values[*also] = None;
                }
            }
        }
        let mut row = Row { values, clock_us: vec![] };
        if !map.clocks.is_empty() {
            row.clock_us = vec![None; map.columns.len()];
            for clock in &map.clocks {
                self.times_of_day(clock, &mut row, report)?;
            }
        }
        Ok(row)
    }

    fn times_of_day(&self, clock: &DayClock, row: &mut Row<'_>, report: &mut ImportReport) -> Result<(), Fault> {
        let map = self.map;
        let bad = |report: &mut ImportReport, column: usize, value: &str, what: &str| {
            let name = &map.columns[column].name;
            report.bad_time(name, value);
            Fault::row("bad_time", name, format!("{value:?} is no {what}"))
        };
        let Some(date) = row.values[clock.date] else { return Ok(()) };
        let day = map.times.day(date).ok_or_else(|| bad(report, clock.date, date, "date"))?;
        let mut before: Option<NaiveDateTime> = None;
        for &column in &clock.columns {
            let Some(value) = row.values[column] else { continue };
            let seconds = times::time_of_day_s(value).ok_or_else(|| bad(report, column, value, "time of day"))?;
            let mut local = times::on_day(day, seconds);
            // Each day later once: a chain of n times is over after n midnights.
            for _ in 0..clock.columns.len() {
                if let (Some(now), Some(before)) = (local, before)
                    && (before - now).num_seconds() > clock.rollover_s
                {
                    local = now.checked_add_signed(chrono::Duration::days(1));
                }
            }
            let us = local.and_then(|local| local_to_us(local, map.times.zone));
            row.clock_us[column] = Some(us.ok_or_else(|| bad(report, column, value, "time of day"))?);
            before = local;
        }
        Ok(())
    }

    /// The text a field starts from.
    fn raw<'v>(&self, field: &Field, row: &Row<'v>) -> Option<Cow<'v, str>> {
        let value = |column: &usize| row.values[*column].filter(|value| !field.nulls.iter().any(|null| null == value));
        match &field.from {
            Source::First(columns) => columns.iter().find_map(value).map(Cow::Borrowed),
            Source::Join(columns, by) => {
                let parts: Vec<&str> = columns.iter().filter_map(value).collect();
                (!parts.is_empty()).then(|| Cow::Owned(parts.join(by)))
            }
            Source::Constant(_) => None,
        }
    }

    /// The value of a field for a column of the model.
    fn cell<'v>(
        &self,
        field: &'v Field,
        column: &Column,
        row: &Row<'v>,
        report: &mut ImportReport,
    ) -> Result<Cell<'v>, Fault> {
        if column.column_type == ColumnType::Time {
            // Not the time of the event: one that does not read is missing, and reported; the rest of the row is good.
            return match self.time(field, row, report) {
                Ok(time) => Ok(time.map_or(Cell::Null, Cell::Time)),
                Err(Fault::Row { reason: "bad_time", .. }) => Ok(Cell::Null),
                Err(fault) => Err(fault),
            };
        }
        let scalar = |scalar: &'v Scalar| match (scalar, column.column_type) {
            (Scalar::Text(text), _) => Cell::Text(Cow::Borrowed(text.as_str())),
            (Scalar::Int(number), ColumnType::Float) => Cell::Float(*number as f64),
            (Scalar::Int(number), _) => Cell::Int(*number),
            (Scalar::Float(number), _) => Cell::Float(*number),
            (Scalar::Bool(truth), _) => Cell::Bool(*truth),
        };
        if let Source::Constant(constant) = &field.from {
            return Ok(scalar(constant));
        }
        let Some(value) = self.raw(field, row) else {
            return Ok(field.default.as_ref().map_or(Cell::Null, scalar));
        };
        if field.key {
            let key = self.key.as_ref().ok_or_else(|| FeedError::Key("none was given".into()))?;
            return Ok(Cell::Text(key.pseudonym(&value).into()));
        }
        if let Some(table) = &field.table {
            if let Some(found) = table.get(value.as_ref()) {
                return Ok(scalar(found));
            }
            report.unmapped(&field.name, &value);
            if let Some(otherwise) = &field.otherwise {
                return Ok(scalar(otherwise));
            }
            if column.column_type != ColumnType::Text {
                return Ok(Cell::Null);
            }
        }
        typed(value, column, &field.name)
    }

    /// The instant of a time field; `None` when it is missing.
    fn time(&self, field: &Field, row: &Row<'_>, report: &mut ImportReport) -> Result<Option<i64>, Fault> {
        let value = |column: usize| row.values[column].filter(|value| !field.nulls.iter().any(|null| null == value));
        match &field.from {
            Source::First(columns) => {
                for &column in columns {
                    let Some(value) = value(column) else { continue };
                    if let Some(us) = row.clock_us.get(column).copied().flatten() {
                        return Ok(Some(us));
                    }
                    return self.instant(&self.map.columns[column].name, value, report).map(Some);
                }
                Ok(None)
            }
            // A date and a time of day in two columns, written one after the other.
            Source::Join(columns, by) => {
                let parts: Vec<&str> = columns.iter().filter_map(|column| value(*column)).collect();
                if parts.is_empty() {
                    return Ok(None);
                }
                self.instant(&field.name, &parts.join(by), report).map(Some)
            }
            Source::Constant(_) => Ok(None),
        }
    }

    fn instant(&self, name: &str, value: &str, report: &mut ImportReport) -> Result<i64, Fault> {
        self.map.times.instant(value).ok_or_else(|| {
            report.bad_time(name, value);
            let shown: String = value.chars().take(40).collect();
            let wide = value.contains('：') != self.map.times.has_full_width_colon();
            let hint = if wide { "; one of the two has a full-width colon ：" } else { "" };
            Fault::row("bad_time", name, format!("{shown:?} is none of the time formats of the map{hint}"))
        })
    }

    fn kind(&self, field: &Field, row: &Row<'_>, report: &mut ImportReport) -> Result<&'static str, Fault> {
        let stream = self.map.stream;
        let value = match &field.from {
            Source::Constant(Scalar::Text(kind)) => Some(Cow::Borrowed(kind.as_str())),
            _ => self.raw(field, row),
        };
        let default = |scalar: &Option<Scalar>| match scalar {
            Some(Scalar::Text(kind)) => stream.kind(kind),
            _ => None,
        };
        let Some(value) = value else {
            return default(&field.default)
                .ok_or_else(|| Fault::row("missing", &field.name, "the kind of event is missing"));
        };
        match field.table.as_ref().and_then(|table| table.get(value.as_ref())) {
            Some(Scalar::Text(kind)) => stream.kind(kind),
            _ => stream.kind(&value).or_else(|| {
                report.unmapped(&field.name, &value);
                default(&field.otherwise)
            }),
        }
        .ok_or_else(|| {
            let shown: String = value.chars().take(40).collect();
            Fault::row(
                "unknown_kind",
                &field.name,
                format!("{shown:?} leads to no kind of event; map it, or list it under `skip`"),
            )
        })
    }

    /// Fills time, kind, source and number, and checks what the model asks of every event.
    fn complete(
        &self,
        event: &mut [Cell<'_>],
        kind: &'static str,
        label: &str,
        ts_us: i64,
        row: &Row<'_>,
    ) -> Result<(), Fault> {
        if ts_us > self.latest_us {
            return Err(Fault::Row {
                reason: "future_time",
                column: None,
                message: format!("{kind} lies more than a day in the future"),
            });
        }
        for (column, cell) in self.columns.iter().zip(event.iter()) {
            let Cell::Text(text) = cell else { continue };
            let limit = if column.name == "id" { ID_BYTES_MAX } else { TEXT_BYTES_MAX };
            if text.len() > limit {
                return Err(Fault::row(
                    "too_large",
                    column.name,
                    format!("{} bytes, at most {limit} are taken", text.len()),
                ));
            }
        }
        let Cell::Text(id) = &event[2] else {
            return Err(Fault::row("missing", "id", "the object has no id"));
        };
        let number = match &self.map.numbering {
            Numbering::Id => format!("{id}:{label}"),
            Numbering::Digest => format!("{}:{label}", digest::row(self.map, &row.values, self.key.as_ref())),
            Numbering::Field(field) => match self.raw(field, row) {
                None => return Err(Fault::row("missing", &field.name, "the row has no number of its own (seq)")),
                Some(value) => match &self.map.shape {
                    Shape::Long { .. } => value.into_owned(),
                    _ => format!("{value}:{label}"),
                },
            },
        };
        event[0] = Cell::Time(ts_us);
        event[1] = Cell::Text(kind.into());
        event[3] = Cell::Text(self.map.src.clone().into());
        event[4] = Cell::Text(number.into());
        Ok(())
    }
}

fn typed<'v>(value: Cow<'v, str>, column: &Column, name: &str) -> Result<Cell<'v>, Fault> {
    let wrong = |value: &str| {
        let shown: String = value.chars().take(40).collect();
        Fault::row("wrong_type", name, format!("{shown:?} is not {} ({})", column.column_type.word(), column.name))
    };
    Ok(match column.column_type {
        ColumnType::Text => Cell::Text(value),
        ColumnType::Int => Cell::Int(times::duration_s(&value).ok_or_else(|| wrong(&value))?),
        ColumnType::Float => {
            let number: f64 = value.replace(',', "").parse().map_err(|_| wrong(&value))?;
            if !number.is_finite() {
                return Err(wrong(&value));
            }
            Cell::Float(number)
        }
        ColumnType::Bool => Cell::Bool(match value.to_lowercase().as_str() {
            "true" | "t" | "yes" | "y" | "1" | "是" => true,
            "false" | "f" | "no" | "n" | "0" | "否" => false,
            _ => return Err(wrong(&value)),
        }),
        ColumnType::Time => Cell::Null,
    })
}

fn holds(conditions: &Conditions, row: &Row<'_>) -> bool {
    conditions.iter().all(|(column, test)| {
        let value = row.values[*column];
        let number = || value.and_then(|value| value.parse::<f64>().ok());
        match test {
            Test::Is(texts) => value.is_some_and(|value| texts.iter().any(|text| text == value)),
            Test::Not(texts) => !value.is_some_and(|value| texts.iter().any(|text| text == value)),
            Test::Below(limit) => number().is_some_and(|number| number < *limit),
            Test::Above(limit) => number().is_some_and(|number| number > *limit),
            Test::Missing(missing) => value.is_none() == *missing,
        }
    })
}
