//! Who turns to the line, how and what for: the contacts of a shift day, before anybody has answered.

use super::calendar::{HOUR_US, seconds};
use super::day::Scope;
use super::random::{Random, Weights};
use super::rhythm::{Curve, arrivals};
use super::row::{Id, Row, Src, Thing, col};
use super::script::{STORM_MIX, Script, Surge, Typhoon, surges};
use super::world::{Service, Sym, World};
use crate::model::stream::Stream;

/// What a contact wants.
#[derive(Clone, Copy, Debug)]
pub struct Need {
    pub service: Service,
    /// Number of the topic within its service.
    pub topic: Option<usize>,
    pub area: Option<Sym>,
    /// Part of a storm: pressing.
    pub storm: bool,
}

/// Why an old person pressed the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Press {
    Daily,
    Talk,
    Mistake,
    Doctor,
    Emergency,
}

impl Press {
    /// With their shares: one call in twenty-five is an emergency.
    const ALL: [(Press, f64); 5] = [
        (Press::Daily, 0.45),
        (Press::Talk, 0.265),
        (Press::Mistake, 0.205),
        (Press::Doctor, 0.04),
        (Press::Emergency, 0.04),
    ];

    fn topic(self) -> &'static str {
        match self {
            Press::Daily => "08.02.01",
            Press::Talk => "08.02.02",
            Press::Mistake => "08.02.03",
            Press::Doctor => "08.02.04",
            Press::Emergency => "08.02.05",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// To a person, at once or after the assistant.
    Seat,
    /// The assistant answers.
    Bot,
    /// A form, filled in without anybody.
    Form,
    /// Hung up before the queue; counts as no request.
    Junk,
}

/// One contact with everything drawn beforehand that chance decides. Durations in µs.
#[derive(Clone, Debug)]
pub struct Contact {
    pub n: u32,
    pub day: i64,
    pub arrive: i64,
    pub channel: &'static str,
    pub line: &'static str,
    pub skill: &'static str,
    pub caller: u64,
    /// A one-key phone's number.
    pub device: Option<u32>,
    pub press: Press,
    pub need: Need,
    pub way: Way,
    /// The assistant speaks first, for so long.
    pub bot: Option<i64>,
    /// When it joins the queue, if it does.
    pub queue_at: i64,
    pub patience: i64,
    pub ring: i64,
    /// Hangs up while it rings.
    pub hangs_up: bool,
    pub talk: i64,
    pub hold: i64,
    pub wrap: i64,
    pub score: f64,
    pub violation: &'static str,
    pub rating: Option<i64>,
    /// Opens a ticket.
    pub ticket: bool,
}

impl Contact {
    pub fn id(&self) -> Id {
        Id::Contact { day: self.day as i32, n: self.n }
    }

    pub fn ticket_id(&self) -> Id {
        Id::Ticket { day: self.day as i32, n: self.n }
    }

    fn src(&self) -> Src {
        match self.channel {
            "onekey" => Src::Onekey,
            "app" | "wechat" | "web" | "weibo" => Src::Digital,
            _ => Src::Calls,
        }
    }

    /// A row of this contact with what all of them say.
    pub fn row(&self, world: &World, kind: &'static str, ts: i64) -> Row {
        let src = if kind == "inspect" { Src::Quality } else { self.src() };
        let words = world.service(self.need.service);
        let topic = self.need.topic.and_then(|n| words.topics.get(n)).map_or("", |topic| world.text(topic.code));
        let mut row = Row::new(Stream::Contacts, src, ts, self.arrive, kind, self.id())
            .with(col::CHANNEL, self.channel)
            .with(col::contacts::LINE, self.line)
            .with(col::contacts::SKILL, self.skill)
            .with(col::SERVICE, self.need.service.code())
            .maybe(col::BOARD, words.board)
            .maybe(col::AREA, self.need.area);
        if matches!(kind, "arrive" | "end" | "abandon" | "bot") {
            row = row
                .with(col::contacts::VALID, self.way != Way::Junk)
                .with(col::contacts::CALLER, super::row::Val::Hash(self.caller))
                .maybe(col::MODULE, self.need.service.module(topic, self.caller))
                .maybe(col::PARTY, self.device.map(|n| Id::Thing(Thing::Device, n)));
        }
        if kind == "end" {
            row = row
                .maybe(col::TOPIC, self.need.topic.and_then(|n| words.topics.get(n)).map(|topic| topic.code))
                .maybe(col::contacts::TICKET, self.ticket.then(|| self.ticket_id()));
        }
        row
    }
}

/// Shares of services by telephone and by App, web and WeChat.
const BY_PHONE: [(Service, f64); 10] = [
    (Service::Ask, 0.50),
    (Service::Life, 0.285),
    (Service::Gov, 0.083),
    (Service::Gig, 0.036),
    (Service::Volunteer, 0.030),
    (Service::Enterprise, 0.034),
    (Service::Talent, 0.016),
    (Service::Guangming, 0.009),
    (Service::Finance, 0.0012),
    (Service::Web, 0.0),
];
const BY_APP: [(Service, f64); 10] = [
    (Service::Ask, 0.47),
    (Service::Life, 0.17),
    (Service::Gov, 0.11),
    (Service::Gig, 0.07),
    (Service::Volunteer, 0.05),
    (Service::Enterprise, 0.07),
    (Service::Talent, 0.025),
    (Service::Guangming, 0.008),
    (Service::Finance, 0.004),
    (Service::Web, 0.085),
];
/// Digital channels and their share.
const CHANNELS: [(&str, f64); 6] =
    [("app", 0.44), ("wechat", 0.35), ("web", 0.14), ("weibo", 0.015), ("visit", 0.02), ("upper", 0.035)];
/// Telephone lines that were merged into one, and their share of calls.
const LINES: [(&str, f64); 6] =
    [("81890", 0.66), ("12345", 0.22), ("12333", 0.04), ("12315", 0.04), ("12329", 0.02), ("12319", 0.02)];

/// Draws contacts.
pub struct Maker<'a> {
    pub world: &'a World,
    seed: u64,
    day: i64,
    random: Random,
    topics: Vec<Weights>,
    count: u32,
}

impl<'a> Maker<'a> {
    pub fn new(world: &'a World, seed: u64, day: i64) -> Maker<'a> {
        let mut random = Random::new(seed, day, 200);
        // A topic's share differs from day to day.
        let topics = Service::ALL
            .iter()
            .map(|service| {
                let count = world.service(*service).topics.len();
                Weights::new((0..count).map(|n| {
                    super::random::exp(-0.9 * super::random::ln(n as f64 + 2.0)) * random.log_normal(1.0, 0.22)
                }))
            })
            .collect();
        Maker { world, seed, day, random, topics, count: 0 }
    }

    pub fn topic(&mut self, service: Service) -> Option<usize> {
        self.random.index(&self.topics[service as usize])
    }

    pub fn area(&mut self) -> Option<Sym> {
        self.random.index(&self.world.area_weights).and_then(|n| self.world.areas.get(n).copied())
    }

    /// What an ordinary contact wants; offices are asked less at night.
    fn need(&mut self, shares: &[(Service, f64)], hour: i64) -> Need {
        let night = !(7..21).contains(&hour);
        let service = loop {
            let service = self.random.choose(shares, Service::Ask);
            let office = matches!(
                service,
                Service::Gov | Service::Enterprise | Service::Talent | Service::Finance | Service::Gig
            );
            if !(night && office) || self.random.chance(0.3) {
                break service;
            }
        };
        Need { service, topic: self.topic(service), area: self.area(), storm: false }
    }

    /// The same few thousand people call again and again; most call once.
    fn caller(&mut self) -> u64 {
        let who = if self.random.chance(0.18) { self.random.below(2500) } else { 2500 + self.random.below(3_000_000) };
        mix(self.seed ^ mix(who))
    }

    /// A contact by telephone or digital channel.
    pub fn contact(&mut self, arrive: i64, curve: Curve, hour: i64, need: Option<Need>) -> Contact {
        let n = self.count;
        self.count += 1;
        let phone = curve == Curve::Phone;
        let shares = if phone { &BY_PHONE } else { &BY_APP };
        let press = if curve == Curve::Onekey { self.random.choose(&Press::ALL, Press::Daily) } else { Press::Daily };
        let need = need.unwrap_or_else(|| match curve {
            Curve::Onekey => {
                let topic = self.world.topic(Service::Onekey, press.topic());
                Need { service: Service::Onekey, topic, area: None, storm: false }
            }
            _ => self.need(shares, hour),
        });
        let (channel, line, skill) = match (curve, need.service) {
            (Curve::Onekey, _) => ("onekey", "onekey", "onekey"),
            (Curve::Phone, Service::Talent) => ("phone", "81890910", "talent"),
            (Curve::Phone, service) => {
                let channel = if self.random.chance(0.008) { "transfer110" } else { "phone" };
                let firm = matches!(service, Service::Enterprise | Service::Finance);
                (channel, self.random.choose(&LINES, "81890"), if firm { "enterprise" } else { "general" })
            }
            (Curve::Digital, _) => (self.random.choose(&CHANNELS, "app"), "81890", "text"),
        };
        // A one-key phone is somebody's; its press is that person's.
        let device =
            (curve == Curve::Onekey).then(|| 1 + self.random.below(u64::from(super::registry::TRACKED_DEVICES)) as u32);
        let caller = match device {
            Some(device) => mix(self.seed ^ mix(u64::from(device) << 40)),
            None => self.caller(),
        };
        let random = &mut self.random;
        let way = match curve {
            Curve::Onekey => Way::Seat,
            Curve::Phone if random.chance(0.03) => Way::Junk,
            Curve::Phone if random.chance(0.16) => Way::Bot,
            Curve::Phone => Way::Seat,
            Curve::Digital if matches!(channel, "visit" | "upper") || random.chance(0.4) => Way::Form,
            Curve::Digital if random.chance(0.72) => Way::Bot,
            Curve::Digital => Way::Seat,
        };
        // The assistant hears a third of those who end up with a person.
        let bot = match way {
            Way::Bot => Some(seconds(random.log_normal(36.0, 0.5).clamp(8.0, 300.0))),
            Way::Seat if !phone && curve != Curve::Onekey => Some(seconds(random.log_normal(40.0, 0.4).min(200.0))),
            Way::Seat if phone && random.chance(0.13) => Some(seconds(random.log_normal(22.0, 0.4).min(120.0))),
            _ => None,
        };
        let greeting = if phone { seconds(random.between(5.0, 12.0)) } else { seconds(random.between(0.4, 1.6)) };
        let storm = if need.storm { 0.8 } else { 1.0 };
        // Median 95 s, mean 150 s by telephone; the one-key phone is shorter, a chat longer.
        let (talk, wrap) = match curve {
            Curve::Phone => (random.log_normal(95.0 * storm, 0.955), random.log_normal(38.0, 0.55)),
            Curve::Digital => (random.log_normal(170.0, 0.7), random.log_normal(30.0, 0.5)),
            Curve::Onekey => (random.log_normal(70.0, 0.8), random.log_normal(30.0, 0.5)),
        };
        let rating = [(5_i64, 0.66), (4, 0.306), (3, 0.021), (2, 0.008), (1, 0.005)];
        let violation = [
            ("none", 0.9935),
            ("slow", 0.0028),
            ("promise", 0.0018),
            ("other", 0.001),
            ("rude", 0.0006),
            ("secret", 0.0003),
        ];
        let violation = random.choose(&violation, "none");
        let score = (random.between(0.0, 1.0) - 0.5) * 3.0 + 92.5 + 3.4 * random.normal()
            - if violation == "none" { 0.0 } else { 22.0 };
        Contact {
            n,
            day: self.day,
            arrive,
            channel,
            line,
            skill,
            caller,
            device,
            press,
            need,
            way,
            bot,
            queue_at: arrive + greeting + bot.unwrap_or(0),
            patience: seconds(random.exponential(if curve == Curve::Onekey { 900.0 } else { 415.0 }).max(6.5)),
            ring: seconds(random.between(1.2, if curve == Curve::Onekey { 3.2 } else { 5.5 })),
            // Two in a hundred leave within the first seconds, as measured at a real line.
            hangs_up: phone && random.chance(0.016),
            talk: seconds(talk.clamp(8.0, 4700.0)),
            hold: if random.chance(0.07) { seconds(random.log_normal(25.0, 0.6).min(180.0)) } else { 0 },
            wrap: seconds(wrap.clamp(4.0, 300.0)),
            score: (score.clamp(40.0, 100.0) * 10.0).round() / 10.0,
            violation,
            rating: random.chance(if way == Way::Bot { 0.18 } else { 0.36 }).then(|| random.choose(&rating, 5)),
            ticket: way != Way::Junk && random.chance(if way == Way::Bot { 0.93 } else { 0.965 }),
        }
    }
}

/// SplitMix64's finisher.
pub fn mix(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// All contacts of a shift day by arrival, and the surges among them.
pub fn contacts_of_day(scope: &Scope<'_>) -> (Vec<Contact>, Vec<Surge>) {
    let Scope { world, seed, day, calendar, span, scripts } = scope;
    let (world, seed, day, span) = (*world, *seed, *day, *span);
    let mut maker = Maker::new(world, seed, day);
    let storms: Vec<Typhoon> = scripts
        .iter()
        .filter_map(|script| match script {
            Script::Typhoon(at_us) => Some(Typhoon { at_us: *at_us }),
            Script::WaterOutage(_) => None,
        })
        .collect();
    let factor = |time_us: i64| storms.iter().map(|storm| storm.factor(time_us)).fold(1.0, f64::max);
    let surges = surges(scope);

    let mut plan: Vec<(i64, Curve, Option<Need>)> = Vec::new();
    let mut storm_draw = Random::new(seed, day, 201);
    for curve in [Curve::Phone, Curve::Digital, Curve::Onekey] {
        // The one-key phone rings twice as often in a storm, not nine times.
        let curve_factor =
            |time_us: i64| if curve == Curve::Onekey { factor(time_us).min(2.0) } else { factor(time_us) };
        for arrive in arrivals(seed, calendar, span, curve, &curve_factor) {
            let extra = 1.0 - 1.0 / factor(arrive);
            let mut need = None;
            if curve != Curve::Onekey && extra > 0.0 && storm_draw.chance(extra) {
                let shares: [(usize, f64); 8] = std::array::from_fn(|n| (n, STORM_MIX[n].2));
                let (service, topic, _) = STORM_MIX[storm_draw.choose(&shares, 0)];
                need = Some(Need { service, topic: world.topic(service, topic), area: None, storm: true });
            }
            plan.push((arrive, curve, need));
        }
    }
    for surge in &surges {
        let area = surge.area.and_then(|n| world.areas.get(n).copied());
        for (n, arrive) in surge.times.iter().filter(|time| (span.0..span.1).contains(*time)).enumerate() {
            let curve = if n % 4 == 0 { Curve::Digital } else { Curve::Phone };
            plan.push((
                *arrive,
                curve,
                Some(Need { service: surge.service, topic: Some(surge.topic), area, storm: false }),
            ));
        }
    }
    plan.sort_by_key(|(arrive, ..)| *arrive);

    let contacts = plan
        .into_iter()
        .filter(|(_, _, need)| need.is_none_or(|need| world.service(need.service).known))
        .map(|(arrive, curve, need)| {
            let hour = calendar.local(arrive).since_midnight_us / HOUR_US;
            let mut contact = maker.contact(arrive, curve, hour, need);
            if contact.need.area.is_none() {
                contact.need.area = maker.area();
            }
            contact
        })
        .filter(|contact| world.service(contact.need.service).known)
        .collect();
    (contacts, surges)
}
