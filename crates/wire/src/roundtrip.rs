//! Random values of every structure of the models go through each format and come back the same.

use bytes::Bytes;
use proptest::prelude::*;

use crate::document::{Document, Map};
use crate::model::{Kind, Member, Model, Structure, TimestampFormat};
use crate::timestamp::Timestamp;
use crate::{cbor, json, xml};

/// A small generator, seeded by proptest so that a failure can be repeated.
struct Source(u64);

impl Source {
    fn next(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % below
    }

    fn text(&mut self) -> String {
        const SIGNS: [char; 16] =
            ['a', 'Z', '0', ' ', '<', '&', '>', '"', '\'', '\\', '\n', '\r', '\t', 'é', '😀', '\u{7f}'];
        (0..1 + self.next(8)).map(|_| SIGNS[self.next(16) as usize]).collect()
    }
}

/// Which values a format can carry.
#[derive(Clone, Copy, PartialEq)]
enum Format {
    Json,
    Cbor,
    /// Has no empty flattened lists, no null and no free-form values.
    Xml,
}

fn structure(source: &mut Source, model: &Model, structure: &Structure, format: Format, depth: usize) -> Map {
    let mut members = Map::new();
    // S3 renamed some members and kept the old ones under the same name; the newer is read.
    let is_read = |member: &&Member| {
        structure.member_on_wire(member.body_name()).is_some_and(|read| read.name == member.name)
    };
    for member in structure.members.values().filter(is_read) {
        let is_plain =
            !matches!(model.shape(member.shape).kind, Kind::Structure(_) | Kind::List(_) | Kind::Map(_));
        if (depth < 4 || is_plain) && source.next(3) > 0 && !is_free_form(model, member, format) {
            members.insert(member.name.to_string(), value(source, model, member, format, depth + 1));
        }
    }
    members
}

fn is_free_form(model: &Model, member: &Member, format: Format) -> bool {
    format == Format::Xml
        && model.shape(member.shape).structure().is_some_and(|structure| structure.is_document)
}

fn value(source: &mut Source, model: &Model, member: &Member, format: Format, depth: usize) -> Document {
    match &model.shape(member.shape).kind {
        Kind::Structure(shape) if shape.is_document => {
            Document::map([("x", Document::List(vec![Document::Null, 1_i64.into(), source.text().into()]))])
        }
        Kind::Structure(shape) => Document::Map(structure(source, model, shape, format, depth)),
        Kind::List(item) => (0..1 + source.next(3))
            .map(|_| value(source, model, item, format, depth + 1))
            .collect::<Vec<_>>()
            .into(),
        Kind::Map(entry) => Document::Map(
            (0..1 + source.next(3))
                .map(|index| {
                    (format!("{index}{}", source.text()), value(source, model, &entry.1, format, depth + 1))
                })
                .collect(),
        ),
        Kind::String => source.text().into(),
        Kind::Blob => Document::Blob(Bytes::from(source.text())),
        Kind::Boolean => (source.next(2) == 0).into(),
        Kind::Integer => (source.next(1 << 30) as i64 - (1 << 29)).into(),
        Kind::Long => {
            [i64::MIN, i64::MAX, 0, -1, source.next(1 << 30) as i64][source.next(5) as usize].into()
        }
        // Quarters are the same in single and in double precision.
        Kind::Float => (source.next(1 << 20) as f64 / 4.0).into(),
        Kind::Double => (source.next(1 << 30) as f64 / -7.0).into(),
        Kind::Timestamp => {
            let millis = source.next(4_000_000_000) as i64 * 1000 - 1_000_000_000_000;
            let has_fraction = member.timestamp_format != Some(TimestampFormat::HttpDate);
            Document::Time(Timestamp::from_epoch_millis(
                millis + if has_fraction { source.next(1000) as i64 } else { 0 },
            ))
        }
    }
}

fn structures(name: &str) -> Vec<(&'static Model, &'static str, &'static Structure)> {
    let model = crate::model(name).unwrap();
    model.shapes.iter().filter_map(|shape| Some((model, &*shape.name, shape.structure()?))).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, max_shrink_iters: 0, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn json_comes_back(seed: u64) {
        for (model, name, shape) in ["lambda", "dynamodb", "glue", "stepfunctions"].into_iter().flat_map(structures) {
            let members = structure(&mut Source(seed), model, shape, Format::Json, 0);
            let mut body = Vec::new();
            json::write_structure(&mut body, model, shape, &members).unwrap();
            let parsed: serde_json::Value = serde_json::from_slice(&body).unwrap();
            if shape.is_document {
                continue;
            }
            prop_assert!(parsed.is_object());
            let read = json::read_structure(model, shape, &body).unwrap();
            prop_assert_eq!(read, Document::Map(members), "{}: {}", name, String::from_utf8_lossy(&body));
        }
    }

    #[test]
    fn cbor_comes_back(seed: u64) {
        for (model, name, shape) in ["cloudwatch", "dynamodb", "glue"].into_iter().flat_map(structures) {
            if shape.is_document {
                continue;
            }
            let members = structure(&mut Source(seed), model, shape, Format::Cbor, 0);
            let mut body = Vec::new();
            cbor::write_structure(&mut body, model, shape, &members, &[]).unwrap();
            let read = cbor::read_structure(model, shape, &body.into()).unwrap();
            prop_assert_eq!(read, Document::Map(members), "{}", name);
        }
    }

    #[test]
    fn xml_comes_back(seed: u64) {
        for (model, name, shape) in ["s3", "route53", "cloudfront", "sns", "iam"].into_iter().flat_map(structures) {
            let members = structure(&mut Source(seed), model, shape, Format::Xml, 0);
            let mut writer = xml::Writer::new();
            writer.structure(model, shape, "Root", None, &members, xml::Names::Wire).unwrap();
            let body = writer.finish();
            let read = xml::read_root(model, shape, body.as_bytes()).unwrap();
            let Document::Map(read) = read else { panic!("a structure is a map") };
            prop_assert!(read == members, "{name}: {body}\n{members:?}\n{read:?}");
        }
    }

    /// The reader accepts what serde_json accepts, and understands the same.
    #[test]
    fn json_is_read_as_others_read_it(text in r#"[\[\]{}",:0-9eE.+\-\\/untrfalse \n\u{1}é]{0,14}"#) {
        let other: Result<serde_json::Value, _> = serde_json::from_str(&text);
        match (json::read_document(text.as_bytes()), other) {
            (Ok(read), Ok(other)) => prop_assert_eq!(read.to_json(), Document::from_json(&other).to_json()),
            (Err(_), Err(_)) => {}
            (ours, other) => prop_assert!(false, "{text:?}: {ours:?} against {other:?}"),
        }
    }
}
