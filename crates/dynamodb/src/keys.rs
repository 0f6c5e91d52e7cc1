//! Where everything lies in the store.
//!
//! Under `account NUL region NUL dynamodb NUL`, written `…` below:
//! * `… tables NUL name` → [`Table`](crate::table::Table)
//! * `… items NUL table-id …` → items; what follows the id is the encoded primary key
//! * `… indexes NUL table-id index-id …` → entries of one secondary index
//! * `… tokens NUL ten-minutes token` → the use of a client token
//! * `… sizes NUL table-id` → [`Counted`](crate::table::Counted)
//!
//! * `… backups NUL id` → [`Backup`](crate::backup::Backup)
//! * `… streams NUL table-name NUL label` → [`Stream`](crate::streams::Stream)
//! * `… records NUL stream-id` → a log of [`Entry`](crate::streams::Entry)s: the records of a stream
//! * `… changes NUL recovery-id` → a log of the same: what point-in-time recovery undoes
//! * `… expiries NUL ttl-id time hash` → the key of an item that expires then
//!
//! Background work finds what it has to look at, in all accounts, by marks of the installation:
//! * `- NUL - NUL dynamodb NUL marks NUL kind NUL account NUL region NUL rest` → empty
//! * `- NUL - NUL dynamodb NUL deleted NUL id` → prefixes that nothing reads any more
//! * `- NUL - NUL dynamodb NUL building NUL table-id` → prefixes of a table that nobody sees yet
//!
//! Ids are random and never given twice, so a table or an index that is deleted and created again begins empty at once,
//! while what it held is cleared in the background.

use std::ops::Range;

use bytes::{BufMut, Bytes, BytesMut};
use serde::{Deserialize, Serialize};
use service::{AccountId, Ids, Region, Scope};

use crate::table::Table;

/// Names a table's, an index's or a stream's rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct StorageId(u64);

impl StorageId {
    pub(crate) fn new(ids: &Ids) -> Self {
        StorageId(u64::from_be_bytes(ids.bytes()))
    }

    pub(crate) fn bytes(self) -> [u8; 8] {
        self.0.to_be_bytes()
    }
}

impl std::fmt::Display for StorageId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl TryFrom<String> for StorageId {
    type Error = std::num::ParseIntError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        u64::from_str_radix(&text, 16).map(StorageId)
    }
}

impl From<StorageId> for String {
    fn from(id: StorageId) -> Self {
        id.to_string()
    }
}

/// The keys of one account and region.
#[derive(Clone, Debug)]
pub(crate) struct Keys {
    prefix: Bytes,
    scope: Scope,
}

impl Keys {
    pub(crate) fn new(scope: &Scope) -> Self {
        let prefix = format!("{}\0{}\0dynamodb\0", scope.account, scope.region);
        Keys { prefix: prefix.into(), scope: scope.clone() }
    }

    pub(crate) fn table(&self, name: &str) -> Bytes {
        self.key("tables", &[name.as_bytes()])
    }

    /// All tables, in the order of their names.
    pub(crate) fn tables(&self) -> Range<Bytes> {
        store::prefix_range(&self.table(""))
    }

    /// The name at the end of a table's key.
    pub(crate) fn read_table(&self, key: &[u8]) -> Option<String> {
        String::from_utf8(key.get(self.table("").len()..)?.to_vec()).ok()
    }

    /// How much a table and its indexes hold, as last written.
    pub(crate) fn sizes(&self, table: StorageId) -> Bytes {
        self.key("sizes", &[&table.bytes()])
    }

    /// What the keys of a table's items begin with.
    pub(crate) fn items(&self, table: StorageId) -> Bytes {
        self.key("items", &[&table.bytes()])
    }

    /// What the keys of the entries of one index begin with.
    pub(crate) fn index(&self, table: StorageId, index: StorageId) -> Bytes {
        self.key("indexes", &[&table.bytes(), &index.bytes()])
    }

    /// The use of a client token in one span of ten minutes, counted from the epoch.
    pub(crate) fn token(&self, ten_minutes: u64, token: &str) -> Bytes {
        self.key("tokens", &[&ten_minutes.to_be_bytes(), token.as_bytes()])
    }

    /// One stream of a table; it outlives the table.
    pub(crate) fn stream(&self, table: &str, label: &str) -> Bytes {
        self.key("streams", &[table.as_bytes(), &[0], label.as_bytes()])
    }

    /// All streams, by table and then by age.
    pub(crate) fn streams(&self) -> Range<Bytes> {
        store::prefix_range(&self.key("streams", &[]))
    }

    /// All streams of one table.
    pub(crate) fn streams_of(&self, table: &str) -> Range<Bytes> {
        store::prefix_range(&self.stream(table, ""))
    }

    /// The log of a stream's records.
    pub(crate) fn records(&self, stream: StorageId) -> Bytes {
        self.key("records", &[&stream.bytes()])
    }

    /// The log of a table's changes, for point-in-time recovery.
    pub(crate) fn changes(&self, recovery: StorageId) -> Bytes {
        self.key("changes", &[&recovery.bytes()])
    }

    /// What the rows of items that expire begin with; their time follows.
    pub(crate) fn expiries(&self, time_to_live: StorageId) -> Bytes {
        self.key("expiries", &[&time_to_live.bytes()])
    }

    pub(crate) fn backup(&self, id: &str) -> Bytes {
        self.key("backups", &[id.as_bytes()])
    }

    /// All backups, oldest first.
    pub(crate) fn backups(&self) -> Range<Bytes> {
        store::prefix_range(&self.backup(""))
    }

    /// What a deleted table leaves behind.
    pub(crate) fn remains_of_table(&self, table: &Table) -> Vec<Bytes> {
        let mut remains = vec![
            self.items(table.storage),
            self.key("indexes", &[&table.storage.bytes()]),
            self.sizes(table.storage),
        ];
        remains.extend(table.recovery.as_ref().map(|recovery| self.changes(recovery.storage)));
        remains.extend(table.time_to_live.as_ref().map(|settings| self.expiries(settings.storage)));
        remains
    }

    /// The mark by which background work of this kind finds something of this scope.
    pub(crate) fn mark(&self, kind: Mark, rest: &str) -> Bytes {
        installation(&format!(
            "marks\0{}\0{}\0{}\0{rest}",
            kind.name(),
            self.scope.account,
            self.scope.region
        ))
    }

    fn key(&self, kind: &str, parts: &[&[u8]]) -> Bytes {
        let length = self.prefix.len() + kind.len() + 1 + parts.iter().map(|part| part.len()).sum::<usize>();
        let mut key = BytesMut::with_capacity(length);
        key.put_slice(&self.prefix);
        key.put_slice(kind.as_bytes());
        key.put_u8(0);
        for part in parts {
            key.put_slice(part);
        }
        key.freeze()
    }
}

/// Kinds of background work that is found by marks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    /// Records that will be a day old; the rest of the key is `table NUL label`.
    Stream,
    /// An index that is to be filled; the rest of the key is the table's name.
    Index,
    /// A table whose items expire; the rest of the key is the table's name.
    Expiry,
    /// A table whose changes are kept; the rest of the key is the table's name.
    Recovery,
    /// A backup, so that a reset finds its contents; the rest of the key is its id.
    Backup,
}

impl Mark {
    pub(crate) const ALL: [Mark; 5] = [Mark::Stream, Mark::Index, Mark::Expiry, Mark::Recovery, Mark::Backup];

    fn name(self) -> &'static str {
        match self {
            Mark::Stream => "stream",
            Mark::Index => "index",
            Mark::Expiry => "expiry",
            Mark::Recovery => "recovery",
            Mark::Backup => "backup",
        }
    }
}

/// All marks of one kind.
pub(crate) fn marks(kind: Mark) -> Range<Bytes> {
    store::prefix_range(&installation(&format!("marks\0{}\0", kind.name())))
}

/// All marks of one kind and one account.
pub(crate) fn marks_of_account(kind: Mark, account: &AccountId) -> Bytes {
    installation(&format!("marks\0{}\0{account}\0", kind.name()))
}

/// Scope and rest of a mark's key.
pub(crate) fn read_mark(kind: Mark, key: &[u8]) -> Option<(Scope, String)> {
    let rest = key.strip_prefix(&installation(&format!("marks\0{}\0", kind.name()))[..])?;
    let mut parts = std::str::from_utf8(rest).ok()?.splitn(3, '\0');
    let account = AccountId::parse(parts.next()?)?;
    let region = Region::parse(parts.next()?)?;
    Some((Scope { account, region }, parts.next()?.to_owned()))
}

/// Remains of a table that is being built: to be cleared if it never appears.
pub(crate) fn building(table: StorageId) -> Bytes {
    installation(&format!("building\0{table}"))
}

/// Tables that were being built when the process ended.
pub(crate) fn all_building() -> Range<Bytes> {
    store::prefix_range(&installation("building\0"))
}

pub(crate) fn deleted(id: &str) -> Bytes {
    installation(&format!("deleted\0{id}"))
}

pub(crate) fn all_deleted() -> Range<Bytes> {
    store::prefix_range(&installation("deleted\0"))
}

fn installation(rest: &str) -> Bytes {
    [b"-\0-\0dynamodb\0", rest.as_bytes()].concat().into()
}

/// The smallest key behind this one.
pub(crate) fn just_after(key: &[u8]) -> Bytes {
    [key, &[0]].concat().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_ids_read_back() {
        let keys = Keys::new(&Scope::default());
        assert_eq!(keys.read_table(&keys.table("a.b")), Some("a.b".into()));
        let id = StorageId(7);
        assert_eq!(StorageId::try_from(String::from(id)), Ok(id));
        let mark = keys.mark(Mark::Stream, "t\0l");
        assert_eq!(read_mark(Mark::Stream, &mark), Some((Scope::default(), "t\0l".into())));
        assert!(marks(Mark::Stream).contains(&mark));
        assert!(keys.index(id, StorageId(9)).starts_with(&keys.key("indexes", &[&id.bytes()])));
    }
}
