//! Values as statements write them.

use std::collections::BTreeSet;

use super::malformed;
use super::parse::{Parsed, Parser};
use super::token::Token;
use crate::value::{Attributes, Layer, NESTING_LEVELS_MAX, Number, NumberError, Value, ValueError};

/// Exponents that a literal may have at all.
const EXPONENT_DIGITS_MAX: usize = 9;

impl Parser<'_> {
    /// A value, if one begins here.
    pub(super) fn value(&mut self) -> Parsed<Option<Value>> {
        self.value_at(&mut "root".to_owned(), 0)
    }

    /// `at` is where the value lies, for errors.
    fn value_at(&mut self, at: &mut String, level: usize) -> Parsed<Option<Value>> {
        if level > NESTING_LEVELS_MAX {
            return Err(ValueError::TooDeep.text(Layer::Older));
        }
        let value = match self.peek() {
            Some(Token::Text(text)) => Value::Text(text.clone()),
            Some(Token::Number(text)) => Value::Number(number(text, at)?),
            Some(Token::Symbol("-" | "+")) => {
                let sign = if self.take("-") { "-" } else { "" };
                if sign.is_empty() {
                    self.advance();
                }
                let Some(Token::Number(text)) = self.peek() else { return Err(malformed("")) };
                Value::Number(number(&format!("{sign}{text}"), at)?)
            }
            Some(Token::Symbol("?")) => {
                self.advance();
                return self.parameter().map(Some);
            }
            Some(Token::Word(word)) => match word.to_ascii_lowercase().as_str() {
                "true" => Value::Bool(true),
                "false" => Value::Bool(false),
                "null" => Value::Null,
                _ => return Ok(None),
            },
            Some(Token::Symbol("[")) => {
                self.advance();
                return self.members("]", at, level).map(Value::List).map(Some);
            }
            Some(Token::Symbol("<<")) => {
                self.advance();
                let members = self.members(">>", at, level)?;
                return set(members).map(Some);
            }
            Some(Token::Symbol("{")) => {
                self.advance();
                return self.entries(at, level).map(Value::Map).map(Some);
            }
            _ => return Ok(None),
        };
        self.advance();
        Ok(Some(value))
    }

    fn members(&mut self, end: &'static str, at: &mut String, level: usize) -> Parsed<Vec<Value>> {
        let mut members = Vec::new();
        if self.take(end) {
            return Ok(members);
        }
        loop {
            let length = at.len();
            at.push_str(&format!("[{}]", members.len()));
            let member = self.value_at(at, level + 1)?;
            at.truncate(length);
            members.push(member.ok_or_else(|| malformed(""))?);
            if self.take(end) {
                return Ok(members);
            }
            self.expect(",")?;
        }
    }

    fn entries(&mut self, at: &mut String, level: usize) -> Parsed<Attributes> {
        let mut entries = Attributes::new();
        if self.take("}") {
            return Ok(entries);
        }
        loop {
            let name = match self.next() {
                Some(Token::Text(name) | Token::Quoted(name)) => name,
                _ => return Err(malformed("")),
            };
            self.expect(":")?;
            let length = at.len();
            at.push('.');
            at.push_str(&name);
            let value = self.value_at(at, level + 1)?;
            at.truncate(length);
            entries.insert(name, value.ok_or_else(|| malformed(""))?);
            if self.take("}") {
                return Ok(entries);
            }
            self.expect(",")?;
        }
    }
}

fn number(text: &str, at: &str) -> Parsed<Number> {
    let exponent = text.split(['e', 'E']).nth(1).unwrap_or("");
    if exponent.trim_start_matches(['+', '-']).trim_start_matches('0').len() > EXPONENT_DIGITS_MAX {
        return Err(malformed(""));
    }
    text.parse()
        .map_err(|error: NumberError| format!("{} under {at}", ValueError::Number(error).text(Layer::Older)))
}

/// A set is of texts, of numbers or of bytes, and never empty.
fn set(members: Vec<Value>) -> Parsed<Value> {
    let count = members.len();
    let (mut texts, mut numbers, mut binaries) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for member in members {
        match member {
            Value::Text(text) => _ = texts.insert(text),
            Value::Number(number) => _ = numbers.insert(number),
            Value::Binary(bytes) => _ = binaries.insert(bytes),
            _ => return Err(malformed("")),
        }
    }
    if texts.len() + numbers.len() + binaries.len() < count {
        return Err(ValueError::DuplicateNumbers.text(Layer::Older));
    }
    match (texts.is_empty(), numbers.is_empty(), binaries.is_empty()) {
        (false, true, true) => Ok(Value::Texts(texts)),
        (true, false, true) => Ok(Value::Numbers(numbers)),
        (true, true, false) => Ok(Value::Binaries(binaries)),
        _ => Err(malformed("")),
    }
}
