//! What a day brings beside its routine: a typhoon, a water cut, and the small surges of most days.
//!
//! A [`Surge`] is extra arrivals of one matter over some hours; a [`Typhoon`] multiplies everything and changes the mix.

use super::calendar::{HOUR_US, MINUTE_US};
use super::day::Scope;
use super::random::{Random, exp};
use super::world::Service;

/// A scripted event; the time is when it begins to be felt, µs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Script {
    Typhoon(i64),
    WaterOutage(i64),
}

impl Script {
    /// Reads `typhoon`, `water`, each with `@TIME` after it where the time is not `otherwise`.
    ///
    /// # Errors
    /// One sentence that names the word it did not understand.
    pub fn parse(text: &str, otherwise_us: i64, zone: chrono_tz::Tz) -> Result<Script, String> {
        let (name, time) = text.split_once('@').map_or((text, None), |(name, time)| (name, Some(time)));
        let at = match time {
            None => otherwise_us,
            Some(time) => crate::model::time::parse_local_time_us(time, zone)
                .ok_or_else(|| format!("--script {text}: {time:?} is no time; write 2026-11-23 14:00 or RFC 3339"))?,
        };
        match name {
            "typhoon" => Ok(Script::Typhoon(at)),
            "water" => Ok(Script::WaterOutage(at)),
            _ => Err(format!("--script {text}: {name:?} is not one of typhoon, water")),
        }
    }
}

/// Twelve hours of storm that begin at `at_us`: up to nine times the usual, most at +4 h.
#[derive(Clone, Copy, Debug)]
pub struct Typhoon {
    pub at_us: i64,
}

/// Topics of a storm, with their share: (service, topic, share).
pub const STORM_MIX: [(Service, &str, f64); 8] = [
    (Service::Gov, "02.03.01", 0.27),
    (Service::Ask, "02.01.02", 0.24),
    (Service::Gov, "02.03.02", 0.17),
    (Service::Ask, "06.01.03", 0.10),
    (Service::Life, "01.01.07", 0.08),
    (Service::Life, "01.01.05", 0.06),
    (Service::Ask, "02.01.01", 0.05),
    (Service::Volunteer, "13.01.04", 0.03),
];

impl Typhoon {
    /// What the usual rate is multiplied by: 1 outside, 3 to 9 inside, falling off over the night after.
    pub fn factor(self, time_us: i64) -> f64 {
        let hours = (time_us - self.at_us) as f64 / HOUR_US as f64;
        match hours {
            h if h < -2.0 => 1.0,
            h if h < 0.0 => 1.0 + (h + 2.0),
            h if h < 4.0 => 3.0 + 1.5 * h,
            h if h < 8.0 => 9.0 - 0.5 * (h - 4.0),
            h if h < 12.0 => 7.0 - (h - 8.0),
            h if h < 48.0 => 1.0 + 2.0 * exp(-(h - 12.0) / 6.0),
            _ => 1.0,
        }
    }

    /// The public warnings, in the legal colours: (offset from the start, colour, wind warning in words).
    pub const WARNINGS: [(i64, &'static str, &'static str); 6] = [
        (-30 * HOUR_US, "blue", "台风蓝色预警"),
        (-16 * HOUR_US, "yellow", "台风黄色预警"),
        (-5 * HOUR_US, "orange", "台风橙色预警"),
        (HOUR_US, "red", "台风红色预警"),
        (9 * HOUR_US, "orange", "台风橙色预警，风力减弱"),
        (13 * HOUR_US, "yellow", "台风黄色预警"),
    ];
    /// When the last of them is lifted.
    pub const LIFTED_US: i64 = 20 * HOUR_US;
}

/// Extra arrivals of one matter in one district.
#[derive(Clone, Debug)]
pub struct Surge {
    pub service: Service,
    /// Number of the topic within its service.
    pub topic: usize,
    /// Number of the district; `None`: all over the city.
    pub area: Option<usize>,
    pub times: Vec<i64>,
    /// A cause that the control room writes down, ≤ 80 characters.
    pub incident: Option<&'static str>,
}

/// The shape of a surge: up within twenty minutes, then an exponential tail.
fn surge_times(random: &mut Random, from_us: i64, count: usize, tail_min: f64) -> Vec<i64> {
    let mut times: Vec<i64> = (0..count)
        .map(|_| {
            let rise = random.between(0.0, 20.0);
            let tail = random.exponential(tail_min).min(tail_min * 5.0);
            from_us + ((rise + tail) * MINUTE_US as f64) as i64 + random.below(1_000_000) as i64
        })
        .collect();
    times.sort_unstable();
    times
}

/// What may become a surge on an ordinary day, with how many ask at once.
const USUAL: [(Service, &str, f64, Option<&str>); 9] = [
    (Service::Ask, "02.01.01", 34.0, Some("片区供水管道抢修，预计4小时内恢复")),
    (Service::Ask, "02.01.02", 30.0, Some("片区线路故障停电，供电企业已派员")),
    (Service::Ask, "04.02.01", 42.0, None),
    (Service::Ask, "09.01.01", 40.0, None),
    (Service::Ask, "06.01.01", 26.0, None),
    (Service::Ask, "04.01.02", 30.0, None),
    (Service::Enterprise, "10.01.01", 22.0, None),
    (Service::Gov, "05.01.03", 20.0, None),
    (Service::Life, "01.01.02", 20.0, None),
];

/// The surges of a shift day: one or two of the usual ones, and those scripts bring.
pub fn surges(scope: &Scope<'_>) -> Vec<Surge> {
    let (world, span) = (scope.world, scope.span);
    let mut random = Random::new(scope.seed, scope.day, 120);
    let mut out = Vec::new();
    let midnight = scope.calendar.midnight(scope.day);
    for n in 0..1 + usize::from(random.chance(0.45)) {
        let (service, topic, size, incident) = USUAL[random.below(USUAL.len() as u64) as usize];
        let hour = if n == 0 { random.between(8.3, 16.0) } else { random.between(10.0, 20.5) };
        let count = random.log_normal(size, 0.25) as usize;
        let area = random.index(&world.area_weights).filter(|_| incident.is_some());
        let from_us = midnight + (hour * HOUR_US as f64) as i64;
        let times = surge_times(&mut random, from_us, count, 45.0);
        if let Some(topic) = world.topic(service, topic) {
            out.push(Surge { service, topic, area, times, incident });
        }
    }
    for script in scope.scripts {
        if let Script::WaterOutage(at_us) = *script
            && (span.0..span.1).contains(&at_us)
        {
            let area = random.index(&world.area_weights);
            for (service, topic, count, incident) in [
                (Service::Ask, "02.01.01", 260, Some("主供水管爆裂，多个小区停水，抢修中")),
                (Service::Life, "01.01.03", 40, None),
            ] {
                let times = surge_times(&mut random, at_us, count, 70.0);
                if let Some(topic) = world.topic(service, topic) {
                    out.push(Surge { service, topic, area, times, incident });
                }
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typhoon_is_three_to_twelve_times_the_usual_for_its_twelve_hours() {
        let typhoon = Typhoon { at_us: 0 };
        for minute in 0..12 * 60 {
            let factor = typhoon.factor(minute * MINUTE_US);
            assert!((3.0..=12.0).contains(&factor), "{minute} min: {factor}");
        }
        assert_eq!(typhoon.factor(-3 * HOUR_US), 1.0);
        assert!(typhoon.factor(47 * HOUR_US) < 1.01);
    }

    #[test]
    fn scripts_read_with_and_without_a_time() {
        let zone = chrono_tz::Asia::Shanghai;
        assert_eq!(Script::parse("typhoon", 5, zone), Ok(Script::Typhoon(5)));
        assert!(matches!(Script::parse("water@2026-11-23 14:00", 5, zone), Ok(Script::WaterOutage(t)) if t > 5));
        assert!(Script::parse("flood", 5, zone).is_err());
        assert!(Script::parse("typhoon@noon", 5, zone).is_err());
    }
}
