//! Identities that a test writes down.

use std::collections::HashMap;
use std::sync::Arc;

use auth::policy::{Policy, PolicyKind};
use auth::{AccessKey, Answer, Grants, Identities, Identity, KeyOwner, Provider, Role};

/// Nobody, until somebody is added.
#[derive(Default)]
pub(crate) struct WrittenDown {
    keys: HashMap<String, Arc<AccessKey>>,
    /// By unique id.
    grants: HashMap<String, Arc<Grants>>,
    roles: HashMap<String, Arc<Role>>,
}

pub(crate) const ACCOUNT: &str = "111122223333";

pub(crate) fn policy(statements: &str, kind: PolicyKind) -> Arc<Policy> {
    let text = format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#);
    Arc::new(Policy::parse(&text, kind).unwrap())
}

impl WrittenDown {
    /// A user or a role with one policy of these statements, and a boundary where there is one.
    pub(crate) fn grant(&mut self, unique_id: &str, arn: &str, statements: &str, boundary: &str) {
        let policies = match statements {
            "" => Vec::new(),
            statements => vec![policy(statements, PolicyKind::Identity)],
        };
        let boundary = (!boundary.is_empty()).then(|| policy(boundary, PolicyKind::Identity));
        let tags = [("team".to_owned(), "blue".to_owned())].into();
        let name = arn.rsplit('/').next().unwrap().into();
        let grants = Grants { account: ACCOUNT.into(), name, arn: arn.into(), policies, boundary, tags };
        self.grants.insert(unique_id.into(), Arc::new(grants));
    }

    pub(crate) fn key(&mut self, access_key_id: &str, secret: &str, owner: KeyOwner, active: bool) {
        let (account, secret_access_key) = (ACCOUNT.into(), secret.into());
        let key = AccessKey { account, owner, secret_access_key, active };
        self.keys.insert(access_key_id.into(), Arc::new(key));
    }

    pub(crate) fn role(&mut self, arn: &str, trust: &str) {
        let role = Role {
            account: ACCOUNT.into(),
            name: arn.rsplit('/').next().unwrap().into(),
            arn: arn.into(),
            unique_id: "AROAWORKER".into(),
            trust: policy(trust, PolicyKind::Trust),
            max_session_seconds: 3_600,
            tags: Default::default(),
        };
        self.roles.insert(arn.into(), Arc::new(role));
    }
}

fn answer<'a, T: Send + 'a>(value: T) -> Answer<'a, T> {
    Box::pin(std::future::ready(Ok(value)))
}

impl Identities for WrittenDown {
    fn access_key<'a>(&'a self, access_key_id: &'a str) -> Answer<'a, Option<Arc<AccessKey>>> {
        answer(self.keys.get(access_key_id).cloned())
    }

    fn note_use(&self, _: &str, _: &str, _: &str, _: i64) {}

    fn grants<'a>(&'a self, _: &'a str, identity: Identity<'a>) -> Answer<'a, Option<Arc<Grants>>> {
        let (Identity::User { unique_id, .. } | Identity::Role { unique_id, .. }) = identity;
        answer(self.grants.get(unique_id).cloned())
    }

    fn session_policies<'a>(
        &'a self,
        _: &'a str,
        document: Option<&'a str>,
        _: &'a [String],
    ) -> Answer<'a, Arc<[Arc<Policy>]>> {
        answer(document.iter().map(|document| policy(document, PolicyKind::Identity)).collect())
    }

    fn role<'a>(&'a self, arn: &'a str) -> Answer<'a, Option<Arc<Role>>> {
        answer(self.roles.get(arn).cloned())
    }

    fn provider<'a>(&'a self, _: &'a str, _: &'a str) -> Answer<'a, Option<Arc<Provider>>> {
        answer(None)
    }

    fn generation(&self) -> u64 {
        1
    }
}
