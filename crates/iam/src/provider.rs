//! OpenID Connect providers: who may vouch for web identities.

use serde::{Deserialize, Serialize};
use service::{Arn, Context, Mode, Result, Scope, Table, Tags};
use wire::Timestamp;

use crate::error::Error;

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

pub(crate) fn missing(arn: &str) -> Error {
    Error::NoSuchEntityException(format!("OpenIDConnect Provider not found for arn {arn}"))
}

/// The provider of this URL as a policy decision sees it.
pub(crate) fn resource(cx: &Context, url: &str) -> Arn {
    Arn::global("iam", cx.scope(), format_args!("oidc-provider/{}", place(url)))
}

/// The row's key of an ARN of this account.
pub(crate) fn key_of(cx: &Context, arn: &str) -> Result<String> {
    let parsed: Option<Arn> = arn.parse().ok();
    let key = parsed
        .as_ref()
        .filter(|arn| arn.service() == "iam" && arn.account() == cx.account().as_str())
        .and_then(|arn| arn.resource().strip_prefix("oidc-provider/"));
    Ok(key.map(str::to_owned).ok_or_else(|| missing(arn))?)
}

pub(crate) async fn find(cx: &Context, arn: &str) -> Result<ProviderRow> {
    let row = cx.rows(&PROVIDERS).get(&key_of(cx, arn)?).await?;
    Ok(row.ok_or_else(|| missing(arn))?)
}

/// Changes a provider in place. An error from `change` leaves it as it was.
pub(crate) async fn update<R>(
    cx: &Context,
    arn: &str,
    change: impl FnMut(&mut ProviderRow) -> std::result::Result<R, Error>,
) -> Result<R> {
    let changed = cx.rows(&PROVIDERS).update(&key_of(cx, arn)?, change).await?;
    Ok(changed.ok_or_else(|| missing(arn))?)
}

/// `https://` with a host, a path perhaps, no query. Plain `http://` is good in development only, on loopback.
pub(crate) fn check_url(mode: Mode, url: &str) -> std::result::Result<(), Error> {
    const URL_CHARS_MAX: usize = 255;
    let invalid = || Error::InvalidInputException("Invalid Open ID Connect Provider URL".into());
    let (scheme, rest) = url.split_once("://").ok_or_else(invalid)?;
    let authority = rest.split('/').next().unwrap_or_default();
    let host = authority.rsplit_once(':').map_or(authority, |(host, _)| host);
    let loopback = host == "localhost" || host == "127.0.0.1";
    let plain = rest.bytes().all(|next| next.is_ascii_graphic()) && !rest.contains(['?', '#', '@', '\\']);
    if (scheme == "https" || scheme == "http" && loopback && mode == Mode::Dev)
        && !host.is_empty()
        && plain
        && url.len() <= URL_CHARS_MAX
    {
        return Ok(());
    }
    Err(invalid())
}
