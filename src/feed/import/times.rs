//! Reads times as exports write them: several formats, a zone without an offset, dates alone, serial numbers.
//!
//! The formats of the map are tried in their order; after them RFC 3339 and ISO 8601 always read. A local time that a
//! clock change repeats is the first of the two; one that it skips is an hour later. Years outside 1900..=2200 are a
//! misread format, not a time.

use chrono::{DateTime, Datelike, Duration, NaiveDate, NaiveDateTime, NaiveTime, Timelike};
use chrono_tz::Tz;

use crate::model::time::local_to_us;

/// One way a time is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TimeFormat {
    /// Date and time of day, in the map's zone.
    Local(String),
    /// A date alone: its midnight in the map's zone.
    Date(String),
    /// With an offset of its own.
    Offset(String),
    EpochSeconds,
    EpochMillis,
    /// A spreadsheet's day number (1 = 1900-01-01), in the map's zone.
    Excel,
}

impl TimeFormat {
    /// Reads a format as a map writes it: strftime, or `epoch_s`, `epoch_ms`, `excel`, `rfc3339`.
    ///
    /// # Errors
    /// A sentence when it is no such format.
    pub fn parse(text: &str) -> Result<TimeFormat, String> {
        match text {
            "epoch_s" => return Ok(TimeFormat::EpochSeconds),
            "epoch_ms" => return Ok(TimeFormat::EpochMillis),
            "excel" => return Ok(TimeFormat::Excel),
            "rfc3339" | "iso8601" => return Ok(TimeFormat::Offset("%+".into())),
            _ => {}
        }
        let has = |letters: &[&str]| letters.iter().any(|letter| text.contains(letter));
        if !text.contains('%')
            || chrono::format::StrftimeItems::new(text).any(|item| item == chrono::format::Item::Error)
        {
            return Err(format!(
                "{text:?} is no time format; write it like \"%Y-%m-%d %H:%M:%S\", or epoch_s, epoch_ms, excel, rfc3339"
            ));
        }
        Ok(if has(&["%z", "%:z", "%#z", "%+"]) {
            TimeFormat::Offset(text.to_owned())
        } else if has(&["%H", "%I", "%k", "%l", "%T", "%R", "%r", "%X", "%c"]) {
            TimeFormat::Local(text.to_owned())
        } else {
            TimeFormat::Date(text.to_owned())
        })
    }
}

/// The formats and the zone of one map.
#[derive(Clone, Debug)]
pub struct TimeReader {
    pub zone: Tz,
    pub formats: Vec<TimeFormat>,
}

impl TimeReader {
    /// Some format is written with the colon of a Chinese keyboard.
    pub fn has_full_width_colon(&self) -> bool {
        self.formats.iter().any(|format| match format {
            TimeFormat::Local(text) | TimeFormat::Date(text) | TimeFormat::Offset(text) => text.contains('：'),
            _ => false,
        })
    }

    /// An instant, µs since 1970 UTC.
    pub fn instant(&self, text: &str) -> Option<i64> {
        let local = |time: NaiveDateTime| sane(time).and_then(|time| local_to_us(time, self.zone));
        for format in &self.formats {
            let read = match format {
                TimeFormat::Local(format) => NaiveDateTime::parse_from_str(text, format).ok().and_then(local),
                TimeFormat::Date(format) => {
                    NaiveDate::parse_from_str(text, format).ok().and_then(|day| local(day.and_time(NaiveTime::MIN)))
                }
                TimeFormat::Offset(format) => offset(text, format),
                TimeFormat::EpochSeconds => text
                    .parse::<f64>()
                    .ok()
                    .filter(|seconds| seconds.is_finite())
                    .and_then(|seconds| sane_us((seconds * 1e6).round())),
                TimeFormat::EpochMillis => text.parse::<i64>().ok().and_then(|millis| sane_us(millis as f64 * 1e3)),
                TimeFormat::Excel => excel(text).and_then(local),
            };
            if read.is_some() {
                return read;
            }
        }
        offset(text, "%+").or_else(|| {
            ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f"]
                .into_iter()
                .find_map(|format| NaiveDateTime::parse_from_str(text, format).ok().and_then(local))
        })
    }

    /// A calendar day.
    pub fn day(&self, text: &str) -> Option<NaiveDate> {
        let from_formats = self.formats.iter().find_map(|format| match format {
            TimeFormat::Date(format) => NaiveDate::parse_from_str(text, format).ok(),
            TimeFormat::Local(format) => NaiveDateTime::parse_from_str(text, format).ok().map(|time| time.date()),
            TimeFormat::Excel => excel(text).map(|time| time.date()),
            _ => None,
        });
        from_formats
            .or_else(|| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok())
            .or_else(|| NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f").ok().map(|time| time.date()))
            .filter(|day| (1900..=2200).contains(&day.year()))
    }
}

/// Seconds after midnight of a time of day: `9:05`, `09:05:30`, `9:05:30.5`, `9:05 PM`.
pub fn time_of_day_s(text: &str) -> Option<i64> {
    ["%H:%M:%S%.f", "%H:%M", "%I:%M:%S %p", "%I:%M %p", "%H%M%S"]
        .into_iter()
        .find_map(|format| NaiveTime::parse_from_str(text, format).ok())
        .map(|time| i64::from(time.num_seconds_from_midnight()))
}

/// Whole seconds of a duration: `93`, `93.0`, `1:33`, `0:01:33`.
pub fn duration_s(text: &str) -> Option<i64> {
    if let Some(seconds) = whole(text) {
        return Some(seconds);
    }
    let mut seconds: i64 = 0;
    let parts: Vec<&str> = text.split(':').collect();
    if !(2..=3).contains(&parts.len()) {
        return None;
    }
    for (at, part) in parts.iter().enumerate() {
        let number: i64 = part.trim().parse().ok()?;
        if number < 0 || (at > 0 && number > 59) {
            return None;
        }
        seconds = seconds.checked_mul(60)?.checked_add(number)?;
    }
    Some(seconds)
}

/// A whole number, also written as `93.0`.
pub fn whole(text: &str) -> Option<i64> {
    if let Ok(number) = text.parse() {
        return Some(number);
    }
    let number: f64 = text.parse().ok()?;
    (number.fract() == 0.0 && number.abs() < 9e15).then_some(number as i64)
}

/// A local instant some days and seconds after a day's midnight.
pub fn on_day(day: NaiveDate, seconds: i64) -> Option<NaiveDateTime> {
    day.and_time(NaiveTime::MIN).checked_add_signed(Duration::seconds(seconds))
}

fn offset(text: &str, format: &str) -> Option<i64> {
    let time = DateTime::parse_from_str(text, format).ok()?;
    sane(time.naive_utc()).map(|_| time.timestamp_micros())
}

fn sane(time: NaiveDateTime) -> Option<NaiveDateTime> {
    (1900..=2200).contains(&time.year()).then_some(time)
}

fn sane_us(us: f64) -> Option<i64> {
    // 1900 and 2200, roughly: what matters is that seconds are not taken for milliseconds.
    let us = (us.abs() < 7.3e15).then_some(us as i64)?;
    sane(DateTime::from_timestamp_micros(us)?.naive_utc()).map(|_| us)
}

fn excel(text: &str) -> Option<NaiveDateTime> {
    let days: f64 = text.parse().ok()?;
    // 61 is 1900-03-01: before it, spreadsheets count a day that never was.
    if !(61.0..109_000.0).contains(&days) {
        return None;
    }
    let seconds = (days * 86_400.0).round() as i64;
    NaiveDate::from_ymd_opt(1899, 12, 30).and_then(|day| on_day(day, seconds))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::time::format_time;

    fn reader(formats: &[&str], zone: Tz) -> TimeReader {
        TimeReader { zone, formats: formats.iter().map(|text| TimeFormat::parse(text).unwrap()).collect() }
    }

    #[test]
    fn times_read_as_exports_write_them() {
        let zone = chrono_tz::Asia::Shanghai;
        let reader = reader(
            &[
                "%Y-%m-%d %H:%M:%S",
                "%Y/%m/%d %H:%M",
                "%m/%d/%Y %I:%M:%S %p",
                "%Y年%m月%d日 %H时%M分",
                "%Y-%m-%d",
                "excel",
            ],
            zone,
        );
        for (text, expected) in [
            ("2011-07-01 01:32:33", "2011-07-01T01:32:33+08:00"),
            ("2011/7/1 9:05", "2011-07-01T09:05:00+08:00"),
            ("04/18/2019 09:55:45 PM", "2019-04-18T21:55:45+08:00"),
            ("2018年10月9日 8时5分", "2018-10-09T08:05:00+08:00"),
            ("2018-02-08", "2018-02-08T00:00:00+08:00"),
            ("45231.5", "2023-11-01T12:00:00+08:00"),
            ("2011-07-01T01:32:33Z", "2011-07-01T09:32:33+08:00"),
            ("2011-07-01T01:32:33.250+02:00", "2011-07-01T07:32:33.250+08:00"),
        ] {
            assert_eq!(reader.instant(text).map(|us| format_time(us, zone)).as_deref(), Some(expected), "{text}");
        }
        for text in ["", "yesterday", "2011-13-01 00:00:00", "0011-07-01 01:32:33", "31/12/2011", "99999999"] {
            assert_eq!(reader.instant(text), None, "{text}");
        }
    }

    #[test]
    fn a_clock_change_repeats_and_skips_an_hour() {
        let zone = chrono_tz::America::New_York;
        let reader = reader(&["%Y-%m-%d %H:%M:%S"], zone);
        let read = |text| format_time(reader.instant(text).unwrap(), zone);
        assert_eq!(read("2011-11-06 01:30:00"), "2011-11-06T01:30:00-04:00");
        assert_eq!(read("2012-03-11 02:30:00"), "2012-03-11T03:30:00-04:00");
    }

    #[test]
    fn durations_and_times_of_day() {
        assert_eq!(duration_s("93"), Some(93));
        assert_eq!(duration_s("-87"), Some(-87));
        assert_eq!(duration_s("93.0"), Some(93));
        assert_eq!(duration_s("0:01:33"), Some(93));
        assert_eq!(duration_s("100:00:00"), Some(360_000));
        for text in ["", "1:99", "a", "1:2:3:4", "-1:00", "nan", "inf", "9223372036854775807:59:59"] {
            assert_eq!(duration_s(text), None, "{text}");
        }
        assert_eq!(time_of_day_s("0:10:10"), Some(610));
        assert_eq!(time_of_day_s("9:05 PM"), Some(75_900));
        assert_eq!(time_of_day_s("24:00:00"), None);
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_or_refused_without_a_panic(text in "\\PC{0,40}", format in "[%YmdHMSpIz:/ a-]{0,12}") {
            let mut reader = reader(&["%Y-%m-%d %H:%M:%S", "%m/%d/%Y %I:%M:%S %p", "epoch_s", "epoch_ms", "excel", "%+"], chrono_tz::Asia::Shanghai);
            if let Ok(format) = TimeFormat::parse(&format) {
                reader.formats.push(format);
            }
            let _ = (reader.instant(&text), reader.day(&text), time_of_day_s(&text), duration_s(&text));
        }

        #[test]
        fn any_number_is_read_or_refused_without_a_panic(number in proptest::num::f64::ANY) {
            let reader = reader(&["epoch_s", "epoch_ms", "excel"], chrono_tz::America::New_York);
            let _ = (reader.instant(&number.to_string()), duration_s(&number.to_string()));
        }
    }
}
