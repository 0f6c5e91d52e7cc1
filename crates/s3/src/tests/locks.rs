use super::{cloud, member, put, text};

#[tokio::test]
async fn locked_versions_stay_until_their_time() {
    let cloud = cloud();
    text(&cloud, "CreateBucket", r#"{"Bucket": "pictures", "ObjectLockEnabledForBucket": true}"#).await;
    let rule = r#"{"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 1}}}"#;
    let configuration = format!(r#"{{"Bucket": "pictures", "ObjectLockConfiguration": {rule}}}"#);
    assert_eq!(text(&cloud, "PutObjectLockConfiguration", &configuration).await, "{}");
    let told = text(&cloud, "GetObjectLockConfiguration", r#"{"Bucket": "pictures"}"#).await;
    assert!(told.contains("COMPLIANCE"), "{told}");
    let id = put(&cloud, "pictures", "k", b"1").await.unwrap();
    let named = format!(r#"{{"Bucket": "pictures", "Key": "k", "VersionId": "{id}"}}"#);
    assert!(text(&cloud, "GetObjectRetention", &named).await.contains("2026-01-03T03:04:05"));
    assert!(text(&cloud, "DeleteObject", &named).await.starts_with("AccessDenied"));
    let hold = |status: &str| named.replace('}', &format!(r#", "LegalHold": {{"Status": "{status}"}}}}"#));
    assert_eq!(text(&cloud, "PutObjectLegalHold", &hold("ON")).await, "{}");
    assert!(text(&cloud, "GetObjectLegalHold", &named).await.contains("ON"));
    cloud.advance_millis(25 * 60 * 60 * 1_000);
    assert!(text(&cloud, "DeleteObject", &named).await.starts_with("AccessDenied"));
    assert_eq!(text(&cloud, "PutObjectLegalHold", &hold("OFF")).await, "{}");
    let wrong = named.replace('}', r#", "Retention": {"Mode": "NONE"}}"#);
    assert!(text(&cloud, "PutObjectRetention", &wrong).await.contains("rror"));
    assert_eq!(member(&cloud, "DeleteObject", &named, "VersionId").await, id);
}
