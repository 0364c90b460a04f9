//! Answers on a terminal or in a pipe: `table`, `csv`, `json` (one object a row) and `arrow` (an IPC stream).
//!
//! Times are RFC 3339 in the city's zone, except in `arrow`, which keeps its types. Fails only by the writer's error.

use std::io::Write;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::ipc::writer::StreamWriter;
use chrono_tz::Tz;
use clap::ValueEnum;
use serde_json::{Map, Value as Json};

use super::rows::{TimeFormat, json_rows};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum OutputFormat {
    /// Columns side by side, for people
    #[default]
    Table,
    Csv,
    /// One object a row
    Json,
    /// An Arrow IPC stream
    Arrow,
}

/// Writes an answer.
///
/// # Errors
/// The writer's own, or Arrow's for `arrow`.
pub fn write_answer(
    out: &mut dyn Write,
    schema: &SchemaRef,
    batches: &[RecordBatch],
    format: OutputFormat,
    zone: Tz,
) -> std::io::Result<()> {
    if format == OutputFormat::Arrow {
        let mut writer = StreamWriter::try_new(&mut *out, schema).map_err(std::io::Error::other)?;
        for batch in batches {
            writer.write(batch).map_err(std::io::Error::other)?;
        }
        writer.finish().map_err(std::io::Error::other)?;
        drop(writer);
        return out.flush();
    }
    let (columns, rows) = json_rows(schema, batches, TimeFormat::Rfc3339(zone));
    let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
    match format {
        OutputFormat::Json => write_json(out, &names, &rows)?,
        OutputFormat::Csv => write_csv(out, &names, &rows)?,
        OutputFormat::Table | OutputFormat::Arrow => write_table(out, &names, &rows)?,
    }
    out.flush()
}

fn write_json(out: &mut dyn Write, names: &[&str], rows: &[Vec<Json>]) -> std::io::Result<()> {
    for row in rows {
        let object: Map<String, Json> = names.iter().map(|name| (*name).to_owned()).zip(row.iter().cloned()).collect();
        writeln!(out, "{}", Json::Object(object))?;
    }
    Ok(())
}

fn write_csv(out: &mut dyn Write, names: &[&str], rows: &[Vec<Json>]) -> std::io::Result<()> {
    let line = |cells: Vec<String>| cells.join(",");
    writeln!(out, "{}", line(names.iter().map(|name| csv_cell(name)).collect()))?;
    for row in rows {
        writeln!(out, "{}", line(row.iter().map(|json| csv_cell(&text(json))).collect()))?;
    }
    Ok(())
}

fn csv_cell(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
}

/// A value as people read it; null is empty.
fn text(json: &Json) -> String {
    match json {
        Json::Null => String::new(),
        Json::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn write_table(out: &mut dyn Write, names: &[&str], rows: &[Vec<Json>]) -> std::io::Result<()> {
    let cells: Vec<Vec<String>> =
        rows.iter().map(|row| row.iter().map(|json| text(json).replace(['\n', '\r', '\t'], " ")).collect()).collect();
    let widths: Vec<usize> = names
        .iter()
        .enumerate()
        .map(|(index, name)| {
            cells.iter().filter_map(|row| row.get(index)).map(|cell| width(cell)).max().unwrap_or(0).max(width(name))
        })
        .collect();
    // Numbers stand to the right, so that their digits line up.
    let right: Vec<bool> = (0..names.len())
        .map(|index| rows.iter().filter_map(|row| row.get(index)).all(|json| json.is_number() || json.is_null()))
        .collect();
    let line = |out: &mut dyn Write, row: &[String]| -> std::io::Result<()> {
        let mut text = String::new();
        for (index, cell) in row.iter().enumerate() {
            let (columns, to_right) =
                (widths.get(index).copied().unwrap_or(0), right.get(index).is_some_and(|right| *right));
            let gap = " ".repeat(columns.saturating_sub(width(cell)));
            if index > 0 {
                text.push_str("  ");
            }
            text.push_str(&if to_right { format!("{gap}{cell}") } else { format!("{cell}{gap}") });
        }
        writeln!(out, "{}", text.trim_end())
    };
    line(out, &names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>())?;
    line(out, &widths.iter().map(|width| "─".repeat(*width)).collect::<Vec<_>>())?;
    for row in &cells {
        line(out, row)?;
    }
    Ok(())
}

/// Columns a text takes on a terminal: two for each East Asian wide character.
fn width(text: &str) -> usize {
    text.chars()
        .map(|c| match u32::from(c) {
            0x1100..=0x115F
            | 0x2E80..=0x303E
            | 0x3041..=0xA4CF
            | 0xAC00..=0xD7A3
            | 0xF900..=0xFAFF
            | 0xFE30..=0xFE6F
            | 0xFF00..=0xFF60
            | 0xFFE0..=0xFFE6
            | 0x1F300..=0x1FAFF
            | 0x20000..=0x3FFFD => 2,
            _ => 1,
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{ArrayRef, Int64Array, StringViewArray};
    use std::sync::Arc;

    fn written(format: OutputFormat) -> String {
        let batch = RecordBatch::try_from_iter_with_nullable(vec![
            ("area", Arc::new(StringViewArray::from(vec![Some("海曙"), Some("a,\"b\""), None])) as ArrayRef, true),
            ("n", Arc::new(Int64Array::from(vec![Some(5), Some(12_345), None])), true),
        ])
        .unwrap();
        let mut out = Vec::new();
        write_answer(&mut out, &batch.schema(), std::slice::from_ref(&batch), format, chrono_tz::Asia::Shanghai)
            .unwrap();
        String::from_utf8_lossy(&out).into_owned()
    }

    #[test]
    fn formats_are_what_they_say() {
        assert_eq!(written(OutputFormat::Json).lines().next(), Some(r#"{"area":"海曙","n":5}"#));
        assert_eq!(written(OutputFormat::Csv), "area,n\n海曙,5\n\"a,\"\"b\"\"\",12345\n,\n");
        let table = written(OutputFormat::Table);
        assert_eq!(table.lines().nth(2), Some("海曙       5"), "{table}");
    }
}
