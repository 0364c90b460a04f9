//! One live query: planned once, asked at every tick.
//!
//! For each cut, the states of all sets of rows that matter at this clock are looked up or worked out, merged, and
//! finished by DataFusion's own final step; the plan above runs over that. When nothing it depends on has changed, the
//! last answer stands. A state kept for a set of rows is right for every clock at which the window's atoms are the same
//! for that set; that is its key.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::{AsArray, RecordBatch};
use arrow::compute::{concat_batches, filter_record_batch};
use arrow::datatypes::SchemaRef;
use datafusion::common::{DataFusionError, Result};
use datafusion::execution::{SessionState, SessionStateBuilder, TaskContext};
use datafusion::logical_expr::{Expr, lit};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::aggregates::{AggregateExec, AggregateMode};
use datafusion::physical_plan::execution_plan::reset_plan_states;
use datafusion::physical_plan::{ExecutionPlan, collect, replace_children_if_necessary};

use super::super::functions::ClockCell;
use super::super::source::View;
use super::cut::{CutPlan, Merge, StateLeaf, Template};
use super::keep::{KeptState, KeptStates, print_of};
use super::nodes::{LeafRows, Node, Rest, Rows, StreamNodes};
use super::slot::Slot;
use super::window::{Outcome, Window};
use crate::model::Stream;

/// A plan's metrics grow with each run; it is made afresh after this many.
const RUNS_MAX: u32 = 512;
/// States of nodes that are gone are let go every so many ticks.
const SWEEP_TICKS: u64 = 256;
/// A merged state with more rows than this is not worth keeping live.
const STATE_ROWS_MAX: usize = 50_000;

/// Why a tick gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum TickError {
    /// The query is not for the live class after all: it has too many groups.
    #[error("its groups are too many to be kept live ({0} in one state)")]
    Wide(usize),
    #[error(transparent)]
    DataFusion(#[from] DataFusionError),
    #[error("{0}")]
    Rows(String),
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

/// A state: one batch, or nothing when no row got through.
type State = Option<RecordBatch>;

/// A plan that is run again and again.
struct Rerun {
    plan: Arc<dyn ExecutionPlan>,
    runs: u32,
    /// A node keeps what it saw (a join its build side, a sort with a limit its threshold) and must be made afresh for
    /// each run.
    remembers: bool,
}

fn remembers(plan: &Arc<dyn ExecutionPlan>) -> bool {
    let name = plan.name();
    ["Join", "Sort", "LazyMemory", "Subquery", "Repartition", "Recursive"].iter().any(|word| name.contains(word))
        || plan.children().into_iter().any(remembers)
}

impl Rerun {
    fn new(plan: Arc<dyn ExecutionPlan>) -> Rerun {
        let remembers = remembers(&plan);
        Rerun { plan, runs: 0, remembers }
    }

    async fn run(&mut self, context: &Arc<TaskContext>) -> Result<Vec<RecordBatch>> {
        if self.runs >= RUNS_MAX || (self.remembers && self.runs > 0) {
            self.plan = reset_plan_states(self.plan.clone())?;
            self.runs = 0;
        }
        self.runs += 1;
        collect(self.plan.clone(), context.clone()).await
    }
}

struct Cut {
    /// What its states hang on besides rows and clock.
    print: u64,
    stream: Stream,
    columns: Arc<[usize]>,
    filter: Option<Arc<dyn PhysicalExpr>>,
    rows: Slot,
    partial: Rerun,
    states: Slot,
    reduce: Rerun,
    finish: Rerun,
    output: Slot,
    window: Window,
    /// By node, then by key.
    kept: HashMap<u64, Vec<Kept>>,
    /// The merged states of the last tick's lasting items, sealed and hot apart: the hot ones change all the time.
    merged: [Merged; 2],
    /// What the last finish was made of.
    finished: Option<Vec<RecordBatch>>,
    /// Counts to [`BEATS`].
    beat: u64,
}

/// Some items' states, most of them merged into one.
#[derive(Default)]
struct Merged {
    list: Vec<Listed>,
    base: State,
    /// States not merged yet.
    tail: Vec<RecordBatch>,
}

/// A node's state among those merged, in order.
#[derive(PartialEq)]
struct Listed {
    node: u64,
    key: u64,
    /// The node is known by the same number after a restart.
    lasting: bool,
}

/// Where the hot sets' states are merged.
const HOT: usize = 1;
/// Hot branches are seen to every so many ticks.
const BEATS: u64 = 16;
/// So many states go to the final step unmerged; some more in some cuts, so that not all merge at the same tick.
const TAIL_MAX: usize = 6;

struct Kept {
    key: u64,
    /// The key holds a threshold that moves with the clock.
    passing: bool,
    /// Of a node that is known by the same number after a restart.
    lasting: bool,
    state: State,
}

struct Item<'a> {
    node: &'a Arc<Node>,
    key: u64,
    passing: bool,
}

/// One live query.
pub struct LiveView {
    cell: ClockCell,
    cuts: Vec<Cut>,
    states: Vec<StateLeaf>,
    state_seen: Vec<Option<RecordBatch>>,
    upper: Rerun,
    upper_reads_clock: bool,
    context: Arc<TaskContext>,
    schema: SchemaRef,
    last: Option<Vec<RecordBatch>>,
    ticks: u64,
}

impl LiveView {
    /// Plans the parts of a template. `known` are states kept from before a restart, `zone` is the city's.
    ///
    /// # Errors
    /// DataFusion can't plan one of them.
    pub async fn new(
        state: &SessionState,
        cell: ClockCell,
        template: Template,
        zone: &str,
        known: &KeptStates,
    ) -> Result<LiveView> {
        // No optimizer rule may fuse, reorder or prune what is run set by set.
        let bare =
            SessionStateBuilder::new_from_existing(state.clone()).with_physical_optimizer_rules(Vec::new()).build();
        let mut cuts = Vec::with_capacity(template.cuts.len());
        for cut in template.cuts {
            let print = print_of(&cut, zone);
            let mut cut = Cut::new(&bare, cut, print).await?;
            cut.take_known(known.get(&print).map(Vec::as_slice).unwrap_or_default());
            cuts.push(cut);
        }
        let upper = state.query_planner().create_physical_plan(&template.upper, state).await?;
        let schema = upper.schema();
        Ok(LiveView {
            cell,
            cuts,
            state_seen: vec![None; template.states.len()],
            states: template.states,
            upper: Rerun::new(upper),
            upper_reads_clock: template.upper_reads_clock,
            context: state.task_ctx(),
            schema,
            last: None,
            ticks: 0,
        })
    }

    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// The answer at `now_us`, and whether it can differ from the last one.
    ///
    /// # Errors
    /// A piece can't be read, the query has too many groups, or DataFusion fails.
    pub async fn tick(
        &mut self,
        view: &View,
        rows: &Rows,
        now_us: i64,
        cost: &mut TickCost,
    ) -> std::result::Result<(Vec<RecordBatch>, bool), TickError> {
        self.cell.set(now_us);
        self.ticks += 1;
        // Not all views at the same tick.
        let turn = self.cuts.first().map_or(0, |cut| cut.print % SWEEP_TICKS);
        let sweep = (self.ticks + turn).is_multiple_of(SWEEP_TICKS);
        // Taken: a tick that fails or is stopped midway leaves nothing that the next one could call unchanged.
        let last = self.last.take();
        let mut changed = last.is_none() || self.upper_reads_clock;
        for cut in &mut self.cuts {
            let nodes = rows.stream(cut.stream);
            changed |= cut.tick(nodes, &self.context, cost).await?;
            if sweep {
                let ids = nodes.ids();
                cut.kept.retain(|id, _| ids.contains(id));
            }
        }
        let began = Instant::now();
        for (leaf, seen) in self.states.iter().zip(&mut self.state_seen) {
            let Some(table) = view.state_columns(&leaf.name, &leaf.columns) else { continue };
            let same = seen.as_ref().is_some_and(|seen| same_arrays(seen, &table));
            if !same {
                leaf.slot.set(vec![with_schema(&table, &leaf.slot.schema)?]);
                *seen = Some(table);
                changed = true;
            }
        }
        if let (false, Some(last)) = (changed, last) {
            cost.upper += began.elapsed();
            self.last = Some(last.clone());
            return Ok((last, false));
        }
        cost.uppers += 1;
        let answer = self.upper.run(&self.context).await?;
        cost.upper += began.elapsed();
        self.last = Some(answer.clone());
        Ok((answer, true))
    }

    /// The pieces of a stream whose states are still to be worked out, at the clock given: [`LiveView::absorb`] takes
    /// their rows.
    ///
    /// # Errors
    /// A threshold can't be worked out.
    pub fn missing(
        &mut self,
        stream: Stream,
        nodes: &StreamNodes,
        now_us: i64,
    ) -> std::result::Result<Vec<Missing>, TickError> {
        self.cell.set(now_us);
        let mut missing = Vec::new();
        for (place, cut) in self.cuts.iter_mut().enumerate().filter(|(_, cut)| cut.stream == stream) {
            for (piece, key) in cut.missing(nodes)? {
                missing.push(Missing { piece, cut: place, key });
            }
        }
        Ok(missing)
    }

    /// The columns of the stream that it takes to work out a missing state.
    pub fn columns(&self, missing: &Missing) -> &[usize] {
        self.cuts.get(missing.cut).map_or(&[], |cut| &cut.columns[..])
    }

    /// Works out a missing state of a piece from its rows, which another view may have read too, with these columns.
    ///
    /// # Errors
    /// As [`LiveView::tick`].
    pub async fn absorb(
        &mut self,
        missing: &Missing,
        node: &Arc<Node>,
        batches: &[RecordBatch],
        columns: Option<&[usize]>,
        now_us: i64,
        cost: &mut TickCost,
    ) -> std::result::Result<(), TickError> {
        self.cell.set(now_us);
        let Some(cut) = self.cuts.get_mut(missing.cut) else { return Ok(()) };
        let state = cut.evaluate(batches, columns, &self.context, cost).await?;
        cut.keep(node, &Item { node, key: missing.key, passing: false }, state);
        Ok(())
    }

    /// What the answer is made of, as far as it holds over a restart.
    pub fn lasting_states(&self, states: &mut KeptStates) {
        for cut in &self.cuts {
            states.insert(cut.print, cut.lasting_states());
        }
    }

    /// States kept and their bytes.
    pub fn kept(&self) -> (usize, usize) {
        let states = || self.cuts.iter().flat_map(|cut| cut.kept.values()).flatten();
        let bytes = states().filter_map(|kept| kept.state.as_ref()).map(RecordBatch::get_array_memory_size).sum();
        (states().count(), bytes)
    }
}

/// A state that a piece has not got yet.
pub struct Missing {
    /// The piece's node.
    pub piece: u64,
    cut: usize,
    key: u64,
}

/// Whether the final step would give the same again; states of many groups are only looked at by their place.
fn same_inputs(a: &[RecordBatch], b: &[RecordBatch]) -> bool {
    let same = |(a, b): (&RecordBatch, &RecordBatch)| same_arrays(a, b) || (a.num_rows() <= 64 && a == b);
    a.len() == b.len() && a.iter().zip(b).all(same)
}

fn same_arrays(a: &RecordBatch, b: &RecordBatch) -> bool {
    a.num_rows() == b.num_rows() && a.columns().iter().zip(b.columns()).all(|(a, b)| Arc::ptr_eq(a, b))
}

/// The same arrays under another schema: names and metadata may differ, types may not.
fn with_schema(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
    if batch.schema_ref() == schema {
        return Ok(batch.clone());
    }
    let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    Ok(RecordBatch::try_new_with_options(schema.clone(), batch.columns().to_vec(), &options)?)
}

fn one(batches: Vec<RecordBatch>, schema: &SchemaRef) -> Result<State> {
    let mut batches: Vec<RecordBatch> = batches.into_iter().filter(|batch| batch.num_rows() > 0).collect();
    match batches.len() {
        0 => Ok(None),
        1 => Ok(Some(with_schema(&batches.remove(0), schema)?)),
        _ => Ok(Some(with_schema(&concat_batches(&batches[0].schema(), &batches)?, schema)?)),
    }
}

impl Cut {
    async fn new(bare: &SessionState, cut: CutPlan, print: u64) -> Result<Cut> {
        let plan = bare.query_planner().create_physical_plan(&cut.plan, bare).await?;
        let (partial, states, reduce, finish) = match cut.merge {
            Merge::Aggregate => {
                let partial = partial_of(&plan)?;
                let Some(aggregate) = partial.downcast_ref::<AggregateExec>() else {
                    return datafusion::common::internal_err!("a partial aggregate was expected");
                };
                let states = Slot::new(partial.schema());
                let reduce = AggregateExec::try_new(
                    AggregateMode::PartialReduce,
                    aggregate.group_expr().as_final(),
                    aggregate.aggr_expr().to_vec(),
                    vec![None; aggregate.aggr_expr().len()],
                    states.exec(),
                    partial.schema(),
                )?;
                let finish = replace_children_if_necessary(plan.clone(), vec![states.exec()])?;
                (partial, states, Arc::new(reduce) as Arc<dyn ExecutionPlan>, finish)
            }
            Merge::Top => {
                let states = Slot::new(plan.schema());
                let merge = replace_children_if_necessary(plan.clone(), vec![states.exec()])?;
                (plan, states, merge.clone(), reset_plan_states(merge)?)
            }
        };
        let everything = cut.filter == lit(true);
        let filter = if everything {
            None
        } else {
            let filter: Expr = cut.filter;
            Some(bare.create_physical_expr(filter, &cut.scan_schema)?)
        };
        Ok(Cut {
            print,
            stream: cut.stream,
            columns: cut.columns.into(),
            filter,
            rows: cut.rows,
            partial: Rerun::new(partial),
            states,
            reduce: Rerun::new(reduce),
            finish: Rerun::new(finish),
            output: cut.output,
            window: cut.window,
            kept: HashMap::new(),
            merged: Default::default(),
            finished: None,
            beat: print % BEATS,
        })
    }

    /// Takes states from before a restart. Those that are not this cut's after all are left.
    fn take_known(&mut self, known: &[KeptState]) {
        for KeptState { node, key, state } in known {
            let state = match state {
                None => None,
                Some(batch) => match with_schema(batch, &self.states.schema) {
                    Ok(batch) => Some(batch),
                    Err(_) => continue,
                },
            };
            self.kept.entry(*node).or_default().push(Kept { key: *key, passing: false, lasting: true, state });
        }
    }

    /// Of the sealed sets that the last answer was made of; what is known, while there was no answer yet.
    fn lasting_states(&self) -> Vec<KeptState> {
        let sealed = self.merged[0].list.iter().filter(|item| item.lasting);
        let states = sealed.filter_map(|item| {
            let state = self.known(item.node, item.key)?;
            Some(KeptState { node: item.node, key: item.key, state })
        });
        if self.finished.is_some() {
            return states.collect();
        }
        let of_node = |(node, list): (&u64, &Vec<Kept>)| {
            let node = *node;
            let lasting = list.iter().filter(|kept| kept.lasting);
            lasting.map(|kept| KeptState { node, key: kept.key, state: kept.state.clone() }).collect::<Vec<_>>()
        };
        self.kept.iter().flat_map(of_node).collect()
    }

    /// The pieces that have to be read whole for the answer at this clock, each with the key of its state.
    fn missing(&mut self, nodes: &StreamNodes) -> std::result::Result<Vec<(u64, u64)>, TickError> {
        let thresholds = self.window.thresholds()?;
        let mut missing = Vec::new();
        // Nodes, with the key of the set they are part of where that counts whole.
        let mut stack: Vec<(&Arc<Node>, Option<u64>)> = nodes.sealed().iter().rev().map(|root| (root, None)).collect();
        while let Some((node, key)) = stack.pop() {
            let key = match key {
                Some(key) => Some(key),
                None => {
                    let truths = self.window.truths(&thresholds, node.ts_min, node.ts_max);
                    match self.window.outcome(truths)? {
                        Outcome::Empty => continue,
                        Outcome::Rows { finer: true, .. } => None,
                        Outcome::Rows { residue, atoms, .. } => Some(key_of(*residue, atoms, &thresholds)),
                    }
                }
            };
            if key.is_some_and(|key| self.known(node.id, key).is_some()) {
                continue;
            }
            match (&node.rest, key) {
                (Rest::Branch(children), _) => stack.extend(children.iter().rev().map(|child| (child, key))),
                (Rest::Piece(..), Some(key)) if node.at_hand_with(&self.columns).is_none() => {
                    missing.push((node.id, key))
                }
                // A window ends in it, or its rows are in memory: the tick sees to it.
                _ => {}
            }
        }
        Ok(missing)
    }

    /// Brings the output up to date; true when it may have changed.
    async fn tick(
        &mut self,
        nodes: &StreamNodes,
        context: &Arc<TaskContext>,
        cost: &mut TickCost,
    ) -> std::result::Result<bool, TickError> {
        let mut began = Instant::now();
        let thresholds = self.window.thresholds()?;
        let mut inputs = Vec::new();
        let mut passing = Vec::new();
        for (group, roots) in [nodes.sealed(), nodes.hot()].into_iter().enumerate() {
            let mut found = Vec::new();
            for root in roots {
                collect_items(&mut self.window, &self.columns, nodes, root, &thresholds, &mut found)?;
            }
            cost.finding += began.elapsed();
            let mut lasting = Vec::with_capacity(found.len());
            for (node, key, is_passing) in &found {
                let item = Item { node, key: *key, passing: *is_passing };
                if *is_passing {
                    passing.extend(self.state(&item, context, cost).await?);
                } else {
                    lasting.push(item);
                }
            }
            self.merge_lasting(group, &lasting, &mut inputs, context, cost).await?;
            began = Instant::now();
        }
        inputs.append(&mut passing);
        if self.finished.as_ref().is_some_and(|finished| same_inputs(finished, &inputs)) {
            return Ok(false);
        }
        let made_of = inputs.clone();
        cost.finals += 1;
        self.states.set(inputs);
        let answer = self.finish.run(context).await?;
        let schema = self.output.schema.clone();
        let answer = answer.iter().map(|batch| with_schema(batch, &schema)).collect::<Result<_>>()?;
        self.output.set(answer);
        cost.finish += began.elapsed();
        self.finished = Some(made_of);
        Ok(true)
    }

    /// Adds the states of lasting items to `inputs`, merged. When the list only grew, only what is new is looked up.
    ///
    /// The states of hot branches are not needed for that; they are worked out by and by, each cut at another tick, so
    /// that a window's end or a sealing finds them.
    async fn merge_lasting(
        &mut self,
        group: usize,
        items: &[Item<'_>],
        inputs: &mut Vec<RecordBatch>,
        context: &Arc<TaskContext>,
        cost: &mut TickCost,
    ) -> std::result::Result<(), TickError> {
        let listed = |item: &Item<'_>| Listed { node: item.node.id, key: item.key, lasting: item.node.lasting };
        let list: Vec<Listed> = items.iter().map(listed).collect();
        // Taken, so that a failure midway leaves nothing half merged.
        let mut merged = std::mem::take(&mut self.merged[group]);
        let fresh = match grown(&merged.list, items) {
            Some(fresh) => fresh,
            None => {
                merged = Merged::default();
                items.iter().map(|item| (item.node.clone(), item.key)).collect()
            }
        };
        for (node, key) in &fresh {
            merged.tail.extend(self.state(&Item { node, key: *key, passing: false }, context, cost).await?);
        }
        merged.list = list;
        if merged.tail.len() > TAIL_MAX + (self.print % 6) as usize {
            let states = merged.base.take().into_iter().chain(merged.tail.drain(..)).collect();
            merged.base = self.reduce(states, context, cost).await?;
        }
        inputs.extend(merged.base.iter().chain(&merged.tail).cloned());
        self.merged[group] = merged;
        if group == HOT {
            self.beat = (self.beat + 1) % BEATS;
            if self.beat == 0 {
                for item in items.iter().filter(|item| matches!(item.node.rest, Rest::Branch(_))) {
                    self.state(item, context, cost).await?;
                }
            }
        }
        Ok(())
    }

    async fn reduce(
        &mut self,
        states: Vec<RecordBatch>,
        context: &Arc<TaskContext>,
        cost: &mut TickCost,
    ) -> std::result::Result<State, TickError> {
        if states.len() < 2 {
            return Ok(states.into_iter().next());
        }
        cost.merges += 1;
        let began = Instant::now();
        let schema = self.states.schema.clone();
        self.states.set(states);
        let merged = one(self.reduce.run(context).await?, &schema)?;
        cost.merge += began.elapsed();
        if let Some(batch) = &merged
            && batch.num_rows() > STATE_ROWS_MAX
        {
            return Err(TickError::Wide(batch.num_rows()));
        }
        Ok(merged)
    }

    /// The state of a set of rows: kept, or worked out from its parts or its rows. Parts are worked out first, without
    /// recursion into async code.
    async fn state(
        &mut self,
        item: &Item<'_>,
        context: &Arc<TaskContext>,
        cost: &mut TickCost,
    ) -> std::result::Result<State, TickError> {
        // Depth first; a node is left when all its parts are known.
        let mut stack: Vec<Arc<Node>> = vec![item.node.clone()];
        while let Some(node) = stack.last().cloned() {
            if self.known(node.id, item.key).is_some() {
                stack.pop();
                continue;
            }
            let parts: Option<Vec<Arc<Node>>> = match &node.rest {
                Rest::Leaf(_) => None,
                Rest::Branch(children) => Some(children.clone()),
                Rest::Piece(..) => node.at_hand_with(&self.columns).map(|parts| parts.to_vec()),
            };
            let state = match (&node.rest, parts) {
                (Rest::Leaf(rows), _) => {
                    let began = Instant::now();
                    let columns = rows.columns.as_deref();
                    let state = self.evaluate(std::slice::from_ref(&rows.batch), columns, context, cost).await?;
                    if item.passing {
                        cost.boundary += began.elapsed();
                    } else {
                        cost.fresh += began.elapsed();
                    }
                    state
                }
                (_, Some(parts)) => {
                    let missing: Vec<_> =
                        parts.iter().filter(|part| self.known(part.id, item.key).is_none()).cloned().collect();
                    if let Some((batches, columns)) = all_leaves(&parts, &missing) {
                        let began = Instant::now();
                        let state = self.evaluate(&batches, columns.as_deref(), context, cost).await?;
                        cost.fresh += began.elapsed();
                        self.keep(&node, item, state);
                        stack.pop();
                        continue;
                    }
                    if !missing.is_empty() {
                        stack.extend(missing);
                        continue;
                    }
                    let states = parts.iter().filter_map(|part| self.known(part.id, item.key).flatten()).collect();
                    self.reduce(states, context, cost).await?
                }
                (Rest::Piece(piece, _), None) => {
                    let began = Instant::now();
                    let mut columns = self.columns.to_vec();
                    columns.sort_unstable();
                    let batches = piece.source.columns(&columns).map_err(TickError::Rows)?;
                    let state = self.evaluate(&batches, Some(&columns), context, cost).await?;
                    cost.fresh += began.elapsed();
                    state
                }
                (Rest::Branch(_), None) => None,
            };
            self.keep(&node, item, state);
            stack.pop();
        }
        Ok(self.known(item.node.id, item.key).flatten())
    }

    fn known(&self, id: u64, key: u64) -> Option<State> {
        self.kept.get(&id)?.iter().find(|kept| kept.key == key).map(|kept| kept.state.clone())
    }

    fn keep(&mut self, node: &Node, item: &Item<'_>, state: State) {
        let kept = self.kept.entry(node.id).or_default();
        if item.passing {
            // Of the keys that pass with the clock only the newest are worth keeping.
            if kept.iter().filter(|kept| kept.passing).count() >= 2
                && let Some(oldest) = kept.iter().position(|kept| kept.passing)
            {
                kept.remove(oldest);
            }
        }
        let lasting = node.lasting && !item.passing;
        kept.push(Kept { key: item.key, passing: item.passing, lasting, state });
    }

    /// The partial state of some rows, at the clock of the tick. `columns`: those that the batches have, ascending; all of
    /// the stream's without it.
    async fn evaluate(
        &mut self,
        batches: &[RecordBatch],
        columns: Option<&[usize]>,
        context: &Arc<TaskContext>,
        cost: &mut TickCost,
    ) -> std::result::Result<State, TickError> {
        let places: Vec<usize> = match columns {
            None => self.columns.to_vec(),
            Some(columns) => self.columns.iter().filter_map(|column| columns.binary_search(column).ok()).collect(),
        };
        if places.len() < self.columns.len() {
            return Err(TickError::Rows("a column that a live view reads was not read from its segment".to_owned()));
        }
        let mut input = Vec::with_capacity(batches.len());
        for batch in batches {
            cost.evaluated += 1;
            cost.evaluated_rows += batch.num_rows() as u64;
            let batch = batch.project(&places).map_err(DataFusionError::from)?;
            let batch = match &self.filter {
                None => batch,
                Some(filter) => {
                    let array = filter.evaluate(&batch)?.into_array(batch.num_rows())?;
                    let passed = array.as_boolean();
                    match passed.true_count() {
                        0 => continue,
                        count if count == batch.num_rows() => batch,
                        _ => filter_record_batch(&batch, passed).map_err(DataFusionError::from)?,
                    }
                }
            };
            input.push(with_schema(&batch, &self.rows.schema)?);
        }
        if input.is_empty() {
            return Ok(None);
        }
        self.rows.set(input);
        let batches = self.partial.run(context).await?;
        self.rows.clear();
        let schema = self.states.schema.clone();
        // A long input may give several batches of the same groups.
        let several = batches.iter().filter(|batch| batch.num_rows() > 0).count() > 1;
        if several {
            let batches = batches.iter().map(|batch| with_schema(batch, &schema)).collect::<Result<Vec<_>>>()?;
            return self.reduce(batches, context, cost).await;
        }
        Ok(one(batches, &schema)?)
    }
}

/// What `items` hold beyond the list merged before, when that list is their beginning: the same sets, or sets that have
/// become parts of a branch since.
fn grown(before: &[Listed], items: &[Item<'_>]) -> Option<Vec<(Arc<Node>, u64)>> {
    let (mut before, mut fresh) = (before.iter(), Vec::new());
    let mut stack: Vec<(&Arc<Node>, u64)> = items.iter().rev().map(|item| (item.node, item.key)).collect();
    while let Some((node, key)) = stack.pop() {
        let Some(next) = before.as_slice().first() else {
            fresh.push((node.clone(), key));
            continue;
        };
        if (next.node, next.key) == (node.id, key) {
            before.next();
        } else if let Rest::Branch(children) = &node.rest {
            stack.extend(children.iter().rev().map(|child| (child, key)));
        } else {
            return None;
        }
    }
    before.as_slice().is_empty().then_some(fresh)
}

/// The rows of a set's parts, when they are all leaves of the same columns and none is known: then they are worked out
/// together.
fn all_leaves(parts: &[Arc<Node>], missing: &[Arc<Node>]) -> Option<(Vec<RecordBatch>, Option<Arc<[usize]>>)> {
    if missing.is_empty() || missing.len() < parts.len() {
        return None;
    }
    let leaf = |node: &Arc<Node>| match &node.rest {
        Rest::Leaf(rows) => Some(rows.clone()),
        _ => None,
    };
    let leaves: Vec<LeafRows> = parts.iter().map(leaf).collect::<Option<_>>()?;
    let columns = leaves.first()?.columns.clone();
    let same = leaves.iter().all(|rows| rows.columns == columns);
    same.then(|| (leaves.into_iter().map(|rows| rows.batch).collect(), columns))
}

/// The sets of rows that matter at these thresholds: node, key of its state, whether a window ends in it.
fn collect_items(
    window: &mut Window,
    columns: &[usize],
    nodes: &StreamNodes,
    node: &Arc<Node>,
    thresholds: &[Option<i64>],
    items: &mut Vec<(Arc<Node>, u64, bool)>,
) -> std::result::Result<(), TickError> {
    let truths = window.truths(thresholds, node.ts_min, node.ts_max);
    let (residue, atoms, finer) = match window.outcome(truths)? {
        Outcome::Empty => return Ok(()),
        Outcome::Rows { residue, atoms, finer } => (*residue, atoms.clone(), *finer),
    };
    if finer {
        match &node.rest {
            Rest::Leaf(_) => {}
            Rest::Branch(children) => {
                for child in children {
                    collect_items(window, columns, nodes, child, thresholds, items)?;
                }
                return Ok(());
            }
            Rest::Piece(..) => {
                for part in nodes.open(node, columns).map_err(TickError::Rows)?.iter() {
                    collect_items(window, columns, nodes, part, thresholds, items)?;
                }
                return Ok(());
            }
        }
    }
    let key = key_of(residue, &atoms, thresholds);
    // A leaf in which a window ends is another one soon; what hangs on a calendar day stays for the day.
    items.push((node.clone(), key, finer));
    Ok(())
}

/// What a state hangs on besides its rows: the specialised query, and the thresholds still in it.
fn key_of(residue: u64, atoms: &[usize], thresholds: &[Option<i64>]) -> u64 {
    atoms.iter().fold(residue, |key, index| {
        let threshold = thresholds.get(*index).copied().flatten();
        key.rotate_left(5) ^ mix(threshold.unwrap_or(i64::MIN) as u64 ^ ((*index as u64) << 56))
    })
}

/// A well-spread hash of one number (SplitMix64's finalizer).
fn mix(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    value ^ (value >> 31)
}

/// The partial aggregate below the final one; nothing may stand between them.
fn partial_of(plan: &Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
    let Some(last) = plan.downcast_ref::<AggregateExec>() else {
        return datafusion::common::internal_err!("the plan of a cut does not end in an aggregate");
    };
    let partial = last.input().clone();
    match partial.downcast_ref::<AggregateExec>() {
        Some(below)
            if *last.mode() == AggregateMode::Final
                && *below.mode() == AggregateMode::Partial
                && below.limit_options().is_none() =>
        {
            Ok(partial)
        }
        _ => datafusion::common::internal_err!("the plan of a cut is not a final aggregate over a partial one"),
    }
}

impl std::fmt::Debug for LiveView {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let cuts: Vec<_> = self.cuts.iter().map(|cut| cut.stream.name()).collect();
        formatter.debug_struct("LiveView").field("cuts", &cuts).field("ticks", &self.ticks).finish_non_exhaustive()
    }
}
