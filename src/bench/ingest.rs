//! `bench ingest`: events a second that a hub takes and acknowledges after fsync, over real WebSockets.
//!
//! Hub and clients are in this process on this machine, the folder is on its disk. Each client writes its own frames as
//! it goes (JSON text or Arrow IPC), keeps a few on their way, and counts a row when its ack is in. Tickets of four
//! events each, with service, district, topic and unit. A second run at a tenth of that rate measures how long an ack
//! takes. Beside it, the disk's own limit: the same bytes written and synced in pieces of the same size with nothing else
//! done.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use arrow::array::{
    ArrayRef, RecordBatch, StringViewArray, StringViewBuilder, TimestampMicrosecondArray, new_null_array,
};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value as Json, json};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;

use super::peers::postgres;
use crate::hub::{Hub, HubOptions};
use crate::model::message::{ClientMessage, Format, pack_frame};
use crate::model::time::format_time;
use crate::model::{City, Clock, Stream};
use crate::store::StoreOptions;

#[derive(Clone, Debug, clap::Args)]
pub struct IngestArgs {
    /// json or arrow [default: both].
    #[arg(long)]
    pub format: Option<String>,
    /// Clients at once [default: 1, then 8].
    #[arg(long)]
    pub clients: Option<usize>,
    /// Seconds of each measurement.
    #[arg(long, default_value_t = 5)]
    pub seconds: u64,
    /// The folder below which the data is put for the time of the measurement [default: the temporary one].
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// PostgreSQL's COPY of the same rows as well, in the same run.
    #[arg(long, value_name = "NAME", value_parser = ["postgres"])]
    pub peer: Option<String>,
    /// JSON objects instead of sentences.
    #[arg(long)]
    pub json: bool,
}

/// Rows of a COPY: as many as an Arrow client sends at once.
const COPY_ROWS: u64 = 8192;
const COPIES: u64 = 100;

/// Runs the benchmark and prints a line for each format and number of clients.
///
/// # Errors
/// The hub can't start, a connection breaks, or an acknowledged row is missing.
pub async fn run(args: IngestArgs) -> anyhow::Result<()> {
    let formats = match args.format.as_deref() {
        None => vec![Format::Json, Format::Arrow],
        Some("json") => vec![Format::Json],
        Some("arrow") => vec![Format::Arrow],
        Some(other) => bail!("--format {other} is not known; it is json or arrow"),
    };
    let clients = args.clients.map_or(vec![1, 8], |clients| vec![clients]);
    for format in formats {
        for clients in &clients {
            let line = measure(&args, format, *clients).await?;
            if args.json {
                println!("{line}");
            } else {
                println!(
                    "{} with {} client(s): {} events/s, ack p50 {} ms, p99 {} ms at a tenth of that, {} lost; the disk alone: {} events/s",
                    line["format"],
                    line["clients"],
                    line["events_per_s"],
                    line["ack_ms_p50"],
                    line["ack_ms_p99"],
                    line["lost"],
                    line["disk_events_per_s"]
                );
            }
            if line["lost"] != 0 {
                bail!("acknowledged rows are missing");
            }
        }
    }
    if args.peer.is_some() {
        let below = args.data.clone().unwrap_or_else(std::env::temp_dir);
        let copied = postgres::copy(&below, COPIES, COPY_ROWS, copy_text)?;
        match args.json {
            true => println!("{}", json!({"bench": "ingest", "peer": "postgres", "copy": copied})),
            false => println!("PostgreSQL's COPY of the same rows: {} events/s", copied["events_per_s"]),
        }
    }
    Ok(())
}

/// The rows that [`Frames`] sends, as COPY reads them.
fn copy_text(first: u64, rows: u64) -> String {
    let now = format_time(Clock::System.now_us(), chrono_tz::UTC);
    let mut text = String::new();
    for n in first..first + rows {
        let ticket = n / 4;
        let org = if n % 4 == 1 { format!("handling unit {:03}", ticket % 90) } else { "\\N".to_owned() };
        // Writing to a text does not fail.
        let _ = writeln!(
            text,
            "{now}\t{}\tcopy-{ticket}\tcopy\t{n}\t{}\tgov\t04.{:02}.{:02}\tphone\t{org}",
            KINDS[(n % 4) as usize],
            AREAS[(ticket % 6) as usize],
            ticket % 17,
            ticket % 7,
        );
    }
    text
}

async fn measure(args: &IngestArgs, format: Format, clients: usize) -> anyhow::Result<Json> {
    let below = args.data.clone().unwrap_or_else(std::env::temp_dir);
    let dir = below.join(format!("lingping-ingest-{}", std::process::id()));
    std::fs::create_dir_all(&dir).with_context(|| format!("cannot make {}", dir.display()))?;
    let result = measure_in(&dir, args, format, clients).await;
    // A folder that stays is no failure of the measurement.
    let _ = std::fs::remove_dir_all(&dir);
    result
}

async fn measure_in(dir: &Path, args: &IngestArgs, format: Format, clients: usize) -> anyhow::Result<Json> {
    let queries = dir.join("queries");
    std::fs::create_dir_all(&queries)?;
    let city = Arc::new(City::load("ningbo")?);
    let store = StoreOptions::new(city, Clock::System).dir(dir.join("data"));
    let hub = Hub::start(HubOptions::new(store, "127.0.0.1:0".parse()?, queries)).await?;
    let url = format!("ws://{}/ws", hub.local_addr());
    let full = send_all(&url, format, clients, 0, args.seconds, None).await?;
    let busy = hub.store().status();
    let rate = full.rows / args.seconds.max(1);
    let slow = send_all(&url, format, clients, 1, args.seconds, Some(rate / 10 / clients as u64)).await?;
    let status = hub.store().status();
    let landed = status.rows["tickets"];
    let acked = full.rows + slow.rows;
    hub.stop().await;
    let (bytes, commits) = (busy.logged_bytes, busy.commits.max(1));
    let disk_bytes_per_s = disk_limit(&dir.join("raw"), bytes / commits, args.seconds)?;
    let disk_events_per_s = disk_bytes_per_s * full.rows / bytes.max(1);
    let mut acks_us = slow.acks_us;
    acks_us.sort_unstable();
    let at = |share: f64| acks_us.get(((acks_us.len() as f64 * share) as usize).min(acks_us.len().saturating_sub(1)));
    let ms = |us: Option<&u64>| us.map(|us| (*us as f64 / 100.0).round() / 10.0);
    Ok(json!({
        "bench": "ingest",
        "format": if format == Format::Json { "json" } else { "arrow" },
        "clients": clients,
        "seconds": args.seconds,
        "events_per_s": rate,
        "ack_ms_p50": ms(at(0.50)),
        "ack_ms_p99": ms(at(0.99)),
        "lost": acked.saturating_sub(landed),
        "log_bytes_per_event": bytes / full.rows.max(1),
        "commit_bytes": bytes / commits,
        "disk_mb_per_s": disk_bytes_per_s / 1_000_000,
        "disk_events_per_s": disk_events_per_s,
        "share_of_disk": (rate as f64 / disk_events_per_s.max(1) as f64 * 100.0).round() / 100.0,
    }))
}

#[derive(Default)]
struct Sent {
    /// Rows whose ack came.
    rows: u64,
    acks_us: Vec<u64>,
}

/// Sends with all clients for so many seconds, each as fast as it can or at `rate` rows a second.
async fn send_all(
    url: &str,
    format: Format,
    clients: usize,
    round: usize,
    seconds: u64,
    rate: Option<u64>,
) -> anyhow::Result<Sent> {
    let until = Instant::now() + Duration::from_secs(seconds);
    let mut tasks = JoinSet::new();
    for client in 0..clients {
        let (url, src) = (url.to_owned(), format!("bench-{round}-{client}"));
        tasks.spawn(async move { send(&url, format, &src, until, rate).await });
    }
    let mut all = Sent::default();
    while let Some(sent) = tasks.join_next().await {
        let sent = sent??;
        all.rows += sent.rows;
        all.acks_us.extend(sent.acks_us);
    }
    Ok(all)
}

async fn send(url: &str, format: Format, src: &str, until: Instant, rate: Option<u64>) -> anyhow::Result<Sent> {
    // At full rate large batches; at a measured one ten a second.
    let (rows, window) = match (rate, format) {
        (Some(rate), _) => ((rate / 50).clamp(4, 8192), 64),
        (None, Format::Json) => (2000, 4),
        (None, Format::Arrow) => (8192, 6),
    };
    let (socket, _) = connect_async(url).await?;
    let (mut sink, mut stream) = socket.split();
    let mut away: VecDeque<Instant> = VecDeque::new();
    let mut sent = Sent::default();
    let mut frames = Frames { src: src.to_owned(), format, next: 0, batch: 0 };
    let begun = Instant::now();
    loop {
        let mut more = Instant::now() < until && away.len() < window;
        if let (true, Some(rate)) = (more, rate) {
            let due = begun + Duration::from_micros(frames.next * 1_000_000 / rate.max(1));
            if due > Instant::now() {
                if away.is_empty() {
                    sleep_until(due).await;
                } else {
                    // An ack may come before the next batch is due.
                    more = false;
                    tokio::select! {
                        () = sleep_until(due) => {}
                        message = stream.next() => take(message, &mut away, rows, &mut sent)?,
                    }
                }
            }
        }
        if more {
            let frame = frames.next(rows)?;
            away.push_back(Instant::now());
            sink.send(frame).await?;
        } else if away.is_empty() {
            break;
        } else if rate.is_none() || away.len() >= window || Instant::now() >= until {
            let message = stream.next().await;
            take(message, &mut away, rows, &mut sent)?;
        }
    }
    Ok(sent)
}

type Received = Option<Result<Message, tokio_tungstenite::tungstenite::Error>>;

fn take(message: Received, away: &mut VecDeque<Instant>, rows: u64, sent: &mut Sent) -> anyhow::Result<()> {
    let Message::Text(text) = message.context("the hub closed the connection")?? else { return Ok(()) };
    let answer: Json = serde_json::from_str(&text)?;
    match answer["type"].as_str() {
        Some("ack") => {
            let begun = away.pop_front().context("an ack for nothing")?;
            if answer["rows"].as_u64() != Some(rows) {
                bail!("a batch of {rows} rows has this ack: {answer}");
            }
            sent.rows += rows;
            sent.acks_us.push(begun.elapsed().as_micros() as u64);
            Ok(())
        }
        Some("error") => bail!("the hub takes no rows: {answer}"),
        _ => Ok(()),
    }
}

/// Writes frames of tickets: open, dispatch, accept, finish.
struct Frames {
    src: String,
    format: Format,
    /// Rows written.
    next: u64,
    batch: u64,
}

const KINDS: [&str; 4] = ["open", "dispatch", "accept", "finish"];
const AREAS: [&str; 6] = ["330203", "330205", "330206", "330211", "330212", "330213"];

impl Frames {
    fn next(&mut self, rows: u64) -> anyhow::Result<Message> {
        let first = self.next;
        self.next += rows;
        self.batch += 1;
        let now_us = Clock::System.now_us();
        match self.format {
            Format::Json => Ok(Message::text(self.json(first, rows, now_us)?)),
            Format::Arrow => Ok(Message::binary(self.arrow(first, rows, now_us)?)),
        }
    }

    fn json(&self, first: u64, rows: u64, now_us: i64) -> anyhow::Result<String> {
        let mut text = String::with_capacity(rows as usize * 200 + 100);
        write!(text, r#"{{"type":"ingest","batch":{},"stream":"tickets","rows":["#, self.batch)?;
        for n in first..first + rows {
            let ticket = n / 4;
            if n > first {
                text.push(',');
            }
            write!(
                text,
                r#"{{"ts":{now_us},"kind":"{}","id":"{}-{ticket}","src":"{}","src_seq":"{n}","area":"{}","service":"gov","topic":"04.{:02}.{:02}","channel":"phone""#,
                KINDS[(n % 4) as usize],
                self.src,
                self.src,
                AREAS[(ticket % 6) as usize],
                ticket % 17,
                ticket % 7,
            )?;
            if n % 4 == 1 {
                write!(text, r#","org":"handling unit {:03}""#, ticket % 90)?;
            }
            text.push('}');
        }
        text.push_str("]}");
        Ok(text)
    }

    fn arrow(&self, first: u64, rows: u64, now_us: i64) -> anyhow::Result<Vec<u8>> {
        let range = first..first + rows;
        let written = |write: &dyn Fn(u64, &mut String) -> std::fmt::Result| -> ArrayRef {
            let mut builder = StringViewBuilder::with_capacity(rows as usize);
            let mut text = String::new();
            for n in range.clone() {
                text.clear();
                // Writing to a text does not fail.
                let _ = write(n, &mut text);
                builder.append_value(&text);
            }
            Arc::new(builder.finish())
        };
        let chosen = |choose: &dyn Fn(u64) -> &'static str| -> ArrayRef {
            Arc::new(StringViewArray::from_iter_values(range.clone().map(choose)))
        };
        let schema = Stream::Tickets.source_schema();
        let columns = schema
            .fields()
            .iter()
            .map(|field| -> ArrayRef {
                match field.name().as_str() {
                    "ts" => Arc::new(TimestampMicrosecondArray::from_value(now_us, rows as usize).with_timezone("UTC")),
                    "kind" => chosen(&|n| KINDS[(n % 4) as usize]),
                    "area" => chosen(&|n| AREAS[(n / 4 % 6) as usize]),
                    "service" => chosen(&|_| "gov"),
                    "channel" => chosen(&|_| "phone"),
                    "id" => written(&|n, text| write!(text, "{}-{}", self.src, n / 4)),
                    "src" => written(&|_, text| text.write_str(&self.src)),
                    "src_seq" => written(&|n, text| write!(text, "{n}")),
                    "topic" => written(&|n, text| write!(text, "04.{:02}.{:02}", n / 4 % 17, n / 4 % 7)),
                    "org" => Arc::new(StringViewArray::from_iter(
                        range.clone().map(|n| (n % 4 == 1).then(|| format!("handling unit {:03}", n / 4 % 90))),
                    )),
                    _ => new_null_array(field.data_type(), rows as usize),
                }
            })
            .collect();
        let batch = RecordBatch::try_new(schema.clone(), columns)?;
        // Columns left out are null: what is empty need not travel.
        let said: Vec<usize> =
            (0..batch.num_columns()).filter(|n| batch.column(*n).null_count() < batch.num_rows()).collect();
        let batch = batch.project(&said)?;
        let mut writer = arrow::ipc::writer::StreamWriter::try_new(Vec::new(), batch.schema_ref())?;
        writer.write(&batch)?;
        writer.finish()?;
        let header =
            ClientMessage::Ingest { batch: self.batch, stream: "tickets".to_owned(), rows: Vec::new(), replay: false };
        Ok(pack_frame(&header, &writer.into_inner()?)?)
    }
}

/// Bytes a second the disk takes when pieces of this size are written and synced one after the other.
fn disk_limit(path: &Path, piece: u64, seconds: u64) -> anyhow::Result<u64> {
    let mut file = File::create(path).with_context(|| format!("cannot make {}", path.display()))?;
    // Bytes that do not compress.
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let bytes: Vec<u8> = std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    })
    .take(piece.max(1) as usize)
    .collect();
    let begun = std::time::Instant::now();
    let mut written = 0;
    while begun.elapsed().as_secs() < seconds && written < 4 << 30 {
        file.write_all(&bytes)?;
        file.sync_data()?;
        written += bytes.len() as u64;
    }
    Ok((written as f64 / begun.elapsed().as_secs_f64()) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn what_is_acknowledged_has_landed_in_both_formats() {
        for format in [Format::Json, Format::Arrow] {
            let args = IngestArgs { format: None, clients: None, seconds: 1, data: None, peer: None, json: true };
            let line = measure(&args, format, 2).await.unwrap();
            println!("{line}");
            assert_eq!(line["lost"], 0);
            assert!(line["events_per_s"].as_u64().unwrap() > 0);
        }
    }

    /// `cargo test --release --lib bench::ingest -- --ignored --nocapture`
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    #[ignore = "a measurement"]
    async fn how_fast_the_hub_takes_events() {
        let args = IngestArgs { format: None, clients: None, seconds: 5, data: None, peer: None, json: true };
        run(args).await.unwrap();
    }
}
