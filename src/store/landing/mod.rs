//! Landing: what happens to rows between the wire and the log.
//!
//! Rows are checked, told apart from those seen before ([`dedup`]), put in order, walked through the ticket machine
//! ([`tickets`]) or the tables of seats, queue and registry ([`objects`]), and given their derived columns. What cannot
//! land is held ([`held`]): waiting for its ticket, or in quarantine. It is not the log: [`Landing`] only changes
//! memory, and nothing of it may be shown before the log has it.
//!
//! A bad row is an error of its own and never loses another row; [`Landing::land`] itself fails only on columns of
//! another type.

pub mod dedup;
pub mod digest;
pub mod held;
pub mod objects;
pub mod recover;
pub mod rows;
mod streams;
pub mod symbols;
pub mod tickets;

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{Array, RecordBatch};
use serde::Serialize;

use crate::model::message::Aside;
use crate::model::{City, RowError, Stream, event};

use self::dedup::Dedup;
use self::held::{Held, HeldRows, UNKNOWN_TICKET, WAITING_MAX};
use self::objects::Objects;
use self::rows::{Checked, check};
use self::symbols::Symbols;
use self::tickets::Tickets;
use super::columns::{bools, join, texts, times};
use super::{ReplayId, StoreError};

/// Where rows that landed before can be found again.
pub trait Past {
    /// The last landed event of each of these tickets, as rows of [`Stream::schema`]; none for an unknown one.
    fn last_events(&self, tickets: &HashSet<&str, ahash::RandomState>) -> Result<Vec<RecordBatch>, StoreError>;
}

/// What became of the rows of one `append`.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Landed {
    /// Landed, among them earlier rows that had waited for one of these.
    pub rows: u64,
    /// Seen before, by (`src`, `src_seq`).
    pub duplicates: u64,
    pub quarantined: u64,
    /// Which of them, and why.
    pub aside: Aside,
    /// Held until the `open` of their ticket comes.
    pub waiting: u64,
    /// Rows not taken at all, with their position in the batch as sent.
    pub errors: Vec<RowError>,
}

/// The rows of one `append`.
pub struct Part {
    pub batch: RecordBatch,
    pub replay: Option<ReplayId>,
}

/// What the log has to keep of one landing.
#[derive(Default)]
pub struct Outcome {
    /// Rows with [`Stream::schema`], `seq` dense from `first_seq`.
    pub landed: Option<RecordBatch>,
    pub first_seq: i64,
    /// Rows newly waiting or quarantined.
    pub held: Vec<Held>,
    /// One for each part.
    pub reports: Vec<Landed>,
}

#[derive(Debug)]
pub struct Landing {
    pub(super) city: Arc<City>,
    pub(super) symbols: Symbols,
    pub(super) dedup: Dedup,
    pub(super) tickets: Tickets,
    pub(super) objects: Objects,
    pub(super) held: HeldRows,
    /// The `seq` of the next row that lands.
    pub(super) next_seq: i64,
    pub(super) data_until: Option<i64>,
    pub(super) recv_until: Option<i64>,
    pub(super) demo: bool,
    pub(super) rows: [u64; Stream::ALL.len()],
    pub(super) duplicates: u64,
    /// Finished tickets that left memory, ever.
    pub(super) forgotten: u64,
    /// Ids that events named and no segment has: they are not looked for again. An `open` takes its own out.
    nowhere: HashSet<Box<str>, ahash::RandomState>,
    /// How long a live row waits for its ticket.
    waiting_us: i64,
}

/// So many ids that are nowhere are known.
const NOWHERE_MAX: usize = 100_000;

/// A row on its way: where it is in the joined batch, and whose it is.
struct Places {
    /// End of each part's rows; parts of released rows come last.
    ends: Vec<usize>,
    /// The job each part belongs to.
    jobs: Vec<usize>,
    /// Parts before this one are the jobs themselves.
    own: usize,
}

impl Places {
    fn part(&self, row: usize) -> usize {
        self.ends.partition_point(|end| *end <= row)
    }
    fn job(&self, row: usize) -> usize {
        self.jobs[self.part(row)]
    }
    /// Position of the row in the batch as sent.
    fn sent(&self, row: usize) -> usize {
        row - self.part(row).checked_sub(1).map_or(0, |before| self.ends[before])
    }
}

impl Landing {
    pub fn new(city: Arc<City>, waiting_us: i64) -> Landing {
        Landing {
            city,
            symbols: Symbols::default(),
            dedup: Dedup::default(),
            tickets: Tickets::default(),
            objects: Objects::default(),
            held: HeldRows::default(),
            next_seq: 1,
            data_until: None,
            recv_until: None,
            demo: false,
            rows: [0; Stream::ALL.len()],
            duplicates: 0,
            forgotten: 0,
            nowhere: HashSet::default(),
            waiting_us,
        }
    }

    /// A landing that knows nothing yet, with the same settings.
    pub fn empty(&self) -> Landing {
        Landing::new(self.city.clone(), self.waiting_us)
    }

    /// Lands the rows of several appends to one stream, in this order. `past` finds tickets that left memory.
    ///
    /// # Errors
    /// A column has another type than [`Stream::source_schema`] says.
    pub fn land(
        &mut self,
        stream: Stream,
        parts: Vec<Part>,
        now_us: i64,
        past: &dyn Past,
    ) -> Result<Outcome, StoreError> {
        let mut reports = vec![Landed::default(); parts.len()];
        let replays: Vec<Option<ReplayId>> = parts.iter().map(|part| part.replay).collect();
        let mut jobs: Vec<usize> = (0..parts.len()).collect();
        let mut batches: Vec<RecordBatch> = parts.into_iter().map(|part| part.batch).collect();
        let own = batches.len();
        let mut released: Vec<Arc<Held>> = Vec::new();
        if stream == Stream::Tickets && !self.held.is_empty() {
            for job in 0..own {
                let came = self.release_for(&batches[job])?;
                let events: Vec<_> = came.iter().filter_map(|held| held.event()).collect();
                if events.is_empty() {
                    continue;
                }
                let batch = event::batch(stream, &events).map_err(|error| StoreError::Arrow(error.to_string()))?;
                batches.push(batch);
                jobs.push(job);
                released.extend(came);
            }
        }
        let ends = batches.iter().scan(0, |end, batch| {
            *end += batch.num_rows();
            Some(*end)
        });
        let places = Places { ends: ends.collect(), jobs, own };
        let source = join(&stream.source_schema(), &batches)?;
        drop(batches);
        let first_released = if places.own == 0 { 0 } else { places.ends[places.own - 1] };

        let checked = check(stream, &source, first_released, now_us, &mut self.dedup)?;
        for error in &checked.errors {
            let row = places.sent(error.row);
            reports[places.job(error.row)].errors.push(RowError { row, ..error.clone() });
        }
        for row in &checked.duplicates {
            reports[places.job(*row as usize)].duplicates += 1;
        }
        self.duplicates += checked.duplicates.len() as u64;
        let order = self.ordered(stream, &source, &checked, &places)?;
        if stream == Stream::Tickets && self.forgotten > 0 {
            self.remember(&source, &order, past)?;
        }
        let mut walk = self.walk(stream, &source, &checked.kinds, &order, now_us)?;

        let mut outcome = Outcome { first_seq: self.next_seq, ..Outcome::default() };
        for (row, reason) in std::mem::take(&mut walk.refused) {
            let row = row as usize;
            let job = places.job(row);
            let held = if row >= first_released {
                // It waited before and goes on waiting as it did; the log has it already.
                let earlier = released[row - first_released].clone();
                if reason == UNKNOWN_TICKET {
                    self.held.put((*earlier).clone());
                    continue;
                }
                Held { reason, until: None, replay: None, quarantined: true, ..(*earlier).clone() }
            } else {
                let waits = reason == UNKNOWN_TICKET && self.held.waiting() < WAITING_MAX;
                Held {
                    stream: stream.name().to_owned(),
                    at: now_us,
                    reason,
                    until: waits.then_some(now_us.saturating_add(self.waiting_us)),
                    replay: if waits { replays[job] } else { None },
                    quarantined: !waits,
                    row: rows::row_json(stream, &source, row).into(),
                }
            };
            match held.quarantined {
                true => {
                    reports[job].quarantined += 1;
                    let sent = (row < first_released).then(|| places.sent(row));
                    reports[job].aside.add(&held.reason, || held.told(sent));
                }
                false => reports[job].waiting += 1,
            }
            self.held.put(held.clone());
            outcome.held.push(held);
        }
        for row in &walk.rows {
            reports[places.job(*row as usize)].rows += 1;
        }
        if !walk.rows.is_empty() {
            let landed = self.assemble(stream, &source, &walk, now_us)?;
            self.count(stream, &landed)?;
            outcome.landed = Some(landed);
        }
        outcome.reports = reports;
        self.sweep_symbols();
        Ok(outcome)
    }

    /// Waiting rows whose tickets this batch opens.
    fn release_for(&mut self, batch: &RecordBatch) -> Result<Vec<Arc<Held>>, StoreError> {
        let (kinds, ids) = (texts(batch, "kind")?, texts(batch, "id")?);
        let mut released = Vec::new();
        for row in 0..batch.num_rows() {
            if kinds.is_valid(row) && ids.is_valid(row) && kinds.value(row) == "open" {
                released.extend(self.held.release(ids.value(row)));
            }
        }
        released.retain(|held| held.event().is_some());
        Ok(released)
    }

    /// The rows that are taken, in the order they land: as sent, each batch by time, kind and the source's sequence.
    fn ordered(
        &self,
        stream: Stream,
        source: &RecordBatch,
        checked: &Checked,
        places: &Places,
    ) -> Result<Vec<u32>, StoreError> {
        let mut order = checked.taken.clone();
        let (ts, src_seq) = (times(source, "ts")?.values(), texts(source, "src_seq")?);
        let kind_order = rows::kind_order(stream);
        let one_job = places.jobs.len() <= 1;
        let key = |row: u32| {
            let row = row as usize;
            (if one_job { 0 } else { places.job(row) }, ts[row], kind_order[checked.kinds[row] as usize])
        };
        let compare = |a: &u32, b: &u32| {
            key(*a)
                .cmp(&key(*b))
                .then_with(|| rows::compare_sequences(src_seq.value(*a as usize), src_seq.value(*b as usize)))
        };
        if !order.is_sorted_by(|a, b| compare(a, b).is_le()) {
            order.sort_by(compare);
        }
        Ok(order)
    }

    /// Takes the counts and extremes of landed rows.
    fn count(&mut self, stream: Stream, landed: &RecordBatch) -> Result<(), StoreError> {
        let rows = landed.num_rows();
        self.rows[stream as usize] += rows as u64;
        self.next_seq += rows as i64;
        let (ts, recv) = (times(landed, "ts")?, times(landed, "recv")?);
        let (src, demo) = (texts(landed, "src")?, bools(landed, "demo")?);
        let mut row = 0;
        while row < rows {
            let first = row;
            let name = src.value(first);
            let (mut last_ts, mut last_recv, mut simulated) = (i64::MIN, i64::MIN, false);
            while row < rows && (src.views()[row] == src.views()[first] || src.value(row) == name) {
                last_ts = last_ts.max(ts.value(row));
                last_recv = last_recv.max(recv.value(row));
                simulated |= demo.is_valid(row) && demo.value(row);
                row += 1;
            }
            self.objects.feed(name, (row - first) as i64, last_ts, last_recv, simulated);
            self.data_until = self.data_until.max(Some(last_ts));
            self.recv_until = self.recv_until.max(Some(last_recv));
            self.demo |= simulated;
        }
        Ok(())
    }

    /// Sends waiting rows whose time is over to quarantine: those of `replay`, or the live ones due by now.
    pub fn write_off(&mut self, replay: Option<ReplayId>, now_us: i64) -> Vec<Held> {
        let over = self.held.overdue(replay, now_us);
        over.into_iter()
            .map(|held| {
                let held = Held { until: None, replay: None, quarantined: true, at: now_us, ..(*held).clone() };
                self.held.put(held.clone());
                held
            })
            .collect()
    }

    /// Takes back tickets that left memory and are spoken of again. An `open` makes a ticket anew without a look.
    fn remember(&mut self, source: &RecordBatch, order: &[u32], past: &dyn Past) -> Result<(), StoreError> {
        let (kinds, ids) = (texts(source, "kind")?, texts(source, "id")?);
        let mut wanted: HashSet<&str, ahash::RandomState> = HashSet::default();
        let mut opened: HashSet<&str, ahash::RandomState> = HashSet::default();
        for row in order {
            let (kind, id) = (kinds.value(*row as usize), ids.value(*row as usize));
            if kind == "open" {
                opened.insert(id);
                self.nowhere.remove(id);
            } else if self.nowhere.contains(id) {
                continue;
            } else if !opened.contains(id) && self.tickets.get(id).is_none() {
                wanted.insert(id);
            }
        }
        if wanted.is_empty() {
            return Ok(());
        }
        for last in past.last_events(&wanted)? {
            self.replay_tickets(&last)?;
        }
        let is_missing = |id: &&str| !opened.contains(id) && self.tickets.get(id).is_none();
        let missing: Vec<&str> = wanted.into_iter().filter(is_missing).collect();
        if self.nowhere.len() + missing.len() > NOWHERE_MAX {
            self.nowhere.clear();
        }
        self.nowhere.extend(missing.into_iter().take(NOWHERE_MAX).map(Box::from));
        Ok(())
    }

    /// Lets finished tickets go that nothing was received for since `before_us`.
    pub fn forget(&mut self, before_us: i64) {
        self.forgotten += self.tickets.forget(before_us) as u64;
    }

    fn sweep_symbols(&mut self) {
        if !self.symbols.wants_sweep() {
            return;
        }
        let from = std::mem::take(&mut self.symbols);
        self.tickets.move_symbols(&from, &mut self.symbols);
        self.objects.move_symbols(&from, &mut self.symbols);
        self.symbols.swept();
    }
}
