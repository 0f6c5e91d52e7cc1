//! `Marker`, `IsTruncated` and `MaxItems`, which all lists of IAM share.

use serde::Serialize;
use service::{Failure, PageToken, Result};

use crate::error::validation;
use crate::limits::{PAGE_ITEMS_DEFAULT, PAGE_ITEMS_MAX};

/// The end of a page, as answers carry it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct PageEnd {
    pub is_truncated: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub marker: Option<String>,
}

/// Cuts the asked-for page out of all items, which are sorted by their keys.
pub(crate) fn cut<T>(
    items: Vec<(String, T)>,
    marker: Option<&str>,
    max_items: Option<usize>,
) -> Result<(Vec<T>, PageEnd)> {
    let after = match marker {
        Some(marker) => Some(PageToken::decode(marker).map_err(|_| invalid_marker())?.0),
        None => None,
    };
    let limit = max_items.unwrap_or(PAGE_ITEMS_DEFAULT).clamp(1, PAGE_ITEMS_MAX);
    let mut rest: Vec<(String, T)> =
        items.into_iter().filter(|(key, _)| after.as_ref().is_none_or(|after| key > after)).collect();
    let marker = PageToken::cut(&mut rest, limit).map(|token| token.encode());
    let end = PageEnd { is_truncated: marker.is_some(), marker };
    Ok((rest.into_iter().map(|(_, item)| item).collect(), end))
}

fn invalid_marker() -> Failure {
    validation("Invalid Marker.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_put_together_are_all_items() {
        let items: Vec<(String, usize)> = (0..7).map(|index| (format!("{index}"), index)).collect();
        for max_items in 1..9 {
            let (mut seen, mut marker) = (Vec::new(), None);
            loop {
                let (page, end) = cut(items.clone(), marker.as_deref(), Some(max_items)).unwrap();
                assert!(page.len() <= max_items);
                seen.extend(page);
                marker = end.marker;
                if !end.is_truncated {
                    break;
                }
            }
            assert_eq!(seen, [0, 1, 2, 3, 4, 5, 6], "{max_items}");
        }
        assert!(cut(items, Some("x"), None).is_err());
    }
}
