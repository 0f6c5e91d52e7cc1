//! What is refused of a request before anything of it is used: members that break a constraint, in the order and the
//! words of the service.
//!
//! The service has two layers of these checks. The older one tells every broken member at once, in an order of its own
//! per operation. The newer one goes in stages and tells the first that finds something; it has other words for some
//! members. Which of them speaks depends on the operation, and on the request: without its key, or nested very deeply, a
//! write is read by the older one.

mod printed;

use service::{Failure, Judge, Result};
use wire::{Document, Violation};

use crate::table::{NameProblem, name_problems};

/// Levels of lists and maps from which on writes of single items are read by the older layer.
const OLDER_FROM_LEVELS: usize = 62;

pub(crate) const PUT_ITEM: Judge = |input, broken| single_write(input, broken, Write::Put);
pub(crate) const DELETE_ITEM: Judge = |input, broken| single_write(input, broken, Write::Delete);

pub(crate) const UPDATE_ITEM: Judge = |input, broken| {
    let problems = Problems::of(broken);
    if problems.has_null() || problems.are_told_older(input) {
        return problems.all(&WRITE_ORDER);
    }
    empty_name_alone(input)?;
    let names = name_problems(name_of(input));
    let mut names: Vec<String> = names.into_iter().map(|problem| older_name(input, problem)).collect();
    names.reverse();
    refuse(&names)?;
    if problems.find("returnValues").is_some() {
        return refuse(&[RETURN_VALUES.to_owned()]);
    }
    for (member, is_enveloped) in [
        ("returnValuesOnConditionCheckFailure", false),
        ("returnItemCollectionMetrics", true),
        ("returnConsumedCapacity", false),
    ] {
        match problems.find(member) {
            Some(text) if is_enveloped => return refuse(&[text.to_owned()]),
            Some(text) => return Err(Failure::validation(text)),
            None => {}
        }
    }
    problems.without(&["conditionalOperator"]).all(&WRITE_ORDER)
};

pub(crate) const GET_ITEM: Judge = |input, broken| {
    let problems = Problems::of(broken);
    if problems.has_null() {
        return problems.all(&["returnConsumedCapacity", "tableName", "attributesToGet", "key"]);
    }
    empty_name_alone(input)?;
    problems.with_name(input).all(&["tableName", "returnConsumedCapacity"])
};

pub(crate) const QUERY: Judge = |input, broken| search(input, broken, &["limit"]);
pub(crate) const SCAN: Judge = |input, broken| search(input, broken, &["limit", "segment", "totalSegments"]);

pub(crate) const BATCH_GET_ITEM: Judge = |input, broken| {
    let problems = Problems::of(broken).with_batch_names(input, printed::keys);
    if problems.has_null() {
        return problems.all(&["returnConsumedCapacity"]);
    }
    if broken.iter().any(|found| found.path == "requestItems" && found.value == "'{}'") {
        return refuse(&[newer("RequestItems", "Member must have length greater than or equal to 1")]);
    }
    let is_key_list = |path: &str| path.starts_with("requestItems.") && path.ends_with(".keys");
    if problems.0.iter().all(|(path, _)| is_key_list(path))
        && let Some(list) = broken.iter().find(|found| is_key_list(&found.path))
    {
        let path = list.path.replacen("requestItems", "RequestItems", 1);
        let path = format!("{}.Keys", path.trim_end_matches(".keys"));
        return refuse(&[newer(&path, &list.constraint)]);
    }
    problems.all(&["requestItems", "returnConsumedCapacity"])
};

/// Enums first; the items only when those are right.
pub(crate) const BATCH_WRITE_ITEM: Judge = |input, broken| {
    let problems = Problems::of(broken);
    let enums = problems.only(&["returnConsumedCapacity", "returnItemCollectionMetrics"]);
    enums.all(&["returnConsumedCapacity", "returnItemCollectionMetrics"])?;
    if broken.iter().any(|found| found.path == "requestItems" && found.value == "'{}'") {
        return refuse(&[newer("RequestItems", "Member must have length greater than or equal to 1")]);
    }
    let is_list = |found: &&Violation| {
        found.path.starts_with("requestItems.") && found.path.ends_with(".member") && found.value != "null"
    };
    if let Some(list) = broken.iter().find(is_list) {
        let lists = input.get("RequestItems").and_then(Document::as_map);
        let name = list.path.trim_start_matches("requestItems.").trim_end_matches(".member");
        let is_empty = lists
            .and_then(|lists| lists.get(name))
            .is_some_and(|list| matches!(list, Document::List(items) if items.is_empty()));
        if is_empty {
            return refuse(&[format!(
                "Value '{{{name}=[]}}' at 'requestItems' failed to satisfy constraint: Map value must satisfy constraint: \
                 [Member must have length less than or equal to 25, Member must have length greater than or equal to 1]"
            )]);
        }
        return refuse(&[newer(&format!("RequestItems.{name}.member"), &list.constraint)]);
    }
    problems.with_batch_names(input, printed::writes).all(&["requestItems"])
};

pub(crate) const TRANSACT_WRITE_ITEMS: Judge = |input, broken| {
    let problems = Problems::of(broken);
    if let Some(token) = broken.iter().find(|found| found.path == "clientRequestToken") {
        return refuse(&[newer("ClientRequestToken", &token.constraint)]);
    }
    problems.with_nested_names(input).all(&["returnConsumedCapacity", "returnItemCollectionMetrics"])
};

pub(crate) const TRANSACT_GET_ITEMS: Judge =
    |input, broken| Problems::of(broken).with_nested_names(input).all(&["returnConsumedCapacity"]);

pub(crate) const CREATE_TABLE: Judge = |input, broken| {
    require_name(input)?;
    Problems::of(broken).all(&["globalSecondaryIndexes", "localSecondaryIndexes"])
};

/// Operations on a table that is there have words of their own for its name.
pub(crate) const TABLE: Judge = |input, broken| {
    require_name(input)?;
    let name = name_of(input);
    let has_wrong_length = name_problems(name).iter().any(|problem| *problem != NameProblem::Pattern);
    if has_wrong_length || name.is_some_and(str::is_empty) {
        return Err(Failure::validation(
            "TableName must be at least 3 characters long and at most 255 characters long",
        ));
    }
    Problems::of(broken).all(&[])
};

fn require_name(input: &Document) -> Result<()> {
    if name_of(input).is_some() {
        return Ok(());
    }
    Err(Failure::validation("The parameter 'TableName' is required but was not present in the request"))
}

const WRITE_ORDER: [&str; 8] = [
    "returnConsumedCapacity",
    "tableName",
    "returnValues",
    "returnValuesOnConditionCheckFailure",
    "returnItemCollectionMetrics",
    "conditionalOperator",
    "item",
    "key",
];

/// In the service's own spelling.
const RETURN_VALUES: &str = "Failed to satisfy constraint: Member must satisfy enum value set: [ALL_OLD, UPDATED_OLD, ALL_NEW, UPDATE_NEW, NONE]";
/// What puts and deletes do not answer.
pub(crate) const OLD_OR_NONE: &str = "ReturnValues can only be ALL_OLD or NONE";

#[derive(Clone, Copy, PartialEq, Eq)]
enum Write {
    Put,
    Delete,
}

fn single_write(input: &Document, broken: &[Violation], write: Write) -> Result<()> {
    let asked = input.get("ReturnValues").and_then(Document::as_str);
    let problems = Problems::of(broken);
    if problems.has_null() || problems.are_told_older(input) {
        return problems.all(&WRITE_ORDER);
    }
    let is_unsupported = write == Write::Delete
        && problems.find("returnValues").is_none()
        && asked.is_some_and(|asked| !matches!(asked, "ALL_OLD" | "NONE"));
    if is_unsupported && is_very_deep(input) {
        return Err(Failure::validation(OLD_OR_NONE));
    }
    empty_name_alone(input)?;
    let mut problems = problems.without(&["conditionalOperator"]).with_name(input);
    for (path, text) in &mut problems.0 {
        if path == "returnValues" {
            RETURN_VALUES.clone_into(text);
        }
    }
    if is_unsupported {
        problems.0.push(("~".to_owned(), OLD_OR_NONE.to_owned()));
    }
    problems.all(&[
        "tableName",
        "returnConsumedCapacity",
        "returnValues",
        "returnItemCollectionMetrics",
        "returnValuesOnConditionCheckFailure",
    ])
}

/// Queries and scans. `Select`, the operator of conditions and the operators in them are looked at later, when the
/// parameters are known to go together.
fn search(input: &Document, broken: &[Violation], numbers: &[&str]) -> Result<()> {
    const ORDER: [&str; 9] = [
        "select",
        "totalSegments",
        "returnConsumedCapacity",
        "tableName",
        "conditionalOperator",
        "keyConditions",
        "scanFilter",
        "segment",
        "limit",
    ];
    let problems = Problems::of(broken);
    if problems.has_null() {
        return problems.all(&ORDER);
    }
    let mut first: Vec<String> = Vec::new();
    for number in numbers {
        if let Some(found) = broken.iter().find(|found| found.path == *number) {
            first.push(newer(&capitalised(number), &found.constraint));
        }
    }
    if name_of(input).is_some_and(str::is_empty) {
        first.push(empty_name());
    }
    refuse(&first)?;
    let later = ["select", "conditionalOperator"];
    problems.without(&later).with_name(input).all(&["tableName", "indexName", "returnConsumedCapacity"])
}

/// Broken members by their paths, each with its sentence.
struct Problems(Vec<(String, String)>);

impl Problems {
    /// The sentences of the older layer; what the operators of single conditions are is looked at later.
    fn of(broken: &[Violation]) -> Self {
        let told = broken
            .iter()
            .filter(|found| !(found.path.ends_with(".member.comparisonOperator") && found.value != "null"));
        Problems(told.map(|found| (found.path.clone(), older(found))).collect())
    }

    fn find(&self, member: &str) -> Option<&str> {
        self.0.iter().find(|(path, _)| path == member).map(|(_, text)| text.as_str())
    }

    fn has_null(&self) -> bool {
        self.0.iter().any(|(_, text)| text.starts_with("Value null "))
    }

    /// Whether something is broken that the newer layer would tell otherwise, in a request that it does not read.
    fn are_told_older(&self, input: &Document) -> bool {
        !self.0.is_empty() && is_very_deep(input)
    }

    fn without(mut self, members: &[&str]) -> Self {
        self.0.retain(|(path, _)| !members.contains(&path.as_str()));
        self
    }

    fn only(&self, members: &[&str]) -> Self {
        Problems(self.0.iter().filter(|(path, _)| members.contains(&path.as_str())).cloned().collect())
    }

    /// With the first rule that the name of the table breaks.
    fn with_name(mut self, input: &Document) -> Self {
        if let Some(problem) = name_problems(name_of(input)).into_iter().next() {
            self.0.push(("tableName".to_owned(), older_name(input, problem)));
        }
        self
    }

    /// With the names of a batch's tables, all told once when one of them is wrong; `print` says how the items are shown.
    fn with_batch_names(mut self, input: &Document, print: fn(&Document) -> String) -> Self {
        let Some(items @ Document::Map(tables)) = input.get("RequestItems") else { return self };
        if tables.keys().all(|name| name_problems(Some(name.as_str())).is_empty()) {
            return self;
        }
        let rules =
            [NameProblem::TooLong, NameProblem::TooShort, NameProblem::Pattern].map(NameProblem::constraint);
        let constraint = format!("Map keys must satisfy constraint: [{}]", rules.join(", "));
        self.0.push(("requestItems".to_owned(), sentence(&print(items), "requestItems", &constraint)));
        self
    }

    /// With what is wrong with the names of tables in the actions of a transaction.
    fn with_nested_names(mut self, input: &Document) -> Self {
        let Some(Document::List(items)) = input.get("TransactItems") else { return self };
        for (index, item) in items.iter().enumerate() {
            for (action, content) in item.as_map().into_iter().flatten() {
                let name =
                    content.get("TableName").and_then(Document::as_str).filter(|name| !name.is_empty());
                if let (Some(problem), Some(name)) = (name_problems(name).into_iter().next(), name) {
                    let path = format!("transactItems.{}.member.{}.tableName", index + 1, lower(action));
                    let text = sentence(name, &path, problem.constraint());
                    self.0.push((path, text));
                }
            }
        }
        self
    }

    /// Refuses the request if there are any: those of the named members first, in that order.
    fn all(mut self, order: &[&str]) -> Result<()> {
        let place = |path: &str| {
            let member = path.split('.').next().unwrap_or_default();
            let key_last = order.len() + 1;
            order.iter().position(|known| *known == member).unwrap_or(key_last)
        };
        self.0.sort_by_key(|(path, _)| place(path));
        let texts: Vec<String> = self.0.into_iter().map(|(_, text)| text).collect();
        refuse(&texts)
    }
}

fn refuse(texts: &[String]) -> Result<()> {
    if texts.is_empty() {
        return Ok(());
    }
    let plural = if texts.len() == 1 { "" } else { "s" };
    Err(Failure::validation(format!(
        "{} validation error{plural} detected: {}",
        texts.len(),
        texts.join("; ")
    )))
}

fn newer(path: &str, constraint: &str) -> String {
    format!("Value at '{path}' failed to satisfy constraint: {constraint}")
}

fn sentence(value: &str, path: &str, constraint: &str) -> String {
    format!("Value '{value}' at '{path}' failed to satisfy constraint: {constraint}")
}

/// The older layer lists the values of an enum in another order than the model.
fn older(found: &Violation) -> String {
    let Violation { path, value, constraint } = found;
    let values = match path.rsplit('.').next() {
        Some("returnValues") => "ALL_NEW, UPDATED_OLD, ALL_OLD, NONE, UPDATED_NEW",
        Some("conditionalOperator") => "OR, AND",
        Some("select") => "SPECIFIC_ATTRIBUTES, COUNT, ALL_ATTRIBUTES, ALL_PROJECTED_ATTRIBUTES",
        Some("returnValuesOnConditionCheckFailure") => "ALL_OLD, NONE",
        _ => return format!("Value {value} at '{path}' failed to satisfy constraint: {constraint}"),
    };
    format!(
        "Value {value} at '{path}' failed to satisfy constraint: Member must satisfy enum value set: [{values}]"
    )
}

fn name_of(input: &Document) -> Option<&str> {
    input.get("TableName").and_then(Document::as_str)
}

fn older_name(input: &Document, problem: NameProblem) -> String {
    sentence(name_of(input).unwrap_or_default(), "tableName", problem.constraint())
}

fn empty_name() -> String {
    newer("TableName", "Member must have length greater than or equal to 1")
}

fn empty_name_alone(input: &Document) -> Result<()> {
    if name_of(input).is_some_and(str::is_empty) { refuse(&[empty_name()]) } else { Ok(()) }
}

fn is_very_deep(input: &Document) -> bool {
    /// Every level of an attribute is a map with its type, and a list or map in it.
    const DOCUMENT_LEVELS: usize = 2 * OLDER_FROM_LEVELS;
    fn is_deeper(document: &Document, levels: usize) -> bool {
        match document {
            Document::List(_) | Document::Map(_) if levels == 0 => true,
            Document::List(items) => items.iter().any(|item| is_deeper(item, levels - 1)),
            Document::Map(entries) => entries.values().any(|value| is_deeper(value, levels - 1)),
            _ => false,
        }
    }
    is_deeper(input, DOCUMENT_LEVELS)
}

fn capitalised(member: &str) -> String {
    let mut letters = member.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn lower(member: &str) -> String {
    let mut letters = member.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}
