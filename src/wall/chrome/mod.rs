//! What every scene has around its panels: title, tabs, clock, age, the mark of simulated and replayed data; below, the
//! sources.

mod age;
mod tabs;

use crate::model::City;

use super::canvas::{Face, Paint, Rect, Style};
use super::data::Data;
use super::format;
use super::layout::{self, MARGIN};
use super::options::{Lang, Mode};
use super::scene::Scene;
use super::screen::SeamLines;
use super::tokens::{self, Colour, size};

pub struct Chrome<'a> {
    pub data: &'a Data,
    pub city: &'a City,
    pub scene: &'a Scene,
    /// The map stands in this layout: its sources are named.
    pub shows_map: bool,
    /// Name and tab of each scene of the rotation.
    pub tabs: &'a [(String, String)],
    pub mode: Mode,
    pub lang: Lang,
    pub now_us: i64,
    pub now_s: f64,
    /// The picture stands still since then, µs.
    pub frozen_us: Option<i64>,
    /// Every panel says how its numbers are made.
    pub explain: bool,
    /// Scenes do not follow one another, where they else would.
    pub paused: bool,
    /// The picture is as of a chosen time.
    pub as_of: bool,
    /// What is wrong with a scene file.
    pub problem: Option<&'a str>,
}

impl Chrome<'_> {
    /// Header, where the scene has one, and footer.
    pub fn paint(&self, paint: &mut Paint<'_>, wall: Rect, seams: &SeamLines) {
        if self.scene.chrome {
            self.header(paint, wall, seams);
        } else {
            self.sparse(paint, wall);
        }
        self.footer(paint, wall, seams);
    }

    fn header(&self, paint: &mut Paint<'_>, wall: Rect, seams: &SeamLines) {
        let baseline = 65.0;
        let narrow = wall.width() < layout::NARROW;
        let clock_left = self.right(paint, wall.right - MARGIN, baseline, seams);
        let title = Style::new(Face::Bold, size::FIGURE, tokens::TEXT).spacing(0.02);
        let mut pen = wall.left + MARGIN;
        pen += paint.text(pen, baseline, self.lang.pick(&self.city.title_zh, &self.city.title_en), &title) + 20.0;
        let under = if self.scene.subtitle.is_empty() {
            self.lang.pick(&self.city.motto_zh, &self.city.motto_en)
        } else {
            self.scene.subtitle.pick(self.lang)
        };
        let spacing = if self.lang == Lang::Zh { 0.06 } else { 0.0 };
        let motto = Style::new(Face::Text, size::BODY, tokens::TEXT_QUIET).spacing(spacing);
        // The lobby needs no word for what it is.
        let mode = match self.mode {
            Mode::Lobby => "",
            Mode::Brief => self.lang.pick("汇报", "briefing"),
            Mode::Ops => self.lang.pick("值守", "on duty"),
        };
        let origin = self.provenance().unwrap_or_default();
        let marks: Vec<(&str, Colour)> = std::iter::once((mode, tokens::TEXT_QUIET))
            .chain(self.told())
            .chain([(origin, tokens::DEMO)])
            .filter(|(text, _)| !text.is_empty())
            .collect();
        let marks = marks_with_room(paint, marks, clock_left - 8.0 - pen);
        let marks_width: f32 = marks.iter().map(|(text, _)| mark_width(paint, text)).sum();
        // The motto is what can be missed, also where the tabs then have room.
        let motto_width = paint.measure(under, &motto) + 22.0;
        let motto_left = seams.past(pen, motto_width);
        let tabs = if narrow { 0.0 } else { self.tabs_width(paint, [pen + marks_width, clock_left], seams) };
        if !under.is_empty() && motto_left + motto_width + marks_width + tabs < clock_left - 20.0 {
            pen = motto_left + paint.text(motto_left, baseline - 1.0, under, &motto) + 22.0;
        }
        for (text, colour) in marks {
            pen = seams.past(pen, mark_width(paint, text));
            pen += mark(paint, pen, baseline, text, colour) + 12.0;
        }
        if narrow {
            // A line of their own, over the whole width.
            let line = baseline + layout::TABS + 8.0;
            self.tabs(paint, [wall.left + MARGIN, wall.right - MARGIN], line, wall.middle_x(), seams);
        } else {
            self.tabs(paint, [pen + 10.0, clock_left - 30.0], baseline, wall.middle_x(), seams);
        }
    }

    /// What somebody asked the wall for and may forget: that panels are turned over, that scenes no longer follow.
    fn told(&self) -> impl Iterator<Item = (&'static str, Colour)> {
        let lang = self.lang;
        // The one that is dropped last where there is no room stands last.
        let explained = self.explain.then(|| (lang.pick("口径", "HOW COUNTED"), tokens::TEXT));
        let paused = self.paused && self.mode == Mode::Lobby;
        let paused = paused.then(|| (lang.pick("已暂停轮播", "ROTATION PAUSED"), tokens::TEXT_QUIET));
        [paused, explained].into_iter().flatten()
    }

    fn provenance(&self) -> Option<&'static str> {
        provenance(self.data.is_demo(), self.data.is_replay(), self.lang)
    }

    /// Age, date and clock from the right; returns where they begin.
    fn right(&self, paint: &mut Paint<'_>, right: f32, baseline: f32, seams: &SeamLines) -> f32 {
        let (text, colour) = self.age();
        let tint = if colour == tokens::GOOD { tokens::TEXT_QUIET } else { colour };
        let age = Style::new(Face::Text, size::CAPTION, tint);
        let quiet = age.colour(tokens::TEXT_QUIET);
        let clock = Style::new(Face::Figure, size::FIGURE, tokens::TEXT);
        let (date, time) =
            (format::date(self.now_us, self.city.tz, self.lang), format::clock(self.now_us, self.city.tz));
        let widths = [paint.measure(&time, &clock), paint.measure(&date, &quiet), paint.measure(&text, &age)];
        // The clock stands still while data become late and live again, as they do at night.
        let usual = paint.measure(&age::late("00:00:00", self.lang), &age);
        let width = widths[0] + 16.0 + widths[1] + 32.0 + widths[2].max(usual);
        let left = seams.beside(right - width, width).min(right - width);
        paint.text(left, baseline, &time, &clock);
        paint.text(left + widths[0] + 16.0, baseline - 1.0, &date, &quiet);
        let age_left = left + width - widths[2];
        paint.disc(age_left - 12.0, baseline - 6.0, 9.0, colour.alpha(0.16));
        paint.disc(age_left - 12.0, baseline - 6.0, 4.5, colour);
        paint.text(age_left, baseline - 1.0, &text, &age);
        left
    }

    /// Without header: the clock alone, how fresh the wall is, and the mark of simulated data.
    fn sparse(&self, paint: &mut Paint<'_>, wall: Rect) {
        let right = wall.right - 150.0_f32.min(wall.width() * 0.05);
        let clock = Style::new(Face::Figure, size::HERO, tokens::TEXT).right();
        paint.text(right, 120.0, &format::minute(self.now_us, self.city.tz), &clock);
        let (text, colour) = self.age();
        let quiet = if colour == tokens::GOOD { tokens::TEXT_QUIET } else { colour };
        let width = paint.text(right, 156.0, &text, &Style::new(Face::Text, size::BODY, quiet).right());
        paint.disc(right - width - 14.0, 150.0, 4.5, colour);
        let origin = self.provenance().map(|word| (word, tokens::DEMO));
        let mut pen = right;
        for (word, colour) in origin.into_iter().chain(self.told()) {
            pen -= mark_width(paint, word);
            mark(paint, pen, 200.0, word, colour);
            pen -= 12.0;
        }
    }

    /// Sources, and what is wrong if something is.
    fn footer(&self, paint: &mut Paint<'_>, wall: Rect, seams: &SeamLines) {
        let baseline = wall.bottom - 13.0;
        let (left, right) = (wall.left + MARGIN, wall.right - MARGIN);
        let style = Style::new(Face::Text, size::NOTE, tokens::TEXT_FAINT);
        let mut sources = Vec::new();
        if self.data.sparks.map().is_some() && self.shows_map {
            if !self.city.map_source.is_empty() {
                sources.push(format!("{}{}", self.lang.pick("底图：", "Map: "), self.city.map_source));
                if !self.city.map_source.contains("审图号") {
                    sources.push(self.lang.pick("审图号：待报审", "map approval number: pending").into());
                }
            }
            sources.push(
                self.lang
                    .pick(
                        "场所疏密 © OpenStreetMap contributors, ODbL",
                        "density of places © OpenStreetMap contributors, ODbL",
                    )
                    .into(),
            );
        }
        let right_text = sources.join("    ");
        let right_width = paint.measure(&right_text, &style);
        let right_left = seams.beside(right - right_width, right_width).min(right - right_width);
        paint.text(right_left, baseline, &right_text, &style);
        let room = seams.free(left, right_left - 40.0);
        if let Some(problem) = self.problem {
            paint.text_within(left, baseline, room, &format!("▲ {problem}"), &style.colour(tokens::WARN));
            return;
        }
        if let Some(message) = self.data.status_message.as_deref().filter(|message| !message.is_empty()) {
            paint.text_within(left, baseline, room, &format!("▲ {message}"), &style.colour(tokens::WARN));
            return;
        }
        let metrics = || self.scene.panels.iter().flat_map(|spec| &spec.metrics);
        let mut parts = Vec::new();
        if let Some(until) = self.data.data_until {
            let at = format!("{} {}", format::day(until, self.city.tz), format::clock(until, self.city.tz));
            parts.push(match (self.lang, self.data.data_from(metrics())) {
                (Lang::Zh, None) => format!("数据截至 {at}"),
                (Lang::Zh, Some(from)) => format!("数据自 {from} 起，截至 {at}"),
                (Lang::En, None) => format!("Data until {at}"),
                (Lang::En, Some(from)) => format!("Data from {from} until {at}"),
            });
        }
        let counts_all = metrics().any(|metric| metric.name == "solved_total");
        if let Some(baseline) = self.city.baseline("solved").filter(|_| counts_all) {
            let value = format::whole(Some(baseline.value));
            parts.push(match self.lang {
                Lang::Zh => format!(
                    "累计＝期初 {value}（见诸报道，{}）＋本系统计数",
                    if baseline.as_of.is_empty() { "未注日期" } else { "截至报道时" }
                ),
                Lang::En => format!("total = opening balance {value} ({}) + counted here", baseline.source),
            });
        }
        // Whole sentences only: what has no room beside the sources is left out.
        let mut pen = left;
        for part in parts {
            let width = paint.measure(&part, &style);
            if pen + width <= left + room {
                pen += paint.text(pen, baseline, &part, &style) + 16.0;
            }
        }
    }
}

/// What must be said of where the rows are from: simulated, or old ones with new times. No option leaves this out.
fn provenance(demo: bool, replay: bool, lang: Lang) -> Option<&'static str> {
    match (demo, replay) {
        (false, false) => None,
        (true, false) => Some(lang.pick("演示数据", "SIMULATED DATA")),
        (false, true) => Some(lang.pick("回放", "REPLAY")),
        (true, true) => Some(lang.pick("演示数据 · 回放", "SIMULATED DATA · REPLAY")),
    }
}

fn mark_style(colour: Colour) -> Style {
    Style::new(Face::Bold, size::CAPTION, colour).spacing(0.08)
}

/// Width of a framed word; none of no word.
fn mark_width(paint: &mut Paint<'_>, text: &str) -> f32 {
    if text.is_empty() { 0.0 } else { paint.measure(text, &mark_style(Colour::CLEAR)) + 22.0 }
}

/// Marks that have room beside one another. Where not all have, the first go: for whom the wall is can be missed, where
/// its rows are from cannot.
fn marks_with_room<'t>(paint: &mut Paint<'_>, mut marks: Vec<(&'t str, Colour)>, room: f32) -> Vec<(&'t str, Colour)> {
    let mut wide =
        |marks: &[(&str, Colour)]| marks.iter().map(|(text, _)| mark_width(paint, text) + 12.0).sum::<f32>() - 12.0;
    while marks.len() > 1 && wide(&marks) > room {
        marks.remove(0);
    }
    marks
}

/// A framed word; returns its width.
fn mark(paint: &mut Paint<'_>, left: f32, baseline: f32, text: &str, colour: Colour) -> f32 {
    let width = mark_width(paint, text);
    let frame = Rect::new(left, baseline - 20.0, width, 28.0);
    let fill = colour.alpha(0.10);
    paint.framed(frame, 4.0, fill, fill, false, Some((1.2, colour.alpha(0.85))));
    paint.text(frame.middle_x(), baseline - 0.5, text, &mark_style(colour).middle());
    width
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn simulated_and_replayed_rows_are_marked_each_and_together() {
        assert_eq!(provenance(false, false, Lang::Zh), None);
        let said = |demo, replay| [Lang::Zh, Lang::En].map(|lang| provenance(demo, replay, lang).unwrap());
        assert_eq!(said(true, false), ["演示数据", "SIMULATED DATA"]);
        assert_eq!(said(false, true), ["回放", "REPLAY"]);
        assert_eq!(said(true, true), ["演示数据 · 回放", "SIMULATED DATA · REPLAY"]);
    }
}
