//! The external extensions of one sandbox: who registered for what, and what each is to be told next.
//!
//! Source: "Using the Lambda Extensions API to create extensions" in the developer guide (version 2020-01-01).

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::json;
use tokio::sync::Notify;

use super::Offer;

/// Extensions of one function (Lambda quotas: 10).
const EXTENSIONS_MAX: usize = 10;
/// Events an extension has not asked for yet; of more the oldest are lost to it.
const EVENTS_WAITING_MAX: usize = 64;
/// How long extensions may go on after they were told that it is over (AWS: 2 s).
pub(crate) const SHUTDOWN_TIME: Duration = Duration::from_secs(2);

/// What an extension learns about its function when it registers.
#[derive(Debug, Clone, Default)]
pub(crate) struct About {
    pub(crate) function_name: String,
    pub(crate) function_version: String,
    pub(crate) handler: String,
    pub(crate) account: String,
}

#[derive(Debug)]
pub(crate) struct Extensions {
    about: About,
    /// File names below `/opt/extensions`: these were started, and init waits for them.
    started: Vec<String>,
    inner: Mutex<Inner>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct Inner {
    registered: Vec<Extension>,
    /// The first call has come: nobody may register any more.
    closed: bool,
    failed: Option<String>,
}

#[derive(Debug)]
struct Extension {
    name: String,
    id: String,
    wants_invoke: bool,
    wants_shutdown: bool,
    events: VecDeque<String>,
    /// Asks for its next event: its init, or its work for the last one, is done.
    waits: bool,
}

/// Why a request is refused: status, error type, message.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refused(pub(super) u16, pub(super) &'static str, pub(super) String);

impl Extensions {
    pub(crate) fn new(about: About, started: Vec<String>) -> Self {
        Self { about, started, inner: Mutex::default(), changed: Notify::new() }
    }

    /// Takes an extension in; gives its identifier and what it is told.
    pub(super) fn register(&self, name: &str, events: &[String]) -> Result<(String, String), Refused> {
        let is_external = self.started.iter().any(|started| started == name);
        let mut inner = self.lock();
        if inner.closed {
            return Err(state_error("Extensions register during the init phase only"));
        }
        if inner.registered.iter().any(|known| known.name == name) {
            return Err(state_error("The extension has registered already"));
        }
        if inner.registered.len() >= EXTENSIONS_MAX {
            let message = format!("No more than {EXTENSIONS_MAX} extensions may register");
            return Err(Refused(400, "Extension.TooManyExtensions", message));
        }
        if let Some(unknown) = events.iter().find(|event| !matches!(event.as_str(), "INVOKE" | "SHUTDOWN")) {
            return Err(Refused(
                400,
                "Extension.InvalidEventType",
                format!("{unknown}: INVOKE or SHUTDOWN is wanted"),
            ));
        }
        let wants = |event: &str| events.iter().any(|wanted| wanted == event);
        if wants("SHUTDOWN") && !is_external {
            let message = "Internal extensions cannot register for SHUTDOWN".to_owned();
            return Err(Refused(400, "ShutdownEventNotSupportedForInternalExtension", message));
        }
        let id = random_id();
        inner.registered.push(Extension {
            name: name.to_owned(),
            id: id.clone(),
            wants_invoke: wants("INVOKE"),
            wants_shutdown: wants("SHUTDOWN"),
            events: VecDeque::new(),
            waits: false,
        });
        let About { function_name, function_version, handler, account } = &self.about;
        let told = json!({
            "functionName": function_name,
            "functionVersion": function_version,
            "handler": handler,
            "accountId": account,
        });
        Ok((id, told.to_string()))
    }

    /// Waits for the extension's next event.
    pub(super) async fn next(&self, id: &str) -> Result<String, Refused> {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            // Listens from here on, so that nothing between the look and the wait is missed.
            changed.as_mut().enable();
            {
                let mut inner = self.lock();
                let extension = find(&mut inner, id)?;
                if let Some(event) = extension.events.pop_front() {
                    extension.waits = false;
                    return Ok(event);
                }
                if !std::mem::replace(&mut extension.waits, true) {
                    drop(inner);
                    self.changed.notify_waiters();
                    continue;
                }
            }
            changed.await;
        }
    }

    /// The extension gives up.
    pub(super) fn fail(&self, id: &str, error_type: &str) -> Result<(), Refused> {
        let mut inner = self.lock();
        let name = find(&mut inner, id)?.name.clone();
        inner.failed.get_or_insert_with(|| format!("{name}: {error_type}"));
        drop(inner);
        self.changed.notify_waiters();
        Ok(())
    }

    /// Waits until every extension has finished its init; an extension that gave up is the error.
    pub(crate) async fn ready(&self) -> Result<(), String> {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            {
                let inner = self.lock();
                if let Some(failed) = &inner.failed {
                    return Err(failed.clone());
                }
                let registered = |name: &String| inner.registered.iter().any(|known| known.name == *name);
                if self.started.iter().all(registered) && inner.registered.iter().all(|known| known.waits) {
                    return Ok(());
                }
            }
            changed.await;
        }
    }

    /// The names of those that take part, and the events each wants.
    pub(crate) fn registered(&self) -> Vec<(String, Vec<String>)> {
        let events = |extension: &Extension| {
            let wanted = [("INVOKE", extension.wants_invoke), ("SHUTDOWN", extension.wants_shutdown)];
            wanted.into_iter().filter(|(_, wants)| *wants).map(|(name, _)| name.to_owned()).collect()
        };
        self.lock().registered.iter().map(|extension| (extension.name.clone(), events(extension))).collect()
    }

    /// Whether all wait for what comes.
    pub(crate) fn are_idle(&self) -> bool {
        self.lock().registered.iter().all(|extension| extension.waits && extension.events.is_empty())
    }

    pub(crate) fn have_failed(&self) -> bool {
        self.lock().failed.is_some()
    }

    /// Tells of a call.
    pub(crate) fn invoke(&self, offer: &Offer) {
        let event = json!({
            "eventType": "INVOKE",
            "deadlineMs": offer.deadline_epoch_ms,
            "requestId": offer.request_id,
            "invokedFunctionArn": offer.function_arn,
            "tracing": { "type": "X-Amzn-Trace-Id", "value": offer.trace_id },
        });
        self.tell(&event.to_string(), |extension| extension.wants_invoke);
    }

    /// Tells that it is over; whether anybody wants to know.
    pub(crate) fn shut_down(&self, now_epoch_ms: u64) -> bool {
        let time_ms = u64::try_from(SHUTDOWN_TIME.as_millis()).unwrap_or(u64::MAX);
        let event = json!({
            "eventType": "SHUTDOWN",
            "shutdownReason": "spindown",
            "deadlineMs": now_epoch_ms.saturating_add(time_ms),
        });
        self.tell(&event.to_string(), |extension| extension.wants_shutdown)
    }

    fn tell(&self, event: &str, who: impl Fn(&Extension) -> bool) -> bool {
        let mut inner = self.lock();
        inner.closed = true;
        let mut told = false;
        for extension in inner.registered.iter_mut().filter(|extension| who(extension)) {
            if extension.events.len() == EVENTS_WAITING_MAX {
                extension.events.pop_front();
            }
            extension.events.push_back(event.to_owned());
            told = true;
        }
        drop(inner);
        self.changed.notify_waiters();
        told
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Nothing between two statements panics.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn find<'a>(inner: &'a mut Inner, id: &str) -> Result<&'a mut Extension, Refused> {
    let found = inner.registered.iter_mut().find(|extension| extension.id == id);
    found.ok_or_else(|| {
        Refused(403, "Extension.UnknownExtensionIdentifier", format!("Unknown extension {id}"))
    })
}

fn state_error(message: &str) -> Refused {
    Refused(403, "Extension.InvalidExtensionState", message.to_owned())
}

/// In the form of a UUID. It only tells extensions of one sandbox apart.
fn random_id() -> String {
    let digits = crate::report::random_digits();
    [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]].join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn offer() -> Offer {
        Offer {
            request_id: "1".into(),
            function_arn: "arn".into(),
            deadline_epoch_ms: 7,
            trace_id: "Root=1".into(),
            client_context: None,
            cognito_identity: None,
            payload: bytes::Bytes::new(),
        }
    }

    #[tokio::test]
    async fn init_waits_for_who_was_started_and_events_reach_who_wants_them() {
        let extensions = Extensions::new(About::default(), vec!["adapter".into()]);
        assert!(tokio::time::timeout(Duration::from_millis(5), extensions.ready()).await.is_err());
        let (id, _) = extensions.register("adapter", &events(&["INVOKE"])).unwrap();
        let (internal, _) = extensions.register("internal", &events(&[])).unwrap();
        assert_ne!(id, internal);
        let (first, ready) = tokio::join!(
            async {
                tokio::join!(
                    extensions.next(&id),
                    tokio::time::timeout(Duration::from_millis(50), extensions.next(&internal))
                )
            },
            async {
                extensions.ready().await.unwrap();
                extensions.invoke(&offer());
            }
        );
        let ((event, nothing), ()) = (first, ready);
        let event: serde_json::Value = serde_json::from_str(&event.unwrap()).unwrap();
        assert_eq!((&event["eventType"], &event["deadlineMs"]), (&json!("INVOKE"), &json!(7)));
        assert!(nothing.is_err(), "it did not ask for calls");
        assert!(!extensions.are_idle(), "one works for the call");
        assert!(!extensions.shut_down(0), "nobody wants to know");
        assert_eq!(extensions.register("late", &[]).unwrap_err().1, "Extension.InvalidExtensionState");
    }

    #[test]
    fn what_is_refused() {
        let extensions = Extensions::new(About::default(), vec!["adapter".into()]);
        let refused =
            |name: &str, names: &[&str]| extensions.register(name, &events(names)).map(drop).unwrap_err().1;
        assert_eq!(refused("adapter", &["INIT"]), "Extension.InvalidEventType");
        assert_eq!(refused("internal", &["SHUTDOWN"]), "ShutdownEventNotSupportedForInternalExtension");
        let (id, _) = extensions.register("adapter", &events(&["SHUTDOWN"])).unwrap();
        assert_eq!(refused("adapter", &[]), "Extension.InvalidExtensionState");
        assert_eq!(extensions.fail("other", "x").unwrap_err().1, "Extension.UnknownExtensionIdentifier");
        extensions.fail(&id, "Extension.Broken").unwrap();
        assert!(extensions.have_failed());
        assert!(extensions.shut_down(0));
    }
}
