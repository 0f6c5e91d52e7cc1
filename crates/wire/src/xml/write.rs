//! From a document to XML text.

use std::fmt::Write as _;

use crate::document::{Document, Map};
use crate::error::EncodeError;
use crate::model::{Kind, Location, Member, Model, Structure, TimestampFormat, XmlNamespace};
use crate::text;

/// Writes one XML document.
pub(crate) struct Writer {
    out: String,
}

impl Writer {
    /// Starts with the XML declaration.
    pub(crate) fn new() -> Writer {
        Writer { out: String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n") }
    }

    /// Starts with nothing, for a part of a document.
    pub(crate) fn fragment() -> Writer {
        Writer { out: String::new() }
    }

    /// Appends what another writer wrote.
    pub(crate) fn raw(&mut self, xml: &str) {
        self.out.push_str(xml);
    }

    pub(crate) fn finish(self) -> String {
        self.out
    }

    pub(crate) fn open(&mut self, name: &str) {
        self.open_in(name, None);
    }

    /// Opens an element in a default namespace.
    pub(crate) fn open_in(&mut self, name: &str, namespace: Option<&str>) {
        self.out.push('<');
        self.out.push_str(name);
        if let Some(namespace) = namespace {
            self.attribute("xmlns", namespace);
        }
        self.out.push('>');
    }

    pub(crate) fn close(&mut self, name: &str) {
        self.out.push_str("</");
        self.out.push_str(name);
        self.out.push('>');
    }

    /// An element with text only.
    pub(crate) fn leaf(&mut self, name: &str, text: &str) {
        self.open(name);
        escape(&mut self.out, text);
        self.close(name);
    }

    pub(crate) fn text(&mut self, text: &str) {
        escape(&mut self.out, text);
    }

    /// An element without a shape.
    pub(crate) fn unshaped(&mut self, name: &str, value: &Document) {
        match value {
            Document::Map(entries) => {
                self.open(name);
                entries.iter().for_each(|(key, value)| self.unshaped(key, value));
                self.close(name);
            }
            Document::List(items) => {
                self.open(name);
                items.iter().for_each(|item| self.unshaped("member", item));
                self.close(name);
            }
            scalar => self.leaf(name, &text::write_unshaped(scalar)),
        }
    }

    /// A structure as an element of its own.
    pub(crate) fn structure<'d>(
        &mut self,
        model: &Model,
        structure: &Structure,
        name: &str,
        namespace: Option<&XmlNamespace>,
        members: impl IntoIterator<Item = (&'d String, &'d Document)> + Clone,
        names: Names,
    ) -> Result<(), EncodeError> {
        self.out.push('<');
        self.out.push_str(name);
        if let Some(namespace) = namespace {
            self.namespace(namespace);
        }
        for (key, value) in members.clone() {
            if let Some(member) = structure.members.get(key.as_str()).filter(|member| member.is_xml_attribute)
            {
                let value = text::write(model, member, value, TimestampFormat::Rfc3339)
                    .map_err(|error| error.within(key))?;
                self.attribute(member.wire_name(), &value);
            }
        }
        self.out.push('>');
        self.members(model, structure, members, names)?;
        self.close(name);
        Ok(())
    }

    /// The members without an element around them.
    pub(crate) fn members<'d>(
        &mut self,
        model: &Model,
        structure: &Structure,
        members: impl IntoIterator<Item = (&'d String, &'d Document)>,
        names: Names,
    ) -> Result<(), EncodeError> {
        for (key, value) in members {
            if value.is_null() {
                continue;
            }
            let Some(member) = structure.members.get(key.as_str()) else {
                return Err(EncodeError::new("the shape has no such member").within(key));
            };
            if !member.is_xml_attribute {
                self.member(model, member, names.of(member), value, names)
                    .map_err(|error| error.within(key))?;
            }
        }
        Ok(())
    }

    fn member(
        &mut self,
        model: &Model,
        member: &Member,
        name: &str,
        value: &Document,
        names: Names,
    ) -> Result<(), EncodeError> {
        let namespace = member.xml_namespace.as_deref();
        match (&model.shape(member.shape).kind, value) {
            (Kind::Structure(structure), Document::Map(members)) => {
                self.structure(model, structure, name, namespace, members, names)?;
            }
            (Kind::List(item), Document::List(items)) if member.is_flattened => {
                // Where the items have a name, clients look for that one.
                let name = names.stated(item).unwrap_or(name);
                self.items(model, item, name, items, names)?;
            }
            (Kind::List(item), Document::List(items)) => {
                self.open_with(name, namespace);
                self.items(model, item, names.stated(item).unwrap_or("member"), items, names)?;
                self.close(name);
            }
            (Kind::Map(entry), Document::Map(entries)) if member.is_flattened => {
                self.entries(model, entry, name, entries, names)?;
            }
            (Kind::Map(entry), Document::Map(entries)) => {
                self.open_with(name, namespace);
                self.entries(model, entry, "entry", entries, names)?;
                self.close(name);
            }
            (_, value) => {
                let value = text::write(model, member, value, TimestampFormat::Rfc3339)?;
                self.open_with(name, namespace);
                escape(&mut self.out, &value);
                self.close(name);
            }
        }
        Ok(())
    }

    fn items(
        &mut self,
        model: &Model,
        item: &Member,
        name: &str,
        items: &[Document],
        names: Names,
    ) -> Result<(), EncodeError> {
        for (index, value) in items.iter().enumerate().filter(|(_, value)| !value.is_null()) {
            self.member(model, item, name, value, names).map_err(|error| error.within(&index.to_string()))?;
        }
        Ok(())
    }

    fn entries(
        &mut self,
        model: &Model,
        entry: &(Member, Member),
        name: &str,
        entries: &Map,
        names: Names,
    ) -> Result<(), EncodeError> {
        for (key, value) in entries.iter().filter(|(_, value)| !value.is_null()) {
            self.open(name);
            self.leaf(names.of(&entry.0), key);
            self.member(model, &entry.1, names.of(&entry.1), value, names)
                .map_err(|error| error.within(key))?;
            self.close(name);
        }
        Ok(())
    }

    fn open_with(&mut self, name: &str, namespace: Option<&XmlNamespace>) {
        self.out.push('<');
        self.out.push_str(name);
        if let Some(namespace) = namespace {
            self.namespace(namespace);
        }
        self.out.push('>');
    }

    fn namespace(&mut self, namespace: &XmlNamespace) {
        match &namespace.prefix {
            Some(prefix) => self.attribute(&format!("xmlns:{prefix}"), &namespace.uri),
            None => self.attribute("xmlns", &namespace.uri),
        }
    }

    fn attribute(&mut self, name: &str, value: &str) {
        self.out.push(' ');
        self.out.push_str(name);
        self.out.push_str("=\"");
        escape(&mut self.out, value);
        self.out.push('"');
    }
}

/// Which names a member goes by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Names {
    /// REST-XML and EC2.
    Wire,
    /// Query, where a query-compatible service keeps its older names.
    Query,
}

impl Names {
    fn of(self, member: &Member) -> &str {
        self.stated(member).unwrap_or(&member.name)
    }

    fn stated(self, member: &Member) -> Option<&str> {
        match self {
            Names::Query if member.query_name.is_some() => member.query_name.as_deref(),
            Names::Wire | Names::Query => {
                member.wire_name.as_deref().filter(|_| member.location == Location::Body)
            }
        }
    }
}

fn escape(out: &mut String, text: &str) {
    let mut plain_from = 0;
    for (index, character) in text.char_indices() {
        let reference = match character {
            '<' => "&lt;",
            '>' => "&gt;",
            '&' => "&amp;",
            '"' => "&quot;",
            // A reader would turn a bare one into a line feed.
            '\r' => "&#xD;",
            '\t' | '\n' => continue,
            '\u{0}'..='\u{1F}' | '\u{FFFE}' | '\u{FFFF}' => "",
            _ => continue,
        };
        out.push_str(&text[plain_from..index]);
        match reference {
            // XML 1.0 has no way to say these; AWS writes the reference all the same.
            "" => write!(out, "&#x{:X};", u32::from(character)).expect("writing to a string cannot fail"),
            reference => out.push_str(reference),
        }
        plain_from = index + character.len_utf8();
    }
    out.push_str(&text[plain_from..]);
}
