//! The regular expressions of filter patterns: no groups, so an expression is a list of chains of characters.
//!
//! A search keeps the set of places in the chain that are possible so far, so its time is bounded by the length of
//! the text times the length of the chain, whatever the expression.

use super::PatternError;

/// Most places of all chains, repetitions counted out.
const PLACES_MAX: usize = 1_024;
/// Most repetitions of `{m,n}`.
const REPETITIONS_MAX: usize = 1_000;
/// Symbols that stand for themselves.
const SYMBOLS: &str = ":_#=@/;,- ";

/// A parsed expression.
#[derive(Debug)]
pub(crate) struct Regex {
    alternatives: Vec<Chain>,
}

#[derive(Debug, Default)]
struct Chain {
    from_start: bool,
    to_end: bool,
    places: Vec<Place>,
}

/// One step of a chain.
#[derive(Clone, Debug)]
struct Place {
    class: Class,
    /// The step may be left out.
    optional: bool,
    /// The step may be taken again.
    repeats: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Class {
    negated: bool,
    ranges: Vec<(char, char)>,
}

impl Regex {
    pub(super) fn parse(text: &str) -> Result<Self, PatternError> {
        if text.is_empty() || !text.is_ascii() {
            return Err(PatternError::Invalid);
        }
        let mut parser = Parser { rest: text.chars().collect(), at: 0 };
        let mut alternatives = vec![parser.chain()?];
        while parser.take('|') {
            alternatives.push(parser.chain()?);
        }
        let places: usize = alternatives.iter().map(|chain| chain.places.len()).sum();
        if parser.peek().is_some() || places > PLACES_MAX {
            return Err(PatternError::Invalid);
        }
        Ok(Regex { alternatives })
    }

    pub(super) fn is_match(&self, text: &str) -> bool {
        self.alternatives.iter().any(|chain| chain.is_match(text))
    }
}

impl Chain {
    fn is_match(&self, text: &str) -> bool {
        let end = self.places.len();
        // Entry n: the first n places are behind us.
        let mut possible = vec![false; end + 1];
        let mut next = vec![false; end + 1];
        self.enter(&mut possible, 0);
        for character in text.chars() {
            if possible[end] && !self.to_end {
                return true;
            }
            next.fill(false);
            let mut alive = false;
            for (index, place) in self.places.iter().enumerate() {
                if possible[index] && place.class.contains(character) {
                    self.enter(&mut next, index + 1);
                    if place.repeats {
                        next[index] = true;
                    }
                    alive = true;
                }
            }
            if !self.from_start {
                self.enter(&mut next, 0);
            } else if !alive {
                return false;
            }
            std::mem::swap(&mut possible, &mut next);
        }
        possible[end]
    }

    /// Marks a number of places as behind us, and what follows when the next ones are left out.
    fn enter(&self, possible: &mut [bool], behind: usize) {
        for (index, mark) in possible.iter_mut().enumerate().skip(behind) {
            *mark = true;
            if !self.places.get(index).is_some_and(|place| place.optional) {
                return;
            }
        }
    }
}

impl Class {
    fn one(character: char) -> Self {
        Class { negated: false, ranges: vec![(character, character)] }
    }

    fn contains(&self, character: char) -> bool {
        self.ranges.iter().any(|(low, high)| (*low..=*high).contains(&character)) != self.negated
    }

    /// `\d`, `\S` …
    fn named(letter: char) -> Option<Self> {
        let ranges = match letter.to_ascii_lowercase() {
            'd' => vec![('0', '9')],
            's' => vec![(' ', ' '), ('\t', '\r')],
            'w' => vec![('a', 'z'), ('A', 'Z'), ('0', '9'), ('_', '_')],
            _ => return None,
        };
        Some(Class { negated: letter.is_ascii_uppercase(), ranges })
    }
}

struct Parser {
    rest: Vec<char>,
    at: usize,
}

impl Parser {
    fn peek(&self) -> Option<char> {
        self.rest.get(self.at).copied()
    }

    fn next(&mut self) -> Result<char, PatternError> {
        let next = self.peek().ok_or(PatternError::Invalid)?;
        self.at += 1;
        Ok(next)
    }

    fn take(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        self.at += usize::from(found);
        found
    }

    fn chain(&mut self) -> Result<Chain, PatternError> {
        let mut chain = Chain { from_start: self.take('^'), ..Chain::default() };
        loop {
            match self.peek() {
                None | Some('|') => return Ok(chain),
                Some('$') => {
                    self.at += 1;
                    chain.to_end = true;
                    return match self.peek() {
                        None | Some('|') => Ok(chain),
                        Some(_) => Err(PatternError::Invalid),
                    };
                }
                Some(_) => {
                    let class = self.class()?;
                    self.repeat(&mut chain.places, class)?;
                }
            }
            if chain.places.len() > PLACES_MAX {
                return Err(PatternError::Invalid);
            }
        }
    }

    fn class(&mut self) -> Result<Class, PatternError> {
        match self.next()? {
            '.' => Ok(Class { negated: true, ranges: Vec::new() }),
            '[' => self.set(),
            '\\' => self.escaped(),
            literal if is_literal(literal) => Ok(Class::one(literal)),
            _ => Err(PatternError::Invalid),
        }
    }

    fn escaped(&mut self) -> Result<Class, PatternError> {
        let letter = self.next()?;
        if let Some(class) = Class::named(letter) {
            return Ok(class);
        }
        if letter == 'x' {
            let digits: String = [self.next()?, self.next()?].into_iter().collect();
            let code = u8::from_str_radix(&digits, 16).map_err(|_| PatternError::Invalid)?;
            return Ok(Class::one(char::from(code)));
        }
        if letter.is_alphanumeric() { Err(PatternError::Invalid) } else { Ok(Class::one(letter)) }
    }

    /// `[…]` after its first bracket.
    fn set(&mut self) -> Result<Class, PatternError> {
        let mut set = Class { negated: self.take('^'), ranges: Vec::new() };
        loop {
            let class = match self.next()? {
                ']' if !set.ranges.is_empty() => return Ok(set),
                '\\' => self.escaped()?,
                other if is_literal(other) || ".*+?$|{}^".contains(other) => Class::one(other),
                _ => return Err(PatternError::Invalid),
            };
            let last = self.rest.get(self.at + 1).copied();
            match (class.ranges.as_slice(), self.peek(), last) {
                ([(low, _)], Some('-'), Some(high)) if !class.negated && high != ']' => {
                    self.at += 2;
                    if high < *low || !high.is_ascii_alphanumeric() {
                        return Err(PatternError::Invalid);
                    }
                    set.ranges.push((*low, high));
                }
                // What is not in a named class cannot be listed beside others.
                _ if class.negated => return Err(PatternError::Invalid),
                _ => set.ranges.extend(class.ranges),
            }
        }
    }

    fn repeat(&mut self, places: &mut Vec<Place>, class: Class) -> Result<(), PatternError> {
        let (least, most) = match self.peek() {
            Some('*') => (0, None),
            Some('+') => (1, None),
            Some('?') => (0, Some(1)),
            Some('{') => {
                self.at += 1;
                let bounds = self.bounds()?;
                self.at -= 1;
                bounds
            }
            _ => {
                places.push(Place { class, optional: false, repeats: false });
                return Ok(());
            }
        };
        self.at += 1;
        let step = |optional, repeats| Place { class: class.clone(), optional, repeats };
        places.extend((0..least).map(|_| step(false, false)));
        match most {
            Some(most) => places.extend((least..most).map(|_| step(true, false))),
            None => places.push(step(true, true)),
        }
        Ok(())
    }

    /// `m}`, `m,}`, `,n}` or `m,n}`, up to but without the closing brace's successor.
    fn bounds(&mut self) -> Result<(usize, Option<usize>), PatternError> {
        let low = self.number()?;
        let bounds = if self.take(',') {
            while self.take(' ') {}
            match (low, self.number()?) {
                (None, None) => return Err(PatternError::Invalid),
                (low, high) => (low.unwrap_or(0), high),
            }
        } else {
            let times = low.ok_or(PatternError::Invalid)?;
            (times, Some(times))
        };
        let ordered = bounds.1.is_none_or(|high| bounds.0 <= high);
        if ordered && self.take('}') { Ok(bounds) } else { Err(PatternError::Invalid) }
    }

    fn number(&mut self) -> Result<Option<usize>, PatternError> {
        let mut number = None;
        while let Some(digit) = self.peek().and_then(|next| next.to_digit(10)) {
            self.at += 1;
            let value = number.unwrap_or(0) * 10 + digit as usize;
            if value > REPETITIONS_MAX {
                return Err(PatternError::Invalid);
            }
            number = Some(value);
        }
        Ok(number)
    }
}

fn is_literal(character: char) -> bool {
    character.is_ascii_alphanumeric() || SYMBOLS.contains(character)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matches_as_documented() {
        for (expression, matching, others) in [
            ("colou?r", &["color", "my colour"][..], &["colouur"][..]),
            ("^ab", &["abc"], &["cab"]),
            ("ab$", &["cab"], &["abc"]),
            ("^ab$", &["ab"], &["abc", "cab"]),
            ("[abcx-z]", &["y", "b"], &["d"]),
            ("[^a-y]", &["z"], &["ay"]),
            ("^a{3,5}$", &["aaa", "aaaaa"], &["aa", "aaaaaa"]),
            ("^a{,2}$", &["", "a", "aa"], &["aaa"]),
            ("^a{2,}$", &["aa", "aaaa"], &["a"]),
            ("^starting|^shutting down", &["starting x", "shutting down"], &["not starting"]),
            ("abcc|ab[^c]$", &["abcc x", "aba"], &["aac x"]),
            (r"\[.\]", &["[a]", "x[7]"], &["a"]),
            (r"10\.10\.0\.1", &["10.10.0.1"], &["10010,051"]),
            ("ab*c", &["ac", "abbbc"], &["adc"]),
            ("^ab+c$", &["abc"], &["ac"]),
            ("^.at$", &["hat", " at"], &["at"]),
            (r"^\d\D\s\S\w\W$", &["1a b_-"], &["aa b_-"]),
            (r"\x28\x3A", &["(:"], &["("]),
            ("a*", &["", "b"], &[]),
        ] {
            let regex = Regex::parse(expression).unwrap_or_else(|_| panic!("{expression}"));
            for text in matching {
                assert!(regex.is_match(text), "{expression} on {text}");
            }
            for text in others {
                assert!(!regex.is_match(text), "{expression} on {text}");
            }
        }
    }

    #[test]
    fn a_long_text_takes_linear_time() {
        let regex = Regex::parse("a*a*a*a*a*a*a*a*b").unwrap();
        assert!(!regex.is_match(&"a".repeat(100_000)));
    }
}
