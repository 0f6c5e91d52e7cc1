//! What stands behind `WHERE`.

use super::malformed;
use super::parse::{Parsed, Parser, SYNTAX};
use super::token::Token;
use crate::expression::{Comparison, Condition, EXPRESSION_LEVELS_MAX, Operand, Path};
use crate::value::{Kind, Value};

impl Parser<'_> {
    pub(super) fn condition(&mut self) -> Parsed<Condition> {
        self.any_of(0)
    }

    fn any_of(&mut self, level: usize) -> Parsed<Condition> {
        let mut parts = vec![self.all_of(level)?];
        while self.take_word("OR") {
            parts.push(self.all_of(level)?);
        }
        Ok(one_or(parts, Condition::Or))
    }

    fn all_of(&mut self, level: usize) -> Parsed<Condition> {
        let mut parts = vec![self.negated(level)?];
        while self.take_word("AND") {
            parts.push(self.negated(level)?);
        }
        Ok(one_or(parts, Condition::And))
    }

    fn negated(&mut self, level: usize) -> Parsed<Condition> {
        if level > EXPRESSION_LEVELS_MAX {
            return Err(malformed(SYNTAX));
        }
        if self.take_word("NOT") {
            return Ok(Condition::Not(Box::new(self.negated(level + 1)?)));
        }
        if self.take("(") {
            let inner = self.any_of(level + 1)?;
            self.expect(")")?;
            return Ok(inner);
        }
        self.test(level)
    }

    fn test(&mut self, level: usize) -> Parsed<Condition> {
        if let Some(condition) = self.function(level)? {
            return Ok(condition);
        }
        let first = self.operand(level)?;
        let comparison = match self.peek() {
            Some(Token::Symbol("=")) => Some(Comparison::Equal),
            Some(Token::Symbol("<>" | "!=")) => Some(Comparison::NotEqual),
            Some(Token::Symbol("<")) => Some(Comparison::Less),
            Some(Token::Symbol("<=")) => Some(Comparison::LessOrEqual),
            Some(Token::Symbol(">")) => Some(Comparison::Greater),
            Some(Token::Symbol(">=")) => Some(Comparison::GreaterOrEqual),
            _ => None,
        };
        if let Some(comparison) = comparison {
            self.advance();
            let second = self.operand(level)?;
            if !matches!(comparison, Comparison::Equal | Comparison::NotEqual) {
                self.check_ordered(comparison.symbol(), &[&first, &second]);
            }
            return Ok(Condition::Compare(comparison, first, second));
        }
        if self.take_word("IS") {
            let is_negated = self.take_word("NOT");
            let Operand::Path(path) = first else { return Err(malformed(SYNTAX)) };
            let found = if self.take_word("MISSING") {
                Condition::NotExists(path)
            } else if self.take_word("NULL") {
                Condition::IsOfType(Operand::Path(path), Operand::Value(Value::from("NULL")))
            } else {
                return Err(malformed(SYNTAX));
            };
            return Ok(match found {
                Condition::NotExists(path) if is_negated => Condition::Exists(path),
                found if is_negated => Condition::Not(Box::new(found)),
                found => found,
            });
        }
        let is_negated = self.take_word("NOT");
        let found = if self.take_word("BETWEEN") {
            let low = self.operand(level)?;
            self.expect_word("AND")?;
            let high = self.operand(level)?;
            self.check_ordered("BETWEEN", &[&low, &high]);
            Condition::Between { value: first, low, high }
        } else if self.take_word("IN") {
            Condition::In(first, self.options(level)?)
        } else {
            return Err(malformed(SYNTAX));
        };
        Ok(if is_negated { Condition::Not(Box::new(found)) } else { found })
    }

    fn options(&mut self, level: usize) -> Parsed<Vec<Operand>> {
        let end = match self.next() {
            Some(Token::Symbol("[")) => "]",
            Some(Token::Symbol("(")) => ")",
            Some(Token::Symbol("<<")) => ">>",
            _ => return Err(malformed(SYNTAX)),
        };
        let mut options = vec![self.operand(level)?];
        while !self.take(end) {
            self.expect(",")?;
            options.push(self.operand(level)?);
        }
        Ok(options)
    }

    /// A function that is a condition by itself, if one begins here.
    fn function(&mut self, level: usize) -> Parsed<Option<Condition>> {
        let Some(name) = self.function_name() else { return Ok(None) };
        let make: fn(Operand, Operand) -> Condition = match name.as_str() {
            "begins_with" => Condition::BeginsWith,
            "contains" => Condition::Contains,
            "attribute_type" => Condition::IsOfType,
            "attribute_exists" | "attribute_not_exists" => {
                self.skip_function_name();
                let path = self.path()?;
                self.expect(")")?;
                let exists = name == "attribute_exists";
                return Ok(Some(if exists { Condition::Exists(path) } else { Condition::NotExists(path) }));
            }
            _ => return Ok(None),
        };
        self.skip_function_name();
        let first = self.operand(level)?;
        self.expect(",")?;
        let second = self.operand(level)?;
        self.expect(")")?;
        if name != "contains"
            && let Operand::Value(value) = &second
            && !matches!((value.kind(), name.as_str()), (Kind::S, _) | (Kind::B, "begins_with"))
        {
            self.refuse_operand(&name, value.kind());
        }
        Ok(Some(make(first, second)))
    }

    fn operand(&mut self, level: usize) -> Parsed<Operand> {
        if level > EXPRESSION_LEVELS_MAX {
            return Err(malformed(SYNTAX));
        }
        if self.function_name().as_deref() == Some("size") {
            self.skip_function_name();
            let inner = self.operand(level + 1)?;
            self.expect(")")?;
            return Ok(Operand::Size(Box::new(inner)));
        }
        match self.value()? {
            Some(value) => Ok(Operand::Value(value)),
            None => self.path().map(Operand::Path),
        }
    }

    fn check_ordered(&mut self, operator: &str, operands: &[&Operand]) {
        for operand in operands {
            if let Operand::Value(value) = operand
                && !matches!(value.kind(), Kind::S | Kind::N | Kind::B)
            {
                return self.refuse_operand(operator, value.kind());
            }
        }
    }
}

fn one_or(mut parts: Vec<Condition>, join: fn(Vec<Condition>) -> Condition) -> Condition {
    match parts.len() {
        1 => parts.swap_remove(0),
        _ => join(parts),
    }
}

/// What must hold, all of it.
pub(super) fn conjuncts(condition: Condition) -> Vec<Condition> {
    match condition {
        Condition::And(parts) => parts.into_iter().flat_map(conjuncts).collect(),
        other => vec![other],
    }
}

/// The attribute that a condition holds to a value, by `=`.
pub(super) fn equality(condition: &Condition) -> Option<(&str, &Value)> {
    match condition {
        Condition::Compare(Comparison::Equal, Operand::Path(Path { root, steps }), Operand::Value(value))
        | Condition::Compare(Comparison::Equal, Operand::Value(value), Operand::Path(Path { root, steps }))
            if steps.is_empty() =>
        {
            Some((root, value))
        }
        _ => None,
    }
}
