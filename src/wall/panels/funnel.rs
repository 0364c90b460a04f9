//! Stages of the loop as columns, joined by what flows on from one to the next.

use serde::Deserialize;

use super::super::canvas::Rect;
use super::super::format;
use super::super::scene::{Metric, Words};
use super::super::tokens;
use super::{Cx, Panel, caption, row_figure};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Funnel {
    metric: Metric,
    #[serde(default = "stage")]
    column: String,
    /// In the order shown; a row is found by its code or its Chinese name.
    stages: Vec<Stage>,
    /// What goes from one stage straight to a later one.
    #[serde(default)]
    direct: Option<Direct>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Direct {
    from: String,
    to: String,
    label: Words,
}

fn stage() -> String {
    "stage".into()
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stage {
    code: String,
    label: Words,
}

impl Panel for Funnel {
    fn metrics(&self) -> Vec<&Metric> {
        vec![&self.metric]
    }

    fn columns(&self) -> Vec<(&Metric, &str)> {
        vec![(&self.metric, self.column.as_str()), (&self.metric, "n")]
    }

    fn paint(&self, cx: &mut Cx<'_, '_>) {
        cx.heading_of_file();
        let inner = cx.inner();
        let table = cx.table(&self.metric);
        let plot = Rect { top: inner.top + 2.0, bottom: inner.bottom - 48.0, ..inner };
        let count = self.stages.len().max(1);
        let bar = (plot.width() / count as f32 * 0.44).min(40.0);
        let value = |stage: &Stage| {
            (0..table.rows())
                .find(|row| {
                    table.text(*row, &self.column).is_some_and(|text| {
                        text == stage.code
                            || text == stage.label.zh
                            || text.starts_with(&format!("{} ", stage.label.zh))
                    })
                })
                .and_then(|row| table.number(row, "n"))
        };
        let values: Vec<Option<f64>> = self.stages.iter().map(value).collect();
        let most = values.iter().flatten().copied().fold(0.0_f64, f64::max).max(1.0);
        // Below a hundredth of the greatest a column would vanish; a sliver says "some".
        let height = |value: Option<f64>| {
            let share = (value.unwrap_or(0.0) / most) as f32;
            if value.is_some_and(|value| value > 0.0) { (share * plot.height()).max(2.0) } else { 0.0 }
        };
        // Half a label's width stays free at both ends.
        let margin = 8.0;
        let left_of = |index: usize| {
            plot.left + margin + (plot.width() - 2.0 * margin - bar) * index as f32 / (count as f32 - 1.0).max(1.0)
        };
        let tint = |index: usize| tokens::ACCENT.mix(tokens::GROUND_MIDDLE, 0.10 + 0.46 * index as f32 / count as f32);
        for index in 1..count {
            // Where the next stage has more than this one, they are not of one cohort: nothing is said to flow.
            if values[index] > values[index - 1] {
                continue;
            }
            let (high, low) = (height(values[index - 1]), height(values[index]));
            let (from, to) = (left_of(index - 1) + bar, left_of(index));
            flow(cx, [from, plot.bottom - high], [to, plot.bottom - low], plot.bottom, tokens::ACCENT.alpha(0.13));
        }
        self.direct(cx, plot, &values, most, &left_of, bar);
        for (index, stage) in self.stages.iter().enumerate() {
            let left = left_of(index);
            let high = height(values[index]);
            if high > 0.0 {
                cx.paint.rect(Rect::new(left, plot.bottom - high, bar, high), 3.0, tint(index));
            } else {
                cx.paint.rule(left, left + bar, plot.bottom - 1.0, tokens::TRACK);
            }
            // The first and last labels keep to the panel's edges.
            let x = left + bar * 0.5;
            cx.paint.text(
                x,
                plot.bottom + 21.0,
                stage.label.pick(cx.lang),
                &caption().colour(tokens::TEXT_BODY).middle(),
            );
            let mut figures = row_figure().middle().colour(tokens::TEXT_QUIET);
            figures.size = tokens::size::BODY;
            let room = plot.width() / count as f32 - 8.0;
            let whole = format::whole(values[index]);
            let text =
                if cx.paint.measure(&whole, &figures) <= room { whole } else { format::short(values[index], cx.lang) };
            // The first and the last keep inside the panel.
            let half = cx.paint.measure(&text, &figures) * 0.5;
            let x = x.min(inner.right - half).max(inner.left + half);
            cx.paint.text(x, plot.bottom + 42.0, &text, &figures);
        }
    }

    fn ample(&self) -> Option<[f32; 2]> {
        Some([74.0 * self.stages.len() as f32, 240.0])
    }
}

impl Funnel {
    /// The part that skips stages, as a band over them from column top to column top.
    fn direct(
        &self,
        cx: &mut Cx<'_, '_>,
        plot: Rect,
        values: &[Option<f64>],
        most: f64,
        left_of: &dyn Fn(usize) -> f32,
        bar: f32,
    ) {
        let Some(direct) = &self.direct else { return };
        let position = |code: &str| self.stages.iter().position(|stage| stage.code == code);
        let (Some(from), Some(to)) = (position(&direct.from), position(&direct.to)) else { return };
        let (Some(start), Some(end)) = (values[from], values[to]) else { return };
        let Some(before) = to.checked_sub(1).and_then(|index| values[index]) else { return };
        let skipped = (end - before).min(start);
        if skipped <= 0.0 || from + 1 >= to {
            return;
        }
        let (left, right) = (left_of(from) + bar, left_of(to));
        // A source that tells of no stage between says nothing of what skipped them.
        if values[from + 1..to].iter().all(|value| value.is_none_or(|value| value <= 0.0)) {
            let text = format!("{} {}", direct.label.pick(cx.lang), format::MISSING);
            let style = caption().colour(tokens::TEXT_FAINT).middle();
            cx.paint.text((left + right) * 0.5, plot.middle_y() + 5.0, &text, &style);
            return;
        }
        let y = |value: f64| plot.bottom - (value / most) as f32 * plot.height();
        let thick = (skipped / most) as f32 * plot.height();
        let upper = [[left, y(start)], [right, y(end)]];
        let lower = [[left, y(start) + thick], [right, y(end) + thick]];
        cx.paint.band(&upper, &lower, tokens::ACCENT.alpha(0.12));
        let share = format::percent(Some(skipped / start.max(1.0)));
        let text = format!("{} {} · {share}%", direct.label.pick(cx.lang), format::whole(Some(skipped)));
        let style = caption().colour(tokens::ACCENT_SOFT).middle();
        let middling = format!("{} {share}%", direct.label.pick(cx.lang));
        // Between two columns, or over lower ones: where the band is free, as near to its middle as can be.
        for text in [text, middling, format!("{share}%")] {
            let half = cx.paint.measure(&text, &style) * 0.5 + 6.0;
            let baseline = |x: f32| {
                let along = (x - left) / (right - left).max(1.0);
                y(start) + (y(end) - y(start)) * along + thick * 0.5 + 5.0
            };
            let free = |x: f32| {
                let column = |index: usize| (left_of(index), y(values[index].unwrap_or(0.0)));
                (from + 1..to)
                    .map(column)
                    .all(|(column, top)| x + half < column || x - half > column + bar || top > baseline(x) + 6.0)
            };
            let middle = (left + right) * 0.5;
            let spots = (0..=40).map(|spot| left + half + (right - left - 2.0 * half) * spot as f32 / 40.0);
            let spot = spots.filter(|x| free(*x)).min_by(|a, b| (a - middle).abs().total_cmp(&(b - middle).abs()));
            if let Some(x) = spot.filter(|_| thick >= 20.0 && right - left > 2.0 * half) {
                cx.paint.text(x, baseline(x), &text, &style);
                return;
            }
        }
    }
}

/// What flows between two columns: an area under a smooth step.
fn flow(cx: &mut Cx<'_, '_>, from: [f32; 2], to: [f32; 2], base: f32, colour: tokens::Colour) {
    const STEPS: usize = 16;
    let points: Vec<[f32; 2]> = (0..=STEPS)
        .map(|step| {
            let share = step as f32 / STEPS as f32;
            let smooth = share * share * (3.0 - 2.0 * share);
            [from[0] + (to[0] - from[0]) * share, from[1] + (to[1] - from[1]) * smooth]
        })
        .collect();
    cx.paint.area(&points, base, colour, colour.alpha(0.5));
}
