//! What has a beginning and an end: live streams, events, courses, practice with the AI coach, meetings with banks.
//!
//! Live streams are denser than the article's (some seventy in three years), so that the scene is not dark for weeks.

use super::calendar::{HOUR_US, MINUTE_US, weekday};
use super::contact::{Press, mix};
use super::day::Scope;
use super::random::Random;
use super::roster::Shift;
use super::row::{Id, Row, Src, Val, col};
use super::story::{Request, Taken};
use super::world::{Service, World};
use crate::model::stream::Stream;
use crate::model::time::SECOND_US;

/// How long before an activity it is announced.
pub const AHEAD_DAYS: i64 = 3;

struct Day<'a> {
    world: &'a World,
    day: i64,
    span: (i64, i64),
    random: Random,
    rows: &'a mut Vec<Row>,
    count: u32,
}

/// The activities of a shift day, and the questions its live streams brought.
pub fn activities(scope: &Scope<'_>, shifts: &[Shift], rows: &mut Vec<Row>) -> Vec<Request> {
    let day = scope.day;
    let random = Random::new(scope.seed, day, 600);
    let mut all = Day { world: scope.world, day, span: scope.span, random, rows, count: 0 };
    // What is announced today takes place in three days.
    let midnight = scope.calendar.midnight(day + AHEAD_DAYS);
    let weekday = weekday(day + AHEAD_DAYS);
    let mut questions = Vec::new();
    // e企播: Tuesday and Thursday afternoon, Wednesday evening.
    let live = match weekday {
        1 | 3 => Some(14.5),
        2 => Some(19.0),
        _ => None,
    };
    if let Some(hour) = live {
        all.live(midnight + (hour * HOUR_US as f64) as i64, &mut questions);
    }
    // The described cinema on Saturday morning, the choir on Wednesday.
    match weekday {
        5 => all.event("guangming", 9.0, 2.5, (38, 64), midnight, "volunteer.guangming"),
        2 => all.event("guangming", 14.0, 2.0, (18, 34), midnight, "volunteer.guangming"),
        _ => {}
    }
    let events = if weekday >= 5 { 7 } else { 3 };
    for _ in 0..events {
        let hour = (all.random.between(8.5, 18.5) * 4.0).round() / 4.0;
        let lasts = all.random.between(1.5, 3.5);
        all.event("volunteer", hour, lasts, (8, 46), midnight, "volunteer.team");
    }
    if weekday < 5 && all.random.chance(0.8) {
        all.course(midnight);
    }
    if weekday == 4 && all.random.chance(0.7) {
        all.meeting(midnight);
    }
    for shift in shifts {
        if all.random.chance(0.42) {
            all.practice(shift);
        }
    }
    questions
}

impl Day<'_> {
    fn next(&mut self) -> Id {
        self.count += 1;
        Id::Activity { day: self.day as i32, n: self.count }
    }

    fn row(
        &self,
        ts: i64,
        born: i64,
        kind: &'static str,
        id: Id,
        form: &'static str,
        service: Option<&'static str>,
    ) -> Row {
        let board = service.and_then(|code| Service::ALL.into_iter().find(|known| known.code() == code));
        Row::new(Stream::Activities, Src::Activities, ts, born, kind, id)
            .with(col::activities::FORM, form)
            .maybe(col::SERVICE, service)
            .maybe(col::BOARD, board.and_then(|service| self.world.service(service).board))
    }

    /// Announced during the day's office hours.
    fn announced(&mut self) -> i64 {
        self.span.0 + (self.random.between(1.2, 9.5) * HOUR_US as f64) as i64
    }

    fn live(&mut self, starts: i64, questions: &mut Vec<Request>) {
        let id = self.next();
        let plan = self.announced();
        let starts = starts + self.random.below(100 * SECOND_US as u64) as i64;
        let lasts = (self.random.between(52.0, 78.0) * MINUTE_US as f64) as i64;
        let peak = self.random.log_normal(215.0, 0.3);
        let service = Some("live");
        let row = self.row(plan, plan, "plan", id, "live", service).with(col::activities::STARTS_AT, Val::Time(starts));
        self.rows.push(row.with(col::MODULE, "elive"));
        let row = self.row(starts, plan, "start", id, "live", service).with(col::activities::ONLINE, 12_i64);
        self.rows.push(row);
        let mut asked = 0_i64;
        let mut people = 12.0;
        let mut most = 0.0_f64;
        let steps = lasts / (20 * SECOND_US);
        for step in 1..steps {
            let share = step as f64 / steps as f64;
            // Fills within a quarter, stays, and empties in the last minutes.
            let shape = (share / 0.25).min(1.0) * ((1.0 - share) / 0.1).min(1.0);
            let online = (peak * shape * self.random.between(0.94, 1.04)).max(9.0).round();
            most = most.max(online);
            people += online * 0.011;
            let ts = starts + step * 20 * SECOND_US;
            if self.random.chance(0.11 * shape) {
                asked += 1;
                if self.random.chance(0.45) {
                    questions.push(self.question(ts, id, questions.len() as u32));
                }
            }
            let row = self
                .row(ts, plan, "tick", id, "live", service)
                .with(col::activities::ONLINE, online as i64)
                .with(col::activities::QUESTIONS, asked);
            self.rows.push(row);
        }
        let policies = 1 + self.random.below(3) as i64;
        let row = self
            .row(starts + lasts, plan, "end", id, "live", service)
            .with(col::activities::ONLINE, 0_i64)
            .with(col::activities::PEOPLE, (people + most * 0.9).round() as i64)
            .with(col::activities::POLICIES, policies)
            .with(col::activities::QUESTIONS, asked)
            .with(col::activities::HOURS, (lasts as f64 / HOUR_US as f64 * 10.0).round() / 10.0);
        self.rows.push(row);
    }

    fn question(&mut self, ts: i64, session: Id, n: u32) -> Request {
        let area = self.random.index(&self.world.area_weights).and_then(|n| self.world.areas.get(n).copied());
        Request {
            id: Id::Ticket { day: self.day as i32, n: 10_000_000 + n },
            service: Service::Live,
            topic: (!self.world.service(Service::Live).topics.is_empty()).then_some(0),
            area,
            channel: "live",
            caller: mix(self.random.bits()),
            taken: Taken::Form,
            from: ts,
            until: ts,
            storm: false,
            press: Press::Daily,
            related: Some(session),
            party: None,
        }
    }

    fn event(
        &mut self,
        service: &'static str,
        hour: f64,
        lasts_h: f64,
        people: (i64, i64),
        midnight: i64,
        org: &'static str,
    ) {
        let id = self.next();
        let starts = midnight + (hour * HOUR_US as f64) as i64;
        let plan = self.announced();
        let begun = starts + self.random.below(6 * MINUTE_US as u64) as i64;
        let ends = begun + (lasts_h * HOUR_US as f64) as i64;
        let area = self.random.index(&self.world.area_weights).and_then(|n| self.world.areas.get(n).copied());
        let people = people.0 + self.random.below((people.1 - people.0 + 1) as u64) as i64;
        // Members of the club come with one helper for two.
        let helpers = if service == "guangming" { people / 2 } else { people };
        let hours = (helpers as f64 * lasts_h * 10.0).round() / 10.0;
        let row = self
            .row(plan, plan, "plan", id, "event", Some(service))
            .with(col::activities::STARTS_AT, Val::Time(starts));
        self.rows.push(row.maybe(col::AREA, area).with(col::ORG, org));
        let row = self.row(begun, plan, "start", id, "event", Some(service)).maybe(col::AREA, area).with(col::ORG, org);
        self.rows.push(row);
        let row = self
            .row(ends, plan, "end", id, "event", Some(service))
            .maybe(col::AREA, area)
            .with(col::ORG, org)
            .with(col::activities::PEOPLE, people)
            .with(col::activities::HOURS, hours);
        self.rows.push(row);
    }

    fn course(&mut self, midnight: i64) {
        let id = self.next();
        let starts = midnight + 9 * HOUR_US;
        let plan = self.announced();
        let people = 16 + self.random.below(28) as i64;
        let row =
            self.row(plan, plan, "plan", id, "course", Some("gig")).with(col::activities::STARTS_AT, Val::Time(starts));
        self.rows.push(row.with(col::MODULE, "skills"));
        let row = self.row(starts, plan, "start", id, "course", Some("gig"));
        self.rows.push(row);
        let ends = starts + 2 * HOUR_US + self.random.below(45 * MINUTE_US as u64) as i64;
        let row = self
            .row(ends, plan, "end", id, "course", Some("gig"))
            .with(col::activities::PEOPLE, people)
            .with(col::activities::HOURS, people as f64 * 2.0);
        self.rows.push(row);
    }

    fn meeting(&mut self, midnight: i64) {
        let id = self.next();
        let starts = midnight + 14 * HOUR_US;
        let plan = self.announced();
        let people = 12 + self.random.below(22) as i64;
        let row = self
            .row(plan, plan, "plan", id, "meet", Some("finance"))
            .with(col::activities::STARTS_AT, Val::Time(starts));
        self.rows.push(row);
        let row = self.row(starts, plan, "start", id, "meet", Some("finance"));
        self.rows.push(row);
        let ends = starts + 90 * MINUTE_US + self.random.below(40 * MINUTE_US as u64) as i64;
        let row = self.row(ends, plan, "end", id, "meet", Some("finance")).with(col::activities::PEOPLE, people);
        self.rows.push(row);
    }

    /// A seat talks with the AI coach for a quarter of an hour, before or after its shift.
    fn practice(&mut self, shift: &Shift) {
        let id = self.next();
        let starts = shift.until + self.random.below(25 * MINUTE_US as u64) as i64;
        let ends = starts + 6 * MINUTE_US + self.random.below(12 * MINUTE_US as u64) as i64;
        let score = (self.random.log_normal(88.0, 0.05).min(100.0) * 10.0).round() / 10.0;
        let party = Id::Seat(shift.seat);
        let row = self
            .row(starts, starts, "start", id, "practice", None)
            .with(col::PARTY, party)
            .with(col::MODULE, "practice");
        self.rows.push(row);
        let row = self
            .row(ends, starts, "end", id, "practice", None)
            .with(col::PARTY, party)
            .with(col::activities::PEOPLE, 1_i64)
            .with(col::activities::SCORE, score);
        self.rows.push(row);
    }
}
