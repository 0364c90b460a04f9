//! Rows as sent become the record batch that is stored, and what is wrong with each of the others.
//!
//! This is work for a processor, not for the network: a large batch is read on a blocking thread. It fails by a
//! [`Refusal`] when no row of the batch could be read.

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;

use super::decode::{Refusal, Rows};
use super::ipc;
use super::limits::BATCH_ROWS_MAX;
use crate::model::Stream;
use crate::model::check::check_batch;
use crate::model::event::{self, Event, RowError};
use crate::model::message::Aside;

/// A batch above this size is read on another thread, so that others' messages do not wait for it.
pub const INLINE_BYTES: usize = 32 << 10;

/// The good rows of an `ingest`.
#[derive(Debug, PartialEq)]
pub struct Good {
    pub batch: RecordBatch,
    /// What was wrong with the others.
    pub errors: Vec<RowError>,
    /// Rows as sent.
    pub sent: usize,
}

impl Good {
    /// Moves the positions in errors about the good rows to where these stood in the batch as sent.
    pub fn as_sent(&self, mut later: Vec<RowError>) -> Vec<RowError> {
        if !self.errors.is_empty() {
            let kept = self.kept();
            for error in &mut later {
                error.row = kept.get(error.row).copied().unwrap_or(error.row);
            }
        }
        later
    }

    /// The same for rows that went to quarantine.
    pub fn aside_as_sent(&self, mut aside: Aside) -> Aside {
        if !self.errors.is_empty() && !aside.rows.is_empty() {
            let kept = self.kept();
            for row in aside.rows.iter_mut().filter_map(|aside| aside.row.as_mut()) {
                *row = kept.get(*row).copied().unwrap_or(*row);
            }
        }
        aside
    }

    /// Where each good row stood in the batch as sent.
    fn kept(&self) -> Vec<usize> {
        let mut wrong = self.errors.iter().map(|error| error.row).peekable();
        let mut kept = Vec::with_capacity(self.batch.num_rows());
        for row in 0..self.sent {
            if wrong.next_if_eq(&row).is_none() {
                kept.push(row);
            }
        }
        kept
    }
}

/// Reads the rows, on another thread when there are many.
///
/// # Errors
/// There are too many, or the payload is not Arrow, or a column of it can't be read.
pub async fn read(stream: Stream, rows: Rows, bytes: usize) -> Result<Good, Refusal> {
    if bytes <= INLINE_BYTES || matches!(rows, Rows::Read(_)) {
        return read_now(stream, rows);
    }
    match tokio::task::spawn_blocking(move || read_now(stream, rows)).await {
        Ok(result) => result,
        // Only when the runtime shuts down, or a panic that is a bug of ours: this batch is lost, not the hub.
        Err(error) => Err(Refusal::new("overloaded", format!("the batch could not be read: {error}; send it again"))),
    }
}

fn read_now(stream: Stream, rows: Rows) -> Result<Good, Refusal> {
    match rows {
        Rows::Read(good) => Ok(good),
        Rows::Json(rows) => from_json(stream, &rows),
        Rows::Arrow(payload) => {
            let batches = ipc::read(payload, BATCH_ROWS_MAX)
                .map_err(|error| Refusal { field: error.field, ..Refusal::new(error.code, error.message) })?;
            from_arrow(stream, &batches)
        }
    }
}

pub fn too_many(rows: usize) -> Refusal {
    let message = format!("{rows} rows, at most {BATCH_ROWS_MAX} are taken in one batch; send several");
    Refusal::new("too_large", message).at("rows")
}

/// Rows that stood before the name of their stream, so that they could not be read at once.
fn from_json(stream: Stream, rows: &[serde_json::Value]) -> Result<Good, Refusal> {
    if rows.len() > BATCH_ROWS_MAX {
        return Err(too_many(rows.len()));
    }
    let mut events = Vec::with_capacity(rows.len());
    let mut errors = Vec::new();
    for (row, json) in rows.iter().enumerate() {
        match Event::from_json(stream, row, json) {
            Ok(event) => events.push(event),
            Err(error) => errors.push(error),
        }
    }
    let batch = event::batch(stream, &events).map_err(row_refusal)?;
    Ok(Good { batch, errors, sent: rows.len() })
}

fn from_arrow(stream: Stream, batches: &[RecordBatch]) -> Result<Good, Refusal> {
    let mut good = Vec::with_capacity(batches.len());
    let mut errors = Vec::new();
    let mut sent = 0;
    for batch in batches {
        let checked = check_batch(stream, batch, sent).map_err(row_refusal)?;
        sent += batch.num_rows();
        good.push(checked.batch);
        errors.extend(checked.errors);
    }
    let batch = match <[RecordBatch; 1]>::try_from(good) {
        Ok([one]) => one,
        Err(many) => concat_batches(&stream.source_schema(), &many).map_err(|error| {
            Refusal::new("wrong_type", format!("the batches of the payload do not fit together: {error}"))
        })?,
    };
    Ok(Good { batch, errors, sent })
}

/// An error that concerns a column of the whole batch.
pub fn row_refusal(error: RowError) -> Refusal {
    Refusal { field: Some(error.field), row: Some(error.row), ..Refusal::new(&error.code, error.message) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_the_store_are_told_where_the_row_stood_as_sent() {
        let rows: Vec<_> = (0..6)
            .map(|n| match n {
                1 | 3 => serde_json::json!({"nonsense": n}),
                n => serde_json::json!({"ts": n, "kind": "open", "id": "a", "src": "s", "src_seq": n}),
            })
            .collect();
        let good = from_json(Stream::Tickets, &rows).unwrap();
        assert_eq!((good.batch.num_rows(), good.errors.len()), (4, 2));
        let later =
            good.as_sent(vec![RowError::new(1, "ts", "future_time", ""), RowError::new(3, "ts", "future_time", "")]);
        assert_eq!(later.iter().map(|error| error.row).collect::<Vec<_>>(), [2, 5]);
    }

    #[test]
    fn a_payload_without_rows_is_an_empty_batch() {
        let good = from_arrow(Stream::Seats, &[]).unwrap();
        assert_eq!(good.batch.num_rows(), 0);
        assert_eq!(good.batch.schema(), Stream::Seats.source_schema());
    }
}
