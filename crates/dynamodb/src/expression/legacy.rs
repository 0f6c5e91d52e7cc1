//! The parameters that expressions have replaced: they become the same trees.

use std::collections::BTreeMap;

use serde::Deserialize;
use wire::Document;

use super::update::{Assignment, Term, Update};
use super::{Comparison, Condition, KeyTest, Operand, Path, Projection};
use crate::value::{Kind, Layer, Value, read_value};

/// `Expected`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ExpectedValue {
    value: Option<Document>,
    exists: Option<bool>,
    comparison_operator: Option<String>,
    attribute_value_list: Option<Vec<Document>>,
}

/// `QueryFilter`, `ScanFilter` and `KeyConditions`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct FilterCondition {
    comparison_operator: String,
    attribute_value_list: Option<Vec<Document>>,
}

/// `AttributeUpdates`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct AttributeUpdate {
    value: Option<Document>,
    action: Option<String>,
}

/// `ConditionalOperator`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Junction {
    And,
    Or,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Between,
    In,
    BeginsWith,
    Contains,
    NotContains,
    Null,
    NotNull,
}

impl Operator {
    const ALL: [(&'static str, Operator); 13] = [
        ("EQ", Operator::Equal),
        ("NE", Operator::NotEqual),
        ("LT", Operator::Less),
        ("LE", Operator::LessOrEqual),
        ("GT", Operator::Greater),
        ("GE", Operator::GreaterOrEqual),
        ("BETWEEN", Operator::Between),
        ("IN", Operator::In),
        ("BEGINS_WITH", Operator::BeginsWith),
        ("CONTAINS", Operator::Contains),
        ("NOT_CONTAINS", Operator::NotContains),
        ("NULL", Operator::Null),
        ("NOT_NULL", Operator::NotNull),
    ];

    fn named(name: &str) -> Option<Operator> {
        Operator::ALL.into_iter().find(|(known, _)| *known == name).map(|(_, operator)| operator)
    }

    fn name(self) -> &'static str {
        Operator::ALL.into_iter().find(|(_, operator)| *operator == self).map_or("", |(name, _)| name)
    }

    /// Whether a query can look for it in an index.
    pub(crate) fn is_indexable(self) -> bool {
        !matches!(
            self,
            Operator::NotEqual
                | Operator::In
                | Operator::Contains
                | Operator::NotContains
                | Operator::Null
                | Operator::NotNull
        )
    }

    fn takes(self, count: usize) -> bool {
        match self {
            Operator::Null | Operator::NotNull => count == 0,
            Operator::In => count > 0,
            Operator::Between => count == 2,
            _ => count == 1,
        }
    }

    fn takes_kind(self, kind: Kind) -> bool {
        match self {
            Operator::BeginsWith => matches!(kind, Kind::S | Kind::B),
            Operator::Less
            | Operator::LessOrEqual
            | Operator::Greater
            | Operator::GreaterOrEqual
            | Operator::Between
            | Operator::In
            | Operator::Contains
            | Operator::NotContains => matches!(kind, Kind::S | Kind::N | Kind::B),
            _ => true,
        }
    }

    fn condition(self, attribute: &str, values: Vec<Value>) -> Condition {
        let path = || Path::attribute(attribute);
        let operand = || Operand::Path(path());
        let mut values = values.into_iter().map(Operand::Value);
        let mut next = || values.next().unwrap_or(Operand::Value(Value::Null));
        let compare = |comparison, value| Condition::Compare(comparison, operand(), value);
        match self {
            Operator::Equal => compare(Comparison::Equal, next()),
            Operator::NotEqual => compare(Comparison::NotEqual, next()),
            Operator::Less => compare(Comparison::Less, next()),
            Operator::LessOrEqual => compare(Comparison::LessOrEqual, next()),
            Operator::Greater => compare(Comparison::Greater, next()),
            Operator::GreaterOrEqual => compare(Comparison::GreaterOrEqual, next()),
            Operator::Between => Condition::Between { value: operand(), low: next(), high: next() },
            Operator::In => Condition::In(operand(), values.collect()),
            Operator::BeginsWith => Condition::BeginsWith(operand(), next()),
            Operator::Contains => Condition::Contains(operand(), next()),
            Operator::NotContains => Condition::LacksMember(operand(), next()),
            Operator::Null => Condition::NotExists(path()),
            Operator::NotNull => Condition::Exists(path()),
        }
    }
}

const INVALID: &str = "One or more parameter values were invalid: ";

fn check_names<'n>(names: impl IntoIterator<Item = &'n String>) -> Result<(), String> {
    if names.into_iter().any(String::is_empty) { Err("Empty attribute name".to_owned()) } else { Ok(()) }
}

/// What is wrong with `ConditionalOperator`, given how many conditions it joins; in the service's own spelling.
pub(crate) fn check_operator(name: Option<&str>, conditions: Option<usize>) -> Result<(), String> {
    let problem = match (name, conditions) {
        (None, _) => return Ok(()),
        (Some(_), None) => "ConditionalOperator cannot be used without Filter or Expected",
        (Some(_), Some(0 | 1)) => {
            "ConditionalOperator can only be used when Filter or Expected has two or more elements"
        }
        (Some("AND" | "OR"), _) => return Ok(()),
        (Some(_), _) => "Failed to satisfy constraint: Member must satisfy enum value set: [ALL, OR]",
    };
    Err(problem.to_owned())
}

/// `ConditionalOperator` by its name, once it was checked.
pub(crate) fn operator_of(name: Option<&str>) -> Junction {
    if name == Some("OR") { Junction::Or } else { Junction::And }
}

fn joined(mut conditions: Vec<Condition>, junction: Junction) -> Option<Condition> {
    match (conditions.len(), junction) {
        (0 | 1, _) => conditions.pop(),
        (_, Junction::And) => Some(Condition::And(conditions)),
        (_, Junction::Or) => Some(Condition::Or(conditions)),
    }
}

fn read_values(list: Vec<Document>, layer: Layer) -> Result<Vec<Value>, String> {
    list.into_iter().map(|value| read_value(value).map_err(|problem| problem.text(layer))).collect()
}

/// The rules on the values of an operator.
fn check_values(operator: Operator, values: &[Value]) -> Result<(), String> {
    if !operator.takes(values.len()) {
        return Err(format!(
            "{INVALID}Invalid number of argument(s) for the {} ComparisonOperator",
            operator.name()
        ));
    }
    if values.windows(2).any(|pair| pair[0].kind() != pair[1].kind()) {
        return Err(format!("{INVALID}AttributeValues inside AttributeValueList must be of same type"));
    }
    if let Some(value) = values.iter().find(|value| !operator.takes_kind(value.kind())) {
        return Err(format!(
            "{INVALID}ComparisonOperator {} is not valid for {} AttributeValue type",
            operator.name(),
            value.kind()
        ));
    }
    if operator == Operator::Between
        && let [low, high] = values
        && low.order(high) == Some(std::cmp::Ordering::Greater)
    {
        return Err(
            "The BETWEEN condition was provided a range where the lower bound is greater than the upper bound"
                .to_owned(),
        );
    }
    Ok(())
}

/// `Expected` as a condition; `None` when it demands nothing.
pub(crate) fn expected(
    expected: BTreeMap<String, ExpectedValue>,
    junction: Junction,
    layer: Layer,
) -> Result<Option<Condition>, String> {
    check_names(expected.keys())?;
    let conditions: Result<Vec<Condition>, String> =
        expected.into_iter().map(|(attribute, expected)| expected.condition(&attribute, layer)).collect();
    Ok(joined(conditions?, junction))
}

impl ExpectedValue {
    fn condition(self, attribute: &str, layer: Layer) -> Result<Condition, String> {
        let together = |one: &str, other: &str| {
            Err(format!("{INVALID}{one} and {other} cannot be used together for Attribute: {attribute}"))
        };
        if self.value.is_some() && self.attribute_value_list.is_some() {
            return together("Value", "AttributeValueList");
        }
        let Some(name) = &self.comparison_operator else { return self.simple_condition(attribute, layer) };
        if self.exists.is_some() {
            return together("Exists", "ComparisonOperator");
        }
        let operator =
            Operator::named(name).ok_or_else(|| format!("{INVALID}Invalid comparison operator"))?;
        let has_values = self.value.is_some() || self.attribute_value_list.is_some();
        if !has_values && !matches!(operator, Operator::Null | Operator::NotNull) {
            return Err(format!(
                "{INVALID}Value or AttributeValueList must be used with ComparisonOperator: {name} \
                 for Attribute: {attribute}"
            ));
        }
        let list = self.attribute_value_list.unwrap_or_else(|| self.value.into_iter().collect());
        let values = read_values(list, layer)?;
        check_values(operator, &values)?;
        Ok(operator.condition(attribute, values))
    }

    fn simple_condition(self, attribute: &str, layer: Layer) -> Result<Condition, String> {
        if self.attribute_value_list.is_some() {
            return Err(format!(
                "{INVALID}AttributeValueList can only be used with a ComparisonOperator for Attribute: {attribute}"
            ));
        }
        match (self.exists, self.value) {
            (Some(false), Some(_)) => {
                Err(format!("{INVALID}Value cannot be used when Exists is false for Attribute: {attribute}"))
            }
            (Some(false), None) => Ok(Condition::NotExists(Path::attribute(attribute))),
            (exists, None) => {
                let exists = exists.map_or("null".to_owned(), |exists| exists.to_string());
                Err(format!(
                    "{INVALID}Value must be provided when Exists is {exists} for Attribute: {attribute}"
                ))
            }
            (_, Some(value)) => {
                let value = read_value(value).map_err(|problem| problem.text(layer))?;
                Ok(Operator::Equal.condition(attribute, vec![value]))
            }
        }
    }
}

/// `QueryFilter`, `ScanFilter` or `KeyConditions` as they are; [`filter_conditions`] and queries make more of them.
fn tests(conditions: BTreeMap<String, FilterCondition>, layer: Layer) -> Result<Vec<KeyTest>, String> {
    check_names(conditions.keys())?;
    conditions
        .into_iter()
        .map(|(attribute, condition)| {
            let name = &condition.comparison_operator;
            let operator =
                Operator::named(name).ok_or_else(|| format!("{INVALID}Invalid comparison operator"))?;
            let values = read_values(condition.attribute_value_list.unwrap_or_default(), layer)?;
            check_values(operator, &values)?;
            Ok(KeyTest { attribute, operator, values })
        })
        .collect()
}

/// `KeyConditions`.
pub(crate) fn key_tests(
    conditions: BTreeMap<String, FilterCondition>,
    layer: Layer,
) -> Result<Vec<KeyTest>, String> {
    let tests = tests(conditions, layer)?;
    if matches!(tests.len(), 1 | 2) {
        Ok(tests)
    } else {
        Err("Conditions can be of length 1 or 2 only".to_owned())
    }
}

/// `QueryFilter` or `ScanFilter` as a condition; `None` when it demands nothing.
pub(crate) fn filter_conditions(
    conditions: BTreeMap<String, FilterCondition>,
    junction: Junction,
    layer: Layer,
) -> Result<Option<Condition>, String> {
    let tests = tests(conditions, layer)?;
    let conditions = tests.into_iter().map(|test| test.operator.condition(&test.attribute, test.values));
    Ok(joined(conditions.collect(), junction))
}

/// `AttributesToGet`.
pub(crate) fn check_attributes_to_get(names: Vec<String>) -> Result<Projection, String> {
    check_names(&names)?;
    for (index, name) in names.iter().enumerate() {
        if names[..index].contains(name) {
            return Err(format!("{INVALID}Duplicate value in attribute name: {name}"));
        }
    }
    Ok(Projection::of_attributes(names))
}

/// `AttributeUpdates` as an update. The error is the whole message: only problems of values are told by layer.
pub(crate) fn attribute_updates(
    updates: BTreeMap<String, AttributeUpdate>,
    layer: Layer,
) -> Result<Update, String> {
    let mut update = Update::default();
    check_names(updates.keys()).map_err(|problem| layer.message(&problem))?;
    for (attribute, AttributeUpdate { value, action }) in updates {
        let value = value
            .map(|value| read_value(value).map_err(|problem| layer.message(&problem.text(layer))))
            .transpose()?;
        let path = Path::attribute(attribute);
        match (action.as_deref().unwrap_or("PUT"), value) {
            ("DELETE", None) => update.remove.push(path),
            (_, None) => {
                return Err(format!(
                    "{INVALID}Only DELETE action is allowed when no attribute value is specified"
                ));
            }
            ("DELETE", Some(value)) if value.kind().is_set() => update.delete.push((path, value)),
            ("DELETE", Some(value)) => {
                return Err(format!(
                    "{INVALID}DELETE action with value is not supported for the type {}",
                    value.kind()
                ));
            }
            ("ADD", Some(value)) if value.kind().is_set() || matches!(value.kind(), Kind::N | Kind::L) => {
                update.add.push((path, value));
            }
            ("ADD", Some(value)) => {
                return Err(format!("{INVALID}ADD action is not supported for the type {}", value.kind()));
            }
            (_, Some(value)) => update.set.push(Assignment { path, term: Term::Value(value) }),
        }
    }
    Ok(update)
}
