//! Bounds how deep the tree of a statement can become, before anything walks it.
//!
//! A chain (`1 + 1 + …`, `… OR …`, `… UNION …`) is read in a loop and becomes a tree as deep as it is long; planning walks
//! it by recursion, and a stack that overflows would end the process.

use std::collections::HashMap;
use std::ops::ControlFlow;

use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast::{Query, Visit, Visitor, visit_relations};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer};

use super::failure::Failure;

/// Operators and keywords of a statement.
pub const JOINTS_MAX: usize = 800;
/// Parts of a name with dots.
pub const PARTS_MAX: usize = 16;
/// Tables, each time they are named.
pub const RELATIONS_MAX: usize = 200;
/// What a thread that plans needs at these bounds, many times over; only what is used is ever fetched.
pub const STACK_BYTES: usize = 32 << 20;

/// # Errors
/// There are more operators and keywords than [`JOINTS_MAX`], or a name of more parts than [`PARTS_MAX`].
pub fn check_text(sql: &str) -> Result<(), Failure> {
    // What can't be read is told by the parser, with its place.
    let Ok(tokens) = Tokenizer::new(&GenericDialect {}, sql).tokenize() else { return Ok(()) };
    let joints = tokens.iter().filter(|token| is_joint(token)).count();
    if joints > JOINTS_MAX {
        let message = format!(
            "the SQL has {joints} operators and keywords, at most {JOINTS_MAX} are read; write a chain of OR as IN (…)"
        );
        return Err(Failure::new("too_large", message));
    }
    let mut parts = 0;
    for token in &tokens {
        match token {
            Token::Period => parts += 1,
            Token::Word(_) | Token::Whitespace(_) => {}
            _ => parts = 0,
        }
        if parts > PARTS_MAX {
            let message = format!("a name in the SQL has more than {PARTS_MAX} parts; write table.column");
            return Err(Failure::new("too_large", message));
        }
    }
    Ok(())
}

/// # Errors
/// It names tables more often than [`RELATIONS_MAX`] times, those in a WITH counted each time that it is named.
pub fn check_relations(statement: &Statement) -> Result<(), Failure> {
    let Statement::Statement(sql) = statement else { return Ok(()) };
    let mut weights = Weights::default();
    let _: ControlFlow<()> = sql.visit(&mut weights);
    let relations = weights.of(sql.as_ref());
    if relations > RELATIONS_MAX {
        let message = format!(
            "the SQL comes to {relations} tables, each WITH counted where it is named; at most {RELATIONS_MAX} are read"
        );
        return Err(Failure::new("too_large", message));
    }
    Ok(())
}

/// How many tables each WITH of a statement comes to.
#[derive(Default)]
struct Weights(HashMap<String, usize>);

impl Weights {
    fn of(&self, part: &impl Visit) -> usize {
        let mut sum = 0_usize;
        let _: ControlFlow<()> = visit_relations(part, |name| {
            let known = self.0.get(&name.to_string().to_lowercase());
            sum = sum.saturating_add(known.copied().unwrap_or(1));
            ControlFlow::Continue(())
        });
        sum
    }
}

impl Visitor for Weights {
    type Break = ();

    fn post_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        for table in query.with.iter().flat_map(|with| &with.cte_tables) {
            let weight = self.of(&table.query).max(1);
            // One name may stand for several; the heaviest counts.
            let known = self.0.entry(table.alias.name.to_string().to_lowercase()).or_default();
            *known = weight.max(*known);
        }
        ControlFlow::Continue(())
    }
}

/// Whether a token can make the tree a level deeper: no values, names or separators, of which lists may have many.
fn is_joint(token: &Token) -> bool {
    match token {
        Token::Word(word) => {
            let is_value = matches!(word.keyword, Keyword::NULL | Keyword::TRUE | Keyword::FALSE);
            word.keyword != Keyword::NoKeyword && !is_value && word.quote_style.is_none()
        }
        Token::EOF
        | Token::Whitespace(_)
        | Token::Number(..)
        | Token::SingleQuotedString(_)
        | Token::Placeholder(_)
        | Token::Comma
        | Token::Period
        | Token::LParen
        | Token::RParen
        | Token::SemiColon => false,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::catalog::find_sql;
    use super::super::statement::parse;
    use super::*;

    #[test]
    fn lists_may_be_long_and_chains_may_not() {
        let list = format!("SELECT id IN ('a'{}) FROM tickets", ", 'b'".repeat(20_000));
        check_text(&list).unwrap();
        let values = format!("VALUES (1, NULL){}", ", (2, true)".repeat(5_000));
        check_text(&values).unwrap();
        for (first, link) in [
            ("SELECT 1", " + 1"),
            ("SELECT 1", "::int"),
            ("SELECT 1", " IS NULL"),
            ("SELECT 1", " UNION ALL SELECT 1"),
            ("SELECT id = 'a'", " OR id = 'b'"),
            ("SELECT id", ".a"),
        ] {
            let failure = check_text(&(first.to_owned() + &link.repeat(JOINTS_MAX))).unwrap_err();
            assert_eq!(failure.code, "too_large");
        }
    }

    #[test]
    fn a_with_counts_where_it_is_named() {
        let with = |body: fn(usize) -> String| {
            let tables: String = (1..40).map(|n| format!(", a{n} AS ({})", body(n - 1))).collect();
            parse(&format!("WITH a0 AS (SELECT 1 AS v){tables} SELECT * FROM a39"))
        };
        let twice = with(|n| format!("SELECT x.v FROM a{n} x, A{n} y"));
        assert_eq!(twice.unwrap_err().code, "too_large");
        with(|n| format!("SELECT v FROM a{n}")).unwrap();
        parse("WITH RECURSIVE a AS (SELECT 1 AS v UNION ALL SELECT v + 1 FROM a WHERE v < 9) SELECT * FROM a").unwrap();
    }

    #[test]
    fn what_ships_is_far_below_the_bounds() {
        let (mut files, mut most) = (Vec::new(), 0);
        find_sql(Path::new("queries"), 0, &mut files).unwrap();
        for file in files {
            let sql = std::fs::read_to_string(&file).unwrap();
            let tokens = Tokenizer::new(&GenericDialect {}, &sql).tokenize().unwrap();
            most = most.max(tokens.iter().filter(|token| is_joint(token)).count());
            parse(&sql).unwrap();
        }
        assert!((100..JOINTS_MAX / 2).contains(&most), "{most}");
    }
}
