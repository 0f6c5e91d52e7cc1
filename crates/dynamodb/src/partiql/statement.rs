//! What a statement says, with its parameters in place.

use crate::expression::{Condition, Path, Update};
use crate::items::Returned;
use crate::value::Attributes;

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Statement {
    Select(Select),
    Insert {
        table: String,
        item: Attributes,
    },
    Update {
        table: String,
        update: Update,
        condition: Condition,
        returned: Returned,
    },
    Delete {
        table: String,
        condition: Condition,
        returned: Returned,
    },
    /// Only in transactions: the item must meet the condition.
    Exists {
        table: String,
        condition: Condition,
    },
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Select {
    pub(crate) table: String,
    pub(crate) index: Option<String>,
    /// `None`: everything.
    pub(crate) paths: Option<Vec<Path>>,
    pub(crate) condition: Option<Condition>,
    /// Attributes to order by, and whether each descends.
    pub(crate) order: Vec<(String, bool)>,
}

impl Statement {
    pub(crate) fn table(&self) -> &str {
        match self {
            Statement::Select(select) => &select.table,
            Statement::Insert { table, .. }
            | Statement::Update { table, .. }
            | Statement::Delete { table, .. }
            | Statement::Exists { table, .. } => table,
        }
    }

    pub(crate) fn is_read(&self) -> bool {
        matches!(self, Statement::Select(_))
    }

    /// The action that policies decide on.
    pub(crate) fn action(&self) -> &'static str {
        match self {
            Statement::Select(_) | Statement::Exists { .. } => "PartiQLSelect",
            Statement::Insert { .. } => "PartiQLInsert",
            Statement::Update { .. } => "PartiQLUpdate",
            Statement::Delete { .. } => "PartiQLDelete",
        }
    }
}
