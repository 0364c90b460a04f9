//! A schematic map: a tile a district, where the city file puts it, in five steps of one colour by a value.
//!
//! All districts are of one size, so that a small one with much to tell is seen. Steps begin at zero: districts that
//! hardly differ look alike. What is not known has an empty tile.

use serde::Deserialize;

use super::super::canvas::{Align, Face, Rect, Style};
use super::super::data::Table;
use super::super::format;
use super::super::scene::{Metric, Words};
use super::super::tokens::{self, Colour, size};
use super::{Calm, Cx, Panel, body, note};
use crate::model::City;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tiles {
    /// A row a district: `area` and the value.
    metric: Metric,
    #[serde(default = "value")]
    value: String,
    #[serde(default)]
    decimals: usize,
    /// The value is a share, shown in percent.
    #[serde(default)]
    percent: bool,
    /// Of the value, in the legend.
    #[serde(default)]
    unit: Words,
}

fn value() -> String {
    "value".into()
}

pub const STEPS: usize = 5;
/// Between two tiles, design units.
const GAP: f32 = 6.0;
/// Without places in the city file tiles stand in rows of so many.
const PLAIN_COLUMNS: usize = 6;

/// Column and row of each district that has a tile, by its position in the city file, and how many columns and rows
/// there are.
fn places(city: &City) -> (Vec<(usize, [usize; 2])>, [usize; 2]) {
    let given = city.areas.iter().enumerate().filter_map(|(index, area)| Some((index, area.tile?.map(usize::from))));
    let mut places: Vec<(usize, [usize; 2])> = given.collect();
    if places.is_empty() {
        let columns = PLAIN_COLUMNS.min((city.areas.len() as f32).sqrt().ceil() as usize).max(1);
        places = (0..city.areas.len()).map(|index| (index, [index % columns, index / columns])).collect();
    }
    let most = |axis: usize| places.iter().map(|(_, place)| place[axis] + 1).max().unwrap_or(1);
    let size = [most(0), most(1)];
    (places, size)
}

/// A value by district and its step, for tiles and for the shade of a map.
pub struct Steps<'a> {
    table: Table<'a>,
    value: &'a str,
    /// The greatest value of the city's districts.
    pub most: f64,
}

impl<'a> Steps<'a> {
    /// Of a table with a row a district; `None` while no district of the city has a value.
    pub fn of(table: Table<'a>, value: &'a str, city: &City) -> Option<Steps<'a>> {
        let steps = Steps { table, value, most: 0.0 };
        let most = city.areas.iter().filter_map(|area| steps.value(&area.code)).reduce(f64::max)?;
        Some(Steps { most, ..steps })
    }

    pub fn value(&self, area: &str) -> Option<f64> {
        let row = (0..self.table.rows()).find(|row| self.table.text(*row, "area") == Some(area))?;
        self.table.number(row, self.value)
    }

    pub fn step(&self, area: &str) -> Option<usize> {
        Some(step(self.value(area)?, self.most))
    }
}

/// The step of a value between zero and the greatest one, 0 to STEPS − 1.
fn step(value: f64, most: f64) -> usize {
    if most <= 0.0 {
        return 0;
    }
    ((value / most * STEPS as f64).ceil().max(1.0) as usize - 1).min(STEPS - 1)
}

/// From dark to light: more is brighter.
fn tint(step: usize) -> Colour {
    let share = step as f32 / (STEPS - 1) as f32;
    tokens::LAND_SOUTH.mix(tokens::BOARDS[2], 0.10 + 0.78 * share)
}

impl Tiles {
    fn written(&self, value: Option<f64>) -> String {
        match (self.percent, value) {
            (true, Some(value)) => format!("{}%", format::percent(Some(value))),
            _ => format::decimal(value, self.decimals),
        }
    }

    /// The steps and what they reach from and to.
    fn legend(&self, cx: &mut Cx<'_, '_>, inner: Rect, most: f64) {
        let baseline = inner.bottom - 2.0;
        let style = Style::new(Face::Figure, size::NOTE, tokens::TEXT_QUIET);
        let mut pen = inner.left + cx.paint.text(inner.left, baseline, &self.written(Some(0.0)), &style) + 8.0;
        for step in 0..STEPS {
            cx.paint.rect(Rect::new(pen, baseline - 10.0, 22.0, 10.0), 2.0, tint(step));
            pen += 24.0;
        }
        pen += 6.0;
        pen += cx.paint.text(pen, baseline, &self.written(Some(most)), &style) + 8.0;
        let unit = self.unit.pick(cx.lang);
        cx.paint.label_within(pen, baseline, (inner.right - pen).max(0.0), unit, &note());
    }
}

impl Panel for Tiles {
    fn metrics(&self) -> Vec<&Metric> {
        vec![&self.metric]
    }

    fn columns(&self) -> Vec<(&Metric, &str)> {
        vec![(&self.metric, "area"), (&self.metric, self.value.as_str())]
    }

    fn paint(&self, cx: &mut Cx<'_, '_>) {
        cx.heading_of_file();
        let inner = cx.inner();
        let table = cx.table(&self.metric);
        let Some(steps) = Steps::of(table, &self.value, cx.city) else {
            cx.empty(&table, Calm::Quiet, "还没有数据", "nothing yet");
            return;
        };
        let (places, [columns, rows]) = places(cx.city);
        let lanes = cx.columns([inner.left, inner.right], columns);
        let bands = cx.field_rows([inner.top, inner.bottom - 26.0], rows, [34.0, 150.0]);
        for (index, [column, row]) in places {
            let (Some([left, right]), Some([top, bottom])) = (lanes.get(column), bands.get(row)) else { continue };
            let tile = Rect { left: *left, top: *top, right: right - GAP, bottom: bottom - GAP };
            let Some(area) = cx.city.areas.get(index) else { continue };
            match steps.step(&area.code) {
                Some(step) => cx.paint.rect(tile, 5.0, tint(step)),
                None => {
                    let stroke = Some((1.0, tokens::RULE));
                    cx.paint.framed(tile, 5.0, Colour::CLEAR, Colour::CLEAR, false, stroke);
                }
            }
            self.label(cx, tile, cx.lang.pick(&area.zh, &area.en), steps.value(&area.code));
        }
        self.legend(cx, inner, steps.most);
    }

    fn least(&self) -> [f32; 2] {
        [260.0, 240.0]
    }

    fn ample(&self) -> Option<[f32; 2]> {
        Some([420.0, 400.0])
    }

    fn opens_at_seams(&self) -> bool {
        true
    }

    fn opens_at_upright_seams(&self) -> bool {
        true
    }
}

impl Tiles {
    /// Name above figure; beside it in a low tile. Both are set in the largest step that fits.
    fn label(&self, cx: &mut Cx<'_, '_>, tile: Rect, name: &str, value: Option<f64>) {
        let room = tile.width() - 12.0;
        let mut fit = |text: &str, style: Style, steps: &[f32]| {
            let fits = |step: &&f32| cx.paint.measure(text, &Style { size: **step, ..style }) <= room;
            steps.iter().find(fits).map(|step| Style { size: *step, ..style })
        };
        let names = body().colour(tokens::TEXT).middle();
        let smallest = Style { size: size::NOTE, ..names };
        let names = fit(name, names, &[size::BODY, size::CAPTION]).unwrap_or(smallest);
        let colour = if value.is_some() { tokens::TEXT } else { tokens::TEXT_FAINT };
        let figures = Style::new(Face::Figure, size::CAPTION, colour).middle();
        let steps = [size::RING_FIGURE, size::ROW_FIGURE, size::BODY, size::CAPTION];
        let steps = if tile.height() > 84.0 { &steps[..] } else { &steps[1..] };
        let mut text = self.written(value);
        let figures = fit(&text, figures, steps).unwrap_or_else(|| {
            text = format::short(value, cx.lang);
            figures
        });
        let (x, y) = (tile.middle_x(), tile.middle_y());
        let width = cx.paint.measure(name, &names) + 10.0 + cx.paint.measure(&text, &figures);
        if tile.height() < 56.0 && width <= room {
            let left = x - width * 0.5;
            let after = cx.paint.text(left, y + 6.5, name, &names.align(Align::Left));
            cx.paint.text(left + after + 10.0, y + 8.0, &text, &figures.align(Align::Left));
            return;
        }
        let width = cx.paint.measure(name, &names).min(room);
        cx.paint.text_within(x - width * 0.5, y - 5.0, room, name, &names.align(Align::Left));
        cx.paint.text(x, y + figures.size * 0.86, &text, &figures);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_reach_from_zero_to_the_greatest_value() {
        let steps = [0.0, 0.1, 4.0, 4.1, 16.1, 20.0].map(|value| step(value, 20.0));
        assert_eq!(steps, [0, 0, 0, 1, 4, 4]);
        assert_eq!([step(0.0, 0.0), step(0.009, 0.0095)], [0, 4], "what hardly differs is alike");
    }

    #[test]
    fn each_district_has_a_tile_of_its_own() {
        for name in ["ningbo", "boston"] {
            let city = City::load(name).unwrap();
            let (places, [columns, rows]) = places(&city);
            assert_eq!(places.len(), city.areas.len(), "{name}");
            let mut seen: Vec<[usize; 2]> = places.iter().map(|(_, place)| *place).collect();
            seen.sort_unstable();
            seen.dedup();
            assert_eq!(seen.len(), city.areas.len(), "{name}: two districts in one place");
            assert!(places.iter().all(|(_, [column, row])| *column < columns && *row < rows));
        }
    }
}
