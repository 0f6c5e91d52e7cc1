//! The installation's own certificate, for clients that insist on `https`.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use rcgen::{CertificateParams, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::folder::DataFolder;

/// The names the certificate is good for.
const NAMES: [&str; 6] = [
    "localhost",
    "*.localhost",
    "localhost.localstack.cloud",
    "*.localhost.localstack.cloud",
    "127.0.0.1",
    "::1",
];

/// Reads the certificate, or makes one that later starts find again.
pub(crate) fn own_certificate(folder: &DataFolder) -> anyhow::Result<Arc<ServerConfig>> {
    let certificate_file = folder.tls().join("certificate.pem");
    let key_file = folder.tls().join("key.pem");
    if !certificate_file.exists() || !key_file.exists() {
        std::fs::create_dir_all(folder.tls()).context("create the folder of the certificate")?;
        make(&certificate_file, &key_file).context("make a certificate")?;
    }
    let chain = CertificateDer::pem_file_iter(&certificate_file)
        .and_then(Iterator::collect)
        .map_err(|error| anyhow::anyhow!("{}: {error}", certificate_file.display()))?;
    let key = PrivateKeyDer::from_pem_file(&key_file)
        .map_err(|error| anyhow::anyhow!("{}: {error}", key_file.display()))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
        .context("the certificate and its key do not fit")?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

fn make(certificate_file: &Path, key_file: &Path) -> anyhow::Result<()> {
    let key = KeyPair::generate()?;
    let names: Vec<String> = NAMES.iter().map(|&name| name.to_owned()).collect();
    let certificate = CertificateParams::new(names)?.self_signed(&key)?;
    write_private(key_file, &key.serialize_pem())?;
    write_private(certificate_file, &certificate.pem())?;
    Ok(())
}

/// Readable by its owner only, whole or not there.
fn write_private(file: &Path, text: &str) -> std::io::Result<()> {
    let draft = file.with_extension("new");
    let _ = std::fs::remove_file(&draft);
    let mut open = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
    open.write_all(text.as_bytes())?;
    open.sync_all()?;
    std::fs::rename(&draft, file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_certificate_is_made_once() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = DataFolder::open(temporary.path(), None).unwrap();
        own_certificate(&folder).unwrap();
        let made = std::fs::read(folder.tls().join("certificate.pem")).unwrap();
        own_certificate(&folder).unwrap();
        assert_eq!(std::fs::read(folder.tls().join("certificate.pem")).unwrap(), made);
    }
}
