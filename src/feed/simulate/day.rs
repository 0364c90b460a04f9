//! One shift day of the city, whole: everything that begins in it, also what ends days later.
//!
//! A day is a function of (city, seed, day, scripts) and of nothing else, so that any stretch of time can be generated
//! alone and again, with the same numbers on the rows.

use super::activity::activities;
use super::calendar::{Calendar, shift_start_us};
use super::centre::{self, Outcome, seat_row};
use super::contact::contacts_of_day;
use super::random::Random;
use super::registry;
use super::roster::shifts;
use super::row::{Row, Src, Val, col};
use super::script::Script;
use super::signal;
use super::story::{Request, Stories, Taken};
use super::world::World;

/// The day that is being generated.
pub struct Scope<'a> {
    pub world: &'a World,
    pub seed: u64,
    pub day: i64,
    pub calendar: Calendar,
    /// From its beginning to the next one's, µs.
    pub span: (i64, i64),
    pub scripts: &'a [Script],
}

/// Numbers that a source may use in a day.
const SEQ_A_DAY: u64 = 10_000_000;

/// The rows born in a shift day, by time, numbered.
pub fn rows_of_day(world: &World, seed: u64, day: i64, scripts: &[Script]) -> Vec<Row> {
    let scope = Scope {
        world,
        seed,
        day,
        calendar: Calendar::around(day, world.zone),
        span: (shift_start_us(day, world.zone), shift_start_us(day + 1, world.zone)),
        scripts,
    };
    let calendar = &scope.calendar;
    let mut rows = Vec::with_capacity(48_000);

    let (contacts, surges) = contacts_of_day(&scope);
    let crew = shifts(seed, day, calendar, scripts);
    let outcomes = centre::run(world, seed, day, &contacts, &crew, &mut rows);
    let questions = activities(&scope, &crew, &mut rows);

    let mut requests: Vec<Request> = contacts
        .iter()
        .zip(&outcomes)
        .filter(|(contact, _)| contact.ticket)
        .filter_map(|(contact, outcome)| match *outcome {
            Outcome::Seat { from, until } => Some(Request::of(contact, Taken::Seat, from, until)),
            Outcome::Bot { from, until } => Some(Request::of(contact, Taken::Bot, from, until)),
            Outcome::Form { at } => Some(Request::of(contact, Taken::Form, at, at)),
            Outcome::Gone => None,
        })
        .chain(questions)
        .collect();
    requests.sort_by_key(|request| (request.until, request.id));
    let mut stories = Stories::new(world, calendar, Random::new(seed, day, 450), &mut rows);
    for request in requests {
        stories.write(request);
    }

    registry::changes(&scope, &mut rows);
    signal::signals(&scope, &surges, &mut rows);

    // The next day's shifts are hung up in the afternoon; hands for a storm are called when it comes.
    let tomorrow = Calendar::around(day + 1, world.zone);
    let planned = calendar.midnight(day) + 15 * super::calendar::HOUR_US;
    for (n, shift) in shifts(seed, day + 1, &tomorrow, &[])
        .iter()
        .chain(crew.iter().filter(|shift| shift.reason != "shift"))
        .enumerate()
    {
        let ts = if shift.reason == "shift" {
            planned + n as i64 * 40_000
        } else {
            shift.from - 90 * super::calendar::MINUTE_US
        };
        rows.push(
            seat_row(shift, ts, "plan")
                .with(col::seats::REASON, shift.reason)
                .with(col::seats::STARTS_AT, Val::Time(shift.from))
                .with(col::seats::ENDS_AT, Val::Time(shift.until)),
        );
    }

    // What is announced for a day is never before it.
    rows.retain(|row| row.ts >= scope.span.0);
    number(&mut rows, day.max(1) as u64 * SEQ_A_DAY);
    rows
}

/// Sorts by time (the order of writing decides among equals) and numbers each source's rows from `first` + 1.
pub fn number(rows: &mut [Row], first: u64) {
    rows.sort_by_key(|row| row.ts);
    let mut next = [first; Src::ALL.len()];
    for row in rows {
        let seq = &mut next[row.src as usize];
        *seq += 1;
        row.seq = *seq;
    }
}

/// What stands when the simulation begins; its numbers come before those of every day.
pub fn opening(world: &World, seed: u64, ts: i64) -> Vec<Row> {
    let mut rows = registry::stock(world, seed, ts);
    rows.extend(signal::targets(ts));
    number(&mut rows, 0);
    rows
}
