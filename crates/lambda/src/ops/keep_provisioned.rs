use serde::{Deserialize, Serialize};
use service::{Context, Operation, Result};

use crate::Lambda;

/// One step of the task that keeps provisioned workers.
#[derive(Debug, Deserialize)]
pub(crate) struct KeepProvisioned {}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Step {
    /// Workers are still missing: go on at once.
    missing: bool,
}

impl Operation for KeepProvisioned {
    type Service = Lambda;
    type Output = Step;

    const NAME: &'static str = "KeepProvisioned";

    async fn run(self, lambda: &Lambda, cx: &Context) -> Result<Step> {
        Ok(Step { missing: lambda.reconcile(cx.platform()).await? })
    }
}
