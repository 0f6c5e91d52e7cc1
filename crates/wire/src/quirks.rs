//! Traits of single services that the published models leave out.

use crate::document::{Document, Map};
use crate::model::{Model, OperationModel};

/// S3 answers errors as a bare `<Error>`, every other REST-XML service inside an `<ErrorResponse>`.
pub(crate) fn has_bare_errors(model: Option<&Model>) -> bool {
    model.is_some_and(is_s3)
}

pub(crate) fn is_s3(model: &Model) -> bool {
    model.service_id() == "S3"
}

/// Older operations of S3 have the route of their successors.
pub(crate) fn is_superseded(service_id: &str, operation: &str) -> bool {
    service_id == "S3"
        && matches!(
            operation,
            "GetBucketLifecycle" | "GetBucketNotification" | "PutBucketLifecycle" | "PutBucketNotification"
        )
}

/// The name that S3's outputs go by on the wire, where it is not the name of their shape.
pub(crate) fn root_element(model: &Model, shape: &str) -> Option<&'static str> {
    if !is_s3(model) {
        return None;
    }
    Some(match shape {
        "CompleteMultipartUploadOutput" => "CompleteMultipartUploadResult",
        "CreateMultipartUploadOutput" => "InitiateMultipartUploadResult",
        "DeleteObjectsOutput" => "DeleteResult",
        "GetBucketAccelerateConfigurationOutput" => "AccelerateConfiguration",
        "GetBucketAclOutput" | "GetObjectAclOutput" => "AccessControlPolicy",
        "GetBucketCorsOutput" => "CORSConfiguration",
        "GetBucketLifecycleConfigurationOutput" => "LifecycleConfiguration",
        "GetBucketLoggingOutput" => "BucketLoggingStatus",
        "GetBucketRequestPaymentOutput" => "RequestPaymentConfiguration",
        "GetBucketTaggingOutput" | "GetObjectTaggingOutput" => "Tagging",
        "GetBucketVersioningOutput" => "VersioningConfiguration",
        "GetBucketWebsiteOutput" => "WebsiteConfiguration",
        "GetObjectAttributesOutput" => "GetObjectAttributesResponse",
        "ListBucketAnalyticsConfigurationsOutput" => "ListBucketAnalyticsConfigurationResult",
        "ListBucketIntelligentTieringConfigurationsOutput" => {
            "ListBucketIntelligentTieringConfigurationsResult"
        }
        "ListBucketInventoryConfigurationsOutput" => "ListInventoryConfigurationsResult",
        "ListBucketMetricsConfigurationsOutput" => "ListMetricsConfigurationsResult",
        "ListBucketsOutput" => "ListAllMyBucketsResult",
        "ListMultipartUploadsOutput" => "ListMultipartUploadsResult",
        "ListObjectVersionsOutput" => "ListVersionsResult",
        "ListObjectsOutput" | "ListObjectsV2Output" => "ListBucketResult",
        "ListPartsOutput" => "ListPartsResult",
        _ => return None,
    })
}

/// S3 answers a part of an object as 206, which the model does not say.
pub(crate) fn is_partial(model: &Model, operation: &OperationModel, output: &Map) -> bool {
    is_s3(model)
        && matches!(operation.name(), "GetObject" | "HeadObject")
        && matches!(output.get("ContentRange"), Some(Document::Text(_)))
}

/// S3 accepts to restore an object and is not done yet, which the model does not say.
pub(crate) fn is_accepted(model: &Model, operation: &OperationModel) -> bool {
    is_s3(model) && operation.name() == "RestoreObject"
}

/// Presigned URLs of S3 carry as parameters what other requests carry as `x-amz-` headers.
pub(crate) fn reads_headers_from_query(model: &Model) -> bool {
    is_s3(model)
}

/// SDKs put the checksum of an empty payload into presigned URLs; S3 does not look at it there.
pub(crate) fn is_ignored_in_query(header: &str) -> bool {
    header == "x-amz-sdk-checksum-algorithm"
        || header
            .strip_prefix("x-amz-checksum-")
            .is_some_and(|rest| !matches!(rest, "algorithm" | "mode" | "type"))
}

/// Which members of an operation's output S3 sends as headers of its errors too.
pub(crate) fn is_header_of_error(model: &Model, member: &str, error_members: &Map) -> bool {
    is_s3(model)
        && match member {
            "DeleteMarker" | "ETag" | "LastModified" => true,
            // Of a delete marker; otherwise the error names the version that is missing.
            "VersionId" => error_members.contains_key("DeleteMarker"),
            _ => false,
        }
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
