//! Requests of firms, and finance matching.

use super::super::calendar::MINUTE_US;
use super::super::row::{Id, Thing, Val, col};
use super::{HOUR, MINUTE, Story, Taken};
use crate::model::time::DAY_US;

/// How many firms ask now and then.
const CLIENTS: u64 = 6000;

impl Story<'_, '_> {
    fn client(&mut self) {
        let firm = 1 + self.random().below(CLIENTS) as u32;
        self.request.party = Some(Id::Thing(Thing::Client, firm));
    }

    /// Half are answered in the call; the others go to a department that calls back within hours.
    pub(super) fn enterprise(mut self) {
        self.client();
        let ask = self.chance(0.6);
        if ask && self.request.taken != Taken::Form && self.chance(0.8) {
            self.open("ask", |row| row.with(col::tickets::PRIO, "normal"));
            let at = self.now + self.between(20.0, 240.0);
            self.finish(at, true);
            self.wave_off(0.35);
            return;
        }
        let due = self.stories.calendar.due(self.request.until, 3);
        let org = self.org;
        let prio = if self.chance(0.08) { "urgent" } else { "normal" };
        self.open(if ask { "ask" } else { "help" }, |row| {
            row.with(col::tickets::PRIO, prio).with(col::tickets::DUE, Val::Time(due))
        });
        let wait = self.between(3.0 * MINUTE, 25.0 * MINUTE);
        let at = self.daytime(self.now + wait);
        self.dispatch(at, org);
        if self.chance(0.04) {
            let wait = self.about(HOUR, 0.5);
            let at = self.office(self.now + wait);
            self.plain("reject", at);
            let at = self.now + self.between(5.0 * MINUTE, 30.0 * MINUTE);
            self.dispatch(at, "dept.economy");
        }
        let wait = self.about(25.0 * MINUTE, 0.7);
        let at = self.office(self.now + wait);
        self.plain("accept", at);
        let wait = self.about(55.0 * MINUTE, 0.7);
        let at = self.office(self.now + wait);
        self.plain("reach", at);
        let left = (due - self.now).max(30 * MINUTE_US) as f64;
        let share = self.random().between(0.03, 0.45);
        let at = self.office(self.now + (left * share) as i64);
        let at = if self.chance(0.99) { at.min(due - 12 * MINUTE_US) } else { due + 5 * 3600 * 1_000_000 };
        let solved = self.chance(0.97);
        self.finish(at, solved);
        self.review(0.85, 0.85);
    }

    /// A firm needs money: the finance office finds banks, they meet, most are granted a loan within two weeks.
    pub(super) fn finance(mut self) {
        self.client();
        let wants =
            (self.random().log_normal(600_000.0, 0.8).clamp(50_000.0, 8_000_000.0) / 10_000.0).round() * 10_000.0;
        let due = self.stories.calendar.due(self.request.until, 22);
        self.open("help", |row| {
            row.with(col::tickets::PRIO, "normal")
                .with(col::tickets::AMOUNT, wants)
                .with(col::tickets::DUE, Val::Time(due))
        });
        let wait = self.between(20.0 * MINUTE, 4.0 * HOUR);
        let at = self.office(self.now + wait);
        self.dispatch(at, "dept.finance");
        let wait = self.about(HOUR, 0.6);
        let at = self.office(self.now + wait);
        self.plain("accept", at);
        let banks = 1 + self.random().below(2);
        for _ in 0..banks {
            let wait = self.between(5.0 * HOUR, 30.0 * HOUR);
            let at = self.office(self.now + wait);
            self.step("propose", at, |row| row.with(col::ORG, "bank"));
        }
        let wait = self.between(18.0 * HOUR, 72.0 * HOUR);
        let at = self.office(self.now + wait);
        self.plain("reach", at);
        if !self.chance(0.72) {
            let wait = self.between(1.0 * 86400.0, 3.0 * 86400.0);
            let at = self.office(self.now + wait);
            self.step("finish", at, |row| row.with(col::tickets::SOLVED, false).with(col::tickets::OUTCOME, "refused"));
            self.review(0.9, 0.8);
            return;
        }
        let granted = (wants * self.random().between(0.6, 1.0) / 10_000.0).round() * 10_000.0;
        let wait = self.about(40.0 * HOUR, 0.4);
        let at = self.office(self.now + wait).min(self.opened + 11 * DAY_US);
        self.step("grant", at, |row| row.with(col::ORG, "bank").with(col::tickets::AMOUNT, granted));
        let wait = self.between(2.0 * HOUR, 20.0 * HOUR);
        let at = self.office(self.now + wait).min(self.opened + 12 * DAY_US);
        self.step("finish", at, |row| row.with(col::tickets::SOLVED, true).with(col::tickets::AMOUNT, granted));
        self.review(0.9, 0.85);
    }
}
