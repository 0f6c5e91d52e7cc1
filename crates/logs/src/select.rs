//! Which streams of a group a search looks at.

use service::Result;
use store::{Order, Snapshot};

use crate::error::Error;
use crate::group::decode;
use crate::keys::Keys;
use crate::limits::SEARCH_STREAMS_MAX;
use crate::search::Source;
use crate::stream::{self, Latest, LogStream};

const ROWS_AT_ONCE: usize = 1_000;

/// The choice of streams that FilterLogEvents offers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Selection {
    All,
    Prefix(String),
    Names(Vec<String>),
}

/// The chosen streams that have events not before `from`.
pub(crate) async fn select(
    snapshot: &dyn Snapshot,
    keys: &Keys,
    group_id: &str,
    selection: &Selection,
    from: i64,
) -> Result<Vec<Source>> {
    let mut sources = match selection {
        Selection::All => latest(snapshot, keys, group_id, from).await?,
        Selection::Prefix(prefix) => with_prefix(snapshot, keys, group_id, prefix).await?,
        Selection::Names(names) => {
            let mut sources = Vec::new();
            for name in names {
                let stream = stream::find(snapshot, keys, group_id, name).await?;
                sources.extend(Source::of(name.clone(), stream));
            }
            sources
        }
    };
    sources.retain(|source| source.last_event >= from);
    Ok(sources)
}

impl Source {
    /// `None` for a stream without events.
    pub(crate) fn of(stream_name: String, stream: LogStream) -> Option<Self> {
        let (first_event, last_event) = (stream.first_event?, stream.last_event?);
        Some(Source { stream_id: stream.id, stream_name, first_event, last_event })
    }
}

async fn latest(snapshot: &dyn Snapshot, keys: &Keys, group_id: &str, from: i64) -> Result<Vec<Source>> {
    let mut range = keys.latest_from(group_id, from);
    let mut sources = Vec::new();
    loop {
        let rows = snapshot.scan(range.clone(), Order::Forward, ROWS_AT_ONCE).await?;
        for (key, row) in &rows {
            let latest: Latest = decode(&row.value)?;
            let (Some((last_event, stream_name)), Some(first_event)) =
                (keys.read_latest(key), latest.first_event)
            else {
                continue;
            };
            sources.push(Source { stream_id: latest.id, stream_name, first_event, last_event });
        }
        check_count(&sources)?;
        let Some((last, _)) = rows.last().filter(|_| rows.len() == ROWS_AT_ONCE) else { return Ok(sources) };
        range.start = [&last[..], &[0]].concat().into();
    }
}

async fn with_prefix(
    snapshot: &dyn Snapshot,
    keys: &Keys,
    group_id: &str,
    prefix: &str,
) -> Result<Vec<Source>> {
    let mut range = keys.streams(group_id, prefix);
    let mut sources = Vec::new();
    loop {
        let rows = snapshot.scan(range.clone(), Order::Forward, ROWS_AT_ONCE).await?;
        for (key, row) in &rows {
            if let Some(name) = keys.read_stream(key) {
                sources.extend(Source::of(name, decode(&row.value)?));
            }
        }
        check_count(&sources)?;
        let Some((last, _)) = rows.last().filter(|_| rows.len() == ROWS_AT_ONCE) else { return Ok(sources) };
        range.start = [&last[..], &[0]].concat().into();
    }
}

fn check_count(sources: &[Source]) -> std::result::Result<(), Error> {
    if sources.len() > SEARCH_STREAMS_MAX {
        return Err(Error::invalid(format!(
            "More than {SEARCH_STREAMS_MAX} log streams match; give a later startTime or name the log streams."
        )));
    }
    Ok(())
}
