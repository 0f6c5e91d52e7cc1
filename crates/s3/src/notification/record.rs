//! The record of an event, as functions, queues and topics receive it.
//!
//! Source: user guide, "Event message structure".

use serde_json::{Value, json};
use wire::Timestamp;

use crate::events::Cause;

/// One thing that happened to one object.
#[derive(Clone, Debug)]
pub(crate) struct Happening<'a> {
    pub(crate) event: Cause,
    pub(crate) time: Timestamp,
    pub(crate) region: &'a str,
    pub(crate) bucket: &'a str,
    /// The canonical id of the bucket's owner.
    pub(crate) owner_id: &'a str,
    /// Who did it, e.g. `AWS:AROA…:session`; the service's name for what happens by itself.
    pub(crate) principal_id: &'a str,
    pub(crate) source_address: &'a str,
    pub(crate) request_id: &'a str,
    pub(crate) key: &'a str,
    /// `None` where the object is gone.
    pub(crate) bytes: Option<u64>,
    /// Without its quotes.
    pub(crate) etag: Option<&'a str>,
    pub(crate) version_id: Option<&'a str>,
    /// Grows with the changes of a key.
    pub(crate) sequence: u64,
}

/// The message for one rule.
pub(crate) fn message(happening: &Happening<'_>, configuration_id: &str) -> Value {
    json!({ "Records": [record(happening, configuration_id)] })
}

fn record(happening: &Happening<'_>, configuration_id: &str) -> Value {
    let mut object = json!({
        "key": encoded_key(happening.key),
        "sequencer": format!("{:016X}", happening.sequence),
    });
    if let Some(bytes) = happening.bytes {
        object["size"] = bytes.into();
    }
    if let Some(etag) = happening.etag {
        object["eTag"] = etag.into();
    }
    if let Some(version_id) = happening.version_id {
        object["versionId"] = version_id.into();
    }
    json!({
        "eventVersion": happening.event.record_version(),
        "eventSource": "aws:s3",
        "awsRegion": happening.region,
        "eventTime": time(happening.time),
        "eventName": happening.event.name(),
        "userIdentity": { "principalId": happening.principal_id },
        "requestParameters": { "sourceIPAddress": happening.source_address },
        "responseElements": {
            "x-amz-request-id": happening.request_id,
            "x-amz-id-2": happening.request_id,
        },
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": configuration_id,
            "bucket": {
                "name": happening.bucket,
                "ownerIdentity": { "principalId": happening.owner_id },
                "arn": format!("arn:aws:s3:::{}", happening.bucket),
            },
            "object": object,
        },
    })
}

/// Always with milliseconds, as programs that read events with a fixed pattern expect.
fn time(time: Timestamp) -> String {
    let text = time.to_rfc3339();
    match text.strip_suffix('Z') {
        Some(seconds) if !seconds.contains('.') => format!("{seconds}.000Z"),
        _ => text,
    }
}

/// As in a form: a space becomes `+`, a slash stays.
pub(crate) fn encoded_key(key: &str) -> String {
    use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
    const KEPT: &AsciiSet =
        &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'*').remove(b'/').remove(b' ');
    utf8_percent_encode(key, KEPT).to_string().replace(' ', "+")
}
