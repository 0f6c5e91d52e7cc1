//! The public Runtime API, one server for each sandbox of a custom runtime.
//!
//! A runtime polls `next`, answers with `response` or `error`, and may give up with `init/error`.
//! What it does becomes [`Event`]s; what it is offered waits here until it asks.

mod extensions;
mod routes;
mod state;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinSet};

pub(crate) use extensions::{About, Extensions, SHUTDOWN_TIME};
pub(crate) use state::Offer;
use state::State;

use crate::event::Event;

/// Events on their way to the invocation; a streaming response waits when it is full.
const EVENTS_MAX: usize = 16;

/// Connections of one runtime at the same time.
const CONNECTIONS_MAX: usize = 64;

/// The platform's side of one custom runtime.
#[derive(Debug)]
pub(crate) struct RuntimeApi {
    state: Arc<State>,
    events: mpsc::Receiver<Event>,
    extensions: Arc<Extensions>,
    server: Server,
}

/// Answers until it is dropped.
#[derive(Debug)]
struct Server {
    task: AbortHandle,
    connections: Arc<AtomicUsize>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Counts one connection.
struct Connected(Arc<AtomicUsize>);

impl Connected {
    fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(count))
    }
}

impl Drop for Connected {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl RuntimeApi {
    /// Serves on `listener` until dropped.
    ///
    /// # Errors
    /// When the listener cannot be handed to the event loop.
    pub(crate) fn start(listener: std::net::TcpListener, extensions: Extensions) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        let listener = TcpListener::from_std(listener)?;
        let (sender, events) = mpsc::channel(EVENTS_MAX);
        let state = Arc::new(State::new(sender));
        let extensions = Arc::new(extensions);
        let connections = Arc::<AtomicUsize>::default();
        let serving = serve(listener, Arc::clone(&state), Arc::clone(&extensions), Arc::clone(&connections));
        let server = Server { task: tokio::spawn(serving).abort_handle(), connections };
        Ok(Self { state, events, extensions, server })
    }

    pub(crate) fn extensions(&self) -> &Arc<Extensions> {
        &self.extensions
    }

    /// Whether nobody is connected any more.
    pub(crate) fn is_left(&self) -> bool {
        self.server.connections.load(Ordering::Relaxed) == 0
    }

    /// A listener on the host's loopback, for sandboxes without a network of their own.
    ///
    /// # Errors
    /// When no port is free.
    pub(crate) fn bind_on_host() -> io::Result<(std::net::TcpListener, SocketAddr)> {
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0))?;
        let address = listener.local_addr()?;
        Ok((listener, address))
    }

    /// Gives the runtime its next invocation, as soon as it asks for it.
    pub(crate) fn offer(&self, offer: Offer) {
        self.state.offer(offer);
    }

    /// What the runtime did next. May be dropped while waiting.
    pub(crate) async fn event(&mut self) -> Event {
        self.events.recv().await.unwrap_or(Event::Closed)
    }
}

async fn serve(
    listener: TcpListener,
    state: Arc<State>,
    extensions: Arc<Extensions>,
    count: Arc<AtomicUsize>,
) {
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        if connections.len() >= CONNECTIONS_MAX {
            connections.join_next().await;
        }
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                // Most likely out of descriptors: the runtime times out, other functions go on.
                tracing::warn!(%error, "a Runtime API connection could not be accepted");
                return;
            }
        };
        // Without this an answer waits for the acknowledgement of the one before.
        let _ = stream.set_nodelay(true);
        let (state, extensions) = (Arc::clone(&state), Arc::clone(&extensions));
        let connected = Connected::new(&count);
        connections.spawn(async move {
            let _connected = connected;
            let service = service_fn(|request| routes::answer(&state, &extensions, request));
            // A runtime that breaks off is seen by its process ending.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}
