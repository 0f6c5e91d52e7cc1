use http::header::HeaderName;

use super::*;

/// `METHOD path[?query]`, then headers one a line, then after an empty line the form.
fn identified(text: &str) -> String {
    let (head, form) = text.split_once("\n\n").unwrap_or((text, ""));
    let mut lines = head.lines().map(str::trim).filter(|line| !line.is_empty());
    let (method, target) = lines.next().unwrap().split_once(' ').unwrap();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut headers = HeaderMap::new();
    for line in lines {
        let (name, value) = line.split_once(": ").unwrap();
        headers.insert(HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap());
    }
    let credential = Credential::of(&headers, query);
    let evidence = Evidence {
        method: &method.parse().unwrap(),
        path,
        query,
        headers: &headers,
        host: crate::request::header(&headers, &http::header::HOST),
        form: form.trim(),
        credential: credential.as_ref(),
    };
    let name = service(&evidence).map_or("-".into(), |name| name.0);
    format!("{name} {}", operation_text(&evidence))
}

fn signed(service: &str) -> String {
    format!(
        "authorization: AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/{service}/aws4_request, SignedHeaders=host, Signature=0"
    )
}

#[test]
fn the_scope_of_the_signature_names_the_service() {
    for (request, service, expected) in [
        ("POST /2015-03-31/functions", "lambda", "lambda POST /2015-03-31/functions"),
        ("GET /bucket/key", "s3", "s3 GET /bucket/key"),
        ("GET /v20180820/configuration", "s3", "s3control GET /v20180820/configuration"),
        ("GET /v2/apis", "apigateway", "apigatewayv2 GET /v2/apis"),
        ("GET /restapis", "apigateway", "apigateway GET /restapis"),
        ("POST /v2/email/outbound-emails", "ses", "sesv2 POST /v2/email/outbound-emails"),
        ("POST /@connections/abc", "execute-api", "apigatewaymanagementapi POST /@connections/abc"),
        ("POST /?Action=ListMetrics", "monitoring", "cloudwatch ListMetrics"),
        ("POST /topics/a%2Fb", "iotdata", "iot-data POST /topics/a%2Fb"),
        ("POST /", "frobnicator", "frobnicator POST /"),
    ] {
        assert_eq!(identified(&format!("{request}\n{}", signed(service))), expected);
    }
}

#[test]
fn targets_tell_apart_what_signs_alike() {
    for (target, service, expected) in [
        ("DynamoDB_20120810.GetItem", "dynamodb", "dynamodb GetItem"),
        ("DynamoDBStreams_20120810.GetRecords", "dynamodb", "dynamodbstreams GetRecords"),
        ("Timestream_20181101.WriteRecords", "timestream", "timestream-write WriteRecords"),
        ("Timestream_20181101.Query", "timestream", "timestream-query Query"),
        (
            "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.LookupEvents",
            "cloudtrail",
            "cloudtrail LookupEvents",
        ),
    ] {
        let request = format!("POST /\nx-amz-target: {target}\n{}", signed(service));
        assert_eq!(identified(&request), expected);
    }
}

#[test]
fn requests_without_a_signature_are_known_by_what_they_say() {
    for (request, expected) in [
        ("POST /\nx-amz-target: AWSCognitoIdentityProviderService.SignUp", "cognito-idp SignUp"),
        ("POST /\nx-amz-target: Frobnicator_2020.Frob", "Frobnicator_2020 Frob"),
        (
            "POST /service/GraniteServiceVersion20100801/operation/ListMetrics\nsmithy-protocol: rpc-v2-cbor",
            "cloudwatch ListMetrics",
        ),
        (
            "POST /\n\nAction=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=x",
            "sts AssumeRoleWithWebIdentity",
        ),
        ("POST /000000000000/queue\n\nAction=SendMessage&Version=2012-11-05", "sqs SendMessage"),
        ("GET /?Action=ListUsers&Version=2010-05-08", "iam ListUsers"),
        ("GET /2015-03-31/functions", "lambda GET /2015-03-31/functions"),
        ("GET /2018-10-31/layers", "lambda GET /2018-10-31/layers"),
        ("GET /2013-04-01/hostedzone", "route53 GET /2013-04-01/hostedzone"),
        ("GET /restapis", "apigateway GET /restapis"),
        ("POST /TraceSegments", "xray POST /TraceSegments"),
        ("GET /somewhere", "- GET /somewhere"),
        ("GET /", "- GET /"),
    ] {
        assert_eq!(identified(request), expected, "{request}");
    }
}

#[test]
fn hosts_name_services_and_buckets() {
    for (host, expected) in [
        ("lambda.us-east-1.amazonaws.com", "lambda"),
        ("sqs.eu-west-1.localhost.localstack.cloud:4566", "sqs"),
        ("queue.localhost.localstack.cloud:4566", "sqs"),
        ("s3.localhost.localstack.cloud:4566", "s3"),
        ("bucket.s3.localhost.localstack.cloud:4566", "s3"),
        ("bucket.s3.eu-west-1.amazonaws.com", "s3"),
        ("streams.dynamodb.us-east-1.amazonaws.com", "dynamodbstreams"),
        ("dynamodb.us-east-1.amazonaws.com", "dynamodb"),
        ("127.0.0.1:4566", "-"),
        ("lambda.example.com", "-"),
    ] {
        assert_eq!(identified(&format!("GET /\nhost: {host}")), format!("{expected} GET /"), "{host}");
    }
}

#[test]
fn the_names_agree_with_the_models() {
    for model in wire::model_names() {
        let parsed = wire::model(model).unwrap();
        let names =
            names::by_model(model).unwrap_or_else(|| panic!("{model} has a model and no row of names"));
        assert_eq!(names.signing, parsed.signing_name(), "{model}");
        assert_eq!(names.host, parsed.endpoint_prefix(), "{model}");
        assert_eq!(names.target, parsed.target_prefix().unwrap_or(""), "{model}");
    }
}
