//! Where a new mapping begins in each shard of its source.

use service::{Context, Platform, Principal, Result};

use super::dynamodb_stream::DynamoDbStream;
use super::failure;
use super::settings::Settings;
use super::source::{Position, Source, SourceArn, StartingPosition};
use crate::error::Error;

/// The first place in one shard.
pub(crate) struct EventSourceStart {
    pub(crate) shard: String,
    pub(crate) position: Position,
}

/// Looks at the source as it is now; a source that is not there is refused.
pub(crate) async fn start(
    cx: &Context,
    role: Principal,
    source: &SourceArn,
    position: StartingPosition,
) -> Result<Vec<EventSourceStart>> {
    let SourceArn::DynamoDbStream(arn) = source;
    let stream = DynamoDbStream { arn: arn.to_string(), principal: role };
    let shards = match stream.shards(cx).await {
        Err(failure) if failure.code() == "ResourceNotFoundException" => {
            return Err(Error::parameter(format!("Stream not found: {arn}")).into());
        }
        shards => shards?,
    };
    let mut starts = Vec::with_capacity(shards.len());
    for shard in shards {
        let position = match position {
            StartingPosition::TrimHorizon => Position::Horizon,
            StartingPosition::Latest => stream.latest(cx, &shard).await?,
        };
        starts.push(EventSourceStart { shard, position });
    }
    Ok(starts)
}

/// Whether the destination of failures can be reached at all.
pub(crate) fn check_destination(platform: &Platform, settings: &Settings) -> Result<()> {
    let on_failure = settings.destinations.on_failure.as_ref();
    match on_failure.and_then(|on_failure| on_failure.destination.as_deref()) {
        Some(destination) => failure::check_service(platform, destination),
        None => Ok(()),
    }
}
