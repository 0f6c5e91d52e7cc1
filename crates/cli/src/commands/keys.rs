//! `cloudling keys`: the access keys of accounts themselves. Whoever owns the data folder may make them.

use anyhow::Context as _;
use serde_json::json;
use server::{KeysOrder, RootKey};
use service::AccountId;

use crate::arguments::{KeysCommand, KeysOf};
use crate::output::Output;

pub(crate) async fn run(command: &KeysCommand, output: &Output) -> anyhow::Result<()> {
    let (order, of) = match command {
        KeysCommand::Create(of) => (KeysOrder::Create, of),
        KeysCommand::Rotate(of) => (KeysOrder::Rotate, of),
        KeysCommand::List(of) => (KeysOrder::List, of),
    };
    let keys = ask(order, of).await?;
    let text = match order {
        KeysOrder::Create | KeysOrder::Rotate => keys.iter().map(made).collect::<Vec<_>>().join("\n"),
        KeysOrder::List if keys.is_empty() => format!("account {} has no key of its own", of.account),
        KeysOrder::List => keys.iter().map(|key| key.access_key_id.as_str()).collect::<Vec<_>>().join("\n"),
    };
    output.result(&text, &json!({ "keys": keys.iter().map(value).collect::<Vec<_>>() }));
    Ok(())
}

async fn ask(order: KeysOrder, of: &KeysOf) -> anyhow::Result<Vec<RootKey>> {
    let account = AccountId::parse(&of.account)
        .with_context(|| format!("{}: an account is twelve digits, such as 000000000000", of.account))?;
    server::keys(&of.data, order, &account).await
}

/// How a key is shown when it was made, the one time.
pub(crate) fn made(key: &RootKey) -> String {
    format!(
        "The key of account {}. Its secret is shown this once:\n  export AWS_ACCESS_KEY_ID={}\n  export AWS_SECRET_ACCESS_KEY={}",
        key.account,
        key.access_key_id,
        key.secret_access_key.as_deref().unwrap_or_default()
    )
}

pub(crate) fn value(key: &RootKey) -> serde_json::Value {
    json!({
        "account": key.account,
        "access_key_id": key.access_key_id,
        "secret_access_key": key.secret_access_key,
    })
}
