//! Histories of a store: what can happen to it, in any order, with all its metrics looked at after each step.

use std::path::PathBuf;
use std::time::Duration;

use proptest::prelude::*;

use super::compare::{Params, differences, live_and_scan, scans};
use super::lab::{HOUR, Lab};
use super::maker::Maker;
use crate::model::Event;

/// A proof of so many cases, or of as many as `PROPTEST_CASES` says.
pub fn cases(count: u32) -> ProptestConfig {
    let wished = std::env::var("PROPTEST_CASES").ok().and_then(|count| count.parse().ok());
    ProptestConfig { cases: wished.unwrap_or(count), max_shrink_iters: 100, ..ProptestConfig::default() }
}

#[derive(Clone, Debug)]
pub enum Step {
    /// Rows of the last so many hours land; the first of them and some that landed before are sent again.
    Land {
        rows: usize,
        hours: i64,
        again: usize,
        batch_rows: usize,
    },
    /// The clock goes on.
    Wait {
        seconds: i64,
    },
    Seal,
    /// The live views' states are put beside the segments, for a later start.
    Keep,
    /// The process ends and begins again.
    Restart {
        power_lost: bool,
        warm: bool,
    },
    /// The file of a metric changes to that of another one.
    Reload {
        which: prop::sample::Index,
        to: prop::sample::Index,
    },
}

pub fn steps(most: usize) -> impl Strategy<Value = Vec<Step>> {
    let hours = prop_oneof![4 => Just(1_i64), 1 => Just(30), 1 => Just(24 * 70)];
    let batch_rows = prop_oneof![1 => 1_usize..9, 3 => Just(4_096_usize)];
    let land = (0_usize..120, hours, 0_usize..20, batch_rows).prop_map(|(rows, hours, again, batch_rows)| Step::Land {
        rows,
        hours,
        again,
        batch_rows,
    });
    // Seconds, hours, over midnight, over the end of the month.
    let seconds = prop_oneof![3 => 1_i64..5, 3 => 60_i64..4_000, 2 => 20_000_i64..90_000, 1 => 500_000_i64..900_000];
    let step = prop_oneof![
        6 => land,
        4 => seconds.prop_map(|seconds| Step::Wait { seconds }),
        4 => Just(Step::Seal),
        1 => Just(Step::Keep),
        2 => any::<(bool, bool)>().prop_map(|(power_lost, warm)| Step::Restart { power_lost, warm }),
        1 => any::<(prop::sample::Index, prop::sample::Index)>().prop_map(|(which, to)| Step::Reload { which, to }),
    ];
    prop::collection::vec(step, 2..most)
}

/// A lab on its way through a history.
pub struct History {
    pub lab: Lab,
    maker: Maker,
    sent: Vec<Event>,
    /// Rows that must be there; unknown once rows may leave by retention.
    rows: Option<u64>,
    /// Where the files of the metrics are, when they may change.
    queries: Option<PathBuf>,
}

impl History {
    /// Begins with `rows` rows of the `days` before now.
    pub async fn begin(
        lab: Lab,
        seed: u64,
        rows: usize,
        days: i64,
        queries: Option<PathBuf>,
        retention: bool,
    ) -> History {
        let counted = (!retention).then_some(0);
        let mut history = History { lab, maker: Maker::new(seed), sent: Vec::new(), rows: counted, queries };
        history.land(rows, days * 24, 0, 4_096).await;
        history
    }

    async fn land(&mut self, rows: usize, hours: i64, again: usize, batch_rows: usize) {
        let now = self.lab.clock.now_us();
        let mut events = self.maker.events(now - hours * HOUR, now, rows);
        let known = self.sent.len();
        self.sent.extend(events.iter().cloned());
        // Sent again in the same breath, and long after.
        events.extend(events.clone().into_iter().take(again));
        let repeated = self.sent[..known].iter().step_by(known / (again + 1) + 1);
        events.extend(repeated.cloned());
        let landed = self.lab.land_by(&events, batch_rows).await;
        if let Some(rows) = &mut self.rows {
            *rows += landed.rows;
        }
    }

    /// Takes one step and looks at everything; what is wrong, in words.
    pub async fn step(mut self, step: &Step, params: &Params) -> (History, Vec<String>) {
        let mut wrong = Vec::new();
        match step {
            Step::Land { rows, hours, again, batch_rows } => self.land(*rows, *hours, *again, *batch_rows).await,
            Step::Wait { seconds } => self.lab.clock.set_us(self.lab.clock.now_us() + seconds * 1_000_000),
            Step::Seal => self.lab.store.flush().await.unwrap(),
            Step::Keep => self.lab.engine.keep_states().await,
            Step::Restart { power_lost, warm } => {
                let before = scans(&self.lab).await;
                if !power_lost {
                    self.lab.engine.stop().await;
                }
                self.lab = self.lab.restarted(*power_lost);
                if *warm {
                    self.lab.engine.warm().await.unwrap();
                }
                // Where rows may leave, they may do so while the store ends.
                if self.rows.is_some() {
                    wrong.extend(differences(&before, &scans(&self.lab).await));
                }
            }
            Step::Reload { which, to } => self.reload(which, to),
        }
        if let Some(rows) = self.rows {
            let (there, distinct) = counts(&self.lab).await;
            if (there, distinct) != (rows, rows) {
                wrong.push(format!("{rows} rows landed, {there} are there with {distinct} keys"));
            }
        }
        let mut differs = live_and_scan(&self.lab, params, &format!("{step:?}")).await;
        // The sealer lets old rows go on a thread of its own, perhaps between the two questions: asked again.
        for _ in 0..40 {
            if differs.is_empty() || self.rows.is_some() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
            differs = live_and_scan(&self.lab, params, &format!("{step:?}")).await;
        }
        wrong.extend(differs);
        (self, wrong)
    }

    fn reload(&mut self, which: &prop::sample::Index, to: &prop::sample::Index) {
        if self.queries.is_none() {
            return;
        }
        let before = self.lab.engine.catalog();
        let metrics: Vec<_> = before.metrics.values().collect();
        let (which, to) = (which.get(&metrics), to.get(&metrics));
        std::fs::write(&which.path, &to.sql).unwrap();
        self.lab.engine.reload().unwrap();
        let after = self.lab.engine.catalog();
        assert_eq!(after.metrics[&which.name].sql, to.sql);
    }
}

/// Rows of all streams, and different keys among them.
async fn counts(lab: &Lab) -> (u64, u64) {
    let streams = crate::model::Stream::ALL.map(|stream| format!("SELECT src, src_seq FROM {stream}"));
    let all = streams.join(" UNION ALL ");
    let sql = format!("SELECT count(*), count(DISTINCT src || '/' || src_seq) FROM ({all})");
    let answer = lab.engine.sql(&sql, &Params::new(), None).await.unwrap();
    let (_, rows) = super::compare::table(&answer);
    (rows[0][0].as_u64().unwrap(), rows[0][1].as_u64().unwrap())
}

/// Takes all steps; the first that goes wrong, in words.
pub async fn live_through(mut history: History, steps: &[Step], params: &Params) -> Result<History, String> {
    for (number, step) in steps.iter().enumerate() {
        let (after, wrong) = history.step(step, params).await;
        history = after;
        if !wrong.is_empty() {
            return Err(format!("step {number}\n{}", wrong.join("\n")));
        }
    }
    Ok(history)
}
