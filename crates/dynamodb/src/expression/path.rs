//! Document paths: `a.b[2].c`.

use std::fmt;

use crate::value::{Attributes, Value};

/// Where a value lies in an item: a name first, then names and list positions.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Path {
    pub(crate) root: String,
    pub(crate) steps: Vec<Step>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Step {
    Name(String),
    Index(usize),
}

/// How two paths of one expression are in each other's way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Clash {
    /// One lies within the other, or they are the same.
    Overlap,
    /// They take one value as a map and as a list.
    Conflict,
}

impl Path {
    pub(crate) fn attribute(name: impl Into<String>) -> Self {
        Path { root: name.into(), steps: Vec::new() }
    }

    pub(crate) fn is_nested(&self) -> bool {
        !self.steps.is_empty()
    }

    /// The last of the names on the way.
    pub(crate) fn last_name(&self) -> &str {
        let name = self.steps.iter().rev().find_map(|step| match step {
            Step::Name(name) => Some(name),
            Step::Index(_) => None,
        });
        name.unwrap_or(&self.root)
    }

    /// The value there, if there is one.
    pub(crate) fn find<'a>(&self, item: &'a Attributes) -> Option<&'a Value> {
        self.steps.iter().try_fold(item.get(&self.root)?, |value, step| step.of(value))
    }

    pub(crate) fn clash(&self, other: &Path) -> Option<Clash> {
        if self.root != other.root {
            return None;
        }
        for pair in self.steps.iter().zip(&other.steps) {
            match pair {
                (Step::Name(_), Step::Index(_)) | (Step::Index(_), Step::Name(_)) => {
                    return Some(Clash::Conflict);
                }
                (own, others) if own != others => return None,
                _ => {}
            }
        }
        Some(Clash::Overlap)
    }
}

impl Step {
    fn of<'a>(&self, value: &'a Value) -> Option<&'a Value> {
        match (self, value) {
            (Step::Name(name), Value::Map(entries)) => entries.get(name),
            (Step::Index(index), Value::List(items)) => items.get(*index),
            _ => None,
        }
    }
}

/// As error texts show it: `[a, b, [2]]`.
impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}", self.root)?;
        for step in &self.steps {
            match step {
                Step::Name(name) => write!(f, ", {name}")?,
                Step::Index(index) => write!(f, ", [{index}]")?,
            }
        }
        f.write_str("]")
    }
}

/// The first two of the paths that are in each other's way, in the words of the service.
pub(crate) fn clash_text<'p>(paths: impl IntoIterator<Item = &'p Path>) -> Option<(Clash, String)> {
    let mut seen: Vec<&Path> = Vec::new();
    for path in paths {
        for earlier in &seen {
            let Some(clash) = earlier.clash(path) else { continue };
            let verb = match clash {
                Clash::Overlap => "overlap",
                Clash::Conflict => "conflict",
            };
            return Some((
                clash,
                format!(
                    "Two document paths {verb} with each other; must remove or rewrite one of these paths; \
                     path one: {earlier}, path two: {path}"
                ),
            ));
        }
        seen.push(path);
    }
    None
}
