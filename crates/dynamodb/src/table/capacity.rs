//! What reading and writing a table costs and how much of it is provisioned.

use serde::{Deserialize, Serialize};
use service::Result;
use wire::Timestamp;

use super::parts::{OnDemandThroughput, ProvisionedThroughput, WarmThroughput};
use crate::error::invalid;
use crate::limits::CAPACITY_UNITS_MAX;

/// How a table is paid for.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Billing {
    /// `None`: on demand.
    pub(crate) capacity: Option<Capacity>,
    /// When it last became on demand; absent for a table that never was.
    #[serde(default)]
    pub(crate) on_demand_since: Option<Timestamp>,
    #[serde(default)]
    pub(crate) on_demand: Option<OnDemandThroughput>,
    #[serde(default)]
    pub(crate) warm: Option<WarmThroughput>,
}

/// Provisioned units a second, and when they changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Capacity {
    pub(crate) read: i64,
    pub(crate) write: i64,
    #[serde(default)]
    pub(crate) increased: Option<Timestamp>,
    #[serde(default)]
    pub(crate) decreased: Option<Timestamp>,
    /// Decreases on the (UTC) day of the last one.
    #[serde(default)]
    pub(crate) decreases: i64,
}

impl Billing {
    pub(crate) fn is_provisioned(&self) -> bool {
        self.capacity.is_some()
    }
}

impl Capacity {
    pub(crate) fn new(asked: ProvisionedThroughput) -> Result<Self> {
        for (units, name) in [
            (asked.read_capacity_units, "ReadCapacityUnits"),
            (asked.write_capacity_units, "WriteCapacityUnits"),
        ] {
            if units > CAPACITY_UNITS_MAX {
                return Err(invalid(format!("Given value {units} for {name} is out of bounds")));
            }
        }
        Ok(Capacity {
            read: asked.read_capacity_units,
            write: asked.write_capacity_units,
            increased: None,
            decreased: None,
            decreases: 0,
        })
    }

    /// The same table with other units.
    pub(crate) fn changed(self, asked: ProvisionedThroughput, now: Timestamp) -> Result<Self> {
        let mut next = Capacity::new(asked)?;
        (next.increased, next.decreased, next.decreases) =
            (self.increased, self.decreased, self.decreases_on(now));
        if next.read > self.read || next.write > self.write {
            next.increased = Some(now);
        }
        if next.read < self.read || next.write < self.write {
            next.decreased = Some(now);
            next.decreases += 1;
        }
        Ok(next)
    }

    /// Decreases so far on the day of `now`.
    pub(crate) fn decreases_on(&self, now: Timestamp) -> i64 {
        const DAY_MILLIS: i64 = 24 * 60 * 60 * 1_000;
        let day = |time: Timestamp| time.epoch_millis().div_euclid(DAY_MILLIS);
        if self.decreased.is_some_and(|last| day(last) == day(now)) { self.decreases } else { 0 }
    }
}
