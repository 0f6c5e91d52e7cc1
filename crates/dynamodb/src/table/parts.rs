//! The shapes that inputs and outputs of table operations share.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use service::{Result, TagError, Tags};

use super::ScalarType;
use crate::error::invalid;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct AttributeDefinition {
    pub(crate) attribute_name: String,
    pub(crate) attribute_type: ScalarType,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct KeySchemaElement {
    pub(crate) attribute_name: String,
    pub(crate) key_type: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Projection {
    pub(crate) projection_type: Option<String>,
    pub(crate) non_key_attributes: Option<Vec<String>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ProvisionedThroughput {
    pub(crate) read_capacity_units: i64,
    pub(crate) write_capacity_units: i64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct OnDemandThroughput {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) max_read_request_units: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) max_write_request_units: Option<i64>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct WarmThroughput {
    pub(crate) read_units_per_second: Option<i64>,
    pub(crate) write_units_per_second: Option<i64>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct LocalIndexInput {
    pub(crate) index_name: String,
    pub(crate) key_schema: Vec<KeySchemaElement>,
    pub(crate) projection: Projection,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct GlobalIndexInput {
    pub(crate) index_name: String,
    pub(crate) key_schema: Vec<KeySchemaElement>,
    pub(crate) projection: Projection,
    pub(crate) provisioned_throughput: Option<ProvisionedThroughput>,
    pub(crate) on_demand_throughput: Option<OnDemandThroughput>,
    pub(crate) warm_throughput: Option<WarmThroughput>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct StreamSpecification {
    pub(crate) stream_enabled: bool,
    pub(crate) stream_view_type: Option<super::StreamView>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct SseSpecification {
    pub(crate) enabled: Option<bool>,
    #[serde(rename = "SSEType")]
    pub(crate) sse_type: Option<String>,
    #[serde(rename = "KMSMasterKeyId")]
    pub(crate) kms_master_key_id: Option<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Tag {
    pub(crate) key: String,
    pub(crate) value: String,
}

/// Adds the tags that were given, under the rules and in the words of DynamoDB.
pub(crate) fn tags_of(given: Vec<Tag>, tags: &mut Tags) -> Result<()> {
    let mut seen = BTreeSet::new();
    for tag in &given {
        if !seen.insert(&tag.key) {
            return Err(invalid(format!(
                "Duplicate Tag Keys provided as input: Duplicate Tag Key found {}",
                tag.key
            )));
        }
        if tag.key.starts_with("aws:") {
            return Err(invalid(format!("Tag Key cannot be prefixed with aws:, Key: {}", tag.key)));
        }
    }
    let (first_key, first_value) =
        given.first().map_or_else(Default::default, |tag| (tag.key.clone(), tag.value.clone()));
    let added: BTreeMap<String, String> = given.into_iter().map(|tag| (tag.key, tag.value)).collect();
    tags.merge(added).map_err(|error| match error {
        TagError::TooMany => invalid("Number of Tags exceed the current limit for the provided ResourceArn"),
        TagError::Key | TagError::Reserved => {
            invalid(format!("The Tag Key provided is invalid, Key: {first_key}"))
        }
        TagError::Value => invalid(format!("The Tag Value provided is invalid, Value: {first_value}")),
    })
}
