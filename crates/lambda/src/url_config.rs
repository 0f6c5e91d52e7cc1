//! Function URLs: their settings, ids and the URLs themselves.

use serde::{Deserialize, Serialize};
use service::{Context, Result, Tags};
use wire::Timestamp;

use crate::configuration::iso_time;
use crate::error::Error;
use crate::settings::constraint;

/// A function with this tag gets its value as the id of its URL, so that the URL is known beforehand.
pub(crate) const CUSTOM_ID_TAG: &str = "_custom_id_";
const CUSTOM_ID_BYTES_MAX: usize = 63;
const CORS_ITEMS_MAX: usize = 100;
const CORS_AGE_SECONDS_MAX: i64 = 86_400;

/// The URL of a function or of one of its aliases.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct UrlConfig {
    pub(crate) url_id: String,
    pub(crate) auth_type: String,
    pub(crate) invoke_mode: String,
    pub(crate) cors: Option<Cors>,
    pub(crate) created_epoch_millis: i64,
    pub(crate) modified_epoch_millis: i64,
}

/// The CORS settings, as the API has them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Cors {
    #[serde(skip_serializing_if = "Option::is_none")]
    allow_credentials: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    allow_headers: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    allow_methods: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    allow_origins: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expose_headers: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_age: Option<i64>,
}

/// The settings as the operations answer them.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct UrlConfigView {
    function_url: String,
    function_arn: String,
    auth_type: String,
    cors: Option<Cors>,
    creation_time: String,
    last_modified_time: Option<String>,
    invoke_mode: String,
}

impl UrlConfig {
    pub(crate) fn view(self, cx: &Context, function_arn: String) -> UrlConfigView {
        UrlConfigView {
            function_url: url(cx.endpoint(), &self.url_id),
            function_arn,
            auth_type: self.auth_type,
            cors: self.cors,
            creation_time: iso_time(Timestamp::from_epoch_millis(self.created_epoch_millis)),
            last_modified_time: Some(iso_time(Timestamp::from_epoch_millis(self.modified_epoch_millis))),
            invoke_mode: self.invoke_mode,
        }
    }
}

impl UrlConfigView {
    /// CreateFunctionUrlConfig answers no time of change.
    pub(crate) fn of_creation(self) -> Self {
        UrlConfigView { last_modified_time: None, ..self }
    }
}

/// The path form: it needs no name resolution.
fn url(endpoint: &str, url_id: &str) -> String {
    format!("{endpoint}/_aws/lambda-url/{url_id}/")
}

/// 32 random characters, or what the function's tag asks for. The tag names the URL of the function itself;
/// an alias appends its name.
pub(crate) fn new_url_id(cx: &Context, tags: &Tags, alias: Option<&str>) -> Result<String> {
    let Some(custom) = tags.0.get(CUSTOM_ID_TAG) else {
        return Ok(cx.platform().ids().lower_alphanumeric::<32>());
    };
    let id = match alias {
        Some(alias) => format!("{custom}-{}", alias.to_ascii_lowercase().replace('_', "-")),
        None => custom.clone(),
    };
    let plain = id.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    if id.is_empty() || id.len() > CUSTOM_ID_BYTES_MAX || !plain || id.starts_with('-') || id.ends_with('-') {
        return Err(Error::parameter(format!(
            "The tag {CUSTOM_ID_TAG} has the value '{id}', which cannot be the id of a function URL: 1 to \
             {CUSTOM_ID_BYTES_MAX} lower-case letters, digits and inner hyphens are allowed."
        ))
        .into());
    }
    Ok(id)
}

/// The settings of the three enums and lists, checked also for callers inside this process.
pub(crate) fn check(auth_type: Option<&str>, invoke_mode: Option<&str>, cors: Option<&Cors>) -> Result<()> {
    if let Some(auth_type) = auth_type.filter(|value| !["NONE", "AWS_IAM"].contains(value)) {
        return Err(constraint(auth_type, "authType", "Member must satisfy enum value set: [NONE, AWS_IAM]"));
    }
    if let Some(mode) = invoke_mode.filter(|value| !["BUFFERED", "RESPONSE_STREAM"].contains(value)) {
        let rule = "Member must satisfy enum value set: [BUFFERED, RESPONSE_STREAM]";
        return Err(constraint(mode, "invokeMode", rule));
    }
    let Some(cors) = cors else { return Ok(()) };
    if let Some(age) = cors.max_age.filter(|age| !(0..=CORS_AGE_SECONDS_MAX).contains(age)) {
        let rule = format!("Member must have value between 0 and {CORS_AGE_SECONDS_MAX}");
        return Err(constraint(&age.to_string(), "cors.maxAge", &rule));
    }
    let lists = [&cors.allow_headers, &cors.allow_methods, &cors.allow_origins, &cors.expose_headers];
    if lists.iter().any(|list| list.as_ref().is_some_and(|items| items.len() > CORS_ITEMS_MAX)) {
        let rule = format!("Member must have length less than or equal to {CORS_ITEMS_MAX}");
        return Err(constraint("[...]", "cors", &rule));
    }
    Ok(())
}
