//! Where code comes from: the request itself, an object in S3, or a folder of this machine that is being worked on.

use std::path::Path;

use bytes::{Bytes, BytesMut};
use futures_util::TryStreamExt;
use serde::Deserialize;
use service::{Context, Failure, Mode, ReplyStream, Result};
use wire::{Blob, Document};

use crate::error::Error;
use crate::package::{UNPACKED_BYTES_MAX, check_zip_size, marker_zip};

/// The bucket that stands for the machine's own folders, as in LocalStack. Only in development mode: elsewhere it is a
/// bucket like any other.
const HOT_RELOAD_BUCKET: &str = "hot-reload";
/// Largest zip file taken from S3: what unpacks to the limit is hardly larger itself.
const ZIP_FROM_S3_BYTES_MAX: usize = UNPACKED_BYTES_MAX as usize;

/// The members of a request that name code.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct CodeSource {
    pub(crate) zip_file: Option<Blob>,
    pub(crate) s3_bucket: Option<String>,
    pub(crate) s3_key: Option<String>,
    pub(crate) s3_object_version: Option<String>,
    pub(crate) image_uri: Option<String>,
}

/// Code that was found.
#[derive(Debug)]
pub(crate) struct Code {
    pub(crate) zip: Bytes,
    /// The folder that is run in place of what the zip holds.
    pub(crate) hot_folder: Option<String>,
}

impl CodeSource {
    /// Fetches the code. `operation` is the API's name for messages.
    pub(crate) async fn fetch(self, cx: &Context, operation: &str) -> Result<Code> {
        if self.image_uri.is_some() {
            return Err(Failure::unsupported("functions from container images (Code.ImageUri)"));
        }
        let zip = match (self.zip_file, self.s3_bucket, self.s3_key) {
            (Some(_), Some(_), _) | (Some(_), _, Some(_)) => {
                let text = "Please do not provide other FunctionCode parameters when providing a ZipFile.";
                return Err(Error::parameter(text).into());
            }
            (Some(Blob(zip)), None, None) => zip,
            (None, Some(bucket), Some(key))
                if bucket == HOT_RELOAD_BUCKET && cx.platform().mode() == Mode::Dev =>
            {
                return hot(key);
            }
            (None, Some(bucket), Some(key)) => {
                let zip = object(cx, &bucket, &key, self.s3_object_version).await?;
                return Ok(Code { zip, hot_folder: None });
            }
            _ => return Err(Error::parameter("Please provide a source for function code.").into()),
        };
        check_zip_size(&zip, operation)?;
        Ok(Code { zip, hot_folder: None })
    }
}

fn hot(folder: String) -> Result<Code> {
    let path = Path::new(&folder);
    if !path.is_absolute() || !path.is_dir() {
        let text = format!(
            "The bucket {HOT_RELOAD_BUCKET} wants the absolute path of a folder of this machine as its key, not '{folder}'."
        );
        return Err(Error::parameter(text).into());
    }
    Ok(Code { zip: marker_zip(&folder)?, hot_folder: Some(folder) })
}

/// The object, read as the caller.
async fn object(cx: &Context, bucket: &str, key: &str, version: Option<String>) -> Result<Bytes> {
    let input = Document::map([
        ("Bucket", bucket.into()),
        ("Key", key.into()),
        ("VersionId", version.map_or(Document::Null, Document::from)),
    ]);
    let principal = cx.caller().principal.clone();
    let reply = match cx.call(principal, "s3", "GetObject", input).await {
        Ok(reply) => reply,
        Err(Failure::Modelled(reply)) if reply.code != "NotImplemented" => {
            return Err(Error::parameter(format!(
                "Error occurred while GetObject. S3 Error Code: {}. S3 Error Message: {}",
                reply.code, reply.message
            ))
            .into());
        }
        Err(other) => return Err(other),
    };
    let too_large =
        || Error::parameter(format!("Unzipped size must be smaller than {UNPACKED_BYTES_MAX} bytes"));
    let mut zip = BytesMut::new();
    match reply.stream {
        Some(ReplyStream::Bytes { mut stream, .. }) => {
            while let Some(piece) = stream.try_next().await? {
                if zip.len() + piece.len() > ZIP_FROM_S3_BYTES_MAX {
                    return Err(too_large().into());
                }
                zip.extend_from_slice(&piece);
            }
        }
        Some(ReplyStream::Events(_)) => {
            return Err(anyhow::anyhow!("GetObject answered with events").into());
        }
        None => {
            let body = reply.document.get("Body").and_then(Document::as_blob).cloned().unwrap_or_default();
            zip.extend_from_slice(&body);
        }
    }
    if zip.is_empty() {
        return Err(Error::parameter("Uploaded file must be a non-empty zip").into());
    }
    Ok(zip.freeze())
}
