//! The sending side of one connection.
//!
//! Whoever has something to say puts it into a short queue and waits while it is full, so a client that reads slowly
//! slows those who write for it and nobody else; what they then read is the newest. Fails by closing: a client to
//! which one message can't be written in [`Limits::stuck`] is gone.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket};
use bytes::Bytes;
use futures_util::SinkExt;
use futures_util::stream::SplitSink;
use tokio::sync::{mpsc, watch};
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::encode;
use super::limits::Limits;
use crate::model::message::{Format, HubMessage};

/// Messages that wait to be written. Short: what waits here can't become newer any more.
const QUEUE: usize = 16;

/// The connection is over; whoever hears it stops.
#[derive(Debug)]
pub struct Gone;

/// Hands messages to the writer of a connection. Cheap to clone.
#[derive(Clone)]
pub struct Outbox {
    queue: mpsc::Sender<Message>,
    arrow: Arc<AtomicBool>,
}

impl Outbox {
    pub fn new() -> (Outbox, mpsc::Receiver<Message>) {
        let (queue, messages) = mpsc::channel(QUEUE);
        (Outbox { queue, arrow: Arc::new(AtomicBool::new(false)) }, messages)
    }

    pub fn set_format(&self, format: Format) {
        self.arrow.store(format == Format::Arrow, Ordering::Relaxed);
    }

    pub fn wants_arrow(&self) -> bool {
        self.arrow.load(Ordering::Relaxed)
    }

    /// Says it as JSON text.
    pub async fn say(&self, message: impl Into<HubMessage>) -> Result<(), Gone> {
        self.send(encode::text(&message.into())).await
    }

    pub async fn send_binary(&self, bytes: Bytes) -> Result<(), Gone> {
        self.send(Message::Binary(bytes)).await
    }

    pub async fn send(&self, message: Message) -> Result<(), Gone> {
        self.queue.send(message).await.map_err(|_| Gone)
    }
}

/// Why the hub closes a connection.
#[derive(Clone, Copy, Debug)]
pub struct Closing {
    pub code: u16,
    pub reason: &'static str,
}

impl Closing {
    pub const GOING: Closing = Closing { code: 1001, reason: "the hub stops" };
    pub const ENDED: Closing = Closing { code: 1000, reason: "" };
    pub const SILENT: Closing = Closing { code: 1002, reason: "nothing was heard for too long" };
    pub const TOO_LARGE: Closing = Closing { code: 1009, reason: "the frame is too large" };
}

/// Counts what was sent, for `/metrics`.
#[derive(Debug, Default)]
pub struct Sent {
    pub messages: AtomicU64,
    pub bytes: AtomicU64,
}

/// Writes the queue, the ticks and the pings until the connection or the hub ends.
pub async fn write(
    mut sink: SplitSink<WebSocket, Message>,
    mut queue: mpsc::Receiver<Message>,
    mut ticks: watch::Receiver<Utf8Bytes>,
    mut closing: watch::Receiver<Option<Closing>>,
    sent: &Sent,
    limits: &Limits,
) {
    let mut pings = interval(limits.ping_every);
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    pings.reset();
    ticks.mark_changed();
    loop {
        // The queue last: one that is never empty must not keep pings back.
        let message = tokio::select! {
            biased;
            _ = closing.wait_for(Option::is_some) => break,
            _ = pings.tick() => Message::Ping(Bytes::new()),
            Ok(()) = ticks.changed() => {
                let tick = ticks.borrow_and_update().clone();
                if tick.is_empty() { continue }
                Message::Text(tick)
            }
            message = queue.recv() => match message {
                Some(message) => message,
                None => return,
            },
        };
        if put(&mut sink, message, sent, limits).await.is_err() {
            return;
        }
        // What waits goes out with one flush.
        for _ in 0..QUEUE {
            let Ok(message) = queue.try_recv() else { break };
            if put(&mut sink, message, sent, limits).await.is_err() {
                return;
            }
        }
        match timeout(limits.stuck, sink.flush()).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) | Err(_) => return,
        }
    }
    // Closing: what was said before still goes out, then the reason.
    while let Ok(message) = queue.try_recv() {
        if put(&mut sink, message, sent, limits).await.is_err() {
            return;
        }
    }
    let Closing { code, reason } = closing.borrow().unwrap_or(Closing::GOING);
    let close = Message::Close(Some(CloseFrame { code, reason: Utf8Bytes::from_static(reason) }));
    if put(&mut sink, close, sent, limits).await.is_ok() {
        // The client may be gone already; there is nobody left to tell.
        let _ = timeout(limits.stuck, sink.close()).await;
    }
}

async fn put(
    sink: &mut SplitSink<WebSocket, Message>,
    message: Message,
    sent: &Sent,
    limits: &Limits,
) -> Result<(), Gone> {
    let bytes = match &message {
        Message::Text(text) => text.len(),
        Message::Binary(bytes) | Message::Ping(bytes) | Message::Pong(bytes) => bytes.len(),
        Message::Close(_) => 0,
    };
    match timeout(limits.stuck, sink.feed(message)).await {
        Ok(Ok(())) => {
            sent.messages.fetch_add(1, Ordering::Relaxed);
            sent.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
            Ok(())
        }
        Ok(Err(_)) | Err(_) => Err(Gone),
    }
}
