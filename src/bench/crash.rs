//! `bench crash`: a hub killed with SIGKILL again and again while numbered events are sent to it.
//!
//! Each cycle starts `lingping hub` on the same folder as a process of its own, sends tickets over a real WebSocket with
//! several batches on their way, and kills it after a random time. What was acknowledged is counted after each restart by
//! SQL, what was not is sent again; at the end the folder is read back (`verify`). Lost: acknowledged and not there.
//! Duplicated: there more than once.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, bail};
use futures_util::{SinkExt, StreamExt};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value as Json, json};
use tokio::net::TcpStream;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::model::Clock;

#[derive(Clone, Debug, clap::Args)]
pub struct CrashArgs {
    /// Times the hub is killed.
    #[arg(long, default_value_t = 50)]
    pub cycles: u32,
    /// Of the times it is killed at and the sizes of the batches.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// The folder that holds the data, empty [default: one in the temporary folder, removed when all is well].
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// The program to kill [default: this one].
    #[arg(long, value_name = "FILE", hide = true)]
    pub program: Option<PathBuf>,
    /// One JSON object instead of a sentence.
    #[arg(long)]
    pub json: bool,
}

/// Batches on their way.
const WINDOW: usize = 8;
const BATCH_ROWS_MAX: u64 = 400;
/// A hub that is not there after this is not coming.
const START_MAX: Duration = Duration::from_secs(60);

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Numbers `first..first + count` of one batch.
#[derive(Clone, Copy, Debug)]
struct Batch {
    first: u64,
    count: u64,
}

/// Runs the benchmark and prints its line.
///
/// # Errors
/// The hub does not start, or rows were lost or doubled.
pub async fn run(args: CrashArgs) -> anyhow::Result<()> {
    let line = measure(&args).await?;
    if args.json {
        println!("{line}");
    } else {
        println!(
            "{} kills: {} rows acknowledged, {} lost, {} there twice; {} sent again after a kill; back in {} ms (median)",
            line["cycles"], line["acked"], line["lost"], line["duplicated"], line["resent"], line["restart_ms_p50"]
        );
    }
    if line["lost"] != 0 || line["duplicated"] != 0 || line["verify_ok"] != true {
        bail!("acknowledged rows are missing or there twice: {line}");
    }
    Ok(())
}

/// Runs the cycles; the line as JSON.
///
/// # Errors
/// The hub does not start or does not answer.
pub async fn measure(args: &CrashArgs) -> anyhow::Result<Json> {
    let program = match &args.program {
        Some(program) => program.clone(),
        None => std::env::current_exe().context("where this program lies is not known; name it with --program")?,
    };
    let data = match &args.data {
        Some(data) => data.clone(),
        None => std::env::temp_dir().join(format!("lingping-crash-{}", std::process::id())),
    };
    if data.join("manifest.json").exists() || data.join("log").exists() {
        bail!("{} holds a store already; name an empty folder with --data", data.display());
    }
    let mut random = ChaCha8Rng::seed_from_u64(args.seed);
    let mut sender = Sender::default();
    let (mut lost, mut duplicated) = (0, 0);
    let mut restarts_ms = Vec::new();
    for _ in 0..args.cycles {
        let begun = Instant::now();
        let (mut hub, mut socket) = start(&program, &data).await?;
        restarts_ms.push(begun.elapsed().as_millis() as u64);
        let (missing, doubled) = count(&mut socket, sender.acked).await?;
        lost += missing;
        duplicated += doubled;
        let until = Instant::now() + Duration::from_millis(random.random_range(5..400));
        sender.send_until(&mut socket, until, &mut random).await?;
        // SIGKILL: nothing of the process gets to say goodbye.
        hub.kill()?;
    }
    let (mut hub, mut socket) = start(&program, &data).await?;
    let (missing, doubled) = count(&mut socket, sender.acked).await?;
    lost += missing;
    duplicated += doubled;
    sender.finish(&mut socket).await?;
    let (missing, doubled) = count(&mut socket, sender.acked).await?;
    lost += missing;
    duplicated += doubled;
    hub.kill()?;
    let report = crate::store::verify(&data, |_, _| {})?;
    restarts_ms.sort_unstable();
    if args.data.is_none() && report.ok && lost == 0 && duplicated == 0 {
        // A folder of the temporary place that stays is no failure.
        let _ = std::fs::remove_dir_all(&data);
    }
    Ok(json!({
        "bench": "crash",
        "cycles": args.cycles,
        "acked": sender.acked,
        "lost": lost,
        "duplicated": duplicated + report.duplicates,
        "resent": sender.resent,
        "verify_ok": report.ok,
        "rows": report.rows["tickets"],
        "restart_ms_p50": restarts_ms.get(restarts_ms.len() / 2),
        "restart_ms_max": restarts_ms.last(),
    }))
}

/// A hub in a process of its own, killed when it is let go.
struct HubProcess(Child);

impl HubProcess {
    fn kill(&mut self) -> anyhow::Result<()> {
        self.0.kill().context("the hub cannot be killed")?;
        self.0.wait().context("the killed hub cannot be waited for")?;
        Ok(())
    }
}

impl Drop for HubProcess {
    fn drop(&mut self) {
        // Killed before: nothing is left to do.
        let _ = self.kill();
    }
}

/// Starts a hub on the folder, on a port of its own choosing, and connects.
async fn start(program: &Path, data: &Path) -> anyhow::Result<(HubProcess, Socket)> {
    let mut hub = Command::new(program)
        .arg("hub")
        .arg("--data")
        .arg(data)
        .args(["--listen", "127.0.0.1:0"])
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("{} does not start", program.display()))?;
    let stdout = hub.stdout.take().context("the hub has no stdout")?;
    let hub = HubProcess(hub);
    let found = spawn_blocking(move || {
        for line in BufReader::new(stdout).lines() {
            let line = line?;
            if let Some(url) = line.split(['(', ' ', ',']).find(|word| word.starts_with("ws://")) {
                return Ok(url.to_owned());
            }
        }
        bail!("the hub ended before it was up")
    });
    let url = timeout(START_MAX, found).await.context("the hub is not up after a minute")???;
    let (socket, _) = connect_async(&url).await.with_context(|| format!("no connection to {url}"))?;
    Ok((hub, socket))
}

/// How many of rows 1 to `upto` are missing, and how many are there more than once.
async fn count(socket: &mut Socket, upto: u64) -> anyhow::Result<(u64, u64)> {
    if upto == 0 {
        return Ok((0, 0));
    }
    let sql = format!(
        "SELECT count(*) AS n, count(DISTINCT src_seq) AS d FROM tickets WHERE src = 'crash' AND CAST(src_seq AS BIGINT) <= {upto}"
    );
    socket.send(Message::text(json!({"type": "query", "id": 1, "sql": sql}).to_string())).await?;
    loop {
        let answer = receive(socket).await?;
        match answer["type"].as_str() {
            Some("answer") => {
                let cell = |n: usize| answer["rows"][0][n].as_u64().with_context(|| format!("no count in {answer}"));
                let (there, distinct) = (cell(0)?, cell(1)?);
                return Ok((upto.saturating_sub(distinct), there.saturating_sub(distinct)));
            }
            Some("error") => bail!("the hub cannot count: {answer}"),
            _ => {}
        }
    }
}

async fn receive(socket: &mut Socket) -> anyhow::Result<Json> {
    loop {
        match socket.next().await.context("the hub closed the connection")?? {
            Message::Text(text) => return Ok(serde_json::from_str(&text)?),
            Message::Close(_) => bail!("the hub closed the connection"),
            _ => {}
        }
    }
}

#[derive(Default)]
struct Sender {
    /// Rows 1 to this one are acknowledged.
    acked: u64,
    /// The next number that was never sent.
    next: u64,
    /// Sent and not acknowledged when the hub was killed.
    unsure: VecDeque<Batch>,
    resent: u64,
    /// Number of the next message.
    message: u64,
}

impl Sender {
    /// Sends until the time comes, with several batches on their way; what has no answer then is sent again next time.
    async fn send_until(&mut self, socket: &mut Socket, until: Instant, random: &mut ChaCha8Rng) -> anyhow::Result<()> {
        let mut away: VecDeque<(u64, Batch)> = VecDeque::new();
        let mut again = std::mem::take(&mut self.unsure);
        self.resent += again.iter().map(|batch| batch.count).sum::<u64>();
        while Instant::now() < until {
            while away.len() < WINDOW {
                let batch = again.pop_front().unwrap_or_else(|| {
                    let batch = Batch { first: self.next + 1, count: random.random_range(1..=BATCH_ROWS_MAX) };
                    self.next += batch.count;
                    batch
                });
                self.message += 1;
                away.push_back((self.message, batch));
                socket.send(Message::text(message(self.message, batch))).await?;
            }
            match timeout_at(until, receive(socket)).await {
                Ok(answer) => self.take(&answer?, &mut away)?,
                Err(_) => break,
            }
        }
        self.unsure = away.into_iter().map(|(_, batch)| batch).chain(again).collect();
        Ok(())
    }

    /// Sends what is unsure until it is acknowledged.
    async fn finish(&mut self, socket: &mut Socket) -> anyhow::Result<()> {
        let mut away: VecDeque<(u64, Batch)> = VecDeque::new();
        for batch in std::mem::take(&mut self.unsure) {
            self.message += 1;
            self.resent += batch.count;
            away.push_back((self.message, batch));
            socket.send(Message::text(message(self.message, batch))).await?;
        }
        while !away.is_empty() {
            let answer = receive(socket).await?;
            self.take(&answer, &mut away)?;
        }
        Ok(())
    }

    fn take(&mut self, answer: &Json, away: &mut VecDeque<(u64, Batch)>) -> anyhow::Result<()> {
        match answer["type"].as_str() {
            Some("ack") => {
                let Some((number, batch)) = away.pop_front() else { bail!("an ack for nothing: {answer}") };
                let taken = answer["rows"].as_u64().unwrap_or(0) + answer["duplicates"].as_u64().unwrap_or(0);
                if answer["batch"].as_u64() != Some(number) || taken != batch.count {
                    bail!("batch {number} of {} rows has this ack: {answer}", batch.count);
                }
                self.acked = batch.first + batch.count - 1;
                Ok(())
            }
            Some("error") => bail!("the hub takes no rows: {answer}"),
            _ => Ok(()),
        }
    }
}

/// Tickets that are opened (odd numbers) and finished (even ones).
fn message(number: u64, batch: Batch) -> String {
    let now_us = Clock::System.now_us();
    let rows: Vec<Json> = (batch.first..batch.first + batch.count)
        .map(|n| {
            let kind = if n % 2 == 1 { "open" } else { "finish" };
            json!({"ts": now_us, "kind": kind, "id": format!("K-{}", n.div_ceil(2)), "src": "crash",
                "src_seq": n.to_string(), "service": "gov", "area": "330203"})
        })
        .collect();
    json!({"type": "ingest", "batch": number, "stream": "tickets", "rows": rows}).to_string()
}
