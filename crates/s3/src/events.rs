//! What happens to objects, told to whoever asked to be told: the posts go into the commit that makes it happen.

use service::{Context, Post, Principal, Result};
use store::{Commit, Snapshot};
use wire::Document;

use crate::arn;
use crate::bucket::Bucket;
use crate::configuration::{self, NOTIFICATION};
use crate::notification::Notification;
use crate::notification::record::{self, Happening};
use crate::notification::target::{self, Function};
use crate::object::Object;

/// Why an object changed; each is an event type of S3.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    Put,
    Post,
    Copy,
    CompleteMultipartUpload,
    Delete,
    DeleteMarkerCreated,
    TaggingPut,
    TaggingDelete,
    AclPut,
    RestorePost,
    RestoreCompleted,
    LifecycleExpirationDelete,
    LifecycleExpirationDeleteMarkerCreated,
}

/// One change of one object, about to be committed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Change<'a> {
    pub(crate) cause: Cause,
    pub(crate) bucket: &'a Bucket,
    pub(crate) key: &'a str,
    /// The version that was written, marked or removed. Its `order` is the sequencer.
    pub(crate) object: &'a Object,
}

/// Adds the posts that the change causes. Called for each attempt of a commit, with the snapshot the attempt read.
pub(crate) async fn with_posts(
    cx: &Context,
    snapshot: &dyn Snapshot,
    change: Change<'_>,
    mut commit: Commit,
) -> Result<Commit> {
    let notification: Option<Notification> =
        configuration::get_on(snapshot, change.bucket, NOTIFICATION).await?;
    let Some(notification) = notification else { return Ok(commit) };
    for to in &notification.lambda_function_configurations {
        if !to.rule.covers(change.cause, change.key) {
            continue;
        }
        let Some(function) = Function::parse(&to.lambda_function_arn) else { continue };
        let id = to.rule.id.as_deref().unwrap_or_default();
        let message = message(cx, change, id);
        let event = Document::map([
            ("FunctionName", to.lambda_function_arn.as_str().into()),
            ("InvocationType", "Event".into()),
            ("Payload", Document::Blob(message.into())),
        ]);
        let owner = service::AccountId::parse(&change.bucket.owner).unwrap_or_default();
        let post = Post::new(cx, target::principal(&owner), "lambda", "Invoke", event)
            .in_scope(function.scope)
            .source(arn::bucket(&change.bucket.name))
            .lane(to.lambda_function_arn.as_str());
        commit = post.prepare(cx.platform()).await?.add_to(commit);
    }
    Ok(commit)
}

fn message(cx: &Context, change: Change<'_>, configuration_id: &str) -> Vec<u8> {
    let Change { cause, bucket, key, object } = change;
    let is_gone = cause.is_removal();
    let has_bytes = !is_gone && !object.is_delete_marker;
    let version_id = bucket.has_versions().then(|| object.version_id());
    let principal = cx.caller().principal.clone();
    let source =
        cx.caller().source_address.map_or_else(|| "127.0.0.1".to_owned(), |source| source.to_string());
    let happening = Happening {
        event: cause,
        time: cx.now(),
        region: &bucket.region,
        bucket: &bucket.name,
        owner_id: &bucket.owner_id(),
        principal_id: &principal_id(&principal),
        source_address: &source,
        request_id: cx.request_id(),
        key,
        bytes: has_bytes.then_some(object.size),
        etag: has_bytes.then_some(object.etag.as_str()),
        version_id: version_id.as_deref(),
        // A removal comes after the version it removes.
        sequence: object.order + u64::from(is_gone),
    };
    record::message(&happening, configuration_id).to_string().into_bytes()
}

fn principal_id(principal: &Principal) -> String {
    match principal {
        Principal::Service { name, .. } => (*name).to_owned(),
        Principal::Anonymous { .. } => "Anonymous".to_owned(),
        other => format!("AWS:{}", other.user_id()),
    }
}
