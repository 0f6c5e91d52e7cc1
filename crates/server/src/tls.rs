//! Certificates: of files that somebody else renews, or of this installation's own authority.
//!
//! The authority is made at first start and kept (`tls/ca.pem`, which clients are told to trust, and
//! `tls/ca-key.pem`); the server's own certificate is made anew at every start.

use std::io::Write as _;
use std::net::IpAddr;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use time::{Duration, OffsetDateTime};

use crate::folder::DataFolder;

/// The names the certificate is always good for.
const NAMES: [&str; 6] = [
    "localhost",
    "*.localhost",
    "localhost.localstack.cloud",
    "*.localhost.localstack.cloud",
    "127.0.0.1",
    "::1",
];
const AUTHORITY_VALID: Duration = Duration::days(3_650);
/// Some clients take no certificate that is good for longer than 825 days.
const CERTIFICATE_VALID: Duration = Duration::days(800);
/// Clocks of clients may be behind ours.
const VALID_BEFORE_NOW: Duration = Duration::days(1);

/// Where clients find what they must trust.
pub(crate) fn authority_file(folder: &DataFolder) -> PathBuf {
    folder.tls().join("ca.pem")
}

/// A certificate of the installation's authority, good for loopback and for `names` (host names and addresses).
pub(crate) fn own_certificate(
    folder: &DataFolder,
    names: &[String],
    now: OffsetDateTime,
) -> anyhow::Result<Arc<ServerConfig>> {
    let authority = authority(folder, now).context("the authority of the installation")?;
    let key = KeyPair::generate()?;
    let names: Vec<String> = NAMES.iter().map(|&name| name.to_owned()).chain(names.iter().cloned()).collect();
    let mut params = CertificateParams::new(names).context("a name for the certificate")?;
    params.distinguished_name = common_name("Cloudling");
    params.not_before = now - VALID_BEFORE_NOW;
    params.not_after = now + CERTIFICATE_VALID;
    params.use_authority_key_identifier_extension = true;
    let certificate = params.signed_by(&key, &authority).context("make a certificate")?;
    let (certificate_file, key_file) = (folder.tls().join("certificate.pem"), folder.tls().join("key.pem"));
    write_private(&key_file, &key.serialize_pem())?;
    write_private(&certificate_file, &certificate.pem())?;
    from_files(&certificate_file, &key_file)
}

/// A chain and its key, as certificate authorities hand them out.
pub(crate) fn from_files(certificate_file: &Path, key_file: &Path) -> anyhow::Result<Arc<ServerConfig>> {
    let chain = CertificateDer::pem_file_iter(certificate_file)
        .and_then(Iterator::collect)
        .map_err(|error| anyhow::anyhow!("{}: {error}", certificate_file.display()))?;
    let key = PrivateKeyDer::from_pem_file(key_file)
        .map_err(|error| anyhow::anyhow!("{}: {error}", key_file.display()))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
        .context("the certificate and its key do not fit")?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// A name that certificates can carry: a host name, `*.` before one, or an address.
pub(crate) fn check_name(name: &str) -> anyhow::Result<()> {
    let host = name.strip_prefix("*.").unwrap_or(name);
    let plain = !host.is_empty()
        && host.split('.').all(|label| {
            !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        });
    anyhow::ensure!(plain || name.parse::<IpAddr>().is_ok(), "{name} is neither a host name nor an address");
    Ok(())
}

/// Reads the authority, or makes one that later starts find again.
pub(crate) fn authority(
    folder: &DataFolder,
    now: OffsetDateTime,
) -> anyhow::Result<Issuer<'static, KeyPair>> {
    std::fs::create_dir_all(folder.tls()).context("create the folder of certificates")?;
    let (file, key_file) = (authority_file(folder), folder.tls().join("ca-key.pem"));
    let mut params = CertificateParams::default();
    params.distinguished_name = common_name("Cloudling's own authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.not_before = now - VALID_BEFORE_NOW;
    params.not_after = now + AUTHORITY_VALID;
    let key = match std::fs::read_to_string(&key_file) {
        Ok(pem) if file.exists() => {
            KeyPair::from_pem(&pem).with_context(|| format!("{}", key_file.display()))?
        }
        Ok(_) => anyhow::bail!("{} is there and {} is not", key_file.display(), file.display()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let key = KeyPair::generate()?;
            // The certificate first: a crash in between leaves one that the next start replaces.
            write_private(&file, &params.self_signed(&key)?.pem())?;
            write_private(&key_file, &key.serialize_pem())?;
            key
        }
        Err(error) => return Err(error).with_context(|| format!("{}", key_file.display())),
    };
    Ok(Issuer::new(params, key))
}

pub(crate) fn common_name(name: &str) -> DistinguishedName {
    let mut distinguished = DistinguishedName::new();
    distinguished.push(DnType::CommonName, name);
    distinguished
}

/// Readable by its owner only, whole or not there.
fn write_private(file: &Path, text: &str) -> anyhow::Result<()> {
    let draft = file.with_extension("new");
    let _ = std::fs::remove_file(&draft);
    let write = || {
        let mut open = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
        open.write_all(text.as_bytes())?;
        open.sync_all()?;
        std::fs::rename(&draft, file)
    };
    write().with_context(|| format!("write {}", file.display()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    const NOW: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;

    #[test]
    fn the_authority_is_made_once_and_its_key_is_private() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = DataFolder::open(temporary.path(), None).unwrap();
        let make = |names: &[String]| own_certificate(&folder, names, NOW).map(drop);
        let read = |name: &str| std::fs::read(folder.tls().join(name)).unwrap();
        make(&[]).unwrap();
        let (authority, key, certificate) = (read("ca.pem"), read("ca-key.pem"), read("certificate.pem"));
        make(&["cloud.example.com".into(), "192.0.2.7".into()]).unwrap();
        assert_eq!((read("ca.pem"), read("ca-key.pem")), (authority, key));
        assert_ne!(read("certificate.pem"), certificate);
        for name in ["ca-key.pem", "key.pem"] {
            let mode = std::fs::metadata(folder.tls().join(name)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{name}");
        }
        std::fs::remove_file(folder.tls().join("ca.pem")).unwrap();
        assert!(make(&[]).is_err());
    }

    #[test]
    fn files_that_are_no_certificates_are_named() {
        let temporary = tempfile::tempdir().unwrap();
        let file = temporary.path().join("certificate.pem");
        std::fs::write(&file, "nothing").unwrap();
        let refusal = from_files(&file, &file).unwrap_err().to_string();
        assert!(refusal.contains("certificate.pem"), "{refusal}");
    }

    #[test]
    fn names_are_host_names_or_addresses() {
        for name in ["cloud.example.com", "*.cloud.example.com", "192.0.2.7", "2001:db8::1", "cloud"] {
            assert!(check_name(name).is_ok(), "{name}");
        }
        for name in ["", "a b", "a..b", "*.*.b", "https://cloud", "cloud:4566"] {
            assert!(check_name(name).is_err(), "{name}");
        }
    }
}
