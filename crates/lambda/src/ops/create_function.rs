use std::collections::BTreeMap;

use serde::Deserialize;
use service::{Arn, Context, Demand, Failure, Mode, Operation, Result, Tags};
use wire::Document;

use crate::code_source::CodeSource;
use crate::configuration::{FunctionConfiguration, Phase};
use crate::error::Error;
use crate::event_invoke::destination;
use crate::functions::{Publication, changes, publish, rows};
use crate::name::{LATEST, Target};
use crate::packages::{check_combined_size, check_storage, undo};
use crate::settings::{
    DeadLetterConfig, Environment, EphemeralStorage, Logging, Settings, SnapStart, TracingConfig, Vpc, Wanted,
};
use crate::tables::{FUNCTIONS, Function, Revision, VERSIONS, version_key};
use crate::{Lambda, credentials, layers, tags};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct CreateFunction {
    function_name: String,
    runtime: Option<String>,
    role: Option<String>,
    handler: Option<String>,
    code: CodeSource,
    description: Option<String>,
    timeout: Option<i64>,
    memory_size: Option<i64>,
    publish: Option<bool>,
    vpc_config: Option<Vpc>,
    package_type: Option<String>,
    dead_letter_config: Option<DeadLetterConfig>,
    environment: Option<Environment>,
    #[serde(rename = "KMSKeyArn")]
    kms_key_arn: Option<String>,
    tracing_config: Option<TracingConfig>,
    tags: Option<BTreeMap<String, String>>,
    layers: Option<Vec<String>>,
    architectures: Option<Vec<String>>,
    ephemeral_storage: Option<EphemeralStorage>,
    snap_start: Option<SnapStart>,
    logging_config: Option<Logging>,
    file_system_configs: Option<Vec<Document>>,
    image_config: Option<Document>,
    code_signing_config_arn: Option<String>,
    tenancy_config: Option<Document>,
    capacity_provider_config: Option<Document>,
    durable_config: Option<Document>,
}

impl Operation for CreateFunction {
    type Service = Lambda;
    type Output = FunctionConfiguration;

    const NAME: &'static str = "CreateFunction";

    fn resource(&self, cx: &Context) -> Arn {
        Target::resource(cx, &self.function_name, None)
    }

    fn demands(&self, cx: &Context) -> Vec<Demand> {
        let own = Demand::new(Self::ACTION, self.resource(cx));
        std::iter::once(own).chain(self.role.as_deref().and_then(crate::access::passing)).collect()
    }

    async fn run(self, lambda: &Lambda, cx: &Context) -> Result<FunctionConfiguration> {
        self.refuse_unsupported()?;
        let target = Target::parse(cx, &self.function_name, None)?;
        if target.qualifier.as_deref().is_some_and(|qualifier| qualifier != LATEST) {
            return Err(Error::parameter("A new function cannot be named with a version or an alias.").into());
        }
        if target.scope.account != *cx.account() {
            let text = format!("Functions cannot be created in another account ('{}')", target.scope.account);
            return Err(Error::parameter(text).into());
        }
        if let Some(arn) = self.dead_letter_config.as_ref().and_then(DeadLetterConfig::target) {
            destination::check_dead_letter(cx, arn).await?;
        }
        let mut tag_set = Tags::default();
        tags::merge(&mut tag_set, self.tags.unwrap_or_default())?;
        let mut settings = Settings::new(
            &target.name,
            Wanted {
                runtime: self.runtime,
                role: self.role,
                handler: self.handler,
                description: self.description,
                timeout: self.timeout,
                memory_size: self.memory_size,
                ephemeral_storage: self.ephemeral_storage,
                environment: self.environment,
                tracing_config: self.tracing_config,
                logging_config: self.logging_config,
                snap_start: self.snap_start,
                vpc_config: self.vpc_config,
                dead_letter_config: self.dead_letter_config,
                kms_key_arn: self.kms_key_arn,
                architectures: self.architectures,
            },
        )?;
        let code = self.code.fetch(cx, Self::NAME).await?;
        let taken = || Error::conflict(format!("Function already exist: {}", target.name));
        if rows(cx, &target.scope, &FUNCTIONS).get(&target.name).await?.is_some() {
            return Err(taken().into());
        }
        settings.layers = layers::used(cx, &self.layers.unwrap_or_default()).await?;
        check_storage(cx, &target.scope, code.zip.len() as u64).await?;
        if cx.platform().mode() == Mode::Secure {
            credentials::check_role(cx, &target.scope, &settings.role, &target.name).await?;
        }
        let package = lambda.store_package(cx, &target.scope.account, code).await?;
        if let Err(too_large) = check_combined_size(&package, &settings.layers) {
            undo(cx, package).await;
            return Err(too_large.into());
        }
        let mut function = Function {
            name: target.name.clone(),
            latest: Revision {
                version: LATEST.into(),
                revision_id: cx.platform().ids().uuid(),
                modified_epoch_millis: cx.now().epoch_millis(),
                package: package.clone(),
                settings,
                description: None,
            },
            version_last: 0,
            tags: tag_set,
            reserved_concurrency: None,
            recursive_loop: None,
        };
        let mut all = changes(cx, &target.scope);
        let mut told = function.latest.clone();
        if self.publish == Some(true) {
            told = publish(cx, &mut function, &Publication::default());
            all = all.insert(&VERSIONS, &version_key(&target.name, function.version_last), &told)?;
        }
        match all.insert(&FUNCTIONS, &target.name, &function)?.commit().await {
            Ok(true) => {}
            Ok(false) => {
                undo(cx, package).await;
                return Err(taken().into());
            }
            // The commit may have happened after all, so the package stays.
            Err(failure) => return Err(failure),
        }
        lambda.routes.forget_function(&target.scope, &target.name);
        let qualifier = (told.version != LATEST).then(|| told.version.clone());
        Ok(FunctionConfiguration::new(
            &target.scope,
            &target.name,
            qualifier.as_deref(),
            told,
            Phase::Creating,
        ))
    }
}

impl CreateFunction {
    fn refuse_unsupported(&self) -> Result<()> {
        let present = |given: bool, what: &str| if given { Err(Failure::unsupported(what)) } else { Ok(()) };
        present(
            self.package_type.as_deref() == Some("Image"),
            "functions from container images (PackageType Image)",
        )?;
        present(self.image_config.is_some(), "functions from container images (ImageConfig)")?;
        present(self.file_system_configs.as_ref().is_some_and(|list| !list.is_empty()), "FileSystemConfigs")?;
        present(
            self.code_signing_config_arn.as_ref().is_some_and(|arn| !arn.is_empty()),
            "CodeSigningConfigArn",
        )?;
        present(self.tenancy_config.is_some(), "TenancyConfig")?;
        present(self.capacity_provider_config.is_some(), "CapacityProviderConfig")?;
        present(self.durable_config.is_some(), "DurableConfig")
    }
}
