//! Filters by the start and the end of an object's key.

use serde::{Deserialize, Serialize};

use crate::error::{Error, invalid_argument, malformed_xml};

const VALUE_BYTES_MAX: usize = 1_024;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Filter {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) key: Option<KeyFilter>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct KeyFilter {
    pub(crate) filter_rules: Vec<FilterRule>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct FilterRule {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) value: Option<String>,
}

impl Filter {
    /// Names become `Prefix` and `Suffix`, as S3 answers them whatever their case.
    pub(super) fn check(&mut self) -> Result<(), Error> {
        let Some(key) = &mut self.key else { return Ok(()) };
        let mut seen = Vec::new();
        for rule in &mut key.filter_rules {
            let name = rule.name.as_deref().ok_or_else(malformed_xml)?;
            let value = rule.value.as_deref().ok_or_else(malformed_xml)?;
            let known = ["Prefix", "Suffix"].into_iter().find(|known| known.eq_ignore_ascii_case(name));
            let Some(known) = known else {
                return Err(invalid_argument(
                    "filter rule name must be either prefix or suffix",
                    "FilterRule.Name",
                    name,
                ));
            };
            if seen.contains(&known) {
                return Err(invalid_argument(
                    format!("Cannot specify more than one {} rule in a filter.", known.to_ascii_lowercase()),
                    "FilterRule.Name",
                    known,
                ));
            }
            if value.len() > VALUE_BYTES_MAX {
                return Err(invalid_argument(
                    format!(
                        "Size of filter rule value cannot exceed {VALUE_BYTES_MAX} bytes in UTF-8 representation"
                    ),
                    "FilterRule.Value",
                    value,
                ));
            }
            seen.push(known);
            rule.name = Some(known.to_owned());
        }
        Ok(())
    }

    fn value(&self, name: &str) -> &str {
        let rules = self.key.iter().flat_map(|key| &key.filter_rules);
        let named =
            |rule: &&FilterRule| rule.name.as_deref().is_some_and(|its| its.eq_ignore_ascii_case(name));
        rules.into_iter().find(named).and_then(|rule| rule.value.as_deref()).unwrap_or("")
    }

    pub(super) fn is_empty(&self) -> bool {
        self.value("prefix").is_empty() && self.value("suffix").is_empty()
    }

    pub(super) fn covers(&self, key: &str) -> bool {
        key.starts_with(self.value("prefix")) && key.ends_with(self.value("suffix"))
    }

    /// Whether a key could fit both.
    pub(super) fn overlaps(&self, other: &Filter) -> bool {
        let (prefix, its_prefix) = (self.value("prefix"), other.value("prefix"));
        let (suffix, its_suffix) = (self.value("suffix"), other.value("suffix"));
        (prefix.starts_with(its_prefix) || its_prefix.starts_with(prefix))
            && (suffix.ends_with(its_suffix) || its_suffix.ends_with(suffix))
    }
}
