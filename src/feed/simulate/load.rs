//! So many events a second, for load tests: the same kinds of rows in the same shares, at a rate that does not sleep.
//!
//! Each step (a quarter of a second; at low rates as long as some rows take) is filled up: what is due from earlier
//! requests counts, new contacts bring the rest. So that the number of
//! open things stays bounded at any rate, conversations take a twentieth and tickets a sixtieth of their usual time, and
//! there are as many seats as needed up to [`SEATS_MAX`]; beyond, contacts go to the assistant.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};

use super::calendar::{Calendar, day_of};
use super::centre::seat_row;
use super::contact::{Contact, Maker, Way};
use super::random::Random;
use super::rhythm::Curve;
use super::roster::{Shift, skill_of};
use super::row::{Id, Row, Src, col};
use super::story::{Request, Stories, Taken};
use super::world::World;
use crate::model::time::SECOND_US;

pub const RATE_MAX: f64 = 1e6;
const SEATS_MAX: u32 = 4000;
/// Length of a step at least.
const STEP_MIN_US: i64 = SECOND_US / 4;
/// Rows of a step at least: a thin load over years must not go through every quarter of a second of them.
const STEP_ROWS: f64 = 8.0;
/// How many long steps' rows may be owed.
const STEPS_OWED: f64 = 8.0;
/// Rows that a contact brings within its first step or so.
const ROWS_AT_ONCE: f64 = 3.6;

pub struct Load {
    seed: u64,
    rate: f64,
    now: i64,
    random: Random,
    /// Rows to come, by step: a heap of millions of rows would be all cache misses.
    due: BTreeMap<i64, Vec<Row>>,
    start: i64,
    contacts: u32,
    step: i64,
    step_us: i64,
    seq: [u64; Src::ALL.len()],
    /// Seats by the time they are free again.
    seats: BinaryHeap<Reverse<(i64, u32)>>,
    seats_made: u32,
    owed: f64,
}

impl Load {
    pub fn new(world: &World, seed: u64, start_us: i64, rate: f64) -> Load {
        let mut seq = [0; Src::ALL.len()];
        // The stock was numbered from 1.
        for row in super::day::opening(world, seed, start_us) {
            seq[row.src as usize] += 1;
        }
        Load {
            seed,
            rate,
            now: start_us,
            random: Random::new(seed, 0, 800),
            due: BTreeMap::new(),
            start: start_us,
            contacts: 0,
            step: 0,
            step_us: STEP_MIN_US.max((STEP_ROWS / rate * SECOND_US as f64) as i64),
            seq,
            seats: BinaryHeap::new(),
            seats_made: 0,
            owed: 0.0,
        }
    }

    /// Adds the rows of the next step.
    pub fn next_step(&mut self, world: &World, out: &mut VecDeque<Row>) {
        let end = self.now + self.step_us;
        let due = self.rate * self.step_us as f64 / SECOND_US as f64;
        self.owed += due;
        let known = self.due.get(&self.step).map_or(0, Vec::len);
        let room = (self.owed - known as f64).max(0.0) / ROWS_AT_ONCE;
        let arrivals = self.random.poisson(room);
        self.arrivals(world, arrivals);
        let mut rows = self.due.remove(&self.step).unwrap_or_default();
        // What was too much or too little is made good in the next steps: within a second's worth, or some steps' where
        // a whole story happens within one.
        let most = if self.step_us > STEP_MIN_US { STEPS_OWED * due } else { self.rate };
        self.owed = (self.owed - rows.len() as f64).clamp(-most, most);
        rows.sort_by_key(|row| row.ts);
        for row in &mut rows {
            let seq = &mut self.seq[row.src as usize];
            *seq += 1;
            row.seq = *seq;
        }
        out.extend(rows);
        self.now = end;
        self.step += 1;
    }

    fn push(&mut self, row: Row) {
        let step = ((row.ts - self.start) / self.step_us).max(self.step);
        self.due.entry(step).or_default().push(row);
    }

    fn arrivals(&mut self, world: &World, count: u64) {
        let day = day_of(self.now, world.zone);
        let calendar = Calendar::around(day, world.zone);
        let mut maker = Maker::new(world, self.seed ^ self.step as u64, day);
        let mut rows = Vec::new();
        let mut requests = Vec::new();
        for _ in 0..count {
            let at = self.now + self.random.below(self.step_us as u64) as i64;
            let curve = self
                .random
                .choose(&[(Curve::Phone, 0.717), (Curve::Digital, 0.25), (Curve::Onekey, 0.033)], Curve::Phone);
            let mut contact = maker.contact(at, curve, 11, None);
            contact.n = self.contacts;
            self.contacts = self.contacts.wrapping_add(1);
            if contact.need.area.is_none() {
                contact.need.area = maker.area();
            }
            if !world.service(contact.need.service).known {
                continue;
            }
            shorten(&mut contact);
            self.hear(world, &mut contact, &mut rows, &mut requests);
        }
        let first = rows.len();
        let mut stories = Stories::new(world, &calendar, self.random.clone(), &mut rows);
        for request in requests {
            stories.write(request);
        }
        // A ticket's time runs sixty times faster from its open on.
        for row in &mut rows[first..] {
            row.ts = row.born + (row.ts - row.born) / 60;
        }
        let _ = self.random.bits();
        for row in rows {
            self.push(row);
        }
    }

    /// The rows of a contact, and its request.
    fn hear(&mut self, world: &World, contact: &mut Contact, rows: &mut Vec<Row>, requests: &mut Vec<Request>) {
        rows.push(contact.row(world, "arrive", contact.arrive));
        let mut ask = |contact: &Contact, taken: Taken, from: i64, until: i64| {
            if contact.ticket {
                requests.push(Request::of(contact, taken, from, until));
            }
        };
        let seat = if contact.way == Way::Seat { self.seat(contact.queue_at, rows) } else { None };
        if contact.way == Way::Seat && seat.is_none() {
            contact.way = Way::Bot;
            contact.bot = Some(contact.talk);
            contact.queue_at = contact.arrive + 200_000 + contact.talk;
        }
        if let Some(lasts) = contact.bot {
            rows.push(contact.row(world, "bot", contact.queue_at - lasts));
        }
        match (contact.way, seat) {
            (Way::Seat, Some(seat)) => {
                if contact.bot.is_some() {
                    rows.push(contact.row(world, "handoff", contact.queue_at - 1));
                }
                let (ring, answer) = (contact.queue_at + 2_000, contact.queue_at + 2_000 + contact.ring);
                let end = answer + contact.talk + contact.hold;
                let shift = seat_of(seat);
                let id = Id::Seat(seat);
                for (kind, at) in [("ring", ring), ("talk", answer), ("wrap", end), ("ready", end + contact.wrap)] {
                    rows.push(seat_row(&shift, at, kind));
                }
                rows.push(contact.row(world, "queue", contact.queue_at));
                let wait_s = (answer - contact.queue_at) / SECOND_US;
                let of = |kind, at| contact.row(world, kind, at).with(col::contacts::SEAT, id);
                rows.push(of("answer", answer).with(col::contacts::WAIT_S, wait_s));
                rows.push(
                    of("end", end)
                        .with(col::contacts::WAIT_S, wait_s)
                        .with(col::contacts::TALK_S, contact.talk / SECOND_US)
                        .with(col::contacts::WRAP_S, contact.wrap / SECOND_US),
                );
                self.seats.push(Reverse((end + contact.wrap + 50_000, seat)));
                inspect(world, contact, end, Some(id), rows);
                ask(contact, Taken::Seat, answer, end);
            }
            (Way::Bot, _) => {
                let from = contact.queue_at - contact.bot.unwrap_or(0);
                rows.push(contact.row(world, "end", contact.queue_at));
                inspect(world, contact, contact.queue_at, None, rows);
                ask(contact, Taken::Bot, from, contact.queue_at);
            }
            (Way::Form, _) => {
                let at = contact.arrive + contact.talk;
                ask(contact, Taken::Form, at, at);
            }
            _ => rows.push(contact.row(world, "abandon", contact.arrive + 100_000)),
        }
    }

    /// A seat that is free at that time; a new one while there are fewer than [`SEATS_MAX`].
    fn seat(&mut self, at: i64, rows: &mut Vec<Row>) -> Option<u32> {
        if self.seats.peek().is_some_and(|free| free.0.0 <= at) {
            return self.seats.pop().map(|free| free.0.1);
        }
        if self.seats_made >= SEATS_MAX {
            return None;
        }
        self.seats_made += 1;
        let shift = seat_of(self.seats_made);
        rows.push(seat_row(&shift, at - 2_000, "login"));
        rows.push(seat_row(&shift, at - 1_000, "ready"));
        Some(self.seats_made)
    }
}

fn seat_of(seat: u32) -> Shift {
    Shift { seat, skill: skill_of(seat), from: 0, until: i64::MAX, aways: Vec::new(), reason: "shift" }
}

/// Conversations take a twentieth of their time.
fn shorten(contact: &mut Contact) {
    let bot = contact.bot.map(|lasts| lasts / 20 + 1);
    contact.queue_at =
        contact.arrive + (contact.queue_at - contact.arrive - contact.bot.unwrap_or(0)) / 20 + bot.unwrap_or(0) + 5_000;
    contact.bot = bot;
    contact.ring = contact.ring / 20 + 1;
    contact.talk = contact.talk / 20 + 1;
    contact.hold /= 20;
    contact.wrap = contact.wrap / 20 + 1;
}

fn inspect(world: &World, contact: &Contact, end: i64, seat: Option<Id>, rows: &mut Vec<Row>) {
    rows.push(
        contact
            .row(world, "inspect", end + 60_000)
            .maybe(col::contacts::SEAT, seat)
            .with(col::contacts::SCORE, contact.score)
            .with(col::contacts::VIOLATION, contact.violation),
    );
    if let Some(rating) = contact.rating {
        rows.push(contact.row(world, "rate", end + 900_000).with(col::contacts::RATING, rating));
    }
}
