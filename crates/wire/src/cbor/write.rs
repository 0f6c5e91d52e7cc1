//! From a document to CBOR, with definite lengths.

use super::EPOCH_TIME_TAG;
use crate::document::{Document, Map};
use crate::error::EncodeError;
use crate::model::{Kind, Member, Model, Structure};
use crate::timestamp::Timestamp;

const UNSIGNED: u8 = 0 << 5;
const NEGATIVE: u8 = 1 << 5;
const BYTES: u8 = 2 << 5;
const TEXT: u8 = 3 << 5;
const LIST: u8 = 4 << 5;
const MAP: u8 = 5 << 5;
const TAG: u8 = 6 << 5;
const FALSE: u8 = 0xF4;
const TRUE: u8 = 0xF5;
const NULL: u8 = 0xF6;
const SINGLE: u8 = 0xFA;
const DOUBLE: u8 = 0xFB;

/// Writes `extra` text entries and then the members, as one map.
pub(crate) fn write_structure(
    out: &mut Vec<u8>,
    model: &Model,
    structure: &Structure,
    members: &Map,
    extra: &[(&str, &str)],
) -> Result<(), EncodeError> {
    let mut travelling = Vec::with_capacity(members.len());
    for (name, value) in members.iter().filter(|(_, value)| !value.is_null()) {
        match structure.members.get(name.as_str()) {
            Some(member) => travelling.push((member, value)),
            None => return Err(EncodeError::new("the shape has no such member").within(name)),
        }
    }
    write_head(out, MAP, (travelling.len() + extra.len()) as u64);
    for (key, value) in extra {
        write_text(out, key);
        write_text(out, value);
    }
    for (member, value) in travelling {
        write_text(out, member.body_name());
        write_value(out, model, member, value).map_err(|error| error.within(&member.name))?;
    }
    Ok(())
}

fn write_value(
    out: &mut Vec<u8>,
    model: &Model,
    member: &Member,
    value: &Document,
) -> Result<(), EncodeError> {
    match (&model.shape(member.shape).kind, value) {
        (_, Document::Null) => out.push(NULL),
        (Kind::Structure(structure), value) if structure.is_document => write_document(out, value),
        (Kind::Structure(structure), Document::Map(members)) => {
            write_structure(out, model, structure, members, &[])?
        }
        (Kind::Map(entry), Document::Map(entries)) => {
            write_head(out, MAP, entries.len() as u64);
            for (key, value) in entries {
                write_text(out, key);
                write_value(out, model, &entry.1, value).map_err(|error| error.within(key))?;
            }
        }
        (Kind::List(item), Document::List(items)) => {
            write_head(out, LIST, items.len() as u64);
            for (index, value) in items.iter().enumerate() {
                write_value(out, model, item, value).map_err(|error| error.within(&index.to_string()))?;
            }
        }
        (Kind::String, Document::Text(text)) => write_text(out, text),
        (Kind::Boolean, Document::Bool(value)) => out.push(if *value { TRUE } else { FALSE }),
        (Kind::Integer | Kind::Long, Document::Int(number)) => write_integer(out, *number),
        (Kind::Float, Document::Float(_) | Document::Int(_)) => {
            let number = value.as_f64().unwrap_or_default() as f32;
            out.push(SINGLE);
            out.extend_from_slice(&number.to_be_bytes());
        }
        (Kind::Double, Document::Float(_) | Document::Int(_)) => {
            write_double(out, value.as_f64().unwrap_or_default())
        }
        (Kind::Timestamp, Document::Time(time)) => write_time(out, *time),
        (Kind::Blob, Document::Blob(bytes)) => {
            write_head(out, BYTES, bytes.len() as u64);
            out.extend_from_slice(bytes);
        }
        (kind, found) => return Err(EncodeError::expected(kind.noun(), found)),
    }
    Ok(())
}

/// Writes any value without a shape.
pub(crate) fn write_document(out: &mut Vec<u8>, document: &Document) {
    match document {
        Document::Null => out.push(NULL),
        Document::Bool(value) => out.push(if *value { TRUE } else { FALSE }),
        Document::Int(number) => write_integer(out, *number),
        Document::Float(number) => write_double(out, *number),
        Document::Text(text) => write_text(out, text),
        Document::Blob(bytes) => {
            write_head(out, BYTES, bytes.len() as u64);
            out.extend_from_slice(bytes);
        }
        Document::Time(time) => write_time(out, *time),
        Document::List(items) => {
            write_head(out, LIST, items.len() as u64);
            items.iter().for_each(|item| write_document(out, item));
        }
        Document::Map(entries) => {
            write_head(out, MAP, entries.len() as u64);
            for (key, value) in entries {
                write_text(out, key);
                write_document(out, value);
            }
        }
    }
}

fn write_text(out: &mut Vec<u8>, text: &str) {
    write_head(out, TEXT, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

fn write_integer(out: &mut Vec<u8>, number: i64) {
    match number >= 0 {
        true => write_head(out, UNSIGNED, number as u64),
        // -1 - n, which is n with every bit turned.
        false => write_head(out, NEGATIVE, !number as u64),
    }
}

fn write_double(out: &mut Vec<u8>, number: f64) {
    out.push(DOUBLE);
    out.extend_from_slice(&number.to_be_bytes());
}

fn write_time(out: &mut Vec<u8>, time: Timestamp) {
    write_head(out, TAG, EPOCH_TIME_TAG);
    match time.epoch_millis() % 1000 {
        0 => write_integer(out, time.epoch_millis() / 1000),
        _ => write_double(out, time.epoch_millis() as f64 / 1000.0),
    }
}

fn write_head(out: &mut Vec<u8>, major: u8, argument: u64) {
    match argument {
        0..=23 => out.push(major | argument as u8),
        24..=0xFF => out.extend_from_slice(&[major | 24, argument as u8]),
        0x100..=0xFFFF => {
            out.push(major | 25);
            out.extend_from_slice(&(argument as u16).to_be_bytes());
        }
        0x1_0000..=0xFFFF_FFFF => {
            out.push(major | 26);
            out.extend_from_slice(&(argument as u32).to_be_bytes());
        }
        _ => {
            out.push(major | 27);
            out.extend_from_slice(&argument.to_be_bytes());
        }
    }
}
