//! One worker: a sandbox, the way to speak with what runs in it, and its output.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::FutureExt;
use serde::{Deserialize, Serialize};

use crate::channel::{Channel, ReceiveError};
use crate::environment;
use crate::event::{Event, Last};
use crate::frame::{FrameError, Kind};
use crate::invocation::Credentials;
use crate::network::{Egress, Inside, Platform};
use crate::output::Output;
use crate::rest::Rest;
use crate::runtime_api::{Offer, RuntimeApi};
use crate::sandbox::{Handle, Sandbox};

/// Dropping it kills everything inside.
pub(crate) struct Worker {
    pub(crate) handle: Handle,
    pub(crate) link: Link,
    pub(crate) output: Output,
    /// Log stream of everything this worker ever says.
    pub(crate) log_stream: Arc<str>,
    network: Option<Inside>,
    rest: Rest,
    /// What was measured while it lived.
    memory_peak_bytes: Option<u64>,
}

/// The way to speak with a runtime.
pub(crate) enum Link {
    Frames(Channel),
    Api(RuntimeApi),
}

impl Worker {
    /// Takes over a started sandbox. Without `api` its program is one of our clients.
    ///
    /// # Errors
    /// When a descriptor cannot be handed to the event loop.
    pub(crate) fn new(
        sandbox: Sandbox,
        api: Option<std::net::TcpListener>,
        platform: &Arc<Platform>,
    ) -> io::Result<Self> {
        let Sandbox { control, stdout, stderr, network, handle, .. } = sandbox;
        let link = match api {
            Some(listener) => Link::Api(RuntimeApi::start(listener)?),
            None => Link::Frames(Channel::new(control)?),
        };
        let network = network
            .map(|listeners| Inside::serve(listeners, handle.clone(), Arc::clone(platform)))
            .transpose()?;
        Ok(Self {
            handle,
            link,
            output: Output::new(stdout, stderr)?,
            log_stream: Arc::from(""),
            network,
            rest: Rest::default(),
            memory_peak_bytes: None,
        })
    }

    /// It has been given a function, which reaches outside what `egress` allows at most.
    pub(crate) fn belongs_to(&mut self, log_stream: Arc<str>, egress: Egress) {
        self.log_stream = log_stream;
        if let Some(network) = &self.network {
            network.belongs_to(egress);
        }
    }

    /// Its call is over: it stands still before long.
    pub(crate) fn rest(&self) {
        self.rest.begin(&self.handle);
    }

    /// It is about to be given something to do.
    pub(crate) fn wake(&self) {
        self.rest.end(&self.handle);
    }

    /// Remembers the memory it has used, before it cannot be measured any more.
    pub(crate) fn measure_memory(&mut self) {
        self.memory_peak_bytes = self.handle.memory_peak_bytes().or(self.memory_peak_bytes);
    }

    /// It was ended for using all it was given.
    pub(crate) fn used_all_memory(&mut self) {
        self.memory_peak_bytes = Some(u64::MAX);
    }

    /// The most memory it has used at once, by what was measured last.
    pub(crate) fn memory_peak_bytes(&self) -> Option<u64> {
        self.memory_peak_bytes
    }

    /// Whether it can take a call, as far as is known without waiting.
    pub(crate) fn is_alive(&mut self) -> bool {
        let open = match &mut self.link {
            Link::Frames(channel) => channel.is_open(),
            Link::Api(_) => true,
        };
        open && self.handle.wait().now_or_never().is_none()
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.handle.kill();
    }
}

/// Head of an `Invoke` frame.
#[derive(Serialize)]
struct InvokeHead<'a> {
    request_id: &'a str,
    function_arn: &'a str,
    deadline_epoch_ms: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_context: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cognito_identity: Option<&'a str>,
    environment: std::collections::BTreeMap<&'static str, String>,
}

#[derive(Deserialize)]
struct StreamHead {
    content_type: String,
}

impl Link {
    /// Gives the runtime one call. Its answer comes as events.
    ///
    /// # Errors
    /// When the process has ended.
    pub(crate) async fn invoke(&mut self, offer: Offer, credentials: &Credentials) -> io::Result<()> {
        match self {
            Self::Api(api) => {
                api.offer(offer);
                Ok(())
            }
            Self::Frames(channel) => {
                let head = serde_json::to_vec(&InvokeHead {
                    request_id: &offer.request_id,
                    function_arn: &offer.function_arn,
                    deadline_epoch_ms: offer.deadline_epoch_ms,
                    client_context: offer.client_context.as_deref(),
                    cognito_identity: offer.cognito_identity.as_deref(),
                    environment: environment::of_call(credentials, &offer.trace_id),
                })?;
                let length = u32::try_from(head.len()).map_err(io::Error::other)?;
                let mut prefix = Vec::with_capacity(4 + head.len());
                prefix.extend_from_slice(&length.to_be_bytes());
                prefix.extend_from_slice(&head);
                channel.send(Kind::Invoke, &prefix, offer.payload).await
            }
        }
    }

    /// Gives a generic worker its function.
    ///
    /// # Errors
    /// When the process has ended.
    pub(crate) async fn assign(&mut self, assignment: Bytes) -> io::Result<()> {
        match self {
            Self::Api(_) => Ok(()),
            Self::Frames(channel) => channel.send(Kind::Assign, &[], assignment).await,
        }
    }

    /// What the runtime did next. May be dropped while waiting.
    pub(crate) async fn event(&mut self) -> Event {
        let channel = match self {
            Self::Api(api) => return api.event().await,
            Self::Frames(channel) => channel,
        };
        let frame = match channel.receive().await {
            Ok(frame) => frame,
            Err(ReceiveError::Closed) => return Event::Closed,
            Err(ReceiveError::Frame(FrameError::TooLong(_))) => {
                return Event::ResponseTooLarge { last: Last::Yes };
            }
            Err(error @ ReceiveError::Frame(_)) => {
                tracing::warn!(%error, "a runtime sent what is not a frame");
                return Event::Closed;
            }
        };
        match frame.kind {
            Kind::Ready => Event::Ready,
            Kind::Initialised => Event::Initialised,
            Kind::InitError => Event::InitError(frame.body),
            Kind::Response => Event::Response { content_type: crate::event::JSON.into(), body: frame.body },
            Kind::Error => Event::Error { payload: frame.body, last: Last::No },
            Kind::FatalError => Event::Error { payload: frame.body, last: Last::Yes },
            Kind::StreamHead => match serde_json::from_slice::<StreamHead>(&frame.body) {
                Ok(head) => Event::StreamHead { content_type: head.content_type },
                Err(_) => Event::Closed,
            },
            Kind::StreamChunk => Event::StreamChunk(frame.body),
            Kind::StreamEnd => Event::StreamEnd,
            Kind::StreamError => Event::StreamError(frame.body),
            Kind::Assign | Kind::Invoke => Event::Closed,
        }
    }
}
