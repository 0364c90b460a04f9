//! Random events that a real line could have had, for tests.

use std::sync::Arc;

use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::lab::{DAY, HOUR, city};
use crate::model::{City, Event, Stream};

/// Draws events that a real line could have had.
pub struct Maker {
    random: ChaCha8Rng,
    count: u64,
    city: Arc<City>,
}

impl Maker {
    pub fn new(seed: u64) -> Maker {
        Maker { random: ChaCha8Rng::seed_from_u64(seed), count: 0, city: city("ningbo") }
    }

    fn event(&mut self, stream: Stream, ts: i64, kind: &str, id: &str) -> Event {
        self.count += 1;
        let number = self.count.to_string();
        let mut event = Event::new(stream, ts, kind, id, "test", &number);
        if self.random.random_bool(0.3) {
            event.set("demo", true);
        }
        event
    }

    fn pick<'a>(&mut self, words: &[&'a str]) -> &'a str {
        words.choose(&mut self.random).copied().unwrap_or_default()
    }

    fn code<T: Clone>(&mut self, list: &[T], code: impl Fn(&T) -> &str) -> String {
        list.choose(&mut self.random).map(|named| code(named).to_owned()).unwrap_or_default()
    }

    /// About `count` events of all streams between the two times, in order of time.
    pub fn events(&mut self, from: i64, to: i64, count: usize) -> Vec<Event> {
        let mut events = Vec::with_capacity(count + 32);
        while events.len() < count {
            let ts = self.random.random_range(from..to);
            match self.random.random_range(0..10) {
                0..=3 => self.ticket(ts, &mut events),
                4..=6 => self.contact(ts, &mut events),
                7 => self.seat(ts, &mut events),
                8 => self.thing(ts, &mut events),
                _ => self.other(ts, &mut events),
            }
        }
        events.retain(|event| event.ts_us() < to);
        events.sort_by_key(Event::ts_us);
        events
    }

    fn ticket(&mut self, ts: i64, events: &mut Vec<Event>) {
        let city = self.city.clone();
        let service = self.code(&city.services, |service| &service.code);
        let id = format!("t{}", self.count);
        let mut open = self
            .event(Stream::Tickets, ts, "open", &id)
            .with("service", service.as_str())
            .with("area", self.code(&city.areas, |area| &area.code))
            .with("channel", self.code(&city.channels, |channel| &channel.code))
            .with("type", self.pick(&["ask", "help", "complain"]))
            .with("caller", format!("c{}", self.random.random_range(0..40)));
        if self.random.random_bool(0.9) {
            open.set("topic", self.code(&city.topics, |topic| &topic.code));
        }
        if self.random.random_bool(0.5) {
            open.set("due", crate::model::Value::Time(ts + self.random.random_range(-HOUR..3 * DAY)));
        }
        if self.random.random_bool(0.3) {
            open.set("item", self.code(&city.items, |item| &item.code));
            open.set("module", self.code(&city.modules, |module| &module.code));
        }
        if service == "talent" {
            open.set("tier", self.pick(&["top", "special"]));
        }
        let side = self.pick(&["seek", "hire"]);
        if service == "gig" {
            open.set("side", side);
        }
        events.push(open);
        let mut at = ts;
        let mut then = |maker: &mut Maker, kind: &str, span: i64, events: &mut Vec<Event>| {
            at += maker.random.random_range(0..span);
            let mut event = maker.event(Stream::Tickets, at, kind, &id);
            if service == "gig" {
                event.set("side", side);
            }
            events.push(event);
        };
        let org = self.code(&city.orgs, |org| &org.code);
        if self.random.random_bool(0.5) {
            then(self, "dispatch", HOUR, events);
            if let Some(event) = events.last_mut() {
                event.set("org", org);
                event.set("sector", ["gov", "market", "social"][self.random.random_range(0..3)]);
            }
            if self.random.random_bool(0.2) {
                then(self, "reject", HOUR, events);
                then(self, "dispatch", HOUR, events);
            }
            if self.random.random_bool(0.8) {
                then(self, "accept", HOUR, events);
                for kind in ["reach", "propose", "onsite", "grant", "escalate"] {
                    if self.random.random_bool(0.2) {
                        then(self, kind, HOUR, events);
                        if kind == "grant"
                            && let Some(event) = events.last_mut()
                        {
                            event.set("amount", f64::from(self.random.random_range(1..900_000_u32)));
                        }
                    }
                }
            }
        }
        if self.random.random_bool(0.8) {
            then(self, "finish", 20 * 60_000_000, events);
            if let Some(event) = events.last_mut() {
                event.set("outcome", ["ok", "false_alarm", "rescued"][self.random.random_range(0..3)]);
                event.set("amount", f64::from(self.random.random_range(3_000..9_000_u32)));
            }
            if self.random.random_bool(0.1) {
                then(self, "reopen", DAY, events);
                then(self, "finish", DAY, events);
            }
            if self.random.random_bool(0.5) {
                then(self, "visit", DAY, events);
            }
            if self.random.random_bool(0.5) {
                then(self, "rate", DAY, events);
                if let Some(event) = events.last_mut() {
                    event.set("rating", self.random.random_range(1..=5_i64));
                }
            }
        }
    }

    fn contact(&mut self, ts: i64, events: &mut Vec<Event>) {
        let city = self.city.clone();
        let id = format!("k{}", self.count);
        let channel = self.code(&city.channels, |channel| &channel.code);
        let line = self.code(&city.lines, |line| &line.code);
        let service = self.code(&city.services, |service| &service.code);
        let area = self.code(&city.areas, |area| &area.code);
        let row = |maker: &mut Maker, at: i64, kind: &str| {
            maker
                .event(Stream::Contacts, at, kind, &id)
                .with("channel", channel.as_str())
                .with("line", line.as_str())
                .with("service", service.as_str())
                .with("area", area.as_str())
        };
        let valid = self.random.random_bool(0.95);
        let arrive = row(self, ts, "arrive").with("valid", valid);
        events.push(arrive);
        if self.random.random_bool(0.2) {
            let bot = row(self, ts + 1_000_000, "bot");
            events.push(bot);
            if self.random.random_bool(0.5) {
                let handoff = row(self, ts + 2_000_000, "handoff");
                events.push(handoff);
            }
        }
        let wait_s = self.random.random_range(0..90_i64);
        let queue = row(self, ts + 3_000_000, "queue");
        events.push(queue);
        let at = ts + 3_000_000 + wait_s * 1_000_000;
        match self.random.random_range(0..10) {
            0 => {}
            1 => {
                let abandon = row(self, at, "abandon").with("wait_s", wait_s);
                events.push(abandon);
                if self.random.random_bool(0.5) {
                    let callback = row(self, at + 600_000_000, "callback");
                    events.push(callback);
                }
            }
            _ => {
                let answer = row(self, at, "answer").with("wait_s", wait_s);
                events.push(answer);
                let talk_s = self.random.random_range(10..600_i64);
                let end = row(self, at + talk_s * 1_000_000, "end").with("talk_s", talk_s).with("wrap_s", 45_i64);
                events.push(end);
                let violation = self.pick(&["none", "none", "none", "rude", "slow"]);
                let score = f64::from(self.random.random_range(50..100_u32));
                let inspect = row(self, at + talk_s * 1_000_000 + 1_000_000, "inspect")
                    .with("score", score)
                    .with("violation", violation);
                events.push(inspect);
            }
        }
    }

    fn seat(&mut self, ts: i64, events: &mut Vec<Event>) {
        let seat = format!("s{}", self.random.random_range(0..6));
        let kind = self.pick(&["login", "ready", "ring", "talk", "wrap", "rest", "busy", "logout", "plan"]);
        let mut event = self.event(Stream::Seats, ts, kind, &seat).with("seat", seat.as_str());
        if kind == "plan" {
            event.set("starts_at", crate::model::Value::Time(ts + HOUR));
            event.set("ends_at", crate::model::Value::Time(ts + 9 * HOUR));
        } else if self.random.random_bool(0.3) {
            event.set("skill", "onekey");
        }
        events.push(event);
    }

    fn thing(&mut self, ts: i64, events: &mut Vec<Event>) {
        let thing = self.pick(&["device", "firm", "volunteer", "talent", "policy", "kb", "post", "line"]);
        let id = format!("{thing}-{}", self.random.random_range(0..8));
        let kind = self.pick(&["add", "update", "remove", "online", "offline", "test"]);
        let mut event = self.event(Stream::Registry, ts, kind, &id);
        if self.random.random_bool(0.8) {
            event.set("type", thing);
        }
        if self.random.random_bool(0.5) {
            event.set("grade", self.pick(&["3A", "2A", "1A"]));
            event.set("area", "330203");
        }
        if self.random.random_bool(0.3) {
            event.set("quantity", self.random.random_range(1..50_i64));
            event.set("expires_at", crate::model::Value::Time(ts + self.random.random_range(-DAY..DAY)));
        }
        events.push(event);
    }

    fn other(&mut self, ts: i64, events: &mut Vec<Event>) {
        if self.random.random_bool(0.5) {
            let id = format!("a{}", self.count);
            let form = self.pick(&["live", "event", "course", "practice"]);
            let service = self.pick(&["guangming", "live", "volunteer"]);
            for (step, kind) in ["plan", "start", "tick", "end"].into_iter().enumerate() {
                let n = self.random.random_range(0..900_i64);
                let event = self
                    .event(Stream::Activities, ts + step as i64 * HOUR, kind, &id)
                    .with("form", form)
                    .with("service", service)
                    .with("starts_at", crate::model::Value::Time(ts + HOUR))
                    .with("people", n)
                    .with("online", n / 2)
                    .with("hours", 1.5)
                    .with("policies", 2_i64)
                    .with("questions", n / 50)
                    .with("party", format!("p{}", n % 7))
                    .with("score", 80.0);
                events.push(event);
                if self.random.random_bool(0.2) {
                    break;
                }
            }
        } else {
            let id = format!("w{}", self.count / 3);
            let kind = self.pick(&["weather", "incident", "raise", "ack", "clear"]);
            let event = self
                .event(Stream::Signals, ts, kind, &id)
                .with("colour", self.pick(&["red", "orange", "yellow", "blue"]))
                .with("severity", "high")
                .with("rule", "queue.long")
                .with("value", f64::from(self.random.random_range(0..100_u32)));
            events.push(event);
        }
    }
}
