//! The frame that operations on a bucket's configurations share: find the bucket, then do the one thing.

/// An operation that takes a bucket and nothing else: `on_bucket!(GetBucketCors, "GetBucketCORS", get -> Cors)`.
macro_rules! on_bucket {
    ($name:ident, $action:literal, $run:path => $output:ty) => {
        #[derive(serde::Deserialize)]
        #[serde(rename_all = "PascalCase")]
        pub(crate) struct $name {
            bucket: String,
            expected_bucket_owner: Option<String>,
        }

        impl service::Operation for $name {
            type Service = $crate::S3;
            type Output = $output;
            const NAME: &'static str = stringify!($name);
            const ACTION: &'static str = $action;

            fn resource(&self, _: &service::Context) -> service::Arn {
                $crate::arn::bucket(&self.bucket)
            }

            async fn run(self, _: &$crate::S3, cx: &service::Context) -> service::Result<$output> {
                let owner = self.expected_bucket_owner.as_deref();
                let bucket = $crate::bucket::load(cx, &self.bucket, owner).await?;
                $run(cx, bucket).await
            }
        }
    };
}

/// [`on_bucket`] with a document in the request's body, whose member is named.
macro_rules! put_on_bucket {
    ($name:ident, $action:literal, $member:literal: $document:ty, $run:path) => {
        #[derive(serde::Deserialize)]
        #[serde(rename_all = "PascalCase")]
        pub(crate) struct $name {
            bucket: String,
            expected_bucket_owner: Option<String>,
            #[serde(rename = $member, default)]
            document: $document,
        }

        impl service::Operation for $name {
            type Service = $crate::S3;
            type Output = service::Empty;
            const NAME: &'static str = stringify!($name);
            const ACTION: &'static str = $action;

            fn resource(&self, _: &service::Context) -> service::Arn {
                $crate::arn::bucket(&self.bucket)
            }

            async fn run(self, _: &$crate::S3, cx: &service::Context) -> service::Result<service::Empty> {
                let owner = self.expected_bucket_owner.as_deref();
                let bucket = $crate::bucket::load(cx, &self.bucket, owner).await?;
                $run(cx, bucket, self.document).await?;
                Ok(service::Empty)
            }
        }
    };
}

pub(super) use {on_bucket, put_on_bucket};
