//! A hub for the tests of the client: keeps rows in memory, acks them, and misbehaves when told to.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;

use arrow::array::AsArray;
use futures_util::{SinkExt, StreamExt};
use parking_lot::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::protocol::Message;

use crate::model::message::{ClientMessage, HubMessage, VERSION, split_frame};

#[derive(Clone, Default)]
pub(super) struct Behaviour {
    /// Each connection is cut after this many batches, the last of them kept but not acked.
    pub cut_after: Option<usize>,
    /// Every batch is answered with this error code.
    pub refuse: Option<&'static str>,
    pub version: Option<u32>,
    /// Every connection but the first is answered with this over HTTP (nothing: closed at once), until there were so many.
    pub unready: Option<(&'static str, usize)>,
}

#[derive(Default)]
pub(super) struct Kept {
    pub rows: BTreeSet<(String, String)>,
    pub batches: usize,
    pub connections: usize,
    pub ends: usize,
}

pub(super) async fn start(behaviour: Behaviour) -> (SocketAddr, Arc<Mutex<Kept>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let kept = Arc::new(Mutex::new(Kept::default()));
    let shared = Arc::clone(&kept);
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            tokio::spawn(serve(socket, behaviour.clone(), Arc::clone(&shared)));
        }
    });
    (address, kept)
}

async fn serve(mut socket: TcpStream, behaviour: Behaviour, kept: Arc<Mutex<Kept>>) {
    let before = kept.lock().connections;
    if let Some((answer, until)) = behaviour.unready
        && (1..until).contains(&before)
    {
        kept.lock().connections += 1;
        let _ = socket.read(&mut [0; 1024]).await;
        let _ = socket.write_all(answer.as_bytes()).await;
        return;
    }
    let mut socket = tokio_tungstenite::accept_async(socket).await.unwrap();
    kept.lock().connections += 1;
    let mut batches = 0;
    while let Some(Ok(message)) = socket.next().await {
        let (header, payload) = match &message {
            Message::Text(text) => (text.as_bytes(), &[][..]),
            Message::Binary(frame) => split_frame(frame).unwrap(),
            _ => continue,
        };
        let answer = match serde_json::from_slice(header).unwrap() {
            ClientMessage::Hello { .. } => HubMessage::Welcome {
                version: behaviour.version.unwrap_or(VERSION),
                hub: "test".into(),
                city: Box::new(city()),
                now: 0,
                demo: false,
                replay: false,
                metrics: vec![],
            },
            ClientMessage::Ingest { batch, .. } => {
                if let Some(code) = behaviour.refuse {
                    let (code, message) = (code.to_owned(), "the disk is full".to_owned());
                    HubMessage::Error { code, message, field: None, row: None, batch: Some(batch) }
                } else {
                    batches += 1;
                    let (rows, duplicates) = keep(&mut kept.lock(), payload);
                    if behaviour.cut_after == Some(batches) {
                        return;
                    }
                    ack(batch, rows, duplicates)
                }
            }
            ClientMessage::End { batch } => {
                kept.lock().ends += 1;
                ack(batch, 0, 0)
            }
            _ => continue,
        };
        let text = serde_json::to_string(&answer).unwrap();
        if socket.send(Message::Text(text.into())).await.is_err() {
            return;
        }
    }
}

fn ack(batch: u64, rows: u64, duplicates: u64) -> HubMessage {
    let (aside, unknown) = Default::default();
    HubMessage::Ack { batch, rows, duplicates, quarantined: 0, waiting: 0, errors: vec![], aside, unknown }
}

fn keep(kept: &mut Kept, payload: &[u8]) -> (u64, u64) {
    kept.batches += 1;
    let (mut rows, mut duplicates) = (0, 0);
    for batch in arrow::ipc::reader::StreamReader::try_new(payload, None).unwrap() {
        let batch = batch.unwrap();
        let text = |name: &str| batch.column_by_name(name).unwrap().as_string_view().clone();
        let (sources, numbers) = (text("src"), text("src_seq"));
        for (source, number) in sources.iter().zip(&numbers) {
            let new = kept.rows.insert((source.unwrap().to_owned(), number.unwrap().to_owned()));
            if new { rows += 1 } else { duplicates += 1 }
        }
    }
    (rows, duplicates)
}

fn city() -> crate::model::City {
    let text = "code='t'\nzh='t'\nen='t'\ntitle_zh='t'\ntitle_en='t'\ntz='Asia/Shanghai'\nboards=[]\nservices=[]";
    crate::model::City::parse("test", text).unwrap()
}
