//! Messages to clients as WebSocket frames: JSON text, or a binary frame with an Arrow payload.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use axum::extract::ws::{Message, Utf8Bytes};
use bytes::Bytes;
use serde::Serialize;

use super::ipc;
use crate::model::message::{HubMessage, pack_frame};

/// The message as JSON. Numbers that JSON lacks were nulls before; nothing else can fail, and if it did the client is
/// told instead of the hub stopping.
pub fn json<M: Serialize>(message: &M) -> Utf8Bytes {
    serde_json::to_string(message)
        .unwrap_or_else(|error| format!(r#"{{"type":"error","code":"overloaded","message":{:?}}}"#, error.to_string()))
        .into()
}

pub fn text(message: &HubMessage) -> Message {
    Message::Text(json(message))
}

/// A binary frame: the message (whose `rows` are empty) and the batches as payload.
pub fn arrow<M: Serialize>(header: &M, schema: &SchemaRef, batches: &[RecordBatch]) -> Result<Bytes, String> {
    let payload = ipc::write(schema, batches).map_err(|error| error.to_string())?;
    pack_frame(header, &payload).map(Bytes::from).map_err(|error| error.to_string())
}
