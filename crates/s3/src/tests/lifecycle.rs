//! Lifecycle rules at work: the clock moves, what is due goes, what is held stays.

use expect_test::expect;
use testkit::{Cloud, check};

use super::cloud;
use crate::S3;
use crate::lifecycle::expiry::Expiry;

const DAY_MILLIS: i64 = 86_400_000;

async fn bucket(rules: &str, versioned: bool) -> Cloud {
    let cloud = cloud();
    cloud.text("s3", r#"CreateBucket {"Bucket": "photos", "ObjectLockEnabledForBucket": false}"#).await;
    if versioned {
        let on =
            r#"PutBucketVersioning {"Bucket": "photos", "VersioningConfiguration": {"Status": "Enabled"}}"#;
        cloud.text("s3", on).await;
    }
    let put = format!(
        r#"PutBucketLifecycleConfiguration {{"Bucket": "photos", "LifecycleConfiguration": {{"Rules": {rules}}}}}"#
    );
    let answer = cloud.text("s3", &put).await;
    assert!(answer.starts_with('{'), "{answer}");
    cloud
}

/// What is there after a round: keys, with `(marker)` for delete markers.
async fn left(cloud: &Cloud, expiry: &mut Expiry) -> Vec<String> {
    expiry.round().await.unwrap();
    let answer = cloud.text("s3", r#"ListObjectVersions {"Bucket": "photos"}"#).await;
    let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
    let keys = |list: &str, mark: &'static str| -> Vec<String> {
        let entries = answer[list].as_array().cloned().unwrap_or_default();
        entries.iter().map(|entry| format!("{}{mark}", entry["Key"].as_str().unwrap())).collect()
    };
    let mut all = keys("Versions", "");
    all.extend(keys("DeleteMarkers", " (marker)"));
    all.sort();
    all
}

fn expiry(cloud: &Cloud) -> Expiry {
    Expiry::new(cloud.platform.clone(), S3::without_workers())
}

async fn put(cloud: &Cloud, key: &str) {
    let of_nothing = "1B2M2Y8AsgTpgAmY7PhCfg==";
    let input = format!(r#"{{"Bucket": "photos", "Key": "{key}", "ContentMD5": "{of_nothing}"}}"#);
    cloud.text("s3", &format!("PutObject {input}")).await;
}

#[tokio::test]
async fn objects_end_on_their_day() {
    let rules = r#"[{"Status": "Enabled", "Filter": {"Prefix": "tmp/"}, "Expiration": {"Days": 1}}]"#;
    let cloud = bucket(rules, false).await;
    put(&cloud, "tmp/a").await;
    put(&cloud, "kept").await;
    let mut expiry = expiry(&cloud);
    assert_eq!(left(&cloud, &mut expiry).await, ["kept", "tmp/a"]);
    cloud.advance_millis(DAY_MILLIS);
    assert_eq!(left(&cloud, &mut expiry).await, ["kept", "tmp/a"], "days end at midnight");
    cloud.advance_millis(DAY_MILLIS);
    assert_eq!(left(&cloud, &mut expiry).await, ["kept"]);
}

#[tokio::test]
async fn versions_end_behind_a_marker_and_then_the_marker() {
    let rules = r#"[{"Status": "Enabled", "Filter": {}, "Expiration": {"Days": 1},
        "NoncurrentVersionExpiration": {"NoncurrentDays": 1}}]"#;
    let cloud = bucket(rules, true).await;
    put(&cloud, "a").await;
    let mut expiry = expiry(&cloud);
    cloud.advance_millis(2 * DAY_MILLIS);
    assert_eq!(left(&cloud, &mut expiry).await, ["a", "a (marker)"]);
    cloud.advance_millis(2 * DAY_MILLIS);
    let then = left(&cloud, &mut expiry).await;
    assert_eq!(then, ["a (marker)"]);
    cloud.advance_millis(DAY_MILLIS);
    assert!(left(&cloud, &mut expiry).await.is_empty());
}

#[tokio::test]
async fn held_versions_outlive_their_rules() {
    let rules =
        r#"[{"Status": "Enabled", "Filter": {}, "NoncurrentVersionExpiration": {"NoncurrentDays": 1}}]"#;
    let cloud = bucket(rules, true).await;
    let lock = r#"PutObjectLockConfiguration {"Bucket": "photos", "ObjectLockConfiguration": {
        "ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 10}}}}"#;
    check(&cloud, "s3", lock, expect!["{}"]).await;
    put(&cloud, "a").await;
    put(&cloud, "a").await;
    let mut expiry = expiry(&cloud);
    cloud.advance_millis(5 * DAY_MILLIS);
    assert_eq!(left(&cloud, &mut expiry).await, ["a", "a"]);
    cloud.advance_millis(6 * DAY_MILLIS);
    assert_eq!(left(&cloud, &mut expiry).await, ["a"]);
}

#[tokio::test]
async fn unfinished_uploads_end() {
    let rules = r#"[{"Status": "Enabled", "Filter": {}, "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1}}]"#;
    let cloud = bucket(rules, false).await;
    cloud.text("s3", r#"CreateMultipartUpload {"Bucket": "photos", "Key": "a"}"#).await;
    let uploads = async || {
        let answer = cloud.text("s3", r#"ListMultipartUploads {"Bucket": "photos"}"#).await;
        let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
        answer["Uploads"].as_array().map_or(0, Vec::len)
    };
    let mut expiry = expiry(&cloud);
    expiry.round().await.unwrap();
    assert_eq!(uploads().await, 1);
    cloud.advance_millis(2 * DAY_MILLIS);
    expiry.round().await.unwrap();
    assert_eq!(uploads().await, 0);
}

#[tokio::test]
async fn one_process_at_a_time_does_it() {
    let rules = r#"[{"Status": "Enabled", "Filter": {}, "Expiration": {"Days": 1}}]"#;
    let cloud = bucket(rules, false).await;
    put(&cloud, "a").await;
    cloud.advance_millis(2 * DAY_MILLIS);
    let kv = cloud.platform.kv();
    let key = store::LeaseKey::new(crate::lifecycle::expiry::LEASE_KEY);
    let other =
        store::acquire(kv.as_ref(), &key, "another", std::time::Duration::from_secs(60)).await.unwrap();
    let mut expiry = expiry(&cloud);
    assert_eq!(left(&cloud, &mut expiry).await, ["a"]);
    store::release(kv.as_ref(), other.unwrap()).await.unwrap();
    assert!(left(&cloud, &mut expiry).await.is_empty());
}
