//! The city's days as instants: local midnight, hour, weekday and office hours, for the span around one simulated day.
//!
//! A shift day runs from 07:30 to 07:30 local, when the crews change. Outside the span the nearest day is used.

use chrono::{Datelike, NaiveDate};
use chrono_tz::Tz;

use super::random::Random;
use crate::model::time::{DAY_US, SECOND_US, local_to_us, to_zone};

pub const MINUTE_US: i64 = 60 * SECOND_US;
pub const HOUR_US: i64 = 3600 * SECOND_US;
/// When the crews change, after local midnight.
pub const SHIFT_CHANGE_US: i64 = 7 * HOUR_US + 30 * MINUTE_US;
const OFFICE_OPENS_US: i64 = 8 * HOUR_US + 30 * MINUTE_US;
const OFFICE_CLOSES_US: i64 = 17 * HOUR_US + 30 * MINUTE_US;

/// Seconds as microseconds, rounded, never less than one microsecond.
pub fn seconds(s: f64) -> i64 {
    ((s * 1e6).round() as i64).max(1)
}

/// A place in the city's calendar.
#[derive(Clone, Copy, Debug)]
pub struct Local {
    /// Days since 1970-01-01, local.
    pub day: i64,
    /// Since local midnight.
    pub since_midnight_us: i64,
}

impl Local {
    /// 0 = Monday.
    #[cfg(test)]
    pub fn weekday(self) -> usize {
        weekday(self.day)
    }

    pub fn hour(self) -> i64 {
        self.since_midnight_us / HOUR_US
    }
}

/// 0 = Monday, for a day counted from 1970-01-01, a Thursday.
pub fn weekday(day: i64) -> usize {
    (day + 3).rem_euclid(7) as usize
}

#[derive(Clone, Debug)]
pub struct Calendar {
    first_day: i64,
    /// Local midnight of each day from `first_day`.
    midnights: Vec<i64>,
}

/// The local day of an instant, counted from 1970-01-01.
pub fn day_of(time_us: i64, zone: Tz) -> i64 {
    i64::from(to_zone(time_us, zone).date_naive().num_days_from_ce()) - 719_163
}

fn midnight(day: i64, zone: Tz) -> i64 {
    i32::try_from(day + 719_163)
        .ok()
        .and_then(NaiveDate::from_num_days_from_ce_opt)
        .and_then(|date| date.and_hms_opt(0, 0, 0))
        .and_then(|local| local_to_us(local, zone))
        .unwrap_or(day * DAY_US)
}

/// The shift day that an instant falls into.
pub fn shift_day_of(time_us: i64, zone: Tz) -> i64 {
    day_of(time_us - SHIFT_CHANGE_US, zone)
}

pub fn shift_start_us(day: i64, zone: Tz) -> i64 {
    midnight(day, zone) + SHIFT_CHANGE_US
}

impl Calendar {
    /// The days from a week before `day` to sixty days after it.
    pub fn around(day: i64, zone: Tz) -> Calendar {
        let first_day = day - 7;
        Calendar { first_day, midnights: (first_day..day + 61).map(|day| midnight(day, zone)).collect() }
    }

    pub fn midnight(&self, day: i64) -> i64 {
        let index = (day - self.first_day).clamp(0, self.midnights.len() as i64 - 1);
        self.midnights.get(index as usize).copied().unwrap_or(day * DAY_US)
    }

    pub fn local(&self, time_us: i64) -> Local {
        let index = self.midnights.partition_point(|midnight| *midnight <= time_us).max(1) - 1;
        let start = self.midnights.get(index).copied().unwrap_or(time_us);
        Local { day: self.first_day + index as i64, since_midnight_us: (time_us - start).clamp(0, DAY_US - 1) }
    }

    /// The first moment from `time_us` on that falls between the two hours of a day, a little spread when it has to wait.
    fn within(&self, time_us: i64, opens_us: i64, closes_us: i64, workdays: bool, random: &mut Random) -> i64 {
        let local = self.local(time_us);
        let mut day = local.day;
        let works = |day: i64| !workdays || weekday(day) < 5;
        if works(day) && (opens_us..closes_us).contains(&local.since_midnight_us) {
            return time_us;
        }
        if local.since_midnight_us >= closes_us {
            day += 1;
        }
        while !works(day) {
            day += 1;
        }
        // What lay over the night is taken up over the first hours, not all at the stroke.
        let share = random.unit();
        self.midnight(day) + opens_us + ((closes_us - opens_us) as f64 * 0.45 * share * share) as i64
    }

    /// From `time_us` on, in office hours (workdays 8:30 to 17:30).
    pub fn office(&self, time_us: i64, random: &mut Random) -> i64 {
        self.within(time_us, OFFICE_OPENS_US, OFFICE_CLOSES_US, true, random)
    }

    /// From `time_us` on, when one may call people (8:30 to 20:30, every day).
    pub fn daytime(&self, time_us: i64, random: &mut Random) -> i64 {
        self.within(time_us, OFFICE_OPENS_US, 20 * HOUR_US + 30 * MINUTE_US, false, random)
    }

    /// The end of the office day `workdays` working days after `time_us`.
    pub fn due(&self, time_us: i64, workdays: i64) -> i64 {
        let mut day = self.local(time_us).day;
        let mut left = workdays;
        while left > 0 || weekday(day) >= 5 {
            day += 1;
            if weekday(day) < 5 {
                left -= 1;
            }
        }
        self.midnight(day) + OFFICE_CLOSES_US
    }

    /// `month` and day of month of a local day, for ids.
    pub fn month_day(day: i64) -> (u32, u32, i32) {
        i32::try_from(day + 719_163)
            .ok()
            .and_then(NaiveDate::from_num_days_from_ce_opt)
            .map_or((1, 1, 1970), |date| (date.month(), date.day(), date.year()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::time::parse_local_time_us;

    #[test]
    fn due_dates_skip_weekends_and_offices_sleep() {
        let zone = chrono_tz::Asia::Shanghai;
        let at = |text: &str| parse_local_time_us(text, zone).unwrap();
        let friday = at("2026-11-20 18:00");
        let calendar = Calendar::around(day_of(friday, zone), zone);
        assert_eq!(calendar.local(friday).weekday(), 4);
        assert_eq!(calendar.due(friday, 1), at("2026-11-23 17:30"));
        let mut random = Random::new(0, 0, 0);
        let monday = calendar.office(friday, &mut random);
        assert!(monday >= at("2026-11-23 08:30") && monday <= at("2026-11-23 13:00"));
        assert_eq!(calendar.office(at("2026-11-20 10:00"), &mut random), at("2026-11-20 10:00"));
        assert_eq!(shift_day_of(at("2026-11-21 07:00"), zone), calendar.local(friday).day);
    }
}
