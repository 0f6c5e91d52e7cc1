//! From text to pattern.

use std::net::IpAddr;

use serde_json::{Map, Value};

use super::condition::{Comparison, Condition};
use super::{Fields, Node, PatternError};

type Result<T> = std::result::Result<T, PatternError>;

pub(super) fn pattern(text: &str) -> Result<Fields> {
    // The reader of JSON refuses what is nested more than 128 levels deep.
    match serde_json::from_str(text) {
        Ok(Value::Object(members)) if !members.is_empty() => fields(&members),
        Ok(Value::Object(_)) => Err(refused("Empty patterns are not allowed")),
        Ok(_) => Err(refused("Filter is not an object")),
        Err(error) => Err(refused(&error.to_string())),
    }
}

fn fields(members: &Map<String, Value>) -> Result<Fields> {
    let mut fields = Fields::default();
    for (name, value) in members {
        match value {
            Value::Array(alternatives) if name == "$or" => fields.either.push(either(alternatives)?),
            Value::Object(members) if members.is_empty() => {
                return Err(refused("Empty objects are not allowed"));
            }
            Value::Object(members) => {
                fields.named.push((name.clone(), Node::Object(self::fields(members)?)));
            }
            Value::Array(values) if values.is_empty() => {
                return Err(refused("Empty arrays are not allowed"));
            }
            Value::Array(values) => {
                let conditions = values.iter().map(condition).collect::<Result<_>>()?;
                fields.named.push((name.clone(), Node::AnyOf(conditions)));
            }
            _ => return Err(refused(&format!("\"{name}\" must be an object or an array"))),
        }
    }
    Ok(fields)
}

fn either(alternatives: &[Value]) -> Result<Vec<Fields>> {
    if alternatives.len() < 2 {
        return Err(refused("There must have at least 2 Objects in \"$or\" relationship."));
    }
    alternatives
        .iter()
        .map(|alternative| match alternative {
            Value::Object(members) => fields(members),
            _ => Err(refused("Only objects are allowed in \"$or\" relationship.")),
        })
        .collect()
}

fn condition(value: &Value) -> Result<Condition> {
    match value {
        Value::Object(members) => operator(members),
        Value::Array(_) => Err(refused("Match value must be String, number, true, false, or null")),
        literal => Ok(Condition::Equals(literal.clone())),
    }
}

fn operator(members: &Map<String, Value>) -> Result<Condition> {
    let mut members = members.iter();
    let (Some((name, value)), None) = (members.next(), members.next()) else {
        return Err(refused("Only one key allowed in match expression"));
    };
    match name.as_str() {
        "prefix" => affix(name, value, Condition::Prefix, Condition::PrefixIgnoreCase),
        "suffix" => affix(name, value, Condition::Suffix, Condition::SuffixIgnoreCase),
        "equals-ignore-case" => Ok(Condition::EqualsIgnoreCase(text(name, value)?)),
        "wildcard" => Ok(Condition::Wildcard(text(name, value)?)),
        "exists" => match value {
            Value::Bool(wanted) => Ok(Condition::Exists(*wanted)),
            _ => Err(refused("exists match pattern must be either true or false.")),
        },
        "numeric" => numeric(value),
        "cidr" => cidr(&text(name, value)?),
        "anything-but" => anything_but(value),
        other => Err(refused(&format!("Unrecognized match type {other}"))),
    }
}

fn text(name: &str, value: &Value) -> Result<String> {
    match value {
        Value::String(text) => Ok(text.clone()),
        _ => Err(refused(&format!("{name} match pattern must be a string"))),
    }
}

fn affix(
    name: &str,
    value: &Value,
    exact: fn(String) -> Condition,
    ignoring_case: fn(String) -> Condition,
) -> Result<Condition> {
    match value.get("equals-ignore-case") {
        Some(inner) => Ok(ignoring_case(text(name, inner)?)),
        None => Ok(exact(text(name, value)?)),
    }
}

fn anything_but(value: &Value) -> Result<Condition> {
    let unwanted = match value {
        Value::Array(values) if values.is_empty() => {
            return Err(refused("Empty arrays are not allowed"));
        }
        Value::Array(values) => values.iter().map(literal).collect::<Result<_>>()?,
        Value::Object(members) => match members.iter().next() {
            // `{"prefix": ["a", "b"]}` means each of them.
            Some((name, Value::Array(values))) if members.len() == 1 => values
                .iter()
                .map(|value| operator(&Map::from_iter([(name.clone(), value.clone())])))
                .collect::<Result<_>>()?,
            _ => vec![operator(members)?],
        },
        value => vec![literal(value)?],
    };
    Ok(Condition::AnythingBut(unwanted))
}

fn literal(value: &Value) -> Result<Condition> {
    match value {
        Value::Object(_) | Value::Array(_) => {
            Err(refused("Inside anything but list, start|null|boolean is not supported."))
        }
        literal => Ok(Condition::Equals(literal.clone())),
    }
}

fn numeric(value: &Value) -> Result<Condition> {
    let wrong = || refused("Value of numeric must be an array of operators, each with a number.");
    let parts = value.as_array().ok_or_else(wrong)?;
    if parts.is_empty() || parts.len() > 4 || parts.len() % 2 != 0 {
        return Err(wrong());
    }
    let mut bounds = Vec::new();
    for pair in parts.chunks(2) {
        let comparison = match pair[0].as_str().ok_or_else(wrong)? {
            "<" => Comparison::Less,
            "<=" => Comparison::LessOrEqual,
            "=" => Comparison::Equal,
            ">=" => Comparison::GreaterOrEqual,
            ">" => Comparison::Greater,
            other => return Err(refused(&format!("Unrecognized numeric range operator: {other}"))),
        };
        bounds.push((comparison, pair[1].as_f64().ok_or_else(wrong)?));
    }
    Ok(Condition::Numeric(bounds))
}

fn cidr(text: &str) -> Result<Condition> {
    let wrong = || refused("Malformed CIDR, one '/' required");
    let (address, bits) = text.split_once('/').ok_or_else(wrong)?;
    let address: IpAddr = address.parse().map_err(|_| wrong())?;
    let bits: u8 = bits.parse().map_err(|_| wrong())?;
    let bits_max = if address.is_ipv4() { 32 } else { 128 };
    if bits > bits_max {
        return Err(refused("Malformed CIDR, mask bits must be an integer below the length of the address"));
    }
    Ok(Condition::Cidr(address, bits))
}

fn refused(reason: &str) -> PatternError {
    PatternError(reason.to_owned())
}
