//! Asking a hub over its WebSocket: one `query` message, one `answer`.
//!
//! Fails with a sentence when the hub can't be reached, closes, or answers with an error.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio_tungstenite::tungstenite::{Error as WsError, Message};

use super::engine::Question;
use crate::model::City;
use crate::model::message::{ClientMessage, Format, HubMessage, MetricInfo, QueryFailure, ResultColumn, no_hub};

/// An answer is waited for this long.
const WAIT: Duration = Duration::from_secs(60);

#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    #[error("the hub at {url} can't be reached: {message}; is it running, and is the address right?")]
    Unreachable { url: String, message: String },
    #[error("{}", no_hub(url, message))]
    Address { url: String, message: String },
    #[error("the hub at {url} closed the connection before it answered")]
    Closed { url: String },
    #[error("the hub at {url} did not answer within {} s", WAIT.as_secs())]
    Late { url: String },
    #[error("the hub at {url} sent something that is no message of its protocol: {message}")]
    Strange { url: String, message: String },
    #[error("{}", super::failure::sentence(.0))]
    Refused(QueryFailure),
}

/// What a hub answered.
pub struct HubAnswer {
    pub city: City,
    /// The catalog, when nothing was asked.
    pub metrics: Vec<MetricInfo>,
    pub columns: Vec<ResultColumn>,
    pub rows: Vec<Vec<serde_json::Value>>,
    pub explain: Option<String>,
    /// Simulated rows, and rows that were played back, are in the store.
    pub demo: bool,
    pub replay: bool,
}

/// The city of a hub.
///
/// # Errors
/// See [`ClientError`].
pub async fn hub_city(url: &str) -> Result<City, ClientError> {
    let params = BTreeMap::new();
    let answer = ask(url, Wanted::City, &params, None, false);
    Ok(tokio::time::timeout(WAIT, answer).await.map_err(|_| ClientError::Late { url: url.to_owned() })??.city)
}

/// What is wanted of a hub.
#[derive(Clone, Copy)]
enum Wanted<'a> {
    City,
    Catalog,
    Answer(&'a Question),
}

/// Asks one question; with `None`, for the catalog.
///
/// # Errors
/// See [`ClientError`].
pub async fn ask_hub(
    url: &str,
    question: Option<&Question>,
    params: &BTreeMap<String, String>,
    at: Option<&str>,
    explain: bool,
) -> Result<HubAnswer, ClientError> {
    let wanted = question.map_or(Wanted::Catalog, Wanted::Answer);
    let answer = ask(url, wanted, params, at, explain);
    tokio::time::timeout(WAIT, answer).await.map_err(|_| ClientError::Late { url: url.to_owned() })?
}

async fn ask(
    url: &str,
    wanted: Wanted<'_>,
    params: &BTreeMap<String, String>,
    at: Option<&str>,
    explain: bool,
) -> Result<HubAnswer, ClientError> {
    let unreachable = |error: WsError| match error {
        WsError::Io(error) => ClientError::Unreachable { url: url.to_owned(), message: error.to_string() },
        error => ClientError::Address { url: url.to_owned(), message: error.to_string() },
    };
    let strange = |message: String| ClientError::Strange { url: url.to_owned(), message };
    let (mut socket, _) = tokio_tungstenite::connect_async(url).await.map_err(unreachable)?;
    let hello = ClientMessage::Hello { client: "query".to_owned(), format: Format::Json };
    let text = |message: &ClientMessage| serde_json::to_string(message).map_err(|error| strange(error.to_string()));
    socket.send(Message::text(text(&hello)?)).await.map_err(unreachable)?;
    let mut answer = None;
    loop {
        let Some(frame) = socket.next().await else { return Err(ClientError::Closed { url: url.to_owned() }) };
        let frame = frame.map_err(unreachable)?;
        let message = match &frame {
            Message::Text(text) => serde_json::from_str::<HubMessage>(text),
            Message::Close(_) => return Err(ClientError::Closed { url: url.to_owned() }),
            _ => continue,
        };
        match message.map_err(|error| strange(error.to_string()))? {
            HubMessage::Welcome { city, .. } => {
                let (columns, rows, metrics) = Default::default();
                let welcome =
                    HubAnswer { city: *city, metrics, columns, rows, explain: None, demo: false, replay: false };
                let question = match wanted {
                    Wanted::City => return Ok(welcome),
                    Wanted::Catalog => {
                        socket
                            .send(Message::text(text(&ClientMessage::Metrics { sql: false })?))
                            .await
                            .map_err(unreachable)?;
                        answer = Some(welcome);
                        continue;
                    }
                    Wanted::Answer(question) => question,
                };
                let (sql, name) = match question {
                    Question::Sql(sql) => (Some(sql.clone()), None),
                    Question::Metric(name) => (None, Some(name.clone())),
                };
                let (params, at) = (params.clone(), at.map(str::to_owned));
                let query = ClientMessage::Query { id: 1, sql, name, params, at, explain };
                socket.send(Message::text(text(&query)?)).await.map_err(unreachable)?;
                answer = Some(welcome);
            }
            HubMessage::Metrics { metrics } => {
                let Some(welcome) = answer else { return Err(strange("a catalog before its welcome".to_owned())) };
                let _ = socket.close(None).await;
                return Ok(HubAnswer { metrics, ..welcome });
            }
            HubMessage::Answer { columns, rows, error, explain, demo, replay, .. } => {
                if let Some(failure) = error {
                    return Err(ClientError::Refused(failure));
                }
                let Some(welcome) = answer else { return Err(strange("an answer before its welcome".to_owned())) };
                let _ = socket.close(None).await;
                return Ok(HubAnswer { columns, rows, explain, demo, replay, ..welcome });
            }
            HubMessage::Error { code, message, .. } => {
                return Err(ClientError::Refused(QueryFailure { code, message, line: None, column: None }));
            }
            _ => {}
        }
    }
}
