//! What the benches measure with: CPU time of a thread and of the process, percentiles, memory, and whether two answers
//! are the same.

use rustix::time::{ClockId, clock_gettime};
use serde_json::{Value as Json, json};

use crate::query::{Answer, TimeFormat, json_rows};

/// The CPU time of this thread. Not that of `/proc`, which on some machines moves in steps of milliseconds.
pub struct ThreadCpu {
    from_ms: f64,
}

impl ThreadCpu {
    pub fn now() -> ThreadCpu {
        ThreadCpu { from_ms: cpu_ms(ClockId::ThreadCPUTime) }
    }

    /// Since then.
    pub fn ms(&self) -> f64 {
        cpu_ms(ClockId::ThreadCPUTime) - self.from_ms
    }
}

/// CPU time of all threads of this process so far, ms.
pub fn process_cpu_ms() -> f64 {
    cpu_ms(ClockId::ProcessCPUTime)
}

fn cpu_ms(clock: ClockId) -> f64 {
    let time = clock_gettime(clock);
    time.tv_sec as f64 * 1e3 + time.tv_nsec as f64 / 1e6
}

/// The value below which `share` of the values lie; sorts them.
pub fn percentile(values: &mut [f64], share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let last = values.len().saturating_sub(1);
    values.get((last as f64 * share).round() as usize).copied().unwrap_or(0.0)
}

/// Mean, median, 99th percentile and maximum.
pub fn spread(values: &mut [f64]) -> Json {
    let three = |value: f64| (value * 1e3).round() / 1e3;
    json!({
        "mean": three(values.iter().sum::<f64>() / values.len().max(1) as f64),
        "p50": three(percentile(values, 0.5)),
        "p99": three(percentile(values, 0.99)),
        "max": three(percentile(values, 1.0)),
    })
}

/// `e` to the mean of logarithms: the fair mean of ratios.
pub fn geometric_mean(ratios: &[f64]) -> Option<f64> {
    let sum: f64 = ratios.iter().map(|ratio| ratio.ln()).sum();
    (!ratios.is_empty()).then(|| (sum / ratios.len() as f64).exp())
}

/// Resident memory of the process now, MiB.
pub fn rss_mb() -> f64 {
    status_mb("VmRSS:")
}

/// The most it was, MiB.
pub fn rss_peak_mb() -> f64 {
    status_mb("VmHWM:")
}

fn status_mb(name: &str) -> f64 {
    (status_kb(name).unwrap_or(0) as f64 / 1024.0).round()
}

/// A line of what the system knows of this process, such as `VmRSS:`, kB.
pub fn status_kb(name: &str) -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

/// An answer as a table: column names and rows; times are microseconds since 1970.
pub fn table(answer: &Answer) -> (Vec<String>, Vec<Vec<Json>>) {
    let (columns, rows) = json_rows(&answer.schema, &answer.batches, TimeFormat::Micros);
    (columns.into_iter().map(|column| column.name).collect(), rows)
}

/// Equal but for the last digits of floats and the error of percentile sketches.
pub fn alike(columns: &[String], a: &[Vec<Json>], b: &[Vec<Json>]) -> bool {
    let close = |column: &str, a: &Json, b: &Json| {
        if a == b {
            return true;
        }
        let (Some(x), Some(y)) = (a.as_f64(), b.as_f64()) else { return false };
        // p50, talk_p90_s: columns that the metrics of queries/ fill from a sketch.
        let percentile = |word: &str| word.len() == 3 && word.starts_with('p') && word[1..].parse::<u8>().is_ok();
        let sketch = column.split('_').any(percentile) || column == "first_answer_min";
        let allowed = if sketch { 0.1 * x.abs().max(y.abs()) + 1.0 } else { 1e-9 * x.abs().max(y.abs()) };
        // Of two whole numbers not even one in a billion may be missing.
        (a.is_f64() || b.is_f64()) && (x - y).abs() <= allowed
    };
    a.len() == b.len()
        && a.iter().zip(b).all(|(a, b)| {
            a.len() == b.len() && columns.iter().zip(a.iter().zip(b)).all(|(column, (a, b))| close(column, a, b))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_are_alike_when_equal_and_floats_nearly() {
        let row = |a: Json, b: Json| vec![vec![a, b]];
        let columns = ["n".to_owned(), "mean".to_owned()];
        assert!(alike(&columns, &row(json!(5), json!(0.5)), &row(json!(5), json!(0.500_000_000_000_1))));
        assert!(!alike(&columns, &row(json!(5), json!(0.5)), &row(json!(6), json!(0.5))));
        assert!(!alike(&columns, &row(json!(5), json!(0.5)), &row(json!(5), json!(0.51))));
        assert!(!alike(&columns, &row(json!(5), json!(null)), &row(json!(5), json!(0.0))));
        assert!(!alike(&columns, &row(json!(5), json!(0.5)), &[]));
    }

    #[test]
    fn a_geometric_mean_of_a_ratio_and_its_inverse_is_one() {
        assert_eq!(geometric_mean(&[]), None);
        assert!((geometric_mean(&[4.0, 0.25]).unwrap() - 1.0).abs() < 1e-12);
    }
}
