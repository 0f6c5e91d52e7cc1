//! What the API tells about a function: its `FunctionConfiguration`.

use std::collections::BTreeMap;

use serde::Serialize;
use service::Scope;
use wire::Timestamp;

use crate::name::{function_arn, qualified_arn};
use crate::runtime;
use crate::settings::Logging;
use crate::tables::Revision;

/// How far the change is that the answer belongs to.
///
/// All work is done when a change is acknowledged; the answers of CreateFunction and of updates still name the
/// phase that AWS names there, and the next read tells that it is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    Creating,
    Updating,
    Settled,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct FunctionConfiguration {
    function_name: String,
    function_arn: String,
    runtime: String,
    role: String,
    handler: String,
    code_size: u64,
    description: String,
    timeout: u32,
    memory_size: u32,
    last_modified: String,
    #[serde(rename = "CodeSha256")]
    code_sha256: String,
    version: String,
    vpc_config: Option<VpcView>,
    dead_letter_config: Option<DeadLetter>,
    environment: Option<Variables>,
    #[serde(rename = "KMSKeyArn")]
    kms_key_arn: Option<String>,
    tracing_config: Tracing,
    revision_id: String,
    layers: Option<Vec<LayerView>>,
    state: &'static str,
    state_reason: Option<&'static str>,
    state_reason_code: Option<&'static str>,
    last_update_status: Option<&'static str>,
    last_update_status_reason: Option<&'static str>,
    last_update_status_reason_code: Option<&'static str>,
    package_type: &'static str,
    architectures: Vec<String>,
    ephemeral_storage: EphemeralStorage,
    snap_start: SnapStart,
    runtime_version_config: RuntimeVersion,
    logging_config: Logging,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct VpcView {
    subnet_ids: Vec<String>,
    security_group_ids: Vec<String>,
    vpc_id: &'static str,
    ipv6_allowed_for_dual_stack: Option<bool>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct DeadLetter {
    target_arn: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Variables {
    variables: BTreeMap<String, String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Tracing {
    mode: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct LayerView {
    arn: String,
    code_size: u64,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct EphemeralStorage {
    size: u32,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct SnapStart {
    apply_on: String,
    optimization_status: &'static str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct RuntimeVersion {
    runtime_version_arn: String,
}

impl FunctionConfiguration {
    /// `qualifier` is what the ARN ends in; the version itself is told beside it.
    pub(crate) fn new(
        scope: &Scope,
        name: &str,
        qualifier: Option<&str>,
        revision: Revision,
        phase: Phase,
    ) -> Self {
        let description = revision.description().to_owned();
        let settings = revision.settings;
        let arn = match qualifier {
            Some(qualifier) => qualified_arn(scope, name, qualifier),
            None => function_arn(scope, name),
        };
        let layers: Vec<LayerView> = settings
            .layers
            .into_iter()
            .map(|layer| LayerView { arn: layer.arn, code_size: layer.package.zip_bytes })
            .collect();
        let creating = phase == Phase::Creating;
        let updating = phase == Phase::Updating;
        FunctionConfiguration {
            function_name: name.to_owned(),
            function_arn: arn.to_string(),
            role: settings.role,
            handler: settings.handler,
            code_size: revision.package.zip_bytes,
            description,
            timeout: settings.timeout_seconds,
            memory_size: settings.memory_mib,
            last_modified: lambda_time(Timestamp::from_epoch_millis(revision.modified_epoch_millis)),
            code_sha256: revision.package.code_sha256(),
            version: revision.version,
            vpc_config: settings.vpc.map(|vpc| VpcView {
                subnet_ids: vpc.subnet_ids,
                security_group_ids: vpc.security_group_ids,
                vpc_id: "",
                ipv6_allowed_for_dual_stack: vpc.ipv6_allowed_for_dual_stack,
            }),
            dead_letter_config: settings.dead_letter_target.map(|target_arn| DeadLetter { target_arn }),
            environment: settings.environment.map(|variables| Variables { variables }),
            kms_key_arn: settings.kms_key,
            tracing_config: Tracing { mode: settings.tracing_mode },
            revision_id: revision.revision_id,
            layers: (!layers.is_empty()).then_some(layers),
            state: if creating { "Pending" } else { "Active" },
            state_reason: creating.then_some("The function is being created."),
            state_reason_code: creating.then_some("Creating"),
            last_update_status: match phase {
                Phase::Creating => None,
                Phase::Updating => Some("InProgress"),
                Phase::Settled => Some("Successful"),
            },
            last_update_status_reason: updating.then_some("The function is being created."),
            last_update_status_reason_code: updating.then_some("Creating"),
            package_type: "Zip",
            architectures: settings.architectures,
            ephemeral_storage: EphemeralStorage { size: settings.ephemeral_mib },
            snap_start: SnapStart { apply_on: settings.snap_start, optimization_status: "Off" },
            runtime_version_config: RuntimeVersion {
                runtime_version_arn: runtime::version_arn(&settings.runtime, &scope.region),
            },
            runtime: settings.runtime,
            logging_config: settings.logging,
        }
    }
}

/// `2026-11-21T02:29:24.000+0000`: how functions and layers show times.
pub(crate) fn lambda_time(time: Timestamp) -> String {
    format!("{}+0000", to_millis(time))
}

/// `2026-11-21T02:29:24.000Z`: how function URLs show times.
pub(crate) fn iso_time(time: Timestamp) -> String {
    format!("{}Z", to_millis(time))
}

fn to_millis(time: Timestamp) -> String {
    let text = time.to_rfc3339();
    let seconds = text.get(..19).unwrap_or(&text);
    format!("{seconds}.{:03}", time.epoch_millis().rem_euclid(1_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_their_two_forms() {
        let time = Timestamp::from_epoch_millis(1_795_228_164_000);
        assert_eq!(lambda_time(time), "2026-11-21T02:29:24.000+0000");
        assert_eq!(iso_time(Timestamp::from_epoch_millis(1_795_228_164_007)), "2026-11-21T02:29:24.007Z");
    }
}
