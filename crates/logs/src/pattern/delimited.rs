//! Fields of space-delimited events: `[ip, user, ..., status_code = 4*, bytes > 1000]`.

use std::collections::BTreeMap;

use super::PatternError;
use super::cursor::Cursor;
use super::json::REGEXES_MAX;
use super::operand::Comparison;

/// Field names and conditions, in their order.
#[derive(Debug)]
pub(crate) struct Delimited {
    /// The fields before the ellipsis, or all.
    front: Vec<Field>,
    /// The fields behind the ellipsis, if there is one.
    back: Option<Vec<Field>>,
}

#[derive(Debug, Default)]
struct Field {
    name: Option<String>,
    /// One of these must hold, each being comparisons that must all hold. Empty: anything will do.
    alternatives: Vec<Vec<Comparison>>,
}

pub(super) fn parse(text: &str) -> Result<Delimited, PatternError> {
    let mut cursor = Cursor::new(text);
    let mut delimited = Delimited { front: Vec::new(), back: None };
    cursor.skip_space();
    if cursor.is_at_end() {
        return Err(PatternError::Invalid);
    }
    loop {
        cursor.skip_space();
        if cursor.take("...") || cursor.take("…") {
            if delimited.back.replace(Vec::new()).is_some() {
                return Err(PatternError::Invalid);
            }
        } else {
            let field = field(&mut cursor)?;
            delimited.back.as_mut().unwrap_or(&mut delimited.front).push(field);
        }
        cursor.skip_space();
        if cursor.is_at_end() {
            break;
        }
        cursor.expect(",")?;
    }
    let regexes = delimited.fields().flat_map(|field| field.alternatives.iter().flatten());
    if regexes.filter(|comparison| comparison.has_regex()).count() > REGEXES_MAX {
        return Err(PatternError::Invalid);
    }
    Ok(delimited)
}

impl Delimited {
    pub(super) fn matches(&self, message: &str) -> bool {
        let values = split(message);
        let Some(assigned) = self.assign(message, &values) else { return false };
        assigned.iter().all(|(field, _, value)| field.holds(value))
    }

    /// `$name` → value for named fields, `$number` → value for the others.
    pub(super) fn extract(&self, message: &str) -> BTreeMap<String, String> {
        let values = split(message);
        let Some(assigned) = self.assign(message, &values) else { return BTreeMap::new() };
        let mut extracted: BTreeMap<String, String> = values
            .iter()
            .enumerate()
            .map(|(index, value)| (format!("${}", index + 1), value.text.to_owned()))
            .collect();
        for (field, index, value) in assigned {
            if let Some(name) = &field.name {
                extracted.remove(&format!("${}", index + 1));
                extracted.insert(format!("${name}"), value.to_owned());
            }
        }
        extracted
    }

    fn fields(&self) -> impl Iterator<Item = &Field> {
        self.front.iter().chain(self.back.iter().flatten())
    }

    /// Which value each field stands for; `None` when there are too few. Without an ellipsis the last field takes
    /// all that is left, as the guide's `[w1=ERROR, w2]` shows.
    fn assign<'a>(
        &'a self,
        message: &'a str,
        values: &[Value<'a>],
    ) -> Option<Vec<(&'a Field, usize, &'a str)>> {
        let count = self.fields().count();
        if values.len() < count {
            return None;
        }
        let skipped = values.len() - count;
        let front = self.front.iter().enumerate().map(|(index, field)| (field, index, values[index].text));
        let mut assigned: Vec<_> = front.collect();
        match &self.back {
            Some(back) => {
                let first = self.front.len() + skipped;
                let back = back.iter().enumerate();
                assigned
                    .extend(back.map(|(index, field)| (field, first + index, values[first + index].text)));
            }
            None if skipped > 0 => {
                if let Some((_, index, value)) = assigned.last_mut() {
                    *value = message[values[*index].start..].trim_end();
                }
            }
            None => {}
        }
        Some(assigned)
    }
}

impl Field {
    fn holds(&self, value: &str) -> bool {
        let number = value.parse::<f64>().ok().filter(|number| number.is_finite());
        self.alternatives.is_empty()
            || self
                .alternatives
                .iter()
                .any(|comparisons| comparisons.iter().all(|comparison| comparison.holds(value, number)))
    }
}

/// One value of an event, and where it starts, its delimiter included.
#[derive(Clone, Copy, Debug)]
struct Value<'a> {
    start: usize,
    text: &'a str,
}

/// Splits at white space; what stands between brackets or quotation marks is one value, without them.
fn split(message: &str) -> Vec<Value<'_>> {
    let mut values = Vec::new();
    let mut start = 0;
    loop {
        let rest = &message[start..];
        start += rest.len() - rest.trim_start().len();
        let rest = &message[start..];
        let Some(first) = rest.chars().next() else { return values };
        let closing = match first {
            '[' => Some(']'),
            '"' => Some('"'),
            _ => None,
        };
        let closed = closing.and_then(|closing| rest[1..].find(closing));
        let (text, length) = match closed {
            Some(end) => (&rest[1..=end], end + 2),
            None => {
                let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
                (&rest[..end], end)
            }
        };
        values.push(Value { start, text });
        start += length;
    }
}

fn field(cursor: &mut Cursor<'_>) -> Result<Field, PatternError> {
    let name = name(cursor);
    cursor.skip_space();
    if matches!(cursor.peek(), None | Some(',')) {
        return Ok(Field { name: (!name.is_empty()).then(|| name.to_owned()), alternatives: Vec::new() });
    }
    if name.is_empty() {
        return Err(PatternError::Invalid);
    }
    let mut alternatives = vec![vec![Comparison::parse(cursor)?]];
    loop {
        cursor.skip_space();
        let is_alternative = cursor.take("||");
        if !is_alternative && !cursor.take("&&") {
            return Ok(Field { name: Some(name.to_owned()), alternatives });
        }
        cursor.skip_space();
        // A condition is about its own field only; the service refuses others too.
        if self::name(cursor) != name {
            return Err(PatternError::Invalid);
        }
        cursor.skip_space();
        let comparison = Comparison::parse(cursor)?;
        match alternatives.last_mut() {
            Some(last) if !is_alternative => last.push(comparison),
            _ => alternatives.push(vec![comparison]),
        }
    }
}

fn name<'a>(cursor: &mut Cursor<'a>) -> &'a str {
    cursor.take_while(|next| next.is_alphanumeric() || next == '_' || next == '-')
}
