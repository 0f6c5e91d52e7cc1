//! Lambda with real workers as plain processes, and doubles of the services it calls.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use serde::{Deserialize, Serialize};
use service::{
    AccountId, Context, Definition, Empty, Mode, Mounted, Operation, Platform, Result, operations,
};
use store::BoxFuture;
use testkit::Cloud;
use wire::{Document, Timestamp};
use worker::sandbox::{SandboxConfig, TierChoice};
use worker::{PoolConfig, Workers};

use crate::package::zip_of;
use crate::{DEFINITION, Lambda, LambdaParts};

pub(super) const ROLE: &str = "arn:aws:iam::111122223333:role/lambda-role";

pub(super) struct Stage {
    pub(super) cloud: Cloud,
    pub(super) lambda: Arc<Lambda>,
    pub(super) doubles: Arc<Doubles>,
    _folder: tempfile::TempDir,
}

/// What the called services saw.
#[derive(Default)]
pub(super) struct Doubles {
    pub(super) lines: Mutex<Vec<(String, String)>>,
    pub(super) roles: Mutex<Vec<String>>,
    /// What was sent to the queue `q`, the only one there is, and by whom.
    pub(super) messages: Mutex<Vec<(String, Document)>>,
}

impl Stage {
    pub(super) async fn new() -> Self {
        Self::in_mode(Mode::Dev).await
    }

    pub(super) async fn in_mode(mode: Mode) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let platform_dir = folder.path().join("runtimes");
        let workers = Workers::start(worker::Config {
            sandbox: SandboxConfig {
                run_dir: folder.path().join("run"),
                runtimes: Vec::new(),
                authority: None,
                tier: TierChoice::Process,
                platform_dir: platform_dir.clone(),
            },
            platform_dir,
            pool: PoolConfig { node_spares: 0, python_spares: 0, ..PoolConfig::default() },
            network: worker::NetworkConfig::default(),
            endpoint: None,
            endpoint_port: 4566,
        })
        .await
        .unwrap();
        let doubles = Arc::new(Doubles::default());
        let mut made = None;
        let cloud = Cloud::in_mode(mode, |platform| {
            let tokens = Arc::new(Mutex::new(HashMap::<String, Vec<u8>>::new()));
            let sealed = Arc::clone(&tokens);
            let mut lambda = Lambda::new(LambdaParts {
                platform: Arc::clone(platform),
                workers: Arc::new(workers),
                code_dir: folder.path().join("code"),
                url_sealer: Arc::new(move |payload, _| {
                    let mut sealed = sealed.lock().unwrap();
                    let token = format!("token-{}", sealed.len() + 1);
                    sealed.insert(token.clone(), payload.to_vec());
                    token
                }),
                url_opener: Arc::new(move |token| tokens.lock().unwrap().get(token).cloned()),
            });
            // Their clock stands still.
            lambda.event_wait = std::time::Duration::ZERO;
            let lambda = Arc::new(lambda);
            made = Some(Arc::clone(&lambda));
            vec![
                Box::new(Mounted { definition: &DEFINITION, service: lambda }),
                Box::new(Mounted { definition: &STS, service: Arc::clone(&doubles) }),
                Box::new(Mounted { definition: &LOGS, service: Arc::clone(&doubles) }),
                Box::new(Mounted { definition: &SQS, service: Arc::clone(&doubles) }),
            ]
        });
        Stage { cloud, lambda: made.unwrap(), doubles, _folder: folder }
    }

    /// The answer to `Operation {json}` as text.
    pub(super) async fn text(&self, request: &str) -> String {
        self.cloud.text("lambda", request).await
    }

    /// One member of the answer, or the whole error.
    pub(super) async fn member(&self, request: &str, member: &str) -> String {
        let text = self.text(request).await;
        match serde_json::from_str::<serde_json::Value>(&text) {
            Ok(answer) => answer[member].as_str().map_or_else(|| answer[member].to_string(), str::to_owned),
            Err(_) => text,
        }
    }

    /// Like [`Stage::text`], with `ZipFile` put where the operation wants it.
    pub(super) async fn with_zip(&self, request: &str, zip: &[u8]) -> String {
        let (operation, input) = request.split_once(' ').unwrap();
        let mut input = Document::from_json(&serde_json::from_str(input).unwrap());
        let file = Document::Blob(zip.to_vec().into());
        let Document::Map(members) = &mut input else { panic!("an object is wanted") };
        match operation {
            "CreateFunction" => members.insert("Code".into(), Document::map([("ZipFile", file)])),
            "PublishLayerVersion" => members.insert("Content".into(), Document::map([("ZipFile", file)])),
            _ => members.insert("ZipFile".into(), file),
        };
        match self.cloud.call("lambda", operation, input).await {
            Ok(reply) => serde_json::to_string_pretty(&reply.document.to_json()).unwrap(),
            Err(failure) => failure.to_string(),
        }
    }

    /// A Python function with this source and further settings.
    pub(super) async fn create(&self, name: &str, source: &str, settings: &str) -> String {
        let request = format!(
            r#"CreateFunction {{"FunctionName": "{name}", "Runtime": "python3.12", "Handler": "app.handler", "Role": "{ROLE}"{settings}}}"#
        );
        self.with_zip(&request, &python(source)).await
    }

    /// The outcome of an invocation: function error, executed version and payload.
    pub(super) async fn invoke(&self, function: &str, payload: &str) -> String {
        let input = Document::map([
            ("FunctionName", function.into()),
            ("Payload", Document::Blob(payload.as_bytes().to_vec().into())),
        ]);
        match self.cloud.call("lambda", "Invoke", input).await {
            Ok(reply) => {
                let text = |member: &str| {
                    reply.document.get(member).and_then(Document::as_str).unwrap_or("-").to_owned()
                };
                let payload =
                    reply.document.get("Payload").and_then(Document::as_blob).cloned().unwrap_or_default();
                let payload = String::from_utf8_lossy(&payload).into_owned();
                format!("{} {} {payload}", text("FunctionError"), text("ExecutedVersion"))
            }
            Err(failure) => failure.to_string(),
        }
    }
}

/// A package with `app.py`.
pub(super) fn python(source: &str) -> Vec<u8> {
    zip_of(&[("app.py", 0o644, source.as_bytes())])
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct AssumeRole {
    role_arn: String,
    role_session_name: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Assumed {
    credentials: Credentials,
    assumed_role_user: AssumedRoleUser,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct AssumedRoleUser {
    assumed_role_id: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Credentials {
    access_key_id: String,
    secret_access_key: String,
    session_token: String,
    expiration: Timestamp,
}

/// Gives every role but those whose name ends in `refused`.
impl Operation for AssumeRole {
    type Service = Doubles;
    type Output = Assumed;
    const NAME: &'static str = "AssumeRole";

    async fn run(self, doubles: &Doubles, cx: &Context) -> Result<Assumed> {
        if self.role_arn.ends_with("refused") {
            return Err(service::Failure::new(
                "AccessDenied",
                403,
                "not authorized to perform: sts:AssumeRole",
            ));
        }
        let mut roles = doubles.roles.lock().unwrap();
        roles.push(format!("{} as {}", self.role_arn, self.role_session_name));
        Ok(Assumed {
            assumed_role_user: AssumedRoleUser { assumed_role_id: "AROA1:session".into() },
            credentials: Credentials {
                access_key_id: format!("ASIA{}", roles.len()),
                secret_access_key: "secret".into(),
                session_token: "token".into(),
                expiration: Timestamp::from_epoch_millis(cx.now().epoch_millis() + 3_600_000),
            },
        })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Ingest {
    log_group_name: String,
    log_events: Vec<LogEvent>,
}

#[derive(Deserialize)]
struct LogEvent {
    message: String,
}

impl Operation for Ingest {
    type Service = Doubles;
    type Output = Empty;
    const NAME: &'static str = "Ingest";

    async fn run(self, doubles: &Doubles, _: &Context) -> Result<Empty> {
        let mut lines = doubles.lines.lock().unwrap();
        lines.extend(self.log_events.into_iter().map(|event| (self.log_group_name.clone(), event.message)));
        Ok(Empty)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GetQueueUrl {
    queue_name: String,
}

impl Operation for GetQueueUrl {
    type Service = Doubles;
    type Output = Empty;
    const NAME: &'static str = "GetQueueUrl";

    async fn run(self, _: &Doubles, _: &Context) -> Result<Empty> {
        match self.queue_name.as_str() {
            "q" => Ok(Empty),
            _ => Err(service::Failure::new("QueueDoesNotExist", 400, "The specified queue does not exist.")),
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SendMessage {
    queue_url: String,
    message_body: String,
    #[serde(default)]
    message_attributes: Document,
}

impl Operation for SendMessage {
    type Service = Doubles;
    type Output = Empty;
    const NAME: &'static str = "SendMessage";

    async fn run(self, doubles: &Doubles, cx: &Context) -> Result<Empty> {
        let message = Document::map([
            ("QueueUrl", self.queue_url.into()),
            ("MessageBody", self.message_body.into()),
            ("MessageAttributes", self.message_attributes),
        ]);
        doubles.messages.lock().unwrap().push((cx.caller().principal.arn(), message));
        Ok(Empty)
    }
}

fn forget<'a>(
    _: &'a Doubles,
    _: &'a Platform,
    _: Option<&'a AccountId>,
) -> BoxFuture<'a, anyhow::Result<()>> {
    Box::pin(std::future::ready(Ok(())))
}

static STS: Definition<Doubles> = Definition {
    name: "sts",
    action_prefix: "sts",
    operations: operations![AssumeRole],
    internal: &[],
    reset: forget,
};
static LOGS: Definition<Doubles> = Definition {
    name: "logs",
    action_prefix: "logs",
    operations: &[],
    internal: operations![Ingest],
    reset: forget,
};
static SQS: Definition<Doubles> = Definition {
    name: "sqs",
    action_prefix: "sqs",
    operations: operations![GetQueueUrl, SendMessage],
    internal: &[],
    reset: forget,
};
