//! The source of a copy: `x-amz-copy-source`.

use percent_encoding::percent_decode_str;
use service::{Context, Result};

use crate::archive;
use crate::conditions::ReadConditions;
use crate::encryption::{self, CustomerKey, CustomerRequest};
use crate::error::{invalid_argument, invalid_request};
use crate::limits::PUT_BYTES_MAX;
use crate::versions::{self, Read, Target};

/// Bucket, key and version of a copy's source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Source {
    pub(crate) bucket: String,
    pub(crate) key: String,
    pub(crate) version_id: Option<String>,
}

impl Source {
    /// `bucket/key?versionId=id`, percent-encoded, perhaps after a slash.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let refused = |text: &str, value: &str| invalid_argument(text, "x-amz-copy-source", value);
        let (path, version_id) = match text.rsplit_once("?versionId=") {
            Some((path, id)) if !id.is_empty() => (path, Some(id.to_owned())),
            Some(_) => {
                return Err(invalid_argument("Version id cannot be the empty string", "versionId", "").into());
            }
            None => (text, None),
        };
        let decoded = percent_decode_str(path).decode_utf8();
        let decoded =
            decoded.map_err(|_| refused("Copy Source must mention the source bucket and key", text))?;
        let decoded = decoded.strip_prefix('/').unwrap_or(&decoded);
        match decoded.split_once('/') {
            Some((bucket, key)) if !bucket.is_empty() && !key.is_empty() => {
                Ok(Source { bucket: bucket.to_owned(), key: key.to_owned(), version_id })
            }
            _ => {
                let what = "Copy Source must mention the source bucket and key: sourcebucket/sourcekey";
                Err(refused(what, text).into())
            }
        }
    }
}

/// What a request says of its source beside its name.
#[derive(Debug)]
pub(crate) struct SourceRequest<'a> {
    pub(crate) conditions: ReadConditions<'a>,
    pub(crate) expected_owner: Option<&'a str>,
    pub(crate) customer: CustomerRequest,
}

impl Source {
    /// The version to copy, and the key it is sealed with.
    pub(crate) async fn open(
        &self,
        cx: &Context,
        request: &SourceRequest<'_>,
    ) -> Result<(Read, Option<CustomerKey>)> {
        versions::check_key(&self.key)?;
        let target = Target { bucket: &self.bucket, key: &self.key, expected_owner: request.expected_owner };
        let read = versions::read(cx, target, self.version_id.as_deref()).await?;
        request.conditions.check_copy_source(&read.object)?;
        archive::check_readable(&read.object, cx.now())?;
        let key = encryption::key_for(&read.object, &request.customer)?;
        Ok((read, key))
    }
}

/// Refuses to copy at once what could not be put at once.
pub(crate) fn check_size(bytes: u64) -> Result<()> {
    if bytes <= PUT_BYTES_MAX {
        return Ok(());
    }
    let text = format!(
        "The specified copy source is larger than the maximum allowable size for a copy source: {PUT_BYTES_MAX}"
    );
    Err(invalid_request(text).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_are_read() {
        let read = |text| {
            let source = Source::parse(text).ok()?;
            Some((source.bucket, source.key, source.version_id))
        };
        let expected =
            |key: &str, id: Option<&str>| Some(("b".to_owned(), key.to_owned(), id.map(str::to_owned)));
        assert_eq!(read("b/k"), expected("k", None));
        assert_eq!(read("/b/a/k%20x%2By"), expected("a/k x+y", None));
        assert_eq!(read("b/k%3FversionId=x?versionId=null"), expected("k?versionId=x", Some("null")));
        assert_eq!(read("/b/k?versionId="), None);
        for text in ["b", "b/", "/b", "", "/"] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
