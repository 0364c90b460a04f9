//! The city as the simulator needs it: its codes as symbols, its weights, the names of its feeds.
//!
//! A city file without some service, topic or district gives a city without them; nothing here fails.

use std::sync::Arc;

use chrono_tz::Tz;

use super::random::Weights;
use super::row::Src;
use crate::model::City;

/// A word of the city file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sym(u32);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Service {
    Life,
    Gig,
    Onekey,
    Volunteer,
    Guangming,
    Enterprise,
    Finance,
    Live,
    Gov,
    Ask,
    Web,
    Talent,
}

impl Service {
    pub const ALL: [Service; 12] = [
        Service::Life,
        Service::Gig,
        Service::Onekey,
        Service::Volunteer,
        Service::Guangming,
        Service::Enterprise,
        Service::Finance,
        Service::Live,
        Service::Gov,
        Service::Ask,
        Service::Web,
        Service::Talent,
    ];

    pub fn code(self) -> &'static str {
        match self {
            Service::Life => "life",
            Service::Gig => "gig",
            Service::Onekey => "onekey",
            Service::Volunteer => "volunteer",
            Service::Guangming => "guangming",
            Service::Enterprise => "enterprise",
            Service::Finance => "finance",
            Service::Live => "live",
            Service::Gov => "gov",
            Service::Ask => "ask",
            Service::Web => "web",
            Service::Talent => "talent",
        }
    }

    /// The application module of the city's platform that a request of this caller and topic goes through.
    pub fn module(self, topic: &str, caller: u64) -> Option<&'static str> {
        Some(match self {
            Service::Life => match caller % 100 {
                0..6 => "future_community",
                6..11 => "repair_price",
                11..14 => "credit",
                14..16 => "elder_canteen",
                _ => "home",
            },
            Service::Enterprise if topic == "10.01.05" => "innovation",
            Service::Guangming if topic == "08.03.02" => "escort",
            Service::Gig if topic == "12.01.04" => "skills",
            Service::Ask if caller % 100 < 7 => "assistant",
            Service::Gov if caller % 100 < 8 => "parcel_map",
            Service::Gig => "gig_market",
            Service::Onekey => "onekey",
            Service::Volunteer => "volunteers",
            Service::Guangming => "guangming",
            Service::Enterprise => "policy_match",
            Service::Finance => "inclusive_finance",
            Service::Live => "elive",
            Service::Web => "web_qa",
            Service::Talent => "talent_line",
            Service::Gov | Service::Ask => return None,
        })
    }
}

#[derive(Clone, Debug)]
pub struct Topic {
    pub code: Sym,
    /// The unit that mostly handles it.
    pub org: &'static str,
    /// The trade or life service it is, where it is one.
    pub item: Option<&'static str>,
}

#[derive(Clone, Debug, Default)]
pub struct ServiceWords {
    pub known: bool,
    pub board: Option<Sym>,
    pub topics: Vec<Topic>,
}

#[derive(Debug)]
pub struct World {
    pub zone: Tz,
    symbols: Vec<Box<str>>,
    tag: String,
    sources: Vec<String>,
    pub areas: Vec<Sym>,
    pub area_weights: Weights,
    services: Vec<ServiceWords>,
    pub modules: Vec<Sym>,
    pub lines: Vec<Sym>,
    pub city: Arc<City>,
}

impl World {
    /// `tag` tells apart what different simulations call things; empty for the demo.
    pub fn new(city: Arc<City>, tag: &str) -> World {
        let mut symbols: Vec<Box<str>> = Vec::new();
        let mut intern = |text: &str| {
            if let Some(position) = symbols.iter().position(|known| **known == *text) {
                return Sym(position as u32);
            }
            symbols.push(text.into());
            Sym(symbols.len() as u32 - 1)
        };
        let areas: Vec<Sym> = city.areas.iter().map(|area| intern(&area.code)).collect();
        let area_weights = Weights::new(city.areas.iter().map(|area| area_weight(&area.code, area.residents)));
        let services = Service::ALL
            .iter()
            .map(|service| {
                let known = city.services.iter().any(|known| known.code == service.code());
                let topics = city
                    .topics
                    .iter()
                    .filter(|topic| topic.service.as_deref() == Some(service.code()))
                    .map(|topic| Topic {
                        code: intern(&topic.code),
                        org: org_of(*service, &topic.code),
                        item: item_of(&topic.code),
                    })
                    .collect();
                ServiceWords { known, board: city.board_of(service.code()).map(&mut intern), topics }
            })
            .collect();
        let modules = city.modules.iter().map(|module| intern(&module.code)).collect();
        let lines = city.lines.iter().map(|line| intern(&line.code)).collect();
        let suffix = if tag.is_empty() { String::new() } else { format!("-{tag}") };
        let sources = Src::ALL.iter().map(|src| format!("{}{suffix}", src.name())).collect();
        World { zone: city.tz, symbols, tag: suffix, sources, areas, area_weights, services, modules, lines, city }
    }

    pub fn text(&self, sym: Sym) -> &str {
        self.symbols.get(sym.0 as usize).map_or("", |text| text)
    }

    /// Appended to every id.
    pub fn tag(&self) -> &str {
        &self.tag
    }

    pub fn src(&self, src: Src) -> &str {
        self.sources.get(src as usize).map_or("", |name| name)
    }

    pub fn sources(&self) -> &[String] {
        &self.sources
    }

    pub fn service(&self, service: Service) -> &ServiceWords {
        &self.services[service as usize]
    }

    /// The symbol of a code of the city, when it has it.
    #[cfg(test)]
    pub fn sym(&self, text: &str) -> Option<Sym> {
        self.symbols.iter().position(|known| **known == *text).map(|position| Sym(position as u32))
    }

    /// The number of a topic within its service, by its code.
    pub fn topic(&self, service: Service, code: &str) -> Option<usize> {
        self.service(service).topics.iter().position(|topic| self.text(topic.code) == code)
    }
}

/// How much of a line's requests come from a district. Ningbo's: by residents, more from the old centre, where the line
/// began (judgement; no split is published). Elsewhere by residents, else alike.
fn area_weight(code: &str, residents: Option<i64>) -> f64 {
    match code {
        "330203" => 0.24,
        "330212" => 0.20,
        "330205" => 0.10,
        "330206" => 0.09,
        "330282" => 0.085,
        "330281" => 0.075,
        "330211" => 0.07,
        "330213" => 0.06,
        "330226" => 0.045,
        "330225" => 0.035,
        _ => residents.map_or(0.1, |residents| residents as f64 * 1e-7),
    }
}

fn org_of(service: Service, topic: &str) -> &'static str {
    match service {
        Service::Life => match topic {
            "01.01.02" => "firm.drain",
            "01.01.04" => "firm.lock",
            "01.02.02" => "firm.move",
            _ if topic.starts_with("01.02") => "firm.home",
            _ => "firm.repair",
        },
        Service::Gig => "gig.station",
        Service::Onekey => "rescue.kin",
        Service::Volunteer => "volunteer.team",
        Service::Guangming => "volunteer.guangming",
        Service::Finance => "dept.finance",
        Service::Talent => "dept.talent",
        _ => match topic {
            "02.01.01" => "util.water",
            "02.01.02" => "util.power",
            "02.01.03" => "util.gas",
            "04.01.02" => "dept.medical",
            "04.01.04" | "06.02.01" | "06.01.02" => "dept.police",
            "03.02.01" | "03.03.01" => "dept.resources",
            "02.03.01" | "02.03.02" => "street",
            _ => match topic.get(..2) {
                Some("02" | "03") => "dept.housing",
                Some("04") if topic.starts_with("04.02") => "dept.fund",
                Some("04") => "dept.hrss",
                Some("05") => "dept.market",
                Some("06") => "dept.traffic",
                Some("07") if topic.starts_with("07.01") => "dept.order",
                Some("07") => "dept.environment",
                Some("08") => "dept.civil",
                Some("09") if topic.starts_with("09.01") => "dept.education",
                Some("09") => "dept.health",
                Some("10") => "dept.economy",
                _ => "street",
            },
        },
    }
}

fn item_of(topic: &str) -> Option<&'static str> {
    Some(match topic {
        "01.01.01" => "life.appliance",
        "01.01.02" => "life.drain",
        "01.02.01" => "life.cleaning",
        "01.01.03" => "life.pipe",
        "01.01.04" => "life.lock",
        "01.02.02" => "life.moving",
        "01.02.03" => "life.nanny",
        "01.01.05" => "life.electric",
        "01.01.06" => "life.aircon",
        "01.01.07" => "life.roof",
        "01.02.04" => "life.care",
        "01.02.05" => "life.recycling",
        _ => return None,
    })
}
