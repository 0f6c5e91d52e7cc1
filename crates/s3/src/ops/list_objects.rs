use serde::{Deserialize, Serialize};
use service::{Arn, Context, Demand, Operation, Result};

use super::entry::Listed;
use crate::listing::{self, CommonPrefix, Encoding, Entry, Query};
use crate::owner::Owner;
use crate::{S3, bucket, demands};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ListObjects {
    bucket: String,
    prefix: Option<String>,
    delimiter: Option<String>,
    marker: Option<String>,
    max_keys: Option<i64>,
    encoding_type: Option<String>,
    expected_bucket_owner: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Output {
    name: String,
    prefix: String,
    marker: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_marker: Option<String>,
    max_keys: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    delimiter: Option<String>,
    is_truncated: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    encoding_type: Option<String>,
    contents: Vec<Listed>,
    common_prefixes: Vec<CommonPrefix>,
}

impl Operation for ListObjects {
    type Service = S3;
    type Output = Output;
    const NAME: &'static str = "ListObjects";
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
        let snapshot = cx.platform().kv().snapshot().await?;
        let expected_owner = self.expected_bucket_owner.as_deref();
        let bucket = bucket::find(snapshot.as_ref(), &self.bucket, expected_owner).await?.bucket;
        let prefix = self.prefix.unwrap_or_default();
        let delimiter = self.delimiter.filter(|delimiter| !delimiter.is_empty());
        let marker = self.marker.unwrap_or_default();
        let query = Query {
            prefix: &prefix,
            delimiter: delimiter.as_deref().unwrap_or(""),
            after: Some(marker.as_str()).filter(|marker| !marker.is_empty()),
            limit,
        };
        let page = listing::list(snapshot.as_ref(), &bucket, query).await?;
        // Without a delimiter the last key says it.
        let next = page.last().filter(|_| page.is_truncated && delimiter.is_some());
        let next_marker = next.map(|next| encoding.write(next));
        let owner = Owner::of(&bucket.owner);
        let (mut contents, mut prefixes) = (Vec::new(), Vec::new());
        for entry in page.entries {
            match entry {
                Entry::Object(key, object) => {
                    contents.push(Listed::new(encoding.write(&key), &object, Some(owner.clone())));
                }
                Entry::Prefix(prefix) => prefixes.push(prefix),
            }
        }
        Ok(Output {
            name: self.bucket,
            prefix: encoding.write(&prefix),
            marker: encoding.write(&marker),
            next_marker,
            max_keys: limit,
            delimiter: delimiter.map(|delimiter| encoding.write(&delimiter)),
            is_truncated: page.is_truncated,
            encoding_type: self.encoding_type,
            contents,
            common_prefixes: encoding.prefixes(prefixes),
        })
    }
}
