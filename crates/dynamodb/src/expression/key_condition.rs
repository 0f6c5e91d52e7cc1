//! Which keys a query asks for.

use super::evaluate::begins_with;
use super::legacy::Operator;
use super::{Comparison, Condition, Operand, Path};
use crate::value::{Kind, Value};

/// What a query demands of one attribute, before it is known whether that is a key.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct KeyTest {
    pub(crate) attribute: String,
    pub(crate) operator: Operator,
    pub(crate) values: Vec<Value>,
}

/// One value for each partition attribute, one for each of the first sort attributes, and a range of the next.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct KeyCondition {
    pub(crate) partition: Vec<Value>,
    pub(crate) equal: Vec<Value>,
    /// Of the sort attribute behind those in `equal`.
    pub(crate) range: Option<KeyRange>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum KeyRange {
    Less(Value),
    LessOrEqual(Value),
    Greater(Value),
    GreaterOrEqual(Value),
    Between(Value, Value),
    BeginsWith(Value),
}

impl KeyRange {
    pub(crate) fn holds(&self, value: &Value) -> bool {
        let order = |bound: &Value| value.order(bound);
        match self {
            KeyRange::Less(bound) => order(bound).is_some_and(std::cmp::Ordering::is_lt),
            KeyRange::LessOrEqual(bound) => order(bound).is_some_and(std::cmp::Ordering::is_le),
            KeyRange::Greater(bound) => order(bound).is_some_and(std::cmp::Ordering::is_gt),
            KeyRange::GreaterOrEqual(bound) => order(bound).is_some_and(std::cmp::Ordering::is_ge),
            KeyRange::Between(low, high) => {
                order(low).is_some_and(std::cmp::Ordering::is_ge)
                    && order(high).is_some_and(std::cmp::Ordering::is_le)
            }
            KeyRange::BeginsWith(prefix) => begins_with(value, prefix),
        }
    }
}

/// Reads the demands out of a key condition expression. The error is the whole message.
pub(crate) fn key_conditions_of(condition: Condition) -> Result<Vec<KeyTest>, String> {
    let mut tests = Vec::new();
    collect(condition, &mut tests).map_err(|problem| format!("Invalid KeyConditionExpression: {problem}"))?;
    Ok(tests)
}

fn collect(condition: Condition, tests: &mut Vec<KeyTest>) -> Result<(), String> {
    let forbidden =
        |operator: &str| Err(format!("Invalid operator used in KeyConditionExpression: {operator}"));
    match condition {
        Condition::And(parts) => parts.into_iter().try_for_each(|part| collect(part, tests)),
        Condition::Or(_) => forbidden("OR"),
        Condition::Not(_) => forbidden("NOT"),
        Condition::In(..) => forbidden("IN"),
        Condition::Exists(_) => forbidden("attribute_exists"),
        Condition::NotExists(_) => forbidden("attribute_not_exists"),
        Condition::IsOfType(..) => forbidden("attribute_type"),
        Condition::Contains(..) | Condition::LacksMember(..) => forbidden("contains"),
        Condition::Compare(Comparison::NotEqual, ..) => forbidden("<>"),
        Condition::Compare(comparison, first, second) => {
            let is_mirrored = !matches!(first, Operand::Path(_));
            let comparison = if is_mirrored { comparison.mirrored() } else { comparison };
            let operator = match comparison {
                Comparison::Less => Operator::Less,
                Comparison::LessOrEqual => Operator::LessOrEqual,
                Comparison::Greater => Operator::Greater,
                Comparison::GreaterOrEqual => Operator::GreaterOrEqual,
                Comparison::Equal | Comparison::NotEqual => Operator::Equal,
            };
            add(tests, operator, vec![first, second])
        }
        Condition::Between { value, low, high } => {
            first_is_key(&value, "BETWEEN")?;
            add(tests, Operator::Between, vec![value, low, high])
        }
        Condition::BeginsWith(value, prefix) => {
            first_is_key(&value, "begins_with")?;
            add(tests, Operator::BeginsWith, vec![value, prefix])
        }
    }
}

fn first_is_key(operand: &Operand, operator: &str) -> Result<(), String> {
    match operand {
        Operand::Path(_) => Ok(()),
        Operand::Size(_) => Err(nested_operation()),
        Operand::Value(_) => Err(format!(
            "Invalid condition in KeyConditionExpression: {operator} operator must have the key attribute as its first operand"
        )),
    }
}

fn nested_operation() -> String {
    "KeyConditionExpressions cannot contain nested operations".to_owned()
}

fn add(tests: &mut Vec<KeyTest>, operator: Operator, operands: Vec<Operand>) -> Result<(), String> {
    let mut attribute: Option<Path> = None;
    let mut values = Vec::new();
    for operand in operands {
        match operand {
            Operand::Size(_) => return Err(nested_operation()),
            Operand::Value(value) => values.push(value),
            Operand::Path(_) if attribute.is_some() => {
                return Err(
                    "Invalid condition in KeyConditionExpression: Multiple attribute names used in one condition"
                        .to_owned(),
                );
            }
            Operand::Path(path) if path.is_nested() => {
                return Err("KeyConditionExpressions cannot have conditions on nested attributes".to_owned());
            }
            Operand::Path(path) => attribute = Some(path),
        }
    }
    let Some(Path { root: attribute, .. }) = attribute else {
        return Err("Invalid condition in KeyConditionExpression: No key attribute specified".to_owned());
    };
    if tests.iter().any(|test| test.attribute == attribute) {
        return Err("KeyConditionExpressions must only contain one condition per key".to_owned());
    }
    tests.push(KeyTest { attribute, operator, values });
    Ok(())
}

/// Fits the demands to the keys of a table or an index. The error is the whole message.
pub(crate) fn key_condition(
    tests: &[KeyTest],
    partition: &[(&str, Kind)],
    sort: &[(&str, Kind)],
) -> Result<KeyCondition, String> {
    let keys = partition.len() + sort.len();
    if tests.len() > keys && tests.len() > 2 {
        return Err(format!(
            "The number of query conditions ({}) exceeds the number of key attributes defined in the schema ({keys})",
            tests.len()
        ));
    }
    let find = |name: &str| tests.iter().find(|test| test.attribute == name);
    let has_several = partition.len() > 1 || sort.len() > 1;
    let mut condition = KeyCondition { partition: Vec::new(), equal: Vec::new(), range: None };
    if has_several {
        let is_equal = |name: &str| find(name).is_some_and(|test| test.operator == Operator::Equal);
        let missing = names(partition.iter().filter(|(name, _)| !is_equal(name)));
        if !missing.is_empty() {
            return Err(format!(
                "HASH key attributes {missing} must have equality conditions specified in the query"
            ));
        }
        // All before the last one that is named.
        if let Some(last) = sort.iter().rposition(|(name, _)| find(name).is_some()) {
            let open = names(sort[..last].iter().filter(|(name, _)| !is_equal(name)));
            if !open.is_empty() {
                return Err(format!(
                    "RANGE key attributes {open} must have equality conditions specified in the query because \
                     a condition is present on key attribute {}",
                    sort[last].0
                ));
            }
        }
    }
    for (name, kind) in partition {
        if sort.is_empty() && partition.len() == 1 && tests.len() > 1 {
            return Err("Query key condition not supported".to_owned());
        }
        let test = find(name).ok_or_else(|| missed(name))?;
        check_test(test, *kind)?;
        if test.operator != Operator::Equal {
            return Err("Query key condition not supported".to_owned());
        }
        condition.partition.extend(test.values.first().cloned());
    }
    for (name, kind) in sort {
        let Some(test) = find(name) else {
            let named = partition.len() + condition.equal.len() + usize::from(condition.range.is_some());
            if tests.len() > named {
                return Err(missed(name));
            }
            break;
        };
        check_test(test, *kind)?;
        let mut values = test.values.iter().cloned();
        let (Some(value), second) = (values.next(), values.next()) else { return Err(missed(name)) };
        condition.range = Some(match (test.operator, second) {
            (Operator::Less, _) => KeyRange::Less(value),
            (Operator::LessOrEqual, _) => KeyRange::LessOrEqual(value),
            (Operator::Greater, _) => KeyRange::Greater(value),
            (Operator::GreaterOrEqual, _) => KeyRange::GreaterOrEqual(value),
            (Operator::Between, Some(high)) => KeyRange::Between(value, high),
            (Operator::BeginsWith, _) => KeyRange::BeginsWith(value),
            _ => {
                condition.equal.push(value);
                continue;
            }
        });
    }
    let is_key = |test: &KeyTest| partition.iter().chain(sort).any(|(name, _)| *name == test.attribute);
    if tests.iter().all(is_key) { Ok(condition) } else { Err("Query key condition not supported".to_owned()) }
}

fn names<'k>(keys: impl Iterator<Item = &'k (&'k str, Kind)>) -> String {
    keys.map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
}

fn missed(name: &str) -> String {
    format!("Query condition missed key schema element: {name}")
}

fn check_test(test: &KeyTest, kind: Kind) -> Result<(), String> {
    if !test.operator.is_indexable() {
        return Err("Attempted conditional constraint is not an indexable operation".to_owned());
    }
    if test.values.iter().any(|value| value.kind() != kind) {
        return Err(
            "One or more parameter values were invalid: Condition parameter type does not match schema type"
                .to_owned(),
        );
    }
    for value in &test.values {
        let empty = match value {
            Value::Text(text) if text.is_empty() => "string",
            Value::Binary(bytes) if bytes.is_empty() => "binary",
            _ => continue,
        };
        return Err(format!(
            "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain \
             an empty {empty} value. Key: {}",
            test.attribute
        ));
    }
    Ok(())
}
