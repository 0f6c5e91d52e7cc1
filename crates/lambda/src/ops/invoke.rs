use serde::{Deserialize, Serialize};
use service::{Arn, Context, Operation, Result};
use wire::Blob;
use worker::policy::RESPONSE_BYTES_MAX;
use worker::{Reply, ResponseMode};

use crate::Lambda;
use crate::functions::require;
use crate::invocation::{Call, Prepared, log_result, refusal};
use crate::name::Target;
use crate::settings::constraint;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Invoke {
    function_name: String,
    invocation_type: Option<String>,
    log_type: Option<String>,
    client_context: Option<String>,
    payload: Option<Blob>,
    qualifier: Option<String>,
}

#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Invoked {
    status_code: u16,
    function_error: Option<&'static str>,
    log_result: Option<String>,
    payload: Option<Blob>,
    executed_version: Option<String>,
}

impl Operation for Invoke {
    type Service = Lambda;
    type Output = Invoked;

    const NAME: &'static str = "Invoke";
    const ACTION: &'static str = "InvokeFunction";

    fn resource(&self, cx: &Context) -> Arn {
        Target::resource(cx, &self.function_name, self.qualifier.as_deref())
    }

    async fn run(self, lambda: &Lambda, cx: &Context) -> Result<Invoked> {
        let target = Target::parse(cx, &self.function_name, self.qualifier.as_deref())?;
        match self.invocation_type.as_deref() {
            None | Some("RequestResponse") => {}
            Some("DryRun") => {
                require(cx, &target).await?;
                return Ok(Invoked { status_code: 204, ..Invoked::default() });
            }
            Some("Event") => {
                let payload = self.payload.unwrap_or_default().0;
                lambda.enqueue(cx, &target, payload, self.client_context.as_deref()).await?;
                return Ok(Invoked { status_code: 202, ..Invoked::default() });
            }
            Some(other) => {
                let rule = "Member must satisfy enum value set: [Event, RequestResponse, DryRun]";
                return Err(constraint(other, "invocationType", rule));
            }
        }
        let call = Call {
            target: &target,
            payload: self.payload.unwrap_or_default().0,
            client_context: self.client_context.as_deref(),
            response: ResponseMode::Buffered { bytes_max: RESPONSE_BYTES_MAX },
        };
        let Prepared { executable, invocation, permit } = lambda.prepare(cx, call).await?;
        let outcome = Box::pin(lambda.workers.invoke(&executable.function, invocation)).await;
        drop(permit);
        let (payload, function_error) = match outcome.result {
            Ok(Reply::Success { payload, .. }) => (payload, None),
            Ok(Reply::FunctionError { payload, kind }) => (payload, Some(kind.as_str())),
            Ok(Reply::Streamed) => {
                return Err(anyhow::anyhow!("a buffered invocation was answered as a stream").into());
            }
            Err(failure) => return Err(refusal(failure)),
        };
        Ok(Invoked {
            status_code: 200,
            function_error,
            log_result: log_result(self.log_type.as_deref(), &outcome.log_tail),
            payload: Some(Blob(payload)),
            executed_version: Some(executable.function.version.clone()),
        })
    }
}
