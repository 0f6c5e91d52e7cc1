//! Starting, failing, waking and stopping, on a clock that stands still until everybody waits.

#![allow(clippy::unwrap_used, reason = "in a test it is an assertion")]

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::bail;
use tasks::{OnFailure, Progress, TaskKind, Tasks, WORKER_BACKOFF_FIRST, WORKER_BACKOFF_MAX, Worker};
use tokio::sync::{Notify, oneshot};
use tokio::time::{Instant, sleep, timeout};

static LOGGED: TaskKind =
    TaskKind { name: "test: logged", on_failure: OnFailure::Log, stop_within: Duration::from_secs(5) };
static NEEDED: TaskKind =
    TaskKind { name: "test: needed", on_failure: OnFailure::Shutdown, stop_within: Duration::from_secs(5) };
static PATIENT: TaskKind =
    TaskKind { name: "test: patient", on_failure: OnFailure::Log, stop_within: Duration::from_secs(60) };

const HOUR: Duration = Duration::from_secs(3600);

#[tokio::test(start_paused = true)]
async fn a_task_that_fails_is_logged_and_gone() {
    let tasks = Tasks::new();
    let failing = tasks.spawn(&LOGGED, async { bail!("no luck") });
    let panicking = tasks.spawn(&LOGGED, async { panic!("a bug") });
    let running = tasks.spawn(&LOGGED, std::future::pending());
    failing.ended().await;
    panicking.ended().await;
    assert!(!running.is_ended());
    assert!(!tasks.stopping().is_stopping());
    assert_eq!(tasks.failure(), None);
    let names: Vec<_> = tasks.list().into_iter().map(|task| task.name).collect();
    assert_eq!(names, ["test: logged"], "the one that runs");
}

#[tokio::test(start_paused = true)]
async fn a_needed_task_that_fails_stops_the_process() {
    for (panics, expected) in [(false, "test: needed: no luck"), (true, "test: needed: panicked: a bug 7")] {
        let tasks = Tasks::new();
        let mut stopping = tasks.stopping();
        tasks.spawn(&NEEDED, async move {
            if panics {
                panic!("a bug {}", 7);
            }
            bail!("no luck")
        });
        timeout(HOUR, stopping.wait()).await.unwrap();
        assert_eq!(tasks.failure().unwrap(), expected);
        let later = tasks.spawn(&NEEDED, async { bail!("a consequence") });
        later.ended().await;
        assert_eq!(tasks.failure().unwrap(), expected, "the first failure is the cause");
    }
}

#[tokio::test(start_paused = true)]
async fn a_needed_task_that_ends_well_stops_nothing() {
    let tasks = Tasks::new();
    tasks.spawn(&NEEDED, async { Ok(()) }).ended().await;
    assert!(!tasks.stopping().is_stopping());
}

#[tokio::test(start_paused = true)]
async fn shutdown_waits_for_what_is_running() {
    let tasks = Tasks::new();
    let done = Arc::new(AtomicUsize::new(0));
    let (request_done, task_done) = (Arc::clone(&done), Arc::clone(&done));
    drop(tasks.request(async move {
        sleep(Duration::from_secs(3)).await;
        request_done.fetch_add(1, Ordering::SeqCst);
    }));
    let mut stopping = tasks.stopping();
    tasks.spawn(&LOGGED, async move {
        stopping.wait().await;
        sleep(Duration::from_secs(4)).await;
        task_done.fetch_add(1, Ordering::SeqCst);
        Ok(())
    });
    assert_eq!(tasks.requests(), 1);
    let begun = Instant::now();
    let report = tasks.shutdown(Duration::from_secs(10)).await;
    assert!(report.is_clean(), "{report:?}");
    assert_eq!(begun.elapsed(), Duration::from_secs(4), "not a moment longer than needed");
    assert_eq!(done.load(Ordering::SeqCst), 2);
    assert_eq!(tasks.requests(), 0);
}

#[tokio::test(start_paused = true)]
async fn shutdown_aborts_what_takes_too_long_and_says_so() {
    let tasks = Tasks::new();
    let dropped = Arc::new(AtomicUsize::new(0));
    let guard = CountDrop(Arc::clone(&dropped));
    tasks.spawn(&LOGGED, async move {
        let _guard = guard;
        std::future::pending().await
    });
    tasks.spawn(&PATIENT, std::future::pending());
    for _ in 0..3 {
        tasks.request(std::future::pending::<()>());
    }
    let begun = Instant::now();
    let report = tasks.shutdown(Duration::from_secs(20)).await;
    assert_eq!(begun.elapsed(), Duration::from_secs(20), "a kind's own time is not longer than the whole");
    assert_eq!(report.aborted, ["test: logged", "test: patient"]);
    assert_eq!(report.requests_aborted, 3);
    assert_eq!(dropped.load(Ordering::SeqCst), 1, "its values were dropped");
    assert!(tasks.list().is_empty());
}

struct CountDrop(Arc<AtomicUsize>);

impl Drop for CountDrop {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[tokio::test(start_paused = true)]
async fn shutdown_with_nothing_running_is_at_once_and_repeatable() {
    let tasks = Tasks::new();
    for _ in 0..2 {
        let begun = Instant::now();
        assert!(tasks.shutdown(HOUR).await.is_clean());
        assert_eq!(begun.elapsed(), Duration::ZERO);
    }
    tasks.stopping().wait().await;
}

#[tokio::test]
async fn shutdown_does_not_wait_for_a_blocked_thread_for_ever() {
    static SHORT: TaskKind =
        TaskKind { name: "test: short", on_failure: OnFailure::Log, stop_within: Duration::from_millis(10) };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let tasks = Tasks::new();
    let (release, blocked) = std::sync::mpsc::channel::<()>();
    let (blocking_sender, blocking) = oneshot::channel();
    let inside = tasks.clone();
    runtime.spawn(async move {
        inside.spawn(&SHORT, async move {
            blocking_sender.send(()).unwrap();
            let _ = blocked.recv();
            Ok(())
        });
    });
    blocking.await.unwrap();
    let report = timeout(Duration::from_secs(20), tasks.shutdown(HOUR)).await.unwrap();
    assert_eq!(report.aborted, ["test: short"]);
    drop(release);
    runtime.shutdown_background();
}

#[tokio::test(start_paused = true)]
async fn a_request_finishes_though_its_client_left() {
    let tasks = Tasks::new();
    let (sender, receiver) = oneshot::channel();
    let request = tasks.request(async move {
        sleep(Duration::from_secs(1)).await;
        sender.send("finished").unwrap();
    });
    drop(request);
    assert_eq!(receiver.await.unwrap(), "finished");
}

#[tokio::test(start_paused = true)]
async fn a_request_gives_its_value_or_its_panic() {
    let tasks = Tasks::new();
    assert_eq!(tasks.request(async { 7 }).await.unwrap(), 7);
    let panicked = tasks.request(async { panic!("a bug") as () }).await.unwrap_err();
    assert!(panicked.is_panic());
    assert_eq!(tasks.requests(), 0, "counted out after a panic too");
}

/// A worker that does what its script says, and notes when.
struct Scripted {
    script: Arc<Mutex<VecDeque<Step>>>,
    ran: Arc<Mutex<Vec<Duration>>>,
    begun: Instant,
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Busy,
    Idle,
    Fail,
    Panic,
    /// Works for a while, then is idle.
    Slow(Duration),
}

impl Scripted {
    fn new(script: &[Step]) -> (Self, Arc<Mutex<Vec<Duration>>>) {
        let ran = Arc::new(Mutex::new(Vec::new()));
        let script = Arc::new(Mutex::new(script.iter().copied().collect()));
        (Self { script, ran: Arc::clone(&ran), begun: Instant::now() }, ran)
    }
}

impl Worker for Scripted {
    async fn work(&mut self) -> anyhow::Result<Progress> {
        let step = self.script.lock().unwrap().pop_front().unwrap_or(Step::Idle);
        if let Step::Slow(time) = step {
            sleep(time).await;
        }
        self.ran.lock().unwrap().push(self.begun.elapsed());
        match step {
            Step::Busy => Ok(Progress::Busy),
            Step::Idle | Step::Slow(_) => Ok(Progress::Idle),
            Step::Fail => bail!("no luck"),
            Step::Panic => panic!("a bug"),
        }
    }
}

fn seconds(times: &Mutex<Vec<Duration>>) -> Vec<f64> {
    times
        .lock()
        .unwrap()
        .iter()
        .map(Duration::as_secs_f64)
        .map(|time| (time * 100.0).round() / 100.0)
        .collect()
}

#[tokio::test(start_paused = true)]
async fn a_worker_runs_until_idle_then_on_the_timer_and_on_a_wake_up() {
    let tasks = Tasks::new();
    let wake = Arc::new(Notify::new());
    let (worker, ran) = Scripted::new(&[Step::Busy, Step::Busy, Step::Idle]);
    tasks.spawn_worker(&LOGGED, worker, Arc::clone(&wake), Duration::from_secs(10));
    sleep(Duration::from_secs(25)).await;
    assert_eq!(seconds(&ran), [0.0, 0.0, 0.0, 10.0, 20.0]);
    wake.notify_one();
    sleep(Duration::from_secs(1)).await;
    assert_eq!(seconds(&ran)[5..], [25.0]);
    let status = &tasks.list()[0];
    assert_eq!((status.units, status.errors, &status.last_error), (6, 0, &None));
    assert!(tasks.shutdown(HOUR).await.is_clean());
}

#[tokio::test(start_paused = true)]
async fn a_wake_up_during_work_is_not_lost() {
    let tasks = Tasks::new();
    let wake = Arc::new(Notify::new());
    let (worker, ran) = Scripted::new(&[Step::Slow(Duration::from_secs(5)), Step::Idle]);
    tasks.spawn_worker(&LOGGED, worker, Arc::clone(&wake), HOUR);
    sleep(Duration::from_secs(1)).await;
    wake.notify_one();
    sleep(Duration::from_secs(10)).await;
    assert_eq!(seconds(&ran), [5.0, 5.0]);
}

#[tokio::test(start_paused = true)]
async fn a_failing_worker_waits_longer_each_time_up_to_a_bound() {
    let tasks = Tasks::new();
    let mut script = vec![Step::Fail; 12];
    script.extend([Step::Idle, Step::Panic, Step::Idle]);
    let (worker, ran) = Scripted::new(&script);
    let wake = Arc::new(Notify::new());
    tasks.spawn_worker(&LOGGED, worker, Arc::clone(&wake), HOUR);
    sleep(Duration::from_secs(5 * 60)).await;
    let times = ran.lock().unwrap().clone();
    let waits: Vec<_> = times.windows(2).map(|pair| (pair[1] - pair[0]).as_millis()).collect();
    assert_eq!(
        waits,
        [100, 200, 400, 800, 1600, 3200, 6400, 12800, 25600, 30000, 30000, 30000].map(|wait| wait as u128)
    );
    assert_eq!(waits[0], WORKER_BACKOFF_FIRST.as_millis());
    assert_eq!(waits[11], WORKER_BACKOFF_MAX.as_millis());
    let status = &tasks.list()[0];
    assert_eq!((status.units, status.errors), (1, 12));
    assert_eq!(status.last_error.as_deref(), Some("no luck"));

    // After a success it starts small again; a panic is an error like any other.
    wake.notify_one();
    sleep(Duration::from_secs(1)).await;
    let status = &tasks.list()[0];
    assert_eq!((status.units, status.errors), (2, 13));
    assert_eq!(status.last_error.as_deref(), Some("panicked: a bug"));
}

#[tokio::test(start_paused = true)]
async fn a_panic_ends_a_needed_worker_and_the_process() {
    let tasks = Tasks::new();
    let (worker, ran) = Scripted::new(&[Step::Fail, Step::Panic]);
    let handle = tasks.spawn_worker(&NEEDED, worker, Arc::new(Notify::new()), HOUR);
    handle.ended().await;
    assert!(tasks.stopping().is_stopping());
    assert_eq!(tasks.failure().unwrap(), "test: needed: panicked: a bug");
    assert_eq!(ran.lock().unwrap().len(), 2, "an error alone is retried");
}

#[tokio::test(start_paused = true)]
async fn a_stop_lets_a_unit_finish_and_cuts_a_wait_short() {
    let tasks = Tasks::new();
    let (busy, busy_ran) = Scripted::new(&[Step::Slow(Duration::from_secs(3))]);
    let (idle, idle_ran) = Scripted::new(&[Step::Idle]);
    let (failing, failing_ran) = Scripted::new(&[Step::Fail; 20]);
    for worker in [busy, idle, failing] {
        tasks.spawn_worker(&LOGGED, worker, Arc::new(Notify::new()), HOUR);
    }
    sleep(Duration::from_secs(1)).await;
    let begun = Instant::now();
    assert!(tasks.shutdown(HOUR).await.is_clean());
    assert_eq!(begun.elapsed(), Duration::from_secs(2));
    assert_eq!(seconds(&busy_ran), [3.0], "the unit under way was finished");
    assert_eq!(idle_ran.lock().unwrap().len(), 1);
    assert_eq!(failing_ran.lock().unwrap().len(), 4, "at 0, 0.1, 0.3 and 0.7 seconds");
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_is_always_busy_lets_others_work() {
    let tasks = Tasks::new();
    struct Endless(Arc<AtomicUsize>);
    impl Worker for Endless {
        async fn work(&mut self) -> anyhow::Result<Progress> {
            self.0.fetch_add(1, Ordering::SeqCst);
            Ok(Progress::Busy)
        }
    }
    let units = Arc::new(AtomicUsize::new(0));
    tasks.spawn_worker(&LOGGED, Endless(Arc::clone(&units)), Arc::new(Notify::new()), HOUR);
    while units.load(Ordering::SeqCst) < 100 {
        tokio::task::yield_now().await;
    }
    assert!(tasks.shutdown(HOUR).await.is_clean());
}

#[tokio::test(start_paused = true)]
async fn an_aborted_task_is_not_a_failure() {
    let tasks = Tasks::new();
    let task = tasks.spawn(&NEEDED, std::future::pending());
    tokio::task::yield_now().await;
    task.abort();
    task.ended().await;
    assert!(tasks.list().is_empty());
    assert_eq!(tasks.failure(), None);
}
