//! Backups, and tables made from what was: from a backup, from a moment of the past, from files.
//!
//! A backup is a blob with the rows of the items at one moment, and a row that describes the table. A table that is made
//! from something is built under an id that nothing names yet ([`building`]) and appears whole, in one commit.

pub(crate) mod building;
mod contents;
mod describe;
mod past;
mod target;

use serde::{Deserialize, Serialize};
use service::{Arn, Context, Result, Scope};
use store::BlobId;
use wire::Timestamp;

use crate::error::{Error, invalid};
use crate::keys::Keys;
use crate::table::Table;
use crate::tables::decode;

pub(crate) use contents::write_contents;
pub(crate) use describe::{BackupDescription, BackupDetails, BackupSummary};
pub(crate) use past::{Contents, Past};
pub(crate) use target::{Overrides, Restored, target_table};

/// A backup as its row keeps it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Backup {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) created: Timestamp,
    /// The table as it was.
    pub(crate) table: Table,
    pub(crate) items: u64,
    pub(crate) bytes: u64,
    pub(crate) blob: BlobId,
}

impl Backup {
    pub(crate) fn arn(&self, scope: &Scope) -> Arn {
        arn(scope, &self.table.name, &self.id)
    }
}

pub(crate) fn arn(scope: &Scope, table: &str, id: &str) -> Arn {
    Arn::regional("dynamodb", scope, format_args!("table/{table}/backup/{id}"))
}

/// Ids sort by time.
pub(crate) fn new_id(cx: &Context) -> String {
    format!("{:014}-{}", cx.now().epoch_millis(), cx.platform().ids().hex::<4>())
}

/// The id in a backup's ARN.
pub(crate) fn read_arn(cx: &Context, text: &str) -> Result<(String, String)> {
    let wrong = || invalid("Invalid Backup ARN");
    let arn: Arn = text.parse().map_err(|_| wrong())?;
    let (table, id) = arn
        .resource()
        .strip_prefix("table/")
        .and_then(|rest| rest.split_once("/backup/"))
        .ok_or_else(wrong)?;
    let here = arn.service() == "dynamodb"
        && arn.region() == cx.region().as_str()
        && arn.account() == cx.account().as_str();
    if !here {
        return Err(wrong());
    }
    Ok((table.to_owned(), id.to_owned()))
}

/// The backup of this ARN.
pub(crate) async fn find(cx: &Context, text: &str) -> Result<Backup> {
    let (table, id) = read_arn(cx, text)?;
    let missing = || Error::BackupNotFoundException(format!("Backup not found: {text}"));
    let row = cx.platform().kv().snapshot().await?.get(&Keys::new(cx.scope()).backup(&id)).await?;
    let backup: Backup = decode(&row.ok_or_else(missing)?.value)?;
    if backup.table.name != table {
        return Err(missing().into());
    }
    Ok(backup)
}
