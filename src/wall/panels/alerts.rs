//! Alerts as cards, the unacknowledged first: what, where, since when, who has it.

use serde::Deserialize;

use super::super::canvas::{Face, Rect, Style};
use super::super::format;
use super::super::scene::{Metric, Words};
use super::super::tokens::{self, Colour, size};
use super::{Calm, Cx, Panel, body, caption};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Alerts {
    /// id, state (raise, ack, clear), raised_at, last_at, rule, severity, area, actor, value; topic_zh, topic_en.
    metric: Metric,
    /// Words for rule codes.
    #[serde(default)]
    rules: std::collections::BTreeMap<String, Words>,
}

const CARD: f32 = 78.0;
const GAP: f32 = 10.0;

impl Panel for Alerts {
    fn metrics(&self) -> Vec<&Metric> {
        vec![&self.metric]
    }

    fn paint(&self, cx: &mut Cx<'_, '_>) {
        let table = cx.table(&self.metric);
        let state = |row: usize| match table.text(row, "state") {
            Some("clear") => 2,
            Some("ack") => 1,
            _ => 0,
        };
        let mut order: Vec<usize> = (0..table.rows()).collect();
        order.sort_by_key(|row| (state(*row), -table.time(*row, "raised_at").unwrap_or(0)));
        let waiting = order.iter().filter(|row| state(**row) == 0).count();
        let text = match cx.lang {
            super::super::options::Lang::Zh => format!("未确认 {waiting} · 24 小时 {}", order.len()),
            super::super::options::Lang::En => format!("{waiting} to acknowledge · {} in 24 h", order.len()),
        };
        cx.heading(&text);
        let inner = cx.inner();
        if order.is_empty() {
            cx.empty(&table, Calm::Well, "24 小时内没有告警", "no alert in 24 hours");
            return;
        }
        let (_, tops) = cx.rows([inner.top, inner.bottom + GAP], order.len(), [CARD + GAP, CARD + GAP]);
        for (row, top) in order.into_iter().zip(tops) {
            let card = Rect::new(inner.left - 6.0, top, inner.width() + 12.0, CARD);
            self.card(cx, row, state(row), card);
        }
    }

    fn opens_at_seams(&self) -> bool {
        true
    }

    fn ample(&self) -> Option<[f32; 2]> {
        Some([390.0, 560.0])
    }
}

impl Alerts {
    fn card(&self, cx: &mut Cx<'_, '_>, row: usize, state: i32, card: Rect) {
        let table = cx.table(&self.metric);
        let severity = table.text(row, "severity").unwrap_or_default();
        let colour: Colour = match (state, severity) {
            (2, _) => tokens::GOOD,
            (_, "red" | "high" | "critical") => tokens::BAD,
            _ => tokens::WARN,
        };
        cx.paint.gradient(card, 2.0, colour.alpha(if state == 2 { 0.08 } else { 0.17 }), colour.alpha(0.05), true);
        cx.paint.rect(Rect { right: card.left + 4.0, ..card }, 0.0, colour);
        let rule = table.text(row, "rule").unwrap_or("—");
        let rule = self.rules.get(rule).map_or(rule, |words| words.pick(cx.lang));
        let left = card.left + 18.0;
        let right = card.right - 14.0;
        let value =
            table.number(row, "value").map(|value| format::decimal(Some(value), usize::from(value.fract() != 0.0)));
        let figure = Style::new(Face::Figure, size::RING_FIGURE, tokens::TEXT).right();
        let value_width = value.map_or(0.0, |value| cx.paint.text(right, card.top + 33.0, &value, &figure) + 12.0);
        let area = table.text(row, "area").unwrap_or_default();
        let area = cx.area_name(area).unwrap_or(area);
        let word = |column: &str| table.text(row, column).unwrap_or_default();
        let topic = cx.lang.pick(word("topic_zh"), word("topic_en"));
        let title = [area, topic, rule].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" · ");
        cx.paint.text_within(left, card.top + 31.0, right - left - value_width, &title, &body().colour(tokens::TEXT));
        let raised = table.time(row, "raised_at").unwrap_or(cx.now_us);
        let age = format::span((cx.now_us - raised) as f64 / 1e6, cx.lang);
        let what = match state {
            0 => cx.lang.pick("待确认", "to acknowledge"),
            1 => cx.lang.pick("已确认", "acknowledged"),
            _ => cx.lang.pick("已解除", "cleared"),
        };
        let actor = table.text(row, "actor").unwrap_or_default();
        let line = format!("{} · {age}", format::clock(raised, cx.city.tz));
        cx.paint.text(left, card.top + 59.0, &line, &caption());
        let style = caption().right().colour(colour.mix(tokens::TEXT, 0.35));
        let who = if actor.is_empty() { what.to_owned() } else { format!("{what} {actor}") };
        cx.paint.text(right, card.top + 59.0, &who, &style);
    }
}
