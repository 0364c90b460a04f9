//! The wall's picture for browsers: one JPEG, or a stream of them.
//!
//! Asking makes the wall draw for us; when nobody asks it does not. No wall, or one that does not answer in time, is
//! told in one sentence with 503.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Query, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use serde::Deserialize;
use tokio::time::{Instant, sleep_until, timeout};

use super::shared::Shared;
use super::walls::{Look, Picture};

/// A picture younger than this is the newest.
const FRESH: Duration = Duration::from_millis(1_500);
/// A picture that stays the same is sent again after this, so that the stream is seen to live.
const REPEAT: Duration = Duration::from_secs(10);
const BOUNDARY: &str = "lingping-frame";

fn unavailable(sentence: &str) -> Response {
    (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "2")], format!("{sentence}\n")).into_response()
}

const NO_WALL: &str = "no wall is connected; start one with `lingping wall --hub ws://HOST:8189/ws`";

/// A picture that is fresh, waiting for the wall to send one.
async fn fresh(look: &mut Look, wait: Duration) -> Option<Arc<Picture>> {
    let newest =
        look.newest.wait_for(|picture| picture.as_ref().is_some_and(|picture| picture.taken.elapsed() < FRESH));
    // The last picture of a wall that draws only when something changes may be older and still the newest.
    match timeout(wait, newest).await {
        Ok(Ok(picture)) => picture.clone(),
        Ok(Err(_)) | Err(_) => None,
    }
}

/// `/wall.jpg`
pub async fn jpg(State(shared): State<Arc<Shared>>) -> Response {
    if shared.walls.count() == 0 {
        return unavailable(NO_WALL);
    }
    let mut look = shared.walls.look(2);
    let picture = fresh(&mut look, shared.limits.picture_wait).await.or_else(|| look.newest.borrow().clone());
    match picture {
        Some(picture) => {
            let size = format!("{}x{}", picture.width, picture.height);
            let mut response = ([(header::CONTENT_TYPE, "image/jpeg")], picture.jpeg.clone()).into_response();
            let headers = response.headers_mut();
            for (name, value) in [("x-wall-size", size.as_str()), ("x-wall-scene", picture.scene.as_str())] {
                if let Ok(value) = HeaderValue::from_str(value) {
                    headers.insert(name, value);
                }
            }
            response
        }
        None => unavailable("the wall is connected but sent no picture in time; try again"),
    }
}

#[derive(Deserialize)]
pub struct Stream {
    fps: Option<u32>,
}

/// `/wall.mjpeg`
pub async fn mjpeg(State(shared): State<Arc<Shared>>, Query(asked): Query<Stream>) -> Response {
    if shared.walls.count() == 0 {
        return unavailable(NO_WALL);
    }
    let look = shared.walls.look(asked.fps.unwrap_or(5));
    let stopping = shared.stopping.clone();
    let frames = stream::unfold((look, None::<Instant>), move |(mut look, sent)| {
        let mut stopping = stopping.clone();
        async move {
            if let Some(sent) = sent {
                sleep_until(sent + Duration::from_secs(1) / look.fps).await;
            } else {
                look.newest.mark_changed();
            }
            loop {
                tokio::select! {
                    changed = timeout(REPEAT, look.newest.changed()) => {
                        if let Ok(Err(_)) = changed {
                            return None;
                        }
                    }
                    _ = stopping.wait_for(|stopping| *stopping) => return None,
                }
                let picture = look.newest.borrow_and_update().clone();
                if let Some(picture) = picture {
                    return Some((Ok::<Bytes, Infallible>(part(&picture)), (look, Some(Instant::now()))));
                }
            }
        }
    });
    let kind = format!("multipart/x-mixed-replace; boundary={BOUNDARY}");
    ([(header::CONTENT_TYPE, kind)], Body::from_stream(frames)).into_response()
}

fn part(picture: &Picture) -> Bytes {
    let head = format!("--{BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {}\r\n\r\n", picture.jpeg.len());
    let mut part = Vec::with_capacity(head.len() + picture.jpeg.len() + 2);
    part.extend_from_slice(head.as_bytes());
    part.extend_from_slice(&picture.jpeg);
    part.extend_from_slice(b"\r\n");
    part.into()
}
