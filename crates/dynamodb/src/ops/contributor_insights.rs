use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use service::{Arn, Context, Operation, PageToken, Result};
use store::Order;
use wire::Timestamp;

use crate::DynamoDb;
use crate::error::{Error, invalid};
use crate::keys::{Keys, just_after};
use crate::table::{Insights, Table, TableName};
use crate::tables::decode;

/// Tables and indexes on one page of ListContributorInsights.
const PAGE_SUMMARIES_MAX: usize = 100;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct UpdateContributorInsights {
    table_name: String,
    index_name: Option<String>,
    contributor_insights_action: String,
    contributor_insights_mode: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DescribeContributorInsights {
    table_name: String,
    index_name: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ListContributorInsights {
    table_name: Option<String>,
    next_token: Option<String>,
    max_results: Option<usize>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Summary {
    table_name: String,
    index_name: Option<String>,
    contributor_insights_status: &'static str,
    contributor_insights_mode: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Described {
    #[serde(flatten)]
    summary: Summary,
    last_update_date_time: Option<Timestamp>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Listed {
    contributor_insights_summaries: Vec<Summary>,
    next_token: Option<String>,
}

impl Operation for UpdateContributorInsights {
    type Service = DynamoDb;
    type Output = Summary;
    const NAME: &'static str = "UpdateContributorInsights";

    fn resource(&self, cx: &Context) -> Arn {
        TableName::resource(cx, &self.table_name)
    }

    async fn run(self, dynamodb: &DynamoDb, cx: &Context) -> Result<Summary> {
        let name = TableName::parse(cx, &self.table_name)?;
        let enabled = self.contributor_insights_action == "ENABLE";
        dynamodb
            .tables()
            .change(cx, &name, |_, table| {
                check_index(table, self.index_name.as_deref())?;
                let key = self.index_name.clone().unwrap_or_default();
                let mode = self.contributor_insights_mode.clone();
                let insights = Insights { enabled, mode, changed: cx.now() };
                table.insights.insert(key, insights);
                Ok(())
            })
            .await?;
        Ok(Summary {
            table_name: name.as_str().to_owned(),
            index_name: self.index_name,
            contributor_insights_status: if enabled { "ENABLING" } else { "DISABLING" },
            contributor_insights_mode: self.contributor_insights_mode,
        })
    }
}

impl Operation for DescribeContributorInsights {
    type Service = DynamoDb;
    type Output = Described;
    const NAME: &'static str = "DescribeContributorInsights";

    fn resource(&self, cx: &Context) -> Arn {
        TableName::resource(cx, &self.table_name)
    }

    async fn run(self, dynamodb: &DynamoDb, cx: &Context) -> Result<Described> {
        let name = TableName::parse(cx, &self.table_name)?;
        let table = dynamodb.tables().require(cx, &name).await?;
        check_index(&table, self.index_name.as_deref())?;
        let insights = table.insights.get(self.index_name.as_deref().unwrap_or_default());
        Ok(Described {
            last_update_date_time: insights.map(|insights| insights.changed),
            summary: summary(name.as_str(), self.index_name.as_deref(), insights),
        })
    }
}

impl Operation for ListContributorInsights {
    type Service = DynamoDb;
    type Output = Listed;
    const NAME: &'static str = "ListContributorInsights";

    async fn run(self, dynamodb: &DynamoDb, cx: &Context) -> Result<Listed> {
        if let Some(name) = &self.table_name {
            let name = TableName::parse(cx, name)?;
            let table = dynamodb.tables().require(cx, &name).await?;
            return Ok(Listed {
                contributor_insights_summaries: summaries(name.as_str(), &table.insights).collect(),
                next_token: None,
            });
        }
        let keys = Keys::new(cx.scope());
        let mut range = keys.tables();
        if let Some(token) = &self.next_token {
            let PageToken(after) = PageToken::decode(token)
                .map_err(|_| invalid(format!("Provided nextToken is invalid: {token}")))?;
            range.start = just_after(&keys.table(&after));
        }
        let limit = self.max_results.unwrap_or(PAGE_SUMMARIES_MAX).clamp(1, PAGE_SUMMARIES_MAX);
        let snapshot = cx.platform().kv().snapshot().await?;
        let mut found = Vec::new();
        let mut next_token = None;
        loop {
            let rows = snapshot.scan(range.clone(), Order::Forward, limit).await?;
            let Some((last, _)) = rows.last() else { break };
            range.start = just_after(last);
            for (_, row) in &rows {
                let table: Table = decode(&row.value)?;
                found.extend(summaries(&table.name, &table.insights));
                if found.len() >= limit {
                    next_token = Some(PageToken(table.name).encode());
                    break;
                }
            }
            if next_token.is_some() {
                break;
            }
        }
        Ok(Listed { contributor_insights_summaries: found, next_token })
    }
}

fn check_index(table: &Table, index: Option<&str>) -> Result<()> {
    match index {
        Some(name) if table.index(name).is_none() => Err(Error::ResourceNotFoundException(format!(
            "Requested resource not found: Index: {name} not found"
        ))
        .into()),
        _ => Ok(()),
    }
}

fn summaries<'a>(
    table: &'a str,
    insights: &'a BTreeMap<String, Insights>,
) -> impl Iterator<Item = Summary> + 'a {
    insights.iter().map(move |(index, insights)| {
        summary(table, Some(index.as_str()).filter(|index| !index.is_empty()), Some(insights))
    })
}

fn summary(table: &str, index: Option<&str>, insights: Option<&Insights>) -> Summary {
    Summary {
        table_name: table.to_owned(),
        index_name: index.map(str::to_owned),
        contributor_insights_status: match insights {
            Some(insights) if insights.enabled => "ENABLED",
            _ => "DISABLED",
        },
        contributor_insights_mode: insights.and_then(|insights| insights.mode.clone()),
    }
}
