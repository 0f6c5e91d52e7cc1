//! What one source of connections may take, so that nobody crowds out the others.
//!
//! A source is an IPv4 address or the /64 of an IPv6 one: whoever has one address of it mostly has all.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// Sources remembered at once. Beyond it those without connections that took nothing lately are forgotten; a new
/// source is turned away when there are none of them.
const SOURCES_MAX: usize = 65_536;

/// How much of the server one source may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SourceLimits {
    /// Connections open at once.
    pub connections_max: usize,
    /// Requests in a second, over all of its connections; twice as many may come at once after a pause.
    pub requests_per_second_max: u32,
    /// Whether programs of this machine are limited too. A reverse proxy is one, and stands for all its clients.
    pub loopback: bool,
}

impl Default for SourceLimits {
    fn default() -> Self {
        SourceLimits { connections_max: 1_000, requests_per_second_max: 2_000, loopback: false }
    }
}

pub(crate) struct Sources {
    limits: SourceLimits,
    known: Mutex<HashMap<IpAddr, Source>>,
}

struct Source {
    connections: usize,
    /// Requests it may make at once.
    tokens: f64,
    counted: Instant,
}

/// A place among the connections of a source, given back when it goes.
pub(crate) struct Place {
    sources: Arc<Sources>,
    address: IpAddr,
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(source) = self.sources.lock().get_mut(&self.address) {
            source.connections -= 1;
        }
    }
}

impl Sources {
    pub(crate) fn new(limits: SourceLimits) -> Arc<Self> {
        Arc::new(Sources { limits, known: Mutex::default() })
    }

    /// A place for a connection; an error when the source has too many. `None` in it: the source is not limited.
    pub(crate) fn connect(self: &Arc<Self>, address: IpAddr, now: Instant) -> Result<Option<Place>, TooMany> {
        let Some(address) = self.limited(address) else { return Ok(None) };
        let mut known = self.lock();
        if !known.contains_key(&address) && known.len() >= SOURCES_MAX {
            let burst = self.burst();
            known.retain(|_, source| source.connections > 0 || self.tokens(source, now) < burst);
            if known.len() >= SOURCES_MAX {
                return Err(TooMany);
            }
        }
        let fresh = Source { connections: 0, tokens: self.burst(), counted: now };
        let source = known.entry(address).or_insert(fresh);
        if source.connections >= self.limits.connections_max {
            return Err(TooMany);
        }
        source.connections += 1;
        Ok(Some(Place { sources: self.clone(), address }))
    }

    /// Counts a request of a source that has a connection.
    pub(crate) fn ask(&self, address: IpAddr, now: Instant) -> Result<(), TooMany> {
        let Some(address) = self.limited(address) else { return Ok(()) };
        let mut known = self.lock();
        let Some(source) = known.get_mut(&address) else { return Ok(()) };
        source.tokens = self.tokens(source, now);
        source.counted = now;
        if source.tokens < 1.0 {
            return Err(TooMany);
        }
        source.tokens -= 1.0;
        Ok(())
    }

    fn tokens(&self, source: &Source, now: Instant) -> f64 {
        let seconds = now.saturating_duration_since(source.counted).as_secs_f64();
        (source.tokens + seconds * f64::from(self.limits.requests_per_second_max)).min(self.burst())
    }

    fn burst(&self) -> f64 {
        2.0 * f64::from(self.limits.requests_per_second_max)
    }

    fn limited(&self, address: IpAddr) -> Option<IpAddr> {
        if address.is_loopback() && !self.limits.loopback {
            return None;
        }
        Some(match address {
            IpAddr::V4(_) => address,
            IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX))),
        })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<IpAddr, Source>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A source wants more than its share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooMany;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const ONE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));

    fn sources() -> Arc<Sources> {
        let limits = SourceLimits { connections_max: 2, requests_per_second_max: 10, loopback: false };
        Sources::new(limits)
    }

    #[test]
    fn a_source_has_so_many_connections_and_others_have_theirs() {
        let (sources, now) = (sources(), Instant::now());
        let first = sources.connect(ONE, now).unwrap();
        let _second = sources.connect(ONE, now).unwrap();
        assert_eq!(sources.connect(ONE, now).err(), Some(TooMany));
        assert!(sources.connect("192.0.2.2".parse().unwrap(), now).unwrap().is_some());
        drop(first);
        assert!(sources.connect(ONE, now).is_ok());
    }

    #[test]
    fn a_network_of_ipv6_is_one_source() {
        let (sources, now) = (sources(), Instant::now());
        let connect = |text: &str| sources.connect(text.parse().unwrap(), now);
        let _kept = (connect("2001:db8::1").unwrap(), connect("2001:db8::2").unwrap());
        assert!(connect("2001:db8::3").is_err());
        assert!(connect("2001:db8:0:1::1").is_ok());
    }

    #[test]
    fn requests_come_at_a_rate_with_a_burst() {
        let (sources, mut now) = (sources(), Instant::now());
        let _place = sources.connect(ONE, now).unwrap();
        let asked = |now| (0..100).take_while(|_| sources.ask(ONE, now).is_ok()).count();
        assert_eq!(asked(now), 20);
        now += Duration::from_millis(500);
        assert_eq!(asked(now), 5);
        now += Duration::from_secs(60);
        assert_eq!(asked(now), 20);
    }

    #[test]
    fn this_machine_is_limited_only_when_asked_for() {
        let (sources, now) = (sources(), Instant::now());
        let home: IpAddr = "127.0.0.1".parse().unwrap();
        assert!((0..10).all(|_| matches!(sources.connect(home, now), Ok(None))));
        assert!((0..100).all(|_| sources.ask(home, now).is_ok()));
    }
}
