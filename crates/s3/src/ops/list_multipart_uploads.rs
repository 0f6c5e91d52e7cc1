use serde::{Deserialize, Serialize};
use service::{Arn, Context, Operation, Result};
use wire::Timestamp;

use crate::listing::{self, CommonPrefix, Encoding, UploadEntry, UploadQuery};
use crate::object::Object;
use crate::owner::Owner;
use crate::{S3, bucket};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ListMultipartUploads {
    bucket: String,
    prefix: Option<String>,
    delimiter: Option<String>,
    key_marker: Option<String>,
    upload_id_marker: Option<String>,
    max_uploads: Option<i64>,
    encoding_type: Option<String>,
    expected_bucket_owner: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Output {
    bucket: String,
    key_marker: String,
    upload_id_marker: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_key_marker: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_upload_id_marker: Option<String>,
    prefix: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    delimiter: Option<String>,
    max_uploads: usize,
    is_truncated: bool,
    uploads: Vec<Upload>,
    common_prefixes: Vec<CommonPrefix>,
    #[serde(skip_serializing_if = "Option::is_none")]
    encoding_type: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Upload {
    key: String,
    upload_id: String,
    initiator: Owner,
    owner: Owner,
    storage_class: String,
    initiated: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    checksum_algorithm: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    checksum_type: Option<&'static str>,
}

impl Upload {
    fn new(key: String, upload_id: String, object: &Object, owner: &Owner) -> Self {
        Upload {
            key,
            upload_id,
            initiator: owner.clone(),
            owner: owner.clone(),
            storage_class: object.storage_class().to_owned(),
            initiated: Timestamp::from_epoch_millis(object.modified_epoch_millis),
            checksum_algorithm: object.checksum.as_ref().map(|checksum| checksum.algorithm.name()),
            checksum_type: object.checksum.as_ref().map(|checksum| checksum.kind.name()),
        }
    }
}

impl Operation for ListMultipartUploads {
    type Service = S3;
    type Output = Output;
    const NAME: &'static str = "ListMultipartUploads";
    const ACTION: &'static str = "ListBucketMultipartUploads";

    fn resource(&self, _: &Context) -> Arn {
        crate::arn::bucket(&self.bucket)
    }

    async fn run(self, _: &S3, cx: &Context) -> Result<Output> {
        let encoding = Encoding::read(self.encoding_type.as_deref())?;
        let limit = listing::limit(self.max_uploads, "max-uploads")?;
        let snapshot = cx.platform().kv().snapshot().await?;
        let expected_owner = self.expected_bucket_owner.as_deref();
        let bucket = bucket::find(snapshot.as_ref(), &self.bucket, expected_owner).await?.bucket;
        let prefix = self.prefix.unwrap_or_default();
        let delimiter = self.delimiter.filter(|delimiter| !delimiter.is_empty());
        let key_marker = self.key_marker.unwrap_or_default();
        let upload_id_marker = self.upload_id_marker.unwrap_or_default();
        let query = UploadQuery {
            prefix: &prefix,
            delimiter: delimiter.as_deref().unwrap_or(""),
            key_marker: &key_marker,
            upload_id_marker: &upload_id_marker,
            limit,
        };
        let page = listing::list_uploads(snapshot.as_ref(), &bucket, query).await?;
        let (mut next_key_marker, mut next_upload_id_marker) = (None, None);
        if page.is_truncated {
            match page.entries.last() {
                Some(UploadEntry::Upload { key, id, .. }) => {
                    next_key_marker = Some(encoding.write(key));
                    next_upload_id_marker = Some(id.clone());
                }
                Some(UploadEntry::Prefix(prefix)) => next_key_marker = Some(encoding.write(prefix)),
                None => {}
            }
        }
        let owner = Owner::of(&bucket.owner);
        let (mut uploads, mut prefixes) = (Vec::new(), Vec::new());
        for entry in page.entries {
            match entry {
                UploadEntry::Upload { key, id, object } => {
                    uploads.push(Upload::new(encoding.write(&key), id, &object, &owner));
                }
                UploadEntry::Prefix(prefix) => prefixes.push(prefix),
            }
        }
        Ok(Output {
            bucket: self.bucket,
            key_marker: encoding.write(&key_marker),
            upload_id_marker,
            next_key_marker,
            next_upload_id_marker,
            prefix: encoding.write(&prefix),
            delimiter: delimiter.map(|delimiter| encoding.write(&delimiter)),
            max_uploads: limit,
            is_truncated: page.is_truncated,
            uploads,
            common_prefixes: encoding.prefixes(prefixes),
            encoding_type: self.encoding_type,
        })
    }
}
