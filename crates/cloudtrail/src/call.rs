//! One decision, as it is noted.

use std::net::IpAddr;

use service::{Authorization, Failure, Principal, Scope};

/// A call that was allowed or denied.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) scope: Scope,
    pub(crate) at_epoch_millis: i64,
    pub(crate) request_id: String,
    pub(crate) service: &'static str,
    pub(crate) operation: &'static str,
    /// What was asked for first: the operation's own action.
    pub(crate) action: String,
    pub(crate) resource: String,
    pub(crate) principal: Principal,
    pub(crate) access_key_id: Option<String>,
    pub(crate) source_address: Option<IpAddr>,
    pub(crate) user_agent: Option<String>,
    /// Code and text of the denial.
    pub(crate) denial: Option<(String, String)>,
}

impl Call {
    pub(crate) fn new(question: &Authorization<'_>) -> Self {
        let (cx, caller) = (question.cx, question.cx.caller());
        let first = question.demands.first();
        Call {
            scope: cx.scope().clone(),
            at_epoch_millis: cx.now().epoch_millis(),
            request_id: cx.request_id().to_owned(),
            service: question.service,
            operation: question.operation,
            action: first.map(|demand| demand.action.to_string()).unwrap_or_default(),
            resource: first.map(|demand| demand.resource.to_string()).unwrap_or_default(),
            principal: caller.principal.clone(),
            access_key_id: caller.access_key_id.clone(),
            source_address: caller.source_address,
            user_agent: caller.user_agent.clone(),
            denial: None,
        }
    }

    pub(crate) fn denied(mut self, failure: &Failure) -> Self {
        let text = match failure {
            Failure::Modelled(reply) => reply.message.clone(),
            // The cause is for the log.
            Failure::Internal(_) => "An internal error occurred.".to_owned(),
        };
        self.denial = Some((failure.code().to_owned(), text));
        self
    }
}

/// Whether an operation reads or writes the contents of resources, of which there is much, rather than the resources.
pub(crate) fn is_of_data(service: &str, operation: &str) -> bool {
    match service {
        "s3" => !operation.contains("Bucket") || matches!(operation, "HeadBucket"),
        "dynamodb" => {
            ["Item", "Query", "Scan", "Statement", "Transaction"].iter().any(|part| operation.contains(part))
        }
        "dynamodbstreams" => operation.starts_with("Get"),
        "lambda" => operation.starts_with("Invoke"),
        "logs" => matches!(operation, "PutLogEvents" | "GetLogEvents" | "FilterLogEvents"),
        "sqs" => operation.contains("Message"),
        "sns" => operation.starts_with("Publish"),
        "kinesis" => operation.contains("Record") || operation == "GetShardIterator",
        _ => false,
    }
}

/// Whether an operation changes nothing, told by the verb it begins with.
pub(crate) fn is_read_only(operation: &str) -> bool {
    const READING: [&str; 13] = [
        "BatchGet", "Check", "Decode", "Describe", "Discover", "Filter", "Get", "Head", "List", "Lookup",
        "Query", "Scan", "Simulate",
    ];
    READING.iter().any(|verb| operation.starts_with(verb))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_and_management_are_told_apart() {
        for (service, operation) in
            [("s3", "GetObject"), ("dynamodb", "PutItem"), ("dynamodb", "BatchGetItem"), ("lambda", "Invoke")]
        {
            assert!(is_of_data(service, operation), "{service}:{operation}");
        }
        for (service, operation) in [
            ("s3", "CreateBucket"),
            ("dynamodb", "CreateTable"),
            ("lambda", "GetFunction"),
            ("iam", "GetUser"),
        ] {
            assert!(!is_of_data(service, operation), "{service}:{operation}");
        }
        assert!(is_read_only("DescribeTable") && !is_read_only("CreateTable"));
    }
}
