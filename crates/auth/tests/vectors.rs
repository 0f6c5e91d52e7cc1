//! The public Signature Version 4 suite: every signed request in it must verify, and not with another secret.

use std::path::{Path, PathBuf};

use auth::{SignatureError, SignedRequest, claim, verify};
use http::{HeaderMap, HeaderName, HeaderValue};
use ring::digest;

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
const SIGNED_AT_EPOCH_MILLIS: i64 = 1_440_938_160_000;

struct Vector {
    method: String,
    path: String,
    query: String,
    headers: HeaderMap,
    body: String,
}

/// Reads the suite's own text form of a request: a request line, headers that may continue, a blank line, the body.
fn read(text: &str) -> Vector {
    let text = text.replace("\r\n", "\n");
    let (head, body) = text.split_once("\n\n").unwrap_or((&text, ""));
    let mut lines = head.lines();
    let request_line = lines.next().expect("a request line");
    let (method, rest) = request_line.split_once(' ').expect("a method");
    let target = rest.strip_suffix(" HTTP/1.1").expect("a version");
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut pairs: Vec<(String, String)> = Vec::new();
    for line in lines {
        match line.strip_prefix([' ', '\t']) {
            Some(continued) => {
                let (_, value) = pairs.last_mut().expect("a header to continue");
                value.push(' ');
                value.push_str(continued.trim());
            }
            None => {
                let (name, value) = line.split_once(':').expect("a header");
                pairs.push((name.to_ascii_lowercase(), value.to_owned()));
            }
        }
    }
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        let name = HeaderName::from_bytes(name.as_bytes()).expect("a header name");
        headers.append(name, HeaderValue::from_bytes(value.trim().as_bytes()).expect("a header value"));
    }
    Vector { method: method.into(), path: path.into(), query: query.into(), headers, body: body.into() }
}

fn check(vector: &Vector, secret: &str) -> Result<(), SignatureError> {
    let claim = claim(&vector.headers, &vector.query)?.ok_or(SignatureError::Missing)?;
    let body_hash: String = digest::digest(&digest::SHA256, vector.body.as_bytes())
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let request = SignedRequest {
        method: &vector.method,
        path: &vector.path,
        query: &vector.query,
        headers: &vector.headers,
        body_sha256_hex: Some(&body_hash),
    };
    verify(&claim, &request, secret, SIGNED_AT_EPOCH_MILLIS)
}

fn signed_requests(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("the vectors' folder is readable") {
        let path = entry.expect("a folder entry").path();
        if path.is_dir() {
            signed_requests(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "sreq") {
            found.push(path);
        }
    }
}

/// Folders that hold files alone: one vector each.
fn leaf_folders(folder: &Path) -> usize {
    let entries = std::fs::read_dir(folder).expect("the vectors' folder is readable");
    let folders: Vec<PathBuf> =
        entries.map(|entry| entry.expect("a folder entry").path()).filter(|path| path.is_dir()).collect();
    if folders.is_empty() { 1 } else { folders.iter().map(|folder| leaf_folders(folder)).sum() }
}

#[test]
fn the_public_suite_verifies() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let vectors = match std::env::var_os("CLOUDLING_VECTORS") {
        Some(folder) => root.join(folder),
        None => root.join("../shared/vectors"),
    }
    .join("sigv4");
    if !vectors.is_dir() {
        eprintln!("SKIPPED: no signature vectors at {}; set CLOUDLING_VECTORS", vectors.display());
        return;
    }
    let mut files = Vec::new();
    signed_requests(&vectors, &mut files);
    let folders = leaf_folders(&vectors);
    assert!(files.len() >= 25 && files.len() == folders, "{} vectors in {folders} folders", files.len());
    let mut wrong = Vec::new();
    for file in &files {
        let mut vector = read(&String::from_utf8_lossy(&std::fs::read(file).expect("a readable vector")));
        // The signed request of one vector carries a placeholder; the file of the header alone is right for all.
        let authorization = std::fs::read_to_string(file.with_extension("authz")).expect("a readable header");
        let authorization = HeaderValue::from_str(authorization.trim()).expect("a header value");
        vector.headers.insert(http::header::AUTHORIZATION, authorization);
        if let Err(error) = check(&vector, SECRET) {
            wrong.push(format!("{}: {error}", file.display()));
        }
        if check(&vector, "another secret") != Err(SignatureError::Mismatch) {
            wrong.push(format!("{}: verifies with any secret", file.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
