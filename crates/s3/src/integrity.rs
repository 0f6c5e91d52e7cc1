//! What a request claims of its payload, and how answers repeat it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use service::Result;

use crate::content::Expected;
use crate::encryption::CustomerKey;
use crate::error::{self, Error};
use crate::object::{Algorithm, Checksum, Object};

/// The members that PutObject and UploadPart have in common.
#[derive(Debug, Default)]
pub(crate) struct Claims {
    pub(crate) content_md5: Option<String>,
    /// `x-amz-sdk-checksum-algorithm`: says which one is sent, and is ignored where one is.
    pub(crate) algorithm: Option<String>,
    pub(crate) crc32: Option<String>,
    pub(crate) crc32c: Option<String>,
    pub(crate) crc64nvme: Option<String>,
    pub(crate) sha1: Option<String>,
    pub(crate) sha256: Option<String>,
}

impl Claims {
    pub(crate) fn read(self, key: Option<CustomerKey>) -> Result<Expected> {
        let md5 = self.content_md5.as_deref().map(read_md5).transpose()?;
        let algorithm = self.algorithm.as_deref().map(Algorithm::parse).transpose()?;
        let given = [
            (Algorithm::Crc32, self.crc32),
            (Algorithm::Crc32c, self.crc32c),
            (Algorithm::Crc64Nvme, self.crc64nvme),
            (Algorithm::Sha1, self.sha1),
            (Algorithm::Sha256, self.sha256),
        ];
        let mut given = given.into_iter().filter_map(|(algorithm, value)| Some((algorithm, value?)));
        let Some((sent, value)) = given.next() else {
            return Ok(Expected { md5, algorithm, checksum: None, key });
        };
        if given.next().is_some() {
            let text = "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.";
            return Err(error::invalid_request(text).into());
        }
        if !sent.fits(&value) {
            let name = sent.name().to_ascii_lowercase();
            let text = format!("Value for x-amz-checksum-{name} header is invalid.");
            return Err(error::invalid_request(text).into());
        }
        Ok(Expected { md5, algorithm: Some(sent), checksum: Some(value), key })
    }
}

impl Expected {
    /// Parts have the checksum that their upload was begun with; where the client sends none it is computed.
    pub(crate) fn for_upload(mut self, upload: &Object) -> Result<Self> {
        let Some(wanted) = upload.checksum.as_ref().map(|checksum| checksum.algorithm) else {
            return Ok(self);
        };
        match (self.algorithm, &self.checksum) {
            (Some(sent), Some(_)) if sent != wanted => Err(mismatch(wanted, sent)),
            _ => {
                self.algorithm = Some(wanted);
                Ok(self)
            }
        }
    }
}

/// A part came with another checksum than its upload was begun with.
pub(crate) fn mismatch(wanted: Algorithm, sent: Algorithm) -> service::Failure {
    let (wanted, sent) = (wanted.name().to_ascii_lowercase(), sent.name().to_ascii_lowercase());
    let text = format!(
        "Checksum Type mismatch occurred, expected checksum Type: {wanted}, actual checksum Type: {sent}"
    );
    error::invalid_request(text).into()
}

fn read_md5(text: &str) -> Result<[u8; 16]> {
    let bytes = STANDARD.decode(text).ok().and_then(|bytes| bytes.try_into().ok());
    Ok(bytes.ok_or_else(|| {
        Error::new("InvalidDigest", 400, "The Content-MD5 you specified was invalid.")
            .with("Content-MD5", text)
    })?)
}

/// The checksum of an answer, under the name of its algorithm.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Sums {
    #[serde(skip_serializing_if = "Option::is_none", rename = "ChecksumCRC32")]
    pub(crate) checksum_crc32: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", rename = "ChecksumCRC32C")]
    pub(crate) checksum_crc32c: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", rename = "ChecksumCRC64NVME")]
    pub(crate) checksum_crc64nvme: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", rename = "ChecksumSHA1")]
    pub(crate) checksum_sha1: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", rename = "ChecksumSHA256")]
    pub(crate) checksum_sha256: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) checksum_type: Option<&'static str>,
}

impl Sums {
    pub(crate) fn of(checksum: Option<&Checksum>) -> Self {
        match checksum {
            Some(checksum) => Sums {
                checksum_type: Some(checksum.kind.name()),
                ..Sums::value(checksum.algorithm, &checksum.value)
            },
            None => Sums::default(),
        }
    }

    /// Without the type, which parts do not have.
    pub(crate) fn value(algorithm: Algorithm, value: &str) -> Self {
        let value = Some(value.to_owned()).filter(|value| !value.is_empty());
        match algorithm {
            Algorithm::Crc32 => Sums { checksum_crc32: value, ..Sums::default() },
            Algorithm::Crc32c => Sums { checksum_crc32c: value, ..Sums::default() },
            Algorithm::Crc64Nvme => Sums { checksum_crc64nvme: value, ..Sums::default() },
            Algorithm::Sha1 => Sums { checksum_sha1: value, ..Sums::default() },
            Algorithm::Sha256 => Sums { checksum_sha256: value, ..Sums::default() },
        }
    }
}
