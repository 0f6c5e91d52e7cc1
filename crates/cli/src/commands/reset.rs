//! `cloudling reset`: empties the cloud.

use anyhow::bail;
use http::Method;
use serde_json::json;

use crate::arguments::Reset;
use crate::client::Client;
use crate::output::Output;
use crate::progress::waiting;

pub(crate) async fn run(reset: &Reset, client: &Client, output: &Output) -> anyhow::Result<()> {
    let query = match &reset.account {
        Some(account) => format!("?account={}", crate::functions::segment(account)),
        None => String::new(),
    };
    let url = format!("{}/_cloudling/reset{query}", client.endpoint());
    let answer = waiting(output, "emptying", client.plain(Method::POST, &url, None)).await?;
    if !answer.status.is_success() {
        let body = answer.json().unwrap_or_default();
        bail!("{}", body["Message"].as_str().unwrap_or("the server refused"));
    }
    let what = reset
        .account
        .as_ref()
        .map_or_else(|| "everything".to_owned(), |account| format!("account {account}"));
    output.result(&format!("emptied {what}"), &json!({ "reset": reset.account.as_deref().unwrap_or("all") }));
    Ok(())
}
