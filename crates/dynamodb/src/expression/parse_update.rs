//! Reading updates.

use super::parse::{Parser, Placeholders};
use super::path::{Clash, clash_text};
use super::problems::Rank;
use super::token::Token;
use super::update::{Assignment, Term, Update};
use super::{Path, Role};
use crate::value::Kind;

type Parsed<T> = Result<T, String>;

const SECTIONS: [&str; 4] = ["SET", "REMOVE", "ADD", "DELETE"];

/// Reads an update. The error is the rest of the message after `Invalid UpdateExpression: `.
pub(crate) fn parse_update(text: &str, placeholders: &mut Placeholders) -> Parsed<Update> {
    let mut parser = Parser::new(text, Role::Update, placeholders)?;
    let mut update = Update::default();
    let mut seen = [false; SECTIONS.len()];
    // Paths in the order in which they were written, for the error that names two of them.
    let mut paths = Vec::new();
    loop {
        let token = parser.peek();
        let Some(section) = SECTIONS.iter().position(|section| token.is_word(section)) else {
            if token == Token::End && seen.contains(&true) {
                break;
            }
            return Err(parser.unexpected());
        };
        parser.next();
        if std::mem::replace(&mut seen[section], true) {
            let name = SECTIONS[section];
            parser.problems.add(Rank::Section, || {
                format!("The \"{name}\" section can only be used once in an update expression;")
            });
        }
        loop {
            let path = match SECTIONS[section] {
                "SET" => assignment(&mut parser, &mut update)?,
                "REMOVE" => removal(&mut parser, &mut update)?,
                section => set_change(&mut parser, &mut update, section)?,
            };
            paths.extend(path);
            if !parser.take_symbol(",") {
                break;
            }
        }
    }
    if let Some((clash, text)) = clash_text(&paths) {
        let rank = if clash == Clash::Overlap { Rank::Overlap } else { Rank::Conflict };
        parser.problems.add(rank, || text);
    }
    parser.finish(update)
}

fn assignment(parser: &mut Parser<'_>, update: &mut Update) -> Parsed<Option<Path>> {
    let path = parser.path(Rank::Reserved)?;
    parser.expect_symbol("=")?;
    let term = sum(parser)?;
    if let Some((path, term)) = path.clone().zip(term) {
        update.set.push(Assignment { path, term });
    }
    Ok(path)
}

fn removal(parser: &mut Parser<'_>, update: &mut Update) -> Parsed<Option<Path>> {
    let path = parser.path(Rank::Reserved)?;
    update.remove.extend(path.clone());
    Ok(path)
}

/// `ADD path :value` or `DELETE path :value`.
fn set_change(parser: &mut Parser<'_>, update: &mut Update, section: &str) -> Parsed<Option<Path>> {
    let path = parser.path(Rank::Reserved)?;
    let Token::Value(name) = parser.peek() else { return Err(parser.unexpected()) };
    parser.next();
    let value = parser.bound_value(name, Rank::UndefinedValue);
    if let Some(value) = &value
        && !value.kind().is_set()
        && !(section == "ADD" && value.kind() == Kind::N)
    {
        let kind = value.kind().long_name();
        parser.problems.add_here(Rank::Operand, || {
            format!(
                "Incorrect operand type for operator or function; operator: {section}, operand type: {kind}, typeSet: ALLOWED_FOR_ADD_OPERAND"
            )
        });
    }
    if let Some((path, value)) = path.clone().zip(value) {
        let changes = if section == "ADD" { &mut update.add } else { &mut update.delete };
        changes.push((path, value));
    }
    Ok(path)
}

/// A value, or two with `+` or `-` between; either in parentheses.
fn sum(parser: &mut Parser<'_>) -> Parsed<Option<Term>> {
    let first = operand(parser)?;
    let sign = match parser.peek() {
        Token::Symbol(sign @ ("+" | "-")) => sign,
        _ => return Ok(first),
    };
    parser.next();
    parser.count_operator();
    let second = operand(parser)?;
    for term in [&first, &second].into_iter().flatten() {
        check_kind(parser, sign, term, Kind::N);
    }
    let made = match sign {
        "+" => Term::Plus,
        _ => Term::Minus,
    };
    Ok(first.zip(second).map(|(first, second)| made(Box::new(first), Box::new(second))))
}

fn operand(parser: &mut Parser<'_>) -> Parsed<Option<Term>> {
    match parser.peek() {
        Token::Symbol("(") => parser.nested(|parser| {
            parser.next();
            let inner = sum(parser)?;
            parser.expect_symbol(")")?;
            Ok(inner)
        }),
        Token::Value(name) => {
            parser.next();
            Ok(parser.bound_value(name, Rank::UndefinedValue).map(Term::Value))
        }
        Token::Word(name) if parser.is_call() => parser.nested(|parser| call(parser, name)),
        _ => Ok(parser.path(Rank::Reserved)?.map(Term::Path)),
    }
}

fn call(parser: &mut Parser<'_>, name: &str) -> Parsed<Option<Term>> {
    parser.next();
    parser.expect_symbol("(")?;
    parser.count_operator();
    let mut arguments = vec![operand(parser)?];
    while parser.take_symbol(",") {
        arguments.push(operand(parser)?);
    }
    parser.expect_symbol(")")?;
    if !matches!(name, "if_not_exists" | "list_append") {
        parser.problems.add(Rank::UnknownFunction, || format!("Invalid function name; function: {name}"));
        return Ok(None);
    }
    if arguments.len() != 2 {
        let count = arguments.len();
        parser.problems.add_here(Rank::Function, || {
            format!(
                "Incorrect number of operands for operator or function; operator or function: {name}, \
                 number of operands: {count}"
            )
        });
        return Ok(None);
    }
    let second = arguments.pop().flatten();
    let first = arguments.pop().flatten();
    if name == "list_append" {
        for term in [&first, &second].into_iter().flatten() {
            check_kind(parser, name, term, Kind::L);
        }
        return Ok(first.zip(second).map(|(a, b)| Term::Append(Box::new(a), Box::new(b))));
    }
    match (first, second) {
        (Some(Term::Path(path)), second) => {
            Ok(second.map(|second| Term::IfNotExists(path, Box::new(second))))
        }
        (Some(_), _) => {
            parser.problems.add_here(Rank::Function, || {
                format!("Operator or function requires a document path; operator or function: {name}")
            });
            Ok(None)
        }
        (None, _) => Ok(None),
    }
}

/// Values of the expression itself must be of the kind; what paths hold is seen when the update runs.
fn check_kind(parser: &mut Parser<'_>, operator: &str, term: &Term, wanted: Kind) {
    let kind = match term {
        Term::Value(value) => value.kind(),
        Term::Plus(..) | Term::Minus(..) => Kind::N,
        Term::Append(..) => Kind::L,
        Term::Path(_) | Term::IfNotExists(..) => return,
    };
    if kind != wanted {
        parser.problems.add_here(Rank::Function, || {
            format!(
                "Incorrect operand type for operator or function; operator or function: {operator}, operand type: {kind}"
            )
        });
    }
}
