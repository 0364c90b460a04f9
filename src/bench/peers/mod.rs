//! Other engines in the same run, asked through a Python that has their package. Without it the bench goes on alone and
//! says how to install it.
//!
//! A peer is a script that reads one JSON job from its input and prints one JSON object a line.

pub mod postgres;

use std::io::Write;
use std::process::{Command, Stdio};

use clap::Args;
use serde_json::Value as Json;

#[derive(Args, Clone, Debug)]
pub struct PeerArgs {
    /// Asks this engine the same, in the same run: duckdb or perspective; may be given again
    #[arg(long, value_name = "NAME", value_parser = ["duckdb", "perspective"])]
    pub peer: Vec<String>,
    /// The Python that has the peers' packages
    #[arg(long, value_name = "PYTHON", default_value = "python3")]
    pub python: String,
}

impl Default for PeerArgs {
    fn default() -> PeerArgs {
        PeerArgs { peer: Vec::new(), python: "python3".to_owned() }
    }
}

/// A peer: the name of its package and its script.
pub struct Peer {
    pub package: &'static str,
    script: &'static str,
}

pub const DUCKDB: Peer = Peer { package: "duckdb", script: include_str!("ask_duckdb.py") };
pub const PERSPECTIVE: Peer =
    Peer { package: "perspective-python pyarrow", script: include_str!("ask_perspective.py") };

/// The script ends with this when its package is not there.
const MISSING: i32 = 3;

impl PeerArgs {
    pub fn wants(&self, name: &str) -> bool {
        self.peer.iter().any(|peer| peer == name)
    }

    /// The peer's answers; `None`, and a sentence on the error output, when it can't be asked.
    pub fn ask(&self, peer: &Peer, job: &Json) -> Option<Vec<Json>> {
        let (python, package) = (&self.python, peer.package);
        let install = format!("`{python} -m pip install {package}` installs it");
        let child = Command::new(python).args(["-c", peer.script]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = match child {
            Ok(child) => child,
            Err(error) => {
                eprintln!("lingping: {python} can't be run ({error}); the bench goes on without {package}, {install}");
                return None;
            }
        };
        if let Some(mut input) = child.stdin.take() {
            // A script that has ended already says why by its status.
            let _ = input.write_all(job.to_string().as_bytes());
        }
        let output = child.wait_with_output().ok()?;
        match output.status.code() {
            Some(0) => {}
            Some(MISSING) => {
                eprintln!("lingping: {python} has no {package}; the bench goes on without it, {install}");
                return None;
            }
            _ => {
                eprintln!("lingping: {package} stopped ({}); the bench goes on without it", output.status);
                return None;
            }
        }
        let text = String::from_utf8_lossy(&output.stdout);
        Some(text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_python_that_is_not_there_is_no_failure() {
        let args = PeerArgs { peer: vec!["duckdb".to_owned()], python: "/nowhere/python3".to_owned() };
        assert!(args.wants("duckdb") && !args.wants("perspective"));
        assert!(args.ask(&DUCKDB, &Json::Null).is_none());
    }
}
