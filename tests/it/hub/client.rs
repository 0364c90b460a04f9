//! A client for the tests of the hub: a WebSocket that says what it got, and a few lines of HTTP.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use lingping::hub::{Hub, HubOptions, Limits};
use lingping::model::{City, Clock};
use lingping::store::StoreOptions;
use serde_json::{Value as Json, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

/// Monday 23 November 2026, 14:32:07 in Ningbo, µs.
pub const NOW_US: i64 = 1_795_415_527_000_000;
/// Longer than anything in these tests takes; a test that waits so long has failed.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// A hub on a free port and what it was started with.
pub struct Running {
    pub hub: Hub,
    pub address: SocketAddr,
}

/// How a test's hub differs from the usual one.
#[derive(Default)]
pub struct Setup {
    pub dir: Option<PathBuf>,
    pub queries: Option<PathBuf>,
    pub limits: Option<Limits>,
    pub names: Vec<String>,
}

impl Setup {
    pub async fn start(self) -> Running {
        let city = Arc::new(City::load("ningbo").unwrap());
        let mut store = StoreOptions::new(city, Clock::manual(NOW_US));
        store.dir = self.dir;
        let queries = self.queries.unwrap_or_else(|| PathBuf::from("queries"));
        let mut options = HubOptions::new(store, "127.0.0.1:0".parse().unwrap(), queries);
        options.names = self.names;
        if let Some(limits) = self.limits {
            options.limits = limits;
        }
        let hub = Hub::start(options).await.unwrap();
        let address = hub.local_addr();
        Running { hub, address }
    }
}

pub async fn start() -> Running {
    Setup::default().start().await
}

pub struct Client {
    pub socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

impl Client {
    pub async fn connect(address: SocketAddr) -> Client {
        let (socket, _) = timeout(PATIENCE, connect_async(format!("ws://{address}/ws"))).await.unwrap().unwrap();
        Client { socket }
    }

    /// Connects with headers of a browser; the status when refused.
    pub async fn connect_from(address: SocketAddr, headers: &[(&'static str, &str)]) -> Result<Client, u16> {
        let mut request = format!("ws://{address}/ws").into_client_request().unwrap();
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        match timeout(PATIENCE, connect_async(request)).await.unwrap() {
            Ok((socket, _)) => Ok(Client { socket }),
            Err(tokio_tungstenite::tungstenite::Error::Http(response)) => Err(response.status().as_u16()),
            Err(error) => panic!("{error}"),
        }
    }

    pub async fn send(&mut self, message: Json) {
        self.send_text(message.to_string()).await;
    }

    pub async fn send_text(&mut self, text: String) {
        timeout(PATIENCE, self.socket.send(Message::text(text))).await.unwrap().unwrap();
    }

    pub async fn send_binary(&mut self, frame: Vec<u8>) {
        timeout(PATIENCE, self.socket.send(Message::binary(frame))).await.unwrap().unwrap();
    }

    /// The next message that is no tick, with its payload when it is binary; `None` when the connection ended.
    pub async fn next(&mut self) -> Option<(Json, Vec<u8>)> {
        loop {
            let message = timeout(PATIENCE, self.socket.next()).await.expect("the hub said nothing in time")?;
            let (json, payload): (Json, Vec<u8>) = match message {
                Ok(Message::Text(text)) => (serde_json::from_str(&text).unwrap(), Vec::new()),
                Ok(Message::Binary(frame)) => {
                    let (header, payload) = lingping::model::message::split_frame(&frame).unwrap();
                    (serde_json::from_slice(header).unwrap(), payload.to_vec())
                }
                Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_)) => continue,
                Ok(Message::Close(_)) | Err(_) => return None,
            };
            if json["type"] != "tick" {
                return Some((json, payload));
            }
        }
    }

    /// The next message that is no tick.
    pub async fn hear(&mut self) -> Json {
        self.next().await.expect("the connection ended").0
    }

    pub async fn hear_type(&mut self, word: &str) -> Json {
        loop {
            let message = self.hear().await;
            if message["type"] == word {
                return message;
            }
        }
    }

    pub async fn ask(&mut self, message: Json) -> Json {
        self.send(message).await;
        self.hear().await
    }

    /// Sends tickets as rows of JSON and returns the ack (or error).
    pub async fn ingest(&mut self, batch: u64, rows: &[Json]) -> Json {
        self.ask(json!({"type": "ingest", "batch": batch, "stream": "tickets", "rows": rows})).await
    }

    /// The first cell of the answer to `sql`.
    pub async fn value(&mut self, sql: &str) -> Json {
        self.send(json!({"type": "query", "id": 99, "sql": sql})).await;
        let answer = self.hear_type("answer").await;
        assert_eq!(answer["error"], Json::Null, "{answer}");
        answer["rows"][0][0].clone()
    }
}

/// An `open` whose ticket and number are `n`, `n` seconds before now.
pub fn open(n: i64) -> Json {
    json!({"ts": NOW_US - n * 1_000_000, "kind": "open", "id": format!("T-{n}"), "src": "crm", "src_seq": n.to_string(),
        "service": "ask", "area": "330203"})
}

pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

/// One request, the whole answer.
pub async fn http(address: SocketAddr, head: &str, body: &str) -> Answer {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let host =
        if head.to_ascii_lowercase().contains("\r\nhost:") { String::new() } else { format!("Host: {address}\r\n") };
    let length = if body.is_empty() { String::new() } else { format!("Content-Length: {}\r\n", body.len()) };
    let (line, rest) = head.split_once("\r\n").unwrap_or((head, ""));
    let rest = if rest.is_empty() { String::new() } else { format!("{}\r\n", rest.trim_end()) };
    let request = format!("{line} HTTP/1.1\r\n{host}{rest}{length}Connection: close\r\n\r\n{body}");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    timeout(PATIENCE, stream.read_to_end(&mut bytes)).await.unwrap().unwrap();
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    Answer { status, head: head.to_owned(), body: body.to_owned() }
}

pub async fn get(address: SocketAddr, path: &str) -> Answer {
    http(address, &format!("GET {path}"), "").await
}
