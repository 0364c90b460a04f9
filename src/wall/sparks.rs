//! The sparks: every ticket of today, as the map shows it.
//!
//! Filled from the followed `tickets` stream. Services whose places are nobody's business (one-key alarms, the club for
//! the blind) make no spark. Bounded: beyond [`SPARKS_MAX`] the oldest go.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::Value as Json;

use crate::model::City;
use crate::model::time::{day_start_us, parse_time_us};

use super::map::{Map, area_position};
use super::tokens;

pub const SPARKS_MAX: usize = 200_000;
/// Rows of the past they start with: ten events to each of the sparks there is room for.
pub const TAIL: usize = 10 * SPARKS_MAX;
/// What the wall follows of each ticket event.
pub const COLUMNS: [&str; 7] = ["ts", "kind", "id", "area", "service", "board", "state"];
/// Services that get no point on a map.
const UNPLACED: [&str; 2] = ["onekey", "guangming"];

#[derive(Clone)]
pub struct Spark {
    /// In map coordinates.
    pub place: [f32; 2],
    /// Position in the city's boards.
    pub board: u8,
    pub solved: bool,
    pub opened_us: i64,
    /// Wall second of the last change; −∞ for what was there before the wall.
    pub changed_s: f64,
    /// Wall second at which it appeared; −∞ for what was there before the wall.
    pub born_s: f64,
}

#[derive(Clone, Default)]
pub struct Sparks {
    city: Option<Arc<City>>,
    map: Option<Arc<Map>>,
    by_id: HashMap<Box<str>, usize>,
    pub all: Vec<Spark>,
    /// Sparks that changed lately, by position in `all`.
    pub recent: Vec<usize>,
    /// Why the map could not be read.
    pub problem: Option<String>,
    /// Grows when sparks that had settled changed.
    pub version: u64,
}

impl Sparks {
    pub fn set_city(&mut self, city: &Arc<City>) {
        self.clear();
        self.problem = None;
        self.map = match Map::load(city) {
            Ok(map) => map.map(Arc::new),
            Err(error) => {
                tracing::warn!("{error}");
                self.problem = Some(error.to_string());
                None
            }
        };
        self.city = Some(city.clone());
    }

    pub fn map(&self) -> Option<&Arc<Map>> {
        self.map.as_ref()
    }

    pub fn clear(&mut self) {
        self.by_id.clear();
        self.all.clear();
        self.recent.clear();
        self.version += 1;
    }

    /// Takes ticket events in; rows of the past (`backlog`) do not flash.
    pub fn take(&mut self, columns: &[String], rows: &[Vec<Json>], backlog: bool, now_s: f64, now_us: i64) {
        let (Some(city), Some(map)) = (self.city.clone(), self.map.clone()) else { return };
        let position = |name: &str| columns.iter().position(|column| column == name);
        let Some(wanted) = COLUMNS.iter().map(|name| position(name)).collect::<Option<Vec<usize>>>() else { return };
        let today_us = day_start_us(now_us, city.tz, 0);
        let changed_s = if backlog { f64::NEG_INFINITY } else { now_s };
        for row in rows {
            let cell = |index: usize| row.get(wanted[index]).unwrap_or(&Json::Null);
            let text = |index: usize| cell(index).as_str().unwrap_or_default();
            let ts = cell(0).as_i64().or_else(|| parse_time_us(text(0))).unwrap_or(0);
            let (kind, id, service) = (text(1), text(2), text(4));
            let state = text(6);
            let solved = matches!(state, "done" | "visited" | "rated" | "closed");
            if let Some(index) = self.by_id.get(id).copied() {
                let spark = &mut self.all[index];
                if spark.solved != solved {
                    spark.solved = solved;
                    self.touch(index, changed_s);
                }
                continue;
            }
            if kind != "open" || ts < today_us || UNPLACED.contains(&service) {
                continue;
            }
            let Some(area) = area_position(&city, text(3)).and_then(|area| map.area(area)) else { continue };
            let board = text(5);
            let board = city.boards.iter().position(|known| known.code == board).unwrap_or(0) as u8;
            if self.all.len() >= SPARKS_MAX {
                self.drop_oldest();
            }
            let index = self.all.len();
            self.all.push(Spark {
                place: area.spark_place(id),
                board,
                solved,
                opened_us: ts,
                changed_s: f64::NEG_INFINITY,
                born_s: changed_s,
            });
            self.by_id.insert(id.into(), index);
            self.touch(index, changed_s);
        }
    }

    fn touch(&mut self, index: usize, changed_s: f64) {
        self.all[index].changed_s = changed_s;
        if changed_s.is_finite() {
            self.recent.push(index);
        } else {
            self.version += 1;
        }
    }

    /// Forgets yesterday's tickets. True when something went.
    pub fn keep_today(&mut self, now_us: i64) -> bool {
        let Some(city) = &self.city else { return false };
        let today_us = day_start_us(now_us, city.tz, 0);
        if self.all.iter().all(|spark| spark.opened_us >= today_us) {
            return false;
        }
        self.retain(|spark| spark.opened_us >= today_us);
        true
    }

    fn drop_oldest(&mut self) {
        let mut opened: Vec<i64> = self.all.iter().map(|spark| spark.opened_us).collect();
        let tenth = opened.len() / 10;
        let (_, limit, _) = opened.select_nth_unstable(tenth);
        let limit = *limit;
        self.retain(|spark| spark.opened_us > limit);
    }

    fn retain(&mut self, keep: impl Fn(&Spark) -> bool) {
        let mut moved = vec![usize::MAX; self.all.len()];
        let mut next = 0;
        for (index, spark) in self.all.iter().enumerate() {
            if keep(spark) {
                moved[index] = next;
                next += 1;
            }
        }
        self.all.retain(|spark| keep(spark));
        self.by_id.retain(|_, index| {
            *index = moved[*index];
            *index != usize::MAX
        });
        self.recent.retain_mut(|index| {
            *index = moved[*index];
            *index != usize::MAX
        });
        self.version += 1;
    }

    /// Those that changed within the last seconds (the newest of them, where they are very many) are new; the others are settled and leave `recent`. True when some
    /// settled now.
    pub fn settle(&mut self, now_s: f64) -> bool {
        let before = self.recent.len();
        let all = &self.all;
        self.recent.retain(|index| now_s - all[*index].changed_s < f64::from(tokens::SPARK_NEW_S));
        // In a flood the older ones settle sooner: nobody could follow them all, and each costs its glow.
        let surplus = self.recent.len().saturating_sub(tokens::SPARKS_NEW_MAX);
        for index in self.recent.drain(..surplus) {
            let spark = &mut self.all[index];
            (spark.changed_s, spark.born_s) = (f64::NEG_INFINITY, f64::NEG_INFINITY);
        }
        self.recent.len() != before
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn city() -> Arc<City> {
        let text = r#"
            code = "t"
            zh = "试"
            en = "Test"
            title_zh = "试"
            title_en = "Test"
            tz = "Asia/Shanghai"
            map = "ningbo.geojson"
            boards = [{ code = "life", zh = "生活服务", en = "Life" }]
            services = []
            areas = [{ code = "330203", zh = "海曙区", en = "Haishu" }]
        "#;
        Arc::new(City::parse("test", text).unwrap())
    }

    fn row(ts: i64, kind: &str, id: &str, service: &str, state: &str) -> Vec<Json> {
        vec![json!(ts), json!(kind), json!(id), json!("330203"), json!(service), json!("life"), json!(state)]
    }

    #[test]
    fn a_ticket_is_one_spark_until_it_is_solved_and_gone_after_midnight() {
        let mut sparks = Sparks::default();
        sparks.set_city(&city());
        let columns = COLUMNS.map(str::to_owned);
        let now = 1_800_000_000_000_000;
        let rows = [
            row(now, "open", "a", "life", "waiting"),
            row(now, "open", "b", "onekey", "waiting"),
            row(now + 1, "finish", "a", "life", "done"),
        ];
        sparks.take(&columns, &rows, false, 10.0, now);
        assert_eq!(sparks.all.len(), 1);
        assert!(sparks.all[0].solved);
        sparks.settle(100.0);
        assert!(sparks.recent.is_empty());
        assert!(sparks.keep_today(now + crate::model::time::DAY_US));
        assert!(sparks.all.is_empty());
    }

    #[test]
    fn in_a_flood_only_the_newest_shine() {
        let mut sparks = Sparks::default();
        sparks.set_city(&city());
        let now = 1_800_000_000_000_000;
        let count = tokens::SPARKS_NEW_MAX + 250;
        let rows: Vec<_> = (0..count).map(|number| row(now, "open", &number.to_string(), "life", "waiting")).collect();
        sparks.take(&COLUMNS.map(str::to_owned), &rows, false, 10.0, now);
        assert_eq!(sparks.recent.len(), count);
        assert!(sparks.settle(10.1));
        assert_eq!(sparks.recent.len(), tokens::SPARKS_NEW_MAX);
        assert!(sparks.all[0].changed_s == f64::NEG_INFINITY && sparks.all[count - 1].changed_s == 10.0);
    }
}
