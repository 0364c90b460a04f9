//! One WebSocket connection, from its first frame to its end.
//!
//! The session reads frames and hands each to whoever deals with it: batches to the [`Pipeline`], metrics to the
//! pollers, questions to the engine. All of them answer through the [`Outbox`]. A wrong message is answered by an
//! `error` and the session goes on; it ends when the client goes, is silent for too long, takes nothing any more, or
//! the hub stops. Nothing a client sends ends anything but its own connection.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::Error as SocketError;
use axum::extract::ws::{Message, Utf8Bytes, WebSocket};
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::SplitStream;
use tokio::sync::{Semaphore, watch};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, timeout};

use super::answers::{answer, failed};
use super::decode::{self, Incoming, Refusal};
use super::deliver::{send_pictures, send_results, tell_wall};
use super::follow::Follow;
use super::limits::{FPS_MAX, JPEG_BYTES_MAX};
use super::outbox::{self, Closing, Gone, Outbox};
use super::pipeline::Pipeline;
use super::questions::{Asked, check_params, failure};
use super::rows::INLINE_BYTES;
use super::shared::Shared;
use super::walls::{Picture, PictureSlot};
use crate::model::Stream;
use crate::model::message::{ClientMessage, FRAME_BYTES_MAX, HubMessage, MetricRef, VERSION};

/// Serves a connection until it ends.
pub async fn serve(shared: Arc<Shared>, socket: WebSocket) {
    let (sink, stream) = socket.split();
    let (outbox, queue) = Outbox::new();
    let (close, closing) = watch::channel(None);
    let mut writer = tokio::spawn({
        let (shared, ticks) = (shared.clone(), shared.ticks.clone());
        async move { outbox::write(sink, queue, ticks, closing, &shared.sent, &shared.limits).await }
    });
    let mut stopping = shared.stopping.clone();
    let mut session = Session::new(shared.clone(), outbox);
    let why = tokio::select! {
        why = session.read(stream) => Some(why),
        _ = &mut writer => None,
        _ = stopping.wait_for(|stopping| *stopping) => Some(Closing::GOING),
    };
    // What was taken in lands and is answered, also when the client or the hub goes.
    session.finish().await;
    if let Some(why) = why {
        close.send_replace(Some(why));
        if timeout(shared.limits.stuck, &mut writer).await.is_err() {
            writer.abort();
        }
    }
}

struct Session {
    shared: Arc<Shared>,
    outbox: Outbox,
    pipeline: Option<Pipeline>,
    /// Everything that works for this connection; it stops with it.
    tasks: JoinSet<()>,
    subscription: Option<AbortHandle>,
    follows: HashMap<Stream, AbortHandle>,
    watching: Option<AbortHandle>,
    queries: Arc<Semaphore>,
    /// Set when the client is a wall.
    picture: Option<PictureSlot>,
}

impl Session {
    fn new(shared: Arc<Shared>, outbox: Outbox) -> Session {
        let queries = Arc::new(Semaphore::new(shared.limits.queries_each));
        Session {
            shared,
            outbox,
            pipeline: None,
            tasks: JoinSet::new(),
            subscription: None,
            follows: HashMap::new(),
            watching: None,
            queries,
            picture: None,
        }
    }

    async fn read(&mut self, mut stream: SplitStream<WebSocket>) -> Closing {
        loop {
            let message = match timeout(self.shared.limits.silence, stream.next()).await {
                Err(_) => return Closing::SILENT,
                Ok(None) => return Closing::ENDED,
                Ok(Some(Err(error))) => return self.broken(&error).await,
                Ok(Some(Ok(message))) => message,
            };
            self.shared.received.fetch_add(1, Ordering::Relaxed);
            let incoming = match message {
                Message::Text(text) => decode_text(text).await,
                // A payload is not looked at here, so this is quick at any size.
                Message::Binary(frame) => decode::binary_frame(&frame),
                // tungstenite answers pings itself; both show that the client is there.
                Message::Ping(_) | Message::Pong(_) => continue,
                Message::Close(_) => return Closing::ENDED,
            };
            let handled = match incoming {
                Ok(incoming) => self.handle(incoming).await,
                Err(refusal) => self.refuse(refusal).await,
            };
            if handled.is_err() {
                return Closing::ENDED;
            }
        }
    }

    /// The transport failed: usually the client is gone; a frame beyond all bounds is told.
    async fn broken(&self, error: &SocketError) -> Closing {
        let sentence = error.to_string();
        if !sentence.contains("too long") && !sentence.contains("Space limit exceeded") {
            tracing::debug!("a connection broke: {sentence}");
            return Closing::ENDED;
        }
        let message =
            format!("the frame is too large, at most {FRAME_BYTES_MAX} bytes are taken; the connection is closed");
        // The connection ends in any case.
        let _ = self.refuse(Refusal::new("too_large", message)).await;
        Closing::TOO_LARGE
    }

    async fn refuse(&self, refusal: Refusal) -> Result<(), Gone> {
        self.shared.refused.fetch_add(1, Ordering::Relaxed);
        self.outbox.say(refusal).await
    }

    async fn handle(&mut self, incoming: Incoming) -> Result<(), Gone> {
        match incoming {
            Incoming::Ingest(ingest) => self.pipeline().put(ingest).await,
            Incoming::Picture { width, height, scene, frame, jpeg } => {
                match self.picture(width, height, scene, frame, jpeg) {
                    Ok(()) => Ok(()),
                    Err(refusal) => self.refuse(refusal).await,
                }
            }
            Incoming::Message(message) => match self.message(message).await? {
                Ok(()) => Ok(()),
                Err(refusal) => self.refuse(refusal).await,
            },
        }
    }

    async fn message(&mut self, message: ClientMessage) -> Result<Result<(), Refusal>, Gone> {
        while self.tasks.try_join_next().is_some() {}
        match message {
            ClientMessage::Hello { client, format } => {
                self.outbox.set_format(format);
                if client == "wall" && self.picture.is_none() {
                    let place = self.shared.walls.join();
                    self.picture = Some(place.slot());
                    self.tasks.spawn(tell_wall(place, self.outbox.clone()));
                }
                self.outbox.say(self.welcome()).await?;
            }
            ClientMessage::End { batch } => self.pipeline().end(batch).await?,
            ClientMessage::Subscribe { metrics } => return self.subscribe(metrics).await,
            ClientMessage::Follow { stream, columns, tail, since, after } => {
                let follow = match Follow::new(&stream, &columns, tail, since, after) {
                    Ok(follow) => follow,
                    Err(refusal) => return Ok(Err(refusal)),
                };
                let stream = follow.stream;
                let task = self.tasks.spawn(follow.run(self.shared.store.clone(), self.outbox.clone()));
                if let Some(before) = self.follows.insert(stream, task) {
                    before.abort();
                }
            }
            ClientMessage::Query { id, sql, name, params, at, explain } => {
                self.query(id, Asked { sql, name, params, at }, explain).await?;
            }
            ClientMessage::Metrics { sql } => {
                let Ok(place) = self.queries.clone().try_acquire_owned() else {
                    let message = "queries of this connection are under way; wait for an answer";
                    return Ok(Err(Refusal::new("overloaded", message)));
                };
                let (engine, outbox) = (self.shared.engine.clone(), self.outbox.clone());
                self.tasks.spawn(async move {
                    let message = match engine.listed(sql).await {
                        Ok(metrics) => HubMessage::Metrics { metrics },
                        Err(failure) => Refusal::new(&failure.code, failure.message).into(),
                    };
                    // Nobody waits for it when the connection is gone.
                    let _ = outbox.say(message).await;
                    // Not before: answers that are not read would pile up.
                    drop(place);
                });
            }
            ClientMessage::Control(control) => {
                self.shared.walls.control(control);
            }
            ClientMessage::Watch { fps } => {
                if let Some(before) = self.watching.take() {
                    before.abort();
                }
                if fps > 0 {
                    let look = self.shared.walls.look(fps.min(FPS_MAX));
                    self.watching = Some(self.tasks.spawn(send_pictures(look, self.outbox.clone())));
                }
            }
            ClientMessage::Ping { n } => self.outbox.say(HubMessage::Pong { n }).await?,
            // Both are read as `Incoming` of their own before.
            ClientMessage::Ingest { .. } | ClientMessage::Frame { .. } => {}
        }
        Ok(Ok(()))
    }

    fn welcome(&self) -> HubMessage {
        let shared = &self.shared;
        let snapshot = shared.store.snapshot();
        HubMessage::Welcome {
            version: VERSION,
            hub: env!("CARGO_PKG_VERSION").to_owned(),
            city: Box::new(shared.city.as_ref().clone()),
            now: shared.clock.now_us(),
            demo: snapshot.demo,
            replay: snapshot.replay(),
            metrics: shared.engine.catalog().metrics.keys().cloned().collect(),
        }
    }

    fn pipeline(&mut self) -> &Pipeline {
        let shared = &self.shared;
        let outbox = &self.outbox;
        self.pipeline.get_or_insert_with(|| {
            Pipeline::start(
                shared.store.clone(),
                shared.city.clone(),
                outbox.clone(),
                shared.taken.clone(),
                &shared.limits,
            )
        })
    }

    /// Replaces the subscription. Metrics that are not known are told and waited for: their file may be mended.
    async fn subscribe(&mut self, metrics: Vec<MetricRef>) -> Result<Result<(), Refusal>, Gone> {
        let max = self.shared.limits.subscriptions;
        if metrics.len() > max {
            let message = format!("{} metrics, at most {max} are taken on one connection", metrics.len());
            return Ok(Err(Refusal::new("too_large", message).at("metrics")));
        }
        let catalog = self.shared.engine.catalog();
        let mut slots = Vec::with_capacity(metrics.len());
        for (at, metric) in metrics.iter().enumerate() {
            let field = format!("metrics[{at}]");
            if let Err(message) = check_params(&metric.params) {
                self.refuse(Refusal::new("too_large", message).at(field)).await?;
                continue;
            }
            if metrics[..at].contains(metric) {
                continue;
            }
            if !catalog.metrics.contains_key(&metric.name) {
                let shown: String = metric.name.chars().take(80).collect();
                let message = format!("there is no metric {shown:?}; `lingping query --list` names them");
                self.refuse(Refusal::new("unknown_metric", message).at(field.clone())).await?;
                if metric.name.len() > shown.len() {
                    continue;
                }
            }
            match self.shared.pollers.subscribe(metric) {
                Some(slot) => slots.push(slot),
                None => {
                    let message = "too many different metrics are looked at on this hub";
                    self.refuse(Refusal::new("overloaded", message).at(field)).await?;
                }
            }
        }
        let task = self.tasks.spawn(send_results(slots, self.outbox.clone()));
        if let Some(before) = self.subscription.replace(task) {
            before.abort();
        }
        Ok(Ok(()))
    }

    async fn query(&mut self, id: u64, asked: Asked, explain: bool) -> Result<(), Gone> {
        let Ok(place) = self.queries.clone().try_acquire_owned() else {
            let max = self.shared.limits.queries_each;
            let error =
                failure("overloaded", format!("{max} queries of this connection are under way; wait for an answer"));
            return self.outbox.say(failed(id, error)).await;
        };
        let (shared, outbox) = (self.shared.clone(), self.outbox.clone());
        self.tasks.spawn(async move {
            let message = answer(&shared, id, asked, explain, outbox.wants_arrow()).await;
            // Nobody waits for the answer when the connection is gone.
            let _ = outbox.send(message).await;
            // Not before: answers that are not read would pile up.
            drop(place);
        });
        Ok(())
    }

    fn picture(&self, width: u32, height: u32, scene: String, frame: Bytes, jpeg: Bytes) -> Result<(), Refusal> {
        let Some(slot) = &self.picture else {
            return Err(Refusal::new("wrong_type", "only a connection that said hello as a wall sends frames"));
        };
        if jpeg.len() > JPEG_BYTES_MAX {
            let message = format!("a picture of {} bytes, at most {JPEG_BYTES_MAX} are taken", jpeg.len());
            return Err(Refusal::new("too_large", message));
        }
        if !jpeg.starts_with(&[0xff, 0xd8, 0xff]) {
            return Err(Refusal::new("wrong_type", "the payload of a frame is no JPEG"));
        }
        slot.put(Picture { frame, jpeg, width, height, scene, taken: Instant::now() });
        Ok(())
    }

    async fn finish(mut self) {
        if let Some(pipeline) = self.pipeline.take() {
            pipeline.finish(self.shared.limits.goodbye).await;
        }
        self.tasks.shutdown().await;
    }
}

/// Reads a text frame, a large one on another thread so that nobody's ping waits for it.
async fn decode_text(text: Utf8Bytes) -> Result<Incoming, Refusal> {
    if text.len() <= INLINE_BYTES {
        return decode::text_frame(&text);
    }
    let read = tokio::task::spawn_blocking(move || decode::text_frame(&text)).await;
    read.unwrap_or_else(|error| Err(Refusal::new("overloaded", format!("the message could not be read: {error}"))))
}
