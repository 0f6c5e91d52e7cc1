//! Connections: accepting them, telling plain from encrypted, serving HTTP on them until the process stops.

use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tasks::{OnFailure, TaskKind};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::OwnedSemaphorePermit;
use tokio_rustls::TlsAcceptor;

use crate::Gateway;
use crate::limits::{HANDSHAKE_WAIT_MAX, HEAD_BYTES_MAX, HEAD_WAIT_MAX, STREAMS_MAX};
use crate::request::{Peer, Request};
use crate::sources::{Place, TooMany};

/// How long running requests may take to finish once the process is told to stop.
const DRAIN: Duration = Duration::from_secs(30);
/// Pause after a failed accept: out of file descriptors, mostly.
const ACCEPT_BACKOFF: Duration = Duration::from_millis(50);
/// First byte of a TLS handshake record (RFC 8446, section 5.1).
const TLS_HANDSHAKE: u8 = 0x16;
const HTTP2_PING_INTERVAL: Duration = Duration::from_secs(60);

static CONNECTION: TaskKind =
    TaskKind { name: "gateway: connection", on_failure: OnFailure::Log, stop_within: DRAIN };
static LISTENER: TaskKind =
    TaskKind { name: "gateway: accept connections", on_failure: OnFailure::Shutdown, stop_within: DRAIN };

impl Gateway {
    /// Accepts connections in the background until the process stops.
    pub fn serve(&self, listener: TcpListener) {
        let gateway = self.clone();
        self.platform().tasks().spawn(&LISTENER, async move {
            let mut stopping = gateway.platform().tasks().stopping();
            tokio::select! {
                () = stopping.wait() => Ok(()),
                failure = gateway.accept_all(listener) => failure,
            }
        });
    }

    /// Serves a connection that was accepted elsewhere: inside a sandbox.
    pub fn accept(&self, stream: TcpStream) {
        match self.shared.connections.clone().try_acquire_owned() {
            Ok(permit) => self.start(stream, None, (permit, None)),
            Err(_) => tracing::warn!("too many connections: one from a function was closed"),
        }
    }

    async fn accept_all(&self, listener: TcpListener) -> anyhow::Result<()> {
        loop {
            let permit = self.shared.connections.clone().acquire_owned().await.context("connection limit")?;
            match listener.accept().await {
                Ok((stream, address)) => {
                    let address = address.ip().to_canonical();
                    match self.place_of(address) {
                        Ok(place) => self.start(stream, Some(address), (permit, place)),
                        Err(TooMany) => tracing::debug!(%address, "too many connections of one source"),
                    }
                }
                Err(error) => {
                    tracing::warn!(error = %error, "a connection could not be accepted");
                    tokio::time::sleep(ACCEPT_BACKOFF).await;
                }
            }
        }
    }

    fn place_of(&self, address: IpAddr) -> Result<Option<Place>, TooMany> {
        match &self.shared.sources {
            Some(sources) => sources.connect(address, Instant::now()),
            None => Ok(None),
        }
    }

    fn start(
        &self,
        stream: TcpStream,
        address: Option<IpAddr>,
        places: (OwnedSemaphorePermit, Option<Place>),
    ) {
        let gateway = self.clone();
        self.platform().tasks().spawn(&CONNECTION, async move {
            let _places = places;
            // A connection that breaks concerns only its client, who sees it.
            if let Err(error) = gateway.connection(stream, address).await {
                tracing::debug!(error = format!("{error:#}"), "connection ended");
            }
            Ok(())
        });
    }

    async fn connection(&self, stream: TcpStream, address: Option<IpAddr>) -> anyhow::Result<()> {
        stream.set_nodelay(true).context("set TCP_NODELAY")?;
        let parts = &self.shared.parts;
        // Connections from inside a sandbox have no address.
        let tls = if address.is_some() { &parts.tls } else { &parts.inside_tls };
        if let Some(tls) = tls
            && begins_handshake(&stream).await?
        {
            let accept = TlsAcceptor::from(tls.clone()).accept(stream);
            let stream =
                tokio::time::timeout(HANDSHAKE_WAIT_MAX, accept).await.context("TLS handshake")??;
            return self.http(stream, Peer { address, is_encrypted: true }).await;
        }
        self.http(stream, Peer { address, is_encrypted: false }).await
    }

    async fn http(
        &self,
        stream: impl AsyncRead + AsyncWrite + Unpin + 'static,
        peer: Peer,
    ) -> anyhow::Result<()> {
        let mut builder = auto::Builder::new(TokioExecutor::new());
        builder
            .http1()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_WAIT_MAX)
            .max_buf_size(HEAD_BYTES_MAX)
            .half_close(true);
        builder
            .http2()
            .timer(TokioTimer::new())
            .max_header_list_size(u32::try_from(HEAD_BYTES_MAX).unwrap_or(u32::MAX))
            .max_concurrent_streams(STREAMS_MAX)
            .adaptive_window(true)
            .keep_alive_interval(HTTP2_PING_INTERVAL);
        let has_asked = AtomicBool::new(false);
        let answer = service_fn(|request: http::Request<Incoming>| {
            has_asked.store(true, Ordering::Relaxed);
            let gateway = self.clone();
            // Its own task: a client that leaves interrupts nothing.
            let id = self.platform().ids().uuid();
            let task =
                self.platform().tasks().request(Box::pin(gateway.handle(Request::new(request, peer, id))));
            async move { task.await.context("the request was cut off by the shutdown") }
        });
        let connection = builder.serve_connection(TokioIo::new(stream), answer);
        tokio::pin!(connection);
        let mut stopping = self.platform().tasks().stopping();
        // The time limit of a head begins when it is clear which HTTP is spoken, and HTTP/2 has none.
        let first_request = tokio::time::sleep(HEAD_WAIT_MAX);
        tokio::pin!(first_request);
        let mut waits_for_first = true;
        let ended = loop {
            tokio::select! {
                ended = connection.as_mut() => break ended,
                () = stopping.wait() => {
                    connection.as_mut().graceful_shutdown();
                    break connection.await;
                }
                () = first_request.as_mut(), if waits_for_first => {
                    waits_for_first = false;
                    anyhow::ensure!(has_asked.load(Ordering::Relaxed), "nothing was asked in time");
                }
            }
        };
        ended.map_err(|error| anyhow::anyhow!(error))
    }
}

async fn begins_handshake(stream: &TcpStream) -> anyhow::Result<bool> {
    let mut first = [0];
    let read =
        tokio::time::timeout(HANDSHAKE_WAIT_MAX, stream.peek(&mut first)).await.context("first byte")??;
    Ok(read == 1 && first[0] == TLS_HANDSHAKE)
}
