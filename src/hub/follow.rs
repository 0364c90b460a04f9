//! A stream's rows, sent on as they land.
//!
//! A follower holds no queue: it remembers the last `seq` it sent and reads the next rows from the store's snapshot when
//! the client took the ones before. So nothing is missed and nothing doubled, at whatever pace the client reads; one
//! that is too far behind is started again from a fresh tail. It ends with the connection or the store.

use std::sync::Arc;
use std::time::Duration;

use arrow::array::{AsArray, RecordBatch};
use arrow::compute::concat_batches;
use arrow::datatypes::{Int64Type, Schema, SchemaRef};
use axum::extract::ws::Message;
use tokio::time::{Instant, sleep_until};

use super::decode::Refusal;
use super::encode;
use super::limits::{EVENTS_ROWS, TAIL_ROWS_MAX};
use super::outbox::{Gone, Outbox};
use super::past::{self, Tail};
use crate::model::Stream;
use crate::model::message::HubMessage;
use crate::query::{TimeFormat, json_rows};
use crate::store::{Snapshot, Store};

/// Rows that land within this time travel together.
const GATHER: Duration = Duration::from_millis(20);
/// More rows than this are encoded on another thread.
const INLINE_ROWS: usize = 2_000;

/// What a client asked to follow.
#[derive(Clone, Debug)]
pub struct Follow {
    pub stream: Stream,
    /// Positions in the stream's schema.
    columns: Vec<usize>,
    schema: SchemaRef,
    tail: usize,
    since_us: Option<i64>,
    after: Option<i64>,
}

impl Follow {
    /// # Errors
    /// An unknown stream or column, or a tail that is too long.
    pub fn new(
        stream: &str,
        columns: &[String],
        tail: usize,
        since_us: Option<i64>,
        after: Option<i64>,
    ) -> Result<Follow, Refusal> {
        let stream = Stream::from_name(stream).ok_or_else(|| super::decode::unknown_stream(stream))?;
        if tail > TAIL_ROWS_MAX {
            return Err(Refusal::new("too_large", format!("a tail of {tail} rows, at most {TAIL_ROWS_MAX} are sent"))
                .at("tail"));
        }
        let whole = stream.schema();
        let mut positions = Vec::with_capacity(columns.len());
        for (at, name) in columns.iter().enumerate() {
            let position = whole.index_of(name).map_err(|_| {
                let shown: String = name.chars().take(40).collect();
                Refusal::new("unknown_column", format!("{stream} has no column {shown:?}")).at(format!("columns[{at}]"))
            })?;
            if positions.contains(&position) {
                return Err(Refusal::new("unknown_column", format!("the column {name} is asked twice"))
                    .at(format!("columns[{at}]")));
            }
            positions.push(position);
        }
        if positions.is_empty() {
            positions = (0..whole.fields().len()).collect();
        }
        let schema = whole.project(&positions).map_or_else(|_| Arc::new(Schema::empty()), Arc::new);
        Ok(Follow { stream, columns: positions, schema, tail, since_us, after })
    }

    /// Sends the past, then what lands, until the connection or the store ends.
    pub async fn run(self, store: Store, outbox: Outbox) {
        let ask = Arc::new(self);
        // Ending is the connection's business; whoever ended it says why.
        let _ = ask.send_all(&store, &outbox).await;
    }

    async fn send_all(self: &Arc<Follow>, store: &Store, outbox: &Outbox) -> Result<(), Gone> {
        let mut landed = store.landed();
        landed.borrow_and_update();
        let mut seq = match self.resume(store).await {
            Some((rows, seq)) => self.send(outbox, rows, Start::Backlog, Last::All(seq)).await?,
            None => self.fresh(store, outbox).await?,
        };
        loop {
            landed.changed().await.map_err(|_| Gone)?;
            landed.borrow_and_update();
            let gather = Instant::now() + GATHER;
            let snapshot = store.snapshot();
            let newest = past::newest(&snapshot);
            match self.rows_after(snapshot, seq).await {
                // Too far behind.
                None => seq = self.fresh(store, outbox).await?,
                Some(rows) if past::count(&rows) > 0 => {
                    seq = self.send(outbox, rows, Start::Live, Last::All(newest)).await?;
                    sleep_until(gather).await;
                }
                Some(_) => seq = newest,
            }
        }
    }

    /// The rows after `after`, when that is a place in this store not too far back.
    async fn resume(self: &Arc<Follow>, store: &Store) -> Option<(Vec<RecordBatch>, i64)> {
        let after = self.after?;
        let snapshot = store.snapshot();
        let newest = past::newest(&snapshot);
        if !(0..=newest).contains(&after) {
            return None;
        }
        Some((self.rows_after(snapshot, after).await?, newest))
    }

    /// Sends the tail as a new start, piece by piece; returns the `seq` it ends at.
    async fn fresh(self: &Arc<Follow>, store: &Store, outbox: &Outbox) -> Result<i64, Gone> {
        let snapshot = store.snapshot();
        let newest = past::newest(&snapshot);
        let mut tail = Tail::new(snapshot, self.stream, self.tail, self.since_us);
        let mut start = Start::Fresh;
        let mut held = Vec::new();
        loop {
            let next;
            (next, tail) = tokio::task::spawn_blocking(move || (tail.next(), tail)).await.map_err(|_| Gone)?;
            let Some(next) = next else { break };
            let rows = std::mem::replace(&mut held, next);
            if !rows.is_empty() {
                self.send(outbox, rows, start, Last::Piece).await?;
                start = Start::Backlog;
            }
        }
        self.send(outbox, held, start, Last::All(newest)).await
    }

    async fn rows_after(self: &Arc<Follow>, snapshot: Arc<Snapshot>, seq: i64) -> Option<Vec<RecordBatch>> {
        let stream = self.stream;
        // Rows that are no longer hot may have to be read from disk.
        if past::is_hot_after(&snapshot, stream, seq) {
            return past::after(&snapshot, stream, seq);
        }
        tokio::task::spawn_blocking(move || past::after(&snapshot, stream, seq)).await.ok().flatten()
    }

    /// Sends rows in messages of bounded size; returns the `seq` that all rows up to were sent.
    async fn send(
        self: &Arc<Follow>,
        outbox: &Outbox,
        rows: Vec<RecordBatch>,
        start: Start,
        last: Last,
    ) -> Result<i64, Gone> {
        let arrow = outbox.wants_arrow();
        let mut chunks = chunks(rows);
        if chunks.is_empty() {
            chunks.push((Vec::new(), 0));
        }
        let end = chunks.len() - 1;
        let mut sent_to = 0;
        for (at, (batches, count)) in chunks.into_iter().enumerate() {
            let (seq, more) = match last {
                Last::All(newest) if at == end => (Some(newest), false),
                _ => (last_seq(&batches), true),
            };
            sent_to = seq.unwrap_or(sent_to);
            let reset = start == Start::Fresh && at == 0;
            let (ask, backlog) = (self.clone(), start != Start::Live);
            let encode = move || ask.encode(&batches, Place { backlog, reset, more, seq }, arrow);
            let message = if count <= INLINE_ROWS {
                encode()
            } else {
                tokio::task::spawn_blocking(encode).await.map_err(|_| Gone)?
            };
            outbox.send(message).await?;
        }
        Ok(sent_to)
    }

    fn encode(&self, batches: &[RecordBatch], place: Place, arrow: bool) -> Message {
        let Place { backlog, reset, more, seq } = place;
        let projected: Vec<RecordBatch> =
            batches.iter().filter_map(|batch| batch.project(&self.columns).ok()).collect();
        let events = |rows| HubMessage::Events {
            stream: self.stream.name().to_owned(),
            columns: self.schema.fields().iter().map(|field| field.name().clone()).collect(),
            rows,
            backlog,
            reset,
            more,
            seq,
        };
        if arrow {
            let one = concat_batches(&self.schema, &projected);
            let frame = one
                .map_err(|error| error.to_string())
                .and_then(|one| encode::arrow(&events(Vec::new()), &self.schema, &[one]));
            match frame {
                Ok(frame) => return Message::Binary(frame),
                Err(error) => tracing::warn!("events of {} are sent as JSON: {error}", self.stream),
            }
        }
        let (_, rows) = json_rows(&self.schema, &projected, TimeFormat::Micros);
        encode::text(&events(rows))
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Start {
    /// Forget what came before.
    Fresh,
    /// Past rows that follow on what the client has.
    Backlog,
    Live,
}

/// What rows end with.
#[derive(Clone, Copy)]
enum Last {
    /// More of the same follow.
    Piece,
    /// Every row up to this `seq` was sent with them.
    All(i64),
}

/// What a message of rows says of them.
struct Place {
    backlog: bool,
    reset: bool,
    more: bool,
    seq: Option<i64>,
}

fn last_seq(batches: &[RecordBatch]) -> Option<i64> {
    let batch = batches.iter().rev().find(|batch| batch.num_rows() > 0)?;
    let seq = batch.column_by_name("seq")?.as_primitive_opt::<Int64Type>()?;
    Some(seq.value(seq.len() - 1))
}

/// Cuts the rows into pieces of at most [`EVENTS_ROWS`], with their sizes.
fn chunks(batches: Vec<RecordBatch>) -> Vec<(Vec<RecordBatch>, usize)> {
    let mut pieces: Vec<(Vec<RecordBatch>, usize)> = Vec::new();
    for mut batch in batches {
        while batch.num_rows() > 0 {
            let room = match pieces.last() {
                Some((_, count)) if *count < EVENTS_ROWS => EVENTS_ROWS - count,
                _ => {
                    pieces.push((Vec::new(), 0));
                    EVENTS_ROWS
                }
            };
            let taken = room.min(batch.num_rows());
            if let Some((piece, count)) = pieces.last_mut() {
                piece.push(batch.slice(0, taken));
                *count += taken;
            }
            batch = batch.slice(taken, batch.num_rows() - taken);
        }
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_followed_is_named() {
        let ask = |stream: &str, columns: &[&str], tail| {
            let columns: Vec<String> = columns.iter().map(|name| (*name).to_owned()).collect();
            Follow::new(stream, &columns, tail, None, None)
        };
        assert_eq!(ask("ticket", &[], 0).unwrap_err().code, "unknown_stream");
        let refusal = ask("tickets", &["ts", "colour"], 0).unwrap_err();
        assert_eq!((refusal.code.as_str(), refusal.field.as_deref()), ("unknown_column", Some("columns[1]")));
        assert_eq!(ask("tickets", &[], TAIL_ROWS_MAX + 1).unwrap_err().code, "too_large");
        assert_eq!(ask("tickets", &["ts", "state"], 5).unwrap().schema.fields().len(), 2);
        assert_eq!(ask("tickets", &[], 5).unwrap().schema, Stream::Tickets.schema());
    }

    #[test]
    fn chunks_keep_every_row_in_order() {
        let sizes = [3, 0, EVENTS_ROWS - 1, 2 * EVENTS_ROWS + 5];
        let mut next = 0;
        let batches: Vec<RecordBatch> = sizes
            .iter()
            .map(|size| {
                let seq: arrow::array::Int64Array = (next..next + *size as i64).collect();
                next += *size as i64;
                RecordBatch::try_from_iter([("seq", Arc::new(seq) as arrow::array::ArrayRef)]).unwrap()
            })
            .collect();
        let pieces = chunks(batches);
        assert!(pieces.iter().all(|(piece, size)| past::count(piece) == *size && *size <= EVENTS_ROWS));
        let all: Vec<i64> = pieces
            .iter()
            .flat_map(|(piece, _)| piece)
            .flat_map(|batch| batch.column(0).as_primitive::<Int64Type>().values().to_vec())
            .collect();
        assert_eq!(all, (0..next).collect::<Vec<_>>());
    }
}
