//! From the TOML of a map to a [`Mapping`], section by section.

use std::path::Path;
use std::sync::Arc;

use toml::de::DeTable;

use super::document::{Document, Node, Table};
use super::field::{Reader, Role};
use super::{Counter, DayClock, Field, FileOptions, Mapping, Missing, Numbering, Scalar, Shape, Source, Stage};
use crate::feed::FeedError;
use crate::feed::import::times::{TimeFormat, TimeReader};
use crate::model::City;
use crate::model::event::source_index;
use crate::model::stream::{ColumnType, Stream, Writer};
use crate::model::text::{did_you_mean, full_width_hint};

/// Reads a map. All that is wrong with it is told, by line.
pub fn mapping(path: &str, text: &str, folder: &Path) -> Result<Mapping, Vec<FeedError>> {
    let document = Document::new(path, text);
    let root = DeTable::parse(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        let (message, hint) = (error.message().lines().next().unwrap_or_default(), full_width_hint(text, at));
        vec![document.error(document.line(at), format!("is not TOML: {message}{hint}"))]
    })?;
    let top = Table::new(&document, root.get_ref(), "a map", 1);
    sections(&document, &top, folder).filter(|_| document.is_good()).ok_or_else(|| document.problems())
}

/// The sections one by one; what is wrong with one is noted and the next is read all the same.
fn sections(document: &Document<'_>, top: &Table<'_>, folder: &Path) -> Option<Mapping> {
    let stream = document.keep(top.require("stream", "stream = \"tickets\"").and_then(stream))?;
    let city = top.get("city").and_then(|node| {
        let city = node.text().and_then(|name| City::load(name).map_err(|error| node.error(error.to_string())));
        document.keep(city).map(Arc::new)
    });
    let mut reader = Reader { document, folder, city: city.clone(), columns: vec![] };

    let src = document.keep(source_name(top)).unwrap_or_default();
    let texts = |key| top.get(key).and_then(|node| document.keep(node.texts())).unwrap_or_default();
    let nulls = texts("null").into_iter().map(|(text, _)| text.trim().to_owned()).collect();
    let drop: Vec<(String, usize)> =
        texts("drop").into_iter().map(|(name, line)| (name.trim().to_owned(), line)).collect();
    let not_personal = texts("not_personal");
    let drop_others = document.keep(others(top)).unwrap_or_default();
    let file = top.get("file").and_then(|node| document.keep(file_options(node))).unwrap_or_default();
    let times = document.keep(top.require("time", "[time] with zone = \"Asia/Shanghai\"").and_then(times));
    let missing = document.keep(each(top, "missing", |table| missing_rule(&mut reader, table))).unwrap_or_default();
    let clocks = document.keep(each(top, "clock", |table| day_clock(&mut reader, table))).unwrap_or_default();
    let set = top.get("set").and_then(|node| document.keep(values(&mut reader, stream, node))).unwrap_or_default();
    let shape = shape(&mut reader, top, stream);
    let numbering = document.keep(numbering(&mut reader, top, matches!(shape, Ok(Shape::Long { .. }))));
    let counters = document.keep(each(top, "count", |table| counter(&mut reader, table))).unwrap_or_default();
    let mut columns = reader.columns;
    let shape = document.keep(shape);
    document.keep(top.finish());
    if !document.is_good() {
        // What follows is about the sections together.
        return None;
    }
    if !set.iter().any(|(index, _)| Some(*index) == source_index(stream, "id")) {
        let line = top.get("set").map_or(1, |node| node.line);
        document.keep::<()>(Err(document.error(line, "[set] lacks id: which column names the object?")));
    }
    for (name, line) in not_personal {
        match columns.iter_mut().find(|column| column.name == name.trim()) {
            Some(column) => column.not_personal = true,
            None => {
                let message = format!("not_personal names {name:?}, which the map does not use");
                document.keep::<()>(Err(document.error(line, message)));
            }
        }
    }
    for (name, line) in &drop {
        if let Some(used) = columns.iter().find(|column| column.name == *name && column.content) {
            let message =
                format!("{name:?} is under `drop` and used on line {}; take it out of one of them", used.line);
            document.keep::<()>(Err(document.error(*line, message)));
        }
    }
    Some(Mapping {
        path: document.path.to_owned(),
        src,
        stream,
        city: city.as_ref().map(|city| city.code.clone()),
        codes: city,
        file,
        times: times?,
        columns,
        nulls,
        drop,
        drop_others,
        missing,
        clocks,
        numbering: numbering?,
        shape: shape?,
        set,
        counters,
    })
}

fn source_name(top: &Table<'_>) -> Result<String, FeedError> {
    let src = top.require("src", "src = \"311\"")?;
    match src.text()?.trim() {
        "" => Err(src.error("src is empty; it names the source system, e.g. \"311\"")),
        name => Ok(name.to_owned()),
    }
}

/// Whether columns that the map does not mention are dropped.
fn others(top: &Table<'_>) -> Result<bool, FeedError> {
    match top.get("others") {
        None => Ok(false),
        Some(node) if node.text()? == "drop" => Ok(true),
        Some(node) => Err(node
            .error("others is \"drop\", or left out (then a column that the map does not mention stops the import)")),
    }
}

fn numbering(reader: &mut Reader<'_>, top: &Table<'_>, is_long: bool) -> Result<Numbering, FeedError> {
    let Some(node) = top.get("seq") else { return Ok(if is_long { Numbering::Digest } else { Numbering::Id }) };
    match node.value.as_str() {
        Some("id") => Ok(Numbering::Id),
        Some("digest") => Ok(Numbering::Digest),
        _ if node.value.is_table() => Ok(Numbering::Field(reader.field(node, Role::Value(ColumnType::Text))?)),
        _ => Err(node.error("seq is \"id\", \"digest\", or a field like { column = \"流水号\" }")),
    }
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
        let one = item.table(format!("[[{key}]]")).and_then(|table| {
            let one = read(&table)?;
            table.finish().map(|()| one)
        });
        all.extend(top.document.keep(one));
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
        let field = settable(stream, name)
            .map_err(|message| reader.document.error(line, message))
            .and_then(|(index, role)| Ok((index, reader.field(value, role)?)));
        set.extend(reader.document.keep(field));
    }
    Ok(set)
}

/// The column of the model that a map may set, and how its values are read.
fn settable(stream: Stream, name: &str) -> Result<(usize, Role), String> {
    if matches!(name, "ts" | "kind" | "src" | "src_seq") {
        return Err(format!(
            "{name} is not set here: ts comes from `at`, kind from the stage, src and seq from the top of the map"
        ));
    }
    let Some((index, column)) = source_index(stream, name).zip(stream.column(name)) else {
        if stream.column(name).is_some_and(|column| column.writer == Writer::Hub) {
            return Err(format!("{name} is worked out by the hub; take it out"));
        }
        let names = || stream.source_columns().map(|column| column.name);
        let others = || names().filter(|name| !matches!(*name, "ts" | "kind" | "src" | "src_seq"));
        let hint = did_you_mean(name, names(), || format!("it has {}", others().collect::<Vec<_>>().join(", ")));
        return Err(format!("{stream} have no column {name:?}; {hint}"));
    };
    Ok((index, if column.column_type == ColumnType::Time { Role::Time } else { Role::Value(column.column_type) }))
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
            if stages.is_empty() && top.document.is_good() {
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
        let kinds = stream.kinds();
        let hint = did_you_mean(name, kinds.iter().copied(), || format!("it is one of {}", kinds.join(", ")));
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
