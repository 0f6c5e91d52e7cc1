//! Rows of objects: fields as `tag, length, bytes`, absent when they are the default. Readers skip tags they do not know,
//! so fields can be added.

use bytes::Bytes;
use wire::ChecksumAlgorithm;

use super::{
    Checksum, ChecksumKind, Content, Encryption, Headers, Object, Part, Piece, Place, Retention,
    RetentionMode, VersionName,
};

mod tag {
    pub(super) const ORDER: u8 = 1;
    pub(super) const VERSION: u8 = 2;
    pub(super) const DELETE_MARKER: u8 = 3;
    pub(super) const MODIFIED: u8 = 4;
    pub(super) const SIZE: u8 = 5;
    pub(super) const ETAG: u8 = 6;
    pub(super) const PIECE: u8 = 7;
    pub(super) const PARTS_ROW: u8 = 8;
    pub(super) const CONTENT_TYPE: u8 = 9;
    pub(super) const CACHE_CONTROL: u8 = 10;
    pub(super) const CONTENT_DISPOSITION: u8 = 11;
    pub(super) const CONTENT_ENCODING: u8 = 12;
    pub(super) const CONTENT_LANGUAGE: u8 = 13;
    pub(super) const EXPIRES: u8 = 14;
    pub(super) const REDIRECT: u8 = 15;
    pub(super) const METADATA: u8 = 16;
    pub(super) const TAGGING: u8 = 17;
    pub(super) const STORAGE_CLASS: u8 = 18;
    pub(super) const CHECKSUM: u8 = 19;
    pub(super) const PARTS: u8 = 20;
    pub(super) const RETENTION: u8 = 21;
    pub(super) const LEGAL_HOLD: u8 = 22;
    pub(super) const ENCRYPTION: u8 = 23;
    pub(super) const ACL: u8 = 24;
    pub(super) const RESTORED_UNTIL: u8 = 25;
    pub(super) const NULL_ORDER: u8 = 26;
    pub(super) const UPLOAD: u8 = 27;
    // Of a piece.
    pub(super) const INLINE: u8 = 1;
    pub(super) const ROW: u8 = 2;
    pub(super) const BLOB: u8 = 3;
    pub(super) const SALT: u8 = 4;
    pub(super) const PIECE_SIZE: u8 = 5;
    // Of a part.
    pub(super) const NUMBER: u8 = 1;
    pub(super) const MD5: u8 = 2;
    pub(super) const PART_PIECE: u8 = 3;
    pub(super) const PART_CHECKSUM: u8 = 4;
    pub(super) const PART_MODIFIED: u8 = 5;
    pub(super) const PART_SENT: u8 = 6;
    pub(super) const ONE_PART: u8 = 1;
}

pub(super) fn encode(object: &Object) -> Bytes {
    let mut out = Fields(Vec::with_capacity(256));
    out.number(tag::ORDER, object.order);
    if let VersionName::Random(random) = object.version {
        out.bytes(tag::VERSION, &random.to_be_bytes());
    }
    if object.is_delete_marker {
        out.bytes(tag::DELETE_MARKER, &[]);
    }
    out.number(tag::MODIFIED, object.modified_epoch_millis.cast_unsigned());
    out.number(tag::SIZE, object.size);
    out.text(tag::ETAG, &object.etag);
    match &object.content {
        Content::Piece(piece) => out.bytes(tag::PIECE, &encode_piece(piece)),
        Content::Parts(id) => out.bytes(tag::PARTS_ROW, id),
    }
    let headers = &object.headers;
    out.text(tag::CONTENT_TYPE, &headers.content_type);
    out.text(tag::CACHE_CONTROL, &headers.cache_control);
    out.text(tag::CONTENT_DISPOSITION, &headers.content_disposition);
    out.text(tag::CONTENT_ENCODING, &headers.content_encoding);
    out.text(tag::CONTENT_LANGUAGE, &headers.content_language);
    out.text(tag::EXPIRES, &headers.expires);
    out.text(tag::REDIRECT, &headers.website_redirect_location);
    out.pairs(tag::METADATA, &object.metadata);
    out.pairs(tag::TAGGING, &object.tags);
    out.text(tag::STORAGE_CLASS, &object.storage_class);
    if let Some(checksum) = &object.checksum {
        let head = [algorithm_byte(checksum.algorithm), u8::from(checksum.kind == ChecksumKind::Composite)];
        out.bytes(tag::CHECKSUM, &[&head, checksum.value.as_bytes()].concat());
    }
    out.number(tag::PARTS, object.parts.into());
    if let Some(retention) = &object.retention {
        let mode = u8::from(retention.mode == RetentionMode::Compliance);
        out.bytes(tag::RETENTION, &[&[mode], &retention.until_epoch_millis.to_be_bytes()[..]].concat());
    }
    if let Some(on) = object.legal_hold {
        out.bytes(tag::LEGAL_HOLD, &[u8::from(on)]);
    }
    match &object.encryption {
        Encryption::None => {}
        Encryption::Service => out.bytes(tag::ENCRYPTION, &[1]),
        Encryption::Customer { key_md5, check } => {
            out.bytes(tag::ENCRYPTION, &[&[2], &check[..], key_md5.as_bytes()].concat());
        }
    }
    out.text(tag::ACL, &object.acl);
    if let Some(until) = object.restored_until_epoch_millis {
        out.bytes(tag::RESTORED_UNTIL, &until.to_be_bytes());
    }
    if let Some(order) = object.null_order {
        out.bytes(tag::NULL_ORDER, &order.to_be_bytes());
    }
    if let Some(upload) = &object.upload {
        out.bytes(tag::UPLOAD, upload);
    }
    out.0.into()
}

/// `None`: it is not a row that [`encode`] wrote.
pub(super) fn decode(bytes: &Bytes) -> Option<Object> {
    let mut object = Object::default();
    let mut reader = Reader(bytes.clone());
    while let Some((tag, field)) = reader.next()? {
        let headers: &mut Headers = &mut object.headers;
        match tag {
            tag::ORDER => object.order = number(&field)?,
            tag::VERSION => object.version = VersionName::Random(fixed(&field)?),
            tag::DELETE_MARKER => object.is_delete_marker = true,
            tag::MODIFIED => object.modified_epoch_millis = number(&field)?.cast_signed(),
            tag::SIZE => object.size = number(&field)?,
            tag::ETAG => object.etag = text(&field)?,
            tag::PIECE => object.content = Content::Piece(decode_piece(field)?),
            tag::PARTS_ROW => object.content = Content::Parts(field.as_ref().try_into().ok()?),
            tag::CONTENT_TYPE => headers.content_type = text(&field)?,
            tag::CACHE_CONTROL => headers.cache_control = text(&field)?,
            tag::CONTENT_DISPOSITION => headers.content_disposition = text(&field)?,
            tag::CONTENT_ENCODING => headers.content_encoding = text(&field)?,
            tag::CONTENT_LANGUAGE => headers.content_language = text(&field)?,
            tag::EXPIRES => headers.expires = text(&field)?,
            tag::REDIRECT => headers.website_redirect_location = text(&field)?,
            tag::METADATA => object.metadata = pairs(field)?,
            tag::TAGGING => object.tags = pairs(field)?,
            tag::STORAGE_CLASS => object.storage_class = text(&field)?,
            tag::CHECKSUM => {
                let (algorithm, kind) = (*field.first()?, *field.get(1)?);
                object.checksum = Some(Checksum {
                    algorithm: algorithm_of(algorithm)?,
                    kind: if kind == 1 { ChecksumKind::Composite } else { ChecksumKind::FullObject },
                    value: text(&field[2..])?,
                });
            }
            tag::PARTS => object.parts = u32::try_from(number(&field)?).ok()?,
            tag::RETENTION => {
                let (mode, until) = field.split_first()?;
                object.retention = Some(Retention {
                    mode: if *mode == 1 { RetentionMode::Compliance } else { RetentionMode::Governance },
                    until_epoch_millis: fixed(until)?.cast_signed(),
                });
            }
            tag::LEGAL_HOLD => object.legal_hold = Some(*field.first()? == 1),
            tag::ENCRYPTION => object.encryption = decode_encryption(&field)?,
            tag::ACL => object.acl = text(&field)?,
            tag::RESTORED_UNTIL => object.restored_until_epoch_millis = Some(fixed(&field)?.cast_signed()),
            tag::NULL_ORDER => object.null_order = Some(fixed(&field)?),
            tag::UPLOAD => object.upload = Some(field.as_ref().try_into().ok()?),
            _ => {}
        }
    }
    Some(object)
}

fn decode_encryption(field: &[u8]) -> Option<Encryption> {
    let (kind, rest) = field.split_first()?;
    match kind {
        1 => Some(Encryption::Service),
        2 => {
            let (check, key_md5) = rest.split_first_chunk::<32>()?;
            Some(Encryption::Customer { key_md5: text(key_md5)?, check: *check })
        }
        _ => None,
    }
}

/// The list of parts of an object, for its row of `data`.
pub(crate) fn encode_parts(parts: &[Part]) -> Bytes {
    let mut out = Fields(Vec::with_capacity(parts.len() * 64));
    for part in parts {
        let mut fields = Fields(Vec::with_capacity(64));
        fields.number(tag::NUMBER, part.number.into());
        fields.bytes(tag::MD5, &part.md5);
        fields.bytes(tag::PART_PIECE, &encode_piece(&part.piece));
        fields.text(tag::PART_CHECKSUM, &part.checksum);
        if let Some((algorithm, value)) = &part.sent {
            fields.bytes(tag::PART_SENT, &[&[algorithm_byte(*algorithm)], value.as_bytes()].concat());
        }
        fields.number(tag::PART_MODIFIED, part.modified_epoch_millis.cast_unsigned());
        out.bytes(tag::ONE_PART, &fields.0);
    }
    out.0.into()
}

/// `None`: it is not what [`encode_parts`] wrote.
pub(crate) fn decode_parts(bytes: &Bytes) -> Option<Vec<Part>> {
    let mut parts = Vec::new();
    let mut reader = Reader(bytes.clone());
    while let Some((tag, field)) = reader.next()? {
        if tag != tag::ONE_PART {
            continue;
        }
        let mut part = Part::default();
        let mut fields = Reader(field);
        while let Some((tag, field)) = fields.next()? {
            match tag {
                tag::NUMBER => part.number = u16::try_from(number(&field)?).ok()?,
                tag::MD5 => part.md5 = field.as_ref().try_into().ok()?,
                tag::PART_PIECE => part.piece = decode_piece(field)?,
                tag::PART_CHECKSUM => part.checksum = text(&field)?,
                tag::PART_SENT => {
                    part.sent = Some((algorithm_of(*field.first()?)?, text(&field.slice(1..))?));
                }
                tag::PART_MODIFIED => part.modified_epoch_millis = number(&field)?.cast_signed(),
                _ => {}
            }
        }
        parts.push(part);
    }
    Some(parts)
}

fn encode_piece(piece: &Piece) -> Vec<u8> {
    let mut out = Fields(Vec::with_capacity(32));
    out.number(tag::PIECE_SIZE, piece.size);
    match &piece.place {
        Place::Inline(bytes) => out.bytes(tag::INLINE, bytes),
        Place::Row(id) => out.bytes(tag::ROW, id),
        Place::Blob(id) => out.bytes(tag::BLOB, id),
    }
    if let Some(salt) = &piece.salt {
        out.bytes(tag::SALT, salt);
    }
    out.0
}

fn decode_piece(field: Bytes) -> Option<Piece> {
    let mut piece = Piece::default();
    let mut reader = Reader(field);
    while let Some((tag, field)) = reader.next()? {
        match tag {
            tag::PIECE_SIZE => piece.size = number(&field)?,
            tag::INLINE => piece.place = Place::Inline(field),
            tag::ROW => piece.place = Place::Row(field.as_ref().try_into().ok()?),
            tag::BLOB => piece.place = Place::Blob(field.as_ref().try_into().ok()?),
            tag::SALT => piece.salt = Some(field.as_ref().try_into().ok()?),
            _ => {}
        }
    }
    Some(piece)
}

/// The order is that of the bytes they are kept as, from one.
fn algorithm_byte(algorithm: ChecksumAlgorithm) -> u8 {
    ChecksumAlgorithm::ALL
        .iter()
        .zip(1_u8..)
        .find(|(known, _)| **known == algorithm)
        .map_or(0, |(_, byte)| byte)
}

fn algorithm_of(byte: u8) -> Option<ChecksumAlgorithm> {
    ChecksumAlgorithm::ALL.get(usize::from(byte).checked_sub(1)?).copied()
}

struct Fields(Vec<u8>);

impl Fields {
    fn bytes(&mut self, tag: u8, field: &[u8]) {
        self.0.push(tag);
        self.length(field.len() as u64);
        self.0.extend_from_slice(field);
    }

    fn text(&mut self, tag: u8, text: &str) {
        if !text.is_empty() {
            self.bytes(tag, text.as_bytes());
        }
    }

    fn number(&mut self, tag: u8, number: u64) {
        if number != 0 {
            let bytes = number.to_be_bytes();
            self.bytes(tag, &bytes[number.leading_zeros() as usize / 8..]);
        }
    }

    fn pairs(&mut self, tag: u8, pairs: &[(String, String)]) {
        if pairs.is_empty() {
            return;
        }
        let mut list = Fields(Vec::new());
        for text in pairs.iter().flat_map(|(name, value)| [name, value]) {
            list.bytes(1, text.as_bytes());
        }
        self.bytes(tag, &list.0);
    }

    fn length(&mut self, mut length: u64) {
        while length >= 0x80 {
            self.0.push((length & 0x7F) as u8 | 0x80);
            length >>= 7;
        }
        self.0.push(length as u8);
    }
}

/// Reads fields; slices share the row's memory.
struct Reader(Bytes);

impl Reader {
    /// `None`: cut short. `Some(None)`: the end.
    #[expect(clippy::option_option, reason = "the question mark wants damage and end told apart")]
    fn next(&mut self) -> Option<Option<(u8, Bytes)>> {
        if self.0.is_empty() {
            return Some(None);
        }
        let tag = self.0[0];
        let (mut length, mut at, mut shift) = (0_u64, 1, 0);
        loop {
            let byte = *self.0.get(at)?;
            at += 1;
            length |= u64::from(byte & 0x7F).checked_shl(shift)?;
            shift += 7;
            if byte & 0x80 == 0 {
                break;
            }
        }
        let end = at.checked_add(usize::try_from(length).ok()?)?;
        if end > self.0.len() {
            return None;
        }
        let field = self.0.slice(at..end);
        self.0 = self.0.slice(end..);
        Some(Some((tag, field)))
    }
}

fn number(field: &[u8]) -> Option<u64> {
    (field.len() <= 8).then(|| field.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
}

fn fixed(field: &[u8]) -> Option<u64> {
    Some(u64::from_be_bytes(field.try_into().ok()?))
}

fn text(field: &[u8]) -> Option<String> {
    String::from_utf8(field.to_vec()).ok()
}

fn pairs(field: Bytes) -> Option<Vec<(String, String)>> {
    let mut pairs = Vec::new();
    let mut reader = Reader(field);
    while let Some((_, name)) = reader.next()? {
        let (_, value) = reader.next()??;
        pairs.push((text(&name)?, text(&value)?));
    }
    Some(pairs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn full() -> Object {
        let pair = |name: &str| (name.to_owned(), "v".repeat(300));
        Object {
            order: 1_700_000_000_000_123,
            version: VersionName::Random(7),
            modified_epoch_millis: 1_700_000_000_000,
            size: 40_000,
            etag: "0123456789abcdef0123456789abcdef-3".into(),
            content: Content::Parts([9; 16]),
            headers: Headers {
                content_type: "text/plain".into(),
                expires: "soon".into(),
                ..Headers::default()
            },
            metadata: vec![pair("a"), pair("ключ")],
            tags: vec![pair("t")],
            storage_class: "GLACIER".into(),
            checksum: Some(Checksum {
                algorithm: ChecksumAlgorithm::Sha256,
                kind: ChecksumKind::Composite,
                value: "abc=-3".into(),
            }),
            parts: 3,
            retention: Some(Retention { mode: RetentionMode::Compliance, until_epoch_millis: -5 }),
            legal_hold: Some(false),
            encryption: Encryption::Customer { key_md5: "md5==".into(), check: [3; 32] },
            acl: "{}".into(),
            restored_until_epoch_millis: Some(12),
            null_order: Some(0),
            ..Object::default()
        }
    }

    #[test]
    fn every_field_comes_back() {
        let mut object = full();
        assert_eq!(decode(&encode(&object)), Some(object.clone()));
        object.content = Content::Piece(Piece {
            size: 3,
            place: Place::Inline(Bytes::from_static(b"abc")),
            salt: Some([1; 16]),
        });
        object.is_delete_marker = true;
        assert_eq!(decode(&encode(&object)), Some(object));
        assert_eq!(decode(&encode(&Object::default())), Some(Object::default()));
    }

    #[test]
    fn lists_of_parts_come_back() {
        let part = |number| Part {
            number,
            piece: Piece { size: 5 << 20, place: Place::Blob([number as u8; 16]), salt: None },
            md5: [4; 16],
            checksum: "x==".into(),
            sent: Some((ChecksumAlgorithm::Sha1, "y=".into())),
            modified_epoch_millis: 99,
        };
        let parts: Vec<Part> = [1, 2, 10_000].map(part).to_vec();
        assert_eq!(decode_parts(&encode_parts(&parts)), Some(parts));
    }

    #[test]
    fn later_fields_are_skipped() {
        let mut row = encode(&full()).to_vec();
        row.extend_from_slice(&[200, 2, 1, 1]);
        assert_eq!(decode(&row.into()), Some(full()));
    }

    proptest! {
        #[test]
        fn damage_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..200), cut in 0_usize..200) {
            let _ = decode(&bytes.into());
            let row = encode(&full());
            let _ = decode(&row.slice(..cut.min(row.len())));
        }
    }
}
