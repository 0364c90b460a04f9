//! The scenes' names in the header; where not all have room, those around the one shown.

use super::super::canvas::{Face, Paint, Rect, Style};
use super::super::screen::SeamLines;
use super::super::tokens::{self, size};
use super::Chrome;

impl Chrome<'_> {
    pub(super) fn tabs(
        &self,
        paint: &mut Paint<'_>,
        [left, right]: [f32; 2],
        baseline: f32,
        middle: f32,
        seams: &SeamLines,
    ) {
        if self.tabs.len() < 2 {
            return;
        }
        let style = tab_style();
        let all: Vec<f32> = self.tabs.iter().map(|(_, tab)| paint.measure(tab, &style)).collect();
        // Each seam may push a tab to its other side.
        let widest = all.iter().copied().fold(0.0, f32::max);
        let pushed = seams.between(left, right) as f32 * (seams.clear + widest);
        let room = right - left - pushed;
        let shown = self.tabs.iter().position(|(name, _)| *name == self.scene.name).unwrap_or(0);
        // Where not all of them fit, those around the one shown, with a mark where there are more.
        let fitting = window(&all, shown, room, TABS_GAP);
        let (tabs, widths) = (&self.tabs[fitting.clone()], &all[fitting.clone()]);
        let words: f32 = widths.iter().sum();
        if tabs.is_empty() || words > room {
            return;
        }
        let gap = ((room - words) / (widths.len() as f32 - 1.0).max(1.0)).min(36.0);
        let total = words + gap * (widths.len() as f32 - 1.0);
        // No clamp: rounding may leave the room a hair narrower than what just fits it.
        let within = |left_of_all: f32| left_of_all.min(right - total - pushed).max(left);
        let mut pen = within(seams.beside(within(middle - total * 0.5), total));
        if fitting.start > 0 {
            more(paint, pen - 12.0, baseline, -1.0);
        }
        for ((name, tab), width) in tabs.iter().zip(widths) {
            pen = seams.past(pen, *width);
            self.tab(paint, pen, baseline, tab, *width, *name == self.scene.name);
            pen += width + gap;
        }
        if fitting.end < all.len() {
            more(paint, pen - gap + 12.0, baseline, 1.0);
        }
    }

    /// What all tabs need beside one another in a line that begins and ends there.
    pub(super) fn tabs_width(&self, paint: &mut Paint<'_>, [from, to]: [f32; 2], seams: &SeamLines) -> f32 {
        if self.tabs.len() < 2 {
            return 0.0;
        }
        let widths: Vec<f32> = self.tabs.iter().map(|(_, tab)| paint.measure(tab, &tab_style())).collect();
        let widest = widths.iter().copied().fold(0.0, f32::max);
        let pushed = seams.between(from, to) as f32 * (seams.clear + widest);
        20.0 + widths.iter().sum::<f32>() + TABS_GAP * (widths.len() as f32 - 1.0) + pushed
    }

    fn tab(&self, paint: &mut Paint<'_>, left: f32, baseline: f32, tab: &str, width: f32, shown: bool) {
        let colour = if shown { tokens::TEXT } else { tokens::TEXT_FAINT };
        paint.text(left, baseline - 10.0, tab, &Style::new(Face::Text, size::BODY, colour));
        if shown {
            paint.rect(Rect::new(left, baseline + 1.0, width, 3.0), 1.5, tokens::ACCENT);
        }
    }
}

/// Least space between two tabs.
const TABS_GAP: f32 = 14.0;

fn tab_style() -> Style {
    Style::new(Face::Text, size::BODY, tokens::TEXT_FAINT)
}

/// A small angle that points to where there are more tabs, `side` -1 to the left, 1 to the right.
fn more(paint: &mut Paint<'_>, x: f32, baseline: f32, side: f32) {
    let (y, reach) = (baseline - 16.0, 4.5);
    let points =
        [[x - side * reach * 0.5, y - reach], [x + side * reach * 0.5, y], [x - side * reach * 0.5, y + reach]];
    paint.polyline(&points, 1.6, tokens::TEXT_FAINT, None);
}

/// As many neighbours of the one shown as have room with `gap` between them: alternately after and before it.
fn window(widths: &[f32], shown: usize, room: f32, gap: f32) -> std::ops::Range<usize> {
    let all = widths.iter().sum::<f32>() + gap * (widths.len() as f32 - 1.0);
    if all <= room {
        return 0..widths.len();
    }
    // The marks at both ends.
    let room = room - 2.0 * 20.0;
    let (mut from, mut to) = (shown, shown + 1);
    let mut used = widths[shown];
    loop {
        let mut grown = false;
        if to < widths.len() && used + gap + widths[to] <= room {
            used += gap + widths[to];
            to += 1;
            grown = true;
        }
        if from > 0 && used + gap + widths[from - 1] <= room {
            from -= 1;
            used += gap + widths[from];
            grown = true;
        }
        if !grown {
            return from..to;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_not_all_tabs_fit_those_around_the_one_shown_stand() {
        let widths = [50.0; 10];
        assert_eq!(window(&widths, 3, 1000.0, 14.0), 0..10);
        // Five of 50 with four gaps are 306, and the marks take 40.
        assert_eq!(window(&widths, 4, 350.0, 14.0), 2..7);
        assert_eq!(window(&widths, 0, 350.0, 14.0), 0..5);
        assert_eq!(window(&widths, 9, 350.0, 14.0), 5..10);
        assert_eq!(window(&widths, 4, 20.0, 14.0), 4..5, "it is there, and not drawn where it has no room");
    }
}
