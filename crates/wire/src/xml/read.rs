//! From XML elements to a document, along a shape.

use super::Element;
use crate::document::{Document, Map};
use crate::error::Malformed;
use crate::model::{Kind, Member, Model, Structure, TimestampFormat};
use crate::text;

/// Reads a whole body that is one structure.
pub(crate) fn read_root(model: &Model, structure: &Structure, body: &[u8]) -> Result<Document, Malformed> {
    read_structure(model, structure, &Element::parse(body)?)
}

/// Reads the members of a structure; unknown elements are skipped.
pub(crate) fn read_structure(
    model: &Model,
    structure: &Structure,
    element: &Element,
) -> Result<Document, Malformed> {
    let mut members = Map::new();
    for child in &element.children {
        let Some(member) = member_of(model, structure, &child.name) else { continue };
        let shape = model.shape(member.shape);
        match &shape.kind {
            Kind::List(item) if member.is_flattened => {
                let value = read_value(model, item, child)?;
                match members.entry(member.name.to_string()).or_insert_with(|| Document::List(Vec::new())) {
                    Document::List(items) => items.push(value),
                    _ => unreachable!("a flattened list is only ever put here as a list"),
                }
            }
            Kind::Map(entry) if member.is_flattened => {
                let (key, value) = read_entry(model, &entry.0, &entry.1, child)?;
                match members.entry(member.name.to_string()).or_insert_with(|| Document::Map(Map::new())) {
                    Document::Map(entries) => entries.insert(key, value),
                    _ => unreachable!("a flattened map is only ever put here as a map"),
                };
            }
            _ => {
                members.insert(member.name.to_string(), read_value(model, member, child)?);
            }
        }
    }
    for member in structure.members.values().filter(|member| member.is_xml_attribute) {
        if let Some(value) = attribute(element, member.wire_name()) {
            let value = text::read(model, member, value, TimestampFormat::Rfc3339)?;
            members.insert(member.name.to_string(), value);
        }
    }
    Ok(Document::Map(members))
}

fn read_value(model: &Model, member: &Member, element: &Element) -> Result<Document, Malformed> {
    match &model.shape(member.shape).kind {
        Kind::Structure(structure) => read_structure(model, structure, element),
        Kind::List(item) => element
            .children
            .iter()
            .map(|child| read_value(model, item, child))
            .collect::<Result<_, _>>()
            .map(Document::List),
        Kind::Map(entry) => {
            let entries = element.children.iter().map(|child| read_entry(model, &entry.0, &entry.1, child));
            entries.collect::<Result<_, _>>().map(Document::Map)
        }
        _ if !element.children.is_empty() => {
            Err(Malformed::new(format!("Unexpected element inside of <{}>", element.name)))
        }
        _ => text::read(model, member, &element.text, TimestampFormat::Rfc3339),
    }
}

fn read_entry(
    model: &Model,
    key: &Member,
    value: &Member,
    element: &Element,
) -> Result<(String, Document), Malformed> {
    let find = |name: &str| element.children.iter().find(|child| child.name == name);
    let key =
        find(key.wire_name()).ok_or_else(|| Malformed::new(format!("<{}> has no key", element.name)))?;
    let value = match find(value.wire_name()) {
        Some(found) => read_value(model, value, found)?,
        None => return Err(Malformed::new(format!("<{}> has no value", element.name))),
    };
    Ok((key.text.clone(), value))
}

/// The member an element stands for. Clients name the items of a flattened list after the member
/// or after the list's own item.
fn member_of<'m>(model: &Model, structure: &'m Structure, name: &str) -> Option<&'m Member> {
    let in_body = |member: &&Member| !member.is_xml_attribute;
    structure.member_on_wire(name).filter(in_body).or_else(|| {
        structure.members.values().filter(in_body).find(|member| {
            member.is_flattened
                && matches!(&model.shape(member.shape).kind, Kind::List(item) if item.wire_name.as_deref() == Some(name))
        })
    })
}

/// An attribute by its name, or by its local name when the client chose another prefix.
fn attribute<'e>(element: &'e Element, name: &str) -> Option<&'e str> {
    let local = |name: &'_ str| name.rsplit_once(':').map_or(name.len(), |(_, local)| local.len());
    let exact = element.attributes.iter().find(|(known, _)| known == name);
    let by_local_name = || {
        element.attributes.iter().find(|(known, _)| {
            known[known.len() - local(known)..] == name[name.len() - local(name)..]
                && !known.starts_with("xmlns")
        })
    };
    exact.or_else(by_local_name).map(|(_, value)| value.as_str())
}
