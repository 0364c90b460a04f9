//! The messages of the WebSocket, both ways; `docs/protocol.md` is their description for people.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::event::RowError;

/// Said of an address behind which no hub speaks.
pub fn no_hub(url: &str, message: &str) -> String {
    format!("{url} is no hub's WebSocket: {message}; the address looks like ws://127.0.0.1:8189/ws")
}

/// The version of the protocol.
pub const VERSION: u32 = 1;
/// A frame is at most this large.
pub const FRAME_BYTES_MAX: usize = 16 << 20;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    #[default]
    Json,
    Arrow,
}

/// Rows named of those that went to quarantine, at most, in one ack.
pub const ASIDE_TOLD_MAX: usize = 100;
/// Unknown codes named of one column, at most, in one ack.
pub const CODES_TOLD_MAX: usize = 20;

/// A row that went to quarantine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AsideRow {
    /// Its position in the batch as sent; none of a row that waited and came in an earlier batch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub row: Option<usize>,
    pub kind: String,
    pub id: String,
    pub src_seq: String,
    pub reason: String,
}

/// What went to quarantine: how many rows for which reason, and the first [`ASIDE_TOLD_MAX`] of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Aside {
    pub reasons: BTreeMap<String, u64>,
    pub rows: Vec<AsideRow>,
}

impl Aside {
    pub fn is_empty(&self) -> bool {
        self.reasons.is_empty()
    }

    /// Counts a row and keeps it while there is room; `row` is made only then.
    pub fn add(&mut self, reason: &str, row: impl FnOnce() -> AsideRow) {
        match self.reasons.get_mut(reason) {
            Some(count) => *count += 1,
            None => drop(self.reasons.insert(reason.to_owned(), 1)),
        }
        if self.rows.len() < ASIDE_TOLD_MAX {
            self.rows.push(row());
        }
    }
}

impl Aside {
    /// Takes another batch's in; the rows' places in their batches are dropped.
    pub fn merge(&mut self, other: Aside) {
        for (reason, count) in other.reasons {
            *self.reasons.entry(reason).or_default() += count;
        }
        let room = ASIDE_TOLD_MAX.saturating_sub(self.rows.len());
        self.rows.extend(other.rows.into_iter().take(room).map(|row| AsideRow { row: None, ..row }));
    }
}

/// Codes that the city does not know: column → code → rows.
pub type UnknownCodes = BTreeMap<String, BTreeMap<String, u64>>;

/// A metric asked for: its name and the parameters of this asking.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct MetricRef {
    pub name: String,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub params: BTreeMap<String, String>,
}

/// What walls are told to show. A field left out stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Control {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scene: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lang: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub freeze: Option<bool>,
    /// Every panel says how its numbers are made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub explain: Option<bool>,
    /// Scenes no longer follow one another; what they show goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pause: Option<bool>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ClientMessage {
    Hello {
        client: String,
        #[serde(default)]
        format: Format,
    },
    Ingest {
        batch: u64,
        stream: String,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        rows: Vec<Json>,
        #[serde(default)]
        replay: bool,
    },
    End {
        batch: u64,
    },
    Subscribe {
        metrics: Vec<MetricRef>,
    },
    Follow {
        stream: String,
        columns: Vec<String>,
        #[serde(default)]
        tail: usize,
        /// Only rows of the past whose `ts` is not older, µs.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        since: Option<i64>,
        /// Go on after this `seq` (the `seq` of the last `events` seen): no gap, no row twice.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after: Option<i64>,
    },
    Query {
        id: u64,
        #[serde(default)]
        sql: Option<String>,
        #[serde(default)]
        name: Option<String>,
        #[serde(default)]
        params: BTreeMap<String, String>,
        /// RFC 3339, or a local time of the city; left out: now.
        #[serde(default)]
        at: Option<String>,
        #[serde(default)]
        explain: bool,
    },
    /// The catalog, please.
    Metrics {
        /// With the text of each file.
        #[serde(default)]
        sql: bool,
    },
    Control(Control),
    Watch {
        fps: u32,
    },
    Frame {
        width: u32,
        height: u32,
        scene: String,
        /// Who it is for (`lobby`, `brief`, `ops`), in which language, whether it stands still, says how its numbers
        /// are made, and stays with one scene.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        mode: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        lang: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        freeze: Option<bool>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        explain: Option<bool>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pause: Option<bool>,
    },
    Ping {
        n: u64,
    },
}

/// A metric of the catalog.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MetricInfo {
    pub name: String,
    /// The folder under `queries/`.
    pub scene: String,
    /// `live` or `scan`: how it is kept up to date.
    pub class: String,
    /// The header of its file.
    pub info: BTreeMap<String, String>,
    /// The text of its file, where it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sql: Option<String>,
}

/// A column of a result: its name and Arrow type in words (`Int64`, `Utf8View`, `Timestamp(µs, "UTC")`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResultColumn {
    pub name: String,
    #[serde(rename = "type")]
    pub column_type: String,
}

/// The answer to one metric at one clock.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MetricResult {
    pub metric: String,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub params: BTreeMap<String, String>,
    pub version: u64,
    /// The clock of the answer, µs.
    pub as_of: i64,
    /// Time of the latest event seen, µs; null in an empty store.
    pub data_until: Option<i64>,
    /// Simulated rows are among what was asked.
    pub demo: bool,
    /// Rows that were played back ([`super::event::REPLAY_MARK`]) are in the store.
    #[serde(default)]
    pub replay: bool,
    pub columns: Vec<ResultColumn>,
    pub rows: Vec<Vec<Json>>,
    #[serde(default)]
    pub error: Option<String>,
    /// What the file's header says: title_zh, title_en, unit_zh, unit_en, window_zh, window_en, basis, source …
    #[serde(default)]
    pub info: BTreeMap<String, String>,
}

/// Why a query failed; line and column count from 1, in the SQL as sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueryFailure {
    pub code: String,
    pub message: String,
    #[serde(default)]
    pub line: Option<u64>,
    #[serde(default)]
    pub column: Option<u64>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum HubMessage {
    Welcome {
        version: u32,
        hub: String,
        city: Box<super::city::City>,
        now: i64,
        demo: bool,
        /// Rows that were played back are in the store.
        #[serde(default)]
        replay: bool,
        metrics: Vec<String>,
    },
    Ack {
        batch: u64,
        rows: u64,
        duplicates: u64,
        quarantined: u64,
        #[serde(default)]
        waiting: u64,
        #[serde(default)]
        errors: Vec<RowError>,
        /// What of it, or of rows that waited, went to quarantine, and why.
        #[serde(default, skip_serializing_if = "Aside::is_empty")]
        aside: Aside,
        /// Codes of it that the city does not know; the rows landed all the same.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        unknown: UnknownCodes,
    },
    Result(MetricResult),
    Events {
        stream: String,
        columns: Vec<String>,
        rows: Vec<Vec<Json>>,
        #[serde(default)]
        backlog: bool,
        /// A new start: forget the rows of this stream received before.
        #[serde(default)]
        reset: bool,
        /// More of these rows follow at once in other messages.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        more: bool,
        /// `seq` of the last row sent so far; `follow` with `after` goes on behind it.
        #[serde(default)]
        seq: Option<i64>,
    },
    Answer {
        id: u64,
        columns: Vec<ResultColumn>,
        rows: Vec<Vec<Json>>,
        error: Option<QueryFailure>,
        elapsed_ms: f64,
        #[serde(default)]
        explain: Option<String>,
        /// Time of the latest event there was at the clock of the answer, µs.
        #[serde(default)]
        data_until: Option<i64>,
        /// Simulated rows are in the store.
        #[serde(default)]
        demo: bool,
        /// Rows that were played back are.
        #[serde(default)]
        replay: bool,
        /// Of a metric: what its file's header says.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        info: BTreeMap<String, String>,
    },
    Tick {
        now: i64,
        data_until: Option<i64>,
        recv_until: Option<i64>,
        demo: bool,
        #[serde(default)]
        replay: bool,
        status: String,
        #[serde(default)]
        message: Option<String>,
    },
    Metrics {
        metrics: Vec<MetricInfo>,
    },
    Control(Control),
    Watch {
        fps: u32,
    },
    Error {
        code: String,
        message: String,
        #[serde(default)]
        field: Option<String>,
        #[serde(default)]
        row: Option<usize>,
        #[serde(default)]
        batch: Option<u64>,
    },
    Pong {
        n: u64,
    },
}

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum FrameError {
    #[error("a binary frame of {0} bytes is too short for its header")]
    Short(usize),
    #[error("the frame's header is not JSON: {0}")]
    NotJson(String),
}

/// Packs a header and a payload into one binary frame.
pub fn pack_frame<M: Serialize>(message: &M, payload: &[u8]) -> Result<Vec<u8>, FrameError> {
    let header = serde_json::to_vec(message).map_err(|error| FrameError::NotJson(error.to_string()))?;
    let mut frame = Vec::with_capacity(4 + header.len() + payload.len());
    frame.extend_from_slice(&(header.len() as u32).to_le_bytes());
    frame.extend_from_slice(&header);
    frame.extend_from_slice(payload);
    Ok(frame)
}

/// Splits a binary frame into its header, as JSON text, and its payload.
///
/// # Errors
/// The frame is shorter than it says.
pub fn split_frame(frame: &[u8]) -> Result<(&[u8], &[u8]), FrameError> {
    let short = FrameError::Short(frame.len());
    let Some((length, rest)) = frame.split_first_chunk::<4>() else { return Err(short) };
    let length = u32::from_le_bytes(*length) as usize;
    if length > rest.len() {
        return Err(short);
    }
    Ok(rest.split_at(length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_read_as_the_protocol_page_writes_them() {
        let message: ClientMessage =
            serde_json::from_str(r#"{"type":"ingest","batch":1,"stream":"tickets","rows":[{"a":1}]}"#).unwrap();
        assert!(matches!(message, ClientMessage::Ingest { batch: 1, replay: false, .. }));
        let message: ClientMessage =
            serde_json::from_str(r#"{"type":"control","scene":"overview","lang":"en"}"#).unwrap();
        let ClientMessage::Control(control) = message else { panic!() };
        assert_eq!((control.scene.as_deref(), control.lang.as_deref()), (Some("overview"), Some("en")));
        assert_eq!((control.freeze, control.explain, control.pause), (None, None, None));
        let message: ClientMessage =
            serde_json::from_str(r#"{"type":"control","explain":true,"pause":false}"#).unwrap();
        let ClientMessage::Control(control) = message else { panic!() };
        assert_eq!((control.explain, control.pause), (Some(true), Some(false)));
        let asked = |text| serde_json::from_str::<ClientMessage>(text).unwrap();
        assert_eq!(asked(r#"{"type":"metrics"}"#), ClientMessage::Metrics { sql: false });
        assert_eq!(asked(r#"{"type":"metrics","sql":true}"#), ClientMessage::Metrics { sql: true });
        assert!(serde_json::from_str::<ClientMessage>(r#"{"type":"dance"}"#).is_err());
    }

    #[test]
    fn a_frame_splits_where_it_was_packed_and_a_short_one_is_refused() {
        let frame = pack_frame(&ClientMessage::Ping { n: 3 }, b"payload").unwrap();
        let (header, payload) = split_frame(&frame).unwrap();
        assert_eq!(serde_json::from_slice::<ClientMessage>(header).unwrap(), ClientMessage::Ping { n: 3 });
        assert_eq!(payload, b"payload");
        for length in 0..frame.len() - payload.len() {
            assert_eq!(split_frame(&frame[..length]), Err(FrameError::Short(length)));
        }
    }
}
