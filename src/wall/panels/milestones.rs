//! The city's milestones on a line true to scale, for the panel `timeline` and for the foot of the night sky.

use chrono::{Datelike, NaiveDate};

use crate::model::city::parse_day;
use crate::model::time::to_zone;

use super::super::canvas::{Align, Rect, Style};
use super::super::tokens;
use super::Cx;
use super::labels::{Lanes, Spot, Wanted};

/// One point on the line.
pub struct Stop<'a> {
    /// 0 where the line began, 1 today.
    pub share: f32,
    pub year: i32,
    pub words: &'a str,
    pub source: &'a str,
}

/// From the day the line began (else its first milestone) to today.
pub fn span(cx: &Cx<'_, '_>) -> Option<[NaiveDate; 2]> {
    let first = || cx.city.milestones.iter().filter_map(|milestone| milestone.day()).min();
    let begin = parse_day(&cx.city.since).or_else(first)?;
    Some([begin, to_zone(cx.now_us, cx.city.tz).date_naive()])
}

/// Where a day stands between two others.
pub fn share([begin, today]: [NaiveDate; 2], day: NaiveDate) -> f32 {
    (day - begin).num_days() as f32 / (today - begin).num_days().max(1) as f32
}

/// The milestones on the line, by time; those before its beginning or still to come are left out.
pub fn stops<'a>(cx: &Cx<'a, '_>) -> Vec<Stop<'a>> {
    let Some(span) = span(cx) else { return Vec::new() };
    let mut stops: Vec<Stop<'a>> = Vec::new();
    for milestone in &cx.city.milestones {
        let Some(day) = milestone.day() else { continue };
        let share = share(span, day);
        if (0.0..=1.0).contains(&share) {
            let words = cx.lang.pick(&milestone.zh, &milestone.en);
            let source_zh = Some(milestone.source_zh.as_str()).filter(|source| !source.is_empty());
            let source = cx.lang.pick(source_zh.unwrap_or(&milestone.source), &milestone.source);
            stops.push(Stop { share, year: day.year(), words, source });
        }
    }
    stops.sort_by(|a, b| a.share.total_cmp(&b.share));
    stops
}

/// How the labels of a line are set.
pub struct Form {
    pub year: Style,
    pub words: Style,
    /// Words stand below their year in lines of at most this width, and labels in turn in the two lanes; `None`: behind
    /// it, and the second lane takes what has no room in the first.
    pub below: Option<f32>,
    /// Baselines of the first line of each lane, from the line.
    pub lanes: [f32; 2],
}

/// A line from left to right with a point for each stop and its labels.
#[derive(Clone, Copy)]
pub struct Track {
    pub left: f32,
    /// Where today is.
    pub now: f32,
    pub y: f32,
    /// Where labels may stand.
    pub room: [f32; 2],
}

/// From a baseline to the next, em.
pub const LEADING: f32 = 1.32;

/// The words of a stop in the lines they have below its year.
pub fn lines<'a>(cx: &mut Cx<'_, '_>, form: &Form, stop: &Stop<'a>) -> Vec<&'a str> {
    form.below.map_or_else(Vec::new, |width| cx.paint.lines(stop.words, width, 0, &form.words))
}

/// Where the labels of stops stand.
pub fn spots(cx: &mut Cx<'_, '_>, track: &Track, form: &Form, stops: &[Stop<'_>]) -> Vec<Option<Spot>> {
    let mut wanted = Vec::with_capacity(stops.len());
    for stop in stops {
        let short = cx.paint.measure(&stop.year.to_string(), &form.year);
        let width = match form.below {
            None => short + form.words.size * 0.35 + cx.paint.measure(stop.words, &form.words),
            Some(_) => {
                let lines = lines(cx, form, stop);
                cx.paint.widest(lines, &form.words).max(short)
            }
        };
        wanted.push(Wanted { at: track.left + (track.now - track.left) * stop.share, width, short });
    }
    let past_seams = |left: f32, width: f32| cx.past_seams(left, width);
    let stacked = form.below.is_some();
    let (count, anchor) = (form.lanes.len(), if stacked { 0.0 } else { 0.5 });
    Lanes { room: track.room, count, anchor, in_turn: stacked, past_seams: &past_seams }.place(&wanted)
}

/// Draws the line up to today, the points, and the labels in their spots.
pub fn draw(cx: &mut Cx<'_, '_>, track: &Track, form: &Form, stops: &[Stop<'_>], spots: &[Option<Spot>], radius: f32) {
    let y = track.y;
    cx.paint.segment([track.left, y], [track.now, y], 2.0, tokens::ACCENT);
    for (stop, spot) in stops.iter().zip(spots) {
        let x = track.left + (track.now - track.left) * stop.share;
        if let Some(spot) = spot {
            label(cx, x, y, form, stop, *spot);
        }
        cx.paint.disc(x, y, radius, tokens::ACCENT);
    }
}

fn label(cx: &mut Cx<'_, '_>, x: f32, y: f32, form: &Form, stop: &Stop<'_>, spot: Spot) {
    let year = stop.year.to_string();
    let Some(first) = form.lanes.get(spot.lane).map(|lane| y + lane) else { return };
    if form.below.is_none() {
        let pen = spot.left + cx.paint.text(spot.left, first, &year, &form.year) + form.words.size * 0.35;
        if !spot.is_short {
            cx.paint.text(pen, first, stop.words, &form.words);
        }
        return;
    }
    let lines = if spot.is_short { Vec::new() } else { lines(cx, form, stop) };
    // Above the line the last text is the nearest to it, below it the first; a stem joins label and point.
    let leading = form.words.size * LEADING;
    let above = first < y;
    let first = if above { first - leading * lines.len() as f32 } else { first };
    let stem = if above { [y, first + leading * lines.len() as f32 + 8.0] } else { [y, first - form.year.size * 0.9] };
    let stem = Rect::new(x - 0.5, stem[0].min(stem[1]), 1.0, (stem[1] - stem[0]).abs());
    cx.paint.rect(stem, 0.0, tokens::ACCENT.alpha(0.4));
    // Its lines begin where the stem does, or end there.
    let wide = cx.paint.widest(&lines, &form.words).max(cx.paint.measure(&year, &form.year));
    let ends = (x - spot.left) / wide.max(1.0) > 0.7;
    let (at, align) = if ends { (spot.left + wide, Align::Right) } else { (spot.left, Align::Left) };
    cx.paint.text(at, first, &year, &form.year.align(align));
    for (index, line) in lines.iter().enumerate() {
        cx.paint.text(at, first + leading * (index as f32 + 1.0), line, &form.words.align(align));
    }
}
