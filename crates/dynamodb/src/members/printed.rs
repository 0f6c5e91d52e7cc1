//! Requests as the service repeats them in its messages.

use wire::Document;

use super::lower;

/// A value is repeated in a message up to about this length.
const PRINTED_BYTES_MAX: usize = 8 * 1024;

/// The items of BatchGetItem.
pub(super) fn keys(items: &Document) -> String {
    cut(items.to_json().to_string())
}

/// The items of BatchWriteItem.
pub(super) fn writes(items: &Document) -> String {
    let write = |request: &Document| {
        let put = part(request, "PutRequest", "Item");
        format!("WriteRequest({put}, {})", part(request, "DeleteRequest", "Key"))
    };
    cut(map(items, |list| match list {
        Document::List(requests) => {
            format!("[{}]", requests.iter().map(write).collect::<Vec<_>>().join(", "))
        }
        _ => "null".to_owned(),
    }))
}

fn part(request: &Document, name: &str, content: &str) -> String {
    match request.get(name).and_then(|found| found.get(content)) {
        Some(item) => format!("{}={name}({}={})", lower(name), lower(content), map(item, attribute)),
        None => format!("{}=null", lower(name)),
    }
}

fn attribute(value: &Document) -> String {
    let members = value.as_map().into_iter().flatten();
    let members: Vec<String> = members
        .map(|(kind, content)| {
            let text = content.as_str().map_or_else(|| content.to_json().to_string(), str::to_owned);
            format!("{}={text}", lower(kind))
        })
        .collect();
    format!("AttributeValue({})", members.join(", "))
}

fn map(document: &Document, print: impl Fn(&Document) -> String) -> String {
    let entries = document.as_map().into_iter().flatten();
    let entries: Vec<String> = entries.map(|(name, value)| format!("{name}={}", print(value))).collect();
    format!("{{{}}}", entries.join(", "))
}

fn cut(mut text: String) -> String {
    if text.len() > PRINTED_BYTES_MAX {
        let end = (0..=PRINTED_BYTES_MAX).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
        text.truncate(end);
        text.push_str("...");
    }
    text
}
