//! What is set on a table and read back.

use expect_test::expect;

use super::{answers, cloud, create};

const ARN: &str = "arn:aws:dynamodb:us-east-1:111122223333:table/notes";

#[tokio::test]
async fn tags_come_and_go() {
    let cloud = cloud();
    create(&cloud, "notes", "").await;
    let text = answers(
        &cloud,
        &[
            &format!(r#"TagResource {{"ResourceArn": "{ARN}", "Tags": [{{"Key": "a", "Value": "1"}}, {{"Key": "b", "Value": ""}}]}}"#),
            &format!(r#"UntagResource {{"ResourceArn": "{ARN}", "TagKeys": ["b"]}}"#),
            &format!(r#"ListTagsOfResource {{"ResourceArn": "{ARN}"}}"#),
            &format!(r#"TagResource {{"ResourceArn": "{ARN}", "Tags": [{{"Key": "aws:a", "Value": "1"}}]}}"#),
            &format!(r#"TagResource {{"ResourceArn": "{ARN}", "Tags": []}}"#),
            r#"ListTagsOfResource {"ResourceArn": "notes"}"#,
            &format!(r#"ListTagsOfResource {{"ResourceArn": "{ARN}-x"}}"#),
        ],
    )
    .await;
    expect![[r#"
        {}
        {}
        { "Tags": [ { "Key": "a", "Value": "1" } ] }
        ValidationException: Tag Key cannot be prefixed with aws:, Key: aws:a
        ValidationException: Atleast one Tag needs to be provided as Input.
        ValidationException: One or more parameter values were invalid: ARNs must start with 'arn:': notes
        ResourceNotFoundException: Requested resource not found: ResourcArn: arn:aws:dynamodb:us-east-1:111122223333:table/notes-x not found
    "#]].assert_eq(&text);
}

#[tokio::test]
async fn time_to_live_names_one_attribute() {
    let cloud = cloud();
    create(&cloud, "notes", "").await;
    let set = |enabled: bool, attribute: &str| {
        format!(
            r#"UpdateTimeToLive {{"TableName": "notes", "TimeToLiveSpecification": {{"Enabled": {enabled}, "AttributeName": "{attribute}"}}}}"#
        )
    };
    let describe = r#"DescribeTimeToLive {"TableName": "notes"}"#;
    let text = answers(
        &cloud,
        &[
            describe,
            &set(false, "ttl"),
            &set(true, "ttl"),
            describe,
            &set(true, "ttl"),
            &set(true, "other"),
            &set(false, "ttl"),
            describe,
        ],
    )
    .await;
    expect![[r#"
        { "TimeToLiveDescription": { "TimeToLiveStatus": "DISABLED" } }
        ValidationException: TimeToLive is already disabled
        { "TimeToLiveSpecification": { "AttributeName": "ttl", "Enabled": true } }
        { "TimeToLiveDescription": { "AttributeName": "ttl", "TimeToLiveStatus": "ENABLED" } }
        ValidationException: TimeToLive is already enabled
        ValidationException: TimeToLive is active on a different AttributeName: current AttributeName is ttl
        { "TimeToLiveSpecification": { "AttributeName": "ttl", "Enabled": false } }
        { "TimeToLiveDescription": { "TimeToLiveStatus": "DISABLED" } }
    "#]]
    .assert_eq(&text);
}

#[tokio::test]
async fn point_in_time_recovery_tells_what_can_be_restored() {
    let cloud = cloud();
    create(&cloud, "notes", "").await;
    let set = |specification: &str| {
        format!(
            r#"UpdateContinuousBackups {{"TableName": "notes", "PointInTimeRecoverySpecification": {{{specification}}}}}"#
        )
    };
    let before = answers(&cloud, &[r#"DescribeContinuousBackups {"TableName": "notes"}"#]).await;
    let enabled =
        answers(&cloud, &[&set(r#""PointInTimeRecoveryEnabled": true, "RecoveryPeriodInDays": 2"#)]).await;
    cloud.advance_millis(3 * 24 * 60 * 60 * 1_000);
    let later = answers(
        &cloud,
        &[
            r#"DescribeContinuousBackups {"TableName": "notes"}"#,
            &set(r#""PointInTimeRecoveryEnabled": false, "RecoveryPeriodInDays": 2"#),
            &set(r#""PointInTimeRecoveryEnabled": false"#),
            r#"DescribeContinuousBackups {"TableName": "nothing"}"#,
        ],
    )
    .await;
    expect![[r#"
        { "ContinuousBackupsDescription": { "ContinuousBackupsStatus": "ENABLED", "PointInTimeRecoveryDescription": { "PointInTimeRecoveryStatus": "DISABLED" } } }
        { "ContinuousBackupsDescription": { "ContinuousBackupsStatus": "ENABLED", "PointInTimeRecoveryDescription": { "EarliestRestorableDateTime": "2026-01-02T03:04:05Z", "LatestRestorableDateTime": "2026-01-02T03:04:05Z", "PointInTimeRecoveryStatus": "ENABLED", "RecoveryPeriodInDays": 2 } } }
        { "ContinuousBackupsDescription": { "ContinuousBackupsStatus": "ENABLED", "PointInTimeRecoveryDescription": { "EarliestRestorableDateTime": "2026-01-03T03:04:05Z", "LatestRestorableDateTime": "2026-01-05T03:04:05Z", "PointInTimeRecoveryStatus": "ENABLED", "RecoveryPeriodInDays": 2 } } }
        ValidationException: Invalid Request: Cannot specify RecoveryPeriodInDays when disabling point-in-time recovery.
        { "ContinuousBackupsDescription": { "ContinuousBackupsStatus": "ENABLED", "PointInTimeRecoveryDescription": { "PointInTimeRecoveryStatus": "DISABLED" } } }
        TableNotFoundException: Table not found: nothing
    "#]].assert_eq(&[before, enabled, later].concat());
}

#[tokio::test]
async fn policies_have_revisions() {
    let cloud = cloud();
    create(&cloud, "notes", "").await;
    let policy = r#"{\"Version\": \"2012-10-17\", \"Statement\": [{\"Effect\": \"Allow\"}]}"#;
    let put = |policy: &str, more: &str| {
        format!(r#"PutResourcePolicy {{"ResourceArn": "{ARN}", "Policy": "{policy}"{more}}}"#)
    };
    let get = format!(r#"GetResourcePolicy {{"ResourceArn": "{ARN}"}}"#);
    let text = answers(
        &cloud,
        &[
            &get,
            &put(policy, r#", "ExpectedRevisionId": "NO_POLICY""#),
            &get,
            &put(policy, r#", "ExpectedRevisionId": "7""#),
            &put("nothing", ""),
            &format!(r#"DeleteResourcePolicy {{"ResourceArn": "{ARN}"}}"#),
        ],
    )
    .await;
    expect![[r#"
        PolicyNotFoundException: Resource-based policy not found for the provided ResourceArn: Requested policy not found: Table: notes not found
        { "RevisionId": "176732304500000000000000000000012" }
        { "Policy": "{\"Version\": \"2012-10-17\", \"Statement\": [{\"Effect\": \"Allow\"}]}", "RevisionId": "176732304500000000000000000000012" }
        PolicyNotFoundException: Resource-based policy not found for the provided ResourceArn: Policy update requested with an invalid Policy RevisionId
        ValidationException: One or more parameter values were invalid: Invalid policy document: This policy contains invalid Json
        { "RevisionId": "176732304500000000000000000000012" }
    "#]].assert_eq(&text);
}

#[tokio::test]
async fn the_rest_reads_back() {
    let cloud = cloud();
    create(&cloud, "notes", "").await;
    let text = answers(
        &cloud,
        &[
            "DescribeLimits {}",
            "DescribeEndpoints {}",
            r#"UpdateContributorInsights {"TableName": "notes", "ContributorInsightsAction": "ENABLE"}"#,
            r#"DescribeContributorInsights {"TableName": "notes"}"#,
            "ListContributorInsights {}",
            r#"DescribeKinesisStreamingDestination {"TableName": "notes"}"#,
            "ListGlobalTables {}",
            r#"DescribeGlobalTable {"GlobalTableName": "notes"}"#,
            r#"CreateGlobalTable {"GlobalTableName": "notes", "ReplicationGroup": []}"#,
        ],
    )
    .await;
    expect![[r#"
        { "AccountMaxReadCapacityUnits": 80000, "AccountMaxWriteCapacityUnits": 80000, "TableMaxReadCapacityUnits": 40000, "TableMaxWriteCapacityUnits": 40000 }
        { "Endpoints": [ { "Address": "127.0.0.1:4566", "CachePeriodInMinutes": 1440 } ] }
        { "ContributorInsightsStatus": "ENABLING", "TableName": "notes" }
        { "ContributorInsightsStatus": "ENABLED", "LastUpdateDateTime": "2026-01-02T03:04:05Z", "TableName": "notes" }
        { "ContributorInsightsSummaries": [ { "ContributorInsightsStatus": "ENABLED", "TableName": "notes" } ] }
        { "KinesisDataStreamDestinations": [], "TableName": "notes" }
        { "GlobalTables": [] }
        GlobalTableNotFoundException: Global table not found: Global table with name: 'notes' does not exist.
        NotImplemented: Cloudling does not implement dynamodb:CreateGlobalTable yet.
    "#]].assert_eq(&text);
}

#[tokio::test]
async fn tables_change_under_the_rules_of_update_table() {
    let cloud = cloud();
    create(&cloud, "notes", "").await;
    let update = |members: &str| format!(r#"UpdateTable {{"TableName": "notes", {members}}}"#);
    let text = answers(
        &cloud,
        &[
            r#"UpdateTable {"TableName": "notes"}"#,
            &update(r#""DeletionProtectionEnabled": true"#),
            r#"DeleteTable {"TableName": "notes"}"#,
            &update(r#""BillingMode": "PROVISIONED""#),
            &update(r#""ProvisionedThroughput": {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}"#),
            &update(r#""StreamSpecification": {"StreamEnabled": false}"#),
            &update(r#""StreamSpecification": {"StreamEnabled": true}"#),
            &update(r#""TableClass": "STANDARD", "SSESpecification": {"Enabled": true}"#),
            &update(r#""GlobalSecondaryIndexUpdates": [{"Delete": {"IndexName": "none"}}]"#),
            &update(r#""GlobalSecondaryIndexUpdates": []"#),
            &update(
                r#""GlobalSecondaryIndexUpdates": [{"Create": {"IndexName": "by-b", "KeySchema":
                [{"AttributeName": "b", "KeyType": "HASH"}], "Projection": {"ProjectionType": "ALL"}}}]"#,
            ),
            &update(r#""SSESpecification": {"Enabled": false}"#),
            r#"UpdateTable {"TableName": "nothing", "TableClass": "STANDARD"}"#,
        ],
    )
    .await;
    let refusals: String =
        text.lines().filter(|line| line.contains("Exception: ")).map(|line| format!("{line}\n")).collect();
    expect![[r#"
        ValidationException: At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, GlobalSecondaryIndexUpdates, SSESpecification, ReplicaUpdates, MultiAccountReplicaReady, ReplicaTransitRoleArn, MultiRegionConsistency, DeletionProtectionEnabled, OnDemandThroughput, WarmThroughput or TableClass is required
        ValidationException: Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection first.
        ValidationException: One or more parameter values were invalid: ProvisionedThroughput must be specified when BillingMode is PROVISIONED
        ValidationException: One or more parameter values were invalid: Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST
        ValidationException: Table has no stream to disable: TableName: notes
        ValidationException: One or more parameter values were invalid: If stream is being enabled then UpdateViewType is required
        ValidationException: One or more parameter values were invalid: Server-Side Encryption modification must be the only operation in the request
        ResourceNotFoundException: Requested resource not found: Index: none not found
        ValidationException: One or more parameter values were invalid: List of GlobalSecondaryIndexUpdates is empty
        ValidationException: One or more parameter values were invalid: AttributeDefinitions is not specified for index: by-b
        ValidationException: One or more parameter values were invalid: Table is already encrypted by default
        ResourceNotFoundException: Requested resource not found: Table: nothing not found
    "#]].assert_eq(&refusals);
}
