//! 口径, how it is counted: every panel turned over, saying of its metrics what they count, from what, as of when, in
//! which file, and with which SQL.
//!
//! A panel's place becomes a card; the map's too, the night sky has one at its side, and a line along the bottom says
//! it in one line. Nothing runs out of its place: what has no room is counted (`set`).

mod definition;
mod set;

use super::canvas::wrap::fill;
use super::canvas::{Face, Rect, Style};
use super::data::Table;
use super::layout::{self, MARGIN, Place};
use super::panels::Cx;
use super::scene::{Fitted, PanelSpec};
use super::tokens::{self, size};
use definition::{Definition, moment, origin};
use set::{Setting, more};

/// Lower than this a place is a line and no card, design units.
const LINE: f32 = 60.0;
/// The card beside a scene that is one picture: how much larger than usual it is set, the share of the wall's width
/// it takes and how wide it is at most, and where it begins below the clock of a standing wall.
const SIDE_ZOOM: f32 = 1.3;
const SIDE_SHARE: f32 = 0.42;
const SIDE_MOST: f32 = 1160.0;
const SIDE_TOP: f32 = 250.0;
/// How much larger the card of a map may be set than others.
const LARGER: [f32; 5] = [1.8, 1.6, 1.45, 1.3, 1.15];
/// SQL stands where at least so many of its lines have room.
const SQL_LINES_MIN: usize = 3;
const SQL_LINE: f32 = 20.0;
/// Room above them, with the rule.
const SQL_HEAD: f32 = 28.0;
/// How far a level of the SQL is moved in for each of its spaces.
const SQL_SPACE: f32 = 6.0;

/// A scene's picture under everything goes on beside its card.
pub fn is_behind(spec: &PanelSpec, place: &Place, fitted: &Fitted) -> bool {
    !spec.framed && place.rect == fitted.wall
}

/// Where a panel says how its numbers are made, and how much larger than usual; whether it needs a surface of its own.
pub fn card(spec: &PanelSpec, place: &Place, fitted: &Fitted) -> (Rect, f32, bool) {
    if spec.framed {
        return (place.rect, fitted.heading, false);
    }
    if is_behind(spec, place, fitted) {
        let wall = fitted.wall;
        let tall = wall.height() > wall.width();
        let bottom = if tall { wall.top + wall.height() * 0.5 } else { wall.bottom - layout::FOOTER };
        let right =
            if tall { wall.right - MARGIN } else { wall.left + MARGIN + (wall.width() * SIDE_SHARE).min(SIDE_MOST) };
        let top = wall.top + if tall { SIDE_TOP } else { 2.0 * MARGIN };
        let rect = Rect { left: wall.left + MARGIN, top, right, bottom };
        return (between_seams(rect, fitted), SIDE_ZOOM, true);
    }
    let is_card = place.rect.height() >= LINE;
    if is_card { (between_seams(place.rect, fitted), fitted.heading, true) } else { (place.rect, 1.0, false) }
}

/// The largest part of a box through which no seam goes.
fn between_seams(rect: Rect, fitted: &Fitted) -> Rect {
    let [left, right] = longest(fitted.seams.lanes(rect.left, rect.right), [rect.left, rect.right]);
    let [top, bottom] = longest(fitted.seams.bands(rect.top, rect.bottom), [rect.top, rect.bottom]);
    Rect { left, top, right, bottom }
}

/// The first of the longest.
fn longest(pieces: Vec<[f32; 2]>, whole: [f32; 2]) -> [f32; 2] {
    pieces.into_iter().reduce(|a, b| if b[1] - b[0] > a[1] - a[0] + 0.5 { b } else { a }).unwrap_or(whole)
}

/// Paints it; `cx.rect` is the card.
pub fn paint(cx: &mut Cx<'_, '_>) {
    let spec = cx.spec;
    let mut metrics = Vec::new();
    for metric in spec.panel.explained(cx.mode) {
        if !metrics.contains(&&metric.0) {
            metrics.push(&metric.0);
        }
    }
    let (zone, now_us) = (cx.city.tz, cx.now_us);
    let mut definitions: Vec<Definition> =
        metrics.iter().map(|metric| Definition::of(cx.data, metric, cx.lang, zone, now_us)).collect();
    if cx.rect.height() * cx.zoom < LINE {
        line(cx, &definitions);
        return;
    }
    match definitions.as_mut_slice() {
        // Its title stands above already.
        [only] if only.title == spec.title.pick(cx.lang) => only.title.clear(),
        _ if spec.title.is_empty() => enlarge(cx, &definitions),
        _ => {}
    }
    let body = body(cx);
    let setting = Setting::of(&definitions, [body.width(), body.height()], cx.lang, cx.paint);
    // What is not told of each metric is told of all together: the oldest answer, and where the rows are from.
    let mut note = String::new();
    if !setting.in_full {
        let tables: Vec<Table<'_>> = metrics.iter().map(|metric| cx.data.metric(metric)).collect();
        if let Some(oldest) = tables.iter().filter_map(Table::as_of).min() {
            note = format!("{} {}", cx.lang.pick("截至", "as of"), moment(oldest, zone, now_us));
        }
        let origin = tables.iter().map(|table| origin(table, cx.lang)).find(|words| !words.is_empty());
        let longer = origin.map_or(String::new(), |origin| format!("{note} · {origin}"));
        let titled = cx.paint.measure(spec.title.pick(cx.lang), &super::panels::body()) * 1.12;
        let wide = cx.paint.measure(&longer, &super::panels::note());
        if !longer.is_empty() && wide <= cx.heading_room() - titled - 16.0 {
            note = longer;
        }
    }
    // A map and a sky have no title: the metrics' own say what they are.
    if !cx.spec.title.is_empty() {
        cx.heading(&note);
    }
    let mut pen = body.top;
    for row in &setting.rows {
        let tallest = row.runs.iter().map(|run| run.style.size).fold(0.0, f32::max);
        let baseline = pen + row.height * 0.5 + tallest * 0.36;
        for run in &row.runs {
            cx.paint.text(body.left + run.left, baseline, &run.text, &run.style);
        }
        pen += row.height;
    }
    if let (0, [first, rest @ ..]) = (setting.left_out, definitions.as_slice()) {
        let named = if rest.is_empty() { "" } else { first.file.as_str() };
        sql(cx, &first.sql, named, Rect { top: pen, ..body });
    }
}

/// The card without its padding and title, and on one side of each seam.
fn body(cx: &Cx<'_, '_>) -> Rect {
    let inner = cx.inner();
    let [left, right] = longest(cx.lanes([inner.left, inner.right]), [inner.left, inner.right]);
    let [top, bottom] = longest(cx.bands([inner.top, inner.bottom]), [inner.top, inner.bottom]);
    Rect { left, top, right, bottom }
}

/// A card that stands for a whole map is set larger where all that it has to say still has room.
fn enlarge(cx: &mut Cx<'_, '_>, definitions: &[Definition]) {
    let (rect, zoom, scale) = (cx.rect, cx.zoom, cx.paint.scale);
    let set = |cx: &mut Cx<'_, '_>, larger: f32| {
        (cx.rect, cx.paint.scale) = (rect.times(1.0 / larger), scale * larger);
        (cx.zoom, cx.heading) = (zoom * larger, zoom * larger);
    };
    for larger in LARGER {
        set(cx, larger);
        let body = body(cx);
        let setting = Setting::of(definitions, [body.width(), body.height()], cx.lang, cx.paint);
        let sql = definitions.first().map_or("", |first| first.sql.as_str());
        let lines = sql_lines(cx, sql, body.width()).len() + usize::from(definitions.len() > 1);
        if setting.largest && setting.height() + SQL_HEAD + lines as f32 * SQL_LINE <= body.height() {
            return;
        }
    }
    set(cx, 1.0);
}

/// The lines of an SQL text, each with how far it is moved in.
fn sql_lines<'t>(cx: &mut Cx<'_, '_>, text: &'t str, width: f32) -> Vec<(f32, &'t str)> {
    let style = super::panels::note();
    let mut lines = Vec::new();
    for line in text.lines() {
        let spaces = (line.len() - line.trim_start().len()) as f32;
        let left = (spaces * SQL_SPACE).min(width * 0.4);
        // What goes on in a further line is moved in.
        let further = 4.0 * SQL_SPACE;
        let pieces = fill(line, width - left - further, |piece| cx.paint.measure(piece, &style));
        let piece = |(index, piece)| (left + if index > 0 { further } else { 0.0 }, piece);
        lines.extend(pieces.into_iter().enumerate().map(piece));
    }
    lines
}

/// The SQL below the definitions, as far as whole lines have room; `named` is its file where several are told of.
fn sql(cx: &mut Cx<'_, '_>, text: &str, named: &str, room: Rect) {
    let style = super::panels::note().colour(tokens::TEXT_QUIET);
    let lines = sql_lines(cx, text, room.width());
    let top = room.top + 16.0;
    let head = SQL_HEAD - 16.0 + if named.is_empty() { 0.0 } else { SQL_LINE };
    let fitting = ((room.bottom - top - head) / SQL_LINE).max(0.0) as usize;
    if fitting < SQL_LINES_MIN.min(lines.len().max(1)) || lines.is_empty() {
        return;
    }
    cx.paint.rule(room.left, room.right, top, tokens::RULE);
    let mut baseline = top + head - SQL_LINE + 15.0;
    if !named.is_empty() {
        cx.paint.text_within(room.left, baseline, room.width(), named, &style.colour(tokens::TEXT_FAINT));
    }
    let cut = lines.len() > fitting;
    let whole = if cut { fitting - 1 } else { lines.len() };
    for (left, piece) in lines.into_iter().take(whole) {
        baseline += SQL_LINE;
        cx.paint.text(room.left + left, baseline, piece, &style);
    }
    if cut {
        cx.paint.text(room.left, baseline + SQL_LINE, "…", &style);
    }
}

/// A line along the bottom: title, basis and file of as many metrics as have room.
fn line(cx: &mut Cx<'_, '_>, definitions: &[Definition]) {
    let rect = cx.rect;
    cx.paint.rule(rect.left, rect.right, rect.top, tokens::RULE);
    let baseline = rect.top + 34.0;
    let title = Style::new(Face::Bold, size::BODY, tokens::TEXT);
    let basis = Style::new(Face::Text, size::BODY, tokens::TEXT_QUIET);
    let file = Style::new(Face::Text, size::NOTE, tokens::TEXT_FAINT);
    let mut pen = rect.left;
    for (index, one) in definitions.iter().enumerate() {
        let parts = [(&one.title, title), (&one.basis, basis), (&one.file, file)];
        let widths = parts.each_ref().map(|(text, style)| cx.paint.measure(text, style));
        let width = widths.iter().sum::<f32>() + 28.0;
        let left = cx.past_seams(pen, width);
        if left + width <= rect.right {
            pen = left;
            for ((text, style), width) in parts.iter().zip(widths) {
                cx.paint.text(pen, baseline, text, style);
                pen += width + 14.0;
            }
            pen += 26.0;
            continue;
        }
        if index > 0 {
            let said = more(definitions.len() - index, index, cx.lang);
            let wide = cx.paint.measure(&said, &file);
            let left = cx.past_seams(pen, wide);
            if left + wide <= rect.right {
                cx.paint.text(left, baseline, &said, &file);
            }
            return;
        }
        // The first one alone is set smaller, and shortened where even so it has no room.
        let room = cx.seams.free(rect.left, rect.right);
        let [titled, ..] = widths;
        let smaller = Style { size: size::NOTE, ..basis };
        cx.paint.text(rect.left, baseline, &one.title, &title);
        cx.paint.text_within(rect.left + titled + 14.0, baseline, room - titled - 14.0, &one.basis, &smaller);
        return;
    }
}
