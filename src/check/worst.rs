//! What the wall shows at its fullest, for looking whether all of it fits: every metric with the columns it really has,
//! filled with large figures, long names and as many rows as there are.

use serde_json::{Value as Json, json};
use tokio::runtime::Runtime;

use crate::model::City;
use crate::model::message::{HubMessage, MetricRef, MetricResult};
use crate::query::Engine;
use crate::wall::data::Data;

/// Rows of a metric that lists things.
const ROWS: usize = 24;
/// The largest count that a city's line has in sight.
const LARGE: i64 = 88_888_888;

/// Asks an engine over an empty store which columns each metric has, and fills them.
pub fn data(engine: &Engine, runtime: &Runtime) -> Data {
    let (city, now_us) = (engine.city().clone(), engine.now_us());
    let catalog = engine.catalog();
    let mut data = Data::default();
    let metrics = catalog.metrics.keys().cloned().collect();
    let welcome = Box::new(city.as_ref().clone());
    data.take(
        HubMessage::Welcome {
            version: 1,
            hub: String::new(),
            city: welcome,
            now: now_us,
            demo: true,
            replay: false,
            metrics,
        },
        0.0,
    );
    for (name, metric) in &catalog.metrics {
        let asked = MetricRef { name: name.clone(), params: Default::default() };
        // One that can't be asked is told elsewhere.
        let Ok(mut result) = runtime.block_on(engine.metric(&asked, None)) else { continue };
        fill(&mut result, &city, &metric.sql, now_us);
        data.take_result(result, f64::NEG_INFINITY);
    }
    if let Ok(metrics) = runtime.block_on(engine.listed(true)) {
        data.take(HubMessage::Metrics { metrics }, 0.0);
    }
    let (until, status) = (Some(now_us), "ok".to_owned());
    let tick = HubMessage::Tick {
        now: now_us,
        data_until: until,
        recv_until: until,
        demo: true,
        replay: false,
        status,
        message: None,
    };
    data.take(tick, 0.0);
    data
}

fn fill(result: &mut MetricResult, city: &City, sql: &str, now_us: i64) {
    // A metric of one row is one of figures: it has that row also over an empty store.
    let rows = if result.rows.len() == 1 { 1 } else { result.rows.len().max(ROWS) };
    let columns: Vec<Vec<Json>> = result
        .columns
        .iter()
        .map(|column| (0..rows).map(|row| cell(&column.name, &column.column_type, row, city, sql, now_us)).collect())
        .collect();
    result.rows = (0..rows).map(|row| columns.iter().map(|column| column[row].clone()).collect()).collect();
}

fn cell(name: &str, kind: &str, row: usize, city: &City, sql: &str, now_us: i64) -> Json {
    // Places on an axis keep their order.
    const AXES: [&str; 7] = ["minute", "from_s", "to_s", "stage", "rank", "year", "rating"];
    match kind {
        kind if kind.starts_with("Utf8") => json!(word(name, row, city, sql)),
        kind if kind.starts_with("Date") => json!("2026-11-23"),
        kind if kind.starts_with("Timestamp") => json!(now_us - row as i64 * 61_000_000),
        "Boolean" => json!(row.is_multiple_of(2)),
        kind if kind.starts_with("Float") => match name {
            "value" | "share" | "rate" => json!(0.9876),
            _ => json!(8_888.8),
        },
        _ if AXES.contains(&name) => json!(row * 15 % 1440),
        _ if name.ends_with("_s") => json!(row as i64 * 3_599),
        _ => json!(LARGE / (row as i64 + 1)),
    }
}

/// A name of the city's dictionary where the column is one, or a text that the metric's own SQL names.
fn word(name: &str, row: usize, city: &City, sql: &str) -> String {
    fn turn<T>(list: &[T], row: usize) -> Option<&T> {
        list.get(row % list.len().max(1))
    }
    let known = match name {
        "area" => turn(&city.areas, row).map(|area| area.code.clone()),
        "board" => turn(&city.boards, row).map(|board| board.code.clone()),
        "note" => Some("求助有人听，".repeat(13) + "好。"),
        "topic" => turn(&city.topics, row).map(|topic| topic.code.clone()),
        "line" => turn(&city.lines, row).map(|line| line.code.clone()),
        "area_zh" => turn(&city.areas, row).map(|area| area.zh.clone()),
        "area_en" => turn(&city.areas, row).map(|area| area.en.clone()),
        name if name == "zh" || name.ends_with("_zh") => turn(&city.topics, row).map(|topic| topic.zh.clone()),
        name if name == "en" || name.ends_with("_en") => turn(&city.topics, row).map(|topic| topic.en.clone()),
        _ => None,
    };
    known.unwrap_or_else(|| {
        let quoted: Vec<&str> = sql.split('\'').skip(1).step_by(2).filter(|text| is_code(text)).collect();
        turn(&quoted, row).map_or_else(|| format!("{name}-{row:02}"), |code| (*code).to_owned())
    })
}

fn is_code(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|letter| letter.is_alphanumeric() || letter == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_come_from_the_city_or_the_metrics_own_sql() {
        let city = City::load("ningbo").unwrap();
        let sql = "SELECT count(*) FROM tickets WHERE kind = 'open' OR kind = 'finish' AND x = 'a b'";
        assert_eq!((word("kind", 0, &city, sql), word("kind", 1, &city, sql)), ("open".into(), "finish".into()));
        assert_eq!(word("board", 0, &city, sql), city.boards[0].code);
        assert_eq!(word("area_zh", 1, &city, sql), city.areas[1].zh);
        assert_eq!(word("odd", 3, &city, ""), "odd-03");
        assert_eq!(word("note", 0, &city, "").chars().count(), 80, "as long as a note may be");
    }
}
