//! Why a question got no answer, as one sentence with a place in the SQL.

use std::fmt;

use datafusion::common::{Column, DataFusionError, SchemaError};

use crate::model::message::QueryFailure;
use crate::model::text::nearest;

/// A query that failed: a code of `docs/protocol.md`, a sentence, and where in the SQL (both counted from 1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    pub code: String,
    pub message: String,
    pub line: Option<u64>,
    pub column: Option<u64>,
}

/// A kind of name that SQL may get wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Table,
    Function,
}

/// Names listed where none is near, at most.
const LISTED: usize = 40;

impl Failure {
    pub fn new(code: &str, message: impl Into<String>) -> Failure {
        Failure { code: code.to_owned(), message: message.into(), line: None, column: None }
    }

    /// Reads DataFusion's error: its sentence without the trace, and its place where it says one.
    pub fn from_datafusion(error: &DataFusionError) -> Failure {
        let code = match error.find_root() {
            DataFusionError::ResourcesExhausted(_) => "overloaded",
            _ => "bad_sql",
        };
        let mut text = match error.find_root() {
            root @ DataFusionError::SchemaError(schema, _) => match schema.as_ref() {
                SchemaError::FieldNotFound { field, valid_fields } => no_column(field, valid_fields),
                _ => root.strip_backtrace(),
            },
            DataFusionError::SQL(parser, _) => match parser.as_ref() {
                datafusion::sql::sqlparser::parser::ParserError::ParserError(text)
                | datafusion::sql::sqlparser::parser::ParserError::TokenizerError(text) => text.clone(),
                datafusion::sql::sqlparser::parser::ParserError::RecursionLimitExceeded => {
                    "the statement is nested too deeply".to_owned()
                }
            },
            DataFusionError::ResourcesExhausted(_) => {
                "the query needs more memory than it may use; ask for less, or group more coarsely".to_owned()
            }
            root => root.strip_backtrace(),
        };
        let (mut line, mut column) = (None, None);
        if let Some(at) = text.rfind(" at Line: ") {
            let place = text.split_off(at);
            let mut numbers = place.split(|c: char| !c.is_ascii_digit()).filter(|word| !word.is_empty());
            line = numbers.next().and_then(|word| word.parse().ok());
            column = numbers.next().and_then(|word| word.parse().ok());
        } else if let Some(span) = error.diagnostic().and_then(|diagnostic| diagnostic.span) {
            (line, column) = (Some(span.start.line), Some(span.start.column));
        }
        for prefix in ["Error during planning: ", "Schema error: ", "SQL error: ", "Execution error: "] {
            if let Some(rest) = text.strip_prefix(prefix) {
                text = rest.to_owned();
            }
        }
        // The names of DataFusion's own catalog say nothing to who asks.
        let text = text.replace("datafusion.public.", "");
        let text = text.lines().next().unwrap_or_default().trim().to_owned();
        Failure { code: code.to_owned(), message: text, line, column }
    }

    /// Of a table or function that does not exist: the nearest name there is, or all tables. `names` gives those of a kind.
    #[must_use]
    pub fn with_hint(mut self, names: &dyn Fn(Kind) -> Vec<String>) -> Failure {
        let quoted = self.message.split('\'').nth(1).unwrap_or_default().to_owned();
        let kind = match self.message.as_str() {
            text if text.starts_with("table '") && text.ends_with("not found") => Kind::Table,
            text if text.starts_with("Invalid function '") => Kind::Function,
            _ => return self,
        };
        let names = names(kind);
        self.message = match (kind, nearest(&quoted, names.iter().map(String::as_str))) {
            (Kind::Table, Some(near)) => format!("there is no table {quoted:?}; did you mean {near}?"),
            (Kind::Table, None) => format!("there is no table {quoted:?}; there are {}", names.join(", ")),
            (Kind::Function, Some(near)) => format!("there is no function {quoted:?}; did you mean {near}?"),
            (Kind::Function, None) => format!("there is no function {quoted:?}; docs/sql.md says which there are"),
        };
        self
    }

    /// When DataFusion gave no place: the first place in `sql` of a name that the message quotes.
    #[must_use]
    pub fn placed_in(mut self, sql: &str) -> Failure {
        if self.line.is_some() {
            return self;
        }
        let quoted = self.message.split(['\'', '"', '`']).skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>();
        for name in quoted {
            let name = name.rsplit('.').next().unwrap_or_default();
            if name.is_empty() {
                continue;
            }
            for (index, text) in sql.lines().enumerate() {
                if text.trim_start().starts_with("--") {
                    continue;
                }
                if let Some(at) = text.to_lowercase().find(&name.to_lowercase()) {
                    let column = text.get(..at).map_or(0, |before| before.chars().count());
                    (self.line, self.column) = (Some(index as u64 + 1), Some(column as u64 + 1));
                    return self;
                }
            }
        }
        self
    }
}

/// A column that is not there, with the nearest that is, or those there are.
fn no_column(field: &Column, valid: &[Column]) -> String {
    let said = field.quoted_flat_name().replace('"', "");
    let near = nearest(field.name(), valid.iter().map(Column::name));
    let hint = match near {
        Some(near) => format!("did you mean {near}?"),
        None if valid.is_empty() => "nothing is selected from".to_owned(),
        None => {
            let mut names: Vec<&str> = Vec::new();
            for column in valid {
                if !names.contains(&column.name()) {
                    names.push(column.name());
                }
            }
            let rest = names.len().saturating_sub(LISTED);
            names.truncate(LISTED);
            let more = if rest > 0 { format!(" and {rest} more") } else { String::new() };
            format!("there are {}{more}", names.join(", "))
        }
    };
    format!("there is no column {said:?}; {hint}")
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.line, self.column) {
            (Some(line), Some(column)) => write!(formatter, "line {line}, column {column}: {}", self.message),
            _ => formatter.write_str(&self.message),
        }
    }
}

impl std::error::Error for Failure {}

impl From<DataFusionError> for Failure {
    fn from(error: DataFusionError) -> Failure {
        Failure::from_datafusion(&error)
    }
}

/// A failure as the sentence people read.
pub fn sentence(failure: &QueryFailure) -> String {
    match (failure.line, failure.column) {
        (Some(line), Some(column)) => format!("line {line}, column {column}: {}", failure.message),
        _ => failure.message.clone(),
    }
}

impl From<Failure> for QueryFailure {
    fn from(failure: Failure) -> QueryFailure {
        QueryFailure { code: failure.code, message: failure.message, line: failure.line, column: failure.column }
    }
}
