//! What a still picture shows, fetched whole from a hub: now, or as of some time.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value as Json;

use crate::model::message::{ClientMessage, HubMessage, MetricRef, MetricResult};
use crate::model::time::{day_start_us, format_time, not_ahead, parse_time_us};

use super::data::Data;
use super::link::{Link, News};
use super::options::WallError;
use super::scene::Scene;
use super::sparks;

/// Rows of an answer about sparks: a message of some megabytes.
const SPARKS_ROWS: usize = 50_000;

/// What asks for the sparks as of a time, page by page. Only what changes a spark is asked for.
fn sparks_sql(after_seq: i64) -> String {
    format!(
        "SELECT ts, kind, id, area, service, board, state, seq FROM tickets \
         WHERE ts >= day_start(0) AND kind IN ('open', 'finish', 'reopen', 'merge') AND seq > {after_seq} \
         ORDER BY seq LIMIT {SPARKS_ROWS}"
    )
}

/// So long a newer result is waited for than the one the hub had ready: a metric that rests for a minute gives none.
const PATIENCE: Duration = Duration::from_secs(2);
/// Queries under way at once; the hub takes four a connection.
const UNDER_WAY: usize = 3;

/// What a still picture needs of a hub.
pub struct Wanted<'a> {
    pub hub: &'a str,
    /// As of this instant, µs; left out: the hub's now.
    pub at: Option<i64>,
    /// Give up after so many seconds.
    pub wait_s: u64,
    /// Each once.
    pub metrics: Vec<MetricRef>,
    /// Today's tickets, for a map.
    pub sparks: bool,
    /// What the files of the metrics say, with their texts.
    pub catalog: bool,
}

impl<'a> Wanted<'a> {
    /// Everything that these scenes show.
    pub fn of(hub: &'a str, at: Option<i64>, wait_s: u64, scenes: &[&Scene]) -> Wanted<'a> {
        let mut metrics: Vec<MetricRef> = Vec::new();
        for metric in scenes.iter().flat_map(|scene| scene.metrics()) {
            if !metrics.contains(&metric) {
                metrics.push(metric);
            }
        }
        let has_map = |scene: &&Scene| scene.panels.iter().any(|panel| panel.kind == "map");
        Wanted { hub, at, wait_s, metrics, sparks: scenes.iter().any(has_map), catalog: false }
    }
}

/// Today's ticket events up to `at_us`, as sparks are made of them ([`sparks::COLUMNS`]), each with its time, in order.
///
/// # Errors
/// As [`gather`].
pub fn gather_tickets(hub: &str, at_us: i64, wait_s: u64) -> Result<Vec<(i64, Vec<Json>)>, WallError> {
    let wanted = Wanted { hub, at: Some(at_us), wait_s, metrics: Vec::new(), sparks: true, catalog: false };
    let rows = fetch(wanted)?.tickets;
    let time = |row: &Vec<Json>| match row.first() {
        Some(Json::String(text)) => parse_time_us(text),
        Some(value) => value.as_i64(),
        None => None,
    };
    let mut tickets: Vec<_> = rows.into_iter().filter_map(|row| Some((time(&row)?, row))).collect();
    tickets.sort_by_key(|(ts, _)| *ts);
    Ok(tickets)
}

/// Fetches what is wanted.
///
/// # Errors
/// The hub did not give all of it in time; what is missing is named.
pub fn gather(wanted: Wanted<'_>) -> Result<Data, WallError> {
    Ok(fetch(wanted)?.data)
}

fn fetch(wanted: Wanted<'_>) -> Result<Gathering, WallError> {
    let bell = Arc::new((parking_lot::Mutex::new(()), parking_lot::Condvar::new()));
    let ring = bell.clone();
    let link = Link::open(
        wanted.hub,
        Arc::new(move || {
            ring.1.notify_one();
        }),
    )?;
    let mut gathering = Gathering {
        link,
        data: Data::default(),
        at: wanted.at,
        missing: wanted.metrics,
        older: Vec::new(),
        asked: Vec::new(),
        sparks_missing: wanted.sparks,
        catalog_missing: wanted.catalog,
        sparks_asked: false,
        sparks_after: -1,
        ticked: false,
        welcomed_us: 0,
        since: Instant::now(),
        ahead: None,
        tickets: Vec::new(),
    };
    if wanted.at.is_none() {
        gathering.link.subscribe(gathering.missing.clone());
    }
    let deadline = Instant::now() + Duration::from_secs(wanted.wait_s.max(1));
    loop {
        while let Some(news) = gathering.link.next() {
            gathering.take(news);
        }
        if let Some(ahead) = gathering.ahead.take() {
            return Err(WallError::Setup(ahead));
        }
        gathering.settle_for_older();
        if gathering.is_complete() {
            return Ok(gathering);
        }
        if Instant::now() > deadline {
            return Err(WallError::Timeout {
                wait_s: wanted.wait_s,
                hub: wanted.hub.to_owned(),
                missing: gathering.what_is_missing(),
            });
        }
        bell.1.wait_for(&mut bell.0.lock(), Duration::from_millis(20));
    }
}

struct Gathering {
    link: Link,
    data: Data,
    at: Option<i64>,
    missing: Vec<MetricRef>,
    /// Missing ones of which an older result is there, as the hub shows it to others.
    older: Vec<MetricRef>,
    /// Queries under way: number and metric; `None` is the sparks.
    asked: Vec<(u64, Option<MetricRef>)>,
    sparks_missing: bool,
    catalog_missing: bool,
    sparks_asked: bool,
    /// The `seq` of the last ticket event that came of those asked for.
    sparks_after: i64,
    ticked: bool,
    /// The hub's clock as it said hello.
    welcomed_us: i64,
    since: Instant,
    /// Why there can be no picture of the time that is asked for: it has not come.
    ahead: Option<String>,
    /// The ticket events that were asked for, as they came.
    tickets: Vec<Vec<Json>>,
}

impl Gathering {
    fn take(&mut self, news: News) {
        let News::Message(message) = news else {
            if let News::Down(why) = news {
                self.data.down = Some(why);
                self.asked.clear();
                self.sparks_asked = false;
            }
            return;
        };
        match *message {
            answer @ HubMessage::Answer { .. } => self.answer(answer),
            // The hub's now is not the picture's.
            HubMessage::Tick { .. } if self.at.is_some() => {}
            HubMessage::Result(result) => {
                // The hub first sends what it last worked out for somebody else; that may be old.
                let metric = MetricRef { name: result.metric.clone(), params: result.params.clone() };
                if result.as_of >= self.welcomed_us - 1_000_000 {
                    self.missing.retain(|missing| *missing != metric);
                } else {
                    self.older.push(metric);
                }
                self.data.take_result(result, f64::NEG_INFINITY);
            }
            message => {
                let welcome = matches!(message, HubMessage::Welcome { .. });
                if let HubMessage::Events { stream, more: false, .. } = &message
                    && stream == "tickets"
                {
                    self.sparks_missing = false;
                }
                if let HubMessage::Metrics { .. } = &message {
                    self.catalog_missing = false;
                }
                self.ticked |= matches!(message, HubMessage::Tick { .. });
                self.data.take(message, 0.0);
                if welcome {
                    self.start();
                }
            }
        }
        self.ask_more();
    }

    fn settle_for_older(&mut self) {
        if self.since.elapsed() > PATIENCE {
            self.missing.retain(|metric| !self.older.contains(metric));
        }
    }

    fn start(&mut self) {
        self.welcomed_us = self.data.now_us(0.0);
        self.since = Instant::now();
        self.sparks_after = -1;
        self.tickets.clear();
        if self.catalog_missing {
            self.link.send(ClientMessage::Metrics { sql: true });
        }
        if let (Some(at), Some(city)) = (self.at, &self.data.city) {
            self.ahead = not_ahead(at, self.welcomed_us, city.tz).err();
        }
        // What the hub does not know will never come.
        let known = &self.data.known_metrics;
        self.missing.retain(|metric| known.contains(&metric.name));
        if self.data.sparks.map().is_none() {
            self.sparks_missing = false;
        }
        match self.at {
            Some(at) => self.data.set_clock(at, 0.0),
            None if self.sparks_missing => {
                if let Some(city) = &self.data.city {
                    let today_us = day_start_us(self.data.now_us(0.0), city.tz, 0);
                    self.link.follow("tickets", &sparks::COLUMNS, sparks::TAIL, Some(today_us));
                }
            }
            None => {}
        }
    }

    /// As of a time, metrics are asked one by one.
    fn ask_more(&mut self) {
        let (Some(at), Some(city)) = (self.at, &self.data.city) else { return };
        let at = Some(format_time(at, city.tz));
        while self.asked.len() < UNDER_WAY {
            let waiting = |metric: &MetricRef| self.asked.iter().any(|(_, asked)| asked.as_ref() == Some(metric));
            let next = self.missing.iter().find(|metric| !waiting(metric)).cloned();
            let id = self.asked.iter().map(|(id, _)| *id).max().unwrap_or(self.data.version) + 1;
            let message = match &next {
                Some(metric) => ClientMessage::Query {
                    id,
                    sql: None,
                    name: Some(metric.name.clone()),
                    params: metric.params.clone(),
                    at: at.clone(),
                    explain: false,
                },
                None if self.sparks_missing && !self.sparks_asked => {
                    self.sparks_asked = true;
                    ClientMessage::Query {
                        id,
                        sql: Some(sparks_sql(self.sparks_after)),
                        name: None,
                        params: Default::default(),
                        at: at.clone(),
                        explain: false,
                    }
                }
                None => return,
            };
            self.asked.push((id, next));
            self.link.send(message);
        }
    }

    fn answer(&mut self, answer: HubMessage) {
        let HubMessage::Answer { id, columns, rows, error, data_until, demo, replay, info, .. } = answer else {
            return;
        };
        let Some(position) = self.asked.iter().position(|(asked, _)| *asked == id) else { return };
        let (_, metric) = self.asked.swap_remove(position);
        let overloaded = error.as_ref().is_some_and(|error| error.code == "overloaded");
        let at = self.at.unwrap_or(0);
        match metric {
            _ if overloaded => self.sparks_asked = self.sparks_asked && !self.sparks_missing,
            Some(metric) => {
                self.missing.retain(|missing| *missing != metric);
                self.data.take_result(
                    MetricResult {
                        metric: metric.name,
                        params: metric.params,
                        version: 0,
                        as_of: at,
                        data_until,
                        demo,
                        replay,
                        columns,
                        rows,
                        error: error.map(|error| error.message),
                        info,
                    },
                    f64::NEG_INFINITY,
                );
            }
            None => {
                if let Some(error) = error {
                    tracing::warn!("the tickets of the map could not be asked for: {}", error.message);
                }
                let names: Vec<String> = columns.into_iter().map(|column| column.name).collect();
                self.data.sparks.take(&names, &rows, true, 0.0, at);
                let last = rows.last().and_then(|row| row.last()).and_then(Json::as_i64);
                match last.filter(|_| rows.len() == SPARKS_ROWS) {
                    Some(last) => (self.sparks_after, self.sparks_asked) = (last, false),
                    None => self.sparks_missing = false,
                }
                self.tickets.extend(rows);
            }
        }
    }

    fn is_complete(&self) -> bool {
        let clock = self.at.is_some() || self.ticked;
        let figures = self.missing.is_empty() && !self.sparks_missing && self.asked.is_empty();
        self.data.city.is_some() && clock && figures && !self.catalog_missing
    }

    fn what_is_missing(&self) -> String {
        if let (None, Some(why)) = (&self.data.city, &self.data.down) {
            return why.clone();
        }
        if self.data.city.is_none() {
            return "the hub did not say hello".into();
        }
        let mut names: Vec<&str> = self.missing.iter().map(|metric| metric.name.as_str()).collect();
        if self.sparks_missing {
            names.push("today's tickets");
        }
        if self.catalog_missing {
            names.push("what the files of the metrics say");
        }
        if self.at.is_none() && !self.ticked {
            names.push("the hub's clock");
        }
        format!("still missing: {}", names.join(", "))
    }
}
