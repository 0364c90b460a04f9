//! PostgreSQL's COPY of the rows that `bench ingest` sends, each batch a transaction of its own, durable as it comes.
//!
//! A server of its own in a temporary folder, without network, with its default settings and a table without an index.
//! As root, which PostgreSQL refuses, it runs as the system's `postgres`.

use std::os::unix::fs::{MetadataExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, bail};
use serde_json::{Value as Json, json};

/// Where Debian puts the server's programs, by version.
const DEBIAN: &str = "/usr/lib/postgresql";
const TABLE: &str = "CREATE TABLE tickets (ts timestamptz NOT NULL, kind text NOT NULL, id text NOT NULL, \
    src text NOT NULL, src_seq text NOT NULL, area text, service text, topic text, channel text, org text)";

/// Rows a second that COPY takes; `None`, and a sentence on the error output, when there is no PostgreSQL.
/// `rows` writes the text of so many rows, from a number on, as COPY reads it.
///
/// # Errors
/// The server can't be started, or the rows did not arrive.
pub fn copy(below: &Path, batches: u64, batch_rows: u64, rows: impl Fn(u64, u64) -> String) -> anyhow::Result<Json> {
    let Some(programs) = programs() else {
        eprintln!("lingping: there is no PostgreSQL server; `apt-get install postgresql` (Debian) installs it");
        return Ok(Json::Null);
    };
    let folder = below.join(format!("lingping-postgres-{}", std::process::id()));
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let server = Server { programs, folder };
    server.start()?;
    server.sql(TABLE)?;
    let mut script = String::new();
    for batch in 0..batches {
        script.push_str("COPY tickets FROM STDIN;\n");
        script.push_str(&rows(batch * batch_rows, batch_rows));
        script.push_str("\\.\n");
    }
    let file = server.folder.join("rows.sql");
    std::fs::write(&file, script)?;
    let begun = Instant::now();
    server.run("psql", &["-q", "-v", "ON_ERROR_STOP=1", "-f", &file.display().to_string()])?;
    let seconds = begun.elapsed().as_secs_f64();
    let there = server.sql("SELECT count(*) FROM tickets")?;
    if there != (batches * batch_rows).to_string() {
        bail!("of {} rows {there} are in PostgreSQL", batches * batch_rows);
    }
    Ok(json!({
        "version": server.sql("SHOW server_version")?,
        "rows": batches * batch_rows,
        "batch_rows": batch_rows,
        "events_per_s": ((batches * batch_rows) as f64 / seconds) as u64,
    }))
}

/// The folder of the newest server's programs.
fn programs() -> Option<PathBuf> {
    let version = |path: &PathBuf| path.file_name()?.to_str()?.parse::<u32>().ok();
    let installed = std::fs::read_dir(DEBIAN).ok()?.flatten().map(|entry| entry.path());
    let newest = installed.filter(|path| path.join("bin/initdb").is_file()).max_by_key(version)?;
    Some(newest.join("bin"))
}

struct Server {
    programs: PathBuf,
    folder: PathBuf,
}

impl Server {
    fn start(&self) -> anyhow::Result<()> {
        if is_root()? {
            let id = |flag: &str| -> anyhow::Result<u32> {
                let output = Command::new("id").args([flag, "postgres"]).output()?;
                Ok(String::from_utf8_lossy(&output.stdout).trim().parse()?)
            };
            let (user, group) = (id("-u").context("there is no user postgres")?, id("-g")?);
            chown(&self.folder, Some(user), Some(group))?;
        }
        let data = self.folder.join("data").display().to_string();
        self.run("initdb", &["-D", &data, "-A", "trust", "-U", "postgres", "-E", "UTF8", "--no-locale", "--no-sync"])?;
        let options = format!("-c listen_addresses='' -k {}", self.folder.display());
        let log = self.folder.join("log").display().to_string();
        self.run("pg_ctl", &["-D", &data, "-w", "-l", &log, "-o", &options, "start"])?;
        Ok(())
    }

    fn sql(&self, sql: &str) -> anyhow::Result<String> {
        Ok(self.run("psql", &["-Atq", "-c", sql])?.trim().to_owned())
    }

    fn run(&self, program: &str, arguments: &[&str]) -> anyhow::Result<String> {
        let path = self.programs.join(program);
        let mut command = match is_root()? {
            true => {
                let mut command = Command::new("runuser");
                command.args(["-u", "postgres", "--"]).arg(&path);
                command
            }
            false => Command::new(&path),
        };
        command.args(arguments).current_dir(&self.folder);
        command.env("PGHOST", &self.folder).env("PGUSER", "postgres").env("PGDATABASE", "postgres");
        // A server goes on with what it is given: into a file, so that nobody waits for a pipe's end.
        let said = self.folder.join("said");
        let output = std::fs::File::create(&said)?;
        let status = command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output).status();
        let status = status.with_context(|| format!("cannot run {}", path.display()))?;
        let text = std::fs::read_to_string(&said).unwrap_or_default();
        if !status.success() {
            bail!("{program} failed: {}", text.trim());
        }
        Ok(text)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let data = self.folder.join("data").display().to_string();
        if let Err(error) = self.run("pg_ctl", &["-D", &data, "-w", "-m", "immediate", "stop"]) {
            eprintln!("lingping: PostgreSQL in {} does not stop: {error}", self.folder.display());
        }
        // A folder that stays is no failure of a measurement.
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn is_root() -> anyhow::Result<bool> {
    Ok(std::fs::metadata("/proc/self")?.uid() == 0)
}
