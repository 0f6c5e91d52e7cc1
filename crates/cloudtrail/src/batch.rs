//! Calls as they are stored: texts that repeat, which is most of them, are kept once in a batch.

use serde::{Deserialize, Serialize};

use crate::call::Call;
use crate::event::Event;

/// Texts of one batch; most calls share all but two of theirs.
const TEXTS_MAX: usize = 4_096;

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Batch {
    texts: Vec<String>,
    calls: Vec<StoredCall>,
    /// Of texts and calls, about; what decides that a batch is full.
    #[serde(default)]
    bytes: usize,
}

/// Numbers are places in the batch's texts.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct StoredCall {
    at: i64,
    request: String,
    /// Service, operation, action, resource, principal (as JSON), access key, address, user agent, error code, error text.
    texts: [u16; 10],
}

impl Batch {
    pub(crate) fn len(&self) -> usize {
        self.calls.len()
    }

    pub(crate) fn is_full(&self, bytes_max: usize) -> bool {
        self.bytes >= bytes_max || self.texts.len() + 10 > TEXTS_MAX
    }

    pub(crate) fn push(&mut self, call: &Call) {
        let principal = serde_json::to_string(&Event::identity(call)).unwrap_or_default();
        let address = call.source_address.map(|address| address.to_string()).unwrap_or_default();
        let (code, text) = call.denial.as_ref().map_or(("", ""), |(code, text)| (code, text));
        let key = call.access_key_id.as_deref().unwrap_or_default();
        let agent = call.user_agent.as_deref().unwrap_or_default();
        let texts = [
            call.service,
            call.operation,
            &call.action,
            &call.resource,
            &principal,
            key,
            &address,
            agent,
            code,
            text,
        ];
        let texts = texts.map(|text| self.place(text));
        self.bytes += call.request_id.len() + 80;
        self.calls.push(StoredCall { at: call.at_epoch_millis, request: call.request_id.clone(), texts });
    }

    fn place(&mut self, text: &str) -> u16 {
        let found = self.texts.iter().position(|known| known == text);
        let place = found.unwrap_or_else(|| {
            self.bytes += text.len() + 4;
            self.texts.push(text.to_owned());
            self.texts.len() - 1
        });
        u16::try_from(place).unwrap_or(u16::MAX)
    }

    /// The call at a place in the order in which they were noted.
    pub(crate) fn event(&self, index: usize) -> Option<Event> {
        let call = self.calls.get(index)?;
        let text = |place: usize| {
            self.texts.get(usize::from(call.texts[place])).map_or("", String::as_str).to_owned()
        };
        Some(Event {
            at_epoch_millis: call.at,
            request_id: call.request.clone(),
            service: text(0),
            operation: text(1),
            action: text(2),
            resource: text(3),
            identity: serde_json::from_str(&text(4)).unwrap_or_default(),
            access_key_id: text(5),
            source_address: text(6),
            user_agent: text(7),
            error_code: text(8),
            error_text: text(9),
        })
    }
}
