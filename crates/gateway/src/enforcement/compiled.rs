//! Policies of resources, compiled once for each text.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use auth::policy::{Policy, PolicyKind};

/// Documents kept compiled. A full memory is emptied: compiling again costs each caller some microseconds.
const DOCUMENTS_MAX: usize = 4_096;
/// What stands in for a document that cannot be read: a deny that it may have held must not get lost.
const DENIES_ALL: &str =
    r#"{"Version":"2012-10-17","Statement":{"Effect":"Deny","Principal":"*","Action":"*","Resource":"*"}}"#;

#[derive(Default)]
pub(super) struct Compiled {
    documents: Mutex<HashMap<Arc<str>, Arc<Policy>>>,
}

impl Compiled {
    /// All documents as one policy; `None` when there are none.
    pub(super) fn get(&self, documents: &[Arc<str>]) -> Option<Arc<Policy>> {
        match documents {
            [] => None,
            [document] => Some(self.one(document)),
            several => {
                let policies: Vec<_> = several.iter().map(|document| self.one(document)).collect();
                Some(Arc::new(Policy::joined(policies.iter().map(AsRef::as_ref))))
            }
        }
    }

    fn one(&self, document: &Arc<str>) -> Arc<Policy> {
        let lock = || self.documents.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(policy) = lock().get(document) {
            return policy.clone();
        }
        let policy = Policy::parse(document, PolicyKind::Resource).or_else(|malformed| {
            tracing::warn!(error = %malformed, "the policy of a resource cannot be read: it denies everything");
            Policy::parse(DENIES_ALL, PolicyKind::Resource)
        });
        let policy = Arc::new(policy.expect("the denying document is valid"));
        let mut documents = lock();
        if documents.len() >= DOCUMENTS_MAX {
            documents.clear();
        }
        documents.insert(document.clone(), policy.clone());
        policy
    }
}
