//! Aliases: how invocations are shared between two versions.
//!
//! Source: "Implement Lambda canary deployments using a weighted alias" in the developer guide.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use service::{Result, Scope};

use crate::error::Error;
use crate::name::{LATEST, qualified_arn, version_number};
use crate::settings::constraint;
use crate::tables::Alias;

const NAME_CHARS_MAX: usize = 128;

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct RoutingConfig {
    pub(crate) additional_version_weights: Option<BTreeMap<String, f64>>,
}

/// An alias as the operations answer it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct AliasConfiguration {
    alias_arn: String,
    name: String,
    function_version: String,
    description: String,
    routing_config: Option<RoutingConfig>,
    revision_id: String,
}

impl AliasConfiguration {
    pub(crate) fn new(scope: &Scope, function: &str, alias: Alias) -> Self {
        let weights = alias.additional_weights;
        AliasConfiguration {
            alias_arn: qualified_arn(scope, function, &alias.name).to_string(),
            name: alias.name,
            function_version: alias.version,
            description: alias.description,
            routing_config: (!weights.is_empty())
                .then_some(RoutingConfig { additional_version_weights: Some(weights) }),
            revision_id: alias.revision_id,
        }
    }
}

/// Names are never numbers, which are versions.
pub(crate) fn check_name(name: &str) -> Result<()> {
    let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
    let number = name.bytes().all(|byte| byte.is_ascii_digit());
    if name.is_empty() || name.len() > NAME_CHARS_MAX || !plain || number {
        let rule = "Member must satisfy regular expression pattern: (?!^[0-9]+$)([a-zA-Z0-9-_]+)";
        return Err(constraint(name, "name", rule));
    }
    Ok(())
}

/// At most one further version, with a share of at most 1; neither of the two may be `$LATEST` or the other.
pub(crate) fn check_weights(version: &str, weights: &BTreeMap<String, f64>) -> Result<()> {
    if weights.len() > 1 {
        let text = "Number of items in AdditionalVersionWeights cannot be greater than 1";
        return Err(Error::parameter(text).into());
    }
    let Some((other, weight)) = weights.iter().next() else { return Ok(()) };
    if !(0.0..=1.0).contains(weight) {
        return Err(constraint(
            &format!("{{{other}={weight}}}"),
            "routingConfig.additionalVersionWeights",
            "Map value must satisfy constraint: [Member must have value less than or equal to 1.0, Member must \
             have value greater than or equal to 0.0]",
        ));
    }
    if version == LATEST || other == LATEST {
        return Err(Error::parameter(
            "$LATEST is not supported for an alias pointing to more than 1 version",
        )
        .into());
    }
    if version_number(other).is_none() {
        return Err(constraint(
            &format!("{{{other}={weight}}}"),
            "routingConfig.additionalVersionWeights",
            "Map keys must satisfy constraint: [Member must satisfy regular expression pattern: [0-9]+]",
        ));
    }
    if other == version {
        return Err(Error::parameter(format!(
            "Invalid function version {version}. Function version {version} is already included in routing \
             configuration."
        ))
        .into());
    }
    Ok(())
}

/// The version that an alias means this time. `chance` is evenly distributed in `0.0..1.0`.
pub(crate) fn pick<'a, T>(main: &'a T, additional: &'a [(f64, T)], chance: f64) -> &'a T {
    let mut passed = 0.0;
    for (weight, other) in additional {
        passed += weight;
        if chance < passed {
            return other;
        }
    }
    main
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn weights(entries: &[(&str, f64)]) -> BTreeMap<String, f64> {
        entries.iter().map(|(version, weight)| ((*version).to_owned(), *weight)).collect()
    }

    #[test]
    fn weights_follow_the_rules() {
        assert!(check_weights("1", &weights(&[])).is_ok());
        assert!(check_weights(LATEST, &weights(&[])).is_ok());
        assert!(check_weights("1", &weights(&[("2", 0.0)])).is_ok());
        assert!(check_weights("1", &weights(&[("2", 1.0)])).is_ok());
        for (version, entries) in [
            ("1", &[("2", 0.1), ("3", 0.1)][..]),
            ("1", &[("2", 1.01)]),
            ("1", &[("2", -0.1)]),
            ("1", &[("2", f64::NAN)]),
            ("1", &[("1", 0.5)]),
            ("1", &[("live", 0.5)]),
            (LATEST, &[("1", 0.5)]),
            ("1", &[(LATEST, 0.5)]),
        ] {
            assert!(check_weights(version, &weights(entries)).is_err(), "{version} {entries:?}");
        }
    }

    #[test]
    fn numbers_are_no_names() {
        for name in ["live", "v1", "1a", "a_b-c"] {
            assert!(check_name(name).is_ok(), "{name}");
        }
        for name in ["", "1", "007", "$LATEST", "a b", "a:b", &"a".repeat(129)] {
            assert!(check_name(name).is_err(), "{name}");
        }
    }

    proptest! {
        /// Shares come out as asked, whatever the weight.
        #[test]
        fn shares_are_as_weighted(weight in 0.0_f64..=1.0) {
            let additional = [(weight, "2")];
            let draws = 1_000_u32;
            let other = (0..draws).filter(|n| *pick(&"1", &additional, f64::from(*n) / f64::from(draws)) == "2").count();
            let expected = weight * f64::from(draws);
            prop_assert!((other as f64 - expected).abs() <= 1.0);
        }
    }
}
