use serde::{Deserialize, Serialize};
use service::{Context, Operation, PageToken, Result};
use store::Order;
use wire::Timestamp;

use crate::owner::Owner;
use crate::{S3, bucket, error, limits, tables};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ListBuckets {
    max_buckets: Option<i64>,
    continuation_token: Option<String>,
    prefix: Option<String>,
    bucket_region: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Output {
    owner: Owner,
    buckets: Vec<Entry>,
    #[serde(skip_serializing_if = "Option::is_none")]
    continuation_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prefix: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Entry {
    name: String,
    creation_date: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    bucket_region: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bucket_arn: Option<String>,
}

impl Operation for ListBuckets {
    type Service = S3;
    type Output = Output;
    const NAME: &'static str = "ListBuckets";
    const ACTION: &'static str = "ListAllMyBuckets";

    async fn run(self, _: &S3, cx: &Context) -> Result<Output> {
        let limit = self.max_buckets.unwrap_or(limits::BUCKETS_MAX as i64);
        let limit = usize::try_from(limit).ok().filter(|limit| (1..=limits::BUCKETS_MAX).contains(limit));
        let Some(limit) = limit else {
            let text = "Argument max-buckets must be an integer between 1 and 10000";
            return Err(error::invalid_argument(text, "max-buckets", "").into());
        };
        let account = cx.account().as_str();
        let mut range = tables::bucket_names(account, self.prefix.as_deref().unwrap_or(""));
        if let Some(token) = &self.continuation_token {
            let after = PageToken::decode(token).map_err(|_| {
                let text = "The continuation token provided is incorrect";
                error::invalid_argument(text, "continuation-token", token)
            })?;
            let after = tables::bucket_name(account, &after.0);
            range.start = range.start.max([&after[..], &[0]].concat().into());
        }
        // Members that requests without paging do not get.
        let is_paged = self.max_buckets.is_some()
            || self.prefix.is_some()
            || self.continuation_token.is_some()
            || self.bucket_region.is_some();
        let snapshot = cx.platform().kv().snapshot().await?;
        let mut names: Vec<String> = snapshot
            .scan(range, Order::Forward, store::SCAN_ROWS_MAX)
            .await?
            .iter()
            .filter_map(|(key, _)| tables::read_bucket_name(account, key))
            .collect();
        let mut buckets = Vec::new();
        let mut token = None;
        for name in names.drain(..) {
            let row = snapshot.get(&tables::bucket(&name)).await?;
            let Ok(found) = bucket::decode(&name, row) else { continue };
            if self.bucket_region.as_ref().is_some_and(|region| *region != found.bucket.region) {
                continue;
            }
            if buckets.len() == limit {
                token = buckets.last().map(|last: &Entry| PageToken(last.name.clone()).encode());
                break;
            }
            buckets.push(Entry {
                name,
                creation_date: Timestamp::from_epoch_millis(found.bucket.created_epoch_millis),
                bucket_arn: is_paged.then(|| found.bucket.arn()),
                bucket_region: is_paged.then_some(found.bucket.region),
            });
        }
        Ok(Output { owner: Owner::of(account), buckets, continuation_token: token, prefix: self.prefix })
    }
}
