//! The rules of each stream: walking rows through the machine and the tables, and writing the derived columns.

use std::sync::{Arc, LazyLock};

use arrow::array::{
    Array, ArrayRef, BooleanArray, Int64Array, RecordBatch, StringViewArray, TimestampMicrosecondArray, UInt32Array,
};
use arrow::buffer::{NullBuffer, ScalarBuffer};

use crate::model::machine::State;
use crate::model::stream::Writer;
use crate::model::{Column, ColumnType, Stream};
use crate::store::StoreError;
use crate::store::columns::{bool_at, bools, fill, int_at, ints, null_array, pick, text_at, texts, time_at, times};

use super::Landing;
use super::held::UNKNOWN_TICKET;
use super::objects::{DeviceStep, Queued, Seat};
use super::symbols::{NONE, Symbol, Symbols};
use super::tickets::{Derived, INHERITED, NO_TIME, Refused, Said, Step, seconds};

/// What became of rows in order.
#[derive(Default)]
pub struct Walk {
    /// Rows that land, in order.
    pub rows: Vec<u32>,
    /// Rows that don't, and why.
    pub refused: Vec<(u32, String)>,
    tickets: Vec<Derived>,
    queue_delta: Vec<i64>,
    /// Seats: state before, and for how long.
    stages: Vec<Option<(Symbol, i64)>>,
    /// Boards by service, where the row names none; empty when no row needs it.
    boards: Vec<Symbol>,
}

impl Landing {
    pub(super) fn walk(
        &mut self,
        stream: Stream,
        source: &RecordBatch,
        kinds: &[u8],
        order: &[u32],
        now_us: i64,
    ) -> Result<Walk, StoreError> {
        match stream {
            Stream::Tickets => self.walk_tickets(source, kinds, order, now_us),
            Stream::Contacts => self.walk_contacts(source, kinds, order),
            Stream::Seats => self.walk_seats(source, kinds, order),
            Stream::Registry => self.walk_registry(source, order),
            Stream::Activities | Stream::Signals => Ok(Walk { rows: order.to_vec(), ..Walk::default() }),
        }
        .and_then(|mut walk| {
            if stream != Stream::Tickets {
                walk.boards = self.boards(source, &walk.rows)?;
            }
            Ok(walk)
        })
    }

    fn walk_tickets(
        &mut self,
        source: &RecordBatch,
        kinds: &[u8],
        order: &[u32],
        now_us: i64,
    ) -> Result<Walk, StoreError> {
        let ts = times(source, "ts")?;
        let ids = texts(source, "id")?;
        let due = times(source, "due")?;
        let (overdue, dates_only, demo) =
            (bools(source, "overdue")?, bools(source, "dates_only")?, bools(source, "demo")?);
        let mut said_columns: Vec<&StringViewArray> = Vec::with_capacity(INHERITED.len());
        for name in INHERITED {
            said_columns.push(texts(source, name)?);
        }
        let mut walk = Walk { rows: Vec::with_capacity(order.len()), ..Walk::default() };
        walk.tickets.reserve(order.len());
        let step_of = |symbols: &mut Symbols, row: usize| {
            let mut said: Said = [NONE; INHERITED.len()];
            for (symbol, column) in said.iter_mut().zip(&said_columns) {
                if column.is_valid(row) {
                    *symbol = symbols.intern_view(column.views()[row], column.value(row));
                }
            }
            Step {
                ts_us: ts.value(row),
                kind: kinds[row],
                said,
                due_us: time_at(due, row).unwrap_or(NO_TIME),
                overdue: bool_at(overdue, row),
                dates_only: bool_at(dates_only, row) == Some(true),
                demo: bool_at(demo, row) == Some(true),
                recv_us: now_us,
            }
        };
        // By their times some rows stand before the `open` of their ticket: looked at again when all others are done.
        let mut early = Vec::new();
        for row in order {
            let step = step_of(&mut self.symbols, *row as usize);
            if !self.walk_ticket(*row, ids.value(*row as usize), &step, &mut walk) {
                early.push(*row);
            }
        }
        for row in early {
            let id = ids.value(row as usize);
            let step = step_of(&mut self.symbols, row as usize);
            if self.tickets.get(id).is_none() || !self.walk_ticket(row, id, &step, &mut walk) {
                walk.refused.push((row, UNKNOWN_TICKET.to_owned()));
            }
        }
        Ok(walk)
    }

    /// Steps the ticket `id`; false when there is none.
    fn walk_ticket(&mut self, row: u32, id: &str, step: &Step, walk: &mut Walk) -> bool {
        let (symbols, city) = (&mut self.symbols, &self.city);
        let board_of = |service: Symbol| {
            let board = symbols.text(service).and_then(|service| city.board_of(service));
            board.map_or(NONE, |board| symbols.intern(board))
        };
        match self.tickets.step(id, step, board_of) {
            Ok(derived) => {
                walk.rows.push(row);
                walk.tickets.push(derived);
            }
            Err(Refused::Unknown) => return false,
            Err(Refused::Impossible(state)) => {
                let kind = Stream::Tickets.kinds().get(step.kind as usize).copied().unwrap_or_default();
                walk.refused.push((row, format!("{kind} after {}", state.name())));
            }
        }
        true
    }

    fn walk_contacts(&mut self, source: &RecordBatch, kinds: &[u8], order: &[u32]) -> Result<Walk, StoreError> {
        let (ts, ids) = (times(source, "ts")?, texts(source, "id")?);
        let (line, skill) = (texts(source, "line")?, texts(source, "skill")?);
        let (area, channel, demo) = (texts(source, "area")?, texts(source, "channel")?, bools(source, "demo")?);
        let mut walk = Walk { rows: order.to_vec(), ..Walk::default() };
        walk.queue_delta.reserve(order.len());
        let names = Stream::Contacts.kinds();
        for row in order {
            let row = *row as usize;
            let symbols = &mut self.symbols;
            let queued = || Queued {
                id: Arc::from(ids.value(row)),
                since_us: ts.value(row),
                line: symbols.intern_option(text_at(line, row)),
                skill: symbols.intern_option(text_at(skill, row)),
                area: symbols.intern_option(text_at(area, row)),
                channel: symbols.intern_option(text_at(channel, row)),
                demo: bool_at(demo, row) == Some(true),
            };
            let kind = names.get(kinds[row] as usize).copied().unwrap_or_default();
            walk.queue_delta.push(self.objects.contact(kind, queued, ids.value(row)));
        }
        Ok(walk)
    }

    fn walk_seats(&mut self, source: &RecordBatch, kinds: &[u8], order: &[u32]) -> Result<Walk, StoreError> {
        let (ts, ids, seats) = (times(source, "ts")?, texts(source, "id")?, texts(source, "seat")?);
        let (skill, reason, demo) = (texts(source, "skill")?, texts(source, "reason")?, bools(source, "demo")?);
        let mut walk = Walk { rows: order.to_vec(), ..Walk::default() };
        let names = Stream::Seats.kinds();
        for row in order {
            let row = *row as usize;
            let kind = names.get(kinds[row] as usize).copied().unwrap_or_default();
            if kind == "plan" {
                walk.stages.push(None);
                continue;
            }
            let ts_us = ts.value(row);
            let seat = text_at(seats, row).unwrap_or_else(|| ids.value(row));
            let to = Seat {
                seat: Arc::from(seat),
                state: self.symbols.intern(kind),
                since_us: ts_us,
                last_us: ts_us,
                skill: self.symbols.intern_option(text_at(skill, row)),
                reason: self.symbols.intern_option(text_at(reason, row)),
                demo: bool_at(demo, row) == Some(true),
            };
            let before = self.objects.seat(seat, to);
            walk.stages.push(before.map(|(state, last_us)| (state, seconds(last_us, ts_us))));
        }
        Ok(walk)
    }

    fn walk_registry(&mut self, source: &RecordBatch, order: &[u32]) -> Result<Walk, StoreError> {
        self.registry(source, order.iter().map(|row| *row as usize))?;
        Ok(Walk { rows: order.to_vec(), ..Walk::default() })
    }

    /// Takes registry events, as sent or landed.
    pub(super) fn registry(
        &mut self,
        rows: &RecordBatch,
        order: impl Iterator<Item = usize>,
    ) -> Result<(), StoreError> {
        let (ts, ids, types, kinds) =
            (times(rows, "ts")?, texts(rows, "id")?, texts(rows, "type")?, texts(rows, "kind")?);
        let (grade, tags, area) = (texts(rows, "grade")?, texts(rows, "tags")?, texts(rows, "area")?);
        let (service, org, demo) = (texts(rows, "service")?, texts(rows, "org")?, bools(rows, "demo")?);
        let (quantity, expires) = (ints(rows, "quantity")?, times(rows, "expires_at")?);
        for row in order {
            let step = DeviceStep {
                id: ids.value(row),
                kind: kinds.value(row),
                ts_us: ts.value(row),
                device_type: self.symbols.intern_option(text_at(types, row)),
                grade: self.symbols.intern_option(text_at(grade, row)),
                area: self.symbols.intern_option(text_at(area, row)),
                service: self.symbols.intern_option(text_at(service, row)),
                org: self.symbols.intern_option(text_at(org, row)),
                tags: self.symbols.intern_option(text_at(tags, row)),
                quantity: int_at(quantity, row),
                expires_us: time_at(expires, row),
                demo: bool_at(demo, row) == Some(true),
            };
            self.objects.device(&step, &mut self.symbols);
        }
        Ok(())
    }

    /// The boards of rows that name a service and no board.
    fn boards(&mut self, source: &RecordBatch, rows: &[u32]) -> Result<Vec<Symbol>, StoreError> {
        let (service, board) = (texts(source, "service")?, texts(source, "board")?);
        if service.null_count() == service.len() || board.null_count() == 0 {
            return Ok(Vec::new());
        }
        let mut known: (u128, Symbol) = (0, NONE);
        Ok(rows
            .iter()
            .map(|row| {
                let row = *row as usize;
                if board.is_valid(row) || service.is_null(row) {
                    return NONE;
                }
                let view = service.views()[row];
                if view as u32 <= 12 && view == known.0 {
                    return known.1;
                }
                let named = self.city.board_of(service.value(row)).unwrap_or_default();
                let symbol = if named.is_empty() { NONE } else { self.symbols.intern(named) };
                known = (view, symbol);
                symbol
            })
            .collect())
    }

    /// The landed rows with every column of the stream.
    pub(super) fn assemble(
        &self,
        stream: Stream,
        source: &RecordBatch,
        walk: &Walk,
        now_us: i64,
    ) -> Result<RecordBatch, StoreError> {
        let rows = walk.rows.len();
        let as_sent =
            rows == source.num_rows() && walk.rows.iter().enumerate().all(|(place, row)| place == *row as usize);
        let picked = (!as_sent).then(|| UInt32Array::from(walk.rows.clone()));
        let columns = stream
            .columns()
            .map(|column| {
                let said = match source.column_by_name(column.name) {
                    Some(array) => pick(array, picked.as_ref())?,
                    None => null_array(column.column_type, rows),
                };
                match stream {
                    _ if matches!(column.name, "recv" | "seq" | "demo") => self.envelope(column, &said, rows, now_us),
                    Stream::Tickets => self.ticket_column(column, said, walk),
                    _ if column.name == "board" && !walk.boards.is_empty() => {
                        let texts = said.as_any().downcast_ref::<StringViewArray>();
                        let boards = walk.boards.iter().copied();
                        Ok(texts.map(|texts| fill(texts, &self.symbols, boards)).unwrap_or_else(|| said.clone()))
                    }
                    _ if column.name == "queue_delta" => {
                        Ok(Arc::new(Int64Array::from(walk.queue_delta.clone())) as ArrayRef)
                    }
                    Stream::Seats if column.writer == Writer::Hub => Ok(self.seat_column(column, walk)),
                    _ => Ok(said),
                }
            })
            .collect::<Result<Vec<ArrayRef>, StoreError>>()?;
        let batch = RecordBatch::try_new(stream.schema(), columns)?;
        // A few rows picked out of many would hold on to all of them.
        let scattered = batch.columns().iter().any(|column| {
            column.as_any().downcast_ref::<StringViewArray>().is_some_and(|texts| texts.data_buffers().len() > 4)
        });
        Ok(if scattered || rows * 2 < source.num_rows() { crate::store::columns::compact(&batch) } else { batch })
    }

    fn envelope(&self, column: &Column, said: &ArrayRef, rows: usize, now_us: i64) -> Result<ArrayRef, StoreError> {
        Ok(match column.name {
            "recv" => Arc::new(TimestampMicrosecondArray::from_value(now_us, rows).with_timezone("UTC")),
            "seq" => Arc::new(Int64Array::from_iter_values(self.next_seq..self.next_seq + rows as i64)),
            // Not said: not simulated.
            _ if said.null_count() == 0 => said.clone(),
            _ => {
                let demo = said.as_any().downcast_ref::<BooleanArray>();
                let truth = |row| demo.is_some_and(|demo| demo.is_valid(row) && demo.value(row));
                Arc::new(BooleanArray::from((0..rows).map(truth).collect::<Vec<bool>>()))
            }
        })
    }

    fn ticket_column(&self, column: &Column, said: ArrayRef, walk: &Walk) -> Result<ArrayRef, StoreError> {
        let derived = &walk.tickets;
        if let Some(index) = INHERITED.iter().position(|name| *name == column.name) {
            let Some(texts) = said.as_any().downcast_ref::<StringViewArray>() else { return Ok(said) };
            return Ok(fill(texts, &self.symbols, derived.iter().map(|derived| derived.said[index])));
        }
        let time = |time_us: i64| (time_us != NO_TIME).then_some(time_us);
        Ok(match column.name {
            "due" => time_array(derived.iter().map(|derived| time(derived.due_us))),
            "opened_at" => time_array(derived.iter().map(|derived| time(derived.opened_us))),
            "state" => state_array(derived.iter().map(|derived| Some(derived.state))),
            "prev_state" => state_array(derived.iter().map(|derived| derived.prev_state)),
            "open_delta" => int_array(derived.iter().map(|derived| Some(derived.open_delta))),
            "elapsed_s" => int_array(derived.iter().map(|derived| derived.elapsed_s)),
            "stage_s" => int_array(derived.iter().map(|derived| derived.stage_s)),
            "since_dispatch_s" => int_array(derived.iter().map(|derived| derived.since_dispatch_s)),
            "rejects" => int_array(derived.iter().map(|derived| Some(derived.rejects))),
            "dispatched" => Arc::new(BooleanArray::from(derived.iter().map(|d| d.dispatched).collect::<Vec<bool>>())),
            // Once said of a ticket it holds for all that follows, as the durations it leaves out.
            "dates_only" if derived.iter().any(|derived| derived.dates_only) => {
                Arc::new(derived.iter().map(|derived| Some(derived.dates_only)).collect::<BooleanArray>())
            }
            "overdue" => Arc::new(derived.iter().map(|derived| derived.overdue).collect::<BooleanArray>()),
            _ => said,
        })
    }

    fn seat_column(&self, column: &Column, walk: &Walk) -> ArrayRef {
        let rows = walk.stages.len();
        if column.column_type == ColumnType::Int {
            return int_array(
                walk.stages.iter().map(|stage| stage.map(|(_, stage_s)| stage_s).filter(|stage_s| *stage_s >= 0)),
            );
        }
        let nothing = StringViewArray::new_null(rows);
        fill(&nothing, &self.symbols, walk.stages.iter().map(|stage| stage.map_or(NONE, |(state, _)| state)))
    }
}

fn int_array(values: impl Iterator<Item = Option<i64>>) -> ArrayRef {
    Arc::new(values.collect::<Int64Array>())
}

fn time_array(values: impl Iterator<Item = Option<i64>>) -> ArrayRef {
    Arc::new(values.collect::<TimestampMicrosecondArray>().with_timezone("UTC"))
}

fn state_array(states: impl ExactSizeIterator<Item = Option<State>> + Clone) -> ArrayRef {
    static VIEWS: LazyLock<[u128; 7]> =
        LazyLock::new(|| State::ALL.map(|state| arrow::array::make_view(state.name().as_bytes(), 0, 0)));
    let views: ScalarBuffer<u128> =
        states.clone().map(|state| state.map_or(0, |state| VIEWS[state as usize])).collect();
    let nulls: NullBuffer = states.map(|state| state.is_some()).collect();
    Arc::new(StringViewArray::new(views, Vec::new(), Some(nulls).filter(|nulls| nulls.null_count() > 0)))
}
