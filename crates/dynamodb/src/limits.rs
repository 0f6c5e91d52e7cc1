//! The quotas of the API.
//!
//! Source: "Service, account, and table quotas in Amazon DynamoDB" of the developer guide.

/// Tables of one account in one region.
pub(crate) const TABLES_MAX: usize = 2_500;

/// Names on one page of ListTables.
pub(crate) const LIST_TABLES_MAX: usize = 100;

/// Local secondary indexes of one table.
pub(crate) const LOCAL_INDEXES_MAX: usize = 5;

/// Global secondary indexes of one table.
pub(crate) const GLOBAL_INDEXES_MAX: usize = 20;

/// Partition attributes of a global secondary index, and as many sort attributes.
pub(crate) const INDEX_KEY_ATTRIBUTES_MAX: usize = 4;

/// Attributes that all indexes of a table name in their projections, together.
pub(crate) const PROJECTED_ATTRIBUTES_MAX: usize = 100;

/// Largest capacity that can be asked for, in units; beyond it the value itself is refused.
pub(crate) const CAPACITY_UNITS_MAX: i64 = 1_000_000_000_000;

/// Provisioned capacity of one account in one region, in units a second, of reads as of writes.
pub(crate) const ACCOUNT_CAPACITY_UNITS_MAX: i64 = 80_000;

/// Provisioned capacity of one table, in units a second, of reads as of writes.
pub(crate) const TABLE_CAPACITY_UNITS_MAX: i64 = 40_000;

/// Characters of a table's or an index's name.
pub(crate) const NAME_CHARS_MIN: usize = 3;
/// Characters of a table's or an index's name.
pub(crate) const NAME_CHARS_MAX: usize = 255;

/// Metadata of tables that is remembered; beyond it an arbitrary one makes room.
pub(crate) const OPEN_TABLES_MAX: usize = 10_000;
