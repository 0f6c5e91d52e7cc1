use serde::{Deserialize, Serialize};
use service::{Arn, Context, Demand, Operation, PageToken, Result};

use super::entry::Listed;
use crate::error::invalid_argument;
use crate::listing::{self, CommonPrefix, Encoding, Entry, Query};
use crate::owner::Owner;
use crate::{S3, bucket, demands};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ListObjectsV2 {
    bucket: String,
    prefix: Option<String>,
    delimiter: Option<String>,
    continuation_token: Option<String>,
    start_after: Option<String>,
    max_keys: Option<i64>,
    encoding_type: Option<String>,
    #[serde(default)]
    fetch_owner: bool,
    #[serde(default)]
    optional_object_attributes: Vec<String>,
    expected_bucket_owner: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Output {
    name: String,
    prefix: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    continuation_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_continuation_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_after: Option<String>,
    key_count: usize,
    max_keys: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    delimiter: Option<String>,
    is_truncated: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    encoding_type: Option<String>,
    contents: Vec<Listed>,
    common_prefixes: Vec<CommonPrefix>,
}

impl Operation for ListObjectsV2 {
    type Service = S3;
    type Output = Output;
    const NAME: &'static str = "ListObjectsV2";
    const ACTION: &'static str = "ListBucket";

    fn resource(&self, _: &Context) -> Arn {
        crate::arn::bucket(&self.bucket)
    }

    fn demands(&self, _: &Context) -> Vec<Demand> {
        let (prefix, delimiter) = (self.prefix.as_deref(), self.delimiter.as_deref());
        vec![demands::on_list("s3:ListBucket", &self.bucket, prefix, delimiter, self.max_keys)]
    }

    async fn run(self, _: &S3, cx: &Context) -> Result<Output> {
        let encoding = Encoding::read(self.encoding_type.as_deref())?;
        let limit = listing::limit(self.max_keys, "maxKeys")?;
        let after = match self.continuation_token.as_deref() {
            Some("") | None => self.start_after.clone(),
            Some(token) => {
                let text = "The continuation token provided is incorrect";
                let token = PageToken::decode(token)
                    .map_err(|_| invalid_argument(text, "continuation-token", token))?;
                Some(token.0)
            }
        };
        let snapshot = cx.platform().kv().snapshot().await?;
        let expected_owner = self.expected_bucket_owner.as_deref();
        let bucket = bucket::find(snapshot.as_ref(), &self.bucket, expected_owner).await?.bucket;
        let prefix = self.prefix.unwrap_or_default();
        let delimiter = self.delimiter.filter(|delimiter| !delimiter.is_empty());
        let query = Query {
            prefix: &prefix,
            delimiter: delimiter.as_deref().unwrap_or(""),
            after: after.as_deref().filter(|after| !after.is_empty()),
            limit,
        };
        let page = listing::list(snapshot.as_ref(), &bucket, query).await?;
        let next = page.last().filter(|_| page.is_truncated);
        let next_continuation_token = next.map(|next| PageToken(next.to_owned()).encode());
        let owner = self.fetch_owner.then(|| Owner::of(&bucket.owner));
        let with_restore_status = self.optional_object_attributes.iter().any(|name| name == "RestoreStatus");
        let key_count = page.entries.len();
        let (mut contents, mut prefixes) = (Vec::new(), Vec::new());
        for entry in page.entries {
            match entry {
                Entry::Object(key, object) => {
                    let listed = Listed::new(encoding.write(&key), &object, owner.clone());
                    contents.push(match with_restore_status {
                        true => listed.with_restore_status(&object),
                        false => listed,
                    });
                }
                Entry::Prefix(prefix) => prefixes.push(prefix),
            }
        }
        Ok(Output {
            name: self.bucket,
            prefix: encoding.write(&prefix),
            continuation_token: self.continuation_token,
            next_continuation_token,
            start_after: self.start_after.map(|after| encoding.write(&after)),
            key_count,
            max_keys: limit,
            delimiter: delimiter.map(|delimiter| encoding.write(&delimiter)),
            is_truncated: page.is_truncated,
            encoding_type: self.encoding_type,
            contents,
            common_prefixes: encoding.prefixes(prefixes),
        })
    }
}
