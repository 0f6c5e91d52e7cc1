//! Traits of single services that the published models leave out.

use crate::model::{Model, OperationModel};

/// S3 answers errors as a bare `<Error>`, every other REST-XML service inside an `<ErrorResponse>`.
pub(crate) fn has_bare_errors(model: Option<&Model>) -> bool {
    model.is_some_and(|model| model.service_id() == "S3")
}

/// The one operation whose only output member is itself the root element.
pub(crate) fn has_unwrapped_output(model: &Model, operation: &OperationModel) -> bool {
    model.service_id() == "S3" && operation.name() == "GetBucketLocation"
}

/// What Lambda says of the bytes a function returned: they are JSON, though the model calls them a blob.
pub(crate) fn blob_content_type(model: &Model, operation: &OperationModel) -> &'static str {
    match (model.service_id(), operation.name()) {
        ("Lambda", "Invoke") => "application/json",
        _ => "application/octet-stream",
    }
}
