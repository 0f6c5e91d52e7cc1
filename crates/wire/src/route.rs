//! From a method and a raw path to an operation of a REST service.
//!
//! Paths are matched before percent-decoding, segment by segment, so that an encoded slash never
//! splits a label. Where several operations share a path, those decide whose query literals
//! (`?list-type=2`), required query members and required headers the request carries.

use std::collections::HashMap;

use http::HeaderMap;

use crate::model::{Location, OperationModel, Shape};

/// The template of an operation's path and query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Path {
    pub(crate) segments: Vec<Segment>,
    /// Query parameters that must be there, with their value when it is stated.
    pub(crate) query: Vec<(Box<str>, Option<Box<str>>)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Segment {
    Literal(Box<str>),
    Label(Box<str>),
    /// One or more segments, slashes included.
    Greedy(Box<str>),
}

impl Path {
    pub(crate) fn parse(uri: &str) -> Result<Path, String> {
        let (path, query) = uri.split_once('?').unwrap_or((uri, ""));
        let segments = path
            .split('/')
            .filter(|segment| !segment.is_empty())
            .map(|segment| match segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
                Some(label) => match label.strip_suffix('+') {
                    Some(label) => Segment::Greedy(label.into()),
                    None => Segment::Label(label.into()),
                },
                None => Segment::Literal(segment.into()),
            })
            .collect::<Vec<_>>();
        if segments.iter().filter(|segment| matches!(segment, Segment::Greedy(_))).count() > 1 {
            return Err(format!("{uri} has two greedy labels"));
        }
        let query = query
            .split('&')
            .filter(|literal| !literal.is_empty())
            .map(|literal| match literal.split_once('=') {
                Some((key, value)) => (key.into(), Some(value.into())),
                None => (literal.into(), None),
            })
            .collect();
        Ok(Path { segments, query })
    }

    /// The labels of a raw path that fits this template, still percent-encoded.
    pub(crate) fn labels<'p>(&self, path: &'p str) -> Option<Vec<(&str, &'p str)>> {
        let mut rest = path.strip_prefix('/').unwrap_or(path);
        let mut labels = Vec::new();
        let mut finished = false;
        for (index, segment) in self.segments.iter().enumerate() {
            if finished {
                return None;
            }
            if let Segment::Greedy(name) = segment {
                let after = self.segments.len() - index - 1;
                let end = greedy_end(rest, after)?;
                labels.push((&**name, &rest[..end]));
                match after {
                    0 => return Some(labels),
                    _ => rest = &rest[end + 1..],
                }
                continue;
            }
            let (part, remainder) = match rest.split_once('/') {
                Some(split) => split,
                None => {
                    finished = true;
                    (rest, "")
                }
            };
            match segment {
                Segment::Literal(literal) if **literal == *part => {}
                Segment::Label(name) if !part.is_empty() => labels.push((&**name, part)),
                _ => return None,
            }
            rest = remainder;
        }
        // What is left may only be the emptiness behind a trailing slash.
        rest.is_empty().then_some(labels)
    }
}

/// Where a greedy label ends when `after` more segments must follow it.
fn greedy_end(rest: &str, after: usize) -> Option<usize> {
    let mut end = rest.len();
    for _ in 0..after {
        end = rest[..end].rfind('/')?;
    }
    (end > 0).then_some(end)
}

/// The routes of one service, as a tree over the path's segments.
#[derive(Debug, Default)]
pub(crate) struct Routes {
    root: Node,
}

#[derive(Debug, Default)]
struct Node {
    literals: HashMap<Box<str>, Node>,
    label: Option<Box<Node>>,
    greedy: Vec<Route>,
    here: Vec<Route>,
}

#[derive(Debug)]
struct Route {
    /// The operation's index in the model.
    operation: usize,
    method: http::Method,
    query: Vec<(Box<str>, Option<Box<str>>)>,
    /// What follows a greedy label.
    suffix: Vec<Box<str>>,
    required_query: Vec<Box<str>>,
    required_headers: Vec<Box<str>>,
}

/// What a path leads to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found {
    Operation(usize),
    /// The path exists with other methods only.
    OtherMethod,
    Nothing,
}

impl Routes {
    pub(crate) fn insert(&mut self, index: usize, operation: &OperationModel, shapes: &[Shape]) {
        let mut route = Route {
            operation: index,
            method: operation.method.clone(),
            query: operation.path.query.clone(),
            suffix: Vec::new(),
            required_query: Vec::new(),
            required_headers: Vec::new(),
        };
        let input = operation.input.and_then(|id| shapes[id.0 as usize].structure());
        for member in input.into_iter().flat_map(|input| input.members()).filter(|member| member.is_required)
        {
            match member.location {
                Location::Query => route.required_query.push(member.wire_name().into()),
                Location::Header => route.required_headers.push(member.wire_name().into()),
                _ => {}
            }
        }
        let mut node = &mut self.root;
        for (position, segment) in operation.path.segments.iter().enumerate() {
            match segment {
                Segment::Literal(literal) => node = node.literals.entry(literal.clone()).or_default(),
                Segment::Label(_) => node = node.label.get_or_insert_default(),
                Segment::Greedy(_) => {
                    route.suffix = operation.path.segments[position + 1..]
                        .iter()
                        .map(|segment| match segment {
                            Segment::Literal(literal) => literal.clone(),
                            Segment::Label(name) | Segment::Greedy(name) => name.clone(),
                        })
                        .collect();
                    node.greedy.push(route);
                    return;
                }
            }
        }
        node.here.push(route);
    }

    pub(crate) fn find(
        &self,
        method: &http::Method,
        path: &str,
        query: &[(String, String)],
        headers: &HeaderMap,
    ) -> Found {
        let wanted = Wanted { method, query, headers };
        let mut other_method = false;
        match self.root.find(path.strip_prefix('/').unwrap_or(path), &wanted, &mut other_method) {
            Some(operation) => Found::Operation(operation),
            None if other_method => Found::OtherMethod,
            None => Found::Nothing,
        }
    }
}

struct Wanted<'r> {
    method: &'r http::Method,
    query: &'r [(String, String)],
    headers: &'r HeaderMap,
}

impl Node {
    fn find(&self, rest: &str, wanted: &Wanted<'_>, other_method: &mut bool) -> Option<usize> {
        if rest.is_empty() {
            return best(self.here.iter(), wanted, other_method);
        }
        let (segment, remainder) = rest.split_once('/').unwrap_or((rest, ""));
        let by_literal =
            self.literals.get(segment).and_then(|node| node.find(remainder, wanted, other_method));
        if by_literal.is_some() {
            return by_literal;
        }
        if !segment.is_empty()
            && let Some(node) = &self.label
        {
            // A greedy label below wants the slash that ends this segment; an empty rest does not.
            let found = node.find(remainder, wanted, other_method);
            if found.is_some() {
                return found;
            }
        }
        let fits = |route: &&Route| {
            let Some(end) = greedy_end(rest, route.suffix.len()) else { return false };
            let mut suffix = rest[end..].split('/').skip(1);
            route.suffix.iter().all(|expected| suffix.next() == Some(&**expected))
        };
        best(self.greedy.iter().filter(fits), wanted, other_method)
    }
}

/// The route that says most about the request; of routes equally apt, the one that asks least.
fn best<'n>(
    routes: impl Iterator<Item = &'n Route>,
    wanted: &Wanted<'_>,
    other_method: &mut bool,
) -> Option<usize> {
    let mut best: Option<((usize, bool, usize, isize), usize)> = None;
    for route in routes {
        if route.method != *wanted.method {
            *other_method = true;
            continue;
        }
        let literals_hold = route.query.iter().all(|(key, value)| {
            wanted.query.iter().any(|(k, v)| **key == *k && value.as_ref().is_none_or(|value| **value == *v))
        });
        if !literals_hold {
            continue;
        }
        let missing_query =
            route.required_query.iter().filter(|key| !wanted.query.iter().any(|(k, _)| k == &***key)).count();
        let missing_headers =
            route.required_headers.iter().filter(|name| !wanted.headers.contains_key(&***name)).count();
        let required = route.required_query.len() + route.required_headers.len();
        let missing = missing_query + missing_headers;
        // Complete routes first, the most demanding of them before the others; else the least missing.
        let rank = (
            route.query.len(),
            missing == 0,
            if missing == 0 { required } else { 0 },
            if missing == 0 { 0 } else { -(missing as isize) },
        );
        if best.as_ref().is_none_or(|(top, _)| rank > *top) {
            best = Some((rank, route.operation));
        }
    }
    best.map(|(_, operation)| operation)
}
