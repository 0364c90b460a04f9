//! The current-state tables as of a past time, as SQL over the events up to then.
//!
//! A live store keeps these tables as events land; asked about the past, they are worked out from the events. Both say
//! the same: the test `--at equals a store that never had the later rows` holds them together.

use arrow::datatypes::SchemaRef;

use super::session::STATE_TABLES;
use crate::store::state_table_schema;

/// The schema of one of the state tables.
pub fn state_schema(name: &str) -> Option<SchemaRef> {
    state_table_schema(name)
}

pub fn state_schemas() -> Vec<(&'static str, SchemaRef)> {
    STATE_TABLES.iter().filter_map(|name| Some((*name, state_schema(name)?))).collect()
}

/// The SQL of a state table as a view over the events, in the columns of [`state_schema`]; `None` for a name that is no
/// state table. `quarantine_now` is today's table: of what never landed, only the time it says can be compared.
pub fn view_sql(name: &str, until: i64) -> Option<String> {
    let sql = match name {
        "open_tickets" => OPEN_TICKETS,
        "waiting" => WAITING,
        "seat_state" => SEAT_STATE,
        "devices" => DEVICES,
        "feeds" => return Some(feeds_sql()),
        "quarantine" => {
            return Some(format!("SELECT * FROM quarantine_now WHERE coalesce(ts, recv) <= instant({until})"));
        }
        _ => return None,
    };
    Some(sql.to_owned())
}

/// The latest row of each ticket that is open says all but since when it is in its state.
const OPEN_TICKETS: &str = "
SELECT t.id, t.state, t.opened_at, o.since, t.due, t.service, t.board, t.area, t.topic, t.org, t.channel, t.type, t.prio,
  t.item, t.rejects, o.demo
FROM (
  SELECT id, max(seq) AS seq, bool_or(coalesce(demo, false)) AS demo,
    last_value(ts ORDER BY seq) FILTER (WHERE prev_state IS DISTINCT FROM state) AS since
  FROM tickets
  GROUP BY id
  HAVING sum(open_delta) > 0
) o
JOIN tickets t ON t.id = o.id AND t.seq = o.seq";

const WAITING: &str = "
SELECT c.id, c.ts AS since, c.line, c.skill, c.area, c.channel, coalesce(c.demo, false) AS demo
FROM (
  SELECT id, max(seq) FILTER (WHERE queue_delta > 0) AS seq
  FROM contacts
  WHERE queue_delta <> 0
  GROUP BY id
  HAVING sum(queue_delta) > 0
) q
JOIN contacts c ON c.id = q.id AND c.seq = q.seq";

const SEAT_STATE: &str = "
SELECT seat, last_value(kind ORDER BY seq) AS state,
  last_value(ts ORDER BY seq) FILTER (WHERE changed) AS since,
  last_value(skill ORDER BY seq) FILTER (WHERE skill IS NOT NULL) AS skill,
  last_value(reason ORDER BY seq) AS reason,
  coalesce(last_value(demo ORDER BY seq), false) AS demo
FROM (
  SELECT coalesce(seat, id) AS seat, kind, ts, seq, skill, reason, demo,
    kind IS DISTINCT FROM lag(kind) OVER (PARTITION BY coalesce(seat, id) ORDER BY seq) AS changed
  FROM seats
  WHERE kind <> 'plan'
)
GROUP BY seat";

/// An object that was never said to be on- or offline counts as online since it was first heard of.
const DEVICES: &str = "
SELECT type, id, last_value(said ORDER BY seq) FILTER (WHERE said IS NOT NULL) AS state,
  last_value(ts ORDER BY seq) FILTER (WHERE said IS NOT NULL AND said IS DISTINCT FROM before) AS since,
  last_value(grade ORDER BY seq) FILTER (WHERE grade IS NOT NULL) AS grade,
  last_value(area ORDER BY seq) FILTER (WHERE area IS NOT NULL) AS area,
  last_value(service ORDER BY seq) FILTER (WHERE service IS NOT NULL) AS service,
  last_value(org ORDER BY seq) FILTER (WHERE org IS NOT NULL) AS org,
  last_value(tags ORDER BY seq) FILTER (WHERE tags IS NOT NULL) AS tags,
  last_value(quantity ORDER BY seq) FILTER (WHERE quantity IS NOT NULL) AS quantity,
  last_value(expires_at ORDER BY seq) FILTER (WHERE expires_at IS NOT NULL) AS expires_at,
  bool_or(coalesce(demo, false)) AS demo
FROM (
  SELECT *, last_value(said) IGNORE NULLS OVER (
    PARTITION BY type, id ORDER BY seq ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
  FROM (
    SELECT *, CASE WHEN kind IN ('add', 'online') THEN 'online' WHEN kind = 'offline' THEN 'offline'
        WHEN kind = 'remove' THEN 'removed'
        WHEN row_number() OVER (PARTITION BY type, id ORDER BY seq) = 1 THEN 'online' END AS said
    FROM (
      SELECT coalesce(type, last_value(type) IGNORE NULLS OVER (
          PARTITION BY id ORDER BY seq ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)) AS type, id, kind, ts, seq, grade, area, service, org, tags,
        quantity, expires_at, demo
      FROM registry
    )
  )
)
GROUP BY type, id";

fn feeds_sql() -> String {
    let streams = crate::model::Stream::ALL.map(|stream| {
        format!(
            "SELECT src, max(ts) AS last_ts, max(recv) AS last_recv, count(*) AS rows, \
             bool_or(coalesce(demo, false)) AS demo FROM {stream} GROUP BY src"
        )
    });
    format!(
        "SELECT src, max(last_ts) AS last_ts, max(last_recv) AS last_recv, CAST(sum(rows) AS BIGINT) AS rows, \
         bool_or(demo) AS demo FROM ({}) GROUP BY src",
        streams.join(" UNION ALL ")
    )
}
