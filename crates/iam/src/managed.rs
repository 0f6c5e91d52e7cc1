//! The policies of AWS that templates attach.
//!
//! Where AWS's document lists actions of services that do not exist here, ours lists those of the services that do;
//! names, paths and ARNs are AWS's. They change only with a new version of this program.

use serde_json::json;
use service::Tags;
use wire::Timestamp;

use crate::policy::{Policy, PolicyVersion};

const ARN_PREFIX: &str = "arn:aws:iam::aws:policy";

/// 2015-02-06T18:40:00Z, about when AWS created most of them.
const CREATED: Timestamp = Timestamp::from_epoch_millis(1_423_248_000_000);

/// Path, name, and the actions that are allowed. Actions behind `!` are all that is not allowed; actions after
/// `@resource` are allowed on that resource, those before on everything.
type Row = (&'static str, &'static str, &'static [&'static str]);

const LOGS: [&str; 3] = ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"];

#[rustfmt::skip]
static ROWS: &[Row] = &[
    ("/", "AdministratorAccess", &["*"]),
    ("/", "AmazonAPIGatewayAdministrator", &["apigateway:*"]),
    ("/", "AmazonAPIGatewayInvokeFullAccess", &["execute-api:Invoke", "execute-api:ManageConnections"]),
    ("/", "AmazonCognitoPowerUser", &["cognito-identity:*", "cognito-idp:*", "cognito-sync:*", "iam:ListRoles"]),
    ("/", "AmazonCognitoReadOnly", &["cognito-identity:Describe*", "cognito-identity:Get*", "cognito-identity:List*", "cognito-idp:Describe*",
        "cognito-idp:AdminGet*", "cognito-idp:AdminList*", "cognito-idp:List*", "cognito-idp:Get*", "cognito-sync:Describe*", "cognito-sync:Get*",
        "cognito-sync:List*", "iam:ListOpenIDConnectProviders", "iam:ListRoles", "sns:ListPlatformApplications"]),
    ("/", "AmazonDynamoDBFullAccess", &["dynamodb:*", "dax:*", "cloudwatch:GetMetricData", "cloudwatch:GetMetricStatistics",
        "cloudwatch:ListMetrics", "iam:GetRole", "iam:ListRoles", "kms:DescribeKey", "kms:ListAliases", "lambda:*EventSourceMapping*",
        "lambda:ListFunctions", "sns:ListTopics"]),
    ("/", "AmazonDynamoDBReadOnlyAccess", &["dynamodb:BatchGetItem", "dynamodb:Describe*", "dynamodb:GetItem", "dynamodb:GetRecords",
        "dynamodb:GetResourcePolicy", "dynamodb:GetShardIterator", "dynamodb:List*", "dynamodb:PartiQLSelect", "dynamodb:Query",
        "dynamodb:Scan", "cloudwatch:GetMetricData", "cloudwatch:ListMetrics"]),
    ("/", "AmazonEventBridgeFullAccess", &["events:*", "schemas:*", "scheduler:*", "pipes:*"]),
    ("/", "AmazonEventBridgeReadOnlyAccess", &["events:DescribeRule", "events:DescribeEventBus", "events:DescribeEventSource", "events:ListEventBuses",
        "events:ListEventSources", "events:ListRuleNamesByTarget", "events:ListRules", "events:ListTargetsByRule", "events:TestEventPattern",
        "schemas:DescribeSchema", "schemas:ListSchemas", "schemas:SearchSchemas", "scheduler:GetSchedule", "scheduler:ListSchedules",
        "pipes:DescribePipe", "pipes:ListPipes"]),
    ("/", "AmazonKinesisFirehoseFullAccess", &["firehose:*"]),
    ("/", "AmazonKinesisFirehoseReadOnlyAccess", &["firehose:Describe*", "firehose:List*"]),
    ("/", "AmazonKinesisFullAccess", &["kinesis:*"]),
    ("/", "AmazonKinesisReadOnlyAccess", &["kinesis:Get*", "kinesis:List*", "kinesis:Describe*"]),
    ("/", "AmazonS3FullAccess", &["s3:*", "s3-object-lambda:*"]),
    ("/", "AmazonS3ReadOnlyAccess", &["s3:Get*", "s3:List*", "s3:Describe*", "s3-object-lambda:Get*", "s3-object-lambda:List*"]),
    ("/", "AmazonSESFullAccess", &["ses:*"]),
    ("/", "AmazonSNSFullAccess", &["sns:*"]),
    ("/", "AmazonSNSReadOnlyAccess", &["sns:Get*", "sns:List*", "sns:CheckIfPhoneNumberIsOptedOut"]),
    ("/", "AmazonSQSFullAccess", &["sqs:*"]),
    ("/", "AmazonSQSReadOnlyAccess", &["sqs:GetQueueAttributes", "sqs:GetQueueUrl", "sqs:ListDeadLetterSourceQueues", "sqs:ListQueues",
        "sqs:ListMessageMoveTasks", "sqs:ListQueueTags"]),
    ("/", "AmazonSSMFullAccess", &["ssm:*", "cloudwatch:PutMetricData", "logs:*"]),
    ("/", "AmazonSSMReadOnlyAccess", &["ssm:Describe*", "ssm:Get*", "ssm:List*"]),
    ("/", "AWSCloudFormationFullAccess", &["cloudformation:*"]),
    ("/", "AWSCloudFormationReadOnlyAccess", &["cloudformation:Describe*", "cloudformation:EstimateTemplateCost", "cloudformation:Get*",
        "cloudformation:List*", "cloudformation:ValidateTemplate", "cloudformation:Detect*"]),
    ("/", "AWSLambda_FullAccess", &["lambda:*", "cloudwatch:GetMetricData", "cloudwatch:ListMetrics", "iam:GetPolicy", "iam:GetPolicyVersion",
        "iam:GetRole", "iam:GetRolePolicy", "iam:ListAttachedRolePolicies", "iam:ListRolePolicies", "iam:ListRoles", "iam:PassRole",
        "logs:DescribeLogGroups", "logs:DescribeLogStreams", "logs:FilterLogEvents", "logs:GetLogEvents", "states:DescribeStateMachine",
        "states:ListStateMachines", "tag:GetResources", "xray:BatchGetTraces", "xray:GetTraceSummaries"]),
    ("/", "AWSLambda_ReadOnlyAccess", &["lambda:Get*", "lambda:List*", "iam:GetPolicy", "iam:GetPolicyVersion", "iam:GetRole", "iam:GetRolePolicy",
        "iam:ListAttachedRolePolicies", "iam:ListRolePolicies", "iam:ListRoles", "logs:DescribeLogGroups", "logs:DescribeLogStreams",
        "logs:FilterLogEvents", "logs:GetLogEvents", "cloudwatch:GetMetricData", "cloudwatch:ListMetrics"]),
    ("/", "AWSLambdaExecute", &["logs:*", "s3:GetObject", "s3:PutObject"]),
    ("/", "AWSLambdaInvocation-DynamoDB", &["lambda:InvokeFunction", "dynamodb:DescribeStream", "dynamodb:GetRecords",
        "dynamodb:GetShardIterator", "dynamodb:ListStreams"]),
    ("/", "AWSStepFunctionsConsoleFullAccess", &["states:*", "iam:ListRoles", "lambda:ListFunctions",
        "@arn:aws:iam::*:role/service-role/StatesExecutionRole*", "iam:PassRole"]),
    ("/", "AWSStepFunctionsFullAccess", &["states:*"]),
    ("/", "AWSStepFunctionsReadOnlyAccess", &["states:List*", "states:Describe*", "states:Get*"]),
    ("/", "AWSXRayDaemonWriteAccess", &["xray:PutTraceSegments", "xray:PutTelemetryRecords", "xray:GetSamplingRules",
        "xray:GetSamplingTargets", "xray:GetSamplingStatisticSummaries"]),
    ("/", "AWSXrayFullAccess", &["xray:*"]),
    ("/", "AWSXrayWriteOnlyAccess", &["xray:PutTraceSegments", "xray:PutTelemetryRecords", "xray:GetSamplingRules",
        "xray:GetSamplingTargets", "xray:GetSamplingStatisticSummaries"]),
    ("/", "CloudWatchFullAccess", &["cloudwatch:*", "logs:*", "sns:*", "iam:GetPolicy", "iam:GetPolicyVersion", "iam:GetRole"]),
    ("/", "CloudWatchLambdaInsightsExecutionRolePolicy", &["logs:CreateLogGroup", "@arn:aws:logs:*:*:log-group:/aws/lambda-insights:*",
        "logs:CreateLogStream", "logs:PutLogEvents"]),
    ("/", "CloudWatchLogsFullAccess", &["logs:*", "cloudwatch:GenerateQuery"]),
    ("/", "CloudWatchLogsReadOnlyAccess", &["logs:Describe*", "logs:Get*", "logs:List*", "logs:StartQuery", "logs:StopQuery",
        "logs:TestMetricFilter", "logs:FilterLogEvents", "logs:StartLiveTail", "logs:StopLiveTail"]),
    ("/", "CloudWatchReadOnlyAccess", &["cloudwatch:Describe*", "cloudwatch:Get*", "cloudwatch:List*", "logs:Describe*", "logs:Get*", "logs:List*",
        "logs:StartQuery", "logs:StopQuery", "logs:TestMetricFilter", "logs:FilterLogEvents", "logs:StartLiveTail", "logs:StopLiveTail",
        "sns:Get*", "sns:List*"]),
    ("/", "IAMFullAccess", &["iam:*", "organizations:DescribeOrganization", "organizations:ListPolicies"]),
    ("/", "IAMReadOnlyAccess", &["iam:GenerateCredentialReport", "iam:GenerateServiceLastAccessedDetails", "iam:Get*", "iam:List*",
        "iam:SimulateCustomPolicy", "iam:SimulatePrincipalPolicy"]),
    ("/", "IAMUserChangePassword", &["iam:GetAccountPasswordPolicy", "@arn:aws:iam::*:user/${aws:username}", "iam:ChangePassword"]),
    ("/", "PowerUserAccess", &["!iam:*", "!organizations:*", "!account:*", "account:GetAccountInformation", "account:ListRegions",
        "iam:CreateServiceLinkedRole", "iam:DeleteServiceLinkedRole", "iam:ListRoles", "organizations:DescribeOrganization"]),
    ("/", "ReadOnlyAccess", READ_ONLY),
    ("/", "SecretsManagerReadWrite", &["secretsmanager:*", "kms:DescribeKey", "kms:ListAliases", "kms:ListKeys", "lambda:ListFunctions",
        "tag:GetResources"]),
    ("/job-function/", "ViewOnlyAccess", VIEW_ONLY),
    ("/service-role/", "AmazonAPIGatewayPushToCloudWatchLogs", &["logs:CreateLogGroup", "logs:CreateLogStream", "logs:DescribeLogGroups",
        "logs:DescribeLogStreams", "logs:PutLogEvents", "logs:GetLogEvents", "logs:FilterLogEvents"]),
    ("/service-role/", "AWSAppSyncPushToCloudWatchLogs", &LOGS),
    ("/service-role/", "AWSCodeDeployRoleForLambda", &["cloudwatch:DescribeAlarms", "lambda:UpdateAlias", "lambda:GetAlias",
        "lambda:GetProvisionedConcurrencyConfig", "sns:Publish", "@arn:aws:s3:::*/CodeDeploy/*", "s3:GetObject", "s3:GetObjectVersion",
        "@arn:aws:lambda:*:*:function:CodeDeployHook_*", "lambda:InvokeFunction"]),
    ("/service-role/", "AWSLambdaBasicExecutionRole", &LOGS),
    ("/service-role/", "AWSLambdaDynamoDBExecutionRole", &[LOGS[0], LOGS[1], LOGS[2], "dynamodb:DescribeStream", "dynamodb:GetRecords",
        "dynamodb:GetShardIterator", "dynamodb:ListStreams"]),
    ("/service-role/", "AWSLambdaKinesisExecutionRole", &[LOGS[0], LOGS[1], LOGS[2], "kinesis:DescribeStream", "kinesis:DescribeStreamSummary",
        "kinesis:GetRecords", "kinesis:GetShardIterator", "kinesis:ListShards", "kinesis:ListStreams", "kinesis:SubscribeToShard"]),
    ("/service-role/", "AWSLambdaRole", &["lambda:InvokeFunction"]),
    ("/service-role/", "AWSLambdaSQSQueueExecutionRole", &[LOGS[0], LOGS[1], LOGS[2], "sqs:ReceiveMessage", "sqs:DeleteMessage",
        "sqs:GetQueueAttributes"]),
    ("/service-role/", "AWSLambdaVPCAccessExecutionRole", &[LOGS[0], LOGS[1], LOGS[2], "ec2:CreateNetworkInterface",
        "ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets", "ec2:DeleteNetworkInterface", "ec2:AssignPrivateIpAddresses",
        "ec2:UnassignPrivateIpAddresses"]),
];

#[rustfmt::skip]
const READ_ONLY: &[&str] = &[
    "acm:Describe*", "acm:Get*", "acm:List*", "apigateway:GET", "appsync:Get*", "appsync:List*", "cloudformation:Describe*",
    "cloudformation:Get*", "cloudformation:List*", "cloudfront:Get*", "cloudfront:List*", "cloudwatch:Describe*", "cloudwatch:Get*",
    "cloudwatch:List*", "cognito-identity:Describe*", "cognito-identity:List*", "cognito-idp:Describe*", "cognito-idp:List*",
    "dynamodb:BatchGetItem", "dynamodb:Describe*", "dynamodb:Get*", "dynamodb:List*", "dynamodb:PartiQLSelect", "dynamodb:Query",
    "dynamodb:Scan", "events:Describe*", "events:List*", "firehose:Describe*", "firehose:List*", "iam:Get*", "iam:List*",
    "kinesis:Describe*", "kinesis:Get*", "kinesis:List*", "kms:Describe*", "kms:Get*", "kms:List*", "lambda:Get*", "lambda:List*",
    "logs:Describe*", "logs:FilterLogEvents", "logs:Get*", "logs:List*", "logs:StartLiveTail", "logs:StartQuery", "logs:StopQuery",
    "logs:TestMetricFilter", "route53:Get*", "route53:List*", "s3:Get*", "s3:List*", "scheduler:Get*", "scheduler:List*",
    "secretsmanager:Describe*", "secretsmanager:List*", "ses:Get*", "ses:List*", "sns:Get*", "sns:List*", "sqs:Get*", "sqs:List*",
    "ssm:Describe*", "ssm:Get*", "ssm:List*", "states:Describe*", "states:Get*", "states:List*", "sts:GetAccessKeyInfo",
    "sts:GetCallerIdentity", "tag:Get*", "xray:BatchGet*", "xray:Get*",
];

#[rustfmt::skip]
const VIEW_ONLY: &[&str] = &[
    "acm:ListCertificates", "apigateway:GET", "cloudformation:DescribeStacks", "cloudformation:List*", "cloudfront:List*",
    "cloudwatch:Describe*", "cloudwatch:List*", "cognito-identity:List*", "cognito-idp:List*", "dynamodb:Describe*", "dynamodb:List*",
    "events:List*", "firehose:Describe*", "firehose:List*", "iam:List*", "iam:GetAccountSummary", "kinesis:List*", "kms:List*",
    "lambda:List*", "logs:Describe*", "route53:List*", "s3:ListAllMyBuckets", "s3:ListBucket", "secretsmanager:ListSecrets",
    "sns:List*", "sqs:ListQueues", "ssm:Describe*", "ssm:List*", "states:List*",
];

/// The policy of this ARN; its uses are not counted.
pub(crate) fn find(arn: &str) -> Option<Policy> {
    let place = arn.strip_prefix(ARN_PREFIX)?;
    ROWS.iter().find(|(path, name, _)| place.strip_prefix(path) == Some(name)).map(read)
}

/// All of them, with their ARNs, by name.
pub(crate) fn all() -> impl Iterator<Item = (String, Policy)> {
    ROWS.iter().map(|row| (format!("{ARN_PREFIX}{}{}", row.0, row.1), read(row)))
}

fn read((path, name, actions): &Row) -> Policy {
    let version = PolicyVersion { number: 1, document: document(actions), created: CREATED };
    Policy {
        name: (*name).into(),
        path: (*path).into(),
        id: id(name),
        created: CREATED,
        updated: CREATED,
        description: None,
        versions: vec![version],
        default_version: 1,
        next_version: 2,
        tags: Tags::default(),
        attachments: 0,
        boundary_uses: 0,
    }
}

fn document(actions: &[&str]) -> String {
    let (excluded, listed): (Vec<&str>, Vec<&str>) =
        actions.iter().partition(|action| action.starts_with('!'));
    let mut statements = Vec::new();
    if !excluded.is_empty() {
        let excluded: Vec<&str> = excluded.iter().map(|action| &action[1..]).collect();
        statements.push(json!({"Effect": "Allow", "NotAction": excluded, "Resource": "*"}));
    }
    let (mut resource, mut actions) = ("*", Vec::new());
    for next in listed {
        match next.strip_prefix('@') {
            Some(next) => {
                statements.extend(statement(&std::mem::take(&mut actions), resource));
                resource = next;
            }
            None => actions.push(next),
        }
    }
    statements.extend(statement(&actions, resource));
    // The version first, as AWS writes it.
    format!(r#"{{"Version":"2012-10-17","Statement":{}}}"#, serde_json::Value::from(statements))
}

fn statement(actions: &[&str], resource: &str) -> Option<serde_json::Value> {
    (!actions.is_empty()).then(|| json!({"Effect": "Allow", "Action": actions, "Resource": resource}))
}

/// An id that stays the same as long as the name does.
fn id(name: &str) -> String {
    const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    // FNV-1a, 128 bits: 17 characters of five bits each are taken from it.
    let mut hash: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    for byte in name.bytes() {
        hash = (hash ^ u128::from(byte)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b);
    }
    let characters = (0..17).map(|place| char::from(ALPHABET[(hash >> (place * 5)) as usize & 31]));
    std::iter::once("ANPA".to_owned()).chain(characters.map(String::from)).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::document::{Purpose, check};

    #[test]
    fn documents_are_valid_and_ids_differ() {
        let mut ids = HashSet::new();
        for (arn, policy) in all() {
            check(&policy.versions[0].document, Purpose::Permissions)
                .unwrap_or_else(|error| panic!("{arn}: {error}"));
            assert_eq!(policy.id.len(), 21);
            assert!(ids.insert(policy.id.clone()), "{arn}");
            assert_eq!(find(&arn).unwrap().name, policy.name);
        }
        let hooks = find("arn:aws:iam::aws:policy/service-role/AWSCodeDeployRoleForLambda").unwrap();
        assert!(hooks.versions[0].document.contains("function:CodeDeployHook_*"));
        let power = find("arn:aws:iam::aws:policy/PowerUserAccess").unwrap();
        assert!(
            power.versions[0].document.contains(r#""NotAction":["iam:*","organizations:*","account:*"]"#)
        );
        assert!(find("arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole").is_some());
        assert!(find("arn:aws:iam::aws:policy/AWSLambdaBasicExecutionRole").is_none());
    }
}
