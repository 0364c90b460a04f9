//! States kept over a restart: what each cut's answer is made of, in one file beside the segments.
//!
//! A state is known by the print of its cut ([`print_of`]: plan, filter, zone, and the versions of what made it), by its
//! node (sealed segments, which never change) and by its key (the window's atoms). One that fits nothing any more is
//! left out at the next writing. A file that does not read is as good as none: states are worked out again.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Cursor;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch};
use arrow::compute::concat_batches;
use arrow::error::ArrowError;
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::StreamWriter;

use super::cut::CutPlan;
use super::nodes::LEAF_ROWS;

/// The file, under the data folder.
pub const FILE: &str = "states/live.bin";
const MAGIC: &[u8; 8] = b"LPSTATE1";
/// Larger files are not written: reading them would be no faster than working the states out.
const BYTES_MAX: usize = 256 << 20;
/// Marks a state without rows.
const NOTHING: u32 = u32::MAX;

/// A state with its node and key.
#[derive(Clone, Debug, PartialEq)]
pub struct KeptState {
    pub node: u64,
    pub key: u64,
    pub state: Option<RecordBatch>,
}

/// By print of the cut.
pub type KeptStates = HashMap<u64, Vec<KeptState>>;

/// What the states of a cut hang on besides rows and clock.
pub fn print_of(cut: &CutPlan, zone: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    (env!("CARGO_PKG_VERSION"), datafusion::DATAFUSION_VERSION, LEAF_ROWS, zone).hash(&mut hasher);
    cut.text().hash(&mut hasher);
    hasher.finish()
}

/// The file's bytes; `None` when they are too many.
///
/// # Errors
/// A state can't be written as Arrow IPC.
pub fn encode(states: &KeptStates) -> Result<Option<Vec<u8>>, ArrowError> {
    let mut bytes = Vec::new();
    for (print, list) in states {
        bytes.extend(print.to_le_bytes());
        bytes.extend((list.len() as u32).to_le_bytes());
        for kept in list {
            bytes.extend(kept.node.to_le_bytes());
            bytes.extend(kept.key.to_le_bytes());
            let rows = kept.state.as_ref().map_or(NOTHING, |state| state.num_rows() as u32);
            bytes.extend(rows.to_le_bytes());
        }
        let batches: Vec<&RecordBatch> = list.iter().filter_map(|kept| kept.state.as_ref()).collect();
        let mut ipc = Vec::new();
        if let Some(first) = batches.first() {
            let schema = first.schema();
            let joined = own(&concat_batches(&schema, batches)?)?;
            let mut writer = StreamWriter::try_new(&mut ipc, &schema)?;
            writer.write(&joined)?;
            writer.finish()?;
        }
        bytes.extend((ipc.len() as u64).to_le_bytes());
        bytes.extend(ipc);
        if bytes.len() > BYTES_MAX {
            return Ok(None);
        }
    }
    let mut file = MAGIC.to_vec();
    file.extend(crc32c::crc32c(&bytes).to_le_bytes());
    file.extend(bytes);
    Ok(Some(file))
}

/// Texts without what else lies in the buffers they point into.
fn own(batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    let columns = batch.columns().iter().map(|column| -> ArrayRef {
        match column.as_string_view_opt() {
            Some(texts) => Arc::new(texts.gc()),
            None => column.clone(),
        }
    });
    RecordBatch::try_new(batch.schema(), columns.collect())
}

/// Reads what [`encode`] wrote.
///
/// # Errors
/// A sentence: the sum is wrong, or it ends too soon.
pub fn decode(file: &[u8]) -> Result<KeptStates, String> {
    let Some((magic, rest)) = file.split_at_checked(MAGIC.len()) else { return Err("it is too short".to_owned()) };
    if magic != MAGIC {
        return Err("another version wrote it".to_owned());
    }
    let mut bytes = Bytes(rest);
    let crc = u32::from_le_bytes(bytes.take()?);
    if crc != crc32c::crc32c(bytes.0) {
        return Err("its sum is wrong".to_owned());
    }
    let mut states = KeptStates::new();
    while !bytes.0.is_empty() {
        let print = u64::from_le_bytes(bytes.take()?);
        let count = u32::from_le_bytes(bytes.take()?);
        let mut list = Vec::new();
        for _ in 0..count {
            let (node, key) = (u64::from_le_bytes(bytes.take()?), u64::from_le_bytes(bytes.take()?));
            list.push((node, key, u32::from_le_bytes(bytes.take()?)));
        }
        let length = u64::from_le_bytes(bytes.take()?);
        let ipc = bytes.slice(length)?;
        let joined = match ipc.is_empty() {
            true => None,
            false => StreamReader::try_new(Cursor::new(ipc), None)
                .and_then(|mut reader| reader.next().transpose())
                .map_err(|error| error.to_string())?,
        };
        let mut from = 0;
        let mut kept = Vec::with_capacity(list.len());
        for (node, key, rows) in list {
            let state = match (rows, &joined) {
                (NOTHING, _) => None,
                (rows, Some(joined)) if from + rows as usize <= joined.num_rows() => {
                    from += rows as usize;
                    Some(joined.slice(from - rows as usize, rows as usize))
                }
                _ => return Err("a state has fewer rows than it should".to_owned()),
            };
            kept.push(KeptState { node, key, state });
        }
        states.insert(print, kept);
    }
    Ok(states)
}

struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], String> {
        let Some((head, rest)) = self.0.split_first_chunk::<N>() else { return Err("it ends too soon".to_owned()) };
        self.0 = rest;
        Ok(*head)
    }

    fn slice(&mut self, length: u64) -> Result<&'a [u8], String> {
        let split = usize::try_from(length).ok().and_then(|length| self.0.split_at_checked(length));
        let Some((head, rest)) = split else { return Err("it ends too soon".to_owned()) };
        self.0 = rest;
        Ok(head)
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{Int64Array, StringViewArray};
    use arrow::datatypes::{DataType, Field, Schema};

    use super::*;

    fn states() -> KeptStates {
        let schema = Arc::new(Schema::new(vec![
            Field::new("area", DataType::Utf8View, true),
            Field::new("n", DataType::Int64, false),
        ]));
        let state = |rows: i64| {
            let areas = StringViewArray::from_iter((0..rows).map(|n| (n > 0).then(|| format!("a long district {n}"))));
            let counts = Int64Array::from_iter_values(0..rows);
            RecordBatch::try_new(schema.clone(), vec![Arc::new(areas), Arc::new(counts)]).unwrap()
        };
        let kept = |node, key, state| KeptState { node, key, state };
        KeptStates::from([
            (7, vec![kept(1, 10, Some(state(3))), kept(3, 10, None), kept(5, 11, Some(state(2)))]),
            (8, vec![kept(1, 12, None)]),
        ])
    }

    #[test]
    fn what_was_kept_is_read_back() {
        let file = encode(&states()).unwrap().unwrap();
        assert_eq!(decode(&file).unwrap(), states());
    }

    #[test]
    fn a_file_that_was_changed_or_cut_off_is_not_taken() {
        let file = encode(&states()).unwrap().unwrap();
        for place in 0..file.len() {
            let mut other = file.clone();
            other[place] ^= 4;
            assert!(decode(&other).is_err(), "byte {place}");
            assert!(decode(&file[..place]).is_err(), "cut off at {place}");
        }
    }
}
