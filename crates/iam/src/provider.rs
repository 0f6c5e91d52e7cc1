//! OpenID Connect providers: who may vouch for web identities.

use serde::{Deserialize, Serialize};
use service::{Arn, Scope, Table, Tags};
use wire::Timestamp;

/// Under the issuer's host and path.
pub(crate) static PROVIDERS: Table<ProviderRow> = Table::account("iam", "oidc_providers");

/// A provider as it is stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ProviderRow {
    /// With its scheme.
    pub url: String,
    #[serde(default)]
    pub client_ids: Vec<String>,
    #[serde(default)]
    pub thumbprints: Vec<String>,
    pub created: Timestamp,
    #[serde(default)]
    pub tags: Tags,
}

impl ProviderRow {
    pub(crate) fn arn(&self, scope: &Scope) -> String {
        Arn::global("iam", scope, format_args!("oidc-provider/{}", place(&self.url))).to_string()
    }
}

/// Host and path of a provider's URL, which name it.
pub(crate) fn place(url: &str) -> &str {
    let place = url.split_once("://").map_or(url, |(_, place)| place);
    place.trim_end_matches('/')
}
