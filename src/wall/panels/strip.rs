//! A strip of units: one mark for each thing, as high as its value, the newest at the right.
//!
//! As many things as the room holds, each mark and each gap of the same whole pixels. A fault has a colour and a shape.

use std::borrow::Cow;

use serde::Deserialize;

use super::super::canvas::Rect;
use super::super::data::Table;
use super::super::format;
use super::super::scene::{Metric, Words};
use super::super::tokens::{self, Colour, size};
use super::figures::{self, Value};
use super::marks::Marks;
use super::{Calm, Cx, Panel, note};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Strip {
    /// One row a thing, the newest last.
    metric: Metric,
    #[serde(default = "score")]
    value: String,
    /// Column of the code of a class.
    #[serde(default)]
    class: Option<String>,
    #[serde(default)]
    classes: Vec<Class>,
    /// The scale from the foot of a mark to the top of the highest; it goes farther where a value does.
    #[serde(default)]
    low: f64,
    #[serde(default = "high")]
    high: f64,
    /// Figures above the strip.
    #[serde(default)]
    values: Vec<Value>,
    /// Words below: `{n}` stands for how many marks there are, `{low}` and `{high}` for the scale.
    #[serde(default)]
    foot: Words,
    /// Said when there is no row.
    #[serde(default)]
    empty: Words,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Class {
    code: String,
    label: Words,
    #[serde(default)]
    tone: Tone,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Tone {
    Good,
    /// Marked by a triangle too.
    Bad,
    #[default]
    Plain,
}

impl Tone {
    fn colour(self) -> Colour {
        match self {
            // A long row of full green would outshine the faults in it.
            Tone::Good => tokens::GOOD.alpha(0.52),
            Tone::Bad => tokens::BAD,
            Tone::Plain => tokens::BOARDS[2].alpha(0.8),
        }
    }
}

fn score() -> String {
    "score".into()
}
fn high() -> f64 {
    100.0
}

/// Least and greatest distance from mark to mark, design units.
const PITCH: [f32; 2] = [4.0, 10.0];
/// Kept free above the strip for the triangle of a fault, design units.
const HEADROOM: f32 = 12.0;
/// Height of the words below, design units.
const FOOT: f32 = 26.0;

/// The scale, stretched to what is on it, on whole tens.
fn stretched([low, high]: [f64; 2], values: &[Option<f64>]) -> [f64; 2] {
    let known = values.iter().flatten().copied().filter(|value| value.is_finite());
    let (least, greatest) = known.fold((low, high), |(least, most), value| (least.min(value), most.max(value)));
    let low = if least < low { (least / 10.0).floor() * 10.0 } else { low };
    let high = if greatest > high { (greatest / 10.0).ceil() * 10.0 } else { high };
    [low, high.max(low + 1.0)]
}

impl Strip {
    fn tone(&self, table: &Table<'_>, row: usize) -> Tone {
        self.class_of(table, row).map_or(Tone::Plain, |class| class.tone)
    }

    fn class_of(&self, table: &Table<'_>, row: usize) -> Option<&Class> {
        let code: Cow<'_, str> = table.word(row, self.class.as_deref()?)?;
        self.classes.iter().find(|class| class.code == code)
    }

    fn strip(&self, cx: &mut Cx<'_, '_>, field: Rect) {
        let table = cx.table(&self.metric);
        let marks = Marks::fit(field.width(), table.rows(), PITCH, cx.paint.scale);
        let first = table.rows() - marks.count;
        let values: Vec<Option<f64>> = (first..table.rows()).map(|row| table.number(row, &self.value)).collect();
        let [low, high] = stretched([self.low, self.high], &values);
        let tall = field.height() - HEADROOM;
        if !table.is_known() {
            return;
        }
        let begin = if marks.count > 0 { marks.left(field.right, 0) } else { field.left };
        cx.paint.rule(begin, field.right, field.bottom, tokens::RULE);
        for (index, value) in values.iter().enumerate() {
            let left = marks.left(field.right, index);
            let tone = self.tone(&table, first + index);
            let height = match value {
                Some(value) => (((value - low) / (high - low)) as f32 * tall).max(2.0),
                // Not judged: a place without a mark.
                None => 2.0,
            };
            let colour = if value.is_some() || tone == Tone::Bad { tone.colour() } else { tokens::TRACK };
            let top = field.bottom - height;
            cx.paint.rect(Rect::new(left, top, marks.bar, height), 1.0, colour);
            if tone == Tone::Bad {
                triangle(cx, left + marks.bar * 0.5, top - 3.0, colour);
            }
        }
        let baseline = field.bottom + 19.0;
        let left = self.legend(cx, &table, first, [field.left, field.right], baseline);
        let text = self
            .foot
            .pick(cx.lang)
            .replace("{n}", &marks.count.to_string())
            .replace("{low}", &format::whole(Some(low)))
            .replace("{high}", &format::whole(Some(high)));
        cx.paint.text_within(field.left, baseline, left - field.left, &text, &note());
    }

    /// Which colour is which, and how many of each there are, on the right: faults always, the others where there is
    /// room beside the words. Returns where it begins.
    fn legend(
        &self,
        cx: &mut Cx<'_, '_>,
        table: &Table<'_>,
        first: usize,
        [left, right]: [f32; 2],
        baseline: f32,
    ) -> f32 {
        let style = note().colour(tokens::TEXT_QUIET);
        let words = cx.paint.measure(self.foot.pick(cx.lang), &note());
        let mut pen = right;
        let bad_first = [Tone::Bad, Tone::Plain, Tone::Good];
        for class in bad_first.iter().flat_map(|tone| self.classes.iter().filter(move |class| class.tone == *tone)) {
            let count = (first..table.rows())
                .filter(|row| self.class_of(table, *row).is_some_and(|of| std::ptr::eq(of, class)))
                .count();
            // Of those that are drawn, not of the whole day.
            let of = if class.tone == Tone::Bad { cx.lang.pick("其中", "of these: ") } else { "" };
            let text = format!("{of}{} {count}", class.label.pick(cx.lang));
            let width = cx.paint.measure(&text, &style) + 16.0;
            if pen - width < left + if class.tone == Tone::Bad { 0.0 } else { words + 24.0 } {
                continue;
            }
            cx.paint.text(pen, baseline, &text, &style.right());
            pen -= width;
            let middle = baseline - size::NOTE * 0.35;
            if class.tone == Tone::Bad {
                triangle(cx, pen + 5.0, middle + 4.0, class.tone.colour());
            } else {
                cx.paint.rect(Rect::new(pen + 3.0, middle - 5.0, 4.0, 10.0), 1.0, class.tone.colour());
            }
            pen -= 18.0;
        }
        pen
    }
}

/// Points up, its foot at `bottom`.
fn triangle(cx: &mut Cx<'_, '_>, x: f32, bottom: f32, colour: Colour) {
    let corners = [[x, bottom - 8.0], [x + 5.0, bottom], [x - 5.0, bottom]];
    cx.paint.triangle(corners.map(|corner| (corner, colour)));
    // Its edges are smooth.
    cx.paint.outline(&corners, 1.0, colour);
}

impl Panel for Strip {
    fn metrics(&self) -> Vec<&Metric> {
        std::iter::once(&self.metric).chain(self.values.iter().map(|value| &value.metric)).collect()
    }

    fn columns(&self) -> Vec<(&Metric, &str)> {
        let own = [Some(&self.value), self.class.as_ref()].into_iter().flatten();
        let own = own.map(|column| (&self.metric, column.as_str()));
        own.chain(self.values.iter().flat_map(Value::columns)).collect()
    }

    fn paint(&self, cx: &mut Cx<'_, '_>) {
        cx.heading_of_file();
        let inner = cx.inner();
        // A level seam goes between figures and strip.
        let bands = cx.bands([inner.top, inner.bottom]);
        let mut field = Rect { bottom: inner.bottom - FOOT, ..inner };
        if !self.values.is_empty() {
            let (baseline, top) = match bands[..] {
                [[top, bottom], .., [below, _]] => (top + (bottom - top) * 0.46 + 4.0, below),
                _ => (inner.top + 32.0, inner.top + 70.0),
            };
            figures::row(cx, &self.values, inner, baseline);
            field.top = top;
        }
        let table = cx.table(&self.metric);
        if table.rows() == 0 && self.values.is_empty() {
            cx.empty_in_words(&table, Calm::Quiet, &self.empty, "还没有数据", "nothing yet");
            return;
        }
        if field.height() > HEADROOM + 12.0 {
            self.strip(cx, field);
        }
    }

    fn opens_at_seams(&self) -> bool {
        !self.values.is_empty()
    }

    fn least(&self) -> [f32; 2] {
        [220.0, if self.values.is_empty() { 130.0 } else { 190.0 }]
    }

    fn ample(&self) -> Option<[f32; 2]> {
        Some([140.0 * self.values.len().max(3) as f32, if self.values.is_empty() { 180.0 } else { 210.0 }])
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::super::data::Data;
    use super::*;

    #[test]
    fn a_scale_goes_on_where_a_value_does() {
        let scale = |values: &[f64]| stretched([60.0, 100.0], &values.iter().copied().map(Some).collect::<Vec<_>>());
        assert_eq!(scale(&[]), [60.0, 100.0]);
        assert_eq!(scale(&[71.0, 99.5]), [60.0, 100.0]);
        assert_eq!(scale(&[54.2, 99.5]), [50.0, 100.0]);
        assert_eq!(scale(&[99_999_999.0]), [60.0, 100_000_000.0]);
        assert_eq!(stretched([0.0, 0.0], &[None]), [0.0, 1.0]);
    }

    #[test]
    fn a_class_that_is_not_named_is_plain() {
        let strip: Strip = toml::from_str(
            "metric = \"m\"\nclass = \"finding\"\nclasses = [{ code = \"violation\", label = { zh = \"违规\" }, tone = \"bad\" }]",
        )
        .unwrap();
        let result = json!({"metric": "m", "version": 1, "as_of": 5, "data_until": null, "demo": false,
            "columns": [{"name": "score", "type": "Float64"}, {"name": "finding", "type": "Utf8"}],
            "rows": [[91.5, "clean"], [70.0, "violation"], [null, null]]});
        let mut data = Data::default();
        data.take_result(serde_json::from_value(result).unwrap(), 0.0);
        let table = data.metric(&strip.metric.0);
        let tones: Vec<Tone> = (0..3).map(|row| strip.tone(&table, row)).collect();
        assert_eq!(tones, [Tone::Plain, Tone::Bad, Tone::Plain]);
        assert!(toml::from_str::<Strip>("metric = \"m\"\nclasses = [{ code = \"a\", tone = \"red\" }]").is_err());
    }
}
