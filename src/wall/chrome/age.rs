//! How fresh the wall is, in words: live, late, cut off, frozen, or of a chosen time.

use super::super::format;
use super::super::options::Lang;
use super::super::tokens::{self, Colour};
use super::Chrome;

/// Data older than this are no longer live, seconds.
const LIVE_S: f64 = 90.0;
/// Data are ahead of the hub's clock from here on, seconds.
const AHEAD_S: f64 = 60.0;

impl Chrome<'_> {
    /// How fresh the wall is, in words and colour.
    pub(super) fn age(&self) -> (String, Colour) {
        let lang = self.lang;
        let until = |time_us: i64| {
            let clock = format::clock(time_us, self.city.tz);
            let same_day = format::day(time_us, self.city.tz) == format::day(self.now_us, self.city.tz);
            if same_day { clock } else { format!("{} {clock}", format::day(time_us, self.city.tz)) }
        };
        if let Some(frozen_us) = self.frozen_us {
            return (format!("{} {}", lang.pick("已定格", "frozen at"), until(frozen_us)), tokens::WARN);
        }
        let silence_s = self.data.silence_s(self.now_s).unwrap_or(f64::INFINITY);
        if !self.as_of && (self.data.down.is_some() || silence_s > f64::from(tokens::LATE_S)) {
            let text = if silence_s.is_finite() {
                format!("{} {}", lang.pick("重连中 · 数据是", "reconnecting · data of"), format::span(silence_s, lang))
                    + lang.pick("前的", " ago")
            } else {
                lang.pick("正在连接", "connecting").to_owned()
            };
            return (text, tokens::BAD);
        }
        if self.data.status == "read_only" {
            return (lang.pick("只读：新数据暂停写入", "read-only: new data are not kept").to_owned(), tokens::BAD);
        }
        match self.data.data_until {
            None => (lang.pick("尚无数据", "no data yet").to_owned(), tokens::WARN),
            Some(data_until) => {
                // By the hub's own clock as it last spoke, so that it stands still between two ticks.
                let age_s = (self.data.heard_us().unwrap_or(self.now_us) - data_until) as f64 / 1e6;
                if self.as_of {
                    return (late(&until(data_until.min(self.now_us)), lang), tokens::GOOD);
                }
                fresh(age_s, &until(data_until), lang)
            }
        }
    }
}

/// How old the newest row is: live, of a time, or of a source whose clock goes ahead, whose rows count already.
fn fresh(age_s: f64, until: &str, lang: Lang) -> (String, Colour) {
    if age_s < -AHEAD_S {
        let ahead = format::span(-age_s, lang);
        return match lang {
            Lang::Zh => (format!("数据时间超前 {ahead}"), tokens::WARN),
            Lang::En => (format!("data are {ahead} ahead"), tokens::WARN),
        };
    }
    if age_s <= LIVE_S {
        let age = format::decimal(Some(age_s.max(0.0)), usize::from(age_s < 9.95));
        (format!("{} {age} {}", lang.pick("实时", "live"), lang.pick("秒", "s")), tokens::GOOD)
    } else {
        (late(until, lang), tokens::WARN)
    }
}

pub(super) fn late(until: &str, lang: Lang) -> String {
    format!("{} {until}", lang.pick("数据截至", "data until"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_are_live_late_or_ahead_of_the_clock() {
        let said = |age_s: f64| fresh(age_s, "14:30:00", Lang::Zh);
        assert_eq!(said(0.26), ("实时 0.3 秒".into(), tokens::GOOD));
        assert_eq!(said(-2.0), ("实时 0.0 秒".into(), tokens::GOOD), "two clocks may differ a little");
        assert_eq!(said(600.0), ("数据截至 14:30:00".into(), tokens::WARN));
        assert_eq!(said(-43_300.0), ("数据时间超前 12 小时".into(), tokens::WARN));
    }
}
