//! The night sky: every request since the line began as light over the city, one sentence, one number, the years.
//!
//! The points are scattered as sparks are: inside their district, never at an address. Requests from before this store
//! are drawn from the opening balance, by the districts' residents and the boards' present shares, and the footnote
//! says so. All of them are points of light, one each (`light`): a field that stands, or on a graphics card points that
//! move. A few shine as stars.

mod light;

use chrono::{Datelike, NaiveDate};
use serde::Deserialize;

use crate::model::city::parse_day;
use crate::model::time::to_zone;

use super::super::canvas::{Face, Rect, Style};
use super::super::data::Data;
use super::super::format;
use super::super::map::Map;
use super::super::options::Lang;
use super::super::scene::{Metric, Words};
use super::super::tokens::{self, size};
use super::map::{Fit, fill};
use super::milestones::{self, Form, Track};
use super::{Cx, Panel};
use light::Light;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sky {
    /// value, baseline, counted.
    metric: Metric,
    /// Solved today.
    today: Metric,
    /// state, n.
    seats: Metric,
    /// area, n: how the points are shared among the districts.
    areas: Metric,
    /// board, n: how they are coloured.
    boards: Metric,
    /// `{years}` stands for the years since the line began.
    sentence: Words,
    /// Behind the number.
    after: Words,
    /// Longitude and latitude in the middle of the map's place; left out: the map's own middle.
    #[serde(default)]
    centre: Option<[f64; 2]>,
    /// How many times larger than the whole map in its place.
    #[serde(default = "zoom")]
    zoom: f32,
    /// The light of all requests, kept while nothing of it changes.
    #[serde(skip)]
    light: parking_lot::Mutex<Option<Light>>,
}

fn zoom() -> f32 {
    1.0
}

/// On a wide, low wall the map is at most so many times larger than its room is high: where people live fills the wall,
/// and the ends of the land lie beyond it.
const WIDE_ZOOM: f32 = 1.9;

/// How a wall is shaped: what stands beside what.
#[derive(Clone, Copy, PartialEq)]
enum Shape {
    /// Words, and a map that reaches beyond the wall above and below.
    Wide,
    /// Words, map.
    Plain,
    /// The map below the words.
    Tall,
}

impl Shape {
    fn of(wall: Rect) -> Shape {
        match wall.width() / wall.height() {
            wide if wide > 2.2 => Shape::Wide,
            plain if plain > 1.0 => Shape::Plain,
            _ => Shape::Tall,
        }
    }

    /// Where the map stands: left, top, right, bottom as shares of the wall.
    fn map(self) -> [f32; 4] {
        match self {
            Shape::Wide => [0.40, 0.02, 0.96, 0.93],
            Shape::Plain => [0.50, 0.03, 0.98, 0.88],
            Shape::Tall => [0.04, 0.42, 0.96, 0.91],
        }
    }

    /// How much larger than usual the words are, and how much of the wall's height they take.
    fn words(self) -> (f32, f32) {
        match self {
            Shape::Wide => (1.3, 1.0),
            Shape::Plain => (1.0, 1.0),
            Shape::Tall => (1.0, 0.5),
        }
    }
}

impl Sky {
    fn fit(&self, map: &Map, wall: Rect) -> Fit {
        let [left, top, right, bottom] = map.bounds;
        let [from_x, from_y, to_x, to_y] = Shape::of(wall).map();
        let room = [(to_x - from_x) * wall.width(), (to_y - from_y) * wall.height()];
        let (wide, high) = (room[0] / (right - left), room[1] / (bottom - top));
        let mut middle = [(left + right) * 0.5, (top + bottom) * 0.5];
        let whole = match Shape::of(wall) {
            Shape::Wide => {
                middle[1] = map.midst().unwrap_or(middle[1]);
                wide.min(high * WIDE_ZOOM)
            }
            _ => wide.min(high),
        };
        let scale = whole * self.zoom;
        let middle = self.centre.map_or(middle, |[x, y]| map.at(x, y));
        let at = [wall.left + wall.width() * (from_x + to_x) * 0.5, wall.top + wall.height() * (from_y + to_y) * 0.5];
        Fit { scale, left: at[0] - middle[0] * scale, top: at[1] - middle[1] * scale }
    }

    fn block_left(wall: Rect) -> f32 {
        wall.left + 150.0_f32.min(wall.width() * 0.05)
    }
}

impl Panel for Sky {
    fn metrics(&self) -> Vec<&Metric> {
        vec![&self.metric, &self.today, &self.seats, &self.areas, &self.boards]
    }

    fn back_version(&self, data: &Data) -> u64 {
        // The districts' and boards' shares move slowly; the sky is drawn anew only when they first come in.
        let known =
            [&self.areas, &self.boards, &self.metric].map(|metric| u64::from(data.metric(&metric.0).rows() > 0));
        known[0] | known[1] << 1 | known[2] << 2
    }

    fn paint_back(&self, cx: &mut Cx<'_, '_>) {
        // Darker than the other scenes: the ground is the night.
        cx.paint.rect(cx.rect, 0.0, tokens::GROUND_EDGE.alpha(0.72));
        let Some(map) = cx.data.sparks.map().cloned() else { return };
        let fit = self.fit(&map, cx.rect);
        for area in &map.areas {
            fill(cx, &area.triangles, &fit, |_| tokens::NIGHT_LAND);
        }
        let line = |points: &[[f32; 2]]| points.iter().map(|point| fit.point(*point)).collect::<Vec<_>>();
        for border in &map.borders {
            cx.paint.polyline(&line(border), 1.2, tokens::NIGHT_BORDER, None);
        }
        for coast in &map.coast {
            cx.paint.glow_line(&line(coast), 16.0, tokens::NIGHT_COAST.alpha(0.12));
            cx.paint.polyline(&line(coast), 1.2, tokens::NIGHT_COAST.alpha(0.7), None);
        }
        self.lights(cx, &map, &fit);
        if !cx.paint.points_move {
            foot(cx);
        }
    }

    fn paint_moving(&self, cx: &mut Cx<'_, '_>) {
        let Some(map) = cx.data.sparks.map().cloned() else { return };
        if cx.paint.points_move {
            self.moving_lights(cx, &map);
            foot(cx);
        }
        if !cx.settled {
            self.falling(cx, &map);
        }
    }

    fn paint(&self, cx: &mut Cx<'_, '_>) {
        let (most, high) = Shape::of(cx.rect).words();
        let (scale, rect) = (cx.paint.scale, cx.rect);
        // Number and sentence end before the first seam.
        let left = Self::block_left(rect);
        let number = format::whole(cx.table(&self.metric).number(0, "value"));
        let width = cx.paint.measure(&number, &Style::new(Face::FigureBold, size::GIANT, tokens::TEXT)) + 12.0;
        let (sentence, lead) = self.sentence(cx);
        let width = width.max(cx.paint.measure(&sentence, &lead) + 12.0);
        let larger = most.min(cx.seams.free(left, rect.right) / width);
        cx.paint.scale *= larger;
        cx.rect = rect.times(1.0 / larger);
        cx.rect.bottom = cx.rect.top + cx.rect.height() * high;
        cx.zoom = larger;
        self.words(cx, left / larger);
        cx.paint.scale = scale;
        cx.rect = rect;
        cx.zoom = 1.0;
        self.timeline(cx);
    }

    fn least(&self) -> [f32; 2] {
        [1000.0, 600.0]
    }

    fn shows_map(&self) -> bool {
        true
    }

    fn may_cross_seams(&self) -> bool {
        true
    }
}

impl Sky {
    /// Today's requests fall into the sky as they come.
    fn falling(&self, cx: &mut Cx<'_, '_>, map: &Map) {
        const FALL_S: f32 = 2.2;
        let fit = self.fit(map, cx.rect);
        for index in &cx.data.sparks.recent {
            let Some(spark) = cx.data.sparks.all.get(*index) else { continue };
            let age = (cx.now_s - spark.born_s) as f32;
            if !(0.0..tokens::SPARK_NEW_S).contains(&age) {
                continue;
            }
            *cx.moving = true;
            let [x, y] = fit.point(spark.place);
            let colour = tokens::board(usize::from(spark.board));
            let share = (age / FALL_S).min(1.0);
            let eased = share * share;
            let from = y - 360.0;
            let now = from + (y - from) * eased;
            if share < 1.0 {
                let tail = Rect::new(x - 0.8, now - 90.0 * eased, 1.6, 90.0 * eased);
                cx.paint.gradient(tail, 0.0, colour.alpha(0.0), colour.alpha(0.75), false);
                cx.paint.spark(x, now, 10.0, 1.8, colour.mix(tokens::TEXT, 0.5));
            } else {
                let left = 1.0 - (age - FALL_S) / (tokens::SPARK_NEW_S - FALL_S);
                cx.paint.spark(x, y, 6.0 + 18.0 * left * left, 1.6 + 1.4 * left, colour.mix(tokens::TEXT, 0.4 * left));
                let ring = age - FALL_S;
                if ring < 1.4 {
                    let share = ring / 1.4;
                    cx.paint.ring(x, y, 3.0 + 26.0 * share.sqrt(), 1.4, 0.0, 1.0, colour.alpha(0.7 * (1.0 - share)));
                }
            }
        }
    }

    /// 二十五年，每一点光都是一次帮助
    fn sentence(&self, cx: &Cx<'_, '_>) -> (String, Style) {
        let spacing = if cx.lang == Lang::Zh { 0.10 } else { 0.0 };
        let years = years_since(cx).map_or(String::new(), |years| count_words(years, cx.lang));
        let lead = Style::new(Face::Text, size::FIGURE, tokens::TEXT_BODY).spacing(spacing);
        (self.sentence.pick(cx.lang).replace("{years}", &years), lead)
    }

    fn words(&self, cx: &mut Cx<'_, '_>, left: f32) {
        let height = cx.rect.height();
        let (sentence, lead) = self.sentence(cx);
        let wide = Shape::of(cx.rect) == Shape::Wide;
        // Sentence, number and its words are one group, what is now another.
        let [lead_at, number_at, after_at, legend_at, now_at] =
            if wide { [0.155, 0.402, 0.523, 0.622, 0.735] } else { [0.180, 0.405, 0.508, 0.668, 0.752] };
        let sentence_at = cx.off_rows(cx.rect.top + height * lead_at, &lead);
        cx.paint.text(left, sentence_at, &sentence, &lead);
        let table = cx.table(&self.metric);
        let number = Style::new(Face::FigureBold, size::GIANT, tokens::TEXT).glow(30.0, tokens::ACCENT.alpha(0.30));
        let baseline = cx.off_rows(cx.rect.top + height * number_at, &number);
        cx.rolling_number(left - 6.0, baseline, &table, "value", 0, &number);
        let after = Style::new(Face::Text, size::FIGURE, tokens::TEXT);
        let after_at = cx.off_rows(cx.rect.top + height * after_at, &after);
        let width = cx.paint.text(left, after_at, self.after.pick(cx.lang), &after);
        if !cx.city.since.is_empty() {
            let since = since_words(&cx.city.since, cx.lang);
            cx.paint.text(
                left + width + 24.0,
                after_at,
                &since,
                &Style::new(Face::Text, size::RING_FIGURE, tokens::TEXT_QUIET),
            );
        }
        self.legend(cx, left, cx.rect.top + height * legend_at, wide);
        self.now_sentence(cx, left, cx.rect.top + height * now_at);
    }

    /// What the colours are; where there is room for it, how many of each there were in a day.
    fn legend(&self, cx: &mut Cx<'_, '_>, left: f32, baseline: f32, counted: bool) {
        let table = cx.table(&self.boards);
        let name = Style::new(Face::Text, size::RING_FIGURE, tokens::TEXT_BODY);
        let figure = Style::new(Face::Figure, size::RING_FIGURE, tokens::TEXT);
        let quiet = Style::new(Face::Text, size::ROW_FIGURE, tokens::TEXT_QUIET);
        let baseline = cx.off_rows(baseline, &name);
        let mut pen = left;
        for board in &cx.city.boards {
            let said = cx.lang.pick(&board.zh, &board.en);
            let row = (0..table.rows()).find(|row| table.text(*row, "board") == Some(&board.code));
            let count = format::whole(row.and_then(|row| table.number(row, "n")));
            let counted = counted.then_some(count.as_str());
            let count_width = counted.map_or(0.0, |count| 12.0 + cx.paint.measure(count, &figure));
            let width = 30.0 + cx.paint.measure(said, &name) + count_width;
            pen = cx.past_seams(pen, width);
            cx.paint.disc(pen + 9.0, baseline - 9.0, 9.0, cx.board_colour(&board.code));
            pen += 30.0;
            pen += cx.paint.text(pen, baseline, said, &name);
            if let Some(count) = counted {
                pen += 12.0 + cx.paint.text(pen + 12.0, baseline, count, &figure);
            }
            pen += 40.0;
        }
        if counted {
            let said = cx.lang.pick("近 24 小时受理", "opened in 24 hours");
            let width = cx.paint.measure(said, &quiet);
            pen = cx.past_seams(pen, width);
            cx.paint.text(pen, baseline, said, &quiet);
        }
    }

    /// 此刻，31 位话务员正在倾听；今天已解决 4,187 件求助。
    fn now_sentence(&self, cx: &mut Cx<'_, '_>, left: f32, baseline: f32) {
        let seats = cx.table(&self.seats);
        let talking = (0..seats.rows())
            .filter(|row| seats.text(*row, "state") == Some("talk"))
            .filter_map(|row| seats.number(row, "n"))
            .reduce(|a, b| a + b)
            .or_else(|| (seats.rows() > 0).then_some(0.0));
        let today = cx.table(&self.today).number(0, "value");
        let text = Style::new(Face::Text, size::RING_FIGURE, tokens::TEXT_BODY);
        let figure = Style::new(Face::Figure, size::FIGURE, tokens::ACCENT_SOFT);
        let baseline = cx.off_rows(baseline, &figure);
        let parts: [(&str, Option<String>); 5] = match cx.lang {
            Lang::Zh => [
                ("此刻，", None),
                ("", Some(format::whole(talking))),
                (" 位话务员正在倾听；今天已解决 ", None),
                ("", Some(format::whole(today))),
                (" 件求助。", None),
            ],
            Lang::En => [
                ("Right now ", None),
                ("", Some(format::whole(talking))),
                (" people are listening; ", None),
                ("", Some(format::whole(today))),
                (" requests solved today.", None),
            ],
        };
        let mut pen = left;
        for (words, value) in parts {
            let (said, style, baseline) = match &value {
                Some(value) => (value.as_str(), &figure, baseline + 1.0),
                None => (words, &text, baseline),
            };
            let width = cx.paint.measure(said, style);
            pen = cx.past_seams(pen, width);
            pen += cx.paint.text(pen, baseline, said, style);
        }
    }

    fn timeline(&self, cx: &mut Cx<'_, '_>) {
        if milestones::span(cx).is_none() {
            return;
        }
        let (left, right) = (Self::block_left(cx.rect), cx.rect.right - (Self::block_left(cx.rect) - cx.rect.left));
        let y = cx.rect.bottom - 118.0;
        // The line ends a little before the edge: what comes is still open.
        let now_x = left + (right - left) * 0.955;
        cx.paint.segment([now_x, y], [right, y], 1.5, tokens::BORDER);
        let label = Style::new(Face::Text, size::ROW_FIGURE, tokens::TEXT_QUIET);
        let track = Track { left, now: now_x, y, room: [left, now_x - 70.0] };
        let form = Form { year: label, words: label, below: None, lanes: [38.0, -20.0] };
        let stops = milestones::stops(cx);
        let spots = milestones::spots(cx, &track, &form, &stops);
        milestones::draw(cx, &track, &form, &stops, &spots, 8.0);
        cx.paint.disc(now_x, y, 11.0, tokens::TEXT);
        cx.paint.text(now_x, y + 38.0, cx.lang.pick("今天", "today"), &label.middle());
        // Said as long as there is room for it.
        let texts = match cx.lang {
            Lang::Zh => [
                "示意：一件一点，落在所属区内，不代表地址；本系统之前的由期初数按常住人口与近 24 小时类别散布",
                "示意：一件一点，不代表地址；之前的由期初数按人口散布",
            ],
            Lang::En => [
                "schematic: a point a request, inside its district, never at an address; those before this system are the opening balance, by residents and the boards of 24 h",
                "schematic: a point a request, never at an address; earlier ones are the opening balance",
            ],
        };
        let style = Style::new(Face::Text, size::BODY, tokens::TEXT_FAINT);
        let room = cx.seams.free(left, now_x);
        let text = texts.into_iter().find(|text| cx.paint.measure(text, &style) <= room).unwrap_or(texts[1]);
        cx.paint.text_within(left, y - 60.0, room, text, &style);
    }
}

/// Darker towards the foot, so that the years stay readable; over all light but what falls.
fn foot(cx: &mut Cx<'_, '_>) {
    let foot = Rect { top: cx.rect.bottom - 190.0, ..cx.rect };
    cx.paint.gradient(foot, 0.0, tokens::GROUND_EDGE.alpha(0.0), tokens::GROUND_EDGE.alpha(0.85), false);
}

/// A full date as it is read aloud; a year alone as it stands.
fn since_words(since: &str, lang: Lang) -> String {
    match (NaiveDate::parse_from_str(since, "%Y-%m-%d"), lang) {
        (Ok(day), Lang::Zh) => format!("自 {} 年 {} 月 {} 日", day.year(), day.month(), day.day()),
        (Ok(day), Lang::En) => day.format("since %-d %B %Y").to_string(),
        (Err(_), Lang::Zh) => format!("自 {since}"),
        (Err(_), Lang::En) => format!("since {since}"),
    }
}

fn years_since(cx: &Cx<'_, '_>) -> Option<i32> {
    let begin = parse_day(&cx.city.since)?;
    let today = to_zone(cx.now_us, cx.city.tz).date_naive();
    let before_anniversary = (today.month(), today.day()) < (begin.month(), begin.day());
    Some(today.year() - begin.year() - i32::from(before_anniversary))
}

/// 25 → 二十五; in English digits.
fn count_words(number: i32, lang: Lang) -> String {
    if lang == Lang::En || !(1..100).contains(&number) {
        return number.to_string();
    }
    const DIGITS: [&str; 10] = ["", "一", "二", "三", "四", "五", "六", "七", "八", "九"];
    let (tens, ones) = (number as usize / 10, number as usize % 10);
    match tens {
        0 => DIGITS[ones].to_owned(),
        1 => format!("十{}", DIGITS[ones]),
        _ => format!("{}十{}", DIGITS[tens], DIGITS[ones]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn years_are_counted_in_words() {
        assert_eq!(count_words(25, Lang::Zh), "二十五");
        assert_eq!(count_words(10, Lang::Zh), "十");
        assert_eq!(count_words(25, Lang::En), "25");
    }
}
