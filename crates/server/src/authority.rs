//! How the cloud is reached under AWS's names from inside functions: by certificates of the installation's own authority,
//! which sandboxes trust.
//!
//! They are for the cloud's domains only, made name by name as functions ask for them, and never leave this process.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context as _;
use rcgen::{CertificateParams, ExtendedKeyUsagePurpose, Issuer, KeyPair, KeyUsagePurpose};
use rustls::ServerConfig;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::PrivateKeyDer;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::{CertifiedKey, SigningKey};
use time::{Duration, OffsetDateTime};

use crate::folder::DataFolder;
use crate::tls;

/// Domains that lead to this cloud from inside a function, with everything below them.
pub(crate) const CLOUD_DOMAINS: &[&str] =
    &["amazonaws.com", "amazonaws.com.cn", "api.aws", "on.aws", "localhost.localstack.cloud"];

/// Good from before the start, for functions whose clock is behind, and longer than a server runs.
const VALID_BEFORE_START: Duration = Duration::days(1);
const VALID: Duration = Duration::days(800);

/// Certificates kept in memory. Making one takes a fraction of a millisecond.
const CERTIFICATES_MAX: usize = 1024;

/// TLS for connections from inside sandboxes.
pub(crate) fn inside_tls(folder: &DataFolder, now: OffsetDateTime) -> anyhow::Result<Arc<ServerConfig>> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let certificates = Certificates::of(tls::authority(folder, now)?, now, &provider)?;
    let mut tls = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .context("TLS")?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(certificates));
    tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(tls))
}

/// Makes certificates for names of the cloud, as they are asked for.
#[derive(Debug)]
struct Certificates {
    issuer: Issuer<'static, KeyPair>,
    started: OffsetDateTime,
    /// Of all certificates: it never leaves this process.
    key: KeyPair,
    signer: Arc<dyn SigningKey>,
    made: Mutex<HashMap<String, Arc<CertifiedKey>>>,
}

impl Certificates {
    fn of(
        issuer: Issuer<'static, KeyPair>,
        now: OffsetDateTime,
        provider: &CryptoProvider,
    ) -> anyhow::Result<Self> {
        let key = KeyPair::generate()?;
        let der = PrivateKeyDer::try_from(key.serialize_der()).map_err(anyhow::Error::msg)?;
        let signer = provider.key_provider.load_private_key(der)?;
        Ok(Self { issuer, started: now, key, signer, made: Mutex::default() })
    }

    fn certificate(&self, name: &str) -> anyhow::Result<Arc<CertifiedKey>> {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(certificate) = made.get(name) {
            return Ok(certificate.clone());
        }
        let mut params = CertificateParams::new(vec![name.to_owned()])?;
        params.distinguished_name = tls::common_name("Cloudling");
        params.not_before = self.started - VALID_BEFORE_START;
        params.not_after = self.started + VALID;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let certificate = params.signed_by(&self.key, &self.issuer)?;
        let certified = Arc::new(CertifiedKey::new(vec![certificate.der().clone()], self.signer.clone()));
        if made.len() >= CERTIFICATES_MAX {
            made.clear();
        }
        made.insert(name.to_owned(), certified.clone());
        Ok(certified)
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        // Who names nobody has asked for the loopback address itself.
        let name = hello.server_name().unwrap_or("localhost").to_ascii_lowercase();
        if !is_of_cloud(&name) {
            return None;
        }
        match self.certificate(&name) {
            Ok(certificate) => Some(certificate),
            Err(error) => {
                tracing::warn!(name, error = format!("{error:#}"), "a certificate could not be made");
                None
            }
        }
    }
}

fn is_of_cloud(name: &str) -> bool {
    ["localhost"]
        .iter()
        .chain(CLOUD_DOMAINS)
        .any(|domain| name.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_signs_for_the_cloud_only() {
        for name in
            ["dynamodb.us-east-1.amazonaws.com", "s3.cn-north-1.amazonaws.com.cn", "a.b.on.aws", "localhost"]
        {
            assert!(is_of_cloud(name), "{name}");
        }
        for name in ["example.com", "notamazonaws.com", "amazonaws.com.example.com", ""] {
            assert!(!is_of_cloud(name), "{name}");
        }
    }

    #[test]
    fn certificates_are_kept_and_bounded() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = DataFolder::open(temporary.path(), None).unwrap();
        let now = OffsetDateTime::from_unix_timestamp(1_900_000_000).unwrap();
        let provider = rustls::crypto::ring::default_provider();
        let authority = tls::authority(&folder, now).unwrap();
        let certificates = Certificates::of(authority, now, &provider).unwrap();
        let first = certificates.certificate("sts.amazonaws.com").unwrap();
        assert!(Arc::ptr_eq(&first, &certificates.certificate("sts.amazonaws.com").unwrap()));
        for number in 0..CERTIFICATES_MAX {
            certificates.certificate(&format!("b{number}.s3.amazonaws.com")).unwrap();
        }
        assert!(certificates.made.lock().unwrap().len() <= CERTIFICATES_MAX);
    }
}
