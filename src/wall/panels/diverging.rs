//! Two sides of each thing against each other: hiring to the left, looking to the right.

use serde::Deserialize;

use super::super::canvas::{Face, Rect, Style};
use super::super::format;
use super::super::scene::{Metric, Words};
use super::super::tokens::{self, size};
use super::{Calm, Cx, Panel, body, note};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Diverging {
    metric: Metric,
    left: String,
    left_label: Words,
    right: String,
    right_label: Words,
    #[serde(default = "most")]
    most: usize,
}

fn most() -> usize {
    10
}

impl Panel for Diverging {
    fn metrics(&self) -> Vec<&Metric> {
        vec![&self.metric]
    }

    fn columns(&self) -> Vec<(&Metric, &str)> {
        vec![(&self.metric, self.left.as_str()), (&self.metric, self.right.as_str())]
    }

    fn paint(&self, cx: &mut Cx<'_, '_>) {
        cx.heading_of_file();
        let inner = cx.inner();
        let table = cx.table(&self.metric);
        let rows = table.rows().min(self.most);
        if rows == 0 {
            cx.empty(&table, Calm::Quiet, "这段时间没有数据", "nothing in this window");
            return;
        }
        let (names, widest) = cx.names(&table, rows);
        let figures = Style::new(Face::Figure, size::CAPTION, tokens::TEXT_BODY);
        let counts = (0..rows).flat_map(|row| [table.number(row, &self.left), table.number(row, &self.right)]);
        let widths = counts.map(|count| cx.paint.measure(&format::whole(count), &figures)).collect::<Vec<_>>();
        let figure_width = widths.into_iter().fold(36.0_f32, f32::max) + 10.0;
        // Long names take of the bars, which keep a sixth of the width each.
        let name_room = (inner.width() * 0.28).max(inner.width() * 0.66 - 2.0 * figure_width - 24.0);
        let name_width = widest.min(name_room) + 24.0;
        let reach = (inner.width() - name_width) * 0.5 - figure_width;
        let middle_x = inner.middle_x();
        let most = (0..rows)
            .flat_map(|row| [table.number(row, &self.left), table.number(row, &self.right)])
            .flatten()
            .fold(0.0_f64, f64::max)
            .max(1.0);
        let top = inner.top + 22.0;
        let (left_edge, right_edge) = (middle_x - name_width * 0.5, middle_x + name_width * 0.5);
        cx.paint.text(
            left_edge,
            inner.top + 10.0,
            self.left_label.pick(cx.lang),
            &note().right().colour(tokens::BOARDS[2]),
        );
        cx.paint.text(right_edge, inner.top + 10.0, self.right_label.pick(cx.lang), &note().colour(tokens::BOARDS[0]));
        let (pitch, tops) = cx.rows([top, inner.bottom], rows, [20.0, 84.0]);
        for (row, (name, top)) in names.iter().zip(tops).enumerate() {
            let y = top + pitch * 0.5;
            let width = cx.paint.measure(name, &body()).min(name_width - 16.0);
            cx.paint.text_within(middle_x - width * 0.5, y + 6.5, name_width - 14.0, name, &body());
            let (left, right) = (table.number(row, &self.left), table.number(row, &self.right));
            let length = |value: Option<f64>| ((value.unwrap_or(0.0) / most) as f32 * reach).max(0.0);
            let (a, b) = (length(left), length(right));
            if a > 0.5 {
                cx.paint.rect(Rect::new(left_edge - a.max(4.0), y - 6.0, a.max(4.0), 12.0), 2.0, tokens::BOARDS[2]);
            }
            if b > 0.5 {
                cx.paint.rect(Rect::new(right_edge, y - 6.0, b.max(4.0), 12.0), 2.0, tokens::BOARDS[0]);
            }
            cx.paint.text(left_edge - a - 8.0, y + 5.5, &format::whole(left), &figures.right());
            cx.paint.text(right_edge + b + 8.0, y + 5.5, &format::whole(right), &figures);
        }
    }

    fn opens_at_seams(&self) -> bool {
        true
    }

    fn least(&self) -> [f32; 2] {
        [360.0, 140.0]
    }

    fn ample(&self) -> Option<[f32; 2]> {
        Some([520.0, 50.0 * self.most as f32])
    }
}
