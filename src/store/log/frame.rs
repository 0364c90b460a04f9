//! One frame of the log: a header of 40 bytes and a payload.
//!
//! | bytes | field |
//! |---|---|
//! | 2 | magic `LP` |
//! | 1 | version, 1 |
//! | 1 | flags: 1 = the last frame of a commit |
//! | 4 | length of the payload |
//! | 4 | CRC-32C of header (with zeros here) and payload |
//! | 8 | `seq` of the first row; of held rows: the next one to be given |
//! | 4 | rows |
//! | 4 | stream, 0–5 in the order of [`Stream::ALL`]; 255: held rows |
//! | 8 | `recv` of all rows, µs |
//! | 4 | number of the commit in its file, from 1 |
//!
//! Little endian. The payload of a stream's frame is an Arrow IPC stream of one batch, without `recv` and `seq` (the
//! header says them) and without the columns that are empty; texts are `Utf8`. Held rows are a JSON array.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Int64Array, RecordBatch, TimestampMicrosecondArray};
use arrow::buffer::Buffer;
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Schema};
use arrow::ipc::reader::StreamDecoder;
use arrow::ipc::writer::StreamWriter;

use crate::model::{ColumnType, Stream};
use crate::store::StoreError;
use crate::store::columns::null_array;
use crate::store::landing::held::Held;

pub const HEADER_BYTES: usize = 40;
pub const MAGIC: [u8; 2] = *b"LP";
pub const VERSION: u8 = 1;
/// The last frame of a commit: a commit without it never happened.
pub const COMMIT: u8 = 1;
const HELD: u32 = 255;
/// No frame is longer.
pub const PAYLOAD_BYTES_MAX: usize = 1 << 30;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    pub flags: u8,
    pub length: usize,
    pub crc: u32,
    pub first_seq: i64,
    pub rows: u32,
    pub stream: u32,
    pub recv_us: i64,
    pub commit: u32,
}

/// What a frame holds.
#[derive(Debug)]
pub enum Content {
    Rows(Stream, RecordBatch),
    Held(Vec<Held>),
}

fn take<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    let mut taken = [0; N];
    if let Some(found) = bytes.get(at..at + N) {
        taken.copy_from_slice(found);
    }
    taken
}

impl Header {
    /// Reads a header; says what is wrong with it otherwise. The sum is checked by [`Header::matches`].
    pub fn read(bytes: &[u8; HEADER_BYTES]) -> Result<Header, String> {
        if bytes[..2] != MAGIC {
            return Err("no frame begins here".to_owned());
        }
        if bytes[2] != VERSION {
            return Err(format!("the frame has version {}, this program reads {VERSION}", bytes[2]));
        }
        let length = u32::from_le_bytes(take(bytes, 4)) as usize;
        if length > PAYLOAD_BYTES_MAX {
            return Err(format!("the frame says it is {length} bytes long"));
        }
        Ok(Header {
            flags: bytes[3],
            length,
            crc: u32::from_le_bytes(take(bytes, 8)),
            first_seq: i64::from_le_bytes(take(bytes, 12)),
            rows: u32::from_le_bytes(take(bytes, 20)),
            stream: u32::from_le_bytes(take(bytes, 24)),
            recv_us: i64::from_le_bytes(take(bytes, 28)),
            commit: u32::from_le_bytes(take(bytes, 36)),
        })
    }

    fn write(&self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        bytes[..2].copy_from_slice(&MAGIC);
        bytes[2] = VERSION;
        bytes[3] = self.flags;
        bytes[4..8].copy_from_slice(&(self.length as u32).to_le_bytes());
        bytes[8..12].copy_from_slice(&self.crc.to_le_bytes());
        bytes[12..20].copy_from_slice(&self.first_seq.to_le_bytes());
        bytes[20..24].copy_from_slice(&self.rows.to_le_bytes());
        bytes[24..28].copy_from_slice(&self.stream.to_le_bytes());
        bytes[28..36].copy_from_slice(&self.recv_us.to_le_bytes());
        bytes[36..40].copy_from_slice(&self.commit.to_le_bytes());
        bytes
    }

    fn sum(&self, payload: &[u8]) -> u32 {
        let header = Header { crc: 0, ..*self }.write();
        crc32c::crc32c_append(crc32c::crc32c(&header), payload)
    }

    pub fn matches(&self, payload: &[u8]) -> bool {
        self.sum(payload) == self.crc
    }

    /// Reads the payload of a frame whose sum is right.
    pub fn content(&self, payload: &[u8]) -> Result<Content, String> {
        // Arrow's decoder trusts what it reads; a payload that was written wrong must be told like any other damage.
        std::panic::catch_unwind(|| self.read_content(payload))
            .unwrap_or_else(|_| Err("its arrays do not fit its buffers".to_owned()))
    }

    fn read_content(&self, payload: &[u8]) -> Result<Content, String> {
        if self.stream == HELD {
            return serde_json::from_slice(payload).map(Content::Held).map_err(|error| error.to_string());
        }
        let stream =
            *Stream::ALL.get(self.stream as usize).ok_or_else(|| format!("there is no stream {}", self.stream))?;
        let batch = rows_from_payload(stream, self, payload).map_err(|error| error.to_string())?;
        Ok(Content::Rows(stream, batch))
    }
}

/// Frames of one commit, written one after the other.
#[derive(Default)]
pub struct Commit {
    bytes: Vec<u8>,
    /// Where each frame begins, and its header without the sum.
    frames: Vec<(usize, Header)>,
}

impl Commit {
    pub fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    /// Adds landed rows of one stream, which all have this `recv`, with `seq` dense from `first_seq`.
    pub fn rows(
        &mut self,
        stream: Stream,
        batch: &RecordBatch,
        first_seq: i64,
        recv_us: i64,
    ) -> Result<(), StoreError> {
        let at = self.bytes.len();
        self.bytes.resize(at + HEADER_BYTES, 0);
        let mut fields = Vec::new();
        let mut columns: Vec<ArrayRef> = Vec::new();
        for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
            if matches!(field.name().as_str(), "recv" | "seq") || column.null_count() == column.len() {
                continue;
            }
            if field.data_type() == &DataType::Utf8View {
                fields.push(Field::new(field.name(), DataType::Utf8, field.is_nullable()));
                columns.push(cast(column, &DataType::Utf8)?);
            } else {
                fields.push(field.as_ref().clone());
                columns.push(column.clone());
            }
        }
        let schema = Arc::new(Schema::new(fields));
        let batch = RecordBatch::try_new(schema.clone(), columns)?;
        let mut writer = StreamWriter::try_new(&mut self.bytes, &schema)?;
        writer.write(&batch)?;
        writer.finish()?;
        drop(writer);
        self.close(at, stream as u32, batch.num_rows(), first_seq, recv_us)
    }

    /// Adds rows that are held.
    pub fn held(&mut self, held: &[Held], next_seq: i64, recv_us: i64) -> Result<(), StoreError> {
        let at = self.bytes.len();
        self.bytes.resize(at + HEADER_BYTES, 0);
        serde_json::to_writer(&mut self.bytes, held).map_err(|error| StoreError::Arrow(error.to_string()))?;
        self.close(at, HELD, held.len(), next_seq, recv_us)
    }

    fn close(&mut self, at: usize, stream: u32, rows: usize, first_seq: i64, recv_us: i64) -> Result<(), StoreError> {
        let length = self.bytes.len() - at - HEADER_BYTES;
        if length > PAYLOAD_BYTES_MAX {
            return Err(StoreError::Arrow(format!("{length} bytes are too many for one frame")));
        }
        self.frames
            .push((at, Header { flags: 0, length, crc: 0, first_seq, rows: rows as u32, stream, recv_us, commit: 0 }));
        Ok(())
    }

    /// The bytes to write, as commit `number` of its file, the last frame marked as such.
    pub fn finish(mut self, number: u32) -> Vec<u8> {
        let last = self.frames.len().saturating_sub(1);
        for (place, (at, mut header)) in self.frames.into_iter().enumerate() {
            header.commit = number;
            if place == last {
                header.flags |= COMMIT;
            }
            let payload = at + HEADER_BYTES;
            header.crc = header.sum(&self.bytes[payload..payload + header.length]);
            self.bytes[at..payload].copy_from_slice(&header.write());
        }
        self.bytes
    }
}

fn rows_from_payload(stream: Stream, header: &Header, payload: &[u8]) -> Result<RecordBatch, StoreError> {
    // Not the reader of streams: that one takes as much memory as a payload says it needs.
    let (mut decoder, mut bytes) = (StreamDecoder::new(), Buffer::from_slice_ref(payload));
    let mut batch = None;
    while batch.is_none() && !bytes.is_empty() {
        batch = decoder.decode(&mut bytes)?;
    }
    let Some(batch) = batch else {
        return Err(StoreError::Arrow("the frame holds no batch".to_owned()));
    };
    let rows = batch.num_rows();
    if rows != header.rows as usize {
        return Err(StoreError::Arrow(format!("the frame says {} rows and holds {rows}", header.rows)));
    }
    let Some(end_seq) = header.first_seq.checked_add(rows as i64) else {
        return Err(StoreError::Arrow(format!(
            "{rows} rows from {} are more than there are numbers",
            header.first_seq
        )));
    };
    let columns = stream
        .columns()
        .map(|column| -> Result<ArrayRef, StoreError> {
            Ok(match column.name {
                "recv" => Arc::new(TimestampMicrosecondArray::from_value(header.recv_us, rows).with_timezone("UTC")),
                "seq" => Arc::new(Int64Array::from_iter_values(header.first_seq..end_seq)),
                name => match batch.column_by_name(name) {
                    Some(array) if column.column_type == ColumnType::Text => cast(array, &DataType::Utf8View)?,
                    Some(array) => array.clone(),
                    None => null_array(column.column_type, rows),
                },
            })
        })
        .collect::<Result<Vec<_>, _>>()?;
    Ok(RecordBatch::try_new(stream.schema(), columns)?)
}
