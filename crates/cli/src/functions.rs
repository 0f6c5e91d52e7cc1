//! What several commands do with functions.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use std::time::Duration;

use anyhow::{Context as _, bail};
use http::Method;
use serde_json::{Value, json};

use crate::client::{Client, is_refusal};

const SERVICE: &str = "lambda";
const POLL_PAUSE: Duration = Duration::from_millis(50);
const POLLS_MAX: usize = 1_200;
/// Functions in development need a role only by name; elsewhere it is made when it is missing.
const ROLE: &str = "arn:aws:iam::000000000000:role/lambda-role";
const ROLE_NAME: &str = "lambda-role";
const TRUSTS_LAMBDA: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;
const WRITES_LOGS: &str = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole";

/// Everything that makes a function.
pub(crate) struct Draft<'a> {
    pub(crate) name: &'a str,
    pub(crate) runtime: &'a str,
    pub(crate) handler: &'a str,
    /// Where the code is, as in the API: `{"ZipFile": …}` or `{"S3Bucket": …, "S3Key": …}`.
    pub(crate) code: &'a Value,
    pub(crate) timeout_seconds: u32,
    pub(crate) memory_mib: u32,
    pub(crate) environment: &'a Value,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Deployed {
    Created,
    Updated,
}

/// Creates the function, or gives the one there is this code and configuration.
pub(crate) async fn put(client: &Client, draft: &Draft<'_>) -> anyhow::Result<Deployed> {
    let mut create = json!({
        "FunctionName": draft.name, "Runtime": draft.runtime, "Handler": draft.handler, "Role": ROLE,
        "Code": draft.code, "Timeout": draft.timeout_seconds, "MemorySize": draft.memory_mib,
        "Environment": { "Variables": draft.environment },
    });
    let mut created = client.rest(SERVICE, Method::POST, "/2015-03-31/functions", Some(&create)).await;
    if let Err(error) = &created
        && error.to_string().contains("cannot be assumed by Lambda")
    {
        create["Role"] = role(client).await?.into();
        created = client.rest(SERVICE, Method::POST, "/2015-03-31/functions", Some(&create)).await;
    }
    let deployed = match created {
        Ok(_) => Deployed::Created,
        Err(error) if is_refusal(&error, "ResourceConflictException") => {
            let path = function_path(draft.name);
            settled(client, draft.name).await?;
            let configuration = json!({
                "Runtime": draft.runtime, "Handler": draft.handler, "Timeout": draft.timeout_seconds,
                "MemorySize": draft.memory_mib, "Environment": { "Variables": draft.environment },
            });
            client.rest(SERVICE, Method::PUT, &format!("{path}/configuration"), Some(&configuration)).await?;
            settled(client, draft.name).await?;
            client.rest(SERVICE, Method::PUT, &format!("{path}/code"), Some(draft.code)).await?;
            Deployed::Updated
        }
        Err(error) => return Err(error),
    };
    settled(client, draft.name).await?;
    Ok(deployed)
}

/// The ARN of the role for functions that were given none, which is made when it is not there.
async fn role(client: &Client) -> anyhow::Result<String> {
    let name = ("RoleName", ROLE_NAME);
    let trust = ("AssumeRolePolicyDocument", TRUSTS_LAMBDA);
    let answer = match client.query("iam", "2010-05-08", "CreateRole", &[name, trust]).await {
        Err(error) if is_refusal(&error, "EntityAlreadyExists") => {
            client.query("iam", "2010-05-08", "GetRole", &[name]).await?
        }
        other => other?,
    };
    let logs = ("PolicyArn", WRITES_LOGS);
    client.query("iam", "2010-05-08", "AttachRolePolicy", &[name, logs]).await?;
    let arn = answer.split_once("<Arn>").and_then(|(_, rest)| rest.split_once("</Arn>"));
    Ok(arn.context("the role has no ARN")?.0.to_owned())
}

/// Makes the function's URL public, or finds the one it has.
pub(crate) async fn url(client: &Client, name: &str) -> anyhow::Result<String> {
    let encoded = segment(name);
    let path = format!("/2021-10-31/functions/{encoded}/url");
    let answer = match client.rest(SERVICE, Method::POST, &path, Some(&json!({ "AuthType": "NONE" }))).await {
        Err(error) if is_refusal(&error, "ResourceConflictException") => {
            client.rest(SERVICE, Method::GET, &path, None).await?
        }
        other => other?,
    };
    let permissions = [
        json!({
            "StatementId": "FunctionURLAllowPublicAccess", "Action": "lambda:InvokeFunctionUrl",
            "Principal": "*", "FunctionUrlAuthType": "NONE",
        }),
        json!({
            "StatementId": "FunctionURLAllowInvokeAction", "Action": "lambda:InvokeFunction",
            "Principal": "*", "InvokedViaFunctionUrl": true,
        }),
    ];
    for permission in permissions {
        let path = format!("{}/policy", function_path(name));
        match client.rest(SERVICE, Method::POST, &path, Some(&permission)).await {
            Err(error) if !is_refusal(&error, "ResourceConflictException") => return Err(error),
            _ => {}
        }
    }
    Ok(answer.json()?["FunctionUrl"].as_str().unwrap_or_default().to_owned())
}

/// The function's URL, where it has one.
pub(crate) async fn existing_url(client: &Client, name: &str) -> anyhow::Result<Option<String>> {
    let path = format!("/2021-10-31/functions/{}/url", segment(name));
    match client.rest(SERVICE, Method::GET, &path, None).await {
        Ok(answer) => Ok(answer.json()?["FunctionUrl"].as_str().map(str::to_owned)),
        Err(error) if is_refusal(&error, "ResourceNotFoundException") => Ok(None),
        Err(error) => Err(error),
    }
}

/// The form that needs no name resolution, of a URL that does.
pub(crate) fn path_url(client: &Client, url: &str) -> Option<String> {
    let host = url.split("://").nth(1)?;
    let (id, rest) = host.split_once('.')?;
    rest.starts_with("lambda-url.").then(|| format!("{}/_aws/lambda-url/{id}/", client.endpoint()))
}

/// All functions.
pub(crate) async fn list(client: &Client) -> anyhow::Result<Vec<Value>> {
    let mut functions = Vec::new();
    let mut path = "/2015-03-31/functions".to_owned();
    loop {
        let page = client.rest(SERVICE, Method::GET, &path, None).await?.json()?;
        functions.extend(page["Functions"].as_array().cloned().unwrap_or_default());
        match page["NextMarker"].as_str().filter(|marker| !marker.is_empty()) {
            Some(marker) => path = format!("/2015-03-31/functions?Marker={}", segment(marker)),
            None => return Ok(functions),
        }
    }
}

pub(crate) async fn delete(client: &Client, name: &str) -> anyhow::Result<()> {
    client.rest(SERVICE, Method::DELETE, &function_path(name), None).await.map(drop)
}

pub(crate) fn function_path(name: &str) -> String {
    format!("/2015-03-31/functions/{}", segment(name))
}

/// Waits until the function is neither being made nor being changed.
async fn settled(client: &Client, name: &str) -> anyhow::Result<()> {
    let path = format!("{}/configuration", function_path(name));
    for _ in 0..POLLS_MAX {
        let found = client.rest(SERVICE, Method::GET, &path, None).await?.json()?;
        if found["State"] == "Failed" || found["LastUpdateStatus"] == "Failed" {
            bail!("{name} failed: {} {}", found["StateReason"], found["LastUpdateStatusReason"]);
        }
        if found["State"] != "Pending" && found["LastUpdateStatus"] != "InProgress" {
            return Ok(());
        }
        tokio::time::sleep(POLL_PAUSE).await;
    }
    bail!("{name} is still being changed after a minute: look at it with `cloudling ls`, then try again")
}

/// What RFC 3986 leaves as it is.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Percent-encodes one segment of a path.
pub(crate) fn segment(text: &str) -> String {
    utf8_percent_encode(text, UNRESERVED).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_one_segment() {
        assert_eq!(segment("hello:live"), "hello%3Alive");
        assert_eq!(segment("a/b ä"), "a%2Fb%20%C3%A4");
    }

    #[test]
    fn urls_have_a_form_without_a_host_name() {
        let client = Client::new("http://127.0.0.1:4566").unwrap();
        let url = path_url(&client, "http://abc.lambda-url.us-east-1.localhost.localstack.cloud:4566/");
        assert_eq!(url.as_deref(), Some("http://127.0.0.1:4566/_aws/lambda-url/abc/"));
        assert_eq!(path_url(&client, "http://127.0.0.1:4566/_aws/lambda-url/abc/"), None);
    }
}
