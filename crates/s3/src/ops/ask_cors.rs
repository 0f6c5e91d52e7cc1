use serde::{Deserialize, Serialize};
use service::{Context, Operation, Result};

use crate::configuration::{self, CORS};
use crate::cors::{Allowance, Cors};
use crate::{S3, bucket};

/// What a browser is told about a page of another origin. For the gateway alone.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct AskCors {
    bucket: String,
    origin: String,
    method: String,
    #[serde(default)]
    headers: Vec<String>,
}

#[derive(Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Output {
    /// Whether the bucket has rules at all.
    is_configured: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    allowance: Option<Allowance>,
}

impl Operation for AskCors {
    type Service = S3;
    type Output = Output;
    const NAME: &'static str = "AskCors";

    async fn run(self, _: &S3, cx: &Context) -> Result<Output> {
        let bucket = bucket::load(cx, &self.bucket, None).await?;
        let Some(cors): Option<Cors> = configuration::get(cx, &bucket, CORS).await? else {
            return Ok(Output::default());
        };
        let headers: Vec<&str> = self.headers.iter().map(String::as_str).collect();
        let allowance = cors.allowance(&self.origin, &self.method, &headers);
        Ok(Output { is_configured: true, allowance })
    }
}
