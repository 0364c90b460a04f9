//! The districts with today's tickets as sparks, what is on its way to them as arcs, and a value as their shade; a city
//! without a map gets its areas as a ranked list.

use serde::Deserialize;

use super::super::canvas::{Face, Rect, Style};
use super::super::data::Data;
use super::super::format;
use super::super::map::Map;
use super::super::scene::{Metric, Words};
use super::super::sparks::Spark;
use super::super::tokens::{self, size};
use super::map_flows::Flows;
use super::map_labels as labels;
use super::tiles::{STEPS, Steps};
use super::{Cx, Panel, body, note, warnings};
use crate::model::City;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MapPanel {
    /// area, zh, en, n, open.
    metric: Metric,
    /// Today's tickets, a spark each.
    #[serde(default = "yes")]
    sparks: bool,
    #[serde(default)]
    flows: Option<Flows>,
    #[serde(default)]
    heat: Option<Heat>,
    /// Public warnings; the one that counts is told in a corner.
    #[serde(default)]
    warnings: Option<Metric>,
}

fn yes() -> bool {
    true
}

/// Districts are the lighter, in five steps, the greater a value is.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Heat {
    /// A row a district: `area` and the value.
    metric: Metric,
    #[serde(default = "value")]
    value: String,
    /// What the shade says.
    label: Words,
}

fn value() -> String {
    "value".into()
}

impl Heat {
    fn steps<'a>(&'a self, data: &'a Data, city: &City) -> Option<Steps<'a>> {
        Steps::of(data.metric(&self.metric.0), &self.value, city)
    }
}

/// Where map coordinates fall on the wall.
pub struct Fit {
    pub scale: f32,
    pub left: f32,
    pub top: f32,
}

impl Fit {
    fn new(map: &Map, rect: Rect) -> Fit {
        let [left, top, right, bottom] = map.bounds;
        let scale = (rect.width() / (right - left)).min(rect.height() / (bottom - top));
        Fit {
            scale,
            left: rect.middle_x() - (left + right) * 0.5 * scale,
            top: rect.middle_y() - (top + bottom) * 0.5 * scale,
        }
    }
    pub fn point(&self, [x, y]: [f32; 2]) -> [f32; 2] {
        [self.left + x * self.scale, self.top + y * self.scale]
    }
}

/// How far the land stands above the sea, design units.
const LIFT: f32 = 11.0;

impl MapPanel {
    fn place(cx: &Cx<'_, '_>) -> Rect {
        let rect = cx.rect;
        Rect { left: rect.left + 6.0, top: rect.top + 4.0, right: rect.right - 6.0, bottom: rect.bottom - LIFT - 26.0 }
    }
}

impl Panel for MapPanel {
    fn metrics(&self) -> Vec<&Metric> {
        let more = [self.flows.as_ref().map(|flows| &flows.metric), self.heat.as_ref().map(|heat| &heat.metric)];
        std::iter::once(&self.metric).chain(more.into_iter().flatten()).chain(&self.warnings).collect()
    }

    fn columns(&self) -> Vec<(&Metric, &str)> {
        let mut columns = ["area", "n"].map(|column| (&self.metric, column)).to_vec();
        if let Some(flows) = &self.flows {
            columns.extend(["area", "board", "n"].map(|column| (&flows.metric, column)));
        }
        if let Some(heat) = &self.heat {
            columns.extend(["area", heat.value.as_str()].map(|column| (&heat.metric, column)));
        }
        if let Some(warnings) = &self.warnings {
            columns.extend(warnings::COLUMNS.map(|column| (warnings, column)));
        }
        columns
    }

    fn back_version(&self, data: &Data) -> u64 {
        let (Some(heat), Some(city)) = (&self.heat, &data.city) else { return 0 };
        // The steps as digits: the land is drawn anew only when a district changes its step.
        let steps = heat.steps(data, city);
        let digit = |code: &str| steps.as_ref().and_then(|steps| steps.step(code)).map_or(0, |step| step as u64 + 1);
        city.areas.iter().fold(1, |all: u64, area| all.wrapping_mul(STEPS as u64 + 1).wrapping_add(digit(&area.code)))
    }

    fn paint_back(&self, cx: &mut Cx<'_, '_>) {
        let Some(map) = cx.data.sparks.map().cloned() else { return };
        let fit = Fit::new(&map, Self::place(cx));
        let steps = self.heat.as_ref().and_then(|heat| heat.steps(cx.data, cx.city));
        let heat = |area: usize| {
            let step = steps.as_ref()?.step(&cx.city.areas.get(area)?.code)?;
            Some(step as f32 / (STEPS - 1) as f32)
        };
        let heats: Vec<Option<f32>> = map.areas.iter().map(|area| heat(area.area)).collect();
        land(cx, &map, &fit, &heats);
    }

    fn settled_version(&self, data: &Data) -> u64 {
        if self.sparks { data.sparks.version } else { 0 }
    }

    fn paint_settled(&self, cx: &mut Cx<'_, '_>) {
        let Some(map) = cx.data.sparks.map().filter(|_| self.sparks).cloned() else { return };
        let fit = Fit::new(&map, Self::place(cx));
        let settled_before = if cx.settled { f64::INFINITY } else { cx.now_s - f64::from(tokens::SPARK_NEW_S) };
        for spark in &cx.data.sparks.all {
            settled(cx, spark, &fit, spark.changed_s <= settled_before);
        }
    }

    fn paint_moving(&self, cx: &mut Cx<'_, '_>) {
        if cx.settled {
            return;
        }
        let Some(map) = cx.data.sparks.map().cloned() else { return };
        let fit = Fit::new(&map, Self::place(cx));
        let recent: &[usize] = if self.sparks { &cx.data.sparks.recent } else { &[] };
        for index in recent {
            if let Some(spark) = cx.data.sparks.all.get(*index) {
                fresh(cx, spark, &fit);
                *cx.moving = true;
            }
        }
        if let Some(flows) = &self.flows {
            flows.paint_moving(cx, &map, &fit);
        }
    }

    fn paint(&self, cx: &mut Cx<'_, '_>) {
        let table = cx.table(&self.metric);
        let Some(map) = cx.data.sparks.map().cloned() else {
            list(cx, &table);
            return;
        };
        let fit = Fit::new(&map, Self::place(cx));
        if let Some(flows) = &self.flows {
            flows.paint(cx, &map, &fit);
        }
        labels::paint(cx, &map, &fit, &table);
        let mut sentences = Vec::with_capacity(4);
        sentences.push(cx.lang.pick("数字：今日受理", "figures: opened today"));
        if self.sparks {
            sentences.push(
                cx.lang
                    .pick("光点：示意，散布于所属区内，不代表地址", "sparks: in their district, never at an address"),
            );
        }
        sentences.extend(self.flows.iter().map(|flows| flows.label.pick(cx.lang)));
        sentences.extend(self.heat.iter().map(|heat| heat.label.pick(cx.lang)));
        legend(cx, &sentences);
        if let Some(warnings) = &self.warnings {
            warnings::chip(cx, &cx.table(warnings));
        }
    }

    fn least(&self) -> [f32; 2] {
        [500.0, 500.0]
    }

    fn ample(&self) -> Option<[f32; 2]> {
        Some([760.0, 840.0])
    }

    fn shows_map(&self) -> bool {
        true
    }

    fn may_cross_seams(&self) -> bool {
        true
    }
}

/// What the marks are, in one line below the map, or in as many as there are sentences.
fn legend(cx: &mut Cx<'_, '_>, sentences: &[&str]) {
    let line = sentences.join(cx.lang.pick("　", " · "));
    let fits = cx.paint.measure(&line, &note()) <= cx.rect.width();
    let lines = if fits { vec![line.as_str()] } else { sentences.to_vec() };
    for (above, line) in lines.iter().rev().enumerate() {
        let width = cx.paint.measure(line, &note());
        let left = cx.off_seams(cx.rect.middle_x() - width * 0.5, width);
        cx.paint.text(left, cx.rect.bottom - 4.0 - 20.0 * above as f32, line, &note());
    }
}

/// The land as a slab: shadow on the sea, side, top, coast and borders. `heats`: how light each area is, 0 to 1.
fn land(cx: &mut Cx<'_, '_>, map: &Map, fit: &Fit, heats: &[Option<f32>]) {
    let [_, north, _, south] = map.bounds;
    for (step, alpha) in [(30.0, 0.10), (26.0, 0.12), (22.0, 0.14), (18.0, 0.18)] {
        let shadow = map.beyond([-step * 0.35 / fit.scale, step / fit.scale]);
        fill(cx, &shadow, fit, |_| tokens::LAND_SHADOW.alpha(alpha));
    }
    // The side of the slab: what its coast passes over on the way down.
    for line in &map.coast {
        for pair in line.windows(2) {
            let (a, b) = (fit.point(pair[0]), fit.point(pair[1]));
            let down = |[x, y]: [f32; 2]| ([x - LIFT * 0.35, y + LIFT], tokens::LAND_SIDE);
            let (a, b) = ((a, tokens::LAND_SIDE), (b, tokens::LAND_SIDE));
            cx.paint.triangle([a, b, down(a.0)]);
            cx.paint.triangle([b, down(b.0), down(a.0)]);
        }
    }
    for (area, heat) in map.areas.iter().zip(heats) {
        // Neighbours differ a little, so that borders read also without their line.
        let shade = (area.area * 7 % 5) as f32 / 5.0 * 0.10;
        fill(cx, &area.triangles, fit, |[_, y]| match heat {
            Some(heat) => tokens::LAND_SOUTH.mix(tokens::BOARDS[2], 0.04 + 0.46 * heat),
            None => {
                let south = ((y - north) / (south - north)).clamp(0.0, 1.0);
                tokens::LAND_NORTH.mix(tokens::LAND_SOUTH, south * 0.9 + shade)
            }
        });
    }
    let pixels = |line: &[[f32; 2]]| line.iter().map(|point| fit.point(*point)).collect::<Vec<[f32; 2]>>();
    for line in &map.borders {
        cx.paint.polyline(&pixels(line), 1.1, tokens::BORDER, None);
    }
    for line in &map.coast {
        let line = pixels(line);
        cx.paint.glow_line(&line, 12.0, tokens::COAST.alpha(0.13));
        cx.paint.polyline(&line, 1.6, tokens::COAST, None);
    }
}

pub fn fill(cx: &mut Cx<'_, '_>, triangles: &[[f32; 2]], fit: &Fit, colour: impl Fn([f32; 2]) -> tokens::Colour) {
    for corners in triangles.chunks_exact(3) {
        let corner = |index: usize| (fit.point(corners[index]), colour(corners[index]));
        cx.paint.triangle([corner(0), corner(1), corner(2)]);
    }
}

/// A spark whose news are over: calm when solved, still awake when not. One whose news are not over keeps its place in
/// the list without colour, so that only what settles differs from one list to the next.
fn settled(cx: &mut Cx<'_, '_>, spark: &Spark, fit: &Fit, is_settled: bool) {
    let [x, y] = fit.point(spark.place);
    let colour = tokens::board(usize::from(spark.board));
    if !is_settled {
        cx.paint.spark(x, y, 1.0, 0.5, tokens::Colour::CLEAR);
    } else if spark.solved {
        cx.paint.spark(x, y, 3.2, 1.25, colour.mix(tokens::SPARK_CALM, 0.12).alpha(0.62));
    } else {
        cx.paint.spark(x, y, 8.0, 1.9, colour.mix(tokens::TEXT, 0.12));
    }
}

/// A spark that just appeared or was just solved.
fn fresh(cx: &mut Cx<'_, '_>, spark: &Spark, fit: &Fit) {
    let [x, y] = fit.point(spark.place);
    let colour = tokens::board(usize::from(spark.board));
    let age = (cx.now_s - spark.changed_s) as f32;
    let left = (1.0 - age / tokens::SPARK_NEW_S).clamp(0.0, 1.0);
    let born = (cx.now_s - spark.born_s) as f32;
    let glow = left * left;
    if spark.solved {
        cx.paint.spark(
            x,
            y,
            3.2 + 9.0 * glow,
            1.25 + 1.2 * glow,
            colour.mix(tokens::SPARK_CALM, 0.12 + 0.6 * glow).alpha(0.62 + 0.38 * glow),
        );
    } else {
        cx.paint.spark(x, y, 8.0 + 16.0 * glow, 1.9 + 1.6 * glow, colour.mix(tokens::TEXT, 0.5 * glow));
    }
    // One ring, once, as it comes in.
    if (0.0..1.6).contains(&born) {
        let share = born / 1.6;
        cx.paint.ring(x, y, 4.0 + 20.0 * share.sqrt(), 1.6, 0.0, 1.0, colour.alpha(0.8 * (1.0 - share)));
    }
}

/// Areas in the order of their counts, in as many columns as are wanted: for a city whose map is not shipped.
fn list(cx: &mut Cx<'_, '_>, table: &super::super::data::Table<'_>) {
    let rect = Rect {
        left: cx.rect.left + 30.0,
        top: cx.rect.top + 24.0,
        right: cx.rect.right - 30.0,
        bottom: cx.rect.bottom - 16.0,
    };
    let title = Style::new(Face::Text, size::BODY, tokens::TEXT_BODY)
        .spacing(if cx.lang == super::super::options::Lang::Zh { tokens::TITLE_SPACING } else { 0.01 });
    let text = cx.lang.pick("各区今日受理", "Requests today by area");
    let width = cx.paint.measure(text, &title);
    let (left, baseline) = (cx.off_seams(rect.left, width), cx.off_rows(rect.top + 16.0, &title));
    cx.paint.text(left, baseline, text, &title);
    let mut rows: Vec<(f64, usize)> =
        (0..table.rows()).filter_map(|row| Some((table.number(row, "n")?, row))).collect();
    rows.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    if rows.is_empty() {
        if table.is_known() {
            cx.paint.text(
                rect.middle_x(),
                rect.middle_y(),
                cx.lang.pick("今天还没有受理", "nothing opened today"),
                &body().colour(tokens::TEXT_FAINT).middle(),
            );
        }
        return;
    }
    let columns = if rows.len() > 14 { 2 } else { 1 };
    let deep = rows.len().div_ceil(columns).min(18);
    let top = rect.top + 40.0;
    let pitch = ((rect.bottom - top) / deep as f32).min(64.0);
    let gap = 56.0;
    let width = (rect.width() - gap * (columns as f32 - 1.0)) / columns as f32;
    let most = rows.first().map_or(1.0, |row| row.0).max(1.0);
    let figures = Style::new(Face::Figure, size::ROW_FIGURE, tokens::LABEL_COUNT).right();
    let figure_width = cx.paint.measure(&format::whole(Some(most)), &figures) + 16.0;
    for (position, (value, row)) in rows.iter().take(deep * columns).enumerate() {
        let left = rect.left + (width + gap) * (position / deep) as f32;
        let middle = top + pitch * ((position % deep) as f32 + 0.5);
        let name = cx.lang.pick(table.text(*row, "zh").unwrap_or_default(), table.text(*row, "en").unwrap_or_default());
        let name = if name.is_empty() { table.text(*row, "area").unwrap_or_default() } else { name };
        let name = if name.is_empty() { cx.lang.pick("未注明", "not given") } else { name };
        cx.paint.text_within(left, middle - 2.0, width - figure_width, name, &body());
        cx.paint.text(left + width, middle + 4.0, &format::whole(Some(*value)), &figures);
        let bar = Rect::new(left, middle + 8.0, width - figure_width, 5.0);
        cx.paint.rect(bar, 2.5, tokens::TRACK.alpha(0.6));
        let share = (value / most) as f32;
        if share > 0.0 {
            let filled = Rect { right: bar.left + (bar.width() * share).max(5.0), ..bar };
            cx.paint.gradient(filled, 2.5, tokens::ACCENT.mix(tokens::GROUND_MIDDLE, 0.35), tokens::ACCENT, true);
        }
    }
}
