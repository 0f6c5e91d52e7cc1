"""Items: the boto3 client and resource, conditions, queries, scans, batches, transactions."""

import signal
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import boto3
import pytest
from boto3.dynamodb.conditions import Attr, Key
from cloud import refused

KEYS = {
    "AttributeDefinitions": [
        {"AttributeName": "pk", "AttributeType": "S"},
        {"AttributeName": "sk", "AttributeType": "N"},
        {"AttributeName": "owner", "AttributeType": "S"},
    ],
    "KeySchema": [
        {"AttributeName": "pk", "KeyType": "HASH"},
        {"AttributeName": "sk", "KeyType": "RANGE"},
    ],
    "GlobalSecondaryIndexes": [
        {
            "IndexName": "by-owner",
            "KeySchema": [
                {"AttributeName": "owner", "KeyType": "HASH"},
                {"AttributeName": "sk", "KeyType": "RANGE"},
            ],
            "Projection": {"ProjectionType": "ALL"},
        }
    ],
    "BillingMode": "PAY_PER_REQUEST",
}


@pytest.fixture
def db(account):
    client = account.client("dynamodb")
    client.create_table(TableName="things", **KEYS)
    client.get_waiter("table_exists").wait(TableName="things", WaiterConfig={"Delay": 1, "MaxAttempts": 20})
    return client


@pytest.fixture
def table(account, db):
    resource = boto3.resource(
        "dynamodb",
        endpoint_url=account.cloud.endpoint,
        region_name=account.region,
        aws_access_key_id=account.id,
        aws_secret_access_key="secret",
    )
    return resource.Table("things")


def key(pk, sk):
    return {"pk": {"S": pk}, "sk": {"N": str(sk)}}


def test_every_type_comes_back_as_it_was(table):
    item = {
        "pk": "types",
        "sk": Decimal(1),
        "number": Decimal("-123456789012345678901234567890.12345678"),
        "binary": b"\x00\xff",
        "yes": True,
        "nothing": None,
        "list": [Decimal(1), "two", [b"3"], {}],
        "map": {"a": {"b": {"c": [None]}}},
        "strings": {"a", "b", ""},
        "numbers": {Decimal(1), Decimal("1E+30")},
        "binaries": {b"a", b"b"},
        "empty": "",
    }
    table.put_item(Item=item)
    assert table.get_item(Key={"pk": "types", "sk": 1})["Item"] == item


def test_conditions_and_return_values(db, table):
    table.put_item(Item={"pk": "a", "sk": 1, "n": 1}, ConditionExpression=Attr("pk").not_exists())
    with refused("ConditionalCheckFailedException", 400, "The conditional request failed") as error:
        db.put_item(
            TableName="things",
            Item=key("a", 1),
            ConditionExpression="attribute_not_exists(pk)",
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
    assert error.response["Item"]["n"] == {"N": "1"}
    changed = table.update_item(
        Key={"pk": "a", "sk": 1},
        UpdateExpression="SET #n = #n + :one, l = list_append(if_not_exists(l, :none), :more) REMOVE gone ADD tags :tags",
        ConditionExpression=Attr("n").between(1, 5),
        ExpressionAttributeNames={"#n": "n"},
        ExpressionAttributeValues={":one": 1, ":none": [], ":more": ["x"], ":tags": {"t"}},
        ReturnValues="ALL_NEW",
    )
    assert changed["Attributes"] == {"pk": "a", "sk": 1, "n": 2, "l": ["x"], "tags": {"t"}}
    gone = table.delete_item(Key={"pk": "a", "sk": 1}, ReturnValues="ALL_OLD")
    assert gone["Attributes"]["n"] == 2
    assert "Item" not in table.get_item(Key={"pk": "a", "sk": 1})


def test_queries_and_scans_page_through_everything(account, db, table):
    with table.batch_writer() as batch:
        for number in range(60):
            batch.put_item(Item={"pk": f"p{number % 3}", "sk": number, "owner": f"o{number % 2}", "filling": "x" * 100})
    mine = table.query(KeyConditionExpression=Key("pk").eq("p1") & Key("sk").gte(30), ScanIndexForward=False)
    assert [int(item["sk"]) for item in mine["Items"]] == list(range(58, 29, -3))
    pages = db.get_paginator("query").paginate(
        TableName="things",
        IndexName="by-owner",
        KeyConditionExpression="#o = :o",
        FilterExpression="sk > :least OR begins_with(filling, :never)",
        ExpressionAttributeNames={"#o": "owner"},
        ExpressionAttributeValues={":o": {"S": "o1"}, ":least": {"N": "9"}, ":never": {"S": "y"}},
        ProjectionExpression="filling, pk",
        PaginationConfig={"PageSize": 7},
    )
    with refused("ValidationException", 400, "Filter Expression can only contain non-primary key attributes"):
        list(pages)
    pages = db.get_paginator("query").paginate(
        TableName="things",
        IndexName="by-owner",
        KeyConditionExpression="#o = :o",
        ExpressionAttributeNames={"#o": "owner"},
        ExpressionAttributeValues={":o": {"S": "o1"}},
        PaginationConfig={"PageSize": 7},
    )
    found = [page["Items"] for page in pages]
    assert [len(page) for page in found] == [7, 7, 7, 7, 2]
    assert [int(item["sk"]["N"]) for page in found for item in page] == list(range(1, 60, 2))
    scanned = []
    for segment in range(4):
        for page in db.get_paginator("scan").paginate(
            TableName="things", Segment=segment, TotalSegments=4, PaginationConfig={"PageSize": 5}
        ):
            scanned += [item["sk"]["N"] for item in page["Items"]]
    assert sorted(map(int, scanned)) == list(range(60))
    filtered = table.scan(FilterExpression=Attr("sk").is_in([1, 2, 99]) & Attr("filling").contains("x"), Select="COUNT")
    assert (filtered["Count"], filtered["ScannedCount"]) == (2, 60)


def test_batches(db):
    requests = [{"PutRequest": {"Item": {**key("b", n), "v": {"S": "x"}}}} for n in range(25)]
    assert db.batch_write_item(RequestItems={"things": requests})["UnprocessedItems"] == {}
    keys = [key("b", n) for n in range(30)]
    got = db.batch_get_item(RequestItems={"things": {"Keys": keys, "ConsistentRead": True}})
    assert len(got["Responses"]["things"]) == 25
    assert got["UnprocessedKeys"] == {}
    with refused("ValidationException", 400, "Provided list of item keys contains duplicates"):
        db.batch_get_item(RequestItems={"things": {"Keys": [key("b", 1), key("b", "1.0")]}})
    with refused("ValidationException", 400, "Member must have length less than or equal to 25"):
        db.batch_write_item(RequestItems={"things": [*requests, {"DeleteRequest": {"Key": key("b", 99)}}]})


def test_large_batches_leave_a_rest_that_can_be_asked_for(db):
    for n in range(45):
        db.put_item(TableName="things", Item={**key("large", n), "v": {"B": b"x" * 390_000}})
    asked = {"things": {"Keys": [key("large", n) for n in range(45)]}}
    found = 0
    rounds = 0
    while asked:
        answer = db.batch_get_item(RequestItems=asked)
        found += len(answer["Responses"]["things"])
        asked = answer["UnprocessedKeys"]
        rounds += 1
    assert (found, rounds) == (45, 2)


def test_deep_requests_are_told_in_the_older_words(db):
    deep = {"S": "leaf"}
    for _ in range(70):
        deep = {"M": {"n": deep}}
    values = r"'returnValues' .* enum value set: \[ALL_NEW, UPDATED_OLD, ALL_OLD, NONE, UPDATED_NEW\]"
    with refused("ValidationException", 400, values):
        db.delete_item(TableName="things", Key={"pk": deep}, ReturnValues="LATER")
    with refused("ValidationException", 400, "Nesting Levels have exceeded supported limits"):
        db.put_item(TableName="things", Item={"pk": {"S": "a"}, "sk": {"N": "1"}, "d": deep})


def test_an_index_may_have_several_key_attributes(account):
    db = account.client("dynamodb")
    names = ["pk", "tenant", "kind", "year", "place"]
    db.create_table(
        TableName="several",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[
            {"AttributeName": name, "AttributeType": "N" if name in ("year", "place") else "S"} for name in names
        ],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "ranks",
                "KeySchema": [
                    {"AttributeName": "tenant", "KeyType": "HASH"},
                    {"AttributeName": "kind", "KeyType": "HASH"},
                    {"AttributeName": "year", "KeyType": "RANGE"},
                    {"AttributeName": "place", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
    )
    rows = [
        ("a", "t", "k", 2024, 10),
        ("b", "t", "k", 2024, 9),
        ("c", "t", "k", 2023, 1),
        ("d", "t", "other", 2024, 1),
    ]
    for pk, tenant, kind, year, place in rows:
        item = {"pk": {"S": pk}, "tenant": {"S": tenant}, "kind": {"S": kind}}
        db.put_item(TableName="several", Item=item | {"year": {"N": str(year)}, "place": {"N": str(place)}})

    def query(condition, **values):
        values = {f":{name}": {"N" if isinstance(value, int) else "S": str(value)} for name, value in values.items()}
        names = {"ExpressionAttributeNames": {"#y": "year"}} if "#y" in condition else {}
        found = db.query(
            TableName="several",
            IndexName="ranks",
            KeyConditionExpression=condition,
            ExpressionAttributeValues=values,
            **names,
        )
        return [item["pk"]["S"] for item in found["Items"]]

    assert query("tenant = :t AND kind = :k", t="t", k="k") == ["c", "b", "a"]
    assert query("kind = :k AND tenant = :t AND #y = :y AND place > :r", t="t", k="k", y=2024, r=9) == ["a"]
    with refused("ValidationException", 400, "HASH key attributes kind must have equality conditions"):
        query("tenant = :t", t="t")


def test_transactions(db):
    db.transact_write_items(
        TransactItems=[
            {"Put": {"TableName": "things", "Item": {**key("t", 1), "n": {"N": "1"}}}},
            {"Put": {"TableName": "things", "Item": {**key("t", 2), "n": {"N": "1"}}}},
        ]
    )
    add = {"UpdateExpression": "ADD n :v", "ExpressionAttributeValues": {":v": {"N": "1"}}}
    with refused("TransactionCanceledException", 400) as error:
        db.transact_write_items(
            TransactItems=[
                {"Update": {"TableName": "things", "Key": key("t", 1), **add}},
                {
                    "ConditionCheck": {
                        "TableName": "things",
                        "Key": key("t", 2),
                        "ConditionExpression": "n > :v",
                        "ExpressionAttributeValues": {":v": {"N": "5"}},
                        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
                    }
                },
            ]
        )
    reasons = error.response["CancellationReasons"]
    assert [reason["Code"] for reason in reasons] == ["None", "ConditionalCheckFailed"]
    assert reasons[1]["Item"]["n"] == {"N": "1"}
    got = db.transact_get_items(
        TransactItems=[{"Get": {"TableName": "things", "Key": key("t", n)}} for n in (1, 2, 3)]
    )["Responses"]
    assert [response.get("Item", {}).get("n") for response in got] == [{"N": "1"}, {"N": "1"}, None]


def test_counters_lose_nothing_under_concurrency(account, db):
    def add(_):
        db.update_item(
            TableName="things",
            Key=key("hot", 1),
            UpdateExpression="ADD n :v",
            ExpressionAttributeValues={":v": {"N": "1"}},
        )

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(add, range(200)))
    assert db.get_item(TableName="things", Key=key("hot", 1))["Item"]["n"] == {"N": "200"}


def test_items_indexes_and_transactions_survive_a_kill(own_cloud):
    account = own_cloud.account()
    db = account.client("dynamodb")
    db.create_table(TableName="things", **KEYS)
    for n in range(20):
        db.put_item(TableName="things", Item={**key("k", n), "owner": {"S": f"o{n % 2}"}})
    db.transact_write_items(
        TransactItems=[
            {"Delete": {"TableName": "things", "Key": key("k", 0)}},
            {"Put": {"TableName": "things", "Item": {**key("k", 20), "owner": {"S": "o0"}}}},
        ]
    )
    own_cloud.stop(signal.SIGKILL)
    own_cloud.start()
    db = own_cloud.account().client("dynamodb", endpoint_url=own_cloud.endpoint, aws_access_key_id=account.id)
    items = db.scan(TableName="things")["Items"]
    assert sorted(int(item["sk"]["N"]) for item in items) == list(range(1, 21))
    indexed = db.scan(TableName="things", IndexName="by-owner")["Items"]
    assert sorted(map(str, indexed)) == sorted(map(str, items))
