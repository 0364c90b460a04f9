//! Home services by member firms, and the gig market.

use super::super::calendar::{HOUR_US, MINUTE_US};
use super::super::registry::FIRMS;
use super::super::row::{Id, Row, Src, Thing, Val, col};
use super::{HOUR, MINUTE, Story, Taken};
use crate::model::stream::Stream;
use crate::model::time::DAY_US;

/// A trade, how often it is sought, and its usual pay a month.
const TRADES: [(&str, f64, f64); 8] = [
    ("trade.kitchen", 0.16, 5800.0),
    ("trade.cleaner", 0.2, 4800.0),
    ("trade.packer", 0.17, 6000.0),
    ("trade.nanny", 0.13, 7200.0),
    ("trade.loader", 0.1, 6600.0),
    ("trade.guard", 0.09, 4600.0),
    ("trade.waiter", 0.09, 5200.0),
    ("trade.courier", 0.06, 7600.0),
];

impl Story<'_, '_> {
    /// An order: sent to a firm, accepted, somebody comes, it is paid, the line asks how it was.
    pub(super) fn life(mut self) {
        let words = self.stories.world.service(self.request.service);
        let topic = self.request.topic.and_then(|n| words.topics.get(n)).cloned();
        let item = topic.as_ref().and_then(|topic| topic.item);
        let price_only = self.chance(0.22) && !self.request.storm;
        if price_only && self.request.taken != Taken::Form {
            self.open("ask", |row| row.with(col::tickets::PRIO, "normal").maybe(col::tickets::ITEM, item));
            let at = self.now + self.between(12.0, 120.0);
            self.finish(at, true);
            self.wave_off(0.25);
            return;
        }
        let pressing = self.request.storm
            || matches!(item, Some("life.pipe" | "life.lock")) && self.chance(0.8)
            || matches!(item, Some("life.drain" | "life.electric")) && self.chance(0.3);
        let due = self.request.until + if pressing { 4 * HOUR_US } else { 30 * HOUR_US };
        let prio = if pressing { "urgent" } else { "normal" };
        self.open("help", |row| {
            row.with(col::tickets::PRIO, prio).maybe(col::tickets::ITEM, item).with(col::tickets::DUE, Val::Time(due))
        });
        let mut at = self.now + self.between(25.0, 300.0);
        if self.at_night() && !pressing {
            at = self.daytime(at);
        }
        let firm = 1 + self.random().below(u64::from(FIRMS)) as u32;
        let org = self.org;
        self.step("dispatch", at, |row| row.with(col::ORG, org).with(col::PARTY, Id::Thing(Thing::Firm, firm)));
        if self.chance(0.04) {
            let at = self.now + self.between(60.0, 900.0);
            self.plain("reject", at);
            let at = self.now + self.between(20.0, 200.0);
            let other = 1 + self.random().below(u64::from(FIRMS)) as u32;
            self.step("dispatch", at, |row| row.with(col::ORG, org).with(col::PARTY, Id::Thing(Thing::Firm, other)));
        }
        let at = self.now + self.about(if pressing { 2.5 } else { 5.5 } * MINUTE, 0.8).min(2 * HOUR_US);
        self.plain("accept", at);
        let soon = pressing || self.chance(0.5);
        let at = if soon {
            self.now + self.about(if pressing { 28.0 } else { 75.0 } * MINUTE, 0.4)
        } else {
            let wait = self.between(3.0 * HOUR, 22.0 * HOUR);
            self.daytime(self.now + wait)
        };
        let at = at.min(due.max(self.now + 20 * MINUTE_US) - 15 * MINUTE_US + self.between(0.0, 1800.0));
        self.plain("onsite", at);
        let at = self.now + self.about(42.0 * MINUTE, 0.55).min(5 * HOUR_US);
        let amount = (self.random().log_normal(150.0, 0.6).clamp(40.0, 3000.0) / 10.0).round() * 10.0;
        let solved = self.chance(0.985);
        self.step("finish", at, |row| row.with(col::tickets::SOLVED, solved).with(col::tickets::AMOUNT, amount));
        self.review(0.75, 0.82);
    }

    /// Registered, recommended, at work in about two days, asked how it went. An employer's post stands in the registry.
    pub(super) fn gig(mut self) {
        if self.chance(0.2) && self.request.taken != Taken::Form {
            self.open("ask", |row| row.with(col::tickets::PRIO, "normal"));
            let at = self.now + self.between(20.0, 200.0);
            self.finish(at, true);
            self.wave_off(0.25);
            return;
        }
        let seeks = self.chance(0.56);
        let shares: [(usize, f64); 8] = std::array::from_fn(|n| (n, TRADES[n].1));
        let (trade, _, usual) = TRADES[self.random().choose(&shares, 0)];
        let pay = (self.random().log_normal(usual, 0.16) / 100.0).round() * 100.0;
        let side = if seeks { "seek" } else { "hire" };
        let due = self.stories.calendar.due(self.request.until, 8);
        self.side = Some(side);
        self.open(if seeks { "help" } else { "other" }, |row| {
            row.with(col::tickets::PRIO, "normal")
                .with(col::tickets::ITEM, trade)
                .with(col::tickets::AMOUNT, pay)
                .with(col::tickets::DUE, Val::Time(due))
        });
        let id = self.request.id;
        let post = |ts: i64, opened: i64, kind: &'static str| {
            Row::new(Stream::Registry, Src::Registry, ts, opened, kind, id)
                .with(col::SERVICE, "gig")
                .with(col::registry::TYPE, "post")
                .with(col::registry::TAGS, trade)
                .with(col::registry::QUANTITY, 1_i64)
        };
        if !seeks {
            let row = post(self.now + 2_000_000, self.opened, "add").maybe(col::AREA, self.request.area);
            self.stories.rows.push(row);
        }
        let wait = self.about(3.0 * HOUR, 0.9).min(20 * HOUR_US);
        let at = self.daytime(self.now + wait);
        self.dispatch(at, "gig.station");
        let at = self.now + self.about(20.0 * MINUTE, 0.6);
        self.plain("accept", at);
        let finds = self.chance(0.74);
        let takes = if finds {
            self.about(44.0 * HOUR, 0.45).min(9 * DAY_US)
        } else {
            self.between(4.0 * 86400.0, 7.0 * 86400.0)
        };
        let end = self.opened + takes;
        let proposals = 1 + self.random().below(3);
        for n in 0..proposals {
            let share = (n as f64 + self.random().between(0.2, 0.9)) / (proposals as f64 + 0.4);
            let at = self.now + ((end - self.now).max(HOUR_US) as f64 * share * 0.7) as i64;
            let at = self.daytime(at);
            self.plain("propose", at);
        }
        let wait = self.between(HOUR, 6.0 * HOUR);
        let at = self.daytime(end.max(self.now + wait));
        let outcome = if finds { "ok" } else { "refused" };
        self.step("finish", at, |row| {
            row.with(col::tickets::SOLVED, finds).with(col::tickets::OUTCOME, outcome).with(col::tickets::AMOUNT, pay)
        });
        if !seeks {
            let row = post(self.now + 2_000_000, self.opened, "remove");
            self.stories.rows.push(row);
        }
        self.review(0.86, 0.75);
    }
}
