//! When people ask: the hours of the day, the days of the week, the level of a day, and what makes it jump.
//!
//! Arrivals are a Poisson process whose rate follows measured hour weights, times a weekday factor, times a log-normal
//! level of the day and of the hour (real daily counts vary three times as much as Poisson alone would).

use super::calendar::{Calendar, HOUR_US, MINUTE_US, weekday};
use super::random::Random;

/// Contacts of a mean day.
pub const PHONE_A_DAY: f64 = 2150.0;
pub const DIGITAL_A_DAY: f64 = 750.0;
pub const ONEKEY_A_DAY: f64 = 100.0;

/// Measured hour weights, mean 1: Boston's 311 (an office-hours line), messages to a Chinese city's web page, 911.
const OFFICE_LINE: [f64; 24] = [
    0.07, 0.05, 0.03, 0.03, 0.03, 0.07, 0.25, 0.87, 1.83, 2.95, 3.01, 2.49, 2.14, 2.01, 2.14, 1.84, 1.12, 0.81, 0.52,
    0.45, 0.40, 0.36, 0.34, 0.20,
];
const WEB: [f64; 24] = [
    0.53, 0.28, 0.04, 0.07, 0.03, 0.09, 0.18, 0.32, 1.09, 1.53, 2.79, 2.09, 1.23, 1.18, 1.61, 2.32, 1.75, 1.75, 1.14,
    0.86, 0.75, 0.90, 0.83, 0.65,
];
const LIFE_LINE: [f64; 24] = [
    0.44, 0.36, 0.32, 0.29, 0.31, 0.38, 0.63, 1.03, 1.33, 1.31, 1.32, 1.32, 1.45, 1.45, 1.47, 1.51, 1.61, 1.64, 1.40,
    1.15, 1.04, 0.89, 0.77, 0.57,
];

/// Monday first; its mean is 1.
const WEEKDAY: [f64; 7] = [1.17, 1.12, 1.09, 1.07, 1.04, 0.78, 0.73];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Curve {
    Phone,
    Digital,
    Onekey,
}

/// The weight of each hour, mean 1. A telephone line that answers all night never falls below a quarter.
pub fn hour_weights(curve: Curve) -> [f64; 24] {
    let raw: [f64; 24] = match curve {
        Curve::Phone => std::array::from_fn(|h| (0.5 * OFFICE_LINE[h] + 0.5 * WEB[h]).max(0.25)),
        Curve::Digital => std::array::from_fn(|h| WEB[h].max(0.12)),
        Curve::Onekey => LIFE_LINE,
    };
    let mean = raw.iter().sum::<f64>() / 24.0;
    raw.map(|weight| weight / mean)
}

/// The weight at a moment: straight lines between the middles of the hours.
fn weight_at(weights: &[f64; 24], since_midnight_us: i64) -> f64 {
    let position = since_midnight_us as f64 / HOUR_US as f64 - 0.5;
    let before = position.floor();
    let share = position - before;
    let at = |hour: f64| weights[(hour as i64).rem_euclid(24) as usize];
    at(before) * (1.0 - share) + at(before + 1.0) * share
}

/// The level of a local day: the same whichever shift day asks.
fn day_level(seed: u64, day: i64) -> f64 {
    let mut random = Random::new(seed, day, 101);
    random.log_normal(0.99, 0.12) * WEEKDAY[weekday(day)]
}

/// Arrival times of one curve over a shift day, ascending, µs. `factor` multiplies the rate at a moment.
pub fn arrivals(
    seed: u64,
    calendar: &Calendar,
    (from_us, until_us): (i64, i64),
    curve: Curve,
    factor: &dyn Fn(i64) -> f64,
) -> Vec<i64> {
    const SLOT_US: i64 = 10 * MINUTE_US;
    let weights = hour_weights(curve);
    let (a_day, purpose) = match curve {
        Curve::Phone => (PHONE_A_DAY, 110),
        Curve::Digital => (DIGITAL_A_DAY, 111),
        Curve::Onekey => (ONEKEY_A_DAY, 112),
    };
    let mut random = Random::new(seed, from_us, purpose);
    let mut times = Vec::with_capacity(a_day as usize * 3 / 2);
    let mut level = (i64::MIN, 1.0);
    let mut hour_level = (i64::MIN, 1.0);
    let mut slot = from_us;
    while slot < until_us {
        let end = (slot + SLOT_US).min(until_us);
        let middle = slot + (end - slot) / 2;
        let local = calendar.local(middle);
        if level.0 != local.day {
            // The one-key phone is less of a weekday matter.
            let drawn = day_level(seed, local.day);
            level = (local.day, if curve == Curve::Onekey { 0.7 + 0.3 * drawn } else { drawn });
        }
        if hour_level.0 != local.hour() {
            hour_level = (local.hour(), random.log_normal(0.992, 0.13));
        }
        let mean = a_day / 24.0
            * weight_at(&weights, local.since_midnight_us)
            * level.1
            * hour_level.1
            * factor(middle)
            * (end - slot) as f64
            / HOUR_US as f64;
        for _ in 0..random.poisson(mean) {
            times.push(slot + random.below((end - slot) as u64) as i64);
        }
        slot = end;
    }
    times.sort_unstable();
    times
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_have_mean_one_and_the_night_is_never_empty() {
        for curve in [Curve::Phone, Curve::Digital, Curve::Onekey] {
            let weights = hour_weights(curve);
            assert!((weights.iter().sum::<f64>() - 24.0).abs() < 1e-9);
            assert!(weights.iter().all(|weight| *weight > 0.1));
        }
        assert!((WEEKDAY.iter().sum::<f64>() - 7.0).abs() < 1e-9);
    }
}
