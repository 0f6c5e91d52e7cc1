//! Expressions: conditions, key conditions, filters, updates and projections.
//!
//! One lexer ([`token`]), one parser ([`parse`]) that binds names and values as it reads, one evaluator ([`evaluate`]).
//! Parameters of the older API ([`legacy`]) become the same trees. Errors come in the order in which the service
//! reports them: see [`problems`].

mod evaluate;
mod key_condition;
mod legacy;
mod parse;
mod parse_condition;
mod parse_update;
mod path;
#[cfg(test)]
mod print;
mod problems;
mod projection;
mod request;
mod reserved;
mod token;
mod update;

pub(crate) use evaluate::holds;
pub(crate) use key_condition::{KeyCondition, KeyRange, KeyTest, key_condition, key_conditions_of};
pub(crate) use legacy::{
    AttributeUpdate, ExpectedValue, FilterCondition, Operator, attribute_updates, check_attributes_to_get,
    check_operator, expected, filter_conditions, key_tests, operator_of,
};
pub(crate) use path::{Path, Step};
pub(crate) use projection::Projection;
pub(crate) use request::{Expressions, Parameters};
pub(crate) use update::{Assignment, SizeCost, Term, Update};

use crate::value::Value;

/// Longest expression, in bytes.
pub(crate) const EXPRESSION_BYTES_MAX: usize = 4_096;
/// Operators and functions of one expression.
pub(crate) const OPERATORS_MAX: usize = 300;
/// Functions and parenthesised operands within each other; what keeps reading them from exhausting the stack.
/// Conditions are read without recursion and may be nested as deep as their operators allow.
pub(crate) const EXPRESSION_LEVELS_MAX: usize = 100;

/// Something that an item meets or does not.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Condition {
    /// All hold; never fewer than two.
    And(Vec<Condition>),
    /// One holds; never fewer than two.
    Or(Vec<Condition>),
    Not(Box<Condition>),
    Compare(Comparison, Operand, Operand),
    Between {
        value: Operand,
        low: Operand,
        high: Operand,
    },
    In(Operand, Vec<Operand>),
    Exists(Path),
    NotExists(Path),
    /// The kind of the value is the one that the operand names.
    IsOfType(Operand, Operand),
    BeginsWith(Operand, Operand),
    Contains(Operand, Operand),
    /// `NOT_CONTAINS` of the older API: not the negation of `contains`, a missing attribute does not meet it.
    LacksMember(Operand, Operand),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Comparison {
    pub(crate) fn symbol(self) -> &'static str {
        match self {
            Comparison::Equal => "=",
            Comparison::NotEqual => "<>",
            Comparison::Less => "<",
            Comparison::LessOrEqual => "<=",
            Comparison::Greater => ">",
            Comparison::GreaterOrEqual => ">=",
        }
    }

    /// What says the same with the sides exchanged.
    pub(crate) fn mirrored(self) -> Comparison {
        match self {
            Comparison::Less => Comparison::Greater,
            Comparison::LessOrEqual => Comparison::GreaterOrEqual,
            Comparison::Greater => Comparison::Less,
            Comparison::GreaterOrEqual => Comparison::LessOrEqual,
            same => same,
        }
    }
}

/// What a condition looks at.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Operand {
    Path(Path),
    Value(Value),
    Size(Box<Operand>),
}

/// Which parameter an expression came in; errors name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Update,
    Condition,
    KeyCondition,
    Filter,
    Projection,
}

impl Role {
    pub(crate) fn parameter(self) -> &'static str {
        match self {
            Role::Update => "UpdateExpression",
            Role::Condition => "ConditionExpression",
            Role::KeyCondition => "KeyConditionExpression",
            Role::Filter => "FilterExpression",
            Role::Projection => "ProjectionExpression",
        }
    }
}

impl Condition {
    /// Every path the condition looks at.
    pub(crate) fn paths<'c>(&'c self, visit: &mut impl FnMut(&'c Path)) {
        match self {
            Condition::And(parts) | Condition::Or(parts) => {
                for part in parts {
                    part.paths(visit);
                }
            }
            Condition::Not(inner) => inner.paths(visit),
            Condition::Exists(path) | Condition::NotExists(path) => visit(path),
            Condition::Compare(_, a, b)
            | Condition::IsOfType(a, b)
            | Condition::BeginsWith(a, b)
            | Condition::Contains(a, b)
            | Condition::LacksMember(a, b) => {
                a.paths(visit);
                b.paths(visit);
            }
            Condition::Between { value, low, high } => {
                value.paths(visit);
                low.paths(visit);
                high.paths(visit);
            }
            Condition::In(value, options) => {
                value.paths(visit);
                options.iter().for_each(|option| option.paths(visit));
            }
        }
    }
}

impl Operand {
    fn paths<'c>(&'c self, visit: &mut impl FnMut(&'c Path)) {
        match self {
            Operand::Path(path) => visit(path),
            Operand::Value(_) => {}
            Operand::Size(inner) => inner.paths(visit),
        }
    }
}

#[cfg(test)]
mod tests;
