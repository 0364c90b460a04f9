//! The catalog: every `queries/SCENE/NAME.sql` as a metric.
//!
//! A [`Catalog`] is immutable; reading the folder again gives the next one. A file that does not plan is a [`Problem`]
//! with file, line and column, and the metric's last good version goes on; with no earlier version it is absent.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use datafusion::sql::parser::Statement;

use super::failure::Failure;
use super::functions::PlanClock;
use super::header::{Header, Problem, read};
use super::session::Ground;
use super::source::View;
use super::statement::{Param, bind, common_params, parse};
use crate::model::text;

/// At most this many files are read.
const FILES_MAX: usize = 1_000;

/// One metric: its file, its header and its SQL.
#[derive(Clone, Debug, PartialEq)]
pub struct Metric {
    pub name: String,
    /// The folder under `queries/`.
    pub scene: String,
    pub path: PathBuf,
    pub sql: String,
    pub header: Header,
    /// All parameters it knows: its own and the common ones.
    pub params: Vec<Param>,
}

/// The metrics by name and what is wrong with the files.
#[derive(Clone, Debug, Default)]
pub struct Catalog {
    pub metrics: BTreeMap<String, Arc<Metric>>,
    pub problems: Vec<Problem>,
    /// Grows with every change.
    pub version: u64,
}

impl Catalog {
    /// Reads every file below `folder`; `before` supplies the last good version of a file that no longer reads.
    pub async fn load(folder: &Path, ground: &Ground, before: &Catalog) -> Catalog {
        let mut catalog = Catalog { version: before.version + 1, ..Catalog::default() };
        let mut files = Vec::new();
        if let Err(error) = find_sql(folder, 0, &mut files) {
            catalog.problem(folder, 1, 1, format!("the folder of queries can't be read: {error}"), true);
            catalog.metrics.clone_from(&before.metrics);
            return catalog;
        }
        files.sort();
        if files.len() > FILES_MAX {
            catalog.problem(folder, 1, 1, format!("more than {FILES_MAX} files; the rest is left out"), true);
            files.truncate(FILES_MAX);
        }
        for path in files {
            catalog.add_file(folder, &path, ground, before).await;
        }
        catalog
    }

    fn problem(&mut self, path: &Path, line: u64, column: u64, message: String, usable: bool) {
        self.problems.push(Problem { path: path.display().to_string(), line, column, message, usable });
    }

    async fn add_file(&mut self, folder: &Path, path: &Path, ground: &Ground, before: &Catalog) {
        let name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        let last_good = before.metrics.get(&name).filter(|metric| metric.path == path).cloned();
        let sql = match text::read(path) {
            Ok(sql) => sql,
            Err(error) => {
                let usable = last_good.is_some();
                self.problem(path, 1, 1, format!("the file can't be read: {error}"), usable);
                if let Some(metric) = last_good {
                    self.metrics.insert(name, metric);
                }
                return;
            }
        };
        if let Some(other) = self.metrics.get(&name) {
            let message = format!("a metric named {name} is already in {}; rename one", other.path.display());
            self.problem(path, 1, 1, message, false);
            return;
        }
        if let Some(metric) = &last_good
            && metric.sql == sql
        {
            // Unchanged, and it was good.
            let (_, problems) = read(&path.display().to_string(), &sql);
            self.problems.extend(problems);
            self.metrics.insert(name, metric.clone());
            return;
        }
        let (header, problems) = read(&path.display().to_string(), &sql);
        self.problems.extend(problems);
        let mut params = header.params.clone();
        for common in common_params(&ground.city) {
            match params.iter_mut().find(|param| param.name == common.name) {
                Some(param) if param.default.is_none() => *param = common,
                Some(_) => {}
                None => params.push(common),
            }
        }
        let scene = path
            .parent()
            .and_then(|parent| parent.strip_prefix(folder).ok())
            .map(|scene| scene.to_string_lossy().into_owned())
            .unwrap_or_default();
        let metric = Metric { name: name.clone(), scene, path: path.to_owned(), sql, header, params };
        match check(&metric, ground).await {
            Ok(()) => {
                self.metrics.insert(name, Arc::new(metric));
            }
            Err(failure) => {
                let message = match &last_good {
                    Some(_) => format!("{}; the last good version goes on", failure.message),
                    None => failure.message.clone(),
                };
                let (line, column) = (failure.line.unwrap_or(1), failure.column.unwrap_or(1));
                self.problem(path, line, column, message, last_good.is_some());
                if let Some(metric) = last_good {
                    self.metrics.insert(name, metric);
                }
            }
        }
    }
}

/// The metric's statement with its parameters' values put in.
///
/// # Errors
/// It does not parse, or a parameter is unknown or of another type.
pub fn statement(metric: &Metric, given: &BTreeMap<String, String>, ground: &Ground) -> Result<Statement, Failure> {
    let mut statement = parse(&metric.sql)?;
    bind(&mut statement, &metric.params, given, ground.city.tz)?;
    Ok(statement)
}

/// Plans the metric over an empty store.
async fn check(metric: &Metric, ground: &Ground) -> Result<(), Failure> {
    let place = |failure: Failure| failure.placed_in(&metric.sql);
    let statement = statement(metric, &BTreeMap::new(), ground).map_err(place)?;
    let view = Arc::new(View::default());
    let session = ground.session(&view, PlanClock::Fixed(0), None).map_err(|error| place(error.into()))?;
    let plan = session.plan(statement).await.map_err(place)?;
    session.state.create_physical_plan(&plan).await.map_err(|error| place(error.into()))?;
    Ok(())
}

pub(super) fn find_sql(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            if depth < 4 {
                find_sql(&path, depth + 1, files)?;
            }
        } else if path.extension().is_some_and(|extension| extension == "sql") {
            files.push(path);
        }
    }
    Ok(())
}
