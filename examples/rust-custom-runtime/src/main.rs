//! Answers the event it was given and what the runtime knows about the call; fails and dies on request.

use lambda_runtime::{service_fn, Error, LambdaEvent};
use serde_json::{json, Value};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    lambda_runtime::run(service_fn(handle)).await
}

async fn handle(event: LambdaEvent<Value>) -> Result<Value, Error> {
    let (event, context) = event.into_parts();
    match event.get("do").and_then(Value::as_str) {
        Some("fail") => return Err("asked to fail".into()),
        Some("exit") => std::process::exit(3),
        _ => {}
    }
    println!("custom runtime saw {event}");
    Ok(json!({
        "event": event,
        "request_id": context.request_id,
        "function_arn": context.invoked_function_arn,
        "function_name": context.env_config.function_name,
        "memory": context.env_config.memory,
        "version": context.env_config.version,
        "deadline": context.deadline,
        "handler": std::env::var("_HANDLER").unwrap_or_default(),
        "task_root": std::env::var("LAMBDA_TASK_ROOT").unwrap_or_default(),
    }))
}
