//! Whose data a folder holds: the city and its zone, kept in the manifest.
//!
//! Days and months of a folder are one city's, so that another city's hub, opened on it by a slip, would show wrong
//! days and no names. A folder of before is taken as it is and marked by the first hub that opens it.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::model::City;
use crate::model::city::CityError;

use super::StoreError;
use super::disk::FileDisk;
use super::segment::manifest::Manifest;

/// The city where nothing says which.
const CITY: &str = "ningbo";
/// Says which city is meant where neither the command nor the data folder does.
pub const CITY_VARIABLE: &str = "LINGPING_CITY";

/// A city as a data folder remembers it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CityMark {
    pub code: String,
    pub tz: String,
}

impl CityMark {
    pub fn of(city: &City) -> CityMark {
        CityMark { code: city.code.clone(), tz: city.tz.name().to_owned() }
    }
}

impl std::fmt::Display for CityMark {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} ({})", self.code, self.tz)
    }
}

/// What opening a folder does about its city.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CityRule {
    /// Another city's folder is refused, one without a city is marked.
    #[default]
    Keep,
    /// The folder becomes this city's, whosever it was.
    Take,
    /// Another city's folder is refused, one without a city stays so: for a look at it.
    Look,
}

/// Holds a folder's city against the one it is opened with. True when the manifest changed and must be saved.
pub(super) fn settle(manifest: &mut Manifest, city: &City, rule: CityRule, dir: &Path) -> Result<bool, StoreError> {
    let asked = CityMark::of(city);
    match (&manifest.city, rule) {
        (Some(held), _) if *held == asked => Ok(false),
        (Some(held), CityRule::Keep | CityRule::Look) => {
            let (held, asked) = (Box::new(held.clone()), Box::new(asked));
            Err(StoreError::OtherCity { dir: dir.to_owned(), held, asked })
        }
        (None, CityRule::Look) => Ok(false),
        _ => {
            manifest.city = Some(asked);
            Ok(true)
        }
    }
}

/// The city of a data folder; `None` where there is no folder, or one of before.
///
/// # Errors
/// The manifest does not read.
pub fn city_of_folder(dir: &Path) -> Result<Option<CityMark>, StoreError> {
    Ok(Manifest::load(&FileDisk, dir)?.city)
}

/// The city that is meant: the one named, else that of the data folder, else `LINGPING_CITY`, else Ningbo.
///
/// # Errors
/// Its file does not read; the manifest of the folder does not.
pub fn city_for(named: Option<&str>, dir: Option<&Path>) -> Result<City, StoreError> {
    let load = |name: &str| City::load(name).map_err(|error| StoreError::City(error.to_string()));
    if let Some(name) = named {
        return load(name);
    }
    if let Some(dir) = dir
        && let Some(held) = city_of_folder(dir)?
    {
        return City::load(&held.code).map_err(|error: CityError| {
            let dir = dir.display();
            StoreError::City(format!("the data in {dir} are of the city {held}; name its file with --city: {error}"))
        });
    }
    let variable = std::env::var(CITY_VARIABLE).ok().filter(|name| !name.is_empty());
    load(variable.as_deref().unwrap_or(CITY))
}
