//! What a request says of an object it makes: headers, metadata, tags, class, lock.

use service::Result;
use wire::{Map, Timestamp};

use crate::bucket::Bucket;
use crate::error::{self, Error};
use crate::limits::METADATA_BYTES_MAX;
use crate::object::{Headers, Object, Retention, RetentionMode};
use crate::tagging;

/// The members that PutObject, CopyObject and CreateMultipartUpload have in common.
#[derive(Clone, Debug, Default)]
pub(crate) struct Description {
    pub(crate) content_type: Option<String>,
    pub(crate) cache_control: Option<String>,
    pub(crate) content_disposition: Option<String>,
    pub(crate) content_encoding: Option<String>,
    pub(crate) content_language: Option<String>,
    pub(crate) expires: Option<String>,
    pub(crate) website_redirect_location: Option<String>,
    pub(crate) metadata: Map,
    /// As a query: `a=1&b=2`.
    pub(crate) tagging: Option<String>,
    pub(crate) storage_class: Option<String>,
    pub(crate) lock: LockRequest,
}

/// The members of a request that lock a version.
#[derive(Clone, Debug, Default)]
pub(crate) struct LockRequest {
    pub(crate) mode: Option<String>,
    pub(crate) retain_until: Option<Timestamp>,
    pub(crate) legal_hold: Option<String>,
}

/// What objects without a type are.
const CONTENT_TYPE: &str = "binary/octet-stream";

impl Description {
    /// An object without content.
    pub(crate) fn into_object(self, now: Timestamp) -> Result<Object> {
        let metadata = metadata(self.metadata)?;
        let tags = self.tagging.as_deref().map(tagging::parse_query).transpose()?.unwrap_or_default();
        let (retention, legal_hold) = self.lock.read(now)?;
        Ok(Object {
            headers: Headers {
                content_type: self.content_type.unwrap_or_else(|| CONTENT_TYPE.to_owned()),
                cache_control: self.cache_control.unwrap_or_default(),
                content_disposition: self.content_disposition.unwrap_or_default(),
                content_encoding: self.content_encoding.map(stored_encoding).unwrap_or_default(),
                content_language: self.content_language.unwrap_or_default(),
                expires: self.expires.unwrap_or_default(),
                website_redirect_location: website_redirect(self.website_redirect_location)?,
            },
            metadata,
            tags,
            storage_class: storage_class(self.storage_class)?,
            retention,
            legal_hold,
            ..Object::default()
        })
    }
}

/// `aws-chunked` says how the request travelled, not what the object is.
fn stored_encoding(encoding: String) -> String {
    let kept: Vec<&str> = encoding
        .split(',')
        .map(str::trim)
        .filter(|part| !part.eq_ignore_ascii_case("aws-chunked") && !part.is_empty())
        .collect();
    kept.join(",")
}

fn website_redirect(location: Option<String>) -> Result<String> {
    let location = location.unwrap_or_default();
    let is_place = ["/", "http://", "https://"].iter().any(|start| location.starts_with(start));
    if location.is_empty() || is_place {
        return Ok(location);
    }
    let text = "The website redirect location must have a prefix of 'http://' or 'https://' or '/'.";
    Err(Error::new("InvalidRedirectLocation", 400, text).into())
}

fn storage_class(class: Option<String>) -> Result<String> {
    match class.as_deref() {
        None | Some("STANDARD") => Ok(String::new()),
        Some(
            "REDUCED_REDUNDANCY"
            | "STANDARD_IA"
            | "ONEZONE_IA"
            | "INTELLIGENT_TIERING"
            | "GLACIER"
            | "DEEP_ARCHIVE"
            | "GLACIER_IR",
        ) => Ok(class.unwrap_or_default()),
        Some(_) => {
            let text = "The storage class you specified is not valid";
            Err(Error::new("InvalidStorageClass", 400, text).into())
        }
    }
}

fn metadata(entries: Map) -> Result<Vec<(String, String)>> {
    let mut metadata = Vec::with_capacity(entries.len());
    let mut size = 0;
    for (name, value) in entries {
        let value = value.as_str().unwrap_or_default().to_owned();
        size += name.len() + value.len();
        metadata.push((name, value));
    }
    if size > METADATA_BYTES_MAX {
        let text = "Your metadata headers exceed the maximum allowed metadata size";
        return Err(Error::new("MetadataTooLarge", 400, text)
            .with("Size", size as i64)
            .with("MaxSizeAllowed", METADATA_BYTES_MAX as i64)
            .into());
    }
    Ok(metadata)
}

impl LockRequest {
    fn read(&self, now: Timestamp) -> Result<(Option<Retention>, Option<bool>)> {
        let retention = match (&self.mode, self.retain_until) {
            (None, None) => None,
            (Some(mode), Some(until)) => {
                if until <= now {
                    let text = "The retain until date must be in the future!";
                    return Err(
                        error::invalid_argument(text, "x-amz-object-lock-retain-until-date", "").into()
                    );
                }
                let mode = RetentionMode::parse(mode)?;
                Some(Retention { mode, until_epoch_millis: until.epoch_millis() })
            }
            _ => {
                let text =
                    "x-amz-object-lock-retain-until-date and x-amz-object-lock-mode must both be supplied";
                return Err(error::invalid_argument(text, "x-amz-object-lock-mode", "").into());
            }
        };
        let legal_hold = match self.legal_hold.as_deref() {
            None => None,
            Some("ON") => Some(true),
            Some("OFF") => Some(false),
            Some(other) => {
                let text = "Unknown wormMode directive.";
                return Err(error::invalid_argument(text, "x-amz-object-lock-legal-hold", other).into());
            }
        };
        Ok((retention, legal_hold))
    }
}

impl RetentionMode {
    pub(crate) fn parse(mode: &str) -> Result<Self> {
        match mode {
            "GOVERNANCE" => Ok(RetentionMode::Governance),
            "COMPLIANCE" => Ok(RetentionMode::Compliance),
            other => {
                let text = "Unknown wormMode directive.";
                Err(error::invalid_argument(text, "x-amz-object-lock-mode", other).into())
            }
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            RetentionMode::Governance => "GOVERNANCE",
            RetentionMode::Compliance => "COMPLIANCE",
        }
    }
}

/// Completes a new object from its bucket: the default retention, and the refusal to lock where nothing can be locked.
pub(crate) fn apply_lock(bucket: &Bucket, now: Timestamp, object: &mut Object) -> Result<()> {
    let asks = object.retention.is_some() || object.legal_hold.is_some();
    let Some(lock) = &bucket.object_lock else {
        if asks {
            return Err(error::invalid_request("Bucket is missing Object Lock Configuration").into());
        }
        return Ok(());
    };
    if object.retention.is_none()
        && let Some(default) = &lock.default_retention
    {
        object.retention = Some(Retention {
            mode: RetentionMode::parse(&default.mode)?,
            until_epoch_millis: now.epoch_millis().saturating_add(default.millis()),
        });
    }
    Ok(())
}
