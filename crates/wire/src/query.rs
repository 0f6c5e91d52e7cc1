//! The Query protocols: forms in, XML out.
//!
//! A form's keys are paths (`Tags.member.1.Key`). They are sorted into a tree first, which is then
//! read along the input's shape.

use indexmap::IndexMap;

use crate::document::{Document, Map};
use crate::error::{EncodeError, MAX_DEPTH_LEVELS, Malformed};
use crate::model::{Kind, Member, Model, OperationModel, Structure, TimestampFormat};
use crate::protocol::Protocol;
use crate::text;
use crate::xml::{Names, Writer};

/// Reads an input from a form's parameters. Parameters nobody asks for are skipped.
pub(crate) fn read(
    model: &Model,
    structure: &Structure,
    protocol: Protocol,
    parameters: &[(String, String)],
) -> Result<Document, Malformed> {
    let mut root = Node::default();
    for (key, value) in parameters {
        let mut node = &mut root;
        for (depth, segment) in key.split('.').enumerate() {
            if depth >= MAX_DEPTH_LEVELS {
                return Err(Malformed::too_deep());
            }
            node = node.children.entry(segment).or_default();
        }
        node.value = Some(value);
    }
    let reader = Reader { model, is_ec2: protocol == Protocol::Ec2Query };
    reader.structure(structure, &root)
}

/// Writes an output as XML.
pub(crate) fn write(
    model: &Model,
    operation: &OperationModel,
    protocol: Protocol,
    output: &Map,
    request_id: &str,
) -> Result<String, EncodeError> {
    let mut writer = Writer::new();
    let response = format!("{}Response", operation.name);
    writer.open_in(&response, model.metadata.xml_namespace.as_deref());
    let structure = operation.output.map(|id| model.structure(id));
    if protocol == Protocol::Ec2Query {
        writer.leaf("requestId", request_id);
        if let Some(structure) = structure {
            writer.members(model, structure, output, Names::Wire)?;
        }
    } else {
        if let Some(structure) = structure {
            let by_convention = format!("{}Result", operation.name);
            let wrapper = operation.result_wrapper.as_deref().unwrap_or(&by_convention);
            writer.open(wrapper);
            writer.members(model, structure, output, Names::Query)?;
            writer.close(wrapper);
        }
        writer.open("ResponseMetadata");
        writer.leaf("RequestId", request_id);
        writer.close("ResponseMetadata");
    }
    writer.close(&response);
    Ok(writer.finish())
}

#[derive(Debug, Default)]
struct Node<'q> {
    value: Option<&'q str>,
    children: IndexMap<&'q str, Node<'q>>,
}

impl<'q> Node<'q> {
    /// The children called 1, 2, 3 …, by their number. Gaps are closed, as AWS does.
    fn numbered(&self) -> Vec<&Node<'q>> {
        let mut numbered = self
            .children
            .iter()
            .filter_map(|(key, node)| key.parse::<u32>().ok().map(|number| (number, node)))
            .collect::<Vec<_>>();
        numbered.sort_by_key(|(number, _)| *number);
        numbered.into_iter().map(|(_, node)| node).collect()
    }
}

struct Reader<'m> {
    model: &'m Model,
    is_ec2: bool,
}

impl Reader<'_> {
    fn structure(&self, structure: &Structure, node: &Node<'_>) -> Result<Document, Malformed> {
        let mut members = Map::new();
        for member in structure.members.values() {
            let Some(child) = self.find(member, node) else { continue };
            members.insert(member.name.to_string(), self.value(member, child)?);
        }
        Ok(Document::Map(members))
    }

    /// The node of a member. Clients name flattened lists after the items where those have a name.
    fn find<'n, 'q>(&self, member: &Member, node: &'n Node<'q>) -> Option<&'n Node<'q>> {
        if member.is_flattened
            && !self.is_ec2
            && let Kind::List(item) = &self.model.shape(member.shape).kind
            && let Some(name) = stated(item)
            && let Some(found) = node.children.get(name)
        {
            return Some(found);
        }
        node.children.get(stated(member).unwrap_or(&member.name))
    }

    fn value(&self, member: &Member, node: &Node<'_>) -> Result<Document, Malformed> {
        match &self.model.shape(member.shape).kind {
            Kind::Structure(structure) => {
                self.refuse_scalar(member, node)?;
                self.structure(structure, node)
            }
            Kind::List(item) => {
                self.refuse_scalar(member, node)?;
                let holder = match self.is_ec2 || member.is_flattened {
                    true => node,
                    // Some clients leave the `member` out.
                    false => node.children.get(stated(item).unwrap_or("member")).unwrap_or(node),
                };
                let items = holder.numbered().into_iter().map(|child| self.value(item, child));
                items.collect::<Result<_, _>>().map(Document::List)
            }
            Kind::Map(entry) => {
                self.refuse_scalar(member, node)?;
                let holder = match member.is_flattened {
                    true => node,
                    false => node.children.get("entry").unwrap_or(node),
                };
                let entries = holder.numbered().into_iter().map(|child| self.entry(member, entry, child));
                entries.collect::<Result<_, _>>().map(Document::Map)
            }
            _ => match node.value {
                Some(value) => text::read(self.model, member, value, TimestampFormat::Rfc3339),
                None => Err(Malformed::new(format!("Unexpected complex element for {}", member.name))),
            },
        }
    }

    fn entry(
        &self,
        member: &Member,
        entry: &(Member, Member),
        node: &Node<'_>,
    ) -> Result<(String, Document), Malformed> {
        let part = |part: &Member| {
            let name = stated(part).unwrap_or(&part.name);
            node.children
                .get(name)
                .ok_or_else(|| Malformed::new(format!("An entry of {} has no {name}", member.name)))
        };
        let key = part(&entry.0)?.value.unwrap_or_default();
        Ok((key.to_owned(), self.value(&entry.1, part(&entry.1)?)?))
    }

    /// An empty value stands for an empty list, map or structure; any other is a mistake.
    fn refuse_scalar(&self, member: &Member, node: &Node<'_>) -> Result<(), Malformed> {
        match node.value {
            Some(value) if !value.is_empty() => Err(Malformed::new(format!(
                "A single value was found where {} is a list or structure",
                member.name
            ))),
            _ => Ok(()),
        }
    }
}

fn stated(member: &Member) -> Option<&str> {
    member.query_name.as_deref().or(member.wire_name.as_deref())
}
