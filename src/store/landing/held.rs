//! Rows that did not land: those waiting for their ticket, and the quarantine.
//!
//! A held row is kept as JSON text. A row whose ticket is unknown comes back when the ticket's `open` arrives, also
//! out of quarantine. Bounded: beyond [`QUARANTINE_MAX`] the oldest quarantined row leaves memory (its count and its
//! copy in the log and the segments stay); beyond [`WAITING_MAX`] a row goes to quarantine at once.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::model::message::AsideRow;
use crate::model::{Event, Stream};
use crate::store::ReplayId;
use crate::store::slab::{Slab, View};

/// Rows of the quarantine kept in memory, and so in its table.
pub const QUARANTINE_MAX: usize = 20_000;
pub const WAITING_MAX: usize = 100_000;
pub const UNKNOWN_TICKET: &str = "unknown_ticket";

/// A row that did not land.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Held {
    pub stream: String,
    /// When it came, µs.
    pub at: i64,
    /// `unknown_ticket`, or what is impossible about it.
    pub reason: String,
    /// Still waiting: until this time, µs; a replay's rows wait for its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<i64>,
    #[serde(skip)]
    pub replay: Option<ReplayId>,
    /// In quarantine; else it waits.
    pub quarantined: bool,
    /// The row as its source sent it.
    pub row: Json,
}

impl Held {
    pub fn text(&self, name: &str) -> &str {
        self.row.get(name).and_then(Json::as_str).unwrap_or_default()
    }

    /// The row as an ack names it; `row` is its position in the batch as sent.
    pub fn told(&self, row: Option<usize>) -> AsideRow {
        let text = |name| self.text(name).to_owned();
        AsideRow { row, kind: text("kind"), id: text("id"), src_seq: text("src_seq"), reason: self.reason.clone() }
    }

    pub fn time(&self) -> Option<i64> {
        self.row.get("ts").and_then(Json::as_i64)
    }

    /// The row as an event again.
    pub fn event(&self) -> Option<Event> {
        Event::from_json(Stream::from_name(&self.stream)?, 0, &self.row).ok()
    }
}

#[derive(Debug, Default)]
pub struct HeldRows {
    rows: Slab<Arc<Held>>,
    /// Rows of unknown tickets by ticket id.
    by_ticket: HashMap<Box<str>, Vec<u32>, ahash::RandomState>,
    /// Slots of quarantined rows, oldest first, with their time of coming; some may have left since.
    quarantine: VecDeque<(u32, i64)>,
    waiting: usize,
    /// Quarantined and not come back, also those that left memory.
    pub quarantined: u64,
}

impl HeldRows {
    pub fn is_empty(&self) -> bool {
        self.rows.len() == 0
    }

    pub fn waiting(&self) -> usize {
        self.waiting
    }

    pub fn view(&mut self) -> View<Arc<Held>> {
        self.rows.view()
    }

    pub fn iter(&self) -> impl Iterator<Item = &Arc<Held>> {
        self.rows.iter().map(|(_, held)| held)
    }

    pub fn put(&mut self, held: Held) {
        let quarantined = held.quarantined;
        let at = held.at;
        let ticket = (held.reason == UNKNOWN_TICKET).then(|| Box::<str>::from(held.text("id")));
        let slot = self.rows.insert(Arc::new(held));
        if let Some(ticket) = ticket {
            self.by_ticket.entry(ticket).or_default().push(slot);
        }
        if quarantined {
            self.quarantined += 1;
            self.note_quarantined(slot, at);
        } else {
            self.waiting += 1;
        }
    }

    fn note_quarantined(&mut self, slot: u32, at: i64) {
        self.quarantine.push_back((slot, at));
        while self.quarantine.len() > QUARANTINE_MAX {
            let Some((slot, at)) = self.quarantine.pop_front() else { break };
            if self.rows.get(slot).is_some_and(|held| held.quarantined && held.at == at) {
                self.remove(slot);
                // It left memory, not the quarantine.
                self.quarantined += 1;
            }
        }
    }

    fn remove(&mut self, slot: u32) -> Option<Arc<Held>> {
        let held = self.rows.remove(slot)?;
        if held.quarantined {
            self.quarantined = self.quarantined.saturating_sub(1);
        } else {
            self.waiting -= 1;
        }
        if let Some(slots) = self.by_ticket.get_mut(held.text("id")) {
            slots.retain(|other| *other != slot);
            if slots.is_empty() {
                self.by_ticket.remove(held.text("id"));
            }
        }
        Some(held)
    }

    /// Takes out the rows that waited for this ticket.
    pub fn release(&mut self, ticket: &str) -> Vec<Arc<Held>> {
        let slots = self.by_ticket.get(ticket).cloned().unwrap_or_default();
        slots.into_iter().filter_map(|slot| self.remove(slot)).collect()
    }

    /// Takes out the row of this ticket with this key, when there is one: it landed or was written off.
    pub fn settle(&mut self, ticket: &str, src: &str, src_seq: &str) -> Option<Arc<Held>> {
        let slot = self.by_ticket.get(ticket)?.iter().copied().find(|slot| {
            self.rows.get(*slot).is_some_and(|held| held.text("src") == src && held.text("src_seq") == src_seq)
        })?;
        self.remove(slot)
    }

    /// Takes out the waiting rows whose time is over: those of `replay`, or those due by `now_us`. The caller puts them
    /// back as quarantined.
    pub fn overdue(&mut self, replay: Option<ReplayId>, now_us: i64) -> Vec<Arc<Held>> {
        if self.waiting == 0 {
            return Vec::new();
        }
        let slots: Vec<u32> = self
            .rows
            .iter()
            .filter(|(_, held)| {
                !held.quarantined
                    && match replay {
                        Some(_) => held.replay == replay,
                        None => held.replay.is_none() && held.until.is_none_or(|until| until <= now_us),
                    }
            })
            .map(|(slot, _)| slot)
            .collect();
        slots.into_iter().filter_map(|slot| self.remove(slot)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(id: &str, src_seq: &str, quarantined: bool) -> Held {
        Held {
            stream: "tickets".to_owned(),
            at: 5,
            reason: UNKNOWN_TICKET.to_owned(),
            until: Some(100),
            replay: None,
            quarantined,
            row: serde_json::json!({"ts": 1, "kind": "finish", "id": id, "src": "s", "src_seq": src_seq}),
        }
    }

    #[test]
    fn a_row_waits_is_written_off_and_comes_back() {
        let mut rows = HeldRows::default();
        rows.put(held("a", "1", false));
        rows.put(held("b", "2", false));
        assert!(rows.overdue(None, 99).is_empty());
        let over = rows.overdue(None, 100);
        assert_eq!((over.len(), rows.waiting()), (2, 0));
        for row in over {
            rows.put(Held { quarantined: true, ..(*row).clone() });
        }
        assert_eq!(rows.quarantined, 2);
        assert_eq!(rows.release("a").len(), 1);
        assert!(rows.settle("b", "s", "9").is_none());
        assert!(rows.settle("b", "s", "2").is_some());
        assert_eq!((rows.quarantined, rows.is_empty()), (0, true));
    }

    #[test]
    fn the_quarantine_is_bounded_and_still_counted() {
        let mut rows = HeldRows::default();
        for n in 0..QUARANTINE_MAX + 10 {
            rows.put(held(&n.to_string(), "1", true));
        }
        assert_eq!(rows.rows.len(), QUARANTINE_MAX);
        assert_eq!(rows.quarantined as usize, QUARANTINE_MAX + 10);
        assert!(rows.release("3").is_empty());
        assert_eq!(rows.release("30").len(), 1);
    }
}
