//! Provisioned concurrency: workers that are there before anybody calls.
//!
//! Rows say how many a version or an alias is to have; a background task starts what is missing, keeps it, and lets go
//! what nobody wants any more. A configuration is READY only while as many workers exist.
//!
//! Source: "Configuring provisioned concurrency for a function" in the developer guide.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use service::{AccountId, Context, Operation as _, Platform, Result, Rows, Scope};
use tasks::{OnFailure, Progress, TaskKind, Worker};
use tokio::sync::Notify;
use wire::{Document, Map, Timestamp};

use crate::Lambda;
use crate::concurrency::{ACCOUNT_EXECUTIONS_MAX, UNRESERVED_EXECUTIONS_MIN};
use crate::error::Error;
use crate::event_invoke::lambda_principal;
use crate::functions::{alias, function, rows, version};
use crate::name::{LATEST, Target, version_number};
use crate::ops::KeepProvisioned;
use crate::reset::scopes;
use crate::route::Executable;
use crate::tables::{PROVISIONED, members};

/// How often the task looks for workers that have ended.
const EVERY: Duration = Duration::from_secs(2);

static KEEP: TaskKind = TaskKind {
    name: "lambda: keep provisioned workers",
    on_failure: OnFailure::Log,
    stop_within: Duration::from_secs(2),
};

/// The row.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ProvisionedConfig {
    pub(crate) requested: u32,
    pub(crate) modified_epoch_millis: i64,
}

/// How a configuration stands, as the API shows it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ProvisionedView {
    requested_provisioned_concurrent_executions: u32,
    available_provisioned_concurrent_executions: u32,
    allocated_provisioned_concurrent_executions: u32,
    status: &'static str,
    status_reason: Option<String>,
    last_modified: String,
}

/// What the task knows of the configurations, by the key of their target.
#[derive(Debug, Default)]
pub(crate) struct Provisioned {
    failures: Mutex<HashMap<String, String>>,
    pub(crate) wake: Arc<Notify>,
}

impl Provisioned {
    /// Starts the task.
    pub(crate) fn start(platform: &Arc<Platform>) -> Self {
        let provisioned = Provisioned::default();
        let keeper = Keeper { platform: Arc::clone(platform), had_some: false };
        platform.tasks().spawn_worker(&KEEP, keeper, Arc::clone(&provisioned.wake), EVERY);
        provisioned
    }

    fn failures(&self) -> MutexGuard<'_, HashMap<String, String>> {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One version and how many workers it is to have.
struct Wanted {
    executable: Arc<Executable>,
    scope: Scope,
    count: usize,
}

impl Lambda {
    /// How many of the workers are there.
    pub(crate) async fn provisioned_view(
        &self,
        cx: &Context,
        target: &Target,
        config: &ProvisionedConfig,
    ) -> Result<ProvisionedView> {
        let mut existing = 0;
        let mut available = 0;
        for wanted in self.wanted(cx, target, config.requested).await? {
            let count = self.workers.count_of(&wanted.executable.function.key);
            existing += (count.idle + count.busy).min(wanted.count);
            available += count.idle.min(wanted.count);
        }
        let clamp = |count: usize| u32::try_from(count).unwrap_or(u32::MAX).min(config.requested);
        let (allocated, available) = (clamp(existing), clamp(available));
        let failure = self.provisioned.failures().get(&target.qualified_arn().to_string()).cloned();
        let status = match failure {
            _ if allocated >= config.requested => "READY",
            Some(_) => "FAILED",
            None => "IN_PROGRESS",
        };
        Ok(ProvisionedView {
            requested_provisioned_concurrent_executions: config.requested,
            available_provisioned_concurrent_executions: available,
            allocated_provisioned_concurrent_executions: allocated,
            status,
            status_reason: failure.filter(|_| status == "FAILED"),
            last_modified: last_modified(config.modified_epoch_millis),
        })
    }

    /// The versions behind the target, an alias's weights shared out.
    async fn wanted(&self, cx: &Context, target: &Target, requested: u32) -> Result<Vec<Wanted>> {
        let route = self.route(cx, target).await?;
        Ok(route
            .shares(requested)
            .into_iter()
            .map(|(executable, count)| Wanted { executable, scope: target.scope.clone(), count })
            .collect())
    }

    /// Lets the workers of the configurations be as they are to be; `true` when some are still missing.
    pub(crate) async fn reconcile(&self, platform: &Arc<Platform>) -> anyhow::Result<bool> {
        let mut kept = HashMap::new();
        let mut missing = false;
        let mut known = HashSet::new();
        for scope in scopes(platform, None).await? {
            let kv = platform.kv().as_ref();
            let configs = Rows::new(kv, &PROVISIONED, &scope).all("").await.map_err(unexpected)?;
            let cx = Context::internal(platform, scope.clone(), lambda_principal(&scope.account));
            for (key, config) in configs {
                let Some((name, qualifier)) = key.split_once('/') else { continue };
                let target = Target {
                    scope: scope.clone(),
                    name: name.to_owned(),
                    qualifier: Some(qualifier.to_owned()),
                };
                let arn = target.qualified_arn().to_string();
                known.insert(arn.clone());
                let outcome = self.provide(&cx, &target, &config, &mut kept).await;
                match outcome {
                    Ok(complete) => {
                        self.provisioned.failures().remove(&arn);
                        missing |= !complete;
                    }
                    Err(failure) => {
                        tracing::warn!(function = arn, %failure, "provisioned workers do not start");
                        self.provisioned.failures().insert(arn, reason(&failure));
                    }
                }
            }
        }
        self.provisioned.failures().retain(|arn, _| known.contains(arn));
        self.workers.keep_only(&kept);
        Ok(missing)
    }

    /// Starts one worker of each version that lacks some; `true` when none lacks any.
    async fn provide(
        &self,
        cx: &Context,
        target: &Target,
        config: &ProvisionedConfig,
        kept: &mut HashMap<String, usize>,
    ) -> Result<bool> {
        let mut complete = true;
        for wanted in self.wanted(cx, target, config.requested).await? {
            let function = &wanted.executable.function;
            // An alias and its version may both be configured: their workers add up.
            let total = kept.entry(function.key.clone()).or_default();
            *total += wanted.count;
            self.workers.keep(&function.key, *total);
            let count = self.workers.count_of(&function.key);
            if count.idle + count.busy >= *total {
                continue;
            }
            let role = &wanted.executable.role;
            let credentials = self.credentials.get(cx, &wanted.scope, role, &function.name).await?;
            let log = Arc::clone(&wanted.executable.log);
            self.workers
                .start_one(function, credentials, log)
                .await
                .map_err(|cause| service::Failure::new("FunctionError", 400, cause.to_string()))?;
            let count = self.workers.count_of(&function.key);
            complete &= count.idle + count.busy >= *total;
        }
        Ok(complete)
    }
}

/// Asks the service for its next step, by name: the service does not keep itself alive.
struct Keeper {
    platform: Arc<Platform>,
    /// There were configurations at the last look: what was kept for them may have to go.
    had_some: bool,
}

impl Keeper {
    async fn has_some(&self) -> anyhow::Result<bool> {
        for scope in scopes(&self.platform, None).await? {
            let configs = Rows::new(self.platform.kv().as_ref(), &PROVISIONED, &scope);
            if !configs.list("", None, 1).await.map_err(unexpected)?.is_empty() {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

impl Worker for Keeper {
    async fn work(&mut self) -> anyhow::Result<Progress> {
        let registry = self.platform.registry();
        // Before the services are mounted, and where there are no roles to take on, nothing can be started.
        let (Some(lambda), Some(_)) = (registry.find("lambda"), registry.find("sts")) else {
            return Ok(Progress::Idle);
        };
        let has_some = self.has_some().await?;
        if !std::mem::replace(&mut self.had_some, has_some) && !has_some {
            return Ok(Progress::Idle);
        }
        let cx = Context::internal(&self.platform, Scope::default(), lambda_principal(&AccountId::default()));
        let reply = lambda.execute(&cx, KeepProvisioned::NAME, Document::Map(Map::default())).await;
        let missing = reply.map_err(unexpected)?.document.get("Missing").and_then(Document::as_bool);
        Ok(if missing == Some(true) { Progress::Busy } else { Progress::Idle })
    }
}

/// The target of a configuration: a version or an alias that is there.
pub(crate) async fn checked_target(cx: &Context, name: &str, qualifier: &str) -> Result<Target> {
    let target = Target::parse(cx, name, Some(qualifier))?;
    if target.qualifier_or_latest() == LATEST {
        let text = "Provisioned Concurrency Configs cannot be applied to unpublished function versions.";
        return Err(Error::parameter(text).into());
    }
    let row = function(cx, &target).await?;
    if version_number(qualifier).is_some() {
        version(cx, &target, &row, qualifier).await?;
    } else {
        let alias = alias(cx, &target, qualifier).await?.ok_or_else(|| target.not_found())?;
        if alias.version == LATEST {
            let text = "Provisioned Concurrency Configs cannot be applied to unpublished function versions.";
            return Err(Error::parameter(text).into());
        }
    }
    Ok(target)
}

/// Refuses what reservations and the account's limit do not leave. `changed` is the key that is being set.
pub(crate) async fn check_room(cx: &Context, target: &Target, changed: &str, wanted: u32) -> Result<()> {
    let row = function(cx, target).await?;
    let all = rows(cx, &target.scope, &PROVISIONED).all("").await?;
    let others = |prefix: &str| -> u32 {
        let of_others = all.iter().filter(|(key, _)| key != changed && key.starts_with(prefix));
        of_others.map(|(_, config)| config.requested).sum()
    };
    match row.reserved_concurrency {
        Some(reserved) if wanted.saturating_add(others(&members(&target.name))) > reserved => {
            Err(Error::parameter(
                "Requested Provisioned Concurrency should not be greater than the reservedConcurrentExecution for function",
            )
            .into())
        }
        Some(_) => Ok(()),
        None => {
            let reserved = crate::packages::usage(cx, &target.scope).await?.reserved_concurrency;
            let left = ACCOUNT_EXECUTIONS_MAX - reserved;
            if wanted > left {
                return Err(Error::parameter(format!(
                    "Specified ConcurrentExecutions for function is greater than account's unreserved concurrency [{left}]."
                ))
                .into());
            }
            if left - wanted < UNRESERVED_EXECUTIONS_MIN {
                return Err(Error::parameter(format!(
                    "Specified ConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its \
                     minimum value of [{UNRESERVED_EXECUTIONS_MIN}]."
                ))
                .into());
            }
            Ok(())
        }
    }
}

pub(crate) fn missing() -> Error {
    Error::no_provisioned_config()
}

/// `2026-01-02T03:04:05+0000`, the form of this API.
fn last_modified(epoch_millis: i64) -> String {
    let whole = Timestamp::from_epoch_millis(epoch_millis.div_euclid(1_000) * 1_000).to_rfc3339();
    format!("{}+0000", whole.trim_end_matches('Z'))
}

fn reason(failure: &service::Failure) -> String {
    match failure {
        service::Failure::Modelled(reply) => reply.message.clone(),
        service::Failure::Internal(_) => "The workers could not be started.".to_owned(),
    }
}

fn unexpected(failure: service::Failure) -> anyhow::Error {
    anyhow::anyhow!("{failure}")
}

/// `requested` shared out by weights; what rounding leaves goes to the main version.
pub(crate) fn shares(requested: u32, weights: &[f64]) -> (usize, Vec<usize>) {
    let others: Vec<usize> =
        weights.iter().map(|weight| (f64::from(requested) * weight).round() as usize).collect();
    let main = (requested as usize).saturating_sub(others.iter().sum());
    (main, others)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_share_out_what_was_requested() {
        assert_eq!(shares(10, &[]), (10, vec![]));
        assert_eq!(shares(10, &[0.25]), (7, vec![3]));
        assert_eq!(shares(1, &[0.1]), (1, vec![0]));
        assert_eq!(shares(3, &[1.0]), (0, vec![3]));
    }

    #[test]
    fn times_have_the_form_of_the_api() {
        assert_eq!(last_modified(1_767_323_045_999), "2026-01-02T03:04:05+0000");
    }
}
