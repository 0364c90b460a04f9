//! Figures, times and ages in words. A value that is missing is "—".

use chrono::{Datelike, NaiveDate, Timelike};
use chrono_tz::Tz;

use crate::model::time::to_zone;

use super::options::Lang;

pub const MISSING: &str = "—";

/// 18264913 → 18,264,913, rounded to whole numbers.
pub fn whole(value: Option<f64>) -> String {
    let Some(value) = value.filter(|value| value.is_finite()) else { return MISSING.into() };
    let digits = format!("{:.0}", value.abs());
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3 + 1);
    if value < 0.0 && digits != "0" {
        grouped.push('−');
    }
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// Shortened where whole digits do not fit: 9999.9 万, 100.0M.
pub fn short(value: Option<f64>, lang: Lang) -> String {
    let Some(value) = value.filter(|value| value.is_finite()) else { return MISSING.into() };
    let (unit, zh, en) = match (lang, value.abs()) {
        (_, size) if size < 10_000.0 => return whole(Some(value)),
        (Lang::Zh, size) if size >= 1e8 => (1e8, "亿", ""),
        (Lang::Zh, _) => (1e4, "万", ""),
        (Lang::En, size) if size >= 1e6 => (1e6, "", "M"),
        (Lang::En, _) => (1e3, "", "k"),
    };
    // Cut, not rounded: a shortened figure is never more than the whole one.
    let cut = (value / unit * 10.0).trunc() / 10.0;
    format!(
        "{}{zh}{en}",
        decimal(Some(cut.trunc()).filter(|_| cut.abs() >= 1000.0).or(Some(cut)), usize::from(cut.abs() < 1000.0))
    )
}

/// With `places` decimals and thousands grouped.
pub fn decimal(value: Option<f64>, places: usize) -> String {
    let Some(value) = value.filter(|value| value.is_finite()) else { return MISSING.into() };
    let text = format!("{:.places$}", value.abs());
    let (integer, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let integer = whole(integer.parse().ok());
    let sign = if value < 0.0 && text.bytes().any(|byte| (b'1'..=b'9').contains(&byte)) { "−" } else { "" };
    if fraction.is_empty() { format!("{sign}{integer}") } else { format!("{sign}{integer}.{fraction}") }
}

/// 0.8521 → 85.2; 1 → 100, and never 100 for less than the whole.
pub fn percent(share: Option<f64>) -> String {
    let Some(share) = share.filter(|share| share.is_finite()) else { return MISSING.into() };
    let percent = share * 100.0;
    if share < 1.0 && percent > 99.9 {
        return "99.9".into();
    }
    if percent >= 100.0 { format!("{percent:.0}") } else { format!("{percent:.1}") }
}

/// The change from `before`, in percent with its sign: +3.1%. `None` where there was nothing before.
pub fn delta(value: Option<f64>, before: Option<f64>) -> Option<String> {
    let (value, before) = (value?, before?);
    if before <= 0.0 {
        return None;
    }
    let percent = (value - before) / before * 100.0;
    let text = if percent.abs() >= 999.5 {
        ">999".to_owned()
    } else if percent.abs() >= 99.95 {
        format!("{:.0}", percent.abs())
    } else {
        format!("{:.1}", percent.abs())
    };
    let sign = if text == "0.0" {
        "±"
    } else if percent < 0.0 {
        "−"
    } else {
        "+"
    };
    Some(format!("{sign}{text}%"))
}

/// An age or a duration in the largest fitting unit: 3 秒, 12 分, 5 小时, 2 天.
pub fn span(seconds: f64, lang: Lang) -> String {
    let seconds = seconds.max(0.0);
    let (value, zh, en) = match seconds {
        _ if seconds < 99.5 => (seconds, "秒", "s"),
        _ if seconds < 99.5 * 60.0 => (seconds / 60.0, "分钟", "min"),
        _ if seconds < 48.0 * 3600.0 => (seconds / 3600.0, "小时", "h"),
        _ => (seconds / 86_400.0, "天", "d"),
    };
    format!("{value:.0} {}", lang.pick(zh, en))
}

/// 14:32:07 in the zone.
pub fn clock(time_us: i64, zone: Tz) -> String {
    let time = to_zone(time_us, zone);
    format!("{:02}:{:02}:{:02}", time.hour(), time.minute(), time.second())
}

/// 14:32 in the zone.
pub fn minute(time_us: i64, zone: Tz) -> String {
    let time = to_zone(time_us, zone);
    format!("{:02}:{:02}", time.hour(), time.minute())
}

/// 11月23日, or 23 Nov.
pub fn month_day(day: NaiveDate, lang: Lang) -> String {
    match lang {
        Lang::Zh => format!("{}月{}日", day.month(), day.day()),
        Lang::En => day.format("%-d %b").to_string(),
    }
}

/// 11月23日 星期一, or Mon 23 Nov.
pub fn date(time_us: i64, zone: Tz, lang: Lang) -> String {
    let day = to_zone(time_us, zone).date_naive();
    let weekday = day.weekday().num_days_from_monday() as usize;
    match lang {
        Lang::Zh => {
            format!("{} 星期{}", month_day(day, lang), ["一", "二", "三", "四", "五", "六", "日"][weekday])
        }
        Lang::En => format!("{} {}", day.format("%a"), month_day(day, lang)),
    }
}

/// The day with its year: 2026-11-23.
pub fn day(time_us: i64, zone: Tz) -> String {
    to_zone(time_us, zone).date_naive().to_string()
}

/// 11月15日起, or from 15 Nov; with the year where it is not this one.
pub fn from_day(day: NaiveDate, now_us: i64, zone: Tz, lang: Lang) -> String {
    let (is_this_year, told) = (day.year() == to_zone(now_us, zone).year(), month_day(day, lang));
    match (lang, is_this_year) {
        (Lang::Zh, true) => format!("{told}起"),
        (Lang::Zh, false) => format!("{}年{told}起", day.year()),
        (Lang::En, true) => format!("from {told}"),
        (Lang::En, false) => format!("from {told} {}", day.year()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_are_grouped() {
        let cases = [(0.0, "0"), (999.0, "999"), (1000.0, "1,000"), (99_999_999.0, "99,999,999"), (-1234.4, "−1,234")];
        for (value, text) in cases {
            assert_eq!(whole(Some(value)), text);
        }
        assert_eq!((whole(None), whole(Some(f64::NAN))), (MISSING.into(), MISSING.into()));
    }

    #[test]
    fn a_shortened_figure_is_never_more_than_the_whole_one() {
        assert_eq!(short(Some(99_999_999.0), Lang::Zh), "9,999万");
        assert_eq!(short(Some(99_999_999.0), Lang::En), "99.9M");
        assert_eq!(short(Some(4312.0), Lang::Zh), "4,312");
    }

    #[test]
    fn less_than_the_whole_is_never_shown_as_the_whole() {
        assert_eq!(percent(Some(0.99997)), "99.9");
        assert_eq!(percent(Some(1.0)), "100");
        assert_eq!(percent(Some(0.852)), "85.2");
        assert_eq!(percent(None), MISSING);
    }

    #[test]
    fn a_change_has_its_sign_and_nothing_before_has_none() {
        assert_eq!(delta(Some(103.1), Some(100.0)).as_deref(), Some("+3.1%"));
        assert_eq!(delta(Some(97.8), Some(100.0)).as_deref(), Some("−2.2%"));
        assert_eq!(delta(Some(100.0), Some(100.0)).as_deref(), Some("±0.0%"));
        assert_eq!(delta(Some(5.0), Some(0.0)), None);
        assert_eq!(delta(None, Some(1.0)), None);
    }

    #[test]
    fn dates_are_those_of_the_zone() {
        let time_us = 1_795_390_327_000_000; // 2026-11-22T23:32:07Z
        assert_eq!(clock(time_us, chrono_tz::Asia::Shanghai), "07:32:07");
        assert_eq!(date(time_us, chrono_tz::Asia::Shanghai, Lang::Zh), "11月23日 星期一");
        assert_eq!(date(time_us, chrono_tz::America::New_York, Lang::En), "Sun 22 Nov");
    }
}
