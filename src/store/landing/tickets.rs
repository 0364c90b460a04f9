//! Where every ticket stands: the ticket machine's memory.
//!
//! Open tickets live in a [`Slab`] that snapshots share (the state table `open_tickets`); finished ones beside it,
//! compact, until they are forgotten. An event that cannot happen is told by [`Refused`], never applied.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use crate::model::Stream;
use crate::model::machine::{self, State};
use crate::store::slab::{Slab, View};

use super::symbols::{NONE, Symbol, Symbols};

/// The columns a later event inherits from its ticket, in this order wherever symbols of a ticket are listed.
pub const INHERITED: [&str; 10] =
    ["service", "board", "area", "topic", "org", "channel", "party", "type", "prio", "item"];
pub const SERVICE: usize = 0;
pub const BOARD: usize = 1;
pub type Said = [Symbol; INHERITED.len()];

/// A time that is not known.
pub const NO_TIME: i64 = i64::MIN;

#[derive(Clone, Debug, PartialEq)]
pub struct Ticket {
    pub id: Arc<str>,
    pub said: Said,
    pub due_us: i64,
    pub opened_us: i64,
    /// Since when it is in its state.
    pub since_us: i64,
    /// Its latest event.
    pub last_us: i64,
    /// When it was first sent to a unit.
    pub dispatched_us: i64,
    pub rejects: u32,
    pub state: State,
    pub demo: bool,
    pub dates_only: bool,
    /// Received last, for forgetting.
    pub touched_us: i64,
}

#[derive(Clone, Copy, Debug)]
enum Place {
    Open(u32),
    Closed(u32),
}

#[derive(Debug, Default)]
pub struct Tickets {
    places: HashMap<Arc<str>, Place, ahash::RandomState>,
    open: Slab<Ticket>,
    closed: Vec<Option<Ticket>>,
    closed_free: Vec<u32>,
}

/// What one event says, as far as the machine is concerned.
pub struct Step {
    pub ts_us: i64,
    /// Index into [`Stream::kinds`] of tickets.
    pub kind: u8,
    pub said: Said,
    pub due_us: i64,
    /// The source's own word on being late.
    pub overdue: Option<bool>,
    pub dates_only: bool,
    pub demo: bool,
    pub recv_us: i64,
}

/// The derived columns of one landed event.
#[derive(Clone, Debug, PartialEq)]
pub struct Derived {
    pub said: Said,
    pub due_us: i64,
    pub state: State,
    pub prev_state: Option<State>,
    pub opened_us: i64,
    pub open_delta: i64,
    pub elapsed_s: Option<i64>,
    pub stage_s: Option<i64>,
    pub dispatched: bool,
    pub since_dispatch_s: Option<i64>,
    pub rejects: i64,
    pub overdue: Option<bool>,
    pub dates_only: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Refused {
    /// No ticket of this id.
    Unknown,
    /// Not from this state.
    Impossible(State),
}

const KINDS: usize = 16;

/// Whole seconds from one instant to another, rounded down.
pub fn seconds(from_us: i64, to_us: i64) -> i64 {
    to_us.saturating_sub(from_us).div_euclid(1_000_000)
}

fn next_state(state: Option<State>, kind: u8) -> Option<State> {
    // The machine as a table: [state + 1][kind].
    static NEXT: LazyLock<[[Option<State>; KINDS]; 8]> = LazyLock::new(|| {
        let kinds = Stream::Tickets.kinds();
        std::array::from_fn(|before| {
            let state = before.checked_sub(1).map(|index| State::ALL[index]);
            std::array::from_fn(|kind| kinds.get(kind).and_then(|kind| machine::next_state(state, kind)))
        })
    });
    NEXT[state.map_or(0, |state| state as usize + 1)].get(kind as usize).copied().flatten()
}

fn is_kind(kind: u8, name: &str) -> bool {
    Stream::Tickets.kinds().get(kind as usize).is_some_and(|kind| *kind == name)
}

impl Tickets {
    pub fn get(&self, id: &str) -> Option<&Ticket> {
        match *self.places.get(id)? {
            Place::Open(slot) => self.open.get(slot),
            Place::Closed(slot) => self.closed.get(slot as usize)?.as_ref(),
        }
    }

    pub fn len(&self) -> usize {
        self.places.len()
    }

    pub fn open_len(&self) -> usize {
        self.open.len()
    }

    pub fn open_view(&mut self) -> View<Ticket> {
        self.open.view()
    }

    pub fn iter(&self) -> impl Iterator<Item = &Ticket> {
        self.open.iter().map(|(_, ticket)| ticket).chain(self.closed.iter().flatten())
    }

    /// Takes one event; `board_of` names the board of a service the city knows.
    pub fn step(&mut self, id: &str, step: &Step, board_of: impl FnOnce(Symbol) -> Symbol) -> Result<Derived, Refused> {
        let place = self.places.get(id).copied();
        let before = match place {
            Some(Place::Open(slot)) => self.open.get(slot),
            Some(Place::Closed(slot)) => self.closed.get(slot as usize).and_then(Option::as_ref),
            None => None,
        };
        let prev_state = before.map(|ticket| ticket.state);
        let Some(state) = next_state(prev_state, step.kind) else {
            return Err(prev_state.map_or(Refused::Unknown, Refused::Impossible));
        };
        let mut ticket = match before {
            Some(ticket) => ticket.clone(),
            None => Ticket {
                id: Arc::from(id),
                said: [NONE; INHERITED.len()],
                due_us: NO_TIME,
                opened_us: step.ts_us,
                since_us: step.ts_us,
                last_us: step.ts_us,
                dispatched_us: NO_TIME,
                rejects: 0,
                state,
                demo: step.demo,
                dates_only: false,
                touched_us: step.recv_us,
            },
        };
        let new_service = step.said[SERVICE] != NONE && step.said[SERVICE] != ticket.said[SERVICE];
        for (known, said) in ticket.said.iter_mut().zip(step.said) {
            if said != NONE {
                *known = said;
            }
        }
        if step.said[BOARD] == NONE && (new_service || ticket.said[BOARD] == NONE) {
            let board = board_of(ticket.said[SERVICE]);
            if board != NONE {
                ticket.said[BOARD] = board;
            }
        }
        if step.due_us != NO_TIME {
            ticket.due_us = step.due_us;
        }
        ticket.dates_only |= step.dates_only;
        ticket.demo |= step.demo;
        if is_kind(step.kind, "reject") {
            ticket.rejects = ticket.rejects.saturating_add(1);
        }
        let timed = |seconds: i64| (!ticket.dates_only).then_some(seconds);
        // Where a source's times contradict each other (a finish before its open) no duration is known.
        let lasted = |seconds: i64| timed(seconds).filter(|seconds| *seconds >= 0);
        let dispatched = ticket.dispatched_us != NO_TIME;
        let derived = Derived {
            said: ticket.said,
            due_us: ticket.due_us,
            state,
            prev_state,
            opened_us: ticket.opened_us,
            open_delta: machine::open_delta(prev_state, state),
            elapsed_s: lasted(seconds(ticket.opened_us, step.ts_us)),
            stage_s: prev_state.and_then(|_| lasted(seconds(ticket.last_us, step.ts_us))),
            dispatched,
            // Recovery finds the dispatch again by this one, so it stays as it is, also below 0.
            since_dispatch_s: dispatched.then(|| timed(seconds(ticket.dispatched_us, step.ts_us))).flatten(),
            rejects: i64::from(ticket.rejects),
            dates_only: ticket.dates_only,
            overdue: step.overdue.or_else(|| {
                (is_kind(step.kind, "finish") && ticket.due_us != NO_TIME).then_some(step.ts_us > ticket.due_us)
            }),
        };
        if !dispatched && is_kind(step.kind, "dispatch") {
            ticket.dispatched_us = step.ts_us;
        }
        if prev_state != Some(state) {
            ticket.since_us = step.ts_us;
        }
        ticket.state = state;
        ticket.last_us = step.ts_us;
        ticket.touched_us = step.recv_us;
        self.write(place, ticket);
        Ok(derived)
    }

    /// Makes room for so many more.
    pub fn reserve(&mut self, more: usize) {
        self.places.reserve(more);
    }

    /// Puts a ticket as it is, for recovery.
    pub fn put(&mut self, ticket: Ticket) {
        let place = self.places.get(&ticket.id).copied();
        self.write(place, ticket);
    }

    fn write(&mut self, place: Option<Place>, ticket: Ticket) {
        let open = ticket.state.is_open();
        match (place, open) {
            (Some(Place::Open(slot)), true) => {
                if let Some(kept) = self.open.get_mut(slot) {
                    *kept = ticket;
                }
                return;
            }
            (Some(Place::Closed(slot)), false) => {
                self.closed[slot as usize] = Some(ticket);
                return;
            }
            (Some(Place::Open(slot)), false) => drop(self.open.remove(slot)),
            (Some(Place::Closed(slot)), true) => {
                self.closed[slot as usize] = None;
                self.closed_free.push(slot);
            }
            (None, _) => {}
        }
        let id = ticket.id.clone();
        let place = if open {
            Place::Open(self.open.insert(ticket))
        } else if let Some(slot) = self.closed_free.pop() {
            self.closed[slot as usize] = Some(ticket);
            Place::Closed(slot)
        } else {
            self.closed.push(Some(ticket));
            Place::Closed((self.closed.len() - 1) as u32)
        };
        self.places.insert(id, place);
    }

    /// Forgets finished tickets that nothing was received for since `before_us`. Returns how many.
    pub fn forget(&mut self, before_us: i64) -> usize {
        let mut forgotten = 0;
        for slot in 0..self.closed.len() {
            if self.closed[slot].as_ref().is_some_and(|ticket| ticket.touched_us < before_us)
                && let Some(ticket) = self.closed[slot].take()
            {
                self.places.remove(&ticket.id);
                self.closed_free.push(slot as u32);
                forgotten += 1;
            }
        }
        // After a large import the table would stay large for good.
        if self.closed_free.len() > 4096 && self.closed_free.len() * 2 > self.closed.len() {
            let closed = std::mem::take(&mut self.closed);
            self.closed_free.clear();
            self.closed = closed.into_iter().filter(Option::is_some).collect();
            for (slot, ticket) in self.closed.iter().enumerate() {
                if let Some(ticket) = ticket {
                    self.places.insert(ticket.id.clone(), Place::Closed(slot as u32));
                }
            }
            self.places.shrink_to_fit();
        }
        forgotten
    }

    /// Moves every symbol to another table.
    pub fn move_symbols(&mut self, from: &Symbols, to: &mut Symbols) {
        self.open.for_each_mut(|ticket| ticket.said.iter_mut().for_each(|symbol| to.moved(from, symbol)));
        for ticket in self.closed.iter_mut().flatten() {
            ticket.said.iter_mut().for_each(|symbol| to.moved(from, symbol));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(name: &str) -> u8 {
        Stream::Tickets.kinds().iter().position(|kind| *kind == name).unwrap() as u8
    }

    fn step(kind_name: &str, second: i64) -> Step {
        Step {
            ts_us: second * 1_000_000,
            kind: kind(kind_name),
            said: [NONE; INHERITED.len()],
            due_us: NO_TIME,
            overdue: None,
            dates_only: false,
            demo: false,
            recv_us: 0,
        }
    }

    fn no_board(_: Symbol) -> Symbol {
        NONE
    }

    #[test]
    fn a_ticket_is_walked_and_what_it_said_is_inherited() {
        let mut tickets = Tickets::default();
        let mut open = step("open", 100);
        open.said[SERVICE] = 7;
        open.due_us = 1000 * 1_000_000;
        let derived = tickets.step("a", &open, |service| service + 1).unwrap();
        assert_eq!((derived.open_delta, derived.stage_s, derived.said[BOARD]), (1, None, 8));
        let derived = tickets.step("a", &step("dispatch", 160), no_board).unwrap();
        assert_eq!((derived.dispatched, derived.since_dispatch_s, derived.stage_s), (false, None, Some(60)));
        tickets.step("a", &step("reject", 200), no_board).unwrap();
        tickets.step("a", &step("dispatch", 300), no_board).unwrap();
        let derived = tickets.step("a", &step("finish", 1001), no_board).unwrap();
        assert_eq!(derived.state, State::Done);
        assert_eq!((derived.elapsed_s, derived.since_dispatch_s), (Some(901), Some(841)));
        assert_eq!((derived.rejects, derived.overdue, derived.open_delta), (1, Some(true), -1));
        assert_eq!((derived.said[SERVICE], derived.said[BOARD]), (7, 8));
        assert_eq!((tickets.len(), tickets.open_len()), (1, 0));
        let derived = tickets.step("a", &step("reopen", 1002), no_board).unwrap();
        assert_eq!((derived.open_delta, tickets.open_len()), (1, 1));
    }

    #[test]
    fn times_that_contradict_each_other_give_no_duration_and_the_ticket_goes_on() {
        let mut tickets = Tickets::default();
        tickets.step("a", &step("open", 1000), no_board).unwrap();
        let derived = tickets.step("a", &step("dispatch", 1060), no_board).unwrap();
        assert_eq!((derived.elapsed_s, derived.stage_s), (Some(60), Some(60)));
        let derived = tickets.step("a", &step("finish", 900), no_board).unwrap();
        assert_eq!((derived.state, derived.open_delta, derived.overdue), (State::Done, -1, None));
        assert_eq!((derived.elapsed_s, derived.stage_s, derived.since_dispatch_s), (None, None, Some(-160)));
        // What follows is measured from the open again.
        let derived = tickets.step("a", &step("visit", 1300), no_board).unwrap();
        assert_eq!((derived.elapsed_s, derived.stage_s), (Some(300), Some(400)));
    }

    #[test]
    fn what_cannot_happen_is_refused_and_changes_nothing() {
        let mut tickets = Tickets::default();
        assert_eq!(tickets.step("a", &step("finish", 1), no_board), Err(Refused::Unknown));
        tickets.step("a", &step("open", 1), no_board).unwrap();
        let before = tickets.get("a").unwrap().clone();
        assert_eq!(tickets.step("a", &step("rate", 2), no_board), Err(Refused::Impossible(State::Waiting)));
        assert_eq!(tickets.get("a"), Some(&before));
    }

    #[test]
    fn finished_tickets_are_forgotten_and_open_ones_are_not() {
        let mut tickets = Tickets::default();
        for n in 0..10_000 {
            tickets.step(&n.to_string(), &step("open", 1), no_board).unwrap();
            if n % 10 != 0 {
                tickets.step(&n.to_string(), &step("finish", 2), no_board).unwrap();
            }
        }
        assert_eq!(tickets.forget(1), 9000);
        assert_eq!((tickets.len(), tickets.open_len(), tickets.closed.len()), (1000, 1000, 0));
        assert!(tickets.get("10").is_some() && tickets.get("11").is_none());
    }
}
