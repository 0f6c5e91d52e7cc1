//! Statements from input text to output text.

use serde_json::{Value, json};
use testkit::Cloud;

use super::cloud;

const TABLE: &str = r#"CreateTable {"TableName":"tab","BillingMode":"PAY_PER_REQUEST",
    "AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"},{"AttributeName":"sk","AttributeType":"N"},
                            {"AttributeName":"g","AttributeType":"S"}],
    "KeySchema":[{"AttributeName":"pk","KeyType":"HASH"},{"AttributeName":"sk","KeyType":"RANGE"}],
    "GlobalSecondaryIndexes":[{"IndexName":"by-g","KeySchema":[{"AttributeName":"g","KeyType":"HASH"}],
                               "Projection":{"ProjectionType":"KEYS_ONLY"}}]}"#;

async fn with_table() -> Cloud {
    let cloud = cloud();
    let created = cloud.text("dynamodb", TABLE).await;
    assert!(created.starts_with('{'), "{created}");
    cloud
}

/// The answer, or the error's text.
async fn ask(cloud: &Cloud, operation: &str, input: Value) -> Result<Value, String> {
    let text = cloud.text("dynamodb", &format!("{operation} {input}")).await;
    serde_json::from_str(&text).map_err(|_| text)
}

async fn execute(cloud: &Cloud, statement: &str) -> Result<Value, String> {
    ask(cloud, "ExecuteStatement", json!({"Statement": statement}))
        .await
        .map(|mut answer| answer["Items"].take())
}

#[tokio::test]
async fn statements_insert_select_update_and_delete() {
    let cloud = with_table().await;
    let insert =
        "INSERT INTO \"tab\" VALUE {'pk':'a','sk':1,'n':5,'m':{'x':[1,'it''s']},'s':<<1,2>>,'g':'q'}";
    assert_eq!(execute(&cloud, insert).await, Ok(json!([])));
    let again = execute(&cloud, insert).await.unwrap_err();
    assert!(again.contains("DuplicateItemException"), "{again}");
    assert!(again.contains("Duplicate primary key exists in table"), "{again}");

    let shown = execute(&cloud, "SELECT n, m.x[1], s FROM \"tab\" WHERE pk='a' AND sk=1").await;
    assert_eq!(shown, Ok(json!([{"n":{"N":"5"},"x":{"S":"it's"},"s":{"NS":["1","2"]}}])));

    let update = "UPDATE tab SET n = n + 2, s = set_add(s, <<3>>) SET m.y = if_not_exists(m.y, 'new') REMOVE m.x[0] \
                  WHERE pk='a' AND sk=1 AND n = 5 RETURNING MODIFIED NEW *";
    let updated = execute(&cloud, update).await.unwrap();
    assert_eq!(updated[0]["n"], json!({"N":"7"}));
    assert_eq!(updated[0]["s"], json!({"NS":["1","2","3"]}));
    let refused = execute(&cloud, update).await.unwrap_err();
    assert!(refused.contains("ConditionalCheckFailedException"), "{refused}");
    let absent = execute(&cloud, "UPDATE tab SET n = 1 WHERE pk='a' AND sk=2").await.unwrap_err();
    assert!(absent.contains("ConditionalCheckFailedException"), "{absent}");

    let half = execute(&cloud, "UPDATE tab SET n = 1 WHERE pk='a'").await.unwrap_err();
    assert!(
        half.contains("Where clause does not contain a mandatory equality on all key attributes"),
        "{half}"
    );
    let key = execute(&cloud, "UPDATE tab SET sk = 2 WHERE pk='a' AND sk=1").await.unwrap_err();
    assert!(key.contains("Cannot update attribute sk. This attribute is part of the key"), "{key}");

    let deleted = execute(&cloud, "DELETE FROM tab WHERE pk='a' AND sk=1 RETURNING ALL OLD *").await.unwrap();
    assert_eq!(deleted[0]["m"], json!({"M":{"x":{"L":[{"S":"it's"}]},"y":{"S":"new"}}}));
    assert_eq!(execute(&cloud, "SELECT * FROM tab").await, Ok(json!([])));
    assert_eq!(execute(&cloud, "DELETE FROM tab WHERE pk='a' AND sk=1").await, Ok(json!([])));
}

#[tokio::test]
async fn selections_read_ranges_partitions_indexes_and_pages() {
    let cloud = with_table().await;
    for (pk, count) in [("a", 5), ("b", 3), ("c", 2)] {
        for sk in 1..=count {
            let input = json!({
                "Statement": "INSERT INTO tab VALUE {'pk':?,'sk':?,'g':'all','even':?}",
                "Parameters": [{"S":pk},{"N":sk.to_string()},{"BOOL":sk % 2 == 0}],
            });
            ask(&cloud, "ExecuteStatement", input).await.unwrap();
        }
    }
    let keys = |items: &Value| -> Vec<String> {
        let key = |item: &Value| {
            format!("{}{}", item["pk"]["S"].as_str().unwrap(), item["sk"]["N"].as_str().unwrap())
        };
        items.as_array().unwrap().iter().map(key).collect()
    };
    for (condition, expected) in [
        ("WHERE pk='a' AND sk BETWEEN 2 AND 4", vec!["a2", "a3", "a4"]),
        ("WHERE pk='a' AND sk > 2 AND even = true ORDER BY sk DESC", vec!["a4"]),
        ("WHERE pk='a' ORDER BY sk DESC", vec!["a5", "a4", "a3", "a2", "a1"]),
        ("WHERE pk IN ['b','c'] AND sk <= 2", vec!["b1", "b2", "c1", "c2"]),
        ("WHERE pk IN ('c','b') AND sk <= 1 ORDER BY pk DESC, sk", vec!["c1", "b1"]),
        ("WHERE pk='a' AND NOT (sk < 3 OR sk IN [4])", vec!["a3", "a5"]),
        ("WHERE pk='a' AND nothing IS NOT MISSING", vec![]),
    ] {
        let found = execute(&cloud, &format!("SELECT * FROM tab {condition}")).await.unwrap();
        assert_eq!(keys(&found), expected, "{condition}");
    }
    let by_index = execute(&cloud, "SELECT pk, sk FROM \"tab\".\"by-g\" WHERE g = 'all'").await.unwrap();
    assert_eq!(keys(&by_index).len(), 10);

    let statement = "SELECT * FROM tab WHERE pk IN ['a','b','c']";
    let (mut all, mut token) = (Vec::new(), Value::Null);
    loop {
        let mut input = json!({"Statement": statement, "Limit": 2});
        if !token.is_null() {
            input["NextToken"] = token;
        }
        let page = ask(&cloud, "ExecuteStatement", input).await.unwrap();
        all.extend(keys(&page["Items"]));
        token = page["NextToken"].clone();
        if token.is_null() {
            break;
        }
        let other = json!({"Statement": "SELECT * FROM tab", "NextToken": token});
        let other = ask(&cloud, "ExecuteStatement", other).await.unwrap_err();
        assert!(other.contains("ValidationException"), "{other}");
    }
    assert_eq!(all, ["a1", "a2", "a3", "a4", "a5", "b1", "b2", "b3", "c1", "c2"]);

    for (statement, told) in [
        ("SELECT * FROM tab.nothing", "The table does not have the specified index"),
        (
            "SELECT * FROM tab.\"by-g\" WHERE g='all' AND even = true",
            "Secondary index by-g does not project one or more filter attributes: [even]",
        ),
        (
            "SELECT even FROM tab.\"by-g\" WHERE g='all'",
            "Global secondary index by-g does not project [even]",
        ),
        (
            "SELECT * FROM tab ORDER BY sk",
            "Must have WHERE clause in the statement when using ORDER BY clause.",
        ),
        ("SELECT * FROM missing", "Requested resource not found"),
    ] {
        let text = execute(&cloud, statement).await.unwrap_err();
        assert!(text.contains(told), "{statement}: {text}");
    }
    let consistent = json!({"Statement": "SELECT * FROM tab.\"by-g\"", "ConsistentRead": true});
    let text = ask(&cloud, "ExecuteStatement", consistent).await.unwrap_err();
    assert!(text.contains("Strongly consistent read is not supported on Global Secondary Indexes"), "{text}");
}

#[tokio::test]
async fn batches_answer_each_statement() {
    let cloud = with_table().await;
    let input = json!({"Statements": [
        {"Statement": "INSERT INTO tab VALUE {'pk':'a','sk':1}"},
        {"Statement": "INSERT INTO tab VALUE {'pk':'a','sk':1}"},
        {"Statement": "UPDATE tab SET x = 1 WHERE pk='a' AND sk=9"},
        {"Statement": "UPDATE tab SET x = 1 WHERE pk='a' AND sk=1 RETURNING ALL NEW *"},
        {"Statement": "nonsense"},
        {"Statement": "INSERT INTO missing VALUE {'pk':'a'}"},
    ]});
    let answer = ask(&cloud, "BatchExecuteStatement", input).await.unwrap();
    let codes: Vec<&Value> =
        answer["Responses"].as_array().unwrap().iter().map(|one| &one["Error"]["Code"]).collect();
    assert_eq!(
        json!(codes),
        json!([null, "DuplicateItem", "ConditionalCheckFailed", null, "ValidationError", "ResourceNotFound"])
    );
    assert_eq!(answer["Responses"][0], json!({"TableName": "tab"}));
    assert_eq!(answer["Responses"][3]["Item"]["x"], json!({"N":"1"}));
    let input = json!({"Statements": [
        {"Statement": "SELECT * FROM tab WHERE pk='a' AND sk=1"},
        {"Statement": "SELECT * FROM tab WHERE pk='a'"},
        {"Statement": "SELECT * FROM tab WHERE pk='a' AND sk=2"},
    ]});
    let answer = ask(&cloud, "BatchExecuteStatement", input).await.unwrap();
    assert_eq!(answer["Responses"][0]["Item"]["x"], json!({"N":"1"}));
    assert_eq!(
        answer["Responses"][1]["Error"]["Message"],
        "Select statements within BatchExecuteStatement must specify the primary key in the where clause."
    );
    assert_eq!(answer["Responses"][2], json!({"TableName": "tab"}));
}

#[tokio::test]
async fn transactions_make_all_statements_or_none() {
    let cloud = with_table().await;
    execute(&cloud, "INSERT INTO tab VALUE {'pk':'a','sk':1,'n':1}").await.unwrap();
    let statements = |second: &str, token: &str| {
        json!({
            "TransactStatements": [
                {"Statement": "UPDATE tab SET n = n + 1 WHERE pk='a' AND sk=1"},
                {"Statement": second},
            ],
            "ClientRequestToken": token,
        })
    };
    let refused =
        ask(&cloud, "ExecuteTransaction", statements("INSERT INTO tab VALUE {'pk':'a','sk':1}", "one")).await;
    assert!(refused.unwrap_err().contains("multiple operations on one item"));
    execute(&cloud, "INSERT INTO tab VALUE {'pk':'b','sk':1}").await.unwrap();
    let refused =
        ask(&cloud, "ExecuteTransaction", statements("INSERT INTO tab VALUE {'pk':'b','sk':1}", "two")).await;
    let refused = refused.unwrap_err();
    assert!(refused.contains("[None, DuplicateItem]"), "{refused}");
    let done = statements("INSERT INTO tab VALUE {'pk':'c','sk':1}", "three");
    for _ in 0..2 {
        let answer = ask(&cloud, "ExecuteTransaction", done.clone()).await.unwrap();
        assert_eq!(answer, json!({"Responses": [{}, {}]}));
    }
    let exists = "EXISTS(SELECT * FROM tab WHERE pk='b' AND sk=1 AND n IS MISSING)";
    ask(&cloud, "ExecuteTransaction", statements(exists, "four")).await.unwrap();
    let read = json!({"TransactStatements": [
        {"Statement": "SELECT n FROM tab WHERE pk='a' AND sk=1"},
        {"Statement": "SELECT * FROM tab WHERE pk='z' AND sk=1"},
    ]});
    let answer = ask(&cloud, "ExecuteTransaction", read).await.unwrap();
    assert_eq!(answer, json!({"Responses": [{"Item": {"n": {"N": "3"}}}, {}]}));
    for (statement, told) in [
        ("SELECT * FROM tab WHERE pk='a'", "must specify the primary key in the where clause."),
        ("SELECT * FROM tab.\"by-g\" WHERE g='a'", "Reads on indices are not supported within transactions."),
        (
            "DELETE FROM tab WHERE pk='a' AND sk=1 RETURNING ALL OLD *",
            "Validation failed in TransactStatements[0]: RETURNING clause is not supported in ExecuteTransaction.",
        ),
    ] {
        let input = json!({"TransactStatements": [{"Statement": statement}]});
        let text = ask(&cloud, "ExecuteTransaction", input).await.unwrap_err();
        assert!(text.contains(told), "{statement}: {text}");
    }
}
