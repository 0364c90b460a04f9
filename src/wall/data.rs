//! What the wall knows: the newest result of each metric, the clock, the city, and how old all that is.
//!
//! Nothing is ever emptied because news stop; it ages. Results are looked up by metric name and column name, and a
//! value that is missing is `None`, never 0.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use chrono::NaiveDate;
use serde_json::Value as Json;

use crate::model::City;
use crate::model::message::{HubMessage, MetricInfo, MetricRef, MetricResult};
use crate::model::time::parse_time_us;

use super::sparks::Sparks;

/// A hub's clock that is so much behind was set, µs.
const CLOCK_SET_US: i64 = 500_000;
/// What two clocks drift apart from one tick to the next, µs.
const DRIFT_US: i64 = 100;

/// One metric: what it says now, what it said before, and when that changed (wall seconds).
#[derive(Clone)]
pub struct Known {
    /// Differs whenever anything of it does.
    pub stamp: u64,
    pub result: MetricResult,
    pub before: Option<MetricResult>,
    pub changed_s: f64,
    /// Since then no news of it were asked for, by the hub's clock, µs.
    left_us: Option<i64>,
}

/// Everything that came over the link.
#[derive(Clone)]
pub struct Data {
    /// No other data have it, but a copy that stands still.
    pub serial: u64,
    /// Changes when the hub says which city it is and what it knows.
    pub city_stamp: u64,
    pub city: Option<Arc<City>>,
    pub known_metrics: Vec<String>,
    /// What the files of the metrics say, by name, once it was asked for.
    catalog: Arc<BTreeMap<String, MetricInfo>>,
    /// Changes when the catalog does.
    pub catalog_stamp: u64,
    metrics: HashMap<MetricRef, Known>,
    /// The hub's clock when it last spoke, µs, and the wall's second then.
    heard: Option<(i64, f64)>,
    pub data_until: Option<i64>,
    pub recv_until: Option<i64>,
    demo: bool,
    replay: bool,
    pub status: String,
    pub status_message: Option<String>,
    /// Why there is no connection; `None` while there is one.
    pub down: Option<String>,
    pub sparks: Sparks,
    /// Grows with every change that could be seen.
    pub version: u64,
}

impl Default for Data {
    fn default() -> Data {
        static SERIAL: AtomicU64 = AtomicU64::new(1);
        Data {
            serial: SERIAL.fetch_add(1, Ordering::Relaxed),
            city_stamp: 0,
            city: None,
            known_metrics: Vec::new(),
            catalog: Arc::default(),
            catalog_stamp: 0,
            metrics: HashMap::new(),
            heard: None,
            data_until: None,
            recv_until: None,
            demo: false,
            replay: false,
            status: String::new(),
            status_message: None,
            down: None,
            sparks: Sparks::default(),
            version: 0,
        }
    }
}

impl Data {
    /// Takes a message in; `now_s` is the wall's own second. Control and watch messages are not for here.
    pub fn take(&mut self, message: HubMessage, now_s: f64) {
        self.version += 1;
        match message {
            HubMessage::Welcome { city, now, demo, replay, metrics, .. } => {
                let city = Arc::new(*city);
                if self.city.as_deref() != Some(&*city) {
                    // What another city's hub said is no older state of this one's.
                    self.metrics.clear();
                    self.data_until = None;
                    self.sparks.set_city(&city);
                    self.city = Some(city);
                }
                self.known_metrics = metrics;
                self.city_stamp = self.version;
                self.demo = demo;
                self.replay = replay;
                self.down = None;
                self.heard = Some((now, now_s));
            }
            HubMessage::Result(result) => self.take_result(result, now_s),
            HubMessage::Metrics { metrics } => {
                self.set_catalog(Arc::new(metrics.into_iter().map(|info| (info.name.clone(), info)).collect()));
            }
            HubMessage::Events { columns, rows, reset, backlog, .. } => {
                if reset {
                    self.sparks.clear();
                }
                let shown_now = self.now_us(now_s);
                self.sparks.take(&columns, &rows, backlog, now_s, shown_now);
            }
            HubMessage::Tick { now, data_until, recv_until, demo, replay, status, message } => {
                self.hear(now, now_s);
                self.data_until = data_until;
                self.recv_until = recv_until;
                self.demo = demo;
                self.replay = replay;
                self.status = status;
                self.status_message = message;
            }
            _ => {}
        }
    }

    pub fn take_result(&mut self, result: MetricResult, now_s: f64) {
        if let Some(error) = &result.error {
            tracing::warn!("metric {}: {error}", result.metric);
        }
        if self.data_until < result.data_until {
            self.data_until = result.data_until;
        }
        self.version += 1;
        let stamp = self.version;
        let key = MetricRef { name: result.metric.clone(), params: result.params.clone() };
        if let Some(known) = self.metrics.get_mut(&key) {
            known.left_us = None;
        }
        match self.metrics.get_mut(&key) {
            // Failed: the last good rows stand.
            Some(known) if result.error.is_some() && result.rows.is_empty() => {
                known.result.error = result.error;
                known.stamp = stamp;
            }
            Some(known) if known.result.rows == result.rows => {
                if known.result.error != result.error || known.result.columns != result.columns {
                    known.stamp = stamp;
                }
                known.result = result;
            }
            Some(known) => {
                known.stamp = stamp;
                known.before = Some(std::mem::replace(&mut known.result, result));
                known.changed_s = now_s;
            }
            None => {
                self.metrics
                    .insert(key, Known { stamp, result, before: None, changed_s: f64::NEG_INFINITY, left_us: None });
            }
        }
    }

    /// No news of these metrics are asked for any more.
    pub fn leave<'m>(&mut self, metrics: impl Iterator<Item = &'m MetricRef>, now_us: i64) {
        for metric in metrics {
            if let Some(known) = self.metrics.get_mut(metric) {
                known.left_us.get_or_insert(now_us);
            }
        }
    }

    /// Since when no news of a metric came because none were asked for, µs by the hub's clock.
    pub fn left_us(&self, metric: &MetricRef) -> Option<i64> {
        self.metrics.get(metric)?.left_us
    }

    /// What the files of the metrics say.
    pub fn catalog(&self) -> &Arc<BTreeMap<String, MetricInfo>> {
        &self.catalog
    }

    pub fn set_catalog(&mut self, catalog: Arc<BTreeMap<String, MetricInfo>>) {
        self.version += 1;
        self.catalog_stamp = self.version;
        self.catalog = catalog;
    }

    pub fn metric(&self, metric: &MetricRef) -> Table<'_> {
        let known = self.metrics.get(metric);
        Table { result: known.map(|known| &known.result), known }
    }

    pub fn has(&self, metric: &MetricRef) -> bool {
        self.metrics.contains_key(metric)
    }

    /// Simulated rows are in what is shown. Once a result says so, it counts.
    pub fn is_demo(&self) -> bool {
        self.demo || self.metrics.values().any(|known| known.result.demo)
    }

    /// Rows that were played back are in what is shown.
    pub fn is_replay(&self) -> bool {
        self.replay || self.metrics.values().any(|known| known.result.replay)
    }

    /// The hub's clock now, µs: what it last said plus what passed since.
    pub fn now_us(&self, now_s: f64) -> i64 {
        self.heard.map_or(0, |(now_us, heard_s)| now_us.saturating_add(((now_s - heard_s).max(0.0) * 1e6) as i64))
    }

    /// The hub says what time it is. Messages come sooner or later: the soonest is nearest to the truth, so that a later
    /// one moves the clock back by no more than two clocks drift apart, and its second hand never turns back. A hub
    /// whose clock was set is followed at once.
    fn hear(&mut self, now_us: i64, now_s: f64) {
        let shown_us = self.now_us(now_s);
        let behind_us = shown_us.saturating_sub(now_us);
        let heard_us = if (0..CLOCK_SET_US).contains(&behind_us) { shown_us - behind_us.min(DRIFT_US) } else { now_us };
        self.heard = Some((heard_us, now_s));
    }

    /// Sets the clock when there are no ticks (a picture as of some time).
    pub fn set_clock(&mut self, now_us: i64, now_s: f64) {
        self.heard = Some((now_us, now_s));
        self.version += 1;
    }

    /// The hub's clock when it last spoke, µs.
    pub fn heard_us(&self) -> Option<i64> {
        self.heard.map(|(now_us, _)| now_us)
    }

    /// A number that differs whenever what is known of the metric does; 0 while nothing is.
    pub fn stamp(&self, metric: &MetricRef) -> u64 {
        self.metrics.get(metric).map_or(0, |known| known.stamp)
    }

    /// Seconds since the hub was last heard; `None` before the first time.
    pub fn silence_s(&self, now_s: f64) -> Option<f64> {
        self.heard.map(|(_, heard_s)| (now_s - heard_s).max(0.0))
    }

    /// The newest result of every metric.
    pub fn results(&self) -> impl Iterator<Item = &MetricResult> {
        self.metrics.values().map(|known| &known.result)
    }
}

impl Data {
    /// Since when there are data where a window of one of these metrics reaches further back; the latest such day.
    pub fn data_from<'m>(&self, metrics: impl IntoIterator<Item = &'m MetricRef>) -> Option<NaiveDate> {
        metrics.into_iter().filter_map(|metric| self.metric(metric).data_from()).max()
    }
}

/// Rows of a metric, read by column name.
#[derive(Clone, Copy)]
pub struct Table<'a> {
    result: Option<&'a MetricResult>,
    known: Option<&'a Known>,
}

static NO_INFO: BTreeMap<String, String> = BTreeMap::new();

impl<'a> Table<'a> {
    /// A result was received (it may still have no rows).
    pub fn is_known(&self) -> bool {
        self.result.is_some()
    }

    pub fn rows(&self) -> usize {
        self.result.map_or(0, |result| result.rows.len())
    }

    pub fn error(&self) -> Option<&'a str> {
        self.result.and_then(|result| result.error.as_deref())
    }

    pub fn info(&self) -> &'a BTreeMap<String, String> {
        self.result.map_or(&NO_INFO, |result| &result.info)
    }

    /// The day of the first row there is, where the metric's window reaches further back.
    pub fn data_from(&self) -> Option<NaiveDate> {
        NaiveDate::parse_from_str(self.info().get("data_from")?, "%Y-%m-%d").ok()
    }

    pub fn has_column(&self, column: &str) -> bool {
        self.result.is_some_and(|result| result.columns.iter().any(|known| known.name == column))
    }

    /// Simulated rows are in what was asked.
    pub fn is_demo(&self) -> bool {
        self.result.is_some_and(|result| result.demo)
    }

    /// Rows that were played back are in the store.
    pub fn is_replay(&self) -> bool {
        self.result.is_some_and(|result| result.replay)
    }

    pub fn as_of(&self) -> Option<i64> {
        self.result.map(|result| result.as_of)
    }

    /// The wall's second at which the rows last changed.
    pub fn changed_s(&self) -> f64 {
        self.known.map_or(f64::NEG_INFINITY, |known| known.changed_s)
    }

    /// What the metric said before its last change.
    pub fn before(&self) -> Table<'a> {
        Table { result: self.known.and_then(|known| known.before.as_ref()), known: None }
    }

    fn cell(&self, row: usize, column: &str) -> Option<&'a Json> {
        let result = self.result?;
        let position = result.columns.iter().position(|known| known.name == column)?;
        result.rows.get(row)?.get(position)
    }

    pub fn number(&self, row: usize, column: &str) -> Option<f64> {
        match self.cell(row, column)? {
            Json::Number(number) => number.as_f64(),
            Json::String(text) => text.parse().ok().filter(|number: &f64| number.is_finite()),
            Json::Bool(yes) => Some(f64::from(u8::from(*yes))),
            _ => None,
        }
    }

    pub fn text(&self, row: usize, column: &str) -> Option<&'a str> {
        match self.cell(row, column)? {
            Json::String(text) => Some(text),
            _ => None,
        }
    }

    /// A code as text, also where it is a number.
    pub fn word(&self, row: usize, column: &str) -> Option<Cow<'a, str>> {
        match self.cell(row, column)? {
            Json::String(text) => Some(Cow::Borrowed(text)),
            Json::Number(number) => Some(Cow::Owned(number.to_string())),
            _ => None,
        }
    }

    /// µs since 1970 UTC, from an integer or RFC 3339.
    pub fn time(&self, row: usize, column: &str) -> Option<i64> {
        match self.cell(row, column)? {
            Json::Number(number) => number.as_i64(),
            Json::String(text) => parse_time_us(text),
            _ => None,
        }
    }

    /// A whole column of numbers.
    pub fn numbers(&self, column: &str) -> Vec<Option<f64>> {
        (0..self.rows()).map(|row| self.number(row, column)).collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn result(value: Json) -> MetricResult {
        serde_json::from_value(json!({"metric": "m", "version": 1, "as_of": 5, "data_until": null, "demo": false,
            "columns": [{"name": "value", "type": "Int64"}], "rows": [[value]]}))
        .unwrap()
    }

    #[test]
    fn a_failed_result_keeps_the_last_good_rows() {
        let mut data = Data::default();
        let metric = MetricRef { name: "m".into(), params: BTreeMap::new() };
        data.take_result(result(json!(7)), 0.0);
        let mut failed = result(json!(1));
        failed.rows.clear();
        failed.error = Some("no".into());
        data.take_result(failed, 1.0);
        assert_eq!(data.metric(&metric).number(0, "value"), Some(7.0));
        assert_eq!(data.metric(&metric).error(), Some("no"));
    }

    #[test]
    fn what_another_citys_hub_said_is_gone_and_that_of_the_same_city_stays() {
        let mut data = Data::default();
        let metric = MetricRef { name: "m".into(), params: BTreeMap::new() };
        let welcome = |name: &str, data: &mut Data| {
            let city = Box::new(City::load(name).unwrap());
            let (version, hub, now, demo, replay, metrics) = (1, String::new(), 0, false, false, Vec::new());
            data.take(HubMessage::Welcome { version, hub, city, now, demo, replay, metrics }, 0.0);
        };
        welcome("ningbo", &mut data);
        let mut simulated = result(json!(7));
        simulated.demo = true;
        data.take_result(simulated, 0.0);
        welcome("ningbo", &mut data);
        assert_eq!(
            (data.metric(&metric).number(0, "value"), data.is_demo()),
            (Some(7.0), true),
            "a hub that came back"
        );
        welcome("boston", &mut data);
        assert_eq!((data.metric(&metric).number(0, "value"), data.is_demo()), (None, false));
    }

    #[test]
    fn a_metric_that_is_no_longer_asked_for_is_old_since_then_until_it_comes_again() {
        let mut data = Data::default();
        let metric = MetricRef { name: "m".into(), params: BTreeMap::new() };
        data.take_result(result(json!(7)), 0.0);
        assert_eq!(data.left_us(&metric), None);
        data.leave([&metric].into_iter(), 5_000_000);
        data.leave([&metric].into_iter(), 9_000_000);
        assert_eq!(data.left_us(&metric), Some(5_000_000));
        data.take_result(result(json!(7)), 9.0);
        assert_eq!(data.left_us(&metric), None);
    }

    #[test]
    fn missing_is_not_zero() {
        let mut data = Data::default();
        let metric = MetricRef { name: "m".into(), params: BTreeMap::new() };
        for no_number in ["NaN", "inf", "-infinity", "", "7 items"] {
            data.take_result(result(json!(no_number)), 0.0);
            assert_eq!(data.metric(&metric).number(0, "value"), None, "{no_number}");
        }
        let mut data = Data::default();
        assert_eq!(data.metric(&metric).number(0, "value"), None);
        data.take_result(result(Json::Null), 0.0);
        assert_eq!(data.metric(&metric).number(0, "value"), None);
        assert!(data.metric(&metric).is_known());
    }

    #[test]
    fn a_late_message_does_not_turn_the_clock_back_and_a_clock_that_was_set_is_followed() {
        let mut data = Data::default();
        let mut tick = |now: i64, now_s: f64| {
            let (data_until, recv_until, status, message) = (None, None, "ok".to_owned(), None);
            data.take(
                HubMessage::Tick { now, data_until, recv_until, demo: false, replay: false, status, message },
                now_s,
            );
            data.now_us(now_s)
        };
        assert_eq!(tick(1_000_000, 1.0), 1_000_000);
        // This one took 80 ms longer.
        assert_eq!(tick(1_920_000, 2.0), 2_000_000 - DRIFT_US);
        // A sooner one is nearer to the truth.
        assert_eq!(tick(3_010_000, 3.0), 3_010_000);
        let hour_us = 3_600_000_000;
        assert_eq!(tick(4_000_000 - hour_us, 4.0), 4_000_000 - hour_us, "set back by an hour");
        assert_eq!(tick(5_000_000 + hour_us, 5.0), 5_000_000 + hour_us, "and set forward");
    }

    #[test]
    fn a_change_remembers_what_was_before() {
        let mut data = Data::default();
        let metric = MetricRef { name: "m".into(), params: BTreeMap::new() };
        data.take_result(result(json!(7)), 0.0);
        data.take_result(result(json!(8)), 2.0);
        data.take_result(result(json!(8)), 3.0);
        let table = data.metric(&metric);
        assert_eq!((table.before().number(0, "value"), table.changed_s()), (Some(7.0), 2.0));
    }
}
