//! The five operations on event source mappings: one resource, one shape.

use serde::{Deserialize, Serialize};
use service::{Arn, Context, Failure, Operation, PageToken, Result, Rows, Scope};

use crate::Lambda;
use crate::error::Error;
use crate::event_source::{
    Asked, CHECKPOINTS, Checkpoint, DestinationConfig, EventSourceStart, FilterCriteria, MAPPINGS, Mapping,
    MappingView, Settings, SourceArn, State, check_destination, key, scope_prefix, start,
};
use crate::functions::{changes, require};
use crate::name::Target;
use crate::ops::{marker, page_size};

/// Mappings of one page, whatever the client asks for.
const PAGE_ROWS_MAX: usize = 100;
/// Mappings of one account and region, a bound of ours.
const MAPPINGS_MAX: usize = 1_000;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct CreateEventSourceMapping {
    event_source_arn: Option<String>,
    function_name: String,
    enabled: Option<bool>,
    batch_size: Option<u32>,
    filter_criteria: Option<FilterCriteria>,
    maximum_batching_window_in_seconds: Option<u32>,
    parallelization_factor: Option<u32>,
    starting_position: Option<String>,
    destination_config: Option<DestinationConfig>,
    maximum_record_age_in_seconds: Option<i64>,
    bisect_batch_on_function_error: Option<bool>,
    maximum_retry_attempts: Option<i64>,
    #[serde(default)]
    tags: std::collections::BTreeMap<String, String>,
    tumbling_window_in_seconds: Option<u32>,
    function_response_types: Option<Vec<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct UpdateEventSourceMapping {
    #[serde(rename = "UUID")]
    id: String,
    function_name: Option<String>,
    enabled: Option<bool>,
    batch_size: Option<u32>,
    filter_criteria: Option<FilterCriteria>,
    maximum_batching_window_in_seconds: Option<u32>,
    parallelization_factor: Option<u32>,
    destination_config: Option<DestinationConfig>,
    maximum_record_age_in_seconds: Option<i64>,
    bisect_batch_on_function_error: Option<bool>,
    maximum_retry_attempts: Option<i64>,
    tumbling_window_in_seconds: Option<u32>,
    function_response_types: Option<Vec<String>>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct GetEventSourceMapping {
    #[serde(rename = "UUID")]
    id: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct DeleteEventSourceMapping {
    #[serde(rename = "UUID")]
    id: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ListEventSourceMappings {
    event_source_arn: Option<String>,
    function_name: Option<String>,
    marker: Option<String>,
    max_items: Option<i64>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Listed {
    next_marker: Option<String>,
    event_source_mappings: Vec<MappingView>,
}

impl Operation for CreateEventSourceMapping {
    type Service = Lambda;
    type Output = MappingView;

    const NAME: &'static str = "CreateEventSourceMapping";

    async fn run(self, lambda: &Lambda, cx: &Context) -> Result<MappingView> {
        let Some(source_arn) = &self.event_source_arn else {
            return Err(Error::parameter("Unrecognized event source.").into());
        };
        if !self.tags.is_empty() {
            return Err(Failure::unsupported("tags of event source mappings"));
        }
        let source = SourceArn::parse(source_arn)?;
        let position = source.starting_position(self.starting_position.as_deref())?;
        let settings = Settings::default().with(Asked {
            batch_size: self.batch_size,
            batching_window_seconds: self.maximum_batching_window_in_seconds,
            parallelization_factor: self.parallelization_factor,
            filters: self.filter_criteria,
            destinations: self.destination_config,
            record_age_seconds_max: self.maximum_record_age_in_seconds,
            bisect_on_error: self.bisect_batch_on_function_error,
            retries_max: self.maximum_retry_attempts,
            tumbling_window_seconds: self.tumbling_window_in_seconds,
            response_types: self.function_response_types,
        })?;
        check_destination(cx.platform(), &settings)?;
        let target = Target::parse(cx, &self.function_name, None)?;
        require(cx, &target).await?;
        let mapping = Mapping {
            id: cx.platform().ids().uuid(),
            account: cx.account().to_string(),
            region: cx.region().to_string(),
            source_arn: source_arn.clone(),
            function_arn: target.qualified_arn().to_string(),
            starting_position: Some(position.as_str().to_owned()),
            settings,
            state: if self.enabled == Some(false) { State::Disabling } else { State::Creating },
            modified: cx.now(),
        };
        check_new(cx, &mapping).await?;
        let role = lambda.event_sources.role(cx, &mapping.function_arn).await?;
        let starts: Vec<EventSourceStart> = start(cx, role, &source, position).await?;
        let scope = Scope::default();
        let mut commit = changes(cx, &scope).insert(&MAPPINGS, &mapping.key(), &mapping)?;
        for start in starts {
            let key = Checkpoint::key(&mapping, &start.shard);
            commit = commit.put(&CHECKPOINTS, &key, &Checkpoint::at(start.position))?;
        }
        commit.commit().await?;
        lambda.event_sources.changed();
        // Until it runs it is being created, enabled or not.
        Ok(view(lambda, &Mapping { state: State::Creating, ..mapping }))
    }
}

impl Operation for UpdateEventSourceMapping {
    type Service = Lambda;
    type Output = MappingView;

    const NAME: &'static str = "UpdateEventSourceMapping";

    fn resource(&self, cx: &Context) -> Arn {
        resource(cx, &self.id)
    }

    async fn run(self, lambda: &Lambda, cx: &Context) -> Result<MappingView> {
        let function_arn = match &self.function_name {
            Some(name) => {
                let target = Target::parse(cx, name, None)?;
                require(cx, &target).await?;
                Some(target.qualified_arn().to_string())
            }
            None => None,
        };
        let asked = Asked {
            batch_size: self.batch_size,
            batching_window_seconds: self.maximum_batching_window_in_seconds,
            parallelization_factor: self.parallelization_factor,
            filters: self.filter_criteria,
            destinations: self.destination_config,
            record_age_seconds_max: self.maximum_record_age_in_seconds,
            bisect_on_error: self.bisect_batch_on_function_error,
            retries_max: self.maximum_retry_attempts,
            tumbling_window_seconds: self.tumbling_window_in_seconds,
            response_types: self.function_response_types,
        };
        let now = cx.now();
        let changed = change(cx, &self.id, |mapping| {
            mapping.settings = mapping.settings.with(asked.clone())?;
            check_destination(cx.platform(), &mapping.settings)?;
            if let Some(arn) = &function_arn {
                mapping.function_arn.clone_from(arn);
            }
            mapping.modified = now;
            mapping.state = match (self.enabled, mapping.state) {
                (Some(false), _) => State::Disabling,
                (Some(true), State::Disabled) => State::Enabling,
                (None, State::Disabled) => State::Disabled,
                _ => State::Updating,
            };
            Ok(mapping.clone())
        })
        .await?;
        lambda.event_sources.changed();
        Ok(view(lambda, &changed))
    }
}

impl Operation for GetEventSourceMapping {
    type Service = Lambda;
    type Output = MappingView;

    const NAME: &'static str = "GetEventSourceMapping";

    fn resource(&self, cx: &Context) -> Arn {
        resource(cx, &self.id)
    }

    async fn run(self, lambda: &Lambda, cx: &Context) -> Result<MappingView> {
        let scope = Scope::default();
        let found = mappings(cx, &scope).get(&key(cx.scope(), &self.id)).await?;
        Ok(view(lambda, &found.ok_or_else(Error::no_such_resource)?))
    }
}

impl Operation for DeleteEventSourceMapping {
    type Service = Lambda;
    type Output = MappingView;

    const NAME: &'static str = "DeleteEventSourceMapping";

    fn resource(&self, cx: &Context) -> Arn {
        resource(cx, &self.id)
    }

    async fn run(self, lambda: &Lambda, cx: &Context) -> Result<MappingView> {
        let deleted = change(cx, &self.id, |mapping| {
            mapping.state = State::Deleting;
            Ok(mapping.clone())
        })
        .await?;
        lambda.event_sources.changed();
        Ok(view(lambda, &deleted))
    }
}

impl Operation for ListEventSourceMappings {
    type Service = Lambda;
    type Output = Listed;

    const NAME: &'static str = "ListEventSourceMappings";

    async fn run(self, lambda: &Lambda, cx: &Context) -> Result<Listed> {
        let limit = page_size(self.max_items, PAGE_ROWS_MAX)?;
        let mut after = marker(self.marker.as_deref())?;
        let function = match &self.function_name {
            Some(name) => Some(Target::parse(cx, name, None)?.qualified_arn().to_string()),
            None => None,
        };
        let wanted = |mapping: &Mapping| {
            self.event_source_arn.as_ref().is_none_or(|arn| mapping.source_arn == *arn)
                && function.as_ref().is_none_or(|arn| mapping.function_arn == *arn)
        };
        let (scope, prefix) = (Scope::default(), scope_prefix(cx.scope()));
        let mut page = Vec::new();
        loop {
            let rows = mappings(cx, &scope).list(&prefix, after.as_deref(), limit + 1).await?;
            let last = rows.last().map(|(key, _)| key.clone());
            let more = rows.len() > limit;
            page.extend(rows.into_iter().filter(|(_, mapping)| wanted(mapping)));
            if !more || page.len() > limit {
                break;
            }
            after = last;
        }
        let next_marker = PageToken::cut(&mut page, limit).map(|token| token.encode());
        let event_source_mappings = page.iter().map(|(_, mapping)| view(lambda, mapping)).collect();
        Ok(Listed { next_marker, event_source_mappings })
    }
}

/// No second mapping of the same source and function, and not too many.
async fn check_new(cx: &Context, new: &Mapping) -> Result<()> {
    let scope = Scope::default();
    let all = mappings(cx, &scope).all(&scope_prefix(cx.scope())).await?;
    let same = all.iter().map(|(_, mapping)| mapping).find(|mapping| {
        mapping.source_arn == new.source_arn
            && mapping.function_arn == new.function_arn
            && mapping.state != State::Deleting
    });
    if let Some(same) = same {
        return Err(Error::conflict(format!(
            "The event source arn (\" {} \") and function (\" {} \") provided mapping already exists. Please update or \
             delete the existing mapping with UUID {}",
            new.source_arn,
            Target::parse(cx, &new.function_arn, None)?.name,
            same.id
        ))
        .into());
    }
    if all.len() >= MAPPINGS_MAX {
        return Err(Error::parameter(format!(
            "There are {MAPPINGS_MAX} event source mappings; delete some of them."
        ))
        .into());
    }
    Ok(())
}

/// Changes a mapping that is not being changed already.
async fn change(
    cx: &Context,
    id: &str,
    mut change: impl FnMut(&mut Mapping) -> Result<Mapping>,
) -> Result<Mapping> {
    let scope = Scope::default();
    let changed = mappings(cx, &scope)
        .update(&key(cx.scope(), id), |mapping| {
            if !mapping.state.is_settled() {
                let text = "Cannot update the event source mapping because it is in use.";
                return Err(Error::in_use(text).into());
            }
            change(mapping)
        })
        .await?;
    changed.ok_or_else(|| Error::no_such_resource().into())
}

fn mappings<'a>(cx: &'a Context, scope: &'a Scope) -> Rows<'a, Mapping> {
    crate::functions::rows(cx, scope, &MAPPINGS)
}

fn view(lambda: &Lambda, mapping: &Mapping) -> MappingView {
    MappingView::new(mapping, lambda.event_sources.last_result(&mapping.id))
}

fn resource(cx: &Context, id: &str) -> Arn {
    Arn::regional("lambda", cx.scope(), format_args!("event-source-mapping:{id}"))
}
