//! What reading all expressions has in common: tokens, paths, placeholders, limits.

use std::collections::{BTreeMap, BTreeSet};

use super::path::{Path, Step};
use super::problems::{Problems, Rank};
use super::reserved::is_reserved;
use super::token::{Placed, Token, syntax_error, tokens};
use super::{EXPRESSION_BYTES_MAX, EXPRESSION_LEVELS_MAX, OPERATORS_MAX, Role};
use crate::value::{Attributes, Value};

/// What placeholders stand for, and which of them were used.
#[derive(Debug, Default)]
pub(crate) struct Placeholders {
    pub(crate) names: BTreeMap<String, String>,
    pub(crate) values: Attributes,
    pub(crate) used_names: BTreeSet<String>,
    pub(crate) used_values: BTreeSet<String>,
}

/// Positions beyond this are no positions of a list that fits an item.
const INDEX_MAX: usize = 1 << 30;

type Parsed<T> = Result<T, String>;

pub(crate) struct Parser<'t> {
    pub(super) text: &'t str,
    pub(super) tokens: Vec<Placed<'t>>,
    pub(super) at: usize,
    pub(super) levels: usize,
    pub(super) operators: usize,
    pub(super) role: Role,
    pub(crate) problems: Problems,
    pub(crate) placeholders: &'t mut Placeholders,
}

impl<'t> Parser<'t> {
    pub(crate) fn new(text: &'t str, role: Role, placeholders: &'t mut Placeholders) -> Parsed<Self> {
        if text.trim().is_empty() {
            return Err("The expression can not be empty;".to_owned());
        }
        if text.len() > EXPRESSION_BYTES_MAX {
            let problem = "Expression size has exceeded the maximum allowed size;";
            return Err(match role {
                Role::Update => problem.to_owned(),
                _ => format!("{problem} expression size: {}", text.len()),
            });
        }
        let tokens = tokens(text);
        let problems = Problems::default();
        Ok(Parser { text, tokens, at: 0, levels: 0, operators: 0, role, problems, placeholders })
    }

    /// After the last token: the tree, or the first of its problems.
    pub(crate) fn finish<T>(self, tree: T) -> Parsed<T> {
        if self.peek() != Token::End {
            return Err(self.unexpected());
        }
        if self.operators > OPERATORS_MAX {
            return Err(format!(
                "The expression contains too many operators; operator count: {}",
                self.operators
            ));
        }
        match self.problems.first() {
            Some(problem) => Err(problem),
            None => Ok(tree),
        }
    }

    pub(crate) fn peek(&self) -> Token<'t> {
        self.tokens[self.at].token
    }

    pub(super) fn peek_next(&self) -> Token<'t> {
        self.tokens.get(self.at + 1).map_or(Token::End, |placed| placed.token)
    }

    /// The next token is a name with a parenthesis behind it.
    pub(crate) fn is_call(&self) -> bool {
        self.peek_next() == Token::Symbol("(")
    }

    pub(crate) fn next(&mut self) -> Token<'t> {
        let token = self.peek();
        // The end stays where it is.
        self.at = (self.at + 1).min(self.tokens.len() - 1);
        token
    }

    pub(crate) fn take_symbol(&mut self, symbol: &str) -> bool {
        let found = self.peek() == Token::Symbol(symbol);
        if found {
            self.next();
        }
        found
    }

    pub(super) fn take_word(&mut self, word: &str) -> bool {
        let found = self.peek().is_word(word);
        if found {
            self.next();
        }
        found
    }

    pub(crate) fn expect_symbol(&mut self, symbol: &str) -> Parsed<()> {
        if self.take_symbol(symbol) { Ok(()) } else { Err(self.unexpected()) }
    }

    /// The error of the token that comes next.
    pub(crate) fn unexpected(&self) -> String {
        syntax_error(self.text, &self.tokens, self.at)
    }

    pub(crate) fn count_operator(&mut self) {
        self.operators += 1;
    }

    /// Reads something that may hold itself.
    pub(crate) fn nested<T>(&mut self, read: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        self.levels += 1;
        if self.levels > EXPRESSION_LEVELS_MAX {
            return Err(format!(
                "The expression is nested too deeply; nesting levels: {}, limit: {EXPRESSION_LEVELS_MAX}",
                self.levels
            ));
        }
        let result = read(self);
        self.levels -= 1;
        result
    }

    /// The value of a placeholder, if there is one; that there is none is noted.
    pub(crate) fn bound_value(&mut self, name: &str, rank: Rank) -> Option<Value> {
        match self.placeholders.values.get(name) {
            Some(value) => {
                self.placeholders.used_values.insert(name.to_owned());
                Some(value.clone())
            }
            None => {
                self.problems.add_here(rank, || {
                    format!("An expression attribute value used in expression is not defined; attribute value: {name}")
                });
                None
            }
        }
    }

    /// `None`: a placeholder in it is not defined, which is noted.
    pub(crate) fn path(&mut self, reserved: Rank) -> Parsed<Option<Path>> {
        let root = self.name(reserved)?;
        let mut steps = Some(Vec::new());
        loop {
            if self.take_symbol(".") {
                let name = self.name(reserved)?;
                steps = steps.zip(name).map(|(mut steps, name)| {
                    steps.push(Step::Name(name));
                    steps
                });
            } else if self.take_symbol("[") {
                let Token::Number(digits) = self.peek() else { return Err(self.unexpected()) };
                self.next();
                let index = digits.parse::<usize>().unwrap_or(INDEX_MAX).min(INDEX_MAX);
                self.expect_symbol("]")?;
                if let Some(steps) = &mut steps {
                    steps.push(Step::Index(index));
                }
            } else {
                break;
            }
        }
        Ok(root.zip(steps).map(|(root, steps)| Path { root, steps }))
    }

    /// One name of a path.
    fn name(&mut self, reserved: Rank) -> Parsed<Option<String>> {
        match self.peek() {
            Token::Word(word) if !self.is_keyword(word) => {
                self.next();
                if is_reserved(word) {
                    self.problems.add(reserved, || {
                        format!("Attribute name is a reserved keyword; reserved keyword: {word}")
                    });
                }
                Ok(Some(word.to_owned()))
            }
            Token::Name(placeholder) => {
                self.next();
                match self.placeholders.names.get(placeholder) {
                    Some(name) => {
                        self.placeholders.used_names.insert(placeholder.to_owned());
                        Ok(Some(name.clone()))
                    }
                    None => {
                        self.problems.add_here(Rank::UndefinedName, || {
                            format!(
                                "An expression attribute name used in the document path is not defined; \
                                 attribute name: {placeholder}"
                            )
                        });
                        Ok(None)
                    }
                }
            }
            _ => Err(self.unexpected()),
        }
    }

    /// Words that steer this kind of expression and so are never names.
    fn is_keyword(&self, word: &str) -> bool {
        let keywords: &[&str] = match self.role {
            Role::Update => &["SET", "REMOVE", "ADD", "DELETE"],
            Role::Projection => &[],
            Role::Condition | Role::KeyCondition | Role::Filter => &["AND", "OR", "NOT", "BETWEEN", "IN"],
        };
        keywords.iter().any(|keyword| word.eq_ignore_ascii_case(keyword))
    }
}
