//! `/metrics`: counters and gauges in Prometheus' text format, version 0.0.4.

use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};

use super::shared::Shared;
use crate::model::Stream;

pub async fn metrics(State(shared): State<Arc<Shared>>) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], render(&shared)).into_response()
}

/// The page being written; a family's help and type stand once, before its samples.
#[derive(Default)]
struct Text(String);

impl Text {
    fn family(&mut self, name: &str, kind: &str, help: &str, samples: impl IntoIterator<Item = (String, f64)>) {
        // Writing to a String does not fail.
        let _ = write!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
        for (labels, value) in samples {
            let _ = writeln!(self.0, "{name}{labels} {value}");
        }
    }

    fn gauge(&mut self, name: &str, help: &str, value: f64) {
        self.family(name, "gauge", help, [(String::new(), value)]);
    }

    fn counter(&mut self, name: &str, help: &str, value: &AtomicU64) {
        self.family(name, "counter", help, [(String::new(), value.load(Ordering::Relaxed) as f64)]);
    }

    /// A sum of microseconds, given in seconds.
    fn seconds(&mut self, name: &str, help: &str, us: &AtomicU64) {
        self.family(name, "counter", help, [(String::new(), us.load(Ordering::Relaxed) as f64 / 1e6)]);
    }
}

fn render(shared: &Shared) -> String {
    let snapshot = shared.store.snapshot();
    let status = shared.store.status();
    let now_us = shared.clock.now_us();
    let catalog = shared.engine.catalog();
    let taken = &shared.taken;
    let questions = &shared.questions.counts;
    let mut text = Text::default();
    text.gauge("lingping_up_seconds", "Time since the start.", shared.started.elapsed().as_secs_f64());
    text.gauge("lingping_read_only", "1 when the store takes no rows.", f64::from(u8::from(!status.is_ok())));
    let rows = Stream::ALL.map(|stream| (format!("{{stream=\"{stream}\"}}"), snapshot.rows(stream) as f64));
    text.family("lingping_rows", "gauge", "Rows kept, by stream.", rows);
    text.gauge("lingping_version", "Version of the newest snapshot.", snapshot.version as f64);
    for (name, help, until) in [
        ("lingping_data_age_seconds", "Age of the latest event.", snapshot.data_until),
        ("lingping_recv_age_seconds", "Time since the latest row came.", snapshot.recv_until),
    ] {
        if let Some(until) = until {
            text.gauge(name, help, now_us.saturating_sub(until) as f64 / 1e6);
        }
    }
    for (name, help, value) in [
        ("lingping_duplicates", "Rows seen before, since the start.", status.duplicates),
        ("lingping_quarantined", "Rows in quarantine.", status.quarantined),
        ("lingping_waiting_rows", "Rows that wait for their ticket.", status.waiting),
        ("lingping_open_tickets", "Tickets that are open.", status.open_tickets),
        ("lingping_log_bytes", "Bytes of the log.", status.log_bytes),
        ("lingping_segments", "Sealed segments.", status.segments),
        ("lingping_segment_bytes", "Bytes of sealed segments.", status.segment_bytes),
        ("lingping_cache_bytes", "Bytes of sealed rows in memory.", status.cache_bytes),
        ("lingping_metrics", "Metrics in the catalog.", catalog.metrics.len() as u64),
        ("lingping_query_problems", "What is wrong in query files.", catalog.problems.len() as u64),
        ("lingping_clients", "WebSocket connections.", shared.clients() as u64),
        ("lingping_walls", "Walls among them.", shared.walls.count() as u64),
        ("lingping_watchers", "Viewers of the wall's picture.", shared.walls.watchers() as u64),
        ("lingping_polled_metrics", "Metrics that somebody looks at.", shared.pollers.count() as u64),
    ] {
        text.gauge(name, help, value as f64);
    }
    text.counter("lingping_ingest_batches_total", "Batches received.", &taken.batches);
    text.counter("lingping_ingest_rows_total", "Good rows handed to the store and acknowledged.", &taken.rows);
    text.counter("lingping_ingest_bytes_total", "Bytes of the batches received.", &taken.bytes);
    text.counter("lingping_ingest_wrong_rows_total", "Rows that were not taken.", &taken.wrong_rows);
    text.counter(
        "lingping_ingest_refused_batches_total",
        "Batches of which nothing was taken.",
        &taken.refused_batches,
    );
    let unknown = taken.unknown.rows().map(|(column, rows)| (format!("{{column=\"{column}\"}}"), rows as f64));
    let help = "Rows with a code that the city file does not have.";
    text.family("lingping_ingest_unknown_codes_total", "counter", help, unknown);
    text.seconds("lingping_ingest_ack_seconds_total", "Sum of the times from a batch to its ack.", &taken.ack_us);
    text.counter("lingping_received_messages_total", "WebSocket messages received.", &shared.received);
    text.counter("lingping_refused_messages_total", "Messages answered with an error.", &shared.refused);
    text.counter("lingping_sent_messages_total", "WebSocket messages sent.", &shared.sent.messages);
    text.counter("lingping_sent_bytes_total", "Bytes of the messages sent.", &shared.sent.bytes);
    text.counter("lingping_queries_total", "Questions asked.", &questions.asked);
    text.counter("lingping_query_errors_total", "Questions that failed.", &questions.failed);
    text.seconds("lingping_query_seconds_total", "Sum of the times to answer.", &questions.us);
    let pictures = AtomicU64::new(shared.walls.pictures());
    text.counter("lingping_wall_pictures_total", "Pictures received from walls.", &pictures);
    text.0
}
