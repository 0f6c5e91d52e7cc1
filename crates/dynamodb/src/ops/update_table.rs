use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use service::{Arn, Context, Failure, Judge, Operation, Result};

use crate::DynamoDb;
use crate::error::{Error, invalid, invalid_parameters};
use crate::keys::Keys;
use crate::table::*;
use crate::{cleaning, streams};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct UpdateTable {
    table_name: String,
    attribute_definitions: Option<Vec<AttributeDefinition>>,
    billing_mode: Option<String>,
    provisioned_throughput: Option<ProvisionedThroughput>,
    global_secondary_index_updates: Option<Vec<IndexUpdate>>,
    stream_specification: Option<StreamSpecification>,
    #[serde(rename = "SSESpecification")]
    sse_specification: Option<SseSpecification>,
    table_class: Option<String>,
    deletion_protection_enabled: Option<bool>,
    on_demand_throughput: Option<OnDemandThroughput>,
    warm_throughput: Option<WarmThroughput>,
    replica_updates: Option<Vec<IgnoredAny>>,
    vector_index_updates: Option<Vec<IgnoredAny>>,
}

#[derive(Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct IndexUpdate {
    create: Option<GlobalIndexInput>,
    update: Option<IndexChange>,
    delete: Option<IndexDeletion>,
}

#[derive(Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct IndexChange {
    index_name: String,
    provisioned_throughput: Option<ProvisionedThroughput>,
    on_demand_throughput: Option<OnDemandThroughput>,
    warm_throughput: Option<WarmThroughput>,
}

#[derive(Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct IndexDeletion {
    index_name: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct TableUpdated {
    table_description: TableDescription,
}

impl Operation for UpdateTable {
    type Service = DynamoDb;
    type Output = TableUpdated;
    const NAME: &'static str = "UpdateTable";
    const JUDGE: Option<Judge> = Some(crate::members::TABLE);

    fn resource(&self, cx: &Context) -> Arn {
        TableName::resource(cx, &self.table_name)
    }

    async fn run(self, dynamodb: &DynamoDb, cx: &Context) -> Result<TableUpdated> {
        let name = TableName::parse(cx, &self.table_name)?;
        self.check_alone()?;
        let keys = Keys::new(cx.scope());
        let (open, deleted) =
            dynamodb.tables().change(cx, &name, |txn, table| self.apply(cx, &keys, txn, table)).await?;
        dynamodb.clean_soon();
        dynamodb.index_soon();
        let mut description = TableDescription::new(cx.scope(), &open, &open.sizes, cx.now());
        for index in &deleted {
            description.push_deleting(cx.scope(), &open, index, cx.now());
        }
        Ok(TableUpdated { table_description: description.in_status(TableStatus::Updating) })
    }
}

impl UpdateTable {
    /// Which members may come together, before the table is looked for.
    fn check_alone(&self) -> Result<()> {
        if self.replica_updates.is_some() {
            return Err(Failure::unsupported(
                "replicas (global tables) of dynamodb, which runs on one node,",
            ));
        }
        if self.vector_index_updates.is_some() {
            return Err(Failure::unsupported("vector indexes of dynamodb:UpdateTable"));
        }
        let present = [
            self.provisioned_throughput.is_some(),
            self.billing_mode.is_some(),
            self.stream_specification.is_some(),
            self.global_secondary_index_updates.is_some(),
            self.sse_specification.is_some(),
            self.table_class.is_some(),
            self.deletion_protection_enabled.is_some(),
            self.on_demand_throughput.is_some(),
            self.warm_throughput.is_some(),
        ];
        let count = present.iter().filter(|present| **present).count();
        if count == 0 {
            return Err(invalid(
                "At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, \
                 GlobalSecondaryIndexUpdates, SSESpecification, ReplicaUpdates, MultiAccountReplicaReady, \
                 ReplicaTransitRoleArn, MultiRegionConsistency, DeletionProtectionEnabled, OnDemandThroughput, \
                 WarmThroughput or TableClass is required",
            ));
        }
        let lonely = [
            (
                self.sse_specification.is_some(),
                "Server-Side Encryption modification must be the only operation",
            ),
            (self.table_class.is_some(), "TableClass modification must be the only operation"),
            (
                self.deletion_protection_enabled.is_some(),
                "DeletionProtection modification must be the only operation",
            ),
            (self.warm_throughput.is_some(), "WarmThroughput must be the only operation"),
        ];
        if count > 1
            && let Some((_, text)) = lonely.iter().find(|(present, _)| *present)
        {
            return Err(invalid_parameters(format!("{text} in the request")));
        }
        if self.provisioned_throughput.is_some() && self.stream_specification.is_some() {
            return Err(invalid_parameters("You cannot modify stream status while updating table IOPS"));
        }
        let updates = self.global_secondary_index_updates.as_deref().unwrap_or_default();
        let structural = updates.iter().any(|update| update.create.is_some() || update.delete.is_some());
        if structural && self.stream_specification.is_some() {
            return Err(invalid_parameters("You cannot create or delete index while changing stream status"));
        }
        if structural && self.provisioned_throughput.is_some() {
            return Err(invalid_parameters("You cannot create or delete index while updating table IOPS"));
        }
        check_updates(self.global_secondary_index_updates.as_deref())
    }

    /// Everything asked for, on the table as it is; gives the indexes that are deleted.
    fn apply(&self, cx: &Context, keys: &Keys, txn: &store::Txn, table: &mut Table) -> Result<Vec<Index>> {
        if table.status != TableStatus::Active {
            return Err(Error::in_use(format!(
                "Attempt to change a resource which is still in use: Table is being created: {}",
                table.name
            ))
            .into());
        }
        self.change_billing(cx, table)?;
        if let Some(asked) = &self.stream_specification {
            match streams::asked_of_table(cx, table, asked)? {
                Some(stream) => {
                    streams::enable(txn, keys, &stream)?;
                    table.stream = Some(stream.settings());
                }
                None => {
                    streams::disable(txn, keys, table, cx.now())?;
                    if let Some(stream) = &mut table.stream {
                        stream.enabled = false;
                    }
                }
            }
        }
        if let Some(asked) = &self.sse_specification {
            table.encryption = changed_encryption(cx, table, asked)?;
        }
        if let Some(class) = &self.table_class {
            table.class = Some(TableClass { name: class.clone(), changed: Some(cx.now()) });
        }
        if let Some(protected) = self.deletion_protection_enabled {
            table.deletion_protection = protected;
        }
        if let Some(warm) = self.warm_throughput {
            table.billing.warm = Some(warm);
        }
        let mut deleted = Vec::new();
        for update in self.global_secondary_index_updates.iter().flatten() {
            if let Some(asked) = &update.create {
                self.create_index(cx, table, asked)?;
                txn.put(keys.mark(crate::keys::Mark::Index, &table.name), Vec::new());
            }
            if let Some(asked) = &update.update {
                change_index(cx, table, asked)?;
            }
            if let Some(asked) = &update.delete {
                let index = delete_index(table, &asked.index_name)?;
                cleaning::leave(
                    txn,
                    &index.storage.to_string(),
                    vec![keys.index(table.storage, index.storage)],
                )?;
                deleted.push(index);
            }
        }
        forget_unused_attributes(table);
        Ok(deleted)
    }

    fn change_billing(&self, cx: &Context, table: &mut Table) -> Result<()> {
        let to_provisioned = match self.billing_mode.as_deref() {
            Some("PAY_PER_REQUEST") => false,
            Some(_) => true,
            None => table.billing.is_provisioned(),
        };
        if !to_provisioned && self.provisioned_throughput.is_some() {
            return Err(invalid_parameters(
                "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is \
                 PAY_PER_REQUEST",
            ));
        }
        if self.billing_mode.is_some() && to_provisioned && self.provisioned_throughput.is_none() {
            return Err(invalid_parameters(
                "ProvisionedThroughput must be specified when BillingMode is PROVISIONED",
            ));
        }
        if let Some(asked) = self.on_demand_throughput {
            if to_provisioned {
                return Err(invalid_parameters(
                    "MaxReadRequestUnits for OnDemandThroughput cannot be specified when the table BillingMode is \
                     PROVISIONED",
                ));
            }
            check_on_demand(Some(&asked), "table")?;
            table.billing.on_demand = Some(asked);
        }
        if !to_provisioned {
            if table.billing.is_provisioned() {
                table.billing.capacity = None;
                table.billing.on_demand_since = Some(cx.now());
                for index in &mut table.global_indexes {
                    index.capacity = None;
                }
            }
            return Ok(());
        }
        let Some(asked) = self.provisioned_throughput else { return Ok(()) };
        match table.billing.capacity {
            Some(current) => {
                let (read, write) = (asked.read_capacity_units, asked.write_capacity_units);
                if (current.read, current.write) == (read, write) && self.only_capacity() {
                    return Err(invalid(format!(
                        "The provisioned throughput for the table will not change. The requested value equals the \
                         current value. Current ReadCapacityUnits provisioned for the table: {read}. Requested \
                         ReadCapacityUnits: {read}. Current WriteCapacityUnits provisioned for the table: {write}. \
                         Requested WriteCapacityUnits: {write}. Refer to the Amazon DynamoDB Developer Guide for \
                         current limits and how to request higher limits."
                    )));
                }
                table.billing.capacity = Some(current.changed(asked, cx.now())?);
            }
            None => {
                table.billing.capacity = Some(Capacity::new(asked)?);
                table.billing.on_demand = None;
                self.give_indexes_capacity(table)?;
            }
        }
        Ok(())
    }

    /// A table that becomes provisioned needs the capacity of each of its indexes.
    fn give_indexes_capacity(&self, table: &mut Table) -> Result<()> {
        for index in &mut table.global_indexes {
            let updates = self.global_secondary_index_updates.iter().flatten();
            let named = updates
                .filter_map(|update| update.update.as_ref())
                .find(|update| update.index_name == index.name)
                .and_then(|update| update.provisioned_throughput);
            let asked = named.ok_or_else(|| {
                invalid_parameters(format!(
                    "ProvisionedThroughput must be specified for index: {}",
                    index.name
                ))
            })?;
            index.capacity = Some(Capacity::new(asked)?);
            index.on_demand = None;
        }
        Ok(())
    }

    fn only_capacity(&self) -> bool {
        self.global_secondary_index_updates.is_none()
    }

    fn create_index(&self, cx: &Context, table: &mut Table, asked: &GlobalIndexInput) -> Result<()> {
        let name = &asked.index_name;
        if table.index(name).is_some() {
            return Err(invalid("Attempting to create an index which already exists"));
        }
        if table.global_indexes.len() >= crate::limits::GLOBAL_INDEXES_MAX {
            return Err(Error::limit(format!(
                "GlobalSecondaryIndex count exceeds the per-table limit of {}",
                crate::limits::GLOBAL_INDEXES_MAX
            ))
            .into());
        }
        if table.global_indexes.iter().any(|index| index.status == IndexStatus::Creating) {
            return Err(Error::limit(
                "Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per table",
            )
            .into());
        }
        let Some(given) = &self.attribute_definitions else {
            return Err(invalid_parameters(format!(
                "AttributeDefinitions is not specified for index: {name}"
            )));
        };
        for definition in given {
            match table.attribute_type(&definition.attribute_name) {
                None => table.attributes.push(definition.clone()),
                Some(known) if known == definition.attribute_type => {}
                Some(known) => {
                    return Err(invalid_parameters(format!(
                        "Attribute {} is defined as {} and cannot become {}",
                        definition.attribute_name,
                        known.as_str(),
                        definition.attribute_type.as_str()
                    )));
                }
            }
        }
        check_index_capacity(name, asked.provisioned_throughput, table.billing.is_provisioned())?;
        let storage = crate::keys::StorageId::new(cx.platform().ids());
        let mut index = new_global_index(asked.clone(), &table.attributes, storage)?;
        index.status = IndexStatus::Creating;
        table.global_indexes.push(index);
        check_projections(table)
    }
}

fn check_updates(updates: Option<&[IndexUpdate]>) -> Result<()> {
    let Some(updates) = updates else { return Ok(()) };
    if updates.is_empty() {
        return Err(invalid_parameters("List of GlobalSecondaryIndexUpdates is empty"));
    }
    let mut seen = std::collections::BTreeSet::new();
    let mut structural = 0;
    for update in updates {
        let names: Vec<&String> = [
            update.update.as_ref().map(|update| &update.index_name),
            update.create.as_ref().map(|create| &create.index_name),
            update.delete.as_ref().map(|delete| &delete.index_name),
        ]
        .into_iter()
        .flatten()
        .collect();
        match names.as_slice() {
            [] => {
                return Err(invalid_parameters(
                    "One of GlobalSecondaryIndexUpdate.Update, GlobalSecondaryIndexUpdate.Create, \
                     GlobalSecondaryIndexUpdate.Delete must not be null",
                ));
            }
            [name] if seen.insert(*name) => {}
            [name] => {
                return Err(invalid_parameters(format!(
                    "Only one global secondary index update per index is allowed simultaneously. Index: {name}"
                )));
            }
            _ => {
                return Err(invalid_parameters(
                    "Only one global secondary index action is allowed per GlobalSecondaryIndexUpdate object",
                ));
            }
        }
        structural += usize::from(update.update.is_none());
    }
    if structural > 1 {
        return Err(Error::limit(
            "Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per table",
        )
        .into());
    }
    Ok(())
}

fn change_index(cx: &Context, table: &mut Table, asked: &IndexChange) -> Result<()> {
    let provisioned = table.billing.is_provisioned();
    let name = &asked.index_name;
    let index = global_index(table, name, "update")?;
    if let Some(capacity) = asked.provisioned_throughput {
        if !provisioned {
            return Err(invalid_parameters(format!(
                "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified for index: {name} when BillingMode \
                 is PAY_PER_REQUEST"
            )));
        }
        index.capacity = Some(match index.capacity {
            Some(current) => current.changed(capacity, cx.now())?,
            None => Capacity::new(capacity)?,
        });
    }
    if let Some(ceiling) = asked.on_demand_throughput {
        check_on_demand(Some(&ceiling), &format!("index : {name}"))?;
        index.on_demand = Some(ceiling);
    }
    if let Some(warm) = asked.warm_throughput {
        index.warm = Some(warm);
    }
    Ok(())
}

fn delete_index(table: &mut Table, name: &str) -> Result<Index> {
    let mut index = global_index(table, name, "delete")?.clone();
    table.global_indexes.retain(|kept| kept.name != name);
    index.status = IndexStatus::Deleting;
    Ok(index)
}

fn global_index<'a>(table: &'a mut Table, name: &str, to: &str) -> Result<&'a mut Index> {
    if table.local_indexes.iter().any(|index| index.name == name) {
        return Err(invalid(format!("Cannot {to} an index that is not a GlobalSecondaryIndex: {name}")));
    }
    let found = table.global_indexes.iter_mut().find(|index| index.name == name);
    found.ok_or_else(|| {
        Error::ResourceNotFoundException(format!("Requested resource not found: Index: {name} not found"))
            .into()
    })
}

fn changed_encryption(cx: &Context, table: &Table, asked: &SseSpecification) -> Result<Option<Encryption>> {
    let wanted = Encryption::asked(cx, Some(asked.clone()))?;
    match (&wanted, &table.encryption) {
        (None, None) => Err(invalid_parameters("Table is already encrypted by default")),
        (Some(wanted), Some(current)) if wanted == current => Err(invalid_parameters(
            "Table is already encrypted with given KMSMasterKeyId. Use KMSMasterKeyId parameter if you want to change \
             Master Key",
        )),
        _ => Ok(wanted),
    }
}
