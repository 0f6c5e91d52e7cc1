//! The table that a restore makes: the source's, with what the request overrides.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use service::{Context, Failure, Result, Tags};

use crate::error::invalid;
use crate::keys::StorageId;
use crate::table::*;

/// What a restore may ask for otherwise.
#[derive(Clone, Debug, Default)]
pub(crate) struct Overrides {
    pub(crate) billing_mode: Option<String>,
    pub(crate) throughput: Option<ProvisionedThroughput>,
    pub(crate) on_demand: Option<OnDemandThroughput>,
    pub(crate) global_indexes: Option<Vec<GlobalIndexInput>>,
    pub(crate) local_indexes: Option<Vec<LocalIndexInput>>,
    pub(crate) encryption: Option<SseSpecification>,
}

/// How a restored table came to be, for its description.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Restored {
    pub(crate) backup_arn: Option<String>,
    pub(crate) source_arn: String,
    pub(crate) moment: wire::Timestamp,
}

/// A new table like the source. Streams, time to live, recovery, tags, policies and protection are not restored, as on AWS.
pub(crate) fn target_table(
    cx: &Context,
    name: &TableName,
    source: &Table,
    overrides: Overrides,
    restored: Restored,
) -> Result<Table> {
    let ids = cx.platform().ids();
    let billing = billing(cx, &source.billing, &overrides)?;
    let provisioned = billing.is_provisioned();
    let mut global_indexes = match &overrides.global_indexes {
        None => source.global_indexes.clone(),
        Some(asked) => {
            let mut kept = Vec::new();
            for wanted in asked {
                let mut index = same(&source.global_indexes, &wanted.index_name, &wanted.key_schema)?;
                if let Some(throughput) = wanted.provisioned_throughput {
                    index.capacity = Some(Capacity::new(throughput)?);
                }
                kept.push(index);
            }
            kept
        }
    };
    for index in &mut global_indexes {
        if !provisioned {
            index.capacity = None;
        } else if index.capacity.is_none() {
            return Err(invalid(format!(
                "Invalid Request: Must specify provisioned throughput for index {}",
                index.name
            )));
        }
    }
    let mut local_indexes = match &overrides.local_indexes {
        None => source.local_indexes.clone(),
        Some(asked) => asked
            .iter()
            .map(|wanted| same(&source.local_indexes, &wanted.index_name, &wanted.key_schema))
            .collect::<Result<_>>()?,
    };
    for index in global_indexes.iter_mut().chain(&mut local_indexes) {
        index.storage = StorageId::new(ids);
        index.status = IndexStatus::Active;
    }
    let encryption = match overrides.encryption {
        Some(asked) => Encryption::asked(cx, Some(asked))?,
        None => source.encryption.clone(),
    };
    let mut table = Table {
        name: name.as_str().to_owned(),
        id: ids.uuid(),
        storage: StorageId::new(ids),
        status: TableStatus::Active,
        created: cx.now(),
        attributes: source.attributes.clone(),
        key: source.key.clone(),
        local_indexes,
        global_indexes,
        billing,
        stream: None,
        encryption,
        class: source.class.clone(),
        deletion_protection: false,
        tags: Tags::default(),
        policy: None,
        time_to_live: None,
        recovery: None,
        insights: BTreeMap::new(),
        restored: Some(restored),
    };
    forget_unused_attributes(&mut table);
    Ok(table)
}

fn billing(cx: &Context, source: &Billing, overrides: &Overrides) -> Result<Billing> {
    let provisioned = match overrides.billing_mode.as_deref() {
        Some("PAY_PER_REQUEST") => false,
        Some(_) => true,
        None => source.is_provisioned(),
    };
    if !provisioned {
        if overrides.throughput.is_some() {
            return Err(invalid(if overrides.billing_mode.is_some() {
                "Invalid Request: Cannot override ProvisionedThroughput if BillingMode is overridden to PAY_PER_REQUEST"
            } else {
                "Invalid Request: Cannot override ProvisionedThroughput unless BillingMode is PROVISIONED"
            }));
        }
        return Ok(Billing {
            capacity: None,
            on_demand_since: Some(cx.now()),
            on_demand: overrides.on_demand.or(source.on_demand),
            warm: source.warm,
        });
    }
    let capacity = match (overrides.throughput, source.capacity) {
        (Some(asked), _) => Capacity::new(asked)?,
        (None, Some(capacity)) => capacity,
        (None, None) => {
            return Err(invalid(
                "Invalid Request: Must override ProvisionedThroughput if BillingMode is overridden to PROVISIONED",
            ));
        }
    };
    Ok(Billing { capacity: Some(capacity), on_demand_since: None, on_demand: None, warm: source.warm })
}

fn same(indexes: &[Index], name: &str, key: &[KeySchemaElement]) -> Result<Index> {
    let found = indexes.iter().find(|index| index.name == name && index.key.elements() == key);
    found.cloned().ok_or_else(|| -> Failure {
        invalid(format!(
            "Invalid Request: Index {name} does not match a secondary index that existed in the source table and cannot \
             be created during the restore operation"
        ))
    })
}
