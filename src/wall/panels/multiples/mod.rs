//! Small multiples: one small chart for each group of rows, all on one time axis: the lines of a centre through the day.
//!
//! Each chart fills its own height, so that a small line has a form too; how much its top stands for is told beside
//! it, for charts of one height would else be taken for equally many.

mod chart;

use serde::Deserialize;

use super::super::canvas::{Face, Rect, Style};
use super::super::format;
use super::super::options::Lang;
use super::super::scene::{Metric, Words};
use super::super::tokens::{self, size};
use super::bullets::row_of;
use super::{Calm, Cx, Panel, body, note};
use chart::{Chart, read};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Multiples {
    /// One row a group and slot of the day, the slots in order; charts stand in the order in which groups appear.
    metric: Metric,
    #[serde(default = "code")]
    code: String,
    #[serde(default = "zh")]
    zh: String,
    #[serde(default = "en")]
    en: String,
    /// Column of the minute of the city's day at which the slot begins.
    #[serde(default = "minute")]
    minute: String,
    /// Column drawn; null where the day has not come yet.
    #[serde(default = "n")]
    value: String,
    /// Column of a faint dashed line behind it.
    #[serde(default)]
    ghost: Option<String>,
    /// Column of a board code that colours the line.
    #[serde(default)]
    board: Option<String>,
    /// What stands on the right; left out: the sum of what is drawn.
    #[serde(default)]
    figure: Option<Figure>,
    /// Stands below the figures: of which time they are.
    #[serde(default)]
    label: Words,
    #[serde(default)]
    unit: Words,
    #[serde(default = "most")]
    most: usize,
    /// All charts have the scale of the highest.
    #[serde(default)]
    same_scale: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Figure {
    metric: Metric,
    #[serde(default = "code")]
    code: String,
    #[serde(default = "n")]
    column: String,
}

fn code() -> String {
    "code".into()
}
fn zh() -> String {
    "zh".into()
}
fn en() -> String {
    "en".into()
}
fn minute() -> String {
    "minute".into()
}
fn n() -> String {
    "n".into()
}
fn most() -> usize {
    6
}

/// Height of the time axis below the charts, design units.
const AXIS: f32 = 24.0;
/// Rows so high, design units, have larger texts, unless the whole panel is drawn much larger.
const ROOMY: f32 = 52.0;
/// Names are set smaller before charts are narrower than the first, and cut before they are than the second, design
/// units.
const PLOTS: [f32; 2] = [150.0, 122.0];
/// Where charts are narrower than this the unit is left out, design units.
const ROOM_FOR_UNIT: f32 = 230.0;
/// Between names, charts, scales and figures, design units.
const GAPS: [f32; 3] = [14.0, 8.0, 16.0];

impl Multiples {
    fn figure(&self, cx: &Cx<'_, '_>, chart: &Chart<'_>) -> Option<f64> {
        let Some(figure) = &self.figure else { return chart.sum() };
        let table = cx.table(&figure.metric);
        table.number(row_of(&table, Some(&figure.code), Some(&chart.code)), &figure.column)
    }
}

impl Panel for Multiples {
    fn metrics(&self) -> Vec<&Metric> {
        std::iter::once(&self.metric).chain(self.figure.iter().map(|figure| &figure.metric)).collect()
    }

    fn columns(&self) -> Vec<(&Metric, &str)> {
        let named = [Some(&self.code), Some(&self.zh), Some(&self.en), Some(&self.minute), Some(&self.value)];
        let named = named.into_iter().chain([self.ghost.as_ref(), self.board.as_ref()]).flatten();
        let figure = self.figure.iter().flat_map(|figure| {
            [&figure.code, &figure.column].into_iter().map(|column| (&figure.metric, column.as_str()))
        });
        named.map(|column| (&self.metric, column.as_str())).chain(figure).collect()
    }

    fn paint(&self, cx: &mut Cx<'_, '_>) {
        cx.heading_of_file();
        let inner = cx.inner();
        let table = cx.table(&self.metric);
        let mut charts = read(self, &table, cx.lang);
        if charts.is_empty() {
            cx.empty(&table, Calm::Quiet, "今天还没有数据", "nothing yet today");
            return;
        }
        let all = charts.len();
        let (pitch, tops) = cx.rows([inner.top, inner.bottom - AXIS], all.min(self.most), [26.0, 96.0]);
        charts.truncate(tops.len());
        let roomy = pitch >= ROOMY && cx.zoom < 1.4;
        let (text_size, figure_size) =
            if roomy { (size::ROW_FIGURE, size::RING_FIGURE) } else { (size::BODY, size::ROW_FIGURE) };

        // How much the top of a chart stands for: told at each, or once.
        let shared = charts.iter().filter_map(Chart::highest).reduce(f64::max);
        let told = cx.lang.pick("刻度", "scale");
        let (scales, scale_head) = if self.same_scale {
            (Vec::new(), format!("{told} {}", format::short(shared, cx.lang)))
        } else {
            let scales: Vec<String> = charts.iter().map(|chart| format::short(chart.highest(), cx.lang)).collect();
            (scales, told.to_owned())
        };
        let scale_width = cx.paint.widest(&scales, &note()).max(cx.paint.measure(&scale_head, &note()));

        let figures = Style::new(Face::Figure, figure_size, tokens::TEXT).right();
        let unit_style = Style::new(Face::Text, size::CAPTION, tokens::TEXT_QUIET).right();
        let written: Vec<String> = charts.iter().map(|chart| format::whole(self.figure(cx, chart))).collect();
        let label = self.label.pick(cx.lang);
        let figure_width = cx.paint.widest(&written, &figures).max(cx.paint.measure(label, &note()));

        // Names rather a step smaller than cut.
        let room = inner.width() - figure_width - scale_width - GAPS.iter().sum::<f32>();
        let name_room = (room - PLOTS[1]).max(room * 0.4);
        let names: Vec<&str> = charts.iter().map(|chart| chart.name).collect();
        let steps = [text_size, size::BODY, size::CAPTION].map(|size| Style { size, ..body() });
        let name =
            steps.into_iter().find(|style| cx.paint.widest(&names, style) <= room - PLOTS[0]).unwrap_or(steps[2]);
        let name_width = cx.paint.widest(&names, &name).min(name_room);

        let unit = if room - name_width < ROOM_FOR_UNIT { "" } else { self.unit.pick(cx.lang) };
        let unit_width = if unit.is_empty() { 0.0 } else { cx.paint.measure(unit, &unit_style) + 5.0 };
        let scale_right = inner.right - unit_width - figure_width - GAPS[2];
        let across = [inner.left + name_width + GAPS[0], scale_right - scale_width - GAPS[1]];
        let half = (pitch * 0.5 - 5.0).clamp(8.0, 34.0);
        for (row, (chart, top)) in charts.iter().zip(&tops).enumerate() {
            let middle = top + pitch * 0.5;
            let plot = Rect { left: across[0], top: middle - half, right: across[1], bottom: middle + half };
            let highest = if self.same_scale { shared } else { chart.highest() };
            let colour = chart.board.map_or(tokens::BOARDS[2], |code| cx.board_colour(code));
            chart.draw(cx, plot, highest, colour);
            let baseline = middle + figure_size * 0.36;
            cx.paint.text_within(inner.left, baseline, name_width + 1.0, chart.name, &name);
            if let Some(text) = scales.get(row) {
                cx.paint.text(scale_right, baseline, text, &note().right());
            }
            if let Some(text) = written.get(row) {
                cx.paint.text(inner.right - unit_width, baseline, text, &figures);
                cx.paint.text(inner.right, baseline, unit, &unit_style);
            }
        }
        // The foot of the last chart is the axis.
        let end = tops.last().map_or(inner.top, |top| top + pitch * 0.5 + half);
        super::curve::hours(cx, Rect { left: across[0], top: inner.top, right: across[1], bottom: end });
        let baseline = end + 20.0;
        if all > charts.len() {
            let rest = all - charts.len();
            let text = match cx.lang {
                Lang::Zh => format!("另 {rest} 项"),
                Lang::En => format!("{rest} more"),
            };
            cx.paint.text_within(inner.left, baseline, name_width, &text, &note());
        }
        cx.paint.text(scale_right, baseline, &scale_head, &note().right());
        cx.paint.text(inner.right - unit_width, baseline, label, &note().right());
    }

    fn opens_at_seams(&self) -> bool {
        true
    }

    fn least(&self) -> [f32; 2] {
        [260.0, 140.0]
    }

    fn ample(&self) -> Option<[f32; 2]> {
        Some([560.0, 40.0 * self.most as f32 + AXIS])
    }
}
