//! The parameters that queries and scans share.

use std::collections::BTreeMap;

use serde::Serialize;
use service::{Context, Failure, Result};
use wire::Document;

use super::capacity::{CapacityReport, ConsumedCapacity};
use super::check::check_expression_keys;
use super::place::is_projected;
use super::search::{Page, Search, Shown, Source, start_key};
use crate::expression::{
    Condition, FilterCondition, Projection, check_attributes_to_get, check_operator, filter_conditions,
    operator_of,
};
use crate::keys::Keys;
use crate::value::{Attributes, Layer, read_attributes, to_document};

/// In the order in which the service lists them.
const SELECTS: [&str; 4] = ["SPECIFIC_ATTRIBUTES", "COUNT", "ALL_ATTRIBUTES", "ALL_PROJECTED_ATTRIBUTES"];

/// What a search answers.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Found {
    #[serde(skip_serializing_if = "Option::is_none")]
    items: Option<Document>,
    count: usize,
    scanned_count: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_evaluated_key: Option<Document>,
    #[serde(skip_serializing_if = "Option::is_none")]
    consumed_capacity: Option<ConsumedCapacity>,
}

impl Found {
    pub(crate) fn new(page: Page, table: &str, shown: &Shown, report: CapacityReport) -> Self {
        Found {
            items: (*shown != Shown::Nothing).then_some(Document::List(page.items)),
            count: page.count,
            scanned_count: page.scanned,
            last_evaluated_key: page.last.as_ref().map(to_document),
            consumed_capacity: page.consumed.report(table, report, None),
        }
    }
}

/// Which of the parameters chose the parts that are shown.
#[derive(Debug)]
pub(crate) enum Chosen {
    Nothing,
    Expression(Projection),
    Attributes(Projection),
}

impl Chosen {
    pub(crate) fn new(expression: Option<Projection>, attributes: Option<Vec<String>>) -> Result<Self> {
        Ok(match (expression, attributes) {
            (Some(projection), _) => Chosen::Expression(projection),
            (None, Some(names)) => {
                Chosen::Attributes(check_attributes_to_get(names).map_err(Failure::validation)?)
            }
            (None, None) => Chosen::Nothing,
        })
    }

    pub(crate) fn projection(&self) -> Option<&Projection> {
        match self {
            Chosen::Nothing => None,
            Chosen::Expression(projection) | Chosen::Attributes(projection) => Some(projection),
        }
    }

    /// Holds the choice to `Select`, before the table is known.
    pub(crate) fn check(&self, select: Option<&str>, has_index: bool) -> Result<()> {
        let parameter = match self {
            Chosen::Nothing => None,
            Chosen::Expression(_) => Some("ProjectionExpression"),
            Chosen::Attributes(_) => Some("AttributesToGet"),
        };
        let text = match (select, parameter) {
            (Some("SPECIFIC_ATTRIBUTES"), None) => {
                "Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES"
                    .to_owned()
            }
            (Some("COUNT"), Some(parameter)) => {
                format!("Cannot specify the {parameter} when choosing to get only the Count")
            }
            (Some(select @ ("ALL_ATTRIBUTES" | "ALL_PROJECTED_ATTRIBUTES")), Some(parameter)) => {
                format!("Cannot specify the {parameter} when choosing to get {select}")
            }
            (Some("ALL_PROJECTED_ATTRIBUTES"), None) if !has_index => {
                "ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName".to_owned()
            }
            (Some(known), _) if SELECTS.contains(&known) => return Ok(()),
            (None, _) => return Ok(()),
            (Some(unknown), _) => format!(
                "Value '{unknown}' at 'select' failed to satisfy constraint: Member must satisfy enum value set: [{}]",
                SELECTS.join(", ")
            ),
        };
        Err(Failure::validation(Layer::Enveloped.message(&text)))
    }

    /// What is shown of the items of this source.
    pub(crate) fn shown(self, select: Option<&str>, source: &Source) -> Result<Shown> {
        if select == Some("COUNT") {
            return Ok(Shown::Nothing);
        }
        let (table, index) = (&source.table, source.index.as_ref());
        let projection = match self {
            Chosen::Nothing => None,
            Chosen::Expression(projection) | Chosen::Attributes(projection) => Some(projection),
        };
        let Some(index) = index else { return Ok(projection.map_or(Shown::Everything, Shown::Parts)) };
        let is_all = index.projection == crate::table::ProjectionKind::All;
        let Some(projection) = projection else {
            if select != Some("ALL_ATTRIBUTES") || is_all {
                return Ok(Shown::Everything);
            }
            if source.is_global() {
                return Err(Failure::validation(format!(
                    "One or more parameter values were invalid: Select type ALL_ATTRIBUTES is not supported for global \
                     secondary index {} because its projection type is not ALL",
                    index.name
                )));
            }
            return Ok(Shown::WholeItem);
        };
        let missing: Vec<&str> =
            projection.attributes().filter(|name| !is_projected(table, index, name)).collect();
        if missing.is_empty() {
            return Ok(Shown::Parts(projection));
        }
        if source.is_global() {
            return Err(Failure::validation(format!(
                "One or more parameter values were invalid: Global secondary index {} does not project [{}]",
                index.name,
                missing.join(", ")
            )));
        }
        Ok(Shown::PartsOfItem(projection))
    }
}

/// A filter of the older API, with what goes with it.
pub(crate) fn older_filter(
    filter: Option<BTreeMap<String, FilterCondition>>,
    operator: Option<&str>,
    layer: Layer,
) -> Result<Option<Condition>> {
    check_operator(operator, filter.as_ref().map(BTreeMap::len)).map_err(Failure::validation)?;
    let Some(filter) = filter else { return Ok(None) };
    filter_conditions(filter, operator_of(operator), layer).map_err(Failure::validation)
}

/// The key to go on behind.
pub(crate) fn read_start(key: Option<Document>, layer: Layer) -> Result<Option<Attributes>> {
    let Some(key) = key else { return Ok(None) };
    let read = read_attributes(key).map_err(|problem| Failure::validation(problem.text(layer)))?;
    Ok(Some(read))
}

/// Finishes a search and runs it: checks what only the table can tell, then reads a page.
pub(crate) async fn run(
    cx: &Context,
    mut search: Search,
    start: Option<Attributes>,
    projection: Option<&Projection>,
) -> Result<Page> {
    let table = &search.source.table;
    check_expression_keys(table, search.filter.as_ref(), None, projection).map_err(Failure::validation)?;
    if let Some(start) = start {
        let place = start_key(&Keys::new(cx.scope()), &search.source, &start).map_err(Failure::validation)?;
        search.start_behind(&start, &place).map_err(Failure::validation)?;
    }
    search.run(cx).await
}
