//! Parts of items.

use std::collections::BTreeMap;

use super::Role;
use super::parse::{Parser, Placeholders};
use super::path::{Clash, Path, Step, clash_text};
use super::problems::Rank;
use crate::value::{Attributes, Value};

/// Which parts of an item are asked for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Projection {
    pub(crate) paths: Vec<Path>,
    /// Whether each part is answered by itself, under the last name of its path, as PartiQL does.
    pub(crate) is_flat: bool,
}

/// Reads a projection. The error is the rest of the message after `Invalid ProjectionExpression: `.
pub(crate) fn parse_projection(text: &str, placeholders: &mut Placeholders) -> Result<Projection, String> {
    let mut parser = Parser::new(text, Role::Projection, placeholders)?;
    let mut paths = Vec::new();
    loop {
        paths.extend(parser.path(Rank::Reserved)?);
        if !parser.take_symbol(",") {
            break;
        }
    }
    if let Some((clash, text)) = clash_text(&paths) {
        let rank = if clash == Clash::Overlap { Rank::Overlap } else { Rank::Conflict };
        parser.problems.add(rank, || text);
    }
    parser.finish(Projection { paths, is_flat: false })
}

impl Projection {
    /// Whole attributes by name.
    pub(crate) fn of_attributes(names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Projection { paths: names.into_iter().map(Path::attribute).collect(), is_flat: false }
    }

    /// The names of the attributes that the parts lie in.
    pub(crate) fn attributes(&self) -> impl Iterator<Item = &str> {
        self.paths.iter().map(|path| path.root.as_str())
    }

    /// The parts of the item that are there. Elements of lists close up, in their order.
    pub(crate) fn of(&self, item: &Attributes) -> Attributes {
        if self.is_flat {
            let parts = self.paths.iter();
            return parts
                .filter_map(|path| Some((path.last_name().to_owned(), path.find(item)?.clone())))
                .collect();
        }
        let mut wanted = Wanted::default();
        for path in &self.paths {
            wanted.add(path);
        }
        let parts = wanted
            .attributes
            .iter()
            .filter_map(|(name, part)| Some((name.clone(), part.of(item.get(name)?)?)));
        parts.collect()
    }
}

/// The paths as a tree.
#[derive(Default)]
struct Wanted {
    attributes: BTreeMap<String, Part>,
}

#[derive(Default)]
struct Part {
    names: BTreeMap<String, Part>,
    indexes: BTreeMap<usize, Part>,
}

impl Wanted {
    fn add(&mut self, path: &Path) {
        let mut part = self.attributes.entry(path.root.clone()).or_default();
        for step in &path.steps {
            part = match step {
                Step::Name(name) => part.names.entry(name.clone()).or_default(),
                Step::Index(index) => part.indexes.entry(*index).or_default(),
            };
        }
    }
}

impl Part {
    fn of(&self, value: &Value) -> Option<Value> {
        if self.names.is_empty() && self.indexes.is_empty() {
            return Some(value.clone());
        }
        match value {
            Value::Map(entries) => {
                let parts: Attributes = self
                    .names
                    .iter()
                    .filter_map(|(name, part)| Some((name.clone(), part.of(entries.get(name)?)?)))
                    .collect();
                (!parts.is_empty()).then_some(Value::Map(parts))
            }
            Value::List(items) => {
                let parts: Vec<Value> =
                    self.indexes.iter().filter_map(|(index, part)| part.of(items.get(*index)?)).collect();
                (!parts.is_empty()).then_some(Value::List(parts))
            }
            _ => None,
        }
    }
}
