//! Tokens of identity providers: who issued one, and whether that provider's keys signed it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use auth::{KeySet, Provider, WebToken, WebTokenError};
use serde::Deserialize;
use service::{AccountId, BoxFuture, Context, Failure, Mode, Result};

use crate::Sts;
use crate::error::Error;

/// How long the keys of a provider are used without asking for them again.
const KEYS_KEPT_MILLIS: i64 = 5 * 60 * 1_000;
/// How long it must be since the keys were fetched before a token of an unknown key makes us ask again.
const KEYS_FRESH_MILLIS: i64 = 10 * 1_000;
/// Providers whose keys are kept.
const KEPT_PROVIDERS_MAX: usize = 1_000;

/// Fetches small documents over HTTPS (or HTTP on loopback); the services know no HTTP.
pub trait Fetch: Send + Sync + 'static {
    /// `thumbprints`: SHA-1 in hexadecimal of certificates one of which the server must show; empty asks the
    /// certificates that this machine trusts.
    fn fetch<'a>(&'a self, url: &'a str, thumbprints: &'a [String])
    -> BoxFuture<'a, anyhow::Result<Vec<u8>>>;
}

/// A token that was verified.
pub(crate) struct WebIdentity {
    pub token: WebToken,
    pub provider_arn: String,
    /// Host and path of the issuer, which begin the names of its condition keys.
    pub issuer: String,
    pub audience: String,
}

/// The keys of providers, by the URL of the issuer, with when they were fetched.
#[derive(Default)]
pub(crate) struct Keys(Mutex<HashMap<String, (i64, Arc<KeySet>)>>);

#[derive(Deserialize)]
struct Configuration {
    issuer: String,
    jwks_uri: String,
}

pub(crate) async fn verified(
    sts: &Sts,
    cx: &Context,
    account: &AccountId,
    token: WebToken,
) -> Result<WebIdentity> {
    let claimed = token.issuer().to_owned();
    let issuer = claimed.split_once("://").map_or(claimed.as_str(), |(_, place)| place).trim_end_matches('/');
    let provider = sts.identities().provider(account.as_str(), issuer).await?.ok_or_else(|| {
        Error::InvalidIdentityTokenException(format!(
            "No OpenIDConnect provider found in your account for {claimed}"
        ))
    })?;
    let audience = token
        .audiences()
        .into_iter()
        .find(|audience| provider.client_ids.iter().any(|known| known == audience));
    let audience = audience
        .ok_or_else(|| Error::InvalidIdentityTokenException("Incorrect token audience".into()))?
        .to_owned();
    let now_millis = cx.now().epoch_millis();
    let keys = sts.keys_of(cx, &provider, KEYS_KEPT_MILLIS).await?;
    let verdict = match token.verify(&keys, now_millis / 1_000) {
        // The provider may have new keys.
        Err(WebTokenError::NoKey) => {
            let keys = sts.keys_of(cx, &provider, KEYS_FRESH_MILLIS).await?;
            token.verify(&keys, now_millis / 1_000)
        }
        verdict => verdict,
    };
    verdict.map_err(refused)?;
    Ok(WebIdentity { provider_arn: provider.arn.clone(), issuer: issuer.to_owned(), audience, token })
}

pub(crate) fn refused(error: WebTokenError) -> Failure {
    match error {
        WebTokenError::Expired { .. } => Error::ExpiredTokenException(error.to_string()).into(),
        _ => Error::InvalidIdentityTokenException(error.to_string()).into(),
    }
}

impl Sts {
    /// The provider's keys, fetched no longer ago than `age_millis`.
    async fn keys_of(&self, cx: &Context, provider: &Provider, age_millis: i64) -> Result<Arc<KeySet>> {
        let now = cx.now().epoch_millis();
        // Another account may trust other certificates for the same URL.
        let name = format!("{} {}", provider.url, provider.thumbprints.join(","));
        if let Some(keys) = self.keys.get(&name, now - age_millis) {
            return Ok(keys);
        }
        let keys = Arc::new(self.fetch_keys(cx, provider).await?);
        self.keys.keep(name, now, keys.clone());
        Ok(keys)
    }

    async fn fetch_keys(&self, cx: &Context, provider: &Provider) -> Result<KeySet> {
        let base = provider.url.trim_end_matches('/');
        let configuration =
            self.document(cx, provider, &format!("{base}/.well-known/openid-configuration")).await?;
        let configuration: Configuration = serde_json::from_slice(&configuration)
            .map_err(|_| unreachable(&provider.url, "its configuration is not readable"))?;
        if configuration.issuer.trim_end_matches('/') != base {
            return Err(unreachable(&provider.url, "its configuration names another issuer"));
        }
        let keys = self.document(cx, provider, &configuration.jwks_uri).await?;
        KeySet::parse(&keys).ok_or_else(|| unreachable(&provider.url, "its keys are not readable"))
    }

    async fn document(&self, cx: &Context, provider: &Provider, url: &str) -> Result<Vec<u8>> {
        let is_plain = !url.starts_with("https://");
        if is_plain && cx.platform().mode() == Mode::Secure {
            return Err(unreachable(&provider.url, "it is not reached over HTTPS"));
        }
        let fetched = self.fetch.fetch(url, &provider.thumbprints).await;
        fetched.map_err(|cause| {
            tracing::info!(url, error = %cause, "an identity provider was not reached");
            unreachable(&provider.url, &cause.to_string())
        })
    }
}

impl Keys {
    fn get(&self, name: &str, not_before_millis: i64) -> Option<Arc<KeySet>> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get(name).filter(|(fetched, _)| *fetched >= not_before_millis).map(|(_, keys)| keys.clone())
    }

    fn keep(&self, name: String, now_millis: i64, keys: Arc<KeySet>) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= KEPT_PROVIDERS_MAX {
            kept.clear();
        }
        kept.insert(name, (now_millis, keys));
    }
}

fn unreachable(url: &str, why: &str) -> Failure {
    Error::IDPCommunicationErrorException(format!("Cannot read the keys of identity provider {url}: {why}"))
        .into()
}
