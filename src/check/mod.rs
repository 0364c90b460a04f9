//! `lingping check`: everything that is configured, read as the program reads it; every problem at once.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use clap::Args;

use crate::feed::import::Mapping;
use crate::model::{City, Clock, assets};
use crate::query::adapter::StoreSource;
use crate::query::{Engine, Limits};
use crate::store::{Store, StoreOptions};
use crate::wall::data::Data;
use crate::wall::legibility;
use crate::wall::scene;
use crate::wall::screen::Screen;

mod worst;

#[derive(Args, Debug)]
pub struct CheckArgs {
    /// The folder that holds assets/ and queries/ [default: the one that ships]
    #[arg(long, value_name = "DIR")]
    home: Option<PathBuf>,
    /// A file with [screen] (docs/scenes.md); left out: a desk, LED walls and a standing display
    #[arg(long, value_name = "FILE", env = "LINGPING_CONFIG")]
    config: Option<PathBuf>,
}

/// Reads cities, maps, queries (planned against an empty store of each city's own dictionaries) and scenes, and whether
/// these can be read and fit on the screens, filled with large figures and long names. One line a problem on stdout, a count at the end; exit code 1 when there is any.
///
/// # Errors
/// A folder that can't be read.
pub fn run(args: CheckArgs) -> anyhow::Result<ExitCode> {
    let home = args.home.unwrap_or_else(|| assets::home().to_path_buf());
    let mut problems = Vec::new();
    let mut read = 0;

    let mut city = None;
    for path in toml_files(&home, "city")? {
        read += 1;
        match City::load_file(&path) {
            Ok(read) if read.code == "ningbo" || city.is_none() => city = Some(read),
            Ok(_) => {}
            Err(error) => problems.push(error.to_string()),
        }
    }
    for path in toml_files(&home, "maps")? {
        read += 1;
        if let Err(wrong) = Mapping::check(&path) {
            problems.extend(wrong.iter().map(ToString::to_string));
        }
    }
    let mut data = Data::default();
    // Metric → columns.
    let mut metrics: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let city = city.map(Arc::new);
    if let Some(city) = city.clone() {
        let store = Store::open(StoreOptions::new(city.clone(), Clock::System))?;
        let source = Arc::new(StoreSource::new(store));
        let engine = Engine::over(source, city, Clock::System, home.join("queries"), Limits::default())?;
        let catalog = engine.catalog();
        read += catalog.metrics.len();
        let runtime = crate::cli::network()?;
        for name in catalog.metrics.keys() {
            let columns =
                runtime.block_on(engine.columns(name)).map_err(|error| anyhow::anyhow!("{name}: {}", error.message))?;
            metrics.insert(name.clone(), columns);
        }
        problems.extend(catalog.problems.iter().map(ToString::to_string));
        data = worst::data(&engine, &runtime);
    } else {
        problems
            .push(format!("{}: no city file reads, so no query can be checked", home.join("assets/city").display()));
    }
    let (scenes, errors) = scene::load_all(&home.join("assets/scenes"));
    read += scenes.len() + errors.len();
    problems.extend(errors.iter().map(ToString::to_string));
    for scene in &scenes {
        problems.extend(scene.problems(&|metric| metrics.get(metric).cloned()).iter().map(ToString::to_string));
    }
    let screens = match &args.config {
        Some(path) => vec![Screen::load(path)?],
        None => legibility::USUAL.to_vec(),
    };
    if let Some(city) = &city {
        problems.extend(legibility::check(&scenes, city, &screens, &data)?);
    }

    for problem in &problems {
        println!("{problem}");
    }
    println!("{read} files read, {} problems", problems.len());
    Ok(if problems.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn toml_files(home: &Path, folder: &str) -> anyhow::Result<Vec<PathBuf>> {
    let folder = home.join("assets").join(folder);
    assets::files(&folder, "toml").with_context(|| format!("folder {} cannot be read", folder.display()))
}
