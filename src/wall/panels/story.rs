//! A story card: a curated text about somebody who was helped, large, one after another.
//!
//! The texts are notes that an editor wrote and approved (`queries/community/stories.sql`); nothing of a ticket comes
//! here. Which one is shown is a function of the hub's clock, so that walls of one hub show the same.

use serde::Deserialize;

use crate::model::time::to_zone;

use super::super::canvas::wrap::at_most;
use super::super::canvas::{Face, Rect, Style};
use super::super::data::Table;
use super::super::format;
use super::super::scene::Metric;
use super::super::tokens::{self, size};
use super::{Calm, Cx, Panel, note};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Story {
    /// ts, note, board, service and area with their names; the newest first.
    metric: Metric,
}

/// Seconds each story is shown.
const TURN_S: i64 = 20;
/// From one line of the text to the next, em.
const LEADING: f32 = 1.5;
/// What stands below the text: where and what, and that it was approved.
const FOOT: f32 = 62.0;
/// The mark above the text, and the space below it.
const MARK: f32 = 40.0;

/// Which of so many stories is shown at a time of the hub's clock, µs.
fn turn(now_us: i64, stories: usize) -> usize {
    now_us.div_euclid(TURN_S * 1_000_000).rem_euclid(stories.max(1) as i64) as usize
}

impl Panel for Story {
    fn metrics(&self) -> Vec<&Metric> {
        vec![&self.metric]
    }

    fn columns(&self) -> Vec<(&Metric, &str)> {
        let columns = ["ts", "note", "board", "service_zh", "service_en", "area_zh", "area_en"];
        columns.into_iter().map(|column| (&self.metric, column)).collect()
    }

    fn paint(&self, cx: &mut Cx<'_, '_>) {
        cx.heading_of_file();
        let table = cx.table(&self.metric);
        let rows: Vec<usize> = (0..table.rows()).filter(|row| text(&table, *row).is_some()).collect();
        let shown = turn(cx.now_us, rows.len());
        let Some((row, story)) = rows.get(shown).and_then(|row| Some((*row, text(&table, *row)?))) else {
            cx.empty(&table, Calm::Quiet, "还没有发布的故事", "no story published yet");
            return;
        };
        let inner = cx.inner();
        let room = Rect { bottom: inner.bottom - FOOT, ..inner };
        // All stories in one size: the card stays calm when it turns.
        let texts: Vec<&str> = rows.iter().filter_map(|row| text(&table, *row)).collect();
        let style = largest(cx, &texts, [room.width(), room.height() - MARK]);
        let leading = style.size * LEADING;
        let most = (((room.height() - MARK) / leading) as usize).max(1);
        let mut lines = cx.paint.lines(story, room.width(), 1, &style);
        if lines.len() > most {
            lines = cx.paint.lines(story, room.width(), 0, &style);
        }
        let high = MARK + leading * lines.len().min(most) as f32;
        let top = room.top + (room.height() - high).max(0.0) * 0.42;

        let opacity = cx.paint.opacity;
        cx.paint.opacity *= appeared(cx, rows.len());
        let colour = cx.board_colour(table.text(row, "board").unwrap_or_default());
        quotation_mark(cx, inner.left, top, colour);
        for (index, line) in at_most(&lines, most).iter().enumerate() {
            let baseline = top + MARK + leading * (index as f32 + 0.5) + style.size * 0.36;
            cx.paint.text_within(inner.left, baseline, room.width() + 1.0, line, &style);
        }
        foot(cx, inner, &table, row, colour);
        cx.paint.opacity = opacity;
        dots(cx, inner, rows.len(), shown);
    }

    fn least(&self) -> [f32; 2] {
        [320.0, 240.0]
    }

    fn ample(&self) -> Option<[f32; 2]> {
        Some([560.0, 250.0])
    }
}

/// The approved text of a row; `None` where there is none.
fn text<'a>(table: &Table<'a>, row: usize) -> Option<&'a str> {
    table.text(row, "note").map(str::trim).filter(|text| !text.is_empty())
}

/// The largest step at which every text fits into a room.
fn largest(cx: &mut Cx<'_, '_>, texts: &[&str], [width, height]: [f32; 2]) -> Style {
    let plain = Style::new(Face::Text, size::BODY, tokens::TEXT).spacing(0.02);
    let steps = [size::HERO, size::FIGURE, size::RING_FIGURE, size::ROW_FIGURE].map(|size| Style { size, ..plain });
    let mut fits = |style: &Style| {
        let most = (height / (style.size * LEADING)) as usize;
        texts.iter().all(|text| cx.paint.lines(text, width, 0, style).len() <= most)
    };
    steps.into_iter().find(|style| fits(style)).unwrap_or(plain)
}

/// How much of a story is there: one fades before the next one comes.
fn appeared(cx: &mut Cx<'_, '_>, stories: usize) -> f32 {
    let Some(motion_s) = cx.motion_s.filter(|_| !cx.settled && stories > 1) else { return 1.0 };
    let since_s = motion_s.rem_euclid(TURN_S as f64) as f32;
    let left_s = TURN_S as f32 - since_s;
    // The wall is drawn at each second; from the last one before the change on it is drawn as it moves.
    *cx.moving |= since_s < tokens::FADE_S || left_s <= 1.0;
    let share = (since_s / tokens::FADE_S).min(left_s / (tokens::FADE_S * 0.5)).min(1.0);
    share * share * (3.0 - 2.0 * share)
}

/// Two opening marks, drawn: the text face's are as wide as a character and stand at its right.
fn quotation_mark(cx: &mut Cx<'_, '_>, left: f32, top: f32, colour: tokens::Colour) {
    const RADIUS: f32 = 6.5;
    for x in [left + RADIUS, left + RADIUS * 3.7] {
        let y = top + 20.0;
        cx.paint.disc(x, y, RADIUS, colour);
        // Its tail bends up and to the right.
        let tail: Vec<[f32; 2]> = (0..=8)
            .map(|step| {
                let turned = std::f32::consts::PI * (1.0 + 0.42 * step as f32 / 8.0);
                [x + RADIUS * 1.1 + RADIUS * 1.9 * turned.cos(), y + RADIUS * 1.9 * turned.sin()]
            })
            .collect();
        cx.paint.polyline(&tail, 3.4, colour, None);
    }
}

/// Where it was, which service helped and when it was published, and that somebody approved it.
fn foot(cx: &mut Cx<'_, '_>, inner: Rect, table: &Table<'_>, row: usize, colour: tokens::Colour) {
    let pick = |zh: &str, en: &str| table.text(row, cx.lang.pick(zh, en)).map(str::to_owned);
    let date = table.time(row, "ts").map(|at_us| format::month_day(to_zone(at_us, cx.city.tz).date_naive(), cx.lang));
    let parts = [pick("area_zh", "area_en"), pick("service_zh", "service_en"), date];
    let words = parts.into_iter().flatten().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" · ");
    let style = Style::new(Face::Text, size::BODY, tokens::TEXT_BODY);
    cx.paint.disc(inner.left + 5.0, inner.bottom - 33.5, 5.0, colour);
    cx.paint.text_within(inner.left + 20.0, inner.bottom - 27.0, inner.width() - 20.0, &words, &style);
    let approved = cx.lang.pick("经审核发布", "published after review");
    cx.paint.label_within(inner.left + 20.0, inner.bottom - 3.0, inner.width() * 0.6, approved, &note());
}

/// Which of how many is shown.
fn dots(cx: &mut Cx<'_, '_>, inner: Rect, stories: usize, shown: usize) {
    const PITCH: f32 = 16.0;
    if stories < 2 {
        return;
    }
    let left = inner.right - PITCH * (stories as f32 - 1.0) - 4.0;
    for index in 0..stories {
        let (radius, colour) =
            if index == shown { (4.0, tokens::TEXT_BODY) } else { (3.0, tokens::TEXT_FAINT.alpha(0.55)) };
        cx.paint.disc(left + PITCH * index as f32, inner.bottom - 8.0, radius, colour);
    }
}

#[cfg(test)]
mod tests {
    use super::turn;

    #[test]
    fn stories_follow_one_another_by_the_clock() {
        const S: i64 = 1_000_000;
        // 2026-11-23 14:32:00, a whole third of a minute.
        let at = 1_795_415_520 * S;
        let shown = |after_s: i64| turn(at + after_s * S, 5);
        let first = shown(0);
        assert_eq!((shown(19), shown(20), shown(39)), (first, (first + 1) % 5, (first + 1) % 5));
        assert_eq!(shown(100), first, "after all of them the first again");
        assert_eq!((turn(at, 1), turn(at, 0), turn(-1, 3)), (0, 0, 2));
    }
}
