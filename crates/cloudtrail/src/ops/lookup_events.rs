use serde::{Deserialize, Serialize};
use service::{Context, Operation, PageToken, Result};
use wire::Timestamp;

use crate::CloudTrail;
use crate::error::Error;
use crate::event::Event;
use crate::tables::{BATCHES, key, number};

const RESULTS_MAX: usize = 50;
/// Batches read for one answer; a lookup that finds little in them answers a token and goes on.
const BATCHES_READ_MAX: usize = 512;
const BATCHES_AT_ONCE: usize = 16;
const SHOWN_MILLIS: i64 = 90 * 24 * 60 * 60 * 1_000;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct LookupEvents {
    #[serde(default)]
    lookup_attributes: Vec<Attribute>,
    start_time: Option<Timestamp>,
    end_time: Option<Timestamp>,
    event_category: Option<String>,
    max_results: Option<usize>,
    next_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Attribute {
    attribute_key: String,
    attribute_value: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Found {
    events: Vec<FoundEvent>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct FoundEvent {
    event_id: String,
    event_name: String,
    read_only: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    access_key_id: String,
    event_time: Timestamp,
    event_source: String,
    username: String,
    resources: Vec<FoundResource>,
    cloud_trail_event: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct FoundResource {
    #[serde(skip_serializing_if = "str::is_empty")]
    resource_type: &'static str,
    resource_name: String,
}

/// Where a lookup goes on: with the notes of a batch that are before a place in it.
#[derive(Clone, Copy)]
struct Place {
    batch: u64,
    before: usize,
}

impl Operation for LookupEvents {
    type Service = CloudTrail;
    type Output = Found;
    const NAME: &'static str = "LookupEvents";

    async fn run(self, service: &CloudTrail, cx: &Context) -> Result<Found> {
        self.check()?;
        // What was decided before the question is part of the answer.
        service.trail.write().await?;
        let place = self.next_token.as_deref().map(Place::decode).transpose()?;
        let wanted = self.max_results.unwrap_or(RESULTS_MAX);
        let mut events = Vec::new();
        let (mut before, mut read) = (place.map(|place| key(place.batch + 1)), 0);
        loop {
            let batches = cx.rows(&BATCHES).list_backward("", before.as_deref(), BATCHES_AT_ONCE).await?;
            let is_last = batches.len() < BATCHES_AT_ONCE;
            for (key, batch) in batches {
                let Some(this) = number(&key) else { continue };
                let end = place.filter(|place| place.batch == this).map_or(batch.len(), |place| place.before);
                for index in (0..end.min(batch.len())).rev() {
                    let Some(event) = batch.event(index) else { continue };
                    if !self.is_within(cx, &event) || !self.is_meant(&event) {
                        continue;
                    }
                    if events.len() == wanted {
                        let next_token = Some(Place { batch: this, before: index + 1 }.encode());
                        return Ok(Found { events, next_token });
                    }
                    events.push(shown(cx, event));
                }
                read += 1;
                if read == BATCHES_READ_MAX && this > 0 {
                    let next_token = Some(Place { batch: this - 1, before: usize::MAX }.encode());
                    return Ok(Found { events, next_token });
                }
                before = Some(key);
            }
            if is_last {
                return Ok(Found { events, next_token: None });
            }
        }
    }
}

impl LookupEvents {
    fn check(&self) -> Result<()> {
        const KEYS: [&str; 8] = [
            "EventId",
            "EventName",
            "ReadOnly",
            "Username",
            "ResourceType",
            "ResourceName",
            "EventSource",
            "AccessKeyId",
        ];
        if self.lookup_attributes.len() > 1 {
            return Err(
                Error::InvalidLookupAttributesException("Only one lookup attribute is allowed.").into()
            );
        }
        if self.lookup_attributes.iter().any(|attribute| !KEYS.contains(&attribute.attribute_key.as_str())) {
            return Err(Error::InvalidLookupAttributesException("The lookup attribute is not known.").into());
        }
        if self.max_results.is_some_and(|results| !(1..=RESULTS_MAX).contains(&results)) {
            return Err(Error::InvalidMaxResultsException(RESULTS_MAX).into());
        }
        if let (Some(start), Some(end)) = (self.start_time, self.end_time)
            && start > end
        {
            return Err(Error::InvalidTimeRangeException.into());
        }
        match self.event_category.as_deref() {
            None => Ok(()),
            Some("insight") => {
                Err(service::Failure::unsupported("insight events of cloudtrail:LookupEvents"))
            }
            Some(_) => Err(Error::InvalidEventCategoryException.into()),
        }
    }

    fn is_within(&self, cx: &Context, event: &Event) -> bool {
        let at = event.at_epoch_millis;
        at >= cx.now().epoch_millis() - SHOWN_MILLIS
            && self.start_time.is_none_or(|start| at >= start.epoch_millis())
            && self.end_time.is_none_or(|end| at <= end.epoch_millis())
    }

    fn is_meant(&self, event: &Event) -> bool {
        let Some(Attribute { attribute_key, attribute_value }) = self.lookup_attributes.first() else {
            return true;
        };
        match attribute_key.as_str() {
            "EventId" => event.request_id == *attribute_value,
            "EventName" => event.operation == *attribute_value,
            "ReadOnly" => event.is_read_only().to_string() == *attribute_value,
            "Username" => event.user_name() == *attribute_value,
            "ResourceType" => event.resource_type() == attribute_value,
            "ResourceName" => {
                event.has_resource() && resource_names(event).any(|name| name == attribute_value)
            }
            "EventSource" => event.source() == *attribute_value,
            "AccessKeyId" => event.access_key_id == *attribute_value,
            _ => false,
        }
    }
}

/// People look for resources by ARN and by name alike.
fn resource_names(event: &Event) -> impl Iterator<Item = &str> {
    let last = event.resource.rsplit([':', '/']).next().unwrap_or_default();
    [event.resource.as_str(), last].into_iter()
}

fn shown(cx: &Context, event: Event) -> FoundEvent {
    let record = event.record(cx.scope()).to_string();
    let resources = match event.has_resource() {
        true => vec![FoundResource {
            resource_type: event.resource_type(),
            resource_name: event.resource.clone(),
        }],
        false => Vec::new(),
    };
    FoundEvent {
        event_name: event.operation.clone(),
        read_only: event.is_read_only().to_string(),
        event_time: Timestamp::from_epoch_millis(event.at_epoch_millis),
        event_source: event.source(),
        username: event.user_name(),
        resources,
        cloud_trail_event: record,
        event_id: event.request_id,
        access_key_id: event.access_key_id,
    }
}

impl Place {
    fn encode(self) -> String {
        PageToken(format!("{} {}", self.batch, self.before)).encode()
    }

    fn decode(token: &str) -> std::result::Result<Self, Error> {
        let invalid = || Error::InvalidNextTokenException;
        let PageToken(text) = PageToken::decode(token).map_err(|_| invalid())?;
        let (batch, before) = text.split_once(' ').ok_or_else(invalid)?;
        let batch: u64 = batch.parse().ok().filter(|batch| *batch < u64::MAX).ok_or_else(invalid)?;
        Ok(Place { batch, before: before.parse().map_err(|_| invalid())? })
    }
}
