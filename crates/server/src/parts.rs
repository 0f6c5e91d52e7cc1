//! What is opened from the data folder.

use std::sync::Arc;

use anyhow::Context as _;
use auth::Issuer;
use cloudtrail::{Recording, Trail};
use gateway::Enforcer;
use service::{AllowAll, Authorizer, Clock, Ids, Mode, Platform, PlatformParts};
use store::{Blobs, FjallKv, LocalBlobs};
use tasks::Tasks;

use crate::Enforcement;
use crate::folder::DataFolder;

pub(crate) struct Opened {
    pub(crate) kv: Arc<FjallKv>,
    blobs: Arc<dyn Blobs>,
    pub(crate) issuer: Arc<Issuer>,
    pub(crate) identities: Arc<iam::Identities>,
}

/// Reads journals and keys; blocks its thread for as long as that takes.
pub(crate) fn open(folder: &DataFolder) -> anyhow::Result<Opened> {
    let kv = FjallKv::open(&folder.kv())
        .with_context(|| format!("cannot open the data in {}", folder.root().display()))?;
    let blobs = LocalBlobs::open(&folder.blobs())
        .with_context(|| format!("cannot open {}", folder.blobs().display()))?;
    let kv = Arc::new(kv);
    let issuer = Arc::new(Issuer::open(&folder.key_file())?);
    let identities = Arc::new(iam::Identities::new(kv.clone(), issuer.clone()));
    Ok(Opened { kv, blobs: Arc::new(blobs), issuer, identities })
}

impl Opened {
    pub(crate) fn platform(self, mode: Mode, enforcement: Enforcement, trail: Arc<Trail>) -> Arc<Platform> {
        let authorizer: Arc<dyn Authorizer> = match enforcement {
            Enforcement::Off => Arc::new(AllowAll),
            Enforcement::On => Arc::new(Enforcer::new(self.identities).explaining(self.issuer)),
        };
        Platform::new(PlatformParts {
            mode,
            kv: self.kv,
            blobs: self.blobs,
            clock: Clock::system(),
            ids: Ids::random(),
            authorizer: Arc::new(Recording::new(authorizer, trail)),
            tasks: Tasks::new(),
        })
    }
}
