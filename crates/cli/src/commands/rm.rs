//! `cloudling rm`: deletes a function.

use anyhow::bail;
use serde_json::json;

use crate::arguments::Rm;
use crate::client::{Client, is_refusal};
use crate::functions;
use crate::output::Output;

pub(crate) async fn run(rm: &Rm, client: &Client, output: &Output) -> anyhow::Result<()> {
    match functions::delete(client, &rm.name).await {
        Ok(()) => {}
        Err(error) if is_refusal(&error, "ResourceNotFoundException") => {
            bail!("there is no function {}: `cloudling ls` shows those there are", rm.name)
        }
        Err(error) => return Err(error),
    }
    output.result(&format!("deleted {}", rm.name), &json!({ "deleted": rm.name }));
    Ok(())
}
