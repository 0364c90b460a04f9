//! Delimited text: CSV, TSV and their kin, with quoted delimiters and newlines.

use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::text::Bytes;
use super::{Cells, FileOptions, Next, ROW_BYTES_MAX, Rows};

/// Delimiters looked for when the map names none, the likeliest first.
const DELIMITERS: [u8; 4] = [b',', b'\t', b';', b'|'];

struct Delimited {
    reader: csv::Reader<Bounded>,
    since_row: Arc<AtomicUsize>,
    record: csv::StringRecord,
    columns: Vec<String>,
    format: String,
    /// Lines taken off before the header.
    skipped: u64,
    /// Lines end in CR LF.
    crlf: bool,
    /// A record was read: the reader stands between the CR and the LF that ended it, where the line is not yet counted.
    within_end: bool,
}

pub fn open(reader: Bytes, sample: &str, options: &FileOptions, words: Vec<String>) -> Result<Box<dyn Rows>, String> {
    let mut reader = reader;
    for _ in 0..options.skip {
        skip_line(&mut reader)?;
    }
    let header = sample.split('\n').nth(options.skip).unwrap_or_default();
    let delimiter = options.delimiter.unwrap_or_else(|| sniff(header.trim_end_matches('\r')));
    let since_row = Arc::new(AtomicUsize::new(0));
    let reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .quoting(options.quote)
        .from_reader(Bounded { inner: reader, since_row: Arc::clone(&since_row) });
    let name = match delimiter {
        b',' => "csv".to_owned(),
        b'\t' => "tsv".to_owned(),
        other => format!("text delimited by {:?}", char::from(other)),
    };
    let format = std::iter::once(name).chain(words).collect::<Vec<_>>().join(", ");
    let mut rows = Delimited {
        reader,
        since_row,
        record: csv::StringRecord::new(),
        columns: options.columns.clone(),
        format,
        skipped: options.skip as u64,
        crlf: header.ends_with('\r'),
        within_end: false,
    };
    if options.header {
        if !rows.read()? {
            return Err("has no header line".into());
        }
        rows.columns = rows.record.iter().map(|name| name.trim().to_owned()).collect();
    }
    Ok(Box::new(rows))
}

impl Delimited {
    fn read(&mut self) -> Result<bool, String> {
        self.since_row.store(0, Ordering::Relaxed);
        let line = self.line();
        let read = self.reader.read_record(&mut self.record);
        let read = read.map_err(|error| format!("cannot be read after line {line}: {error}"))?;
        self.within_end = self.crlf;
        Ok(read)
    }

    /// The line on which the next record starts, counted from 1.
    fn line(&self) -> u64 {
        self.reader.position().line() + self.skipped + u64::from(self.within_end)
    }
}

impl Rows for Delimited {
    fn columns(&self) -> &[String] {
        &self.columns
    }

    fn format(&self) -> &str {
        &self.format
    }

    fn next(&mut self, cells: &mut Cells) -> Result<Next, String> {
        let line = self.line();
        if !self.read()? {
            return Ok(Next::End);
        }
        cells.clear(self.columns.len());
        // Blank lines before the record are no part of it.
        let before = self.record.position().map_or(0, csv::Position::line) + self.skipped + u64::from(self.within_end);
        cells.line = line.max(before);
        if self.record.len() != self.columns.len() {
            let lines = self.line().saturating_sub(cells.line);
            let hint = if lines > 1 {
                format!("; it runs over {lines} lines, perhaps a quote is never closed")
            } else {
                String::new()
            };
            let message = format!("{} fields, the header has {}{hint}", self.record.len(), self.columns.len());
            return Ok(Next::Broken { reason: "fields", message });
        }
        for (column, value) in self.record.iter().enumerate() {
            cells.set(column, value);
        }
        Ok(Next::Row)
    }
}

/// The delimiter that the header line has most of, outside quotes.
fn sniff(header: &str) -> u8 {
    let mut counts = [0usize; DELIMITERS.len()];
    let mut quoted = false;
    for byte in header.bytes() {
        if byte == b'"' {
            quoted = !quoted;
        } else if !quoted && let Some(at) = DELIMITERS.iter().position(|delimiter| *delimiter == byte) {
            counts[at] += 1;
        }
    }
    let most = counts.iter().copied().max().unwrap_or(0);
    counts.iter().position(|count| *count == most).map_or(b',', |at| DELIMITERS[at])
}

fn skip_line(reader: &mut Bytes) -> Result<(), String> {
    let mut byte = [0];
    // A handful of lines, read a byte at a time so that nothing after them is taken.
    while reader.read(&mut byte).map_err(|error| format!("cannot be read: {error}"))? == 1 {
        if byte[0] == b'\n' {
            return Ok(());
        }
    }
    Err("ends within the lines to skip; look at [file] skip in the map".into())
}

/// Ends the reading when a row grows without end, instead of the memory.
struct Bounded {
    inner: Bytes,
    since_row: Arc<AtomicUsize>,
}

impl Read for Bounded {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.inner.read(buffer)?;
        if self.since_row.fetch_add(read, Ordering::Relaxed) > ROW_BYTES_MAX {
            return Err(std::io::Error::other(format!(
                "a row of more than {} MiB; a quote is never closed there (if quotes mean nothing in this file, say [file] quote = false)",
                ROW_BYTES_MAX >> 20
            )));
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str, options: &FileOptions) -> (Vec<String>, Vec<Result<Vec<String>, String>>) {
        let reader: Bytes = Box::new(std::io::Cursor::new(text.to_owned().into_bytes()));
        let mut rows = open(reader, text, options, vec![]).unwrap();
        let columns = rows.columns().to_vec();
        let (mut cells, mut all) = (Cells::default(), vec![]);
        loop {
            match rows.next(&mut cells).unwrap() {
                Next::End => return (columns, all),
                Next::Broken { message, .. } => all.push(Err(format!("{}: {message}", cells.line))),
                Next::Row => {
                    all.push(Ok((0..columns.len()).map(|column| cells.get(column).unwrap().to_owned()).collect()));
                }
            }
        }
    }

    #[test]
    fn quoted_newlines_stay_in_their_cell_and_a_short_row_does_not_end_the_file() {
        let text = "id,note\n1,\"two\nlines, one cell\"\n2\n3,c\n";
        let (columns, rows) = rows(text, &FileOptions::default());
        assert_eq!(columns, ["id", "note"]);
        assert_eq!(rows[0], Ok(vec!["1".into(), "two\nlines, one cell".into()]));
        assert_eq!(rows[1], Err("4: 1 fields, the header has 2".into()));
        assert_eq!(rows[2], Ok(vec!["3".into(), "c".into()]));
    }

    #[test]
    fn lines_are_counted_alike_whichever_way_they_end() {
        let text = "id,note\n1,a\n2\n3,\"two\nlines\"\n4\n";
        for text in [text.to_owned(), text.replace('\n', "\r\n")] {
            let (_, rows) = rows(&text, &FileOptions::default());
            assert_eq!(rows[1], Err("3: 1 fields, the header has 2".into()), "{text:?}");
            assert_eq!(rows[3], Err("6: 1 fields, the header has 2".into()), "{text:?}");
        }
    }

    #[test]
    fn the_delimiter_is_the_one_the_header_has_most_of() {
        for (header, delimiter) in [("a,b;c,d", b','), ("a\tb\tc,d", b'\t'), ("a;b;\"c,d,e,f\"", b';'), ("one", b',')] {
            assert_eq!(sniff(header), delimiter, "{header}");
        }
    }

    #[test]
    fn title_lines_before_the_header_are_skipped_and_lines_still_count_from_the_top() {
        let options = FileOptions { skip: 1, ..FileOptions::default() };
        let (columns, rows) = rows("2024年工单\nid,at\n1\n", &options);
        assert_eq!((columns, &rows[0]), (vec!["id".into(), "at".into()], &Err("3: 1 fields, the header has 2".into())));
    }

    #[test]
    fn a_quote_that_never_closes_ends_in_a_sentence_not_in_memory() {
        let text = format!("id,note\n1,\"{}", "x".repeat(ROW_BYTES_MAX + (1 << 20)));
        let reader: Bytes = Box::new(std::io::Cursor::new(text.clone().into_bytes()));
        let mut rows = open(reader, &text, &FileOptions::default(), vec![]).unwrap();
        let error = rows.next(&mut Cells::default()).unwrap_err();
        assert!(error.contains("never closed"), "{error}");
    }
}
