//! Cases of the published evaluation logic, through everything that is asked on the way.

use std::sync::Arc;

use auth::Issuer;
use expect_test::{Expect, expect};
use service::{
    AccountId, AnyService, Arn, Authorization, Authorizer as _, BoxFuture, CallerSession, Clock, Context,
    ContextBuilder, Demand, Grant, Grantee, Ids, Mode, Platform, PlatformParts, Principal, Region, Registry,
    Reply, Result, Scope, grants_document,
};
use store::{MemoryBlobs, MemoryKv};
use tasks::Tasks;
use wire::{Document, Model, Timestamp};

use super::Enforcer;
use crate::tests::identities::{ACCOUNT, WrittenDown};

const ANN: &str = "arn:aws:iam::111122223333:user/ann";
const FUNCTION: &str = "arn:aws:lambda:us-east-1:111122223333:function:hello";
const BUCKET: &str = "arn:aws:s3:::photos";
const ROLE: &str = "arn:aws:iam::111122223333:role/worker";
const INVOKE: &str =
    r#"{"Effect":"Allow","Action":"lambda:Invoke*","Resource":"arn:aws:lambda:*:*:function:*"}"#;

/// A service without operations, whose every resource has these policies.
struct Resources {
    name: &'static str,
    policy: service::ResourcePolicy,
}

impl AnyService for Resources {
    fn name(&self) -> &'static str {
        self.name
    }

    fn model(&self) -> &'static Model {
        wire::model(self.name).unwrap()
    }

    fn implemented(&self) -> Vec<&'static str> {
        Vec::new()
    }

    fn execute<'a>(&'a self, _: &'a Context, name: &'a str, _: Document) -> BoxFuture<'a, Result<Reply>> {
        Box::pin(async move { Err(service::Failure::not_implemented(self.name, name)) })
    }

    fn resource_policy<'a>(
        &'a self,
        _: &'a Context,
        _: &'a Demand,
    ) -> BoxFuture<'a, Result<Option<service::ResourcePolicy>>> {
        Box::pin(async move { Ok(Some(self.policy.clone())) })
    }

    fn reset<'a>(&'a self, _: &'a Platform, _: Option<&'a AccountId>) -> BoxFuture<'a, anyhow::Result<()>> {
        Box::pin(async { Ok(()) })
    }
}

struct Case {
    identities: WrittenDown,
    principal: Principal,
    session: Option<CallerSession>,
    source: Option<Arn>,
    resource_policy: service::ResourcePolicy,
}

fn account(text: &str) -> AccountId {
    AccountId::parse(text).unwrap()
}

fn ann_of(number: &str) -> Principal {
    let (name, unique_id, path) = ("ann".into(), "AIDAANN".into(), "/".into());
    Principal::User { account: account(number), name, unique_id, path }
}

fn worker() -> Principal {
    Principal::AssumedRole {
        account: account(ACCOUNT),
        role_name: "worker".into(),
        role_arn: ROLE.into(),
        role_id: "AROAWORKER".into(),
        session_name: "one".into(),
    }
}

fn case(principal: Principal, statements: &str) -> Case {
    let mut identities = WrittenDown::default();
    identities.grant("AIDAANN", ANN, statements, "");
    identities.grant("AROAWORKER", ROLE, statements, "");
    Case { identities, principal, session: None, source: None, resource_policy: Default::default() }
}

impl Case {
    fn with_policy(mut self, document: &str) -> Self {
        let text = format!(r#"{{"Version":"2012-10-17","Statement":[{document}]}}"#);
        self.resource_policy.documents.push(text.into());
        self
    }

    async fn decide(self, service: &'static str, demands: Vec<Demand>) -> String {
        let seal = Arc::new(Issuer::from_key([7; 32]));
        let enforcer = Enforcer::new(Arc::new(self.identities)).explaining(seal);
        let platform = Platform::new(PlatformParts {
            mode: Mode::Secure,
            kv: Arc::new(MemoryKv::new()),
            blobs: Arc::new(MemoryBlobs::new()),
            clock: Clock::manual(Timestamp::from_epoch_millis(1_767_323_045_000)),
            ids: Ids::counting(),
            authorizer: Arc::new(service::AllowAll),
            tasks: Tasks::new(),
        });
        let resources = |name| -> Box<dyn AnyService> {
            Box::new(Resources { name, policy: self.resource_policy.clone() })
        };
        platform.mount(Registry::new(vec![resources("lambda"), resources("s3"), resources("logs")]));
        let mut caller = service::Caller::internal(self.principal);
        caller.session = self.session.map(Arc::new);
        let scope = Scope { account: caller.principal.account().clone(), region: Region::default() };
        let mut cx = ContextBuilder::new(&platform, scope, caller);
        if let Some(source) = self.source {
            cx = cx.source(source);
        }
        let cx = cx.build();
        let question = Authorization { cx: &cx, service, operation: "Test", demands };
        match enforcer.authorize(question).await {
            Ok(()) => "allowed".into(),
            Err(service::Failure::Modelled(reply)) => {
                format!("{} {}: {}", reply.status.unwrap(), reply.code, reply.message)
            }
            Err(failure) => failure.to_string(),
        }
    }

    async fn check(self, demands: Vec<Demand>, expected: Expect) {
        expected.assert_eq(&self.decide("lambda", demands).await);
    }
}

fn invoke() -> Vec<Demand> {
    vec![Demand::new("lambda:InvokeFunction", FUNCTION.parse().unwrap())]
}

#[tokio::test]
async fn users_may_do_what_their_policies_say() {
    case(ann_of(ACCOUNT), INVOKE).check(invoke(), expect!["allowed"]).await;
    case(ann_of(ACCOUNT), "").check(invoke(), expect!["403 AccessDeniedException: User: arn:aws:iam::111122223333:user/ann is not authorized to perform: lambda:InvokeFunction on resource: arn:aws:lambda:us-east-1:111122223333:function:hello because no identity-based policy allows the lambda:InvokeFunction action"]).await;
    let deny = format!(
        r#"{INVOKE},{{"Effect":"Deny","Action":"*","Resource":"*","Condition":{{"StringEquals":{{"aws:PrincipalTag/team":"blue"}}}}}}"#
    );
    case(ann_of(ACCOUNT), &deny).check(invoke(), expect!["403 AccessDeniedException: User: arn:aws:iam::111122223333:user/ann is not authorized to perform: lambda:InvokeFunction on resource: arn:aws:lambda:us-east-1:111122223333:function:hello with an explicit deny in an identity-based policy"]).await;
    let root = Principal::Root { account: account(ACCOUNT) };
    case(root, "").check(invoke(), expect!["allowed"]).await;
    let mut gone = case(ann_of(ACCOUNT), "").with_policy(&grant(r#"{"AWS":"*"}"#, ""));
    gone.identities = WrittenDown::default();
    assert!(gone.decide("lambda", invoke()).await.contains("no identity-based policy allows"));
}

#[tokio::test]
async fn ec2_has_an_error_of_its_own() {
    let instance = "arn:aws:ec2:us-east-1:111122223333:instance/i-1".parse().unwrap();
    let decided =
        case(ann_of(ACCOUNT), "").decide("ec2", vec![Demand::new("ec2:StopInstances", instance)]).await;
    let start = "403 UnauthorizedOperation: You are not authorized to perform this operation. User: \
                 arn:aws:iam::111122223333:user/ann is not authorized to perform: ec2:StopInstances on resource: \
                 arn:aws:ec2:us-east-1:111122223333:instance/i-1 because no identity-based policy allows the \
                 ec2:StopInstances action. Encoded authorization failure message: ";
    let message = decided.strip_prefix(start).unwrap_or_else(|| panic!("{decided}"));
    let decoded = auth::decode_message(&Issuer::from_key([7; 32]), message).unwrap();
    assert!(decoded.contains(r#""action":"ec2:StopInstances""#), "{decoded}");
}

fn grant(principal: &str, condition: &str) -> String {
    let resource = format!(r#"["{FUNCTION}","{BUCKET}/*"]"#);
    format!(
        r#"{{"Effect":"Allow","Principal":{principal},"Action":["lambda:*","s3:*"],"Resource":{resource}{condition}}}"#
    )
}

#[tokio::test]
async fn other_accounts_need_both_sides() {
    let theirs = "444455556666";
    let granted = grant(r#"{"AWS":"444455556666"}"#, "");
    case(ann_of(theirs), INVOKE).with_policy(&granted).check(invoke(), expect!["allowed"]).await;
    assert!(
        case(ann_of(theirs), "")
            .with_policy(&granted)
            .decide("lambda", invoke())
            .await
            .contains("identity-based")
    );
    assert!(
        case(ann_of(theirs), INVOKE)
            .decide("lambda", invoke())
            .await
            .contains("no resource-based policy allows")
    );
    let root = Principal::Root { account: account(theirs) };
    assert!(case(root, "").decide("lambda", invoke()).await.contains("no resource-based policy allows"));
    // A bucket's ARN names no account: its service does.
    let mut bucket = case(ann_of(theirs), r#"{"Effect":"Allow","Action":"s3:*","Resource":"*"}"#);
    bucket.resource_policy.owner = Some(account(ACCOUNT));
    let demands = vec![Demand::new("s3:GetObject", format!("{BUCKET}/a").parse().unwrap())];
    let decided = bucket.decide("s3", demands).await;
    assert!(decided.starts_with("403 AccessDenied: ") && decided.contains("resource-based"), "{decided}");
}

#[tokio::test]
async fn services_are_let_in_by_the_resource_alone_and_for_whom_they_call() {
    let s3 = || Principal::Service { account: account("444455556666"), name: "s3.amazonaws.com" };
    let condition = r#","Condition":{"ArnLike":{"AWS:SourceArn":"arn:aws:s3:::photos"},"StringEquals":{"AWS:SourceAccount":"444455556666"}}"#;
    let policy = grant(r#"{"Service":"s3.amazonaws.com"}"#, condition);
    let calling = |source: &str| {
        let mut case = case(s3(), "").with_policy(&policy);
        case.source = source.parse().ok();
        case.decide("lambda", invoke())
    };
    assert_eq!(calling(BUCKET).await, "allowed");
    for source in ["", "arn:aws:s3:::others"] {
        expect!["403 AccessDeniedException: User: s3.amazonaws.com is not authorized to perform: lambda:InvokeFunction on resource: arn:aws:lambda:us-east-1:111122223333:function:hello because no resource-based policy allows the lambda:InvokeFunction action"].assert_eq(&calling(source).await);
    }
    // People cannot say for whom they call.
    let mut person = case(ann_of("444455556666"), INVOKE).with_policy(&grant(r#"{"AWS":"*"}"#, condition));
    person.source = BUCKET.parse().ok();
    assert!(person.decide("lambda", invoke()).await.contains("resource-based"));
}

#[tokio::test]
async fn sessions_and_boundaries_narrow() {
    let logs = r#"{"Effect":"Allow","Action":"logs:*","Resource":"*"}"#;
    let limited = |document: &str| {
        let mut case = case(worker(), INVOKE);
        case.session = Some(CallerSession { policy: Some(document.into()), ..CallerSession::default() });
        case.decide("lambda", invoke())
    };
    assert_eq!(limited(INVOKE).await, "allowed");
    assert!(
        limited(logs).await.ends_with("because no session policy allows the lambda:InvokeFunction action")
    );
    let mut bounded = case(ann_of(ACCOUNT), "");
    bounded.identities.grant("AIDAANN", ANN, INVOKE, logs);
    assert!(bounded.decide("lambda", invoke()).await.contains("no permissions boundary allows"));
    let federated = || Principal::FederatedUser {
        account: account(ACCOUNT),
        name: "bob".into(),
        user_name: "ann".into(),
        user_path: "/".into(),
        user_id: "AIDAANN".into(),
    };
    assert!(case(federated(), INVOKE).decide("lambda", invoke()).await.contains("no session policy allows"));
    let mut passed = case(federated(), INVOKE);
    passed.session = Some(CallerSession { policy: Some(INVOKE.into()), ..CallerSession::default() });
    assert_eq!(passed.decide("lambda", invoke()).await, "allowed");
}

#[tokio::test]
async fn all_that_an_operation_demands_must_be_allowed() {
    let pass = |service: &'static str| {
        let passing = Demand::new("iam:PassRole", ROLE.parse().unwrap()).with("iam:PassedToService", service);
        let create = Demand::new("lambda:CreateFunction", FUNCTION.parse().unwrap());
        vec![create, passing]
    };
    let statements = r#"{"Effect":"Allow","Action":"lambda:*","Resource":"*"},
        {"Effect":"Allow","Action":"iam:PassRole","Resource":"*","Condition":{"StringEquals":{"iam:PassedToService":"lambda.amazonaws.com"}}}"#;
    case(ann_of(ACCOUNT), statements).check(pass("lambda.amazonaws.com"), expect!["allowed"]).await;
    let other = case(ann_of(ACCOUNT), statements).decide("lambda", pass("ecs.amazonaws.com")).await;
    assert!(other.contains("iam:PassRole on resource: arn:aws:iam::111122223333:role/worker"), "{other}");
    case(ann_of(ACCOUNT), "").check(Vec::new(), expect!["allowed"]).await;
    let mine = vec![Demand::new("sts:GetCallerIdentity", Arn::any())];
    case(ann_of(ACCOUNT), "").check(mine, expect!["allowed"]).await;
}

#[tokio::test]
async fn strangers_get_in_where_everyone_may() {
    let anonymous = || Principal::Anonymous { account: account("000000000000") };
    let read = || vec![Demand::new("s3:GetObject", format!("{BUCKET}/a").parse().unwrap())];
    expect!["403 AccessDenied: Access Denied"].assert_eq(&case(anonymous(), "").decide("s3", read()).await);
    let listed = |grantee: Grantee, principal: Principal| {
        let actions = vec!["s3:GetObject".into()];
        let document = grants_document(&[Grant { grantee, actions }], &["arn:aws:s3:::photos/*"]);
        let mut case = case(principal, r#"{"Effect":"Allow","Action":"s3:*","Resource":"*"}"#);
        case.resource_policy.owner = Some(account(ACCOUNT));
        // Beside a policy that is about something else.
        case = case.with_policy(&grant(r#"{"Service":"s3.amazonaws.com"}"#, ""));
        case.resource_policy.documents.push(document);
        case.decide("s3", read())
    };
    assert_eq!(listed(Grantee::Everyone, anonymous()).await, "allowed");
    assert!(listed(Grantee::Authenticated, anonymous()).await.contains("Access Denied"));
    assert_eq!(listed(Grantee::Authenticated, ann_of("444455556666")).await, "allowed");
    assert_eq!(listed(Grantee::Account(account("444455556666")), ann_of("444455556666")).await, "allowed");
    assert!(
        listed(Grantee::Account(account("999999999999")), ann_of("444455556666"))
            .await
            .contains("resource-based")
    );
}

#[tokio::test]
async fn roles_are_taken_on_by_whom_they_trust() {
    let trust = r#"{"Effect":"Allow","Principal":{"AWS":"444455556666"},"Action":"sts:AssumeRole","Condition":{"StringEquals":{"sts:ExternalId":"x"}}},
        {"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}"#;
    let assume = |principal: Principal, statements: &str, external_id: &str| {
        let mut case = case(principal, statements);
        case.identities.role(ROLE, trust);
        let demand = Demand::new("sts:AssumeRole", ROLE.parse().unwrap());
        case.decide("sts", vec![demand.with("sts:ExternalId", external_id)])
    };
    let may = r#"{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"*"}"#;
    assert_eq!(assume(ann_of("444455556666"), may, "x").await, "allowed");
    assert!(assume(ann_of("444455556666"), may, "y").await.contains("no role trust policy allows"));
    assert!(assume(ann_of("444455556666"), "", "x").await.contains("no identity-based policy allows"));
    assert!(assume(ann_of(ACCOUNT), may, "x").await.contains("no role trust policy allows"));
    let lambda = Principal::Service { account: account(ACCOUNT), name: "lambda.amazonaws.com" };
    assert_eq!(assume(lambda, "", "").await, "allowed");
}

#[tokio::test]
async fn a_policy_that_cannot_be_read_denies() {
    let mut case = case(Principal::Root { account: account(ACCOUNT) }, "");
    case.resource_policy.documents.push("{".into());
    let decided = case.decide("lambda", invoke()).await;
    assert!(decided.contains("explicit deny in a resource-based policy"), "{decided}");
}

#[tokio::test]
async fn codes_are_those_of_the_protocol() {
    for (service, expected) in [
        ("lambda", "403 AccessDeniedException"),
        ("logs", "400 AccessDeniedException"),
        ("iam", "403 AccessDenied"),
        ("s3", "403 AccessDenied"),
    ] {
        let decided = case(ann_of(ACCOUNT), "").decide(service, invoke()).await;
        assert!(decided.starts_with(&format!("{expected}: ")), "{decided}");
    }
}
