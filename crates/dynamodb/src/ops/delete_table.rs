use serde::{Deserialize, Serialize};
use service::{Arn, Context, Failure, Judge, Operation, Result};

use crate::DynamoDb;
use crate::cleaning;
use crate::error::{Error, invalid};
use crate::keys::Keys;
use crate::streams;
use crate::table::{TableDescription, TableName, TableStatus, look_up};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DeleteTable {
    table_name: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct TableDeleted {
    table_description: TableDescription,
}

impl Operation for DeleteTable {
    type Service = DynamoDb;
    type Output = TableDeleted;
    const NAME: &'static str = "DeleteTable";
    const JUDGE: Option<Judge> = Some(crate::members::TABLE);

    fn resource(&self, cx: &Context) -> Arn {
        TableName::resource(cx, &self.table_name)
    }

    async fn run(self, dynamodb: &DynamoDb, cx: &Context) -> Result<TableDeleted> {
        let name = TableName::parse(cx, &self.table_name)?;
        let open = dynamodb.tables().require(cx, &name).await?;
        let mut description = TableDescription::new(cx.scope(), &open, &open.sizes, cx.now());
        let keys = Keys::new(cx.scope());
        store::txn(cx.platform().kv().as_ref(), |txn| {
            let (keys, name) = (&keys, name.as_str());
            async move {
                let table = look_up(&txn, keys, name).await?.ok_or_else(|| Error::no_table(name))?;
                if table.deletion_protection {
                    return Err(invalid(
                        "Resource cannot be deleted as it is currently protected against deletion. Disable deletion \
                         protection first.",
                    ));
                }
                if table.status != TableStatus::Active {
                    return Err(Error::in_use(format!(
                        "Attempt to change a resource which is still in use: Table is being created: {name}"
                    ))
                    .into());
                }
                streams::disable(&txn, keys, &table, cx.now())?;
                txn.delete(keys.table(name));
                cleaning::leave(&txn, &table.storage.to_string(), keys.remains_of_table(&table))?;
                Ok::<_, Failure>(())
            }
        })
        .await?;
        dynamodb.tables().forget(cx.scope(), name.as_str());
        dynamodb.clean_soon();
        description = description.in_status(TableStatus::Deleting);
        Ok(TableDeleted { table_description: description })
    }
}
