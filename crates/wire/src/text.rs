//! Scalars as text: in headers, paths, queries, forms and XML.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::document::Document;
use crate::error::{EncodeError, Malformed};
use crate::model::{Kind, Member, Model, TimestampFormat};
use crate::number::{decode_base64, format_float, parse_float};
use crate::timestamp::Timestamp;

/// Reads a scalar; `default` is the place's timestamp format where the model states none.
pub(crate) fn read(
    model: &Model,
    member: &Member,
    text: &str,
    default: TimestampFormat,
) -> Result<Document, Malformed> {
    let unfit = |what: &str| Malformed::new(format!("'{text}' can not be converted to {what}"));
    Ok(match &model.shape(member.shape).kind {
        Kind::String => Document::Text(text.to_owned()),
        Kind::Boolean if text.eq_ignore_ascii_case("true") => Document::Bool(true),
        Kind::Boolean if text.eq_ignore_ascii_case("false") => Document::Bool(false),
        Kind::Boolean => return Err(unfit("a Boolean")),
        Kind::Integer => Document::Int(text.trim().parse::<i32>().map_err(|_| unfit("an Integer"))?.into()),
        Kind::Long => Document::Int(text.trim().parse().map_err(|_| unfit("a Long"))?),
        Kind::Float => Document::Float(parse_float(text.trim()).ok_or_else(|| unfit("a Float"))?),
        Kind::Double => Document::Float(parse_float(text.trim()).ok_or_else(|| unfit("a Double"))?),
        Kind::Timestamp => {
            Document::Time(read_time(text.trim(), member, default).ok_or_else(|| unfit("a Timestamp"))?)
        }
        Kind::Blob => Document::Blob(decode_base64(text.trim()).ok_or_else(|| unfit("a Blob"))?),
        Kind::List(_) => return Err(Malformed::new("A single value was found where a list is expected")),
        Kind::Map(_) | Kind::Structure(_) => {
            return Err(Malformed::new("A single value was found where a structure or map is expected"));
        }
    })
}

/// A time in the member's format or, since clients differ, in any other.
pub(crate) fn read_time(text: &str, member: &Member, default: TimestampFormat) -> Option<Timestamp> {
    let stated = match member.timestamp_format.unwrap_or(default) {
        TimestampFormat::EpochSeconds => Timestamp::parse_epoch_seconds(text),
        TimestampFormat::Rfc3339 => Timestamp::parse_rfc3339(text),
        TimestampFormat::HttpDate => Timestamp::parse_http_date(text),
    };
    stated.or_else(|| Timestamp::parse_any(text))
}

/// Writes a scalar.
pub(crate) fn write(
    model: &Model,
    member: &Member,
    document: &Document,
    default: TimestampFormat,
) -> Result<String, EncodeError> {
    Ok(match (&model.shape(member.shape).kind, document) {
        (Kind::String, Document::Text(text)) => text.clone(),
        (Kind::Boolean, Document::Bool(value)) => value.to_string(),
        (Kind::Integer | Kind::Long | Kind::Float | Kind::Double, Document::Int(number)) => {
            number.to_string()
        }
        (Kind::Float, Document::Float(number)) => format_float(f64::from(*number as f32), true),
        (Kind::Double, Document::Float(number)) => format_float(*number, false),
        (Kind::Timestamp, Document::Time(time)) => write_time(*time, member, default),
        (Kind::Blob, Document::Blob(bytes)) => STANDARD.encode(bytes),
        (kind, found) => return Err(EncodeError::expected(kind.noun(), found)),
    })
}

pub(crate) fn write_time(time: Timestamp, member: &Member, default: TimestampFormat) -> String {
    match member.timestamp_format.unwrap_or(default) {
        TimestampFormat::EpochSeconds => time.to_epoch_seconds(),
        TimestampFormat::Rfc3339 => time.to_rfc3339(),
        TimestampFormat::HttpDate => time.to_http_date(),
    }
}

/// A scalar without a shape, for members of errors the model lacks.
pub(crate) fn write_unshaped(document: &Document) -> String {
    match document {
        Document::Null => String::new(),
        Document::Bool(value) => value.to_string(),
        Document::Int(number) => number.to_string(),
        Document::Float(number) => format_float(*number, false),
        Document::Text(text) => text.clone(),
        Document::Blob(bytes) => STANDARD.encode(bytes),
        Document::Time(time) => time.to_rfc3339(),
        Document::List(_) | Document::Map(_) => document.to_json().to_string(),
    }
}

/// The beginning of a text, at most `max_bytes` long.
pub(crate) fn cut(text: &str, max_bytes: usize) -> &str {
    let mut end = max_bytes.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

impl Kind {
    /// The kind in words, for messages.
    pub(crate) fn noun(&self) -> &'static str {
        match self {
            Kind::Structure(_) => "a structure",
            Kind::List(_) => "a list",
            Kind::Map(_) => "a map",
            Kind::String => "a string",
            Kind::Blob => "a blob",
            Kind::Boolean => "a boolean",
            Kind::Integer | Kind::Long => "an integer",
            Kind::Float | Kind::Double => "a number",
            Kind::Timestamp => "a timestamp",
        }
    }
}
