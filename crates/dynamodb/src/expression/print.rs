//! Trees as text again, with a placeholder for every name and value: what the properties of the parser are tested by.

use super::parse::Placeholders;
use super::update::{Assignment, Term, Update};
use super::{Condition, Operand, Path, Projection, Step};
use crate::value::Value;

/// Names placeholders as it prints.
#[derive(Default)]
pub(super) struct Printer {
    pub(super) placeholders: Placeholders,
}

impl Printer {
    fn name(&mut self, name: &str) -> String {
        let known = self.placeholders.names.iter().find(|(_, known)| *known == name);
        if let Some((placeholder, _)) = known {
            return placeholder.clone();
        }
        let placeholder = format!("#n{}", self.placeholders.names.len());
        self.placeholders.names.insert(placeholder.clone(), name.to_owned());
        placeholder
    }

    fn value(&mut self, value: &Value) -> String {
        let placeholder = format!(":v{}", self.placeholders.values.len());
        self.placeholders.values.insert(placeholder.clone(), value.clone());
        placeholder
    }

    fn path(&mut self, path: &Path) -> String {
        let mut text = self.name(&path.root);
        for step in &path.steps {
            match step {
                Step::Name(name) => text += &format!(".{}", self.name(name)),
                Step::Index(index) => text += &format!("[{index}]"),
            }
        }
        text
    }

    fn operand(&mut self, operand: &Operand) -> String {
        match operand {
            Operand::Path(path) => self.path(path),
            Operand::Value(value) => self.value(value),
            Operand::Size(inner) => format!("size({})", self.operand(inner)),
        }
    }

    /// Parts of `AND`, `OR` and `NOT` in parentheses where they need them.
    fn part(&mut self, condition: &Condition) -> String {
        let text = self.condition(condition);
        match condition {
            Condition::And(_) | Condition::Or(_) => format!("({text})"),
            _ => text,
        }
    }

    pub(super) fn condition(&mut self, condition: &Condition) -> String {
        let mut list = |parts: &[Condition], word: &str| {
            parts.iter().map(|part| self.part(part)).collect::<Vec<_>>().join(word)
        };
        match condition {
            Condition::And(parts) => list(parts, " AND "),
            Condition::Or(parts) => list(parts, " OR "),
            Condition::Not(inner) => format!("NOT {}", self.part(inner)),
            Condition::Compare(comparison, first, second) => {
                let (first, second) = (self.operand(first), self.operand(second));
                format!("{first} {} {second}", comparison.symbol())
            }
            Condition::Between { value, low, high } => {
                let (value, low, high) = (self.operand(value), self.operand(low), self.operand(high));
                format!("{value} BETWEEN {low} AND {high}")
            }
            Condition::In(value, options) => {
                let value = self.operand(value);
                let options: Vec<String> = options.iter().map(|option| self.operand(option)).collect();
                format!("{value} IN ({})", options.join(", "))
            }
            Condition::Exists(path) => format!("attribute_exists({})", self.path(path)),
            Condition::NotExists(path) => format!("attribute_not_exists({})", self.path(path)),
            Condition::IsOfType(value, kind) => self.call("attribute_type", value, kind),
            Condition::BeginsWith(value, prefix) => self.call("begins_with", value, prefix),
            Condition::Contains(value, member) => self.call("contains", value, member),
            Condition::LacksMember(value, member) => format!("NOT {}", self.call("contains", value, member)),
        }
    }

    fn call(&mut self, function: &str, first: &Operand, second: &Operand) -> String {
        let (first, second) = (self.operand(first), self.operand(second));
        format!("{function}({first}, {second})")
    }

    fn term(&mut self, term: &Term) -> String {
        match term {
            Term::Path(path) => self.path(path),
            Term::Value(value) => self.value(value),
            Term::Plus(a, b) => format!("({} + {})", self.term(a), self.term(b)),
            Term::Minus(a, b) => format!("({} - {})", self.term(a), self.term(b)),
            Term::IfNotExists(path, other) => {
                let path = self.path(path);
                format!("if_not_exists({path}, {})", self.term(other))
            }
            Term::Append(a, b) => {
                let a = self.term(a);
                format!("list_append({a}, {})", self.term(b))
            }
        }
    }

    pub(super) fn update(&mut self, update: &Update) -> String {
        let mut sections = Vec::new();
        let mut add = |name: &str, parts: Vec<String>| {
            if !parts.is_empty() {
                sections.push(format!("{name} {}", parts.join(", ")));
            }
        };
        let assignment = |printer: &mut Self, Assignment { path, term }: &Assignment| {
            let path = printer.path(path);
            format!("{path} = {}", printer.term(term))
        };
        let change = |printer: &mut Self, (path, value): &(Path, Value)| {
            let path = printer.path(path);
            format!("{path} {}", printer.value(value))
        };
        add("SET", update.set.iter().map(|one| assignment(self, one)).collect());
        add("REMOVE", update.remove.iter().map(|path| self.path(path)).collect());
        add("ADD", update.add.iter().map(|one| change(self, one)).collect());
        add("DELETE", update.delete.iter().map(|one| change(self, one)).collect());
        sections.join(" ")
    }

    pub(super) fn projection(&mut self, projection: &Projection) -> String {
        projection.paths.iter().map(|path| self.path(path)).collect::<Vec<_>>().join(", ")
    }
}
