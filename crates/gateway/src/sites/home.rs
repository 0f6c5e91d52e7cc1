//! What a person sees who opens the address in a browser.

use http::StatusCode;
use http::header::ACCEPT;

use super::{json, with_type};
use crate::Gateway;
use crate::api::endpoint;
use crate::body::Response;
use crate::request::{Request, header};

pub(super) fn answer(gateway: &Gateway, request: &Request) -> Response {
    let endpoint = endpoint(gateway, request);
    let services: Vec<&str> = gateway.platform().registry().iter().map(service::AnyService::name).collect();
    let version = gateway.shared.parts.version;
    if !header(request.headers(), &ACCEPT).contains("text/html") {
        return json(
            StatusCode::OK,
            &serde_json::json!({
                "name": "cloudling", "version": version, "endpoint": *endpoint, "services": services,
                "health": format!("{endpoint}/_localstack/health"),
            }),
        );
    }
    let list: String = services.iter().map(|name| format!("<li><code>{name}</code></li>")).collect();
    // The host is checked to be plain before it becomes part of the endpoint, so the page needs no escaping.
    let page = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Cloudling</title>\
         <meta name=\"viewport\" content=\"width=device-width\">\
         <style>body{{font:16px/1.5 system-ui,sans-serif;max-width:42rem;margin:3rem auto;padding:0 1rem}}\
         pre{{background:#f3f3f3;padding:1rem;overflow:auto}}</style>\
         <h1>Cloudling {version}</h1><p>This is the endpoint of a cloud that speaks the protocols of AWS. \
         Point any SDK or tool at it:</p><pre>export AWS_ENDPOINT_URL={endpoint}\n\
         export AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test\n\
         export AWS_REGION=us-east-1 AWS_DEFAULT_REGION=us-east-1\n\
         aws lambda list-functions</pre><p>Services here:</p><ul>{list}</ul>\
         <p><a href=\"/_localstack/health\">health</a> · <a href=\"/_localstack/info\">info</a></p></html>\n"
    );
    with_type(StatusCode::OK, "text/html; charset=utf-8", page)
}
