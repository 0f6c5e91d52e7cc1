//! What a bucket is told, and what it answers when it was told nothing.

use expect_test::expect;
use testkit::check;

use super::cloud;

#[tokio::test]
async fn new_buckets_answer_as_on_aws() {
    let cloud = cloud();
    check(
        &cloud,
        "s3",
        r#"CreateBucket {"Bucket": "photos"}"#,
        expect![[r#"
        {
          "BucketArn": "arn:aws:s3:::photos",
          "Location": "/photos"
        }"#]],
    )
    .await;
    let mut answers = String::new();
    for operation in [
        "GetBucketAbac",
        "GetBucketAccelerateConfiguration",
        "GetBucketCors",
        "GetBucketEncryption",
        "GetBucketLifecycleConfiguration",
        "GetBucketLocation",
        "GetBucketLogging",
        "GetBucketNotificationConfiguration",
        "GetBucketOwnershipControls",
        "GetBucketPolicy",
        "GetBucketPolicyStatus",
        "GetBucketReplication",
        "GetBucketRequestPayment",
        "GetBucketTagging",
        "GetBucketVersioning",
        "GetBucketWebsite",
        "GetObjectLockConfiguration",
        "GetPublicAccessBlock",
        "ListBucketAnalyticsConfigurations",
    ] {
        let answer = cloud.text("s3", &format!(r#"{operation} {{"Bucket": "photos"}}"#)).await;
        answers += &format!("{operation}: {}\n", answer.split_whitespace().collect::<Vec<_>>().join(" "));
    }
    expect![[r#"
        GetBucketAbac: { "AbacStatus": { "Status": "Disabled" } }
        GetBucketAccelerateConfiguration: {}
        GetBucketCors: NoSuchCORSConfiguration: The CORS configuration does not exist
        GetBucketEncryption: { "ServerSideEncryptionConfiguration": { "Rules": [ { "ApplyServerSideEncryptionByDefault": { "SSEAlgorithm": "AES256" }, "BucketKeyEnabled": false } ] } }
        GetBucketLifecycleConfiguration: NoSuchLifecycleConfiguration: The lifecycle configuration does not exist
        GetBucketLocation: {}
        GetBucketLogging: {}
        GetBucketNotificationConfiguration: {}
        GetBucketOwnershipControls: { "OwnershipControls": { "Rules": [ { "ObjectOwnership": "BucketOwnerEnforced" } ] } }
        GetBucketPolicy: NoSuchBucketPolicy: The bucket policy does not exist
        GetBucketPolicyStatus: NoSuchBucketPolicy: The bucket policy does not exist
        GetBucketReplication: ReplicationConfigurationNotFoundError: The replication configuration was not found
        GetBucketRequestPayment: { "Payer": "BucketOwner" }
        GetBucketTagging: NoSuchTagSet: The TagSet does not exist
        GetBucketVersioning: {}
        GetBucketWebsite: NoSuchWebsiteConfiguration: The specified bucket does not have a website configuration
        GetObjectLockConfiguration: ObjectLockConfigurationNotFoundError: Object Lock configuration does not exist for this bucket
        GetPublicAccessBlock: { "PublicAccessBlockConfiguration": { "BlockPublicAcls": true, "BlockPublicPolicy": true, "IgnorePublicAcls": true, "RestrictPublicBuckets": true } }
        ListBucketAnalyticsConfigurations: { "AnalyticsConfigurationList": [], "IsTruncated": false }
    "#]].assert_eq(&answers);
}

/// Puts, reads back and deletes; what is read is compared.
async fn round(put: &str, kind: &str, expected: expect_test::Expect) {
    let cloud = cloud();
    cloud.text("s3", r#"CreateBucket {"Bucket": "photos"}"#).await;
    let answer = cloud.text("s3", put).await;
    assert!(answer.starts_with('{'), "{put}: {answer}");
    expected.assert_eq(&cloud.text("s3", &format!(r#"Get{kind} {{"Bucket": "photos"}}"#)).await);
}

#[tokio::test]
async fn cors_comes_back() {
    let put = r#"PutBucketCors {"Bucket": "photos", "CORSConfiguration": {"CORSRules": [
        {"AllowedMethods": ["GET"], "AllowedOrigins": ["*"], "MaxAgeSeconds": 3000}]}}"#;
    round(
        put,
        "BucketCors",
        expect![[r#"
        {
          "CORSRules": [
            {
              "AllowedMethods": [
                "GET"
              ],
              "AllowedOrigins": [
                "*"
              ],
              "MaxAgeSeconds": 3000
            }
          ]
        }"#]],
    )
    .await;
}

#[tokio::test]
async fn a_website_comes_back() {
    let put = r#"PutBucketWebsite {"Bucket": "photos", "WebsiteConfiguration": {
        "IndexDocument": {"Suffix": "index.html"}, "ErrorDocument": {"Key": "error.html"}, "RoutingRules": [
        {"Condition": {"HttpErrorCodeReturnedEquals": "404"}, "Redirect": {"ReplaceKeyPrefixWith": "x?key="}}]}}"#;
    round(
        put,
        "BucketWebsite",
        expect![[r#"
        {
          "ErrorDocument": {
            "Key": "error.html"
          },
          "IndexDocument": {
            "Suffix": "index.html"
          },
          "RoutingRules": [
            {
              "Condition": {
                "HttpErrorCodeReturnedEquals": "404"
              },
              "Redirect": {
                "ReplaceKeyPrefixWith": "x?key="
              }
            }
          ]
        }"#]],
    )
    .await;
}

#[tokio::test]
async fn lifecycle_rules_come_back_with_ids() {
    let put = r#"PutBucketLifecycleConfiguration {"Bucket": "photos", "LifecycleConfiguration": {"Rules": [
        {"Status": "Enabled", "Filter": {"And": {"Prefix": "a", "Tags": [{"Key": "k", "Value": "v"}]}},
         "Expiration": {"Days": 1}, "NoncurrentVersionExpiration": {"NoncurrentDays": 3}}]}}"#;
    round(
        put,
        "BucketLifecycleConfiguration",
        expect![[r#"
        {
          "Rules": [
            {
              "Expiration": {
                "Days": 1
              },
              "Filter": {
                "And": {
                  "Prefix": "a",
                  "Tags": [
                    {
                      "Key": "k",
                      "Value": "v"
                    }
                  ]
                }
              },
              "ID": "00000000-0000-4000-8000-000000000008",
              "NoncurrentVersionExpiration": {
                "NoncurrentDays": 3
              },
              "Status": "Enabled"
            }
          ],
          "TransitionDefaultMinimumObjectSize": "all_storage_classes_128K"
        }"#]],
    )
    .await;
}

#[tokio::test]
async fn encryption_is_completed() {
    let put = r#"PutBucketEncryption {"Bucket": "photos", "ServerSideEncryptionConfiguration": {"Rules": [
        {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]}}"#;
    round(
        put,
        "BucketEncryption",
        expect![[r#"
        {
          "ServerSideEncryptionConfiguration": {
            "Rules": [
              {
                "ApplyServerSideEncryptionByDefault": {
                  "SSEAlgorithm": "AES256"
                },
                "BucketKeyEnabled": false
              }
            ]
          }
        }"#]],
    )
    .await;
}

#[tokio::test]
async fn object_lock_needs_versions() {
    let cloud = cloud();
    cloud.text("s3", r#"CreateBucket {"Bucket": "photos"}"#).await;
    let put = r#"PutObjectLockConfiguration {"Bucket": "photos", "ObjectLockConfiguration": {"ObjectLockEnabled": "Enabled",
        "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 1}}}}"#;
    check(&cloud, "s3", put, expect!["InvalidBucketState: Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration"]).await;
    let on = r#"PutBucketVersioning {"Bucket": "photos", "VersioningConfiguration": {"Status": "Enabled"}}"#;
    check(&cloud, "s3", on, expect!["{}"]).await;
    check(&cloud, "s3", put, expect!["{}"]).await;
    check(
        &cloud,
        "s3",
        r#"GetObjectLockConfiguration {"Bucket": "photos"}"#,
        expect![[r#"
        {
          "ObjectLockConfiguration": {
            "ObjectLockEnabled": "Enabled",
            "Rule": {
              "DefaultRetention": {
                "Days": 1,
                "Mode": "GOVERNANCE"
              }
            }
          }
        }"#]],
    )
    .await;
    let off =
        r#"PutBucketVersioning {"Bucket": "photos", "VersioningConfiguration": {"Status": "Suspended"}}"#;
    check(&cloud, "s3", off, expect!["InvalidBucketState: An Object Lock configuration is present on this bucket, so the versioning state cannot be changed."]).await;
}

#[tokio::test]
async fn lists_of_acls_are_off_until_ownership_says_otherwise() {
    let cloud = cloud();
    cloud.text("s3", r#"CreateBucket {"Bucket": "photos"}"#).await;
    let public = r#"PutBucketAcl {"Bucket": "photos", "ACL": "public-read"}"#;
    check(&cloud, "s3", public, expect!["AccessControlListNotSupported: The bucket does not allow ACLs"])
        .await;
    check(&cloud, "s3", r#"PutBucketAcl {"Bucket": "photos", "ACL": "private"}"#, expect!["{}"]).await;
    let writer = r#"PutBucketOwnershipControls {"Bucket": "photos", "OwnershipControls": {"Rules": [
        {"ObjectOwnership": "ObjectWriter"}]}}"#;
    check(&cloud, "s3", writer, expect!["{}"]).await;
    check(&cloud, "s3", public, expect!["{}"]).await;
    check(
        &cloud,
        "s3",
        r#"GetBucketAcl {"Bucket": "photos"}"#,
        expect![[r#"
            {
              "Grants": [
                {
                  "Grantee": {
                    "ID": "6f589dd8bf097cefe23b53bbed46bb1f55c0dd81137de9c30d61111122223333",
                    "Type": "CanonicalUser"
                  },
                  "Permission": "FULL_CONTROL"
                },
                {
                  "Grantee": {
                    "Type": "Group",
                    "URI": "http://acs.amazonaws.com/groups/global/AllUsers"
                  },
                  "Permission": "READ"
                }
              ],
              "Owner": {
                "ID": "6f589dd8bf097cefe23b53bbed46bb1f55c0dd81137de9c30d61111122223333"
              }
            }"#]],
    )
    .await;
    let enforced = writer.replace("ObjectWriter", "BucketOwnerEnforced");
    check(&cloud, "s3", &enforced, expect!["InvalidBucketAclWithObjectOwnership: Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting"]).await;
}

#[tokio::test]
async fn policies_and_their_status() {
    let cloud = cloud();
    cloud.text("s3", r#"CreateBucket {"Bucket": "photos"}"#).await;
    let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::photos/*"}]}"#;
    let put = format!("PutBucketPolicy {}", serde_json::json!({"Bucket": "photos", "Policy": policy}));
    check(&cloud, "s3", &put, expect!["{}"]).await;
    check(&cloud, "s3", r#"GetBucketPolicy {"Bucket": "photos"}"#, expect![[r#"
        {
          "Policy": "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":\"*\",\"Action\":\"s3:GetObject\",\"Resource\":\"arn:aws:s3:::photos/*\"}]}"
        }"#]]).await;
    check(
        &cloud,
        "s3",
        r#"GetBucketPolicyStatus {"Bucket": "photos"}"#,
        expect![[r#"
        {
          "PolicyStatus": {
            "IsPublic": true
          }
        }"#]],
    )
    .await;
    check(&cloud, "s3", r#"DeleteBucketPolicy {"Bucket": "photos"}"#, expect!["{}"]).await;
    let wrong = put.replace(":photos/*", ":other/*");
    check(&cloud, "s3", &wrong, expect!["MalformedPolicy: Policy has invalid resource"]).await;
}

#[tokio::test]
async fn configurations_of_one_kind_are_listed_by_id() {
    let cloud = cloud();
    cloud.text("s3", r#"CreateBucket {"Bucket": "photos"}"#).await;
    for id in ["b", "a"] {
        let put = format!(
            r#"PutBucketMetricsConfiguration {{"Bucket": "photos", "Id": "{id}", "MetricsConfiguration": {{"Id": "{id}"}}}}"#
        );
        check(&cloud, "s3", &put, expect!["{}"]).await;
    }
    check(
        &cloud,
        "s3",
        r#"ListBucketMetricsConfigurations {"Bucket": "photos"}"#,
        expect![[r#"
        {
          "IsTruncated": false,
          "MetricsConfigurationList": [
            {
              "Id": "a"
            },
            {
              "Id": "b"
            }
          ]
        }"#]],
    )
    .await;
    check(
        &cloud,
        "s3",
        r#"GetBucketMetricsConfiguration {"Bucket": "photos", "Id": "a"}"#,
        expect![[r#"
        {
          "MetricsConfiguration": {
            "Id": "a"
          }
        }"#]],
    )
    .await;
    check(&cloud, "s3", r#"DeleteBucketMetricsConfiguration {"Bucket": "photos", "Id": "a"}"#, expect!["{}"])
        .await;
    check(
        &cloud,
        "s3",
        r#"GetBucketMetricsConfiguration {"Bucket": "photos", "Id": "a"}"#,
        expect!["NoSuchConfiguration: The specified configuration does not exist."],
    )
    .await;
}

#[tokio::test]
async fn notifications_need_a_service_that_is_there() {
    let cloud = cloud();
    cloud.text("s3", r#"CreateBucket {"Bucket": "photos"}"#).await;
    let queue = r#"PutBucketNotificationConfiguration {"Bucket": "photos", "NotificationConfiguration": {
        "QueueConfigurations": [{"QueueArn": "arn:aws:sqs:us-east-1:111122223333:q", "Events": ["s3:ObjectCreated:*"]}]}}"#;
    check(
        &cloud,
        "s3",
        queue,
        expect!["NotImplemented: Cloudling does not implement notifications to queues of SQS yet."],
    )
    .await;
    let bus = r#"PutBucketNotificationConfiguration {"Bucket": "photos", "NotificationConfiguration": {
        "EventBridgeConfiguration": {}}}"#;
    check(&cloud, "s3", bus, expect!["{}"]).await;
    check(
        &cloud,
        "s3",
        r#"GetBucketNotificationConfiguration {"Bucket": "photos"}"#,
        expect![[r#"
        {
          "EventBridgeConfiguration": {}
        }"#]],
    )
    .await;
}
