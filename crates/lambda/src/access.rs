//! What policies know of this service's resources, and what its operations demand beside their own action.

use service::{
    AccountId, Arn, BoxFuture, Context, Demand, Region, ResourcePolicies, ResourcePolicy, Result, Scope,
};

use crate::Lambda;
use crate::functions::rows;
use crate::name::LATEST;
use crate::tables::{LAYER_VERSIONS, POLICIES, member_key, version_key};

/// A function gets its role only from somebody who may pass it on.
pub(crate) fn passing(role: &str) -> Option<Demand> {
    let role: Arn = role.parse().ok()?;
    Some(Demand::new("iam:PassRole", role).with("iam:PassedToService", "lambda.amazonaws.com"))
}

impl ResourcePolicies for Lambda {
    fn resource_policy<'a>(
        &'a self,
        cx: &'a Context,
        demand: &'a Demand,
    ) -> BoxFuture<'a, Result<Option<ResourcePolicy>>> {
        Box::pin(async move {
            let document = document(cx, &demand.resource).await?;
            Ok(document.map(|document| ResourcePolicy {
                documents: vec![document.into()],
                ..ResourcePolicy::default()
            }))
        })
    }
}

/// The policy of a function, version, alias or layer version, from the account and region of its ARN.
async fn document(cx: &Context, arn: &Arn) -> Result<Option<String>> {
    let (Some(account), Some(region)) = (AccountId::parse(arn.account()), Region::parse(arn.region())) else {
        return Ok(None);
    };
    let scope = Scope { account, region };
    let parts: Vec<&str> = arn.resource().split(':').collect();
    match *parts.as_slice() {
        ["function", name] => function(cx, &scope, name, LATEST).await,
        ["function", name, qualifier] => function(cx, &scope, name, qualifier).await,
        ["layer", name, version] => {
            let Ok(version) = version.parse() else { return Ok(None) };
            let row = rows(cx, &scope, &LAYER_VERSIONS).get(&version_key(name, version)).await?;
            Ok(row.and_then(|row| row.policy).map(|policy| policy.document()))
        }
        _ => Ok(None),
    }
}

async fn function(cx: &Context, scope: &Scope, name: &str, qualifier: &str) -> Result<Option<String>> {
    let policy = rows(cx, scope, &POLICIES).get(&member_key(name, qualifier)).await?;
    Ok(policy.map(|policy| policy.document()))
}
