use testkit::Cloud;

use super::{cloud, get, member, text, with_body};
use crate::payloads::{self, Pins};

const PART: usize = 5 * 1024 * 1024;

async fn begun() -> (Cloud, String) {
    let cloud = cloud();
    text(&cloud, "CreateBucket", r#"{"Bucket": "pictures"}"#).await;
    let id =
        member(&cloud, "CreateMultipartUpload", r#"{"Bucket": "pictures", "Key": "k"}"#, "UploadId").await;
    (cloud, id)
}

fn named(id: &str, more: &str) -> String {
    format!(r#"{{"Bucket": "pictures", "Key": "k", "UploadId": "{id}"{more}}}"#)
}

async fn upload(cloud: &Cloud, id: &str, number: usize, body: &[u8]) -> String {
    let input = named(id, &format!(r#", "PartNumber": {number}"#));
    let reply =
        with_body(cloud, "UploadPart", &input, body).await.unwrap_or_else(|failure| panic!("{failure}"));
    let etag =
        reply.document.get("ETag").and_then(wire::Document::as_str).unwrap().trim_matches('"').to_owned();
    format!(r#"{{"PartNumber": {number}, "ETag": "{etag}"}}"#)
}

#[tokio::test]
async fn parts_become_an_object_and_what_is_left_goes() {
    let (cloud, id) = begun().await;
    let first = upload(&cloud, &id, 1, &vec![b'a'; PART]).await;
    upload(&cloud, &id, 2, &[b'-'; 100_000]).await;
    let third = upload(&cloud, &id, 3, b"end").await;
    assert!(text(&cloud, "ListParts", &named(&id, "")).await.contains(r#""PartNumber": 2"#));
    assert!(text(&cloud, "ListMultipartUploads", r#"{"Bucket": "pictures"}"#).await.contains(&id));
    let copied = named(&id, r#", "PartNumber": 4, "CopySource": "pictures/absent""#);
    assert!(text(&cloud, "UploadPartCopy", &copied).await.starts_with("NoSuchKey"));
    let parts = format!(r#", "MultipartUpload": {{"Parts": [{first}, {third}]}}"#);
    let done = text(&cloud, "CompleteMultipartUpload", &named(&id, &parts)).await;
    assert!(done.contains("-2"), "{done}");
    let body = get(&cloud, r#"{"Bucket": "pictures", "Key": "k"}"#).await;
    assert_eq!((body.len(), &body[PART..]), (PART + 3, b"end".as_slice()));
    assert_eq!(cloud.platform.blobs().list().await.unwrap().len(), 2);
    let pins = Pins::default();
    crate::upload::clearing::clear_all(&cloud.platform, &pins).await;
    assert_eq!(cloud.platform.blobs().list().await.unwrap().len(), 1);
    text(&cloud, "DeleteObject", r#"{"Bucket": "pictures", "Key": "k"}"#).await;
    while payloads::delete_freed_list(&cloud.platform, &pins).await.unwrap() {}
    assert!(cloud.platform.blobs().list().await.unwrap().is_empty());
    assert!(text(&cloud, "ListParts", &named(&id, "")).await.starts_with("NoSuchUpload"));
}

#[tokio::test]
async fn an_aborted_upload_leaves_nothing() {
    let (cloud, id) = begun().await;
    upload(&cloud, &id, 1, &[b'a'; 100_000]).await;
    assert_eq!(text(&cloud, "AbortMultipartUpload", &named(&id, "")).await, "{}");
    assert!(text(&cloud, "AbortMultipartUpload", &named(&id, "")).await.starts_with("NoSuchUpload"));
    crate::upload::clearing::clear_all(&cloud.platform, &Pins::default()).await;
    assert!(cloud.platform.blobs().list().await.unwrap().is_empty());
}
