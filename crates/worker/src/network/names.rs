//! What names lead to inside one sandbox.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::Shared;
use super::dns::{A, AAAA, Answer, HTTPS, SVCB};

/// The loopback addresses that stand for names outside begin here; the first stands for none.
pub(super) const FIRST: Ipv4Addr = Ipv4Addr::new(127, 64, 0, 0);
pub(super) const PREFIX: u32 = 10;

/// Names outside that one sandbox may know.
const NAMES_MAX: usize = 4096;

/// Longest the world outside may take to tell a name's addresses.
const RESOLVE_TIMEOUT: Duration = Duration::from_secs(4);

/// Names outside that were asked for; the place of a name gives its address.
#[derive(Debug, Default)]
pub(super) struct Names {
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    places: HashMap<Arc<str>, usize>,
    names: Vec<Arc<str>>,
}

impl Names {
    /// The address that stands for a name. None when there are too many.
    fn address_of(&self, name: &str) -> Option<Ipv4Addr> {
        let mut known = self.lock();
        let place = match known.places.get(name) {
            Some(place) => *place,
            None if known.names.len() >= NAMES_MAX => return None,
            None => {
                let (name, place): (Arc<str>, usize) = (name.into(), known.names.len());
                known.names.push(Arc::clone(&name));
                known.places.insert(name, place);
                place
            }
        };
        let offset = u32::try_from(place).ok()? + 1;
        Some(Ipv4Addr::from_bits(FIRST.to_bits() + offset))
    }

    /// The name an address stands for.
    pub(super) fn name_of(&self, address: Ipv4Addr) -> Option<Arc<str>> {
        let offset = address.to_bits().checked_sub(FIRST.to_bits() + 1)?;
        self.lock().names.get(usize::try_from(offset).ok()?).cloned()
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        // Held for single changes only: a panicking holder leaves nothing half done.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The answer to a question for a name.
pub(super) async fn look_up(name: &str, kind: u16, shared: &Arc<Shared>) -> Answer {
    let address = if shared.is_of_cloud(name) {
        Ipv4Addr::LOCALHOST
    } else {
        if !matches!(kind, A | AAAA | HTTPS | SVCB) && shared.may_resolve(name) {
            return Answer::NotImplemented;
        }
        match outside(name, shared).await {
            Ok(address) => address,
            Err(answer) => return answer,
        }
    };
    if let Err(error) = shared.open_ports().await {
        tracing::warn!(error = format!("{error:#}"), "ports 80 and 443 cannot be opened in a sandbox");
        return Answer::Failed;
    }
    if kind == A { Answer::Address(address) } else { Answer::Nothing }
}

async fn outside(name: &str, shared: &Arc<Shared>) -> Result<Ipv4Addr, Answer> {
    if !shared.may_resolve(name) {
        tracing::debug!(name, "a function asked for a name that the egress policy does not allow");
        return Err(Answer::NoSuchName);
    }
    match addresses(name, shared).await {
        Ok(addresses) if shared.reachable(name, &addresses, None).is_empty() => {
            tracing::debug!(name, ?addresses, "a function asked for a name that leads to no allowed address");
            Err(Answer::NoSuchName)
        }
        Ok(_) => shared.names.address_of(name).ok_or(Answer::Failed),
        Err(error) if is_missing(&error) => Err(Answer::NoSuchName),
        Err(error) => {
            tracing::debug!(name, %error, "a name could not be looked up");
            Err(Answer::Failed)
        }
    }
}

/// Where a name leads now.
pub(super) async fn addresses(name: &str, shared: &Shared) -> io::Result<Vec<IpAddr>> {
    let resolved = tokio::time::timeout(RESOLVE_TIMEOUT, shared.platform.config.outside.resolve(name)).await;
    resolved.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

/// The system's resolver tells only in words that a name does not exist.
fn is_missing(error: &io::Error) -> bool {
    let text = error.to_string();
    error.kind() == io::ErrorKind::NotFound
        || ["not known", "No address associated", "does not exist"].iter().any(|words| text.contains(words))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_stands_for_one_name() {
        let names = Names::default();
        let first = names.address_of("a.example.com").unwrap();
        assert_eq!(first, Ipv4Addr::new(127, 64, 0, 1));
        let second = names.address_of("b.example.com").unwrap();
        assert_eq!(names.address_of("a.example.com"), Some(first));
        assert_eq!(names.name_of(second).as_deref(), Some("b.example.com"));
        for unknown in [[127, 64, 0, 0], [127, 64, 0, 3], [127, 0, 0, 1], [127, 255, 255, 255], [10, 0, 0, 1]]
        {
            assert_eq!(names.name_of(unknown.into()), None);
        }
    }

    #[test]
    fn names_are_bounded() {
        let names = Names::default();
        assert!((0..NAMES_MAX).all(|number| names.address_of(&format!("n{number}")).is_some()));
        assert_eq!(names.address_of("one-more"), None);
        assert!(names.address_of("n0").is_some());
    }
}
