//! Event patterns: which events a rule, a filter or a pipe wants.
//!
//! A pattern has the shape of the event: its objects name fields, its arrays list what a field may be. A field that the
//! pattern does not name may be anything. Used for the filters of event source mappings; the language is EventBridge's.
//!
//! Source: "Creating Amazon EventBridge event patterns" and its page of comparison operators in the user guide.

mod condition;
mod read;

use serde_json::Value;

use condition::Condition;

/// A pattern that was read.
#[derive(Clone, Debug, PartialEq)]
pub struct EventPattern {
    root: Fields,
}

/// Why a text is no pattern.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Event pattern is not valid. Reason: {0}")]
pub struct PatternError(String);

/// All of these have to hold for one object.
#[derive(Clone, Debug, Default, PartialEq)]
struct Fields {
    named: Vec<(String, Node)>,
    /// Each of these: at least one of its alternatives holds.
    either: Vec<Vec<Fields>>,
}

#[derive(Clone, Debug, PartialEq)]
enum Node {
    Object(Fields),
    /// One of them holds.
    AnyOf(Vec<Condition>),
}

impl EventPattern {
    /// Reads a pattern.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        Ok(EventPattern { root: read::pattern(text)? })
    }

    pub fn matches(&self, event: &Value) -> bool {
        self.root.match_object(event)
    }
}

impl Fields {
    fn match_object(&self, event: &Value) -> bool {
        match event {
            // An array of objects has what one of them has.
            Value::Array(items) => items.iter().any(|item| self.match_object(item)),
            _ => {
                self.named.iter().all(|(name, node)| node.matches(event.get(name)))
                    && self
                        .either
                        .iter()
                        .all(|alternatives| alternatives.iter().any(|fields| fields.match_object(event)))
            }
        }
    }

    /// Whether the fields hold where there is no object at all.
    fn match_absent(&self) -> bool {
        self.named.iter().all(|(_, node)| node.matches(None))
            && self.either.iter().all(|alternatives| alternatives.iter().any(Fields::match_absent))
    }
}

impl Node {
    fn matches(&self, field: Option<&Value>) -> bool {
        match (self, field) {
            (Node::Object(fields), Some(value @ (Value::Object(_) | Value::Array(_)))) => {
                fields.match_object(value)
            }
            (Node::Object(fields), _) => fields.match_absent(),
            (Node::AnyOf(conditions), field) => conditions.iter().any(|condition| condition.matches(field)),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn matches(pattern: Value, event: &Value) -> bool {
        EventPattern::parse(&pattern.to_string()).unwrap().matches(event)
    }

    #[test]
    fn fields_are_compared_where_the_pattern_names_them() {
        let event = json!({
            "eventName": "INSERT",
            "count": 7,
            "none": null,
            "tags": ["a", "b"],
            "dynamodb": {"NewImage": {"kind": {"S": "order"}, "price": {"N": "12.50"}}},
        });
        for (pattern, expected) in [
            (json!({"eventName": ["INSERT", "MODIFY"]}), true),
            (json!({"eventName": ["REMOVE"]}), false),
            (json!({"dynamodb": {"NewImage": {"kind": {"S": ["order"]}}}}), true),
            (json!({"dynamodb": {"OldImage": {"kind": {"S": ["order"]}}}}), false),
            (json!({"dynamodb": {"OldImage": {"kind": [{"exists": false}]}}}), true),
            (json!({"eventName": [{"exists": false}]}), false),
            (json!({"count": [{"numeric": [">", 5, "<=", 7]}]}), true),
            (json!({"count": [{"numeric": ["=", 8]}]}), false),
            (json!({"count": [7.0]}), true),
            (json!({"none": [null]}), true),
            (json!({"tags": ["b"]}), true),
            (json!({"tags": [{"anything-but": ["a"]}]}), true),
            (json!({"eventName": [{"prefix": "INS"}]}), true),
            (json!({"eventName": [{"prefix": {"equals-ignore-case": "ins"}}]}), true),
            (json!({"eventName": [{"suffix": "ERT"}]}), true),
            (json!({"eventName": [{"equals-ignore-case": "insert"}]}), true),
            (json!({"eventName": [{"wildcard": "I*R*"}]}), true),
            (json!({"eventName": [{"wildcard": "I*X"}]}), false),
            (json!({"eventName": [{"anything-but": {"prefix": "INS"}}]}), false),
            (json!({"$or": [{"eventName": ["REMOVE"]}, {"count": [7]}]}), true),
            (json!({"$or": [{"eventName": ["REMOVE"]}, {"count": [8]}]}), false),
            (json!({"dynamodb": {"NewImage": {"price": {"N": [{"numeric": [">", 1]}]}}}}), false),
        ] {
            assert_eq!(matches(pattern.clone(), &event), expected, "{pattern}");
        }
        let address = json!({"source": "10.0.0.255"});
        assert!(matches(json!({"source": [{"cidr": "10.0.0.0/24"}]}), &address));
        assert!(!matches(json!({"source": [{"cidr": "10.0.1.0/24"}]}), &address));
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        for text in [
            "",
            "[]",
            "{}",
            r#"{"a": "b"}"#,
            r#"{"a": []}"#,
            r#"{"a": [{"prefix": 1}]}"#,
            r#"{"a": [{"nothing": 1}]}"#,
            r#"{"a": [{"numeric": [">"]}]}"#,
            r#"{"a": [{"numeric": [">", "1"]}]}"#,
            r#"{"a": [{"exists": 1}]}"#,
            r#"{"a": [{"cidr": "10.0.0.0/99"}]}"#,
            r#"{"a": [[1]]}"#,
            r#"{"$or": [{"a": [1]}]}"#,
            &format!("{}1{}", r#"{"a":"#.repeat(200), "}".repeat(200)),
        ] {
            assert!(EventPattern::parse(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn reading_never_panics(text in r#"[\{\}\[\]":a0-9, ]{0,40}"#) {
            let _ = EventPattern::parse(&text);
        }

        #[test]
        fn wildcards_find_what_they_were_made_of(parts in proptest::collection::vec("[ab]{0,3}", 1..5)) {
            let event = json!({"a": parts.concat()});
            let pattern = json!({"a": [{"wildcard": parts.join("*")}]});
            prop_assert!(matches(pattern, &event));
        }
    }
}
