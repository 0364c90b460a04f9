//! What a panel paints with: the pen, its place, what the wall knows, and the few forms all panels share.

mod heading;
mod tracks;

use crate::model::City;

use super::super::canvas::{Align, Face, Paint, Rect, Style};
use super::super::data::{Data, Table};
use super::super::format;
use super::super::map::area_position;
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

    /// The name of a district that is known by its code, the code of a street in it, or its name.
    pub fn area_name(&self, text: &str) -> Option<&'a str> {
        let area = self.city.areas.get(area_position(self.city, text)?)?;
        Some(self.lang.pick(&area.zh, &area.en))
    }

    pub fn board_colour(&self, code: &str) -> tokens::Colour {
        if let Some(position) = tokens::BOARD_CODES.iter().position(|known| *known == code) {
            return tokens::board(position);
        }
        self.city.boards.iter().position(|board| board.code == code).map_or(tokens::TEXT_QUIET, tokens::board)
    }
}

/// "—" for what is missing; else the count as "k/n".
pub fn count_of(k: Option<f64>, n: Option<f64>) -> String {
    format!("{}/{}", format::whole(k), format::whole(n))
}
