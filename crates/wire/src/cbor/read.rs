//! From CBOR to a document. Blobs are slices of the body.

use bytes::Bytes;

use super::EPOCH_TIME_TAG;
use crate::document::{Document, Map};
use crate::error::{MAX_DEPTH_LEVELS, Malformed};
use crate::model::{Kind, Member, Model, Structure};
use crate::timestamp::Timestamp;

/// Reads a map along a structure; unknown members are skipped.
pub(crate) fn read_structure(
    model: &Model,
    structure: &Structure,
    body: &Bytes,
) -> Result<Document, Malformed> {
    let mut reader = Reader { body, at: 0, depth: 0 };
    let head = reader.head()?;
    let document = match head {
        Head { major: Major::Map, .. } => reader.structure(model, structure, head)?,
        _ => return Err(Malformed::new("Unexpected value type in payload: a map is expected")),
    };
    match reader.at == body.len() {
        true => Ok(document),
        false => Err(reader.error("unexpected bytes after the end")),
    }
}

/// Reads any value without a shape.
pub(crate) fn read_document(body: &Bytes) -> Result<Document, Malformed> {
    let mut reader = Reader { body, at: 0, depth: 0 };
    let head = reader.head()?;
    let document = reader.document_after(head)?;
    match reader.at == body.len() {
        true => Ok(document),
        false => Err(reader.error("unexpected bytes after the end")),
    }
}

struct Reader<'b> {
    body: &'b Bytes,
    at: usize,
    depth: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Major {
    Unsigned,
    Negative,
    Bytes,
    Text,
    List,
    Map,
    Tag,
    Simple,
}

/// The first byte of an item and the number that follows it.
#[derive(Debug, Clone, Copy)]
struct Head {
    major: Major,
    /// The low five bits.
    information: u8,
    /// A length, a value, a tag, or the bits of a float; 0 for an indefinite length.
    argument: u64,
}

impl Head {
    const BREAK: u8 = 31;

    fn is_indefinite(self) -> bool {
        self.information == Head::BREAK
    }

    fn is_break(self) -> bool {
        self.major == Major::Simple && self.information == Head::BREAK
    }

    fn is_null(self) -> bool {
        self.major == Major::Simple && matches!(self.information, 22 | 23)
    }
}

impl Reader<'_> {
    fn value(&mut self, model: &Model, member: &Member) -> Result<Document, Malformed> {
        let head = self.head()?;
        self.value_after(model, member, head)
    }

    fn value_after(&mut self, model: &Model, member: &Member, head: Head) -> Result<Document, Malformed> {
        if head.is_null() {
            return Ok(Document::Null);
        }
        match (&model.shape(member.shape).kind, head.major) {
            (Kind::Structure(structure), _) if structure.is_document => self.document_after(head),
            (Kind::Structure(structure), Major::Map) => self.structure(model, structure, head),
            (Kind::Map(entry), Major::Map) => {
                let mut entries = Map::new();
                self.map(head, |reader, key| {
                    entries.insert(key, reader.value(model, &entry.1)?);
                    Ok(())
                })?;
                Ok(Document::Map(entries))
            }
            (Kind::List(item), Major::List) => {
                let mut items = Vec::new();
                self.list(head, |reader, head| {
                    items.push(reader.value_after(model, item, head)?);
                    Ok(())
                })?;
                Ok(Document::List(items))
            }
            (Kind::String, Major::Text) => self.text(head).map(Document::Text),
            (Kind::Blob, Major::Bytes) => self.bytes(head).map(Document::Blob),
            (Kind::Boolean, Major::Simple) if matches!(head.information, 20 | 21) => {
                Ok(Document::Bool(head.information == 21))
            }
            (Kind::Integer, Major::Unsigned | Major::Negative) => {
                let number = self.integer(head)?;
                match i32::try_from(number) {
                    Ok(_) => Ok(Document::Int(number)),
                    Err(_) => Err(self.error("the number does not fit into an Integer")),
                }
            }
            (Kind::Long, Major::Unsigned | Major::Negative) => self.integer(head).map(Document::Int),
            (Kind::Float | Kind::Double, Major::Unsigned | Major::Negative) => {
                self.integer(head).map(|number| Document::Float(number as f64))
            }
            (Kind::Float | Kind::Double, Major::Simple) => self.float(head).map(Document::Float),
            (Kind::Timestamp, Major::Tag) if head.argument == EPOCH_TIME_TAG => {
                let head = self.head()?;
                self.time(head)
            }
            (kind, _) => Err(self.error(&format!("expected {}", kind.noun()))),
        }
    }

    fn structure(&mut self, model: &Model, structure: &Structure, head: Head) -> Result<Document, Malformed> {
        let mut members = Map::with_capacity(structure.members.len().min(16));
        self.map(head, |reader, key| {
            match structure.member_on_wire(&key) {
                Some(member) => match reader.value(model, member)? {
                    Document::Null => {}
                    value => {
                        members.insert(member.name.to_string(), value);
                    }
                },
                None => reader.skip()?,
            }
            Ok(())
        })?;
        Ok(Document::Map(members))
    }

    fn document_after(&mut self, head: Head) -> Result<Document, Malformed> {
        match head.major {
            Major::Map => {
                let mut entries = Map::new();
                self.map(head, |reader, key| {
                    let head = reader.head()?;
                    entries.insert(key, reader.document_after(head)?);
                    Ok(())
                })?;
                Ok(Document::Map(entries))
            }
            Major::List => {
                let mut items = Vec::new();
                self.list(head, |reader, head| {
                    items.push(reader.document_after(head)?);
                    Ok(())
                })?;
                Ok(Document::List(items))
            }
            Major::Text => self.text(head).map(Document::Text),
            Major::Bytes => self.bytes(head).map(Document::Blob),
            Major::Unsigned | Major::Negative => self.integer(head).map(Document::Int),
            Major::Tag if head.argument == EPOCH_TIME_TAG => {
                let head = self.head()?;
                self.time(head)
            }
            Major::Tag => Err(self.error("an unknown tag")),
            Major::Simple => match head.information {
                20 | 21 => Ok(Document::Bool(head.information == 21)),
                22 | 23 => Ok(Document::Null),
                _ => self.float(head).map(Document::Float),
            },
        }
    }

    fn skip(&mut self) -> Result<(), Malformed> {
        let head = self.head()?;
        self.skip_after(head)
    }

    fn skip_after(&mut self, head: Head) -> Result<(), Malformed> {
        match head.major {
            Major::Map => self.map(head, |reader, _| reader.skip()),
            Major::List => self.list(head, Reader::skip_after),
            Major::Text => self.text(head).map(drop),
            Major::Bytes => self.bytes(head).map(drop),
            Major::Tag => {
                self.enter()?;
                let skipped = self.skip();
                self.depth -= 1;
                skipped
            }
            Major::Simple if head.is_break() => Err(self.error("an unexpected break")),
            Major::Unsigned | Major::Negative | Major::Simple => Ok(()),
        }
    }

    fn map(
        &mut self,
        head: Head,
        mut entry: impl FnMut(&mut Self, String) -> Result<(), Malformed>,
    ) -> Result<(), Malformed> {
        self.list(head, |reader, head| {
            if head.major != Major::Text {
                return Err(reader.error("the key of a map must be text"));
            }
            let key = reader.text(head)?;
            entry(reader, key)
        })
    }

    /// Runs over the items of a list, or the keys of a map. A length is believed only as far as
    /// the bytes reach: nothing is set aside for it.
    fn list(
        &mut self,
        head: Head,
        mut item: impl FnMut(&mut Self, Head) -> Result<(), Malformed>,
    ) -> Result<(), Malformed> {
        self.enter()?;
        let mut left = if head.is_indefinite() { u64::MAX } else { head.argument };
        while left > 0 {
            let next = self.head()?;
            if head.is_indefinite() && next.is_break() {
                break;
            }
            item(self, next)?;
            left -= 1;
        }
        self.depth -= 1;
        Ok(())
    }

    fn text(&mut self, head: Head) -> Result<String, Malformed> {
        let bytes = self.bytes(head)?;
        match std::str::from_utf8(&bytes) {
            Ok(text) => Ok(text.to_owned()),
            Err(_) => Err(self.error("text that is not UTF-8")),
        }
    }

    fn bytes(&mut self, head: Head) -> Result<Bytes, Malformed> {
        if !head.is_indefinite() {
            return self.take(head.argument);
        }
        let mut whole = Vec::new();
        loop {
            let chunk = self.head()?;
            if chunk.is_break() {
                return Ok(whole.into());
            }
            if chunk.major != head.major || chunk.is_indefinite() {
                return Err(self.error("a chunk of another type"));
            }
            whole.extend_from_slice(&self.take(chunk.argument)?);
        }
    }

    fn take(&mut self, length: u64) -> Result<Bytes, Malformed> {
        let length = usize::try_from(length).ok().filter(|length| *length <= self.body.len() - self.at);
        let Some(length) = length else { return Err(self.error("unexpected end of input")) };
        let bytes = self.body.slice(self.at..self.at + length);
        self.at += length;
        Ok(bytes)
    }

    fn integer(&self, head: Head) -> Result<i64, Malformed> {
        let number =
            i64::try_from(head.argument).map_err(|_| self.error("the number does not fit into a Long"))?;
        Ok(if head.major == Major::Negative { -1 - number } else { number })
    }

    fn float(&self, head: Head) -> Result<f64, Malformed> {
        match head.information {
            25 => Ok(half_to_double(head.argument as u16)),
            26 => Ok(f64::from(f32::from_bits(head.argument as u32))),
            27 => Ok(f64::from_bits(head.argument)),
            _ => Err(self.error("expected a number")),
        }
    }

    fn time(&self, head: Head) -> Result<Document, Malformed> {
        let seconds = match head.major {
            Major::Unsigned | Major::Negative => self.integer(head)? as f64,
            Major::Simple => self.float(head)?,
            _ => return Err(self.error("a time must be a number")),
        };
        Timestamp::from_epoch_seconds(seconds)
            .map(Document::Time)
            .ok_or_else(|| Malformed::new("The timestamp lies outside the years 1 to 9999"))
    }

    fn head(&mut self) -> Result<Head, Malformed> {
        let first = *self.body.get(self.at).ok_or_else(|| self.error("unexpected end of input"))?;
        self.at += 1;
        let major = match first >> 5 {
            0 => Major::Unsigned,
            1 => Major::Negative,
            2 => Major::Bytes,
            3 => Major::Text,
            4 => Major::List,
            5 => Major::Map,
            6 => Major::Tag,
            _ => Major::Simple,
        };
        let information = first & 31;
        let length = match information {
            0..=23 => return Ok(Head { major, information, argument: information.into() }),
            24..=27 => 1_usize << (information - 24),
            31 if !matches!(major, Major::Unsigned | Major::Negative | Major::Tag) => {
                return Ok(Head { major, information, argument: 0 });
            }
            _ => return Err(self.error("a reserved length")),
        };
        let bytes = self.take(length as u64)?;
        let argument = bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte));
        Ok(Head { major, information, argument })
    }

    fn enter(&mut self) -> Result<(), Malformed> {
        self.depth += 1;
        if self.depth > MAX_DEPTH_LEVELS { Err(Malformed::too_deep()) } else { Ok(()) }
    }

    fn error(&self, reason: &str) -> Malformed {
        Malformed::new(format!("Could not parse request body into CBOR: {reason} at byte {}", self.at))
    }
}

fn half_to_double(bits: u16) -> f64 {
    let sign = if bits & 0x8000 == 0 { 1.0 } else { -1.0 };
    let fraction = f64::from(bits & 0x3FF);
    sign * match (bits >> 10) & 0x1F {
        0 => fraction * 2_f64.powi(-24),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        exponent => (1024.0 + fraction) * 2_f64.powi(i32::from(exponent) - 25),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Result<Document, Malformed> {
        let body = Bytes::copy_from_slice(bytes);
        let mut reader = Reader { body: &body, at: 0, depth: 0 };
        let head = reader.head()?;
        reader.document_after(head)
    }

    #[test]
    fn the_examples_of_the_standard_are_read() {
        assert_eq!(read(b"\x1b\x7f\xff\xff\xff\xff\xff\xff\xff"), Ok(Document::Int(i64::MAX)));
        assert_eq!(read(b"\x3b\x7f\xff\xff\xff\xff\xff\xff\xff"), Ok(Document::Int(i64::MIN)));
        assert_eq!(read(b"\xf9\x3c\x00"), Ok(Document::Float(1.0)));
        assert_eq!(read(b"\xf9\x00\x01"), Ok(Document::Float(5.960464477539063e-8)));
        assert_eq!(read(b"\xf9\xc4\x00"), Ok(Document::Float(-4.0)));
        assert_eq!(read(b"\xf9\x7c\x00"), Ok(Document::Float(f64::INFINITY)));
        assert_eq!(read(b"\xfa\x47\xc3\x50\x00"), Ok(Document::Float(100_000.0)));
        assert_eq!(read(b"\x7f\x65strea\x64ming\xff"), Ok("streaming".into()));
        assert_eq!(
            read(b"\x5f\x42\x01\x02\x43\x03\x04\x05\xff"),
            Ok(Document::Blob(Bytes::from_static(&[1, 2, 3, 4, 5])))
        );
        assert_eq!(
            read(b"\xbf\x61a\x01\x61b\x9f\x02\x03\xff\xff").map(|d| d.to_json().to_string()),
            Ok(r#"{"a":1,"b":[2,3]}"#.into())
        );
        assert_eq!(
            read(b"\xc1\xfb\x41\xd4\x52\xd9\xec\x20\x00\x00"),
            Ok(Document::Time(Timestamp::from_epoch_millis(1_363_896_240_500)))
        );
    }

    #[test]
    fn a_document_comes_back_as_it_was() {
        let document = Document::map([
            ("blob", Document::Blob(Bytes::from_static(&[0, 255]))),
            ("time", Document::Time(Timestamp::from_epoch_millis(1_363_896_240_501))),
            ("list", Document::List(vec![Document::Null, Document::Bool(true), Document::Int(-7)])),
            ("map", Document::map([("text", Document::from("x")), ("float", Document::Float(0.5))])),
        ]);
        assert_eq!(Document::from_cbor(&document.to_cbor().into()), Ok(document.clone()));
        let mut longer = document.to_cbor();
        longer.push(0);
        assert!(Document::from_cbor(&longer.into()).is_err());
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        for bytes in [
            &b""[..],
            b"\x18",
            b"\x1c",
            b"\x5a\xff\xff\xff\xff",
            b"\x9b\xff\xff\xff\xff\xff\xff\xff\xff",
            b"\xa1\x01\x01",
            b"\x62\xff\xff",
            b"\xff",
            b"\x9f\x01",
            b"\x5f\x61a\xff",
            b"\xc2\x41\x01",
            b"\x1b\xff\xff\xff\xff\xff\xff\xff\xff",
            b"\xf8\x20",
            b"\xdf",
        ] {
            assert!(read(bytes).is_err(), "{bytes:x?}");
        }
    }

    #[test]
    fn nesting_is_bounded() {
        assert_eq!(read(&vec![0x81; 1_000_000]), Err(Malformed::too_deep()));
        assert_eq!(read(&vec![0x9f; 1_000_000]), Err(Malformed::too_deep()));
        let mut tags = Reader { body: &Bytes::from(vec![0xc6; 1_000_000]), at: 0, depth: 0 };
        assert_eq!(tags.skip(), Err(Malformed::too_deep()));
    }
}
