use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use service::{Arn, Context, Failure, Judge, Operation, Result};

use crate::DynamoDb;
use crate::error::{Error, invalid};
use crate::keys::Keys;
use crate::limits::TABLES_MAX;
use crate::policy::check_policy;
use crate::streams;
use crate::table::*;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct CreateTable {
    table_name: String,
    attribute_definitions: Option<Vec<AttributeDefinition>>,
    key_schema: Option<Vec<KeySchemaElement>>,
    local_secondary_indexes: Option<Vec<LocalIndexInput>>,
    global_secondary_indexes: Option<Vec<GlobalIndexInput>>,
    billing_mode: Option<String>,
    provisioned_throughput: Option<ProvisionedThroughput>,
    stream_specification: Option<StreamSpecification>,
    #[serde(rename = "SSESpecification")]
    sse_specification: Option<SseSpecification>,
    #[serde(default)]
    tags: Vec<Tag>,
    table_class: Option<String>,
    deletion_protection_enabled: Option<bool>,
    warm_throughput: Option<WarmThroughput>,
    on_demand_throughput: Option<OnDemandThroughput>,
    resource_policy: Option<String>,
    vector_indexes: Option<Vec<IgnoredAny>>,
    global_table_source_arn: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct TableCreated {
    table_description: TableDescription,
}

impl Operation for CreateTable {
    type Service = DynamoDb;
    type Output = TableCreated;
    const NAME: &'static str = "CreateTable";
    const JUDGE: Option<Judge> = Some(crate::members::CREATE_TABLE);

    fn resource(&self, cx: &Context) -> Arn {
        TableName::resource(cx, &self.table_name)
    }

    async fn run(self, dynamodb: &DynamoDb, cx: &Context) -> Result<TableCreated> {
        let name = TableName::parse(cx, &self.table_name)?;
        if self.vector_indexes.is_some_and(|indexes| !indexes.is_empty()) {
            return Err(Failure::unsupported("vector indexes of dynamodb:CreateTable"));
        }
        if self.global_table_source_arn.is_some() {
            return Err(Failure::unsupported("the parameter GlobalTableSourceArn of dynamodb:CreateTable"));
        }
        let policy = self.resource_policy.map(|policy| check_policy(cx, policy)).transpose()?;
        let mut table = define(
            cx,
            Draft {
                name: name.as_str().to_owned(),
                attributes: required(self.attribute_definitions, "attributeDefinitions")?,
                key_schema: required(self.key_schema, "keySchema")?,
                local_indexes: self.local_secondary_indexes,
                global_indexes: self.global_secondary_indexes,
                billing_mode: self.billing_mode,
                throughput: self.provisioned_throughput,
                on_demand: self.on_demand_throughput,
                warm: self.warm_throughput,
                encryption: self.sse_specification,
                class: self.table_class,
                deletion_protection: self.deletion_protection_enabled.unwrap_or(false),
                tags: self.tags,
            },
        )?;
        table.policy = policy;
        let stream = self.stream_specification.map(|asked| streams::asked_with_table(cx, &table, &asked));
        let stream = stream.transpose()?.flatten();
        table.stream = stream.as_ref().map(streams::Stream::settings);
        insert(dynamodb, cx, &table, stream.as_ref()).await?;
        let open = dynamodb.tables().require(cx, &name).await?;
        let description = TableDescription::new(cx.scope(), &open, &open.sizes, cx.now());
        Ok(TableCreated { table_description: description.in_status(TableStatus::Creating) })
    }
}

/// Puts a new table, and its stream where it has one, in one commit.
pub(crate) async fn insert(
    dynamodb: &DynamoDb,
    cx: &Context,
    table: &Table,
    stream: Option<&streams::Stream>,
) -> Result<()> {
    let keys = Keys::new(cx.scope());
    let kv = cx.platform().kv().as_ref();
    let names = kv.snapshot().await?.scan(keys.tables(), store::Order::Forward, TABLES_MAX).await?;
    if names.len() >= TABLES_MAX {
        return Err(Error::limit(format!(
            "Subscriber limit exceeded: There is a limit of {TABLES_MAX} tables per account per region"
        ))
        .into());
    }
    store::txn(kv, |txn| {
        let keys = &keys;
        async move {
            if look_up(&txn, keys, &table.name).await?.is_some() {
                return Err(Failure::from(Table::exists(&table.name)));
            }
            put(&txn, keys, table)?;
            if let Some(stream) = stream {
                streams::enable(&txn, keys, stream)?;
            }
            Ok(())
        }
    })
    .await?;
    dynamodb.tables().forget(cx.scope(), &table.name);
    Ok(())
}

fn required<T>(member: Option<T>, name: &str) -> Result<T> {
    member.ok_or_else(|| {
        invalid(format!(
            "1 validation error detected: Value null at '{name}' failed to satisfy constraint: Member must not be null"
        ))
    })
}
