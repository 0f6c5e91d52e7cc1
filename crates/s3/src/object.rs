//! One version of an object: what is known of it beside its bytes.

mod codec;

use bytes::Bytes;
use store::BlobId;
use wire::ChecksumAlgorithm;

use crate::integrity::Sum;
use crate::tables::DataId;

/// A version of an object, or a delete marker. Kept in a compact form: see [`codec`].
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Object {
    /// Its place among the versions of its key: later ones are greater. Microseconds since 1970, made unique.
    pub(crate) order: u64,
    pub(crate) version: VersionName,
    pub(crate) is_delete_marker: bool,
    pub(crate) modified_epoch_millis: i64,
    /// Bytes the client stored.
    pub(crate) size: u64,
    /// Without quotes.
    pub(crate) etag: String,
    pub(crate) content: Content,
    pub(crate) headers: Headers,
    /// User metadata, names in lower case.
    pub(crate) metadata: Vec<(String, String)>,
    pub(crate) tags: Vec<(String, String)>,
    /// Empty for STANDARD.
    pub(crate) storage_class: String,
    pub(crate) checksum: Option<Checksum>,
    /// How many parts it was uploaded in; 0 when it was one PUT.
    pub(crate) parts: u32,
    /// The upload it was made by, when it was uploaded in parts: completing that again answers the object.
    pub(crate) upload: Option<[u8; 16]>,
    pub(crate) retention: Option<Retention>,
    pub(crate) legal_hold: Option<bool>,
    pub(crate) encryption: Encryption,
    /// An access control list other than the default one, as its owner wrote it.
    pub(crate) acl: String,
    /// Until when a restored copy of an archived object can be read.
    pub(crate) restored_until_epoch_millis: Option<i64>,
    /// On the latest version of a key only: where among the older versions the null version is.
    pub(crate) null_order: Option<u64>,
}

/// How a version is called.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum VersionName {
    /// Written while versioning was not enabled.
    #[default]
    Null,
    /// Half of the id; the other half is the version's order, so an id leads to its row.
    Random(u64),
}

/// Headers that come back as they were given.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Headers {
    pub(crate) content_type: String,
    pub(crate) cache_control: String,
    pub(crate) content_disposition: String,
    pub(crate) content_encoding: String,
    pub(crate) content_language: String,
    pub(crate) expires: String,
    pub(crate) website_redirect_location: String,
}

/// Where the bytes are.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Content {
    Piece(Piece),
    /// A list of parts, in a row of `lists`.
    Parts(DataId),
}

/// Bytes that were stored at once.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Piece {
    /// What the client sent; sealed bytes are longer.
    pub(crate) size: u64,
    pub(crate) place: Place,
    /// Makes the key of sealed bytes, together with the customer's.
    pub(crate) salt: Option<[u8; 16]>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Place {
    /// Here.
    Inline(Bytes),
    /// In a row of `data`.
    Row(DataId),
    Blob([u8; 16]),
}

/// One part of an object that was uploaded in parts.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Part {
    pub(crate) number: u16,
    pub(crate) piece: Piece,
    pub(crate) md5: [u8; 16],
    /// Of this part alone, in base64: the one its upload was begun with, or the default one.
    pub(crate) checksum: String,
    /// Another one that the client sent, when its upload was begun with none.
    pub(crate) sent: Option<Sum>,
    pub(crate) modified_epoch_millis: i64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Checksum {
    pub(crate) algorithm: ChecksumAlgorithm,
    pub(crate) kind: ChecksumKind,
    /// In base64; of checksums of parts followed by `-` and how many.
    pub(crate) value: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ChecksumKind {
    FullObject,
    Composite,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Retention {
    pub(crate) mode: RetentionMode,
    pub(crate) until_epoch_millis: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RetentionMode {
    Governance,
    Compliance,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Encryption {
    #[default]
    None,
    /// Asked for by the request or by the bucket's configuration: `AES256`.
    Service,
    /// With a key that only the customer has.
    Customer { key_md5: String, check: [u8; 32] },
}

impl Default for Content {
    fn default() -> Self {
        Content::Piece(Piece::default())
    }
}

impl Default for Place {
    fn default() -> Self {
        Place::Inline(Bytes::new())
    }
}

pub(crate) fn blob_id(bytes: &[u8; 16]) -> store::Result<BlobId> {
    hex::encode(bytes).parse()
}

impl Object {
    /// `null`, or 32 hexadecimal digits.
    pub(crate) fn version_id(&self) -> String {
        match self.version {
            VersionName::Null => "null".to_owned(),
            VersionName::Random(random) => format!("{:016x}{random:016x}", self.order),
        }
    }

    pub(crate) fn quoted_etag(&self) -> String {
        format!("\"{}\"", self.etag)
    }

    pub(crate) fn storage_class(&self) -> &str {
        if self.storage_class.is_empty() { "STANDARD" } else { &self.storage_class }
    }

    pub(crate) fn is_null(&self) -> bool {
        self.version == VersionName::Null
    }

    pub(crate) fn encode(&self) -> Bytes {
        codec::encode(self)
    }

    pub(crate) fn decode(bytes: &Bytes) -> service::Result<Object> {
        codec::decode(bytes).ok_or_else(|| anyhow::anyhow!("the row of an object does not read").into())
    }
}

pub(crate) use codec::{decode_parts, encode_parts};

/// What a version id in a request names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum VersionId {
    Null,
    Named { order: u64, random: u64 },
}

impl VersionId {
    /// `None`: no version was ever called so.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if text == "null" {
            return Some(VersionId::Null);
        }
        let is_hex = text.len() == 32 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if !is_hex {
            return None;
        }
        let order = u64::from_str_radix(&text[..16], 16).ok()?;
        let random = u64::from_str_radix(&text[16..], 16).ok()?;
        Some(VersionId::Named { order, random })
    }

    pub(crate) fn names(self, object: &Object) -> bool {
        match self {
            VersionId::Null => object.is_null(),
            VersionId::Named { order, random } => {
                object.order == order && object.version == VersionName::Random(random)
            }
        }
    }
}
