//! Members that several operations on objects have in common. The struct of an operation stays flat, as its shape in
//! the API model is; each group of members comes with the method that reads it.

/// `input! { PutObject: description, claims { own: Option<String>, } }`: a struct with bucket, key, the groups and its
/// own members.
macro_rules! input {
    ($name:ident: $($group:ident),* { $($own:tt)* }) => {
        $crate::ops::input::input!(@ $name {
            bucket: String,
            key: String,
            expected_bucket_owner: Option<String>,
            $($own)*
        } $($group)*);

        impl $name {
            fn target(&self) -> $crate::versions::Target<'_> {
                $crate::versions::Target {
                    bucket: &self.bucket,
                    key: &self.key,
                    expected_owner: self.expected_bucket_owner.as_deref(),
                }
            }
        }
    };

    (@ $name:ident { $($members:tt)* }) => {
        #[derive(serde::Deserialize)]
        #[serde(rename_all = "PascalCase")]
        pub(crate) struct $name { $($members)* }
    };

    // Everything a request says of an object it makes, but for its bytes.
    (@ $name:ident { $($members:tt)* } new_object $($rest:ident)*) => {
        $crate::ops::input::input!(@ $name { $($members)* } description encryption grants $($rest)*);

        impl $name {
            fn new_object(&self) -> $crate::demands::NewObject<'_> {
                $crate::demands::NewObject {
                    target: self.target(),
                    grants: self.grants(),
                    tagging: self.tagging.as_deref(),
                    storage_class: self.storage_class.as_deref(),
                    website_redirect_location: self.website_redirect_location.as_deref(),
                    server_side_encryption: self.server_side_encryption.as_deref(),
                    customer_algorithm: self.sse_customer_algorithm.as_deref(),
                    lock_mode: self.object_lock_mode.as_deref(),
                    retain_until: self.object_lock_retain_until_date,
                    legal_hold: self.object_lock_legal_hold_status.as_deref(),
                }
            }
        }
    };

    // What the object is, beside its bytes.
    (@ $name:ident { $($members:tt)* } description $($rest:ident)*) => {
        $crate::ops::input::input!(@ $name {
            $($members)*
            cache_control: Option<String>,
            content_disposition: Option<String>,
            content_encoding: Option<String>,
            content_language: Option<String>,
            content_type: Option<String>,
            expires: Option<String>,
            website_redirect_location: Option<String>,
            #[serde(default)]
            metadata: wire::Map,
            tagging: Option<String>,
            storage_class: Option<String>,
            object_lock_mode: Option<String>,
            object_lock_retain_until_date: Option<wire::Timestamp>,
            object_lock_legal_hold_status: Option<String>,
        } $($rest)*);

        impl $name {
            fn description(&mut self) -> $crate::describe::Description {
                $crate::describe::Description {
                    content_type: self.content_type.take(),
                    cache_control: self.cache_control.take(),
                    content_disposition: self.content_disposition.take(),
                    content_encoding: self.content_encoding.take(),
                    content_language: self.content_language.take(),
                    expires: self.expires.take(),
                    website_redirect_location: self.website_redirect_location.take(),
                    metadata: std::mem::take(&mut self.metadata),
                    tagging: self.tagging.take(),
                    storage_class: self.storage_class.take(),
                    lock: $crate::describe::LockRequest {
                        mode: self.object_lock_mode.take(),
                        retain_until: self.object_lock_retain_until_date,
                        legal_hold: self.object_lock_legal_hold_status.take(),
                    },
                }
            }
        }
    };

    // Who may use the object.
    (@ $name:ident { $($members:tt)* } grants $($rest:ident)*) => {
        $crate::ops::input::input!(@ $name {
            $($members)*
            #[serde(rename = "ACL")]
            acl: Option<String>,
            grant_full_control: Option<String>,
            grant_read: Option<String>,
            #[serde(rename = "GrantReadACP")]
            grant_read_acp: Option<String>,
            #[serde(rename = "GrantWriteACP")]
            grant_write_acp: Option<String>,
        } $($rest)*);

        impl $name {
            fn grants(&self) -> $crate::acl::GrantHeaders<'_> {
                $crate::acl::GrantHeaders {
                    canned: self.acl.as_deref(),
                    full_control: self.grant_full_control.as_deref(),
                    read: self.grant_read.as_deref(),
                    read_acp: self.grant_read_acp.as_deref(),
                    write: None,
                    write_acp: self.grant_write_acp.as_deref(),
                }
            }
        }
    };

    // The customer's key for the object.
    (@ $name:ident { $($members:tt)* } customer $($rest:ident)*) => {
        $crate::ops::input::input!(@ $name {
            $($members)*
            #[serde(rename = "SSECustomerAlgorithm")]
            sse_customer_algorithm: Option<String>,
            #[serde(rename = "SSECustomerKey")]
            sse_customer_key: Option<String>,
            #[serde(rename = "SSECustomerKeyMD5")]
            sse_customer_key_md5: Option<String>,
        } $($rest)*);

        impl $name {
            fn customer(&mut self) -> $crate::encryption::CustomerRequest {
                $crate::encryption::CustomerRequest {
                    algorithm: self.sse_customer_algorithm.take(),
                    key: self.sse_customer_key.take(),
                    key_md5: self.sse_customer_key_md5.take(),
                }
            }
        }
    };

    // How the object is to be encrypted.
    (@ $name:ident { $($members:tt)* } encryption $($rest:ident)*) => {
        $crate::ops::input::input!(@ $name {
            $($members)*
            server_side_encryption: Option<String>,
            #[serde(rename = "SSEKMSKeyId")]
            ssekms_key_id: Option<String>,
        } customer $($rest)*);

        impl $name {
            fn encryption(&mut self) -> $crate::encryption::EncryptionRequest {
                $crate::encryption::EncryptionRequest {
                    server_side_encryption: self.server_side_encryption.take(),
                    kms_key_id: self.ssekms_key_id.take(),
                    customer: self.customer(),
                }
            }
        }
    };

    // What the payload is claimed to be.
    (@ $name:ident { $($members:tt)* } claims $($rest:ident)*) => {
        $crate::ops::input::input!(@ $name {
            $($members)*
            #[serde(rename = "ContentMD5")]
            content_md5: Option<String>,
            checksum_algorithm: Option<String>,
        } checksums $($rest)*);

        impl $name {
            fn claims(&mut self) -> $crate::integrity::Claims {
                $crate::integrity::Claims {
                    content_md5: self.content_md5.take(),
                    algorithm: self.checksum_algorithm.take(),
                    sums: self.checksums(),
                }
            }
        }
    };

    (@ $name:ident { $($members:tt)* } checksums $($rest:ident)*) => {
        $crate::ops::input::input!(@ $name {
            $($members)*
            #[serde(rename = "ChecksumCRC32")]
            checksum_crc32: Option<String>,
            #[serde(rename = "ChecksumCRC32C")]
            checksum_crc32c: Option<String>,
            #[serde(rename = "ChecksumCRC64NVME")]
            checksum_crc64nvme: Option<String>,
            #[serde(rename = "ChecksumSHA1")]
            checksum_sha1: Option<String>,
            #[serde(rename = "ChecksumSHA256")]
            checksum_sha256: Option<String>,
            #[serde(rename = "ChecksumSHA512")]
            checksum_sha512: Option<String>,
            #[serde(rename = "ChecksumMD5")]
            checksum_md5: Option<String>,
            #[serde(rename = "ChecksumXXHASH64")]
            checksum_xxhash64: Option<String>,
            #[serde(rename = "ChecksumXXHASH3")]
            checksum_xxhash3: Option<String>,
            #[serde(rename = "ChecksumXXHASH128")]
            checksum_xxhash128: Option<String>,
        } $($rest)*);

        impl $name {
            fn checksums(&mut self) -> Vec<$crate::integrity::Sum> {
                use wire::ChecksumAlgorithm::*;
                let sent = [
                    (Crc32, self.checksum_crc32.take()),
                    (Crc32c, self.checksum_crc32c.take()),
                    (Crc64Nvme, self.checksum_crc64nvme.take()),
                    (Sha1, self.checksum_sha1.take()),
                    (Sha256, self.checksum_sha256.take()),
                    (Sha512, self.checksum_sha512.take()),
                    (Md5, self.checksum_md5.take()),
                    (XxHash64, self.checksum_xxhash64.take()),
                    (XxHash3, self.checksum_xxhash3.take()),
                    (XxHash128, self.checksum_xxhash128.take()),
                ];
                sent.into_iter().filter_map(|(algorithm, value)| Some((algorithm, value?))).collect()
            }
        }
    };

    // What is copied.
    (@ $name:ident { $($members:tt)* } source $($rest:ident)*) => {
        $crate::ops::input::input!(@ $name {
            $($members)*
            copy_source: String,
            copy_source_if_match: Option<String>,
            copy_source_if_none_match: Option<String>,
            copy_source_if_modified_since: Option<wire::Timestamp>,
            copy_source_if_unmodified_since: Option<wire::Timestamp>,
            #[serde(rename = "CopySourceSSECustomerAlgorithm")]
            source_customer_algorithm: Option<String>,
            #[serde(rename = "CopySourceSSECustomerKey")]
            source_customer_key: Option<String>,
            #[serde(rename = "CopySourceSSECustomerKeyMD5")]
            source_customer_key_md5: Option<String>,
            expected_source_bucket_owner: Option<String>,
        } $($rest)*);

        impl $name {
            fn source(&self) -> $crate::source::SourceRequest<'_> {
                $crate::source::SourceRequest {
                    conditions: $crate::conditions::ReadConditions {
                        if_match: self.copy_source_if_match.as_deref(),
                        if_none_match: self.copy_source_if_none_match.as_deref(),
                        if_modified_since: self.copy_source_if_modified_since,
                        if_unmodified_since: self.copy_source_if_unmodified_since,
                    },
                    expected_owner: self.expected_source_bucket_owner.as_deref(),
                    customer: $crate::encryption::CustomerRequest {
                        algorithm: self.source_customer_algorithm.clone(),
                        key: self.source_customer_key.clone(),
                        key_md5: self.source_customer_key_md5.clone(),
                    },
                }
            }
        }
    };

    // Under which conditions an object is replaced.
    (@ $name:ident { $($members:tt)* } conditions $($rest:ident)*) => {
        $crate::ops::input::input!(@ $name {
            $($members)*
            if_match: Option<String>,
            if_none_match: Option<String>,
        } $($rest)*);

        impl $name {
            fn conditions(&self) -> $crate::conditions::WriteConditions<'_> {
                $crate::conditions::WriteConditions {
                    if_match: self.if_match.as_deref(),
                    if_none_match: self.if_none_match.as_deref(),
                    ..$crate::conditions::WriteConditions::default()
                }
            }
        }
    };

    // What is read, and how it is answered.
    (@ $name:ident { $($members:tt)* } reading $($rest:ident)*) => {
        $crate::ops::input::input!(@ $name {
            $($members)*
            version_id: Option<String>,
            range: Option<String>,
            part_number: Option<i64>,
            if_match: Option<String>,
            if_none_match: Option<String>,
            if_modified_since: Option<wire::Timestamp>,
            if_unmodified_since: Option<wire::Timestamp>,
            response_cache_control: Option<String>,
            response_content_disposition: Option<String>,
            response_content_encoding: Option<String>,
            response_content_language: Option<String>,
            response_content_type: Option<String>,
            response_expires: Option<wire::Timestamp>,
            checksum_mode: Option<String>,
        } customer $($rest)*);

        impl $name {
            fn conditions(&self) -> $crate::conditions::ReadConditions<'_> {
                $crate::conditions::ReadConditions {
                    if_match: self.if_match.as_deref(),
                    if_none_match: self.if_none_match.as_deref(),
                    if_modified_since: self.if_modified_since,
                    if_unmodified_since: self.if_unmodified_since,
                }
            }

            fn selection(&self) -> $crate::head::Selection<'_> {
                $crate::head::Selection { range: self.range.as_deref(), part_number: self.part_number }
            }

            fn overrides(&mut self) -> $crate::head::Overrides {
                $crate::head::Overrides {
                    cache_control: self.response_cache_control.take(),
                    content_disposition: self.response_content_disposition.take(),
                    content_encoding: self.response_content_encoding.take(),
                    content_language: self.response_content_language.take(),
                    content_type: self.response_content_type.take(),
                    expires: self.response_expires.map(wire::Timestamp::to_http_date),
                }
            }
        }
    };
}

pub(super) use input;
