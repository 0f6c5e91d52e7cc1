//! Deployment packages: what a zip file must be before a function or layer may be made of it.

mod archive;
mod folders;
mod paths;
mod unpack;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use store::BlobId;

pub(crate) use folders::{Folders, Unpacked};
pub(crate) use unpack::UnpackError;
#[cfg(test)]
pub(crate) use unpack::tests::zip_of;

use crate::error::Error;

/// Largest zip file sent inside a request (Lambda quotas).
pub(crate) const ZIP_BYTES_MAX: usize = 50 * 1024 * 1024;
/// Largest unpacked package, layers included (Lambda quotas).
pub(crate) const UNPACKED_BYTES_MAX: u64 = 262_144_000;
/// All packages of an account in one region (Lambda quotas: 75 GB).
pub(crate) const STORAGE_BYTES_MAX: u64 = 80_530_636_800;

/// A stored package.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Package {
    pub(crate) blob: BlobId,
    /// Of the zip file, lower-case hexadecimal.
    pub(crate) sha256: String,
    pub(crate) zip_bytes: u64,
    pub(crate) unpacked_bytes: u64,
    /// A folder of this machine that is run in place of what was unpacked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) hot_folder: Option<String>,
}

impl Package {
    /// The digest as the API shows it.
    pub(crate) fn code_sha256(&self) -> String {
        STANDARD.encode(hex::decode(&self.sha256).unwrap_or_default())
    }
}

/// The zip file of a function whose code is a folder: it tells where that is, so that each folder has a package of its
/// own.
pub(crate) fn marker_zip(folder: &str) -> service::Result<Bytes> {
    use std::io::Write as _;
    let write = || {
        let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        archive.start_file("hot-reload.txt", zip::write::SimpleFileOptions::default())?;
        archive.write_all(folder.as_bytes())?;
        Ok::<_, zip::result::ZipError>(archive.finish()?.into_inner())
    };
    match write() {
        Ok(zip) => Ok(zip.into()),
        Err(error) => Err(anyhow::Error::new(error).context("making a package").into()),
    }
}

/// The digest of a zip file as rows and folders name it.
pub(crate) fn digest(zip: &[u8]) -> String {
    hex::encode(Sha256::digest(zip))
}

/// Refuses a zip file that is too large to be looked at. `operation` is the API's name for the message.
pub(crate) fn check_zip_size(zip: &Bytes, operation: &str) -> service::Result<()> {
    if zip.len() > ZIP_BYTES_MAX {
        let limit = ZIP_BYTES_MAX.div_ceil(3) * 4;
        return Err(service::Failure::new(
            "RequestEntityTooLargeException",
            413,
            format!("Request must be smaller than {limit} bytes for the {operation} operation"),
        ));
    }
    if zip.is_empty() {
        return Err(Error::parameter("Uploaded file must be a non-empty zip").into());
    }
    Ok(())
}

impl UnpackError {
    /// What the owner of the package reads; `Err` when the machine is to blame.
    pub(crate) fn into_failure(self) -> service::Failure {
        match self {
            UnpackError::NotAZip(cause) => {
                tracing::debug!(cause, "package refused");
                let text = "Could not unzip uploaded file. Please check your file, then try to upload again.";
                Error::parameter(text).into()
            }
            UnpackError::Empty => Error::parameter("Uploaded file must be a non-empty zip").into(),
            UnpackError::TooLarge => {
                Error::parameter(format!("Unzipped size must be smaller than {UNPACKED_BYTES_MAX} bytes"))
                    .into()
            }
            refused @ (UnpackError::TooManyEntries(_) | UnpackError::Entry { .. }) => {
                Error::parameter(format!("Could not unzip uploaded file: {refused}.")).into()
            }
            UnpackError::Io(error) => anyhow::Error::new(error).context("unpacking a package").into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_checked_before_anything_is_read() {
        assert!(check_zip_size(&Bytes::from(vec![0; ZIP_BYTES_MAX]), "CreateFunction").is_ok());
        let error = check_zip_size(&Bytes::from(vec![0; ZIP_BYTES_MAX + 1]), "CreateFunction").unwrap_err();
        assert_eq!(
            error.to_string(),
            "RequestEntityTooLargeException: Request must be smaller than 69905068 bytes for the CreateFunction operation"
        );
        let error = check_zip_size(&Bytes::new(), "CreateFunction").unwrap_err();
        assert_eq!(error.code(), "InvalidParameterValueException");
    }

    #[test]
    fn digests_are_shown_in_base64() {
        let package = Package {
            blob: "00".repeat(16).parse().unwrap(),
            sha256: digest(b""),
            zip_bytes: 0,
            unpacked_bytes: 0,
            hot_folder: None,
        };
        assert_eq!(package.code_sha256(), "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
    }
}
