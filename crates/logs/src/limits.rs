//! The quotas of the API and the bounds of our own storage.
//!
//! Source of the quotas: the API reference of PutLogEvents, GetLogEvents, FilterLogEvents, StartLiveTail, and
//! "CloudWatch Logs quotas" of the user guide.

/// Most bytes of one PutLogEvents batch: messages in UTF-8 plus [`EVENT_OVERHEAD_BYTES`] each.
pub(crate) const BATCH_BYTES_MAX: usize = 1_048_576;

/// What each event counts beside its message.
pub(crate) const EVENT_OVERHEAD_BYTES: usize = 26;

/// Most bytes of one event, overhead included.
pub(crate) const EVENT_BYTES_MAX: usize = 1_048_576;

/// Most events of one PutLogEvents batch.
pub(crate) const BATCH_EVENTS_MAX: usize = 10_000;

/// Longest time between the first and the last valid event of a batch.
pub(crate) const BATCH_SPAN_MILLIS_MAX: i64 = 24 * HOUR_MILLIS;

/// Events older than this are rejected.
pub(crate) const EVENT_AGE_MILLIS_MAX: i64 = 14 * DAY_MILLIS;

/// Events further in the future than this are rejected.
pub(crate) const EVENT_AHEAD_MILLIS_MAX: i64 = 2 * HOUR_MILLIS;

/// Most events of one page of GetLogEvents and FilterLogEvents.
pub(crate) const PAGE_EVENTS_MAX: usize = 10_000;

/// Most bytes of one page of events, counted as for a batch.
pub(crate) const PAGE_BYTES_MAX: usize = 1_048_576;

/// Most log groups or streams of one page of a list.
pub(crate) const LIST_ROWS_MAX: usize = 50;

/// Most bytes of a log stream name: 512 characters by the API; a key of the store has room for this much.
pub(crate) const STREAM_NAME_BYTES_MAX: usize = 1_200;

/// Most bytes of events of one internal Ingest; leaves room for keys and rows in one commit of the store.
pub(crate) const INGEST_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Most events of one internal Ingest.
pub(crate) const INGEST_EVENTS_MAX: usize = 50_000;

/// A chunk of events is closed when it would grow beyond this; a larger single event has a chunk of its own.
pub(crate) const CHUNK_BYTES_MAX: usize = 64 * 1024;

/// All events of a chunk lie in one aligned interval of this length, so that a reader knows how far before its
/// start a chunk can begin.
pub(crate) const CHUNK_SPAN_MILLIS: i64 = 60_000;

/// Chunks read from the store at once.
pub(crate) const CHUNKS_READ_AT_ONCE: usize = 16;

/// A search that has read this many bytes answers what it has and a token.
pub(crate) const SEARCH_BYTES_MAX: usize = 64 * 1024 * 1024;

/// The first interval a search looks at in all streams; it grows as long as little is found.
pub(crate) const SEARCH_INTERVAL_MILLIS_FIRST: i64 = 10 * 60_000;

/// Most streams one search looks at.
pub(crate) const SEARCH_STREAMS_MAX: usize = 200_000;

/// Most sessions of StartLiveTail at a time.
pub(crate) const LIVE_TAIL_SESSIONS_MAX: usize = 15;

/// Most events of one update of a live tail; more are sampled down.
pub(crate) const LIVE_TAIL_UPDATE_EVENTS_MAX: usize = 500;

/// Batches that wait for a live tail that reads slowly; then the oldest are dropped.
pub(crate) const LIVE_TAIL_BATCHES_WAITING_MAX: usize = 1_024;

/// Time between two updates of a live tail.
pub(crate) const LIVE_TAIL_UPDATE_MILLIS: u64 = 1_000;

/// How long a live tail lasts at most.
pub(crate) const LIVE_TAIL_SECONDS_MAX: u64 = 3 * 60 * 60;

/// The days of retention that can be chosen.
pub(crate) const RETENTION_DAYS: [i64; 22] =
    [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653];

pub(crate) const HOUR_MILLIS: i64 = 60 * 60 * 1_000;
pub(crate) const DAY_MILLIS: i64 = 24 * HOUR_MILLIS;
