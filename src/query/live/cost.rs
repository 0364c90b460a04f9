//! What a tick costs, and why it may give no answer.

use std::time::Duration;

use datafusion::common::DataFusionError;

/// Why a tick gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum TickError {
    /// The query is not for the live class after all: it has too many groups.
    #[error("its groups are too many to be kept live ({0} in one state)")]
    Wide(usize),
    /// Nor is one in which a join above the aggregates gives too many rows.
    #[error(transparent)]
    Unwieldy(Unwieldy),
    #[error(transparent)]
    DataFusion(DataFusionError),
    #[error("{0}")]
    Rows(String),
}

/// A join gives more rows than are kept in memory.
#[derive(Debug, thiserror::Error)]
#[error("a join in it gives {0} rows or more, too many to be kept live")]
pub struct Unwieldy(pub usize);

impl From<DataFusionError> for TickError {
    fn from(error: DataFusionError) -> TickError {
        match error {
            DataFusionError::External(error) => match error.downcast::<Unwieldy>() {
                Ok(unwieldy) => TickError::Unwieldy(*unwieldy),
                Err(error) => TickError::DataFusion(DataFusionError::External(error)),
            },
            error => TickError::DataFusion(error),
        }
    }
}

/// What a tick cost: counts, and the time of its parts on the thread that ticks.
#[derive(Clone, Copy, Debug, Default)]
pub struct TickCost {
    /// Sets of rows evaluated from their rows, and those rows.
    pub evaluated: u64,
    pub evaluated_rows: u64,
    pub merges: u64,
    pub finals: u64,
    pub uppers: u64,
    /// Finding the sets that matter at the clock.
    pub finding: Duration,
    /// Partial states of rows that are new, or that no state was kept for.
    pub fresh: Duration,
    /// Partial states of the sets in which a window ends.
    pub boundary: Duration,
    /// Merging states.
    pub merge: Duration,
    /// The aggregates' final step.
    pub finish: Duration,
    /// State tables and the plan above the cuts.
    pub upper: Duration,
}

impl TickCost {
    pub fn add(&mut self, other: &TickCost) {
        self.evaluated += other.evaluated;
        self.evaluated_rows += other.evaluated_rows;
        self.merges += other.merges;
        self.finals += other.finals;
        self.uppers += other.uppers;
        self.finding += other.finding;
        self.fresh += other.fresh;
        self.boundary += other.boundary;
        self.merge += other.merge;
        self.finish += other.finish;
        self.upper += other.upper;
    }
}
