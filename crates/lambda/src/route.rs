//! From a function's name to something that can be run, remembered until the function changes.
//!
//! A warm invocation reads no row: every change of a function goes through this process and forgets its routes.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use service::{AccountId, Context, Result, Scope};
use worker::LogSink;

use crate::hot_reload::HotFolder;
use crate::name::{LATEST, Target, version_number};
use crate::tables::{Function, Revision};
use crate::{Lambda, alias, functions, provisioned, runtime};

/// Routes kept; beyond it an arbitrary one makes room.
const ROUTES_MAX: usize = 10_000;

/// What one name and qualifier lead to.
pub(crate) struct Route {
    main: Arc<Executable>,
    additional: Vec<(f64, Arc<Executable>)>,
}

/// One revision, unpacked and ready for the workers.
pub(crate) struct Executable {
    pub(crate) function: Arc<worker::Function>,
    pub(crate) role: String,
    pub(crate) log: Arc<dyn LogSink>,
    /// The code is a folder that may change at any time.
    pub(crate) hot: Option<HotFolder>,
}

/// The remembered routes.
#[derive(Default)]
pub(crate) struct Routes {
    known: RwLock<HashMap<String, Arc<Route>>>,
    /// Rises with every change, so that a route read before a change is not kept after it.
    changes: AtomicU64,
}

impl Route {
    /// `requested` workers shared out among the versions by their weights.
    pub(crate) fn shares(&self, requested: u32) -> Vec<(Arc<Executable>, usize)> {
        let weights: Vec<f64> = self.additional.iter().map(|(weight, _)| *weight).collect();
        let (main, others) = provisioned::shares(requested, &weights);
        let others = self
            .additional
            .iter()
            .zip(others)
            .map(|((_, executable), count)| (Arc::clone(executable), count));
        std::iter::once((Arc::clone(&self.main), main))
            .chain(others)
            .filter(|(_, count)| *count > 0)
            .collect()
    }

    /// The revision for this invocation.
    pub(crate) fn pick(&self, cx: &Context) -> &Arc<Executable> {
        if self.additional.is_empty() {
            return &self.main;
        }
        let draw = u64::from_be_bytes(cx.platform().ids().bytes());
        // 53 bits are what a double holds exactly.
        let chance = (draw >> 11) as f64 / (1_u64 << 53) as f64;
        alias::pick(&self.main, &self.additional, chance)
    }
}

impl Routes {
    /// Forgets the routes of one function.
    pub(crate) fn forget_function(&self, scope: &Scope, name: &str) {
        let prefix = function_prefix(scope, name);
        self.forget(|key| key.starts_with(&prefix));
    }

    pub(crate) fn forget_account(&self, account: Option<&AccountId>) {
        let prefix = account.map_or_else(String::new, |account| format!("{account}/"));
        self.forget(|key| key.starts_with(&prefix));
    }

    fn get(&self, key: &str) -> Option<Arc<Route>> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).get(key).cloned()
    }

    fn keep(&self, key: String, route: &Arc<Route>, read_at: u64) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if self.changes.load(Ordering::SeqCst) != read_at {
            return;
        }
        if known.len() >= ROUTES_MAX
            && let Some(any) = known.keys().next().cloned()
        {
            known.remove(&any);
        }
        known.insert(key, Arc::clone(route));
    }

    fn forget(&self, is_gone: impl Fn(&str) -> bool) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        self.changes.fetch_add(1, Ordering::SeqCst);
        known.retain(|key, _| !is_gone(key));
    }
}

/// The beginning of the keys of a function's routes and of its workers.
pub(crate) fn function_prefix(scope: &Scope, name: &str) -> String {
    format!("{}/{}/{name}/", scope.account, scope.region)
}

impl Lambda {
    /// The route of a target: remembered, or read and unpacked now.
    pub(crate) async fn route(&self, cx: &Context, target: &Target) -> Result<Arc<Route>> {
        let mut key = function_prefix(&target.scope, &target.name);
        key.push_str(target.qualifier_or_latest());
        if let Some(route) = self.routes.get(&key) {
            return Ok(route);
        }
        let read_at = self.routes.changes.load(Ordering::SeqCst);
        let route = Arc::new(Box::pin(self.find_route(cx, target)).await?);
        self.routes.keep(key, &route, read_at);
        Ok(route)
    }

    async fn find_route(&self, cx: &Context, target: &Target) -> Result<Route> {
        let function = functions::function(cx, target).await?;
        let qualifier = target.qualifier_or_latest();
        if qualifier == LATEST || version_number(qualifier).is_some() {
            let revision = functions::version(cx, target, &function, qualifier).await?;
            let main = Arc::new(self.executable(cx, target, &function, revision).await?);
            return Ok(Route { main, additional: Vec::new() });
        }
        let alias = functions::alias(cx, target, qualifier).await?.ok_or_else(|| target.not_found())?;
        let revision = functions::version(cx, target, &function, &alias.version).await?;
        let main = Arc::new(self.executable(cx, target, &function, revision).await?);
        let mut additional = Vec::with_capacity(alias.additional_weights.len());
        for (version, weight) in &alias.additional_weights {
            let revision = functions::version(cx, target, &function, version).await?;
            additional.push((*weight, Arc::new(self.executable(cx, target, &function, revision).await?)));
        }
        Ok(Route { main, additional })
    }

    async fn executable(
        &self,
        cx: &Context,
        target: &Target,
        function: &Function,
        revision: Revision,
    ) -> Result<Executable> {
        let hot = revision.package.hot_folder.as_ref().map(PathBuf::from);
        let code = match &hot {
            Some(folder) => folder.clone(),
            None => self.unpacked_code(cx, &target.scope.account, &revision.package).await?.folder,
        };
        let opt = self.unpacked_layers(cx, &target.scope.account, &revision.settings.layers).await?;
        let settings = revision.settings;
        let log_group = settings.log_group(&function.name);
        let log = self.logs.group(&target.scope, &log_group);
        let function = worker::Function {
            key: format!(
                "{}{}/{}",
                function_prefix(&target.scope, &function.name),
                revision.version,
                revision.revision_id
            ),
            name: function.name.clone(),
            version: revision.version,
            runtime: runtime::check(&settings.runtime)?,
            requested_runtime: settings.runtime,
            handler: settings.handler,
            code,
            opt: opt.map(|unpacked| unpacked.folder),
            environment: settings.environment.unwrap_or_default(),
            memory_mib: settings.memory_mib,
            tmp_mib: settings.ephemeral_mib,
            timeout: Duration::from_secs(settings.timeout_seconds.into()),
            log_group,
            logging: settings.logging.format(),
            region: target.scope.region.to_string(),
            account: target.scope.account.to_string(),
        };
        Ok(Executable {
            function: Arc::new(function),
            role: settings.role,
            log,
            hot: hot.map(HotFolder::new),
        })
    }
}
