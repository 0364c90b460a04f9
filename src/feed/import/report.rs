//! What an import found, for people and as JSON.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde::Serialize;

use crate::feed::Totals;
use crate::model::message::AsideRow;
use crate::model::time::format_time;

/// Distinct values and columns kept in a report; what is beyond is counted under [`OTHERS`].
const VALUES_KEPT: usize = 200;
const EXAMPLES_KEPT: usize = 5;
const OTHERS: &str = "(others)";

/// Times of one column that did not read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct BadTimes {
    pub rows: u64,
    pub examples: Vec<String>,
}

/// A row that was set aside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SetAside {
    /// Rows count from 1, without the header.
    pub row: u64,
    pub line: u64,
    pub reason: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    pub message: String,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ImportReport {
    pub file: String,
    pub map: String,
    pub src: String,
    pub stream: String,
    pub format: String,
    pub dry_run: bool,
    pub rows_read: u64,
    /// Rows that gave at least one event, or were understood and hold none (a skipped kind, an unchanged state).
    pub rows_mapped: u64,
    pub rows_quarantined: u64,
    pub quarantined_by_reason: BTreeMap<String, u64>,
    pub events: u64,
    pub events_by_kind: BTreeMap<String, u64>,
    /// Time of the first and the last event, in the zone of the map.
    pub first_event: Option<String>,
    pub last_event: Option<String>,
    /// Source column → value → rows: values that a table of the map does not have.
    pub unmapped_values: BTreeMap<String, BTreeMap<String, u64>>,
    pub times_that_do_not_parse: BTreeMap<String, BadTimes>,
    /// Rows in which something happens before the open: they count, without a duration.
    pub rows_with_events_before_open: u64,
    /// Column of the model → code → events: codes that the city file does not have. They are sent all the same.
    pub unknown_codes: BTreeMap<String, BTreeMap<String, u64>>,
    /// The figures that the map asks for with `[[count]]`.
    pub import_report: BTreeMap<String, u64>,
    pub columns_keyed: Vec<String>,
    pub columns_dropped: Vec<String>,
    pub notes: Vec<String>,
    /// The first rows that were set aside.
    pub set_aside: Vec<SetAside>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hub: Option<HubAnswer>,
    pub read_s: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub send_s: Option<f64>,
    #[serde(skip)]
    pub span_us: Option<(i64, i64)>,
}

/// What the hub said of the rows.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct HubAnswer {
    pub landed: u64,
    pub duplicates: u64,
    pub quarantined: u64,
    pub quarantined_by_reason: BTreeMap<String, u64>,
    /// The first of them.
    pub quarantined_rows: Vec<String>,
    pub refused: u64,
    /// The first of what was refused.
    pub errors: Vec<String>,
}

impl From<Totals> for HubAnswer {
    fn from(totals: Totals) -> HubAnswer {
        HubAnswer {
            landed: totals.rows,
            duplicates: totals.duplicates,
            quarantined: totals.quarantined,
            quarantined_rows: totals.aside.rows.iter().take(EXAMPLES_KEPT * 2).map(named).collect(),
            quarantined_by_reason: totals.aside.reasons,
            refused: totals.refused,
            errors: totals.errors.iter().take(EXAMPLES_KEPT).map(ToString::to_string).collect(),
        }
    }
}

fn named(row: &AsideRow) -> String {
    format!("{} of {} ({}): {}", row.kind, row.id, row.src_seq, row.reason)
}

/// Counts a value, among so many distinct ones.
fn count(counts: &mut BTreeMap<String, BTreeMap<String, u64>>, column: &str, value: &str) {
    if !counts.contains_key(column) {
        counts.insert(column.to_owned(), BTreeMap::new());
    }
    let Some(values) = counts.get_mut(column) else { return };
    if let Some(count) = values.get_mut(value) {
        *count += 1;
    } else if values.len() < VALUES_KEPT {
        values.insert(value.to_owned(), 1);
    } else {
        *values.entry(OTHERS.to_owned()).or_default() += 1;
    }
}

/// `电话 ×12, App ×3`, the most frequent first, at most a dozen.
fn frequent(values: &BTreeMap<String, u64>) -> String {
    let mut values: Vec<_> = values.iter().collect();
    values.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    let shown: Vec<String> = values.iter().take(12).map(|(value, count)| format!("{value} ×{count}")).collect();
    let more = if values.len() > 12 { format!(", and {} more", values.len() - 12) } else { String::new() };
    format!("{}{more}", shown.join(", "))
}

impl ImportReport {
    pub(super) fn event(&mut self, kind: &str, ts_us: i64) {
        self.events += 1;
        match self.events_by_kind.get_mut(kind) {
            Some(count) => *count += 1,
            None => {
                self.events_by_kind.insert(kind.to_owned(), 1);
            }
        }
        let (first, last) = self.span_us.unwrap_or((ts_us, ts_us));
        self.span_us = Some((first.min(ts_us), last.max(ts_us)));
    }

    pub(super) fn unmapped(&mut self, column: &str, value: &str) {
        count(&mut self.unmapped_values, column, value);
    }

    pub(super) fn unknown_code(&mut self, column: &str, code: &str) {
        count(&mut self.unknown_codes, column, code);
    }

    pub(super) fn bad_time(&mut self, column: &str, value: &str) {
        let bad = self.times_that_do_not_parse.entry(column.to_owned()).or_default();
        bad.rows += 1;
        if bad.examples.len() < EXAMPLES_KEPT && !bad.examples.iter().any(|example| example == value) {
            bad.examples.push(value.chars().take(40).collect());
        }
    }

    pub(super) fn set_aside(&mut self, row: SetAside) {
        self.rows_quarantined += 1;
        *self.quarantined_by_reason.entry(row.reason.to_owned()).or_default() += 1;
        if self.set_aside.len() < EXAMPLES_KEPT * 4 {
            self.set_aside.push(row);
        }
    }

    pub(super) fn finish(&mut self, zone: chrono_tz::Tz) {
        if let Some((first, last)) = self.span_us {
            self.first_event = Some(format_time(first, zone));
            self.last_event = Some(format_time(last, zone));
        }
    }

    /// The report as a page of text.
    pub fn text(&self) -> String {
        let mut page = String::new();
        let mut line = |name: &str, value: String| {
            // Writing to a String does not fail.
            let _ = writeln!(page, "{name:<21} {value}");
        };
        line("file", format!("{} ({})", self.file, self.format));
        line("map", format!("{} → {} of {}", self.map, self.stream, self.src));
        line("rows read", grouped(self.rows_read));
        line("rows mapped", grouped(self.rows_mapped));
        line("rows set aside", with_parts(self.rows_quarantined, &self.quarantined_by_reason));
        line("events", with_parts(self.events, &self.events_by_kind));
        if let (Some(first), Some(last)) = (&self.first_event, &self.last_event) {
            line("from, to", format!("{first}, {last}"));
        }
        for (name, count) in &self.import_report {
            line(name, grouped(*count));
        }
        for (column, bad) in &self.times_that_do_not_parse {
            line("times that don't read", format!("{column}: {} rows, such as {}", bad.rows, bad.examples.join(", ")));
        }
        if self.rows_with_events_before_open > 0 {
            let rows = grouped(self.rows_with_events_before_open);
            line(
                "times contradict",
                format!("{rows} rows have an event before their open; they count, without a duration"),
            );
        }
        for (column, values) in &self.unmapped_values {
            line("values not in the map", format!("{column}: {}", frequent(values)));
        }
        for (column, codes) in &self.unknown_codes {
            line(
                "codes nobody knows",
                format!("{column}: {} (not in the city file; kept as they are)", frequent(codes)),
            );
        }
        if !self.columns_keyed.is_empty() {
            line("keyed columns", self.columns_keyed.join(", "));
        }
        if !self.columns_dropped.is_empty() {
            line("dropped columns", self.columns_dropped.join(", "));
        }
        for row in &self.set_aside {
            let column = row.column.as_ref().map(|column| format!(", {column}")).unwrap_or_default();
            line("set aside", format!("line {}{column}: {}", row.line, row.message));
        }
        for note in &self.notes {
            line("note", note.clone());
        }
        match &self.hub {
            None => line("sent", "nothing: a dry run".into()),
            Some(hub) => {
                let mut parts = vec![format!("{} landed", grouped(hub.landed))];
                for (count, word) in [
                    (hub.duplicates, "there before"),
                    (hub.quarantined, "in quarantine at the hub"),
                    (hub.refused, "refused"),
                ] {
                    if count > 0 {
                        parts.push(format!("{} {word}", grouped(count)));
                    }
                }
                line("hub", parts.join(", "));
                if hub.quarantined > 0 {
                    line("in quarantine", with_parts(hub.quarantined, &hub.quarantined_by_reason));
                }
                for row in &hub.quarantined_rows {
                    line("in quarantine", row.clone());
                }
                for error in &hub.errors {
                    line("refused", error.clone());
                }
            }
        }
        let send = self.send_s.map(|send_s| format!(", sent and acked in {send_s:.2} s")).unwrap_or_default();
        line("took", format!("read in {:.2} s{send}", self.read_s));
        page
    }
}

fn with_parts(total: u64, parts: &BTreeMap<String, u64>) -> String {
    if parts.is_empty() {
        return grouped(total);
    }
    let parts: Vec<String> = parts.iter().map(|(name, count)| format!("{name} {}", grouped(*count))).collect();
    format!("{} ({})", grouped(total), parts.join(", "))
}

/// 58251 → 58,251.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_by_thousands() {
        assert_eq!([0, 999, 1000, 58_251, 1_234_567].map(grouped), ["0", "999", "1,000", "58,251", "1,234,567"]);
    }

    #[test]
    fn a_report_stays_small_whatever_the_file_holds() {
        let mut report = ImportReport::default();
        for n in 0..10_000 {
            report.unmapped("topic", &format!("value {n}"));
            report.bad_time("at", &format!("time {n}"));
            report.set_aside(SetAside { row: n, line: n, reason: "bad_time", column: None, message: String::new() });
        }
        assert_eq!(report.unmapped_values["topic"].values().sum::<u64>(), 10_000);
        assert!(serde_json::to_string(&report).unwrap().len() < 20_000);
    }
}
