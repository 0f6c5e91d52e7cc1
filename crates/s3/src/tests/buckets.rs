use expect_test::expect;
use testkit::check;

use super::cloud;

#[tokio::test]
async fn buckets_are_made_once() {
    let cloud = cloud();
    check(
        &cloud,
        "s3",
        r#"CreateBucket {"Bucket": "pictures"}"#,
        expect![[r#"
        {
          "BucketArn": "arn:aws:s3:::pictures",
          "Location": "/pictures"
        }"#]],
    )
    .await;
    let other = cloud.elsewhere("222222222222", "us-east-1");
    check(&other, "s3", r#"CreateBucket {"Bucket": "pictures"}"#, expect!["BucketAlreadyExists: The requested bucket name is not available. The bucket namespace is shared by all users of the system. Please select a different name and try again."]).await;
    check(
        &cloud,
        "s3",
        r#"ListBuckets {}"#,
        expect![[r#"
            {
              "Buckets": [
                {
                  "CreationDate": "2026-01-02T03:04:05Z",
                  "Name": "pictures"
                }
              ],
              "Owner": {
                "ID": "6f589dd8bf097cefe23b53bbed46bb1f55c0dd81137de9c30d61111122223333"
              }
            }"#]],
    )
    .await;
    check(&cloud, "s3", r#"DeleteBucket {"Bucket": "pictures"}"#, expect!["{}"]).await;
    check(
        &cloud,
        "s3",
        r#"HeadBucket {"Bucket": "pictures"}"#,
        expect!["NoSuchBucket: The specified bucket does not exist"],
    )
    .await;
}
