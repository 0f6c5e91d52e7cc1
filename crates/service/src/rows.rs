//! Typed rows in the store, always within one account and region.
//!
//! Key: `account NUL region NUL service NUL table NUL key`, the account first so that one account can be emptied
//! by a prefix. Values are JSON: rows are read by later versions of the same struct, whose new fields default.

use std::marker::PhantomData;
use std::ops::Range;

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;
use store::{Check, Commit, Kv, Order, Outcome, Version};

use crate::{AccountId, Failure, PreparedPost, Result, Scope};

/// How often a change is tried again after a conflict before it fails.
const CONFLICT_RETRIES_MAX: usize = 32;
/// Rows read at once; longer lists are read in pages of this size.
const SCAN_ROWS_MAX: usize = 1_000;

/// The declaration of a table: `static FUNCTIONS: Table<Function> = Table::regional("lambda", "functions");`.
pub struct Table<T> {
    service: &'static str,
    name: &'static str,
    reach: Reach,
    row: PhantomData<fn() -> T>,
}

#[derive(Clone, Copy)]
enum Reach {
    Regional,
    Account,
    Installation,
}

impl<T> Table<T> {
    /// Rows of one account in one region.
    pub const fn regional(service: &'static str, name: &'static str) -> Self {
        Table { service, name, reach: Reach::Regional, row: PhantomData }
    }

    /// Rows of one account in all regions (IAM).
    pub const fn account(service: &'static str, name: &'static str) -> Self {
        Table { service, name, reach: Reach::Account, row: PhantomData }
    }

    /// Rows of the whole installation, for names that are unique across accounts. An account's reset leaves them:
    /// their service removes its own in `Definition::reset`.
    pub const fn installation(service: &'static str, name: &'static str) -> Self {
        Table { service, name, reach: Reach::Installation, row: PhantomData }
    }

    fn prefix(&self, scope: &Scope) -> Vec<u8> {
        let (account, region) = match self.reach {
            Reach::Regional => (scope.account.as_str(), scope.region.as_str()),
            Reach::Account => (scope.account.as_str(), "-"),
            Reach::Installation => ("-", "-"),
        };
        let mut prefix = Vec::with_capacity(96);
        for part in [account, region, self.service, self.name] {
            prefix.extend_from_slice(part.as_bytes());
            prefix.push(0);
        }
        prefix
    }

    fn key(&self, scope: &Scope, key: &str) -> Bytes {
        let mut bytes = self.prefix(scope);
        bytes.extend_from_slice(key.as_bytes());
        bytes.into()
    }
}

/// Everything of one account, in all regions and services.
pub(crate) fn account_prefix(account: &AccountId) -> Bytes {
    [account.as_str().as_bytes(), &[0]].concat().into()
}

/// A row as it was read; handing it back to a change makes the change conditional on it.
#[derive(Clone, Debug)]
pub struct Row<T> {
    pub value: T,
    version: Version,
}

/// The rows of one table in one scope.
pub struct Rows<'a, T: 'static> {
    kv: &'a dyn Kv,
    table: &'static Table<T>,
    scope: &'a Scope,
}

impl<'a, T: Serialize + DeserializeOwned + 'static> Rows<'a, T> {
    pub fn new(kv: &'a dyn Kv, table: &'static Table<T>, scope: &'a Scope) -> Self {
        Rows { kv, table, scope }
    }

    pub async fn get(&self, key: &str) -> Result<Option<T>> {
        Ok(self.row(key).await?.map(|row| row.value))
    }

    /// The row with its version, to make a later change conditional on it.
    pub async fn row(&self, key: &str) -> Result<Option<Row<T>>> {
        let snapshot = self.kv.snapshot().await?;
        match snapshot.get(&self.table.key(self.scope, key)).await? {
            Some(found) => Ok(Some(Row { value: decode(&found.value)?, version: found.version })),
            None => Ok(None),
        }
    }

    /// Rows whose key starts with `prefix`, after the key `after`, in key order; at most `limit`.
    pub async fn list(&self, prefix: &str, after: Option<&str>, limit: usize) -> Result<Vec<(String, T)>> {
        self.scan(prefix, after, limit, Order::Forward).await
    }

    /// [`Rows::list`] from the last key backwards; `before` is exclusive.
    pub async fn list_backward(
        &self,
        prefix: &str,
        before: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, T)>> {
        self.scan(prefix, before, limit, Order::Backward).await
    }

    /// All rows whose key starts with `prefix`. For tables that an account's quotas keep small.
    pub async fn all(&self, prefix: &str) -> Result<Vec<(String, T)>> {
        let mut rows: Vec<(String, T)> = Vec::new();
        loop {
            let after = rows.last().map(|(key, _)| key.clone());
            let page = self.list(prefix, after.as_deref(), SCAN_ROWS_MAX).await?;
            let last = page.len() < SCAN_ROWS_MAX;
            rows.extend(page);
            if last {
                return Ok(rows);
            }
        }
    }

    /// Puts a new row; `false` and no change when the key is taken.
    pub async fn insert(&self, key: &str, value: &T) -> Result<bool> {
        self.changes().insert(self.table, key, value)?.commit().await
    }

    /// Puts the row whatever was there.
    pub async fn put(&self, key: &str, value: &T) -> Result<()> {
        self.changes().put(self.table, key, value)?.commit().await.map(drop)
    }

    /// Removes the row; `false` when it was not there.
    pub async fn remove(&self, key: &str) -> Result<bool> {
        for _ in 0..CONFLICT_RETRIES_MAX {
            let Some(row) = self.row(key).await? else { return Ok(false) };
            if self.changes().remove_row(self.table, key, &row).commit().await? {
                return Ok(true);
            }
        }
        Err(too_many_conflicts(key))
    }

    /// Changes the row in place and puts it back unless someone else did meanwhile, then it tries again.
    /// `None` when there is no such row. An error from `change` leaves the row as it was.
    pub async fn update<R, E>(
        &self,
        key: &str,
        mut change: impl FnMut(&mut T) -> std::result::Result<R, E>,
    ) -> Result<Option<R>>
    where
        Failure: From<E>,
    {
        for _ in 0..CONFLICT_RETRIES_MAX {
            let Some(mut row) = self.row(key).await? else { return Ok(None) };
            let outcome = change(&mut row.value)?;
            if self.changes().replace(self.table, key, &row)?.commit().await? {
                return Ok(Some(outcome));
            }
        }
        Err(too_many_conflicts(key))
    }

    fn changes(&self) -> Changes<'a> {
        Changes::new(self.kv, self.scope)
    }

    async fn scan(
        &self,
        prefix: &str,
        from: Option<&str>,
        limit: usize,
        order: Order,
    ) -> Result<Vec<(String, T)>> {
        let table_prefix_bytes = self.table.prefix(self.scope).len();
        let mut range = prefix_range(self.table.key(self.scope, prefix));
        if let Some(from) = from {
            let from = self.table.key(self.scope, from);
            match order {
                Order::Forward => range.start = range.start.max([from.as_ref(), &[0]].concat().into()),
                Order::Backward => range.end = range.end.min(from),
            }
        }
        if range.start >= range.end {
            return Ok(Vec::new());
        }
        let snapshot = self.kv.snapshot().await?;
        let found = snapshot.scan(range, order, limit).await?;
        found
            .into_iter()
            .map(|(key, row)| {
                let key = String::from_utf8_lossy(&key[table_prefix_bytes..]).into_owned();
                Ok((key, decode(&row.value)?))
            })
            .collect()
    }
}

/// Several changes, made together or not at all.
pub struct Changes<'a> {
    kv: &'a dyn Kv,
    scope: &'a Scope,
    commit: Commit,
}

impl<'a> Changes<'a> {
    pub fn new(kv: &'a dyn Kv, scope: &'a Scope) -> Self {
        Changes { kv, scope, commit: Commit::new() }
    }

    pub fn put<T: Serialize>(mut self, table: &Table<T>, key: &str, value: &T) -> Result<Self> {
        self.commit = self.commit.put(table.key(self.scope, key), encode(value)?);
        Ok(self)
    }

    /// The commit fails as a conflict when the key is taken.
    pub fn insert<T: Serialize>(mut self, table: &Table<T>, key: &str, value: &T) -> Result<Self> {
        self.commit = self.commit.check(Check::Version(table.key(self.scope, key), None));
        self.put(table, key, value)
    }

    /// The commit fails as a conflict when the row changed since it was read.
    pub fn replace<T: Serialize>(self, table: &Table<T>, key: &str, row: &Row<T>) -> Result<Self> {
        self.expect(table, key, row).put(table, key, &row.value)
    }

    /// [`Changes::replace`] by nothing.
    pub fn remove_row<T>(self, table: &Table<T>, key: &str, row: &Row<T>) -> Self {
        self.expect(table, key, row).remove(table, key)
    }

    /// Removes the row whatever it is.
    pub fn remove<T>(mut self, table: &Table<T>, key: &str) -> Self {
        self.commit = self.commit.delete(table.key(self.scope, key));
        self
    }

    /// The commit fails as a conflict when the row changed since it was read; the row itself is left alone.
    pub fn expect<T>(mut self, table: &Table<T>, key: &str, row: &Row<T>) -> Self {
        self.commit = self.commit.check(Check::Version(table.key(self.scope, key), Some(row.version)));
        self
    }

    /// Leaves a post in the same commit: it will be delivered if, and only if, the commit happens.
    pub fn post(mut self, post: &PreparedPost) -> Self {
        self.commit = post.add_to(self.commit);
        self
    }

    /// `false`: a condition did not hold and nothing was changed. Durable when `true`.
    pub async fn commit(self) -> Result<bool> {
        Ok(matches!(self.kv.commit(self.commit).await?, Outcome::Done(_)))
    }
}

fn encode<T: Serialize>(value: &T) -> Result<Bytes> {
    let bytes =
        serde_json::to_vec(value).map_err(|error| anyhow::anyhow!("row does not serialize: {error}"))?;
    Ok(bytes.into())
}

fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    Ok(serde_json::from_slice(bytes).map_err(|error| anyhow::anyhow!("row does not read: {error}"))?)
}

fn prefix_range(prefix: Bytes) -> Range<Bytes> {
    // Every prefix here ends in NUL or text below 0xff, so its successor is found by one increment.
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if last < u8::MAX {
            end.push(last + 1);
            break;
        }
    }
    prefix..end.into()
}

fn too_many_conflicts(key: &str) -> Failure {
    Failure::Internal(anyhow::anyhow!("{CONFLICT_RETRIES_MAX} conflicts in a row on {key:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Region;
    use store::MemoryKv;

    static NOTES: Table<String> = Table::regional("notes", "notes");
    static OTHERS: Table<String> = Table::regional("notes", "others");
    static SHARED: Table<String> = Table::account("notes", "shared");

    fn scope(account: &str, region: &str) -> Scope {
        Scope { account: AccountId::parse(account).unwrap(), region: Region::parse(region).unwrap() }
    }

    #[tokio::test]
    async fn rows_stay_in_their_scope_and_table() {
        let kv = MemoryKv::new();
        let (here, there, elsewhere) = (
            scope("111111111111", "eu-west-1"),
            scope("111111111111", "eu-west-2"),
            scope("222222222222", "eu-west-1"),
        );
        Rows::new(&kv, &NOTES, &here).put("a", &"note".into()).await.unwrap();
        Rows::new(&kv, &SHARED, &here).put("a", &"shared".into()).await.unwrap();
        assert_eq!(Rows::new(&kv, &NOTES, &here).get("a").await.unwrap().as_deref(), Some("note"));
        assert_eq!(Rows::new(&kv, &OTHERS, &here).all("").await.unwrap(), []);
        assert_eq!(Rows::new(&kv, &NOTES, &there).all("").await.unwrap(), []);
        assert_eq!(Rows::new(&kv, &NOTES, &elsewhere).all("").await.unwrap(), []);
        assert_eq!(Rows::new(&kv, &SHARED, &there).get("a").await.unwrap().as_deref(), Some("shared"));
        assert_eq!(Rows::new(&kv, &SHARED, &elsewhere).get("a").await.unwrap(), None);
    }

    #[tokio::test]
    async fn an_insert_takes_a_key_once_and_a_stale_row_replaces_nothing() {
        let kv = MemoryKv::new();
        let scope = Scope::default();
        let rows = Rows::new(&kv, &NOTES, &scope);
        assert!(rows.insert("a", &"one".into()).await.unwrap());
        assert!(!rows.insert("a", &"two".into()).await.unwrap());
        let mut stale = rows.row("a").await.unwrap().unwrap();
        rows.put("a", &"three".into()).await.unwrap();
        stale.value = "four".into();
        assert!(!Changes::new(&kv, &scope).replace(&NOTES, "a", &stale).unwrap().commit().await.unwrap());
        assert_eq!(rows.get("a").await.unwrap().as_deref(), Some("three"));
        assert!(rows.remove("a").await.unwrap());
        assert!(!rows.remove("a").await.unwrap());
    }

    #[tokio::test]
    async fn a_failed_update_changes_nothing() {
        let kv = MemoryKv::new();
        let scope = Scope::default();
        let rows = Rows::new(&kv, &NOTES, &scope);
        rows.put("a", &"one".into()).await.unwrap();
        let refused: Result<Option<()>> = rows
            .update("a", |note| {
                note.push_str(" two");
                Err(Failure::validation("no"))
            })
            .await;
        assert!(refused.is_err());
        assert_eq!(rows.get("a").await.unwrap().as_deref(), Some("one"));
        let missing = rows.update("b", |_| Ok::<_, Failure>(())).await.unwrap();
        assert_eq!(missing, None);
    }

    #[tokio::test]
    async fn lists_continue_after_a_key_both_ways() {
        let kv = MemoryKv::new();
        let scope = Scope::default();
        let rows = Rows::new(&kv, &NOTES, &scope);
        for key in ["a", "ab", "ab/1", "b"] {
            rows.put(key, &key.to_owned()).await.unwrap();
        }
        let keys = |found: Vec<(String, String)>| found.into_iter().map(|(key, _)| key).collect::<Vec<_>>();
        assert_eq!(keys(rows.list("", None, 10).await.unwrap()), ["a", "ab", "ab/1", "b"]);
        assert_eq!(keys(rows.list("", Some("ab"), 1).await.unwrap()), ["ab/1"]);
        assert_eq!(keys(rows.list("ab", None, 10).await.unwrap()), ["ab", "ab/1"]);
        assert_eq!(keys(rows.list("ab", Some("b"), 10).await.unwrap()), [""; 0]);
        assert_eq!(keys(rows.list_backward("", Some("b"), 2).await.unwrap()), ["ab/1", "ab"]);
        assert_eq!(keys(rows.list_backward("", None, 1).await.unwrap()), ["b"]);
    }
}
