//! A mapping: how the columns of one city's export become events. `docs/mapping.md` is its description for people.
//!
//! [`Mapping::load`] reads the TOML file and checks all that can be checked without data: unknown keys, unknown
//! kinds and columns of the model, time formats, dictionaries. [`Mapping::bind`] checks it against the columns of a
//! file. Both fail with one sentence that names the line of the map.

mod dictionary;
mod document;
mod field;
mod parse;

use std::collections::HashMap;
use std::sync::Arc;

use super::times::TimeReader;
use crate::feed::FeedError;
use crate::model::City;
use crate::model::stream::Stream;
use crate::model::text::{self, did_you_mean, nearest};

/// How the file itself is read; left out, all of it is found by looking.
#[derive(Clone, Debug)]
pub struct FileOptions {
    /// `text` (delimited) or `json`.
    pub format: Option<String>,
    pub encoding: Option<&'static encoding_rs::Encoding>,
    pub delimiter: Option<u8>,
    /// Quotes enclose cells.
    pub quote: bool,
    /// The first line names the columns; else [`FileOptions::columns`] does.
    pub header: bool,
    pub columns: Vec<String>,
    /// Lines before the header.
    pub skip: usize,
}

impl Default for FileOptions {
    fn default() -> FileOptions {
        FileOptions {
            format: None,
            encoding: None,
            delimiter: None,
            quote: true,
            header: true,
            columns: vec![],
            skip: 0,
        }
    }
}

/// A value as a map writes it.
#[derive(Clone, Debug, PartialEq)]
pub enum Scalar {
    Text(String),
    Int(i64),
    Float(f64),
    Bool(bool),
}

/// Where a value comes from; columns are indices into [`Mapping::columns`].
#[derive(Clone, Debug)]
pub enum Source {
    /// The first of these that is not missing.
    First(Vec<usize>),
    /// All of these with a text between; the missing ones left out.
    Join(Vec<usize>, String),
    Constant(Scalar),
}

/// How one value of an event is made.
#[derive(Clone, Debug)]
pub struct Field {
    pub from: Source,
    /// Texts that mean missing, in this field alone.
    pub nulls: Vec<String>,
    /// Source value → value.
    pub table: Option<HashMap<String, Scalar>>,
    /// What a value that is not in the table becomes; left out: it stays as it is, and is counted.
    pub otherwise: Option<Scalar>,
    /// What it is when it is missing.
    pub default: Option<Scalar>,
    /// Becomes a pseudonym.
    pub key: bool,
    /// The name under which unmapped values are reported: the source's column.
    pub name: String,
}

/// A condition on one column.
#[derive(Clone, Debug)]
pub enum Test {
    Is(Vec<String>),
    Not(Vec<String>),
    Below(f64),
    Above(f64),
    Missing(bool),
}

/// All of these hold.
pub type Conditions = Vec<(usize, Test)>;

/// One event that a row may hold.
#[derive(Clone, Debug)]
pub struct Stage {
    pub kind: &'static str,
    /// The kind, or `dispatch.2` for the second stage of one kind: what makes `src_seq` of an id.
    pub label: String,
    pub at: Field,
    pub when: Conditions,
    /// Values of this event alone: position in the stream's source columns, field.
    pub set: Vec<(usize, Field)>,
}

/// How rows become events. One a map, so the size of the largest does not matter.
#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant)]
pub enum Shape {
    /// A row is an object, with a time column for each stage.
    Wide(Vec<Stage>),
    /// A row is an event.
    Long { kind: Field, at: Field, skip: Vec<String> },
    /// A row is the state of an object at a poll; a change of state is an event.
    Snapshot { poll: Field, state: Field, since: Option<Field>, gone: Option<&'static str>, skip: Vec<String> },
}

/// Where `src_seq` comes from.
#[derive(Clone, Debug)]
pub enum Numbering {
    /// The object's own id and the kind of event: an object has each kind once.
    Id,
    /// The source's own number of the row.
    Field(Field),
    /// A digest of what the row says, with the kind.
    Digest,
}

/// Times of day beside a date, in the order things happen.
#[derive(Clone, Debug)]
pub struct DayClock {
    pub date: usize,
    pub columns: Vec<usize>,
    /// A time more than this much before the one before it is the next day's.
    pub rollover_s: i64,
}

/// A value that says that something did not happen, and the columns that then say nothing.
#[derive(Clone, Debug)]
pub struct Missing {
    pub column: usize,
    pub is: Vec<String>,
    pub also: Vec<usize>,
}

/// A figure of the file for the report: rows that meet the conditions.
#[derive(Clone, Debug)]
pub struct Counter {
    pub name: String,
    pub when: Conditions,
}

/// A column of the file that the map names, and what is done with it.
#[derive(Clone, Debug, Default)]
pub struct UsedColumn {
    pub name: String,
    pub line: usize,
    /// Its value goes into events as it is, so it is looked through for personal data.
    pub plain: bool,
    /// Its value goes into events as a pseudonym.
    pub keyed: bool,
    /// It makes part of the row's digest.
    pub content: bool,
    /// Listed under `not_personal`.
    pub not_personal: bool,
}

#[derive(Clone, Debug)]
pub struct Mapping {
    pub path: String,
    pub src: String,
    pub stream: Stream,
    /// The city file whose zone and dictionaries this map is written for.
    pub city: Option<String>,
    /// The city whose codes the events should have: the map's, or the hub's that they are sent to.
    pub codes: Option<Arc<City>>,
    pub file: FileOptions,
    pub times: TimeReader,
    pub columns: Vec<UsedColumn>,
    /// Texts that mean missing in every column; an empty cell always does.
    pub nulls: Vec<String>,
    pub drop: Vec<(String, usize)>,
    /// Columns that the map does not mention are dropped, instead of stopping the import.
    pub drop_others: bool,
    pub missing: Vec<Missing>,
    pub clocks: Vec<DayClock>,
    pub numbering: Numbering,
    pub shape: Shape,
    /// Values of every event: position in the stream's source columns, field.
    pub set: Vec<(usize, Field)>,
    pub counters: Vec<Counter>,
}

/// Which column of the file each of [`Mapping::columns`] is; `None` in a sparse file that has not shown it yet.
pub type Binding = Vec<Option<usize>>;

impl Mapping {
    /// Reads a map file.
    ///
    /// # Errors
    /// It cannot be read, or something in it is wrong: the file, the line and what to do.
    pub fn load(path: &std::path::Path) -> Result<Mapping, FeedError> {
        Mapping::check(path).map_err(first)
    }

    /// As [`Mapping::load`], with all that is wrong.
    ///
    /// # Errors
    /// What is wrong, by line.
    pub fn check(path: &std::path::Path) -> Result<Mapping, Vec<FeedError>> {
        let shown = path.display().to_string();
        let text = text::read(path).map_err(|error| {
            vec![FeedError::File { path: shown.clone(), message: format!("the map cannot be read: {error}") }]
        })?;
        parse::mapping(&shown, &text, path.parent().unwrap_or(std::path::Path::new(".")))
    }

    /// Reads a map; dictionaries it names are looked for in `folder`.
    ///
    /// # Errors
    /// As [`Mapping::load`].
    pub fn parse(path: &str, text: &str, folder: &std::path::Path) -> Result<Mapping, FeedError> {
        parse::mapping(path, text, folder).map_err(first)
    }

    /// Finds the columns of the map among those of a file.
    ///
    /// # Errors
    /// The map names a column that the file lacks, or the file has one that the map does not mention.
    pub fn bind(&self, columns: &[String], sparse: bool) -> Result<Binding, FeedError> {
        let fail = |line, message| FeedError::Map { path: self.path.clone(), line, message };
        let position = |name: &str| columns.iter().position(|column| column == name);
        let named = self.columns.iter().map(|used| (&used.name, used.line));
        let named = named.chain(self.drop.iter().map(|(name, line)| (name, *line)));
        let mut lacking: Vec<(&String, usize)> = named.filter(|(name, _)| position(name).is_none()).collect();
        lacking.sort_by_key(|(_, line)| *line);
        if let (Some((_, line)), false) = (lacking.first(), sparse) {
            return Err(fail(*line, lacks(&lacking, columns)));
        }
        let mut binding = Binding::with_capacity(self.columns.len());
        for used in &self.columns {
            let at = position(&used.name);
            if columns.iter().filter(|column| **column == used.name).count() > 1 {
                let message = format!("the file has more than one column {:?}; rename one in the file", used.name);
                return Err(fail(used.line, message));
            }
            binding.push(at);
        }
        let mentioned = |column: &String| {
            self.columns.iter().any(|used| used.name == *column) || self.drop.iter().any(|(name, _)| name == column)
        };
        let others: Vec<String> = columns.iter().filter(|column| !mentioned(column)).cloned().collect();
        if !self.drop_others && !others.is_empty() {
            let line = self.drop.first().map_or(1, |(_, line)| *line);
            let message = format!(
                "the map does not mention {}; map them, list them under `drop`, or say others = \"drop\"",
                list(&others)
            );
            return Err(fail(line, message));
        }
        Ok(binding)
    }

    pub fn has_keyed_columns(&self) -> bool {
        self.columns.iter().any(|column| column.keyed)
    }
}

fn first(problems: Vec<FeedError>) -> FeedError {
    problems.into_iter().next().unwrap_or_else(|| FeedError::Usage("the map does not read".into()))
}

/// All columns that a file lacks, each with its line of the map and the name that may be meant.
fn lacks(lacking: &[(&String, usize)], columns: &[String]) -> String {
    if let [(name, _)] = lacking {
        let names = columns.iter().map(String::as_str);
        let hint = did_you_mean(name, names, || format!("it has {}", list(columns)));
        return format!("the file has no column {name:?}; {hint}");
    }
    let mut all_near = true;
    let shown: Vec<String> = lacking
        .iter()
        .take(20)
        .map(|(name, line)| match nearest(name, columns.iter().map(String::as_str)) {
            Some(near) => format!("{name:?} (line {line}; did you mean {near:?}?)"),
            None => {
                all_near = false;
                format!("{name:?} (line {line})")
            }
        })
        .collect();
    let rest = lacking.len() - shown.len();
    let more = if rest > 0 { format!(" and {rest} more") } else { String::new() };
    let has = if all_near { String::new() } else { format!("; it has {}", list(columns)) };
    format!("the file lacks the columns {}{more}{has}", shown.join(", "))
}

/// Names for an error message, at most a dozen.
fn list(names: &[String]) -> String {
    let shown: Vec<String> = names.iter().take(12).map(|name| format!("{name:?}")).collect();
    let rest = names.len().saturating_sub(shown.len());
    let more = if rest > 0 { format!(" and {rest} more") } else { String::new() };
    format!("{}{more}", shown.join(", "))
}
