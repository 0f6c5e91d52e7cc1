//! The settings of a function: what may be asked for, what is kept, what the defaults are.
//!
//! Source of limits and defaults: CreateFunction in the Lambda API reference, and Lambda quotas.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};
use service::{Failure, Result};
use worker::{LogFormat, LogLevel};

use crate::error::Error;
use crate::{environment, runtime};

const TIMEOUT_SECONDS: RangeInclusive<i64> = 1..=900;
const MEMORY_MIB: RangeInclusive<i64> = 128..=10_240;
const EPHEMERAL_MIB: RangeInclusive<i64> = 512..=10_240;
pub(crate) const LAYERS_MAX: usize = 5;
const DESCRIPTION_CHARS_MAX: usize = 256;
const HANDLER_CHARS_MAX: usize = 128;
/// The log format that knows levels.
const JSON: &str = "JSON";

/// The settings as they are kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Settings {
    pub(crate) runtime: String,
    pub(crate) role: String,
    pub(crate) handler: String,
    pub(crate) description: String,
    pub(crate) timeout_seconds: u32,
    pub(crate) memory_mib: u32,
    pub(crate) ephemeral_mib: u32,
    pub(crate) architectures: Vec<String>,
    /// `None` when the function has none, which the API shows differently from an empty set.
    pub(crate) environment: Option<BTreeMap<String, String>>,
    pub(crate) layers: Vec<LayerUse>,
    pub(crate) tracing_mode: String,
    pub(crate) logging: Logging,
    pub(crate) snap_start: String,
    #[serde(default)]
    pub(crate) vpc: Option<Vpc>,
    #[serde(default)]
    pub(crate) dead_letter_target: Option<String>,
    #[serde(default)]
    pub(crate) kms_key: Option<String>,
}

/// A layer version that a function uses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LayerUse {
    pub(crate) arn: String,
    pub(crate) package: crate::package::Package,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Logging {
    #[serde(default = "text_format")]
    pub(crate) log_format: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) application_log_level: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) system_log_level: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) log_group: Option<String>,
}

impl Logging {
    /// What the workers are told. Levels were checked when they were set.
    pub(crate) fn format(&self) -> LogFormat {
        if self.log_format != JSON {
            return LogFormat::Text;
        }
        let level = |name: &Option<String>| name.as_deref().and_then(LogLevel::of).unwrap_or(LogLevel::Info);
        LogFormat::Json {
            application: level(&self.application_log_level),
            system: level(&self.system_log_level),
        }
    }
}

fn text_format() -> String {
    "Text".into()
}

/// Kept and shown; functions reach the network of the host whatever it says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Vpc {
    pub(crate) subnet_ids: Vec<String>,
    pub(crate) security_group_ids: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ipv6_allowed_for_dual_stack: Option<bool>,
}

/// The settings a request asks for; what is absent stays as it is.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wanted {
    pub(crate) runtime: Option<String>,
    pub(crate) role: Option<String>,
    pub(crate) handler: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) timeout: Option<i64>,
    pub(crate) memory_size: Option<i64>,
    pub(crate) ephemeral_storage: Option<EphemeralStorage>,
    pub(crate) environment: Option<Environment>,
    pub(crate) tracing_config: Option<TracingConfig>,
    pub(crate) logging_config: Option<Logging>,
    pub(crate) snap_start: Option<SnapStart>,
    pub(crate) vpc_config: Option<Vpc>,
    pub(crate) dead_letter_config: Option<DeadLetterConfig>,
    pub(crate) kms_key_arn: Option<String>,
    pub(crate) architectures: Option<Vec<String>>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct EphemeralStorage {
    size: i64,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Environment {
    variables: Option<BTreeMap<String, String>>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct TracingConfig {
    mode: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct SnapStart {
    apply_on: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DeadLetterConfig {
    target_arn: Option<String>,
}

impl DeadLetterConfig {
    /// The target; `None` when the configuration takes it away.
    pub(crate) fn target(&self) -> Option<&str> {
        self.target_arn.as_deref().filter(|arn| !arn.is_empty())
    }
}

impl Settings {
    /// The settings of a new function. Runtime, handler and role must be given.
    pub(crate) fn new(name: &str, wanted: Wanted) -> Result<Self> {
        if wanted.runtime.is_none() || wanted.handler.is_none() {
            let text = "Runtime and Handler are mandatory parameters for functions created with deployment packages.";
            return Err(Error::parameter(text).into());
        }
        if wanted.role.is_none() {
            return Err(constraint("null", "role", "Member must not be null"));
        }
        let mut settings = Settings {
            runtime: String::new(),
            role: String::new(),
            handler: String::new(),
            description: String::new(),
            timeout_seconds: 3,
            memory_mib: 128,
            ephemeral_mib: 512,
            architectures: vec!["x86_64".into()],
            environment: None,
            layers: Vec::new(),
            tracing_mode: "PassThrough".into(),
            logging: default_logging(name),
            snap_start: "None".into(),
            vpc: None,
            dead_letter_target: None,
            kms_key: None,
        };
        settings.apply(name, wanted)?;
        Ok(settings)
    }

    /// Changes what is wanted; an error leaves the settings half changed, so apply to a copy.
    pub(crate) fn apply(&mut self, name: &str, wanted: Wanted) -> Result<()> {
        if let Some(runtime) = wanted.runtime {
            runtime::check(&runtime)?;
            self.runtime = runtime;
        }
        if let Some(role) = wanted.role {
            check_role(&role)?;
            self.role = role;
        }
        if let Some(handler) = wanted.handler {
            check_handler(&handler)?;
            self.handler = handler;
        }
        if let Some(description) = wanted.description {
            self.description = checked_description(description)?;
        }
        if let Some(seconds) = wanted.timeout {
            self.timeout_seconds = in_range(seconds, "timeout", TIMEOUT_SECONDS)?;
        }
        if let Some(mebibytes) = wanted.memory_size {
            self.memory_mib = in_range(mebibytes, "memorySize", MEMORY_MIB)?;
        }
        if let Some(storage) = wanted.ephemeral_storage {
            self.ephemeral_mib = in_range(storage.size, "ephemeralStorage.size", EPHEMERAL_MIB)?;
        }
        if let Some(environment) = wanted.environment {
            let variables = environment.variables.unwrap_or_default();
            environment::check(&variables)?;
            self.environment = (!variables.is_empty()).then_some(variables);
        }
        if let Some(mode) = wanted.tracing_config.and_then(|config| config.mode) {
            self.tracing_mode = one_of(mode, "tracingConfig.mode", &["Active", "PassThrough"])?;
        }
        if let Some(logging) = wanted.logging_config {
            self.logging = checked_logging(name, logging)?;
        }
        if let Some(apply_on) = wanted.snap_start.and_then(|config| config.apply_on) {
            self.snap_start = one_of(apply_on, "snapStart.applyOn", &["PublishedVersions", "None"])?;
        }
        if let Some(vpc) = wanted.vpc_config {
            self.vpc = Some(vpc);
        }
        if let Some(config) = wanted.dead_letter_config {
            self.dead_letter_target = config.target().map(str::to_owned);
        }
        if let Some(key) = wanted.kms_key_arn {
            self.kms_key = (!key.is_empty()).then_some(key);
        }
        if let Some(architectures) = wanted.architectures {
            self.architectures = checked_architectures(architectures)?;
        }
        Ok(())
    }

    /// Where the function's output goes.
    pub(crate) fn log_group(&self, name: &str) -> String {
        self.logging.log_group.clone().unwrap_or_else(|| format!("/aws/lambda/{name}"))
    }
}

/// A function runs on this machine, whose architecture is the only one there is; the other is kept and shown.
pub(crate) fn checked_architectures(architectures: Vec<String>) -> Result<Vec<String>> {
    match architectures.as_slice() {
        [one] => {
            one_of(one.clone(), "architectures", &["x86_64", "arm64"])?;
            Ok(architectures)
        }
        _ => Err(constraint(
            &format!("[{}]", architectures.join(", ")),
            "architectures",
            "Member must have length less than or equal to 1",
        )),
    }
}

pub(crate) fn checked_description(description: String) -> Result<String> {
    if description.chars().count() > DESCRIPTION_CHARS_MAX {
        let rule = format!("Member must have length less than or equal to {DESCRIPTION_CHARS_MAX}");
        return Err(constraint(&description, "description", &rule));
    }
    Ok(description)
}

fn check_role(role: &str) -> Result<()> {
    let account_and_name = role.strip_prefix("arn:aws").and_then(|rest| rest.split_once(":iam::")).and_then(
        |(partition, rest)| {
            let plain = partition.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'-');
            plain.then(|| rest.split_once(":role/")).flatten()
        },
    );
    let valid = account_and_name.is_some_and(|(account, name)| {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_+=,.@-/".contains(&byte);
        service::AccountId::parse(account).is_some() && !name.is_empty() && name.bytes().all(allowed)
    });
    if valid {
        return Ok(());
    }
    Err(constraint(
        role,
        "role",
        "Member must satisfy regular expression pattern: \
         arn:(aws[a-zA-Z-]*)?:iam::\\d{12}:role/?[a-zA-Z_0-9+=,.@\\-_/]+",
    ))
}

fn check_handler(handler: &str) -> Result<()> {
    if handler.chars().count() > HANDLER_CHARS_MAX {
        let rule = format!("Member must have length less than or equal to {HANDLER_CHARS_MAX}");
        return Err(constraint(handler, "handler", &rule));
    }
    if handler.is_empty()
        || handler.contains(|character: char| character.is_whitespace() || character == '\0')
    {
        return Err(constraint(
            handler,
            "handler",
            "Member must satisfy regular expression pattern: [^\\s]+",
        ));
    }
    Ok(())
}

fn default_logging(name: &str) -> Logging {
    Logging {
        log_format: text_format(),
        application_log_level: None,
        system_log_level: None,
        log_group: Some(format!("/aws/lambda/{name}")),
    }
}

fn checked_logging(name: &str, mut logging: Logging) -> Result<Logging> {
    logging.log_format = one_of(logging.log_format, "loggingConfig.logFormat", &[JSON, "Text"])?;
    if logging.log_format == JSON {
        let level = logging.application_log_level.unwrap_or_else(|| "INFO".into());
        let allowed = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"];
        logging.application_log_level = Some(one_of(level, "loggingConfig.applicationLogLevel", &allowed)?);
        let level = logging.system_log_level.unwrap_or_else(|| "INFO".into());
        let allowed = ["DEBUG", "INFO", "WARN"];
        logging.system_log_level = Some(one_of(level, "loggingConfig.systemLogLevel", &allowed)?);
    } else if logging.application_log_level.is_some() || logging.system_log_level.is_some() {
        let text =
            "To use ApplicationLogLevel or SystemLogLevel parameters, you must set your log format to JSON.";
        return Err(Error::parameter(text).into());
    }
    let group = logging.log_group.get_or_insert_with(|| format!("/aws/lambda/{name}"));
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b".-_/#".contains(&byte);
    if group.is_empty() || group.len() > 512 || !group.bytes().all(allowed) {
        return Err(constraint(
            group,
            "loggingConfig.logGroup",
            "Member must satisfy regular expression pattern: [\\.\\-_/#A-Za-z0-9]+",
        ));
    }
    Ok(logging)
}

fn in_range(value: i64, path: &str, allowed: RangeInclusive<i64>) -> Result<u32> {
    let rule = if value < *allowed.start() {
        format!("Member must have value greater than or equal to {}", allowed.start())
    } else {
        format!("Member must have value less than or equal to {}", allowed.end())
    };
    match u32::try_from(value) {
        Ok(number) if allowed.contains(&value) => Ok(number),
        _ => Err(constraint(&value.to_string(), path, &rule)),
    }
}

fn one_of(value: String, path: &str, allowed: &[&str]) -> Result<String> {
    if allowed.contains(&value.as_str()) {
        return Ok(value);
    }
    Err(constraint(&value, path, &format!("Member must satisfy enum value set: [{}]", allowed.join(", "))))
}

/// A broken constraint in the words of the request check, for limits tighter than the model's.
pub(crate) fn constraint(value: &str, path: &str, rule: &str) -> Failure {
    let value = if value == "null" { value.to_owned() } else { format!("'{value}'") };
    Failure::validation(format!(
        "1 validation error detected: Value {value} at '{path}' failed to satisfy constraint: {rule}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted() -> Wanted {
        Wanted {
            runtime: Some("nodejs20.x".into()),
            handler: Some("index.handler".into()),
            role: Some("arn:aws:iam::000000000000:role/lambda".into()),
            ..Wanted::default()
        }
    }

    #[test]
    fn defaults_are_those_of_the_api() {
        let settings = Settings::new("hello", wanted()).unwrap();
        assert_eq!((settings.timeout_seconds, settings.memory_mib, settings.ephemeral_mib), (3, 128, 512));
        assert_eq!(settings.log_group("hello"), "/aws/lambda/hello");
    }

    #[test]
    fn limits_hold_at_their_edges() {
        let with = |timeout, memory, size| {
            let ephemeral_storage = Some(EphemeralStorage { size });
            let wanted =
                Wanted { timeout: Some(timeout), memory_size: Some(memory), ephemeral_storage, ..wanted() };
            Settings::new("hello", wanted).map(drop).map_err(|error| error.to_string())
        };
        assert_eq!(with(1, 128, 512), Ok(()));
        assert_eq!(with(900, 10_240, 10_240), Ok(()));
        assert_eq!(
            with(901, 128, 512).unwrap_err(),
            "ValidationException: 1 validation error detected: Value '901' at 'timeout' failed to satisfy \
             constraint: Member must have value less than or equal to 900"
        );
        assert!(with(0, 128, 512).unwrap_err().contains("greater than or equal to 1"));
        assert!(with(-5_000_000_000, 128, 512).is_err());
        assert!(with(3, 127, 512).is_err() && with(3, 10_241, 512).is_err());
        assert!(with(3, 128, 511).is_err() && with(3, 128, 10_241).is_err());
    }

    #[test]
    fn what_a_zip_function_needs_is_asked_for() {
        for wanted in [Wanted { runtime: None, ..wanted() }, Wanted { handler: None, ..wanted() }] {
            let error = Settings::new("hello", wanted).unwrap_err();
            assert!(error.to_string().contains("Runtime and Handler are mandatory"), "{error}");
        }
        assert!(Settings::new("hello", Wanted { role: None, ..wanted() }).is_err());
        for role in [
            "",
            "role",
            "arn:aws:iam::1:role/x",
            "arn:aws:iam::000000000000:user/x",
            "arn:aws:iam::000000000000:role/",
        ] {
            assert!(
                Settings::new("hello", Wanted { role: Some(role.into()), ..wanted() }).is_err(),
                "{role}"
            );
        }
        for handler in ["", "a b", &"h".repeat(129)] {
            assert!(Settings::new("hello", Wanted { handler: Some(handler.into()), ..wanted() }).is_err());
        }
    }

    #[test]
    fn log_levels_need_the_json_format() {
        let logging = |log_format: &str, level: Option<&str>| Logging {
            log_format: log_format.into(),
            application_log_level: level.map(str::to_owned),
            system_log_level: None,
            log_group: None,
        };
        let json = checked_logging("f", logging("JSON", None)).unwrap();
        assert_eq!(json.system_log_level.as_deref(), Some("INFO"));
        assert!(checked_logging("f", logging("Text", Some("DEBUG"))).is_err());
        assert!(checked_logging("f", logging("XML", None)).is_err());
    }
}
