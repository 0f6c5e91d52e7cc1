//! Items of one table.

use expect_test::expect;
use testkit::{Cloud, check};

use super::cloud;

const TABLE: &str = r#"CreateTable {"TableName":"things","BillingMode":"PAY_PER_REQUEST",
    "AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"},{"AttributeName":"sk","AttributeType":"N"}],
    "KeySchema":[{"AttributeName":"pk","KeyType":"HASH"},{"AttributeName":"sk","KeyType":"RANGE"}]}"#;

async fn with_table() -> Cloud {
    let cloud = cloud();
    let created = cloud.text("dynamodb", TABLE).await;
    assert!(created.starts_with('{'), "{created}");
    cloud
}

pub(super) async fn say(cloud: &Cloud, request: &str) -> serde_json::Value {
    let text = cloud.text("dynamodb", request).await;
    serde_json::from_str(&text).unwrap_or_else(|_| panic!("{request}: {text}"))
}

#[tokio::test]
async fn items_are_put_read_changed_and_deleted() {
    let cloud = with_table().await;
    check(
        &cloud,
        "dynamodb",
        r#"PutItem {"TableName":"things","Item":{"pk":{"S":"a"},"sk":{"N":"01.0"},"n":{"N":"5"}},
            "ReturnValues":"ALL_OLD","ReturnConsumedCapacity":"TOTAL"}"#,
        expect![[r#"
            {
              "ConsumedCapacity": {
                "CapacityUnits": 1.0,
                "TableName": "things"
              }
            }"#]],
    )
    .await;
    check(
        &cloud,
        "dynamodb",
        r#"UpdateItem {"TableName":"things","Key":{"pk":{"S":"a"},"sk":{"N":"1"}},"UpdateExpression":"SET n = n + :one",
            "ExpressionAttributeValues":{":one":{"N":"1"}},"ReturnValues":"UPDATED_NEW"}"#,
        expect![[r#"
            {
              "Attributes": {
                "n": {
                  "N": "6"
                }
              }
            }"#]],
    )
    .await;
    check(
        &cloud,
        "dynamodb",
        r#"GetItem {"TableName":"things","Key":{"pk":{"S":"a"},"sk":{"N":"1"}},"ReturnConsumedCapacity":"INDEXES"}"#,
        expect![[r#"
            {
              "ConsumedCapacity": {
                "CapacityUnits": 0.5,
                "Table": {
                  "CapacityUnits": 0.5
                },
                "TableName": "things"
              },
              "Item": {
                "n": {
                  "N": "6"
                },
                "pk": {
                  "S": "a"
                },
                "sk": {
                  "N": "1"
                }
              }
            }"#]],
    )
    .await;
    let delete =
        r#"DeleteItem {"TableName":"things","Key":{"pk":{"S":"a"},"sk":{"N":"1"}},"ReturnValues":"ALL_OLD"}"#;
    assert_eq!(say(&cloud, delete).await["Attributes"]["n"]["N"], "6");
    assert_eq!(say(&cloud, delete).await, serde_json::json!({}));
}

#[tokio::test]
async fn refusals_have_the_words_of_the_service() {
    let cloud = with_table().await;
    let put = |rest: &str| format!(r#"PutItem {{"TableName":"things",{rest}}}"#);
    say(&cloud, &put(r#""Item":{"pk":{"S":"a"},"sk":{"N":"1"}}"#)).await;
    let cases = [
        (
            put(r#""Item":{"pk":{"S":"a"},"sk":{"N":"1"}},"ConditionExpression":"attribute_not_exists(pk)""#),
            "ConditionalCheckFailedException: The conditional request failed",
        ),
        (
            put(r#""Item":{"pk":{"S":"a"}}"#),
            "ValidationException: One or more parameter values were invalid: Missing the key sk in the item",
        ),
        (
            put(r#""Item":{"pk":{"N":"1"},"sk":{"N":"1"}}"#),
            "ValidationException: One or more parameter values were invalid: Type mismatch for key pk expected: S actual: N",
        ),
        (
            put(r#""Item":{"pk":{"S":""},"sk":{"N":"1"}}"#),
            "ValidationException: One or more parameter values are not valid. The AttributeValue for a key attribute \
             cannot contain an empty string value. Key: pk",
        ),
        (
            put(r#""Item":{"pk":{"S":"a"},"sk":{"N":"x"}}"#),
            "ValidationException: 1 validation error detected: The parameter cannot be converted to a numeric value: x",
        ),
        (
            put(r#""Item":{"pk":{"S":"a"},"sk":{"N":"1"}},"ReturnValues":"ALL_NEW""#),
            "ValidationException: 1 validation error detected: ReturnValues can only be ALL_OLD or NONE",
        ),
        (
            put(r#""Item":{"pk":{"S":"a"},"sk":{"N":"1"}},"Expected":{"pk":{"Exists":false}},
                "ConditionExpression":"attribute_not_exists(pk)""#),
            "ValidationException: 1 validation error detected: Can not use both expression and non-expression parameters \
             in the same request: Non-expression parameters: {Expected} Expression parameters: {ConditionExpression}",
        ),
        (
            r#"GetItem {"TableName":"things","Key":{"pk":{"S":"a"}}}"#.into(),
            "ValidationException: The provided key element does not match the schema",
        ),
        (
            r#"GetItem {"TableName":"others","Key":{"pk":{"S":"a"}}}"#.into(),
            "ResourceNotFoundException: Requested resource not found",
        ),
        (
            r#"UpdateItem {"TableName":"things","Key":{"pk":{"S":"a"},"sk":{"N":"1"}},"UpdateExpression":"SET sk = :v",
                "ExpressionAttributeValues":{":v":{"N":"2"}}}"#
                .into(),
            "ValidationException: One or more parameter values were invalid: Cannot update attribute sk. This attribute is \
             part of the key",
        ),
        (
            r#"UpdateItem {"TableName":"things","Key":{"pk":{"S":"a"},"sk":{"N":"1"}},"UpdateExpression":"SET x.y = :v",
                "ExpressionAttributeValues":{":v":{"N":"2"}}}"#
                .into(),
            "ValidationException: The document path provided in the update expression is invalid for update",
        ),
        (
            r#"Query {"TableName":"things","KeyConditionExpression":"sk = :v","ExpressionAttributeValues":{":v":{"N":"2"}}}"#
                .into(),
            "ValidationException: Query condition missed key schema element: pk",
        ),
        (
            r#"Scan {"TableName":"things","Segment":5,"TotalSegments":5}"#.into(),
            "ValidationException: The Segment parameter is zero-based and must be less than parameter TotalSegments",
        ),
    ];
    for (request, expected) in cases {
        assert_eq!(cloud.text("dynamodb", &request).await, expected, "{request}");
    }
}

#[tokio::test]
async fn members_are_judged_in_the_order_and_the_words_of_the_service() {
    const CAPACITY: &str = "Value 'X' at 'returnConsumedCapacity' failed to satisfy constraint: Member must satisfy enum \
                            value set: [INDEXES, TOTAL, NONE]";
    const VALUES: &str = "Failed to satisfy constraint: Member must satisfy enum value set: [ALL_OLD, UPDATED_OLD, \
                          ALL_NEW, UPDATE_NEW, NONE]";
    const SHORT: &str = "Value 'ab' at 'tableName' failed to satisfy constraint: Member must have length greater than or \
                         equal to 3";
    const NO_KEY: &str = "Value null at 'key' failed to satisfy constraint: Member must not be null";
    const LIMIT: &str =
        "Value at 'Limit' failed to satisfy constraint: Member must have value greater than or equal to 1";
    const NAMES: &str = "Map keys must satisfy constraint: [Member must have length less than or equal to 255, Member \
                         must have length greater than or equal to 3, Member must satisfy regular expression pattern: \
                         [a-zA-Z0-9_.-]+]";
    let one = |text: &str| format!("1 validation error detected: {text}");
    let two = |first: &str, second: &str| format!("2 validation errors detected: {first}; {second}");
    let cases = [
        (
            r#"PutItem {"TableName":"","Item":{},"ReturnConsumedCapacity":"X"}"#.to_owned(),
            one("Value at 'TableName' failed to satisfy constraint: Member must have length greater than or equal to 1"),
        ),
        (
            r#"PutItem {"TableName":"ab","Item":{},"ReturnValues":"X","ReturnConsumedCapacity":"X"}"#.into(),
            format!("3 validation errors detected: {SHORT}; {CAPACITY}; {VALUES}"),
        ),
        (
            r#"DeleteItem {"TableName":"ab","Key":{},"ReturnValues":"ALL_NEW"}"#.into(),
            two(SHORT, "ReturnValues can only be ALL_OLD or NONE"),
        ),
        (
            r#"UpdateItem {"TableName":"abc","Key":{},"ReturnValues":"X","ReturnConsumedCapacity":"X"}"#.into(),
            one(VALUES),
        ),
        (r#"UpdateItem {"TableName":"abc","Key":{},"ReturnConsumedCapacity":"X"}"#.into(), CAPACITY.into()),
        (r#"UpdateItem {"TableName":"abc","ReturnConsumedCapacity":"X"}"#.into(), two(CAPACITY, NO_KEY)),
        (
            r#"GetItem {"TableName":"ab","Key":{},"ReturnConsumedCapacity":"X"}"#.into(),
            two(SHORT, CAPACITY),
        ),
        (r#"Query {"TableName":"abc","Limit":0,"Select":"X"}"#.into(), one(LIMIT)),
        (
            r#"Scan {"TableName":"abc","Select":"COUNT","ProjectionExpression":"a"}"#.into(),
            one("Cannot specify the ProjectionExpression when choosing to get only the Count"),
        ),
        (
            "DescribeTable {}".into(),
            "The parameter 'TableName' is required but was not present in the request".into(),
        ),
        (
            r#"DeleteTable {"TableName":"ab"}"#.into(),
            "TableName must be at least 3 characters long and at most 255 characters long".into(),
        ),
        (
            r#"Scan {"TableName":"things","FilterExpression":"a = :v",
                "ExpressionAttributeValues":{":v":{"M":{"":{"S":"x"}}}}}"#
                .into(),
            "Empty attribute name".into(),
        ),
        (
            r#"BatchGetItem {"RequestItems":{"a!b":{"Keys":[{"pk":{"S":"a"}}]}},"ReturnConsumedCapacity":"X"}"#.into(),
            two(
                &format!(
                    r#"Value '{{"a!b":{{"Keys":[{{"pk":{{"S":"a"}}}}]}}}}' at 'requestItems' failed to satisfy constraint: {NAMES}"#
                ),
                CAPACITY,
            ),
        ),
        (
            r#"BatchWriteItem {"RequestItems":{"a!b":[{"DeleteRequest":{"Key":{"pk":{"S":"a"}}}}]}}"#.into(),
            one(&format!(
                "Value '{{a!b=[WriteRequest(putRequest=null, deleteRequest=DeleteRequest(key={{pk=AttributeValue(s=a)}}))]}}' \
                 at 'requestItems' failed to satisfy constraint: {NAMES}"
            )),
        ),
    ];
    let cloud = with_table().await;
    for (request, expected) in cases {
        assert_eq!(
            cloud.text("dynamodb", &request).await,
            format!("ValidationException: {expected}"),
            "{request}"
        );
    }
}

#[tokio::test]
async fn a_failed_condition_shows_the_item_when_asked() {
    let cloud = with_table().await;
    say(&cloud, r#"PutItem {"TableName":"things","Item":{"pk":{"S":"a"},"sk":{"N":"1"},"v":{"S":"old"}}}"#)
        .await;
    let failure = cloud
        .call(
            "dynamodb",
            "PutItem",
            wire::Document::from_json(&serde_json::json!({
                "TableName": "things", "Item": {"pk": {"S": "a"}, "sk": {"N": "1"}},
                "ConditionExpression": "attribute_not_exists(pk)", "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
            })),
        )
        .await
        .unwrap_err();
    let service::Failure::Modelled(reply) = failure else { panic!() };
    assert_eq!(reply.members["Item"].get("v").unwrap().get("S").unwrap().as_str(), Some("old"));
}

#[tokio::test]
async fn older_parameters_say_the_same() {
    let cloud = with_table().await;
    let key = r#""Key":{"pk":{"S":"a"},"sk":{"N":"1"}}"#;
    say(
        &cloud,
        &format!(
            r#"UpdateItem {{"TableName":"things",{key},"AttributeUpdates":{{"n":{{"Action":"ADD","Value":{{"N":"3"}}}},
               "s":{{"Value":{{"S":"x"}}}}}},"Expected":{{"n":{{"ComparisonOperator":"NULL"}}}}}}"#
        ),
    )
    .await;
    let got =
        say(&cloud, &format!(r#"GetItem {{"TableName":"things",{key},"AttributesToGet":["n","gone"]}}"#))
            .await;
    assert_eq!(got, serde_json::json!({"Item": {"n": {"N": "3"}}}));
    let found = say(
        &cloud,
        r#"Query {"TableName":"things","KeyConditions":{"pk":{"ComparisonOperator":"EQ","AttributeValueList":[{"S":"a"}]}},
           "QueryFilter":{"n":{"ComparisonOperator":"GT","AttributeValueList":[{"N":"3"}]}}}"#,
    )
    .await;
    assert_eq!((found["Count"].as_i64(), found["ScannedCount"].as_i64()), (Some(0), Some(1)));
    let refused = cloud
        .text(
            "dynamodb",
            &format!(
                r#"DeleteItem {{"TableName":"things",{key},"Expected":{{"n":{{"Value":{{"N":"4"}}}}}}}}"#
            ),
        )
        .await;
    assert_eq!(refused, "ConditionalCheckFailedException: The conditional request failed");
}

#[tokio::test]
async fn items_end_at_400_kib_and_pages_at_one_mib() {
    let cloud = with_table().await;
    let put = |sk: usize, bytes: usize| {
        // pk 2+1, sk 2+2, v 1
        let filling = "x".repeat(bytes - 8);
        format!(
            r#"PutItem {{"TableName":"things","Item":{{"pk":{{"S":"a"}},"sk":{{"N":"{sk}"}},"v":{{"S":"{filling}"}}}}}}"#
        )
    };
    let limit = 400 * 1024;
    say(&cloud, &put(1, limit)).await;
    assert_eq!(
        cloud.text("dynamodb", &put(2, limit + 1)).await,
        "ValidationException: Item size has exceeded the maximum allowed size"
    );
    for sk in 2..=5 {
        say(&cloud, &put(sk, 300 * 1024)).await;
    }
    let query = |start: &str| {
        format!(
            r#"Query {{"TableName":"things","KeyConditionExpression":"pk = :p","Select":"COUNT",
               "ExpressionAttributeValues":{{":p":{{"S":"a"}}}},"ReturnConsumedCapacity":"TOTAL"{start}}}"#
        )
    };
    let first = say(&cloud, &query("")).await;
    assert_eq!(first["Count"], 3);
    assert_eq!(first["ConsumedCapacity"]["CapacityUnits"], 125.0);
    assert!(first.get("Items").is_none());
    let second = say(&cloud, &query(&format!(r#","ExclusiveStartKey":{}"#, first["LastEvaluatedKey"]))).await;
    assert_eq!(second["Count"], 2);
    assert!(second.get("LastEvaluatedKey").is_none());
}

#[tokio::test]
async fn queries_find_ranges_in_order_both_ways_and_page_by_page() {
    let cloud = with_table().await;
    for sk in ["-10", "-1.5", "0", "0.001", "2", "10", "1E30"] {
        say(
            &cloud,
            &format!(r#"PutItem {{"TableName":"things","Item":{{"pk":{{"S":"a"}},"sk":{{"N":"{sk}"}}}}}}"#),
        )
        .await;
        say(
            &cloud,
            &format!(r#"PutItem {{"TableName":"things","Item":{{"pk":{{"S":"b"}},"sk":{{"N":"{sk}"}}}}}}"#),
        )
        .await;
    }
    let found = async |condition: &str, values: &str, rest: &str| -> Vec<String> {
        let request = format!(
            r#"Query {{"TableName":"things","KeyConditionExpression":"pk = :p {condition}",
               "ExpressionAttributeValues":{{":p":{{"S":"a"}}{values}}}{rest}}}"#
        );
        let answer = say(&cloud, &request).await;
        let items = answer["Items"].as_array().unwrap();
        items.iter().map(|item| item["sk"]["N"].as_str().unwrap().to_owned()).collect()
    };
    let big = format!("1{}", "0".repeat(30));
    let all = ["-10", "-1.5", "0", "0.001", "2", "10", big.as_str()];
    assert_eq!(found("", "", "").await, all);
    assert_eq!(found("AND sk < :v", r#",":v":{"N":"0"}"#, "").await, ["-10", "-1.5"]);
    assert_eq!(found("AND sk <= :v", r#",":v":{"N":"0"}"#, "").await, ["-10", "-1.5", "0"]);
    assert_eq!(found("AND sk > :v", r#",":v":{"N":"2"}"#, "").await, ["10", big.as_str()]);
    assert_eq!(found("AND sk >= :v", r#",":v":{"N":"2.0"}"#, "").await, ["2", "10", big.as_str()]);
    assert_eq!(found("AND sk = :v", r#",":v":{"N":"2"}"#, "").await, ["2"]);
    assert_eq!(
        found("AND sk BETWEEN :v AND :w", r#",":v":{"N":"-1.5"},":w":{"N":"2"}"#, "").await,
        ["-1.5", "0", "0.001", "2"]
    );
    let mut backwards = found("", "", r#","ScanIndexForward":false"#).await;
    backwards.reverse();
    assert_eq!(backwards, all);
    let mut pages = Vec::new();
    let mut start = String::new();
    loop {
        let request = format!(
            r#"Query {{"TableName":"things","KeyConditionExpression":"pk = :p","Limit":3,"ScanIndexForward":false,
               "ExpressionAttributeValues":{{":p":{{"S":"a"}}}}{start}}}"#
        );
        let answer = say(&cloud, &request).await;
        for item in answer["Items"].as_array().unwrap() {
            pages.push(item["sk"]["N"].as_str().unwrap().to_owned());
        }
        match answer.get("LastEvaluatedKey") {
            Some(key) => start = format!(r#","ExclusiveStartKey":{key}"#),
            None => break,
        }
    }
    pages.reverse();
    assert_eq!(pages, all);
}

#[tokio::test]
async fn segments_share_a_table_without_gaps_or_overlaps() {
    let cloud = with_table().await;
    for number in 0..60 {
        say(
            &cloud,
            &format!(
                r#"PutItem {{"TableName":"things","Item":{{"pk":{{"S":"p{number}"}},"sk":{{"N":"0"}}}}}}"#
            ),
        )
        .await;
    }
    for total in [1, 3, 7] {
        let mut seen = std::collections::BTreeSet::new();
        for segment in 0..total {
            let request =
                format!(r#"Scan {{"TableName":"things","Segment":{segment},"TotalSegments":{total}}}"#);
            for item in say(&cloud, &request).await["Items"].as_array().unwrap() {
                assert!(seen.insert(item["pk"]["S"].to_string()));
            }
        }
        assert_eq!(seen.len(), 60);
    }
}

#[tokio::test]
async fn batches_read_and_write_many() {
    let cloud = with_table().await;
    let puts: Vec<String> = (0..25)
        .map(|n| format!(r#"{{"PutRequest":{{"Item":{{"pk":{{"S":"a"}},"sk":{{"N":"{n}"}}}}}}}}"#))
        .collect();
    let written = say(
        &cloud,
        &format!(
            r#"BatchWriteItem {{"RequestItems":{{"things":[{}]}},"ReturnConsumedCapacity":"TOTAL"}}"#,
            puts.join(",")
        ),
    )
    .await;
    assert_eq!(written["UnprocessedItems"], serde_json::json!({}));
    assert_eq!(written["ConsumedCapacity"][0]["CapacityUnits"], 25.0);
    let got = say(
        &cloud,
        r#"BatchGetItem {"RequestItems":{"things":{"Keys":[{"pk":{"S":"a"},"sk":{"N":"3"}},{"pk":{"S":"z"},"sk":{"N":"3"}}],
           "ProjectionExpression":"sk"}}}"#,
    )
    .await;
    assert_eq!(got["Responses"]["things"], serde_json::json!([{"sk": {"N": "3"}}]));
    let cases = [
        (
            r#"BatchWriteItem {"RequestItems":{"things":[{"PutRequest":{"Item":{"pk":{"S":"a"},"sk":{"N":"1"}}}},
               {"DeleteRequest":{"Key":{"pk":{"S":"a"},"sk":{"N":"1.0"}}}}]}}"#,
            "ValidationException: Provided list of item keys contains duplicates",
        ),
        (
            r#"BatchWriteItem {"RequestItems":{"things":[{"PutRequest":{"Item":{"pk":{"N":"1"},"sk":{"N":"1"}}}}]}}"#,
            "ValidationException: The provided key element does not match the schema",
        ),
        (
            r#"BatchGetItem {"RequestItems":{"things":{"Keys":[{"pk":{"S":"a"},"sk":{"N":"3"}}],"ProjectionExpression":"a, a"}}}"#,
            "ValidationException: Invalid ProjectionExpression: Two document paths overlap with each other; must remove \
             or rewrite one of these paths; path one: [a], path two: [a]",
        ),
    ];
    for (request, expected) in cases {
        assert_eq!(cloud.text("dynamodb", request).await, expected);
    }
}
