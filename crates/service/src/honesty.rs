//! Keeps hand-written structs and the API model in step; used by each service's tests and by the coverage pages.

use std::cell::RefCell;

use bytes::Bytes;
use serde::de::{DeserializeOwned, Deserializer, Visitor};
use serde::forward_to_deserialize_any;

use wire::{Document, Kind, Map, Model, ShapeId, Timestamp};

use crate::{Definition, Entry};

/// Checks every row of a service's table; the text lists what is wrong.
///
/// A row is wrong when the model lacks its operation, when its struct names a member the input shape lacks, when it
/// cannot read the smallest or the largest input the model allows, or when an internal operation shadows one of the
/// model.
pub fn check<S: Send + Sync>(definition: &Definition<S>) -> Result<(), String> {
    let mut wrong = Vec::new();
    let Some(model) = wire::model(definition.name) else {
        return Err(format!("no model named {}", definition.name));
    };
    for entry in definition.operations {
        let Some(operation) = model.operation(entry.name) else {
            wrong.push(format!("{}: not in the model", entry.name));
            continue;
        };
        let input = operation.input().and_then(|input| model.shape(input).structure());
        for member in honoured(entry) {
            if input.is_none_or(|input| input.member(member).is_none()) {
                wrong.push(format!("{}: the input has no member {member}", entry.name));
            }
        }
        let Some(input) = operation.input() else { continue };
        for size in [Size::Smallest, Size::Largest] {
            if let Err(failure) = entry.read(example(model, input, size, 0)) {
                wrong.push(format!("{}: cannot read the {size:?} input: {failure}", entry.name));
            }
        }
    }
    for entry in definition.internal {
        if model.operation(entry.name).is_some() {
            wrong.push(format!("{}: internal, yet in the model", entry.name));
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n")) }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Size {
    /// Required members only.
    Smallest,
    /// Each member once, recursive shapes down to [`EXAMPLE_DEPTH_MAX`].
    Largest,
}

const EXAMPLE_DEPTH_MAX: usize = 8;

/// An input of the model's shape; texts keep their length and enumeration, not their pattern.
fn example(model: &Model, shape: ShapeId, size: Size, depth: usize) -> Document {
    let shape = model.shape(shape);
    let bounds = shape.constraints();
    let deeper = size == Size::Largest && depth < EXAMPLE_DEPTH_MAX;
    match shape.kind() {
        Kind::Structure(structure) => {
            let members = structure
                .members()
                .filter(|member| !member.is_streaming() && (member.is_required() || deeper));
            // A union holds exactly one of its members.
            let limit = if structure.is_union() { 1 } else { usize::MAX };
            Document::Map(
                members
                    .take(limit)
                    .map(|member| (member.name().to_owned(), example(model, member.shape(), size, depth + 1)))
                    .collect(),
            )
        }
        Kind::List(member) if deeper => Document::List(vec![example(model, member.shape(), size, depth + 1)]),
        Kind::List(_) => Document::List(Vec::new()),
        Kind::Map(entry) if deeper => {
            let key = match example(model, entry.0.shape(), size, depth + 1) {
                Document::Text(key) => key,
                _ => "key".into(),
            };
            Document::Map([(key, example(model, entry.1.shape(), size, depth + 1))].into_iter().collect())
        }
        Kind::Map(_) => Document::Map(Map::default()),
        Kind::String => match bounds.enumeration().next() {
            Some(value) => value.into(),
            None => "a".repeat(bounds.min.map_or(1, |min| (min as usize).max(1))).into(),
        },
        Kind::Blob => Document::Blob(Bytes::from_static(b"{}")),
        Kind::Boolean => Document::Bool(true),
        Kind::Integer | Kind::Long => Document::Int(bounds.min.map_or(1, |min| min as i64)),
        Kind::Float | Kind::Double => Document::Float(bounds.min.unwrap_or(1.0)),
        Kind::Timestamp => Document::Time(Timestamp::from_epoch_millis(0)),
    }
}

/// The input members that an operation reads; the others are accepted and ignored.
pub fn honoured<S>(entry: &Entry<S>) -> Vec<&'static str> {
    (entry.members)()
}

thread_local! {
    static FIELDS: RefCell<&'static [&'static str]> = const { RefCell::new(&[]) };
}

/// The fields that serde asks for when it reads a `T`.
pub(crate) fn members_of<T: DeserializeOwned>() -> Vec<&'static str> {
    FIELDS.with_borrow_mut(|fields| *fields = &[]);
    let _ = T::deserialize(FieldCapture);
    FIELDS.with_borrow(|fields| fields.to_vec())
}

/// Notes the field list of the first struct and then gives up.
struct FieldCapture;

impl<'de> Deserializer<'de> for FieldCapture {
    type Error = serde::de::value::Error;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Self::Error> {
        Err(serde::de::Error::custom("not a struct"))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Self::Error> {
        FIELDS.with_borrow_mut(|found| *found = fields);
        Err(serde::de::Error::custom("captured"))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit
        unit_struct newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_a_struct_are_captured() {
        #[derive(serde::Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct SendMessage {
            _queue_url: String,
            #[serde(rename = "MessageBody")]
            _body: Option<String>,
        }
        assert_eq!(members_of::<SendMessage>(), ["QueueUrl", "MessageBody"]);
        assert!(members_of::<String>().is_empty());
    }
}
