//! Taking rows that landed before: what recovery reads from the log and the segments changes memory as landing did.
//!
//! The derived columns are on the rows, so nothing is decided again. Rows must come in the order of `seq`.

use std::sync::Arc;

use arrow::array::{Array, RecordBatch};

use crate::model::Stream;
use crate::model::machine::State;
use crate::store::StoreError;
use crate::store::columns::{bool_at, bools, int_at, ints, text_at, texts, time_at, times};

use super::Landing;
use super::held::Held;
use super::objects::{Queued, Seat};
use super::symbols::NONE;
use super::tickets::{INHERITED, NO_TIME, Ticket};

impl Landing {
    /// Takes landed rows again.
    ///
    /// # Errors
    /// A column is missing or of another type.
    pub fn replay(&mut self, stream: Stream, landed: &RecordBatch) -> Result<(), StoreError> {
        let (src, src_seq, ids) = (texts(landed, "src")?, texts(landed, "src_seq")?, texts(landed, "id")?);
        let mut row = 0;
        while row < landed.num_rows() {
            let name = src.value(row);
            let keys = self.dedup.source(name);
            while row < landed.num_rows() && src.value(row) == name {
                keys.insert(src_seq.value(row));
                row += 1;
            }
        }
        if stream == Stream::Tickets && !self.held.is_empty() {
            for row in 0..landed.num_rows() {
                self.held.settle(ids.value(row), src.value(row), src_seq.value(row));
            }
        }
        match stream {
            Stream::Tickets => self.replay_tickets(landed)?,
            Stream::Contacts => self.replay_contacts(landed)?,
            Stream::Seats => self.replay_seats(landed)?,
            Stream::Registry => self.registry(landed, 0..landed.num_rows())?,
            Stream::Activities | Stream::Signals => {}
        }
        // Streams may be read one after the other, so `seq` may jump back.
        let last_seq = ints(landed, "seq")?.values().iter().copied().max().unwrap_or(0);
        let next_seq = self.next_seq.max(last_seq + 1);
        self.count(stream, landed)?;
        self.next_seq = next_seq;
        Ok(())
    }

    /// Takes a row that was held.
    pub fn replay_held(&mut self, held: Held) {
        let (src, src_seq) = (held.text("src").to_owned(), held.text("src_seq").to_owned());
        self.dedup.source(&src).insert(&src_seq);
        // Written off after it waited: the one that waited goes.
        self.held.settle(held.text("id"), &src, &src_seq);
        self.held.put(held);
    }

    pub(super) fn replay_tickets(&mut self, landed: &RecordBatch) -> Result<(), StoreError> {
        let (ts, recv, ids, kinds) =
            (times(landed, "ts")?, times(landed, "recv")?, texts(landed, "id")?, texts(landed, "kind")?);
        let (due, opened, states) = (times(landed, "due")?, times(landed, "opened_at")?, texts(landed, "state")?);
        let (rejects, since_dispatch) = (ints(landed, "rejects")?, ints(landed, "since_dispatch_s")?);
        let (dispatched, dates_only, demo) =
            (bools(landed, "dispatched")?, bools(landed, "dates_only")?, bools(landed, "demo")?);
        let said_columns = INHERITED.map(|name| texts(landed, name));
        for row in 0..landed.num_rows() {
            let Some(state) = text_at(states, row).and_then(State::from_name) else { continue };
            let ts_us = ts.value(row);
            // Of a ticket that was finished long ago and had the same id nothing counts.
            let before = self.tickets.get(ids.value(row)).filter(|_| kinds.value(row) != "open");
            let dispatched_us = match before.map_or(NO_TIME, |ticket| ticket.dispatched_us) {
                NO_TIME if bool_at(dispatched, row) == Some(true) => {
                    // Its dispatch is no longer at hand; the row says how long ago it was, to the second.
                    int_at(since_dispatch, row).map_or(ts_us, |seconds| ts_us.saturating_sub(seconds * 1_000_000))
                }
                NO_TIME if kinds.value(row) == "dispatch" => ts_us,
                known => known,
            };
            let since_us = before.filter(|ticket| ticket.state == state).map_or(ts_us, |ticket| ticket.since_us);
            let id = before.map_or_else(|| Arc::from(ids.value(row)), |ticket| ticket.id.clone());
            let was_dates_only = before.is_some_and(|ticket| ticket.dates_only);
            let was_demo = before.is_some_and(|ticket| ticket.demo);
            let mut said = [NONE; INHERITED.len()];
            for (symbol, column) in said.iter_mut().zip(&said_columns) {
                if let Ok(column) = column
                    && column.is_valid(row)
                {
                    *symbol = self.symbols.intern_view(column.views()[row], column.value(row));
                }
            }
            self.tickets.put(Ticket {
                id,
                said,
                due_us: time_at(due, row).unwrap_or(NO_TIME),
                opened_us: time_at(opened, row).unwrap_or(ts_us),
                since_us,
                last_us: ts_us,
                dispatched_us,
                rejects: u32::try_from(int_at(rejects, row).unwrap_or(0)).unwrap_or(0),
                state,
                demo: was_demo || bool_at(demo, row) == Some(true),
                dates_only: was_dates_only || bool_at(dates_only, row) == Some(true),
                touched_us: recv.value(row),
            });
        }
        Ok(())
    }

    fn replay_contacts(&mut self, landed: &RecordBatch) -> Result<(), StoreError> {
        let (ts, ids, delta) = (times(landed, "ts")?, texts(landed, "id")?, ints(landed, "queue_delta")?);
        let (line, skill) = (texts(landed, "line")?, texts(landed, "skill")?);
        let (area, channel, demo) = (texts(landed, "area")?, texts(landed, "channel")?, bools(landed, "demo")?);
        for row in 0..landed.num_rows() {
            match int_at(delta, row) {
                Some(1) => {
                    let id: Arc<str> = Arc::from(ids.value(row));
                    let queued = Queued {
                        id: id.clone(),
                        since_us: ts.value(row),
                        line: self.symbols.intern_option(text_at(line, row)),
                        skill: self.symbols.intern_option(text_at(skill, row)),
                        area: self.symbols.intern_option(text_at(area, row)),
                        channel: self.symbols.intern_option(text_at(channel, row)),
                        demo: bool_at(demo, row) == Some(true),
                    };
                    self.objects.queue.put(&id, queued);
                }
                Some(-1) => drop(self.objects.queue.remove(ids.value(row))),
                _ => {}
            }
        }
        Ok(())
    }

    fn replay_seats(&mut self, landed: &RecordBatch) -> Result<(), StoreError> {
        let (ts, ids, seats, kinds) =
            (times(landed, "ts")?, texts(landed, "id")?, texts(landed, "seat")?, texts(landed, "kind")?);
        let (skill, reason, demo) = (texts(landed, "skill")?, texts(landed, "reason")?, bools(landed, "demo")?);
        for row in 0..landed.num_rows() {
            if kinds.value(row) == "plan" {
                continue;
            }
            let seat = text_at(seats, row).unwrap_or_else(|| ids.value(row));
            let to = Seat {
                seat: Arc::from(seat),
                state: self.symbols.intern(kinds.value(row)),
                since_us: ts.value(row),
                last_us: ts.value(row),
                skill: self.symbols.intern_option(text_at(skill, row)),
                reason: self.symbols.intern_option(text_at(reason, row)),
                demo: bool_at(demo, row) == Some(true),
            };
            self.objects.seat(seat, to);
        }
        Ok(())
    }
}
