use expect_test::expect;
use testkit::check;

use super::cloud;

#[tokio::test]
async fn a_table_is_created_described_listed_and_deleted() {
    let cloud = cloud();
    check(
        &cloud,
        "dynamodb",
        r#"CreateTable {"TableName": "notes", "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
            "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
            "StreamSpecification": {"StreamEnabled": true, "StreamViewType": "NEW_IMAGE"}}"#,
        expect![[r#"
            {
              "TableDescription": {
                "AttributeDefinitions": [
                  {
                    "AttributeName": "pk",
                    "AttributeType": "S"
                  }
                ],
                "BillingModeSummary": {
                  "BillingMode": "PAY_PER_REQUEST",
                  "LastUpdateToPayPerRequestDateTime": "2026-01-02T03:04:05Z"
                },
                "CreationDateTime": "2026-01-02T03:04:05Z",
                "DeletionProtectionEnabled": false,
                "ItemCount": 0,
                "KeySchema": [
                  {
                    "AttributeName": "pk",
                    "KeyType": "HASH"
                  }
                ],
                "LatestStreamArn": "arn:aws:dynamodb:us-east-1:111122223333:table/notes/stream/2026-01-02T03:04:05.000",
                "LatestStreamLabel": "2026-01-02T03:04:05.000",
                "ProvisionedThroughput": {
                  "NumberOfDecreasesToday": 0,
                  "ReadCapacityUnits": 0,
                  "WriteCapacityUnits": 0
                },
                "StreamSpecification": {
                  "StreamEnabled": true,
                  "StreamViewType": "NEW_IMAGE"
                },
                "TableArn": "arn:aws:dynamodb:us-east-1:111122223333:table/notes",
                "TableId": "00000000-0000-4000-8000-000000000004",
                "TableName": "notes",
                "TableSizeBytes": 0,
                "TableStatus": "CREATING",
                "WarmThroughput": {
                  "ReadUnitsPerSecond": 12000,
                  "Status": "ACTIVE",
                  "WriteUnitsPerSecond": 4000
                }
              }
            }"#]],
    )
    .await;
    check(
        &cloud,
        "dynamodb",
        r#"ListTables {}"#,
        expect![[r#"
        {
          "TableNames": [
            "notes"
          ]
        }"#]],
    )
    .await;
    check(&cloud, "dynamodb", r#"DeleteTable {"TableName": "notes"}"#, expect![[r#"
        {
          "TableDescription": {
            "AttributeDefinitions": [
              {
                "AttributeName": "pk",
                "AttributeType": "S"
              }
            ],
            "BillingModeSummary": {
              "BillingMode": "PAY_PER_REQUEST",
              "LastUpdateToPayPerRequestDateTime": "2026-01-02T03:04:05Z"
            },
            "CreationDateTime": "2026-01-02T03:04:05Z",
            "DeletionProtectionEnabled": false,
            "ItemCount": 0,
            "KeySchema": [
              {
                "AttributeName": "pk",
                "KeyType": "HASH"
              }
            ],
            "LatestStreamArn": "arn:aws:dynamodb:us-east-1:111122223333:table/notes/stream/2026-01-02T03:04:05.000",
            "LatestStreamLabel": "2026-01-02T03:04:05.000",
            "ProvisionedThroughput": {
              "NumberOfDecreasesToday": 0,
              "ReadCapacityUnits": 0,
              "WriteCapacityUnits": 0
            },
            "StreamSpecification": {
              "StreamEnabled": true,
              "StreamViewType": "NEW_IMAGE"
            },
            "TableArn": "arn:aws:dynamodb:us-east-1:111122223333:table/notes",
            "TableId": "00000000-0000-4000-8000-000000000004",
            "TableName": "notes",
            "TableSizeBytes": 0,
            "TableStatus": "DELETING",
            "WarmThroughput": {
              "ReadUnitsPerSecond": 12000,
              "Status": "ACTIVE",
              "WriteUnitsPerSecond": 4000
            }
          }
        }"#]]).await;
    check(
        &cloud,
        "dynamodb",
        r#"DescribeTable {"TableName": "notes"}"#,
        expect!["ResourceNotFoundException: Requested resource not found: Table: notes not found"],
    )
    .await;
}

#[tokio::test]
async fn refusals_are_worded_as_dynamodb_words_them() {
    let cloud = cloud();
    let key = r#""KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}]"#;
    let pk = r#"{"AttributeName": "pk", "AttributeType": "S"}"#;
    let mut answers = String::new();
    for input in [
        r#"{"TableName": "a"}"#.to_owned(),
        r#"{"TableName": "abc"}"#.to_owned(),
        format!(r#"{{"TableName": "abc", "AttributeDefinitions": [{pk}], {key}}}"#),
        format!(
            r#"{{"TableName": "abc", "BillingMode": "PAY_PER_REQUEST", "AttributeDefinitions": [], {key}}}"#
        ),
        format!(
            r#"{{"TableName": "abc", "BillingMode": "PAY_PER_REQUEST", "AttributeDefinitions": [{pk},
                {{"AttributeName": "b", "AttributeType": "N"}}], {key}}}"#
        ),
        format!(
            r#"{{"TableName": "abc", "BillingMode": "PAY_PER_REQUEST", "AttributeDefinitions": [{pk}], {key},
                "GlobalSecondaryIndexes": []}}"#
        ),
        format!(
            r#"{{"TableName": "abc", "BillingMode": "PAY_PER_REQUEST", "AttributeDefinitions": [{pk}], {key},
                "GlobalSecondaryIndexes": [{{"IndexName": "ind", "KeySchema": [{{"AttributeName": "x",
                "KeyType": "HASH"}}], "Projection": {{"ProjectionType": "ALL"}}}}]}}"#
        ),
        format!(
            r#"{{"TableName": "abc", "BillingMode": "PAY_PER_REQUEST", "AttributeDefinitions": [{pk}], {key},
                "LocalSecondaryIndexes": [{{"IndexName": "ind", "KeySchema": [{{"AttributeName": "pk",
                "KeyType": "HASH"}}], "Projection": {{"ProjectionType": "ALL"}}}}]}}"#
        ),
        format!(
            r#"{{"TableName": "abc", "BillingMode": "PAY_PER_REQUEST", "AttributeDefinitions": [{pk}], {key},
                "StreamSpecification": {{"StreamEnabled": true}}}}"#
        ),
    ] {
        answers += &cloud.text("dynamodb", &format!("CreateTable {input}")).await;
        answers.push('\n');
    }
    expect![[r#"
        ValidationException: 1 validation error detected: Value 'a' at 'tableName' failed to satisfy constraint: Member must have length greater than or equal to 3
        ValidationException: 1 validation error detected: Value null at 'attributeDefinitions' failed to satisfy constraint: Member must not be null
        ValidationException: One or more parameter values were invalid: ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED
        ValidationException: One or more parameter values were invalid: Some index key attributes are not defined in AttributeDefinitions. Keys: [pk], AttributeDefinitions: []
        ValidationException: One or more parameter values were invalid: Number of attributes in KeySchema does not exactly match number of attributes defined in AttributeDefinitions
        ValidationException: One or more parameter values were invalid: List of GlobalSecondaryIndexes is empty
        ValidationException: One or more parameter values were invalid: Some index key attributes are not defined in AttributeDefinitions. Keys: [x], AttributeDefinitions: [pk]
        ValidationException: One or more parameter values were invalid: Table KeySchema does not have a range key, which is required when specifying a LocalSecondaryIndex
        ValidationException: One or more parameter values were invalid: Table is being created with a stream enabled, UpdateViewType is required
    "#]].assert_eq(&answers);
}
