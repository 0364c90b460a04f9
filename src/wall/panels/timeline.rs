//! The years of a line, true to scale: the city file's milestones from the day it began to today, each with its source.
//!
//! Where points and labels stand is told by `milestones`, for this panel and for the foot of the night sky.

use chrono::NaiveDate;
use serde::Deserialize;

use super::super::canvas::wrap::at_most;
use super::super::canvas::{Face, Rect, Style};
use super::super::data::Table;
use super::super::format;
use super::super::options::Lang;
use super::super::scene::Metric;
use super::super::tokens::{self, size};
use super::labels::{Spot, said};
use super::milestones::{Form, LEADING, Stop, Track, draw, lines, share, span, spots, stops};
use super::{Calm, Cx, Panel, caption, note};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Timeline {
    /// Counts by calendar year: faint bars where there are two years or more.
    metric: Metric,
    #[serde(default = "year")]
    year: String,
    #[serde(default = "opened")]
    column: String,
}

fn year() -> String {
    "year".into()
}
fn opened() -> String {
    "opened".into()
}

impl Panel for Timeline {
    fn metrics(&self) -> Vec<&Metric> {
        vec![&self.metric]
    }

    fn columns(&self) -> Vec<(&Metric, &str)> {
        [&self.year, &self.column].into_iter().map(|column| (&self.metric, column.as_str())).collect()
    }

    fn paint(&self, cx: &mut Cx<'_, '_>) {
        cx.heading_of_file();
        let table = cx.table(&self.metric);
        let (stops, inner) = (stops(cx), cx.inner());
        let Some(span) = span(cx).filter(|_| !stops.is_empty()) else {
            cx.empty(&table, Calm::Quiet, "城市文件里还没有里程碑", "no milestones in the city file yet");
            return;
        };
        let bottom = self.foot(cx, inner, &stops, &table);
        let room = Rect { bottom, ..inner };
        let (form, track, spots) = arrange(cx, room, &stops);
        // Bars keep below the labels above the line.
        let high =
            form.below.map_or(track.y - room.top, |_| form.lanes.iter().fold(0.0, |high: f32, lane| high.max(-lane)));
        self.bars(cx, high - 4.0, &track, span, &table);
        let today = Style::new(Face::Text, size::CAPTION, tokens::TEXT);
        draw(cx, &track, &form, &stops, &spots, 5.0);
        cx.paint.segment([track.now, track.y], [room.right, track.y], 1.5, tokens::BORDER);
        cx.paint.disc(track.now, track.y, 6.5, tokens::TEXT);
        cx.paint.text(track.now, track.y + 28.0, cx.lang.pick("今天", "today"), &today.middle());
    }

    fn least(&self) -> [f32; 2] {
        [340.0, 150.0]
    }

    fn ample(&self) -> Option<[f32; 2]> {
        Some([600.0, 190.0])
    }
}

/// How the labels stand in a room: in full above and below the line, in more lines where they are long, in rows below it
/// where it is low: the first form in which none says less, else the one that says most.
fn arrange(cx: &mut Cx<'_, '_>, room: Rect, stops: &[Stop<'_>]) -> (Form, Track, Vec<Option<Spot>>) {
    let year = Style::new(Face::Figure, size::ROW_FIGURE, tokens::ACCENT_SOFT);
    let words = Style::new(Face::Text, size::BODY, tokens::TEXT_BODY);
    let small = caption().colour(tokens::TEXT_BODY);
    // Labels end before today's.
    let track =
        Track { left: room.left + 6.0, now: room.right - 46.0, y: room.top, room: [room.left, room.right - 78.0] };
    // A label of so many lines, its stem, and half of the line.
    let high = |words: &Style, lines: f32| year.size * 0.74 + words.size * LEADING * lines + 26.0;
    let mut best: Option<(usize, Form, Track, Vec<Option<Spot>>)> = None;
    for (words, most, width) in [(words, 1.0, f32::MAX), (words, 2.0, 130.0), (small, 2.0, 104.0), (small, 3.0, 84.0)] {
        let spare = room.height() * 0.5 - high(&words, most);
        let stem = (spare * 0.5).min(36.0) + 20.0;
        let form = Form { year, words, below: Some(width), lanes: [stem + year.size * 0.74, -stem] };
        if spare < 0.0 || stops.iter().any(|stop| lines(cx, &form, stop).len() as f32 > most) {
            continue;
        }
        let track = Track { y: room.top + room.height() * 0.5, ..track };
        let spots = spots(cx, &track, &form, stops);
        let (said, is_whole) = (said(&spots), spots.iter().all(|spot| spot.is_some_and(|spot| !spot.is_short)));
        if best.as_ref().is_none_or(|(most, ..)| said > *most) {
            best = Some((said, form, track, spots));
        }
        if is_whole {
            break;
        }
    }
    if let Some((_, form, track, spots)) = best {
        return (form, track, spots);
    }
    let form = Form { year: Style { size: size::BODY, ..year }, words: small, below: None, lanes: [28.0, 54.0] };
    let track = Track { y: room.top + (room.height() - 54.0).max(8.0) * 0.4, ..track };
    let spots = spots(cx, &track, &form, stops);
    (form, track, spots)
}

impl Timeline {
    /// Who says so, at the foot: each source with its years. Returns where the foot begins.
    fn foot(&self, cx: &mut Cx<'_, '_>, inner: Rect, stops: &[Stop<'_>], table: &Table<'_>) -> f32 {
        let mut sources: Vec<(&str, String)> = Vec::new();
        for stop in stops {
            match sources.iter_mut().find(|(source, _)| *source == stop.source) {
                Some((_, years)) => *years += &format!("{}{}", cx.lang.pick("、", ", "), stop.year),
                None => sources.push((stop.source, stop.year.to_string())),
            }
        }
        let told: Vec<String> = sources.iter().map(|(source, years)| format!("{years} {source}")).collect();
        let mut text = match cx.lang {
            Lang::Zh => format!("来源：{}", told.join("；")),
            Lang::En => format!("sources: {}", told.join("; ")),
        };
        let counts = counts(table, &self.year, &self.column).unwrap_or_default();
        if let Some((year, most)) = counts.into_iter().max_by(|a, b| a.1.total_cmp(&b.1)) {
            let most = format::whole(Some(most));
            // First, since what has no room is cut from the end.
            text = match cx.lang {
                Lang::Zh => format!("柱：本系统逐年受理，最高 {most} 件（{year} 年）；{text}"),
                Lang::En => format!("bars: opened by year, counted here, at most {most} ({year}); {text}"),
            };
        }
        let most = ((inner.height() * 0.3 / 19.0) as usize).clamp(1, 4);
        let lines = at_most(&cx.paint.lines(&text, inner.width(), 0, &note()), most);
        let first = inner.bottom - 3.0 - 19.0 * (lines.len() as f32 - 1.0);
        for (index, line) in lines.iter().enumerate() {
            cx.paint.text_within(inner.left, first + 19.0 * index as f32, inner.width(), line, &note());
        }
        first - 24.0
    }

    /// A faint bar for each year that was counted here, over its months, at most so high.
    fn bars(&self, cx: &mut Cx<'_, '_>, highest: f32, track: &Track, span: [NaiveDate; 2], table: &Table<'_>) {
        let Some(counts) = counts(table, &self.year, &self.column) else { return };
        let most = counts.iter().map(|(_, count)| *count).fold(1.0_f64, f64::max);
        for (year, count) in counts {
            let day = |year| NaiveDate::from_ymd_opt(year, 1, 1).map(|day| share(span, day).clamp(0.0, 1.0));
            let (Some(from), Some(to)) = (day(year), day(year + 1)) else { continue };
            let at = |share: f32| track.left + (track.now - track.left) * share;
            let high = highest * (count / most) as f32;
            if to > from && high > 0.5 {
                let bar = Rect { left: at(from) + 1.0, top: track.y - high, right: at(to) - 1.0, bottom: track.y };
                let colour = tokens::BOARDS[2];
                cx.paint.gradient(bar, 1.0, colour.alpha(0.45), colour.alpha(0.15), false);
            }
        }
    }
}

/// Year and count of each year; `None` of fewer than two: one alone says nothing beside the others.
fn counts(table: &Table<'_>, year: &str, column: &str) -> Option<Vec<(i32, f64)>> {
    let row = |row| Some((table.number(row, year)? as i32, table.number(row, column)?));
    let counts: Vec<(i32, f64)> = (0..table.rows()).filter_map(row).collect();
    (counts.len() > 1).then_some(counts)
}
