//! Objects: small ones that lie in their row, large ones in blobs, in parts, in versions.

use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;

use super::super::workload::{Random, content};
use super::{Connection, Step, Workload, Writer, ask, send, success};

const PLAIN_WRITERS: u16 = 6;
const VERSIONED_WRITERS: u16 = 3;

/// Keys of each writer in the bucket without versions.
const KEYS: u64 = 4;

/// From so many versions on old ones are deleted.
const VERSIONS_KEPT: usize = 8;

const PLAIN: &str = "plain";
const VERSIONED: &str = "versioned";

const VERSIONING: &str = "<VersioningConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\
                          <Status>Enabled</Status></VersioningConfiguration>";

pub(super) struct Objects;

impl Workload for Objects {
    fn prepare(&self, connection: &mut Connection) -> Result<()> {
        for bucket in [PLAIN, VERSIONED] {
            success(ask(connection, &format!("PUT /{bucket}"), "", b"")?, "CreateBucket")?;
        }
        let put = ask(connection, &format!("PUT /{VERSIONED}?versioning"), "", VERSIONING.as_bytes())?;
        success(put, "PutBucketVersioning").map(drop)
    }

    fn writers(&self, seed: u64) -> Vec<Box<dyn Writer>> {
        let plain = (0..PLAIN_WRITERS).map(|writer| {
            let random = Random::new(seed ^ u64::from(writer + 1));
            let keys = vec![None; KEYS as usize];
            Box::new(Plain { writer, random, number: 0, keys, under_way: None }) as Box<dyn Writer>
        });
        let versioned = (PLAIN_WRITERS..PLAIN_WRITERS + VERSIONED_WRITERS).map(|writer| {
            let random = Random::new(seed ^ u64::from(writer + 1));
            Box::new(Versioned { writer, random, number: 0, versions: Vec::new(), under_way: None })
                as Box<dyn Writer>
        });
        plain.chain(versioned).collect()
    }

    /// No upload is left half listed, and the listing of everything is what the writers have listed by themselves.
    fn check(&self, connection: &mut Connection) -> Result<()> {
        let uploads = ask(connection, &format!("GET /{PLAIN}?uploads"), "", b"")?;
        let uploads = success(uploads, "ListMultipartUploads")?;
        for upload in elements(&String::from_utf8_lossy(&uploads), "Upload") {
            let (key, id) = (text(&upload, "Key")?, text(&upload, "UploadId")?);
            let parts = ask(connection, &format!("GET /{PLAIN}/{key}?uploadId={id}"), "", b"")?;
            success(parts, "ListParts of an upload that is listed")?;
            let aborted = ask(connection, &format!("DELETE /{PLAIN}/{key}?uploadId={id}"), "", b"")?;
            success(aborted, "AbortMultipartUpload")?;
        }
        Ok(())
    }
}

/// What the object of a number holds: every other one is too large for its row.
fn body(writer: u16, number: u64) -> Bytes {
    content(if number.is_multiple_of(2) { "left" } else { "blob" }, writer, number)
}

/// Overwrites and deletes objects of its own.
struct Plain {
    writer: u16,
    random: Random,
    number: u64,
    /// The number each key holds.
    keys: Vec<Option<u64>>,
    /// The key and what it is to hold.
    under_way: Option<(usize, Option<u64>)>,
}

impl Plain {
    fn path(&self, key: usize) -> String {
        format!("/{PLAIN}/writer-{}/key-{key}", self.writer)
    }

    /// Starts an upload, sends one part, completes it; `None`: the connection broke.
    fn upload(&self, connection: &mut Connection, path: &str, body: &[u8]) -> Result<Option<()>> {
        let Some(started) = send(connection, &format!("POST {path}?uploads"), "", b"") else {
            return Ok(None);
        };
        let started = success(started, "CreateMultipartUpload")?;
        let id = text(&String::from_utf8_lossy(&started), "UploadId")?;
        let part = format!("PUT {path}?partNumber=1&uploadId={id}");
        let Some(part) = send(connection, &part, "", body) else { return Ok(None) };
        let etag = part.header("etag").context("a part has no ETag")?.to_owned();
        success(part, "UploadPart")?;
        let parts = format!(
            "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>{etag}</ETag></Part>\
             </CompleteMultipartUpload>"
        );
        let complete = format!("POST {path}?uploadId={id}");
        let Some(completed) = send(connection, &complete, "", parts.as_bytes()) else { return Ok(None) };
        let completed = success(completed, "CompleteMultipartUpload")?;
        ensure!(text(&String::from_utf8_lossy(&completed), "ETag").is_ok(), "completed without an ETag");
        Ok(Some(()))
    }
}

impl Writer for Plain {
    fn step(&mut self, connection: &mut Connection) -> Result<Step> {
        let key = usize::try_from(self.random.below(KEYS))?;
        let path = self.path(key);
        self.number += 1;
        let body = body(self.writer, self.number);
        let (new, done) = match self.random.below(6) {
            0 => {
                self.under_way = Some((key, None));
                let deleted = send(connection, &format!("DELETE {path}"), "", b"");
                (None, deleted.map(|answer| success(answer, "DeleteObject")).transpose()?.map(drop))
            }
            1 => {
                self.under_way = Some((key, Some(self.number)));
                (Some(self.number), self.upload(connection, &path, &body)?)
            }
            _ => {
                self.under_way = Some((key, Some(self.number)));
                let put = send(connection, &format!("PUT {path}"), "", &body);
                (Some(self.number), put.map(|answer| success(answer, "PutObject")).transpose()?.map(drop))
            }
        };
        if done.is_none() {
            return Ok(Step::Broken);
        }
        self.keys[key] = new;
        self.under_way = None;
        Ok(Step::Acknowledged)
    }

    fn check(&mut self, connection: &mut Connection) -> Result<()> {
        let mut expected_keys = Vec::new();
        let under_way = self.under_way.take();
        for key in 0..self.keys.len() {
            let path = self.path(key);
            let answer = ask(connection, &format!("GET {path}"), "", b"")?;
            let holds = |number: Option<u64>| match number {
                Some(number) => answer.status == 200 && answer.body == body(self.writer, number),
                None => answer.status == 404,
            };
            if !holds(self.keys[key]) {
                match under_way {
                    Some((changed, new)) if changed == key && holds(new) => self.keys[key] = new,
                    _ => anyhow::bail!(
                        "{path} answers {} and {} bytes; acknowledged {:?}, under way {under_way:?}",
                        answer.status,
                        answer.body.len(),
                        self.keys[key]
                    ),
                }
            }
            if self.keys[key].is_some() {
                expected_keys.push(path.split_at(PLAIN.len() + 2).1.to_owned());
            }
        }
        let listing = format!("GET /{PLAIN}?list-type=2&prefix=writer-{}/", self.writer);
        let listing = success(ask(connection, &listing, "", b"")?, "ListObjectsV2")?;
        let listed: Result<Vec<_>> = elements(&String::from_utf8_lossy(&listing), "Contents")
            .iter()
            .map(|one| text(one, "Key"))
            .collect();
        let listed = listed?;
        ensure!(listed == expected_keys, "listed {listed:?}, readable {expected_keys:?}");
        Ok(())
    }
}

/// Puts versions and markers over one key, and deletes old versions.
struct Versioned {
    writer: u16,
    random: Random,
    number: u64,
    /// Id and number of each, the newest first; markers have no number.
    versions: Vec<(String, Option<u64>)>,
    under_way: Option<Change>,
}

#[derive(Debug)]
enum Change {
    Put(u64),
    Mark,
    Delete(String),
}

impl Versioned {
    fn path(&self) -> String {
        format!("/{VERSIONED}/writer-{}", self.writer)
    }
}

impl Writer for Versioned {
    fn step(&mut self, connection: &mut Connection) -> Result<Step> {
        let path = self.path();
        if self.versions.len() > VERSIONS_KEPT {
            let at = usize::try_from(self.random.below(self.versions.len() as u64))?;
            let id = self.versions[at].0.clone();
            self.under_way = Some(Change::Delete(id.clone()));
            let Some(answer) = send(connection, &format!("DELETE {path}?versionId={id}"), "", b"") else {
                return Ok(Step::Broken);
            };
            success(answer, "DeleteObject of a version")?;
            self.versions.remove(at);
        } else {
            self.number += 1;
            let marks = self.random.below(5) == 0;
            let (change, number, head) = match marks {
                true => (Change::Mark, None, format!("DELETE {path}")),
                false => (Change::Put(self.number), Some(self.number), format!("PUT {path}")),
            };
            let body = number.map_or_else(Bytes::new, |number| body(self.writer, number));
            self.under_way = Some(change);
            let Some(answer) = send(connection, &head, "", &body) else { return Ok(Step::Broken) };
            let id = answer.header("x-amz-version-id").context("no version id")?.to_owned();
            success(answer, &head)?;
            self.versions.insert(0, (id, number));
        }
        self.under_way = None;
        Ok(Step::Acknowledged)
    }

    fn check(&mut self, connection: &mut Connection) -> Result<()> {
        let listing = format!("GET /{VERSIONED}?versions&prefix=writer-{}", self.writer);
        let listing = success(ask(connection, &listing, "", b"")?, "ListObjectVersions")?;
        let listing = String::from_utf8_lossy(&listing);
        let versions = ids(&listing, "Version")?;
        let markers = ids(&listing, "DeleteMarker")?;
        let is_new = |id: &String| self.versions.iter().all(|(known, _)| known != id);
        let under_way = self.under_way.take();
        match &under_way {
            Some(Change::Delete(id)) if !versions.contains(id) && !markers.contains(id) => {
                self.versions.retain(|(one, _)| one != id);
            }
            Some(Change::Put(number)) => {
                if let Some(id) = versions.first().filter(|id| is_new(id)) {
                    self.versions.insert(0, (id.clone(), Some(*number)));
                }
            }
            Some(Change::Mark) => {
                if let Some(id) = markers.first().filter(|id| is_new(id)) {
                    self.versions.insert(0, (id.clone(), None));
                }
            }
            _ => {}
        }
        let (kept, marked): (Vec<_>, Vec<_>) =
            self.versions.iter().cloned().partition(|(_, number)| number.is_some());
        for (listed, expected) in [(versions, kept), (markers, marked)] {
            let expected: Vec<String> = expected.into_iter().map(|(id, _)| id).collect();
            ensure!(
                listed == expected,
                "{}: listed {listed:?}, expected {expected:?}, under way {under_way:?}",
                self.path()
            );
        }
        for (id, number) in &self.versions {
            let Some(number) = number else { continue };
            let answer = ask(connection, &format!("GET {}?versionId={id}", self.path()), "", b"")?;
            let held = success(answer, "GetObject of a version")?;
            ensure!(held == body(self.writer, *number), "version {id} of {} is torn", self.path());
        }
        let current = ask(connection, &format!("GET {}", self.path()), "", b"")?;
        let is_there = self.versions.first().is_some_and(|(_, number)| number.is_some());
        ensure!((current.status == 200) == is_there, "{} answers {}", self.path(), current.status);
        Ok(())
    }
}

/// The ids of the versions in a listing; it has versions and markers each in their order, the newest first.
fn ids(listing: &str, kind: &str) -> Result<Vec<String>> {
    elements(listing, kind).iter().map(|entry| text(entry, "VersionId")).collect()
}

/// What stands between the tags of each element of a name.
fn elements(xml: &str, name: &str) -> Vec<String> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    xml.split(&open).skip(1).filter_map(|rest| Some(rest.split_once(&close)?.0.to_owned())).collect()
}

fn text(xml: &str, name: &str) -> Result<String> {
    let found = elements(xml, name).into_iter().next();
    Ok(found.with_context(|| format!("no {name} in {xml}"))?.replace("&quot;", "\""))
}
