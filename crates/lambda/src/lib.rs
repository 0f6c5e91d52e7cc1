//! AWS Lambda: functions, versions, aliases, layers, function URLs, invocations.
//!
//! What holds at all times:
//! * a function's row names only packages whose blobs are durable: the blob is stored first, then the row;
//! * `$LATEST` lives in the function's row and changes in one commit, together with a version published from it;
//! * published versions never change;
//! * everything on disk and in memory beside rows and blobs is a cache and may vanish at any time.
//!
//! Invocations read no row while a function does not change: see [`route`].

mod access;
mod alias;
mod code_source;
mod concurrency;
mod configuration;
mod credentials;
mod environment;
mod error;
mod event_invoke;
mod event_source;
mod functions;
mod hot_reload;
mod invocation;
mod layers;
mod log_buffer;
mod name;
mod ops;
mod package;
mod packages;
mod policy;
mod provisioned;
mod reset;
mod route;
mod runtime;
mod settings;
mod tables;
mod tags;
mod url_config;

#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use service::{Context, Definition, Platform, operations};
use worker::Workers;

use crate::concurrency::Pools;
use crate::credentials::RoleCredentials;
use crate::event_source::EventSources;
use crate::log_buffer::LogBuffer;
use crate::package::Folders;
use crate::provisioned::Provisioned;
use crate::route::{Routes, function_prefix};

/// Seals bytes into a text that is safe in a URL and valid for a while.
pub type UrlSealer = Arc<dyn Fn(&[u8], Duration) -> String + Send + Sync>;

/// Opens what a [`UrlSealer`] made; `None` when it was altered, is not ours, or is past its time.
pub type UrlOpener = Arc<dyn Fn(&str) -> Option<Vec<u8>> + Send + Sync>;

/// Begins what is sealed into download URLs, so that a token made for something else opens no package.
const DOWNLOAD_PREFIX: &str = "lambda-code/";

/// What the service is put together from.
pub struct LambdaParts {
    pub platform: Arc<Platform>,
    pub workers: Arc<Workers>,
    /// Unpacked packages are cached here; it may be emptied while the process is down.
    pub code_dir: PathBuf,
    pub url_sealer: UrlSealer,
    pub url_opener: UrlOpener,
}

/// The service's memory: caches, running counts, lines of log on their way.
pub struct Lambda {
    workers: Arc<Workers>,
    folders: Folders,
    routes: Routes,
    pools: Pools,
    credentials: RoleCredentials,
    logs: LogBuffer,
    event_sources: EventSources,
    url_sealer: UrlSealer,
    url_opener: UrlOpener,
    provisioned: Provisioned,
    /// How long an event waits for room, see [`event_invoke::ROOM_WAIT`].
    event_wait: Duration,
}

impl Lambda {
    /// Starts the background work too, so a tokio runtime must be current.
    pub fn new(parts: LambdaParts) -> Self {
        let platform = &parts.platform;
        let folders = Folders::new(parts.code_dir, platform.clock().clone(), platform.ids().hex::<8>());
        folders.sweep(platform.tasks());
        let logs = LogBuffer::default();
        logs.start(platform);
        let credentials = RoleCredentials::default();
        let event_sources = EventSources::new(credentials.clone());
        event_sources.start(platform);
        Lambda {
            workers: parts.workers,
            folders,
            routes: Routes::default(),
            pools: Pools::default(),
            credentials,
            logs,
            event_sources,
            url_sealer: parts.url_sealer,
            url_opener: parts.url_opener,
            provisioned: Provisioned::start(platform),
            event_wait: event_invoke::ROOM_WAIT,
        }
    }

    /// Sends all function output that waits, for who must see it now.
    pub async fn flush_logs(&self, platform: &Arc<Platform>) {
        self.logs.flush(platform).await;
    }

    /// After a change of `$LATEST`: new invocations see it, its idle workers end.
    async fn latest_changed(&self, scope: &service::Scope, name: &str) {
        self.routes.forget_function(scope, name);
        self.workers.retire(&format!("{}{}/", function_prefix(scope, name), name::LATEST)).await;
    }

    /// After a function is gone: nothing of it runs any more.
    async fn function_gone(&self, scope: &service::Scope, name: &str) {
        self.routes.forget_function(scope, name);
        self.workers.retire(&function_prefix(scope, name)).await;
    }

    /// A URL under which the package can be downloaded for ten minutes.
    fn download_url(&self, cx: &Context, package: &package::Package) -> String {
        const VALID: Duration = Duration::from_secs(10 * 60);
        let token = (self.url_sealer)(format!("{DOWNLOAD_PREFIX}{}", package.blob).as_bytes(), VALID);
        format!("{}/_aws/lambda-code/{token}", cx.endpoint())
    }
}

/// The table of the service.
pub static DEFINITION: Definition<Lambda> = Definition {
    name: "lambda",
    action_prefix: "lambda",
    operations: operations![
        ops::AddLayerVersionPermission,
        ops::AddPermission,
        ops::CreateAlias,
        ops::CreateEventSourceMapping,
        ops::CreateFunction,
        ops::CreateFunctionUrlConfig,
        ops::DeleteAlias,
        ops::DeleteEventSourceMapping,
        ops::DeleteFunction,
        ops::DeleteFunctionConcurrency,
        ops::DeleteFunctionEventInvokeConfig,
        ops::DeleteFunctionUrlConfig,
        ops::DeleteLayerVersion,
        ops::DeleteProvisionedConcurrencyConfig,
        ops::GetAccountSettings,
        ops::GetAlias,
        ops::GetEventSourceMapping,
        ops::GetFunction,
        ops::GetFunctionCodeSigningConfig,
        ops::GetFunctionConcurrency,
        ops::GetFunctionConfiguration,
        ops::GetFunctionEventInvokeConfig,
        ops::GetFunctionRecursionConfig,
        ops::GetFunctionUrlConfig,
        ops::GetLayerVersion,
        ops::GetLayerVersionByArn,
        ops::GetLayerVersionPolicy,
        ops::GetPolicy,
        ops::GetProvisionedConcurrencyConfig,
        ops::GetRuntimeManagementConfig,
        ops::Invoke,
        ops::InvokeAsync,
        ops::InvokeWithResponseStream,
        ops::ListAliases,
        ops::ListEventSourceMappings,
        ops::ListFunctionEventInvokeConfigs,
        ops::ListFunctionUrlConfigs,
        ops::ListFunctions,
        ops::ListLayerVersions,
        ops::ListLayers,
        ops::ListProvisionedConcurrencyConfigs,
        ops::ListTags,
        ops::ListVersionsByFunction,
        ops::PublishLayerVersion,
        ops::PublishVersion,
        ops::PutFunctionConcurrency,
        ops::PutFunctionEventInvokeConfig,
        ops::PutProvisionedConcurrencyConfig,
        ops::RemoveLayerVersionPermission,
        ops::RemovePermission,
        ops::TagResource,
        ops::UntagResource,
        ops::UpdateAlias,
        ops::UpdateEventSourceMapping,
        ops::UpdateFunctionCode,
        ops::UpdateFunctionConfiguration,
        ops::UpdateFunctionEventInvokeConfig,
        ops::UpdateFunctionUrlConfig,
    ],
    internal: operations![ops::KeepProvisioned, ops::OpenCode, ops::ResolveFunctionUrl, ops::RunEvent],
    reset: reset::reset,
};
