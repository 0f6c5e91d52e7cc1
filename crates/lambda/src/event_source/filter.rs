//! Which records a function wants.

use service::EventPattern;

use super::settings::FilterCriteria;
use super::source::SourceRecord;

/// The filters of a mapping; a record that one of them wants is wanted.
#[derive(Debug, Default)]
pub(crate) struct Filters {
    /// `None` wants everything.
    patterns: Option<Vec<EventPattern>>,
}

impl Filters {
    /// The patterns were checked when they were set; one that does not read any more wants nothing.
    pub(crate) fn new(criteria: Option<&FilterCriteria>) -> Self {
        let Some(criteria) = criteria else { return Filters::default() };
        let mut patterns = Vec::new();
        for filter in &criteria.filters {
            let text = filter.pattern.as_deref().unwrap_or_default();
            if matches!(text.trim(), "" | "{}") {
                return Filters::default();
            }
            patterns.extend(EventPattern::parse(text));
        }
        Filters { patterns: Some(patterns) }
    }

    pub(crate) fn wants(&self, record: &SourceRecord) -> bool {
        let Some(patterns) = &self.patterns else { return true };
        patterns.iter().any(|pattern| pattern.matches(&record.json))
    }
}
