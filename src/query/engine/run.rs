//! What one query may take, and the threads it runs on.

use std::sync::Arc;
use std::time::Duration;

use arrow::array::RecordBatch;
use datafusion::physical_plan::{ExecutionPlan, execute_stream};
use futures_util::StreamExt;

use super::super::failure::Failure;
use super::Inner;

/// What one query may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub time: Duration,
    /// Rows of an answer.
    pub rows: usize,
    /// Rows times columns of an answer: also one that is null takes its place in JSON.
    pub cells: usize,
    /// Bytes of an answer in memory.
    pub answer_bytes: usize,
    /// Bytes all running queries together may hold.
    pub memory_bytes: usize,
    /// Ad-hoc queries at once; others wait for their turn.
    pub at_once: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            time: Duration::from_secs(30),
            rows: 1_000_000,
            cells: 4_000_000,
            answer_bytes: 256 << 20,
            memory_bytes: 512 << 20,
            at_once: 4,
        }
    }
}

impl Inner {
    /// Runs `work` on the engine's own threads; stops it when it takes too long or nobody waits any more.
    pub(in crate::query) async fn on_query_threads<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, Failure>> + Send + 'static,
    ) -> Result<T, Failure> {
        let Some(runtime) = &self.runtime else {
            return Err(Failure::new("overloaded", "the query engine is stopping"));
        };
        let time = self.limits.time;
        let task = runtime.spawn(async move {
            match tokio::time::timeout(time, work).await {
                Ok(result) => result,
                Err(_) => {
                    let seconds = time.as_secs_f64();
                    let message = format!("the query took longer than {seconds} s; ask for a shorter time or less");
                    Err(Failure::new("overloaded", message))
                }
            }
        });
        let _stop = AbortOnDrop(task.abort_handle());
        match task.await {
            Ok(result) => result,
            Err(error) => Err(Failure::new("overloaded", format!("the query stopped unexpectedly: {error}"))),
        }
    }
}

struct AbortOnDrop(tokio::task::AbortHandle);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Runs a plan and keeps its rows, within the limits.
pub(in crate::query) async fn collect_limited(
    plan: Arc<dyn ExecutionPlan>,
    context: Arc<datafusion::execution::TaskContext>,
    limits: Limits,
) -> Result<Vec<RecordBatch>, Failure> {
    let mut stream = execute_stream(plan, context)?;
    let (mut batches, mut rows, mut cells, mut bytes) = (Vec::new(), 0, 0, 0);
    while let Some(batch) = stream.next().await {
        let batch = batch?;
        if batch.num_rows() == 0 {
            continue;
        }
        rows += batch.num_rows();
        cells += batch.num_rows() * batch.num_columns();
        bytes += batch.get_array_memory_size();
        if rows > limits.rows || cells > limits.cells || bytes > limits.answer_bytes {
            let Limits { rows, cells, answer_bytes, .. } = limits;
            let message = format!(
                "the answer is larger than {rows} rows, {cells} values (rows times columns) or {} MiB; add a LIMIT, \
                 name fewer columns, or aggregate",
                answer_bytes >> 20
            );
            return Err(Failure::new("too_large", message));
        }
        batches.push(batch);
    }
    Ok(batches)
}
