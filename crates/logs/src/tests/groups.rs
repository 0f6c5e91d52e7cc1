use expect_test::expect;

use super::Cloud;

#[tokio::test]
async fn a_group_is_created_described_and_deleted() {
    let cloud = Cloud::new();
    let input = r#"{"logGroupName":"/aws/lambda/hello","tags":{"team":"a"}}"#;
    assert_eq!(cloud.call("CreateLogGroup", input).await, "{}");
    expect!["ResourceAlreadyExistsException: The specified log group already exists"]
        .assert_eq(&cloud.call("CreateLogGroup", input).await);
    expect![[r#"
        {
          "logGroups": [
            {
              "arn": "arn:aws:logs:us-east-1:000000000000:log-group:/aws/lambda/hello:*",
              "creationTime": 1700000000000,
              "deletionProtectionEnabled": false,
              "logGroupArn": "arn:aws:logs:us-east-1:000000000000:log-group:/aws/lambda/hello",
              "logGroupClass": "STANDARD",
              "logGroupName": "/aws/lambda/hello",
              "metricFilterCount": 0,
              "storedBytes": 0
            }
          ]
        }"#]]
    .assert_eq(&cloud.call("DescribeLogGroups", "{}").await);
    cloud.json("DeleteLogGroup", r#"{"logGroupName":"/aws/lambda/hello"}"#).await;
    expect![[r#"
        {
          "logGroups": []
        }"#]]
    .assert_eq(&cloud.call("DescribeLogGroups", "{}").await);
    expect!["ResourceNotFoundException: The specified log group does not exist."]
        .assert_eq(&cloud.call("DeleteLogGroup", r#"{"logGroupName":"/aws/lambda/hello"}"#).await);
}

#[tokio::test]
async fn bad_groups_are_refused() {
    let cloud = Cloud::new();
    for (input, expected) in [
        (
            r#"{"logGroupName":"aws/x"}"#,
            expect!["InvalidParameterException: Log groups starting with AWS/ are reserved for AWS."],
        ),
        (
            r#"{"logGroupName":""}"#,
            expect![
                "InvalidParameterException: Log group names have 1 to 512 of the characters a-z, A-Z, 0-9, '_', '-', '/', '.' and '#'."
            ],
        ),
        (
            r#"{"logGroupName":"x","kmsKeyId":"k"}"#,
            expect![
                "NotImplemented: Cloudling does not implement the parameter kmsKeyId of logs:CreateLogGroup yet."
            ],
        ),
        (
            r#"{"logGroupName":"x","logGroupClass":"GOLD"}"#,
            expect!["InvalidParameterException: Unknown log group class: GOLD"],
        ),
        (
            r#"{"logGroupName":"x","tags":{"aws:x":""}}"#,
            expect!["InvalidParameterException: tag keys must not begin with aws:"],
        ),
        (
            r#"{"logGroupName":7}"#,
            expect!["SerializationException: logGroupName: invalid type: integer `7`, expected a string"],
        ),
        (r#"{}"#, expect!["SerializationException: missing field `logGroupName`"]),
    ] {
        expected.assert_eq(&cloud.call("CreateLogGroup", input).await);
    }
    assert_eq!(cloud.rows().await, 0);
}

#[tokio::test]
async fn groups_are_listed_by_prefix_pattern_class_and_page() {
    let cloud = Cloud::new();
    for group in ["a", "b/one", "b/two", "c"] {
        cloud.create(group, &[]).await;
    }
    cloud.json("CreateLogGroup", r#"{"logGroupName":"rare","logGroupClass":"INFREQUENT_ACCESS"}"#).await;
    let names = |output: &serde_json::Value| -> Vec<String> {
        let groups = output["logGroups"].as_array().unwrap();
        groups.iter().map(|group| group["logGroupName"].as_str().unwrap().to_owned()).collect()
    };
    let list = async |input: &str| names(&cloud.json("DescribeLogGroups", input).await);
    assert_eq!(list("{}").await, ["a", "b/one", "b/two", "c", "rare"]);
    assert_eq!(list(r#"{"logGroupNamePrefix":"b/"}"#).await, ["b/one", "b/two"]);
    assert_eq!(list(r#"{"logGroupNamePattern":"o"}"#).await, ["b/one", "b/two"]);
    assert_eq!(list(r#"{"logGroupClass":"ESSENTIALS"}"#).await, ["rare"]);
    let arn = "arn:aws:logs:us-east-1:000000000000:log-group:c";
    assert_eq!(list(&format!(r#"{{"logGroupIdentifiers":["{arn}","a","none"]}}"#)).await, ["a", "c"]);

    let mut seen = Vec::new();
    let mut token = String::new();
    loop {
        let page = cloud.json("DescribeLogGroups", &format!(r#"{{"limit":2{token}}}"#)).await;
        seen.push(names(&page));
        let Some(next) = page["nextToken"].as_str() else { break };
        token = format!(r#","nextToken":"{next}""#);
    }
    assert_eq!(seen, [vec!["a", "b/one"], vec!["b/two", "c"], vec!["rare"]]);

    expect![[r#"
        {
          "logGroups": [
            {
              "arn": "arn:aws:logs:us-east-1:000000000000:log-group:a:*",
              "creationTime": 1700000000000,
              "logGroupArn": "arn:aws:logs:us-east-1:000000000000:log-group:a",
              "logGroupName": "a"
            },
            {
              "arn": "arn:aws:logs:us-east-1:000000000000:log-group:rare:*",
              "creationTime": 1700000000000,
              "logGroupArn": "arn:aws:logs:us-east-1:000000000000:log-group:rare",
              "logGroupName": "rare"
            }
          ]
        }"#]]
    .assert_eq(&cloud.call("DescribeLogGroups", r#"{"logGroupNamePattern":"a"}"#).await);
    expect!["InvalidParameterException: LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters."]
    .assert_eq(
        &cloud.call("DescribeLogGroups", r#"{"logGroupNamePrefix":"a","logGroupNamePattern":"a"}"#).await,
    );
    expect!["InvalidParameterException: The specified nextToken is invalid."]
        .assert_eq(&cloud.call("DescribeLogGroups", r#"{"nextToken":"x"}"#).await);
}

#[tokio::test]
async fn tags_by_arn_and_by_name_are_the_same() {
    let cloud = Cloud::new();
    cloud.create("g", &[]).await;
    let arn = "arn:aws:logs:us-east-1:000000000000:log-group:g";
    cloud.json("TagResource", &format!(r#"{{"resourceArn":"{arn}","tags":{{"a":"1","b":"2"}}}}"#)).await;
    cloud.json("TagLogGroup", r#"{"logGroupName":"g","tags":{"b":"3","c":""}}"#).await;
    cloud.json("UntagResource", &format!(r#"{{"resourceArn":"{arn}:*","tagKeys":["a","none"]}}"#)).await;
    expect![[r#"
        {
          "tags": {
            "b": "3",
            "c": ""
          }
        }"#]]
    .assert_eq(&cloud.call("ListTagsForResource", &format!(r#"{{"resourceArn":"{arn}"}}"#)).await);
    cloud.json("UntagLogGroup", r#"{"logGroupName":"g","tags":["b"]}"#).await;
    expect![[r#"
        {
          "tags": {
            "c": ""
          }
        }"#]]
    .assert_eq(&cloud.call("ListTagsLogGroup", r#"{"logGroupName":"g"}"#).await);
    let many: Vec<String> = (0..51).map(|index| format!(r#""k{index}":"""#)).collect();
    let input = format!(r#"{{"resourceArn":"{arn}","tags":{{{}}}}}"#, many.join(","));
    expect!["TooManyTagsException: A resource can have no more than 50 tags."]
        .assert_eq(&cloud.call("TagResource", &input).await);
    for (arn, expected) in [
        (
            "arn:aws:logs:us-east-1:000000000000:log-group:none",
            expect!["ResourceNotFoundException: The specified log group does not exist."],
        ),
        (
            "arn:aws:logs:eu-west-1:000000000000:log-group:g",
            expect!["ResourceNotFoundException: The specified resource does not exist."],
        ),
        (
            "arn:aws:s3:::bucket",
            expect!["InvalidParameterException: Invalid log group ARN: arn:aws:s3:::bucket"],
        ),
        ("g", expect!["InvalidParameterException: Invalid log group ARN: g"]),
    ] {
        let input = format!(r#"{{"resourceArn":"{arn}"}}"#);
        expected.assert_eq(&cloud.call("ListTagsForResource", &input).await);
    }
}

#[tokio::test]
async fn a_protected_group_stays() {
    let cloud = Cloud::new();
    cloud.json("CreateLogGroup", r#"{"logGroupName":"g","deletionProtectionEnabled":true}"#).await;
    expect!["ValidationException: The log group g cannot be deleted because deletion protection is enabled."]
        .assert_eq(&cloud.call("DeleteLogGroup", r#"{"logGroupName":"g"}"#).await);
    let input = r#"{"logGroupIdentifier":"g","deletionProtectionEnabled":false}"#;
    cloud.json("PutLogGroupDeletionProtection", input).await;
    cloud.json("DeleteLogGroup", r#"{"logGroupName":"g"}"#).await;
}
