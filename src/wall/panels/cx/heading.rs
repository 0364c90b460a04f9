//! A panel's title and what stands at its right: its note, since when there are data, or how late they are.

use super::super::super::canvas::{Align, Face, Style};
use super::super::super::format;
use super::super::super::options::Lang;
use super::super::super::tokens::{self, size};
use super::{Cx, body, note};

impl Cx<'_, '_> {
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
        let first = self.data.data_from(&self.spec.metrics);
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
}
