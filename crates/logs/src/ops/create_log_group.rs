use std::collections::BTreeMap;

use serde::Deserialize;
use service::{Arn, Context, Empty, Failure, Operation, Result};

use crate::Logs;
use crate::error::{Error, Taken};
use crate::group::{self, LogGroup};
use crate::keys::Keys;

const NAME_CHARS_MAX: usize = 512;
const CLASSES: [&str; 4] = ["STANDARD", "INFREQUENT_ACCESS", "DELIVERY", "ESSENTIALS"];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CreateLogGroup {
    log_group_name: String,
    kms_key_id: Option<String>,
    #[serde(default)]
    tags: BTreeMap<String, String>,
    log_group_class: Option<String>,
    deletion_protection_enabled: Option<bool>,
}

impl Operation for CreateLogGroup {
    type Service = Logs;
    type Output = Empty;
    const NAME: &'static str = "CreateLogGroup";

    fn resource(&self, cx: &Context) -> Arn {
        group::policy_resource(cx.scope(), &self.log_group_name)
    }

    async fn run(self, _: &Logs, cx: &Context) -> Result<Empty> {
        let name = self.log_group_name;
        check_name(&name)?;
        if self.kms_key_id.is_some() {
            // Storing the key's name without encrypting with it would be a lie.
            return Err(Failure::unsupported("the parameter kmsKeyId of logs:CreateLogGroup"));
        }
        let mut group = LogGroup::new(cx);
        group.tags.merge(self.tags).map_err(|error| Error::invalid(error.to_string()))?;
        group.deletion_protection = self.deletion_protection_enabled.unwrap_or(false);
        if let Some(class) = self.log_group_class {
            if !CLASSES.contains(&class.as_str()) {
                return Err(Error::invalid(format!("Unknown log group class: {class}")).into());
            }
            group.class = class;
        }
        let keys = Keys::new(cx.scope());
        store::txn(cx.platform().kv().as_ref(), |txn| {
            let (keys, group, name) = (&keys, &group, &name);
            async move {
                if group::look_up(&txn, keys, name).await?.is_some() {
                    return Err(Error::ResourceAlreadyExistsException(Taken::LogGroup).into());
                }
                group::put(&txn, keys, name, group)
            }
        })
        .await?;
        Ok(Empty)
    }
}

/// The model has the pattern and the length; this holds for callers inside too.
pub(crate) fn check_name(name: &str) -> std::result::Result<(), Error> {
    let plain = name.chars().all(|next| next.is_ascii_alphanumeric() || ".-_/#".contains(next));
    if name.is_empty() || name.len() > NAME_CHARS_MAX || !plain {
        return Err(Error::invalid(format!(
            "Log group names have 1 to {NAME_CHARS_MAX} of the characters a-z, A-Z, 0-9, '_', '-', '/', '.' and '#'."
        )));
    }
    if name.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("aws/")) {
        return Err(Error::invalid("Log groups starting with AWS/ are reserved for AWS."));
    }
    Ok(())
}
