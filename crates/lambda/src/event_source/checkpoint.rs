//! How far a mapping is done with a shard.

use serde::{Deserialize, Serialize};
use service::{Context, Result, Scope, Table};

use super::mapping::Mapping;
use super::source::Position;
use super::window::Window;
use crate::functions::rows;

/// By the mapping's key and the shard.
pub(crate) static CHECKPOINTS: Table<Checkpoint> = Table::installation("lambda", "event-source-checkpoints");

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Checkpoint {
    pub(crate) position: Position,
    /// The tumbling window that is open, with what the function made of it so far.
    #[serde(default)]
    pub(crate) window: Option<Window>,
}

impl Checkpoint {
    pub(crate) fn at(position: Position) -> Self {
        Checkpoint { position, window: None }
    }

    pub(crate) fn key(mapping: &Mapping, shard: &str) -> String {
        format!("{}/{shard}", mapping.key())
    }

    pub(crate) async fn load(cx: &Context, mapping: &Mapping, shard: &str) -> Result<Option<Self>> {
        let scope = Scope::default();
        rows(cx, &scope, &CHECKPOINTS).get(&Self::key(mapping, shard)).await
    }

    /// Durable when it returns.
    pub(crate) async fn save(&self, cx: &Context, mapping: &Mapping, shard: &str) -> Result<()> {
        let scope = Scope::default();
        rows(cx, &scope, &CHECKPOINTS).put(&Self::key(mapping, shard), self).await
    }
}
