//! The rules on keys, in the words of the service. Errors are whole messages.

use super::{PARTITION_KEY_BYTES_MAX, SORT_KEY_BYTES_MAX};
use crate::expression::{Condition, Path, Projection, Update};
use crate::table::{Index, KeyAttribute, KeySchema, Table};
use crate::value::{Attributes, KeyPart, Kind, Value};

type Checked<T = ()> = Result<T, String>;

const INVALID: &str = "One or more parameter values were invalid: ";
const NOT_VALID: &str = "One or more parameter values are not valid. ";

pub(crate) fn schema_mismatch() -> String {
    "The provided key element does not match the schema".to_owned()
}

/// A key that names an item: its attributes and no others. Gives `false` when it does not fit the schema.
pub(crate) fn fits_schema(schema: &KeySchema, key: &Attributes) -> bool {
    let mut count = 0;
    for attribute in schema.attributes() {
        count += 1;
        let fits = key.get(&attribute.name).is_some_and(|value| value.kind() == attribute.kind.value_kind());
        if !fits {
            return false;
        }
    }
    key.len() == count
}

/// A key that names an item.
pub(crate) fn check_key(table: &Table, key: &Attributes) -> Checked {
    // An empty value is told before anything else is.
    check_not_empty(&table.key, key)?;
    if !fits_schema(&table.key, key) {
        return Err(schema_mismatch());
    }
    check_sizes(&table.key, key)
}

/// The key attributes of a whole item.
pub(crate) fn check_item_key(table: &Table, item: &Attributes) -> Checked {
    check_not_empty(&table.key, item)?;
    for attribute in table.key.attributes() {
        let Some(value) = item.get(&attribute.name) else {
            return Err(format!("{INVALID}Missing the key {} in the item", attribute.name));
        };
        if value.kind() != attribute.kind.value_kind() {
            return Err(format!(
                "{INVALID}Type mismatch for key {} expected: {} actual: {}",
                attribute.name,
                attribute.kind.value_kind(),
                value.kind()
            ));
        }
    }
    check_sizes(&table.key, item)
}

/// An empty text or binary where a key is; it is refused before types are.
pub(crate) fn check_not_empty(schema: &KeySchema, item: &Attributes) -> Checked {
    for attribute in schema.attributes() {
        if let Some(kind) = item.get(&attribute.name).and_then(empty_kind) {
            return Err(format!(
                "{NOT_VALID}The AttributeValue for a key attribute cannot contain an empty {kind} value. Key: {}",
                attribute.name
            ));
        }
    }
    Ok(())
}

fn empty_kind(value: &Value) -> Option<&'static str> {
    match value {
        Value::Text(text) if text.is_empty() => Some("string"),
        Value::Binary(bytes) if bytes.is_empty() => Some("binary"),
        _ => None,
    }
}

fn check_sizes(schema: &KeySchema, item: &Attributes) -> Checked {
    let size = |name: &str| item.get(name).and_then(KeyPart::of).map_or(0, |part| part.size_bytes());
    let partition: usize = schema.partition_names().map(size).sum();
    if partition > PARTITION_KEY_BYTES_MAX {
        return Err(format!(
            "{INVALID}Size of hashkey has exceeded the maximum size limit of{PARTITION_KEY_BYTES_MAX} bytes"
        ));
    }
    let sort: usize = schema.sort_names().map(size).sum();
    if sort > SORT_KEY_BYTES_MAX {
        return Err(format!(
            "{INVALID}Aggregated size of all range keys has exceeded the size limit of {SORT_KEY_BYTES_MAX} bytes"
        ));
    }
    Ok(())
}

/// The indexes in the order in which the service names them.
fn by_name(table: &Table) -> Vec<&Index> {
    let mut indexes: Vec<&Index> = table.kept_indexes().collect();
    indexes.sort_by(|a, b| a.name.cmp(&b.name));
    indexes
}

/// Empty values where an index has a key, in an item that is put.
pub(crate) fn check_index_keys_not_empty(table: &Table, item: &Attributes) -> Checked {
    for index in by_name(table) {
        for attribute in index.key.attributes().filter(|attribute| !table.key.names(&attribute.name)) {
            if let Some(kind) = item.get(&attribute.name).and_then(empty_kind) {
                return Err(format!(
                    "{NOT_VALID}A value specified for a secondary index key is not supported. The AttributeValue for a \
                     key attribute cannot contain an empty {kind} value. IndexName: {}, IndexKey: {}",
                    index.name, attribute.name
                ));
            }
        }
    }
    Ok(())
}

/// Empty values where an index has a key, that an update would write.
pub(crate) fn check_update_not_empty(table: &Table, update: &Update) -> Checked {
    for (name, value) in update.plain_values() {
        let is_index_key = table.kept_indexes().any(|index| index.key.names(name));
        if let Some(kind) = empty_kind(value).filter(|_| is_index_key) {
            return Err(format!(
                "{NOT_VALID}The update expression attempted to update a secondary index key to a value that is not \
                 supported. The AttributeValue for a key attribute cannot contain an empty {kind} value."
            ));
        }
    }
    Ok(())
}

/// The key attributes of indexes, in an item that is about to be stored.
pub(crate) fn check_index_keys(table: &Table, item: &Attributes) -> Checked {
    for index in by_name(table) {
        for attribute in index.key.attributes() {
            let Some(value) = item.get(&attribute.name) else { continue };
            if value.kind() != attribute.kind.value_kind() {
                return Err(format!(
                    "{INVALID}Type mismatch for Index Key {} Expected: {} Actual: {} IndexName: {}",
                    attribute.name,
                    attribute.kind.value_kind(),
                    value.kind(),
                    index.name
                ));
            }
        }
    }
    check_index_keys_not_empty(table, item)?;
    by_name(table).into_iter().try_for_each(|index| check_sizes(&index.key, item))
}

/// An update changes everything but the key.
pub(crate) fn check_update_targets(table: &Table, update: &Update) -> Checked {
    match update.targets().find(|path| table.key.names(&path.root)) {
        Some(path) => {
            Err(format!("{INVALID}Cannot update attribute {}. This attribute is part of the key", path.root))
        }
        None => Ok(()),
    }
}

/// Keys are scalars, so no path leads into one.
fn check_path(table: &Table, path: &Path) -> Checked {
    if !path.is_nested() {
        return Ok(());
    }
    let what = if table.key.names(&path.root) {
        "Key"
    } else if table.kept_indexes().any(|index| index.key.names(&path.root)) {
        "IndexKey"
    } else {
        return Ok(());
    };
    Err(format!(
        "Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: {what}: {}",
        path.root
    ))
}

/// No expression looks into a key.
pub(crate) fn check_expression_keys(
    table: &Table,
    condition: Option<&Condition>,
    update: Option<&Update>,
    projection: Option<&Projection>,
) -> Checked {
    let mut checked = Ok(());
    let mut visit = |path: &Path| {
        if checked.is_ok() {
            checked = check_path(table, path);
        }
    };
    if let Some(update) = update {
        update.paths(&mut visit);
    }
    if let Some(condition) = condition {
        condition.paths(&mut visit);
    }
    if let Some(projection) = projection {
        projection.paths.iter().for_each(&mut visit);
    }
    checked
}

/// The key attributes of an item.
pub(crate) fn key_of(schema: &KeySchema, item: &Attributes) -> Attributes {
    let names = schema.attributes().map(|attribute| attribute.name.as_str());
    names.filter_map(|name| Some((name.to_owned(), item.get(name)?.clone()))).collect()
}

/// Names of key attributes, and what they must be.
type Kinds<'s> = Vec<(&'s str, Kind)>;

/// Of the partition attributes, and of the sort attributes.
pub(crate) fn key_kinds(schema: &KeySchema) -> (Kinds<'_>, Kinds<'_>) {
    let kind = |key: &'_ KeyAttribute| key.kind.value_kind();
    let partition = schema.partition_attributes().map(|key| (key.name.as_str(), kind(key)));
    let sort = schema.sort_attributes().map(|key| (key.name.as_str(), kind(key)));
    (partition.collect(), sort.collect())
}
