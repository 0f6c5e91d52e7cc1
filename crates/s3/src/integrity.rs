//! What a request claims of its payload, and how answers repeat it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use service::Result;
use wire::{Checksum as Hasher, ChecksumAlgorithm};

use crate::content::Expected;
use crate::encryption::CustomerKey;
use crate::error::{self, Error};
use crate::object::{Checksum, ChecksumKind, Object};

/// What objects are given whose clients send no checksum.
pub(crate) const DEFAULT: ChecksumAlgorithm = ChecksumAlgorithm::Crc64Nvme;

/// A checksum's value in base64, and which one it is.
pub(crate) type Sum = (ChecksumAlgorithm, String);

/// The members that PutObject and UploadPart have in common.
#[derive(Debug, Default)]
pub(crate) struct Claims {
    pub(crate) content_md5: Option<String>,
    /// `x-amz-sdk-checksum-algorithm`: says which one is sent, and is ignored where one is.
    pub(crate) algorithm: Option<String>,
    pub(crate) sums: Vec<Sum>,
}

pub(crate) fn parse_algorithm(name: &str) -> Result<ChecksumAlgorithm> {
    Ok(ChecksumAlgorithm::parse(name).ok_or_else(|| {
        let known = ChecksumAlgorithm::ALL.map(ChecksumAlgorithm::name).join(", ");
        error::invalid_request(format!(
            "Checksum algorithm provided is unsupported. Please try again with any of the valid types: [{known}]"
        ))
    })?)
}

impl Claims {
    pub(crate) fn read(self, key: Option<CustomerKey>) -> Result<Expected> {
        let md5 = self.content_md5.as_deref().map(read_md5).transpose()?;
        let algorithm = self.algorithm.as_deref().map(parse_algorithm).transpose()?;
        let mut given = self.sums.into_iter();
        let Some((sent, value)) = given.next() else {
            return Ok(Expected { md5, kept: algorithm, key, ..Expected::default() });
        };
        if given.next().is_some() {
            let text = "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.";
            return Err(error::invalid_request(text).into());
        }
        if !sent.fits(&value) {
            let text = format!("Value for {} header is invalid.", sent.header());
            return Err(error::invalid_request(text).into());
        }
        Ok(Expected { md5, kept: Some(sent), sent: Some((sent, value)), is_part: false, key })
    }
}

impl Expected {
    /// Parts have the checksum that their upload was begun with; where the client sends none it is computed.
    pub(crate) fn for_upload(mut self, upload: &Object) -> Result<Self> {
        let wanted = upload.checksum.as_ref().map(|checksum| checksum.algorithm);
        match (wanted, &self.sent) {
            (Some(wanted), Some((sent, _))) if *sent != wanted => Err(mismatch(wanted, *sent)),
            _ => {
                self.kept = wanted;
                self.is_part = true;
                Ok(self)
            }
        }
    }
}

/// A part came with another checksum than its upload was begun with.
pub(crate) fn mismatch(wanted: ChecksumAlgorithm, sent: ChecksumAlgorithm) -> service::Failure {
    let (wanted, sent) = (wanted.name().to_ascii_lowercase(), sent.name().to_ascii_lowercase());
    let text = format!(
        "Checksum Type mismatch occurred, expected checksum Type: {wanted}, actual checksum Type: {sent}"
    );
    error::invalid_request(text).into()
}

/// What was received is not what its checksum says.
pub(crate) fn bad_digest(algorithm: ChecksumAlgorithm) -> Error {
    let text = format!("The {} you specified did not match the calculated checksum.", algorithm.name());
    Error::new("BadDigest", 400, text)
}

fn read_md5(text: &str) -> Result<[u8; 16]> {
    let bytes = STANDARD.decode(text).ok().and_then(|bytes| bytes.try_into().ok());
    Ok(bytes.ok_or_else(|| {
        Error::new("InvalidDigest", 400, "The Content-MD5 you specified was invalid.")
            .with("Content-MD5", text)
    })?)
}

/// The checksum over the checksums of parts, as multipart uploads have it: `value-count`.
pub(crate) fn composite<'p>(
    algorithm: ChecksumAlgorithm,
    parts: impl ExactSizeIterator<Item = &'p str>,
) -> Option<String> {
    let count = parts.len();
    let mut hasher = Hasher::new(algorithm);
    for part in parts {
        hasher.update(&STANDARD.decode(part).ok()?);
    }
    Some(format!("{}-{count}", hasher.finish()))
}

/// The checksum of an answer, under the name of its algorithm.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Sums {
    #[serde(skip_serializing_if = "Option::is_none", rename = "ChecksumCRC32")]
    crc32: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", rename = "ChecksumCRC32C")]
    crc32c: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", rename = "ChecksumCRC64NVME")]
    crc64nvme: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", rename = "ChecksumSHA1")]
    sha1: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", rename = "ChecksumSHA256")]
    sha256: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", rename = "ChecksumSHA512")]
    sha512: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", rename = "ChecksumMD5")]
    md5: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", rename = "ChecksumXXHASH64")]
    xxhash64: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", rename = "ChecksumXXHASH3")]
    xxhash3: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", rename = "ChecksumXXHASH128")]
    xxhash128: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    checksum_type: Option<&'static str>,
}

impl Sums {
    /// Of an object, with the type.
    pub(crate) fn of(checksum: Option<&Checksum>) -> Self {
        match checksum {
            Some(checksum) => Sums {
                checksum_type: Some(checksum.kind.name()),
                ..Sums::value(checksum.algorithm, &checksum.value)
            },
            None => Sums::default(),
        }
    }

    /// Of a part, which has no type.
    pub(crate) fn of_part(sum: Option<&Sum>) -> Self {
        sum.map(|(algorithm, value)| Sums::value(*algorithm, value)).unwrap_or_default()
    }

    fn value(algorithm: ChecksumAlgorithm, value: &str) -> Self {
        let mut sums = Sums::default();
        let member = match algorithm {
            ChecksumAlgorithm::Crc32 => &mut sums.crc32,
            ChecksumAlgorithm::Crc32c => &mut sums.crc32c,
            ChecksumAlgorithm::Crc64Nvme => &mut sums.crc64nvme,
            ChecksumAlgorithm::Sha1 => &mut sums.sha1,
            ChecksumAlgorithm::Sha256 => &mut sums.sha256,
            ChecksumAlgorithm::Sha512 => &mut sums.sha512,
            ChecksumAlgorithm::Md5 => &mut sums.md5,
            ChecksumAlgorithm::XxHash64 => &mut sums.xxhash64,
            ChecksumAlgorithm::XxHash3 => &mut sums.xxhash3,
            ChecksumAlgorithm::XxHash128 => &mut sums.xxhash128,
        };
        *member = Some(value.to_owned()).filter(|value| !value.is_empty());
        sums
    }
}

impl Checksum {
    /// Of bytes that came at once.
    pub(crate) fn full_object((algorithm, value): Sum) -> Self {
        Checksum { algorithm, kind: ChecksumKind::FullObject, value }
    }
}
