//! Reads a statement. Errors are whole messages.

use super::malformed;
use super::statement::{Select, Statement};
use super::token::{Token, tokens};
use crate::expression::{Assignment, Condition, EXPRESSION_LEVELS_MAX, Path, Step, Term, Update};
use crate::items::Returned;
use crate::value::{Kind, Value};

pub(super) type Parsed<T> = Result<T, String>;

/// What is told of most problems.
pub(super) const SYNTAX: &str = "Unexpected token after expression";

pub(super) struct Parser<'p> {
    tokens: Vec<Token>,
    at: usize,
    parameters: std::slice::Iter<'p, Value>,
    /// What is wrong with a statement that is well formed.
    wrong: Option<String>,
}

/// Reads a statement and puts its parameters in place.
pub(crate) fn parse(text: &str, parameters: &[Value]) -> Parsed<Statement> {
    let mut parser = Parser { tokens: tokens(text)?, at: 0, parameters: parameters.iter(), wrong: None };
    let statement = parser.statement()?;
    parser.take(";");
    if parser.peek().is_some() {
        return Err(malformed(SYNTAX));
    }
    if parser.parameters.next().is_some() {
        return Err(wrong_count());
    }
    match parser.wrong {
        Some(wrong) => Err(wrong),
        None => Ok(statement),
    }
}

fn wrong_count() -> String {
    "Number of parameters in request and statement don't match.".to_owned()
}

impl Parser<'_> {
    pub(super) fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    pub(super) fn next(&mut self) -> Option<Token> {
        let token = self.peek().cloned();
        self.advance();
        token
    }

    pub(super) fn advance(&mut self) {
        self.at += 1;
    }

    pub(super) fn take(&mut self, symbol: &'static str) -> bool {
        let takes = matches!(self.peek(), Some(Token::Symbol(found)) if *found == symbol);
        self.at += usize::from(takes);
        takes
    }

    pub(super) fn expect(&mut self, symbol: &'static str) -> Parsed<()> {
        if self.take(symbol) { Ok(()) } else { Err(malformed(SYNTAX)) }
    }

    pub(super) fn take_word(&mut self, word: &str) -> bool {
        let takes = matches!(self.peek(), Some(Token::Word(found)) if found.eq_ignore_ascii_case(word));
        self.at += usize::from(takes);
        takes
    }

    pub(super) fn expect_word(&mut self, word: &str) -> Parsed<()> {
        if self.take_word(word) { Ok(()) } else { Err(malformed(SYNTAX)) }
    }

    pub(super) fn parameter(&mut self) -> Parsed<Value> {
        self.parameters.next().cloned().ok_or_else(wrong_count)
    }

    /// An operand that the statement itself gives has a kind that the operator cannot take.
    pub(super) fn refuse_operand(&mut self, operator: &str, kind: Kind) {
        self.wrong.get_or_insert_with(|| {
            format!(
                "Incorrect operand type for operator or function; operator or function: {operator}, operand type: {kind}"
            )
        });
    }

    /// The name of the function that begins here: a word with a parenthesis behind it.
    pub(super) fn function_name(&self) -> Option<String> {
        match self.tokens.get(self.at..self.at + 2)? {
            [Token::Word(name), Token::Symbol("(")] => Some(name.to_ascii_lowercase()),
            _ => None,
        }
    }

    pub(super) fn skip_function_name(&mut self) {
        self.advance();
        self.advance();
    }

    fn statement(&mut self) -> Parsed<Statement> {
        if self.take_word("SELECT") {
            return self.select().map(Statement::Select);
        }
        if self.take_word("INSERT") {
            self.expect_word("INTO")?;
            return self.insert();
        }
        if self.take_word("UPDATE") {
            let table = self.written_table()?;
            return self.update(table, None);
        }
        if self.take_word("DELETE") {
            self.expect_word("FROM")?;
            let table = self.written_table()?;
            let condition = self.needed_condition()?;
            let returned = self.returning()?;
            return match returned {
                (Returned::None | Returned::AllOld, _) => {
                    Ok(Statement::Delete { table, condition, returned: returned.0 })
                }
                (_, text) => Err(format!(
                    "Invalid returning clause: RETURNING {text} *. Only RETURNING ALL OLD * is allowed in DELETE \
                     statements."
                )),
            };
        }
        if self.take_word("FROM") {
            let table = self.written_table()?;
            let condition = self.needed_condition()?;
            return self.update(table, Some(condition));
        }
        if self.take_word("EXISTS") {
            self.expect("(")?;
            self.expect_word("SELECT")?;
            let select = self.select()?;
            self.expect(")")?;
            let condition = select.condition.ok_or_else(|| malformed(SYNTAX))?;
            return Ok(Statement::Exists { table: select.table, condition });
        }
        Err(malformed("Expected data manipulation"))
    }

    fn select(&mut self) -> Parsed<Select> {
        let paths = if self.take("*") {
            None
        } else {
            let mut paths = vec![self.shown_path()?];
            while self.take(",") {
                paths.push(self.shown_path()?);
            }
            Some(paths)
        };
        self.expect_word("FROM")?;
        let (table, index) = self.source()?;
        if self.take_word("AS") || (matches!(self.peek(), Some(Token::Quoted(_)))) {
            return Err("Aliasing is not supported".to_owned());
        }
        let condition = if self.take_word("WHERE") { Some(self.condition()?) } else { None };
        let mut order = Vec::new();
        if self.take_word("ORDER") {
            self.expect_word("BY")?;
            loop {
                let path = self.path()?;
                let descends = self.take_word("DESC");
                if !descends {
                    self.take_word("ASC");
                }
                order.push((path.root, descends));
                if !self.take(",") {
                    break;
                }
            }
        }
        Ok(Select { table, index, paths, condition, order })
    }

    fn shown_path(&mut self) -> Parsed<Path> {
        let path = self.path()?;
        if self.take_word("AS") {
            return Err("Aliasing is not supported".to_owned());
        }
        Ok(path)
    }

    fn insert(&mut self) -> Parsed<Statement> {
        let (table, index) = self.source()?;
        if index.is_some() {
            return Err("FROM clause may only contain a single table name".to_owned());
        }
        self.expect_word("VALUE")?;
        match self.value()? {
            Some(Value::Map(item)) => Ok(Statement::Insert { table, item }),
            _ => Err(malformed(SYNTAX)),
        }
    }

    /// The rest of an update; its condition stands behind unless it stood before.
    fn update(&mut self, table: String, condition: Option<Condition>) -> Parsed<Statement> {
        let mut update = Update::default();
        let mut clauses = 0;
        loop {
            if self.take_word("SET") {
                self.assignment(&mut update)?;
                while self.take(",") {
                    self.assignment(&mut update)?;
                }
            } else if self.take_word("REMOVE") {
                update.remove.push(self.path()?);
                while self.take(",") {
                    update.remove.push(self.path()?);
                }
            } else {
                break;
            }
            clauses += 1;
        }
        if clauses == 0 {
            return Err(malformed(SYNTAX));
        }
        let condition = match condition {
            Some(condition) => condition,
            None => self.needed_condition()?,
        };
        let (returned, _) = self.returning()?;
        if let Some(clash) = update.clash() {
            return Err(clash);
        }
        Ok(Statement::Update { table, update, condition, returned })
    }

    fn assignment(&mut self, update: &mut Update) -> Parsed<()> {
        let path = self.path()?;
        self.expect("=")?;
        let function = self.function_name();
        if let Some(function @ ("set_add" | "set_delete")) = function.as_deref() {
            self.skip_function_name();
            let own = self.path()?;
            self.expect(",")?;
            let value = self.value()?;
            self.expect(")")?;
            let Some(value) = value.filter(|_| own == path) else { return Err(malformed(SYNTAX)) };
            if !value.kind().is_set() {
                self.refuse_operand(function, value.kind());
            }
            let list = if function == "set_add" { &mut update.add } else { &mut update.delete };
            list.push((path, value));
            return Ok(());
        }
        let mut term = self.term(0)?;
        for _ in 0..EXPRESSION_LEVELS_MAX {
            if self.take("+") {
                term = Term::Plus(Box::new(term), Box::new(self.term(0)?));
            } else if self.take("-") {
                term = Term::Minus(Box::new(term), Box::new(self.term(0)?));
            } else {
                break;
            }
        }
        update.set.push(Assignment { path, term });
        Ok(())
    }

    fn term(&mut self, level: usize) -> Parsed<Term> {
        if level > EXPRESSION_LEVELS_MAX {
            return Err(malformed(SYNTAX));
        }
        match self.function_name().as_deref() {
            Some("list_append") => {
                self.skip_function_name();
                let first = self.term(level + 1)?;
                self.expect(",")?;
                let second = self.term(level + 1)?;
                self.expect(")")?;
                return Ok(Term::Append(Box::new(first), Box::new(second)));
            }
            Some("if_not_exists") => {
                self.skip_function_name();
                let path = self.path()?;
                self.expect(",")?;
                let other = self.term(level + 1)?;
                self.expect(")")?;
                return Ok(Term::IfNotExists(path, Box::new(other)));
            }
            _ => {}
        }
        if self.take("(") {
            let inner = self.term(level + 1)?;
            self.expect(")")?;
            return Ok(inner);
        }
        match self.value()? {
            Some(value) => Ok(Term::Value(value)),
            None => self.path().map(Term::Path),
        }
    }

    fn needed_condition(&mut self) -> Parsed<Condition> {
        self.expect_word("WHERE")?;
        self.condition()
    }

    /// What a write answers, and how the statement says so.
    fn returning(&mut self) -> Parsed<(Returned, &'static str)> {
        if !self.take_word("RETURNING") {
            return Ok((Returned::None, ""));
        }
        let is_all = self.take_word("ALL");
        if !is_all {
            self.expect_word("MODIFIED")?;
        }
        let is_old = self.take_word("OLD");
        if !is_old {
            self.expect_word("NEW")?;
        }
        self.expect("*")?;
        Ok(match (is_all, is_old) {
            (true, true) => (Returned::AllOld, "ALL OLD"),
            (true, false) => (Returned::AllNew, "ALL NEW"),
            (false, true) => (Returned::UpdatedOld, "MODIFIED OLD"),
            (false, false) => (Returned::UpdatedNew, "MODIFIED NEW"),
        })
    }

    fn written_table(&mut self) -> Parsed<String> {
        match self.source()? {
            (table, None) => Ok(table),
            (_, Some(_)) => Err("This operation is not supported on an index".to_owned()),
        }
    }

    /// A table, or one of its indexes.
    fn source(&mut self) -> Parsed<(String, Option<String>)> {
        let table = self.table_word()?;
        if !self.take(".") {
            return Ok((table, None));
        }
        let index = self.table_word()?;
        if self.take(".") {
            return Err("A path may contain at most 2 components in the FROM clause".to_owned());
        }
        Ok((table, Some(index)))
    }

    fn table_word(&mut self) -> Parsed<String> {
        match self.next() {
            Some(Token::Quoted(name)) if name.is_empty() => {
                Err("Path component cannot be an empty string".to_owned())
            }
            Some(Token::Quoted(name) | Token::Word(name)) => Ok(name),
            _ => Err(malformed(SYNTAX)),
        }
    }

    pub(super) fn path(&mut self) -> Parsed<Path> {
        let root = match self.next() {
            Some(Token::Quoted(name) | Token::Word(name)) => name,
            _ => return Err(malformed(SYNTAX)),
        };
        let mut path = Path::attribute(root);
        loop {
            if self.take(".") {
                match self.next() {
                    Some(Token::Quoted(name) | Token::Word(name)) => path.steps.push(Step::Name(name)),
                    _ => return Err(malformed(SYNTAX)),
                }
            } else if self.take("[") {
                match self.next() {
                    Some(Token::Number(index)) => {
                        let index = index.parse().map_err(|_| malformed(SYNTAX))?;
                        path.steps.push(Step::Index(index));
                    }
                    Some(Token::Text(name)) => path.steps.push(Step::Name(name)),
                    _ => return Err(malformed(SYNTAX)),
                }
                self.expect("]")?;
            } else {
                break;
            }
        }
        let names = path.steps.iter().filter_map(|step| match step {
            Step::Name(name) => Some(name),
            Step::Index(_) => None,
        });
        if std::iter::once(&path.root).chain(names).any(String::is_empty) {
            return Err("Path component cannot be an empty string".to_owned());
        }
        Ok(path)
    }
}
