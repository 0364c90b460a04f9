//! A TOML document whose every complaint knows its line: keys are taken out one by one, and what is left over is
//! unknown.

use std::cell::RefCell;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::Scalar;
use crate::feed::FeedError;
use crate::model::text::did_you_mean;

pub struct Document<'a> {
    pub path: &'a str,
    pub text: &'a str,
    /// What is wrong with it so far.
    problems: RefCell<Vec<FeedError>>,
}

impl<'a> Document<'a> {
    pub fn new(path: &'a str, text: &'a str) -> Document<'a> {
        Document { path, text, problems: RefCell::default() }
    }

    /// Notes what is wrong, so that reading can go on and find what else is.
    pub fn keep<T>(&self, read: Result<T, FeedError>) -> Option<T> {
        read.map_err(|problem| self.problems.borrow_mut().push(problem)).ok()
    }

    pub fn is_good(&self) -> bool {
        self.problems.borrow().is_empty()
    }

    /// All that is wrong, by line.
    pub fn problems(&self) -> Vec<FeedError> {
        let line = |problem: &FeedError| if let FeedError::Map { line, .. } = problem { *line } else { 0 };
        let mut problems = self.problems.take();
        problems.sort_by_key(line);
        problems
    }

    pub fn line(&self, offset: usize) -> usize {
        self.text.as_bytes().iter().take(offset).filter(|byte| **byte == b'\n').count() + 1
    }

    pub fn error(&self, line: usize, message: impl Into<String>) -> FeedError {
        FeedError::Map { path: self.path.to_owned(), line, message: message.into() }
    }
}

/// A value of the document and its line.
#[derive(Clone, Copy)]
pub struct Node<'a> {
    pub document: &'a Document<'a>,
    pub value: &'a DeValue<'a>,
    pub line: usize,
}

/// A table of the document, and which of its keys were asked for.
pub struct Table<'a> {
    pub document: &'a Document<'a>,
    table: &'a DeTable<'a>,
    /// What it is, for error messages: `[time]`.
    name: String,
    pub line: usize,
    asked: RefCell<Vec<&'static str>>,
}

impl<'a> Table<'a> {
    pub fn new(document: &'a Document<'a>, table: &'a DeTable<'a>, name: impl Into<String>, line: usize) -> Table<'a> {
        Table { document, table, name: name.into(), line, asked: RefCell::default() }
    }

    pub fn get(&self, key: &'static str) -> Option<Node<'a>> {
        self.asked.borrow_mut().push(key);
        self.table.get(key).map(|value| self.node(value))
    }

    fn node(&self, value: &'a Spanned<DeValue<'a>>) -> Node<'a> {
        Node { document: self.document, value: value.get_ref(), line: self.document.line(value.span().start) }
    }

    pub fn require(&self, key: &'static str, example: &str) -> Result<Node<'a>, FeedError> {
        self.get(key)
            .ok_or_else(|| self.error(self.line, format!("{} lacks {key:?}; write it like {example}", self.name)))
    }

    pub fn error(&self, line: usize, message: impl Into<String>) -> FeedError {
        self.document.error(line, message)
    }

    /// Every key with its value: for tables whose keys are the city's own.
    pub fn entries(&self) -> impl Iterator<Item = (&'a str, usize, Node<'a>)> {
        self.table
            .iter()
            .map(|(key, value)| (key.get_ref().as_ref(), self.document.line(key.span().start), self.node(value)))
    }

    /// Complains about the keys that nobody asked for.
    pub fn finish(&self) -> Result<(), FeedError> {
        let asked = self.asked.borrow();
        let mut unknown = Ok(());
        for (key, line, _) in self.entries() {
            if !asked.contains(&key) {
                let hint = did_you_mean(key, asked.iter().copied(), || format!("it may have {}", asked.join(", ")));
                let problem = Err(self.error(line, format!("{} has no key {key:?}; {hint}", self.name)));
                // The last is the caller's, the others are noted here.
                self.document.keep(std::mem::replace(&mut unknown, problem));
            }
        }
        unknown
    }
}

impl<'a> Node<'a> {
    pub fn error(&self, message: impl Into<String>) -> FeedError {
        self.document.error(self.line, message)
    }

    fn wrong(&self, wanted: &str) -> FeedError {
        self.error(format!("{wanted} is wanted here, not {}", self.value.type_str()))
    }

    pub fn text(&self) -> Result<&'a str, FeedError> {
        self.value.as_str().ok_or_else(|| self.wrong("a text in quotes"))
    }

    pub fn truth(&self) -> Result<bool, FeedError> {
        self.value.as_bool().ok_or_else(|| self.wrong("true or false"))
    }

    pub fn number(&self) -> Result<f64, FeedError> {
        match self.scalar()? {
            Scalar::Int(number) => Ok(number as f64),
            Scalar::Float(number) => Ok(number),
            _ => Err(self.wrong("a number")),
        }
    }

    pub fn count(&self) -> Result<usize, FeedError> {
        match self.scalar()? {
            Scalar::Int(number) => usize::try_from(number).map_err(|_| self.wrong("a whole number from 0")),
            _ => Err(self.wrong("a whole number from 0")),
        }
    }

    pub fn scalar(&self) -> Result<Scalar, FeedError> {
        Ok(match self.value {
            DeValue::String(text) => Scalar::Text(text.to_string()),
            DeValue::Boolean(truth) => Scalar::Bool(*truth),
            DeValue::Integer(number) => i64::from_str_radix(&number.as_str().replace('_', ""), number.radix())
                .map(Scalar::Int)
                .map_err(|_| self.wrong("a number that fits 64 bits"))?,
            DeValue::Float(number) => {
                number.as_str().replace('_', "").parse().map(Scalar::Float).map_err(|_| self.wrong("a number"))?
            }
            _ => return Err(self.wrong("a text, a number, true or false")),
        })
    }

    pub fn table(&self, name: impl Into<String>) -> Result<Table<'a>, FeedError> {
        let table = self.value.as_table().ok_or_else(|| self.wrong("a table"))?;
        Ok(Table::new(self.document, table, name, self.line))
    }

    pub fn items(&self) -> Result<Vec<Node<'a>>, FeedError> {
        let array = self.value.as_array().ok_or_else(|| self.wrong("a list in brackets"))?;
        let document = self.document;
        Ok(array
            .iter()
            .map(|value| Node { document, value: value.get_ref(), line: document.line(value.span().start) })
            .collect())
    }

    /// A list of texts, or one text alone.
    pub fn texts(&self) -> Result<Vec<(String, usize)>, FeedError> {
        if let Some(text) = self.value.as_str() {
            return Ok(vec![(text.to_owned(), self.line)]);
        }
        self.items()?.iter().map(|item| Ok((item.text()?.to_owned(), item.line))).collect()
    }
}
