//! One file an operation.

mod create_table;
mod delete_table;
mod describe_table;
mod list_tables;
mod update_table;

pub(crate) use create_table::CreateTable;
pub(crate) use delete_table::DeleteTable;
pub(crate) use describe_table::DescribeTable;
pub(crate) use list_tables::ListTables;
pub(crate) use update_table::UpdateTable;
