use serde::Deserialize;
use service::{Arn, Context, Demand, Failure, Mode, Operation, Result};
use wire::Document;

use crate::configuration::{FunctionConfiguration, Phase};
use crate::event_invoke::destination;
use crate::functions::{change, check_revision, function};
use crate::name::Target;
use crate::packages::check_combined_size;
use crate::settings::{
    DeadLetterConfig, Environment, EphemeralStorage, Logging, SnapStart, TracingConfig, Vpc, Wanted,
};
use crate::{Lambda, credentials, layers};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct UpdateFunctionConfiguration {
    function_name: String,
    role: Option<String>,
    handler: Option<String>,
    description: Option<String>,
    timeout: Option<i64>,
    memory_size: Option<i64>,
    vpc_config: Option<Vpc>,
    environment: Option<Environment>,
    runtime: Option<String>,
    dead_letter_config: Option<DeadLetterConfig>,
    #[serde(rename = "KMSKeyArn")]
    kms_key_arn: Option<String>,
    tracing_config: Option<TracingConfig>,
    revision_id: Option<String>,
    layers: Option<Vec<String>>,
    ephemeral_storage: Option<EphemeralStorage>,
    snap_start: Option<SnapStart>,
    logging_config: Option<Logging>,
    file_system_configs: Option<Vec<Document>>,
    image_config: Option<Document>,
    capacity_provider_config: Option<Document>,
    durable_config: Option<Document>,
}

impl Operation for UpdateFunctionConfiguration {
    type Service = Lambda;
    type Output = FunctionConfiguration;

    const NAME: &'static str = "UpdateFunctionConfiguration";

    fn resource(&self, cx: &Context) -> Arn {
        Target::resource(cx, &self.function_name, None)
    }

    fn demands(&self, cx: &Context) -> Vec<Demand> {
        let own = Demand::new(Self::ACTION, self.resource(cx));
        std::iter::once(own).chain(self.role.as_deref().and_then(crate::access::passing)).collect()
    }

    async fn run(self, lambda: &Lambda, cx: &Context) -> Result<FunctionConfiguration> {
        for (given, what) in [
            (self.file_system_configs.as_ref().is_some_and(|list| !list.is_empty()), "FileSystemConfigs"),
            (self.image_config.is_some(), "functions from container images (ImageConfig)"),
            (self.capacity_provider_config.is_some(), "CapacityProviderConfig"),
            (self.durable_config.is_some(), "DurableConfig"),
        ] {
            if given {
                return Err(Failure::unsupported(what));
            }
        }
        let target = Target::parse_unqualified(cx, &self.function_name)?;
        let before = function(cx, &target).await?;
        check_revision(self.revision_id.as_deref(), &before.latest.revision_id)?;
        if let Some(arn) = self.dead_letter_config.as_ref().and_then(DeadLetterConfig::target) {
            destination::check_dead_letter(cx, arn).await?;
        }
        let used = match &self.layers {
            Some(arns) => Some(layers::used(cx, arns).await?),
            None => None,
        };
        if let Some(role) = self.role.as_ref().filter(|_| cx.platform().mode() == Mode::Secure) {
            credentials::check_role(cx, &target.scope, role, &target.name).await?;
        }
        let wanted = Wanted {
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
            architectures: None,
        };
        let changed = Box::pin(change(cx, &target, None, |function| {
            check_revision(self.revision_id.as_deref(), &function.latest.revision_id)?;
            function.latest.settings.apply(&target.name, wanted.clone())?;
            if let Some(used) = &used {
                check_combined_size(&function.latest.package, used)?;
                function.latest.settings.layers.clone_from(used);
            }
            function.latest.revision_id = cx.platform().ids().uuid();
            function.latest.modified_epoch_millis = cx.now().epoch_millis();
            Ok(())
        }))
        .await?;
        lambda.latest_changed(&target.scope, &target.name).await;
        let told = changed.after.latest;
        Ok(FunctionConfiguration::new(&target.scope, &target.name, None, told, Phase::Updating))
    }
}
