//! Whether an item meets a condition.

use std::cmp::Ordering;

use super::{Comparison, Condition, Operand};
use crate::value::{Attributes, Kind, Number, Value};

/// A condition against an item; one that is not there has no attributes.
///
/// Conditions are never nested deeper than they have operators, see [`super::OPERATORS_MAX`], so this may recurse.
pub(crate) fn holds(condition: &Condition, item: &Attributes) -> bool {
    match condition {
        Condition::And(parts) => parts.iter().all(|part| holds(part, item)),
        Condition::Or(parts) => parts.iter().any(|part| holds(part, item)),
        Condition::Not(inner) => !holds(inner, item),
        Condition::Compare(comparison, first, second) => {
            compare(*comparison, select(first, item).as_deref(), select(second, item).as_deref())
        }
        Condition::Between { value, low, high } => {
            let (value, low, high) = (select(value, item), select(low, item), select(high, item));
            compare(Comparison::GreaterOrEqual, value.as_deref(), low.as_deref())
                && compare(Comparison::LessOrEqual, value.as_deref(), high.as_deref())
        }
        Condition::In(value, options) => {
            let Some(value) = select(value, item) else { return false };
            options.iter().any(|option| select(option, item).is_some_and(|option| *option == *value))
        }
        Condition::Exists(path) => path.find(item).is_some(),
        Condition::NotExists(path) => path.find(item).is_none(),
        Condition::IsOfType(value, kind) => {
            let Some(Value::Text(name)) = select(kind, item).map(Selected::into_owned) else { return false };
            select(value, item).is_some_and(|value| Kind::named(&name) == Some(value.kind()))
        }
        Condition::BeginsWith(value, prefix) => match (select(value, item), select(prefix, item)) {
            (Some(value), Some(prefix)) => begins_with(&value, &prefix),
            _ => false,
        },
        Condition::Contains(value, member) => match (select(value, item), select(member, item)) {
            (Some(value), Some(member)) => contains(&value, &member),
            _ => false,
        },
        Condition::LacksMember(value, member) => match (select(value, item), select(member, item)) {
            (Some(value), Some(member)) => !contains(&value, &member),
            _ => false,
        },
    }
}

/// A value of the item or of the expression, or one that was made of them.
pub(crate) type Selected<'a> = std::borrow::Cow<'a, Value>;

/// What an operand is for this item; `None`: nothing is there, or it has no size.
pub(crate) fn select<'a>(operand: &'a Operand, item: &'a Attributes) -> Option<Selected<'a>> {
    match operand {
        Operand::Path(path) => path.find(item).map(Selected::Borrowed),
        Operand::Value(value) => Some(Selected::Borrowed(value)),
        Operand::Size(inner) => {
            let size = size_of(&*select(inner, item)?)?;
            Some(Selected::Owned(Value::Number(Number::from_u64(size as u64))))
        }
    }
}

/// What the function `size` gives: characters of text, bytes, members.
fn size_of(value: &Value) -> Option<usize> {
    match value {
        Value::Text(text) => Some(text.encode_utf16().count()),
        Value::Binary(bytes) => Some(bytes.len()),
        Value::List(items) => Some(items.len()),
        Value::Map(entries) => Some(entries.len()),
        Value::Texts(set) => Some(set.len()),
        Value::Numbers(set) => Some(set.len()),
        Value::Binaries(set) => Some(set.len()),
        Value::Number(_) | Value::Bool(_) | Value::Null => None,
    }
}

/// Nothing equals what is not there, and so everything differs from it.
fn compare(comparison: Comparison, first: Option<&Value>, second: Option<&Value>) -> bool {
    let (Some(first), Some(second)) = (first, second) else {
        return comparison == Comparison::NotEqual;
    };
    match comparison {
        Comparison::Equal => first == second,
        Comparison::NotEqual => first != second,
        ordered => first.order(second).is_some_and(|order| match ordered {
            Comparison::Less => order == Ordering::Less,
            Comparison::LessOrEqual => order != Ordering::Greater,
            Comparison::Greater => order == Ordering::Greater,
            _ => order != Ordering::Less,
        }),
    }
}

pub(crate) fn begins_with(value: &Value, prefix: &Value) -> bool {
    match (value, prefix) {
        (Value::Text(text), Value::Text(prefix)) => text.starts_with(prefix.as_str()),
        (Value::Binary(bytes), Value::Binary(prefix)) => bytes.starts_with(prefix),
        _ => false,
    }
}

fn contains(value: &Value, member: &Value) -> bool {
    match (value, member) {
        (Value::Text(text), Value::Text(part)) => text.contains(part.as_str()),
        (Value::Binary(bytes), Value::Binary(part)) => {
            part.is_empty() || bytes.windows(part.len()).any(|window| window == part)
        }
        (Value::Texts(set), Value::Text(text)) => set.contains(text),
        (Value::Numbers(set), Value::Number(number)) => set.contains(number),
        (Value::Binaries(set), Value::Binary(bytes)) => set.contains(bytes),
        (Value::List(items), member) => items.contains(member),
        _ => false,
    }
}
