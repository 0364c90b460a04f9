//! Public warnings in the legal four colours, and incidents: what was said, where, and since when.

use serde::Deserialize;

use super::super::canvas::wrap::at_most;
use super::super::canvas::{Face, Rect, Style};
use super::super::data::Table;
use super::super::format;
use super::super::options::Lang;
use super::super::scene::{Metric, Words};
use super::super::tokens::{self, Colour, size};
use super::{Calm, Cx, Panel, body, caption};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Warnings {
    /// ts, colour (red, orange, yellow, blue; null of an incident), area, note; newest first.
    metric: Metric,
    /// Said when there is none.
    #[serde(default)]
    empty: Words,
}

/// Least and greatest height of a warning of one line, and what a second line adds.
const HIGH: [f32; 2] = [30.0, 52.0];
const SECOND: f32 = 20.0;
const BADGE: [f32; 2] = [46.0, 24.0];
/// Height of the frame on a map, and what is left free inside it.
const CHIP: f32 = 40.0;
const CHIP_PAD: f32 = 10.0;

/// The legal colours, the strongest first: their codes, and how a warning's words name them.
const COLOURS: [(&str, &str); 4] = [("red", "红色"), ("orange", "橙色"), ("yellow", "黄色"), ("blue", "蓝色")];

pub const COLUMNS: [&str; 4] = ["ts", "colour", "area", "note"];

impl Panel for Warnings {
    fn metrics(&self) -> Vec<&Metric> {
        vec![&self.metric]
    }

    fn columns(&self) -> Vec<(&Metric, &str)> {
        COLUMNS.map(|column| (&self.metric, column)).to_vec()
    }

    fn paint(&self, cx: &mut Cx<'_, '_>) {
        let (inner, table) = (cx.inner(), cx.table(&self.metric));
        if table.rows() == 0 {
            cx.heading_of_file();
            cx.empty_in_words(&table, Calm::Well, &self.empty, "没有生效的预警", "no warning in force");
            return;
        }
        let clock = Style::new(Face::Figure, size::CAPTION, tokens::TEXT_QUIET).right();
        let times: Vec<String> = (0..table.rows()).map(|row| since(cx, &table, row)).collect();
        let widest = cx.paint.widest(&times, &clock);
        let left = inner.left + BADGE[0] + 14.0;
        let room = inner.right - left - widest - 12.0;
        let said: Vec<String> = (0..table.rows()).map(|row| words(cx, &table, row)).collect();
        let two = said.iter().any(|text| cx.paint.measure(text, &body()) > room);
        let high = HIGH.map(|high| high + if two { SECOND } else { 0.0 });
        let (pitch, tops) = cx.rows([inner.top, inner.bottom], table.rows(), high);
        let note = cx.note_of_file();
        cx.heading(&match (cx.lang, table.rows()) {
            (_, all) if all == tops.len() => note,
            (Lang::Zh, all) => format!("{note} · 共 {all} 条"),
            (Lang::En, all) => format!("{note} · {all} in all"),
        });
        for (row, top) in tops.iter().enumerate() {
            let middle = top + pitch * 0.5;
            badge(cx, table.text(row, "colour").unwrap_or_default(), inner.left, middle);
            let lines = cx.paint.lines(&said[row], room, 0, &body());
            let lines = at_most(&lines, if two { 2 } else { 1 });
            let first = middle + 6.5 - SECOND * 0.5 * (lines.len() as f32 - 1.0);
            for (index, line) in lines.iter().enumerate() {
                cx.paint.text_within(left, first + SECOND * index as f32, room + 1.0, line, &body());
            }
            cx.paint.text(inner.right, middle + 5.5, &times[row], &clock);
            if row + 1 < tops.len() {
                cx.paint.rule(inner.left, inner.right, top + pitch, tokens::RULE.alpha(0.4));
            }
        }
    }

    fn opens_at_seams(&self) -> bool {
        true
    }

    fn ample(&self) -> Option<[f32; 2]> {
        Some([360.0, 160.0])
    }
}

/// The warning that counts, in the upper right corner of a map: of the newest of each hazard the strongest, and how many
/// rows there are beside it. Nothing where none has one of the four colours.
pub fn chip(cx: &mut Cx<'_, '_>, table: &Table<'_>) {
    let said =
        |row: usize| (table.text(row, "colour").unwrap_or_default(), table.text(row, "note").unwrap_or_default());
    let Some(row) = strongest((0..table.rows()).map(said)) else { return };
    let mut text = format!("{} · {}", words(cx, table, row), since(cx, table, row));
    match (cx.lang, table.rows() - 1) {
        (_, 0) => {}
        (Lang::Zh, others) => text += &format!(" · 另 {others} 条"),
        (Lang::En, others) => text += &format!(" · {others} more"),
    }
    let beside = BADGE[0] + 12.0 + 2.0 * CHIP_PAD;
    let room = cx.rect.width() - beside;
    let width = cx.paint.measure(&text, &body()).min(room) + beside;
    let left = cx.off_seams(cx.rect.right - width, width);
    let frame = Rect::new(left, cx.rect.top, width, CHIP);
    let colour = table.text(row, "colour").unwrap_or_default();
    let (fill, _, _) = look(colour, cx.lang);
    let ground = tokens::GROUND_EDGE.alpha(0.86);
    cx.paint.framed(frame, 4.0, ground, ground, false, fill.map(|fill| (1.4, fill)));
    badge(cx, colour, left + CHIP_PAD, frame.middle_y());
    cx.paint.text_within(left + CHIP_PAD + BADGE[0] + 12.0, frame.middle_y() + 6.5, room + 1.0, &text, &body());
}

/// Which of the rows (colour, note), newest first, is the strongest warning in force: a hazard's newest takes the place of
/// its older ones.
fn strongest<'t>(rows: impl Iterator<Item = (&'t str, &'t str)>) -> Option<usize> {
    let mut hazards: Vec<String> = Vec::new();
    let mut best: Option<(usize, usize)> = None;
    for (row, (colour, note)) in rows.enumerate() {
        let Some(rank) = COLOURS.iter().position(|(code, _)| *code == colour) else { continue };
        // The same words with another colour are of the same hazard, whatever is said further.
        let said = note.split(['，', ',', '。', '；', ';', '（', '(']).next().unwrap_or_default().to_lowercase();
        let hazard = COLOURS.iter().fold(said, |note, (en, zh)| note.replace(zh, "").replace(en, ""));
        if hazards.contains(&hazard) {
            continue;
        }
        hazards.push(hazard);
        if best.is_none_or(|(least, _)| rank < least) {
            best = Some((rank, row));
        }
    }
    best.map(|(_, row)| row)
}

/// What is said, and of which district where it is not of the whole city.
fn words(cx: &Cx<'_, '_>, table: &Table<'_>, row: usize) -> String {
    let note = table.text(row, "note").unwrap_or(format::MISSING);
    match table.text(row, "area").and_then(|area| cx.area_name(area)) {
        Some(area) => format!("{area} · {note}"),
        None => note.to_owned(),
    }
}

/// 21:00 of today, or with its day.
fn since(cx: &Cx<'_, '_>, table: &Table<'_>, row: usize) -> String {
    let Some(at_us) = table.time(row, "ts") else { return format::MISSING.into() };
    let (minute, day) = (format::minute(at_us, cx.city.tz), format::day(at_us, cx.city.tz));
    if day == format::day(cx.now_us, cx.city.tz) {
        return minute;
    }
    format!("{} {minute}", day.get(5..).unwrap_or_default())
}

/// Fill, ink and word of a colour; an incident has none of the four.
fn look(colour: &str, lang: Lang) -> (Option<Colour>, Colour, &'static str) {
    match colour {
        "red" => (Some(tokens::WARNING_RED), tokens::TEXT, lang.pick("红色", "red")),
        "orange" => (Some(tokens::WARNING_ORANGE), tokens::GROUND_EDGE, lang.pick("橙色", "orange")),
        "yellow" => (Some(tokens::WARNING_YELLOW), tokens::GROUND_EDGE, lang.pick("黄色", "yellow")),
        "blue" => (Some(tokens::WARNING_BLUE), tokens::TEXT, lang.pick("蓝色", "blue")),
        _ => (None, tokens::TEXT_QUIET, lang.pick("事件", "event")),
    }
}

fn badge(cx: &mut Cx<'_, '_>, colour: &str, left: f32, middle: f32) {
    let (fill, ink, word) = look(colour, cx.lang);
    let place = Rect::new(left, middle - BADGE[1] * 0.5, BADGE[0], BADGE[1]);
    match fill {
        Some(fill) => cx.paint.rect(place, 4.0, fill),
        None => cx.paint.framed(place, 4.0, Colour::CLEAR, Colour::CLEAR, false, Some((1.2, tokens::TEXT_FAINT))),
    }
    cx.paint.text(place.middle_x(), middle + 5.0, word, &caption().colour(ink).middle());
}

#[cfg(test)]
mod tests {
    use super::strongest;

    #[test]
    fn the_warning_that_counts_is_the_strongest_of_the_newest_of_each_hazard() {
        let of = |rows: &[(&'static str, &'static str)]| strongest(rows.iter().copied());
        let typhoon = [("yellow", "台风黄色预警"), ("red", "台风红色预警"), ("orange", "台风橙色预警")];
        assert_eq!(of(&typhoon), Some(0), "a warning that was lowered is no longer red");
        let weaker = [("yellow", "台风黄色预警"), ("orange", "台风橙色预警，风力减弱"), ("red", "台风红色预警")];
        assert_eq!((of(&weaker), of(&weaker[1..])), (Some(0), Some(0)), "whatever is said further");
        assert_eq!(of(&[("blue", "大风蓝色预警"), ("", "停电"), ("red", "暴雨红色预警")]), Some(2));
        assert_eq!(of(&[("blue", "Blue gale warning"), ("red", "red gale warning")]), Some(0));
        assert_eq!(of(&[("", "停电")]), None, "an incident has no colour");
        assert_eq!(of(&[]), None);
    }
}
