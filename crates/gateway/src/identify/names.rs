//! Every name by which clients call a service.
//!
//! Kept here rather than asked of the models, so that finding one service does not read them all; a test holds the
//! table against the models.

/// One service and the names by which requests mean it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Names {
    /// The name of its model.
    pub(crate) model: &'static str,
    /// In the scope of signatures. Shared by several services where a company of APIs signs alike.
    pub(crate) signing: &'static str,
    /// First part of its host name.
    pub(crate) host: &'static str,
    /// Before the dot of `X-Amz-Target`; empty for services without.
    pub(crate) target: &'static str,
    /// `Version` of query requests; empty for services without.
    pub(crate) version: &'static str,
}

/// Host names that are not the endpoint prefix of any model.
pub(crate) const OTHER_HOSTS: &[(&str, &str)] = &[
    ("queue", "sqs"),
    ("states-sync", "stepfunctions"),
    ("sync-states", "stepfunctions"),
    ("streaming-logs", "logs"),
];

pub(crate) fn by_model(model: &str) -> Option<&'static Names> {
    NAMES.iter().find(|names| names.model == model)
}

const fn row(
    model: &'static str,
    signing: &'static str,
    host: &'static str,
    target: &'static str,
    version: &'static str,
) -> Names {
    Names { model, signing, host, target, version }
}

#[rustfmt::skip]
pub(crate) const NAMES: &[Names] = &[
    // model, signing name, host, target prefix, query version
    row("account", "account", "account", "", ""),
    row("acm", "acm", "acm", "CertificateManager", ""),
    row("apigateway", "apigateway", "apigateway", "", ""),
    row("apigatewaymanagementapi", "execute-api", "execute-api", "", ""),
    row("apigatewayv2", "apigateway", "apigateway", "", ""),
    row("application-autoscaling", "application-autoscaling", "application-autoscaling", "AnyScaleFrontendService", ""),
    row("appsync", "appsync", "appsync", "", ""),
    row("athena", "athena", "athena", "AmazonAthena", ""),
    row("autoscaling", "autoscaling", "autoscaling", "", "2011-01-01"),
    row("bedrock-runtime", "bedrock", "bedrock-runtime", "", ""),
    row("budgets", "budgets", "budgets", "AWSBudgetServiceGateway", ""),
    row("ce", "ce", "ce", "AWSInsightsIndexService", ""),
    row("cloudcontrol", "cloudcontrolapi", "cloudcontrolapi", "CloudApiService", ""),
    row("cloudformation", "cloudformation", "cloudformation", "", "2010-05-15"),
    row("cloudfront", "cloudfront", "cloudfront", "", ""),
    row("cloudtrail", "cloudtrail", "cloudtrail", "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101", ""),
    row("cloudwatch", "monitoring", "monitoring", "GraniteServiceVersion20100801", "2010-08-01"),
    row("codedeploy", "codedeploy", "codedeploy", "CodeDeploy_20141006", ""),
    row("cognito-identity", "cognito-identity", "cognito-identity", "AWSCognitoIdentityService", ""),
    row("cognito-idp", "cognito-idp", "cognito-idp", "AWSCognitoIdentityProviderService", ""),
    row("comprehend", "comprehend", "comprehend", "Comprehend_20171127", ""),
    row("config", "config", "config", "StarlingDoveService", ""),
    row("cur", "cur", "cur", "AWSOrigamiServiceGatewayService", ""),
    row("dynamodb", "dynamodb", "dynamodb", "DynamoDB_20120810", ""),
    row("dynamodbstreams", "dynamodb", "streams.dynamodb", "DynamoDBStreams_20120810", ""),
    row("ec2", "ec2", "ec2", "", "2016-11-15"),
    row("ecr", "ecr", "api.ecr", "AmazonEC2ContainerRegistry_V20150921", ""),
    row("ecs", "ecs", "ecs", "AmazonEC2ContainerServiceV20141113", ""),
    row("elbv2", "elasticloadbalancing", "elasticloadbalancing", "", "2015-12-01"),
    row("events", "events", "events", "AWSEvents", ""),
    row("firehose", "firehose", "firehose", "Firehose_20150804", ""),
    row("glue", "glue", "glue", "AWSGlue", ""),
    row("iam", "iam", "iam", "", "2010-05-08"),
    row("iot", "iot", "iot", "", ""),
    row("iot-data", "iotdata", "data-ats.iot", "", ""),
    row("iot-jobs-data", "iot-jobs-data", "data.jobs.iot", "", ""),
    row("kinesis", "kinesis", "kinesis", "Kinesis_20131202", ""),
    row("kms", "kms", "kms", "TrentService", ""),
    row("lambda", "lambda", "lambda", "", ""),
    row("logs", "logs", "logs", "Logs_20140328", ""),
    row("opensearch", "es", "es", "", ""),
    row("organizations", "organizations", "organizations", "AWSOrganizationsV20161128", ""),
    row("pipes", "pipes", "pipes", "", ""),
    row("pricing", "pricing", "api.pricing", "AWSPriceListService", ""),
    row("rds", "rds", "rds", "", "2014-10-31"),
    row("rds-data", "rds-data", "rds-data", "", ""),
    row("resource-groups", "resource-groups", "resource-groups", "", ""),
    row("resourcegroupstaggingapi", "tagging", "tagging", "ResourceGroupsTaggingAPI_20170126", ""),
    row("route53", "route53", "route53", "", ""),
    row("s3", "s3", "s3", "", ""),
    row("s3control", "s3", "s3-control", "", ""),
    row("scheduler", "scheduler", "scheduler", "", ""),
    row("schemas", "schemas", "schemas", "", ""),
    row("secretsmanager", "secretsmanager", "secretsmanager", "secretsmanager", ""),
    row("serverlessrepo", "serverlessrepo", "serverlessrepo", "", ""),
    row("servicediscovery", "servicediscovery", "servicediscovery", "Route53AutoNaming_v20170314", ""),
    row("ses", "ses", "email", "", "2010-12-01"),
    row("sesv2", "ses", "email", "", ""),
    row("signer", "signer", "signer", "", ""),
    row("sns", "sns", "sns", "", "2010-03-31"),
    row("sqs", "sqs", "sqs", "AmazonSQS", "2012-11-05"),
    row("ssm", "ssm", "ssm", "AmazonSSM", ""),
    row("stepfunctions", "states", "states", "AWSStepFunctions", ""),
    row("sts", "sts", "sts", "", "2011-06-15"),
    row("timestream-query", "timestream", "query.timestream", "Timestream_20181101", ""),
    row("timestream-write", "timestream", "ingest.timestream", "Timestream_20181101", ""),
    row("wafv2", "wafv2", "wafv2", "AWSWAF_20190729", ""),
    row("xray", "xray", "xray", "", ""),
];
