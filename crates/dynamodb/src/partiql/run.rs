//! A statement becomes a query, a scan or a write.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use service::{Context, Failure, Result};
use sha2::{Digest, Sha256};
use store::Order;
use wire::Document;

use super::condition::{conjuncts, equality};
use super::malformed;
use super::parse::SYNTAX;
use super::statement::{Select, Statement};
use crate::DynamoDb;
use crate::expression::{Comparison, Condition, KeyTest, Operand, Operator, Path, Projection};
use crate::items::*;
use crate::keys::Keys;
use crate::table::{OpenTable, TableName};
use crate::value::{Attributes, Layer, Value, decode_attributes, encode_attributes, read_value, to_document};

/// Units of one answer at which a statement that reads many partitions stops: about as many as a page of one.
const PAGE_UNITS: f64 = 128.0;
const FINGERPRINT_BYTES: usize = 16;
const RANGE_BYTES: usize = 4;

/// How a selection is made.
#[derive(Clone, Debug, Default)]
pub(crate) struct SelectOptions {
    pub(crate) consistent: bool,
    pub(crate) limit: Option<usize>,
    pub(crate) next_token: Option<String>,
    /// What a token belongs to.
    pub(crate) fingerprint: [u8; FINGERPRINT_BYTES],
}

/// What a statement did.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) table: String,
    pub(crate) items: Vec<Document>,
    pub(crate) last: Option<Attributes>,
    pub(crate) next_token: Option<String>,
    pub(crate) consumed: Consumed,
}

/// A condition that names one item: its key, and what else it demands.
#[derive(Debug)]
pub(crate) struct Keyed {
    pub(crate) key: Attributes,
    pub(crate) condition: Option<Condition>,
}

/// Reads the values for the question marks.
pub(crate) fn read_parameters(parameters: Option<Vec<Document>>) -> Result<Vec<Value>> {
    let read = parameters.unwrap_or_default().into_iter().map(|parameter| {
        read_value(parameter).map_err(|problem| Failure::validation(problem.text(Layer::Older)))
    });
    read.collect()
}

impl SelectOptions {
    /// Binds tokens to a statement and its parameters.
    pub(crate) fn bind(&mut self, statement: &str, parameters: &[Value]) {
        let mut hash = Sha256::new();
        hash.update(statement);
        for parameter in parameters {
            let mut bytes = Vec::new();
            encode_attributes(&[(String::new(), parameter.clone())].into(), &mut bytes);
            hash.update(bytes);
        }
        self.fingerprint.copy_from_slice(&hash.finalize()[..FINGERPRINT_BYTES]);
    }

    fn token(&self, range: usize, last: Option<&Attributes>) -> String {
        let mut token = self.fingerprint.to_vec();
        token.extend_from_slice(&u32::try_from(range).unwrap_or(u32::MAX).to_be_bytes());
        if let Some(last) = last {
            encode_attributes(last, &mut token);
        }
        STANDARD.encode(token)
    }

    /// Where to go on: the number of a range, and the key behind which.
    fn start(&self) -> Result<(usize, Option<Attributes>)> {
        let Some(token) = &self.next_token else { return Ok((0, None)) };
        let invalid = || Failure::validation("Given NextToken is invalid");
        let bytes = STANDARD.decode(token).map_err(|_| invalid())?;
        let body = bytes.strip_prefix(self.fingerprint.as_slice()).ok_or_else(invalid)?;
        let (range, key) = body.split_first_chunk::<RANGE_BYTES>().ok_or_else(invalid)?;
        let key = if key.is_empty() { None } else { Some(decode_attributes(key).map_err(|_| invalid())?) };
        Ok((u32::from_be_bytes(*range) as usize, key))
    }
}

/// Runs a selection up to the end of a page.
pub(crate) async fn run_select(
    dynamodb: &DynamoDb,
    cx: &Context,
    select: &Select,
    options: &SelectOptions,
) -> Result<Outcome> {
    let name = TableName::parse(cx, &select.table)?;
    let table = dynamodb.tables().open(cx, &name).await?;
    let source = Source::new(table, select.index.as_deref())
        .map_err(|_| Failure::validation("The table does not have the specified index"))?;
    if options.consistent && source.is_global() {
        return Err(Failure::validation(
            "Strongly consistent read is not supported on Global Secondary Indexes",
        ));
    }
    let parts = select.condition.clone().map(conjuncts).unwrap_or_default();
    let mut partitions = partitions(&source, &parts);
    let order = order(select, &source, partitions.as_mut()).map_err(Failure::validation)?;
    if partitions.is_some() {
        check_filter(&source, &parts)?;
    }
    let projection = select.paths.clone().map(|paths| Projection { paths, is_flat: true });
    let shown = match &projection {
        None => Shown::Everything,
        Some(projection) => Chosen::Expression(projection.clone()).shown(None, &source)?,
    };
    let ranges = ranges(&Keys::new(cx.scope()), &source, partitions, &parts).map_err(Failure::validation)?;
    let (mut at, mut start) = options.start()?;
    let mut outcome = Outcome {
        table: source.table.name.clone(),
        items: Vec::new(),
        last: None,
        next_token: None,
        consumed: Consumed::default(),
    };
    let mut left = options.limit;
    while let Some((range, sort)) = ranges.get(at) {
        let search = Search {
            source: source.clone(),
            range: range.clone(),
            order,
            sort: sort.clone(),
            filter: select.condition.clone(),
            limit: left,
            shown: shown.clone(),
            consistent: options.consistent,
        };
        let page = run(cx, search, start.take(), projection.as_ref()).await?;
        outcome.items.extend(page.items);
        outcome.consumed.add(&page.consumed);
        left = left.map(|left| left.saturating_sub(page.scanned));
        if page.last.is_some() {
            outcome.next_token = Some(options.token(at, page.last.as_ref()));
            outcome.last = page.last;
            break;
        }
        at += 1;
        if at < ranges.len() && (left == Some(0) || outcome.consumed.total() >= PAGE_UNITS) {
            outcome.next_token = Some(options.token(at, None));
            break;
        }
    }
    Ok(outcome)
}

/// The partitions that the condition names, if it does.
fn partitions(source: &Source, parts: &[Condition]) -> Option<Vec<Value>> {
    let mut names = source.key().partition_names();
    let (name, None) = (names.next()?, names.next()) else { return None };
    parts.iter().find_map(|part| match part {
        Condition::In(Operand::Path(path), options) if path.root == name && !path.is_nested() => {
            let values = options.iter().map(|option| match option {
                Operand::Value(value) => Some(value.clone()),
                _ => None,
            });
            let mut values: Vec<Value> = values.collect::<Option<_>>()?;
            let mut seen = std::collections::HashSet::new();
            values.retain(|value| seen.insert(value.clone()));
            Some(values)
        }
        part => equality(part).filter(|(found, _)| *found == name).map(|(_, value)| vec![value.clone()]),
    })
}

/// Which way the items come.
fn order(
    select: &Select,
    source: &Source,
    partitions: Option<&mut Vec<Value>>,
) -> std::result::Result<Order, String> {
    if select.order.is_empty() {
        return Ok(Order::Forward);
    }
    if select.condition.is_none() {
        return Err("Must have WHERE clause in the statement when using ORDER BY clause.".to_owned());
    }
    let Some(partitions) = partitions else {
        return Err(
            "Must have at least one non-optional hash key condition in WHERE clause when using ORDER BY clause."
                .to_owned(),
        );
    };
    let mut order = Order::Forward;
    for (name, descends) in &select.order {
        if source.key().partition_names().any(|partition| partition == name) {
            partitions.sort_by(|a, b| a.order(b).unwrap_or(std::cmp::Ordering::Equal));
            if *descends {
                partitions.reverse();
            }
        } else if source.key().sort_names().any(|sort| sort == name) {
            order = if *descends { Order::Backward } else { Order::Forward };
        } else {
            return Err(format!(
                "Variable reference {name} in ORDER BY clause must be part of the primary key"
            ));
        }
    }
    Ok(order)
}

/// An index that is read by its key filters by what it has.
fn check_filter(source: &Source, parts: &[Condition]) -> Result<()> {
    let Some(index) = &source.index else { return Ok(()) };
    let mut names = std::collections::BTreeSet::new();
    for part in parts {
        part.paths(&mut |path| {
            names.insert(path.root.as_str());
        });
    }
    let missing: Vec<&str> =
        names.into_iter().filter(|name| !is_projected(&source.table, index, name)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(Failure::validation(format!(
        "One or more parameter values were invalid: Secondary index {} does not project one or more filter \
         attributes: [{}]",
        index.name,
        missing.join(", ")
    )))
}

/// The rows that the condition may mean.
fn ranges(
    keys: &Keys,
    source: &Source,
    partitions: Option<Vec<Value>>,
    parts: &[Condition],
) -> std::result::Result<Vec<SearchRange>, String> {
    let Some(partitions) = partitions else { return Ok(vec![(source.segment(keys, 0, 1), None)]) };
    let names: Vec<&str> = source.key().partition_names().collect();
    let sort = source.key().sort_names().next();
    let sort_test = sort.and_then(|sort| parts.iter().find_map(|part| sort_test(part, sort)));
    let of = |value: Value| {
        let mut tests: Vec<KeyTest> = names
            .iter()
            .map(|name| KeyTest {
                attribute: (*name).to_owned(),
                operator: Operator::Equal,
                values: vec![value.clone()],
            })
            .collect();
        tests.extend(sort_test.clone());
        Ok(source.range_of(keys, &source.key_condition(&tests)?))
    };
    partitions.into_iter().map(of).collect()
}

/// What a part of a condition says of the sort key, if a range can say it.
fn sort_test(part: &Condition, sort: &str) -> Option<KeyTest> {
    let value_of = |operand: &Operand| match operand {
        Operand::Value(value) => Some(value.clone()),
        _ => None,
    };
    let is_sort =
        |operand: &Operand| matches!(operand, Operand::Path(path) if *path == Path::attribute(sort));
    let (operator, values) = match part {
        Condition::Compare(comparison, first, second) => {
            let (comparison, value) = if is_sort(first) {
                (*comparison, value_of(second)?)
            } else if is_sort(second) {
                (comparison.mirrored(), value_of(first)?)
            } else {
                return None;
            };
            let operator = match comparison {
                Comparison::Equal => Operator::Equal,
                Comparison::Less => Operator::Less,
                Comparison::LessOrEqual => Operator::LessOrEqual,
                Comparison::Greater => Operator::Greater,
                Comparison::GreaterOrEqual => Operator::GreaterOrEqual,
                Comparison::NotEqual => return None,
            };
            (operator, vec![value])
        }
        Condition::Between { value, low, high } if is_sort(value) => {
            (Operator::Between, vec![value_of(low)?, value_of(high)?])
        }
        Condition::BeginsWith(value, prefix) if is_sort(value) => {
            (Operator::BeginsWith, vec![value_of(prefix)?])
        }
        _ => return None,
    };
    Some(KeyTest { attribute: sort.to_owned(), operator, values })
}

/// The item that a condition names by its whole key.
pub(crate) fn keyed<'s>(names: impl IntoIterator<Item = &'s str>, condition: Condition) -> Option<Keyed> {
    let mut parts = conjuncts(condition);
    let mut key = Attributes::new();
    for name in names {
        let at = parts.iter().position(|part| equality(part).is_some_and(|(found, _)| found == name))?;
        let part = parts.remove(at);
        let (_, value) = equality(&part)?;
        key.insert(name.to_owned(), value.clone());
    }
    let condition = match parts.len() {
        0 => None,
        1 => parts.pop(),
        _ => Some(Condition::And(parts)),
    };
    Some(Keyed { key, condition })
}

/// The item of a table that a selection names. The error is the whole message.
pub(crate) fn keyed_read(
    select: &Select,
    table: &OpenTable,
    operation: &str,
) -> std::result::Result<Keyed, String> {
    let index = select.index.as_deref().and_then(|name| table.index(name));
    let key = index.map_or(&table.key, |index| &index.key);
    let keyed = select.condition.clone().and_then(|condition| {
        let names: Vec<&str> = key.attributes().map(|attribute| attribute.name.as_str()).collect();
        keyed(names, condition)
    });
    keyed.ok_or_else(|| {
        format!("Select statements within {operation} must specify the primary key in the where clause.")
    })
}

/// Only transactions ask whether items exist.
pub(crate) fn check_single(statement: &Statement) -> std::result::Result<(), String> {
    match statement {
        Statement::Exists { .. } => Err(malformed(SYNTAX)),
        _ => Ok(()),
    }
}

/// A write of a statement, fitted to its table. The error is the whole message.
pub(crate) fn prepare_write(
    statement: &Statement,
    table: &OpenTable,
    shows_item_on_failure: bool,
) -> std::result::Result<ItemWrite, String> {
    let with_key = |condition: &Condition, must_exist: bool| {
        let names: Vec<&str> = table.key.attributes().map(|attribute| attribute.name.as_str()).collect();
        let first = names.first().copied().unwrap_or_default();
        let keyed = keyed(names.iter().copied(), condition.clone()).ok_or_else(|| {
            "Where clause does not contain a mandatory equality on all key attributes".to_owned()
        })?;
        check_key(table, &keyed.key)?;
        check_expression_keys(table, keyed.condition.as_ref(), None, None)?;
        let condition = match (must_exist, keyed.condition) {
            (false, condition) => condition,
            (true, None) => Some(Condition::Exists(Path::attribute(first))),
            (true, Some(condition)) => {
                Some(Condition::And(vec![Condition::Exists(Path::attribute(first)), condition]))
            }
        };
        Ok::<_, String>((keyed.key, condition))
    };
    let (key, condition, change) = match statement {
        Statement::Select(_) => return Err(malformed(SYNTAX)),
        Statement::Insert { item, .. } => {
            check_item_key(table, item)?;
            check_item_size(item)?;
            (key_of(&table.key, item), None, Change::Insert(item.clone()))
        }
        Statement::Update { update, condition, .. } => {
            let (key, condition) = with_key(condition, true)?;
            check_update_targets(table, update)?;
            check_expression_keys(table, None, Some(update), None)?;
            check_update_not_empty(table, update)?;
            (key, condition, Change::Update { update: update.clone(), stands_alone: false })
        }
        Statement::Delete { condition, .. } => {
            let (key, condition) = with_key(condition, false)?;
            (key, condition, Change::Delete)
        }
        Statement::Exists { condition, .. } => {
            let (key, condition) = with_key(condition, true)?;
            (key, condition, Change::Check)
        }
    };
    Ok(ItemWrite { key, change, condition, shows_item_on_failure })
}

/// Makes the write of a statement.
pub(crate) async fn run_write(
    dynamodb: &DynamoDb,
    cx: &Context,
    statement: &Statement,
    shows_item_on_failure: bool,
) -> Result<Outcome> {
    let name = TableName::parse(cx, statement.table())?;
    let written = write_item(dynamodb, cx, &name, |table| {
        prepare_write(statement, table, shows_item_on_failure).map_err(Failure::validation)
    })
    .await?;
    let returned = match statement {
        Statement::Update { returned, .. } | Statement::Delete { returned, .. } => *returned,
        _ => Returned::None,
    };
    let item = returned.of(written.old.as_ref(), written.new.as_ref(), written.touched.as_ref());
    Ok(Outcome {
        table: written.table.name.clone(),
        items: item.as_ref().map(to_document).into_iter().collect(),
        last: None,
        next_token: None,
        consumed: written.consumed,
    })
}
