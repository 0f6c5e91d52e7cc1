//! The `Condition` element: operators, their qualifiers, and missing keys.
//!
//! Source: IAM user guide, "IAM JSON policy elements: Condition operators" and "Set operators for multivalued keys".

use std::cmp::Ordering;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::context::Context;
use super::json::Json;
use super::pattern::{Piece, Syntax, Template, pieces};
use super::resource::ArnPattern;
use super::scalar::{AddressRange, date, number};

/// One operator with one key. All conditions of a statement must hold.
#[derive(Clone, Debug)]
pub(super) struct Condition {
    operator: Operator,
    /// In lower case.
    key: String,
    values: Vec<Value>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Operator {
    test: Test,
    negated: bool,
    over: Over,
    if_exists: bool,
}

/// What the request's values have to do together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Over {
    Plain,
    AllValues,
    AnyValue,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Test {
    Equals,
    EqualsIgnoringCase,
    Like,
    Number(Relation),
    Date(Relation),
    Bool,
    Binary,
    Address,
    Arn,
    Null,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Relation {
    Equals,
    LessThan,
    LessThanEquals,
    GreaterThan,
    GreaterThanEquals,
}

#[derive(Clone, Debug)]
enum Value {
    Text(Template),
    Number(i128),
    Date(i128),
    Bool(String),
    Binary(Vec<u8>),
    Address(AddressRange),
    Arn(ArnPattern),
}

impl Condition {
    /// The conditions of an element; `None` when its form is wrong.
    pub(super) fn parse_all(json: &Json, variables: bool) -> Option<Vec<Self>> {
        let Json::Map(operators) = json else { return None };
        let mut conditions = Vec::new();
        for (name, keys) in operators {
            let operator = Operator::parse(name)?;
            let Json::Map(keys) = keys else { return None };
            for (key, values) in keys {
                let values = values.one_or_many().iter();
                let values: Option<Vec<_>> =
                    values.map(|value| Value::parse(&value.scalar()?, operator.test, variables)).collect();
                if key.is_empty() {
                    return None;
                }
                conditions.push(Condition { operator, key: key.to_lowercase(), values: values? });
            }
        }
        Some(conditions)
    }

    pub(super) fn holds(&self, context: &Context) -> bool {
        let found = context.values(&self.key);
        let Operator { test, negated, over, if_exists } = self.operator;
        if test == Test::Null {
            let wanted = if found.is_empty() { "true" } else { "false" };
            return self.values.iter().any(|value| matches!(value, Value::Bool(text) if text == wanted));
        }
        // A set operator takes a key whose values are empty texts for an empty set.
        let empty_set = over != Over::Plain && found.iter().all(String::is_empty);
        if found.is_empty() || empty_set {
            return if_exists && found.is_empty()
                || match over {
                    Over::Plain => negated,
                    Over::AllValues => true,
                    Over::AnyValue => false,
                };
        }
        // A value whose variable is missing makes its condition fail, the negated one too.
        let fits = |request: &String| Some(self.matches_any(request, context)? != negated);
        match over {
            Over::Plain if negated => found.iter().all(|value| fits(value) == Some(true)),
            Over::Plain | Over::AnyValue => found.iter().any(|value| fits(value) == Some(true)),
            Over::AllValues => found.iter().all(|value| fits(value) == Some(true)),
        }
    }

    /// Whether one value of the request matches some value of the policy; `None` when that cannot be known.
    fn matches_any(&self, request: &str, context: &Context) -> Option<bool> {
        let mut unknown = false;
        for value in &self.values {
            match value.matches(request, self.operator.test, context) {
                Some(true) => return Some(true),
                Some(false) => {}
                None => unknown = true,
            }
        }
        if unknown { None } else { Some(false) }
    }
}

impl Operator {
    fn parse(name: &str) -> Option<Self> {
        let (over, name) = match name.split_once(':') {
            Some(("ForAllValues", name)) => (Over::AllValues, name),
            Some(("ForAnyValue", name)) => (Over::AnyValue, name),
            Some(_) => return None,
            None => (Over::Plain, name),
        };
        let (name, if_exists) = match name.strip_suffix("IfExists") {
            Some(name) => (name, true),
            None => (name, false),
        };
        let (test, negated) = match name {
            "StringEquals" => (Test::Equals, false),
            "StringNotEquals" => (Test::Equals, true),
            "StringEqualsIgnoreCase" => (Test::EqualsIgnoringCase, false),
            "StringNotEqualsIgnoreCase" => (Test::EqualsIgnoringCase, true),
            "StringLike" => (Test::Like, false),
            "StringNotLike" => (Test::Like, true),
            "Bool" => (Test::Bool, false),
            "BinaryEquals" => (Test::Binary, false),
            "IpAddress" => (Test::Address, false),
            "NotIpAddress" => (Test::Address, true),
            "ArnEquals" | "ArnLike" => (Test::Arn, false),
            "ArnNotEquals" | "ArnNotLike" => (Test::Arn, true),
            "Null" if !if_exists => (Test::Null, false),
            _ => match name.strip_prefix("Numeric") {
                Some(relation) => {
                    let (relation, negated) = Relation::parse(relation)?;
                    (Test::Number(relation), negated)
                }
                None => {
                    let (relation, negated) = Relation::parse(name.strip_prefix("Date")?)?;
                    (Test::Date(relation), negated)
                }
            },
        };
        Some(Operator { test, negated, over, if_exists })
    }
}

impl Relation {
    fn parse(name: &str) -> Option<(Self, bool)> {
        Some(match name {
            "Equals" => (Relation::Equals, false),
            "NotEquals" => (Relation::Equals, true),
            "LessThan" => (Relation::LessThan, false),
            "LessThanEquals" => (Relation::LessThanEquals, false),
            "GreaterThan" => (Relation::GreaterThan, false),
            "GreaterThanEquals" => (Relation::GreaterThanEquals, false),
            _ => return None,
        })
    }

    fn holds(self, ordering: Ordering) -> bool {
        match self {
            Relation::Equals => ordering.is_eq(),
            Relation::LessThan => ordering.is_lt(),
            Relation::LessThanEquals => ordering.is_le(),
            Relation::GreaterThan => ordering.is_gt(),
            Relation::GreaterThanEquals => ordering.is_ge(),
        }
    }
}

impl Value {
    fn parse(text: &str, test: Test, variables: bool) -> Option<Self> {
        let template = |text: &str, wildcards| Template::new(pieces(text, Syntax { wildcards, variables }));
        Some(match test {
            Test::Equals => Value::Text(template(text, false)),
            Test::EqualsIgnoringCase => {
                let pieces = pieces(text, Syntax { wildcards: false, variables });
                let lowered = pieces.into_iter().map(|piece| match piece {
                    Piece::Text(text) => Piece::Text(text.to_lowercase()),
                    other => other,
                });
                Value::Text(Template::new(lowered.collect()))
            }
            Test::Like => Value::Text(template(text, true)),
            Test::Number(_) => Value::Number(number(text)?),
            Test::Date(_) => Value::Date(date(text)?),
            Test::Bool => Value::Bool(text.to_lowercase()),
            Test::Null => Value::Bool(text.to_lowercase()).one_of(&["true", "false"])?,
            Test::Binary => Value::Binary(STANDARD.decode(text).ok()?),
            Test::Address => Value::Address(AddressRange::parse(text)?),
            // AWS keeps texts that are no ARN; they match none.
            Test::Arn => match ArnPattern::parse(text, variables) {
                Some(pattern) => Value::Arn(pattern),
                None => Value::Text(template(text, false)),
            },
        })
    }

    fn one_of(self, texts: &[&str]) -> Option<Self> {
        let listed = matches!(&self, Value::Bool(text) if texts.contains(&text.as_str()));
        listed.then_some(self)
    }

    fn matches(&self, request: &str, test: Test, context: &Context) -> Option<bool> {
        match (self, test) {
            (Value::Text(_), Test::Arn) => Some(false),
            (Value::Text(template), Test::EqualsIgnoringCase) => {
                template.matches_ignoring_case(request, context)
            }
            (Value::Text(template), _) => template.matches(request, context),
            (Value::Number(wanted), Test::Number(relation)) => {
                Some(number(request).is_some_and(|found| relation.holds(found.cmp(wanted))))
            }
            (Value::Date(wanted), Test::Date(relation)) => {
                Some(date(request).is_some_and(|found| relation.holds(found.cmp(wanted))))
            }
            (Value::Bool(wanted), _) => Some(request.eq_ignore_ascii_case(wanted)),
            (Value::Binary(wanted), _) => Some(STANDARD.decode(request).is_ok_and(|found| found == *wanted)),
            (Value::Address(range), _) => Some(range.contains(request)),
            (Value::Arn(pattern), _) => pattern.matches(request, context),
            (Value::Number(_) | Value::Date(_), _) => Some(false),
        }
    }
}
