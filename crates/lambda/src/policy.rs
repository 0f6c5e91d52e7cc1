//! Resource policies: who else may invoke a function or use a layer.
//!
//! Source of the document's form: GetPolicy in the Lambda API reference and "Using resource-based policies for
//! Lambda" in the developer guide.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::Error;

/// Largest policy document (Lambda quotas: 20 KB).
pub(crate) const POLICY_BYTES_MAX: usize = 20_480;

/// The statements of one function, version, alias or layer version.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Policy {
    pub(crate) revision_id: String,
    statements: Vec<Statement>,
}

/// One statement, its members in the order in which AWS writes them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Statement {
    sid: String,
    effect: String,
    principal: Value,
    action: String,
    resource: String,
    #[serde(default, skip_serializing_if = "Conditions::is_empty")]
    condition: Conditions,
}

type Conditions = BTreeMap<String, BTreeMap<String, String>>;

/// Limits of a permission beyond principal and action.
#[derive(Debug, Default)]
pub(crate) struct Limits {
    pub(crate) source_arn: Option<String>,
    pub(crate) source_account: Option<String>,
    pub(crate) event_source_token: Option<String>,
    pub(crate) principal_org_id: Option<String>,
    pub(crate) function_url_auth_type: Option<String>,
    pub(crate) invoked_via_function_url: Option<bool>,
}

impl Policy {
    pub(crate) fn new(revision_id: String) -> Self {
        Policy { revision_id, statements: Vec::new() }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.statements.is_empty()
    }

    /// Adds a statement under a new revision. A statement of the same id is a conflict.
    pub(crate) fn add(&mut self, statement: Statement, revision_id: String) -> Result<(), Error> {
        if self.statements.iter().any(|known| known.sid == statement.sid) {
            return Err(Error::conflict(format!(
                "The statement id ({}) provided already exists. Please provide a new statement id, or remove the \
                 existing statement.",
                statement.sid
            )));
        }
        self.statements.push(statement);
        let bytes = self.document().len();
        if bytes > POLICY_BYTES_MAX {
            self.statements.pop();
            return Err(Error::policy_length(format!(
                "The final policy size ({bytes}) is bigger than the limit ({POLICY_BYTES_MAX})."
            )));
        }
        self.revision_id = revision_id;
        Ok(())
    }

    /// Removes the statement with this id under a new revision.
    pub(crate) fn remove(&mut self, sid: &str, revision_id: String) -> Result<(), Error> {
        let before = self.statements.len();
        self.statements.retain(|statement| statement.sid != sid);
        if self.statements.len() == before {
            return Err(Error::not_found(format!("Statement {sid} is not found in resource policy.")));
        }
        self.revision_id = revision_id;
        Ok(())
    }

    /// The policy as GetPolicy answers it.
    pub(crate) fn document(&self) -> String {
        #[derive(Serialize)]
        #[serde(rename_all = "PascalCase")]
        struct Document<'a> {
            version: &'static str,
            id: &'static str,
            statement: &'a [Statement],
        }
        let document = Document { version: "2012-10-17", id: "default", statement: &self.statements };
        serde_json::to_string(&document).expect("text keys and values always serialize")
    }
}

impl Statement {
    /// Allows `principal` to do `action` on `resource`, within `limits`.
    pub(crate) fn allow(
        sid: String,
        principal: &str,
        action: String,
        resource: String,
        limits: Limits,
    ) -> Result<Self, Error> {
        Ok(Statement {
            sid,
            effect: "Allow".into(),
            principal: rendered_principal(principal)?,
            action,
            resource,
            condition: limits.conditions(),
        })
    }

    /// The statement as AddPermission answers it.
    pub(crate) fn text(&self) -> String {
        serde_json::to_string(self).expect("text keys and values always serialize")
    }
}

impl Limits {
    fn conditions(self) -> Conditions {
        let entries = [
            ("ArnLike", "AWS:SourceArn", self.source_arn),
            ("StringEquals", "AWS:SourceAccount", self.source_account),
            ("StringEquals", "lambda:EventSourceToken", self.event_source_token),
            ("StringEquals", "aws:PrincipalOrgID", self.principal_org_id),
            ("StringEquals", "lambda:FunctionUrlAuthType", self.function_url_auth_type),
            (
                "Bool",
                "lambda:InvokedViaFunctionUrl",
                self.invoked_via_function_url.map(|via| via.to_string()),
            ),
        ];
        let mut conditions = Conditions::new();
        for (operator, key, value) in entries {
            if let Some(value) = value {
                conditions.entry(operator.into()).or_default().insert(key.into(), value);
            }
        }
        conditions
    }
}

/// An account is its root, a host name is a service, an ARN is itself.
fn rendered_principal(principal: &str) -> Result<Value, Error> {
    let of = |kind: &str, name: String| {
        Ok(Value::Object([(kind.to_owned(), Value::String(name))].into_iter().collect()))
    };
    if principal == "*" {
        Ok(Value::String("*".into()))
    } else if service::AccountId::parse(principal).is_some() {
        of("AWS", format!("arn:aws:iam::{principal}:root"))
    } else if principal.starts_with("arn:")
        && principal.parse::<service::Arn>().is_ok_and(|arn| arn.service() == "iam")
    {
        of("AWS", principal.to_owned())
    } else if is_host_name(principal) {
        of("Service", principal.to_owned())
    } else {
        Err(Error::parameter("The provided principal was invalid. Please check the principal and try again."))
    }
}

fn is_host_name(text: &str) -> bool {
    let label = |part: &str| {
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    text.contains('.') && text.split('.').all(label)
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    fn statement(sid: &str, principal: &str, limits: Limits) -> Result<Statement, Error> {
        let resource = "arn:aws:lambda:us-east-1:000000000000:function:hello".to_owned();
        Statement::allow(sid.into(), principal, "lambda:InvokeFunction".into(), resource, limits)
    }

    #[test]
    fn documents_are_written_as_aws_writes_them() {
        let mut policy = Policy::new("0".into());
        let limits = Limits {
            source_arn: Some("arn:aws:s3:::bucket".into()),
            source_account: Some("000000000000".into()),
            ..Limits::default()
        };
        policy.add(statement("s3", "s3.amazonaws.com", limits).unwrap(), "1".into()).unwrap();
        let limits = Limits { function_url_auth_type: Some("NONE".into()), ..Limits::default() };
        policy.add(statement("url", "*", limits).unwrap(), "2".into()).unwrap();
        policy.add(statement("account", "111122223333", Limits::default()).unwrap(), "3".into()).unwrap();
        assert_eq!(policy.revision_id, "3");
        let document: Value = serde_json::from_str(&policy.document()).unwrap();
        expect![[r#"{"Version":"2012-10-17","Id":"default","Statement":[{"Sid":"s3","Effect":"Allow","Principal":{"Service":"s3.amazonaws.com"},"Action":"lambda:InvokeFunction","Resource":"arn:aws:lambda:us-east-1:000000000000:function:hello","Condition":{"ArnLike":{"AWS:SourceArn":"arn:aws:s3:::bucket"},"StringEquals":{"AWS:SourceAccount":"000000000000"}}},{"Sid":"url","Effect":"Allow","Principal":"*","Action":"lambda:InvokeFunction","Resource":"arn:aws:lambda:us-east-1:000000000000:function:hello","Condition":{"StringEquals":{"lambda:FunctionUrlAuthType":"NONE"}}},{"Sid":"account","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"lambda:InvokeFunction","Resource":"arn:aws:lambda:us-east-1:000000000000:function:hello"}]}"#]]
            .assert_eq(&policy.document());
        assert_eq!(document["Statement"].as_array().unwrap().len(), 3);
    }

    #[test]
    fn statement_ids_are_unique() {
        let mut policy = Policy::new("0".into());
        policy.add(statement("a", "*", Limits::default()).unwrap(), "1".into()).unwrap();
        let error = policy.add(statement("a", "*", Limits::default()).unwrap(), "2".into()).unwrap_err();
        assert!(matches!(error, Error::ResourceConflictException(_)), "{error}");
        assert!(policy.remove("b", "2".into()).is_err());
        assert_eq!(policy.revision_id, "1", "a failed change keeps the revision");
        policy.remove("a", "2".into()).unwrap();
        assert!(policy.is_empty());
    }

    #[test]
    fn the_size_is_limited() {
        let mut policy = Policy::new("0".into());
        let mut added = 0;
        let error = loop {
            match policy.add(statement(&format!("s{added}"), "*", Limits::default()).unwrap(), "1".into()) {
                Ok(()) => added += 1,
                Err(error) => break error,
            }
        };
        assert!(matches!(error, Error::PolicyLengthExceededException(_)));
        assert!(policy.document().len() <= POLICY_BYTES_MAX);
        assert!(added > 100);
    }

    #[test]
    fn principals_are_told_apart() {
        for principal in ["", "bob", "a b.c", "arn:aws:s3:::x", "12345", ".", "s3..com"] {
            assert!(statement("a", principal, Limits::default()).is_err(), "{principal}");
        }
        let role = "arn:aws:iam::111122223333:role/x";
        assert_eq!(rendered_principal(role).unwrap()["AWS"], role);
    }
}
