//! The city: its districts, services, boards, channels, topics, opening balances and zone, read from a TOML file.
//!
//! Nothing about a city is coded. A code that no dictionary knows is kept as it is and shown as it is.
//! Fails with a sentence naming the file and the line when the file does not read.

use std::path::Path;

use chrono::NaiveDate;
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use super::{assets, text};

/// The columns of events whose values are codes of the city file.
pub const CODED: [&str; 4] = ["service", "area", "board", "channel"];

/// A code with its Chinese and English name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Named {
    pub code: String,
    pub zh: String,
    pub en: String,
}

/// A district. `aliases` are the spellings that exports use for it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Area {
    pub code: String,
    pub zh: String,
    pub en: String,
    /// Residents, for figures per head; left out where no source gives it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub residents: Option<i64>,
    /// Column and row on a map of tiles, from the upper left; left out by all: in the order of the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tile: Option<[u8; 2]>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
}

/// A service and the board it belongs to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Service {
    pub code: String,
    pub zh: String,
    pub en: String,
    pub board: String,
}

/// A topic by path code (`04.02.11`); a prefix names its group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Topic {
    pub code: String,
    pub zh: String,
    pub en: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
}

/// An opening balance: what was counted before this store began.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Baseline {
    /// What it is the opening balance of, e.g. `solved`.
    pub metric: String,
    pub value: f64,
    /// "as of", in words: the sources rarely give a date.
    pub as_of: String,
    pub source: String,
}

/// A map of tiles has at most so many columns and rows.
const TILES_MAX: u8 = 24;

/// A year of the line's history, on timelines.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Milestone {
    /// `2005` or `2001-08-18`.
    pub at: String,
    pub zh: String,
    pub en: String,
    pub source: String,
    /// The source as a Chinese wall names it; left out: as `source` does.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub source_zh: String,
}

impl Milestone {
    /// The day it stands at: of a year alone the first.
    pub fn day(&self) -> Option<NaiveDate> {
        parse_day(&self.at)
    }
}

/// `2001-08-18`, or a year alone for its first day.
pub fn parse_day(text: &str) -> Option<NaiveDate> {
    match text.len() {
        4 => NaiveDate::from_ymd_opt(text.parse().ok()?, 1, 1),
        _ => NaiveDate::parse_from_str(text, "%Y-%m-%d").ok(),
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct City {
    pub code: String,
    pub zh: String,
    pub en: String,
    /// Title of the wall, e.g. 智慧81890.
    pub title_zh: String,
    pub title_en: String,
    #[serde(default)]
    pub motto_zh: String,
    #[serde(default)]
    pub motto_en: String,
    /// IANA zone; every calendar window is this zone's.
    pub tz: Tz,
    /// Date the line began, `2001-08-18`; empty when not known.
    #[serde(default)]
    pub since: String,
    /// Ratings from this one up count as satisfied.
    #[serde(default = "satisfied_from")]
    pub satisfied_from: i64,
    /// An enquiry finished within this many seconds without a dispatch is an instant answer.
    #[serde(default = "instant_s")]
    pub instant_s: i64,
    /// Map file under `assets/map/`; left out: no map of this city is shipped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub map: Option<String>,
    /// Who published the map and under which approval number, printed on the wall.
    #[serde(default)]
    pub map_source: String,
    /// Longitude and latitude of its middle, from where what is sent to the districts is drawn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub centre: Option<[f64; 2]>,
    #[serde(default)]
    pub areas: Vec<Area>,
    pub boards: Vec<Named>,
    pub services: Vec<Service>,
    #[serde(default)]
    pub channels: Vec<Named>,
    #[serde(default)]
    pub topics: Vec<Topic>,
    #[serde(default)]
    pub lines: Vec<Named>,
    #[serde(default)]
    pub modules: Vec<Named>,
    #[serde(default)]
    pub orgs: Vec<Named>,
    #[serde(default)]
    pub items: Vec<Named>,
    #[serde(default)]
    pub baselines: Vec<Baseline>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub milestones: Vec<Milestone>,
}

fn satisfied_from() -> i64 {
    4
}
fn instant_s() -> i64 {
    60
}

#[derive(Debug, thiserror::Error)]
pub enum CityError {
    #[error("city file {path} cannot be read: {message}; a city is a name ({known}) or the path of a TOML file")]
    Read { path: String, message: String, known: String },
    #[error("city file {path}: {message}")]
    Parse { path: String, message: String },
}

/// The names of the city files that ship.
fn known() -> Vec<String> {
    let files = assets::files(&assets::path("city"), "toml").unwrap_or_default();
    files.iter().filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned())).collect()
}

impl City {
    /// Reads `name` as a path, or as `assets/city/NAME.toml`.
    ///
    /// # Errors
    /// The file can't be read, does not parse (with line and column), a service names an unknown board, or a milestone
    /// no day.
    pub fn load(name: &str) -> Result<City, CityError> {
        let path = if name.ends_with(".toml") { name.into() } else { assets::path(format!("city/{name}.toml")) };
        City::load_file(&path)
    }

    pub fn load_file(path: &Path) -> Result<City, CityError> {
        let shown = path.display().to_string();
        let text = text::read(path).map_err(|message| CityError::Read {
            path: shown.clone(),
            message,
            known: known().join(", "),
        })?;
        City::parse(&shown, &text)
    }

    pub fn parse(path: &str, text: &str) -> Result<City, CityError> {
        let fail = |message: String| CityError::Parse { path: path.to_owned(), message };
        let city: City = toml::from_str(text).map_err(|error| {
            let hint = text::full_width_hint(text, error.span().map_or(0, |span| span.start));
            fail(format!("{}{hint}", error.to_string().trim_end()))
        })?;
        let wrong = city.services.iter().filter(|service| !city.boards.iter().any(|board| board.code == service.board));
        let wrong: Vec<String> = wrong.map(|service| format!("{:?} to {:?}", service.code, service.board)).collect();
        if !wrong.is_empty() {
            let message = "services belong to boards that are not in [[boards]]; add these or name others";
            return Err(fail(format!("{message}: {}", wrong.join(", "))));
        }
        let tile_of = |area: &Area| area.tile.map(|tile| (tile, area.code.clone()));
        let mut tiles: Vec<([u8; 2], String)> = city.areas.iter().filter_map(tile_of).collect();
        tiles.sort();
        if let Some([(tile, first), (_, second)]) = tiles.array_windows().find(|[a, b]| a.0 == b.0) {
            return Err(fail(format!("areas: {first} and {second} both have tile = {tile:?}; give one another place")));
        }
        if let Some((tile, code)) = tiles.iter().find(|(tile, _)| tile.iter().any(|at| *at >= TILES_MAX)) {
            return Err(fail(format!("areas: {code} has tile = {tile:?}; columns and rows end at {}", TILES_MAX - 1)));
        }
        if let Some(milestone) = city.milestones.iter().find(|milestone| milestone.day().is_none()) {
            let message = format!("milestones: at = {:?} is no day; write \"2005\" or \"2001-08-18\"", milestone.at);
            return Err(fail(message));
        }
        Ok(city)
    }

    /// Whether a code of one of the [`CODED`] columns is in the city file, where the file lists any; a street's code (9
    /// digits or more) belongs to its district.
    pub fn knows(&self, column: &str, code: &str) -> bool {
        let named = |list: &[Named]| list.is_empty() || list.iter().any(|known| known.code == code);
        match column {
            "service" => self.services.is_empty() || self.services.iter().any(|known| known.code == code),
            "board" => named(&self.boards),
            "channel" => named(&self.channels),
            "area" => {
                let street = code.len() >= 9 && code.bytes().all(|byte| byte.is_ascii_digit());
                let is = |known: &Area| known.code == code || (street && code.starts_with(&known.code));
                self.areas.is_empty() || self.areas.iter().any(is)
            }
            _ => true,
        }
    }

    /// The board of a service, when the city knows the service.
    pub fn board_of(&self, service: &str) -> Option<&str> {
        self.services.iter().find(|known| known.code == service).map(|known| known.board.as_str())
    }

    /// Baseline value by metric name.
    pub fn baseline(&self, metric: &str) -> Option<&Baseline> {
        self.baselines.iter().find(|baseline| baseline.metric == metric)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_districts_on_one_tile_are_told() {
        let text = std::fs::read_to_string(assets::path("city/ningbo.toml")).unwrap();
        let error = City::parse("n", &text.replacen("tile = [1, 1]", "tile = [1, 2]", 1)).unwrap_err().to_string();
        assert!(error.contains("330203") && error.contains("330205"), "{error}");
        let error = City::parse("n", &text.replacen("tile = [1, 1]", "tile = [1, 99]", 1)).unwrap_err().to_string();
        assert!(error.contains("330205") && error.contains("23"), "{error}");
    }

    #[test]
    fn a_milestone_without_a_day_is_told() {
        let text = std::fs::read_to_string(assets::path("city/ningbo.toml")).unwrap();
        let text = text.replacen("at = \"2005\"", "at = \"05年\"", 1);
        let error = City::parse("ningbo.toml", &text).unwrap_err().to_string();
        assert!(error.contains("05年") && error.contains("2001-08-18"), "{error}");
    }

    #[test]
    fn a_city_knows_its_own_codes_and_the_streets_of_its_districts() {
        let city = City::load("ningbo").unwrap();
        for (column, code) in [("service", "ask"), ("area", "330203"), ("area", "330203001"), ("board", "life")] {
            assert!(city.knows(column, code), "{column} {code}");
        }
        for (column, code) in
            [("service", "aks"), ("area", "330299"), ("area", "33020"), ("board", ""), ("channel", "fax")]
        {
            assert!(!city.knows(column, code), "{column} {code}");
        }
        // What a city file does not list at all cannot be unknown.
        let bare = City { channels: vec![], ..city };
        assert!(bare.knows("channel", "fax") && bare.knows("topic", "anything"));
    }
}
