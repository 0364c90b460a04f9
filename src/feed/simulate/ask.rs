//! Asking a hub how far the demo came.

use futures_util::{SinkExt, StreamExt};
use serde_json::Value as Json;
use tokio_tungstenite::tungstenite::protocol::Message;

use crate::feed::FeedError;
use crate::model::message::{ClientMessage, Format, HubMessage};
use crate::model::stream::Stream;
use crate::model::time::parse_time_us;

/// What the hub has of the demo: for each stream the first and the latest time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Known {
    spans: [Option<(i64, i64)>; 6],
}

impl Known {
    pub fn note(&mut self, stream: Stream, first_us: i64, latest_us: i64) {
        let span = &mut self.spans[stream as usize];
        *span =
            Some(span.map_or((first_us, latest_us), |(first, latest)| (first.min(first_us), latest.max(latest_us))));
    }

    pub fn latest_us(&self, stream: Stream) -> Option<i64> {
        self.spans[stream as usize].map(|(_, latest)| latest)
    }

    /// The first and the latest time of all.
    pub fn span(&self) -> Option<(i64, i64)> {
        let first = self.spans.iter().flatten().map(|(first, _)| *first).min()?;
        let latest = self.spans.iter().flatten().map(|(_, latest)| *latest).max()?;
        Some((first, latest))
    }
}

fn question(sources: &[String]) -> String {
    let sources = sources.iter().map(|src| format!("'{src}'")).collect::<Vec<_>>().join(", ");
    Stream::ALL
        .iter()
        .map(|stream| {
            format!(
                "select '{stream}' as stream, min(ts) as first, max(ts) as latest from {stream} \
                 where src in ({sources})"
            )
        })
        .collect::<Vec<_>>()
        .join(" union all ")
}

/// Asks once, over a connection of its own.
///
/// # Errors
/// No hub is there, or it does not answer the question.
pub async fn what_the_hub_knows(url: &str, sources: &[String]) -> Result<Known, FeedError> {
    let lost = |message: String| FeedError::Connect { url: url.to_owned(), message };
    let (mut socket, _) = tokio_tungstenite::connect_async(url).await.map_err(|error| lost(error.to_string()))?;
    for message in [
        ClientMessage::Hello { client: "feed".to_owned(), format: Format::Json },
        ClientMessage::Query {
            id: 1,
            sql: Some(question(sources)),
            name: None,
            params: Default::default(),
            at: None,
            explain: false,
        },
    ] {
        let text = serde_json::to_string(&message).map_err(|error| FeedError::Encode(error.to_string()))?;
        socket.send(Message::text(text)).await.map_err(|error| lost(error.to_string()))?;
    }
    while let Some(message) = socket.next().await {
        let Message::Text(text) = message.map_err(|error| lost(error.to_string()))? else { continue };
        match serde_json::from_str::<HubMessage>(&text) {
            Ok(HubMessage::Answer { rows, error: None, .. }) => {
                let _ = socket.close(None).await;
                return read(&rows).ok_or_else(|| lost("its answer on the demo's span does not read".to_owned()));
            }
            Ok(HubMessage::Answer { error: Some(failure), .. }) => return Err(lost(failure.message)),
            Ok(HubMessage::Error { code, message, .. }) => {
                return Err(FeedError::Refused { url: url.to_owned(), code, message });
            }
            _ => {}
        }
    }
    Err(lost("it closed the connection".to_owned()))
}

fn read(rows: &[Vec<Json>]) -> Option<Known> {
    let time = |value: &Json| value.as_i64().or_else(|| value.as_str().and_then(parse_time_us));
    let mut known = Known::default();
    for row in rows {
        let [stream, first, latest] = row.as_slice() else { return None };
        if first.is_null() {
            continue;
        }
        known.note(Stream::from_name(stream.as_str()?)?, time(first)?, time(latest)?);
    }
    Some(known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_read_with_times_in_words_and_in_numbers() {
        let rows: Vec<Vec<Json>> = serde_json::from_str(
            r#"[["tickets","2026-11-23T14:32:07.5+08:00","2026-11-23T14:32:08+08:00"],["seats",5,9],["signals",null,null]]"#,
        )
        .unwrap();
        let known = read(&rows).unwrap();
        assert_eq!(known.span(), Some((5, 1_795_415_528_000_000)));
        assert_eq!(known.latest_us(Stream::Signals), None);
        assert!(read(&[vec![Json::from(1)]]).is_none());
    }
}
