//! What a client sent, read: from a frame to a message, or to the `error` that says what is wrong with it.
//!
//! Nothing here fails in any other way than by a [`Refusal`]; the connection stays. JSON rows of an `ingest` are read
//! straight into columns on the way; Arrow payloads are not looked at yet, see [`super::rows`].

use std::fmt;

use bytes::Bytes;
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, MapAccess, Visitor};
use serde_json::{Map, Value as Json};

use super::limits::BATCH_ROWS_MAX;
use super::rows::{Good, row_refusal, too_many};
use crate::model::Stream;
use crate::model::message::{ClientMessage, FRAME_BYTES_MAX, HubMessage, split_frame};
use crate::model::row_reader::RowReader;

/// The JSON header of a binary frame.
const HEADER_BYTES_MAX: usize = 64 << 10;

/// The types a client may send.
const TYPES: [&str; 11] =
    ["hello", "ingest", "end", "subscribe", "follow", "query", "metrics", "control", "watch", "frame", "ping"];

/// Why a message was not taken; becomes an `error` message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refusal {
    pub code: String,
    pub message: String,
    pub field: Option<String>,
    pub row: Option<usize>,
    pub batch: Option<u64>,
}

impl Refusal {
    pub fn new(code: &str, message: impl Into<String>) -> Refusal {
        Refusal { code: code.to_owned(), message: message.into(), ..Refusal::default() }
    }

    #[must_use]
    pub fn at(mut self, field: impl Into<String>) -> Refusal {
        self.field = Some(field.into());
        self
    }

    #[must_use]
    pub fn of(mut self, batch: Option<u64>) -> Refusal {
        self.batch = batch;
        self
    }
}

impl From<Refusal> for HubMessage {
    fn from(refusal: Refusal) -> HubMessage {
        let Refusal { code, message, field, row, batch } = refusal;
        HubMessage::Error { code, message, field, row, batch }
    }
}

/// The rows of an `ingest`.
#[derive(Debug, PartialEq)]
pub enum Rows {
    Read(Good),
    /// As sent, when they stood before the name of their stream.
    Json(Vec<Json>),
    Arrow(Bytes),
}

#[derive(Debug, PartialEq)]
pub struct Ingest {
    pub batch: u64,
    pub stream: Stream,
    pub replay: bool,
    pub rows: Rows,
    /// Size of the frame, the measure of what waits for the disk.
    pub bytes: usize,
}

/// A message as the session handles it.
#[derive(Debug, PartialEq)]
pub enum Incoming {
    Ingest(Ingest),
    /// A wall's picture: the whole frame, and the JPEG in it.
    Picture {
        width: u32,
        height: u32,
        scene: String,
        frame: Bytes,
        jpeg: Bytes,
    },
    Message(ClientMessage),
}

/// Reads a text frame.
///
/// # Errors
/// It is too large, not JSON, of no known type, or a field is missing or wrong.
pub fn text_frame(text: &str) -> Result<Incoming, Refusal> {
    check_size(text.len())?;
    message(Fields::read(serde_json::Deserializer::from_str(text))?, None, text.len())
}

/// Reads a binary frame.
///
/// # Errors
/// As for text, and when the frame is shorter than its header says.
pub fn binary_frame(frame: &Bytes) -> Result<Incoming, Refusal> {
    check_size(frame.len())?;
    let (header, payload) = split_frame(frame).map_err(|error| Refusal::new("not_json", error.to_string()))?;
    if header.len() > HEADER_BYTES_MAX {
        let message = format!("a header of {} bytes, at most {HEADER_BYTES_MAX} are taken", header.len());
        return Err(Refusal::new("too_large", message));
    }
    let fields = Fields::read(serde_json::Deserializer::from_slice(header))?;
    let payload = frame.slice_ref(payload);
    message(fields, Some((frame, payload)), frame.len())
}

fn check_size(bytes: usize) -> Result<(), Refusal> {
    if bytes <= FRAME_BYTES_MAX {
        return Ok(());
    }
    Err(Refusal::new(
        "too_large",
        format!("a frame of {bytes} bytes, at most {FRAME_BYTES_MAX} are taken; send several"),
    ))
}

fn not_json(error: &serde_json::Error) -> Refusal {
    // serde_json bounds nesting at 128 by itself.
    Refusal::new("not_json", format!("the message is not JSON: {error}"))
}

/// The fields of a message; rows of a known stream are read on the way.
#[derive(Default)]
struct Fields {
    object: Map<String, Json>,
    rows: Option<RowReader>,
}

impl Fields {
    fn read<'de, R: serde_json::de::Read<'de>>(mut json: serde_json::Deserializer<R>) -> Result<Fields, Refusal> {
        let mut fields = Fields::default();
        let read = (&mut fields).deserialize(&mut json).and_then(|()| json.end());
        match read {
            Ok(()) => Ok(fields),
            Err(error) => Err(not_json(&error).of(fields.batch())),
        }
    }

    fn batch(&self) -> Option<u64> {
        self.object.get("batch").and_then(Json::as_u64)
    }

    fn stream(&self) -> Option<Stream> {
        self.object.get("stream").and_then(Json::as_str).and_then(Stream::from_name)
    }
}

impl<'de> DeserializeSeed<'de> for &mut Fields {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for &mut Fields {
    type Value = ();
    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON object with a type")
    }
    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<(), A::Error> {
        while let Some(name) = fields.next_key::<String>()? {
            match self.stream() {
                Some(stream) if name == "rows" => {
                    let mut reader = RowReader::new(stream, BATCH_ROWS_MAX);
                    fields.next_value_seed(&mut reader)?;
                    self.rows = Some(reader);
                }
                _ => {
                    self.object.insert(name, fields.next_value()?);
                }
            }
        }
        Ok(())
    }
}

fn message(fields: Fields, binary: Option<(&Bytes, Bytes)>, bytes: usize) -> Result<Incoming, Refusal> {
    let Fields { mut object, rows } = fields;
    let batch = object.get("batch").and_then(Json::as_u64);
    let Some(word) = object.get("type") else {
        return Err(Refusal::new("missing", "a message needs a type").at("type").of(batch));
    };
    let Some(word) = word.as_str().filter(|word| TYPES.contains(word)).map(str::to_owned) else {
        let message = format!("{} is no type of message; it is one of {}", shown(word), TYPES.join(", "));
        return Err(Refusal::new("unknown_type", message).at("type").of(batch));
    };
    if word == "ingest" {
        return ingest(object, rows, binary.map(|(_, payload)| payload), bytes).map(Incoming::Ingest);
    }
    object.remove("rows");
    let message =
        ClientMessage::deserialize(Json::Object(object)).map_err(|error| wrong_field(&word, &error).of(batch))?;
    match (message, binary) {
        (ClientMessage::Frame { width, height, scene, .. }, Some((frame, jpeg))) => {
            Ok(Incoming::Picture { width, height, scene, frame: frame.clone(), jpeg })
        }
        (ClientMessage::Frame { .. }, None) => {
            Err(Refusal::new("wrong_type", "a frame is a binary message with a JPEG"))
        }
        (message, _) => Ok(Incoming::Message(message)),
    }
}

/// `ingest` is read by hand: the rows are taken as they are, and every refusal names the batch.
fn ingest(
    mut object: Map<String, Json>,
    reader: Option<RowReader>,
    payload: Option<Bytes>,
    bytes: usize,
) -> Result<Ingest, Refusal> {
    let batch = match object.get("batch") {
        Some(batch) => batch.as_u64().ok_or_else(|| {
            Refusal::new("wrong_type", format!("{} is not a whole number from 0", shown(batch))).at("batch")
        })?,
        None => return Err(Refusal::new("missing", "an ingest needs a batch number, the ack carries it").at("batch")),
    };
    let refuse = |code: &str, field: &str, message: String| Refusal::new(code, message).at(field).of(Some(batch));
    let stream = match object.get("stream") {
        Some(Json::String(name)) => Stream::from_name(name).ok_or_else(|| unknown_stream(name).of(Some(batch)))?,
        Some(other) => return Err(refuse("unknown_stream", "stream", format!("{} is no stream", shown(other)))),
        None => return Err(refuse("missing", "stream", "an ingest names its stream".to_owned())),
    };
    let replay = match object.get("replay") {
        None | Some(Json::Null) => false,
        Some(Json::Bool(replay)) => *replay,
        Some(other) => return Err(refuse("wrong_type", "replay", format!("{} is not true or false", shown(other)))),
    };
    let not_rows = |shown: &str| refuse("wrong_type", "rows", format!("{shown} is not an array of objects"));
    let rows = match (reader, object.remove("rows"), payload) {
        (None, None | Some(Json::Null), Some(payload)) => Rows::Arrow(payload),
        (Some(reader), None, Some(payload)) if reader.sent == 0 => Rows::Arrow(payload),
        (_, _, Some(_)) => {
            return Err(refuse("wrong_type", "rows", "in a binary frame the payload holds the rows".to_owned()));
        }
        (Some(reader), None, None) if reader.is_no_array => return Err(not_rows("what was sent")),
        (Some(reader), None, None) if reader.stream() == stream => {
            Rows::Read(good(reader).map_err(|r| r.of(Some(batch)))?)
        }
        (Some(_), _, None) => {
            return Err(refuse("wrong_type", "rows", "the stream or the rows are there twice".to_owned()));
        }
        (None, Some(Json::Array(rows)), None) => Rows::Json(rows),
        (None, Some(other), None) => return Err(not_rows(&shown(&other))),
        (None, None, None) => return Err(refuse("missing", "rows", "an ingest needs rows".to_owned())),
    };
    Ok(Ingest { batch, stream, replay, rows, bytes })
}

fn good(mut reader: RowReader) -> Result<Good, Refusal> {
    if reader.sent > BATCH_ROWS_MAX {
        return Err(too_many(reader.sent));
    }
    let batch = reader.finish().map_err(row_refusal)?;
    Ok(Good { batch, errors: reader.errors, sent: reader.sent })
}

pub fn unknown_stream(name: &str) -> Refusal {
    let names: Vec<_> = Stream::ALL.iter().map(|stream| stream.name()).collect();
    let shown: String = name.chars().take(40).collect();
    Refusal::new("unknown_stream", format!("{shown:?} is no stream; it is one of {}", names.join(", "))).at("stream")
}

/// serde names the field only in its sentence: ``missing field `metrics` ``.
fn wrong_field(word: &str, error: &serde_json::Error) -> Refusal {
    let sentence = error.to_string();
    let code = if sentence.starts_with("missing field") { "missing" } else { "wrong_type" };
    let field = sentence.starts_with("missing field").then(|| sentence.split('`').nth(1)).flatten().map(str::to_owned);
    let shown: String = sentence.chars().take(200).collect();
    Refusal { field, ..Refusal::new(code, format!("{word}: {shown}")) }
}

/// The first characters of a value, for error messages.
pub fn shown(json: &Json) -> String {
    let text = match json {
        // Printing a whole array to show its first characters would cost its size.
        Json::Array(_) => return "an array".to_owned(),
        Json::Object(_) => return "an object".to_owned(),
        other => other.to_string(),
    };
    text.chars().take(40).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::message::pack_frame;

    fn refused(text: &str) -> Refusal {
        text_frame(text).unwrap_err()
    }

    #[test]
    fn what_is_wrong_is_told_by_code_field_and_batch() {
        let deep = format!("{{\"type\":\"ping\",\"n\":{}1{}}}", "[".repeat(100_000), "]".repeat(100_000));
        let cases = [
            ("", "not_json", None, None),
            ("\u{0}\u{1}garbage", "not_json", None, None),
            ("[1,2]", "not_json", None, None),
            (r#"{"type":"ingest","batch":3,"stream":"tickets","rows":[{"ts":1e999}]}"#, "not_json", None, Some(3)),
            (
                r#"{"type":"ingest","batch":3,"stream":"tickets","rows":[],"stream":"seats"}"#,
                "wrong_type",
                Some("rows"),
                Some(3),
            ),
            (deep.as_str(), "not_json", None, None),
            (r#"{"type":"ping","n":1e999}"#, "not_json", None, None),
            (r#"{"batch":4}"#, "missing", Some("type"), Some(4)),
            (r#"{"type":"dance","batch":4}"#, "unknown_type", Some("type"), Some(4)),
            (r#"{"type":7}"#, "unknown_type", Some("type"), None),
            (r#"{"type":"ping","n":-1}"#, "wrong_type", None, None),
            (r#"{"type":"subscribe"}"#, "missing", Some("metrics"), None),
            (r#"{"type":"end"}"#, "missing", Some("batch"), None),
            (r#"{"type":"ingest","stream":"tickets","rows":[]}"#, "missing", Some("batch"), None),
            (r#"{"type":"ingest","batch":-3,"stream":"tickets","rows":[]}"#, "wrong_type", Some("batch"), None),
            (r#"{"type":"ingest","batch":3,"stream":"ticket","rows":[]}"#, "unknown_stream", Some("stream"), Some(3)),
            (r#"{"type":"ingest","batch":3,"rows":[]}"#, "missing", Some("stream"), Some(3)),
            (r#"{"type":"ingest","batch":3,"stream":"tickets","rows":{}}"#, "wrong_type", Some("rows"), Some(3)),
            (r#"{"type":"ingest","batch":3,"stream":"tickets"}"#, "missing", Some("rows"), Some(3)),
            (
                r#"{"type":"ingest","batch":3,"stream":"tickets","rows":[],"replay":1}"#,
                "wrong_type",
                Some("replay"),
                Some(3),
            ),
            (r#"{"type":"frame","width":1,"height":1,"scene":"x"}"#, "wrong_type", None, None),
        ];
        for (text, code, field, batch) in cases {
            let refusal = refused(text);
            let start: String = text.chars().take(60).collect();
            assert_eq!(
                (refusal.code.as_str(), refusal.field.as_deref(), refusal.batch),
                (code, field, batch),
                "{start}"
            );
        }
        assert_eq!(refused(&" ".repeat(FRAME_BYTES_MAX + 1)).code, "too_large");
    }

    #[test]
    fn half_frames_are_refused_at_every_length() {
        let header = serde_json::json!({"type": "ingest", "batch": 1, "stream": "tickets"});
        let whole = pack_frame(&header, b"payload").unwrap();
        for length in 0..whole.len() - 7 {
            assert_eq!(binary_frame(&Bytes::copy_from_slice(&whole[..length])).unwrap_err().code, "not_json");
        }
        let Incoming::Ingest(ingest) = binary_frame(&Bytes::from(whole)).unwrap() else { panic!() };
        assert_eq!(ingest.rows, Rows::Arrow(Bytes::from_static(b"payload")));
        let huge = Bytes::from_static(&[0xff, 0xff, 0xff, 0xff, b'{', b'}']);
        assert_eq!(binary_frame(&huge).unwrap_err().code, "not_json");
    }
}
