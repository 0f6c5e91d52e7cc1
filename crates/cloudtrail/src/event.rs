//! A call as CloudTrail shows it.
//!
//! Source: CloudTrail user guide, "CloudTrail record contents for management, data, and network activity events" and
//! "CloudTrail userIdentity element".

use serde_json::{Value, json};
use service::{Principal, Scope};
use wire::Timestamp;

use crate::call::{Call, is_of_data, is_read_only};

const EVENT_VERSION: &str = "1.11";

pub(crate) struct Event {
    pub(crate) at_epoch_millis: i64,
    pub(crate) request_id: String,
    pub(crate) service: String,
    pub(crate) operation: String,
    pub(crate) action: String,
    pub(crate) resource: String,
    /// The `userIdentity` element.
    pub(crate) identity: Value,
    pub(crate) access_key_id: String,
    pub(crate) source_address: String,
    pub(crate) user_agent: String,
    pub(crate) error_code: String,
    pub(crate) error_text: String,
}

impl Event {
    /// The `userIdentity` element of a call.
    pub(crate) fn identity(call: &Call) -> Value {
        let account = call.principal.account().as_str();
        let (arn, id) = (call.principal.arn(), call.principal.user_id());
        let mut identity = match &call.principal {
            Principal::Root { .. } => json!({ "type": "Root" }),
            Principal::User { name, .. } => json!({ "type": "IAMUser", "userName": name }),
            Principal::FederatedUser { user_name, .. } => json!({
                "type": "FederatedUser",
                "sessionContext": { "sessionIssuer": { "type": "IAMUser", "userName": user_name } },
            }),
            Principal::AssumedRole { role_name, role_arn, role_id, .. } => json!({
                "type": "AssumedRole",
                "sessionContext": { "sessionIssuer": {
                    "type": "Role",
                    "principalId": role_id,
                    "arn": role_arn,
                    "accountId": account,
                    "userName": role_name,
                } },
            }),
            Principal::Service { name, .. } => return json!({ "type": "AWSService", "invokedBy": name }),
            Principal::Anonymous { .. } => return json!({ "type": "Unknown", "principalId": "ANONYMOUS" }),
        };
        identity["principalId"] = id.into();
        identity["arn"] = arn.into();
        identity["accountId"] = account.into();
        identity
    }

    pub(crate) fn source(&self) -> String {
        format!("{}.amazonaws.com", self.service)
    }

    pub(crate) fn is_read_only(&self) -> bool {
        is_read_only(&self.operation)
    }

    /// The name that lookups know a caller by.
    pub(crate) fn user_name(&self) -> String {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        match self.identity["type"].as_str() {
            Some("Root") => "root".to_owned(),
            Some("IAMUser") => text(&self.identity["userName"]).unwrap_or_default(),
            Some("AWSService") => text(&self.identity["invokedBy"]).unwrap_or_default(),
            Some("Unknown") | None => "ANONYMOUS".to_owned(),
            // Sessions are known by their name, the end of their ARN.
            Some(_) => text(&self.identity["arn"])
                .and_then(|arn| arn.rsplit('/').next().map(str::to_owned))
                .unwrap_or_default(),
        }
    }

    /// `AWS::S3::Bucket` and its like; empty for what has no such name.
    pub(crate) fn resource_type(&self) -> &'static str {
        let mut fields = self.resource.splitn(6, ':').skip(2);
        let service = fields.next().unwrap_or_default();
        let resource = self.resource.splitn(6, ':').nth(5).unwrap_or_default();
        let kind = resource.split([':', '/']).next().unwrap_or_default();
        match (service, kind) {
            ("s3", _) if resource.contains('/') => "AWS::S3::Object",
            ("s3", _) => "AWS::S3::Bucket",
            ("dynamodb", "table") => "AWS::DynamoDB::Table",
            ("lambda", "function") => "AWS::Lambda::Function",
            ("lambda", "layer") => "AWS::Lambda::LayerVersion",
            ("logs", "log-group") => "AWS::Logs::LogGroup",
            ("iam", "user") => "AWS::IAM::User",
            ("iam", "role") => "AWS::IAM::Role",
            ("iam", "group") => "AWS::IAM::Group",
            ("iam", "policy") => "AWS::IAM::Policy",
            ("sqs", _) => "AWS::SQS::Queue",
            ("sns", _) => "AWS::SNS::Topic",
            _ => "",
        }
    }

    /// The record as JSON.
    pub(crate) fn record(&self, scope: &Scope) -> Value {
        let mut identity = self.identity.clone();
        if !self.access_key_id.is_empty() {
            identity["accessKeyId"] = self.access_key_id.as_str().into();
        }
        let is_data = is_of_data(&self.service, &self.operation);
        let mut record = json!({
            "eventVersion": EVENT_VERSION,
            "userIdentity": identity,
            "eventTime": Timestamp::from_epoch_millis(self.at_epoch_millis / 1_000 * 1_000).to_rfc3339(),
            "eventSource": self.source(),
            "eventName": self.operation,
            "awsRegion": scope.region.as_str(),
            "sourceIPAddress": self.address(),
            "userAgent": self.user_agent,
            "requestID": self.request_id,
            "eventID": self.request_id,
            "readOnly": self.is_read_only(),
            "eventType": "AwsApiCall",
            "managementEvent": !is_data,
            "recipientAccountId": scope.account.as_str(),
            "eventCategory": if is_data { "Data" } else { "Management" },
            "additionalEventData": { "action": self.action },
        });
        if !self.error_code.is_empty() {
            record["errorCode"] = self.error_code.as_str().into();
            record["errorMessage"] = self.error_text.as_str().into();
        }
        if self.has_resource() {
            record["resources"] = json!([{ "ARN": self.resource, "type": self.resource_type() }]);
        }
        record
    }

    pub(crate) fn has_resource(&self) -> bool {
        !self.resource.is_empty() && self.resource != "*"
    }

    /// Calls inside the cloud come from the service that makes them.
    fn address(&self) -> String {
        match (self.source_address.as_str(), self.identity["invokedBy"].as_str()) {
            ("", Some(service)) => service.to_owned(),
            ("", None) => "AWS Internal".to_owned(),
            (address, _) => address.to_owned(),
        }
    }
}
