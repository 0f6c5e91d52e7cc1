//! The operations, one file each; the table in the crate's root lists them.

mod add_layer_version_permission;
mod add_permission;
mod create_alias;
mod create_function;
mod create_function_url_config;
mod delete_alias;
mod delete_function;
mod delete_function_concurrency;
mod delete_function_event_invoke_config;
mod delete_function_url_config;
mod delete_layer_version;
mod delete_provisioned_concurrency_config;
mod event_source_mapping;
mod get_account_settings;
mod get_alias;
mod get_function;
mod get_function_code_signing_config;
mod get_function_concurrency;
mod get_function_configuration;
mod get_function_event_invoke_config;
mod get_function_recursion_config;
mod get_function_url_config;
mod get_layer_version;
mod get_layer_version_by_arn;
mod get_layer_version_policy;
mod get_policy;
mod get_provisioned_concurrency_config;
mod get_runtime_management_config;
mod invoke;
mod invoke_async;
mod invoke_with_response_stream;
mod keep_provisioned;
mod list_aliases;
mod list_function_event_invoke_configs;
mod list_function_url_configs;
mod list_functions;
mod list_layer_versions;
mod list_layers;
mod list_provisioned_concurrency_configs;
mod list_tags;
mod list_versions_by_function;
mod open_code;
mod publish_layer_version;
mod publish_version;
mod put_function_concurrency;
mod put_function_event_invoke_config;
mod put_provisioned_concurrency_config;
mod remove_layer_version_permission;
mod remove_permission;
mod resolve_function_url;
mod run_event;
mod tag_resource;
mod untag_resource;
mod update_alias;
mod update_function_code;
mod update_function_configuration;
mod update_function_event_invoke_config;
mod update_function_url_config;

pub(crate) use add_layer_version_permission::AddLayerVersionPermission;
pub(crate) use add_permission::AddPermission;
pub(crate) use create_alias::CreateAlias;
pub(crate) use create_function::CreateFunction;
pub(crate) use create_function_url_config::CreateFunctionUrlConfig;
pub(crate) use delete_alias::DeleteAlias;
pub(crate) use delete_function::DeleteFunction;
pub(crate) use delete_function_concurrency::DeleteFunctionConcurrency;
pub(crate) use delete_function_event_invoke_config::DeleteFunctionEventInvokeConfig;
pub(crate) use delete_function_url_config::DeleteFunctionUrlConfig;
pub(crate) use delete_layer_version::DeleteLayerVersion;
pub(crate) use delete_provisioned_concurrency_config::DeleteProvisionedConcurrencyConfig;
pub(crate) use event_source_mapping::{
    CreateEventSourceMapping, DeleteEventSourceMapping, GetEventSourceMapping, ListEventSourceMappings,
    UpdateEventSourceMapping,
};
pub(crate) use get_account_settings::GetAccountSettings;
pub(crate) use get_alias::GetAlias;
pub(crate) use get_function::GetFunction;
pub(crate) use get_function_code_signing_config::GetFunctionCodeSigningConfig;
pub(crate) use get_function_concurrency::GetFunctionConcurrency;
pub(crate) use get_function_configuration::GetFunctionConfiguration;
pub(crate) use get_function_event_invoke_config::GetFunctionEventInvokeConfig;
pub(crate) use get_function_recursion_config::GetFunctionRecursionConfig;
pub(crate) use get_function_url_config::GetFunctionUrlConfig;
pub(crate) use get_layer_version::GetLayerVersion;
pub(crate) use get_layer_version_by_arn::GetLayerVersionByArn;
pub(crate) use get_layer_version_policy::GetLayerVersionPolicy;
pub(crate) use get_policy::GetPolicy;
pub(crate) use get_provisioned_concurrency_config::GetProvisionedConcurrencyConfig;
pub(crate) use get_runtime_management_config::GetRuntimeManagementConfig;
pub(crate) use invoke::Invoke;
pub(crate) use invoke_async::InvokeAsync;
pub(crate) use invoke_with_response_stream::InvokeWithResponseStream;
pub(crate) use keep_provisioned::KeepProvisioned;
pub(crate) use list_aliases::ListAliases;
pub(crate) use list_function_event_invoke_configs::ListFunctionEventInvokeConfigs;
pub(crate) use list_function_url_configs::ListFunctionUrlConfigs;
pub(crate) use list_functions::ListFunctions;
pub(crate) use list_layer_versions::ListLayerVersions;
pub(crate) use list_layers::ListLayers;
pub(crate) use list_provisioned_concurrency_configs::ListProvisionedConcurrencyConfigs;
pub(crate) use list_tags::ListTags;
pub(crate) use list_versions_by_function::ListVersionsByFunction;
pub(crate) use open_code::OpenCode;
pub(crate) use publish_layer_version::PublishLayerVersion;
pub(crate) use publish_version::PublishVersion;
pub(crate) use put_function_concurrency::PutFunctionConcurrency;
pub(crate) use put_function_event_invoke_config::PutFunctionEventInvokeConfig;
pub(crate) use put_provisioned_concurrency_config::PutProvisionedConcurrencyConfig;
pub(crate) use remove_layer_version_permission::RemoveLayerVersionPermission;
pub(crate) use remove_permission::RemovePermission;
pub(crate) use resolve_function_url::ResolveFunctionUrl;
pub(crate) use run_event::RunEvent;
pub(crate) use tag_resource::TagResource;
pub(crate) use untag_resource::UntagResource;
pub(crate) use update_alias::UpdateAlias;
pub(crate) use update_function_code::UpdateFunctionCode;
pub(crate) use update_function_configuration::UpdateFunctionConfiguration;
pub(crate) use update_function_event_invoke_config::UpdateFunctionEventInvokeConfig;
pub(crate) use update_function_url_config::UpdateFunctionUrlConfig;

use service::{Context, PageToken, Result};

use crate::error::Error;
use crate::name::Target;
use crate::settings::constraint;

/// The rows of a page: what the client asks for, at most `most`.
fn page_size(wanted: Option<i64>, most: usize) -> Result<usize> {
    match wanted {
        None => Ok(most),
        Some(wanted) if wanted >= 1 => Ok(usize::try_from(wanted).unwrap_or(most).min(most)),
        Some(wanted) => {
            let rule = "Member must have value greater than or equal to 1";
            Err(constraint(&wanted.to_string(), "maxItems", rule))
        }
    }
}

/// The key after which the page begins.
fn marker(token: Option<&str>) -> Result<Option<String>> {
    match token.filter(|token| !token.is_empty()) {
        None => Ok(None),
        Some(token) => match PageToken::decode(token) {
            Ok(PageToken(key)) => Ok(Some(key)),
            Err(_) => Err(Error::parameter("Invalid marker value").into()),
        },
    }
}

/// A function whose tags are meant; versions and aliases have none.
fn tagged(cx: &Context, resource: &str) -> Result<Target> {
    if !resource.starts_with("arn:") {
        let rule = "Member must satisfy regular expression pattern: \
                    arn:(aws[a-zA-Z-]*):lambda:[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\\d{1}:\\d{12}:\
                    (function:[a-zA-Z0-9-_]+(:(\\$LATEST|[a-zA-Z0-9-_]+))?)";
        return Err(constraint(resource, "resource", rule));
    }
    let target = Target::parse_unqualified(cx, resource)?;
    if target.qualifier.is_some() {
        let text = "Tags on function aliases and versions are not supported. Please specify a function ARN.";
        return Err(Error::parameter(text).into());
    }
    Ok(target)
}

/// A function without a qualifier, for what versions and aliases do not have.
fn whole_function(cx: &Context, name: &str) -> Result<Target> {
    let target = Target::parse_unqualified(cx, name)?;
    if target.qualifier.is_some() {
        return Err(Error::parameter(
            "This operation is permitted on Lambda functions only. Aliases and versions do not support this \
             operation. Please specify either a function name or an unqualified function ARN.",
        )
        .into());
    }
    Ok(target)
}

/// A function or one of its aliases, which are what URLs belong to.
fn url_target(cx: &Context, name: &str, qualifier: Option<&str>) -> Result<Target> {
    let target = Target::parse(cx, name, qualifier)?;
    match &target.qualifier {
        Some(qualifier) if qualifier == "$LATEST" || qualifier.bytes().all(|byte| byte.is_ascii_digit()) => {
            let rule = "Member must satisfy regular expression pattern: ((?!^\\d+$)^[0-9a-zA-Z-_]+$)";
            Err(constraint(qualifier, "qualifier", rule))
        }
        _ => Ok(target),
    }
}
