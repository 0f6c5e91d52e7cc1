//! Tables by name: remembered until they change.

use std::collections::HashMap;
use std::ops::Deref;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use bytes::Bytes;
use service::{AccountId, Context, Failure, Result, Scope};
use store::{Check, Txn, Version};

use super::{Sizes, Table, TableName};
use crate::error::Error;
use crate::keys::Keys;
use crate::limits::OPEN_TABLES_MAX;
use crate::tables::{decode, encode};

/// A table as it stood when it was last read, with what is counted about it.
#[derive(Debug)]
pub(crate) struct OpenTable {
    pub(crate) table: Table,
    pub(crate) sizes: Arc<Sizes>,
    row: Bytes,
    version: Version,
}

impl Deref for OpenTable {
    type Target = Table;

    fn deref(&self) -> &Table {
        &self.table
    }
}

impl OpenTable {
    /// The condition of every write of an item or an index entry: the table is still what it was when it was opened.
    /// When it does not hold, [`Tables::forget`] the table, open it again and decide anew.
    pub(crate) fn unchanged(&self) -> Check {
        Check::Version(self.row.clone(), Some(self.version))
    }
}

type Place = (Scope, String);

/// The tables that were read.
#[derive(Default)]
pub(crate) struct Tables {
    known: RwLock<HashMap<Place, Arc<OpenTable>>>,
    /// Outlive what is remembered of a table; by the table's own id, so that a new table counts anew.
    sizes: RwLock<HashMap<crate::keys::StorageId, Arc<Sizes>>>,
    /// Rises with every change, so that a table read before a change is not remembered after it.
    changes: AtomicU64,
}

impl Tables {
    /// The table of this name, `None` when there is none. Reads its row only the first time after a change.
    pub(crate) async fn find(&self, cx: &Context, name: &TableName) -> Result<Option<Arc<OpenTable>>> {
        let place = (cx.scope().clone(), name.as_str().to_owned());
        if let Some(table) = self.get(&place) {
            return Ok(Some(table));
        }
        let read_at = self.changes.load(Ordering::SeqCst);
        let keys = Keys::new(cx.scope());
        let row = keys.table(name.as_str());
        let snapshot = cx.platform().kv().snapshot().await?;
        let Some(found) = snapshot.get(&row).await? else { return Ok(None) };
        let table: Table = decode(&found.value)?;
        let sizes = match self.sizes_of(table.storage) {
            Some(sizes) => sizes,
            None => {
                let saved = snapshot.get(&keys.sizes(table.storage)).await?;
                let counted = saved.map(|saved| decode(&saved.value)).transpose()?.unwrap_or_default();
                self.keep_sizes(table.storage, Sizes::new(counted))
            }
        };
        let open = Arc::new(OpenTable { table, sizes, row, version: found.version });
        self.keep(place, &open, read_at);
        Ok(Some(open))
    }

    /// [`Tables::find`] for operations on items: a missing table is an error in their words.
    pub(crate) async fn open(&self, cx: &Context, name: &TableName) -> Result<Arc<OpenTable>> {
        self.find(cx, name).await?.ok_or_else(|| Error::no_resource().into())
    }

    /// [`Tables::find`] for operations on tables.
    pub(crate) async fn require(&self, cx: &Context, name: &TableName) -> Result<Arc<OpenTable>> {
        self.find(cx, name).await?.ok_or_else(|| Error::no_table(name.as_str()).into())
    }

    /// Reads the row again the next time.
    pub(crate) fn forget(&self, scope: &Scope, name: &str) {
        self.forget_where(|(known_scope, known_name)| known_scope == scope && known_name == name);
    }

    pub(crate) fn forget_account(&self, account: Option<&AccountId>) {
        self.forget_where(|(scope, _)| account.is_none_or(|account| scope.account == *account));
    }

    /// Changes a table's row and forgets what was remembered of it. An error from `change` leaves it as it was.
    pub(crate) async fn change<R: Send>(
        &self,
        cx: &Context,
        name: &TableName,
        change: impl Fn(&Txn, &mut Table) -> Result<R> + Sync,
    ) -> Result<(Arc<OpenTable>, R)> {
        let keys = Keys::new(cx.scope());
        let outcome = store::txn(cx.platform().kv().as_ref(), |txn| {
            let (keys, change) = (&keys, &change);
            async move {
                let mut table = look_up(&txn, keys, name.as_str())
                    .await?
                    .ok_or_else(|| Error::no_table(name.as_str()))?;
                let outcome = change(&txn, &mut table)?;
                put(&txn, keys, &table)?;
                Ok::<_, Failure>(outcome)
            }
        })
        .await?;
        self.forget(cx.scope(), name.as_str());
        Ok((self.require(cx, name).await?, outcome))
    }

    /// The sizes that are counted, by table.
    pub(crate) fn counted(&self) -> Vec<(Scope, Arc<OpenTable>)> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.iter().map(|((scope, _), table)| (scope.clone(), Arc::clone(table))).collect()
    }

    fn get(&self, place: &Place) -> Option<Arc<OpenTable>> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).get(place).cloned()
    }

    fn keep(&self, place: Place, table: &Arc<OpenTable>, read_at: u64) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if self.changes.load(Ordering::SeqCst) != read_at {
            return;
        }
        if known.len() >= OPEN_TABLES_MAX
            && let Some(any) = known.keys().next().cloned()
        {
            known.remove(&any);
        }
        known.insert(place, Arc::clone(table));
    }

    fn sizes_of(&self, table: crate::keys::StorageId) -> Option<Arc<Sizes>> {
        self.sizes.read().unwrap_or_else(PoisonError::into_inner).get(&table).cloned()
    }

    fn keep_sizes(&self, table: crate::keys::StorageId, sizes: Sizes) -> Arc<Sizes> {
        let mut all = self.sizes.write().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(all.entry(table).or_insert_with(|| Arc::new(sizes)))
    }

    fn forget_where(&self, is_gone: impl Fn(&Place) -> bool) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        self.changes.fetch_add(1, Ordering::SeqCst);
        known.retain(|place, _| !is_gone(place));
    }
}

/// The table within a transaction, if there is one.
pub(crate) async fn look_up(txn: &Txn, keys: &Keys, name: &str) -> Result<Option<Table>> {
    crate::tables::look_up(txn, keys.table(name)).await
}

pub(crate) fn put(txn: &Txn, keys: &Keys, table: &Table) -> Result<()> {
    txn.put(keys.table(&table.name), encode(table)?);
    Ok(())
}
