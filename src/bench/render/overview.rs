//! The overview with many sparks: each frame new values in every metric and two new tickets.

use serde_json::{Value as Json, json};

use crate::model::message::{HubMessage, MetricResult};
use crate::wall::data::Data;
use crate::wall::painter::View;
use crate::wall::scene::Scene;
use crate::wall::screen::Seams;
use crate::wall::sparks;
use crate::wall::studio::Studio;
use crate::wall::{Lang, Mode, WallError};

use super::{Anew, Composed, Frames};

pub struct Case {
    pub size: [u32; 2],
    pub sparks: usize,
    pub anew: Anew,
}

/// Tickets that come in each frame; at 30 frames a second sixty a second, a thousand times what the city has.
const ARRIVALS: usize = 2;
/// The wall's seconds a frame takes.
const STEP_S: f64 = 1.0 / 30.0;

pub fn measure(
    studio: &mut Studio,
    scene: &Scene,
    known: &Data,
    case: &Case,
    seconds: f64,
) -> Result<Frames, WallError> {
    let mut data = known.clone();
    // A copy that goes its own way.
    data.serial = Data::default().serial;
    let began_us = data.now_us(0.0);
    data.sparks.clear();
    let mut tickets = Tickets { areas: areas(&data), boards: boards(&data), next: 0, now_us: began_us };
    data.take(tickets.come(case.sparks, true), 0.0);
    let results: Vec<MetricResult> = data.results().cloned().collect();
    let mut stirred = results.clone();
    let tabs = [("overview".to_owned(), "总览".to_owned()), ("ops".to_owned(), "话务".to_owned())];
    studio.composer.forget();
    Frames::measure(seconds, |number| {
        let now_s = number as f64 * STEP_S;
        tickets.now_us = began_us + (now_s * 1e6) as i64;
        for (result, stirred) in results.iter().zip(&mut stirred) {
            stir(result, stirred, number);
            data.take_result(stirred.clone(), now_s);
        }
        data.take(tickets.come(ARRIVALS, false), now_s);
        data.set_clock(tickets.now_us, now_s);
        if data.sparks.settle(now_s) {
            data.sparks.version += 1;
        }
        match case.anew {
            Anew::Changed => {}
            Anew::Marks => studio.composer.forget_marks(),
            Anew::Whole => studio.composer.forget(),
        }
        let view = View {
            data: &data,
            scene,
            tabs: &tabs,
            mode: Mode::Ops,
            lang: Lang::Zh,
            size: case.size,
            seams: Seams::NONE,
            now_us: tickets.now_us,
            now_s,
            settled: false,
            frozen_us: None,
            explain: false,
            paused: false,
            as_of: false,
            problem: None,
        };
        let composed = Composed::by(|| studio.compose(&view));
        studio.turn()?;
        studio.wait();
        Ok(composed)
    })
}

/// Other values in the same rows, within a fiftieth.
fn stir(result: &MetricResult, stirred: &mut MetricResult, number: u64) {
    let row_of = |row: usize| 1.0 + 0.02 * ((number as f64 * 0.7 + row as f64 * 1.3).sin());
    for (row, (from, to)) in result.rows.iter().zip(&mut stirred.rows).enumerate() {
        for (from, to) in from.iter().zip(to) {
            let Some(value) = from.as_f64() else { continue };
            // Codes and times stay.
            let figure = result.columns.len() > 1 || result.rows.len() == 1;
            if figure && value.abs() < 1e9 {
                *to = if from.is_f64() { json!(value * row_of(row)) } else { json!((value * row_of(row)) as i64) };
            }
        }
    }
}

fn areas(data: &Data) -> Vec<String> {
    data.city.iter().flat_map(|city| city.areas.iter().map(|area| area.code.clone())).collect()
}

fn boards(data: &Data) -> Vec<String> {
    data.city.iter().flat_map(|city| city.boards.iter().map(|board| board.code.clone())).collect()
}

struct Tickets {
    areas: Vec<String>,
    boards: Vec<String>,
    next: usize,
    now_us: i64,
}

impl Tickets {
    /// So many tickets, all but every thirtieth solved at once.
    fn come(&mut self, count: usize, backlog: bool) -> HubMessage {
        let mut rows = Vec::with_capacity(count);
        for number in self.next..self.next + count {
            let area = self.areas.get(number * 7 % self.areas.len().max(1)).map_or("", String::as_str);
            let board = self.boards.get(number * 5 % self.boards.len().max(1)).map_or("", String::as_str);
            let state = if number % 30 == 0 { "waiting" } else { "done" };
            let row: Vec<Json> = vec![
                json!(self.now_us),
                json!("open"),
                json!(format!("bench-{number}")),
                json!(area),
                json!("life"),
                json!(board),
                json!(state),
            ];
            rows.push(row);
        }
        self.next += count;
        let columns = sparks::COLUMNS.map(str::to_owned).to_vec();
        HubMessage::Events { stream: "tickets".into(), columns, rows, reset: false, backlog, more: false, seq: None }
    }
}
