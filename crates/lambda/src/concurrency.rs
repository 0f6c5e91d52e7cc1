//! How many invocations run at once: the account's limit and the share reserved for single functions.
//!
//! Source: "Understanding Lambda function scaling" in the developer guide.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use service::Scope;
use tokio::sync::Notify;

use crate::error::{Error, Throttle};

/// Executions at once of all functions of an account in one region.
pub(crate) const ACCOUNT_EXECUTIONS_MAX: u32 = 1_000;
/// What reservations must leave to the functions that have none.
pub(crate) const UNRESERVED_EXECUTIONS_MIN: u32 = 100;

/// The running executions of one account in one region.
#[derive(Debug, Default)]
pub(crate) struct Pool {
    counts: Mutex<Counts>,
    /// Held while a reservation is checked, written and told to the pool.
    pub(crate) changing: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct Counts {
    reserved: HashMap<String, u32>,
    reserved_total: u32,
    running: HashMap<String, u32>,
    running_unreserved: u32,
    /// Those who wait for room, by function; by an empty name those who wait for the account's.
    waiting: HashMap<String, Arc<Notify>>,
}

/// The right to run one execution, for as long as it is held.
#[derive(Debug)]
pub(crate) struct Permit {
    pool: Arc<Pool>,
    function: String,
    unreserved: bool,
}

impl Pool {
    /// `reserved` is what the functions' rows say.
    pub(crate) fn new(reserved: HashMap<String, u32>) -> Self {
        let reserved_total = reserved.values().sum();
        Pool {
            counts: Mutex::new(Counts { reserved, reserved_total, ..Counts::default() }),
            ..Pool::default()
        }
    }

    /// Throttles at the function's own limit, or else at what reservations leave of the account's.
    pub(crate) fn acquire(self: &Arc<Self>, function: &str) -> Result<Permit, Error> {
        let mut counts = self.counts();
        let running = counts.running.get(function).copied().unwrap_or(0);
        let unreserved = match counts.reserved.get(function) {
            Some(limit) if running >= *limit => {
                return Err(Error::throttled(Throttle::ReservedFunctionConcurrentInvocationLimitExceeded));
            }
            Some(_) => false,
            None if counts.running_unreserved
                >= ACCOUNT_EXECUTIONS_MAX.saturating_sub(counts.reserved_total) =>
            {
                return Err(Error::throttled(Throttle::ConcurrentInvocationLimitExceeded));
            }
            None => true,
        };
        if let Some(running) = counts.running.get_mut(function) {
            *running += 1;
        } else {
            counts.running.insert(function.to_owned(), 1);
        }
        counts.running_unreserved += u32::from(unreserved);
        Ok(Permit { pool: Arc::clone(self), function: function.to_owned(), unreserved })
    }

    /// Waits until an execution has ended that may have left room for the function, but no longer than this. Somebody
    /// else may be quicker.
    pub(crate) async fn wait_for_room(&self, function: &str, within: Duration) {
        let room = {
            let mut counts = self.counts();
            let name = if counts.reserved.contains_key(function) { function } else { "" };
            Arc::clone(counts.waiting.entry(name.to_owned()).or_default())
        };
        // Too late is as good as in time: the caller looks again.
        let _ = tokio::time::timeout(within, room.notified()).await;
        drop(room);
        self.counts().waiting.retain(|_, room| Arc::strong_count(room) > 1);
    }

    /// Whether the function's reservation is zero.
    pub(crate) fn is_switched_off(&self, function: &str) -> bool {
        self.counts().reserved.get(function) == Some(&0)
    }

    /// Sets or lifts a reservation that is in the rows already.
    pub(crate) fn reserve(&self, function: &str, limit: Option<u32>) {
        let mut counts = self.counts();
        match limit {
            Some(limit) => counts.reserved.insert(function.to_owned(), limit),
            None => counts.reserved.remove(function),
        };
        counts.reserved_total = counts.reserved.values().sum();
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut counts = self.pool.counts();
        match counts.running.get_mut(&self.function) {
            Some(running) if *running > 1 => *running -= 1,
            _ => drop(counts.running.remove(&self.function)),
        }
        counts.running_unreserved -= u32::from(self.unreserved);
        let name = if self.unreserved { "" } else { self.function.as_str() };
        if let Some(room) = counts.waiting.get(name) {
            room.notify_one();
        }
    }
}

/// Whether `wanted` may be reserved for one function while the others have reserved `others`.
pub(crate) fn check_reservation(wanted: u32, others: u32) -> Result<(), Error> {
    let reservable = ACCOUNT_EXECUTIONS_MAX - UNRESERVED_EXECUTIONS_MIN;
    if wanted.saturating_add(others) > reservable {
        return Err(Error::parameter(format!(
            "Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution \
             below its minimum value of [{UNRESERVED_EXECUTIONS_MIN}]."
        )));
    }
    Ok(())
}

/// The pools in use; one a scope, made when its first function runs.
#[derive(Debug, Default)]
pub(crate) struct Pools {
    pools: Mutex<HashMap<Scope, Arc<Pool>>>,
}

impl Pools {
    pub(crate) fn get(&self, scope: &Scope) -> Option<Arc<Pool>> {
        self.lock().get(scope).cloned()
    }

    /// Keeps the pool that came first.
    pub(crate) fn insert(&self, scope: &Scope, pool: Pool) -> Arc<Pool> {
        self.lock().entry(scope.clone()).or_insert_with(|| Arc::new(pool)).clone()
    }

    pub(crate) fn forget(&self, account: Option<&service::AccountId>) {
        self.lock().retain(|scope, _| account.is_some_and(|account| scope.account != *account));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Scope, Arc<Pool>>> {
        self.pools.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(result: Result<Permit, Error>) -> Option<Throttle> {
        match result {
            Ok(_) => None,
            Err(Error::TooManyRequestsException { reason, .. }) => Some(reason),
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn a_reservation_is_a_limit_of_its_own() {
        let pool = Arc::new(Pool::new(HashMap::from([("two".to_owned(), 2), ("none".to_owned(), 0)])));
        let first = pool.acquire("two").unwrap();
        let second = pool.acquire("two").unwrap();
        let full = Some(Throttle::ReservedFunctionConcurrentInvocationLimitExceeded);
        assert_eq!(reason(pool.acquire("two")), full);
        assert_eq!(reason(pool.acquire("none")), full);
        drop(first);
        let third = pool.acquire("two").unwrap();
        pool.reserve("two", Some(3));
        assert_eq!(reason(pool.acquire("two")), None);
        drop((second, third));
    }

    #[test]
    fn reservations_leave_less_to_the_others() {
        let pool = Arc::new(Pool::new(HashMap::from([("big".to_owned(), 900)])));
        let permits: Vec<Permit> = (0..100).map(|n| pool.acquire(&format!("f{}", n % 7)).unwrap()).collect();
        assert_eq!(reason(pool.acquire("f0")), Some(Throttle::ConcurrentInvocationLimitExceeded));
        assert_eq!(reason(pool.acquire("big")), None);
        pool.reserve("big", None);
        assert_eq!(reason(pool.acquire("f0")), None);
        drop(permits);
        let counts = pool.counts();
        assert_eq!((counts.running.len(), counts.running_unreserved), (0, 0));
    }

    #[tokio::test]
    async fn who_waits_for_room_is_told_when_there_is_some() {
        let pool = Arc::new(Pool::new(HashMap::from([("one".to_owned(), 1)])));
        let permit = pool.acquire("one").unwrap();
        let other = pool.acquire("other").unwrap();
        let waiting = tokio::spawn({
            let pool = Arc::clone(&pool);
            async move { pool.wait_for_room("one", Duration::from_secs(60)).await }
        });
        while pool.counts().waiting.is_empty() {
            tokio::task::yield_now().await;
        }
        drop(other);
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished(), "room of the others is none for it");
        drop(permit);
        waiting.await.unwrap();
        assert!(pool.counts().waiting.is_empty());
    }

    #[test]
    fn a_hundred_stay_unreserved() {
        assert!(check_reservation(900, 0).is_ok());
        assert!(check_reservation(901, 0).is_err());
        assert!(check_reservation(1, 900).is_err());
        assert!(check_reservation(0, 900).is_ok());
        assert!(check_reservation(u32::MAX, u32::MAX).is_err());
    }
}
