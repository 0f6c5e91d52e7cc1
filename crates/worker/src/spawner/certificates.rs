//! Whom programs in a sandbox trust: everyone the machine trusts, and the installation's own authority.

use std::fs;
use std::path::Path;

/// Where the authority's certificate and the whole bundle are inside.
pub(crate) const AUTHORITY_FILE: &str = "/etc/cloudling/ca.pem";
pub(crate) const BUNDLE_FILE: &str = "/etc/cloudling/bundle.pem";

/// Bundles of the common systems: read on the host, and covered inside by ours.
pub(super) const BUNDLES: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];
/// Below the platform's folder, for machines without a bundle: what boto3 brings.
const PLATFORM_BUNDLE: &str = "python/botocore/cacert.pem";

/// The machine's bundle followed by `authority`.
pub(super) fn bundle(authority: &[u8], platform: &Path) -> Vec<u8> {
    let candidates = BUNDLES.iter().map(|path| Path::new(path).to_owned());
    let mut bundle = candidates
        .chain([platform.join(PLATFORM_BUNDLE)])
        .find_map(|path| fs::read(path).ok().filter(|bytes| !bytes.is_empty()))
        .unwrap_or_default();
    if !bundle.is_empty() && !bundle.ends_with(b"\n") {
        bundle.push(b'\n');
    }
    bundle.extend_from_slice(authority);
    bundle
}
