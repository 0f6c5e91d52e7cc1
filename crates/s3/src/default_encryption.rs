//! Default encryption of buckets. Source: user guide, "Setting default server-side encryption behavior".
//!
//! Every object is said to be encrypted with AES256, as on AWS since 2023; keys of KMS wait for that service.

use serde::{Deserialize, Serialize};
use service::{Failure, Result};

use crate::error::{invalid_argument, malformed_xml};

const SERVICE_KEYS: &str = "AES256";

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct EncryptionRules {
    rules: Vec<Rule>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Rule {
    #[serde(skip_serializing_if = "Option::is_none")]
    apply_server_side_encryption_by_default: Option<ByDefault>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bucket_key_enabled: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    blocked_encryption_types: Option<Blocked>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct ByDefault {
    #[serde(rename = "SSEAlgorithm")]
    algorithm: String,
    #[serde(rename = "KMSMasterKeyID", skip_serializing_if = "Option::is_none")]
    key_id: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Blocked {
    encryption_type: Vec<String>,
}

impl EncryptionRules {
    pub(crate) fn of_new_buckets() -> Self {
        let by_default = ByDefault { algorithm: SERVICE_KEYS.into(), key_id: None };
        let rule = Rule {
            apply_server_side_encryption_by_default: Some(by_default),
            bucket_key_enabled: Some(false),
            blocked_encryption_types: None,
        };
        EncryptionRules { rules: vec![rule] }
    }

    /// The rules of PutBucketEncryption; completes what AWS completes.
    pub(crate) fn check(&mut self) -> Result<()> {
        let [rule] = &mut self.rules[..] else { return Err(malformed_xml().into()) };
        rule.bucket_key_enabled.get_or_insert(false);
        let blocked = rule.blocked_encryption_types.iter().flat_map(|blocked| &blocked.encryption_type);
        if blocked.into_iter().any(|kind| kind != "NONE") {
            return Err(Failure::unsupported(
                "buckets that refuse keys of customers (BlockedEncryptionTypes)",
            ));
        }
        let by_default = rule
            .apply_server_side_encryption_by_default
            .get_or_insert_with(|| ByDefault { algorithm: SERVICE_KEYS.into(), key_id: None });
        match (by_default.algorithm.as_str(), &by_default.key_id) {
            (SERVICE_KEYS, None) => Ok(()),
            (SERVICE_KEYS, Some(key_id)) => {
                let text = "a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or \
                            aws:kms:dsse";
                Err(invalid_argument(text, "KMSMasterKeyID", key_id).into())
            }
            ("aws:kms" | "aws:kms:dsse", _) => Err(Failure::unsupported(
                "default encryption with keys of KMS (SSEAlgorithm other than AES256)",
            )),
            _ => Err(malformed_xml().into()),
        }
    }
}
