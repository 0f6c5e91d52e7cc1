//! Policy documents and the decision they lead to: pure, without storage, clock or network.
//!
//! [`Policy::parse`] checks a document once and compiles it; [`decide`] then answers a [`Request`] from compiled
//! policies alone. Sources: IAM user guide, "IAM JSON policy element reference", "Policy evaluation logic" and
//! "Troubleshoot access denied error messages".

mod condition;
mod context;
mod decision;
mod document;
mod explanation;
mod json;
mod pattern;
mod principal;
mod resource;
mod scalar;
#[cfg(test)]
mod tests;

pub use context::{Context, Request};
pub use decision::{
    Decision, Denial, DenyingPolicy, Policies, ResourcePolicy, ResourcePolicyKind, decide, denied_text,
};
pub use document::{MalformedPolicy, Policy, PolicyKind};
pub use explanation::explanation;
pub use principal::Requester;
