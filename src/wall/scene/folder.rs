//! The scene files of a folder, looked at again as they change; the last good version of each stays.

use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime};

use crate::model::assets;

use super::super::options::{Lang, Mode, WallError};
use super::{Scene, SceneError, load_all};

/// How often the files are looked at.
const RELOAD: Duration = Duration::from_secs(1);

/// The scene files, looked at again as they change.
pub struct Scenes {
    folder: PathBuf,
    pub all: Vec<Scene>,
    problems: Vec<SceneError>,
    stamps: Vec<(PathBuf, SystemTime)>,
    looked: Instant,
}

impl Scenes {
    /// # Errors
    /// No scene in the folder can be used.
    pub fn load(folder: PathBuf) -> Result<Scenes, WallError> {
        let stamps = stamps(&folder);
        let (all, problems) = load_all(&folder);
        for problem in &problems {
            tracing::warn!("{problem}");
        }
        if all.is_empty() {
            return Err(match problems.into_iter().next() {
                Some(problem) => WallError::Scene(problem),
                None => WallError::Setup(format!(
                    "no scene file lies in {}; set LINGPING_HOME to the folder that holds assets/",
                    folder.display()
                )),
            });
        }
        Ok(Scenes { folder, all, problems, stamps, looked: Instant::now() })
    }

    pub fn position(&self, name: &str) -> Option<usize> {
        self.all.iter().position(|scene| scene.name == name)
    }

    pub fn problem(&self) -> Option<&SceneError> {
        self.problems.first()
    }

    /// What is wrong with the file of a scene.
    pub fn problem_of(&self, name: &str) -> Option<&SceneError> {
        self.problems.iter().find(|problem| problem.path.ends_with(&format!("{name}.toml")))
    }

    pub fn tabs(&self, lang: Lang, mode: Mode) -> Vec<(String, String)> {
        self.all
            .iter()
            .filter(|scene| scene.modes.is_empty() || scene.modes.iter().any(|name| name == mode.name()))
            .map(|scene| (scene.name.clone(), scene.tab.pick(lang).to_owned()))
            .collect()
    }

    /// Reads files that changed. True when the scenes or their problems are others now.
    pub fn reload(&mut self) -> bool {
        if self.looked.elapsed() < RELOAD {
            return false;
        }
        self.looked = Instant::now();
        let stamps = stamps(&self.folder);
        if stamps == self.stamps {
            return false;
        }
        self.stamps = stamps;
        let (mut all, mut problems) = load_all(&self.folder);
        for problem in &problems {
            tracing::warn!("{problem}; the last good scene stays");
        }
        let is_wrong =
            |old: &Scene| problems.iter().any(|problem| problem.path.ends_with(&format!("{}.toml", old.name)));
        if all.is_empty() && !self.all.iter().any(is_wrong) {
            // The folder is being replaced, or can't be read for the moment: a wall without any scene helps nobody.
            let path = self.folder.display().to_string();
            let gone =
                SceneError { path, line: 1, message: "no scene file lies here; the last good scenes stay".into() };
            tracing::warn!("{gone}");
            problems.push(gone);
            self.problems = problems;
            return true;
        }
        // A scene that became wrong stays as it was; one whose file is gone goes.
        for old in std::mem::take(&mut self.all) {
            if is_wrong(&old) && !all.iter().any(|scene| scene.name == old.name) {
                all.push(old);
            }
        }
        all.sort_by(|a, b| (a.order, &a.name).cmp(&(b.order, &b.name)));
        self.all = all;
        self.problems = problems;
        true
    }
}

fn stamps(folder: &std::path::Path) -> Vec<(PathBuf, SystemTime)> {
    let files = assets::files(folder, "toml").unwrap_or_default();
    files
        .into_iter()
        .filter_map(|path| Some((path.metadata().ok()?.modified().ok()?, path)))
        .map(|(at, path)| (path, at))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_is_gone_for_a_moment_leaves_the_last_good_scenes() {
        let base = tempfile::tempdir().unwrap();
        let (folder, away) = (base.path().join("scenes"), base.path().join("away"));
        std::fs::create_dir(&folder).unwrap();
        for name in ["overview.toml", "hot.toml"] {
            std::fs::copy(super::super::folder().join(name), folder.join(name)).unwrap();
        }
        let mut scenes = Scenes::load(folder.clone()).unwrap();
        let reload = |scenes: &mut Scenes| {
            scenes.looked = Instant::now().checked_sub(RELOAD * 2).unwrap();
            scenes.reload()
        };
        assert!(!reload(&mut scenes));
        std::fs::rename(&folder, &away).unwrap();
        assert!(reload(&mut scenes));
        assert_eq!(scenes.all.len(), 2);
        assert!(scenes.problem().unwrap().to_string().contains("no scene file"), "{:?}", scenes.problem());
        std::fs::rename(&away, &folder).unwrap();
        std::fs::remove_file(folder.join("hot.toml")).unwrap();
        assert!(reload(&mut scenes));
        assert_eq!((scenes.all.len(), scenes.problem().is_none()), (1, true), "a scene whose file is gone goes");
        std::fs::write(folder.join("overview.toml"), "title = 1").unwrap();
        assert!(reload(&mut scenes));
        assert_eq!((scenes.all.len(), scenes.problem().is_some()), (1, true), "one that became wrong stays");
    }
}
