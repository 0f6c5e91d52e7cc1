//! PartiQL: statements in the words of SQL over the same items.
//!
//! * [`token`], [`parse`], [`condition`], [`literal`]: a text becomes a [`Statement`]: the trees of expressions, so what
//!   evaluates and applies those does so here.
//! * [`run`]: a statement becomes a query, a scan or a write.

mod condition;
mod literal;
mod parse;
mod run;
mod statement;
#[cfg(test)]
mod tests;
mod token;

pub(crate) use parse::parse;
pub(crate) use run::{
    Keyed, Outcome, SelectOptions, check_single, keyed_read, prepare_write, read_parameters, run_select,
    run_write,
};
pub(crate) use statement::{Select, Statement};

/// A text that is no statement.
fn malformed(detail: &str) -> String {
    format!("Statement wasn't well formed, can't be processed: {detail}")
}
