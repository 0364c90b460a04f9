//! The client that brings rows to a hub: hello, Arrow batches, acks.
//!
//! A batch stays in memory until its ack, which means that it is on the hub's disk. When the connection breaks, the
//! client connects again and sends what has no ack once more; the hub counts a row once by (`src`, `src_seq`), so
//! nothing is lost and nothing counted twice. How much may be on its way is bounded ([`FeedOptions::window_batches`],
//! [`FeedOptions::window_bytes`]); [`FeedClient::send`] waits when that much is.
//!
//! It fails when the hub was never there, stays away longer than [`FeedOptions::patience`], speaks another version,
//! or takes no rows (a full disk). Rows that the hub did not take are no failure: [`Totals`] counts them.

use std::sync::Arc;
use std::time::Duration;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::DataType;
use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::{mpsc, oneshot};

use super::error::FeedError;
use super::link::{self, Command, Shared};
use crate::model::city::City;
use crate::model::event::RowError;
use crate::model::message::{Aside, ClientMessage, FRAME_BYTES_MAX, pack_frame};
use crate::model::stream::Stream;

/// A batch is cut to this many rows, so that one frame stays near a megabyte and acks come steadily.
const ROWS_PER_FRAME: usize = 8192;
/// Row errors kept for showing; all are counted.
pub const ERRORS_KEPT: usize = 100;

#[derive(Clone, Debug)]
pub struct FeedOptions {
    /// How long a lost hub is waited for; `None`: for ever (a feed that runs as a service).
    pub patience: Option<Duration>,
    /// Batches sent and not yet acked, at most.
    pub window_batches: usize,
    /// Bytes sent and not yet acked, at most (one batch may always be on its way).
    pub window_bytes: usize,
    /// The first connection is waited for like a lost one, instead of failing at once.
    pub wait_for_hub: bool,
}

impl Default for FeedOptions {
    fn default() -> FeedOptions {
        FeedOptions {
            patience: Some(Duration::from_secs(60)),
            window_batches: 16,
            window_bytes: 32 << 20,
            wait_for_hub: false,
        }
    }
}

/// What the hub has said of the rows so far.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Totals {
    /// Rows handed to [`FeedClient::send`].
    pub sent: u64,
    /// Rows that landed.
    pub rows: u64,
    /// Rows the hub had already.
    pub duplicates: u64,
    /// Rows the hub keeps aside, counted by reason on its feed page.
    pub quarantined: u64,
    /// Why, and the first of them; without their places, since they may be of any batch.
    pub aside: Aside,
    /// Rows that waited for their ticket's open when their ack came; they landed, or went to quarantine, later.
    pub waiting: u64,
    /// Rows refused with a code (a time too far ahead, a wrong type).
    pub refused: u64,
    /// The first [`ERRORS_KEPT`] of them; `row` counts from the first row this client sent.
    pub errors: Vec<RowError>,
    /// Batches acked.
    pub batches: u64,
    /// Times the connection was made again.
    pub reconnects: u64,
}

/// What the hub said when the connection was made.
#[derive(Clone, Debug)]
pub struct Welcome {
    /// Software version of the hub.
    pub hub: String,
    pub city: City,
    /// The hub's clock then, µs.
    pub now_us: i64,
}

/// A feed into one hub. Dropping it without [`FeedClient::end`] leaves what has no ack unsent.
pub struct FeedClient {
    url: String,
    commands: Option<mpsc::Sender<Command>>,
    shared: Arc<Mutex<Shared>>,
    welcome: Welcome,
    next_batch: u64,
    rows_sent: u64,
}

impl FeedClient {
    /// Connects to `url` (`ws://HOST:8189/ws`), says hello and waits for the welcome. `src` names the feed in logs.
    ///
    /// # Errors
    /// No hub answers there, or it speaks another version.
    pub async fn connect(url: &str, src: &str) -> Result<FeedClient, FeedError> {
        FeedClient::connect_with(url, src, FeedOptions::default()).await
    }

    /// [`FeedClient::connect`] with its limits chosen.
    ///
    /// # Errors
    /// As [`FeedClient::connect`].
    pub async fn connect_with(url: &str, src: &str, options: FeedOptions) -> Result<FeedClient, FeedError> {
        let shared = Arc::new(Mutex::new(Shared::default()));
        // The window is the link's; this queue only hands over.
        let (commands, incoming) = mpsc::channel(1);
        let (socket, welcome) = link::first_connection(url, &options).await?;
        let task = link::Link::new(url, src, options, Arc::clone(&shared), incoming);
        tokio::spawn(task.run(socket));
        Ok(FeedClient { url: url.to_owned(), commands: Some(commands), shared, welcome, next_batch: 1, rows_sent: 0 })
    }

    pub fn welcome(&self) -> &Welcome {
        &self.welcome
    }

    /// Sends rows with [`Stream::source_schema`]; returns when they are on their way, which is before their ack.
    /// `replay` says that they are history: a ticket's missing `open` is waited for until [`FeedClient::end`].
    ///
    /// # Errors
    /// The feed has failed (then every later call fails alike), or a row is larger than a frame.
    pub async fn send(&mut self, stream: Stream, batch: RecordBatch, replay: bool) -> Result<(), FeedError> {
        let mut from = 0;
        while from < batch.num_rows() {
            let rows = ROWS_PER_FRAME.min(batch.num_rows() - from);
            self.send_rows(stream, &batch, from, rows, replay).await?;
            from += rows;
        }
        Ok(())
    }

    async fn send_rows(
        &mut self,
        stream: Stream,
        batch: &RecordBatch,
        from: usize,
        rows: usize,
        replay: bool,
    ) -> Result<(), FeedError> {
        let mut parts = vec![(from, rows)];
        while let Some((from, rows)) = parts.pop() {
            let header = ClientMessage::Ingest {
                batch: self.next_batch,
                stream: stream.name().to_owned(),
                rows: vec![],
                replay,
            };
            let frame = encode(&header, &compact(batch, from, rows))?;
            if frame.len() > FRAME_BYTES_MAX {
                if rows == 1 {
                    return Err(FeedError::TooLarge { bytes: frame.len(), limit: FRAME_BYTES_MAX });
                }
                // The first half is popped first: rows keep their order.
                parts.push((from + rows / 2, rows - rows / 2));
                parts.push((from, rows / 2));
                continue;
            }
            let number = self.next_batch;
            self.next_batch += 1;
            let first_row = self.rows_sent;
            self.rows_sent += rows as u64;
            self.shared.lock().totals.sent += rows as u64;
            self.hand_over(Command::Batch { number, first_row, frame: frame.into() }).await?;
        }
        Ok(())
    }

    async fn hand_over(&self, command: Command) -> Result<(), FeedError> {
        let Some(commands) = &self.commands else { return Err(FeedError::Closed { url: self.url.clone() }) };
        commands.send(command).await.map_err(|_| self.failure())
    }

    fn failure(&self) -> FeedError {
        self.shared.lock().failure.clone().unwrap_or_else(|| FeedError::Closed { url: self.url.clone() })
    }

    /// Says that no more rows come, waits for every ack and closes the connection.
    ///
    /// # Errors
    /// The feed has failed; what had its ack is kept by the hub all the same.
    pub async fn end(&mut self) -> Result<Totals, FeedError> {
        let (done, all_acked) = oneshot::channel();
        let header = ClientMessage::End { batch: self.next_batch };
        let text = serde_json::to_string(&header).map_err(|error| FeedError::Encode(error.to_string()))?;
        let number = self.next_batch;
        self.next_batch += 1;
        self.hand_over(Command::End { number, text, done }).await?;
        self.commands = None;
        all_acked.await.map_err(|_| self.failure())?;
        Ok(self.totals())
    }

    /// What was acked so far, also while the client is busy.
    pub fn tally(&self) -> Tally {
        Tally(Arc::clone(&self.shared))
    }

    /// What was acked so far.
    pub fn totals(&self) -> Totals {
        self.shared.lock().totals.clone()
    }
}

/// A view of a feed's [`Totals`].
#[derive(Clone)]
pub struct Tally(Arc<Mutex<Shared>>);

impl Tally {
    pub fn totals(&self) -> Totals {
        self.0.lock().totals.clone()
    }
}

fn encode(header: &ClientMessage, batch: &RecordBatch) -> Result<Vec<u8>, FeedError> {
    let failed = |error: arrow::error::ArrowError| FeedError::Encode(error.to_string());
    let mut writer = arrow::ipc::writer::StreamWriter::try_new(Vec::new(), batch.schema_ref()).map_err(failed)?;
    writer.write(batch).map_err(failed)?;
    writer.finish().map_err(failed)?;
    let payload = writer.into_inner().map_err(failed)?;
    pack_frame(header, &payload).map_err(|error| FeedError::Encode(error.to_string()))
}

/// Rows `from..from + rows` with text buffers of their own: a slice of a view array would travel with the buffers of
/// the whole.
pub(super) fn compact(batch: &RecordBatch, from: usize, rows: usize) -> RecordBatch {
    if from == 0 && rows == batch.num_rows() {
        return batch.clone();
    }
    let slice = batch.slice(from, rows);
    let columns = slice
        .columns()
        .iter()
        .map(|column| match column.data_type() {
            DataType::Utf8View => Arc::new(column.as_string_view().gc()) as _,
            _ => Arc::clone(column),
        })
        .collect();
    RecordBatch::try_new(slice.schema(), columns).unwrap_or(slice)
}

/// A frame ready to travel, kept until its ack.
#[derive(Clone)]
pub(super) enum Frame {
    Binary(Bytes),
    Text(String),
}

#[cfg(test)]
mod tests {
    use super::super::fake_hub::{self, Behaviour};
    use super::*;
    use crate::model::event::{Event, batch};

    fn rows(from: usize, count: usize) -> RecordBatch {
        let events: Vec<Event> = (from..from + count)
            .map(|n| {
                Event::new(Stream::Tickets, n as i64, "open", &format!("t{n}"), "test", &format!("{n}:open"))
                    .with("org", "市容环卫、市政设施与环保水务")
            })
            .collect();
        batch(Stream::Tickets, &events).unwrap()
    }

    #[tokio::test]
    async fn every_row_is_acked_once_also_when_the_connection_breaks_again_and_again() {
        let (address, kept) = fake_hub::start(Behaviour { cut_after: Some(3), ..Behaviour::default() }).await;
        let mut client = FeedClient::connect(&format!("ws://{address}/ws"), "test").await.unwrap();
        for part in 0..10 {
            client.send(Stream::Tickets, rows(part * 500, 500), true).await.unwrap();
        }
        let totals = client.end().await.unwrap();
        assert_eq!(kept.lock().rows.len(), 5000);
        assert_eq!(totals.sent, 5000);
        assert!(totals.reconnects >= 1, "{totals:?}");
        // What was kept without an ack came back as a duplicate, not as a row more.
        assert!(totals.rows + totals.duplicates >= 5000 && totals.rows <= 5000, "{totals:?}");
        assert_eq!(kept.lock().ends, 1);
    }

    #[tokio::test]
    async fn a_large_batch_is_cut_into_frames_that_keep_their_order_and_carry_only_their_own_text() {
        let (address, kept) = fake_hub::start(Behaviour::default()).await;
        let mut client = FeedClient::connect(&format!("ws://{address}/ws"), "test").await.unwrap();
        client.send(Stream::Tickets, rows(0, ROWS_PER_FRAME * 2 + 1), false).await.unwrap();
        client.end().await.unwrap();
        assert_eq!(kept.lock().batches, 3);
        assert_eq!(kept.lock().rows.len(), ROWS_PER_FRAME * 2 + 1);
        let whole = rows(0, 1000);
        let header = ClientMessage::End { batch: 0 };
        let part = encode(&header, &compact(&whole, 10, 10)).unwrap();
        assert!(part.len() * 20 < encode(&header, &whole).unwrap().len(), "{}", part.len());
    }

    #[tokio::test]
    async fn a_hub_that_takes_nothing_a_wrong_version_and_no_hub_are_told_apart() {
        let (address, _) = fake_hub::start(Behaviour { refuse: Some("read_only"), ..Behaviour::default() }).await;
        let mut client = FeedClient::connect(&format!("ws://{address}/ws"), "test").await.unwrap();
        client.send(Stream::Tickets, rows(0, 1), false).await.unwrap();
        let error = client.end().await.unwrap_err();
        assert!(matches!(&error, FeedError::Refused { code, .. } if code == "read_only"), "{error}");
        assert!(client.send(Stream::Tickets, rows(0, 1), false).await.is_err());

        let (address, _) = fake_hub::start(Behaviour { version: Some(9), ..Behaviour::default() }).await;
        let error = FeedClient::connect(&format!("ws://{address}/ws"), "test").await.err();
        assert!(matches!(error, Some(FeedError::Version { theirs: 9, .. })), "{error:?}");

        let unused = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let error = FeedClient::connect(&format!("ws://{unused}/ws"), "test").await.err();
        assert!(matches!(error, Some(FeedError::Connect { .. })), "{error:?}");
    }

    #[tokio::test]
    async fn a_hub_that_comes_back_is_waited_for_whatever_answers_before_it() {
        for answer in
            ["", "HTTP/1.1 503 Service Unavailable\r\n\r\n", "HTTP/1.1 404 Not Found\r\n\r\n", "nothing of HTTP"]
        {
            let behaviour = Behaviour { cut_after: Some(2), unready: Some((answer, 4)), ..Behaviour::default() };
            let (address, kept) = fake_hub::start(behaviour).await;
            let mut client = FeedClient::connect(&format!("ws://{address}/ws"), "test").await.unwrap();
            for part in 0..4 {
                client.send(Stream::Tickets, rows(part * 10, 10), false).await.unwrap();
            }
            client.end().await.unwrap();
            assert_eq!(kept.lock().rows.len(), 40, "{answer:?}");
        }
    }

    #[tokio::test]
    async fn a_hub_that_stays_away_ends_the_feed_after_its_patience() {
        let (address, _) = fake_hub::start(Behaviour { cut_after: Some(1), ..Behaviour::default() }).await;
        let options = FeedOptions { patience: Some(Duration::ZERO), ..FeedOptions::default() };
        let url = format!("ws://{address}/ws");
        let mut client = FeedClient::connect_with(&url, "test", options).await.unwrap();
        // Each connection is cut before its first ack: connecting alone is no progress.
        client.send(Stream::Tickets, rows(0, 1), false).await.unwrap();
        let error = client.end().await.unwrap_err();
        assert!(matches!(error, FeedError::Lost { .. }), "{error}");
    }
}
