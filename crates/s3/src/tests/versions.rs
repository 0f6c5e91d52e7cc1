use super::{cloud, get, member, put, text};

const ENABLE: &str = r#"{"Bucket": "pictures", "VersioningConfiguration": {"Status": "Enabled"}}"#;
const SUSPEND: &str = r#"{"Bucket": "pictures", "VersioningConfiguration": {"Status": "Suspended"}}"#;
const KEY: &str = r#"{"Bucket": "pictures", "Key": "k"}"#;

fn version(id: &str) -> String {
    format!(r#"{{"Bucket": "pictures", "Key": "k", "VersionId": "{id}"}}"#)
}

#[tokio::test]
async fn versions_come_and_go() {
    let cloud = cloud();
    text(&cloud, "CreateBucket", r#"{"Bucket": "pictures"}"#).await;
    assert_eq!(put(&cloud, "pictures", "k", b"null").await, None);
    assert_eq!(text(&cloud, "PutBucketVersioning", ENABLE).await, "{}");
    let one = put(&cloud, "pictures", "k", b"1").await.unwrap();
    let two = put(&cloud, "pictures", "k", b"2").await.unwrap();
    assert_eq!(get(&cloud, &version("null")).await, b"null");
    assert_eq!(get(&cloud, &version(&one)).await, b"1");
    let marker = member(&cloud, "DeleteObject", KEY, "VersionId").await;
    assert!(get(&cloud, KEY).await.starts_with(b"NoSuchKey"));
    assert!(get(&cloud, &version(&marker)).await.starts_with(b"MethodNotAllowed"));
    let listed = text(&cloud, "ListObjectVersions", r#"{"Bucket": "pictures"}"#).await;
    for id in [&one, &two, &marker] {
        assert!(listed.contains(id.as_str()), "{listed}");
    }
    text(&cloud, "DeleteObject", &version(&marker)).await;
    text(&cloud, "DeleteObject", &version(&two)).await;
    assert_eq!(get(&cloud, KEY).await, b"1");
    // The null version behind it is replaced, whether it is the latest or not.
    text(&cloud, "PutBucketVersioning", SUSPEND).await;
    put(&cloud, "pictures", "k", b"other").await;
    assert_eq!(get(&cloud, &version("null")).await, b"other");
    text(&cloud, "DeleteObject", &version("null")).await;
    assert_eq!(get(&cloud, KEY).await, b"1");
    assert!(get(&cloud, &version("null")).await.starts_with(b"NoSuchVersion"));
    text(&cloud, "DeleteObject", &version(&one)).await;
    assert_eq!(text(&cloud, "DeleteBucket", r#"{"Bucket": "pictures"}"#).await, "{}");
}

#[tokio::test]
async fn a_null_version_is_found_behind_others() {
    let cloud = cloud();
    text(&cloud, "CreateBucket", r#"{"Bucket": "pictures"}"#).await;
    put(&cloud, "pictures", "k", b"null").await;
    text(&cloud, "PutBucketVersioning", ENABLE).await;
    let latest = put(&cloud, "pictures", "k", b"1").await.unwrap();
    put(&cloud, "pictures", "k", b"2").await;
    text(&cloud, "DeleteObject", &version("null")).await;
    assert!(get(&cloud, &version("null")).await.starts_with(b"NoSuchVersion"));
    assert_eq!(get(&cloud, &version(&latest)).await, b"1");
    assert_eq!(member(&cloud, "GetBucketVersioning", r#"{"Bucket": "pictures"}"#, "Status").await, "Enabled");
}
