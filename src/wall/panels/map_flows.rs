//! What is on its way from the line to the districts: an arc a district, the thicker the more. A point of light runs
//! along it when more is sent, and rests when nothing is.

use serde::Deserialize;

use super::super::data::Table;
use super::super::map::Map;
use super::super::scene::{Metric, Words};
use super::super::tokens::{self, Colour};
use super::Cx;
use super::map::Fit;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Flows {
    /// area, board, n.
    pub metric: Metric,
    /// What an arc is.
    pub label: Words,
}

/// An arc ends so much above the middle of its district's name and figure, design units.
const ABOVE: f32 = 30.0;
/// Points of an arc.
const POINTS: usize = 28;
/// Seconds in which a point of light runs along its arc.
const RUN_S: f64 = 1.8;

/// An arc from the line to a district, bowed upwards.
struct Arc {
    from: [f32; 2],
    over: [f32; 2],
    to: [f32; 2],
}

impl Arc {
    fn new(from: [f32; 2], to: [f32; 2]) -> Arc {
        let [dx, dy] = [to[0] - from[0], to[1] - from[1]];
        // To the left of one that goes right and the other way round: up, on the screen.
        let bow = if dx < 0.0 { -0.16 } else { 0.16 };
        let over = [(from[0] + to[0]) * 0.5 + dy * bow, (from[1] + to[1]) * 0.5 - dx * bow];
        Arc { from, over, to }
    }

    /// At a share of the way, 0 to 1.
    fn at(&self, share: f32) -> [f32; 2] {
        let rest = 1.0 - share;
        let blend = |axis: usize| {
            rest * rest * self.from[axis] + 2.0 * rest * share * self.over[axis] + share * share * self.to[axis]
        };
        [blend(0), blend(1)]
    }
}

/// How much goes to a district, and the board of most of it.
fn to_area<'a>(table: &Table<'a>, code: &str) -> (f64, Option<&'a str>) {
    let (mut sum, mut most, mut board) = (0.0, 0.0, None);
    for row in 0..table.rows() {
        if table.text(row, "area") == Some(code) {
            let n = table.number(row, "n").unwrap_or(0.0);
            sum += n;
            if n > most {
                (most, board) = (n, table.text(row, "board"));
            }
        }
    }
    (sum, board)
}

impl Flows {
    /// Where the arcs begin: in the middle of the city.
    fn middle(cx: &Cx<'_, '_>, map: &Map, fit: &Fit) -> [f32; 2] {
        let [left, top, right, bottom] = map.bounds;
        fit.point(cx.city.centre.map_or([(left + right) * 0.5, (top + bottom) * 0.5], |[x, y]| map.at(x, y)))
    }

    fn arcs<'a>(cx: &Cx<'a, '_>, map: &'a Map, fit: &'a Fit) -> impl Iterator<Item = (Arc, &'a str)> + use<'a> {
        let (from, city) = (Self::middle(cx, map, fit), cx.city);
        map.areas.iter().filter_map(move |area| {
            let known = city.areas.get(area.area)?;
            let [x, y] = fit.point(area.label);
            Some((Arc::new(from, [x, y - ABOVE]), known.code.as_str()))
        })
    }

    fn colour(cx: &Cx<'_, '_>, board: Option<&str>) -> Colour {
        board.map_or(tokens::TEXT_QUIET, |board| cx.board_colour(board))
    }

    pub fn paint(&self, cx: &mut Cx<'_, '_>, map: &Map, fit: &Fit) {
        let table = cx.table(&self.metric);
        let sent: Vec<(Arc, f64, Option<&str>)> = Self::arcs(cx, map, fit)
            .map(|(arc, code)| {
                let (n, board) = to_area(&table, code);
                (arc, n, board)
            })
            .filter(|(_, n, _)| *n > 0.0)
            .collect();
        if sent.is_empty() {
            return;
        }
        let most = sent.iter().map(|(_, n, _)| *n).fold(0.0_f64, f64::max);
        for (arc, n, board) in sent {
            let colour = Self::colour(cx, board);
            let points: [[f32; 2]; POINTS] = std::array::from_fn(|index| arc.at(index as f32 / (POINTS - 1) as f32));
            let width = 1.2 + 2.4 * (n / most).sqrt() as f32;
            cx.paint.glow_line(&points, width * 4.0, colour.alpha(0.10));
            // It grows out of the dark, so that its direction is seen.
            cx.paint.stroke(&points, width, colour.alpha(0.10), colour.alpha(0.85));
            cx.paint.disc(arc.to[0], arc.to[1], 1.6 + width * 0.5, colour);
        }
        let [x, y] = Self::middle(cx, map, fit);
        cx.paint.disc(x, y, 7.0, tokens::TEXT.alpha(0.22));
        cx.paint.disc(x, y, 3.2, tokens::TEXT);
    }

    /// Runs once along the arcs to which more is sent than before.
    pub fn paint_moving(&self, cx: &mut Cx<'_, '_>, map: &Map, fit: &Fit) {
        let table = cx.table(&self.metric);
        let passed_s = cx.now_s - table.changed_s();
        if !(0.0..RUN_S).contains(&passed_s) {
            return;
        }
        let before = table.before();
        let share = (passed_s / RUN_S) as f32;
        let eased = share * share * (3.0 - 2.0 * share);
        for (arc, code) in Self::arcs(cx, map, fit) {
            let (n, board) = to_area(&table, code);
            if !before.is_known() || n <= to_area(&before, code).0 {
                continue;
            }
            *cx.moving = true;
            let colour = Self::colour(cx, board);
            let [x, y] = arc.at(eased);
            let fade = 1.0 - share.powi(4);
            cx.paint.spark(x, y, 15.0 * fade, 2.8 * fade, colour.mix(tokens::TEXT, 0.45));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arc_goes_from_the_line_to_the_district_and_bows_upwards() {
        for to in [[300.0, 100.0], [-300.0, 100.0]] {
            let arc = Arc::new([0.0, 100.0], to);
            assert_eq!((arc.at(0.0), arc.at(1.0)), ([0.0, 100.0], to));
            assert!(arc.at(0.5)[1] < 100.0, "above the straight way: {:?}", arc.at(0.5));
        }
    }
}
