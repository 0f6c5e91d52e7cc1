//! From what a client asks for to a table, under the rules of CreateTable and in its words and order.

use std::collections::{BTreeMap, BTreeSet};

use service::{Context, Failure, Result, Tags};

use super::parts::*;
use super::*;
use crate::error::{Error, invalid, invalid_parameters};
use crate::limits::{
    GLOBAL_INDEXES_MAX, INDEX_KEY_ATTRIBUTES_MAX, LOCAL_INDEXES_MAX, PROJECTED_ATTRIBUTES_MAX,
};

/// A table as it was asked for.
#[derive(Default)]
pub(crate) struct Draft {
    pub(crate) name: String,
    pub(crate) attributes: Vec<AttributeDefinition>,
    pub(crate) key_schema: Vec<KeySchemaElement>,
    pub(crate) local_indexes: Option<Vec<LocalIndexInput>>,
    pub(crate) global_indexes: Option<Vec<GlobalIndexInput>>,
    pub(crate) billing_mode: Option<String>,
    pub(crate) throughput: Option<ProvisionedThroughput>,
    pub(crate) on_demand: Option<OnDemandThroughput>,
    pub(crate) warm: Option<WarmThroughput>,
    pub(crate) encryption: Option<SseSpecification>,
    pub(crate) class: Option<String>,
    pub(crate) deletion_protection: bool,
    pub(crate) tags: Vec<Tag>,
}

/// Checks the draft and makes the table of it, without a stream.
pub(crate) fn define(cx: &Context, draft: Draft) -> Result<Table> {
    let provisioned = draft.billing_mode.as_deref() != Some("PAY_PER_REQUEST");
    let billing = billing(cx, &draft, provisioned)?;
    let definitions = &draft.attributes;
    if draft.key_schema.len() > 2 {
        return Err(invalid(format!(
            "1 validation error detected: Value '{}' at 'keySchema' failed to satisfy constraint: Member must have \
             length less than or equal to 2",
            written_elements(&draft.key_schema)
        )));
    }
    let mut seen = BTreeSet::new();
    let twice = definitions.iter().find(|definition| !seen.insert(&definition.attribute_name));
    check_defined(&draft.key_schema, definitions)?;
    check_order(&draft.key_schema)?;
    if let Some(twice) = twice {
        return Err(invalid(format!("Attribute Name is duplicated: {}", twice.attribute_name)));
    }
    if draft.local_indexes.is_none()
        && draft.global_indexes.is_none()
        && draft.key_schema.len() != definitions.len()
    {
        return Err(invalid_parameters(
            "Number of attributes in KeySchema does not exactly match number of attributes defined in \
             AttributeDefinitions",
        ));
    }
    let key = key_schema(&draft.key_schema, definitions)?;
    let ids = cx.platform().ids();
    let mut names = BTreeSet::new();
    let mut local_indexes = Vec::new();
    if let Some(asked) = draft.local_indexes {
        check_local_indexes(&asked, &key)?;
        for index in asked {
            local_indexes.push(local_index(index, &key, definitions, StorageId::new(ids), &mut names)?);
        }
        if local_indexes.len() > LOCAL_INDEXES_MAX {
            return Err(invalid_parameters(format!(
                "Number of LocalSecondaryIndexes exceeds per-table limit of {LOCAL_INDEXES_MAX}"
            )));
        }
    }
    let mut global_indexes = Vec::new();
    if let Some(asked) = draft.global_indexes {
        if asked.is_empty() {
            return Err(invalid_parameters("List of GlobalSecondaryIndexes is empty"));
        }
        for index in asked {
            check_index_capacity(&index.index_name, index.provisioned_throughput, provisioned)?;
            if !names.insert(index.index_name.clone()) {
                return Err(invalid_parameters(format!("Duplicate index name: {}", index.index_name)));
            }
            global_indexes.push(new_global_index(index, definitions, StorageId::new(ids))?);
        }
        if global_indexes.len() > GLOBAL_INDEXES_MAX {
            return Err(invalid_parameters(format!(
                "GlobalSecondaryIndex count exceeds the per-table limit of {GLOBAL_INDEXES_MAX}"
            )));
        }
    }
    let mut tags = Tags::default();
    tags_of(draft.tags, &mut tags)?;
    let table = Table {
        name: draft.name,
        id: ids.uuid(),
        storage: StorageId::new(ids),
        status: TableStatus::Active,
        created: cx.now(),
        attributes: draft.attributes,
        key,
        local_indexes,
        global_indexes,
        billing,
        stream: None,
        encryption: Encryption::asked(cx, draft.encryption)?,
        class: draft.class.map(|name| TableClass { name, changed: None }),
        deletion_protection: draft.deletion_protection,
        tags,
        policy: None,
        time_to_live: None,
        recovery: None,
        insights: BTreeMap::new(),
        restored: None,
    };
    check_all_used(&table)?;
    check_projections(&table)?;
    Ok(table)
}

fn billing(cx: &Context, draft: &Draft, provisioned: bool) -> Result<Billing> {
    if !provisioned && draft.throughput.is_some() {
        return Err(invalid_parameters(
            "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST",
        ));
    }
    if provisioned && draft.on_demand.is_some() {
        return Err(invalid_parameters(
            "MaxReadRequestUnits for OnDemandThroughput cannot be specified when the table BillingMode is PROVISIONED",
        ));
    }
    check_on_demand(draft.on_demand.as_ref(), "table")?;
    let capacity = match (provisioned, draft.throughput) {
        (false, _) => None,
        (true, Some(asked)) => Some(Capacity::new(asked)?),
        (true, None) => {
            return Err(invalid_parameters(
                "ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED",
            ));
        }
    };
    Ok(Billing {
        capacity,
        on_demand_since: (!provisioned).then(|| cx.now()),
        on_demand: draft.on_demand,
        warm: draft.warm,
    })
}

/// The ceilings of an on-demand table or index.
pub(crate) fn check_on_demand(asked: Option<&OnDemandThroughput>, of: &str) -> Result<()> {
    let Some(asked) = asked else { return Ok(()) };
    for (units, name) in [
        (asked.max_read_request_units, "MaxReadRequestUnits"),
        (asked.max_write_request_units, "MaxWriteRequestUnits"),
    ] {
        if units.is_some_and(|units| units != -1 && units < 1) {
            return Err(invalid_parameters(format!(
                "Requested {name} for OnDemandThroughput for {of} is outside of valid range"
            )));
        }
    }
    Ok(())
}

/// Whether a global index names capacity exactly when its table is provisioned.
pub(crate) fn check_index_capacity(
    name: &str,
    asked: Option<ProvisionedThroughput>,
    provisioned: bool,
) -> Result<()> {
    match (provisioned, asked) {
        (true, None) => {
            Err(invalid_parameters(format!("ProvisionedThroughput is not specified for index: {name}")))
        }
        (false, Some(_)) => Err(invalid_parameters(format!(
            "ProvisionedThroughput should not be specified for index: {name} when BillingMode is PAY_PER_REQUEST"
        ))),
        (true, Some(_)) | (false, None) => Ok(()),
    }
}

/// A global index, its state left to the caller to change: `Active` as for a new table.
pub(crate) fn new_global_index(
    asked: GlobalIndexInput,
    definitions: &[AttributeDefinition],
    storage: StorageId,
) -> Result<Index> {
    check_global_index_keys(&asked.key_schema, definitions)?;
    check_on_demand(asked.on_demand_throughput.as_ref(), &format!("index : {}", asked.index_name))?;
    Ok(Index {
        key: key_schema(&asked.key_schema, definitions)?,
        projection: projection(asked.projection)?,
        capacity: asked.provisioned_throughput.map(Capacity::new).transpose()?,
        on_demand: asked.on_demand_throughput,
        warm: asked.warm_throughput,
        name: asked.index_name,
        storage,
        status: IndexStatus::Active,
    })
}

fn check_local_indexes(asked: &[LocalIndexInput], key: &KeySchema) -> Result<()> {
    if asked.is_empty() {
        return Err(invalid_parameters("List of LocalSecondaryIndexes is empty"));
    }
    if key.sort.is_empty() {
        return Err(invalid_parameters(
            "Table KeySchema does not have a range key, which is required when specifying a LocalSecondaryIndex",
        ));
    }
    Ok(())
}

fn local_index(
    asked: LocalIndexInput,
    table_key: &KeySchema,
    definitions: &[AttributeDefinition],
    storage: StorageId,
    names: &mut BTreeSet<String>,
) -> Result<Index> {
    let name = asked.index_name;
    check_index_keys(&asked.key_schema, definitions)?;
    if asked.key_schema.len() != 2 {
        return Err(invalid_parameters(format!(
            "Index KeySchema does not have a range key for index: {name}"
        )));
    }
    let (partition, table_partition) = (&asked.key_schema[0].attribute_name, &table_key.partition[0].name);
    if partition != table_partition {
        return Err(invalid_parameters(format!(
            "Index KeySchema does not have the same leading hash key as table KeySchema for index: {name}. index hash \
             key: {partition}, table hash key: {table_partition}"
        )));
    }
    let key = key_schema(&asked.key_schema, definitions)?;
    let projection = projection(asked.projection)?;
    if !names.insert(name.clone()) {
        return Err(invalid_parameters(format!("Duplicate index name: {name}")));
    }
    Ok(Index {
        name,
        storage,
        key,
        projection,
        status: IndexStatus::Active,
        capacity: None,
        on_demand: None,
        warm: None,
    })
}

fn projection(asked: Projection) -> Result<ProjectionKind> {
    let Some(kind) = asked.projection_type else {
        return Err(invalid_parameters("Unknown ProjectionType: null"));
    };
    match (kind.as_str(), asked.non_key_attributes) {
        ("INCLUDE", Some(attributes)) => {
            let mut seen = BTreeSet::new();
            if let Some(twice) = attributes.iter().find(|name| !seen.insert(*name)) {
                return Err(invalid_parameters(format!("Duplicate element in NonKeyAttributes: {twice}")));
            }
            Ok(ProjectionKind::Include(attributes))
        }
        ("INCLUDE", None) => {
            Err(invalid_parameters("ProjectionType is INCLUDE, but NonKeyAttributes is not specified"))
        }
        (_, Some(_)) => {
            Err(invalid_parameters(format!("ProjectionType is {kind}, but NonKeyAttributes is specified")))
        }
        ("KEYS_ONLY", None) => Ok(ProjectionKind::KeysOnly),
        (_, None) => Ok(ProjectionKind::All),
    }
}

/// Every attribute of the table's key has a definition; DynamoDB words it differently for one and for two.
fn check_defined(elements: &[KeySchemaElement], definitions: &[AttributeDefinition]) -> Result<()> {
    let missing = elements.iter().any(|element| !is_defined(&element.attribute_name, definitions));
    match (elements.len(), missing) {
        (1, true) => Err(undefined_keys(elements, definitions)),
        (_, true) => Err(invalid("Invalid KeySchema: Some index key attribute have no definition")),
        (_, false) => Ok(()),
    }
}

fn check_index_keys(elements: &[KeySchemaElement], definitions: &[AttributeDefinition]) -> Result<()> {
    if elements.iter().any(|element| !is_defined(&element.attribute_name, definitions)) {
        return Err(undefined_keys(elements, definitions));
    }
    check_order(elements)
}

/// Several partition attributes, then several sort attributes.
fn check_global_index_keys(elements: &[KeySchemaElement], definitions: &[AttributeDefinition]) -> Result<()> {
    let is_hash = |element: &KeySchemaElement| element.key_type == "HASH";
    let partition = elements.iter().filter(|element| is_hash(element)).count();
    let is_plain = elements.len() == 1 || (elements.len() == 2 && partition != 2);
    if is_plain {
        return check_index_keys(elements, definitions);
    }
    if elements.iter().any(|element| !is_defined(&element.attribute_name, definitions)) {
        return Err(undefined_keys(elements, definitions));
    }
    for (count, kind) in [(partition, "HASH"), (elements.len() - partition, "RANGE")] {
        if count > INDEX_KEY_ATTRIBUTES_MAX {
            return Err(invalid_parameters(format!(
                "The KeySchema exceeds the maximum allowed number of {kind} key attributes"
            )));
        }
    }
    let mut names = BTreeSet::new();
    if !elements.iter().all(|element| names.insert(&element.attribute_name)) {
        return Err(invalid("The KeySchema contains multiple key attributes with the same name"));
    }
    if elements.iter().take(partition).any(|element| !is_hash(element)) {
        return Err(invalid_parameters(
            "All HASH key attributes must precede RANGE key attributes in the KeySchema",
        ));
    }
    Ok(())
}

fn check_order(elements: &[KeySchemaElement]) -> Result<()> {
    if let [partition, sort, ..] = elements
        && partition.attribute_name == sort.attribute_name
    {
        return Err(invalid(
            "Both the Hash Key and the Range Key element in the KeySchema have the same name",
        ));
    }
    if elements.first().is_some_and(|first| first.key_type != "HASH") {
        return Err(invalid("Invalid KeySchema: The first KeySchemaElement is not a HASH key type"));
    }
    if elements.get(1).is_some_and(|second| second.key_type != "RANGE") {
        return Err(invalid("Invalid KeySchema: The second KeySchemaElement is not a RANGE key type"));
    }
    Ok(())
}

fn key_schema(elements: &[KeySchemaElement], definitions: &[AttributeDefinition]) -> Result<KeySchema> {
    let key = |element: &KeySchemaElement| {
        let found = definitions.iter().find(|defined| defined.attribute_name == element.attribute_name);
        let kind = found.map(|defined| defined.attribute_type);
        let kind = kind.ok_or_else(|| undefined_keys(elements, definitions))?;
        Ok::<_, Failure>(KeyAttribute { name: element.attribute_name.clone(), kind })
    };
    if elements.is_empty() {
        return Err(invalid(
            "1 validation error detected: Value '[]' at 'keySchema' failed to satisfy constraint: Member must have \
             length greater than or equal to 1",
        ));
    }
    let of = |kind: &str| {
        elements.iter().filter(|element| element.key_type == kind).map(key).collect::<Result<Vec<_>>>()
    };
    Ok(KeySchema { partition: of("HASH")?, sort: of("RANGE")? })
}

/// Definitions without a key that needs them are refused, as they would be forgotten.
fn check_all_used(table: &Table) -> Result<()> {
    let indexes = table.local_indexes.iter().chain(&table.global_indexes);
    let mut used = Vec::new();
    for key in std::iter::once(&table.key).chain(indexes.map(|index| &index.key)) {
        for attribute in key.attributes() {
            if !used.contains(&attribute.name.as_str()) {
                used.push(&attribute.name);
            }
        }
    }
    if table.attributes.iter().all(|defined| used.contains(&defined.attribute_name.as_str())) {
        return Ok(());
    }
    Err(invalid_parameters(format!(
        "Some AttributeDefinitions are not used. AttributeDefinitions: [{}], keys used: [{}]",
        written_definitions(&table.attributes),
        used.join(", ")
    )))
}

pub(crate) fn check_projections(table: &Table) -> Result<()> {
    let indexes = table.local_indexes.iter().chain(&table.global_indexes);
    let named: usize = indexes
        .map(|index| match &index.projection {
            ProjectionKind::Include(attributes) => attributes.len(),
            ProjectionKind::All | ProjectionKind::KeysOnly => 0,
        })
        .sum();
    if named > PROJECTED_ATTRIBUTES_MAX {
        return Err(invalid_parameters(format!(
            "Number of attributes projected across all indexes exceeds the limit of {PROJECTED_ATTRIBUTES_MAX}"
        )));
    }
    Ok(())
}

fn is_defined(name: &str, definitions: &[AttributeDefinition]) -> bool {
    definitions.iter().any(|defined| defined.attribute_name == name)
}

fn undefined_keys(elements: &[KeySchemaElement], definitions: &[AttributeDefinition]) -> Failure {
    let keys: Vec<&str> = elements.iter().map(|element| element.attribute_name.as_str()).collect();
    invalid_parameters(format!(
        "Some index key attributes are not defined in AttributeDefinitions. Keys: [{}], AttributeDefinitions: [{}]",
        keys.join(", "),
        written_definitions(definitions)
    ))
}

fn written_definitions(definitions: &[AttributeDefinition]) -> String {
    let names: Vec<&str> = definitions.iter().map(|defined| defined.attribute_name.as_str()).collect();
    names.join(", ")
}

fn written_elements(elements: &[KeySchemaElement]) -> String {
    let each: Vec<String> = elements
        .iter()
        .map(|element| {
            format!(
                "KeySchemaElement(attributeName={}, keyType={})",
                element.attribute_name, element.key_type
            )
        })
        .collect();
    format!("[{}]", each.join(", "))
}

impl Encryption {
    /// `None` where the service's own key is meant, of which nothing is said.
    pub(crate) fn asked(cx: &Context, asked: Option<SseSpecification>) -> Result<Option<Self>> {
        let Some(asked) = asked else { return Ok(None) };
        if asked.enabled != Some(true) {
            if asked.sse_type.is_some() {
                return Err(invalid_parameters("SSEType can not be specified if Enabled is false"));
            }
            if asked.kms_master_key_id.is_some() {
                return Err(invalid_parameters("KMSMasterKeyId can not be specified if Enabled is false"));
            }
            return Ok(None);
        }
        match asked.sse_type.as_deref() {
            Some("AES256") => return Err(invalid_parameters("SSEType AES256 is not supported")),
            None if asked.kms_master_key_id.is_some() => {
                return Err(invalid_parameters("SSEType KMS is required if KMSMasterKeyId is specified"));
            }
            _ => {}
        }
        let key = asked.kms_master_key_id.unwrap_or_else(|| "alias/aws/dynamodb".into());
        let key_arn = match key.as_str() {
            arn if arn.starts_with("arn:") => arn.to_owned(),
            alias if alias.starts_with("alias/") => Arn::regional("kms", cx.scope(), alias).to_string(),
            id => Arn::regional("kms", cx.scope(), format_args!("key/{id}")).to_string(),
        };
        Ok(Some(Encryption { key_arn }))
    }
}

impl Table {
    /// What CreateTable answers when the name is taken.
    pub(crate) fn exists(name: &str) -> Error {
        Error::in_use(format!("Table already exists: {name}"))
    }
}
