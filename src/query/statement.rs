//! From text to one read-only statement: parsing, the guard, and `$parameters`.
//!
//! Only a single SELECT (or WITH … SELECT, VALUES) is let through; everything else is refused with a sentence. A
//! parameter is replaced in the syntax tree by a typed literal, so no value can ever become SQL.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use chrono_tz::Tz;
use datafusion::sql::parser::{DFParserBuilder, Statement};
use datafusion::sql::sqlparser::ast::{
    Expr, SetExpr, Statement as SqlStatement, Value, visit_expressions, visit_expressions_mut,
};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::parser::{Parser, ParserError};

use super::depth::{check_relations, check_text};
use super::failure::Failure;
use crate::model::City;
use crate::model::time::{format_time, parse_local_time_us};

/// The longest statement taken, bytes.
pub const SQL_BYTES_MAX: usize = 256 * 1024;

/// What a parameter's value is read as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParamType {
    Text,
    Int,
    Float,
    /// RFC 3339, or a local time of the city.
    Time,
}

/// A parameter a query may use, and its value when the asker gives none.
#[derive(Clone, Debug, PartialEq)]
pub struct Param {
    pub name: String,
    pub param_type: ParamType,
    pub default: Option<String>,
}

impl Param {
    /// Reads `area`, or `limit=10` with a default that also says the type.
    pub fn parse(word: &str) -> Option<Param> {
        let (name, default) = match word.split_once('=') {
            Some((name, default)) => (name, Some(default.to_owned())),
            None => (word, None),
        };
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if name.is_empty() || !name.chars().all(fits) {
            return None;
        }
        let param_type = match (name, default.as_deref()) {
            ("from" | "to", _) => ParamType::Time,
            (_, Some(text)) if text.parse::<i64>().is_ok() => ParamType::Int,
            (_, Some(text)) if text.parse::<f64>().is_ok() => ParamType::Float,
            _ => ParamType::Text,
        };
        Some(Param { name: name.to_owned(), param_type, default })
    }
}

/// The parameters every query has: `$area $board $from $to` (null unless given), and the city's own settings
/// `$satisfied_from` (ratings from this one up are satisfied) and `$instant_s` (an instant answer takes at most this).
pub fn common_params(city: &City) -> Vec<Param> {
    let plain = |name: &str, param_type| Param { name: name.to_owned(), param_type, default: None };
    let set = |name: &str, value: i64| Param {
        name: name.to_owned(),
        param_type: ParamType::Int,
        default: Some(value.to_string()),
    };
    vec![
        plain("area", ParamType::Text),
        plain("board", ParamType::Text),
        plain("from", ParamType::Time),
        plain("to", ParamType::Time),
        set("satisfied_from", city.satisfied_from),
        set("instant_s", city.instant_s),
    ]
}

/// Parses one statement and refuses what does not only read.
///
/// # Errors
/// The text does not parse (with line and column), is empty, holds several statements or one that is no SELECT.
pub fn parse(sql: &str) -> Result<Statement, Failure> {
    if sql.len() > SQL_BYTES_MAX {
        return Err(Failure::new(
            "too_large",
            format!("the SQL has {} bytes; at most {SQL_BYTES_MAX} are read", sql.len()),
        ));
    }
    check_text(sql)?;
    let dialect = GenericDialect {};
    let mut statements = DFParserBuilder::new(sql)
        .with_dialect(&dialect)
        .with_recursion_limit(50)
        .build()
        .and_then(|mut parser| parser.parse_statements())
        .map_err(|error| Failure::from_datafusion(&error))?;
    let Some(statement) = statements.pop_front() else {
        return Err(Failure::new("bad_sql", "there is no statement; write one SELECT"));
    };
    if !statements.is_empty() {
        return Err(Failure::new("bad_sql", "one statement at a time; write a single SELECT"));
    }
    check_relations(&statement)?;
    let refused = |what: &str| {
        Failure::new("bad_sql", format!("{what} is not allowed here: this interface only reads; write one SELECT"))
    };
    match &statement {
        Statement::Statement(sql) => match sql.as_ref() {
            SqlStatement::Query(query) => match query.body.as_ref() {
                SetExpr::Insert(_) | SetExpr::Update(_) | SetExpr::Delete(_) | SetExpr::Merge(_) => {
                    return Err(refused("a statement that writes"));
                }
                _ => {}
            },
            other => {
                let word: String = other.to_string().split_whitespace().take(2).collect::<Vec<_>>().join(" ");
                return Err(refused(&word));
            }
        },
        Statement::CreateExternalTable(_) => return Err(refused("CREATE EXTERNAL TABLE")),
        Statement::CopyTo(_) => return Err(refused("COPY")),
        Statement::Explain(_) => return Err(refused("EXPLAIN (use --explain)")),
        Statement::Reset(_) => return Err(refused("RESET")),
    }
    Ok(statement)
}

/// Puts the values of `$name` into the statement.
///
/// # Errors
/// A placeholder that is no known parameter, a value given for an unknown one, or one that does not read as its type.
pub fn bind(
    statement: &mut Statement,
    known: &[Param],
    given: &BTreeMap<String, String>,
    zone: Tz,
) -> Result<(), Failure> {
    let names = || known.iter().map(|param| format!("${}", param.name)).collect::<Vec<_>>().join(" ");
    if let Some(unknown) = given.keys().find(|name| !known.iter().any(|param| &param.name == *name)) {
        return Err(Failure::new("unknown_param", format!("there is no parameter {unknown:?}; there are {}", names())));
    }
    let used = placeholders(statement);
    // Answered all the same, the figure would pass for one of that district or board.
    if let Some(unused) = given.keys().find(|name| !used.contains(name)) {
        let used = used.iter().map(|name| format!("${name}")).collect::<std::collections::BTreeSet<_>>();
        let has =
            if used.is_empty() { "no parameter".to_owned() } else { used.into_iter().collect::<Vec<_>>().join(" ") };
        return Err(Failure::new("unknown_param", format!("the question does not use ${unused}; it uses {has}")));
    }
    let Statement::Statement(sql) = statement else { return Ok(()) };
    let flow = visit_expressions_mut(sql, |expr| {
        let Expr::Value(value) = expr else { return ControlFlow::Continue(()) };
        let Value::Placeholder(placeholder) = &value.value else { return ControlFlow::Continue(()) };
        let name = placeholder.trim_start_matches('$');
        let at = value.span.start;
        let fail = |message: String| {
            let mut failure = Failure::new("bad_sql", message);
            if at.line > 0 {
                (failure.line, failure.column) = (Some(at.line), Some(at.column));
            }
            ControlFlow::Break(failure)
        };
        let Some(param) = known.iter().find(|param| param.name == name) else {
            return fail(format!("there is no parameter {placeholder}; there are {}", names()));
        };
        let text = given.get(name).or(param.default.as_ref());
        match literal(param, text.map(String::as_str), zone) {
            Ok(literal) => {
                *expr = literal;
                ControlFlow::Continue(())
            }
            Err(message) => fail(message),
        }
    });
    match flow {
        ControlFlow::Break(failure) => Err(failure),
        ControlFlow::Continue(()) => Ok(()),
    }
}

/// The names of the `$parameters` a statement uses.
pub fn placeholders(statement: &Statement) -> Vec<String> {
    let mut names = Vec::new();
    if let Statement::Statement(sql) = statement {
        let _: ControlFlow<()> = visit_expressions(sql, |expr| {
            if let Expr::Value(value) = expr
                && let Value::Placeholder(placeholder) = &value.value
            {
                names.push(placeholder.trim_start_matches('$').to_owned());
            }
            ControlFlow::Continue(())
        });
    }
    names.sort_unstable();
    names.dedup();
    names
}

fn literal(param: &Param, text: Option<&str>, zone: Tz) -> Result<Expr, String> {
    let name = &param.name;
    let sql = match (param.param_type, text) {
        (ParamType::Text, None) => "CAST(NULL AS VARCHAR)".to_owned(),
        (ParamType::Int, None) => "CAST(NULL AS BIGINT)".to_owned(),
        (ParamType::Float, None) => "CAST(NULL AS DOUBLE)".to_owned(),
        (ParamType::Time, None) => "instant(CAST(NULL AS BIGINT))".to_owned(),
        (ParamType::Text, Some(text)) => return Ok(Expr::value(Value::SingleQuotedString(text.to_owned()))),
        (ParamType::Int, Some(text)) => match text.trim().parse::<i64>() {
            Ok(number) => format!("CAST('{number}' AS BIGINT)"),
            Err(_) => return Err(format!("${name} is a whole number, not {text:?}")),
        },
        (ParamType::Float, Some(text)) => match text.trim().parse::<f64>() {
            Ok(number) if number.is_finite() => format!("CAST('{number}' AS DOUBLE)"),
            _ => return Err(format!("${name} is a number, not {text:?}")),
        },
        (ParamType::Time, Some(text)) => match parse_local_time_us(text, zone) {
            Some(time_us) => format!("instant(CAST('{time_us}' AS BIGINT))"),
            None => {
                let example = format_time(0, zone);
                return Err(format!("${name} is a time like {example} or 2026-11-23 08:30, not {text:?}"));
            }
        },
    };
    expression(&sql).map_err(|error| format!("${name} can't be put into the statement: {error}"))
}

fn expression(sql: &str) -> Result<Expr, ParserError> {
    Parser::new(&GenericDialect {}).try_with_sql(sql)?.parse_expr()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_select_is_let_through() {
        for sql in ["select 1", "with a as (select 1 as x) select x from a", "values (1)", "select 1;"] {
            assert!(parse(sql).is_ok(), "{sql}");
        }
        for sql in [
            "",
            "drop table tickets",
            "insert into tickets values (1)",
            "delete from tickets",
            "copy tickets to 'x'",
            "create external table t stored as csv location '/etc/passwd'",
            "select 1; select 2",
            "set a = 1",
            "create table x as select 1",
            "explain select 1",
            "with a as (select 1) insert into t select * from a",
        ] {
            let failure = parse(sql).unwrap_err();
            assert_eq!(failure.code, "bad_sql", "{sql}");
        }
    }

    #[test]
    fn a_syntax_error_says_line_and_column() {
        let failure = parse("-- a comment\nselect (1\n from t").unwrap_err();
        assert_eq!((failure.line, failure.column), (Some(3), Some(2)), "{failure:?}");
    }

    #[test]
    fn values_become_literals_and_never_sql() {
        let zone = chrono_tz::Asia::Shanghai;
        let known = [Param::parse("area").unwrap(), Param::parse("limit=10").unwrap(), Param::parse("from").unwrap()];
        let mut statement = parse("select * from t where area = $area and ts > $from limit $limit").unwrap();
        let given = [("area".to_owned(), "x' or 1=1 --".to_owned()), ("from".to_owned(), "2026-11-23".to_owned())];
        bind(&mut statement, &known, &given.into(), zone).unwrap();
        let text = statement.to_string();
        assert!(text.contains("area = 'x'' or 1=1 --'"), "{text}");
        assert!(text.contains("LIMIT CAST('10' AS BIGINT)"), "{text}");
        let mut statement = parse("select $nope").unwrap();
        let failure = bind(&mut statement, &known, &BTreeMap::new(), zone).unwrap_err();
        assert_eq!((failure.line, failure.column), (Some(1), Some(8)), "{failure:?}");
        let mut statement = parse("select $limit").unwrap();
        let given = [("limit".to_owned(), "ten".to_owned())];
        assert!(bind(&mut statement, &known, &given.into(), zone).is_err());
    }
}
