//! One condition of a POST policy.

use serde_json::{Value, json};

use super::{ByteRange, invalid};
use crate::error::Error;

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Condition {
    Equals {
        field: Operand,
        value: String,
    },
    StartsWith {
        field: Operand,
        value: String,
    },
    /// `None`: the bounds are no numbers, so nothing fits.
    Length {
        range: Option<ByteRange>,
        sent: [Value; 2],
    },
}

/// A field as the policy names it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Operand {
    sent: String,
    /// In lower case, without the dollar; `None` when the dollar is missing, which matches no field.
    name: Option<String>,
}

impl Operand {
    fn new(sent: &str) -> Self {
        Operand { sent: sent.to_owned(), name: sent.strip_prefix('$').map(str::to_ascii_lowercase) }
    }
}

impl Condition {
    pub(super) fn parse(json: &Value) -> Result<Self, Error> {
        match json {
            Value::Object(pairs) => {
                let mut pairs = pairs.iter();
                let (Some((name, value)), None) = (pairs.next(), pairs.next()) else {
                    return Err(invalid(
                        "Invalid Simple-Condition: Simple-Conditions must have exactly one property specified.",
                    ));
                };
                let value = match value {
                    Value::String(value) => value.clone(),
                    Value::Null => return Err(invalid("Invalid JSON.")),
                    _ => return Err(invalid("Invalid Simple-Condition: value must be a string.")),
                };
                Ok(Condition::Equals { field: Operand::new(&format!("${name}")), value })
            }
            Value::Array(items) => Condition::parse_list(items),
            _ => Err(invalid("Invalid condition test: must be a List or Object.")),
        }
    }

    fn parse_list(items: &[Value]) -> Result<Self, Error> {
        let operation = items.first().and_then(Value::as_str);
        let operation =
            operation.ok_or_else(|| invalid("Invalid Condition: missing operation identifier."))?;
        let operation = operation.to_ascii_lowercase();
        if !["eq", "starts-with", "content-length-range"].contains(&operation.as_str()) {
            return Err(invalid(format!("Invalid Condition: unknown operation '{operation}'.")));
        }
        let [_, one, other] = items else {
            return Err(invalid(format!("Invalid {operation}: wrong number of arguments.")));
        };
        if operation == "content-length-range" {
            let bound = |value: &Value| match value {
                Value::Number(number) if number.is_f64() => Err(invalid("Invalid JSON.")),
                Value::Number(number) => Ok(number.as_u64()),
                Value::String(text) => Ok(text.parse().ok()),
                _ => Err(invalid("Invalid JSON.")),
            };
            let range = bound(one)?.zip(bound(other)?).map(|(min, max)| ByteRange { min, max });
            return Ok(Condition::Length { range, sent: [one.clone(), other.clone()] });
        }
        let (Some(field), Some(value)) = (one.as_str(), other.as_str()) else {
            return Err(invalid("Invalid JSON."));
        };
        let (field, value) = (Operand::new(field), value.to_owned());
        Ok(match operation.as_str() {
            "eq" => Condition::Equals { field, value },
            _ => Condition::StartsWith { field, value },
        })
    }

    /// The field it is about.
    pub(super) fn field(&self) -> Option<&str> {
        match self {
            Condition::Equals { field, .. } | Condition::StartsWith { field, .. } => field.name.as_deref(),
            Condition::Length { .. } => None,
        }
    }

    /// Whether the value of its field meets it. Sizes are checked while the file arrives; bounds that are no numbers
    /// meet nothing.
    pub(super) fn is_met_by(&self, sent: Option<&str>) -> bool {
        match self {
            Condition::Equals { value, .. } => sent == Some(value.as_str()),
            Condition::StartsWith { field, value } => sent.is_some_and(|sent| {
                // A list of content types must fit with each of its entries.
                if field.name.as_deref() == Some("content-type") && sent.contains(',') {
                    return sent.split(',').all(|sent| sent.trim().starts_with(value.as_str()));
                }
                sent.starts_with(value.as_str())
            }),
            Condition::Length { range, .. } => range.is_some(),
        }
    }

    pub(super) fn range(&self) -> Option<ByteRange> {
        match self {
            Condition::Length { range, .. } => *range,
            _ => None,
        }
    }

    /// As errors repeat it; short forms are written as `eq`.
    pub(super) fn text(&self) -> String {
        let items = match self {
            Condition::Equals { field, value } => [json!("eq"), json!(field.sent), json!(value)],
            Condition::StartsWith { field, value } => [json!("starts-with"), json!(field.sent), json!(value)],
            Condition::Length { sent: [min, max], .. } => {
                [json!("content-length-range"), min.clone(), max.clone()]
            }
        };
        let [one, two, three] = items.map(|item| item.to_string());
        format!("[{one}, {two}, {three}]")
    }
}
