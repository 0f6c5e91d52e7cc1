use serde::Deserialize;
use service::{Arn, Context, Operation, Result};
use wire::Blob;

use crate::Lambda;
use crate::code_source::{Code, CodeSource};
use crate::configuration::{FunctionConfiguration, Phase};
use crate::functions::{
    Publication, change, check_revision, discard, function, in_progress, published_blobs,
};
use crate::name::{LATEST, Target};
use crate::package::{Package, digest};
use crate::packages::{check_combined_size, check_storage, undo};
use crate::settings::checked_architectures;
use crate::tables::Function;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct UpdateFunctionCode {
    function_name: String,
    zip_file: Option<Blob>,
    s3_bucket: Option<String>,
    s3_key: Option<String>,
    s3_object_version: Option<String>,
    image_uri: Option<String>,
    architectures: Option<Vec<String>>,
    publish: Option<bool>,
    dry_run: Option<bool>,
    revision_id: Option<String>,
}

impl Operation for UpdateFunctionCode {
    type Service = Lambda;
    type Output = FunctionConfiguration;

    const NAME: &'static str = "UpdateFunctionCode";

    fn resource(&self, cx: &Context) -> Arn {
        Target::resource(cx, &self.function_name, None)
    }

    async fn run(self, lambda: &Lambda, cx: &Context) -> Result<FunctionConfiguration> {
        let target = Target::parse_unqualified(cx, &self.function_name)?;
        let before = function(cx, &target).await?;
        check_revision(self.revision_id.as_deref(), &before.latest.revision_id)?;
        let architectures = self.architectures.map(checked_architectures).transpose()?;
        let source = CodeSource {
            zip_file: self.zip_file,
            s3_bucket: self.s3_bucket,
            s3_key: self.s3_key,
            s3_object_version: self.s3_object_version,
            image_uri: self.image_uri,
        };
        let code = source.fetch(cx, Self::NAME).await?;
        if self.dry_run == Some(true) {
            let package = lambda.check_package(&target.scope.account, code).await?;
            check_combined_size(&package, &before.latest.settings.layers)?;
            let mut told = before.latest;
            told.package = package;
            return Ok(FunctionConfiguration::new(&target.scope, &target.name, None, told, Phase::Settled));
        }
        let package = stored(lambda, cx, &target, &before, code).await?;
        let is_taken_over = package.blob == before.latest.package.blob;
        let publication = (self.publish == Some(true)).then(Publication::default);
        let outcome = Box::pin(change(cx, &target, publication.as_ref(), |function| {
            check_revision(self.revision_id.as_deref(), &function.latest.revision_id)?;
            check_combined_size(&package, &function.latest.settings.layers)?;
            // The package of before was taken over unstored; another update may have removed it meanwhile.
            if is_taken_over && function.latest.package.blob != package.blob {
                return Err(in_progress(&target));
            }
            function.latest.package = package.clone();
            if let Some(architectures) = &architectures {
                function.latest.settings.architectures.clone_from(architectures);
            }
            function.latest.revision_id = cx.platform().ids().uuid();
            function.latest.modified_epoch_millis = cx.now().epoch_millis();
            Ok(())
        }))
        .await;
        let changed = match outcome {
            Ok(changed) => changed,
            Err(failure) => {
                // After an answer of ours nothing was written; after trouble with the store nobody knows.
                if matches!(failure, service::Failure::Modelled(_)) && !is_taken_over {
                    undo(cx, package).await;
                }
                return Err(failure);
            }
        };
        lambda.latest_changed(&target.scope, &target.name).await;
        let old = changed.before.latest.package.blob;
        if old != package.blob && !published_blobs(cx, &target).await?.contains(&old) {
            discard(cx, [old]).await;
        }
        let told = changed.published.unwrap_or(changed.after.latest);
        let qualifier = (told.version != LATEST).then(|| told.version.clone());
        Ok(FunctionConfiguration::new(
            &target.scope,
            &target.name,
            qualifier.as_deref(),
            told,
            Phase::Updating,
        ))
    }
}

/// The same zip file again is not stored again.
async fn stored(
    lambda: &Lambda,
    cx: &Context,
    target: &Target,
    before: &Function,
    code: Code,
) -> Result<Package> {
    if digest(&code.zip) == before.latest.package.sha256 {
        return Ok(before.latest.package.clone());
    }
    check_storage(cx, &target.scope, code.zip.len() as u64).await?;
    lambda.store_package(cx, &target.scope.account, code).await
}
