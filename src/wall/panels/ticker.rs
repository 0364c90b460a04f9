//! What happens, as one line: time, place, what, how far. In the lobby later and coarser.

use serde::Deserialize;

use crate::model::time::SECOND_US;

use super::super::canvas::{Face, Style};
use super::super::format;
use super::super::options::{Lang, Mode};
use super::super::scene::Metric;
use super::super::tokens::{self, size};
use super::{Cx, Panel};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ticker {
    /// ts, area_zh, area_en, board, service_zh, service_en, topic_zh, topic_en, kind, seconds; newest first.
    metric: Metric,
    /// The same for the lobby, where a row must be at least ten minutes old.
    #[serde(default)]
    lobby: Option<Metric>,
}

/// In the lobby nothing is shown before it is this old, and times are rounded to this.
const LOBBY_DELAY_US: i64 = 600 * SECOND_US;
const LOBBY_GRAIN_US: i64 = 300 * SECOND_US;

impl Panel for Ticker {
    fn metrics(&self) -> Vec<&Metric> {
        std::iter::once(&self.metric).chain(&self.lobby).collect()
    }

    fn explained(&self, mode: Mode) -> Vec<&Metric> {
        vec![self.lobby.as_ref().filter(|_| mode == Mode::Lobby).unwrap_or(&self.metric)]
    }

    fn paint(&self, cx: &mut Cx<'_, '_>) {
        let rect = cx.rect;
        cx.paint.rule(rect.left, rect.right, rect.top, tokens::RULE);
        let baseline = rect.top + 34.0;
        let coarse = cx.mode == Mode::Lobby;
        let table = match &self.lobby {
            Some(lobby) if coarse && cx.table(lobby).is_known() => cx.table(lobby),
            _ => cx.table(&self.metric),
        };
        let quiet = Style::new(Face::Text, size::BODY, tokens::TEXT_FAINT);
        let mut order: Vec<(i64, usize)> =
            (0..table.rows()).filter_map(|row| Some((table.time(row, "ts")?, row))).collect();
        order.sort_by(|a, b| b.cmp(a));
        if coarse {
            order.retain(|(ts, _)| *ts <= cx.now_us - LOBBY_DELAY_US);
        }
        if order.is_empty() {
            if table.is_known() {
                cx.paint.text(rect.left, baseline, cx.lang.pick("此刻没有新的动态", "nothing new right now"), &quiet);
            }
            return;
        }
        // Whole entries only: one that would be cut at the edge is left out.
        let mut pen = rect.left;
        if coarse {
            let said = cx.lang.pick("公开动态 · 延迟 10 分钟", "ten minutes ago");
            pen += cx.paint.text(pen, baseline, said, &quiet) + 40.0;
        }
        let mut told = String::new();
        for (ts, row) in order {
            let mut entry = Entry::read(cx, &table, row, ts, coarse);
            // Coarse times are mostly the same: each is said once.
            if coarse && entry.time == told {
                entry.time.clear();
            } else {
                told.clone_from(&entry.time);
            }
            let width = entry.width(cx);
            pen = cx.past_seams(pen, width);
            if pen + width > rect.right + 1.0 {
                break;
            }
            entry.paint(cx, pen, baseline);
            pen += width + 40.0;
        }
    }

    fn least(&self) -> [f32; 2] {
        [400.0, 40.0]
    }
}

struct Entry {
    time: String,
    place: String,
    what: String,
    done: String,
}

const GAP: f32 = 14.0;

impl Entry {
    fn read(cx: &Cx<'_, '_>, table: &super::super::data::Table<'_>, row: usize, ts: i64, coarse: bool) -> Entry {
        let named = |zh: &str, en: &str| {
            cx.lang.pick(table.text(row, zh).unwrap_or_default(), table.text(row, en).unwrap_or_default()).to_owned()
        };
        let (service, topic) = (named("service_zh", "service_en"), named("topic_zh", "topic_en"));
        let what = if coarse || topic.is_empty() { service } else { topic };
        let time = if coarse {
            format::minute(ts - ts.rem_euclid(LOBBY_GRAIN_US), cx.city.tz)
        } else {
            format::clock(ts, cx.city.tz)
        };
        Entry {
            time,
            place: named("area_zh", "area_en"),
            what,
            done: done(table.text(row, "kind").unwrap_or_default(), table.number(row, "seconds"), coarse, cx.lang),
        }
    }

    fn parts(&self) -> [(&str, Style); 4] {
        let style = |face, colour| Style::new(face, size::BODY, colour);
        [
            (&self.time, style(Face::Figure, tokens::TEXT_FAINT)),
            (&self.place, style(Face::Text, tokens::TEXT_QUIET)),
            (&self.what, style(Face::Text, tokens::TEXT)),
            (&self.done, style(Face::Text, tokens::TEXT_FAINT)),
        ]
    }

    fn width(&self, cx: &mut Cx<'_, '_>) -> f32 {
        let parts = self.parts();
        let shown = parts.iter().filter(|(text, _)| !text.is_empty());
        shown.map(|(text, style)| cx.paint.measure(text, style) + GAP).sum::<f32>() - GAP
    }

    fn paint(&self, cx: &mut Cx<'_, '_>, left: f32, baseline: f32) {
        let mut pen = left;
        for (text, style) in self.parts().iter().filter(|(text, _)| !text.is_empty()) {
            pen += cx.paint.text(pen, baseline, text, style) + GAP;
        }
    }
}

/// What happened, and after how long.
fn done(kind: &str, seconds: Option<f64>, coarse: bool, lang: Lang) -> String {
    let (zh, en) = match kind {
        "open" => ("已受理", "taken"),
        "dispatch" => ("已派单", "sent on"),
        "accept" => ("已签收", "accepted"),
        "onsite" => ("已到场", "on site"),
        "finish" => ("已办结", "solved"),
        "visit" => ("已回访", "called back"),
        "rate" => ("已评价", "rated"),
        "reopen" => ("重办", "reopened"),
        "answer" => ("已接通", "answered"),
        _ => ("", ""),
    };
    let what = lang.pick(zh, en);
    let Some(seconds) = seconds.filter(|_| kind != "open" && !coarse && !what.is_empty()) else {
        return what.to_owned();
    };
    let span = format::span(seconds, lang);
    match (kind, lang) {
        ("finish", Lang::Zh) => format!("{what} 用时 {span}"),
        ("finish", Lang::En) => format!("{what} in {span}"),
        (_, Lang::Zh) => format!("受理后 {span}{what}"),
        (_, Lang::En) => format!("{what} after {span}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lobby_is_not_told_how_long_it_took() {
        assert_eq!(done("finish", Some(38.0), false, Lang::Zh), "已办结 用时 38 秒");
        assert_eq!(done("rate", Some(7200.0), false, Lang::Zh), "受理后 2 小时已评价");
        assert_eq!(done("dispatch", Some(38.0), false, Lang::En), "sent on after 38 s");
        assert_eq!(done("finish", Some(38.0), true, Lang::Zh), "已办结");
        assert_eq!(done("open", Some(0.0), false, Lang::En), "taken");
    }
}
