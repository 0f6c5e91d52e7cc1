//! Which operations of which APIs are there; the coverage pages are written from this.

use serde::Serialize;

#[derive(Clone, Debug, Serialize)]
pub struct ServiceCoverage {
    /// The name of the model.
    pub service: &'static str,
    /// Operations of the API that are implemented, sorted.
    pub implemented: Vec<&'static str>,
    /// All operations of the API, sorted.
    pub operations: Vec<&'static str>,
}

/// Every API whose model is embedded, sorted by name; reads all models, which takes a while.
pub fn coverage() -> Vec<ServiceCoverage> {
    let tables = crate::services::tables();
    let mut coverage: Vec<ServiceCoverage> = wire::model_names()
        .iter()
        .filter_map(|&service| {
            let model = wire::model(service)?;
            let mut operations: Vec<&'static str> =
                model.operations().map(wire::OperationModel::name).collect();
            operations.sort_unstable();
            let mut implemented = tables
                .iter()
                .find(|(name, _)| *name == service)
                .map(|(_, names)| names.clone())
                .unwrap_or_default();
            implemented.sort_unstable();
            Some(ServiceCoverage { service, implemented, operations })
        })
        .collect();
    coverage.sort_by_key(|row| row.service);
    coverage
}
