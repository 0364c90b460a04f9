//! Live views: an answer at every tick at a cost that follows the new rows, not the history.
//!
//! A query is planned once and cut ([`cut`]) where its lowest aggregate stands. Below the cut the work is done set by set
//! of rows ([`nodes`]) and kept as partial states; a time window decides by least and greatest `ts` which sets matter
//! ([`window`], [`items`]); at a tick only new rows and the sets in which a window ends are looked at, states are merged
//! ([`states`]), and DataFusion's own final step and the plan above it run over the result ([`view`], [`slot`]). Plans as
//! small as these run as [`steps`], not as streams. What stands over a table of what there is now ([`tables`]) is kept by
//! the rows that change.
//!
//! It is not a second SQL engine: what it cannot cut is scanned whole, and [`Class::Scan`] says why. It fails as the
//! engine does, never with a wrong number: the oracle in the tests holds every answer against a full scan.

mod batches;
pub mod cost;
pub mod cut;
mod items;
pub mod keep;
pub mod nodes;
mod rerun;
pub mod slot;
mod states;
mod steps;
mod tables;
pub mod view;
pub mod window;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use parking_lot::Mutex;
use tokio::sync::Mutex as AsyncMutex;

use self::cost::{TickCost, TickError};
use self::cut::Template;
use self::keep::KeptStates;
use self::nodes::{Nodes, Rest};
use self::view::{LiveView, Missing};
use super::catalog::{Metric, statement};
use super::failure::Failure;
use super::functions::{ClockCell, PlanClock};
use super::session::Ground;
use super::source::View;
use crate::model::Stream;
use crate::model::message::MetricRef;

/// At most this many queries are kept live; the ones asked longest ago make room. More than a hub asks again and again,
/// else none of them would ever be found.
pub const VIEWS_MAX: usize = 1_024;

/// How a query is kept up to date.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Class {
    Live,
    /// Read whole at every answer, and why.
    Scan(String),
}

impl Class {
    pub fn word(&self) -> &'static str {
        match self {
            Class::Live => "live",
            Class::Scan(_) => "scan",
        }
    }
}

enum Kind {
    Live(Box<LiveView>),
    Scan(String),
}

struct Entry {
    metric: Arc<Metric>,
    kind: Kind,
    asked: u64,
}

type Held = Arc<AsyncMutex<Option<Entry>>>;

/// The live views of one engine.
#[derive(Default)]
pub struct Live {
    nodes: Mutex<Nodes>,
    entries: Mutex<HashMap<MetricRef, (Held, u64)>>,
    asked: std::sync::atomic::AtomicU64,
    /// States from before a restart, for views not yet made.
    known: Mutex<Arc<KeptStates>>,
}

/// An answer kept up to date.
pub struct LiveAnswer {
    pub schema: SchemaRef,
    pub batches: Vec<RecordBatch>,
    /// The same as the last answer.
    pub unchanged: bool,
    pub cost: TickCost,
}

impl Live {
    /// The answer to a metric, or the class it is in when that is not the live one.
    ///
    /// # Errors
    /// Parameters don't read, a plan fails, or a piece can't be read.
    pub async fn answer(
        &self,
        ground: &Ground,
        metric: &Arc<Metric>,
        params: &BTreeMap<String, String>,
        view: &Arc<View>,
        now_us: i64,
    ) -> Result<Result<LiveAnswer, Class>, Failure> {
        let asked = MetricRef { name: metric.name.clone(), params: params.clone() };
        let held = self.entry(asked);
        let mut held = held.lock().await;
        if held.as_ref().is_none_or(|entry| !Arc::ptr_eq(&entry.metric, metric)) {
            let kind = self.make(ground, metric, params).await?;
            *held = Some(Entry { metric: metric.clone(), kind, asked: 0 });
        }
        let Some(entry) = held.as_mut() else { return Ok(Err(Class::Scan("it was let go".to_owned()))) };
        entry.asked += 1;
        let live = match &mut entry.kind {
            Kind::Scan(reason) => return Ok(Err(Class::Scan(reason.clone()))),
            Kind::Live(live) => live,
        };
        let rows = self.nodes.lock().follow(view);
        let mut cost = TickCost::default();
        match live.tick(view, &rows, now_us, &mut cost).await {
            Ok((batches, changed)) => {
                Ok(Ok(LiveAnswer { schema: live.schema().clone(), batches, unchanged: !changed, cost }))
            }
            Err(error @ (TickError::Wide(_) | TickError::Unwieldy(_))) => {
                let reason = error.to_string();
                tracing::warn!(metric = metric.name, "{reason}; it is scanned whole from now on");
                entry.kind = Kind::Scan(reason.clone());
                Ok(Err(Class::Scan(reason)))
            }
            Err(error) => Err(failure(error)),
        }
    }

    /// The earliest `ts` of a stream.
    pub fn oldest(&self, view: &View, stream: Stream) -> Option<i64> {
        self.nodes.lock().follow(view).stream(stream).oldest()
    }

    /// Makes the views of many metrics ready together: each piece is read once for all of them. Those asked meanwhile
    /// work out for themselves what they lack.
    ///
    /// # Errors
    /// As [`Live::answer`].
    pub async fn warm(
        &self,
        ground: &Ground,
        metrics: &[Arc<Metric>],
        view: &Arc<View>,
        now_us: i64,
    ) -> Result<TickCost, Failure> {
        let mut entries = Vec::new();
        for metric in metrics {
            let held = self.entry(MetricRef { name: metric.name.clone(), params: BTreeMap::new() });
            let mut entry = held.lock().await;
            if entry.as_ref().is_none_or(|entry| !Arc::ptr_eq(&entry.metric, metric)) {
                let kind = self.make(ground, metric, &BTreeMap::new()).await?;
                *entry = Some(Entry { metric: metric.clone(), kind, asked: 0 });
            }
            drop(entry);
            entries.push(held);
        }
        let rows = self.nodes.lock().follow(view);
        let mut cost = TickCost::default();
        for stream in Stream::ALL {
            let nodes = rows.stream(stream);
            let mut by_piece: HashMap<u64, Vec<(usize, Missing)>> = HashMap::new();
            for (place, held) in entries.iter().enumerate() {
                let mut entry = held.lock().await;
                let Some(Entry { kind: Kind::Live(live), .. }) = entry.as_mut() else { continue };
                for missing in live.missing(stream, nodes, now_us).map_err(failure)? {
                    by_piece.entry(missing.piece).or_default().push((place, missing));
                }
            }
            for node in nodes.pieces() {
                let (Rest::Piece(piece, _), Some(missing)) = (&node.rest, by_piece.remove(&node.id)) else { continue };
                // What all of them read, once.
                let mut columns = BTreeSet::new();
                for (place, missing) in &missing {
                    if let Some(Entry { kind: Kind::Live(live), .. }) = entries[*place].lock().await.as_ref() {
                        columns.extend(live.columns(missing));
                    }
                }
                let columns: Vec<usize> = columns.into_iter().collect();
                let read = piece.source.columns(&columns);
                let batches = read.map_err(|message| Failure::new("overloaded", message))?;
                for (place, missing) in missing {
                    let mut entry = entries[place].lock().await;
                    // Another one, made meanwhile from a changed file, works out its own.
                    let Some(Entry { kind: Kind::Live(live), metric, .. }) = entry.as_mut() else { continue };
                    if Arc::ptr_eq(metric, &metrics[place]) {
                        let absorbed = live.absorb(&missing, &node, &batches, Some(&columns), now_us, &mut cost).await;
                        absorbed.map_err(failure)?;
                    }
                }
            }
        }
        Ok(cost)
    }

    /// Takes states kept before a restart, for the views made from now on.
    pub fn know(&self, states: KeptStates) {
        *self.known.lock() = Arc::new(states);
    }

    /// What all answers are made of, to be kept over a restart.
    pub async fn lasting_states(&self) -> KeptStates {
        let entries: Vec<Held> = self.entries.lock().values().map(|(held, _)| held.clone()).collect();
        let mut states = KeptStates::new();
        for held in entries {
            if let Some(Entry { kind: Kind::Live(live), .. }) = held.lock().await.as_ref() {
                live.lasting_states(&mut states);
            }
        }
        states
    }

    async fn make(&self, ground: &Ground, metric: &Metric, params: &BTreeMap<String, String>) -> Result<Kind, Failure> {
        let cell = ClockCell::default();
        match template(ground, metric, params, &cell).await? {
            Err(reason) => {
                tracing::info!(metric = metric.name, "scanned whole at each answer: {reason}");
                Ok(Kind::Scan(reason))
            }
            Ok((session, template)) => {
                let known = self.known.lock().clone();
                match LiveView::new(&session.state, cell, template, ground.city.tz.name(), &known).await {
                    Ok(live) => Ok(Kind::Live(Box::new(live))),
                    Err(error) => Ok(Kind::Scan(format!("its parts can't be planned: {}", error.strip_backtrace()))),
                }
            }
        }
    }

    fn entry(&self, asked: MetricRef) -> Held {
        let order = self.asked.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let mut entries = self.entries.lock();
        if entries.len() >= VIEWS_MAX && !entries.contains_key(&asked) {
            let oldest = entries.iter().min_by_key(|(_, (_, order))| *order).map(|(asked, _)| asked.clone());
            if let Some(oldest) = oldest {
                entries.remove(&oldest);
            }
        }
        let entry = entries.entry(asked).or_default();
        entry.1 = order;
        entry.0.clone()
    }

    /// Bytes of all states kept; views that are ticking right now are left out.
    pub fn kept(&self) -> (usize, usize) {
        let entries: Vec<Held> = self.entries.lock().values().map(|(held, _)| held.clone()).collect();
        entries.iter().fold((0, 0), |(states, bytes), held| match held.try_lock().as_deref() {
            Ok(Some(Entry { kind: Kind::Live(live), .. })) => {
                let kept = live.kept();
                (states + kept.0, bytes + kept.1)
            }
            _ => (states, bytes),
        })
    }
}

fn failure(error: TickError) -> Failure {
    match error {
        TickError::DataFusion(error) => error.into(),
        other => Failure::new("overloaded", other.to_string()),
    }
}

async fn template(
    ground: &Ground,
    metric: &Metric,
    params: &BTreeMap<String, String>,
    cell: &ClockCell,
) -> Result<Result<(super::session::Session, Template), String>, Failure> {
    let statement = statement(metric, params, ground)?;
    // Planned over nothing: the rows come at the ticks.
    let view = Arc::new(View::default());
    let mut session = ground.session(&view, PlanClock::Cell(cell.clone()), None)?;
    session.state.execution_props_mut().query_execution_start_time = None;
    // A plan that is run again and again must not remember what it saw.
    session.state.config_mut().options_mut().optimizer.enable_topk_dynamic_filter_pushdown = false;
    let planned = match session.plan(statement).await {
        Ok(plan) => session.state.optimize(&plan).map_err(Failure::from),
        Err(failure) => Err(failure),
    };
    // What is wrong with any clock the scan will say, with its place.
    let plan = match planned {
        Ok(plan) => plan,
        Err(failure) => return Ok(Err(format!("it can't be planned with a moving clock: {}", failure.message))),
    };
    Ok(Template::new(&session.state, plan).map(|template| (session, template)))
}

/// The class of a metric, and for a live one where it is cut.
///
/// # Errors
/// It does not plan.
pub async fn class_of(
    ground: &Ground,
    metric: &Metric,
    params: &BTreeMap<String, String>,
) -> Result<(Class, String), Failure> {
    match template(ground, metric, params, &ClockCell::default()).await? {
        Err(reason) => Ok((Class::Scan(reason.clone()), format!("scan: {reason}"))),
        Ok((_, template)) => {
            let mut text = String::from("live\n");
            for cut in &template.cuts {
                let atoms: Vec<String> = cut.window.atoms.iter().map(|atom| atom.expr.to_string()).collect();
                let atoms = if atoms.is_empty() { "none".to_owned() } else { atoms.join("; ") };
                text.push_str(&format!("  cut over {}, merged by {:?}; window: {atoms}\n", cut.stream, cut.merge));
                for line in cut.plan.display_indent().to_string().lines() {
                    text.push_str(&format!("    {line}\n"));
                }
            }
            for table in &template.tables {
                let clock: Vec<String> = table.atoms.iter().map(|atom| atom.expr.to_string()).collect();
                let clock = if clock.is_empty() { "none".to_owned() } else { clock.join("; ") };
                text.push_str(&format!(
                    "  cut over state table {}, kept by the rows that change; window: {clock}\n",
                    table.name
                ));
            }
            for state in &template.states {
                text.push_str(&format!("  state table {}, read whole at each tick\n", state.name));
            }
            text.push_str("  above the cuts\n");
            for line in template.upper.display_indent().to_string().lines() {
                text.push_str(&format!("    {line}\n"));
            }
            Ok((Class::Live, text))
        }
    }
}
