//! `cloudling operations`: what the coverage pages are written from.

use serde_json::{Value, json};

use crate::output::{Output, table};

pub(crate) fn run(output: &Output) -> anyhow::Result<()> {
    let coverage = server::coverage();
    let mut rows = vec![["SERVICE", "IMPLEMENTED", "OF"].map(str::to_owned).to_vec()];
    rows.extend(coverage.iter().map(|row| {
        vec![row.service.to_owned(), row.implemented.len().to_string(), row.operations.len().to_string()]
    }));
    let values: Vec<Value> = coverage
        .iter()
        .map(|row| {
            json!({
                "service": row.service, "implemented": row.implemented, "operations": row.operations,
                "implemented_count": row.implemented.len(), "operations_count": row.operations.len(),
            })
        })
        .collect();
    output.result(&table(&rows), &json!(values));
    Ok(())
}
