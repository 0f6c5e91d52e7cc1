//! One worker: a sandbox, the way to speak with what runs in it, and its output.

use std::io;
use std::os::fd::OwnedFd;
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
use crate::runtime_api::{Extensions, Offer, RuntimeApi, SHUTDOWN_TIME};
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
    /// Its output again: extensions that finish after the worker must not die of writing to nobody.
    pipes: Vec<OwnedFd>,
}

/// The way to speak with a runtime.
pub(crate) enum Link {
    Frames(Channel),
    Api(Box<RuntimeApi>),
    /// One of our clients, with the Runtime API beside it: for extensions, and for a wrapper that runs something else in
    /// the client's place.
    Both {
        channel: Channel,
        api: Box<RuntimeApi>,
        spoken: Spoken,
    },
    /// The worker has ended; the way was left to who finishes its extensions.
    Ended,
}

/// How a runtime that may speak either way does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Spoken {
    Unknown,
    Frames,
    /// It has asked for its first call; nobody has been told yet.
    ApiUntold,
    Api,
}

impl Worker {
    /// Takes over a started sandbox. Without `api` its program is one of our clients that has no need of it; `is_client`
    /// tells whether it is one of them all the same.
    ///
    /// # Errors
    /// When a descriptor cannot be handed to the event loop.
    pub(crate) fn new(
        sandbox: Sandbox,
        api: Option<(std::net::TcpListener, Extensions, Program)>,
        platform: &Arc<Platform>,
    ) -> io::Result<Self> {
        let Sandbox { control, stdout, stderr, network, handle, .. } = sandbox;
        let pipes = match &api {
            Some(_) => vec![stdout.try_clone()?, stderr.try_clone()?],
            None => Vec::new(),
        };
        let link = match api {
            Some((listener, extensions, Program::Runtime)) => {
                Link::Api(Box::new(RuntimeApi::start(listener, extensions)?))
            }
            Some((listener, extensions, Program::Client)) => Link::Both {
                channel: Channel::new(control)?,
                api: Box::new(RuntimeApi::start(listener, extensions)?),
                spoken: Spoken::Unknown,
            },
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
            pipes,
        })
    }

    /// It has been given a function, which reaches outside what `egress` allows at most.
    pub(crate) fn belongs_to(&mut self, log_stream: Arc<str>, egress: Egress) {
        self.log_stream = log_stream;
        if let Some(network) = &self.network {
            network.belongs_to(egress);
        }
    }

    /// Its call is over: it stands still before long, unless an extension still works for that call.
    pub(crate) fn rest(&self) {
        if self.extensions().is_none_or(|extensions| extensions.are_idle()) {
            self.rest.begin(&self.handle);
        }
    }

    pub(crate) fn extensions(&self) -> Option<&Arc<Extensions>> {
        match &self.link {
            Link::Frames(_) | Link::Ended => None,
            Link::Api(api) | Link::Both { api, .. } => Some(api.extensions()),
        }
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
            Link::Both { channel, spoken: Spoken::Frames, .. } => channel.is_open(),
            Link::Ended => false,
            Link::Api(_) | Link::Both { .. } => true,
        };
        let open = open && self.extensions().is_none_or(|extensions| !extensions.have_failed());
        open && self.handle.wait().now_or_never().is_none()
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        if let Link::Api(api) | Link::Both { api, .. } = &self.link
            && api.extensions().shut_down(crate::log::epoch_millis())
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            self.rest.end(&self.handle);
            let link = std::mem::replace(&mut self.link, Link::Ended);
            let kept = (std::mem::take(&mut self.pipes), self.network.take());
            runtime.spawn(let_finish(self.handle.clone(), link, kept));
            return;
        }
        self.handle.kill();
    }
}

/// Gives extensions their time before the end.
async fn let_finish(handle: Handle, link: Link, _kept: (Vec<OwnedFd>, Option<Inside>)) {
    const LOOK: std::time::Duration = std::time::Duration::from_millis(20);
    let gone = async {
        while !link.is_left() {
            tokio::time::sleep(LOOK).await;
        }
    };
    let ended = async {
        tokio::select! {
            () = gone => {}
            _ = handle.wait() => {}
        }
    };
    // Whoever takes longer is ended all the same.
    let _ = tokio::time::timeout(SHUTDOWN_TIME, ended).await;
    handle.kill();
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

/// What runs in a sandbox that has the Runtime API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Program {
    /// Something that speaks it.
    Runtime,
    /// One of our clients, or what a wrapper makes of it.
    Client,
}

/// A runtime of its own was started: it is there, and has its function already.
fn first_by_api(event: Event, spoken: &mut Spoken) -> Event {
    match event {
        Event::Initialised => {
            *spoken = Spoken::ApiUntold;
            Event::Ready
        }
        other => {
            *spoken = Spoken::Api;
            other
        }
    }
}

#[derive(Deserialize)]
struct StreamHead {
    content_type: String,
}

impl Link {
    /// Whether nobody is connected to the Runtime API any more.
    fn is_left(&self) -> bool {
        match self {
            Self::Api(api) | Self::Both { api, .. } => api.is_left(),
            Self::Frames(_) | Self::Ended => true,
        }
    }

    /// Gives the runtime one call. Its answer comes as events.
    ///
    /// # Errors
    /// When the process has ended.
    pub(crate) async fn invoke(&mut self, offer: Offer, credentials: &Credentials) -> io::Result<()> {
        if let Self::Both { api, spoken: Spoken::Unknown | Spoken::Frames, .. } = self {
            api.extensions().invoke(&offer);
        }
        match self {
            Self::Api(api) | Self::Both { api, spoken: Spoken::ApiUntold | Spoken::Api, .. } => {
                api.extensions().invoke(&offer);
                api.offer(offer);
                Ok(())
            }
            Self::Ended => Err(io::ErrorKind::BrokenPipe.into()),
            Self::Frames(channel) | Self::Both { channel, .. } => {
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
            Self::Api(_) | Self::Ended | Self::Both { spoken: Spoken::ApiUntold | Spoken::Api, .. } => Ok(()),
            Self::Frames(channel) | Self::Both { channel, .. } => {
                channel.send(Kind::Assign, &[], assignment).await
            }
        }
    }

    /// What the runtime did next. May be dropped while waiting.
    pub(crate) async fn event(&mut self) -> Event {
        let received = match self {
            Self::Ended => return Event::Closed,
            Self::Api(api) => return api.event().await,
            Self::Frames(channel) => channel.receive().await,
            Self::Both { api, spoken: Spoken::Api, .. } => return api.event().await,
            Self::Both { spoken: spoken @ Spoken::ApiUntold, .. } => {
                *spoken = Spoken::Api;
                return Event::Initialised;
            }
            Self::Both { channel, spoken: Spoken::Frames, .. } => channel.receive().await,
            Self::Both { channel, api, spoken } => tokio::select! {
                event = api.event() => return first_by_api(event, spoken),
                received = channel.receive() => match received {
                    // A wrapper has closed it: what it runs is no client of ours.
                    Err(ReceiveError::Closed) => return first_by_api(api.event().await, spoken),
                    received => {
                        *spoken = Spoken::Frames;
                        received
                    }
                },
            },
        };
        let frame = match received {
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
