//! Reading conditions, key conditions and filters.

use super::parse::{Parser, Placeholders};
use super::path::Path;
use super::problems::Rank;
use super::token::Token;
use super::{Comparison, Condition, Operand, Role};
use crate::value::{Kind, Value, shown};

type Parsed<T> = Result<T, String>;

/// Reads a condition, a key condition or a filter. The error is the rest of the message after `Invalid X: `.
pub(crate) fn parse_condition(text: &str, role: Role, placeholders: &mut Placeholders) -> Parsed<Condition> {
    let mut parser = Parser::new(text, role, placeholders)?;
    let condition = parser.conditions()?;
    parser.finish(condition)
}

/// What was read where a condition or an operand may stand.
enum Term {
    Condition(Condition),
    Operand(Read),
    /// A function that is a condition; `None` when something is wrong with it, which is noted.
    Call {
        name: String,
        made: Option<Condition>,
    },
}

/// An operand as it was read, with what checks need to know.
struct Read {
    /// `None` when a placeholder is not defined or a function does not exist: such an expression is refused at its end.
    operand: Option<Operand>,
    /// A function that gives no value was called here.
    function: Option<String>,
}

impl Read {
    fn path(&self) -> Option<&Path> {
        match &self.operand {
            Some(Operand::Path(path)) => Some(path),
            _ => None,
        }
    }

    /// The kind of the value, where the expression alone tells it.
    fn kind(&self) -> Option<Kind> {
        match &self.operand {
            Some(Operand::Value(value)) => Some(value.kind()),
            Some(Operand::Size(_)) => Some(Kind::N),
            _ => None,
        }
    }

    fn value(&self) -> Option<&Value> {
        match &self.operand {
            Some(Operand::Value(value)) => Some(value),
            _ => None,
        }
    }
}

/// What was read of the conditions within one pair of parentheses.
#[derive(Default)]
struct Level {
    /// The place of the parenthesis; `None` for the whole expression.
    opened_at: Option<usize>,
    /// Where the last parentheses within began and ended.
    closed_at: Option<(usize, usize)>,
    alternatives: Vec<Condition>,
    conjunction: Vec<Condition>,
    /// `NOT`s in front of the term that comes next.
    negations: usize,
}

impl Level {
    fn and(&mut self, condition: Condition) {
        let negated = (0..std::mem::take(&mut self.negations))
            .fold(condition, |condition, _| Condition::Not(Box::new(condition)));
        self.conjunction.push(negated);
    }

    fn or(&mut self, condition: Condition) {
        self.and(condition);
        let conjunction = std::mem::take(&mut self.conjunction);
        self.alternatives.push(joined(conjunction, Condition::And));
    }

    fn whole(&mut self, last: Condition) -> Condition {
        self.or(last);
        joined(std::mem::take(&mut self.alternatives), Condition::Or)
    }

    /// Whether the parentheses hold one term and nothing else.
    fn is_plain(&self) -> bool {
        self.alternatives.is_empty() && self.conjunction.is_empty() && self.negations == 0
    }
}

/// One condition as it is, several as one.
fn joined(mut conditions: Vec<Condition>, junction: fn(Vec<Condition>) -> Condition) -> Condition {
    match (conditions.len(), conditions.pop()) {
        (1, Some(only)) => only,
        (_, last) => {
            conditions.extend(last);
            junction(conditions)
        }
    }
}

impl<'t> Parser<'t> {
    /// Reads conditions joined by `AND` and `OR`, negated and in parentheses. Without recursion: libraries build
    /// expressions of hundreds of parentheses within each other.
    fn conditions(&mut self) -> Parsed<Condition> {
        let mut levels = vec![Level::default()];
        loop {
            while self.take_word("NOT") {
                self.count_operator();
                levels.last_mut().expect("the outermost level stays").negations += 1;
            }
            if self.peek() == Token::Symbol("(") {
                levels.push(Level { opened_at: Some(self.at), ..Level::default() });
                self.next();
                continue;
            }
            let mut term = self.primary()?;
            // What follows a term: a comparison, a junction, or the end of parentheses.
            loop {
                term = self.comparison(term)?;
                let level = levels.last_mut().expect("the outermost level stays");
                if self.take_word("AND") {
                    self.count_operator();
                    let condition = self.condition_of(term)?;
                    level.and(condition);
                    break;
                }
                if self.take_word("OR") {
                    self.count_operator();
                    let condition = self.condition_of(term)?;
                    level.or(condition);
                    break;
                }
                let Some(opened_at) = level.opened_at else {
                    let condition = self.condition_of(term)?;
                    return Ok(level.whole(condition));
                };
                self.expect_symbol(")")?;
                if !level.is_plain() {
                    let condition = self.condition_of(term)?;
                    term = Term::Condition(level.whole(condition));
                }
                let inner_closed_at = level.closed_at;
                levels.pop();
                self.check_redundant(opened_at, inner_closed_at);
                levels.last_mut().expect("the outermost level stays").closed_at =
                    Some((opened_at, self.at - 1));
            }
        }
    }

    /// `((…))`, which key conditions alone may say.
    fn check_redundant(&mut self, opened_at: usize, inner: Option<(usize, usize)>) {
        let is_doubled = inner == Some((opened_at + 1, self.at - 2));
        if is_doubled && self.role != Role::KeyCondition {
            self.problems.add(Rank::Parentheses, || "The expression has redundant parentheses;".to_owned());
        }
    }

    /// A term that stands where a condition must be.
    fn condition_of(&mut self, term: Term) -> Parsed<Condition> {
        match term {
            Term::Condition(condition) => Ok(condition),
            Term::Operand(Read { operand: Some(Operand::Size(_)), .. }) => {
                self.misused("size");
                Ok(Condition::And(Vec::new()))
            }
            Term::Call { made, .. } => Ok(made.unwrap_or_else(|| Condition::And(Vec::new()))),
            Term::Operand(_) => Err(self.unexpected()),
        }
    }

    fn misused(&mut self, function: &str) {
        self.problems.add(Rank::MisusedFunction, || {
            format!("The function is not allowed to be used this way in an expression; function: {function}")
        });
    }

    /// The comparison that an operand begins; any other term as it is.
    fn comparison(&mut self, term: Term) -> Parsed<Term> {
        let first = match term {
            Term::Operand(read) => read,
            Term::Call { name, .. } if self.is_comparison() => Read { operand: None, function: Some(name) },
            whole => return Ok(whole),
        };
        let comparison = match self.peek() {
            Token::Symbol("=") => Comparison::Equal,
            Token::Symbol("<>") => Comparison::NotEqual,
            Token::Symbol("<") => Comparison::Less,
            Token::Symbol("<=") => Comparison::LessOrEqual,
            Token::Symbol(">") => Comparison::Greater,
            Token::Symbol(">=") => Comparison::GreaterOrEqual,
            token if token.is_word("BETWEEN") => return self.between(first),
            token if token.is_word("IN") => return self.in_list(first),
            _ => return Ok(Term::Operand(first)),
        };
        self.next();
        self.count_operator();
        let second = self.operand()?;
        self.check_values(&[&first, &second]);
        self.check_distinct(comparison.symbol(), &first, &second);
        self.check_ordered(comparison, &[&first, &second]);
        self.problems.close();
        Ok(condition(first.operand.zip(second.operand).map(|(a, b)| Condition::Compare(comparison, a, b))))
    }

    fn is_comparison(&self) -> bool {
        match self.peek() {
            Token::Symbol(symbol) => matches!(symbol, "=" | "<>" | "<" | "<=" | ">" | ">="),
            token => token.is_word("BETWEEN") || token.is_word("IN"),
        }
    }

    fn between(&mut self, value: Read) -> Parsed<Term> {
        self.next();
        self.count_operator();
        let low = self.operand()?;
        if !self.take_word("AND") {
            return Err(self.unexpected());
        }
        let high = self.operand()?;
        self.check_values(&[&value, &low, &high]);
        self.check_bounds(&low, &high);
        self.problems.close();
        let operands = value.operand.zip(low.operand).zip(high.operand);
        Ok(condition(operands.map(|((value, low), high)| Condition::Between { value, low, high })))
    }

    fn in_list(&mut self, value: Read) -> Parsed<Term> {
        self.next();
        self.count_operator();
        self.expect_symbol("(")?;
        let mut options = vec![self.operand()?];
        while self.take_symbol(",") {
            options.push(self.operand()?);
        }
        self.expect_symbol(")")?;
        let mut all = vec![&value];
        all.extend(&options);
        self.check_values(&all);
        if options.len() > IN_OPTIONS_MAX {
            let count = options.len();
            self.problems.add_here(Rank::Operand, || {
                format!("The IN operator is provided with too many operands; number of operands: {count}")
            });
        }
        self.problems.close();
        let options: Option<Vec<Operand>> = options.into_iter().map(|option| option.operand).collect();
        Ok(condition(value.operand.zip(options).map(|(value, options)| Condition::In(value, options))))
    }

    fn operand(&mut self) -> Parsed<Read> {
        match self.primary()? {
            Term::Operand(read) => Ok(read),
            Term::Call { name, .. } => Ok(Read { operand: None, function: Some(name) }),
            Term::Condition(_) => Err(self.unexpected()),
        }
    }

    fn primary(&mut self) -> Parsed<Term> {
        match self.peek() {
            Token::Symbol("(") => self.nested(Self::parenthesis),
            Token::Value(_) => Ok(Term::Operand(self.value())),
            Token::Word(_) if self.is_call() => self.nested(Self::function),
            _ => {
                let rank =
                    if self.role == Role::Projection { Rank::Reserved } else { Rank::ReservedInCondition };
                let operand = self.path(rank)?.map(Operand::Path);
                Ok(Term::Operand(Read { operand, function: None }))
            }
        }
    }

    /// An operand in parentheses.
    fn parenthesis(&mut self) -> Parsed<Term> {
        let opened_at = self.at;
        self.next();
        let is_doubled = self.peek() == Token::Symbol("(");
        let inner = self.operand()?;
        self.expect_symbol(")")?;
        if is_doubled {
            self.check_redundant(opened_at, Some((opened_at + 1, self.at - 2)));
        }
        Ok(Term::Operand(inner))
    }

    fn function(&mut self) -> Parsed<Term> {
        let Token::Word(name) = self.next() else { return Err(self.unexpected()) };
        self.count_operator();
        self.expect_symbol("(")?;
        let mut arguments = vec![self.operand()?];
        while self.take_symbol(",") {
            arguments.push(self.operand()?);
        }
        self.expect_symbol(")")?;
        let all: Vec<&Read> = arguments.iter().collect();
        self.check_values(&all);
        Ok(self.call(name, arguments))
    }

    /// Checks a call and makes what it is: a condition, or the operand `size`.
    fn call(&mut self, name: &str, arguments: Vec<Read>) -> Term {
        let failed = || Term::Call { name: name.to_owned(), made: None };
        let expected = match name {
            "attribute_exists" | "attribute_not_exists" | "size" => 1,
            "attribute_type" | "begins_with" | "contains" => 2,
            _ => {
                self.problems
                    .add(Rank::UnknownFunction, || format!("Invalid function name; function: {name}"));
                return failed();
            }
        };
        if arguments.len() != expected {
            let count = arguments.len();
            self.problems.add_here(Rank::Operand, || {
                format!(
                    "Incorrect number of operands for operator or function; operator or function: {name}, \
                     number of operands: {count}"
                )
            });
            self.close_unless_size(name);
            return failed();
        }
        self.check_arguments(name, &arguments);
        self.close_unless_size(name);
        let mut operands = arguments.into_iter().map(|argument| argument.operand);
        let first = operands.next().flatten();
        let second = operands.next().flatten();
        let made = match (name, first, second) {
            ("size", Some(first), _) => {
                return Term::Operand(Read { operand: Some(Operand::Size(Box::new(first))), function: None });
            }
            ("attribute_exists", Some(Operand::Path(path)), _) => Some(Condition::Exists(path)),
            ("attribute_not_exists", Some(Operand::Path(path)), _) => Some(Condition::NotExists(path)),
            ("attribute_type", Some(value), Some(kind)) => Some(Condition::IsOfType(value, kind)),
            ("begins_with", Some(value), Some(prefix)) => Some(Condition::BeginsWith(value, prefix)),
            ("contains", Some(value), Some(member)) => Some(Condition::Contains(value, member)),
            _ => None,
        };
        Term::Call { name: name.to_owned(), made }
    }

    /// `size` is part of a condition that is still being read.
    fn close_unless_size(&mut self, name: &str) {
        if name != "size" {
            self.problems.close();
        }
    }

    fn check_arguments(&mut self, name: &str, arguments: &[Read]) {
        if let [first, second] = arguments {
            self.check_distinct(name, first, second);
        }
        let wrong_kind = |kind: String| {
            format!(
                "Incorrect operand type for operator or function; operator or function: {name}, operand type: {kind}"
            )
        };
        match (name, arguments) {
            ("attribute_exists" | "attribute_not_exists", [argument])
                if argument.operand.is_some() && argument.path().is_none() =>
            {
                self.problems.add_here(Rank::Function, || {
                    format!("Operator or function requires a document path; operator or function: {name}")
                });
            }
            ("begins_with", _) => {
                let wrong =
                    arguments.iter().filter_map(Read::kind).find(|kind| !matches!(kind, Kind::S | Kind::B));
                if let Some(kind) = wrong {
                    self.problems.add_here(Rank::Function, || wrong_kind(kind.to_string()));
                }
            }
            ("attribute_type", [_, kind]) => match kind.value() {
                Some(Value::Text(text)) if Kind::named(text).is_some() => {}
                Some(Value::Text(text)) => self.problems.add_here(Rank::Function, || {
                    format!(
                        "Invalid attribute type name found; type: {text}, valid types: \
                         {{B,NULL,SS,BOOL,L,BS,N,NS,S,M}}"
                    )
                }),
                _ if kind.operand.is_none() => {}
                _ => {
                    let shown = kind
                        .kind()
                        .map_or("{NS,SS,L,BS,N,M,B,BOOL,NULL,S}".to_owned(), |kind| kind.to_string());
                    self.problems.add_here(Rank::Function, || wrong_kind(shown));
                }
            },
            ("size", [argument]) => {
                if let Some(kind @ (Kind::N | Kind::Bool | Kind::Null)) = argument.kind() {
                    self.problems.add_here(Rank::Function, || wrong_kind(kind.to_string()));
                }
            }
            _ => {}
        }
    }

    /// Functions other than `size` give no value.
    fn check_values(&mut self, operands: &[&Read]) {
        if let Some(function) = operands.iter().find_map(|operand| operand.function.clone()) {
            self.misused(&function);
        }
    }

    fn check_distinct(&mut self, operator: &str, first: &Read, second: &Read) {
        if let (Some(path), Some(other)) = (first.path(), second.path())
            && path == other
        {
            self.problems.add_here(Rank::Distinct, || {
                format!(
                    "The first operand must be distinct from the remaining operands for this operator or function; \
                     operator: {operator}, first operand: {path}"
                )
            });
        }
    }

    /// Only text, numbers and bytes have an order.
    fn check_ordered(&mut self, comparison: Comparison, operands: &[&Read]) {
        if matches!(comparison, Comparison::Equal | Comparison::NotEqual) {
            return;
        }
        let unordered = operands
            .iter()
            .filter_map(|operand| operand.value())
            .map(Value::kind)
            .find(|kind| !matches!(kind, Kind::S | Kind::N | Kind::B));
        if let Some(kind) = unordered {
            self.problems.add_here(Rank::Function, || {
                format!(
                    "Incorrect operand type for operator or function; operator or function: {}, operand type: {kind}",
                    comparison.symbol()
                )
            });
        }
    }

    fn check_bounds(&mut self, low: &Read, high: &Read) {
        let (Some(low), Some(high)) = (low.value(), high.value()) else { return };
        let unordered = [low, high]
            .into_iter()
            .map(Value::kind)
            .find(|kind| !matches!(kind, Kind::S | Kind::N | Kind::B));
        if let Some(kind) = unordered {
            return self.problems.add_here(Rank::Function, || {
                format!(
                    "Incorrect operand type for operator or function; operator or function: BETWEEN, operand type: {kind}"
                )
            });
        }
        let complaint = match low.order(high) {
            None => "requires same data type for lower and upper bounds",
            Some(std::cmp::Ordering::Greater) => {
                "requires upper bound to be greater than or equal to lower bound"
            }
            Some(_) => return,
        };
        self.problems.add_here(Rank::Function, || {
            format!(
                "The BETWEEN operator {complaint}; lower bound operand: {}, upper bound operand: {}",
                shown(low),
                shown(high)
            )
        });
    }

    fn value(&mut self) -> Read {
        let operand = match self.next() {
            Token::Value(name) => self.bound_value(name, Rank::UndefinedName).map(Operand::Value),
            _ => None,
        };
        Read { operand, function: None }
    }
}

/// Options of one `IN`.
const IN_OPTIONS_MAX: usize = 100;

/// A condition whose operands are not all known is refused at the end; until then anything stands for it.
fn condition(made: Option<Condition>) -> Term {
    Term::Condition(made.unwrap_or_else(|| Condition::And(Vec::new())))
}
