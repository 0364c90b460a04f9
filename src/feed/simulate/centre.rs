//! The call centre of a shift day: the queue, the seats, who takes what and who hangs up.
//!
//! A discrete-event simulation. A seat is in one state at a time and takes one contact at a time; at the end of its shift
//! it finishes what it has and goes. Contacts in the queue go by priority (the one-key phone first), then by time;
//! whoever runs out of patience leaves and is perhaps called back. The crew of a shift day serves everybody who arrived
//! in it, so that a day needs nothing of the day before.

use std::collections::{BTreeMap, BinaryHeap};

use super::calendar::{MINUTE_US, seconds};
use super::contact::{Contact, Way};
use super::random::Random;
use super::roster::Shift;
use super::row::{Id, Row, Src, col};
use super::world::World;
use crate::model::stream::Stream;
use crate::model::time::SECOND_US;

/// What became of a contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Spoke with a seat from..until.
    Seat { from: i64, until: i64 },
    /// The assistant answered from..until.
    Bot { from: i64, until: i64 },
    /// Sent a form.
    Form { at: i64 },
    /// Left without an answer.
    Gone,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Happening {
    Login(u32),
    /// The seat has finished what it did.
    Free(u32),
    Logout(u32),
    Away(u32),
    Queue(u32),
    Leave(u32),
    Callback(u32),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sitting {
    Out,
    Ready,
    Engaged,
}

struct Seat<'a> {
    shift: &'a Shift,
    sitting: Sitting,
    ready_since: i64,
    next_away: usize,
}

/// Higher first, then longer waiting.
type Waiting = BTreeMap<(u8, i64, u32), ()>;

pub struct Centre<'a> {
    world: &'a World,
    contacts: &'a [Contact],
    seats: Vec<Seat<'a>>,
    waiting: Waiting,
    outcomes: Vec<Outcome>,
    rows: &'a mut Vec<Row>,
    heap: BinaryHeap<std::cmp::Reverse<(i64, u32, Happening)>>,
    count: u32,
    random: Random,
    callbacks: Vec<u32>,
}

/// Lower is served first.
fn rank(contact: &Contact) -> u8 {
    match contact.skill {
        "onekey" => 0,
        "talent" => 1,
        "text" => 3,
        _ => 2,
    }
}

/// Runs the day: pushes rows of contacts and seats, returns what became of each contact.
pub fn run(
    world: &World,
    seed: u64,
    day: i64,
    contacts: &[Contact],
    shifts: &[Shift],
    rows: &mut Vec<Row>,
) -> Vec<Outcome> {
    let seats =
        shifts.iter().map(|shift| Seat { shift, sitting: Sitting::Out, ready_since: 0, next_away: 0 }).collect();
    let mut centre = Centre {
        world,
        contacts,
        seats,
        waiting: BTreeMap::new(),
        outcomes: vec![Outcome::Gone; contacts.len()],
        rows,
        heap: BinaryHeap::new(),
        count: 0,
        random: Random::new(seed, day, 400),
        callbacks: Vec::new(),
    };
    for (index, shift) in shifts.iter().enumerate() {
        centre.at(shift.from, Happening::Login(index as u32));
        centre.at(shift.until, Happening::Logout(index as u32));
    }
    for (index, contact) in contacts.iter().enumerate() {
        centre.arrive(index as u32, contact);
    }
    while let Some(std::cmp::Reverse((now, _, happening))) = centre.heap.pop() {
        centre.happen(now, happening);
    }
    centre.outcomes
}

impl Centre<'_> {
    fn at(&mut self, time: i64, happening: Happening) {
        self.count += 1;
        self.heap.push(std::cmp::Reverse((time, self.count, happening)));
    }

    /// Everything of a contact that needs no seat.
    fn arrive(&mut self, index: u32, contact: &Contact) {
        let arrived = contact.row(self.world, "arrive", contact.arrive);
        // Nobody speaks over a form: it comes, and that is all.
        let ticket = (contact.way == Way::Form && contact.ticket).then(|| contact.ticket_id());
        self.rows.push(arrived.maybe(col::contacts::TICKET, ticket));
        if let Some(lasts) = contact.bot {
            let from = contact.queue_at - lasts;
            self.rows.push(contact.row(self.world, "bot", from));
            if contact.way == Way::Bot {
                let until = from + lasts;
                self.outcomes[index as usize] = Outcome::Bot { from, until };
                let end = contact.row(self.world, "end", until).with(col::contacts::TALK_S, lasts / SECOND_US);
                self.rows.push(end);
                self.inspect(contact, until, None);
                return;
            }
            self.rows.push(contact.row(self.world, "handoff", contact.queue_at - 150_000));
        }
        match contact.way {
            Way::Seat => self.at(contact.queue_at, Happening::Queue(index)),
            Way::Junk => {
                let at = contact.arrive + 1_200_000 + (contact.ring % 3_000_000);
                self.rows.push(contact.row(self.world, "abandon", at));
            }
            Way::Form => {
                self.outcomes[index as usize] = Outcome::Form { at: contact.arrive + contact.ring };
            }
            Way::Bot => {}
        }
    }

    fn happen(&mut self, now: i64, happening: Happening) {
        match happening {
            Happening::Login(seat) => {
                self.say(seat, now, "login", None);
                self.at(now + 4 * SECOND_US, Happening::Free(seat));
                self.seats[seat as usize].sitting = Sitting::Engaged;
            }
            Happening::Free(seat) => self.free(now, seat),
            Happening::Logout(seat) => {
                if self.seats[seat as usize].sitting == Sitting::Ready {
                    self.logout(now, seat);
                }
            }
            Happening::Away(seat) => {
                if self.seats[seat as usize].sitting == Sitting::Ready {
                    self.free(now, seat);
                }
            }
            Happening::Queue(index) => {
                let contact = &self.contacts[index as usize];
                self.rows.push(contact.row(self.world, "queue", now));
                match self.best_seat(contact.skill) {
                    Some(seat) => self.take(now, seat, index),
                    None => {
                        self.waiting.insert((rank(contact), now, index), ());
                        self.at(now + contact.patience, Happening::Leave(index));
                    }
                }
            }
            Happening::Leave(index) => {
                let contact = &self.contacts[index as usize];
                if self.waiting.remove(&(rank(contact), contact.queue_at, index)).is_some() {
                    self.leave(now, index);
                }
            }
            Happening::Callback(index) => match self.best_seat("general") {
                Some(seat) => self.call_back(now, seat, index),
                None => self.callbacks.push(index),
            },
        }
    }

    /// The seat is done with something: off it goes, to a break, to whoever waits longest, or it waits itself.
    fn free(&mut self, now: i64, seat: u32) {
        let sitting = &mut self.seats[seat as usize];
        if now >= sitting.shift.until {
            // The last of the crew stay until nobody of their day waits.
            let last =
                self.seats.iter().enumerate().all(|(n, other)| n == seat as usize || other.sitting == Sitting::Out);
            if !last || self.waiting.is_empty() {
                self.logout(now, seat);
                return;
            }
        } else if let Some(away) = sitting.shift.aways.get(sitting.next_away).filter(|away| away.at <= now) {
            let busy = self.waiting.len() > 3;
            // A break waits while people do, but a meal not for ever.
            if !busy || now > away.at + 40 * MINUTE_US {
                sitting.next_away += 1;
                sitting.sitting = Sitting::Engaged;
                self.say(seat, now, away.kind, Some(away.reason));
                self.at(now + away.lasts, Happening::Free(seat));
                return;
            }
        }
        let was_ready = self.seats[seat as usize].sitting == Sitting::Ready;
        if !was_ready {
            self.say(seat, now, "ready", None);
        }
        let sitting = &mut self.seats[seat as usize];
        sitting.sitting = Sitting::Ready;
        sitting.ready_since = now;
        let skill = sitting.shift.skill;
        if let Some(away) = sitting.shift.aways.get(sitting.next_away) {
            let at = away.at.max(now + MINUTE_US);
            self.at(at, Happening::Away(seat));
        }
        let own =
            self.waiting.keys().find(|(rank, _, index)| *rank == 0 || self.contacts[*index as usize].skill == skill);
        if let Some(key) = own.or_else(|| self.waiting.keys().next()).copied() {
            self.waiting.remove(&key);
            self.take(now, seat, key.2);
        } else if let Some(index) = self.callbacks.pop() {
            self.call_back(now, seat, index);
        }
    }

    /// Somebody who hung up in the queue is called.
    fn call_back(&mut self, now: i64, seat: u32, index: u32) {
        let contact = &self.contacts[index as usize];
        let lasts = contact.talk.clamp(30 * SECOND_US, 300 * SECOND_US);
        let id = Id::Seat(self.seats[seat as usize].shift.seat);
        self.rows.push(contact.row(self.world, "callback", now + 1).with(col::contacts::SEAT, id));
        self.seats[seat as usize].sitting = Sitting::Engaged;
        self.say(seat, now + 1, "busy", Some("callback"));
        self.at(now + lasts, Happening::Free(seat));
    }

    fn logout(&mut self, now: i64, seat: u32) {
        self.seats[seat as usize].sitting = Sitting::Out;
        self.say(seat, now, "logout", None);
    }

    /// Somebody gives up; most are called back within half an hour.
    fn leave(&mut self, now: i64, index: u32) {
        let contact = &self.contacts[index as usize];
        let wait_s = (now - contact.queue_at) / SECOND_US;
        self.rows.push(contact.row(self.world, "abandon", now).with(col::contacts::WAIT_S, wait_s));
        if self.random.chance(0.6) {
            let at = now + seconds(self.random.between(180.0, 1700.0));
            self.at(at, Happening::Callback(index));
        }
    }

    /// The ready seat of that skill that waits longest, else any.
    fn best_seat(&self, skill: &str) -> Option<u32> {
        let ready = || self.seats.iter().enumerate().filter(|(_, seat)| seat.sitting == Sitting::Ready);
        ready()
            .filter(|(_, seat)| seat.shift.skill == skill)
            .min_by_key(|(_, seat)| seat.ready_since)
            .or_else(|| ready().min_by_key(|(_, seat)| seat.ready_since))
            .map(|(index, _)| index as u32)
    }

    fn take(&mut self, now: i64, seat: u32, index: u32) {
        let contact = &self.contacts[index as usize];
        let id = Id::Seat(self.seats[seat as usize].shift.seat);
        self.seats[seat as usize].sitting = Sitting::Engaged;
        let ring = now + 200_000;
        if contact.hangs_up {
            let at = ring + contact.ring * 7 / 10;
            self.say(seat, ring, "ring", None);
            self.leave(at, index);
            self.at(at + 300_000, Happening::Free(seat));
            return;
        }
        let answer = ring + contact.ring;
        let end = answer + contact.talk + contact.hold;
        let done = end + contact.wrap;
        self.say(seat, ring, "ring", None);
        self.say(seat, answer, "talk", None);
        self.say(seat, end, "wrap", None);
        let wait_s = (answer - contact.queue_at) / SECOND_US;
        let world = self.world;
        self.rows.push(
            contact.row(world, "answer", answer).with(col::contacts::SEAT, id).with(col::contacts::WAIT_S, wait_s),
        );
        self.rows.push(
            contact
                .row(world, "end", end)
                .with(col::contacts::SEAT, id)
                .with(col::contacts::WAIT_S, wait_s)
                .with(col::contacts::TALK_S, contact.talk / SECOND_US)
                .with(col::contacts::HOLD_S, contact.hold / SECOND_US)
                .with(col::contacts::WRAP_S, contact.wrap / SECOND_US),
        );
        self.inspect(contact, end, Some(id));
        self.outcomes[index as usize] = Outcome::Seat { from: answer, until: end };
        self.at(done, Happening::Free(seat));
    }

    /// The quality robot hears every contact at once; some callers rate.
    fn inspect(&mut self, contact: &Contact, end: i64, seat: Option<Id>) {
        let inspected = end + 1_500_000 + (contact.talk % 4_000_000);
        self.rows.push(
            contact
                .row(self.world, "inspect", inspected)
                .maybe(col::contacts::SEAT, seat)
                .with(col::contacts::SCORE, contact.score)
                .with(col::contacts::VIOLATION, contact.violation),
        );
        if let Some(rating) = contact.rating {
            let at = end + 8 * SECOND_US + contact.talk % (90 * SECOND_US);
            self.rows.push(contact.row(self.world, "rate", at).with(col::contacts::RATING, rating));
        }
    }

    fn say(&mut self, seat: u32, ts: i64, kind: &'static str, reason: Option<&'static str>) {
        let shift = self.seats[seat as usize].shift;
        self.rows.push(seat_row(shift, ts, kind).maybe(col::seats::REASON, reason));
    }
}

/// A row of a seat. Its birth is its own time: a seat is no story that must be whole.
pub fn seat_row(shift: &Shift, ts: i64, kind: &'static str) -> Row {
    let id = Id::Seat(shift.seat);
    Row::new(Stream::Seats, Src::Seats, ts, ts, kind, id)
        .with(col::seats::SEAT, id)
        .with(col::seats::SKILL, shift.skill)
}
