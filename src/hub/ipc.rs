//! Arrow IPC streams as payloads: reading them from clients that may be hostile, and writing them.
//!
//! The decoder of the `arrow` crate trusts lengths enough to panic or to reserve what a forged header says, so the
//! messages are walked first: flat column types only, no compression, every length inside the payload. Fails with
//! one sentence; never by more memory than a few times the payload.

use arrow::array::RecordBatch;
use arrow::buffer::Buffer;
use arrow::datatypes::Schema;
use arrow::error::ArrowError;
use arrow::ipc::reader::StreamDecoder;
use arrow::ipc::writer::StreamWriter;
use arrow::ipc::{MessageHeader, Type, root_as_message};
use bytes::Bytes;

/// Columns of one payload; the widest stream has fewer.
const COLUMNS_MAX: usize = 128;

/// What is wrong with a payload; `field` is the column where one is to blame.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct IpcError {
    pub code: &'static str,
    pub field: Option<String>,
    pub message: String,
}

fn broken(message: impl Into<String>) -> IpcError {
    IpcError {
        code: "wrong_type",
        field: None,
        message: format!("the payload is no Arrow IPC stream: {}", message.into()),
    }
}

/// The record batches of a payload, at most `rows_max` rows in all.
///
/// # Errors
/// It is cut off, compressed, nested, too long, or not an Arrow IPC stream.
pub fn read(payload: Bytes, rows_max: usize) -> Result<Vec<RecordBatch>, IpcError> {
    walk(&payload, rows_max)?;
    // The last line of defence: what the walk did not foresee ends this batch, not the hub.
    std::panic::catch_unwind(|| decode(payload))
        .map_err(|_| broken("its arrays do not fit its buffers"))?
        .map_err(|error| broken(error.to_string()))
}

fn decode(payload: Bytes) -> Result<Vec<RecordBatch>, ArrowError> {
    let mut buffer = Buffer::from(payload);
    let mut decoder = StreamDecoder::new();
    let mut batches = Vec::new();
    while !buffer.is_empty() {
        match decoder.decode(&mut buffer)? {
            Some(batch) => batches.push(batch),
            None => break,
        }
    }
    decoder.finish()?;
    Ok(batches)
}

/// Walks the encapsulated messages: continuation, metadata length, metadata, body.
fn walk(payload: &[u8], rows_max: usize) -> Result<(), IpcError> {
    let mut rest = payload;
    let mut rows = 0;
    while !rest.is_empty() {
        let (mut length, mut after) = take_u32(rest)?;
        if length == u32::MAX {
            (length, after) = take_u32(after)?;
        }
        if length == 0 {
            // End of stream. Bytes behind it would be silently dropped.
            return if after.is_empty() { Ok(()) } else { Err(broken("bytes follow its end")) };
        }
        let metadata = after.get(..length as usize).ok_or_else(|| broken("it is cut off in a message"))?;
        let message = root_as_message(metadata).map_err(|error| broken(first_line(&error.to_string())))?;
        let body_length = usize::try_from(message.bodyLength()).map_err(|_| broken("a body has a negative length"))?;
        let body_on = &after[length as usize..];
        if body_length > body_on.len() {
            return Err(broken("it is cut off in a body"));
        }
        match message.header_type() {
            MessageHeader::Schema => {
                if let Some(schema) = message.header_as_schema() {
                    check_schema(&schema)?;
                }
            }
            MessageHeader::RecordBatch => {
                if let Some(batch) = message.header_as_record_batch() {
                    rows += check_batch(&batch, body_length, rows_max)?;
                }
            }
            MessageHeader::DictionaryBatch => {
                if let Some(batch) = message.header_as_dictionary_batch().and_then(|dictionary| dictionary.data()) {
                    check_batch(&batch, body_length, rows_max)?;
                }
            }
            _ => return Err(broken("it holds a message that is no schema, batch or dictionary")),
        }
        if rows > rows_max {
            return Err(too_many(rows, rows_max));
        }
        rest = &body_on[body_length..];
    }
    Ok(())
}

fn too_many(rows: usize, rows_max: usize) -> IpcError {
    IpcError {
        code: "too_large",
        field: None,
        message: format!("{rows} rows, at most {rows_max} are taken in one batch; send several"),
    }
}

fn take_u32(bytes: &[u8]) -> Result<(u32, &[u8]), IpcError> {
    let (head, rest) = bytes.split_first_chunk::<4>().ok_or_else(|| broken("it is cut off"))?;
    Ok((u32::from_le_bytes(*head), rest))
}

fn check_schema(schema: &arrow::ipc::Schema<'_>) -> Result<(), IpcError> {
    let fields = schema.fields().ok_or_else(|| broken("its schema has no fields"))?;
    if fields.len() > COLUMNS_MAX {
        return Err(IpcError {
            code: "too_large",
            field: None,
            message: format!("{} columns, at most {COLUMNS_MAX} are taken", fields.len()),
        });
    }
    for field in fields {
        let flat = match field.type_type() {
            Type::Int => field.type_as_int().is_some_and(|int| matches!(int.bitWidth(), 8 | 16 | 32 | 64)),
            Type::FloatingPoint
            | Type::Bool
            | Type::Utf8
            | Type::LargeUtf8
            | Type::Utf8View
            | Type::Timestamp
            | Type::Null
            | Type::Date => true,
            _ => false,
        };
        let index_fits = field
            .dictionary()
            .and_then(|dictionary| dictionary.indexType())
            .is_none_or(|int| matches!(int.bitWidth(), 8 | 16 | 32 | 64));
        if !flat || !index_fits {
            let name: String = field.name().unwrap_or_default().chars().take(40).collect();
            let message = format!("column {name:?} has the Arrow type {:?}, which no column has", field.type_type());
            return Err(IpcError { code: "wrong_type", field: Some(name), message });
        }
    }
    Ok(())
}

/// Rows of the batch, when its lengths lie inside its body.
fn check_batch(batch: &arrow::ipc::RecordBatch<'_>, body_length: usize, rows_max: usize) -> Result<usize, IpcError> {
    if batch.compression().is_some() {
        return Err(broken("its buffers are compressed; send them uncompressed"));
    }
    let length = batch.length();
    let rows = usize::try_from(length).map_err(|_| broken("a batch has a negative length"))?;
    if rows > rows_max {
        return Err(too_many(rows, rows_max));
    }
    for node in batch.nodes().into_iter().flatten() {
        if node.length() != length || node.null_count() < 0 || node.null_count() > length {
            return Err(broken("a column is longer or shorter than its batch"));
        }
    }
    for buffer in batch.buffers().into_iter().flatten() {
        let end = buffer.offset().checked_add(buffer.length());
        let inside = buffer.offset() >= 0
            && buffer.length() >= 0
            && end.and_then(|end| usize::try_from(end).ok()).is_some_and(|end| end <= body_length);
        if !inside {
            return Err(broken("a buffer lies outside its body"));
        }
    }
    Ok(rows)
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

/// The batches as one Arrow IPC stream.
///
/// # Errors
/// A batch has another schema.
pub fn write(schema: &Schema, batches: &[RecordBatch]) -> Result<Vec<u8>, ArrowError> {
    let mut writer = StreamWriter::try_new(Vec::new(), schema)?;
    for batch in batches {
        writer.write(batch)?;
    }
    writer.into_inner()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::event::{Event, batch};
    use crate::model::stream::Stream;

    fn good() -> Vec<u8> {
        let events: Vec<Event> = (0..50)
            .map(|n| {
                Event::new(Stream::Tickets, n, "open", &format!("甬-{n}"), "crm", &n.to_string()).with("amount", 2.5)
            })
            .collect();
        let rows = batch(Stream::Tickets, &events).unwrap();
        write(&rows.schema(), &[rows.clone(), rows]).unwrap()
    }

    #[test]
    fn what_was_written_is_read() {
        let batches = read(good().into(), 100).unwrap();
        assert_eq!(batches.iter().map(RecordBatch::num_rows).sum::<usize>(), 100);
        assert_eq!(batches[0].schema(), Stream::Tickets.source_schema());
        assert_eq!(read(good().into(), 99).unwrap_err().code, "too_large");
        assert_eq!(read(Bytes::new(), 99).unwrap(), Vec::<RecordBatch>::new());
    }

    #[test]
    fn a_cut_stream_is_an_error_or_whole_batches_at_every_length() {
        let whole = good();
        for length in 0..whole.len() {
            let cut = Bytes::copy_from_slice(&whole[..length]);
            if let Ok(batches) = read(cut, 100) {
                assert!(batches.iter().all(|batch| batch.num_rows() == 50), "{length}");
            }
        }
    }

    #[test]
    fn a_body_that_claims_terabytes_is_refused_before_anything_is_reserved() {
        let whole = good();
        // The little-endian 64-bit body length of each message lies somewhere in its metadata: forge every word.
        for at in (0..600.min(whole.len() - 8)).step_by(4) {
            let mut forged = whole.clone();
            forged[at..at + 8].copy_from_slice(&(1_i64 << 50).to_le_bytes());
            let _ = read(forged.into(), 100);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn random_damage_never_kills(places in prop::collection::vec((0usize..4000, any::<u8>()), 1..12)) {
            let mut damaged = good();
            let length = damaged.len();
            for (at, byte) in places {
                damaged[at % length] = byte;
            }
            let _ = read(damaged.into(), 100);
        }
    }
}
