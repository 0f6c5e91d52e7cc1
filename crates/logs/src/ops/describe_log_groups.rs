use serde::{Deserialize, Serialize};
use service::{Context, Failure, Operation, PageToken, Result};
use store::{Order, Snapshot};

use crate::Logs;
use crate::error::Error;
use crate::group::{self, LogGroup, decode};
use crate::identifier::from_identifier;
use crate::keys::Keys;
use crate::limits::LIST_ROWS_MAX;
use crate::stream::Latest;

/// Rows looked at in one read; a pattern may leave most of them out.
const ROWS_AT_ONCE: usize = 500;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DescribeLogGroups {
    log_group_name_prefix: Option<String>,
    log_group_name_pattern: Option<String>,
    log_group_identifiers: Option<Vec<String>>,
    log_group_class: Option<String>,
    include_linked_accounts: Option<bool>,
    next_token: Option<String>,
    limit: Option<usize>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Output {
    log_groups: Vec<Described>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Described {
    log_group_name: String,
    creation_time: i64,
    arn: String,
    log_group_arn: String,
    #[serde(flatten)]
    details: Option<Details>,
}

/// Left out of the answer to a search by pattern, as the API reference says.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Details {
    #[serde(skip_serializing_if = "Option::is_none")]
    retention_in_days: Option<i64>,
    metric_filter_count: u32,
    stored_bytes: u64,
    log_group_class: String,
    deletion_protection_enabled: bool,
}

impl Operation for DescribeLogGroups {
    type Service = Logs;
    type Output = Output;
    const NAME: &'static str = "DescribeLogGroups";

    fn resource(&self, cx: &Context) -> service::Arn {
        group::policy_resource(cx.scope(), "")
    }

    async fn run(self, _: &Logs, cx: &Context) -> Result<Output> {
        if self.include_linked_accounts == Some(true) {
            return Err(Failure::unsupported(
                "the parameter includeLinkedAccounts of logs:DescribeLogGroups",
            ));
        }
        if self.log_group_name_prefix.is_some() && self.log_group_name_pattern.is_some() {
            return Err(Error::invalid(
                "LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.",
            )
            .into());
        }
        let keys = Keys::new(cx.scope());
        let snapshot = cx.platform().kv().snapshot().await?;
        let snapshot = snapshot.as_ref();
        let with_details = self.log_group_name_pattern.is_none();
        let limit = self.limit.unwrap_or(LIST_ROWS_MAX).clamp(1, LIST_ROWS_MAX);
        let (groups, next_token) = match &self.log_group_identifiers {
            Some(identifiers) => (named(cx, snapshot, &keys, identifiers).await?, None),
            None => self.list(snapshot, &keys, limit).await?,
        };
        let mut log_groups = Vec::with_capacity(groups.len());
        for (name, group) in groups {
            let details = if with_details { Some(details(snapshot, &keys, &group).await?) } else { None };
            let log_group_arn = group::arn(cx.scope(), &name).to_string();
            log_groups.push(Described {
                log_group_name: name,
                creation_time: group.creation_time,
                arn: format!("{log_group_arn}:*"),
                log_group_arn,
                details,
            });
        }
        Ok(Output { log_groups, next_token })
    }
}

impl DescribeLogGroups {
    async fn list(
        &self,
        snapshot: &dyn Snapshot,
        keys: &Keys,
        limit: usize,
    ) -> Result<(Vec<(String, LogGroup)>, Option<String>)> {
        let mut range = keys.groups(self.log_group_name_prefix.as_deref().unwrap_or(""));
        if let Some(token) = &self.next_token {
            let PageToken(after) = PageToken::decode(token).map_err(|_| Error::invalid_token())?;
            let after = keys.group(&after);
            range.start = range.start.max([&after[..], &[0]].concat().into());
        }
        let mut groups = Vec::new();
        loop {
            let rows = snapshot.scan(range.clone(), Order::Forward, ROWS_AT_ONCE).await?;
            for (key, row) in &rows {
                let Some(name) = keys.read_group(key) else { continue };
                let group: LogGroup = decode(&row.value)?;
                if self.wants(&name, &group) {
                    groups.push((name, group));
                }
                // One more than asked for shows that there is a next page.
                if let Some(token) = PageToken::cut(&mut groups, limit) {
                    return Ok((groups, Some(token.encode())));
                }
            }
            let Some((last, _)) = rows.last().filter(|_| rows.len() == ROWS_AT_ONCE) else {
                return Ok((groups, None));
            };
            range.start = [&last[..], &[0]].concat().into();
        }
    }

    fn wants(&self, name: &str, group: &LogGroup) -> bool {
        let by_pattern =
            self.log_group_name_pattern.as_ref().is_none_or(|pattern| name.contains(pattern.as_str()));
        let by_class = match self.log_group_class.as_deref() {
            None => true,
            Some("INFREQUENT_ACCESS" | "ESSENTIALS") => {
                matches!(group.class.as_str(), "INFREQUENT_ACCESS" | "ESSENTIALS")
            }
            Some(class) => group.class == class,
        };
        by_pattern && by_class
    }
}

async fn named(
    cx: &Context,
    snapshot: &dyn Snapshot,
    keys: &Keys,
    identifiers: &[String],
) -> Result<Vec<(String, LogGroup)>> {
    let mut groups = Vec::new();
    for identifier in identifiers {
        let name = from_identifier(cx, identifier)?;
        if let Some(row) = snapshot.get(&keys.group(&name)).await? {
            groups.push((name, decode(&row.value)?));
        }
    }
    groups.sort_by(|(one, _), (other, _)| one.cmp(other));
    Ok(groups)
}

async fn details(snapshot: &dyn Snapshot, keys: &Keys, group: &LogGroup) -> Result<Details> {
    let mut stored_bytes = 0;
    let mut range = keys.latest_from(&group.id, 0);
    loop {
        let rows = snapshot.scan(range.clone(), Order::Forward, ROWS_AT_ONCE).await?;
        for (_, row) in &rows {
            stored_bytes += decode::<Latest>(&row.value)?.stored_bytes;
        }
        let Some((last, _)) = rows.last().filter(|_| rows.len() == ROWS_AT_ONCE) else { break };
        range.start = [&last[..], &[0]].concat().into();
    }
    Ok(Details {
        retention_in_days: group.retention_in_days,
        metric_filter_count: 0,
        stored_bytes,
        log_group_class: group.class.clone(),
        deletion_protection_enabled: group.deletion_protection,
    })
}
