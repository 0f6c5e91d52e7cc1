//! Fetches the small documents of identity providers.
//!
//! One GET, no redirects: a provider says where its documents are. Plain HTTP is for loopback only, where nobody listens
//! in.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::{Request, Uri};
use hyper_util::rt::TokioIo;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{ClientConfig, WebPkiServerVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, RootCertStore, SignatureScheme};
use service::BoxFuture;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

const DOCUMENT_BYTES_MAX: usize = 256 * 1024;
const FETCH_WITHIN: Duration = Duration::from_secs(5);
/// Where Linux distributions keep the certificates they trust.
const BUNDLES: [&str; 3] =
    ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"];

/// Asks the providers themselves.
pub(crate) struct Fetcher;

impl sts::Fetch for Fetcher {
    fn fetch<'a>(
        &'a self,
        url: &'a str,
        thumbprints: &'a [String],
    ) -> BoxFuture<'a, anyhow::Result<Vec<u8>>> {
        Box::pin(async move {
            tokio::time::timeout(FETCH_WITHIN, fetch(url, thumbprints))
                .await
                .with_context(|| format!("no answer within {} s", FETCH_WITHIN.as_secs()))?
        })
    }
}

async fn fetch(url: &str, thumbprints: &[String]) -> anyhow::Result<Vec<u8>> {
    let uri: Uri = url.parse().context("not a URL")?;
    let host = uri.host().context("no host in the URL")?.to_owned();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let is_plain = match uri.scheme_str() {
        Some("https") => false,
        Some("http") if ["127.0.0.1", "::1", "localhost"].contains(&bare) => true,
        _ => anyhow::bail!("only https is fetched"),
    };
    let port = uri.port_u16().unwrap_or(if is_plain { 80 } else { 443 });
    let stream = TcpStream::connect((bare, port)).await.context("connecting")?;
    if is_plain {
        return get(stream, &uri).await;
    }
    let config = tls_config(thumbprints)?;
    let name = ServerName::try_from(bare.to_owned()).context("not a host name")?;
    let stream = tokio_rustls::TlsConnector::from(Arc::new(config)).connect(name, stream).await?;
    get(stream, &uri).await
}

async fn get(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    uri: &Uri,
) -> anyhow::Result<Vec<u8>> {
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let place = uri.path_and_query().map_or("/", |place| place.as_str());
    let request = Request::get(place)
        .header("host", uri.authority().map_or("", |authority| authority.as_str()))
        .header("accept", "application/json")
        .body(Empty::<Bytes>::new())?;
    let exchange = async {
        let answer = sender.send_request(request).await?;
        let status = answer.status();
        anyhow::ensure!(status.is_success(), "it answered {status}");
        let body = Limited::new(answer.into_body(), DOCUMENT_BYTES_MAX).collect().await;
        let body = body.map_err(|_| anyhow::anyhow!("its answer was cut short or is too long"))?;
        Ok(body.to_bytes().to_vec())
    };
    // The connection makes progress only while it is polled beside the exchange; what it has read is still there when
    // the other side closes it.
    tokio::pin!(connection, exchange);
    tokio::select! {
        biased;
        done = &mut exchange => done,
        ended = &mut connection => {
            ended?;
            exchange.await
        }
    }
}

fn tls_config(thumbprints: &[String]) -> anyhow::Result<ClientConfig> {
    let provider = Arc::new(ring::default_provider());
    let builder =
        ClientConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions()?;
    if thumbprints.is_empty() {
        return Ok(builder.with_root_certificates(trusted_here()?).with_no_client_auth());
    }
    let verifier = Arc::new(Pinned { thumbprints: thumbprints.to_vec(), provider });
    Ok(builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth())
}

/// The certificates this machine trusts.
fn trusted_here() -> anyhow::Result<RootCertStore> {
    let named = std::env::var("SSL_CERT_FILE").ok();
    let bundle =
        named.as_deref().into_iter().chain(BUNDLES).find(|path| std::path::Path::new(path).is_file());
    let bundle = bundle.context("no bundle of trusted certificates on this machine (set SSL_CERT_FILE)")?;
    let mut roots = RootCertStore::empty();
    let found = CertificateDer::pem_file_iter(bundle).with_context(|| format!("reading {bundle}"))?;
    roots.add_parsable_certificates(found.filter_map(Result::ok));
    Ok(roots)
}

/// Trusts a server that shows one of the given certificates: its own, or one that its own leads to.
#[derive(Debug)]
struct Pinned {
    /// SHA-1 in lower-case hexadecimal.
    thumbprints: Vec<String>,
    provider: Arc<CryptoProvider>,
}

impl Pinned {
    fn is_pinned(&self, certificate: &CertificateDer<'_>) -> bool {
        let digest = ::ring::digest::digest(&::ring::digest::SHA1_FOR_LEGACY_USE_ONLY, certificate);
        let found: String = digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        self.thumbprints.contains(&found)
    }
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        own: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if self.is_pinned(own) {
            return Ok(ServerCertVerified::assertion());
        }
        let refused = || rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer);
        let mut roots = RootCertStore::empty();
        for authority in others.iter().filter(|other| self.is_pinned(other)) {
            roots.add(authority.clone().into_owned()).map_err(|_| refused())?;
        }
        // Not so much as an empty list of authorities makes a verifier.
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), self.provider.clone())
            .build()
            .map_err(|_| refused())?;
        verifier.verify_server_cert(own, others, name, ocsp, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(
            message,
            certificate,
            signature,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(
            message,
            certificate,
            signature,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
