//! Dictionaries of a map: a CSV file beside it, or the city's own lists.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::Scalar;
use super::document::Node;
use crate::feed::FeedError;
use crate::model::text::did_you_mean;
use crate::model::{City, assets, text};

/// A dictionary larger than this is a file named by mistake.
const ENTRIES_MAX: usize = 1_000_000;

type Entries = HashMap<String, Scalar>;

/// `dict = "areas.csv"` (its first column → its second), or `dict = { file = "…", from = "column", to = "column" }`.
pub fn of_file(folder: &Path, node: Node<'_>) -> Result<Entries, FeedError> {
    let (file, from, to) = match node.value.as_str() {
        Some(file) => (file.to_owned(), None, None),
        None => {
            let table = node.table("dict")?;
            let file =
                table.require("file", "{ file = \"areas.csv\", from = \"name\", to = \"code\" }")?.text()?.to_owned();
            let text = |key| table.get(key).map(|node| node.text().map(str::to_owned)).transpose();
            let (from, to) = (text("from")?, text("to")?);
            table.finish()?;
            (file, from, to)
        }
    };
    let path = find(folder, &file).map_err(|message| node.error(message))?;
    let fail = |message: String| node.error(format!("dictionary {}: {message}", path.display()));
    let text = text::read(&path).map_err(|error| fail(format!("cannot be read: {error}")))?;
    let mut reader =
        csv::ReaderBuilder::new().flexible(true).trim(csv::Trim::All).from_reader(std::io::Cursor::new(text));
    let header = reader.headers().map_err(|error| fail(error.to_string()))?.clone();
    let position = |name: Option<String>, else_at: usize| match name {
        None => Ok(else_at),
        Some(name) => {
            header.iter().position(|column| column == name).ok_or_else(|| fail(format!("has no column {name:?}")))
        }
    };
    let (from, to) = (position(from, 0)?, position(to, 1)?);
    let mut entries = Entries::new();
    for record in reader.records() {
        let record = record.map_err(|error| fail(error.to_string()))?;
        let (Some(key), Some(value)) = (record.get(from), record.get(to)) else {
            let line = record.position().map_or(0, csv::Position::line);
            return Err(fail(format!("line {line} has too few columns")));
        };
        if !key.is_empty() && !value.is_empty() {
            entries.insert(key.to_owned(), Scalar::Text(value.to_owned()));
        }
        if entries.len() > ENTRIES_MAX {
            return Err(fail(format!("has more than {ENTRIES_MAX} entries")));
        }
    }
    Ok(entries)
}

/// A dictionary beside the map, or where the map's template lies: a copied map keeps those it names (`../city/…`).
fn find(folder: &Path, file: &str) -> Result<PathBuf, String> {
    let (beside, shipped) = (folder.join(file), assets::path("maps").join(file));
    if let Some(found) = [&beside, &shipped].into_iter().find(|path| path.exists()) {
        return Ok(found.clone());
    }
    let (beside, shipped) = (beside.display(), shipped.display());
    Err(format!(
        "dictionary {file:?} is neither {beside} (beside the map) nor {shipped}; say where it lies from the map"
    ))
}

/// `city = "areas"`: names and other spellings → codes, from the city file.
pub fn of_city(city: &City, node: Node<'_>) -> Result<Entries, FeedError> {
    let mut entries = Entries::new();
    let mut add = |code: &str, names: &[&str]| {
        for name in names {
            entries.entry((*name).to_owned()).or_insert_with(|| Scalar::Text(code.to_owned()));
        }
    };
    let lists = ["areas", "services", "channels", "topics", "orgs", "items"];
    let which = node.text()?;
    match which {
        "areas" => {
            for area in &city.areas {
                add(&area.code, &[&area.code, &area.zh, &area.en]);
                for alias in &area.aliases {
                    add(&area.code, &[alias]);
                }
            }
        }
        "services" => city.services.iter().for_each(|one| add(&one.code, &[&one.code, &one.zh, &one.en])),
        "topics" => city.topics.iter().for_each(|one| add(&one.code, &[&one.code, &one.zh, &one.en])),
        "channels" | "orgs" | "items" => {
            let named = match which {
                "channels" => &city.channels,
                "orgs" => &city.orgs,
                _ => &city.items,
            };
            named.iter().for_each(|one| add(&one.code, &[&one.code, &one.zh, &one.en]));
        }
        other => {
            let hint = did_you_mean(other, lists, || format!("it has {}", lists.join(", ")));
            return Err(node.error(format!("a city has no list {other:?}; {hint}")));
        }
    }
    Ok(entries)
}
