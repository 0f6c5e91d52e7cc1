//! Percent-encoding in paths, queries and form bodies.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

/// Decodes `%41`; a `%` without two hexadecimal digits stands for itself. `None` when the result
/// is not UTF-8.
pub(crate) fn decode_component(text: &str) -> Option<String> {
    decode(text, false)
}

/// Like [`decode_component`], with `+` for a space.
pub(crate) fn decode_form_component(text: &str) -> Option<String> {
    decode(text, true)
}

fn decode(text: &str, plus_is_space: bool) -> Option<String> {
    let spaced = if plus_is_space && text.contains('+') {
        Cow::Owned(text.replace('+', " "))
    } else {
        Cow::Borrowed(text)
    };
    percent_decode_str(&spaced).decode_utf8().ok().map(Cow::into_owned)
}

/// The parameters of a raw query or form body, in order. `None` when one is not UTF-8.
pub(crate) fn parse_query(query: &str) -> Option<Vec<(String, String)>> {
    query
        .split('&')
        .filter(|parameter| !parameter.is_empty())
        .map(|parameter| {
            let (key, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            Some((decode_form_component(key)?, decode_form_component(value)?))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_decoded() {
        assert_eq!(decode_component("a%2Fb+c").as_deref(), Some("a/b+c"));
        assert_eq!(decode_form_component("a%2Fb+c").as_deref(), Some("a/b c"));
        assert_eq!(decode_component("100%").as_deref(), Some("100%"));
        assert_eq!(decode_component("%zz%4").as_deref(), Some("%zz%4"));
        assert_eq!(decode_component("%ff"), None);
    }

    #[test]
    fn parameters_keep_their_order() {
        let query = parse_query("b=1&&a=x%3Dy&flag&b=2").unwrap();
        let expected = [("b", "1"), ("a", "x=y"), ("flag", ""), ("b", "2")];
        assert!(query.iter().map(|(k, v)| (k.as_str(), v.as_str())).eq(expected));
    }
}
