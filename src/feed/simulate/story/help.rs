//! The one-key phone, volunteers, the Guangming club.

use super::super::calendar::{HOUR_US, MINUTE_US};
use super::super::contact::Press;
use super::super::registry::MEMBERS;
use super::super::row::{Id, Thing, Val, col};
use super::{HOUR, MINUTE, Story};

impl Story<'_, '_> {
    /// The key was pressed and somebody answered: most are done within the call. In an emergency kin or 120 are reached
    /// while the line stays open, somebody is there within minutes, and the ticket ends when the elder is safe.
    pub(super) fn onekey(mut self) {
        let press = self.request.press;
        let early = self.request.from + 3_000_000;
        let prio = match press {
            Press::Emergency => "emergency",
            Press::Doctor => "urgent",
            _ => "normal",
        };
        let kind = if press == Press::Talk { "other" } else { "help" };
        self.open_at(early, kind, |row| row.with(col::tickets::PRIO, prio));
        if press == Press::Emergency || press == Press::Doctor && self.chance(0.4) {
            let org = if self.chance(0.6) { "rescue.120" } else { "rescue.kin" };
            let at = self.now + self.between(18.0, 75.0);
            self.step("reach", at, |row| row.with(col::ORG, org));
            if self.chance(0.6) {
                let at = self.now + self.between(15.0, 90.0);
                self.step("reach", at, |row| row.with(col::ORG, "rescue.kin"));
            }
            let at = self.now + self.about(10.5 * MINUTE, 0.35).min(40 * MINUTE_US);
            self.plain("onsite", at);
            // 120 lives in some 660,000 calls, of which one in twenty-five is an emergency.
            let outcome = self.random().choose(
                &[("ok", 0.885), ("false_alarm", 0.08), ("refused", 0.02), ("unreachable", 0.01), ("rescued", 0.005)],
                "ok",
            );
            let at = self.now + self.about(26.0 * MINUTE, 0.5).min(3 * HOUR_US);
            self.step("finish", at, |row| row.with(col::tickets::OUTCOME, outcome).with(col::tickets::SOLVED, true));
            self.review(0.95, 0.7);
            return;
        }
        let outcome = if press == Press::Mistake { "false_alarm" } else { "ok" };
        let at = self.request.until.max(self.now + 5_000_000);
        self.step("finish", at, |row| row.with(col::tickets::OUTCOME, outcome).with(col::tickets::SOLVED, true));
        self.wave_off(0.12);
    }

    /// A volunteer team takes it on and goes there within days.
    pub(super) fn volunteer(mut self) {
        if self.chance(0.3) {
            // Signing up, or asking when the next one is.
            self.open("ask", |row| row.with(col::tickets::PRIO, "normal"));
            let at = self.now + self.between(20.0, 180.0);
            self.finish(at, true);
            self.wave_off(0.3);
            return;
        }
        self.accompany("volunteer.team", 30.0, 7);
    }

    /// Somebody to walk with, to the doctor, to the described cinema.
    pub(super) fn guangming(mut self) {
        let member = 1 + self.random().below(u64::from(MEMBERS)) as u32;
        self.request.party = Some(Id::Thing(Thing::Member, member));
        self.accompany("volunteer.guangming", 20.0, 4);
    }

    fn accompany(mut self, org: &'static str, wait_h: f64, workdays: i64) {
        let due = self.stories.calendar.due(self.request.until, workdays);
        let pressing = self.request.storm;
        self.open("help", |row| {
            row.with(col::tickets::PRIO, if pressing { "urgent" } else { "normal" })
                .with(col::tickets::DUE, Val::Time(due))
        });
        let wait = self.between(4.0 * MINUTE, 60.0 * MINUTE);
        let at = if pressing { self.now + wait } else { self.daytime(self.now + wait) };
        self.dispatch(at, org);
        if self.chance(0.05) {
            let at = self.now + self.between(0.5 * HOUR, 3.0 * HOUR);
            self.plain("reject", at);
            let at = self.now + self.between(5.0 * MINUTE, 30.0 * MINUTE);
            self.dispatch(at, org);
        }
        let wait = self.about(1.5 * HOUR, 0.8).min(20 * HOUR_US);
        let at = if pressing { self.now + wait / 4 } else { self.daytime(self.now + wait) };
        self.plain("accept", at);
        let wait = self.about(wait_h * HOUR, 0.6);
        let at = if pressing { self.now + wait / 10 } else { self.daytime(self.now + wait) };
        let at = at.min(due - 3 * HOUR_US);
        self.plain("onsite", at);
        let at = self.now + self.between(40.0 * MINUTE, 150.0 * MINUTE);
        self.finish(at, true);
        self.review(0.8, 0.86);
    }
}
