//! What becomes of a request: the story of each ticket, from open to close, through the machine of all services.
//!
//! A story is written whole when its ticket opens, days ahead; the simulator holds its later steps until their time.
//! Steps move forward in time by construction ([`Story::step`]), and their order is one the machine allows; the tests walk
//! every story through it.

mod firms;
mod help;
mod home;
mod offices;

pub use offices::TIERS;

use super::calendar::{Calendar, HOUR_US, MINUTE_US, seconds};
use super::contact::Contact;
use super::random::Random;
use super::row::{Id, Row, Src, Thing, Val, col};
use super::world::{Service, Sym, World};
use crate::model::stream::Stream;
use crate::model::time::DAY_US;

/// No story is longer than this: who goes on after a pause need not look further back.
pub const LONGEST_US: i64 = 14 * DAY_US;

/// How the request came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// Spoken with a seat from..until.
    Seat,
    /// The assistant answered.
    Bot,
    /// A form: nobody has looked at it yet.
    Form,
}

/// A request about to become a ticket.
#[derive(Clone, Copy, Debug)]
pub struct Request {
    pub id: Id,
    pub service: Service,
    pub topic: Option<usize>,
    pub area: Option<Sym>,
    pub channel: &'static str,
    pub caller: u64,
    pub taken: Taken,
    /// The conversation.
    pub from: i64,
    pub until: i64,
    pub storm: bool,
    pub press: super::contact::Press,
    /// The one-key phone, or the live session.
    pub related: Option<Id>,
    pub party: Option<Id>,
}

impl Request {
    pub fn of(contact: &Contact, taken: Taken, from: i64, until: i64) -> Request {
        Request {
            id: contact.ticket_id(),
            service: contact.need.service,
            topic: contact.need.topic,
            area: contact.need.area,
            channel: contact.channel,
            caller: contact.caller,
            taken,
            from,
            until,
            storm: contact.need.storm,
            press: contact.press,
            related: None,
            party: contact.device.map(|n| Id::Thing(Thing::Device, n)),
        }
    }
}

/// Writes tickets.
pub struct Stories<'a> {
    pub world: &'a World,
    pub calendar: &'a Calendar,
    pub random: Random,
    pub rows: &'a mut Vec<Row>,
    /// Tickets of the day that others may be merged into, by service and topic.
    mergeable: Vec<(Service, Option<usize>, Id)>,
}

/// One ticket being written.
pub struct Story<'s, 'w> {
    stories: &'s mut Stories<'w>,
    request: Request,
    opened: i64,
    now: i64,
    org: &'static str,
    /// Said on every row: nobody inherits them.
    side: Option<&'static str>,
    tier: Option<&'static str>,
}

const HOUR: f64 = 3600.0;
const MINUTE: f64 = 60.0;

impl<'w> Stories<'w> {
    pub fn new(world: &'w World, calendar: &'w Calendar, random: Random, rows: &'w mut Vec<Row>) -> Stories<'w> {
        Stories { world, calendar, random, rows, mergeable: Vec::new() }
    }

    /// Writes the story of a request; nothing when the city has no such service.
    pub fn write(&mut self, request: Request) {
        let words = self.world.service(request.service);
        if !words.known {
            return;
        }
        let org = request.topic.and_then(|n| words.topics.get(n)).map_or("street", |topic| topic.org);
        let story = Story { stories: self, request, opened: 0, now: 0, org, side: None, tier: None };
        match request.service {
            Service::Ask => story.ask(),
            Service::Gov => story.gov(),
            Service::Web => story.web(),
            Service::Talent => story.talent(),
            Service::Life => story.life(),
            Service::Gig => story.gig(),
            Service::Onekey => story.onekey(),
            Service::Volunteer => story.volunteer(),
            Service::Guangming => story.guangming(),
            Service::Enterprise => story.enterprise(),
            Service::Finance => story.finance(),
            Service::Live => story.live(),
        }
    }
}

impl Story<'_, '_> {
    fn random(&mut self) -> &mut Random {
        &mut self.stories.random
    }

    fn chance(&mut self, probability: f64) -> bool {
        self.stories.random.chance(probability)
    }

    /// A log-normal duration by its median in seconds, µs.
    fn about(&mut self, median_s: f64, sigma: f64) -> i64 {
        seconds(self.stories.random.log_normal(median_s, sigma))
    }

    fn between(&mut self, low_s: f64, high_s: f64) -> i64 {
        seconds(self.stories.random.between(low_s, high_s))
    }

    fn office(&mut self, time: i64) -> i64 {
        self.stories.calendar.office(time, &mut self.stories.random)
    }

    fn daytime(&mut self, time: i64) -> i64 {
        self.stories.calendar.daytime(time, &mut self.stories.random)
    }

    /// Local hour of the latest step is at night (22 to 7).
    fn at_night(&self) -> bool {
        !(7..22).contains(&self.stories.calendar.local(self.now).hour())
    }

    /// Opens the ticket near the end of the conversation (or when the form came).
    fn open(&mut self, kind: &'static str, dress: impl FnOnce(Row) -> Row) {
        let request = self.request;
        let at = match request.taken {
            Taken::Seat => {
                let before = self.between(8.0, 48.0);
                (request.until - before).max(request.from + 1_500_000)
            }
            Taken::Bot => request.until - (request.until - request.from) / 4,
            Taken::Form => request.until,
        };
        self.open_at(at, kind, dress);
    }

    fn open_at(&mut self, at: i64, kind: &'static str, dress: impl FnOnce(Row) -> Row) {
        let request = self.request;
        self.opened = at;
        self.now = at;
        let world = self.stories.world;
        let words = world.service(request.service);
        let topic = request.topic.and_then(|n| words.topics.get(n));
        let row = self
            .row("open", at)
            .with(col::SERVICE, request.service.code())
            .maybe(col::BOARD, words.board)
            .maybe(col::TOPIC, topic.map(|topic| topic.code))
            .maybe(col::AREA, request.area)
            .with(col::CHANNEL, request.channel)
            .maybe(
                col::MODULE,
                request.service.module(topic.map_or("", |topic| world.text(topic.code)), request.caller),
            )
            .maybe(col::PARTY, request.party)
            .with(col::tickets::TYPE, kind)
            .maybe(col::tickets::RELATED, request.related)
            .with(col::tickets::CALLER, Val::Hash(request.caller));
        self.stories.rows.push(dress(row));
    }

    fn row(&self, kind: &'static str, at: i64) -> Row {
        let src = if self.request.service == Service::Onekey { Src::Onekey } else { Src::Tickets };
        // Whom it went to: said where it goes there.
        let sent = matches!(kind, "dispatch" | "reach" | "propose" | "grant");
        let sector = match self.request.service {
            Service::Life | Service::Gig | Service::Finance => "market",
            Service::Onekey | Service::Volunteer | Service::Guangming => "social",
            _ => "gov",
        };
        Row::new(Stream::Tickets, src, at, self.opened, kind, self.request.id)
            .maybe(col::tickets::SIDE, self.side)
            .maybe(col::tickets::TIER, self.tier)
            .maybe(col::tickets::SECTOR, sent.then_some(sector))
    }

    /// The next step, at `at` or right after the one before, and never later than the longest story.
    fn step(&mut self, kind: &'static str, at: i64, dress: impl FnOnce(Row) -> Row) {
        self.now = at.min(self.opened + LONGEST_US).max(self.now + 1_000);
        let row = self.row(kind, self.now);
        self.stories.rows.push(dress(row));
    }

    fn plain(&mut self, kind: &'static str, at: i64) {
        self.step(kind, at, |row| row);
    }

    fn dispatch(&mut self, at: i64, org: &'static str) {
        self.step("dispatch", at, |row| row.with(col::ORG, org));
    }

    fn finish(&mut self, at: i64, solved: bool) {
        self.step("finish", at, |row| row.with(col::tickets::SOLVED, solved));
    }

    /// Satisfied: 96.8 %.
    fn draw_rating(&mut self) -> i64 {
        self.random().choose(&[(5_i64, 0.63), (4, 0.338), (3, 0.02), (2, 0.008), (1, 0.004)], 5)
    }

    /// After an instant answer: some rate by message, then it is filed.
    fn wave_off(&mut self, rates: f64) {
        if self.chance(rates) {
            let rating = self.draw_rating();
            let at = self.now + self.between(20.0, 600.0);
            self.step("rate", at, |row| row.with(col::tickets::RATING, rating));
        }
        let at = self.now + self.between(900.0, 3600.0);
        self.plain("close", at);
    }

    /// The visit by telephone: within a day, in daytime; most rate; a few are not content and it starts again.
    fn review(&mut self, visits: f64, rates: f64) {
        if self.chance(visits) {
            let wait = self.about(3.5 * HOUR, 0.9).min(30 * HOUR_US);
            let at = self.daytime(self.now + wait);
            let solved = self.chance(0.982);
            self.step("visit", at, |row| row.with(col::tickets::SOLVED, solved));
            if self.chance(rates) {
                let rating = self.draw_rating();
                let at = self.now + self.between(30.0, 150.0);
                self.step("rate", at, |row| row.with(col::tickets::RATING, rating));
            }
            if !solved && self.chance(0.4) {
                self.again();
            }
        } else if self.chance(rates * 0.5) {
            let rating = self.draw_rating();
            let at = self.now + self.between(120.0, 7200.0);
            self.step("rate", at, |row| row.with(col::tickets::RATING, rating));
        }
        let at = self.now + self.between(2.0 * HOUR, 20.0 * HOUR);
        self.plain("close", at);
    }

    /// Opened again, handled by the same unit within days.
    fn again(&mut self) {
        let at = self.now + self.between(60.0, 900.0);
        let due = self.stories.calendar.due(at, 2);
        self.step("reopen", at, |row| row.with(col::tickets::DUE, Val::Time(due)));
        let org = self.org;
        let at = self.now + self.between(120.0, 1200.0);
        self.dispatch(at, org);
        if self.request.service == Service::Ask {
            // A second answer to a question takes no office day.
            let at = self.now + self.between(120.0, 900.0);
            self.plain("accept", at);
            let at = self.now + self.about(35.0 * MINUTE, 0.6);
            self.finish(at, true);
        } else {
            let at = self.now + self.about(1800.0, 0.7);
            let at = self.office(at);
            self.plain("accept", at);
            let at = self.now + self.about(6.0 * HOUR, 0.6);
            let at = self.office(at).min(due - 10 * MINUTE_US);
            self.finish(at, true);
        }
        let at = self.now + self.about(3.0 * HOUR, 0.6);
        let at = self.daytime(at);
        self.step("visit", at, |row| row.with(col::tickets::SOLVED, true));
    }
}
