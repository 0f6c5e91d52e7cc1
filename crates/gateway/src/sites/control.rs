//! Health, information and reset, under the paths that tools of the community ask and under our own.

use http::{Method, StatusCode};
use service::{AccountId, Mode};

use super::{internal_failure, json, message};
use crate::Gateway;
use crate::body::Response;
use crate::request::{Request, parameters};

const PATHS: [&str; 6] = [
    "GET /_localstack/health",
    "GET /_localstack/info",
    "GET /_localstack/init",
    "GET /_localstack/plugins",
    "GET /_cloudling/health",
    "POST /_cloudling/reset?account=",
];

pub(super) async fn answer(gateway: &Gateway, request: &Request) -> Response {
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
    match request.path().trim_end_matches('/') {
        "/_localstack/health" if is_read => health(gateway),
        "/_localstack/info" if is_read => info(gateway),
        "/_localstack/init" if is_read => init(),
        "/_localstack/plugins" if is_read => plugins(gateway),
        "/_cloudling/health" if is_read => own_health(gateway),
        "/_cloudling/reset" | "/_localstack/state/reset" if request.method() == Method::POST => {
            reset(gateway, request).await
        }
        "/_cloudling/reset" => message(StatusCode::METHOD_NOT_ALLOWED, "Reset with POST."),
        _ => json(StatusCode::NOT_FOUND, &serde_json::json!({ "Message": "Nothing here.", "Paths": PATHS })),
    }
}

/// The form that wait scripts and test libraries poll.
fn health(gateway: &Gateway) -> Response {
    let services: serde_json::Map<String, serde_json::Value> = gateway
        .platform()
        .registry()
        .iter()
        .map(|service| (service.name().to_owned(), "available".into()))
        .collect();
    json(
        StatusCode::OK,
        &serde_json::json!({ "services": services, "edition": "cloudling", "version": gateway.shared.parts.version }),
    )
}

fn info(gateway: &Gateway) -> Response {
    let version = gateway.shared.parts.version;
    json(
        StatusCode::OK,
        &serde_json::json!({
            "version": version,
            "edition": "cloudling",
            "is_license_activated": false,
            "is_docker": false,
            "system": std::env::consts::OS,
            "server_time_utc": gateway.platform().clock().now().to_rfc3339(),
            "uptime": uptime_seconds(gateway),
        }),
    )
}

/// There are no init scripts, so all stages are over once this can be asked.
fn init() -> Response {
    let completed = serde_json::json!({ "BOOT": true, "START": true, "READY": true, "SHUTDOWN": false });
    json(StatusCode::OK, &serde_json::json!({ "completed": completed, "scripts": [] }))
}

/// Each mounted service with the operations it has.
fn plugins(gateway: &Gateway) -> Response {
    let services: serde_json::Map<String, serde_json::Value> = gateway
        .platform()
        .registry()
        .iter()
        .map(|service| (service.name().to_owned(), service.implemented().into()))
        .collect();
    json(StatusCode::OK, &serde_json::json!({ "services": services }))
}

fn own_health(gateway: &Gateway) -> Response {
    let tasks = gateway.platform().tasks();
    let failure = tasks.failure();
    let status = if failure.is_none() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    json(
        status,
        &serde_json::json!({
            "status": if failure.is_none() { "ok" } else { "stopping" },
            "failure": failure,
            "version": gateway.shared.parts.version,
            "mode": match gateway.platform().mode() { Mode::Dev => "dev", Mode::Secure => "secure" },
            "uptime_seconds": uptime_seconds(gateway),
            // The one that asks is not counted.
            "requests_running": tasks.requests().saturating_sub(1),
        }),
    )
}

/// Empties everything, or one account with `?account=`.
async fn reset(gateway: &Gateway, request: &Request) -> Response {
    if gateway.platform().mode() != Mode::Dev {
        return message(StatusCode::FORBIDDEN, "Reset is for development mode only.");
    }
    if request.peer.address.is_none() {
        return message(StatusCode::FORBIDDEN, "Functions may not reset the cloud they run in.");
    }
    let mut account = None;
    for (name, value) in parameters(request.query()) {
        match (name.as_str(), AccountId::parse(&value)) {
            ("account", Some(found)) => account = Some(found),
            ("account", None) => {
                return message(
                    StatusCode::BAD_REQUEST,
                    "An account is twelve digits, such as 000000000000.",
                );
            }
            _ => return message(StatusCode::BAD_REQUEST, "The only parameter of reset is account."),
        }
    }
    match gateway.platform().reset(account.as_ref()).await {
        Ok(()) => {
            let account = account.as_ref().map(AccountId::as_str);
            json(StatusCode::OK, &serde_json::json!({ "reset": account.unwrap_or("all") }))
        }
        Err(cause) => internal_failure(&request.id, &cause.context("reset").into()),
    }
}

fn uptime_seconds(gateway: &Gateway) -> i64 {
    (gateway.platform().clock().now().epoch_millis() - gateway.shared.started_epoch_millis) / 1_000
}
