//! The framing of `application/vnd.amazon.eventstream`, and the events of modelled streams in it.
//!
//! A message is a prelude (total length, length of the headers, checksum of both), the headers, the
//! payload, and a checksum of it all. Checksums are CRC-32; numbers are big-endian.

mod frame;

pub use frame::{
    FrameError, HeaderValue, MAX_HEADERS_BYTES, MAX_PAYLOAD_BYTES, Message, decode_message, decode_messages,
    encode_message,
};

use bytes::Bytes;

use crate::cbor;
use crate::document::{Document, Map};
use crate::error::EncodeError;
use crate::json;
use crate::model::{Kind, Member, Model, OperationModel, StreamingOutput, Structure};
use crate::protocol::Protocol;
use crate::text;
use crate::xml::{Names, Writer};

/// One event of the operation's output stream: `name` is the member of the stream's union, `event`
/// the structure behind it.
pub fn encode_event(
    model: &Model,
    operation: &OperationModel,
    protocol: Protocol,
    name: &str,
    event: &Document,
) -> Result<Bytes, EncodeError> {
    let head = vec![text_header(":message-type", "event"), text_header(":event-type", name)];
    encode_member(model, operation, protocol, name, event, head)
}

/// A modelled exception that ends the stream.
pub fn encode_exception(
    model: &Model,
    operation: &OperationModel,
    protocol: Protocol,
    name: &str,
    exception: &Document,
) -> Result<Bytes, EncodeError> {
    let head = vec![text_header(":message-type", "exception"), text_header(":exception-type", name)];
    encode_member(model, operation, protocol, name, exception, head)
}

/// An error outside of the model that ends the stream. Text beyond what a header holds is cut off.
pub fn encode_error(code: &str, message: &str) -> Bytes {
    let headers = vec![
        text_header(":message-type", "error"),
        text_header(":error-code", text::cut(code, frame::MAX_HEADER_VALUE_BYTES)),
        text_header(":error-message", text::cut(message, frame::MAX_HEADER_VALUE_BYTES)),
    ];
    encode_message(&Message { headers, payload: Bytes::new() }).expect("both texts were cut to fit")
}

/// The first message of a stream in the RPC protocols: the output's members beside the stream.
pub fn encode_initial_response(
    model: &Model,
    operation: &OperationModel,
    protocol: Protocol,
    output: &Document,
) -> Result<Bytes, EncodeError> {
    let Some(structure) = operation.output.map(|id| model.structure(id)) else {
        return Err(EncodeError::new("the operation has no output").within(&operation.name));
    };
    let mut headers =
        vec![text_header(":message-type", "event"), text_header(":event-type", "initial-response")];
    let payload = write_structure(model, structure, protocol, &operation.name, members_of(output)?)?;
    headers.push(text_header(":content-type", content_type(protocol)));
    frame_up(headers, payload)
}

fn encode_member(
    model: &Model,
    operation: &OperationModel,
    protocol: Protocol,
    name: &str,
    event: &Document,
    mut headers: Vec<(String, HeaderValue)>,
) -> Result<Bytes, EncodeError> {
    let (shape_name, structure) = event_structure(model, operation, name)?;
    let members = members_of(event).map_err(|error| error.within(name))?;
    for (key, value) in members.iter().filter(|(_, value)| !value.is_null()) {
        match structure.members.get(key.as_str()) {
            Some(member) if member.is_event_header => {
                headers.push((
                    key.clone(),
                    header_value(value).map_err(|error| error.within(key).within(name))?,
                ));
            }
            Some(_) => {}
            None => return Err(EncodeError::new("the shape has no such member").within(key).within(name)),
        }
    }
    let payload = match structure.members.values().find(|member| member.is_event_payload) {
        Some(member) => match members.get(&*member.name) {
            None | Some(Document::Null) => Bytes::new(),
            Some(value) => {
                let (payload, content_type) = write_payload(model, member, protocol, value)
                    .map_err(|error| error.within(&member.name).within(name))?;
                headers.push(text_header(":content-type", content_type));
                payload
            }
        },
        None if structure.members.values().all(|member| member.is_event_header) => Bytes::new(),
        None => {
            headers.push(text_header(":content-type", content_type(protocol)));
            let in_body = members.iter().filter(|(key, _)| !structure.members[key.as_str()].is_event_header);
            let in_body = in_body.map(|(key, value)| (key.clone(), value.clone())).collect();
            write_structure(model, structure, protocol, shape_name, &in_body)
                .map_err(|error| error.within(name))?
        }
    };
    frame_up(headers, payload)
}

fn event_structure<'m>(
    model: &'m Model,
    operation: &OperationModel,
    name: &str,
) -> Result<(&'m str, &'m Structure), EncodeError> {
    let StreamingOutput::Events(stream) = operation.streaming_output() else {
        return Err(EncodeError::new("the operation streams no events").within(&operation.name));
    };
    let shape = operation
        .output
        .and_then(|id| model.structure(id).member(stream))
        .and_then(|member| model.shape(member.shape).structure()?.member(name))
        .map(|event| model.shape(event.shape));
    match shape.and_then(|shape| Some((shape.name(), shape.structure()?))) {
        Some(found) => Ok(found),
        None => Err(EncodeError::new("the stream has no such event").within(name).within(&operation.name)),
    }
}

fn write_payload(
    model: &Model,
    member: &Member,
    protocol: Protocol,
    value: &Document,
) -> Result<(Bytes, &'static str), EncodeError> {
    let shape = model.shape(member.shape);
    match (&shape.kind, value) {
        (Kind::Blob, Document::Blob(bytes)) => Ok((bytes.clone(), "application/octet-stream")),
        (Kind::String, Document::Text(text)) => Ok((text.clone().into(), "text/plain")),
        (Kind::Structure(structure), value) => {
            let payload = write_structure(model, structure, protocol, shape.name(), members_of(value)?)?;
            Ok((payload, content_type(protocol)))
        }
        (kind, found) => Err(EncodeError::expected(kind.noun(), found)),
    }
}

fn write_structure(
    model: &Model,
    structure: &Structure,
    protocol: Protocol,
    root: &str,
    members: &Map,
) -> Result<Bytes, EncodeError> {
    let mut payload = Vec::new();
    match protocol {
        Protocol::RpcV2Cbor => cbor::write_structure(&mut payload, model, structure, members, &[])?,
        Protocol::RestXml | Protocol::Query | Protocol::Ec2Query => {
            let mut writer = Writer::new();
            writer.structure(model, structure, root, None, members, Names::Wire)?;
            payload = writer.finish().into_bytes();
        }
        Protocol::AwsJson10 | Protocol::AwsJson11 | Protocol::RestJson => {
            json::write_structure(&mut payload, model, structure, members)?;
        }
    }
    Ok(payload.into())
}

fn content_type(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::AwsJson10 => "application/x-amz-json-1.0",
        Protocol::AwsJson11 => "application/x-amz-json-1.1",
        Protocol::RestJson => "application/json",
        Protocol::RpcV2Cbor => "application/cbor",
        Protocol::RestXml | Protocol::Query | Protocol::Ec2Query => "text/xml",
    }
}

fn header_value(value: &Document) -> Result<HeaderValue, EncodeError> {
    Ok(match value {
        Document::Bool(value) => HeaderValue::Bool(*value),
        Document::Int(number) => match i32::try_from(*number) {
            Ok(number) => HeaderValue::Int(number),
            Err(_) => HeaderValue::Long(*number),
        },
        Document::Text(text) => HeaderValue::Text(text.clone()),
        Document::Blob(bytes) => HeaderValue::Bytes(bytes.clone()),
        Document::Time(time) => HeaderValue::Timestamp(time.epoch_millis()),
        other => return Err(EncodeError::expected("a value a header can carry", other)),
    })
}

fn members_of(document: &Document) -> Result<&Map, EncodeError> {
    document.as_map().ok_or_else(|| EncodeError::expected("a structure", document))
}

fn text_header(name: &str, value: &str) -> (String, HeaderValue) {
    (name.to_owned(), HeaderValue::Text(value.to_owned()))
}

fn frame_up(headers: Vec<(String, HeaderValue)>, payload: Bytes) -> Result<Bytes, EncodeError> {
    encode_message(&Message { headers, payload }).map_err(|error| EncodeError::new(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header<'m>(message: &'m Message, name: &str) -> Option<&'m str> {
        message.headers.iter().find(|(known, _)| known == name).and_then(|(_, value)| match value {
            HeaderValue::Text(text) => Some(text.as_str()),
            _ => None,
        })
    }

    #[test]
    fn lambdas_response_stream_is_written() {
        let model = crate::model("lambda").unwrap();
        let operation = model.operation("InvokeWithResponseStream").unwrap();
        let chunk = Document::map([("Payload", Document::Blob(Bytes::from_static(b"hello")))]);
        let encoded = encode_event(model, operation, Protocol::RestJson, "PayloadChunk", &chunk).unwrap();
        let messages = decode_messages(encoded).unwrap();
        assert_eq!(&messages[0].payload[..], b"hello");
        assert_eq!(header(&messages[0], ":event-type"), Some("PayloadChunk"));
        assert_eq!(header(&messages[0], ":content-type"), Some("application/octet-stream"));

        let complete = Document::map([("ErrorCode", "Unhandled".into()), ("LogResult", "bG9n".into())]);
        let encoded =
            encode_event(model, operation, Protocol::RestJson, "InvokeComplete", &complete).unwrap();
        let message = &decode_messages(encoded).unwrap()[0];
        assert_eq!(&message.payload[..], br#"{"ErrorCode":"Unhandled","LogResult":"bG9n"}"#);

        let error = encode_event(model, operation, Protocol::RestJson, "Nonesuch", &chunk).unwrap_err();
        assert_eq!(error.to_string(), "InvokeWithResponseStream.Nonesuch: the stream has no such event");
        let invoke = model.operation("Invoke").unwrap();
        assert!(encode_event(model, invoke, Protocol::RestJson, "PayloadChunk", &chunk).is_err());
    }

    #[test]
    fn a_live_tail_starts_and_fails_as_modelled() {
        let model = crate::model("logs").unwrap();
        let operation = model.operation("StartLiveTail").unwrap();
        let initial =
            encode_initial_response(model, operation, Protocol::AwsJson11, &Document::map::<&str, 0>([]))
                .unwrap();
        let message = &decode_messages(initial).unwrap()[0];
        assert_eq!(header(message, ":event-type"), Some("initial-response"));
        assert_eq!(&message.payload[..], b"{}");

        let timeout = Document::map([("message", "timed out".into())]);
        let encoded =
            encode_exception(model, operation, Protocol::AwsJson11, "SessionTimeoutException", &timeout)
                .unwrap();
        let message = &decode_messages(encoded).unwrap()[0];
        assert_eq!(header(message, ":exception-type"), Some("SessionTimeoutException"));
        assert_eq!(&message.payload[..], br#"{"message":"timed out"}"#);
    }

    #[test]
    fn errors_outside_of_the_model_always_fit() {
        let encoded = encode_error("InternalFailure", &"ü".repeat(40_000));
        let message = &decode_messages(encoded).unwrap()[0];
        assert_eq!(header(message, ":error-code"), Some("InternalFailure"));
        assert!(header(message, ":error-message").unwrap().len() <= 32_767);
    }
}
