//! The states of one cut: kept by set of rows, looked up or worked out at a tick, merged and finished.
//!
//! A state kept for a set of rows is right for every clock at which the window's atoms are the same for that set; that is
//! its key.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use arrow::array::{BooleanArray, RecordBatch};
use datafusion::common::{DataFusionError, Result};
use datafusion::execution::{SessionState, TaskContext};
use datafusion::logical_expr::{Expr, lit};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::aggregates::{AggregateExec, AggregateMode};
use datafusion::physical_plan::execution_plan::reset_plan_states;
use datafusion::physical_plan::{ExecutionPlan, replace_children_if_necessary};

use super::batches::{State, mask, one, passed, same_inputs, with_schema};
use super::cost::{TickCost, TickError};
use super::cut::{CutPlan, Merge};
use super::items::{Item, Listed, all_leaves, collect_items, grown, key_of};
use super::keep::KeptState;
use super::nodes::{Node, Rest, StreamNodes};
use super::slot::Slot;
use super::steps::Steps;
use super::steps::keys::Keys;
use super::window::{Outcome, Window};
use crate::model::Stream;

/// A merged state with more rows than this is not worth keeping live.
const STATE_ROWS_MAX: usize = 50_000;

/// States of one set of rows under different keys: when its key changes with the clock the former ones are of no more use.
const KEYS_MAX: usize = 4;

/// Where the hot sets' states are merged.
const HOT: usize = 1;
/// Hot branches are seen to every so many ticks.
const BEATS: u64 = 16;
/// So many states go to the final step unmerged; some more in some cuts, so that not all merge at the same tick.
const TAIL_MAX: usize = 6;
/// More batches than these become one.
const OUTPUT_BATCHES_MAX: usize = 16;

pub struct Cut {
    /// What its states hang on besides rows and clock.
    pub print: u64,
    pub stream: Stream,
    pub columns: Arc<[usize]>,
    filter: Option<Arc<dyn PhysicalExpr>>,
    rows: Slot,
    partial: Steps,
    states: Slot,
    reduce: Steps,
    finish: Steps,
    output: Slot,
    window: Window,
    /// By node, then by key.
    pub kept: HashMap<u64, Vec<Kept>>,
    /// The merged states of the last tick's lasting items, sealed and hot apart: the hot ones change all the time.
    merged: [Merged; 2],
    /// The states in which a window ended at the last tick.
    passing: Vec<RecordBatch>,
    /// What the last finish was made of.
    finished: Option<Vec<RecordBatch>>,
    /// The keys in it, where there is nothing but keys (`DISTINCT`): more rows of these change nothing, and others are added.
    distinct: Option<Distinct>,
    /// Counts to [`BEATS`].
    beat: u64,
}

/// The keys of the last finish; nothing while they are not known.
struct Distinct(Option<Keys>);

/// Some items' states, most of them merged into one.
#[derive(Default)]
struct Merged {
    list: Vec<Listed>,
    base: State,
    /// States not merged yet.
    tail: Vec<RecordBatch>,
}

pub struct Kept {
    key: u64,
    /// The key holds a threshold that moves with the clock.
    passing: bool,
    /// Of a node that is known by the same number after a restart.
    lasting: bool,
    pub state: State,
}

impl Cut {
    pub async fn new(bare: &SessionState, cut: CutPlan, print: u64) -> Result<Cut> {
        let plan = bare.query_planner().create_physical_plan(&cut.plan, bare).await?;
        let mut distinct = None;
        let (partial, states, reduce, finish) = match cut.merge {
            Merge::Aggregate => {
                let partial = partial_of(&plan)?;
                let Some(aggregate) = partial.downcast_ref::<AggregateExec>() else {
                    return datafusion::common::internal_err!("a partial aggregate was expected");
                };
                let states = Slot::new(partial.schema());
                if aggregate.aggr_expr().is_empty() {
                    distinct = Some(Distinct(None));
                }
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
                // Copies of a sort share its threshold: each of the three needs one of its own.
                (plan, states, reset_plan_states(merge.clone())?, reset_plan_states(merge)?)
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
            partial: Steps::new(&partial, false)?,
            states,
            reduce: Steps::new(&reduce, false)?,
            finish: Steps::new(&finish, false)?,
            output: cut.output,
            window: cut.window,
            kept: HashMap::new(),
            merged: Default::default(),
            passing: Vec::new(),
            finished: None,
            distinct,
            beat: print % BEATS,
        })
    }

    /// Takes states from before a restart. Those that are not this cut's after all are left.
    pub fn take_known(&mut self, known: &[KeptState]) {
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
    pub fn lasting_states(&self) -> Vec<KeptState> {
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
    pub fn missing(&mut self, nodes: &StreamNodes) -> std::result::Result<Vec<(u64, u64)>, TickError> {
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
    pub async fn tick(
        &mut self,
        nodes: &StreamNodes,
        context: &Arc<TaskContext>,
        cost: &mut TickCost,
    ) -> std::result::Result<bool, TickError> {
        let mut began = Instant::now();
        // Taken: a tick that fails or is stopped midway leaves nothing that the next one could build upon.
        let finished = self.finished.take();
        let thresholds = self.window.thresholds()?;
        let (mut inputs, mut fresh) = (Vec::new(), self.distinct.is_some().then(Vec::new));
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
            let added = self.merge_lasting(group, &lasting, &mut inputs, context, cost).await?;
            fresh = fresh.zip(added).map(|(fresh, added)| [fresh, added].concat());
            began = Instant::now();
        }
        // A window that ends in the same rows at the same time, and in some new ones, lets nothing go.
        let fresh = match passing.split_at_checked(self.passing.len()) {
            Some((still, new)) if same_inputs(&self.passing, still) => fresh.map(|fresh| [&fresh, new].concat()),
            _ => None,
        };
        self.passing.clone_from(&passing);
        inputs.append(&mut passing);
        let same = finished.as_ref().is_some_and(|finished| same_inputs(finished, &inputs));
        if same {
            self.finished = Some(inputs);
            return Ok(false);
        }
        if let Some(keys) = self.new_keys(fresh.filter(|_| finished.is_some()), &inputs)? {
            self.finished = Some(inputs);
            return self.add_to_output(keys);
        }
        let made_of = inputs.clone();
        cost.finals += 1;
        self.states.set(inputs);
        let (answer, _) = self.finish.run(context).await?;
        let schema = self.output.schema.clone();
        let answer = answer.iter().map(|batch| with_schema(batch, &schema)).collect::<Result<_>>()?;
        self.output.set(answer);
        cost.finish += began.elapsed();
        self.finished = Some(made_of);
        Ok(true)
    }

    /// Where there is nothing but keys: those that the last finish had not. Nothing where all have to be finished anew.
    /// `fresh`: what came to its inputs, when nothing went.
    fn new_keys(
        &mut self,
        fresh: Option<Vec<RecordBatch>>,
        inputs: &[RecordBatch],
    ) -> Result<Option<Vec<RecordBatch>>> {
        let Some(Distinct(known)) = &mut self.distinct else { return Ok(None) };
        // Taken: keys that are not finished in the end are not known.
        let known = known.take();
        let Some(fresh) = fresh else { return Ok(None) };
        let is_known = known.is_some();
        let mut keys = known.map_or_else(|| Keys::new(&self.states.schema), Ok)?;
        let (mut new, mut numbers) = (Vec::new(), Vec::new());
        for state in if is_known { &fresh[..] } else { inputs } {
            let mut next = keys.len();
            keys.intern(state.columns(), &mut numbers, &self.states.schema)?;
            // Numbers are given in the order in which keys come.
            let is_first = |number: &usize| {
                let first = *number == next;
                next += usize::from(first);
                first
            };
            let first = BooleanArray::from(numbers.iter().map(is_first).collect::<Vec<_>>());
            if is_known {
                new.extend(passed(state, &first)?);
            }
        }
        self.distinct = Some(Distinct(Some(keys)));
        Ok(is_known.then_some(new))
    }

    /// Puts more rows behind the output; whether there are any.
    fn add_to_output(&self, rows: Vec<RecordBatch>) -> std::result::Result<bool, TickError> {
        if rows.is_empty() {
            return Ok(false);
        }
        let schema = &self.output.schema;
        let mut output = self.output.rows();
        for batch in &rows {
            output.push(with_schema(batch, schema)?);
        }
        if output.len() > OUTPUT_BATCHES_MAX {
            output = one(output, schema)?.into_iter().collect();
        }
        self.output.set(output);
        Ok(true)
    }

    /// Adds the states of lasting items to `inputs`, merged. When the list only grew, only what is new is looked up, and
    /// given back.
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
    ) -> std::result::Result<Option<Vec<RecordBatch>>, TickError> {
        let listed = |item: &Item<'_>| Listed { node: item.node.id, key: item.key, lasting: item.node.lasting };
        let list: Vec<Listed> = items.iter().map(listed).collect();
        // Taken, so that a failure midway leaves nothing half merged.
        let mut merged = std::mem::take(&mut self.merged[group]);
        let grown = grown(&merged.list, items);
        let grew = grown.is_some();
        let fresh = grown.unwrap_or_else(|| {
            merged = Merged::default();
            items.iter().map(|item| (item.node.clone(), item.key)).collect()
        });
        let mut added = Vec::new();
        for (node, key) in &fresh {
            added.extend(self.state(&Item { node, key: *key, passing: false }, context, cost).await?);
        }
        merged.tail.extend(added.iter().cloned());
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
        Ok(grew.then_some(added))
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
        let merged = one(self.reduce.run(context).await?.0, &schema)?;
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

    pub fn keep(&mut self, node: &Node, item: &Item<'_>, state: State) {
        let kept = self.kept.entry(node.id).or_default();
        if item.passing {
            // Of the keys that pass with the clock only the newest are worth keeping.
            if kept.iter().filter(|kept| kept.passing).count() >= 2
                && let Some(oldest) = kept.iter().position(|kept| kept.passing)
            {
                kept.remove(oldest);
            }
        }
        if kept.len() >= KEYS_MAX {
            kept.remove(0);
        }
        let lasting = node.lasting && !item.passing;
        kept.push(Kept { key: item.key, passing: item.passing, lasting, state });
    }

    /// The partial state of some rows, at the clock of the tick. `columns`: those that the batches have, ascending; all of
    /// the stream's without it.
    pub async fn evaluate(
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
                None => Some(batch),
                Some(filter) => passed(&batch, &mask(filter, &batch)?)?,
            };
            if let Some(batch) = batch {
                input.push(with_schema(&batch, &self.rows.schema)?);
            }
        }
        if input.is_empty() {
            return Ok(None);
        }
        self.rows.set(input);
        let (batches, _) = self.partial.run(context).await?;
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
