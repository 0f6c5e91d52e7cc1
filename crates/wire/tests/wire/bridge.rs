//! Between serde structs and documents.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use wire::{Blob, Document, Timestamp, from_document, to_document};

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Function {
    name: Name,
    timeout: Option<u32>,
    ratio: f64,
    state: State,
    code: Option<Blob>,
    changed: Option<Timestamp>,
    #[serde(default)]
    variables: BTreeMap<Name, String>,
    anything: Option<Document>,
    #[serde(flatten)]
    rest: Rest,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Name(String);

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum State {
    Active,
    Failed { reason: String },
    Waiting(i64),
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Rest {
    kept: Option<Blob>,
    seen: Option<Timestamp>,
}

fn function(state: State) -> Function {
    Function {
        name: Name("f".into()),
        timeout: None,
        ratio: 2.0,
        state,
        code: Some(Blob(Bytes::from_static(b"\x00\xff"))),
        changed: Some(Timestamp::from_epoch_millis(1_500)),
        variables: BTreeMap::from([(Name("A".into()), "b".into())]),
        anything: Some(vec![Document::Null, Document::Blob(Bytes::from_static(b"x"))].into()),
        rest: Rest {
            kept: Some(Blob(Bytes::from_static(b"y"))),
            seen: Some(Timestamp::from_epoch_millis(7)),
        },
    }
}

#[test]
fn values_go_there_and_back() {
    for state in [State::Active, State::Failed { reason: "r".into() }, State::Waiting(3)] {
        let written = to_document(&function(State::Active)).unwrap();
        assert_eq!(written.get("Timeout"), None);
        assert_eq!(written.get("Code"), Some(&Document::Blob(Bytes::from_static(b"\x00\xff"))));
        assert_eq!(written.get("Changed"), Some(&Document::Time(Timestamp::from_epoch_millis(1_500))));
        assert_eq!(written.get("Kept"), Some(&Document::Blob(Bytes::from_static(b"y"))));
        let written = to_document(&function(state)).unwrap();
        let read: Function = from_document(written.clone()).unwrap();
        assert_eq!(to_document(&read).unwrap(), written);
    }
}

#[test]
fn blobs_and_documents_change_hands_without_a_copy() {
    let bytes = Bytes::from(vec![1; 100]);
    let document = to_document(&vec![Blob(bytes.clone())]).unwrap();
    let read: Vec<Blob> = from_document(document.clone()).unwrap();
    assert_eq!(read[0].0.as_ptr(), bytes.as_ptr());
    let read: Vec<Document> = from_document(document).unwrap();
    assert_eq!(read[0].as_blob().unwrap().as_ptr(), bytes.as_ptr());
}

#[test]
fn other_formats_see_text_and_numbers() {
    let function = function(State::Active);
    let json = serde_json::to_value(&function).unwrap();
    assert_eq!(json["Code"], "AP8=");
    assert_eq!(json["Changed"], 1_500);
    // A document of its own keeps only what JSON can say: its blob comes back as text.
    let read: Function = serde_json::from_value(json).unwrap();
    assert_eq!((read.code, read.changed, read.rest), (function.code, function.changed, function.rest));
    // Nothing of one format is left over for the next.
    assert_eq!(to_document(&read.name).unwrap(), "f".into());
}

#[test]
fn what_does_not_fit_is_named_with_its_place() {
    let fail = |document: Document| from_document::<Function>(document).unwrap_err().to_string();
    let mut written = to_document(&function(State::Active)).unwrap();
    let Document::Map(members) = &mut written else { panic!("a struct is a map") };
    members.insert("Variables".into(), Document::map([("A", Document::Int(1))]));
    assert_eq!(fail(written.clone()), "Variables.A: invalid type: integer `1`, expected a string");
    let Document::Map(members) = &mut written else { panic!("a struct is a map") };
    members.shift_remove("Variables");
    members.insert("Code".into(), "text".into());
    assert_eq!(fail(written.clone()), "Code: expected a blob, found a string");
    assert_eq!(fail(Document::Null), "invalid type: unit value, expected struct Function");
    assert!(from_document::<u8>(Document::Int(256)).is_err());
    assert!(from_document::<Timestamp>(Document::Int(1)).is_err());
    assert!(to_document(&u64::MAX).is_err());
    let two =
        Document::map([("Failed", Document::Null), ("Waiting", 1_i64.into()), ("Active", 2_i64.into())]);
    assert_eq!(
        from_document::<State>(two).unwrap_err().message(),
        "exactly one member of a union must be set"
    );
}

#[test]
fn operations_without_members_need_no_struct() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Nothing;
    let empty = Document::map::<&str, 0>([]);
    from_document::<()>(empty.clone()).unwrap();
    assert_eq!(from_document::<Nothing>(empty.clone()).unwrap(), Nothing);
    assert_eq!(to_document(&Nothing).unwrap(), empty);
    assert_eq!(to_document(&()).unwrap(), Document::Null);
}
