//! `cloudling ls`: the functions and their URLs.

use serde_json::{Value, json};

use crate::client::Client;
use crate::functions;
use crate::output::{Output, table};

pub(crate) async fn run(client: &Client, output: &Output) -> anyhow::Result<()> {
    let functions = functions::list(client).await?;
    let mut rows = vec![["NAME", "RUNTIME", "MEMORY", "MODIFIED", "URL"].map(str::to_owned).to_vec()];
    let mut values: Vec<Value> = Vec::new();
    for function in &functions {
        let text = |member: &str| function[member].as_str().unwrap_or_default().to_owned();
        let name = text("FunctionName");
        let url = functions::existing_url(client, &name).await?;
        values.push(json!({ "function": function, "url": url }));
        rows.push(vec![
            name,
            text("Runtime"),
            format!("{} MiB", function["MemorySize"]),
            text("LastModified"),
            url.unwrap_or_default(),
        ]);
    }
    let text = if functions.is_empty() {
        "no functions: make one with `cloudling deploy FOLDER`".to_owned()
    } else {
        table(&rows)
    };
    output.result(&text, &json!(values));
    Ok(())
}
