//! One shard of one mapping: read, gather, deliver, note how far it is done.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use serde_json::{Value, json};
use service::{Context, Platform, Principal, Result, Scope};
use tokio::sync::watch;

use super::EventSources;
use super::batch::{self, Next, Outcome, Policy, Wait, Work};
use super::checkpoint::Checkpoint;
use super::failure::{Condition, GivenUp};
use super::filter::Filters;
use super::invoke::{FunctionFailure, Ran, invoke};
use super::mapping::Mapping;
use super::source::{Position, Source, SourceRecord};
use super::window::{Last, STATE_BYTES_MAX, Window};

/// Records read at once.
const READ_RECORDS_MAX: usize = 1_000;
/// Bytes of the records of one batch; leaves room for the rest of the event in the 6 MB of an invocation.
const BATCH_BYTES_MAX: usize = 5 * 1024 * 1024;
/// How long a reader waits for records before it looks at everything again.
const WAIT_MAX: Duration = Duration::from_secs(5);
/// Waits between two attempts at a batch: the first, doubled with each further one up to the longest.
const RETRY_WAIT_FIRST: Duration = Duration::from_millis(200);
const RETRY_WAIT_MAX: Duration = Duration::from_secs(60);
/// Attempts to tell a destination of failed records.
const TELL_ATTEMPTS_MAX: u32 = 5;

/// Whether there is more to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Goes {
    On,
    /// The mapping is being stopped.
    Stopped,
    /// The shard has ended and is done.
    Ended,
}

pub(crate) struct Shard<S> {
    pub(crate) platform: Arc<Platform>,
    pub(crate) scope: Scope,
    pub(crate) source: Arc<S>,
    pub(crate) mapping: Arc<Mapping>,
    pub(crate) shard: String,
    pub(crate) principal: Principal,
    pub(crate) results: EventSources,
    pub(crate) stop: watch::Receiver<bool>,
}

/// What one delivery found out beside its end.
struct Delivery {
    outcome: Outcome,
    failure: Option<FunctionFailure>,
    state: Option<Value>,
}

impl<S: Source> Shard<S> {
    /// Goes on until it is stopped or the shard ends. An error is temporary: call again.
    pub(crate) async fn run(&mut self) -> Result<Goes> {
        let cx = self.context();
        let mut checkpoint = match Checkpoint::load(&cx, &self.mapping, &self.shard).await? {
            Some(checkpoint) => checkpoint,
            // A shard that appeared after the mapping: all of it is new.
            None => Checkpoint::at(Position::Horizon),
        };
        let filters = Filters::new(self.mapping.settings.filters.as_ref());
        loop {
            match self.round(&cx, &filters, &mut checkpoint).await? {
                Goes::On => {}
                end => return Ok(end),
            }
        }
    }

    /// Gathers records, delivers them, and notes it.
    async fn round(&mut self, cx: &Context, filters: &Filters, checkpoint: &mut Checkpoint) -> Result<Goes> {
        let (records, next, ended) = self.gather(cx, filters, checkpoint).await?;
        if self.is_stopping() {
            return Ok(Goes::Stopped);
        }
        let lanes = self.mapping.settings.parallelization_factor.max(1) as usize;
        let goes = if lanes == 1 || records.is_empty() {
            self.deliver_in_order(cx, &records, Some(&mut *checkpoint)).await?
        } else {
            self.deliver_by_partition(cx, &records, lanes).await?
        };
        if goes == Goes::Stopped {
            return Ok(Goes::Stopped);
        }
        self.close_window_if_due(cx, checkpoint, ended).await?;
        if checkpoint.position != next {
            checkpoint.position = next;
            checkpoint.save(cx, &self.mapping, &self.shard).await?;
        }
        Ok(if ended { Goes::Ended } else { Goes::On })
    }

    /// Records that are wanted: a batch for each lane, or what came within the batching window. Nothing when nothing came
    /// for a while.
    async fn gather(
        &mut self,
        cx: &Context,
        filters: &Filters,
        checkpoint: &Checkpoint,
    ) -> Result<(Vec<SourceRecord>, Position, bool)> {
        let settings = &self.mapping.settings;
        let wanted = (settings.batch_size.max(1) * settings.parallelization_factor.max(1)) as usize;
        let batching_window = Duration::from_secs(settings.batching_window_seconds.into());
        let mut next = checkpoint.position.clone();
        let mut records = Vec::new();
        let mut bytes = 0;
        let mut first_came: Option<Instant> = None;
        let began = Instant::now();
        loop {
            let asked = (wanted - records.len()).min(READ_RECORDS_MAX);
            let chunk = self.source.read(cx, &self.shard, &next, asked).await?;
            let came = chunk.records.len();
            next = chunk.next;
            for record in chunk.records.into_iter().filter(|record| filters.wants(record)) {
                bytes += record.json.to_string().len();
                records.push(record);
            }
            if !records.is_empty() && first_came.is_none() {
                first_came = Some(Instant::now());
            }
            let full = records.len() >= wanted || bytes >= BATCH_BYTES_MAX;
            let waited = first_came.map_or(began.elapsed(), |first| first.elapsed());
            let limit = if records.is_empty() { WAIT_MAX } else { batching_window };
            // Reading on where records come in shows when there are none left, which costs no waiting.
            let drained = came < asked;
            if full || chunk.ended || self.is_stopping() || (drained && waited >= limit) {
                return Ok((records, next, chunk.ended));
            }
            if drained {
                let left = (limit - waited).min(self.until_window_ends(cx, checkpoint));
                if left.is_zero() {
                    return Ok((records, next, false));
                }
                let source = Arc::clone(&self.source);
                tokio::select! {
                    waited = source.wait(cx, &self.shard, &next, left) => waited?,
                    _ = self.stop.changed() => {}
                }
            }
        }
    }

    /// Records of different partitions side by side, those of one in order. Noted when all are done.
    async fn deliver_by_partition(
        &self,
        cx: &Context,
        records: &[SourceRecord],
        lanes: usize,
    ) -> Result<Goes> {
        let mut by_lane: BTreeMap<u64, Vec<SourceRecord>> = BTreeMap::new();
        for record in records {
            let mut hasher = DefaultHasher::new();
            record.partition.hash(&mut hasher);
            by_lane.entry(hasher.finish() % lanes as u64).or_default().push(record.clone());
        }
        let lanes = by_lane.values().map(|records| self.deliver_in_order(cx, records, None));
        let ends = futures_util::future::join_all(lanes).await;
        let mut goes = Goes::On;
        for end in ends {
            if end? == Goes::Stopped {
                goes = Goes::Stopped;
            }
        }
        Ok(goes)
    }

    /// Batch after batch. With a checkpoint, it is moved and saved behind each.
    async fn deliver_in_order(
        &self,
        cx: &Context,
        records: &[SourceRecord],
        mut checkpoint: Option<&mut Checkpoint>,
    ) -> Result<Goes> {
        let mut at = 0;
        while at < records.len() {
            let window = checkpoint.as_deref_mut().filter(|_| self.has_windows());
            let mut end = batch_end(records, at, self.mapping.settings.batch_size.max(1) as usize);
            if let Some(checkpoint) = window {
                let arrived = records[at].arrived_epoch_millis;
                if checkpoint.window.as_ref().is_some_and(|window| !window.contains(arrived)) {
                    self.close_window(cx, checkpoint).await?;
                }
                let length = self.mapping.settings.tumbling_window_seconds;
                let window = checkpoint.window.get_or_insert_with(|| Window::around(arrived, length)).clone();
                let inside = |record: &SourceRecord| window.contains(record.arrived_epoch_millis);
                end = at + records[at..end].iter().take_while(|record| inside(record)).count();
            }
            if self.deliver(cx, records, at..end, checkpoint.as_deref_mut()).await? == Goes::Stopped {
                return Ok(Goes::Stopped);
            }
            at = end;
        }
        Ok(Goes::On)
    }

    /// One batch, with all that may follow a failure of it.
    async fn deliver(
        &self,
        cx: &Context,
        records: &[SourceRecord],
        batch: Range<usize>,
        mut checkpoint: Option<&mut Checkpoint>,
    ) -> Result<Goes> {
        let settings = &self.mapping.settings;
        let policy = Policy { retries_max: settings.retries_max, bisect: settings.bisect_on_error };
        let mut stack = vec![Work { records: batch, failures: 0 }];
        let mut wait = RETRY_WAIT_FIRST;
        let mut invocations = 0;
        while let Some(work) = stack.pop() {
            if self.is_stopping() {
                return Ok(Goes::Stopped);
            }
            let fresh = self.first_fresh(cx, records, &work.records);
            if fresh > work.records.start {
                let old = &records[work.records.start..fresh];
                self.give_up(old, Condition::RecordAgeExceeded, invocations, None).await;
                self.note(cx, old, &mut checkpoint, None).await?;
                if fresh < work.records.end {
                    stack.push(Work { records: fresh..work.records.end, failures: work.failures });
                }
                continue;
            }
            let window = checkpoint.as_ref().and_then(|checkpoint| checkpoint.window.clone());
            let delivery = self.attempt(records, &work.records, window.as_ref()).await?;
            invocations += u32::from(delivery.outcome != Outcome::NotRun);
            self.tell_result(delivery.outcome);
            match batch::next(policy, &work, delivery.outcome) {
                Next::Done => {
                    self.note(cx, &records[work.records.clone()], &mut checkpoint, delivery.state).await?;
                    wait = RETRY_WAIT_FIRST;
                }
                Next::GiveUp => {
                    let lost = &records[work.records.clone()];
                    let condition = Condition::RetryAttemptsExhausted;
                    self.give_up(lost, condition, invocations, delivery.failure.as_ref()).await;
                    self.note(cx, lost, &mut checkpoint, None).await?;
                    wait = RETRY_WAIT_FIRST;
                }
                Next::Again(left, pause) => {
                    let first = left.first().map_or(work.records.start, |work| work.records.start);
                    if first > work.records.start {
                        let done = &records[work.records.start..first];
                        self.note(cx, done, &mut checkpoint, delivery.state).await?;
                    }
                    stack.extend(left.into_iter().rev());
                    if pause == Wait::Yes {
                        self.pause(wait).await;
                        wait = (wait * 2).min(RETRY_WAIT_MAX);
                    }
                }
            }
        }
        Ok(Goes::On)
    }

    async fn attempt(
        &self,
        records: &[SourceRecord],
        batch: &Range<usize>,
        window: Option<&Window>,
    ) -> Result<Delivery> {
        let all: Vec<&Value> = records[batch.clone()].iter().map(|record| &record.json).collect();
        let mut event = json!({ "Records": all });
        if let Some(window) = window {
            window.add_to(&mut event, &self.shard, &self.mapping.source_arn, Last::No);
        }
        let delivery = |outcome| Delivery { outcome, failure: None, state: None };
        let failed = Outcome::FailedFrom(batch.start);
        Ok(match self.invoke(&event).await? {
            Ran::NotRun(code) => {
                tracing::debug!(mapping = self.mapping.id, code, "a batch was not taken");
                delivery(Outcome::NotRun)
            }
            Ran::Failed(failure) => Delivery { failure: Some(failure), ..delivery(failed) },
            Ran::Answered(answer) => {
                let state = window.map(|_| new_state(&answer));
                match state {
                    Some(None) => return Ok(delivery(failed)),
                    state => {
                        let outcome = if self.mapping.settings.reports_item_failures() {
                            batch::reported(&answer, batch.clone(), |index| records[index].sequence.clone())
                        } else {
                            Outcome::Succeeded
                        };
                        Delivery { state: state.flatten(), ..delivery(outcome) }
                    }
                }
            }
        })
    }

    async fn invoke(&self, event: &Value) -> Result<Ran> {
        let payload = Bytes::from(event.to_string());
        invoke(&self.platform, &self.scope, &self.mapping.function_arn, payload).await
    }

    /// These records are done.
    async fn note(
        &self,
        cx: &Context,
        records: &[SourceRecord],
        checkpoint: &mut Option<&mut Checkpoint>,
        state: Option<Value>,
    ) -> Result<()> {
        let (Some(checkpoint), Some(last)) = (checkpoint.as_deref_mut(), records.last()) else {
            return Ok(());
        };
        checkpoint.position = Position::After(last.sequence.clone());
        if let (Some(window), Some(state)) = (&mut checkpoint.window, state) {
            window.state = state;
        }
        checkpoint.save(cx, &self.mapping, &self.shard).await
    }

    fn has_windows(&self) -> bool {
        self.mapping.settings.tumbling_window_seconds > 0
    }

    async fn close_window_if_due(
        &self,
        cx: &Context,
        checkpoint: &mut Checkpoint,
        ended: bool,
    ) -> Result<()> {
        let now = cx.now().epoch_millis();
        let due = checkpoint.window.as_ref().is_some_and(|window| ended || !window.contains(now));
        if due { self.close_window(cx, checkpoint).await } else { Ok(()) }
    }

    /// Tells the function that the window is over, until it takes it.
    async fn close_window(&self, cx: &Context, checkpoint: &mut Checkpoint) -> Result<()> {
        let Some(window) = checkpoint.window.clone() else { return Ok(()) };
        let mut event = json!({ "Records": [] });
        window.add_to(&mut event, &self.shard, &self.mapping.source_arn, Last::Yes);
        let (mut failures, mut wait) = (0, RETRY_WAIT_FIRST);
        loop {
            match self.invoke(&event).await? {
                Ran::Answered(_) => break,
                Ran::Failed(_) => {
                    failures += 1;
                    if self.mapping.settings.retries_max.is_some_and(|max| failures > max) {
                        break;
                    }
                }
                Ran::NotRun(_) => {}
            }
            if self.is_stopping() {
                return Ok(());
            }
            self.pause(wait).await;
            wait = (wait * 2).min(RETRY_WAIT_MAX);
        }
        checkpoint.window = None;
        checkpoint.save(cx, &self.mapping, &self.shard).await
    }

    fn until_window_ends(&self, cx: &Context, checkpoint: &Checkpoint) -> Duration {
        let Some(window) = &checkpoint.window else { return Duration::MAX };
        let left = window.end_epoch_millis - cx.now().epoch_millis();
        Duration::from_millis(u64::try_from(left).unwrap_or(0))
    }

    /// The first of these records that is not too old.
    fn first_fresh(&self, cx: &Context, records: &[SourceRecord], within: &Range<usize>) -> usize {
        let Some(age_max) = self.mapping.settings.record_age_seconds_max else { return within.start };
        let oldest = cx.now().epoch_millis() - i64::from(age_max) * 1_000;
        let old = records[within.clone()].iter().take_while(|record| record.arrived_epoch_millis < oldest);
        within.start + old.count()
    }

    async fn give_up(
        &self,
        records: &[SourceRecord],
        condition: Condition,
        invocations: u32,
        last: Option<&FunctionFailure>,
    ) {
        let given_up = GivenUp {
            mapping: &self.mapping,
            shard: &self.shard,
            batch_info_name: self.source.batch_info_name(),
            records,
            condition,
            invocations,
            last,
        };
        for attempt in 1..=TELL_ATTEMPTS_MAX {
            match given_up.tell(&self.platform, &self.principal).await {
                Ok(()) => return,
                Err(failure) => {
                    tracing::warn!(
                        mapping = self.mapping.id,
                        attempt,
                        error = %failure,
                        "the destination of failed records does not take them"
                    );
                }
            }
            self.pause(RETRY_WAIT_FIRST * attempt).await;
        }
    }

    fn tell_result(&self, outcome: Outcome) {
        let text = match outcome {
            Outcome::Succeeded => "OK",
            Outcome::FailedFrom(_) => "PROBLEM: Function call failed",
            Outcome::NotRun => "PROBLEM: Function could not be invoked",
        };
        self.results.set_result(&self.mapping.id, text);
    }

    /// Waits, unless the mapping is stopped.
    async fn pause(&self, wait: Duration) {
        let mut stop = self.stop.clone();
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            _ = stop.wait_for(|stop| *stop) => {}
        }
    }

    fn is_stopping(&self) -> bool {
        *self.stop.borrow()
    }

    fn context(&self) -> Context {
        Context::internal(&self.platform, self.scope.clone(), self.principal.clone())
    }
}

/// Where the batch that begins here ends: by number and by size.
fn batch_end(records: &[SourceRecord], start: usize, records_max: usize) -> usize {
    let mut bytes = 0;
    let fits = records[start..].iter().take(records_max).take_while(|record| {
        bytes += record.json.to_string().len();
        bytes <= BATCH_BYTES_MAX
    });
    start + fits.count().max(1)
}

/// The state that the function hands back, an empty one when it hands back none; `None` when it is too large.
fn new_state(answer: &[u8]) -> Option<Value> {
    let answer: Value = serde_json::from_slice(answer).unwrap_or_default();
    let state = answer.get("state").cloned().unwrap_or_else(|| json!({}));
    (state.to_string().len() <= STATE_BYTES_MAX).then_some(state)
}
