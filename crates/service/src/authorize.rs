//! The decision whether a caller may act; every call passes through it, from outside and between services.
//!
//! An operation says what it demands ([`Operation::demands`](crate::Operation::demands)), the resource's own service
//! says what the resource itself allows ([`ResourcePolicies`]), and the platform's [`Authorizer`] decides.

use std::borrow::Cow;
use std::sync::Arc;

use serde_json::json;
use store::BoxFuture;

use crate::{AccountId, Arn, Context, Result};

/// Condition keys with their values, e.g. `("s3:prefix", ["photos/"])`. Names are compared without case.
pub type ConditionKeys = Vec<(Cow<'static, str>, Vec<String>)>;

/// One thing a call must be allowed: an action on a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Demand {
    /// `service:Action`, e.g. `lambda:InvokeFunction`; without a colon it is an action of the operation's own service.
    pub action: Cow<'static, str>,
    pub resource: Arn,
    /// What policies of this action may ask about, beside the global keys.
    pub keys: ConditionKeys,
}

impl Demand {
    pub fn new(action: impl Into<Cow<'static, str>>, resource: Arn) -> Self {
        Demand { action: action.into(), resource, keys: Vec::new() }
    }

    /// Adds a condition key that has one value.
    #[must_use]
    pub fn with(self, key: impl Into<Cow<'static, str>>, value: impl Into<String>) -> Self {
        self.with_all(key, [value.into()])
    }

    /// Adds a condition key with all its values; without any the key counts as absent.
    #[must_use]
    pub fn with_all(
        mut self,
        key: impl Into<Cow<'static, str>>,
        values: impl IntoIterator<Item = String>,
    ) -> Self {
        self.keys.push((key.into(), values.into_iter().collect()));
        self
    }
}

/// One question: may `cx.caller()` run this operation?
#[derive(Debug)]
pub struct Authorization<'a> {
    pub cx: &'a Context,
    /// Whose operation it is, e.g. `lambda`.
    pub service: &'static str,
    pub operation: &'static str,
    /// All of them must be allowed; every action has its prefix. None: anybody may.
    pub demands: Vec<Demand>,
}

pub trait Authorizer: Send + Sync + 'static {
    /// Whether policies decide at all.
    fn enforces(&self) -> bool {
        true
    }

    /// `Err` carries the denial as the client reads it.
    fn authorize<'a>(&'a self, question: Authorization<'a>) -> BoxFuture<'a, Result<()>>;
}

/// Development mode: policies are stored but not enforced.
#[derive(Debug, Default)]
pub struct AllowAll;

impl Authorizer for AllowAll {
    fn enforces(&self) -> bool {
        false
    }

    fn authorize<'a>(&'a self, _: Authorization<'a>) -> BoxFuture<'a, Result<()>> {
        Box::pin(std::future::ready(Ok(())))
    }
}

/// What a resource itself says about who may use it.
#[derive(Clone, Debug, Default)]
pub struct ResourcePolicy {
    pub kind: ResourcePolicyKind,
    /// Whose resource it is, where its ARN does not say (S3).
    pub owner: Option<AccountId>,
    /// The policy documents attached to it, all of which apply; [`grants_document`] writes an ACL as one.
    pub documents: Vec<Arc<str>>,
    /// Condition keys that follow from its state, e.g. `aws:ResourceTag/team`.
    pub keys: ConditionKeys,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ResourcePolicyKind {
    /// Within its account an identity policy is enough.
    #[default]
    Ordinary,
    /// A KMS key's: it must allow, whatever identity policies say.
    Key,
    /// Who may assume a role.
    RoleTrust,
}

/// A service whose resources have policies of their own; mounted by [`Guarded`](crate::Guarded).
pub trait ResourcePolicies: Send + Sync {
    /// The policy that bears on the demand; `None` when the resource has none, is not there, or has none for such an
    /// action. Asked before the operation runs, for callers of any account: take the account from the ARN or from the
    /// resource itself, not from `cx`.
    fn resource_policy<'a>(
        &'a self,
        cx: &'a Context,
        demand: &'a Demand,
    ) -> BoxFuture<'a, Result<Option<ResourcePolicy>>>;
}

/// A line of an access control list: somebody may do certain actions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    pub grantee: Grantee,
    /// With prefix, e.g. `s3:GetObject`.
    pub actions: Vec<Cow<'static, str>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Grantee {
    /// Without a signature too.
    Everyone,
    /// Any account's users.
    Authenticated,
    Account(AccountId),
}

/// An access control list as the policy document that means the same, for `resources` (ARNs).
pub fn grants_document(grants: &[Grant], resources: &[&str]) -> Arc<str> {
    let statements: Vec<_> = grants
        .iter()
        .map(|grant| {
            let mut statement = json!({ "Effect": "Allow", "Action": grant.actions, "Resource": resources });
            match &grant.grantee {
                Grantee::Account(account) => statement["Principal"] = json!({ "AWS": account.as_str() }),
                Grantee::Everyone => statement["Principal"] = json!("*"),
                Grantee::Authenticated => {
                    statement["Principal"] = json!("*");
                    statement["Condition"] = json!({ "Null": { "aws:PrincipalAccount": "false" } });
                }
            }
            statement
        })
        .collect();
    json!({ "Version": "2012-10-17", "Statement": statements }).to_string().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn access_control_lists_are_written_as_policies() {
        let account = AccountId::parse("111122223333").unwrap();
        let read = |grantee| Grant { grantee, actions: vec!["s3:GetObject".into()] };
        let grants = [read(Grantee::Everyone), read(Grantee::Authenticated), read(Grantee::Account(account))];
        let document: serde_json::Value =
            serde_json::from_str(&grants_document(&grants, &["arn:aws:s3:::b/k"])).unwrap();
        let statements = document["Statement"].as_array().unwrap();
        assert_eq!(statements[0]["Principal"], "*");
        assert_eq!(statements[1]["Condition"]["Null"]["aws:PrincipalAccount"], "false");
        assert_eq!(statements[2]["Principal"]["AWS"], "111122223333");
        assert!(statements.iter().all(|statement| statement["Resource"][0] == "arn:aws:s3:::b/k"));
    }
}
