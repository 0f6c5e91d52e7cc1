//! One HTTP request as the gateway passes it on.

use std::borrow::Cow;
use std::net::IpAddr;

use http::header::{EXPECT, HOST, HeaderName};
use http::{HeaderMap, Method};
use hyper::body::Incoming;
use percent_encoding::percent_decode_str;

/// Where a connection comes from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer {
    /// `None` for connections made inside a sandbox.
    pub(crate) address: Option<IpAddr>,
    pub(crate) is_encrypted: bool,
}

pub(crate) struct Request {
    pub(crate) head: http::request::Parts,
    /// `None` once it was taken to be read.
    pub(crate) body: Option<Incoming>,
    pub(crate) peer: Peer,
    /// What `x-amzn-RequestId` answers.
    pub(crate) id: String,
    /// The path as operations have it, where the host says a part of it or signatures read it otherwise.
    pub(crate) routed_path: Option<String>,
}

impl Request {
    pub(crate) fn new(request: http::Request<Incoming>, peer: Peer, id: String) -> Self {
        let (mut head, body) = request.into_parts();
        // HTTP/2 has the host in the URI; signatures and sites read it from the headers.
        if !head.headers.contains_key(HOST)
            && let Some(host) = head.uri.authority().and_then(|authority| authority.as_str().parse().ok())
        {
            head.headers.insert(HOST, host);
        }
        Request { head, body: Some(body), peer, id, routed_path: None }
    }

    pub(crate) fn method(&self) -> &Method {
        &self.head.method
    }

    /// As sent, still percent-encoded.
    pub(crate) fn path(&self) -> &str {
        self.head.uri.path()
    }

    /// From now on the path is read as signatures of most services read it.
    pub(crate) fn normalise_path(&mut self) {
        if let Cow::Owned(normal) = auth::normal_path(self.path()) {
            self.routed_path = Some(normal);
        }
    }

    /// [`Request::path`] with what the host says of it in front.
    pub(crate) fn routed_path(&self) -> &str {
        self.routed_path.as_deref().unwrap_or(self.path())
    }

    /// As sent, without the question mark.
    pub(crate) fn query(&self) -> &str {
        self.head.uri.query().unwrap_or("")
    }

    pub(crate) fn headers(&self) -> &HeaderMap {
        &self.head.headers
    }

    /// The client sends its body only once it is told to, or gives up waiting.
    pub(crate) fn waits_to_continue(&self) -> bool {
        header(&self.head.headers, &EXPECT).eq_ignore_ascii_case("100-continue")
    }

    pub(crate) fn host(&self) -> &str {
        header(&self.head.headers, &HOST)
    }
}

/// The first value of a header as text; empty when it is absent or not text.
pub(crate) fn header<'a>(headers: &'a HeaderMap, name: &HeaderName) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("")
}

/// [`header`] for names that have no constant.
pub(crate) fn header_named<'a>(headers: &'a HeaderMap, name: &'static str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("")
}

/// Turns `%XX` into bytes and, in queries, `+` into a space; what is not UTF-8 is replaced.
pub(crate) fn percent_decoded(text: &str, plus_is_space: bool) -> String {
    let spaced = if plus_is_space && text.contains('+') {
        Cow::Owned(text.replace('+', " "))
    } else {
        Cow::Borrowed(text)
    };
    percent_decode_str(&spaced).decode_utf8_lossy().into_owned()
}

/// The decoded parameters of a query or a form, in the order they were sent.
pub(crate) fn parameters(query: &str) -> impl Iterator<Item = (String, String)> + '_ {
    query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (percent_decoded(name, true), percent_decoded(value, true))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percent_forms_are_decoded() {
        for (text, plain) in [
            ("a%20b", "a b"),
            ("a+b", "a b"),
            ("%", "%"),
            ("%4", "%4"),
            ("%zz", "%zz"),
            ("%C3%A4", "ä"),
            ("%ff", "\u{fffd}"),
        ] {
            assert_eq!(percent_decoded(text, true), plain, "{text}");
        }
        assert_eq!(percent_decoded("a+b%2B", false), "a+b+");
    }

    #[test]
    fn parameters_keep_their_order_and_repeats() {
        let found: Vec<_> = parameters("b=1&a=%3D&b=&c").collect();
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(found, [pair("b", "1"), pair("a", "="), pair("b", ""), pair("c", "")]);
    }
}
