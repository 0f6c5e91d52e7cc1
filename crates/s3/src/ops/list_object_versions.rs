use serde::{Deserialize, Serialize};
use service::{Arn, Context, Demand, Operation, Result};
use wire::Timestamp;

use crate::error::invalid_argument;
use crate::listing::{self, CommonPrefix, Encoding, VersionEntry, VersionQuery};
use crate::object::Object;
use crate::owner::Owner;
use crate::versions::parse_version_id;
use crate::{S3, bucket, demands};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ListObjectVersions {
    bucket: String,
    prefix: Option<String>,
    delimiter: Option<String>,
    key_marker: Option<String>,
    version_id_marker: Option<String>,
    max_keys: Option<i64>,
    encoding_type: Option<String>,
    expected_bucket_owner: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Output {
    name: String,
    prefix: String,
    key_marker: String,
    version_id_marker: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_key_marker: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_version_id_marker: Option<String>,
    max_keys: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    delimiter: Option<String>,
    is_truncated: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    encoding_type: Option<String>,
    versions: Vec<Version>,
    delete_markers: Vec<DeleteMarker>,
    common_prefixes: Vec<CommonPrefix>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Version {
    key: String,
    version_id: String,
    is_latest: bool,
    last_modified: Timestamp,
    #[serde(rename = "ETag")]
    etag: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    checksum_algorithm: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    checksum_type: Option<&'static str>,
    size: u64,
    owner: Owner,
    storage_class: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct DeleteMarker {
    key: String,
    version_id: String,
    is_latest: bool,
    last_modified: Timestamp,
    owner: Owner,
}

impl Version {
    fn new(key: String, object: &Object, is_latest: bool, owner: Owner) -> Self {
        Version {
            key,
            version_id: object.version_id(),
            is_latest,
            last_modified: Timestamp::from_epoch_millis(object.modified_epoch_millis),
            etag: object.quoted_etag(),
            checksum_algorithm: object.checksum.iter().map(|checksum| checksum.algorithm.name()).collect(),
            checksum_type: object.checksum.as_ref().map(|checksum| checksum.kind.name()),
            size: object.size,
            owner,
            storage_class: object.storage_class().to_owned(),
        }
    }
}

impl Operation for ListObjectVersions {
    type Service = S3;
    type Output = Output;
    const NAME: &'static str = "ListObjectVersions";
    const ACTION: &'static str = "ListBucketVersions";

    fn resource(&self, _: &Context) -> Arn {
        crate::arn::bucket(&self.bucket)
    }

    fn demands(&self, _: &Context) -> Vec<Demand> {
        let (prefix, delimiter) = (self.prefix.as_deref(), self.delimiter.as_deref());
        vec![demands::on_list("s3:ListBucketVersions", &self.bucket, prefix, delimiter, self.max_keys)]
    }

    async fn run(self, _: &S3, cx: &Context) -> Result<Output> {
        let encoding = Encoding::read(self.encoding_type.as_deref())?;
        let limit = listing::limit(self.max_keys, "max-keys")?;
        let key_marker = self.key_marker.unwrap_or_default();
        let version_id_marker = self.version_id_marker.unwrap_or_default();
        if key_marker.is_empty() && !version_id_marker.is_empty() {
            let text = "A version-id marker cannot be specified without a key marker.";
            return Err(invalid_argument(text, "version-id-marker", &version_id_marker).into());
        }
        let snapshot = cx.platform().kv().snapshot().await?;
        let expected_owner = self.expected_bucket_owner.as_deref();
        let bucket = bucket::find(snapshot.as_ref(), &self.bucket, expected_owner).await?.bucket;
        let prefix = self.prefix.unwrap_or_default();
        let delimiter = self.delimiter.filter(|delimiter| !delimiter.is_empty());
        let query = VersionQuery {
            prefix: &prefix,
            delimiter: delimiter.as_deref().unwrap_or(""),
            key_marker: Some(key_marker.as_str()).filter(|marker| !marker.is_empty()),
            version_id_marker: match version_id_marker.as_str() {
                "" => None,
                id => Some(parse_version_id(id)?),
            },
            limit,
        };
        let page = listing::list_versions(snapshot.as_ref(), &bucket, query).await?;
        let (mut next_key_marker, mut next_version_id_marker) = (None, None);
        if page.is_truncated {
            match page.entries.last() {
                Some(VersionEntry::Version { key, object, .. }) => {
                    next_key_marker = Some(encoding.write(key));
                    next_version_id_marker = Some(object.version_id());
                }
                Some(VersionEntry::Prefix(prefix)) => next_key_marker = Some(encoding.write(prefix)),
                None => {}
            }
        }
        let owner = Owner::of(&bucket.owner);
        let (mut versions, mut delete_markers, mut prefixes) = (Vec::new(), Vec::new(), Vec::new());
        for entry in page.entries {
            match entry {
                VersionEntry::Prefix(prefix) => prefixes.push(prefix),
                VersionEntry::Version { key, object, is_latest } if object.is_delete_marker => {
                    delete_markers.push(DeleteMarker {
                        key: encoding.write(&key),
                        version_id: object.version_id(),
                        is_latest,
                        last_modified: Timestamp::from_epoch_millis(object.modified_epoch_millis),
                        owner: owner.clone(),
                    });
                }
                VersionEntry::Version { key, object, is_latest } => {
                    versions.push(Version::new(encoding.write(&key), &object, is_latest, owner.clone()));
                }
            }
        }
        Ok(Output {
            name: self.bucket,
            prefix: encoding.write(&prefix),
            key_marker: encoding.write(&key_marker),
            version_id_marker,
            next_key_marker,
            next_version_id_marker,
            max_keys: limit,
            delimiter: delimiter.map(|delimiter| encoding.write(&delimiter)),
            is_truncated: page.is_truncated,
            encoding_type: self.encoding_type,
            versions,
            delete_markers,
            common_prefixes: encoding.prefixes(prefixes),
        })
    }
}
