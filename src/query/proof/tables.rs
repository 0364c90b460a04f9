//! SQL over the tables of what there is now, drawn at random.

use rand::Rng;

use super::generated::Grammar;

/// What the columns of a state table are good for.
struct Words {
    table: &'static str,
    /// One row each.
    key: &'static str,
    groups: &'static [&'static str],
    ints: &'static [&'static str],
    times: &'static [&'static str],
    filters: &'static [&'static str],
}

const WORDS: &[Words] = &[
    Words {
        table: "open_tickets",
        key: "id",
        groups: &["state", "service", "area", "org", "demo", "rejects > 0", "substr(topic, 1, 2)", "due IS NULL"],
        ints: &["rejects", "length(id)", "CASE WHEN prio = 'urgent' THEN NULL ELSE 3 END"],
        times: &["due", "since", "opened_at"],
        filters: &[
            "state = 'waiting'",
            "state IN ('sent', 'working')",
            "service = 'onekey'",
            "org IS NOT NULL",
            "topic IS NULL",
            "NOT demo",
            "($area IS NULL OR area = $area)",
            "($board IS NULL OR board = $board)",
        ],
    },
    Words {
        table: "devices",
        key: "concat(type, '/', id)",
        groups: &["type", "state", "coalesce(grade, 'none')", "area"],
        ints: &["quantity", "coalesce(quantity, 1)"],
        times: &["since", "expires_at"],
        filters: &["type = 'device'", "state <> 'removed'", "quantity IS NULL", "tags IS NOT NULL"],
    },
    Words {
        table: "seat_state",
        key: "seat",
        groups: &["state", "skill", "demo"],
        ints: &["length(seat)"],
        times: &["since"],
        filters: &["state <> 'logout'", "skill IS NULL", "reason IS NULL"],
    },
    Words {
        table: "waiting",
        key: "id",
        groups: &["line", "area", "channel"],
        ints: &["length(id)"],
        times: &["since"],
        filters: &["line IS NULL", "NOT demo"],
    },
    Words {
        table: "feeds",
        key: "src",
        groups: &["demo"],
        ints: &["rows", "rows % 7"],
        times: &["last_ts", "last_recv"],
        filters: &["rows > 10"],
    },
];

impl Grammar {
    /// A comparison of a time with the clock, or two.
    fn moment(&mut self, words: &Words) -> String {
        let (time, a, b) = (self.one(words.times).to_owned(), self.instant(), self.instant());
        let ahead = format!("now() + INTERVAL '{}'", self.span());
        match self.random.random_range(0..8) {
            0 => "true".to_owned(),
            1 => format!("{time} >= {a}"),
            2 => format!("{a} > {time}"),
            3 => format!("{time} >= now() AND {time} <= {ahead}"),
            4 => format!("{time} BETWEEN {a} AND {b}"),
            5 => format!("({time} < {a} OR {time} > {b})"),
            6 => format!("NOT ({time} <= {ahead})"),
            _ => format!("{time} < now()"),
        }
    }

    fn which(&mut self, words: &Words) -> String {
        let filter = self.one(words.filters).to_owned();
        match self.random.random_range(0..4) {
            0 => "true".to_owned(),
            1 => format!("({filter} OR {})", self.moment(words)),
            2 => format!("NOT ({filter})"),
            _ => filter,
        }
    }

    fn table_aggregate(&mut self, words: &Words) -> String {
        let (int, time) = (self.one(words.ints).to_owned(), self.one(words.times).to_owned());
        let made = match self.random.random_range(0..10) {
            0 | 1 => "count(*)".to_owned(),
            2 => format!("count({time})"),
            3 | 4 => format!("sum({int})"),
            5 => format!("min({time})"),
            6 => format!("max({time})"),
            7 => format!("max({int})"),
            8 => return format!("sum(CASE WHEN {} THEN {int} ELSE 1 END)", self.moment(words)),
            // Not of those that rows are taken back from.
            _ => return self.one(&["avg(1.5)", "min(demo)", "count(DISTINCT demo)"]).to_owned(),
        };
        match self.random.random_range(0..3) {
            0 => format!("{made} FILTER (WHERE {})", self.moment(words)),
            1 => format!("{made} FILTER (WHERE {})", self.which(words)),
            _ => made,
        }
    }

    /// A query of one state table.
    pub fn table_query(&mut self) -> String {
        let words = &WORDS[[0, 0, 0, 1, 1, 2, 3, 4][self.random.random_range(0..8_usize)]];
        let (moment, which) = (self.moment(words), self.which(words));
        if self.random.random_bool(0.4) {
            let (time, way) = (
                self.one(words.times).to_owned(),
                self.one(&["", " DESC", " NULLS FIRST", " DESC NULLS LAST"]).to_owned(),
            );
            let group = self.one(words.groups).to_owned();
            let age = self.one(&["", ", CAST(now() AS BIGINT) - CAST(since AS BIGINT) AS age"]);
            let age = if words.times.contains(&"since") { age } else { "" }.to_owned();
            let (limit, skip) = (self.random.random_range(0..20), self.random.random_range(0..3));
            return format!(
                "SELECT {} AS k, {time} AS t, {group} AS g{age} FROM {} WHERE {moment} AND {which} \
                 ORDER BY {time}{way}, k LIMIT {limit} OFFSET {skip}",
                words.key, words.table
            );
        }
        let groups = self.some(words.groups, 0, 2);
        let mut aggregates: Vec<String> = Vec::new();
        for _ in 0..self.random.random_range(1..4) {
            let made = self.table_aggregate(words);
            if !aggregates.contains(&made) {
                aggregates.push(made);
            }
        }
        let mut select: Vec<String> = groups.iter().enumerate().map(|(i, expr)| format!("{expr} AS g{i}")).collect();
        select.extend(aggregates.iter().enumerate().map(|(i, expr)| format!("{expr} AS a{i}")));
        let mut sql = format!("SELECT {} FROM {} WHERE {moment} AND {which}", select.join(", "), words.table);
        if !groups.is_empty() {
            let keys: Vec<String> = (1..=groups.len()).map(|i| i.to_string()).collect();
            sql.push_str(&format!(" GROUP BY {} ORDER BY {}", keys.join(", "), keys.join(", ")));
        }
        sql
    }
}
