//! The city's dictionaries as tables: `areas boards services channels topics lines modules orgs items baseline`, and
//! `city` with its one row.
//!
//! Small, read whole, in the order of the city file (`ord` from 0). They never fail: what a city does not say is null
//! or absent.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringViewArray};
use arrow::datatypes::{DataType, Field, Schema};
use arrow::error::ArrowError;

use crate::model::City;
use crate::model::city::Named;

/// The tables' names, as SQL has them.
pub const NAMES: &[&str] =
    &["areas", "boards", "services", "channels", "topics", "lines", "modules", "orgs", "items", "baseline", "city"];

struct Table(Vec<Field>, Vec<ArrayRef>);

impl Table {
    fn new() -> Table {
        Table(Vec::new(), Vec::new())
    }

    fn text<'a>(mut self, name: &str, values: impl Iterator<Item = &'a str>) -> Table {
        self.0.push(Field::new(name, DataType::Utf8View, false));
        self.1.push(Arc::new(values.collect::<Vec<_>>().into_iter().map(Some).collect::<StringViewArray>()));
        self
    }

    fn text_or_null<'a>(mut self, name: &str, values: impl Iterator<Item = Option<&'a str>>) -> Table {
        self.0.push(Field::new(name, DataType::Utf8View, true));
        self.1.push(Arc::new(values.collect::<StringViewArray>()));
        self
    }

    fn int(mut self, name: &str, values: impl Iterator<Item = Option<i64>>) -> Table {
        self.0.push(Field::new(name, DataType::Int64, true));
        self.1.push(Arc::new(values.collect::<Int64Array>()));
        self
    }

    fn float(mut self, name: &str, values: impl Iterator<Item = f64>) -> Table {
        self.0.push(Field::new(name, DataType::Float64, false));
        self.1.push(Arc::new(values.map(Some).collect::<Float64Array>()));
        self
    }

    fn finish(self) -> Result<RecordBatch, ArrowError> {
        RecordBatch::try_new(Arc::new(Schema::new(self.0)), self.1)
    }
}

fn named(list: &[Named]) -> Table {
    Table::new()
        .int("ord", (0..list.len() as i64).map(Some))
        .text("code", list.iter().map(|named| named.code.as_str()))
        .text("zh", list.iter().map(|named| named.zh.as_str()))
        .text("en", list.iter().map(|named| named.en.as_str()))
}

/// One of [`NAMES`]; `None` for any other name.
///
/// # Errors
/// Never for the columns above; Arrow's own checks are passed on.
pub fn table(city: &City, name: &str) -> Result<Option<RecordBatch>, ArrowError> {
    let table = match name {
        "areas" => Table::new()
            .int("ord", (0..city.areas.len() as i64).map(Some))
            .text("code", city.areas.iter().map(|area| area.code.as_str()))
            .text("zh", city.areas.iter().map(|area| area.zh.as_str()))
            .text("en", city.areas.iter().map(|area| area.en.as_str()))
            .int("residents", city.areas.iter().map(|area| area.residents)),
        "boards" => named(&city.boards),
        "services" => Table::new()
            .int("ord", (0..city.services.len() as i64).map(Some))
            .text("code", city.services.iter().map(|service| service.code.as_str()))
            .text("zh", city.services.iter().map(|service| service.zh.as_str()))
            .text("en", city.services.iter().map(|service| service.en.as_str()))
            .text("board", city.services.iter().map(|service| service.board.as_str())),
        "channels" => named(&city.channels),
        "topics" => Table::new()
            .int("ord", (0..city.topics.len() as i64).map(Some))
            .text("code", city.topics.iter().map(|topic| topic.code.as_str()))
            .text("zh", city.topics.iter().map(|topic| topic.zh.as_str()))
            .text("en", city.topics.iter().map(|topic| topic.en.as_str()))
            .text_or_null("service", city.topics.iter().map(|topic| topic.service.as_deref())),
        "lines" => named(&city.lines),
        "modules" => named(&city.modules),
        "orgs" => named(&city.orgs),
        "items" => named(&city.items),
        "baseline" => Table::new()
            .text("metric", city.baselines.iter().map(|baseline| baseline.metric.as_str()))
            .float("value", city.baselines.iter().map(|baseline| baseline.value))
            .text("as_of", city.baselines.iter().map(|baseline| baseline.as_of.as_str()))
            .text("source", city.baselines.iter().map(|baseline| baseline.source.as_str())),
        "city" => Table::new()
            .text("code", [city.code.as_str()].into_iter())
            .text("zh", [city.zh.as_str()].into_iter())
            .text("en", [city.en.as_str()].into_iter())
            .text("tz", [city.tz.name()].into_iter())
            .text("since", [city.since.as_str()].into_iter())
            .int("satisfied_from", [Some(city.satisfied_from)].into_iter())
            .int("instant_s", [Some(city.instant_s)].into_iter()),
        _ => return Ok(None),
    };
    table.finish().map(Some)
}
