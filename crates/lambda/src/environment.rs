//! What a function's environment variables may be.
//!
//! Sources: Lambda developer guide, "Working with Lambda environment variables" (names, size, reserved keys).

use std::collections::BTreeMap;

use crate::error::Error;

/// All names and values together, as the JSON object that AWS measures.
pub(crate) const ENVIRONMENT_BYTES_MAX: usize = 4 * 1024;

/// Set by the runtime and not to be changed by the function's owner.
const RESERVED_KEYS: [&str; 21] = [
    "_HANDLER",
    "_X_AMZN_TRACE_ID",
    "AWS_ACCESS_KEY",
    "AWS_ACCESS_KEY_ID",
    "AWS_DEFAULT_REGION",
    "AWS_EXECUTION_ENV",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_VERSION",
    "AWS_LAMBDA_INITIALIZATION_TYPE",
    "AWS_LAMBDA_LOG_GROUP_NAME",
    "AWS_LAMBDA_LOG_STREAM_NAME",
    "AWS_LAMBDA_MAX_CONCURRENCY",
    "AWS_LAMBDA_METADATA_API",
    "AWS_LAMBDA_METADATA_TOKEN",
    "AWS_LAMBDA_RUNTIME_API",
    "AWS_REGION",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SECRET_KEY",
    "AWS_SESSION_TOKEN",
    "LAMBDA_RUNTIME_DIR",
];

/// Refuses reserved keys, malformed keys and more than [`ENVIRONMENT_BYTES_MAX`].
pub(crate) fn check(variables: &BTreeMap<String, String>) -> Result<(), Error> {
    if let Some(key) = variables.keys().find(|key| !is_key(key)) {
        return Err(Error::parameter(format!(
            "1 validation error detected: Value at 'environment.variables' failed to satisfy constraint: Map keys \
             must satisfy constraint: [Member must satisfy regular expression pattern: [a-zA-Z]([a-zA-Z0-9_])+]; \
             found '{key}'"
        )));
    }
    // A value with a zero byte cannot be handed to any process.
    if let Some((key, _)) = variables.iter().find(|(_, value)| value.contains('\0')) {
        return Err(Error::parameter(format!("The environment variable {key} contains a zero byte.")));
    }
    let reserved: Vec<&str> =
        variables.keys().map(String::as_str).filter(|key| RESERVED_KEYS.contains(key)).collect();
    if !reserved.is_empty() {
        return Err(Error::parameter(format!(
            "Lambda was unable to configure your environment variables because the environment variables you have \
             provided contains reserved keys that are currently not supported for modification. Reserved keys used \
             in this request: {}",
            reserved.join(", ")
        )));
    }
    // Not of AWS: what the function may reach outside, which this cloud's own variable narrows.
    if let Some(Err(error)) =
        variables.get(worker::EGRESS_VARIABLE).map(|text| text.parse::<worker::Egress>())
    {
        return Err(Error::parameter(format!("{}: {error}", worker::EGRESS_VARIABLE)));
    }
    let measured = serde_json::Value::from_iter(variables.clone()).to_string();
    if measured.len() > ENVIRONMENT_BYTES_MAX {
        return Err(Error::parameter(format!(
            "Lambda was unable to configure your environment variables because the environment variables you have \
             provided exceeded the 4KB limit. String measured: {measured}"
        )));
    }
    Ok(())
}

/// `[a-zA-Z]([a-zA-Z0-9_])+`; the reserved keys that begin with an underscore get their own message.
fn is_key(key: &str) -> bool {
    let mut bytes = key.bytes();
    let first = bytes.next().is_some_and(|byte| byte.is_ascii_alphabetic());
    let rest = key.len() >= 2 && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    (first && rest) || RESERVED_KEYS.contains(&key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_one(key: &str, value: &str) -> Result<(), String> {
        check(&BTreeMap::from([(key.to_owned(), value.to_owned())])).map_err(|error| error.to_string())
    }

    #[test]
    fn the_size_counts_names_values_and_their_json() {
        // {"KEY":"…"} has ten bytes around the value.
        assert_eq!(check_one("KEY", &"v".repeat(ENVIRONMENT_BYTES_MAX - 10)), Ok(()));
        let error = check_one("KEY", &"v".repeat(ENVIRONMENT_BYTES_MAX - 9)).unwrap_err();
        assert!(error.contains("exceeded the 4KB limit. String measured: {\"KEY\":\"vvv"), "{error}");
    }

    #[test]
    fn reserved_keys_are_all_named() {
        let variables = ["AWS_REGION", "FINE", "_HANDLER"].map(|key| (key.to_owned(), String::new()));
        let error = check(&BTreeMap::from(variables)).unwrap_err().to_string();
        assert!(error.ends_with("Reserved keys used in this request: AWS_REGION, _HANDLER"), "{error}");
    }

    #[test]
    fn keys_have_their_form() {
        for key in ["AB", "a1", "A_"] {
            assert_eq!(check_one(key, ""), Ok(()), "{key}");
        }
        for key in ["", "A", "1A", "_A", "A-B", "A=B", "Ä1", "A B", "A\0"] {
            assert!(check_one(key, "").is_err(), "{key:?}");
        }
        assert!(check_one("AB", "a\0b").is_err());
    }
}
