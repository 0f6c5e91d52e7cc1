//! Lists of keys, with common prefixes. A prefix that was found is skipped by seeking behind it, so a list costs what
//! it answers and not what it passes over.

mod keys;
mod uploads;
mod versions;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use service::Result;

use crate::error::invalid_argument;
use crate::limits::PAGE_KEYS_MAX;

pub(crate) use keys::{Entry, Query, list};
pub(crate) use uploads::{UploadEntry, UploadQuery, list_uploads};
pub(crate) use versions::{VersionEntry, VersionQuery, list_versions};

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct CommonPrefix {
    pub(crate) prefix: String,
}

/// Rows read at first; more of them once a list turns out to need them.
const ROWS_FIRST: usize = 32;
const ROWS_MAX: usize = PAGE_KEYS_MAX + 1;

/// How names are written: as they are, or percent-encoded where the client asked for it, since XML cannot say all of them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Encoding {
    is_url: bool,
}

/// What stays as it is: letters, digits, and what separates names.
const KEPT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'*').remove(b'/');

impl Encoding {
    pub(crate) fn read(encoding_type: Option<&str>) -> Result<Self> {
        match encoding_type {
            None => Ok(Encoding { is_url: false }),
            Some("url") => Ok(Encoding { is_url: true }),
            Some(other) => {
                Err(invalid_argument("Invalid Encoding Method specified in Request", "encoding-type", other)
                    .into())
            }
        }
    }

    pub(crate) fn write(self, name: &str) -> String {
        if self.is_url { utf8_percent_encode(name, KEPT).to_string() } else { name.to_owned() }
    }

    pub(crate) fn prefixes(self, prefixes: Vec<String>) -> Vec<CommonPrefix> {
        prefixes.into_iter().map(|prefix| CommonPrefix { prefix: self.write(&prefix) }).collect()
    }
}

/// `max-keys` and its like: at most a page, whatever is asked for.
pub(crate) fn limit(asked: Option<i64>, name: &str) -> Result<usize> {
    match asked {
        None => Ok(PAGE_KEYS_MAX),
        Some(asked) => match usize::try_from(asked) {
            Ok(limit) => Ok(limit.min(PAGE_KEYS_MAX)),
            Err(_) => {
                let text = format!("Argument {name} must be an integer between 0 and 2147483647");
                Err(invalid_argument(text, name, &asked.to_string()).into())
            }
        },
    }
}

/// The part of a key up to the first delimiter behind the prefix.
pub(crate) fn common_prefix<'k>(key: &'k str, prefix: &str, delimiter: &str) -> Option<&'k str> {
    if delimiter.is_empty() {
        return None;
    }
    let rest = key.strip_prefix(prefix)?;
    let at = rest.find(delimiter)?;
    Some(&key[..prefix.len() + at + delimiter.len()])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_percent_encoded_on_request() {
        let url = Encoding::read(Some("url")).unwrap();
        assert_eq!(url.write("a b/c+d&é\u{1}"), "a%20b/c%2Bd%26%C3%A9%01");
        assert_eq!(Encoding::read(None).unwrap().write("a b"), "a b");
        assert!(Encoding::read(Some("base64")).is_err());
    }

    #[test]
    fn common_prefixes_end_with_the_delimiter() {
        assert_eq!(common_prefix("a/b/c", "", "/"), Some("a/"));
        assert_eq!(common_prefix("a/b/c", "a/", "/"), Some("a/b/"));
        assert_eq!(common_prefix("a/b", "a/b", "/"), None);
        assert_eq!(common_prefix("axxb", "", "xx"), Some("axx"));
        assert_eq!(common_prefix("a/b", "", ""), None);
    }
}
