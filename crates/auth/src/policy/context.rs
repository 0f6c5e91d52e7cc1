//! What a request says about itself: action, resource, who asks, and the condition keys.

use super::principal::Requester;

/// The condition keys of a request. Names are compared without case, values as the operator says.
///
/// A key with an empty list of values counts as missing. Values of `BinaryEquals` are base64.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Context {
    keys: Vec<(String, Vec<String>)>,
}

impl Context {
    pub fn new() -> Self {
        Context::default()
    }

    /// Sets a key that has one value, replacing what it had.
    pub fn set(&mut self, key: &str, value: impl Into<String>) {
        self.set_all(key, vec![value.into()]);
    }

    /// Sets a multivalued key, replacing what it had.
    pub fn set_all(&mut self, key: &str, values: Vec<String>) {
        let key = key.to_lowercase();
        match self.keys.iter_mut().find(|(known, _)| *known == key) {
            Some((_, old)) => *old = values,
            None => self.keys.push((key, values)),
        }
    }

    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<String>) -> Self {
        self.set(key, value);
        self
    }

    /// Adds the keys that follow from who asks: `aws:PrincipalArn`, `aws:PrincipalAccount`, `aws:PrincipalType`,
    /// `aws:userid`, `aws:username`, and those of service principals.
    #[must_use]
    pub fn with_requester(mut self, requester: &Requester) -> Self {
        for (key, value) in requester.condition_keys() {
            self.set(key, value);
        }
        self
    }

    /// `key` in lower case. Empty when missing.
    pub(super) fn values(&self, key: &str) -> &[String] {
        self.keys.iter().find(|(known, _)| known == key).map_or(&[], |(_, values)| values)
    }

    /// Every key, in lower case, with its values.
    pub(super) fn all(&self) -> &[(String, Vec<String>)] {
        &self.keys
    }

    /// The value of a key that has exactly one: multivalued keys cannot fill a variable.
    pub(super) fn single(&self, key: &str) -> Option<&str> {
        if let [value] = self.values(key) { Some(value) } else { None }
    }
}

/// One question to the policies.
#[derive(Clone, Debug)]
pub struct Request {
    action: String,
    action_lower: String,
    resource: String,
    resource_account: String,
    requester: Requester,
    context: Context,
}

impl Request {
    /// `action` is `vendor:Name`; `resource` an ARN, or `*` for actions without one. `resource_account` owns the
    /// resource, which the ARN alone does not say for S3.
    pub fn new(
        requester: Requester,
        action: &str,
        resource: &str,
        resource_account: &str,
        context: Context,
    ) -> Self {
        Request {
            action: action.to_owned(),
            action_lower: action.to_lowercase(),
            resource: resource.to_owned(),
            resource_account: resource_account.to_owned(),
            requester,
            context,
        }
    }

    pub fn action(&self) -> &str {
        &self.action
    }

    pub fn resource(&self) -> &str {
        &self.resource
    }

    pub fn requester(&self) -> &Requester {
        &self.requester
    }

    pub fn context(&self) -> &Context {
        &self.context
    }

    pub(super) fn action_lower(&self) -> &str {
        &self.action_lower
    }

    /// Whether requester and resource belong to different accounts.
    pub fn is_cross_account(&self) -> bool {
        self.requester.account().is_some_and(|account| account != self.resource_account)
    }
}
