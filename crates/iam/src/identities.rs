//! What decisions ask of IAM: compiled policies and opened secrets, kept in memory until something changes.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use auth::policy::{Policy, PolicyKind};
use auth::{AccessKey, Answer, Grants, Identity, KeyOwner, Provider, Role, Seal};
use service::{AccountId, Arn, Region, Rows, Scope, Table};
use store::Kv;
use wire::Timestamp;

use crate::access_key::{ACCESS_KEYS, AccessKeyRow, LastUsed, place};
use crate::group::GROUPS;
use crate::limits::{COMPILED_POLICIES_MAX, KEPT_IDENTITIES_MAX, KEY_USES_MAX};
use crate::managed;
use crate::memory::Memory;
use crate::policy::POLICIES;
use crate::provider::PROVIDERS;
use crate::role::{ROLES, key};
use crate::user::USERS;

/// A document that cannot be read (any more) must not lose a deny that it may have held.
const DENIES_ALL: &str =
    r#"{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"*","Resource":"*"}}"#;

/// The identities of an installation, over its store.
pub struct Identities {
    kv: Arc<dyn Kv>,
    seal: Arc<dyn Seal>,
    generation: AtomicU64,
    grants: Memory<Arc<Grants>>,
    keys: Memory<Arc<AccessKey>>,
    roles: Memory<Arc<Role>>,
    providers: Memory<Arc<Provider>>,
    sessions: Memory<Arc<[Arc<Policy>]>>,
    /// By document; what a document means does not change.
    compiled: Memory<Arc<Policy>>,
    uses: Mutex<BTreeMap<String, LastUsed>>,
}

impl Identities {
    pub fn new(kv: Arc<dyn Kv>, seal: Arc<dyn Seal>) -> Self {
        Identities {
            kv,
            seal,
            generation: AtomicU64::new(1),
            grants: Memory::new(KEPT_IDENTITIES_MAX),
            keys: Memory::new(KEPT_IDENTITIES_MAX),
            roles: Memory::new(KEPT_IDENTITIES_MAX),
            providers: Memory::new(KEPT_IDENTITIES_MAX),
            sessions: Memory::new(KEPT_IDENTITIES_MAX),
            compiled: Memory::new(COMPILED_POLICIES_MAX),
            uses: Mutex::default(),
        }
    }

    /// Forgets all conclusions. Call it after a change is durable and before it is acknowledged.
    pub(crate) fn changed(&self) {
        self.generation.fetch_add(1, Ordering::SeqCst);
    }

    pub(crate) fn seal_secret(&self, access_key_id: &str, secret: &str) -> Vec<u8> {
        self.seal.seal(secret.as_bytes(), &place(access_key_id))
    }

    /// The latest use that was noted since [`Identities::take_uses`].
    pub(crate) fn last_use(&self, access_key_id: &str) -> Option<LastUsed> {
        self.uses.lock().unwrap_or_else(PoisonError::into_inner).get(access_key_id).cloned()
    }

    pub(crate) fn take_uses(&self) -> BTreeMap<String, LastUsed> {
        std::mem::take(&mut *self.uses.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn generation_now(&self) -> u64 {
        self.generation.load(Ordering::SeqCst)
    }

    async fn row<T>(&self, table: &'static Table<T>, scope: &Scope, key: &str) -> anyhow::Result<Option<T>>
    where
        T: serde::Serialize + serde::de::DeserializeOwned + 'static,
    {
        let found = Rows::new(self.kv.as_ref(), table, scope).get(key).await;
        found.map_err(|failure| anyhow::anyhow!("reading identities: {failure}"))
    }

    async fn read_access_key(&self, id: &str) -> anyhow::Result<Option<AccessKey>> {
        let Some(row) = self.row(&ACCESS_KEYS, &Scope::default(), id).await? else { return Ok(None) };
        let AccessKeyRow { account, user, sealed_secret, active, .. } = row;
        let opened = self.seal.open(&sealed_secret, &place(id));
        let Some(secret) = opened.and_then(|secret| String::from_utf8(secret).ok()) else {
            anyhow::bail!(
                "the secret of access key {id} was sealed with another key than this installation's"
            );
        };
        let owner = match user {
            Some(user) => KeyOwner::User { name: user.name, path: user.path, unique_id: user.id },
            None => KeyOwner::Root,
        };
        Ok(Some(AccessKey { account, owner, secret_access_key: secret, active }))
    }

    async fn read_grants(&self, scope: &Scope, identity: Identity<'_>) -> anyhow::Result<Option<Grants>> {
        let mut documents = Vec::new();
        let (Identity::User { name, unique_id } | Identity::Role { name, unique_id }) = identity;
        let (arn, attached, boundary, tags) = match identity {
            Identity::User { .. } => {
                let row = self.row(&USERS, scope, &key(name)).await?;
                let Some(user) = row.filter(|user| user.name == name && user.id == unique_id) else {
                    return Ok(None);
                };
                let arn = user.arn(scope).to_string();
                documents.extend(user.inline_policies.into_values());
                let mut attached = user.attached_policies;
                for group in &user.groups {
                    if let Some(group) = self.row(&GROUPS, scope, &key(group)).await? {
                        documents.extend(group.inline_policies.into_values());
                        attached.extend(group.attached_policies);
                    }
                }
                (arn, attached, user.permissions_boundary, user.tags)
            }
            Identity::Role { .. } => {
                let row = self.row(&ROLES, scope, &key(name)).await?;
                let Some(role) = row.filter(|role| role.name == name && role.id == unique_id) else {
                    return Ok(None);
                };
                let arn = role.arn(scope).to_string();
                documents.extend(role.inline_policies.into_values());
                (arn, role.attached_policies, role.permissions_boundary, role.tags)
            }
        };
        for arn in attached {
            documents.extend(self.managed_document(scope, &arn).await?);
        }
        let boundary = match boundary {
            // A bound that is not there any more allows nothing.
            Some(arn) => Some(self.managed_document(scope, &arn).await?.unwrap_or_default()),
            None => None,
        };
        Ok(Some(Grants {
            account: scope.account.to_string(),
            name: name.to_owned(),
            arn,
            policies: documents.iter().map(|document| self.compile(document, PolicyKind::Identity)).collect(),
            boundary: boundary.map(|document| self.compile(&document, PolicyKind::Identity)),
            tags: tags.0,
        }))
    }

    /// The default version of a managed policy of the account or of AWS.
    async fn managed_document(&self, scope: &Scope, arn: &str) -> anyhow::Result<Option<String>> {
        let policy = match managed::find(arn) {
            Some(policy) => Some(policy),
            None => {
                let name = arn.rsplit('/').next().unwrap_or_default();
                let row = self.row(&POLICIES, scope, &key(name)).await?;
                row.filter(|policy| policy.arn(scope) == arn)
            }
        };
        Ok(policy.and_then(|policy| {
            let default = policy.default_version;
            policy
                .versions
                .into_iter()
                .find(|version| version.number == default)
                .map(|version| version.document)
        }))
    }

    fn compile(&self, document: &str, kind: PolicyKind) -> Arc<Policy> {
        const ALWAYS: u64 = 0;
        let name = format!("{kind:?} {document}");
        if let Some(policy) = self.compiled.get(&name, ALWAYS) {
            return policy;
        }
        let policy = Policy::parse(document, kind).or_else(|malformed| {
            tracing::warn!(error = %malformed, "a stored policy cannot be read: it denies everything");
            Policy::parse(DENIES_ALL, PolicyKind::Identity)
        });
        let policy = Arc::new(policy.expect("the denying document is valid"));
        self.compiled.keep(&name, ALWAYS, policy.clone());
        policy
    }
}

/// Asks memory, then the store.
macro_rules! remembered {
    ($self:ident, $memory:ident, $key:expr, $read:expr) => {{
        let generation = $self.generation_now();
        if let Some(kept) = $self.$memory.get($key, generation) {
            return Ok(Some(kept));
        }
        let Some(found) = $read.await? else { return Ok(None) };
        let found = Arc::new(found);
        $self.$memory.keep($key, generation, found.clone());
        Ok(Some(found))
    }};
}

impl auth::Identities for Identities {
    fn access_key<'a>(&'a self, access_key_id: &'a str) -> Answer<'a, Option<Arc<AccessKey>>> {
        Box::pin(async move { remembered!(self, keys, access_key_id, self.read_access_key(access_key_id)) })
    }

    fn note_use(&self, access_key_id: &str, region: &str, service: &str, now_epoch_millis: i64) {
        let mut uses = self.uses.lock().unwrap_or_else(PoisonError::into_inner);
        let at = Timestamp::from_epoch_millis(now_epoch_millis);
        if let Some(known) = uses.get_mut(access_key_id)
            && known.region == region
            && known.service == service
        {
            known.at = at;
        } else if uses.contains_key(access_key_id) || uses.len() < KEY_USES_MAX {
            let used = LastUsed { at, region: region.to_owned(), service: service.to_owned() };
            uses.insert(access_key_id.to_owned(), used);
        }
    }

    fn grants<'a>(&'a self, account: &'a str, identity: Identity<'a>) -> Answer<'a, Option<Arc<Grants>>> {
        Box::pin(async move {
            let Some(scope) = scope(account) else { return Ok(None) };
            let (Identity::User { name, unique_id } | Identity::Role { name, unique_id }) = identity;
            let generation = self.generation_now();
            if let Some(kept) = self.grants.get(unique_id, generation) {
                // An id alone proves nothing: it belongs to one name in one account.
                return Ok(Some(kept).filter(|kept| kept.account == account && kept.name == name));
            }
            let Some(found) = self.read_grants(&scope, identity).await? else { return Ok(None) };
            let found = Arc::new(found);
            self.grants.keep(unique_id, generation, found.clone());
            Ok(Some(found))
        })
    }

    fn session_policies<'a>(
        &'a self,
        account: &'a str,
        document: Option<&'a str>,
        arns: &'a [String],
    ) -> Answer<'a, Arc<[Arc<Policy>]>> {
        Box::pin(async move {
            let name = format!("{account} {} {}", arns.join(" "), document.unwrap_or_default());
            let generation = self.generation_now();
            if let Some(kept) = self.sessions.get(&name, generation) {
                return Ok(kept);
            }
            let mut policies: Vec<_> =
                document.iter().map(|document| self.compile(document, PolicyKind::Identity)).collect();
            if let Some(scope) = scope(account) {
                for arn in arns {
                    let document = self.managed_document(&scope, arn).await?;
                    policies.extend(document.map(|document| self.compile(&document, PolicyKind::Identity)));
                }
            }
            let policies: Arc<[Arc<Policy>]> = policies.into();
            self.sessions.keep(&name, generation, policies.clone());
            Ok(policies)
        })
    }

    fn role<'a>(&'a self, arn: &'a str) -> Answer<'a, Option<Arc<Role>>> {
        Box::pin(async move { remembered!(self, roles, arn, self.read_role(arn)) })
    }

    fn provider<'a>(&'a self, account: &'a str, issuer: &'a str) -> Answer<'a, Option<Arc<Provider>>> {
        Box::pin(async move {
            let name = format!("{account} {issuer}");
            remembered!(self, providers, &name, self.read_provider(account, issuer))
        })
    }

    fn generation(&self) -> u64 {
        self.generation_now()
    }
}

impl Identities {
    async fn read_role(&self, arn: &str) -> anyhow::Result<Option<Role>> {
        let Ok(parsed) = arn.parse::<Arn>() else { return Ok(None) };
        let Some(scope) = scope(parsed.account()) else { return Ok(None) };
        let name = parsed.resource().rsplit('/').next().unwrap_or_default();
        let row = self.row(&ROLES, &scope, &key(name)).await?;
        Ok(row.filter(|role| role.arn(&scope).as_str() == arn).map(|role| Role {
            account: scope.account.to_string(),
            name: role.name,
            arn: arn.to_owned(),
            unique_id: role.id,
            trust: self.compile(&role.trust_policy, PolicyKind::Trust),
            max_session_seconds: role.max_session_seconds,
            tags: role.tags.0,
        }))
    }

    async fn read_provider(&self, account: &str, issuer: &str) -> anyhow::Result<Option<Provider>> {
        let Some(scope) = scope(account) else { return Ok(None) };
        let row = self.row(&PROVIDERS, &scope, issuer).await?;
        Ok(row.map(|row| Provider {
            arn: row.arn(&scope),
            url: row.url,
            client_ids: row.client_ids,
            thumbprints: row.thumbprints,
        }))
    }
}

/// IAM is global: any region does.
fn scope(account: &str) -> Option<Scope> {
    Some(Scope { account: AccountId::parse(account)?, region: Region::default() })
}

impl std::fmt::Debug for Identities {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Identities").field("generation", &self.generation_now()).finish_non_exhaustive()
    }
}
