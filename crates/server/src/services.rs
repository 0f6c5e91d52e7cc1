//! The one list of the services there are.

use std::sync::Arc;

use auth::Issuer;
use lambda::LambdaParts;
use service::{AnyService, Definition, Guarded, Mounted, Platform, Registry, ResourcePolicies};
use worker::Workers;

use crate::fetch::Fetcher;
use crate::folder::DataFolder;

/// What services are made from.
pub(crate) struct Parts<'a> {
    pub(crate) platform: &'a Arc<Platform>,
    pub(crate) issuer: &'a Arc<Issuer>,
    pub(crate) identities: &'a Arc<iam::Identities>,
    pub(crate) trail: &'a Arc<cloudtrail::Trail>,
    pub(crate) workers: &'a Workers,
    pub(crate) folder: &'a DataFolder,
}

/// All services, ready to be called. A new one is one line here.
pub(crate) fn all(parts: &Parts<'_>) -> anyhow::Result<Registry> {
    Ok(Registry::new(vec![
        mounted(&cloudtrail::DEFINITION, cloudtrail::CloudTrail::new(parts.trail.clone())),
        mounted(&dynamodb::DEFINITION, dynamodb::DynamoDb::new(parts.platform)),
        mounted(&dynamodb::STREAMS_DEFINITION, dynamodb::DynamoDbStreams),
        iam::service(parts.platform, parts.identities.clone()),
        guarded(&lambda::DEFINITION, lambda::Lambda::new(lambda_parts(parts))),
        mounted(&logs::DEFINITION, logs::Logs::new(parts.platform)),
        guarded(&s3::DEFINITION, s3::S3::new(parts.platform)),
        mounted(
            &sts::DEFINITION,
            sts::Sts::new(parts.issuer.clone(), parts.identities.clone(), Arc::new(Fetcher)),
        ),
    ]))
}

/// The tables alone: name, and the operations of the API that are implemented.
pub(crate) fn tables() -> Vec<(&'static str, Vec<&'static str>)> {
    vec![
        table(&cloudtrail::DEFINITION),
        table(&dynamodb::DEFINITION),
        table(&dynamodb::STREAMS_DEFINITION),
        table(&iam::DEFINITION),
        table(&lambda::DEFINITION),
        table(&logs::DEFINITION),
        table(&s3::DEFINITION),
        table(&sts::DEFINITION),
    ]
}

fn lambda_parts(parts: &Parts<'_>) -> LambdaParts {
    let (issuer, clock) = (parts.issuer.clone(), parts.platform.clock().clone());
    let (opening_issuer, opening_clock) = (issuer.clone(), clock.clone());
    LambdaParts {
        platform: parts.platform.clone(),
        workers: Arc::new(parts.workers.clone()),
        code_dir: parts.folder.code(),
        url_sealer: Arc::new(move |payload, valid| {
            let valid_millis = i64::try_from(valid.as_millis()).unwrap_or(i64::MAX);
            issuer.seal_url_token(payload, clock.now().epoch_millis().saturating_add(valid_millis))
        }),
        url_opener: Arc::new(move |token| {
            opening_issuer.open_url_token(token, opening_clock.now().epoch_millis())
        }),
    }
}

fn mounted<S: Send + Sync + 'static>(definition: &'static Definition<S>, service: S) -> Box<dyn AnyService> {
    Box::new(Mounted { definition, service: Arc::new(service) })
}

/// For services whose resources have policies of their own.
fn guarded<S: ResourcePolicies + Send + Sync + 'static>(
    definition: &'static Definition<S>,
    service: S,
) -> Box<dyn AnyService> {
    Box::new(Guarded(Mounted { definition, service: Arc::new(service) }))
}

fn table<S>(definition: &'static Definition<S>) -> (&'static str, Vec<&'static str>) {
    (definition.name, definition.operations.iter().map(|entry| entry.name).collect())
}
