//! From where to where: bands between two lists, as wide as what goes along them.

use serde::Deserialize;

use super::super::canvas::{Face, Rect, Style};
use super::super::format;
use super::super::scene::{Metric, Words};
use super::super::tokens::{self, Colour, size};
use super::{Calm, Cx, Panel};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Flows {
    /// source, target, n; and stage, where the metric holds several.
    metric: Metric,
    #[serde(default)]
    stage: Option<i64>,
    #[serde(default)]
    names: std::collections::BTreeMap<String, Words>,
    #[serde(default = "most")]
    most: usize,
}

fn most() -> usize {
    7
}

struct End<'a> {
    code: &'a str,
    n: f64,
    /// Where the next band begins.
    used: f32,
    top: f32,
}

fn gather<'a>(ends: &mut Vec<End<'a>>, code: &'a str, n: f64) {
    match ends.iter_mut().find(|end| end.code == code) {
        Some(end) => end.n += n,
        None => ends.push(End { code, n, used: 0.0, top: 0.0 }),
    }
}

/// What has no room of its own counts together, so that both sides come to the same sum.
const REST: &str = "";

/// Leaves `most` ends, the last of them all the rest.
fn fold(ends: &mut Vec<End<'_>>, most: usize) {
    if ends.len() > most.max(1) {
        let rest = ends.split_off(most.max(1) - 1);
        let n = rest.iter().map(|end| end.n).sum();
        ends.push(End { code: REST, n, used: 0.0, top: 0.0 });
    }
}

/// The end that a code is counted in.
fn ends_in<'a>(known: &[&'a str], code: &str) -> &'a str {
    known.iter().copied().find(|known| *known == code).unwrap_or(REST)
}

const GAP: f32 = 6.0;
/// Least height of an end with its label.
const LABEL: f32 = 15.0;
const BAR: f32 = 10.0;

impl Panel for Flows {
    fn metrics(&self) -> Vec<&Metric> {
        vec![&self.metric]
    }

    fn paint(&self, cx: &mut Cx<'_, '_>) {
        cx.heading_of_file();
        let inner = cx.inner();
        let table = cx.table(&self.metric);
        let rows: Vec<usize> = (0..table.rows())
            .filter(|row| self.stage.is_none_or(|stage| table.number(*row, "stage") == Some(stage as f64)))
            .filter(|row| table.number(*row, "n").is_some_and(|n| n > 0.0))
            .collect();
        let (mut sources, mut targets) = (Vec::new(), Vec::new());
        for row in &rows {
            let (Some(source), Some(target)) = (table.text(*row, "source"), table.text(*row, "target")) else {
                continue;
            };
            let n = table.number(*row, "n").unwrap_or(0.0);
            gather(&mut sources, source, n);
            gather(&mut targets, target, n);
        }
        if sources.is_empty() {
            cx.empty(&table, Calm::Quiet, "今天还没有", "none yet today");
            return;
        }
        sources.sort_by(|a, b| b.n.total_cmp(&a.n).then(a.code.cmp(b.code)));
        // Numbers are steps of a scale, the highest on top; others stand by their size.
        let step = |end: &End<'_>| end.code.parse::<i64>().ok();
        match targets.iter().map(step).collect::<Option<Vec<i64>>>() {
            Some(_) => targets.sort_by_key(|end| std::cmp::Reverse(step(end))),
            None => targets.sort_by(|a, b| b.n.total_cmp(&a.n).then(a.code.cmp(b.code))),
        }
        fold(&mut sources, self.most);
        let label = Style::new(Face::Text, size::CAPTION, tokens::TEXT_BODY);
        // Each side as wide as its longest name with its count; the bands have the larger part.
        let figure = Style::new(Face::Figure, size::CAPTION, tokens::TEXT_QUIET);
        let sides = [&sources, &targets].map(|ends| {
            let names: Vec<&str> = ends.iter().map(|end| self.name(cx, end.code)).collect();
            let counts: Vec<String> = ends.iter().map(|end| format::short(Some(end.n), cx.lang)).collect();
            let wide = cx.paint.widest(names, &label) + cx.paint.widest(counts, &figure) + 26.0;
            wide.min(inner.width() * 0.35)
        });
        let (left, right) = (inner.left + sides[0], inner.right - sides[1]);
        let total: f64 = sources.iter().map(|end| end.n).sum::<f64>().max(targets.iter().map(|end| end.n).sum());
        let lists = sources.len().max(targets.len()) as f32;
        let scale = (inner.height() - (GAP + LABEL) * (lists - 1.0)).max(10.0) / total as f32;
        for ends in [&mut sources, &mut targets] {
            let high: f32 =
                ends.iter().map(|end| (end.n as f32 * scale).max(LABEL)).sum::<f32>() + GAP * (ends.len() as f32 - 1.0);
            let mut top = inner.top + (inner.height() - high).max(0.0) * 0.5;
            for end in ends.iter_mut() {
                // Room for its label, however thin it is; the bar stands in the middle of that room.
                let thick = end.n as f32 * scale;
                end.top = top + (LABEL - thick).max(0.0) * 0.5;
                top += thick.max(LABEL) + GAP;
            }
        }
        let sources_n = sources.len();
        let tint = |code: &str, index: usize, cx: &Cx<'_, '_>| -> Colour {
            if cx.city.boards.iter().any(|board| board.code == code) {
                cx.board_colour(code)
            } else {
                // Steps of one colour: a channel or a unit is no board.
                let share = index as f32 / (sources_n.max(2) - 1) as f32;
                tokens::BOARDS[2].mix(tokens::TEXT_QUIET, share)
            }
        };
        let known: Vec<&str> = sources.iter().map(|source| source.code).collect();
        for (index, source) in sources.iter_mut().enumerate() {
            let colour = tint(source.code, index, cx);
            for row in &rows {
                if ends_in(&known, table.text(*row, "source").unwrap_or_default()) != source.code {
                    continue;
                }
                let Some(target) = targets.iter_mut().find(|end| Some(end.code) == table.text(*row, "target")) else {
                    continue;
                };
                let thick = table.number(*row, "n").unwrap_or(0.0) as f32 * scale;
                let from = source.top + source.used;
                let to = target.top + target.used;
                source.used += thick;
                target.used += thick;
                band(cx, [left + BAR, from], [right - BAR, to], thick, colour.alpha(0.30));
            }
        }
        for (ends, x, is_source) in [(&sources, left, true), (&targets, right - BAR, false)] {
            for (index, end) in ends.iter().enumerate() {
                let height = (end.n as f32 * scale).max(2.0);
                let colour = if is_source { tint(end.code, index, cx) } else { tokens::TEXT_QUIET };
                cx.paint.rect(Rect::new(x, end.top, BAR, height), 2.0, colour);
                let name = self.name(cx, end.code);
                let middle = end.top + height * 0.5 + 5.0;
                let count = format::short(Some(end.n), cx.lang);
                let figure_width = cx.paint.measure(&count, &figure);
                if is_source {
                    cx.paint.text(x - 8.0, middle, &count, &figure.right());
                }
                let room = sides[usize::from(!is_source)] - figure_width - 20.0;
                let left = if is_source {
                    x - 16.0 - figure_width - cx.paint.measure(name, &label).min(room)
                } else {
                    cx.paint.text(x + BAR + 8.0, middle, &count, &figure);
                    x + BAR + 16.0 + figure_width
                };
                if self.names.contains_key(end.code) {
                    cx.paint.label_within(left, middle, room, name, &label);
                } else {
                    cx.paint.text_within(left, middle, room, name, &label);
                }
            }
        }
    }

    fn least(&self) -> [f32; 2] {
        [360.0, 140.0]
    }

    fn ample(&self) -> Option<[f32; 2]> {
        Some([400.0, 380.0])
    }
}

impl Flows {
    fn name<'a>(&'a self, cx: &Cx<'a, '_>, code: &'a str) -> &'a str {
        if let Some(words) = self.names.get(code) {
            return words.pick(cx.lang);
        }
        if code == REST {
            return cx.lang.pick("另外几种", "others");
        }
        let city = cx.city;
        let named = city.boards.iter().chain(&city.channels).find(|known| known.code == code);
        named.map_or(code, |known| cx.lang.pick(&known.zh, &known.en))
    }
}

/// A band of even thickness along a smooth step.
fn band(cx: &mut Cx<'_, '_>, from: [f32; 2], to: [f32; 2], thick: f32, colour: Colour) {
    const STEPS: usize = 24;
    let points = |offset: f32| -> Vec<[f32; 2]> {
        (0..=STEPS)
            .map(|step| {
                let share = step as f32 / STEPS as f32;
                let smooth = share * share * (3.0 - 2.0 * share);
                [from[0] + (to[0] - from[0]) * share, from[1] + (to[1] - from[1]) * smooth + offset]
            })
            .collect()
    };
    cx.paint.band(&points(0.0), &points(thick.max(0.8)), colour);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_folded_is_counted_still() {
        let mut ends = Vec::new();
        for (code, n) in [("a", 9.0), ("b", 5.0), ("c", 2.0), ("d", 1.0)] {
            gather(&mut ends, code, n);
        }
        fold(&mut ends, 4);
        assert_eq!(ends.len(), 4, "all have room");
        fold(&mut ends, 3);
        let folded: Vec<(&str, f64)> = ends.iter().map(|end| (end.code, end.n)).collect();
        assert_eq!(folded, [("a", 9.0), ("b", 5.0), (REST, 3.0)]);
        assert_eq!((ends_in(&["a", REST], "a"), ends_in(&["a", REST], "d")), ("a", REST));
    }
}
