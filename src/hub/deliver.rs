//! What one connection is sent without having asked just then: results, pictures, what a wall is told.
//!
//! Each is a loop over a slot that holds the newest only, writing into the connection's outbox. A client that reads
//! slowly makes its loop wait; when it goes on, it sends what is newest then. It ends with the connection.

use std::time::Duration;

use axum::extract::ws::Message;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::sync::{broadcast, watch};
use tokio::time::{Instant, sleep_until};

use super::outbox::Outbox;
use super::pollers::Slot;
use super::walls::{Look, WallPlace};
use crate::model::message::HubMessage;

/// Sends each metric's newest result when there is one the client has not seen.
pub async fn send_results(slots: Vec<watch::Receiver<Slot>>, outbox: Outbox) {
    let wait = |mut slot: watch::Receiver<Slot>| async move { slot.changed().await.is_ok().then_some(slot) };
    let mut waiting: FuturesUnordered<_> = slots.into_iter().map(wait).collect();
    while let Some(changed) = waiting.next().await {
        let Some(mut slot) = changed else { continue };
        let newest = slot.borrow_and_update().clone();
        if let Some(rendered) = newest {
            let frame = if outbox.wants_arrow() { rendered.arrow() } else { None };
            let message = frame.map_or_else(|| Message::Text(rendered.json()), Message::Binary);
            if outbox.send(message).await.is_err() {
                return;
            }
        }
        waiting.push(wait(slot));
    }
}

/// Tells a wall what to show and how many pictures are wanted of it. Holds its place among the walls.
pub async fn tell_wall(mut place: WallPlace, outbox: Outbox) {
    place.wanted.mark_changed();
    loop {
        let message = tokio::select! {
            Ok(()) = place.wanted.changed() => HubMessage::Watch { fps: *place.wanted.borrow_and_update() },
            control = place.controls.recv() => match control {
                Ok(control) => HubMessage::Control(control),
                // A wall that slept through many controls shows what the newest say.
                Err(broadcast::error::RecvError::Lagged(_)) => continue,
                Err(broadcast::error::RecvError::Closed) => return,
            },
        };
        if outbox.say(message).await.is_err() {
            return;
        }
    }
}

/// Sends the newest picture, at most `fps` a second.
pub async fn send_pictures(mut look: Look, outbox: Outbox) {
    let apart = Duration::from_secs(1) / look.fps;
    look.newest.mark_changed();
    while look.newest.changed().await.is_ok() {
        let began = Instant::now();
        let picture = look.newest.borrow_and_update().clone();
        let Some(picture) = picture else { continue };
        if outbox.send_binary(picture.frame.clone()).await.is_err() {
            return;
        }
        sleep_until(began + apart).await;
    }
}
