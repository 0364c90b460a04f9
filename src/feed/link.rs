//! The task that owns a feed's socket: sends, keeps what has no ack, connects again.
//!
//! It reads while it writes, so that a hub which waits for its acks to be read never stands still, and so that the
//! hub's pings are answered while the feed has nothing to say.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use parking_lot::Mutex;
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Error as WsError;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::protocol::{Message, WebSocketConfig};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use super::client::{ERRORS_KEPT, FeedOptions, Frame, Totals, Welcome};
use super::error::FeedError;
use crate::model::message::{ClientMessage, Format, HubMessage, VERSION, split_frame};

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

const HELLO_TIMEOUT: Duration = Duration::from_secs(10);
const BACKOFF_FIRST: Duration = Duration::from_millis(100);
const BACKOFF_MAX: Duration = Duration::from_secs(5);
/// A hub says something every second (`tick`); silent this long, the connection is dead.
const SILENCE_MAX: Duration = Duration::from_secs(30);

pub(super) enum Command {
    Batch { number: u64, first_row: u64, frame: bytes::Bytes },
    End { number: u64, text: String, done: oneshot::Sender<()> },
}

/// What the task and its client share.
#[derive(Default)]
pub(super) struct Shared {
    pub totals: Totals,
    pub failure: Option<FeedError>,
}

struct Pending {
    number: u64,
    first_row: u64,
    bytes: usize,
    frame: Frame,
}

/// Why one connection is over.
enum Over {
    /// Everything is acked and no more rows come.
    Done,
    /// Connect again and resend.
    Broken(String),
    /// The hub has too much to do, or no room: the same, after a pause.
    Overloaded,
    Failed(FeedError),
}

pub(super) struct Link {
    url: String,
    src: String,
    options: FeedOptions,
    shared: Arc<Mutex<Shared>>,
    commands: mpsc::Receiver<Command>,
    /// No client any more, or `end` was said: nothing more will come.
    closing: bool,
    /// When the hub was lost without an ack since.
    lost_since: Option<Instant>,
    end: Option<Pending>,
    done: Option<oneshot::Sender<()>>,
    pending: VecDeque<Pending>,
    pending_bytes: usize,
}

/// The first connection, with the errors of a wrong address.
///
/// # Errors
/// No hub answers there (at once, unless the options say to wait), or it speaks another version.
pub(super) async fn first_connection(url: &str, options: &FeedOptions) -> Result<(Socket, Welcome), FeedError> {
    if !options.wait_for_hub {
        return connect(url).await;
    }
    connect_patiently(url, options.patience, Instant::now(), None).await
}

impl Link {
    pub(super) fn new(
        url: &str,
        src: &str,
        options: FeedOptions,
        shared: Arc<Mutex<Shared>>,
        commands: mpsc::Receiver<Command>,
    ) -> Link {
        Link {
            url: url.to_owned(),
            src: src.to_owned(),
            options,
            shared,
            commands,
            closing: false,
            lost_since: None,
            end: None,
            done: None,
            pending: VecDeque::new(),
            pending_bytes: 0,
        }
    }

    pub(super) async fn run(mut self, socket: Socket) {
        let mut socket = Some(socket);
        let mut pause = BACKOFF_FIRST;
        loop {
            let current = match socket.take() {
                Some(socket) => socket,
                None => match self.reconnect().await {
                    Ok(socket) => {
                        self.shared.lock().totals.reconnects += 1;
                        tracing::info!(src = self.src, resend = self.pending.len(), "connected to the hub again");
                        socket
                    }
                    Err(error) => return self.fail(error),
                },
            };
            let acked_before = self.shared.lock().totals.batches;
            match self.talk(current).await {
                Over::Done => {
                    if let Some(done) = self.done.take() {
                        // The client may have gone; its rows are safe all the same.
                        let _ = done.send(());
                    }
                    return;
                }
                Over::Failed(error) => return self.fail(error),
                Over::Broken(message) => {
                    tracing::warn!(src = self.src, message, "the hub was lost; connecting again");
                }
                Over::Overloaded => tracing::debug!(src = self.src, "the hub takes no rows now; pausing"),
            }
            // A connection that brought no ack was no progress: the pause grows, and so does the time it is lost.
            if self.shared.lock().totals.batches > acked_before {
                pause = BACKOFF_FIRST;
                self.lost_since = None;
            } else {
                pause = (pause * 2).min(BACKOFF_MAX);
            }
            self.lost_since.get_or_insert_with(Instant::now);
            tokio::time::sleep(jitter(pause)).await;
        }
    }

    async fn reconnect(&mut self) -> Result<Socket, FeedError> {
        let since = *self.lost_since.get_or_insert_with(Instant::now);
        let lost = Some("the connection broke");
        let (socket, _) = connect_patiently(&self.url, self.options.patience, since, lost).await?;
        if self.pending.is_empty() {
            self.lost_since = None;
        }
        Ok(socket)
    }

    fn fail(&mut self, error: FeedError) {
        self.shared.lock().failure = Some(error);
        // Dropping the receiver and `done` wakes whoever waits; they read the failure.
        self.commands.close();
    }

    /// One connection from its first frame to its end.
    async fn talk(&mut self, socket: Socket) -> Over {
        let (mut sink, mut stream) = socket.split();
        // Clones of the frames are cheap; acks shorten the queue while this loop runs.
        let resend: Vec<Frame> = self.pending.iter().map(|pending| pending.frame.clone()).collect();
        for frame in resend {
            if let Some(over) = self.send_frame(&mut sink, &mut stream, frame).await {
                return over;
            }
        }
        let mut last_heard = Instant::now();
        loop {
            if self.closing && self.pending.is_empty() {
                // `end` is said when everything before it is on disk: then it needs no order with other messages.
                if let Some(end) = self.end.take() {
                    let frame = end.frame.clone();
                    self.pending.push_back(end);
                    if let Some(over) = self.send_frame(&mut sink, &mut stream, frame).await {
                        return over;
                    }
                    continue;
                }
                // A polite close; whether it arrives does not matter any more.
                let _ = tokio::time::timeout(Duration::from_secs(1), sink.close()).await;
                return Over::Done;
            }
            let room = self.pending.is_empty()
                || (self.pending.len() < self.options.window_batches.max(1)
                    && self.pending_bytes < self.options.window_bytes);
            tokio::select! {
                biased;
                heard = stream.next() => {
                    last_heard = Instant::now();
                    if let Some(over) = self.hear(heard) {
                        return over;
                    }
                }
                command = self.commands.recv(), if room && !self.closing => {
                    let Some(frame) = self.take(command) else { continue };
                    if let Some(over) = self.send_frame(&mut sink, &mut stream, frame).await {
                        return over;
                    }
                }
                () = tokio::time::sleep_until(last_heard + SILENCE_MAX) => {
                    return Over::Broken(format!("it said nothing for {} s", SILENCE_MAX.as_secs()));
                }
            }
        }
    }

    /// Puts a command into the window; gives the frame to send now, if it is one.
    fn take(&mut self, command: Option<Command>) -> Option<Frame> {
        match command {
            None => {
                self.closing = true;
                None
            }
            Some(Command::Batch { number, first_row, frame }) => {
                self.pending_bytes += frame.len();
                let bytes = frame.len();
                let frame = Frame::Binary(frame);
                self.pending.push_back(Pending { number, first_row, bytes, frame: frame.clone() });
                Some(frame)
            }
            Some(Command::End { number, text, done }) => {
                self.closing = true;
                self.done = Some(done);
                self.end = Some(Pending { number, first_row: 0, bytes: 0, frame: Frame::Text(text) });
                None
            }
        }
    }

    /// Sends one frame, reading meanwhile.
    async fn send_frame(
        &mut self,
        sink: &mut SplitSink<Socket, Message>,
        stream: &mut SplitStream<Socket>,
        frame: Frame,
    ) -> Option<Over> {
        let message = match frame {
            Frame::Binary(bytes) => Message::Binary(bytes),
            Frame::Text(text) => Message::Text(text.into()),
        };
        let sending = sink.send(message);
        tokio::pin!(sending);
        let give_up = tokio::time::sleep(SILENCE_MAX);
        tokio::pin!(give_up);
        loop {
            tokio::select! {
                sent = &mut sending => return sent.err().map(|error| Over::Broken(error.to_string())),
                heard = stream.next() => {
                    give_up.as_mut().reset(Instant::now() + SILENCE_MAX);
                    if let Some(over) = self.hear(heard) {
                        return Some(over);
                    }
                }
                () = &mut give_up => {
                    return Some(Over::Broken(format!("it took nothing for {} s", SILENCE_MAX.as_secs())));
                }
            }
        }
    }

    fn hear(&mut self, heard: Option<Result<Message, WsError>>) -> Option<Over> {
        let text = match heard {
            None => return Some(Over::Broken("the connection was closed".into())),
            Some(Err(error)) => return Some(Over::Broken(error.to_string())),
            Some(Ok(Message::Close(reason))) => {
                let reason = reason.map(|frame| frame.reason.to_string()).filter(|reason| !reason.is_empty());
                return Some(Over::Broken(reason.unwrap_or_else(|| "the hub closed the connection".into())));
            }
            Some(Ok(Message::Text(text))) => text,
            // Pings are answered by the library; binary frames are answers to questions a feed does not ask.
            Some(Ok(_)) => return None,
        };
        match serde_json::from_str(&text) {
            Ok(HubMessage::Ack { batch, rows, duplicates, quarantined, waiting, errors, aside, .. }) => {
                let at = self.pending.iter().position(|pending| pending.number == batch)?;
                let acked = self.pending.remove(at)?;
                self.pending_bytes -= acked.bytes;
                let mut shared = self.shared.lock();
                let totals = &mut shared.totals;
                totals.rows += rows;
                totals.duplicates += duplicates;
                totals.quarantined += quarantined;
                totals.waiting += waiting;
                totals.aside.merge(aside);
                totals.batches += 1;
                totals.refused += errors.len() as u64;
                for mut error in errors {
                    if totals.errors.len() < ERRORS_KEPT {
                        error.row += acked.first_row as usize;
                        totals.errors.push(error);
                    }
                }
                None
            }
            Ok(HubMessage::Error { code, message, batch, .. }) => {
                let ours = batch.is_some_and(|batch| self.pending.iter().any(|pending| pending.number == batch));
                match code.as_str() {
                    "overloaded" => Some(Over::Overloaded),
                    // A full disk may get room, a hub be started again: a feed that runs as a service waits for it.
                    "read_only" if self.options.patience.is_none() => Some(Over::Overloaded),
                    _ if ours || code == "read_only" => {
                        Some(Over::Failed(FeedError::Refused { url: self.url.clone(), code, message }))
                    }
                    _ => {
                        tracing::warn!(src = self.src, code, message, "the hub complains");
                        None
                    }
                }
            }
            // Ticks and what a newer hub may say besides.
            _ => None,
        }
    }
}

/// Connects again and again, with full jitter, until `patience` is over since `since`. `broke`: how a connection ended
/// that was there; then whatever answers at the address now is waited for.
async fn connect_patiently(
    url: &str,
    patience: Option<Duration>,
    since: Instant,
    broke: Option<&str>,
) -> Result<(Socket, Welcome), FeedError> {
    let mut pause = BACKOFF_FIRST;
    let lost = broke.unwrap_or("it was never there");
    let mut message = lost.to_owned();
    loop {
        if let Some(patience) = patience
            && since.elapsed() > patience
        {
            return Err(FeedError::Lost { url: url.to_owned(), message, seconds: patience.as_secs() });
        }
        match connect(url).await {
            Ok(connected) => return Ok(connected),
            Err(error @ FeedError::Version { .. }) => return Err(error),
            Err(error @ FeedError::Address { .. }) if broke.is_none() => return Err(error),
            Err(FeedError::Connect { message: why, .. } | FeedError::Address { message: why, .. }) => {
                message = format!("{lost}: {why}")
            }
            Err(error) => tracing::debug!(%error, "connecting"),
        }
        tokio::time::sleep(jitter(pause)).await;
        pause = (pause * 2).min(BACKOFF_MAX);
    }
}

/// A uniform share of the pause, so that many feeds don't return in step.
fn jitter(pause: Duration) -> Duration {
    pause.mul_f64(rand::random_range(0.1..=1.0))
}

async fn connect(url: &str) -> Result<(Socket, Welcome), FeedError> {
    match tokio::time::timeout(HELLO_TIMEOUT, hello(url)).await {
        Ok(connected) => connected,
        Err(_) => Err(FeedError::Connect {
            url: url.to_owned(),
            message: format!("no welcome within {} s", HELLO_TIMEOUT.as_secs()),
        }),
    }
}

async fn hello(url: &str) -> Result<(Socket, Welcome), FeedError> {
    let lost = |message: String| FeedError::Connect { url: url.to_owned(), message };
    let config = WebSocketConfig::default();
    let mut socket = match tokio_tungstenite::connect_async_with_config(url, Some(config), true).await {
        Ok((socket, _)) => socket,
        Err(WsError::Io(error)) => return Err(lost(error.to_string())),
        // A hub that is full, one that stops, or a proxy before one that is away.
        Err(WsError::Http(answer)) if answer.status().is_server_error() || answer.status().as_u16() == 429 => {
            return Err(lost(format!("it answers {}", answer.status())));
        }
        Err(WsError::Protocol(ProtocolError::HandshakeIncomplete)) => {
            return Err(lost("it closed the connection".into()));
        }
        Err(error) => return Err(FeedError::Address { url: url.to_owned(), message: error.to_string() }),
    };
    let hello = ClientMessage::Hello { client: "feed".into(), format: Format::Json };
    let hello = serde_json::to_string(&hello).map_err(|error| FeedError::Encode(error.to_string()))?;
    socket.send(Message::Text(hello.into())).await.map_err(|error| lost(error.to_string()))?;
    while let Some(message) = socket.next().await {
        let message = message.map_err(|error| lost(error.to_string()))?;
        let header = match &message {
            Message::Text(text) => text.as_bytes(),
            Message::Binary(frame) => match split_frame(frame) {
                Ok((header, _)) => header,
                Err(error) => return Err(lost(error.to_string())),
            },
            _ => continue,
        };
        match serde_json::from_slice(header) {
            Ok(HubMessage::Welcome { version, .. }) if version != VERSION => {
                return Err(FeedError::Version { url: url.to_owned(), theirs: version, ours: VERSION });
            }
            Ok(HubMessage::Welcome { hub, city, now, .. }) => {
                return Ok((socket, Welcome { hub, city: *city, now_us: now }));
            }
            Ok(HubMessage::Error { code, message, .. }) => {
                return Err(FeedError::Refused { url: url.to_owned(), code, message });
            }
            // A tick may come first.
            _ => {}
        }
    }
    Err(lost("it closed the connection before its welcome".into()))
}
