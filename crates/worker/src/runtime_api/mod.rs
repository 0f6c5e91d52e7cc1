//! The public Runtime API, one server for each sandbox of a custom runtime.
//!
//! A runtime polls `next`, answers with `response` or `error`, and may give up with `init/error`.
//! What it does becomes [`Event`]s; what it is offered waits here until it asks.

mod routes;
mod state;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinSet};

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
    server: AbortHandle,
}

impl RuntimeApi {
    /// Serves on `listener` until dropped.
    ///
    /// # Errors
    /// When the listener cannot be handed to the event loop.
    pub(crate) fn start(listener: std::net::TcpListener) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        let listener = TcpListener::from_std(listener)?;
        let (sender, events) = mpsc::channel(EVENTS_MAX);
        let state = Arc::new(State::new(sender));
        let server = tokio::spawn(serve(listener, Arc::clone(&state))).abort_handle();
        Ok(Self { state, events, server })
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

impl Drop for RuntimeApi {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn serve(listener: TcpListener, state: Arc<State>) {
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
        let state = Arc::clone(&state);
        connections.spawn(async move {
            let service = service_fn(|request| routes::answer(&state, request));
            // A runtime that breaks off is seen by its process ending.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}
