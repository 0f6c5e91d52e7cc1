//! A cloud in memory for the tests of service crates: text in, text out, no clock, no network, no files.
//!
//! ```ignore
//! let cloud = Cloud::new(|platform| vec![Box::new(Mounted { definition: &DEFINITION, service: … })]);
//! check(&cloud, "logs", r#"CreateLogGroup {"logGroupName": "hello"}"#, expect!["{}"]).await;
//! ```

use std::sync::Arc;

use expect_test::Expect;
use service::{
    AccountId, AllowAll, AnyService, Caller, Clock, Context, ContextBuilder, Failure, Ids, Mode, Platform,
    PlatformParts, Principal, Region, Registry, Reply, Scope,
};
use store::{MemoryBlobs, MemoryKv};
use tasks::Tasks;
use wire::{Document, Timestamp};

/// Where the clock stands at first: 2026-01-02T03:04:05Z.
pub const START_EPOCH_MILLIS: i64 = 1_767_323_045_000;

/// Services over stores in memory, with a clock that the test moves and ids that count.
pub struct Cloud {
    pub platform: Arc<Platform>,
    pub scope: Scope,
}

impl Cloud {
    /// In development mode, acting as the root of account 111122223333 in us-east-1.
    pub fn new(services: impl FnOnce(&Arc<Platform>) -> Vec<Box<dyn AnyService>>) -> Self {
        Cloud::in_mode(Mode::Dev, services)
    }

    pub fn in_mode(mode: Mode, services: impl FnOnce(&Arc<Platform>) -> Vec<Box<dyn AnyService>>) -> Self {
        let platform = Platform::new(PlatformParts {
            mode,
            kv: Arc::new(MemoryKv::new()),
            blobs: Arc::new(MemoryBlobs::new()),
            clock: Clock::manual(Timestamp::from_epoch_millis(START_EPOCH_MILLIS)),
            ids: Ids::counting(),
            authorizer: Arc::new(AllowAll),
            tasks: Tasks::new(),
        });
        platform.mount(Registry::new(services(&platform)));
        let account = AccountId::parse("111122223333").expect("twelve digits");
        Cloud { platform, scope: Scope { account, region: Region::default() } }
    }

    /// The same services seen from another account and region.
    pub fn elsewhere(&self, account: &str, region: &str) -> Cloud {
        let scope = Scope {
            account: AccountId::parse(account).expect("the test gives twelve digits"),
            region: Region::parse(region).expect("the test gives a region"),
        };
        Cloud { platform: self.platform.clone(), scope }
    }

    pub fn advance_millis(&self, millis: i64) {
        self.platform.clock().advance_millis(millis);
    }

    /// Delivers the posts that are due by the cloud's clock.
    pub async fn deliver_posts(&self) {
        self.platform.deliver_posts().await.expect("a store in memory does not fail");
    }

    pub fn context(&self) -> Context {
        let caller = Caller::internal(Principal::Root { account: self.scope.account.clone() });
        ContextBuilder::new(&self.platform, self.scope.clone(), caller).build()
    }

    /// Validates the input as the gateway does and runs the operation.
    pub async fn call(&self, service: &str, operation: &str, input: Document) -> Result<Reply, Failure> {
        let registry = self.platform.registry();
        let callee = registry.find(service).ok_or_else(|| Failure::not_implemented(service, operation))?;
        if let Some(shape) = callee.model().operation(operation) {
            let valid = wire::validate(callee.model(), shape, &input);
            match callee.judge(operation) {
                Some(judge) => judge(&input, valid.as_ref().err().map_or(&[], |broken| &broken.0))?,
                None => valid.map_err(|broken| Failure::validation(broken.to_string()))?,
            }
        }
        callee.execute(&self.context(), operation, input).await
    }

    /// `Operation {json}` in; the output as JSON, or `Code: message`, out.
    pub async fn text(&self, service: &str, request: &str) -> String {
        let (operation, input) =
            request.trim().split_once(char::is_whitespace).unwrap_or((request.trim(), "{}"));
        let input: serde_json::Value = serde_json::from_str(input).expect("the test's input is JSON");
        match self.call(service, operation, Document::from_json(&input)).await {
            Ok(reply) => serde_json::to_string_pretty(&reply.document.to_json()).expect("a document is JSON"),
            Err(failure) => failure.to_string(),
        }
    }
}

/// Runs one request and compares what comes back with the snapshot.
pub async fn check(cloud: &Cloud, service: &str, request: &str, expected: Expect) {
    expected.assert_eq(&cloud.text(service, request).await);
}
