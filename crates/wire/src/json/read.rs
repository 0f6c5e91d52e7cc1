//! From JSON text straight to a document, without a tree of JSON values in between.

use std::borrow::Cow;

use crate::document::{Document, Map};
use crate::error::{MAX_DEPTH_LEVELS, Malformed};
use crate::model::{Kind, Member, Model, Structure, TimestampFormat};
use crate::number::{decode_base64, parse_float};
use crate::text;
use crate::timestamp::Timestamp;

/// Reads an object along a structure; members the structure lacks are skipped.
pub(crate) fn read_structure(
    model: &Model,
    structure: &Structure,
    body: &[u8],
) -> Result<Document, Malformed> {
    let mut reader = Reader::new(body)?;
    reader.skip_whitespace();
    let document = match reader.peek() {
        Some(b'{') if structure.is_document => reader.document()?,
        Some(b'{') => reader.structure(model, structure)?,
        Some(b'[') if !structure.is_document => return Err(unexpected_list()),
        Some(_) if structure.is_document => reader.document()?,
        Some(b'n') => return Err(Malformed::new("Unexpected null value in payload")),
        Some(_) => return Err(Malformed::new("Unexpected value type in payload")),
        None => return Err(reader.syntax("unexpected end of input")),
    };
    reader.finish()?;
    Ok(document)
}

/// Reads any JSON value without a shape.
pub(crate) fn read_document(body: &[u8]) -> Result<Document, Malformed> {
    let mut reader = Reader::new(body)?;
    reader.skip_whitespace();
    let document = reader.document()?;
    reader.finish()?;
    Ok(document)
}

fn unexpected_structure() -> Malformed {
    Malformed::new("Start of structure or map found where not expected.")
}

fn unexpected_list() -> Malformed {
    Malformed::new("Start of list found where not expected")
}

struct Reader<'b> {
    text: &'b str,
    at: usize,
    depth: usize,
}

impl<'b> Reader<'b> {
    fn new(body: &'b [u8]) -> Result<Self, Malformed> {
        match std::str::from_utf8(body) {
            Ok(text) => Ok(Reader { text, at: 0, depth: 0 }),
            Err(error) => Err(Malformed::new(format!("Invalid UTF-8 at byte {}", error.valid_up_to()))),
        }
    }

    fn value(&mut self, model: &Model, member: &Member) -> Result<Document, Malformed> {
        let shape = model.shape(member.shape);
        let first = self.peek().ok_or_else(|| self.syntax("unexpected end of input"))?;
        match (&shape.kind, first) {
            (_, b'n') => self.literal("null").map(|()| Document::Null),
            (Kind::Structure(structure), _) if structure.is_document => self.document(),
            (Kind::Structure(structure), b'{') => self.structure(model, structure),
            (Kind::Map(entry), b'{') => self.map(model, &entry.1),
            (Kind::List(item), b'[') => self.list(model, item),
            (_, b'{') => Err(unexpected_structure()),
            (_, b'[') => Err(unexpected_list()),
            (kind, b'"') => {
                let string = self.string()?;
                string_value(kind, member, string)
            }
            (Kind::Boolean, b't') => self.literal("true").map(|()| Document::Bool(true)),
            (Kind::Boolean, b'f') => self.literal("false").map(|()| Document::Bool(false)),
            (kind, b't') => self.literal("true").and_then(|()| Err(unconvertible("TRUE_VALUE", kind))),
            (kind, b'f') => self.literal("false").and_then(|()| Err(unconvertible("FALSE_VALUE", kind))),
            (kind, _) => {
                let number = self.number()?;
                number_value(kind, number)
            }
        }
    }

    fn structure(&mut self, model: &Model, structure: &Structure) -> Result<Document, Malformed> {
        let mut members = Map::with_capacity(structure.members.len().min(16));
        self.object(|reader, key| {
            match structure.member_on_wire(&key) {
                Some(member) => match reader.value(model, member)? {
                    Document::Null => {}
                    value => {
                        members.insert(member.name.to_string(), value);
                    }
                },
                None => reader.skip_value()?,
            }
            Ok(())
        })?;
        Ok(Document::Map(members))
    }

    fn map(&mut self, model: &Model, value: &Member) -> Result<Document, Malformed> {
        let mut entries = Map::new();
        self.object(|reader, key| {
            entries.insert(key.into_owned(), reader.value(model, value)?);
            Ok(())
        })?;
        Ok(Document::Map(entries))
    }

    fn list(&mut self, model: &Model, item: &Member) -> Result<Document, Malformed> {
        let mut items = Vec::new();
        self.array(|reader| {
            items.push(reader.value(model, item)?);
            Ok(())
        })?;
        Ok(Document::List(items))
    }

    fn document(&mut self) -> Result<Document, Malformed> {
        match self.peek() {
            Some(b'{') => {
                let mut entries = Map::new();
                self.object(|reader, key| {
                    entries.insert(key.into_owned(), reader.document()?);
                    Ok(())
                })?;
                Ok(Document::Map(entries))
            }
            Some(b'[') => {
                let mut items = Vec::new();
                self.array(|reader| {
                    items.push(reader.document()?);
                    Ok(())
                })?;
                Ok(Document::List(items))
            }
            Some(b'"') => Ok(Document::Text(self.string()?.into_owned())),
            Some(b't') => self.literal("true").map(|()| Document::Bool(true)),
            Some(b'f') => self.literal("false").map(|()| Document::Bool(false)),
            Some(b'n') => self.literal("null").map(|()| Document::Null),
            Some(_) => match self.number()? {
                Number::Int(number) => Ok(Document::Int(number)),
                Number::Float(number) => Ok(Document::Float(number)),
            },
            None => Err(self.syntax("unexpected end of input")),
        }
    }

    fn skip_value(&mut self) -> Result<(), Malformed> {
        match self.peek() {
            Some(b'{') => self.object(|reader, _| reader.skip_value()),
            Some(b'[') => self.array(Reader::skip_value),
            Some(b'"') => self.string().map(drop),
            Some(b't') => self.literal("true"),
            Some(b'f') => self.literal("false"),
            Some(b'n') => self.literal("null"),
            Some(_) => self.number().map(drop),
            None => Err(self.syntax("unexpected end of input")),
        }
    }

    fn object(
        &mut self,
        mut entry: impl FnMut(&mut Self, Cow<'b, str>) -> Result<(), Malformed>,
    ) -> Result<(), Malformed> {
        self.enter()?;
        self.skip_whitespace();
        if self.take(b'}') {
            return self.leave();
        }
        loop {
            if self.peek() != Some(b'"') {
                return Err(self.syntax("expected the name of a member"));
            }
            let key = self.string()?;
            self.skip_whitespace();
            if !self.take(b':') {
                return Err(self.syntax("expected `:`"));
            }
            self.skip_whitespace();
            entry(self, key)?;
            self.skip_whitespace();
            if self.take(b'}') {
                return self.leave();
            }
            if !self.take(b',') {
                return Err(self.syntax("expected `,` or `}`"));
            }
            self.skip_whitespace();
        }
    }

    fn array(&mut self, mut item: impl FnMut(&mut Self) -> Result<(), Malformed>) -> Result<(), Malformed> {
        self.enter()?;
        self.skip_whitespace();
        if self.take(b']') {
            return self.leave();
        }
        loop {
            item(self)?;
            self.skip_whitespace();
            if self.take(b']') {
                return self.leave();
            }
            if !self.take(b',') {
                return Err(self.syntax("expected `,` or `]`"));
            }
            self.skip_whitespace();
        }
    }

    fn enter(&mut self) -> Result<(), Malformed> {
        self.at += 1;
        self.depth += 1;
        if self.depth > MAX_DEPTH_LEVELS { Err(Malformed::too_deep()) } else { Ok(()) }
    }

    fn leave(&mut self) -> Result<(), Malformed> {
        self.depth -= 1;
        Ok(())
    }

    fn string(&mut self) -> Result<Cow<'b, str>, Malformed> {
        let start = self.at + 1;
        let rest = &self.text.as_bytes()[start..];
        // Most strings hold no escape and are taken as they stand.
        let plain = rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..=0x1F));
        let Some(plain) = plain else { return Err(self.syntax("the string does not end")) };
        self.at = start + plain;
        if rest[plain] == b'"' {
            self.at += 1;
            return Ok(Cow::Borrowed(&self.text[start..start + plain]));
        }
        let mut out = self.text[start..start + plain].to_owned();
        loop {
            let rest = &self.text.as_bytes()[self.at..];
            let Some(plain) = rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..=0x1F)) else {
                return Err(self.syntax("the string does not end"));
            };
            out.push_str(&self.text[self.at..self.at + plain]);
            self.at += plain;
            match rest[plain] {
                b'"' => {
                    self.at += 1;
                    return Ok(Cow::Owned(out));
                }
                b'\\' => out.push(self.escape()?),
                _ => return Err(self.syntax("a control character must be escaped")),
            }
        }
    }

    fn escape(&mut self) -> Result<char, Malformed> {
        self.at += 1;
        let kind = self.peek().ok_or_else(|| self.syntax("the string does not end"))?;
        self.at += 1;
        Ok(match kind {
            b'"' => '"',
            b'\\' => '\\',
            b'/' => '/',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let first = self.hex4()?;
                let code = match first {
                    0xD800..0xDC00 if self.text[self.at..].starts_with("\\u") => {
                        self.at += 2;
                        match self.hex4()? {
                            second @ 0xDC00..0xE000 => 0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00),
                            _ => return Err(self.syntax("a surrogate without its partner")),
                        }
                    }
                    code => code,
                };
                char::from_u32(code).ok_or_else(|| self.syntax("a surrogate without its partner"))?
            }
            _ => return Err(self.syntax("unknown escape")),
        })
    }

    fn hex4(&mut self) -> Result<u32, Malformed> {
        let digits = self.text.as_bytes().get(self.at..self.at + 4);
        let code = digits.and_then(|digits| {
            digits.iter().try_fold(0, |code, b| Some(code * 16 + (*b as char).to_digit(16)?))
        });
        self.at += 4;
        code.ok_or_else(|| self.syntax("expected four hexadecimal digits"))
    }

    fn number(&mut self) -> Result<Number, Malformed> {
        let start = self.at;
        let mut is_integral = true;
        self.take(b'-');
        if !self.take(b'0') && self.digits() == 0 {
            self.at = start;
            return Err(self.syntax("unexpected character"));
        }
        if self.take(b'.') {
            is_integral = false;
            if self.digits() == 0 {
                return Err(self.syntax("expected a digit"));
            }
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            is_integral = false;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            if self.digits() == 0 {
                return Err(self.syntax("expected a digit"));
            }
        }
        let text = &self.text[start..self.at];
        if is_integral && let Ok(number) = text.parse() {
            return Ok(Number::Int(number));
        }
        match text.parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(Number::Float(number)),
            _ => Err(self.syntax("the number is out of range")),
        }
    }

    fn digits(&mut self) -> usize {
        let count = self.text.as_bytes()[self.at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at += count;
        count
    }

    fn literal(&mut self, literal: &str) -> Result<(), Malformed> {
        if !self.text[self.at..].starts_with(literal) {
            return Err(self.syntax("unexpected character"));
        }
        self.at += literal.len();
        Ok(())
    }

    fn finish(&mut self) -> Result<(), Malformed> {
        self.skip_whitespace();
        if self.at == self.text.len() {
            Ok(())
        } else {
            Err(self.syntax("unexpected character after the end"))
        }
    }

    fn skip_whitespace(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn syntax(&self, reason: &str) -> Malformed {
        let at = self.at.min(self.text.len());
        Malformed::new(format!("Could not parse request body into JSON: {reason} at byte {at}"))
    }
}

enum Number {
    Int(i64),
    Float(f64),
}

fn string_value(kind: &Kind, member: &Member, string: Cow<'_, str>) -> Result<Document, Malformed> {
    match kind {
        Kind::String => Ok(Document::Text(string.into_owned())),
        Kind::Blob => decode_base64(&string)
            .map(Document::Blob)
            .ok_or_else(|| Malformed::new("Invalid Base64 data: a blob must be a base64-encoded string")),
        Kind::Timestamp => text::read_time(&string, member, TimestampFormat::EpochSeconds)
            .map(Document::Time)
            .ok_or_else(|| unconvertible("STRING_VALUE", kind)),
        // Only these three words stand for a number; digits in quotes are a mistake.
        Kind::Float | Kind::Double if matches!(&*string, "NaN" | "Infinity" | "-Infinity") => {
            Ok(Document::Float(parse_float(&string).unwrap_or(f64::NAN)))
        }
        Kind::List(_) | Kind::Map(_) | Kind::Structure(_) => {
            Err(Malformed::new("Unexpected value type in payload"))
        }
        kind => Err(unconvertible("STRING_VALUE", kind)),
    }
}

fn number_value(kind: &Kind, number: Number) -> Result<Document, Malformed> {
    match (kind, number) {
        (Kind::Integer, Number::Int(number)) if i32::try_from(number).is_ok() => Ok(Document::Int(number)),
        (Kind::Long, Number::Int(number)) => Ok(Document::Int(number)),
        (Kind::Float | Kind::Double, Number::Int(number)) => Ok(Document::Float(number as f64)),
        (Kind::Float | Kind::Double, Number::Float(number)) => Ok(Document::Float(number)),
        (Kind::Integer, Number::Float(number))
            if number.fract() == 0.0 && number.abs() <= f64::from(i32::MAX) =>
        {
            Ok(Document::Int(number as i64))
        }
        (Kind::Long, Number::Float(number)) if number.fract() == 0.0 && number.abs() <= MAX_EXACT_INTEGER => {
            Ok(Document::Int(number as i64))
        }
        (Kind::Timestamp, number) => {
            let seconds = match number {
                Number::Int(number) => number as f64,
                Number::Float(number) => number,
            };
            Timestamp::from_epoch_seconds(seconds)
                .map(Document::Time)
                .ok_or_else(|| Malformed::new("The timestamp lies outside the years 1 to 9999"))
        }
        (Kind::List(_) | Kind::Map(_) | Kind::Structure(_), _) => {
            Err(Malformed::new("Unexpected value type in payload"))
        }
        (kind, _) => Err(unconvertible("NUMBER_VALUE", kind)),
    }
}

/// Up to here every integer has a double of its own.
const MAX_EXACT_INTEGER: f64 = 9_007_199_254_740_992.0;

fn unconvertible(found: &str, kind: &Kind) -> Malformed {
    let wanted = match kind {
        Kind::String => "a String",
        Kind::Blob => "a Blob",
        Kind::Boolean => "a Boolean",
        Kind::Integer => "an Integer",
        Kind::Long => "a Long",
        Kind::Float => "a Float",
        Kind::Double => "a Double",
        Kind::Timestamp => "a Timestamp",
        Kind::Structure(_) | Kind::Map(_) | Kind::List(_) => {
            return Malformed::new("Unexpected value type in payload");
        }
    };
    Malformed::new(format!("{found} can not be converted to {wanted}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_without_a_shape_are_read() {
        let read = |json: &str| read_document(json.as_bytes()).unwrap();
        assert_eq!(
            read(" [1, -2.5, 1e3, null, true, \"a\\u00e9\\ud83d\\ude00\\n\"] ").to_json().to_string(),
            r#"[1,-2.5,1000.0,null,true,"aé😀\n"]"#
        );
        assert_eq!(read("9223372036854775807"), Document::Int(i64::MAX));
        assert_eq!(read("9223372036854775808"), Document::Float(9.223_372_036_854_776e18));
        assert_eq!(read(r#"{"a":1,"a":2}"#), Document::map([("a", Document::Int(2))]));
    }

    #[test]
    fn malformed_json_is_refused_with_its_place() {
        for json in [
            "",
            "{",
            "[1,]",
            "{\"a\"}",
            "{\"a\":1,}",
            "01",
            "1.",
            "1e",
            "-",
            "+1",
            ".5",
            "nul",
            "\"a",
            "\"\u{1}\"",
            "\"\\x\"",
            "\"\\ud800\"",
            "\"\\ud800\\u0041\"",
            "\"\\udc00\"",
            "1 2",
            "{'a':1}",
            "1e999",
            "\"\\u12",
        ] {
            let error = read_document(json.as_bytes()).unwrap_err();
            assert!(error.0.starts_with("Could not parse request body into JSON: "), "{json}: {}", error.0);
        }
        assert_eq!(
            read_document(b"[1,").unwrap_err().0,
            "Could not parse request body into JSON: unexpected end of input at byte 3"
        );
        assert_eq!(read_document(b"\"\xff\"").unwrap_err().0, "Invalid UTF-8 at byte 1");
    }

    #[test]
    fn nesting_is_bounded() {
        let nested = |levels: usize| "[".repeat(levels) + &"]".repeat(levels);
        assert!(read_document(nested(MAX_DEPTH_LEVELS).as_bytes()).is_ok());
        assert_eq!(
            read_document(nested(MAX_DEPTH_LEVELS + 1).as_bytes()).unwrap_err(),
            Malformed::too_deep()
        );
        assert_eq!(read_document("[".repeat(1_000_000).as_bytes()).unwrap_err(), Malformed::too_deep());
        assert_eq!(read_document("{\"a\":".repeat(1_000_000).as_bytes()).unwrap_err(), Malformed::too_deep());
    }
}
