//! Trims the published API models to facts; see `cargo xtask models --help`.

use anyhow::{Result, bail};

pub(crate) fn run(arguments: &[String]) -> Result<()> {
    bail!("the model trimmer is not built in yet (arguments: {arguments:?})")
}
