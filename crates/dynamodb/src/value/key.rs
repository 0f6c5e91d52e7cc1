//! Key attributes as bytes that order as the values do.

use super::Value;

/// Bytes of content that share one marker.
const GROUP_BYTES: usize = 8;

/// A value that can be a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum KeyPart<'v> {
    Bytes(&'v [u8]),
    Number(super::Number),
}

impl<'v> KeyPart<'v> {
    /// `None` for values that cannot be keys.
    pub(crate) fn of(value: &'v Value) -> Option<Self> {
        match value {
            Value::Text(text) => Some(KeyPart::Bytes(text.as_bytes())),
            Value::Binary(bytes) => Some(KeyPart::Bytes(bytes)),
            Value::Number(number) => Some(KeyPart::Number(*number)),
            _ => None,
        }
    }

    /// What counts towards the limits on keys.
    pub(crate) fn size_bytes(&self) -> usize {
        match self {
            KeyPart::Bytes(bytes) => bytes.len(),
            KeyPart::Number(number) => number.size_bytes(),
        }
    }
}

/// Appends a key attribute: bytes that order as the values do and tell where they end, so that several can follow each
/// other.
///
/// Text and binary go in groups of eight bytes; behind each stands how many of them count, and 255 says that another
/// group follows.
pub(crate) fn encode_key(part: &KeyPart<'_>, out: &mut Vec<u8>) {
    match part {
        KeyPart::Number(number) => number.encode(out),
        KeyPart::Bytes(bytes) => {
            let (groups, rest) = bytes.as_chunks::<GROUP_BYTES>();
            put_groups(groups, out);
            out.extend_from_slice(rest);
            out.resize(out.len() + GROUP_BYTES - rest.len(), 0);
            out.push(rest.len() as u8);
        }
    }
}

/// What every key encoded by [`encode_key`] begins with whose value begins with these bytes.
pub(crate) fn encode_key_prefix(bytes: &[u8], out: &mut Vec<u8>) {
    let (groups, rest) = bytes.as_chunks::<GROUP_BYTES>();
    put_groups(groups, out);
    out.extend_from_slice(rest);
}

fn put_groups(groups: &[[u8; GROUP_BYTES]], out: &mut Vec<u8>) {
    for group in groups {
        out.extend_from_slice(group);
        out.push(u8::MAX);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn encoded(value: &Value) -> Vec<u8> {
        let mut out = Vec::new();
        encode_key(&KeyPart::of(value).unwrap(), &mut out);
        out
    }

    fn binaries() -> impl Strategy<Value = Vec<u8>> {
        proptest::collection::vec(prop_oneof![Just(0_u8), Just(255), any::<u8>()], 0..20)
    }

    proptest! {
        #[test]
        fn keys_order_as_their_values(a in binaries(), b in binaries()) {
            let (first, second) = (Value::Binary(a.into()), Value::Binary(b.into()));
            prop_assert_eq!(encoded(&first).cmp(&encoded(&second)), first.order(&second).unwrap());
        }

        #[test]
        fn no_key_begins_another(a in binaries(), b in binaries()) {
            let (first, second) = (encoded(&Value::Binary(a.clone().into())), encoded(&Value::Binary(b.clone().into())));
            prop_assert_eq!(first.starts_with(&second), a == b);
        }

        #[test]
        fn a_prefix_of_the_value_is_a_prefix_of_the_key(value in binaries(), prefix in binaries()) {
            let mut begin = Vec::new();
            encode_key_prefix(&prefix, &mut begin);
            let key = encoded(&Value::Binary(value.clone().into()));
            // The padding of a short value can look like zeros of the prefix; what is left to say is said by a filter.
            if value.starts_with(&prefix) {
                prop_assert!(key.starts_with(&begin));
            } else if value.len() >= prefix.len() {
                prop_assert!(!key.starts_with(&begin));
            }
        }
    }
}
