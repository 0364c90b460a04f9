//! Enquiries, government matters, online questions, the talent line.

use super::super::calendar::{HOUR_US, MINUTE_US, seconds};
use super::super::row::{Val, col};
use super::super::world::Service;
use super::{HOUR, MINUTE, Story, Taken};

/// The tiers of the talent database and how often each asks.
pub const TIERS: [(&str, f64); 5] = [("顶尖", 0.01), ("特优", 0.04), ("领军", 0.12), ("拔尖", 0.28), ("高层次", 0.55)];
/// The six one-to-one services (examples: the article does not list them).
const TALENT_ITEMS: [(&str, f64); 6] = [
    ("talent.policy", 0.27),
    ("talent.housing", 0.22),
    ("talent.school", 0.20),
    ("talent.project", 0.14),
    ("talent.medical", 0.10),
    ("talent.family", 0.07),
];

impl Story<'_, '_> {
    /// 85 % are answered at once; the others go to a department that answers in about 80 minutes (log-normal).
    pub(super) fn ask(mut self) {
        let instant = match self.request.taken {
            Taken::Bot => self.chance(0.93),
            Taken::Seat => self.chance(0.862),
            // A form is answered at once when the knowledge base has the answer.
            Taken::Form => self.chance(0.67),
        };
        let pressing = if self.request.storm { "urgent" } else { "normal" };
        if instant {
            self.open("ask", |row| row.with(col::tickets::PRIO, pressing));
            let at = match self.request.taken {
                // The caller hears the answer and hangs up.
                Taken::Seat => self.request.until.min(self.opened + 57_000_000),
                _ => self.opened + self.between(1.5, 9.0),
            };
            self.finish(at, true);
            self.wave_off(0.30);
            return;
        }
        let due = self.request.until + 24 * HOUR_US;
        let org = self.org;
        self.open("ask", |row| row.with(col::tickets::PRIO, pressing).with(col::tickets::DUE, Val::Time(due)));
        if self.chance(0.012) && self.merge() {
            return;
        }
        let mut at = self.now + self.between(25.0, 240.0);
        if self.at_night() && !self.request.storm && self.chance(0.7) {
            at = self.daytime(at);
        }
        self.dispatch(at, org);
        let takes = self.about(46.0 * MINUTE, 1.06).clamp(4 * MINUTE_US, 8 * HOUR_US);
        let sent = self.now;
        let share = self.random().between(0.06, 0.35);
        if takes > 30 * MINUTE_US && self.chance(0.03) {
            self.plain("reject", sent + (takes as f64 * share * 0.4) as i64);
            let at = self.now + self.between(30.0, 240.0);
            self.dispatch(at, "street");
        }
        let at = sent + (takes as f64 * share) as i64;
        self.plain("accept", at);
        self.finish(sent + takes, true);
        self.review(0.72, 0.8);
    }

    /// Help, complaints, reports and suggestions: a department, a due date of one to five working days.
    pub(super) fn gov(mut self) {
        let kind = self.random().choose(
            &[
                ("complain", 0.37),
                ("report", 0.2),
                ("help", 0.23),
                ("suggest", 0.15),
                ("praise", 0.02),
                ("other", 0.03),
            ],
            "help",
        );
        let workdays = self.random().choose(&[(1_i64, 0.3), (2, 0.3), (3, 0.25), (5, 0.15)], 3);
        let urgent = self.request.storm || self.chance(0.06);
        let prio = if urgent { "urgent" } else { "normal" };
        let due = if self.request.storm {
            self.request.until + 12 * HOUR_US
        } else {
            self.stories.calendar.due(self.request.until, workdays)
        };
        let secret = kind == "report" && self.chance(0.25);
        let mut org = self.org;
        // Half of them are for the street or town where it is.
        if !secret && self.chance(0.4) {
            org = "street";
            self.org = org;
        }
        self.open(kind, |row| {
            let row = row.with(col::tickets::PRIO, prio).with(col::tickets::DUE, Val::Time(due));
            if secret { row.with(col::tickets::SECRET, true) } else { row }
        });
        if matches!(kind, "praise" | "other") || self.chance(0.12) {
            let at = self.now + self.between(60.0, 900.0);
            self.finish(at, true);
            self.review(0.3, 0.6);
            return;
        }
        if self.chance(0.02) && self.merge() {
            return;
        }
        self.keep_for_merging();
        let mut at = self.now + if urgent { self.between(30.0, 240.0) } else { self.between(120.0, 1500.0) };
        if self.at_night() && !urgent {
            at = self.daytime(at);
        }
        self.dispatch(at, org);
        if self.chance(0.045) {
            let at = self.now + self.about(40.0 * MINUTE, 0.6);
            let at = if urgent { at } else { self.office(at) };
            self.plain("reject", at);
            let at = self.now + self.between(5.0 * MINUTE, 40.0 * MINUTE);
            self.dispatch(at, "street");
        }
        let at = self.now + self.about(if urgent { 9.0 } else { 38.0 } * MINUTE, 0.7);
        let at = if urgent { at } else { self.office(at) };
        self.plain("accept", at);
        self.work_towards(due, urgent, 0.984);
        self.review(0.93, 0.84);
    }

    /// Contact, on site, more time where it needs it, and done before `due` in a share `on_time` of the cases.
    fn work_towards(&mut self, due: i64, urgent: bool, on_time: f64) {
        let mut due = due;
        if self.chance(0.62) {
            let at = self.now + self.about(if urgent { 12.0 } else { 70.0 } * MINUTE, 0.7);
            let at = if urgent { at } else { self.office(at) };
            self.plain("reach", at);
        }
        if self.chance(0.02) {
            due = self.stories.calendar.due(due, 3);
            let at = self.now + self.between(1.0 * HOUR, 5.0 * HOUR);
            let at = self.office(at);
            self.step("extend", at, |row| row.with(col::tickets::DUE, Val::Time(due)));
        }
        if urgent || self.chance(0.33) {
            let at = self.now + self.about(if urgent { 35.0 } else { 150.0 } * MINUTE, 0.6);
            let at = if urgent { at } else { self.office(at) };
            self.plain("onsite", at);
        }
        let left = (due - self.now).max(20 * MINUTE_US);
        let at = if self.chance(on_time) {
            // Most are done in the first half of what is allowed, the rest towards its end.
            let share = self.random().unit();
            let share = 0.06 + 0.9 * share * share;
            let at = self.now + (left as f64 * share) as i64;
            let at = if urgent { at } else { self.office(at) };
            let spare = self.between(4.0 * MINUTE, 100.0 * MINUTE);
            at.min(due - spare)
        } else {
            let late = self.about(5.0 * HOUR, 0.8);
            let at = self.office(due + late);
            self.step("escalate", at - 30 * MINUTE_US, |row| row);
            at
        };
        let solved = self.chance(0.97);
        self.finish(at, solved);
    }

    /// The same matter was reported before: this one is closed into the other.
    fn merge(&mut self) -> bool {
        let (service, topic) = (self.request.service, self.request.topic);
        let other = self
            .stories
            .mergeable
            .iter()
            .rev()
            .find(|known| (known.0, known.1) == (service, topic))
            .map(|known| known.2);
        let Some(other) = other else {
            self.keep_for_merging();
            return false;
        };
        let at = self.now + self.between(60.0, 1800.0);
        self.step("merge", at, |row| row.with(col::tickets::RELATED, other));
        true
    }

    fn keep_for_merging(&mut self) {
        let entry = (self.request.service, self.request.topic, self.request.id);
        if self.stories.mergeable.len() < 256 {
            self.stories.mergeable.push(entry);
        }
    }

    /// Answered in writing within five working days, in office hours, then published.
    pub(super) fn web(mut self) {
        let kind = self.random().choose(&[("ask", 0.52), ("suggest", 0.22), ("complain", 0.2), ("help", 0.06)], "ask");
        let due = self.stories.calendar.due(self.request.until, 5);
        let org = self.org;
        self.open(kind, |row| row.with(col::tickets::PRIO, "normal").with(col::tickets::DUE, Val::Time(due)));
        let wait = self.about(40.0 * MINUTE, 0.7);
        let at = self.daytime(self.now + wait);
        self.dispatch(at, org);
        let at = self.now + self.about(2.0 * HOUR, 0.7);
        let at = self.office(at);
        self.plain("accept", at);
        let left = (due - self.now).max(HOUR_US) as f64;
        let share = self.random().between(0.04, 0.6);
        let mut at = self.now + (left * share) as i64;
        at = self.office(at);
        at = if self.chance(0.985) { at.min(due - 20 * MINUTE_US) } else { due + seconds(5.0 * HOUR) };
        self.finish(at, true);
        if self.chance(0.35) {
            let rating = self.draw_rating();
            let at = self.now + self.between(600.0, 20_000.0);
            self.step("rate", at, |row| row.with(col::tickets::RATING, rating));
        }
        let at = self.now + self.between(0.5 * HOUR, 6.0 * HOUR);
        self.plain("close", at);
    }

    /// The talent line: six one-to-one services; what nobody else can do goes to the talent office.
    pub(super) fn talent(mut self) {
        let tier = self.random().choose(&TIERS, "高层次");
        let item = self.random().choose(&TALENT_ITEMS, "talent.policy");
        self.tier = Some(tier);
        let ask = self.chance(0.56);
        let kind = if ask { "ask" } else { "help" };
        let due = self.stories.calendar.due(self.request.until, 3);
        self.open(kind, |row| {
            row.with(col::tickets::PRIO, "normal")
                .with(col::tickets::ITEM, item)
                .with(col::tickets::DUE, Val::Time(due))
        });
        if ask && self.request.taken != Taken::Form && self.chance(0.75) {
            let at = self.now + self.between(15.0, 240.0);
            self.finish(at, true);
            self.review(0.6, 0.8);
            return;
        }
        let wait = self.between(120.0, 1500.0);
        let at = self.daytime(self.now + wait);
        let org = self.org;
        self.dispatch(at, org);
        let at = self.now + self.about(25.0 * MINUTE, 0.6);
        let at = self.office(at);
        self.plain("accept", at);
        if self.chance(0.05) {
            let at = self.now + self.between(2.0 * HOUR, 20.0 * HOUR);
            let at = self.office(at);
            self.step("escalate", at, |row| row.with(col::ORG, "dept.talent"));
        }
        self.work_towards(due, false, 0.99);
        self.review(0.96, 0.86);
    }

    /// A question asked in a live stream: most answered on air, the others by a department afterwards.
    pub(super) fn live(mut self) {
        let due = self.stories.calendar.due(self.request.until, 2);
        debug_assert_eq!(self.request.service, Service::Live);
        self.open("ask", |row| row.with(col::tickets::PRIO, "normal").with(col::tickets::DUE, Val::Time(due)));
        if self.chance(0.72) {
            let at = self.now + self.between(40.0, 600.0);
            self.finish(at, true);
            self.wave_off(0.25);
            return;
        }
        let at = self.now + self.between(600.0, 5400.0);
        let org = self.org;
        self.dispatch(at, org);
        let at = self.now + self.about(HOUR, 0.6);
        let at = self.office(at);
        self.plain("accept", at);
        self.work_towards(due, false, 0.99);
        self.review(0.6, 0.7);
    }
}
