//! Entries of secondary indexes follow their items.

use std::collections::BTreeMap;

use proptest::prelude::*;
use testkit::Cloud;

use super::cloud;
use super::items::say;

const TABLE: &str = r#"CreateTable {"TableName":"things","BillingMode":"PAY_PER_REQUEST",
    "AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"},{"AttributeName":"sk","AttributeType":"S"},
        {"AttributeName":"g","AttributeType":"S"},{"AttributeName":"l","AttributeType":"S"}],
    "KeySchema":[{"AttributeName":"pk","KeyType":"HASH"},{"AttributeName":"sk","KeyType":"RANGE"}],
    "GlobalSecondaryIndexes":[
        {"IndexName":"all","KeySchema":[{"AttributeName":"g","KeyType":"HASH"},{"AttributeName":"l","KeyType":"RANGE"}],
         "Projection":{"ProjectionType":"ALL"}},
        {"IndexName":"inc","KeySchema":[{"AttributeName":"g","KeyType":"HASH"}],
         "Projection":{"ProjectionType":"INCLUDE","NonKeyAttributes":["p"]}}],
    "LocalSecondaryIndexes":[
        {"IndexName":"loc","KeySchema":[{"AttributeName":"pk","KeyType":"HASH"},{"AttributeName":"l","KeyType":"RANGE"}],
         "Projection":{"ProjectionType":"KEYS_ONLY"}}]}"#;

async fn with_table() -> Cloud {
    let cloud = cloud();
    let created = cloud.text("dynamodb", TABLE).await;
    assert!(created.starts_with('{'), "{created}");
    cloud
}

#[tokio::test]
async fn indexes_show_their_projection_and_say_where_a_page_ends() {
    let cloud = with_table().await;
    for sk in ["1", "2", "3"] {
        say(
            &cloud,
            &format!(
                r#"PutItem {{"TableName":"things","Item":{{"pk":{{"S":"a"}},"sk":{{"S":"{sk}"}},"g":{{"S":"G"}},
                   "l":{{"S":"L{sk}"}},"p":{{"S":"P"}},"q":{{"S":"Q"}}}}}}"#
            ),
        )
        .await;
    }
    say(
        &cloud,
        r#"PutItem {"TableName":"things","Item":{"pk":{"S":"a"},"sk":{"S":"4"},"q":{"S":"no index key"}}}"#,
    )
    .await;
    let inc = say(
        &cloud,
        r#"Query {"TableName":"things","IndexName":"inc","KeyConditionExpression":"g = :g","Limit":1,
           "ExpressionAttributeValues":{":g":{"S":"G"}},"ReturnConsumedCapacity":"INDEXES"}"#,
    )
    .await;
    let names: Vec<&String> = inc["Items"][0].as_object().unwrap().keys().collect();
    assert_eq!(names, ["g", "p", "pk", "sk"]);
    let last: Vec<&String> = inc["LastEvaluatedKey"].as_object().unwrap().keys().collect();
    assert_eq!(last, ["g", "pk", "sk"]);
    assert_eq!(inc["ConsumedCapacity"]["GlobalSecondaryIndexes"]["inc"]["CapacityUnits"], 0.5);
    let local = |rest: &str| {
        format!(
            r#"Query {{"TableName":"things","IndexName":"loc","KeyConditionExpression":"pk = :p AND begins_with(l, :l)",
               "ExpressionAttributeValues":{{":p":{{"S":"a"}},":l":{{"S":"L"}}}},"ScanIndexForward":false{rest}}}"#
        )
    };
    let keys_only = say(&cloud, &local("")).await;
    assert_eq!(
        keys_only["Items"][0],
        serde_json::json!({"l": {"S": "L3"}, "pk": {"S": "a"}, "sk": {"S": "3"}})
    );
    let whole = say(&cloud, &local(r#","Select":"ALL_ATTRIBUTES""#)).await;
    assert_eq!(whole["Items"][2]["q"]["S"], "Q");
    assert_eq!(whole["Count"], 3);
    let cases = [
        (
            r#"Query {"TableName":"things","IndexName":"inc","KeyConditionExpression":"g = :g","ProjectionExpression":"q",
               "ExpressionAttributeValues":{":g":{"S":"G"}}}"#,
            "ValidationException: One or more parameter values were invalid: Global secondary index inc does not project [q]",
        ),
        (
            r#"Scan {"TableName":"things","IndexName":"inc","Select":"ALL_ATTRIBUTES"}"#,
            "ValidationException: One or more parameter values were invalid: Select type ALL_ATTRIBUTES is not supported \
             for global secondary index inc because its projection type is not ALL",
        ),
        (
            r#"Scan {"TableName":"things","IndexName":"all","ConsistentRead":true}"#,
            "ValidationException: Consistent reads are not supported on global secondary indexes",
        ),
        (
            r#"Scan {"TableName":"things","IndexName":"none"}"#,
            "ValidationException: The table does not have the specified index: none",
        ),
        (
            r#"PutItem {"TableName":"things","Item":{"pk":{"S":"a"},"sk":{"S":"5"},"g":{"N":"5"}}}"#,
            "ValidationException: One or more parameter values were invalid: Type mismatch for Index Key g Expected: S \
             Actual: N IndexName: all",
        ),
        (
            r#"PutItem {"TableName":"things","Item":{"pk":{"S":"a"},"sk":{"S":"5"},"g":{"S":""}}}"#,
            "ValidationException: One or more parameter values are not valid. A value specified for a secondary index key \
             is not supported. The AttributeValue for a key attribute cannot contain an empty string value. IndexName: \
             all, IndexKey: g",
        ),
    ];
    for (request, expected) in cases {
        assert_eq!(cloud.text("dynamodb", request).await, expected, "{request}");
    }
}

#[tokio::test]
async fn capacity_counts_what_changes_in_an_index() {
    let cloud = with_table().await;
    let used = |answer: &serde_json::Value| {
        let capacity = &answer["ConsumedCapacity"];
        (
            capacity["CapacityUnits"].as_f64().unwrap(),
            capacity["GlobalSecondaryIndexes"]["inc"]["CapacityUnits"].as_f64(),
            capacity["LocalSecondaryIndexes"]["loc"]["CapacityUnits"].as_f64(),
        )
    };
    let put = r#"PutItem {"TableName":"things","ReturnConsumedCapacity":"INDEXES","Item":{"pk":{"S":"a"},"sk":{"S":"1"},
        "g":{"S":"G"},"l":{"S":"L"},"p":{"S":"P"},"q":{"S":"Q"}}}"#;
    assert_eq!(used(&say(&cloud, put).await), (4.0, Some(1.0), Some(1.0)));
    assert_eq!(used(&say(&cloud, put).await), (1.0, None, None));
    let update = async |expression: &str| {
        let request = format!(
            r#"UpdateItem {{"TableName":"things","ReturnConsumedCapacity":"INDEXES","Key":{{"pk":{{"S":"a"}},"sk":{{"S":"1"}}}},
               "UpdateExpression":"{expression}","ExpressionAttributeValues":{{":v":{{"S":"new"}}}}}}"#
        );
        used(&say(&cloud, &request).await)
    };
    assert_eq!(update("SET q = :v").await, (2.0, None, None));
    assert_eq!(update("SET p = :v").await, (3.0, Some(1.0), None));
    assert_eq!(update("SET g = :v").await, (5.0, Some(2.0), None));
}

#[derive(Clone, Debug)]
enum Step {
    Put { key: u8, g: Option<u8>, l: Option<u8>, large: bool },
    Update { key: u8, g: u8 },
    Remove { key: u8 },
    Delete { key: u8 },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        (0..5_u8, proptest::option::of(0..3_u8), proptest::option::of(0..3_u8), any::<bool>())
            .prop_map(|(key, g, l, large)| Step::Put { key, g, l, large }),
        (0..5_u8, 0..3_u8).prop_map(|(key, g)| Step::Update { key, g }),
        (0..5_u8).prop_map(|key| Step::Remove { key }),
        (0..5_u8).prop_map(|key| Step::Delete { key }),
    ];
    proptest::collection::vec(step, 1..25)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// After any writes an index holds exactly the entries of the items that have its keys.
    #[test]
    fn an_index_never_disagrees_with_its_table(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let cloud = with_table().await;
            let mut model: BTreeMap<u8, (Option<u8>, Option<u8>, bool)> = BTreeMap::new();
            for step in &steps {
                let key = |key: &u8| format!(r#""pk":{{"S":"a"}},"sk":{{"S":"{key}"}}"#);
                let (request, _) = match step {
                    Step::Put { key: k, g, l, large } => {
                        model.insert(*k, (*g, *l, *large));
                        let text = |name: &str, value: &Option<u8>| {
                            value.map_or(String::new(), |value| format!(r#","{name}":{{"S":"{value}"}}"#))
                        };
                        let filling = "x".repeat(if *large { 5_000 } else { 5 });
                        (format!(r#"PutItem {{"TableName":"things","Item":{{{}{}{},"p":{{"S":"{filling}"}}}}}}"#,
                            key(k), text("g", g), text("l", l)), ())
                    }
                    Step::Update { key: k, g } => {
                        model.entry(*k).or_insert((None, None, false)).0 = Some(*g);
                        (format!(r#"UpdateItem {{"TableName":"things","Key":{{{}}},"UpdateExpression":"SET g = :g",
                            "ExpressionAttributeValues":{{":g":{{"S":"{g}"}}}}}}"#, key(k)), ())
                    }
                    Step::Remove { key: k } => {
                        model.entry(*k).or_insert((None, None, false)).0 = None;
                        (format!(r#"UpdateItem {{"TableName":"things","Key":{{{}}},"UpdateExpression":"REMOVE g"}}"#, key(k)), ())
                    }
                    Step::Delete { key: k } => {
                        model.remove(k);
                        (format!(r#"DeleteItem {{"TableName":"things","Key":{{{}}}}}"#, key(k)), ())
                    }
                };
                say(&cloud, &request).await;
            }
            type Held = (Option<u8>, Option<u8>, bool);
            type IsIn = fn(&Held) -> bool;
            let indexes: [(&str, IsIn); 3] = [
                ("all", |held| held.0.is_some() && held.1.is_some()),
                ("inc", |held| held.0.is_some()),
                ("loc", |held| held.1.is_some()),
            ];
            for (index, is_in) in indexes {
                let found = say(&cloud, &format!(r#"Scan {{"TableName":"things","IndexName":"{index}"}}"#)).await;
                let mut keys: Vec<u8> = found["Items"].as_array().unwrap().iter()
                    .map(|item| item["sk"]["S"].as_str().unwrap().parse().unwrap()).collect();
                keys.sort_unstable();
                let expected: Vec<u8> = model.iter().filter(|(_, held)| is_in(held)).map(|(key, _)| *key).collect();
                assert_eq!(keys, expected, "{index}");
                for item in found["Items"].as_array().unwrap() {
                    let held = model[&item["sk"]["S"].as_str().unwrap().parse::<u8>().unwrap()];
                    let number = |name: &str| item.get(name).map(|value| value["S"].as_str().unwrap().parse().unwrap());
                    if index != "loc" {
                        assert_eq!(number("g"), held.0);
                    }
                    if index == "all" {
                        assert_eq!(item["p"]["S"].as_str().unwrap().len(), if held.2 { 5_000 } else { 5 });
                    }
                }
            }
        });
    }
}

#[tokio::test]
async fn keys_of_an_index_may_have_several_attributes() {
    let cloud = cloud();
    let key = |names: [(&str, &str); 3]| {
        let elements =
            names.map(|(name, kind)| format!(r#"{{"AttributeName":"{name}","KeyType":"{kind}"}}"#));
        elements.join(",")
    };
    let create = |key: &str| {
        format!(
            r#"CreateTable {{"TableName":"several","BillingMode":"PAY_PER_REQUEST",
                "KeySchema":[{{"AttributeName":"pk","KeyType":"HASH"}}],
                "AttributeDefinitions":[{{"AttributeName":"pk","AttributeType":"S"}},{{"AttributeName":"h","AttributeType":"S"}},
                    {{"AttributeName":"a","AttributeType":"S"}},{{"AttributeName":"b","AttributeType":"N"}}],
                "GlobalSecondaryIndexes":[{{"IndexName":"index","KeySchema":[{key}],"Projection":{{"ProjectionType":"ALL"}}}}]}}"#
        )
    };
    let mixed = create(&key([("h", "HASH"), ("a", "RANGE"), ("b", "HASH")]));
    assert!(cloud.text("dynamodb", &mixed).await.contains("All HASH key attributes must precede RANGE"));
    let twice = create(&key([("h", "HASH"), ("a", "RANGE"), ("a", "RANGE")]));
    assert!(cloud.text("dynamodb", &twice).await.contains("multiple key attributes with the same name"));
    cloud.text("dynamodb", &create(&key([("h", "HASH"), ("a", "RANGE"), ("b", "RANGE")]))).await;
    for (pk, a, b) in [("1", "x", "10"), ("2", "x", "9"), ("3", "w", "5")] {
        let item = format!(
            r#"PutItem {{"TableName":"several","Item":{{"pk":{{"S":"{pk}"}},"h":{{"S":"h"}},"a":{{"S":"{a}"}},"b":{{"N":"{b}"}}}}}}"#
        );
        assert_eq!(cloud.text("dynamodb", &item).await, "{}");
    }
    let query = |condition: &str, values: &str| {
        format!(
            r#"Query {{"TableName":"several","IndexName":"index","KeyConditionExpression":"{condition}",
                "ProjectionExpression":"pk","ExpressionAttributeValues":{{":h":{{"S":"h"}}{values}}}}}"#
        )
    };
    let found = |answer: &str| {
        let answer: serde_json::Value = serde_json::from_str(answer).unwrap();
        let items = answer["Items"].as_array().unwrap().iter();
        items.map(|item| item["pk"]["S"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let all = cloud.text("dynamodb", &query("h = :h", "")).await;
    assert_eq!(found(&all), ["3", "2", "1"]);
    let some = query("h = :h AND a = :a AND b > :b", r#",":a":{"S":"x"},":b":{"N":"9"}"#);
    assert_eq!(found(&cloud.text("dynamodb", &some).await), ["1"]);
    let gap = query("h = :h AND b > :b", r#",":b":{"N":"9"}"#);
    assert!(
        cloud.text("dynamodb", &gap).await.contains("RANGE key attributes a must have equality conditions")
    );
}

#[tokio::test]
async fn a_large_item_may_be_in_every_index_and_shows_only_what_they_project() {
    let cloud = cloud();
    let indexes: Vec<String> = (0..20)
        .map(|number| {
            format!(
                r#"{{"IndexName":"index{number}","KeySchema":[{{"AttributeName":"g","KeyType":"HASH"}}],
                    "Projection":{{"ProjectionType":"INCLUDE","NonKeyAttributes":["large"]}}}}"#
            )
        })
        .collect();
    let created = cloud
        .text(
            "dynamodb",
            &format!(
                r#"CreateTable {{"TableName":"large","BillingMode":"PAY_PER_REQUEST",
                    "StreamSpecification":{{"StreamEnabled":true,"StreamViewType":"NEW_AND_OLD_IMAGES"}},
                    "KeySchema":[{{"AttributeName":"pk","KeyType":"HASH"}}],
                    "AttributeDefinitions":[{{"AttributeName":"pk","AttributeType":"S"}},{{"AttributeName":"g","AttributeType":"S"}}],
                    "GlobalSecondaryIndexes":[{}]}}"#,
                indexes.join(",")
            ),
        )
        .await;
    assert!(created.starts_with('{'), "{created}");
    for letter in ["a", "b"] {
        let put = format!(
            r#"PutItem {{"TableName":"large","Item":{{"pk":{{"S":"p"}},"g":{{"S":"g"}},"other":{{"S":"o"}},"large":{{"S":"{}"}}}}}}"#,
            letter.repeat(400_000)
        );
        assert_eq!(cloud.text("dynamodb", &put).await, "{}");
    }
    let query = r#"Query {"TableName":"large","IndexName":"index7","KeyConditionExpression":"g = :g",
        "ExpressionAttributeValues":{":g":{"S":"g"}}}"#;
    let found: serde_json::Value = serde_json::from_str(&cloud.text("dynamodb", query).await).unwrap();
    let item = found["Items"][0].as_object().unwrap();
    assert_eq!(item.keys().collect::<Vec<_>>(), ["g", "large", "pk"]);
    assert_eq!(item["large"]["S"], "b".repeat(400_000));
}

#[tokio::test]
async fn a_transaction_that_is_too_large_is_refused() {
    let cloud = cloud();
    let created = cloud
        .text(
            "dynamodb",
            r#"CreateTable {"TableName":"large","BillingMode":"PAY_PER_REQUEST",
                "StreamSpecification":{"StreamEnabled":true,"StreamViewType":"NEW_AND_OLD_IMAGES"},
                "KeySchema":[{"AttributeName":"pk","KeyType":"HASH"}],
                "AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"}]}"#,
        )
        .await;
    assert!(created.starts_with('{'), "{created}");
    let puts = |count: usize, letter: &str| {
        let put = |number| {
            let text = letter.repeat(390_000);
            format!(
                r#"{{"Put":{{"TableName":"large","Item":{{"pk":{{"S":"{number}"}},"text":{{"S":"{text}"}}}}}}}}"#
            )
        };
        format!(
            r#"TransactWriteItems {{"TransactItems":[{}]}}"#,
            (0..count).map(put).collect::<Vec<_>>().join(",")
        )
    };
    assert_eq!(cloud.text("dynamodb", &puts(10, "a")).await, "{}");
    let refused = "ValidationException: Collective size of items in a transaction request cannot exceed 4 MB";
    assert_eq!(cloud.text("dynamodb", &puts(11, "b")).await, refused);
    // The images before and after lie in the stream: that is more than one commit takes.
    assert_eq!(cloud.text("dynamodb", &puts(10, "b")).await, refused);
    assert_eq!(cloud.text("dynamodb", &puts(7, "b")).await, "{}");
}
