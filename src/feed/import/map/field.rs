//! Fields of a map: a column's name, or a table that says where the value comes from and what is done with it.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use toml::de::DeValue;

use super::document::{Document, Node, Table};
use super::{Conditions, Field, Scalar, Source, Test, UsedColumn, dictionary};
use crate::feed::FeedError;
use crate::model::City;
use crate::model::stream::ColumnType;

/// What a field is for, which decides how its columns are treated.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Its text goes into an event.
    Value(ColumnType),
    /// It is read as a time.
    Time,
    /// It is turned into a kind of event by its table.
    Kind,
}

/// What is known while a map is read.
pub struct Reader<'a> {
    pub document: &'a Document<'a>,
    pub folder: &'a Path,
    pub city: Option<Arc<City>>,
    pub columns: Vec<UsedColumn>,
}

impl Reader<'_> {
    /// The index of a column, which is new or was named before.
    pub fn column(&mut self, name: &str, line: usize) -> usize {
        if let Some(at) = self.columns.iter().position(|column| column.name == name) {
            return at;
        }
        self.columns.push(UsedColumn { name: name.to_owned(), line, ..UsedColumn::default() });
        self.columns.len() - 1
    }

    fn column_of(&mut self, node: Node<'_>) -> Result<usize, FeedError> {
        let name = node.text()?.trim().to_owned();
        Ok(self.column(&name, node.line))
    }

    pub fn columns_of(&mut self, node: Node<'_>) -> Result<Vec<usize>, FeedError> {
        let names = node.texts()?;
        if names.is_empty() {
            return Err(node.error("no column is named here"));
        }
        Ok(names.iter().map(|(name, line)| self.column(name.trim(), *line)).collect())
    }

    /// # Errors
    /// The field is not written as one, with its line.
    pub fn field(&mut self, node: Node<'_>, role: Role) -> Result<Field, FeedError> {
        let mut field = Field {
            from: Source::First(vec![]),
            nulls: vec![],
            table: None,
            otherwise: None,
            default: None,
            key: false,
            name: String::new(),
        };
        if node.value.is_str() {
            field.from = Source::First(vec![self.column_of(node)?]);
        } else if node.value.is_table() {
            let table = node.table("a field")?;
            field.from = self.from(&table, role)?;
            self.modifiers(&mut field, &table, role)?;
            table.finish()?;
        } else {
            return Err(node.error("a field is a column's name in quotes, or a table like { column = \"…\" }"));
        }
        let columns: &[usize] = match &field.from {
            Source::First(columns) | Source::Join(columns, _) => columns,
            Source::Constant(_) => &[],
        };
        for &column in columns {
            let used = &mut self.columns[column];
            used.content = true;
            if field.key {
                used.keyed = true;
            } else if matches!(role, Role::Value(_)) {
                used.plain = true;
            }
        }
        field.name = columns.iter().map(|column| self.columns[*column].name.as_str()).collect::<Vec<_>>().join(" + ");
        Ok(field)
    }

    fn from(&mut self, table: &Table<'_>, role: Role) -> Result<Source, FeedError> {
        let column = table.get("column");
        let first = table.get("first");
        let columns = table.get("columns");
        let constant = table.get("constant");
        if [column.is_some(), first.is_some(), columns.is_some(), constant.is_some()].iter().filter(|is| **is).count()
            != 1
        {
            return Err(table.error(table.line, "a field has exactly one of column, first, columns and constant"));
        }
        let join = table.get("join");
        if let Some(node) = column {
            return Ok(Source::First(vec![self.column_of(node)?]));
        }
        if let Some(node) = first {
            return Ok(Source::First(self.columns_of(node)?));
        }
        if let Some(node) = columns {
            let by = join.map(|node| node.text()).transpose()?.unwrap_or("/").to_owned();
            return Ok(Source::Join(self.columns_of(node)?, by));
        }
        match constant {
            Some(node) => Ok(Source::Constant(typed(node, role)?)),
            None => Err(table.error(table.line, "a field has one of column, first, columns and constant")),
        }
    }

    fn modifiers(&mut self, field: &mut Field, table: &Table<'_>, role: Role) -> Result<(), FeedError> {
        if let Some(node) = table.get("null") {
            field.nulls = node.texts()?.into_iter().map(|(text, _)| text.trim().to_owned()).collect();
        }
        if let Some(node) = table.get("key") {
            field.key = node.truth()?;
            if field.key && role != Role::Value(ColumnType::Text) {
                return Err(node.error("only a text column can be keyed"));
            }
        }
        let mut values = HashMap::new();
        let mut any = false;
        if let Some(node) = table.get("city") {
            any = true;
            let Some(city) = &self.city else {
                return Err(node.error("the map names no city; say city = \"ningbo\" at its top"));
            };
            values.extend(dictionary::of_city(city, node)?);
        }
        if let Some(node) = table.get("dict") {
            any = true;
            values.extend(dictionary::of_file(self.folder, node)?);
        }
        if let Some(node) = table.get("map") {
            any = true;
            for (key, _, value) in node.table("map")?.entries() {
                values.insert(key.trim().to_owned(), typed(value, role)?);
            }
        }
        field.table = any.then_some(values);
        if let Some(node) = table.get("else") {
            if !any {
                return Err(node.error("else belongs to map, dict or city; for a missing value say default"));
            }
            field.otherwise = Some(typed(node, role)?);
        }
        if let Some(node) = table.get("default") {
            field.default = Some(typed(node, role)?);
        }
        if role == Role::Time && (any || field.default.is_some()) {
            return Err(table
                .error(table.line, "a time is read by the formats of [time]; it has no map, dict, city or default"));
        }
        Ok(())
    }

    /// `{ column = "value", other = ["a", "b"], third = { not = "c" } }`.
    ///
    /// # Errors
    /// A condition is not written as one, with its line.
    pub fn conditions(&mut self, node: Node<'_>) -> Result<Conditions, FeedError> {
        let table = node.table("a condition")?;
        let mut conditions = vec![];
        for (name, line, value) in table.entries() {
            let column = self.column(name.trim(), line);
            if !value.value.is_table() {
                conditions.push((column, Test::Is(plain_texts(value)?)));
                continue;
            }
            let test = value.table("a condition")?;
            if let Some(node) = test.get("not") {
                conditions.push((column, Test::Not(plain_texts(node)?)));
            }
            if let Some(node) = test.get("below") {
                conditions.push((column, Test::Below(node.number()?)));
            }
            if let Some(node) = test.get("above") {
                conditions.push((column, Test::Above(node.number()?)));
            }
            if let Some(node) = test.get("missing") {
                conditions.push((column, Test::Missing(node.truth()?)));
            }
            test.finish()?;
        }
        if conditions.is_empty() {
            return Err(node.error("a condition is empty; write it like { outcome = \"AGENT\" }"));
        }
        Ok(conditions)
    }
}

/// Texts to compare a cell with; numbers are taken as they are written.
fn plain_texts(node: Node<'_>) -> Result<Vec<String>, FeedError> {
    let one = |node: Node<'_>| {
        Ok(match node.scalar()? {
            Scalar::Text(text) => text.trim().to_owned(),
            Scalar::Int(number) => number.to_string(),
            Scalar::Float(number) => number.to_string(),
            Scalar::Bool(truth) => truth.to_string(),
        })
    };
    if matches!(node.value, DeValue::Array(_)) {
        node.items()?.into_iter().map(one).collect()
    } else {
        Ok(vec![one(node)?])
    }
}

/// A value of the map, checked against the column it is for.
fn typed(node: Node<'_>, role: Role) -> Result<Scalar, FeedError> {
    let scalar = node.scalar()?;
    let fits = match role {
        Role::Value(column_type) => matches!(
            (column_type, &scalar),
            (ColumnType::Text, Scalar::Text(_))
                | (ColumnType::Int, Scalar::Int(_))
                | (ColumnType::Float, Scalar::Int(_) | Scalar::Float(_))
                | (ColumnType::Bool, Scalar::Bool(_))
        ),
        Role::Kind => matches!(scalar, Scalar::Text(_)),
        Role::Time => false,
    };
    if fits {
        return Ok(scalar);
    }
    let wanted = match role {
        Role::Value(ColumnType::Time) | Role::Time => "a time cannot be written into a map",
        Role::Value(ColumnType::Text) | Role::Kind => "a text in quotes is wanted here",
        Role::Value(ColumnType::Int) => "a whole number is wanted here",
        Role::Value(ColumnType::Float) => "a number is wanted here",
        Role::Value(ColumnType::Bool) => "true or false is wanted here",
    };
    Err(node.error(wanted))
}
