//! Keeps hand-written structs and the API model in step; used by each service's tests and by the coverage pages.

use std::cell::RefCell;

use serde::de::{DeserializeOwned, Deserializer, Visitor};
use serde::forward_to_deserialize_any;

use crate::{Definition, Entry};

/// Checks every row of a service's table; the text lists what is wrong.
///
/// A row is wrong when the model lacks its operation, when its struct names a member the input shape lacks, or
/// when an internal operation shadows one of the model.
pub fn check<S: Send + Sync>(definition: &Definition<S>) -> Result<(), String> {
    let mut wrong = Vec::new();
    let Some(model) = wire::model(definition.name) else {
        return Err(format!("no model named {}", definition.name));
    };
    for entry in definition.operations {
        match model.operation(entry.name) {
            None => wrong.push(format!("{}: not in the model", entry.name)),
            Some(operation) => {
                let known = operation.input_members(model);
                for member in honoured(entry) {
                    if !known.contains(&member) {
                        wrong.push(format!("{}: the input has no member {member}", entry.name));
                    }
                }
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
