//! What GetObject and HeadObject tell of a version besides its bytes.

use std::collections::BTreeMap;
use std::ops::Range;

use serde::Serialize;
use service::{Context, Result};
use wire::Timestamp;

use crate::content;
use crate::encryption::Shown;
use crate::error::{self, Error};
use crate::integrity::{Sum, Sums};
use crate::object::{ChecksumKind, Content, Object};
use crate::versions::Read;
use crate::{lifecycle, range};

/// The members of the answer that travel as headers.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Head {
    accept_ranges: &'static str,
    last_modified: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) content_length: Option<i64>,
    #[serde(rename = "ETag")]
    etag: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    content_range: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version_id: Option<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    cache_control: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    content_disposition: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    content_encoding: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    content_language: String,
    content_type: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    expires: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    website_redirect_location: String,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    metadata: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parts_count: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tag_count: Option<usize>,
    #[serde(skip_serializing_if = "String::is_empty")]
    storage_class: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    restore: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expiration: Option<String>,
    #[serde(flatten)]
    encryption: Shown,
    #[serde(skip_serializing_if = "Option::is_none")]
    object_lock_mode: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    object_lock_retain_until_date: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    object_lock_legal_hold_status: Option<&'static str>,
    #[serde(flatten)]
    sums: Sums,
}

/// Headers the request wants answered instead of the object's own.
#[derive(Debug, Default)]
pub(crate) struct Overrides {
    pub(crate) cache_control: Option<String>,
    pub(crate) content_disposition: Option<String>,
    pub(crate) content_encoding: Option<String>,
    pub(crate) content_language: Option<String>,
    pub(crate) content_type: Option<String>,
    pub(crate) expires: Option<String>,
}

/// Which bytes a request asks for.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Selection<'a> {
    pub(crate) range: Option<&'a str>,
    pub(crate) part_number: Option<i64>,
}

/// The bytes that are answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Selected {
    pub(crate) range: Range<u64>,
    is_partial: bool,
    /// A part was asked for, and this is its checksum.
    is_part: bool,
    sum: Option<Sum>,
}

impl Selected {
    fn bytes(range: Range<u64>, is_partial: bool) -> Self {
        Selected { range, is_partial, is_part: false, sum: None }
    }
}

impl Selection<'_> {
    pub(crate) async fn select(self, cx: &Context, read: &Read) -> Result<Selected> {
        let size = read.object.size;
        let Some(number) = self.part_number else {
            return Ok(match range::select(self.range, size)? {
                Some(range) => Selected::bytes(range, true),
                None => Selected::bytes(0..size, false),
            });
        };
        if self.range.is_some() {
            let text = "Cannot specify both Range header and partNumber query parameter";
            return Err(error::invalid_request(text).into());
        }
        if !(1..=10_000).contains(&number) {
            let text = "Part number must be an integer between 1 and 10000, inclusive";
            return Err(error::invalid_argument(text, "partNumber", &number.to_string()).into());
        }
        let missing = || Error::new("InvalidPartNumber", 416, "The requested partnumber is not satisfiable");
        let Content::Parts(id) = &read.object.content else {
            if number > 1 {
                return Err(missing().with("ActualPartCount", 1).into());
            }
            return Ok(Selected { is_part: true, ..Selected::bytes(0..size, size > 0) });
        };
        let mut start = 0;
        let parts = content::parts(cx.platform(), &read.bucket.owner, id).await?;
        for part in &parts {
            let end = start + part.piece.size;
            if i64::from(part.number) == number {
                let algorithm = read.object.checksum.as_ref().map(|checksum| checksum.algorithm);
                let sum = algorithm.map(|algorithm| (algorithm, part.checksum.clone()));
                return Ok(Selected { is_part: true, sum, ..Selected::bytes(start..end, true) });
            }
            start = end;
        }
        Err(missing().with("ActualPartCount", parts.len() as i64).into())
    }
}

impl Head {
    /// `with_checksum`: the request asked for it.
    pub(crate) async fn of(
        cx: &Context,
        read: &Read,
        key: &str,
        selected: &Selected,
        with_checksum: bool,
    ) -> Result<Self> {
        let object = &read.object;
        let headers = object.headers.clone();
        let whole = selected.range == (0..object.size);
        let mut head = Head {
            accept_ranges: "bytes",
            last_modified: Timestamp::from_epoch_millis(object.modified_epoch_millis),
            etag: object.quoted_etag(),
            content_range: selected.is_partial.then(|| {
                let (first, last) = (selected.range.start, selected.range.end.saturating_sub(1));
                format!("bytes {first}-{last}/{}", object.size)
            }),
            version_id: read.version_id(),
            cache_control: headers.cache_control,
            content_disposition: headers.content_disposition,
            content_encoding: headers.content_encoding,
            content_language: headers.content_language,
            content_type: headers.content_type,
            expires: headers.expires,
            website_redirect_location: headers.website_redirect_location,
            metadata: object.metadata.iter().cloned().collect(),
            parts_count: (selected.is_part && object.parts > 0).then_some(object.parts),
            tag_count: (!object.tags.is_empty()).then_some(object.tags.len()),
            // STANDARD is not said.
            storage_class: object.storage_class.clone(),
            restore: restore(object),
            object_lock_mode: object.retention.as_ref().map(|retention| retention.mode.name()),
            object_lock_retain_until_date: object
                .retention
                .as_ref()
                .map(|retention| Timestamp::from_epoch_millis(retention.until_epoch_millis)),
            object_lock_legal_hold_status: object.legal_hold.map(|on| if on { "ON" } else { "OFF" }),
            ..Head::default()
        };
        head.encryption = Shown::of(&object.encryption);
        if with_checksum && whole {
            head.sums = Sums::of(object.checksum.as_ref());
        } else if with_checksum {
            head.sums = Sums::of_part(selected.sum.as_ref());
        }
        head.expiration = lifecycle::expiration_header(cx, &read.bucket, key, object).await?;
        Ok(head)
    }

    pub(crate) fn with(mut self, overrides: Overrides) -> Self {
        let set = |target: &mut String, value: Option<String>| {
            if let Some(value) = value {
                *target = value;
            }
        };
        set(&mut self.cache_control, overrides.cache_control);
        set(&mut self.content_disposition, overrides.content_disposition);
        set(&mut self.content_encoding, overrides.content_encoding);
        set(&mut self.content_language, overrides.content_language);
        set(&mut self.content_type, overrides.content_type);
        set(&mut self.expires, overrides.expires);
        self
    }
}

impl ChecksumKind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            ChecksumKind::FullObject => "FULL_OBJECT",
            ChecksumKind::Composite => "COMPOSITE",
        }
    }
}

fn restore(object: &Object) -> Option<String> {
    let until = Timestamp::from_epoch_millis(object.restored_until_epoch_millis?);
    Some(format!("ongoing-request=\"false\", expiry-date=\"{}\"", until.to_http_date()))
}
