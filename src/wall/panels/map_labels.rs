//! The districts' names and counts on the map.

use super::super::canvas::{Face, Rect, Style};
use super::super::data::Table;
use super::super::format;
use super::super::map::Map;
use super::super::tokens::{self, size};
use super::Cx;
use super::map::Fit;

/// Names and counts, moved apart where they would touch.
pub fn paint(cx: &mut Cx<'_, '_>, map: &Map, fit: &Fit, table: &Table<'_>) {
    let name_style = Style::new(Face::Text, size::BODY, tokens::TEXT).middle().halo(1.6, tokens::LABEL_HALO);
    let count_style =
        Style::new(Face::Figure, size::ROW_FIGURE, tokens::LABEL_COUNT).middle().halo(1.6, tokens::LABEL_HALO);
    let mut texts = Vec::with_capacity(map.areas.len());
    let mut boxes = Vec::with_capacity(map.areas.len());
    for area in &map.areas {
        let Some(known) = cx.city.areas.get(area.area) else { continue };
        let name = cx.lang.pick(&known.zh, &known.en);
        let count = (0..table.rows())
            .find(|row| table.text(*row, "area") == Some(&known.code))
            .and_then(|row| table.number(row, "n"));
        let count = format::whole(count);
        let width = cx.paint.measure(name, &name_style).max(cx.paint.measure(&count, &count_style)) + 8.0;
        let [x, y] = fit.point(area.label);
        boxes.push(Rect::new(x - width * 0.5, y - 24.0, width, 48.0));
        texts.push((name, count));
    }
    // What is moved off a seam may stand in another's way then, and the other way round.
    for _ in 0..3 {
        spread(&mut boxes, cx.rect);
        for place in &mut boxes {
            let width = place.width();
            let top = cx.seams.above_or_below(place.top * cx.zoom, place.height() * cx.zoom) / cx.zoom;
            *place = Rect::new(cx.off_seams(place.left, width), top, width, place.height());
        }
    }
    for ((name, count), place) in texts.iter().zip(&boxes) {
        cx.paint.text(place.middle_x(), place.top + 19.0, name, &name_style);
        cx.paint.text(place.middle_x(), place.top + 43.0, count, &count_style);
    }
}

/// Moves boxes apart until none touch, staying near where they were and inside `within`.
fn spread(boxes: &mut [Rect], within: Rect) {
    let homes: Vec<[f32; 2]> = boxes.iter().map(|place| [place.middle_x(), place.middle_y()]).collect();
    for round in 0..200 {
        let mut touching = false;
        for first in 0..boxes.len() {
            for second in first + 1..boxes.len() {
                let (a, b) = (boxes[first], boxes[second]);
                if !a.overlaps(&b) {
                    continue;
                }
                touching = true;
                let across = a.right.min(b.right) - a.left.max(b.left);
                let down = a.bottom.min(b.bottom) - a.top.max(b.top);
                // Along the shorter way out.
                let (dx, dy) = if across < down {
                    (across * 0.5 * (a.middle_x() - b.middle_x()).signum(), 0.0)
                } else {
                    (0.0, down * 0.5 * (a.middle_y() - b.middle_y()).signum())
                };
                shift(&mut boxes[first], dx + 0.1 * dx.signum(), dy);
                shift(&mut boxes[second], -dx, -dy - 0.1 * dy.signum());
            }
        }
        if !touching {
            return;
        }
        // A pull home keeps the picture true; it fades so that the spreading ends.
        let pull = if round < 120 { 0.06 * (1.0 - round as f32 / 120.0) } else { 0.0 };
        for (place, home) in boxes.iter_mut().zip(&homes) {
            shift(place, (home[0] - place.middle_x()) * pull, (home[1] - place.middle_y()) * pull);
            shift(place, (within.left - place.left).max(0.0) + (within.right - place.right).min(0.0), 0.0);
            shift(place, 0.0, (within.top - place.top).max(0.0) + (within.bottom - place.bottom).min(0.0));
        }
    }
}

fn shift(place: &mut Rect, dx: f32, dy: f32) {
    place.left += dx;
    place.right += dx;
    place.top += dy;
    place.bottom += dy;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_that_touch_are_moved_apart_and_stay_inside() {
        let within = Rect::new(0.0, 0.0, 600.0, 600.0);
        let mut boxes: Vec<Rect> = (0..8)
            .map(|index| Rect::new(300.0 + index as f32 * 9.0, 300.0 + (index % 3) as f32 * 11.0, 60.0, 48.0))
            .collect();
        spread(&mut boxes, within);
        for (index, a) in boxes.iter().enumerate() {
            assert!(a.left >= within.left - 1.0 && a.right <= within.right + 1.0);
            for b in &boxes[index + 1..] {
                assert!(!a.overlaps(b), "{a:?} {b:?}");
            }
        }
    }
}
