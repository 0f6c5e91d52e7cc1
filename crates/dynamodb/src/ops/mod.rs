//! One file an operation.

mod batch_execute_statement;
mod batch_get_item;
mod batch_write_item;
mod create_table;
mod delete_item;
mod delete_table;
mod describe_table;
mod execute_statement;
mod execute_transaction;
mod get_item;
mod list_tables;
mod put_item;
mod query;
mod scan;
mod transact_get_items;
mod transact_write_items;
mod update_item;
mod update_table;

pub(crate) use batch_execute_statement::BatchExecuteStatement;
pub(crate) use batch_get_item::BatchGetItem;
pub(crate) use batch_write_item::BatchWriteItem;
pub(crate) use create_table::CreateTable;
pub(crate) use delete_item::DeleteItem;
pub(crate) use delete_table::DeleteTable;
pub(crate) use describe_table::DescribeTable;
pub(crate) use execute_statement::ExecuteStatement;
pub(crate) use execute_transaction::ExecuteTransaction;
pub(crate) use get_item::GetItem;
pub(crate) use list_tables::ListTables;
pub(crate) use put_item::PutItem;
pub(crate) use query::Query;
pub(crate) use scan::Scan;
pub(crate) use transact_get_items::TransactGetItems;
pub(crate) use transact_write_items::TransactWriteItems;
pub(crate) use update_item::UpdateItem;
pub(crate) use update_table::UpdateTable;
