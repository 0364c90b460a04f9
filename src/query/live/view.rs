//! One live query: planned once, asked at every tick.
//!
//! For each cut, the states of all sets of rows that matter at this clock are looked up or worked out, merged, and
//! finished by DataFusion's own final step; the plan above runs over that. When nothing it depends on has changed, the
//! last answer stands.

use std::sync::Arc;
use std::time::Instant;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::common::Result;
use datafusion::execution::{SessionState, SessionStateBuilder, TaskContext};

use super::super::functions::ClockCell;
use super::super::source::View;
use super::batches::{same_arrays, with_schema};
use super::cost::{TickCost, TickError};
use super::cut::{StateLeaf, Template};
use super::items::Item;
use super::keep::{KeptStates, print_of};
use super::nodes::{Node, Rows, StreamNodes};
use super::states::Cut;
use super::steps::Steps;
use super::tables::TableCut;
use crate::model::Stream;

/// States of nodes that are gone are let go every so many ticks.
const SWEEP_TICKS: u64 = 256;

/// One live query.
pub struct LiveView {
    cell: ClockCell,
    cuts: Vec<Cut>,
    tables: Vec<TableCut>,
    states: Vec<StateLeaf>,
    state_seen: Vec<Option<RecordBatch>>,
    upper: Steps,
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
        let upper = Steps::new(&upper, true)?;
        let tables = template.tables.into_iter().map(|table| TableCut::new(state, table, cell.clone()));
        Ok(LiveView {
            tables: tables.collect::<Result<_>>()?,
            cell,
            cuts,
            state_seen: vec![None; template.states.len()],
            states: template.states,
            upper,
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
        for table in &mut self.tables {
            changed |= table.tick(view)?;
        }
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
        let (answer, changed) = self.upper.run(&self.context).await?;
        cost.upper += began.elapsed();
        self.last = Some(answer.clone());
        Ok((answer, changed))
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

impl std::fmt::Debug for LiveView {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let cuts: Vec<_> = self.cuts.iter().map(|cut| cut.stream.name()).collect();
        formatter.debug_struct("LiveView").field("cuts", &cuts).field("ticks", &self.ticks).finish_non_exhaustive()
    }
}
