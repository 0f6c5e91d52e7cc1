//! What an update makes of an item.

use std::borrow::Cow;

use super::path::{Path, Step, clash_text};
use crate::value::{Attributes, NESTING_LEVELS_MAX, Number, NumberError, Value};

/// The sections of an update. All of it looks at the item as it was before.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Update {
    pub(crate) set: Vec<Assignment>,
    pub(crate) remove: Vec<Path>,
    pub(crate) add: Vec<(Path, Value)>,
    pub(crate) delete: Vec<(Path, Value)>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Assignment {
    pub(crate) path: Path,
    pub(crate) term: Term,
}

/// What an attribute is set to.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Term {
    Path(Path),
    Value(Value),
    Plus(Box<Term>, Box<Term>),
    Minus(Box<Term>, Box<Term>),
    IfNotExists(Path, Box<Term>),
    Append(Box<Term>, Box<Term>),
}

/// Why an update cannot be made on this item. The texts are what clients read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum UpdateError {
    #[error("The provided expression refers to an attribute that does not exist in the item")]
    Missing,
    #[error("An operand in the update expression has an incorrect data type")]
    OperandKind,
    #[error("The document path provided in the update expression is invalid for update")]
    Path,
    #[error(
        "Nesting Levels have exceeded supported limits: Attributes in the item have nested levels beyond supported limit"
    )]
    TooDeep,
    #[error("{0}")]
    Number(#[from] NumberError),
}

/// The item after an update.
#[derive(Debug, PartialEq)]
pub(crate) struct Applied {
    pub(crate) item: Attributes,
    /// What was changed, for the answers that show only that.
    pub(crate) touched: Vec<Path>,
}

/// How the stand-alone update measures what it writes, besides names and values: three bytes, and some for each
/// clause.
///
/// Observed behaviour of the service; its guide says nothing of it.
pub(crate) struct SizeCost;

impl SizeCost {
    const UPDATE_BYTES: usize = 3;
    const WRITE_BYTES: usize = 19;
    const LIST_WRITE_BYTES: usize = 20;
    const REMOVAL_BYTES: usize = 2;

    pub(crate) fn of(update: &Update) -> usize {
        let write = |path: &Path| match path.steps.last() {
            Some(Step::Index(_)) => Self::LIST_WRITE_BYTES,
            _ => Self::WRITE_BYTES,
        };
        let writes: usize = update.set.iter().map(|assignment| write(&assignment.path)).sum::<usize>()
            + update.add.iter().map(|(path, _)| write(path)).sum::<usize>();
        Self::UPDATE_BYTES + writes + Self::REMOVAL_BYTES * (update.remove.len() + update.delete.len())
    }
}

impl Update {
    /// Every path that is written.
    pub(crate) fn targets(&self) -> impl Iterator<Item = &Path> {
        let set = self.set.iter().map(|assignment| &assignment.path);
        let changes = self.add.iter().chain(&self.delete).map(|(path, _)| path);
        set.chain(&self.remove).chain(changes)
    }

    /// Every path that is written or read, by the sections in which they stand.
    pub(crate) fn paths<'u>(&'u self, visit: &mut impl FnMut(&'u Path)) {
        self.targets().for_each(&mut *visit);
        self.set.iter().for_each(|assignment| assignment.term.paths(visit));
    }

    /// The values the expression itself writes to whole attributes.
    pub(crate) fn plain_values(&self) -> impl Iterator<Item = (&str, &Value)> {
        let set = self.set.iter().filter_map(|assignment| match &assignment.term {
            Term::Value(value) if !assignment.path.is_nested() => {
                Some((assignment.path.root.as_str(), value))
            }
            _ => None,
        });
        set.chain(
            self.add
                .iter()
                .filter(|(path, _)| !path.is_nested())
                .map(|(path, value)| (path.root.as_str(), value)),
        )
    }

    /// The first two targets that are in each other's way, in the words of the service.
    pub(crate) fn clash(&self) -> Option<String> {
        clash_text(self.targets()).map(|(_, text)| text)
    }

    pub(crate) fn apply(&self, before: &Attributes) -> Result<Applied, UpdateError> {
        let mut after = before.clone();
        let mut touched = Vec::new();
        for Assignment { path, term } in &self.set {
            let value = term.evaluate(before)?.into_owned();
            put(&mut after, path, value)?;
            touched.push(path.clone());
        }
        for (path, value) in &self.add {
            let sum = match path.find(before) {
                Some(held) => added(held, value)?,
                None => value.clone(),
            };
            put(&mut after, path, sum)?;
            touched.push(path.clone());
        }
        for (path, value) in &self.delete {
            if let Some(held) = path.find(before) {
                match without(held, value)? {
                    Some(rest) => put(&mut after, path, rest)?,
                    None => remove(&mut after, path)?,
                }
            }
            touched.push(path.clone());
        }
        // The positions are those before the update, so the last of a list goes first.
        let mut removals: Vec<&Path> = self.remove.iter().collect();
        removals.sort_by_key(|path| std::cmp::Reverse(last_index(path)));
        for path in removals {
            remove(&mut after, path)?;
        }
        touched.extend(self.remove.iter().cloned());
        Ok(Applied { item: after, touched })
    }
}

fn last_index(path: &Path) -> Option<usize> {
    match path.steps.last() {
        Some(Step::Index(index)) => Some(*index),
        _ => None,
    }
}

impl Term {
    fn paths<'u>(&'u self, visit: &mut impl FnMut(&'u Path)) {
        match self {
            Term::Path(path) => visit(path),
            Term::Value(_) => {}
            Term::IfNotExists(path, other) => {
                visit(path);
                other.paths(visit);
            }
            Term::Plus(a, b) | Term::Minus(a, b) | Term::Append(a, b) => {
                a.paths(visit);
                b.paths(visit);
            }
        }
    }

    /// Terms are nested no deeper than expressions may be, so this may recurse.
    fn evaluate<'a>(&'a self, item: &'a Attributes) -> Result<Cow<'a, Value>, UpdateError> {
        match self {
            Term::Path(path) => path.find(item).map(Cow::Borrowed).ok_or(UpdateError::Missing),
            Term::Value(value) => Ok(Cow::Borrowed(value)),
            Term::IfNotExists(path, other) => match path.find(item) {
                Some(value) => Ok(Cow::Borrowed(value)),
                None => other.evaluate(item),
            },
            Term::Plus(a, b) => {
                let (a, b) = (number(&*a.evaluate(item)?)?, number(&*b.evaluate(item)?)?);
                Ok(Cow::Owned(Value::Number(a.plus(b)?)))
            }
            Term::Minus(a, b) => {
                let (a, b) = (number(&*a.evaluate(item)?)?, number(&*b.evaluate(item)?)?);
                Ok(Cow::Owned(Value::Number(a.minus(b)?)))
            }
            Term::Append(a, b) => match (a.evaluate(item)?.into_owned(), b.evaluate(item)?.into_owned()) {
                (Value::List(mut items), Value::List(more)) => {
                    items.extend(more);
                    Ok(Cow::Owned(Value::List(items)))
                }
                _ => Err(UpdateError::OperandKind),
            },
        }
    }
}

fn number(value: &Value) -> Result<Number, UpdateError> {
    match value {
        Value::Number(number) => Ok(*number),
        _ => Err(UpdateError::OperandKind),
    }
}

fn added(held: &Value, value: &Value) -> Result<Value, UpdateError> {
    Ok(match (held, value) {
        (Value::Number(held), Value::Number(value)) => Value::Number(held.plus(*value)?),
        (Value::Texts(held), Value::Texts(more)) => Value::Texts(held | more),
        (Value::Numbers(held), Value::Numbers(more)) => Value::Numbers(held | more),
        (Value::Binaries(held), Value::Binaries(more)) => Value::Binaries(held | more),
        // Only the older API can say this.
        (Value::List(held), Value::List(more)) => Value::List([held.as_slice(), more].concat()),
        _ => return Err(UpdateError::OperandKind),
    })
}

/// `None`: nothing is left, and empty sets there are not.
fn without(held: &Value, value: &Value) -> Result<Option<Value>, UpdateError> {
    let rest = match (held, value) {
        (Value::Texts(held), Value::Texts(less)) => Value::Texts(held - less),
        (Value::Numbers(held), Value::Numbers(less)) => Value::Numbers(held - less),
        (Value::Binaries(held), Value::Binaries(less)) => Value::Binaries(held - less),
        _ => return Err(UpdateError::OperandKind),
    };
    let is_empty = match &rest {
        Value::Texts(set) => set.is_empty(),
        Value::Numbers(set) => set.is_empty(),
        Value::Binaries(set) => set.is_empty(),
        _ => false,
    };
    Ok((!is_empty).then_some(rest))
}

/// Puts a value where the path leads; what the last step is in must be there.
fn put(item: &mut Attributes, path: &Path, value: Value) -> Result<(), UpdateError> {
    if path.steps.len() + value.levels() > NESTING_LEVELS_MAX {
        return Err(UpdateError::TooDeep);
    }
    let Some((last, way)) = path.steps.split_last() else {
        item.insert(path.root.clone(), value);
        return Ok(());
    };
    match (container(item, path, way).ok_or(UpdateError::Path)?, last) {
        (Value::Map(entries), Step::Name(name)) => {
            entries.insert(name.clone(), value);
        }
        (Value::List(items), Step::Index(index)) => match items.get_mut(*index) {
            Some(place) => *place = value,
            None => items.push(value),
        },
        _ => return Err(UpdateError::Path),
    }
    Ok(())
}

/// Removes what is there; that nothing is there is fine, unless the way to it does not exist.
fn remove(item: &mut Attributes, path: &Path) -> Result<(), UpdateError> {
    let Some((last, way)) = path.steps.split_last() else {
        item.remove(&path.root);
        return Ok(());
    };
    match (container(item, path, way).ok_or(UpdateError::Path)?, last) {
        (Value::Map(entries), Step::Name(name)) => {
            entries.remove(name);
        }
        (Value::List(items), Step::Index(index)) => {
            if *index < items.len() {
                items.remove(*index);
            }
        }
        _ => return Err(UpdateError::Path),
    }
    Ok(())
}

fn container<'a>(item: &'a mut Attributes, path: &Path, way: &[Step]) -> Option<&'a mut Value> {
    way.iter().try_fold(item.get_mut(&path.root)?, |value, step| match (value, step) {
        (Value::Map(entries), Step::Name(name)) => entries.get_mut(name),
        (Value::List(items), Step::Index(index)) => items.get_mut(*index),
        _ => None,
    })
}
