//! Capacity that an operation used, by the published rules.
//!
//! Source: "DynamoDB read and write capacity": a write unit for each 1 KiB, a read unit for each 4 KiB, half of it for
//! eventually consistent reads, twice either in a transaction.

use std::collections::BTreeMap;

use serde::Serialize;

const WRITE_UNIT_BYTES: usize = 1024;
const READ_UNIT_BYTES: usize = 4 * 1024;

/// Write units of one item or index entry of this size.
pub(crate) fn write_units(size_bytes: usize) -> f64 {
    size_bytes.div_ceil(WRITE_UNIT_BYTES).max(1) as f64
}

/// Read units of this many bytes, read together.
pub(crate) fn read_units(size_bytes: usize, consistent: bool) -> f64 {
    let units = size_bytes.div_ceil(READ_UNIT_BYTES).max(1) as f64;
    if consistent { units } else { units / 2.0 }
}

/// Units used on a table and its indexes.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Consumed {
    pub(crate) table: f64,
    pub(crate) local: BTreeMap<String, f64>,
    pub(crate) global: BTreeMap<String, f64>,
}

/// How much of it is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CapacityReport {
    None,
    Total,
    Indexes,
}

impl CapacityReport {
    pub(crate) fn named(name: Option<&str>) -> Self {
        match name {
            Some("TOTAL") => CapacityReport::Total,
            Some("INDEXES") => CapacityReport::Indexes,
            _ => CapacityReport::None,
        }
    }
}

/// Which kind of units a transaction used; only transactions tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Split {
    Read,
    Write,
}

impl Consumed {
    pub(crate) fn table(units: f64) -> Self {
        Consumed { table: units, ..Consumed::default() }
    }

    pub(crate) fn total(&self) -> f64 {
        self.table + self.local.values().sum::<f64>() + self.global.values().sum::<f64>()
    }

    pub(crate) fn add(&mut self, other: &Consumed) {
        self.table += other.table;
        for (own, others) in [(&mut self.local, &other.local), (&mut self.global, &other.global)] {
            for (name, units) in others {
                *own.entry(name.clone()).or_default() += units;
            }
        }
    }

    pub(crate) fn times(mut self, factor: f64) -> Self {
        self.table *= factor;
        self.local.values_mut().chain(self.global.values_mut()).for_each(|units| *units *= factor);
        self
    }

    /// What is answered; `None` when nothing was asked for.
    pub(crate) fn report(
        &self,
        table: &str,
        report: CapacityReport,
        split: Option<Split>,
    ) -> Option<ConsumedCapacity> {
        if report == CapacityReport::None {
            return None;
        }
        let capacity = |units: f64| Capacity {
            capacity_units: units,
            read_capacity_units: (split == Some(Split::Read)).then_some(units),
            write_capacity_units: (split == Some(Split::Write)).then_some(units),
        };
        let each = |units: &BTreeMap<String, f64>| -> Option<BTreeMap<String, Capacity>> {
            (report == CapacityReport::Indexes && !units.is_empty())
                .then(|| units.iter().map(|(name, units)| (name.clone(), capacity(*units))).collect())
        };
        let Capacity { capacity_units, read_capacity_units, write_capacity_units } = capacity(self.total());
        Some(ConsumedCapacity {
            table_name: table.to_owned(),
            capacity_units,
            read_capacity_units,
            write_capacity_units,
            table: (report == CapacityReport::Indexes).then(|| capacity(self.table)),
            local_secondary_indexes: each(&self.local),
            global_secondary_indexes: each(&self.global),
        })
    }
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ConsumedCapacity {
    table_name: String,
    capacity_units: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    read_capacity_units: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    write_capacity_units: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    table: Option<Capacity>,
    #[serde(skip_serializing_if = "Option::is_none")]
    local_secondary_indexes: Option<BTreeMap<String, Capacity>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    global_secondary_indexes: Option<BTreeMap<String, Capacity>>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Capacity {
    capacity_units: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    read_capacity_units: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    write_capacity_units: Option<f64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_round_up_at_their_edges() {
        assert_eq!([0, 1, 1024, 1025].map(write_units), [1.0, 1.0, 1.0, 2.0]);
        assert_eq!([0, 4096, 4097].map(|size| read_units(size, true)), [1.0, 1.0, 2.0]);
        assert_eq!([0, 4096, 4097].map(|size| read_units(size, false)), [0.5, 0.5, 1.0]);
    }
}
