//! Operations from input text to output text, in process, over memory and a clock that stands still.

use std::sync::Arc;

use auth::{Issuer, SessionKind};
use expect_test::expect;
use service::{
    AccountId, AllowAll, AnyService, Caller, Clock, ContextBuilder, Definition, Failure, Ids, Mode, Mounted,
    Operation, Platform, PlatformParts, Principal, Registry, Result, Scope, operations,
};
use store::{MemoryBlobs, MemoryKv};
use tasks::Tasks;
use wire::{Document, Protocol, Timestamp};

use crate::{DEFINITION, Sts};

const NOW: i64 = 1_700_000_000_500;

/// IAM as STS sees it: one role.
struct OneRole;

#[derive(serde::Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GetRole {
    role_name: String,
}

impl Operation for GetRole {
    type Service = OneRole;
    type Output = GetRoleOutput;
    const NAME: &'static str = "GetRole";

    async fn run(self, _: &OneRole, cx: &service::Context) -> Result<GetRoleOutput> {
        if self.role_name != "worker" || cx.account().as_str() != AccountId::DEFAULT {
            return Err(Failure::new("NoSuchEntityException", 404, "The role cannot be found."));
        }
        let role = Document::map([
            ("Arn", "arn:aws:iam::000000000000:role/app/worker".into()),
            ("RoleId", "AROAEXAMPLE".into()),
            ("MaxSessionDuration", 7_200.into()),
        ]);
        Ok(GetRoleOutput { role })
    }
}

#[derive(serde::Serialize)]
#[serde(rename_all = "PascalCase")]
struct GetRoleOutput {
    role: Document,
}

static ONE_ROLE: Definition<OneRole> = Definition {
    name: "iam",
    action_prefix: "iam",
    operations: operations![GetRole],
    internal: &[],
    reset: |_, _, _| Box::pin(std::future::ready(Ok(()))),
};

struct Cloud {
    platform: Arc<Platform>,
    sts: Mounted<Sts>,
    issuer: Arc<Issuer>,
}

impl Cloud {
    fn new(mode: Mode) -> Self {
        let platform = Platform::new(PlatformParts {
            mode,
            kv: Arc::new(MemoryKv::new()),
            blobs: Arc::new(MemoryBlobs::new()),
            clock: Clock::manual(Timestamp::from_epoch_millis(NOW)),
            ids: Ids::counting(),
            authorizer: Arc::new(AllowAll),
            tasks: Tasks::new(),
        });
        platform.mount(Registry::new(vec![Box::new(Mounted {
            definition: &ONE_ROLE,
            service: Arc::new(OneRole),
        })]));
        let issuer = Arc::new(Issuer::from_key([7; 32]));
        let sts = Mounted { definition: &DEFINITION, service: Arc::new(Sts::new(Arc::clone(&issuer))) };
        Cloud { platform, sts, issuer }
    }

    /// The output without the random parts of credentials, or the error.
    async fn call_as(&self, principal: Principal, operation: &str, input: &str) -> String {
        match self.json_as(principal, operation, input).await {
            Ok(mut output) => {
                if let Some(credentials) = output.get_mut("Credentials") {
                    for secret in ["AccessKeyId", "SecretAccessKey", "SessionToken"] {
                        assert!(!credentials[secret].as_str().unwrap().is_empty());
                        credentials[secret] = "…".into();
                    }
                }
                serde_json::to_string_pretty(&output).unwrap()
            }
            Err(failure) => failure.to_string(),
        }
    }

    async fn json_as(&self, principal: Principal, operation: &str, input: &str) -> Result<serde_json::Value> {
        let cx = ContextBuilder::new(&self.platform, Scope::default(), Caller::internal(principal)).build();
        let input: serde_json::Value = serde_json::from_str(input).unwrap();
        let reply = self.sts.execute(&cx, operation, Document::from_json(&input)).await?;
        fits_the_model(operation, &reply.document);
        Ok(reply.document.to_json())
    }

    async fn call(&self, operation: &str, input: &str) -> String {
        self.call_as(root(), operation, input).await
    }
}

fn root() -> Principal {
    Principal::Root { account: AccountId::default() }
}

fn assumed() -> Principal {
    Principal::AssumedRole {
        account: AccountId::default(),
        role_name: "worker".into(),
        role_arn: "arn:aws:iam::000000000000:role/app/worker".into(),
        role_id: "AROAEXAMPLE".into(),
        session_name: "one".into(),
    }
}

/// What is answered must fit the model: an output member that it lacks fails here as it would on the wire.
fn fits_the_model(operation: &str, document: &Document) {
    let model = DEFINITION.model();
    if let Some(operation) = model.operation(operation) {
        wire::encode(model, operation, Protocol::Query, document, "id")
            .unwrap_or_else(|error| panic!("{}: {error}", operation.name()));
    }
}

#[test]
fn structs_fit_the_model() {
    if let Err(wrong) = service::honesty::check(&DEFINITION) {
        panic!("{wrong}");
    }
}

#[tokio::test]
async fn callers_are_told_who_they_are() {
    let cloud = Cloud::new(Mode::Dev);
    expect![[r#"
        {
          "Account": "000000000000",
          "Arn": "arn:aws:iam::000000000000:root",
          "UserId": "000000000000"
        }"#]]
    .assert_eq(&cloud.call("GetCallerIdentity", "{}").await);
    expect![[r#"
        {
          "Account": "000000000000",
          "Arn": "arn:aws:sts::000000000000:assumed-role/worker/one",
          "UserId": "AROAEXAMPLE:one"
        }"#]]
    .assert_eq(&cloud.call_as(assumed(), "GetCallerIdentity", "{}").await);
    let user = Principal::User {
        account: AccountId::default(),
        name: "ada".into(),
        unique_id: "AIDAEXAMPLE".into(),
        path: "/".into(),
    };
    expect![[r#"
        {
          "Account": "000000000000",
          "Arn": "arn:aws:iam::000000000000:user/ada",
          "UserId": "AIDAEXAMPLE"
        }"#]]
    .assert_eq(&cloud.call_as(user, "GetCallerIdentity", "{}").await);
    let nobody = Principal::Anonymous { account: AccountId::default() };
    expect!["MissingAuthenticationToken: Request is missing Authentication Token"]
        .assert_eq(&cloud.call_as(nobody, "GetCallerIdentity", "{}").await);
}

#[tokio::test]
async fn a_role_is_assumed() {
    let cloud = Cloud::new(Mode::Secure);
    let input = r#"{"RoleArn":"arn:aws:iam::000000000000:role/app/worker","RoleSessionName":"job-1","DurationSeconds":7200}"#;
    expect![[r#"
        {
          "AssumedRoleUser": {
            "Arn": "arn:aws:sts::000000000000:assumed-role/worker/job-1",
            "AssumedRoleId": "AROAEXAMPLE:job-1"
          },
          "Credentials": {
            "AccessKeyId": "…",
            "Expiration": "2023-11-15T00:13:20Z",
            "SecretAccessKey": "…",
            "SessionToken": "…"
          }
        }"#]]
    .assert_eq(&cloud.call("AssumeRole", input).await);
    let output = cloud.json_as(root(), "AssumeRole", input).await.unwrap();
    let text = |member: &str| output["Credentials"][member].as_str().unwrap();
    let (session, secret) = cloud.issuer.read(text("AccessKeyId"), text("SessionToken"), NOW).unwrap();
    assert_eq!(secret, text("SecretAccessKey"));
    assert_eq!(session.expires_epoch_millis, 1_700_007_200_000);
    let SessionKind::AssumedRole { role_name, session_name, .. } = session.kind else { panic!() };
    assert_eq!((role_name.as_str(), session_name.as_str()), ("worker", "job-1"));
}

#[tokio::test]
async fn what_cannot_be_assumed_is_refused() {
    let cloud = Cloud::new(Mode::Secure);
    let worker = r#""RoleArn":"arn:aws:iam::000000000000:role/app/worker""#;
    for (input, expected) in [
        (
            format!(r#"{{{worker},"RoleSessionName":"s!"}}"#),
            expect![[
                r#"ValidationError: 1 validation error detected: Value 's!' at 'roleSessionName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\w+=,.@-]*"#
            ]],
        ),
        (
            format!(r#"{{{worker},"RoleSessionName":"s"}}"#),
            expect![[
                r#"ValidationError: 1 validation error detected: Value 's' at 'roleSessionName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\w+=,.@-]*"#
            ]],
        ),
        (
            format!(r#"{{{worker},"RoleSessionName":"ok","DurationSeconds":899}}"#),
            expect!["ValidationError: DurationSeconds must be between 900 and 43200."],
        ),
        (
            format!(r#"{{{worker},"RoleSessionName":"ok","DurationSeconds":7201}}"#),
            expect![
                "ValidationError: The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
            ],
        ),
        (
            format!(r#"{{{worker},"RoleSessionName":"ok","Policy":"{{}}"}}"#),
            expect!["NotImplemented: Cloudling does not implement session policies of sts:AssumeRole yet."],
        ),
        (
            r#"{"RoleArn":"arn:aws:iam::000000000000:role/none","RoleSessionName":"ok"}"#.into(),
            expect![
                "AccessDenied: User: arn:aws:iam::000000000000:root is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::000000000000:role/none"
            ],
        ),
        (
            r#"{"RoleArn":"arn:aws:iam::000000000000:role/worker","RoleSessionName":"ok"}"#.into(),
            expect![
                "AccessDenied: User: arn:aws:iam::000000000000:root is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::000000000000:role/worker"
            ],
        ),
        (
            r#"{"RoleArn":"arn:aws:iam::111122223333:role/app/worker","RoleSessionName":"ok"}"#.into(),
            expect![
                "AccessDenied: User: arn:aws:iam::000000000000:root is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::111122223333:role/app/worker"
            ],
        ),
        (
            r#"{"RoleArn":"arn:aws:iam::000000000000:user/worker","RoleSessionName":"ok"}"#.into(),
            expect!["ValidationError: arn:aws:iam::000000000000:user/worker is invalid"],
        ),
        (
            r#"{"RoleArn":"worker","RoleSessionName":"ok"}"#.into(),
            expect!["ValidationError: worker is invalid"],
        ),
    ] {
        expected.assert_eq(&cloud.call("AssumeRole", &input).await);
    }
    let chained = format!(r#"{{{worker},"RoleSessionName":"ok","DurationSeconds":3601}}"#);
    expect!["ValidationError: The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining"].assert_eq(&cloud.call_as(assumed(), "AssumeRole", &chained).await);
}

#[tokio::test]
async fn development_takes_roles_that_do_not_exist() {
    let cloud = Cloud::new(Mode::Dev);
    let input = r#"{"RoleArn":"arn:aws:iam::111122223333:role/any","RoleSessionName":"ok","Policy":"{\"Statement\":[]}"}"#;
    expect![[r#"
        {
          "AssumedRoleUser": {
            "Arn": "arn:aws:sts::111122223333:assumed-role/any/ok",
            "AssumedRoleId": "AROAPON7EIGIWXVHZAWTV:ok"
          },
          "Credentials": {
            "AccessKeyId": "…",
            "Expiration": "2023-11-14T23:13:20Z",
            "SecretAccessKey": "…",
            "SessionToken": "…"
          },
          "PackedPolicySize": 1
        }"#]]
    .assert_eq(&cloud.call("AssumeRole", input).await);
    let large = input.replace("[]", &"x".repeat(2_048));
    expect![
        "PackedPolicyTooLargeException: Packed size of session policies consumes 101% of allotted space."
    ]
    .assert_eq(&cloud.call("AssumeRole", &large).await);
}

#[tokio::test]
async fn session_tokens_are_for_long_term_keys() {
    let cloud = Cloud::new(Mode::Dev);
    expect![[r#"
        {
          "Credentials": {
            "AccessKeyId": "…",
            "Expiration": "2023-11-14T23:13:20Z",
            "SecretAccessKey": "…",
            "SessionToken": "…"
          }
        }"#]]
    .assert_eq(&cloud.call("GetSessionToken", "{}").await);
    let user = Principal::User {
        account: AccountId::default(),
        name: "ada".into(),
        unique_id: "AIDAEXAMPLE".into(),
        path: "/".into(),
    };
    expect![[r#"
        {
          "Credentials": {
            "AccessKeyId": "…",
            "Expiration": "2023-11-16T10:13:20Z",
            "SecretAccessKey": "…",
            "SessionToken": "…"
          }
        }"#]]
    .assert_eq(&cloud.call_as(user, "GetSessionToken", r#"{"DurationSeconds":129600}"#).await);
    expect!["AccessDenied: Cannot call GetSessionToken with session credentials"]
        .assert_eq(&cloud.call_as(assumed(), "GetSessionToken", "{}").await);
    expect!["ValidationError: DurationSeconds must be between 900 and 129600."]
        .assert_eq(&cloud.call("GetSessionToken", r#"{"DurationSeconds":129601}"#).await);
}
