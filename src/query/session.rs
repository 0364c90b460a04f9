//! A DataFusion session over one [`View`] at one clock.
//!
//! [`Ground`] holds what all sessions share: settings, memory pool, functions of DataFusion, the city's tables. A
//! session adds the streams, the board views, the state tables and our functions. It fails only when the city's
//! tables can't be built.

use std::sync::Arc;

use datafusion::catalog::memory::{MemoryCatalogProvider, MemoryCatalogProviderList, MemorySchemaProvider};
use datafusion::catalog::{CatalogProvider, CatalogProviderList, SchemaProvider, TableProvider};
use datafusion::common::Result;
use datafusion::datasource::{MemTable, ViewTable, provider_as_source};
use datafusion::execution::FunctionRegistry;
use datafusion::execution::context::SQLOptions;
use datafusion::execution::memory_pool::GreedyMemoryPool;
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::execution::{SessionState, SessionStateBuilder};
use datafusion::logical_expr::{LogicalPlan, LogicalPlanBuilder, col, lit};
use datafusion::prelude::SessionConfig;
use datafusion::sql::parser::Statement;

use super::dims;
use super::failure::{Failure, Kind};
use super::functions::{PlanClock, functions};
use super::past;
use super::source::View;
use super::tables::{StateTable, StreamTable};
use crate::model::time::to_utc;
use crate::model::{City, Stream};

/// The current-state tables the store derives.
pub const STATE_TABLES: &[&str] = &["open_tickets", "waiting", "seat_state", "devices", "feeds", "quarantine"];

/// Functions that make an array or a text as long as a number says, out of sight of every limit. (The table
/// `generate_series` gives its rows one batch after the other.)
const UNBOUNDED: [&str; 9] = [
    "range",
    "generate_series",
    "array_repeat",
    "array_resize",
    "repeat",
    "lpad",
    "rpad",
    "list_repeat",
    "list_resize",
];

/// Below this many rows a query runs on one thread: dealing the work out costs more than it saves.
const SMALL_ROWS: usize = 200_000;

/// What every session shares. Cheap to clone.
#[derive(Clone)]
pub struct Ground {
    pub city: Arc<City>,
    base: SessionState,
    runtime: Arc<RuntimeEnv>,
    dims: Vec<(String, Arc<MemTable>)>,
    threads: usize,
}

impl Ground {
    /// `memory_bytes` bounds what all queries together may hold while they run.
    ///
    /// # Errors
    /// The city's tables or DataFusion's runtime can't be built.
    pub fn new(city: Arc<City>, memory_bytes: usize, threads: usize) -> Result<Ground> {
        let runtime = RuntimeEnvBuilder::new()
            .with_memory_pool(Arc::new(GreedyMemoryPool::new(memory_bytes)))
            .with_max_temp_directory_size(2 << 30)
            .build_arc()?;
        let mut config = SessionConfig::new()
            .with_target_partitions(1)
            .with_batch_size(8192)
            .with_create_default_catalog_and_schema(false);
        let options = config.options_mut();
        options.sql_parser.collect_spans = true;
        options.optimizer.enable_dynamic_filter_pushdown = false;
        options.optimizer.enable_aggregate_dynamic_filter_pushdown = false;
        options.optimizer.enable_join_dynamic_filter_pushdown = false;
        // The first rows so far tell a scan which of the next need not be read.
        options.optimizer.enable_topk_dynamic_filter_pushdown = true;
        let mut base = SessionStateBuilder::new()
            .with_config(config)
            .with_runtime_env(runtime.clone())
            .with_default_features()
            .build();
        for name in UNBOUNDED {
            base.deregister_udf(name)?;
        }
        let mut tables = Vec::new();
        for name in dims::NAMES {
            if let Some(batch) = dims::table(&city, name)? {
                tables.push(((*name).to_owned(), Arc::new(MemTable::try_new(batch.schema(), vec![vec![batch]])?)));
            }
        }
        Ok(Ground { city, base, runtime, dims: tables, threads: threads.max(1) })
    }

    pub fn runtime(&self) -> &Arc<RuntimeEnv> {
        &self.runtime
    }

    /// A session over `view`. With `until`, later rows do not exist and the state tables are those of that time.
    ///
    /// # Errors
    /// A table can't be built.
    pub fn session(&self, view: &Arc<View>, clock: PlanClock, until: Option<i64>) -> Result<Session> {
        let rows = Stream::ALL.iter().map(|stream| view.stream(*stream).row_count()).max().unwrap_or(0);
        let threads = if rows < SMALL_ROWS { 1 } else { self.threads };
        let schema = Arc::new(MemorySchemaProvider::new());
        let mut tickets: Option<Arc<dyn TableProvider>> = None;
        for stream in Stream::ALL {
            let table: Arc<dyn TableProvider> = Arc::new(StreamTable::new(stream, view.clone(), until));
            if stream == Stream::Tickets {
                tickets = Some(table.clone());
            }
            schema.register_table(stream.name().to_owned(), table)?;
        }
        for (name, table) in &self.dims {
            schema.register_table(name.clone(), table.clone())?;
        }
        if let Some(tickets) = tickets {
            for board in &self.city.boards {
                if !schema.table_exist(&board.code) {
                    schema.register_table(board.code.clone(), Arc::new(board_view(tickets.clone(), &board.code)?))?;
                }
            }
        }
        for (name, state_schema) in past::state_schemas() {
            let table = Arc::new(StateTable::new(name, state_schema, view.clone()));
            match until {
                None => drop(schema.register_table(name.to_owned(), table)?),
                // Of what never landed only today's table exists; it is cut at the time its rows say.
                Some(_) if name == "quarantine" => {
                    drop(schema.register_table("quarantine_now".to_owned(), table)?);
                }
                Some(_) => {}
            }
        }
        let catalog = Arc::new(MemoryCatalogProvider::new());
        catalog.register_schema("public", schema.clone())?;
        let catalogs = Arc::new(MemoryCatalogProviderList::new());
        catalogs.register_catalog("datafusion".to_owned(), catalog);

        let now_us = match &clock {
            PlanClock::Fixed(now_us) => *now_us,
            PlanClock::Cell(cell) => cell.get(),
        };
        let config = self.base.config().clone().with_target_partitions(threads);
        let mut state = SessionStateBuilder::new_from_existing(self.base.clone())
            .with_config(config)
            .with_catalog_list(catalogs)
            .build();
        state.execution_props_mut().query_execution_start_time = Some(to_utc(now_us));
        for function in functions(&clock, self.city.tz) {
            datafusion::execution::FunctionRegistry::register_udf(&mut state, Arc::new(function))?;
        }
        Ok(Session { state, schema, until })
    }
}

fn board_view(tickets: Arc<dyn TableProvider>, board: &str) -> Result<ViewTable> {
    let plan = LogicalPlanBuilder::scan("tickets", provider_as_source(tickets), None)?
        .filter(col("board").eq(lit(board)))?
        .build()?;
    Ok(ViewTable::new(plan, Some(format!("SELECT * FROM tickets WHERE board = '{board}'"))))
}

/// One session; made for one question, or once for a live view.
pub struct Session {
    pub state: SessionState,
    schema: Arc<MemorySchemaProvider>,
    until: Option<i64>,
}

impl Session {
    /// Plans a statement that [`super::statement::parse`] let through.
    ///
    /// # Errors
    /// It names a table, column or function that does not exist, types don't fit, or it would write.
    pub async fn plan(&self, statement: Statement) -> std::result::Result<LogicalPlan, Failure> {
        if let Some(until) = self.until {
            self.add_past_states(&statement, until).await?;
        }
        let plan = self.state.statement_to_plan(statement).await;
        let plan = plan.map_err(|error| Failure::from(error).with_hint(&|kind| self.names(kind)))?;
        SQLOptions::new()
            .with_allow_ddl(false)
            .with_allow_dml(false)
            .with_allow_statements(false)
            .verify_plan(&plan)?;
        Ok(plan)
    }

    /// What there is of a kind of name, for a hint to one who wrote another.
    fn names(&self, kind: Kind) -> Vec<String> {
        match kind {
            Kind::Table => {
                let mut names = self.schema.table_names();
                names.extend(STATE_TABLES.iter().map(|name| (*name).to_owned()));
                names.sort();
                names.dedup();
                names
            }
            Kind::Function => {
                let state = &self.state;
                let (scalar, aggregate) = (state.scalar_functions().keys(), state.aggregate_functions().keys());
                scalar.chain(aggregate).chain(state.window_functions().keys()).cloned().collect()
            }
        }
    }

    /// State tables of the past are views over the events, made only when they are asked for.
    async fn add_past_states(&self, statement: &Statement, until: i64) -> std::result::Result<(), Failure> {
        for reference in self.state.resolve_table_references(statement)? {
            let name = reference.table();
            if self.schema.table_exist(name) {
                continue;
            }
            if let Some(sql) = past::view_sql(name, until) {
                let plan = self.state.create_logical_plan(&sql).await?;
                let view = ViewTable::new(plan, Some(sql));
                self.schema.register_table(name.to_owned(), Arc::new(view))?;
            }
        }
        Ok(())
    }
}
