//! Selectors of JSON values: `$.users[0].id`, `$.['a.b']`, `$.list[*]`, `$.*`.

use serde_json::Value;

use super::PatternError;
use super::cursor::Cursor;

/// A way into a JSON value; never empty.
#[derive(Debug)]
pub(super) struct Selector {
    text: String,
    steps: Vec<Step>,
}

#[derive(Debug)]
enum Step {
    Member(String),
    Element(usize),
    /// Every element of an array or every member of an object.
    Each,
}

impl Selector {
    pub(super) fn parse(cursor: &mut Cursor<'_>) -> Result<Self, PatternError> {
        cursor.expect("$")?;
        let mut steps = Vec::new();
        let mut text = String::from("$");
        loop {
            let dotted = cursor.take(".");
            if cursor.take("[") {
                let step = bracketed(cursor)?;
                if dotted && matches!(step, Step::Element(_)) {
                    return Err(PatternError::Invalid);
                }
                steps.push(step);
            } else if dotted && cursor.take("*") {
                steps.push(Step::Each);
            } else if dotted {
                let name = cursor.take_while(|next| next.is_alphanumeric() || next == '_' || next == '-');
                if name.is_empty() {
                    return Err(PatternError::Invalid);
                }
                steps.push(Step::Member(name.to_owned()));
            } else {
                break;
            }
            match steps.last() {
                Some(Step::Member(name)) => text.extend([".", name]),
                Some(Step::Element(index)) => text.push_str(&format!("[{index}]")),
                Some(Step::Each) | None => text.push_str("[*]"),
            }
        }
        let selector = Selector { text, steps };
        // One wildcard is the documented quota of a selector.
        if selector.steps.is_empty() || selector.wildcards() > 1 {
            return Err(PatternError::Invalid);
        }
        Ok(selector)
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn wildcards(&self) -> usize {
        self.steps.iter().filter(|step| matches!(step, Step::Each)).count()
    }

    /// Whether there is such a value and the test holds for it; with a wildcard: for one of them.
    pub(super) fn any(&self, event: &Value, test: &dyn Fn(&Value) -> bool) -> bool {
        any(&self.steps, event, test)
    }
}

// With one wildcard a selector the recursion is one level deep.
fn any(steps: &[Step], from: &Value, test: &dyn Fn(&Value) -> bool) -> bool {
    let mut value = from;
    for (index, step) in steps.iter().enumerate() {
        let next = match step {
            Step::Member(name) => value.as_object().and_then(|object| object.get(name)),
            Step::Element(index) => value.as_array().and_then(|array| array.get(*index)),
            Step::Each => {
                let rest = &steps[index + 1..];
                return match value {
                    Value::Array(elements) => elements.iter().any(|element| any(rest, element, test)),
                    Value::Object(members) => members.values().any(|member| any(rest, member, test)),
                    _ => false,
                };
            }
        };
        match next {
            Some(next) => value = next,
            None => return false,
        }
    }
    test(value)
}

fn bracketed(cursor: &mut Cursor<'_>) -> Result<Step, PatternError> {
    let step = if cursor.take("*") {
        Step::Each
    } else if let Some(quote @ ('\'' | '"')) = cursor.peek() {
        let quote = if quote == '"' { "\"" } else { "'" };
        cursor.expect(quote)?;
        let name = cursor.take_while(|next| !quote.contains(next));
        cursor.expect(quote)?;
        Step::Member(name.to_owned())
    } else {
        let digits = cursor.take_while(|next| next.is_ascii_digit());
        Step::Element(digits.parse().map_err(|_| PatternError::Invalid)?)
    };
    cursor.expect("]")?;
    Ok(step)
}
