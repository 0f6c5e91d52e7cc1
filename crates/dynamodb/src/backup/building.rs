//! A table that is being made from something. Nobody sees it before it is whole.

use bytes::Bytes;
use service::{Context, Failure, Result};
use store::{Commit, Order};

use crate::DynamoDb;
use crate::error::Error;
use crate::indexing::fits_index;
use crate::items::{decode_item, index_entry};
use crate::keys::{self, Keys, just_after};
use crate::table::{Counted, Size, Table, TableName, look_up, put};
use crate::tables::encode;

/// What one commit writes at most: rows, and bytes.
const ROWS_AT_ONCE: usize = 500;
const BYTES_AT_ONCE: usize = 4 * 1024 * 1024;
/// Items read at once to make their index entries; an item can have 400 KB.
const ITEMS_AT_ONCE: usize = 64;

pub(crate) struct Building<'a> {
    cx: &'a Context,
    keys: Keys,
    table: Table,
    commit: Commit,
    bytes: usize,
}

impl<'a> Building<'a> {
    /// Begins to make a table whose name is not taken.
    pub(crate) async fn begin(cx: &'a Context, table: Table) -> Result<Self> {
        let keys = Keys::new(cx.scope());
        let kv = cx.platform().kv();
        if kv.snapshot().await?.get(&keys.table(&table.name)).await?.is_some() {
            return Err(Error::table_exists(&table.name).into());
        }
        // After a crash this tells what to clear.
        let mark = keys::building(table.storage);
        let remains: Vec<Vec<u8>> = keys.remains_of_table(&table).into_iter().map(Vec::from).collect();
        kv.commit(Commit::new().put(mark, encode(&remains)?)).await?;
        Ok(Building { cx, keys, table, commit: Commit::new(), bytes: 0 })
    }

    /// The key of an item's row, by the end that it has in every table of the same key.
    pub(crate) fn place(&self, end_of_key: &[u8]) -> Bytes {
        [&self.keys.items(self.table.storage)[..], end_of_key].concat().into()
    }

    pub(crate) async fn put(&mut self, end_of_key: &[u8], row: Bytes) -> Result<()> {
        let place = self.place(end_of_key);
        self.write(place, Some(row)).await
    }

    pub(crate) async fn remove(&mut self, end_of_key: &[u8]) -> Result<()> {
        let place = self.place(end_of_key);
        self.write(place, None).await
    }

    /// Makes the index entries, then shows the table.
    pub(crate) async fn finish(mut self, dynamodb: &DynamoDb) -> Result<Table> {
        self.flush().await?;
        let counted = self.make_entries().await?;
        self.flush().await?;
        let (keys, table) = (&self.keys, &self.table);
        let shown = store::txn(self.cx.platform().kv().as_ref(), |txn| {
            let counted = &counted;
            async move {
                if look_up(&txn, keys, &table.name).await?.is_some() {
                    return Err(Failure::from(Error::table_exists(&table.name)));
                }
                put(&txn, keys, table)?;
                txn.put(keys.sizes(table.storage), encode(counted)?);
                txn.delete(keys::building(table.storage));
                Ok(())
            }
        })
        .await;
        if let Err(failure) = shown {
            self.give_up(dynamodb).await?;
            return Err(failure);
        }
        dynamodb.tables().forget(self.cx.scope(), &self.table.name);
        Ok(self.table)
    }

    /// Leaves what was written so far to be cleared.
    pub(crate) async fn give_up(&self, dynamodb: &DynamoDb) -> Result<()> {
        let (keys, table) = (&self.keys, &self.table);
        store::txn(self.cx.platform().kv().as_ref(), |txn| async move {
            crate::cleaning::leave(&txn, &table.storage.to_string(), keys.remains_of_table(table))?;
            txn.delete(keys::building(table.storage));
            Ok::<_, Failure>(())
        })
        .await?;
        dynamodb.clean_soon();
        Ok(())
    }

    /// Writes what is held back, so that it can be read.
    pub(crate) async fn flush(&mut self) -> Result<()> {
        let commit = std::mem::take(&mut self.commit);
        self.bytes = 0;
        if !commit.writes.is_empty() {
            self.cx.platform().kv().commit(commit).await?;
        }
        Ok(())
    }

    async fn write(&mut self, key: Bytes, row: Option<Bytes>) -> Result<()> {
        self.bytes += key.len() + row.as_ref().map_or(0, Bytes::len);
        let commit = std::mem::take(&mut self.commit);
        self.commit = match row {
            Some(row) => commit.put(key, row),
            None => commit.delete(key),
        };
        if self.commit.writes.len() >= ROWS_AT_ONCE || self.bytes >= BYTES_AT_ONCE {
            self.flush().await?;
        }
        Ok(())
    }

    async fn make_entries(&mut self) -> Result<Counted> {
        let table = self.table.clone();
        let indexes: Vec<_> = table.local_indexes.iter().chain(&table.global_indexes).collect();
        let mut counted = Counted::default();
        let mut range = store::prefix_range(&self.keys.items(table.storage));
        loop {
            let snapshot = self.cx.platform().kv().snapshot().await?;
            let rows = snapshot.scan(range.clone(), Order::Forward, ITEMS_AT_ONCE).await?;
            drop(snapshot);
            let Some((last, _)) = rows.last() else { return Ok(counted) };
            range.start = just_after(last);
            for (place, row) in &rows {
                let stored = decode_item(&row.value)?;
                add(&mut counted.table, stored.size_bytes);
                if indexes.is_empty() {
                    continue;
                }
                let item = stored.attributes()?;
                for index in indexes.iter().filter(|index| fits_index(index, &item)) {
                    let Some((key, entry)) = index_entry(&self.keys, &table, index, &item, place) else {
                        continue;
                    };
                    let size = decode_item(&entry)?.size_bytes;
                    add(counted.indexes.entry(index.storage).or_default(), size);
                    self.write(key, Some(entry)).await?;
                }
            }
        }
    }
}

fn add(size: &mut Size, bytes: usize) {
    size.items += 1;
    size.bytes += bytes as u64;
}

/// Whether the name is one that a new table can have.
pub(crate) async fn check_free(dynamodb: &DynamoDb, cx: &Context, name: &TableName) -> Result<()> {
    match dynamodb.tables().find(cx, name).await? {
        Some(_) => Err(Error::table_exists(name.as_str()).into()),
        None => Ok(()),
    }
}
