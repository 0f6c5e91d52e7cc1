use testkit::Cloud;

use super::{cloud, get, member, put, text, with_body};

async fn filled(keys: &[&str]) -> Cloud {
    let cloud = cloud();
    text(&cloud, "CreateBucket", r#"{"Bucket": "pictures"}"#).await;
    for key in keys {
        put(&cloud, "pictures", key, key.as_bytes()).await;
    }
    cloud
}

#[tokio::test]
async fn payloads_of_every_size_come_back() {
    let cloud = filled(&[]).await;
    for size in [0, 1, 2_048, 2_049, 32_768, 32_769, 300_000] {
        let body: Vec<u8> = (0..size).map(|byte: u32| (byte % 251) as u8).collect();
        put(&cloud, "pictures", "k", &body).await;
        assert_eq!(get(&cloud, r#"{"Bucket": "pictures", "Key": "k"}"#).await, body, "{size}");
        if size > 10 {
            let range = r#"{"Bucket": "pictures", "Key": "k", "Range": "bytes=3-6"}"#;
            assert_eq!(get(&cloud, range).await, &body[3..7]);
        }
    }
    // What was overwritten is noted to be deleted, and nothing else is.
    let blobs = cloud.platform.blobs().list().await.unwrap();
    assert_eq!(blobs.len(), 2);
    let pins = crate::payloads::Pins::default();
    while crate::payloads::delete_freed(&cloud.platform, &pins).await.unwrap() {}
    assert_eq!(cloud.platform.blobs().list().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_payload_that_is_not_what_was_said_leaves_nothing() {
    let cloud = filled(&[]).await;
    let input = r#"{"Bucket": "pictures", "Key": "k", "ContentMD5": "1B2M2Y8AsgTpgAmY7PhCfg=="}"#;
    let refused = with_body(&cloud, "PutObject", input, &[7; 100_000]).await.unwrap_err();
    assert_eq!(refused.code(), "BadDigest");
    assert!(get(&cloud, r#"{"Bucket": "pictures", "Key": "k"}"#).await.starts_with(b"NoSuchKey"));
    assert!(cloud.platform.blobs().list().await.unwrap().is_empty());
}

#[tokio::test]
async fn what_another_run_was_receiving_is_deleted() {
    let cloud = filled(&[]).await;
    put(&cloud, "pictures", "k", &[7; 100_000]).await;
    let lost = store::BlobId::random();
    let stream: store::ByteStream =
        Box::pin(futures_util::stream::iter([Ok(bytes::Bytes::from_static(b"lost"))]));
    cloud.platform.blobs().put_stream_as(lost.clone(), stream).await.unwrap();
    let mut id = [0; 16];
    hex::decode_to_slice(lost.as_str(), &mut id).unwrap();
    let note = store::Commit::new().put(crate::tables::incoming(&id), vec![9; 8]);
    cloud.platform.kv().commit(note).await.unwrap();
    let run = crate::payloads::Run([1; 8]);
    while crate::payloads::delete_abandoned(&cloud.platform, run).await.unwrap() {}
    assert_eq!(cloud.platform.blobs().list().await.unwrap().len(), 1);
    assert_eq!(get(&cloud, r#"{"Bucket": "pictures", "Key": "k"}"#).await.len(), 100_000);
}

#[tokio::test]
async fn lists_fold_what_has_a_common_prefix() {
    let cloud = filled(&["a", "b/1", "b/2", "b/c/3", "d"]).await;
    let list = |more: &str| format!(r#"{{"Bucket": "pictures", "MaxKeys": 2{more}}}"#);
    let first = text(&cloud, "ListObjectsV2", &list(r#", "Delimiter": "/""#)).await;
    assert!(first.contains(r#""Key": "a""#) && first.contains(r#""Prefix": "b/""#), "{first}");
    let token =
        member(&cloud, "ListObjectsV2", &list(r#", "Delimiter": "/""#), "NextContinuationToken").await;
    let rest = list(&format!(r#", "Delimiter": "/", "ContinuationToken": "{token}""#));
    let rest = text(&cloud, "ListObjectsV2", &rest).await;
    assert!(rest.contains(r#""Key": "d""#) && rest.contains(r#""IsTruncated": false"#), "{rest}");
    let under = text(&cloud, "ListObjects", &list(r#", "Prefix": "b/", "Delimiter": "/""#)).await;
    assert!(under.contains(r#""NextMarker": "b/2""#), "{under}");
    let page = list(r#", "Prefix": "b/", "Delimiter": "/", "Marker": "b/2""#);
    let page = text(&cloud, "ListObjects", &page).await;
    assert!(page.contains(r#""Prefix": "b/c/""#) && !page.contains(r#""Key""#), "{page}");
}

#[tokio::test]
async fn objects_are_described_copied_and_removed() {
    let cloud = filled(&["a"]).await;
    let tags = r#"{"Bucket": "pictures", "Key": "a", "Tagging": {"TagSet": [{"Key": "x", "Value": "y"}]}}"#;
    assert_eq!(text(&cloud, "PutObjectTagging", tags).await, "{}");
    let copy = r#"{"Bucket": "pictures", "Key": "b", "CopySource": "pictures/a"}"#;
    assert!(text(&cloud, "CopyObject", copy).await.contains("CopyObjectResult"));
    let named = r#"{"Bucket": "pictures", "Key": "b"}"#;
    assert!(text(&cloud, "GetObjectTagging", named).await.contains(r#""Key": "x""#));
    assert_eq!(text(&cloud, "DeleteObjectTagging", named).await, "{}");
    assert_eq!(member(&cloud, "HeadObject", named, "ContentLength").await, "1");
    let attributes = r#"{"Bucket": "pictures", "Key": "b", "ObjectAttributes": ["ObjectSize", "ETag"]}"#;
    assert_eq!(
        member(&cloud, "GetObjectAttributes", attributes, "ETag").await,
        "0cc175b9c0f1b6a831c399e269772661"
    );
    let both = r#"{"Bucket": "pictures", "Delete": {"Objects": [{"Key": "a"}, {"Key": "b"}]}}"#;
    assert!(!text(&cloud, "DeleteObjects", both).await.contains("Code"));
    assert!(text(&cloud, "HeadObject", named).await.starts_with("NoSuchKey"));
    assert_eq!(text(&cloud, "DeleteObject", named).await, "{}");
    assert!(
        text(&cloud, "RestoreObject", r#"{"Bucket": "pictures", "Key": "b", "RestoreRequest": {"Days": 1}}"#)
            .await
            .starts_with("NoSuchKey")
    );
}

#[tokio::test]
async fn a_reset_takes_names_and_payloads() {
    let cloud = filled(&[]).await;
    put(&cloud, "pictures", "k", &[7; 100_000]).await;
    cloud.platform.reset(Some(&cloud.scope.account)).await.unwrap();
    assert!(cloud.platform.blobs().list().await.unwrap().is_empty());
    let elsewhere = cloud.elsewhere("222222222222", "us-east-1");
    assert!(text(&elsewhere, "CreateBucket", r#"{"Bucket": "pictures"}"#).await.contains("Location"));
}
