//! Posts: what is delivered, when, and what survives.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde::Deserialize;
use service::{
    AccountId, AllowAll, Backoff, Clock, Context, Definition, Empty, Failure, Ids, LANE_DELIVERIES_MAX, Mode,
    Mounted, Operation, Platform, PlatformParts, Post, Principal, Registry, Result, RetryPolicy, Scope,
    Table, operations, start_deliveries,
};
use store::{BoxFuture, FjallKv, Kv, LocalBlobs, Order};
use tasks::Tasks;
use testkit::Cloud;
use wire::{Blob, Document};

static NOTES: Table<String> = Table::regional("sts", "notes");

/// Writes down what it is called for, and fails as it was told.
struct Recorder {
    seen: Mutex<Vec<String>>,
    /// How many calls of a text fail before one succeeds.
    failing: Mutex<HashMap<String, u32>>,
    /// Slow calls that began and that ended.
    running: Mutex<(usize, usize)>,
    /// Lets slow calls end.
    gate: tokio::sync::Semaphore,
}

#[derive(Deserialize)]
struct Record {
    text: String,
    #[serde(default)]
    payload: Option<Blob>,
}

impl Operation for Record {
    type Service = Recorder;
    type Output = Empty;
    const NAME: &'static str = "Record";

    async fn run(self, recorder: &Recorder, cx: &Context) -> Result<Empty> {
        let delivery = cx.delivery().expect("it is only posted");
        assert_eq!(delivery.id(), cx.request_id());
        let mut line = format!("{} {} {}", self.text, delivery.calls(), cx.caller().principal.arn());
        if let Some(payload) = self.payload {
            line.push_str(&format!(" {} bytes", payload.0.len()));
        }
        if let Some(cause) = delivery.cause() {
            line.push_str(&format!(" after {} calls: {}: {}", cause.calls, cause.code, cause.message));
        }
        recorder.seen.lock().unwrap().push(line);
        match self.text.as_str() {
            "panic" if delivery.calls() == 0 => panic!("as told"),
            "postponed" if delivery.calls() == 0 => delivery.postpone(Duration::from_secs(60)),
            "own wait" if delivery.calls() == 0 => delivery.retry_after(Duration::from_secs(90)),
            "slow" => {
                recorder.running.lock().unwrap().0 += 1;
                recorder.gate.acquire().await.unwrap().forget();
                recorder.running.lock().unwrap().1 += 1;
            }
            "follow" => delivery.then(record(cx, "followed").prepare(cx.platform()).await?),
            _ => {}
        }
        let mut failing = recorder.failing.lock().unwrap();
        match failing.get_mut(&self.text) {
            Some(left) if *left > 0 => {
                *left -= 1;
                Err(Failure::new("Told", 400, "to fail"))
            }
            _ => Ok(Empty),
        }
    }
}

fn forget<'a>(
    _: &'a Recorder,
    _: &'a Platform,
    _: Option<&'a AccountId>,
) -> BoxFuture<'a, anyhow::Result<()>> {
    Box::pin(std::future::ready(Ok(())))
}

static DEFINITION: Definition<Recorder> = Definition {
    name: "sts",
    action_prefix: "sts",
    operations: &[],
    internal: operations![Record],
    reset: forget,
};

fn stage() -> (Cloud, Arc<Recorder>) {
    let recorder = Arc::new(Recorder::new());
    let service = Arc::clone(&recorder);
    (Cloud::new(|_| vec![Box::new(Mounted { definition: &DEFINITION, service })]), recorder)
}

fn record(cx: &Context, text: &str) -> Post {
    let principal = Principal::Service { account: cx.account().clone(), name: "s3.amazonaws.com" };
    Post::new(cx, principal, "sts", "Record", Document::map([("text", text.into())]))
}

impl Recorder {
    fn new() -> Self {
        Recorder {
            seen: Mutex::default(),
            failing: Mutex::default(),
            running: Mutex::default(),
            gate: tokio::sync::Semaphore::new(0),
        }
    }

    fn fail(&self, text: &str, calls: u32) {
        self.failing.lock().unwrap().insert(text.to_owned(), calls);
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.seen.lock().unwrap())
    }
}

async fn post(cloud: &Cloud, post: Post) {
    post.prepare(&cloud.platform).await.unwrap().commit(&cloud.platform).await.unwrap();
}

async fn rows(kv: &dyn Kv) -> usize {
    let all = bytes::Bytes::from_static(&[1])..bytes::Bytes::from_static(&[255]);
    kv.snapshot().await.unwrap().scan(all, Order::Forward, 1_000).await.unwrap().len()
}

#[tokio::test]
async fn a_post_comes_with_its_commit_and_leaves_nothing_behind() {
    let (cloud, recorder) = stage();
    let cx = cloud.context();
    let prepared = record(&cx, "hello").prepare(&cloud.platform).await.unwrap();
    assert!(cx.rows(&NOTES).insert("taken", &"1".into()).await.unwrap());
    let refused = cx.changes().insert(&NOTES, "taken", &"2".into()).unwrap().post(&prepared).commit().await;
    assert!(!refused.unwrap());
    cloud.deliver_posts().await;
    assert_eq!(recorder.take(), [""; 0], "the commit did not happen");
    let done = cx.changes().insert(&NOTES, "free", &"2".into()).unwrap().post(&prepared).commit().await;
    assert!(done.unwrap());
    assert_eq!(recorder.take(), [""; 0], "nothing is called within the commit");
    cloud.deliver_posts().await;
    assert_eq!(recorder.take(), ["hello 0 s3.amazonaws.com"]);
    cloud.deliver_posts().await;
    assert_eq!(recorder.take(), [""; 0]);
    assert_eq!(rows(cloud.platform.kv().as_ref()).await, 2, "the two notes");
}

#[tokio::test]
async fn a_transaction_can_post() {
    let (cloud, recorder) = stage();
    let prepared = record(&cloud.context(), "hello").prepare(&cloud.platform).await.unwrap();
    store::txn(cloud.platform.kv().as_ref(), |txn| {
        let prepared = prepared.clone();
        async move {
            prepared.add_to_txn(&txn);
            Ok::<_, store::KvError>(())
        }
    })
    .await
    .unwrap();
    cloud.deliver_posts().await;
    assert_eq!(recorder.take(), ["hello 0 s3.amazonaws.com"]);
}

#[tokio::test]
async fn failures_are_tried_again_when_their_time_has_come() {
    let (cloud, recorder) = stage();
    recorder.fail("hello", 2);
    post(&cloud, record(&cloud.context(), "hello")).await;
    cloud.deliver_posts().await;
    assert_eq!(recorder.take().len(), 1);
    cloud.advance_millis(999);
    cloud.deliver_posts().await;
    assert_eq!(recorder.take(), [""; 0], "one second is the first wait");
    cloud.advance_millis(1);
    cloud.deliver_posts().await;
    assert_eq!(recorder.take(), ["hello 1 s3.amazonaws.com"]);
    cloud.advance_millis(2_000);
    cloud.deliver_posts().await;
    assert_eq!(recorder.take(), ["hello 2 s3.amazonaws.com"]);
    cloud.advance_millis(1_000_000);
    cloud.deliver_posts().await;
    assert_eq!(recorder.take(), [""; 0]);
    assert_eq!(rows(cloud.platform.kv().as_ref()).await, 0);
}

#[tokio::test]
async fn a_post_that_is_given_up_leaves_its_dead_letter() {
    let (cloud, recorder) = stage();
    recorder.fail("hello", 9);
    let policy = RetryPolicy {
        attempts_max: 2,
        backoff: Backoff { first: Duration::from_secs(1), max: Duration::from_secs(1) },
        ..RetryPolicy::default()
    };
    let cx = cloud.context();
    post(&cloud, record(&cx, "hello").retry(policy).dead_letter(record(&cx, "dead"))).await;
    cloud.deliver_posts().await;
    cloud.advance_millis(1_000);
    cloud.deliver_posts().await;
    let seen = recorder.take();
    assert_eq!(seen.len(), 3);
    assert_eq!(seen[2], "dead 0 s3.amazonaws.com after 2 calls: Told: to fail");

    let policy = RetryPolicy { age_max: Duration::from_secs(10), ..RetryPolicy::default() };
    post(&cloud, record(&cx, "late").retry(policy).dead_letter(record(&cx, "dead"))).await;
    cloud.advance_millis(10_001);
    cloud.deliver_posts().await;
    assert_eq!(
        recorder.take(),
        ["dead 0 s3.amazonaws.com after 1 calls: MaximumAgeExceeded: The call was not made in time."]
    );
    let policy = RetryPolicy { refusals_are_final: true, ..RetryPolicy::default() };
    post(&cloud, record(&cx, "hello").retry(policy)).await;
    cloud.deliver_posts().await;
    assert_eq!(recorder.take().len(), 1);
    assert_eq!(rows(cloud.platform.kv().as_ref()).await, 0);
}

#[tokio::test]
async fn the_operation_decides_about_its_own_post() {
    let (cloud, recorder) = stage();
    let cx = cloud.context();
    let once = RetryPolicy { attempts_max: 1, ..RetryPolicy::default() };
    post(&cloud, record(&cx, "postponed").retry(once)).await;
    post(&cloud, record(&cx, "own wait").retry(once)).await;
    post(&cloud, record(&cx, "follow")).await;
    cloud.deliver_posts().await;
    let seen = recorder.take();
    assert_eq!(seen.len(), 4);
    assert_eq!(seen[3], "followed 0 s3.amazonaws.com");
    cloud.advance_millis(60_000);
    cloud.deliver_posts().await;
    assert_eq!(recorder.take(), ["postponed 1 s3.amazonaws.com"]);
    cloud.advance_millis(30_000);
    cloud.deliver_posts().await;
    assert_eq!(recorder.take(), ["own wait 1 s3.amazonaws.com"]);
    recorder.fail("follow", 1);
    post(&cloud, record(&cx, "follow").retry(once)).await;
    cloud.deliver_posts().await;
    assert_eq!(recorder.take(), ["follow 0 s3.amazonaws.com"], "a failed call leaves nothing");
}

#[tokio::test]
async fn a_panic_is_a_failure() {
    let (cloud, recorder) = stage();
    post(&cloud, record(&cloud.context(), "panic")).await;
    cloud.deliver_posts().await;
    cloud.advance_millis(1_000);
    cloud.deliver_posts().await;
    assert_eq!(recorder.take(), ["panic 0 s3.amazonaws.com", "panic 1 s3.amazonaws.com"]);
}

#[tokio::test]
async fn large_inputs_lie_in_blobs_until_they_are_delivered() {
    let (cloud, recorder) = stage();
    let cx = cloud.context();
    let principal = Principal::Root { account: cx.account().clone() };
    let large = |bytes: usize| {
        Document::map([("text", "large".into()), ("payload", Document::Blob(vec![7; bytes].into()))])
    };
    let blobs = || async { cloud.platform.blobs().list().await.unwrap().len() };
    recorder.fail("large", 1);
    post(&cloud, Post::new(&cx, principal.clone(), "sts", "Record", large(1_000_000))).await;
    cloud.deliver_posts().await;
    assert_eq!(blobs().await, 1);
    cloud.advance_millis(1_000);
    cloud.deliver_posts().await;
    assert_eq!(recorder.take()[1], "large 1 arn:aws:iam::111122223333:root 1000000 bytes");
    assert_eq!(blobs().await, 0);

    let prepared = Post::new(&cx, principal.clone(), "sts", "Record", large(100_000))
        .prepare(&cloud.platform)
        .await
        .unwrap();
    assert_eq!(blobs().await, 1);
    prepared.discard(&cloud.platform).await;
    assert_eq!(blobs().await, 0);

    post(&cloud, Post::new(&cx, principal.clone(), "sts", "Record", large(100_000))).await;
    cloud.platform.reset(Some(cx.account())).await.unwrap();
    assert_eq!(blobs().await, 0, "a reset takes the payload");
    cloud.deliver_posts().await;
    assert_eq!((recorder.take().len(), rows(cloud.platform.kv().as_ref()).await), (0, 0));

    let too_large = Post::new(&cx, principal, "sts", "Record", large(service::PAYLOAD_BYTES_MAX));
    assert!(too_large.prepare(&cloud.platform).await.is_err());
    let key = "k".repeat(service::LANE_KEY_BYTES_MAX + 1);
    assert!(record(&cx, "x").lane(key).prepare(&cloud.platform).await.is_err());
}

#[tokio::test]
async fn posts_of_an_ordered_lane_wait_for_each_other() {
    let (cloud, recorder) = stage();
    let cx = cloud.context();
    recorder.fail("one", 1);
    for text in ["one", "two", "three"] {
        post(&cloud, record(&cx, text).in_order("shard")).await;
    }
    post(&cloud, record(&cx, "other").in_order("other shard")).await;
    cloud.deliver_posts().await;
    assert_eq!(recorder.take(), ["other 0 s3.amazonaws.com", "one 0 s3.amazonaws.com"]);
    cloud.advance_millis(1_000);
    cloud.deliver_posts().await;
    assert_eq!(
        recorder.take(),
        ["one 1 s3.amazonaws.com", "two 0 s3.amazonaws.com", "three 0 s3.amazonaws.com"]
    );
    assert_eq!(rows(cloud.platform.kv().as_ref()).await, 0);
}

/// The background work itself, on a real clock: slow calls fill their lane, and the other lane is served meanwhile.
#[tokio::test]
async fn a_slow_lane_is_bounded_and_holds_up_no_other() {
    let (cloud, recorder) = stage();
    let cx = cloud.context();
    let slow = LANE_DELIVERIES_MAX + 20;
    for _ in 0..slow {
        post(&cloud, record(&cx, "slow").lane("slow")).await;
    }
    start_deliveries(&cloud.platform);
    until(|| recorder.running.lock().unwrap().0 == LANE_DELIVERIES_MAX).await;
    post(&cloud, record(&cx, "quick").lane("quick")).await;
    until(|| recorder.seen.lock().unwrap().iter().any(|line| line.starts_with("quick"))).await;
    assert_eq!(*recorder.running.lock().unwrap(), (LANE_DELIVERIES_MAX, 0));
    recorder.gate.add_permits(slow);
    until(|| *recorder.running.lock().unwrap() == (slow, slow)).await;
    while rows(cloud.platform.kv().as_ref()).await > 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert!(cloud.platform.tasks().shutdown(Duration::from_secs(10)).await.is_clean());
    assert_eq!(recorder.take().len(), slow + 1, "each once");
}

/// A process that ends in the middle of calls leaves them to the next.
#[tokio::test]
async fn the_next_process_delivers_what_the_last_one_left() {
    let folder = tempfile::tempdir().unwrap();
    let open = || {
        let platform = Platform::new(PlatformParts {
            mode: Mode::Dev,
            kv: Arc::new(FjallKv::open(&folder.path().join("kv")).unwrap()),
            blobs: Arc::new(LocalBlobs::open(&folder.path().join("blobs")).unwrap()),
            clock: Clock::system(),
            ids: Ids::random(),
            authorizer: Arc::new(AllowAll),
            tasks: Tasks::new(),
        });
        let recorder = Arc::new(Recorder::new());
        let service = Arc::clone(&recorder);
        platform.mount(Registry::new(vec![Box::new(Mounted { definition: &DEFINITION, service })]));
        (Cloud { platform, scope: Scope::default() }, recorder)
    };
    {
        let (cloud, recorder) = open();
        for _ in 0..3 {
            post(&cloud, record(&cloud.context(), "slow")).await;
        }
        start_deliveries(&cloud.platform);
        until(|| recorder.running.lock().unwrap().0 == 3).await;
        cloud.platform.tasks().shutdown(Duration::ZERO).await;
        assert_eq!(recorder.running.lock().unwrap().1, 0, "none has ended");
    }
    let (cloud, recorder) = open();
    recorder.gate.add_permits(3);
    start_deliveries(&cloud.platform);
    until(|| recorder.running.lock().unwrap().1 == 3).await;
    cloud.platform.tasks().shutdown(Duration::from_secs(10)).await;
}

async fn until(mut holds: impl FnMut() -> bool) {
    let waited = tokio::time::timeout(Duration::from_secs(20), async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    });
    waited.await.expect("it never came true");
}
