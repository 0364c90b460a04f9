//! Instants as microseconds since 1970 UTC: reading and printing them.

use chrono::{DateTime, NaiveDate, NaiveDateTime, SecondsFormat, TimeZone, Utc};
use chrono_tz::Tz;

pub const SECOND_US: i64 = 1_000_000;
pub const DAY_US: i64 = 86_400 * SECOND_US;
/// The times that are taken from outside: the years 1 to 9999, which every calendar here can compute with.
pub const TIMES_US: std::ops::RangeInclusive<i64> = -62_135_596_800 * SECOND_US..=253_402_300_800 * SECOND_US - 1;

/// Reads RFC 3339. `None` when it is not, or when no zone is given.
pub fn parse_time_us(text: &str) -> Option<i64> {
    DateTime::parse_from_rfc3339(text.trim()).ok().map(|time| time.timestamp_micros())
}

/// Reads what a person types on the command line: RFC 3339, or `2012-01-01`, `2012-01-01 08:30[:00]` in the city's
/// zone.
pub fn parse_local_time_us(text: &str, zone: Tz) -> Option<i64> {
    let text = text.trim();
    if let Some(time_us) = parse_time_us(text) {
        return Some(time_us);
    }
    let local =
        NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().and_then(|day| day.and_hms_opt(0, 0, 0)).or_else(|| {
            ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M"]
                .into_iter()
                .find_map(|format| NaiveDateTime::parse_from_str(text, format).ok())
        })?;
    local_to_us(local, zone).filter(|time_us| TIMES_US.contains(time_us))
}

/// A wall-clock time of a zone as an instant. In the repeated hour of a clock change the first is meant; a time the
/// change skips is read an hour later, as clocks showed it.
pub fn local_to_us(local: NaiveDateTime, zone: Tz) -> Option<i64> {
    zone.from_local_datetime(&local)
        .earliest()
        .or_else(|| zone.from_local_datetime(&local.checked_add_signed(chrono::Duration::hours(1))?).earliest())
        .map(|time| time.timestamp_micros())
}

pub fn to_utc(time_us: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(time_us).unwrap_or_default()
}

pub fn to_zone(time_us: i64, zone: Tz) -> DateTime<Tz> {
    to_utc(time_us).with_timezone(&zone)
}

/// Midnight, in `zone`, of the day that contains the instant, moved by `days` calendar days.
pub fn day_start_us(time_us: i64, zone: Tz, days: i64) -> i64 {
    let moved = chrono::TimeDelta::try_days(days)
        .and_then(|moved| to_zone(time_us, zone).date_naive().checked_add_signed(moved));
    moved.and_then(|day| day.and_hms_opt(0, 0, 0)).and_then(|midnight| local_to_us(midnight, zone)).unwrap_or(time_us)
}

/// RFC 3339 in the zone, with as many fraction digits as are needed (0, 3 or 6).
pub fn format_time(time_us: i64, zone: Tz) -> String {
    to_zone(time_us, zone).to_rfc3339_opts(SecondsFormat::AutoSi, false)
}

/// The second in which an instant lies, for print.
pub fn whole_second(time_us: i64) -> i64 {
    time_us.saturating_sub(time_us.rem_euclid(SECOND_US))
}

/// Clocks of two machines may differ by so much.
const AHEAD_US: i64 = 60 * SECOND_US;

/// A question as of a time can't be of one that has not come.
///
/// # Errors
/// A sentence, when the time lies after `now_us` by more than clocks differ.
pub fn not_ahead(at_us: i64, now_us: i64, zone: Tz) -> Result<(), String> {
    if at_us <= now_us.saturating_add(AHEAD_US) {
        return Ok(());
    }
    let (at, now) = (format_time(whole_second(at_us), zone), format_time(whole_second(now_us), zone));
    Err(format!("{at} has not come yet, it is {now}; ask as of a time before, or leave it out for now"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn years_that_no_calendar_computes_with_are_no_times() {
        let shanghai = chrono_tz::Asia::Shanghai;
        let new_york = chrono_tz::America::New_York;
        for text in ["-262143-01-05", "+262142-12-31 23:30", "10000-01-01"] {
            assert_eq!((parse_local_time_us(text, shanghai), parse_local_time_us(text, new_york)), (None, None));
        }
        let first = *TIMES_US.start();
        assert_eq!(day_start_us(first, shanghai, -400_000_000), first);
        assert_eq!(day_start_us(first, shanghai, i64::MIN), first);
    }

    #[test]
    fn the_repeated_hour_is_the_first_and_a_skipped_one_moves_on() {
        let zone = chrono_tz::America::New_York;
        let repeated = parse_local_time_us("2011-11-06 01:30", zone).unwrap();
        assert_eq!(format_time(repeated, zone), "2011-11-06T01:30:00-04:00");
        let skipped = parse_local_time_us("2012-03-11 02:30", zone).unwrap();
        assert_eq!(format_time(skipped, zone), "2012-03-11T03:30:00-04:00");
    }

    #[test]
    fn a_time_that_has_not_come_is_refused_and_two_clocks_may_differ() {
        let now_us = parse_time_us("2026-11-23T14:32:07.5+08:00").unwrap();
        let zone = chrono_tz::Asia::Shanghai;
        assert_eq!(not_ahead(now_us + 30 * SECOND_US, now_us, zone), Ok(()));
        let refused = not_ahead(now_us + DAY_US, now_us, zone).unwrap_err();
        assert!(
            refused.starts_with("2026-11-24T14:32:07+08:00 has not come yet, it is 2026-11-23T14:32:07+08:00;"),
            "{refused}"
        );
        assert!(not_ahead(i64::MAX, now_us, zone).is_err());
    }

    #[test]
    fn a_day_starts_at_the_citys_midnight_also_over_a_clock_change() {
        let zone = chrono_tz::America::New_York;
        let noon = parse_local_time_us("2011-11-06 12:00", zone).unwrap();
        assert_eq!(format_time(day_start_us(noon, zone, 0), zone), "2011-11-06T00:00:00-04:00");
        assert_eq!(format_time(day_start_us(noon, zone, 1), zone), "2011-11-07T00:00:00-05:00");
    }
}
