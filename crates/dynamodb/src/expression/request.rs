//! The expressions of one request, read together: they share their placeholders.

use wire::{Document, Map};

use super::parse::Placeholders;
use super::parse_condition::parse_condition;
use super::parse_update::parse_update;
use super::projection::parse_projection;
use super::{Condition, Projection, Role, Update};
use crate::value::{Layer, has_empty_name, read_value};

/// The expression parameters of a request, as they came.
#[derive(Debug, Default)]
pub(crate) struct Parameters<'r> {
    /// Those the operation has, given or not, in the order in which errors list them.
    pub(crate) expressions: Vec<(Role, Option<&'r str>)>,
    /// The names of those of the older API that were given.
    pub(crate) older: Vec<&'static str>,
    pub(crate) names: Option<Document>,
    pub(crate) values: Option<Document>,
    pub(crate) layer: Option<Layer>,
}

/// The expressions of a request.
#[derive(Debug, Default)]
pub(crate) struct Expressions {
    pub(crate) update: Option<Update>,
    /// A condition or a filter; no operation has both.
    pub(crate) condition: Option<Condition>,
    pub(crate) key_condition: Option<Condition>,
    pub(crate) projection: Option<Projection>,
}

impl Parameters<'_> {
    fn given(&self) -> impl Iterator<Item = (Role, &str)> {
        self.expressions.iter().filter_map(|(role, text)| Some((*role, (*text)?)))
    }

    /// Whether these parameters may come together.
    pub(crate) fn check_combination(&self) -> Result<(), String> {
        let given: Vec<&str> = self.given().map(|(role, _)| role.parameter()).collect();
        if !given.is_empty() && !self.older.is_empty() {
            return Err(format!(
                "Can not use both expression and non-expression parameters in the same request: \
                 Non-expression parameters: {{{}}} Expression parameters: {{{}}}",
                self.older.join(", "),
                given.join(", ")
            ));
        }
        if self.names.is_some() && given.is_empty() {
            return Err("ExpressionAttributeNames can only be specified when using expressions".to_owned());
        }
        let with_values: Vec<Role> =
            self.expressions.iter().map(|(role, _)| *role).filter(|role| *role != Role::Projection).collect();
        let has_one = self.given().any(|(role, _)| role != Role::Projection);
        if self.values.is_some() && !has_one && !with_values.is_empty() {
            let text = "ExpressionAttributeValues can only be specified when using expressions";
            if self.layer == Some(Layer::Enveloped) {
                return Err(text.to_owned());
            }
            let names: Vec<&str> = with_values.iter().map(|role| role.parameter()).collect();
            let verb = if names.len() == 1 { "is" } else { "are" };
            return Err(format!("{text}: {} {verb} null", names.join(" and ")));
        }
        Ok(())
    }

    /// Reads them all; the error is the whole message.
    pub(crate) fn read(mut self) -> Result<Expressions, String> {
        let mut placeholders = self.placeholders()?;
        let mut read = Expressions::default();
        // The order in which the first problem is reported, whatever the order of the parameters.
        for wanted in [Role::Update, Role::Condition, Role::KeyCondition, Role::Filter, Role::Projection] {
            for (role, text) in self.given() {
                if role != wanted {
                    continue;
                }
                let invalid = |problem: String| format!("Invalid {}: {problem}", role.parameter());
                match role {
                    Role::Update => {
                        read.update = Some(parse_update(text, &mut placeholders).map_err(invalid)?)
                    }
                    Role::Condition | Role::Filter => {
                        read.condition =
                            Some(parse_condition(text, role, &mut placeholders).map_err(invalid)?);
                    }
                    Role::KeyCondition => {
                        read.key_condition =
                            Some(parse_condition(text, role, &mut placeholders).map_err(invalid)?);
                    }
                    Role::Projection => {
                        read.projection = Some(parse_projection(text, &mut placeholders).map_err(invalid)?);
                    }
                }
            }
        }
        let unused = |parameter: &str, keys: Vec<&String>| {
            let keys: Vec<&str> = keys.into_iter().map(String::as_str).collect();
            format!("Value provided in {parameter} unused in expressions: keys: {{{}}}", keys.join(", "))
        };
        let names: Vec<&String> =
            placeholders.names.keys().filter(|name| !placeholders.used_names.contains(*name)).collect();
        if !names.is_empty() {
            return Err(unused("ExpressionAttributeNames", names));
        }
        let values: Vec<&String> =
            placeholders.values.keys().filter(|name| !placeholders.used_values.contains(*name)).collect();
        if !values.is_empty() {
            return Err(unused("ExpressionAttributeValues", values));
        }
        Ok(read)
    }

    fn placeholders(&mut self) -> Result<Placeholders, String> {
        let mut placeholders = Placeholders::default();
        if let Some(names) = self.names.take() {
            for (key, name) in entries(names, "ExpressionAttributeNames", '#')? {
                let Document::Text(name) = name else { continue };
                if name.is_empty() || name.len() > NAME_BYTES_MAX {
                    let problem = if name.is_empty() { "empty" } else { "too long" };
                    return Err(format!(
                        "ExpressionAttributeNames contains invalid value: The expression attribute name is {problem}; \
                         key: {key}"
                    ));
                }
                placeholders.names.insert(key, name);
            }
        }
        if let Some(values) = self.values.take() {
            for (key, value) in entries(values, "ExpressionAttributeValues", ':')? {
                let layer = self.layer.unwrap_or(Layer::Bare);
                let value = read_value(value).map_err(|problem| match layer {
                    Layer::Older => format!(
                        "ExpressionAttributeValues contains invalid value: {} for key {key}",
                        problem.text(layer)
                    ),
                    _ => problem.text(layer),
                })?;
                if has_empty_name(&value) {
                    return Err("Empty attribute name".to_owned());
                }
                placeholders.values.insert(key, value);
            }
        }
        Ok(placeholders)
    }
}

/// Longest name of an attribute, in bytes.
const NAME_BYTES_MAX: usize = 64 * 1024 - 1;

/// The entries of a map of placeholders, once all their names are placeholders.
fn entries(document: Document, parameter: &str, sign: char) -> Result<Map, String> {
    let Document::Map(entries) = document else { return Ok(Map::default()) };
    if entries.is_empty() {
        return Err(format!("{parameter} must not be empty"));
    }
    for key in entries.keys() {
        let name = key.strip_prefix(sign).unwrap_or_default();
        let is_plain =
            !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if !is_plain {
            return Err(format!("{parameter} contains invalid key: Syntax error; key: \"{key}\""));
        }
    }
    Ok(entries)
}
