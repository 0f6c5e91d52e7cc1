use serde::{Deserialize, Serialize};
use service::{Context, Operation, Result};

use crate::Lambda;
use crate::concurrency::ACCOUNT_EXECUTIONS_MAX;
use crate::package::{STORAGE_BYTES_MAX, UNPACKED_BYTES_MAX, ZIP_BYTES_MAX};
use crate::packages::usage;

#[derive(Debug, Deserialize)]
pub(crate) struct GetAccountSettings {}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct AccountSettings {
    account_limit: Limit,
    account_usage: Usage,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Limit {
    total_code_size: u64,
    code_size_unzipped: u64,
    code_size_zipped: u64,
    concurrent_executions: u32,
    unreserved_concurrent_executions: u32,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Usage {
    total_code_size: u64,
    function_count: u64,
}

impl Operation for GetAccountSettings {
    type Service = Lambda;
    type Output = AccountSettings;

    const NAME: &'static str = "GetAccountSettings";

    async fn run(self, _: &Lambda, cx: &Context) -> Result<AccountSettings> {
        let used = usage(cx, cx.scope()).await?;
        Ok(AccountSettings {
            account_limit: Limit {
                total_code_size: STORAGE_BYTES_MAX,
                code_size_unzipped: UNPACKED_BYTES_MAX,
                code_size_zipped: ZIP_BYTES_MAX as u64,
                concurrent_executions: ACCOUNT_EXECUTIONS_MAX,
                unreserved_concurrent_executions: ACCOUNT_EXECUTIONS_MAX
                    .saturating_sub(used.reserved_concurrency),
            },
            account_usage: Usage { total_code_size: used.code_bytes, function_count: used.functions },
        })
    }
}
