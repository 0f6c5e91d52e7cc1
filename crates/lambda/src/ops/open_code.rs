use futures_util::TryStreamExt;
use serde::{Deserialize, Serialize};
use service::{Context, Failure, Operation, ReplyStream, Result, Streamed};

use crate::error::Error;
use crate::{DOWNLOAD_PREFIX, Lambda};

/// Internal: the zip file behind a download URL. The token in the URL is the permission.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct OpenCode {
    token: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Opened {
    content_type: &'static str,
}

impl Operation for OpenCode {
    type Service = Lambda;
    type Output = Streamed<Opened>;

    const NAME: &'static str = "OpenCode";

    async fn run(self, lambda: &Lambda, cx: &Context) -> Result<Streamed<Opened>> {
        let id = (lambda.url_opener)(&self.token).and_then(|payload| {
            let text = String::from_utf8(payload).ok()?;
            text.strip_prefix(DOWNLOAD_PREFIX)?.parse().ok()
        });
        let id = id.ok_or_else(|| {
            Failure::new("AccessDeniedException", 403, "This link is not valid or has expired.")
        })?;
        let blobs = cx.platform().blobs();
        // A package that was replaced since the URL was made is gone.
        let zip = blobs.get_range(&id, 0..u64::MAX).await.map_err(|error| {
            tracing::debug!(%id, %error, "download of a package failed");
            Failure::from(Error::no_such_resource())
        })?;
        let stream = Box::pin(zip.map_err(|error| Failure::Internal(error.into())));
        Ok(Streamed {
            output: Opened { content_type: "application/zip" },
            stream: ReplyStream::Bytes { length: None, stream },
        })
    }
}
