//! The link: the one place of the wall that touches a socket.
//!
//! A thread of its own keeps a WebSocket to the hub, says `hello`, asks for what the wall shows, and hands on what
//! comes. It connects again by itself after growing, random pauses and asks again for everything. Both queues are
//! bounded: when the wall is busy the link waits and the hub, for its part, skips to the newest state.
//! It never gives up and never panics; what is wrong is told as [`News::Down`].

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use futures_util::{Sink, SinkExt, StreamExt};
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Bytes, Error, Message};

use crate::model::message::{self, ClientMessage, Format, HubMessage};

use super::options::WallError;

/// Messages from the hub that wait for the wall.
const NEWS_MAX: usize = 512;
/// Messages of the wall that wait for the hub.
const ASKED_MAX: usize = 64;
/// A connection that says nothing for so long is given up; the hub ticks each second.
const SILENCE: Duration = Duration::from_secs(20);
const PAUSE_FIRST: Duration = Duration::from_millis(250);
const PAUSE_LAST: Duration = Duration::from_secs(8);

/// What the link has to tell.
pub enum News {
    /// A message from the hub.
    Message(Box<HubMessage>),
    /// The connection ended or could not be made; in words.
    Down(String),
}

/// What the wall wants sent.
enum Asked {
    /// Sent again after each reconnect, in place of the last of the same slot.
    Standing(Slot, ClientMessage),
    Once(ClientMessage),
    Binary(Bytes),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Slot {
    Subscribe,
    Follow,
}

/// The wall's end of the link.
pub struct Link {
    news: parking_lot::Mutex<Receiver<News>>,
    asked: mpsc::Sender<Asked>,
}

/// Called when news came, from the link's thread: wakes a sleeping wall.
pub type Wake = Arc<dyn Fn() + Send + Sync>;

impl Link {
    /// Starts the thread and returns at once.
    ///
    /// # Errors
    /// The thread or its runtime can't be started.
    pub fn open(url: &str, wake: Wake) -> Result<Link, WallError> {
        let (news_sender, news) = sync_channel(NEWS_MAX);
        let (asked, asked_receiver) = mpsc::channel(ASKED_MAX);
        let fail = |error: std::io::Error| WallError::Setup(format!("the link to the hub cannot be started: {error}"));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(fail)?;
        let url = url.to_owned();
        std::thread::Builder::new()
            .name("wall-link".into())
            .spawn(move || runtime.block_on(keep(&url, news_sender, asked_receiver, wake)))
            .map_err(fail)?;
        Ok(Link { news: parking_lot::Mutex::new(news), asked })
    }

    /// The next news that already came.
    pub fn next(&self) -> Option<News> {
        self.news.lock().try_recv().ok()
    }

    /// Replaces what is subscribed; kept over reconnects.
    pub fn subscribe(&self, metrics: Vec<message::MetricRef>) {
        self.ask(Asked::Standing(Slot::Subscribe, ClientMessage::Subscribe { metrics }));
    }

    /// Follows a stream; kept over reconnects.
    pub fn follow(&self, stream: &str, columns: &[&str], tail: usize, since: Option<i64>) {
        let columns = columns.iter().map(|column| (*column).to_owned()).collect();
        let message = ClientMessage::Follow { stream: stream.to_owned(), columns, tail, since, after: None };
        self.ask(Asked::Standing(Slot::Follow, message));
    }

    pub fn send(&self, message: ClientMessage) {
        self.ask(Asked::Once(message));
    }

    /// A way to send pictures from another thread.
    pub fn frames(&self) -> FrameSender {
        FrameSender(self.asked.clone())
    }

    fn ask(&self, asked: Asked) {
        if self.asked.try_send(asked).is_err() {
            tracing::warn!("the link to the hub has {ASKED_MAX} messages waiting; one was dropped");
        }
    }
}

/// Sends pictures; one is dropped when earlier ones are still waiting.
pub struct FrameSender(mpsc::Sender<Asked>);

impl FrameSender {
    pub fn send(&self, frame: Vec<u8>) {
        if self.0.capacity() > ASKED_MAX / 2 && self.0.try_send(Asked::Binary(frame.into())).is_err() {
            tracing::debug!("a picture of the wall was dropped: the link is busy");
        }
    }
}

/// What is asked for again after a reconnect.
#[derive(Default)]
struct Standing {
    subscribe: Option<ClientMessage>,
    follow: Option<ClientMessage>,
}

async fn keep(url: &str, news: SyncSender<News>, mut asked: mpsc::Receiver<Asked>, wake: Wake) {
    let mut standing = Standing::default();
    let mut pause = PAUSE_FIRST;
    // Full jitter without a random-number crate: the hasher's keys differ from process to process.
    let mut jitter = Jitter::new();
    loop {
        let ended = match session(url, &news, &mut asked, &mut standing, &wake, &mut pause).await {
            Ended::Wall => return,
            Ended::Connection(why) => why,
        };
        if tell(&news, News::Down(ended), &wake).await.is_err() {
            return;
        }
        let wait = pause.mul_f64(jitter.share());
        pause = (pause * 2).min(PAUSE_LAST);
        // What is asked meanwhile is remembered.
        let sleep = tokio::time::sleep(wait.max(Duration::from_millis(20)));
        tokio::pin!(sleep);
        loop {
            tokio::select! {
                () = &mut sleep => break,
                request = asked.recv() => match request {
                    None => return,
                    Some(Asked::Standing(slot, message)) => standing.keep(slot, message),
                    Some(Asked::Once(_) | Asked::Binary(_)) => {}
                }
            }
        }
    }
}

impl Standing {
    fn keep(&mut self, slot: Slot, message: ClientMessage) {
        match slot {
            Slot::Subscribe => self.subscribe = Some(message),
            Slot::Follow => self.follow = Some(message),
        }
    }
}

enum Ended {
    /// The wall is gone.
    Wall,
    Connection(String),
}

async fn session(
    url: &str,
    news: &SyncSender<News>,
    asked: &mut mpsc::Receiver<Asked>,
    standing: &mut Standing,
    wake: &Wake,
    pause: &mut Duration,
) -> Ended {
    let ended = |what: &str, error: &dyn std::fmt::Display| Ended::Connection(format!("{what} {url}: {error}"));
    let config = WebSocketConfig::default()
        .max_message_size(Some(message::FRAME_BYTES_MAX * 2))
        .max_frame_size(Some(message::FRAME_BYTES_MAX * 2));
    let connect = tokio_tungstenite::connect_async_with_config(url, Some(config), true);
    let socket = match tokio::time::timeout(Duration::from_secs(5), connect).await {
        Err(_) => return ended("no answer from", &"5 s passed"),
        Ok(Err(error)) => return ended("cannot reach the hub at", &error),
        Ok(Ok((socket, _))) => socket,
    };
    let (mut sink, mut stream) = socket.split();
    let hello = ClientMessage::Hello { client: "wall".into(), format: Format::Json };
    for message in [Some(&hello), standing.subscribe.as_ref(), standing.follow.as_ref()].into_iter().flatten() {
        if let Err(why) = put(&mut sink, text(message), SILENCE).await {
            return ended("lost the hub at", &why);
        }
    }
    loop {
        tokio::select! {
            received = tokio::time::timeout(SILENCE, stream.next()) => match received {
                Err(_) => return ended("nothing heard from", &format_args!("{} s of silence", SILENCE.as_secs())),
                Ok(None) => return ended("the hub closed", &"connection ended"),
                Ok(Some(Err(error))) => return ended("lost the hub at", &error),
                Ok(Some(Ok(Message::Text(body)))) => match serde_json::from_str::<HubMessage>(&body) {
                    Ok(message) => {
                        *pause = PAUSE_FIRST;
                        if tell(news, News::Message(Box::new(message)), wake).await.is_err() {
                            return Ended::Wall;
                        }
                    }
                    Err(error) => tracing::warn!("a message of the hub is not understood and left out: {error}"),
                },
                Ok(Some(Ok(Message::Close(_)))) => return ended("the hub closed", &"connection ended"),
                Ok(Some(Ok(_))) => {}
            },
            request = asked.recv() => {
                let message = match request {
                    None => return Ended::Wall,
                    Some(Asked::Standing(slot, message)) => {
                        let sent = text(&message);
                        standing.keep(slot, message);
                        sent
                    }
                    Some(Asked::Once(message)) => text(&message),
                    Some(Asked::Binary(frame)) => Message::Binary(frame),
                };
                if let Err(why) = put(&mut sink, message, SILENCE).await {
                    return ended("lost the hub at", &why);
                }
            }
        }
    }
}

/// Sends, unless the hub takes nothing for so long.
async fn put(
    sink: &mut (impl Sink<Message, Error = Error> + Unpin),
    message: Message,
    most: Duration,
) -> Result<(), String> {
    match tokio::time::timeout(most, sink.send(message)).await {
        Ok(sent) => sent.map_err(|error| error.to_string()),
        Err(_) => Err(format!("it took nothing for {} s", most.as_secs_f64())),
    }
}

fn text(message: &ClientMessage) -> Message {
    Message::Text(serde_json::to_string(message).unwrap_or_default().into())
}

/// Hands news on, waiting while the wall has too much of it; fails when the wall is gone.
async fn tell(news: &SyncSender<News>, mut item: News, wake: &Wake) -> Result<(), ()> {
    use std::sync::mpsc::TrySendError;
    loop {
        match news.try_send(item) {
            Ok(()) => {
                wake();
                return Ok(());
            }
            Err(TrySendError::Disconnected(_)) => return Err(()),
            Err(TrySendError::Full(back)) => {
                item = back;
                wake();
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
    }
}

struct Jitter(u64);

impl Jitter {
    fn new() -> Jitter {
        use std::hash::{BuildHasher, Hasher};
        Jitter(std::hash::RandomState::new().build_hasher().finish() | 1)
    }

    /// Between 0 and 1 (xorshift).
    fn share(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_hub_that_takes_nothing_is_given_up() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("ws://{}/ws", listener.local_addr().unwrap());
        let silent = tokio::spawn(async move {
            let (socket, _) = listener.accept().await.unwrap();
            let socket = tokio_tungstenite::accept_async(socket).await.unwrap();
            std::future::pending::<()>().await;
            drop(socket);
        });
        let (mut socket, _) = tokio_tungstenite::connect_async(&url).await.unwrap();
        let most = Duration::from_millis(300);
        assert_eq!(put(&mut socket, Message::Text("hello".into()), most).await, Ok(()));
        // More than the system's buffers of both ends hold.
        let picture = Message::Binary(vec![0; 64 << 20].into());
        assert_eq!(put(&mut socket, picture, most).await, Err("it took nothing for 0.3 s".to_owned()));
        silent.abort();
    }

    #[test]
    fn pauses_are_spread_between_nothing_and_the_whole() {
        let mut jitter = Jitter::new();
        let shares: Vec<f64> = (0..1000).map(|_| jitter.share()).collect();
        assert!(shares.iter().all(|share| (0.0..1.0).contains(share)));
        assert!(shares.iter().any(|share| *share < 0.2) && shares.iter().any(|share| *share > 0.8));
    }
}
