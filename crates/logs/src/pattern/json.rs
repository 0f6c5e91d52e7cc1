//! Conditions on JSON events: `{ $.level = "error" && ($.latency > 500 || $.user NOT EXISTS) }`.

use std::collections::BTreeMap;

use serde_json::Value;

use super::PatternError;
use super::cursor::Cursor;
use super::operand::Comparison;
use super::selector::Selector;

/// Deepest nesting of parentheses.
const DEPTH_MAX: usize = 32;
/// Most regular expressions of one pattern (documented quota).
pub(super) const REGEXES_MAX: usize = 2;
/// Most wildcards in the selectors of one pattern (documented quota).
const WILDCARDS_MAX: usize = 3;

/// A condition on one event.
#[derive(Debug)]
pub(crate) enum Condition {
    All(Vec<Condition>),
    Any(Vec<Condition>),
    Test(Test),
}

#[derive(Debug)]
pub(crate) struct Test {
    selector: Selector,
    predicate: Predicate,
}

#[derive(Debug)]
enum Predicate {
    Is(Value),
    NotExists,
    Compares(Comparison),
}

pub(super) fn parse(text: &str) -> Result<Condition, PatternError> {
    let mut cursor = Cursor::new(text);
    let condition = any_of(&mut cursor, 0)?;
    if !cursor.is_at_end() {
        return Err(PatternError::Invalid);
    }
    let (mut regexes, mut wildcards) = (0, 0);
    condition.each_test(&mut |test| {
        wildcards += test.selector.wildcards();
        regexes +=
            usize::from(matches!(&test.predicate, Predicate::Compares(comparison) if comparison.has_regex()));
    });
    if regexes > REGEXES_MAX || wildcards > WILDCARDS_MAX {
        Err(PatternError::Invalid)
    } else {
        Ok(condition)
    }
}

/// The event that a message is, if it is JSON.
pub(super) fn read(message: &str) -> Option<Value> {
    serde_json::from_str(message).ok()
}

impl Condition {
    pub(super) fn holds(&self, event: &Value) -> bool {
        match self {
            Condition::All(conditions) => conditions.iter().all(|condition| condition.holds(event)),
            Condition::Any(conditions) => conditions.iter().any(|condition| condition.holds(event)),
            Condition::Test(test) => test.holds(event),
        }
    }

    /// The values of the selectors, where they lead to one.
    pub(super) fn extract(&self, event: &Value) -> BTreeMap<String, String> {
        let mut values = BTreeMap::new();
        self.each_test(&mut |test| {
            let found = std::cell::RefCell::new(None);
            test.selector.any(event, &|value| {
                *found.borrow_mut() = scalar(value).map(|(text, _)| text);
                true
            });
            if let Some(text) = found.into_inner() {
                values.insert(test.selector.text().to_owned(), text);
            }
        });
        values
    }

    fn each_test<'a>(&'a self, each: &mut dyn FnMut(&'a Test)) {
        match self {
            Condition::All(conditions) | Condition::Any(conditions) => {
                conditions.iter().for_each(|condition| condition.each_test(each));
            }
            Condition::Test(test) => each(test),
        }
    }
}

impl Test {
    fn holds(&self, event: &Value) -> bool {
        match &self.predicate {
            Predicate::Is(expected) => self.selector.any(event, &|value| value == expected),
            Predicate::NotExists => event.is_object() && !self.selector.any(event, &|_| true),
            Predicate::Compares(comparison) => self.selector.any(event, &|value| {
                scalar(value).is_some_and(|(text, number)| comparison.holds(&text, number))
            }),
        }
    }
}

/// The text of a value, and its number if it is one. Arrays, objects and null have none: no comparison applies.
fn scalar(value: &Value) -> Option<(String, Option<f64>)> {
    match value {
        Value::String(text) => Some((text.clone(), None)),
        Value::Number(number) => Some((number.to_string(), number.as_f64())),
        Value::Bool(value) => Some((value.to_string(), None)),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn any_of(cursor: &mut Cursor<'_>, depth: usize) -> Result<Condition, PatternError> {
    let mut conditions = vec![all_of(cursor, depth)?];
    while cursor.take("||") {
        conditions.push(all_of(cursor, depth)?);
    }
    Ok(Condition::Any(conditions))
}

fn all_of(cursor: &mut Cursor<'_>, depth: usize) -> Result<Condition, PatternError> {
    let mut conditions = vec![one(cursor, depth)?];
    while cursor.take("&&") {
        conditions.push(one(cursor, depth)?);
    }
    Ok(Condition::All(conditions))
}

fn one(cursor: &mut Cursor<'_>, depth: usize) -> Result<Condition, PatternError> {
    cursor.skip_space();
    let condition = if cursor.take("(") {
        if depth == DEPTH_MAX {
            return Err(PatternError::Invalid);
        }
        let inner = any_of(cursor, depth + 1)?;
        cursor.expect(")")?;
        inner
    } else {
        Condition::Test(test(cursor)?)
    };
    cursor.skip_space();
    Ok(condition)
}

fn test(cursor: &mut Cursor<'_>) -> Result<Test, PatternError> {
    let selector = Selector::parse(cursor)?;
    cursor.skip_space();
    let predicate = if cursor.take_word("IS") {
        cursor.skip_space();
        let values = [("NULL", Value::Null), ("TRUE", Value::Bool(true)), ("FALSE", Value::Bool(false))];
        let found = values.into_iter().find(|(word, _)| cursor.take_word(word));
        Predicate::Is(found.ok_or(PatternError::Invalid)?.1)
    } else if cursor.take_word("NOT") {
        cursor.skip_space();
        if !cursor.take_word("EXISTS") {
            return Err(PatternError::Invalid);
        }
        Predicate::NotExists
    } else {
        Predicate::Compares(Comparison::parse(cursor)?)
    };
    Ok(Test { selector, predicate })
}
