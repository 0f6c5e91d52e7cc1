//! What a value is compared with: `= "text*"`, `>= 500`, `= %regex%`.

use super::PatternError;
use super::cursor::Cursor;
use super::regex::Regex;

/// One comparison without its left side.
#[derive(Debug)]
pub(super) struct Comparison {
    operator: Operator,
    operand: Operand,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

#[derive(Debug)]
enum Operand {
    /// `text` is how it was written, for values that are no numbers.
    Number {
        value: f64,
        text: String,
    },
    Text(Wildcard),
    Regex(Regex),
}

/// Text in which an asterisk at the start or the end stands for anything; elsewhere it stands for itself.
#[derive(Debug)]
struct Wildcard {
    core: String,
    open_start: bool,
    open_end: bool,
}

impl Comparison {
    pub(super) fn parse(cursor: &mut Cursor<'_>) -> Result<Self, PatternError> {
        let mut operator = operator(cursor)?;
        cursor.skip_space();
        // An older form of "not equal" in the user guide: `w1=!ERROR`.
        if operator == Operator::Equal && cursor.take("!") {
            operator = Operator::NotEqual;
        }
        let operand = operand(cursor)?;
        let ordered = !matches!(operator, Operator::Equal | Operator::NotEqual);
        if ordered && !matches!(operand, Operand::Number { .. }) {
            return Err(PatternError::Invalid);
        }
        Ok(Comparison { operator, operand })
    }

    pub(super) fn has_regex(&self) -> bool {
        matches!(self.operand, Operand::Regex(_))
    }

    /// `number` is the value as a number, where it is one.
    pub(super) fn holds(&self, text: &str, number: Option<f64>) -> bool {
        let equal = || match (&self.operand, number) {
            (Operand::Number { value, .. }, Some(number)) => number == *value,
            (Operand::Number { text: written, .. }, None) => text == written,
            (Operand::Text(wildcard), _) => wildcard.matches(text),
            (Operand::Regex(regex), _) => regex.is_match(text),
        };
        let ordered = |test: fn(&f64, &f64) -> bool| match (&self.operand, number) {
            (Operand::Number { value, .. }, Some(number)) => test(&number, value),
            _ => false,
        };
        match self.operator {
            Operator::Equal => equal(),
            Operator::NotEqual => !equal(),
            Operator::Less => ordered(f64::lt),
            Operator::LessOrEqual => ordered(f64::le),
            Operator::Greater => ordered(f64::gt),
            Operator::GreaterOrEqual => ordered(f64::ge),
        }
    }
}

impl Wildcard {
    fn new(text: &str) -> Self {
        let open_start = text.starts_with('*');
        let core = if open_start { &text[1..] } else { text };
        let open_end = core.ends_with('*') || text == "*";
        let core = core.strip_suffix('*').unwrap_or(core);
        Wildcard { core: core.to_owned(), open_start, open_end }
    }

    fn matches(&self, text: &str) -> bool {
        match (self.open_start, self.open_end) {
            (false, false) => text == self.core,
            (true, false) => text.ends_with(&self.core),
            (false, true) => text.starts_with(&self.core),
            (true, true) => text.contains(&self.core),
        }
    }
}

fn operator(cursor: &mut Cursor<'_>) -> Result<Operator, PatternError> {
    let operators = [
        ("!=", Operator::NotEqual),
        ("<=", Operator::LessOrEqual),
        (">=", Operator::GreaterOrEqual),
        ("=", Operator::Equal),
        ("<", Operator::Less),
        (">", Operator::Greater),
    ];
    let found = operators.into_iter().find(|(text, _)| cursor.take(text));
    found.map(|(_, operator)| operator).ok_or(PatternError::Invalid)
}

fn operand(cursor: &mut Cursor<'_>) -> Result<Operand, PatternError> {
    if cursor.take("\"") {
        return cursor.quoted().map(|text| Operand::Text(Wildcard::new(&text)));
    }
    if cursor.take("%") {
        return cursor.regex().map(Operand::Regex);
    }
    let text = cursor.take_while(|next| next.is_alphanumeric() || "_.*+-/:@#".contains(next));
    if text.is_empty() {
        return Err(PatternError::Invalid);
    }
    let digits = text.contains(|next: char| next.is_ascii_digit()) && !text.contains(['n', 'N']);
    match text.parse::<f64>() {
        Ok(value) if digits && value.is_finite() => Ok(Operand::Number { value, text: text.to_owned() }),
        _ => Ok(Operand::Text(Wildcard::new(text))),
    }
}
