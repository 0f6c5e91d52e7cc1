//! Keeping packages: blobs that survive everything, and folders made of them.

use service::{AccountId, Context, Result, Scope};

use crate::code_source::Code;
use crate::error::Error;
use crate::functions::{discard, rows};
use crate::package::{self, Package, STORAGE_BYTES_MAX, UNPACKED_BYTES_MAX};
use crate::settings::LayerUse;
use crate::tables::{FUNCTIONS, LAYER_VERSIONS, VERSIONS};
use crate::{Lambda, package::Unpacked};

impl Lambda {
    /// Unpacks a zip file, which checks it, and stores it durably. No row names the blob yet: whoever fails to
    /// write one calls [`discard`].
    pub(crate) async fn store_package(
        &self,
        cx: &Context,
        account: &AccountId,
        code: Code,
    ) -> Result<Package> {
        let Code { zip, hot_folder } = code;
        let sha256 = package::digest(&zip);
        let zip_bytes = zip.len() as u64;
        let unpacked = self.folders.code(account, &sha256, async { Ok(zip.clone()) }).await?;
        let blob = cx.platform().blobs().put(zip.clone()).await?;
        Ok(Package { blob, sha256, zip_bytes, unpacked_bytes: unpacked.bytes, hot_folder })
    }

    /// Checks a zip file as [`Lambda::store_package`] does, without keeping it.
    pub(crate) async fn check_package(&self, account: &AccountId, code: Code) -> Result<Package> {
        let Code { zip, hot_folder } = code;
        let sha256 = package::digest(&zip);
        let zip_bytes = zip.len() as u64;
        let unpacked = self.folders.code(account, &sha256, async { Ok(zip.clone()) }).await?;
        let (blob, unpacked_bytes) = (store::BlobId::random(), unpacked.bytes);
        Ok(Package { blob, sha256, zip_bytes, unpacked_bytes, hot_folder })
    }

    pub(crate) async fn unpacked_code(
        &self,
        cx: &Context,
        account: &AccountId,
        package: &Package,
    ) -> Result<Unpacked> {
        let blobs = cx.platform().blobs();
        self.folders.code(account, &package.sha256, async { Ok(blobs.get(&package.blob).await?) }).await
    }

    /// `None` for a function without layers.
    pub(crate) async fn unpacked_layers(
        &self,
        cx: &Context,
        account: &AccountId,
        layers: &[LayerUse],
    ) -> Result<Option<Unpacked>> {
        if layers.is_empty() {
            return Ok(None);
        }
        let digests: Vec<&str> = layers.iter().map(|layer| layer.package.sha256.as_str()).collect();
        let zips = async {
            let mut zips = Vec::with_capacity(layers.len());
            for layer in layers {
                zips.push(cx.platform().blobs().get(&layer.package.blob).await?);
            }
            Ok(zips)
        };
        Ok(Some(self.folders.layers(account, &digests, zips).await?))
    }
}

/// Refuses code and layers that are too large together.
pub(crate) fn check_combined_size(package: &Package, layers: &[LayerUse]) -> std::result::Result<(), Error> {
    let bytes: u64 =
        package.unpacked_bytes + layers.iter().map(|layer| layer.package.unpacked_bytes).sum::<u64>();
    if !layers.is_empty() && bytes > UNPACKED_BYTES_MAX {
        return Err(Error::parameter(format!(
            "Function code combined with layers exceeds the maximum allowed size of {UNPACKED_BYTES_MAX} bytes. The \
             actual size is {bytes} bytes."
        )));
    }
    Ok(())
}

/// What an account stores in one region.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Usage {
    pub(crate) code_bytes: u64,
    pub(crate) functions: u64,
    pub(crate) reserved_concurrency: u32,
}

/// Reads every row of functions, versions and layers; their number is small.
pub(crate) async fn usage(cx: &Context, scope: &Scope) -> Result<Usage> {
    let mut usage = Usage::default();
    for (_, function) in rows(cx, scope, &FUNCTIONS).all("").await? {
        usage.code_bytes += function.latest.package.zip_bytes;
        usage.functions += 1;
        usage.reserved_concurrency += function.reserved_concurrency.unwrap_or(0);
    }
    for (_, revision) in rows(cx, scope, &VERSIONS).all("").await? {
        usage.code_bytes += revision.package.zip_bytes;
    }
    for (_, layer) in rows(cx, scope, &LAYER_VERSIONS).all("").await? {
        usage.code_bytes += layer.package.zip_bytes;
    }
    Ok(usage)
}

/// Refuses a package that the account has no room for.
pub(crate) async fn check_storage(cx: &Context, scope: &Scope, added_bytes: u64) -> Result<()> {
    if usage(cx, scope).await?.code_bytes + added_bytes > STORAGE_BYTES_MAX {
        return Err(Error::code_storage("Code storage limit exceeded.").into());
    }
    Ok(())
}

/// Removes a package whose row was not written.
pub(crate) async fn undo(cx: &Context, package: Package) {
    discard(cx, [package.blob]).await;
}
