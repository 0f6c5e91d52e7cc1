//! Values as a request sends them, checked as the service checks them.

use std::collections::BTreeSet;

use bytes::Bytes;
use wire::{Document, Map};

use super::{Attributes, Kind, NESTING_LEVELS_MAX, Number, NumberError, Value};

/// Which of its two ways of checking values the service uses for an operation; they word some problems differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layer {
    /// Writes of single items: the newer wording, as one of the validation errors of the request.
    Enveloped,
    /// Reads of single items, and queries: the newer wording.
    Bare,
    /// Batches of writes, transactions, scans: the older wording.
    Older,
}

impl Layer {
    /// A problem that was found before the table was looked up.
    pub(crate) fn message(self, problem: &str) -> String {
        match self {
            // Found while the request is read, before any of the layers.
            Layer::Enveloped if problem.starts_with("Supplied AttributeValue ") => problem.to_owned(),
            Layer::Enveloped => format!("1 validation error detected: {problem}"),
            Layer::Bare | Layer::Older => problem.to_owned(),
        }
    }
}

/// Why a value of a request is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ValueError {
    Empty,
    Several,
    EmptyTexts,
    EmptyNumbers,
    EmptyBinaries,
    DuplicateTexts(Vec<String>),
    DuplicateNumbers,
    DuplicateBinaries(Vec<String>),
    NotNull,
    TooDeep,
    EmptyName,
    Number(NumberError),
}

impl From<NumberError> for ValueError {
    fn from(error: NumberError) -> Self {
        ValueError::Number(error)
    }
}

impl ValueError {
    /// What clients read.
    pub(crate) fn text(&self, layer: Layer) -> String {
        let invalid = |what: &str| format!("One or more parameter values were invalid: {what}");
        let is_older = layer == Layer::Older;
        match self {
            ValueError::Empty => {
                "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes".into()
            }
            ValueError::Several => {
                "Supplied AttributeValue has more than one datatypes set, must contain exactly \
                                    one of the supported datatypes"
                    .into()
            }
            ValueError::EmptyTexts => invalid("An string set  may not be empty"),
            ValueError::EmptyNumbers => invalid("An number set  may not be empty"),
            ValueError::EmptyBinaries => invalid("Binary sets should not be empty"),
            ValueError::DuplicateTexts(members) if is_older => {
                invalid(&format!("Input collection [{}] contains duplicates.", members.join(", ")))
            }
            ValueError::DuplicateTexts(members) => {
                invalid(&format!("Input collection [{}] contains duplicates.", quoted(members).join(", ")))
            }
            ValueError::DuplicateBinaries(members) if is_older => {
                invalid(&format!("Input collection [{}]of type BS contains duplicates.", members.join(", ")))
            }
            ValueError::DuplicateBinaries(members) => invalid(&format!(
                "Input collection [{}]of type BS contains duplicates.",
                quoted(members).join(",")
            )),
            ValueError::DuplicateNumbers if is_older => "Input collection contains duplicates".into(),
            ValueError::DuplicateNumbers => invalid("Input collection contains duplicates."),
            ValueError::NotNull => invalid("Null attribute value types must have the value of true"),
            ValueError::TooDeep => {
                "Nesting Levels have exceeded supported limits: Attributes in the item have nested \
                                    levels beyond supported limit"
                    .into()
            }
            ValueError::EmptyName => "Empty attribute name".into(),
            ValueError::Number(NumberError::Empty) if !is_older => format!("{}: ", NumberError::Empty),
            ValueError::Number(NumberError::FarOverflow) if is_older => NumberError::Underflow.to_string(),
            ValueError::Number(error) => error.to_string(),
        }
    }
}

/// The members up to the first repetition in order, then as they were sent, all in quotation marks.
fn quoted(members: &[String]) -> Vec<String> {
    let repeated = (1..members.len()).find(|index| members[..*index].contains(&members[*index]));
    let (before, rest) = members.split_at(repeated.unwrap_or(members.len()));
    let mut before = before.to_vec();
    before.sort();
    before.iter().chain(rest).map(|member| format!("\"{member}\"")).collect()
}

/// A map of attribute values: an item, a key, the values of an expression's placeholders.
pub(crate) fn read_attributes(document: Document) -> Result<Attributes, ValueError> {
    let Document::Map(entries) = document else { return Ok(Attributes::new()) };
    if entries.contains_key("") {
        return Err(ValueError::EmptyName);
    }
    let read = entries.into_iter().map(|(name, value)| Ok((name, read_value(value)?)));
    let read: Attributes = read.collect::<Result<_, ValueError>>()?;
    if read.values().any(has_empty_name) { Err(ValueError::EmptyName) } else { Ok(read) }
}

/// Whether an attribute within the value has an empty name, which no stored item has.
pub(crate) fn has_empty_name(value: &Value) -> bool {
    match value {
        Value::Map(entries) => entries.contains_key("") || entries.values().any(has_empty_name),
        Value::List(items) => items.iter().any(has_empty_name),
        _ => false,
    }
}

pub(crate) fn read_value(document: Document) -> Result<Value, ValueError> {
    read_nested(document, 0)
}

/// `level` is how many lists and maps lie around the value.
fn read_nested(document: Document, level: usize) -> Result<Value, ValueError> {
    let Document::Map(members) = document else { return Err(ValueError::Empty) };
    let is_single = members.len() <= 1;
    let mut read = None;
    for (name, content) in members {
        if let Some(kind) = Kind::named(&name)
            && !content.is_null()
        {
            read = Some(read_content(kind, content, level)?);
        }
    }
    let value = read.ok_or(ValueError::Empty)?;
    if is_single { Ok(value) } else { Err(ValueError::Several) }
}

fn read_content(kind: Kind, content: Document, level: usize) -> Result<Value, ValueError> {
    if matches!(kind, Kind::L | Kind::M) && level >= NESTING_LEVELS_MAX {
        return Err(ValueError::TooDeep);
    }
    Ok(match (kind, content) {
        (Kind::S, Document::Text(text)) => Value::Text(text),
        (Kind::N, Document::Text(text)) => Value::Number(text.parse()?),
        (Kind::B, Document::Blob(bytes)) => Value::Binary(owned(bytes)),
        (Kind::Bool, Document::Bool(value)) => Value::Bool(value),
        (Kind::Null, Document::Bool(true)) => Value::Null,
        (Kind::Null, Document::Bool(false)) => return Err(ValueError::NotNull),
        (Kind::L, Document::List(items)) => {
            let items = items.into_iter().map(|item| read_nested(item, level + 1));
            Value::List(items.collect::<Result<_, _>>()?)
        }
        (Kind::M, Document::Map(entries)) => Value::Map(read_entries(entries, level + 1)?),
        (Kind::Ss, Document::List(items)) => read_texts(items)?,
        (Kind::Ns, Document::List(items)) => read_numbers(items)?,
        (Kind::Bs, Document::List(items)) => read_binaries(items)?,
        _ => return Err(ValueError::Empty),
    })
}

fn read_entries(entries: Map, level: usize) -> Result<Attributes, ValueError> {
    entries.into_iter().map(|(name, value)| Ok((name, read_nested(value, level)?))).collect()
}

fn read_texts(items: Vec<Document>) -> Result<Value, ValueError> {
    let texts: Vec<String> = items
        .into_iter()
        .filter_map(|item| match item {
            Document::Text(text) => Some(text),
            _ => None,
        })
        .collect();
    if texts.is_empty() {
        return Err(ValueError::EmptyTexts);
    }
    let set: BTreeSet<String> = texts.iter().cloned().collect();
    if set.len() < texts.len() {
        return Err(ValueError::DuplicateTexts(texts));
    }
    Ok(Value::Texts(set))
}

fn read_numbers(items: Vec<Document>) -> Result<Value, ValueError> {
    if items.is_empty() {
        return Err(ValueError::EmptyNumbers);
    }
    let mut set = BTreeSet::new();
    let mut is_distinct = true;
    for item in &items {
        let number: Number = item.as_str().unwrap_or_default().parse()?;
        is_distinct &= set.insert(number);
    }
    if is_distinct { Ok(Value::Numbers(set)) } else { Err(ValueError::DuplicateNumbers) }
}

fn read_binaries(items: Vec<Document>) -> Result<Value, ValueError> {
    let binaries: Vec<Bytes> = items
        .into_iter()
        .filter_map(|item| match item {
            Document::Blob(bytes) => Some(owned(bytes)),
            _ => None,
        })
        .collect();
    if binaries.is_empty() {
        return Err(ValueError::EmptyBinaries);
    }
    let set: BTreeSet<Bytes> = binaries.iter().cloned().collect();
    if set.len() < binaries.len() {
        use base64::Engine as _;
        let shown: Vec<String> =
            binaries.iter().map(|bytes| base64::engine::general_purpose::STANDARD.encode(bytes)).collect();
        return Err(ValueError::DuplicateBinaries(shown));
    }
    Ok(Value::Binaries(set))
}

/// A slice of the request would keep all of it in memory.
fn owned(bytes: Bytes) -> Bytes {
    Bytes::copy_from_slice(&bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(json: &str) -> Result<Value, String> {
        let document = Document::from_json(&serde_json::from_str(json).unwrap());
        read_value(document).map_err(|error| error.text(Layer::Older))
    }

    #[test]
    fn values_that_are_none_are_refused_with_their_reason() {
        let cases = [
            (r#"{}"#, "Supplied AttributeValue is empty"),
            (r#"{"S":"a","N":"1"}"#, "Supplied AttributeValue has more than one datatypes set"),
            (r#"{"S":"a","N":"x"}"#, "The parameter cannot be converted to a numeric value: x"),
            (r#"{"N":""}"#, "The parameter cannot be converted to a numeric value"),
            (r#"{"SS":[]}"#, "One or more parameter values were invalid: An string set  may not be empty"),
            (r#"{"NS":[]}"#, "One or more parameter values were invalid: An number set  may not be empty"),
            (r#"{"BS":[]}"#, "One or more parameter values were invalid: Binary sets should not be empty"),
            (
                r#"{"SS":["a","a"]}"#,
                "One or more parameter values were invalid: Input collection [a, a] contains duplicates.",
            ),
            (r#"{"NS":["1","1.0"]}"#, "Input collection contains duplicates"),
            (r#"{"L":[{"M":{"a":{}}}]}"#, "Supplied AttributeValue is empty"),
        ];
        for (json, text) in cases {
            let error = read(json).unwrap_err();
            assert!(error.starts_with(text), "{json}: {error}");
        }
    }

    #[test]
    fn the_newer_wording_shows_members_in_quotation_marks() {
        let text = |json: &str| {
            let document = Document::from_json(&serde_json::from_str(json).unwrap());
            read_value(document).unwrap_err().text(Layer::Bare)
        };
        assert_eq!(
            text(r#"{"SS":["b","a","b"]}"#),
            r#"One or more parameter values were invalid: Input collection ["a", "b", "b"] contains duplicates."#
        );
        assert_eq!(text(r#"{"N":""}"#), "The parameter cannot be converted to a numeric value: ");
        assert_eq!(
            text(r#"{"NS":["1","1"]}"#),
            "One or more parameter values were invalid: Input collection contains duplicates."
        );
    }

    #[test]
    fn a_null_is_true_and_sets_come_in_order() {
        assert_eq!(read(r#"{"NULL":true}"#), Ok(Value::Null));
        assert!(read(r#"{"NULL":false}"#).unwrap_err().ends_with("must have the value of true"));
        let Ok(Value::Numbers(set)) = read(r#"{"NS":["10","9","-1"]}"#) else { panic!() };
        assert_eq!(set.iter().map(Number::to_string).collect::<Vec<_>>(), ["-1", "9", "10"]);
        assert!(matches!(read(r#"{"SS":[""]}"#), Ok(Value::Texts(_))));
    }

    #[test]
    fn nesting_ends_at_its_limit() {
        let nested =
            |levels: usize| format!("{}{{\"S\":\"x\"}}{}", r#"{"L":["#.repeat(levels), "]}".repeat(levels));
        let value = read(&nested(NESTING_LEVELS_MAX)).unwrap();
        assert_eq!(value.levels(), NESTING_LEVELS_MAX);
        assert!(read(&nested(NESTING_LEVELS_MAX + 1)).unwrap_err().starts_with("Nesting Levels"));
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(value in super::super::testing::values()) {
            prop_assert_eq!(read_value(value.to_document()), Ok(value));
        }
    }
}
