//! The credentials that functions run with: their role's, short-lived, fetched before the old ones end.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use service::{Context, Failure, Platform, Principal, Result, Scope};
use tasks::{OnFailure, TaskKind};
use wire::Document;
use worker::Credentials;

/// How long credentials are asked for.
const LIFETIME_SECONDS: i64 = 3_600;
/// With less than this left new ones are fetched in the background.
const REFRESH_AHEAD_MILLIS: i64 = 20 * 60 * 1_000;
/// With less than this left they are not handed out: a function may run for 15 minutes.
const USABLE_MILLIS_MIN: i64 = 16 * 60 * 1_000;
/// Roles times functions kept; beyond it all are forgotten.
const KEPT_MAX: usize = 4_096;
const SERVICE: &str = "lambda.amazonaws.com";

static REFRESH: TaskKind = TaskKind {
    name: "lambda: refresh role credentials",
    on_failure: OnFailure::Log,
    stop_within: Duration::from_secs(1),
};

/// Credentials by role and session name.
#[derive(Clone, Default)]
pub(crate) struct RoleCredentials {
    kept: Arc<Mutex<HashMap<Key, Arc<Kept>>>>,
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    scope: Scope,
    role: String,
    session: String,
}

struct Kept {
    credentials: Credentials,
    principal: Principal,
    expires_epoch_millis: i64,
    refreshing: AtomicBool,
}

impl RoleCredentials {
    /// Credentials that last longer than any invocation.
    pub(crate) async fn get(
        &self,
        cx: &Context,
        scope: &Scope,
        role: &str,
        function: &str,
    ) -> Result<Credentials> {
        let key = Key { scope: scope.clone(), role: role.to_owned(), session: function.to_owned() };
        let kept = self.lock().get(&key).cloned();
        if let Some(kept) = kept {
            let left = kept.expires_epoch_millis - cx.now().epoch_millis();
            if left < REFRESH_AHEAD_MILLIS && !kept.refreshing.swap(true, Ordering::Relaxed) {
                self.refresh(cx.platform(), key.clone(), Arc::clone(&kept));
            }
            if left >= USABLE_MILLIS_MIN {
                return Ok(kept.credentials.clone());
            }
        }
        Ok(self.fetch(cx.platform(), key).await?.credentials.clone())
    }

    /// The role as a caller of other services.
    pub(crate) async fn principal(
        &self,
        cx: &Context,
        scope: &Scope,
        role: &str,
        function: &str,
    ) -> Result<Principal> {
        let key = Key { scope: scope.clone(), role: role.to_owned(), session: function.to_owned() };
        let kept = self.lock().get(&key).cloned();
        match kept {
            Some(kept) => Ok(kept.principal.clone()),
            None => Ok(self.fetch(cx.platform(), key).await?.principal.clone()),
        }
    }

    pub(crate) fn forget(&self, account: Option<&service::AccountId>) {
        self.lock().retain(|key, _| account.is_some_and(|account| key.scope.account != *account));
    }

    fn refresh(&self, platform: &Arc<Platform>, key: Key, old: Arc<Kept>) {
        let (credentials, platform) = (self.clone(), Arc::clone(platform));
        platform.clone().tasks().spawn(&REFRESH, async move {
            let fetched = credentials.fetch(&platform, key).await;
            old.refreshing.store(false, Ordering::Relaxed);
            fetched.map(drop).map_err(|failure| anyhow::anyhow!("{failure}"))
        });
    }

    async fn fetch(&self, platform: &Arc<Platform>, key: Key) -> Result<Arc<Kept>> {
        let kept = Arc::new(assume(platform, &key).await?);
        let mut all = self.lock();
        if all.len() >= KEPT_MAX {
            all.clear();
        }
        all.insert(key, Arc::clone(&kept));
        Ok(kept)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Arc<Kept>>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether Lambda may act as the role, asked when a function is made or changed.
pub(crate) async fn check_role(cx: &Context, scope: &Scope, role: &str, function: &str) -> Result<()> {
    let key = Key { scope: scope.clone(), role: role.to_owned(), session: function.to_owned() };
    match assume(cx.platform(), &key).await {
        Ok(_) => Ok(()),
        Err(Failure::Modelled(_)) => {
            let text = "The role defined for the function cannot be assumed by Lambda.";
            Err(crate::error::Error::parameter(text).into())
        }
        Err(internal) => Err(internal),
    }
}

async fn assume(platform: &Arc<Platform>, key: &Key) -> Result<Kept> {
    let principal = Principal::Service { account: key.scope.account.clone(), name: SERVICE };
    let cx = Context::internal(platform, key.scope.clone(), principal.clone());
    // STS wants two characters, a function's name may have one.
    let session = if key.session.len() < 2 { format!("{}-", key.session) } else { key.session.clone() };
    let input = Document::map([
        ("RoleArn", key.role.as_str().into()),
        ("RoleSessionName", session.as_str().into()),
        ("DurationSeconds", LIFETIME_SECONDS.into()),
    ]);
    let reply = cx.call(principal, "sts", "AssumeRole", input).await?;
    let told = reply.document.get("Credentials");
    let text = |member: &str| told?.get(member)?.as_str().map(str::to_owned);
    let expires = told.and_then(|told| told.get("Expiration")?.as_time());
    let assumed = reply.document.get("AssumedRoleUser").and_then(|user| user.get("AssumedRoleId")?.as_str());
    let role_id = assumed.and_then(|assumed| assumed.split(':').next()).unwrap_or_default();
    match (text("AccessKeyId"), text("SecretAccessKey"), text("SessionToken"), expires) {
        (Some(access_key_id), Some(secret_access_key), Some(session_token), Some(expires)) => Ok(Kept {
            credentials: Credentials { access_key_id, secret_access_key, session_token },
            principal: Principal::AssumedRole {
                account: key.scope.account.clone(),
                role_name: key.role.rsplit('/').next().unwrap_or_default().to_owned(),
                role_arn: key.role.clone(),
                role_id: role_id.to_owned(),
                session_name: session,
            },
            expires_epoch_millis: expires.epoch_millis(),
            refreshing: AtomicBool::new(false),
        }),
        _ => Err(Failure::Internal(anyhow::anyhow!("AssumeRole answered no complete credentials"))),
    }
}
