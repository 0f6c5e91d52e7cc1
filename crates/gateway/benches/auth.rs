//! What it costs to know who asks and whether he may: `cargo bench -p gateway`.
//!
//! A signed JSON request of a user with a policy of ten statements on a resource that has a policy of its own: the signature
//! is read and verified, then the authorizer decides. The best of many short rounds, since other work on the machine only
//! adds.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a bench prints its figures and ends at the first mistake"
)]

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use auth::policy::{Policy, PolicyKind};
use auth::{
    AccessKey, Answer, Credentials, Grants, Identities, Identity, Provider, Role, SignedRequest, SigningKeys,
    sign,
};
use gateway::Enforcer;
use service::{
    AccountId, AnyService, Authorization, Authorizer as _, BoxFuture, Caller, Clock, Context, ContextBuilder,
    Demand, Ids, Mode, Platform, PlatformParts, Principal, Region, Registry, Reply, Result, Scope,
};
use store::{MemoryBlobs, MemoryKv};
use tasks::Tasks;
use wire::{Document, Model, Timestamp};

const ROUNDS: usize = 300;
const REQUESTS_A_ROUND: u32 = 200;
const NOW_EPOCH_MILLIS: i64 = 1_767_323_045_000;
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
const BODY: &[u8] = br#"{"TableName":"users","Key":{"id":{"S":"17"}},"ConsistentRead":true}"#;
const TABLE: &str = "arn:aws:dynamodb:us-east-1:111122223333:table/users";
/// What the issue of it promises.
const MICROSECONDS_MAX: f64 = 60.0;

struct Ann(Arc<Grants>);

fn answer<'a, T: Send + 'a>(value: T) -> Answer<'a, T> {
    Box::pin(std::future::ready(Ok(value)))
}

impl Identities for Ann {
    fn access_key<'a>(&'a self, _: &'a str) -> Answer<'a, Option<Arc<AccessKey>>> {
        answer(None)
    }

    fn note_use(&self, _: &str, _: &str, _: &str, _: i64) {}

    fn grants<'a>(&'a self, _: &'a str, _: Identity<'a>) -> Answer<'a, Option<Arc<Grants>>> {
        answer(Some(self.0.clone()))
    }

    fn session_policies<'a>(
        &'a self,
        _: &'a str,
        _: Option<&'a str>,
        _: &'a [String],
    ) -> Answer<'a, Arc<[Arc<Policy>]>> {
        answer([].into())
    }

    fn role<'a>(&'a self, _: &'a str) -> Answer<'a, Option<Arc<Role>>> {
        answer(None)
    }

    fn provider<'a>(&'a self, _: &'a str, _: &'a str) -> Answer<'a, Option<Arc<Provider>>> {
        answer(None)
    }

    fn generation(&self) -> u64 {
        1
    }
}

struct Tables(service::ResourcePolicy);

impl AnyService for Tables {
    fn name(&self) -> &'static str {
        "dynamodb"
    }

    fn model(&self) -> &'static Model {
        wire::model("dynamodb").unwrap()
    }

    fn implemented(&self) -> Vec<&'static str> {
        Vec::new()
    }

    fn execute<'a>(&'a self, _: &'a Context, name: &'a str, _: Document) -> BoxFuture<'a, Result<Reply>> {
        Box::pin(async move { Err(service::Failure::not_implemented("dynamodb", name)) })
    }

    fn resource_policy<'a>(
        &'a self,
        _: &'a Context,
        _: &'a Demand,
    ) -> BoxFuture<'a, Result<Option<service::ResourcePolicy>>> {
        Box::pin(async move { Ok(Some(self.0.clone())) })
    }

    fn reset<'a>(&'a self, _: &'a Platform, _: Option<&'a AccountId>) -> BoxFuture<'a, anyhow::Result<()>> {
        Box::pin(async { Ok(()) })
    }
}

fn identities() -> Arc<Ann> {
    let mut statements: Vec<String> = (0..9)
        .map(|number| {
            format!(
                r#"{{"Effect":"Allow","Action":["s3:Get*","s3:Put*"],"Resource":"arn:aws:s3:::bucket-{number}/*"}}"#
            )
        })
        .collect();
    statements.push(format!(r#"{{"Effect":"Allow","Action":"dynamodb:*Item","Resource":"{TABLE}"}}"#));
    let text = format!(r#"{{"Version":"2012-10-17","Statement":[{}]}}"#, statements.join(","));
    let policies = vec![Arc::new(Policy::parse(&text, PolicyKind::Identity).unwrap())];
    let (account, name) = ("111122223333".into(), "ann".into());
    let arn = "arn:aws:iam::111122223333:user/ann".into();
    Arc::new(Ann(Arc::new(Grants { account, name, arn, policies, boundary: None, tags: Default::default() })))
}

fn main() {
    let platform = Platform::new(PlatformParts {
        mode: Mode::Secure,
        kv: Arc::new(MemoryKv::new()),
        blobs: Arc::new(MemoryBlobs::new()),
        clock: Clock::manual(Timestamp::from_epoch_millis(NOW_EPOCH_MILLIS)),
        ids: Ids::random(),
        authorizer: Arc::new(service::AllowAll),
        tasks: Tasks::new(),
    });
    let own = format!(
        r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Deny","Principal":"*","Action":"dynamodb:DeleteTable","Resource":"{TABLE}"}}}}"#
    );
    let policy = service::ResourcePolicy { documents: vec![own.into()], ..Default::default() };
    platform.mount(Registry::new(vec![Box::new(Tables(policy))]));
    let enforcer = Enforcer::new(identities());
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();

    let mut head = http::Request::post("/")
        .header("host", "127.0.0.1:4566")
        .header("content-type", "application/x-amz-json-1.0")
        .header("x-amz-target", "DynamoDB_20120810.GetItem")
        .header("user-agent", "aws-sdk-js/3.0 ua/2.1 os/linux lang/js")
        .body(())
        .unwrap()
        .into_parts()
        .0;
    let credentials = Credentials {
        access_key_id: "AKIAANNANNANNANNANNA".into(),
        secret_access_key: SECRET.into(),
        session_token: None,
    };
    sign(&mut head, BODY, &credentials, "us-east-1", "dynamodb", NOW_EPOCH_MILLIS);

    let keys = SigningKeys::default();
    let verify = || {
        let claim = auth::claim(&head.headers, "").unwrap().unwrap();
        let hash = hex::encode(ring::digest::digest(&ring::digest::SHA256, black_box(BODY)));
        let request = SignedRequest {
            method: "POST",
            path: "/",
            query: "",
            headers: &head.headers,
            body_sha256_hex: Some(&hash),
        };
        auth::verify_with_keys(&claim, &request, SECRET, NOW_EPOCH_MILLIS, &keys).unwrap();
    };
    let decide = || {
        let principal = Principal::User {
            account: AccountId::parse("111122223333").unwrap(),
            name: "ann".into(),
            unique_id: "AIDAANN".into(),
            path: "/".into(),
        };
        let scope = Scope { account: principal.account().clone(), region: Region::default() };
        let cx = ContextBuilder::new(&platform, scope, Caller::internal(principal)).build();
        let demands = vec![Demand::new("dynamodb:GetItem", TABLE.parse().unwrap())];
        let question = Authorization { cx: &cx, service: "dynamodb", operation: "GetItem", demands };
        runtime.block_on(enforcer.authorize(question)).unwrap();
    };
    let (verifying, deciding) = (measure("verify", verify), measure("authorise", decide));
    let together = verifying + deciding;
    println!("verify and authorise      {together:>7.1} µs");
    assert!(together <= MICROSECONDS_MAX, "more than {MICROSECONDS_MAX} µs");
}

/// Microseconds of one call, and says so.
fn measure(name: &str, once: impl Fn()) -> f64 {
    let mut best = f64::INFINITY;
    for _ in 0..ROUNDS {
        let started = Instant::now();
        for _ in 0..REQUESTS_A_ROUND {
            once();
        }
        best = best.min(started.elapsed().as_secs_f64() / f64::from(REQUESTS_A_ROUND));
    }
    println!("{name:<25} {:>7.1} µs", best * 1e6);
    best * 1e6
}
