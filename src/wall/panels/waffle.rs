//! One square for each thing counted, by class: 314 firms are 314 squares.

use serde::Deserialize;

use super::super::canvas::{Face, Rect, Style};
use super::super::format;
use super::super::scene::{Metric, Words};
use super::super::tokens::{self, Colour, size};
use super::{Cx, Panel, caption};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Waffle {
    /// One row a class.
    metric: Metric,
    code: String,
    #[serde(default = "n")]
    value: String,
    /// In the order shown.
    classes: Vec<Class>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Class {
    code: String,
    label: Words,
}

fn n() -> String {
    "n".into()
}

/// Beyond this many a square stands for several.
const SQUARES_MAX: usize = 1200;

/// Classes are steps of one scale, the first the brightest: other colours would say boards.
fn tint(index: usize, classes: usize) -> Colour {
    let share = index as f32 / (classes.max(2) - 1) as f32;
    let (plain, light, dark) = (tokens::BOARDS[2], tokens::TEXT, tokens::GROUND_MIDDLE);
    if share < 0.5 { light.mix(plain, 0.25 + share * 1.5) } else { plain.mix(dark, (share - 0.5) * 1.2) }
}

impl Panel for Waffle {
    fn metrics(&self) -> Vec<&Metric> {
        vec![&self.metric]
    }

    fn columns(&self) -> Vec<(&Metric, &str)> {
        [&self.code, &self.value].into_iter().map(|column| (&self.metric, column.as_str())).collect()
    }

    fn paint(&self, cx: &mut Cx<'_, '_>) {
        cx.heading_of_file();
        let inner = cx.inner();
        let table = cx.table(&self.metric);
        let count = |class: &Class| {
            (0..table.rows())
                .find(|row| table.text(*row, &self.code) == Some(&class.code))
                .and_then(|row| table.number(row, &self.value))
        };
        let counts: Vec<Option<f64>> = self.classes.iter().map(count).collect();
        let total: f64 = counts.iter().flatten().sum();
        let each = (total / SQUARES_MAX as f64).ceil().max(1.0);
        let squares: usize = counts.iter().flatten().map(|count| (count / each).round() as usize).sum();
        let field = Rect { bottom: inner.bottom - 58.0, ..inner };
        if squares > 0 && field.height() > 10.0 {
            let mut columns = 1;
            // The largest square that lets all of them fit.
            while squares.div_ceil(columns) as f32 * (field.width() / columns as f32) > field.height() {
                columns += 1;
            }
            let pitch = (field.width() / columns as f32).min(40.0);
            let columns = (field.width() / pitch) as usize;
            let mut position = 0;
            for (index, count) in counts.iter().enumerate() {
                for _ in 0..(count.unwrap_or(0.0) / each).round() as usize {
                    let (x, y) = (position % columns, position / columns);
                    let place = Rect::new(
                        field.left + pitch * x as f32,
                        field.top + pitch * y as f32,
                        pitch * 0.82,
                        pitch * 0.82,
                    );
                    cx.paint.rect(place, 2.0, tint(index, self.classes.len()));
                    position += 1;
                }
            }
        }
        let figure = Style::new(Face::Figure, size::RING_FIGURE, tokens::TEXT);
        let width = inner.width() / self.classes.len().max(1) as f32;
        for (index, (class, count)) in self.classes.iter().zip(&counts).enumerate() {
            let left = inner.left + width * index as f32;
            cx.paint.rect(Rect::new(left, inner.bottom - 42.0, 5.0, 40.0), 2.5, tint(index, self.classes.len()));
            cx.paint.text(left + 14.0, inner.bottom - 22.0, &format::whole(*count), &figure);
            cx.paint.label_within(left + 14.0, inner.bottom - 2.0, width - 18.0, class.label.pick(cx.lang), &caption());
        }
    }

    fn ample(&self) -> Option<[f32; 2]> {
        Some([400.0, 420.0])
    }
}
