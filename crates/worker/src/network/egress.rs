//! What functions may reach outside: the policy of an installation, and the narrower one of a function.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use super::public::{is_in_4, is_in_6};

/// Entries of one allow-list.
const ENTRIES_MAX: usize = 256;

/// Environment variable by which a function narrows what it may reach. It never widens.
pub const EGRESS_VARIABLE: &str = "CLOUDLING_EGRESS";

/// What may be reached outside the cloud. Text: `internet`, `none`, or `allow-list:` and entries with commas between.
///
/// An entry is a host, `*.` and a domain, or `*`, each perhaps with `:` and a port: those names may be reached at
/// public addresses. Or it is a network such as `10.1.0.0/16`: names that lead there may be reached too, private or not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Egress {
    /// Every name, at public addresses.
    #[default]
    Internet,
    Nothing,
    AllowList(Vec<Entry>),
}

/// One line of an allow-list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    Host { pattern: String, port: Option<u16> },
    Network(Network),
}

/// A range of addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Network {
    V4(Ipv4Addr, u32),
    V6(Ipv6Addr, u32),
}

/// The text names no policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no egress policy: it is internet, none, or allow-list:HOST,… with hosts like api.example.com, *.example.com, \
     example.com:5432 and networks like 10.1.0.0/16"
)]
pub struct NotAPolicy(String);

impl Egress {
    /// Whether a name may be looked up at all. What it leads to is asked later.
    pub(super) fn may_resolve(&self, name: &str) -> bool {
        match self {
            Self::Internet => true,
            Self::Nothing => false,
            Self::AllowList(entries) => entries.iter().any(|entry| match entry {
                Entry::Host { pattern, .. } => matches(pattern, name),
                Entry::Network(_) => true,
            }),
        }
    }

    /// Whether a name may be reached at this address and port; at some port, when none is given. `is_public` says what
    /// kind of address it is.
    pub(super) fn may_reach(&self, name: &str, address: IpAddr, port: Option<u16>, is_public: bool) -> bool {
        match self {
            Self::Internet => is_public,
            Self::Nothing => false,
            Self::AllowList(entries) => entries.iter().any(|entry| match entry {
                Entry::Host { pattern, port: only } => {
                    let fits = only.is_none() || port.is_none() || *only == port;
                    is_public && matches(pattern, name) && fits
                }
                Entry::Network(network) => network.holds(address),
            }),
        }
    }
}

fn matches(pattern: &str, name: &str) -> bool {
    match pattern.strip_prefix('*') {
        // `*` is every name, `*.example.com` those below example.com.
        Some(domain) => name.ends_with(domain) && name.len() > domain.len(),
        None => pattern == name,
    }
}

impl Network {
    fn holds(self, address: IpAddr) -> bool {
        match (self, address.to_canonical()) {
            (Self::V4(first, length), IpAddr::V4(address)) => is_in_4(address, first, length),
            (Self::V6(first, length), IpAddr::V6(address)) => is_in_6(address, first, length),
            _ => false,
        }
    }

    fn parse(text: &str) -> Option<Self> {
        let (address, length) = match text.split_once('/') {
            Some((address, length)) => (address, Some(length.parse().ok()?)),
            None => (text, None),
        };
        let network = match address.parse().ok()? {
            IpAddr::V4(first) => Self::V4(first, length.unwrap_or(32)),
            IpAddr::V6(first) => Self::V6(first, length.unwrap_or(128)),
        };
        let most = if matches!(network, Self::V4(..)) { 32 } else { 128 };
        length.is_none_or(|length| length <= most).then_some(network)
    }
}

impl FromStr for Egress {
    type Err = NotAPolicy;

    fn from_str(text: &str) -> Result<Self, NotAPolicy> {
        let refused = || NotAPolicy(text.to_owned());
        match text.trim() {
            "internet" => return Ok(Self::Internet),
            "none" => return Ok(Self::Nothing),
            _ => {}
        }
        let list = text.trim().strip_prefix("allow-list:").ok_or_else(refused)?;
        let entries: Option<Vec<Entry>> = list.split(',').map(|entry| Entry::parse(entry.trim())).collect();
        let entries = entries.filter(|entries| entries.len() <= ENTRIES_MAX).ok_or_else(refused)?;
        Ok(Self::AllowList(entries))
    }
}

impl Entry {
    fn parse(text: &str) -> Option<Self> {
        if let Some(network) = Network::parse(text) {
            return Some(Self::Network(network));
        }
        let (host, port) = match text.split_once(':') {
            Some((host, port)) => (host, Some(port.parse().ok().filter(|port| *port > 0)?)),
            None => (text, None),
        };
        let pattern = host.trim_end_matches('.').to_ascii_lowercase();
        let name = pattern.strip_prefix("*.").unwrap_or(&pattern);
        let is_name = !name.is_empty()
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
            // Digits and dots alone are an address that was written wrong.
            && name.bytes().any(|byte| byte.is_ascii_alphabetic());
        (is_name || pattern == "*").then_some(Self::Host { pattern, port })
    }
}

impl fmt::Display for Egress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Internet => f.write_str("internet"),
            Self::Nothing => f.write_str("none"),
            Self::AllowList(entries) => {
                f.write_str("allow-list:")?;
                for (number, entry) in entries.iter().enumerate() {
                    f.write_str(if number > 0 { "," } else { "" })?;
                    match entry {
                        Entry::Host { pattern, port: Some(port) } => write!(f, "{pattern}:{port}")?,
                        Entry::Host { pattern, port: None } => f.write_str(pattern)?,
                        Entry::Network(Network::V4(first, length)) => write!(f, "{first}/{length}")?,
                        Entry::Network(Network::V6(first, length)) => write!(f, "{first}/{length}")?,
                    }
                }
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PUBLIC: &str = "1.1.1.1";
    const PRIVATE: &str = "10.1.2.3";

    #[track_caller]
    fn check(policy: &str, name: &str, address: &str, port: u16, expected: bool) {
        let egress: Egress = policy.parse().unwrap();
        assert_eq!(egress.to_string(), policy);
        let reached = egress.may_reach(name, address.parse().unwrap(), Some(port), address == PUBLIC);
        assert_eq!(reached, expected, "{policy}: {name} at {address}:{port}");
        assert!(!reached || egress.may_resolve(name));
    }

    #[test]
    fn policies_decide() {
        check("internet", "example.com", PUBLIC, 443, true);
        check("internet", "example.com", PRIVATE, 443, false);
        check("none", "example.com", PUBLIC, 443, false);
        check("allow-list:api.example.com", "api.example.com", PUBLIC, 443, true);
        check("allow-list:api.example.com", "api.example.com", PRIVATE, 443, false);
        check("allow-list:api.example.com", "xapi.example.com", PUBLIC, 443, false);
        check("allow-list:*.example.com", "a.b.example.com", PUBLIC, 443, true);
        check("allow-list:*.example.com", "example.com", PUBLIC, 443, false);
        check("allow-list:*.example.com", "badexample.com", PUBLIC, 443, false);
        check("allow-list:db.example.com:5432", "db.example.com", PUBLIC, 5432, true);
        check("allow-list:db.example.com:5432", "db.example.com", PUBLIC, 443, false);
        check("allow-list:*,10.1.0.0/16", "anything", PUBLIC, 443, true);
        check("allow-list:a.example.com,10.1.0.0/16", "db.internal", PRIVATE, 443, true);
        check("allow-list:10.2.0.0/16", "db.internal", PRIVATE, 443, false);
        check("allow-list:10.1.2.3/32", "db.internal", PRIVATE, 443, true);
    }

    #[test]
    fn what_is_no_policy_is_refused() {
        for text in
            ["", "all", "allow-list", "allow-list:", "allow-list:a,,b", "allow-list:a b", "allow-list:a:x"]
        {
            assert!(text.parse::<Egress>().is_err(), "{text}");
        }
        for text in [
            "allow-list:10.0.0.0/33",
            "allow-list:10.0.0",
            "allow-list:a:0",
            "allow-list:**.a",
            "allow-list:a.*.b",
        ] {
            assert!(text.parse::<Egress>().is_err(), "{text}");
        }
        assert!(format!("allow-list:{}", vec!["a"; 257].join(",")).parse::<Egress>().is_err());
        assert!("allow-list:A.example.com., *.B.c".parse::<Egress>().is_ok());
    }
}
