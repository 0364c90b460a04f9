//! Reading a city's export, whatever it is written in, as rows of text cells.
//!
//! Delimited text (any single-byte delimiter), JSON lines or a JSON array, Parquet, Arrow; text may be gzip, zstd or
//! zlib, and UTF-8, UTF-16 with a mark, or GB18030. What a file is comes from its first bytes, not from its name.
//! Everything streams: memory is bounded by one row ([`ROW_BYTES_MAX`]) or one batch of a columnar file.
//!
//! Fails as a whole only when the file itself cannot be read on. A row that does not read is [`Next::Broken`], and
//! the file goes on.

mod columnar;
mod delimited;
mod json;
mod text;

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::map::FileOptions;
use crate::feed::FeedError;

/// A row longer than this is taken for a quote or bracket that never closes.
pub const ROW_BYTES_MAX: usize = 16 << 20;

/// One row: its cells in one buffer that is used again for the next.
#[derive(Default)]
pub struct Cells {
    text: String,
    spans: Vec<Option<(usize, usize)>>,
    /// Line of the file where the row begins, from 1; for columnar files the row's number.
    pub line: u64,
}

impl Cells {
    pub fn clear(&mut self, columns: usize) {
        self.text.clear();
        self.spans.clear();
        self.spans.resize(columns, None);
    }

    /// Fills a cell; a column past the end is ignored.
    pub fn set(&mut self, column: usize, value: &str) {
        if let Some(span) = self.spans.get_mut(column) {
            *span = Some((self.text.len(), self.text.len() + value.len()));
            self.text.push_str(value);
        }
    }

    pub fn get(&self, column: usize) -> Option<&str> {
        let (from, to) = (*self.spans.get(column)?)?;
        self.text.get(from..to)
    }
}

/// What came next in a file.
#[derive(Debug, PartialEq, Eq)]
pub enum Next {
    Row,
    /// A row that does not read: a reason for counting, and a sentence.
    Broken {
        reason: &'static str,
        message: String,
    },
    End,
}

/// A file open for reading, row by row.
pub trait Rows {
    /// Column names, trimmed, in the order of the cells.
    fn columns(&self) -> &[String];
    /// What the file is, in words: `csv, gzip, GB18030`.
    fn format(&self) -> &str;
    /// Columns that are missing here may still come: JSON objects leave out what is null.
    fn sparse(&self) -> bool {
        false
    }
    /// Reads the next row into `cells`.
    ///
    /// # Errors
    /// A sentence, when the file cannot be read on.
    fn next(&mut self, cells: &mut Cells) -> Result<Next, String>;
}

/// How far a file is read: bytes of the file itself, for a progress bar.
#[derive(Clone, Default)]
pub struct Progress {
    pub done: Arc<AtomicU64>,
    pub total: Arc<AtomicU64>,
}

/// Opens `path`, finds out what it is, and reads its header.
///
/// # Errors
/// The file cannot be opened, is of a kind that is not read, or has no header.
pub fn open(path: &Path, options: &FileOptions, progress: &Progress) -> Result<Box<dyn Rows>, FeedError> {
    let fail = |message: String| FeedError::File { path: path.display().to_string(), message };
    let mut file = File::open(path).map_err(|error| fail(format!("cannot be opened: {error}")))?;
    let length = file.metadata().map_err(|error| fail(format!("cannot be read: {error}")))?.len();
    progress.total.store(length, Ordering::Relaxed);
    let mut magic = [0; 8];
    let read = read_full(&mut file, &mut magic).map_err(|error| fail(format!("cannot be read: {error}")))?;
    file.seek(SeekFrom::Start(0)).map_err(|error| fail(format!("cannot be read: {error}")))?;
    match &magic[..read] {
        [] => Err(fail("is empty".into())),
        [b'P', b'A', b'R', b'1', ..] => columnar::parquet(file, progress.clone()).map_err(fail),
        [b'A', b'R', b'R', b'O', b'W', b'1', ..] => columnar::arrow_file(file, progress.clone()).map_err(fail),
        [0xff, 0xff, 0xff, 0xff, ..] => columnar::arrow_stream(file, progress.clone()).map_err(fail),
        [b'P', b'K', 3, 4, ..] => {
            Err(fail("is a zip archive or an Excel workbook; save the sheet as CSV (UTF-8)".into()))
        }
        [0xd0, 0xcf, 0x11, 0xe0, ..] => Err(fail("is an old Excel workbook; save the sheet as CSV (UTF-8)".into())),
        [b'O', b'b', b'j', 1, ..] => {
            Err(fail("is an Avro file, which is not read; export Parquet, JSON lines or CSV".into()))
        }
        _ => open_text(Counted { inner: file, done: Arc::clone(&progress.done) }, options).map_err(fail),
    }
}

fn open_text(file: Counted<File>, options: &FileOptions) -> Result<Box<dyn Rows>, String> {
    let (mut words, reader) = text::decompress(file)?;
    let (encoding, reader) = text::decode(reader, options.encoding)?;
    words.insert(0, encoding.to_owned());
    let (sample, reader) = text::peek(reader)?;
    let json = match options.format.as_deref() {
        Some(format) => format == "json",
        None => matches!(sample.trim_start().as_bytes().first(), Some(b'{' | b'[')) && options.delimiter.is_none(),
    };
    if json { json::open(reader, &sample, words) } else { delimited::open(reader, &sample, options, words) }
}

/// Reads until the buffer is full or the end.
fn read_full(reader: &mut impl Read, buffer: &mut [u8]) -> std::io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match reader.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

struct Counted<R> {
    inner: R,
    done: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.done.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}
