//! Members that travel as headers.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::document::{Document, Map};
use crate::error::{EncodeError, Malformed};
use crate::json;
use crate::model::{Kind, Location, Member, Model, Structure, TimestampFormat};
use crate::number::decode_base64;
use crate::text;

/// Reads the member's header; `None` when it is absent or empty.
pub(super) fn read_header(
    model: &Model,
    member: &Member,
    headers: &HeaderMap,
) -> Result<Option<Document>, Malformed> {
    let name = member.wire_name();
    let mut values = headers.get_all(name).iter();
    let Some(first) = values.next() else { return Ok(None) };
    let mut joined = header_text(name, first)?;
    for value in values {
        joined.push(',');
        joined.push_str(&header_text(name, value)?);
    }
    let joined = joined.trim();
    if joined.is_empty() {
        return Ok(None);
    }
    match &model.shape(member.shape).kind {
        Kind::List(item) => {
            let is_date = matches!(model.shape(item.shape).kind, Kind::Timestamp)
                && matches!(item.timestamp_format, None | Some(TimestampFormat::HttpDate));
            let parts = if is_date { split_dates(joined) } else { split_list(joined) };
            let items = parts.iter().map(|part| text::read(model, item, part, TimestampFormat::HttpDate));
            items.collect::<Result<_, _>>().map(|items| Some(Document::List(items)))
        }
        _ if member.is_json_value => {
            let json = decode_base64(joined)
                .ok_or_else(|| Malformed::new(format!("The header {name} is not base64")))?;
            json::read_document(&json).map(Some)
        }
        _ => text::read(model, member, joined, TimestampFormat::HttpDate).map(Some),
    }
}

/// Reads a map of all headers with the member's prefix; `None` when there is none. `others` stand for headers that are
/// not there.
pub(super) fn read_prefixed(
    model: &Model,
    member: &Member,
    headers: &HeaderMap,
    others: &[(String, String)],
) -> Result<Option<Document>, Malformed> {
    let Kind::Map(entry) = &model.shape(member.shape).kind else {
        return Err(Malformed::new("headers with a prefix are no map in the model"));
    };
    // An absent prefix takes every header.
    let prefix = member.wire_name.as_deref().unwrap_or_default().to_ascii_lowercase();
    let mut entries = Map::new();
    for (name, value) in headers {
        if let Some(key) = name.as_str().strip_prefix(&*prefix)
            && (!key.is_empty() || prefix.is_empty())
        {
            let value = header_text(name.as_str(), value)?;
            entries.insert(key.to_owned(), text::read(model, &entry.1, &value, TimestampFormat::HttpDate)?);
        }
    }
    for (name, value) in others {
        if let Some(key) = name.strip_prefix(&*prefix)
            && !prefix.is_empty()
            && !key.is_empty()
            && !entries.contains_key(key)
        {
            entries.insert(key.to_owned(), text::read(model, &entry.1, value, TimestampFormat::HttpDate)?);
        }
    }
    Ok((!entries.is_empty()).then_some(Document::Map(entries)))
}

/// Writes all members of an output or error that travel as headers.
pub(crate) fn write_headers(
    headers: &mut HeaderMap,
    model: &Model,
    structure: &Structure,
    members: &Map,
) -> Result<(), EncodeError> {
    for (name, value) in members.iter().filter(|(_, value)| !value.is_null()) {
        let Some(member) = structure.members.get(name.as_str()) else {
            return Err(EncodeError::new("the shape has no such member").within(name));
        };
        match member.location {
            Location::Header => {
                if let Some(text) = header_value(model, member, value).map_err(|error| error.within(name))? {
                    insert(headers, member.wire_name(), &text).map_err(|error| error.within(name))?;
                }
            }
            Location::PrefixHeaders => {
                let (Kind::Map(entry), Document::Map(entries)) = (&model.shape(member.shape).kind, value)
                else {
                    return Err(EncodeError::expected("a map", value).within(name));
                };
                let prefix = member.wire_name.as_deref().unwrap_or_default();
                for (key, value) in entries.iter().filter(|(_, value)| !value.is_null()) {
                    let text = text::write(model, &entry.1, value, TimestampFormat::HttpDate)
                        .and_then(|text| insert(headers, &format!("{prefix}{key}"), &text));
                    text.map_err(|error| error.within(key).within(name))?;
                }
            }
            _ => {}
        }
    }
    Ok(())
}

fn header_value(model: &Model, member: &Member, value: &Document) -> Result<Option<String>, EncodeError> {
    if member.is_json_value {
        let mut json = Vec::new();
        json::write_document(&mut json, value);
        return Ok(Some(STANDARD.encode(json)));
    }
    let (Kind::List(item), Document::List(items)) = (&model.shape(member.shape).kind, value) else {
        return text::write(model, member, value, TimestampFormat::HttpDate).map(Some);
    };
    let is_text = matches!(model.shape(item.shape).kind, Kind::String);
    let mut parts = Vec::with_capacity(items.len());
    for value in items.iter().filter(|value| !value.is_null()) {
        let part = text::write(model, item, value, TimestampFormat::HttpDate)?;
        let must_quote = is_text && part.contains(['"', ',']);
        parts.push(if must_quote { format!("\"{}\"", part.replace('"', "\\\"")) } else { part });
    }
    Ok((!parts.is_empty()).then(|| parts.join(", ")))
}

fn insert(headers: &mut HeaderMap, name: &str, value: &str) -> Result<(), EncodeError> {
    let name = HeaderName::from_bytes(name.as_bytes())
        .map_err(|_| EncodeError::new(format!("`{name}` is no valid header name")))?;
    let value = HeaderValue::from_bytes(value.as_bytes())
        .map_err(|_| EncodeError::new("the text holds characters a header cannot carry"))?;
    headers.insert(name, value);
    Ok(())
}

fn header_text(name: &str, value: &HeaderValue) -> Result<String, Malformed> {
    std::str::from_utf8(value.as_bytes())
        .map(str::to_owned)
        .map_err(|_| Malformed::new(format!("The header {name} is not UTF-8")))
}

/// Splits at commas outside of quotes; quoted items lose their quotes and escapes.
fn split_list(text: &str) -> Vec<String> {
    let mut parts = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start();
        if let Some(quoted) = rest.strip_prefix('"') {
            let mut part = String::new();
            let mut characters = quoted.char_indices();
            let mut end = quoted.len();
            while let Some((index, character)) = characters.next() {
                match character {
                    '\\' => part.extend(characters.next().map(|(_, escaped)| escaped)),
                    '"' => {
                        end = index + 1;
                        break;
                    }
                    other => part.push(other),
                }
            }
            parts.push(part);
            match quoted[end..].split_once(',') {
                Some((_, after)) => rest = after,
                None => return parts,
            }
        } else {
            match rest.split_once(',') {
                Some((part, after)) => {
                    parts.push(part.trim_end().to_owned());
                    rest = after;
                }
                None => {
                    parts.push(rest.trim_end().to_owned());
                    return parts;
                }
            }
        }
    }
}

/// Splits HTTP dates, each of which holds a comma itself.
fn split_dates(text: &str) -> Vec<String> {
    let parts = text.split(',').map(str::trim).collect::<Vec<_>>();
    parts.chunks(2).map(|pair| pair.join(", ")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_split_outside_of_quotes() {
        assert_eq!(split_list("a, b ,c"), ["a", "b", "c"]);
        assert_eq!(split_list(r#""b,c", "\"def\"", a"#), ["b,c", "\"def\"", "a"]);
        assert_eq!(split_list(r#""open"#), ["open"]);
        assert_eq!(split_list(r#""a\"#), ["a"]);
        assert_eq!(split_dates("Mon, 16 Dec 2019 23:48:18 GMT, Mon, 16 Dec 2019 23:48:18 GMT").len(), 2);
    }
}
