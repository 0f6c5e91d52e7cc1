use serde::{Deserialize, Serialize};
use service::{Arn, Context, Operation, Result};

use crate::DynamoDb;
use crate::error::Error;
use crate::policy::{Policy, check_policy};
use crate::table::TableName;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct PutResourcePolicy {
    resource_arn: String,
    policy: String,
    expected_revision_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct GetResourcePolicy {
    resource_arn: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DeleteResourcePolicy {
    resource_arn: String,
    expected_revision_id: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Revision {
    revision_id: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Got {
    policy: String,
    revision_id: String,
}

/// What a caller gives as the expected revision when there must be no policy.
const NO_POLICY: &str = "NO_POLICY";

impl Operation for PutResourcePolicy {
    type Service = DynamoDb;
    type Output = Revision;
    const NAME: &'static str = "PutResourcePolicy";

    fn resource(&self, _: &Context) -> Arn {
        self.resource_arn.parse().unwrap_or_else(|_| Arn::any())
    }

    async fn run(self, dynamodb: &DynamoDb, cx: &Context) -> Result<Revision> {
        let name = TableName::of_resource(cx, &self.resource_arn)?;
        let policy = check_policy(cx, self.policy)?;
        let changed = dynamodb.tables().change(cx, &name, |_, table| {
            check_revision(self.expected_revision_id.as_deref(), table.policy.as_ref())?;
            // The same document again is no change and keeps its revision.
            match &table.policy {
                Some(current) if current.document == policy.document => Ok(current.revision.clone()),
                _ => {
                    table.policy = Some(policy.clone());
                    Ok(policy.revision.clone())
                }
            }
        });
        let (_, revision) = changed.await.map_err(|failure| name.as_resource(cx, failure))?;
        Ok(Revision { revision_id: Some(revision) })
    }
}

impl Operation for GetResourcePolicy {
    type Service = DynamoDb;
    type Output = Got;
    const NAME: &'static str = "GetResourcePolicy";

    fn resource(&self, _: &Context) -> Arn {
        self.resource_arn.parse().unwrap_or_else(|_| Arn::any())
    }

    async fn run(self, dynamodb: &DynamoDb, cx: &Context) -> Result<Got> {
        let name = TableName::of_resource(cx, &self.resource_arn)?;
        let found = dynamodb.tables().require(cx, &name).await;
        let table = found.map_err(|failure| name.as_resource(cx, failure))?;
        let policy = table.policy.clone().ok_or_else(|| {
            Error::PolicyNotFoundException(format!(
                "Resource-based policy not found for the provided ResourceArn: Requested policy not found: Table: {} not \
                 found",
                name.as_str()
            ))
        })?;
        Ok(Got { policy: policy.document, revision_id: policy.revision })
    }
}

impl Operation for DeleteResourcePolicy {
    type Service = DynamoDb;
    type Output = Revision;
    const NAME: &'static str = "DeleteResourcePolicy";

    fn resource(&self, _: &Context) -> Arn {
        self.resource_arn.parse().unwrap_or_else(|_| Arn::any())
    }

    async fn run(self, dynamodb: &DynamoDb, cx: &Context) -> Result<Revision> {
        let name = TableName::of_resource(cx, &self.resource_arn)?;
        let changed = dynamodb.tables().change(cx, &name, |_, table| {
            check_revision(self.expected_revision_id.as_deref(), table.policy.as_ref())?;
            Ok(table.policy.take().map(|policy| policy.revision))
        });
        let (_, revision_id) = changed.await.map_err(|failure| name.as_resource(cx, failure))?;
        Ok(Revision { revision_id })
    }
}

fn check_revision(expected: Option<&str>, current: Option<&Policy>) -> Result<()> {
    let holds = match (expected, current) {
        (None, _) | (Some(NO_POLICY), None) => true,
        (Some(expected), Some(current)) => expected == current.revision,
        (Some(_), None) => false,
    };
    if holds {
        return Ok(());
    }
    Err(Error::PolicyNotFoundException(
        "Resource-based policy not found for the provided ResourceArn: Policy update requested with an invalid \
         Policy RevisionId"
            .into(),
    )
    .into())
}
