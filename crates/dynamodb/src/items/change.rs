//! What a write makes of an item. Pure: the item before in, the item after or the refusal out.

use super::ITEM_BYTES_MAX;
use super::check;
use crate::expression::{Condition, Projection, SizeCost, Update, holds};
use crate::table::Table;
use crate::value::{self, Attributes};

/// What is to be done with one item.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    Put(Attributes),
    /// A put where nothing is yet.
    Insert(Attributes),
    Update {
        update: Update,
        /// Whether the size is measured as the stand-alone update measures it.
        stands_alone: bool,
    },
    Delete,
    /// Nothing; its condition counts.
    Check,
}

/// Why nothing is done.
#[derive(Debug, PartialEq)]
pub(crate) enum Refusal {
    Condition,
    /// An item to be inserted is there already.
    Duplicate,
    /// The whole message.
    Invalid(String),
}

/// The item after the change.
#[derive(Debug)]
pub(crate) struct Changed {
    pub(crate) new: Option<Attributes>,
    /// The parts that an update wrote.
    pub(crate) touched: Option<Projection>,
}

/// Which attributes a write answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Returned {
    None,
    AllOld,
    AllNew,
    UpdatedOld,
    UpdatedNew,
}

impl Returned {
    pub(crate) fn named(name: Option<&str>) -> Self {
        match name {
            Some("ALL_OLD") => Returned::AllOld,
            Some("ALL_NEW") => Returned::AllNew,
            Some("UPDATED_OLD") => Returned::UpdatedOld,
            Some("UPDATED_NEW") => Returned::UpdatedNew,
            _ => Returned::None,
        }
    }

    /// What is answered of a change; `None` when there is nothing to say.
    pub(crate) fn of(
        self,
        old: Option<&Attributes>,
        new: Option<&Attributes>,
        touched: Option<&Projection>,
    ) -> Option<Attributes> {
        let part = |item: Option<&Attributes>| {
            let part = touched?.of(item?);
            (!part.is_empty()).then_some(part)
        };
        match self {
            Returned::None => None,
            Returned::AllOld => old.cloned(),
            Returned::AllNew => new.cloned(),
            Returned::UpdatedOld => part(old),
            Returned::UpdatedNew => part(new),
        }
    }
}

/// Applies a change to the item at its key; `key` holds the key attributes, for an update that creates the item.
pub(crate) fn apply(
    table: &Table,
    key: &Attributes,
    change: Change,
    condition: Option<&Condition>,
    old: Option<&Attributes>,
) -> Result<Changed, Refusal> {
    let nothing = Attributes::new();
    if let Some(condition) = condition
        && !holds(condition, old.unwrap_or(&nothing))
    {
        return Err(Refusal::Condition);
    }
    match change {
        Change::Insert(_) if old.is_some() => Err(Refusal::Duplicate),
        Change::Put(item) | Change::Insert(item) => {
            check::check_index_keys(table, &item).map_err(Refusal::Invalid)?;
            Ok(Changed { new: Some(item), touched: None })
        }
        Change::Delete => Ok(Changed { new: None, touched: None }),
        Change::Check => Ok(Changed { new: old.cloned(), touched: None }),
        Change::Update { update, stands_alone } => {
            let before = old.unwrap_or(key);
            let applied = update.apply(before).map_err(|error| Refusal::Invalid(error.to_string()))?;
            check::check_index_keys(table, &applied.item).map_err(Refusal::Invalid)?;
            let mut size = value::size_bytes(&applied.item);
            if stands_alone {
                size = size.max(written_bytes(&update, &applied.item) + SizeCost::of(&update));
            }
            if size > ITEM_BYTES_MAX {
                return Err(Refusal::Invalid(
                    "Item size to update has exceeded the maximum allowed size".to_owned(),
                ));
            }
            let touched = Some(Projection { paths: applied.touched, is_flat: false });
            Ok(Changed { new: Some(applied.item), touched })
        }
    }
}

/// The sizes of the attributes that an update writes, as they are afterwards.
fn written_bytes(update: &Update, after: &Attributes) -> usize {
    let names: std::collections::BTreeSet<&str> = update.targets().map(|path| path.root.as_str()).collect();
    names.iter().filter_map(|name| Some(name.len() + after.get(*name)?.size_bytes())).sum()
}

/// The limit on a whole item that is put.
pub(crate) fn check_item_size(item: &Attributes) -> Result<(), String> {
    if value::size_bytes(item) > ITEM_BYTES_MAX {
        return Err("Item size has exceeded the maximum allowed size".to_owned());
    }
    Ok(())
}
