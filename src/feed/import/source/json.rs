//! JSON: one object a line, or an array of objects, or objects one after the other.
//!
//! The columns are the keys of the first [`LOOK_AHEAD`] objects, keys of an object inside an object joined by a dot
//! (`location.district`). Objects leave out what is null, so a column the map names need not be among them.

use std::collections::{HashMap, VecDeque};
use std::io::{BufRead, BufReader, Read};

use serde_json::Value as Json;

use super::text::Bytes;
use super::{Cells, Next, ROW_BYTES_MAX, Rows};

const LOOK_AHEAD: usize = 1000;

/// A line's number and its object, or why it is none.
type Numbered = (u64, Result<serde_json::Map<String, Json>, String>);

struct Objects {
    reader: BufReader<Bytes>,
    by_line: bool,
    line: u64,
    ahead: VecDeque<Numbered>,
    columns: Vec<String>,
    index: HashMap<String, usize>,
    format: String,
    buffer: Vec<u8>,
}

pub fn open(reader: Bytes, sample: &str, words: Vec<String>) -> Result<Box<dyn Rows>, String> {
    let first_line = sample.trim_start().lines().next().unwrap_or_default().trim_end();
    let by_line =
        first_line.starts_with('{') && (first_line.ends_with('}') || serde_json::from_str::<Json>(first_line).is_ok());
    let name = if by_line { "json lines" } else { "json" };
    let mut objects = Objects {
        reader: BufReader::new(reader),
        by_line,
        line: 1,
        ahead: VecDeque::new(),
        columns: vec![],
        index: HashMap::new(),
        format: std::iter::once(name.to_owned()).chain(words).collect::<Vec<_>>().join(", "),
        buffer: vec![],
    };
    while objects.ahead.len() < LOOK_AHEAD {
        let Some((line, object)) = objects.read()? else { break };
        if let Ok(object) = &object {
            let mut names = vec![];
            visit("", object, &mut |name, _| names.push(name.to_owned()));
            for name in names {
                if !objects.index.contains_key(&name) {
                    objects.index.insert(name.clone(), objects.columns.len());
                    objects.columns.push(name);
                }
            }
        }
        objects.ahead.push_back((line, object));
    }
    if objects.columns.is_empty() {
        return Err("holds no JSON object".into());
    }
    Ok(Box::new(objects))
}

/// The leaves of an object, with the path of their keys.
fn visit(prefix: &str, object: &serde_json::Map<String, Json>, leaf: &mut impl FnMut(&str, &Json)) {
    for (key, value) in object {
        let name = key.trim();
        let joined;
        let name = if prefix.is_empty() {
            name
        } else {
            joined = format!("{prefix}.{name}");
            &joined
        };
        match value {
            Json::Object(inner) => visit(name, inner, leaf),
            value => leaf(name, value),
        }
    }
}

impl Objects {
    fn read(&mut self) -> Result<Option<Numbered>, String> {
        let line = if self.by_line { self.read_line()? } else { self.read_object()? };
        let Some(line) = line else { return Ok(None) };
        let object = match serde_json::from_slice::<Json>(&self.buffer) {
            Ok(Json::Object(object)) => Ok(object),
            Ok(_) => Err("is no JSON object".into()),
            Err(error) => Err(format!("is no JSON: {error}")),
        };
        Ok(Some((line, object)))
    }

    /// The next line that is not blank into the buffer; its number.
    fn read_line(&mut self) -> Result<Option<u64>, String> {
        loop {
            self.buffer.clear();
            let limit = ROW_BYTES_MAX as u64 + 1;
            let read = (&mut self.reader)
                .take(limit)
                .read_until(b'\n', &mut self.buffer)
                .map_err(|error| format!("cannot be read after line {}: {error}", self.line))?;
            if read as u64 == limit {
                return Err(format!("line {} is longer than {} MiB", self.line, ROW_BYTES_MAX >> 20));
            }
            if read == 0 {
                return Ok(None);
            }
            let line = self.line;
            self.line += 1;
            if !self.buffer.trim_ascii().is_empty() {
                return Ok(Some(line));
            }
        }
    }

    /// The next object, from its brace to the one that closes it, into the buffer; the line where it begins.
    fn read_object(&mut self) -> Result<Option<u64>, String> {
        self.buffer.clear();
        let (mut depth, mut quoted, mut escaped, mut began) = (0usize, false, false, self.line);
        loop {
            let chunk =
                self.reader.fill_buf().map_err(|error| format!("cannot be read after line {}: {error}", self.line))?;
            if chunk.is_empty() {
                // A file cut in the middle of an object: the rest is one broken row.
                return Ok((depth > 0).then_some(began));
            }
            let mut used = 0;
            let mut complete = false;
            for &byte in chunk {
                used += 1;
                if byte == b'\n' {
                    self.line += 1;
                }
                if depth == 0 {
                    if byte != b'{' {
                        continue;
                    }
                    began = self.line;
                }
                self.buffer.push(byte);
                if quoted {
                    quoted = escaped || byte != b'"';
                    escaped = !escaped && byte == b'\\';
                    continue;
                }
                match byte {
                    b'"' => quoted = true,
                    b'{' => depth += 1,
                    b'}' => depth -= 1,
                    _ => {}
                }
                if depth == 0 {
                    complete = true;
                    break;
                }
            }
            self.reader.consume(used);
            if complete {
                return Ok(Some(began));
            }
            if self.buffer.len() > ROW_BYTES_MAX {
                return Err(format!(
                    "an object that begins on line {began} is larger than {} MiB",
                    ROW_BYTES_MAX >> 20
                ));
            }
        }
    }
}

impl Rows for Objects {
    fn columns(&self) -> &[String] {
        &self.columns
    }

    fn format(&self) -> &str {
        &self.format
    }

    fn sparse(&self) -> bool {
        true
    }

    fn next(&mut self, cells: &mut Cells) -> Result<Next, String> {
        let next = match self.ahead.pop_front() {
            Some(next) => Some(next),
            None => self.read()?,
        };
        let Some((line, object)) = next else { return Ok(Next::End) };
        cells.clear(self.columns.len());
        cells.line = line;
        let object = match object {
            Ok(object) => object,
            Err(message) => return Ok(Next::Broken { reason: "json", message }),
        };
        let index = &self.index;
        visit("", &object, &mut |name, value| {
            let Some(&column) = index.get(name) else { return };
            match value {
                Json::Null => {}
                Json::String(text) => cells.set(column, text),
                other => cells.set(column, &other.to_string()),
            }
        });
        Ok(Next::Row)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str) -> (Vec<String>, Vec<String>) {
        let mut rows = open(Box::new(std::io::Cursor::new(text.to_owned().into_bytes())), text, vec![]).unwrap();
        let columns = rows.columns().to_vec();
        let (mut cells, mut all) = (Cells::default(), vec![]);
        loop {
            match rows.next(&mut cells).unwrap() {
                Next::End => return (columns, all),
                Next::Broken { message, .. } => all.push(format!("{}: {message}", cells.line)),
                Next::Row => {
                    let row: Vec<_> = (0..columns.len()).map(|column| cells.get(column).unwrap_or("-")).collect();
                    all.push(row.join("|"));
                }
            }
        }
    }

    #[test]
    fn lines_an_array_and_objects_in_a_row_read_alike() {
        let lines = "{\"id\":12,\"at\":{\"open\":\"x\",\"n\":4.5}}\n\n{\"id\":\"a}\\\"b\",\"at\":null}\n";
        let array = "[\n {\"id\":12,\"at\":{\"open\":\"x\",\"n\":4.5}} ,\n {\"id\":\"a}\\\"b\",\n\"at\":null}\n]";
        for text in [lines, array, &array.replace(['[', ']', ','], " ").replace("  ", "")] {
            if serde_json::from_str::<Json>(text).is_err() && !text.starts_with('{') {
                continue;
            }
            let (columns, rows) = rows(text);
            assert_eq!(columns[..3], ["id", "at.open", "at.n"], "{text}");
            assert!(rows[0].starts_with("12|x|4.5"), "{rows:?}");
            assert!(rows[1].starts_with("a}\"b|-|-"), "{rows:?}");
        }
    }

    #[test]
    fn a_broken_line_is_named_and_the_file_goes_on() {
        let (_, rows) = rows("{\"id\":1}\n{\"id\":\n[2]\n{\"id\":3}\n");
        assert_eq!(rows[0], "1");
        assert!(rows[1].starts_with("2: is no JSON"), "{rows:?}");
        assert_eq!(rows[2], "3: is no JSON object");
        assert_eq!(rows[3], "3");
    }

    #[test]
    fn an_array_cut_short_reports_its_last_object() {
        let (_, rows) = rows("[{\"id\":1},\n{\"id\":2");
        assert_eq!(rows[0], "1");
        assert!(rows[1].starts_with("2: is no JSON"), "{rows:?}");
    }
}
