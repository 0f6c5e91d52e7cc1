//! Requests and responses of real services, as their clients write and read them.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde::{Deserialize, Serialize};
use wire::{Blob, Document, ErrorReply, Fault, Map, Protocol, Request, Response, Timestamp};

/// A request in the words of a test: a first line, headers, an empty line, a body.
struct Text {
    method: Method,
    path: String,
    query: String,
    headers: HeaderMap,
    body: Bytes,
}

impl Text {
    fn parse(text: &str) -> Text {
        let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
        let mut lines = head.lines();
        let (method, uri) = lines.next().unwrap().split_once(' ').unwrap();
        let (path, query) = uri.split_once('?').unwrap_or((uri, ""));
        let mut headers = HeaderMap::new();
        for line in lines {
            let (name, value) = line.split_once(": ").unwrap();
            headers.append(
                HeaderName::from_bytes(name.as_bytes()).unwrap(),
                HeaderValue::from_str(value).unwrap(),
            );
        }
        let body = Bytes::copy_from_slice(body.as_bytes());
        Text { method: method.parse().unwrap(), path: path.into(), query: query.into(), headers, body }
    }

    fn request(&self) -> Request<'_> {
        Request {
            method: &self.method,
            path: &self.path,
            query: &self.query,
            headers: &self.headers,
            body: self.body.clone(),
        }
    }
}

/// The operation and the input, or the code and message, in one line.
fn read(service: &str, text: &str) -> String {
    let text = Text::parse(text);
    let model = wire::model(service).unwrap();
    let outcome = wire::protocol_of(model, &text.request()).and_then(|protocol| {
        let operation = wire::operation_of(model, protocol, &text.request())?;
        Ok((protocol, operation))
    });
    match outcome {
        Err(error) => format!("{} {}: {}", error.status, error.code, error.message),
        Ok((protocol, operation)) => match wire::decode(model, operation, protocol, &text.request()) {
            Ok(input) => format!("{} {}", operation.name(), input.to_json()),
            Err(error) => format!("{} {}: {}", error.status, error.code, error.message),
        },
    }
}

fn written(response: &Response) -> String {
    let headers = response
        .headers
        .iter()
        .map(|(name, value)| format!("{name}: {}\n", value.to_str().unwrap()))
        .collect::<String>();
    format!("{}\n{headers}\n{}", response.status, String::from_utf8_lossy(&response.body))
}

fn encode(service: &str, operation: &str, protocol: Protocol, output: Document) -> Response {
    let model = wire::model(service).unwrap();
    wire::encode(model, model.operation(operation).unwrap(), protocol, &output, "id").unwrap()
}

fn encode_error(service: &str, protocol: Protocol, error: &ErrorReply) -> String {
    written(&wire::encode_error(Some(wire::model(service).unwrap()), None, protocol, error, "id"))
}

#[test]
fn s3_finds_its_operation_by_path_query_and_headers() {
    let operation = |text: &str| read("s3", text).split(' ').next().unwrap().to_owned();
    let table = [
        ("GET /", "ListBuckets"),
        ("GET /bucket", "ListObjects"),
        ("GET /bucket/", "ListObjects"),
        ("GET /bucket?list-type=2&prefix=a", "ListObjectsV2"),
        ("GET /bucket/?versions", "ListObjectVersions"),
        ("GET /bucket?location", "GetBucketLocation"),
        ("GET /bucket?uploads", "ListMultipartUploads"),
        ("HEAD /bucket", "HeadBucket"),
        ("PUT /bucket", "CreateBucket"),
        ("PUT /bucket?versioning", "PutBucketVersioning"),
        ("POST /bucket?delete", "DeleteObjects"),
        ("GET /bucket/a/b%2Fc/", "GetObject"),
        ("GET /bucket/a?x-id=GetObject", "GetObject"),
        ("GET /bucket//a", "GetObject"),
        ("GET /bucket/a?tagging", "GetObjectTagging"),
        ("GET /bucket/a?uploadId=u", "ListParts"),
        ("PUT /bucket/a", "PutObject"),
        ("PUT /bucket/a\nx-amz-copy-source: b/c", "CopyObject"),
        ("PUT /bucket/a?partNumber=1&uploadId=u", "UploadPart"),
        ("PUT /bucket/a?partNumber=1&uploadId=u\nx-amz-copy-source: b/c", "UploadPartCopy"),
        ("POST /bucket/a?uploads", "CreateMultipartUpload"),
        ("POST /bucket/a?uploadId=u", "CompleteMultipartUpload"),
        ("DELETE /bucket/a?uploadId=u", "AbortMultipartUpload"),
        ("DELETE /bucket/a", "DeleteObject"),
        ("DELETE /bucket", "DeleteBucket"),
        ("POST /bucket/a?select&select-type=2", "SelectObjectContent"),
    ];
    for (request, expected) in table {
        assert_eq!(operation(request), expected, "{request}");
    }
    assert_eq!(
        read("s3", "PATCH /bucket"),
        "405 MethodNotAllowed: The specified method is not allowed against this resource."
    );
}

#[test]
fn s3_requests_are_read() {
    assert_eq!(
        read(
            "s3",
            "PUT /bucket/a%2Fb/c%20d\nx-amz-meta-colour: red\ncontent-length: 5\nx-amz-meta-: x\n\nhello"
        ),
        r#"PutObject {"Bucket":"bucket","ContentLength":5,"Key":"a/b/c d","Metadata":{"colour":"red"}}"#
    );
    assert_eq!(
        read(
            "s3",
            "POST /b?delete\n\n<Delete xmlns=\"u\"><Object><Key>a&amp;b</Key></Object><Object><Key>c</Key></Object><Quiet>true</Quiet></Delete>"
        ),
        r#"DeleteObjects {"Bucket":"b","Delete":{"Objects":[{"Key":"a&b"},{"Key":"c"}],"Quiet":true}}"#
    );
    assert_eq!(
        read("s3", "POST /b?delete\n\n<Delete><Object></Delete>"),
        "400 MalformedXML: The XML is not well-formed: an end tag without its start at byte 25"
    );
    assert_eq!(
        read("s3", "GET /b?max-keys=many"),
        "400 InvalidArgument: 'many' can not be converted to an Integer"
    );
}

#[test]
fn lambda_requests_are_read() {
    assert_eq!(
        read(
            "lambda",
            "POST /2015-03-31/functions/arn%3Aaws%3Alambda/invocations?Qualifier=live\nX-Amz-Invocation-Type: Event\n\n{\"a\":1}"
        ),
        r#"Invoke {"FunctionName":"arn:aws:lambda","InvocationType":"Event","Payload":"eyJhIjoxfQ==","Qualifier":"live"}"#
    );
    assert_eq!(read("lambda", "GET /2015-03-31/functions/"), "ListFunctions {}");
    assert_eq!(read("lambda", "GET /2015-03-31/functions?MaxItems=5"), r#"ListFunctions {"MaxItems":5}"#);
    assert_eq!(
        read("lambda", "DELETE /2017-03-31/tags/arn:aws:lambda:function:f?tagKeys=a&tagKeys=b"),
        r#"UntagResource {"Resource":"arn:aws:lambda:function:f","TagKeys":["a","b"]}"#
    );
    assert_eq!(
        read("lambda", "POST /2015-03-31/functions\n\n{\"FunctionName\":7}"),
        "400 SerializationException: NUMBER_VALUE can not be converted to a String"
    );
    assert_eq!(
        read("lambda", "POST /2015-03-31/functions\n\n{\"FunctionName\":\"f\",\"Code\":{\"ZipFile\":\"%\"}}"),
        "400 SerializationException: Invalid Base64 data: a blob must be a base64-encoded string"
    );
    assert_eq!(
        read("lambda", "GET /2015-03-31/nothing"),
        "404 UnknownOperationException: Lambda has no operation at GET /2015-03-31/nothing"
    );
}

#[test]
fn wrong_types_are_told_in_the_wording_of_aws() {
    let put = |item: &str| {
        let request = format!(
            "POST /\nX-Amz-Target: DynamoDB_20120810.PutItem\nContent-Type: application/x-amz-json-1.0\n\n{item}"
        );
        read("dynamodb", &request)
    };
    let table = [
        (r#"{"TableName":1}"#, "NUMBER_VALUE can not be converted to a String"),
        (r#"{"TableName":true}"#, "TRUE_VALUE can not be converted to a String"),
        (r#"{"TableName":{}}"#, "Start of structure or map found where not expected."),
        (r#"{"TableName":[]}"#, "Start of list found where not expected"),
        (r#"{"Item":"a"}"#, "Unexpected value type in payload"),
        (r#"{"Item":{"a":{"BOOL":"true"}}}"#, "STRING_VALUE can not be converted to a Boolean"),
        (r#"[]"#, "Start of list found where not expected"),
        (r#""a""#, "Unexpected value type in payload"),
        (r#"{"TableName":"#, "Could not parse request body into JSON: unexpected end of input at byte 13"),
    ];
    for (item, expected) in table {
        assert_eq!(put(item), format!("400 SerializationException: {expected}"), "{item}");
    }
    assert_eq!(put(r#"{"Unknown":[{"x":null}],"TableName":null}"#), "PutItem {}");
    let deep = |levels: usize| {
        "{\"Item\":{\"a\":".to_owned() + &"{\"L\":[".repeat(levels) + &"]}".repeat(levels) + "}}"
    };
    assert!(put(&deep(60)).starts_with("PutItem"));
    assert_eq!(
        put(&deep(200)),
        "400 SerializationException: The request is nested more than 256 levels deep"
    );
}

#[test]
fn integers_are_held_to_their_size() {
    let limit = |value: &str| {
        read(
            "logs",
            &format!("POST /\nX-Amz-Target: Logs_20140328.DescribeLogGroups\n\n{{\"limit\":{value}}}"),
        )
    };
    assert_eq!(limit("50"), r#"DescribeLogGroups {"limit":50}"#);
    assert_eq!(limit("5e1"), r#"DescribeLogGroups {"limit":50}"#);
    for value in ["1.5", "2147483648", "99999999999999999999", "\"5\"", "1e300"] {
        assert!(limit(value).starts_with("400 SerializationException: "), "{value}: {}", limit(value));
    }
    let time = |value: &str| {
        read(
            "logs",
            &format!("POST /\nX-Amz-Target: Logs_20140328.GetLogEvents\n\n{{\"startTime\":{value}}}"),
        )
    };
    assert_eq!(time("9223372036854775807"), r#"GetLogEvents {"startTime":9223372036854775807}"#);
    assert!(time("9223372036854775808").starts_with("400 SerializationException: "));
}

#[test]
fn sqs_is_spoken_in_its_old_form_too() {
    let form = |body: &str| {
        read("sqs", &format!("POST /\nContent-Type: application/x-www-form-urlencoded\n\n{body}"))
    };
    assert_eq!(
        form(
            "Action=CreateQueue&Version=2012-11-05&QueueName=q&Attribute.1.Name=DelaySeconds&Attribute.1.Value=5&Tag.1.Key=k&Tag.1.Value=v"
        ),
        r#"CreateQueue {"Attributes":{"DelaySeconds":"5"},"QueueName":"q","tags":{"k":"v"}}"#
    );
    assert_eq!(
        form(
            "Action=SendMessageBatch&QueueUrl=http%3A%2F%2Fq&SendMessageBatchRequestEntry.1.Id=a&SendMessageBatchRequestEntry.1.MessageBody=x+y\
             &SendMessageBatchRequestEntry.2.Id=b&SendMessageBatchRequestEntry.2.MessageBody=z\
             &SendMessageBatchRequestEntry.1.MessageAttribute.1.Name=n&SendMessageBatchRequestEntry.1.MessageAttribute.1.Value.DataType=String"
        ),
        r#"SendMessageBatch {"Entries":[{"Id":"a","MessageAttributes":{"n":{"DataType":"String"}},"MessageBody":"x y"},{"Id":"b","MessageBody":"z"}],"QueueUrl":"http://q"}"#
    );
    assert_eq!(
        form("Action=ReceiveMessage&QueueUrl=q&AttributeName.1=All&MaxNumberOfMessages=10"),
        r#"ReceiveMessage {"AttributeNames":["All"],"MaxNumberOfMessages":10,"QueueUrl":"q"}"#
    );
    assert_eq!(form("Action=Nope"), "400 InvalidAction: The action Nope is not valid for this web service.");
    assert_eq!(
        form("Action=ReceiveMessage&MaxNumberOfMessages=ten"),
        "400 MalformedInput: 'ten' can not be converted to an Integer"
    );

    let message = Document::map([
        ("MessageId", "m".into()),
        ("Body", "a<b".into()),
        ("Attributes", Document::map([("SenderId", "s".into())])),
    ]);
    let output = Document::map([("Messages", vec![message].into())]);
    let response = encode("sqs", "ReceiveMessage", Protocol::Query, output.clone());
    assert_eq!(
        String::from_utf8_lossy(&response.body),
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <ReceiveMessageResponse xmlns=\"http://queue.amazonaws.com/doc/2012-11-05/\"><ReceiveMessageResult>\
         <Message><MessageId>m</MessageId><Body>a&lt;b</Body><Attribute><Name>SenderId</Name><Value>s</Value></Attribute></Message>\
         </ReceiveMessageResult><ResponseMetadata><RequestId>id</RequestId></ResponseMetadata></ReceiveMessageResponse>"
    );
    let response = encode("sqs", "ReceiveMessage", Protocol::AwsJson10, output);
    assert_eq!(
        String::from_utf8_lossy(&response.body),
        r#"{"Messages":[{"MessageId":"m","Body":"a<b","Attributes":{"SenderId":"s"}}]}"#
    );

    let error = ErrorReply::new("QueueDoesNotExist", "The specified queue does not exist.", Fault::Client);
    assert_eq!(
        encode_error("sqs", Protocol::Query, &error),
        "400\ncontent-type: text/xml\nx-amzn-requestid: id\n\n<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <ErrorResponse xmlns=\"http://queue.amazonaws.com/doc/2012-11-05/\"><Error><Type>Sender</Type>\
         <Code>AWS.SimpleQueueService.NonExistentQueue</Code><Message>The specified queue does not exist.</Message></Error>\
         <RequestId>id</RequestId></ErrorResponse>"
    );
    assert_eq!(
        encode_error("sqs", Protocol::AwsJson10, &error),
        "400\ncontent-type: application/x-amz-json-1.0\nx-amzn-requestid: id\nx-amzn-errortype: QueueDoesNotExist\n\
         x-amzn-query-error: AWS.SimpleQueueService.NonExistentQueue;Sender\n\n\
         {\"__type\":\"QueueDoesNotExist\",\"message\":\"The specified queue does not exist.\"}"
    );
}

#[test]
fn cloudwatch_is_spoken_in_three_protocols() {
    let form = "POST /\nContent-Type: application/x-www-form-urlencoded\n\nAction=PutMetricData&Namespace=n&MetricData.member.1.MetricName=m&MetricData.member.1.Value=1.5&MetricData.member.1.Timestamp=2024-01-02T03:04:05Z";
    let json = "POST /\nX-Amz-Target: GraniteServiceVersion20100801.PutMetricData\nContent-Type: application/x-amz-json-1.0\n\n{\"Namespace\":\"n\",\"MetricData\":[{\"MetricName\":\"m\",\"Value\":1.5,\"Timestamp\":1704164645}]}";
    let expected = r#"PutMetricData {"MetricData":[{"MetricName":"m","Timestamp":"2024-01-02T03:04:05Z","Value":1.5}],"Namespace":"n"}"#;
    assert_eq!(read("cloudwatch", form), expected);
    assert_eq!(read("cloudwatch", json), expected);
    assert_eq!(
        read(
            "cloudwatch",
            "POST /service/GraniteServiceVersion20100801/operation/ListMetrics\nsmithy-protocol: rpc-v2-cbor"
        ),
        "ListMetrics {}"
    );
    assert_eq!(
        read(
            "cloudwatch",
            "POST /service/GraniteServiceVersion20100801/operation/Nope\nsmithy-protocol: rpc-v2-cbor"
        ),
        "400 UnknownOperationException: CloudWatch has no operation Nope"
    );
}

#[test]
fn a_protocol_the_service_does_not_speak_is_refused() {
    assert_eq!(
        read("lambda", "POST /service/x/operation/Invoke\nsmithy-protocol: rpc-v2-cbor"),
        "400 UnknownOperationException: Lambda does not speak the protocol of this request"
    );
    assert_eq!(
        read("dynamodb", "POST /\n\nAction=PutItem"),
        "400 UnknownOperationException: DynamoDB does not speak the protocol of this request"
    );
    assert_eq!(
        read("sts", "POST /\n\n"),
        "400 MissingAction: The request must contain the parameter Action."
    );
    assert_eq!(
        read("sts", "POST /\n\nAction=GetCallerIdentity&x=%ff"),
        "400 MalformedInput: The request is not UTF-8"
    );
    assert_eq!(read("sts", "GET /?Action=GetCallerIdentity&Version=2011-06-15"), "GetCallerIdentity {}");
}

#[test]
fn errors_keep_the_form_of_their_protocol() {
    let mut members = Map::new();
    members.insert("Reason".into(), "ReservedFunctionConcurrentInvocationLimitExceeded".into());
    members.insert("retryAfterSeconds".into(), "1".into());
    let error = ErrorReply {
        members,
        ..ErrorReply::new("TooManyRequestsException", "Rate Exceeded.", Fault::Client)
    };
    assert_eq!(
        encode_error("lambda", Protocol::RestJson, &error),
        "429\ncontent-type: application/json\nx-amzn-requestid: id\nx-amzn-errortype: TooManyRequestsException\nretry-after: 1\n\n\
         {\"message\":\"Rate Exceeded.\",\"Type\":\"User\",\"Reason\":\"ReservedFunctionConcurrentInvocationLimitExceeded\"}"
    );
    let error = ErrorReply::new("ResourceNotFoundException", "Function not found", Fault::Client);
    assert!(
        encode_error("lambda", Protocol::RestJson, &error)
            .ends_with(r#"{"Message":"Function not found","Type":"User"}"#)
    );

    let mut members = Map::new();
    members.insert("BucketName".into(), "b".into());
    let error = ErrorReply {
        members,
        status: Some(404),
        ..ErrorReply::new("NoSuchBucket", "The specified bucket does not exist", Fault::Client)
    };
    assert_eq!(
        encode_error("s3", Protocol::RestXml, &error),
        "404\ncontent-type: application/xml\nx-amzn-requestid: id\n\n<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <Error><Code>NoSuchBucket</Code><Message>The specified bucket does not exist</Message><BucketName>b</BucketName>\
         <RequestId>id</RequestId></Error>"
    );
    let error = ErrorReply::new("NoSuchEntityException", "not found", Fault::Client);
    assert!(encode_error("iam", Protocol::Query, &error).starts_with("404\n"));
    assert!(encode_error("iam", Protocol::Query, &error).contains("<Code>NoSuchEntity</Code>"));

    let error = ErrorReply {
        status: Some(501),
        ..ErrorReply::new("NotImplemented", "not yet \u{0} \"é\"", Fault::Server)
    };
    for protocol in
        [Protocol::AwsJson10, Protocol::Query, Protocol::Ec2Query, Protocol::RestXml, Protocol::RpcV2Cbor]
    {
        let response = wire::encode_error(None, None, protocol, &error, "id");
        assert_eq!(response.status, 501);
        assert!(!response.body.is_empty());
    }
}

#[test]
fn odd_errors_never_break_a_response() {
    let mut members = Map::new();
    members.insert("Type".into(), Document::Int(5));
    members.insert("other".into(), vec![Document::Null, Document::Float(f64::NAN)].into());
    let error = ErrorReply { members, status: Some(9), ..ErrorReply::new("Bad\r\nCode", "", Fault::Server) };
    for service in ["lambda", "s3", "sqs", "ec2", "cloudwatch"] {
        for protocol in
            [Protocol::RestJson, Protocol::RestXml, Protocol::Query, Protocol::Ec2Query, Protocol::RpcV2Cbor]
        {
            let response = wire::encode_error(wire::model(service), None, protocol, &error, "id\n");
            assert_eq!(response.status, 500);
        }
    }
}

#[test]
fn outputs_are_held_to_the_model() {
    let lambda = wire::model("lambda").unwrap();
    let fail = |operation: &str, output: Document| {
        wire::encode(lambda, lambda.operation(operation).unwrap(), Protocol::RestJson, &output, "id")
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        fail(
            "GetFunction",
            Document::map([("Configuration", Document::map([("Timeot", Document::Int(1))]))])
        ),
        "GetFunctionResponse.Configuration.Timeot: the shape has no such member"
    );
    assert_eq!(
        fail("GetFunction", Document::map([("Configuration", Document::map([("Timeout", "1".into())]))])),
        "GetFunctionResponse.Configuration.Timeout: expected an integer, found a string"
    );
    assert_eq!(
        fail("DeleteFunctionConcurrency", Document::map([("a", true.into())])),
        "DeleteFunctionConcurrency.a: the operation has no output"
    );
    assert_eq!(fail("GetFunction", "x".into()), "GetFunction: expected a structure, found a string");
    assert_eq!(
        fail("Invoke", Document::map([("FunctionError", "a\nb".into())])),
        "InvocationResponse.FunctionError: the text holds characters a header cannot carry"
    );
    assert_eq!(
        fail("Invoke", Document::map([("StatusCode", Document::Int(9))])),
        "InvocationResponse.StatusCode: expected an HTTP status, found an integer"
    );
}

#[test]
fn responses_of_the_rest_protocols_are_written() {
    let output = Document::map([
        ("StatusCode", Document::Int(202)),
        ("FunctionError", "Unhandled".into()),
        ("Payload", Document::Blob(Bytes::from_static(b"{}"))),
    ]);
    assert_eq!(
        written(&encode("lambda", "Invoke", Protocol::RestJson, output)),
        "202\nx-amz-function-error: Unhandled\ncontent-type: application/json\nx-amzn-requestid: id\n\n{}"
    );
    assert_eq!(
        written(&encode("lambda", "TagResource", Protocol::RestJson, Document::Null)),
        "204\ncontent-type: application/json\nx-amzn-requestid: id\n\n"
    );
    assert_eq!(
        written(&encode(
            "s3",
            "GetBucketLocation",
            Protocol::RestXml,
            Document::map([("LocationConstraint", "eu-west-1".into())])
        )),
        "200\ncontent-type: application/xml\nx-amzn-requestid: id\n\n<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <LocationConstraint xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">eu-west-1</LocationConstraint>"
    );
    let modified = Document::Time(Timestamp::from_epoch_millis(1_398_796_238_000));
    let output = Document::map([
        ("ContentType", "text/html".into()),
        ("LastModified", modified.clone()),
        ("Metadata", Document::map([("colour", "red".into())])),
    ]);
    assert_eq!(
        written(&encode("s3", "GetObject", Protocol::RestXml, output)),
        "200\ncontent-type: text/html\nlast-modified: Tue, 29 Apr 2014 18:30:38 GMT\nx-amz-meta-colour: red\nx-amzn-requestid: id\n\n"
    );
    let object = Document::map([("Key", "a".into()), ("LastModified", modified)]);
    let response =
        encode("s3", "ListObjectsV2", Protocol::RestXml, Document::map([("Contents", vec![object].into())]));
    assert!(
        String::from_utf8_lossy(&response.body)
            .contains("<Contents><Key>a</Key><LastModified>2014-04-29T18:30:38Z</LastModified></Contents>")
    );
}

#[test]
fn payloads_are_slices_of_the_body() {
    let text = Text::parse("POST /2015-03-31/functions/f/invocations\n\n{\"large\":true}");
    let lambda = wire::model("lambda").unwrap();
    let invoke = lambda.operation("Invoke").unwrap();
    let input = wire::decode(lambda, invoke, Protocol::RestJson, &text.request()).unwrap();

    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Invoke {
        function_name: String,
        payload: Option<Blob>,
    }
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Invoked {
        status_code: u16,
        payload: Blob,
    }
    let read: Invoke = wire::from_document(input).unwrap();
    assert_eq!(read.function_name, "f");
    let payload = read.payload.unwrap();
    assert_eq!(payload.0.as_ptr(), text.body.as_ptr());
    let output = wire::to_document(&Invoked { status_code: 200, payload }).unwrap();
    let response = wire::encode(lambda, invoke, Protocol::RestJson, &output, "id").unwrap();
    assert_eq!(response.body.as_ptr(), text.body.as_ptr());
}

/// A thread with a small stack stands for the smallest a server may have.
#[test]
fn the_deepest_input_fits_on_a_small_stack() {
    #[derive(Deserialize, Serialize)]
    enum Value {
        S(String),
        L(Vec<Value>),
    }
    #[derive(Deserialize, Serialize)]
    struct Put {
        #[serde(rename = "Item")]
        item: std::collections::BTreeMap<String, Value>,
    }
    let deepest = || {
        let levels = 62;
        let body = "{\"Item\":{\"a\":".to_owned()
            + &"{\"L\":[".repeat(levels)
            + "{\"S\":\"x\"}"
            + &"]}".repeat(levels)
            + "}}";
        let text = Text::parse(&format!("POST /\nX-Amz-Target: DynamoDB_20120810.PutItem\n\n{body}"));
        let model = wire::model("dynamodb").unwrap();
        let operation = model.operation("PutItem").unwrap();
        let input = wire::decode(model, operation, Protocol::AwsJson10, &text.request()).unwrap();
        let _ = wire::validate(model, operation, &input);
        let put: Put = wire::from_document(input).unwrap();
        wire::to_document(&put).unwrap().to_json().to_string().len()
    };
    let length = std::thread::Builder::new().stack_size(1 << 20).spawn(deepest).unwrap().join().unwrap();
    assert!(length > 500);
}
