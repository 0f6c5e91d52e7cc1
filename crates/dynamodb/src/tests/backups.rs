//! Backups, restores, and the past.

use serde_json::{Value, json};
use testkit::Cloud;

use super::background::call;
use super::{cloud, create};

const DAY_MILLIS: i64 = 24 * 60 * 60 * 1_000;

const INDEXED: &str = r#", "GlobalSecondaryIndexes": [{"IndexName": "by-pk", "KeySchema":
    [{"AttributeName": "pk", "KeyType": "HASH"}], "Projection": {"ProjectionType": "ALL"}}]"#;

async fn put(cloud: &Cloud, key: &str, value: &str) {
    let item = json!({"pk": {"S": key}, "a": {"S": value}});
    let answer = call(cloud, "dynamodb", "PutItem", json!({"TableName": "notes", "Item": item})).await;
    assert_eq!(answer, json!({}));
}

async fn delete(cloud: &Cloud, key: &str) {
    let input = json!({"TableName": "notes", "Key": {"pk": {"S": key}}});
    assert_eq!(call(cloud, "dynamodb", "DeleteItem", input).await, json!({}));
}

/// `key=value` of all items of a table, or of one of its indexes, sorted.
async fn contents(cloud: &Cloud, table: &str, index: Option<&str>) -> Vec<String> {
    let mut input = json!({"TableName": table});
    if let Some(index) = index {
        input["IndexName"] = index.into();
    }
    let answer = call(cloud, "dynamodb", "Scan", input).await;
    let items = answer["Items"].as_array().unwrap_or_else(|| panic!("{answer}"));
    let text =
        |item: &Value| format!("{}={}", item["pk"]["S"].as_str().unwrap(), item["a"]["S"].as_str().unwrap());
    let mut all: Vec<String> = items.iter().map(text).collect();
    all.sort();
    all
}

async fn back_up(cloud: &Cloud, name: &str) -> String {
    let created =
        call(cloud, "dynamodb", "CreateBackup", json!({"TableName": "notes", "BackupName": name})).await;
    assert_eq!(created["BackupDetails"]["BackupStatus"], "CREATING", "{created}");
    created["BackupDetails"]["BackupArn"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_backup_is_the_table_of_its_moment() {
    let cloud = cloud();
    create(&cloud, "notes", INDEXED).await;
    for number in 0..150 {
        put(&cloud, &number.to_string(), "before").await;
    }
    let backup = back_up(&cloud, "first").await;
    put(&cloud, "0", "after").await;
    delete(&cloud, "1").await;
    let described = call(&cloud, "dynamodb", "DescribeBackup", json!({"BackupArn": backup})).await;
    let described = &described["BackupDescription"];
    assert_eq!(described["BackupDetails"]["BackupStatus"], "AVAILABLE");
    assert_eq!(described["SourceTableDetails"]["ItemCount"], 150);
    // The table itself is not needed any more.
    call(&cloud, "dynamodb", "DeleteTable", json!({"TableName": "notes"})).await;
    let restore = json!({"BackupArn": backup, "TargetTableName": "copy"});
    let restored = call(&cloud, "dynamodb", "RestoreTableFromBackup", restore.clone()).await;
    let description = &restored["TableDescription"];
    assert_eq!(description["TableStatus"], "CREATING", "{restored}");
    assert_eq!(description["RestoreSummary"]["RestoreInProgress"], true);
    let table = contents(&cloud, "copy", None).await;
    assert_eq!(table.len(), 150);
    assert!(table.contains(&"0=before".to_owned()) && table.contains(&"1=before".to_owned()));
    assert_eq!(contents(&cloud, "copy", Some("by-pk")).await, table);
    let described = call(&cloud, "dynamodb", "DescribeTable", json!({"TableName": "copy"})).await;
    assert_eq!(described["Table"]["ItemCount"], 150);
    assert_eq!(described["Table"]["RestoreSummary"]["SourceBackupArn"], backup.as_str());
    assert_eq!(described["Table"]["GlobalSecondaryIndexes"][0]["ItemCount"], 150);

    let again = call(&cloud, "dynamodb", "RestoreTableFromBackup", restore).await;
    assert_eq!(again, "TableAlreadyExistsException: Table already exists: copy");
    let other = json!({"BackupArn": backup, "TargetTableName": "other", "GlobalSecondaryIndexOverride":
        [{"IndexName": "none", "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
          "Projection": {"ProjectionType": "ALL"}}]});
    let refused = call(&cloud, "dynamodb", "RestoreTableFromBackup", other).await;
    assert!(refused.as_str().unwrap().contains("Index none does not match a secondary index"), "{refused}");
    let without =
        json!({"BackupArn": backup, "TargetTableName": "other", "GlobalSecondaryIndexOverride": []});
    let restored = call(&cloud, "dynamodb", "RestoreTableFromBackup", without).await;
    assert!(restored["TableDescription"].get("GlobalSecondaryIndexes").is_none());

    let deleted = call(&cloud, "dynamodb", "DeleteBackup", json!({"BackupArn": backup})).await;
    assert_eq!(deleted["BackupDescription"]["BackupDetails"]["BackupStatus"], "DELETED");
    let gone = call(&cloud, "dynamodb", "DescribeBackup", json!({"BackupArn": backup})).await;
    assert_eq!(gone, format!("BackupNotFoundException: Backup not found: {backup}"));
    assert!(cloud.platform.blobs().list().await.unwrap().is_empty());
}

#[tokio::test]
async fn backups_are_listed_by_time_table_and_page() {
    let cloud = cloud();
    create(&cloud, "notes", "").await;
    for name in ["one", "two", "three"] {
        back_up(&cloud, name).await;
        cloud.advance_millis(DAY_MILLIS);
    }
    let list = async |more: Value| {
        let answer = call(&cloud, "dynamodb", "ListBackups", more).await;
        let Some(all) = answer["BackupSummaries"].as_array() else { return (vec![answer.to_string()], None) };
        let names: Vec<String> =
            all.iter().map(|one| one["BackupName"].as_str().unwrap().to_owned()).collect();
        (names, answer.get("LastEvaluatedBackupArn").cloned())
    };
    assert_eq!(list(json!({})).await.0, ["one", "two", "three"]);
    assert_eq!(list(json!({"TableName": "other"})).await.0, [""; 0]);
    assert_eq!(list(json!({"BackupType": "SYSTEM"})).await.0, [""; 0]);
    let (first, last) = list(json!({"Limit": 2})).await;
    assert_eq!(first, ["one", "two"]);
    assert_eq!(list(json!({"ExclusiveStartBackupArn": last.unwrap()})).await, (vec!["three".into()], None));
    let second = testkit::START_EPOCH_MILLIS + DAY_MILLIS;
    let at = |millis: i64| wire::Document::Time(wire::Timestamp::from_epoch_millis(millis));
    let bounds = wire::Document::map([
        ("TimeRangeLowerBound", at(second)),
        ("TimeRangeUpperBound", at(second + DAY_MILLIS)),
    ]);
    let reply = cloud.call("dynamodb", "ListBackups", bounds).await.unwrap().document.to_json();
    assert_eq!(reply["BackupSummaries"].as_array().unwrap().len(), 1);
    assert_eq!(reply["BackupSummaries"][0]["BackupName"], "two");
}

#[tokio::test]
async fn a_moment_of_the_past_comes_back() {
    let cloud = cloud();
    create(&cloud, "notes", INDEXED).await;
    put(&cloud, "from before", "1").await;
    let refused = restore(&cloud, "copy", None).await;
    assert!(refused.as_str().unwrap().starts_with("PointInTimeRecoveryUnavailableException: "), "{refused}");
    let enable = json!({"TableName": "notes",
        "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": true}});
    call(&cloud, "dynamodb", "UpdateContinuousBackups", enable).await;
    put(&cloud, "x", "1").await;
    put(&cloud, "y", "1").await;
    cloud.advance_millis(10_000);
    let moment = testkit::START_EPOCH_MILLIS + 5_000;
    put(&cloud, "x", "2").await;
    put(&cloud, "x", "3").await;
    delete(&cloud, "y").await;
    put(&cloud, "z", "1").await;
    delete(&cloud, "from before").await;
    restore(&cloud, "then", Some(moment)).await;
    assert_eq!(contents(&cloud, "then", None).await, ["from before=1", "x=1", "y=1"]);
    assert_eq!(contents(&cloud, "then", Some("by-pk")).await, ["from before=1", "x=1", "y=1"]);
    restore(&cloud, "now", None).await;
    assert_eq!(contents(&cloud, "now", None).await, ["x=3", "z=1"]);
    let early = restore(&cloud, "early", Some(testkit::START_EPOCH_MILLIS - 60_000)).await;
    assert!(early.as_str().unwrap().starts_with("InvalidRestoreTimeException: "), "{early}");
}

async fn restore(cloud: &Cloud, to: &str, moment: Option<i64>) -> Value {
    let mut input = wire::Map::default();
    input.insert("SourceTableName".into(), "notes".into());
    input.insert("TargetTableName".into(), to.into());
    match moment {
        Some(millis) => {
            let time = wire::Timestamp::from_epoch_millis(millis);
            input.insert("RestoreDateTime".into(), wire::Document::Time(time))
        }
        None => input.insert("UseLatestRestorableTime".into(), true.into()),
    };
    let answer = cloud.call("dynamodb", "RestoreTableToPointInTime", wire::Document::Map(input)).await;
    match answer {
        Ok(reply) => reply.document.to_json(),
        Err(failure) => failure.to_string().into(),
    }
}
