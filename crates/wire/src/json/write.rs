//! From a document to JSON text.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::document::{Document, Map};
use crate::error::EncodeError;
use crate::model::{Kind, Member, Model, Structure, TimestampFormat};
use crate::number::format_float;
use crate::text;

/// Writes a structure as an object.
pub(crate) fn write_structure(
    out: &mut Vec<u8>,
    model: &Model,
    structure: &Structure,
    members: &Map,
) -> Result<(), EncodeError> {
    out.push(b'{');
    write_members(out, model, structure, members, true)?;
    out.push(b'}');
    Ok(())
}

/// Writes the members without the braces around them.
pub(crate) fn write_members<'d>(
    out: &mut Vec<u8>,
    model: &Model,
    structure: &Structure,
    members: impl IntoIterator<Item = (&'d String, &'d Document)>,
    mut is_first: bool,
) -> Result<(), EncodeError> {
    for (name, value) in members {
        if value.is_null() {
            continue;
        }
        let Some(member) = structure.members.get(name.as_str()) else {
            return Err(EncodeError::new("the shape has no such member").within(name));
        };

        if !is_first {
            out.push(b',');
        }
        is_first = false;
        write_string(out, member.body_name());
        out.push(b':');
        write_value(out, model, member, value).map_err(|error| error.within(name))?;
    }
    Ok(())
}

pub(crate) fn write_value(
    out: &mut Vec<u8>,
    model: &Model,
    member: &Member,
    value: &Document,
) -> Result<(), EncodeError> {
    match (&model.shape(member.shape).kind, value) {
        (_, Document::Null) => out.extend_from_slice(b"null"),
        (Kind::Structure(structure), value) if structure.is_document => write_document(out, value),
        (Kind::Structure(structure), Document::Map(members)) => {
            write_structure(out, model, structure, members)?
        }
        (Kind::Map(entry), Document::Map(entries)) => {
            out.push(b'{');
            for (index, (key, value)) in entries.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write_string(out, key);
                out.push(b':');
                write_value(out, model, &entry.1, value).map_err(|error| error.within(key))?;
            }
            out.push(b'}');
        }
        (Kind::List(item), Document::List(items)) => {
            out.push(b'[');
            for (index, value) in items.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write_value(out, model, item, value).map_err(|error| error.within(&index.to_string()))?;
            }
            out.push(b']');
        }
        (Kind::String, Document::Text(text)) => write_string(out, text),
        (Kind::String, value) if member.is_json_value => write_string(out, &value.to_json().to_string()),
        (Kind::Boolean, Document::Bool(value)) => {
            out.extend_from_slice(if *value { b"true" } else { b"false" })
        }
        (Kind::Integer | Kind::Long | Kind::Float | Kind::Double, Document::Int(number)) => {
            out.extend_from_slice(number.to_string().as_bytes());
        }
        (Kind::Float, Document::Float(number)) => write_float(out, *number, true),
        (Kind::Double, Document::Float(number)) => write_float(out, *number, false),
        (Kind::Timestamp, Document::Time(time)) => {
            let text = text::write_time(*time, member, TimestampFormat::EpochSeconds);
            match member.timestamp_format {
                None | Some(TimestampFormat::EpochSeconds) => out.extend_from_slice(text.as_bytes()),
                Some(_) => write_string(out, &text),
            }
        }
        (Kind::Blob, Document::Blob(bytes)) => write_blob(out, bytes),
        (kind, found) => return Err(EncodeError::expected(kind.noun(), found)),
    }
    Ok(())
}

/// Writes any value without a shape.
pub(crate) fn write_document(out: &mut Vec<u8>, document: &Document) {
    match document {
        Document::Null => out.extend_from_slice(b"null"),
        Document::Bool(value) => out.extend_from_slice(if *value { b"true" } else { b"false" }),
        Document::Int(number) => out.extend_from_slice(number.to_string().as_bytes()),
        Document::Float(number) => write_float(out, *number, false),
        Document::Text(text) => write_string(out, text),
        Document::Blob(bytes) => write_blob(out, bytes),
        Document::Time(time) => out.extend_from_slice(time.to_epoch_seconds().as_bytes()),
        Document::List(items) => {
            out.push(b'[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write_document(out, item);
            }
            out.push(b']');
        }
        Document::Map(entries) => {
            out.push(b'{');
            for (index, (key, value)) in entries.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write_string(out, key);
                out.push(b':');
                write_document(out, value);
            }
            out.push(b'}');
        }
    }
}

pub(crate) fn write_string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    let mut plain_from = 0;
    for (index, byte) in text.bytes().enumerate() {
        let escaped: &[u8] = match byte {
            b'"' => b"\\\"",
            b'\\' => b"\\\\",
            b'\n' => b"\\n",
            b'\r' => b"\\r",
            b'\t' => b"\\t",
            0..=0x1F => &[b'\\', b'u', b'0', b'0', HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]],
            _ => continue,
        };
        out.extend_from_slice(&text.as_bytes()[plain_from..index]);
        out.extend_from_slice(escaped);
        plain_from = index + 1;
    }
    out.extend_from_slice(&text.as_bytes()[plain_from..]);
    out.push(b'"');
}

const HEX: &[u8; 16] = b"0123456789abcdef";

fn write_float(out: &mut Vec<u8>, number: f64, is_single: bool) {
    let text = format_float(number, is_single);
    if number.is_finite() {
        out.extend_from_slice(text.as_bytes());
    } else {
        write_string(out, &text);
    }
}

fn write_blob(out: &mut Vec<u8>, bytes: &[u8]) {
    out.push(b'"');
    let start = out.len();
    let length = base64::encoded_len(bytes.len(), true).expect("a body in memory is far from overflowing");
    out.resize(start + length, 0);
    STANDARD.encode_slice(bytes, &mut out[start..]).expect("the space is exactly as long as needed");
    out.push(b'"');
}
