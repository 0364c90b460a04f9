//! What a panel paints with: the pen, its place, what the wall knows, and the few forms all panels share.

use crate::model::City;

use super::super::canvas::{Align, CAP, Face, Paint, Rect, Style};
use super::super::data::{Data, Table};
use super::super::format;
use super::super::options::{Lang, Mode};
use super::super::scene::{Metric, PanelSpec, Words};
use super::super::screen::SeamLines;
use super::super::tokens::{self, size};

pub struct Cx<'a, 'p> {
    pub paint: &'a mut Paint<'p>,
    /// The whole panel.
    pub rect: Rect,
    /// How much larger than usual what is in it is drawn; titles are not.
    pub zoom: f32,
    /// How much larger titles are, in the whole scene.
    pub heading: f32,
    pub seams: &'a SeamLines,
    pub spec: &'a PanelSpec,
    pub data: &'a Data,
    pub city: &'a City,
    pub lang: Lang,
    pub mode: Mode,
    /// The hub's clock, µs.
    pub now_us: i64,
    /// The wall's own second, for motion.
    pub now_s: f64,
    /// Motion is over: a still picture.
    pub settled: bool,
    /// The hub's clock, seconds, for what moves all the time, alike on every wall of it; a frozen one stays. `None`: at
    /// rest.
    pub motion_s: Option<f64>,
    /// Set when the panel moves and must be painted again at once.
    pub moving: &'a mut bool,
    /// Seconds this panel's data are late; `None` while they are fresh.
    pub late_s: Option<f64>,
}

/// Why a panel has nothing to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Calm {
    /// That there is nothing is good: no alert, nothing overdue.
    Well,
    /// There is nothing yet, or too little.
    Quiet,
}

pub fn body() -> Style {
    Style::new(Face::Text, size::BODY, tokens::TEXT_BODY)
}
pub fn caption() -> Style {
    Style::new(Face::Text, size::CAPTION, tokens::TEXT_QUIET)
}
pub fn note() -> Style {
    Style::new(Face::Text, size::NOTE, tokens::TEXT_FAINT)
}
pub fn figure() -> Style {
    Style::new(Face::Figure, size::FIGURE, tokens::TEXT)
}
pub fn row_figure() -> Style {
    Style::new(Face::Figure, size::ROW_FIGURE, tokens::TEXT)
}

impl<'a, 'p> Cx<'a, 'p> {
    pub fn table(&self, metric: &Metric) -> Table<'a> {
        self.data.metric(&metric.0)
    }

    pub fn pick(&self, zh: &'a str, en: &'a str) -> &'a str {
        self.lang.pick(zh, en)
    }

    /// The panel without its padding and title.
    pub fn inner(&self) -> Rect {
        let padding = tokens::PANEL_PADDING / self.zoom;
        let top =
            if self.spec.title.is_empty() { padding * 0.6 } else { tokens::PANEL_HEAD * self.heading / self.zoom };
        Rect {
            left: self.rect.left + padding,
            top: self.rect.top + top,
            right: self.rect.right - padding,
            bottom: self.rect.bottom - padding * 0.7,
        }
    }

    /// Width of the heading in its own units: titles are of one size, however large the panel is drawn.
    pub fn heading_room(&self) -> f32 {
        self.rect.width() * self.zoom / self.heading - 2.0 * tokens::PANEL_PADDING / self.heading
    }

    /// Title on the left; on the right the note, or how late the panel is.
    pub fn heading(&mut self, note_text: &str) {
        self.heading_with(note_text, false);
    }

    fn heading_with(&mut self, note_text: &str, fixed: bool) {
        let (zoomed, rect) = (self.paint.scale, self.rect);
        self.paint.scale *= self.heading / self.zoom;
        self.rect = rect.times(self.zoom / self.heading);
        self.plain_heading(note_text, fixed);
        self.rect = rect;
        self.paint.scale = zoomed;
    }

    fn plain_heading(&mut self, note_text: &str, fixed: bool) {
        let baseline = self.rect.top + 33.0;
        let padding = tokens::PANEL_PADDING / self.heading;
        let (left, right) = (self.rect.left + padding, self.rect.right - padding);
        let mut title = Style::new(Face::Text, size::BODY, tokens::TEXT_BODY).spacing(tokens::TITLE_SPACING);
        if self.lang == Lang::En {
            title = title.spacing(0.01);
        }
        let text = self.spec.title.pick(self.lang);
        let noted = self.paint.measure(note_text, &note()) + 16.0;
        let title_room = ((right - left) * 0.72).max(right - left - noted);
        let title_width = self.paint.label_within(left, baseline, title_room, text, &title);
        let room = right - left - title_width - 16.0;
        let late = self.late_s.map(|late_s| match self.lang {
            Lang::Zh => format!("{}前的数据", format::span(late_s, self.lang)),
            Lang::En => format!("{} ago", format::span(late_s, self.lang)),
        });
        let style = note().right();
        match late {
            Some(late) => {
                let style = style.colour(tokens::WARN);
                let width = self.paint.measure(&late, &style).min(room);
                self.paint.disc(right - width - 9.0, baseline - 5.0, 3.0, tokens::WARN);
                self.right_within(right, baseline, room, &late, &style);
            }
            None if fixed && self.paint.measure(note_text, &style) > room => {
                self.paint.label_within(right - room, baseline, room, note_text, &style.align(Align::Left));
            }
            None if !note_text.is_empty() => self.right_within(right, baseline, room, note_text, &style),
            None => {}
        }
    }

    /// A right-aligned text in at most `room`.
    pub fn right_within(&mut self, right: f32, baseline: f32, room: f32, text: &str, style: &Style) {
        let width = self.paint.measure(text, style);
        if width <= room {
            self.paint.text(right, baseline, text, &style.right());
        } else {
            self.paint.text_within(right - room, baseline, room, text, &style.align(Align::Left));
        }
    }

    /// The heading with the note of the scene file.
    pub fn heading_of_file(&mut self) {
        let text = self.note_of_file();
        self.heading_with(&text, true);
    }

    /// The note of the scene file; `{since}` stands for the day the line began. Where it names a window of days that the
    /// data do not fill, it says since when there are any, room provided.
    pub fn note_of_file(&mut self) -> String {
        let text = self.spec.note.pick(self.lang);
        if text.contains("{since}") {
            return if self.city.since.is_empty() { String::new() } else { text.replace("{since}", &self.city.since) };
        }
        let counts_days = text.contains(" 日") || text.contains(" days");
        let first = self.spec.metrics.iter().filter_map(|metric| self.data.metric(metric).data_from()).max();
        let Some(first) = first.filter(|_| counts_days) else { return text.to_owned() };
        let from = format::from_day(first, self.now_us, self.city.tz, self.lang);
        let told = format!("{text} · {from}");
        if self.fits_beside_title(&told) { told } else { text.to_owned() }
    }

    /// A note has room at the right of the title.
    pub fn fits_beside_title(&mut self, text: &str) -> bool {
        let title = self.paint.measure(self.spec.title.pick(self.lang), &body()) * 1.12;
        self.paint.measure(text, &note()) <= self.heading_room() - title - 16.0
    }

    /// Where a text of so much width stands so that no seam goes through it, as near to `left` as can be.
    pub fn off_seams(&self, left: f32, width: f32) -> f32 {
        self.seams.beside(left * self.zoom, width * self.zoom) / self.zoom
    }

    /// The same for a text in a line of texts: never further left.
    pub fn past_seams(&self, left: f32, width: f32) -> f32 {
        self.seams.past(left * self.zoom, width * self.zoom) / self.zoom
    }

    /// The baseline, at `baseline` or as near as can be, of a text that keeps off the level seams by half its size, at
    /// most [`AIR`].
    pub fn off_rows(&self, baseline: f32, style: &Style) -> f32 {
        let (zoom, air) = (self.zoom, (style.size * 0.5).min(AIR));
        let (top, height) = (baseline - style.size * CAP - air, style.size * 0.9 + 2.0 * air);
        self.seams.above_or_below(top * zoom, height * zoom) / zoom + baseline - top
    }

    /// 0 when the metric just changed, 1 when the change is shown in full.
    pub fn progress(&mut self, table: &Table<'_>) -> f32 {
        let passed = (self.now_s - table.changed_s()) as f32;
        if self.settled || passed >= tokens::TWEEN_S {
            return 1.0;
        }
        *self.moving = true;
        let share = (passed / tokens::TWEEN_S).clamp(0.0, 1.0);
        1.0 - (1.0 - share).powi(3)
    }

    /// A figure that rolls from what it was to what it is, digit by digit, never through a value that never was.
    /// Returns its width.
    pub fn rolling(&mut self, x: f32, y: f32, now: &str, before: Option<&str>, progress: f32, style: &Style) -> f32 {
        let Some(before) = before.filter(|before| progress < 1.0 && before.chars().count() == now.chars().count())
        else {
            return self.paint.text(x, y, now, style);
        };
        let width = self.paint.measure(now, style);
        let mut pen = match style.align {
            Align::Left => x,
            Align::Middle => x - width * 0.5,
            Align::Right => x - width,
        };
        let style = style.align(Align::Left);
        let height = style.size * 0.86;
        let mut buffer = [0; 4];
        for (new, old) in now.chars().zip(before.chars()) {
            let text = new.encode_utf8(&mut buffer);
            let advance = self.paint.measure(text, &style);
            if new == old {
                self.paint.text(pen, y, text, &style);
            } else {
                // The glow stays where it is; cut to the digit's window it would be a box of light.
                if style.glow.is_some() {
                    self.paint.text(pen, y, text, &style.colour(tokens::Colour::CLEAR));
                }
                let digit = Style { glow: None, ..style };
                self.paint.clip(Some(Rect::new(pen - 1.0, y - height * 0.9, advance + 2.0, height * 1.02)));
                self.paint.text(pen, y + height * (1.0 - progress), text, &digit);
                let mut old_buffer = [0; 4];
                self.paint.text(pen, y - height * progress, old.encode_utf8(&mut old_buffer), &digit);
                self.paint.clip(None);
            }
            pen += advance;
        }
        width
    }

    /// A number of a metric, rolling when it changed.
    pub fn rolling_number(
        &mut self,
        x: f32,
        y: f32,
        table: &Table<'_>,
        column: &str,
        decimals: usize,
        style: &Style,
    ) -> f32 {
        let now = format::decimal(table.number(0, column), decimals);
        let progress = self.progress(table);
        let before = table.before();
        let before = before.is_known().then(|| format::decimal(before.number(0, column), decimals));
        self.rolling(x, y, &now, before.as_deref(), progress, style)
    }

    /// Said in the middle of a panel whose metric has nothing to show: a mark and a sentence as large as a title,
    /// however large the panel is drawn. An answer that has not come yet is not nothing.
    pub fn empty(&mut self, table: &Table<'_>, calm: Calm, zh: &str, en: &str) {
        if !table.is_known() {
            return;
        }
        let zoomed = self.paint.scale;
        // Of a panel that opens at a seam, in the part that has its title.
        let mut inner = self.inner();
        if let (true, Some([top, bottom])) =
            (self.spec.panel.opens_at_seams(), self.bands([inner.top, inner.bottom]).first())
        {
            (inner.top, inner.bottom) = (*top, *bottom);
        }
        if let (true, Some([left, right])) =
            (self.spec.panel.opens_at_upright_seams(), self.lanes([inner.left, inner.right]).first())
        {
            (inner.left, inner.right) = (*left, *right);
        }
        let inner = inner.times(self.zoom / self.heading);
        self.paint.scale *= self.heading / self.zoom;
        let text = self.lang.pick(zh, en);
        let style = body().colour(tokens::TEXT_QUIET);
        let width = self.paint.measure(text, &style);
        let (x, radius) = (inner.middle_x(), 15.0);
        // The mark above the sentence, beside it in a low panel.
        let low = inner.height() < 104.0;
        let baseline = inner.middle_y() + if low { 6.5 } else { 30.0 };
        let (left, mark) = if low {
            let left = (x - (width + 2.0 * radius + 14.0) * 0.5).max(inner.left);
            (left + 2.0 * radius + 14.0, [left + radius, baseline - 6.5])
        } else {
            ((x - width * 0.5).max(inner.left), [x, baseline - 52.0])
        };
        self.calm_mark(calm, mark, radius);
        self.paint.label_within(left, baseline, inner.right - left, text, &style);
        self.paint.scale = zoomed;
    }

    /// The same in a scene file's words, each language that they lack in others.
    pub fn empty_in_words(&mut self, table: &Table<'_>, calm: Calm, words: &Words, zh: &str, en: &str) {
        let own = |words: &'_ str, other: &'_ str| if words.is_empty() { other.to_owned() } else { words.to_owned() };
        self.empty(table, calm, &own(&words.zh, zh), &own(&words.en, en));
    }

    fn calm_mark(&mut self, calm: Calm, [x, y]: [f32; 2], radius: f32) {
        let (colour, strokes): (_, &[[f32; 2]]) = match calm {
            Calm::Well => (tokens::GOOD, &[[-0.42, 0.04], [-0.10, 0.36], [0.44, -0.32]]),
            Calm::Quiet => (tokens::TEXT_FAINT, &[[-0.38, 0.0], [0.38, 0.0]]),
        };
        self.paint.disc(x, y, radius + 7.0, colour.alpha(0.07));
        self.paint.ring(x, y, radius, 1.6, 0.0, 1.0, colour.alpha(0.75));
        for pair in strokes.windows(2) {
            let at = |[dx, dy]: [f32; 2]| [x + dx * radius, y + dy * radius];
            self.paint.segment(at(pair[0]), at(pair[1]), 2.0, colour);
        }
    }

    /// Where so many rows of a list stand between `top` and `bottom`, each `least` to `most` high and all of one height:
    /// that height and the top of each. None lies on a level seam; rows for which there is no room are left out.
    pub fn rows(&self, [top, bottom]: [f32; 2], count: usize, [least, most]: [f32; 2]) -> (f32, Vec<f32>) {
        rows_in(&self.bands([top, bottom]), count, [least, most])
    }

    /// Left and right of so many columns of a field, all of one width between two upright seams; none lies on one.
    pub fn columns(&self, [left, right]: [f32; 2], count: usize) -> Vec<[f32; 2]> {
        tracks_in(&self.lanes([left, right]), count, [1.0, f32::MAX])
    }

    /// Top and bottom of so many rows of a field, each `least` to `most` high; none lies on a level seam.
    pub fn field_rows(&self, [top, bottom]: [f32; 2], count: usize, [least, most]: [f32; 2]) -> Vec<[f32; 2]> {
        tracks_in(&self.bands([top, bottom]), count, [least, most])
    }

    /// What lies between `top` and `bottom` without the level seams.
    pub fn bands(&self, [top, bottom]: [f32; 2]) -> Vec<[f32; 2]> {
        self.pieces(self.seams.bands(top * self.zoom, bottom * self.zoom))
    }

    /// What lies between `left` and `right` without the upright seams.
    pub fn lanes(&self, [left, right]: [f32; 2]) -> Vec<[f32; 2]> {
        self.pieces(self.seams.lanes(left * self.zoom, right * self.zoom))
    }

    /// Pieces of a stretch in the panel's units, those at a seam a little shorter: nothing touches an opening's edge.
    fn pieces(&self, pieces: Vec<[f32; 2]>) -> Vec<[f32; 2]> {
        let last = pieces.len().saturating_sub(1);
        let mut pieces: Vec<[f32; 2]> = pieces.into_iter().map(|piece| piece.map(|at| at / self.zoom)).collect();
        for (index, [from, to]) in pieces.iter_mut().enumerate() {
            let short = (*to - *from).min(2.0 * OPENING) * 0.5;
            *from += if index > 0 { short } else { 0.0 };
            *to -= if index < last { short } else { 0.0 };
        }
        pieces
    }

    /// The `zh` or `en` of the first rows, and how wide the widest is, px.
    pub fn names(&mut self, table: &Table<'a>, rows: usize) -> (Vec<&'a str>, f32) {
        let lang = self.lang;
        let name =
            |row| lang.pick(table.text(row, "zh").unwrap_or_default(), table.text(row, "en").unwrap_or_default());
        let names: Vec<&str> = (0..rows).map(name).collect();
        let widest = self.paint.widest(&names, &body());
        (names, widest)
    }

    pub fn board_name(&self, code: &'a str) -> &'a str {
        self.city
            .boards
            .iter()
            .find(|board| board.code == code)
            .map_or(code, |board| self.lang.pick(&board.zh, &board.en))
    }

    pub fn board_colour(&self, code: &str) -> tokens::Colour {
        if let Some(position) = tokens::BOARD_CODES.iter().position(|known| *known == code) {
            return tokens::board(position);
        }
        self.city.boards.iter().position(|board| board.code == code).map_or(tokens::TEXT_QUIET, tokens::board)
    }
}

/// A text of its own keeps so far from a level seam.
const AIR: f32 = 18.0;

/// What is painted in a panel that opens at a seam keeps so far from the opening.
const OPENING: f32 = 8.0;

/// Begin and end of so many tracks within some bands, which they fill: those of one band are alike.
fn tracks_in(bands: &[[f32; 2]], count: usize, [least, most]: [f32; 2]) -> Vec<[f32; 2]> {
    let (_, begins) = rows_in(bands, count, [least, most]);
    let mut tracks = Vec::with_capacity(begins.len());
    for [from, to] in bands {
        let inside = begins.iter().filter(|begin| **begin >= *from - 0.01 && **begin < *to).count();
        let length = ((to - from) / inside.max(1) as f32).clamp(least, most);
        tracks.extend((0..inside).map(|track| [from + length * track as f32, from + length * (track as f32 + 1.0)]));
    }
    tracks
}

/// The height of so many rows within some bands, and the top of each.
fn rows_in(bands: &[[f32; 2]], count: usize, [least, most]: [f32; 2]) -> (f32, Vec<f32>) {
    let heights: Vec<f32> = bands.iter().map(|[from, to]| to - from).collect();
    let fitting = |pitch: f32| heights.iter().map(|height| (height / pitch + 0.001) as usize).sum::<usize>();
    // The greatest height at which all fit is that of some number of rows in one of the bands.
    let pitch = heights
        .iter()
        .flat_map(|height| (1..=count.max(1)).map(move |rows| height / rows as f32))
        .filter(|pitch| fitting(*pitch) >= count)
        .fold(0.0_f32, f32::max)
        .clamp(least, most);
    let tops = bands.iter().zip(&heights).flat_map(|([from, _], height)| {
        (0..(height / pitch + 0.001) as usize).map(move |row| from + pitch * row as f32)
    });
    (pitch, tops.take(count).collect())
}

/// "—" for what is missing; else the count as "k/n".
pub fn count_of(k: Option<f64>, n: Option<f64>) -> String {
    format!("{}/{}", format::whole(k), format::whole(n))
}

#[cfg(test)]
mod tests {
    use super::{rows_in, tracks_in};

    #[test]
    fn the_cells_of_a_field_fill_what_the_seams_leave() {
        assert_eq!(tracks_in(&[[0.0, 90.0]], 3, [12.0, 40.0]), [[0.0, 30.0], [30.0, 60.0], [60.0, 90.0]]);
        assert_eq!(tracks_in(&[[0.0, 90.0]], 1, [12.0, 40.0]), [[0.0, 40.0]], "and are no higher than they may be");
        let split = tracks_in(&[[10.0, 70.0], [80.0, 160.0]], 4, [1.0, f32::MAX]);
        assert_eq!(split, [[10.0, 40.0], [40.0, 70.0], [80.0, 120.0], [120.0, 160.0]]);
    }

    #[test]
    fn rows_share_the_height_and_none_lies_on_a_seam() {
        let plain = rows_in(&[[0.0, 100.0]], 4, [10.0, 90.0]);
        assert_eq!(plain, (25.0, vec![0.0, 25.0, 50.0, 75.0]));
        // 100 high with a strip of 10 at 60: three rows above it, one below.
        let (pitch, tops) = rows_in(&[[0.0, 60.0], [70.0, 100.0]], 4, [10.0, 90.0]);
        assert_eq!((pitch, tops), (20.0, vec![0.0, 20.0, 40.0, 70.0]));
        // What has no room is left out, and few rows stand together at the top.
        assert_eq!(rows_in(&[[0.0, 60.0], [70.0, 100.0]], 20, [15.0, 90.0]).1.len(), 6);
        assert_eq!(rows_in(&[[0.0, 100.0]], 2, [10.0, 30.0]), (30.0, vec![0.0, 30.0]));
    }
}
