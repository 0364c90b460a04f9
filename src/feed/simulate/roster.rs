//! Who sits at the phones when: 48 seats, shifts by an eight-day turn, breaks within a shift.
//!
//! Eight groups of six; each day every group has one of the eight places of the turn, so that nobody works a morning
//! after a night. A shift day begins at 07:30, when the night goes home.

use super::calendar::{Calendar, HOUR_US, MINUTE_US, weekday};
use super::random::Random;
use super::script::Script;

pub const SEATS: u32 = 48;

/// A break within a shift: as soon after `at` as the seat is free.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Away {
    pub at: i64,
    pub lasts: i64,
    /// `rest`, `busy` or `train`.
    pub kind: &'static str,
    pub reason: &'static str,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Shift {
    /// 1 to [`SEATS`].
    pub seat: u32,
    pub skill: &'static str,
    pub from: i64,
    pub until: i64,
    pub aways: Vec<Away>,
    /// `shift`, or `storm` for hands called in.
    pub reason: &'static str,
}

pub fn skill_of(seat: u32) -> &'static str {
    match seat % 6 {
        1 => "text",
        2 => "onekey",
        3 if seat % 12 == 3 => "talent",
        3 => "enterprise",
        _ => "general",
    }
}

/// The shifts of a shift day in order of their beginning. The same day gives the same shifts, whoever asks.
pub fn shifts(seed: u64, day: i64, calendar: &Calendar, scripts: &[Script]) -> Vec<Shift> {
    let mut random = Random::new(seed, day, 300);
    let midnight = calendar.midnight(day);
    let at = |hours: f64| midnight + (hours * HOUR_US as f64) as i64;
    let weekend = weekday(day) >= 5;
    let mut out = Vec::new();
    for seat in 1..=SEATS {
        let turn = (i64::from((seat - 1) / 6) + day).rem_euclid(8);
        let hours = match turn {
            0 | 1 => Some((7.5, 15.5)),
            2 if !weekend || seat % 2 == 0 => Some((8.5, 17.0)),
            3 => Some((14.5, 22.5)),
            4 => Some((22.0, 31.5)),
            7 if !weekend || seat % 3 == 0 => Some((12.5, 20.5)),
            _ => None,
        };
        let draw = random.bits();
        // A seat in thirty is ill or on leave.
        let Some((from, until)) = hours.filter(|_| !draw.is_multiple_of(30) || turn == 4) else { continue };
        // People come a few minutes early, one by one; the night leaves when the morning has come.
        let from = at(from)
            + if from == 7.5 { (draw >> 8) as i64 % (3 * MINUTE_US) } else { (draw >> 8) as i64 % (12 * MINUTE_US) };
        let late = if turn == 4 { 6 * MINUTE_US } else { 0 };
        let until = at(until) + late + (draw >> 32) as i64 % (4 * MINUTE_US);
        out.push(Shift {
            seat,
            skill: skill_of(seat),
            from,
            until,
            aways: aways(&mut random, from, until, calendar),
            reason: "shift",
        });
    }
    for script in scripts {
        if let Script::Typhoon(at_us) = *script {
            let from = at_us + 2 * HOUR_US;
            if from >= at(7.5) && from < at(31.5) {
                call_in(&mut out, day, from, (from + 11 * HOUR_US).min(at(31.5)), &mut random);
            }
        }
    }
    out.sort_by_key(|shift| (shift.from, shift.seat));
    out
}

/// Hands called in for a storm: those whose day is free, until the next shift change at most.
fn call_in(out: &mut Vec<Shift>, day: i64, from: i64, until: i64, random: &mut Random) {
    for seat in 1..=SEATS {
        let turn = (i64::from((seat - 1) / 6) + day).rem_euclid(8);
        // The night of yesterday (5) and whoever is off (6), two hours after the call.
        if matches!(turn, 5 | 6) && out.iter().all(|shift| shift.seat != seat) {
            let from = from + random.below(20 * MINUTE_US as u64) as i64;
            if until - from > HOUR_US {
                out.push(Shift { seat, skill: skill_of(seat), from, until, aways: Vec::new(), reason: "storm" });
            }
        }
    }
}

fn aways(random: &mut Random, from: i64, until: i64, calendar: &Calendar) -> Vec<Away> {
    let length = until - from;
    let share = |random: &mut Random, low: f64, high: f64| from + (length as f64 * random.between(low, high)) as i64;
    let minutes = |random: &mut Random, low: f64, high: f64| (random.between(low, high) * MINUTE_US as f64) as i64;
    let mut out = vec![
        Away { at: share(random, 0.18, 0.30), lasts: minutes(random, 8.0, 13.0), kind: "rest", reason: "break" },
        Away { at: share(random, 0.42, 0.62), lasts: minutes(random, 24.0, 34.0), kind: "rest", reason: "meal" },
        Away { at: share(random, 0.72, 0.86), lasts: minutes(random, 8.0, 13.0), kind: "rest", reason: "break" },
    ];
    if random.chance(0.7) {
        out.push(Away {
            at: share(random, 0.1, 0.95),
            lasts: minutes(random, 3.0, 9.0),
            kind: "busy",
            reason: "paperwork",
        });
    }
    let hour = calendar.local(from).hour();
    if (7..15).contains(&hour) && random.chance(0.18) {
        out.push(Away {
            at: share(random, 0.64, 0.70),
            lasts: minutes(random, 18.0, 28.0),
            kind: "train",
            reason: "practice",
        });
    }
    out.sort_by_key(|away| away.at);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::time::DAY_US;

    #[test]
    fn nobody_works_two_shifts_within_ten_hours_and_the_phones_are_never_alone() {
        let zone = chrono_tz::Asia::Shanghai;
        let first = 20_780;
        let mut all = Vec::new();
        for day in first..first + 30 {
            all.extend(shifts(7, day, &Calendar::around(day, zone), &[]));
        }
        for seat in 1..=SEATS {
            let mut own: Vec<_> = all.iter().filter(|shift| shift.seat == seat).collect();
            own.sort_by_key(|shift| shift.from);
            for pair in own.windows(2) {
                assert!(pair[1].from - pair[0].until >= 10 * HOUR_US, "{pair:?}");
            }
        }
        let start = Calendar::around(first, zone).midnight(first) + 8 * HOUR_US;
        for step in 0..28 * 48 {
            let time = start + step * DAY_US / 48;
            let on = all.iter().filter(|shift| shift.from <= time && time < shift.until).count();
            assert!((4..=34).contains(&on), "{on} seats at step {step}");
        }
    }
}
