//! Configurations of which a bucket has many, each with an id: inventory, analytics, metrics, intelligent tiering.
//! They are kept and answered as they were sent; what they ask for is not done.

use serde::{Deserialize, Serialize};
use service::{Arn, Context, Empty, Operation, PageToken, Result};
use wire::Document;

use crate::bucket::{self, Bucket};
use crate::configuration::{self, ANALYTICS, INVENTORY, Kind, METRICS, TIERING};
use crate::error::{Error, invalid_argument};
use crate::{S3, arn};

/// Configurations of one kind that a bucket may have.
const CONFIGURATIONS_MAX: usize = 1_000;
const PAGE_CONFIGURATIONS_MAX: usize = 100;
const ID_CHARS_MAX: usize = 64;

macro_rules! listed {
    (
        $kind:ident, $member:literal, $list:literal,
        $put:ident $put_action:literal, $get:ident $get_action:literal, $delete:ident, $all:ident
    ) => {
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        pub(crate) struct $put {
            bucket: String,
            id: String,
            #[serde(rename = $member)]
            configuration: Document,
            expected_bucket_owner: Option<String>,
        }

        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        pub(crate) struct $get {
            bucket: String,
            id: String,
            expected_bucket_owner: Option<String>,
        }

        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        pub(crate) struct $delete {
            bucket: String,
            id: String,
            expected_bucket_owner: Option<String>,
        }

        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        pub(crate) struct $all {
            bucket: String,
            continuation_token: Option<String>,
            expected_bucket_owner: Option<String>,
        }

        operation!($put, $put_action, Empty, |this, cx, bucket| {
            put(cx, &bucket, $kind, &this.id, &this.configuration).await
        });
        operation!($get, $get_action, Document, |this, cx, bucket| {
            Ok(Document::map([($member, get(cx, &bucket, $kind, &this.id).await?)]))
        });
        operation!($delete, $put_action, Empty, |this, cx, bucket| {
            get(cx, &bucket, $kind, &this.id).await?;
            configuration::remove_by_id(cx, &bucket.name, None, $kind, &this.id).await?;
            Ok(Empty)
        });
        operation!($all, $get_action, Document, |this, cx, bucket| {
            list(cx, &bucket, $kind, $list, this.continuation_token).await
        });
    };
}

macro_rules! operation {
    ($name:ident, $action:literal, $output:ty, |$this:ident, $cx:ident, $bucket:ident| $run:expr) => {
        impl Operation for $name {
            type Service = S3;
            type Output = $output;
            const NAME: &'static str = stringify!($name);
            const ACTION: &'static str = $action;

            fn resource(&self, _: &Context) -> Arn {
                arn::bucket(&self.bucket)
            }

            async fn run(self, _: &S3, $cx: &Context) -> Result<$output> {
                let $this = self;
                let $bucket =
                    bucket::load($cx, &$this.bucket, $this.expected_bucket_owner.as_deref()).await?;
                $run
            }
        }
    };
}

listed!(
    INVENTORY, "InventoryConfiguration", "InventoryConfigurationList",
    PutBucketInventoryConfiguration "PutInventoryConfiguration",
    GetBucketInventoryConfiguration "GetInventoryConfiguration",
    DeleteBucketInventoryConfiguration, ListBucketInventoryConfigurations
);
listed!(
    ANALYTICS, "AnalyticsConfiguration", "AnalyticsConfigurationList",
    PutBucketAnalyticsConfiguration "PutAnalyticsConfiguration",
    GetBucketAnalyticsConfiguration "GetAnalyticsConfiguration",
    DeleteBucketAnalyticsConfiguration, ListBucketAnalyticsConfigurations
);
listed!(
    METRICS, "MetricsConfiguration", "MetricsConfigurationList",
    PutBucketMetricsConfiguration "PutMetricsConfiguration",
    GetBucketMetricsConfiguration "GetMetricsConfiguration",
    DeleteBucketMetricsConfiguration, ListBucketMetricsConfigurations
);
listed!(
    TIERING, "IntelligentTieringConfiguration", "IntelligentTieringConfigurationList",
    PutBucketIntelligentTieringConfiguration "PutIntelligentTieringConfiguration",
    GetBucketIntelligentTieringConfiguration "GetIntelligentTieringConfiguration",
    DeleteBucketIntelligentTieringConfiguration, ListBucketIntelligentTieringConfigurations
);

async fn put(cx: &Context, bucket: &Bucket, kind: Kind, id: &str, configuration: &Document) -> Result<Empty> {
    let is_named = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    if id.is_empty() || id.len() > ID_CHARS_MAX || !id.bytes().all(is_named) {
        return Err(invalid_argument("The configuration ID is not valid.", "id", id).into());
    }
    if configuration.get("Id").and_then(Document::as_str) != Some(id) {
        let text = "The ID of the request and that of the configuration are not the same.";
        return Err(invalid_argument(text, "id", id).into());
    }
    let known: Vec<Document> = configuration::all(cx, bucket, kind).await?;
    let is_new = known.iter().all(|known| known.get("Id").and_then(Document::as_str) != Some(id));
    if is_new && known.len() >= CONFIGURATIONS_MAX {
        let text = "You are attempting to create a new configuration but have already reached the 1,000-configuration \
                    limit.";
        return Err(Error::new("TooManyConfigurations", 400, text).into());
    }
    configuration::put_by_id(cx, &bucket.name, None, kind, id, configuration).await?;
    Ok(Empty)
}

async fn get(cx: &Context, bucket: &Bucket, kind: Kind, id: &str) -> Result<Document> {
    let found = configuration::get_by_id(cx, bucket, kind, id).await?;
    Ok(found.ok_or_else(|| {
        Error::new("NoSuchConfiguration", 404, "The specified configuration does not exist.")
    })?)
}

async fn list(
    cx: &Context,
    bucket: &Bucket,
    kind: Kind,
    member: &'static str,
    token: Option<String>,
) -> Result<Document> {
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Page {
        is_truncated: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        continuation_token: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        next_continuation_token: Option<String>,
    }
    let unknown =
        || invalid_argument("The continuation token provided is incorrect", "continuation-token", "");
    let after = token.as_deref().map(PageToken::decode).transpose().map_err(|_| unknown())?;
    let after = after.map_or_else(String::new, |PageToken(after)| after);
    let id_of = |configuration: &Document| {
        configuration.get("Id").and_then(Document::as_str).unwrap_or_default().to_owned()
    };
    let all: Vec<Document> = configuration::all(cx, bucket, kind).await?;
    let named = all.into_iter().map(|configuration| (id_of(&configuration), configuration));
    let mut page: Vec<_> = named.filter(|(id, _)| *id > after).take(PAGE_CONFIGURATIONS_MAX + 1).collect();
    let next = PageToken::cut(&mut page, PAGE_CONFIGURATIONS_MAX).map(|token| token.encode());
    let head =
        Page { is_truncated: next.is_some(), continuation_token: token, next_continuation_token: next };
    let Ok(Document::Map(mut members)) = wire::to_document(&head) else {
        return Err(anyhow::anyhow!("a page of configurations is no structure").into());
    };
    let list = page.into_iter().map(|(_, configuration)| configuration).collect();
    members.insert(member.to_owned(), Document::List(list));
    Ok(Document::Map(members))
}
