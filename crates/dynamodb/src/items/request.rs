//! The parameters that writes of items share.

use std::collections::BTreeMap;

use service::{Failure, Result};
use wire::Document;

use super::change::check_item_size;
use crate::expression::{
    Condition, ExpectedValue, Expressions, Parameters, Role, check_operator, expected, operator_of,
};
use crate::value::{Attributes, Layer, read_attributes};

/// A condition and what it is written with.
#[derive(Debug, Default)]
pub(crate) struct ConditionInput {
    pub(crate) condition_expression: Option<String>,
    pub(crate) update_expression: Option<String>,
    pub(crate) names: Option<Document>,
    pub(crate) values: Option<Document>,
    pub(crate) expected: Option<BTreeMap<String, ExpectedValue>>,
    pub(crate) conditional_operator: Option<String>,
    pub(crate) has_attribute_updates: bool,
    /// Whether the operation takes an update.
    pub(crate) takes_update: bool,
}

/// What a write asks for besides its item.
#[derive(Debug, Default)]
pub(crate) struct WriteInput {
    pub(crate) expressions: Expressions,
    pub(crate) condition: Option<Condition>,
}

/// A problem found before the table was looked up.
pub(crate) fn layer_failure(layer: Layer) -> impl Fn(String) -> Failure {
    move |problem| Failure::validation(layer.message(&problem))
}

impl ConditionInput {
    /// Whether the parameters may come together; before anything else is looked at.
    pub(crate) fn check(&self, layer: Layer) -> std::result::Result<(), String> {
        self.parameters(None, Some(layer)).check_combination()
    }

    fn parameters(&self, values: Option<Document>, layer: Option<Layer>) -> Parameters<'_> {
        let mut expressions = Vec::new();
        if self.takes_update {
            expressions.push((Role::Update, self.update_expression.as_deref()));
        }
        expressions.push((Role::Condition, self.condition_expression.as_deref()));
        let mut older = Vec::new();
        if self.has_attribute_updates {
            older.push("AttributeUpdates");
        }
        if self.expected.is_some() {
            older.push("Expected");
        }
        if self.conditional_operator.is_some() {
            older.push("ConditionalOperator");
        }
        let values = values.or_else(|| self.values.as_ref().map(|_| Document::Null));
        let names = self.names.clone();
        Parameters { expressions, older, names, values, layer }
    }

    /// Reads the expressions, or the older parameters in their place.
    pub(crate) fn read(mut self, layer: Layer) -> Result<WriteInput> {
        let refused = layer_failure(layer);
        let conditions = self.expected.as_ref().map(BTreeMap::len);
        check_operator(self.conditional_operator.as_deref(), conditions).map_err(&refused)?;
        let older = match self.expected.take() {
            Some(given) => {
                let junction = operator_of(self.conditional_operator.as_deref());
                expected(given, junction, layer).map_err(&refused)?
            }
            None => None,
        };
        let values = self.values.take();
        let mut expressions = self.parameters(values, Some(layer)).read().map_err(&refused)?;
        let condition = expressions.condition.take().or(older);
        Ok(WriteInput { expressions, condition })
    }
}

/// Reads a whole item, and holds it to its size.
pub(crate) fn read_item(document: Document, layer: Layer) -> Result<Attributes> {
    let item = read_attributes(document).map_err(|problem| layer_failure(layer)(problem.text(layer)))?;
    check_item_size(&item).map_err(Failure::validation)?;
    Ok(item)
}

/// Reads a key.
pub(crate) fn read_key(document: Document, layer: Layer) -> Result<Attributes> {
    read_attributes(document).map_err(|problem| layer_failure(layer)(problem.text(layer)))
}
