//! Errors of every protocol, and what the steps do with requests that are not in order.

use expect_test::expect;

use super::stage::Stage;

#[tokio::test]
async fn operations_that_are_not_there_are_named_in_every_protocol() {
    let stage = Stage::new().await;
    // In the model, not in the table.
    stage.check("POST /\nsigned: logs\nx-amz-target: Logs_20140328.DescribeLogGroups\ncontent-type: application/x-amz-json-1.1\n\n{}", expect![[r#"
        501 application/x-amz-json-1.1
        {"__type":"NotImplemented","message":"Cloudling does not implement logs:DescribeLogGroups yet."}"#]]).await;
    stage.check("POST /\nsigned: dynamodb\nx-amz-target: DynamoDB_20120810.ListBackups\ncontent-type: application/x-amz-json-1.0\n\n{}", expect![[r#"
        501 application/x-amz-json-1.0
        {"__type":"NotImplemented","message":"Cloudling does not implement dynamodb:ListBackups yet."}"#]]).await;
    stage.check("POST /\nsigned: sts\ncontent-type: application/x-www-form-urlencoded\n\nAction=AssumeRole&Version=2011-06-15&RoleArn=arn:aws:iam::000000000000:role/x&RoleSessionName=yy", expect![[r#"
        501 text/xml
        <?xml version="1.0" encoding="UTF-8"?>
        <ErrorResponse><Error><Type>Receiver</Type><Code>NotImplemented</Code><Message>Cloudling does not implement sts:AssumeRole yet.</Message></Error><RequestId>00000000-0000-4000-8000-000000000007</RequestId></ErrorResponse>"#]]).await;
    stage
        .check(
            "GET /2015-03-31/functions\nsigned: lambda",
            expect![[r#"
        501 application/json
        {"message":"Cloudling does not implement lambda:ListFunctions yet."}"#]],
        )
        .await;
    // In a model whose service is not mounted.
    stage.check("GET /bucket/key\nsigned: s3", expect![[r#"
        501 application/xml
        <?xml version="1.0" encoding="UTF-8"?>
        <Error><Code>NotImplemented</Code><Message>Cloudling does not implement s3:GetObject yet.</Message><RequestId>00000000-0000-4000-8000-00000000000d</RequestId></Error>"#]]).await;
    stage
        .check(
            "POST /service/GraniteServiceVersion20100801/operation/ListMetrics\nsmithy-protocol: rpc-v2-cbor",
            expect![[r#"
                501 application/cbor
                89 bytes"#]],
        )
        .await;
    // In no model.
    stage.check("POST /\nsigned: logs\nx-amz-target: Logs_20140328.Frobnicate\ncontent-type: application/x-amz-json-1.1\n\n{}", expect![[r#"
        501 application/x-amz-json-1.1
        {"__type":"NotImplemented","message":"Cloudling does not implement logs:Frobnicate yet."}"#]]).await;
    stage.check("POST /\nsigned: sts\ncontent-type: application/x-www-form-urlencoded\n\nAction=Frobnicate&Version=2011-06-15", expect![[r#"
        501 text/xml
        <?xml version="1.0" encoding="UTF-8"?>
        <ErrorResponse><Error><Type>Receiver</Type><Code>NotImplemented</Code><Message>Cloudling does not implement sts:Frobnicate yet.</Message></Error><RequestId>00000000-0000-4000-8000-000000000010</RequestId></ErrorResponse>"#]]).await;
    stage
        .check(
            "GET /2015-03-31/frobnicate\nsigned: lambda",
            expect![[r#"
        501 application/json
        {"message":"Cloudling does not implement lambda:GET /2015-03-31/frobnicate yet."}"#]],
        )
        .await;
    // Of no service.
    stage.check("POST /\nsigned: frobnicator\nx-amz-target: Frobnicator.Frob\ncontent-type: application/x-amz-json-1.0\n\n{}", expect![[r#"
        501 application/x-amz-json-1.0
        {"__type":"NotImplemented","message":"Cloudling does not implement frobnicator:Frob yet."}"#]]).await;
    stage.check("GET /somewhere", expect![[r#"
        501 application/json
        {"message":"GET /somewhere names no service that Cloudling has. AWS requests name theirs by their signature, X-Amz-Target, Action and Version, host or path."}"#]]).await;
}

#[tokio::test]
async fn modelled_errors_are_written_as_the_model_says() {
    let stage = Stage::new().await;
    let request = "POST /\nsigned: logs\nx-amz-target: Logs_20140328.DeleteLogGroup\ncontent-type: application/x-amz-json-1.1\n\n";
    stage
        .check(
            &format!("{request}{{\"logGroupName\":\"x\"}}"),
            expect![[r#"
        400 application/x-amz-json-1.1
        {"__type":"ResourceNotFoundException","message":"The specified log group does not exist."}"#]],
        )
        .await;
    stage.check(&format!("{request}{{}}"), expect![[r#"
        400 application/x-amz-json-1.1
        {"__type":"ValidationException","message":"1 validation error detected: Value null at 'logGroupName' failed to satisfy constraint: Member must not be null"}"#]]).await;
    stage.check(&format!("{request}{{\"logGroupName\":\"\"}}"), expect![[r#"
        400 application/x-amz-json-1.1
        {"__type":"ValidationException","message":"2 validation errors detected: Value '' at 'logGroupName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\.\\-_/#A-Za-z0-9]+; Value '' at 'logGroupName' failed to satisfy constraint: Member must have length greater than or equal to 1"}"#]]).await;
    stage.check(&format!("{request}{{nonsense"), expect![[r#"
        400 application/x-amz-json-1.1
        {"__type":"SerializationException","message":"Could not parse request body into JSON: expected the name of a member at byte 1"}"#]]).await;
}

#[tokio::test]
async fn panics_and_unexpected_causes_are_internal_failures_and_the_server_goes_on() {
    let stage = Stage::new().await;
    let form =
        "POST /\nsigned: sts\ncontent-type: application/x-www-form-urlencoded\n\nVersion=2011-06-15&Action=";
    stage.check(&format!("{form}GetSessionToken"), expect![[r#"
        500 text/xml
        <?xml version="1.0" encoding="UTF-8"?>
        <ErrorResponse><Error><Type>Receiver</Type><Code>InternalFailure</Code><Message>The request failed because of an unexpected error. The server's log tells more about 00000000-0000-4000-8000-000000000001.</Message></Error><RequestId>00000000-0000-4000-8000-000000000001</RequestId></ErrorResponse>"#]]).await;
    let list = "POST /\nsigned: dynamodb\nx-amz-target: DynamoDB_20120810.ListTables\ncontent-type: application/x-amz-json-1.0\n\n{}";
    let answer = stage.ask(list).await;
    assert!(
        answer.starts_with("500 ") && answer.contains("InternalFailure") && !answer.contains("secret"),
        "{answer}"
    );
    assert!(stage.ask(&format!("{form}GetCallerIdentity")).await.starts_with("200 "));
}

#[tokio::test]
async fn bodies_have_limits() {
    let stage = Stage::new().await;
    let large = "x".repeat(crate::limits::BODY_BYTES_MAX + 1);
    let target = "x-amz-target: Logs_20140328.DeleteLogGroup\ncontent-type: application/x-amz-json-1.1";
    stage.check(&format!("POST /\nsigned: logs\n{target}\n\n{large}"), expect![[r#"
        413 application/x-amz-json-1.1
        {"__type":"RequestEntityTooLargeException","message":"Request must be smaller than 10485760 bytes for the DeleteLogGroup operation"}"#]]).await;
    let largest = "x".repeat(crate::limits::BODY_BYTES_MAX);
    let answer = stage.ask(&format!("POST /\nsigned: logs\n{target}\n\n{largest}")).await;
    assert!(answer.contains("SerializationException"), "{answer}");
    // Code may be larger.
    let code = format!("POST /2015-03-31/functions\nsigned: lambda\n\n{large}");
    let answer = stage.ask(&code).await;
    assert!(!answer.starts_with("413"), "{answer}");
}

#[tokio::test]
async fn every_answer_has_a_request_id() {
    let stage = Stage::new().await;
    for request in
        ["GET /somewhere", "GET /", "GET /_localstack/health", "GET /2015-03-31/functions\nsigned: lambda"]
    {
        let response = stage.send(super::stage::parse(request)).await;
        let id = response.headers()["x-amzn-requestid"].to_str().unwrap();
        assert_eq!(id.len(), 36, "{request}");
    }
}

#[tokio::test]
async fn invocations_answer_the_trace_they_were_given() {
    let stage = Stage::new().await;
    let request = "POST /2015-03-31/functions/echo/invocations\nsigned: lambda\nx-amzn-trace-id: Root=1-5-abc;Sampled=1\n\n{}";
    let response = stage.send(super::stage::parse(request)).await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["x-amzn-trace-id"], "Root=1-5-abc;Sampled=1");
}
