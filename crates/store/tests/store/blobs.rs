//! One suite for every store of blobs, and what the local one promises about the disk.

use std::fs;
use std::io;
use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use store::{BlobId, Blobs, FailHook, FailPoint, KvError, LocalBlobs, MemoryBlobs};

macro_rules! for_every_store {
    ($($test:ident),* $(,)?) => {
        mod memory { $(#[tokio::test] async fn $test() { super::$test(&store::MemoryBlobs::new()).await; })* }
        mod local {
            $(#[tokio::test] async fn $test() {
                let folder = tempfile::tempdir().unwrap();
                super::$test(&store::LocalBlobs::open(folder.path()).unwrap()).await;
            })*
        }
    };
}

for_every_store! {
    payloads_come_back_as_written,
    ranges_of_every_kind,
    streams_of_any_length,
    a_failed_stream_stores_nothing,
    deleting_is_final_and_repeatable,
    the_list_has_every_blob,
}

fn body(bytes: usize) -> Bytes {
    (0..bytes).map(|at| (at % 251) as u8).collect()
}

async fn read(blobs: &dyn Blobs, id: &BlobId, range: Range<u64>) -> Vec<u8> {
    blobs.get_range(id, range).await.unwrap().try_collect::<Vec<_>>().await.unwrap().concat()
}

async fn payloads_come_back_as_written(blobs: &dyn Blobs) {
    for size in [0, 1, 1000, 3_000_000] {
        let id = blobs.put(body(size)).await.unwrap();
        assert_eq!(blobs.get(&id).await.unwrap(), body(size));
    }
    let (one, two) = (blobs.put(body(10)).await.unwrap(), blobs.put(body(10)).await.unwrap());
    assert_ne!(one, two, "the same payload twice is two blobs");
}

async fn ranges_of_every_kind(blobs: &dyn Blobs) {
    let whole = body(1_000_000);
    let id = blobs.put(whole.clone()).await.unwrap();
    for range in [
        0..0,
        0..1,
        0..1_000_000,
        262_143..262_145,
        999_999..1_000_000,
        500_000..900_000,
        1_000_000..1_000_000,
    ] {
        let expected = &whole[range.start as usize..range.end as usize];
        assert_eq!(read(blobs, &id, range.clone()).await, expected, "{range:?}");
    }
    assert_eq!(read(blobs, &id, 999_990..u64::MAX).await, &whole[999_990..], "the end may lie behind");
    let reversed = Range { start: 2, end: 1 };
    for range in [1_000_001..1_000_002, reversed] {
        let refused = blobs.get_range(&id, range.clone()).await;
        assert!(matches!(refused, Err(KvError::Determinate(_))), "{range:?}");
    }
    let empty = blobs.put(Bytes::new()).await.unwrap();
    assert!(read(blobs, &empty, 0..10).await.is_empty());
}

async fn streams_of_any_length(blobs: &dyn Blobs) {
    for (pieces, size) in [(0, 0), (1, 0), (1, 10), (100, 1), (37, 70_001), (3, 1_048_576)] {
        let stream = stream::iter((0..pieces).map(move |_| Ok(body(size))));
        let (id, bytes) = blobs.put_stream(Box::pin(stream)).await.unwrap();
        assert_eq!(bytes, (pieces * size) as u64);
        assert_eq!(blobs.get(&id).await.unwrap(), vec![body(size); pieces].concat());
    }
}

async fn a_failed_stream_stores_nothing(blobs: &dyn Blobs) {
    let broken = stream::iter([Ok(body(3_000_000)), Err(io::Error::other("the client left")), Ok(body(1))]);
    let failed = blobs.put_stream(Box::pin(broken)).await;
    assert!(matches!(failed, Err(KvError::Determinate(message)) if message.contains("the client left")));
    let endless = stream::iter([Ok(body(3_000_000))]).chain(stream::pending());
    let mut put = blobs.put_stream(Box::pin(endless));
    let given_up = tokio::time::timeout(std::time::Duration::from_millis(200), &mut put).await;
    assert!(given_up.is_err());
    drop(put);
    assert!(blobs.list().await.unwrap().is_empty());
}

async fn deleting_is_final_and_repeatable(blobs: &dyn Blobs) {
    let id = blobs.put(body(10)).await.unwrap();
    blobs.delete(&id).await.unwrap();
    blobs.delete(&id).await.unwrap();
    for gone in [id, BlobId::random()] {
        assert!(
            matches!(blobs.get(&gone).await, Err(KvError::Determinate(message)) if message.contains(gone.as_str()))
        );
        assert!(matches!(blobs.get_range(&gone, 0..1).await, Err(KvError::Determinate(_))));
    }
}

async fn the_list_has_every_blob(blobs: &dyn Blobs) {
    let mut expected = Vec::new();
    for size in 0..50 {
        expected.push((blobs.put(body(size)).await.unwrap(), size as u64));
    }
    expected.sort();
    let list = blobs.list().await.unwrap();
    assert!(list.iter().all(|blob| blob.modified > 1_600_000_000_000), "epoch milliseconds");
    let mut found: Vec<_> = list.into_iter().map(|blob| (blob.id, blob.bytes)).collect();
    found.sort();
    assert_eq!(found, expected);
}

#[test]
fn only_ids_parse_as_ids() {
    let id = BlobId::random();
    assert_eq!(id.to_string().parse::<BlobId>().unwrap(), id);
    let long = "0".repeat(33);
    for text in [
        "",
        "..",
        "../../../../../../../etc/passwd0",
        "/0000000000000000000000000000000",
        "0000000000000000000000000000000",
        "0000000000000000000000000000000A",
        "0000000000000000000000000000000\0",
        "é00000000000000000000000000000",
        &long,
    ] {
        assert!(text.parse::<BlobId>().is_err(), "{text:?}");
    }
    let written = serde_json::to_string(&id).unwrap();
    assert_eq!(serde_json::from_str::<BlobId>(&written).unwrap(), id);
    assert!(serde_json::from_str::<BlobId>(r#""../x""#).is_err());
}

/// Every file under a folder, by its path within it.
fn files(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push(path.strip_prefix(folder).unwrap().display().to_string());
            }
        }
    }
    found.sort();
    found
}

#[tokio::test]
async fn a_blob_is_a_file_in_its_shard() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = LocalBlobs::open(folder.path()).unwrap();
    let id = blobs.put(body(1000)).await.unwrap();
    let path = blobs.path(&id).unwrap();
    assert!(fs::read(&path).unwrap().starts_with(&body(1000)));
    assert_eq!(files(folder.path()), [format!("{}/{id}", &id.as_str()[..2])]);
    assert_eq!(MemoryBlobs::new().path(&id), None);
    drop(blobs);
    assert_eq!(LocalBlobs::open(folder.path()).unwrap().get(&id).await.unwrap(), body(1000));
}

#[tokio::test]
async fn open_removes_what_an_interrupted_write_left() {
    let folder = tempfile::tempdir().unwrap();
    let id = LocalBlobs::open(folder.path()).unwrap().put(body(10)).await.unwrap();
    fs::write(folder.path().join("temporary").join(BlobId::random().as_str()), "half").unwrap();
    let blobs = LocalBlobs::open(folder.path()).unwrap();
    assert_eq!(files(folder.path()).len(), 1);
    assert_eq!(blobs.list().await.unwrap().len(), 1);
    assert_eq!(blobs.get(&id).await.unwrap(), body(10));
}

#[tokio::test]
async fn strange_files_are_not_blobs() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = LocalBlobs::open(folder.path()).unwrap();
    fs::create_dir(folder.path().join("zz")).unwrap();
    fs::write(folder.path().join("zz/notes.txt"), "").unwrap();
    fs::write(folder.path().join("readme"), "").unwrap();
    assert!(blobs.list().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_name_stands_for_a_whole_synced_payload_and_errors_leave_no_draft() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    for fail_at in [FailPoint::BlobSynced, FailPoint::BlobRenamed] {
        let folder = tempfile::tempdir().unwrap();
        let (noted, root) = (Arc::clone(&seen), folder.path().to_owned());
        let hook: FailHook = Arc::new(move |point| {
            noted.lock().unwrap().push((point, files(&root)));
            if point == fail_at { Err(io::Error::other("no space left")) } else { Ok(()) }
        });
        let blobs = LocalBlobs::open_with(folder.path(), hook).unwrap();
        let failed = blobs.put(body(1000)).await;
        assert!(matches!(failed, Err(KvError::Determinate(message)) if message.contains("no space left")));
        let named = blobs.list().await.unwrap();
        assert_eq!(named.len(), usize::from(fail_at == FailPoint::BlobRenamed), "then it is an orphan");
        assert!(named.iter().all(|blob| blob.bytes == 1000));
        assert_eq!(files(folder.path()).len(), named.len(), "no draft is left");
    }
    let seen = seen.lock().unwrap();
    let points: Vec<_> = seen.iter().map(|(point, _)| *point).collect();
    assert_eq!(points, [FailPoint::BlobSynced, FailPoint::BlobSynced, FailPoint::BlobRenamed]);
    for (point, files) in seen.iter() {
        let is_draft = files[0].starts_with("temporary/");
        assert_eq!(is_draft, *point == FailPoint::BlobSynced, "{point}: {files:?}");
    }
}
