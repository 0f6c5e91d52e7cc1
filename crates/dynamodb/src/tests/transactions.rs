//! Transactions, and what single writes and transactions do to each other.

use std::sync::Arc;

use testkit::Cloud;

use super::cloud;
use super::items::say;

const TABLE: &str = r#"CreateTable {"TableName":"things","BillingMode":"PAY_PER_REQUEST",
    "AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"}],
    "KeySchema":[{"AttributeName":"pk","KeyType":"HASH"}]}"#;

async fn with_table() -> Cloud {
    let cloud = cloud();
    let created = cloud.text("dynamodb", TABLE).await;
    assert!(created.starts_with('{'), "{created}");
    cloud
}

fn put(pk: &str, n: i64, rest: &str) -> String {
    format!(r#"{{"Put":{{"TableName":"things","Item":{{"pk":{{"S":"{pk}"}},"n":{{"N":"{n}"}}}}{rest}}}}}"#)
}

async fn number(cloud: &Cloud, pk: &str) -> Option<i64> {
    let got = say(cloud, &format!(r#"GetItem {{"TableName":"things","Key":{{"pk":{{"S":"{pk}"}}}}}}"#)).await;
    got.get("Item").map(|item| item["n"]["N"].as_str().unwrap().parse().unwrap())
}

#[tokio::test]
async fn all_of_a_transaction_happens_or_nothing() {
    let cloud = with_table().await;
    say(
        &cloud,
        &format!(r#"TransactWriteItems {{"TransactItems":[{},{}]}}"#, put("a", 1, ""), put("b", 1, "")),
    )
    .await;
    let condition = r#","ConditionExpression":"attribute_not_exists(pk)","ReturnValuesOnConditionCheckFailure":"ALL_OLD""#;
    let refused =
        format!(r#"TransactWriteItems {{"TransactItems":[{},{}]}}"#, put("c", 2, ""), put("a", 2, condition));
    assert_eq!(
        cloud.text("dynamodb", &refused).await,
        "TransactionCanceledException: Transaction cancelled, please refer cancellation reasons for specific reasons \
         [None, ConditionalCheckFailed]"
    );
    assert_eq!((number(&cloud, "a").await, number(&cloud, "c").await), (Some(1), None));
    let mixed = r#"TransactWriteItems {"ReturnConsumedCapacity":"TOTAL","TransactItems":[
        {"Update":{"TableName":"things","Key":{"pk":{"S":"a"}},"UpdateExpression":"ADD n :v","ExpressionAttributeValues":{":v":{"N":"5"}}}},
        {"Delete":{"TableName":"things","Key":{"pk":{"S":"b"}}}},
        {"ConditionCheck":{"TableName":"things","Key":{"pk":{"S":"c"}},"ConditionExpression":"attribute_not_exists(pk)"}}]}"#;
    let done = say(&cloud, mixed).await;
    assert_eq!(done["ConsumedCapacity"][0]["WriteCapacityUnits"], 6.0);
    assert_eq!((number(&cloud, "a").await, number(&cloud, "b").await), (Some(6), None));
    let got = say(
        &cloud,
        r#"TransactGetItems {"ReturnConsumedCapacity":"TOTAL","TransactItems":[{"Get":{"TableName":"things","Key":{"pk":{"S":"a"}}}},
           {"Get":{"TableName":"things","Key":{"pk":{"S":"b"}}}}]}"#,
    )
    .await;
    assert_eq!(got["Responses"], serde_json::json!([{"Item": {"pk": {"S": "a"}, "n": {"N": "6"}}}, {}]));
    assert_eq!(got["ConsumedCapacity"][0]["CapacityUnits"], 4.0);
}

#[tokio::test]
async fn refusals_of_transactions_have_the_words_of_the_service() {
    let cloud = with_table().await;
    let one = |action: &str| format!(r#"TransactWriteItems {{"TransactItems":[{action}]}}"#);
    let cancelled = "TransactionCanceledException: Transaction cancelled, please refer cancellation reasons for specific \
                     reasons [ValidationError]";
    let cases = [
        (
            format!(r#"TransactWriteItems {{"TransactItems":[{},{}]}}"#, put("a", 1, ""), put("a", 2, "")),
            "ValidationException: Transaction request cannot include multiple operations on one item",
        ),
        (
            one(r#"{"Put":{"TableName":"others","Item":{"pk":{"S":"a"}}}}"#),
            "ResourceNotFoundException: Requested resource not found",
        ),
        (one(r#"{"Put":{"TableName":"things","Item":{"pk":{"N":"5"}}}}"#), cancelled),
        (one(r#"{"Delete":{"TableName":"things","Key":{"pk":{"N":"5"}}}}"#), cancelled),
        (
            one(r#"{"Delete":{"TableName":"things","Key":{"pk":{"S":""}}}}"#),
            "ValidationException: One or more parameter values are not valid. The AttributeValue for a key attribute cannot \
             contain an empty string value. Key: pk",
        ),
        (
            one(r#"{"Put":{"TableName":"others","Item":{"pk":{"S":"a"}},"ConditionExpression":"a = = b"}}"#),
            r#"ValidationException: Invalid ConditionExpression: Syntax error; token: "=", near: "= = b""#,
        ),
    ];
    for (request, expected) in cases {
        assert_eq!(cloud.text("dynamodb", &request).await, expected, "{request}");
    }
}

#[tokio::test]
async fn a_token_does_the_same_once_and_nothing_else_for_ten_minutes() {
    let cloud = with_table().await;
    let add = |amount: i64| {
        format!(
            r#"TransactWriteItems {{"ClientRequestToken":"t","ReturnConsumedCapacity":"TOTAL","TransactItems":[{{"Update":{{"TableName":"things",
               "Key":{{"pk":{{"S":"a"}}}},"UpdateExpression":"ADD n :v","ExpressionAttributeValues":{{":v":{{"N":"{amount}"}}}}}}}}]}}"#
        )
    };
    assert_eq!(say(&cloud, &add(1)).await["ConsumedCapacity"][0]["WriteCapacityUnits"], 2.0);
    cloud.advance_millis(9 * 60 * 1_000);
    assert_eq!(say(&cloud, &add(1)).await["ConsumedCapacity"][0]["ReadCapacityUnits"], 2.0);
    assert_eq!(number(&cloud, "a").await, Some(1));
    assert_eq!(
        cloud.text("dynamodb", &add(2)).await,
        "IdempotentParameterMismatchException: Request parameters do not match the ones of an earlier request with the \
         same client request token"
    );
    cloud.advance_millis(60 * 1_000);
    say(&cloud, &add(2)).await;
    assert_eq!(number(&cloud, "a").await, Some(3));
}

/// Clients move amounts between accounts, add single steps, and read everything at once: no read may see a sum that no
/// order of the writes has, and no step may be lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn histories_under_concurrency_are_serial() {
    const ACCOUNTS: usize = 4;
    const CLIENTS: usize = 8;
    const ROUNDS: usize = 40;
    let cloud = Arc::new(with_table().await);
    for account in 0..ACCOUNTS {
        say(
            &cloud,
            &format!(r#"TransactWriteItems {{"TransactItems":[{}]}}"#, put(&account.to_string(), 100, "")),
        )
        .await;
    }
    let update = |account: usize, amount: i64| {
        format!(
            r#"{{"Update":{{"TableName":"things","Key":{{"pk":{{"S":"{account}"}}}},"UpdateExpression":"SET n = n + :v",
               "ExpressionAttributeValues":{{":v":{{"N":"{amount}"}}}}}}}}"#
        )
    };
    let clients = (0..CLIENTS).map(|client| {
        let cloud = Arc::clone(&cloud);
        tokio::spawn(async move {
            for round in 0..ROUNDS {
                let from = (client + round) % ACCOUNTS;
                let to = (from + 1 + round % (ACCOUNTS - 1)) % ACCOUNTS;
                let transfer = format!(
                    r#"TransactWriteItems {{"TransactItems":[{},{}]}}"#,
                    update(from, -7),
                    update(to, 7)
                );
                say(&cloud, &transfer).await;
                let gets: Vec<String> = (0..ACCOUNTS)
                    .map(|account| format!(r#"{{"Get":{{"TableName":"things","Key":{{"pk":{{"S":"{account}"}}}}}}}}"#))
                    .collect();
                let read = say(&cloud, &format!(r#"TransactGetItems {{"TransactItems":[{}]}}"#, gets.join(","))).await;
                let sum: i64 = read["Responses"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|item| item["Item"]["n"]["N"].as_str().unwrap().parse::<i64>().unwrap())
                    .sum();
                assert_eq!(sum, 100 * ACCOUNTS as i64);
                let step = r#"UpdateItem {"TableName":"things","Key":{"pk":{"S":"steps"}},"UpdateExpression":"ADD n :v",
                    "ExpressionAttributeValues":{":v":{"N":"1"}},"ReturnValues":"UPDATED_NEW"}"#;
                say(&cloud, step).await;
            }
        })
    });
    for client in clients.collect::<Vec<_>>() {
        client.await.unwrap();
    }
    assert_eq!(number(&cloud, "steps").await, Some((CLIENTS * ROUNDS) as i64));
}
