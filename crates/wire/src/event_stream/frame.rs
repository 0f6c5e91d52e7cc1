//! Single messages: lengths, headers, checksums.

use bytes::{Buf as _, Bytes};

/// The most bytes all headers of a message may take, by AWS' specification.
pub const MAX_HEADERS_BYTES: usize = 128 << 10;
/// The most bytes a payload may take, by AWS' specification.
pub const MAX_PAYLOAD_BYTES: usize = 24 << 20;
/// The most bytes a text or a byte string in a header may take: its length is a signed short.
pub(super) const MAX_HEADER_VALUE_BYTES: usize = i16::MAX as usize;

const PRELUDE_BYTES: usize = 12;
const CHECKSUM_BYTES: usize = 4;

/// A header value of an event stream message.
#[derive(Debug, Clone, PartialEq)]
pub enum HeaderValue {
    Bool(bool),
    Byte(i8),
    Short(i16),
    Int(i32),
    Long(i64),
    Bytes(Bytes),
    Text(String),
    /// Milliseconds since 1970.
    Timestamp(i64),
    Uuid([u8; 16]),
}

/// One message of a stream.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Message {
    pub headers: Vec<(String, HeaderValue)>,
    pub payload: Bytes,
}

/// A message that cannot be read or written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("event stream: {0}")]
pub struct FrameError(&'static str);

/// Writes one message; fails only when it exceeds a limit.
pub fn encode_message(message: &Message) -> Result<Bytes, FrameError> {
    let mut headers = Vec::with_capacity(128);
    for (name, value) in &message.headers {
        let length =
            u8::try_from(name.len()).map_err(|_| FrameError("a header name is longer than 255 bytes"))?;
        if length == 0 {
            return Err(FrameError("a header has no name"));
        }
        headers.push(length);
        headers.extend_from_slice(name.as_bytes());
        write_value(&mut headers, value)?;
    }
    if headers.len() > MAX_HEADERS_BYTES {
        return Err(FrameError("the headers are longer than 128 KiB"));
    }
    if message.payload.len() > MAX_PAYLOAD_BYTES {
        return Err(FrameError("the payload is longer than 24 MiB"));
    }
    let total = PRELUDE_BYTES + headers.len() + message.payload.len() + CHECKSUM_BYTES;
    let mut out = Vec::with_capacity(total);
    out.extend_from_slice(&(total as u32).to_be_bytes());
    out.extend_from_slice(&(headers.len() as u32).to_be_bytes());
    out.extend_from_slice(&crc32fast::hash(&out).to_be_bytes());
    out.extend_from_slice(&headers);
    out.extend_from_slice(&message.payload);
    out.extend_from_slice(&crc32fast::hash(&out).to_be_bytes());
    Ok(out.into())
}

/// Takes the first message off `buffer`; `Ok(None)` when it is not complete yet. The payload is a
/// slice of the buffer.
pub fn decode_message(buffer: &mut Bytes) -> Result<Option<Message>, FrameError> {
    if buffer.len() < PRELUDE_BYTES {
        return Ok(None);
    }
    let number = |at: usize| u32::from_be_bytes([buffer[at], buffer[at + 1], buffer[at + 2], buffer[at + 3]]);
    let (total, headers_length) = (number(0) as usize, number(4) as usize);
    if number(8) != crc32fast::hash(&buffer[..8]) {
        return Err(FrameError("the checksum of the prelude does not match"));
    }
    if headers_length > MAX_HEADERS_BYTES
        || total > PRELUDE_BYTES + MAX_HEADERS_BYTES + MAX_PAYLOAD_BYTES + CHECKSUM_BYTES
    {
        return Err(FrameError("a message is longer than allowed"));
    }
    if total < PRELUDE_BYTES + headers_length + CHECKSUM_BYTES {
        return Err(FrameError("the lengths contradict each other"));
    }
    if buffer.len() < total {
        return Ok(None);
    }
    let checksum = number(total - CHECKSUM_BYTES);
    if checksum != crc32fast::hash(&buffer[..total - CHECKSUM_BYTES]) {
        return Err(FrameError("the checksum of a message does not match"));
    }
    let message = buffer.split_to(total);
    let headers = read_headers(message.slice(PRELUDE_BYTES..PRELUDE_BYTES + headers_length))?;
    let payload = message.slice(PRELUDE_BYTES + headers_length..total - CHECKSUM_BYTES);
    Ok(Some(Message { headers, payload }))
}

/// All messages of a complete body.
pub fn decode_messages(mut body: Bytes) -> Result<Vec<Message>, FrameError> {
    let mut messages = Vec::new();
    while !body.is_empty() {
        match decode_message(&mut body)? {
            Some(message) => messages.push(message),
            None => return Err(FrameError("the last message is cut off")),
        }
    }
    Ok(messages)
}

fn write_value(out: &mut Vec<u8>, value: &HeaderValue) -> Result<(), FrameError> {
    match value {
        HeaderValue::Bool(true) => out.push(0),
        HeaderValue::Bool(false) => out.push(1),
        HeaderValue::Byte(number) => out.extend_from_slice(&[2, *number as u8]),
        HeaderValue::Short(number) => {
            out.push(3);
            out.extend_from_slice(&number.to_be_bytes());
        }
        HeaderValue::Int(number) => {
            out.push(4);
            out.extend_from_slice(&number.to_be_bytes());
        }
        HeaderValue::Long(number) => {
            out.push(5);
            out.extend_from_slice(&number.to_be_bytes());
        }
        HeaderValue::Bytes(bytes) => write_bytes(out, 6, bytes)?,
        HeaderValue::Text(text) => write_bytes(out, 7, text.as_bytes())?,
        HeaderValue::Timestamp(millis) => {
            out.push(8);
            out.extend_from_slice(&millis.to_be_bytes());
        }
        HeaderValue::Uuid(bytes) => {
            out.push(9);
            out.extend_from_slice(bytes);
        }
    }
    Ok(())
}

fn write_bytes(out: &mut Vec<u8>, kind: u8, bytes: &[u8]) -> Result<(), FrameError> {
    let length =
        i16::try_from(bytes.len()).map_err(|_| FrameError("a header value is longer than 32767 bytes"))?;
    out.push(kind);
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(bytes);
    Ok(())
}

fn read_headers(mut bytes: Bytes) -> Result<Vec<(String, HeaderValue)>, FrameError> {
    let mut headers = Vec::new();
    while !bytes.is_empty() {
        let length = usize::from(bytes.get_u8());
        let name = text(take(&mut bytes, length)?)?;
        if name.is_empty() {
            return Err(FrameError("a header has no name"));
        }
        headers.push((name, read_value(&mut bytes)?));
    }
    Ok(headers)
}

fn read_value(bytes: &mut Bytes) -> Result<HeaderValue, FrameError> {
    let kind = take(bytes, 1)?[0];
    Ok(match kind {
        0 => HeaderValue::Bool(true),
        1 => HeaderValue::Bool(false),
        2 => HeaderValue::Byte(take(bytes, 1)?.get_i8()),
        3 => HeaderValue::Short(take(bytes, 2)?.get_i16()),
        4 => HeaderValue::Int(take(bytes, 4)?.get_i32()),
        5 => HeaderValue::Long(take(bytes, 8)?.get_i64()),
        6 | 7 => {
            let length =
                usize::try_from(take(bytes, 2)?.get_i16()).map_err(|_| FrameError("a negative length"))?;
            let value = take(bytes, length)?;
            if kind == 6 { HeaderValue::Bytes(value) } else { HeaderValue::Text(text(value)?) }
        }
        8 => HeaderValue::Timestamp(take(bytes, 8)?.get_i64()),
        9 => {
            let mut uuid = [0; 16];
            take(bytes, 16)?.copy_to_slice(&mut uuid);
            HeaderValue::Uuid(uuid)
        }
        _ => return Err(FrameError("an unknown type of header")),
    })
}

fn take(bytes: &mut Bytes, length: usize) -> Result<Bytes, FrameError> {
    if bytes.len() < length { Err(FrameError("a header is cut off")) } else { Ok(bytes.split_to(length)) }
}

fn text(bytes: Bytes) -> Result<String, FrameError> {
    String::from_utf8(bytes.into()).map_err(|_| FrameError("text that is not UTF-8"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn header_value() -> impl Strategy<Value = HeaderValue> {
        prop_oneof![
            any::<bool>().prop_map(HeaderValue::Bool),
            any::<i8>().prop_map(HeaderValue::Byte),
            any::<i16>().prop_map(HeaderValue::Short),
            any::<i32>().prop_map(HeaderValue::Int),
            any::<i64>().prop_map(HeaderValue::Long),
            prop::collection::vec(any::<u8>(), 0..50).prop_map(|bytes| HeaderValue::Bytes(bytes.into())),
            ".{0,20}".prop_map(HeaderValue::Text),
            any::<i64>().prop_map(HeaderValue::Timestamp),
            any::<[u8; 16]>().prop_map(HeaderValue::Uuid),
        ]
    }

    fn message() -> impl Strategy<Value = Message> {
        let headers = prop::collection::vec(("[a-z:-]{1,20}", header_value()), 0..6);
        (headers, prop::collection::vec(any::<u8>(), 0..200))
            .prop_map(|(headers, payload)| Message { headers, payload: payload.into() })
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn messages_go_there_and_back(messages in prop::collection::vec(message(), 0..4)) {
            let body: Vec<u8> = messages.iter().flat_map(|message| encode_message(message).unwrap()).collect();
            prop_assert_eq!(decode_messages(body.into()).unwrap(), messages);
        }

        #[test]
        fn any_changed_byte_is_noticed(message in message(), position: prop::sample::Index, flip in 1_u8..) {
            let mut bytes = encode_message(&message).unwrap().to_vec();
            let position = position.index(bytes.len());
            bytes[position] ^= flip;
            prop_assert!(decode_messages(bytes.into()).is_err());
        }

        #[test]
        fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = decode_messages(bytes.into());
        }

        /// The checksums are right, so that the headers themselves are read.
        #[test]
        fn random_headers_never_panic(headers in prop::collection::vec(any::<u8>(), 0..100)) {
            let _ = read_headers(headers.into());
        }
    }

    #[test]
    fn an_incomplete_message_waits_for_more() {
        let message = Message {
            headers: vec![("a".into(), HeaderValue::Bool(true))],
            payload: Bytes::from_static(b"xyz"),
        };
        let whole = encode_message(&message).unwrap();
        for length in 0..whole.len() {
            let mut part = whole.slice(..length);
            assert_eq!(decode_message(&mut part), Ok(None));
            assert_eq!(part.len(), length);
        }
        assert!(decode_messages(whole.slice(..whole.len() - 1)).is_err());
    }

    #[test]
    fn limits_hold_at_their_edge() {
        let with = |length: usize| Message {
            headers: vec![("a".into(), HeaderValue::Text("x".repeat(length)))],
            payload: Bytes::new(),
        };
        assert!(encode_message(&with(MAX_HEADER_VALUE_BYTES)).is_ok());
        assert!(encode_message(&with(MAX_HEADER_VALUE_BYTES + 1)).is_err());
        let payload = |length: usize| Message { headers: Vec::new(), payload: vec![0; length].into() };
        assert!(encode_message(&payload(MAX_PAYLOAD_BYTES)).is_ok());
        assert!(encode_message(&payload(MAX_PAYLOAD_BYTES + 1)).is_err());
    }
}
