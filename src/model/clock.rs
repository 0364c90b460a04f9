//! The clock, the one place that reads the machine's time.
//!
//! Everything else is handed a [`Clock`], so that replay, tests and time travel are the same code with another clock.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// A source of "now", in microseconds since 1970 UTC. Cheap to clone.
#[derive(Clone, Debug)]
pub enum Clock {
    /// The machine's clock.
    System,
    /// Stands still until it is set.
    Manual(Arc<AtomicI64>),
}

impl Clock {
    pub fn manual(now_us: i64) -> Clock {
        Clock::Manual(Arc::new(AtomicI64::new(now_us)))
    }

    pub fn now_us(&self) -> i64 {
        match self {
            #[expect(clippy::disallowed_methods, reason = "the one place that reads the wall clock")]
            Clock::System => chrono::Utc::now().timestamp_micros(),
            Clock::Manual(now_us) => now_us.load(Ordering::Relaxed),
        }
    }

    /// Moves a manual clock; the system clock is left alone.
    pub fn set_us(&self, now_us: i64) {
        if let Clock::Manual(manual) = self {
            manual.store(now_us, Ordering::Relaxed);
        }
    }
}
