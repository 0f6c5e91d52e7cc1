//! A small XML reader: elements, attributes, text, CDATA, comments, the five named and the numeric
//! references. A document type is refused, so nothing can be expanded or fetched.

use std::borrow::Cow;

use crate::error::{MAX_DEPTH_LEVELS, Malformed};

/// An element without its namespace prefix.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Element {
    pub(crate) name: String,
    /// With their prefixes, since `xsi:type` is known by it.
    pub(crate) attributes: Vec<(String, String)>,
    pub(crate) children: Vec<Element>,
    /// All text directly inside, joined.
    pub(crate) text: String,
}

impl Element {
    /// Reads a document and answers its root.
    pub(crate) fn parse(body: &[u8]) -> Result<Element, Malformed> {
        let text = std::str::from_utf8(body)
            .map_err(|error| Malformed::new(format!("Invalid UTF-8 at byte {}", error.valid_up_to())))?;
        let mut parser = Parser { text, at: 0 };
        parser.text.strip_prefix('\u{feff}').inspect(|_| parser.at = '\u{feff}'.len_utf8());
        parser.document()
    }
}

struct Parser<'x> {
    text: &'x str,
    at: usize,
}

impl Parser<'_> {
    /// Open elements are kept in a list instead of on the stack.
    fn document(&mut self) -> Result<Element, Malformed> {
        let mut open: Vec<(Element, String)> = Vec::new();
        let mut root: Option<Element> = None;
        loop {
            let Some(tag) = self.rest().find('<') else {
                if !self.rest().trim().is_empty() || !open.is_empty() {
                    return Err(self.error("unexpected end of the document"));
                }
                return root.ok_or_else(|| self.error("there is no root element"));
            };
            if tag > 0 {
                let raw = &self.rest()[..tag];
                match open.last_mut() {
                    Some((element, _)) => {
                        let decoded = self.decode_references(raw)?;
                        element.text.push_str(&decoded);
                    }
                    None if raw.trim().is_empty() => {}
                    None => return Err(self.error("text outside of the root element")),
                }
                self.at += tag;
            }
            if self.skip("<!--") {
                self.until("-->")?;
            } else if self.skip("<?") {
                self.until("?>")?;
            } else if self.skip("<![CDATA[") {
                let start = self.at;
                self.until("]]>")?;
                let Some((element, _)) = open.last_mut() else {
                    return Err(self.error("text outside of the root element"));
                };
                element.text.push_str(&self.text[start..self.at - 3]);
            } else if self.rest().starts_with("<!") {
                return Err(self.error("document types are not allowed"));
            } else if self.skip("</") {
                let name = self.name()?;
                self.skip_whitespace();
                if !self.skip(">") {
                    return Err(self.error("expected `>`"));
                }
                match open.pop() {
                    Some((element, qualified)) if qualified == name => close(&mut open, &mut root, element),
                    _ => return Err(self.error("an end tag without its start")),
                }
            } else {
                self.at += 1;
                if root.is_some() {
                    return Err(self.error("a second root element"));
                }
                let (element, qualified, is_empty) = self.start_tag()?;
                if open.len() >= MAX_DEPTH_LEVELS {
                    return Err(Malformed::too_deep());
                }
                match is_empty {
                    true => close(&mut open, &mut root, element),
                    false => open.push((element, qualified)),
                }
            }
        }
    }

    fn start_tag(&mut self) -> Result<(Element, String, bool), Malformed> {
        let qualified = self.name()?;
        let mut element = Element { name: local(&qualified).to_owned(), ..Element::default() };
        loop {
            let had_space = self.skip_whitespace();
            if self.skip("/>") {
                return Ok((element, qualified, true));
            }
            if self.skip(">") {
                return Ok((element, qualified, false));
            }
            if !had_space {
                return Err(self.error("expected white space before an attribute"));
            }
            let name = self.name()?;
            self.skip_whitespace();
            if !self.skip("=") {
                return Err(self.error("expected `=`"));
            }
            self.skip_whitespace();
            let quote = match self.rest().chars().next() {
                Some(quote @ ('"' | '\'')) => quote,
                _ => return Err(self.error("expected a quoted value")),
            };
            self.at += 1;
            let Some(length) = self.rest().find(quote) else {
                return Err(self.error("the attribute does not end"));
            };
            let raw = &self.rest()[..length];
            if raw.contains('<') {
                return Err(self.error("`<` inside of an attribute"));
            }
            if element.attributes.iter().any(|(known, _)| *known == name) {
                return Err(self.error("an attribute is given twice"));
            }
            let value = self.decode_references(raw)?;
            element.attributes.push((name, value));
            self.at += length + 1;
        }
    }

    fn name(&mut self) -> Result<String, Malformed> {
        let rest = self.rest();
        let is_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | ':' | '-' | '.');
        let length = rest.find(|c: char| !is_name(c)).unwrap_or(rest.len());
        let starts_well = rest.starts_with(|c: char| c.is_alphabetic() || matches!(c, '_' | ':'));
        if !starts_well {
            return Err(self.error("expected a name"));
        }
        let name = rest[..length].to_owned();
        self.at += length;
        Ok(name)
    }

    fn decode_references(&self, raw: &str) -> Result<String, Malformed> {
        // XML reads every line end as a line feed; a `&#13;` below was meant.
        let normalised = match raw.contains('\r') {
            true => Cow::Owned(raw.replace("\r\n", "\n").replace('\r', "\n")),
            false => Cow::Borrowed(raw),
        };
        let mut out = String::with_capacity(normalised.len());
        let mut rest = &*normalised;
        while let Some(start) = rest.find('&') {
            out.push_str(&rest[..start]);
            rest = &rest[start + 1..];
            let Some(end) = rest.find(';') else { return Err(self.error("a reference does not end")) };
            let character = match &rest[..end] {
                "lt" => Some('<'),
                "gt" => Some('>'),
                "amp" => Some('&'),
                "quot" => Some('"'),
                "apos" => Some('\''),
                reference => numeric_reference(reference),
            };
            out.push(character.ok_or_else(|| self.error("an unknown reference"))?);
            rest = &rest[end + 1..];
        }
        out.push_str(rest);
        Ok(out)
    }

    fn until(&mut self, end: &str) -> Result<(), Malformed> {
        match self.rest().find(end) {
            Some(position) => {
                self.at += position + end.len();
                Ok(())
            }
            None => Err(self.error("unexpected end of the document")),
        }
    }

    fn skip(&mut self, prefix: &str) -> bool {
        let found = self.rest().starts_with(prefix);
        self.at += if found { prefix.len() } else { 0 };
        found
    }

    fn skip_whitespace(&mut self) -> bool {
        let rest = self.rest();
        let length = rest.len() - rest.trim_start_matches([' ', '\t', '\r', '\n']).len();
        self.at += length;
        length > 0
    }

    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn error(&self, reason: &str) -> Malformed {
        Malformed::new(format!("The XML is not well-formed: {reason} at byte {}", self.at))
    }
}

fn close(open: &mut [(Element, String)], root: &mut Option<Element>, element: Element) {
    match open.last_mut() {
        Some((parent, _)) => parent.children.push(element),
        None => *root = Some(element),
    }
}

fn local(qualified: &str) -> &str {
    qualified.rsplit_once(':').map_or(qualified, |(_, local)| local)
}

fn numeric_reference(reference: &str) -> Option<char> {
    let digits = reference.strip_prefix('#')?;
    let code = match digits.strip_prefix(['x', 'X']) {
        Some(digits) => u32::from_str_radix(digits, 16).ok()?,
        None => digits.parse().ok()?,
    };
    char::from_u32(code).filter(|character| *character != '\0')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_read() {
        let root = Element::parse(
            b"\xef\xbb\xbf<?xml version=\"1.0\"?><!-- a --><s:A xmlns:s='u' x:t=\"1 &lt; 2\">\n <B>a&amp;b&#65;<![CDATA[<c>]]></B><s:C/></s:A>\n",
        )
        .unwrap();
        assert_eq!(root.name, "A");
        assert_eq!(root.attributes[1], ("x:t".to_owned(), "1 < 2".to_owned()));
        assert_eq!(root.children[0].text, "a&bA<c>");
        assert_eq!(root.children[1].name, "C");
    }

    #[test]
    fn what_is_not_well_formed_is_refused() {
        for xml in [
            "",
            " ",
            "a",
            "<a>",
            "<a></b>",
            "<a/><b/>",
            "</a>",
            "<a",
            "<a b>",
            "<a b=c/>",
            "<a b='1' b='2'/>",
            "<1/>",
            "<a>&nope;</a>",
            "<a>&#0;</a>",
            "<a>&amp</a>",
            "<a/>x",
            "x<a/>",
            "<a><![CDATA[x</a>",
            "<!-- x",
            "<a b='<'/>",
            "<a b='1'c='2'/>",
            "<a:b></b>",
        ] {
            assert!(Element::parse(xml.as_bytes()).is_err(), "{xml}");
        }
    }

    #[test]
    fn nothing_is_expanded() {
        let bomb = b"<?xml version=\"1.0\"?><!DOCTYPE a [<!ENTITY b \"bb\">]><a>&b;</a>";
        assert!(Element::parse(bomb).unwrap_err().0.contains("document types are not allowed"));
    }

    #[test]
    fn nesting_is_bounded() {
        let nested = |levels: usize| "<a>".repeat(levels) + &"</a>".repeat(levels);
        assert!(Element::parse(nested(MAX_DEPTH_LEVELS).as_bytes()).is_ok());
        assert_eq!(Element::parse("<a>".repeat(1_000_000).as_bytes()).unwrap_err(), Malformed::too_deep());
    }
}
