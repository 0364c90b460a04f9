//! From the TOML of a map to a [`Mapping`], section by section.

use std::path::Path;

use toml::de::DeTable;

use super::document::{Document, Node, Table, nearest};
use super::field::{Reader, Role};
use super::{Counter, DayClock, Field, FileOptions, Mapping, Missing, Numbering, Scalar, Shape, Source, Stage};
use crate::feed::FeedError;
use crate::feed::import::times::{TimeFormat, TimeReader};
use crate::model::City;
use crate::model::event::source_index;
use crate::model::stream::{ColumnType, Stream, Writer};

pub fn mapping(path: &str, text: &str, folder: &Path) -> Result<Mapping, FeedError> {
    let document = Document { path, text };
    let root = DeTable::parse(text).map_err(|error| {
        let line = error.span().map_or(1, |span| document.line(span.start));
        document.error(line, format!("is not TOML: {}", error.message().lines().next().unwrap_or_default()))
    })?;
    let top = Table::new(&document, root.get_ref(), "a map", 1);
    let stream = stream(top.require("stream", "stream = \"tickets\"")?)?;
    let city = top.get("city").map(|node| node.text().map(|name| (name.to_owned(), node))).transpose()?;
    let city = match &city {
        None => None,
        Some((name, node)) => Some(City::load(name).map_err(|error| node.error(error.to_string()))?),
    };
    let city_code = city.as_ref().map(|city| city.code.clone());
    let mut reader = Reader { document: &document, folder, city, columns: vec![] };

    let src = top.require("src", "src = \"311\"")?;
    if src.text()?.trim().is_empty() {
        return Err(src.error("src is empty; it names the source system, e.g. \"311\""));
    }
    let texts = |key| top.get(key).map(|node| node.texts()).transpose().map(Option::unwrap_or_default);
    let nulls = texts("null")?.into_iter().map(|(text, _)| text.trim().to_owned()).collect();
    let drop: Vec<(String, usize)> =
        texts("drop")?.into_iter().map(|(name, line)| (name.trim().to_owned(), line)).collect();
    let not_personal = texts("not_personal")?;
    let drop_others = match top.get("others") {
        None => false,
        Some(node) if node.text()? == "drop" => true,
        Some(node) => {
            return Err(node.error(
                "others is \"drop\", or left out (then a column that the map does not mention stops the import)",
            ));
        }
    };
    let file = top.get("file").map(file_options).transpose()?.unwrap_or_default();
    let times = times(top.require("time", "[time] with zone = \"Asia/Shanghai\"")?)?;
    let missing = each(&top, "missing", |table| missing_rule(&mut reader, table))?;
    let clocks = each(&top, "clock", |table| day_clock(&mut reader, table))?;
    let set = match top.get("set") {
        Some(node) => values(&mut reader, stream, node)?,
        None => vec![],
    };
    let id_is_set = set.iter().any(|(index, _)| Some(*index) == source_index(stream, "id"));
    let shape = shape(&mut reader, &top, stream)?;
    if !id_is_set {
        return Err(document
            .error(top.get("set").map_or(1, |node| node.line), "[set] lacks id: which column names the object?"));
    }
    let numbering = match top.get("seq") {
        None if matches!(shape, Shape::Long { .. }) => Numbering::Digest,
        None => Numbering::Id,
        Some(node) => match node.value.as_str() {
            Some("id") => Numbering::Id,
            Some("digest") => Numbering::Digest,
            _ if node.value.is_table() => Numbering::Field(reader.field(node, Role::Value(ColumnType::Text))?),
            _ => return Err(node.error("seq is \"id\", \"digest\", or a field like { column = \"流水号\" }")),
        },
    };
    let counters = each(&top, "count", |table| counter(&mut reader, table))?;
    let mut columns = reader.columns;
    for (name, line) in not_personal {
        match columns.iter_mut().find(|column| column.name == name.trim()) {
            Some(column) => column.not_personal = true,
            None => {
                return Err(document.error(line, format!("not_personal names {name:?}, which the map does not use")));
            }
        }
    }
    for (name, line) in &drop {
        if let Some(used) = columns.iter().find(|column| column.name == *name && column.content) {
            let message =
                format!("{name:?} is under `drop` and used on line {}; take it out of one of them", used.line);
            return Err(document.error(*line, message));
        }
    }
    let mapping = Mapping {
        path: path.to_owned(),
        src: src.text()?.trim().to_owned(),
        stream,
        city: city_code,
        file,
        times,
        columns,
        nulls,
        drop,
        drop_others,
        missing,
        clocks,
        numbering,
        shape,
        set,
        counters,
    };
    top.finish()?;
    Ok(mapping)
}

fn stream(node: Node<'_>) -> Result<Stream, FeedError> {
    let name = node.text()?;
    Stream::from_name(name).ok_or_else(|| {
        let names = Stream::ALL.map(Stream::name);
        node.error(format!("there is no stream {name:?}; it is one of {}", names.join(", ")))
    })
}

/// The tables of an array of tables, each read to its last key.
fn each<T>(
    top: &Table<'_>,
    key: &'static str,
    mut read: impl FnMut(&Table<'_>) -> Result<T, FeedError>,
) -> Result<Vec<T>, FeedError> {
    let Some(node) = top.get(key) else { return Ok(vec![]) };
    if node.value.is_table() {
        return Err(node.error(format!("{key} is written [[{key}]], in double brackets: there may be several")));
    }
    let mut all = vec![];
    for item in node.items()? {
        let table = item.table(format!("[[{key}]]"))?;
        all.push(read(&table)?);
        table.finish()?;
    }
    Ok(all)
}

fn file_options(node: Node<'_>) -> Result<FileOptions, FeedError> {
    let table = node.table("[file]")?;
    let mut options = FileOptions::default();
    if let Some(node) = table.get("format") {
        let format = node.text()?;
        if !matches!(format, "text" | "json") {
            return Err(node.error("format is \"text\" or \"json\"; left out, it is found by looking"));
        }
        options.format = Some(format.to_owned());
    }
    if let Some(node) = table.get("encoding") {
        let label = node.text()?;
        let found = encoding_rs::Encoding::for_label(label.as_bytes());
        options.encoding = Some(found.ok_or_else(|| {
            node.error(format!("there is no encoding {label:?}; it is one like \"utf-8\", \"gb18030\", \"big5\""))
        })?);
    }
    if let Some(node) = table.get("delimiter") {
        options.delimiter = match node.text()?.as_bytes() {
            [byte] => Some(*byte),
            b"\\t" => Some(b'\t'),
            _ => return Err(node.error("delimiter is one ASCII character, such as \",\" or \"\\t\"")),
        };
    }
    if let Some(node) = table.get("quote") {
        options.quote = node.truth()?;
    }
    if let Some(node) = table.get("header") {
        options.header = node.truth()?;
    }
    if let Some(node) = table.get("columns") {
        options.columns = node.texts()?.into_iter().map(|(name, _)| name).collect();
    }
    if options.header != options.columns.is_empty() {
        return Err(table.error(table.line, "columns are listed when, and only when, header = false"));
    }
    if let Some(node) = table.get("skip") {
        options.skip = node.count()?;
    }
    table.finish()?;
    Ok(options)
}

fn times(node: Node<'_>) -> Result<TimeReader, FeedError> {
    let table = node.table("[time]")?;
    let zone = table.require("zone", "zone = \"Asia/Shanghai\"")?;
    let parsed = zone.text()?.parse().map_err(|_| {
        zone.error(format!(
            "there is no time zone {:?}; it is an IANA name such as \"Asia/Shanghai\"",
            zone.text().unwrap_or_default()
        ))
    })?;
    let mut formats = vec![];
    if let Some(node) = table.get("formats") {
        for (text, line) in node.texts()? {
            formats.push(TimeFormat::parse(&text).map_err(|message| table.error(line, message))?);
        }
    }
    table.finish()?;
    Ok(TimeReader { zone: parsed, formats })
}

fn missing_rule(reader: &mut Reader<'_>, table: &Table<'_>) -> Result<Missing, FeedError> {
    let column = table.require("column", "column = \"q_start\"")?;
    let name = column.text()?.trim().to_owned();
    let is = table.require("is", "is = [\"0:00:00\"]")?.texts()?;
    let also = table.get("also").map(|node| reader.columns_of(node)).transpose()?.unwrap_or_default();
    let column = reader.column(&name, column.line);
    Ok(Missing { column, is: is.into_iter().map(|(text, _)| text.trim().to_owned()).collect(), also })
}

fn day_clock(reader: &mut Reader<'_>, table: &Table<'_>) -> Result<DayClock, FeedError> {
    let date = table.require("date", "date = \"日期\"")?;
    let name = date.text()?.trim().to_owned();
    let columns = reader.columns_of(table.require("columns", "columns = [\"来电时间\", \"结束时间\"]")?)?;
    let hours = table.get("rollover_h").map(|node| node.number()).transpose()?.unwrap_or(12.0);
    if !(0.0..=24.0).contains(&hours) {
        return Err(table.error(table.line, "rollover_h is between 0 and 24 hours"));
    }
    let date = reader.column(&name, date.line);
    // The date makes part of what each time says.
    reader.columns[date].content = true;
    Ok(DayClock { date, columns, rollover_s: (hours * 3600.0) as i64 })
}

fn counter(reader: &mut Reader<'_>, table: &Table<'_>) -> Result<Counter, FeedError> {
    let name = table.require("name", "name = \"rows_without_a_place\"")?.text()?.to_owned();
    let when = reader.conditions(table.require("where", "where = { outcome = \"AGENT\" }")?)?;
    Ok(Counter { name, when })
}

/// `[set]` and `set = { … }`: columns of the model and where their values come from.
fn values(reader: &mut Reader<'_>, stream: Stream, node: Node<'_>) -> Result<Vec<(usize, Field)>, FeedError> {
    let table = node.table("set")?;
    let mut set = vec![];
    for (name, line, value) in table.entries() {
        let refuse = |message: String| Err(reader.document.error(line, message));
        if matches!(name, "ts" | "kind" | "src" | "src_seq") {
            return refuse(format!(
                "{name} is not set here: ts comes from `at`, kind from the stage, src and seq from the top of the map"
            ));
        }
        let Some((index, column)) = source_index(stream, name).zip(stream.column(name)) else {
            if stream.column(name).is_some_and(|column| column.writer == Writer::Hub) {
                return refuse(format!("{name} is worked out by the hub; take it out"));
            }
            let names = || stream.source_columns().map(|column| column.name);
            let hint = match nearest(name, names()) {
                Some(near) => format!("did you mean {near:?}?"),
                None => format!(
                    "it has {}",
                    names()
                        .filter(|name| !matches!(*name, "ts" | "kind" | "src" | "src_seq"))
                        .collect::<Vec<_>>()
                        .join(", ")
                ),
            };
            return refuse(format!("{stream} have no column {name:?}; {hint}"));
        };
        let role = if column.column_type == ColumnType::Time { Role::Time } else { Role::Value(column.column_type) };
        set.push((index, reader.field(value, role)?));
    }
    Ok(set)
}

fn shape(reader: &mut Reader<'_>, top: &Table<'_>, stream: Stream) -> Result<Shape, FeedError> {
    let node = top.require("shape", "shape = \"wide\" (or \"long\", \"snapshot\")")?;
    match node.text()? {
        "wide" => {
            let mut stages = each(top, "stage", |table| stage(reader, table, stream))?;
            for at in 0..stages.len() {
                let before = stages[..at].iter().filter(|stage| stage.kind == stages[at].kind).count();
                if before > 0 {
                    stages[at].label = format!("{}.{}", stages[at].kind, before + 1);
                }
            }
            if stages.is_empty() {
                return Err(node.error("a wide map has at least one [[stage]] with kind and at"));
            }
            Ok(Shape::Wide(stages))
        }
        "long" => {
            let table = top.require("event", "[event] with kind and at")?.table("[event]")?;
            let kind = kind_field(
                reader,
                table.require("kind", "kind = { column = \"动作\", map = { \"受理\" = \"open\" } }")?,
                stream,
            )?;
            let at = reader.field(table.require("at", "at = \"时间\"")?, Role::Time)?;
            let skip = skip(&table)?;
            table.finish()?;
            Ok(Shape::Long { kind, at, skip })
        }
        "snapshot" => {
            let table = top.require("snapshot", "[snapshot] with poll and state")?.table("[snapshot]")?;
            let poll = reader.field(table.require("poll", "poll = \"采集时间\"")?, Role::Time)?;
            let state = kind_field(
                reader,
                table.require("state", "state = { column = \"状态\", map = { \"示闲\" = \"ready\" } }")?,
                stream,
            )?;
            let since = table.get("since").map(|node| reader.field(node, Role::Time)).transpose()?;
            let gone = table.get("gone").map(|node| kind(node, stream)).transpose()?;
            let skip = skip(&table)?;
            table.finish()?;
            Ok(Shape::Snapshot { poll, state, since, gone, skip })
        }
        other => Err(node.error(format!("there is no shape {other:?}; it is wide, long or snapshot"))),
    }
}

fn skip(table: &Table<'_>) -> Result<Vec<String>, FeedError> {
    let texts = table.get("skip").map(|node| node.texts()).transpose()?.unwrap_or_default();
    Ok(texts.into_iter().map(|(text, _)| text.trim().to_owned()).collect())
}

fn stage(reader: &mut Reader<'_>, table: &Table<'_>, stream: Stream) -> Result<Stage, FeedError> {
    let kind = kind(table.require("kind", "kind = \"open\"")?, stream)?;
    let at = reader.field(table.require("at", "at = \"open_dt\"")?, Role::Time)?;
    let when = table.get("when").map(|node| reader.conditions(node)).transpose()?.unwrap_or_default();
    let set = table.get("set").map(|node| values(reader, stream, node)).transpose()?.unwrap_or_default();
    Ok(Stage { kind, label: kind.to_owned(), at, when, set })
}

fn kind(node: Node<'_>, stream: Stream) -> Result<&'static str, FeedError> {
    let name = node.text()?;
    known_kind(stream, name).map_err(|message| node.error(message))
}

fn known_kind(stream: Stream, name: &str) -> Result<&'static str, String> {
    stream.kind(name).ok_or_else(|| {
        let hint = match nearest(name, stream.kinds().iter().copied()) {
            Some(near) => format!("did you mean {near:?}?"),
            None => format!("it is one of {}", stream.kinds().join(", ")),
        };
        format!("{stream} have no kind {name:?}; {hint}")
    })
}

/// A field whose table leads to kinds of event.
fn kind_field(reader: &mut Reader<'_>, node: Node<'_>, stream: Stream) -> Result<Field, FeedError> {
    let field = reader.field(node, Role::Kind)?;
    let constant = match &field.from {
        Source::Constant(value) => Some(value),
        _ => None,
    };
    let values = field.table.iter().flat_map(|table| table.values()).chain(&field.otherwise).chain(&field.default);
    for value in values.chain(constant) {
        if let Scalar::Text(name) = value {
            known_kind(stream, name).map_err(|message| node.error(message))?;
        }
    }
    Ok(field)
}
