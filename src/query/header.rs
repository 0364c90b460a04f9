//! The header of a metric file: `-- key: value` comments before the SQL.
//!
//! Reading never fails as a whole: what is wrong with a line is a [`Problem`] at that line, and the rest counts.

use std::collections::BTreeMap;
use std::fmt;

use super::statement::Param;
use crate::model::Stream;
use crate::model::text::nearest;
use crate::model::time::SECOND_US;

/// The keys a header may have.
pub const KEYS: &[&str] = &[
    "title_zh",
    "title_en",
    "unit_zh",
    "unit_en",
    "window_zh",
    "window_en",
    "days",
    "refresh",
    "audience",
    "basis",
    "basis_zh",
    "source",
    "systems",
    "target",
    "params",
    "note",
];

/// Something wrong with a file, at a place in it (counted from 1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub path: String,
    pub line: u64,
    pub column: u64,
    pub message: String,
    /// The metric still answers, by this file or by its last good version.
    pub usable: bool,
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}:{}: {}", self.path, self.line, self.column, self.message)
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Header {
    /// Everything the header says, by key, as written.
    pub info: BTreeMap<String, String>,
    /// Calendar days that its window reaches back, today among them.
    pub days: Option<u16>,
    /// How old an answer may be before it is asked again, µs.
    pub refresh_us: i64,
    pub params: Vec<Param>,
    /// Streams the figures come from.
    pub streams: Vec<Stream>,
    /// Rows of the table of systems that this metric shows.
    pub systems: Vec<u32>,
    /// The value to reach, where one is set.
    pub target: Option<f64>,
}

/// Reads the header of `text`; problems carry `path`.
pub fn read(path: &str, text: &str) -> (Header, Vec<Problem>) {
    let mut header = Header { refresh_us: SECOND_US, ..Header::default() };
    let mut problems = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let trimmed = line.trim_start();
        if trimmed.is_empty() {
            continue;
        }
        let Some(comment) = trimmed.strip_prefix("--") else { break };
        let Some((key, value)) = comment.split_once(':') else { continue };
        let (key, value) = (key.trim(), value.trim());
        // A sentence with a colon in it is a remark, not a key.
        if key.is_empty() || !key.chars().all(|c| c.is_ascii_lowercase() || c == '_') {
            continue;
        }
        let column = line.chars().count() - trimmed.chars().count() + 1;
        let mut problem = |message: String| {
            let (path, line) = (path.to_owned(), index as u64 + 1);
            problems.push(Problem { path, line, column: column as u64, message, usable: true });
        };
        if !KEYS.contains(&key) {
            problem(format!("the header has no key {key:?}; {}", suggestion(key)));
            continue;
        }
        if header.info.insert(key.to_owned(), value.to_owned()).is_some() {
            problem(format!("{key} stands twice in the header; the last one counts"));
        }
        if let Err(message) = header.take(key, value) {
            problem(message);
        }
    }
    for key in ["title_zh", "title_en", "basis", "source"] {
        if !header.info.contains_key(key) {
            let message = format!("the header lacks `-- {key}: …`; a number without it can't be explained");
            problems.push(Problem { path: path.to_owned(), line: 1, column: 1, message, usable: true });
        }
    }
    (header, problems)
}

fn suggestion(key: &str) -> String {
    // A key that is cut short or goes on too long is meant as well.
    let close = KEYS.iter().copied().find(|known| known.starts_with(key) || key.starts_with(*known));
    match close.or_else(|| nearest(key, KEYS.iter().copied())) {
        Some(close) => format!("did you mean {close}?"),
        None => format!("it is one of {}", KEYS.join(", ")),
    }
}

impl Header {
    fn take(&mut self, key: &str, value: &str) -> Result<(), String> {
        let words = || value.split([' ', ',', '、']).map(str::trim).filter(|word| !word.is_empty());
        match key {
            "refresh" => {
                self.refresh_us = duration_us(value)
                    .ok_or_else(|| format!("refresh {value:?} is not a time like 500ms, 1s, 5min or 1h"))?;
            }
            "days" => {
                let days = value.parse().ok().filter(|days| *days > 0);
                self.days = Some(days.ok_or_else(|| format!("days {value:?} is not a whole number from 1 to 65535"))?);
            }
            "params" => {
                for word in words() {
                    let param = Param::parse(word)
                        .ok_or_else(|| format!("parameter {word:?} is not a name, or name=default"))?;
                    self.params.push(param);
                }
            }
            "source" => {
                // A source may also name state tables; only the streams decide about the demo mark.
                for word in words() {
                    let stream = Stream::from_name(word).or(match word {
                        "open_tickets" => Some(Stream::Tickets),
                        "waiting" => Some(Stream::Contacts),
                        "seat_state" => Some(Stream::Seats),
                        "devices" => Some(Stream::Registry),
                        _ => None,
                    });
                    match stream {
                        Some(stream) if !self.streams.contains(&stream) => self.streams.push(stream),
                        Some(_) => {}
                        None if matches!(word, "feeds" | "quarantine" | "baseline" | "city") => {}
                        None => return Err(format!("source {word:?} is no stream or state table")),
                    }
                }
            }
            "systems" => {
                for word in words() {
                    let number = word.parse().ok().filter(|number| (1..=23).contains(number));
                    self.systems.push(number.ok_or_else(|| format!("system {word:?} is not a number from 1 to 23"))?);
                }
            }
            "target" => {
                self.target = Some(value.parse().map_err(|_| format!("target {value:?} is not a number"))?);
            }
            "audience" => {
                if let Some(word) = words().find(|word| !matches!(*word, "visitor" | "leader" | "operations")) {
                    return Err(format!("audience {word:?} is not one of visitor, leader, operations"));
                }
            }
            _ => {}
        }
        Ok(())
    }
}

/// `500ms`, `1s`, `5min`, `1h`, `1d` in µs.
fn duration_us(text: &str) -> Option<i64> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let number: i64 = number.parse().ok()?;
    let unit_us = match unit.trim() {
        "ms" => 1_000,
        "s" => SECOND_US,
        "min" => 60 * SECOND_US,
        "h" => 3_600 * SECOND_US,
        "d" => 86_400 * SECOND_US,
        _ => return None,
    };
    number.checked_mul(unit_us).filter(|us| *us > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_read_and_its_faults_are_placed() {
        let text = "-- title_zh: 今日受理\n-- title_en: Opened today\n-- refresh: 5 s\n-- tilte_en: x\n-- basis: opens: all\n\
                    -- source: tickets open_tickets\n-- systems: 2, 24\n-- params: area limit=5\n-- note, not a key\nselect 1";
        let (header, problems) = read("q.sql", text);
        assert_eq!(header.info["title_zh"], "今日受理");
        assert_eq!(header.info["basis"], "opens: all");
        assert_eq!(header.refresh_us, 5 * SECOND_US);
        assert_eq!(header.streams, [Stream::Tickets]);
        assert_eq!(header.params.len(), 2);
        let places: Vec<_> = problems.iter().map(|problem| problem.line).collect();
        assert_eq!(places, [4, 7], "{problems:?}");
        assert!(problems[0].message.contains("title_en"), "{}", problems[0]);
        assert_eq!(problems[0].to_string().split(':').take(3).collect::<Vec<_>>(), ["q.sql", "4", "1"]);
    }

    #[test]
    fn durations_have_units() {
        assert_eq!(duration_us("250ms"), Some(250_000));
        assert_eq!(duration_us("5min"), Some(300 * SECOND_US));
        assert_eq!(duration_us("soon"), None);
        assert_eq!(duration_us("0s"), None);
    }
}
