use super::*;

fn event_of(method: &str, path: &str, query: &str, body: &'static [u8]) -> Value {
    let mut headers = HeaderMap::new();
    headers.insert(HOST, "127.0.0.1:4566".parse().unwrap());
    headers.append("x-tag", "a".parse().unwrap());
    headers.append("x-tag", "b".parse().unwrap());
    event(&Facts {
        method,
        path,
        query,
        headers: &headers,
        source_address: "127.0.0.1".into(),
        account: "000000000000",
        function: "users-api",
        request_id: "id-1",
        trace: "Root=1-0-0",
        now_epoch_millis: 1_583_348_638_390,
        body: &Bytes::from_static(body),
    })
}

#[test]
fn events_have_the_members_rest_handlers_read() {
    let event = event_of("POST", "/users/a%20b", "x=1&x=2&y=", br#"{"name":"Ada"}"#);
    assert_eq!(event["httpMethod"], "POST");
    assert_eq!(event["path"], "/users/a b");
    assert_eq!(event["resource"], "/{proxy+}");
    assert_eq!(event["pathParameters"]["proxy"], "users/a b");
    assert_eq!(event["headers"]["x-tag"], "b");
    assert_eq!(event["multiValueHeaders"]["x-tag"], json!(["a", "b"]));
    assert_eq!(event["queryStringParameters"], json!({ "x": "2", "y": "" }));
    assert_eq!(event["multiValueQueryStringParameters"]["x"], json!(["1", "2"]));
    assert_eq!(event["body"], r#"{"name":"Ada"}"#);
    assert_eq!(event["isBase64Encoded"], false);
    assert_eq!(event["requestContext"]["requestTime"], "04/Mar/2020:19:03:58 +0000");
}

#[test]
fn what_is_absent_is_null() {
    let event = event_of("GET", "/", "", b"");
    assert_eq!(event["resource"], "/");
    for member in [
        "queryStringParameters",
        "multiValueQueryStringParameters",
        "pathParameters",
        "body",
        "stageVariables",
    ] {
        assert!(event[member].is_null(), "{member}");
    }
    assert_eq!(event_of("POST", "/", "", b"\xff")["isBase64Encoded"], true);
}

#[test]
fn answers_are_read_and_malformed_ones_refused() {
    let answer = interpret(
        br#"{"statusCode":201,"headers":{"X-A":"1"},"multiValueHeaders":{"Set-Cookie":["a=1","b=2"]},"body":"hi"}"#,
    )
    .unwrap();
    assert_eq!(answer.status(), 201);
    assert_eq!(answer.headers()["x-a"], "1");
    assert_eq!(answer.headers().get_all("set-cookie").iter().count(), 2);
    assert_eq!(answer.headers()[CONTENT_TYPE], "application/json");
    for payload in [
        "null",
        "\"text\"",
        "[]",
        r#"{"statusCode":"x"}"#,
        r#"{"statusCode":200,"body":{}}"#,
        r#"{"headers":[]}"#,
        "not json",
    ] {
        assert!(interpret(payload.as_bytes()).is_err(), "{payload}");
    }
}
