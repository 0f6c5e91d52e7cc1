//! The condition keys that requests of IAM bring along.

use service::ConditionKeys;

use crate::tag_list::Tag;

pub(crate) fn one(key: &'static str, value: &str) -> ConditionKeys {
    vec![(key.into(), vec![value.to_owned()])]
}

/// Of a request with tags and perhaps a boundary: `aws:RequestTag/…`, `aws:TagKeys`, `iam:PermissionsBoundary`.
pub(crate) fn of_request(tags: &[Tag], boundary: Option<&str>) -> ConditionKeys {
    let mut keys: ConditionKeys = tags
        .iter()
        .map(|tag| (format!("aws:RequestTag/{}", tag.key).into(), vec![tag.value.clone()]))
        .collect();
    if !tags.is_empty() {
        keys.push(("aws:TagKeys".into(), tags.iter().map(|tag| tag.key.clone()).collect()));
    }
    if let Some(boundary) = boundary {
        keys.push(("iam:PermissionsBoundary".into(), vec![boundary.to_owned()]));
    }
    keys
}
