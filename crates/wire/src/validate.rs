//! The constraints of the model, answered in AWS' wording.

use crate::document::{Document, Map};
use crate::model::{Constraints, Kind, Member, Model, OperationModel, Shape, Structure};
use crate::text;

/// A request is told about at most this many broken constraints.
const MAX_VIOLATIONS: usize = 100;

/// A value is repeated in a message up to this length.
const MAX_PRINTED_BYTES: usize = 8 << 10;

/// One member that breaks one constraint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Lower camel case and dotted, such as `tags.1.member.key`.
    pub path: String,
    /// The value as AWS prints it; `null` for an absent one, empty for a sensitive one.
    pub value: String,
    /// Such as `Member must not be null`.
    pub constraint: String,
}

/// All constraints an input breaks; displays as AWS' validation message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violations(pub Vec<Violation>);

impl std::fmt::Display for Violations {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let plural = if self.0.len() == 1 { "" } else { "s" };
        write!(f, "{} validation error{plural} detected: ", self.0.len())?;
        for (index, violation) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { "; " };
            let space = if violation.value.is_empty() { "" } else { " " };
            let Violation { path, value, constraint } = violation;
            write!(
                f,
                "{separator}Value{space}{value} at '{path}' failed to satisfy constraint: {constraint}"
            )?;
        }
        Ok(())
    }
}

impl std::error::Error for Violations {}

/// Checks required members, lengths, ranges, patterns and enums of an operation's input.
///
/// Members that arrive as a stream are not part of the input and not asked for.
pub fn validate(model: &Model, operation: &OperationModel, input: &Document) -> Result<(), Violations> {
    let Some(structure) = operation.input.map(|id| model.structure(id)) else { return Ok(()) };
    let empty = Map::new();
    let members = input.as_map().unwrap_or(&empty);
    let mut checker =
        Checker { model, violations: Vec::new(), streaming: operation.streaming_input.as_deref() };
    checker.structure(structure, members, None);
    match checker.violations.is_empty() {
        true => Ok(()),
        false => Err(Violations(checker.violations)),
    }
}

struct Checker<'m> {
    model: &'m Model,
    violations: Vec<Violation>,
    streaming: Option<&'m str>,
}

impl Checker<'_> {
    fn structure(&mut self, structure: &Structure, members: &Map, parent: Option<&Path<'_>>) {
        if structure.is_document {
            return;
        }
        for member in structure.members.values() {
            let path = Path { parent, segment: Segment::Member(&member.name) };
            match members.get(&*member.name).filter(|value| !value.is_null()) {
                Some(value) => self.value(member, value, &path),
                None if member.is_required && self.streaming != Some(&member.name) => {
                    self.violate_null(&path)
                }
                None => {}
            }
        }
    }

    fn value(&mut self, member: &Member, value: &Document, path: &Path<'_>) {
        let shape = self.model.shape(member.shape);
        for constraint in broken(shape, value) {
            self.violate(path, printed_value(self.model, shape, value), constraint);
        }
        match (&shape.kind, value) {
            (Kind::Structure(structure), Document::Map(members)) => {
                self.structure(structure, members, Some(path))
            }
            (Kind::List(item), Document::List(items)) => self.list(shape, item, value, items, path),
            (Kind::Map(entry), Document::Map(entries)) => self.map(shape, entry, value, entries, path),
            _ => {}
        }
    }

    fn list(&mut self, shape: &Shape, item: &Member, list: &Document, items: &[Document], path: &Path<'_>) {
        let item_shape = self.model.shape(item.shape);
        for (index, value) in items.iter().enumerate() {
            let item_path = Path { parent: Some(path), segment: Segment::Item(index + 1) };
            if value.is_null() {
                self.violate_null(&item_path);
            } else if is_complex(item_shape) {
                self.value(item, value, &item_path);
            } else if !broken(item_shape, value).is_empty() {
                // For plain items AWS names the list, all its values and all their constraints, once.
                let constraint = format!("Member must satisfy constraint: [{}]", all_constraints(item_shape));
                return self.violate(path, printed_value(self.model, shape, list), constraint);
            }
        }
    }

    fn map(
        &mut self,
        shape: &Shape,
        entry: &(Member, Member),
        map: &Document,
        entries: &Map,
        path: &Path<'_>,
    ) {
        let (key_shape, value_shape) = (self.model.shape(entry.0.shape), self.model.shape(entry.1.shape));
        if entries.keys().any(|key| breaks_as_text(key_shape, key)) {
            let constraint = format!("Map keys must satisfy constraint: [{}]", all_constraints(key_shape));
            self.violate(path, printed_value(self.model, shape, map), constraint);
        }
        for (key, value) in entries {
            let value_path = Path { parent: Some(path), segment: Segment::Entry(key) };
            if value.is_null() {
                self.violate_null(&value_path);
            } else if is_complex(value_shape) {
                self.value(&entry.1, value, &value_path);
            } else if !broken(value_shape, value).is_empty() {
                let constraint =
                    format!("Map value must satisfy constraint: [{}]", all_constraints(value_shape));
                return self.violate(path, printed_value(self.model, shape, map), constraint);
            }
        }
    }

    fn violate_null(&mut self, path: &Path<'_>) {
        self.violate(path, "null".to_owned(), "Member must not be null".to_owned());
    }

    fn violate(&mut self, path: &Path<'_>, value: String, constraint: String) {
        if self.violations.len() < MAX_VIOLATIONS {
            self.violations.push(Violation { path: path.to_string(), value, constraint });
        }
    }
}

/// Where a value lies; written out only when it is needed, as most values are fine.
struct Path<'p> {
    parent: Option<&'p Path<'p>>,
    segment: Segment<'p>,
}

enum Segment<'p> {
    Member(&'p str),
    /// Counted from 1.
    Item(usize),
    Entry(&'p str),
}

impl std::fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(parent) = self.parent {
            write!(f, "{parent}.")?;
        }
        match self.segment {
            Segment::Member(name) => f.write_str(&decapitalise(name)),
            Segment::Item(position) => write!(f, "{position}.member"),
            Segment::Entry(key) => write!(f, "{key}.member"),
        }
    }
}

fn is_complex(shape: &Shape) -> bool {
    matches!(shape.kind, Kind::Structure(_) | Kind::List(_) | Kind::Map(_))
}

/// The constraints of the shape that the value itself breaks, not what lies inside of it.
fn broken(shape: &Shape, value: &Document) -> Vec<String> {
    let constraints = &shape.constraints;
    let mut broken = Vec::new();
    let size = match value {
        Document::Text(text) => {
            if !constraints.enumeration.is_empty()
                && !constraints.enumeration.iter().any(|known| **known == **text)
            {
                broken.push(enum_text(constraints));
            }
            if let Some(pattern) = constraints.pattern.as_ref().filter(|pattern| !pattern.matches(text)) {
                broken.push(pattern_text(pattern.source()));
            }
            // Counting characters is only worth it where there is a limit.
            let is_limited = constraints.min.is_some() || constraints.max.is_some();
            if is_limited { text.chars().count() as f64 } else { 0.0 }
        }
        Document::Blob(bytes) => bytes.len() as f64,
        Document::List(items) => items.len() as f64,
        Document::Map(entries) => entries.len() as f64,
        Document::Int(number) => *number as f64,
        Document::Float(number) => *number,
        Document::Null | Document::Bool(_) | Document::Time(_) => return broken,
    };
    if constraints.max.is_some_and(|max| size > max) {
        broken.extend(max_text(shape));
    }
    if constraints.min.is_some_and(|min| size < min) {
        broken.extend(min_text(shape));
    }
    broken
}

fn breaks_as_text(shape: &Shape, text: &str) -> bool {
    let constraints = &shape.constraints;
    let has_any = constraints.min.is_some() || constraints.max.is_some();
    let length = if has_any { text.chars().count() as f64 } else { 0.0 };
    constraints.max.is_some_and(|max| length > max)
        || constraints.min.is_some_and(|min| length < min)
        || constraints.pattern.as_ref().is_some_and(|pattern| !pattern.matches(text))
        || (!constraints.enumeration.is_empty()
            && !constraints.enumeration.iter().any(|known| **known == *text))
}

/// Every constraint of a shape, as AWS lists them for the items of a list and the parts of a map.
fn all_constraints(shape: &Shape) -> String {
    let constraints = &shape.constraints;
    let is_enum = !constraints.enumeration.is_empty();
    let parts = [
        max_text(shape),
        min_text(shape),
        constraints.pattern.as_ref().map(|pattern| pattern_text(pattern.source())),
        is_enum.then(|| enum_text(constraints)),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn max_text(shape: &Shape) -> Option<String> {
    Some(format!("Member must have {} less than or equal to {}", measure(shape), shape.constraints.max?))
}

fn min_text(shape: &Shape) -> Option<String> {
    Some(format!("Member must have {} greater than or equal to {}", measure(shape), shape.constraints.min?))
}

fn measure(shape: &Shape) -> &'static str {
    match shape.kind {
        Kind::Integer | Kind::Long | Kind::Float | Kind::Double => "value",
        _ => "length",
    }
}

fn pattern_text(source: &str) -> String {
    format!("Member must satisfy regular expression pattern: {source}")
}

fn enum_text(constraints: &Constraints) -> String {
    format!("Member must satisfy enum value set: [{}]", constraints.enumeration.join(", "))
}

/// The value in quotes; nothing for a sensitive one.
fn printed_value(model: &Model, shape: &Shape, value: &Document) -> String {
    if shape.is_sensitive {
        return String::new();
    }
    let mut printed = "'".to_owned();
    print(&mut printed, model, shape, value);
    if printed.len() > MAX_PRINTED_BYTES {
        printed.truncate(text::cut(&printed, MAX_PRINTED_BYTES).len());
        printed.push_str("...");
    }
    printed.push('\'');
    printed
}

/// As Java's `toString`, which is what AWS prints.
fn print(out: &mut String, model: &Model, shape: &Shape, value: &Document) {
    if out.len() > MAX_PRINTED_BYTES {
        return;
    }
    if shape.is_sensitive {
        return out.push_str("***Sensitive Data Redacted***");
    }
    match (&shape.kind, value) {
        (_, Document::Null) => out.push_str("null"),
        (Kind::List(item), Document::List(items)) => {
            out.push('[');
            for (index, value) in items.iter().enumerate() {
                out.push_str(if index == 0 { "" } else { ", " });
                print(out, model, model.shape(item.shape), value);
            }
            out.push(']');
        }
        (Kind::Map(entry), Document::Map(entries)) => {
            out.push('{');
            for (index, (key, value)) in entries.iter().enumerate() {
                out.push_str(if index == 0 { "" } else { ", " });
                out.push_str(key);
                out.push('=');
                print(out, model, model.shape(entry.1.shape), value);
            }
            out.push('}');
        }
        (Kind::Structure(structure), Document::Map(members)) => {
            out.push_str(&shape.name);
            out.push('(');
            for (index, (key, value)) in members.iter().enumerate() {
                out.push_str(if index == 0 { "" } else { ", " });
                out.push_str(&decapitalise(key));
                out.push('=');
                match structure.members.get(key.as_str()) {
                    Some(member) => print(out, model, model.shape(member.shape), value),
                    None => out.push_str(&text::write_unshaped(value)),
                }
            }
            out.push(')');
        }
        (_, Document::Blob(bytes)) => {
            out.push_str(&format!("java.nio.HeapByteBuffer[pos=0 lim={0} cap={0}]", bytes.len()));
        }
        (_, value) => out.push_str(&text::write_unshaped(value)),
    }
}

fn decapitalise(name: &str) -> String {
    let mut characters = name.chars();
    match characters.next() {
        Some(first) => first.to_lowercase().chain(characters).collect(),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(service: &str, operation: &str, input: serde_json::Value) -> String {
        let model = crate::model(service).unwrap();
        let operation = model.operation(operation).unwrap();
        match validate(model, operation, &Document::from_json(&input)) {
            Ok(()) => "fine".to_owned(),
            Err(violations) => violations.to_string(),
        }
    }

    #[test]
    fn scalars_are_told_in_the_wording_of_aws() {
        use serde_json::json;
        let table = [
            (check("lambda", "GetFunction", json!({"FunctionName": "hello"})), "fine"),
            (
                check("lambda", "GetFunction", json!({})),
                "1 validation error detected: Value null at 'functionName' failed to satisfy constraint: \
                 Member must not be null",
            ),
            (
                check("logs", "CreateLogGroup", json!({"logGroupName": "a b"})),
                "1 validation error detected: Value 'a b' at 'logGroupName' failed to satisfy constraint: \
                 Member must satisfy regular expression pattern: [\\.\\-_/#A-Za-z0-9]+",
            ),
            (
                check("logs", "CreateLogGroup", json!({"logGroupName": ""})),
                "2 validation errors detected: Value '' at 'logGroupName' failed to satisfy constraint: \
                 Member must satisfy regular expression pattern: [\\.\\-_/#A-Za-z0-9]+; \
                 Value '' at 'logGroupName' failed to satisfy constraint: \
                 Member must have length greater than or equal to 1",
            ),
            (
                check("lambda", "ListFunctions", json!({"MaxItems": 0})),
                "1 validation error detected: Value '0' at 'maxItems' failed to satisfy constraint: \
                 Member must have value greater than or equal to 1",
            ),
            (
                check("lambda", "Invoke", json!({"FunctionName": "f", "InvocationType": "Later"})),
                "1 validation error detected: Value 'Later' at 'invocationType' failed to satisfy constraint: \
                 Member must satisfy enum value set: [Event, RequestResponse, DryRun]",
            ),
        ];
        for (found, expected) in table {
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn what_lies_inside_is_told_with_its_path() {
        use serde_json::json;
        let function = |extra: serde_json::Value| {
            let mut input = json!({
                "FunctionName": "f", "Role": "arn:aws:iam::000000000000:role/r", "Code": {}, "Handler": "index.handler",
            });
            input.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
            check("lambda", "CreateFunction", input)
        };
        assert_eq!(function(json!({})), "fine");
        assert_eq!(
            function(json!({"Code": {"S3Bucket": "ab"}, "VpcConfig": {"SubnetIds": vec!["subnet-1"; 17]}})),
            format!(
                "2 validation errors detected: Value 'ab' at 'code.s3Bucket' failed to satisfy constraint: Member \
                 must have length greater than or equal to 3; Value '[{}]' at 'vpcConfig.subnetIds' failed to \
                 satisfy constraint: Member must have length less than or equal to 16",
                vec!["subnet-1"; 17].join(", ")
            ),
        );
    }

    #[test]
    fn lists_and_maps_are_told_as_a_whole() {
        use serde_json::json;
        assert_eq!(
            check("dynamodb", "BatchGetItem", json!({"RequestItems": {"table": {}}})),
            "1 validation error detected: Value null at 'requestItems.table.member.keys' failed to satisfy \
             constraint: Member must not be null",
        );
        assert_eq!(
            check("dynamodb", "TagResource", json!({"ResourceArn": "arn", "Tags": [{"Key": "a"}]})),
            "1 validation error detected: Value null at 'tags.1.member.value' failed to satisfy constraint: \
             Member must not be null",
        );
        assert_eq!(
            check("logs", "CreateLogGroup", json!({"logGroupName": "g", "tags": {"a": "x".repeat(257)}})),
            format!(
                "1 validation error detected: Value '{{a={}}}' at 'tags' failed to satisfy constraint: Map value \
                 must satisfy constraint: [Member must have length less than or equal to 256, Member must satisfy \
                 regular expression pattern: ^([\\p{{L}}\\p{{Z}}\\p{{N}}_.:/=+\\-@]*)$]",
                "x".repeat(257)
            ),
        );
        assert_eq!(
            check("sqs", "ReceiveMessage", json!({"QueueUrl": "q", "MessageSystemAttributeNames": ["Nope"]}))
                .split(" failed")
                .next()
                .unwrap(),
            "1 validation error detected: Value '[Nope]' at 'messageSystemAttributeNames'",
        );
    }

    #[test]
    fn sensitive_values_are_not_repeated() {
        use serde_json::json;
        assert_eq!(
            check(
                "cognito-idp",
                "SignUp",
                json!({"ClientId": "c", "Username": "u", "Password": "ab\u{1}".repeat(100)})
            ),
            "1 validation error detected: Value at 'password' failed to satisfy constraint: \
             Member must have length less than or equal to 256",
        );
    }

    #[test]
    fn streams_and_documents_are_left_alone() {
        use serde_json::json;
        assert_eq!(check("s3", "PutObject", json!({"Bucket": "b", "Key": "k"})), "fine");
        assert_eq!(check("stepfunctions", "ListStateMachines", json!({})), "fine");
    }

    #[test]
    fn violations_and_values_are_bounded() {
        use serde_json::json;
        let entries = vec![json!({}); 500];
        let model = crate::model("sqs").unwrap();
        let operation = model.operation("SendMessageBatch").unwrap();
        let input = Document::from_json(&json!({"QueueUrl": "q", "Entries": entries}));
        assert_eq!(validate(model, operation, &input).unwrap_err().0.len(), MAX_VIOLATIONS);
        let long = check("logs", "CreateLogGroup", json!({"logGroupName": "x ".repeat(100_000)}));
        assert!(long.len() < 3 * MAX_PRINTED_BYTES, "{}", long.len());
    }
}
