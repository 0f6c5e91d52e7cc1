//! Resource ARNs and the patterns that cover them.
//!
//! Source: IAM user guide, "IAM JSON policy elements: Resource" and "Condition operators" (ARN). A star at the end of
//! an ARN's segment may reach over colons, any other star of the first five segments may not; the sixth segment, the
//! resource itself, may hold colons. A pattern with fewer segments is completed with stars.

use super::context::Context;
use super::pattern::{Glob, Piece, Syntax, Template, pieces, resolve};

const ARN_SEGMENTS: usize = 6;
/// Segments of a resource that are told apart; those after belong to the last one.
const RESOURCE_SEGMENTS_MAX: usize = 64;

#[derive(Clone, Debug)]
pub(super) enum ResourcePattern {
    Any,
    /// Every star may cross colons, so that the ARN is one text.
    Whole(Template),
    /// Some star must stay within its segment.
    Segmented(Vec<Vec<Piece>>),
}

impl ResourcePattern {
    /// `None` unless the text is an ARN pattern or `*`.
    pub(super) fn parse(text: &str, variables: bool) -> Option<Self> {
        if !text.is_empty() && text.bytes().all(|byte| byte == b'*') {
            return Some(ResourcePattern::Any);
        }
        if !text.starts_with("arn:") {
            return None;
        }
        let mut segments = split_segments(&pieces(text, Syntax { wildcards: true, variables }));
        segments.resize_with(segments.len().max(ARN_SEGMENTS), || vec![Piece::Many]);
        let bound = segments[..ARN_SEGMENTS - 1]
            .iter()
            .any(|segment| segment.split_last().is_some_and(|(_, inner)| inner.contains(&Piece::Many)));
        if bound {
            return Some(ResourcePattern::Segmented(segments));
        }
        let mut whole = Vec::new();
        for (index, segment) in segments.into_iter().enumerate() {
            if index > 0 {
                push_text(&mut whole, ":");
            }
            whole.extend(segment);
        }
        Some(ResourcePattern::Whole(Template::new(whole)))
    }

    /// `None` when a variable of the pattern has no value.
    pub(super) fn matches(&self, resource: &str, context: &Context) -> Option<bool> {
        match self {
            ResourcePattern::Any => Some(true),
            ResourcePattern::Whole(template) => template.matches(resource, context),
            ResourcePattern::Segmented(segments) => {
                let segments: Option<Vec<_>> =
                    segments.iter().map(|segment| resolve(segment, context)).collect();
                Some(matches_segments(&segments?, resource))
            }
        }
    }
}

/// The pattern of `ArnEquals` and `ArnLike`: six parts, each matched alone.
#[derive(Clone, Debug)]
pub(super) struct ArnPattern(Vec<Template>);

impl ArnPattern {
    /// `None` unless the pattern has six parts or is `*`.
    pub(super) fn parse(text: &str, variables: bool) -> Option<Self> {
        let syntax = Syntax { wildcards: true, variables };
        if text == "*" {
            return Some(ArnPattern(Vec::new()));
        }
        let segments = split_segments(&pieces(text, syntax));
        (segments.len() == ARN_SEGMENTS)
            .then(|| ArnPattern(segments.into_iter().map(Template::new).collect()))
    }

    pub(super) fn matches(&self, arn: &str, context: &Context) -> Option<bool> {
        let mut parts = arn.splitn(ARN_SEGMENTS, ':');
        for pattern in &self.0 {
            match parts.next() {
                Some(part) if pattern.matches(part, context)? => {}
                _ => return Some(false),
            }
        }
        Some(true)
    }
}

/// Cuts at the first five colons of the plain text; a colon inside a variable's name is no border.
fn split_segments(pieces: &[Piece]) -> Vec<Vec<Piece>> {
    let mut segments = vec![Vec::new()];
    for piece in pieces {
        let Piece::Text(text) = piece else {
            segments.last_mut().expect("starts with one").push(piece.clone());
            continue;
        };
        let wanted = ARN_SEGMENTS + 1 - segments.len();
        for (index, part) in text.splitn(wanted, ':').enumerate() {
            if index > 0 {
                segments.push(Vec::new());
            }
            push_text(segments.last_mut().expect("starts with one"), part);
        }
    }
    segments
}

fn push_text(pieces: &mut Vec<Piece>, text: &str) {
    match pieces.last_mut() {
        _ if text.is_empty() => {}
        Some(Piece::Text(last)) => last.push_str(text),
        _ => pieces.push(Piece::Text(text.to_owned())),
    }
}

/// Follows, segment by segment of the pattern, the set of places in the resource where the next one may begin.
fn matches_segments(pattern: &[Vec<Piece>], resource: &str) -> bool {
    let starts: Vec<usize> = std::iter::once(0)
        .chain(resource.match_indices(':').map(|(index, _)| index + 1))
        .take(RESOURCE_SEGMENTS_MAX)
        .collect();
    let end_of = |index: usize| starts.get(index + 1).map_or(resource.len(), |next| next - 1);
    let Some((last, first)) = pattern.split_last() else { return false };
    let mut reached: u64 = 1;
    for segment in first {
        let glob = Glob::new(segment);
        let crosses = segment.last() == Some(&Piece::Many);
        let mut next: u64 = 0;
        for (index, start) in starts.iter().enumerate() {
            if reached & (1 << index) == 0 || !glob.matches(&resource[*start..end_of(index)]) {
                continue;
            }
            let beyond = 1_u64.checked_shl(index as u32 + 1).unwrap_or(0);
            next |= if crosses { beyond.wrapping_neg() } else { beyond };
        }
        reached = next;
    }
    let glob = Glob::new(last);
    starts
        .iter()
        .enumerate()
        .any(|(index, start)| reached & (1 << index) != 0 && glob.matches(&resource[*start..]))
}
