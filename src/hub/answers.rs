//! Answers to the questions of one connection, encoded as it asked for them.

use std::collections::BTreeMap;

use axum::extract::ws::Message;

use super::encode;
use super::questions::{Asked, failure};
use super::shared::Shared;
use crate::model::message::{FRAME_BYTES_MAX, HubMessage, QueryFailure, ResultColumn};
use crate::query::{TimeFormat, json_rows};

/// The answer to one question, as the frame to send.
pub async fn answer(shared: &Shared, id: u64, asked: Asked, explain: bool, arrow: bool) -> Message {
    if explain {
        return encode::text(&match shared.questions.explain(asked).await {
            Ok(plan) => HubMessage::Answer {
                id,
                columns: Vec::new(),
                rows: Vec::new(),
                error: None,
                elapsed_ms: 0.0,
                explain: Some(plan),
                data_until: None,
                demo: false,
                replay: false,
                info: BTreeMap::new(),
            },
            Err(error) => failed(id, error),
        });
    }
    let at = shared.questions.instant(&asked);
    let info = asked.name.as_ref().map(|name| shared.engine.info(name, at)).unwrap_or_default();
    let (answer, place) = match shared.questions.ask(asked).await {
        Ok(answer) => answer,
        Err(error) => return encode::text(&failed(id, error)),
    };
    let zone = shared.city.tz;
    let snapshot = shared.store.snapshot();
    let data_until = snapshot.data_until.map(|until| at.map_or(until, |at| until.min(at)));
    let (demo, replay) = (snapshot.demo, snapshot.replay());
    // An answer may be large; encoding it must not hold up the network.
    let encoded = tokio::task::spawn_blocking(move || {
        let _place = place;
        let message = |columns: Vec<ResultColumn>, rows| HubMessage::Answer {
            id,
            columns,
            rows,
            error: None,
            elapsed_ms: answer.elapsed_ms,
            explain: None,
            data_until,
            demo,
            replay,
            info: info.clone(),
        };
        let frame = if arrow {
            let (columns, _) = json_rows(&answer.schema, &[], TimeFormat::Micros);
            encode::arrow(&message(columns, Vec::new()), &answer.schema, &answer.batches).map(Message::Binary)
        } else {
            let (columns, rows) = json_rows(&answer.schema, &answer.batches, TimeFormat::Rfc3339(zone));
            Ok(encode::text(&message(columns, rows)))
        };
        match frame {
            Ok(Message::Text(text)) if text.len() > FRAME_BYTES_MAX => encode::text(&failed(id, too_large(text.len()))),
            Ok(Message::Binary(bytes)) if bytes.len() > FRAME_BYTES_MAX => {
                encode::text(&failed(id, too_large(bytes.len())))
            }
            Ok(message) => message,
            Err(error) => encode::text(&failed(id, failure("wrong_type", error))),
        }
    });
    encoded.await.unwrap_or_else(|error| encode::text(&failed(id, failure("overloaded", error.to_string()))))
}

fn too_large(bytes: usize) -> QueryFailure {
    failure(
        "too_large",
        format!("the answer has {bytes} bytes, a frame holds {FRAME_BYTES_MAX}; add a LIMIT, or GET /api/query"),
    )
}

/// An answer that says why there is none.
pub fn failed(id: u64, error: QueryFailure) -> HubMessage {
    HubMessage::Answer {
        id,
        columns: Vec::new(),
        rows: Vec::new(),
        error: Some(error),
        elapsed_ms: 0.0,
        explain: None,
        data_until: None,
        demo: false,
        replay: false,
        info: BTreeMap::new(),
    }
}
