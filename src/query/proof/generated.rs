//! SQL of the live class, drawn at random: groups, windows fixed and rolling, filters, aggregates, and what may stand
//! above them.

use rand::seq::{IndexedRandom, IteratorRandom};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::model::Stream;

/// What the columns of a stream are good for.
#[derive(Debug)]
pub struct Words {
    pub stream: Stream,
    /// Group keys, few values each.
    pub groups: &'static [&'static str],
    pub ints: &'static [&'static str],
    pub floats: &'static [&'static str],
    pub filters: &'static [&'static str],
}

pub const WORDS: &[Words] = &[
    Words {
        stream: Stream::Tickets,
        groups: &[
            "kind",
            "area",
            "board",
            "state",
            "service",
            "demo",
            "coalesce(topic, '无')",
            "substr(topic, 1, 2)",
            "date_part('hour', local_time(ts))",
            "date_trunc('day', local_time(ts))",
            "rejects > 0",
        ],
        ints: &["rating", "open_delta", "elapsed_s", "stage_s", "rejects"],
        floats: &["amount", "elapsed_s * 0.5", "amount * 0.1"],
        filters: &[
            "kind = 'open'",
            "kind IN ('finish', 'rate')",
            "elapsed_s < 600",
            "topic IS NULL",
            "due < day_start(1)",
            "due >= day_start()",
            "rating BETWEEN 2 AND 4",
            "type LIKE '%a%'",
            "NOT coalesce(demo, false)",
            "($area IS NULL OR area = $area)",
            "($board IS NULL OR board = $board)",
            "caller <> 'c7'",
        ],
    },
    Words {
        stream: Stream::Contacts,
        groups: &["kind", "channel", "line", "area", "valid", "wait_s / 15"],
        ints: &["wait_s", "talk_s", "wrap_s", "queue_delta"],
        floats: &["score", "wait_s * 0.5", "score / 3.0"],
        filters: &[
            "kind = 'answer'",
            "coalesce(valid, true)",
            "wait_s <= 15",
            "violation <> 'none'",
            "talk_s IS NOT NULL",
        ],
    },
    Words {
        stream: Stream::Seats,
        groups: &["kind", "seat", "prev_state", "skill"],
        ints: &["stage_s"],
        floats: &["stage_s * 0.5"],
        filters: &["kind <> 'plan'", "stage_s > 60", "skill IS NULL", "starts_at > day_start()"],
    },
    Words {
        stream: Stream::Registry,
        groups: &["kind", "type", "grade", "area"],
        ints: &["quantity"],
        floats: &["quantity * 0.5"],
        filters: &["type = 'device'", "grade IS NOT NULL", "expires_at < day_start()", "kind IN ('online', 'offline')"],
    },
    Words {
        stream: Stream::Activities,
        groups: &["kind", "form", "service", "party"],
        ints: &["people", "online", "questions"],
        floats: &["hours", "score"],
        filters: &["kind = 'end'", "people > 100", "form = 'live'"],
    },
    Words {
        stream: Stream::Signals,
        groups: &["kind", "colour", "rule"],
        ints: &["CAST(value AS BIGINT) % 50"],
        floats: &["value"],
        filters: &["kind IN ('raise', 'ack')", "value > 50", "colour <> 'blue'"],
    },
];

/// A query of groups and aggregates.
struct Grouped {
    sql: String,
    groups: usize,
    columns: usize,
    /// The last digits of `a0` hang on the order of adding.
    first_adds_floats: bool,
}

impl Grouped {
    /// An aggregate over `a0` as text. Of a sum of floats only how many there are: its text has all of its digits, and the
    /// last of them are nobody's promise.
    fn text(&self) -> &'static str {
        if self.first_adds_floats { "CAST(count(a0) AS VARCHAR)" } else { "max(CAST(a0 AS VARCHAR))" }
    }
}

pub struct Grammar {
    pub random: ChaCha8Rng,
}

impl Grammar {
    pub fn new(seed: u64) -> Grammar {
        Grammar { random: ChaCha8Rng::seed_from_u64(seed) }
    }

    pub fn one<'a>(&mut self, words: &[&'a str]) -> &'a str {
        words.choose(&mut self.random).copied().unwrap()
    }

    pub fn some<'a>(&mut self, words: &[&'a str], least: usize, most: usize) -> Vec<&'a str> {
        let count = self.random.random_range(least..=most.min(words.len()));
        words.iter().copied().choose_multiple(&mut self.random, count)
    }

    fn words(&mut self) -> &'static Words {
        // Tickets have the most to say.
        if self.random.random_bool(0.4) { &WORDS[0] } else { WORDS.choose(&mut self.random).unwrap() }
    }

    pub fn span(&mut self) -> String {
        match self.random.random_range(0..4) {
            0 => format!("{} minutes", self.random.random_range(1..180)),
            1 => format!("{} hours", self.random.random_range(1..60)),
            2 => format!("{} days", self.random.random_range(1..12)),
            _ => "1 hour".to_owned(),
        }
    }

    /// An instant: the clock's, a day's, or a fixed one.
    pub fn instant(&mut self) -> String {
        match self.random.random_range(0..6) {
            0..=2 => format!("now() - INTERVAL '{}'", self.span()),
            3 | 4 => format!("day_start({})", self.random.random_range(-6..=1)),
            _ => format!("instant({})", super::lab::NOON - self.random.random_range(-DAYS..5 * DAYS)),
        }
    }

    /// A comparison, or several, of `ts` with the clock.
    pub fn window(&mut self) -> String {
        let (a, b) = (self.instant(), self.instant());
        match self.random.random_range(0..9) {
            0 => "true".to_owned(),
            1 | 2 => format!("ts >= {a}"),
            3 => format!("{a} < ts"),
            4 => format!("ts >= {a} AND ts < {b}"),
            5 => format!("ts BETWEEN {a} AND {b}"),
            6 => format!("(ts < {a} OR ts >= {b})"),
            7 => format!("NOT (ts > {a})"),
            _ => format!("ts NOT BETWEEN {a} AND {b}"),
        }
    }

    pub fn filter(&mut self, words: &Words) -> String {
        let filter = self.one(words.filters).to_owned();
        match self.random.random_range(0..6) {
            0 => "true".to_owned(),
            1 => format!("NOT ({filter})"),
            2 => format!("({filter} OR {})", self.one(words.filters)),
            3 => format!("({filter} OR {})", self.window()),
            _ => filter,
        }
    }

    /// An aggregate, and whether its value hangs on the order of adding.
    fn aggregate(&mut self, words: &Words) -> (String, bool) {
        let int = self.one(words.ints);
        let float = self.one(words.floats);
        let made = match self.random.random_range(0..18) {
            0 | 1 => return ("count(*)".to_owned(), false),
            2 => format!("count({int})"),
            3 | 4 => format!("sum({int})"),
            5 => format!("min({int})"),
            6 => format!("max({float})"),
            7 => "max(ts)".to_owned(),
            8 => "min(id)".to_owned(),
            9 => format!("avg({float})"),
            10 => format!("sum({float})"),
            11 => format!("stddev({float})"),
            12 => "approx_distinct(id)".to_owned(),
            13 => "bool_or(coalesce(demo, false))".to_owned(),
            14 => format!(
                "{}(id ORDER BY ts, seq)",
                if self.random.random_bool(0.5) { "first_value" } else { "last_value" }
            ),
            15 => return (format!("sum(CASE WHEN {} THEN 1 ELSE 0 END)", self.window()), false),
            16 => return (format!("avg(CASE WHEN {} THEN {float} ELSE 0.0 END)", self.window()), true),
            _ => format!("bit_xor({int})"),
        };
        let adds_floats = made.starts_with("avg") || made.starts_with("stddev") || made == format!("sum({float})");
        let made = match self.random.random_range(0..4) {
            0 => format!("{made} FILTER (WHERE {})", self.window()),
            1 => format!("{made} FILTER (WHERE {})", self.filter(words)),
            _ => made,
        };
        (made, adds_floats)
    }

    /// Groups and aggregates of one stream. Columns are `g0`, `g1`, then `a0`, `a1`.
    fn grouped(&mut self, least_groups: usize) -> Grouped {
        let words = self.words();
        let groups = self.some(words.groups, least_groups, 2);
        let mut aggregates: Vec<String> = Vec::new();
        let mut first_adds_floats = false;
        for place in 0..self.random.random_range(1..5) {
            let (made, adds_floats) = self.aggregate(words);
            first_adds_floats |= place == 0 && adds_floats;
            // Said twice below a query that needs neither, DataFusion itself refuses it for its doubled name.
            if !aggregates.contains(&made) {
                aggregates.push(made);
            }
        }
        let mut select: Vec<String> = groups.iter().enumerate().map(|(i, expr)| format!("{expr} AS g{i}")).collect();
        select.extend(aggregates.iter().enumerate().map(|(i, expr)| format!("{expr} AS a{i}")));
        let (window, filter) = (self.window(), self.filter(words));
        let mut sql = format!("SELECT {} FROM {} WHERE {window} AND {filter}", select.join(", "), words.stream);
        if !groups.is_empty() {
            let keys: Vec<String> = (1..=groups.len()).map(|i| i.to_string()).collect();
            sql.push_str(&format!(" GROUP BY {}", keys.join(", ")));
            if self.random.random_bool(0.3) {
                sql.push_str(&format!(" HAVING count(*) > {}", self.random.random_range(0..4)));
            }
        }
        Grouped { sql, groups: groups.len(), columns: select.len(), first_adds_floats }
    }

    fn order(columns: usize) -> String {
        let keys: Vec<String> = (1..=columns).map(|i| i.to_string()).collect();
        format!("ORDER BY {}", keys.join(", "))
    }

    /// One query of the class.
    pub fn query(&mut self) -> String {
        match self.random.random_range(0..15) {
            12..=14 => self.table_query(),
            0..=2 => {
                let Grouped { sql, groups, columns, .. } = self.grouped(0);
                if groups == 0 { sql } else { format!("{sql} {} LIMIT 50", Self::order(columns)) }
            }
            // Arithmetic, a limit and a rank over groups.
            3 => {
                let Grouped { sql, .. } = self.grouped(1);
                let keep = self.random.random_range(1..12);
                format!(
                    "SELECT *, count(*) OVER (ORDER BY g0) AS rank, sum(a) OVER () AS all_a FROM \
                     (SELECT g0, count(*) AS a FROM ({sql}) GROUP BY g0 ORDER BY a DESC, g0 LIMIT {keep}) {}",
                    Self::order(3)
                )
            }
            // Groups of two times or streams side by side.
            4 => {
                let (one, other) = (self.grouped(1).sql, self.grouped(1).sql);
                let join = self.one(&["JOIN", "LEFT JOIN", "FULL JOIN"]);
                format!(
                    "SELECT CAST(coalesce(x.g, y.g) AS VARCHAR) AS g, x.n AS a0, y.n AS a1 FROM \
                     (SELECT CAST(g0 AS VARCHAR) AS g, count(*) AS n FROM ({one}) GROUP BY 1) x {join} \
                     (SELECT CAST(g0 AS VARCHAR) AS g, count(*) AS n FROM ({other}) GROUP BY 1) y ON x.g = y.g {}",
                    Self::order(3)
                )
            }
            // Names joined on after grouping, state tables beside.
            5 => {
                let (window, other) = (self.window(), self.window());
                format!(
                    "SELECT a.ord, a.zh, coalesce(t.n, 0) AS n, t.last, (SELECT count(*) FROM open_tickets) AS open \
                     FROM areas a LEFT JOIN (SELECT area, count(*) FILTER (WHERE {other}) AS n, max(ts) AS last \
                     FROM tickets WHERE {window} GROUP BY area) t ON t.area = a.code {}",
                    Self::order(3)
                )
            }
            6 => {
                let (one, other) = (self.grouped(0), self.grouped(0));
                format!(
                    "SELECT 'one' AS which, count(*) AS n, {} AS most FROM ({}) \
                     UNION ALL SELECT 'other', count(*), {} FROM ({}) {}",
                    one.text(),
                    one.sql,
                    other.text(),
                    other.sql,
                    Self::order(2)
                )
            }
            // The newest or oldest rows themselves.
            7 | 8 => {
                let words = self.words();
                let (window, filter) = (self.window(), self.filter(words));
                let way = self.one(&["DESC", "ASC"]);
                let columns = self.some(words.ints, 1, 2).join(", ");
                let (limit, skip) = (self.random.random_range(1..30), self.random.random_range(0..4));
                format!(
                    "SELECT ts, seq, kind, id, {columns} FROM {} WHERE {window} AND {filter} \
                     ORDER BY ts {way}, seq {way} LIMIT {limit} OFFSET {skip}",
                    words.stream
                )
            }
            // Different values.
            9 => {
                let words = self.words();
                let (window, group, other) = (self.window(), self.one(words.groups), self.one(words.groups));
                if self.random.random_bool(0.5) {
                    format!("SELECT DISTINCT {group} AS g0 FROM {} WHERE {window} {}", words.stream, Self::order(1))
                } else {
                    format!(
                        "SELECT {group} AS g0, count(DISTINCT {other}) AS a0 FROM {} WHERE {window} GROUP BY 1 {}",
                        words.stream,
                        Self::order(2)
                    )
                }
            }
            // Over a projection, with a filter above it.
            10 => {
                let words = self.words();
                let (window, group, int) = (self.window(), self.one(words.groups), self.one(words.ints));
                let least = self.random.random_range(0..50);
                format!(
                    "SELECT g, count(*) AS n, sum(m) AS s FROM (SELECT {group} AS g, {int} / 2 AS m, ts AS at \
                     FROM {} WHERE {window}) WHERE m > {least} OR m IS NULL GROUP BY g {}",
                    words.stream,
                    Self::order(3)
                )
            }
            // One result used twice.
            _ => {
                let Grouped { sql, .. } = self.grouped(1);
                format!(
                    "WITH x AS ({sql}) SELECT CAST(x.g0 AS VARCHAR) AS g, count(*) AS n, max(z.all_rows) AS m \
                     FROM x CROSS JOIN (SELECT count(*) AS all_rows FROM x) z GROUP BY 1 {}",
                    Self::order(3)
                )
            }
        }
    }
}

const DAYS: i64 = super::lab::DAY;
