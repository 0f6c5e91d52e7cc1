//! Operations from input text to output text, in process, over memory and a clock that stands still.

use std::sync::Arc;

use auth::policy::{Policy, PolicyKind};
use auth::{AccessKey, Answer, Grants, Identities, Identity, Issuer, Provider, Role, SessionKind};
use expect_test::expect;
use service::{
    AccountId, AllowAll, AnyService, Caller, Clock, ContextBuilder, Ids, Mode, Mounted, Platform,
    PlatformParts, Principal, Result, Scope,
};
use store::{MemoryBlobs, MemoryKv};
use tasks::Tasks;
use wire::{Document, Protocol, Timestamp};

use crate::{DEFINITION, Sts};

const NOW: i64 = 1_700_000_000_500;

mod sessions;
mod web_identities;

const WORKER: &str = "arn:aws:iam::000000000000:role/app/worker";

/// IAM as STS sees it: one role, one key, one provider, one managed policy.
struct FewIdentities;

impl Identities for FewIdentities {
    fn access_key<'a>(&'a self, id: &'a str) -> Answer<'a, Option<Arc<AccessKey>>> {
        let key = || AccessKey {
            account: "111122223333".into(),
            owner: auth::KeyOwner::Root,
            secret_access_key: "secret".into(),
            active: true,
        };
        answer((id == "AKIAEXAMPLEEXAMPLE00").then(|| Arc::new(key())))
    }

    fn note_use(&self, _: &str, _: &str, _: &str, _: i64) {}

    fn grants<'a>(&'a self, _: &'a str, _: Identity<'a>) -> Answer<'a, Option<Arc<Grants>>> {
        answer(None)
    }

    fn session_policies<'a>(
        &'a self,
        _: &'a str,
        _: Option<&'a str>,
        arns: &'a [String],
    ) -> Answer<'a, Arc<[Arc<Policy>]>> {
        let known = arns.iter().filter(|arn| arn.ends_with("/known"));
        let allows = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#;
        answer(known.map(|_| Arc::new(Policy::parse(allows, PolicyKind::Identity).unwrap())).collect())
    }

    fn role<'a>(&'a self, arn: &'a str) -> Answer<'a, Option<Arc<Role>>> {
        let trust = r#"{"Statement":[
            {"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole"},
            {"Effect":"Allow","Principal":{"Federated":"arn:aws:iam::000000000000:oidc-provider/id.example.com"},
             "Action":["sts:AssumeRoleWithWebIdentity","sts:TagSession"],
             "Condition":{"StringEquals":{"id.example.com:sub":"job","id.example.com:aud":"me"}}}]}"#;
        let role = || Role {
            account: AccountId::DEFAULT.into(),
            name: "worker".into(),
            arn: WORKER.into(),
            unique_id: "AROAEXAMPLE".into(),
            trust: Arc::new(Policy::parse(trust, PolicyKind::Trust).unwrap()),
            max_session_seconds: 7_200,
            tags: Default::default(),
        };
        answer((arn == WORKER).then(|| Arc::new(role())))
    }

    fn provider<'a>(&'a self, account: &'a str, issuer: &'a str) -> Answer<'a, Option<Arc<Provider>>> {
        let provider = || Provider {
            arn: "arn:aws:iam::000000000000:oidc-provider/id.example.com".into(),
            url: "https://id.example.com".into(),
            client_ids: vec!["me".into()],
            thumbprints: Vec::new(),
        };
        let known = account == AccountId::DEFAULT && issuer == "id.example.com";
        answer(known.then(|| Arc::new(provider())))
    }

    fn generation(&self) -> u64 {
        0
    }
}

fn answer<'a, T: Send + 'a>(value: T) -> Answer<'a, T> {
    Box::pin(std::future::ready(Ok(value)))
}

/// The documents that providers would answer.
#[derive(Default)]
struct Documents(std::sync::Mutex<std::collections::HashMap<String, String>>);

impl crate::Fetch for Documents {
    fn fetch<'a>(&'a self, url: &'a str, _: &'a [String]) -> service::BoxFuture<'a, anyhow::Result<Vec<u8>>> {
        let found = self.0.lock().unwrap().get(url).map(|text| text.clone().into_bytes());
        Box::pin(std::future::ready(found.ok_or_else(|| anyhow::anyhow!("connection refused"))))
    }
}

struct Cloud {
    platform: Arc<Platform>,
    sts: Mounted<Sts>,
    issuer: Arc<Issuer>,
    documents: Arc<Documents>,
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
        let issuer = Arc::new(Issuer::from_key([7; 32]));
        let documents = Arc::new(Documents::default());
        let service = Sts::new(issuer.clone(), Arc::new(FewIdentities), documents.clone());
        let sts = Mounted { definition: &DEFINITION, service: Arc::new(service) };
        Cloud { platform, sts, issuer, documents }
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
        self.call_as(self.principal(), operation, input).await
    }

    /// The account itself, which may assume roles in development mode only.
    fn principal(&self) -> Principal {
        if self.platform.mode() == Mode::Secure { user() } else { root() }
    }
}

fn root() -> Principal {
    Principal::Root { account: AccountId::default() }
}

fn user() -> Principal {
    Principal::User {
        account: AccountId::default(),
        name: "ada".into(),
        unique_id: "AIDAEXAMPLE".into(),
        path: "/".into(),
    }
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
    let output = cloud.json_as(user(), "AssumeRole", input).await.unwrap();
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
            expect!["MalformedPolicyDocumentException: Syntax errors in policy."],
        ),
        (
            r#"{"RoleArn":"arn:aws:iam::000000000000:role/none","RoleSessionName":"ok"}"#.into(),
            expect![
                "AccessDenied: User: arn:aws:iam::000000000000:user/ada is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::000000000000:role/none"
            ],
        ),
        (
            r#"{"RoleArn":"arn:aws:iam::000000000000:role/worker","RoleSessionName":"ok"}"#.into(),
            expect![
                "AccessDenied: User: arn:aws:iam::000000000000:user/ada is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::000000000000:role/worker"
            ],
        ),
        (
            r#"{"RoleArn":"arn:aws:iam::111122223333:role/app/worker","RoleSessionName":"ok"}"#.into(),
            expect![
                "AccessDenied: User: arn:aws:iam::000000000000:user/ada is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::111122223333:role/app/worker"
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
    let input = r#"{"RoleArn":"arn:aws:iam::111122223333:role/any","RoleSessionName":"ok"}"#;
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
          }
        }"#]]
    .assert_eq(&cloud.call("AssumeRole", input).await);
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
