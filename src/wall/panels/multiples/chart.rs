//! The rows of one group as a small chart.

use std::borrow::Cow;

use super::super::super::canvas::Rect;
use super::super::super::data::Table;
use super::super::super::options::Lang;
use super::super::super::tokens::{self, Colour};
use super::super::Cx;
use super::Multiples;

const DAY_MIN: f64 = 1440.0;

/// A group of rows.
pub struct Chart<'a> {
    pub code: Cow<'a, str>,
    pub name: &'a str,
    pub board: Option<&'a str>,
    slots: Vec<Slot>,
}

#[derive(Clone, Copy)]
struct Slot {
    minute: f64,
    value: Option<f64>,
    ghost: Option<f64>,
}

impl Chart<'_> {
    /// The greatest value that is drawn; `None` while nothing is.
    pub fn highest(&self) -> Option<f64> {
        self.today().iter().chain(&self.ghost()).flatten().map(|[_, value]| *value).reduce(f64::max)
    }

    pub fn sum(&self) -> Option<f64> {
        self.slots.iter().filter_map(|slot| slot.value).reduce(|sum, value| sum + value)
    }

    /// Minutes from slot to slot.
    fn every(&self) -> f64 {
        let steps = self.slots.windows(2).map(|pair| pair[1].minute - pair[0].minute);
        steps.filter(|step| *step > 0.0).reduce(f64::min).unwrap_or(60.0)
    }

    /// Minute (of the slot's middle) and value of the slots that are over, in pieces without a gap. The last one known
    /// is still running and would look like a fall.
    fn today(&self) -> Vec<Vec<[f64; 2]>> {
        let mut slots: Vec<Slot> = self.slots.clone();
        if let Some(running) = slots.iter_mut().rev().find(|slot| slot.value.is_some()) {
            running.value = None;
        }
        self.pieces(&slots, |slot| slot.value)
    }

    fn ghost(&self) -> Vec<Vec<[f64; 2]>> {
        self.pieces(&self.slots, |slot| slot.ghost)
    }

    fn pieces(&self, slots: &[Slot], of: impl Fn(&Slot) -> Option<f64>) -> Vec<Vec<[f64; 2]>> {
        let middle = self.every() * 0.5;
        let known = slots.split(|slot| of(slot).is_none());
        let point = |slot: &Slot| of(slot).map(|value| [slot.minute + middle, value]);
        known
            .map(|piece| piece.iter().filter_map(point).collect::<Vec<_>>())
            .filter(|piece| !piece.is_empty())
            .collect()
    }

    /// A chart whose top stands for `highest`.
    pub fn draw(&self, cx: &mut Cx<'_, '_>, plot: Rect, highest: Option<f64>, colour: Colour) {
        for hour in [6.0, 12.0, 18.0] {
            let left = plot.left + plot.width() * hour / 24.0;
            cx.paint.rect(Rect { left, right: left + 1.0, ..plot }, 0.0, tokens::RULE.alpha(0.5));
        }
        cx.paint.rule(plot.left, plot.right, plot.bottom, tokens::RULE);
        let Some(highest) = highest.filter(|highest| *highest > 0.0) else { return };
        let place = |[minute, value]: [f64; 2]| {
            let (across, up) = ((minute / DAY_MIN).clamp(0.0, 1.0) as f32, (value / highest).clamp(0.0, 1.0) as f32);
            [plot.left + across * plot.width(), plot.bottom - up * plot.height()]
        };
        let points = |pieces: Vec<Vec<[f64; 2]>>| -> Vec<Vec<[f32; 2]>> {
            pieces.into_iter().map(|piece| piece.into_iter().map(place).collect()).collect()
        };
        for piece in points(self.ghost()) {
            cx.paint.polyline(&piece, 1.2, tokens::TEXT_FAINT.alpha(0.7), Some((3.0, 3.0)));
        }
        let today = points(self.today());
        for piece in &today {
            super::super::boards::trace(cx, piece, plot.bottom, colour);
            // One slot alone is no line.
            if let [[x, y]] = piece[..] {
                cx.paint.disc(x, y, 1.2, colour);
            }
        }
        if let Some([x, y]) = today.last().and_then(|piece| piece.last()) {
            cx.paint.disc(*x, *y, 3.0, colour);
        }
    }
}

/// The groups of a table, in the order in which they appear.
pub fn read<'a>(panel: &Multiples, table: &Table<'a>, lang: Lang) -> Vec<Chart<'a>> {
    let mut charts: Vec<Chart<'a>> = Vec::new();
    for row in 0..table.rows() {
        let (Some(code), Some(minute)) = (table.word(row, &panel.code), table.number(row, &panel.minute)) else {
            continue;
        };
        let slot = Slot {
            minute,
            value: table.number(row, &panel.value),
            ghost: panel.ghost.as_ref().and_then(|column| table.number(row, column)),
        };
        if let Some(chart) = charts.iter_mut().find(|chart| chart.code == code) {
            chart.slots.push(slot);
            continue;
        }
        let name = table.text(row, lang.pick(&panel.zh, &panel.en)).unwrap_or_default();
        let board = panel.board.as_ref().and_then(|column| table.text(row, column));
        charts.push(Chart { code, name, board, slots: vec![slot] });
    }
    charts
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::super::super::data::Data;
    use super::*;

    fn panel(more: &str) -> Multiples {
        toml::from_str(&format!("metric = \"m\"\nghost = \"before\"\n{more}")).unwrap()
    }

    fn data() -> Data {
        let columns = ["code", "zh", "en", "minute", "n", "before"].map(|name| json!({"name": name, "type": "Int64"}));
        let rows = json!([
            ["b", "乙", "B", 0, 3, 1],
            ["b", "乙", "B", 15, null, 9],
            ["b", "乙", "B", 30, 5, 2],
            ["b", "乙", "B", 45, 2, 2],
            ["b", "乙", "B", 60, 1, 2],
            ["b", "乙", "B", 75, null, 2],
            ["a", "甲", "A", 0, null, null],
            ["a", "甲", "A", 15, null, null]
        ]);
        let result = json!({"metric": "m", "version": 1, "as_of": 5, "data_until": null, "demo": false,
            "columns": columns, "rows": rows});
        let mut data = Data::default();
        data.take_result(serde_json::from_value(result).unwrap(), 0.0);
        data
    }

    #[test]
    fn groups_keep_the_order_in_which_they_appear_and_what_is_missing_is_no_zero() {
        let (data, panel) = (data(), panel(""));
        let charts = read(&panel, &data.metric(&panel.metric.0), Lang::Zh);
        assert_eq!(charts.iter().map(|chart| chart.name).collect::<Vec<_>>(), ["乙", "甲"]);
        assert_eq!((charts[0].sum(), charts[0].highest()), (Some(11.0), Some(9.0)));
        assert_eq!((charts[1].sum(), charts[1].highest()), (None, None));
        assert_eq!(charts[0].every(), 15.0);
    }

    #[test]
    fn a_line_breaks_where_nothing_is_known_and_leaves_out_the_slot_that_is_running() {
        let (data, panel) = (data(), panel(""));
        let charts = read(&panel, &data.metric(&panel.metric.0), Lang::En);
        assert_eq!(charts[0].today(), [vec![[7.5, 3.0]], vec![[37.5, 5.0], [52.5, 2.0]]]);
        assert_eq!(charts[0].ghost().len(), 1);
        assert!(charts[1].today().is_empty() && charts[1].ghost().is_empty());
    }

    #[test]
    fn a_slot_that_is_still_running_is_not_drawn_not_even_the_days_last() {
        let slot = |minute: f64| Slot { minute, value: Some(1.0), ghost: None };
        let chart = |minutes: &[f64]| Chart {
            code: "a".into(),
            name: "A",
            board: None,
            slots: minutes.iter().copied().map(slot).collect(),
        };
        assert_eq!(chart(&[1410.0, 1425.0]).today(), [vec![[1417.5, 1.0]]]);
        assert_eq!(chart(&[1380.0, 1395.0]).today(), [vec![[1387.5, 1.0]]]);
        assert!(chart(&[0.0]).today().is_empty());
    }

    #[test]
    fn a_key_that_is_not_known_is_refused() {
        assert!(toml::from_str::<Multiples>("metric = \"m\"\nsame = true").is_err());
        assert!(panel("same_scale = true\nfigure = { metric = \"f\", column = \"k\" }").same_scale);
    }
}
