//! Which runtimes a function may ask for.

use worker::RuntimeKind;

use crate::error::Error;

/// The families that the API has and no worker runs.
const NOT_RUN: [&str; 4] = ["java", "dotnet", "ruby", "go1."];

/// Accepts what a worker can run: any `nodejsN.x`, any `python3.N`, every custom runtime.
pub(crate) fn check(runtime: &str) -> Result<RuntimeKind, Error> {
    let well_formed =
        runtime.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'-');
    match RuntimeKind::of(runtime) {
        Some(kind) if well_formed => Ok(kind),
        _ if NOT_RUN.iter().any(|family| runtime.starts_with(family)) => Err(Error::parameter(format!(
            "Cloudling does not run functions of the runtime {runtime}. Use the runtime provided.al2023 with an \
             executable named bootstrap, for example a native build, or a nodejs or python3 runtime."
        ))),
        _ => Err(Error::parameter(format!(
            "Value {runtime} at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: \
             [nodejs18.x, nodejs20.x, nodejs22.x, nodejs24.x, python3.9, python3.10, python3.11, python3.12, \
             python3.13, python3.14, provided.al2, provided.al2023] or be a valid ARN"
        ))),
    }
}

/// The version ARN that configurations show: one stable name a runtime, because the host's interpreter is used.
pub(crate) fn version_arn(runtime: &str, region: &service::Region) -> String {
    format!("arn:aws:lambda:{region}::runtime:{}", crate::package::digest(runtime.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_runs_is_accepted() {
        for (runtime, kind) in [
            ("nodejs20.x", RuntimeKind::Node),
            ("python3.12", RuntimeKind::Python),
            ("provided.al2023", RuntimeKind::Custom),
            ("provided", RuntimeKind::Custom),
        ] {
            assert_eq!(check(runtime).unwrap(), kind);
        }
    }

    #[test]
    fn what_does_not_run_names_the_way_out() {
        for runtime in ["java21", "java8.al2", "dotnet8", "ruby3.4", "go1.x"] {
            let error = check(runtime).unwrap_err().to_string();
            assert!(error.contains(runtime) && error.contains("provided.al2023"), "{error}");
        }
        for runtime in ["", "cobol", "python2.7", "nodejs 20", "python3.12/../x"] {
            assert!(check(runtime).unwrap_err().to_string().contains("or be a valid ARN"), "{runtime}");
        }
    }
}
